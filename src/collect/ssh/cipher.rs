//! Sealing and opening packets with what the key exchange agreed on (RFC 4253 section 6, RFC 4344, RFC 5647 as OpenSSH
//! does it, OpenSSH's PROTOCOL section 1.6 and PROTOCOL.chacha20poly1305).

use aes::{Aes128, Aes192, Aes256};
use cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, StreamCipher};
use des::TdesEde3;
use hmac::{Hmac, KeyInit};
use ring::aead::chacha20_poly1305_openssh as chacha;
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::keys::Secret;

/// The ciphers spoken here, best first.
pub(crate) const CIPHERS: &[&str] = &[
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
    "aes256-cbc",
    "aes192-cbc",
    "aes128-cbc",
    "3des-cbc",
];

/// The MACs spoken here, best first.
pub(crate) const MACS: &[&str] = &[
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
];

/// The longest `packet_length` that is taken (OpenSSH's PACKET_MAX_SIZE).
const MAX_PACKET: usize = 256 * 1024;
/// Bytes of the authentication tag of both AEAD ciphers.
const TAG: usize = 16;

/// One direction of a connection, with its keys, before it is used to seal or to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Keys `A`, `C` and `E`.
    ClientToServer,
    /// Keys `B`, `D` and `F`.
    ServerToClient,
}

impl Direction {
    /// The letters of the IV, the encryption key and the MAC key.
    fn letters(self) -> (u8, u8, u8) {
        match self {
            Self::ClientToServer => (b'A', b'C', b'E'),
            Self::ServerToClient => (b'B', b'D', b'F'),
        }
    }
}

/// Why bytes are no packet; a fragment that completes "what came is no SSH packet: …".
pub(crate) type Garbled = &'static str;

/// A cipher over whole blocks, in place.
type Transform = Box<dyn FnMut(&mut [u8]) + Send>;

/// The cipher of one direction.
enum Cipher {
    /// `chacha20-poly1305@openssh.com`.
    Chacha(Box<chacha::SealingKey>, Box<chacha::OpeningKey>),
    /// `aes*-gcm@openssh.com`: the key, the fixed part of the nonce and the invocation counter.
    Gcm(Box<LessSafeKey>, [u8; 4], u64),
    /// CTR and CBC, with a MAC of its own.
    Block { transform: Transform, size: usize, mac: Mac },
}

/// A MAC and its key.
struct Mac {
    key: Zeroizing<Vec<u8>>,
    hash: MacHash,
    /// Whether it covers the ciphertext (`-etm@openssh.com`).
    covers_ciphertext: bool,
}

/// The hash under an HMAC.
#[derive(Clone, Copy)]
enum MacHash {
    Sha1,
    Sha256,
    Sha512,
}

