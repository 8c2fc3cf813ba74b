//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `sshd-config`.
pub const SSHD_CONFIG: Check = Check {
    id: "sshd-config",
    stage: Stage::Server,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `account`.
pub const ACCOUNT: Check = Check {
    id: "account",
    stage: Stage::Server,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `key-entry`.
pub const KEY_ENTRY: Check = Check {
    id: "key-entry",
    stage: Stage::Server,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// Check `server-log`.
pub const SERVER_LOG: Check = Check {
    id: "server-log",
    stage: Stage::Server,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};
