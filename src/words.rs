//! Which words of our command line are ours, and which are ssh's. Our options stand before the host or directly after
//! it; from the first word of the remote command on, everything belongs to the command.

use std::ffi::OsString;

use sshdoctor::openssh::arguments;

/// Subcommands of which this version has nothing but the word.
const RESERVED: [&str; 3] = ["compare", "fleet", "audit"];

/// How unlike a known option a word may be and still be a slip of it.
const LIKENESS: f64 = 0.75;

/// A command line, parted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parted {
    /// Our own options with their values.
    pub(crate) ours: Vec<OsString>,
    /// What is to be done.
    pub(crate) job: Job,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    /// Diagnose the login that these words of ssh, scp, sftp, rsync or git mean.
    Login {
        /// The word that named the program, where there was one.
        typed: Option<OsString>,
        /// What followed it, our own options taken out.
        words: Vec<OsString>,
    },
    /// Look at this client as a whole: no login is meant.
    Checkup,
    /// Explain this cause, or list them.
    Explain(Option<OsString>),
    /// Replay this incident, or all.
    Demo(Option<OsString>),
    /// Judge these saved cases again.
    Case(Vec<OsString>),
    /// Examine this server's side, with these words of its own.
    Server(Vec<OsString>),
    /// Judge transcripts and logs, with these words of its own.
    Log(Vec<OsString>),
}

/// Parts the words that follow `sshdoctor`. `known` are our long options, and whether each takes a value; `tags`:
/// whether ssh's `-P` takes a value.
///
/// # Errors
/// A sentence for the person who typed it.
pub(crate) fn part(words: &[OsString], known: &[(String, bool)], tags: bool) -> Result<Parted, String> {
    let mut parting = Parting { ours: Vec::new(), known, tags };
    let mut rest = words;
    while let Some(behind) = parting.own(rest)? {
        rest = behind;
    }
    let first = rest.split_first().map(|(first, behind)| (first.to_str().unwrap_or_default(), behind));
    let job = match first {
        None if words.iter().all(|word| word != "--") => Job::Checkup,
        // ssh's -v alone is ours too.
        Some((word, [])) if word.len() > 1 && word.starts_with('-') && word[1..].bytes().all(|byte| byte == b'v') => {
            parting.ours.push("-v".into());
            Job::Checkup
        }
        Some(("-h", [])) => {
            parting.ours.push("--help".into());
            Job::Login { typed: None, words: Vec::new() }
        }
        Some(("explain", behind)) => Job::Explain(parting.operand(behind, "explain takes the id of one cause")?),
        Some(("demo", behind)) => Job::Demo(parting.operand(behind, "demo takes the name of one incident")?),
        Some(("case", behind)) => Job::Case(parting.operands(behind)?),
        Some(("server", behind)) => Job::Server(behind.to_vec()),
        Some(("log", behind)) => Job::Log(behind.to_vec()),
        Some(("diagnose", behind)) => Job::Login { typed: None, words: parting.login(None, behind)? },
        Some((word, _)) if RESERVED.contains(&word) => {
            return Err(format!(
                "this version has no {word} yet; `sshdoctor diagnose {word}` diagnoses a host of that name"
            ));
        }
        _ => match rest.split_first() {
            // Their long options may be spelt as ours are: behind the word, all are theirs.
            Some((typed, behind)) if arguments::carrier(typed).is_some() => {
                Job::Login { typed: Some(typed.clone()), words: behind.to_vec() }
            }
            Some((typed, behind)) if arguments::program(typed).is_some() => {
                Job::Login { typed: Some(typed.clone()), words: parting.login(arguments::program(typed), behind)? }
            }
            _ => Job::Login { typed: None, words: parting.login(None, rest)? },
        },
    };
    Ok(Parted { ours: parting.ours, job })
}

/// Whether a word may hold ssh's `-P`, of which only the installed ssh's version says what it means.
pub(crate) fn may_hold_tag(words: &[OsString]) -> bool {
    words
        .iter()
        .map(|word| word.as_encoded_bytes())
        .any(|word| word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&b'P'))
}

