//! A row's case and its transcript once more with `--redact`: the same verdict, and none of the row's names.

use std::fs;

use serde_json::Value;

use crate::client;
use crate::secrets::{has, secrets};
use crate::transcript::{KEPT, TRANSCRIPT};
use crate::world::World;

/// Where the redacted case is saved.
const REDACTED: &str = "/tmp/redacted.json";

/// What is not as it should be, a sentence each. `live`: the report of the row itself.
pub(crate) fn judged(world: &World, live: &Value) -> anyhow::Result<Vec<String>> {
    let Ok(case) = fs::read_to_string(KEPT) else { return Ok(Vec::new()) };
    let case: Value = serde_json::from_str(&case)?;
    let secrets = secrets(&case["facts"]);
    let printed = client::run_doctor(world, &["case", "--redact", "--format", "json", "--save", REDACTED, KEPT])?;
    let again = client::run_doctor(world, &["case", "--format", "text", REDACTED])?;
    let mut outputs = vec![
        ("the redacted report", printed.stdout.clone()),
        ("the redacted case", fs::read_to_string(REDACTED).unwrap_or_default()),
        ("the report of the redacted case", again.stdout),
    ];
    if fs::exists(TRANSCRIPT)? {
        let lines = client::run_doctor(world, &["log", "--redact", "--lines", TRANSCRIPT])?;
        outputs.push(("the redacted transcript", lines.stdout + &lines.stderr));
        let report = client::run_doctor(world, &["log", "--redact", TRANSCRIPT])?;
        outputs.push(("the redacted report of the transcript", report.stdout + &report.stderr));
    }
    let mut complaints = Vec::new();
    let report: Value = serde_json::from_str(&printed.stdout).unwrap_or_default();
    let of = |report: &Value| {
        let also = report.pointer("/verdict/also").and_then(Value::as_array);
        let also: Vec<Value> = also.into_iter().flatten().map(|next| next["cause"].clone()).collect();
        let text = |key: &str| report.pointer(key).and_then(Value::as_str).unwrap_or("nothing").to_owned();
        format!("{} ({}) {also:?}", text("/verdict/cause"), text("/verdict/certainty"))
    };
    if of(&report) != of(live) {
        complaints.push(format!("redacted: {}, live: {}: {}", of(&report), of(live), printed.stderr.trim_end()));
    }
    for (what, text) in &outputs {
        let leaked: Vec<&String> = secrets.iter().filter(|secret| has(text, secret)).collect();
        if !leaked.is_empty() {
            complaints.push(format!("{what} holds {leaked:?}"));
        }
        if text.contains("--redact:") {
            complaints.push(format!("{what}: {text}"));
        }
    }
    Ok(complaints)
}
