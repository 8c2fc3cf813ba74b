//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `resolve`.
pub const RESOLVE: Check = Check {
    id: "resolve",
    stage: Stage::Resolve,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
