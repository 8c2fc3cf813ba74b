//! Where both halves of a login are known: the client's, which sees that it is refused, and the server's, which sees why.
//!
//! A group verdict of the client's half gives way to the member that the server's half proves. Where that half proves
//! none, it says which members are excluded and which are likely. What the client itself saw is never overruled.

use crate::facts::session::Session;
use crate::facts::{Facts, Origin, Stage, known};
use crate::openssh::sshd::config::settings;

use super::account::{self, running};
use super::{Alternative, Blocks, Cause, Certainty, Check, Finding};

/// Verdicts of the client's half behind which causes stand that only the server's side shows.
const GROUPS: &[&str] = &[
    "connection-refused",
    "connection-timeout",
    "connection-dropped",
    "server-pubkey-disabled",
    "no-methods-left",
    "no-key-accepted",
    "agent-lacks-accepted-key",
    "signature-rejected",
    "second-factor-required",
    "server-disconnected",
    "session-closed",
];
/// Members of which a look at files does not tell that they are not at work.
const BEYOND_FILES: &[&str] = &["server-pam-denied", "server-authorized-keys-command-failed"];
/// sshd's monitor refuses some of root's logins only once the client was told that it is in (monitor.c
/// `monitor_child_preauth`): then the session ends without a word.
const LATE: &str = "server-root-login-disabled";

/// How sure the server's half has to be of a member.
pub fn least(facts: &Facts) -> Certainty {
    // Of lines in one paste nothing is sure, and they say more than no lines.
    if account::log::alone::is_loose(facts) { Certainty::Likely } else { Certainty::Proven }
}

/// Whether the server's half, which found this member, says more of what the client's half found.
pub fn explains(group: &Cause, found: &Finding, check: &Check, member: &Cause, member_bites: Blocks) -> bool {
    let bites = found.blocks.unwrap_or(group.blocks);
    let named = || found.alternatives.iter().any(|alternative| alternative.cause == member.id);
    check.stage == Stage::Server && GROUPS.contains(&group.id) && (bites == member_bites || named())
}

/// The same where the group may give way to that member: what keeps sshd from coming up keeps nobody from a port at which
/// it would not listen.
pub fn replaces(
    facts: &Facts,
    group: &Cause,
    found: &Finding,
    check: &Check,
    member: &Cause,
    member_bites: Blocks,
) -> bool {
    let of_sshd = group.id == "connection-refused" && member.id != "source-banned";
    explains(group, found, check, member, member_bites) && (!of_sshd || listens_at_target(facts))
}

/// Whether sshd's files name the port that the client dialled; 22 where they name none.
fn listens_at_target(facts: &Facts) -> bool {
    let (Ok(target), Ok(account)) = (&facts.target, &facts.account) else { return false };
    let lines = settings(&account.sshd);
    let of = |keyword: &'static str| lines.iter().filter(move |line| line.keyword == keyword);
    let mut ports: Vec<u16> = of("port").filter_map(|line| line.value.as_str()?.trim().parse().ok()).collect();
    if ports.is_empty() {
        ports.push(22);
    }
    // `ListenAddress host:port`, `[address]:port`.
    let own = of("listenaddress").filter_map(|line| {
        let (host, port) = line.value.as_str()?.trim().rsplit_once(':')?;
        (host.ends_with(']') || !host.contains(':')).then(|| port.parse::<u16>().ok())?
    });
    ports.extend(own);
    ports.contains(&target.port)
}

/// Whether ssh gets past that finding all the same, or the client's half saw that it does.
pub fn past(facts: &Facts, check: &Check, cause: &Cause, bites: Blocks) -> bool {
    let cut = |session: &Session| session.exit_status.is_none() && session.end.is_some();
    let late = cause.id == LATE && facts.session.as_ref().is_ok_and(cut);
    !late && super::got_past(facts, cause, bites) || contradicted(facts, check, bites)
}

/// Whether the client's half saw the login get past the step at which the server's half expects it to end.
fn contradicted(facts: &Facts, check: &Check, bites: Blocks) -> bool {
    if check.stage != Stage::Server || facts.origin != Origin::Joined {
        return false;
    }
    let methods = facts.userauth.as_ref().ok().and_then(|userauth| userauth.methods()).unwrap_or_default();
    match bites {
        Blocks::Offered => methods.iter().any(|method| method == "publickey"),
        Blocks::Session => facts.session.as_ref().is_ok_and(|session| session.exit_status == Some(0)),
        _ => false,
    }
}

/// A group verdict with what the server's half knows of its members.
pub fn informed(facts: &Facts, group: &Cause, mut finding: Finding) -> Finding {
    if facts.origin != Origin::Joined || !GROUPS.contains(&group.id) {
        return finding;
    }
    let Ok(seen) = known(&facts.account) else { return finding };
    let whole = seen.collector.complete && seen.collector.uid == 0 && running::doubts_of(facts).is_empty();
    let mut likely: Vec<Alternative> = Vec::new();
    for (check, cause) in super::causes() {
        if check.stage != Stage::Server || cause.blocks == Blocks::Nothing {
            continue;
        }
        let found = match (cause.judge)(facts) {
            Ok(None) if whole && !BEYOND_FILES.contains(&cause.id) => {
                finding.alternatives.retain(|alternative| alternative.cause != cause.id);
                continue;
            }
            Ok(Some(found)) => super::doubted(facts, cause, found),
            _ => None,
        };
        let Some(found) = found else { continue };
        let bites = found.blocks.unwrap_or(cause.blocks);
        if explains(group, &finding, check, cause, bites) && !contradicted(facts, check, bites) {
            let named = finding.alternatives.iter().position(|alternative| alternative.cause == cause.id);
            let decide = named.and_then(|at| finding.alternatives.remove(at).decide);
            let certainty = found.certainty.max(Certainty::Likely);
            likely.push(Alternative {
                cause: cause.id,
                certainty,
                summary: found.summary,
                evidence: found.evidence,
                decide,
            });
        }
    }
    let none = likely.is_empty();
    likely.append(&mut finding.alternatives);
    finding.alternatives = likely;
    if let Some(lines) = account::lets_in(facts).filter(|_| none) {
        finding.evidence.push(format!("on {} nothing was found that stands in its way", seen.collector.host));
        finding.evidence.extend(lines);
    }
    finding
}
