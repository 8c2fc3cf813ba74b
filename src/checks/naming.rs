//! How findings name what they speak of: a key, a login, a moment.

use crate::facts::key::PublicKey;
use crate::facts::text::{Path, ServerText, User};
use crate::facts::{Facts, Source};

use super::{quoted, quoted_bytes, quoted_option};

/// A key in a sentence: `ssh-ed25519 SHA256:… (a@laptop)`.
pub fn key(key: &PublicKey) -> String {
    let comment = if key.comment.is_empty() { String::new() } else { format!("({})", key.comment.shortened(60)) };
    let fingerprint = key.fingerprint.to_string();
    let words = [key.algorithm.as_str(), fingerprint.as_str(), comment.as_str()];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    // A transcript may tell of a key and name none.
    if words.is_empty() { "a key".to_owned() } else { words.join(" ") }
}

/// The login in a sentence: `deploy@web1.example.org`.
pub fn login(facts: &Facts) -> String {
    match &facts.target {
        // A transcript may not name the account.
        Ok(target) if target.user.is_empty() => target.host.to_string(),
        Ok(target) => format!("{}@{}", target.user, target.host),
        Err(_) => "the server".to_owned(),
    }
}

/// Who runs ssh, for a sentence.
pub fn oneself(facts: &Facts) -> String {
    // A transcript does not say who ran it.
    if facts.run.user.is_empty() { "you".to_owned() } else { format!("you ({})", facts.run.user) }
}

/// The account asked for; `ACCOUNT` where what was read does not name it.
pub fn user(facts: &Facts) -> User {
    let user = facts.target.as_ref().map(|target| target.user.clone()).unwrap_or_default();
    if user.is_empty() && facts.is_read() { User::from("ACCOUNT") } else { user }
}

/// ssh's options and the destination as they were typed, as words for a shell: what follows `ssh` in a command.
pub fn destination(facts: &Facts) -> String {
    destination_without(facts, &[])
}

/// The same without the options that set one of these keywords (lower case; `identityfile` for `-i` too), which the
/// command sets itself.
pub fn destination_without(facts: &Facts, keywords: &[&str]) -> String {
    let Ok(target) = &facts.target else { return "HOST".to_owned() };
    let set = |value: &[u8]| {
        let end = value.iter().position(|byte| *byte == b'=' || byte.is_ascii_whitespace()).unwrap_or(value.len());
        keywords.iter().any(|keyword| value[..end].eq_ignore_ascii_case(keyword.as_bytes()))
    };
    let mut words = Vec::new();
    let mut arguments = facts.config.arguments.iter().map(ServerText::as_bytes).peekable();
    while let Some(word) = arguments.next() {
        let next = arguments.peek().copied();
        match (word, next) {
            (b"-o", Some(value)) if set(value) => drop(arguments.next()),
            (b"-i", Some(_)) if keywords.contains(&"identityfile") => drop(arguments.next()),
            (word, _) if word.strip_prefix(b"-o").is_some_and(|value| !value.is_empty() && set(value)) => {}
            (word, _) => words.push(quoted_option(word)),
        }
    }
    words.push(quoted_bytes(target.input.as_bytes()));
    words.join(" ")
}

/// ssh's options and destination without the path of a repository: `git@host` of `git@host:team/app.git`.
pub fn destination_without_path(facts: &Facts) -> String {
    let Ok(target) = &facts.target else { return "HOST".to_owned() };
    if target.repository.is_none() {
        return destination(facts);
    }
    let mut plain = facts.clone();
    let port = if target.port == 22 { String::new() } else { format!("-p {} ", target.port) };
    if let Ok(plain) = &mut plain.target {
        plain.input = [target.user.as_bytes(), b"@", target.alias.as_bytes()].concat().as_slice().into();
    }
    let from_url = target.input.as_bytes().starts_with(b"ssh://");
    format!("{}{}", if from_url { port } else { String::new() }, destination(&plain))
}

/// ssh's options and destination without what asks for another session than a shell: for a `ssh -t` of one's own.
pub fn destination_without_command(facts: &Facts) -> String {
    destination_without(facts, &["remotecommand", "clearallforwardings", "sessiontype", "requesttty"])
}

