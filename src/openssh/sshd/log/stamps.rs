//! The times before a line of a log: syslog's, the journal's in each of its forms, logread's, and that of OpenSSH for
//! Windows. Nothing is allocated: a log of a gigabyte is read line by line.

/// What the stamps leave out, and what the reader knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clock {
    /// The year of the log's end, which syslog's own stamps leave out.
    pub year: i64,
    /// The reader's time, seconds since 1970: a stamp after it is last year's.
    pub now: i64,
    /// The server's offset from UTC, in seconds.
    pub offset_seconds: i64,
}

/// What follows a stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The server's name, then the program.
    Host,
    /// The program (logread(1) of OpenWrt).
    Program,
    /// The words, of the process with this number (OpenSSH for Windows).
    Words(u32),
}

/// A stamp, its time in seconds since 1970, what follows it, and what that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped<'a> {
    /// The stamp as it stands there.
    pub stamp: &'a str,
    /// Its time.
    pub time: i64,
    /// What follows.
    pub rest: &'a str,
    /// What that is.
    pub next: Next,
}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

/// Takes the stamp off a line; `None` where it begins with none.
pub fn stamped(line: &str, clock: Clock) -> Option<Stamped<'_>> {
    let first = *line.as_bytes().first()?;
    match first {
        b'0'..=b'9' => iso(line).or_else(|| windows(line, clock)).or_else(|| unix(line)),
        b'A'..=b'Z' => named_day(line, clock).or_else(|| syslog(line, clock)),
        b'[' => monotonic(line),
        b'<' => prioritised(line, clock),
        _ => None,
    }
}

/// `<38>Nov 25 02:04:00 web1 …`, `<38>1 2026-11-25T02:04:00Z …` (RFC 5424's header goes on otherwise than the others).
fn prioritised(line: &str, clock: Clock) -> Option<Stamped<'_>> {
    let (priority, rest) = line[1..].split_at_checked(line.get(1..5)?.find('>')?)?;
    let digits = !priority.is_empty() && priority.bytes().all(|byte| byte.is_ascii_digit());
    stamped(rest.get(1..).filter(|rest| digits && !rest.starts_with('<'))?, clock)
}

/// RFC 3339 and the journal's short-iso.
fn iso(line: &str) -> Option<Stamped<'_>> {
    let end = line.find(' ')?;
    let (stamp, rest) = (&line[..end], &line[end + 1..]);
    Some(Stamped { stamp, time: iso_time(stamp)?, rest, next: Next::Host })
}

/// RFC 3339, with or without a colon in the offset and with a fraction; without an offset it is UTC.
fn iso_time(stamp: &str) -> Option<i64> {
    let bytes = stamp.as_bytes();
    if *bytes.get(10)? != b'T' {
        return None;
    }
    let time = date(bytes)? * 86_400 + clock_at(bytes.get(11..)?)?;
    let rest =
        stamp.get(19..)?.trim_start_matches(|letter: char| letter == '.' || letter == ',' || letter.is_ascii_digit());
    if rest.is_empty() || rest == "Z" {
        return Some(time);
    }
    let after = rest.get(1..)?;
    let minutes = after.get(2..).map(|rest| rest.strip_prefix(':').unwrap_or(rest))?;
    let seconds = i64::from(number(after.get(..2)?.as_bytes())?) * 3600 + i64::from(number(minutes.as_bytes())?) * 60;
    match rest.as_bytes().first()? {
        b'-' => Some(time + seconds),
        b'+' => Some(time - seconds),
        _ => None,
    }
}

/// `2944 2026-11-25 02:04:00.912 Server listening …` (OpenSSH for Windows, its file of log).
fn windows(line: &str, clock: Clock) -> Option<Stamped<'_>> {
    let (pid, rest) = line.split_once(' ')?;
    let pid = number(pid.as_bytes())?;
    let bytes = rest.as_bytes();
    let time = date(bytes)? * 86_400 + clock_at(bytes.get(11..)?)? - clock.offset_seconds;
    let end = rest.get(19..)?.find(' ')? + 19;
    Some(Stamped { stamp: &rest[..end], time, rest: &rest[end + 1..], next: Next::Words(pid) })
}

