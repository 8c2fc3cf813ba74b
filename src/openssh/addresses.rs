//! Lists of addresses and names as sshd reads them in AllowUsers, `from=` and certificates (addrmatch.c
//! `addr_match_list`, `addr_match_cidr_list`; match.c `match_host_and_ip`, `match_user`).

use std::net::IpAddr;

use super::patterns::{Match, match_hostname, match_pattern};

/// What a list says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// An entry names it, and no negated one does.
    Yes,
    /// No entry names it.
    No,
    /// A negated entry names it.
    Negated,
    /// An entry cannot be read: sshd takes the whole list for none.
    Invalid,
}

/// A network, `192.0.2.0/24`, or one address.
enum Network {
    Is(IpAddr, u32),
    /// The mask leaves bits of the address uncovered: sshd calls that inconsistent.
    Inconsistent,
    Not,
}

/// addrmatch.c `addr_match_list`: addresses, networks and patterns, with `!`.
pub fn match_list(address: IpAddr, list: &str) -> Answer {
    let text = address.to_string();
    let mut found = Answer::No;
    for entry in list.split(',') {
        let (negated, entry) = entry.strip_prefix('!').map_or((false, entry), |entry| (true, entry));
        if entry.is_empty() {
            return Answer::Invalid;
        }
        let named = match network(entry) {
            Network::Inconsistent => return Answer::Invalid,
            Network::Is(base, length) => is_in(address, base, length),
            Network::Not => match_pattern(text.as_bytes(), entry.as_bytes()),
        };
        if named && negated {
            return Answer::Negated;
        }
        if named {
            found = Answer::Yes;
        }
    }
    found
}

/// match.c `match_host_and_ip`: whether the list names the host or the address; a negated entry excludes both.
pub fn match_host_and_address(host: &str, address: IpAddr, list: &str) -> Answer {
    let by_address = match_list(address, list);
    if matches!(by_address, Answer::Invalid | Answer::Negated) {
        return by_address;
    }
    match (match_hostname(host.as_bytes(), list.as_bytes()), by_address) {
        (Match::Negated, _) => Answer::Negated,
        (Match::No, Answer::No) => Answer::No,
        _ => Answer::Yes,
    }
}

/// addrmatch.c `addr_match_cidr_list`: addresses and networks alone, as in a certificate's `source-address`.
pub fn match_networks(address: IpAddr, list: &str) -> Answer {
    let mut found = Answer::No;
    for entry in list.split(',') {
        match network(entry) {
            Network::Is(base, length) if is_in(address, base, length) => found = Answer::Yes,
            Network::Is(..) => {}
            Network::Inconsistent | Network::Not => return Answer::Invalid,
        }
    }
    found
}

/// match.c `match_user`: whether an entry of AllowUsers or DenyUsers, `user` or `user@hosts`, names this login.
pub fn match_user(user: &[u8], host: &str, address: IpAddr, entry: &str) -> Answer {
    let plain = |named: bool| if named { Answer::Yes } else { Answer::No };
    match entry.rsplit_once('@') {
        None => plain(match_pattern(user, entry.as_bytes())),
        Some((name, _)) if !match_pattern(user, name.as_bytes()) => Answer::No,
        Some((_, hosts)) => match match_host_and_address(host, address, hosts) {
            Answer::Negated => Answer::No,
            answer => answer,
        },
    }
}

/// addr.c `addr_pton_cidr`.
fn network(entry: &str) -> Network {
    let (address, length) = match entry.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (entry, None),
    };
    let Ok(base) = address.parse::<IpAddr>() else { return Network::Not };
    let most = if base.is_ipv4() { 32 } else { 128 };
    let Some(length) = length else { return Network::Is(base, most) };
    match length.parse::<u32>() {
        Ok(length) if length <= most && covers(base, length) => Network::Is(base, length),
        Ok(_) => Network::Inconsistent,
        Err(_) => Network::Not,
    }
}

/// The address as a number, at the upper end of 128 bits.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length).unwrap_or(0)
}

/// Whether all bits behind the mask are zero.
fn covers(base: IpAddr, length: u32) -> bool {
    bits(base) & !mask(length) == 0
}

fn is_in(address: IpAddr, base: IpAddr, length: u32) -> bool {
    address.is_ipv4() == base.is_ipv4() && (bits(address) ^ bits(base)) & mask(length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_list_of_addresses_is_read_as_addrmatch_c_reads_it() {
        let rows = [
            ("192.0.2.7", "192.0.2.7", Answer::Yes),
            ("192.0.2.7", "192.0.2.0/24", Answer::Yes),
            ("192.0.2.7", "192.0.2.*", Answer::Yes),
            ("192.0.2.7", "198.51.100.0/24,192.0.2.?", Answer::Yes),
            ("192.0.2.7", "198.51.100.0/24", Answer::No),
            ("192.0.2.7", "*,!192.0.2.7", Answer::Negated),
            ("192.0.2.7", "!192.0.2.8,*", Answer::Yes),
            ("192.0.2.7", "192.0.2.7/24", Answer::Invalid),
            ("192.0.2.7", "192.0.2.0/33", Answer::Invalid),
            ("192.0.2.7", "192.0.2.7,,*", Answer::Invalid),
            ("192.0.2.7", "0.0.0.0/0", Answer::Yes),
            ("2001:db8::7", "2001:db8::/32", Answer::Yes),
            ("2001:db8::7", "0.0.0.0/0", Answer::No),
            ("2001:db8::7", "::/0", Answer::Yes),
        ];
        for (address, list, answer) in rows {
            assert_eq!(match_list(at(address), list), answer, "{address} {list}");
        }
    }

    #[test]
    fn an_entry_of_allow_users_names_a_user_and_perhaps_hosts() {
        let rows = [
            ("deploy", "deploy", Answer::Yes),
            ("deploy", "dep*", Answer::Yes),
            ("deploy", "root", Answer::No),
            ("deploy", "deploy@192.0.2.0/24", Answer::Yes),
            ("deploy", "deploy@198.51.100.0/24", Answer::No),
            ("deploy", "*@laptop.example.org", Answer::Yes),
            ("deploy", "*@*.example.org,!laptop.example.org", Answer::No),
            ("deploy", "deploy@192.0.2.1/24", Answer::Invalid),
        ];
        for (user, entry, answer) in rows {
            let met = match_user(user.as_bytes(), "laptop.example.org", at("192.0.2.7"), entry);
            assert_eq!(met, answer, "{user} {entry}");
        }
    }

    #[test]
    fn a_certificate_s_source_address_holds_networks_alone() {
        assert_eq!(match_networks(at("192.0.2.7"), "192.0.2.0/24"), Answer::Yes);
        assert_eq!(match_networks(at("192.0.2.7"), "198.51.100.7"), Answer::No);
        assert_eq!(match_networks(at("192.0.2.7"), "192.0.2.*"), Answer::Invalid);
    }
}
