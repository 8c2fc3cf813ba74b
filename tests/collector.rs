//! The collector of the server's side under every shell that a server may have, and before a linter.
#![expect(clippy::unwrap_used, reason = "a shell that cannot be started is a failed test")]

use std::os::unix::fs::PermissionsExt as _;
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
    // In a PID namespace of its own no sshd of another test comes and goes.
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc"]).args(shell).arg(path).arg(account).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", shell[0]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    let lasting = |line: &&str| !OF_THE_MOMENT.iter().any(|key| line.starts_with(key));
    // Of a folder the times, which other programs move: the last two words of a stat.
    let timeless = |line: &str| match line.strip_prefix("stat=") {
        Some(stat) => stat.split(' ').take(4).collect::<Vec<_>>().join(" "),
        None => line.to_owned(),
    };
    text.lines().filter(lasting).map(timeless).collect()
}

/// The lines in which two shells differ about an account, where they differ three times in a row: a machine on which
/// sshd is at work changes between two runs.
fn differing(shell: &[&str], path: &str, account: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for _ in 0..3 {
        let (first, next) = (collected(SHELLS[0], path, account), collected(shell, path, account));
        assert!(first.len() > 20, "{account}: {first:?}");
        let longest = first.len().max(next.len());
        let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
        found =
            (0..longest).map(|at| (line(&first, at), line(&next, at))).filter(|(one, other)| one != other).collect();
        if found.is_empty() {
            break;
        }
    }
    found.truncate(5);
    found
}

#[test]
fn every_shell_prints_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collect.sh");
    std::fs::write(&path, script()).unwrap();
    let path = path.to_str().unwrap();
    for account in ["root", "nobody", "no-such-account", "$(id)", "a b"] {
        for shell in &SHELLS[1..] {
            assert_eq!(differing(shell, path, account), [], "{shell:?} about {account}");
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

/// The report of what the collector printed about root, as it came from standard output.
fn judged(collected: &[u8]) -> (Option<i32>, String, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collected");
    std::fs::write(&path, collected).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sshdoctor"))
        .args(["server", "root", "--format", "json", "--collected"])
        .arg(&path)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code(), stderr, serde_json::from_slice(&output.stdout).unwrap_or_default())
}

/// What the collector prints about root, run by these words.
fn printed(program: &str, words: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collect.sh");
    std::fs::write(&path, script()).unwrap();
    // Another account than root runs it too.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(program).args(words).arg(&path).arg("root").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn who_is_not_root_says_what_was_not_seen_and_proves_nothing() {
    let collected = printed("setpriv", &["--reuid", "65534", "--regid", "65534", "--clear-groups", "sh"]);
    let (status, stderr, report) = judged(&collected);
    assert_eq!(status, Some(3), "{stderr}{report}");
    let verdict = &report["verdict"];
    assert_eq!((&verdict["cause"], &verdict["certainty"]), (&"undetermined".into(), &"possible".into()), "{verdict}");
    assert!(verdict["summary"].as_str().unwrap().starts_with("uid 65534 cannot see all"), "{verdict}");
    assert!(verdict["evidence"].to_string().contains("/root/.ssh/authorized_keys: EACCES"), "{verdict}");
    assert_eq!(verdict["next_steps"][0]["command"], "sshdoctor server root", "{verdict}");
    assert_eq!(verdict["next_steps"][0]["as"], "root", "{verdict}");
}

#[test]
fn an_output_that_is_cut_proves_nothing() {
    let collected = printed("sh", &[]);
    for part in 0..100 {
        let cut = &collected[..collected.len() * part / 100];
        let (status, stderr, report) = judged(cut);
        if status == Some(2) {
            assert!(stderr.contains("this is no output of the collector") || stderr.contains("is cut"), "{stderr}");
            continue;
        }
        assert!(matches!(status, Some(1 | 3)), "{} bytes: {stderr}{report}", cut.len());
        assert_eq!(report["verdict"]["certainty"], "possible", "{} bytes: {report}", cut.len());
        assert!(report["verdict"]["evidence"].to_string().contains("ends before its last line"), "{report}");
    }
}

#[test]
fn what_was_edited_proves_nothing_and_a_service_that_did_not_answer_hides_no_account() {
    let collected = String::from_utf8_lossy(&printed("sh", &[])).into_owned();
    let (before, rest) = collected.split_once("[account]\nuser=root\n").unwrap();
    let (_, behind) = rest.split_once("\n[").unwrap();
    let silent = format!("{before}[account]\nuser=root\nerror=getent ended with status 124\n[{behind}");
    let (status, stderr, report) = judged(silent.as_bytes());
    assert_eq!(status, Some(3), "{stderr}{report}");
    assert!(report["verdict"]["evidence"].to_string().contains("getent ended with status 124"), "{report}");
    let (_, stderr, report) = judged(collected.replacen("[host]\n", "[host]\nno value\n", 1).as_bytes());
    assert_ne!(report["verdict"]["certainty"], "proven", "{stderr}{report}");
}
