//! Connections that sshd drops unheard, as its own log tells: the server's half of `max-startups` and
//! `source-penalised`, whose one judge stands beside what the wire shows.

use std::net::IpAddr;

use crate::facts::{Facts, known};
use crate::openssh::addresses::{Answer, match_list};
use crate::openssh::sshd::config::settings;
use crate::openssh::sshd::drops::{Dropped, Reason, dropped, penalty};
use crate::openssh::sshd::log::{Entry, Event, event};

use super::{Scene, edit, log, reload, scene};
use crate::checks::{Finding, Place, Step, naming, quoted};

/// How long a drop speaks for the next connection, in seconds.
const RECENT: i64 = 300;
/// The places that are made where the configuration gives fewer: begin, percent, all.
const PLACES: (u32, u32, u32) = (100, 30, 200);

/// Whether the client was heard by the server in this very run: then nobody dropped it.
pub(super) fn heard(facts: &Facts) -> bool {
    facts.transport.as_ref().is_ok_and(|transport| transport.identification.is_some() || transport.complete)
}

/// The last words of the log about the client's address, where they are a drop that speaks for the next connection: none
/// that is old, and none before sshd began anew, when it forgets penalties and counts from nothing.
fn last_drop<'a>(scene: &Scene<'_>, entries: &'a [Entry<'a>]) -> Option<(&'a Entry<'a>, Dropped<'a>)> {
    let from = scene.login.from.as_ref().filter(|_| !log::is_cut(scene.account))?.to_string();
    let at = entries.iter().rposition(|entry| log::names_address(entry.text, &from))?;
    let entry = entries.get(at)?;
    let dropped = dropped(entry.text)?;
    let over = |later: &Entry<'_>| {
        matches!(event(later.text), Some(Event::Listening | Event::Reload))
            || dropped.reason == Reason::Startups && later.text.starts_with("exited MaxStartups throttling")
    };
    if entries.iter().skip(at).any(over) {
        return None;
    }
    let time = entry.time?;
    let began = log::read_at(scene.account).is_none_or(|began| began <= time);
    (began && scene.account.collector.at.unix_seconds - time <= RECENT).then_some((entry, dropped))
}

/// When the penalty of that address ends, seconds since 1970, where the log says it.
fn penalised_until(entries: &[Entry<'_>], from: IpAddr) -> Option<f64> {
    let until = |entry: &Entry<'_>| {
        let penalty = penalty(entry.text).filter(|penalty| match_list(from, penalty.block) == Answer::Yes)?;
        // A time of the log is well within what a float holds.
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        Some(entry.time? as f64 + penalty.seconds)
    };
    entries.iter().rev().find_map(until)
}

/// How sure a drop that was logged makes it: the address in question is the one that was named.
fn told(facts: &Facts, scene: &Scene<'_>, finding: Finding) -> Finding {
    super::bans::as_named(facts, scene, finding)
}

/// The log says that too many connections were logging in when this address came last.
pub(in crate::checks) fn too_many(facts: &Facts) -> Option<Finding> {
    let scene = scene(facts).ok().filter(|_| !heard(facts))?;
    let entries = log::entries(scene.account);
    let (entry, dropped) = last_drop(&scene, &entries).filter(|(_, dropped)| dropped.reason == Reason::Startups)?;
    let summary = format!("sshd drops {}: too many connections have not logged in yet", dropped.from);
    let mut finding = Finding::proven(summary).seen(log::quote(entry));
    let settings = known(&scene.login.effective).ok();
    for keyword in ["maxstartups", "persourcemaxstartups"] {
        let value = settings.and_then(|settings| settings.first(keyword));
        finding.evidence.extend(value.map(|value| format!("sshd -T: {keyword} {value}")));
    }
    Some(told(facts, &scene, finding))
}

/// The log says that this address was penalised when it came last, and not that the penalty is over.
pub(in crate::checks) fn penalised(facts: &Facts) -> Option<Finding> {
    let scene = scene(facts).ok().filter(|_| !heard(facts))?;
    let entries = log::entries(scene.account);
    let (entry, dropped) = last_drop(&scene, &entries)?;
    let Reason::Penalty(reason) = dropped.reason else { return None };
    let now = scene.account.collector.at.unix_seconds;
    let until = dropped.from.parse().ok().and_then(|from| penalised_until(&entries, from));
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "seconds, at most a day")]
    let left = until.map(|until| (until - now as f64).ceil() as i64);
    if left.is_some_and(|left| left <= 0) {
        return None;
    }
    let within = left.map_or_else(String::new, |left| format!(" for another {left} s"));
    let summary = format!("sshd refuses {}{within} because of earlier connections: {reason}", dropped.from);
    let finding = Finding::proven(summary).seen(log::quote(entry));
    Some(told(facts, &scene, finding))
}

