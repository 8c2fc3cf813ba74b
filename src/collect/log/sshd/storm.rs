//! Strangers who try one name after the other: how many, from where, and which logins are theirs.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::net::IpAddr;

use super::login::{End, Login};

/// How many addresses and names are followed each.
const MOST: usize = 4096;
/// How many different ones are counted; beyond it there are "more than" that.
const MOST_COUNTED: usize = 65_536;
/// How many names of accounts one person tries from an address.
const MOST_NAMES: u32 = 3;
/// From how many addresses one account is tried by whoever owns it.
const MOST_PLACES: u32 = 8;
/// How many logins from one address in a minute are no person's.
const MOST_A_MINUTE: u32 = 10;
/// From how many addresses, or at how many names, logins that fail make a storm.
const STORM: usize = 12;

/// What is known of an address, or of a name.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    failed: u32,
    accepted: u32,
    /// Different names tried from the address, or addresses that tried the name; the last one's hash.
    others: u32,
    last_others: [u64; 8],
    /// The minute that is counted, and how many logins failed in it.
    minute: i64,
    in_minute: u32,
    most_in_minute: u32,
    /// The number of the newest login.
    at: u64,
}

impl Seen {
    fn count(&mut self, login: &Login, other: Option<u64>, at: u64) {
        self.at = at;
        if login.end == End::Accepted {
            self.accepted = self.accepted.saturating_add(1);
            return;
        }
        self.failed = self.failed.saturating_add(1);
        if let Some(other) = other
            && !self.last_others.contains(&other)
        {
            self.last_others[self.others as usize % 8] = other;
            self.others = self.others.saturating_add(1);
        }
        let minute = login.began.map_or(i64::MIN, |time| time.div_euclid(60));
        if minute == i64::MIN {
            return;
        }
        if minute != self.minute {
            (self.minute, self.in_minute) = (minute, 0);
        }
        self.in_minute = self.in_minute.saturating_add(1);
        self.most_in_minute = self.most_in_minute.max(self.in_minute);
    }
}

/// What is a hash already is none again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Tables whose keys are hashes.
pub(super) type Hashed<T> = HashMap<u64, T, BuildHasherDefault<Same>>;
type Hashes = HashSet<u64, BuildHasherDefault<Same>>;

/// The hashes of a login's address and name, where it has them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    from: Option<u64>,
    name: Option<u64>,
}

/// Counts of all that failed.
#[derive(Debug, Default)]
pub(super) struct Storm {
    hashes: RandomState,
    addresses: Hashed<Seen>,
    names: Hashed<Seen>,
    all_addresses: Hashes,
    all_names: Hashes,
    at: u64,
}

impl Storm {
    /// The hashes under which a login is counted.
    pub(super) fn marks(&self, login: &Login) -> Marks {
        Marks {
            from: login.from.as_ref().map(|from| self.hashes.hash_one(from)),
            name: login.user.as_ref().map(|user| self.hashes.hash_one(user)),
        }
    }

    /// Counts a login.
    pub(super) fn count(&mut self, login: &Login, Marks { from, name }: Marks) {
        self.at += 1;
        if login.end != End::Accepted {
            for (all, one) in [(&mut self.all_addresses, from), (&mut self.all_names, name)] {
                if let Some(one) = one.filter(|_| all.len() < MOST_COUNTED) {
                    all.insert(one);
                }
            }
        }
        for (table, one, other) in [(&mut self.addresses, from, name), (&mut self.names, name, from)] {
            let Some(one) = one else { continue };
            if table.len() >= MOST && !table.contains_key(&one) {
                // Half of them go, those that were met longest ago and never let in.
                let newest = table.values().map(|seen| seen.at).max().unwrap_or_default();
                let mut ages: Vec<u64> = table.values().map(|seen| newest - seen.at).collect();
                let (_, middle, _) = ages.select_nth_unstable(MOST / 2);
                let middle = *middle;
                table.retain(|_, seen| newest - seen.at < middle || seen.accepted > 0);
                if table.len() >= MOST {
                    table.retain(|_, seen| newest - seen.at < middle);
                }
            }
            table.entry(one).or_default().count(login, other, self.at);
        }
    }

    /// Whether so much fails from so many places that strangers are at work.
    fn rages(&self) -> bool {
        self.all_addresses.len() >= STORM || self.all_names.len() >= STORM
    }

    /// Whether the login is a stranger's: one of many names tried from an address, of many addresses that try a name, of
    /// more in a minute than a person makes; or in a storm a name that is not there. Whoever was let in from there once
    /// is no stranger.
    pub(super) fn is_noise(&self, login: &Login, marks: Marks) -> bool {
        if login.end == End::Accepted {
            return false;
        }
        let unseen = Seen::default();
        let of =
            |one: Option<u64>, table: &'_ Hashed<Seen>| one.and_then(|one| table.get(&one).copied()).unwrap_or(unseen);
        let address = of(marks.from, &self.addresses);
        if address.accepted > 0 {
            return false;
        }
        let name = of(marks.name, &self.names);
        let here = login.from.as_ref().is_some_and(|from| is_private(from));
        let many = address.others > MOST_NAMES || address.most_in_minute >= MOST_A_MINUTE;
        let tried_from_everywhere = login.user.is_some() && name.others > MOST_PLACES;
        let not_there = login.invalid && login.reason.is_none_or(|reason| reason == "server-no-such-user");
        let stranger = self.rages() && !here && (not_there || login.user.is_none());
        many || tried_from_everywhere && !here || stranger
    }

    /// One sentence on what was summed up; `None` where there is no such thing.
    pub(super) fn sentence(&self, noise: u64) -> Option<String> {
        let count = |all: &Hashes| {
            let more = if all.len() >= MOST_COUNTED { "more than " } else { "" };
            format!("{more}{}", grouped(all.len() as u64))
        };
        (noise > 0).then(|| {
            format!(
                "{} failed logins are no person's: the log has {} addresses that failed, at {} names of accounts",
                grouped(noise),
                count(&self.all_addresses),
                count(&self.all_names)
            )
        })
    }
}

/// Whether an address is of a network of its own (RFC 1918, RFC 4193) or of this machine.
fn is_private(from: &str) -> bool {
    match from.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_private() || address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        // With its interface it is link-local.
        Err(_) => from.starts_with("fe80:"),
    }
}

/// `4,812`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
