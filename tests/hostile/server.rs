//! Servers of a few lines each: a script for every connection, and the packets of RFC 4253 section 6 for it to send.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

/// An identification string like a real server's.
pub(crate) const IDENTIFICATION: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";

/// No script keeps a connection longer than this.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs `script` on every connection to the port it returns, until the process ends.
pub(crate) fn serve(script: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = Arc::new(script);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let script = Arc::clone(&script);
            thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(LIMIT));
                let _ = stream.set_write_timeout(Some(LIMIT));
                script(&mut stream);
            });
        }
    });
    port
}

/// Sends, and does not mind a client that has gone.
pub(crate) fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// Keeps the connection open and reads, until the client closes it.
pub(crate) fn hold(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while matches!(stream.read(&mut buffer), Ok(length) if length > 0) {}
}

/// Sends these bytes again and again until the client goes away.
pub(crate) fn flood(stream: &mut TcpStream, bytes: &[u8]) {
    let block = bytes.repeat(65_536 / bytes.len() + 1);
    while stream.write_all(&block).is_ok() {}
}

/// Sends one byte a second until the client goes away.
pub(crate) fn drip(stream: &mut TcpStream, bytes: impl IntoIterator<Item = u8>) {
    for byte in bytes {
        if stream.write_all(&[byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// Ends the connection by FIN, having read what the client sent: unread data would make a reset of it.
pub(crate) fn close(stream: &mut TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    hold(stream);
}

/// Makes the close that follows a reset.
pub(crate) fn reset(stream: &TcpStream) {
    let _ = setsockopt(stream, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 });
}

/// An unencrypted packet around `payload`.
pub(crate) fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (payload.len() + 5) % 8 + 8;
    let mut packet = u32::try_from(1 + payload.len() + padding).unwrap().to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap());
    packet.extend(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

/// The payload of a KEXINIT with these ten name-lists.
pub(crate) fn kexinit(lists: [&[u8]; 10]) -> Vec<u8> {
    let mut payload = vec![20];
    payload.extend([7; 16]);
    for list in lists {
        payload.extend(string(list));
    }
    payload.extend([0; 5]);
    payload
}

/// A KEXINIT that any client can agree with.
pub(crate) fn ordinary_kexinit() -> Vec<u8> {
    let cipher: &[u8] = b"aes128-ctr";
    let mac: &[u8] = b"hmac-sha2-256";
    let (kex, key) = (b"curve25519-sha256", b"ssh-ed25519");
    kexinit([kex, key, cipher, cipher, mac, mac, b"none", b"none", b"", b""])
}

/// A length and the bytes, RFC 4251 section 5.
pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    let mut string = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    string.extend(bytes);
    string
}
