//! A line without what a terminal, a web page or a word processor put into it: escape sequences, controls, invisible
//! and typographic characters, HTML.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// The names of elements in whose markup a paste may stand.
const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "body",
    "br",
    "code",
    "div",
    "em",
    "font",
    "head",
    "html",
    "i",
    "li",
    "meta",
    "ol",
    "p",
    "pre",
    "samp",
    "span",
    "strong",
    "style",
    "table",
    "tbody",
    "td",
    "title",
    "tr",
    "tt",
    "ul",
];
/// Elements that end a line where they begin or end.
const LINES: &[&str] = &["blockquote", "br", "div", "li", "p", "pre", "td", "tr"];

/// The line as ssh wrote it, as far as that can be told. What HTML parts into lines is parted by line feeds. `html`:
/// whether the paste has shown itself to be HTML.
pub(super) fn line<'a>(text: &'a str, html: &mut bool) -> Cow<'a, str> {
    let odd = |byte: u8| !(0x20..0x7f).contains(&byte) || byte == b'^' || byte == b'[';
    let text = if text.bytes().any(odd) { Cow::Owned(without_controls(text)) } else { Cow::Borrowed(text) };
    if !text.contains(['<', '&']) {
        return text;
    }
    *html |= element(text.trim_start()).is_some();
    let text = if *html { Cow::Owned(without_tags(&text)) } else { Cow::Owned(without_break(&text).to_owned()) };
    Cow::Owned(unescaped(&text))
}

fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\x1b' | '\u{241b}' => sequence(&mut rest),
            '\u{9b}' => control_sequence(&mut rest),
            // As `cat -v` and some editors show it.
            '^' if is_colour(&rest, "[[") => {
                rest.next();
                rest.next();
                control_sequence(&mut rest);
            }
            // What is left of a colour where the escape itself was lost.
            '[' if is_colour(&rest, "") => control_sequence(&mut rest),
            '\x08' => {
                out.pop();
            }
            '\t' => out.push('\t'),
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => out.push(' '),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {}
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' => out.push('\''),
            '\u{201c}'..='\u{201f}' => out.push('"'),
            '\u{2010}'..='\u{2013}' => out.push('-'),
            '\u{2026}' => out.push_str("..."),
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// Whether a sequence of colours follows, behind `before`: numbers, semicolons and an m or K.
fn is_colour(rest: &Peekable<Chars<'_>>, before: &str) -> bool {
    let mut ahead = rest.clone();
    if !before.chars().all(|wanted| ahead.next() == Some(wanted)) {
        return false;
    }
    let mut digits = 0;
    for character in ahead.take(16) {
        match character {
            '0'..='9' | ';' => digits += 1,
            'm' => return digits > 0 || !before.is_empty(),
            'K' => return !before.is_empty(),
            _ => return false,
        }
    }
    false
}

