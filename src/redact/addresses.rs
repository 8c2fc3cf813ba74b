//! Pseudonyms of addresses: again addresses, of the same family and range, in which what lies in one network still does.
//!
//! Networks of each level are numbered in the order in which they were met, so nothing of the original number is left.
//! Private, link-local and unique local addresses stay in their range. Public IPv4 addresses come to lie in 240.0.0.0/4,
//! which nobody has, public IPv6 addresses in 2001:db8::/32, which is for documentation. Loopback, unspecified, broadcast
//! and multicast addresses, and the ranges themselves, name nobody and stay.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One address, taken apart: bits that stay, then numbers of which each is replaced by one of as many bits.
struct Parts {
    v6: bool,
    /// The bits that stay, at the upper end, and how many they are.
    fixed: (u128, u32),
    /// The bits that the pseudonym begins with in their place.
    begins: (u128, u32),
    /// How many bits each number has, in the address and in the pseudonym.
    units: &'static [(u32, u32)],
}

/// The pseudonyms given so far.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// What lies before a number, and the number itself, to the number that stands for it.
    numbers: BTreeMap<(bool, u128, u32, u128), u128>,
    /// How many numbers were given out behind the same beginning.
    given: BTreeMap<(bool, u128, u32), u128>,
    known: BTreeMap<IpAddr, IpAddr>,
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn address(v6: bool, bits: u128) -> IpAddr {
    if v6 {
        IpAddr::V6(Ipv6Addr::from_bits(bits))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap_or_default()))
    }
}

fn mask(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length).unwrap_or(0)
}

/// The units of an address whose range keeps one octet.
const OCTETS: &[(u32, u32)] = &[(8, 8), (8, 8), (8, 8)];

/// How an address is taken apart; `None` for one that names nobody.
fn parts(of: IpAddr) -> Option<Parts> {
    let v4 = |fixed: u32, length: u32, units| {
        let fixed = (u128::from(fixed) << 96, length);
        Parts { v6: false, fixed, begins: fixed, units }
    };
    let v6 = |fixed: u128, length: u32, begins, units| Parts { v6: true, fixed: (fixed, length), begins, units };
    match of {
        IpAddr::V4(of) => {
            let keeps = of.is_loopback() || of.is_multicast() || of.is_broadcast() || of.octets()[0] == 0;
            match of.octets() {
                _ if keeps => None,
                [10, ..] => Some(v4(0x0a00_0000, 8, OCTETS)),
                [172, 16..=31, ..] => Some(v4(0xac10_0000, 12, &[(4, 4), (8, 8), (8, 8)])),
                [192, 168, ..] => Some(v4(0xc0a8_0000, 16, &OCTETS[1..])),
                [169, 254, ..] => Some(v4(0xa9fe_0000, 16, &OCTETS[1..])),
                [100, 64..=127, ..] => Some(v4(0x6440_0000, 10, &[(6, 6), (8, 8), (8, 8)])),
                _ => {
                    let begins = (0xf000_0000_u128 << 96, 4);
                    let units = &[(16, 12), (8, 8), (8, 8)];
                    Some(Parts { v6: false, fixed: (0, 0), begins, units })
                }
            }
        }
        IpAddr::V6(of) => {
            let documentation = 0x2001_0db8_u128 << 96;
            if of.is_loopback() || of.is_unspecified() || of.is_multicast() {
                None
            } else if of.is_unicast_link_local() {
                Some(v6(0xfe80 << 112, 64, (0xfe80 << 112, 64), &[(64, 64)]))
            } else if of.is_unique_local() {
                let first = u128::from(of.octets()[0]) << 120;
                Some(v6(first, 8, (first, 8), &[(40, 40), (16, 16), (64, 64)]))
            } else {
                Some(v6(0, 0, (documentation, 32), &[(48, 16), (16, 16), (64, 64)]))
            }
        }
    }
}

impl Addresses {
    /// The pseudonym of an address.
    pub(super) fn of(&mut self, of: IpAddr) -> IpAddr {
        if let IpAddr::V6(v6) = of
            && let Some(inner) = v6.to_ipv4_mapped()
        {
            let IpAddr::V4(inner) = self.of(IpAddr::V4(inner)) else { return of };
            return IpAddr::V6(inner.to_ipv6_mapped());
        }
        let Some(parts) = parts(of) else { return of };
        let (bits, _) = self.begin(&parts, bits(of), 128);
        let pseudonym = address(parts.v6, bits);
        self.known.insert(of, pseudonym);
        pseudonym
    }

