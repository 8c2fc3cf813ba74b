//! The ssh-agent: whether it answers, and what it says it holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key::PublicKey;
use super::text::Path;
use super::{Observed, Source};

/// The agent that ssh would use (ssh.c and authfd.c `ssh_get_authentication_socket`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// The socket; `None` where neither `IdentityAgent` nor `SSH_AUTH_SOCK` names one.
    pub socket: Option<AgentSocket>,
    /// The answer on that socket. [`super::Unobserved::NotAttempted`] where there is no socket.
    pub answer: Observed<AgentAnswer>,
    /// What it lists on a connection bound to this session, as ssh lists it (PROTOCOL.agent, session-bind). Differs
    /// from the plain list where destination constraints hide keys.
    pub bound: Observed<Vec<AgentKey>>,
    /// Whether it is locked (`ssh-add -x`), where that can be told.
    pub locked: Observed<bool>,
}

/// The socket of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentSocket {
    /// Its path, expanded.
    pub path: Path,
    /// Whether `IdentityAgent` or the environment named it.
    pub from: Source,
    /// Where it leads, if it is a symbolic link: a name that stays while the sockets behind it change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Path>,
    /// Whether it was made by sshd for a forwarded agent (session.c: `/tmp/ssh-XXXXXXXXXX/agent.PID`, in 10.1 and
    /// later `~/.ssh/agent/s.*.sshd.*`, in a shell reached by ssh), or leads to such a one.
    pub forwarded: bool,
}

/// How the agent answered the request for its identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgentAnswer {
    /// The socket could not be used; the error's name, `ENOENT`, `ECONNREFUSED`, `EACCES`.
    Unreachable(String),
    /// Something accepted the connection, or left it waiting, and gave no answer in time: ssh, which sets no limit, waits
    /// on (authfd.c `ssh_request_reply`).
    Silent,
    /// Something accepted the connection and ended it in place of an answer: ssh goes on without an agent. ssh-agent does
    /// so to another account (ssh-agent.c `handle_socket_read`).
    Closed,
    /// Something answered in another way than an agent does; in words.
    Garbage(String),
    /// `SSH_AGENT_FAILURE` to the request.
    Refused,
    /// `SSH_AGENT_IDENTITIES_ANSWER`, on a connection not bound to any session.
    Lists(Vec<AgentKey>),
}

/// A key that an agent lists. One that cannot be parsed keeps its type's name and its blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentKey {
    /// The key with the agent's comment.
    pub key: PublicKey,
}

impl Agent {
    /// What ssh would see: the bound list where there is one, else the plain one; empty where there is none.
    pub fn keys(&self) -> &[AgentKey] {
        match (&self.bound, &self.answer) {
            (Ok(bound), _) => bound,
            (Err(_), Ok(AgentAnswer::Lists(keys))) => keys,
            _ => &[],
        }
    }

    /// The keys listed before any binding; empty where the agent did not answer.
    pub fn unbound(&self) -> &[AgentKey] {
        match &self.answer {
            Ok(AgentAnswer::Lists(keys)) => keys,
            _ => &[],
        }
    }
}
