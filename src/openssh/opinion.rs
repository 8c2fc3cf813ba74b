//! When the installed ssh is asked to make the login in the probe's place, and with which words: as the user's own
//! command line means it, and so that nothing is left behind.
//!
//! It runs `true` where a command is to run, opens no forwarding, runs no `LocalCommand`, asks nobody, and makes a
//! connection of its own. ssh adds new keys to the first file of `UserKnownHostsFile` only (sshconnect.c
//! `check_host_key`), so the user's files are given to it as `GlobalKnownHostsFile`.

use std::ffi::{OsStr, OsString};

use super::algorithms::{may_have_more_methods, unspoken, users_choice};
use super::arguments::Arguments;
use super::known_hosts::{self, Course};
use super::{course, jump, methods};
use crate::facts::Facts;
use crate::facts::proxy::{Proxy, Role};
use crate::facts::text::escape;

/// Where new host keys go, and are not kept.
const NOWHERE: &str = "/dev/null";
/// ssh.h `SSH_MAX_HOSTS_FILES`.
const MOST_HOSTS_FILES: usize = 32;

/// Options with a letter that would make the run do more than log in, or that the run sets itself. `-S` sets
/// `ControlPath` whatever stood before it (ssh.c `main`).
const LEFT_OUT: &[u8] = b"LRDWwXYxtTNnfsMSAagy";

/// What stands before the user's own options, of which ssh takes the first: no master, no trace, no other work.
const FIRST: &[&str] = &[
    "ControlMaster=no",
    "ControlPath=none",
    "UpdateHostKeys=no",
    "AddKeysToAgent=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ClearAllForwardings=yes",
    "Tunnel=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "RequestTTY=no",
];

/// The same, for options that not every ssh has: set where `ssh -G` names the keyword.
const WHERE_KNOWN: &[(&str, &str)] = &[
    ("gssapidelegatecredentials", "GSSAPIDelegateCredentials=no"),
    ("forkafterauthentication", "ForkAfterAuthentication=no"),
];

/// How ssh is kept from asking where it must believe that somebody could be asked: only then it lists the keys of a token
/// that wants a PIN (ssh-pkcs11.c `pkcs11_init`, `interactive`).
const UNASKED: &[&str] = &[
    "NumberOfPasswordPrompts=0",
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    "StrictHostKeyChecking=yes",
];

/// How ssh is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The words behind the program's name and `-E FILE`.
    pub words: Vec<OsString>,
    /// Whether it must have no terminal that it could ask at (`BatchMode` is off in it).
    pub detached: bool,
    /// Whether it ends by itself; `false`: it opens no session and stays until it is ended.
    pub ends: bool,
}

/// Why the installed ssh would be asked, a clause; `None` where the probe has seen all that it could say.
pub fn wanted(facts: &Facts) -> Option<String> {
    let proxied = match facts.connect.as_ref().ok().and_then(|connect| connect.proxy.as_ref()) {
        None => false,
        Some(Proxy::Jump(_)) => through(facts).is_none(),
        // ssh runs it itself, where it was seen to lead to a server.
        Some(Proxy::Command(_)) => !facts.transport.as_ref().is_ok_and(|transport| transport.identification.is_some()),
    };
    let one_key = facts.run.limits.offer.is_some();
    if !facts.config.evaluated || facts.config.complaint.is_some() || proxied || one_key {
        return None;
    }
    if let Some((kind, name)) = unspoken(facts) {
        return Some(format!("the probe does not speak the {} {}", kind.noun(), escape(name.as_bytes())));
    }
    if let (Ok(Some(Err(none))), Some(cache)) = (users_choice(facts), &facts.run.kerberos_cache)
        && may_have_more_methods(facts, &none.server)
    {
        return Some(format!(
            "the probe makes no GSSAPI key exchange, and there is a Kerberos ticket cache at {cache}"
        ));
    }
    let course = known_hosts::course(facts);
    if facts.host_key.offered.is_ok()
        && let Some(option) = known_hosts::asks_elsewhere(facts)
        && (option == "KnownHostsCommand" || course == Course::Stop)
    {
        return Some(format!("the probe does not ask {option}"));
    }
    beyond_the_probe(facts).filter(|_| course == Course::GoOn)
}

/// What ssh would try at this server and the probe cannot, where the login was not finished and ssh itself was not seen
/// to try it.
pub fn beyond_the_probe(facts: &Facts) -> Option<String> {
    methods::beyond_the_probe(facts, &left_to_try(facts)?)
}

