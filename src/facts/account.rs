//! The server's own side of a login, as the collector (`collect/account.sh`) reports it from there: sshd and its
//! configuration, the account, the files that say which keys it takes, and what sshd logged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Options;
use super::key::PublicKey;
use super::text::{Address, GroupName, Host, Path, ServerText, User};
use super::{Moment, Observed, Unobserved};

/// What can be seen on the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The collector's run.
    pub collector: Collector,
    /// The sshd that decides.
    pub sshd: Sshd,
    /// The keys that are asked about (`--key`); one of which only the fingerprint was named has neither type nor blob.
    /// Empty: no key in particular.
    #[serde(default)]
    pub asked: Vec<PublicKey>,
    /// The account that is asked about. Of several (`--all`), each is judged in this place in its turn.
    pub login: Login,
    /// Every account that can log in (`--all`); empty where one account was asked about.
    #[serde(default)]
    pub logins: Vec<Login>,
    /// Everything that was looked at by name, each name once.
    pub paths: Vec<PathNode>,
    /// The groups that may write something of what was looked at.
    pub groups: Vec<Group>,
    /// What keeps out everybody, or the client's address.
    pub machine: Machine,
    /// sshd's log. `Err` where no log could be found or read.
    pub log: Observed<Log>,
}

/// The collector's run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Collector {
    /// The version of its output.
    pub version: u32,
    /// The user id that it ran as; 0 sees everything.
    pub uid: u32,
    /// The server's clock.
    pub at: Moment,
    /// The server's own name.
    pub host: Host,
    /// Its operating system, `Debian GNU/Linux 12`.
    pub os: String,
    /// Whether its output came to its last line.
    pub complete: bool,
    /// Lines of its output that could not be read: how many, and the number of the first one.
    pub unreadable: Option<(u32, u32)>,
    /// The key that it looked for: what it says of letters in files and of revocation is about this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PublicKey>,
    /// Whether the account itself could be asked what it can read (setpriv, as root).
    pub asks_account: bool,
}

/// The other login over which the server's side was looked at (`--admin`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Over {
    /// The login as it was named, `root@web1`.
    pub login: Host,
    /// Its user id on the server; `None` where it did not come that far. The collector ran as root all the same where
    /// `sudo -n` let it.
    pub uid: Option<u32>,
}

/// The sshd that decides about this login.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sshd {
    /// Its program file; `None` where none was found.
    pub binary: Option<Path>,
    /// What it says of its version, `OpenSSH_9.2, OpenSSL 3.0.15`; empty where it said nothing.
    pub version: ServerText,
    /// The distribution's mark in the program file, `Debian-2+deb12u7`; empty where there is none.
    pub vendor: ServerText,
    /// Whether the program file names libwrap, so that hosts.deny counts; `None` where it could not be read.
    pub libwrap: Option<bool>,
    /// Whether it names libpam.
    pub libpam: Option<bool>,
    /// The configuration file that it reads.
    pub config: Path,
    /// `sshd -t`: the exit status and what it said.
    pub test: Option<(i32, Vec<ServerText>)>,
    /// The configuration file and all that it includes, in the order in which sshd reads them.
    pub files: Vec<TextFile>,
    /// Whether the running daemon's command line has words of which its title does not show where they end (`-o` with a
    /// blank): `sshd -T` was asked without them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub options_unclear: bool,
    /// The daemons that listen.
    pub daemons: Vec<Daemon>,
    /// When the PidFile was last written, seconds since 1970: sshd writes it when it starts and at each SIGHUP.
    pub pid_file_written: Option<i64>,
    /// The host key files of the configuration.
    pub host_keys: Vec<HostKeyFile>,
}

/// A process that listens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Daemon {
    /// Its process id.
    pub pid: u32,
    /// Its program file.
    pub exe: Path,
    /// Its title, with the command line in it.
    pub title: ServerText,
    /// When it was started, seconds since 1970. A reload does not change it.
    pub started: Option<i64>,
}

/// A host key file and what `ssh-keygen -l` says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostKeyFile {
    /// The file.
    pub path: Path,
    /// `256 SHA256:… root@web1 (ED25519)`, or an error; `None` where it was not asked.
    pub fingerprint: Option<ServerText>,
}

