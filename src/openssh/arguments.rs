//! ssh's, scp's and sftp's own command lines (ssh.c `main`, scp.c `main`, sftp.c `main`): which words are options,
//! which one is the destination, and what belongs to the remote command; and those of rsync and git, which start ssh.

mod destination;
pub mod git;
pub mod rsync;

use std::ffi::{OsStr, OsString};

use destination::Destination;
pub use destination::os;

/// A command line, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `ssh`, `scp`, `sftp`, `rsync` or `git`.
    pub program: String,
    /// The ssh program as it was typed, where that was a path (`/opt/bin/ssh web1`); `None`: the one found on PATH.
    pub path: Option<OsString>,
    /// The options to pass on to `ssh -G`, in ssh's spelling (scp's `-P` is `-p` here); without those that would
    /// make it do something else (`-E -y -f -M -O -Q -V -G`) and those that only change what it says (`-v -q`).
    pub options: Vec<OsString>,
    /// How many words of `options` stood before the destination: of several users and ports, ssh takes the first.
    pub before: usize,
    /// The destination as typed, `user@host`, `ssh://user@host:port`, `git@host:path`.
    pub destination: Option<OsString>,
    /// The host part of the destination.
    pub host: OsString,
    /// The user that the destination names.
    pub user: Option<OsString>,
    /// The port that the destination names (URLs).
    pub port: Option<u16>,
    /// What would run there; never run by us.
    pub command: Vec<OsString>,
    /// The path of the repository that the destination names, as Git gives it to the server's side.
    pub repository: Option<OsString>,
    /// Where ssh is to connect from there with its standard input and output, `[host]:port` (`-W`): it starts itself so for
    /// a jump host.
    pub onward: Option<OsString>,
    /// Whether the command is the name of a subsystem (`-s`).
    pub subsystem: bool,
    /// Whether `-v` was given: for us, the evidence behind each line.
    pub verbose: bool,
}

impl Arguments {
    /// The words between `ssh -G` and the host that mean the same login: the options in their order, the destination's
    /// user and port in their place among them.
    pub fn words(&self) -> Vec<OsString> {
        let (before, after) = self.options.split_at(self.before.min(self.options.len()));
        let mut words = before.to_vec();
        if let Some(user) = &self.user {
            words.extend(["-l".into(), user.clone()]);
        }
        if let Some(port) = self.port {
            words.extend(["-p".into(), port.to_string().into()]);
        }
        words.extend_from_slice(after);
        words
    }

    /// The options of [`Self::words`], in order, a letter and its value.
    pub fn pairs(&self) -> Vec<(u8, Option<OsString>)> {
        let words = self.words();
        let pairs = pairs(words.iter().map(|word| word.as_encoded_bytes()));
        pairs.into_iter().map(|(letter, value)| (letter, value.map(os))).collect()
    }

    /// The options without those that `is_left_out` names, by letter and value; each a word of its own, its value the next.
    pub fn options_but(&self, is_left_out: impl Fn(u8, Option<&OsStr>) -> bool) -> Vec<OsString> {
        let pairs = pairs(self.options.iter().map(|word| word.as_encoded_bytes()));
        let pairs = pairs.into_iter().map(|(letter, value)| (letter, value.map(os)));
        let kept = pairs.filter(|(letter, value)| !is_left_out(*letter, value.as_deref()));
        let words = kept.flat_map(|(letter, value)| {
            let option = OsString::from(format!("-{}", char::from(letter)));
            std::iter::once(option).chain(value)
        });
        words.collect()
    }
}

/// Options in ssh's spelling (as in [`Arguments::options`]), in order, a letter and its value.
pub fn pairs<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Vec<(u8, Option<&'a [u8]>)> {
    let mut pairs = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let &[b'-', letter, ref attached @ ..] = word else { continue };
        let value = match attached {
            [] if SSH.valued.contains(&letter) => words.next(),
            [] => None,
            attached => Some(attached),
        };
        pairs.push((letter, value));
    }
    pairs
}

