//! Other versions of OpenSSH than the machine's own, as servers in a root of their own and as clients, and servers
//! written in Python. tests/lab/prepare makes their files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::client::wait_for;
use crate::servers::listening;
use crate::world::{World, read};

/// Where their files are kept.
const KEPT: &str = "/var/cache/sshdoctor-lab";
/// The servers in Python, by what their rows call them.
const SCRIPTS: &[(&str, &str)] =
    &[("asyncssh", include_str!("python/with_asyncssh.py")), ("paramiko", include_str!("python/with_paramiko.py"))];

/// The Python that has the libraries.
pub(crate) fn python() -> String {
    format!("{KEPT}/python/bin/python")
}

/// Whether all of it is there.
pub(crate) fn able() -> anyhow::Result<()> {
    for made in ["8.4/client/ssh", "10.0/client/ssh", "8.4/server/sshd", "10.0/server/sshd", "python/made"] {
        let path = Path::new(KEPT).join(made);
        ensure!(path.exists(), "{} is missing: tests/lab/prepare makes it (tests/run does so first)", path.display());
    }
    Ok(())
}

impl World {
    /// sshd of this version, known to the client, with these lines first.
    pub(crate) fn server_of(&self, version: &str, lines: &str) -> anyhow::Result<()> {
        self.host_key("ed25519")?;
        self.known("web1.example.org", "ed25519")?;
        self.sshd_of(version, lines)
    }

    /// sshd of this version alone, in a root of its own that shares all but the programs with the row's machine.
    pub(crate) fn sshd_of(&self, version: &str, lines: &str) -> anyhow::Result<()> {
        // Before 8.7 these were two settings, not two names of one.
        self.sshd_config(&format!("ChallengeResponseAuthentication no\n{lines}"))?;
        self.sh(&format!("KEPT={KEPT}/{version}\n{ROOT}"))?;
        listening("/var/log/sshd", "Server listening on")
    }

    /// The machine's own sshd is of this version from here on: the daemon, `sshd -T` and what a collector finds.
    pub(crate) fn becomes_version(&self, version: &str) -> anyhow::Result<()> {
        self.sh(&format!("KEPT={KEPT}/{version}/server\n{BECOMES}")).map(drop)
    }

    /// ssh, ssh-agent and ssh-add of the row's client are of this version.
    pub(crate) fn client_of(&self, version: &str) -> anyhow::Result<()> {
        for program in ["ssh", "ssh-agent", "ssh-add"] {
            self.sh(&format!("mount --bind {KEPT}/{version}/client/{program} $(readlink -f /usr/bin/{program})"))?;
        }
        Ok(())
    }

    /// One more ssh, of this version, in this folder; what the machine itself has in /usr/local/bin is not seen.
    pub(crate) fn ssh_of(&self, version: &str, folder: &str) -> anyhow::Result<()> {
        self.sh("mountpoint -q /usr/local/bin || mount -t tmpfs -o mode=755 tmpfs /usr/local/bin")?;
        self.sh(&format!("mkdir -p {folder}; install -m 755 {KEPT}/{version}/client/ssh {folder}/ssh")).map(drop)
    }

    /// A server written with this library of Python on port 22, known to the client, which does what `how` says.
    pub(crate) fn python(&self, library: &str, how: &str) -> anyhow::Result<()> {
        self.host_key("ed25519")?;
        self.known("web1.example.org", "ed25519")?;
        let (_, script) = SCRIPTS.iter().find(|(name, _)| *name == library).context("no such library")?;
        self.file("/srv/server.py", script, 0o644)?;
        let log = fs::File::create("/var/log/python")?;
        Command::new(python())
            .args(["/srv/server.py", how])
            .env_clear()
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context(library.to_owned())?;
        wait_for(library, || read("/var/log/python").is_ok_and(|text| text.contains("listening")))
            .with_context(|| read("/var/log/python").unwrap_or_default())
    }
}

/// The other version's root: its programs and libraries, everything else the row's.
const ROOT: &str = r"
mkdir -p /srv/root /srv/root-upper /srv/root-work
if mountpoint -q /srv/root; then :; else
  mount -t overlay -o lowerdir=$KEPT,upperdir=/srv/root-upper,workdir=/srv/root-work overlay /srv/root
  for folder in dev proc etc home root run tmp var/log var/mail; do
    mkdir -p /srv/root/$folder; mount --rbind /$folder /srv/root/$folder; done
fi
chroot /srv/root /usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd
";

/// Programs of another version in the place of the machine's own, with the modules of PAM that fit their C library.
const BECOMES: &str = r"
mount --bind $KEPT/sshd /usr/sbin/sshd
mount --bind $KEPT/security $(readlink -f $(echo /lib/*-linux-gnu/security))
if [ -e $KEPT/sshd-session ]; then
  mkdir /srv/openssh
  cp -a /usr/lib/openssh/. /srv/openssh
  cp $KEPT/sshd-session $KEPT/sshd-auth /srv/openssh
  mount --bind /srv/openssh /usr/lib/openssh
fi
";
