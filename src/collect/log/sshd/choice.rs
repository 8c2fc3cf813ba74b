//! Which login is meant: the last one that failed and is a person's, or the one that was asked for.

use std::collections::HashMap;

use super::login::{End, Login};
use super::storm::{Marks, Storm};
use crate::collect::log::Choice;
use crate::openssh::sshd::log::stamps::Clock;

/// How many pairs of account and address are kept.
const MOST_PAIRS: usize = 512;
/// How many logins that name no account are kept.
const MOST_NAMELESS: usize = 32;
/// How many other logins are told.
const MOST_OTHERS: usize = 20;

/// The account, the address, and whether nothing is known but that somebody knocked.
type Key = (Option<String>, Option<String>, bool);

/// The logins of one account from one address.
#[derive(Debug, Default)]
struct Pair {
    failed: u64,
    accepted: u64,
    last_failed: Option<Box<Login>>,
    last_accepted: Option<Box<Login>>,
    /// The number of the newest login.
    at: u64,
}

/// What is kept of the logins that were read.
#[derive(Debug, Default)]
pub(super) struct Kept {
    choice: Choice,
    pairs: HashMap<Key, Pair>,
    at: u64,
    /// Logins that were dropped to make room, each counted once: those of strangers, and others.
    dropped_noise: u64,
    dropped: u64,
}

/// What a log comes to.
#[derive(Debug)]
pub(in crate::collect::log) struct Chosen {
    /// What is judged.
    pub(super) what: What,
    /// Whether others failed too, of other accounts from other addresses, and none was asked for.
    pub(super) several: bool,
    /// How many other logins there are, those of strangers left out.
    pub(super) others_count: u64,
    /// Some of them, a line each, the newest first.
    pub(super) others: Vec<String>,
    /// What was summed up, a sentence each.
    pub(super) noise: Vec<String>,
    /// When the newest of them was written, seconds since 1970; `None` where they have no times.
    pub(super) newest: Option<i64>,
    /// What the stamps were read with.
    pub(super) clock: Clock,
}

/// The login that is judged.
#[derive(Debug)]
pub(super) enum What {
    /// This one.
    Login(Box<Login>),
    /// None: all that failed is strangers', and nobody was let in.
    Noise,
    /// There is none, or none as it was asked for.
    Nothing,
}

impl Pair {
    /// Whether its logins have times.
    fn is_timed(&self) -> bool {
        [&self.last_failed, &self.last_accepted].into_iter().flatten().all(|login| login.ended.is_some())
    }
}

/// What tells the newer of two logins: the time where all have one, then the place.
fn age(login: &Login, timed: bool) -> (Option<i64>, usize, u64) {
    (login.ended.filter(|_| timed), login.file, login.last)
}

impl Kept {
    /// Nothing yet.
    pub(super) fn new(choice: &Choice) -> Self {
        Self { choice: choice.clone(), pairs: HashMap::new(), at: 0, dropped_noise: 0, dropped: 0 }
    }

    /// Whether it was asked for; where nothing was, each is.
    fn is_asked(&self, login: &Login) -> bool {
        let Choice { user, host, pid } = &self.choice;
        let is_host = |host: &String| {
            let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
            let is_name = host.parse::<std::net::IpAddr>().is_err();
            login.from.as_ref() == Some(host) || is_name && short(&login.host) == short(host)
        };
        user.as_ref().is_none_or(|user| login.user.as_ref() == Some(user))
            && host.as_ref().is_none_or(is_host)
            && pid.is_none_or(|pid| [login.pid, login.child].contains(&Some(pid)))
    }

    /// Keeps a login.
    pub(super) fn keep(&mut self, login: Login, marks: Marks, storm: &Storm) {
        if login.user.is_none() && login.from.is_none() && login.reason.is_none() {
            return;
        }
        if !self.is_asked(&login) {
            self.dropped += 1;
            return;
        }
        let asks = self.choice != Choice::default();
        self.at += 1;
        // Most of a log of the internet is strangers': only what may be somebody's is kept.
        if !asks && storm.is_noise(&login, marks) {
            self.dropped_noise += 1;
            return;
        }
        let key = (login.user.clone(), login.from.clone(), login.user.is_none() && login.reason.is_none());
        if !self.pairs.contains_key(&key) && self.pairs.len() >= MOST_PAIRS {
            self.make_room(storm, asks);
        }
        let pair = self.pairs.entry(key).or_default();
        pair.at = self.at;
        let (count, last) = if login.end == End::Accepted {
            (&mut pair.accepted, &mut pair.last_accepted)
        } else {
            (&mut pair.failed, &mut pair.last_failed)
        };
        *count += 1;
        // `journalctl -r` begins with the newest.
        let is_older = |last: &Login| login.ended.zip(last.ended).is_some_and(|(time, last)| time < last);
        if !last.as_deref().is_some_and(is_older) {
            *last = Some(Box::new(login));
        }
    }