/// Lower-case keyword and value of a configuration line or of an `-o` option: `Port=22`, `Port 22`, ` Port = "22"`
/// (readconf.c `process_config_line_depth`, misc.c `strdelim`).
pub fn keyword_and_value(line: &[u8]) -> (String, &[u8]) {
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'=').unwrap_or(line.len());
    let keyword = String::from_utf8_lossy(&line[..end]).to_ascii_lowercase();
    let value = line[end..].trim_ascii_start();
    (keyword, value.strip_prefix(b"=").unwrap_or(value).trim_ascii_start())
}

/// The words of an option's value: parted by blanks, `"…"` and `'…'` held together, from `#` on a comment (misc.c
/// `argv_split` with `terminate_on_comment`). What stands behind a missing closing quote is lost, as ssh refuses it.
pub fn value_words(value: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut bytes = value.iter().copied().peekable();
    loop {
        while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
        match bytes.peek() {
            None | Some(b'#') => return words,
            Some(_) => {}
        }
        let mut word = Vec::new();
        let mut quote = None;
        while let Some(byte) = bytes.next_if(|byte| quote.is_some() || !byte.is_ascii_whitespace()) {
            match byte {
                b'\\' => match bytes
                    .next_if(|next| matches!(next, b'\'' | b'"' | b'\\') || (quote.is_none() && *next == b' '))
                {
                    Some(escaped) => word.push(escaped),
                    None => word.push(byte),
                },
                b'"' | b'\'' if quote.is_none() => quote = Some(byte),
                _ if quote == Some(byte) => quote = None,
                _ => word.push(byte),
            }
        }
        if quote.is_some() {
            return words;
        }
        words.push(word);
    }
}

/// User, host and port of an entry of `ProxyJump`.
///
/// # Errors
/// Where it names no host, or a port that is none; a sentence.
pub fn jump_destination(entry: &[u8]) -> Result<(Option<OsString>, OsString, Option<u16>), String> {
    let Destination { user, host, port, .. } = destination::of_jump(entry)?;
    Ok((user.as_deref().map(os), os(&host), port))
}

/// Which letters a program knows.
struct Grammar {
    /// Its name.
    program: &'static str,
    /// Options that take a value.
    valued: &'static [u8],
    /// Options that are passed on as they are, with their value.
    kept: &'static [u8],
    /// Options that mean the same for ssh under another spelling.
    translated: &'static [(u8, &'static str)],
    /// Options that are taken and mean nothing for access.
    dropped: &'static [u8],
}

/// ssh.c `main`, of 9.4 and newer.
const SSH: Grammar =
    Grammar { program: "ssh", valued: b"BbcDEeFIiJLlmOopPQRSWw", kept: b"", translated: &[], dropped: b"Efyqs" };

/// ssh.c `main` before 9.4, where `-P` took no value (and did nothing).
const SSH_BEFORE_9_4: Grammar = Grammar { valued: b"BbcDEeFIiJLlmOopQRSWw", dropped: b"EfPyqs", ..SSH };

/// scp.c `main`.
const SCP: Grammar = Grammar {
    program: "scp",
    valued: b"DFJMPSciloX",
    kept: b"146AcCFiJo",
    translated: &[(b'B', "-oBatchMode=yes")],
    dropped: b"23DdfOlMpqRrSsTtX",
};

/// sftp.c `main`.
const SFTP: Grammar = Grammar {
    program: "sftp",
    valued: b"BbcDFiJloPRsSX",
    kept: b"146AcCFiJo",
    translated: &[(b'b', "-oBatchMode=yes")],
    dropped: b"2aBDfhlNpqRrsSX",
};

/// What scp and sftp tell ssh of their own accord, before anything else, as far as it bears on a login.
pub const COPYING: [&str; 2] = ["-oClearAllForwardings=yes", "-oRemoteCommand=none"];

/// The program that the first word of a command line names, with or without a path: `ssh`, `scp` or `sftp`.
pub fn program(word: &OsStr) -> Option<&'static str> {
    let bytes = word.as_encoded_bytes();
    let name = bytes.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    [SSH, SCP, SFTP].iter().map(|grammar| grammar.program).find(|known| known.as_bytes() == name)
}

