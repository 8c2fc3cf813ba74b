//! sshd's log: what it says of this account, beside what was judged.

use crate::facts::account::Account;
use crate::facts::{Facts, Observed};
use crate::openssh::sshd::key::offset_seconds;
use crate::openssh::sshd::log::{Entry, Event, accepted, entry, event};

use super::{Scene, scene, seen, since};
use crate::checks::{Cause, Outcome};

/// No cause is proven by the log alone: it confirms or corrects the others.
pub(super) const CAUSES: &[&Cause] = &[];

/// The lines of the log, taken apart, oldest first.
pub(super) fn entries(account: &Account) -> Vec<Entry<'_>> {
    let Ok(log) = &account.log else { return Vec::new() };
    let at = &account.collector.at;
    let year = at.local.get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
    let offset = offset_seconds(&at.local);
    log.lines.iter().filter_map(|line| entry(line, year, at.unix_seconds, offset)).collect()
}

/// Whether the newest lines of the log are missing, and with them its last word.
pub(super) fn is_cut(account: &Account) -> bool {
    account.log.as_ref().is_ok_and(|log| log.cut)
}

/// Whether the words speak of the account, or belong to a process that does.
pub(super) fn about<'a>(entries: &'a [Entry<'a>], user: &str) -> Vec<&'a Entry<'a>> {
    let names = |text: &str| text.split([' ', '\'', '"', ',']).any(|word| word == user);
    let pids: Vec<u32> = entries.iter().filter(|entry| names(entry.text)).filter_map(|entry| entry.pid).collect();
    let mine = |entry: &&Entry<'_>| names(entry.text) || entry.pid.is_some_and(|pid| pids.contains(&pid));
    entries.iter().filter(mine).collect()
}

/// The newest line that states this refusal of the account, where no later line states that it was let in.
fn refusal<'a>(entries: &'a [Entry<'a>], user: &str, id: &str) -> Option<&'a Entry<'a>> {
    let mut last = None;
    for entry in about(entries, user) {
        match event(entry.text) {
            Some(Event::Refusal(stated)) if stated == id => last = Some(entry),
            Some(Event::Accepted) => last = None,
            _ => {}
        }
    }
    last
}

/// That line, quoted with its time.
pub(super) fn last_refusal(facts: &Facts, id: &str) -> Option<String> {
    let scene = scene(facts).ok()?;
    refusal(&entries(scene.account), &scene.login.user.to_string(), id).map(quote)
}

/// Whether the log's last word about the account is this refusal, not before `since` where that is given.
pub(super) fn stated(facts: &Facts, id: &str, since: Option<i64>) -> bool {
    let Ok(scene) = scene(facts) else { return false };
    if is_cut(scene.account) {
        return false;
    }
    let entries = entries(scene.account);
    let last = refusal(&entries, &scene.login.user.to_string(), id);
    last.is_some_and(|entry| since.is_none_or(|since| entry.time.is_some_and(|time| time >= since)))
}

/// Whether the last word of the log about the account is that it was let in.
pub(super) fn let_in_last(facts: &Facts) -> bool {
    let Ok(scene) = scene(facts) else { return false };
    let entries = entries(scene.account);
    let user = scene.login.user.to_string();
    let last = about(&entries, &user).into_iter().filter_map(|entry| event(entry.text)).next_back();
    last == Some(Event::Accepted)
}

/// sshd's words that it let this login in at or after that time, from the address in question where one is known. `key`:
/// with the key in question, or with any where none is.
pub(super) fn let_in_since(scene: &Scene<'_>, since: i64, key: bool) -> Option<String> {
    let user = scene.login.user.to_string();
    let from = scene.login.from.as_ref().map(ToString::to_string);
    let is = |entry: &&Entry<'_>| {
        let Some(accepted) = accepted(entry.text) else { return false };
        let with_key = || {
            let mut words = accepted.key.split(' ');
            let is_meant = |word: &str| scene.keys.iter().any(|key| key.fingerprint.as_bytes() == word.as_bytes());
            accepted.method == "publickey" && (scene.keys.is_empty() || words.any(is_meant))
        };
        accepted.user == user
            && from.as_ref().is_none_or(|from| accepted.from == from)
            && entry.time.is_some_and(|time| time >= since)
            && (!key || with_key())
    };
    entries(scene.account).iter().rev().find(is).map(quote)
}

