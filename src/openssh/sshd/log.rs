//! sshd's own words: what a line of its log states, and when it was written (auth.c, auth2-pubkey.c, auth2-pubkeyfile.c,
//! auth-pam.c, sshd.c; the time stamps are syslog's and the journal's).

use crate::facts::text::ServerText;

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

/// Words of sshd, the refusal they state, and where they stand in its source.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("Invalid user ", "server-no-such-user", "auth.c getpwnamallow"),
    ("because not listed in AllowUsers", "server-user-not-allowed", "auth.c allowed_user"),
    ("because listed in DenyUsers", "server-user-not-allowed", "auth.c allowed_user"),
    ("because a group is listed in DenyGroups", "server-user-not-allowed", "auth.c allowed_user"),
    ("groups are listed in AllowGroups", "server-user-not-allowed", "auth.c allowed_user"),
    ("because not in any group", "server-user-not-allowed", "auth.c allowed_user"),
    ("because account is locked", "server-account-locked", "auth.c allowed_user"),
    (" has expired", "server-account-expired", "auth-shadow.c auth_shadow_acctexpired"),
    ("not allowed because shell ", "server-shell-invalid", "auth.c allowed_user"),
    ("ROOT LOGIN REFUSED", "server-root-login-disabled", "auth.c auth_root_allowed"),
    ("Authentication refused: bad ownership or modes", "server-strict-modes", "misc.c safe_path"),
    ("Authentication refused: realpath ", "server-home-missing", "misc.c safe_path"),
    ("Could not open user '", "server-authorized-keys-unreadable", "auth2-pubkeyfile.c auth_openfile"),
    ("Could not open authorized keys", "server-authorized-keys-unreadable", "auth.c auth_openfile (before 9.1)"),
    ("authorized keys '", "server-authorized-keys-unreadable", "auth2-pubkeyfile.c auth_openfile (not a regular file)"),
    (
        "with correct key but not from a permitted host",
        "server-key-options-refuse",
        "auth2-pubkeyfile.c auth_authorise_keyopts",
    ),
    ("Refused by key options", "server-key-options-refuse", "auth2-pubkeyfile.c auth_check_authkey_line"),
    ("invalid key option string", "server-key-entry-malformed", "auth2-pubkeyfile.c auth_check_authkey_line"),
    (
        "user presence (authenticator touch) requirement not met",
        "server-key-options-refuse",
        "auth2-pubkey.c userauth_pubkey",
    ),
    ("user verification requirement not met", "server-key-options-refuse", "auth2-pubkey.c userauth_pubkey"),
    ("not in PubkeyAcceptedAlgorithms", "server-key-algorithm-refused", "auth2-pubkey.c userauth_pubkey"),
    ("not in PubkeyAcceptedKeyTypes", "server-key-algorithm-refused", "auth2-pubkey.c userauth_pubkey (before 8.5)"),
    ("refusing RSA key", "rsa-key-too-small", "auth2-pubkey.c userauth_pubkey"),
    (" revoked by file ", "server-key-revoked", "auth.c auth_key_is_revoked"),
    ("in revoked keys file", "server-key-revoked", "auth.c auth_key_is_revoked"),
    (
        "Certificate does not contain an authorized principal",
        "server-ca-mismatch",
        "auth2-pubkey.c user_cert_trusted_ca",
    ),
    ("name is not a listed principal", "server-ca-mismatch", "sshkey.c sshkey_cert_check_authority"),
    ("Certificate invalid: expired", "certificate-expired", "sshkey.c sshkey_cert_check_authority"),
    ("Certificate invalid: not yet valid", "certificate-expired", "sshkey.c sshkey_cert_check_authority"),
    ("Unsafe AuthorizedKeysCommand", "server-authorized-keys-command-failed", "misc.c subprocess"),
    ("AuthorizedKeysCommand ", "server-authorized-keys-command-failed", "auth2-pubkey.c user_key_command_allowed2"),
    ("by PAM account configuration", "server-pam-denied", "monitor.c mm_answer_pam_account"),
    ("bad ownership or modes for chroot directory", "server-chroot-ownership", "session.c safely_chroot"),
    ("past MaxStartups", "max-startups", "sshd.c drop_connection"),
    ("penalty: ", "source-penalised", "srclimit.c srclimit_penalty_check_allow"),
    ("refused connect from", "source-banned", "tcp_wrappers, sshd.c main (Debian)"),
];

