//! Which host keys the client knows under the names of this server, and which it has revoked (hostfile.c
//! `hostkeys_foreach_file`, authfile.c `sshkey_check_revoked`).
//!
//! Touches: reads UserKnownHostsFile, GlobalKnownHostsFile and RevokedHostKeys, regular files only; for a revocation
//! list in binary form runs `ssh-keygen -Q`, with the host key on its standard input.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc;

use super::system::{errno, state, variable};
use crate::facts::checkup::{Contradiction, KnownHostsSurvey};
use crate::facts::config::Options;
use crate::facts::host_key::{KnownHost, KnownHosts, KnownHostsFile, Marker, RevokedHostKeys};
use crate::facts::identities::{FileError, FileKind};
use crate::facts::key::{Blob, PublicKey};
use crate::facts::text::{Host, Path};
use crate::facts::{Facts, Observed, Source, Unobserved};
use crate::openssh::{known_hosts, public_key, tokens};

/// The most that is read of one file, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The most lines that are kept of one kind, matching or unreadable.
const MOST_LINES: usize = 1000;

/// The most names that are kept beside those looked up.
const MOST_NAMES: usize = 2000;

/// The longest name that is kept, in bytes (RFC 1035 has 255, brackets and a port come on top).
const LONGEST_NAME: usize = 300;

/// The first version that expands `~` and `${VAR}` in `RevokedHostKeys` (ssh.c `main`).
const FIRST_WITH_EXPANDED_REVOCATIONS: (u32, u32) = (9, 4);

/// How long `ssh-keygen -Q` may take.
const KEYGEN_LIMIT: Duration = Duration::from_secs(5);

/// How a revocation list in binary form begins (PROTOCOL.krl section 2).
const KRL_MAGIC: &[u8] = b"SSHKRL\n\0";

/// Reads what the known_hosts files hold for the names of this server.
///
/// The address is among the names only once `facts.connect` has one; the order of host key algorithms needs none.
pub fn known(facts: &Facts) -> Observed<KnownHosts> {
    let names = known_hosts::names(facts).ok_or(Unobserved::NotAttempted)?;
    let mut known = KnownHosts { names: names.all(), ..KnownHosts::default() };
    for (keyword, global) in [("userknownhostsfile", false), ("globalknownhostsfile", true)] {
        for path in paths(facts, keyword) {
            let file = read_known_hosts(&path, global, &mut known);
            known.files.push(file);
        }
    }
    for path in revocation_files(facts) {
        let error = open(&path).err();
        known.revoked_host_keys.push(RevokedHostKeys { path, error });
    }
    Ok(known)
}

/// What the known_hosts files in force look like as a whole, whatever names they hold.
pub fn survey(facts: &Facts) -> Vec<KnownHostsSurvey> {
    let mut surveys = Vec::new();
    for (keyword, global) in [("userknownhostsfile", false), ("globalknownhostsfile", true)] {
        surveys.extend(paths(facts, keyword).into_iter().map(|path| survey_of(path, global)));
    }
    surveys
}

fn survey_of(path: Path, global: bool) -> KnownHostsSurvey {
    let state = state(&path.to_path_buf());
    let mut survey = KnownHostsSurvey {
        path,
        global,
        state,
        entries: 0,
        unreadable_lines: Vec::new(),
        contradictions: Vec::new(),
        cut: false,
    };
    let Some(size) = survey.state.as_ref().ok().filter(|stat| stat.kind == FileKind::Regular).map(|s| s.size_bytes)
    else {
        return survey;
    };
    survey.cut = size > MOST_BYTES;
    let text = match read(&survey.path) {
        Ok(text) => text,
        Err(error) => {
            survey.state = Err(FileError { errno: error, at: None });
            return survey;
        }
    };
    let mut first: HashMap<(Vec<u8>, String), (u32, Blob)> = HashMap::new();
    let mut lines = text.split(|byte| *byte == b'\n').zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        // Where the file goes on, the last line is not all there.
        if survey.cut && lines.peek().is_none() {
            break;
        }
        match names_and_key(line) {
            Some(Some((names, key))) => {
                survey.entries += 1;
                for name in names {
                    let (before, blob) = first
                        .entry((name.clone(), key.algorithm.clone()))
                        .or_insert_with(|| (number, key.blob.clone()));
                    if *blob != key.blob && survey.contradictions.len() < MOST_LINES {
                        let lines = (*before, number);
                        let algorithm = key.algorithm.clone();
                        survey.contradictions.push(Contradiction { name: Host::new(name), algorithm, lines });
                    }
                }
            }
            None if survey.unreadable_lines.len() < MOST_LINES => survey.unreadable_lines.push(number),
            Some(None) | None => {}
        }
    }
    survey
}

