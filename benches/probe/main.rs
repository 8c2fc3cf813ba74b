//! What a diagnosis costs beside what `ssh` costs, on the same command line, in the same run.
//!
//! `cargo bench` prints the table and fails where a limit is missed; `cargo bench -- --runs 15` takes more samples.
//! Everything is its own: sshd, keys, a home folder, the delayed line. It needs `ssh`, `ssh-keygen` and `sshd`.

mod hop;
mod proxy;
#[path = "../../tests/support/sshd.rs"]
mod sshd;
mod table;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

use proxy::Proxy;
use sshd::{Sshd, account, keygen};
use table::{Table, mebibytes, median, milliseconds, spread};

/// One way of the delayed line.
const ONE_WAY: Duration = Duration::from_millis(50);
/// Samples of each program and scene.
const RUNS: usize = 7;
/// The keys that are refused.
const REFUSED_KEYS: usize = 4;

const FLIGHTS_LIMIT: u32 = 5;
const REFUSED_QUERIES_LIMIT: usize = 5;
const WALL_LIMIT: f64 = 0.6;
const LOOPBACK_LIMIT: f64 = 1.0;
const MEMORY_LIMIT_KIB: i64 = 20 * 1024;

/// The word that makes this program start another one and print its peak memory.
const MEASURE: &str = "--measure";

/// The servers, keys and files of one run.
struct Lab {
    folder: PathBuf,
    account: String,
    /// At LogLevel INFO, as most servers are: what an admin sees.
    info: Sshd,
    /// At LogLevel VERBOSE, where each refused query leaves a line.
    verbose: Sshd,
    /// Before `info`.
    distant: Proxy,
}

/// The two programs that are compared.
#[derive(Clone, Copy, PartialEq)]
enum Program {
    Ssh,
    Sshdoctor,
}

/// What the login comes to.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Refused,
    LoggedIn,
}

/// One run of one program.
struct Sample {
    wall: Duration,
    /// Largest number of flights on a connection; 0 where the line was not delayed.
    flights: u32,
    connections: usize,
    /// What sshd logged about it at INFO.
    log: Vec<String>,
}

