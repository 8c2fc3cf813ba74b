//! What may stand in output that people and terminals read: lines of text, and sshdoctor's own colours in one format.

/// Bytes that a terminal would obey: a colour that sshdoctor never uses, a window title, a carriage return, a
/// backspace, C1 controls in both encodings, bidi overrides, a NUL, Latin-1.
pub(crate) const HOSTILE: &[u8] =
    b"\x1b[5;35;7mred\x1b[0m\x1b]0;owned\x07\rover\x08\x9b31m\xc2\x9b32m\xe2\x80\xae\xe2\x81\xa6txt.exe\xe2\x80\x8f\0\x7f\xe4\xff|```\n# end";

/// The marker of [`HOSTILE`] that must never appear as such, in colour or out of it.
const FOREIGN_COLOUR: &str = "\u{1b}[5;35;7m";

/// The same without line feed, carriage return and NUL, for places that end at one of them or where ssh takes none.
pub(crate) fn hostile_word() -> Vec<u8> {
    HOSTILE.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r' | 0)).collect()
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Format {
    Text,
    Markdown,
    Json,
}

impl Format {
    /// The word for `--format`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
        }
    }
}

/// Fails where `output` holds what must not reach a terminal.
pub(crate) fn assert_clean(output: &[u8], colours: bool, what: &str) {
    let text = match std::str::from_utf8(output) {
        Ok(text) => text,
        Err(error) => panic!("{what} is not UTF-8: {error}: {}", String::from_utf8_lossy(output).escape_debug()),
    };
    assert!(!text.contains(FOREIGN_COLOUR), "{what} carries a colour of the server's: {}", text.escape_debug());
    assert!(!text.lines().any(|line| line.starts_with("# end")), "{what} was broken out of: {}", text.escape_debug());
    let plain = if colours { without_colours(text) } else { text.to_owned() };
    if let Some(place) = plain.find(is_dangerous) {
        let from = plain[..place].char_indices().rev().nth(60).map_or(0, |(index, _)| index);
        let shown: String = plain[from..].chars().take(120).collect();
        panic!("{what} carries a raw control character: {}", shown.escape_debug());
    }
}

/// Controls but the line feed, and everything that changes the order in which text is shown.
fn is_dangerous(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Takes out `ESC [ digits and semicolons m`, and nothing else.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find("\u{1b}[") {
        let parameters = &rest[place + 2..];
        let length = parameters.find(|character: char| !character.is_ascii_digit() && character != ';');
        plain.push_str(&rest[..place]);
        match length {
            Some(length) if parameters[length..].starts_with('m') => rest = &parameters[length + 1..],
            _ => {
                plain.push('\u{1b}');
                rest = &rest[place + 1..];
            }
        }
    }
    plain + rest
}

#[test]
fn a_colour_is_taken_out_and_any_other_sequence_stays() {
    assert_eq!(without_colours("\u{1b}[1;31mno\u{1b}[0m"), "no");
    assert_eq!(without_colours("\u{1b}[2J\u{1b}]0;x"), "\u{1b}[2J\u{1b}]0;x");
}
