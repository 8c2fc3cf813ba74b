//! A login through a jump host: both legs of the way are delayed, from here to the jump host and from there to the target.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::proxy::Proxy;
use crate::sshd::{Sshd, account, keygen};
use crate::table::Table;
use crate::{ONE_WAY, Outcome, Pair, Program, Sample, check, refused_keys, run, walls};

/// What a diagnosis may take through a jump host, as a part of what `ssh -J` takes.
const WALL_LIMIT: f64 = 0.7;

/// The jump host, the target, and the delayed lines before each.
struct Way {
    folder: PathBuf,
    _jump: Sshd,
    _target: Sshd,
    to_jump: Proxy,
    to_target: Proxy,
}

/// The scenes through a jump host.
pub(crate) fn scenes(folder: &Path, runs: usize, table: &mut Table) -> Result<()> {
    let way = Way::start(folder)?;
    table.heading(&format!(
        "through a jump host, {} refused keys at the target, 100 ms on each leg",
        refused_keys().len()
    ));
    way.scene(runs, "refused", Outcome::Refused, table)?;
    table.heading("through a jump host, the fifth key accepted at the target, 100 ms on each leg");
    way.scene(runs, "fifth", Outcome::LoggedIn, table)?;
    table.heading("through a jump host, the first key accepted at the target, 100 ms on each leg");
    way.scene(runs, "first", Outcome::LoggedIn, table)
}

impl Way {
    fn start(folder: &Path) -> Result<Self> {
        let (jump, target) = (folder.join("jump"), folder.join("target"));
        let (jump, target) = (Sshd::start(&jump, "LogLevel INFO")?, Sshd::start(&target, "LogLevel INFO")?);
        let (to_jump, to_target) = (Proxy::start(jump.port, ONE_WAY)?, Proxy::start(target.port, ONE_WAY)?);
        for name in refused_keys().iter().map(String::as_str).chain(["jump", "accepted"]) {
            keygen(&folder.join(format!("id-{name}")), name)?;
        }
        jump.authorize(&folder.join("id-jump.pub"), "")?;
        target.authorize(&folder.join("id-accepted.pub"), "")?;
        let known_hosts = jump.known_hosts_line(to_jump.port)? + &target.known_hosts_line(to_target.port)?;
        fs::write(folder.join("known_hosts"), known_hosts)?;
        let refused: Vec<String> = refused_keys();
        let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
        let host = |name: &str, port: u16, keys: &[&str], more: &str| {
            let files = keys.iter().map(|key| format!("IdentityFile {}/id-{key}\n", folder.display()));
            format!("Host {name}\nHostName 127.0.0.1\nPort {port}\n{more}{}", files.collect::<String>())
        };
        let through = "ProxyJump jump\n";
        let configuration = [
            host("jump", to_jump.port, &["jump"], ""),
            host("refused", to_target.port, &refused, through),
            host("fifth", to_target.port, &[refused.as_slice(), &["accepted"]].concat(), through),
            host("first", to_target.port, &["accepted"], through),
            format!(
                "Host *\nUser {}\nBatchMode yes\nIdentitiesOnly yes\nUserKnownHostsFile {}\n",
                account()?,
                folder.join("known_hosts").display()
            ),
        ];
        fs::write(folder.join("config"), configuration.concat())?;
        Ok(Self { folder: folder.to_path_buf(), _jump: jump, _target: target, to_jump, to_target })
    }

    fn scene(&self, runs: usize, host: &str, outcome: Outcome, table: &mut Table) -> Result<()> {
        let mut pair = Pair { ssh: Vec::new(), sshdoctor: Vec::new() };
        let mut beyond = (0, 0);
        for _ in 0..runs {
            let (sample, flights) = self.sample(Program::Ssh, host, outcome)?;
            pair.ssh.push(sample);
            beyond.0 = flights.max(beyond.0);
            let (sample, flights) = self.sample(Program::Sshdoctor, host, outcome)?;
            pair.sshdoctor.push(sample);
            beyond.1 = flights.max(beyond.1);
        }
        walls(&pair, Some(WALL_LIMIT), table);
        crate::counts(&pair, None, table);
        table.note("flights beyond the jump host", &beyond.0.to_string(), &beyond.1.to_string());
        Ok(())
    }

    /// One run, and the flights of the connection from the jump host to the target.
    fn sample(&self, program: Program, host: &str, outcome: Outcome) -> Result<(Sample, u32)> {
        let mut line: Vec<OsString> = match program {
            Program::Ssh => vec!["ssh".into()],
            Program::Sshdoctor => vec![env!("CARGO_BIN_EXE_sshdoctor").into(), "--format".into(), "json".into()],
        };
        line.extend(["-F".into(), self.folder.join("config").into(), host.into(), "true".into()]);
        self.to_jump.take();
        self.to_target.take();
        let (output, wall) = run(&line, &self.folder)?;
        check(program, &output, outcome)?;
        let (jump, target) = (self.to_jump.take(), self.to_target.take());
        let flights = jump.iter().map(|tally| tally.flights).max().unwrap_or_default();
        let beyond = target.iter().map(|tally| tally.flights).max().unwrap_or_default();
        let connections = jump.len().max(target.len());
        Ok((Sample { wall, flights, connections, log: Vec::new() }, beyond))
    }
}
