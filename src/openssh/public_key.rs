//! Public keys and certificates from their wire form and from a line of text (RFC 4253 section 6.6, RFC 5656 section
//! 3.1, PROTOCOL.certkeys, PROTOCOL.u2f, sshkey.c `sshkey_from_blob_internal`, `sshkey_read`).

use data_encoding::{BASE64, BASE64_NOPAD};
use sha2::{Digest as _, Sha256};

use super::wire::{Reader, put_string};
use crate::facts::config::Options;
use crate::facts::key::{Blob, Certificate, CertificateKind, PublicKey};
use crate::facts::text::{Comment, Fingerprint, ServerText};

/// Bytes of a comment, a key id, a principal or an option's value that are kept.
const TEXT_LIMIT: usize = 1024;
/// Principals that are kept. OpenSSH takes no certificate with more than 256.
const PRINCIPALS_LIMIT: usize = 1024;
/// Critical options that are kept.
const OPTIONS_LIMIT: usize = 64;
/// sshkey.h `SSHKEY_CERT_MAX_PRINCIPALS`.
const OPENSSH_PRINCIPALS: usize = 256;
/// ssh.h `SSH_RSA_MINIMUM_MODULUS_SIZE`, in bits.
const OPENSSH_RSA_BITS: u32 = 1024;
/// A longer type name is taken for garbage (RFC 4251 section 6: at most 64 characters).
const NAME_LIMIT: usize = 64;
/// What stands before a key's pseudonym in its blob.
const MARK: &[u8] = b"sshdoctor-redacted:";
/// Bytes of that pseudonym, `key-` and 8 hexadecimal digits.
const PSEUDONYM_BYTES: usize = 12;

/// Why ssh does not take a blob for a key (sshkey.c `sshkey_from_blob`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `SSH_ERR_KEY_TYPE_UNKNOWN`: a list of keys goes on without it.
    UnknownType,
    /// Anything else, mostly `SSH_ERR_INVALID_FORMAT`: a whole list is thrown away because of it.
    Malformed,
}

/// The key in `blob`. A type that is not known, or a blob that does not parse, keeps its name, blob and fingerprint;
/// `None` only where not even a name can be read.
pub fn from_blob(blob: &[u8], comment: &[u8]) -> Option<PublicKey> {
    let mut reader = Reader::new(blob);
    let algorithm = reader.text().filter(|name| is_name(name))?;
    let mut key = PublicKey {
        algorithm: algorithm.to_owned(),
        blob: Blob(blob.to_vec()),
        fingerprint: fingerprint(blob),
        comment: Comment::new(cut(comment)),
        bits: None,
        certificate: None,
    };
    let Some(kind) = Kind::of(algorithm) else { return Some(key) };
    if kind.certificate && reader.string().is_none() {
        return Some(key);
    }
    let before = reader.rest();
    let Some(bits) = fields(kind.fields, &mut reader) else { return Some(key) };
    key.bits = (bits > 0).then_some(bits);
    if kind.certificate {
        let length = before.len() - reader.rest().len();
        let plain = plain_blob(&key.plain_algorithm(), &before[..length]);
        key.fingerprint = fingerprint(&plain);
        key.certificate = certificate(&mut reader, plain).map(Box::new);
    }
    Some(key)
}

/// The key in a line of a `.pub` file: type, base64, comment. `None` where the line is none, and where ssh would not
/// read it: the type in the blob is another, the base64 is broken, a byte order mark or an option stands before it.
/// A type that ssh does not know is kept where line and blob name it alike.
pub fn from_line(line: &[u8]) -> Option<PublicKey> {
    let line = line.split(|byte| matches!(byte, b'\n' | b'\0')).next()?;
    let line = skip_blanks(line);
    let (name, rest) = word(line);
    let name = std::str::from_utf8(name).ok().filter(|name| is_name(name))?;
    let (encoded, rest) = word(skip_blanks(rest));
    // base64.c b64_pton passes over white space, so a carriage return at the end does no harm.
    let encoded: Vec<u8> = encoded.iter().copied().filter(|byte| !is_space(*byte)).collect();
    let blob = BASE64.decode(&encoded).ok()?;
    let comment = skip_blanks(rest).split(|byte| *byte == b'\r').next().unwrap_or_default();
    let key = from_blob(&blob, comment)?;
    let same_type = key.algorithm == name || key_type_of_signature(name) == key.algorithm;
    (same_type && check(&blob) != Err(Fault::Malformed)).then_some(key)
}

