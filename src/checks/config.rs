//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `client-config`.
pub const CLIENT_CONFIG: Check = Check {
    id: "client-config",
    stage: Stage::Config,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
