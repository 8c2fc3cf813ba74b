//! What a transcript of ssh leaves open: causes that leave the same lines, and what one who has only those lines may say.

mod open;

use crate::facts::agent::AgentAnswer;
use crate::facts::identities::{KeyFile, is_seen};
use crate::facts::key::PublicKey;
use crate::facts::proxy::{Proxy, UNNAMED};
use crate::facts::text::escape;
use crate::facts::userauth::Userauth;
use crate::facts::{Facts, Ticket};
use crate::openssh::course::{self, Problem, Use};
use crate::openssh::known_hosts::{self, Standing};
use crate::openssh::server;

use super::{Alternative, Cause, Certainty, Decide, Finding, Place, naming};

pub(super) use open::open;

/// The finding, less sure where other causes leave the same transcript, with those beside it.
pub(super) fn tempered(facts: &Facts, cause: &Cause, mut finding: Finding) -> Finding {
    if !facts.is_read() {
        return finding;
    }
    let others: Vec<Alternative> = match cause.id {
        "signature-rejected" => says_yes_perhaps(facts).into_iter().collect(),
        "no-key-accepted" | "agent-lacks-accepted-key" => as_root(facts).into_iter().collect(),
        "no-identities" => {
            as_root(facts).into_iter().chain(unread(facts)).chain(hidden(facts)).chain(left_out(facts)).collect()
        }
        "key-file-malformed" => formats(facts),
        "key-file-is-public" => mistaken(facts).into_iter().collect(),
        "key-passphrase-needed" => unsaid(facts).into_iter().collect(),
        "host-key-unknown" => certified_host(facts).into_iter().collect(),
        "shell-startup-prints" => four_bytes(facts),
        "pubkey-disabled-by-client" | "server-pubkey-disabled" => by_kerberos(facts).into_iter().collect(),
        _ => Vec::new(),
    };
    let bare = bare(facts, cause.id);
    let partial = facts.log.as_ref().and_then(|log| log.client.as_ref()).is_some_and(|client| !client.whole);
    // ssh's one message about it, where it was asked to say no more.
    let stated = STATED.contains(&cause.id) || cause.id == "host-key-unknown" && level(facts) == 0;
    if partial && !stated && finding.certainty == Certainty::Proven {
        finding.certainty = Certainty::Likely;
        finding.evidence.push("lines are missing in the transcript, which may tell otherwise".to_owned());
    }
    // Of messages that stand in one paste nothing tells which is of today.
    let several =
        level(facts) == 0 && facts.log.as_ref().is_some_and(|log| log.client.is_some() && log.others_count > 0);
    if several && finding.certainty == Certainty::Proven {
        finding.certainty = Certainty::Likely;
        finding.evidence.push("other logins stand in the same paste; which one is meant is not told".to_owned());
    }
    // It is seen by lines that are not there, or nobody tried whether the server says yes to every key.
    let by_absence = matches!(cause.id, "pubkey-disabled-by-client" | "signature-rejected");
    // A ForceCommand that is not there ends so too.
    let by_status =
        cause.id == "channel-refused" && facts.session.as_ref().is_ok_and(|seen| seen.exit_status == Some(127));
    let unsure = by_absence
        || by_status
        || is_inside(facts)
        || !others.is_empty()
        || !bare.is_empty()
        || (cause.id == "kerberos-ticket-missing");
    if unsure {
        finding.certainty = finding.certainty.max(Certainty::Likely);
    }
    let known: Vec<&str> = finding.alternatives.iter().chain(&others).map(|alternative| alternative.cause).collect();
    let unseen = unseen(facts, cause.id).into_iter().filter(|other| !known.contains(&other.cause)).collect::<Vec<_>>();
    finding.or(others).or(bare).or(unseen)
}

/// Whether only what came behind a login was read: the words may be those of a program that ran in a good session.
fn is_inside(facts: &Facts) -> bool {
    facts.userauth.as_ref().is_ok_and(Userauth::is_unseen)
}

