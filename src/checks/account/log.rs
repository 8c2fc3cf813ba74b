//! sshd's log: what it says of this account, beside what was judged.

pub(in crate::checks) mod alone;

use std::collections::HashMap;

use crate::facts::account::{Account, Login};
use crate::facts::key::PublicKey;
use crate::facts::{Facts, Observed, Unobserved};
use crate::openssh::sshd::key::offset_seconds;
use crate::openssh::sshd::log::words::{Said, said};
use crate::openssh::sshd::log::{Accepted, Entry, Event, accepted, entry, event};

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

/// Whether a line at or after that time speaks of this login, from the address that was named, or cannot be dated.
pub(super) fn speaks_since(account: &Account, login: &Login, since: i64) -> bool {
    of_login(&entries(account), login).iter().any(|entry| entry.time.is_none_or(|time| time >= since))
}

/// Whether the newest lines of the log are missing, and with them its last word.
pub(super) fn is_cut(account: &Account) -> bool {
    account.log.as_ref().is_ok_and(|log| log.cut)
}

/// Whether the words are about a connection from the address.
pub(super) fn names_address(text: &str, address: &str) -> bool {
    said(text).and_then(|said| said.from) == Some(address)
}

/// A line that speaks of the account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken<'a> {
    /// The line.
    pub(super) entry: &'a Entry<'a>,
    /// What it states.
    pub(super) event: Option<Event>,
    /// The client's address, from the line or another one of the same connection; `None` where no line has it.
    pub(super) from: Option<&'a str>,
    /// The number of its connection, the same for all its lines.
    pub(super) connection: usize,
}

/// How long after the line before it a line of the same process can belong to the same connection, in seconds: another
/// process may have its number later. Nothing but the end of a session comes later (LoginGraceTime).
const LONGEST_PAUSE: i64 = 600;

/// The lines of each connection, by their places.
fn connections(entries: &[Entry<'_>], said: &[Said<'_>]) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    let mut open: HashMap<u32, usize> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(pid) = entry.pid else {
            all.push(vec![at]);
            continue;
        };
        let goes_on = |connection: &[usize]| {
            let last = connection.last().and_then(|last| entries[*last].time);
            let pause = entry.time.zip(last).map_or(0, |(now, then)| now - then);
            // What sshd says of its own files comes before the first word about the client.
            let begun = || connection.iter().any(|at| said[*at].from.is_some() || said[*at].user.is_some());
            pause <= LONGEST_PAUSE && !(said[at].begins && begun())
        };
        let same = open.get(&pid).filter(|number| goes_on(&all[**number]));
        if let Some(number) = same {
            all[*number].push(at);
        } else {
            open.insert(pid, all.len());
            all.push(vec![at]);
        }
    }
    all
}

