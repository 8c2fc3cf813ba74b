//! Key files and certificates: metadata, the header of private keys, public halves (ssh.c
//! `load_public_identity_files`, authfile.c `sshkey_load_public`).
//!
//! Touches: IdentityFile and CertificateFile values, and public keys under `~/.ssh`. A private key is read no further
//! than its public half and its last line, but for a signature, or to derive the public half of an unencrypted PEM
//! without `.pub`; then in zeroizing memory.

#[cfg(test)]
mod against_ssh;
mod files;
mod others;
mod private;

use std::path::Path as StdPath;

use signature::Signer;
use ssh_key::Signature;

use crate::facts::identities::{
    CertificateFile, FileError, FileKind, FileStat, FileState, Identities, KeyFile, KeyFormat, PrivateFile, PublicFile,
};
use crate::facts::key::PublicKey;
use crate::facts::text::{Path, ServerText};
use crate::facts::userauth::Signed;
use crate::facts::{Facts, Observed, Source, Unobserved};
use crate::openssh::identities::name_in_signature;
use crate::openssh::{defaults, key_format, public_key, tokens};

/// ssh.h `SSH_MAX_IDENTITY_FILES`.
const FILES_LIMIT: usize = 100;
/// The options of ssh(1) that take a value.
const WITH_VALUE: &[u8] = b"BbcDEeFIiJLlmOoPpQRSWw";

/// Looks at every configured key file and at the other public keys under `~/.ssh`.
pub fn collect(facts: &Facts) -> Observed<Identities> {
    let env = |name: &str| std::env::var_os(name).map(std::os::unix::ffi::OsStringExt::into_vec);
    Ok(look(facts, &env))
}