/// Takes a line apart. `year`: the year of the log's end, which syslog's own stamps leave out; `offset_seconds`: the
/// server's offset from UTC.
pub fn entry(line: &ServerText, year: i64, now: i64, offset_seconds: i64) -> Option<Entry<'_>> {
    let line = line.as_str()?;
    let (stamp, time, rest) = match stamped(line, year, now, offset_seconds) {
        Some((stamp, time, rest)) => (stamp, Some(time), rest),
        None => ("", None, line),
    };
    let (pid, text) = process(rest);
    Some(Entry { time, stamp, pid, text })
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

/// `Accepted METHOD for USER from ADDRESS port 1 ssh2: KEY`; `None` for other words. A user's name that holds ` from `
/// is taken apart at its last one.
pub fn accepted(text: &str) -> Option<Accepted<'_>> {
    event(text).filter(|event| *event == Event::Accepted)?;
    let (method, rest) = text.strip_prefix("Accepted ")?.split_once(" for ")?;
    let (user, rest) = rest.rsplit_once(" from ")?;
    let (from, rest) = rest.split_once(' ')?;
    let key = rest.split_once(": ").map_or("", |(_, key)| key);
    Some(Accepted { method, user, from, key })
}

/// What the words state; `None` where they state nothing that matters.
pub fn event(text: &str) -> Option<Event> {
    if text.starts_with("Accepted ")
        && !text.starts_with("Accepted key ")
        && !text.starts_with("Accepted certificate ID")
    {
        return Some(Event::Accepted);
    }
    if text.starts_with("Server listening on") {
        return Some(Event::Listening);
    }
    if text.starts_with("Received SIGHUP") {
        return Some(Event::Reload);
    }
    if let Some((_, id, _)) = REFUSALS.iter().find(|(words, _, _)| text.contains(words)) {
        return Some(Event::Refusal(id));
    }
    let failed = [
        "Failed ",
        "Connection closed by authenticating user",
        "Connection closed by invalid user",
        "Disconnected from authenticating user",
    ];
    failed.iter().any(|words| text.starts_with(words)).then_some(Event::Failed)
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

/// `web1 sshd[123]: words`, or the words alone.
fn process(rest: &str) -> (Option<u32>, &str) {
    let Some(at) = rest.find("sshd") else { return (None, rest) };
    let tail = &rest[at..];
    let head = tail.find(": ").map(|end| (&tail[..end], &tail[end + 2..]));
    match head {
        Some((tag, text)) if !tag.contains(' ') && (tag.contains('[') || at > 0) => {
            let pid = tag.split_once('[').and_then(|(_, pid)| pid.trim_end_matches(']').parse().ok());
            (pid, text)
        }
        _ => (None, rest),
    }
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
    fn a_login_that_succeeded_names_user_address_and_key() {
        let text = "Accepted publickey for deploy from 192.0.2.1 port 9 ssh2: ED25519 SHA256:x";
        let met = Accepted { method: "publickey", user: "deploy", from: "192.0.2.1", key: "ED25519 SHA256:x" };
        assert_eq!(accepted(text), Some(met));
        let password = accepted("Accepted password for a from b from 2001:db8::1 port 9 ssh2").unwrap();
        assert_eq!((password.user, password.from, password.key), ("a from b", "2001:db8::1", ""));
        assert_eq!(accepted("Accepted key ED25519 SHA256:x found at /home/deploy/.ssh/authorized_keys:1"), None);
        assert_eq!(accepted("Failed password for deploy from 192.0.2.1 port 9 ssh2"), None);
    }

    #[test]
    fn words_state_a_refusal() {
        let rows = [
            ("Accepted publickey for deploy from 192.0.2.1 port 9 ssh2: ED25519 SHA256:x", Some(Event::Accepted)),
            ("Accepted key ED25519 SHA256:x found at /home/deploy/.ssh/authorized_keys:1", None),
            (
                "User deploy from 192.0.2.1 not allowed because not listed in AllowUsers",
                Some(Event::Refusal("server-user-not-allowed")),
            ),
            (
                "Authentication refused: bad ownership or modes for directory /home/deploy",
                Some(Event::Refusal("server-strict-modes")),
            ),
            ("Connection closed by authenticating user deploy 192.0.2.1 port 9 [preauth]", Some(Event::Failed)),
            ("Received SIGHUP; restarting.", Some(Event::Reload)),
            ("Server listening on 0.0.0.0 port 22.", Some(Event::Listening)),
            ("pam_unix(sshd:session): session opened for user deploy", None),
        ];
        for (text, event_met) in rows {
            assert_eq!(event(text), event_met, "{text}");
        }
    }
}
