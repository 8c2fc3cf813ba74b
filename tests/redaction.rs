//! Redaction of every fixture: the same verdict, and none of the names. `CASES=FOLDER` names further saved cases.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read is a failure")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;
use sshdoctor::facts::Facts;
use sshdoctor::redact::Redactor;
use sshdoctor::render::{self, Style};
use sshdoctor::report::report;

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
    "com",
    "org",
    "gitlab",
    "github.com",
    "example",
    "host",
    "web",
    "db",
    "test",
    "staging",
    "invalid",
    "compute",
    "amazonaws",
    "ssh",
    "127.0.0.1",
    "::1",
    "nas",
    "server",
    "nowhere",
    "backup",
    "local",
    "proxy",
    "hop",
    "jump",
    "gate",
    "none",
    "internal",
    "bastion",
    "1",
    "22",
];

/// The cases of all fixtures.
fn cases() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    folders.extend(std::env::var_os("CASES").map(PathBuf::from));
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "json") && !is_report(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_report(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".report.json")
}

/// What must not be in anything that is printed: names, addresses, the home, fingerprints and comments.
fn secrets(facts: &Facts) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut names = vec![facts.run.user.to_string(), facts.run.host.to_string()];
    for facts in [facts].into_iter().chain(&facts.hops) {
        if let Ok(target) = &facts.target {
            names.extend([target.user.to_string(), target.host.to_string(), target.alias.to_string()]);
        }
        if let Ok(resolve) = &facts.resolve
            && let Ok(addresses) = &resolve.outcome
        {
            names.extend(addresses.iter().map(ToString::to_string));
        }
        if let Ok(account) = &facts.account {
            names.extend([account.login.user.to_string(), account.collector.host.to_string()]);
        }
        if let Ok(key) = &facts.host_key.offered {
            out.insert(key.key.fingerprint.to_string());
        }
        if let Ok(identities) = &facts.identities {
            for key in identities.files.iter().chain(&identities.others).filter_map(|file| file.public_half()) {
                out.extend([key.fingerprint.to_string(), key.comment.to_string(), key.blob.base64()]);
            }
        }
    }
    for name in names {
        let whole = [name.clone()];
        let is_address = name.parse::<std::net::IpAddr>().is_ok();
        let labels = name.split(['.', '@', '\\']).filter(|_| !is_address).map(str::to_owned);
        out.extend(whole.into_iter().chain(labels).filter(|name| name.len() > 1));
    }
    if facts.run.home != "/root" {
        out.insert(facts.run.home.to_string());
    }
    out.retain(|secret| secret.len() > 1 && !COMMON.contains(&secret.to_ascii_lowercase().as_str()));
    out.retain(|secret| secret.parse::<std::net::IpAddr>().is_ok() || !secret.chars().all(|one| one.is_ascii_digit()));
    out
}

/// Whether a text has a name as a whole word.
fn has(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(|one| one.is_alphanumeric() || one == '.')
    })
}

#[test]
fn a_redacted_case_has_the_verdict_of_the_original_and_none_of_its_names() {
    let mut wrong = Vec::new();
    let mut cases = cases();
    if let Some(part) = std::env::var_os("CASE") {
        cases.retain(|path| path.to_string_lossy().contains(&*part.to_string_lossy()));
    }
    for path in &cases {
        let name = path.to_string_lossy();
        let Ok(facts) = case::from_json(&fs::read_to_string(path).unwrap()) else { continue };
        let mut redactor = Redactor::default();
        let redacted = match redactor.facts(&facts) {
            Ok(redacted) => redacted,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let (before, after) = (diagnose(&facts), diagnose(&redacted));
        let of = |verdict: &sshdoctor::diagnose::Verdict| {
            let also: Vec<&str> = verdict.also.iter().map(|next| next.cause.id).collect();
            format!("{} {:?} {also:?}", verdict.first.cause.id, verdict.first.finding.certainty)
        };
        if of(&before) != of(&after) {
            wrong.push(format!("{name}: {} became {}", of(&before), of(&after)));
        }
        let report = report(&redacted, &after);
        let style = Style { color: false, width: 80, verbose: true };
        let outputs = [
            ("text", render::text(&report, &style)),
            ("markdown", render::markdown(&report)),
            ("json", render::json(&report)),
            ("case", case::to_json(&redacted).unwrap()),
        ];
        let secrets = secrets(&facts);
        for (format, output) in &outputs {
            if let Some(leak) = redactor.leak(output) {
                wrong.push(format!("{name}: {format}: {leak:?}"));
            }
            for secret in secrets.iter().filter(|secret| has(output, secret)) {
                wrong.push(format!("{name}: {format}: {secret}"));
            }
        }
        let again = Redactor::default().facts(&redacted).unwrap();
        assert_eq!(again, redacted, "{name}");
    }
    assert!(wrong.is_empty(), "{} of {} cases: {}\n{}", wrong.len(), cases.len(), "", wrong.join("\n"));
}