/// One account and what decides about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// The name that was asked about.
    pub user: User,
    /// The address from which the login comes; `None` where none was named and the log shows none.
    pub from: Option<Address>,
    /// Whether that address was named, and not taken from the log.
    pub from_named: bool,
    /// The passwd entry; `None` where there is no such account.
    pub passwd: Observed<Option<Passwd>>,
    /// The state of its password.
    pub shadow: Observed<Shadow>,
    /// `sshd -T -C user=…,addr=…`: the settings that hold for this login.
    pub effective: Observed<Options>,
    /// The files of AuthorizedKeysFile, in sshd's order.
    pub keys_files: Vec<KeysFile>,
    /// Other files with keys, which sshd does not read for this account.
    pub other_files: Vec<KeysFile>,
    /// TrustedUserCAKeys.
    pub ca_files: Vec<KeysFile>,
    /// RevokedKeys.
    pub revoked_files: Vec<RevokedFile>,
    /// AuthorizedPrincipalsFile for this account; `None` where the setting is not used.
    pub principals: Option<KeysFile>,
    /// AuthorizedKeysCommand and AuthorizedPrincipalsCommand.
    pub commands: Vec<KeysCommand>,
    /// ChrootDirectory for this account, expanded.
    pub chroot: Option<Path>,
    /// What `faillock --user` printed.
    pub faillock: Vec<ServerText>,
}

/// A passwd entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passwd {
    /// The account's name as the entry writes it.
    pub name: User,
    /// Its user id.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
    /// Its home folder.
    pub home: Path,
    /// Its login shell; empty means `/bin/sh`.
    pub shell: Path,
    /// All its groups, the primary one included: id and name.
    pub groups: Vec<(u32, GroupName)>,
}

/// A group, and who is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its id.
    pub gid: u32,
    /// Its name; empty where the id has none.
    pub name: GroupName,
    /// The members that its entry lists.
    pub members: Vec<User>,
    /// The accounts whose primary group it is: user id and name.
    pub primary: Vec<(u32, User)>,
}

/// What shadow(5) says, without the hash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shadow {
    /// The password field's state.
    pub password: Password,
    /// Day of the last change since 1970; 0: must be changed at the next login.
    pub last_change: Option<i64>,
    /// Days after which the password must be changed.
    pub maximum: Option<i64>,
    /// Days after that in which it is still taken.
    pub inactive: Option<i64>,
    /// Day since 1970 on which the account expires.
    pub expires: Option<i64>,
}

/// The state of a password field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Password {
    /// A hash stands there.
    Set,
    /// Nothing stands there.
    Empty,
    /// It begins with `!`: locked (`passwd -l`).
    Locked,
    /// It begins with `*`: no password, and not locked.
    #[default]
    None,
}

/// One name of the file system, links not followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathNode {
    /// The name.
    pub path: Path,
    /// Its own metadata; `None` where there is none or it could not be had.
    pub stat: Option<NodeStat>,
    /// Why there is none: `ENOENT`, or `unknown` where it could not be told.
    pub error: Option<String>,
    /// Where it is a link, what it says.
    pub link: Option<Path>,
    /// Where it is a link, what it leads to; `None` where it leads nowhere.
    pub followed: Option<NodeStat>,
    /// The access control list beyond the mode, in getfacl's words, comma-separated.
    pub acl: Option<ServerText>,
    /// The SELinux label.
    pub label: Option<ServerText>,
}

/// What `stat` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeStat {
    /// `st_mode`, the kind included.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Last modification of the contents, seconds since 1970.
    pub modified: i64,
    /// Last change of owner, mode, name or contents, seconds since 1970.
    pub changed: i64,
}

impl NodeStat {
    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    /// The permission bits, `0o644`.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
}

/// A text file of the system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TextFile {
    /// The file.
    pub path: Path,
    /// Its metadata, links followed; `None` where it could not be had.
    pub stat: Option<NodeStat>,
    /// Why it was not read: `ENOENT`, `EACCES`.
    pub error: Option<String>,
    /// How deep in Include it was met; 0 for the first.
    pub depth: u32,
    /// Its lines, without their ends, at most 4000 bytes each.
    pub lines: Vec<ServerText>,
}

/// A file of public keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeysFile {
    /// Its name.
    pub path: Path,
    /// The pattern that named it, as the configuration has it; `None` where none did.
    pub pattern: Option<ServerText>,
    /// Where its links lead (realpath); `None` where that could not be found.
    pub real: Option<Path>,
    /// Why it was not read: `ENOENT`, `EACCES`.
    pub error: Option<String>,
    /// Whether the account itself can open it; `None` where nobody could ask.
    pub account_reads: Option<bool>,
    /// Its first bytes, at most 16.
    pub start: Vec<u8>,
    /// NUL bytes in it.
    pub nuls: u64,
    /// Its last byte where that is no line feed; `None` where it is one, or the file is empty.
    pub last: Option<u8>,
    /// How many bytes of it were read, where that is not all.
    pub cut_at: Option<u64>,
    /// The numbers of the lines that hold the key in question, where one was named, whatever else they hold.
    pub key_lines: Option<Vec<u32>>,
    /// Whether the letters of the key in question stand in it once line feeds, blanks and NULs are left out; `None`
    /// where no key was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_joined: Option<bool>,
    /// Of the lines that hold the key in question, those that stand below in part only, or not at all: their numbers, and
    /// the whole lines. Lines of 200 000 bytes
    /// and more are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub whole: Vec<(u32, ServerText)>,
    /// Its lines.
    pub lines: Vec<KeysLine>,
}