/// The names without wildcards that a line gives in clear to a host's key, and the key; the inner `None` for a line that
/// says nothing, the outer one for what ssh does not understand.
#[expect(clippy::option_option, reason = "a line without a key is understood all the same")]
fn names_and_key(line: &[u8]) -> Option<Option<(Vec<Vec<u8>>, PublicKey)>> {
    let line = without_blanks(line.split(|byte| *byte == 0).next().unwrap_or_default());
    if line.is_empty() || line.starts_with(b"#") || line == b"\r" {
        return Some(None);
    }
    let (marker, line) = marker(line)?;
    let (field, rest) = word(line)?;
    known_hosts::matches(&Host::default(), field)?;
    let key = key(rest)?;
    let plain =
        |name: &&[u8]| !name.is_empty() && name.len() <= LONGEST_NAME && !name.iter().any(|b| b"*?!".contains(b));
    let in_clear = marker == Marker::None && !field.starts_with(b"|");
    let names = field.split(|byte| *byte == b',').filter(plain).filter(|_| in_clear);
    Some(Some((names.map(<[u8]>::to_ascii_lowercase).collect(), key)))
}

/// The files that an option names, expanded; `none` names none. What ssh could not expand would have made it stop
/// before, so it is left out here.
fn paths(facts: &Facts, keyword: &str) -> Vec<Path> {
    let values = words(&facts.config.options, keyword);
    values.iter().filter_map(|value| tokens::path(value, facts, &variable).ok()).collect()
}

/// The files of `RevokedHostKeys`: to versions before 9.4 it is one name, which stands for itself, `~` and all.
fn revocation_files(facts: &Facts) -> Vec<Path> {
    let version = facts.config.ssh.as_ref().ok().and_then(|ssh| tokens::version(&ssh.version));
    if version.is_none_or(|version| version >= FIRST_WITH_EXPANDED_REVOCATIONS) {
        return paths(facts, "revokedhostkeys");
    }
    let values = facts.config.options.values("revokedhostkeys").map(crate::facts::text::ServerText::as_bytes);
    values.filter(|value| !value.eq_ignore_ascii_case(b"none")).map(Path::new).collect()
}

/// The words of a list option as `ssh -G` prints it, where a space always parts two.
fn words<'a>(options: &'a Options, keyword: &'a str) -> Vec<&'a str> {
    let words: Vec<&str> =
        options.all(keyword).flat_map(|value| value.split(' ')).filter(|word| !word.is_empty()).collect();
    if words.first().is_some_and(|first| first.eq_ignore_ascii_case("none")) { Vec::new() } else { words }
}

/// Reads one known_hosts file into `known`.
fn read_known_hosts(path: &Path, global: bool, known: &mut KnownHosts) -> KnownHostsFile {
    let mut file =
        KnownHostsFile { path: path.clone(), global, state: state(&path.to_path_buf()), unreadable_lines: Vec::new() };
    if !matches!(&file.state, Ok(stat) if stat.kind == FileKind::Regular) {
        return file;
    }
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => {
            file.state = Err(FileError { errno: error, at: None });
            return file;
        }
    };
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        let at = Source::File { path: path.clone(), line: Some(number) };
        let read = read_line(line, &at, known);
        if read.is_none() && file.unreadable_lines.len() < MOST_LINES {
            file.unreadable_lines.push(number);
        }
    }
    file
}

