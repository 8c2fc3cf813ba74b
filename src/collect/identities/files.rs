//! One key file at a time: what is read of it, and why it cannot be.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path as StdPath;

use nix::fcntl::OFlag;
use zeroize::Zeroizing;

use crate::collect::system::{errno, state};
use crate::facts::identities::{PrivateFile, PublicFile};
use crate::facts::key::PublicKey;
use crate::facts::text::Path;
use crate::facts::{Observed, Unobserved};
use crate::openssh::{key_format, public_key};

/// A longer public key file is read no further.
const PUBLIC_LIMIT: usize = 64 * 1024;
/// A longer private key file is not read as a whole.
const PRIVATE_LIMIT: u64 = 1024 * 1024;

/// Opens a regular file for reading; never waits for a writer, and opens no device.
fn open(path: &StdPath) -> Observed<(File, u64)> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => Unobserved::NotPermitted,
        _ => Unobserved::Failed(format!("{}: {}", Path::from_path(path), errno(&error))),
    };
    let metadata = std::fs::metadata(path).map_err(refused)?;
    if !metadata.is_file() {
        return Err(Unobserved::NotAttempted);
    }
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).map_err(refused)?;
    // What was a file a moment ago may be a pipe by now.
    let metadata = file.metadata().map_err(refused)?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(Unobserved::NotAttempted) }
}

/// The header and the last line of what is meant to be a private key. `NotAttempted` where it is no file.
pub(super) fn private(path: &StdPath) -> Observed<PrivateFile> {
    let (file, size) = open(path)?;
    key_format::examine(size, |from, count| read_at(&file, from, count).ok())
        .ok_or_else(|| Unobserved::Failed(format!("{}: cannot be read", Path::from_path(path))))
}

fn read_at(file: &File, from: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The first public key in a file (authfile.c `sshkey_try_load_public`): a private key ends the search.
pub(super) fn public_key(path: &StdPath) -> Option<PublicKey> {
    let (file, size) = open(path).ok()?;
    let limit = usize::try_from(size).map_or(PUBLIC_LIMIT, |size| size.min(PUBLIC_LIMIT));
    // A private key is known by its first line, so nothing of it is read.
    if read_at(&file, 0, limit.min(10)).ok()? == *b"-----BEGIN" {
        return None;
    }
    let text = read_at(&file, 0, limit).ok()?;
    text.split(|byte| *byte == b'\n')
        .take_while(|line| !line.starts_with(b"-----BEGIN"))
        .filter(|line| !line.starts_with(b"#"))
        .find_map(public_key::from_line)
}

/// A public key or certificate file of its own.
pub(super) fn public(path: &StdPath) -> PublicFile {
    let state = state(path);
    let key = state.as_ref().ok().and_then(|_| public_key(path));
    PublicFile { path: Path::from_path(path), state, key }
}

/// `path` with `suffix` behind it.
pub(super) fn with_suffix(path: &StdPath, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The whole private key file.
pub(super) fn secret(path: &StdPath) -> Result<Zeroizing<Vec<u8>>, String> {
    let name = Path::from_path(path);
    let (file, size) = open(path).map_err(|reason| format!("{name}: {reason}"))?;
    if size > PRIVATE_LIMIT {
        return Err(format!("{name}: {size} bytes are too many for a key"));
    }
    let size = usize::try_from(size).map_err(|error| format!("{name}: {error}"))?;
    let mut bytes = Zeroizing::new(vec![0; size]);
    file.read_exact_at(&mut bytes, 0).map_err(|error| format!("{name}: {}", errno(&error)))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::testing::Folder;

    #[test]
    fn the_folder_that_forbids_is_named() {
        let folder = Folder::new();
        let closed = folder.path("closed");
        std::fs::create_dir_all(closed.join("below")).unwrap();
        std::fs::write(closed.join("below/key"), b"x").unwrap();
        std::fs::write(folder.path("unreadable"), b"x").unwrap();
        for path in [&closed, &folder.path("unreadable")] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
        }
        let (below, unreadable) = (state(&closed.join("below/key")), private(&folder.path("unreadable")));
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
        // Nothing is closed to root.
        if nix::unistd::geteuid().is_root() {
            assert!(below.is_ok() && unreadable.is_ok());
            return;
        }
        let error = below.unwrap_err();
        assert_eq!((error.errno.as_str(), error.at), ("EACCES", Some(Path::from_path(&closed))));
        assert_eq!(unreadable, Err(Unobserved::NotPermitted));
    }
}