/// What else begins with a text, where sftp tells no more of it than its first four bytes.
fn four_bytes(facts: &Facts) -> Vec<Alternative> {
    let stdout = facts.session.as_ref().map(|session| session.stdout.as_bytes()).unwrap_or_default();
    let (cause, summary) = match stdout {
        b"This" => {
            ("shell-refuses-login", "nologin's sentence begins with \"This\" too: the account may have no shell")
        }
        b"Plea" => ("login-as-other-user", "\"Please login as the user …\" begins so: another account is meant"),
        b"WARN" | b"You " => ("password-change-required", "sshd's words about an expired password begin so"),
        _ => return Vec::new(),
    };
    let decide = here(format!("ssh {} true", naming::destination_without_command(facts)));
    vec![Alternative { certainty: Certainty::Likely, ..possible(cause, summary, decide) }]
}

/// What ssh's own words state, whatever else is missing.
const STATED: &[&str] = &[
    "host-not-found",
    "dns-failure",
    "connection-refused",
    "connection-timeout",
    "network-unreachable",
    "connect-blocked-locally",
    "bind-address-unusable",
    "client-config-error",
    "client-config-permissions",
    "no-common-kex",
    "no-common-host-key-algorithm",
    "no-common-cipher",
    "no-common-mac",
    "host-key-changed",
    "host-key-revoked",
    "revoked-host-keys-unreadable",
    "key-file-permissions",
    "server-disconnected",
];

/// What only the client's own files show, and what leaves the same lines as the cause: id and what it would mean.
const UNSEEN: &[(&str, &[(&str, &str)])] = &[
    ("no-identities", KEYS_ELSEWHERE),
    ("no-key-accepted", KEYS_ELSEWHERE),
    ("agent-lacks-accepted-key", KEYS_ELSEWHERE),
    ("no-identities", &[("wrong-ssh-binary", "the configured path is meant for another ssh program on that machine")]),
    ("signature-rejected", &[("no-key-accepted", "the server says yes to every key, and accepts none of them")]),
    ("identity-file-missing", &[("wrong-ssh-binary", "the path is meant for another ssh program on that machine")]),
    ("agent-unreachable", &[("wrong-ssh-binary", "the socket is meant for another ssh program on that machine")]),
    ("host-not-found", &[("host-alias-misspelt", "the name is misspelt, and a Host block has a similar one")]),
    (
        "connection-refused",
        &[
            ("server-config-invalid", "sshd does not start, as its configuration is not valid"),
            ("source-banned", "a rule on the server refuses this address"),
        ],
    ),
    (
        "session-closed",
        &[
            ("shell-refuses-login", "the account's shell turns everybody away"),
            ("server-chroot-ownership", "ChrootDirectory fails sshd's rule of ownership"),
            ("shell-startup-prints", "the shell's start-up files print something before SFTP begins"),
            ("server-nologin-file", "/etc/nologin keeps everybody out"),
            ("login-as-other-user", "the login is meant for another account"),
        ],
    ),
    (
        "shell-refuses-login",
        &[
            ("login-as-other-user", "the login is meant for another account"),
            ("forced-command", "the key only runs one command"),
            ("session-closed", "the session ends for another reason"),
        ],
    ),
    (
        "kerberos-ticket-missing",
        &[
            ("server-pubkey-disabled", "a key was meant, and the server takes none"),
            ("pubkey-disabled-by-client", "a key was meant, and this client has them switched off"),
        ],
    ),
    ("second-factor-required", SERVER_CONFIG),
    ("no-methods-left", SERVER_CONFIG),
    ("server-pubkey-disabled", SERVER_CONFIG),
    ("signature-rejected", SERVER_CONFIG),
    ("jump-host-failed", &[("jump-host-loop", "the jump hosts lead back to one of themselves")]),
    ("connection-dropped", &[("source-banned", "a rule on the server refuses this address")]),
    (
        "password-rejected",
        &[
            ("no-key-accepted", "a key was meant, and the server does not accept it"),
            ("server-pubkey-disabled", "a key was meant, and the server takes none for this account"),
            ("second-factor-required", "the key was accepted, and the password comes second"),
        ],
    ),
];

/// What on the server makes it so.
const SERVER_CONFIG: &[(&str, &str)] = &[
    ("server-auth-methods", "AuthenticationMethods demands what this client does not do"),
    ("server-config-override", "an earlier line of sshd_config wins over the one that was changed"),
    ("server-config-not-reloaded", "sshd_config was changed, and sshd has not read it again"),
];

