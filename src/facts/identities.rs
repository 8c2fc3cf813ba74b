//! Key files and certificates of the client: what is configured, what is there, and what it looks like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::authenticators::Authenticators;
use super::key::PublicKey;
use super::mount::Mount;
use super::text::{Path, ServerText, User};
use super::{Observed, Source};

/// The client's key files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identities {
    /// A row for each `IdentityFile`, in ssh's order (ssh.c `load_public_identity_files`).
    pub files: Vec<KeyFile>,
    /// A row for each `CertificateFile`.
    pub certificates: Vec<CertificateFile>,
    /// What ssh itself said that it tries, in its order; `None` where ssh was not heard, and its rules say it instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Vec<Listed>>,
    /// The keys of the `PKCS11Provider`'s token, as ssh itself named them: by type and fingerprint only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token: Vec<PublicKey>,
    /// Why ssh has no keys of that token, in its words: `provider … is not a PKCS11 library`, `pin required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_trouble: Option<ServerText>,
    /// The library that `PKCS11Provider` names; `None` where it names none, or one without a slash, which the loader looks up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_library: Option<FileState>,
    /// What ssh would reach a FIDO authenticator through; `None` where no key file needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticators: Option<Authenticators>,
    /// Public keys found under `~/.ssh` that no configuration names, newest first.
    pub others: Vec<KeyFile>,
    /// Whether the walk through `~/.ssh` was cut at its limit, so that `others` is not complete.
    pub others_cut: bool,
    /// Where the files lie that a configuration or a default names and that others may access.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Public halves in the homes that a person may take for the one that ssh reads: of the account that called sudo,
    /// and `$HOME`. ssh looks into neither.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<ElsewhereKey>,
}

/// An identity that ssh said it tries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// The public half, by type and fingerprint; `None` where ssh has none.
    pub key: Option<PublicKey>,
    /// Its file, as ssh names it; `None` where it has none.
    pub path: Option<Path>,
    /// Whether the agent holds it.
    pub agent: bool,
    /// Whether a token does.
    pub token: bool,
    /// Whether ssh passed over it, as client and server share no signature algorithm for it.
    pub passed_over: bool,
}

/// A `.pub` in another home than the one that ssh reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ElsewhereKey {
    /// The account whose home it is; `None` where only `$HOME` names it.
    pub account: Option<User>,
    /// That home.
    pub home: Path,
    /// The private key's path, the `.pub` taken off.
    pub path: Path,
    /// Whether something has that path.
    pub private_there: bool,
    /// The public half.
    pub public: PublicFile,
}

/// One private key file, by its path, and what lies beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyFile {
    /// The path after `~`, tokens and `${VAR}` are expanded.
    pub path: Path,
    /// The value as the configuration has it; empty for a file that no configuration names.
    pub configured: ServerText,
    /// Where it is configured; [`Source::Default`] for ssh's own list.
    pub source: Source,
    /// Whether the user named it (`-i`, `IdentityFile`); ssh complains about a missing one only then.
    pub explicit: bool,
    /// The file, links followed.
    pub state: FileState,
    /// The private file's header; `Err` where it could not be opened or was not read.
    pub private: Observed<PrivateFile>,
    /// `PATH.pub` (or `PATH` itself where it is a public key).
    pub public: PublicFile,
    /// `PATH-cert.pub`, which ssh takes along (ssh.c `load_public_identity_files`).
    pub certificate: PublicFile,
}

impl KeyFile {
    /// The public half as far as it is known without a passphrase: the `.pub` beside it first (authfile.c
    /// `sshkey_load_public`), else the header of an OpenSSH-format file, else derived from an unencrypted PEM. A file
    /// with a defect tells ssh nothing, so nothing is taken from it here.
    pub fn public_half(&self) -> Option<&PublicKey> {
        self.public.key.as_ref().or_else(|| self.sound().and_then(|private| private.public.as_ref()))
    }

    /// The public half that ssh itself knows before it reads the private key: as [`KeyFile::public_half`], without
    /// what was derived. Where there is none, ssh cannot ask the server first, and does not know the file's key in
    /// the agent either.
    pub fn known_half(&self) -> Option<&PublicKey> {
        let header = || self.sound().filter(|private| private.format == KeyFormat::OpenSsh);
        self.public.key.as_ref().or_else(|| header().and_then(|private| private.public.as_ref()))
    }

