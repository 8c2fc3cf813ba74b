//! Redaction of one text: taken apart into words, each of which keeps its place.
//!
//! A word stays where it names nobody: a word of the vocabulary, a number, an algorithm, a well-known account, host or part
//! of a path. Every other word gets a pseudonym, so that what nobody typed as a name does not slip through in a banner
//! or in somebody else's log line.

use std::net::IpAddr;

use super::names::{Of, is_common};
use super::{Redactor, keys, words};
use crate::openssh::patterns::match_pattern;
use crate::openssh::sshd::log::{stamps::Clock, taken_apart};

/// What the words of a text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Words of a message, names among them.
    Text,
    /// Names alone, and patterns of them.
    Names(Of),
}

/// Nothing that is longer, in bytes, is taken apart: it is one name.
const LONGEST: usize = 1000;
/// Names that are no single words are looked for in texts up to this many.
pub(super) const MOST_PHRASES: usize = 200;

/// Words behind which a name follows in OpenSSH's messages and configuration.
const BEFORE_NAMES: &[&str] =
    &["user", "user=", "account", "host", "group", "users", "ruser", "logname", "rhost", "for", "as", "login"];

/// Words behind which a host follows.
const BEFORE_HOSTS: &[&str] = &["host", "hostname", "to"];

/// Words that are no name among names: of `Match`, and what stands for everybody or nobody.
const NO_NAMES: &[&str] = &[
    "match",
    "all",
    "none",
    "any",
    "canonical",
    "final",
    "exec",
    "host",
    "originalhost",
    "user",
    "localuser",
    "localnetwork",
    "tagged",
    "group",
    "address",
    "localaddress",
    "localport",
    "rdomain",
    "version",
    "sessiontype",
    "command",
    "invalid-user",
    "yes",
    "no",
    "unset",
    "ssh",
    "default",
];

/// Ends of file names that say what a file is; the part before is named apart.
const ENDINGS: &[&str] = &[
    "-cert.pub",
    "-cert",
    ".pub",
    ".pem",
    ".ppk",
    ".key",
    ".cer",
    ".crt",
    ".conf",
    ".cfg",
    ".sock",
    ".socket",
    ".bak",
    ".old",
    ".orig",
    ".log",
    ".so",
    ".sh",
    ".txt",
    ".exe",
    ".dll",
    ".git",
    ".json",
    ".d",
    "~",
];

/// Folders whose parts are words of the system.
const SYSTEM: &[&str] = &[
    "/etc/",
    "/usr/",
    "/bin/",
    "/sbin/",
    "/lib",
    "/var/",
    "/run/",
    "/dev/",
    "/proc/",
    "/sys/",
    "/opt/",
    "/tmp/",
    "/nix/",
    "/snap/",
    "/System/",
    "/Library/",
];

