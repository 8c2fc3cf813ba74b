//! The words that the formats share.

use super::guarded;
use crate::checks::{Certainty, Place, Status};
use crate::facts::Footprint;
use crate::facts::log::Part;
use crate::report::{AccountView, IdentityView, Report, StepView, TargetView, VerdictView, counted};

/// How sure a verdict is.
pub(super) fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Proven => "proven",
        Certainty::Likely => "likely",
        Certainty::Possible => "possible",
    }
}

/// A verdict's id and how sure it is; of one that names nothing there is nothing to be sure of.
pub(super) fn named(verdict: &VerdictView) -> String {
    if verdict.cause == "undetermined" {
        return verdict.cause.to_owned();
    }
    format!("{} ({})", verdict.cause, certainty(verdict.certainty))
}

/// Where something lies or is done; `away`: the client is not the machine on which this is read.
pub(super) fn place(place: Place, away: bool) -> &'static str {
    match place {
        Place::Client if away => "on the client",
        Place::Client => "on this machine",
        Place::Network => "in the network",
        Place::Server => "on the server",
        Place::JumpHost => "on the jump host",
        Place::AgentHost => "on the machine where the agent runs",
        Place::GitHost => "at the Git host",
        Place::Open if away => "on the client or on the server",
        Place::Open => "here or on the server",
    }
}

/// The mark of a verdict.
pub(super) fn verdict_mark(report: &Report) -> &'static str {
    match report.verdict.cause {
        "access-works" | "nothing-found" => "✓",
        "access-needs-answer" | "undetermined" => "?",
        _ => "✗",
    }
}

/// Whether the report names a fault.
pub(super) fn is_fault(report: &Report) -> bool {
    verdict_mark(report) == "✗"
}

/// Whether something is left to suspect: a fault, or a verdict that names nothing.
pub(super) fn doubts(report: &Report) -> bool {
    is_fault(report) || report.verdict.cause == "undetermined"
}

/// The mark of a check.
pub(super) fn mark(status: Status) -> &'static str {
    match status {
        Status::Pass => "✓",
        Status::Warn => "!",
        Status::Fail => "✗",
        Status::Skip => "–",
        Status::Info => "·",
    }
}

/// The name of a status, for formats that have room for a word.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Warn => "warn",
        Status::Fail => "fail",
        Status::Skip => "skip",
        Status::Info => "info",
    }
}

/// How many accounts of a group are named.
const MOST_ACCOUNTS: usize = 12;

/// Where a step is done and as whom: `on the server, as root`.
pub(super) fn at(step: &StepView, away: bool) -> String {
    match (step.as_whom, step.shell) {
        ("root", "powershell") => format!("{}, as administrator", place(step.place, away)),
        ("root", _) => format!("{}, as root", place(step.place, away)),
        _ => place(step.place, away).to_owned(),
    }
}

/// The accounts of `server --all` by what stands in their way, those of most accounts first.
pub(super) fn accounts(report: &Report) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&AccountView>)> = Vec::new();
    for account in report.accounts.iter().flatten() {
        match groups.iter_mut().find(|(cause, _)| *cause == account.cause) {
            Some((_, accounts)) => accounts.push(account),
            None => groups.push((account.cause, vec![account])),
        }
    }
    groups.sort_by_key(|(_, accounts)| std::cmp::Reverse(accounts.len()));
    let group = |(cause, accounts): (&str, Vec<&AccountView>)| {
        let mut names: Vec<String> = accounts.iter().take(MOST_ACCOUNTS).map(|one| one.user.shortened(40)).collect();
        names.extend(
            accounts.len().checked_sub(MOST_ACCOUNTS).filter(|more| *more > 0).map(|more| format!("{more} more")),
        );
        let one = accounts.first().map(|one| format!(" ({})", one.summary)).unwrap_or_default();
        format!("{cause}: {} of them: {}{one}", accounts.len(), names.join(", "))
    };
    groups.into_iter().map(group).collect()
}

/// Which part of what was read is judged, and what was left aside; nothing where nothing was read. With `all`, which
/// lines are not known and which other logins there are.
pub(super) fn read(report: &Report, all: bool) -> Vec<String> {
    let Some(log) = &report.log else { return Vec::new() };
    let part = |part: &Part| {
        let Part { file, first, last, what, .. } = part;
        guarded(&format!("{what}, in {} lines {first} to {last}", file.shortened(60)))
    };
    let parts: Vec<String> = log.client.iter().chain(&log.server).map(part).collect();
    let mut said = Vec::new();
    if !parts.is_empty() {
        said.push(format!("Read: {}", parts.join("; ")));
    }
    if log.others_count > 0 {
        let count = usize::try_from(log.others_count).unwrap_or(usize::MAX);
        said.push(format!("{} left aside (--user, --host and --pid choose)", counted(count, "other login")));
    }
    said.extend(log.noise.iter().chain(&log.beside).map(|line| guarded(&line.to_string())));
    if all {
        said.extend(log.others.iter().map(|line| format!("another login: {}", guarded(&line.to_string()))));
        if log.unknown > 0 {
            said.push(format!("{} of {} lines say nothing that is known here", log.unknown, log.lines));
        }
        said.extend(log.frequent.iter().map(|(line, count)| format!("{count} times: {}", guarded(&line.to_string()))));
    }
    said
}

/// `deploy@web1 port 22`; without a name where a transcript does not say it.
pub(super) fn login(target: &TargetView) -> String {
    let user = if target.user.is_empty() { String::new() } else { format!("{}@", target.user) };
    format!("{user}{} port {}", target.host, target.port)
}

