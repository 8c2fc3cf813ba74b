//! Since when: the last login that worked, the first one after it that was refused, and what of all that was judged was
//! changed between the two. What changed there is suspect and nothing more: it proves nothing.
//!
//! Stamps of syslog have whole seconds and no zone: they are read with the offset that holds when the collector runs, so
//! a window from before a change of the clocks is an hour off.

mod changes;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::facts::Facts;
use crate::facts::text::escape;
use crate::openssh::sshd::key::offset_seconds;
use crate::openssh::sshd::log::{Accepted, Entry, Event, accepted, event};

use super::log::Spoken;
use super::{Scene, log, scene};
use changes::between;

/// How many other accounts are looked at.
const MOST_OTHERS: usize = 50;
/// sshd refuses a chroot within this time of letting the login in, in seconds.
const SESSION_BEGINS: i64 = 10;
/// Refusals of the account whatever its client offers: one of a stranger tells as much as one of its own.
const OF_THE_ACCOUNT: &[&str] = &[
    "server-no-such-user",
    "server-account-locked",
    "server-account-expired",
    "server-shell-invalid",
    "server-root-login-disabled",
    "server-strict-modes",
    "server-home-missing",
    "server-authorized-keys-unreadable",
    "server-authorized-keys-command-failed",
    CHROOT,
];
/// What sshd refuses once it has let a login in.
const CHROOT: &str = "server-chroot-ownership";

/// A word of the log about a login.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    /// When, seconds since 1970.
    at: i64,
    /// The number of its connection.
    connection: usize,
    /// What.
    what: What<'a>,
    /// Whether sshd's word is "Failed".
    failed: bool,
}

/// Whether it was let in.
#[derive(Debug, Clone, Copy)]
enum What<'a> {
    /// It was.
    In(Accepted<'a>),
    /// It was not: from where, as far as the log says so, and the id of the stated reason.
    Out(Option<IpAddr>, Option<&'static str>),
}

/// The time in which a login ceased to work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    /// When it worked last, seconds since 1970.
    pub(super) good: i64,
    /// The login that worked then.
    login: Accepted<'a>,
    /// When it was refused first after that.
    pub(super) bad: i64,
    /// From where, as far as the log says so.
    from: Option<IpAddr>,
    /// Whether sshd said no in words; else the client may have gone away.
    stated: bool,
}

/// The window of this login; `None` where the log does not show both ends, or it works.
pub(super) fn window<'a>(scene: &Scene<'_>, entries: &'a [Entry<'a>]) -> Option<Window<'a>> {
    if log::is_cut(scene.account) {
        return None;
    }
    let said = said(entries, &scene.login.user.to_string());
    let logins = || said.iter().filter_map(|said| if let What::In(login) = said.what { Some(login) } else { None });
    // Others may go on getting in with keys of their own, and this key from other places.
    let with_key = logins().any(|login| is_with(scene, &login));
    let of_the_key = |login: &Accepted<'_>| !with_key || is_with(scene, login);
    let asked = asked(scene);
    let is_from = |login: &Accepted<'_>| asked.is_some() && login.from.parse().ok() == asked;
    let from_there = logins().any(|login| of_the_key(&login) && is_from(&login));
    let meant = |login: &Accepted<'_>| of_the_key(login) && (!from_there || is_from(login));
    let last = said.iter().rposition(|said| matches!(said.what, What::In(login) if meant(&login)))?;
    let What::In(login) = said[last].what else { return None };
    let good = said[last].at;
    let known: BTreeSet<IpAddr> = said.iter().filter_map(|said| address_of(said.what, meant)).collect();
    let first = first_refusal(scene, &said[last..], &known)?;
    let What::Out(from, reason) = first.what else { return None };
    Some(Window { good, login, bad: first.at, from, stated: reason.is_some() || first.failed })
}

/// The first refusal that speaks of this login: of the address that was named or one that was let in before, or of the
/// account as such; else of the last address in the log.
fn first_refusal<'a>(scene: &Scene<'_>, said: &[Said<'a>], known: &BTreeSet<IpAddr>) -> Option<Said<'a>> {
    let asked = asked(scene);
    // One key after the other, and another one was taken.
    let let_in =
        |out: &Said<'_>| said.iter().any(|one| matches!(one.what, What::In(_)) && one.connection == out.connection);
    let is = |out: &&Said<'a>, addresses: &BTreeSet<IpAddr>| {
        let What::Out(from, reason) = out.what else { return false };
        let of_all = reason.is_some_and(|reason| OF_THE_ACCOUNT.contains(&reason));
        (of_all || from.is_some_and(|from| addresses.contains(&from))) && !let_in(out)
    };
    let mut addresses = known.clone();
    addresses.extend(asked.filter(|_| scene.login.from_named));
    let of_its_own = said.iter().find(|out| is(out, &addresses));
    of_its_own.or_else(|| said.iter().find(|out| is(out, &asked.into_iter().collect()))).copied()
}

