//! The sentence and the commands for what sshd's log states.

use crate::facts::Facts;
use crate::facts::account::Account;
use crate::facts::text::escape;
use crate::openssh::sshd::key::offset_seconds;
use crate::openssh::sshd::log::Entry;
use crate::openssh::sshd::log::words::Said;

use super::entries;
use crate::checks::{Place, Step, naming, quoted};

/// What stands for an account that no line names.
const NOBODY: &str = "ACCOUNT";

/// What a stated refusal means.
pub(super) fn summary(facts: &Facts, id: &str, entry: &Entry<'_>, said: &Said<'_>) -> String {
    let name = said.user.or_else(|| facts.account.as_ref().ok()?.login.user.as_str());
    let name = escape(name.unwrap_or("the account").as_bytes());
    let name = if name.is_empty() { "the account".to_owned() } else { name };
    let from = said.from.map_or_else(|| "the client".to_owned(), |from| escape(from.as_bytes()));
    let rest = escape(said.rest.as_bytes());
    match id {
        "server-no-such-user" => format!("{name} does not exist on the server"),
        "server-user-not-allowed" => {
            let why =
                entry.text.rsplit_once(" not allowed because ").map_or("it is in no group that may", |(_, why)| why);
            format!("sshd does not allow {name}: {}", escape(why.trim_end_matches(" [preauth]").as_bytes()))
        }
        "server-account-locked" => format!("{name} is locked, and sshd does not use PAM"),
        "server-account-expired" => format!("{name} has expired"),
        "server-shell-invalid" => format!("the login shell of {name} does not exist or may not be executed"),
        "server-root-login-disabled" => "root may not log in: PermitRootLogin excludes it".to_owned(),
        "server-strict-modes" => format!("sshd refuses the keys of {name}: wrong owner or mode of {rest}"),
        "server-home-missing" => format!("sshd cannot find what holds the keys of {name}: {rest}"),
        "server-authorized-keys-unreadable" => match path_in(said.rest) {
            Some(path) => {
                let why = said.rest.rsplit_once("': ").map_or("it is no regular file", |(_, why)| why);
                let (path, why) = (escape(path.as_bytes()), escape(why.as_bytes()));
                format!("sshd cannot read {path}, where keys of {name} are: {why}")
            }
            None => format!("sshd cannot read the keys of {name}: {rest}"),
        },
        "server-authorized-keys-command-failed" => format!("AuthorizedKeysCommand fails: {rest}"),
        "server-key-options-refuse" => format!("the options at the key of {name} do not let {from} in"),
        "server-key-entry-malformed" => format!("the options before a key of {name} cannot be read"),
        "server-key-algorithm-refused" => {
            "sshd does not take the key's algorithm (PubkeyAcceptedAlgorithms)".to_owned()
        }
        "rsa-key-too-small" => "sshd refuses the RSA key: it is shorter than RequiredRSASize".to_owned(),
        "server-key-revoked" => format!("the key is revoked on the server: {rest}"),
        "server-ca-mismatch" => format!("the certificate is not for {name}: none of its principals is accepted"),
        "certificate-expired" => "the certificate is not valid at this time".to_owned(),
        "server-pam-denied" => format!("PAM's account rules do not let {name} in"),
        "server-nologin-file" => format!("nobody but root may log in now: {} exists", escape(said.method.as_bytes())),
        "server-chroot-ownership" => format!("the session ends: wrong owner or mode of ChrootDirectory {rest}"),
        "max-startups" => format!("sshd dropped {from}: too many connections had not logged in yet"),
        "source-penalised" => format!("sshd dropped {from} because of earlier connections: {rest}"),
        "source-banned" => format!("the server keeps {from} out (hosts.allow, hosts.deny)"),
        _ => format!("the client and sshd share no algorithm; the client offers: {rest}"),
    }
}