/// What follows an escape (ECMA-48): a control sequence, a string with its end, or one more character.
fn sequence(rest: &mut Peekable<Chars<'_>>) {
    match rest.next() {
        Some('[') => control_sequence(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(character) = rest.next() {
                if character == '\x07' || (character == '\x1b' && rest.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            rest.next();
        }
        _ => {}
    }
}

fn control_sequence(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|character| ('\x20'..='\x3f').contains(character)).is_some() {}
    rest.next_if(|character| ('\x40'..='\x7e').contains(character));
}

/// The element whose tag the text begins with, and the tag's length.
fn element(text: &str) -> Option<(&'static str, usize)> {
    let inner = text.strip_prefix('<')?;
    if inner.starts_with("!DOCTYPE") || inner.starts_with("!doctype") {
        return Some(("html", text.find('>')? + 1));
    }
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let end = inner.find(|letter: char| !letter.is_ascii_alphanumeric())?;
    let name = ELEMENTS.iter().find(|name| name.eq_ignore_ascii_case(&inner[..end]))?;
    matches!(inner.as_bytes()[end], b'>' | b' ' | b'/').then_some(())?;
    Some((name, text.find('>')? + 1))
}

fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((name, length)) = element(rest) {
            if LINES.contains(&name) {
                out.push('\n');
            }
            rest = &rest[length..];
        } else {
            out.push('<');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// A line of a page that was copied in part ends with its break.
fn without_break(text: &str) -> &str {
    let text = text.trim_end();
    ["<br>", "<br/>", "<br />"].iter().find_map(|tag| text.strip_suffix(tag)).unwrap_or(text)
}

/// Character references taken back, once. None of them makes a new line.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((character, length)) = reference(rest) {
            out.push(character);
            rest = &rest[length..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(10).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" | "ldquo" | "rdquo" => '"',
        "apos" | "lsquo" | "rsquo" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
            let code = hexadecimal.unwrap_or_else(|| number.parse()).ok()?;
            char::from_u32(code).filter(|character| !character.is_control() && *character != '\u{a0}').unwrap_or(' ')
        }
    };
    Some((character, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        line(text, &mut false).into_owned()
    }

    #[test]
    fn escape_sequences_are_taken_out_whole() {
        let rows = [
            ("\x1b[0;31mdebug1: a\x1b[0m", "debug1: a"),
            ("\x1b]0;user@host: ~\x07$ ssh web1", "$ ssh web1"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(B\x1b[mdebug1: a\x1b[K", "debug1: a"),
            ("^[[31mPermission denied^[[0m", "Permission denied"),
            ("[31mPermission denied[0m", "Permission denied"),
            ("\u{241b}[1mbold\u{241b}[22m", "bold"),
            ("sssh\x08\x08\x08\x08ssh web1\x07", "ssh web1"),
            ("\x1b[", ""),
            ("\x1b", ""),
            ("[fe80::1%eth0]:22", "[fe80::1%eth0]:22"),
            ("sshd[12]: [preauth]", "sshd[12]: [preauth]"),
            ("2^[3]", "2^[3]"),
        ];
        for (text, wanted) in rows {
            assert_eq!(cleaned(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_a_word_processor_makes_of_it_is_taken_back() {
        let text = "Permissions\u{a0}0644 for \u{2018}/home/a/.ssh/id_rsa\u{2019} are\u{ad} too open\u{2026}\u{200b}";
        assert_eq!(cleaned(text), "Permissions 0644 for '/home/a/.ssh/id_rsa' are too open...");
        assert_eq!(cleaned("ssh \u{2013}vvv \u{201c}a\u{201d}"), "ssh -vvv \"a\"");
        assert_eq!(cleaned("/home/jürgen/.ssh"), "/home/jürgen/.ssh");
    }

    #[test]
    fn html_is_read_as_a_browser_would_show_it() {
        let mut html = false;
        assert_eq!(line("<pre><span class=\"x\">debug1: a</span><br>debug1: b", &mut html), "\ndebug1: a\ndebug1: b");
        assert!(html);
        assert_eq!(line("MAC: &lt;implicit&gt; &#39;x&#x27; &amp;lt;&nbsp;", &mut html), "MAC: <implicit> 'x' &lt; ");
        assert_eq!(cleaned("Permission denied (publickey).<br />"), "Permission denied (publickey).");
    }

    #[test]
    fn outside_a_page_a_tag_is_text_and_nothing_makes_a_new_line() {
        let forged = "Nov 25 02:00:00 web1 sshd[1]: Invalid user a<br>Nov from 192.0.2.1 port 9";
        assert_eq!(cleaned(forged), forged);
        assert_eq!(cleaned("Invalid user a&#10;b&#x0d;c"), "Invalid user a b c");
        let extension = "debug1: kex_ext_info_client_parse: server-sig-algs=<ssh-ed25519,ssh-rsa>";
        assert_eq!(line(extension, &mut true), extension);
        assert_eq!(line("debug1: kex: server->client MAC: <implicit> x", &mut true).matches('\n').count(), 0);
    }
}
