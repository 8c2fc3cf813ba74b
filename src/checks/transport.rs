//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `banner`.
pub const BANNER: Check = Check {
    id: "banner",
    stage: Stage::Transport,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `algorithms`.
pub const ALGORITHMS: Check = Check {
    id: "algorithms",
    stage: Stage::Transport,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
