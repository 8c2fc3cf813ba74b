//! Failures that look alike: what separates each pair, or that no verdict claims to tell them apart.
//!
//! A scene is a row of the lab (`row`), a saved case (`fixtures/ID`) or a near miss of one (`fixtures/ID/near-NAME`).
//! The lab and tests/fixtures.rs prove the verdict of each scene; here stands which of them answer each other.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be read is a scene that fails")]

#[path = "support/rows.rs"]
mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;

/// Two failures with the same surface, in two scenes that end differently: first failure, its scene and cause; second
/// failure, its scene and cause; what separates them.
const APART: &[[&str; 7]] = &[
    [
        "the authenticator is not plugged in",
        "authenticator-unplugged",
        "hardware-key-unavailable",
        "the authenticator waits for a touch",
        "fixtures/hardware-key-unavailable/near-plugged-in",
        "access-needs-answer",
        "whether a device that speaks FIDO is there",
    ],
    [
        "the agent's confirmation was denied",
        "agent-confirmation-denied",
        "agent-refused-to-sign",
        "the agent waits for a confirmation",
        "agent-confirmation-waits",
        "access-needs-answer",
        "a failure from the agent against no answer from it",
    ],
    [
        "the certificate that was named has expired",
        "cert-expired-named",
        "certificate-expired",
        "an expired certificate beside other keys",
        "cert-expired-beside-another-key",
        "no-key-accepted",
        "whether anything else was offered and refused",
    ],
    [
        "too many keys",
        "seven-keys-in-the-agent",
        "too-many-keys",
        "six keys, none accepted",
        "six-keys-none-accepted",
        "agent-lacks-accepted-key",
        "whether a key was left unasked that the server accepts",
    ],
    [
        "too many keys",
        "server-10.0-seven-keys-in-the-agent",
        "too-many-keys",
        "the source is penalised",
        "server-10.0-source-penalised",
        "source-penalised",
        "the disconnect's text against the text before the identification",
    ],
    [
        "host key algorithms of old",
        "server-8.4-sha1-host-key",
        "no-common-host-key-algorithm",
        "signature algorithms of old",
        "rsa-key-and-a-server-that-names-no-algorithms",
        "no-mutual-signature-algorithm",
        "the KEXINIT's list against the list for user keys",
    ],
    [
        "kex of old",
        "old-kex",
        "no-common-kex",
        "cipher of old",
        "old-cipher",
        "no-common-cipher",
        "the list of the KEXINIT that shares nothing",
    ],
    [
        "the configuration is for Windows' ssh",
        "windows-key-file-in-wsl",
        "wrong-ssh-binary",
        "no key and no agent",
        "fixtures/no-identities",
        "no-identities",
        "a path of Windows in the effective options",
    ],
    [
        "the configuration is for Windows' ssh",
        "windows-key-file-and-agent",
        "wrong-ssh-binary",
        "an option that this ssh does not know",
        "option-nobody-knows",
        "client-config-error",
        "whether ssh -G reads the configuration to its end",
    ],
    [
        "the configuration is for Windows' ssh",
        "windows-key-file-in-wsl",
        "wrong-ssh-binary",
        "a key file that was named wrongly",
        "fixtures/wrong-ssh-binary/near-path-of-this-system",
        "identity-file-missing",
        "the drive in the key file's name",
    ],
    [
        "the agent is Windows' own",
        "windows-agent-with-slashes",
        "wrong-ssh-binary",
        "the agent's socket is gone",
        "fixtures/agent-unreachable",
        "agent-unreachable",
        "the pipe's name against a socket's",
    ],
    [
        "cipher of old",
        "old-cipher",
        "no-common-cipher",
        "MAC of old",
        "old-mac",
        "no-common-mac",
        "the list of the KEXINIT that shares nothing",
    ],
    [
        "host key changed",
        "host-key-is-another",
        "host-key-changed",
        "host key unknown",
        "host-key-new-and-nobody-to-ask",
        "host-key-unknown",
        "whether a line of known_hosts names the host",
    ],
    [
        "host key changed",
        "host-key-is-another",
        "host-key-changed",
        "host key revoked",
        "host-key-revoked",
        "host-key-revoked",
        "the @revoked marker",
    ],
    [
        "host key changed",
        "fixtures/host-key-changed",
        "host-key-changed",
        "another name's key",
        "fixtures/host-key-changed/near-another-name",
        "host-key-unknown",
        "the name in known_hosts",
    ],
    [
        "packets dropped",
        "packets-dropped",
        "connection-timeout",
        "host unreachable",
        "host-unreachable",
        "network-unreachable",
        "silence against an ICMP error",
    ],
    [
        "packets dropped",
        "packets-dropped",
        "connection-timeout",
        "only IPv6 stalls",
        "ipv6-stalls-and-ipv4-works",
        "ipv6-broken",
        "the attempt by the other family",
    ],
    [
        "nothing listens",
        "nothing-listens",
        "connection-refused",
        "packets dropped",
        "packets-dropped",
        "connection-timeout",
        "a reset against silence",
    ],
    [
        "nothing listens",
        "nothing-listens",
        "connection-refused",
        "forbidden here",
        "connecting-forbidden-here",
        "connect-blocked-locally",
        "which side the error comes from: ECONNREFUSED against EPERM",
    ],
    [
        "the name server fails",
        "name-server-fails",
        "dns-failure",
        "the name does not exist",
        "name-that-does-not-resolve",
        "host-not-found",
        "EAI_AGAIN against EAI_NONAME",
    ],
    [
        "the alias is misspelt",
        "alias-one-letter-off",
        "host-alias-misspelt",
        "the name does not exist",
        "name-that-does-not-resolve",
        "host-not-found",
        "a Host block one letter off",
    ],
    [
        "key open to others",
        "key-others-can-read",
        "key-file-permissions",
        "public half named",
        "public-half-named",
        "key-file-is-public",
        "the file's first bytes",
    ],
    [
        "key open to others",
        "key-others-can-read",
        "key-file-permissions",
        "key of another account",
        "key-of-root",
        "key-file-unreadable",
        "EACCES against the mode",
    ],
    [
        "PuTTY's format",
        "putty-key",
        "key-file-is-ppk",
        "Windows line ends",
        "key-with-windows-line-ends",
        "key-file-malformed",
        "the file's first line",
    ],
    [
        "no final newline",
        "key-without-its-last-newline",
        "key-file-malformed",
        "PuTTY's format",
        "putty-key",
        "key-file-is-ppk",
        "the file's first line and last byte",
    ],
    [
        "passphrase and nobody to ask",
        "passphrase-without-a-terminal",
        "key-passphrase-needed",
        "the agent refuses to sign",
        "agent-wants-a-confirmation-and-cannot-ask",
        "agent-refused-to-sign",
        "who holds the key, and the cipher in its file",
    ],
    [
        "passphrase and nobody to ask",
        "passphrase-without-a-terminal",
        "key-passphrase-needed",
        "nothing to offer",
        "nothing-to-offer",
        "no-identities",
        "whether a public half was offered",
    ],
    [
        "constrained in the agent",
        "agent-key-for-another-host",
        "agent-key-constrained",
        "the agent refuses to sign",
        "agent-wants-a-confirmation-and-cannot-ask",
        "agent-refused-to-sign",
        "the list of a bound agent connection against the answer to the request",
    ],
    [
        "the agent is gone",
        "agent-gone",
        "agent-unreachable",
        "the agent is empty",
        "nothing-to-offer-and-an-empty-agent",
        "no-identities",
        "whether the socket answers",
    ],
    [
        "IdentitiesOnly hides the agent's key",
        "identities-only-hides-the-agent",
        "identities-only-hides-key",
        "the agent is empty",
        "nothing-to-offer-and-an-empty-agent",
        "no-identities",
        "what the agent lists",
    ],
    [
        "IdentitiesOnly hides the agent's key",
        "identities-only-names-another-key",
        "identities-only-hides-key",
        "the server refuses the key",
        "key-not-authorised",
        "no-key-accepted",
        "the query about the hidden key",
    ],
    [
        "public half of another pair",
        "public-half-of-another-pair",
        "key-pair-mismatch",
        "the server refuses the key",
        "key-not-authorised",
        "no-key-accepted",
        "the key inside the private file against its .pub",
    ],
    [
        "public half of another pair",
        "public-half-of-another-pair",
        "key-pair-mismatch",
        "the signature is refused",
        "signature-refused-by-the-script",
        "signature-rejected",
        "the key inside the private file against its .pub",
    ],
    [
        "public half without private half",
        "default-pub-without-private",
        "identity-file-missing",
        "public half of another pair",
        "public-half-of-another-pair",
        "key-pair-mismatch",
        "whether the private file is there",
    ],
    [
        "SHA-1 client",
        "server-10.0-sha1-client",
        "no-mutual-signature-algorithm",
        "the server refuses the key",
        "server-10.0-key-not-authorised",
        "no-key-accepted",
        "server-sig-algs against PubkeyAcceptedAlgorithms",
    ],
    [
        "DSA key at this client",
        "client-8.4-dsa-key",
        "no-mutual-signature-algorithm",
        "DSA key at a client that has no DSA",
        "client-10.0-dsa-key",
        "no-identities",
        "what this ssh can read",
    ],
    [
        "configuration of another version",
        "client-8.4-option-of-8.5",
        "client-config-error",
        "configuration others can write",
        "config-others-can-write",
        "client-config-permissions",
        "ssh's own words",
    ],
    [
        "server takes no keys",
        "server-takes-no-keys",
        "server-pubkey-disabled",
        "the server refuses the key",
        "key-not-authorised",
        "no-key-accepted",
        "the server's list of methods",
    ],
    [
        "server takes no keys",
        "server-takes-no-keys",
        "server-pubkey-disabled",
        "this client offers none",
        "publickey-switched-off",
        "pubkey-disabled-by-client",
        "PubkeyAuthentication here against the server's list",
    ],
    [
        "passwords off there",
        "nothing-but-a-password-to-give",
        "password-disabled",
        "passwords off here",
        "password-off-here",
        "method-disabled-by-client",
        "the server's list of methods",
    ],
    [
        "a second factor",
        "a-password-after-the-key",
        "second-factor-required",
        "the server refuses the key",
        "key-not-authorised",
        "no-key-accepted",
        "partial success",
    ],
    [
        "a second factor",
        "fixtures/second-factor-required",
        "second-factor-required",
        "the signature is refused",
        "fixtures/second-factor-required/near-no-success",
        "signature-rejected",
        "the partial flag alone",
    ],
    [
        "root's login is off",
        "root-login-disabled",
        "signature-rejected",
        "the server refuses the key",
        "key-not-authorised",
        "no-key-accepted",
        "PK_OK before the refusal",
    ],
    [
        "PAM refuses",
        "account-expired",
        "signature-rejected",
        "the server refuses the key",
        "key-not-authorised",
        "no-key-accepted",
        "PK_OK before the end",
    ],
    [
        "a silent server",
        "silent-server",
        "banner-timeout",
        "closed at once",
        "closed-at-once",
        "connection-dropped",
        "whether the connection ends",
    ],
    [
        "the key exchange stalls",
        "key-exchange-stalls",
        "kex-stalled",
        "a silent server",
        "silent-server",
        "banner-timeout",
        "the identification string",
    ],
    [
        "the key exchange stalls",
        "fixtures/kex-stalled",
        "kex-stalled",
        "closed in the key exchange",
        "fixtures/kex-stalled/near-closed",
        "connection-dropped",
        "whether the connection ends",
    ],
    [
        "a web server",
        "web-server",
        "not-ssh-server",
        "garbage behind an identification",
        "garbage-after-identification",
        "protocol-error",
        "the identification string",
    ],
    [
        "MaxStartups says so",
        "max-startups",
        "max-startups",
        "dropped without a word",
        "closed-at-once",
        "connection-dropped",
        "the text before the end",
    ],
    [
        "a penalty",
        "server-10.0-source-penalised",
        "source-penalised",
        "closed by TCP wrappers",
        "hosts-deny",
        "connection-dropped",
        "the text before the end",
    ],
    [
        "a key nobody offers",
        "key-under-a-name-nobody-reads",
        "accepted-key-not-offered",
        "the server refuses the key",
        "key-not-authorised",
        "no-key-accepted",
        "the query about the other key",
    ],
    [
        "every yes means nothing",
        "key-not-authorised-by-tinysshd",
        "no-key-accepted",
        "an account that works",
        "works-with-tinysshd",
        "access-works",
        "the signature, and a key that nobody has",
    ],
    [
        "a yes to a key at a server that takes none",
        "paramiko-gssapi-only",
        "kerberos-ticket-missing",
        "an account that works",
        "paramiko-works",
        "access-works",
        "the methods in the answer to none",
    ],
    [
        "a way in by Kerberos",
        "gssapi-only",
        "kerberos-ticket-missing",
        "the same server, GSSAPI off here",
        "gssapi-only-off-here",
        "server-pubkey-disabled",
        "GSSAPIAuthentication",
    ],
    [
        "hostbased alone",
        "hostbased-alone",
        "hostbased-only",
        "methods that no ssh has",
        "paramiko-unusual-methods",
        "no-methods-left",
        "the names of the methods",
    ],
    [
        "the server says why",
        "asyncssh-disconnects-for-maintenance",
        "server-disconnected",
        "the server is silent about it",
        "closed-after-the-signature-by-the-script",
        "signature-rejected",
        "the disconnect's text",
    ],
];

