//! What the words of a transcript allow that name no cause: how far it comes, and what may have ended it there.

use crate::checks::{Alternative, Certainty, Finding, naming};
use crate::facts::connect::Dial;
use crate::facts::identities::KeyFile;
use crate::facts::log::Waits;
use crate::facts::text::escape;
use crate::facts::{End, Facts, Stage, Unobserved};
use crate::openssh::course::{self, Problem};

use super::{as_root, denied, is_bare, is_behind_something, level, possible, say_more};

/// What ends a connection that is made by a jump host or a program, likeliest first.
const BEHIND_SOMETHING: &[(&str, &str)] = &[
    ("jump-host-failed", "the login at a jump host fails (-J, ProxyJump); its own message stands before these"),
    ("jump-forwarding-refused", "the jump host comes to no connection with the server"),
    ("proxy-command-failed", "the ProxyCommand ends: it is not installed, or cannot connect"),
    ("connection-dropped", "the server itself drops the connection"),
];

/// What keeps ssh from going on with a host key.
const HOST_KEY_REFUSED: &[(&str, &str)] = &[
    ("host-key-unknown", "no key is known for the name, and nobody can be asked"),
    ("host-key-changed", "another key is known for the name; ssh says so in a warning that is not here"),
    ("host-key-revoked", "the key is revoked; ssh says so in a warning that is not here"),
    ("host-certificate-invalid", "the host certificate is not valid, for another name, or of a CA that is not trusted"),
];

/// What makes for too many failures.
const CUT: &[(&str, &str)] = &[
    ("too-many-keys", "ssh offers more keys than the server hears, and the right one comes too late"),
    ("no-key-accepted", "the server accepts none of the keys"),
    ("password-rejected", "a password was refused again and again"),
];

/// What the words of a transcript allow that name no cause, likeliest first: a sentence, and the causes.
pub(in crate::checks) fn open(facts: &Facts) -> Option<Finding> {
    if !facts.is_read() {
        return None;
    }
    let login = naming::login(facts);
    let (summary, others): (String, Vec<(&str, &str)>) = if let Some(methods) = denied(facts) {
        let list = escape(methods.join(",").as_bytes());
        let summary = format!("{login} denies the login ({list}); whether a key was offered, these lines do not tell");
        (summary, of_denial(&methods))
    } else if facts.userauth == Err(Unobserved::NotReached(Stage::HostKey)) {
        let summary = format!("ssh does not go on with the host key of {login}; why, these lines do not tell");
        (summary, HOST_KEY_REFUSED.to_vec())
    } else if let Some(waits) = waits(facts, &login) {
        waits
    } else if facts.log.as_ref()?.client.is_some()
        && facts
            .transport
            .as_ref()
            .is_ok_and(|seen| !seen.complete && seen.end.is_none() && seen.identification.is_some())
    {
        let summary = format!("the lines end while ssh and {login} exchange keys");
        (
            summary,
            vec![("kex-stalled", "the key exchange hangs: large packets do not get through, or the server is stuck")],
        )
    } else if is_behind_something(facts) {
        let summary = format!("the way to {login} ends, through a jump host or a program that these lines do not name");
        (summary, BEHIND_SOMETHING.to_vec())
    } else if cut(facts) {
        let summary = format!("{login} ends the connection: Too many authentication failures");
        (summary, CUT.to_vec())
    } else if let Some(summary) = unreached(facts) {
        (summary, UNREACHED.to_vec())
    } else if let Some(words) = turned_away(facts) {
        let summary = format!("{login} lets nobody in, and says: {words}");
        let members = crate::checks::members::rejected::members(facts, true);
        return Some(Finding::new(Certainty::Possible, summary).or(members));
    } else if let Some(ended) = ended(facts, &login) {
        ended
    } else {
        return warned(facts);
    };
    let root =
        as_root(facts).filter(|_| denied(facts).is_some_and(|methods| methods.iter().any(|name| name == "publickey")));
    let others = others.into_iter().map(|(cause, summary)| possible(cause, summary, say_more(facts)));
    Some(Finding::new(Certainty::Possible, summary).or(root.into_iter().chain(others)))
}

