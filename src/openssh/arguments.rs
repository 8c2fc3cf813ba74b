//! ssh's, scp's and sftp's own command lines (ssh.c `main`, scp.c, sftp.c): which words are options, which one is the
//! destination, and what belongs to the remote command.

use std::ffi::OsString;

/// A command line, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `ssh`, `scp` or `sftp`.
    pub program: String,
    /// The options to pass on to `ssh -G`, in ssh's spelling (scp's `-P` is `-p` here); without those that would
    /// make it do something else (`-E -y -f -M -O -Q -V -G`).
    pub options: Vec<OsString>,
    /// The destination as typed, `user@host`, `ssh://user@host:port`, `git@host:path`.
    pub destination: Option<OsString>,
    /// The host part of the destination.
    pub host: OsString,
    /// The user that the destination names.
    pub user: Option<OsString>,
    /// The port that the destination names (URLs).
    pub port: Option<u16>,
    /// What would run there; never run by us.
    pub command: Vec<OsString>,
}
