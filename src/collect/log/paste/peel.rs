//! What stands before a line where somebody quoted, numbered, fenced or stamped it.

/// How many things stand before a line at most.
const MOST: usize = 8;

/// Words that programs put before a line that is not theirs.
const LABELS: &[&str] = &[
    "##[error]",
    "##[debug]",
    "##[warning]",
    "::error::",
    "ERROR:",
    "Error:",
    "error:",
    "ERROR",
    "INFO",
    "WARN",
    "DEBUG",
    "[ERROR]",
    "[INFO]",
    "stderr:",
    "stdout:",
    "Stderr:",
    "output:",
    "msg:",
    "remote:",
    "E:",
    "ssh.exe :",
    "ssh :",
    "scp :",
    "scp.exe :",
    "sftp :",
    "git :",
    "git.exe :",
    "Got error from ssh:",
    "Failed to connect to the host via ssh:",
    "SSH Error: data could not be sent to remote host \"\". Make sure this host can be reached over ssh:",
    "==>",
];

/// The line that is known behind what stands before it; where none is, the line without indentation and marks of
/// quoting, which no program puts there.
pub(in super::super) fn peel<'a>(text: &'a str, known: &dyn Fn(&str) -> bool) -> &'a str {
    let mut rest = text;
    for _ in 0..=MOST {
        if known(rest) {
            return rest;
        }
        match once(rest) {
            Some(less) if !less.is_empty() => rest = less,
            _ => break,
        }
    }
    let mut rest = text;
    while let Some(less) = quoting(rest).filter(|less| !less.is_empty()) {
        rest = less;
    }
    rest
}

/// Whether the line is nothing but the mark of a block: a fence of markdown, a block of a ticket system.
pub(super) fn is_fence(text: &str) -> bool {
    let text = quoting(text).unwrap_or(text);
    let fence = |mark: &str| {
        let rest = text.trim_start_matches(&mark[..1]);
        text.starts_with(mark) && rest.len() < 20 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let block = ["{code", "{noformat", "[code", "[/code", "<code>", "</code>"];
    fence("```") || fence("~~~") || (text.len() < 40 && block.iter().any(|mark| text.starts_with(mark)))
}

/// Whether nothing stands before a line of a log: it begins with a word or an object, or with a stamp, a host and the
/// name of a program, as syslog writes it.
pub(super) fn is_bare(line: &[u8]) -> bool {
    match line.first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'{' => true,
        Some(first) if first.is_ascii_digit() => {
            let mut words = line.splitn(4, |byte| *byte == b' ').skip(1);
            let (host, tag) = (words.next(), words.next());
            host.is_some_and(|host| !host.ends_with(b":")) && tag.is_some_and(|tag| tag.ends_with(b":"))
        }
        _ => false,
    }
}

/// The text behind one thing that may stand before a line.
fn once(text: &str) -> Option<&str> {
    quoting(text)
        .or_else(|| framed(text))
        .or_else(|| labelled(text))
        .or_else(|| stamped(text))
        .or_else(|| numbered(text))
        .or_else(|| bracketed(text))
        .or_else(|| listed(text))
        .or_else(|| named(text))
}

/// Indentation, `> ` of a mail, `| ` of a table or a script of others.
fn quoting(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix(['>', '|', '\u{2502}']).map_or(rest, |rest| rest.strip_prefix(' ').unwrap_or(rest));
    (rest.len() < text.len()).then_some(rest)
}

/// `` `text` ``, `"text"`, `**text**`.
fn framed(text: &str) -> Option<&str> {
    let mark = text.chars().next().filter(|mark| matches!(mark, '`' | '"' | '\'' | '*' | '_'))?;
    let rest = text.trim_start_matches(mark);
    let inner = rest.trim_end_matches([mark, ',']);
    Some(if inner.is_empty() { rest } else { inner })
}

fn labelled(text: &str) -> Option<&str> {
    let rest = LABELS.iter().find_map(|label| text.strip_prefix(label))?;
    // YAML's block of text has a mark of its own.
    let rest = rest.trim_start().trim_start_matches("|-").trim_start_matches(">-");
    Some(rest.trim_start().trim_start_matches(['\'', '"']))
}

/// `12:00:00.123 `, `2026-11-30T12:00:00.1234567Z `, `2026-11-30 12:00:00,123 `, GitLab's `2026-…Z 01E `.
fn stamped(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(' ')?;
    if is_clock(word) {
        return Some(rest);
    }
    let date = word.get(..10).filter(|date| is_date(date))?;
    if word.len() == date.len() {
        let (clock, rest) = rest.split_once(' ')?;
        return is_clock(clock).then_some(rest);
    }
    is_clock(word[10..].strip_prefix('T')?).then_some(())?;
    // GitLab: the stream's number and O or E, + where the line goes on.
    let stream = rest.split_once(' ').filter(|(word, _)| {
        let word = word.trim_end_matches('+');
        word.len() == 3 && word.ends_with(['O', 'E']) && word[..2].bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    Some(stream.map_or(rest, |(_, rest)| rest))
}

fn is_date(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => matches!(byte, b'-' | b'/'),
        _ => byte.is_ascii_digit(),
    })
}

/// `12:00:00`, with a fraction, an offset or Z.
fn is_clock(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8
        && bytes[2] == b':'
        && bytes[5] == b':'
        && bytes[0].is_ascii_digit()
        && bytes.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b',' | b'Z' | b'+' | b'-'))
}

/// `12: `, `12\t`, `12 | `, `  12 `.
fn numbered(text: &str) -> Option<&str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=7).contains(&digits).then_some(())?;
    let rest = text[digits..].trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix([':', '|', '.', ')', '\u{2502}']).unwrap_or(rest);
    (rest.len() < text.len() - digits).then(|| rest.trim_start())
}

