//! OpenSSH's documented client defaults (readconf.c `fill_default_options`), for a machine without ssh.

use crate::facts::config::Options;

/// What `ssh -G` would print for a host with no configuration at all, less what depends on the host.
pub fn options() -> Options {
    Options::default()
}

/// The identity files that ssh tries where none is configured (readconf.c), `~` unexpanded, in order.
pub const IDENTITY_FILES: &[&str] = &[
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_xmss",
    "~/.ssh/id_dsa",
];
