//! One login in sshd's log: the lines of its processes, and what they come to.

use crate::openssh::sshd::log::words::Said;
use crate::openssh::sshd::log::{Entry, Event};

/// How many lines of a login are kept.
const MOST_LINES: usize = 60;
/// How many bytes of them.
const MOST_BYTES: usize = 8192;

/// What became of a login.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum End {
    /// Its last word is not there, or says nothing.
    #[default]
    Open,
    /// It was let in.
    Accepted,
    /// It was refused, given up, or dropped.
    Failed,
}

/// One login, as far as it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Login {
    /// The place of its file.
    pub(super) file: usize,
    /// Its first line, counted from 1, and its last.
    pub(super) first: u64,
    /// See `first`.
    pub(super) last: u64,
    /// The process that wrote its first line; `None` where the lines have none.
    pub(super) pid: Option<u32>,
    /// The last other process that spoke of the same connection.
    pub(super) child: Option<u32>,
    /// The account; `None` where no line names one.
    pub(super) user: Option<String>,
    /// The client's address.
    pub(super) from: Option<String>,
    /// The client's port.
    pub(super) port: Option<u16>,
    /// The server's name; empty where the lines have none.
    pub(super) host: String,
    /// When its first line was written, seconds since 1970, and its last.
    pub(super) began: Option<i64>,
    /// See `began`.
    pub(super) ended: Option<i64>,
    /// The stamp of its last line; empty where it has none.
    pub(super) stamp: String,
    /// The lines.
    pub(super) lines: Vec<String>,
    bytes: usize,
    /// The process under whose number it was entered last.
    pub(super) latest: Option<u32>,
    /// The hash under which it is found by address and port.
    pub(super) key: Option<u64>,
    /// What became of it.
    pub(super) end: End,
    /// The method by which it was let in; empty where it was not.
    pub(super) method: String,
    /// Whether a key was refused.
    pub(super) key_refused: bool,
    /// Whether the account is not there.
    pub(super) invalid: bool,
    /// Whether sshd said why it refused it.
    pub(super) reason: Option<&'static str>,
    /// Whether it speaks of two accounts, which no login does: lines of several are mixed, or one is forged.
    pub(super) mixed: bool,
}

impl Login {
    /// A login that begins with this line.
    pub(super) fn begun(file: usize, number: u64, entry: &Entry<'_>) -> Self {
        Self { file, first: number, began: entry.time, host: entry.host.to_owned(), pid: entry.pid, ..Self::default() }
    }

    /// Whether the line can be of this login.
    pub(super) fn goes_on(&self, entry: &Entry<'_>, said: &Said<'_>, longest_pause: i64) -> bool {
        let pause = entry.time.zip(self.ended).map_or(0, |(now, then)| now - then);
        let begun = self.from.is_some() || self.user.is_some();
        let other = |mine: Option<&str>, its: Option<&str>| mine.zip(its).is_some_and(|(mine, its)| mine != its);
        let other_port = self.port.zip(said.port).is_some_and(|(mine, its)| mine != its);
        let named = || self.user.as_deref().zip(said.user);
        // Whose words without a process are, only the names tell.
        if entry.pid.is_none() && named().is_some_and(|(mine, its)| !is_same_name(mine, its)) {
            return false;
        }
        // A session may last, and its end names the same connection.
        let pause_fits =
            pause <= longest_pause || self.end == End::Accepted && self.port.is_some() && self.port == said.port;
        let another = said.begins && begun || other(self.from.as_deref(), said.from) || other_port;
        pause_fits && !another
    }

    /// Takes a line up.
    pub(super) fn add(&mut self, number: u64, line: &str, entry: &Entry<'_>, said: &Said<'_>) {
        self.last = number;
        // `journalctl -r` begins with the newest.
        let is_older = entry.time.zip(self.ended).is_some_and(|(time, last)| time < last);
        self.ended = entry.time.filter(|_| !is_older).or(self.ended);
        if self.stamp != entry.stamp {
            self.stamp.clear();
            self.stamp.push_str(entry.stamp);
        }
        if entry.pid != self.pid {
            self.child = entry.pid;
        }
        if let Some(user) = said.user.filter(|user| !user.is_empty()) {
            match &self.user {
                Some(known) if !is_same_name(known, user) => self.mixed = true,
                Some(_) => {}
                None => self.user = Some(user.to_owned()),
            }
        }
        if self.from.is_none()
            && let Some(from) = said.from
        {
            self.from = Some(from.to_owned());
        }
        self.port = self.port.or(said.port);
        self.invalid |= said.invalid;
        self.key_refused |= said.event == Some(Event::Failed) && said.method == "publickey";
        match said.event {
            Some(Event::Accepted) => {
                (self.end, self.reason) = (End::Accepted, None);
                said.method.clone_into(&mut self.method);
            }
            Some(Event::Refusal(reason)) => {
                self.end = End::Failed;
                self.reason = self.reason.or(Some(reason));
            }
            Some(Event::Failed) if self.end != End::Accepted => self.end = End::Failed,
            None if self.end == End::Open && ends(entry.text) => self.end = End::Failed,
            _ => {}
        }
        if self.lines.len() < MOST_LINES && self.bytes + line.len() <= MOST_BYTES {
            self.bytes += line.len();
            self.lines.push(line.to_owned());
        }
    }

    /// A few words that tell it from others.
    pub(super) fn words(&self) -> String {
        // Behind this word a name is taken for one where names are replaced, whatever else the word means.
        let user = self.user.as_deref().map_or_else(|| "nobody named".to_owned(), |user| format!("user {user}"));
        let from = self.from.as_deref().map(|from| format!(" from {from}")).unwrap_or_default();
        let pid = self.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        let stamp = if self.stamp.is_empty() { String::new() } else { format!(" at {}", self.stamp) };
        let end = match self.end {
            End::Accepted => "let in",
            End::Failed => "failed",
            End::Open => "no end in the log",
        };
        format!("{user}{from}{stamp}{pid}: {end}")
    }
}

/// Whether two names are one: what comes from the process without privileges has its backslashes escaped twice (log.c
/// `do_log`, with strnvis).
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split('\\').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\\");
    one == other || one.contains('\\') && plain(one) == plain(other)
}

/// Whether a connection ends with these words before anybody was let in.
fn ends(text: &str) -> bool {
    [
        "Connection closed by ",
        "Connection reset by ",
        "Disconnected from ",
        "Received disconnect from ",
        "Did not receive identification string",
        "Bad protocol version identification",
        "banner exchange: ",
        "ssh_dispatch_run_fatal: ",
        "Exit before auth",
    ]
    .iter()
    .any(|words| text.starts_with(words))
}