/// Whether ssh takes `blob` for a key. A point that is not on its curve, and a certificate whose CA did not sign it,
/// are not seen.
///
/// # Errors
/// What ssh makes of it otherwise.
pub fn check(blob: &[u8]) -> Result<(), Fault> {
    let mut reader = Reader::new(blob);
    let name = reader.string().ok_or(Fault::Malformed)?;
    let kind = std::str::from_utf8(name).ok().and_then(Kind::of).ok_or(Fault::UnknownType)?;
    if kind.certificate {
        reader.string().ok_or(Fault::Malformed)?;
    }
    let before = reader;
    let bits = fields(kind.fields, &mut reader).ok_or(Fault::Malformed)?;
    let sound = match kind.fields {
        Fields::Rsa => bits >= OPENSSH_RSA_BITS,
        Fields::Ecdsa(curve, size) | Fields::SkEcdsa(curve, size) => is_point(before, curve, size),
        Fields::Ed25519 | Fields::SkEd25519 => first_string(before).is_some_and(|key| key.len() == 32),
        Fields::Dsa | Fields::Xmss => true,
    };
    let certified = !kind.certificate || check_certificate(&mut reader).is_some();
    if sound && certified && reader.is_empty() { Ok(()) } else { Err(Fault::Malformed) }
}

/// The key type whose keys make signatures of `algorithm`: `ssh-rsa` for `rsa-sha2-512`, and the same with
/// `-cert-v01@openssh.com`; every other name stands for itself.
pub fn key_type_of_signature(algorithm: &str) -> &str {
    match algorithm {
        "rsa-sha2-256" | "rsa-sha2-512" => "ssh-rsa",
        "rsa-sha2-256-cert-v01@openssh.com" | "rsa-sha2-512-cert-v01@openssh.com" => "ssh-rsa-cert-v01@openssh.com",
        "webauthn-sk-ecdsa-sha2-nistp256@openssh.com" => "sk-ecdsa-sha2-nistp256@openssh.com",
        other => other,
    }
}

/// Whether the key is an RSA key (or a certificate of one) that ssh finds too short: `RequiredRSASize`, and never less
/// than its own minimum (sshkey.c `sshkey_check_rsa_length`).
pub fn is_short_rsa(key: &PublicKey, options: &Options) -> bool {
    let required = options.first("requiredrsasize").and_then(|bits| bits.parse().ok()).unwrap_or(0);
    let is_rsa = key_type_of_signature(&key.plain_algorithm()) == "ssh-rsa";
    is_rsa && key.bits.is_some_and(|bits| bits < OPENSSH_RSA_BITS.max(required))
}

/// Whether `blob` is a certificate with the extension `name` (PROTOCOL.certkeys).
pub fn has_extension(blob: &[u8], name: &str) -> bool {
    extensions(blob).is_some_and(|mut extensions| {
        let mut names = std::iter::from_fn(|| Some((extensions.string()?, extensions.string()?)));
        names.any(|(found, _)| found == name.as_bytes())
    })
}

/// The algorithm with which the CA signed a certificate, `rsa-sha2-512` (sshkey.c `sshkey_check_cert_sigtype`).
pub fn ca_signature_algorithm(blob: &[u8]) -> Option<String> {
    let mut reader = behind_validity(blob)?;
    // Critical options, extensions, reserved, the CA's key.
    for _ in 0..4 {
        reader.string()?;
    }
    let name = Reader::new(reader.string()?).text()?;
    is_name(name).then(|| name.to_owned())
}

/// The key of the CA that signed a certificate.
pub fn ca_key(blob: &[u8]) -> Option<PublicKey> {
    let mut reader = behind_validity(blob)?;
    // Critical options, extensions, reserved.
    for _ in 0..3 {
        reader.string()?;
    }
    from_blob(reader.string()?, b"").filter(|key| !key.is_certificate())
}

fn extensions(blob: &[u8]) -> Option<Reader<'_>> {
    let mut reader = behind_validity(blob)?;
    reader.string()?;
    reader.string().map(Reader::new)
}

/// A certificate from its critical options on.
fn behind_validity(blob: &[u8]) -> Option<Reader<'_>> {
    let mut reader = Reader::new(blob);
    let kind = Kind::of(reader.text()?).filter(|kind| kind.certificate)?;
    reader.string()?;
    fields(kind.fields, &mut reader)?;
    reader.uint64()?;
    reader.uint32()?;
    reader.string()?;
    reader.string()?;
    reader.uint64()?;
    reader.uint64()?;
    Some(reader)
}

