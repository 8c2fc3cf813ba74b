//! What is to be made of a failure of which only another program's own words are known: its group, what the words exclude,
//! and what tells more.

use crate::facts::log::{Foreign, Log, Tool};
use crate::facts::{Facts, Origin};
use crate::openssh::libraries::{Meaning, said};

use super::{Alternative, Cause, Certainty, Decide, Finding, Place, causes, putty, session};

/// What a meaning stands for.
struct Group {
    /// The catalogue's id.
    cause: &'static str,
    /// How sure it is.
    certainty: Certainty,
    /// What it means, behind the program's name.
    summary: &'static str,
    /// What else leaves these words, likeliest first, and why.
    others: &'static [(&'static str, &'static str)],
    /// How far it came, which excludes what would have stopped it before.
    reached: Reached,
}

/// How far a login came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    /// Nothing is known to work.
    Nothing,
    /// The server answered on that port.
    Connected,
    /// It speaks SSH, and its key exchange is done.
    KeyExchange,
    /// The host key was taken.
    HostKey,
    /// The server took keys in userauth.
    PublicKey,
}

/// What each stage excludes, and why.
const PASSED: &[(Reached, &str, &str)] = &[
    (Reached::Connected, "host-not-found", "the name was resolved"),
    (Reached::Connected, "connection-refused", "the server answered"),
    (Reached::Connected, "connection-timeout", "the server answered"),
    (Reached::KeyExchange, "not-ssh-server", "the key exchange was reached"),
    (Reached::HostKey, "no-common-kex", "it came as far as the authentication"),
    (Reached::HostKey, "host-key-changed", "it came as far as the authentication"),
    (Reached::HostKey, "host-key-unknown", "it came as far as the authentication"),
];

const NO_KEY: (&str, &str) = ("no-key-accepted", "the server refused each key that was tried");
const NO_IDENTITY: (&str, &str) =
    ("no-identities", "the program may have had no key to offer: no file was named, and no agent answered");
const USER: (&str, &str) = ("wrong-user", "the account may be another one");
const PASSWORD: (&str, &str) = ("password-rejected", "what was tried may have been a password");
const NO_PUBKEY: (&str, &str) = ("server-pubkey-disabled", "the server may not take keys for this account");
const NO_PASSWORD: (&str, &str) = ("password-disabled", "the server may take no passwords, and no key was given");

