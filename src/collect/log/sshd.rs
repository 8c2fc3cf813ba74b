//! sshd's log, line by line: which lines are of one login, which logins there were, which of them is meant, and which are
//! no person's. What is held is bounded, whatever comes.

mod choice;
mod facts;
mod forms;
mod login;
mod storm;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use super::Choice;
use crate::openssh::sshd::log::stamps::Clock;
use crate::openssh::sshd::log::words::{Said, said};
use crate::openssh::sshd::log::{Entry, Event, taken_apart};

use choice::Chosen;
use choice::Kept;
pub(super) use facts::{beside, of_server};
use forms::{Export, is_of_server};
use login::{End, Login};
use storm::{Hashed, Storm};

/// How many logins are followed at a time; sshd itself lets in far fewer that have not authenticated (`MaxStartups`).
const MOST_OPEN: usize = 512;
/// How much of a line is looked at, in bytes.
const LONGEST_LINE: usize = 4096;
/// How long after the line before it a line of the same process can belong to the same login, in seconds: another process
/// may have its number later. Nothing but the end of a session comes later (LoginGraceTime).
const LONGEST_PAUSE: i64 = 600;
/// sshd refuses a session within this time of letting the login in, in seconds.
const SESSION_BEGINS: i64 = 10;

/// Whether the line can be sshd's, whatever stands around it.
pub(super) fn is_line(line: &str) -> bool {
    if line.starts_with('{') {
        return forms::json(line).is_some();
    }
    taken_apart(line, Clock::default()).is_some_and(|entry| {
        let signed = entry.time.is_some() || entry.pid.is_some();
        signed || is_of_server(entry.text) || said(entry.text).is_some() || forms::tells(entry.text)
    })
}

/// What sshd logs of its own configuration, as `sshd -t` prints it; `None` for another line.
pub(super) fn of_configuration(line: &str) -> Option<&str> {
    let words = taken_apart(line, Clock::default())?.text;
    let words = ["error: ", "fatal: "].iter().find_map(|level| words.strip_prefix(level)).unwrap_or(words);
    words.starts_with('/').then_some(words)
}

/// The logins that a log shows.
#[derive(Debug, Default)]
pub(super) struct Logins {
    clock: Clock,
    /// The logins that are followed, each in its place; places are given anew in turn.
    open: Vec<Login>,
    next: usize,
    by_pid: HashMap<u32, usize>,
    /// By the hash of address and port, which no two connections share at one time.
    by_port: Hashed<usize>,
    hashes: RandomState,
    /// The last one to which a line without a process belongs.
    last: Option<usize>,
    /// The last one that was let in: the processes of its session do not all say whose they are.
    let_in: Option<usize>,
    kept: Kept,
    storm: Storm,
    export: Export,
    /// Whether what comes without a stamp and a name is sshd's (`sshd -d`, `sshd -E`).
    bare: bool,
    /// The time of the newest line, seconds since 1970, and its stamp.
    newest: Option<i64>,
    lines: u64,
}

impl Logins {
    /// No logins yet. `clock`: the reader's time, and the offset of a server whose stamps have none.
    pub(super) fn new(choice: &Choice, clock: Clock) -> Self {
        Self {
            clock,
            open: Vec::new(),
            next: 0,
            by_pid: HashMap::new(),
            by_port: Hashed::default(),
            hashes: RandomState::new(),
            last: None,
            let_in: None,
            kept: Kept::new(choice),
            storm: Storm::default(),
            export: Export::default(),
            bare: false,
            newest: None,
            lines: 0,
        }
    }

    /// Another file begins: what was left open in the one before is not gone on with.
    pub(super) fn file(&mut self) {
        self.end();
        self.bare = false;
        self.export = Export::default();
    }

    /// Reads a line of the file with this place; `false` where it is none of sshd's.
    pub(super) fn line(&mut self, file: usize, number: u64, line: &str) -> bool {
        match line.as_bytes().first() {
            Some(b'{') => {
                return forms::json(line).is_some_and(|line| self.plain(file, number, &line));
            }
            Some(b'_' | b'A'..=b'Z') if self.export.is_open() || line.starts_with("__CURSOR=") => {
                self.export.field(line);
                return true;
            }
            _ => {}
        }
        if let Some(line) = self.export.close() {
            self.plain(file, number, &line);
        }
        self.plain(file, number, line)
    }

    /// Reads a line that is written as syslog writes it, or holds sshd's words alone.
    fn plain(&mut self, file: usize, number: u64, line: &str) -> bool {
        let line = line.get(..LONGEST_LINE).unwrap_or(line).trim_end();
        if line.len() > LONGEST_LINE {
            return false;
        }
        let Some(entry) = taken_apart(line, self.clock) else { return false };
        if entry.time.is_none() && entry.pid.is_none() && !self.is_bare(&entry) {
            return false;
        }
        self.lines += 1;
        if entry.time.is_some() {
            self.newest = self.newest.max(entry.time);
        }
        let meant = said(entry.text);
        self.take(file, number, line, &entry, &meant.unwrap_or_default(), meant.is_some());
        true
    }

    /// Whether words without a stamp and a name are sshd's: they say so themselves, or stand among such.
    fn is_bare(&mut self, entry: &Entry<'_>) -> bool {
        if forms::is_of_client(entry.text) {
            self.bare = false;
            return false;
        }
        if is_of_server(entry.text) {
            self.bare = true;
            return true;
        }
        if !self.bare {
            return false;
        }
        entry.text.starts_with("debug")
            || forms::tells(entry.text)
            || forms::ends_session(entry.text)
            || said(entry.text).is_some_and(|said| match (said.from, said.port) {
                // ssh has the same words about the server.
                (Some(from), Some(port)) => self.by_port.contains_key(&self.hashes.hash_one((from, port))),
                _ => said.event.is_some(),
            })
    }

