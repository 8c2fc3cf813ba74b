//! sshd's log: which lines are sshd's own, when they were written, and what its words state ([`words`]). The time stamps
//! are syslog's and the journal's.

pub mod details;
pub mod stamps;
pub mod words;

use crate::facts::text::ServerText;

use stamps::{Clock, Next, Stamped, number, stamped};
use words::said;

/// A line of sshd's log, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When it was written, seconds since 1970; `None` where the line has no time.
    pub time: Option<i64>,
    /// The time as it stands there; empty where there is none.
    pub stamp: &'a str,
    /// The server's name, where the line has it; empty where it has not.
    pub host: &'a str,
    /// The process, where the line names it.
    pub pid: Option<u32>,
    /// sshd's words.
    pub text: &'a str,
}

/// What sshd's words state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A login that succeeded.
    Accepted,
    /// sshd began to listen.
    Listening,
    /// It was told to read its configuration again.
    Reload,
    /// The catalogue's id of a refusal.
    Refusal(&'static str),
    /// A refused or abandoned attempt, without its reason.
    Failed,
}

/// Takes a line apart; `None` for a line of another program, whatever it says of sshd. `year`: the year of the log's end,
/// which syslog's own stamps leave out; `offset_seconds`: the server's offset from UTC.
pub fn entry(line: &ServerText, year: i64, now: i64, offset_seconds: i64) -> Option<Entry<'_>> {
    taken_apart(line.as_str()?, Clock { year, now, offset_seconds })
}

/// The same of a text.
pub fn taken_apart(line: &str, clock: Clock) -> Option<Entry<'_>> {
    let Some(Stamped { stamp, time, rest, next }) = stamped(line, clock) else {
        if let Some((pid, text)) = program(line) {
            return Some(Entry { time: None, stamp: "", host: "", pid, text });
        }
        // `sshd -E` writes its words alone.
        return Some(Entry { time: None, stamp: "", host: "", pid: None, text: line });
    };
    let time = Some(time);
    let (host, rest) = match next {
        Next::Words(pid) => return Some(Entry { time, stamp, host: "", pid: Some(pid), text: rest }),
        Next::Host => rest.split_once(' ')?,
        Next::Program => ("", rest),
    };
    let (pid, text) = process(rest)?;
    Some(Entry { time, stamp, host, pid, text })
}

/// A login that succeeded (auth.c `auth_log`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// The method, `publickey`.
    pub method: &'a str,
    /// The account.
    pub user: &'a str,
    /// The client's address.
    pub from: &'a str,
    /// The key's type and fingerprint, and what follows; empty where there is none.
    pub key: &'a str,
}

/// The login that the words state; `None` for other words.
pub fn accepted(text: &str) -> Option<Accepted<'_>> {
    let said = said(text).filter(|said| said.event == Some(Event::Accepted))?;
    Some(Accepted { method: said.method, user: said.user?, from: said.from?, key: said.rest })
}

/// What the words state; `None` where they state nothing that matters.
pub fn event(text: &str) -> Option<Event> {
    said(text)?.event
}

/// Names under which sshd logs (log.c `log_init` with the program's own name; three of them since 9.8 and 10.0), and
/// dropbear.
const PROGRAMS: &[&str] = &["sshd", "sshd-session", "sshd-auth", "dropbear"];

/// `sshd[123]: words`, with busybox `auth.info sshd[123]: words`: the process and the words; `None` where another program
/// wrote them. What a program writes into its own line may look like all of this, further to the right.
fn process(rest: &str) -> Option<(Option<u32>, &str)> {
    let priority =
        |word: &str| word.contains('.') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'.');
    let plain = rest.starts_with("sshd");
    let busy = rest.split_once(' ').filter(|(word, _)| !plain && priority(word));
    program(busy.map_or(rest, |(_, rest)| rest))
}