#[expect(clippy::too_many_lines, reason = "one arm for each meaning, as a table")]
fn group(meaning: Meaning) -> Option<Group> {
    use Certainty::{Likely, Possible, Proven};
    let row = |cause, certainty, reached, summary, others| Some(Group { cause, certainty, summary, others, reached });
    match meaning {
        Meaning::Refused => row(
            "connection-refused",
            Proven,
            Reached::Nothing,
            "was refused the connection: nothing listens on that port, or a firewall refuses",
            &[],
        ),
        Meaning::TimedOut => {
            row("connection-timeout", Proven, Reached::Nothing, "got no answer to its connection in time", &[])
        }
        Meaning::NoRoute => row("network-unreachable", Proven, Reached::Nothing, "found no route to the server", &[]),
        Meaning::Unconnected => row(
            "connection-refused",
            Possible,
            Reached::Nothing,
            "got no connection, and does not say why",
            &[
                ("network-unreachable", "there may be no route to the server"),
                ("connection-timeout", "the server may not answer"),
            ],
        ),
        Meaning::NoName => row(
            "host-not-found",
            Likely,
            Reached::Nothing,
            "found no address of that name",
            &[("dns-failure", "the resolver may not know the name for the moment")],
        ),
        Meaning::NoResolver => row(
            "dns-failure",
            Likely,
            Reached::Nothing,
            "got no answer that helps from the resolver",
            &[("host-not-found", "the name may not exist")],
        ),
        Meaning::Dropped => row(
            "connection-dropped",
            Possible,
            Reached::Connected,
            "lost the connection before the login: the server, or something on the way, ended it",
            &[
                ("no-common-kex", "some servers end the connection where no algorithm is shared"),
                ("too-many-keys", "a server that has heard of too many keys ends it too"),
                ("not-ssh-server", "something other than ssh may listen there"),
            ],
        ),
        Meaning::Disconnected => row(
            "server-disconnected",
            Possible,
            Reached::Connected,
            "was sent away by the server, with a message that stands beside this line",
            &[
                ("too-many-keys", "the message may be about too many authentication failures"),
                ("no-key-accepted", "the server may accept none of the keys"),
                ("source-penalised", "the server may refuse this address for a while"),
            ],
        ),
        Meaning::NoBanner => row(
            "banner-timeout",
            Possible,
            Reached::Connected,
            "got no identification of an ssh server",
            &[
                ("connection-dropped", "the server may have ended the connection"),
                ("not-ssh-server", "something other than ssh may listen there"),
                ("kex-stalled", "large packets may be lost on the way"),
            ],
        ),
        Meaning::NotSsh => row(
            "not-ssh-server",
            Likely,
            Reached::Connected,
            "got something that is no ssh",
            &[("protocol-error", "something on the way may have spoilt it")],
        ),
        Meaning::NoKex => {
            row("no-common-kex", Proven, Reached::KeyExchange, "and the server share no key exchange method", &[])
        }
        Meaning::NoHostKeyAlgorithm => row(
            "no-common-host-key-algorithm",
            Proven,
            Reached::KeyExchange,
            "and the server share no type of host key",
            &[],
        ),
        Meaning::NoCipher => {
            row("no-common-cipher", Proven, Reached::KeyExchange, "and the server share no cipher", &[])
        }
        Meaning::NoMac => row("no-common-mac", Proven, Reached::KeyExchange, "and the server share no MAC", &[]),
        Meaning::NoAlgorithm => row(
            "no-common-kex",
            Possible,
            Reached::Connected,
            "and the server do not agree on algorithms, and it does not say on which",
            &[
                ("no-common-host-key-algorithm", "it may be the host key's type"),
                ("no-common-cipher", "it may be the cipher"),
                ("no-common-mac", "it may be the MAC"),
                ("connection-dropped", "the connection may have ended in the key exchange"),
            ],
        ),
        Meaning::HostKeyChanged => row(
            "host-key-changed",
            Proven,
            Reached::KeyExchange,
            "knows another host key for this server than the one it met",
            &[],
        ),
        Meaning::HostKeyDiffers => row(
            "host-key-changed",
            Likely,
            Reached::KeyExchange,
            "knows other host keys for this server than the one it met; the key may be of a type of which it knows none",
            &[("host-key-unknown", "known_hosts may hold keys of other types only, which this server still has")],
        ),
        Meaning::HostKeyUnknown => row(
            "host-key-unknown",
            Proven,
            Reached::KeyExchange,
            "knows no host key of this server and asks nobody",
            &[],
        ),
        Meaning::HostKeyRefused => row(
            "host-key-unknown",
            Possible,
            Reached::KeyExchange,
            "does not take the server's host key",
            &[("host-key-changed", "another key may be known for this name")],
        ),
        Meaning::HostKeyRevoked => {
            row("host-key-revoked", Proven, Reached::KeyExchange, "met a host key that is marked as revoked", &[])
        }
        Meaning::NoMethod => row(
            "method-disabled-by-client",
            Possible,
            Reached::HostKey,
            "had nothing left that the server takes",
            &[NO_IDENTITY, NO_KEY, NO_PASSWORD, NO_PUBKEY],
        ),
        Meaning::NothingToOffer => row(
            "no-identities",
            Likely,
            Reached::HostKey,
            "had no key and no password to offer",
            &[("agent-unreachable", "an agent that was meant may not have answered")],
        ),
        Meaning::KeysRefused => row(
            "no-key-accepted",
            Possible,
            Reached::PublicKey,
            "got no key accepted",
            &[
                NO_IDENTITY,
                USER,
                ("server-key-not-listed", "the account may not have this key"),
                ("server-strict-modes", "the server may refuse the files' modes"),
            ],
        ),
        Meaning::KeyRefused => row(
            "no-key-accepted",
            Likely,
            Reached::PublicKey,
            "offered a key, and the server refused it",
            &[
                USER,
                ("server-key-not-listed", "the account may not have this key"),
                ("server-strict-modes", "the server may refuse the files' modes"),
                ("server-key-algorithm-refused", "the server may not take keys, or signatures, of this type"),
            ],
        ),
        Meaning::SignatureRefused => row(
            "signature-rejected",
            Likely,
            Reached::PublicKey,
            "signed with a key that the server had accepted, and was refused all the same",
            &[
                ("server-root-login-disabled", "the server may refuse root"),
                ("server-key-algorithm-refused", "the server may not take signatures of this type, such as ssh-rsa"),
                ("second-factor-required", "the server may want something more"),
            ],
        ),
        Meaning::PasswordRefused => row(
            "password-rejected",
            Likely,
            Reached::HostKey,
            "got no password accepted",
            &[USER, ("server-account-locked", "the account may be locked")],
        ),
        Meaning::NotAuthenticated => row(
            "undetermined",
            Possible,
            Reached::HostKey,
            "was not let in, and does not say what it tried",
            &[NO_KEY, PASSWORD, USER, NO_IDENTITY, NO_PASSWORD, NO_PUBKEY],
        ),
        Meaning::TooMany => {
            row("too-many-keys", Likely, Reached::HostKey, "was cut off after too many attempts", &[NO_KEY, PASSWORD])
        }
        Meaning::Encrypted => row(
            "key-passphrase-needed",
            Likely,
            Reached::Nothing,
            "cannot use the private key: it is encrypted, and no right passphrase was given",
            &[("key-file-malformed", "the program may not know the file's format")],
        ),
        Meaning::BadKey => row(
            "key-file-malformed",
            Possible,
            Reached::Nothing,
            "cannot read the private key file",
            &[
                ("key-file-is-public", "it may be the public half"),
                ("identity-file-missing", "it may not be there"),
                ("key-file-is-ppk", "it may be in PuTTY's format; PuTTY itself reads no other"),
                ("key-passphrase-needed", "it may be encrypted"),
            ],
        ),
        Meaning::NoChannel => row(
            "channel-refused",
            Likely,
            Reached::HostKey,
            "was let in, and the server refused the channel",
            &[("jump-forwarding-refused", "the server may refuse to pass it on to another host")],
        ),
        Meaning::SshFailed => row(
            "undetermined",
            Possible,
            Reached::Nothing,
            "ran ssh, which failed; what ssh said stands before this line and is missing here",
            &[],
        ),
    }
}

