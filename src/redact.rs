//! Facts without names: each name, address, key and part of a path replaced by a pseudonym that keeps what a diagnosis
//! needs (same or different, which range, whose home, which type of key).
//!
//! What is replaced follows the types of the facts, not the look of a text: `kinds` writes them as a tree in which every text says of
//! which kind it is. A redacted report is the report of redacted facts, and a last look over the finished text
//! ([`Redactor::leak`]) finds a name that came through all the same.

mod addresses;
mod apart;
mod keys;
mod kinds;
mod names;
mod text;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use serde_json::Value;

use crate::facts::{Facts, Redacted};
use addresses::Addresses;
pub use apart::apart;
use keys::Blobs;
use kinds::Kind;
use names::{Names, Of, is_common};
use text::Mode;

/// Options whose values are names, and of what.
const NAMED: &[(&str, Of)] = &[
    ("allowusers", Of::User),
    ("denyusers", Of::User),
    ("user", Of::User),
    ("localuser", Of::User),
    ("authorizedkeyscommanduser", Of::User),
    ("authorizedprincipalscommanduser", Of::User),
    ("allowgroups", Of::Group),
    ("denygroups", Of::Group),
    ("host", Of::Host),
    ("hostname", Of::Host),
    ("hostkeyalias", Of::Host),
    ("proxyjump", Of::Host),
    ("canonicaldomains", Of::Host),
    ("match", Of::User),
];

/// Options whose values are algorithms and methods alone.
const LISTS: &[&str] = &[
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "hostbasedacceptedalgorithms",
    "hostbasedacceptedkeytypes",
    "hostbasedkeytypes",
    "pubkeykeytypes",
    "casignaturealgorithms",
    "preferredauthentications",
    "authenticationmethods",
    "kbdinteractivedevices",
    "rekeylimit",
    "ipqos",
    "server-sig-algs",
];

/// Fields of bare strings that a program chose, and no person.
const PROGRAMS_OWN: &[&str] = &[
    "os",
    "version",
    "local",
    "algorithm",
    "ca_algorithm",
    "errno",
    "error",
    "code",
    "kex",
    "host_key",
    "cipher",
    "mac",
    "cipher_client_to_server",
    "cipher_server_to_client",
    "mac_client_to_server",
    "mac_server_to_client",
    "compression_client_to_server",
    "compression_server_to_client",
    "methods",
    "method",
    "admitted_by",
    "program",
    "kind",
    "setting",
    "pem",
    "wrong-type",
    "exit_signal",
    "environment",
];

/// What a word is called that was met in a text from outside, and that nobody knows.
const WORD: &str = "a word from outside";
/// A word of a text from outside that is no longer than this names nobody by itself; what is a name elsewhere is looked for
/// at any length.
const SHORTEST_WORD: usize = 2;

/// What a finished text is searched for.
struct Look<'a> {
    /// Names, and what they are.
    secrets: HashMap<&'a str, &'static str>,
    /// Addresses that no pseudonym is.
    hidden: HashMap<String, &'static str>,
    /// Addresses that are pseudonyms.
    addresses: HashSet<String>,
    /// The most runs of letters and digits that one of them has.
    longest: usize,
}

/// A name that came through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// What it is, `a host name`: for the sentence that says why nothing is printed.
    pub kind: &'static str,
    /// The name itself, which that sentence does not say.
    pub name: String,
}

/// Gives pseudonyms, the same one for the same name as long as it lives.
#[derive(Debug, Default)]
pub struct Redactor {
    names: Names,
    addresses: Addresses,
    blobs: Blobs,
    /// Fingerprints that were replaced.
    fingerprints: BTreeSet<String>,
    /// Names that are no single words, longest first.
    phrases: Vec<String>,
    /// The mark of the map that the pseudonyms are kept in.
    map: Option<String>,
}

