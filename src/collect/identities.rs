//! Key files and certificates: metadata, the header of private keys, public halves.
//!
//! Touches: IdentityFile and CertificateFile values, and public keys under `~/.ssh`. A private key is read no further
//! than its public half and its last line, but for a signature, or to derive the public half of an unencrypted PEM
//! without `.pub`; then in zeroizing memory.

use crate::facts::identities::{Identities, KeyFile};
use crate::facts::userauth::Signed;
use crate::facts::{Facts, Observed};

/// Looks at every configured key file and at the other public keys under `~/.ssh`.
pub fn collect(facts: &Facts) -> Observed<Identities> {
    let _ = facts;
    Ok(Identities::default())
}

/// Signs `data` as `algorithm` with the unencrypted private key in `file`; the signature blob (string algorithm,
/// string signature).
///
/// # Errors
/// `OtherKey` where the private half does not belong to the public one, `FileFailed` where it cannot be used.
pub fn sign(file: &KeyFile, algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Signed> {
    let _ = (file, algorithm, data);
    Err(Signed::FileFailed("not read".to_owned()))
}
