//! Key files and certificates: metadata, the header of private keys, public halves (ssh.c
//! `load_public_identity_files`, authfile.c `sshkey_load_public`).
//!
//! Touches: IdentityFile and CertificateFile values, and public keys under `~/.ssh`; the `.pub` files
//! of `$HOME` and of the account that called sudo where those are other homes. A private key is read no further
//! than its public half and its last line, but for a signature, or to derive the public half of an unencrypted PEM
//! without `.pub`; then in zeroizing memory.

#[cfg(test)]
mod against_ssh;
mod elsewhere;
mod files;
mod others;
mod private;

use std::path::Path as StdPath;

use signature::Signer;
use ssh_key::Signature;

use super::system::{state, variable};
use super::{authenticators, mount};
use crate::facts::identities::{
    CertificateFile, FileError, FileKind, FileStat, FileState, Identities, KeyFile, KeyFormat, PrivateFile, PublicFile,
};
use crate::facts::key::PublicKey;
use crate::facts::mount::Mount;
use crate::facts::text::{Path, ServerText};
use crate::facts::userauth::Signed;
use crate::facts::{Facts, Observed, Source, Unobserved};
use crate::openssh::identities::{FILES_LIMIT, name_in_signature};
use crate::openssh::{arguments, defaults, key_format, public_key, tokens};

/// Looks at every configured key file and at the other public keys under `~/.ssh`.
pub fn collect(facts: &Facts) -> Observed<Identities> {
    Ok(look(facts, &variable))
}

fn look(facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Identities {
    let named_one = |value: &&ServerText| !value.as_bytes().eq_ignore_ascii_case(b"none");
    let values = |keyword| facts.config.options.values(keyword).filter(named_one);
    let configured: Vec<&ServerText> = values("identityfile").take(FILES_LIMIT).collect();
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
        let file = match tokens::path(value.as_bytes(), facts, env) {
            Ok(path) => key_file(&path, value.clone(), source, !default),
            Err(words) => unexpanded(value, source, !default, &words),
        };
        identities.files.push(file);
    }
    for value in values("certificatefile").take(FILES_LIMIT) {
        let file = match tokens::path(value.as_bytes(), facts, env) {
            Ok(path) => loaded_public(&path.to_path_buf()),
            Err(_) => nothing_at(value.as_bytes().into()),
        };
        identities.certificates.push(CertificateFile { configured: value.clone(), file });
    }
    others::find(facts, &mut identities);
    identities.token_library = authenticators::token_library(facts);
    identities.authenticators = authenticators::find(facts, &identities, env);
    identities.mounts = mounts(&identities.files);
    identities.elsewhere = elsewhere::find(facts, &identities);
    identities
}

/// Where those of the files lie that others may access.
pub(super) fn mounts<'a>(files: impl IntoIterator<Item = &'a KeyFile>) -> Vec<Mount> {
    let open = |file: &&KeyFile| file.state.as_ref().is_ok_and(|stat| stat.mode & 0o077 != 0);
    let paths = files.into_iter().filter(open).map(|file| file.path.to_path_buf());
    paths.take(FILES_LIMIT).filter_map(|path| mount::of(&path)).collect()
}

/// Private key files under `~/.ssh` that no configuration names and of which no public half is known.
pub(super) fn unknown(facts: &Facts, identities: &Identities) -> Vec<KeyFile> {
    others::unknown(facts, identities)
}

/// The row of an `IdentityFile` value that a line of the configuration names; `None` where ssh could not expand it.
pub(super) fn named(value: &[u8], source: Source, facts: &Facts) -> Option<KeyFile> {
    let path = tokens::path(value, facts, &variable).ok()?;
    Some(key_file(&path, value.into(), source, true))
}

/// Whether nobody configured these: ssh's own list, of which versions and builds leave out types.
fn is_default_list(values: &[&ServerText]) -> bool {
    let known = |value: &str| defaults::IDENTITY_FILES.contains(&value) || value == "~/.ssh/id_mldsa44_ed25519";
    values.len() >= 4 && values.iter().all(|value| value.as_str().is_some_and(known))
}

/// A key file that the command line names.
struct Word {
    value: Vec<u8>,
    /// With `-i`, not with `-o IdentityFile=`.
    option: bool,
}