/// `1795572000.123456 web1 …`, the journal's short-unix.
fn unix(line: &str) -> Option<Stamped<'_>> {
    let end = line.find(' ')?;
    let (stamp, rest) = (&line[..end], &line[end + 1..]);
    let (seconds, fraction) = stamp.split_once('.')?;
    let is_time = (9..=11).contains(&seconds.len()) && fraction.len() == 6 && number(fraction.as_bytes()).is_some();
    Some(Stamped { stamp, time: seconds.parse().ok().filter(|_| is_time)?, rest, next: Next::Host })
}

/// `Mon 2026-11-25 02:04:00 UTC web1 …`, the journal's short-full; `Wed Nov 25 02:04:00 2026 authpriv.info …`, logread's.
fn named_day(line: &str, clock: Clock) -> Option<Stamped<'_>> {
    let bytes = line.as_bytes();
    if bytes.get(3) != Some(&b' ') || !DAYS.iter().any(|day| bytes.starts_with(*day)) {
        return None;
    }
    let after = &bytes[4..];
    if after.first()?.is_ascii_digit() {
        let time = date(after)? * 86_400 + clock_at(after.get(11..)?)?;
        let mut rest = line.get(23..)?.trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit());
        rest = rest.strip_prefix(' ')?;
        let (zone, after) = rest.split_once(' ')?;
        let offset = match zone {
            "UTC" | "GMT" => 0,
            _ => clock.offset_seconds,
        };
        let stamp = &line[..line.len() - after.len() - 1];
        return Some(Stamped { stamp, time: time - offset, rest: after, next: Next::Host });
    }
    let month = month(after)?;
    let time = clock_at(after.get(7..)?)?;
    let year = i64::from(number(after.get(16..20)?)?);
    let stamp = line.get(..24)?;
    let rest = line.get(24..)?.strip_prefix(' ')?;
    let time = days(year, month, day(after)?) * 86_400 + time - clock.offset_seconds;
    Some(Stamped { stamp, time, rest, next: Next::Program })
}

/// RFC 3164, `Nov 25 02:04:00`, with a fraction in the journal's short-precise.
fn syslog(line: &str, clock: Clock) -> Option<Stamped<'_>> {
    let bytes = line.as_bytes();
    let month = month(bytes)?;
    let of_day = clock_at(bytes.get(7..)?)?;
    let day = day(bytes)?;
    let at = |year: i64| days(year, month, day) * 86_400 + of_day - clock.offset_seconds;
    // A stamp in the future is last year's.
    let time = if at(clock.year) <= clock.now.saturating_add(86_400) { at(clock.year) } else { at(clock.year - 1) };
    let mut end = 15;
    if bytes.get(end) == Some(&b'.') {
        end += 1 + bytes.get(end + 1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    let rest = line.get(end..)?.strip_prefix(' ')?;
    Some(Stamped { stamp: line.get(..end)?, time, rest, next: Next::Host })
}

/// `[   12.345678] web1 …`, the journal's short-monotonic: seconds since the start, which is as good as a time where only
/// what lies between two lines counts.
fn monotonic(line: &str) -> Option<Stamped<'_>> {
    let end = line.get(..24).unwrap_or(line).find(']')?;
    let (seconds, fraction) = line[1..end].trim_start().split_once('.')?;
    let is_time = fraction.len() == 6 && number(fraction.as_bytes()).is_some();
    let time = seconds.parse().ok().filter(|_| is_time)?;
    Some(Stamped { stamp: &line[..=end], time, rest: line[end + 1..].strip_prefix(' ')?, next: Next::Host })
}

