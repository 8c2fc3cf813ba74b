//! What a transport needs of RFC 4251 section 5 beside [`crate::openssh::wire`]: booleans, name-lists, numbers.

pub(crate) use crate::openssh::wire::{Reader, put_string};

use crate::facts::text::escape;

/// Names of one name-list that are kept; more than this is nobody's honest list.
const MAX_NAMES: usize = 256;
/// Bytes of one name that are kept. RFC 4251 section 6 allows 64.
const MAX_NAME: usize = 128;

/// A `boolean`: anything but 0 is true.
pub(crate) fn boolean(reader: &mut Reader<'_>) -> Option<bool> {
    Some(reader.byte()? != 0)
}

/// A `name-list`; names are kept in their escaped form, which is the same for every name that RFC 4251 allows.
pub(crate) fn names(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let list = reader.string()?;
    if list.is_empty() {
        return Some(Vec::new());
    }
    let names = list.split(|byte| *byte == b',').take(MAX_NAMES);
    Some(names.map(|name| escape(&name[..name.len().min(MAX_NAME)])).collect())
}

/// Appends a `uint32`.
pub(crate) fn put_uint32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
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
        assert_eq!(names(&mut Reader::new(&list)), Some(vec!["publickey".to_owned(), "\\x1b[31m".to_owned()]));
    }
}
