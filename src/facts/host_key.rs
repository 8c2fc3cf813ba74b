//! The host key that the server proved, and the host keys that the client knows for its names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identities::FileState;
use super::key::PublicKey;
use super::text::{Host, Path, ServerText};
use super::{Observed, Source, Unobserved};

/// The host key met, and what known_hosts files say of the names it was met under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostKey {
    /// The key whose signature the server made. `Err` where the key exchange did not come that far.
    pub offered: Observed<OfferedHostKey>,
    /// What the known_hosts files hold for this server.
    pub known: Observed<KnownHosts>,
    /// What ssh learnt about it beyond the files (`KnownHostsCommand`, `VerifyHostKeyDNS`), by its own words.
    #[serde(default = "not_asked", skip_serializing_if = "super::is_unasked")]
    pub elsewhere: Observed<Elsewhere>,
    /// What ssh said of a host certificate that it did not take; of transcripts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_certificate: Option<RefusedCertificate>,
    /// Whether ssh said that the key is shorter than `RequiredRSASize`; of transcripts only, which do not print its length.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_short: bool,
}

/// A host certificate that ssh did not take, in its own words (sshconnect.c `check_host_cert`, `verify_host_key`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedCertificate {
    /// Why, `expired`, `name is not a listed principal`.
    pub why: ServerText,
    /// The certificate as ssh prints it: type, fingerprint, serial number, id, CA and validity; `None` where it was not
    /// printed.
    pub shown: Option<ServerText>,
}

impl Default for HostKey {
    fn default() -> Self {
        let (offered, known) = (Err(Unobserved::NotAttempted), Err(Unobserved::NotAttempted));
        Self { offered, known, elsewhere: not_asked(), refused_certificate: None, too_short: false }
    }
}

/// Nobody asked beyond the files.
fn not_asked() -> Observed<Elsewhere> {
    Err(Unobserved::NotAttempted)
}

/// What was learnt about a host key beyond the known_hosts files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Elsewhere {
    /// This source names the key.
    Matches(Source),
    /// This source names another key for the host.
    Differs(Source),
    /// No source names one.
    Nothing,
}

/// The key that the server proved to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferedHostKey {
    /// The host key algorithm that was negotiated, `rsa-sha2-512`.
    pub algorithm: String,
    /// The key, or the certificate with the key in it.
    pub key: PublicKey,
    /// Whether `RevokedHostKeys` names it; `Err` where there is no such file or it could not be read.
    pub revoked_by_file: Observed<Option<Source>>,
}

/// What the known_hosts files hold for the names of this server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownHosts {
    /// The names under which ssh looks (sshconnect.c `get_hostfile_hostname_ipaddr`): `[host]:port`, `HostKeyAlias`,
    /// and the address where `CheckHostIP` is on.
    pub names: Vec<Host>,
    /// The files that were read, the user's first, in ssh's order.
    pub files: Vec<KnownHostsFile>,
    /// The lines that match one of the names.
    pub entries: Vec<KnownHost>,
    /// Names without wildcards that known_hosts lines give in clear, for a misspelt host; at most 2000.
    pub other_names: Vec<Host>,
    /// The `RevokedHostKeys` files, in the option's order.
    #[serde(default)]
    pub revoked_host_keys: Vec<RevokedHostKeys>,
}

/// One file of `RevokedHostKeys`. ssh takes no host key at all where it cannot read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevokedHostKeys {
    /// Its path, expanded.
    pub path: Path,
    /// Why it cannot be opened, by the error's name (`ENOENT`, `EACCES`); `None` where it can.
    pub error: Option<String>,
}

/// One known_hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownHostsFile {
    /// Its path, expanded.
    pub path: Path,
    /// Whether it is one of `GlobalKnownHostsFile`.
    pub global: bool,
    /// The file.
    pub state: FileState,
    /// Lines that are neither blank nor a comment, and not understood.
    pub unreadable_lines: Vec<u32>,
}

/// One known_hosts line that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownHost {
    /// File and line.
    pub at: Source,
    /// The marker before it.
    pub marker: Marker,
    /// Which of the looked-up names it matched.
    pub name: Host,
    /// Whether the line holds a hash (`|1|…`) in place of the name.
    pub hashed: bool,
    /// The key.
    pub key: PublicKey,
}

/// The marker of a known_hosts line (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Marker {
    /// No marker: a host's key.
    #[default]
    None,
    /// `@cert-authority`: a CA whose host certificates are trusted.
    CertAuthority,
    /// `@revoked`: a key that must not be used.
    Revoked,
}
