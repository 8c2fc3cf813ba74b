//! Servers that no real program is: raw TCP with scripted bytes, a name server that fails as it is told, and a
//! connection to a real sshd whose packets are spoilt on the way.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use crate::world::World;

/// The identification string of the scripted servers.
pub(crate) const IDENTIFICATION: &str = "SSH-2.0-OpenSSH_9.2p1\r\n";

impl World {
    /// Listens there and treats every connection as told, each in a thread of its own.
    #[expect(clippy::unused_self, reason = "a server runs on a machine, and only there")]
    pub(crate) fn scripted(&self, address: &str, treat: fn(TcpStream)) -> anyhow::Result<()> {
        let listener = TcpListener::bind(address).with_context(|| address.to_owned())?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || treat(stream));
            }
        });
        Ok(())
    }

    /// A port at which every SYN is dropped: its queue of connections is full and nobody takes them.
    pub(crate) fn dropping(&self, address: &str) -> anyhow::Result<()> {
        self.sh("echo 0 >/proc/sys/net/core/somaxconn")?;
        let listener = TcpListener::bind(address).with_context(|| address.to_owned())?;
        let to: SocketAddr = listener.local_addr()?;
        for _ in 0..3 {
            match TcpStream::connect_timeout(&to, Duration::from_millis(100)) {
                Ok(stream) => std::mem::forget(stream),
                Err(_) => break,
            }
        }
        std::mem::forget(listener);
        self.sh("echo 4096 >/proc/sys/net/core/somaxconn").map(drop)
    }

    /// The name server of the row answers every question with this code (RFC 1035 section 4.1.1).
    #[expect(clippy::unused_self, reason = "a server runs on a machine, and only there")]
    pub(crate) fn names(&self, rcode: u8) -> anyhow::Result<()> {
        let socket = UdpSocket::bind("127.0.0.1:53")?;
        thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let Some(answer) = answered(&question[..length], rcode) else { continue };
                let _ = socket.send_to(&answer, from);
            }
        });
        Ok(())
    }

    /// Between 192.0.2.7:22 and an sshd on 192.0.2.8:22: the first packet after the server's NEWKEYS is spoilt.
    pub(crate) fn spoilt(&self) -> anyhow::Result<()> {
        self.scripted("192.0.2.7:22", |client| {
            let Ok(server) = TcpStream::connect("192.0.2.8:22") else { return };
            let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { return };
            thread::spawn(move || pass(from, to));
            spoil(server, client);
        })
    }
}

/// An answer without records: the question with QR, RD, RA and the code set.
fn answered(question: &[u8], rcode: u8) -> Option<Vec<u8>> {
    let mut answer = question.to_vec();
    *answer.get_mut(2)? |= 0x80;
    *answer.get_mut(3)? = 0x80 | rcode;
    // No answer, authority or additional records; an OPT record of the question is left off with its count.
    let end = question.get(12..)?.iter().position(|&byte| byte == 0)? + 12 + 5;
    answer.get_mut(6..12)?.fill(0);
    answer.truncate(end);
    Some(answer)
}

/// Passes bytes on until one side ends.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Passes the server's identification and plaintext packets on up to NEWKEYS (21), then flips a bit in each byte.
fn spoil(mut from: TcpStream, mut to: TcpStream) {
    let mut byte = [0];
    while byte != *b"\n" {
        if from.read_exact(&mut byte).and_then(|()| to.write_all(&byte)).is_err() {
            return;
        }
    }
    let mut kind = 0;
    while kind != 21 {
        let mut length = [0; 4];
        if from.read_exact(&mut length).is_err() {
            return;
        }
        let mut packet = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap_or(0)];
        if from.read_exact(&mut packet).is_err() || to.write_all(&[&length[..], &packet].concat()).is_err() {
            return;
        }
        kind = packet.get(1).copied().unwrap_or(0);
    }
    let mut some = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut some) {
        for byte in &mut some[..count] {
            *byte ^= 1;
        }
        if to.write_all(&some[..count]).is_err() {
            return;
        }
    }
}

/// Sends text and closes, after having read what the client said first (else the kernel sends a reset).
pub(crate) fn say_and_close(mut stream: TcpStream, text: &[u8]) {
    let _ = stream.write_all(text);
    let _ = stream.shutdown(Shutdown::Write);
    drain(&mut stream);
}

/// Sends text and then nothing more, for as long as the client stays.
pub(crate) fn say_and_wait(mut stream: TcpStream, text: &[u8]) {
    let _ = stream.write_all(text);
    drain(&mut stream);
}

/// Closes with a reset: what the client sent is left unread.
pub(crate) fn reset(stream: &TcpStream) {
    let mut some = [0];
    let _ = stream.peek(&mut some);
    thread::sleep(Duration::from_millis(20));
}

/// A KEXINIT packet (RFC 4253 section 7.1) of a modern server.
pub(crate) fn kexinit() -> Vec<u8> {
    let lists = [
        "curve25519-sha256,curve25519-sha256@libssh.org",
        "ssh-ed25519",
        "chacha20-poly1305@openssh.com,aes256-ctr",
        "chacha20-poly1305@openssh.com,aes256-ctr",
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ];
    let mut payload = vec![20];
    payload.extend([7; 16]);
    for list in lists {
        payload.extend(u32::try_from(list.len()).unwrap_or(0).to_be_bytes());
        payload.extend(list.as_bytes());
    }
    payload.extend([0; 5]);
    // At least 4 bytes, and the whole a multiple of 8.
    let padding = 4 + (8 - (payload.len() + 5 + 4) % 8) % 8;
    let mut packet = u32::try_from(payload.len() + 1 + padding).unwrap_or(0).to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap_or(4));
    packet.extend(payload);
    packet.extend(vec![0; padding]);
    packet
}

fn drain(stream: &mut TcpStream) {
    let mut some = [0; 4096];
    while let Ok(1..) = stream.read(&mut some) {}
}