/// Failures that leave the same trace on this side: first failure and its scene, second failure and its scene, the
/// verdict that both get, and who could tell them apart.
const NOT_CLAIMED: &[[&str; 6]] = &[
    [
        "the key is not listed",
        "key-not-authorised",
        "the account does not exist",
        "no-such-user",
        "no-key-accepted",
        "sshd's log: Invalid user",
    ],
    [
        "the account does not exist",
        "no-such-user",
        "AllowUsers leaves it out",
        "user-not-allowed",
        "no-key-accepted",
        "sshd's log",
    ],
    [
        "the account is locked",
        "account-locked-without-pam",
        "AllowUsers leaves it out",
        "user-not-allowed",
        "no-key-accepted",
        "sshd's log",
    ],
    [
        "the shell does not exist",
        "shell-that-does-not-exist",
        "AllowUsers leaves it out",
        "user-not-allowed",
        "no-key-accepted",
        "sshd's log",
    ],
    [
        "the key is not listed",
        "key-not-authorised",
        "StrictModes refuses the home",
        "home-others-can-write",
        "no-key-accepted",
        "sshd's log: bad ownership or modes",
    ],
    [
        "the key is not listed",
        "key-not-authorised",
        "from= leaves this address out",
        "key-from-elsewhere-only",
        "no-key-accepted",
        "sshd's log: not from a permitted host",
    ],
    [
        "the key is not listed",
        "key-not-authorised",
        "the server refuses its type",
        "server-refuses-ed25519",
        "no-key-accepted",
        "sshd's log: not in PubkeyAcceptedAlgorithms",
    ],
    [
        "the server refuses SHA-2 by a list it does not announce",
        "server-8.4-sha1-signatures-only",
        "the key is not listed",
        "server-8.4-key-not-authorised",
        "no-key-accepted",
        "sshd's log: not in PubkeyAcceptedKeyTypes",
    ],
    [
        "DSA that the server no longer has",
        "server-10.0-dsa-key",
        "the key is not listed",
        "server-10.0-key-not-authorised",
        "no-key-accepted",
        "sshd's log: unsupported public key algorithm",
    ],
    [
        "the account has expired",
        "account-expired",
        "nobody may log in now",
        "nobody-may-log-in-now",
        "signature-rejected",
        "sshd's log, PAM's own words",
    ],
    [
        "root's login is off",
        "root-login-disabled",
        "the signature is refused",
        "signature-refused-by-the-script",
        "signature-rejected",
        "sshd's log: ROOT LOGIN REFUSED",
    ],
    [
        "TCP wrappers",
        "hosts-deny",
        "sshd dies on each connection",
        "closed-at-once",
        "connection-dropped",
        "the server's log",
    ],
    [
        "MaxStartups of 10.0",
        "server-10.0-max-startups",
        "a penalty of 10.0",
        "server-10.0-source-penalised",
        "source-penalised",
        "sshd's log: Maxstartups against penalty",
    ],
    [
        "the key is not listed",
        "asyncssh-key-not-authorised",
        "a banner tells of expiry",
        "asyncssh-banner-tells-of-expiry-and-the-key-is-refused",
        "no-key-accepted",
        "the server's administrator",
    ],
];