/// The address that is asked about.
fn asked(scene: &Scene<'_>) -> Option<IpAddr> {
    scene.login.from.as_ref()?.as_str()?.parse().ok()
}

/// The address of a login that was let in and is meant.
fn address_of(what: What<'_>, meant: impl Fn(&Accepted<'_>) -> bool) -> Option<IpAddr> {
    match what {
        What::In(login) if meant(&login) => login.from.parse().ok(),
        _ => None,
    }
}

/// Whether it was let in with one of the keys in question.
fn is_with(scene: &Scene<'_>, login: &Accepted<'_>) -> bool {
    scene.keys.iter().any(|key| log::is_with(login, key))
}

/// What the log says of the logins of an account, oldest first; lines without a time say nothing here.
fn said<'a>(entries: &'a [Entry<'a>], user: &str) -> Vec<Said<'a>> {
    let mut mine = log::spoken(entries, user);
    // The session's own process says it, and not for whom (session.c `safely_chroot`).
    let is_own = |entry: &Entry<'_>| mine.iter().any(|own| std::ptr::eq(own.entry, entry));
    let chroot = Event::Refusal(CHROOT);
    let chroots = entries.iter().filter(|entry| event(entry.text) == Some(chroot) && !is_own(entry));
    let chroots = chroots.map(|entry| Spoken { entry, event: Some(chroot), from: None, connection: usize::MAX });
    let chroots: Vec<Spoken<'a>> = chroots.collect();
    mine.extend(chroots);
    mine.sort_by_key(|spoken| spoken.entry.time);
    let mut all: Vec<Said<'a>> = Vec::new();
    for spoken in &mine {
        let (Some(at), Some(event)) = (spoken.entry.time, spoken.event) else { continue };
        let text = spoken.entry.text;
        let from = spoken.from.and_then(|from| from.parse().ok());
        let what = match event {
            Event::Accepted => match accepted(text).filter(|login| login.user == user) {
                Some(login) => What::In(login),
                None => continue,
            },
            Event::Refusal(reason) => What::Out(from, Some(reason)),
            Event::Failed if abandoned(&mine, spoken) => continue,
            Event::Failed => What::Out(from, None),
            Event::Listening | Event::Reload => continue,
        };
        if event == chroot {
            // What was let in a moment ago came no further.
            let last = all.iter().rposition(|said| matches!(said.what, What::In(_)));
            let Some(last) = last.filter(|last| at - all[*last].at < SESSION_BEGINS) else { continue };
            all.remove(last);
        }
        all.push(Said { at, connection: spoken.connection, what, failed: text.starts_with("Failed ") });
    }
    all
}

/// Whether the client went away after its key was taken: nobody refused it (auth2.c `input_userauth_request`).
fn abandoned(mine: &[Spoken<'_>], here: &Spoken<'_>) -> bool {
    let same = mine.iter().filter(|spoken| spoken.connection == here.connection);
    let says = |words: &str| same.clone().any(|spoken| spoken.entry.text.starts_with(words));
    !here.entry.text.starts_with("Failed ") && says("Postponed publickey for ") && !says("Failed ")
}

/// One line: when it worked last, since when it is refused, what changed between, and who else gets in.
pub(in crate::checks) fn line(facts: &Facts) -> Option<String> {
    let scene = scene(facts).ok()?;
    let entries = log::entries(scene.account);
    let Some(window) = window(&scene, &entries) else { return of_others(&scene, &entries) };
    let ends = ends(&scene, &window);
    let others = others(&scene, &entries, &window).map(|others| format!("; {others}"));
    Some(format!("{ends}; {}{}", between(&scene, &entries, window.good, window.bad), others.unwrap_or_default()))
}

/// Its two ends, and what is to be known of them.
pub(super) fn ends(scene: &Scene<'_>, window: &Window<'_>) -> String {
    let clock = Clock::of(scene);
    let login = &window.login;
    let mut with = String::new();
    if login.method != "publickey" {
        with = format!(" by {}", escape(login.method.as_bytes()));
    } else if !scene.keys.is_empty() && !is_with(scene, login) {
        with = format!(" with another key, {}", escape(login.key.as_bytes()));
    }
    let (mut good_from, mut bad_from) = (String::new(), String::new());
    if let Some(from) = window.from.filter(|from| login.from.parse() != Ok(*from)) {
        (good_from, bad_from) = (format!(" from {}", escape(login.from.as_bytes())), format!(" from {from}"));
    }
    let (good, bad) = (clock.time(window.good), clock.time(window.bad));
    let refused = if window.stated { "refused" } else { "refused or given up" };
    format!("worked until {good}{with}{good_from}, {refused} since {bad}{bad_from} ({})", clock.zone())
}

/// Whether somebody else was let in after the first refusal, or was refused as well.
fn others(scene: &Scene<'_>, entries: &[Entry<'_>], window: &Window<'_>) -> Option<String> {
    let clock = Clock::of(scene);
    let user = scene.login.user.to_string();
    let let_in = let_in(entries);
    let since = || let_in.iter().rev().filter(|(at, _)| *at >= window.bad);
    if let Some((at, login)) = since().find(|(_, login)| login.user == user) {
        let key = if login.key.is_empty() { login.method } else { login.key };
        let (key, from, time) = (escape(key.as_bytes()), escape(login.from.as_bytes()), clock.time(*at));
        return Some(format!("{} got in since with {key} from {from} ({time})", scene.login.user));
    }
    if let Some((at, login)) = since().next() {
        let (who, time) = (escape(login.user.as_bytes()), clock.time(*at));
        return Some(format!("{who} got in since ({time}), so it is not everybody"));
    }
    let (who, at) = refused_too(entries, &let_in, &user, window.bad)?;
    Some(format!("{} was refused too ({})", escape(who.as_bytes()), clock.time(at)))
}

/// Every login that was let in, oldest first.
fn let_in<'a>(entries: &[Entry<'a>]) -> Vec<(i64, Accepted<'a>)> {
    entries.iter().filter_map(|entry| Some((entry.time?, accepted(entry.text)?))).collect()
}

