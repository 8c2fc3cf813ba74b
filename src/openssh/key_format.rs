//! The formats of a private key file, from its first bytes and its last line (PROTOCOL.key, authfile.c, sshkey.c
//! `sshkey_parse_private_fileblob_type`, `private2_uudecode`).
//!
//! Nothing behind the public half is needed: the header says how long the file must be. A defect is listed only where
//! ssh refuses the file because of it. What ssh demands depends on the format: of its own one it takes neither a byte
//! before the BEGIN line nor another last byte than a line feed after the END line, where libcrypto's reader of PEM
//! minds neither.

use data_encoding::BASE64;

use super::public_key;
use super::wire::Reader;
use crate::facts::identities::{Defect, FileStat, KeyFormat, PrivateFile};
use crate::facts::text::ServerText;

/// Bytes to begin with: the BEGIN line of OpenSSH's own format, and not one byte of a key in any other.
pub const FIRST_BYTES: usize = 36;
/// How far a BEGIN line is looked for, and how long a header may be.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// How far text may stand before a BEGIN line.
const SCAN_LIMIT: usize = 4096;
/// Small enough that a step which ends behind a BEGIN line has passed no more than DER's outermost header.
const SCAN_STEP: usize = 28;
/// Longest label that is looked for.
const LABEL_LIMIT: usize = 64;
const FIRST_LINE_LIMIT: usize = 80;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const BEGIN: &[u8] = b"-----BEGIN ";
const OPENSSH: &str = "OPENSSH PRIVATE KEY";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// What could be said from the bytes seen so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The file as far as it was seen.
    pub file: PrivateFile,
    /// How many bytes from the beginning would tell more; `None` where the beginning has told all.
    pub wants_head: Option<usize>,
    /// How many bytes from the end hold the END line and nothing before its line feed; 0 where there is none to expect.
    pub wants_tail: usize,
}

/// What a file of `size` bytes is that begins with `head` and ends with `tail` (`None` where it was not read yet).
pub fn parse(size: u64, head: &[u8], tail: Option<&[u8]>) -> Parsed {
    let seen = Seen { size: usize::try_from(size).unwrap_or(usize::MAX), head, tail };
    if is_utf16(head) {
        return seen.utf16();
    }
    match seen.block() {
        Search::Found(block) if block.label == OPENSSH => seen.openssh(block),
        Search::Found(block) => seen.pem(block),
        Search::ReadOn(wanted) if !is_other_format(head) => seen.read_on(wanted),
        _ => seen.without_block(),
    }
}

/// Whether ssh takes a private key file with this owner and mode (authfile.c `sshkey_perm_ok`): it minds only the
/// files of the account `uid` that it runs as.
pub const fn perm_ok(stat: &FileStat, uid: u32) -> bool {
    let others = stat.mode & 0o077;
    stat.uid != uid || others == 0
}

/// What the file is whose bytes `read` gives (position, count; fewer only at the file's end; `None` where reading
/// failed, which ends it). It is asked for nothing behind the public half but the END line.
pub fn examine(size: u64, mut read: impl FnMut(u64, usize) -> Option<Vec<u8>>) -> Option<PrivateFile> {
    let mut head = read(0, FIRST_BYTES)?;
    loop {
        let parsed = parse(size, &head, None);
        let Some(wanted) = parsed.wants_head.filter(|wanted| *wanted > head.len()) else {
            if parsed.wants_tail == 0 {
                return Some(parsed.file);
            }
            let from = size.saturating_sub(u64::try_from(parsed.wants_tail).ok()?);
            let tail = read(from, parsed.wants_tail)?;
            return Some(parse(size, &head, Some(&tail)).file);
        };
        let more = read(u64::try_from(head.len()).ok()?, wanted - head.len())?;
        if more.is_empty() {
            // It has become shorter while it was read.
            return Some(parse(u64::try_from(head.len()).ok()?, &head, None).file);
        }
        head.extend_from_slice(&more);
    }
}

/// The bytes at hand.
#[derive(Clone, Copy)]
struct Seen<'a> {
    size: usize,
    head: &'a [u8],
    tail: Option<&'a [u8]>,
}

/// A BEGIN line.
#[derive(Clone, Copy)]
struct Block<'a> {
    /// Where it begins.
    start: usize,
    /// What stands behind its last dash.
    body: usize,
    label: &'a str,
}