impl Word {
    /// Whether `ssh -G` prints `value` for it: `~` is expanded where it stood behind `-i`.
    fn is(&self, value: &ServerText, facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> bool {
        self.value == value.as_bytes()
            || (self.option && self.expanded(facts, env).is_some_and(|path| path.as_bytes() == value.as_bytes()))
    }

    fn expanded(&self, facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<Path> {
        // ssh.c main expands only `~` here, so a per cent sign stands for itself.
        if self.value.starts_with(b"~") {
            tokens::path(&self.value, facts, env).ok()
        } else {
            Some(self.value.as_slice().into())
        }
    }
}

fn named_on_command_line(facts: &Facts) -> Vec<Word> {
    let words = facts.config.arguments.iter().map(ServerText::as_bytes);
    let named = |(letter, value): (u8, Option<&[u8]>)| match (letter, value?) {
        (b'i', value) => Some(Word { value: value.to_owned(), option: true }),
        (b'o', value) => identity_option(value).map(|value| Word { value, option: false }),
        _ => None,
    };
    arguments::pairs(words).into_iter().filter_map(named).collect()
}

/// The value of `IdentityFile=value`, `IdentityFile value`.
fn identity_option(option: &[u8]) -> Option<Vec<u8>> {
    let (keyword, value) = arguments::keyword_and_value(option);
    if keyword == "identityfile" { arguments::value_words(value).into_iter().next() } else { None }
}

/// A row for a file that `-i` names and that is not there: ssh warns and goes on without it, whatever lies beside it.
fn missing_argument(value: &[u8], facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<KeyFile> {
    let word = Word { value: value.to_owned(), option: true };
    let path = word.expanded(facts, env)?;
    let state = state(&path.to_path_buf());
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
fn unexpanded(value: &ServerText, source: Source, explicit: bool, words: &str) -> KeyFile {
    let path = Path::from(value.as_bytes());
    KeyFile {
        configured: value.clone(),
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
    let state = state(&on_disk);
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
    let state = state(&path).map_err(|error| failed(format!("{}: {}", file.path, error.errno)))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::identities::Defect;
    use crate::facts::userauth::Signed;
    use crate::testing::{Folder, ssh_keygen};

    fn facts(home: &Folder, options: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        facts.run.home = Path::from_path(home.as_ref());
        facts.run.uid = nix::unistd::getuid().as_raw();
        let options = options.iter().map(|(keyword, value)| ((*keyword).to_owned(), (*value).into()));
        facts.config.options.0 = options.collect();
        facts
    }

    fn nothing(_: &str) -> Option<Vec<u8>> {
        None
    }

    /// A home with a `.ssh` folder.
    fn home() -> Folder {
        let home = Folder::new();
        std::fs::create_dir(home.path(".ssh")).unwrap();
        home
    }

    #[test]
    fn the_default_list_is_nobodys_choice() {
        let home = home();
        home.key(".ssh/id_ed25519", &["-t", "ed25519"]);
        let list: Vec<(&str, &str)> = defaults::IDENTITY_FILES.iter().map(|value| ("identityfile", *value)).collect();
        let identities = look(&facts(&home, &list), &nothing);
        assert_eq!(identities.files.len(), list.len());
        assert!(identities.files.iter().all(|file| !file.explicit && file.source == Source::Default));
        let there: Vec<&KeyFile> = identities.files.iter().filter(|file| file.state.is_ok()).collect();
        assert_eq!(there.len(), 1);
        assert_eq!(there[0].configured, *"~/.ssh/id_ed25519");
        assert!(there[0].public_half().is_some());
        assert!(identities.files.iter().filter_map(|file| file.state.as_ref().err()).all(FileError::is_missing));

        let identities = look(&facts(&home, &[("identityfile", "~/.ssh/id_ed25519")]), &nothing);
        assert!(identities.files[0].explicit);
        assert_eq!(identities.files[0].source, Source::Command("ssh -G".into()));
    }

    #[test]
    fn what_the_command_line_names_is_known_as_such() {
        let home = home();
        let key = home.key("key", &["-t", "ed25519"]);
        let path = key.to_str().unwrap();
        for (arguments, value) in [
            (vec!["-i".to_owned(), path.to_owned()], path),
            (vec![format!("-i{path}")], path),
            (vec!["-i".to_owned(), "~/key".to_owned()], path),
            (vec![format!("-oIdentityFile={path}")], path),
            (vec!["-o".to_owned(), "identityfile ~/key".to_owned()], "~/key"),
            (vec!["-p".to_owned(), "-i".to_owned(), "-i".to_owned(), path.to_owned()], path),
        ] {
            let mut facts = facts(&home, &[("identityfile", value)]);
            facts.config.arguments = arguments.iter().map(|word| word.as_str().into()).collect();
            let files = look(&facts, &nothing).files;
            assert_eq!(files.len(), 1, "{arguments:?}");
            assert_eq!(files[0].source, Source::CommandLine, "{arguments:?}");
        }
        let mut facts = facts(&home, &[("identityfile", "~/key")]);
        facts.config.arguments = ["-i", "~/gone"].map(ServerText::from).to_vec();
        let files = look(&facts, &nothing).files;
        assert_eq!((files[0].configured.to_string(), files[0].explicit), ("~/gone".to_owned(), true));
        assert!(files[0].state.as_ref().is_err_and(FileError::is_missing), "ssh -G says nothing of it");
        assert_eq!(files[1].source, Source::Command("ssh -G".into()));
    }

    #[test]
    fn odd_files_are_named_and_never_waited_for() {
        let home = home();
        std::fs::create_dir(home.path("folder")).unwrap();
        nix::unistd::mkfifo(&home.path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        nix::unistd::mkfifo(&home.path(".ssh/pipe.pub"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let huge = std::fs::File::create(home.path("huge")).unwrap();
        huge.set_len(1 << 30).unwrap();
        std::fs::hard_link(home.path("huge"), home.path(".ssh/huge.pub")).unwrap();
        home.file("not utf8", b"\xff\xfe\xfd\n\x1b[31m");
        std::os::unix::fs::symlink("loop", home.path("loop")).unwrap();
        std::os::unix::fs::symlink(home.path("folder"), home.path("link")).unwrap();
        let values = ["folder", "pipe", "huge", "not utf8", "loop", "link", "/dev/zero", "huge/below"];
        let values: Vec<String> =
            values
                .iter()
                .map(|name| {
                    if name.starts_with('/') {
                        (*name).to_owned()
                    } else {
                        home.path(name).to_str().unwrap().to_owned()
                    }
                })
                .collect();
        let options: Vec<(&str, &str)> = values.iter().map(|value| ("identityfile", value.as_str())).collect();
        let identities = look(&facts(&home, &options), &nothing);
        let kind = |row: usize| identities.files[row].state.as_ref().unwrap().kind;
        assert_eq!((kind(0), kind(1), kind(2)), (FileKind::Directory, FileKind::Fifo, FileKind::Regular));
        assert_eq!((kind(5), kind(6)), (FileKind::Directory, FileKind::Other));
        assert_eq!(identities.files[0].private, Err(Unobserved::NotAttempted));
        assert_eq!(identities.files[1].private, Err(Unobserved::NotAttempted));
        assert_eq!(identities.files[3].private.as_ref().unwrap().defects, [Defect::Utf16]);
        assert_eq!(identities.files[4].state.as_ref().unwrap_err().errno, "ELOOP");
        assert_eq!(identities.files[7].state.as_ref().unwrap_err().errno, "ENOTDIR");
        assert!(identities.files[5].state.as_ref().unwrap().link_to.is_some());
        assert_eq!(identities.others, []);
    }

    #[test]
    fn other_keys_are_found_once_and_newest_first() {
        let home = home();
        std::fs::create_dir_all(home.path(".ssh/jobs/deep/deeper")).unwrap();
        let used = home.key(".ssh/used", &["-t", "ed25519"]);
        for name in ["old", "jobs/new", "jobs/deep/deepest", "jobs/deep/deeper/unseen", "header"] {
            home.key(&format!(".ssh/{name}"), &["-t", "ed25519"]);
        }
        std::fs::remove_file(home.path(".ssh/header.pub")).unwrap();
        let public_only = home.key(".ssh/public_only", &["-t", "ed25519"]);
        std::fs::remove_file(public_only).unwrap();
        std::fs::copy(home.path(".ssh/old.pub"), home.path(".ssh/copy.pub")).unwrap();
        std::fs::copy(used.with_extension("pub"), home.path(".ssh/used_copy.pub")).unwrap();
        home.file(".ssh/known_hosts", &std::fs::read(used.with_extension("pub")).unwrap());
        home.file(".ssh/config", b"Host *\n");
        std::os::unix::fs::symlink(home.path(".ssh"), home.path(".ssh/jobs/again")).unwrap();
        let age = |name: &str, seconds: u64| {
            let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + seconds);
            for name in [name.to_owned(), format!("{name}.pub")] {
                if let Ok(file) = std::fs::File::options().append(true).open(home.path(&format!(".ssh/{name}"))) {
                    file.set_modified(when).unwrap();
                }
            }
        };
        for (seconds, name) in
            ["old", "copy", "public_only", "header", "jobs/deep/deepest", "jobs/new"].iter().enumerate()
        {
            age(name, seconds as u64);
        }
        let identities = look(&facts(&home, &[("identityfile", "~/.ssh/used")]), &nothing);
        let names: Vec<String> = identities.others.iter().map(|file| file.path.to_string()).collect();
        let start = format!("{}/", home.path(".ssh").display());
        let names: Vec<&str> = names.iter().map(|name| name.strip_prefix(&start).unwrap()).collect();
        assert_eq!(names, ["jobs/new", "jobs/deep/deepest", "header", "public_only", "copy"]);
        assert!(!identities.others_cut);
        assert!(identities.others.iter().all(|file| !file.explicit && file.public_half().is_some()));
    }

    #[test]
    fn a_home_that_does_not_exist_has_no_keys() {
        let home = Folder::new();
        let mut facts = facts(&home, &[("identityfile", "~/.ssh/id_rsa")]);
        facts.run.home = "/nonexistent/home".into();
        let identities = look(&facts, &nothing);
        assert_eq!((identities.others.len(), identities.others_cut), (0, false));
        assert!(identities.files[0].state.is_err());
    }

    fn signed(home: &Folder, name: &str, algorithm: &str) -> Result<Vec<u8>, Signed> {
        let path = Path::from_path(&home.path(name));
        sign(&key_file(&path, ServerText::default(), Source::Default, false), algorithm, b"data")
    }

    #[test]
    fn a_file_signs_only_where_ssh_would_use_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = home();
        home.key("good", &["-t", "ed25519"]);
        let ca = home.key("ca", &["-t", "ed25519"]);
        let words = ["-q", "-s", ca.to_str().unwrap(), "-I", "id"].map(std::ffi::OsStr::new);
        ssh_keygen(&[&words[..], &[home.path("good.pub").as_os_str()]].concat());
        assert!(signed(&home, "good", "ssh-ed25519").is_ok());
        assert!(signed(&home, "good", "ssh-ed25519-cert-v01@openssh.com").is_ok());
        home.key("rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
        std::fs::remove_file(home.path("rsa.pub")).unwrap();
        assert!(signed(&home, "rsa", "rsa-sha2-512").is_ok());
        home.key("swapped", &["-t", "ed25519"]);
        std::fs::copy(home.path("good.pub"), home.path("swapped.pub")).unwrap();
        assert_eq!(signed(&home, "swapped", "ssh-ed25519"), Err(Signed::OtherKey));
        home.key("encrypted", &["-t", "ed25519", "-N", "geheim"]);
        home.key("open", &["-t", "ed25519"]);
        std::fs::set_permissions(home.path("open"), std::fs::Permissions::from_mode(0o644)).unwrap();
        for name in ["encrypted", "open", "missing", ".ssh"] {
            assert!(matches!(signed(&home, name, "ssh-ed25519"), Err(Signed::FileFailed(_))), "{name}");
        }
    }

    #[test]
    fn a_pem_without_pub_is_known_by_its_derived_half() {
        let home = home();
        for (name, options) in [
            ("rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"][..]),
            ("ecdsa", &["-t", "ecdsa", "-m", "PKCS8"]),
            ("locked", &["-t", "rsa", "-m", "PEM", "-N", "geheim"]),
        ] {
            let path = home.key(name, options);
            let public = public_key::from_line(&std::fs::read(path.with_extension("pub")).unwrap()).unwrap();
            std::fs::remove_file(path.with_extension("pub")).unwrap();
            let file = key_file(&Path::from_path(&path), ServerText::default(), Source::Default, false);
            let expected = (name != "locked").then_some(&public.blob);
            assert_eq!(file.public_half().map(|key| &key.blob), expected, "{name}");
            assert_eq!(file.known_half(), None, "{name}: ssh does not know it");
        }
    }
}
