//! The lines of authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT; auth2-pubkeyfile.c `auth_check_authkey_line`,
//! auth-options.c `sshauthopt_parse`, authfile.c `sshkey_advance_past_options`, sshkey.c `sshkey_read`).

use std::net::IpAddr;

use super::addresses::{self, Answer};
use super::public_key::{check, from_line};
use crate::facts::key::PublicKey;

/// What sshd reads in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Nothing, or a comment.
    Empty,
    /// A key with its options.
    Entry(Box<Entry>),
    /// A key whose options sshd cannot read, and its words for that: the line counts for nothing.
    BadOptions(Box<PublicKey>, &'static str),
    /// A quote in the options is never closed: sshd logs `invalid key option string`.
    OpenQuote,
    /// No key that sshd can read: it goes on with the next line in silence.
    NoKey,
}

/// A key and what its line says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: PublicKey,
    /// Its options.
    pub options: Options,
}

/// The options of a line that bear on whether and how a login is let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option of the line")]
pub struct Options {
    /// `from=`: hosts and addresses.
    pub from: Option<String>,
    /// `expiry-time=` as written; of several the earliest counts, in the order of their text here.
    pub expiry: Vec<String>,
    /// `cert-authority`: the key is a CA's.
    pub cert_authority: bool,
    /// `principals=`.
    pub principals: Option<String>,
    /// `command=`.
    pub command: Option<String>,
    /// `no-touch-required`.
    pub no_touch: bool,
    /// `verify-required`.
    pub verify: bool,
    /// `no-pty` or `restrict` without `pty`.
    pub no_pty: bool,
}

/// Why a line with the right key does not let it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `expiry-time=` has passed.
    Expired(String),
    /// `principals=` on a key that is no CA's.
    PrincipalsOnPlainKey,
    /// `from=` does not name the client.
    From(String),
    /// `from=` cannot be read.
    BadFrom(String),
}

/// Types that sshd knows at the beginning of a key, longest first where one begins another (sshkey.c `keyimpls`).
const TYPES: &[&str] = &[
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-dss",
];

/// Reads one line, without its line feed.
pub fn line(line: &[u8]) -> Line {
    let line = line.trim_ascii_start();
    if line.is_empty() || line[0] == b'#' {
        return Line::Empty;
    }
    if let Some(key) = key_at(line) {
        return Line::Entry(Box::new(Entry { key, options: Options::default() }));
    }
    let Some(end) = past_options(line) else { return Line::OpenQuote };
    let Some(key) = key_at(skip_space(&line[end..])) else { return Line::NoKey };
    match options(&line[..end]) {
        Ok(options) => Line::Entry(Box::new(Entry { key, options })),
        Err(reason) => Line::BadOptions(Box::new(key), reason),
    }
}

/// All keys that stand anywhere in a line, whether sshd would read them there or not, and at which byte.
pub fn keys_within(line: &[u8]) -> Vec<(usize, PublicKey)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < line.len() && found.len() < 100 {
        let rest = &line[at..];
        let Some(name) = TYPES.iter().find(|name| rest.starts_with(name.as_bytes())) else {
            at += 1;
            continue;
        };
        // What stands before the key of a joined line may touch it.
        match key_at(rest) {
            Some(key) => {
                at += name.len();
                found.push((at - name.len(), key));
            }
            None => at += 1,
        }
    }
    found
}

