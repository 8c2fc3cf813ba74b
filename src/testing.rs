//! Help for tests that compare with the installed OpenSSH: throw-away folders, keys, programs and agents.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that goes away with its owner.
#[derive(Debug)]
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The path of `name` in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes `name` with `bytes`, mode 0600.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Makes a key pair with `arguments` for ssh-keygen; without a passphrase and with the comment `a comment` where
    /// they name none.
    pub(crate) fn key(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut words: Vec<&OsStr> = vec!["-q".as_ref(), "-f".as_ref(), path.as_os_str()];
        for (option, value) in [("-N", ""), ("-C", "a comment")] {
            if !arguments.contains(&option) {
                words.extend([OsStr::new(option), OsStr::new(value)]);
            }
        }
        words.extend(arguments.iter().map(OsStr::new));
        ssh_keygen(&words);
        path
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        self.0.path()
    }
}

/// What ssh-keygen prints; it must succeed.
pub(crate) fn ssh_keygen(arguments: &[&OsStr]) -> String {
    let output = Command::new("ssh-keygen").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "ssh-keygen {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether `program` exits with 0.
pub(crate) fn runs(program: &str, arguments: &[&OsStr]) -> bool {
    let silent = |command: &mut Command| {
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
    };
    silent(&mut Command::new(program)).success()
}

/// A real ssh-agent on a socket of its own, ended with its owner.
#[derive(Debug)]
pub(crate) struct Agent {
    process: std::process::Child,
    socket: PathBuf,
    _folder: Folder,
}

impl Agent {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let socket = folder.path("agent");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        for _ in 0..500 {
            if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Self { process, socket, _folder: folder }
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Runs ssh-add; it must succeed.
    pub(crate) fn add(&self, arguments: &[&OsStr]) {
        let mut command = Command::new("ssh-add");
        command.args(arguments).env("SSH_AUTH_SOCK", &self.socket).env_remove("SSH_ASKPASS").stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "ssh-add {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
