//! Public keys under `~/.ssh` that no configuration names, and at a jump host those that are configured for the login
//! behind it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path as StdPath, PathBuf};

use walkdir::WalkDir;

use crate::facts::Facts;
use crate::facts::Source;
use crate::facts::identities::{Identities, KeyFile, KeyFormat};
use crate::facts::key::Blob;
use crate::facts::text::{Path, ServerText};

/// Folders below `~/.ssh`, itself included.
const DEPTH: usize = 3;
/// Files and folders that are looked at.
const ENTRIES_LIMIT: usize = 2000;

/// Fills `others` and `others_cut`. Folders that are links are not entered.
pub(super) fn find(facts: &Facts, identities: &mut Identities) {
    let mut known: HashSet<Blob> = configured_keys(identities);
    let mut found = Vec::new();
    let complete = walk(facts, identities, |file| {
        if is_usable(&file)
            && let Some(key) = file.public_half()
        {
            known.insert(key.blob.clone()).then(|| found.push(file));
        }
    });
    found.sort_by_key(|file| std::cmp::Reverse(modified(file)));
    identities.others = found;
    identities.others_cut = !complete;
}

/// Private key files of which no public half is known: what is one by its beginning, and what is called as one.
pub(super) fn unknown(facts: &Facts, identities: &Identities) -> Vec<KeyFile> {
    let mut found = Vec::new();
    walk(facts, identities, |file| {
        let name = file.path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_key = match file.private.as_ref().map(|private| &private.format) {
            Ok(KeyFormat::OpenSsh | KeyFormat::Ppk(_)) => true,
            Ok(KeyFormat::Pem(label)) => label.ends_with("PRIVATE KEY"),
            Ok(KeyFormat::Empty | KeyFormat::Other) => name.starts_with(b"id_"),
            Ok(KeyFormat::PublicKey) | Err(_) => false,
        };
        if is_key && !is_usable(&file) {
            found.push(file);
        }
    });
    found
}

fn is_usable(file: &KeyFile) -> bool {
    let header = file.private.as_ref().is_ok_and(|private| private.format == KeyFormat::OpenSsh);
    (header || file.public.key.is_some()) && file.public_half().is_some()
}

/// Looks at every file under `~/.ssh` that may be a key and is not configured; whether all were seen.
fn walk(facts: &Facts, identities: &Identities, mut take: impl FnMut(KeyFile)) -> bool {
    if facts.run.home.is_empty() {
        return true;
    }
    let root = facts.run.home.to_path_buf().join(".ssh");
    let mut seen: HashSet<Path> = identities.files.iter().map(|file| file.path.clone()).collect();
    let mut complete = true;
    let walk = WalkDir::new(&root).max_depth(DEPTH).sort_by_file_name();
    for (count, entry) in walk.into_iter().enumerate() {
        if count >= ENTRIES_LIMIT {
            return false;
        }
        let Ok(entry) = entry else {
            // A folder that cannot be read; a home without .ssh is complete as it is.
            complete &= !root.exists();
            continue;
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let Some(private) = private_path(entry.path()) else { continue };
        let path = Path::from_path(&private);
        if !seen.insert(path.clone()) {
            continue;
        }
        let source = Source::File { path: Path::from_path(entry.path()), line: None };
        take(super::key_file(&path, ServerText::default(), source, false));
    }
    for path in &facts.config.behind {
        if seen.insert(path.clone()) {
            let source = Source::File { path: path.clone(), line: None };
            take(super::key_file(path, ServerText::default(), source, false));
        }
    }
    complete
}

fn configured_keys(identities: &Identities) -> HashSet<Blob> {
    let halves = identities.files.iter().filter_map(KeyFile::public_half);
    let certificates = identities.files.iter().filter_map(|file| file.certificate.key.as_ref());
    let named = identities.certificates.iter().filter_map(|row| row.file.key.as_ref());
    halves.chain(certificates).chain(named).map(|key| key.blob.clone()).collect()
}

/// The private key's path for a file under `~/.ssh` that may be one or its public half.
fn private_path(path: &StdPath) -> Option<PathBuf> {
    let name = path.file_name()?.as_bytes();
    let other = [&b"known_hosts"[..], b"authorized_keys", b"config", b"environment", b"rc", b"allowed_signers"];
    let is_certificate = name.ends_with(b"-cert.pub") || name.ends_with(b"-cert");
    if is_certificate || other.iter().any(|start| name.starts_with(start)) {
        return None;
    }
    match path.as_os_str().as_bytes().strip_suffix(b".pub") {
        Some(private) if name != b".pub" => Some(OsString::from_vec(private.to_vec()).into()),
        _ => Some(path.to_owned()),
    }
}

fn modified(file: &KeyFile) -> Option<i64> {
    let of = |state: &crate::facts::identities::FileState| state.as_ref().ok().and_then(|stat| stat.modified);
    of(&file.state).max(of(&file.public.state))
}
