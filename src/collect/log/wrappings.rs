//! What other tools wrap ssh's words in: JSON of Ansible, Docker and CI, Python's literals; and the words of programs that
//! are no ssh ([`crate::openssh::libraries`]).

use memchr::memmem;

use super::super::transcript;
use crate::facts::log::{Foreign, Tool};
use crate::facts::text::{Host, Path, ServerText, User};
use crate::facts::{Facts, Source, Target};
use crate::openssh::libraries;
use crate::openssh::putty::{self, Step};

/// How many lines of other programs are kept, the last ones.
const MOST: usize = 64;
/// How much of such a line is kept.
const LONGEST: usize = 500;
/// How many lines are looked at: a log of a gigabyte is no paste of another program.
const MOST_LINES: u32 = 200_000;

/// Hands on the lines that stand in a line's quoted strings, where one of them is known; else the line itself. Of
/// systemd's journal as JSON each line is an object, which is left whole.
pub(super) fn unwrapped(line: &str, known: &dyn Fn(&str) -> bool, sink: &mut dyn FnMut(&str)) {
    if memchr::memchr2(b'"', b'\\', line.as_bytes()).is_none() {
        sink(line);
        return;
    }
    let escapes = line.contains("\\n") || line.contains("\\r");
    let message = line.starts_with("fatal: [") || line.contains("\"msg\"") || line.starts_with("{\"log\"");
    let journal = line.starts_with('{') && memmem::find(line.as_bytes(), b"__REALTIME_TIMESTAMP").is_some();
    if (!escapes && !message) || journal || (!message && known(line)) {
        sink(line);
        return;
    }
    let mut found = false;
    for text in strings(line) {
        let plain = plain(text);
        let lines = plain.split(['\n', '\r']).map(str::trim_end).filter(|line| !line.is_empty());
        let lines: Vec<&str> = lines.map(|line| super::paste::peel(line, known)).collect();
        if lines.iter().any(|line| known(line) || libraries::said(line).is_some()) {
            found = true;
            for line in lines {
                sink(line);
            }
        }
    }
    if !found {
        sink(line);
    }
}

