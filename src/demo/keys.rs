//! Which keys do the incidents use? Ones that are made for one replay and forgotten with it.
//!
//! Hardware is imitated: such a key says on the wire that it lives in a FIDO authenticator, and its signatures have the
//! form that an authenticator gives them (PROTOCOL.u2f, "SSH U2F Signatures"), but its private half is in memory.
//! Servers and clients cannot tell the two apart, which is all that a replay needs.

use anyhow::Context as _;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::PrivateKey;
use russh::keys::ssh_key::public::{KeyData, PublicKey, SkEd25519};
use russh::keys::{Algorithm, key::safe_rng, signature::Signer as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::openssh::wire;

/// What FIDO keys of OpenSSH are registered for where nobody says otherwise (ssh-keygen(1), `-O application`).
const APPLICATION: &str = "ssh:";

/// `SSH_SK_USER_PRESENCE_REQD`: the authenticator was touched (sk-api.h).
const USER_PRESENT: u8 = 1;

/// How often the imitated authenticator says it has signed before.
const COUNTER: u32 = 1;

/// A key pair for one replay.
#[derive(Debug)]
pub(super) struct ThrowAway {
    /// The public half, with its comment.
    public: PublicKey,
    /// The private half; of an imitated hardware key the plain ed25519 key behind it.
    private: PrivateKey,
}

impl ThrowAway {
    /// A new ed25519 key.
    pub(super) fn software(comment: &str) -> anyhow::Result<Self> {
        let mut private = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).context("no throw-away key")?;
        private.set_comment(comment);
        Ok(Self { public: private.public_key().clone(), private })
    }

    /// A new key that says it lives in a FIDO authenticator.
    pub(super) fn hardware(comment: &str) -> anyhow::Result<Self> {
        let Self { private, .. } = Self::software(comment)?;
        let plain = private.public_key().key_data().ed25519().context("no ed25519 key")?;
        let public = PublicKey::new(KeyData::SkEd25519(SkEd25519::new(*plain, APPLICATION)), comment);
        Ok(Self { public, private })
    }

    /// The public half.
    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The private half of a software key.
    pub(super) fn private(&self) -> &PrivateKey {
        &self.private
    }

    /// The private half as ssh-keygen writes it into a file.
    pub(super) fn file(&self) -> anyhow::Result<Zeroizing<String>> {
        self.private.to_openssh(LineEnding::LF).context("a throw-away key could not be written")
    }

    /// The public half as ssh-keygen writes it into the `.pub` beside the file.
    pub(super) fn public_line(&self) -> anyhow::Result<String> {
        self.public.to_openssh().context("a throw-away public key could not be written")
    }

    /// The public half as it goes over the wire (RFC 4253 section 6.6).
    pub(super) fn blob(&self) -> anyhow::Result<Vec<u8>> {
        self.public.to_bytes().context("a throw-away public key could not be encoded")
    }

    /// The signature over `data` as it goes over the wire: algorithm and signature, and for a hardware key the
    /// authenticator's flags and counter.
    pub(super) fn sign(&self, data: &[u8]) -> Option<Vec<u8>> {
        let mut blob = Vec::new();
        wire::put_string(&mut blob, self.public.algorithm().as_str().as_bytes());
        let KeyData::SkEd25519(hardware) = self.public.key_data() else {
            let signature = self.private.try_sign(data).ok()?;
            wire::put_string(&mut blob, signature.as_bytes());
            return Some(blob);
        };
        let mut signed = Sha256::digest(hardware.application()).to_vec();
        signed.push(USER_PRESENT);
        signed.extend(COUNTER.to_be_bytes());
        signed.extend(Sha256::digest(data));
        let signature = self.private.try_sign(&signed).ok()?;
        wire::put_string(&mut blob, signature.as_bytes());
        blob.push(USER_PRESENT);
        blob.extend(COUNTER.to_be_bytes());
        Some(blob)
    }
}

#[cfg(test)]
mod tests {
    use russh::keys::signature::Verifier as _;
    use russh::keys::ssh_key::Signature;

    use super::*;

    #[test]
    fn both_kinds_of_key_make_signatures_that_their_public_half_verifies() {
        for key in [ThrowAway::software("a").unwrap(), ThrowAway::hardware("b").unwrap()] {
            let blob = key.sign(b"a session").unwrap();
            let signature = Signature::try_from(blob.as_slice()).unwrap();
            assert!(key.public().key_data().verify(b"a session", &signature).is_ok());
            assert!(key.public().key_data().verify(b"another one", &signature).is_err());
        }
    }

    #[test]
    fn a_hardware_key_names_itself_as_one() {
        let key = ThrowAway::hardware("maria@acme YubiKey 5C").unwrap();
        let line = key.public_line().unwrap();
        assert!(line.starts_with("sk-ssh-ed25519@openssh.com "), "{line}");
        assert!(line.ends_with(" maria@acme YubiKey 5C"), "{line}");
    }
}
