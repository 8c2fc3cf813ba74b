//! Runs the chain over the facts and ranks what it finds. Pure.
//!
//! Three rules and no scores: the earliest step at which ssh stops; proven before likely before possible; position in
//! the chain. What would bite next is not collected by hand: the verdict's mend is applied to a copy of the facts, and
//! the same judge runs again until nothing proven is left.

use crate::checks::{
    self, Blocks, CHAIN, Cause, Certainty, Check, Finding, Outcome, Place, Remark, Status, checkup, joined,
};
use crate::facts::account::Login;
use crate::facts::text::{Host, User};
use crate::facts::{Facts, Observed, Origin, Unobserved};
use crate::openssh::jump;

/// How many causes `also` may hold; a mend that does not mend must not loop.
const MOST_ALSO: usize = 8;

/// The cause of an account without a file of keys.
const NO_KEYS: &str = "server-authorized-keys-missing";

/// What a cause found, and the check that it breaks.
type Found = (&'static Check, &'static Cause, Finding);

/// What the facts mean.
#[derive(Debug)]
pub struct Verdict {
    /// The first break, or what stands in its place.
    pub first: Named,
    /// Further proven causes in the order in which they would bite.
    pub also: Vec<Named>,
    /// What the observations exclude: cause id and observation.
    pub ruled_out: Vec<(&'static str, String)>,
    /// Every check of the chain.
    pub checks: Vec<Judged>,
    /// The jump host at which the way ends, by the name that is dialled, and its own verdict; `None` where the first break
    /// is at none.
    pub hop: Option<(Host, Box<Verdict>)>,
    /// What stands in the way of each account (`server --all`), in the order of the passwd file; empty where one account
    /// was asked about.
    pub accounts: Vec<(User, Named)>,
}

/// A finding with its cause, and the facts it was found in (after the mends of those before it).
#[derive(Debug)]
pub struct Named {
    /// The cause.
    pub cause: &'static Cause,
    /// The finding.
    pub finding: Finding,
    /// The group verdict in whose place it stands, where the server's half says what the client's half could not.
    pub of_group: Option<&'static Cause>,
    /// The facts as they stood when it was found.
    pub facts: Box<Facts>,
}

/// A check and what became of it.
#[derive(Debug)]
pub struct Judged {
    /// The check.
    pub check: &'static Check,
    /// Its outcome, or why it could not be judged.
    pub outcome: Observed<Outcome>,
}

/// Judges one login; of several accounts the one whose trouble most of them share.
pub fn diagnose(facts: &Facts) -> Verdict {
    let logins = facts.account.as_ref().map(|account| account.logins.as_slice()).unwrap_or_default();
    if !logins.is_empty() {
        return everybody(facts, logins);
    }
    let found = findings(facts);
    let mut checks: Vec<Judged> = CHAIN.iter().map(|check| judged(check, facts, &found)).collect();
    let mut first = first_break(facts);
    let hop = at_jump_host(facts, &mut first);
    if hop.is_some()
        && let Some(proxy) = checks.iter_mut().find(|judged| judged.check.id == checks::proxy::PROXY.id)
    {
        let status = if first.cause.blocks == Blocks::Nothing { Status::Info } else { Status::Fail };
        let summary = first.finding.summary.clone();
        proxy.outcome = Ok(Outcome { status, ..Outcome::info(summary) });
    }
    if facts.origin == Origin::Server || first.cause.place == Place::Server {
        first.finding.evidence.extend(checks::server_since(facts));
    }
    let mut also: Vec<Named> = Vec::new();
    let mut mended = facts.clone();
    let mut mend = first.cause;
    let faulty = first.cause.blocks < Blocks::Nothing;
    let mut group = first.of_group;
    while faulty && also.len() < MOST_ALSO {
        checks::mend(mend, &mut mended);
        mended.mended.push(also.last().map_or(first.cause.id, |named: &Named| named.cause.id));
        let mut next = first_break(&mended);
        if let Some(gone) = group.filter(|group| next.cause.id == group.id) {
            // With its last member what the client saw of it goes too.
            (gone.fix.mend)(&mut mended);
            group = None;
            next = first_break(&mended);
        }
        group = next.of_group.or(group);
        let known = next.cause.id == first.cause.id || also.iter().any(|named| named.cause.id == next.cause.id);
        if known || next.cause.blocks == Blocks::Nothing || next.finding.certainty != Certainty::Proven {
            break;
        }
        mend = next.cause;
        also.push(next);
    }
    if facts.checkup.is_some() {
        // What does not break the login that is judged is a remark.
        let named = |check: &Check| {
            let is_of = |named: &Named| check.causes.iter().any(|cause| cause.id == named.cause.id);
            is_of(&first) || also.iter().any(is_of)
        };
        for Judged { check, outcome } in &mut checks {
            if let Ok(outcome) = outcome
                && outcome.status == Status::Fail
                && !named(check)
            {
                outcome.status = Status::Warn;
            }
        }
    }
    // Lines may leave open what ssh's own run would have excluded.
    let left_open =
        |id: &str| facts.is_read() && first.finding.alternatives.iter().any(|alternative| alternative.cause == id);
    let suspects =
        |id: &str| id != first.cause.id && !left_open(id) && !also.iter().any(|named: &Named| named.cause.id == id);
    let excluded = checks::foreign::excluded(facts);
    let mut ruled_out: Vec<(&'static str, String)> = CHAIN
        .iter()
        .flat_map(|check| check.rules_out)
        .filter(|(id, _)| suspects(id))
        .filter_map(|(id, observation)| Some((*id, observation(facts)?)))
        .chain(excluded)
        .collect();
    // What excludes a cause first is enough.
    let mut seen = std::collections::BTreeSet::new();
    ruled_out.retain(|(id, _)| seen.insert(*id));
    Verdict { first, also, ruled_out, checks, hop, accounts: Vec::new() }
}

/// Where the way ends at a jump host: judges that login by the same chain, and says of `first` what it finds there. A
/// question that a person there would be asked is no fault.
fn at_jump_host(facts: &Facts, first: &mut Named) -> Option<(Host, Box<Verdict>)> {
    let hop = checks::proxy::failed(facts).filter(|_| first.cause.id == "jump-host-failed")?;
    let host = hop.target.as_ref().map(|target| target.host.clone()).unwrap_or_default();
    let judged = diagnose(hop);
    let found = &judged.first.finding;
    let place = found.place.unwrap_or(judged.first.cause.place);
    let mut finding = Finding {
        summary: format!("the jump host {host}: {}", found.summary),
        place: Some(checks::proxy::seen_from_target(place)),
        blocks: None,
        needs: Vec::new(),
        ..found.clone()
    };
    for decide in finding.alternatives.iter_mut().filter_map(|alternative| alternative.decide.as_mut()) {
        decide.place = checks::proxy::seen_from_target(decide.place);
    }
    let asked = jump::ends_at(facts).and_then(|index| jump::carrier(facts, index));
    let words = asked.map(checks::proxy::last_words).unwrap_or_default();
    if judged.first.cause.blocks == Blocks::Nothing {
        first.cause = &checks::session::UNDETERMINED;
        finding.certainty = Certainty::Possible;
        finding.alternatives.clear();
        if let Some(last) = words.last() {
            finding.summary = format!("the jump host {host} does not let in, though ssh could ask: {last}");
        }
    }
    let stage = found.blocks.unwrap_or(judged.first.cause.blocks).stage();
    finding.evidence.extend(checks::proxy::not_passed_on(facts, stage));
    finding.evidence.extend(words.into_iter().map(|line| format!("ssh -W, run for it: {line}")));
    first.finding = finding;
    Some((host, Box::new(judged)))
}

/// Judges each account by itself. An account that was never given a key has nothing to mend, unless all are so.
fn everybody(facts: &Facts, logins: &[Login]) -> Verdict {
    let mut of_one = facts.clone();
    if let Ok(account) = &mut of_one.account {
        account.logins.clear();
    }
    let alone = |login: &Login| {
        let mut one = of_one.clone();
        if let Ok(account) = &mut one.account {
            account.login = login.clone();
        }
        if let Ok(target) = &mut one.target {
            target.user = login.user.clone();
        }
        one
    };
    let accounts: Vec<(User, Named)> =
        logins.iter().map(|login| (login.user.clone(), first_break(&alone(login)))).collect();
    let rank = |named: &Named| {
        let trouble = named.cause.blocks < Blocks::Nothing;
        let sharing = accounts.iter().filter(|(_, other)| other.cause.id == named.cause.id).count();
        (trouble, named.cause.id != NO_KEYS, named.finding.certainty == Certainty::Proven, sharing)
    };
    let best = (0..accounts.len()).rev().max_by_key(|&index| rank(&accounts[index].1)).unwrap_or_default();
    let Some((login, (_, named))) = logins.get(best).zip(accounts.get(best)) else {
        return diagnose(&of_one);
    };
    let sharing = accounts.iter().filter(|(_, other)| other.cause.id == named.cause.id).count();
    let mut verdict = diagnose(&alone(login));
    let summary = &verdict.first.finding.summary;
    verdict.first.finding.summary = format!("{sharing} of {} accounts: {}, {summary}", accounts.len(), named.cause.id);
    verdict.accounts = accounts;
    verdict
}

/// The cause that bites first, by the three rules.
fn first_break(facts: &Facts) -> Named {
    let mut found = findings(facts);
    found.retain(|(check, cause, finding)| !joined::past(facts, check, cause, bites(cause, finding)));
    let rank = |(_, cause, finding): &Found| (bites(cause, finding), finding.certainty);
    let best = (0..found.len()).min_by_key(|&index| rank(&found[index]));
    // What only the server's side shows stands in the place of the group that the client's half found.
    let member = best.and_then(|best| {
        let (_, group, group_finding) = &found[best];
        let is_member = |&index: &usize| {
            let (check, cause, finding) = &found[index];
            finding.certainty <= joined::least(facts)
                && joined::replaces(facts, group, group_finding, check, cause, bites(cause, finding))
        };
        (0..found.len()).filter(is_member).min_by_key(|&index| rank(&found[index]))
    });
    let of_group = member.and(best).map(|group| found[group].1);
    let (cause, finding) = match member.or(best) {
        Some(index) => {
            let (_, cause, finding) = found.swap_remove(index);
            (cause, joined::informed(facts, cause, finding))
        }
        None => checks::foreign::verdict(facts)
            .unwrap_or_else(|| (&checks::session::UNDETERMINED, checks::session::undetermined_finding(facts))),
    };
    let finding = checks::pasted::informed(facts, finding);
    Named { cause, finding, of_group, facts: Box::new(facts.clone()) }
}

/// Everything that any cause finds, in the order of the chain.
fn findings(facts: &Facts) -> Vec<Found> {
    checks::causes()
        .filter_map(|(check, cause)| {
            Some((check, cause, checks::doubted(facts, cause, checks::judge(cause, facts).ok()??)?))
        })
        .collect()
}

/// What a check says: the first of its causes that was found, else whether its claim holds.
fn judged(check: &'static Check, facts: &Facts, found: &[Found]) -> Judged {
    let faults = found.iter().filter(|(owner, cause, _)| owner.id == check.id && cause.blocks < Blocks::Nothing);
    let worst = faults.min_by_key(|(_, cause, finding)| {
        let bites = bites(cause, finding);
        (joined::past(facts, check, cause, bites), bites, finding.certainty)
    });
    let outcome = match worst {
        Some((_, cause, finding)) => {
            let status =
                if joined::past(facts, check, cause, bites(cause, finding)) { Status::Warn } else { Status::Fail };
            let (summary, evidence) = (finding.summary.clone(), finding.evidence.clone());
            Ok(Outcome { status, summary, evidence, remarks: Vec::new() })
        }
        None => checkup::outcome(check, facts).unwrap_or_else(|| (check.holds)(facts)),
    };
    Judged { check, outcome: remarked(outcome, checkup::remarks(check, facts)) }
}

/// The outcome with these remarks; it holds no more without one.
fn remarked(outcome: Observed<Outcome>, remarks: Vec<Remark>) -> Observed<Outcome> {
    let Some(first) = remarks.first() else { return outcome };
    let summary = match remarks.len() {
        1 => first.summary.clone(),
        more => format!("{more} remarks"),
    };
    Ok(match outcome {
        Ok(outcome) if outcome.status == Status::Fail => Outcome { remarks, ..outcome },
        Ok(outcome) => Outcome { status: Status::Warn, summary, remarks, ..outcome },
        Err(_) => Outcome { remarks, ..Outcome::warn(summary) },
    })
}

/// The step at which a finding bites.
fn bites(cause: &Cause, finding: &Finding) -> Blocks {
    finding.blocks.unwrap_or(cause.blocks)
}

/// Why a check was skipped, for its summary.
pub fn skipped(reason: &Unobserved) -> String {
    reason.to_string()
}
