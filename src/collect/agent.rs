//! The ssh-agent, over its own socket (PROTOCOL.agent). One odd key never loses the list.

use crate::facts::agent::{AgentAnswer, AgentKey};
use crate::facts::key::PublicKey;
use crate::facts::text::Path;
use crate::facts::userauth::Signed;
use crate::facts::{Facts, Observed};

/// What ssh tells an agent about the session (PROTOCOL.agent section 1, `session-bind@openssh.com`).
#[derive(Debug, Clone)]
pub struct Binding {
    /// The server's host key blob.
    pub host_key: Vec<u8>,
    /// The session id.
    pub session_id: Vec<u8>,
    /// The server's signature over the session id.
    pub signature: Vec<u8>,
}

/// A connection to the agent, bound to the session where the agent knows how.
#[derive(Debug)]
pub struct Connection {}

/// Finds the socket that ssh would use and asks it what it holds; fills `facts.agent` but for `bound`.
pub async fn collect(facts: &mut Facts) {
    let _ = facts;
}

/// Asks for the identities on a fresh connection.
pub async fn list(socket: &Path) -> AgentAnswer {
    let _ = socket;
    AgentAnswer::Silent
}

/// Connects, binds the connection to the session as ssh does, and lists what is to be had there.
pub async fn bound(socket: &Path, binding: Option<&Binding>) -> (Option<Connection>, Observed<Vec<AgentKey>>) {
    let _ = (socket, binding);
    (None, Err(crate::facts::Unobserved::NotAttempted))
}

impl Connection {
    /// Asks the agent to sign `data` with `key` as `algorithm`; the signature blob (string algorithm, string signature).
    ///
    /// # Errors
    /// `AgentRefused`, `AgentSilent` after 10 s, `WrongType`.
    pub async fn sign(&mut self, key: &PublicKey, algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Signed> {
        let _ = (key, algorithm, data);
        Err(Signed::AgentSilent)
    }
}