/// The program that starts ssh by itself and that the first word of a command line names, with or without a path:
/// `rsync` or `git`.
pub fn carrier(word: &OsStr) -> Option<&'static str> {
    let bytes = word.as_encoded_bytes();
    let name = bytes.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    ["rsync", "git"].into_iter().find(|known| known.as_bytes() == name)
}

/// Whether `word` is a cluster of options of `program` whose last one takes the next word as its value.
pub fn takes_next(program: &str, word: &OsStr, tags: bool) -> bool {
    let grammar = grammar(program, tags);
    let Some(cluster) = word.as_encoded_bytes().strip_prefix(b"-") else { return false };
    match cluster.iter().position(|letter| grammar.valued.contains(letter)) {
        Some(at) => at + 1 == cluster.len(),
        None => false,
    }
}

/// The grammar of `program`; with `tags`, ssh's `-P` takes a value.
fn grammar(program: &str, tags: bool) -> &'static Grammar {
    match program {
        "scp" => &SCP,
        "sftp" => &SFTP,
        _ if tags => &SSH,
        _ => &SSH_BEFORE_9_4,
    }
}

/// Takes a command line apart as ssh 9.4 and newer does; a leading `ssh`, `scp` or `sftp`, with or without a path in
/// front, says whose it is.
///
/// # Errors
/// A sentence for the person who typed it: no destination, a value that is missing, an option that makes no login.
pub fn parse(words: &[OsString]) -> Result<Arguments, String> {
    match words.split_first() {
        Some((first, rest)) if program(first).is_some() => {
            let path = first.as_encoded_bytes().contains(&b'/').then(|| first.clone());
            let arguments = parse_as(program(first), rest, true)?;
            Ok(Arguments { path: path.filter(|_| arguments.program == "ssh"), ..arguments })
        }
        _ => parse_as(None, words, true),
    }
}

/// Takes apart what followed the word `program`; `None` where there was no such word, and `git@host:path` is
/// understood as well. `tags`: whether ssh's `-P` takes a value (from 9.4 on).
///
/// # Errors
/// As [`parse`].
pub fn parse_as(program: Option<&str>, words: &[OsString], tags: bool) -> Result<Arguments, String> {
    let grammar = grammar(program.unwrap_or("ssh"), tags);
    let mut line = Line { arguments: Arguments::default(), port: None, old_protocol: false, grammar };
    grammar.program.clone_into(&mut line.arguments.program);
    match grammar.program {
        "ssh" => line.ssh(words, program.is_none())?,
        _ => line.copying(words)?,
    }
    Ok(line.arguments)
}

/// A command line on its way through the options.
struct Line {
    arguments: Arguments,
    /// `-P` of scp and sftp.
    port: Option<OsString>,
    /// scp's `-O`.
    old_protocol: bool,
    grammar: &'static Grammar,
}

impl Line {
    /// ssh: options, destination, options, command.
    fn ssh(&mut self, words: &[OsString], git_form: bool) -> Result<(), String> {
        let mut rest = words;
        while let Some((word, behind)) = rest.split_first() {
            let bytes = word.as_encoded_bytes();
            if bytes == b"--" {
                rest = behind;
                if self.arguments.destination.is_none()
                    && let Some((word, behind)) = rest.split_first()
                {
                    self.arrive(word, &destination::of_ssh(word, git_form)?);
                    rest = behind;
                }
                break;
            }
            if bytes.starts_with(b"-") && bytes.len() > 1 {
                rest = self.cluster(bytes, behind)?;
                continue;
            }
            if self.arguments.destination.is_some() {
                break;
            }
            self.arrive(word, &destination::of_ssh(word, git_form)?);
            rest = behind;
        }
        if self.arguments.destination.is_none() {
            return Err("no host is named".to_owned());
        }
        if self.arguments.command.is_empty() {
            self.arguments.command = rest.to_vec();
        }
        Ok(())
    }

