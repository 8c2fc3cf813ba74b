//! Which host keys the client knows under the names of this server, and which it has revoked (hostfile.c
//! `hostkeys_foreach_file`, authfile.c `sshkey_check_revoked`).
//!
//! Touches: reads UserKnownHostsFile, GlobalKnownHostsFile and RevokedHostKeys, regular files only; for a revocation
//! list in binary form runs `ssh-keygen -Q`, with the host key on its standard input.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc;

use super::connect::errno;
use crate::facts::config::Options;
use crate::facts::host_key::{KnownHost, KnownHosts, KnownHostsFile, Marker, RevokedHostKeys};
use crate::facts::identities::{FileError, FileKind, FileStat, FileState};
use crate::facts::key::PublicKey;
use crate::facts::text::{Host, Path};
use crate::facts::{Facts, Observed, Source, Unobserved};
use crate::openssh::{known_hosts, public_key, tokens};

/// The most that is read of one file, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The most lines that are kept of one kind, matching or unreadable.
const MOST_LINES: usize = 1000;

/// The most names that are kept beside those looked up.
const MOST_NAMES: usize = 2000;

/// The longest name that is kept, in bytes (RFC 1035 has 255, brackets and a port come on top).
const LONGEST_NAME: usize = 300;

/// How long `ssh-keygen -Q` may take.
const KEYGEN_LIMIT: Duration = Duration::from_secs(5);

/// How a revocation list in binary form begins (PROTOCOL.krl section 2).
const KRL_MAGIC: &[u8] = b"SSHKRL\n\0";

/// Reads what the known_hosts files hold for the names of this server.
///
/// The address is among the names only once `facts.connect` has one; the order of host key algorithms needs none.
pub fn known(facts: &Facts) -> Observed<KnownHosts> {
    let names = known_hosts::names(facts).ok_or(Unobserved::NotAttempted)?;
    let mut known = KnownHosts { names: names.all(), ..KnownHosts::default() };
    for (keyword, global) in [("userknownhostsfile", false), ("globalknownhostsfile", true)] {
        for path in paths(facts, keyword) {
            let file = read_known_hosts(&path, global, &mut known);
            known.files.push(file);
        }
    }
    for path in paths(facts, "revokedhostkeys") {
        let error = open(&path).err();
        known.revoked_host_keys.push(RevokedHostKeys { path, error });
    }
    Ok(known)
}

/// The files that an option names, expanded; `none` names none. What ssh could not expand would have made it stop
/// before, so it is left out here.
fn paths(facts: &Facts, keyword: &str) -> Vec<Path> {
    let environment = |name: &str| std::env::var_os(name).map(std::os::unix::ffi::OsStringExt::into_vec);
    let values = words(&facts.config.options, keyword);
    values.iter().filter_map(|value| tokens::path(value, facts, &environment).ok()).collect()
}

/// The words of a list option as `ssh -G` prints it, where a space always parts two.
fn words<'a>(options: &'a Options, keyword: &'a str) -> Vec<&'a str> {
    let words: Vec<&str> = options.all(keyword).flat_map(|value| value.split(' ')).filter(|word| !word.is_empty()).collect();
    if words.first().is_some_and(|first| first.eq_ignore_ascii_case("none")) { Vec::new() } else { words }
}

/// Reads one known_hosts file into `known`.
fn read_known_hosts(path: &Path, global: bool, known: &mut KnownHosts) -> KnownHostsFile {
    let mut file = KnownHostsFile { path: path.clone(), global, state: state(path), unreadable_lines: Vec::new() };
    if !matches!(&file.state, Ok(stat) if stat.kind == FileKind::Regular) {
        return file;
    }
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => {
            file.state = Err(FileError { errno: error, at: None });
            return file;
        }
    };
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        let at = Source::File { path: path.clone(), line: Some(number) };
        let read = read_line(line, &at, known);
        if read.is_none() && file.unreadable_lines.len() < MOST_LINES {
            file.unreadable_lines.push(number);
        }
    }
    file
}

/// Takes one line into `known`; `None` where ssh does not understand it.
fn read_line(line: &[u8], at: &Source, known: &mut KnownHosts) -> Option<()> {
    // To C a line ends where its first NUL is.
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let line = without_blanks(line);
    if line.is_empty() || line.starts_with(b"#") {
        return Some(());
    }
    let (marker, line) = marker(line)?;
    let (field, rest) = word(line)?;
    let mut matched: Vec<Host> = Vec::new();
    for name in &known.names {
        if known_hosts::matches(name, field)? && !matched.contains(name) {
            matched.push(name.clone());
        }
    }
    if matched.is_empty() {
        take_names(field, known);
    }
    let key = key(rest)?;
    for name in matched {
        if known.entries.len() < MOST_LINES {
            let hashed = field.starts_with(b"|");
            known.entries.push(KnownHost { at: at.clone(), marker, name, hashed, key: key.clone() });
        }
    }
    Some(())
}