/// What mends it, where sshd's words say enough, and what looks further where they do not; `None` for a cause whose own
/// steps do.
pub(in crate::checks) fn steps(facts: &Facts, id: &str) -> Option<Vec<Step>> {
    let found = super::meant(facts).filter(|meant| meant.cause == Some(id) && meant.stated)?;
    drop(found);
    let told = super::Told::of(facts)?;
    let (id, at) = told.reasons().into_iter().find(|(known, _)| *known == id)?;
    let (entry, said, _) = &told.lines[at];
    let user = said.user.map(str::to_owned).or_else(|| Some(told.account.login.user.to_string()));
    let name = quoted(&user.filter(|user| !user.is_empty()).unwrap_or_else(|| NOBODY.to_owned()));
    let mut steps = mending(id, &name, entry, said);
    if name == NOBODY || facts.log.as_ref().is_some_and(|log| log.several) {
        // No account is made for whoever knocks.
        steps.retain(|step| step.command.as_ref().is_none_or(|command| !command.starts_with("useradd ")));
    }
    steps.extend(further(told.account));
    Some(steps)
}

fn mending(id: &str, name: &str, entry: &Entry<'_>, said: &Said<'_>) -> Vec<Step> {
    let root = Step::server_root;
    match id {
        "server-no-such-user" => vec![
            Step::person(Place::Client, format!("log in as an account that exists, or have {name} made")),
            root(format!("useradd -m -s /bin/bash {name}"), "makes the account, if it is the one meant".to_owned()),
        ],
        "server-user-not-allowed" => vec![
            root(
                "sshd -T | grep -i -E '^(allow|deny)(users|groups)'".to_owned(),
                "shows the lists; add the account, or put it into a group that is allowed".to_owned(),
            ),
            root(format!("id {name}"), "shows its groups".to_owned()),
        ],
        "server-account-locked" => vec![root(
            format!("usermod -p '*' {name}"),
            "no password will match, and sshd no longer calls the account locked".to_owned(),
        )],
        "server-account-expired" => vec![
            root(format!("chage -l {name}"), "shows when".to_owned()),
            root(format!("chage -E -1 {name}"), "takes the account's last day away".to_owned()),
        ],
        "server-shell-invalid" => {
            vec![root(format!("usermod -s /bin/sh {name}"), "gives it a shell that every system has".to_owned())]
        }
        "server-root-login-disabled" => {
            vec![Step::person(Place::Client, "log in as an account of your own and use sudo, as this server means it")]
        }
        "server-strict-modes" => strict(said.rest, name),
        "server-home-missing" | "server-authorized-keys-unreadable" => {
            let path = path_in(said.rest);
            vec![root(
                path.map_or_else(|| format!("ls -ld ~{name}"), |path| format!("namei -l {}", quoted(path))),
                "shows the owner and the mode of each folder on the way; the account must be able to pass and to read"
                    .to_owned(),
            )]
        }
        "server-key-options-refuse" | "server-key-entry-malformed" => {
            let at = entry.text.split(": Authentication tried for ").next().and_then(place_of);
            let at = at.or_else(|| place_of(said.rest));
            vec![match at {
                Some((path, line)) => root(
                    format!("sed -n {line}p {}", quoted(path)),
                    "shows the line; correct the options before the key".to_owned(),
                ),
                None => root(
                    format!("grep -nE 'from=|expiry-time=|principals=' {}/.ssh/authorized_keys", home(name)),
                    "shows the lines with options; correct those before the key".to_owned(),
                ),
            }]
        }
        "server-pam-denied" => vec![root(
            "grep -vE '^[[:space:]]*(#|$)' /etc/security/access.conf /etc/pam.d/sshd".to_owned(),
            "shows the rules that PAM asks".to_owned(),
        )],
        "server-nologin-file" => vec![root(
            format!("cat {}", quoted(said.method)),
            "says why it is there; remove it when the maintenance is over".to_owned(),
        )],
        "server-chroot-ownership" => vec![root(
            path_in(said.rest).map_or_else(
                || "sshd -T | grep -i chrootdirectory".to_owned(),
                |path| format!("namei -l {}", quoted(path)),
            ),
            "each folder must be root's and writable by nobody else".to_owned(),
        )],
        "server-key-revoked" => {
            vec![Step::person(Place::Client, "use another key: somebody revoked this one, and it must stay revoked")]
        }
        _ => Vec::new(),
    }
}

