//! What may have kept an agent away from a shell that was reached by ssh.
//!
//! Touches: `/etc/ssh/sshd_config` and `/etc/ssh/sshd_config.d/*.conf` of this machine, where `SSH_CONNECTION` is set and
//! `SSH_AUTH_SOCK` is not.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::system::errno;
use crate::facts::account::{Sshd, TextFile};
use crate::facts::reached::{ForwardingLine, Multiplexer, Reached};
use crate::facts::text::{self, ServerText};
use crate::facts::{Observed, Run, Source, Unobserved};
use crate::openssh::sshd::config::settings;

/// Where sshd_config and what is dropped in beside it lie.
const FOLDER: &str = "/etc/ssh";
/// How much of a file is read.
const LONGEST_FILE: u64 = 256 << 10;
/// How many files are read.
const MOST_FILES: usize = 64;
/// How many lines are kept, and how much of a value.
const MOST_LINES: usize = 32;
const LONGEST_VALUE: usize = 200;

/// What is to be said of this shell; `None` where ssh did not open it, or an agent is named in it.
pub(super) fn collect(run: &Run) -> Option<Reached> {
    let bare = run.ssh_connection.is_some() && run.auth_sock.as_ref().is_none_or(text::Path::is_empty);
    bare.then(|| Reached { forwarding: forwarding(Path::new(FOLDER)) })
}

/// What keeps this shell beyond the login it was started in.
pub(super) fn multiplexer(env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<Multiplexer> {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    match (set("TMUX"), set("STY")) {
        (true, _) => Some(Multiplexer::Tmux),
        (false, true) => Some(Multiplexer::Screen),
        (false, false) => None,
    }
}

/// The lines about forwarding in the sshd_config of this folder.
fn forwarding(folder: &Path) -> Observed<Vec<ForwardingLine>> {
    let mut files = vec![file(&folder.join("sshd_config"))?];
    // One that may not be read is passed over: what it says is not known, and no line of another file proves anything.
    files.extend(dropped_in(&folder.join("sshd_config.d")).iter().filter_map(|path| file(path).ok()));
    let sshd = Sshd { files, ..Sshd::default() };
    let meant = settings(&sshd)
        .into_iter()
        .filter(|setting| matches!(setting.keyword.as_str(), "allowagentforwarding" | "disableforwarding"));
    let short = |text: &ServerText| ServerText::new(&text.as_bytes()[..text.as_bytes().len().min(LONGEST_VALUE)]);
    let line = |setting: crate::openssh::sshd::config::Setting| ForwardingLine {
        at: Source::File { path: setting.path, line: Some(setting.line) },
        keyword: setting.keyword,
        value: short(&setting.value),
        matched: setting.matched.as_ref().map(short),
    };
    Ok(meant.take(MOST_LINES).map(line).collect())
}

/// The files that distributions include; none where the folder is not there or may not be listed.
fn dropped_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "conf")).collect()
}

fn file(path: &Path) -> Observed<TextFile> {
    // A pipe would not end.
    let regular = path.metadata().map(|found| found.is_file());
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LONGEST_FILE).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes: Vec<u8> = match regular.and_then(|regular| if regular { read() } else { Ok(Vec::new()) }) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Err(Unobserved::NotPermitted),
        Err(error) => return Err(Unobserved::Failed(format!("{}: {}", path.display(), errno(&error)))),
    };
    let lines = bytes.split(|byte| *byte == b'\n').map(ServerText::new).collect();
    Ok(TextFile { path: text::Path::from_path(path), lines, ..TextFile::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn the_lines_about_forwarding_are_kept_in_sshd_s_order() {
        let folder = Folder::new();
        let main = "Port 22\nAllowAgentForwarding no\nMatch User a\n  AllowAgentForwarding yes\n";
        folder.file("sshd_config", main.as_bytes());
        let found = forwarding(folder.as_ref()).unwrap();
        let said: Vec<String> = found
            .iter()
            .map(|line| format!("{} {} {:?}", line.keyword, line.value, line.matched.as_ref().map(ToString::to_string)))
            .collect();
        assert_eq!(said, ["allowagentforwarding no None", "allowagentforwarding yes Some(\"User a\")"]);
        assert!(forwarding(&folder.path("absent")).is_err());
    }

    #[test]
    fn tmux_and_screen_are_known_by_their_variables() {
        let env = |set: &'static str| move |name: &str| (name == set).then(|| b"1.pts".to_vec());
        assert_eq!(multiplexer(&env("TMUX")), Some(Multiplexer::Tmux));
        assert_eq!(multiplexer(&env("STY")), Some(Multiplexer::Screen));
        assert_eq!(multiplexer(&env("TERM")), None);
    }
}