enum Search<'a> {
    Found(Block<'a>),
    ReadOn(usize),
    Nothing,
}

impl<'a> Seen<'a> {
    fn whole(&self) -> bool {
        self.head.len() >= self.size
    }

    /// How far to read on for `more` bytes; `None` where the file or the limit ends first.
    fn on(&self, more: usize) -> Option<usize> {
        let wanted = self.head.len() + more.max(1);
        (!self.whole() && wanted <= HEAD_LIMIT).then(|| wanted.min(self.size))
    }

    /// The first block that is labelled a private key, else the first block.
    fn block(&self) -> Search<'a> {
        let mut first = None;
        let mut from = 0;
        while let Some(start) = find(&self.head[from..], BEGIN).map(|at| from + at) {
            let label_at = start + BEGIN.len();
            let rest = &self.head[label_at..];
            let Some(end) = find(rest, b"-----") else {
                if rest.len() < LABEL_LIMIT
                    && let Some(wanted) = self.on((OPENSSH.len() + 5).saturating_sub(rest.len()))
                {
                    return Search::ReadOn(wanted);
                }
                break;
            };
            from = label_at + end;
            let Some(label) = std::str::from_utf8(&rest[..end]).ok().filter(|label| is_label(label)) else { continue };
            let block = Block { start, body: label_at + end + 5, label };
            if label.ends_with("PRIVATE KEY") {
                return Search::Found(block);
            }
            first.get_or_insert(block);
        }
        if self.head.len() < SCAN_LIMIT
            && let Some(wanted) = self.on(SCAN_STEP)
        {
            return Search::ReadOn(wanted);
        }
        first.map_or(Search::Nothing, Search::Found)
    }

    /// The END line that belongs to `label`, from the last bytes.
    fn end(&self, label: &str) -> Option<EndLine> {
        let tail = self.tail?;
        // The window may cut the first dashes where more than a line feed follows the last ones.
        let line = format!("\n-----END {label}-----");
        let mark = &line["\n-----".len()..];
        let Some(at) = find(tail, mark.as_bytes()) else {
            let begun = (6..line.len()).any(|length| tail.ends_with(&line.as_bytes()[..length]));
            return Some(if begun { EndLine::Cut } else { EndLine::Absent });
        };
        let before = &tail[..at];
        let dashes = before.iter().rev().take_while(|byte| **byte == b'-').count();
        let cut = dashes == before.len();
        let at_line_start =
            before.len().checked_sub(6).is_none_or(|position| matches!(before[position], b'\n' | b'\r'));
        if (!cut && dashes != 5) || dashes > 5 || !at_line_start {
            return Some(EndLine::Broken);
        }
        Some(match &tail[at + mark.len()..] {
            [] => EndLine::NoLineFeed,
            [b'\n', ..] => EndLine::Sound,
            [b'\r', ..] => EndLine::CarriageReturn,
            _ => EndLine::Followed,
        })
    }

    fn read_on(&self, wanted: usize) -> Parsed {
        Parsed { wants_head: Some(wanted), ..self.without_block() }
    }

    fn parsed(format: KeyFormat) -> Parsed {
        let file = PrivateFile { format, encrypted: None, public: None, defects: Vec::new(), first_line: None };
        Parsed { file, wants_head: None, wants_tail: 0 }
    }

    /// Two bytes a character: neither ssh nor libcrypto finds a BEGIN line in it.
    fn utf16(&self) -> Parsed {
        let narrow: Vec<u8> = self.head.iter().copied().filter(|byte| !matches!(byte, 0 | 0xfe | 0xff)).collect();
        let format = match (Seen { size: narrow.len(), head: &narrow, tail: None }).block() {
            Search::Found(block) if block.label == OPENSSH => KeyFormat::OpenSsh,
            Search::Found(block) => KeyFormat::Pem(block.label.to_owned()),
            _ => KeyFormat::Other,
        };
        let mut parsed = Self::parsed(format);
        parsed.file.defects.push(Defect::Utf16);
        parsed.wants_head = (self.head.len() < 80).then(|| self.on(80 - self.head.len())).flatten();
        parsed
    }

    fn without_block(&self) -> Parsed {
        let text = self.head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(self.head);
        if text.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            return Self::parsed(if self.whole() { KeyFormat::Empty } else { KeyFormat::Other });
        }
        if let Some(version) = ppk_version(text) {
            let mut parsed = Self::parsed(KeyFormat::Ppk(version));
            let complete = text.split(|byte| *byte == b'\n').nth(2).is_some() || self.whole();
            let cipher = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Encryption:"));
            parsed.file.encrypted = cipher.filter(|_| complete).map(|cipher| cipher.trim_ascii() != b"none");
            let wanted = (!complete && self.head.len() < SCAN_LIMIT).then(|| self.on(SCAN_STEP));
            parsed.wants_head = wanted.flatten();
            return parsed;
        }
        if is_public_key(text) {
            return Self::parsed(KeyFormat::PublicKey);
        }
        let mut parsed = Self::parsed(KeyFormat::Other);
        let line = self.head.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.trim_ascii().is_empty());
        parsed.file.first_line = line
            .filter(|line| !may_be_secret(line))
            .map(|line| ServerText::new(&line[..line.len().min(FIRST_LINE_LIMIT)]));
        parsed
    }

    fn pem(&self, block: Block<'_>) -> Parsed {
        let mut parsed = Self::parsed(KeyFormat::Pem(block.label.to_owned()));
        if !block.label.ends_with("PRIVATE KEY") {
            return parsed;
        }
        let file = &mut parsed.file;
        parsed.wants_tail = tail_length(block.label);
        let before = &self.head[..block.start];
        if !before.is_empty() && before != BYTE_ORDER_MARK && !before.ends_with(b"\n") {
            file.defects.push(Defect::LeadingText);
        }
        let body = &self.head[block.body..];
        // Eight characters hold the outermost length of DER, and nothing of a key.
        let Some(lines) = after_begin(body, false).filter(|lines| lines.text.len() >= 8 || self.whole()) else {
            parsed.wants_head = self.on(9_usize.saturating_sub(body.len()));
            return parsed;
        };
        if let Some(defect) = lines.defect.filter(|defect| *defect != Defect::CarriageReturns || !lines.has_line_feed) {
            file.defects.push(defect);
            return parsed;
        }
        if lines.text.starts_with(b"Proc-Typ") {
            // "Proc-Type: 4,ENCRYPTED" (RFC 1421 section 4.6.1.1).
            if lines.text.len() < 22 && !self.whole() {
                parsed.wants_head = self.on(22 - lines.text.len());
                return parsed;
            }
            file.encrypted = Some(find(lines.text, b"ENCRYPTED").is_some());
        } else {
            file.encrypted = Some(block.label.starts_with("ENCRYPTED"));
        }
        let Some(end) = self.end(block.label) else { return parsed };
        let expected = der_length(lines.text).map(|length| length.div_ceil(3) * 4);
        if end == EndLine::Broken {
            file.defects.push(Defect::NoEndLine);
        } else if let Some(defect) = expected.and_then(|characters| self.length_defect(block, characters, None, end)) {
            file.defects.push(defect);
        } else if expected.is_none() && end == EndLine::Cut {
            file.defects.push(Defect::NoEndLine);
        }
        parsed
    }

    fn openssh(&self, block: Block<'_>) -> Parsed {
        let mut parsed = Self::parsed(KeyFormat::OpenSsh);
        parsed.wants_tail = tail_length(block.label);
        let file = &mut parsed.file;
        let before = &self.head[..block.start];
        let (marked, before) = match before.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (true, rest),
            None => (false, before),
        };
        file.defects.extend(marked.then_some(Defect::ByteOrderMark));
        file.defects.extend((!before.is_empty()).then_some(Defect::LeadingText));
        let Some(lines) = after_begin(&self.head[block.body..], true) else {
            parsed.wants_head = self.on(1);
            return parsed;
        };
        file.defects.extend(lines.defect);
        let characters = Characters::of(lines.text);
        let mut expected = None;
        match header(&characters.decoded) {
            Header::Complete { cipher, public, length } => {
                file.encrypted = Some(cipher != "none");
                file.public = public_key::from_blob(public, b"");
                expected = Some(length.div_ceil(3).saturating_mul(4));
            }
            Header::Needs(bytes) if !characters.ended => {
                let more = (bytes.div_ceil(3) * 4).saturating_sub(characters.count);
                parsed.wants_head = self.on(more);
                if parsed.wants_head.is_none() && self.whole() {
                    file.defects.push(Defect::Truncated);
                }
            }
            Header::Needs(_) if characters.at_dash => file.defects.push(Defect::Truncated),
            Header::Needs(_) | Header::Bad => file.defects.push(Defect::BadEncoding),
        }
        let Some(end) = self.end(block.label) else { return parsed };
        let one_line = file.defects.contains(&Defect::OneLine);
        let short = expected.and_then(|count| self.length_defect(block, count, characters.width, end));
        if let Some(defect) = short.filter(|_| !one_line) {
            file.defects.push(defect);
        }
        let last = match end {
            EndLine::Broken | EndLine::Followed => Some(Defect::NoEndLine),
            EndLine::NoLineFeed => Some(Defect::NoFinalNewline),
            EndLine::CarriageReturn => Some(Defect::CarriageReturns),
            EndLine::Sound | EndLine::Absent | EndLine::Cut => None,
        };
        if let Some(defect) = last.filter(|defect| !one_line && !file.defects.contains(defect)) {
            file.defects.push(defect);
        }
        parsed
    }

    /// Whether there is room for `characters` of base64 between BEGIN and END. Where the END line is not at the end,
    /// it may stand before some trailing text, which ssh does not mind.
    fn length_defect(&self, block: Block<'_>, characters: usize, width: Option<usize>, end: EndLine) -> Option<Defect> {
        let behind_begin = self.size.checked_sub(block.body + 1)?;
        let end_line = "-----END -----".len() + block.label.len();
        if !matches!(end, EndLine::Absent | EndLine::Cut) {
            return (behind_begin < characters.saturating_add(end_line)).then_some(Defect::Truncated);
        }
        if behind_begin < characters {
            return Some(Defect::Truncated);
        }
        if end == EndLine::Cut {
            return Some(Defect::NoEndLine);
        }
        let line_feeds = width.map_or(1, |width| characters.div_ceil(width.max(1)));
        // With lines as wide as the first, the END line would fill the file to its end.
        (behind_begin <= characters.saturating_add(line_feeds + end_line + 1)).then_some(Defect::NoEndLine)
    }
}

