//! What to type where the program of a `ProxyCommand` makes no connection.

use super::super::super::{Place, Step, naming, quoted, quoted_option};
use super::{first_word, is_assignment, program, runs_nothing, unreached};
use crate::facts::proxy::Program;
use crate::facts::text::escape;
use crate::facts::{Facts, Target};
use crate::openssh::proxies::programs::{Known, Named, named};
use crate::openssh::proxies::sayings::{self, Meaning};

/// Where `ProxyCommand` may stand.
const FILES: &str = "grep -rin proxycommand ~/.ssh/config /etc/ssh/ssh_config /etc/ssh/ssh_config.d";

/// The command that runs the program by itself; `None` where it cannot be shown as it is, and where only a paste names it:
/// nobody is to run a word of that who has not read it.
pub(super) fn alone(facts: &Facts, program: &Program) -> Option<String> {
    if facts.is_read() {
        return None;
    }
    let command = program.command.as_str().filter(|command| escape(command.as_bytes()) == **command)?;
    let shell = program.shell.as_str().filter(|shell| !shell.is_empty())?;
    // Its input stays open for a while, as with ssh: many end with it. Where a list would run on without it, ssh's exec
    // has to be there.
    let exec = if unreached(program).is_some() { "exec " } else { "" };
    Some(format!("sleep 5 | {} -c {}", quoted(shell), quoted(&format!("{exec}{command}"))))
}

pub(super) fn commands(facts: &Facts) -> Vec<Step> {
    let Some(program) = program(facts) else {
        let why = "shows where the command stands; of the tokens ssh knows %h, %p, %r, %n, %k there, and %% for a %";
        return vec![where_it_stands(facts, why)];
    };
    if program.unstarted.is_some() || runs_nothing(program) {
        let destination = naming::destination(facts);
        return vec![
            Step::here(format!("SHELL=/bin/sh ssh {destination}"), "gives the command to a shell that is there"),
            Step::here(
                "grep -F /bin/ /etc/shells",
                "lists the shells of this machine, for SHELL in your profile, or for chsh",
            ),
        ];
    }
    let named = named(program.command.as_bytes());
    let meaning = sayings::meaning(&named, program).map(|(meaning, _)| meaning);
    let mut steps = meaning.map(|meaning| by_meaning(facts, program, &named, meaning)).unwrap_or_default();
    if unreached(program).is_some() {
        let why = "put the whole ProxyCommand in sh -c '…', or into a script: ssh's exec runs its first program only";
        steps.push(Step::person(Place::Client, why));
    }
    if meaning.is_none() {
        steps.extend(hop(facts, &named));
        steps.extend(talkative(facts, &named));
    }
    let tried =
        steps.iter().any(|step| step.command.as_deref().is_some_and(|command| command.starts_with("sshdoctor ")));
    if !tried && !matches!(meaning, Some(Meaning::NotFound | Meaning::NotExecutable | Meaning::NotShell)) {
        let why = "runs it by itself: where the way is open, a line comes that begins with SSH-2.0";
        steps.extend(alone(facts, program).map(|command| Step::here(command, why)));
        if facts.is_read() {
            let why = "read the ProxyCommand and run it by itself: where the way is open, a line comes that begins with SSH-2.0";
            steps.push(Step::person(Place::Client, why));
        }
    }
    if !matches!(meaning, Some(Meaning::NotLoggedIn | Meaning::Offline | Meaning::Backend | Meaning::NoRight)) {
        steps.push(where_it_stands(facts, "shows where the command stands"));
    }
    steps
}

/// Where the user set it.
fn where_it_stands(facts: &Facts, why: &str) -> Step {
    let holds = |word: &[u8]| word.to_ascii_lowercase().windows(12).any(|part| part == b"proxycommand");
    if facts.config.arguments.iter().any(|word| holds(word.as_bytes())) {
        return Step::person(Place::Client, "correct the ProxyCommand on the command line, or leave it out");
    }
    Step::here(FILES, why)
}

