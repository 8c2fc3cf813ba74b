//! Bytes as somebody pasted or saved them, to clean lines: whatever the encoding, colours, quoting, numbering or time
//! stamps that a mail program, a terminal or a CI put around what ssh and sshd wrote. Streams, in constant memory.
//!
//! What is taken off is taken off only where a line that is known comes to light: a log line that no rule knows stays
//! as it was. Past the first mebibyte plain lines go through untouched, which is what makes a large log fast.

mod clean;
mod kind;
mod peel;
mod prompt;

use std::fmt;

pub(super) use peel::peel;
pub(super) use prompt::{behind_prompt, command};

/// How much of a line is kept.
const LONGEST_LINE: usize = 8 << 10;
/// How much of a line is kept that is a JSON object, or ends with one: it may hold a whole transcript.
const LONGEST_OBJECT: usize = 1 << 20;
/// How much of a paste is read with every rule, in bytes; nobody folds or quotes more than this.
const CAREFUL: u64 = 1 << 20;
/// How many bytes decide what a paste is made of.
const HEAD: usize = 512;
/// No program folds lines that are shorter than this, in characters.
const NARROWEST: usize = 70;
/// Columns of terminals, which cut a line in the middle of a word.
const TERMINALS: &[usize] = &[80, 100, 120, 132, 160];

/// Takes a line and its 1-based number in the file.
pub(super) type Sink<'a> = dyn FnMut(u64, &str) + 'a;

/// Why a file is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotText {
    /// What it is instead, and what makes text of it: a clause.
    what: &'static str,
    /// The 1-based line of the first byte that is none of a text.
    line: u64,
    /// The 0-based offset of that byte in the file.
    offset: u64,
}

impl fmt::Display for NotText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (line {}, byte {})", self.what, self.line, self.offset)
    }
}

impl std::error::Error for NotText {}

/// How the characters of a paste are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Encoding {
    /// UTF-8, or anything that has ASCII in it.
    #[default]
    Bytes,
    /// UTF-16 with the low byte first, as PowerShell's `>` writes it.
    Utf16Le,
    /// UTF-16 with the high byte first.
    Utf16Be,
}

/// A line that the next one may belong to.
#[derive(Debug)]
struct Held {
    /// The number of its first part.
    number: u64,
    /// The line so far.
    text: String,
    /// The length in characters of its last part, as that stood in the paste.
    columns: usize,
    /// Whether that part ended with a blank.
    blank: bool,
}

/// A paste that is being read.
pub(super) struct Paste<'a> {
    known: &'a dyn Fn(&str) -> bool,
    head: Option<Vec<u8>>,
    encoding: Encoding,
    /// What is left of a character of UTF-16: a byte, and the first half of a pair.
    half: Option<u8>,
    pair: Option<u16>,
    pending: Vec<u8>,
    overlong: bool,
    after_return: bool,
    number: u64,
    read: u64,
    html: bool,
    held: Option<Held>,
    /// The last column at which a line had a blank: whoever folds lines leaves none behind his own last column.
    widest: usize,
    peeled: u64,
    cut: u64,
}

impl fmt::Debug for Paste<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Paste").field("number", &self.number).field("cut", &self.cut).finish_non_exhaustive()
    }
}

impl<'a> Paste<'a> {
    /// A paste of which nothing has been read. `known`: whether a line is one that ssh, sshd or another tool prints.
    pub(super) fn new(known: &'a dyn Fn(&str) -> bool) -> Self {
        Self {
            known,
            head: Some(Vec::new()),
            encoding: Encoding::Bytes,
            half: None,
            pair: None,
            pending: Vec::new(),
            overlong: false,
            after_return: false,
            number: 0,
            read: 0,
            html: false,
            held: None,
            widest: 0,
            peeled: 0,
            cut: 0,
        }
    }

