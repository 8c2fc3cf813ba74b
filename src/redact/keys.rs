//! Pseudonyms of keys: they derive from the fingerprint, so that one key has one pseudonym in every case.
//!
//! A public key's blob is replaced by one of the same type and length that holds the pseudonym where the key was
//! (`openssh::public_key::fingerprint` reads it there), so that files of keys are judged as before.

use std::collections::HashMap;

use data_encoding::{BASE64_NOPAD, HEXLOWER};
use sha2::{Digest as _, Sha256};

use crate::openssh::public_key;
use crate::openssh::wire::{Reader, put_string};

/// Runs of base64 shorter than this are no part of a key.
const SHORTEST: usize = 12;
/// Parts are known of so many keys, the first ones: those that are asked about come before those in files.
const MOST_IN_PARTS: usize = 500;

/// `key-` and 8 hexadecimal digits of the SHA-256 of a fingerprint.
pub(super) fn name(fingerprint: &str) -> String {
    format!("key-{}", &HEXLOWER.encode(Sha256::digest(fingerprint.as_bytes()).as_slice())[..8])
}

/// The pseudonym of a fingerprint in the place where fingerprints stand: `SHA256:key-1a2b3c4d`.
pub(super) fn fingerprint(original: &str) -> String {
    let (hash, rest) = original.split_once(':').unwrap_or(("", original));
    if hash.is_empty() || rest.is_empty() || rest.starts_with("key-") {
        return original.to_owned();
    }
    format!("{hash}:{}", name(original))
}

/// The keys whose letters were met: their base64 and that of their pseudonyms.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    pairs: Vec<(String, String)>,
    /// Base64 to the place of its pair.
    whole: HashMap<String, usize>,
    /// Each run of `SHORTEST` letters, and in which pair it was first met, at which letter.
    parts: HashMap<String, (usize, usize)>,
}

impl Blobs {
    /// The pseudonym of a blob, as base64 without padding; `None` where `letters` are no blob.
    pub(super) fn of(&mut self, letters: &str) -> Option<String> {
        if let Some(at) = self.whole.get(letters) {
            return Some(self.pairs[*at].1.clone());
        }
        let blob = BASE64_NOPAD.decode(letters.as_bytes()).ok()?;
        let to = BASE64_NOPAD.encode(&replaced(&blob)?);
        let place = self.pairs.len();
        if place < MOST_IN_PARTS {
            for at in 0..(letters.len() + 1).saturating_sub(SHORTEST) {
                self.parts.entry(letters[at..at + SHORTEST].to_owned()).or_insert((place, at));
            }
        }
        self.whole.insert(letters.to_owned(), place);
        self.pairs.push((letters.to_owned(), to.clone()));
        Some(to)
    }

    /// Letters that may be a part of a key, or of several: what is part of a key that was met becomes the same part of
    /// its pseudonym, the rest is overwritten behind what all keys of one type begin with.
    pub(super) fn part(&self, letters: &str) -> String {
        let mut out = String::with_capacity(letters.len());
        let mut at = 0;
        while at < letters.len() {
            let rest = &letters[at..];
            let begun = rest.get(..SHORTEST).and_then(|start| self.parts.get(start));
            if let Some((pair, start)) = begun {
                let (from, to) = &self.pairs[*pair];
                let same = from[*start..].bytes().zip(rest.bytes()).take_while(|(a, b)| a == b).count();
                out.push_str(&to[*start..start + same]);
                at += same;
            } else if rest.starts_with("AAAA") {
                // The length and the name of the type.
                let taken = rest.len().min(20);
                out.push_str(&rest[..taken]);
                at += taken;
            } else {
                out.push('x');
                at += 1;
            }
        }
        out
    }

    /// The letters of every key that was met.
    pub(super) fn letters(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(from, _)| from.as_str())
    }
}

