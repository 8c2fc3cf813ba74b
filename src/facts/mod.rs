//! What we know: everything that was observed about one login, as inert data.
//!
//! Facts have no adjectives (`0644` is a fact, "too open" is a judgement), do no I/O, know no clock and hold no
//! secret. A fact that is missing says why ([`Unobserved`]); absence is never denial. Judgement reads nothing
//! but this, so a saved case gives the same verdict next year.

pub mod account;
pub mod agent;
pub mod authenticators;
pub mod checkup;
pub mod config;
pub mod connect;
pub mod host_key;
pub mod identities;
pub mod key;
pub mod log;
pub mod mount;
pub mod offer;
pub mod opinion;
pub mod proxy;
pub mod reached;
pub mod resolve;
pub mod session;
pub mod text;
pub mod transport;
pub mod userauth;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use text::{Host, Path, ServerText, User};

/// A fact, or why it is not known.
pub type Observed<T> = Result<T, Unobserved>;

/// Why a fact is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unobserved {
    /// Nobody looked: it was not needed, not asked for, or made unknown by a mend.
    NotAttempted,
    /// The run ended at this stage, before it could look.
    NotReached(Stage),
    /// This source (a log, the client's half) does not show it.
    NotInThisSource,
    /// The operating system did not let us look.
    NotPermitted,
    /// The platform has no such thing.
    NotOnThisPlatform,
    /// The time limit passed first.
    TimedOut,
    /// The person interrupted the run.
    Interrupted,
    /// Looking failed; the reason in words.
    Failed(String),
}

impl fmt::Display for Unobserved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAttempted => write!(formatter, "not looked at"),
            Self::NotReached(stage) => write!(formatter, "not reached: it ended at {stage}"),
            Self::NotInThisSource => write!(formatter, "not visible from here"),
            Self::NotPermitted => write!(formatter, "not permitted to look"),
            Self::NotOnThisPlatform => write!(formatter, "not on this platform"),
            Self::TimedOut => write!(formatter, "time ran out"),
            Self::Interrupted => write!(formatter, "interrupted"),
            Self::Failed(reason) => write!(formatter, "{reason}"),
        }
    }
}

/// The stages of a login, in the order of the chain; also where a cause is seen and where it bites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The client's configuration.
    Config,
    /// Key files, certificates and what ssh would offer.
    Identity,
    /// The ssh-agent.
    Agent,
    /// Name resolution.
    Resolve,
    /// TCP, or the proxy in its place.
    Connect,
    /// Identification strings and key exchange.
    Transport,
    /// The server's host key.
    HostKey,
    /// User authentication.
    Auth,
    /// The server's own side: `sshd_config`, account, `authorized_keys`, log.
    Server,
    /// The session channel and what runs in it.
    Session,
}

impl Stage {
    /// The name in reports, as interface documents write it (`host-key`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Identity => "identity",
            Self::Agent => "agent",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Transport => "transport",
            Self::HostKey => "host-key",
            Self::Auth => "auth",
            Self::Server => "server",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Where a fact was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A file, and its 1-based line where one line says it.
    File {
        /// The file.
        path: Path,
        /// The 1-based line; `None` where the file as a whole says it.
        line: Option<u32>,
    },
    /// What a command printed; the command as a person would type it.
    Command(String),
    /// The user's own command line.
    CommandLine,
    /// An environment variable, by name.
    Environment(String),
    /// A message of the protocol, by the name that the RFC gives it.
    Message(String),
    /// Nothing says it: the program's built-in default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(formatter, "{path}:{line}"),
            Self::File { path, line: None } => write!(formatter, "{path}"),
            Self::Command(command) => write!(formatter, "{command}"),
            Self::CommandLine => write!(formatter, "the command line"),
            Self::Environment(name) => write!(formatter, "${name}"),
            Self::Message(name) => write!(formatter, "{name}"),
            Self::Default => write!(formatter, "the default"),
        }
    }
}

/// A moment, as seconds since 1970 and as it was written where it was observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix_seconds: i64,
    /// RFC 3339 with the observer's offset, `2026-11-22T13:20:05+03:00`.
    pub local: String,
}

/// What kind of source the facts came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// This machine and one connection, just now.
    #[default]
    Live,
    /// A transcript of ssh or a log of sshd.
    Log,
    /// The collector on a server.
    Server,
    /// A saved case.
    Case,
    /// A client's and a server's half.
    Joined,
}

