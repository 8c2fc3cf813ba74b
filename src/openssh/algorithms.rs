//! What two sides agree on (kex.c `kex_choose_conf`, RFC 4253 section 7.1), and in which order ssh offers host key
//! algorithms (sshconnect2.c `order_hostkeyalgs`).

use crate::facts::config::Options;
use crate::facts::host_key::KnownHosts;
use crate::facts::transport::{Agreed, KexInit};

/// The first kind of algorithm of which two sides share none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoMatch {
    /// Which kind.
    pub kind: Kind,
    /// The client's list.
    pub client: Vec<String>,
    /// The server's list.
    pub server: Vec<String>,
}

/// The kinds of algorithm that a key exchange settles, in the order in which OpenSSH settles them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Key exchange method.
    Kex,
    /// Host key algorithm.
    HostKey,
    /// Cipher.
    Cipher,
    /// MAC.
    Mac,
    /// Compression.
    Compression,
}

/// What `client` and `server` agree on, or the first kind they share nothing of.
pub fn negotiate(client: &KexInit, server: &KexInit) -> Result<Agreed, NoMatch> {
    let _ = (client, server);
    Ok(Agreed::default())
}

/// The KEXINIT that the user's ssh sends with these effective options and these known hosts.
pub fn users_kexinit(options: &Options, known: &KnownHosts) -> KexInit {
    let _ = (options, known);
    KexInit::default()
}
