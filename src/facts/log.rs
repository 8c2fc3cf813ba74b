//! What was read where nothing was observed: transcripts of ssh, logs of sshd, pastes of both; and which login in it is
//! meant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{Address, Path, ServerText};
use super::{End, Source};

/// What was read, and the part of it that is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Log {
    /// The files, as they were named; `-` is standard input.
    pub files: Vec<Path>,
    /// How many lines they have.
    pub lines: u64,
    /// How many of them were cut: nothing that is known here is so long.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cut: u64,
    /// How many of them state nothing that is known here.
    pub unknown: u64,
    /// The most frequent of those, digits left out, each with how often it stands there; the most frequent first, at most
    /// ten.
    pub frequent: Vec<(ServerText, u64)>,
    /// The client's transcript that is judged; `None` where there is none.
    pub client: Option<Part>,
    /// The lines of sshd's log that are judged; `None` where there are none.
    pub server: Option<Part>,
    /// Whether both parts are of one client for certain: sshd's names its address, or a key that it offered. `false` where
    /// only one is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
    /// Whether other logins of sshd's log failed too, of other accounts from other addresses, and none was asked for: then
    /// which of them is meant is not certain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub several: bool,
    /// How many other logins there are.
    pub others_count: u64,
    /// Some of them, a few words each, the newest first.
    pub others: Vec<ServerText>,
    /// What programs other than ssh say of a login that failed, as it was read, the last sixty-four.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Foreign>,
    /// What was summed up and not judged, a sentence each: storms of strangers, and lists of which nothing says on which
    /// machine they were made.
    pub noise: Vec<ServerText>,
    /// What was read and tells nothing of this login, a sentence each: lists of a machine that nobody names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<ServerText>,
    /// What of those lists can explain a refusal, in their order, at most 64. Cases that were saved before
    /// this name was given call it `shown`.
    #[serde(default, alias = "shown", skip_serializing_if = "Vec::is_empty")]
    pub pasted: Vec<Pasted>,
}

/// A line of a list that was pasted alone: of which machine it is, nothing says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pasted {
    /// What it shows.
    pub part: PastedPart,
    /// File and line.
    pub at: Source,
}

/// What such a line shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PastedPart {
    /// A file or folder that others than its owner may use (`ls -l`, `namei -l`).
    File {
        /// Its path, or only its name, as it was listed.
        path: Path,
        /// Its mode, the lowest twelve bits.
        mode: u32,
    },
    /// An option of ssh or sshd as it takes effect (`ssh -G`, `sshd -T`).
    Option {
        /// Its keyword in lower case.
        keyword: String,
        /// Its value.
        value: ServerText,
    },
    /// An agent without a key, or no agent (`ssh-add -l`).
    NoKeys,
    /// What sshd says of a configuration that is not valid (`sshd -t`).
    Complaint(ServerText),
}

/// What ssh waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// A TCP connection with this address.
    Connection(Address),
    /// The server's identification string (RFC 4253 section 4.2).
    Identification,
    /// A person's word about a host key.
    HostKey,
    /// A person's password, passphrase, code, PIN or touch.
    Answer,
}

/// A line of a program other than ssh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Foreign {
    /// Whose words they are.
    pub tool: Tool,
    /// The words, without what stood before them where that is known.
    pub words: ServerText,
    /// File and line.
    pub at: Source,
}

/// Programs that log in over ssh: those that speak it themselves, and those that run ssh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// Go's `golang.org/x/crypto/ssh`: Terraform, Packer, Docker, Gitea and many more.
    Go,
    /// paramiko, of Python: Fabric, Ansible's paramiko connection.
    Paramiko,
    /// JSch, of Java: Jenkins, Ant, many development environments.
    Jsch,
    /// PuTTY, plink, pscp, psftp, and WinSCP.
    Putty,
    /// Dropbear's client, dbclient, which OpenWrt and others install as ssh.
    Dropbear,
    /// libssh2: curl, git's libgit2, PHP.
    Libssh2,
    /// asyncssh, of Python.
    Asyncssh,
    /// ssh2, of Node.
    Node,
    /// SSH.NET.
    SshNet,
    /// git, which runs ssh.
    Git,
    /// rsync, which runs ssh.
    Rsync,
    /// scp and sftp, which run ssh.
    Scp,
    /// The Remote-SSH extension of VS Code, which runs ssh.
    VsCode,
}

impl Tool {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Go => "Go's ssh library",
            Self::Paramiko => "paramiko",
            Self::Jsch => "JSch",
            Self::Putty => "PuTTY",
            Self::Dropbear => "dropbear's client",
            Self::Libssh2 => "libssh2",
            Self::Asyncssh => "asyncssh",
            Self::Node => "Node's ssh2",
            Self::SshNet => "SSH.NET",
            Self::Git => "git",
            Self::Rsync => "rsync",
            Self::Scp => "scp",
            Self::VsCode => "VS Code",
        }
    }
}

/// Whether there are none: then a saved case says nothing of them.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A part of a file that is about one login.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// The file.
    pub file: Path,
    /// Its first line, counted from 1.
    pub first: u64,
    /// Its last line.
    pub last: u64,
    /// What it is, a few words: `ssh -vvv of OpenSSH_9.2p1`.
    pub what: ServerText,
    /// Whether nothing of it is known to be missing: it begins with ssh's first line and comes to its last word, nothing was
    /// left out in between, and each step is there that a later one follows. `false` for sshd's log.
    #[serde(default)]
    pub whole: bool,
    /// Whether the command that was typed has sudo run ssh.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sudo: bool,
    /// How the connection ended, where ssh's words name no step at which it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<End>,
    /// What ssh waits for where its words end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    /// Whether a session was open when it ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_session: bool,
    /// How much ssh was asked to say: 0 nothing beyond its messages, 1 to 3 for `-v` to `-vvv`. 0 for sshd's log.
    pub level: u8,
}