/// Keeps the plain names of a line that is another host's.
fn take_names(field: &[u8], known: &mut KnownHosts) {
    if field.starts_with(b"|") {
        return;
    }
    for name in field.split(|byte| *byte == b',') {
        let plain = !name.is_empty() && name.len() <= LONGEST_NAME && !name.iter().any(|byte| b"*?!".contains(byte));
        if plain && known.other_names.len() < MOST_NAMES {
            known.other_names.push(Host::new(name));
        }
    }
}

/// The marker before a line, and the line behind it; `None` for one that ssh does not know, or two (hostfile.c
/// `check_markers`).
fn marker(line: &[u8]) -> Option<(Marker, &[u8])> {
    if !line.starts_with(b"@") {
        return Some((Marker::None, line));
    }
    let (name, rest) = word(line)?;
    let marker = match name {
        b"@cert-authority" => Marker::CertAuthority,
        b"@revoked" => Marker::Revoked,
        _ => return None,
    };
    (!rest.starts_with(b"@")).then_some((marker, rest))
}

/// The key at the beginning of `text`, where ssh can read it (sshkey.c `sshkey_read`).
fn key(text: &[u8]) -> Option<PublicKey> {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    public_key::from_line(text).filter(|key| public_key::check(&key.blob.0).is_ok())
}

/// The first word, and what follows the blanks behind it; `None` where nothing follows.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| b" \t".contains(byte))?;
    let rest = without_blanks(&text[end..]);
    (!rest.is_empty()).then_some((&text[..end], rest))
}

/// The text behind its leading blanks.
fn without_blanks(text: &[u8]) -> &[u8] {
    let begin = text.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(text.len());
    &text[begin..]
}

/// Whether `RevokedHostKeys` names `key` (a text file of keys, or a KRL asked through ssh-keygen -Q).
///
/// # Errors
/// `Failed` where a file could not be read or asked: ssh then refuses every key.
pub fn revoked_by_file(facts: &Facts, key: &PublicKey) -> Observed<Option<Source>> {
    for path in paths(facts, "revokedhostkeys") {
        let text = read(&path).map_err(|error| Unobserved::Failed(format!("{path}: {error}")))?;
        let found = if text.starts_with(KRL_MAGIC) { in_krl(&path, key)? } else { in_list(&path, &text, key)? };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The line of a list that holds the key, its plain half or its CA (authfile.c `sshkey_in_file`).
fn in_list(path: &Path, text: &[u8], met: &PublicKey) -> Observed<Option<Source>> {
    let certificate = met.certificate.as_deref();
    let plain = certificate.map_or(&met.blob, |certificate| &certificate.key);
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        let line = without_blanks(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let Some(listed) = key(line) else {
            return Err(Unobserved::Failed(format!("{path}:{number} is no public key")));
        };
        if &listed.blob == plain || certificate.is_some_and(|certificate| certificate.ca == listed.fingerprint) {
            return Ok(Some(Source::File { path: path.clone(), line: Some(number) }));
        }
    }
    Ok(None)
}

/// Whether a KRL names the key, as `ssh-keygen -Q` says: 0 for no, 1 for yes.
fn in_krl(path: &Path, key: &PublicKey) -> Observed<Option<Source>> {
    let failed = |what: String| Unobserved::Failed(format!("ssh-keygen -Q -f {path}: {what}"));
    let mut child = Command::new("ssh-keygen")
        .args(["-Q", "-f"])
        .arg(path.to_path_buf())
        .arg("/dev/stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(errno(&error)))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that reads nothing says so by its exit status.
        let _ = writeln!(input, "{} {}", key.algorithm, key.blob.base64());
    }
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return match status.code() {
                    Some(0) => Ok(None),
                    Some(1) => Ok(Some(Source::File { path: path.clone(), line: None })),
                    _ => Err(failed(status.to_string())),
                };
            }
            Ok(None) if started.elapsed() < KEYGEN_LIMIT => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed("no answer".to_owned()));
            }
        }
    }
}

/// Opens a regular file without ever waiting for it; the error's name where that fails or it is none.
fn open(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path.to_path_buf())
        .map_err(|error| errno(&error))?;
    let metadata = file.metadata().map_err(|error| errno(&error))?;
    if metadata.is_dir() {
        return Err("EISDIR".to_owned());
    }
    Ok(file)
}

/// What is in a regular file, up to the limit; a device or pipe counts as empty.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = open(path)?;
    let mut text = Vec::new();
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        file.take(MOST_BYTES).read_to_end(&mut text).map_err(|error| errno(&error))?;
    }
    Ok(text)
}

/// What `stat` says of a path, links followed.
fn state(path: &Path) -> FileState {
    let path = path.to_path_buf();
    let metadata = fs::metadata(&path).map_err(|error| FileError { errno: errno(&error), at: None })?;
    let file_type = metadata.file_type();
    let kind = if file_type.is_file() {
        FileKind::Regular
    } else if file_type.is_dir() {
        FileKind::Directory
    } else if file_type.is_fifo() {
        FileKind::Fifo
    } else if file_type.is_socket() {
        FileKind::Socket
    } else {
        FileKind::Other
    };
    Ok(FileStat {
        kind,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size_bytes: metadata.len(),
        modified: Some(metadata.mtime()),
        link_to: fs::read_link(&path).ok().map(|to| Path::from_path(&to)),
    })
}
