//! Real servers, broken one setting at a time: the real ssh beside sshdoctor on the same command line.
//!
//! Every row runs in mount, PID, network, UTS and IPC namespaces of its own (root needed), so that it may break what it
//! likes and leaves nothing behind. A row is right when ssh does what the row says and sshdoctor's verdict has exactly
//! the row's cause, certainty and prediction.
//!
//! `cargo test --test lab -- [--list] [--ssh-only] [--keep | -v] [WORD…]`: only rows whose name contains a word;
//! `--ssh-only` leaves sshdoctor out; `-v` prints both programs' words for every row. With `BLESS=1` the rows that are
//! fixtures write `fixtures/CAUSE/facts.json`, `fixtures/healthy/ROW.json` or `fixtures/incidents/ROW/facts.json`.

#![expect(clippy::print_stdout, clippy::exit, reason = "a test program reports on stdout and by its status")]

mod account;
mod client;
mod exceptions;
mod inside;
mod leftovers;
mod redaction;
mod row;
mod rows;
mod scripted;
#[path = "../support/secrets.rs"]
mod secrets;
mod servers;
mod transcript;
mod userauth;
mod versions;
mod way;
mod world;
#[path = "../support/rows.rs"]
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context as _, bail, ensure};

use crate::inside::Outcome;
use crate::row::{Fixture, HEALTHY, Row};
use crate::written::Written;

/// The program under test.
const DOCTOR: &str = env!("CARGO_BIN_EXE_sshdoctor");
/// Rows that run side by side: most of their time they wait.
const SIDE_BY_SIDE: usize = 3;
/// What the lab must not fall below: rows, healthy ones, and causes that are proven.
const AT_LEAST: (usize, usize, usize) = (1400, 410, 100);
/// What can be proved from the client's machine and one connection, and therefore has a row with a fixture.
const CAUSES: &str = "
    host-not-found host-alias-misspelt dns-failure connection-refused connection-timeout network-unreachable ipv6-broken
    connect-blocked-locally not-ssh-server protocol-error banner-timeout connection-dropped max-startups source-penalised
    ssh-protocol-1-only no-common-kex no-common-host-key-algorithm no-common-cipher no-common-mac kex-stalled
    host-key-changed host-key-unknown host-key-revoked host-certificate-invalid client-config-error
    client-config-permissions wrong-ssh-binary no-identities agent-unreachable agent-lacks-accepted-key accepted-key-not-offered
    identities-only-hides-key too-many-keys identity-file-missing rsa-key-too-small key-file-permissions key-file-unreadable
    key-file-malformed key-file-is-public key-file-is-ppk key-passphrase-needed key-pair-mismatch agent-refused-to-sign hardware-key-unavailable
    wrong-user wrong-local-account agent-key-constrained no-mutual-signature-algorithm pubkey-disabled-by-client method-disabled-by-client
    no-key-accepted certificate-expired server-pubkey-disabled password-disabled signature-rejected second-factor-required
    server-disconnected password-rejected no-methods-left hostbased-only bind-address-unusable revoked-host-keys-unreadable access-works
    access-needs-answer nothing-found undetermined shell-refuses-login forced-command login-as-other-user password-change-required
    session-closed channel-refused shell-startup-prints git-host-no-account git-repository-denied jump-host-failed
    jump-forwarding-refused jump-host-loop";
/// After this a row's process ends, whatever it waits for.
const ROW_LIMIT: Duration = Duration::from_secs(150);

/// The command line; what cargo passes to every test program and means nothing here is let through.
#[derive(Debug, Default)]
struct Arguments {
    list: bool,
    ssh_only: bool,
    verbose: bool,
    row: Option<String>,
    words: Vec<String>,
}

