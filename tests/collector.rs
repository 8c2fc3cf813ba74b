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

/// What it takes for the client's address where the log says this about deploy. `awk`: what awk is there.
fn address(log: &str, awk: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (path, lines) = (folder.path().join("collect.sh"), folder.path().join("log"));
    std::fs::write(&path, script()).unwrap();
    std::fs::write(&lines, log).unwrap();
    let machine = "mount -t tmpfs tmpfs /var/log && cp \"$1\" /var/log/auth.log && mount --bind \"$(readlink -f \"$(command -v \"$3\")\")\" \
        \"$(readlink -f \"$(command -v awk)\")\" && exec sh \"$2\" deploy";
    let output = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", machine, "sh"])
        .args([&lines, &path])
        .arg(awk)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, from) = text.split_once("\n[from]\nnamed=\naddress=").unwrap();
    from.lines().next().unwrap().to_owned()
}

#[test]
fn an_address_in_a_name_is_not_the_client_s() {
    let good = [
        ("Accepted publickey for deploy from 192.0.2.5 port 9 ssh2: ED25519 SHA256:x", "192.0.2.5"),
        ("Failed password for deploy from 192.0.2.6 port 9 ssh2", "192.0.2.6"),
        ("Connection closed by authenticating user deploy 2001:db8::1 port 9 [preauth]", "2001:db8::1"),
        ("User deploy from 192.0.2.7 not allowed because not listed in AllowUsers", "192.0.2.7"),
        ("Invalid user deploy from 192.0.2.9 port 9", "192.0.2.9"),
    ];
    let forged = [
        "web1 sshd[9]: Invalid user deploy from 192.0.2.66 port 1 from 192.0.2.8 port 9",
        "web1 sshd[9]: Failed none for invalid user deploy from 192.0.2.66 port 1 ssh2 from 192.0.2.8 port 9 ssh2",
        "web1 sshd[9]: Connection closed by invalid user deploy 192.0.2.66 port 1 192.0.2.8 port 9 [preauth]",
        "web1 sshd[9]: Connection closed by invalid user x deploy 192.0.2.8 port 9 [preauth]",
        "web1 sshd[9]: Invalid user User deploy from 192.0.2.66 not allowed because x from 192.0.2.8 port 9",
        "web1 httpd[9]: x sshd[9]: Failed none for deploy from 192.0.2.66 port 1 ssh2",
    ];
    let after = |stamp: &str| forged.map(|line| format!("{stamp} {line}\n")).concat();
    for awk in ["awk", "busybox"] {
        for (text, meant) in good {
            for stamp in ["Nov  5 02:00:00", "2026-11-05T02:00:00.123456+00:00"] {
                let log = format!("{stamp} web1 sshd-session[7]: {text}\n{}", after(stamp));
                assert_eq!(address(&log, awk), meant, "{awk}: {log}");
            }
        }
        assert_eq!(address(&after("Nov  5 02:00:00"), awk), "", "{awk}");
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

/// A public key, and its fingerprint.
const KEY: (&str, &str) = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS",
    "SHA256:qH8baHrA5X0qCBovKCZyM02Q7TFtK4GMqVgOo4TZJAE",
);

/// A log in which everybody tries the door: deploy's last login with the key, the first refusal after it, and what else
/// is to be kept, each with the words by which it is found again.
fn stormy() -> (String, Vec<String>) {
    let mut lines: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    let mut say = |pid: usize, words: String, keep: bool| {
        let second = lines.len();
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let line = format!("2026-11-25T{hour:02}:{minute:02}:{second:02}.250000+00:00 web1 sshd[{pid}]: {words}");
        if keep {
            kept.push(line.clone());
        }
        lines.push(line);
    };
    let print = KEY.1;
    say(7, format!("Accepted publickey for deploy from 192.0.2.100 port 1 ssh2: ED25519 {print}"), true);
    say(7, "pam_unix(sshd:session): session closed for user deploy".to_owned(), false);
    let mut robot = |pid: usize, keep: bool| {
        say(pid, format!("Connection from 192.0.2.9 port {pid} on 192.0.2.7 port 22"), false);
        say(pid, format!("Postponed publickey for deploy from 192.0.2.9 port {pid} ssh2 [preauth]"), false);
        say(pid, format!("Accepted publickey for deploy from 192.0.2.9 port {pid} ssh2: RSA SHA256:robot"), keep);
        say(pid, "pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)".to_owned(), false);
        say(pid, "pam_unix(sshd:session): session closed for user deploy".to_owned(), false);
    };
    (100..300).for_each(|pid| robot(pid, false));
    say(8, "Connection from 192.0.2.100 port 2 on 192.0.2.7 port 22".to_owned(), true);
    say(8, "Authentication refused: bad ownership or modes for directory /home/x".to_owned(), true);
    say(8, "Connection closed by authenticating user deploy 192.0.2.100 port 2 [preauth]".to_owned(), true);
    say(9, "Accepted password for admin from 192.0.2.33 port 3 ssh2".to_owned(), true);
    say(1, "Received SIGHUP; restarting.".to_owned(), true);
    let mut robot = |pid: usize, keep: bool| {
        say(pid, format!("Connection from 192.0.2.9 port {pid} on 192.0.2.7 port 22"), false);
        say(pid, format!("Accepted publickey for deploy from 192.0.2.9 port {pid} ssh2: RSA SHA256:robot"), keep);
        say(pid, "pam_unix(sshd:session): session closed for user deploy".to_owned(), false);
    };
    (300..600).for_each(|pid| robot(pid, pid == 599));
    say(10, "Connection closed by authenticating user admin 192.0.2.33 port 4 [preauth]".to_owned(), true);
    for pid in 1000..4000 {
        let address = format!("198.51.100.{}", pid % 250);
        match pid % 4 {
            0 => say(pid, format!("Invalid user oracle from {address} port {pid}"), false),
            1 => say(pid, format!("Failed password for deploy from {address} port {pid} ssh2"), false),
            2 => say(pid, format!("Failed password for root from {address} port {pid} ssh2"), false),
            _ => {
                say(1, format!("drop connection #10 from [{address}]:{pid} on [192.0.2.7]:22 past MaxStartups"), false);
            }
        }
        say(pid, format!("Connection closed by authenticating user deploy {address} port {pid} [preauth]"), false);
    }
    // Another program's line is no word of sshd.
    lines.push("2026-11-25T02:59:59.250000+00:00 web1 su[5]: sshd[1]: Server listening on 0.0.0.0 port 22.".to_owned());
    (lines.join("\n") + "\n", kept)
}

/// What the collector prints of this log about deploy and the key, run by this shell with this awk.
fn printed_of_log(folder: &std::path::Path, shell: &[&str], awk: &str) -> Vec<String> {
    // In a mount namespace of its own the log and the awk are its own.
    let setup = "mount -t tmpfs tmpfs /var/log && cp \"$0/auth.log\" \"$0/auth.log.1\" /var/log
        awk=$(readlink -f /usr/bin/awk) && mount --bind \"$1\" \"$awk\" && key=$2 && shift 2 && cd / || exit 9
        for journal in /usr/bin/journalctl /bin/journalctl; do
            [ ! -x $journal ] || mount --bind /bin/false \"$(readlink -f $journal)\"
        done
        exec \"$@\" \"$0/collect.sh\" --key \"$key\" deploy";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", setup]);
    command.arg(folder).args([awk, KEY.0]).args(shell).stdin(Stdio::null());
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && stderr.is_empty(), "{shell:?} {awk}: {stderr}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, log) = text.split_once("\n[log]\nsource=/var/log/auth.log\n").unwrap();
    log.lines().map_while(|line| line.strip_prefix('|')).map(str::to_owned).collect()
}

#[test]
fn strangers_push_nothing_out_of_the_log_that_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("collect.sh"), script()).unwrap();
    let (log, kept) = stormy();
    // What was put away before is read too.
    let (before, now) = log.split_at(log.match_indices('\n').nth(99).unwrap().0 + 1);
    std::fs::write(folder.path().join("auth.log.1"), before).unwrap();
    std::fs::write(folder.path().join("auth.log"), now).unwrap();
    let first = printed_of_log(folder.path(), SHELLS[0], "/usr/bin/mawk");
    let lost: Vec<&String> = kept.iter().filter(|line| !first.contains(line)).collect();
    assert_eq!(lost, [""; 0]);
    assert!(first.len() < 800, "{} lines", first.len());
    assert!(!first.iter().any(|line| line.contains(" su[")));
    assert!(first.is_sorted() && first.iter().all(|line| log.contains(line.as_str())));
    for shell in &SHELLS[1..] {
        assert!(printed_of_log(folder.path(), shell, "/usr/bin/mawk") == first, "{shell:?}");
    }
    for awk in ["/usr/bin/busybox", "/usr/bin/gawk", "/usr/bin/original-awk"] {
        let here = std::path::Path::new(awk).exists();
        assert!(here || awk != "/usr/bin/busybox", "{awk} is missing");
        assert!(!here || printed_of_log(folder.path(), SHELLS[0], awk) == first, "{awk}");
    }
}

#[test]
fn what_hangs_ends_with_the_run() {
    // A `stat` that never answers, as on a dead mount, and no `timeout` that would end it.
    let scene = r#"
        folder=$(mktemp -d) && mount -t tmpfs tmpfs "$folder"
        printf '#!/bin/sh\nexec sleep 7777\n' >"$folder/stat"
        printf '#!/bin/sh\nshift\nexec "$@"\n' >"$folder/timeout"
        chmod 755 "$folder/stat" "$folder/timeout"
        for name in stat timeout; do mount --bind "$folder/$name" "$(readlink -f "$(command -v $name)")"; done
        "$1" server --timeout 3 root; echo "status $?"
        sleep 0.3; grep -lz '^7777$' /proc/[0-9]*/cmdline 2>/dev/null; echo end
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", scene, "sh"]);
    let begun = std::time::Instant::now();
    let output = command.arg(env!("CARGO_BIN_EXE_sshdoctor")).stdin(Stdio::null()).output().unwrap();
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(said.contains("the collector did not end within 3 s; --timeout gives it longer"), "{said}");
    assert_eq!(out, "status 2\nend\n");
}