/// For ssh: the login on the way, examined like any other.
fn hop(facts: &Facts, named: &Named) -> Option<Step> {
    if facts.is_read() {
        return None;
    }
    let words: Vec<String> = named.login()?.iter().map(|word| quoted_option(word.as_bytes())).collect();
    Some(Step::here(format!("sshdoctor {}", words.join(" ")), "examines the login at the host on the way"))
}

/// For programs that say why only when they are asked to.
fn talkative(facts: &Facts, named: &Named) -> Option<Step> {
    if facts.is_read() {
        return None;
    }
    let option = match named.known? {
        Known::Netcat | Known::Ncat => "-v",
        Known::Socat | Known::Connect => "-d",
        _ => return None,
    };
    if !named.simple || named.words.iter().any(|word| word == option) {
        return None;
    }
    let mut words: Vec<String> = named.words.iter().map(|word| quoted_option(word.as_bytes())).collect();
    words.insert(1, option.to_owned());
    Some(Step::here(format!("sleep 5 | {}", words.join(" ")), "the same with its own words on what it cannot do"))
}

fn by_meaning(facts: &Facts, program: &Program, named: &Named, meaning: Meaning) -> Vec<Step> {
    let here = |command: String, why: &str| Step::here(command, why);
    let nobody = Target::default();
    let target = facts.target.as_ref().unwrap_or(&nobody);
    let (host, port) = (&target.host, target.port);
    let file = quoted(named.words.first().map_or("", String::as_str));
    match meaning {
        Meaning::NotFound if first_word(program) == Some("exec") => {
            vec![Step::person(Place::Client, "leave the word exec out of the ProxyCommand")]
        }
        Meaning::NotFound if first_word(program).is_some_and(is_assignment) => {
            vec![Step::person(Place::Client, "write env before it, which sets variables and runs a program")]
        }
        Meaning::NotFound => vec![
            here(format!("command -v {file}"), "prints where the program is; nothing where it is not on PATH"),
            Step::person(Place::Client, "install it, or write its full path into the ProxyCommand"),
        ],
        Meaning::NotShell => {
            let why = "mend its quotes and parentheses: your shell reads it like a line that you type, behind the word exec";
            vec![Step::person(Place::Client, why)]
        }
        Meaning::NotExecutable => vec![
            here(format!("ls -ld {file}"), "shows its mode and owner"),
            here(format!("chmod u+x {file}"), "lets its owner execute it, where it is your own script"),
        ],
        Meaning::Forbidden => vec![Step::person(
            Place::Client,
            format!(
                "ask whoever runs the proxy to allow connections to {host} port {port}; many allow port 443 only, at which \
                 sshd can listen too (Port 443)"
            ),
        )],
        Meaning::ProxyLogin => vec![Step::person(Place::Client, proxy_login(named.known))],
        Meaning::NoSuchName | Meaning::ResolverFails => vec![here(
            format!("getent ahosts {}", quoted(&host.to_string())),
            "says whether this machine finds the target's name; the proxy's own name stands in the command",
        )],
        Meaning::ProxyFails | Meaning::Refused | Meaning::Unanswered | Meaning::Unreachable | Meaning::Dropped => {
            talkative(facts, named).into_iter().collect()
        }
        Meaning::HopLacks => vec![Step::person(
            Place::Client,
            "write ssh -W, or ProxyJump, which needs no program at the host on the way, in place of ssh and a command there",
        )],
        Meaning::HopLogin | Meaning::HopKey | Meaning::HopForbids | Meaning::HopCannot | Meaning::HopFails => {
            let instead = "write ProxyJump in place of ProxyCommand ssh -W: sshdoctor then examines every host of the way";
            hop(facts, named).into_iter().chain([Step::person(Place::Client, instead)]).collect()
        }
        Meaning::NotLoggedIn => not_logged_in(named),
        Meaning::NoRight => vec![no_right(named)],
        Meaning::Offline => offline(named),
        Meaning::Backend => vec![
            here(
                "gcloud compute firewall-rules list --filter='sourceRanges:35.235.240.0/20'".to_owned(),
                "lists the rules that let the tunnel's addresses in; one has to allow the port",
            ),
            Step::person(Place::Server, format!("look whether sshd runs there and listens on port {port}")),
        ],
        Meaning::PartMissing => vec![
            here("command -v session-manager-plugin".to_owned(), "prints nothing where the plugin is not installed"),
            Step::person(Place::Client, "install AWS's session-manager-plugin"),
        ],
        Meaning::TunnelRefuses => {
            let login = not_logged_in(named);
            let service = "look whether the tunnel runs there (`cloudflared tunnel list`), and whether a policy lets you in";
            let service = Step::person(Place::Server, service);
            login.into_iter().chain([service]).collect()
        }
    }
    .into_iter()
    .chain(beyond(program, meaning))
    .collect()
}