impl MacHash {
    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Mac {
    /// The MAC called `name`; `None` for one that is not spoken here.
    fn new(name: &str, secret: &Secret, letter: u8) -> Option<Self> {
        let (plain, covers_ciphertext) = match name.strip_suffix("-etm@openssh.com") {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        let hash = match plain {
            "hmac-sha1" => MacHash::Sha1,
            "hmac-sha2-256" => MacHash::Sha256,
            "hmac-sha2-512" => MacHash::Sha512,
            _ => return None,
        };
        Some(Self { key: secret.derive(letter, hash.length()), hash, covers_ciphertext })
    }

    /// The MAC over the sequence number and `bytes`.
    fn compute(&self, sequence: u32, bytes: &[u8]) -> Vec<u8> {
        match self.hash {
            MacHash::Sha1 => hmac::<Hmac<Sha1>>(&self.key, sequence, bytes),
            MacHash::Sha256 => hmac::<Hmac<Sha256>>(&self.key, sequence, bytes),
            MacHash::Sha512 => hmac::<Hmac<Sha512>>(&self.key, sequence, bytes),
        }
    }
}

/// HMAC takes a key of any length, so the empty result is never seen.
fn hmac<M: hmac::Mac + KeyInit>(key: &[u8], sequence: u32, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    mac.update(&sequence.to_be_bytes());
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

/// Counter mode with `C`.
fn counter<C: KeyIvInit + StreamCipher + Send + 'static>(key: &[u8], iv: &[u8]) -> Option<Transform> {
    let mut cipher = C::new_from_slices(key, iv).ok()?;
    Some(Box::new(move |bytes| cipher.apply_keystream(bytes)))
}

/// Chained blocks, encrypting or decrypting with `C`.
fn chained<C: KeyIvInit + Send + 'static>(key: &[u8], iv: &[u8], step: fn(&mut C, &mut [u8])) -> Option<Transform> {
    let mut cipher = C::new_from_slices(key, iv).ok()?;
    Some(Box::new(move |bytes| step(&mut cipher, bytes)))
}

/// Encrypts whole blocks.
fn encrypt<C: BlockModeEncrypt>(cipher: &mut C, bytes: &mut [u8]) {
    let (blocks, _) = Block::<C>::slice_as_chunks_mut(bytes);
    cipher.encrypt_blocks(blocks);
}

/// Decrypts whole blocks.
fn decrypt<C: BlockModeDecrypt>(cipher: &mut C, bytes: &mut [u8]) {
    let (blocks, _) = Block::<C>::slice_as_chunks_mut(bytes);
    cipher.decrypt_blocks(blocks);
}

/// The transformation of a CTR or CBC cipher, and its block size.
fn transform(name: &str, key: &[u8], iv: &[u8], seal: bool) -> Option<(Transform, usize)> {
    let transform = match (name, seal) {
        ("aes128-ctr", _) => counter::<ctr::Ctr128BE<Aes128>>(key, iv),
        ("aes192-ctr", _) => counter::<ctr::Ctr128BE<Aes192>>(key, iv),
        ("aes256-ctr", _) => counter::<ctr::Ctr128BE<Aes256>>(key, iv),
        ("aes128-cbc", true) => chained::<cbc::Encryptor<Aes128>>(key, iv, encrypt),
        ("aes128-cbc", false) => chained::<cbc::Decryptor<Aes128>>(key, iv, decrypt),
        ("aes192-cbc", true) => chained::<cbc::Encryptor<Aes192>>(key, iv, encrypt),
        ("aes192-cbc", false) => chained::<cbc::Decryptor<Aes192>>(key, iv, decrypt),
        ("aes256-cbc", true) => chained::<cbc::Encryptor<Aes256>>(key, iv, encrypt),
        ("aes256-cbc", false) => chained::<cbc::Decryptor<Aes256>>(key, iv, decrypt),
        ("3des-cbc", true) => chained::<cbc::Encryptor<TdesEde3>>(key, iv, encrypt),
        ("3des-cbc", false) => chained::<cbc::Decryptor<TdesEde3>>(key, iv, decrypt),
        _ => None,
    };
    Some((transform?, iv.len()))
}

impl Cipher {
    /// The cipher and MAC of these names with the keys of `direction`; `None` for what is not spoken here.
    fn new(name: &str, mac: &str, secret: &Secret, direction: Direction, seal: bool) -> Option<Self> {
        let (iv_letter, key_letter, mac_letter) = direction.letters();
        if name == "chacha20-poly1305@openssh.com" {
            let derived = secret.derive(key_letter, chacha::KEY_LEN);
            let mut key = Zeroizing::new([0; chacha::KEY_LEN]);
            key.copy_from_slice(&derived);
            return Some(Self::Chacha(
                Box::new(chacha::SealingKey::new(&key)),
                Box::new(chacha::OpeningKey::new(&key)),
            ));
        }
        let gcm = match name {
            "aes128-gcm@openssh.com" => Some((&AES_128_GCM, 16)),
            "aes256-gcm@openssh.com" => Some((&AES_256_GCM, 32)),
            _ => None,
        };
        if let Some((algorithm, length)) = gcm {
            let key = UnboundKey::new(algorithm, &secret.derive(key_letter, length)).ok()?;
            let iv = secret.derive(iv_letter, 12);
            let fixed = *iv.first_chunk::<4>()?;
            let counter = u64::from_be_bytes(*iv.last_chunk::<8>()?);
            return Some(Self::Gcm(Box::new(LessSafeKey::new(key)), fixed, counter));
        }
        let (key_length, iv_length) = match name {
            "aes128-ctr" | "aes128-cbc" => (16, 16),
            "aes192-ctr" | "aes192-cbc" => (24, 16),
            "aes256-ctr" | "aes256-cbc" => (32, 16),
            "3des-cbc" => (24, 8),
            _ => return None,
        };
        let (key, iv) = (secret.derive(key_letter, key_length), secret.derive(iv_letter, iv_length));
        let (transform, size) = transform(name, &key, &iv, seal)?;
        Some(Self::Block { transform, size, mac: Mac::new(mac, secret, mac_letter)? })
    }

    /// The block size that packets are padded to.
    fn block(&self) -> usize {
        match self {
            Self::Chacha(..) => 8,
            Self::Gcm(..) => 16,
            Self::Block { size, .. } => *size,
        }
    }

    /// Whether `packet_length` itself is left out when a packet is padded.
    fn length_apart(&self) -> bool {
        match self {
            Self::Chacha(..) | Self::Gcm(..) => true,
            Self::Block { mac, .. } => mac.covers_ciphertext,
        }
    }

