//! Which pseudonym stands for which name.

use std::collections::{BTreeMap, BTreeSet};

use super::words;

/// Beyond so many hosts no more of them are called alike for looking alike.
const MOST_ALIKE: usize = 3000;

/// What a name is of; the pseudonym begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    User,
    Host,
    Group,
    /// A part of a path.
    File,
    /// A word that nobody knows, in a text from outside.
    Word,
}

impl Of {
    const ALL: [Self; 5] = [Self::User, Self::Host, Self::Group, Self::File, Self::Word];

    fn prefix(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Host => "host",
            Self::Group => "group",
            Self::File => "file",
            Self::Word => "word",
        }
    }
}

/// Names and their pseudonyms, one to one.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By name, as it was written.
    given: BTreeMap<String, String>,
    /// By pseudonym.
    issued: BTreeMap<String, String>,
    /// How many were given of each kind.
    counts: BTreeMap<Of, usize>,
    /// Names that no pseudonym may be: they were met.
    met: BTreeSet<String>,
}

impl Names {
    /// Notes that a name was met, so that nothing else is called so.
    pub(super) fn meet(&mut self, name: &str) {
        self.met.insert(name.to_owned());
    }

    /// The pseudonym that a name has already.
    pub(super) fn known(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// Whether this is a pseudonym that was given.
    pub(super) fn is_pseudonym(&self, word: &str) -> bool {
        self.issued.contains_key(word)
    }

    /// Every name and its pseudonym.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|(name, pseudonym)| (name.as_str(), pseudonym.as_str()))
    }

    /// The pseudonym of a name. Names that differ by capitals only have pseudonyms that do.
    pub(super) fn of(&mut self, name: &str, of: Of) -> String {
        if let Some(known) = self.known(name) {
            return known.to_owned();
        }
        let lower = name.to_lowercase();
        let pseudonym = if lower == name {
            self.next(name, of)
        } else {
            let plain = self.of(&lower, of);
            let mut capital = plain.clone();
            if let Some(first) = capital.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let upper = plain.to_ascii_uppercase();
            let all = !name.chars().any(char::is_lowercase);
            let forms = if all { [upper, capital] } else { [capital, upper] };
            let free = forms.into_iter().find(|form| !self.issued.contains_key(form) && !self.met.contains(form));
            free.unwrap_or_else(|| self.next(name, of))
        };
        self.give(name, &pseudonym);
        pseudonym
    }

    /// Takes a pair that an earlier run gave.
    pub(super) fn learn(&mut self, name: &str, pseudonym: &str) {
        if let Some(of) = Of::ALL.into_iter().find(|of| pseudonym.starts_with(of.prefix())) {
            let letters = pseudonym.trim_start_matches(of.prefix()).trim_start_matches('-');
            let count = self.counts.entry(of).or_default();
            *count = (*count).max(number(letters));
        }
        self.give(name, pseudonym);
    }

    fn give(&mut self, name: &str, pseudonym: &str) {
        self.given.insert(name.to_owned(), pseudonym.to_owned());
        self.issued.insert(pseudonym.to_owned(), name.to_owned());
    }

    /// The next pseudonym of the kind; a host that resembles one already named gets its letter and a number.
    fn next(&mut self, name: &str, of: Of) -> String {
        if of == Of::Host
            && let Some(near) = self.nearest(name)
        {
            let stem = near.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
            let free = (2..1_000_000).map(|number| format!("{stem}{number}")).find(|form| !self.taken(form));
            return free.unwrap_or(stem);
        }
        loop {
            let count = self.counts.entry(of).or_default();
            *count += 1;
            let form = format!("{}-{}", of.prefix(), letters(*count));
            if !self.taken(&form) {
                return form;
            }
        }
    }

    fn taken(&self, form: &str) -> bool {
        self.issued.contains_key(form) || self.met.contains(form) || words::is_known(form)
    }

    /// The pseudonym of a host that this name may be a slip of, as checks/resolve.rs takes names for alike.
    fn nearest(&self, name: &str) -> Option<String> {
        if self.counts.get(&Of::Host).is_some_and(|count| *count > MOST_ALIKE) {
            return None;
        }
        let letters = |name: &str| name.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
        let hosts = self.given.iter().filter(|(_, pseudonym)| pseudonym.starts_with("host-"));
        let near = hosts.filter_map(|(known, pseudonym)| {
            let edits = strsim::osa_distance(name, known);
            let length = name.chars().count().min(known.chars().count());
            let alike = (1..=2).contains(&edits) && edits * 3 <= length && letters(name) != letters(known);
            alike.then_some((edits, pseudonym))
        });
        near.min().map(|(_, pseudonym)| pseudonym.clone())
    }
}

/// `a` to `z`, then `aa`; from 1.
fn letters(mut number: usize) -> String {
    let mut out = Vec::new();
    while number > 0 {
        number -= 1;
        out.push(b"abcdefghijklmnopqrstuvwxyz"[number % 26]);
        number /= 26;
    }
    out.iter().rev().map(|letter| char::from(*letter)).collect()
}

/// The number of these letters, those behind them left out; 0 where there are none.
fn number(letters: &str) -> usize {
    let bytes = letters.bytes().take_while(u8::is_ascii_lowercase).take(8);
    bytes.fold(0, |sum, byte| sum * 26 + usize::from(byte - b'a') + 1)
}

/// Whether the words of reports hold this name themselves, so that meeting it in one is no leak, and it is replaced in
/// texts only where it must be a name.
pub(super) fn is_common(name: &str) -> bool {
    words::is_ours(&name.to_lowercase()) || name.chars().count() < 2 || name.chars().all(|one| one.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_pseudonym_and_a_pseudonym_one_name() {
        let mut names = Names::default();
        names.meet("user-b");
        assert_eq!(names.of("alice", Of::User), "user-a");
        assert_eq!(names.of("carol", Of::User), "user-c");
        assert_eq!(names.of("alice", Of::Host), "user-a");
        assert_eq!(names.of("web1", Of::Host), "host-a");
        assert_eq!(names.of("Web1", Of::Host), "Host-a");
        assert_eq!(names.of("WEB1", Of::Host), "HOST-A");
        assert_eq!(names.of("wEB1", Of::Host), "host-b");
    }

    #[test]
    fn a_host_that_resembles_another_is_called_alike() {
        let mut names = Names::default();
        assert_eq!(names.of("staging", Of::Host), "host-a");
        assert_eq!(names.of("stagign", Of::Host), "host-a2");
        assert_eq!(names.of("storage9", Of::Host), "host-b");
    }

    #[test]
    fn letters_are_counted_beyond_z() {
        for number_of in [1, 26, 27, 52, 702, 703] {
            assert_eq!(number(&letters(number_of)), number_of);
        }
        assert_eq!((letters(1), letters(27)), ("a".to_owned(), "aa".to_owned()));
        let mut names = Names::default();
        names.learn("alice", "user-z");
        assert_eq!(names.of("bob", Of::User), "user-aa");
    }
}