/// The methods that the server takes where the login was not finished, after an accepted key where it demands more; `None`
/// where ssh itself was seen to try them, or one key only is asked about.
pub fn left_to_try(facts: &Facts) -> Option<Vec<String>> {
    let userauth = facts.userauth.as_ref().ok().filter(|userauth| !userauth.succeeded())?;
    if facts.run.limits.offer.is_some() {
        return None;
    }
    if facts.opinion.as_ref().is_ok_and(|opinion| opinion.answered && opinion.status.is_some()) {
        return None;
    }
    let turns = course::course(facts).ok()?;
    let after_a_key = course::demanded(&turns).map(|(_, methods)| methods);
    after_a_key.or_else(|| userauth.methods()).map(<[String]>::to_vec)
}

/// How to run ssh for the login that `arguments` mean; `None` where a name cannot be written as one word of an option.
pub fn run(facts: &Facts, arguments: &Arguments) -> Option<Run> {
    let options = &facts.config.options;
    let known = |keyword: &str| options.first(keyword).is_some();
    let detached = methods::pkcs11_provider(options).is_some() && !options.is_yes("batchmode");
    let ends = facts.run.limits.exec && options.first("sessiontype") != Some("none");
    // Where ssh makes a hostbased request, its child says one line at the third level into the descriptor of -E, over which
    // it has just put the connection (sshconnect2.c `ssh_keysign`): the server then hears what is no packet.
    let level = if options.is_yes("hostbasedauthentication") { "-vv" } else { "-vvv" };
    let mut words: Vec<OsString> = [level, "-n", "-T"].map(OsString::from).to_vec();
    let mut add = |option: &str| words.extend(["-o".into(), OsString::from(option)]);
    if detached {
        for option in UNASKED {
            add(option);
        }
    } else {
        add("BatchMode=yes");
    }
    for option in FIRST {
        add(option);
    }
    for (_, option) in WHERE_KNOWN.iter().filter(|(keyword, _)| known(keyword)) {
        add(option);
    }
    let session = if ends { "SessionType=default" } else { "SessionType=none" };
    if known("sessiontype") {
        add(session);
    }
    for option in keeps_nothing(facts)? {
        add(&option);
    }
    let through = through(facts);
    if let Some(command) = &through {
        add(command);
    }
    if !ends && !known("sessiontype") {
        words.push("-N".into());
    }
    words.extend(kept(arguments, through.is_some()));
    words.push("--".into());
    words.push(arguments.host.clone());
    if ends {
        words.push("true".into());
    }
    Some(Run { words, detached, ends })
}

/// The command by which ssh reaches the target through its one jump host, at which the login stands, as one option; `None`
/// where it is reached otherwise. The one that ssh makes of `ProxyJump` itself might remember host keys.
fn through(facts: &Facts) -> Option<String> {
    let [hop] = facts.hops.as_slice() else { return None };
    let ssh = hop.config.ssh.as_ref().ok()?;
    hop.userauth.as_ref().ok().filter(|userauth| userauth.succeeded())?;
    let words = jump::stdio_words(hop, facts, &Role::Installed)?;
    let words = [ssh.path.to_path_buf().into_os_string()].into_iter().chain(words);
    let quoted: Option<Vec<String>> =
        words.map(|word| Some(shlex::try_quote(word.to_str()?).ok()?.into_owned())).collect();
    Some(format!("ProxyCommand={}", quoted?.join(" ").replace('%', "%%")))
}

/// The options with which ssh knows the hosts that it knows and remembers no new one; `None` where a file's name cannot be
/// written as one word of an option.
pub fn keeps_nothing(facts: &Facts) -> Option<[String; 2]> {
    let users = if known_hosts::remembers_nothing(&facts.config.options) { "none" } else { NOWHERE };
    Some([format!("UserKnownHostsFile={users}"), format!("GlobalKnownHostsFile={}", hosts_files(facts)?)])
}

/// The files with known hosts, as one option's value.
fn hosts_files(facts: &Facts) -> Option<String> {
    let files = &facts.host_key.known.as_ref().ok()?.files;
    let paths: Option<Vec<String>> = files
        .iter()
        .take(MOST_HOSTS_FILES)
        .map(|file| {
            let path = file.path.as_str()?;
            let plain = !path.chars().any(|letter| letter.is_control() || matches!(letter, '"' | '\\'));
            plain.then(|| format!("\"{path}\""))
        })
        .collect();
    Some(paths?.join(" ")).map(|paths| if paths.is_empty() { "none".to_owned() } else { paths })
}

