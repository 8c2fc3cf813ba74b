//! A real sshd of a test's own: loopback only, its own configuration, host key and log in one folder.
//!
//! Nothing of the machine's own sshd is read. It runs as whoever runs the test, so the only account that can log in
//! is that one; PAM and StrictModes are off, so that the machine's accounts and the folder's mode do not matter.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{User, getuid};

/// How long an sshd may take to listen, on a machine that is busy with other tests.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A running sshd; it ends when this is dropped.
pub(crate) struct Sshd {
    child: Child,
    folder: PathBuf,
    /// The port it listens on, at 127.0.0.1.
    pub(crate) port: u16,
}

impl Sshd {
    /// Starts one in `folder`. `settings` stand first in its configuration, so they win over those below.
    pub(crate) fn start(folder: &Path, settings: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let host_key = folder.join("host_key");
        if !host_key.exists() {
            keygen(&host_key, "host")?;
        }
        if getuid().is_root() {
            // sshd refuses to start without its privilege separation folder; packages make it at boot.
            fs::create_dir_all("/run/sshd").context("/run/sshd")?;
        }
        // Another process may take the port between the question and the answer.
        for _ in 0..5 {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let configuration = format!(
                "{settings}\n\
                 ListenAddress 127.0.0.1\n\
                 Port {port}\n\
                 HostKey {host_key}\n\
                 AuthorizedKeysFile {folder}/authorized_keys\n\
                 PidFile none\n\
                 StrictModes no\n\
                 UsePAM no\n\
                 UseDNS no\n\
                 PermitRootLogin yes\n\
                 PasswordAuthentication no\n\
                 KbdInteractiveAuthentication no\n\
                 MaxStartups 200\n\
                 LoginGraceTime 20\n\
                 PrintMotd no\n\
                 PrintLastLog no\n\
                 LogLevel INFO\n",
                host_key = host_key.display(),
                folder = folder.display(),
            );
            fs::write(folder.join("sshd_config"), configuration)?;
            if let Some(sshd) = Self::listen(folder, port)? {
                return Ok(sshd);
            }
        }
        bail!("sshd does not start: {}", fs::read_to_string(folder.join("sshd.log")).unwrap_or_default())
    }

    /// Everything it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read(self.folder.join("sshd.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The line for a client's known_hosts that names this server's key, seen at `port` of 127.0.0.1.
    pub(crate) fn known_hosts_line(&self, port: u16) -> Result<String> {
        let public = fs::read_to_string(self.folder.join("host_key.pub"))?;
        Ok(format!("[127.0.0.1]:{port} {public}"))
    }

    /// Lets the public half at `public` log in, with `options` (empty, or `command="…" `) before it.
    pub(crate) fn authorize(&self, public: &Path, options: &str) -> Result<()> {
        let line = fs::read_to_string(public).with_context(|| public.display().to_string())?;
        Ok(fs::write(self.folder.join("authorized_keys"), format!("{options}{line}"))?)
    }

    fn listen(folder: &Path, port: u16) -> Result<Option<Self>> {
        let log = folder.join("sshd.log");
        let _ = fs::remove_file(&log);
        let child = Command::new(program()?)
            .args(["-D", "-f"])
            .arg(folder.join("sshd_config"))
            .arg("-E")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("sshd")?;
        let mut sshd = Self { child, folder: folder.to_path_buf(), port };
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            // The log, not a connection: a connection would leave a line of its own.
            if sshd.log().contains("Server listening on") {
                return Ok(Some(sshd));
            }
            if sshd.child.try_wait()?.is_some() {
                return Ok(None);
            }
            sleep(Duration::from_millis(5));
        }
        bail!("sshd does not listen after {START_LIMIT:?}")
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The account that runs the test, and the only one this sshd can log in.
pub(crate) fn account() -> Result<String> {
    Ok(User::from_uid(getuid())?.context("this user id has no passwd entry")?.name)
}

/// Makes an ed25519 key without passphrase at `path`, and its public half beside it.
pub(crate) fn keygen(path: &Path, comment: &str) -> Result<()> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .context("ssh-keygen")?;
    ensure!(made.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

/// sshd wants to be run by its absolute path, and is seldom on an ordinary user's PATH.
fn program() -> Result<PathBuf> {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .context("no sshd here: install openssh-server")
}
