//! What a transcript of ssh leaves open: causes that leave the same lines, and what one who has only those lines may say.

use crate::facts::agent::AgentAnswer;
use crate::facts::identities::{KeyFile, is_seen};
use crate::facts::key::PublicKey;
use crate::facts::proxy::{Proxy, UNNAMED};
use crate::facts::text::escape;
use crate::facts::{Facts, Stage, Ticket, Unobserved};
use crate::openssh::course::{self, Problem, Use};
use crate::openssh::known_hosts::{self, Standing};
use crate::openssh::server;

use super::{Alternative, Cause, Certainty, Decide, Finding, Place, naming};

/// The finding, less sure where other causes leave the same transcript, with those beside it.
pub(super) fn tempered(facts: &Facts, cause: &Cause, mut finding: Finding) -> Finding {
    if !facts.is_read() {
        return finding;
    }
    let others: Vec<Alternative> = match cause.id {
        "signature-rejected" => says_yes_perhaps(facts).into_iter().collect(),
        "no-identities" => unread(facts).into_iter().chain(hidden(facts)).chain(left_out(facts)).collect(),
        "key-file-malformed" => formats(facts),
        "key-file-is-public" => mistaken(facts).into_iter().collect(),
        "key-passphrase-needed" => unsaid(facts).into_iter().collect(),
        "host-key-unknown" => certified_host(facts).into_iter().collect(),
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
    let unsure = by_absence || !others.is_empty() || !bare.is_empty() || (cause.id == "kerberos-ticket-missing");
    if unsure {
        finding.certainty = finding.certainty.max(Certainty::Likely);
    }
    let known: Vec<&str> = finding.alternatives.iter().chain(&others).map(|alternative| alternative.cause).collect();
    let unseen = unseen(facts, cause.id).into_iter().filter(|other| !known.contains(&other.cause)).collect::<Vec<_>>();
    finding.or(others).or(bare).or(unseen)
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
fn say_more(facts: &Facts) -> Decide {
    here(format!("ssh -vvv {}", naming::destination(facts)))
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
pub(super) fn open(facts: &Facts) -> Option<Finding> {
    if !facts.is_read() {
        return None;
    }
    let login = naming::login(facts);
    let (summary, others): (String, Vec<(&str, &str)>) = if let Some(methods) = denied(facts) {
        let list = escape(methods.join(",").as_bytes());
        let summary = format!("{login} denies the login ({list}); whether a key was offered, these lines do not tell");
        (summary, of_denial(&methods))
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
    } else if facts.userauth == Err(Unobserved::NotReached(Stage::HostKey)) {
        let summary = format!("ssh does not go on with the host key of {login}; why, these lines do not tell");
        (summary, HOST_KEY_REFUSED.to_vec())
    } else if cut(facts) {
        let summary = format!("{login} ends the connection: Too many authentication failures");
        (summary, CUT.to_vec())
    } else {
        return None;
    };
    let others = others.into_iter().map(|(cause, summary)| possible(cause, summary, say_more(facts)));
    Some(Finding::new(Certainty::Possible, summary).or(others))
}

/// Whether the server ended it for too many failures, and nothing was seen of them.
fn cut(facts: &Facts) -> bool {
    facts.identities.is_err() && facts.userauth.as_ref().is_ok_and(|userauth| course::cut_after(userauth).is_some())
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
