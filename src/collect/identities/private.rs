//! Private keys themselves, in zeroizing memory: to sign, and to derive the public half of a PEM (PROTOCOL.key, RFC
//! 8017 appendix A.1.2, RFC 5915, RFC 5958).

use data_encoding::BASE64;
use signature::Signer;
use ssh_key::private::{EcdsaKeypair, EcdsaPrivateKey, KeypairData, RsaKeypair, RsaPrivateKey};
use ssh_key::public::{EcdsaPublicKey, KeyData, RsaPublicKey};
use ssh_key::{HashAlg, Mpint, PrivateKey, Signature};
use zeroize::Zeroizing;

use crate::openssh::public_key;

/// An unencrypted private key of a type that can be signed with here, from the whole file; in words why not.
pub(super) fn parse(text: &[u8]) -> Result<KeypairData, String> {
    let (label, contents) = block(text).ok_or("no private key is in it")?;
    let odd = |error: ssh_key::Error| format!("the private key cannot be read: {error}");
    match label.as_str() {
        "OPENSSH PRIVATE KEY" => {
            let key = PrivateKey::from_bytes(&contents).map_err(odd)?;
            if key.is_encrypted() { Err("it is encrypted".to_owned()) } else { Ok(key.key_data().clone()) }
        }
        "RSA PRIVATE KEY" => rsa(&contents).ok_or_else(|| "it is no RSA key".to_owned()),
        "EC PRIVATE KEY" => ecdsa(&contents, None).ok_or_else(|| "it is no EC key".to_owned()),
        "PRIVATE KEY" => pkcs8(&contents).ok_or_else(|| "it is neither an RSA nor an EC key".to_owned()),
        other => Err(format!("{other}: a format that is not read here")),
    }
}

/// The public half's blob.
pub(super) fn public_blob(key: &KeypairData) -> Option<Vec<u8>> {
    ssh_key::PublicKey::from(KeyData::try_from(key).ok()?).to_bytes().ok()
}

/// Signs `data`; the signature blob. `algorithm` is the name that goes into it, `rsa-sha2-512`.
pub(super) fn sign(key: &KeypairData, algorithm: &str, data: &[u8]) -> Result<Vec<u8>, String> {
    let hash = match algorithm {
        "rsa-sha2-512" => Some(HashAlg::Sha512),
        "rsa-sha2-256" => Some(HashAlg::Sha256),
        _ => None,
    };
    let own = key.algorithm().map_err(|error| error.to_string())?;
    if public_key::key_type_of_signature(algorithm) != plain_type(own.as_str()) {
        return Err(format!("its key makes no signatures of type {algorithm}"));
    }
    let signature: Result<Signature, _> = match key {
        KeypairData::Rsa(pair) => (pair, hash).try_sign(data),
        other => other.try_sign(data),
    };
    let signature = signature.map_err(|_| format!("signing as {algorithm} failed"))?;
    Vec::try_from(signature).map_err(|error| error.to_string())
}

/// ssh-key names an RSA key by the hash of its choice.
fn plain_type(name: &str) -> &str {
    public_key::key_type_of_signature(name)
}

/// The first block that is labelled a private key, as libcrypto and ssh find it: lines of any length.
fn block(text: &[u8]) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let label = lines.find_map(|line| {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let label = line.strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----")?;
        std::str::from_utf8(label).ok().filter(|label| label.ends_with("PRIVATE KEY"))
    })?;
    let mut encoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut ended = false;
    for line in lines {
        ended = line.starts_with(b"-----END ");
        if ended {
            break;
        }
        encoded.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
    }
    let decoded = BASE64.decode(&encoded).ok()?;
    ended.then(|| (label.to_owned(), Zeroizing::new(decoded)))
}

/// The next DER element: its tag and contents (X.690 section 8.1; lengths of up to 4 bytes).
fn element<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let [tag, first, after @ ..] = *rest else { return None };
    let (length, after) = if *first < 0x80 {
        (usize::from(*first), after)
    } else {
        let (bytes, after) = after.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), after)
    };
    let (contents, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((*tag, contents))
}

fn tagged<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    element(rest).filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// RFC 8017 `RSAPrivateKey`.
fn rsa(mut der: &[u8]) -> Option<KeypairData> {
    let mut fields = tagged(&mut der, SEQUENCE)?;
    let mut next = || tagged(&mut fields, INTEGER);
    let _version = next()?;
    let (modulus, public_exponent) = (next()?, next()?);
    let (private_exponent, first_prime, second_prime) = (next()?, next()?, next()?);
    // Passed over and not copied: a bare number is not wiped.
    let _exponents = (next()?, next()?);
    let coefficient = next()?;
    let number = Mpint::from_positive_bytes;
    let public = RsaPublicKey::new(number(public_exponent), number(modulus)).ok()?;
    let private =
        RsaPrivateKey::new(number(private_exponent), number(coefficient), number(first_prime), number(second_prime))
            .ok()?;
    Some(KeypairData::Rsa(RsaKeypair::new(public, private).ok()?))
}

