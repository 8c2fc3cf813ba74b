//! The catalogue of causes: every id with the evidence that decides it, and what shows that it is named rightly.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;
use sshdoctor::render::{self, Proof};

use crate::rows::rows;

/// Every id: C the client's own machine, P probing the target over the network, S facts from the server, L a transcript.
pub(crate) const CATALOGUE: &[(&str, &str)] = &[
    ("host-not-found", "CPL"),
    ("host-alias-misspelt", "C"),
    ("dns-failure", "PL"),
    ("connection-refused", "PL"),
    ("connection-timeout", "PL"),
    ("network-unreachable", "PL"),
    ("ipv6-broken", "P"),
    ("connect-blocked-locally", "PL"),
    ("not-ssh-server", "PL"),
    ("protocol-error", "PL"),
    ("banner-timeout", "PL"),
    ("connection-dropped", "PL"),
    ("max-startups", "PSL"),
    ("source-penalised", "PSL"),
    ("source-banned", "SL"),
    ("proxy-command-failed", "CPL"),
    ("jump-host-failed", "PL"),
    ("jump-forwarding-refused", "PL"),
    ("jump-host-loop", "CL"),
    ("ssh-protocol-1-only", "PL"),
    ("no-common-kex", "PL"),
    ("no-common-host-key-algorithm", "PL"),
    ("no-common-cipher", "PL"),
    ("no-common-mac", "PL"),
    ("kex-stalled", "PL"),
    ("host-key-changed", "CPL"),
    ("host-key-unknown", "CPL"),
    ("host-key-revoked", "CPL"),
    ("host-certificate-invalid", "CPL"),
    ("client-config-error", "CL"),
    ("client-config-permissions", "CL"),
    ("no-identities", "CL"),
    ("agent-unreachable", "CL"),
    ("agent-lacks-accepted-key", "CPL"),
    ("accepted-key-not-offered", "CP"),
    ("identities-only-hides-key", "CP"),
    ("too-many-keys", "CPL"),
    ("identity-file-missing", "CL"),
    ("key-file-permissions", "CL"),
    ("key-file-unreadable", "CL"),
    ("key-file-malformed", "CL"),
    ("key-file-is-public", "CL"),
    ("key-file-is-ppk", "CL"),
    ("key-passphrase-needed", "CPL"),
    ("key-pair-mismatch", "CPL"),
    ("agent-refused-to-sign", "CPL"),
    ("agent-key-constrained", "CPL"),
    ("hardware-key-unavailable", "CL"),
    ("certificate-expired", "CLS"),
    ("certificate-principal-mismatch", "CSL"),
    ("certificate-not-trusted", "PSL"),
    ("no-mutual-signature-algorithm", "CPL"),
    ("rsa-key-too-small", "CSL"),
    ("pubkey-disabled-by-client", "CL"),
    ("method-disabled-by-client", "CPL"),
    ("wrong-user", "CPL"),
    ("wrong-local-account", "C"),
    ("wrong-ssh-binary", "CL"),
    ("no-key-accepted", "PL"),
    ("server-pubkey-disabled", "PSL"),
    ("password-disabled", "PL"),
    ("password-rejected", "PL"),
    ("second-factor-required", "PL"),
    ("kerberos-ticket-missing", "CPL"),
    ("signature-rejected", "PL"),
    ("server-disconnected", "PL"),
    ("no-methods-left", "PL"),
    ("hostbased-only", "PL"),
    ("server-no-such-user", "SL"),
    ("server-user-not-allowed", "SL"),
    ("server-root-login-disabled", "SL"),
    ("server-account-locked", "SL"),
    ("server-account-expired", "SL"),
    ("server-authorized-keys-missing", "SL"),
    ("server-authorized-keys-elsewhere", "S"),
    ("server-key-not-listed", "S"),
    ("server-key-entry-malformed", "SL"),
    ("server-key-options-refuse", "SL"),
    ("server-strict-modes", "SL"),
    ("server-authorized-keys-unreadable", "SL"),
    ("server-home-missing", "SL"),
    ("server-selinux-context", "SL"),
    ("server-authorized-keys-command-failed", "SL"),
    ("server-key-algorithm-refused", "PSL"),
    ("server-key-revoked", "SL"),
    ("server-ca-mismatch", "SL"),
    ("server-pam-denied", "SL"),
    ("server-host-key-unusable", "SL"),
    ("server-nologin-file", "SL"),
    ("server-shell-invalid", "SL"),
    ("server-config-invalid", "SL"),
    ("server-config-not-reloaded", "S"),
    ("server-config-override", "S"),
    ("server-auth-methods", "PSL"),
    ("server-chroot-ownership", "SL"),
    ("shell-refuses-login", "PSL"),
    ("forced-command", "PL"),
    ("login-as-other-user", "PL"),
    ("password-change-required", "PL"),
    ("session-closed", "PL"),
    ("channel-refused", "PL"),
    ("shell-startup-prints", "PL"),
    ("git-host-no-account", "PL"),
    ("git-repository-denied", "PL"),
    ("access-works", "PL"),
    ("access-needs-answer", "CPL"),
    ("nothing-found", "CS"),
    ("undetermined", "CPSL"),
];

/// Ids that C or P can decide and nothing shows yet, with what they wait for.
pub(crate) const NOT_YET: &[(&str, &str)] = &[
    ("certificate-principal-mismatch", "from outside its group, no-key-accepted"),
    ("certificate-not-trusted", "from outside its group, no-key-accepted"),
];

/// Lab rows that the page names for each id.
const MOST_ROWS: usize = 5;

/// What shows that `id` is named rightly.
pub(crate) fn proof(id: &str) -> Proof {
    let folder = repository().join("fixtures").join(id);
    let rows: Vec<String> = rows().into_iter().filter(|row| row.cause == id).map(|row| row.name).collect();
    Proof {
        from: CATALOGUE.iter().find(|(known, _)| *known == id).map(|(_, from)| *from).unwrap_or_default(),
        fixture: folder.join("facts.json").is_file(),
        rows: rows.into_iter().take(MOST_ROWS).collect(),
        apart: near_misses(id),
        alternatives: alternatives(id),
    }
}

/// The ids of which nothing is said yet, with the evidence that decides them.
pub(crate) fn not_yet() -> Vec<(&'static str, &'static str)> {
    let said: Vec<&str> = render::catalogue().iter().map(|entry| entry.id).collect();
    CATALOGUE.iter().filter(|(id, _)| !said.contains(id)).copied().collect()
}

/// What stands in place of `id` after one change to its case, and why.
fn near_misses(id: &str) -> Vec<(String, String)> {
    let mut apart = BTreeMap::new();
    let mut files: Vec<PathBuf> = fs::read_dir(repository().join("fixtures").join(id))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("near-")))
        .collect();
    files.sort();
    for path in files {
        let near: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let word = |key: &str| near[key].as_str().unwrap().to_owned();
        apart.entry(word("verdict")).or_insert_with(|| word("why"));
    }
    apart.remove(id);
    apart.into_iter().collect()
}

/// The causes that the report on the case of `id` names beside it.
fn alternatives(id: &str) -> Vec<&'static str> {
    let Ok(text) = fs::read_to_string(repository().join("fixtures").join(id).join("facts.json")) else {
        return Vec::new();
    };
    let verdict = diagnose(&case::from_json(&text).unwrap());
    if verdict.first.cause.id != id {
        return Vec::new();
    }
    verdict.first.finding.alternatives.iter().map(|alternative| alternative.cause).collect()
}

/// The repository's root.
fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