/// The samples of both programs, taken in turns.
struct Pair {
    ssh: Vec<Sample>,
    sshdoctor: Vec<Sample>,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = if arguments.first().is_some_and(|first| first == MEASURE) {
        measure(&arguments[1..]).map(|()| true)
    } else if arguments.iter().any(|argument| argument == "--bench") {
        runs(&arguments).and_then(bench)
    } else {
        // `cargo test --all-targets` runs benches too, without this flag: figures are not for a test run.
        Ok(true)
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            table::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs all scenes; whether every limit was met.
fn bench(runs: usize) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let lab = Lab::start(folder.path())?;
    let mut table = Table::beside("ssh");
    table.heading(&format!("{REFUSED_KEYS} refused keys, 100 ms round trip, medians of {runs}"));
    far_refused(&lab, runs, &mut table)?;
    table.heading("1 accepted key, 100 ms round trip");
    far_accepted(&lab, runs, &mut table)?;
    table.heading(&format!("{REFUSED_KEYS} refused keys, loopback, ssh -o KexAlgorithms=curve25519-sha256"));
    near_refused(&lab, runs, &mut table)?;
    let hop = tempfile::tempdir()?;
    hop::scenes(hop.path(), runs, &mut table)?;
    table.heading("peak memory");
    memory(&lab, &mut table)?;
    table.print();
    Ok(table.all_met())
}

fn far_refused(lab: &Lab, runs: usize, table: &mut Table) -> Result<()> {
    let pair = lab.pair(runs, lab.distant.port, &refused_keys(), &[], Outcome::Refused)?;
    walls(&pair, Some(WALL_LIMIT), table);
    counts(&pair, Some(FLIGHTS_LIMIT), table);
    let lines = |samples: &[Sample]| samples.iter().map(|sample| sample.log.len()).max().unwrap_or_default();
    let told = |samples: &[Sample]| samples.iter().map(|sample| sample.log.len()).min().unwrap_or_default();
    table.row(
        "lines in sshd's log at INFO",
        &lines(&pair.ssh).to_string(),
        &lines(&pair.sshdoctor).to_string(),
        "exactly 1",
        lines(&pair.sshdoctor) == 1 && told(&pair.sshdoctor) == 1,
    );
    let ssh = lab.refused_queries(Program::Ssh)?;
    let sshdoctor = lab.refused_queries(Program::Sshdoctor)?;
    table.row(
        "refused queries",
        &ssh.to_string(),
        &sshdoctor.to_string(),
        &format!("at most {REFUSED_QUERIES_LIMIT}"),
        (REFUSED_KEYS..=REFUSED_QUERIES_LIMIT).contains(&sshdoctor),
    );
    Ok(())
}

fn far_accepted(lab: &Lab, runs: usize, table: &mut Table) -> Result<()> {
    let pair = lab.pair(runs, lab.distant.port, &["accepted".into()], &[], Outcome::LoggedIn)?;
    walls(&pair, None, table);
    counts(&pair, None, table);
    Ok(())
}

fn near_refused(lab: &Lab, runs: usize, table: &mut Table) -> Result<()> {
    let same_kex = ["-o", "KexAlgorithms=curve25519-sha256"];
    // Short runs, so more of them for the same trust in the median.
    let pair = lab.pair(runs * 3, lab.info.port, &refused_keys(), &same_kex, Outcome::Refused)?;
    walls(&pair, Some(LOOPBACK_LIMIT), table);
    Ok(())
}

fn memory(lab: &Lab, table: &mut Table) -> Result<()> {
    for (what, keys) in [("4 keys refused", refused_keys()), ("1 key accepted", vec!["accepted".into()])] {
        let ssh = lab.peak_kib(Program::Ssh, &keys)?;
        let sshdoctor = lab.peak_kib(Program::Sshdoctor, &keys)?;
        table.row(what, &mebibytes(ssh), &mebibytes(sshdoctor), "under 20 MB", sshdoctor < MEMORY_LIMIT_KIB);
    }
    Ok(())
}

/// The row of wall times, with the ratio of the medians held against `limit`.
fn walls(pair: &Pair, limit: Option<f64>, table: &mut Table) {
    let walls = |samples: &[Sample]| samples.iter().map(|sample| sample.wall).collect::<Vec<_>>();
    let (ssh, sshdoctor) = (walls(&pair.ssh), walls(&pair.sshdoctor));
    table.note("wall, fastest to slowest", &spread(&ssh), &spread(&sshdoctor));
    let ratio = median(&sshdoctor).as_secs_f64() / median(&ssh).as_secs_f64();
    let (ssh, sshdoctor) = (milliseconds(median(&ssh)), milliseconds(median(&sshdoctor)));
    match limit {
        Some(limit) => {
            let words = format!("at most {limit:.2} of ssh's: {ratio:.2}");
            table.row("wall, median", &ssh, &sshdoctor, &words, ratio <= limit);
        }
        None => table.note(&format!("wall, median (ratio {ratio:.2})"), &ssh, &sshdoctor),
    }
}

/// The rows of flights and connections; the most that any run needed.
fn counts(pair: &Pair, limit: Option<u32>, table: &mut Table) {
    let flights = |samples: &[Sample]| samples.iter().map(|sample| sample.flights).max().unwrap_or_default();
    let (ssh, sshdoctor) = (flights(&pair.ssh), flights(&pair.sshdoctor));
    match limit {
        Some(limit) => table.row(
            "client flights",
            &ssh.to_string(),
            &sshdoctor.to_string(),
            &format!("at most {limit}"),
            sshdoctor <= limit,
        ),
        None => table.note("client flights", &ssh.to_string(), &sshdoctor.to_string()),
    }
    let connections = |samples: &[Sample]| samples.iter().map(|sample| sample.connections).max().unwrap_or_default();
    let (ssh, sshdoctor) = (connections(&pair.ssh), connections(&pair.sshdoctor));
    table.row("TCP connections", &ssh.to_string(), &sshdoctor.to_string(), "exactly 1", sshdoctor == 1);
}

fn refused_keys() -> Vec<String> {
    (1..=REFUSED_KEYS).map(|number| format!("refused{number}")).collect()
}

impl Lab {
    fn start(folder: &Path) -> Result<Self> {
        let info = Sshd::start(&folder.join("info"), "LogLevel INFO")?;
        let verbose = Sshd::start(&folder.join("verbose"), "LogLevel VERBOSE")?;
        let distant = Proxy::start(info.port, ONE_WAY)?;
        let home = folder.join("home");
        fs::create_dir(&home)?;
        for name in refused_keys().iter().map(String::as_str).chain(["accepted"]) {
            keygen(&home.join(name), name)?;
        }
        info.authorize(&home.join("accepted.pub"), "")?;
        let known_hosts = info.known_hosts_line(distant.port)?
            + &info.known_hosts_line(info.port)?
            + &verbose.known_hosts_line(verbose.port)?;
        fs::write(home.join("known_hosts"), known_hosts)?;
        Ok(Self { folder: folder.to_path_buf(), account: account()?, info, verbose, distant })
    }

    /// The command line, the same for both programs but for the first word and the report's format.
    fn command_line(&self, program: Program, port: u16, keys: &[String], more: &[&str]) -> Vec<OsString> {
        let home = self.folder.join("home");
        let mut line: Vec<OsString> = match program {
            Program::Ssh => vec!["ssh".into()],
            Program::Sshdoctor => vec![env!("CARGO_BIN_EXE_sshdoctor").into(), "--format".into(), "json".into()],
        };
        line.extend(["-F", "none", "-o", "BatchMode=yes", "-p", &port.to_string()].map(OsString::from));
        line.push("-o".into());
        line.push(format!("UserKnownHostsFile={}", home.join("known_hosts").display()).into());
        line.extend(more.iter().map(OsString::from));
        for key in keys {
            line.push("-i".into());
            line.push(home.join(key).into());
        }
        line.push(format!("{}@127.0.0.1", self.account).into());
        line.push("true".into());
        line
    }