/// `SHA256:` and unpadded base64, as ssh-keygen -l prints it. A blob that stands for a key in a redacted case holds the
/// key's pseudonym, `key-1a2b3c4d`, and has that as its fingerprint.
pub fn fingerprint(blob: &[u8]) -> Fingerprint {
    if let Some(at) = blob.windows(MARK.len()).position(|bytes| bytes == MARK) {
        let name = blob[at + MARK.len()..].iter().copied().take(PSEUDONYM_BYTES).filter(u8::is_ascii_graphic);
        return format!("SHA256:{}", name.map(char::from).collect::<String>()).into();
    }
    format!("SHA256:{}", BASE64_NOPAD.encode(Sha256::digest(blob).as_slice())).into()
}

/// What stands in a redacted key's blob in the place of the key with this pseudonym.
pub fn mark(pseudonym: &str) -> Vec<u8> {
    [MARK, pseudonym.as_bytes()].concat()
}

/// What a key type holds.
#[derive(Debug, Clone, Copy)]
struct Kind {
    fields: Fields,
    certificate: bool,
}

/// The fields of a plain key behind its name. ECDSA: the curve's name and the bytes of a coordinate.
#[derive(Debug, Clone, Copy)]
enum Fields {
    Rsa,
    Dsa,
    Ecdsa(&'static str, usize),
    Ed25519,
    SkEcdsa(&'static str, usize),
    SkEd25519,
    Xmss,
}

impl Kind {
    fn of(algorithm: &str) -> Option<Self> {
        let (plain, certificate) = match algorithm.strip_suffix("-cert-v01@openssh.com") {
            Some(plain) => (plain, true),
            None => (algorithm, false),
        };
        let fields = match (plain, certificate) {
            ("ssh-rsa", _) => Fields::Rsa,
            ("ssh-dss", _) => Fields::Dsa,
            ("ssh-ed25519", _) => Fields::Ed25519,
            ("ecdsa-sha2-nistp256", _) => Fields::Ecdsa("nistp256", 32),
            ("ecdsa-sha2-nistp384", _) => Fields::Ecdsa("nistp384", 48),
            ("ecdsa-sha2-nistp521", _) => Fields::Ecdsa("nistp521", 66),
            ("sk-ssh-ed25519@openssh.com", false) | ("sk-ssh-ed25519", true) => Fields::SkEd25519,
            ("sk-ecdsa-sha2-nistp256@openssh.com", false) | ("sk-ecdsa-sha2-nistp256", true) => {
                Fields::SkEcdsa("nistp256", 32)
            }
            ("ssh-xmss@openssh.com", false) | ("ssh-xmss", true) => Fields::Xmss,
            _ => return None,
        };
        Some(Self { fields, certificate })
    }
}

/// Passes over a key's own fields; its size in bits, 0 where the type has no choice.
fn fields(fields: Fields, reader: &mut Reader<'_>) -> Option<u32> {
    let strings = match fields {
        Fields::Rsa => {
            mpint(reader)?;
            return mpint(reader);
        }
        Fields::Dsa => {
            let bits = mpint(reader)?;
            for _ in 0..3 {
                mpint(reader)?;
            }
            return Some(bits);
        }
        Fields::Ed25519 => 1,
        Fields::Ecdsa(..) | Fields::SkEd25519 | Fields::Xmss => 2,
        Fields::SkEcdsa(..) => 3,
    };
    for _ in 0..strings {
        reader.string()?;
    }
    Some(0)
}

fn first_string(mut reader: Reader<'_>) -> Option<&[u8]> {
    reader.string()
}

/// The size in bits of the positive number that comes next.
fn mpint(reader: &mut Reader<'_>) -> Option<u32> {
    let bytes = reader.string()?;
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        return None;
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let Some(first) = bytes.get(zeros) else { return Some(0) };
    let bits = (bytes.len() - zeros).checked_mul(8)?;
    Some(u32::try_from(bits).ok()? - first.leading_zeros())
}

/// Whether the curve's name and an uncompressed point come next (sshbuf-getput-crypto.c `sshbuf_get_ec`).
fn is_point(mut reader: Reader<'_>, curve: &str, size: usize) -> bool {
    reader.string() == Some(curve.as_bytes())
        && reader.string().is_some_and(|point| point.len() == 2 * size + 1 && point.first() == Some(&4))
}

fn plain_blob(algorithm: &str, fields: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(4 + algorithm.len() + fields.len());
    put_string(&mut plain, algorithm.as_bytes());
    plain.extend_from_slice(fields);
    plain
}

/// The part of a certificate behind the key's fields; `None` where it ends too early.
fn certificate(reader: &mut Reader<'_>, plain: Vec<u8>) -> Option<Certificate> {
    let serial = reader.uint64()?;
    let kind = certificate_kind(reader.uint32()?);
    let key_id = ServerText::new(cut(reader.string()?));
    let mut listed = Reader::new(reader.string()?);
    let principals =
        std::iter::from_fn(|| listed.string()).take(PRINCIPALS_LIMIT).map(|name| ServerText::new(cut(name))).collect();
    let valid_after = reader.uint64()?;
    let valid_before = reader.uint64()?;
    let mut options = Reader::new(reader.string()?);
    let critical_options = std::iter::from_fn(|| Some((options.string()?, options.string()?)))
        .take(OPTIONS_LIMIT)
        .map(|(name, value)| (ServerText::new(cut(name)), ServerText::new(cut(inner(value)))))
        .collect();
    reader.string()?;
    reader.string()?;
    let ca = reader.string()?;
    Some(Certificate {
        kind,
        serial,
        key_id,
        principals,
        valid_after,
        valid_before,
        critical_options,
        ca: fingerprint(ca),
        ca_algorithm: Reader::new(ca).text().filter(|name| is_name(name)).unwrap_or_default().to_owned(),
        key: Blob(plain),
    })
}

/// sshkey.c `cert_parse`, without the signature's verification; `reader` stands behind the key's fields.
fn check_certificate(reader: &mut Reader<'_>) -> Option<()> {
    reader.uint64()?;
    let kind = certificate_kind(reader.uint32()?);
    reader.string().filter(|key_id| !key_id.contains(&0))?;
    let mut principals = Reader::new(reader.string()?);
    reader.uint64()?;
    reader.uint64()?;
    let mut critical = Reader::new(reader.string()?);
    let mut extensions = Reader::new(reader.string()?);
    reader.string()?;
    let ca = reader.string()?;
    reader.string()?;
    for _ in 0..OPENSSH_PRINCIPALS {
        principals.string();
    }
    while critical.string().is_some() && critical.string().is_some() {}
    while extensions.string().is_some() && extensions.string().is_some() {}
    let known_kind = kind != CertificateKind::Other;
    let read_whole = principals.is_empty() && critical.is_empty() && extensions.is_empty();
    let plain_ca = Reader::new(ca).text().and_then(Kind::of).is_some_and(|kind| !kind.certificate);
    (known_kind && read_whole && plain_ca && check(ca).is_ok()).then_some(())
}

const fn certificate_kind(number: u32) -> CertificateKind {
    match number {
        1 => CertificateKind::User,
        2 => CertificateKind::Host,
        _ => CertificateKind::Other,
    }
}

/// The string that an option's data holds, or the data where it holds none.
fn inner(data: &[u8]) -> &[u8] {
    let mut reader = Reader::new(data);
    reader.string().filter(|_| reader.is_empty()).unwrap_or(data)
}

/// Whether `name` can be a type's name at all (RFC 4251 section 6: printable US-ASCII, no comma).
fn is_name(name: &str) -> bool {
    (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

fn cut(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(TEXT_LIMIT)]
}

fn skip_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &line[blanks..]
}

fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    line.split_at(end)
}

/// C's `isspace`.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, ssh_keygen};