    /// Takes a pair that an earlier run gave.
    pub(super) fn learn(&mut self, original: IpAddr, pseudonym: IpAddr) {
        let Some(parts) = parts(original).filter(|_| original.is_ipv4() == pseudonym.is_ipv4()) else { return };
        let (from, to) = (bits(original), bits(pseudonym));
        let (mut at, mut to_at) = (parts.fixed.1, parts.begins.1);
        for (bits, to_bits) in parts.units {
            let before = from & mask(at);
            let number_of = number(from, at, *bits);
            let stands = number(to, to_at, *to_bits);
            self.numbers.insert((parts.v6, before, at, number_of), stands);
            let given = self.given.entry((parts.v6, before, at)).or_default();
            *given = (*given).max(stands.saturating_add(1));
            (at, to_at) = (at + bits, to_at + to_bits);
        }
        self.known.insert(original, pseudonym);
    }

    /// Every address that was given a pseudonym.
    pub(super) fn known(&self) -> impl Iterator<Item = (&IpAddr, &IpAddr)> {
        self.known.iter()
    }

    /// The pseudonym of the first `length` bits, and how many bits it has.
    fn begin(&mut self, parts: &Parts, from: u128, length: u32) -> (u128, u32) {
        let (mut at, (mut to, mut to_at)) = (parts.fixed.1, parts.begins);
        for (index, (bits, to_bits)) in parts.units.iter().enumerate() {
            if at + bits > length.min(if parts.v6 { 128 } else { 32 }) {
                break;
            }
            let before = from & mask(at);
            let last = index + 1 == parts.units.len();
            let given = self.given.entry((parts.v6, before, at)).or_insert(u128::from(last));
            let stands = *self.numbers.entry((parts.v6, before, at, number(from, at, *bits))).or_insert_with(|| {
                *given += 1;
                (*given - 1) & (mask(*to_bits) >> (128 - to_bits))
            });
            to |= stands << (128 - to_at - to_bits);
            (at, to_at) = (at + bits, to_at + to_bits);
        }
        (to, to_at)
    }

    /// The pseudonyms of a network in CIDR form: mostly one, several where the addresses met that lie in it have none in
    /// common that others do not lie in.
    pub(super) fn network(&mut self, base: IpAddr, length: u32) -> Vec<String> {
        let most = if base.is_ipv4() { 32 } else { 128 };
        let Some(parts) = parts(base).filter(|parts| length > parts.fixed.1 && length <= most) else {
            return vec![format!("{base}/{length}")];
        };
        if length == most {
            return vec![format!("{}/{length}", self.of(base))];
        }
        let mut end = parts.fixed.1;
        let exact = parts.units.iter().any(|(bits, _)| {
            end += bits;
            end == length
        });
        if exact {
            let (bits, length) = self.begin(&parts, bits(base), length);
            return vec![format!("{}/{length}", address(parts.v6, bits))];
        }
        let lies_in = |of: &IpAddr| of.is_ipv4() == base.is_ipv4() && bits(*of) & mask(length) == bits(base);
        let within: Vec<IpAddr> = self.known.iter().filter(|(of, _)| lies_in(of)).map(|(_, to)| *to).collect();
        let Some(first) = within.first() else {
            // Nothing met lies in it: a network of its own, as wide as the next number allows.
            let (bits, length) = self.begin(&parts, bits(base), most);
            let length = length.min(if parts.v6 { 64 } else { 24 });
            return vec![format!("{}/{length}", address(parts.v6, bits & mask(length)))];
        };
        let shared = within.iter().map(|to| (bits(*to) ^ bits(*first)).leading_zeros()).min().unwrap_or(0).min(most);
        let others = self.known.iter().any(|(of, to)| {
            !lies_in(of) && to.is_ipv4() == base.is_ipv4() && bits(*to) & mask(shared) == bits(*first) & mask(shared)
        });
        if others || shared == 0 {
            return within.iter().map(ToString::to_string).collect();
        }
        vec![format!("{}/{shared}", address(parts.v6, bits(*first) & mask(shared)))]
    }

    /// The pseudonym of the octets that an IPv4 address begins with, as hosts.deny and patterns write them: `192.0.2`.
    pub(super) fn octets(&mut self, octets: &[u8]) -> Option<String> {
        let mut all = [0; 4];
        all.get_mut(..octets.len())?.copy_from_slice(octets);
        let of = IpAddr::from(all);
        let length = u32::try_from(octets.len()).ok()? * 8;
        let Some(parts) = parts(of) else { return Some(joined(octets)) };
        if length <= parts.fixed.1 {
            return Some(joined(octets));
        }
        let known = self.known.keys().copied().find(|known| known.is_ipv4() && bits(*known) & mask(length) == bits(of));
        let whole = known.unwrap_or(of);
        let IpAddr::V4(to) = self.of_unkept(whole) else { return None };
        // The first octet alone has no pseudonym of its own among public addresses: the network that was met has.
        Some(joined(&to.octets()[..octets.len().max(if parts.fixed.1 == 0 { 2 } else { 1 })]))
    }