    /// One run, with what the line and sshd's log saw of it.
    fn sample(&self, program: Program, line: &[OsString], outcome: Outcome) -> Result<Sample> {
        let before = settled_log(&self.info).len();
        self.distant.take();
        let (output, wall) = run(line, &self.folder.join("home"))?;
        check(program, &output, outcome)?;
        let log = settled_log(&self.info)[before..].lines().map(str::to_owned).collect();
        let tallies = self.distant.take();
        let flights = tallies.iter().map(|tally| tally.flights).max().unwrap_or_default();
        Ok(Sample { wall, flights, connections: tallies.len(), log })
    }

    /// Both programs in turns, so that whatever else the machine does falls on both.
    fn pair(&self, runs: usize, port: u16, keys: &[String], more: &[&str], outcome: Outcome) -> Result<Pair> {
        let ssh = self.command_line(Program::Ssh, port, keys, more);
        let sshdoctor = self.command_line(Program::Sshdoctor, port, keys, more);
        let mut pair = Pair { ssh: Vec::new(), sshdoctor: Vec::new() };
        for _ in 0..runs {
            pair.ssh.push(self.sample(Program::Ssh, &ssh, outcome)?);
            pair.sshdoctor.push(self.sample(Program::Sshdoctor, &sshdoctor, outcome)?);
        }
        Ok(pair)
    }

    /// How many public-key queries the server refused, counted by its own log.
    fn refused_queries(&self, program: Program) -> Result<usize> {
        let before = settled_log(&self.verbose).len();
        let line = self.command_line(program, self.verbose.port, &refused_keys(), &[]);
        let (output, _) = run(&line, &self.folder.join("home"))?;
        check(program, &output, Outcome::Refused)?;
        Ok(settled_log(&self.verbose)[before..].lines().filter(|line| line.contains("Failed publickey")).count())
    }

    /// The peak memory of the largest process of a run, in KiB.
    fn peak_kib(&self, program: Program, keys: &[String]) -> Result<i64> {
        // A small process in between: what it waits for is only this run.
        let mut line = vec![std::env::current_exe()?.into_os_string(), MEASURE.into()];
        line.extend(self.command_line(program, self.info.port, keys, &[]));
        let (output, _) = run(&line, &self.folder.join("home"))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        printed.trim().parse().with_context(|| format!("no figure but {printed:?}"))
    }
}

/// Runs a command line with this home.
fn run(line: &[OsString], home: &Path) -> Result<(Output, Duration)> {
    let mut command = Command::new(&line[0]);
    command
        .args(&line[1..])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    let begun = Instant::now();
    let output = command.output().with_context(|| line[0].display().to_string())?;
    Ok((output, begun.elapsed()))
}

/// Waits until nothing has been added to the log for a while: sshd logs the end of a connection after the client's.
fn settled_log(sshd: &Sshd) -> String {
    let mut log = sshd.log();
    let mut quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(300) {
        sleep(Duration::from_millis(20));
        let now = sshd.log();
        if now != log {
            log = now;
            quiet = Instant::now();
        }
    }
    log
}

/// A figure counts only where the program came to the right end.
fn check(program: Program, output: &Output, outcome: Outcome) -> Result<()> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let right = match (program, outcome) {
        (Program::Ssh, Outcome::Refused) => errors.contains("Permission denied (publickey"),
        (Program::Ssh, Outcome::LoggedIn) => output.status.success(),
        (Program::Sshdoctor, _) => {
            let report: Value = serde_json::from_slice(&output.stdout)
                .with_context(|| format!("sshdoctor printed no JSON, {}: {errors}", output.status))?;
            let cause = report["verdict"]["cause"].as_str().unwrap_or_default().to_owned();
            let wanted = if outcome == Outcome::Refused { "no-key-accepted" } else { "access-works" };
            ensure!(cause == wanted, "sshdoctor's verdict is {cause}, not {wanted}");
            true
        }
    };
    ensure!(right, "ssh did not end as it should, {}: {errors}", output.status);
    Ok(())
}

/// Starts a program, waits for it, prints the peak memory of the largest process among it and its children in KiB.
fn measure(line: &[OsString]) -> Result<()> {
    let (program, arguments) = line.split_first().context("nothing to measure")?;
    Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    table::say(&getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss().to_string());
    Ok(())
}

fn runs(arguments: &[OsString]) -> Result<usize> {
    let Some(place) = arguments.iter().position(|argument| argument == "--runs") else { return Ok(RUNS) };
    let number = arguments.get(place + 1).and_then(|word| word.to_str()).context("--runs wants a number")?;
    let number = number.parse().context("--runs wants a number")?;
    ensure!(number > 0, "--runs wants a number above 0");
    Ok(number)
}