    const ED25519: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08";

    fn wire(strings: &[&[u8]]) -> Vec<u8> {
        let mut blob = Vec::new();
        for string in strings {
            put_string(&mut blob, string);
        }
        blob
    }

    /// Bits, fingerprint, comment and type in brackets, as `ssh-keygen -l` has them.
    fn listed(path: &std::path::Path) -> String {
        ssh_keygen(&["-l".as_ref(), "-f".as_ref(), path.as_os_str()])
    }

    #[test]
    fn no_setting_makes_an_rsa_key_below_the_minimum_long_enough() {
        let key = from_blob(&wire(&[b"ssh-rsa", &[1, 0, 1], &[0x7f; 96]]), b"").unwrap();
        for required in ["0", "512", "1024"] {
            let options = Options(vec![("requiredrsasize".to_owned(), required.into())]);
            assert_eq!((key.bits, is_short_rsa(&key, &options)), (Some(767), true), "{required}");
        }
        assert!(!is_short_rsa(&PublicKey { bits: Some(1024), ..key.clone() }, &Options::default()));
    }

    #[test]
    fn every_type_has_the_fingerprint_and_size_that_ssh_keygen_prints() {
        let folder = Folder::new();
        let ca = folder.key("ca", &["-t", "ed25519"]);
        let types: &[&[&str]] = &[
            &["-t", "ed25519"],
            &["-t", "rsa", "-b", "2048"],
            &["-t", "rsa", "-b", "1024"],
            &["-t", "dsa"],
            &["-t", "ecdsa", "-b", "256"],
            &["-t", "ecdsa", "-b", "384"],
            &["-t", "ecdsa", "-b", "521"],
        ];
        for (number, arguments) in types.iter().enumerate() {
            let path = folder.key(&format!("key{number}"), arguments);
            let public = path.with_extension("pub");
            ssh_keygen(&[
                "-q".as_ref(),
                "-s".as_ref(),
                ca.as_os_str(),
                "-I".as_ref(),
                "the id".as_ref(),
                "-n".as_ref(),
                "alice,bob".as_ref(),
                "-z".as_ref(),
                "7".as_ref(),
                "-V".as_ref(),
                "20200101000000Z:20300101000000Z".as_ref(),
                "-O".as_ref(),
                "force-command=uptime".as_ref(),
                public.as_os_str(),
            ]);
            let plain = from_line(&std::fs::read(&public).unwrap()).unwrap();
            let text = listed(&public);
            assert!(text.contains(&format!("{} a comment", plain.fingerprint)), "{text}: {plain:?}");
            if let Some(bits) = plain.bits {
                assert!(text.starts_with(&format!("{bits} ")), "{text}: {bits}");
            }
            assert_eq!(check(&plain.blob.0), Ok(()));

            let beside = folder.path(&format!("key{number}-cert.pub"));
            let certified = from_line(&std::fs::read(&beside).unwrap()).unwrap();
            assert!(listed(&beside).contains(&certified.fingerprint.to_string()));
            assert_eq!(certified.fingerprint, plain.fingerprint);
            assert_eq!(certified.plain_algorithm(), plain.algorithm);
            assert!(certified.is_certificate());
            assert_eq!(check(&certified.blob.0), Ok(()));
            let said = certified.certificate.unwrap();
            assert_eq!((said.kind, said.serial, said.key_id), (CertificateKind::User, 7, "the id".into()));
            assert_eq!(said.principals, ["alice", "bob"]);
            assert_eq!((said.valid_after, said.valid_before), (1_577_836_800, 1_893_456_000));
            assert_eq!(said.critical_options, [(ServerText::from("force-command"), ServerText::from("uptime"))]);
            assert_eq!(said.ca_algorithm, "ssh-ed25519");
            assert_eq!(said.key, plain.blob);
            let ca = from_line(&std::fs::read(ca.with_extension("pub")).unwrap()).unwrap();
            assert_eq!(said.ca, ca.fingerprint);
        }
    }