/// What may be wrong with a certificate that is refused.
const CERTIFICATES: &[(&str, &str)] = &[
    ("certificate-expired", "the certificate's time has ended, or not begun"),
    (
        "server-ca-mismatch",
        "the server does not trust the certificate's CA, or the certificate does not name the account",
    ),
];

/// Where the key that is meant may be, if ssh does not offer it.
const KEYS_ELSEWHERE: &[(&str, &str)] = &[
    ("accepted-key-not-offered", "the key that is meant lies under a name that ssh does not try"),
    (
        "identities-only-hides-key",
        "the agent holds the key that is meant, and IdentitiesOnly keeps ssh from offering it",
    ),
    ("wrong-local-account", "ssh runs as another local user than the one whose keys are meant"),
    ("agent-key-constrained", "the agent holds the key that is meant, bound to other hosts (ssh-add -h)"),
    ("identity-file-missing", "a file that the configuration names is not there"),
    ("key-file-unreadable", "this account may not open the key, or a folder on the way to it"),
    ("rsa-key-too-small", "the key is shorter than RequiredRSASize, of ssh or of the server, allows"),
    ("hardware-key-unavailable", "the key is in a token or an authenticator that ssh passes over"),
];

fn unseen(facts: &Facts, id: &str) -> Vec<Alternative> {
    let listed = facts.identities.iter().flat_map(|identities| identities.listed.iter().flatten());
    let certified = listed.filter_map(|row| row.key.as_ref()).any(PublicKey::is_certificate);
    let of_certificates = certified && matches!(id, "no-key-accepted" | "agent-lacks-accepted-key");
    let certificates = CERTIFICATES.iter().filter(|_| of_certificates);
    let too_open = |file: &KeyFile| matches!(course::problem(facts, file), Some(Problem::TooOpen(_)));
    let open = id == "no-key-accepted" && facts.identities.iter().any(|all| all.files.iter().any(too_open));
    let open = open.then_some(&("key-file-permissions", "a key that others may read is the one that is meant"));
    let rows = UNSEEN.iter().filter(|(of, _)| *of == id).flat_map(|(_, rows)| rows.iter());
    let rows = certificates.chain(open).chain(rows);
    let again = || here(format!("sshdoctor {}", naming::destination(facts)));
    rows.map(|(cause, summary)| possible(cause, summary, again())).collect()
}

/// How much ssh was asked to say.
fn level(facts: &Facts) -> u8 {
    facts.log.as_ref().and_then(|log| log.client.as_ref()).map_or(0, |client| client.level)
}

/// Whether ssh was not asked to say more than its messages.
pub(super) fn is_bare(facts: &Facts) -> bool {
    facts.is_read() && level(facts) == 0
}

/// Whether only a warning tells of the client's keys, and no line what ssh offered.
pub(super) fn shows_no_offers(facts: &Facts) -> bool {
    facts.is_read() && facts.identities.as_ref().is_ok_and(|identities| identities.listed.is_none())
}

/// Whether a jump host or a program made the connection, and no line tells which, nor how far it came.
pub(super) fn is_behind_something(facts: &Facts) -> bool {
    let proxy = facts.connect.as_ref().ok().and_then(|connect| connect.proxy.as_ref());
    let unnamed = matches!(proxy, Some(Proxy::Command(command)) if *command == UNNAMED);
    let answered = facts.transport.as_ref().is_ok_and(|transport| transport.identification.is_some());
    facts.is_read() && unnamed && !answered
}

/// The command that has ssh say more.
pub(super) fn more_words(facts: &Facts) -> String {
    let sudo = if by_sudo(facts) { "sudo " } else { "" };
    format!("{sudo}ssh -vvv {}", naming::destination(facts))
}

fn say_more(facts: &Facts) -> Decide {
    here(more_words(facts))
}

/// Whether sudo ran ssh.
fn by_sudo(facts: &Facts) -> bool {
    facts.log.as_ref().and_then(|log| log.client.as_ref()).is_some_and(|client| client.sudo)
}

