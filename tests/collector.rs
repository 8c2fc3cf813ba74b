//! The collector of the server's side under every shell that a server may have, and before a linter.
#![expect(clippy::unwrap_used, reason = "a shell that cannot be started is a failed test")]

use std::process::{Command, Stdio};

/// The shells, each with the words before the script. dash is Debian's sh, busybox ash Alpine's.
const SHELLS: &[&[&str]] = &[&["dash"], &["busybox", "ash"], &["bash", "--posix"], &["ksh93"], &["mksh"]];
/// What differs between two runs a moment apart: the clock, and what the machine's sshd says of its connections.
const OF_THE_MOMENT: &[&str] = &["at=", "time=", "title=", "started="];

fn script() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sshdoctor")).args(["server", "--print-script"]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// What it prints about an account, without what is of the moment.
fn collected(shell: &[&str], path: &str, account: &str) -> Vec<String> {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(path).arg(account).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", shell[0]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    let lasting = |line: &&str| !OF_THE_MOMENT.iter().any(|key| line.starts_with(key));
    text.lines().filter(lasting).map(str::to_owned).collect()
}

#[test]
fn every_shell_prints_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collect.sh");
    std::fs::write(&path, script()).unwrap();
    let path = path.to_str().unwrap();
    for account in ["root", "nobody", "no-such-account", "$(id)", "a b"] {
        let first = collected(SHELLS[0], path, account);
        assert!(first.len() > 20, "{account}: {first:?}");
        for shell in &SHELLS[1..] {
            let next = collected(shell, path, account);
            let differing: Vec<_> = first.iter().zip(&next).filter(|(one, other)| one != other).take(5).collect();
            assert_eq!(first.len(), next.len(), "{shell:?} about {account}: {differing:?}");
            assert!(differing.is_empty(), "{shell:?} about {account}: {differing:?}");
        }
    }
}

#[test]
fn the_linter_of_shells_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collect.sh");
    std::fs::write(&path, script()).unwrap();
    let output = Command::new("shellcheck").args(["-s", "sh"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
