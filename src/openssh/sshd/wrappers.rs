//! Whether libwrap lets a client in, where sshd is built with it as Debian's is (hosts_access(5), hosts_options(5);
//! libwrap's hosts_access.c `hosts_access`, `table_match`, `list_match`, `host_match`, `string_match`, `masked_match`).
//! Names are never looked up here: what rests on one is left open.

use std::net::IpAddr;

use crate::facts::account::TextFile;
use crate::openssh::patterns::match_pattern;

/// Lines from this length on libwrap passes over.
const LONGEST: usize = 8191;

/// A rule of hosts.allow or hosts.deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The file.
    pub file: &'a TextFile,
    /// Its first line, counted from 1.
    pub line: u32,
    /// How many lines it has: a backslash at a line's end joins the next one.
    pub lines: u32,
    /// The whole rule.
    pub text: String,
    /// Its words for clients.
    pub clients: Vec<String>,
}

/// What the two files say of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access<'a> {
    /// It is let in: by this rule, or because none refuses it.
    Granted(Option<Rule<'a>>),
    /// This rule refuses it.
    Refused(Rule<'a>),
    /// This rule rests on what is not known here, and decides.
    Open(Rule<'a>),
}

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    Open,
}

impl From<bool> for Holds {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// What the files of libwrap say of a client of this daemon; `address`: `None` where it is not known.
pub fn access<'a>(files: &'a [TextFile], daemon: &str, address: Option<IpAddr>) -> Access<'a> {
    let mut open = None;
    for (name, by_itself) in [("/etc/hosts.allow", true), ("/etc/hosts.deny", false)] {
        let Some(file) = files.iter().find(|file| file.path.as_bytes() == name.as_bytes()) else { continue };
        for line in rules(file) {
            let holds = match line.daemons.holds(|word| daemon_is(word, daemon)) {
                Holds::No => Holds::No,
                of_daemon => match line.clients.holds(|word| client_is(word, address)) {
                    Holds::Yes => of_daemon,
                    of_client => of_client,
                },
            };
            match (holds, line.grants(by_itself)) {
                (Holds::No, _) => {}
                (Holds::Open, _) | (Holds::Yes, None) => open = open.or(Some(line.rule)),
                (Holds::Yes, Some(granted)) => {
                    return match (open, granted) {
                        (Some(rule), _) => Access::Open(rule),
                        (None, true) => Access::Granted(Some(line.rule)),
                        (None, false) => Access::Refused(line.rule),
                    };
                }
            }
        }
    }
    open.map_or(Access::Granted(None), Access::Open)
}

/// A list of words with its exceptions.
struct List(Vec<String>);

impl List {
    /// hosts_access.c `list_match`: the first word that holds decides, unless what stands behind EXCEPT holds too.
    fn holds(&self, is: impl Fn(&str) -> Holds) -> Holds {
        holds(&self.0, &is)
    }
}

fn holds(words: &[String], is: &impl Fn(&str) -> Holds) -> Holds {
    let except = words.iter().position(|word| word.eq_ignore_ascii_case("EXCEPT"));
    let (named, rest) = match except {
        Some(at) => (&words[..at], Some(&words[at + 1..])),
        None => (words, None),
    };
    let met: Vec<Holds> = named.iter().map(|word| is(word)).collect();
    let met = [Holds::Yes, Holds::Open].into_iter().find(|wanted| met.contains(wanted)).unwrap_or(Holds::No);
    match (met, rest.map_or(Holds::No, |rest| holds(rest, is))) {
        (Holds::No, _) | (_, Holds::Yes) => Holds::No,
        (Holds::Yes, Holds::No) => Holds::Yes,
        _ => Holds::Open,
    }
}

/// A line, taken apart.
struct Line<'a> {
    rule: Rule<'a>,
    daemons: List,
    clients: List,
    options: Vec<String>,
}

impl Line<'_> {
    /// Whether it lets in (hosts_options(5) `allow`, `deny`); `None` where an option decides in another way.
    fn grants(&self, by_itself: bool) -> Option<bool> {
        let mut grants = by_itself;
        for option in &self.options {
            match option.split([' ', '\t', '=']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "allow" => grants = true,
                "deny" => grants = false,
                // These do something beside.
                "" | "spawn" | "severity" | "setenv" | "umask" | "nice" | "keepalive" | "linger" | "banners" => {}
                _ => return None,
            }
        }
        Some(grants)
    }
}