/// The blob that stands for `blob`; `None` where not even a type's name can be read.
fn replaced(blob: &[u8]) -> Option<Vec<u8>> {
    let key = public_key::from_blob(blob, b"")?;
    let mut reader = Reader::new(blob);
    let mut out = Vec::with_capacity(blob.len());
    put_string(&mut out, reader.string()?);
    let known = key.fingerprint.as_str()?;
    let mark = public_key::mark(&name(known));
    if key.certificate.is_some() {
        let salt = HEXLOWER.encode(Sha256::digest(blob).as_slice());
        put_string(&mut out, &filled(reader.string()?.len(), salt.as_bytes()));
        let plain = reader.rest().len();
        let whole = certified(&key.plain_algorithm(), &mut reader, &mark, &mut out);
        return whole.or_else(|| Some(opaque(&key.algorithm, &mark, plain)));
    }
    Some(own_fields(&key.algorithm, &mut reader, &mark, &mut out).map_or_else(
        || opaque(&key.algorithm, &mark, reader.rest().len()),
        |()| {
            out.extend(std::iter::repeat_n(b'x', reader.rest().len()));
            out.clone()
        },
    ))
}

/// A blob of which only the type's name is known.
fn opaque(algorithm: &str, mark: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, algorithm.as_bytes());
    put_string(&mut out, &filled(length.saturating_sub(4).max(mark.len()), mark));
    out
}

/// `length` bytes that begin with `mark`, as far as it goes.
fn filled(length: usize, mark: &[u8]) -> Vec<u8> {
    mark.iter().copied().chain(std::iter::repeat(b'x')).take(length).collect()
}

/// The fields of a plain key: names of curves stay, the first field with room takes the mark.
fn own_fields(algorithm: &str, reader: &mut Reader<'_>, mark: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let count = match algorithm {
        "ssh-ed25519" => 1,
        "ssh-dss" => 4,
        "ssh-rsa" | "sk-ssh-ed25519@openssh.com" => 2,
        "sk-ecdsa-sha2-nistp256@openssh.com" => 3,
        name if name.starts_with("ecdsa-sha2-") => 2,
        _ => return None,
    };
    for index in 0..count {
        let field = reader.string()?;
        let name_of_curve = index == 0 && algorithm.contains("ecdsa");
        let application = index + 1 == count && algorithm.starts_with("sk-");
        if name_of_curve || field.len() < mark.len() && !application {
            put_string(out, field);
        } else if application {
            let keeps = field.iter().position(|byte| *byte == b':').map_or(0, |at| at + 1);
            let hidden = std::iter::repeat_n(b'x', field.len() - keeps);
            put_string(out, &field[..keeps].iter().copied().chain(hidden).collect::<Vec<_>>());
        } else {
            // A number keeps its size and its sign, a point its form.
            let number = matches!(algorithm, "ssh-rsa" | "ssh-dss");
            let keeps = if number { 2 } else { usize::from(algorithm.contains("ecdsa")) };
            let keeps = keeps.min(field.len() - mark.len());
            let hidden = filled(field.len() - keeps, mark);
            put_string(out, &[&field[..keeps], &hidden].concat());
        }
    }
    Some(())
}

/// A certificate behind its nonce (PROTOCOL.certkeys): names and signature are overwritten, the CA's key has a pseudonym.
fn certified(plain: &str, reader: &mut Reader<'_>, mark: &[u8], out: &mut Vec<u8>) -> Option<Vec<u8>> {
    own_fields(plain, reader, mark, out)?;
    out.extend(reader.uint64()?.to_be_bytes());
    out.extend(reader.uint32()?.to_be_bytes());
    put_string(out, &filled(reader.string()?.len(), b""));
    let mut principals = Reader::new(reader.string()?);
    let mut hidden = Vec::new();
    while let Some(name) = principals.string() {
        put_string(&mut hidden, &filled(name.len(), b""));
    }
    put_string(out, &hidden);
    out.extend(reader.uint64()?.to_be_bytes());
    out.extend(reader.uint64()?.to_be_bytes());
    for _ in 0..2 {
        let mut options = Reader::new(reader.string()?);
        let mut hidden = Vec::new();
        while let (Some(name), Some(value)) = (options.string(), options.string()) {
            put_string(&mut hidden, name);
            put_string(&mut hidden, &filled(value.len(), b""));
        }
        put_string(out, &hidden);
    }
    put_string(out, reader.string()?);
    put_string(out, &replaced(reader.string()?)?);
    let mut signature = Reader::new(reader.string()?);
    let mut hidden = Vec::new();
    put_string(&mut hidden, signature.string()?);
    put_string(&mut hidden, &filled(signature.string()?.len(), b""));
    hidden.extend(filled(signature.rest().len(), b""));
    put_string(out, &hidden);
    Some(out.clone())
}
