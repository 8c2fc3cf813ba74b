//! Name resolution by getaddrinfo, with its EAI_* codes.

use crate::facts::resolve::Resolve;
use crate::facts::{Facts, Observed};

/// Resolves the target's host name, within the run's time.
pub async fn collect(facts: &Facts) -> Observed<Resolve> {
    let _ = facts;
    Err(crate::facts::Unobserved::NotAttempted)
}
