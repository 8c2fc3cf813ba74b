//! A line that tampers: a real sshd, and between it and the client something that breaks bytes or cuts.
//!
//! The server is told to use one cipher whose MAC leaves the lengths in clear (aes128-ctr with an -etm MAC), so that
//! the line can count the server's packets to the end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::client::{Client, side_by_side};
use super::server::{hold, reset, serve};

/// Packet lengths stay readable under this pair.
const READABLE: &str = "Ciphers aes128-ctr\nMACs hmac-sha2-256-etm@openssh.com\n";
/// The length of that MAC.
const MAC_BYTES: usize = 32;
const NEWKEYS: u8 = 21;

/// The server's messages up to and including NEWKEYS: identification, KEXINIT, the reply, NEWKEYS.
const PLAIN: usize = 4;
/// No login is over before this many: then EXT_INFO, SERVICE_ACCEPT, a FAILURE, PK_OK and SUCCESS at least.
const LOGIN: usize = PLAIN + 4;
/// As many as a whole login with one command has, and a few more.
const ALL: usize = 20;

/// What becomes of the server's n-th message.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Pass,
    /// One bit of the byte in its middle changes.
    Flip,
    /// The connection is closed instead.
    Close,
    /// The connection is reset instead.
    Reset,
}

/// Starts the line; `act` decides about each of the server's messages, counted from 0, the identification string.
fn line(server_port: u16, act: impl Fn(usize) -> Act + Send + Sync + 'static) -> u16 {
    serve(move |client| {
        let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)) else { return };
        let cut = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| upwards(client, &server, &cut));
            let end = downwards(&server, client, &act);
            if end == Act::Close {
                let _ = client.shutdown(Shutdown::Write);
            } else {
                cut.store(true, Ordering::Relaxed);
            }
            if end == Act::Reset {
                reset(client);
            }
            let _ = server.shutdown(Shutdown::Both);
        });
        // The stream is dropped here, by nobody else held: with linger 0 that is a reset.
    })
}

/// Copies what the client sends until it closes, or until the line is cut.
fn upwards(client: &TcpStream, server: &TcpStream, cut: &AtomicBool) {
    let _ = client.set_read_timeout(Some(Duration::from_millis(20)));
    let (mut from, mut to) = (client, server);
    let mut buffer = [0; 16 * 1024];
    while !cut.load(Ordering::Relaxed) {
        match from.read(&mut buffer) {
            Ok(0) => break,
            // The server may have gone; what the client still sends is read all the same.
            Ok(length) => drop(to.write_all(&buffer[..length])),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}

/// Copies the server's messages, each as `act` says; returns how the line is to end.
fn downwards(mut server: &TcpStream, mut client: &TcpStream, act: &impl Fn(usize) -> Act) -> Act {
    let mut mac_bytes = 0;
    for number in 0.. {
        let act = act(number);
        if matches!(act, Act::Close | Act::Reset) {
            return act;
        }
        let Some(mut message) = message(&mut server, number, mac_bytes) else { return Act::Close };
        if number > 0 && mac_bytes == 0 && message.get(5) == Some(&NEWKEYS) {
            mac_bytes = MAC_BYTES;
        }
        if act == Act::Flip {
            let middle = message.len() / 2;
            message[middle] ^= 1;
        }
        if client.write_all(&message).is_err() {
            return Act::Close;
        }
    }
    Act::Close
}

/// The server's next message: a line first, then packets.
fn message(server: &mut impl Read, number: usize, mac_bytes: usize) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    if number == 0 {
        while message.last() != Some(&b'\n') {
            let mut byte = [0];
            server.read_exact(&mut byte).ok()?;
            message.extend(byte);
        }
        return Some(message);
    }
    let mut length = [0; 4];
    server.read_exact(&mut length).ok()?;
    message.extend(length);
    message.resize(4 + usize::try_from(u32::from_be_bytes(length)).ok()? + mac_bytes, 0);
    server.read_exact(&mut message[4..]).ok()?;
    Some(message)
}

/// A client whose key the server accepts, at the end of a line.
fn at_the_end_of(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> super::client::Seen {
    let client = Client::new();
    let sshd = client.sshd(READABLE);
    sshd.authorize(&client.file("id.pub"), "").unwrap();
    let port = line(sshd.port, act);
    client.knows(&sshd, port);
    client.scene(port).examine()
}

/// What a login may be called that was cut before it was over.
fn family(number: usize) -> &'static [&'static str] {
    match number {
        0 => &["connection-dropped"],
        1..PLAIN => &["connection-dropped", "protocol-error"],
        // Who answers a signed request by closing may have refused it: the group signature-rejected is fair then.
        _ => &["connection-dropped", "protocol-error", "server-disconnected", "signature-rejected", "undetermined"],
    }
}

/// What no cut line proves.
const NEVER: &[&str] =
    &["no-key-accepted", "no-methods-left", "too-many-keys", "server-pubkey-disabled", "nothing-found"];

#[test]
fn an_untouched_line_lets_the_login_work() {
    at_the_end_of(|_| Act::Pass).assert_cause(&["access-works"]);
}

#[test]
fn a_close_at_every_message_is_a_verdict() {
    cut_at_every_message(Act::Close);
}

#[test]
fn a_reset_at_every_message_is_a_verdict() {
    cut_at_every_message(Act::Reset);
}

fn cut_at_every_message(how: Act) {
    let numbers: Vec<usize> = (0..ALL).collect();
    side_by_side(&numbers, |&cut| {
        let seen = at_the_end_of(move |number| if number == cut { how } else { Act::Pass });
        println!("{how:?} at {cut}: {}", seen.cause());
        seen.assert_no_cause(NEVER);
        if cut < LOGIN {
            seen.assert_cause(family(cut));
        }
    });
}

#[test]
fn a_broken_byte_in_every_encrypted_message_is_a_protocol_error() {
    let numbers: Vec<usize> = (PLAIN..=LOGIN).collect();
    side_by_side(&numbers, |&broken| {
        let seen = at_the_end_of(move |number| if number == broken { Act::Flip } else { Act::Pass });
        println!("flip at {broken}: {}", seen.cause());
        seen.assert_cause(&["protocol-error"]);
    });
}

#[test]
fn a_broken_byte_in_the_key_exchange_reply_is_no_verdict_about_the_host_key() {
    // The middle is the server's public value, so the host key stays as known and its signature fails.
    at_the_end_of(|number| if number == 2 { Act::Flip } else { Act::Pass }).assert_cause(&["protocol-error"]);
}

#[test]
fn a_server_that_goes_silent_at_every_message_ends_in_time() {
    let numbers: Vec<usize> = (0..LOGIN).collect();
    side_by_side(&numbers, |&silent| {
        let client = Client::new();
        let sshd = client.sshd(READABLE);
        sshd.authorize(&client.file("id.pub"), "").unwrap();
        let server_port = sshd.port;
        let port = serve(move |stream| {
            let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)) else { return };
            let cut = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| upwards(stream, &server, &cut));
                downwards(&server, stream, &|number| if number == silent { Act::Close } else { Act::Pass });
                cut.store(true, Ordering::Relaxed);
            });
            let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
            hold(stream);
        });
        client.knows(&sshd, port);
        let seen = client.scene(port).examine();
        println!("silent at {silent}: {}", seen.cause());
        seen.assert_no_cause(NEVER);
        seen.assert_no_cause(&["access-works"]);
        match silent {
            0 => seen.assert_cause(&["banner-timeout"]),
            1..PLAIN => seen.assert_cause(&["kex-stalled"]),
            _ => {}
        }
    });
}
