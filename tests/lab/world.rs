//! The machine of one row: a root of its own inside namespaces, with accounts, addresses and files that are always the
//! same, so that what is recorded there names nobody.
//!
//! Touches: mounts, addresses and processes of its own namespaces only. The row's process is PID 1 there, so nothing
//! outlives it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// The client's account.
pub(crate) const CLIENT: Account = Account { name: "a", id: 1000, home: "/home/a" };
/// The account on the server.
const DEPLOY: Account = Account { name: "deploy", id: 1001, home: "/home/deploy" };
/// The account on a bastion.
pub(crate) const JUMP: Account = Account { name: "jump", id: 1002, home: "/home/jump" };
/// The superuser, as whom a few rows run ssh.
pub(crate) const ROOT: Account = Account { name: "root", id: 0, home: "/root" };
/// Where the program under test is found inside.
pub(crate) const DOCTOR: &str = "/srv/lab/sshdoctor";

/// An account of the row's machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its uid and gid.
    pub(crate) id: u32,
    /// Its home.
    pub(crate) home: &'static str,
}

/// The machine, client and server in one.
#[derive(Debug)]
pub(crate) struct World {
    /// As whom ssh is run.
    pub(crate) who: Account,
    /// What ssh's environment has besides the usual.
    pub(crate) environment: Vec<(String, String)>,
    /// Words of an ssh command line of the client's; where there are any, its programs run at the other end of it.
    pub(crate) over: Vec<String>,
}

impl World {
    /// Builds it, in namespaces that the caller has made.
    pub(crate) fn build(doctor: &Path) -> anyhow::Result<Self> {
        let world = Self { who: CLIENT, environment: Vec::new(), over: Vec::new() };
        let script = format!("DOCTOR={}\n{BUILD}", quoted(&doctor.to_string_lossy()));
        world.sh(&script).context("the row's machine could not be built")?;
        Ok(world)
    }

