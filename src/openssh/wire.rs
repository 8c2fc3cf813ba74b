//! The data types of RFC 4251 section 5, read from bytes that anybody may have written, and written.
//!
//! Every reader is total: what is not there is `None`, and nothing is allocated before it was seen.

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes as they stand.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    /// A `byte`.
    pub fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    /// A `uint32`.
    pub fn uint32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// A `uint64`.
    pub fn uint64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.bytes(8)?.try_into().ok()?))
    }

    /// A `string`; a length beyond what is left reads as missing, and nothing is consumed.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let length = usize::try_from(ahead.uint32()?).ok()?;
        let string = ahead.bytes(length)?;
        *self = ahead;
        Some(string)
    }

    /// A `string` that is UTF-8.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }
}

/// Appends `bytes` as a `string`. Longer ones than a `uint32` can tell are left out whole.
pub fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let Ok(length) = u32::try_from(bytes.len()) else { return };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_reads_as_missing() {
        for bytes in [&b""[..], b"\0\0", b"\0\0\0\x01", b"\xff\xff\xff\xff", b"\xff\xff\xff\xffabc"] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.string(), None, "{bytes:?}");
            assert_eq!(reader.rest(), bytes, "nothing is consumed");
        }
    }

    #[test]
    fn what_is_put_can_be_read() {
        let mut bytes = Vec::new();
        put_string(&mut bytes, b"ssh-ed25519");
        put_string(&mut bytes, b"");
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.text(), Some("ssh-ed25519"));
        assert_eq!(reader.string(), Some(&b""[..]));
        assert!(reader.is_empty());
    }
}
