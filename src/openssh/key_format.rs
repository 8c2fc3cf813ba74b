//! The formats of a private key file, from its first bytes and its last line (PROTOCOL.key, authfile.c, sshkey.c
//! `sshkey_parse_private_fileblob_type`).

use crate::facts::identities::FileStat;

/// stand-in
pub fn perm_ok(stat: &FileStat, uid: u32) -> bool {
    stat.uid != uid || stat.mode & 0o077 == 0
}