    #[test]
    fn keys_of_authenticators_have_the_fingerprint_that_ssh_keygen_prints() {
        let folder = Folder::new();
        let point = p256_point(&folder);
        for blob in [
            wire(&[b"sk-ssh-ed25519@openssh.com", &[7; 32], b"ssh:"]),
            wire(&[b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", &point, b"ssh:"]),
        ] {
            let key = from_blob(&blob, b"").unwrap();
            let path = folder.file("sk.pub", format!("{} {} k\n", key.algorithm, key.blob.base64()).as_bytes());
            assert!(listed(&path).contains(&key.fingerprint.to_string()));
            assert!(key.is_hardware());
            assert_eq!(check(&blob), Ok(()));
        }
    }

    fn p256_point(folder: &Folder) -> Vec<u8> {
        let path = folder.key("point", &["-t", "ecdsa", "-b", "256"]);
        let key = from_line(&std::fs::read(path.with_extension("pub")).unwrap()).unwrap();
        let mut reader = Reader::new(&key.blob.0);
        reader.string();
        reader.string();
        reader.string().unwrap().to_vec()
    }

    #[test]
    fn an_unknown_type_keeps_its_name_and_the_fingerprint_of_its_blob() {
        let blob = wire(&[b"ssh-mldsa-44", b"whatever"]);
        let key = from_blob(&blob, b"\xff\x1b comment").unwrap();
        assert_eq!(key.algorithm, "ssh-mldsa-44");
        assert_eq!(key.fingerprint, fingerprint(&blob));
        assert_eq!(key.comment.as_bytes(), b"\xff\x1b comment");
        assert_eq!(check(&blob), Err(Fault::UnknownType));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let folder = Folder::new();
        let ca = folder.key("ca", &["-t", "rsa", "-b", "2048"]);
        let path = folder.key("key", &["-t", "ed25519"]);
        ssh_keygen(&[
            "-q".as_ref(),
            "-s".as_ref(),
            ca.as_os_str(),
            "-I".as_ref(),
            "id".as_ref(),
            path.with_extension("pub").as_os_str(),
        ]);
        let certified = from_line(&std::fs::read(folder.path("key-cert.pub")).unwrap()).unwrap().blob.0;
        for end in 0..certified.len() {
            let _ = from_blob(&certified[..end], b"");
            assert!(check(&certified[..end]).is_err(), "cut at {end}");
        }
        for at in 0..certified.len() {
            for bits in [0x01, 0x80, 0xff] {
                let mut odd = certified.clone();
                odd[at] ^= bits;
                let _ = from_blob(&odd, b"");
                let _ = check(&odd);
            }
        }
        let hostile: &[&[u8]] =
            &[b"", b"\0", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x03a,b", b"\0\0\0\x02\xff\xfe"];
        for blob in hostile {
            assert_eq!(from_blob(blob, b""), None, "{blob:?}");
        }
        for blob in [
            wire(&[b"ssh-rsa", b"\x80", b"\x01"]),
            wire(&[b"ssh-rsa", b"\x03", b""]),
            wire(&[b"ssh-rsa", b"\x03", &[0; 9]]),
            wire(&[b"ssh-rsa"]),
            wire(&[b"ssh-dss", b"\x01", b"\x01"]),
            wire(&[b"ssh-ed25519", b"short"]),
            wire(&[b"ssh-ed25519", &[1; 32], b"more"]),
            wire(&[b"ecdsa-sha2-nistp256", b"nistp384", b"\x04"]),
            wire(&[b"ssh-ed25519-cert-v01@openssh.com", b"nonce", &[1; 32]]),
        ] {
            assert!(from_blob(&blob, b"").is_some(), "{blob:?}");
            assert_eq!(check(&blob), Err(Fault::Malformed), "{blob:?}");
        }
    }

    #[test]
    fn a_line_is_read_as_ssh_reads_it() {
        let folder = Folder::new();
        let base64 = BASE64.encode(ED25519);
        let lines: &[(String, bool)] = &[
            (format!("ssh-ed25519 {base64} me@host\n"), true),
            (format!("ssh-ed25519 {base64}"), true),
            (format!("ssh-ed25519 {base64}\r\n"), true),
            (format!("ssh-ed25519\t{base64}   me@host  \r\n"), true),
            (format!("  ssh-ed25519 {base64}\n"), true),
            (format!("\u{feff}ssh-ed25519 {base64}\n"), false),
            (format!("no-pty ssh-ed25519 {base64}\n"), false),
            (format!("ssh-rsa {base64}\n"), false),
            (format!("ssh-ed25519 {}\n", &base64[..base64.len() - 4]), false),
            (format!("ssh-ed25519 {}\n", base64.trim_end_matches('=')), base64.trim_end_matches('=') == base64),
            ("ssh-ed25519\n".to_owned(), false),
            ("ssh-ed25519 \n".to_owned(), false),
        ];
        for (line, readable) in lines {
            let key = from_line(line.as_bytes());
            assert_eq!(key.is_some(), *readable, "{line:?}");
            // `-e` takes the one key of a file, where `-l` would also look for options before it.
            let path = folder.file("line.pub", line.as_bytes());
            assert_eq!(
                crate::testing::runs("ssh-keygen", &["-e".as_ref(), "-f".as_ref(), path.as_os_str()]),
                *readable,
                "{line:?}"
            );
        }
        assert_eq!(from_line(lines[3].0.as_bytes()).unwrap().comment, *"me@host  ");
    }

    #[test]
    fn a_certificate_names_its_plain_type() {
        for (certified, plain) in [
            ("ssh-rsa-cert-v01@openssh.com", "ssh-rsa"),
            ("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256"),
            ("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com"),
            ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
            ("ssh-xmss-cert-v01@openssh.com", "ssh-xmss@openssh.com"),
            ("ssh-ed25519", "ssh-ed25519"),
        ] {
            let key = from_blob(&wire(&[certified.as_bytes()]), b"").unwrap();
            assert_eq!(key.plain_algorithm(), plain);
        }
    }
}
