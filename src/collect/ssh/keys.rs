//! The keys of a session from the secret that a key exchange agreed on (RFC 4253 section 7.2).

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::wire::put_mpint;

/// What both sides know after the key exchange.
pub(crate) struct Secret {
    /// The key exchange method's name; it says which hash is used.
    pub(crate) method: String,
    /// The shared secret K, as the bytes of an unsigned number.
    pub(crate) shared: Zeroizing<Vec<u8>>,
    /// The session id, which is the exchange hash H of the first key exchange.
    pub(crate) session_id: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// `length` bytes of the key or IV that `letter` (`A` to `F`) stands for.
    pub(crate) fn derive(&self, letter: u8, length: usize) -> Zeroizing<Vec<u8>> {
        // Room for one hash more than is asked for, so that nothing secret is left behind by growing.
        let mut shared = Zeroizing::new(Vec::with_capacity(self.shared.len() + 5));
        put_mpint(&mut shared, &self.shared);
        let mut key = Zeroizing::new(Vec::with_capacity(length + 64));
        hash_onto(&self.method, &[&shared, &self.session_id, &[letter], &self.session_id], &mut key);
        while key.len() < length {
            let so_far = Zeroizing::new(key.to_vec());
            hash_onto(&self.method, &[&shared, &self.session_id, &so_far], &mut key);
        }
        key.truncate(length);
        key
    }
}

/// Appends the hash of `parts` by the hash function of `method`.
fn hash_onto(method: &str, parts: &[&[u8]], out: &mut Vec<u8>) {
    match method {
        "ecdh-sha2-nistp384" => digest_onto::<Sha384>(parts, out),
        "ecdh-sha2-nistp521" => digest_onto::<Sha512>(parts, out),
        _ if method.ends_with("-sha512") => digest_onto::<Sha512>(parts, out),
        _ if method.ends_with("-sha1") => digest_onto::<Sha1>(parts, out),
        _ => digest_onto::<Sha256>(parts, out),
    }
}

/// Appends the hash `D` of `parts`.
fn digest_onto<D: Digest>(parts: &[&[u8]], out: &mut Vec<u8>) {
    let mut digest = D::new();
    for part in parts {
        digest.update(part);
    }
    out.extend_from_slice(&digest.finalize());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_longer_than_the_hash_begins_with_the_shorter_one() {
        let secret = Secret {
            method: "curve25519-sha256".to_owned(),
            shared: Zeroizing::new(vec![0x81; 32]),
            session_id: Zeroizing::new(vec![7; 32]),
        };
        let long = secret.derive(b'C', 64);
        assert_eq!(long.len(), 64);
        assert_eq!(secret.derive(b'C', 20)[..], long[..20]);
        assert_ne!(secret.derive(b'D', 20)[..], long[..20]);
    }
}
