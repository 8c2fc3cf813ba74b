//! Agents that hang, lie, or answer nonsense.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use data_encoding::BASE64;

use super::client::{Client, Seen, side_by_side};
use super::hygiene::{HOSTILE, hostile_word};
use super::server::string;
use super::sshd::keygen;

// draft-ietf-sshm-ssh-agent section 6.1.
const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// What a client may be told that has no other identity than a broken agent's.
const BROKEN: &[&str] = &["agent-unreachable", "no-identities"];

/// Runs `script` on every connection to the socket `agent` of this client, until the process ends.
fn impostor(client: &Client, script: impl Fn(&mut UnixStream) + Send + Sync + 'static) {
    let listener = UnixListener::bind(client.file("agent")).unwrap();
    let script = Arc::new(script);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let script = Arc::clone(&script);
            thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
                let _ = stream.set_write_timeout(Some(Duration::from_secs(30)));
                script(&mut stream);
            });
        }
    });
}

/// Answers every request with what `answer` makes of it, properly framed; nothing where it makes nothing.
fn answering(stream: &mut UnixStream, answer: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    while let Some(request) = request(stream) {
        if let Some(answer) = answer(&request)
            && stream.write_all(&string(&answer)).is_err()
        {
            return;
        }
    }
}

fn request(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut request = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?];
    stream.read_exact(&mut request).ok()?;
    Some(request)
}

