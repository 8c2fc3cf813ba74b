//! The data types of the wire (RFC 4251 section 5): reading them from bytes that anybody may have sent, and writing them.

use crate::facts::text::escape;

/// Names of one name-list that are kept; more than this is nobody's honest list.
const MAX_NAMES: usize = 256;
/// Bytes of one name that are kept. RFC 4251 section 6 allows 64.
const MAX_NAME: usize = 128;

/// Reads one value after the other; every read is `None` once the bytes do not suffice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// `byte`.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// `boolean`: anything but 0 is true.
    pub(crate) fn boolean(&mut self) -> Option<bool> {
        Some(self.byte()? != 0)
    }

    /// `uint32`.
    pub(crate) fn uint32(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*first))
    }

    /// `string`, as bytes.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let mut rest = *self;
        let length = usize::try_from(rest.uint32()?).ok()?;
        let (string, after) = rest.0.split_at_checked(length)?;
        self.0 = after;
        Some(string)
    }

    /// `name-list`; names are kept in their escaped form, which is the same for every name that RFC 4251 allows.
    pub(crate) fn names(&mut self) -> Option<Vec<String>> {
        let list = self.string()?;
        if list.is_empty() {
            return Some(Vec::new());
        }
        let names = list.split(|byte| *byte == b',').take(MAX_NAMES);
        Some(names.map(|name| escape(&name[..name.len().min(MAX_NAME)])).collect())
    }

    /// Steps over `count` bytes.
    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }
}

/// Appends a `uint32`.
pub(crate) fn put_uint32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a `string`. Nothing of this program is longer than a `uint32` can say.
pub(crate) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint32(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

/// Appends an `mpint` from the bytes of an unsigned number.
pub(crate) fn put_mpint(out: &mut Vec<u8>, number: &[u8]) {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    let padded = number.first().is_some_and(|byte| byte & 0x80 != 0);
    put_uint32(out, u32::try_from(number.len() + usize::from(padded)).unwrap_or(u32::MAX));
    if padded {
        out.push(0);
    }
    out.extend_from_slice(number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_reads_nothing() {
        let mut reader = Reader(&[0, 0, 0, 5, b'a']);
        assert_eq!(reader.string(), None);
        assert_eq!(Reader(&[0xff, 0xff, 0xff, 0xff]).string(), None);
        assert_eq!(Reader(&[0, 0]).uint32(), None);
    }

    #[test]
    fn an_mpint_is_written_as_the_rfc_shows() {
        let written = |number: &[u8]| {
            let mut out = Vec::new();
            put_mpint(&mut out, number);
            out
        };
        assert_eq!(written(&[]), [0, 0, 0, 0]);
        assert_eq!(written(&[0, 0x80]), [0, 0, 0, 2, 0, 0x80]);
        assert_eq!(written(&[0, 0, 0x12]), [0, 0, 0, 1, 0x12]);
    }

    #[test]
    fn names_that_a_terminal_would_obey_are_escaped() {
        let mut list = Vec::new();
        put_string(&mut list, b"publickey,\x1b[31m");
        assert_eq!(Reader(&list).names(), Some(vec!["publickey".to_owned(), "\\x1b[31m".to_owned()]));
    }
}