/// The words that tell most, and what they mean: not those that only say that it failed, as long as there are others.
fn telling(facts: &Facts) -> Option<(&Foreign, Meaning)> {
    let log = facts
        .log
        .as_deref()
        .filter(|log| facts.origin == Origin::Log && log.client.is_none() && log.server.is_none())?;
    let vague = |meaning: Meaning| match meaning {
        Meaning::SshFailed => 3,
        Meaning::NotAuthenticated => 2,
        Meaning::NoMethod | Meaning::Dropped | Meaning::Disconnected | Meaning::Unconnected => 1,
        _ => 0,
    };
    meanings(log).into_iter().rev().min_by_key(|(_, meaning)| vague(*meaning))
}

/// The lines that are known and what they mean, those left out that are of an earlier login of PuTTY's.
fn meanings(log: &Log) -> Vec<(&Foreign, Meaning)> {
    let begins = putty::last_login(&log.foreign);
    let counts = |(at, line): &(usize, &Foreign)| line.tool != Tool::Putty || *at >= begins;
    let lines = log.foreign.iter().enumerate().filter(counts);
    lines.filter_map(|(_, line)| Some((line, said(line.words.as_str()?)?.1))).collect()
}

/// The verdict where another program's words are all that is known.
pub fn verdict(facts: &Facts) -> Option<(&'static Cause, Finding)> {
    let course = putty::course(facts);
    let told = telling(facts);
    if told.is_none_or(|(line, _)| line.tool == Tool::Putty)
        && let Some(found) = course.as_ref().and_then(|course| course.instead(facts, told.map(|(_, meaning)| meaning)))
    {
        return Some(found);
    }
    let (line, meaning) = told?;
    let group = group(meaning)?;
    let cause = match causes().map(|(_, cause)| cause).find(|cause| cause.id == group.cause) {
        Some(cause) => cause,
        None => &session::UNDETERMINED,
    };
    let tool = line.tool.name();
    let mut finding = Finding::new(group.certainty, format!("{tool} {}", group.summary))
        .seen(format!("{tool} says: {}", line.words.shortened(300)))
        .seen(format!("{}: nothing of ssh's own, nor of sshd's, stands there", line.at));
    if let Some(course) = course.filter(|_| line.tool == Tool::Putty) {
        finding.evidence.extend(course.seen());
    }
    if several(facts) && finding.certainty == Certainty::Proven {
        finding.certainty = Certainty::Likely;
        finding.evidence.push("other errors stand in the same paste; which one is meant is not told".to_owned());
    }
    finding.alternatives = group.others.iter().map(|(cause, why)| alternative(facts, cause, why)).collect();
    Some((cause, finding))
}