/// What speaks of the account: what names it, and what names nobody in a connection that names it alone. A line that
/// only has its name in it, as a part of what somebody sent, does not.
pub(super) fn spoken<'a>(entries: &'a [Entry<'a>], user: &str) -> Vec<Spoken<'a>> {
    let said: Vec<Said<'a>> = entries.iter().map(|entry| said(entry.text).unwrap_or_default()).collect();
    let mut found: Vec<(usize, Spoken<'a>)> = Vec::new();
    for (number, connection) in connections(entries, &said).into_iter().enumerate() {
        let mut names = connection.iter().filter_map(|at| said[*at].user);
        let first = names.next();
        let alone = first == Some(user) && names.all(|name| name == user);
        let from = connection.iter().find_map(|at| said[*at].from);
        let is = |at: &usize| said[*at].user.map_or(alone, |name| name == user);
        found.extend(connection.iter().copied().filter(is).map(|at| {
            let (event, from) = (said[at].event, said[at].from.or(from));
            (at, Spoken { entry: &entries[at], event, from, connection: number })
        }));
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, spoken)| spoken).collect()
}

/// The lines that speak of the account.
pub(super) fn about<'a>(entries: &'a [Entry<'a>], user: &str) -> Vec<&'a Entry<'a>> {
    spoken(entries, user).into_iter().map(|spoken| spoken.entry).collect()
}

/// What speaks of the account and of no other address than the one that was named.
fn spoken_of_login<'a>(entries: &'a [Entry<'a>], login: &Login) -> Vec<Spoken<'a>> {
    let from = login.from.as_ref().filter(|_| login.from_named).map(ToString::to_string);
    let mut found = spoken(entries, &login.user.to_string());
    found.retain(|spoken| spoken.from.is_none_or(|is| from.as_ref().is_none_or(|from| is == from)));
    found
}

/// The lines that speak of it.
pub(super) fn of_login<'a>(entries: &'a [Entry<'a>], login: &Login) -> Vec<&'a Entry<'a>> {
    spoken_of_login(entries, login).into_iter().map(|spoken| spoken.entry).collect()
}

/// The newest line that states this refusal of the login, where no later line states that it was let in.
fn refusal<'a>(entries: &'a [Entry<'a>], login: &Login, id: &str) -> Option<Spoken<'a>> {
    let mut last = None;
    for spoken in spoken_of_login(entries, login) {
        match spoken.event {
            Some(Event::Refusal(stated)) if stated == id => last = Some(spoken),
            Some(Event::Accepted) => last = None,
            _ => {}
        }
    }
    last
}

/// That line, quoted with its time.
pub(super) fn last_refusal(facts: &Facts, id: &str) -> Option<String> {
    let scene = scene(facts).ok()?;
    refusal(&entries(scene.account), scene.login, id).map(|spoken| quote(spoken.entry))
}

/// Whether the log's last word about the login is this refusal, not before `since` where that is given. `by_client`: it
/// rests on who the client is, so that it has to be about the address that was named.
pub(super) fn stated(facts: &Facts, id: &str, since: Option<i64>, by_client: bool) -> bool {
    let Ok(scene) = scene(facts) else { return false };
    if is_cut(scene.account) {
        return false;
    }
    let entries = entries(scene.account);
    refusal(&entries, scene.login, id).is_some_and(|spoken| {
        since.is_none_or(|since| spoken.entry.time.is_some_and(|time| time >= since))
            && (!by_client || scene.login.from_named && spoken.from.is_some())
    })
}

/// Whether the last word of the log about the login is that it was let in.
pub(super) fn let_in_last(facts: &Facts) -> bool {
    let Ok(scene) = scene(facts) else { return false };
    last_word(&entries(scene.account), scene.login).is_some_and(|(_, event)| event == Event::Accepted)
}

/// The last line about the login that states something, and what it states.
pub(super) fn last_word<'a>(entries: &'a [Entry<'a>], login: &Login) -> Option<(&'a Entry<'a>, Event)> {
    spoken_of_login(entries, login).into_iter().rev().find_map(|spoken| Some((spoken.entry, spoken.event?)))
}

/// Whether it was let in with that key.
pub(super) fn is_with(accepted: &Accepted<'_>, key: &PublicKey) -> bool {
    // `ED25519-CERT SHA256:… ID name`: what follows the fingerprint is whatever the certificate says.
    let mut words = accepted.key.split([' ', ',']);
    let (kind, fingerprint) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    accepted.method == "publickey"
        && key.fingerprint.as_bytes() == fingerprint.as_bytes()
        && key.is_certificate() == kind.ends_with("-CERT")
}

/// Whether the last word about the address is that somebody was let in from there.
pub(super) fn let_in_last_from(entries: &[Entry<'_>], address: &str) -> bool {
    let last = entries.iter().rfind(|entry| event(entry.text).is_some() && names_address(entry.text, address));
    last.is_some_and(|entry| event(entry.text) == Some(Event::Accepted))
}

/// sshd's words that it let this login in at or after that time, from the address in question where one is known. `key`:
/// with the key in question, or with any where none is.
pub(super) fn let_in_since(scene: &Scene<'_>, since: i64, key: bool) -> Option<String> {
    let user = scene.login.user.to_string();
    let from = scene.login.from.as_ref().map(ToString::to_string);
    let is = |entry: &&Entry<'_>| {
        let Some(accepted) = accepted(entry.text) else { return false };
        let with_key = || {
            let publickey = accepted.method == "publickey";
            publickey && (scene.keys.is_empty() || scene.keys.iter().any(|key| is_with(&accepted, key)))
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

/// The first refusal of the login that was logged at or after that time.
pub(super) fn refused_between(account: &Account, since: i64) -> Option<String> {
    let entries = entries(account);
    let is = |spoken: &Spoken<'_>| {
        spoken.entry.time.is_some_and(|time| time >= since)
            && matches!(spoken.event, Some(Event::Refusal(_) | Event::Failed))
    };
    spoken_of_login(&entries, &account.login).into_iter().find(is).map(|spoken| quote(spoken.entry))
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
    if user.is_empty() {
        return Err(Unobserved::NotInThisSource);
    }
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

#[cfg(test)]
mod tests;
