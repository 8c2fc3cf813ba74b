//! User authentication (RFC 4252): what the server answers to `none`, to public-key queries and to a signature.
//!
//! Touches: connections to the target whose key exchange is done; the agent and a private key file for a signature.
//!
//! Questions go out in one write and are answered in order. OpenSSH counts a refused query as a failed attempt and a
//! PK_OK as none (auth2.c `userauth_finish`); it ends the connection at the sixth (`MaxAuthTries`).

mod answers;
mod exchange;
mod plan;

use std::time::Duration;

use tokio::time::timeout;

use super::ssh::packet::Connection;
use super::{Waiting, agent, identities};
use crate::facts::userauth::{Answer, Signature, Signed, Userauth};
use crate::facts::{End, Footprint};
use crate::openssh::course::is_cut;

pub(crate) use exchange::{Bound, Exchange, note};
pub(crate) use plan::{Candidate, Plan, Signing};

/// Refused queries that one connection may cost.
const MAX_REFUSED: u32 = 5;
/// Queries on a connection that asks in ssh's own order until the server cuts it.
const MAX_IN_ORDER: usize = 20;
/// How long a private key file may take to sign: RSA keys of any size, disks of any speed.
const SIGNING_LIMIT: Duration = Duration::from_secs(10);
/// Connections of a run that may ask about all keys.
const MAX_CONNECTIONS: usize = 10;

/// How one connection's userauth went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server sent `SSH_MSG_USERAUTH_SUCCESS`.
    LoggedIn,
    /// It did not, and the connection is good.
    Open,
    /// The connection has ended.
    Over,
}

/// Asks on one more connection what is left to ask, and logs in where the plan says so and a key may.
pub(crate) async fn run(
    plan: &Plan,
    connection: &mut Connection,
    bound: &Bound,
    agent: &mut Option<agent::Connection>,
    facts: &mut Userauth,
    footprint: &mut Footprint,
    waiting: &Waiting<'_>,
) -> Outcome {
    let mut exchange = Exchange::new(connection, plan, facts, footprint);
    let outcome = steps(&mut exchange, plan, bound, agent, waiting).await;
    match outcome {
        Ok(true) => Outcome::LoggedIn,
        Ok(false) => Outcome::Open,
        Err(end) => {
            exchange.ended(end);
            Outcome::Over
        }
    }
}

/// Asks, then signs; whether it logged in.
async fn steps(
    exchange: &mut Exchange<'_>,
    plan: &Plan,
    bound: &Bound,
    agent: &mut Option<agent::Connection>,
    waiting: &Waiting<'_>,
) -> Result<bool, End> {
    waiting("the server's answers about keys");
    exchange.begin();
    let left = left(plan, exchange.facts);
    let has_rsa = left.iter().any(|candidate| candidate.key.plain_algorithm() == "ssh-rsa");
    exchange.listen().await?;
    if has_rsa && exchange.facts.extension("server-sig-algs").is_none() {
        // Which signature algorithm ssh would name depends on an EXT_INFO that has not come yet.
        exchange.settle().await?;
    }
    if exchange.logged_in || ask_all(exchange, plan, &left, bound).await? {
        return Ok(true);
    }
    let signing = !signable(plan, exchange).is_empty();
    if exchange.all_accepted() && !signing || exchange.any_accepted() && !bound.is_known_server() {
        exchange.canary(waiting).await?;
    }
    if exchange.logged_in || signing && log_in(exchange, plan, bound, agent, waiting).await? {
        return Ok(true);
    }
    if signing && exchange.all_accepted() && !exchange.partial {
        exchange.canary(waiting).await?;
    }
    Ok(exchange.logged_in || answers::give(exchange, plan, bound, agent, waiting).await?)
}

/// Asks about `left`: first what ssh would offer, then, where none of it is accepted, the others.
async fn ask_all(exchange: &mut Exchange<'_>, plan: &Plan, left: &[&Candidate], bound: &Bound) -> Result<bool, End> {
    let first = exchange.connection_index() == 0;
    let offered: Vec<&Candidate> = left.iter().copied().filter(|candidate| candidate.offered).collect();
    let others = left.iter().copied().filter(|candidate| !candidate.offered);
    let in_order = first && offered.len() > MAX_REFUSED as usize;
    let mut asked = 0;
    for stage in [offered, others.collect()] {
        let mut stage = stage.as_slice();
        while !stage.is_empty() && !exchange.any_accepted() {
            // The answer that a person may give must not be the failure at which the server ends the connection.
            let kept = u32::from(plan.person.is_some() && !stage[0].offered);
            let room = MAX_REFUSED.saturating_sub(exchange.failures + kept) as usize;
            let room = match room {
                // One by one, so that the key after which ssh would stop is the last one the server hears of.
                0 if in_order && stage[0].offered && asked < MAX_IN_ORDER => 1,
                0 => return Ok(false),
                room => room,
            };
            let (now, later) = stage.split_at(room.min(stage.len()));
            for candidate in now {
                asked += usize::from(exchange.query(candidate, plan, bound));
            }
            exchange.settle().await?;
            if exchange.logged_in {
                return Ok(true);
            }
            stage = later;
        }
    }
    // What was queued is sent even where there was nothing to ask.
    exchange.settle().await?;
    Ok(exchange.logged_in)
}

