//! known_hosts files that are huge, no files, or full of what a terminal would obey.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::client::{Client, Seen, side_by_side};
use super::hygiene::{HOSTILE, hostile_word};

/// With nobody to ask and no key known, ssh stops; where the right line was found, it goes on and is refused.
const UNKNOWN: &[&str] = &["host-key-unknown"];

/// A run whose known_hosts is what `make` puts there; `host_line` is the line that would match.
fn with_known_hosts(make: impl Fn(&Client, &str)) -> Seen {
    let client = Client::new();
    let sshd = client.sshd("");
    let line = sshd.known_hosts_line(sshd.port).unwrap();
    fs::remove_file(client.file("known_hosts")).unwrap();
    make(&client, &line);
    client.scene(sshd.port).examine()
}

fn with_bytes(bytes: &[u8]) -> Seen {
    with_known_hosts(|client, _| fs::write(client.file("known_hosts"), bytes).unwrap())
}

#[test]
fn no_known_hosts_is_an_unknown_key() {
    with_known_hosts(|_, _| ()).assert_cause(UNKNOWN);
}

#[test]
fn a_folder_knows_nobody() {
    with_known_hosts(|client, _| fs::create_dir(client.file("known_hosts")).unwrap()).assert_cause(UNKNOWN);
}

#[test]
fn a_fifo_is_not_waited_for() {
    with_known_hosts(|client, _| mkfifo(&client.file("known_hosts"), Mode::from_bits_truncate(0o600)).unwrap())
        .assert_cause(UNKNOWN);
}

#[test]
fn links_that_never_end_know_nobody() {
    with_known_hosts(|client, _| symlink(client.file("known_hosts"), client.file("known_hosts")).unwrap())
        .assert_cause(UNKNOWN);
}

#[test]
fn endless_files_are_not_read_to_the_end() {
    with_known_hosts(|client, _| symlink("/dev/zero", client.file("known_hosts")).unwrap())
        .assert_cause(&["host-key-unknown", "undetermined"]);
    with_known_hosts(|client, _| File::create(client.file("known_hosts")).unwrap().set_len(1 << 30).unwrap())
        .assert_cause(&["host-key-unknown", "undetermined"]);
}

#[test]
fn a_line_of_ten_megabytes_does_not_hide_the_right_one() {
    let long = "h,".repeat(5_000_000);
    with_known_hosts(|client, line| fs::write(client.file("known_hosts"), format!("{long}\n{line}")).unwrap())
        .assert_cause(&["no-key-accepted"]);
}

#[test]
fn a_line_of_ten_megabytes_alone_knows_nobody() {
    with_bytes(&vec![b'x'; 10_000_000]).assert_cause(UNKNOWN);
}

#[test]
fn twenty_thousand_lines_do_not_hide_the_right_one() {
    let many = "other.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5\n";
    let many = many.repeat(20_000);
    with_known_hosts(|client, line| fs::write(client.file("known_hosts"), format!("{many}{line}")).unwrap())
        .assert_cause(&["no-key-accepted"]);
}

#[test]
fn odd_lines_do_not_hide_the_right_one() {
    let word = hostile_word();
    let cases: Vec<Vec<u8>> = vec![
        HOSTILE.to_vec(),
        [b"@", &word[..], b" * ssh-ed25519 AAAA"].concat(),
        [b"@revoked * ", &word[..]].concat(),
        [b"|1|", &word[..], b"|x ssh-ed25519 AAAA"].concat(),
        b"|1||".to_vec(),
        b"* ssh-ed25519 AAAAC3NzaC1lZDI1NTE5/////w==".to_vec(),
        vec![0; 1000],
        vec![0xff; 1000],
    ];
    side_by_side(&cases, |bytes| {
        with_known_hosts(|client, line| {
            let content = [&bytes[..], b"\n", line.as_bytes()].concat();
            fs::write(client.file("known_hosts"), content).unwrap();
        })
        .assert_cause(&["no-key-accepted"]);
    });
}

#[test]
fn a_changed_key_with_an_odd_comment_is_not_obeyed() {
    let client = Client::new();
    let sshd = client.sshd("");
    let other = fs::read_to_string(client.file("id.pub")).unwrap();
    let key: Vec<&str> = other.split(' ').take(2).collect();
    let mut line = format!("[127.0.0.1]:{} {} ", sshd.port, key.join(" ")).into_bytes();
    line.extend(hostile_word());
    fs::write(client.file("known_hosts"), line).unwrap();
    client.scene(sshd.port).examine().assert_cause(&["host-key-changed"]);
}
