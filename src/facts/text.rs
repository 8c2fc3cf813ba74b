//! Text that came from outside, by kind: what names a person, a host, an address, a path, a comment or a key.
//!
//! Every such text is a [`Text`] of its kind from the moment it is read. It holds any bytes, and both its
//! `Display` and its serialised form are the same *escaped* form: printable UTF-8 as it is, everything else
//! (controls, bidirectional and other invisible characters, bytes that are no UTF-8, and a backslash that
//! would read as an escape) as `\xNN` for each byte. So nothing raw reaches a terminal, and nothing is lost.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A login or account name.
pub type User = Text<kind::User>;
/// A host name, alias or address as somebody typed or configured it.
pub type Host = Text<kind::Host>;
/// A network address (without port) as it was used.
pub type Address = Text<kind::Address>;
/// A path of the file system; any bytes but NUL.
pub type Path = Text<kind::Path>;
/// The comment of a key.
pub type Comment = Text<kind::Comment>;
/// A key's fingerprint as ssh-keygen -l prints it, `SHA256:` and unpadded base64.
pub type Fingerprint = Text<kind::Fingerprint>;
/// The name of a group of accounts.
pub type GroupName = Text<kind::Group>;
/// Any other words of a server, an agent or a program: banners, reasons, error messages.
pub type ServerText = Text<kind::Server>;

/// The kinds of text, as types without values.
pub mod kind {
    /// A kind by its name.
    pub trait Kind {
        /// The name under which a text of this kind is serialised; formats that have no types of their own leave it out.
        const NAME: &'static str;
    }

    /// See [`super::User`].
    #[derive(Debug)]
    pub enum User {}

    impl Kind for User {
        const NAME: &'static str = "User";
    }

    /// See [`super::Host`].
    #[derive(Debug)]
    pub enum Host {}

    impl Kind for Host {
        const NAME: &'static str = "Host";
    }

    /// See [`super::Address`].
    #[derive(Debug)]
    pub enum Address {}

    impl Kind for Address {
        const NAME: &'static str = "Address";
    }

    /// See [`super::Path`].
    #[derive(Debug)]
    pub enum Path {}

    impl Kind for Path {
        const NAME: &'static str = "Path";
    }

    /// See [`super::Comment`].
    #[derive(Debug)]
    pub enum Comment {}

    impl Kind for Comment {
        const NAME: &'static str = "Comment";
    }

    /// See [`super::Fingerprint`].
    #[derive(Debug)]
    pub enum Fingerprint {}

    impl Kind for Fingerprint {
        const NAME: &'static str = "Fingerprint";
    }

    /// See [`super::GroupName`].
    #[derive(Debug)]
    pub enum Group {}

    impl Kind for Group {
        const NAME: &'static str = "Group";
    }

    /// See [`super::ServerText`].
    #[derive(Debug)]
    pub enum Server {}

    impl Kind for Server {
        const NAME: &'static str = "Server";
    }
}

/// Bytes from outside, of the kind `K`.
pub struct Text<K> {
    bytes: Vec<u8>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Text<K> {
    /// The text with these bytes, unchanged.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), kind: PhantomData }
    }

    /// The bytes as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text where it is UTF-8, else `None`.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The escaped form, cut after `limit` characters with `…` where it was longer.
    pub fn shortened(&self, limit: usize) -> String {
        let escaped = self.to_string();
        match escaped.char_indices().nth(limit) {
            Some((at, _)) => format!("{}…", &escaped[..at]),
            None => escaped,
        }
    }
}

