//! How fast a log is read, and how much memory that takes, beside `grep -c sshd` on the same file.
//!
//! `cargo bench --bench log` writes 1 GB of auth.log into a temporary folder, prints the table and fails where a limit is
//! missed. Most of it is noise, as on a server that everybody can reach; one login at its end is a person's.

#[path = "../probe/table.rs"]
#[expect(dead_code, reason = "the other benchmark compares medians, this one does not")]
mod table;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

use table::{Table, mebibytes};

/// How much is written.
const BYTES: u64 = 1_000_000_000;
/// The same in MB.
const MEGABYTES: f64 = 1000.0;
/// MB a second that are wanted.
const SPEED_LIMIT: f64 = 100.0;
/// The memory that is allowed.
const MEMORY_LIMIT_KIB: i64 = 30 * 1024;

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benches too, without this flag: figures are not for a test run.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match bench() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            table::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("auth.log");
    written(&log)?;
    let mut grep = Command::new("grep");
    grep.args(["-c", "sshd"]).arg(&log);
    // GNU grep stops at the first match where its output is /dev/null.
    grep.stdout(Stdio::piped());
    let (grep, _) = timed(&mut grep)?;
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_sshdoctor"));
    let report = folder.path().join("report.json");
    doctor.args(["log", "--format", "json", "--output"]).args([&report, &log]);
    let (took, status) = timed(&mut doctor)?;
    // Of grep and of sshdoctor, the larger one.
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    ensure!(matches!(status, Some(1 | 3)), "sshdoctor ended with {status:?}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&report)?)?;
    let met = &report["verdict"]["cause"];
    ensure!(met == "server-user-not-allowed", "the login at its end is judged as {met}");

    let mut table = Table::beside("grep");
    table.heading("1 GB of auth.log, beside grep -c sshd");
    let speed = |took: Duration| MEGABYTES / took.as_secs_f64();
    let shown = |took: Duration| format!("{:.0} MB/s", speed(took));
    let wanted = format!("above {SPEED_LIMIT:.0} MB/s");
    table.row("speed", &shown(grep), &shown(took), &wanted, speed(took) > SPEED_LIMIT);
    let wanted = format!("under {}", mebibytes(MEMORY_LIMIT_KIB));
    table.row("peak memory", "", &mebibytes(memory), &wanted, memory < MEMORY_LIMIT_KIB);
    table.print();
    Ok(table.all_met())
}

/// Runs it: how long it took, and its status.
fn timed(command: &mut Command) -> Result<(Duration, Option<i32>)> {
    let begun = Instant::now();
    let status = command.status().with_context(|| command.get_program().display().to_string())?;
    Ok((begun.elapsed(), status.code()))
}

/// Writes the log: strangers who try names from many addresses, cron, and at last a person who is not allowed.
fn written(path: &Path) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut bytes, mut number) = (0, 0_u64);
    let mut lines = String::new();
    while bytes < BYTES {
        lines.clear();
        let (second, minute, hour) = (number % 60, number / 60 % 60, number / 3600 % 24);
        let stamp = format!("Nov {:2} {hour:02}:{minute:02}:{second:02} web1", 1 + number / 200_000 % 24);
        let (pid, port) = (1000 + number % 4_000_000, 1024 + number * 7 % 60_000);
        let address = format!("{}.{}.{}.{}", 11 + number % 90, number / 90 % 256, number / 7 % 256, number % 251);
        let user = ["root", "admin", "test", "oracle", "git", "ubuntu", "postgres"][(number % 7) as usize];
        let _ = match number % 5 {
            0 => writeln!(lines, "{stamp} CRON[{pid}]: pam_unix(cron:session): session opened for user root(uid=0)"),
            1 => writeln!(
                lines,
                "{stamp} sshd[{pid}]: Invalid user {user}{number} from {address} port {port}\n{stamp} sshd[{pid}]: Connection \
                 closed by invalid user {user}{number} {address} port {port} [preauth]"
            ),
            2 => writeln!(lines, "{stamp} sshd[{pid}]: Failed password for {user} from {address} port {port} ssh2"),
            3 => writeln!(
                lines,
                "{stamp} sshd[{pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= \
                 rhost={address}  user={user}\n{stamp} sshd[{pid}]: Connection closed by authenticating user {user} \
                 {address} port {port} [preauth]"
            ),
            _ => writeln!(lines, "{stamp} sudo: pam_unix(sudo:session): session closed for user root"),
        };
        out.write_all(lines.as_bytes())?;
        bytes += lines.len() as u64;
        number += 1;
    }
    writeln!(
        out,
        "Nov 25 12:00:00 web1 sshd[77]: User deploy from 192.0.2.20 not allowed because not listed in AllowUsers\nNov 25 \
         12:00:00 web1 sshd[77]: Connection closed by invalid user deploy 192.0.2.20 port 50000 [preauth]"
    )?;
    out.flush()?;
    Ok(())
}