/// The inner parts of the strings of a line of JSON or Python; the last one need not end.
fn strings(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'']) {
        let mark = rest.as_bytes()[start];
        let inner = &rest[start + 1..];
        // An apostrophe in a word is none of Python's quotes.
        let apostrophe =
            mark == b'\'' && !rest[..start].ends_with([' ', '(', '[', ',', ':', 'b', '=', '{']) && start > 0;
        let mut escaped = false;
        let end = inner.bytes().position(|byte| {
            let ends = byte == mark && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        if apostrophe {
            rest = inner;
            continue;
        }
        found.push(&inner[..end.unwrap_or(inner.len())]);
        rest = end.map_or("", |end| &inner[end + 1..]);
    }
    found
}

/// The text that a literal of JSON or Python stands for.
fn plain(literal: &str) -> String {
    let mut out = String::with_capacity(literal.len());
    let mut rest = literal.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(kind @ ('u' | 'x')) => {
                let digits: String = rest.clone().take(if kind == 'u' { 4 } else { 2 }).collect();
                if let Some(character) = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
                    out.push(character);
                    rest.nth(digits.len() - 1);
                }
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// The words of other programs, as they come.
#[derive(Debug, Default)]
pub(super) struct Others {
    kept: Vec<Foreign>,
    looked: u32,
}

impl Others {
    /// Whether the line is another program's, which is kept then.
    pub(super) fn line(&mut self, file: &Path, number: u64, line: &str) -> bool {
        self.looked = self.looked.saturating_add(1);
        if self.looked > MOST_LINES {
            return false;
        }
        let (plain, is_event) = putty::bare(line);
        // Everyday words are PuTTY's only in its log.
        let among = || self.kept.iter().any(|kept| kept.tool == Tool::Putty);
        let is_step = || putty::step(plain).is_some_and(|step| is_event || names_itself(step) || among());
        let tool = match libraries::said(line) {
            Some((tool, _)) => tool,
            None if is_step() => Tool::Putty,
            None => return false,
        };
        let line = if tool == Tool::Putty { plain } else { line };
        if self.kept.len() == MOST {
            self.kept.remove(0);
        }
        let words = line.chars().take(LONGEST).collect::<String>();
        let at = Source::File { path: file.clone(), line: u32::try_from(number).ok() };
        self.kept.push(Foreign { tool, words: ServerText::from(words), at });
        true
    }

    /// The facts of the login that they are about, with nothing but where it went to; `None` where there are none.
    pub(super) fn facts(&self) -> Option<Facts> {
        self.kept.last()?;
        let mut facts = transcript::nothing();
        let user = self.kept.iter().rev().find_map(|line| account(line.words.as_str()?));
        let user = User::from(user.unwrap_or_default());
        if let Some((host, port)) = self.place() {
            if port != 22 {
                facts.config.arguments.extend(["-p".into(), port.to_string().into()]);
            }
            let (alias, input) = (host.clone(), host.clone());
            let input = if user.is_empty() { input } else { Host::from(format!("{user}@{input}")) };
            facts.target =
                Ok(Target { input, user, alias, host, port, program: "ssh".to_owned(), ..Target::default() });
        }
        Some(facts)
    }

    /// The host that the words name last, and its port.
    fn place(&self) -> Option<(Host, u16)> {
        let steps = || self.kept.iter().rev().filter_map(|line| putty::step(line.words.as_str()?));
        let host = steps().find_map(|step| if let Step::Host(host) = step { Some(host) } else { None });
        if let Some(host) = host {
            let port = steps().find_map(|step| if let Step::Connecting(_, port) = step { Some(port) } else { None });
            return Some((Host::from(host), port.unwrap_or(22)));
        }
        let mut places = self.kept.iter().rev().filter_map(|line| libraries::place(line.words.as_str()?));
        places.next().map(|(host, port)| (Host::from(host), port.unwrap_or(22)))
    }

    /// The words.
    pub(super) fn into_kept(self) -> Vec<Foreign> {
        self.kept
    }
}

/// The account that a line names.
fn account(words: &str) -> Option<&str> {
    match putty::step(words) {
        Some(Step::User(user)) => Some(user),
        _ => libraries::account(words),
    }
}

/// Whether the words are PuTTY's wherever they stand.
fn names_itself(step: Step<'_>) -> bool {
    matches!(step, Step::Host(_) | Step::User(_) | Step::Pageant(_))
}

/// Whether the line is a whole line of another program: what a paste may have put before it is taken off then.
pub(super) fn is_known(line: &str) -> bool {
    matches!(libraries::said(line), Some((Tool::Git | Tool::Rsync | Tool::Scp, _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(line: &str) -> bool {
        ["debug1: ", "OpenSSH_", "ssh: connect to host ", "Permission denied ("]
            .iter()
            .any(|begin| line.starts_with(begin))
            || line.contains(": Permission denied (")
    }

    fn lines(line: &str) -> Vec<String> {
        let mut lines = Vec::new();
        unwrapped(line, &known, &mut |line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn ansible_s_message_is_ssh_s_own_lines() {
        let line = r#"fatal: [web1]: UNREACHABLE! => {"changed": false, "msg": "Failed to connect to the host via ssh: OpenSSH_8.9p1 Ubuntu-3, OpenSSL 3.0.2\r\ndebug1: Reading configuration data /etc/ssh/ssh_config\r\ndeploy@web1: Permission denied (publickey).", "unreachable": true}"#;
        assert_eq!(
            lines(line),
            [
                "OpenSSH_8.9p1 Ubuntu-3, OpenSSL 3.0.2",
                "debug1: Reading configuration data /etc/ssh/ssh_config",
                "deploy@web1: Permission denied (publickey)."
            ]
        );
        let one = r#"fatal: [web1]: UNREACHABLE! => {"changed": false, "msg": "Failed to connect to the host via ssh: ssh: connect to host web1 port 22: Connection timed out", "unreachable": true}"#;
        assert_eq!(lines(one), ["ssh: connect to host web1 port 22: Connection timed out"]);
        let cut = r#"fatal: [web1]: UNREACHABLE! => {"msg": "Failed to connect to the host via ssh: OpenSSH_8.9p1\r\ndebug1: a"#;
        assert_eq!(lines(cut), ["OpenSSH_8.9p1", "debug1: a"]);
    }

    #[test]
    fn python_s_and_docker_s_strings_are_read() {
        let python = r"<web1> (255, b'', b'OpenSSH_8.9p1 Ubuntu-3\r\ndebug1: it\'s\r\n')";
        assert_eq!(lines(python), ["OpenSSH_8.9p1 Ubuntu-3", "debug1: it's"]);
        let docker =
            r#"{"log":"debug1: Connecting to web1 port 22.\r\n","stream":"stderr","time":"2026-11-30T12:00:00Z"}"#;
        assert_eq!(lines(docker), ["debug1: Connecting to web1 port 22."]);
    }

    #[test]
    fn other_lines_stay_whole() {
        for line in [
            r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":"Invalid user \ndebug1: x from 192.0.2.1","_COMM":"sshd"}"#,
            r"Nov 30 12:00:00 web1 sshd[1]: Invalid user a\ndebug1: x from 192.0.2.1 port 9",
            "it's a sentence",
            "",
        ] {
            assert_eq!(lines(line), [line]);
        }
    }

    #[test]
    fn what_others_say_is_kept_and_names_the_host() {
        let mut others = Others::default();
        let file = Path::from("ticket.txt");
        assert!(others.line(&file, 1, "2026/11/30 12:00:00 dial tcp 192.0.2.7:22: connect: connection refused"));
        assert!(!others.line(&file, 2, "hello"));
        assert_eq!(others.place(), Some((Host::from("192.0.2.7"), 22)));
        for number in 0..100 {
            others.line(&file, number, "Server refused our key");
        }
        assert_eq!(others.into_kept().len(), MOST);
    }
}