/// Another account that was let in before and was refused from the same address since.
fn refused_too<'a>(
    entries: &[Entry<'a>],
    let_in: &[(i64, Accepted<'a>)],
    user: &str,
    since: i64,
) -> Option<(&'a str, i64)> {
    let others: BTreeSet<&str> = let_in.iter().map(|(_, login)| login.user).filter(|name| *name != user).collect();
    others.into_iter().take(MOST_OTHERS).find_map(|other| {
        let of_it = |from: IpAddr| let_in.iter().any(|(_, one)| one.user == other && one.from.parse() == Ok(from));
        let refused = |said: &Said<'_>| matches!(said.what, What::Out(Some(from), _) if of_it(from));
        let first = said(entries, other).into_iter().find(|said| said.at >= since && refused(said))?;
        Some((other, first.at))
    })
}

/// Where the log shows no login of this account that worked: since when it is refused, and whether anybody gets in.
fn of_others(scene: &Scene<'_>, entries: &[Entry<'_>]) -> Option<String> {
    if log::is_cut(scene.account) {
        return None;
    }
    let clock = Clock::of(scene);
    let user = scene.login.user.to_string();
    let said = said(entries, &user);
    if said.iter().any(|said| matches!(said.what, What::In(_))) {
        return None;
    }
    let refused = first_refusal(scene, &said, &BTreeSet::new())?.at;
    let let_in = let_in(entries);
    let &(last, login) = let_in.iter().rfind(|(_, login)| login.user != user)?;
    let who = format!("{} ({})", escape(login.user.as_bytes()), clock.time(last));
    let since = format!(
        "refused since {} ({}), and the log has no login of {} that worked",
        clock.time(refused),
        clock.zone(),
        scene.login.user
    );
    if last >= refused {
        return Some(format!("{since}; the last one that got in is {who}, so it is not everybody"));
    }
    let too = refused_too(entries, &let_in, &user, refused);
    let too = too.map(|(who, at)| {
        let (who, time) = (escape(who.as_bytes()), clock.time(at));
        format!(", and {who} was refused too ({time}); {}", between(scene, entries, last, refused.min(at)))
    });
    Some(format!("{since}; the last one that got in is {who}{}", too.unwrap_or_default()))
}

/// The server's clock, as far as the collector saw it.
struct Clock {
    offset_seconds: i64,
    /// The day on which the collector ran, `2026-11-25`.
    today: String,
}

impl Clock {
    fn of(scene: &Scene<'_>) -> Self {
        let local = &scene.account.collector.at.local;
        Self { offset_seconds: offset_seconds(local), today: local.get(..10).unwrap_or_default().to_owned() }
    }

    /// `13:05:41`, with the date where it is not today's.
    fn time(&self, seconds: i64) -> String {
        let shifted =
            seconds.checked_add(self.offset_seconds).and_then(|local| jiff::Timestamp::from_second(local).ok());
        let Some(shifted) = shifted else { return format!("second {seconds}") };
        let (date, time) = (shifted.strftime("%Y-%m-%d").to_string(), shifted.strftime("%H:%M:%S").to_string());
        if date == self.today { time } else { format!("{date} {time}") }
    }

    /// `UTC+01:00`.
    fn zone(&self) -> String {
        let minutes = self.offset_seconds.abs() / 60;
        let sign = if self.offset_seconds < 0 { '-' } else { '+' };
        if minutes == 0 { "UTC".to_owned() } else { format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60) }
    }
}
