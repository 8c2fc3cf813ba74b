//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `host-key`.
pub const HOST_KEY: Check = Check {
    id: "host-key",
    stage: Stage::HostKey,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
