//! A server that agrees on keys like any other and then sends whatever it likes: curve25519-sha256, ssh-ed25519,
//! aes128-ctr and hmac-sha2-256 (RFC 4253 sections 6 to 8, RFC 8731).

use std::fs;
use std::io::Read;
use std::net::TcpStream;

use aes::Aes128;
use cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use data_encoding::BASE64;
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use ring::{digest, hmac};

use super::client::Client;
use super::server::{IDENTIFICATION, ordinary_kexinit, packet, send, serve, string};

const NEWKEYS: u8 = 21;
const ECDH_REPLY: u8 = 31;

/// No client's packet here is longer.
const PACKET_LIMIT: usize = 40_000;
const MAC_BYTES: usize = 32;

/// One direction's keys.
struct Keys {
    cipher: Ctr128BE<Aes128>,
    mac: hmac::Key,
    sequence: u32,
}

/// A connection with keys.
pub(crate) struct Encrypted<'a> {
    stream: &'a mut TcpStream,
    ours: Keys,
    theirs: Keys,
}

/// Runs `script` after the key exchange of every connection; the client knows the host key. Returns the port.
pub(crate) fn serve_encrypted(client: &Client, script: impl Fn(&mut Encrypted<'_>) + Send + Sync + 'static) -> u16 {
    let port = serve(move |stream| {
        if let Some(mut encrypted) = handshake(stream) {
            script(&mut encrypted);
        }
    });
    let line = format!("[127.0.0.1]:{port} ssh-ed25519 {}\n", BASE64.encode(&blob(&pair(7))));
    fs::write(client.file("known_hosts"), line).unwrap();
    port
}

/// The key pair that is made of this byte.
pub(crate) fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// Its public key's blob.
pub(crate) fn blob(pair: &Ed25519KeyPair) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(pair.public_key().as_ref())].concat()
}

/// A signature blob over `data`.
pub(crate) fn signature(pair: &Ed25519KeyPair, data: &[u8]) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(pair.sign(data).as_ref())].concat()
}

fn handshake(stream: &mut TcpStream) -> Option<Encrypted<'_>> {
    send(stream, IDENTIFICATION);
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < 300 {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        line.extend(byte);
    }
    let (ours, line) = (IDENTIFICATION.trim_ascii_end(), line.trim_ascii_end().to_vec());
    let kexinit = ordinary_kexinit();
    send(stream, &packet(&kexinit));
    let theirs = plain(stream)?;
    let theirs_of_curve = plain(stream)?.get(5..)?.to_vec();
    let random = SystemRandom::new();
    let secret = EphemeralPrivateKey::generate(&X25519, &random).ok()?;
    let public = secret.compute_public_key().ok()?;
    let shared = agree_ephemeral(secret, &UnparsedPublicKey::new(&X25519, &theirs_of_curve), mpint).ok()?;
    let host = pair(7);
    let mut hashed = Vec::new();
    for part in [&line, ours, &theirs, &kexinit, &blob(&host), &theirs_of_curve, public.as_ref()] {
        hashed.extend(string(part));
    }
    hashed.extend(&shared);
    let hash = digest::digest(&digest::SHA256, &hashed);
    let signed = signature(&host, hash.as_ref());
    let reply = [&[ECDH_REPLY][..], &string(&blob(&host)), &string(public.as_ref()), &string(&signed)].concat();
    send(stream, &packet(&reply));
    send(stream, &packet(&[NEWKEYS]));
    plain(stream).filter(|payload| payload == &[NEWKEYS])?;
    let derived = |letter: u8| {
        let text = [&shared, hash.as_ref(), &[letter], hash.as_ref()].concat();
        digest::digest(&digest::SHA256, &text).as_ref().to_vec()
    };
    let keys = |iv: u8, key: u8, mac: u8| {
        Some(Keys {
            cipher: Ctr128BE::new_from_slices(&derived(key)[..16], &derived(iv)[..16]).ok()?,
            mac: hmac::Key::new(hmac::HMAC_SHA256, &derived(mac)),
            sequence: 3,
        })
    };
    let (theirs, ours) = (keys(b'A', b'C', b'E')?, keys(b'B', b'D', b'F')?);
    Some(Encrypted { stream, ours, theirs })
}

/// The payload of the next packet before there are keys.
fn plain(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length < PACKET_LIMIT)?];
    stream.read_exact(&mut rest).ok()?;
    payload(&rest)
}

/// What stands between the length of the padding and the padding.
fn payload(rest: &[u8]) -> Option<Vec<u8>> {
    let (padding, rest) = rest.split_first()?;
    Some(rest.get(..rest.len().checked_sub(usize::from(*padding))?)?.to_vec())
}

/// A positive integer, RFC 4251 section 5.
fn mpint(bytes: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_some_and(|first| first & 0x80 != 0) {
        digits.insert(0, 0);
    }
    string(&digits)
}

impl Encrypted<'_> {
    /// The payload of the client's next packet; `None` once it has gone.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![0; 16];
        self.stream.read_exact(&mut packet).ok()?;
        self.theirs.cipher.apply_keystream(&mut packet);
        let length = usize::try_from(u32::from_be_bytes(packet[..4].try_into().ok()?)).ok()?;
        let rest = length.checked_sub(12).filter(|rest| *rest < PACKET_LIMIT)?;
        packet.resize(16 + rest, 0);
        self.stream.read_exact(&mut packet[16..]).ok()?;
        self.theirs.cipher.apply_keystream(&mut packet[16..]);
        let mut mac = [0; MAC_BYTES];
        self.stream.read_exact(&mut mac).ok()?;
        let covered = [&self.theirs.sequence.to_be_bytes()[..], &packet].concat();
        self.theirs.sequence = self.theirs.sequence.wrapping_add(1);
        hmac::verify(&self.theirs.mac, &covered, &mac).ok()?;
        payload(&packet[4..])
    }

    /// Sends one message; whether the client is still there.
    pub(crate) fn send(&mut self, payload: &[u8]) -> bool {
        use std::io::Write as _;
        let padding = 16 - (payload.len() + 5) % 16 + 16;
        let mut packet = u32::try_from(1 + payload.len() + padding).unwrap().to_be_bytes().to_vec();
        packet.push(u8::try_from(padding).unwrap());
        packet.extend(payload);
        packet.resize(packet.len() + padding, 0);
        let covered = [&self.ours.sequence.to_be_bytes()[..], &packet].concat();
        self.ours.sequence = self.ours.sequence.wrapping_add(1);
        let mac = hmac::sign(&self.ours.mac, &covered);
        self.ours.cipher.apply_keystream(&mut packet);
        packet.extend(mac.as_ref());
        self.stream.write_all(&packet).is_ok()
    }
}
