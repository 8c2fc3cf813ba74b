//! On which file system does a file lie?
//!
//! Touches: `/proc/self/mountinfo`, and the links on the way to the file. On platforms without it nothing is known.

use std::fs::File;
use std::io::Read as _;
use std::path::Path as StdPath;

use crate::facts::mount::Mount;
use crate::facts::text::{Path, ServerText};

/// The most that is read of the table, and the longest text of options that is kept.
const TABLE_LIMIT: u64 = 4 << 20;
const OPTIONS_LIMIT: usize = 500;

/// The mount of the file at `path`; `None` where it is not known.
pub(super) fn of(path: &StdPath) -> Option<Mount> {
    let mut table = Vec::new();
    File::open("/proc/self/mountinfo").ok()?.take(TABLE_LIMIT).read_to_end(&mut table).ok()?;
    let resolved = path.canonicalize().ok()?;
    let (point, kind, options) = found(&table, &resolved)?;
    Some(Mount {
        file: Path::from_path(path),
        resolved: Path::from_path(&resolved),
        point: Path::new(point),
        kind,
        options: ServerText::new(options),
    })
}

/// Mount point, type and options of the file system that holds `path`: the innermost, and of those the last mounted.
fn found(table: &[u8], path: &StdPath) -> Option<(Vec<u8>, String, Vec<u8>)> {
    let mut best: Option<(Vec<u8>, String, Vec<u8>)> = None;
    for line in table.split(|byte| *byte == b'\n') {
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let Some(dash) = words.iter().position(|word| *word == b"-") else { continue };
        let (Some(point), Some(options), Some(kind)) = (words.get(4), words.get(5), words.get(dash + 1)) else {
            continue;
        };
        let point = unescaped(point);
        let holds = path.starts_with(Path::new(point.as_slice()).to_path_buf());
        if holds && best.as_ref().is_none_or(|(known, ..)| known.len() <= point.len()) {
            let own = words.get(dash + 3).copied().unwrap_or_default();
            let mut all = [*options, b",", own].concat();
            all.truncate(OPTIONS_LIMIT);
            best = Some((point, String::from_utf8_lossy(kind).into_owned(), all));
        }
    }
    best
}

/// Blanks and backslashes stand in octal (proc(5), mountinfo).
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(word.len());
    let mut at = 0;
    while at < word.len() {
        let digits = word.get(at + 1..at + 4).filter(|_| word[at] == b'\\');
        let octal = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        if let Some(byte) = octal {
            out.push(byte);
            at += 4;
        } else {
            out.push(word[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        40 22 0:30 / /mnt/c rw,noatime - 9p C:\\134 rw,dirsync,aname=drvfs;path=C:\\;uid=1000;gid=1000\n\
        41 22 0:31 / /mnt/my\\040stick rw - tmpfs tmpfs rw\n\
        42 22 0:32 / /mnt/my\\040stick ro shared:3 master:1 - vfat /dev/sdb1 rw,fmask=0022\n";

    #[test]
    fn the_innermost_mount_counts_and_of_two_the_later() {
        for (path, point, kind) in [
            ("/home/a/.ssh/id", "/", "ext4"),
            ("/mnt/c/Users/a/.ssh/id", "/mnt/c", "9p"),
            ("/mnt/c2/id", "/", "ext4"),
            ("/mnt/my stick/id", "/mnt/my stick", "vfat"),
        ] {
            let (at, of, _) = found(TABLE, StdPath::new(path)).unwrap();
            assert_eq!((String::from_utf8(at).unwrap().as_str(), of.as_str()), (point, kind), "{path}");
        }
        let (.., options) = found(TABLE, StdPath::new("/mnt/my stick/id")).unwrap();
        assert_eq!(options, b"ro,rw,fmask=0022");
        assert_eq!(found(b"garbage\n- - -\n", StdPath::new("/x")), None);
    }

    #[test]
    fn a_file_of_this_machine_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mount = of(&link).unwrap();
        assert_eq!(mount.resolved, Path::from_path(&file.canonicalize().unwrap()));
        assert!(!mount.kind.is_empty());
        assert_eq!(of(StdPath::new("/nonexistent")), None);
    }
}