/// hosts_access.c `table_match`, misc.c `xgets`: lines that a backslash joins, without what `#` begins.
fn rules(file: &TextFile) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    let mut joined = String::new();
    let mut begins = 1;
    for (number, line) in (1_u32..).zip(&file.lines) {
        let text = String::from_utf8_lossy(line.as_bytes()).into_owned();
        if joined.is_empty() {
            begins = number;
        }
        if let Some(head) = text.strip_suffix('\\') {
            joined.push_str(head);
            continue;
        }
        joined.push_str(&text);
        let whole = std::mem::take(&mut joined);
        if whole.len() >= LONGEST {
            continue;
        }
        let plain = whole.split('#').next().unwrap_or_default();
        let mut parts = parted(plain).into_iter();
        let (Some(daemons), Some(clients)) = (parts.next(), parts.next()) else { continue };
        let words = |list: &str| -> Vec<String> {
            list.split([',', ' ', '\t', '\r']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let clients = words(&clients);
        let rule =
            Rule { file, line: begins, lines: number + 1 - begins, text: whole.clone(), clients: clients.clone() };
        let options = parts.map(|option| option.trim().to_owned()).collect();
        found.push(Line { rule, daemons: List(words(&daemons)), clients: List(clients), options });
    }
    found
}

/// The parts between colons; those of an IPv6 address in brackets part nothing.
fn parted(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            ':' if !inside => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts
}

/// hosts_access.c `server_match`.
fn daemon_is(word: &str, daemon: &str) -> Holds {
    if let Some((name, _)) = word.split_once('@') {
        // Behind it stands an address of the server's own.
        return if daemon_is(name, daemon) == Holds::No { Holds::No } else { Holds::Open };
    }
    let named = word.eq_ignore_ascii_case("ALL") || word.eq_ignore_ascii_case(daemon);
    (named || word.contains(['*', '?']) && match_pattern(daemon.as_bytes(), word.as_bytes())).into()
}

/// hosts_access.c `client_match`, `host_match`.
fn client_is(word: &str, address: Option<IpAddr>) -> Holds {
    if word.eq_ignore_ascii_case("ALL") {
        return Holds::Yes;
    }
    let Some(address) = address else { return Holds::Open };
    let text = address.to_string();
    let by_name = |word: &str| word.contains(|letter: char| letter.is_ascii_alphabetic() || "@/_".contains(letter));
    if let Some((base, mask)) = word.split_once('/').filter(|(base, _)| !base.is_empty() && !base.contains('@')) {
        return masked(base, mask, address);
    }
    if let Some(inner) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        return inner.parse::<IpAddr>().map_or(Holds::Open, |named| (named == address).into());
    }
    let is = if word.contains(['*', '?']) {
        match_pattern(text.as_bytes(), word.as_bytes())
    } else if word.starts_with('.') {
        text.ends_with(word)
    } else if word.ends_with('.') {
        text.starts_with(word)
    } else {
        word.parse::<IpAddr>().is_ok_and(|named| named == address)
    };
    match (is, by_name(word)) {
        (true, _) => Holds::Yes,
        (false, true) => Holds::Open,
        (false, false) => Holds::No,
    }
}