/// Takes one line into `known`; `None` where ssh does not understand it.
fn read_line(line: &[u8], at: &Source, known: &mut KnownHosts) -> Option<()> {
    // To C a line ends where its first NUL is.
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let line = without_blanks(line);
    if line.is_empty() || line.starts_with(b"#") {
        return Some(());
    }
    let (marker, line) = marker(line)?;
    let (field, rest) = word(line)?;
    let mut matched: Vec<Host> = Vec::new();
    for name in &known.names {
        if known_hosts::matches(name, field)? && !matched.contains(name) {
            matched.push(name.clone());
        }
    }
    if matched.is_empty() {
        take_names(field, known);
    }
    let key = key(rest)?;
    for name in matched {
        if known.entries.len() < MOST_LINES {
            let hashed = field.starts_with(b"|");
            known.entries.push(KnownHost { at: at.clone(), marker, name, hashed, key: key.clone() });
        }
    }
    Some(())
}

/// Keeps the plain names of a line that is another host's.
fn take_names(field: &[u8], known: &mut KnownHosts) {
    if field.starts_with(b"|") {
        return;
    }
    for name in field.split(|byte| *byte == b',') {
        let plain = !name.is_empty() && name.len() <= LONGEST_NAME && !name.iter().any(|byte| b"*?!".contains(byte));
        if plain && known.other_names.len() < MOST_NAMES {
            known.other_names.push(Host::new(name));
        }
    }
}

/// The marker before a line, and the line behind it; `None` for one that ssh does not know, or two (hostfile.c
/// `check_markers`).
fn marker(line: &[u8]) -> Option<(Marker, &[u8])> {
    if !line.starts_with(b"@") {
        return Some((Marker::None, line));
    }
    let (name, rest) = word(line)?;
    let marker = match name {
        b"@cert-authority" => Marker::CertAuthority,
        b"@revoked" => Marker::Revoked,
        _ => return None,
    };
    (!rest.starts_with(b"@")).then_some((marker, rest))
}

/// The key at the beginning of `text`, where ssh can read it (sshkey.c `sshkey_read`).
fn key(text: &[u8]) -> Option<PublicKey> {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    public_key::from_line(text).filter(|key| public_key::check(&key.blob.0).is_ok())
}

/// The first word, and what follows the blanks behind it; `None` where nothing follows.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| b" \t".contains(byte))?;
    let rest = without_blanks(&text[end..]);
    (!rest.is_empty()).then_some((&text[..end], rest))
}

/// The text behind its leading blanks.
fn without_blanks(text: &[u8]) -> &[u8] {
    let begin = text.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(text.len());
    &text[begin..]
}

/// Whether `RevokedHostKeys` names `key` (a text file of keys, or a KRL asked through ssh-keygen -Q).
///
/// # Errors
/// `Failed` where a file could not be read or asked: ssh then refuses every key.
pub fn revoked_by_file(facts: &Facts, key: &PublicKey) -> Observed<Option<Source>> {
    for path in revocation_files(facts) {
        let text = read(&path).map_err(|error| Unobserved::Failed(format!("{path}: {error}")))?;
        let found = if text.starts_with(KRL_MAGIC) { in_krl(&path, key)? } else { in_list(&path, &text, key)? };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The line of a list that holds the key, its plain half or its CA (authfile.c `sshkey_in_file`).
fn in_list(path: &Path, text: &[u8], met: &PublicKey) -> Observed<Option<Source>> {
    let certificate = met.certificate.as_deref();
    let plain = certificate.map_or(&met.blob, |certificate| &certificate.key);
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        let line = without_blanks(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let Some(listed) = key(line) else {
            return Err(Unobserved::Failed(format!("{path}:{number} is no public key")));
        };
        if &listed.blob == plain || certificate.is_some_and(|certificate| certificate.ca == listed.fingerprint) {
            return Ok(Some(Source::File { path: path.clone(), line: Some(number) }));
        }
    }
    Ok(None)
}

/// Whether a KRL names the key, as `ssh-keygen -Q` says: 0 for no, 1 for yes.
fn in_krl(path: &Path, key: &PublicKey) -> Observed<Option<Source>> {
    let failed = |what: String| Unobserved::Failed(format!("ssh-keygen -Q -f {path}: {what}"));
    let mut child = Command::new("ssh-keygen")
        .args(["-Q", "-f"])
        .arg(path.to_path_buf())
        .arg("/dev/stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(errno(&error)))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that reads nothing says so by its exit status.
        let _ = writeln!(input, "{} {}", key.algorithm, key.blob.base64());
    }
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return match status.code() {
                    Some(0) => Ok(None),
                    Some(1) => Ok(Some(Source::File { path: path.clone(), line: None })),
                    _ => Err(failed(status.to_string())),
                };
            }
            Ok(None) if started.elapsed() < KEYGEN_LIMIT => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed("no answer".to_owned()));
            }
        }
    }
}