impl Text<kind::Path> {
    /// Every folder on the way and the path itself, outermost first, without `/`: `/a`, `/a/b` for `/a/b`.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Self> + '_ {
        let ends = (1..=self.bytes.len()).filter(|&end| end == self.bytes.len() || self.bytes[end] == b'/');
        ends.map(|end| Self::new(&self.bytes[..end]))
    }

    /// The path that the standard library understands.
    #[cfg(unix)]
    pub fn to_path_buf(&self) -> std::path::PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        std::ffi::OsStr::from_bytes(&self.bytes).into()
    }

    /// The path that the standard library understands; bytes that are no UTF-8 are replaced.
    #[cfg(not(unix))]
    pub fn to_path_buf(&self) -> std::path::PathBuf {
        String::from_utf8_lossy(&self.bytes).into_owned().into()
    }

    /// The same bytes as the standard library's path.
    #[cfg(unix)]
    pub fn from_path(path: &std::path::Path) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        Self::new(path.as_os_str().as_bytes())
    }

    /// The same text as the standard library's path.
    #[cfg(not(unix))]
    pub fn from_path(path: &std::path::Path) -> Self {
        Self::new(path.to_string_lossy().as_bytes())
    }
}

/// Escapes `bytes` as this module's documentation says.
pub fn escape(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(bytes.len());
    let push_bytes = |out: &mut String, raw: &[u8]| {
        for byte in raw {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        let mut buffer = [0; 4];
        while let Some(character) = characters.next() {
            let reads_as_escape = character == '\\' && characters.peek() == Some(&'x');
            if reads_as_escape || is_invisible(character) {
                push_bytes(&mut out, character.encode_utf8(&mut buffer).as_bytes());
            } else {
                out.push(character);
            }
        }
        push_bytes(&mut out, chunk.invalid());
    }
    out
}

/// Whether a terminal would obey or hide the character instead of showing it.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The bytes that [`escape`] wrote as `text`.
pub fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes[at..].strip_prefix(b"\\x").and_then(|rest| {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        if let Some(byte) = escaped {
            out.push(byte);
            at += 4;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

impl<K> fmt::Display for Text<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&escape(&self.bytes))
    }
}

impl<K> fmt::Debug for Text<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

impl<K> Clone for Text<K> {
    fn clone(&self) -> Self {
        Self::new(self.bytes.clone())
    }
}

impl<K> Default for Text<K> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<K> PartialEq for Text<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<K> Eq for Text<K> {}

impl<K> PartialOrd for Text<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Text<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl<K> Hash for Text<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<K> From<&str> for Text<K> {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl<K> From<String> for Text<K> {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl<K> From<&[u8]> for Text<K> {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl<K> PartialEq<str> for Text<K> {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl<K> PartialEq<&str> for Text<K> {
    fn eq(&self, other: &&str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl<K: kind::Kind> Serialize for Text<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(K::NAME, &escape(&self.bytes))
    }
}

impl<'de, K> Deserialize<'de> for Text<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(unescape(&String::deserialize(deserializer)?)))
    }
}

impl<K> JsonSchema for Text<K> {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Text from outside, any bytes: printable UTF-8 as it is, every other byte as \\xNN."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_the_escaped_form() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&all)), all);
        for text in ["C:\\xfer", "\\x41", "\\\\x41", "plain", "é ü", "\u{202e}evil", ""] {
            assert_eq!(unescape(&escape(text.as_bytes())), text.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_or_hide_is_escaped() {
        assert_eq!(escape(b"\x1b[31mred\n"), "\\x1b[31mred\\x0a");
        assert_eq!(escape("\u{202e}".as_bytes()), "\\xe2\\x80\\xae");
        assert_eq!(escape("größe".as_bytes()), "größe");
        assert_eq!(escape(b"caf\xe9"), "caf\\xe9");
    }

    #[test]
    fn the_steps_of_a_path_are_its_folders_and_itself() {
        let steps = |path: &str| Path::from(path).steps().map(|step| step.to_string()).collect::<Vec<_>>();
        assert_eq!(steps("/a/b c/d"), ["/a", "/a/b c", "/a/b c/d"]);
        assert_eq!(steps("/a"), ["/a"]);
        assert_eq!(steps("/"), ["/"]);
        assert_eq!(steps(""), [""; 0]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(Host::from("größe").shortened(3), "grö…");
        assert_eq!(Host::from("abc").shortened(3), "abc");
    }
}