/// sshkey.c `sshkey_read`: a type, white space, base64 of a blob of that type.
fn key_at(text: &[u8]) -> Option<PublicKey> {
    from_line(text).filter(|key| check(&key.blob.0).is_ok())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn skip_space(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    &text[start..]
}

/// authfile.c `sshkey_advance_past_options`: where the options end; `None` where a quote is left open.
fn past_options(text: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut at = 0;
    while at < text.len() && (quoted || !is_space(text[at])) {
        if text[at] == b'\\' && text.get(at + 1) == Some(&b'"') {
            at += 1;
        } else if text[at] == b'"' {
            quoted = !quoted;
        }
        at += 1;
    }
    (at < text.len() || !quoted).then_some(at.min(text.len()))
}

/// The key of a line that has nothing before it, as in TrustedUserCAKeys and RevokedKeys (sshkey.c `sshkey_read`).
pub fn plain(line: &[u8]) -> Option<PublicKey> {
    key_at(skip_space(line))
}

/// auth-options.c `sshauthopt_parse`.
///
/// # Errors
/// sshd's words for what it cannot read.
pub fn options(text: &[u8]) -> Result<Options, &'static str> {
    let mut options = Options::default();
    let mut rest = text;
    while !rest.is_empty() && !is_space(rest[0]) {
        rest = one(rest, &mut options)?;
        match rest.first() {
            None => break,
            Some(byte) if is_space(*byte) => break,
            Some(b',') => rest = &rest[1..],
            Some(_) => return Err("unknown key option"),
        }
        if rest.is_empty() {
            return Err("unexpected end-of-options");
        }
    }
    Ok(options)
}

/// Takes one option; what remains. Nothing is taken where no option is known by that name.
fn one<'a>(text: &'a [u8], options: &mut Options) -> Result<&'a [u8], &'static str> {
    if let Some(rest) = flag(text, "restrict") {
        options.no_pty = true;
        return Ok(rest);
    }
    if let Some(rest) = flag(text, "cert-authority") {
        options.cert_authority = true;
        return Ok(rest);
    }
    for name in ["port-forwarding", "agent-forwarding", "x11-forwarding", "user-rc"] {
        if let Some((_, rest)) = switch(text, name) {
            return Ok(rest);
        }
    }
    if let Some((on, rest)) = switch(text, "touch-required") {
        options.no_touch = !on;
        return Ok(rest);
    }
    if let Some((on, rest)) = switch(text, "verify-required") {
        options.verify = on;
        return Ok(rest);
    }
    if let Some((on, rest)) = switch(text, "pty") {
        options.no_pty = !on;
        return Ok(rest);
    }
    let once = |slot: &Option<String>, reason| if slot.is_some() { Err(reason) } else { Ok(()) };
    if let Some(rest) = named(text, "command") {
        once(&options.command, "multiple \"command\" clauses")?;
        let (value, rest) = dequoted(rest)?;
        options.command = Some(value);
        return Ok(rest);
    }
    if let Some(rest) = named(text, "principals") {
        once(&options.principals, "multiple \"principals\" clauses")?;
        let (value, rest) = dequoted(rest)?;
        options.principals = Some(value);
        return Ok(rest);
    }
    if let Some(rest) = named(text, "from") {
        once(&options.from, "multiple \"from\" clauses")?;
        let (value, rest) = dequoted(rest)?;
        options.from = Some(value);
        return Ok(rest);
    }
    if let Some(rest) = named(text, "expiry-time") {
        let (value, rest) = dequoted(rest)?;
        if absolute_time(&value, 0).is_none_or(|time| time == 0) {
            return Err("invalid expires time");
        }
        options.expiry.push(value);
        return Ok(rest);
    }
    if let Some(rest) = named(text, "environment") {
        let (value, rest) = dequoted(rest)?;
        let name = value.split_once('=').map(|(name, _)| name);
        let valid =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return if name.is_some_and(valid) { Ok(rest) } else { Err("invalid environment string") };
    }
    for (name, bare) in [("permitopen", false), ("permitlisten", true)] {
        if let Some(rest) = named(text, name) {
            let (value, rest) = dequoted(rest)?;
            let port = match value.rsplit_once(':') {
                Some((_, port)) => port,
                None if bare => value.as_str(),
                None => return Err("invalid permission port"),
            };
            let good = port == "*" || port.parse::<u16>().is_ok_and(|port| port > 0);
            return if good { Ok(rest) } else { Err("invalid permission port") };
        }
    }
    if let Some(rest) = named(text, "tunnel") {
        let (value, rest) = dequoted(rest)?;
        let good = value == "any" || value.parse::<u32>().is_ok();
        return if good { Ok(rest) } else { Err("invalid tun device") };
    }
    Ok(text)
}

