//! The way through a proxy, where the configuration puts one before the server.

use crate::facts::proxy::Proxy;
use crate::facts::{Facts, Observed, Stage, known};

mod command;
mod jump;

pub(super) use command::{asks, evidence, hides_the_server, tempered};
pub(super) use jump::{connected, is_its_own, was_asked};
pub use jump::{failed, last_words, not_passed_on};

use command::PROXY_COMMAND_FAILED;
use jump::{JUMP_FORWARDING_REFUSED, JUMP_HOST_FAILED, JUMP_HOST_LOOP};

use super::{Check, Outcome, Place};

/// Check `proxy`.
pub const PROXY: Check = Check {
    id: "proxy",
    stage: Stage::Connect,
    claim: "the way to the server through its proxies is open",
    causes: &[&JUMP_HOST_LOOP, &JUMP_HOST_FAILED, &JUMP_FORWARDING_REFUSED, &PROXY_COMMAND_FAILED],
    holds: goes_directly,
    rules_out: &[],
};

/// Where something at a jump host lies, as the login behind it sees it.
pub fn seen_from_target(place: Place) -> Place {
    match place {
        Place::Server | Place::Open => Place::JumpHost,
        place => place,
    }
}

/// How the server is reached.
fn goes_directly(facts: &Facts) -> Observed<Outcome> {
    match &known(&facts.connect)?.proxy {
        None => Ok(Outcome::pass("no proxy: the server is dialled directly")),
        Some(Proxy::Jump(_)) => jump::passes(facts),
        Some(Proxy::Command(_)) => command::passes(facts),
    }
}