/// ssh's options and destination with another user.
pub fn destination_as(facts: &Facts, user: &str) -> String {
    let Ok(target) = &facts.target else {
        return quoted_bytes(format!("{user}@HOST").as_bytes());
    };
    let mut other = facts.clone();
    let mut kept = Vec::new();
    let mut words = facts.config.arguments.iter();
    while let Some(word) = words.next() {
        if word.as_bytes() == b"-l" {
            words.next();
        } else if !word.as_bytes().starts_with(b"-l") {
            kept.push(word.clone());
        }
    }
    other.config.arguments = kept;
    let port = target.input.as_bytes().starts_with(b"ssh://") && target.port != 22;
    if let Ok(other) = &mut other.target {
        other.input = [user.as_bytes(), b"@", target.alias.as_bytes()].concat().as_slice().into();
    }
    let port = if port { format!("-p {} ", target.port) } else { String::new() };
    format!("{port}{}", destination_without(&other, &["user"]))
}

/// `user@host` as one word for a shell, for programs that take few of ssh's options.
pub fn copy_login(facts: &Facts) -> String {
    let Ok(target) = &facts.target else { return "HOST".to_owned() };
    let port = if target.port == 22 { String::new() } else { format!("-P {} ", target.port) };
    format!("{port}{}", quoted_bytes(&[target.user.as_bytes(), b"@", target.alias.as_bytes()].concat()))
}

/// The destination for ssh-copy-id, which takes few of ssh's options.
pub fn copy_destination(facts: &Facts) -> String {
    let Ok(target) = &facts.target else { return "HOST".to_owned() };
    let port = if target.port == 22 { String::new() } else { format!("-p {} ", target.port) };
    let at: &[u8] = if target.user.is_empty() { b"" } else { b"@" };
    let login = [target.user.as_bytes(), at, target.host.as_bytes()].concat();
    format!("{port}{}", quoted_bytes(&login))
}

/// The host as it was typed, for a `Host` line; `HOST` where it is not known, or would be a pattern or more than one word
/// there.
pub fn alias(facts: &Facts) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%@[]".contains(&byte);
    let alias = facts.target.as_ref().map(|target| target.alias.to_string()).unwrap_or_default();
    let plain = !alias.is_empty() && !alias.starts_with('-') && alias.bytes().all(is_plain);
    if plain { alias } else { "HOST".to_owned() }
}

/// A command that appends a `Host` block with these lines to the user's configuration.
pub fn host_block(facts: &Facts, lines: &[String]) -> String {
    let words: Vec<String> = lines.iter().map(|line| quoted(&format!("    {line}"))).collect();
    format!("printf '%s\\n' '' {} {} >> ~/.ssh/config", quoted(&format!("Host {}", alias(facts))), words.join(" "))
}

/// A path as one word for a shell.
pub fn path(path: &Path) -> String {
    quoted_bytes(path.as_bytes())
}

/// The server account's home folder as a word for a shell on the server: `~deploy`, or a look-up where the name is no
/// plain word.
pub fn home(user: &User) -> String {
    let name = user.as_str().unwrap_or_default();
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter));
    if plain { format!("~{name}") } else { format!("\"$(getent passwd {} | cut -d: -f6)\"", quoted(name)) }
}

/// Where something was configured, in a sentence: `(from …)`; nothing for a default.
pub fn from(source: &Source) -> String {
    match source {
        Source::Default => String::new(),
        Source::Command(_) => " (named in the configuration)".to_owned(),
        source => format!(" (from {source})"),
    }
}

/// A moment of a certificate, in UTC.
pub fn moment(seconds: u64) -> String {
    if seconds == 0 {
        return "always".to_owned();
    }
    let moment = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| "for ever".to_owned(), |moment| moment.to_string())
}

/// A day, counted from 1970-01-01, as a date; its number where it is beyond all calendars.
pub fn day(day: i64) -> String {
    let days = jiff::Span::new().try_days(day);
    let date = days.and_then(|days| jiff::civil::date(1970, 1, 1).checked_add(days));
    date.map_or_else(|_| format!("day {day}"), |date| date.to_string())
}

/// How many keys a check's evidence lists; the report's identities are all there.
const MOST_LISTED: usize = 100;

/// The first of many lines, and how many more there are.
pub fn first_of(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LISTED);
    let rest = (more > 0).then(|| format!("and {more} more"));
    lines.take(MOST_LISTED).chain(rest).collect()
}

/// `1 key`, `3 keys`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// `3 days`, `5 years`.
pub fn span(days: i64) -> String {
    let (number, one, many) = match days {
        0..=60 => (days, "day", "days"),
        61..=730 => (days / 30, "month", "months"),
        _ => (days / 365, "year", "years"),
    };
    count(usize::try_from(number).unwrap_or_default(), one, many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_since_1970_is_a_date() {
        for (number, date) in [(0, "1970-01-01"), (19_782, "2024-02-29"), (20_782, "2026-11-25"), (-1, "1969-12-31")] {
            assert_eq!(day(number), date);
        }
        assert_eq!(day(i64::MAX), format!("day {}", i64::MAX));
    }
}