    /// The nonce of the next GCM packet.
    fn next_nonce(fixed: [u8; 4], counter: &mut u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&fixed);
        nonce[4..].copy_from_slice(&counter.to_be_bytes());
        *counter = counter.wrapping_add(1);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Seals what the probe sends.
pub(crate) struct Sealer {
    cipher: Cipher,
    sequence: u32,
    random: SystemRandom,
}

impl Sealer {
    /// A sealer whose next packet has this sequence number; `None` for a cipher or MAC that is not spoken here.
    pub(crate) fn new(cipher: &str, mac: &str, secret: &Secret, direction: Direction, sequence: u32) -> Option<Self> {
        let cipher = Cipher::new(cipher, mac, secret, direction, true)?;
        Some(Self { cipher, sequence, random: SystemRandom::new() })
    }

    /// Appends the packet that carries `payload`.
    pub(crate) fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let block = self.cipher.block();
        let head = if self.cipher.length_apart() { 1 } else { 5 };
        let mut padding = block - (head + payload.len()) % block;
        if padding < 4 {
            padding += block;
        }
        let start = out.len();
        let length = 1 + payload.len() + padding;
        out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        out.push(u8::try_from(padding).unwrap_or(u8::MAX));
        out.extend_from_slice(payload);
        let padded_from = out.len();
        out.resize(padded_from + padding, 0);
        // Without a source of chance the padding stays zero: RFC 4253 section 6 only recommends random bytes.
        let _ = self.random.fill(&mut out[padded_from..]);
        let mut tag = [0; TAG];
        match &mut self.cipher {
            Cipher::Chacha(key, _) => {
                key.seal_in_place(self.sequence, &mut out[start..], &mut tag);
                out.extend_from_slice(&tag);
            }
            Cipher::Gcm(key, fixed, counter) => {
                let nonce = Cipher::next_nonce(*fixed, counter);
                let (length, body) = out[start..].split_at_mut(4);
                if let Ok(made) = key.seal_in_place_separate_tag(nonce, Aad::from(&*length), body) {
                    tag.copy_from_slice(made.as_ref());
                }
                out.extend_from_slice(&tag);
            }
            Cipher::Block { transform, mac, .. } => {
                if mac.covers_ciphertext {
                    transform(&mut out[start + 4..]);
                    let code = mac.compute(self.sequence, &out[start..]);
                    out.extend_from_slice(&code);
                } else {
                    let code = mac.compute(self.sequence, &out[start..]);
                    transform(&mut out[start..]);
                    out.extend_from_slice(&code);
                }
            }
        }
        self.sequence = self.sequence.wrapping_add(1);
    }
}

/// Opens what the server sends.
pub(crate) struct Opener {
    cipher: Cipher,
    sequence: u32,
    /// Decrypted bytes at the front of the buffer: a CTR or CBC cipher has to decrypt a block to learn the length.
    decrypted: usize,
}

impl Opener {
    /// An opener whose next packet has this sequence number; `None` for a cipher or MAC that is not spoken here.
    pub(crate) fn new(cipher: &str, mac: &str, secret: &Secret, direction: Direction, sequence: u32) -> Option<Self> {
        let cipher = Cipher::new(cipher, mac, secret, direction, false)?;
        Some(Self { cipher, sequence, decrypted: 0 })
    }