/// What ssh waits for where the lines end, and what keeps it waiting.
fn waits(facts: &Facts, login: &str) -> Option<(String, Vec<(&'static str, &'static str)>)> {
    let waits = facts.log.as_ref()?.client.as_ref()?.waits.as_ref()?;
    Some(match waits {
        Waits::Connection(address) => {
            let six = address.to_string().contains(':').then_some(SIX);
            let causes = CONNECTING.iter().copied().chain(six).collect();
            (format!("the lines end while ssh connects to {address}"), causes)
        }
        Waits::Identification => (format!("the lines end while {login} has not said who it is"), UNIDENTIFIED.to_vec()),
        Waits::Answer => (
            format!("the lines end at a question of ssh's, and do not tell how the login as {login} goes on"),
            NO_ANSWER.to_vec(),
        ),
        Waits::HostKey => {
            (format!("the lines end at ssh's question whether the host key of {login} is to be taken"), ASKED.to_vec())
        }
    })
}

/// What keeps ssh waiting for a connection.
const CONNECTING: &[(&str, &str)] =
    &[("connection-timeout", "nothing answers at that address and port: a firewall, or a machine that is down")];

/// The same of an IPv6 address.
const SIX: (&str, &str) =
    ("ipv6-broken", "IPv6 does not get through from here, and ssh tries it first (ssh -4 does not)");

/// What keeps it waiting behind a connection.
const UNIDENTIFIED: &[(&str, &str)] = &[
    ("banner-timeout", "the connection is made, and no SSH server speaks"),
    ("source-banned", "a rule on the server (hosts.deny) looks this address up, or refuses it"),
];

/// What a question leaves open.
const NO_ANSWER: &[(&str, &str)] = &[
    ("access-needs-answer", "the question waits for an answer, and nothing is wrong before it"),
    ("password-rejected", "an answer was given, and refused; that is not shown"),
];

/// What is asked about a host key.
const ASKED: &[(&str, &str)] =
    &[("host-key-unknown", "no key is known for the name: the question waits for an answer")];

/// The keys that ssh warns of, where its warning is all that was read.
fn warned(facts: &Facts) -> Option<Finding> {
    let identities = facts.identities.as_ref().ok().filter(|_| is_bare(facts) && facts.userauth.is_err())?;
    let of_file = |file: &KeyFile| {
        let path = &file.path;
        let (cause, what) = match course::problem(facts, file)? {
            Problem::TooOpen(_) => ("key-file-permissions", "others may access it, and ssh ignores it"),
            Problem::Malformed(_) => ("key-file-malformed", "ssh cannot parse it"),
            Problem::Unreadable(_) | Problem::NotAFile(_) => ("key-file-unreadable", "ssh may not read it"),
            Problem::Missing => ("identity-file-missing", "it is not there"),
            Problem::IsPublic => ("key-file-is-public", "it is a public key"),
            Problem::Encrypted => ("key-passphrase-needed", "it needs its passphrase"),
            _ => return None,
        };
        let summary = format!("{path}: {what}");
        Some(Alternative { certainty: Certainty::Likely, ..possible(cause, &summary, say_more(facts)) })
    };
    let others: Vec<Alternative> = identities.files.iter().filter_map(of_file).collect();
    let first = others.first()?.summary.clone();
    let login = naming::login(facts);
    let summary = format!("ssh warns of a key ({first}); whether the login as {login} fails, these lines do not tell");
    Some(Finding::new(Certainty::Possible, summary).or(others))
}

/// That no address was reached, where the system has words for it that no cause has.
fn unreached(facts: &Facts) -> Option<String> {
    let attempts = &facts.connect.as_ref().ok()?.attempts;
    let last = attempts.last().filter(|_| attempts.iter().all(|attempt| attempt.outcome != Dial::Established))?;
    let Dial::Failed(why) = &last.outcome else { return None };
    let (address, port, why) = (&last.address, last.port, escape(why.as_bytes()));
    Some(format!("{address} port {port} cannot be reached; the system's words for it fit more than one cause: {why}"))
}

/// What the systems that have no word for it mean: Windows' ssh and Git for Windows' older one say "Unknown error" and "Bad
/// file number" of a connection that nobody answers.
const UNREACHED: &[(&str, &str)] = &[
    ("connection-timeout", "nothing answers at that address and port: a firewall, or a machine that is down"),
    ("network-unreachable", "there is no way from this machine to that address"),
    ("connection-refused", "nothing listens at that port"),
];

/// What the account's side says in the place of a login, where that is all that was read.
fn turned_away(facts: &Facts) -> Option<String> {
    let userauth = facts.userauth.as_ref().ok().filter(|userauth| !userauth.succeeded())?;
    let bare = level(facts) == 0 && facts.identities.is_err() && userauth.none.is_none();
    Some(userauth.banners.first().filter(|_| bare)?.shortened(200))
}