    /// Runs a shell script as root and returns what it printed.
    #[expect(clippy::unused_self, reason = "a script runs on a machine, and only there")]
    pub(crate) fn sh(&self, script: &str) -> anyhow::Result<String> {
        let output = Command::new("/bin/sh")
            .args(["-euc", script])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .context("/bin/sh could not be run")?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("{script}\n{printed}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(printed)
    }

    /// Writes a file with its folders; it belongs to the account whose home it is in.
    pub(crate) fn file(&self, path: &str, text: impl AsRef<[u8]>, mode: u32) -> anyhow::Result<()> {
        self.folder_of(path)?;
        fs::write(path, text.as_ref()).with_context(|| path.to_owned())?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(|| path.to_owned())?;
        let owner = owner_of(path);
        chown(path, Some(owner.id), Some(owner.id)).with_context(|| path.to_owned())
    }

    /// Appends a line to a file that may not be there yet.
    pub(crate) fn append(&self, path: &str, line: &str) -> anyhow::Result<()> {
        if !Path::new(path).exists() {
            return self.file(path, format!("{line}\n"), 0o600);
        }
        let mut file = fs::OpenOptions::new().append(true).open(path).with_context(|| path.to_owned())?;
        writeln!(file, "{line}").with_context(|| path.to_owned())
    }

    /// A line for the client's `~/.ssh/config`.
    pub(crate) fn config(&self, lines: &str) -> anyhow::Result<()> {
        self.append("/home/a/.ssh/config", lines)
    }

    /// A new key pair, made by ssh-keygen with these further options; it belongs to the account whose home it is in.
    pub(crate) fn key(&self, path: &str, options: &[&str]) -> anyhow::Result<()> {
        self.folder_of(path)?;
        let mut all = vec!["-q", "-f", path, "-C", "a@laptop"];
        if !options.contains(&"-t") {
            all.extend(["-t", "ed25519"]);
        }
        if !options.contains(&"-N") {
            all.extend(["-N", ""]);
        }
        all.extend(options);
        keygen(&all)?;
        let owner = owner_of(path);
        for file in [path.to_owned(), format!("{path}.pub")] {
            chown(&file, Some(owner.id), Some(owner.id)).context(file)?;
        }
        Ok(())
    }

    /// Puts a public key into deploy's authorized_keys, with options before it.
    pub(crate) fn authorize_with(&self, options: &str, public_half: &str) -> anyhow::Result<()> {
        let line = read(public_half)?;
        self.append("/home/deploy/.ssh/authorized_keys", &format!("{options}{}", line.trim_end()))
    }

    /// Puts a public key into deploy's authorized_keys.
    pub(crate) fn authorize(&self, public_half: &str) -> anyhow::Result<()> {
        self.authorize_with("", public_half)
    }

    /// The client's default key, and the server lets it in.
    pub(crate) fn login_key(&self) -> anyhow::Result<()> {
        self.key("/home/a/.ssh/id_ed25519", &[])?;
        self.authorize("/home/a/.ssh/id_ed25519.pub")
    }

    /// An agent of the client's, in its environment, with these keys loaded; their files are taken away.
    pub(crate) fn agent_with(&mut self, keys: &[&str]) -> anyhow::Result<()> {
        self.agent()?;
        for key in keys {
            self.ssh_add(&[key])?;
            self.put_away(key)?;
        }
        Ok(())
    }

    /// Moves a key pair to /srv/kept, where no client looks.
    pub(crate) fn put_away(&self, key: &str) -> anyhow::Result<()> {
        self.sh(&format!("mkdir -p /srv/kept; mv {key} {key}.pub /srv/kept/")).map(drop)
    }

    /// An empty agent of the client's, in its environment.
    pub(crate) fn agent(&mut self) -> anyhow::Result<()> {
        let socket = "/tmp/ssh-XXXXagent/agent.7";
        self.folder_of(socket)?;
        chown("/tmp/ssh-XXXXagent", Some(self.who.id), Some(self.who.id))?;
        self.as_client("ssh-agent", &["-D", "-a", socket]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        crate::client::wait_for("the agent", || UnixStream::connect(socket).is_ok())?;
        self.environment.push(("SSH_AUTH_SOCK".to_owned(), socket.to_owned()));
        Ok(())
    }

    /// Runs ssh-add as the client.
    pub(crate) fn ssh_add(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let output = self.as_client("ssh-add", arguments).output()?;
        if !output.status.success() {
            bail!("ssh-add {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// A program as the client would run it: its account, a clean environment, no terminal.
    pub(crate) fn as_client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.over.first().map_or(program, String::as_str));
        if self.over.is_empty() {
            command.args(arguments);
        } else {
            // What ssh is given is one line for the shell over there.
            command.args(&self.over[1..]).args(std::iter::once(&program).chain(arguments).map(|word| quoted(word)));
        }
        command
            .uid(self.who.id)
            .gid(self.who.id)
            .current_dir(self.who.home)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.who.home)
            .env("USER", self.who.name)
            .env("LOGNAME", self.who.name)
            .env("SHELL", "/bin/sh")
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .env("TZ", "UTC")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Makes the folders above `path`, `.ssh` closed to others.
    #[expect(clippy::unused_self, reason = "a folder is made on a machine, and only there")]
    fn folder_of(&self, path: &str) -> anyhow::Result<()> {
        let Some(folder) = Path::new(path).parent().filter(|folder| !folder.exists()) else { return Ok(()) };
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let owner = owner_of(path);
        chown(folder, Some(owner.id), Some(owner.id)).with_context(|| folder.display().to_string())
    }
}

/// A file's text.
pub(crate) fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| path.to_owned())
}

/// Runs ssh-keygen.
pub(crate) fn keygen(arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ssh-keygen").args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("ssh-keygen {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Quotes one word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// To whom a file belongs, by the home it is in.
fn owner_of(path: &str) -> Account {
    [CLIENT, DEPLOY, JUMP].into_iter().find(|account| Path::new(path).starts_with(account.home)).unwrap_or(ROOT)
}

/// Builds the machine. The program is opened first, because what is mounted next may hide it.
const BUILD: &str = r#"
exec 3<"$DOCTOR"
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir -p /srv/lab /srv/etc /srv/upper /srv/work
touch /srv/lab/sshdoctor
mount --bind /proc/self/fd/3 /srv/lab/sshdoctor 2>/dev/null || { cat <&3 >/srv/lab/sshdoctor; chmod 755 /srv/lab/sshdoctor; }
exec 3<&-
mount -t overlay -o lowerdir=/etc,upperdir=/srv/upper,workdir=/srv/work overlay /etc 2>/dev/null || {
  cp -a /etc/. /srv/etc; mount --bind /srv/etc /etc; }
for folder in /home /run /var/log /var/tmp /var/mail /etc/ssh; do
  [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 tmpfs "$folder"; done
mount -t tmpfs -o mode=700 tmpfs /root
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /dev/pts
[ -c /dev/pts/ptmx ] && mount --bind /dev/pts/ptmx /dev/ptmx
[ ! -e /dev/log ] || mount --bind /dev/null /dev/log 2>/dev/null || true
hostname laptop
mkdir -p /run/sshd /etc/ssh/ssh_config.d /home/a /home/deploy
cat >/etc/ssh/ssh_config <<'END'
Include /etc/ssh/ssh_config.d/*.conf
Host *
    SendEnv LANG LC_*
    HashKnownHosts yes
    GSSAPIAuthentication yes
END
chmod 755 /home/a /home/deploy; chown 1000:1000 /home/a; chown 1001:1001 /home/deploy
rm -f /etc/nologin /etc/hosts.allow /etc/hosts.deny /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/nsswitch.conf \
  /etc/resolv.conf /etc/hosts /etc/hostname /etc/gai.conf /etc/motd /etc/legal
cat >/etc/passwd <<END
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
sshd:x:102:65534::/run/sshd:/usr/sbin/nologin
a:x:1000:1000:A:/home/a:/bin/sh
deploy:x:1001:1001:Deploy:/home/deploy:/bin/sh
END
cat >/etc/shadow <<END
root:*:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
sshd:!:19000::::::
a:*:19000:0:99999:7:::
deploy:*:19000:0:99999:7:::
END
printf 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nmail:x:8:\nshadow:x:42:\nnogroup:x:65534:\na:x:1000:\ndeploy:x:1001:\n' >/etc/group
printf 'root:*::\ndaemon:*::\ntty:*::\nmail:*::\nshadow:*::\nnogroup:*::\na:!::\ndeploy:!::\n' >/etc/gshadow
chmod 644 /etc/passwd /etc/group; chmod 640 /etc/shadow /etc/gshadow; chown root:42 /etc/shadow /etc/gshadow
printf 'passwd: files\ngroup: files\nshadow: files\ngshadow: files\nhosts: files dns\n' >/etc/nsswitch.conf
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >/etc/resolv.conf
cat >/etc/hosts <<'END'
127.0.0.1 localhost
192.0.2.100 laptop
192.0.2.7 web1.example.org
2001:db8::7 web1-six.example.org
END
ip link set lo up
ip addr add 192.0.2.100/32 dev lo
ip addr add 192.0.2.7/32 dev lo
ip addr add 192.0.2.8/32 dev lo
ip -6 addr add 2001:db8::100/128 dev lo nodad
ip -6 addr add 2001:db8::7/128 dev lo nodad
ip -6 addr add 2001:db8::8/128 dev lo nodad
for address in 192.0.2.7 192.0.2.8; do ip route change table local local $address dev lo src 192.0.2.100 2>/dev/null || true; done
"#;
