//! Transcripts of ssh and logs of sshd, as they are kept or pasted: which lines are whose, which login is meant, and what
//! they state of it.
//!
//! Touches: the files that are named, to read them, each once and in pieces, whatever their size.

mod clients;
mod kit;
mod lines;
mod paste;
mod sshd;
mod typed;
mod wrappings;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;

pub use kit::{Shell, kit};
pub use lines::lines;

use clients::Clients;
use kit::Kit;
use paste::Paste;

use super::transcript::{self, is_known};
use crate::facts::Facts;
use crate::facts::log::Log;
use crate::facts::text::{Path, ServerText};
use crate::openssh::sshd::log::stamps::Clock;
use sshd::Logins;
use wrappings::Others;

/// How much is read at a time.
const PIECE: usize = 64 * 1024;
/// No paste has a command line behind more lines of which nothing is known.
const MOST_PASTED: u64 = 100_000;
/// How many kinds of unknown lines are counted apart.
const MOST_KINDS: usize = 512;
/// How much of an unknown line is kept.
const LONGEST_KIND: usize = 120;
/// How many kinds of unknown lines are told.
const MOST_FREQUENT: usize = 10;

/// Which login is meant, where that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The account that is logged in to.
    pub user: Option<String>,
    /// The host that was dialled, or the client's address in sshd's log.
    pub host: Option<String>,
    /// The process of sshd.
    pub pid: Option<u32>,
}

/// The facts of the login that these files are about. `-` is standard input.
///
/// # Errors
/// Where a file cannot be read, or no line of any file is ssh's or sshd's; a sentence that names the file.
pub fn read(files: &[OsString], choice: &Choice) -> anyhow::Result<Facts> {
    let mut sorter = Sorter { server: Logins::new(choice, clock()), ..Sorter::default() };
    for (at, file) in files.iter().enumerate() {
        let name = named(file);
        sorter.file(name.clone());
        let cut = each_line(file, |number, line| sorter.line(at, number, line)).with_context(|| name.to_string())?;
        sorter.cut = sorter.cut.saturating_add(cut);
    }
    sorter.facts(choice)
}

/// This machine's time and zone, for stamps that leave out their year and their zone.
fn clock() -> Clock {
    let now = jiff::Zoned::now();
    Clock {
        year: i64::from(now.year()),
        now: now.timestamp().as_second(),
        offset_seconds: i64::from(now.offset().seconds()),
    }
}

/// The same of what a reader gives, under that name.
///
/// # Errors
/// Where it cannot be read, or no line of it is ssh's or sshd's; a sentence.
pub fn read_from(name: &str, reader: &mut dyn Read, choice: &Choice) -> anyhow::Result<Facts> {
    let mut sorter = Sorter::default();
    sorter.file(name.into());
    sorter.cut = lines_of(reader, |number, line| sorter.line(0, number, line))?;
    sorter.facts(choice)
}

/// The file's name in reports.
fn named(file: &OsStr) -> Path {
    if file == "-" { "standard input".into() } else { Path::from_path(file.as_ref()) }
}

/// Hands over every line of a file, with its number. How many of them were cut.
fn each_line(file: &OsStr, line: impl FnMut(u64, &str)) -> anyhow::Result<u64> {
    if file == "-" {
        return lines_of(&mut io::stdin().lock(), line);
    }
    let mut opened = File::open(file)?;
    ensure!(!opened.metadata()?.is_dir(), "it is a folder");
    lines_of(&mut opened, line)
}

/// The same of what is open.
fn lines_of(reader: &mut dyn Read, mut line: impl FnMut(u64, &str)) -> anyhow::Result<u64> {
    let mut piece = vec![0; PIECE];
    let mut paste = Paste::new(&is_somebodys);
    let mut line = |number: u64, text: &str| wrappings::unwrapped(text, &is_somebodys, &mut |text| line(number, text));
    loop {
        let count = reader.read(&mut piece)?;
        if count == 0 {
            break;
        }
        paste.feed(&piece[..count], &mut line)?;
    }
    paste.end(&mut line)?;
    Ok(paste.cut())
}

/// The program that wrote a line of syslog (RFC 3164 section 4.1, or with a time as RFC 3339 writes it), `CRON`; `None` for
/// other lines.
fn stamped(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let at = |place: usize, byte: u8| bytes.get(place) == Some(&byte);
    let old = at(3, b' ') && at(6, b' ') && at(9, b':') && at(12, b':') && at(15, b' ');
    let new = at(4, b'-') && at(7, b'-') && at(10, b'T') && at(13, b':') && at(16, b':');
    let rest = match (old, new) {
        (true, _) => line.get(16..)?,
        (_, true) => line.split_once(' ')?.1,
        _ => return None,
    };
    let rest = rest.split_once(' ')?.1;
    let tag = rest.get(..memmem::find(rest.as_bytes(), b": ")?)?;
    let program = tag.split_once('[').map_or(tag, |(program, _)| program);
    (!program.is_empty() && !program.contains(' ')).then_some(program)
}

/// Whether the line is ssh's, sshd's or another program's as it stands, with nothing before it.
fn is_somebodys(line: &str) -> bool {
    is_known(line) || wrappings::is_known(line) || kit::is_mark(line) || sshd::is_line(line)
}