/// Pairs that cannot be met from here alone, and where they can be told apart.
const ELSEWHERE: &[[&str; 3]] = &[
    ["SELinux's label", "a file sshd cannot read", "the server's side: ls -Z, ausearch"],
    ["two keys on one line", "the key is not listed", "the server's side: ssh-keygen -lf"],
    ["a drop-in overrides", "sshd was not reloaded", "the server's side: sshd -T, its start time"],
    ["a Match block", "a drop-in overrides", "the server's side: sshd -T -C"],
    ["the home is encrypted", "the home is missing", "the server's side: mounts"],
    ["AuthorizedKeysFile elsewhere", "the key is not listed", "the server's side: sshd -T"],
    ["AuthorizedKeysCommand fails", "the key is not listed", "the server's side: its log"],
    ["the key is revoked there", "the key is not listed", "the server's side: its log"],
    ["FIPS mode", "a crypto policy", "the server's side: its policy"],
    ["no host keys", "sshd does not run", "the server's side: sshd -t"],
    ["fail2ban", "a firewall", "the server's side, or another source address"],
    ["the jump host refuses", "the target refuses", "proxies and jump hosts"],
    ["the jump host forbids forwarding", "the jump host cannot reach the target", "proxies and jump hosts"],
    ["the proxy fails", "the target refuses", "proxies and jump hosts"],
    ["the host key was changed by its owner", "somebody is in between", "the host's owner, by another way"],
    ["the host is down", "a firewall drops", "another port, another source address"],
    ["a deploy key's scope", "single sign-on of an organisation", "the Git host's web pages"],
];