/// The candidates that have no answer yet and whose answer cannot be told from the server's cutting the connection.
fn left<'a>(plan: &'a Plan, facts: &Userauth) -> Vec<&'a Candidate> {
    if any_accepted(facts) {
        // Only a key that could not be used because the connection was cut is worth another connection.
        return plan.candidates.iter().filter(|candidate| candidate.offered && accepted(facts, candidate)).collect();
    }
    let cut: Vec<_> = (0..facts.connections.len())
        .filter_map(|index| facts.queries.iter().find(|query| query.connection == index && query.answer.is_none()))
        .map(|query| &query.key.blob)
        .collect();
    let told = |candidate: &&Candidate| facts.answer(&candidate.key).is_some() || cut.contains(&&candidate.key.blob);
    plan.candidates.iter().filter(|candidate| !told(candidate)).collect()
}

fn any_accepted(facts: &Userauth) -> bool {
    facts.queries.iter().any(|query| query.answer == Some(Answer::PkOk))
}

fn accepted(facts: &Userauth, candidate: &Candidate) -> bool {
    facts.answer(&candidate.key) == Some(&Answer::PkOk)
}

/// Whether another connection is worth its cost, after the ones that `facts` tell of.
pub(crate) fn another_connection(plan: &Plan, facts: &Userauth, outcome: Outcome) -> bool {
    let connections = facts.connections.len();
    if facts.succeeded() || !facts.signatures.is_empty() || !facts.attempts.is_empty() {
        return false;
    }
    let index = connections.saturating_sub(1);
    if !facts.queries.iter().any(|query| query.connection == index) {
        // Nothing could be asked here, and nothing could be on another one.
        return false;
    }
    let refused = facts
        .queries
        .iter()
        .any(|query| query.connection == index && matches!(query.answer, Some(Answer::Failure { partial: false, .. })));
    // The disconnect for too many failures stands for a refusal.
    let refused = refused || is_cut(facts, index);
    // A server that ended the connection before it refused anything would only do so again.
    if outcome == Outcome::Over && (!refused || matches!(facts.connections.last(), Some(Some(End::TimedOut)))) {
        return false;
    }
    if connections >= if plan.limits.all_keys { MAX_CONNECTIONS } else { 2 } {
        return false;
    }
    if any_accepted(facts) {
        let usable = |candidate: &&Candidate| candidate.signer.is_some() && accepted(facts, candidate);
        return outcome == Outcome::Over
            && connections == 1
            && plan.may_log_in()
            && plan.candidates.iter().any(|candidate| usable(&candidate));
    }
    !left(plan, facts).is_empty()
}

/// The accepted identities that ssh would sign with on this connection, in its order.
fn signable<'a>(plan: &'a Plan, exchange: &Exchange<'_>) -> Vec<&'a Candidate> {
    if !plan.may_log_in() || !exchange.facts.takes_keys() {
        return Vec::new();
    }
    let here = |candidate: &&Candidate| candidate.signer.is_some() && exchange.accepts(&candidate.key);
    plan.candidates.iter().filter(here).collect()
}

/// Signs with one accepted identity after the other, as ssh does; whether one of them logged in.
async fn log_in(
    exchange: &mut Exchange<'_>,
    plan: &Plan,
    bound: &Bound,
    agent: &mut Option<agent::Connection>,
    waiting: &Waiting<'_>,
) -> Result<bool, End> {
    for candidate in signable(plan, exchange) {
        let Some(signing) = &candidate.signer else { continue };
        let first = exchange.algorithm(&candidate.key, plan, bound);
        // Where the agent signs otherwise than asked, ssh asks once more without regard to what the server announced.
        let second = Exchange::fallback(&candidate.key, plan).filter(|second| first.as_ref() != Some(second));
        for algorithm in first.into_iter().chain(second) {
            let unsigned = exchange.unsigned(candidate, &algorithm, plan, bound);
            let (key, signer) = (candidate.key.clone(), signing.signer());
            let begun = Signature { key, algorithm: algorithm.clone(), signer, outcome: Signed::Begun };
            exchange.facts.signatures.push(begun);
            let made = sign(signing, &algorithm, bound.signed_data(&unsigned), agent, waiting).await;
            let (blob, outcome) = match made {
                Ok(blob) => (Some(blob), Signed::Unanswered),
                Err(failed) => (None, failed),
            };
            let again = matches!(outcome, Signed::WrongType(_));
            if let Some(signature) = exchange.facts.signatures.last_mut() {
                signature.outcome = outcome;
            }
            if let Some(blob) = blob {
                waiting("the server's answer to the signature");
                exchange.present(unsigned, &blob);
                exchange.settle().await?;
            }
            if !again {
                break;
            }
        }
        // After partial success ssh goes on with its other keys where the server wants one more (sshconnect2.c
        // `input_userauth_failure`).
        if exchange.logged_in || exchange.wants_another_method() {
            return Ok(exchange.logged_in);
        }
    }
    Ok(false)
}

/// Has `data` signed.
async fn sign(
    signing: &Signing,
    algorithm: &str,
    data: Vec<u8>,
    agent: &mut Option<agent::Connection>,
    waiting: &Waiting<'_>,
) -> Result<Vec<u8>, Signed> {
    match signing {
        Signing::Agent(key) => {
            waiting("the agent's signature (it may be asking its owner)");
            let Some(agent) = agent else { return Err(Signed::AgentSilent) };
            agent.sign(key, algorithm, &data).await
        }
        Signing::File(file) => {
            waiting("the private key's signature");
            let (file, algorithm) = (file.clone(), algorithm.to_owned());
            let work = tokio::task::spawn_blocking(move || identities::sign(&file, &algorithm, &data));
            let made = timeout(SIGNING_LIMIT, work).await;
            let failed = || Err(Signed::FileFailed("the private key gave no signature in time".to_owned()));
            made.map_or_else(|_| failed(), |made| made.unwrap_or_else(|_| failed()))
        }
    }
}
