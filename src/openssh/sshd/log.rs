//! sshd's log: which lines are sshd's own, when they were written, and what its words state ([`words`]). The time stamps
//! are syslog's and the journal's.

pub mod words;

use crate::facts::text::ServerText;

use words::said;

/// A line of sshd's log, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When it was written, seconds since 1970; `None` where the line has no time.
    pub time: Option<i64>,
    /// The time as it stands there; empty where there is none.
    pub stamp: &'a str,
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
    let line = line.as_str()?;
    let Some((stamp, time, rest)) = stamped(line, year, now, offset_seconds) else {
        // `sshd -E` writes its words alone.
        return Some(Entry { time: None, stamp: "", pid: None, text: line });
    };
    let (pid, text) = process(rest)?;
    Some(Entry { time: Some(time), stamp, pid, text })
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

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The stamp of syslog (`Nov 25 02:04:00`), of RFC 5424 and the journal's short-iso, its time, and what follows it.
fn stamped(line: &str, year: i64, now: i64, offset_seconds: i64) -> Option<(&str, i64, &str)> {
    if line.as_bytes().first()?.is_ascii_digit() {
        let end = line.find(' ')?;
        let (stamp, rest) = (&line[..end], &line[end + 1..]);
        return Some((stamp, iso(stamp)?, rest));
    }
    let stamp = line.get(..15)?;
    let month = MONTHS.iter().position(|name| stamp.starts_with(name))?;
    let day: u32 = stamp.get(4..6)?.trim().parse().ok()?;
    let clock: Vec<u32> = stamp.get(7..15)?.split(':').filter_map(|part| part.parse().ok()).collect();
    let [hour, minute, second] = clock.as_slice() else { return None };
    let at = |year: i64| {
        let text = format!("{year:04}{:02}{day:02}{hour:02}{minute:02}{second:02}", month + 1);
        super::super::authorized_keys::absolute_time(&text, offset_seconds)
    };
    // A stamp in the future is last year's.
    let time = at(year).filter(|time| *time <= now + 86_400).or_else(|| at(year - 1))?;
    Some((stamp, time, line.get(16..)?))
}

/// RFC 3339, with or without a colon in the offset and with a fraction.
fn iso(stamp: &str) -> Option<i64> {
    let digits: String = stamp.get(..19)?.chars().filter(char::is_ascii_digit).collect();
    let time = super::super::authorized_keys::absolute_time(&digits, 0)?;
    let rest = stamp[19..].trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit());
    if rest.is_empty() || rest == "Z" {
        return Some(time);
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let offset = part(0, 2)? * 3600 + part(2, 4)? * 60;
    Some(if rest.starts_with('-') { time + offset } else { time - offset })
}

/// Names under which sshd logs (log.c `log_init` with the program's own name; three of them since 9.8 and 10.0).
const PROGRAMS: &[&str] = &["sshd", "sshd-session", "sshd-auth"];

/// `web1 sshd[123]: words`, with busybox `web1 auth.info sshd[123]: words`: the process and the words; `None` where
/// another program wrote them. What a program writes into its own line may look like all of this, further to the right.
fn process(rest: &str) -> Option<(Option<u32>, &str)> {
    let (_host, rest) = rest.split_once(' ')?;
    let priority =
        |word: &str| word.contains('.') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'.');
    let rest = rest.split_once(' ').filter(|(word, _)| priority(word)).map_or(rest, |(_, rest)| rest);
    let (tag, text) = rest.split_once(": ")?;
    let (program, pid) = match tag.split_once('[') {
        Some((program, pid)) => (program, Some(pid.strip_suffix(']')?.parse().ok()?)),
        None => (tag, None),
    };
    PROGRAMS.contains(&program).then_some((pid, text))
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