    /// Lines that were longer than what is kept of one.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Reads on.
    ///
    /// # Errors
    /// Where the file is no text.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), NotText> {
        let Some(head) = &mut self.head else {
            self.decode(bytes, sink);
            return Ok(());
        };
        head.extend_from_slice(bytes);
        if head.len() >= HEAD { self.begin(sink) } else { Ok(()) }
    }

    /// Reads the end, where the last line need not be finished.
    ///
    /// # Errors
    /// Where the file is no text.
    pub(super) fn end(&mut self, sink: &mut Sink<'_>) -> Result<(), NotText> {
        if self.head.is_some() {
            self.begin(sink)?;
        }
        if !self.pending.is_empty() {
            self.line_ends(&[], sink);
        }
        self.flush(sink);
        Ok(())
    }

    /// What the paste is made of, from its first bytes.
    fn begin(&mut self, sink: &mut Sink<'_>) -> Result<(), NotText> {
        let head = self.head.take().unwrap_or_default();
        let (encoding, skip) = match head.as_slice() {
            [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Bytes, 3),
            _ => (kind::encoding(&head), 0),
        };
        self.encoding = encoding;
        if encoding == Encoding::Bytes {
            kind::is_text(&head)?;
        }
        self.decode(&head[skip..], sink);
        Ok(())
    }

    fn decode(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        if self.encoding == Encoding::Bytes {
            self.lines_of(bytes, sink);
            return;
        }
        let mut text = String::with_capacity(bytes.len());
        for byte in bytes {
            let Some(first) = self.half.take() else {
                self.half = Some(*byte);
                continue;
            };
            let unit = match self.encoding {
                Encoding::Utf16Be => u16::from_be_bytes([first, *byte]),
                _ => u16::from_le_bytes([first, *byte]),
            };
            if (0xd800..0xdc00).contains(&unit) {
                self.pair = Some(unit);
                continue;
            }
            let units = self.pair.take().into_iter().chain([unit]);
            text.extend(char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        self.lines_of(text.as_bytes(), sink);
    }

    /// Finds the ends of lines: a line feed, or a carriage return where no line feed follows.
    fn lines_of(&mut self, mut bytes: &[u8], sink: &mut Sink<'_>) {
        self.read = self.read.saturating_add(bytes.len() as u64);
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) {
                match bytes[0] {
                    b'\n' => {
                        bytes = &bytes[1..];
                        continue;
                    }
                    // `script` keeps what a terminal in raw mode gets: CR CR LF.
                    b'\r' => {
                        self.after_return = true;
                        bytes = &bytes[1..];
                        continue;
                    }
                    _ => {}
                }
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else {
                self.append(bytes);
                return;
            };
            self.after_return = bytes[end] == b'\r';
            self.line_ends(&bytes[..end], sink);
            bytes = &bytes[end + 1..];
        }
    }

    /// Keeps the beginning of a line whose end has not come.
    fn append(&mut self, part: &[u8]) {
        let most = if self.pending.is_empty() { longest(part) } else { longest(&self.pending) };
        let room = most.saturating_sub(self.pending.len());
        self.overlong |= part.len() > room;
        self.pending.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn line_ends(&mut self, last: &[u8], sink: &mut Sink<'_>) {
        self.number = self.number.saturating_add(1);
        if self.pending.is_empty() && last.len() <= LONGEST_LINE {
            self.line(last, sink);
            return;
        }
        self.append(last);
        self.cut += u64::from(std::mem::take(&mut self.overlong));
        let mut line = std::mem::take(&mut self.pending);
        self.line(&line, sink);
        line.clear();
        line.shrink_to(LONGEST_LINE);
        self.pending = line;
    }

    /// One line as it stands in the file.
    fn line(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        // A file whose lines all wear something is a wrapped one to its end.
        let careful = self.read <= CAREFUL || self.peeled > self.number / 2;
        if !careful
            && kind::is_plain(bytes)
            && peel::is_bare(bytes)
            && let Ok(text) = str::from_utf8(bytes)
        {
            self.flush(sink);
            sink(self.number, text);
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = clean::line(&text, &mut self.html);
        for part in text.split('\n') {
            self.part(part, sink);
        }
    }

    /// A line without what made it look nice.
    fn part(&mut self, raw: &str, sink: &mut Sink<'_>) {
        let text = raw.trim_end();
        if text.is_empty() || peel::is_fence(text) {
            self.flush(sink);
            return;
        }
        let line = peel(text, self.known);
        self.peeled += u64::from(line.len() < text.len());
        let columns = text.chars().count();
        let blank = raw.len() > text.len();
        if let Some(joined) = self.joined(line) {
            if let Some(held) = &mut self.held {
                (held.text, held.columns, held.blank) = (joined, columns, blank);
            }
            return;
        }
        self.flush(sink);
        let last = text.rfind(' ').map_or(0, |at| text[..at].chars().count());
        self.widest = self.widest.max(last);
        self.held = Some(Held { number: self.number, text: line.to_owned(), columns, blank });
    }

    /// The line that is held with `next` behind it, where that was one line before it was folded: the first word did
    /// not fit behind it, and what is there now is no line of its own.
    fn joined(&self, next: &str) -> Option<String> {
        let held = self.held.as_ref()?;
        let first = next.split(' ').next().unwrap_or_default().chars().count();
        let full = held.columns + 1 + first > self.widest.max(NARROWEST);
        let in_a_word = TERMINALS.contains(&held.columns) && !held.blank;
        // Whoever ends a sentence has said what he says.
        let ended = !in_a_word && held.text.ends_with(['.', '!', '?']);
        let marks: &[&str] = if in_a_word { &["=== "] } else { &["=", "- ", "--", "# ", "$ ", "[", "{", "<", "* "] };
        let begins = marks.iter().any(|mark| next.starts_with(mark)) || command(next).is_some();
        if !full || ended || begins || held.text.len() + next.len() > LONGEST_LINE || (self.known)(next) {
            return None;
        }
        let between = if in_a_word { "" } else { " " };
        let joined = format!("{}{between}{next}", held.text);
        ((self.known)(&held.text) || (self.known)(&joined)).then_some(joined)
    }

    fn flush(&mut self, sink: &mut Sink<'_>) {
        if let Some(held) = self.held.take() {
            sink(held.number, &held.text);
        }
    }
}

/// How much of the line is kept that begins like this.
fn longest(line: &[u8]) -> usize {
    let head = &line[..line.len().min(HEAD)];
    let object =
        head.first() == Some(&b'{') || head.windows(4).any(|four| matches!(four, b"=> {" | b"\"msg" | b", b'"));
    if object { LONGEST_OBJECT } else { LONGEST_LINE }
}

#[cfg(test)]
mod tests;