    /// Gives a line to its login.
    fn take(&mut self, file: usize, number: u64, line: &str, entry: &Entry<'_>, said: &Said<'_>, known: bool) {
        match said.event {
            // The process that listens says it, of nobody or of a connection that no other process sees.
            Some(Event::Listening | Event::Reload) => return,
            Some(Event::Refusal("max-startups" | "source-penalised" | "source-banned")) => {
                let mut login = Login::begun(file, number, entry);
                login.add(number, line, entry, said);
                login.pid = entry.pid;
                self.finish(login);
                return;
            }
            _ => {}
        }
        if !known && entry.text.starts_with("debug") && !forms::tells(entry.text) {
            return;
        }
        let port = said.from.zip(said.port).map(|at| self.hashes.hash_one(at));
        let at = match self.place(entry, said, port) {
            Some(at) => at,
            // What only tells how a session ended begins no login.
            None if !known && !forms::tells(entry.text) => return,
            None => self.opened(file, number, entry),
        };
        self.last = Some(at);
        if let Some(pid) = entry.pid.filter(|pid| self.open[at].latest != Some(*pid)) {
            self.by_pid.insert(pid, at);
            self.open[at].latest = Some(pid);
        }
        if let Some(port) = port.filter(|port| self.open[at].key != Some(*port)) {
            self.by_port.insert(port, at);
            self.open[at].key = Some(port);
        }
        self.open[at].add(number, line, entry, said);
        if said.event == Some(Event::Accepted) {
            self.let_in = Some(at);
        }
    }

    /// The place of the login to which a line belongs; `None` where it begins one.
    fn place(&self, entry: &Entry<'_>, said: &Said<'_>, port: Option<u64>) -> Option<usize> {
        let goes_on = |at: &usize| self.open[*at].goes_on(entry, said, LONGEST_PAUSE);
        if let Some(pid) = entry.pid {
            if let Some(at) = self.by_pid.get(&pid).copied().filter(goes_on) {
                return Some(at);
            }
            // Another process of the same connection, once it was let in: before that one process speaks for all.
            let of_session = |at: &usize| self.open[*at].end == End::Accepted && goes_on(at);
            let by_port = port.and_then(|port| self.by_port.get(&port)).copied().filter(of_session);
            let ends_session =
                matches!(said.event, Some(Event::Refusal("server-nologin-file" | "server-chroot-ownership")));
            let just = |at: &usize| {
                let login = &self.open[*at];
                let pause = entry.time.zip(login.ended).map_or(0, |(now, then)| now - then);
                pause <= SESSION_BEGINS && said.user.is_none_or(|user| login.user.as_deref() == Some(user))
            };
            return by_port.or_else(|| self.let_in.filter(|_| ends_session).filter(just));
        }
        match port {
            Some(port) => self.by_port.get(&port).copied().filter(goes_on).or_else(|| {
                // What was said before the first word about the client.
                self.last.filter(|at| self.open[*at].from.is_none()).filter(goes_on)
            }),
            None => self.last.filter(goes_on),
        }
    }

    /// The place of a new login; the oldest one gives its place up.
    fn opened(&mut self, file: usize, number: u64, entry: &Entry<'_>) -> usize {
        let login = Login::begun(file, number, entry);
        if self.open.len() < MOST_OPEN {
            self.open.push(login);
            return self.open.len() - 1;
        }
        let at = self.next;
        self.next = (at + 1) % MOST_OPEN;
        let done = std::mem::replace(&mut self.open[at], login);
        self.forget(&done, at);
        self.finish(done);
        at
    }

    /// Takes the names away under which a login was found.
    fn forget(&mut self, login: &Login, at: usize) {
        for pid in [login.pid, login.child].into_iter().flatten() {
            if self.by_pid.get(&pid) == Some(&at) {
                self.by_pid.remove(&pid);
            }
        }
        if let Some(key) = login.key
            && self.by_port.get(&key) == Some(&at)
        {
            self.by_port.remove(&key);
        }
        for last in [&mut self.last, &mut self.let_in] {
            if *last == Some(at) {
                *last = None;
            }
        }
        // Processes and ports that were met in between stay behind; they are as bounded as the places are.
        if self.by_pid.len() > MOST_OPEN * 4 || self.by_port.len() > MOST_OPEN * 4 {
            self.by_pid.clear();
            self.by_port.clear();
            for login in &mut self.open {
                (login.latest, login.key) = (None, None);
            }
        }
    }

    /// Counts a login, and keeps it where it may be the one that is meant.
    fn finish(&mut self, login: Login) {
        let marks = self.storm.marks(&login);
        self.storm.count(&login, marks);
        self.kept.keep(login, marks, &self.storm);
    }

    /// Counts what is still open.
    fn end(&mut self) {
        if let Some(line) = std::mem::take(&mut self.export).close() {
            self.plain(0, 0, &line);
        }
        // The oldest first.
        let mut newer = std::mem::take(&mut self.open);
        let older = newer.split_off(self.next.min(newer.len()));
        for login in older.into_iter().chain(newer) {
            self.finish(login);
        }
        self.next = 0;
        self.by_pid.clear();
        self.by_port.clear();
        (self.last, self.let_in) = (None, None);
    }

    /// Whether a line was sshd's.
    pub(super) fn has_lines(&self) -> bool {
        self.lines > 0
    }

    /// Which login is meant. `user`: the account that a client's transcript is about, where there is one.
    pub(super) fn choose(mut self, user: Option<&str>) -> Chosen {
        self.end();
        let newest = self.newest;
        self.kept.choose(user, &self.storm, newest, self.clock)
    }
}