/// Answers every request with these raw bytes.
fn raw(bytes: Vec<u8>) -> impl Fn(&mut UnixStream) + Send + Sync {
    move |stream| {
        while request(stream).is_some() {
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

/// A list of keys, each a blob and a comment.
fn list(keys: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut answer = vec![IDENTITIES_ANSWER];
    answer.extend(u32::try_from(keys.len()).unwrap().to_be_bytes());
    for (blob, comment) in keys {
        answer.extend(string(blob));
        answer.extend(string(comment));
    }
    answer
}

/// An agent that lists these keys and refuses everything else.
fn listing(keys: Vec<(Vec<u8>, Vec<u8>)>) -> impl Fn(&mut UnixStream) + Send + Sync {
    move |stream| {
        answering(stream, |request| match request.first() {
            Some(&REQUEST_IDENTITIES) => Some(list(&keys)),
            _ => Some(vec![FAILURE]),
        });
    }
}

fn blob(public: &Path) -> Vec<u8> {
    let line = fs::read_to_string(public).unwrap();
    BASE64.decode(line.split(' ').nth(1).unwrap().as_bytes()).unwrap()
}

/// An ed25519 blob that is nobody's key.
fn made_up(number: u32) -> Vec<u8> {
    let mut point = vec![0x55; 28];
    point.extend(number.to_be_bytes());
    [string(b"ssh-ed25519"), string(&point)].concat()
}

/// A run whose only identities are the agent's, against a server that accepts nothing.
fn alone_with(script: impl Fn(&mut UnixStream) + Send + Sync + 'static) -> Seen {
    let client = Client::new();
    impostor(&client, script);
    with_agent(&client, "none", false)
}

/// A run with the impostor and the identity file `identity`; `id` can log in where `accepted`.
fn with_agent(client: &Client, identity: &str, accepted: bool) -> Seen {
    let sshd = client.sshd("");
    if accepted {
        sshd.authorize(&client.file("id.pub"), "").unwrap();
    }
    if identity == "none" && accepted {
        // Below $HOME, which ssh does not go by, an accepted key would be a verdict of its own: wrong-local-account.
        fs::remove_file(client.file("id.pub")).unwrap();
    }
    let mut scene = client.scene(sshd.port);
    scene.identity = if identity == "none" { "none".into() } else { client.file(identity).into() };
    scene.environment.insert("SSH_AUTH_SOCK".into(), client.file("agent").into());
    scene.examine()
}

#[test]
fn an_agent_that_hangs_ends_in_time() {
    let seen = alone_with(|stream| answering(stream, |_| None));
    seen.assert_cause(&["agent-unreachable"]);
    // It may wait for its owner.
    seen.assert_unproven();
}

#[test]
fn an_agent_that_hangs_holds_ssh_up_before_a_good_key_file() {
    let client = Client::new();
    impostor(&client, |stream| answering(stream, |_| None));
    // ssh itself waits for such an agent for ever (sshconnect2.c pubkey_prepare): that the key would open is no login.
    let seen = with_agent(&client, "id", true);
    seen.assert_cause(&["agent-unreachable"]);
    seen.assert_unproven();
}

#[test]
fn an_agent_that_hangs_up_ends_in_time() {
    alone_with(|_| ()).assert_cause(BROKEN);
}

#[test]
fn an_agent_that_hangs_up_does_not_hide_a_good_key_file() {
    let client = Client::new();
    impostor(&client, |_| ());
    with_agent(&client, "id", true).assert_cause(&["access-works"]);
}

#[test]
fn lengths_that_lie_are_not_believed() {
    let mut count = vec![0, 0, 0, 5, IDENTITIES_ANSWER];
    count.extend(u32::MAX.to_be_bytes());
    let mut inner = vec![0, 0, 0, 9, IDENTITIES_ANSWER, 0, 0, 0, 1];
    inner.extend(u32::MAX.to_be_bytes());
    let cases: Vec<Vec<u8>> = vec![
        vec![0xff; 4],
        vec![0; 4],
        vec![0, 0, 0, 200, IDENTITIES_ANSWER, 0],
        vec![0, 0, 0, 1, IDENTITIES_ANSWER],
        vec![0x10, 0, 0, 0, IDENTITIES_ANSWER],
        count,
        inner,
    ];
    side_by_side(&cases, |bytes| {
        let seen = alone_with(raw(bytes.clone()));
        println!("{bytes:?}: {}", seen.cause());
        seen.assert_cause(BROKEN);
    });
}

#[test]
fn garbage_is_no_list() {
    let cases: Vec<Vec<u8>> = vec![HOSTILE.to_vec(), string(HOSTILE), string(&[99; 500]), string(&[FAILURE])];
    side_by_side(&cases, |bytes| alone_with(raw(bytes.clone())).assert_cause(BROKEN));
}

#[test]
fn an_agent_that_floods_ends_in_time() {
    alone_with(|stream| while stream.write_all(&vec![0x41; 65_536]).is_ok() {}).assert_cause(BROKEN);
}

#[test]
fn an_agent_that_drips_ends_in_time() {
    let seen = alone_with(|stream| {
        for byte in string(&list(&[(made_up(1), b"slow".to_vec())])) {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    seen.assert_cause(BROKEN);
    seen.assert_unproven();
}

#[test]
fn five_hundred_keys_are_too_many() {
    let keys = (0..500).map(|number| (made_up(number), b"one of many".to_vec())).collect();
    let seen = alone_with(listing(keys));
    seen.assert_cause(&["too-many-keys", "agent-lacks-accepted-key"]);
    let connections = seen.report["footprint"]["connections"].as_u64();
    assert!(connections.is_some_and(|connections| connections <= 2), "{connections:?} connections");
}

#[test]
fn a_megabyte_of_comment_is_not_printed() {
    let seen = alone_with(listing(vec![(made_up(1), HOSTILE.repeat(2000))]));
    seen.assert_cause(&["agent-lacks-accepted-key", "agent-unreachable", "no-identities"]);
}

#[test]
fn comments_of_any_bytes_are_not_obeyed() {
    let seen = alone_with(listing(vec![(made_up(1), HOSTILE.to_vec()), (made_up(2), hostile_word())]));
    seen.assert_cause(&["agent-lacks-accepted-key"]);
}

/// A run with an agent that lists `odd` before the key that the server accepts, and signs for neither.
fn with_an_odd_key(odd: &[u8], comment: &[u8]) -> Seen {
    let client = Client::new();
    let good = blob(&client.file("id.pub"));
    impostor(&client, listing(vec![(odd.to_vec(), comment.to_vec()), (good, b"the good one".to_vec())]));
    with_agent(&client, "none", true)
}

#[test]
fn a_key_of_an_unknown_type_is_passed_over_as_ssh_does() {
    let seen = with_an_odd_key(b"\0\0\0\x07ssh-foo\0\0\0\x04abcd", b"of a type that nobody knows");
    seen.assert_cause(&["agent-refused-to-sign"]);
}

#[test]
fn one_odd_key_does_not_lose_the_list() {
    let odd: [(&[u8], &[u8]); 4] = [
        (b"", b"empty"),
        (b"\xff\xff\xff\xff", b"of a length that lies"),
        (HOSTILE, HOSTILE),
        (b"\0\0\0\x0bssh-ed25519\0\0\0\x03abc", b"too short"),
    ];
    side_by_side(&odd, |(odd, comment)| {
        let seen = with_an_odd_key(odd, comment);
        let identities = seen.report["identities"].as_array().unwrap();
        assert!(
            identities.iter().any(|identity| identity["comment"] == "the good one"),
            "the good key is not in {identities:?}"
        );
        // ssh itself drops the whole list at a malformed blob (authfd.c ssh_fetch_identitylist goes on only after an
        // unknown type), so that nothing is offered is as fair as what would follow without the odd key.
        seen.assert_cause(&["agent-refused-to-sign", "no-identities", "agent-unreachable", "undetermined"]);
    });
}

#[test]
fn a_signature_of_junk_is_no_login() {
    let junk = [string(b"ssh-ed25519"), string(&[7; 64])].concat();
    let cases: Vec<Vec<u8>> =
        vec![string(&junk), string(b""), string(HOSTILE), vec![0xff; 4], string(&vec![1; 200_000]), Vec::new()];
    side_by_side(&cases, |signature| {
        let client = Client::new();
        let good = blob(&client.file("id.pub"));
        let signature = signature.clone();
        impostor(&client, move |stream| {
            answering(stream, |request| match request.first() {
                Some(&REQUEST_IDENTITIES) => Some(list(&[(good.clone(), b"good".to_vec())])),
                Some(&SIGN_REQUEST) => Some([&[SIGN_RESPONSE][..], &signature].concat()),
                _ => Some(vec![FAILURE]),
            });
        });
        let seen = with_agent(&client, "none", true);
        seen.assert_cause(&["signature-rejected", "agent-refused-to-sign", "key-pair-mismatch", "undetermined"]);
    });
}

#[test]
fn an_agent_that_hangs_at_the_signature_ends_in_time() {
    let client = Client::new();
    let good = blob(&client.file("id.pub"));
    impostor(&client, move |stream| {
        answering(stream, |request| match request.first() {
            Some(&REQUEST_IDENTITIES) => Some(list(&[(good.clone(), b"good".to_vec())])),
            Some(&SIGN_REQUEST) => None,
            _ => Some(vec![FAILURE]),
        });
    });
    with_agent(&client, "none", true).assert_cause(&["agent-refused-to-sign", "undetermined"]);
}

#[test]
fn a_socket_that_is_none_is_an_agent_out_of_reach() {
    let cases: [fn(&Path); 4] = [
        |path| fs::write(path, "a file").unwrap(),
        |path| fs::create_dir(path).unwrap(),
        |path| drop(UnixListener::bind(path).unwrap()),
        |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap(),
    ];
    side_by_side(&cases, |make| {
        let client = Client::new();
        make(&client.file("agent"));
        with_agent(&client, "none", false).assert_cause(BROKEN);
    });
}

#[test]
fn a_name_of_a_socket_that_is_too_long_or_odd_is_an_agent_out_of_reach() {
    let client = Client::new();
    let sshd = client.sshd("");
    keygen(&client.file("other"), "other").unwrap();
    for name in ["x".repeat(5000), "\u{1b}[5;35;7m\u{202e}".into(), String::new()] {
        let mut scene = client.scene(sshd.port);
        scene.identity = "none".into();
        scene.environment.insert("SSH_AUTH_SOCK".into(), name.into());
        scene.examine().assert_cause(BROKEN);
    }
}

#[test]
fn a_limit_that_cuts_the_signature_short_is_no_login() {
    let client = Client::new();
    let good = blob(&client.file("id.pub"));
    impostor(&client, move |stream| {
        answering(stream, |request| match request.first() {
            Some(&REQUEST_IDENTITIES) => Some(list(&[(good.clone(), b"good".to_vec())])),
            Some(&SIGN_REQUEST) => None,
            _ => Some(vec![FAILURE]),
        });
    });
    let sshd = client.sshd("");
    sshd.authorize(&client.file("id.pub"), "").unwrap();
    let mut scene = client.scene(sshd.port);
    scene.identity = "none".into();
    scene.environment.insert("SSH_AUTH_SOCK".into(), client.file("agent").into());
    scene.limit_seconds = 4;
    scene.examine().assert_cause(&["agent-refused-to-sign", "undetermined"]);
}
