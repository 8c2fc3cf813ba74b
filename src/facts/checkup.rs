//! What only the check-up looks at: the client's side as a whole, without any login being meant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::AgentAnswer;
use super::identities::{FileState, KeyFile};
use super::text::{Host, Path, ServerText};
use super::{Observed, Source, Unobserved};

/// The client's side as a whole. What is in force where no Host block applies stands in the other facts: the options in
/// `config`, the key files of those options in `identities`, the agent of those options in `agent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkup {
    /// `~/.ssh` itself.
    pub folder: Option<FileState>,
    /// The configuration files that ssh reads, in its order, includes after the file that names them.
    pub files: Vec<ConfigFile>,
    /// The blocks of those files, in the order in which ssh reads them.
    pub blocks: Vec<Block>,
    /// A row for each `IdentityFile` of a block that is not in `identities.files`, the block's line as its source. Values
    /// with tokens that only a login fills are left out.
    pub named: Vec<KeyFile>,
    /// Private key files under `~/.ssh` that no configuration names and of which no public half is known.
    pub unknown: Vec<KeyFile>,
    /// Agents at the well-known places, whether or not ssh is told of them.
    pub agents: Vec<FoundAgent>,
    /// The known_hosts files of the options in force. `Err` where they could not be read in time.
    pub known_hosts: Observed<Vec<KnownHostsSurvey>>,
}

impl Default for Checkup {
    fn default() -> Self {
        Self {
            folder: None,
            files: Vec::new(),
            blocks: Vec::new(),
            named: Vec::new(),
            unknown: Vec::new(),
            agents: Vec::new(),
            known_hosts: Err(Unobserved::NotAttempted),
        }
    }
}

/// A configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigFile {
    /// Its path.
    pub path: Path,
    /// The file, links followed.
    pub state: FileState,
}

/// A `Host` or `Match` block, or the lines before the first one in a file (ssh_config(5)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// The file, and the line of `Host` or `Match`; no line for what stands before the first.
    pub at: Source,
    /// What begins it.
    pub kind: BlockKind,
    /// The words behind `Host` or `Match`.
    pub words: Vec<Host>,
    /// Whether it belongs to the user's configuration and not to the system's.
    pub of_user: bool,
    /// Whether the file was included from within a `Host` or `Match` block, so that this block applies only where that
    /// one does.
    pub nested: bool,
    /// Its options, in order.
    pub options: Vec<BlockOption>,
}

/// What begins a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// Nothing: the beginning of a file.
    Global,
    /// `Host`.
    Host,
    /// `Match`.
    Match,
}

/// One option of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockOption {
    /// The keyword in lower case.
    pub keyword: String,
    /// The value as it stands there, at most 1000 bytes.
    pub value: ServerText,
    /// The 1-based line.
    pub line: u32,
}

/// A socket at one of the places where agents are known to listen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundAgent {
    /// Whose place it is, `gpg-agent`, `1Password`.
    pub name: String,
    /// The socket.
    pub path: Path,
    /// What it answered to the request for its identities.
    pub answer: AgentAnswer,
}

/// What a known_hosts file looks like as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownHostsSurvey {
    /// Its path, expanded.
    pub path: Path,
    /// Whether it is one of `GlobalKnownHostsFile`.
    pub global: bool,
    /// The file.
    pub state: FileState,
    /// Lines that ssh understands.
    pub entries: u32,
    /// Lines that are neither blank nor a comment, and not understood; at most 1000.
    pub unreadable_lines: Vec<u32>,
    /// Names with two different keys of one type; at most 1000.
    pub contradictions: Vec<Contradiction>,
    /// Whether the file is longer than what was read of it.
    pub cut: bool,
}

/// Two lines that give one name two keys of the same type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contradiction {
    /// The name, in lower case.
    pub name: Host,
    /// The keys' type, `ssh-ed25519`.
    pub algorithm: String,
    /// The lines, the earlier one first.
    pub lines: (u32, u32),
}