/// The facilities under which login programs log, and syslog's levels (syslog.conf(5)), as busybox writes them before the
/// program, `auth.info`.
const FACILITIES: &[&str] = &["auth", "authpriv", "daemon", "user", "syslog", "kern", "local0", "local7"];
/// See [`FACILITIES`].
const LEVELS: &[&str] = &["emerg", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug"];

impl Redactor {
    /// A line of a log: the server's name before its words is a name, whatever else the word means.
    pub(super) fn log_line(&mut self, line: &str) -> String {
        let entry = taken_apart(line, Clock::default()).filter(|entry| !entry.host.is_empty());
        let at = entry.as_ref().and_then(|entry| {
            let stamp = line.find(entry.stamp)? + entry.stamp.len();
            Some(stamp + line.get(stamp..)?.find(entry.host)?)
        });
        let (Some(entry), Some(at)) = (entry, at) else { return self.words(line, Mode::Text) };
        let words = line.len() - entry.text.len();
        let between = line.get(at + entry.host.len()..words).unwrap_or_default();
        format!("{}{}{between}{}", &line[..at], self.host(entry.host), self.words(entry.text, Mode::Text))
    }

    /// What a login is called: `user deploy from 192.0.2.1 at …`.
    pub(super) fn of_login(&mut self, text: &str) -> String {
        let (before, rest) = match text.strip_prefix("sshd's log: ") {
            Some(rest) => ("sshd's log: ", rest),
            None => ("", text),
        };
        let Some(rest) = rest.strip_prefix("user ") else { return self.words(text, Mode::Text) };
        let end = [" from ", " at ", ", process ", ": "].iter().find_map(|words| rest.rfind(words));
        let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
        format!("{before}user {}{}", self.user(name), self.words(rest, Mode::Text))
    }

    /// A text whose words are of `mode`.
    pub(super) fn words(&mut self, text: &str, mode: Mode) -> String {
        let (text, phrases) = self.without_phrases(text);
        let mut out = String::with_capacity(text.len());
        let mut state = State { mode, before: String::new() };
        let mut chunk = String::new();
        let mut rest = text.as_str();
        while let Some(letter) = rest.chars().next() {
            if let Some(escape) = escape(rest) {
                self.flush(&mut chunk, &mut state, &mut out);
                out.push_str(escape);
                rest = &rest[escape.len()..];
                continue;
            }
            rest = &rest[letter.len_utf8()..];
            if is_of_chunk(letter, state.mode) {
                chunk.push(letter);
                continue;
            }
            self.flush(&mut chunk, &mut state, &mut out);
            out.push(letter);
            // The lists of a line of authorized_keys are lists of names.
            let list = match state.before.as_str() {
                _ if letter != '"' || !out.ends_with("=\"") => None,
                "from" => Some(Of::Host),
                "principals" => Some(Of::User),
                _ => None,
            };
            if let Some(of) = list
                && let Some(end) = rest.find('"')
            {
                out.push_str(&self.words(&rest[..end], Mode::Names(of)));
                rest = &rest[end..];
            }
        }
        self.flush(&mut chunk, &mut state, &mut out);
        for (mark, pseudonym) in phrases {
            out = out.replace(&mark, &pseudonym);
        }
        out
    }

    /// The text with names that are no single words taken out, and what stands for each.
    fn without_phrases(&self, text: &str) -> (String, Vec<(String, String)>) {
        let mut text = text.to_owned();
        let mut marks = Vec::new();
        for phrase in &self.phrases {
            if text.contains(phrase.as_str()) {
                let mark = format!("\u{2}{}\u{2}", marks.len());
                text = text.replace(phrase.as_str(), &mark);
                let pseudonym = self.names.known(phrase).unwrap_or_default().to_owned();
                marks.push((mark, pseudonym));
            }
        }
        (text, marks)
    }

    fn flush(&mut self, chunk: &mut String, state: &mut State, out: &mut String) {
        if chunk.is_empty() {
            return;
        }
        let word = chunk.trim_start_matches(['-', ':', '+', '#', '^', '@', '.']);
        let start = chunk.len() - word.len();
        // A path may begin with a dot.
        let start =
            if start > 0 && chunk[..start].ends_with('.') && word.starts_with(['/', '.']) { start - 1 } else { start };
        let start = if chunk.starts_with(".ssh") || chunk.starts_with("../") { 0 } else { start };
        let word = &chunk[start..];
        let core = word.trim_end_matches(['.', ':', '-', '+', '#', '@', '^', '~']);
        let core = if word.starts_with('~') && core.is_empty() { word } else { core };
        out.push_str(&chunk[..start]);
        let ends_open = word.len() > core.len() && word[core.len()..].starts_with('.');
        let new = match octets(core).filter(|octets| ends_open && octets.len() > 1 && octets.len() < 4) {
            Some(octets) => self.addresses.octets(&octets).unwrap_or_default(),
            None => self.chunk(core, state.mode, &state.before),
        };
        if state.mode == Mode::Text && core.starts_with("AAAA") && core.len() > 60 {
            // What follows a key in its line is its comment.
            state.mode = Mode::Names(Of::Word);
        }
        out.push_str(&new);
        out.push_str(&word[core.len()..]);
        state.before = core.to_ascii_lowercase();
        chunk.clear();
    }

    /// What stands between white space, quotes and brackets.
    fn chunk(&mut self, chunk: &str, mode: Mode, before: &str) -> String {
        if !chunk.chars().any(char::is_alphanumeric) {
            return chunk.to_owned();
        }
        if chunk.len() > LONGEST && !is_base64(chunk) {
            return self.names.of(chunk, Of::Word);
        }
        if let Some(address) = self.address(chunk) {
            return address;
        }
        if let Some(fingerprint) = self.fingerprint_in(chunk) {
            return fingerprint;
        }
        if (chunk.starts_with("SSH-") || chunk.starts_with("OpenSSH_")) && self.names_nobody(chunk) {
            return chunk.to_owned();
        }
        if is_base64(chunk) {
            return self.blobs.of(chunk).unwrap_or_else(|| self.blobs.part(chunk));
        }
        if let (true, Some((plain, domain))) = (words::is_algorithm(chunk), chunk.split_once('@')) {
            return format!("{plain}@{}", self.host(domain));
        }
        if words::is_known(&chunk.to_lowercase()) && mode == Mode::Text && self.names.known(chunk).is_none() {
            return chunk.to_owned();
        }
        if let Some((scheme, rest)) = chunk.split_once("://") {
            return format!("{scheme}://{}", self.host(rest));
        }
        if chunk.contains('/') || chunk.starts_with('~') {
            let keeps = |part: &str| part.is_empty() || stays(part);
            // `HTTP/1.1` and `and/or` are words, `team/app.git` is none.
            let named = |part: &str| part.rsplit_once('.').is_some_and(|(_, end)| end.contains(char::is_alphabetic));
            let relative = mode == Mode::Text && !chunk.starts_with(['/', '~']);
            let words = relative && chunk.split('/').all(|part| keeps(part) && !named(part));
            return if words { chunk.to_owned() } else { self.path(chunk) };
        }
        if let Some((user, host)) = chunk.rsplit_once('@') {
            return format!("{}@{}", self.chunk(user, Mode::Names(Of::User), ""), self.host(host));
        }
        if let Some(at) = chunk.find([':', '%', '#', '^', '+']) {
            let (head, tail) = (&chunk[..at], &chunk[at + 1..]);
            let between = &chunk[at..=at];
            // A token of ssh_config, `%h`, is no word.
            if between == "%" && tail.len() == 1 {
                return format!("{}%{tail}", self.chunk(head, mode, before));
            }
            let before_tail = head.to_ascii_lowercase();
            return format!("{}{between}{}", self.chunk(head, mode, before), self.chunk(tail, mode, &before_tail));
        }
        self.word(chunk, mode, before)
    }

    /// Whether no part of a word is a name.
    fn names_nobody(&self, word: &str) -> bool {
        let mut parts = word.split(|one: char| !one.is_alphanumeric());
        !parts.any(|part| self.names.known(part).is_some() && !is_common(part))
    }

    fn word(&mut self, word: &str, mode: Mode, before: &str) -> String {
        if let Mode::Names(of) = mode {
            return self.name(word, of);
        }
        // Whether a host is meant by the name of an account that everybody has, only the word before it says.
        let is_name = || {
            if words::is_account(word) {
                BEFORE_HOSTS.contains(&before)
            } else {
                !is_common(word) || BEFORE_NAMES.contains(&before)
            }
        };
        if let Some(known) = self.names.known(word)
            && is_name()
        {
            return known.to_owned();
        }
        if stays(word) {
            return word.to_owned();
        }
        if word.contains('.') {
            if ENDINGS.iter().any(|ending| ending.starts_with('.') && word.ends_with(ending)) {
                return self.part(word, false);
            }
            let labels = word.split('.').all(|label| label.is_empty() || stays(label));
            let is_host = words::labels_that_stay(word) > 0
                || word.split('.').any(|label| self.names.known(label).is_some_and(|known| known.starts_with("host-")));
            return match (labels && words::labels_that_stay(word) == 0, is_host) {
                (true, _) => word.to_owned(),
                (false, true) => self.labels(word),
                (false, false) => self.part(word, true),
            };
        }
        self.names.of(word, Of::Word)
    }

    /// A name, or a pattern of names.
    pub(super) fn name(&mut self, name: &str, of: Of) -> String {
        let plain = name.trim_start_matches('!');
        let bangs = &name[..name.len() - plain.len()];
        let lower = plain.to_ascii_lowercase();
        let known = self.names.known(plain).is_some();
        let new = if plain.chars().all(|one| matches!(one, '*' | '?' | '.') || one.is_ascii_digit() && !known)
            || words::is_account(plain) && of != Of::Host
            || NO_NAMES.contains(&lower.as_str()) && !known
        {
            match octets_pattern(plain) {
                Some((octets, rest)) => self.addresses.octets(&octets).unwrap_or_default() + rest,
                None => plain.to_owned(),
            }
        } else if of == Of::Host || plain.contains('.') && !plain.contains('/') {
            self.labels(plain)
        } else if plain.contains(['*', '?']) {
            self.pattern(plain, of)
        } else {
            self.names.of(plain, of)
        };
        format!("{bangs}{new}")
    }

    /// A pattern of names: it matches the pseudonyms of the names that it matched, one pattern for each of them.
    fn pattern(&mut self, pattern: &str, of: Of) -> String {
        let matched: Vec<String> = self
            .names
            .all()
            .filter(|(name, _)| match_pattern(name.as_bytes(), pattern.as_bytes()))
            .map(|(_, pseudonym)| format!("{pseudonym}*"))
            .collect();
        match matched.as_slice() {
            [] => self.names.of(pattern, of) + "*",
            [one] => one.clone(),
            several if of == Of::Host => several[0].clone(),
            several => several.join(" "),
        }
    }

    /// A host name, label by label.
    fn labels(&mut self, name: &str) -> String {
        let labels: Vec<&str> = name.split('.').collect();
        let stay = words::labels_that_stay(name);
        let new = labels.iter().enumerate().map(|(index, label)| {
            let wild = label.contains(['*', '?']);
            let wildcards = label.chars().all(|one| matches!(one, '*' | '?'));
            let number = labels.len() > 1 && label.chars().all(|one| one.is_ascii_digit());
            let service = index == 0 && words::is_service(label);
            if index + stay >= labels.len() || wildcards || number || service {
                (*label).to_owned()
            } else if wild {
                self.pattern(label, Of::Host)
            } else {
                self.names.of(label, Of::Host)
            }
        });
        new.collect::<Vec<_>>().join(".")
    }

    /// What was typed or configured as a host: a name, an address, `[host]:port`, `user@host:path`, a URL.
    pub(super) fn host(&mut self, text: &str) -> String {
        if text.len() > LONGEST {
            return self.names.of(text, Of::Host);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return format!("{scheme}://{}", self.host(rest));
        }
        if text.chars().any(char::is_whitespace) || escape_within(text) {
            return self.words(text, Mode::Names(Of::Host));
        }
        if let Some(address) = self.address(text) {
            return address;
        }
        if let Some((user, host)) = text.split_once('/').map_or(text, |(head, _)| head).rsplit_once('@') {
            let behind = &text[user.len() + 1 + host.len()..];
            return format!("{}@{}", self.user(user), self.host(&format!("{host}{behind}")));
        }
        if let Some((host, path)) = text.split_once('/') {
            return format!("{}/{}", self.host(host), self.path(path));
        }
        if let Some((host, behind)) = text.split_once("]:") {
            return format!("{}]:{}", self.host(host), self.words(behind, Mode::Text));
        }
        if let Some(rest) = text.strip_prefix('[') {
            return format!("[{}", self.host(rest));
        }
        if let Some((host, behind)) = text.split_once(':') {
            let port = behind.chars().all(|one| one.is_ascii_digit());
            return format!("{}:{}", self.host(host), if port { behind.to_owned() } else { self.path(behind) });
        }
        if let Some((host, zone)) = text.split_once('%') {
            return format!("{}%{}", self.host(host), self.zone(zone));
        }
        if text.contains(',') {
            return self.words(text, Mode::Names(Of::Host));
        }
        self.name(text, Of::Host)
    }

    /// An account's name, with a domain before or behind it or without.
    pub(super) fn user(&mut self, text: &str) -> String {
        if text.len() > LONGEST {
            return self.names.of(text, Of::User);
        }
        if text.is_empty() || words::is_account(text) {
            return text.to_owned();
        }
        if let Some((user, domain)) = text.rsplit_once('@') {
            return format!("{}@{}", self.user(user), self.host(domain));
        }
        if let Some((domain, user)) = text.split_once('\\').filter(|(_, user)| !user.starts_with('x')) {
            return format!("{}\\{}", self.host(domain), self.user(user));
        }
        self.names.of(text, Of::User)
    }

    /// An address, with a zone, a port or the length of a network behind it, or in brackets.
    fn address(&mut self, text: &str) -> Option<String> {
        let of = |redactor: &mut Self, address: IpAddr| redactor.addresses.of(address).to_string();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(of(self, address));
        }
        if let Some((base, length)) = text.split_once('/') {
            let (base, length) = (base.parse::<IpAddr>().ok()?, length.parse().ok()?);
            return Some(self.addresses.network(base, length).join(","));
        }
        if let Some((address, zone)) = text.split_once('%') {
            let address = of(self, address.parse().ok()?);
            return Some(format!("{address}%{}", self.zone(zone)));
        }
        if let Some((address, port)) = text.rsplit_once(':')
            && port.chars().all(|one| one.is_ascii_digit())
        {
            let address = of(self, IpAddr::V4(address.parse().ok()?));
            return Some(format!("{address}:{port}"));
        }
        // The beginning of an address that was met.
        let octets = octets(text).filter(|octets| octets.len() == 3 && self.addresses.begins(octets))?;
        self.addresses.octets(&octets)
    }

    /// The interface behind an address: what systems call theirs names nobody.
    fn zone(&mut self, zone: &str) -> String {
        let kinds = ["lo", "eth", "en", "wlan", "wl", "br", "docker", "tun", "tap", "wg", "bond", "vlan"];
        let behind = |kind: &str| {
            zone.strip_prefix(kind)
                .is_some_and(|rest| rest.chars().all(|one| one.is_ascii_digit() || "psfox".contains(one)))
        };
        let usual = zone.chars().all(|one| one.is_ascii_digit()) || kinds.into_iter().any(behind);
        if usual { zone.to_owned() } else { self.names.of(zone, Of::Word) }
    }

    fn fingerprint_in(&mut self, text: &str) -> Option<String> {
        let (hash, rest) = text.split_once(':')?;
        let bare = text.len() == 47 && text.split(':').all(|pair| pair.len() == 2);
        if bare && text.chars().all(|one| one == ':' || one.is_ascii_hexdigit()) {
            return Some(self.fingerprint(&format!("MD5:{text}")).replacen("MD5:", "", 1));
        }
        let known = matches!(hash, "SHA256" | "SHA1" | "MD5" | "SHA512" | "SHA384") && rest.len() > 8;
        known.then(|| self.fingerprint(text))
    }

    /// A fingerprint.
    pub(super) fn fingerprint(&mut self, text: &str) -> String {
        let pseudonym = keys::fingerprint(text);
        if pseudonym != text {
            self.fingerprints.insert(text.to_owned());
        }
        pseudonym
    }

    /// A path, part by part.
    pub(super) fn path(&mut self, path: &str) -> String {
        if !path.contains(['/', '\\']) && stays(path) {
            // A value in the place of a path: `none`, `internal`, `KCM:1000`.
            return path.to_owned();
        }
        let system = SYSTEM.iter().any(|folder| path.starts_with(folder));
        let mut out = String::with_capacity(path.len());
        let mut part = String::new();
        let mut before = String::new();
        let mut rest = path;
        loop {
            let letter = rest.chars().next();
            let ends = letter.is_none_or(|letter| letter == '/' || letter == '\\') && escape(rest).is_none();
            if ends {
                let homes = matches!(before.as_str(), "home" | "Users" | "homes");
                let new = if homes && !part.is_empty() { self.user(&part) } else { self.part(&part, system) };
                out.push_str(&new);
                before = std::mem::take(&mut part);
                let Some(letter) = letter else { break };
                out.push(letter);
                rest = &rest[1..];
            } else {
                let taken = escape(rest).map_or_else(|| letter.map_or(1, char::len_utf8), str::len);
                part.push_str(&rest[..taken]);
                rest = &rest[taken..];
            }
        }
        out
    }

    /// One part of a path.
    fn part(&mut self, part: &str, system: bool) -> String {
        if part.len() > LONGEST {
            return self.names.of(part, Of::File);
        }
        let lower = part.to_lowercase();
        let digits = part.chars().all(|one| one.is_ascii_digit() || matches!(one, '*' | '.' | '%' | '$'));
        if digits || words::is_part(part) || part.starts_with('%') && part.len() == 2 || is_socket(part, system) {
            return part.to_owned();
        }
        if let Some(user) = part.strip_prefix('~') {
            return format!("~{}", self.user(user));
        }
        if let Some(known) = self.names.known(part).filter(|_| !system || !words::is_known(&lower)) {
            return known.to_owned();
        }
        if system && stays(part) || is_slip(part) {
            return part.to_owned();
        }
        if let Some(ending) = ENDINGS.iter().find(|ending| part.len() > ending.len() && part.ends_with(**ending)) {
            return self.part(&part[..part.len() - ending.len()], system) + ending;
        }
        if part.contains(['@', ':', '%', '=', '$', ',']) {
            return self.words(part, Mode::Names(Of::File));
        }
        if part.starts_with("hidraw") {
            return part.to_owned();
        }
        self.names.of(part, Of::File)
    }
}