/// The user's own options, without those that the run must not follow.
fn kept(arguments: &Arguments, through: bool) -> Vec<OsString> {
    let mut kept = Vec::new();
    for (letter, value) in arguments.pairs() {
        if letter == b'K' {
            // Without handing the ticket on.
            kept.extend(["-o".into(), OsString::from("GSSAPIAuthentication=yes")]);
        } else if !(LEFT_OUT.contains(&letter) || (through && letter == b'J')) {
            kept.push(OsString::from(format!("-{}", char::from(letter))));
            kept.extend(value);
        }
    }
    kept
}

/// The run as a person would type it.
pub fn shown(ssh: &str, run: &Run) -> String {
    let word = |word: &OsStr| {
        let text = escape(word.as_encoded_bytes());
        shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
    };
    let words: Vec<String> = run.words.iter().map(|part| word(part)).collect();
    format!("{ssh} {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::host_key::{KnownHosts, KnownHostsFile};
    use crate::openssh::arguments::parse;

    fn scene() -> Facts {
        let mut facts = Facts::default();
        let file = |path: &str| KnownHostsFile {
            path: path.into(),
            global: false,
            state: Err(crate::facts::identities::FileError { errno: "ENOENT".to_owned(), at: None }),
            unreadable_lines: Vec::new(),
        };
        facts.host_key.known =
            Ok(KnownHosts { files: vec![file("/home/a b/.ssh/known_hosts"), file("/etc/k")], ..KnownHosts::default() });
        facts
    }

    fn run_of(facts: &Facts, line: &str) -> Run {
        let words: Vec<OsString> = shlex::split(line).unwrap().into_iter().map(OsString::from).collect();
        run(facts, &parse(&words).unwrap()).unwrap()
    }

    fn plain(run: &Run) -> String {
        run.words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_users_own_options_stand_behind_and_what_does_more_than_log_in_is_left_out() {
        let run = run_of(&scene(), "-4AXt -L 1:2:3 -W h:1 -S /s -i key -K -p 2222 a@web1 rm -rf /");
        let words = plain(&run);
        assert!(words.ends_with("-4 -i key -o GSSAPIAuthentication=yes -p 2222 -l a -- web1 true"), "{words}");
        assert!(words.starts_with("-vvv -n -T -o BatchMode=yes -o ControlMaster=no -o ControlPath=none"), "{words}");
        assert!(words.contains(&format!("UserKnownHostsFile={NOWHERE}")), "{words}");
        assert!(words.contains("GlobalKnownHostsFile=\"/home/a b/.ssh/known_hosts\" \"/etc/k\""), "{words}");
        assert!(run.ends && !run.detached);
    }

    #[test]
    fn without_leave_to_run_anything_no_session_is_opened() {
        let mut facts = scene();
        facts.run.limits.exec = false;
        let run = run_of(&facts, "web1 ls");
        assert!(plain(&run).ends_with("-N -- web1"), "{run:?}");
        assert!(!run.ends);
        facts.config.options.set("sessiontype", "default");
        let run = run_of(&facts, "web1 ls");
        assert!(plain(&run).contains("SessionType=none"), "{run:?}");
    }

    #[test]
    fn a_token_is_asked_for_its_keys_as_at_a_terminal_and_nobody_for_a_password() {
        let mut facts = scene();
        facts.config.options.set("pkcs11provider", "/lib/token.so");
        let run = run_of(&facts, "web1");
        let words = plain(&run);
        assert!(run.detached && !words.contains("BatchMode"), "{words}");
        assert!(words.contains("NumberOfPasswordPrompts=0") && words.contains("PasswordAuthentication=no"), "{words}");
        facts.config.options.set("batchmode", "yes");
        assert!(!run_of(&facts, "web1").detached);
    }

    #[test]
    fn a_path_that_no_option_can_hold_keeps_ssh_from_being_asked() {
        let mut facts = scene();
        facts.host_key.known.as_mut().unwrap().files[0].path = "/home/\"x".into();
        let words: Vec<OsString> = vec!["web1".into()];
        assert_eq!(run(&facts, &parse(&words).unwrap()), None);
    }

    #[test]
    fn nothing_is_wanted_where_the_probe_has_seen_all() {
        let mut facts = scene();
        facts.config.evaluated = true;
        assert_eq!(wanted(&facts), None);
    }
}