/// How a block ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndLine {
    /// As it should.
    Sound,
    /// Not among the last bytes.
    Absent,
    /// Begun, and then the file ends.
    Cut,
    /// Not at the beginning of a line, or without its dashes.
    Broken,
    /// A carriage return follows.
    CarriageReturn,
    /// Nothing follows.
    NoLineFeed,
    /// Something else follows in the same line.
    Followed,
}

/// What follows a BEGIN line.
struct Lines<'a> {
    text: &'a [u8],
    defect: Option<Defect>,
    has_line_feed: bool,
}

/// `None` where too little was read to tell how the BEGIN line ends. libcrypto cuts blanks off the ends of lines; ssh
/// does not.
fn after_begin(body: &[u8], strict: bool) -> Option<Lines<'_>> {
    let blanks = body.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let (text, defect, has_line_feed) = match &body[blanks..] {
        [] | [b'\r'] => return None,
        [b'\n', text @ ..] => (text, (strict && blanks > 0).then_some(Defect::BadEncoding), true),
        [b'\r', b'\n', text @ ..] => (text, Some(Defect::CarriageReturns), true),
        [b'\r', text @ ..] => (text, Some(Defect::CarriageReturns), false),
        text => (text, Some(Defect::OneLine), false),
    };
    Some(Lines { text, defect, has_line_feed })
}