/// What sudo changes: ssh is another account's then.
fn as_root(facts: &Facts) -> Option<Alternative> {
    by_sudo(facts).then(|| {
        let summary = "sudo runs ssh as root, with root's keys and configuration in the place of yours";
        let decide = here(format!("ssh {}", naming::destination(facts)));
        Alternative { certainty: Certainty::Likely, ..possible("wrong-local-account", summary, decide) }
    })
}

/// What ssh's own words leave open where it was not asked to say more: they do not tell what came before.
fn bare(facts: &Facts, id: &str) -> Vec<Alternative> {
    if level(facts) > 0 {
        return Vec::new();
    }
    let others: &[(&str, &str)] = match id {
        "host-key-changed"
        | "host-key-unknown"
        | "host-key-revoked"
        | "server-disconnected"
        | "key-file-permissions"
        | "agent-refused-to-sign"
            if is_behind_something(facts) =>
        {
            &[
                ("jump-host-failed", "it is said of a jump host on the way (-J, ProxyJump)"),
                ("proxy-command-failed", "it is said by an ssh that the ProxyCommand runs"),
            ]
        }
        "connection-dropped" | "banner-timeout" | "max-startups" | "source-penalised" => &[
            ("not-ssh-server", "what answers at that port is no SSH server; only -v shows what it sends"),
            ("proxy-command-failed", "a program stands before the server and fails; only -v names it"),
        ],
        "key-file-permissions" => &[
            ("no-key-accepted", "another key was offered besides, or the server does not accept this one either"),
            ("wrong-user", "another account is meant"),
        ],
        "not-ssh-server" => &[("protocol-error", "the server identifies itself, and what follows is no SSH")],
        "protocol-error" => &[("not-ssh-server", "what answers at that port is no SSH server")],
        "host-key-unknown" if facts.config.options.first("stricthostkeychecking").is_none() => &[
            ("host-key-changed", "another key is known for the name; ssh says so in a warning that is not here"),
            ("host-key-revoked", "the key is revoked; ssh says so in a warning that is not here"),
        ],
        _ => &[],
    };
    others.iter().map(|(cause, summary)| possible(cause, summary, say_more(facts))).collect()
}

/// The methods in ssh's last word, where nothing was seen of what came before it.
fn denied(facts: &Facts) -> Option<Vec<String>> {
    let userauth = facts.userauth.as_ref().ok().filter(|_| facts.identities.is_err() || level(facts) == 0)?;
    userauth.methods().map(<[String]>::to_vec)
}

/// That the server answered the login, where ssh's last word alone shows that everything before went well.
pub(super) fn answered(facts: &Facts) -> Option<String> {
    let methods = denied(facts).filter(|_| facts.is_read())?;
    Some(format!("the server answers the login: Permission denied ({})", escape(methods.join(",").as_bytes())))
}

/// The same, but for a host key that is seen not to be the known one.
pub(super) fn answered_as_known(facts: &Facts) -> Option<String> {
    let standing = known_hosts::standing(facts);
    let other = matches!(standing, Some(Standing::Changed(_) | Standing::Revoked));
    answered(facts).filter(|_| !other)
}

/// A host certificate that is not taken leaves the words that an unknown key leaves.
fn certified_host(facts: &Facts) -> Option<Alternative> {
    let offered = facts.host_key.offered.as_ref().ok()?;
    (offered.key.is_certificate() || offered.algorithm.contains("-cert-v0")).then(|| {
        let summary = "the host certificate is not valid, for another name, or of a CA that is not trusted";
        possible("host-certificate-invalid", summary, say_more(facts))
    })
}

/// Keys that ssh names and leaves out.
fn left_out(facts: &Facts) -> Vec<Alternative> {
    let Ok(identities) = &facts.identities else { return Vec::new() };
    let token = identities.token_trouble.is_some();
    let summary = "the key is in a token or an authenticator that ssh does not reach";
    let hardware = token.then(|| possible("hardware-key-unavailable", summary, say_more(facts)));
    hardware.into_iter().collect()
}

