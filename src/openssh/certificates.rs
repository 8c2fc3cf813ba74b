//! What sshd asks of a user certificate beyond its CA (sshkey.c `sshkey_cert_check_authority`, auth-options.c
//! `cert_option_list`, addrmatch.c `addr_match_cidr_list`), as far as the certificate itself tells. ssh asks nothing of
//! it but that it is one for users (sshconnect2.c `pubkey_prepare`): it offers an expired one like any other.

use std::net::IpAddr;

use crate::facts::key::Certificate;
use crate::facts::text::ServerText;

/// Critical options that sshd knows; it refuses a certificate with any other.
const CRITICAL_OPTIONS: &[&str] = &["force-command", "source-address", "verify-required"];

/// How a certificate's validity stands to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// The moment is within it: how many seconds since it began; `None` where it has no beginning.
    Within(Option<u64>),
    /// It ended so many seconds before the moment.
    Ended(u64),
    /// It begins so many seconds after the moment.
    NotBegun(u64),
    /// It ends before it begins: no moment is within it.
    Never,
}

/// How `certificate` stands to this many seconds since 1970 (`valid_after <= moment < valid_before`).
pub fn validity(certificate: &Certificate, moment: i64) -> Validity {
    let moment = u64::try_from(moment).unwrap_or(0);
    let Certificate { valid_after, valid_before, .. } = *certificate;
    if valid_after >= valid_before {
        Validity::Never
    } else if moment < valid_after {
        Validity::NotBegun(valid_after - moment)
    } else if moment >= valid_before {
        Validity::Ended(moment - valid_before)
    } else {
        Validity::Within((valid_after > 0).then(|| moment - valid_after))
    }
}

/// Whether sshd finds `user` among the principals where nothing else maps them; byte for byte, no patterns.
pub fn names(certificate: &Certificate, user: &[u8]) -> bool {
    certificate.principals.iter().any(|principal| principal.as_bytes() == user)
}

/// A critical option that OpenSSH's sshd does not know.
pub fn unknown_option(certificate: &Certificate) -> Option<&ServerText> {
    let known = |name: &ServerText| CRITICAL_OPTIONS.iter().any(|known| *name == **known);
    certificate.critical_options.iter().map(|(name, _)| name).find(|name| !known(name))
}

/// The addresses that `source-address` allows, where the option is there.
pub fn source_addresses(certificate: &Certificate) -> Option<&ServerText> {
    certificate.critical_options.iter().find(|(name, _)| *name == *"source-address").map(|(_, value)| value)
}

/// Whether a list like that of `source-address` has `address` in it; `None` where sshd would not understand the list.
pub fn lists(addresses: &[u8], address: IpAddr) -> Option<bool> {
    let list = std::str::from_utf8(addresses).ok()?;
    let mut found = false;
    for entry in list.split(',') {
        let (network, bits) = match entry.split_once('/') {
            Some((network, bits)) => (network, Some(bits.parse::<u32>().ok()?)),
            None => (entry, None),
        };
        let network: IpAddr = network.parse().ok()?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return None;
        }
        found |= network.is_ipv4() == address.is_ipv4() && prefix(network, bits) == prefix(address, bits);
    }
    Some(found)
}

/// The first `bits` of an address.
fn prefix(address: IpAddr, bits: u32) -> u128 {
    let (value, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    value.checked_shr(width - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::key::{Blob, CertificateKind};

    fn certificate(valid_after: u64, valid_before: u64) -> Certificate {
        Certificate {
            kind: CertificateKind::User,
            serial: 0,
            key_id: "id".into(),
            principals: vec!["deploy".into(), "a*".into()],
            valid_after,
            valid_before,
            critical_options: vec![("force-command".into(), "true".into())],
            ca: "SHA256:x".into(),
            ca_algorithm: "ssh-ed25519".to_owned(),
            key: Blob::default(),
        }
    }

    #[test]
    fn the_last_second_belongs_to_what_comes_after() {
        let day = certificate(100, 200);
        assert_eq!(validity(&day, 99), Validity::NotBegun(1));
        assert_eq!(validity(&day, 100), Validity::Within(Some(0)));
        assert_eq!(validity(&day, 199), Validity::Within(Some(99)));
        assert_eq!(validity(&day, 200), Validity::Ended(0));
        assert_eq!(validity(&certificate(0, u64::MAX), 7), Validity::Within(None));
        assert_eq!(validity(&certificate(200, 200), 200), Validity::Never);
        assert_eq!(validity(&day, -5), Validity::NotBegun(100));
    }

    #[test]
    fn principals_are_names_and_no_patterns() {
        let certificate = certificate(0, 1);
        assert!(names(&certificate, b"deploy"));
        assert!(!names(&certificate, b"alice") && !names(&certificate, b"Deploy") && !names(&certificate, b""));
    }

    #[test]
    fn an_option_that_sshd_does_not_know_is_found() {
        let mut certificate = certificate(0, 1);
        assert_eq!(unknown_option(&certificate), None);
        certificate.critical_options.push(("only-on-mondays".into(), "".into()));
        assert_eq!(unknown_option(&certificate), Some(&"only-on-mondays".into()));
    }

    #[test]
    fn an_address_is_in_the_networks_that_hold_it() {
        let rows: &[(&str, &str, Option<bool>)] = &[
            ("192.0.2.0/24", "192.0.2.100", Some(true)),
            ("198.51.100.0/24", "192.0.2.100", Some(false)),
            ("198.51.100.0/24,192.0.2.100", "192.0.2.100", Some(true)),
            ("0.0.0.0/0", "192.0.2.100", Some(true)),
            ("::/0", "192.0.2.100", Some(false)),
            ("2001:db8::/32", "2001:db8::7", Some(true)),
            ("2001:db8::8", "2001:db8::7", Some(false)),
            ("192.0.2.0/33", "192.0.2.100", None),
            ("web1", "192.0.2.100", None),
            ("", "192.0.2.100", None),
        ];
        for (list, address, expected) in rows {
            assert_eq!(lists(list.as_bytes(), address.parse().unwrap()), *expected, "{list} {address}");
        }
    }
}