/// Whether the words that are known mean more than one thing, those left out that only say that it failed.
fn several(facts: &Facts) -> bool {
    let meanings = facts.log.iter().flat_map(|log| meanings(log));
    let mut meanings = meanings.map(|(_, meaning)| meaning);
    let vague = |meaning: &Meaning| matches!(meaning, Meaning::SshFailed | Meaning::NotAuthenticated);
    let first = meanings.by_ref().find(|meaning| !vague(meaning));
    meanings.any(|meaning| !vague(&meaning) && Some(meaning) != first)
}

fn alternative(facts: &Facts, cause: &'static str, why: &str) -> Alternative {
    // The same login by ssh says what it meets.
    let decide = facts.target.is_ok().then(|| Decide { place: Place::Client, command: super::log::more_words(facts) });
    Alternative { cause, certainty: Certainty::Possible, summary: why.to_owned(), evidence: Vec::new(), decide }
}

/// What those words exclude, and by what.
pub fn excluded(facts: &Facts) -> Vec<(&'static str, String)> {
    let Some((line, group)) = telling(facts).and_then(|(line, meaning)| Some((line, group(meaning)?))) else {
        return Vec::new();
    };
    let passed = PASSED.iter().filter(|(stage, cause, _)| *stage <= group.reached && *cause != group.cause);
    let listed = |cause: &str| group.others.iter().any(|(other, _)| *other == cause);
    let passed = passed.filter(|(_, cause, _)| !listed(cause));
    passed.map(|(_, cause, why)| (*cause, format!("by what {} says, {why}", line.tool.name()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Source;
    use crate::facts::log::Part;

    fn facts(lines: &[(Tool, &str)]) -> Facts {
        let at = Source::File { path: "ticket.txt".into(), line: Some(3) };
        let foreign = lines.iter().map(|(tool, words)| Foreign { tool: *tool, words: (*words).into(), at: at.clone() });
        let log = Log { foreign: foreign.collect(), ..Log::default() };
        Facts { origin: Origin::Log, log: Some(Box::new(log)), ..Facts::default() }
    }

    #[test]
    fn each_group_and_alternative_is_of_the_catalogue() {
        for (_, meaning) in [
            "dial tcp 192.0.2.7:22: connect: connection refused",
            "JSchException: Auth fail",
            "Server refused our key",
            "Unable to use key file \"x\" (OpenSSH SSH-2 private key)",
            "knownhosts: key mismatch",
            "ssh: handshake failed: EOF",
            "JSchException: Algorithm negotiation fail",
            "Error reading SSH protocol banner",
            "fatal: Could not read from remote repository.",
            "No supported authentication methods available (server sent: publickey)",
        ]
        .into_iter()
        .filter_map(said)
        {
            let group = group(meaning).unwrap();
            let known = |id: &str| id == "undetermined" || causes().any(|(_, cause)| cause.id == id);
            assert!(known(group.cause), "{}", group.cause);
            for (other, _) in group.others {
                assert!(known(other), "{other}");
            }
        }
    }

    #[test]
    fn the_words_that_tell_most_decide() {
        let facts = facts(&[
            (Tool::Putty, "Server refused our key"),
            (Tool::Putty, "No supported authentication methods available (server sent: publickey)"),
            (Tool::Git, "fatal: Could not read from remote repository."),
        ]);
        let (cause, finding) = verdict(&facts).unwrap();
        assert_eq!((cause.id, finding.certainty), ("no-key-accepted", Certainty::Likely));
        assert!(finding.evidence[1].contains("ticket.txt:3"), "{:?}", finding.evidence);
        let excluded = excluded(&facts);
        assert!(excluded.iter().any(|(cause, _)| *cause == "connection-refused"), "{excluded:?}");
    }

    #[test]
    fn where_ssh_itself_was_heard_nobody_else_is() {
        let mut facts = facts(&[(Tool::Putty, "Server refused our key")]);
        if let Some(log) = &mut facts.log {
            log.client = Some(Part::default());
        }
        assert!(verdict(&facts).is_none());
        facts.origin = Origin::Live;
        assert!(verdict(&facts).is_none());
    }
}