/// `directory /home/deploy`, `file /home/deploy/.ssh/authorized_keys`, and dropbear's plain path.
fn strict(what: &str, name: &str) -> Vec<Step> {
    let Some(path) = path_in(what) else { return Vec::new() };
    let word = quoted(path);
    let shows = Step::server_root(format!("ls -ld {word}"), "shows its owner and mode".to_owned());
    // What lies above its home is not the account's.
    let is_its_own = name != NOBODY && (path.contains("/.ssh") || path.ends_with(&format!("/{name}")));
    let closes = if is_its_own {
        Step::server_root(
            format!("chown {name} {word} && chmod go-w {word}"),
            "makes it the account's own and takes the right to write away from all others",
        )
    } else {
        Step::server_root(
            format!("chmod go-w {word}"),
            "takes the right to write away from all but the owner, who must be the account or root",
        )
    };
    vec![shows, closes]
}

/// The path in sshd's words: the whole of it behind `directory`, `file` or a quotation mark.
fn path_in(words: &str) -> Option<&str> {
    let at = words.find('/')?;
    let path = &words[at..];
    let quote = words[..at].chars().last().filter(|mark| "'\"".contains(*mark));
    let end = quote.and_then(|mark| path.find(mark)).or_else(|| path.find(" failed: ")).unwrap_or(path.len());
    Some(&path[..end]).filter(|path| path.len() > 1)
}

/// `/home/deploy/.ssh/authorized_keys:1`.
fn place_of(words: &str) -> Option<(&str, u32)> {
    let (path, line) = words.trim_end_matches('.').rsplit_once(':')?;
    Some((path, line.parse().ok()?)).filter(|(path, _)| path.starts_with('/'))
}

/// The home folder of an account whose name is a word for a shell.
fn home(name: &str) -> String {
    naming::home(&name.into())
}

/// The server's name in the log, as a word.
pub(super) fn server(account: &Account) -> String {
    let host = account.collector.host.to_string();
    if host.is_empty() { "HOST".to_owned() } else { host }
}

/// What looks further than the log did.
pub(super) fn further(account: &Account) -> Vec<Step> {
    let user = account.login.user.to_string();
    if user.is_empty() {
        return vec![Step::here(
            format!("ssh -vvv {}", quoted(&server(account))),
            "on the client: says why it goes away; give that to `sshdoctor log`",
        )];
    }
    let from = account.login.from.as_ref().map(|from| format!(" --from {}", quoted(&from.to_string())));
    let mut steps = vec![Step::server_root(
        format!("sshdoctor server {}{}", quoted(&user), from.unwrap_or_default()),
        "looks at the account, its key files and sshd's settings as sshd would for this login",
    )];
    let since = entries(account).iter().find_map(|entry| since(account, entry));
    let since = since.map_or_else(|| " -n 500".to_owned(), |since| format!(" --since '{since}'"));
    steps.push(Step::server_root(
        format!("journalctl -t sshd -t sshd-session{since}"),
        "all that sshd said at that time; with LogLevel VERBOSE in sshd_config it also says which keys were offered",
    ));
    steps
}

/// How long before the login what sshd says is looked at, in seconds.
const BEFORE: i64 = 600;
/// Before this time, in seconds since 1970, no OpenSSH was: such times are counted from a machine's start.
const FIRST: i64 = 946_684_800;

/// A time before a line, as journalctl takes it: on the clock of the log, or in UTC where the line says how far that is.
/// `None` where the line has no such time.
fn since(account: &Account, entry: &Entry<'_>) -> Option<String> {
    let time = entry.time.filter(|time| *time > FIRST)?.saturating_sub(BEFORE);
    let is_zoned = entry.stamp.ends_with("UTC") || !entry.stamp.starts_with(|first: char| first.is_ascii_alphabetic());
    let offset = if is_zoned { 0 } else { offset_seconds(&account.collector.at.local) };
    let shifted = time.checked_add(offset).and_then(|local| jiff::Timestamp::from_second(local).ok())?;
    Some(format!("{}{}", shifted.strftime("%Y-%m-%d %H:%M:%S"), if is_zoned { " UTC" } else { "" }))
}
