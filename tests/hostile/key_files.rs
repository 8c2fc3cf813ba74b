//! Key files that are no key files, and names that are no names.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use nix::sys::stat::Mode;
use nix::unistd::{getuid, mkfifo};

use super::client::{Client, Seen, as_account, side_by_side};
use super::hygiene::{HOSTILE, hostile_word};
use super::sshd::keygen;

/// What a client may be told that has one key and cannot use it: nothing was offered, or the public half was refused.
const UNUSABLE: &[&str] =
    &["key-file-malformed", "key-file-unreadable", "identity-file-missing", "no-identities", "no-key-accepted"];
/// What a client may be told that has no usable public half, so that nothing was offered.
const NOTHING_TO_OFFER: &[&str] =
    &["key-file-malformed", "key-file-unreadable", "identity-file-missing", "key-file-permissions", "no-identities"];

/// A run with the path that `make` returns as the only identity, against a server that accepts nothing.
fn with_identity(make: impl Fn(&Client) -> PathBuf) -> Seen {
    let client = Client::new();
    let identity = make(&client);
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    scene.identity = identity.into();
    scene.examine()
}

/// A run with these bytes as the only identity, mode 0600.
fn with_bytes(bytes: &[u8]) -> Seen {
    with_identity(|client| {
        let path = client.file("odd");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    })
}

/// A run with the ordinary key, and `make` at the place of its public half. The private half tells it as well.
fn with_public_half(make: impl Fn(&PathBuf)) -> Seen {
    let client = Client::new();
    let public = client.file("id.pub");
    fs::remove_file(&public).unwrap();
    make(&public);
    let sshd = client.sshd("");
    client.scene(sshd.port).examine()
}

fn fifo(path: &PathBuf) {
    mkfifo(path, Mode::from_bits_truncate(0o600)).unwrap();
}

