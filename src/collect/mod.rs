//! How we learn it: every socket, file, process, clock and await is in here.
//!
//! A collector returns what it could see; one that fails does not take the others along. Every wait has a limit and
//! every read a maximum size. Nothing is written on either side.

pub mod account;
mod admin;
pub mod agent;
mod authenticators;
pub mod case;
mod checkup;
pub mod config;
pub mod connect;
pub mod git;
mod hops;
pub mod host_key;
pub mod identities;
mod live;
pub mod log;
mod mount;
pub mod offer;
mod opinion;
pub mod person;
mod proxy;
pub mod pseudonyms;
mod reached;
pub mod resolve;
pub mod run;
pub mod session;
mod ssh;
mod system;
mod transcript;
pub mod transport;
pub mod userauth;
mod way;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::facts::{Facts, Limits, Unobserved};
use crate::openssh::arguments::Arguments;

/// What is to be diagnosed.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The failing command line, taken apart.
    pub arguments: Arguments,
    /// What the run may do.
    pub limits: Limits,
    /// Whom a password or the server's questions may be asked for; nobody where it is none.
    pub person: Option<Arc<person::Person>>,
    /// Another login that works, over which the server's own side is looked at; none where it is none.
    pub admin: Option<OsString>,
    /// The folder that is `~` in this run; `None`: the account's own, as in the passwd entry.
    pub home: Option<PathBuf>,
}

/// Told what is being waited for, a few words such as "the server's identification string".
pub type Waiting<'a> = dyn Fn(&str) + Send + Sync + 'a;

/// Observes one login, step by step, so that whoever drops this future can judge what stands in `facts`.
///
/// It ends by itself when the limit of the whole run has passed. Whoever drops it calls [`unfinished`] afterwards.
pub async fn live(request: &Request, facts: &mut Facts, waiting: &Waiting<'_>) {
    // On the heap, so that whoever waits for it stays small.
    Box::pin(live::live(request, facts, waiting)).await;
}

/// Observes the client's side alone, step by step, as [`live()`] does a login: nothing is connected to but agents.
pub async fn checkup(request: &Request, facts: &mut Facts, waiting: &Waiting<'_>) {
    Box::pin(checkup::checkup(request, facts, waiting)).await;
}

/// Gives what a run that ended early did not look at its reason; what was awaited is noted as not answered in time.
pub fn unfinished(facts: &mut Facts, why: &Unobserved) {
    if facts.checkup.is_some() { checkup::unfinished(facts, why) } else { live::unfinished(facts, why) }
}
