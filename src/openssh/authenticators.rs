//! How ssh comes to an authenticator (ssh-sk.c `sshsk_open`, sk-usbhid.c `sk_openv`, libfido2 hid_linux.c `is_fido`).

use crate::facts::Facts;
use crate::facts::authenticators::Authenticators;
use crate::facts::text::Path;

/// The provider that is built into ssh.
pub const INTERNAL: &str = "internal";
/// HID usage page of FIDO devices (CTAP 2.1 section 11.2.8.1), as a report descriptor's item names it.
const USAGE_PAGE: [u8; 3] = [0x06, 0xd0, 0xf1];

/// What keeps ssh from any authenticator at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    /// The provider's library cannot be loaded: its path and the error's name.
    NoLibrary(Path, String),
    /// None is there.
    NoDevice,
    /// This one is there, and ssh may not open it.
    Closed(Path),
}

/// Whether a HID report descriptor names the usage page of FIDO (HID 1.11 section 6.2.2): read item by item, for data
/// may look like an item.
pub fn speaks_fido(descriptor: &[u8]) -> bool {
    let mut rest = descriptor;
    while let [first, after @ ..] = rest {
        if rest.starts_with(&USAGE_PAGE) {
            return true;
        }
        let size = match first & 3 {
            3 => 4,
            size => usize::from(size),
        };
        // A long item has its size in the next byte.
        let size = if *first == 0xfe { after.first().map_or(0, |size| usize::from(*size) + 2) } else { size };
        rest = after.get(size..).unwrap_or_default();
    }
    false
}

/// What keeps ssh from signing with any authenticator; `None` where one may be there, or nobody looked.
pub fn unreachable(facts: &Facts) -> Option<Unreachable> {
    let authenticators = facts.identities.as_ref().ok()?.authenticators.as_ref()?;
    let provider = authenticators.provider.as_ref()?;
    let Authenticators { library, .. } = authenticators;
    if let Some(Err(error)) = library {
        return Some(Unreachable::NoLibrary(provider.clone(), error.errno.clone()));
    }
    // Another library may reach what this cannot see.
    if provider.as_bytes() != INTERNAL.as_bytes() || !authenticators.readers.is_empty() {
        return None;
    }
    let devices = authenticators.devices.as_ref().ok()?;
    match devices.first() {
        None => Some(Unreachable::NoDevice),
        Some(first) => devices.iter().all(|device| !device.opens).then(|| Unreachable::Closed(first.path.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_page_is_an_item_and_no_data() {
        assert!(speaks_fido(&[0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01]));
        assert!(speaks_fido(&[0x05, 0x01, 0x06, 0xd0, 0xf1]));
        assert!(!speaks_fido(&[0x07, 0x06, 0xd0, 0xf1, 0x00]));
        assert!(!speaks_fido(&[0xfe, 0x03, 0x00, 0x06, 0xd0, 0xf1]));
        for odd in [&[][..], &[0xfe], &[0xfe, 0xff], &[0x07, 0x00], &[0x06, 0xd0]] {
            assert!(!speaks_fido(odd));
        }
    }
}