impl Redactor {
    /// One that goes on from an earlier run's pairs of pseudonym and name, as [`Redactor::pairs`] gave them.
    pub fn of_map(mark: &str, pairs: &BTreeMap<String, String>) -> Self {
        let mut redactor = Self { map: Some(mark.to_owned()), ..Self::default() };
        for (pseudonym, name) in pairs {
            match (name.parse::<IpAddr>(), pseudonym.parse::<IpAddr>()) {
                (Ok(name), Ok(pseudonym)) => redactor.addresses.learn(name, pseudonym),
                _ if pseudonym.starts_with("SHA256:") => drop(redactor.fingerprints.insert(name.clone())),
                _ => redactor.names.learn(name, pseudonym),
            }
        }
        redactor.find_phrases();
        redactor
    }

    /// Every pseudonym that was given, and what it stands for.
    pub fn pairs(&self) -> BTreeMap<String, String> {
        let names = self.names.all().map(|(name, pseudonym)| (pseudonym.to_owned(), name.to_owned()));
        let addresses = self.addresses.known().map(|(address, pseudonym)| (pseudonym.to_string(), address.to_string()));
        let keys = self.fingerprints.iter().map(|original| (keys::fingerprint(original), original.clone()));
        names.chain(addresses).chain(keys).collect()
    }

    /// The facts with pseudonyms in the place of names. Facts that have them already stay as they are.
    ///
    /// # Errors
    /// Where the facts cannot be put together again, which is a fault of this program.
    pub fn facts(&mut self, facts: &Facts) -> Result<Facts, serde_json::Error> {
        if facts.redacted.is_some() {
            return Ok(facts.clone());
        }
        let mut tree = kinds::tree(facts)?;
        self.meet(&tree);
        for first in ["target", "run", "account"] {
            if let Some(part) = tree.get(first) {
                self.learn(&part.clone());
            }
        }
        self.learn(&tree);
        self.find_phrases();
        self.replace(&mut tree, &mut Vec::new());
        let mut redacted: Facts = serde_json::from_value(tree)?;
        redacted.mended.clone_from(&facts.mended);
        redacted.redacted = Some(Redacted { map: self.map.clone() });
        Ok(redacted)
    }

    /// One line of a transcript or a log, by the names that the facts of the same login gave.
    pub fn line(&mut self, line: &str) -> String {
        self.log_line(line)
    }

    /// What kind of thing came through in a finished text; `None` where nothing did. Words that our own texts hold are
    /// no leak.
    pub fn leak(&self, text: &str) -> Option<Leak> {
        let secrets: HashMap<&str, &'static str> = self.secrets().collect();
        let addresses: HashSet<String> = self.addresses.known().map(|(_, pseudonym)| pseudonym.to_string()).collect();
        let hidden: HashMap<String, &'static str> = self
            .addresses
            .known()
            .map(|(address, _)| address.to_string())
            // Our own commands have the first one of documentation in them.
            .filter(|address| !addresses.contains(address) && address != "192.0.2.1")
            .map(|address| (address, "an address"))
            .collect();
        let look = Look {
            longest: secrets.keys().copied().chain(hidden.keys().map(String::as_str)).map(runs_of).max().unwrap_or(0),
            secrets,
            hidden,
            addresses,
        };
        let with_escapes = unescaped(text);
        [text, with_escapes.as_str()].into_iter().find_map(|text| self.leak_in(text, &look))
    }