/// auth-options.c `opt_flag` without negation.
fn flag<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let head = text.get(..name.len())?;
    head.eq_ignore_ascii_case(name.as_bytes()).then(|| &text[name.len()..])
}

/// auth-options.c `opt_flag`, with `no-`.
fn switch<'a>(text: &'a [u8], name: &str) -> Option<(bool, &'a [u8])> {
    match flag(text, "no-") {
        Some(rest) => flag(rest, name).map(|rest| (false, rest)),
        None => flag(text, name).map(|rest| (true, rest)),
    }
}

/// auth-options.c `opt_match`: `name=`.
fn named<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    flag(text, name)?.strip_prefix(b"=")
}

/// misc.c `opt_dequote`.
fn dequoted(text: &[u8]) -> Result<(String, &[u8]), &'static str> {
    let Some(text) = text.strip_prefix(b"\"") else { return Err("missing start quote") };
    let mut value = Vec::new();
    let mut at = 0;
    while at < text.len() && text[at] != b'"' {
        if text[at] == b'\\' && text.get(at + 1) == Some(&b'"') {
            at += 1;
        }
        value.push(text[at]);
        at += 1;
    }
    if at >= text.len() {
        return Err("missing end quote");
    }
    Ok((String::from_utf8_lossy(&value).into_owned(), &text[at + 1..]))
}