/// Everything known about one login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// When the observation began.
    pub observed_at: Moment,
    /// What kind of source these facts came from.
    pub origin: Origin,
    /// The circumstances of the run: who, where, and whether a person could have been asked.
    pub run: Run,
    /// Which login is meant. Missing in a check-up.
    pub target: Observed<Target>,
    /// The client's configuration as ssh evaluates it.
    pub config: config::Config,
    /// Key files and certificates.
    pub identities: Observed<identities::Identities>,
    /// The agent.
    pub agent: Observed<agent::Agent>,
    /// Name resolution.
    pub resolve: Observed<resolve::Resolve>,
    /// The TCP connection.
    pub connect: Observed<connect::Connect>,
    /// Identification and key exchange.
    pub transport: Observed<transport::Transport>,
    /// The host key met and the host keys known.
    pub host_key: host_key::HostKey,
    /// User authentication.
    pub userauth: Observed<userauth::Userauth>,
    /// User authentication for the account of `--try-user`: queries over one connection, where the account that is meant
    /// accepts nothing.
    #[serde(default = "not_tried", skip_serializing_if = "Result::is_err")]
    pub tried: Observed<Box<userauth::Userauth>>,
    /// The session after a login.
    pub session: Observed<session::Session>,
    /// What the installed ssh said, where it was asked for what the probe cannot do.
    #[serde(default = "unasked", skip_serializing_if = "is_unasked")]
    pub opinion: Observed<opinion::Opinion>,
    /// The server's own side.
    pub account: Observed<Box<account::Account>>,
    /// The other login over which the server's own side was looked at; `None` where no other was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<account::Over>,
    /// What was read, where nothing was observed here. `None` but for transcripts and logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Box<log::Log>>,
    /// The client's side as a whole. `None` where a login is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkup: Option<Box<checkup::Checkup>>,
    /// The logins before the target's, outermost first, each judged by the same chain.
    pub hops: Vec<Facts>,
    /// What the run cost the server; `None` where nothing was contacted.
    pub footprint: Option<Footprint>,
    /// What stands here in the place of names; `None` where the names themselves do. Hops say nothing of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redacted>,
    /// How long each check's collection took: check id to milliseconds.
    pub millis: BTreeMap<String, f64>,
    /// The causes whose mends have been applied to these facts, so that a judgement can tell what was seen from what
    /// would be. Never saved: what is saved was seen.
    #[serde(skip)]
    pub mended: Vec<&'static str>,
}

impl Facts {
    /// Whether the client's side was read in a paste, and nothing was looked at.
    pub fn is_read(&self) -> bool {
        self.origin == Origin::Log || self.log.is_some()
    }
}

fn not_tried() -> Observed<Box<userauth::Userauth>> {
    Err(Unobserved::NotAttempted)
}

impl Default for Facts {
    /// Facts of which nothing has been looked at.
    fn default() -> Self {
        Self {
            observed_at: Moment::default(),
            origin: Origin::default(),
            run: Run::default(),
            target: Err(Unobserved::NotAttempted),
            config: config::Config::default(),
            identities: Err(Unobserved::NotAttempted),
            agent: Err(Unobserved::NotAttempted),
            resolve: Err(Unobserved::NotAttempted),
            connect: Err(Unobserved::NotAttempted),
            transport: Err(Unobserved::NotAttempted),
            host_key: host_key::HostKey::default(),
            userauth: Err(Unobserved::NotAttempted),
            tried: Err(Unobserved::NotAttempted),
            session: Err(Unobserved::NotAttempted),
            opinion: unasked(),
            account: Err(Unobserved::NotInThisSource),
            over: None,
            log: None,
            checkup: None,
            hops: Vec::new(),
            footprint: None,
            redacted: None,
            millis: BTreeMap::new(),
            mended: Vec::new(),
        }
    }
}

/// The second opinion of a case that was saved before there was one.
fn unasked() -> Observed<opinion::Opinion> {
    Err(Unobserved::NotAttempted)
}

/// Whether nobody asked: then a saved case says nothing of it, as before.
fn is_unasked<T>(fact: &Observed<T>) -> bool {
    matches!(fact, Err(Unobserved::NotAttempted))
}

/// The circumstances of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The account that ran it.
    pub user: User,
    /// Its real user id; ssh compares key files' owners with it.
    pub uid: u32,
    /// Its home folder by the passwd entry, which is what ssh uses for `~`.
    pub home: Path,
    /// `$HOME`, which ssh does not use for `~`; `None` where unset.
    pub home_variable: Option<Path>,
    /// The account that called sudo, where `SUDO_USER` is set.
    pub sudo_user: Option<User>,
    /// This machine's name.
    pub host: Host,
    /// The operating system, `Debian GNU/Linux 12`.
    pub os: String,
    /// Whether `/dev/tty` could be opened, so that ssh can ask a question there.
    pub terminal: bool,
    /// Whether standard input is a terminal: then ssh asks the server for one where a shell is meant (ssh.c `main`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stdin_is_terminal: bool,
    /// The askpass program that ssh would run for a question (readpass.c `read_passphrase`); `None` where it would not.
    pub askpass: Option<Path>,
    /// `SSH_CONNECTION`, where this shell was itself reached by ssh.
    pub ssh_connection: Option<ServerText>,
    /// What keeps this shell running beyond the login that it was started in; `None` where nothing is known to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiplexer: Option<reached::Multiplexer>,
    /// What may have kept an agent away; `None` where this shell was not reached by ssh, or `SSH_AUTH_SOCK` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<reached::Reached>,
    /// `SSH_AUTH_SOCK` of the environment; `None` where unset.
    pub auth_sock: Option<Path>,
    /// The file with Kerberos tickets that GSSAPI would use, where there is one; a cache of another kind than a file stands
    /// here by its name, `KCM:1000`, where the environment names it.
    #[serde(default)]
    pub kerberos_cache: Option<Path>,
    /// Whether there is a Kerberos ticket; `None` where nobody looked: `GSSAPIAuthentication` is off, the server does not
    /// take GSSAPI, the login went through, or there is neither klist nor a Kerberos configuration on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kerberos_ticket: Option<Ticket>,
    /// The home folders of other accounts that option values name as `~account`, as far as there are such accounts.
    #[serde(default)]
    pub homes: Vec<(User, Path)>,
    /// What the run was allowed to do.
    pub limits: Limits,
}

