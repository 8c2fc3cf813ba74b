//! Public keys and certificates, wherever they were met.

use data_encoding::BASE64;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{Comment, Fingerprint, ServerText};

/// A public key, or a certificate with the key in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicKey {
    /// The key type as the wire names it, `ssh-ed25519`, `ssh-rsa`, `ssh-ed25519-cert-v01@openssh.com`. An unknown
    /// type keeps its name.
    pub algorithm: String,
    /// The whole blob as it goes over the wire (RFC 4253 section 6.6); empty where only the fingerprint was seen.
    pub blob: Blob,
    /// `SHA256:…` of the plain key: a certificate has its key's fingerprint, as in `ssh-keygen -l`.
    pub fingerprint: Fingerprint,
    /// The comment beside it; empty where there is none.
    pub comment: Comment,
    /// Size in bits where the type has a choice (RSA, DSA).
    pub bits: Option<u32>,
    /// What the certificate says, where it is one.
    pub certificate: Option<Box<Certificate>>,
}

impl PublicKey {
    /// Whether it is this very key or certificate, by blob; by fingerprint where no more was seen of one of them, and by
    /// name where not even that was printed.
    pub fn is_same(&self, other: &Self) -> bool {
        if !self.blob.0.is_empty() && !other.blob.0.is_empty() {
            return self.blob == other.blob;
        }
        let alike = self.fingerprint == other.fingerprint && self.is_certificate() == other.is_certificate();
        alike && (!self.fingerprint.is_empty() || self.comment == other.comment)
    }

    /// Whether it is a certificate.
    pub fn is_certificate(&self) -> bool {
        self.certificate.is_some() || self.algorithm.contains("-cert-v0")
    }

    /// Whether the private half lives in a FIDO authenticator (PROTOCOL.u2f).
    pub fn is_hardware(&self) -> bool {
        self.algorithm.starts_with("sk-")
    }

    /// The plain key's type, without the certificate's suffix: `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`.
    pub fn plain_algorithm(&self) -> String {
        plain_name(&self.algorithm)
    }
}

/// `algorithm` without the certificate's suffix, a key's type or a signature's: `rsa-sha2-512`.
pub fn plain_name(algorithm: &str) -> String {
    let Some((plain, _)) = algorithm.split_once("-cert-v0") else { return algorithm.to_owned() };
    // Names that were OpenSSH's own before the certificate's suffix came keep their domain.
    let own = plain.starts_with("sk-") || plain == "ssh-xmss";
    if own { format!("{plain}@openssh.com") } else { plain.to_owned() }
}

/// A certificate's own words (PROTOCOL.certkeys).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// Whether it is for users or for hosts.
    pub kind: CertificateKind,
    /// The certificate's serial number.
    pub serial: u64,
    /// The key id that the CA gave it.
    pub key_id: ServerText,
    /// The principals; empty means that OpenSSH's sshd refuses it for users, and hosts take it for any name.
    pub principals: Vec<ServerText>,
    /// First second of validity since 1970; 0 is "always".
    pub valid_after: u64,
    /// First second after validity since 1970; `u64::MAX` is "for ever".
    pub valid_before: u64,
    /// Names of the critical options, and their values.
    pub critical_options: Vec<(ServerText, ServerText)>,
    /// The CA key's fingerprint.
    pub ca: Fingerprint,
    /// The CA key's type.
    pub ca_algorithm: String,
    /// The certified key's plain blob.
    pub key: Blob,
}

/// Whom a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// `SSH2_CERT_TYPE_USER`.
    User,
    /// `SSH2_CERT_TYPE_HOST`.
    Host,
    /// Any other number.
    Other,
}

/// Bytes of a public key, serialised as base64.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(pub Vec<u8>);

impl Blob {
    /// Padded base64, as in an `authorized_keys` line.
    pub fn base64(&self) -> String {
        BASE64.encode(&self.0)
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.base64())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct("Blob", &self.base64())
    }
}

impl JsonSchema for Blob {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Blob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "description": "Bytes of a public key, as padded base64."
        })
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}
