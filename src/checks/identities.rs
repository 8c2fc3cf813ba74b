//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `key-files`.
pub const KEY_FILES: Check = Check {
    id: "key-files",
    stage: Stage::Identity,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `key-permissions`.
pub const KEY_PERMISSIONS: Check = Check {
    id: "key-permissions",
    stage: Stage::Identity,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `identities`.
pub const IDENTITIES: Check = Check {
    id: "identities",
    stage: Stage::Identity,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