/// RFC 5915 `ECPrivateKey`; in PKCS#8 the curve stands outside.
fn ecdsa(mut der: &[u8], curve: Option<&[u8]>) -> Option<KeypairData> {
    let mut fields = tagged(&mut der, SEQUENCE)?;
    tagged(&mut fields, INTEGER)?;
    let secret = tagged(&mut fields, OCTET_STRING)?;
    let (mut curve, mut point) = (curve, None);
    while let Some((tag, mut contents)) = element(&mut fields) {
        match tag {
            0xa0 => curve = tagged(&mut contents, OBJECT_IDENTIFIER),
            // The first byte counts unused bits: none.
            0xa1 => point = tagged(&mut contents, BIT_STRING)?.strip_prefix(&[0]),
            _ => {}
        }
    }
    let public = EcdsaPublicKey::from_sec1_bytes(point?).ok()?;
    let pair = match (public, curve?) {
        (EcdsaPublicKey::NistP256(public), [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) => {
            EcdsaKeypair::NistP256 { public, private: scalar(secret)? }
        }
        (EcdsaPublicKey::NistP384(public), [0x2b, 0x81, 4, 0, 0x22]) => {
            EcdsaKeypair::NistP384 { public, private: scalar(secret)? }
        }
        (EcdsaPublicKey::NistP521(public), [0x2b, 0x81, 4, 0, 0x23]) => {
            EcdsaKeypair::NistP521 { public, private: scalar(secret)? }
        }
        _ => return None,
    };
    Some(KeypairData::Ecdsa(pair))
}

fn scalar<const SIZE: usize>(secret: &[u8]) -> Option<EcdsaPrivateKey<SIZE>> {
    let mut padded = Zeroizing::new([0; SIZE]);
    let start = SIZE.checked_sub(secret.len())?;
    padded[start..].copy_from_slice(secret);
    Some(EcdsaPrivateKey::from(*padded))
}

/// RFC 5958 `OneAsymmetricKey`, RSA or EC.
fn pkcs8(mut der: &[u8]) -> Option<KeypairData> {
    let mut fields = tagged(&mut der, SEQUENCE)?;
    tagged(&mut fields, INTEGER)?;
    let mut algorithm = tagged(&mut fields, SEQUENCE)?;
    let kind = tagged(&mut algorithm, OBJECT_IDENTIFIER)?;
    let key = tagged(&mut fields, OCTET_STRING)?;
    match kind {
        // rsaEncryption
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => rsa(key),
        // id-ecPublicKey
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => ecdsa(key, tagged(&mut algorithm, OBJECT_IDENTIFIER)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use signature::Verifier as _;

    use super::*;
    use crate::testing::Folder;

    #[test]
    fn every_kind_of_key_signs_so_that_its_public_half_verifies() {
        let folder = Folder::new();
        let rows: &[(&[&str], &[&str])] = &[
            (&["-t", "ed25519"], &["ssh-ed25519"]),
            (&["-t", "rsa", "-b", "2048"], &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]),
            (&["-t", "ecdsa", "-b", "256"], &["ecdsa-sha2-nistp256"]),
            (&["-t", "ecdsa", "-b", "384"], &["ecdsa-sha2-nistp384"]),
            (&["-t", "ecdsa", "-b", "521"], &["ecdsa-sha2-nistp521"]),
            (&["-t", "rsa", "-b", "3072", "-m", "PEM"], &["rsa-sha2-512", "ssh-rsa"]),
            (&["-t", "rsa", "-b", "1024", "-m", "PKCS8"], &["rsa-sha2-256"]),
            (&["-t", "ecdsa", "-b", "256", "-m", "PEM"], &["ecdsa-sha2-nistp256"]),
            (&["-t", "ecdsa", "-b", "384", "-m", "PKCS8"], &["ecdsa-sha2-nistp384"]),
            (&["-t", "ecdsa", "-b", "521", "-m", "PEM"], &["ecdsa-sha2-nistp521"]),
        ];
        for (number, (options, algorithms)) in rows.iter().enumerate() {
            let path = folder.key(&format!("key{number}"), options);
            let key = parse(&std::fs::read(&path).unwrap()).unwrap();
            let beside = std::fs::read_to_string(path.with_extension("pub")).unwrap();
            let public = ssh_key::PublicKey::from_openssh(&beside).unwrap();
            assert_eq!(public_blob(&key), public.to_bytes().ok(), "{options:?}");
            for algorithm in *algorithms {
                let blob = sign(&key, algorithm, b"the data").unwrap();
                let signature = Signature::try_from(blob.as_slice()).unwrap();
                assert_eq!(signature.algorithm().as_str(), *algorithm);
                public.key_data().verify(b"the data", &signature).unwrap();
                public.key_data().verify(b"other data", &signature).unwrap_err();
            }
            assert!(sign(&key, "ssh-dss", b"").is_err());
        }
    }

    #[test]
    fn what_cannot_sign_says_why() {
        let folder = Folder::new();
        let encrypted = std::fs::read(folder.key("encrypted", &["-t", "ed25519", "-N", "geheim"])).unwrap();
        let dsa = std::fs::read(folder.key("dsa", &["-t", "dsa", "-m", "PEM"])).unwrap();
        for text in
            [&encrypted[..], &dsa, b"", b"-----BEGIN RSA PRIVATE KEY-----\nMA==\n-----END RSA PRIVATE KEY-----\n"]
        {
            assert!(!parse(text).unwrap_err().is_empty());
        }
    }

    #[test]
    fn no_der_makes_it_panic() {
        let folder = Folder::new();
        for options in [&["-t", "ecdsa", "-m", "PKCS8"][..], &["-t", "rsa", "-m", "PEM"]] {
            let path = folder.key(options[1], options);
            let (_, der) = block(&std::fs::read(path).unwrap()).unwrap();
            for at in 0..der.len().min(200) {
                for other in [0, 0x30, 0x80, 0x84, 0xff] {
                    let mut odd = der.to_vec();
                    odd[at] = other;
                    let _ = (rsa(&odd), pkcs8(&odd), ecdsa(&odd, None));
                    let _ = (rsa(&odd[..at]), pkcs8(&odd[..at]), ecdsa(&odd[..at], None));
                }
            }
        }
    }
}