/// What the run cost, in a sentence without its full stop.
pub(super) fn cost(report: &Report) -> String {
    if report.log.is_some() {
        return "nothing was contacted, nothing was changed".to_owned();
    }
    let Some(view) = &report.footprint else {
        let contact = if report.dialled { "no connection came about" } else { "nothing was contacted" };
        return format!("{contact}, nothing was changed");
    };
    let mut parts = Vec::new();
    if view.hops.is_empty() || view.target.connections > 0 {
        parts.push(one_cost(view.target, report.test_key));
    } else {
        parts.push("the target was not reached".to_owned());
    }
    if !view.hops.is_empty() {
        let hops: Vec<String> = view.hops.iter().copied().map(|hop| one_cost(hop, false)).collect();
        parts.push(format!("on the way there: {}", hops.join("; ")));
    }
    if let Some(admin) = &view.admin {
        let login = guarded(&admin.login.to_string());
        parts.push(match (admin.ran, admin.sudo) {
            (false, _) => format!("one login tried as {login}"),
            (true, false) => format!("one login as {login}, which ran the collector"),
            (true, true) => format!("one login as {login}, which ran the collector as root (sudo -n)"),
        });
    }
    format!("{}; nothing was changed", parts.join("; "))
}

/// What one server was put to. What it refused is named apart from the made-up key, which is refused where all is well.
fn one_cost(footprint: Footprint, test_key: bool) -> String {
    let count = |number: u32, noun: &str| counted(number as usize, noun);
    let mut parts = vec![count(footprint.connections, "connection")];
    if footprint.public_keys_disclosed > 0 {
        parts.push(format!("{} shown", count(footprint.public_keys_disclosed, "public key")));
    }
    let refused = footprint.auth_failures.saturating_sub(u32::from(test_key));
    if refused > 0 {
        let times = if refused == 1 { "once".to_owned() } else { format!("{refused} times") };
        parts.push(format!("refused {times}"));
    }
    if test_key {
        parts.push("a made-up test key refused as it should be".to_owned());
    }
    parts.push(match footprint.commands_run {
        0 => "no command run".to_owned(),
        number => format!("{} run", count(number, "command")),
    });
    parts.join(", ")
}

/// A key's type and fingerprint.
pub(super) fn key(identity: &IdentityView) -> String {
    let mut parts = Vec::new();
    parts.extend(identity.kind.clone());
    parts.extend(identity.fingerprint.as_ref().map(ToString::to_string));
    if parts.is_empty() {
        parts.push("no public half known".to_owned());
    }
    guarded(&parts.join(" "))
}

/// A key as a person knows it: its comment and where it comes from.
pub(super) fn whose(identity: &IdentityView) -> String {
    let origin = origin(identity);
    match &identity.comment {
        Some(comment) if origin.is_empty() => comment.shortened(60),
        Some(comment) => format!("{} ({origin})", comment.shortened(60)),
        None => origin,
    }
}

/// Where a key comes from: `forwarded agent from 198.51.100.20, /home/a/.ssh/id_ed25519`.
pub(super) fn origin(identity: &IdentityView) -> String {
    let mut parts = Vec::new();
    for source in &identity.sources {
        match (*source, &identity.path) {
            ("agent", _) if identity.forwarded => {
                let home = identity.machine.as_ref().map(|machine| format!(" from {}", machine.shortened(60)));
                parts.push(format!("forwarded agent{}", home.unwrap_or_default()));
            }
            ("file", Some(path)) => parts.push(path.to_string()),
            ("certificate", Some(path)) => parts.push(format!("certificate {path}")),
            (other, _) => parts.push(other.to_owned()),
        }
    }
    if identity.hardware {
        parts.push("hardware".to_owned());
    }
    guarded(&parts.join(", "))
}

/// From which machine the keys come, where a reader may think of another one; `None` where none can be meant.
pub(super) fn machines(report: &Report) -> Option<String> {
    let of = |forwarded: bool| {
        let machine = report.identities.iter().find(|identity| identity.forwarded == forwarded)?.machine.as_ref()?;
        Some(guarded(&machine.shortened(60)))
    };
    let here = of(false).map_or_else(|| "this machine".to_owned(), |name| format!("this machine ({name})"));
    let via = report.target.as_ref().is_some_and(|target| !target.via.is_empty());
    let others = report.identities.iter().any(|identity| !identity.forwarded);
    match of(true) {
        Some(home) if others => {
            Some(format!("The forwarded agent's are at {home}, or beyond it; all others are on {here}."))
        }
        Some(home) => Some(format!("The forwarded agent's are at {home}, or beyond it.")),
        None if via => Some(format!(
            "All of them are on {here}; ssh logs in to the hosts on the way with such as well, and uses none that lies there."
        )),
        None => None,
    }
}

/// What became of a key.
pub(super) fn answer(identity: &IdentityView) -> &'static str {
    match identity.answer {
        _ if identity.used_to_log_in => "logged in with it",
        "not-asked" => "not asked",
        "partial" => "accepted, more is demanded",
        "unknown" => "answer unknown",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn the_cost_tells_what_was_refused_from_the_key_that_nobody_has() {
        let mut report = sample::refused();
        let said = "1 connection, 1 public key shown, refused once, no command run; nothing was changed";
        assert_eq!(cost(&report), said);
        report.test_key = true;
        assert!(cost(&report).contains("shown, a made-up test key refused as it should be, no"), "{}", cost(&report));
        report.footprint = None;
        assert_eq!(cost(&report), "nothing was contacted, nothing was changed");
        report.dialled = true;
        assert_eq!(cost(&report), "no connection came about, nothing was changed");
    }
}
