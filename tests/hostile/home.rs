//! Homes, accounts and configurations that are not there or never answer.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::client::{self, Client, Seen};
use super::hygiene::HOSTILE;
use super::server::{IDENTIFICATION, hold, send, serve};

/// What a home or an account that is missing must not be taken for.
const UNRELATED: &[&str] = &["access-works", "nothing-found", "connection-dropped", "protocol-error", "host-not-found"];

#[test]
fn a_home_that_does_not_exist_is_no_obstacle() {
    let client = Client::new();
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    scene.environment.insert("HOME".into(), "/nonexistent/home".into());
    scene.examine().assert_cause(&["no-key-accepted"]);
}

#[test]
fn no_home_at_all_is_no_obstacle() {
    let client = Client::new();
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    scene.environment.remove(&OsString::from("HOME"));
    scene.examine().assert_cause(&["no-key-accepted"]);
}

#[test]
fn an_odd_home_is_no_obstacle() {
    let client = Client::new();
    let sshd = client.sshd("");
    for home in ["", "relative/home", "\u{1b}[5;35;7m\u{202e}", "/dev/null", "/proc/self/mem"] {
        let mut scene = client.scene(sshd.port);
        scene.environment.insert("HOME".into(), home.into());
        scene.examine().assert_cause(&["no-key-accepted"]);
    }
}

#[test]
fn an_empty_environment_is_a_verdict() {
    let client = Client::new();
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    scene.environment.clear();
    // Without PATH no ssh is found where it does not lie in the default one; the documented defaults apply then.
    scene.program = vec!["env".into(), "-u".into(), "PATH".into(), env!("CARGO_BIN_EXE_sshdoctor").into()];
    scene.examine().assert_cause(&["no-key-accepted"]);
}

/// A run as an account that no passwd entry names, or that has no home.
fn run_as(uid: &str) -> Seen {
    let client = Client::new();
    fs::set_permissions(client.folder(), Permissions::from_mode(0o755)).unwrap();
    let program = client.folder().join("sshdoctor");
    fs::copy(env!("CARGO_BIN_EXE_sshdoctor"), &program).unwrap();
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    scene.program = client::as_account(uid);
    scene.program.push(program.into());
    scene.strangers = true;
    scene.examine()
}

#[test]
fn an_account_without_a_passwd_entry_is_a_verdict_or_an_error() {
    // ssh itself: "No user exists for uid 54321", and it ends.
    run_as("54321").assert_no_cause(UNRELATED);
}

#[test]
fn an_account_whose_home_does_not_exist_is_a_verdict() {
    // nobody: /nonexistent by its passwd entry.
    run_as("65534").assert_no_cause(UNRELATED);
}

#[test]
fn a_configuration_that_is_a_fifo_is_not_waited_for() {
    let client = Client::new();
    let sshd = client.sshd("");
    mkfifo(&client.file("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    let mut scene = client.scene(sshd.port);
    scene.config = client.file("fifo");
    scene.strangers = true;
    scene.examine().assert_no_cause(&["access-works", "nothing-found"]);
}

#[test]
fn a_configuration_that_is_a_folder_is_a_verdict() {
    let client = Client::new();
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    scene.config = client.file("");
    scene.strangers = true;
    scene.examine().assert_no_cause(UNRELATED);
}

#[test]
fn a_configuration_of_odd_bytes_is_a_configuration_error() {
    let client = Client::new();
    let sshd = client.sshd("");
    fs::write(client.file("config"), HOSTILE).unwrap();
    client.scene(sshd.port).examine().assert_cause(&["client-config-error"]);
}

#[test]
fn a_configuration_whose_values_are_odd_is_not_obeyed() {
    let client = Client::new();
    let sshd = client.sshd("");
    let mut config = b"Host *\n  HostKeyAlias x\x1b[5;35;7m\xe2\x80\xaey\n  SendEnv \x1b]0;z\x07\n".to_vec();
    config.extend(b"  RemoteCommand \x9b31m\x08\n".repeat(50));
    fs::write(client.file("config"), config).unwrap();
    client.scene(sshd.port).examine().assert_no_cause(&["access-works", "nothing-found"]);
}

#[test]
fn ten_megabytes_of_configuration_are_a_verdict() {
    let client = Client::new();
    let sshd = client.sshd("");
    let block = b"Host nobody\n  IdentityFile /nowhere\n".repeat(10_000_000 / 36);
    fs::write(client.file("config"), block).unwrap();
    client.scene(sshd.port).examine().assert_no_cause(UNRELATED);
}

#[test]
fn a_match_exec_that_never_ends_ends_in_time() {
    let client = Client::new();
    let sshd = client.sshd("");
    fs::write(client.file("config"), "Match exec \"sleep 30\"\n  User nobody\n").unwrap();
    client.scene(sshd.port).examine().assert_no_cause(UNRELATED);
}

#[test]
fn a_match_exec_that_prints_for_ever_ends_in_time() {
    let client = Client::new();
    let sshd = client.sshd("");
    fs::write(client.file("config"), "Match exec \"yes; yes >&2\"\n  User nobody\n").unwrap();
    client.scene(sshd.port).examine().assert_no_cause(UNRELATED);
}

#[test]
fn a_short_limit_is_kept_whoever_is_silent() {
    // A wait that the limit of the whole run cut short may be left undetermined; nothing else may be claimed of it.
    for (greeting, cause) in [(&b""[..], "banner-timeout"), (IDENTIFICATION, "kex-stalled")] {
        let client = Client::new();
        let port = serve(move |stream| {
            send(stream, greeting);
            hold(stream);
        });
        let mut scene = client.scene(port);
        scene.limit_seconds = 2;
        scene.examine().assert_cause(&[cause, "undetermined"]);
    }
}