struct State {
    mode: Mode,
    /// The word before, in lower case.
    before: String,
}

/// Whether a letter is part of a chunk, so that a pattern of names is one.
fn is_of_chunk(letter: char, mode: Mode) -> bool {
    let of_pattern = matches!(mode, Mode::Names(_)) && matches!(letter, '*' | '?' | '!');
    letter.is_alphanumeric() || "_-.+@:/~%#^\u{2}".contains(letter) || of_pattern
}

/// The escape `\xNN` that a text begins with.
fn escape(text: &str) -> Option<&str> {
    let escape = text.get(..4).filter(|escape| escape.starts_with("\\x"))?;
    escape[2..].chars().all(|one| one.is_ascii_hexdigit()).then_some(escape)
}

fn escape_within(text: &str) -> bool {
    text.char_indices().any(|(at, _)| escape(&text[at..]).is_some())
}

/// Whether a word of a message names nobody.
fn stays(word: &str) -> bool {
    let lower = word.to_lowercase();
    let letters = word.chars().filter(|one| one.is_alphabetic()).count();
    let version = word.starts_with(|first: char| first.is_ascii_digit()) && letters <= 4;
    // `deb12u7`, `el9`, `build3`: a distribution's mark on its package.
    let mark = lower.trim_start_matches(|one: char| one.is_ascii_alphabetic());
    let package = ["deb", "ubuntu", "el", "fc", "bpo", "dfsg", "build", "alpine", "hpn"]
        .contains(&&lower[..lower.len() - mark.len()])
        && mark.starts_with(|first: char| first.is_ascii_digit())
        && mark.chars().filter(|one| one.is_alphabetic()).count() <= 4;
    let errno = words::is_errno(word);
    let module = lower.strip_prefix("pam_").is_some_and(words::is_pam);
    let marked = word.starts_with('\u{2}');
    // `OpenSSH_9.2p1` and `Debian-2+deb12u7`: a word that stays, and a version.
    let named_version = word.split_once(['_', '-']).is_some_and(|(name, version)| {
        words::is_known(&name.to_lowercase())
            && version.starts_with(|first: char| first.is_ascii_digit())
            && version.chars().filter(|one| one.is_alphabetic()).count() <= 4
    });
    let priority =
        word.split_once('.').is_some_and(|(facility, level)| FACILITIES.contains(&facility) && LEVELS.contains(&level));
    // sshd prints no blank before this word (auth.c auth_log_authopts).
    let joined = lower.strip_suffix("expires").is_some_and(words::is_known);
    letters == 0
        || joined
        || priority
        || words::is_part(word)
        || words::is_algorithm(&lower)
        || word.chars().count() == 1
        || version
        || package
        || errno
        || module
        || marked
        || named_version
        || words::is_known(&lower)
        || words::is_account(word)
}

