//! The way through a proxy, where the configuration puts one before the server.

use crate::facts::proxy::{Program, Proxy, Through};
use crate::facts::{Facts, Observed, Stage, Unobserved, known};

mod jump;

pub(super) use jump::{connected, is_its_own};
pub use jump::{failed, last_words, not_passed_on};

use jump::{JUMP_FORWARDING_REFUSED, JUMP_HOST_FAILED, JUMP_HOST_LOOP};

use super::resolve::BEHIND_A_PROXY;
use super::{Blocks, Cause, Certainty, Check, Finding, Outcome, Place};

/// Check `proxy`.
pub const PROXY: Check = Check {
    id: "proxy",
    stage: Stage::Connect,
    claim: "the way to the server through its proxies is open",
    causes: &[&JUMP_HOST_LOOP, &JUMP_HOST_FAILED, &JUMP_FORWARDING_REFUSED],
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

/// Whether there is a proxy at all; what lies behind one is not examined.
fn goes_directly(facts: &Facts) -> Observed<Outcome> {
    match &known(&facts.connect)?.proxy {
        None => Ok(Outcome::pass("no proxy: the server is dialled directly")),
        Some(Proxy::Jump(_)) => jump::passes(facts),
        Some(Proxy::Command(_)) if program(facts).is_some() => Ok(Outcome::info("a program makes the connection")),
        Some(Proxy::Command(_)) => Err(Unobserved::Failed(BEHIND_A_PROXY.to_owned())),
    }
}

/// The program that makes the connection in place of ssh, where one was run.
pub(super) fn program(facts: &Facts) -> Option<&Program> {
    match facts.connect.as_ref().ok()?.through.as_ref()? {
        Through::Program(program) => Some(program),
        Through::Tunnel(_) => None,
    }
}

/// The finding, no more than likely where the program may have made what is laid at the server's door.
pub(super) fn tempered(facts: &Facts, cause: &Cause, mut finding: Finding) -> Finding {
    let blocks = finding.blocks.unwrap_or(cause.blocks);
    if program(facts).is_some() && blocks == Blocks::Transport && finding.certainty == Certainty::Proven {
        finding.certainty = Certainty::Likely;
    }
    finding
}
