//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `agent`.
pub const AGENT: Check = Check {
    id: "agent",
    stage: Stage::Agent,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
