//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `proxy`.
pub const PROXY: Check = Check {
    id: "proxy",
    stage: Stage::Connect,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `connect`.
pub const CONNECT: Check = Check {
    id: "connect",
    stage: Stage::Connect,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
