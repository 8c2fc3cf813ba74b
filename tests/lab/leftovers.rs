//! What a run of sshdoctor must not leave behind: processes, and sockets in the file system.
//!
//! Touches: nothing; /proc and the folders of the row's machine are read.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::thread;
use std::time::{Duration, Instant};

use walkdir::WalkDir;

/// Where programs put sockets.
const FOLDERS: &[&str] = &["/tmp", "/home", "/root", "/run", "/var/tmp", "/dev/shm"];
/// How long a server may take to notice that its client has gone.
const SETTLES: Duration = Duration::from_secs(3);

/// What is there at one moment.
#[derive(Debug)]
pub(crate) struct There {
    /// The running processes of the row by number: parent and command line.
    processes: BTreeMap<u32, (u32, String)>,
    /// The paths of the sockets.
    sockets: Vec<String>,
}

impl There {
    /// What is there now.
    pub(crate) fn now() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let processes = numbers.filter_map(|number| Some((number, process(number)?))).collect();
        let files = FOLDERS.iter().flat_map(|folder| WalkDir::new(folder).same_file_system(true)).flatten();
        let sockets = files.filter(|file| file.file_type().is_socket());
        Self { processes, sockets: sockets.map(|file| file.path().display().to_string()).collect() }
    }

    /// What has come since, and stays: sockets, and processes that no process of before has started.
    pub(crate) fn left(&self) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let now = Self::now();
            let mut left: Vec<String> = now.processes.keys().filter_map(|number| self.stray(&now, *number)).collect();
            let fresh = now.sockets.iter().filter(|path| !self.sockets.contains(path));
            left.extend(fresh.map(|path| format!("the socket {path} is left")));
            if left.is_empty() || begun.elapsed() > SETTLES {
                return left;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// That this process is left, if it is new and nothing of before started it: a server's or an agent's own are theirs.
    fn stray(&self, now: &Self, number: u32) -> Option<String> {
        let (_, line) = now.processes.get(&number)?;
        let mut ancestor = number;
        while ancestor > 1 {
            if self.processes.contains_key(&ancestor) {
                return None;
            }
            ancestor = now.processes.get(&ancestor).map_or(1, |(parent, _)| *parent);
        }
        (number > 1).then(|| format!("the process {number} is left: {line}"))
    }
}

/// The parent of a running process and its command line; none of one that has ended.
fn process(number: u32) -> Option<(u32, String)> {
    let status = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let mut words = status.rsplit_once(')')?.1.split_whitespace();
    let ended = matches!(words.next()?, "Z" | "X");
    let parent = words.next()?.parse().ok()?;
    let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    (!ended).then(|| (parent, line.trim_end().to_owned()))
}
