//! File systems: where a file that others may access lies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{Path, ServerText};

/// The file system on which a file lies, as `/proc/self/mountinfo` has it (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mount {
    /// The file, by the name under which it was looked at.
    pub file: Path,
    /// The same with all links followed.
    pub resolved: Path,
    /// Where the file system is mounted.
    pub point: Path,
    /// Its type, `ext4`, `9p`, `fuse.sshfs`.
    pub kind: String,
    /// The options of the mount and then those of the file system, parted by a comma.
    pub options: ServerText,
}
