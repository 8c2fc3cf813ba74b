//! To be written.

use super::{Check, Outcome};
use crate::facts::Stage;

/// Check `session`.
pub const SESSION: Check = Check {
    id: "session",
    stage: Stage::Session,
    claim: "to be written",
    causes: &[],
    holds: |_| Ok(Outcome::info("to be written")),
    rules_out: &[],
};

/// No cause could be named.
pub const UNDETERMINED: super::Cause = super::Cause {
    id: "undetermined",
    title: "the evidence does not suffice",
    blocks: super::Blocks::Nothing,
    place: super::Place::Client,
    doc: "to be written",
    prevent: "to be written",
    fix: super::Fix { commands: |_| Vec::new(), mend: super::nothing_to_mend },
    see: &[],
    judge: |_| Ok(None),
};

/// What an undetermined verdict says.
pub fn undetermined_finding(_: &crate::facts::Facts) -> super::Finding {
    super::Finding::new(super::Certainty::Possible, "to be written")
}