/// `[2026-11-30 12:00:00] `, `[web1] `, `<web1> `, `(stderr) `.
fn bracketed(text: &str) -> Option<&str> {
    let close = match text.bytes().next()? {
        b'[' => ']',
        b'<' => '>',
        b'(' => ')',
        _ => return None,
    };
    let (inner, rest) = text[1..].split_once(close)?;
    (inner.len() <= 64).then(|| rest.trim_start_matches([' ', ':']))
}

/// `- text`, `* text`.
fn listed(text: &str) -> Option<&str> {
    ["- ", "* ", "+ ", "\u{2022} ", "\u{2022}"].iter().find_map(|mark| text.strip_prefix(mark)).map(str::trim_start)
}

/// `web_1  | `, `null_resource.x (remote-exec): `, `virtualbox-iso: `, `auth.log:`, `pod/web1 `: a name without blanks,
/// no stamp of syslog before it.
fn named(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once([' ', ':'])?;
    let is_name = name.len() <= 64 && !name.is_empty() && !name.bytes().all(|byte| byte.is_ascii_digit());
    is_name.then_some(())?;
    if text.as_bytes()[name.len()] == b':' {
        // A file's name, as grep puts it; Packer's machine.
        return (name.contains(['.', '/', '-']) && !rest.is_empty()).then(|| rest.trim_start());
    }
    let rest = rest.trim_start();
    if let Some(rest) = rest.strip_prefix('|') {
        return Some(rest.trim_start());
    }
    let rest = rest.strip_prefix('(')?;
    rest.split_once("): ").map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(line: &str) -> bool {
        ["debug1: ", "Permission denied (", "Nov 30 "].iter().any(|begin| line.starts_with(begin))
    }

    #[test]
    fn what_stands_before_a_known_line_is_taken_off() {
        let debug = "debug1: Connecting to web1 [192.0.2.7] port 22.";
        for before in [
            "",
            "> ",
            ">> ",
            "> > ",
            "| ",
            "    ",
            "\t",
            "  12: ",
            "12\t",
            "12 | ",
            "  345  ",
            "12. ",
            "- ",
            "* ",
            "2026-11-30T12:00:00.1234567Z ",
            "2026-11-30T12:00:00.123456Z 01E ",
            "2026-11-30 12:00:00,123 ",
            "12:00:00 ",
            "[2026-11-30T12:00:00.123Z] ",
            "[12:00:00.123] > ",
            "[12:00:00] ",
            "[web1] ",
            "web_1  | ",
            "<web1> ",
            "null_resource.x (remote-exec): ",
            "    virtualbox-iso: ",
            "==> virtualbox-iso: ",
            "##[error]",
            "stderr: ",
            "ssh.exe : ",
            "Failed to connect to the host via ssh: ",
            "  msg: |- ",
            "> 2026-11-30T12:00:00Z   12: ",
            "\u{2502} ",
            "[pod/web1-0/app] 2026-11-30T12:00:00.123456789Z ",
            "[14:02:11.345] Got error from ssh: ",
        ] {
            let line = format!("{before}{debug}");
            assert_eq!(peel(&line, &known), debug, "{line}");
        }
        assert_eq!(peel("`Permission denied (publickey).`", &known), "Permission denied (publickey).");
        assert_eq!(peel("\"Permission denied (publickey).\",", &known), "Permission denied (publickey).");
        assert_eq!(
            peel("/var/log/auth.log:Nov 30 12:00:00 web1 sshd[1]: x", &known),
            "Nov 30 12:00:00 web1 sshd[1]: x"
        );
        assert_eq!(peel("auth.log.1:12:Nov 30 12:00:00 web1 sshd[1]: x", &known), "Nov 30 12:00:00 web1 sshd[1]: x");
    }

    #[test]
    fn where_nothing_known_comes_to_light_the_line_stays() {
        for line in [
            "2026-11-30T12:00:00+00:00 web1 sudo: bob : debug1: x",
            "12: a sentence",
            "[web1] a sentence",
            "Nov 29 12:00:00 web1 httpd[1]: debug1: Authentication succeeded",
            "2026-11-30T12:00:00+00:00 web1 httpd[1]: debug1: Authentication succeeded",
            "2026-11-30T12:00:00+00:00 web1 httpd: debug1: Authentication succeeded",
            "Invalid user debug1: Authentication succeeded from 192.0.2.1 port 9",
            "",
        ] {
            assert_eq!(peel(line, &known), line);
        }
        assert_eq!(peel("> > hello", &known), "hello");
        assert_eq!(peel("  hostname web1", &known), "hostname web1");
    }

    #[test]
    fn fences_and_bare_lines_are_known_as_such() {
        for fence in ["```", "```text", "~~~", "> ```", "{code:bash}", "{noformat}", "[code]", "````"] {
            assert!(is_fence(fence), "{fence}");
        }
        for text in ["```debug1: x```", "~/.ssh/config", "[codec]: x yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"]
        {
            assert!(!is_fence(text), "{text}");
        }
        assert!(is_bare(b"Nov 30 12:00:00 web1 sshd[1]: x"));
        assert!(is_bare(b"2026-11-30T12:00:00.123456+00:00 web1 sshd[1]: x"));
        assert!(is_bare(b"1795572000.123456 web1 sshd-session[1]: x"));
        assert!(!is_bare(b"2026-11-30T12:00:00.1234567Z debug1: Connecting to web1"));
        assert!(!is_bare(b"> debug1: x"));
        assert!(!is_bare(b""));
    }
}
