//! The way through a proxy, where the configuration puts one before the server.

use crate::facts::{Facts, Observed, Stage, Unobserved, known};

use super::resolve::BEHIND_A_PROXY;
use super::{Check, Outcome};

/// Check `proxy`.
pub const PROXY: Check = Check {
    id: "proxy",
    stage: Stage::Connect,
    claim: "the way to the server through its proxies is open",
    causes: &[],
    holds: goes_directly,
    rules_out: &[],
};

/// Whether there is a proxy at all; what lies behind one is not examined.
fn goes_directly(facts: &Facts) -> Observed<Outcome> {
    match known(&facts.connect)?.proxy {
        None => Ok(Outcome::pass("no proxy: the server is dialled directly")),
        Some(_) => Err(Unobserved::Failed(BEHIND_A_PROXY.to_owned())),
    }
}