/// The month of `Nov 25`.
fn month(bytes: &[u8]) -> Option<i64> {
    let name = bytes.get(..4).filter(|name| name[3] == b' ')?;
    let at = MONTHS.iter().position(|month| name.starts_with(*month))?;
    i64::try_from(at + 1).ok()
}

/// The day of `Nov 25`, `Dec  1`.
fn day(bytes: &[u8]) -> Option<i64> {
    let [tens, ones, b' ', ..] = bytes.get(4..)? else { return None };
    let tens = if *tens == b' ' { b'0' } else { *tens };
    number(&[tens, *ones]).map(i64::from).filter(|day| (1..=31).contains(day))
}

/// Days since 1970 of `2026-11-25`.
fn date(bytes: &[u8]) -> Option<i64> {
    let [_, _, _, _, b'-', _, _, b'-', _, _] = bytes.get(..10)? else { return None };
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then(|| days(i64::from(year), i64::from(month), i64::from(day)))
}

/// Seconds of the day of `02:04:00`.
fn clock_at(bytes: &[u8]) -> Option<i64> {
    let [_, _, b':', _, _, b':', _, _] = bytes.get(..8)? else { return None };
    let (hour, minute, second) = (number(&bytes[..2])?, number(&bytes[3..5])?, number(&bytes[6..8])?);
    (hour < 24 && minute < 60 && second < 61).then(|| i64::from(hour * 3600 + minute * 60 + second))
}

/// At most nine digits.
pub(super) fn number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(bytes.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0')))
}

/// Days since 1970 of a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock { year: 2026, now: 1_795_572_240, offset_seconds: 0 };

    #[test]
    fn every_stamp_says_the_same_time() {
        let rows = [
            ("Nov 25 02:00:00 web1 sshd[1]: x", "Nov 25 02:00:00", Next::Host),
            ("Nov 25 02:00:00.123456 web1 sshd[1]: x", "Nov 25 02:00:00.123456", Next::Host),
            ("<38>Nov 25 02:00:00 web1 sshd[1]: x", "Nov 25 02:00:00", Next::Host),
            ("2026-11-25T02:00:00Z web1 sshd[1]: x", "2026-11-25T02:00:00Z", Next::Host),
            ("2026-11-25T03:00:00+0100 web1 sshd[1]: x", "2026-11-25T03:00:00+0100", Next::Host),
            ("2026-11-24T20:30:00.5-05:30 web1 sshd[1]: x", "2026-11-24T20:30:00.5-05:30", Next::Host),
            ("Wed 2026-11-25 02:00:00 UTC web1 sshd[1]: x", "Wed 2026-11-25 02:00:00 UTC", Next::Host),
            ("1795572000.123456 web1 sshd[1]: x", "1795572000.123456", Next::Host),
            ("Wed Nov 25 02:00:00 2026 sshd[1]: x", "Wed Nov 25 02:00:00 2026", Next::Program),
            ("2944 2026-11-25 02:00:00.912 x", "2026-11-25 02:00:00.912", Next::Words(2944)),
        ];
        for (line, stamp, next) in rows {
            let met = stamped(line, CLOCK).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((met.stamp, met.time, met.next), (stamp, 1_795_572_000, next), "{line}");
            assert!(["web1 sshd[1]: x", "sshd[1]: x", "x"].contains(&met.rest), "{line}: {}", met.rest);
        }
        assert_eq!(stamped("Dec  1 02:00:00 web1 x", CLOCK).map(|met| met.time), Some(1_764_554_400));
        assert_eq!(stamped("[   12.345678] web1 sshd[1]: x", CLOCK).map(|met| met.time), Some(12));
        for line in [
            "",
            "Nov",
            "Nov 25",
            "Növ 25 02:00:00 x",
            "Nov 25 02:00:0ü x",
            "2026-11-25",
            "<",
            "<38>",
            "<<<",
            "[",
            "9 é",
        ] {
            assert_eq!(stamped(line, CLOCK), None, "{line}");
        }
    }
}
