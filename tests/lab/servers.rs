//! Real servers of a row: OpenSSH's sshd, dropbear and tinysshd, each with its own configuration, keys and log.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::Context as _;

use crate::account::LOG;
use crate::client::wait_for;
use crate::world::{World, keygen, read};

/// The configuration below the row's own lines; sshd takes the first value of each keyword.
const SSHD_CONFIG: &str = "\
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile /run/sshd.pid
LogLevel VERBOSE
";

impl World {
    /// Debian's sshd, known to the client, with these lines before the usual ones and what follows `Match` after them.
    pub(crate) fn server(&self, lines: &str) -> anyhow::Result<()> {
        self.host_key("ed25519")?;
        self.known("web1.example.org", "ed25519")?;
        self.sshd(lines)
    }

    /// A host key of that type, where there is none yet.
    #[expect(clippy::unused_self, reason = "a key is made on a machine, and only there")]
    pub(crate) fn host_key(&self, kind: &str) -> anyhow::Result<()> {
        let path = format!("/etc/ssh/ssh_host_{kind}_key");
        if Path::new(&path).exists() {
            return Ok(());
        }
        keygen(&["-q", "-t", kind, "-N", "", "-C", "root@web1", "-f", &path])
    }

    /// The client knows the host key of that type under these names.
    pub(crate) fn known(&self, names: &str, kind: &str) -> anyhow::Result<()> {
        let key = read(&format!("/etc/ssh/ssh_host_{kind}_key.pub"))?;
        let words: Vec<&str> = key.split_whitespace().take(2).collect();
        self.append("/home/a/.ssh/known_hosts", &format!("{names} {}", words.join(" ")))
    }

    /// Debian's sshd alone: the host keys that exist, these lines first. It logs to syslog where there is one.
    pub(crate) fn sshd(&self, lines: &str) -> anyhow::Result<()> {
        self.sshd_config(lines)?;
        // It binds one address after the other, IPv6 first.
        let says =
            if lines.contains("ListenAddress ") { "Server listening on" } else { "Server listening on 192.0.2.7" };
        if Path::new("/dev/log").exists() {
            self.sh("/usr/sbin/sshd -f /etc/ssh/sshd_config")?;
            return listening(LOG, says);
        }
        self.sh("/usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd")?;
        listening("/var/log/sshd", says)
    }

    /// What sshd reads: these lines first, the host keys that exist. Its log is new.
    pub(crate) fn sshd_config(&self, lines: &str) -> anyhow::Result<()> {
        let (general, matched) = lines.find("Match ").map_or((lines, ""), |at| lines.split_at(at));
        let mut config = format!("{general}\n{SSHD_CONFIG}");
        if !general.contains("ListenAddress ") {
            config.push_str("ListenAddress 192.0.2.7\nListenAddress 2001:db8::7\n");
        }
        if !general.contains("HostKey ") {
            for entry in fs::read_dir("/etc/ssh")? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name.starts_with("ssh_host_") && name.ends_with("_key") {
                    config.push_str("HostKey /etc/ssh/");
                    config.push_str(&name);
                    config.push('\n');
                }
            }
        }
        config.push_str(matched);
        self.file("/etc/ssh/sshd_config", config, 0o644)?;
        let _ = fs::remove_file("/var/log/sshd");
        Ok(())
    }

    /// dropbear on port 22, known to the client, with these further options.
    pub(crate) fn dropbear(&self, options: &[&str]) -> anyhow::Result<()> {
        fs::create_dir_all("/etc/dropbear")?;
        let made = self.sh("dropbearkey -t ed25519 -f /etc/dropbear/host_ed25519 2>/dev/null | grep '^ssh-'")?;
        let words: Vec<&str> = made.split_whitespace().take(2).collect();
        self.append("/home/a/.ssh/known_hosts", &format!("web1.example.org {}", words.join(" ")))?;
        let log = fs::File::create("/var/log/dropbear")?;
        Command::new("/usr/sbin/dropbear")
            .args(["-F", "-E", "-p", "192.0.2.7:22", "-r", "/etc/dropbear/host_ed25519", "-P", "/run/dropbear.pid"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("dropbear")?;
        wait_for("dropbear", || Path::new("/run/dropbear.pid").exists())
    }

    /// tinysshd on port 22, known to the client.
    pub(crate) fn tinysshd(&self) -> anyhow::Result<()> {
        self.sh("tinysshd-makekey -q /srv/tinysshd && tinysshd-printkey /srv/tinysshd >/srv/tiny")?;
        let printed = read("/srv/tiny")?;
        let key = printed.split_whitespace().find(|word| word.starts_with("AAAA")).context("tinysshd-printkey")?;
        self.append("/home/a/.ssh/known_hosts", &format!("web1.example.org ssh-ed25519 {key}"))?;
        let listener = TcpListener::bind("192.0.2.7:22")?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (Ok(read), Ok(write)) = (stream.try_clone(), stream.try_clone()) else { continue };
                let child = Command::new("/usr/sbin/tinysshd")
                    .arg("/srv/tinysshd")
                    .stdin(OwnedFd::from(read))
                    .stdout(OwnedFd::from(write))
                    .stderr(Stdio::null())
                    .spawn();
                drop((child, stream));
            }
        });
        Ok(())
    }
}

/// Waits until a server's log says that it listens; a connection would be one that it counts.
pub(crate) fn listening(log: &str, says: &str) -> anyhow::Result<()> {
    wait_for(says, || read(log).is_ok_and(|text| text.contains(says))).with_context(|| read(log).unwrap_or_default())
}