/// What came of GSSAPI is not told by these lines alone.
fn by_kerberos(facts: &Facts) -> Option<Alternative> {
    let tried = facts.run.kerberos_ticket == Some(Ticket::Missing);
    tried.then(|| {
        let summary = "the account is meant to be entered by Kerberos, and ssh had no ticket to give";
        possible("kerberos-ticket-missing", summary, here("klist".to_owned()))
    })
}

fn possible(cause: &'static str, summary: &str, decide: Decide) -> Alternative {
    let summary = summary.to_owned();
    Alternative { cause, certainty: Certainty::Possible, summary, evidence: Vec::new(), decide: Some(decide) }
}

fn here(command: String) -> Decide {
    Decide { place: Place::Client, command }
}

/// A server that is neither OpenSSH nor dropbear may say yes to every key: then only the signature was refused, and the
/// key is not accepted at all.
fn says_yes_perhaps(facts: &Facts) -> Option<Alternative> {
    let identification = facts.transport.as_ref().ok().and_then(|transport| transport.identification.as_ref());
    let software = identification.map(|text| server::software(text.as_bytes()).to_vec()).unwrap_or_default();
    let known = [&b"OpenSSH_"[..], b"dropbear"].iter().any(|name| software.starts_with(name));
    (!known).then(|| {
        let summary = "the server says yes to every key that it is asked about, and refuses this one when it is used";
        possible("no-key-accepted", summary, here(format!("sshdoctor {}", naming::destination(facts))))
    })
}

/// A file that was tried, and of which nothing more was said: it may be there and encrypted, with nobody to ask.
fn unread(facts: &Facts) -> Option<Alternative> {
    let identities = facts.identities.as_ref().ok()?;
    let file = identities.files.iter().find(|file| !is_seen(&file.state) && file.public_half().is_none())?;
    let summary = format!("{} is there and encrypted, and ssh asks nobody for its passphrase (BatchMode)", file.path);
    let decide = here(format!("ls -l {}", naming::path(&file.path)));
    Some(possible("key-passphrase-needed", &summary, decide))
}

/// An agent that lists nothing may hold keys that it does not show here.
fn hidden(facts: &Facts) -> Option<Alternative> {
    let agent = facts.agent.as_ref().ok()?;
    let lists_none = matches!(&agent.answer, Ok(AgentAnswer::Lists(keys)) if keys.is_empty());
    lists_none.then(|| {
        let summary =
            "the agent holds a key and does not show it here: it is locked, or the key is bound to other hosts";
        possible("agent-key-constrained", summary, here("ssh-add -l".to_owned()))
    })
}

/// ssh says the same of a damaged key, of a public key, and of one in another program's format.
fn formats(facts: &Facts) -> Vec<Alternative> {
    let turns = course::course(facts).unwrap_or_default();
    let stopped = course::stopped(&turns).filter(|(_, usage)| matches!(usage, Use::Problem(Problem::Malformed(_))));
    let file = stopped.and_then(|(turn, _)| course::key_file(facts, &turn.offer));
    let file = file.map_or_else(|| "PATH_OF_YOUR_KEY".to_owned(), |file| naming::path(&file.path));
    let decide = || here(format!("head -n 1 {file}"));
    vec![
        possible("key-file-is-ppk", "the file is in PuTTY's format, which ssh does not read", decide()),
        possible("key-file-is-public", "the file holds a public key", decide()),
    ]
}

/// A certificate in the place of a key leaves the same words.
fn mistaken(facts: &Facts) -> Option<Alternative> {
    let files = &facts.identities.as_ref().ok()?.files;
    let file = files.iter().find(|file| file.explicit && file.path.as_bytes().ends_with(b"-cert.pub"))?;
    let summary = format!("{} is a certificate, and the private key beside it belongs to another", file.path);
    let decide = here(format!("ssh-keygen -Lf {}", naming::path(&file.path)));
    Some(possible("key-pair-mismatch", &summary, decide))
}

/// Where no question was seen, ssh was silent about why it did not sign: at less than -vvv a file that is not there looks
/// the same.
fn unsaid(facts: &Facts) -> Option<Alternative> {
    (level(facts) < 3 && !facts.run.terminal).then(|| {
        let summary = "the private key is not there, and only its .pub is";
        possible("identity-file-missing", summary, say_more(facts))
    })
}
