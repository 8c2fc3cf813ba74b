//! The installed ssh: where it is, its version, and what it prints, within a time and a size (ssh(1)).

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::facts::Unobserved;

/// How long ssh may take to read its configuration, `Match exec` commands included.
const LIMIT: Duration = Duration::from_secs(10);

/// How much of standard output is kept.
const STDOUT_LIMIT: usize = 1 << 20;

/// How much of standard error is kept; `-vvv` and `Match exec` commands write there.
const STDERR_LIMIT: usize = 4 << 20;

/// How many other ssh programs are looked at.
const MOST_OTHERS: usize = 4;

/// The folders of POSIX's standard programs (`getconf PATH`), and before them the one that every shell puts there.
const WITHOUT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

/// What a run of ssh printed.
#[derive(Debug)]
pub(in crate::collect) struct Printed {
    /// Its exit status; `None` where a signal ended it.
    pub(in crate::collect) status: Option<i32>,
    /// Standard output, no longer than [`STDOUT_LIMIT`].
    pub(in crate::collect) stdout: Vec<u8>,
    /// Standard error, no longer than [`STDERR_LIMIT`].
    pub(in crate::collect) stderr: Vec<u8>,
}

/// The ssh that a shell would run: `typed` where that was a path, else the first one on PATH.
pub(super) fn find(typed: Option<&OsStr>) -> Option<PathBuf> {
    if let Some(typed) = typed {
        return Some(PathBuf::from(typed)).filter(|path| is_executable(path));
    }
    find_named("ssh")
}

/// The first program of this name on PATH.
pub(in crate::collect) fn find_named(name: &str) -> Option<PathBuf> {
    let folders = folders(env::var_os("PATH"));
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

/// The other programs on PATH with one of these names than `in_use`: each file once, links followed, in PATH's order. What
/// the current folder holds is passed over.
pub(super) fn others(names: &[&str], in_use: &Path) -> Vec<PathBuf> {
    let folders = folders(env::var_os("PATH"));
    others_in(env::split_paths(&folders), names, in_use)
}

fn others_in(folders: impl Iterator<Item = PathBuf>, names: &[&str], in_use: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let file = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    let mut seen = vec![file(in_use)];
    let mut others = Vec::new();
    for path in
        folders.filter(|folder| folder.is_absolute()).flat_map(|folder| names.iter().map(move |name| folder.join(name)))
    {
        if others.len() == MOST_OTHERS {
            break;
        }
        let file = file(&path);
        if is_executable(&path) && !seen.contains(&file) {
            seen.push(file);
            others.push(path);
        }
    }
    others
}

/// Where a shell looks for programs: in its own list of folders where nobody set `PATH` (cron, `env -i`).
fn folders(path: Option<OsString>) -> OsString {
    path.unwrap_or_else(|| WITHOUT_PATH.into())
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The first word of `ssh -V`, `OpenSSH_9.2p1`; empty where it printed none.
pub(super) async fn version(ssh: &Path) -> Result<String, Unobserved> {
    let printed = run(ssh, &["-V".into()]).await?;
    if printed.status != Some(0) {
        return Ok(String::new());
    }
    let said = if printed.stderr.is_empty() { printed.stdout } else { printed.stderr };
    let line = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let word = line.split(|byte| matches!(byte, b' ' | b',' | b'\r')).next().unwrap_or_default();
    Ok(crate::facts::text::escape(&word[..word.len().min(80)]))
}

/// Runs `ssh` with these arguments and nothing on standard input.
pub(in crate::collect) async fn run(ssh: &Path, arguments: &[OsString]) -> Result<Printed, Unobserved> {
    let failed = |error: std::io::Error| Unobserved::Failed(format!("{}: {error}", shown(ssh)));
    let mut command = Command::new(ssh);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that a `Match exec` command that hangs can be ended together with it.
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let whole = async {
        let (status, stdout, stderr) =
            tokio::join!(child.wait(), capped(stdout, STDOUT_LIMIT), capped(stderr, STDERR_LIMIT));
        status.map(|status| Printed { status: status.code(), stdout, stderr })
    };
    let printed = tokio::time::timeout(LIMIT, whole).await.map_err(|_| Unobserved::TimedOut)?.map_err(failed)?;
    group.ended();
    Ok(printed)
}

/// Reads to the end and keeps no more than `limit` bytes.
pub(in crate::collect) async fn capped(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else { return kept };
    let mut buffer = vec![0; 8192];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = limit - kept.len();
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    kept
}

/// The process group of a run that is not over; it is killed when this is dropped.
pub(in crate::collect) struct Group(Option<i32>);

impl Group {
    /// The group that this child leads.
    pub(in crate::collect) fn of(child: &tokio::process::Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()))
    }

    /// The run is over: what it left running in the background is not ours to end.
    pub(in crate::collect) fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // It may have ended by itself in the meantime.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

fn shown(path: &Path) -> crate::facts::text::Path {
    crate::facts::text::Path::from_path(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_path_the_standard_folders_are_searched() {
        assert_eq!(folders(None), WITHOUT_PATH);
        assert_eq!(folders(Some("/opt/bin".into())), "/opt/bin");
        assert_eq!(folders(Some("".into())), "");
    }

    #[test]
    fn other_programs_are_other_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let make = |folder: &str, mode: u32| {
            let path = root.path().join(folder);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("ssh"), folder).unwrap();
            std::fs::set_permissions(path.join("ssh"), std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let (one, two, data) = (make("one", 0o755), make("two", 0o755), make("data", 0o644));
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let folders = [link, data, two.clone(), PathBuf::from("."), two.clone()];
        assert_eq!(others_in(folders.into_iter(), &["ssh", "ssh.exe"], &one.join("ssh")), [two.join("ssh")]);
    }
}
