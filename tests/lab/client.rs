//! The client of a row: runs ssh and sshdoctor on the same command line, with or without a terminal, within a limit.

use std::fs;
use std::io::{Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::leftovers::There;
use crate::row::{Row, Ssh};
use crate::transcript::CASE;
use crate::world::{DOCTOR, World, quoted};

/// How a program ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Its exit status; none where it was still running and was stopped.
    pub(crate) status: Option<i32>,
    /// What it wrote to stdout, with a terminal: everything it showed.
    pub(crate) stdout: String,
    /// What it wrote to stderr.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
    /// What it left behind, a sentence each; of sshdoctor alone this is looked at.
    pub(crate) left: Vec<String>,
}

/// How long ssh may take where it is to end or to ask.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long ssh is watched where it is to hang.
const HANG: Duration = Duration::from_secs(3);
/// How long ssh is watched where it tells what it does.
const RECORDED: Duration = Duration::from_secs(6);
/// How long sshdoctor may take; its own limit is 30 s.
const DOCTOR_PATIENCE: Duration = Duration::from_secs(35);

/// The cause of rows in which ssh starts itself until the account has no process left.
pub(crate) const LOOPS: &str = "jump-host-loop";

/// How much of what a program writes is kept; of more, what is in the middle is left out.
const MOST_KEPT: usize = 1 << 20;

/// Where ssh has started one ssh after the other, takes in those that have ended and that nobody else waits for: they count
/// among the processes that the account may have.
fn take_in_the_loop(row: &Row) {
    if row.cause != LOOPS {
        return;
    }
    let begun = Instant::now();
    while begun.elapsed() < HANG {
        let left = orphans();
        for number in &left {
            // It may not have ended.
            let _ = waitpid(Pid::from_raw(*number), Some(WaitPidFlag::WNOHANG));
        }
        if left.is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes called ssh whose parent this one has become.
fn orphans() -> Vec<i32> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_orphan = |number: &i32| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        stat.split_once(" (ssh) ").is_some_and(|(_, rest)| rest.split(' ').nth(1) == Some(own.as_str()))
    };
    numbers.filter(is_orphan).collect()
}

/// Runs ssh as the row's client.
pub(crate) fn ssh(world: &World, row: &Row, expected: Ssh) -> anyhow::Result<Ended> {
    take_in_the_loop(row);
    let (program, words) = program(row);
    let mut arguments = words.to_vec();
    if program == "ssh" && !row.shell && !row.line.contains(&"--") && !has_command(row.line) {
        arguments.push("true");
    }
    let (limit, until) = match expected {
        Ssh::Ends(..) => (PATIENCE, None),
        Ssh::Asks(text) => (PATIENCE, Some(text)),
        Ssh::Hangs => (HANG, None),
    };
    let ended = if row.terminal {
        on_terminal(world, program, &arguments, limit, until, row.types)?
    } else {
        plain(world, program, &arguments, limit)?
    };
    // rsync ends with ssh's status or, where it has not learnt that yet, with its own for a broken stream.
    let status = ended.status.map(|status| if program == "rsync" && status == 12 { 255 } else { status });
    Ok(Ended { status, ..ended })
}

/// Runs the row's ssh once more with -vvv: the command line, and how it ended. `None` where another program starts ssh, or
/// where the row's own words say how much it is to say.
pub(crate) fn recorded(world: &World, row: &Row) -> anyhow::Result<Option<(String, Ended)>> {
    let (program, words) = program(row);
    if matches!(program, "git" | "rsync") || row.finds.is_some() || row.side.is_some() {
        return Ok(None);
    }
    // There ssh starts one ssh after the other, and leaves them all.
    if row.cause == LOOPS {
        return Ok(None);
    }
    let mut arguments = vec!["-vvv"];
    arguments.extend(words);
    if program == "ssh" && !row.shell && !row.line.contains(&"--") && !has_command(row.line) {
        arguments.push("true");
    }
    let ended = if row.terminal {
        on_terminal(world, program, &arguments, RECORDED, None, row.types)?
    } else {
        plain(world, program, &arguments, RECORDED)?
    };
    let words: Vec<String> = std::iter::once(program).chain(arguments).map(quoted).collect();
    Ok(Some((words.join(" "), ended)))
}