/// What the environment may have to do with it.
fn beyond(program: &Program, meaning: Meaning) -> Option<Step> {
    let says = |words: &str| sayings::lines(program).iter().any(|line| line.contains(words));
    (meaning == Meaning::NotFound && says("bad interpreter"))
        .then(|| Step::person(Place::Client, "the first line of the script names an interpreter that is not there"))
}

fn proxy_login(known: Option<Known>) -> String {
    let how = match known {
        Some(Known::Netcat) => "nc -P USER asks for the password at the terminal",
        Some(Known::Ncat) => "ncat --proxy-auth, or NCAT_PROXY_AUTH in the environment",
        Some(Known::Socat) => "socat PROXY:…,proxyauth=USER:PASSWORD, or proxy-authorization-file",
        Some(Known::Corkscrew) => "corkscrew's fifth word is a file of mode 0600 with USER:PASSWORD",
        Some(Known::Connect) => "HTTP_PROXY_USER and HTTP_PROXY_PASSWORD in the environment",
        Some(Known::Proxytunnel) => "proxytunnel -F FILE",
        _ => "see its manual",
    };
    format!("give the program your name and password for the proxy: {how}")
}

fn not_logged_in(named: &Named) -> Vec<Step> {
    let why = "logs you in at the service; then try again";
    match named.known {
        Some(Known::Ssm) => {
            let profile =
                named.value("--profile").map(|name| format!(" --profile {}", quoted(name))).unwrap_or_default();
            vec![
                Step::here(
                    format!("aws sts get-caller-identity{profile}"),
                    "says as whom you are logged in, or why not",
                ),
                Step::here(format!("aws sso login{profile}"), why),
            ]
        }
        Some(Known::Iap) => vec![Step::here("gcloud auth login", why)],
        Some(Known::Cloudflared) => {
            let host = named.value("--hostname").map_or_else(|| "HOST".to_owned(), |host| format!("https://{host}"));
            vec![Step::here(format!("cloudflared access login {}", quoted(&host)), why)]
        }
        Some(Known::Teleport) => vec![Step::here("tsh login", why)],
        _ => Vec::new(),
    }
}

fn no_right(named: &Named) -> Step {
    let what = match named.known {
        Some(Known::Iap) => {
            "have the role roles/iap.tunnelResourceAccessor given to the account that `gcloud auth list` shows"
        }
        Some(Known::Ssm) => "have ssm:StartSession on this instance and on AWS-StartSSHSession allowed to your account",
        _ => "have your account let in there",
    };
    Step::person(Place::Client, what)
}

fn offline(named: &Named) -> Vec<Step> {
    match named.known {
        Some(Known::Ssm) => {
            let target = quoted(named.value("--target").unwrap_or("INSTANCE"));
            let list = format!("aws ssm describe-instance-information --filters Key=InstanceIds,Values={target}");
            vec![
                Step::here(
                    list,
                    "prints PingStatus Online where its agent is connected, and no row where it never was",
                ),
                Step::here(
                    format!("aws ec2 describe-instance-status --include-all-instances --instance-ids {target}"),
                    "says whether the machine runs; then look at its role (AmazonSSMManagedInstanceCore) and its way out",
                ),
            ]
        }
        _ => vec![Step::here(
            "gcloud compute instances list",
            "says whether the machine runs, and in which zone and project",
        )],
    }
}
