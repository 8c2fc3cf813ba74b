//! The processes that come of a program, wherever they go: into the background, into a session of their own. None of them
//! outlives it.
//!
//! Touches: starts the program and signals what came of it, and nothing else; reads `/proc/PID/stat`; on Linux this process
//! takes in its orphans while it runs (prctl(2) `PR_SET_CHILD_SUBREAPER`). Where there is no such thing, what left the
//! program's process group is not found.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

/// How long they have to end when they are asked to.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long what does not end is killed for, until it is given up: a process in uninterruptible sleep, another user's.
const INSISTENCE: Duration = Duration::from_secs(1);
/// How often they are looked at meanwhile.
pub(super) const PAUSE: Duration = Duration::from_millis(15);

/// What runs now, so that an orphan is told from a child of another kind.
#[derive(Debug)]
struct Running {
    /// The programs, by process id.
    programs: Vec<i32>,
    /// The children that this process had before the first of them.
    others: Vec<i32>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { programs: Vec::new(), others: Vec::new() });

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One process (proc_pid_stat(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    id: i32,
    /// `R`, `S`, `T` for stopped, `Z` for ended and not waited for.
    state: u8,
    parent: i32,
    group: i32,
}

impl Process {
    /// Reads a line of `/proc/PID/stat`; the second field is the program's name in parentheses and may hold anything.
    fn of(line: &[u8]) -> Option<Self> {
        let end = line.iter().rposition(|byte| *byte == b')')?;
        let id = std::str::from_utf8(line.get(..line.iter().position(|byte| *byte == b' ')?)?).ok()?.parse().ok()?;
        let rest = std::str::from_utf8(line.get(end + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.bytes().next()?;
        Some(Self { id, state, parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
    }
}

/// Every process that can be seen; none where there is no /proc.
fn processes() -> Vec<Process> {
    let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = folders.filter(|folder| folder.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit));
    numbered.filter_map(|folder| Process::of(&std::fs::read(folder.path().join("stat")).ok()?)).collect()
}

/// A program and all that came of it.
#[derive(Debug)]
pub(super) struct Family {
    child: Child,
    id: i32,
    leads_a_group: bool,
    ended: Option<ExitStatus>,
    /// Who was seen to belong to it.
    seen: BTreeSet<i32>,
    /// Since when they are asked to end.
    asked: Option<Instant>,
    gone: bool,
}

impl Family {
    /// Starts the program, in a process group of its own or in ours.
    pub(super) fn start(command: &mut Command, own_group: bool) -> io::Result<Self> {
        if own_group {
            command.process_group(0);
        }
        let mut running = running();
        if running.programs.is_empty() {
            running.others = children(&processes());
            take_in_orphans(true);
        }
        match command.spawn() {
            Ok(child) => {
                let id = i32::try_from(child.id()).unwrap_or_default();
                running.programs.push(id);
                let seen = BTreeSet::from([id]);
                Ok(Self { child, id, leads_a_group: own_group, ended: None, seen, asked: None, gone: false })
            }
            Err(error) => {
                if running.programs.is_empty() {
                    take_in_orphans(false);
                }
                Err(error)
            }
        }
    }

    /// The program's pipes.
    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the program itself ended; `None` while it runs.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Whether one of them is stopped, as the terminal stops who asks there from the background.
    pub(super) fn is_stopped(&mut self) -> bool {
        self.members().iter().any(|process| process.state == b'T')
    }

    /// Ends all of them by and by: to be called again every [`PAUSE`] until it says that nobody is left, or that it has to
    /// give up.
    pub(super) fn press(&mut self) -> bool {
        if self.gone {
            return true;
        }
        let ended = self.ended().is_some();
        let members = self.members();
        let asked_before = self.asked.is_some();
        let waited = self.asked.get_or_insert_with(Instant::now).elapsed();
        if ended && members.is_empty() {
            self.gone = true;
        } else if !asked_before {
            self.signal(&members, Signal::SIGTERM);
            // What is stopped obeys only once it goes on.
            self.signal(&members, Signal::SIGCONT);
        } else if waited >= PATIENCE {
            self.signal(&members, Signal::SIGKILL);
            self.gone = waited >= PATIENCE + INSISTENCE;
        }
        self.gone
    }

    /// The same, at once and without giving the thread away.
    pub(super) fn press_now(&mut self) {
        while !self.press() {
            std::thread::sleep(PAUSE);
        }
    }

    fn signal(&self, members: &[Process], signal: Signal) {
        // Each may have ended by itself in the meantime.
        if self.leads_a_group && (self.ended.is_none() || members.iter().any(|process| process.group == self.id)) {
            let _ = killpg(Pid::from_raw(self.id), signal);
        } else if self.ended.is_none() {
            let _ = kill(Pid::from_raw(self.id), signal);
        }
        let in_group = |process: &&Process| self.leads_a_group && process.group == self.id;
        for process in members.iter().filter(|process| !in_group(process) && process.id != self.id) {
            let _ = kill(Pid::from_raw(process.id), signal);
        }
    }

    /// Who belongs to it and has not ended; orphans that have are waited for.
    fn members(&mut self) -> Vec<Process> {
        let all = processes();
        let orphans = orphans(&all, &self.seen);
        let in_group = |process: &Process| self.leads_a_group && process.group == self.id;
        let roots = all.iter().filter(|process| in_group(process) || orphans.contains(&process.id));
        let family = with_those_below(&all, roots.map(|process| process.id).chain([self.id]).collect());
        self.seen.extend(&family);
        let us = getpid().as_raw();
        let mut members: Vec<Process> = all.into_iter().filter(|process| family.contains(&process.id)).collect();
        for process in members.iter().filter(|it| it.state == b'Z' && it.parent == us && it.id != self.id) {
            let _ = waitpid(Pid::from_raw(process.id), Some(WaitPidFlag::WNOHANG));
        }
        members.retain(|process| process.state != b'Z');
        members
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.press_now();
        let mut running = running();
        running.programs.retain(|program| *program != self.id);
        if running.programs.is_empty() {
            take_in_orphans(false);
        }
    }
}

/// What stands in [`RUNNING`] for a program that somebody else starts and ends.
const ANOTHER: i32 = -1;

/// While this stands, what a program leaves behind that somebody else starts comes to us; it is ended with this.
#[derive(Debug)]
pub(in crate::collect) struct Orphans(());

impl Orphans {
    /// From now on.
    pub(in crate::collect) fn taken_in() -> Self {
        let mut running = running();
        if running.programs.is_empty() {
            running.others = children(&processes());
            take_in_orphans(true);
        }
        running.programs.push(ANOTHER);
        Self(())
    }
}

impl Drop for Orphans {
    fn drop(&mut self) {
        let begun = Instant::now();
        let mut signal = Signal::SIGTERM;
        while begun.elapsed() < PATIENCE + INSISTENCE {
            let all = processes();
            let left = with_those_below(&all, orphans(&all, &BTreeSet::new()).into_iter().collect());
            let alive: Vec<&Process> = all.iter().filter(|it| left.contains(&it.id) && it.state != b'Z').collect();
            if alive.is_empty() {
                break;
            }
            if signal == Signal::SIGTERM || begun.elapsed() >= PATIENCE {
                for process in alive {
                    // It may have ended by itself in the meantime.
                    let _ = kill(Pid::from_raw(process.id), signal);
                }
                signal = Signal::SIGKILL;
            }
            std::thread::sleep(PAUSE);
        }
        let mut running = running();
        if let Some(at) = running.programs.iter().position(|program| *program == ANOTHER) {
            running.programs.remove(at);
        }
        if running.programs.is_empty() {
            take_in_orphans(false);
        }
    }
}

/// These processes and all that came of them.
fn with_those_below(all: &[Process], mut family: BTreeSet<i32>) -> BTreeSet<i32> {
    loop {
        let is_below = |process: &&Process| family.contains(&process.parent) && !family.contains(&process.id);
        let below: Vec<i32> = all.iter().filter(is_below).map(|process| process.id).collect();
        if below.is_empty() {
            return family;
        }
        family.extend(below);
    }
}

/// This process's own children.
fn children(all: &[Process]) -> Vec<i32> {
    let us = getpid().as_raw();
    all.iter().filter(|process| process.parent == us).map(|process| process.id).collect()
}

/// The children that this process did not start itself: those that were `seen` before, below the program, and where no other
/// program runs everybody who came since. Unit tests share one process and start others meanwhile: there only the former.
fn orphans(all: &[Process], seen: &BTreeSet<i32>) -> Vec<i32> {
    let running = running();
    let only_one = running.programs.len() == 1 && !cfg!(test);
    let ours = |id: &i32| !running.programs.contains(id) && !running.others.contains(id);
    children(all).into_iter().filter(ours).filter(|id| only_one || seen.contains(id)).collect()
}

/// Whether orphans below this process come to it, and not to init.
fn take_in_orphans(on: bool) {
    #[cfg(target_os = "linux")]
    // Kernels before 3.4 have no such thing.
    let _ = nix::sys::prctl::set_child_subreaper(on);
    #[cfg(not(target_os = "linux"))]
    let _ = on;
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    /// Runs a script, whose children end with it, and waits until it has said that it stands.
    fn family(script: &str) -> Family {
        use std::io::Read as _;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut family = Family::start(&mut command, true).unwrap();
        let mut stands = [0; 1];
        family.child().stdout.take().unwrap().read_exact(&mut stands).unwrap();
        family
    }

    /// How many processes have this word on their command line.
    fn with_word(word: &str) -> usize {
        let lines = processes().into_iter().filter_map(|it| std::fs::read(format!("/proc/{}/cmdline", it.id)).ok());
        lines.filter(|line| line.split(|byte| *byte == 0).any(|part| part == word.as_bytes())).count()
    }

    #[test]
    fn a_line_of_proc_is_read_whatever_the_program_is_called() {
        let process = Process::of(b"42 (a) S 1 (b) T 7 9 9 0 -1 4194304 103").unwrap();
        assert_eq!(process, Process { id: 42, state: b'T', parent: 7, group: 9 });
        for line in [&b""[..], b"42", b"42 (a", b"42 (a) ", b"42 (a) S x 1", b"x (a) S 1 1"] {
            assert_eq!(Process::of(line), None);
        }
        let own = Process::of(&std::fs::read("/proc/self/stat").unwrap()).unwrap();
        assert_eq!(own.id, getpid().as_raw());
    }

    #[test]
    fn what_obeys_ends_at_once_and_what_does_not_is_killed() {
        for (script, word, longest) in [
            ("echo; exec sleep 31.0001", "31.0001", PATIENCE),
            ("trap '' TERM HUP; echo; while :; do sleep 31.0002; done", "31.0002", PATIENCE * 2),
            ("sleep 31.0003 & setsid sleep 31.0003 & echo; wait", "31.0003", PATIENCE),
        ] {
            let mut family = family(script);
            for _ in 0..100 {
                if with_word(word) > 0 {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
            let started = Instant::now();
            family.press_now();
            assert!(started.elapsed() < longest, "{script}: {:?}", started.elapsed());
            assert_eq!(with_word(word), 0, "{script}");
        }
    }

    #[test]
    fn an_orphan_that_was_seen_below_the_program_is_found_again() {
        let mut family = family("(setsid sleep 31.0004 & sleep 0.3) & echo; wait");
        while !family.members().iter().any(|process| process.group != family.id) {
            std::thread::sleep(PAUSE);
        }
        while family.ended().is_none() {
            std::thread::sleep(PAUSE);
        }
        assert_eq!(with_word("31.0004"), 1);
        drop(family);
        assert_eq!(with_word("31.0004"), 0);
    }

    #[test]
    fn who_is_stopped_is_seen_and_ended() {
        let mut family = family("echo; kill -STOP $$; exec sleep 31.0005");
        while !family.is_stopped() {
            std::thread::sleep(PAUSE);
        }
        let started = Instant::now();
        family.press_now();
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
}