#[test]
fn each_pair_is_told_apart_or_not_claimed_to_be() {
    let written: BTreeMap<String, String> = rows::rows().into_iter().map(|row| (row.name, row.cause)).collect();
    let mut wrong = Vec::new();
    let mut check = |scene: &str, meant: &str| match verdict(scene, &written) {
        Some(met) if met == meant => {}
        met => wrong.push(format!("{scene}: {}, not {meant}", met.as_deref().unwrap_or("no such scene"))),
    };
    for [_, scene, cause, _, other, other_cause, by] in APART {
        check(scene, cause);
        check(other, other_cause);
        assert_ne!(cause, other_cause, "{scene} and {other} are not told apart by {by}");
    }
    for [_, scene, _, other, cause, _] in NOT_CLAIMED {
        check(scene, cause);
        check(other, cause);
        assert_ne!(scene, other);
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_pair_says_what_separates_it() {
    let pairs = APART
        .iter()
        .map(|pair| (pair[0], pair[3], pair[6]))
        .chain(NOT_CLAIMED.iter().map(|pair| (pair[0], pair[2], pair[5])))
        .chain(ELSEWHERE.iter().map(|pair| (pair[0], pair[1], pair[2])));
    let mut seen = Vec::new();
    for (one, other, by) in pairs {
        assert!(one != other && by.len() > 8, "{one} and {other}: by {by}?");
        assert!(!seen.contains(&(one, other, by)), "{one} and {other} stand twice");
        seen.push((one, other, by));
    }
}

/// The cause that a scene ends in.
fn verdict(scene: &str, rows: &BTreeMap<String, String>) -> Option<String> {
    let Some(path) = scene.strip_prefix("fixtures/") else { return rows.get(scene).cloned() };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    if path.contains("/near-") {
        // tests/fixtures.rs proves that what it says stands.
        let text = fs::read_to_string(fixtures.join(format!("{path}.json"))).ok()?;
        let near: serde_json::Value = serde_json::from_str(&text).unwrap();
        return near["verdict"].as_str().map(str::to_owned);
    }
    let facts = case::from_json(&fs::read_to_string(fixtures.join(path).join("facts.json")).ok()?).unwrap();
    Some(diagnose(&facts).first.cause.id.to_owned())
}