fn main() -> ExitCode {
    match run(&arguments()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Arguments {
    let mut arguments = Arguments::default();
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => arguments.list = true,
            "--ssh-only" => arguments.ssh_only = true,
            "--keep" | "-v" => arguments.verbose = true,
            "--row" => arguments.row = words.next(),
            "--test-threads" | "--color" | "--format" | "--skip" | "--logfile" => drop(words.next()),
            flag if flag.starts_with('-') => {}
            _ => arguments.words.push(word),
        }
    }
    arguments
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let rows = rows::all();
    if let Some(name) = &arguments.row {
        let row = rows.iter().find(|row| row.name == name).with_context(|| format!("no row {name}"))?;
        one_row(row, arguments.ssh_only)?;
    }
    sound(&rows)?;
    if arguments.words.is_empty() {
        read_right(&rows)?;
    }
    let wanted = |row: &&Row| arguments.words.is_empty() || arguments.words.iter().any(|word| row.name.contains(word));
    let chosen: Vec<Row> = rows.iter().filter(wanted).cloned().collect();
    if arguments.list {
        for row in &chosen {
            println!("{}: {} {}", row.name, row.cause, row.certainty);
        }
        return Ok(true);
    }
    able()?;
    let begun = Instant::now();
    let (count, queue, failed) = (chosen.len(), Mutex::new(chosen.into_iter()), Mutex::new(Vec::new()));
    let places = Mutex::new(Vec::new());
    // The account whose processes such a row uses up is that of every row.
    let loops = Mutex::new(());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(row) = queue.lock().ok().and_then(|mut rows| rows.next()) {
                    let _alone = (row.cause == client::LOOPS).then(|| loops.lock());
                    if !reported(&row, arguments, &places)
                        && let Ok(mut failed) = failed.lock()
                    {
                        failed.push(row.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    for name in &failed {
        println!("lab: FAILED {name}");
    }
    println!(
        "lab: {} rows passed, {} failed, 0 skipped ({:.1} s{})",
        count - failed.len(),
        failed.len(),
        begun.elapsed().as_secs_f64(),
        if arguments.ssh_only { ", ssh only" } else { "" }
    );
    let places = places.into_inner().unwrap_or_default();
    let within = |most: usize| places.iter().filter(|place| **place <= most).count();
    if !places.is_empty() {
        let rows = places.len();
        println!(
            "lab: the true member of {rows} groups: first in {}, among the first three in {}",
            within(1),
            within(3)
        );
    }
    if arguments.words.is_empty() && 2 * within(1) < places.len() {
        println!("lab: FAILED in fewer than half of the groups the true member stands first");
        return Ok(false);
    }
    Ok(failed.is_empty())
}

/// Whether the rows are what the lab promises: names unique, each doubt with its reason, enough of each sort.
fn sound(rows: &[Row]) -> anyhow::Result<()> {
    let mut names = BTreeSet::new();
    for row in rows {
        ensure!(names.insert(row.name), "two rows are named {}", row.name);
        ensure!((row.certainty == "proven") == row.because.is_empty(), "{}: why is it not proven?", row.name);
    }
    let healthy = rows.iter().filter(|row| HEALTHY.contains(&row.cause)).count();
    let proven: BTreeSet<&str> = rows.iter().filter(|row| row.certainty == "proven").map(|row| row.cause).collect();
    let have = (rows.len(), healthy, proven.len());
    ensure!(have.0 >= AT_LEAST.0 && have.1 >= AT_LEAST.1 && have.2 >= AT_LEAST.2, "only {have:?} of {AT_LEAST:?}");
    let mut by_fixture = BTreeMap::new();
    for row in rows.iter().filter(|row| row.fixture == Fixture::Cause) {
        if let Some(other) = by_fixture.insert(row.cause, row.name) {
            bail!("{other} and {} would write the same fixture", row.name);
        }
    }
    for cause in CAUSES.split_whitespace() {
        ensure!(by_fixture.contains_key(cause), "no row of {cause} is a fixture");
    }
    Ok(())
}

/// Whether the tests that cannot run the rows read their source right.
fn read_right(rows: &[Row]) -> anyhow::Result<()> {
    let mut read: Vec<Written> = written::rows();
    let mut built: Vec<Written> = rows.iter().map(Row::written).collect();
    read.sort();
    built.sort();
    ensure!(read == built, "tests/support/rows.rs misreads {:?}", built.iter().find(|row| !read.contains(row)));
    Ok(())
}

/// Whether this machine can run rows at all.
fn able() -> anyhow::Result<()> {
    let id = Command::new("id").arg("-u").output().context("id")?;
    ensure!(id.stdout == b"0\n", "the rows need root: they run in namespaces of their own (tests/run says more)");
    for program in [
        "/usr/sbin/sshd",
        "/usr/sbin/dropbear",
        "/usr/sbin/tinysshd",
        "/usr/bin/ssh",
        "/usr/bin/script",
        "/usr/sbin/nft",
        "/usr/bin/nc.openbsd",
        "/usr/bin/tinyproxy",
        "/usr/sbin/danted",
    ] {
        ensure!(Path::new(program).exists(), "{program} is missing: tests/run installs what the lab needs");
    }
    versions::able()
}

/// Runs a row in a process with namespaces of its own, prints its line, and says whether all was right.
fn reported(row: &Row, arguments: &Arguments, places: &Mutex<Vec<usize>>) -> bool {
    let begun = Instant::now();
    let outcome = in_namespaces(row, arguments.ssh_only)
        .unwrap_or_else(|error| Outcome { complaints: vec![format!("{error:#}")], ..Outcome::default() });
    let mut complaints = outcome.complaints;
    if row.member.is_some()
        && let Ok(mut places) = places.lock()
        && !arguments.ssh_only
    {
        places.push(outcome.place.unwrap_or(usize::MAX));
    }
    if let Some(facts) = outcome.facts.filter(|_| env::var_os("BLESS").is_some())
        && let Err(error) = bless(row, &facts, outcome.transcript.as_deref())
    {
        complaints.push(format!("{error:#}"));
    }
    let word = if complaints.is_empty() { "ok" } else { "FAILED" };
    let mut said = format!("{word} {} {} {} {} ms\n", row.name, row.cause, row.certainty, begun.elapsed().as_millis());
    for complaint in &complaints {
        let _ = writeln!(said, "  {complaint}");
    }
    if arguments.verbose || !complaints.is_empty() {
        for line in outcome.printed.lines() {
            let plain = line.replace(|letter: char| letter.is_control(), "·");
            let _ = writeln!(said, "    {plain}");
        }
    }
    print!("{said}");
    let _ = std::io::stdout().flush();
    complaints.is_empty()
}

/// The process of a row. It watches its stdin, so it ends with this one.
fn in_namespaces(row: &Row, ssh_only: bool) -> anyhow::Result<Outcome> {
    let mut command = Command::new("setsid");
    command.args(["unshare", "-m", "-p", "-n", "-u", "-i", "--fork", "--kill-child", "--"]);
    command.arg(env::current_exe()?).args(["--row", row.name]);
    if ssh_only {
        command.arg("--ssh-only");
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("unshare")?;
    let stdin = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(stdin);
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the row ended early: {}", String::from_utf8_lossy(&output.stderr).trim_end()))
}

/// The row itself, as the first process of its namespaces; it ends the process, and with it all others there.
fn one_row(row: &Row, ssh_only: bool) -> anyhow::Result<()> {
    ensure!(std::process::id() == 1, "--row is for the lab itself");
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
    thread::spawn(|| {
        thread::sleep(ROW_LIMIT);
        std::process::exit(1);
    });
    let outcome = inside::run(row, Path::new(DOCTOR), ssh_only);
    println!("{}", serde_json::to_string(&outcome)?);
    std::process::exit(0);
}

/// Keeps the facts of a row, and the transcript of one that stands for its cause, in the repository.
fn bless(row: &Row, facts: &str, transcript: Option<&str>) -> anyhow::Result<()> {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let (folder, file) = match row.fixture {
        Fixture::No => return Ok(()),
        Fixture::Cause => (fixtures.join(row.cause), "facts.json".to_owned()),
        Fixture::Healthy => (fixtures.join("healthy"), format!("{}.json", row.name)),
        Fixture::Incident => (fixtures.join("incidents").join(row.name), "facts.json".to_owned()),
    };
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    if let Some(transcript) = transcript.filter(|_| row.fixture == Fixture::Cause) {
        let file = transcript::kept(&fixtures, row);
        fs::write(&file, transcript).with_context(|| file.display().to_string())?;
    }
    let file = folder.join(file);
    fs::write(&file, facts).with_context(|| file.display().to_string())
}
