//! The kit under every shell that a client may have, and before a linter.
#![expect(clippy::unwrap_used, reason = "a shell that cannot be started is a failed test")]

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The shells, each with the words before the script. dash is Debian's sh, busybox ash Alpine's.
const SHELLS: &[&[&str]] = &[&["dash"], &["busybox", "ash"], &["bash", "--posix"], &["ksh93"], &["mksh"]];

fn kit(target: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sshdoctor")).args(["log", "--kit", target]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the kit prints under that shell, in a home with one key and nothing else.
fn printed(shell: &[&str], kit: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".ssh")).unwrap();
    fs::write(home.path().join(".ssh/id_ed25519"), "secret words\n").unwrap();
    let script = home.path().join("kit");
    fs::write(&script, kit).unwrap();
    let began = Instant::now();
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .arg(&script)
        .env("HOME", home.path())
        .env_remove("SSH_AUTH_SOCK")
        .env("LC_PAPER", "a secret value")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", shell[0]));
    assert!(began.elapsed() < Duration::from_secs(60), "{shell:?}");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(errors, "", "{shell:?}");
    assert_eq!(fs::read_dir(home.path().join(".ssh")).unwrap().count(), 1, "{shell:?} wrote something");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_prints_every_section_and_no_secret() {
    let kit = kit("nobody@127.0.0.1");
    let mut sections = Vec::new();
    for shell in SHELLS {
        let text = printed(shell, &kit);
        let marks: Vec<String> = text.lines().filter(|line| line.starts_with("=== ")).map(str::to_owned).collect();
        assert_eq!(marks.len(), 10, "{text}");
        sections.push(marks);
        assert!(!text.contains("secret"), "{text}");
        for wanted in ["uid=", "/.ssh/id_ed25519\n", "identityfile ", "hostname 127.0.0.1", "debug1: Connecting to "] {
            assert!(text.contains(wanted), "{shell:?}: no {wanted} in {text}");
        }
    }
    assert!(sections.iter().all(|one| *one == sections[0]), "{sections:?}");
}

#[test]
fn a_hostile_name_stays_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    for name in
        ["$(touch${IFS}MARK)", "`touch${IFS}MARK`", "';touch${IFS}MARK;'", "\";touch${IFS}MARK;\"", "a;touch${IFS}MARK"]
    {
        let name = name.replace("MARK", mark.to_str().unwrap());
        for shell in SHELLS {
            printed(shell, &kit(&name));
            assert!(!mark.exists(), "{shell:?} ran what stands in {name}");
        }
    }
}

#[test]
fn a_linter_finds_nothing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/collect/log/kit.sh");
    let output = Command::new("shellcheck").args(["-s", "sh", path]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
