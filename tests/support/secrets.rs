//! What a redacted report, case or transcript of a case must not hold.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

/// Names that everybody has, and words that reports say themselves.
const COMMON: &[&str] = &[
    "root",
    "git",
    "nobody",
    "localhost",
    "admin",
    "ec2-user",
    "ubuntu",
    "debian",
    "github",
    "github.com",
    "gitlab",
    "com",
    "org",
    "example",
    "compute",
    "amazonaws",
    "internal",
    "invalid",
    "host",
    "web",
    "db",
    "test",
    "staging",
    "ssh",
    "nas",
    "server",
    "nowhere",
    "backup",
    "local",
    "hop",
    "jump",
    "gate",
    "bastion",
    "none",
    "127.0.0.1",
    "::1",
    "/root",
    "a comment",
];

/// The names, addresses, homes, fingerprints, comments and keys of a saved case's facts, its jump hosts' included.
pub(crate) fn secrets(facts: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    gather(facts, "", &mut found);
    found.retain(|secret| secret.len() > 1 && !COMMON.contains(&secret.to_ascii_lowercase().as_str()));
    found.retain(|secret| secret.parse::<IpAddr>().is_ok() || !secret.chars().all(|one| one.is_ascii_digit()));
    found.retain(|secret| secret.parse::<IpAddr>().map_or(true, |address| !address.is_loopback()));
    found
}

fn gather(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| gather(value, key, found)),
        Value::Array(list) => list.iter().for_each(|value| gather(value, key, found)),
        Value::String(text) => match key {
            "user" | "host" | "alias" | "sudo_user" => names(text, found),
            "address" | "local_address" | "from" if text.parse::<IpAddr>().is_ok() => drop(found.insert(text.clone())),
            "home" | "fingerprint" | "ca" | "comment" => drop(found.insert(text.clone())),
            "blob" if text.len() > 60 => drop(found.insert(text.clone())),
            _ => {}
        },
        _ => {}
    }
}

/// A name, and the names that it is made of.
fn names(text: &str, found: &mut BTreeSet<String>) {
    found.insert(text.to_owned());
    if text.parse::<IpAddr>().is_err() && !text.contains(['[', '%']) {
        found.extend(text.split(['.', '@', '\\']).map(str::to_owned));
    }
}

/// Whether a text has a name as a whole word.
pub(crate) fn has(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + name.len()..].chars();
        let (next, second) = (after.next(), after.next());
        // A full stop ends a sentence, or goes on with the name.
        let goes_on = next == Some('.') && second.is_some_and(char::is_alphanumeric);
        !before.is_some_and(char::is_alphanumeric) && !next.is_some_and(char::is_alphanumeric) && !goes_on
    })
}