fn look(facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Identities {
    let values = |keyword| facts.config.options.all(keyword).filter(|value| !value.eq_ignore_ascii_case("none"));
    let configured: Vec<&str> = values("identityfile").take(FILES_LIMIT).collect();
    let default = is_default_list(&configured);
    let named = named_on_command_line(facts);
    let mut identities = Identities::default();
    for missing in named.iter().filter(|word| word.option) {
        identities.files.extend(missing_argument(&missing.value, facts, env));
    }
    for value in configured {
        let source = match default {
            true => Source::Default,
            false if named.iter().any(|word| word.is(value, facts, env)) => Source::CommandLine,
            false => Source::Command("ssh -G".to_owned()),
        };
        let file = match tokens::path(value, facts, env) {
            Ok(path) => key_file(&path, value.into(), source, !default),
            Err(words) => unexpanded(value, source, !default, &words),
        };
        identities.files.push(file);
    }
    for value in values("certificatefile").take(FILES_LIMIT) {
        let file = match tokens::path(value, facts, env) {
            Ok(path) => loaded_public(&path.to_path_buf()),
            Err(_) => nothing_at(value.into()),
        };
        identities.certificates.push(CertificateFile { configured: value.into(), file });
    }
    others::find(facts, &mut identities);
    identities
}

/// Whether nobody configured these: ssh's own list, of which versions and builds leave out types.
fn is_default_list(values: &[&str]) -> bool {
    let known = |value: &&str| defaults::IDENTITY_FILES.contains(value) || *value == "~/.ssh/id_mldsa44_ed25519";
    values.len() >= 4 && values.iter().all(known)
}

/// A key file that the command line names.
struct Word {
    value: String,
    /// With `-i`, not with `-o IdentityFile=`.
    option: bool,
}

impl Word {
    /// Whether `ssh -G` prints `value` for it: `~` is expanded where it stood behind `-i`.
    fn is(&self, value: &str, facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> bool {
        self.value == value || (self.option && self.expanded(facts, env).is_some_and(|path| path == *value))
    }

    fn expanded(&self, facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<Path> {
        // ssh.c main expands only `~` here, so a per cent sign stands for itself.
        if self.value.starts_with('~') {
            tokens::path(&self.value, facts, env).ok()
        } else {
            Some(self.value.as_str().into())
        }
    }
}

fn named_on_command_line(facts: &Facts) -> Vec<Word> {
    let mut words = facts.config.arguments.iter().filter_map(ServerText::as_str);
    let mut named = Vec::new();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| letters.is_ascii()) else { continue };
        let Some(at) = letters.bytes().position(|letter| WITH_VALUE.contains(&letter)) else { continue };
        let attached = &letters[at + 1..];
        let Some(value) = (if attached.is_empty() { words.next() } else { Some(attached) }) else { break };
        match letters.as_bytes()[at] {
            b'i' => named.push(Word { value: value.to_owned(), option: true }),
            b'o' => named.extend(identity_option(value).map(|value| Word { value: value.to_owned(), option: false })),
            _ => {}
        }
    }
    named
}

/// The value of `IdentityFile=value`, `IdentityFile value`.
fn identity_option(option: &str) -> Option<&str> {
    let option = option.trim_start();
    let end = option.find(|character: char| character == '=' || character.is_ascii_whitespace())?;
    let (keyword, value) = option.split_at(end);
    let value = value.trim_start().strip_prefix('=').unwrap_or(value).trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    keyword.eq_ignore_ascii_case("identityfile").then_some(value)
}

/// A row for a file that `-i` names and that is not there: ssh warns and goes on without it, whatever lies beside it.
fn missing_argument(value: &str, facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<KeyFile> {
    let word = Word { value: value.to_owned(), option: true };
    let path = word.expanded(facts, env)?;
    let state = files::state(&path.to_path_buf());
    let missing = state.is_err();
    missing.then(|| KeyFile {
        configured: value.into(),
        source: Source::CommandLine,
        explicit: true,
        state,
        private: Err(Unobserved::NotAttempted),
        public: nothing_at(path.clone()),
        certificate: nothing_at(path.clone()),
        path,
    })
}

/// A value that ssh itself cannot expand.
fn unexpanded(value: &str, source: Source, explicit: bool, words: &str) -> KeyFile {
    let path = Path::from(value);
    KeyFile {
        configured: value.into(),
        source,
        explicit,
        state: Err(missing()),
        private: Err(Unobserved::Failed(words.to_owned())),
        public: nothing_at(path.clone()),
        certificate: nothing_at(path.clone()),
        path,
    }
}

fn missing() -> FileError {
    FileError { errno: "ENOENT".to_owned(), at: None }
}

fn nothing_at(path: Path) -> PublicFile {
    PublicFile { path, state: Err(missing()), key: None }
}

/// Looks at a private key file and what lies beside it.
fn key_file(path: &Path, configured: ServerText, source: Source, explicit: bool) -> KeyFile {
    let on_disk = path.to_path_buf();
    let state = files::state(&on_disk);
    let mut private = header(&on_disk, &state);
    let public = public_half(&on_disk, &state, &mut private);
    let certificate = loaded_public_beside(&files::with_suffix(&on_disk, "-cert"));
    if let Ok(file) = &mut private
        && public.key.is_none()
        && matches!(file.format, KeyFormat::Pem(_))
        && file.encrypted == Some(false)
        && file.defects.is_empty()
    {
        file.public = derived(&on_disk);
    }
    KeyFile { path: path.clone(), configured, source, explicit, state, private, public, certificate }
}

fn header(path: &StdPath, state: &FileState) -> Observed<PrivateFile> {
    match state {
        Ok(FileStat { kind: FileKind::Regular, .. }) => files::private(path),
        _ => Err(Unobserved::NotAttempted),
    }
}

/// The file itself where it is a public key, else the `.pub` beside it.
fn public_half(path: &StdPath, state: &FileState, private: &mut Observed<PrivateFile>) -> PublicFile {
    if let Ok(file) = private
        && may_be_public(file)
        && let Some(key) = files::public_key(path)
    {
        file.format = KeyFormat::PublicKey;
        file.first_line = None;
        return PublicFile { path: Path::from_path(path), state: state.clone(), key: Some(key) };
    }
    files::public(&files::with_suffix(path, ".pub"))
}

/// Whether it begins as a public key file does: with a key, or with a comment.
fn may_be_public(file: &PrivateFile) -> bool {
    let comment = || file.first_line.as_ref().is_some_and(|line| line.as_bytes().starts_with(b"#"));
    file.format == KeyFormat::PublicKey || (file.format == KeyFormat::Other && comment())
}

/// authfile.c `sshkey_load_public`: the file itself, the `.pub` beside it, the header of a private key.
fn loaded_public(path: &StdPath) -> PublicFile {
    let own = files::public(path);
    if own.key.is_some() {
        return own;
    }
    let beside = files::public(&files::with_suffix(path, ".pub"));
    if beside.key.is_some() { beside } else { own }
}

/// `PATH-cert` or `PATH-cert.pub`; where neither holds a key, what there is of the second.
fn loaded_public_beside(path: &StdPath) -> PublicFile {
    let own = files::public(path);
    if own.key.is_some() { own } else { files::public(&files::with_suffix(path, ".pub")) }
}

fn derived(path: &StdPath) -> Option<PublicKey> {
    let text = files::secret(path).ok()?;
    let key = private::parse(&text).ok()?;
    public_key::from_blob(&private::public_blob(&key)?, b"")
}

/// Signs `data` as `algorithm` with the unencrypted private key in `file`; the signature blob (string algorithm,
/// string signature).
///
/// As ssh does, it uses no file whose mode is open to others, and no key that is not the public half's.
///
/// # Errors
/// `OtherKey` where the private half does not belong to the public one, `FileFailed` where it cannot be used.
pub fn sign(file: &KeyFile, algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Signed> {
    let path = file.path.to_path_buf();
    let failed = |words: String| Signed::FileFailed(words);
    let state = files::state(&path).map_err(|error| failed(format!("{}: {}", file.path, error.errno)))?;
    if !key_format::perm_ok(&state, nix::unistd::getuid().as_raw()) {
        return Err(failed(format!("{}: its mode {:04o} is open to others", file.path, state.mode)));
    }
    let text = files::secret(&path).map_err(failed)?;
    let key = private::parse(&text).map_err(|words| failed(format!("{}: {words}", file.path)))?;
    if let Some(known) = file.public_half() {
        let plain = known.certificate.as_ref().map_or(&known.blob, |certificate| &certificate.key);
        if private::public_blob(&key).as_ref() != Some(&plain.0) {
            return Err(Signed::OtherKey);
        }
    }
    private::sign(&key, &name_in_signature(algorithm), data).map_err(|words| failed(format!("{}: {words}", file.path)))
}

/// The signature blob that `key` makes over `data`.
pub(super) fn signed_by(key: &impl Signer<Signature>, data: &[u8]) -> Option<Vec<u8>> {
    key.try_sign(data).ok().and_then(|signature| Vec::try_from(signature).ok())
}
