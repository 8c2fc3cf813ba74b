//! The client's configuration: what `ssh -G` says ssh would use, and what it said while reading it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{Host, Path, ServerText};
use super::{Observed, Source, Unobserved};

/// The configuration of one login, as the user's ssh evaluates it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Config {
    /// The ssh program that was asked.
    pub ssh: Observed<SshProgram>,
    /// The options that were passed on to it, as typed (without the destination).
    pub arguments: Vec<ServerText>,
    /// Whether the configuration files were evaluated by ssh. `false`: ssh is absent or refused, and `options` are
    /// OpenSSH's documented defaults with the command line on top.
    pub evaluated: bool,
    /// The effective options.
    pub options: Options,
    /// Why ssh would refuse to run at all; `None` where it did not.
    pub complaint: Option<Complaint>,
    /// Where the file lies of which ssh complains that others own it or may write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<Box<super::mount::Mount>>,
    /// `Host` and `Match` lines that applied, in order (`ssh -vvv -G`).
    pub applied: Vec<Applied>,
    /// Whether a `Match exec` command was run while reading, as ssh itself would.
    pub match_exec: bool,
    /// Names without wildcards that `Host` lines of the user's configuration define.
    pub aliases: Vec<Alias>,
    /// Files named with `-i` that are not there: ssh warns and goes on as if they had not been named (ssh.c, `-i`).
    #[serde(default)]
    pub inaccessible: Vec<Path>,
    /// The key files that are configured for the login behind this one, where this is a jump host: ssh uses none of them
    /// here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Path>,
    /// A multiplexing master for this very login.
    pub control_master: Observed<ControlMaster>,
    /// Which other programs a person may take for this ssh; `None` where nobody looked. Looked for only where ssh does
    /// not take an option, or has nothing to offer while a path of Windows is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programs: Option<Programs>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ssh: Err(Unobserved::NotAttempted),
            arguments: Vec::new(),
            evaluated: false,
            options: Options::default(),
            complaint: None,
            mount: None,
            applied: Vec::new(),
            match_exec: false,
            aliases: Vec::new(),
            inaccessible: Vec::new(),
            behind: Vec::new(),
            control_master: Err(Unobserved::NotAttempted),
            programs: None,
        }
    }
}

/// The ssh program found on PATH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SshProgram {
    /// Where it is.
    pub path: Path,
    /// The first word of `ssh -V`, `OpenSSH_9.2p1`.
    pub version: String,
}

/// The ssh programs on PATH besides the one in use, and what shows for whom the configuration was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Programs {
    /// In PATH's order, each file once, at most four.
    pub others: Vec<OtherSsh>,
    /// Where WSL shows the key files that are configured by a path of Windows, as far as they are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_drives: Vec<Path>,
}

/// Another ssh program on PATH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherSsh {
    /// Where it is, as PATH names it.
    pub path: Path,
    /// The first word of its `-V`; empty where it printed none in time.
    pub version: String,
    /// Whether it evaluates its configuration for the same login without complaint (`-G`); `None` where it was not asked
    /// or did not answer in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<bool>,
}

/// Effective options in `ssh -G`'s form: lower-case keyword and value, in its order, a keyword as often as it has values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Options(pub Vec<(String, ServerText)>);

impl Options {
    /// The first value of `keyword` (lower case) where it is UTF-8.
    pub fn first(&self, keyword: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(name, _)| name == keyword)?;
        value.as_str()
    }

    /// All values of `keyword` that are UTF-8, in order.
    pub fn all<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == keyword).filter_map(|(_, value)| value.as_str())
    }

    /// All values of `keyword`, in order, whatever their bytes.
    pub fn values<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a ServerText> {
        self.0.iter().filter(move |(name, _)| name == keyword).map(|(_, value)| value)
    }

    /// Whether `keyword` is `yes` (or `true`, as newer versions print some).
    pub fn is_yes(&self, keyword: &str) -> bool {
        matches!(self.first(keyword), Some("yes" | "true"))
    }

    /// Whether `keyword` is `no` (or `false`).
    pub fn is_no(&self, keyword: &str) -> bool {
        matches!(self.first(keyword), Some("no" | "false"))
    }

    /// The comma-separated names that `keyword` holds; empty where it is missing.
    pub fn names(&self, keyword: &str) -> Vec<&str> {
        self.first(keyword).map(|list| list.split(',').filter(|name| !name.is_empty()).collect()).unwrap_or_default()
    }

    /// Puts `value` in the place of whatever `keyword` had.
    pub fn set(&mut self, keyword: &str, value: &str) {
        self.0.retain(|(name, _)| name != keyword);
        self.0.push((keyword.to_owned(), value.into()));
    }
}

/// Why ssh refuses the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Complaint {
    /// What kind of refusal it is.
    pub kind: ComplaintKind,
    /// The file and line that ssh named; [`Source::CommandLine`] for an option on the command line.
    pub at: Source,
    /// The line of that file, or the option of the command line, where it could be read.
    pub line: Option<ServerText>,
    /// Everything that ssh said, a line each, debug lines left out.
    pub said: Vec<ServerText>,
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComplaintKind {
    /// `Bad owner or permissions` (readconf.c `read_config_file_depth`).
    Permissions,
    /// An unknown keyword.
    UnknownOption,
    /// A known keyword with a value that ssh does not take.
    BadValue,
    /// A file that ssh was told to read and cannot.
    Unreadable,
    /// Anything else that made ssh stop.
    Other,
}

/// A `Host` or `Match` line that applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// File and line.
    pub at: Source,
    /// What ssh printed of it, `Applying options for web*`.
    pub text: ServerText,
}

/// A name that a `Host` line defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alias {
    /// The name, without wildcards.
    pub name: Host,
    /// File and line of the `Host` line.
    pub at: Source,
}

/// A multiplexing socket (`ControlPath`) of this login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlMaster {
    /// The socket, expanded.
    pub path: Path,
    /// Whether something accepts connections there: then the user's ssh would not log in anew.
    pub alive: bool,
    /// The error's name where there is a socket and nobody takes the connection, `ECONNREFUSED`: it is left of a master
    /// that is gone; `None` where one answers or none is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// Where `ControlMaster` makes ssh listen there once it is logged in: the error's name that keeps it from making a
    /// socket, `ENOENT`; `None` where nothing is known to.
    #[serde(default)]
    pub unbindable: Option<String>,
}