/// What a drop of the last minutes means for "nothing stands in the way".
pub(super) fn may_drop(scene: &Scene<'_>) -> Option<String> {
    let now = scene.account.collector.at.unix_seconds;
    let entries = log::entries(scene.account);
    let began = log::read_at(scene.account).unwrap_or(i64::MIN);
    let recent = |entry: &&Entry<'_>| entry.time.is_some_and(|time| time >= began && now - time <= RECENT);
    let throttled = |entry: &&Entry<'_>| {
        dropped(entry.text).is_some_and(|dropped| dropped.reason == Reason::Startups)
            || entry.text.contains("MaxStartups throttling")
    };
    let last = entries.iter().rev().filter(recent).find(throttled)?;
    let over = last.text.starts_with("exited ");
    (!over).then(|| format!("at times sshd drops new connections of anybody; {}", log::quote(last)))
}

/// How room is made on the server.
pub(in crate::checks) fn make_room(facts: &Facts) -> Vec<Step> {
    let Ok(scene) = scene(facts) else { return Vec::new() };
    let entries = log::entries(scene.account);
    let Some((_, dropped)) = last_drop(&scene, &entries) else { return Vec::new() };
    let settings = known(&scene.login.effective).ok();
    let value = |keyword: &str| settings.and_then(|settings| settings.first(keyword)).unwrap_or_default().to_owned();
    let limits = value("maxstartups");
    let mut limits = limits.split(':').map(|word| word.parse::<u32>().unwrap_or_default());
    let (begin, all) = (limits.next().unwrap_or_default(), limits.nth(1).unwrap_or_default());
    let by_source = value("persourcemaxstartups").parse::<u32>().ok();
    let mut steps = vec![Step::server_root(
        "ss -tn state established '( sport = :22 )'",
        "shows who holds connections; an address that has many and does not log in may be kept out by a firewall",
    )];
    // Below `begin` only the limit for one source drops anything (sshd.c should_drop_connection).
    if by_source.is_none() || dropped.startups >= begin {
        let (first, percent, last) = PLACES;
        let (first, last) = (first.max(begin.saturating_mul(2)), last.max(all.saturating_mul(2)));
        steps.push(set(
            &scene,
            "maxstartups",
            &format!("MaxStartups {first}:{percent}:{last}"),
            "takes more at a time",
        ));
    }
    if let Some(most) = by_source {
        let line = format!("PerSourceMaxStartups {}", most.saturating_mul(2).max(PLACES.0));
        steps.push(set(&scene, "persourcemaxstartups", &line, "takes more at a time from one address"));
    }
    steps.push(reload(&scene));
    steps
}

/// Changes the line that decides a keyword, or puts one before all others.
fn set(scene: &Scene<'_>, keyword: &str, line: &str, why: &str) -> Step {
    let deciding = settings(&scene.account.sshd).into_iter().find(|setting| setting.keyword == keyword);
    if let Some(setting) = deciding {
        return edit(&setting, &format!("s/.*/{line}/"), why);
    }
    let file = naming::path(&scene.account.sshd.config);
    Step::server_root(format!("sed -i.bak {} {file}", quoted(&format!("1i {line}"))), why)
}

/// How a penalty is ended on the server.
pub(in crate::checks) fn forgive(facts: &Facts) -> Vec<Step> {
    let Ok(scene) = scene(facts) else { return Vec::new() };
    let Some(from) = &scene.login.from else { return Vec::new() };
    let anew = reload(&scene);
    vec![
        Step {
            why: "has sshd begin anew, which forgets all penalties; or wait until this one is over, without trying"
                .to_owned(),
            ..anew
        },
        Step::person(
            Place::Server,
            format!(
                "find in sshd's log what failed before, or the penalty comes back; if {from} stands for many (a NAT, a \
                 monitor), add it to PerSourcePenaltyExemptList in sshd_config"
            ),
        ),
    ]
}

/// After that nobody is dropped: what the log says of drops is gone.
pub(in crate::checks) fn forget_drops(facts: &mut Facts) {
    forget_lines(facts, "drop connection #");
}

/// After that nobody is refused by libwrap: what the log says of it is gone.
pub(super) fn forget_refusals(facts: &mut Facts) {
    forget_lines(facts, "refused connect from");
}