/// A line of a file of public keys, as far as the collector shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeysLine {
    /// The line, without its line feed, at most 20 000 bytes. A NUL in it is written as the byte 1.
    Text(ServerText),
    /// A comment.
    Comment,
    /// Nothing but that many letters of base64.
    Base64(u32),
    /// That many bytes that are no public key.
    Other(u32),
}

/// A RevokedKeys file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevokedFile {
    /// The file, with its lines where it is a list of keys.
    pub file: KeysFile,
    /// `ssh-keygen -Q` about the key in question: its exit status and what it said; `None` where it was not asked.
    pub query: Option<(i32, ServerText)>,
}

/// A program that sshd asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeysCommand {
    /// The setting that names it, in lower case, `authorizedkeyscommand`.
    pub setting: String,
    /// The setting's value.
    pub line: ServerText,
    /// The account that it runs as; empty where none is set.
    pub run_as: User,
    /// Whether there is such an account; `None` where none is set.
    pub run_as_exists: Option<bool>,
    /// What it answered for this account, where it was run: the exit status and the lines.
    pub answer: Option<(i32, Vec<KeysLine>)>,
}

/// What keeps out everybody, or one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Whether SELinux is there, and enforces.
    pub selinux: Option<bool>,
    /// AVC denials about sshd, newest last.
    pub denials: Vec<ServerText>,
    /// `/etc/nologin` and `/run/nologin`, where they exist.
    pub nologin: Vec<TextFile>,
    /// PAM's files for sshd, in the order in which they include one another.
    pub pam: Vec<TextFile>,
    /// Files that PAM modules and libwrap read: access.conf, time.conf, hosts.allow, hosts.deny.
    pub texts: Vec<TextFile>,
    /// What bans the client's address: a fail2ban jail, or the firewall's own lines.
    pub bans: Vec<Ban>,
    /// Whether bans were looked for.
    pub bans_sought: bool,
}

/// A ban of the client's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ban {
    /// fail2ban holds it in this jail.
    Fail2ban(ServerText),
    /// A line of the firewall names it.
    Firewall(ServerText),
}

/// sshd's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Log {
    /// `journal`, or the file.
    pub source: Path,
    /// The lines about this account, of the processes that served it, of starts, reloads and drops, and of other
    /// accounts' logins, oldest first.
    pub lines: Vec<ServerText>,
    /// Whether its newest lines could not be read in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Whether the lines are those of one login, picked from a log that was read elsewhere, and are all that is known of
    /// the server's side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

impl Account {
    /// Whether nothing is known of the server's side but the lines of one login in sshd's log.
    pub fn is_log_alone(&self) -> bool {
        self.log.as_ref().is_ok_and(|log| log.alone)
    }

    /// What was seen of that name.
    pub fn node(&self, path: &Path) -> Option<&PathNode> {
        self.paths.iter().find(|node| node.path == *path)
    }
}

impl Default for Login {
    /// An account of which nothing is known.
    fn default() -> Self {
        Self {
            user: User::default(),
            from: None,
            from_named: false,
            passwd: Err(Unobserved::NotAttempted),
            shadow: Err(Unobserved::NotAttempted),
            effective: Err(Unobserved::NotAttempted),
            keys_files: Vec::new(),
            other_files: Vec::new(),
            ca_files: Vec::new(),
            revoked_files: Vec::new(),
            principals: None,
            commands: Vec::new(),
            chroot: None,
            faillock: Vec::new(),
        }
    }
}

impl Default for Account {
    /// A server of which nothing is known.
    fn default() -> Self {
        Self {
            collector: Collector::default(),
            sshd: Sshd::default(),
            asked: Vec::new(),
            login: Login::default(),
            logins: Vec::new(),
            paths: Vec::new(),
            groups: Vec::new(),
            machine: Machine::default(),
            log: Err(Unobserved::NotAttempted),
        }
    }
}