/// The same, where the log has no refusal of this login after it: what lies beyond the files may have changed since.
pub(super) fn still_let_in_since(scene: &Scene<'_>, time: i64, key: bool) -> Option<String> {
    let entries = entries(scene.account);
    let_in_since(scene, time, key).filter(|_| !is_cut(scene.account) && since::window(scene, &entries).is_none())
}

/// A line in evidence.
pub(super) fn quote(entry: &Entry<'_>) -> String {
    let text = crate::facts::text::ServerText::new(entry.text).shortened(300);
    if entry.stamp.is_empty() {
        format!("sshd logged: {text}")
    } else {
        format!("sshd logged at {}: {text}", crate::facts::text::escape(entry.stamp.as_bytes()))
    }
}

/// The first refusal of the account that was logged at or after that time.
pub(super) fn refused_between(account: &Account, user: &str, since: i64) -> Option<String> {
    let entries = entries(account);
    let is = |entry: &&&Entry<'_>| {
        entry.time.is_some_and(|time| time >= since)
            && matches!(event(entry.text), Some(Event::Refusal(_) | Event::Failed))
    };
    about(&entries, user).iter().find(is).map(|entry| quote(entry))
}

/// When sshd last read its configuration, seconds since 1970: the latest of its start, of the PidFile's last writing,
/// and of its last words about listening or a reload (sshd.c `sighup_restart` executes it anew with pid and start time
/// unchanged).
pub(super) fn read_at(account: &Account) -> Option<i64> {
    let logged = entries(account)
        .into_iter()
        .filter(|entry| matches!(event(entry.text), Some(Event::Listening | Event::Reload)));
    let logged = logged.filter_map(|entry| entry.time).max();
    let started = account.sshd.daemons.iter().filter_map(|daemon| daemon.started).min();
    [started, account.sshd.pid_file_written, logged].into_iter().flatten().max()
}

/// What the log says of the account.
pub(super) fn holds(facts: &Facts) -> Observed<Outcome> {
    let account = seen(facts)?;
    let log = crate::facts::known(&account.log)?;
    let entries = entries(account);
    let user = account.login.user.to_string();
    let mine = about(&entries, &user);
    let scene = scene(facts)?;
    let let_in = |line: &&&Entry<'_>| accepted(line.text).is_some_and(|login| login.user == user);
    let good = mine.iter().rposition(|line| let_in(&line));
    let refused = mine.iter().skip(good.map_or(0, |at| at + 1));
    let mut refused = refused.filter(|line| matches!(event(line.text), Some(Event::Refusal(_) | Event::Failed)));
    let evidence = mine.iter().rev().take(20).map(|line| quote(line));
    let at = |line: &Entry<'_>| match line.stamp {
        "" => "(the log has no times)".to_owned(),
        stamp => crate::facts::text::escape(stamp.as_bytes()),
    };
    let outcome = match (since::window(&scene, &entries), good, refused.next()) {
        (Some(window), ..) => Outcome::info(since::ends(&scene, &window)).with(since::line(facts)),
        (None, Some(good), None) => {
            Outcome::pass(format!("the last login that is logged succeeded, at {}", at(mine[good])))
        }
        // What strangers were refused, and what has no time, is no window of this login.
        (None, Some(good), Some(bad)) => {
            Outcome::info(format!("the last login that worked: {}, refused then: {}", at(mine[good]), at(bad)))
        }
        (None, None, Some(bad)) => Outcome::info(format!("refused since {}", at(bad))).with(since::line(facts)),
        (None, None, None) => Outcome::info(format!("{} says nothing of {user}", log.source)),
    };
    Ok(outcome.with(evidence))
}
