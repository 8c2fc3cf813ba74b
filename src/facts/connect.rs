//! The TCP connection, or the way through a proxy that stands in its place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::proxy::{Proxy, Through};
use super::text::{Address, Host};

/// How the server was (or was not) reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connect {
    /// The proxy that the configuration puts before the target; then no attempt was made.
    pub proxy: Option<Proxy>,
    /// How the way through that proxy went; `None` where it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
    /// The jump host that stands in the chain already: it leads back to itself, and nothing was dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_back: Option<Host>,
    /// One row for each address that was tried, in order (sshconnect.c `ssh_connect_direct`).
    pub attempts: Vec<Attempt>,
    /// Our own address on the connection that works, as the server sees it where no NAT is between.
    pub local_address: Option<Address>,
}

impl Connect {
    /// The address that a connection was established to.
    pub fn established(&self) -> Option<&Address> {
        self.attempts.iter().find(|attempt| attempt.outcome == Dial::Established).map(|attempt| &attempt.address)
    }
}

/// One address that was dialled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The address.
    pub address: Address,
    /// The port.
    pub port: u16,
    /// What came of it.
    pub outcome: Dial,
    /// How long it took, in milliseconds; 0 where nobody measured it.
    pub millis: f64,
}

/// What came of dialling one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dial {
    /// A TCP connection.
    Established,
    /// connect(2) or bind(2) failed; the error's name, `ECONNREFUSED`, `EHOSTUNREACH`, `EPERM`.
    Failed(String),
    /// No answer within the limit in seconds (`ConnectTimeout`, or 5).
    TimedOut(u64),
}