    /// Takes the first packet out of `buffer` and gives its payload; `None` while it is not complete.
    ///
    /// # Errors
    /// Where the bytes are no packet: an impossible length, a wrong MAC, wrong padding. Nothing can be read after that.
    pub(crate) fn open(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Garbled> {
        let Some(length) = self.length(buffer)? else { return Ok(None) };
        let tag = match &self.cipher {
            Cipher::Chacha(..) | Cipher::Gcm(..) => TAG,
            Cipher::Block { mac, .. } => mac.hash.length(),
        };
        let end = 4 + length;
        if buffer.len() < end + tag {
            return Ok(None);
        }
        let rest = buffer.split_off(end + tag);
        let mut packet = std::mem::replace(buffer, rest);
        let code = packet.split_off(end);
        self.decode(&mut packet, &code)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.decrypted = 0;
        let padding = usize::from(packet[4]);
        let Some(payload) = packet.get(5..end.saturating_sub(padding)) else {
            return Err("its padding is longer than it");
        };
        if padding < 4 || payload.is_empty() {
            return Err("its padding is wrong");
        }
        Ok(Some(payload.to_vec()))
    }

    /// The `packet_length` at the front of `buffer`, once there is enough to know it.
    fn length(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Garbled> {
        let Some(head) = buffer.first_chunk::<4>().copied() else { return Ok(None) };
        let (head, block, apart) = match &mut self.cipher {
            Cipher::Chacha(_, key) => (key.decrypt_packet_length(self.sequence, head), 8, true),
            Cipher::Gcm(..) => (head, 16, true),
            Cipher::Block { size, mac, .. } if mac.covers_ciphertext => (head, *size, true),
            Cipher::Block { size, transform, .. } => {
                if self.decrypted == 0 {
                    let Some(first) = buffer.get_mut(..*size) else { return Ok(None) };
                    transform(first);
                    self.decrypted = *size;
                }
                let Some(head) = buffer.first_chunk::<4>().copied() else { return Ok(None) };
                (head, *size, false)
            }
        };
        let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
        if !(6..=MAX_PACKET).contains(&length) {
            return Err("its length is impossible");
        }
        let padded = if apart { length } else { length + 4 };
        if !padded.is_multiple_of(block) {
            return Err("its length is no multiple of the cipher's block");
        }
        Ok(Some(length))
    }

    /// Checks `code` and decrypts `packet` in place, its length field included.
    fn decode(&mut self, packet: &mut [u8], code: &[u8]) -> Result<(), Garbled> {
        const WRONG: Garbled = "its authentication code is wrong";
        match &mut self.cipher {
            Cipher::Chacha(_, key) => {
                let tag = code.first_chunk::<TAG>().ok_or(WRONG)?;
                key.open_in_place(self.sequence, packet, tag).map_err(|_| WRONG)?;
            }
            Cipher::Gcm(key, fixed, counter) => {
                let nonce = Cipher::next_nonce(*fixed, counter);
                let (length, body) = packet.split_at_mut(4);
                let mut sealed = [&*body, code].concat();
                let opened = key.open_in_place(nonce, Aad::from(&*length), &mut sealed).map_err(|_| WRONG)?;
                body.copy_from_slice(opened);
            }
            Cipher::Block { transform, mac, .. } => {
                if mac.covers_ciphertext {
                    if !bool::from(mac.compute(self.sequence, packet).ct_eq(code)) {
                        return Err(WRONG);
                    }
                    transform(&mut packet[4..]);
                } else {
                    transform(&mut packet[self.decrypted..]);
                    if !bool::from(mac.compute(self.sequence, packet).ct_eq(code)) {
                        return Err(WRONG);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret {
            method: "diffie-hellman-group16-sha512".to_owned(),
            shared: Zeroizing::new(vec![9; 512]),
            session_id: Zeroizing::new(vec![3; 64]),
        }
    }

    fn every_pair() -> Vec<(&'static str, &'static str)> {
        let mut pairs = Vec::new();
        for cipher in CIPHERS {
            let macs = if crate::openssh::algorithms::is_authenticating(cipher) { &[""][..] } else { MACS };
            pairs.extend(macs.iter().map(|mac| (*cipher, *mac)));
        }
        pairs
    }

    #[test]
    fn what_is_sealed_opens_again_with_every_cipher_and_mac() {
        for (cipher, mac) in every_pair() {
            let direction = Direction::ClientToServer;
            let mut sealer = Sealer::new(cipher, mac, &secret(), direction, 3).unwrap();
            let mut opener = Opener::new(cipher, mac, &secret(), direction, 3).unwrap();
            let mut wire = Vec::new();
            let payloads: Vec<Vec<u8>> = (1..60).map(|length| vec![length; usize::from(length)]).collect();
            for payload in &payloads {
                sealer.seal(payload, &mut wire);
            }
            let mut buffer = Vec::new();
            let mut payloads_back = Vec::new();
            for byte in wire {
                buffer.push(byte);
                payloads_back.extend(opener.open(&mut buffer).unwrap());
            }
            assert_eq!(payloads_back, payloads, "{cipher} {mac}");
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn one_wrong_bit_anywhere_is_no_packet() {
        for (cipher, mac) in every_pair() {
            let mut wire = Vec::new();
            let direction = Direction::ServerToClient;
            Sealer::new(cipher, mac, &secret(), direction, 0).unwrap().seal(b"hello, world", &mut wire);
            for at in 0..wire.len() {
                let mut opener = Opener::new(cipher, mac, &secret(), direction, 0).unwrap();
                let mut buffer = wire.clone();
                buffer[at] ^= 0x10;
                assert!(!matches!(opener.open(&mut buffer), Ok(Some(_))), "{cipher} {mac} byte {at}");
            }
        }
    }

    #[test]
    fn a_cipher_that_is_not_spoken_makes_no_keys() {
        assert!(Sealer::new("arcfour", "hmac-sha1", &secret(), Direction::ClientToServer, 0).is_none());
        assert!(Opener::new("aes128-ctr", "umac-64@openssh.com", &secret(), Direction::ServerToClient, 0).is_none());
    }
}