    fn of_unkept(&mut self, of: IpAddr) -> IpAddr {
        let known = self.known.contains_key(&of);
        let to = self.of(of);
        if !known {
            self.known.remove(&of);
        }
        to
    }

    /// Whether an address that was met begins with these octets.
    pub(super) fn begins(&self, octets: &[u8]) -> bool {
        self.known.keys().any(|known| matches!(known, IpAddr::V4(known) if known.octets().starts_with(octets)))
    }
}

fn joined(octets: &[u8]) -> String {
    octets.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

/// The number in the `bits` bits from bit `at` on, counted from the upper end.
fn number(of: u128, at: u32, bits: u32) -> u128 {
    (of << at) >> (128 - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(addresses: &mut Addresses, text: &str) -> String {
        addresses.of(text.parse().unwrap()).to_string()
    }

    #[test]
    fn an_address_stays_in_its_range_and_beside_its_neighbours() {
        let mut addresses = Addresses::default();
        for (original, pseudonym) in [
            ("192.0.2.7", "240.0.0.1"),
            ("192.0.2.9", "240.0.0.2"),
            ("192.0.3.9", "240.0.1.1"),
            ("203.0.113.5", "240.1.0.1"),
            ("192.0.2.7", "240.0.0.1"),
            ("10.20.30.40", "10.0.0.1"),
            ("10.20.31.40", "10.0.1.1"),
            ("172.20.1.1", "172.16.0.1"),
            ("192.168.7.7", "192.168.0.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("169.254.3.4", "169.254.0.1"),
            ("::1", "::1"),
            ("fe80::aa:bb", "fe80::1"),
            ("fd12:3456::9", "fd00::1"),
            ("2a01:4f8:1:2::3", "2001:db8::1"),
            ("2a01:4f8:1:3::3", "2001:db8:0:1::1"),
            ("::ffff:192.0.2.7", "::ffff:240.0.0.1"),
        ] {
            assert_eq!(of(&mut addresses, original), pseudonym, "{original}");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_that_it_held() {
        let mut addresses = Addresses::default();
        let inside = of(&mut addresses, "192.0.2.7");
        let outside = of(&mut addresses, "192.0.2.200");
        let mut network = |text: &str| {
            let (base, length) = text.split_once('/').unwrap();
            addresses.network(base.parse().unwrap(), length.parse().unwrap()).join(",")
        };
        assert_eq!(network("192.0.2.0/24"), "240.0.0.0/24");
        assert_eq!(network("192.0.0.0/16"), "240.0.0.0/16");
        assert_eq!(network("192.0.2.0/25"), format!("{inside}/32"));
        assert_eq!(network("0.0.0.0/0"), "0.0.0.0/0");
        assert_eq!(network("10.0.0.0/8"), "10.0.0.0/8");
        assert_eq!(network("203.0.112.0/20"), "240.1.0.0/24");
        assert_eq!(outside, "240.0.0.2");
        assert_eq!(addresses.octets(&[192, 0, 2]).unwrap(), "240.0.0");
        assert_eq!(addresses.octets(&[192]).unwrap(), "240.0");
        assert_eq!(addresses.octets(&[10]).unwrap(), "10");
    }

    #[test]
    fn what_an_earlier_run_gave_is_given_again() {
        let mut first = Addresses::default();
        let pairs: Vec<(IpAddr, IpAddr)> = ["198.51.100.1", "192.0.2.7", "2a01::1"]
            .iter()
            .map(|text| text.parse().unwrap())
            .map(|original| (original, first.of(original)))
            .collect();
        let mut second = Addresses::default();
        for (original, pseudonym) in pairs.iter().rev() {
            second.learn(*original, *pseudonym);
        }
        assert_eq!(of(&mut second, "192.0.2.7"), first.of("192.0.2.7".parse().unwrap()).to_string());
        assert_eq!(of(&mut second, "192.0.2.8"), first.of("192.0.2.8".parse().unwrap()).to_string());
        assert_eq!(of(&mut second, "2a02::1"), first.of("2a02::1".parse().unwrap()).to_string());
    }
}