/// The base64 in a text, as far as it goes.
struct Characters {
    count: usize,
    decoded: Vec<u8>,
    /// The length of the first line, where its end was seen.
    width: Option<usize>,
    /// Whether something else than base64 came.
    ended: bool,
    /// Whether that was a dash.
    at_dash: bool,
}

impl Characters {
    fn of(text: &[u8]) -> Self {
        let mut characters = Vec::with_capacity(text.len());
        let mut width = None;
        let mut ended_by = None;
        for byte in text {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => characters.push(*byte),
                b'\n' if width.is_none() && !characters.is_empty() => width = Some(characters.len()),
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {}
                other => {
                    ended_by = Some(*other);
                    break;
                }
            }
        }
        let groups = characters.len() / 4 * 4;
        let decoded = BASE64.decode(&characters[..groups]).unwrap_or_default();
        let (ended, at_dash) = (ended_by.is_some(), ended_by == Some(b'-'));
        Self { count: characters.len(), decoded, width, ended, at_dash }
    }
}

enum Header<'a> {
    /// Cipher, public half, and the length of everything decoded.
    Complete { cipher: &'a str, public: &'a [u8], length: usize },
    /// So many bytes must be decoded to see more.
    Needs(usize),
    /// It is none.
    Bad,
}

/// PROTOCOL.key section 1, up to the length of the private section.
fn header(decoded: &[u8]) -> Header<'_> {
    let common = decoded.len().min(MAGIC.len());
    if decoded[..common] != MAGIC[..common] {
        return Header::Bad;
    }
    let mut reader = Reader::new(&decoded[common..]);
    let mut strings: [&[u8]; 4] = [&[]; 4];
    // The shortest header: two names "none", no options, one key, its length.
    let mut least = 43;
    for (index, limit) in [64, 64, 1024, 32 * 1024].into_iter().enumerate() {
        if index == 3 {
            match reader.uint32() {
                Some(1) => {}
                Some(_) => return Header::Bad,
                None => return Header::Needs(least),
            }
        }
        let before = decoded.len() - reader.rest().len();
        let mut ahead = reader;
        let Some(length) = ahead.uint32() else { return Header::Needs(least.max(before + 4)) };
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= limit) else { return Header::Bad };
        // Behind each string stand at least the lengths of the others, and of the private section.
        least = least.max(before + 4 + length + 4);
        let Some(string) = reader.string() else { return Header::Needs(least) };
        strings[index] = string;
    }
    let offset = decoded.len() - reader.rest().len();
    let Some(private) = reader.uint32() else { return Header::Needs(offset + 4) };
    let Ok(cipher) = std::str::from_utf8(strings[0]) else { return Header::Bad };
    let tag = if cipher.contains("gcm") || cipher.starts_with("chacha20-poly1305") { 16 } else { 0 };
    let private = usize::try_from(private).unwrap_or(usize::MAX);
    Header::Complete { cipher, public: strings[3], length: private.saturating_add(offset + 4 + tag) }
}