    fn leak_in(&self, text: &str, look: &Look<'_>) -> Option<Leak> {
        let runs: Vec<(usize, &str)> = runs(text);
        let mut at = 0;
        while at < runs.len() {
            let start = runs[at].0;
            let ends = runs[at..].iter().take(look.longest).map(|(start, run)| start + run.len());
            let ends: Vec<usize> = ends.take_while(|end| !text[start..*end].contains([' ', '\n'])).collect();
            let whole = |end: &usize| &text[start..*end];
            // A pseudonym may hold what is a name elsewhere.
            let is_pseudonym = |word: &str| self.is_pseudonym(word) || look.addresses.contains(word);
            if let Some(skip) = ends.iter().rposition(|end| is_pseudonym(whole(end))) {
                at += skip + 1;
                continue;
            }
            let found = ends.iter().find_map(|end| {
                let kind = look.secrets.get(whole(end)).or_else(|| look.hidden.get(whole(end)))?;
                // A word of a text from outside may well be part of a name that everybody has, `pam_loginuid.so`.
                let joins = |one: char| matches!(one, '-' | '_' | '.');
                let part = text[..start].ends_with(joins) || text[*end..].starts_with(joins);
                // Of folders that everybody has the names stay.
                let folder = text[..start].ends_with('/') && words::is_part(whole(end));
                let of_person = ["home/", "homes/", "Users/"].iter().any(|homes| text[..start].ends_with(homes));
                let stays = part && *kind == WORD || folder && !of_person;
                (!stays).then(|| Leak { kind, name: whole(end).to_owned() })
            });
            if found.is_some() {
                return found;
            }
            at += 1;
        }
        let fingerprint = self.fingerprints.iter().find(|secret| text.contains(secret.as_str()));
        let fingerprint = fingerprint.map(|name| ("a fingerprint", name.as_str()));
        let key = || self.blobs.letters().find(|letters| letters.len() > 70 && text.contains(&letters[26..66]));
        let phrase = || self.phrases.iter().find(|phrase| text.contains(phrase.as_str()));
        let found = fingerprint
            .or_else(|| key().map(|name| ("a public key", name)))
            .or_else(|| phrase().map(|name| ("a name", name.as_str())));
        found.map(|(kind, name)| Leak { kind, name: name.to_owned() })
    }

    fn is_pseudonym(&self, word: &str) -> bool {
        word.contains('-') && (self.names.is_pseudonym(word) || self.names.is_pseudonym(&word.to_lowercase()))
    }

