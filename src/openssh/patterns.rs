//! Pattern lists with `*`, `?`, `!` (match.c `match_pattern`, `match_pattern_list`, `match_hostname`).

/// What a list of patterns says about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// A pattern matches, and no negated one does.
    Yes,
    /// No pattern matches.
    No,
    /// A negated pattern (`!name`) matches: this rules the text out, whatever else matches.
    Negated,
}

/// The longest sub-pattern that ssh reads; a longer one makes the whole list match nothing (match.c, `sub[1024]`).
const LONGEST_PATTERN: usize = 1022;

/// Whether `text` as a whole matches `pattern`, in which `*` is any number of bytes and `?` is one.
///
/// Only the last `*` is ever returned to, so the effort is at most the product of the two lengths; ssh's own answer is
/// the same, whichever way its version finds it.
pub fn match_pattern(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    // Where to go on when the bytes behind the last `*` do not fit: the pattern behind it, and the text it may eat next.
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                in_pattern += 1;
                retry = Some((in_pattern, at));
            }
            Some(&byte) if byte == b'?' || byte == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((behind, eaten)) = retry else { return false };
                in_pattern = behind;
                at = eaten + 1;
                retry = Some((behind, at));
            }
        }
    }
    pattern[in_pattern..].iter().all(|byte| *byte == b'*')
}

/// What the comma-separated patterns of `list` say about `text`; letters are taken as they are.
pub fn match_pattern_list(text: &[u8], list: &[u8]) -> Match {
    let mut found = Match::No;
    if list.is_empty() {
        return found;
    }
    // A comma at the very end does not begin another, empty pattern.
    let list = list.strip_suffix(b",").unwrap_or(list);
    for entry in list.split(|byte| *byte == b',') {
        let (negated, pattern) = match entry.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, entry),
        };
        if pattern.len() > LONGEST_PATTERN {
            return Match::No;
        }
        if !match_pattern(text, pattern) {
            continue;
        }
        if negated {
            return Match::Negated;
        }
        found = Match::Yes;
    }
    found
}

/// What the patterns say about a host name or address: as [`match_pattern_list`], upper and lower case being the same.
pub fn match_hostname(host: &[u8], list: &[u8]) -> Match {
    match_pattern_list(&host.to_ascii_lowercase(), &list.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_ssh() {
        let yes: &[(&str, &str)] = &[
            ("", ""),
            ("", "*"),
            ("", "***"),
            ("a", "?"),
            ("web1.example.org", "*.example.org"),
            ("web1", "web?"),
            ("web1", "w*1"),
            ("aXbXc", "a*b*c"),
            ("abcabc", "*abc"),
            ("a*b", "a*b"),
            ("mississippi", "*iss*ip*"),
            ("10.0.0.1", "10.0.*"),
        ];
        for (text, pattern) in yes {
            assert!(match_pattern(text.as_bytes(), pattern.as_bytes()), "{text:?} {pattern:?}");
        }
        let no: &[(&str, &str)] = &[
            ("", "?"),
            ("a", ""),
            ("web12", "web?"),
            ("Web1", "web1"),
            ("example.org", "*.example.org"),
            ("abcd", "*abc"),
            ("ab", "a?b"),
            ("mississippi", "*iss*x*"),
        ];
        for (text, pattern) in no {
            assert!(!match_pattern(text.as_bytes(), pattern.as_bytes()), "{text:?} {pattern:?}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_ends_soon() {
        let text = vec![b'a'; 20_000];
        let mut pattern = b"*a".repeat(500);
        pattern.push(b'b');
        assert!(!match_pattern(&text, &pattern));
    }

    #[test]
    fn a_negated_pattern_wins_wherever_it_stands() {
        assert_eq!(match_pattern_list(b"web1", b"web*,!web1"), Match::Negated);
        assert_eq!(match_pattern_list(b"web1", b"!web1,web*"), Match::Negated);
        assert_eq!(match_pattern_list(b"web2", b"web*,!web1"), Match::Yes);
        assert_eq!(match_pattern_list(b"db", b"!web1"), Match::No);
        assert_eq!(match_pattern_list(b"db", b""), Match::No);
        assert_eq!(match_pattern_list(b"", b","), Match::Yes);
        assert_eq!(match_pattern_list(b"", b"a,"), Match::No);
    }

    #[test]
    fn host_names_match_in_any_case_and_other_texts_do_not() {
        assert_eq!(match_hostname(b"WEB1.Example.org", b"*.EXAMPLE.org"), Match::Yes);
        assert_eq!(match_pattern_list(b"Deploy", b"deploy"), Match::No);
    }

    #[test]
    fn a_pattern_longer_than_ssh_reads_matches_nothing() {
        let long = [b"web1,".as_slice(), &[b'*'; 1023]].concat();
        assert_eq!(match_pattern_list(b"web1", &long), Match::No);
    }
}