/// The octets of an address's beginning.
fn octets(text: &str) -> Option<Vec<u8>> {
    text.split('.').map(|octet| octet.parse().ok()).collect()
}

/// A pattern of addresses: the octets that stand before the first wildcard, and the rest from the dot on.
fn octets_pattern(pattern: &str) -> Option<(Vec<u8>, &str)> {
    let wild = pattern.find(['*', '?'])?;
    let end = pattern[..wild].rfind('.')?;
    Some((octets(&pattern[..end])?, &pattern[end..]))
}

/// Whether it is letters of a key, or of a part of one.
fn is_base64(text: &str) -> bool {
    if !text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '+' | '/')) {
        return false;
    }
    let begins = text.len() >= 12 && text.starts_with("AAAA");
    let has = |kind: fn(&char) -> bool| text.chars().any(|one| kind(&one));
    let mixed = has(char::is_ascii_digit) && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    begins || text.len() >= 40 && mixed && !text.starts_with('/') && text.split('/').any(|part| part.len() >= 16)
}

/// Whether it is a name that an agent, sshd or systemd gives a socket or its folder.
fn is_socket(part: &str, system: bool) -> bool {
    let rest = part.strip_prefix("ssh-").filter(|rest| system && rest.len() >= 6);
    let folder = rest.is_some_and(|rest| rest.chars().all(|one| one.is_ascii_alphanumeric()));
    let agent = part.strip_prefix("agent.").is_some_and(|rest| rest.chars().all(|one| one.is_ascii_digit()));
    folder || agent || part.starts_with("s.") && part.contains(".agent.") || part.contains(".sshd.")
}

/// Whether it is a slip of a name that ssh or sshd looks for, as a person makes it.
fn is_slip(part: &str) -> bool {
    ["authorized_keys", "known_hosts"].iter().any(|name| strsim::osa_distance(name, part) <= 2)
        || matches!(part, "shh" | ".shh" | ".sshd" | "_ssh")
}