fn forget_lines(facts: &mut Facts, words: &str) {
    if let Ok(account) = &mut facts.account
        && let Ok(log) = &mut account.log
    {
        log.lines.retain(|line| line.as_str().is_none_or(|line| !line.contains(words)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Certainty;
    use crate::facts::Moment;
    use crate::facts::account::{Account, Collector, Log, Login};
    use crate::facts::transport::Transport;

    /// A server at noon whose log says this about 192.0.2.100.
    fn scene(lines: &[&str]) -> Facts {
        let at = Moment { unix_seconds: 1_795_953_600, local: "2026-11-29T12:00:00+00:00".to_owned() };
        let login = Login { from: Some("192.0.2.100".into()), from_named: true, ..Login::default() };
        let lines = lines.iter().map(|line| (*line).into()).collect();
        Facts {
            account: Ok(Box::new(Account {
                collector: Collector { at, complete: true, ..Collector::default() },
                login,
                log: Ok(Log { source: "/var/log/auth.log".into(), lines, cut: false, alone: false }),
                ..Account::default()
            })),
            ..Facts::default()
        }
    }

    const PENALISED: &str = "2026-11-29T11:59:00+00:00 web1 sshd[7]: drop connection #0 from [192.0.2.100]:9 on [192.0.2.7]:22 \
                             penalty: failed authentication";
    const THROTTLED: &str = "2026-11-29T11:59:00+00:00 web1 sshd[7]: drop connection #10 from [192.0.2.100]:9 on [192.0.2.7]:22 past MaxStartups";

    /// Which of the two is found, and how sure.
    fn found(facts: &Facts) -> Vec<(&'static str, Certainty)> {
        let causes = [("source-penalised", penalised(facts)), ("max-startups", too_many(facts))];
        causes.into_iter().filter_map(|(id, finding)| Some((id, finding?.certainty))).collect()
    }

    #[test]
    fn the_last_words_about_the_address_are_sshd_s_own() {
        assert_eq!(found(&scene(&[PENALISED])), [("source-penalised", Certainty::Proven)]);
        assert_eq!(found(&scene(&[THROTTLED])), [("max-startups", Certainty::Proven)]);
        let mut facts = scene(&[THROTTLED]);
        facts.account.as_mut().unwrap().login.from_named = false;
        assert_eq!(found(&facts), [("max-startups", Certainty::Likely)]);
        for drop in [PENALISED, THROTTLED] {
            let mut facts = scene(&[drop]);
            forget_drops(&mut facts);
            assert_eq!(found(&facts), []);
        }
    }

    #[test]
    fn what_is_over_accuses_nobody() {
        for drop in [PENALISED, THROTTLED] {
            for later in [
                "2026-11-29T11:59:10+00:00 web1 sshd[9]: Accepted publickey for b from 192.0.2.100 port 9 ssh2: ED25519 SHA256:x",
                "2026-11-29T11:59:10+00:00 web1 sshd[9]: Connection closed by 192.0.2.100 port 9 [preauth]",
                "2026-11-29T11:59:10+00:00 web1 sshd[7]: Received SIGHUP; restarting.",
                "2026-11-29T11:59:10+00:00 web1 sshd[7]: Server listening on 0.0.0.0 port 22.",
            ] {
                assert_eq!(found(&scene(&[drop, later])), [], "{later}");
            }
            assert_eq!(found(&scene(&[&drop.replace("11:59", "11:54")])), []);
            assert_eq!(found(&scene(&[&drop.replace("[192.0.2.100]", "[192.0.2.10]")])), []);
        }
        let exited = "2026-11-29T11:59:30+00:00 web1 sshd[7]: exited MaxStartups throttling after 00:00:30, 1 connections dropped";
        assert_eq!(found(&scene(&[THROTTLED, exited])), []);
        let mut heard = scene(&[PENALISED]);
        heard.transport = Ok(Transport { complete: true, ..Transport::default() });
        assert_eq!(found(&heard), []);
    }

    #[test]
    fn a_penalty_ends_when_the_log_says_so() {
        let active = |seconds: u32| {
            format!(
                "2026-11-29T11:58:50+00:00 web1 sshd[7]: srclimit_penalise: ipv4: new 192.0.2.100/32 active penalty of \
                 {seconds}.000 seconds for penalty: failed authentication"
            )
        };
        assert_eq!(found(&scene(&[&active(60), PENALISED])), []);
        let facts = scene(&[&active(90), PENALISED]);
        assert!(penalised(&facts).unwrap().summary.contains("for another 20 s"));
        // Another address's penalty says nothing of this one.
        let other = active(60).replace("192.0.2.100/32", "192.0.2.101/32");
        assert_eq!(found(&scene(&[&other, PENALISED])), [("source-penalised", Certainty::Proven)]);
    }
}
