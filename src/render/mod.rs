//! How a report looks: bytes; nothing is decided here.
//!
//! Every format goes through `guarded`: whatever came from outside was escaped when it became text, and this is the
//! last door at which nothing that a terminal would obey or hide may pass.

mod explain;
mod json;
mod markdown;
mod terminal;
mod words;

pub use explain::{Proof, catalogue, catalogue_page, explain};
pub use json::json;
pub use markdown::{brief, markdown};
pub use terminal::{Style, text};

use crate::facts::text::escape;

/// The text with every character that a terminal would obey or hide as `\xNN`. Line feeds are escaped as well; what is
/// escaped already stays as it is.
fn guarded(text: &str) -> String {
    let mut buffer = [0; 4];
    // One by one, because an escape that stands in the text is none to be escaped once more.
    text.chars().map(|character| escape(character.encode_utf8(&mut buffer).as_bytes())).collect()
}

/// The words of `text` in lines of at most `first` and `others` characters; a longer word is parted behind its commas,
/// and what is longer still has a line of its own.
fn wrap(text: &str, first: usize, others: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let parts: Vec<&str> =
            if word.chars().count() > others { word.split_inclusive(',').collect() } else { vec![word] };
        for (index, part) in parts.into_iter().enumerate() {
            let width = part.chars().count();
            let blank = usize::from(index == 0 && length > 0);
            let room = if lines.is_empty() { first } else { others };
            if length > 0 && length + blank + width > room {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if index == 0 && length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(part);
            length += width;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod sample;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_a_long_one_stands_alone() {
        assert_eq!(wrap("ab cd  ef", 5, 5), ["ab cd", "ef"]);
        assert_eq!(wrap("abcdefgh ij", 4, 2), ["abcdefgh", "ij"]);
        assert_eq!(wrap("", 4, 4), [""]);
        assert_eq!(wrap("a: bcd,efg,hijklmn op", 8, 8), ["a: bcd,", "efg,", "hijklmn", "op"]);
    }

    #[test]
    fn what_is_escaped_already_is_not_escaped_again() {
        assert_eq!(guarded("a\\x1b[31m"), "a\\x1b[31m");
        assert_eq!(guarded("a\x1b[31m\nb"), "a\\x1b[31m\\x0ab");
        assert_eq!(guarded("größe \u{202e}"), "größe \\xe2\\x80\\xae");
    }
}