/// Runs sshdoctor as the row's client, its report into a file where a terminal would mix it with other text.
/// Returns how it ended, the report and the saved facts.
pub(crate) fn doctor(world: &World, row: &Row) -> anyhow::Result<(Ended, String, Option<String>)> {
    take_in_the_loop(row);
    let mut arguments = vec!["--format", "json"];
    if row.terminal {
        arguments.extend(["--output", "/tmp/report.json"]);
    }
    if !row.ours.contains(&"--save") {
        arguments.extend(["--save", CASE]);
    }
    arguments.extend(row.ours);
    arguments.extend(row.doctor.unwrap_or(row.line));
    if row.program == "ssh" && !row.shell && !has_command(row.line) && row.finds.is_none() {
        arguments.push("true");
    }
    let ended = if row.terminal {
        let before = There::now();
        let ended = on_terminal(world, DOCTOR, &arguments, DOCTOR_PATIENCE, None, row.types)?;
        Ended { left: before.left(), ..ended }
    } else {
        run_doctor(world, &arguments)?
    };
    let report =
        if row.terminal { fs::read_to_string("/tmp/report.json").unwrap_or_default() } else { ended.stdout.clone() };
    Ok((ended, report, fs::read_to_string(CASE).ok()))
}

/// Runs sshdoctor with these words and without a terminal, and looks what it leaves behind.
pub(crate) fn run_doctor(world: &World, words: &[&str]) -> anyhow::Result<Ended> {
    let before = There::now();
    let ended = plain(world, DOCTOR, words, DOCTOR_PATIENCE)?;
    Ok(Ended { left: before.left(), ..ended })
}

/// The program that the row's line is for, and its words: git or rsync where they are named, else the row's.
fn program(row: &Row) -> (&'static str, &'static [&'static str]) {
    match row.line {
        [program @ ("git" | "rsync"), words @ ..] => (program, words),
        words => (row.program, words),
    }
}

/// Whether the command line has a remote command of its own: a word after the destination.
fn has_command(line: &[&str]) -> bool {
    matches!(line, ["git" | "rsync", ..]) || line.last().is_some_and(|word| word.starts_with("git-"))
}

/// Runs a program without a terminal.
fn plain(world: &World, program: &str, arguments: &[&str], limit: Duration) -> anyhow::Result<Ended> {
    let mut command = world.as_client(program, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    watch(command, limit, None, &[])
}

/// Runs a program on a terminal of its own, at which somebody sits who types this, or nothing.
fn on_terminal(
    world: &World,
    program: &str,
    arguments: &[&str],
    limit: Duration,
    until: Option<&str>,
    types: &[(&str, &str)],
) -> anyhow::Result<Ended> {
    let line: Vec<String> = std::iter::once(&program).chain(arguments).map(|word| quoted(word)).collect();
    let mut command = world.as_client("script", &["-qefc", &line.join(" "), "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    watch(command, limit, until, types)
}

/// Collects what a program writes until it ends, shows the text waited for, or the limit is reached.
fn watch(mut command: Command, limit: Duration, until: Option<&str>, types: &[(&str, &str)]) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| command.get_program().display().to_string())?;
    let mut keyboard = child.stdin.take();
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let (mut left, mut read) = (types.iter(), 0);
    let mut next = left.next();
    let status = wait(&mut child, limit, || {
        let text = shown(&stdout.1);
        let unread = text.get(read..).unwrap_or_default();
        if let Some((prompt, answer)) = next
            && let Some(at) = unread.find(prompt)
            && let Some(keyboard) = &mut keyboard
        {
            read += at + prompt.len();
            next = left.next();
            // Whoever is gone reads nothing.
            let _ = keyboard.write_all(format!("{answer}\r").as_bytes()).and_then(|()| keyboard.flush());
        }
        next.is_none() && until.is_some_and(|wanted| text.contains(wanted))
    })?;
    drop(keyboard);
    let took = begun.elapsed();
    if status.is_some() {
        // Whoever inherited the pipes (a connection left in the background) must not hold the row.
        let _ = wait_for("the last words", || stdout.0.is_finished() && stderr.0.is_finished());
    }
    Ok(Ended { status, stdout: shown(&stdout.1), stderr: shown(&stderr.1), took, left: Vec::new() })
}

/// Waits for the end; at the limit, or when enough was seen, the program is killed and has no status.
fn wait(child: &mut Child, limit: Duration, mut enough: impl FnMut() -> bool) -> anyhow::Result<Option<i32>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.code().unwrap_or(-1)));
        }
        if enough() || begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

type Collected = (thread::JoinHandle<()>, Arc<Mutex<Vec<u8>>>);

/// Reads a pipe to its end in the background.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Collected {
    let all = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&all);
    let reader = thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut some = [0; 16384];
        while let Ok(count @ 1..) = pipe.read(&mut some) {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&some[..count]);
            if kept.len() > MOST_KEPT {
                kept.drain(MOST_KEPT / 4..MOST_KEPT / 2);
            }
        }
    });
    (reader, all)
}

fn shown(collected: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&collected.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// Waits until something is so, at most 5 seconds.
pub(crate) fn wait_for(what: &str, so: impl Fn() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !so() {
        if begun.elapsed() > Duration::from_secs(5) {
            bail!("waited 5 s for {what}");
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