/// How the connection ended, at a step that ssh's words do not name, and what may have ended it.
fn ended(facts: &Facts, login: &str) -> Option<(String, Vec<(&'static str, &'static str)>)> {
    let part = facts.log.as_ref()?.client.as_ref()?;
    Some(match part.ended.as_ref()? {
        End::NotSsh(why) | End::KeyExchange(why) => {
            let words = format!("the connection with {login} breaks off: {}", escape(why.as_bytes()));
            let of_network = BROKEN.iter().any(|broken| why.ends_with(broken));
            (words, if of_network { CLOSED.to_vec() } else { SPOILT.to_vec() })
        }
        _ if part.in_session => (
            format!("the connection with {login} ended while a session was open: the login itself had worked"),
            LATER.to_vec(),
        ),
        End::TimedOut => {
            (format!("{login} gives no answer in time; at which step, these lines do not tell"), SILENT.to_vec())
        }
        _ => (format!("the connection with {login} ends; at which step, these lines do not tell"), CLOSED.to_vec()),
    })
}

/// How ssh's words end where the connection is gone, and nothing came that is wrong.
const BROKEN: &[&str] =
    &["Broken pipe", "Connection reset by peer", "Connection timed out", "Operation timed out", "Connection refused"];

/// What spoils a stream.
const SPOILT: &[(&str, &str)] = &[
    ("protocol-error", "the network, or a program on the way, damages or mixes what it carries"),
    ("not-ssh-server", "what answers at that port is no SSH server"),
];

/// What ends an open session.
const LATER: &[(&str, &str)] = &[(
    "session-closed",
    "the server ended it: a restart, a limit, its process died; a network that went away and a firewall that forgot an \
         idle connection look the same (ServerAliveInterval 60 keeps that one)",
)];

/// What is silent within a login.
const SILENT: &[(&str, &str)] = &[
    ("kex-stalled", "the key exchange hangs: large packets do not get through, or the server is stuck"),
    ("banner-timeout", "the connection is made, and no SSH server speaks"),
];

/// What ends a connection within a login.
const CLOSED: &[(&str, &str)] = &[
    (
        "signature-rejected",
        "the key is accepted, and the account is kept out: it has expired, /etc/nologin is there, or PAM says no",
    ),
    ("connection-dropped", "the server, or a rule before it, drops the connection before a login begins"),
    ("session-closed", "the login succeeds, and the server's process for the session dies"),
    ("server-disconnected", "the server gives up: LoginGraceTime is over, or it breaks off for a reason of its own"),
];

/// Whether the server ended it for too many failures, and nothing was seen of them.
fn cut(facts: &Facts) -> bool {
    facts.identities.is_err() && facts.userauth.as_ref().is_ok_and(|userauth| course::cut_after(userauth).is_some())
}

fn of_denial(methods: &[String]) -> Vec<(&'static str, &'static str)> {
    let has = |name: &str| methods.iter().any(|method| method == name);
    let password = has("password") || has("keyboard-interactive");
    let keys: &[(&str, &str)] = &[
        ("no-key-accepted", "keys were offered, and the server accepts none of them"),
        ("no-identities", "ssh had no key to offer: no file where it looks, no agent, or an empty one"),
        ("key-file-permissions", "the private key is readable by others, and ssh ignores it"),
        ("key-passphrase-needed", "the key is encrypted, and nobody was asked for its passphrase"),
        ("wrong-user", "another account is meant"),
        ("agent-lacks-accepted-key", "the agent offers keys, and not the one that is meant"),
        ("signature-rejected", "the server accepts the key and refuses the login"),
    ];
    let without: &[(&str, &str)] = &[("server-pubkey-disabled", "the server takes no keys for this account")];
    let typed: &[(&str, &str)] = &[
        ("password-rejected", "a password was typed, and the server refuses it"),
        ("method-disabled-by-client", "nobody could be asked for a password, or it is switched off here"),
    ];
    let nothing: &[(&str, &str)] = &[("no-methods-left", "the server takes no method at all")];
    let rows = [
        (has("publickey"), keys),
        (!has("publickey") && password, without),
        (password, typed),
        (methods.is_empty(), nothing),
    ];
    rows.into_iter().filter(|(is, _)| *is).flat_map(|(_, rows)| rows.iter().copied()).collect()
}