struct Parting<'a> {
    ours: Vec<OsString>,
    known: &'a [(String, bool)],
    tags: bool,
}

impl Parting<'_> {
    /// Takes one of our options from the front; `None` where none stands there.
    fn own<'w>(&mut self, words: &'w [OsString]) -> Result<Option<&'w [OsString]>, String> {
        let Some((word, behind)) = words.split_first() else { return Ok(None) };
        let Some(name) = word.as_encoded_bytes().strip_prefix(b"--").filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let name = String::from_utf8_lossy(name.split(|byte| *byte == b'=').next().unwrap_or_default());
        let Some((_, takes_value)) = self.known.iter().find(|(known, _)| *known == name) else {
            return Err(self.unknown(&name));
        };
        self.ours.push(word.clone());
        let attached = word.as_encoded_bytes().contains(&b'=');
        match behind.split_first() {
            Some((value, behind)) if *takes_value && !attached => {
                self.ours.push(value.clone());
                Ok(Some(behind))
            }
            _ => Ok(Some(behind)),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let likeness = |known: &str| strsim::jaro_winkler(name, known);
        let nearest = self.known.iter().map(|(known, _)| (likeness(known), known));
        let nearest = nearest.filter(|(likeness, _)| *likeness >= LIKENESS).max_by(|a, b| a.0.total_cmp(&b.0));
        let name = sshdoctor::facts::text::escape(name.as_bytes());
        match nearest {
            Some((_, known)) => format!("there is no option --{name}; did you mean --{known}?"),
            None => format!("there is no option --{name}"),
        }
    }

    /// The one word that a subcommand takes.
    fn operand(&mut self, words: &[OsString], otherwise: &str) -> Result<Option<OsString>, String> {
        let operands = self.operands(words)?;
        let odd = operands.len() > 1 || operands.first().is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
        if odd { Err(otherwise.to_owned()) } else { Ok(operands.into_iter().next()) }
    }

    /// The words that a subcommand takes, ours taken out; what looks like an option of another's is one of them.
    fn operands(&mut self, words: &[OsString]) -> Result<Vec<OsString>, String> {
        let mut operands = Vec::new();
        let mut rest = words;
        while let Some((word, behind)) = rest.split_first() {
            if let Some(behind) = self.own(rest)? {
                rest = behind;
                continue;
            }
            let bytes = word.as_encoded_bytes();
            if bytes.starts_with(b"-v") && bytes[1..].iter().all(|byte| *byte == b'v') {
                self.ours.push("-v".into());
            } else {
                operands.push(word.clone());
            }
            rest = behind;
        }
        Ok(operands)
    }

    /// The words of `program` (ssh's own where none was named), ours taken out.
    fn login(&mut self, program: Option<&str>, words: &[OsString]) -> Result<Vec<OsString>, String> {
        let name = program.unwrap_or("ssh");
        let mut theirs = Vec::new();
        let mut named = false;
        let mut rest = words;
        while let Some((word, behind)) = rest.split_first() {
            let bytes = word.as_encoded_bytes();
            let is_option = bytes.starts_with(b"-") && bytes.len() > 1;
            if bytes == b"--" || (named && name == "ssh" && !is_option) {
                break;
            }
            if let Some(behind) = self.own(rest)? {
                rest = behind;
                continue;
            }
            theirs.push(word.clone());
            rest = behind;
            // scp and sftp take no option behind an operand.
            if is_option && (name == "ssh" || !named) {
                if arguments::takes_next(name, word, self.tags)
                    && let Some((value, behind)) = rest.split_first()
                {
                    theirs.push(value.clone());
                    rest = behind;
                }
            } else {
                named = true;
            }
        }
        theirs.extend_from_slice(rest);
        Ok(theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(line: &str) -> Result<Parted, String> {
        let words: Vec<OsString> = shlex::split(line).unwrap().into_iter().map(OsString::from).collect();
        let known = crate::cli::long_options();
        part(&words, &known, true)
    }

    fn text(words: &[OsString]) -> String {
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn our_options_stand_before_the_host_or_directly_after_it() {
        for (line, ours, theirs) in [
            ("web1", "", "web1"),
            ("--format json web1", "--format json", "web1"),
            ("web1 --format=json -p 22 --no-login ls --all", "--format=json --no-login", "web1 -p 22 ls --all"),
            ("-p 22 --no-exec web1", "--no-exec", "-p 22 web1"),
            ("-l --no-exec web1", "", "-l --no-exec web1"),
            ("-vvNp 22 --save c web1 ls --save x", "--save c", "-vvNp 22 web1 ls --save x"),
            ("--no-exec -- --no-login --format json", "--no-exec", "-- --no-login --format json"),
            ("web1 -- --format json", "", "web1 -- --format json"),
            ("--no-exec ssh --no-login web1 --format json ls", "--no-exec --no-login --format json", "web1 ls"),
            ("scp -P 22 a web1: --format json", "--format json", "-P 22 a web1:"),
            ("sftp web1 --no-login", "--no-login", "web1"),
            ("--no-login rsync -av --timeout 9 --delete a web1:", "--no-login", "-av --timeout 9 --delete a web1:"),
            ("/usr/bin/git -C x fetch --all", "", "-C x fetch --all"),
            ("diagnose git", "", "git"),
            ("diagnose server --no-login", "--no-login", "server"),
            ("--no-exec diagnose -p 2 demo ls", "--no-exec", "-p 2 demo ls"),
            ("-p 22 explain", "", "-p 22 explain"),
            ("-- demo", "", "-- demo"),
            ("diagnose ssh", "", "ssh"),
            ("-h", "--help", ""),
        ] {
            let found = parted(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let Job::Login { words, .. } = found.job else { panic!("{line}") };
            assert_eq!((text(&found.ours).as_str(), text(&words).as_str()), (ours, theirs), "{line}");
        }
    }

    #[test]
    fn without_a_target_it_is_the_check_up() {
        for (line, ours) in
            [("", ""), ("--format json", "--format json"), ("-v", "-v"), ("--no-login -vv", "--no-login -v")]
        {
            let found = parted(line).unwrap();
            assert_eq!((found.job, text(&found.ours).as_str()), (Job::Checkup, ours), "{line}");
        }
        for line in ["diagnose", "ssh", "-p 22", "--"] {
            assert!(!matches!(parted(line).unwrap().job, Job::Checkup), "{line}");
        }
    }

    #[test]
    fn a_subcommand_counts_only_as_the_first_word_that_is_not_ours() {
        let job = |line: &str| parted(line).unwrap().job;
        assert_eq!(job("explain"), Job::Explain(None));
        assert_eq!(job("--no-login explain no-key-accepted"), Job::Explain(Some("no-key-accepted".into())));
        assert_eq!(job("demo wrong-layer -v"), Job::Demo(Some("wrong-layer".into())));
        assert!(matches!(job("-4 demo"), Job::Login { .. }));
        assert!(matches!(job("a@demo"), Job::Login { .. }));
        for line in ["explain a b", "demo -p 22", "demo a b"] {
            assert!(parted(line).is_err(), "{line}");
        }
    }

    #[test]
    fn words_that_later_versions_will_take_are_answered_in_a_sentence() {
        for word in ["compare", "fleet", "audit"] {
            let said = parted(&format!("{word} x")).unwrap_err();
            assert!(said.contains(&format!("`sshdoctor diagnose {word}`")), "{said}");
        }
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_option() {
        assert!(parted("--no-logn web1").unwrap_err().ends_with("did you mean --no-login?"));
        assert!(parted("--formt=json web1").unwrap_err().ends_with("did you mean --format?"));
        assert_eq!(parted("--xyz web1").unwrap_err(), "there is no option --xyz");
        assert_eq!(parted("web1 --x\u{1b} ls").unwrap_err(), "there is no option --x\\x1b");
    }

    #[test]
    fn only_a_cluster_with_a_capital_p_makes_the_version_matter() {
        let words = |line: &str| shlex::split(line).unwrap().into_iter().map(OsString::from).collect::<Vec<_>>();
        assert!(may_hold_tag(&words("-vP 22 web1")));
        assert!(!may_hold_tag(&words("-p 22 --P Web1 P")));
    }
}
