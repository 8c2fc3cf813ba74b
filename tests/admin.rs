//! `--admin` beside an ssh that misbehaves: what it prints is said, whatever it does costs no more than the run's limit,
//! and nothing of it is left running. And what two halves that do not belong together make of each other.

#![expect(clippy::unwrap_used, reason = "a test that cannot look is a test that fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sshdoctor::collect::case;
use sshdoctor::diagnose::{Verdict, diagnose};
use sshdoctor::facts::Facts;
use sshdoctor::facts::account::Account;

/// Runs sshdoctor for a login that is refused, with an ssh that does this for the administrator's login.
fn with_ssh(body: &str, options: &[&str]) -> (Output, Duration, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let ssh = folder.path().join("ssh");
    let real = "/usr/bin/ssh";
    let script = format!("#!/bin/sh\ncase \"$*\" in *sshdoctor-admin*) {body};; *) exec {real} \"$@\";; esac\n");
    fs::write(&ssh, script).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_sshdoctor"))
        .args(["--format", "json", "--admin", "root@web1"])
        .args(options)
        .args(["-F", "none", "-p", &closed, "deploy@127.0.0.1"])
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .env("HERE", folder.path())
        .output()
        .unwrap();
    (output, begun.elapsed(), folder)
}

/// What was said on stderr, after a report that names the client's own cause.
fn said(body: &str) -> String {
    let (output, ..) = with_ssh(body, &[]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"]["cause"], "connection-refused", "{report:#}");
    assert_eq!(report["footprint"]["admin"]["login"], "root@web1");
    let skipped = report["checks"].as_array().unwrap().iter().find(|check| check["id"] == "account").unwrap();
    assert_eq!(skipped["status"], "skip");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_login_that_fails_is_quoted_and_costs_nothing_else() {
    let words = said("echo 'root@web1: Permission denied (publickey).' >&2; exit 255");
    assert_eq!(words, "sshdoctor: --admin root@web1: that login fails: root@web1: Permission denied (publickey).\n");
    let escaped = said(r"printf 'a\033[31mb\n' >&2; exit 255");
    assert!(escaped.contains("that login fails: a\\x1b[31mb"), "{escaped:?}");
}

#[test]
fn what_is_no_output_of_the_collector_is_said_to_be_none() {
    assert!(said("echo This account is currently not available.; exit 1").contains("no POSIX shell answered there"));
    assert!(
        said("echo sshdoctor-admin 0; echo 'sh: syntax error' >&2").contains("did not run the collector: sh: syntax")
    );
    assert!(said("echo sshdoctor-admin 0; echo sshdoctor-account/9").contains("has version 9"));
    assert!(said("head -c 100000000 /dev/zero").contains("no POSIX shell answered there"));
}

#[test]
fn an_ssh_that_does_not_end_is_ended_with_all_that_it_started() {
    let body = "sleep 100 & echo $! >\"$HERE/pid\"; trap '' TERM; while :; do sleep 1; done";
    let (output, took, folder) = with_ssh(body, &["--timeout", "4"]);
    assert!(took < Duration::from_secs(7), "{took:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("did not end in time"));
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[test]
fn an_ssh_that_floods_is_read_to_a_limit() {
    let (output, took, _) = with_ssh("yes | head -c 2000000000; yes >&2", &["--timeout", "6"]);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_other_login_is_one_and_needs_a_target() {
    for words in [&["--admin", "root@web1"][..], &["--admin", "", "web1"], &["--admin", "-oProxyCommand=x", "web1"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_sshdoctor")).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}

/// Both halves of the first incident.
fn incident() -> Facts {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/incidents/admin-first-incident/facts.json");
    case::from_json(&fs::read_to_string(path).unwrap()).unwrap()
}

fn judged(change: impl FnOnce(&mut Facts)) -> Verdict {
    let mut facts = incident();
    change(&mut facts);
    diagnose(&facts)
}

#[test]
fn a_group_gives_way_to_the_member_that_the_server_proves_and_to_no_other() {
    assert_eq!(judged(|_| {}).first.cause.id, "server-user-not-allowed");
    // Another machine of that name: its log does not show the login.
    let twin = judged(|facts| facts.account.as_mut().unwrap().log.as_mut().unwrap().lines.clear());
    assert_eq!(twin.first.cause.id, "no-key-accepted");
    assert_eq!(twin.first.finding.alternatives[0].cause, "server-user-not-allowed");
    // A collector that was cut proves nothing.
    let cut = judged(|facts| facts.account.as_mut().unwrap().collector.complete = false);
    assert_eq!(cut.first.cause.id, "no-key-accepted");
    // What the client did not try is not what the server's half says of it.
    let untried = judged(|facts| facts.account = Err(sshdoctor::facts::Unobserved::NotPermitted));
    assert_eq!(untried.first.cause.id, "no-key-accepted");
}

#[test]
fn halves_of_different_logins_are_not_joined() {
    let account = *incident().account.unwrap();
    let refused = |change: &dyn Fn(&mut Facts, &mut Account)| {
        let (mut facts, mut account) = (incident(), account.clone());
        change(&mut facts, &mut account);
        case::join(&mut facts, account).unwrap_err()
    };
    let other = refused(&|facts, _| facts.target.as_mut().unwrap().user = "root".into());
    assert_eq!(other, "it is about deploy, not about root");
    let machine = refused(&|_, account| {
        for key in &mut account.sshd.host_keys {
            key.fingerprint = Some("256 SHA256:another root@web2 (ED25519)".into());
        }
    });
    assert!(machine.starts_with("none of the host keys of web1 is the one that answered"), "{machine}");
    let mut facts = incident();
    let behind_nat = sshdoctor::facts::text::Address::from("203.0.113.9");
    facts.connect.as_mut().unwrap().local_address = Some(behind_nat);
    case::join(&mut facts, account).unwrap();
    assert!(!facts.account.unwrap().login.from_named);
}
