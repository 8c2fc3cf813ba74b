//! Identification strings and key exchange (RFC 4253 sections 4.2 and 7), as a tap on the stream saw them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::End;
use super::text::ServerText;

/// What passed before the connection was encrypted, and how it went on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transport {
    /// Lines that the server sent before its identification string (at most 1024, each cut at 8192 bytes).
    pub pre_banner: Vec<ServerText>,
    /// The server's identification string without its line end; `None` where none came.
    pub identification: Option<ServerText>,
    /// What came last without a line end while an identification string was awaited, at most 256 bytes.
    pub unterminated: ServerText,
    /// The lists that the probe offered.
    pub ours: Option<KexInit>,
    /// The lists that the server offered.
    pub server: Option<KexInit>,
    /// What the probe and the server agreed on.
    pub agreed: Option<Agreed>,
    /// Whether both sides sent `SSH_MSG_NEWKEYS` and the server's signature was right.
    pub complete: bool,
    /// How the connection ended, where it did so before userauth.
    pub end: Option<End>,
    /// Milliseconds from the established connection to the identification string.
    pub identification_millis: Option<f64>,
    /// Milliseconds from the established connection to the end of the key exchange.
    pub key_exchange_millis: Option<f64>,
}

/// The name-lists of one `SSH_MSG_KEXINIT`, in the sender's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KexInit {
    /// `kex_algorithms`, with the `ext-info-*` and `kex-strict-*` markers.
    pub kex: Vec<String>,
    /// `server_host_key_algorithms`.
    pub host_key: Vec<String>,
    /// `encryption_algorithms_client_to_server`.
    pub cipher_client_to_server: Vec<String>,
    /// `encryption_algorithms_server_to_client`.
    pub cipher_server_to_client: Vec<String>,
    /// `mac_algorithms_client_to_server`.
    pub mac_client_to_server: Vec<String>,
    /// `mac_algorithms_server_to_client`.
    pub mac_server_to_client: Vec<String>,
    /// `compression_algorithms_client_to_server`.
    pub compression_client_to_server: Vec<String>,
    /// `compression_algorithms_server_to_client`.
    pub compression_server_to_client: Vec<String>,
}

/// What two KEXINITs agree on (RFC 4253 section 7.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agreed {
    /// Key exchange method.
    pub kex: String,
    /// Host key algorithm.
    pub host_key: String,
    /// Cipher, client to server.
    pub cipher: String,
    /// MAC, client to server; empty where the cipher authenticates itself.
    pub mac: String,
}
