//! The circumstances of the run: account, home, terminal, environment, time.

use crate::facts::Facts;

/// Fills `facts.observed_at` and `facts.run` (but for its limits).
pub fn collect(facts: &mut Facts) {
    let _ = facts;
}
