//! What the installed ssh said where it was asked to make the login that the probe cannot make.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::ServerText;

/// One run of `ssh -vvv`, asked once. What it stated about the connection stands among the facts of each stage; this is
/// how it came to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Opinion {
    /// Why the probe does not suffice, a clause.
    pub because: String,
    /// The command as it was run, quoted for a POSIX shell.
    pub command: ServerText,
    /// Its exit status; `None` where it had to be ended.
    pub status: Option<i32>,
    /// What it said besides its debugging lines, at most 40 lines of 1000 bytes.
    pub said: Vec<ServerText>,
    /// How many lines its transcript has.
    pub lines: u32,
    /// How many of them state nothing that is known here.
    pub unknown: u32,
    /// Whether it came as far as the server's answer to an authentication request.
    pub answered: bool,
}
