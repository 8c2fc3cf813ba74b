//! A row's login once more as a person without sshdoctor would show it: by ssh's own transcript, and by the saved case. The
//! verdict from either is to be the live one, or the transcript's an honest group of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::client::{self, Ended};
use crate::exceptions::{EXCEPTIONS, NOW_AND_THEN};
use crate::row::{HEALTHY, Row};
use crate::world::World;

/// Where the row's transcript lies in its namespaces, for whoever looks at it next.
pub(crate) const TRANSCRIPT: &str = "/tmp/transcript.log";
/// Where a run saves its case.
pub(crate) const CASE: &str = "/tmp/case.json";
/// Where the case of the row's own run is kept when others follow it.
pub(crate) const KEPT: &str = "/tmp/kept.json";

/// Judges the saved case. What is not as it should be.
pub(crate) fn saved(world: &World, live: &Value) -> anyhow::Result<Option<String>> {
    if !fs::exists(CASE)? {
        return Ok(None);
    }
    fs::copy(CASE, KEPT)?;
    Ok(as_saved(live, &client::run_doctor(world, &["case", "--format", "json", KEPT])?))
}

/// Records the transcript and judges it. What is not as it should be, a sentence each, and the transcript with its header.
pub(crate) fn judged(world: &World, row: &Row, live: &Value) -> anyhow::Result<(Vec<String>, Option<String>)> {
    let mut complaints = Vec::new();
    let Some((command, ended)) = client::recorded(world, row)? else { return Ok((complaints, None)) };
    let text = format!("{}{}", ended.stdout, ended.stderr);
    fs::write(TRANSCRIPT, &text)?;
    let judged = client::run_doctor(world, &["log", "--format", "json", TRANSCRIPT])?;
    let wrong = as_shown(row, live, &judged);
    let varies = NOW_AND_THEN.iter().any(|(name, _)| *name == row.name);
    match (EXCEPTIONS.iter().find(|(name, _)| *name == row.name), wrong) {
        (None, Some(wrong)) if !varies => complaints.push(format!("from the transcript: {wrong}")),
        (Some((_, because)), None) => {
            complaints.push(format!("from the transcript the verdict is right, though {because}: no exception"));
        }
        _ => {}
    }
    let status = ended.status.map_or_else(|| "was still running".to_owned(), |status| format!("ended with {status}"));
    let header = format!("# {command}\n# {}, which {status}\n", version(&text));
    Ok((complaints, Some(header + &text)))
}

/// The first words of a transcript.
fn version(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("OpenSSH_")).map_or("an ssh that does not say its version", str::trim_end)
}

/// What the verdict from the saved case lacks of the live one.
fn as_saved(live: &Value, again: &Ended) -> Option<String> {
    let report: Value = serde_json::from_str(&again.stdout).unwrap_or_default();
    let same = report["verdict"] == live["verdict"] && report["checks"] == live["checks"];
    let differs = || format!("{} from the saved case, {} live", cause(&report), cause(live));
    (!same).then(|| format!("{}{}", differs(), again.stderr))
}

/// What is wrong with the verdict from the transcript: it is neither the live one, nor one of which the live one is said to
/// be possible, nor none.
fn as_shown(row: &Row, live: &Value, judged: &Ended) -> Option<String> {
    let report: Value = serde_json::from_str(&judged.stdout).unwrap_or_default();
    // ssh said nothing, or nothing that it says of a login.
    if report.is_null() && judged.stderr.contains("is ssh's or sshd's") {
        return None;
    }
    if report.is_null() {
        return Some(format!("no report: {}", judged.stderr.trim_end()));
    }
    let (met, meant) = (cause(&report), cause(live));
    let healthy = HEALTHY.contains(&meant);
    let of_hop = |report: &Value| report.pointer("/verdict/hop/cause").cloned().unwrap_or_default();
    let names = |cause: &Value| {
        let alternatives = report.pointer("/verdict/alternatives").and_then(Value::as_array);
        alternatives.into_iter().flatten().any(|alternative| alternative["cause"] == *cause)
    };
    let right = match met {
        "undetermined" => true,
        "access-works" | "access-needs-answer" | "nothing-found" => healthy || row.other.is_some(),
        _ if met == meant => of_hop(&report).is_null() || of_hop(&report) == of_hop(live) || names(&of_hop(live)),
        _ => !healthy && names(&live["verdict"]["cause"]),
    };
    let certainty = report.pointer("/verdict/certainty").and_then(Value::as_str).unwrap_or_default();
    let summary = report.pointer("/verdict/summary").and_then(Value::as_str).unwrap_or_default();
    (!right).then(|| format!("{met} ({certainty}: {summary}), and live {meant}"))
}

fn cause(report: &Value) -> &str {
    report.pointer("/verdict/cause").and_then(Value::as_str).unwrap_or("nothing")
}

/// Where the transcript of a row is kept in the repository.
pub(crate) fn kept(fixtures: &Path, row: &Row) -> PathBuf {
    fixtures.join(row.cause).join("transcript.log")
}