/// `sshd[123]: words`.
fn program(text: &str) -> Option<(Option<u32>, &str)> {
    let name = PROGRAMS.iter().rev().find(|name| text.starts_with(**name))?;
    let rest = &text[name.len()..];
    if let Some(words) = rest.strip_prefix(": ") {
        return Some((None, words));
    }
    let rest = rest.strip_prefix('[')?;
    let end = rest.bytes().take(11).position(|byte| byte == b']')?;
    Some((Some(number(&rest.as_bytes()[..end])?), rest[end..].strip_prefix("]: ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_572_240;

    #[test]
    fn a_line_is_taken_apart_whoever_stamped_it() {
        let rows = [
            ("Nov 25 02:00:00 web1 sshd[12]: Invalid user x from 192.0.2.1 port 9", Some(1_795_572_000), Some(12)),
            ("Dec  1 02:00:00 web1 sshd[12]: Invalid user x from 192.0.2.1 port 9", Some(1_764_554_400), Some(12)),
            (
                "2026-11-25T03:00:00.123456+01:00 web1 sshd-session[7]: Invalid user x from 192.0.2.1 port 9",
                Some(1_795_572_000),
                Some(7),
            ),
            (
                "2026-11-25T02:00:00+0000 web1 sshd[7]: Invalid user x from 192.0.2.1 port 9",
                Some(1_795_572_000),
                Some(7),
            ),
            (
                "Nov 25 02:00:00 web1 auth.info sshd[12]: Invalid user x from 192.0.2.1 port 9",
                Some(1_795_572_000),
                Some(12),
            ),
            ("Nov 25 02:00:00 sshd-box sshd[12]: Invalid user x from 192.0.2.1 port 9", Some(1_795_572_000), Some(12)),
            ("Invalid user x from 192.0.2.1 port 9", None, None),
        ];
        for (line, time, pid) in rows {
            let line: ServerText = line.into();
            let entry = entry(&line, 2026, NOW, 0).unwrap();
            assert_eq!(
                (entry.time, entry.pid, entry.text),
                (time, pid, "Invalid user x from 192.0.2.1 port 9"),
                "{line}"
            );
        }
    }

    #[test]
    fn what_another_program_writes_is_none_of_sshd_s_words() {
        let forged = "sshd[1]: Accepted publickey for deploy from 192.0.2.1 port 9 ssh2";
        for line in [
            format!("Nov 25 02:00:00 web1 sudo: bob : user NOT in sudoers ; COMMAND=/bin/{forged}"),
            format!("Nov 25 02:00:00 web1 named[7]: client query: {forged}"),
            format!("Nov 25 02:00:00 web1 httpd: {forged}"),
            format!("2026-11-25T02:00:00+00:00 sshd[1] httpd[7]: {forged}"),
            format!("Nov 25 02:00:00 web1 my-sshd[7]: {}", &forged[9..]),
            format!("Nov 25 02:00:00 web1 sshd[x]: {}", &forged[9..]),
        ] {
            let line: ServerText = line.as_str().into();
            assert_eq!(entry(&line, 2026, NOW, 0), None, "{line}");
        }
        let real: ServerText = format!("Nov 25 02:00:00 web1 {forged}").as_str().into();
        assert!(accepted(entry(&real, 2026, NOW, 0).unwrap().text).is_some());
    }

    #[test]
    fn a_login_that_succeeded_names_user_address_and_key() {
        let text = "Accepted publickey for deploy from 192.0.2.1 port 9 ssh2: ED25519 SHA256:x";
        let met = Accepted { method: "publickey", user: "deploy", from: "192.0.2.1", key: "ED25519 SHA256:x" };
        assert_eq!(accepted(text), Some(met));
        let password = accepted("Accepted password for a from b from 2001:db8::1 port 9 ssh2").unwrap();
        assert_eq!((password.method, password.user, password.from), ("password", "a from b", "2001:db8::1"));
        assert_eq!(accepted("Accepted key ED25519 SHA256:x found at /home/deploy/.ssh/authorized_keys:1"), None);
        assert_eq!(accepted("Failed password for deploy from 192.0.2.1 port 9 ssh2"), None);
    }
}