    /// scp and sftp: options, then operands.
    fn copying(&mut self, words: &[OsString]) -> Result<(), String> {
        self.arguments.options.extend(COPYING.map(OsString::from));
        let mut rest = words;
        while let Some((word, behind)) = rest.split_first() {
            let bytes = word.as_encoded_bytes();
            if bytes == b"--" {
                rest = behind;
                break;
            }
            if !bytes.starts_with(b"-") || bytes.len() == 1 {
                break;
            }
            rest = self.cluster(bytes, behind)?;
        }
        let found = if self.grammar.program == "scp" {
            // Where both ends are remote, the source is logged in to first.
            rest.iter().find_map(|word| destination::of_scp(word).transpose().map(|found| (word, found)))
        } else {
            rest.first().map(|word| (word, destination::of_sftp(word)))
        };
        let Some((word, found)) = found else {
            return Err(format!("no remote host is named in this {} command", self.grammar.program));
        };
        let found = found?;
        // A URL's port goes before -P's, and both behind every -o.
        if let Some(port) = self.port.take().filter(|_| found.port.is_none()) {
            self.arguments.options.extend(["-p".into(), port]);
        }
        self.arrive(word, &found);
        // scp's old protocol runs a command (scp.c `main`, `MODE_SCP`).
        self.arguments.command = vec![if self.old_protocol { "scp".into() } else { "sftp".into() }];
        self.arguments.subsystem = !self.old_protocol;
        Ok(())
    }

    fn arrive(&mut self, word: &OsStr, found: &Destination) {
        self.arguments.before = self.arguments.options.len();
        self.arguments.destination = Some(word.to_owned());
        self.arguments.host = os(&found.host);
        self.arguments.user = found.user.as_deref().map(os);
        self.arguments.port = found.port;
        self.arguments.command.extend(found.path.as_deref().map(os));
        // A URL's path begins at the root, but for somebody's home (git's connect.c `parse_connect_url`).
        let url = word.as_encoded_bytes().starts_with(b"ssh://");
        self.arguments.repository = found.path.as_deref().map(|path| match path {
            path if url && !path.starts_with(b"~") => os(&[b"/", path].concat()),
            path => os(path),
        });
    }

    /// Reads one word of options; returns the words that are left.
    fn cluster<'a>(&mut self, word: &[u8], behind: &'a [OsString]) -> Result<&'a [OsString], String> {
        for (at, &letter) in word.iter().enumerate().skip(1) {
            if !self.grammar.valued.contains(&letter) {
                self.option(letter, None)?;
                continue;
            }
            if at + 1 < word.len() {
                self.option(letter, Some(os(&word[at + 1..])))?;
                return Ok(behind);
            }
            let Some((value, behind)) = behind.split_first() else {
                return Err(format!("-{} needs a value", char::from(letter)));
            };
            self.option(letter, Some(value.clone()))?;
            return Ok(behind);
        }
        Ok(behind)
    }

    fn option(&mut self, letter: u8, value: Option<OsString>) -> Result<(), String> {
        let copying = self.grammar.program != "ssh";
        match letter {
            b'v' => self.arguments.verbose = true,
            b's' if !copying => self.arguments.subsystem = true,
            b'O' if self.grammar.program == "scp" => self.old_protocol = true,
            b's' if self.grammar.program == "scp" => self.old_protocol = false,
            b'P' if copying => self.port = value,
            b'M' if !copying => {}
            b'V' | b'G' | b'Q' | b'O' if !copying => return Err(no_login(letter)),
            _ if self.grammar.dropped.contains(&letter) => {}
            _ => {
                if let Some((_, spelling)) = self.grammar.translated.iter().find(|(known, _)| *known == letter) {
                    self.arguments.options.push(OsString::from(spelling));
                } else if !copying || self.grammar.kept.contains(&letter) {
                    // An unknown letter of ssh too: what ssh says to it is the diagnosis.
                    self.arguments.options.push(os(&[b'-', letter]));
                    self.arguments.options.extend(value);
                } else {
                    return Err(format!("{} has no option -{}", self.grammar.program, letter.escape_ascii()));
                }
            }
        }
        Ok(())
    }
}

