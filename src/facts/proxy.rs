//! What stands between this machine and the server: jump hosts or a program, and how the way through them went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::End;
use super::session::ChannelOpen;
use super::text::{Host, Path, ServerText};

/// What stands for a program that is there, and that a transcript does not name.
pub const UNNAMED: &str = "a program that was not named";

/// What the configuration puts before the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Proxy {
    /// `ProxyJump`: the hosts, outermost first.
    Jump(Vec<Host>),
    /// `ProxyCommand`, as `ssh -G` prints it.
    Command(ServerText),
}

/// How the way through a proxy went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Through {
    /// A channel through the jump host before it.
    Tunnel(Tunnel),
    /// A program whose standard input and output are the connection.
    Program(Box<Program>),
}

/// What came of asking a jump host for a connection to the next host (RFC 4254 section 7.2, `direct-tcpip`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tunnel {
    /// The jump host that was asked, by the name that is dialled.
    pub from: Host,
    /// The host that it was to connect to, as ssh names it there (`%h`).
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Its answer; `None` where none came.
    pub answer: Option<ChannelOpen>,
    /// How the connection to the jump host ended, where it ended before the connection through it was left.
    pub end: Option<End>,
    /// Whether the jump host ended the channel: the next host closed the connection, or the jump host did.
    pub closed: bool,
    /// How long the answer took, in milliseconds.
    pub millis: f64,
}

/// One run of a program that is the connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// Why it was run.
    pub role: Role,
    /// What ran: what stands behind `exec` for the shell, tokens expanded.
    pub command: ServerText,
    /// The shell that it was given to, `$SHELL` or `/bin/sh` (sshconnect.c `ssh_proxy_connect`).
    pub shell: Path,
    /// The error's name where the shell itself could not be started, `ENOENT`.
    pub unstarted: Option<String>,
    /// What it wrote to standard error, at most the first and the last 4 KiB of it.
    pub stderr: ServerText,
    /// How many bytes it wrote there, those that are not kept included.
    pub stderr_bytes: u64,
    /// How many bytes it wrote to standard output.
    pub stdout_bytes: u64,
    /// Its exit status, where it ended by itself while its connection was in use.
    pub status: Option<i32>,
    /// The number of the signal that ended it, where one did.
    pub signal: Option<i32>,
    /// Whether it still ran when its connection was left.
    pub ran_on: bool,
    /// Whether it was found stopped, as the terminal stops whoever asks there from the background; then it was ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// How long it ran, in milliseconds.
    pub millis: f64,
}

/// Why a program was run as the connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// `ProxyCommand` names it.
    #[default]
    ProxyCommand,
    /// `ssh -W` over the user's live multiplexing master of the jump host; its socket.
    Master(Path),
    /// `ssh -W`, so that it asks the person at the terminal what the jump host wants to know.
    Interactive,
    /// `ssh -W` with nobody asked, as the probe cannot make the login at the jump host that ssh makes.
    Installed,
}
