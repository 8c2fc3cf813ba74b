//! Name resolution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{Address, Host};

/// What getaddrinfo said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolve {
    /// The name that was asked for.
    pub name: Host,
    /// Whether the name was an address already, so that nobody was asked.
    pub numeric: bool,
    /// The addresses in getaddrinfo's order, or its error.
    pub outcome: Result<Vec<Address>, ResolveError>,
}

/// Why getaddrinfo failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResolveError {
    /// The code's name, `EAI_NONAME`, `EAI_AGAIN`.
    pub code: String,
    /// The system's words, `Name or service not known`.
    pub text: String,
}