/// Opens a regular file without ever waiting for it; the error's name where that fails or it is none.
fn open(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path.to_path_buf())
        .map_err(|error| errno(&error))?;
    let metadata = file.metadata().map_err(|error| errno(&error))?;
    if metadata.is_dir() {
        return Err("EISDIR".to_owned());
    }
    Ok(file)
}

/// What is in a regular file, up to the limit; a device or pipe counts as empty.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = open(path)?;
    let mut text = Vec::new();
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        file.take(MOST_BYTES).read_to_end(&mut text).map_err(|error| errno(&error))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::facts::config::SshProgram;
    use crate::facts::host_key::OfferedHostKey;
    use crate::facts::{Moment, Run, Target};
    use crate::openssh::known_hosts::{Course, Standing};
    use crate::testing::{Folder, ssh_keygen};

    /// The public key beside a private one, as `type base64`.
    fn public(path: &std::path::Path) -> String {
        let text = fs::read_to_string(path.with_extension("pub")).unwrap();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    fn facts(host: &str, port: u16, options: Options) -> Facts {
        let mut facts = Facts {
            observed_at: Moment { unix_seconds: jiff::Timestamp::now().as_second(), local: String::new() },
            target: Ok(Target { host: host.into(), port, ..Target::default() }),
            run: Run { home: "/nonexistent".into(), ..Run::default() },
            ..Facts::default()
        };
        facts.config.options = options;
        facts.config.ssh = Ok(SshProgram { path: "ssh".into(), version: "OpenSSH_9.2p1".to_owned() });
        facts
    }

    fn with_file(host: &str, port: u16, file: &std::path::Path) -> Facts {
        let mut options = Options::default();
        options.set("userknownhostsfile", file.to_str().unwrap());
        facts(host, port, options)
    }

    fn lines(known: &KnownHosts, name: &Host) -> Vec<u32> {
        let of_name = known.entries.iter().filter(|entry| &entry.name == name);
        of_name.filter_map(|entry| if let Source::File { line, .. } = entry.at { line } else { None }).collect()
    }

    #[test]
    fn lines_match_as_ssh_keygen_finds_them() {
        let folder = Folder::new();
        let key = public(&folder.key("key", &["-t", "ed25519"]));
        let fields = [
            "web1",
            "WEB1",
            "web1,192.0.2.7",
            "*.example.org,!bad.example.org",
            "[web1]:2222",
            "[*]:2222",
            "web?",
            "@cert-authority *.example.org",
            "@revoked web1",
            "2001:db8::1",
            "[2001:db8::1]:2222",
            "!web1,web*",
            "*",
            "|1|",
            "|1|AAAA|BBBB",
            "@unknown web1",
            "#web1",
            "  \tweb1",
        ];
        let all: Vec<String> = fields.iter().map(|field| format!("{field} {key} a comment\n")).collect();
        let text = all.concat();
        let file = folder.file("known_hosts", text.as_bytes());
        let hashed = folder.file("hashed", format!("web1 {key}\n[web1]:2222,2001:db8::1 {key}\n").as_bytes());
        ssh_keygen(&["-H".as_ref(), "-f".as_ref(), hashed.as_os_str()]);
        for file in [file, hashed] {
            for (host, port) in [
                ("web1", 22),
                ("web1", 2222),
                ("bad.example.org", 22),
                ("a.example.org", 22),
                ("2001:db8::1", 22),
                ("2001:db8::1", 2222),
                ("192.0.2.7", 22),
                ("web12", 22),
                ("", 22),
            ] {
                let known = known(&with_file(host, port, &file)).unwrap();
                for name in &known.names {
                    let found =
                        Command::new("ssh-keygen").args(["-F", name.as_str().unwrap(), "-f"]).arg(&file).output();
                    let found = String::from_utf8(found.unwrap().stdout).unwrap();
                    let reported: Vec<u32> = found
                        .lines()
                        .filter_map(|line| line.split_once("found: line ")?.1.split(' ').next()?.parse().ok())
                        .collect();
                    assert_eq!(lines(&known, name), reported, "{name} in {}", file.display());
                }
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_kept_by_its_line() {
        let folder = Folder::new();
        let key = public(&folder.key("key", &["-t", "ed25519"]));
        let text =
            format!("other1,*.wild {key}\nweb1 ssh-ed25519 broken\n\n# comment\n@odd web1 {key}\nweb1 {key}\r\nlast");
        let file = folder.file("known_hosts", text.as_bytes());
        let known = known(&with_file("WEB1", 22, &file)).unwrap();
        assert_eq!(known.names, [Host::from("web1")]);
        assert_eq!(known.files[0].unreadable_lines, [2, 5, 7]);
        assert_eq!(lines(&known, &"web1".into()), [6]);
        assert_eq!(known.other_names, [Host::from("other1")]);
    }

    #[test]
    fn a_file_that_is_none_is_neither_waited_for_nor_read() {
        let folder = Folder::new();
        let pipe = folder.path("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let mut facts = with_file("web1", 22, &pipe);
        let both =
            format!("{} {} /dev/null {}", pipe.display(), folder.as_ref().display(), folder.path("none").display());
        facts.config.options.set("userknownhostsfile", &both);
        let known = known(&facts).unwrap();
        let kinds: Vec<_> = known.files.iter().map(|file| file.state.as_ref().map(|stat| stat.kind)).collect();
        let missing = FileError { errno: "ENOENT".to_owned(), at: None };
        assert_eq!(kinds, [Ok(FileKind::Fifo), Ok(FileKind::Directory), Ok(FileKind::Other), Err(&missing)]);
    }

    #[test]
    fn a_revocation_list_names_a_key_in_text_and_in_binary_form() {
        let folder = Folder::new();
        let (bad, good) = (folder.key("bad", &["-t", "ed25519"]), folder.key("good", &["-t", "ecdsa"]));
        let list = folder.file("list", format!("# revoked\n\n{} x\n", public(&bad)).as_bytes());
        let krl = folder.path("krl");
        ssh_keygen(&[
            "-q".as_ref(),
            "-k".as_ref(),
            "-f".as_ref(),
            krl.as_os_str(),
            bad.with_extension("pub").as_os_str(),
        ]);
        let broken = folder.file("broken", b"nonsense\n");
        let key = |path: &PathBuf| public_key::from_line(public(path).as_bytes()).unwrap();
        let asked = |file: &std::path::Path, path: &PathBuf| {
            let mut options = Options::default();
            options.set("revokedhostkeys", file.to_str().unwrap());
            revoked_by_file(&facts("web1", 22, options), &key(path))
        };
        let at = |file: &PathBuf, line| Ok(Some(Source::File { path: Path::from_path(file), line }));
        assert_eq!(asked(&list, &bad), at(&list, Some(3)));
        assert_eq!(asked(&list, &good), Ok(None));
        assert_eq!(asked(&krl, &bad), at(&krl, None));
        assert_eq!(asked(&krl, &good), Ok(None));
        for file in [broken, folder.path("missing")] {
            assert!(matches!(asked(&file, &good), Err(Unobserved::Failed(_))));
        }
    }

    #[test]
    fn older_versions_take_a_revocation_file_s_name_as_it_stands() {
        for (version, expected) in [
            ("OpenSSH_8.4p1", &["~/.ssh/revoked %d"][..]),
            ("OpenSSH_9.3p2", &["~/.ssh/revoked %d"]),
            ("OpenSSH_9.4p1", &["/nonexistent/.ssh/revoked", "/nonexistent"]),
            ("OpenSSH_10.0p2", &["/nonexistent/.ssh/revoked", "/nonexistent"]),
        ] {
            let mut options = Options::default();
            options.set("revokedhostkeys", "~/.ssh/revoked %d");
            let mut facts = facts("web1", 22, options);
            facts.config.ssh = Ok(SshProgram { path: "ssh".into(), version: version.to_owned() });
            assert_eq!(revocation_files(&facts), expected, "{version}");
            facts.config.options.set("revokedhostkeys", "none");
            assert_eq!(revocation_files(&facts), [] as [&str; 0], "{version}");
        }
    }

    /// Keys and a server that proves one of them, for the real ssh.
    struct Server {
        folder: Folder,
        key: String,
        other: String,
        rsa: String,
        ca: String,
        askpass: PathBuf,
    }

    impl Server {
        fn new() -> Self {
            use std::os::unix::fs::PermissionsExt as _;
            let folder = Folder::new();
            let host = folder.key("host", &["-t", "ed25519"]);
            let key = public(&host);
            let other = public(&folder.key("other", &["-t", "ed25519"]));
            let rsa = public(&folder.key("rsa", &["-t", "rsa", "-b", "2048"]));
            let ca_path = folder.key("ca", &["-t", "ed25519"]);
            let ca = public(&ca_path);
            for (name, principals, validity) in
                [("good", "web1,*.example.org", "-1d:+1d"), ("old", "web1", "-3d:-1d"), ("any", "", "-1d:+1d")]
            {
                fs::copy(host.with_extension("pub"), folder.path(&format!("{name}.pub"))).unwrap();
                let public = folder.path(&format!("{name}.pub"));
                let mut words = ["-q", "-h", "-I", "id", "-V", validity, "-s", ca_path.to_str().unwrap()].to_vec();
                if !principals.is_empty() {
                    words.extend(["-n", principals]);
                }
                words.push(public.to_str().unwrap());
                ssh_keygen(&words.iter().map(OsStr::new).collect::<Vec<_>>());
            }
            let askpass = folder
                .file("askpass", format!("#!/bin/sh\n: > '{}'\necho no\n", folder.path("asked").display()).as_bytes());
            fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700)).unwrap();
            let plain = format!("HostKey {}\nUsePAM no\nPidFile none\nAuthorizedKeysFile none\n", host.display());
            folder.file("plain.conf", plain.as_bytes());
            for name in ["good", "old", "any"] {
                let certificate = folder.path(&format!("{name}-cert.pub"));
                let text = format!("{plain}HostCertificate {}\n", certificate.display());
                folder.file(&format!("{name}.conf"), text.as_bytes());
            }
            Self { folder, key, other, rsa, ca, askpass }
        }

        /// The command that is a server with this configuration; as root it needs its /run/sshd, so it gets a /run of
        /// its own.
        fn sshd(conf: &std::path::Path) -> String {
            let sshd = format!("/usr/sbin/sshd -i -f {}", conf.display());
            if nix::unistd::geteuid().is_root() {
                format!("unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/sshd && exec {sshd}'")
            } else {
                sshd
            }
        }

        /// What we say, and what ssh does, with these lines in known_hosts.
        fn judged(&self, scene: &Scene<'_>) -> (Standing, Course, Course) {
            let file = self.folder.path("known_hosts");
            let write = || fs::write(&file, scene.known_hosts).unwrap();
            let mut words: Vec<String> = ["-F", "none", "-p"].map(str::to_owned).to_vec();
            words.push(scene.port.to_string());
            let mut options = vec![
                format!("UserKnownHostsFile={}", file.display()),
                "GlobalKnownHostsFile=none".to_owned(),
                "IdentityFile=none".to_owned(),
                "IdentityAgent=none".to_owned(),
                "PreferredAuthentications=publickey".to_owned(),
                "KexAlgorithms=curve25519-sha256".to_owned(),
            ];
            options.extend(scene.options.iter().map(|&option| option.to_owned()));
            words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));

            let evaluated =
                Command::new("ssh").arg("-G").args(&words).arg(scene.host).stdin(Stdio::null()).output().unwrap();
            let pairs = String::from_utf8(evaluated.stdout).unwrap();
            let pairs = pairs
                .lines()
                .filter_map(|line| line.split_once(' '))
                .map(|(name, value)| (name.to_owned(), value.into()));
            let mut facts = facts(scene.host, scene.port, Options(pairs.collect()));
            facts.run.askpass = scene.asked.then(|| Path::from_path(&self.askpass));
            write();
            facts.host_key.known = known(&facts);
            let certificate = self.folder.path(&format!("{}-cert.pub", scene.server));
            let text = fs::read_to_string(&certificate).unwrap_or_else(|_| self.key.clone());
            let key = public_key::from_line(text.trim_end().as_bytes()).unwrap();
            let revoked_by_file = revoked_by_file(&facts, &key);
            facts.host_key.offered = Ok(OfferedHostKey { algorithm: key.algorithm.clone(), key, revoked_by_file });

            write();
            let asked = self.folder.path("asked");
            let _ = fs::remove_file(&asked);
            let conf = self.folder.path(&format!("{}.conf", scene.server));
            let run = Command::new("ssh")
                .args(&words)
                .arg("-o")
                .arg(format!("ProxyCommand={}", Self::sshd(&conf)))
                .args(if scene.asked { ["-o", "BatchMode=no"] } else { ["-o", "BatchMode=yes"] })
                .arg(scene.host)
                .env("SSH_ASKPASS", &self.askpass)
                .env("SSH_ASKPASS_REQUIRE", "force")
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            let real = if asked.exists() {
                Course::Ask
            } else if said.contains("Host key verification failed") {
                Course::Stop
            } else {
                assert!(said.contains("Permission denied"), "{said}");
                Course::GoOn
            };
            (known_hosts::standing(&facts).unwrap(), known_hosts::course(&facts), real)
        }
    }

    struct Scene<'a> {
        host: &'a str,
        port: u16,
        known_hosts: &'a str,
        options: &'a [&'a str],
        server: &'a str,
        asked: bool,
    }

    /// Host, port, known_hosts, options, what the server proves itself with, and what its key is then.
    type Row<'a> = (&'a str, u16, String, &'a [&'a str], &'a str, &'a str);

    #[test]
    fn ssh_goes_the_same_way_at_every_host_key() {
        let server = Server::new();
        let Server { key, other, rsa, ca, .. } = &server;
        let [match_, changed, unknown, revoked, bad] = ["match", "changed", "unknown", "revoked", "bad certificate"];
        let krl = server.folder.path("krl");
        ssh_keygen(&[
            "-q".as_ref(),
            "-k".as_ref(),
            "-f".as_ref(),
            krl.as_os_str(),
            server.folder.path("host.pub").as_os_str(),
        ]);
        let krl = format!("RevokedHostKeys={}", krl.display());
        let missing = "RevokedHostKeys=/nonexistent/krl";
        let no_plain = "HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com";
        let strict = "StrictHostKeyChecking=yes";
        let new = "StrictHostKeyChecking=accept-new";
        let off = "StrictHostKeyChecking=no";
        let alias = "HostKeyAlias=Alias";
        let local = "NoHostAuthenticationForLocalhost=yes";
        let rows: &[Row<'_>] = &[
            ("web1", 22, format!("web1 {key}\n"), &[], "plain", match_),
            ("web1", 22, format!("web1 {key}\n"), &[strict], "plain", match_),
            ("web1", 22, String::new(), &[], "plain", unknown),
            ("web1", 22, String::new(), &[strict], "plain", unknown),
            ("web1", 22, String::new(), &[new], "plain", unknown),
            ("web1", 22, String::new(), &[off], "plain", unknown),
            ("web1", 22, format!("web1 {other}\n"), &[], "plain", changed),
            ("web1", 22, format!("web1 {other}\n"), &[new], "plain", changed),
            ("web1", 22, format!("web1 {other}\n"), &[off], "plain", changed),
            ("web1", 22, format!("web1 {rsa}\n"), &[], "plain", changed),
            ("web1", 22, format!("web1 {other}\nweb1 {key}\n"), &[], "plain", match_),
            ("web1", 22, format!("@revoked * {key}\nweb1 {key}\n"), &[], "plain", revoked),
            ("web1", 22, format!("@revoked * {key}\nweb1 {key}\n"), &[off], "plain", revoked),
            ("web1", 22, format!("@revoked web2 {key}\nweb1 {key}\n"), &[], "plain", match_),
            ("web1", 22, format!("web1 {key}\n"), &[&krl], "plain", revoked),
            ("web1", 22, format!("web1 {key}\n"), &[&krl, off], "plain", revoked),
            ("web1", 22, format!("web1 {key}\n"), &[missing], "plain", match_),
            ("web1", 22, format!("web1 {key}\n"), &[missing, off], "plain", match_),
            ("web1", 2222, format!("web1 {key}\n"), &[], "plain", match_),
            ("web1", 2222, format!("web1 {other}\n"), &[], "plain", unknown),
            ("web1", 2222, format!("[web1]:2222 {other}\nweb1 {key}\n"), &[], "plain", changed),
            ("web1", 2222, format!("[web1]:2222 {key}\nweb1 {other}\n"), &[], "plain", match_),
            ("web1", 2222, format!("@revoked web1 {key}\n"), &[], "plain", unknown),
            ("web1", 2222, format!("@revoked web1 {key}\n"), &[off], "plain", revoked),
            ("web1", 2222, format!("alias {key}\n"), &[alias], "plain", match_),
            ("web1", 2222, format!("web1 {key}\n"), &[alias], "plain", unknown),
            ("localhost", 22, format!("localhost {other}\n"), &[local], "plain", changed),
            ("web1", 22, format!("@cert-authority web* {ca}\n"), &[], "good", match_),
            ("web1", 2222, format!("@cert-authority web* {ca}\n"), &[], "good", match_),
            ("web2", 22, format!("@cert-authority web* {ca}\n"), &[], "good", bad),
            ("a.example.org", 22, format!("@cert-authority * {ca}\n"), &[], "good", bad),
            ("web2", 22, format!("@cert-authority web* {ca}\n"), &["HostKeyAlias=web1"], "good", match_),
            ("web1", 22, format!("@cert-authority web* {other}\n"), &[], "good", bad),
            ("web1", 22, format!("@cert-authority web* {other}\nweb1 {key}\n"), &[], "good", match_),
            ("web1", 22, format!("@cert-authority web* {ca}\n@revoked * {ca}\n"), &[], "good", revoked),
            ("web1", 22, format!("@cert-authority web* {ca}\n@revoked * {key}\n"), &[], "good", revoked),
            ("web1", 22, format!("web1 {key}\n"), &[], "good", match_),
            ("web1", 22, format!("web1 {other}\n"), &[], "good", changed),
            ("web1", 22, String::new(), &[], "good", unknown),
            ("web1", 22, format!("@cert-authority web* {ca}\n"), &[], "old", bad),
            ("web1", 22, format!("@cert-authority web* {ca}\n"), &[strict], "old", bad),
            ("web1", 22, format!("@cert-authority web* {ca}\n"), &[off], "old", bad),
            ("web1", 22, format!("@cert-authority web* {ca}\nweb1 {key}\n"), &[], "old", match_),
            ("web1", 22, format!("@cert-authority web* {ca}\nweb1 {other}\n"), &[], "old", changed),
            ("web9", 22, format!("@cert-authority web* {ca}\n"), &[], "any", match_),
            ("web1", 22, format!("@cert-authority web* {ca}\n"), &[no_plain], "good", match_),
            ("web1", 2222, format!("[web1]:2222 {other}\nweb1 {key}\n"), &[], "good", match_),
        ];
        for (host, port, known_hosts, options, kind, expected) in rows {
            for asked in [false, true] {
                let scene = Scene { host, port: *port, known_hosts, options, server: kind, asked };
                let (standing, course, real) = server.judged(&scene);
                let shown = format!("{host}:{port} {options:?} {kind} asked={asked}\n{known_hosts}{standing:?}");
                let name = match standing {
                    Standing::Match(_) => match_,
                    Standing::Changed(_) => changed,
                    Standing::Unknown => unknown,
                    Standing::Revoked => revoked,
                    Standing::BadCertificate(_) => bad,
                };
                assert_eq!(name, *expected, "{shown}");
                assert_eq!(course, real, "{shown}");
            }
        }
    }
}