    /// Whether the private half is on this machine, in whatever state.
    pub fn is_private_here(&self) -> bool {
        let is_public = |private: &PrivateFile| private.format == KeyFormat::PublicKey;
        is_there(&self.state) && !self.private.as_ref().is_ok_and(is_public)
    }

    fn sound(&self) -> Option<&PrivateFile> {
        self.private.as_ref().ok().filter(|private| private.defects.is_empty())
    }
}

/// A file's metadata, or the error that `stat` gave.
pub type FileState = Result<FileStat, FileError>;

/// What `stat` says of a file, links followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileStat {
    /// What it is.
    pub kind: FileKind,
    /// `st_mode & 0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Last modification in seconds since 1970; `None` where the platform has none.
    pub modified: Option<i64>,
    /// Where the path is a symbolic link, what it leads to.
    pub link_to: Option<Path>,
}

/// The kinds of file that `stat` tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A folder.
    Directory,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device or anything else.
    Other,
    /// A source that names the file did not look at it: nothing else in its row means anything, not even that it is there.
    Unseen,
}

impl FileStat {
    /// The row of a file that was named and not looked at.
    pub fn unseen() -> Self {
        Self { kind: FileKind::Unseen, mode: 0, uid: 0, gid: 0, size_bytes: 0, modified: None, link_to: None }
    }
}

/// Whether the file was looked at, with whatever result.
pub fn is_seen(state: &FileState) -> bool {
    state.as_ref().map_or(true, |stat| stat.kind != FileKind::Unseen)
}

/// Whether the file was looked at and is there.
pub fn is_there(state: &FileState) -> bool {
    state.as_ref().is_ok_and(|stat| stat.kind != FileKind::Unseen)
}

/// Why a file could not be looked at or opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileError {
    /// The error's name, `ENOENT`, `EACCES`.
    pub errno: String,
    /// For EACCES: the folder on the way (or the file itself) that forbids it, where it could be found.
    pub at: Option<Path>,
}

impl FileError {
    /// Whether nothing has that name.
    pub fn is_missing(&self) -> bool {
        matches!(self.errno.as_str(), "ENOENT" | "ENOTDIR")
    }
}

/// What the beginning (and the last line) of a private key file say. Nothing behind the public half was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrivateFile {
    /// The format.
    pub format: KeyFormat,
    /// Whether a passphrase protects it; `None` where the format does not tell.
    pub encrypted: Option<bool>,
    /// The public half in it, or derived from it (an unencrypted PEM without `.pub`).
    pub public: Option<PublicKey>,
    /// What was seen that ssh does not take, in the order of the file.
    pub defects: Vec<Defect>,
    /// The first line, at most 80 bytes, where the format is none that ssh knows.
    pub first_line: Option<ServerText>,
}

/// Formats of a file that is meant to be a private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFormat {
    /// `-----BEGIN OPENSSH PRIVATE KEY-----` (PROTOCOL.key).
    OpenSsh,
    /// A PEM block with another label, `RSA PRIVATE KEY`, `PRIVATE KEY` (PKCS#8).
    Pem(String),
    /// `PuTTY-User-Key-File-` and its version.
    Ppk(u32),
    /// A public key line or an RFC 4716 block.
    PublicKey,
    /// Nothing in it.
    Empty,
    /// Something else.
    Other,
}

/// What ssh does not take in a private key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// A byte order mark before the first line.
    ByteOrderMark,
    /// Two bytes a character (UTF-16).
    Utf16,
    /// Lines end in CR LF.
    CarriageReturns,
    /// Text or blank space before the BEGIN line.
    LeadingText,
    /// The whole block on one line.
    OneLine,
    /// The base64 does not decode to what the format demands.
    BadEncoding,
    /// The file is shorter than its header says.
    Truncated,
    /// The END line is missing or another.
    NoEndLine,
    /// The last line has no line feed.
    NoFinalNewline,
}

/// A public key or certificate file beside a private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicFile {
    /// Its path.
    pub path: Path,
    /// The file, links followed.
    pub state: FileState,
    /// The key in it; `None` where there is none that could be read.
    pub key: Option<PublicKey>,
}

/// A configured certificate file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateFile {
    /// The value as the configuration has it.
    pub configured: ServerText,
    /// The file and what is in it.
    pub file: PublicFile,
}
