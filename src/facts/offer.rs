//! The one public key that a run was told to ask about (`--offer`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key::PublicKey;
use super::text::Path;

/// A public key whose private half need not be here, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferedKey {
    /// The file it was read from, as it was named; `-` for standard input.
    pub path: Path,
    /// The key or certificate.
    pub key: PublicKey,
    /// What the server is expected to say (`--expect`); `None` where nothing is expected.
    pub expected: Option<Expected>,
}

/// What the server is expected to say about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// It accepts it.
    Accepted,
    /// It refuses it.
    Refused,
}