    /// What must not come through, and what it is.
    fn secrets(&self) -> impl Iterator<Item = (&str, &'static str)> {
        // A host may be called as an account that everybody has, whose name stays.
        let names = self.names.all().filter(|(name, _)| !is_common(name) && !words::is_account(name));
        let secrets = names.map(|(name, pseudonym)| {
            let kind = match pseudonym.split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "user" => "a user name",
                "host" => "a host name",
                "group" => "the name of a group",
                "file" => "a part of a path",
                _ => WORD,
            };
            (name, kind)
        });
        // One letter or two of bytes that are no words at all stand in any report.
        secrets.filter(|(name, kind)| *kind != WORD || name.chars().count() > SHORTEST_WORD)
    }

    /// Notes every name, so that no pseudonym is one.
    fn meet(&mut self, tree: &Value) {
        each(tree, &mut |kind, text| {
            if matches!(kind, Kind::User | Kind::Host | Kind::Group) {
                for word in text.split(|one: char| !(one.is_alphanumeric() || one == '-' || one == '_')) {
                    self.names.meet(word);
                }
            }
        });
    }

    /// Gives every text that is a name its pseudonym, before texts in which names may stand are looked at.
    fn learn(&mut self, tree: &Value) {
        let mut typed = Vec::new();
        each(tree, &mut |kind, text| {
            if !matches!(kind, Kind::Server | Kind::Plain | Kind::Comment | Kind::Path) {
                typed.push((kind, text.to_owned()));
            }
        });
        // A group is often named as its only member is.
        let rank = |kind: &Kind| match kind {
            Kind::User => 0,
            Kind::Host => 1,
            _ => 2,
        };
        typed.sort_by_key(|(kind, _)| rank(kind));
        for (kind, text) in typed {
            self.typed(kind, &text);
        }
    }

    fn find_phrases(&mut self) {
        let is_word = |name: &str| name.chars().all(|one| one.is_alphanumeric() || "_-.+".contains(one));
        let mut phrases: Vec<String> =
            self.names.all().map(|(name, _)| name.to_owned()).filter(|name| !is_word(name) && name.len() > 2).collect();
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        phrases.truncate(text::MOST_PHRASES);
        self.phrases = phrases;
    }

    /// A text whose type says what it is.
    fn typed(&mut self, kind: Kind, text: &str) -> String {
        match kind {
            Kind::User => self.user(text),
            Kind::Host | Kind::Address => self.host(text),
            Kind::Group => match text {
                "" => String::new(),
                _ => self.name(text, Of::Group),
            },
            Kind::Path => self.path(text),
            Kind::Comment => self.words(text, Mode::Names(Of::Word)),
            Kind::Fingerprint => self.fingerprint(text),
            Kind::Blob => {
                let letters = text.trim_end_matches('=');
                let new = self.blobs.of(letters).unwrap_or_default();
                new + &text[letters.len()..]
            }
            Kind::Server | Kind::Plain => self.words(text, Mode::Text),
        }
    }

    /// Replaces every text of the tree; `within`: the keys on the way to it.
    fn replace(&mut self, tree: &mut Value, within: &mut Vec<String>) {
        match tree {
            Value::String(text) => {
                if let Some((kind, text_of)) = kinds::kind(text) {
                    *text = self.text(kind, text_of, within);
                }
            }
            Value::Array(list) => {
                match within.last().map(String::as_str) {
                    Some("start") => shorten(list),
                    // Lines that nobody knows may say anything.
                    Some("frequent") => list.clear(),
                    _ => {}
                }
                if within.last().is_some_and(|key| key == "arguments") {
                    return self.arguments(list);
                }
                if let Some((keyword, value)) = pair(list) {
                    list[0] = Value::String(self.words(&keyword, Mode::Text));
                    list[1] = Value::String(self.option(&keyword.to_ascii_lowercase(), &value));
                    return;
                }
                for value in list {
                    self.replace(value, within);
                }
            }
            Value::Object(fields) => {
                let keyword = fields.get("keyword").and_then(Value::as_str).and_then(kinds::kind);
                let keyword = keyword.map(|(_, keyword)| keyword.to_ascii_lowercase());
                for (key, value) in fields {
                    let text = value.as_str().and_then(kinds::kind).map(|(_, text)| text.to_owned());
                    if key == "value"
                        && let (Some(keyword), Some(text)) = (&keyword, text)
                    {
                        *value = Value::String(self.option(keyword, &text));
                        continue;
                    }
                    within.push(key.clone());
                    self.replace(value, within);
                    within.pop();
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, kind: Kind, text: &str, within: &[String]) -> String {
        let has = |key: &str| within.iter().any(|within| within == key);
        let last = within.last().map(String::as_str).unwrap_or_default();
        match (kind, last) {
            (Kind::Plain, key) if PROGRAMS_OWN.contains(&key) => self.algorithms(text),
            (Kind::Server, "key_id" | "principals") => self.words(text, Mode::Names(Of::User)),
            (Kind::Server, _) if has("principals") => self.words(text, Mode::Names(Of::User)),
            (Kind::Server, "repository") => self.path(text),
            (Kind::Server, "lines") if has("log") => self.log_line(text),
            (Kind::Server, "what" | "others") if has("log") => self.of_login(text),
            (Kind::Server, "lines" | "line" | "matched") if !has("log") && !has("machine") => self.config_line(text),
            (Kind::Server, "text") if has("applied") => match text.rsplit_once(" for ") {
                Some((before, patterns)) => format!("{before} for {}", self.words(patterns, Mode::Names(Of::Host))),
                None => self.words(text, Mode::Text),
            },
            _ => self.typed(kind, text),
        }
    }

    /// The value of an option.
    fn option(&mut self, keyword: &str, value: &str) -> String {
        if LISTS.contains(&keyword) {
            return self.algorithms(value);
        }
        match NAMED.iter().find(|(named, _)| *named == keyword) {
            Some((_, of)) => self.words(value, Mode::Names(*of)),
            None => self.words(value, Mode::Text),
        }
    }

    /// Names of algorithms and methods: those of OpenSSH's have its domain behind them, others may have anybody's.
    fn algorithms(&mut self, list: &str) -> String {
        let names = list.split(',').map(|name| match name.split_once('@') {
            Some((plain, domain)) => format!("{plain}@{}", self.host(domain)),
            None => name.to_owned(),
        });
        names.collect::<Vec<_>>().join(",")
    }

    /// A line of a configuration file.
    fn config_line(&mut self, line: &str) -> String {
        let start = line.len() - line.trim_start().len();
        let end = line[start..].find([' ', '\t', '=']).map_or(line.len(), |end| start + end);
        let keyword = line[start..end].to_ascii_lowercase();
        if LISTS.contains(&keyword.as_str()) || NAMED.iter().any(|(named, _)| *named == keyword) {
            return format!("{}{}", &line[..end], self.option(&keyword, &line[end..]));
        }
        self.words(line, Mode::Text)
    }

    /// ssh's options as they were typed.
    fn arguments(&mut self, list: &mut [Value]) {
        let mut before = String::new();
        for value in list {
            let Some((_, text)) = value.as_str().and_then(kinds::kind) else { continue };
            let text = text.to_owned();
            let new = match (before.as_str(), text.get(..2)) {
                ("-o", _) => self.config_line(&text),
                ("-l", _) => self.user(&text),
                ("-J" | "-b", _) => self.words(&text, Mode::Names(Of::Host)),
                ("-i" | "-F" | "-I" | "-S" | "-E", _) => self.path(&text),
                (_, Some("-o")) => format!("-o{}", self.config_line(&text[2..])),
                (_, Some("-l")) => format!("-l{}", self.user(&text[2..])),
                (_, Some("-J" | "-b")) => format!("{}{}", &text[..2], self.words(&text[2..], Mode::Names(Of::Host))),
                (_, Some("-i" | "-F" | "-I" | "-S" | "-E")) => format!("{}{}", &text[..2], self.path(&text[2..])),
                (_, Some(_)) if text.starts_with('-') && text.len() < 8 => text.clone(),
                _ => self.words(&text, Mode::Text),
            };
            before = text;
            *value = Value::String(new);
        }
    }
}

/// Every text of the tree that has a kind.
fn each(tree: &Value, seen: &mut dyn FnMut(Kind, &str)) {
    match tree {
        Value::String(text) => {
            if let Some((kind, text)) = kinds::kind(text) {
                seen(kind, text);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| each(value, seen)),
        Value::Object(fields) => fields.values().for_each(|value| each(value, seen)),
        _ => {}
    }
}

/// A keyword and its value.
fn pair(list: &[Value]) -> Option<(String, String)> {
    let [keyword, value] = list else { return None };
    match (kinds::kind(keyword.as_str()?)?, kinds::kind(value.as_str()?)?) {
        ((Kind::Plain, keyword), (Kind::Server, value)) => Some((keyword.to_owned(), value.to_owned())),
        _ => None,
    }
}

/// The first bytes of a file: what tells its encoding and a revocation list, and nothing of what was written in it.
fn shorten(bytes: &mut Vec<Value>) {
    let is_list = bytes.iter().zip(b"SSHKRL").all(|(byte, letter)| byte.as_u64() == Some(u64::from(*letter)));
    bytes.truncate(if is_list { 6 } else { 3 });
}

/// The runs of letters and digits, and where each begins.
fn runs(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match (letter.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                out.push((from, &text[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    out
}

fn runs_of(secret: &str) -> usize {
    runs(secret).len()
}

/// The text with what JSON and our own escapes write for a character taken for a blank.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        out.push(' ');
        let behind = &rest[at + 1..];
        let skip = match behind.as_bytes().first() {
            Some(b'x') => 3,
            Some(b'u') => 5,
            Some(b'n' | b't' | b'r' | b'b' | b'f' | b'"' | b'/') => 1,
            _ => 0,
        };
        rest = behind.get(skip..).unwrap_or_default();
    }
    out + rest
}
