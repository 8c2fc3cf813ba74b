//! Saved cases: facts to and from JSON, versioned.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use crate::facts::Facts;

/// The format that this version writes and reads.
pub const SCHEMA: &str = "sshdoctor-case/1";

/// The outer object of a saved case.
#[derive(Debug, Serialize, Deserialize)]
struct Case {
    schema: String,
    facts: Facts,
}

/// The saved form of `facts`.
///
/// # Errors
/// Where serde_json refuses, which it does for no value of this type.
pub fn to_json(facts: &Facts) -> anyhow::Result<String> {
    let case = Case { schema: SCHEMA.to_owned(), facts: facts.clone() };
    serde_json::to_string_pretty(&case).context("a case could not be written as JSON")
}

/// The facts in a saved case.
///
/// # Errors
/// Where `text` is no JSON, is another schema, or lacks a field.
pub fn from_json(text: &str) -> anyhow::Result<Facts> {
    let case: Case = serde_json::from_str(text).context("not a saved case")?;
    ensure!(case.schema == SCHEMA, "schema {:?} is not {SCHEMA:?}", case.schema);
    Ok(case.facts)
}
