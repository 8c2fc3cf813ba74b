//! What does the system say: an error by its name, a path by `stat`, a variable of the environment?
//!
//! Touches: the metadata of the paths it is given, and our own environment, which is that of the user's ssh too.

use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path as StdPath;

use nix::errno::Errno;

use crate::facts::identities::{FileError, FileKind, FileStat, FileState};
use crate::facts::text::Path;

/// The name of the system's error, `ECONNREFUSED`; for one that never reached the system, its kind in words.
pub(super) fn errno(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{:?}", Errno::from_raw(number)),
        // A NUL in the path never reaches the system.
        None if error.kind() == io::ErrorKind::InvalidInput => "EINVAL".to_owned(),
        None => error.kind().to_string(),
    }
}

/// The bytes of an environment variable; `None` where it is not set.
pub(super) fn variable(name: &str) -> Option<Vec<u8>> {
    std::env::var_os(name).map(OsStringExt::into_vec)
}

/// The platform's string of these bytes.
pub(super) fn os(bytes: Vec<u8>) -> std::ffi::OsString {
    OsStringExt::from_vec(bytes)
}

/// What `stat` says of the path, links followed.
pub(super) fn state(path: &StdPath) -> FileState {
    let metadata = std::fs::metadata(path).map_err(|error| file_error(path, &error))?;
    let link = std::fs::symlink_metadata(path).is_ok_and(|own| own.file_type().is_symlink());
    let link_to = if link { std::fs::read_link(path).ok().map(|target| Path::from_path(&target)) } else { None };
    Ok(FileStat {
        kind: kind(&metadata),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size_bytes: metadata.len(),
        modified: Some(metadata.mtime()),
        link_to,
    })
}

fn kind(metadata: &Metadata) -> FileKind {
    let file_type = metadata.file_type();
    if file_type.is_file() {
        FileKind::Regular
    } else if file_type.is_dir() {
        FileKind::Directory
    } else if file_type.is_fifo() {
        FileKind::Fifo
    } else if file_type.is_socket() {
        FileKind::Socket
    } else {
        FileKind::Other
    }
}

fn file_error(path: &StdPath, error: &io::Error) -> FileError {
    let at = (error.kind() == io::ErrorKind::PermissionDenied).then(|| closed_folder(path)).flatten();
    FileError { errno: errno(error), at }
}

/// The outermost folder on the way that cannot be passed.
fn closed_folder(path: &StdPath) -> Option<Path> {
    let mut folders: Vec<&StdPath> = path.ancestors().collect();
    folders.reverse();
    let denied = |path: &StdPath| {
        std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    let first = folders.into_iter().find(|path| denied(path))?;
    first.parent().map(Path::from_path)
}
