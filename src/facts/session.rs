//! The session channel after a login (RFC 4254), and what ran in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::End;
use super::text::ServerText;

/// The session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Whether the channel was opened; `None` where no answer came.
    pub channel: Option<ChannelOpen>,
    /// What was asked of it.
    pub request: Request,
    /// Whether the server granted the request; `None` where it was not made or not answered.
    pub granted: Option<bool>,
    /// Whether the server granted a terminal (`pty-req`); `None` where none was asked for or no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<bool>,
    /// Whether the server granted the forwarding of the agent (`auth-agent-req@openssh.com`); `None` where none was asked
    /// for or no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<bool>,
    /// What came on standard output, at most 4 KiB.
    pub stdout: ServerText,
    /// What came on standard error, at most 4 KiB.
    pub stderr: ServerText,
    /// The exit status that the server reported.
    pub exit_status: Option<u32>,
    /// The signal that ended it, `KILL`.
    pub exit_signal: Option<String>,
    /// How the connection ended, where the server ended it.
    pub end: Option<End>,
}

/// The answer to the request for a session channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOpen {
    /// `SSH_MSG_CHANNEL_OPEN_CONFIRMATION`.
    Confirmed,
    /// `SSH_MSG_CHANNEL_OPEN_FAILURE`.
    Refused {
        /// The reason code (RFC 4254 section 5.1).
        code: u32,
        /// The description.
        text: ServerText,
    },
}

/// What was asked of the channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Nothing: the channel was opened and closed.
    #[default]
    Nothing,
    /// `exec true`.
    True,
    /// A shell without a terminal, as `ssh -T` asks of a Git host.
    Shell,
    /// The `sftp` subsystem, and its version (draft-ietf-secsh-filexfer-02 section 4).
    Sftp,
    /// `exec git-upload-pack`, of the repository that the destination names.
    Repository,
}
