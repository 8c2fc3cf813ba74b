//! What was read where nothing was observed: transcripts of ssh, logs of sshd, pastes of both; and which login in it is
//! meant.

use serde::{Deserialize, Serialize};

use super::text::{Path, ServerText};

/// What was read, and the part of it that is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The files, as they were named; `-` is standard input.
    pub files: Vec<Path>,
    /// How many lines they have.
    pub lines: u64,
    /// How many of them were cut: nothing that is known here is so long.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cut: u64,
    /// How many of them state nothing that is known here.
    pub unknown: u64,
    /// The most frequent of those, digits left out, each with how often it stands there; the most frequent first, at most
    /// ten.
    pub frequent: Vec<(ServerText, u64)>,
    /// The client's transcript that is judged; `None` where there is none.
    pub client: Option<Part>,
    /// The lines of sshd's log that are judged; `None` where there are none.
    pub server: Option<Part>,
    /// How many other logins there are.
    pub others_count: u64,
    /// Some of them, a few words each, the newest first.
    pub others: Vec<ServerText>,
    /// What was summed up and not judged: storms of strangers, a sentence each.
    pub noise: Vec<ServerText>,
}

/// Whether there are none: then a saved case says nothing of them.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A part of a file that is about one login.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The file.
    pub file: Path,
    /// Its first line, counted from 1.
    pub first: u64,
    /// Its last line.
    pub last: u64,
    /// What it is, a few words: `ssh -vvv of OpenSSH_9.2p1`.
    pub what: ServerText,
    /// How much ssh was asked to say: 0 nothing beyond its messages, 1 to 3 for `-v` to `-vvv`. 0 for sshd's log.
    pub level: u8,
}
