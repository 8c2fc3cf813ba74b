//! A server's half that was redacted apart from its client's: its pseudonyms are made others than the client's, but for
//! those that are known to mean the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::{kinds, words};
use crate::facts::account::Account;

/// The account with other pseudonyms than any client has. `same`: pseudonyms of the server's half and those of the
/// client's that mean the same. Keys keep theirs, which derive from the keys themselves.
///
/// # Errors
/// Where the facts cannot be put together again, which is a fault of this program.
pub fn apart(account: &Account, same: &[(String, String)]) -> Result<Account, serde_json::Error> {
    let mut tree = kinds::tree(account)?;
    rename(&mut tree, same);
    serde_json::from_value(tree)
}

fn rename(tree: &mut Value, same: &[(String, String)]) {
    match tree {
        Value::String(text) => {
            if let Some((_, original)) = kinds::kind(text) {
                *text = renamed(original, same);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| rename(value, same)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, same)),
        _ => {}
    }
}

fn renamed(text: &str, same: &[(String, String)]) -> String {
    let of_name = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '.' | ':');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(of_name) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|one| !of_name(one)).unwrap_or(rest.len());
        out.push_str(&word(&rest[..end], same));
        rest = &rest[end..];
    }
    out + rest
}

fn word(word: &str, same: &[(String, String)]) -> String {
    if let Ok(address) = word.parse::<IpAddr>() {
        return other(address).to_string();
    }
    if let Some(at) = word.find([':', '.']) {
        return format!("{}{}{}", self::word(&word[..at], same), &word[at..=at], self::word(&word[at + 1..], same));
    }
    if let Some((_, clients)) = same.iter().find(|(servers, _)| servers == word) {
        return clients.clone();
    }
    let lower = word.to_ascii_lowercase();
    let pseudonym = ["user-", "host-", "group-", "file-", "word-"].iter().any(|kind| {
        lower.strip_prefix(kind).is_some_and(|letters| {
            (1..=4).contains(&letters.len())
                && letters.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit())
        })
    });
    if pseudonym && !words::is_known(&lower) { format!("{word}-there") } else { word.to_owned() }
}

/// An address of the same range that no client's half has.
fn other(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(of) => {
            let [first, second, third, fourth] = of.octets();
            let octets = match first {
                240..=245 => [first + 10, second, third, fourth],
                10 => [first, second ^ 0x80, third, fourth],
                169 | 172 | 192 => [first, second, third ^ 0x80, fourth],
                _ => [first, second, third, fourth],
            };
            IpAddr::V4(Ipv4Addr::from(octets))
        }
        IpAddr::V6(of) if of.is_loopback() || of.is_unspecified() || of.to_ipv4_mapped().is_some() => address,
        IpAddr::V6(of) => {
            let mut segments = of.segments();
            segments[4] ^= 0x8000;
            IpAddr::V6(Ipv6Addr::from(segments))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn pseudonyms_become_others_and_keys_stay() {
        let same = [("user-b".to_owned(), "user-a".to_owned())];
        for (text, becomes) in [
            (
                "Failed publickey for user-b from 240.0.0.1 port 22",
                "Failed publickey for user-a from 250.0.0.1 port 22",
            ),
            (
                "AllowUsers user-c user-b@host-a.host-b.org",
                "AllowUsers user-c-there user-a@host-a-there.host-b-there.org",
            ),
            ("/home/user-b/.ssh/file-a.pub", "/home/user-a/.ssh/file-a-there.pub"),
            ("from=\"10.0.0.0/8\" SHA256:key-1a2b3c4d", "from=\"10.128.0.0/8\" SHA256:key-1a2b3c4d"),
            ("sshd[7]: host-based, user-rc", "sshd[7]: host-based, user-rc"),
        ] {
            assert_eq!(renamed(text, &same), becomes);
        }
    }
}