/// misc.c `parse_absolute_time`: seconds since 1970; a time without `Z` is the server's local one.
pub fn absolute_time(text: &str, offset_seconds: i64) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let utc = lower.strip_suffix("utc").or_else(|| lower.strip_suffix('z'));
    let (digits, offset) = utc.map_or((text, offset_seconds), |_| (&text[..utc.unwrap_or_default().len()], 0));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i64>().ok());
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10).unwrap_or(0), part(10, 12).unwrap_or(0), part(12, 14).unwrap_or(0));
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    valid.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Days since 1970 of a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// auth2-pubkeyfile.c `auth_authorise_keyopts`: whether the options let this client in now.
///
/// # Errors
/// The first option that does not.
pub fn authorise(
    options: &Options,
    now: i64,
    offset_seconds: i64,
    client: Option<(&str, IpAddr)>,
) -> Result<(), Refusal> {
    let expiry = options.expiry.iter().filter_map(|text| Some((absolute_time(text, offset_seconds)?, text))).min();
    if let Some((time, text)) = expiry
        && time < now
    {
        return Err(Refusal::Expired(text.clone()));
    }
    if options.principals.is_some() && !options.cert_authority {
        return Err(Refusal::PrincipalsOnPlainKey);
    }
    if let (Some(from), Some((host, address))) = (&options.from, client) {
        match addresses::match_host_and_address(host, address, from) {
            Answer::Yes => {}
            Answer::Invalid => return Err(Refusal::BadFrom(from.clone())),
            Answer::No | Answer::Negated => return Err(Refusal::From(from.clone())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP5lPHoNtZ0gX9ZMnY1VkDYMqCwqrKGn2UcXFkdDqAeP";

    fn entry(text: &str) -> Entry {
        match line(text.as_bytes()) {
            Line::Entry(entry) => *entry,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn reason(options: &str) -> &'static str {
        match line(format!("{options} {KEY} a@laptop").as_bytes()) {
            Line::BadOptions(_, reason) => reason,
            Line::OpenQuote => "invalid key option string",
            other => panic!("{options}: {other:?}"),
        }
    }

    #[test]
    fn a_key_stands_alone_or_behind_options() {
        assert_eq!(entry(&format!("{KEY} a@laptop")).key.comment.to_string(), "a@laptop");
        assert_eq!(entry(&format!("  \t{KEY}")).options, Options::default());
        assert_eq!(entry(&format!("{KEY}\r")).options, Options::default());
        let full =
            entry(&format!("from=\"192.0.2.0/24,*.example.org\",NO-PTY,command=\"echo \\\"a b\\\"\" {KEY}")).options;
        assert_eq!(full.from.as_deref(), Some("192.0.2.0/24,*.example.org"));
        assert_eq!(full.command.as_deref(), Some("echo \"a b\""));
        assert!(full.no_pty);
        let restricted = entry(&format!("restrict,pty,expiry-time=\"20300101\" {KEY}")).options;
        assert_eq!((restricted.no_pty, restricted.expiry), (false, vec!["20300101".to_owned()]));
        assert!(entry(&format!("cert-authority,principals=\"deploy\" {KEY}")).options.cert_authority);
    }

    #[test]
    fn what_sshd_cannot_read_it_passes_over_or_names() {
        assert_eq!(reason("no-ptty"), "unknown key option");
        assert_eq!(reason("from=192.0.2.1"), "missing start quote");
        assert_eq!(reason("from=\"a\",from=\"b\""), "multiple \"from\" clauses");
        assert_eq!(reason("expiry-time=\"tomorrow\""), "invalid expires time");
        assert_eq!(reason("permitopen=\"host\""), "invalid permission port");
        assert_eq!(reason("no-pty,"), "unexpected end-of-options");
        assert_eq!(reason("command=\"ls"), "invalid key option string");
        for text in ["AAAAC3NzaC1lZDI1NTE5", "ssh-ed25519", "---- BEGIN SSH2 PUBLIC KEY ----", "from=\"a\", no-pty x"] {
            assert_eq!(line(text.as_bytes()), Line::NoKey, "{text}");
        }
        assert_eq!(line(format!("\u{feff}{KEY}").as_bytes()), Line::NoKey);
        assert_eq!(line(&KEY.as_bytes()[..60]), Line::NoKey);
        for text in ["", "   ", "# ssh-ed25519 AAAA"] {
            assert_eq!(line(text.as_bytes()), Line::Empty, "{text}");
        }
    }

    #[test]
    fn a_second_key_of_a_line_is_seen_where_sshd_sees_none() {
        let joined = format!("{KEY} a@laptop{OTHER} b@laptop");
        let found = keys_within(joined.as_bytes());
        assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, KEY.len() + " a@laptop".len()]);
        assert_eq!(entry(&joined).key.blob, found[0].1.blob);
    }

    #[test]
    fn times_are_read_as_misc_c_reads_them() {
        assert_eq!(absolute_time("19700102Z", 3600), Some(86_400));
        assert_eq!(absolute_time("19700102", 3600), Some(82_800));
        assert_eq!(absolute_time("202611250204", 0), Some(1_795_572_240));
        assert_eq!(absolute_time("20261125020400UTC", 3600), Some(1_795_572_240));
        for text in ["2026", "20261301", "2026112525", "x0261125"] {
            assert_eq!(absolute_time(text, 0), None, "{text}");
        }
    }

    #[test]
    fn options_let_a_client_in_or_say_why_not() {
        let client = Some(("laptop.example.org", "192.0.2.7".parse().unwrap()));
        let met = |options: &str| authorise(&entry(&format!("{options} {KEY}")).options, 1_795_572_240, 0, client);
        assert_eq!(met("no-pty"), Ok(()));
        assert_eq!(met("from=\"192.0.2.0/24\""), Ok(()));
        assert_eq!(met("from=\"*.example.org\""), Ok(()));
        assert_eq!(met("from=\"198.51.100.1\""), Err(Refusal::From("198.51.100.1".to_owned())));
        assert_eq!(met("from=\"192.0.2.7/24\""), Err(Refusal::BadFrom("192.0.2.7/24".to_owned())));
        assert_eq!(met("expiry-time=\"20200101\""), Err(Refusal::Expired("20200101".to_owned())));
        assert_eq!(met("expiry-time=\"20300101\""), Ok(()));
        assert_eq!(met("principals=\"deploy\""), Err(Refusal::PrincipalsOnPlainKey));
    }
}