/// The length of the outermost DER element, its own header included.
fn der_length(text: &[u8]) -> Option<usize> {
    let characters: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(8).collect();
    let bytes = BASE64.decode(&characters).ok()?;
    match bytes.as_slice() {
        [0x30, short @ 0..=0x7f, ..] => Some(usize::from(*short) + 2),
        [0x30, 0x81, length, ..] => Some(usize::from(*length) + 3),
        [0x30, 0x82, high, low, ..] => Some((usize::from(*high) << 8 | usize::from(*low)) + 4),
        _ => None,
    }
}

/// The length of the END line with the line feeds before and after it.
const fn tail_length(label: &str) -> usize {
    "\n-----END -----\n".len() + label.len()
}

fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(b"\xff\xfe")
        || head.starts_with(b"\xfe\xff")
        || head.starts_with(b"-\0-\0")
        || head.starts_with(b"\0-\0-")
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_LIMIT).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// Whether the first bytes alone name a format that has no block.
fn is_other_format(head: &[u8]) -> bool {
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    ppk_version(text).is_some() || is_public_key(text)
}

fn ppk_version(text: &[u8]) -> Option<u32> {
    let rest = text.strip_prefix(b"PuTTY-User-Key-File-")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits.min(4)]).ok()?.parse().ok()
}

/// Whether it begins as a public key's line or as an RFC 4716 block does.
fn is_public_key(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    if text.starts_with(b"---- BEGIN SSH2 PUBLIC KEY") {
        return true;
    }
    let name = text.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let types: [&[u8]; 8] =
        [b"ssh-rsa", b"ssh-dss", b"ssh-ed25519", b"ssh-ed448", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"ssh-xmss"];
    name.len() < text.len() && types.iter().any(|start| name.starts_with(start))
}