/// What Kerberos has to give GSSAPI, by klist(1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ticket {
    /// `klist -s` ends with 0: the default cache holds a ticket that has not expired.
    Valid,
    /// `klist -s` ends with 1: there is none, or it has expired; nor has another cache of the collection one, and there is
    /// no client keytab from which GSSAPI would fetch one.
    Missing,
    /// It cannot be told, and why: a clause.
    Unknown(String),
}

/// What the user allowed a run to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each mirrors one switch of the command line")]
pub struct Limits {
    /// Whether a signature may be made and a login finished (not `--no-login`).
    pub login: bool,
    /// Whether `true` may be run in the session (not `--no-exec`).
    pub exec: bool,
    /// Whether only keys that ssh would offer may be asked about (`--only-offered`).
    pub only_offered: bool,
    /// Whether asking may go on past two connections (`--all-keys`).
    pub all_keys: bool,
    /// The limit of the whole run in seconds (`--timeout`).
    pub timeout_seconds: u64,
    /// The one public key that may be asked about (`--offer`); then no other key is, and nothing is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Box<offer::OfferedKey>>,
    /// Another account that may be asked for where the one that is meant accepts nothing (`--try-user`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub try_user: Option<User>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login: true,
            exec: true,
            only_offered: false,
            all_keys: false,
            timeout_seconds: 30,
            offer: None,
            try_user: None,
        }
    }
}

/// The login that is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The destination as it was typed, `deploy@web1`.
    pub input: Host,
    /// The host part as it was typed, before configuration maps it: what `Host` blocks match.
    pub alias: Host,
    /// The account on the server that will be asked for.
    pub user: User,
    /// Who chose that account.
    pub user_from: UserFrom,
    /// The name or address that is dialled, after `HostName`.
    pub host: Host,
    /// The TCP port.
    pub port: u16,
    /// The jump hosts before it, outermost first (`ProxyJump`).
    pub via: Vec<Host>,
    /// The program whose command line it was: `ssh`, `scp`, `sftp`.
    pub program: String,
    /// What ssh would have run there; never run by us. `None` where a shell was meant.
    pub command: Option<ServerText>,
    /// Whether the command is the name of a subsystem, as with `ssh -s`, sftp, and scp but for its old protocol.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subsystem: bool,
    /// The path of the repository that the destination names, as Git's own programs are given it on the server:
    /// `team/app.git` of `git@host:team/app.git`, `/team/app.git` of `ssh://git@host/team/app.git`. `None` where it
    /// names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<ServerText>,
}

/// Who chose the account that will be asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserFrom {
    /// `user@host` or `-l`.
    CommandLine,
    /// `User` in a configuration file, or `-o User=`.
    Config,
    /// Nobody: ssh sends the local account's name.
    #[default]
    LocalAccount,
}

/// Names, addresses, keys and parts of paths are pseudonyms (`--redact`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redacted {
    /// The mark of the map that gave them (`--redact-map`): cases with one mark call one thing alike. `None` where no map
    /// was kept: then only keys have the same pseudonym in another case.
    pub map: Option<String>,
}

/// What a run cost the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Footprint {
    /// TCP connections that were established.
    pub connections: u32,
    /// `SSH_MSG_USERAUTH_REQUEST` messages sent, `none` included.
    pub auth_requests: u32,
    /// `SSH_MSG_USERAUTH_FAILURE` answers received other than to `none` and without partial success.
    pub auth_failures: u32,
    /// Public keys and certificates that were shown to the server.
    pub public_keys_disclosed: u32,
    /// Commands or shells that were started there.
    pub commands_run: u32,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The peer closed it (FIN).
    Closed,
    /// The peer, or something between, reset it (RST), or it broke otherwise; the error's name, `ECONNRESET`.
    Reset(String),
    /// Nothing more came within the time limit.
    TimedOut,
    /// `SSH_MSG_DISCONNECT` (RFC 4253 section 11.1).
    Disconnect {
        /// The reason code; 1 to 15 are assigned, servers send others too.
        code: u32,
        /// The description.
        text: ServerText,
    },
    /// What came is no SSH packet: an impossible length, a wrong MAC, wrong padding; in words.
    NotSsh(String),
    /// The peer sends message after message and no answer: so many came before it was left.
    Flood(u32),
    /// The key exchange failed otherwise (a wrong signature, an unknown group); in words.
    KeyExchange(String),
}

/// The fact itself where it is known, for `?` in a judgement.
pub fn known<T>(fact: &Observed<T>) -> Observed<&T> {
    fact.as_ref().map_err(Clone::clone)
}
