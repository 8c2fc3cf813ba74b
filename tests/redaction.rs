//! Redaction of every fixture: the same verdict, and none of the names. `CASES=FOLDER` names further saved cases.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read is a failure")]

use std::fs;
use std::path::{Path, PathBuf};

use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;
use sshdoctor::redact::Redactor;
use sshdoctor::render::{self, Style};
use sshdoctor::report::report;

#[path = "support/secrets.rs"]
mod secrets;

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
            let hop = verdict.hop.as_ref().map(|(_, hop)| hop.first.cause.id);
            format!("{} {:?} {also:?} {hop:?}", verdict.first.cause.id, verdict.first.finding.certainty)
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
        let secrets = secrets::secrets(&serde_json::to_value(&facts).unwrap());
        for (format, output) in &outputs {
            if let Some(leak) = redactor.leak(output) {
                wrong.push(format!("{name}: {format}: {leak:?}"));
            }
            for secret in secrets.iter().filter(|secret| secrets::has(output, secret)) {
                wrong.push(format!("{name}: {format}: {secret}"));
            }
        }
        let again = Redactor::default().facts(&redacted).unwrap();
        assert_eq!(again, redacted, "{name}");
    }
    assert!(wrong.is_empty(), "{} of {} cases: {}\n{}", wrong.len(), cases.len(), "", wrong.join("\n"));
}
