//! How do strings and numbers stand in the agent's messages? As in RFC 4251 section 5.

/// Appends a `string`: its length and its bytes.
pub(super) fn put_string(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.extend(length.to_be_bytes());
    to.extend(bytes);
}

/// Takes a `uint32` off the front.
pub(super) fn take_u32(from: &mut &[u8]) -> Option<u32> {
    let (number, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(u32::from_be_bytes(*number))
}

/// Takes a `string` off the front.
pub(super) fn take_string<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = *from;
    let length = usize::try_from(take_u32(&mut rest)?).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *from = rest;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_can_be_taken_again() {
        let mut bytes = Vec::new();
        put_string(&mut bytes, b"ssh-ed25519");
        let mut rest = bytes.as_slice();
        assert_eq!(take_string(&mut rest), Some(&b"ssh-ed25519"[..]));
        assert!(rest.is_empty());
    }

    #[test]
    fn a_length_beyond_the_end_takes_nothing() {
        let mut rest = &[0, 0, 0, 9, b'x'][..];
        assert_eq!(take_string(&mut rest), None);
        assert_eq!(rest.len(), 5);
    }
}