/// Whether a line could be a piece of a key whose BEGIN line was lost.
fn may_be_secret(line: &[u8]) -> bool {
    let encoded = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    line.split(|byte| !encoded(byte)).any(|word| word.len() >= 24)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, runs};

    /// What is told of `bytes`, and the last position that was read from the beginning.
    fn examined(bytes: &[u8]) -> (PrivateFile, usize) {
        let mut furthest = 0;
        let file = examine(bytes.len() as u64, |from, count| {
            let from = usize::try_from(from).unwrap().min(bytes.len());
            let to = (from + count).min(bytes.len());
            if from == 0 || from == furthest {
                furthest = to;
            } else {
                assert!(bytes.len() - from <= 45, "the tail is the END line, not {} bytes", bytes.len() - from);
            }
            Some(bytes[from..to].to_vec())
        });
        (file.unwrap(), furthest)
    }

    fn kinds(folder: &Folder) -> Vec<(&'static str, Vec<u8>)> {
        let rows: &[(&str, &[&str])] = &[
            ("ed25519", &["-t", "ed25519"]),
            ("rsa", &["-t", "rsa", "-b", "2048"]),
            ("rsa4096", &["-t", "rsa", "-b", "4096"]),
            ("ecdsa", &["-t", "ecdsa"]),
            ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
            ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
            ("ecdsa-pem", &["-t", "ecdsa", "-m", "PEM"]),
            ("ecdsa-pkcs8", &["-t", "ecdsa", "-m", "PKCS8"]),
            ("dsa-pem", &["-t", "dsa", "-m", "PEM"]),
        ];
        rows.iter().map(|(name, options)| (*name, std::fs::read(folder.key(name, options)).unwrap())).collect()
    }

    /// Files made of a good one, by name. `None`: whether it is seen without reading the key is left open.
    fn variants(good: &[u8]) -> Vec<(&'static str, Vec<u8>, Option<Defect>)> {
        use Defect::{
            ByteOrderMark, CarriageReturns, LeadingText, NoEndLine, NoFinalNewline, OneLine, Truncated, Utf16,
        };
        let text = String::from_utf8(good.to_vec()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (begin, end) = (lines[0], lines[lines.len() - 1]);
        let inner = &lines[1..lines.len() - 1];
        let wrapped = |width: usize| {
            let body = inner.concat();
            let body: Vec<&str> =
                body.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("{begin}\n{}\n{end}\n", body.join("\n"))
        };
        let each = |before: &str, after: &str| {
            let body: Vec<String> = inner.iter().map(|line| format!("{before}{line}{after}\n")).collect();
            format!("{begin}\n{}{end}\n", body.concat())
        };
        let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let mut rows: Vec<(&'static str, Vec<u8>, Option<Defect>)> = vec![("UTF-16", utf16, Some(Utf16))];
        let texts: Vec<(&'static str, String, Option<Defect>)> = vec![
            ("good", text.clone(), None),
            ("CR LF", text.replace('\n', "\r\n"), Some(CarriageReturns)),
            ("CR LF inside", each("", "\r"), None),
            ("CR alone", text.replace('\n', "\r"), Some(CarriageReturns)),
            ("no final newline", text.trim_end().to_owned(), Some(NoFinalNewline)),
            ("a blank behind END", format!("{} \n", text.trim_end()), Some(NoEndLine)),
            ("CR behind END", format!("{}\r\n", text.trim_end()), Some(CarriageReturns)),
            ("CR behind BEGIN", text.replacen('\n', "\r\n", 1), Some(CarriageReturns)),
            ("a blank behind BEGIN", text.replacen('\n', " \n", 1), Some(Defect::BadEncoding)),
            ("an empty line first", format!("\n{text}"), Some(LeadingText)),
            ("a blank first", format!(" {text}"), Some(LeadingText)),
            ("words first", format!("here it is:\n{text}"), Some(LeadingText)),
            ("many words first", format!("{}{text}", "Bag Attributes: none at all\n".repeat(30)), Some(LeadingText)),
            ("byte order mark", format!("\u{feff}{text}"), Some(ByteOrderMark)),
            ("empty lines last", format!("{text}\n\n"), None),
            ("words last", format!("{text}that was it\n"), None),
            ("many words last", format!("{text}{}", "that was it\n".repeat(30)), None),
            ("NUL last", format!("{text}\0\0"), None),
            ("one line", text.replace('\n', ""), Some(OneLine)),
            ("one line, blanks", text.replace('\n', " "), Some(OneLine)),
            ("\\n for line feeds", text.trim_end().replace('\n', "\\n"), Some(OneLine)),
            ("base64 in one line", wrapped(100_000), None),
            ("base64 in lines of 64", wrapped(64), None),
            ("base64 in lines of 76", wrapped(76), None),
            ("base64 in lines of 10", wrapped(10), None),
            ("base64 in lines of 300", wrapped(300), None),
            ("everything indented", format!("  {}\n", lines.join("\n  ")), Some(LeadingText)),
            ("base64 indented", each("  ", ""), None),
            ("base64 in tabs", each("\t", "\t"), None),
            ("cut in the middle", text[..text.len() / 2].to_owned(), Some(Truncated)),
            (
                "the last line cut",
                format!("{begin}\n{}\n{end}\n", inner[..inner.len() - 2].join("\n")),
                Some(Truncated),
            ),
            ("no END line", format!("{begin}\n{}\n", inner.join("\n")), Some(NoEndLine)),
            ("half an END line", text[..text.len() - 9].to_owned(), Some(NoEndLine)),
            ("another END line", text.replace("-----END ", "-----AND "), Some(NoEndLine)),
            ("END joined", text.replace("\n-----END", "-----END"), Some(NoEndLine)),
            ("quoted", format!("> {}\n", lines.join("\n> ")), Some(LeadingText)),
        ];
        rows.extend(texts.into_iter().map(|(name, text, defect)| (name, text.into_bytes(), defect)));
        rows
    }

    #[test]
    fn a_defect_is_told_exactly_where_ssh_keygen_refuses_the_file() {
        let folder = Folder::new();
        for (kind, good) in kinds(&folder) {
            for (name, bytes, defect) in variants(&good) {
                let path = folder.file("variant", &bytes);
                let taken =
                    runs("ssh-keygen", &["-y", "-P", "", "-f", path.to_str().unwrap()].map(std::ffi::OsStr::new));
                let (file, _) = examined(&bytes);
                // Another word in place of END: without the width of PEM's lines it could be text behind the block.
                if matches!(file.format, KeyFormat::Pem(_)) && name == "another END line" {
                    assert!(!taken);
                    continue;
                }
                assert_eq!(file.defects.is_empty(), taken, "{kind}, {name}: {:?}", file.defects);
                if !taken {
                    assert_eq!(file.defects.first(), defect.as_ref(), "{kind}, {name}: {:?}", file.defects);
                }
            }
        }
    }

    #[test]
    fn nothing_behind_the_public_half_is_read() {
        let folder = Folder::new();
        for (kind, good) in kinds(&folder) {
            let (file, furthest) = examined(&good);
            let begin = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let base64: Vec<u8> = good[begin..furthest].iter().copied().filter(|byte| *byte != b'\n').collect();
            if let KeyFormat::Pem(_) = file.format {
                assert!(base64.len() <= 8, "{kind}: {}", base64.len());
                assert_eq!(file.public, None);
                continue;
            }
            let public = file.public.unwrap();
            let beside = std::fs::read(folder.path(&format!("{kind}.pub"))).unwrap();
            assert_eq!(public.blob, public_key::from_line(&beside).unwrap().blob);
            // Magic, "none", "none", "", one key, the public half, the length of the private section; and a group more.
            let header = MAGIC.len() + 8 + 8 + 4 + 4 + 4 + public.blob.0.len() + 4;
            assert!(base64.len() / 4 * 3 <= header + 2, "{kind}: {} of {header}", base64.len() / 4 * 3);
        }
    }

    #[test]
    fn encryption_is_told_in_every_format() {
        let folder = Folder::new();
        let rows: &[(&[&str], KeyFormat, bool)] = &[
            (&["-t", "ed25519"], KeyFormat::OpenSsh, false),
            (&["-t", "ed25519", "-N", "geheim"], KeyFormat::OpenSsh, true),
            (&["-t", "ed25519", "-N", "geheim", "-Z", "aes256-gcm@openssh.com"], KeyFormat::OpenSsh, true),
            (
                &["-t", "rsa", "-b", "4096", "-N", "geheim", "-Z", "chacha20-poly1305@openssh.com"],
                KeyFormat::OpenSsh,
                true,
            ),
            (&["-t", "rsa", "-m", "PEM"], KeyFormat::Pem("RSA PRIVATE KEY".into()), false),
            (&["-t", "rsa", "-m", "PEM", "-N", "geheim"], KeyFormat::Pem("RSA PRIVATE KEY".into()), true),
            (&["-t", "ecdsa", "-m", "PEM", "-N", "geheim"], KeyFormat::Pem("EC PRIVATE KEY".into()), true),
            (&["-t", "ecdsa", "-m", "PKCS8"], KeyFormat::Pem("PRIVATE KEY".into()), false),
            (&["-t", "ecdsa", "-m", "PKCS8", "-N", "geheim"], KeyFormat::Pem("ENCRYPTED PRIVATE KEY".into()), true),
            (&["-t", "dsa", "-m", "PEM"], KeyFormat::Pem("DSA PRIVATE KEY".into()), false),
        ];
        for (number, (options, format, encrypted)) in rows.iter().enumerate() {
            let (file, _) = examined(&std::fs::read(folder.key(&format!("key{number}"), options)).unwrap());
            assert_eq!((&file.format, file.encrypted), (format, Some(*encrypted)), "{options:?}");
            assert_eq!(file.defects, [], "{options:?}");
        }
    }

    #[test]
    fn what_is_no_private_key_is_told_apart() {
        let many = [b"plain words\n".repeat(2000), b"-----BEGIN OPENSSH PRIVATE KEY-----\n".to_vec()].concat();
        let rows: &[(&[u8], KeyFormat)] = &[
            (b"", KeyFormat::Empty),
            (b"\n \r\n", KeyFormat::Empty),
            (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me@host\n", KeyFormat::PublicKey),
            (b"ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA", KeyFormat::PublicKey),
            (b"---- BEGIN SSH2 PUBLIC KEY ----\nComment: x\n", KeyFormat::PublicKey),
            (b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n", KeyFormat::Ppk(3)),
            (b"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: aes256-cbc\n", KeyFormat::Ppk(2)),
            (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", KeyFormat::Pem("CERTIFICATE".into())),
            (b"Host *\n  User root\n", KeyFormat::Other),
            (b"\xff\xd8\xff\xe0 a picture", KeyFormat::Other),
            (b"-----BEGIN \xff\x00-----\n", KeyFormat::Other),
            (b"-----BEGIN OPENSSH", KeyFormat::Other),
            (&many, KeyFormat::Other),
        ];
        for (bytes, format) in rows {
            let (file, furthest) = examined(bytes);
            assert_eq!(&file.format, format, "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
            assert!(furthest <= SCAN_LIMIT + SCAN_STEP);
        }
        assert_eq!(examined(rows[5].0).0.encrypted, Some(false));
        assert_eq!(examined(rows[6].0).0.encrypted, Some(true));
        assert_eq!(examined(b"Host *\n").0.first_line, Some("Host *".into()));
        assert_eq!(examined(b"MHcCAQEEIOPdQxDr3EwzU0kZ7N8oL3lVtbT4\n").0.first_line, None, "it may be a secret");
    }

    #[test]
    fn no_bytes_make_it_panic_or_read_without_end() {
        let folder = Folder::new();
        for (kind, good) in kinds(&folder) {
            for end in (0..good.len()).step_by(7) {
                let _ = examined(&good[..end]);
            }
            for at in 0..good.len().min(250) {
                for other in [0, b'-', b'\n', b'A', 0xff] {
                    let mut odd = good.clone();
                    odd[at] = other;
                    let mut asked = 0;
                    let _ = examine(odd.len() as u64, |from, count| {
                        asked += 1;
                        assert!(asked < 400, "{kind}: byte {at} is {other}");
                        let from = usize::try_from(from).unwrap();
                        Some(odd[from..(from + count).min(odd.len())].to_vec())
                    });
                }
            }
        }
        // A header that promises more than there can be.
        for promise in [u32::MAX, 0x7fff_ffff, 1025, 65] {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&promise.to_be_bytes());
            bytes.extend_from_slice(&[b'a'; 200]);
            let text = format!(
                "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
                BASE64.encode(&bytes)
            );
            assert_eq!(examined(text.as_bytes()).0.defects, [Defect::BadEncoding]);
        }
    }

    #[test]
    fn only_ones_own_files_must_be_closed_to_others() {
        use crate::facts::identities::FileKind;
        let stat = |mode, uid| FileStat {
            kind: FileKind::Regular,
            mode,
            uid,
            gid: 0,
            size_bytes: 1,
            modified: None,
            link_to: None,
        };
        for (mode, uid, runs_as, taken) in
            [(0o600, 5, 5, true), (0o644, 5, 5, false), (0o610, 5, 5, false), (0o644, 5, 0, true), (0o400, 0, 0, true)]
        {
            assert_eq!(perm_ok(&stat(mode, uid), runs_as), taken, "{mode:o}");
        }
    }
}
