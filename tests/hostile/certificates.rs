//! Certificates that no authority would make: whatever stands in one, and wherever it is named, a key beside it that the
//! server accepts still logs in, and a refusal is not laid to a certificate that was not read.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use data_encoding::BASE64;

use super::client::{Client, Seen, side_by_side};
use super::encrypted::{blob, pair, signature};
use super::server::string;

const USER: u32 = 1;
const HOST: u32 = 2;

/// What differs from the ordinary.
#[derive(Debug, Clone, Copy)]
struct Made {
    kind: u32,
    principals: usize,
    after: u64,
    before: u64,
    /// Bytes of the blob that are kept.
    kept: usize,
}

const ORDINARY: Made = Made { kind: USER, principals: 1, after: 0, before: u64::MAX, kept: usize::MAX };

/// A certificate for the key in `public`, signed, PROTOCOL.certkeys.
fn certificate(public: &Path, made: Made) -> Vec<u8> {
    let line = fs::read_to_string(public).unwrap();
    let key = BASE64.decode(line.split(' ').nth(1).unwrap().as_bytes()).unwrap();
    let authority = pair(9);
    let names: Vec<u8> = (0..made.principals).flat_map(|number| string(format!("user{number}").as_bytes())).collect();
    let mut blob_of = [string(b"ssh-ed25519-cert-v01@openssh.com"), string(&[1; 32])].concat();
    // The key's own part: all but the name of its type.
    blob_of.extend(&key[4 + "ssh-ed25519".len()..]);
    blob_of.extend(7_u64.to_be_bytes());
    blob_of.extend(made.kind.to_be_bytes());
    blob_of.extend(string(b"\x1b[31mof the test"));
    blob_of.extend(string(&names));
    blob_of.extend(made.after.to_be_bytes());
    blob_of.extend(made.before.to_be_bytes());
    for empty in ["", "", ""] {
        blob_of.extend(string(empty.as_bytes()));
    }
    blob_of.extend(string(&blob(&authority)));
    let signed = signature(&authority, &blob_of);
    blob_of.extend(string(&signed));
    blob_of.truncate(made.kept);
    blob_of
}

/// A run with that certificate beside the key, or named by CertificateFile; the server accepts the key or nothing.
fn with(made: Made, named: bool, accepted: bool) -> Seen {
    let client = Client::new();
    let path = client.file(if named { "odd-cert.pub" } else { "id-cert.pub" });
    let encoded = BASE64.encode(&certificate(&client.file("id.pub"), made));
    fs::write(&path, format!("ssh-ed25519-cert-v01@openssh.com {encoded} odd\n")).unwrap();
    let sshd = client.sshd("");
    if accepted {
        sshd.authorize(&client.file("id.pub"), "").unwrap();
    }
    let mut scene = client.scene(sshd.port);
    if named {
        let mut option = OsString::from("CertificateFile=");
        option.push(&path);
        scene.options = vec!["-o".into(), option];
    }
    scene.examine()
}

/// What a refusal of everything may be called; a file that was named and is no certificate may be named.
const REFUSED: &[&str] =
    &["no-key-accepted", "certificate-expired", "identity-file-missing", "key-file-malformed", "undetermined"];

fn each(cases: &[(Made, bool)]) {
    side_by_side(cases, |(made, named)| {
        with(*made, *named, true).assert_cause(&["access-works"]);
        let seen = with(*made, *named, false);
        println!("{made:?}, named {named}: {} {}", seen.cause(), seen.report["verdict"]["certainty"]);
        seen.assert_cause(REFUSED);
        if seen.cause() == "certificate-expired" {
            // The key that it lies beside is named too.
            let lapsed = made.before < 1_000_000_000 || made.after > 1 << 40;
            let read = made.kept == usize::MAX && made.kind == USER;
            assert!(lapsed && read, "an accusation without a certificate that is over or not valid yet");
        }
    });
}

fn both(made: &[Made]) -> Vec<(Made, bool)> {
    made.iter().flat_map(|made| [(*made, false), (*made, true)]).collect()
}

#[test]
fn ten_thousand_principals_are_a_certificate_like_another() {
    each(&both(&[Made { principals: 10_000, ..ORDINARY }, Made { principals: 0, ..ORDINARY }]));
}

#[test]
fn validity_that_is_empty_or_beyond_every_calendar_is_no_panic() {
    let cases = [(0, 0), (u64::MAX, u64::MAX), (u64::MAX, 0), (1 << 63, (1 << 63) + 1), (0, i64::MAX.unsigned_abs())];
    each(&both(&cases.map(|(after, before)| Made { after, before, ..ORDINARY })));
}

#[test]
fn a_certificate_of_a_host_is_no_certificate_of_a_user() {
    each(&both(&[Made { kind: HOST, ..ORDINARY }, Made { kind: u32::MAX, ..ORDINARY }]));
}

#[test]
fn a_certificate_cut_anywhere_is_passed_over() {
    let cut: Vec<Made> = (0..360).step_by(60).map(|kept| Made { kept, ..ORDINARY }).collect();
    each(&both(&cut));
}
