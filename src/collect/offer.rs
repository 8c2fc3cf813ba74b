//! The public key that the person names with `--offer`, read from a file or from standard input.
//!
//! Touches: that file. Of a private key named by mistake nothing is kept.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path as StdPath, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::system::errno;
use crate::facts::key::{CertificateKind, PublicKey};
use crate::facts::text::{Path, escape};
use crate::openssh::public_key;

/// A longer file is no public key.
const LIMIT: u64 = 64 * 1024;
/// How long a file that is a pipe may take; what a person types has no limit.
const WAIT: Duration = Duration::from_secs(10);
/// Words of one line that may begin a key. A line's options hold no more that look like one.
const MOST_BEGINNINGS: usize = 16;
/// What the names of key types begin with (sshkey.c `keytypes`).
const KINDS: &[&[u8]] = &[b"ssh-", b"sk-", b"ecdsa-", b"rsa-", b"webauthn-"];
/// What begins an RFC 4716 block.
const RFC4716: &[u8] = b"---- BEGIN SSH2 PUBLIC KEY ----";

/// Reads the one public key or user certificate in the file `-` (standard input) or `path`.
///
/// # Errors
/// A sentence for the person who named it.
pub fn read(path: &StdPath) -> Result<PublicKey, String> {
    let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { Path::from_path(path).to_string() };
    let failed = |error: io::Error| format!("{name}: {}", errno(&error));
    let mut bytes = Zeroizing::new(Vec::new());
    if path.as_os_str() == "-" {
        io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Err(format!("{name} is a folder, and no public key"));
        }
        bytes =
            within(path.to_owned()).ok_or_else(|| format!("{name} gave nothing to read in time"))?.map_err(failed)?;
    }
    if bytes.len() as u64 > LIMIT {
        return Err(format!("{name} is longer than any public key"));
    }
    parsed(&bytes).map_err(|what| format!("{name} {what}"))
}

/// What is in the file, which may be a pipe that nobody writes to; `None` where that takes too long.
fn within(path: PathBuf) -> Option<io::Result<Zeroizing<Vec<u8>>>> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let read = File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
        // Nobody waits any longer where this fails.
        let _ = sender.send(read.map(|_| bytes));
    };
    thread::spawn(read);
    receiver.recv_timeout(WAIT).ok()
}

/// The one key in the text of a file, or what the file is instead.
fn parsed(bytes: &[u8]) -> Result<PublicKey, String> {
    let starts = |prefix: &[u8]| bytes.trim_ascii_start().starts_with(prefix);
    let names_private = |line: &[u8]| line.starts_with(b"-----BEGIN ") && holds(line, b"PRIVATE KEY");
    if bytes.split(|byte| *byte == b'\n').any(names_private) || starts(b"PuTTY-User-Key-File-") {
        return Err("is a private key; nothing of it was sent. Name its public half, which `ssh-keygen -y -f FILE` \
                    prints (for PuTTY's format: `puttygen FILE -L`)"
            .to_owned());
    }
    let keys: Vec<PublicKey> = if starts(RFC4716) {
        rfc4716(bytes).into_iter().collect()
    } else {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii_start().starts_with(b"#"));
        lines.filter_map(line).take(2).collect()
    };
    let [key] = keys.as_slice() else {
        return Err(match keys.len() {
            0 => "holds no public key: one line as in a .pub file is wanted, `ssh-ed25519 AAAA… comment`".to_owned(),
            _ => "holds more than one public key: one is asked about at a time".to_owned(),
        });
    };
    if public_key::check(&key.blob.0).is_err() {
        let kind = escape(key.algorithm.as_bytes());
        return Err(format!(
            "holds a {kind} key that no ssh would take: it is damaged, or of a type that is not known"
        ));
    }
    if key.certificate.as_ref().is_some_and(|certificate| certificate.kind != CertificateKind::User) {
        return Err("holds a certificate that is not for users: no login is made with it".to_owned());
    }
    Ok(key.clone())
}

/// The key in a line of a `.pub` file or of `authorized_keys`, where options may stand before it.
fn line(line: &[u8]) -> Option<PublicKey> {
    if let Some(key) = public_key::from_line(line) {
        return Some(key);
    }
    let begins = |place: &usize| {
        let word = &line[*place + 1..];
        matches!(line[*place], b' ' | b'\t') && KINDS.iter().any(|kind| word.starts_with(kind))
    };
    (0..line.len()).filter(begins).take(MOST_BEGINNINGS).find_map(|place| public_key::from_line(&line[place + 1..]))
}

/// The key in an RFC 4716 block: headers have a colon, a backslash continues them.
fn rfc4716(bytes: &[u8]) -> Option<PublicKey> {
    let mut encoded = Vec::new();
    let mut in_header = false;
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).skip(1) {
        if line.starts_with(b"----") {
            break;
        }
        let header = in_header || line.contains(&b':');
        in_header = header && line.ends_with(b"\\");
        if !header {
            encoded.extend_from_slice(line);
        }
    }
    public_key::from_blob(&BASE64.decode(&encoded).ok()?, b"")
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a@laptop";

    #[test]
    fn a_line_with_options_or_in_another_format_is_the_same_key() {
        let key = parsed(ONE.as_bytes()).unwrap();
        assert_eq!(key.comment, "a@laptop");
        let authorized = format!("# the laptop\n\nfrom=\"192.0.2.0/24\",command=\"ls -l\" {ONE}\r\n");
        assert_eq!(parsed(authorized.as_bytes()).unwrap().blob, key.blob);
        let encoded = key.blob.base64();
        let (first, second) = encoded.split_at(40);
        let block = format!(
            "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"a\\\n b\"\n{first}\n{second}\n---- END SSH2 PUBLIC KEY ----\n"
        );
        assert_eq!(parsed(block.as_bytes()).unwrap().blob, key.blob);
    }

    #[test]
    fn a_long_line_of_blanks_or_of_beginnings_costs_little() {
        let begun = std::time::Instant::now();
        for text in [" ".repeat(60_000), "ssh-ed25519 ".repeat(5_000), "\t x".repeat(20_000)] {
            assert!(parsed(text.as_bytes()).unwrap_err().starts_with("holds no public key"));
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }

    #[test]
    fn what_is_no_public_key_is_said_to_be_what_it_is() {
        let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n";
        let two = format!("{ONE}\n{ONE}\n");
        let damaged = ONE.replace("AAAAIOMqqnk", "AAAAIOMq");
        let cases = [
            (private, "is a private key"),
            ("PuTTY-User-Key-File-3: ssh-ed25519\n", "is a private key"),
            ("-----BEGIN RSA PRIVATE KEY-----\n", "is a private key"),
            ("hello\n", "holds no public key"),
            ("", "holds no public key"),
            (two.as_str(), "holds more than one public key"),
            (damaged.as_str(), "holds no public key"),
        ];
        for (text, said) in cases {
            assert!(parsed(text.as_bytes()).unwrap_err().starts_with(said), "{text}");
        }
    }
}
