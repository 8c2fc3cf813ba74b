//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `auth-methods`.
pub const AUTH_METHODS: Check = Check {
    id: "auth-methods",
    stage: Stage::Auth,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `authorized-keys`.
pub const AUTHORIZED_KEYS: Check = Check {
    id: "authorized-keys",
    stage: Stage::Auth,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `login`.
pub const LOGIN: Check = Check {
    id: "login",
    stage: Stage::Auth,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