/// hosts_access.c `masked_match`: the base has to be the network's own address.
fn masked(base: &str, mask: &str, address: IpAddr) -> Holds {
    let (base, six) = match base.strip_prefix('[').and_then(|base| base.strip_suffix(']')) {
        Some(inner) => (inner, true),
        None => (base, false),
    };
    match (base.parse(), address) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address)) if !six => {
            let mask = match (mask.parse::<std::net::Ipv4Addr>(), mask.parse::<u32>()) {
                (Ok(mask), _) => mask.to_bits(),
                (_, Ok(length)) if length <= 32 => u32::MAX.checked_shl(32 - length).unwrap_or(0),
                _ => return Holds::Open,
            };
            (address.to_bits() & mask == base.to_bits()).into()
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address)) if six => match mask.parse::<u32>() {
            Ok(length) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
                ((address.to_bits() ^ base.to_bits()) & mask == 0).into()
            }
            _ => Holds::Open,
        },
        (Ok(_), _) => Holds::No,
        (Err(_), _) => Holds::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.into(), lines: text.lines().map(Into::into).collect(), ..TextFile::default() }
    }

    /// What is said of 192.0.2.100, or of another address.
    fn said(allow: &str, deny: &str, address: &str) -> String {
        let files = [file("/etc/hosts.allow", allow), file("/etc/hosts.deny", deny)];
        match access(&files, "sshd", address.parse().ok()) {
            Access::Granted(None) => "granted".to_owned(),
            Access::Granted(Some(rule)) => format!("granted by {}", rule.line),
            Access::Refused(rule) => format!("refused by {}:{}", rule.file.path, rule.line),
            Access::Open(rule) => format!("open: {}", rule.text),
        }
    }

    #[test]
    fn the_words_of_hosts_deny_are_read_as_libwrap_reads_them() {
        let refused = "refused by /etc/hosts.deny:1";
        let long = format!("sshd: {} ALL", "198.51.100.7 ".repeat(700));
        let rows = [
            ("sshd: ALL", refused),
            ("ALL: ALL", refused),
            ("ALL : 192.0.2.100", refused),
            ("sshd , in.ftpd: 198.51.100.7, 192.0.2.100", refused),
            ("SSHD: all", refused),
            ("sshd: 192.0.2.", refused),
            ("sshd: 192.0.", refused),
            ("sshd: 192.0.2.10", "granted"),
            ("sshd: 92.0.2.100", "granted"),
            ("sshd: 192.0.2.0/24", refused),
            ("sshd: 192.0.2.0/255.255.255.0", refused),
            ("sshd: 192.0.2.7/24", "granted"),
            ("sshd: 198.51.100.0/24", "granted"),
            ("sshd: 192.0.2.1??", refused),
            ("sshd: .100", refused),
            ("sshd: ALL EXCEPT 192.0.2.0/24", "granted"),
            ("sshd: ALL EXCEPT 198.51.100.0/24", refused),
            ("sshd: ALL EXCEPT 192.0.2.0/24 EXCEPT 192.0.2.100", refused),
            ("ALL EXCEPT sshd: ALL", "granted"),
            ("ALL EXCEPT in.ftpd: ALL", refused),
            ("vsftpd: ALL", "granted"),
            ("# sshd: ALL", "granted"),
            ("sshd: ALL: allow", "granted by 1"),
            ("sshd: ALL: spawn /bin/true", refused),
            ("sshd: ALL: twist /bin/false", "open: sshd: ALL: twist /bin/false"),
            ("sshd: \\\n192.0.2.100", refused),
            ("sshd: .example.org", "open: sshd: .example.org"),
            ("sshd: PARANOID", "open: sshd: PARANOID"),
            ("sshd: /etc/banned", "open: sshd: /etc/banned"),
            ("sshd: @banned", "open: sshd: @banned"),
            ("sshd@192.0.2.7: ALL", "open: sshd@192.0.2.7: ALL"),
            ("sshd: [2001:db8::100]", "granted"),
            (long.as_str(), "granted"),
            ("", "granted"),
        ];
        for (deny, meant) in rows {
            assert_eq!(said("", deny, "192.0.2.100"), meant, "{deny}");
        }
        let rows = [
            ("sshd: [2001:db8::100]", refused),
            ("sshd: [2001:db8::]/32", refused),
            ("sshd: [2001:db9::]/32", "granted"),
            ("sshd: 192.0.2.0/24", "granted"),
        ];
        for (deny, meant) in rows {
            assert_eq!(said("", deny, "2001:db8::100"), meant, "{deny}");
        }
    }

    #[test]
    fn hosts_allow_comes_first() {
        assert_eq!(said("sshd: 192.0.2.100", "ALL: ALL", "192.0.2.100"), "granted by 1");
        assert_eq!(said("sshd: 198.51.100.7", "ALL: ALL", "192.0.2.100"), "refused by /etc/hosts.deny:1");
        assert_eq!(said("sshd: ALL: deny", "", "192.0.2.100"), "refused by /etc/hosts.allow:1");
        // A name in hosts.allow may let it in.
        assert_eq!(said("sshd: .example.org", "ALL: ALL", "192.0.2.100"), "open: sshd: .example.org");
    }

    #[test]
    fn an_address_that_is_not_known_decides_nothing_but_all() {
        assert_eq!(said("", "ALL: ALL", ""), "refused by /etc/hosts.deny:1");
        assert_eq!(said("", "sshd: 192.0.2.", ""), "open: sshd: 192.0.2.");
        assert_eq!(said("", "vsftpd: 192.0.2.", ""), "granted");
    }
}
