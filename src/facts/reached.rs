//! How this shell was reached, where it was reached by ssh and no agent came along: what may have kept it away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::ServerText;
use super::{Observed, Source};

/// The circumstances of a shell that ssh has opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    /// The lines of this machine's own sshd_config that say whether agents are forwarded, in the order in which sshd
    /// reads them. Whether the sshd that let in goes by this file is not known.
    pub forwarding: Observed<Vec<ForwardingLine>>,
}

/// A line of sshd_config, `AllowAgentForwarding` or `DisableForwarding`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForwardingLine {
    /// The file and the line.
    pub at: Source,
    /// The keyword in lower case.
    pub keyword: String,
    /// The value as it stands there.
    pub value: ServerText,
    /// The `Match` line that it stands under; `None` where it holds for everybody.
    pub matched: Option<ServerText>,
}

/// A program that keeps a shell running beyond the login that it was started in, with the environment of that login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Multiplexer {
    /// tmux(1): `TMUX` is set.
    Tmux,
    /// screen(1): `STY` is set.
    Screen,
}