/// Why an option of ssh has nothing to be diagnosed.
fn no_login(letter: u8) -> String {
    match letter {
        b'V' => "ssh -V prints a version and makes no login".to_owned(),
        b'G' => "ssh -G prints the configuration and makes no login".to_owned(),
        b'Q' => "ssh -Q lists algorithms and makes no login".to_owned(),
        _ => "ssh -O talks to a running connection and makes no login".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        shlex::split(line).unwrap().into_iter().map(OsString::from).collect()
    }

    fn parsed(line: &str) -> Arguments {
        parse(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn text(words: &[OsString]) -> String {
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_words_for_ssh_mean_the_same_login() {
        for (line, host, passed, command) in [
            ("web1", "web1", "", ""),
            ("ssh web1", "web1", "", ""),
            ("/usr/bin/ssh web1 uptime -p", "web1", "", "uptime -p"),
            ("a@web1", "web1", "-l a", ""),
            ("a@b@web1", "web1", "-l a@b", ""),
            ("-vvNp2222 web1", "web1", "-N -p 2222", ""),
            ("-vvNp 2222 web1", "web1", "-N -p 2222", ""),
            ("web1 -p 2222 -4 ls -l", "web1", "-p 2222 -4", "ls -l"),
            ("-p1 a@web1 -lb -p2", "web1", "-p 1 -l a -l b -p 2", ""),
            ("-- web1 -p 2222", "web1", "", "-p 2222"),
            ("web1 -- -p 2222", "web1", "", "-p 2222"),
            ("web1 -t -- ls", "web1", "-t", "ls"),
            ("-oPort=22 -o 'User x' web1", "web1", "-o Port=22 -o User x", ""),
            ("-fMy -E /tmp/log -qs web1 sftp", "web1", "", "sftp"),
            ("-L 1:2:3 -D9 -R 4:5:6 -W h:1 -w0 web1", "web1", "-L 1:2:3 -D 9 -R 4:5:6 -W h:1 -w 0", ""),
            (
                "-B lo -bm -c aes -e none -F f -I p -i k -J j -m h -P t -S s web1",
                "web1",
                "-B lo -b m -c aes -e none -F f -I p -i k -J j -m h -P t -S s",
                "",
            ),
            ("-1246AaCgKkNnTtXxY web1", "web1", "-1 -2 -4 -6 -A -a -C -g -K -k -N -n -T -t -X -x -Y", ""),
            ("-Z web1", "web1", "-Z", ""),
            ("ssh://web1", "web1", "", ""),
            ("ssh://a;x=y@web1:2222", "web1", "-l a -p 2222", ""),
            ("ssh://a%40b@web1:2222/", "web1", "-l a@b -p 2222", ""),
            ("-p 1 ssh://web1:2 ls", "web1", "-p 1 -p 2", "ls"),
            ("a@::1", "::1", "-l a", ""),
            ("fe80::1%lo", "fe80::1%lo", "", ""),
            ("web1:22", "web1:22", "", ""),
            ("ssh git@host:path", "host:path", "-l git", ""),
            ("git@host:path/repo.git", "host", "-l git", "path/repo.git"),
            ("ssh://git@host/path/repo.git", "host", "-l git", "path/repo.git"),
            (
                "scp -P 2222 -i k file a@web1:dir",
                "web1",
                "-oClearAllForwardings=yes -oRemoteCommand=none -i k -p 2222 -l a",
                "sftp",
            ),
            (
                "/usr/bin/scp -rpvB3 web1:a web2:b",
                "web1",
                "-oClearAllForwardings=yes -oRemoteCommand=none -oBatchMode=yes",
                "sftp",
            ),
            ("scp -P 1 ./a:b [::1]:c", "::1", "-oClearAllForwardings=yes -oRemoteCommand=none -p 1", "sftp"),
            ("scp -P 1 scp://a@web1:2/f .", "web1", "-oClearAllForwardings=yes -oRemoteCommand=none -l a -p 2", "sftp"),
            (
                "sftp -P 2222 -b batch a@web1",
                "web1",
                "-oClearAllForwardings=yes -oRemoteCommand=none -oBatchMode=yes -p 2222 -l a",
                "sftp",
            ),
            ("sftp web1:dir local", "web1", "-oClearAllForwardings=yes -oRemoteCommand=none", "sftp"),
            ("sftp sftp://a@web1:2/d", "web1", "-oClearAllForwardings=yes -oRemoteCommand=none -l a -p 2", "sftp"),
        ] {
            let found = parsed(line);
            assert_eq!(found.host, host, "{line}");
            assert_eq!(text(&found.words()), passed, "{line}");
            assert_eq!(text(&found.command), command, "{line}");
        }
    }

    #[test]
    fn what_makes_no_login_or_names_no_host_is_said_in_words() {
        for (line, part) in [
            ("-V", "version"),
            ("ssh -G web1", "configuration"),
            ("-Q cipher", "algorithms"),
            ("-O check web1", "running connection"),
            ("", "no host"),
            ("ssh", "no host"),
            ("-p 22", "no host"),
            ("-- ", "no host"),
            ("web1 -p", "-p needs a value"),
            ("@web1", "no user"),
            ("a@", "no host"),
            ("ssh://", "no host"),
            ("ssh://web1:0", "port"),
            ("ssh://web1:99999", "port"),
            ("ssh://a%0@web1", "URL"),
            ("ssh://[::1]:22", "IPv6"),
            ("scp scp://a@b!c/d .", "characters"),
            ("ssh ssh://web1/path", "path"),
            ("scp a b", "no remote host"),
            ("scp", "no remote host"),
            ("scp -Z a web1:", "no option -Z"),
            ("sftp -P", "needs a value"),
        ] {
            let error = parse(&words(line)).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn before_9_4_the_letter_p_takes_no_value() {
        let old = parse_as(Some("ssh"), &words("-P 2222 web1"), false).unwrap();
        assert_eq!((old.host.to_str(), text(&old.command)), (Some("2222"), "web1".to_owned()));
        let old = parse_as(Some("ssh"), &words("-P -l alice web1"), false).unwrap();
        assert_eq!(old.pairs(), [(b'l', Some("alice".into()))]);
        let new = parse_as(Some("ssh"), &words("-P tag web1"), true).unwrap();
        assert_eq!((new.host.to_str(), text(&new.command)), (Some("web1"), String::new()));
        assert!(takes_next("ssh", "-NP".as_ref(), true));
        assert!(!takes_next("ssh", "-NP".as_ref(), false));
        assert!(!takes_next("ssh", "-Np22".as_ref(), true));
        assert!(takes_next("ssh", "-Np".as_ref(), true));
    }

    #[test]
    fn a_typed_path_of_ssh_is_kept_and_that_of_scp_is_not() {
        assert_eq!(parsed("/opt/bin/ssh web1").path, Some("/opt/bin/ssh".into()));
        assert_eq!(parsed("/opt/bin/scp a web1:").path, None);
        assert_eq!(parsed("ssh web1").path, None);
        assert!(parsed("-v web1").verbose);
    }

    #[test]
    fn a_line_of_configuration_is_read_in_every_spelling() {
        for line in ["Port=22", "port 22", " PORT = 22 ", "Port\t=22", "Port =\t22"] {
            assert_eq!(keyword_and_value(line.as_bytes()), ("port".to_owned(), b"22".as_slice()), "{line:?}");
        }
        assert_eq!(keyword_and_value(b"Nonsense"), ("nonsense".to_owned(), b"".as_slice()));
        for (value, words) in [
            ("a b\tc", vec!["a", "b", "c"]),
            ("\"a b\" 'c d'e # f", vec!["a b", "c de"]),
            ("a#b \"\"", vec!["a#b", ""]),
            (r#"a\ b \"c"#, vec!["a b", "\"c"]),
            ("a \"b", vec!["a"]),
            ("", vec![]),
        ] {
            let found = value_words(value.as_bytes());
            let found: Vec<_> = found.iter().map(|word| std::str::from_utf8(word).unwrap()).collect();
            assert_eq!(found, words, "{value}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn words_that_are_no_utf_8_pass_unchanged() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = OsString::from_vec(b"-i/k\xff".to_vec());
        let found = parse(&[odd, OsString::from_vec(b"\xfe@web1".to_vec())]).unwrap();
        assert_eq!(found.options, ["-i".into(), OsString::from_vec(b"/k\xff".to_vec())]);
        assert_eq!(found.user, Some(OsString::from_vec(b"\xfe".to_vec())));
    }
}