fn sparse_gigabyte(path: &PathBuf) {
    File::create(path).unwrap().set_len(1 << 30).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_folder_is_no_key() {
    with_identity(|client| {
        fs::create_dir(client.file("folder")).unwrap();
        client.file("folder")
    })
    .assert_cause(NOTHING_TO_OFFER);
}

#[test]
fn a_fifo_is_not_waited_for() {
    with_identity(|client| {
        fifo(&client.file("fifo"));
        client.file("fifo")
    })
    .assert_cause(NOTHING_TO_OFFER);
}

#[test]
fn a_socket_is_no_key() {
    with_identity(|client| {
        // The listener is gone at once; its name stays.
        drop(UnixListener::bind(client.file("socket")).unwrap());
        client.file("socket")
    })
    .assert_cause(NOTHING_TO_OFFER);
}

#[test]
fn endless_devices_are_no_keys() {
    side_by_side(&["/dev/zero", "/dev/null", "/dev/full"], |device| {
        with_identity(|_| PathBuf::from(device)).assert_cause(NOTHING_TO_OFFER);
    });
}

#[test]
fn a_link_to_an_endless_device_is_no_key() {
    with_identity(|client| {
        symlink("/dev/zero", client.file("link")).unwrap();
        client.file("link")
    })
    .assert_cause(NOTHING_TO_OFFER);
}

#[test]
fn a_gigabyte_is_no_key() {
    with_identity(|client| {
        sparse_gigabyte(&client.file("huge"));
        client.file("huge")
    })
    .assert_cause(NOTHING_TO_OFFER);
}

#[test]
fn an_empty_file_is_a_malformed_key() {
    with_bytes(b"").assert_cause(&["key-file-malformed", "no-identities"]);
}

#[test]
fn bytes_that_are_no_text_are_a_malformed_key() {
    with_bytes(&[0xff, 0xfe, 0x80, 0].repeat(500)).assert_cause(&["key-file-malformed", "no-identities"]);
}

#[test]
fn text_that_a_terminal_would_obey_is_a_malformed_key() {
    with_bytes(HOSTILE).assert_cause(&["key-file-malformed", "no-identities"]);
}

#[test]
fn headers_without_a_key_are_malformed_keys() {
    let long_line = [b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "A".repeat(5_000_000).as_bytes()].concat();
    let huge_lengths =
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA//////////8=\n-----END OPENSSH PRIVATE KEY-----\n";
    let cases: [&[u8]; 8] = [
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n\xff\xff\xff\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: \x1b[31m\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        b"-----BEGIN \x1b[5;35;7m PRIVATE KEY-----\nAAAA\n",
        b"PuTTY-User-Key-File-3: \x1b]0;x\x07\nEncryption: none\nPublic-Lines: 4000000000\n",
        &long_line,
        huge_lengths,
    ];
    side_by_side(&cases, |bytes| {
        with_bytes(bytes).assert_cause(&[
            "key-file-malformed",
            "key-file-is-ppk",
            "key-passphrase-needed",
            "no-identities",
        ]);
    });
}

#[test]
fn a_key_cut_anywhere_is_no_panic() {
    let client = Client::new();
    let whole = fs::read(client.file("id")).unwrap();
    let lengths: Vec<usize> = (20..whole.len()).step_by(45).collect();
    side_by_side(&lengths, |&length| with_bytes(&whole[..length]).assert_cause(UNUSABLE));
}

#[test]
fn a_chain_of_links_that_never_ends_is_no_key() {
    with_identity(|client| {
        symlink(client.file("loop2"), client.file("loop1")).unwrap();
        symlink(client.file("loop1"), client.file("loop2")).unwrap();
        client.file("loop1")
    })
    .assert_cause(NOTHING_TO_OFFER);
}

#[test]
fn names_of_any_bytes_are_not_obeyed() {
    // ssh's own configuration parser takes no line feed, quote or backslash in a value; the rest it does.
    let plain: Vec<u8> =
        hostile_word().into_iter().filter(|byte| !matches!(byte, b'"' | b'/' | b'\\' | b'%')).collect();
    let names: [&[u8]; 4] = [b"\xff\xfe", b"a\x1b[5;35;7mb", b"tab\there", &plain];
    for exists in [true, false] {
        side_by_side(&names, |name| {
            let seen = with_identity(|client| {
                let path = client.file(OsStr::from_bytes(name));
                if exists {
                    keygen(&path, "comment").unwrap();
                }
                path
            });
            seen.assert_cause(if exists { &["no-key-accepted"] } else { &["identity-file-missing", "no-identities"] });
        });
    }
}

#[test]
fn a_name_with_a_line_feed_is_a_verdict_too() {
    let client = Client::new();
    let sshd = client.sshd("");
    let path = client.file("two\nlines");
    keygen(&path, "comment").unwrap();
    let mut scene = client.scene(sshd.port);
    scene.options = vec!["-i".into(), path.into()];
    scene.identity = "none".into();
    scene.strangers = true;
    scene.examine().assert_no_cause(&["access-works", "nothing-found"]);
}

#[test]
fn a_comment_of_any_bytes_is_not_obeyed() {
    let client = Client::new();
    let mut public = fs::read(client.file("id.pub")).unwrap();
    public.truncate(public.len() - b"a key of the test\n".len());
    public.extend(hostile_word());
    public.extend(b"\n");
    fs::write(client.file("id.pub"), public).unwrap();
    let sshd = client.sshd("");
    client.scene(sshd.port).examine().assert_cause(&["no-key-accepted"]);
}

#[test]
fn a_public_half_that_is_no_file_is_no_reason_to_hang() {
    let cases: [fn(&PathBuf); 5] = [
        fifo,
        sparse_gigabyte,
        |path| fs::create_dir(path).unwrap(),
        |path| symlink("/dev/zero", path).unwrap(),
        |path| fs::write(path, b"ssh-ed25519 ".repeat(1_000_000)).unwrap(),
    ];
    side_by_side(&cases, |make| with_public_half(make).assert_cause(UNUSABLE));
}

#[test]
fn a_public_half_of_odd_bytes_is_no_panic() {
    let cases: [&[u8]; 5] = [
        b"",
        HOSTILE,
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP////8= short\n",
        b"ssh-ed25519 /////////////////////w== lengths\n",
        b"ssh-rsa AAAAB3NzaC1yc2EAAAABAAAAAAA= empty\n",
    ];
    side_by_side(&cases, |bytes| with_public_half(|path| fs::write(path, bytes).unwrap()).assert_cause(UNUSABLE));
}

#[test]
fn a_certificate_that_is_no_file_is_no_reason_to_hang() {
    let client = Client::new();
    fifo(&client.file("id-cert.pub"));
    let sshd = client.sshd("");
    client.scene(sshd.port).examine().assert_cause(&["no-key-accepted"]);
    let mut option = OsString::from("CertificateFile=");
    option.push(client.file("id-cert.pub"));
    let mut scene = client.scene(sshd.port);
    scene.options = vec!["-o".into(), option];
    scene.examine().assert_cause(&["no-key-accepted", "identity-file-missing"]);
}

#[test]
fn a_key_that_this_account_may_not_read_is_unreadable() {
    let client = Client::new();
    // Everything but the key is the other account's to read; root's own keys cannot be closed to root.
    let (program, key_mode) = if getuid().is_root() { (as_account("65534"), 0o600) } else { (Vec::new(), 0) };
    for (path, mode) in [("", 0o755), ("home", 0o755), ("home/.ssh", 0o755), ("home/.ssh/id", key_mode)] {
        fs::set_permissions(client.folder().join(path), Permissions::from_mode(mode)).unwrap();
    }
    fs::remove_file(client.file("id.pub")).unwrap();
    let copy = client.folder().join("sshdoctor");
    fs::copy(env!("CARGO_BIN_EXE_sshdoctor"), &copy).unwrap();
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    scene.program = program;
    scene.program.push(copy.into());
    scene.examine().assert_cause(&["key-file-unreadable"]);
}

#[test]
fn a_hundred_keys_are_a_verdict_in_time() {
    let client = Client::new();
    let sshd = client.sshd("");
    let mut scene = client.scene(sshd.port);
    for number in 0..100 {
        let mut path = client.file("missing").into_os_string().into_vec();
        path.extend(number.to_string().bytes());
        scene.options.extend([OsString::from("-i"), OsString::from_vec(path)]);
    }
    scene.examine().assert_cause(&["no-key-accepted", "identity-file-missing"]);
}

#[test]
fn two_thousand_files_and_links_in_circles_are_passed_through() {
    let client = Client::new();
    for number in 0..2000 {
        fs::write(client.file(format!("file{number}")), "no key\n").unwrap();
    }
    fs::create_dir(client.file("folder")).unwrap();
    symlink(client.file(""), client.file("folder/above")).unwrap();
    symlink(client.file("loop"), client.file("loop")).unwrap();
    let sshd = client.sshd("");
    client.scene(sshd.port).examine().assert_cause(&["no-key-accepted"]);
}
