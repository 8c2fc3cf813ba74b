//! Which identities ssh offers, in which order (sshconnect2.c `pubkey_prepare`), and with which signature algorithm
//! (`key_sig_algorithm`).

use crate::facts::Facts;
use crate::facts::key::PublicKey;

/// One identity that ssh will try, in its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The public half or certificate that is offered; `None` where ssh has none and would have to read (and
    /// perhaps decrypt) the private key first ("Trying private key").
    pub key: Option<PublicKey>,
    /// Whether the agent holds it and would sign.
    pub agent: bool,
    /// Its row in `Identities.files`, where a key file stands for it.
    pub file: Option<usize>,
}

/// What ssh offers, in its order: agent keys that the configuration names, other agent keys, then files; certificates
/// where ssh puts them; with `IdentitiesOnly`, only what the configuration names.
pub fn offers(facts: &Facts) -> Vec<Offer> {
    let _ = facts;
    Vec::new()
}

/// The signature algorithm that ssh names for `key` (sshconnect2.c `key_sig_algorithm`), given the server's
/// `server-sig-algs` (`None` where it sent none) and the client's `PubkeyAcceptedAlgorithms`. `None`: ssh skips the
/// key ("no mutual signature algorithm").
pub fn signature_algorithm(key: &PublicKey, server: Option<&[&str]>, accepted: &[&str]) -> Option<String> {
    let _ = (server, accepted);
    Some(key.algorithm.clone())
}