/// Lines, sorted as they come; what it holds does not grow with what it is given.
#[derive(Debug, Default)]
struct Sorter {
    files: Vec<Path>,
    lines: u64,
    cut: u64,
    unknown: u64,
    kinds: HashMap<String, u64>,
    clients: Clients,
    server: Logins,
    others: Others,
    kit: Kit,
}

impl Sorter {
    /// Another file begins.
    fn file(&mut self, name: Path) {
        self.files.push(name);
        self.server.file();
    }

    fn line(&mut self, file: usize, number: u64, line: &str) {
        if line.is_empty() {
            return;
        }
        self.lines += 1;
        if let Some(program) = stamped(line) {
            // sshd's, or another program's: then it is none of ssh's.
            let named = |name: &[u8]| memmem::find(line.as_bytes(), name).is_some();
            // What it logs of its configuration is what `sshd -t` prints.
            if named(b"sshd_config")
                && let Some(words) = sshd::of_configuration(line)
                && self.kit.line(file, number, words)
            {
                return;
            }
            let old = line.as_bytes().get(3) == Some(&b' ');
            let others = old && !named(b"sshd") && !named(b"dropbear");
            if others || !self.server.line(file, number, line) {
                self.unknown(program);
            }
            return;
        }
        if self.kit.line(file, number, line) {
            return;
        }
        if self.server.line(file, number, line) {
            return;
        }
        // What ends a session stands behind the prompt that it leaves.
        let line = paste::behind_prompt(line).filter(|words| ends_session(words)).unwrap_or(line);
        if is_known(line) {
            self.clients.line(file, number, line);
            return;
        }
        if self.others.line(&self.files[file], number, line) {
            return;
        }
        if self.unknown < MOST_PASTED
            && let Some(typed) = typed::typed(line)
        {
            self.clients.typed(file, number, typed);
            self.unknown += 1;
            return;
        }
        self.clients.prompt(line);
        self.clients.shown(file, line);
        let kind: String = line.chars().filter(|character| !character.is_ascii_digit()).take(LONGEST_KIND).collect();
        self.unknown(&kind);
    }

    /// Counts a line of which nothing is known.
    fn unknown(&mut self, kind: &str) {
        self.unknown += 1;
        if let Some(count) = self.kinds.get_mut(kind) {
            *count += 1;
        } else if self.kinds.len() < MOST_KINDS {
            self.kinds.insert(kind.chars().take(LONGEST_KIND).collect(), 1);
        }
    }

    /// The facts of the login that is meant.
    fn facts(mut self, choice: &Choice) -> anyhow::Result<Facts> {
        let known = Log {
            lines: self.lines,
            cut: self.cut,
            unknown: self.unknown,
            frequent: frequent(std::mem::take(&mut self.kinds)),
            beside: self.kit.remarks(),
            pasted: self.kit.pasted(&self.files),
            files: self.files.clone(),
            ..Log::default()
        };
        let Some(chosen) = std::mem::take(&mut self.clients).choose(choice, &self.files) else {
            return self.without_ssh(known);
        };
        let at = self.files.iter().position(|file| *file == chosen.part.file);
        let is_kits = at.is_some_and(|at| self.kit.holds(at, chosen.part.first));
        let log = Log {
            client: Some(chosen.part),
            others_count: chosen.others_count,
            others: chosen.others,
            foreign: self.others.into_kept(),
            ..known
        };
        let mut facts = Facts { log: Some(Box::new(log)), ..chosen.facts };
        if is_kits {
            self.kit.state(&mut facts);
        }
        if self.server.has_lines() {
            let user = facts.target.as_ref().ok().map(|target| target.user.to_string());
            sshd::beside(&mut facts, self.server.choose(user.as_deref()));
        }
        Ok(facts)
    }

    /// The same where no line of ssh's own is of a login.
    fn without_ssh(self, known: Log) -> anyhow::Result<Facts> {
        if self.server.has_lines() {
            return Ok(sshd::of_server(self.server.choose(None), known));
        }
        let (facts, log) = if self.kit.is_there() {
            let mut facts = transcript::nothing();
            self.kit.state(&mut facts);
            (facts, known)
        } else if let Some(facts) = self.others.facts() {
            (facts, Log { foreign: self.others.into_kept(), ..known })
        } else if known.beside.is_empty() {
            let names: Vec<String> = self.files.iter().map(ToString::to_string).collect();
            bail!("{}: none of {} lines is ssh's or sshd's", names.join(", "), self.lines);
        } else {
            // Lists that tell something of a machine, and nothing of a login.
            (transcript::nothing(), known)
        };
        Ok(Facts { log: Some(Box::new(log)), ..facts })
    }
}

/// Whether ssh says it where an open session breaks (clientloop.c).
fn ends_session(words: &str) -> bool {
    ["client_loop: send disconnect: ", "packet_write_wait: Connection to ", "Read from remote host "]
        .iter()
        .any(|begins| words.starts_with(begins))
}

/// The most frequent kinds, the most frequent first.
fn frequent(kinds: HashMap<String, u64>) -> Vec<(ServerText, u64)> {
    let mut kinds: Vec<(String, u64)> = kinds.into_iter().collect();
    kinds.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    kinds.truncate(MOST_FREQUENT);
    kinds.into_iter().map(|(kind, count)| (kind.into(), count)).collect()
}