    /// Drops the strangers' logins, then the oldest ones.
    fn make_room(&mut self, storm: &Storm, asks: bool) {
        let (mut noise, mut dropped) = (0, 0);
        if !asks {
            self.pairs.retain(|_, pair| {
                let stranger = pair.accepted == 0
                    && pair.last_failed.as_ref().is_some_and(|login| storm.is_noise(login, storm.marks(login)));
                noise += if stranger { pair.failed } else { 0 };
                !stranger
            });
        }
        if self.pairs.len() > MOST_PAIRS * 3 / 4 {
            let nameless = |key: &Key| key.0.is_none();
            let mut ages: Vec<(bool, u64)> = self.pairs.iter().map(|(key, pair)| (!nameless(key), pair.at)).collect();
            ages.sort_unstable();
            let bar = ages[MOST_PAIRS / 2];
            self.pairs.retain(|key, pair| {
                let stays = (!nameless(key), pair.at) >= bar;
                dropped += if stays { 0 } else { pair.failed + pair.accepted };
                stays
            });
        }
        self.dropped_noise += noise;
        self.dropped += dropped;
    }

    /// Which login is meant.
    pub(super) fn choose(self, user: Option<&str>, storm: &Storm, newest: Option<i64>, clock: Clock) -> Chosen {
        let asks = self.choice != Choice::default() || user.is_some();
        let timed = self.pairs.values().all(Pair::is_timed);
        let mut noise = self.dropped_noise;
        let mut failed: Vec<Box<Login>> = Vec::new();
        let mut accepted: Vec<Box<Login>> = Vec::new();
        let mut past: Vec<Box<Login>> = Vec::new();
        let mut count = self.dropped;
        for ((name, ..), pair) in self.pairs {
            if user.is_some_and(|user| name.as_ref().is_some_and(|name| name != user)) {
                count += pair.failed + pair.accepted;
                continue;
            }
            let stranger =
                !asks && pair.last_failed.as_ref().is_some_and(|login| storm.is_noise(login, storm.marks(login)));
            noise += if stranger { pair.failed } else { 0 };
            count += if stranger { pair.accepted } else { pair.failed + pair.accepted };
            // What works from there since is over, unless it was a key that failed and another way that worked.
            let over = |failed: &Login| {
                pair.last_accepted.as_ref().is_some_and(|accepted| {
                    age(accepted, timed) > age(failed, timed)
                        && (accepted.method == "publickey" || !failed.key_refused && failed.reason.is_none())
                })
            };
            let kept = pair.last_failed.filter(|_| !stranger);
            match kept {
                Some(login) if over(&login) && self.choice.pid.is_none() => past.push(login),
                other => failed.extend(other),
            }
            accepted.extend(pair.last_accepted);
        }
        // What names an account before what names none, an account that exists before one that does not; then the newest.
        let exists = |login: &Login| login.user.is_some() && login.reason != Some("server-no-such-user");
        let rank = |login: &Login| (login.user.is_some() || login.reason.is_some(), exists(login), age(login, timed));
        failed.sort_by_key(|login| std::cmp::Reverse(rank(login)));
        accepted.sort_by_key(|login| std::cmp::Reverse(rank(login)));
        let mut nameless = 0;
        failed.retain(|login| {
            nameless += usize::from(login.user.is_none());
            login.user.is_some() || nameless <= MOST_NAMELESS
        });
        // Whoever only knocked is chosen where nobody else is there.
        let knocked = |login: &Login| login.user.is_none() && login.reason.is_none();
        let chosen = match (failed.first(), accepted.first()) {
            (Some(login), Some(_)) if knocked(login) => accepted.first().cloned(),
            (Some(login), _) => Some(login.clone()),
            (None, login) => login.cloned(),
        };
        let mut all: Vec<&Login> = failed.iter().chain(&past).chain(&accepted).map(|login| &**login).collect();
        all.sort_by_key(|login| std::cmp::Reverse(age(login, timed)));
        let is_another = |login: &Login, chosen: &Login| {
            let differs = |one: &Option<String>, other: &Option<String>| one.is_some() && one != other;
            differs(&login.user, &chosen.user) && differs(&login.from, &chosen.from)
        };
        let several = !asks && failed.first().is_some_and(|first| failed.iter().any(|login| is_another(login, first)));
        let is_chosen = |login: &Login| {
            chosen
                .as_ref()
                .is_some_and(|chosen| (chosen.file, chosen.first, chosen.last) == (login.file, login.first, login.last))
        };
        let others: Vec<String> =
            all.into_iter().filter(|login| !is_chosen(login)).take(MOST_OTHERS).map(Login::words).collect();
        let what = match chosen {
            Some(login) => What::Login(login),
            None if noise > 0 => What::Noise,
            None => What::Nothing,
        };
        Chosen {
            others_count: count.saturating_sub(u64::from(matches!(what, What::Login(_)))),
            what,
            several,
            others,
            noise: storm.sentence(noise).into_iter().collect(),
            newest,
            clock,
        }
    }
}
