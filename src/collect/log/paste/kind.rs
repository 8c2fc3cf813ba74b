//! What a file is made of, from its first bytes: text and in which encoding, or something else.

use super::{Encoding, NotText};

/// How the files begin that somebody may take for a log, and what makes text of them.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "it is compressed by gzip: `gzip -dc FILE | sshdoctor log -`"),
    (b"BZh", "it is compressed by bzip2: `bzip2 -dc FILE | sshdoctor log -`"),
    (b"\xfd7zXZ\0", "it is compressed by xz: `xz -dc FILE | sshdoctor log -`"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd: `zstd -dc FILE | sshdoctor log -`"),
    (b"PK\x03\x04", "it is a zip archive, or a document in one: save its text"),
    (b"LPKSHHRH", "it is a journal of systemd: `journalctl --file FILE | sshdoctor log -`"),
    (b"ElfFile\0", "it is an event log of Windows: save it as text"),
    (b"\x7fELF", "it is a program, no text"),
    (b"MZ\x90", "it is a program, no text"),
    (b"%PDF-", "it is a PDF document: copy its text"),
    (b"\x89PNG", "it is a picture: what ssh printed is needed as text"),
    (b"\xff\xd8\xff", "it is a picture: what ssh printed is needed as text"),
    (b"GIF8", "it is a picture: what ssh printed is needed as text"),
    (b"\xd0\xcf\x11\xe0", "it is a document of an office program: save its text"),
    (b"{\\rtf", "it is a document in RTF: save its text"),
    (b"\xd4\xc3\xb2\xa1", "it is a capture of packets, which shows nothing of what is encrypted"),
    (b"\x0a\x0d\x0d\x0a", "it is a capture of packets, which shows nothing of what is encrypted"),
    (b"SQLite format 3\0", "it is a database, no text"),
    (b"openssh-key-v1\0", "it is a private key: keep it to yourself"),
];

/// UTF-16 without a byte order mark has a NUL in every other place wherever it has ASCII.
pub(super) fn encoding(head: &[u8]) -> Encoding {
    let nuls = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (nuls(0), nuls(1), head.len() / 2);
    match (even, odd) {
        _ if half < 2 => Encoding::Bytes,
        (0..=2, _) if odd * 10 > half * 7 => Encoding::Utf16Le,
        (_, 0..=2) if even * 10 > half * 7 => Encoding::Utf16Be,
        _ => Encoding::Bytes,
    }
}

/// Whether the bytes are the beginning of a text. NULs alone are none of its faults: a log that a crash cut has them.
pub(super) fn is_text(head: &[u8]) -> Result<(), NotText> {
    let at = |what: &'static str, offset: usize| {
        let line = 1 + memchr::memchr_iter(b'\n', &head[..offset]).count() as u64;
        Err(NotText { what, line, offset: offset as u64 })
    };
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return at(what, 0);
    }
    let is_odd = |byte: &u8| *byte < 0x20 && !matches!(byte, 0 | 0x07..=0x0d | 0x1b);
    let odd = head.iter().filter(|byte| is_odd(byte)).count();
    let only_nuls = !head.is_empty() && head.iter().all(|byte| *byte == 0);
    if odd * 20 > head.len() || only_nuls {
        let first = head.iter().position(|byte| is_odd(byte) || *byte == 0).unwrap_or_default();
        return at("it is no text: it is full of bytes that no text has", first);
    }
    Ok(())
}

/// Whether each byte is of a line that nothing was done to: printable ASCII without what HTML and colours need.
pub(super) fn is_plain(line: &[u8]) -> bool {
    let odd = |byte: u8| !(0x20..0x7f).contains(&byte) || byte == b'&' || byte == b'<';
    // It looks at every byte, whatever the first ones are: a loop without a way out is as fast as the memory.
    line.iter().fold(0_u8, |seen, byte| seen | u8::from(odd(*byte))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_named_with_what_makes_text_of_it() {
        let rows: [(&[u8], &str, u64); 4] = [
            (b"\x1f\x8b\x08\0\0", "gzip -dc", 0),
            (b"LPKSHHRH\0\0", "journalctl --file", 0),
            (b"a\nb\x01\x02\x03\x04", "no text", 3),
            (b"\0\0\0\0\0", "no text", 0),
        ];
        for (bytes, words, offset) in rows {
            let found = is_text(bytes).unwrap_err();
            assert!(found.what.contains(words), "{found}");
            assert_eq!(found.offset, offset, "{found}");
        }
        assert_eq!(is_text(b"a\nb\x01\x02\x03\x04").unwrap_err().line, 2);
        for text in [&b""[..], b"plain", b"\x1b[31mred\x1b[0m\n", b"gr\xc3\xb6\xc3\x9fe", b"caf\xe9", b"a log\0\0\0\0"]
        {
            assert_eq!(is_text(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn utf_16_is_seen_without_its_mark() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        assert_eq!(encoding(&wide("debug1: Reading configuration data")), Encoding::Utf16Le);
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        assert_eq!(encoding(&big("debug1: Größe ist alles")), Encoding::Utf16Be);
        assert_eq!(encoding(b"debug1: Reading\0\0\0\0"), Encoding::Bytes);
        assert_eq!(encoding(b""), Encoding::Bytes);
    }
}
