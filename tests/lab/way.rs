//! The machines on the way of a row: a bastion, a second hop behind it and a target behind both, each a network namespace
//! with addresses, names, a host key, accounts and keys of its own, and an sshd where the row wants one.
//!
//! The client reaches the bastion only (198.51.100.1). From there the target is db1.internal (10.9.0.7) and the second
//! hop inner.internal (10.9.1.2); the second hop alone reaches the target's other address, vault.internal (10.9.2.7).
//! Nothing is routed from one to the next. The file system is one for all.
//!
//! Touches: network namespaces and mounts below the row's own.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, anyhow};
use nix::sched::{CloneFlags, setns};

use crate::client::wait_for;
use crate::servers::listening;
use crate::versions;
use crate::world::{World, read};

/// A machine on the way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    /// Its host name, and its network namespace's.
    pub(crate) name: &'static str,
    /// The account that one logs in to there.
    user: &'static str,
    /// The names and addresses that the client knows its host key by.
    names: &'static str,
}

/// The first hop.
pub(crate) const BASTION: Machine = Machine { name: "bastion", user: "jump", names: "bastion.example.org" };
/// The second hop, behind the bastion.
pub(crate) const INNER: Machine = Machine { name: "inner", user: "jump", names: "inner.internal" };
/// What one wants to get to.
pub(crate) const TARGET: Machine =
    Machine { name: "target", user: "deploy", names: "db1.internal,10.9.0.7,vault.internal,10.9.2.7" };

/// A server in Python that is a hop which does not do as a hop should.
const HOP: &str = include_str!("python/hop.py");

/// sshd's configuration below the row's own lines.
const SSHD_CONFIG: &str = "\
AddressFamily inet
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel VERBOSE
";

impl Machine {
    /// Its log.
    pub(crate) fn log(self) -> String {
        format!("/var/log/{}", self.name)
    }

    /// Where its host key is, its configuration and its keys.
    pub(crate) fn file(self, name: &str) -> String {
        format!("/srv/way/{}/{name}", self.name)
    }

    /// Does something in its network: what is bound or started meanwhile stays there.
    pub(crate) fn inside<T: Send>(self, act: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        let entered = || {
            let place = format!("/run/netns/{}", self.name);
            setns(fs::File::open(&place).context(place)?, CloneFlags::CLONE_NEWNET)?;
            act()
        };
        thread::scope(|scope| scope.spawn(entered).join()).map_err(|_| anyhow!("{}: a thread panicked", self.name))?
    }

    /// A program on this machine, as root.
    fn program(self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        let named = ["sh", "-c", "hostname \"$0\"; exec \"$@\"", self.name, program];
        command.args(["netns", "exec", self.name, "unshare", "-u"]).args(named).args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }
}

impl World {
    /// The machines and the network between them. The client knows their host keys; nothing listens yet.
    pub(crate) fn way(&self) -> anyhow::Result<()> {
        self.sh(WAY).context("the machines on the way could not be built")?;
        for machine in [BASTION, INNER, TARGET] {
            self.known_as(machine, machine.names)?;
        }
        Ok(())
    }

    /// The client knows this machine's host key under these names.
    pub(crate) fn known_as(&self, machine: Machine, names: &str) -> anyhow::Result<()> {
        let key = read(&machine.file("host_key.pub"))?;
        let words: Vec<&str> = key.split_whitespace().take(2).collect();
        self.append("/home/a/.ssh/known_hosts", &format!("{names} {}", words.join(" ")))
    }

    /// Debian's sshd there, with these lines before the usual ones and what follows `Match` after them.
    pub(crate) fn sshd_at(&self, machine: Machine, lines: &str) -> anyhow::Result<()> {
        let (general, matched) = lines.find("Match ").map_or((lines, ""), |at| lines.split_at(at));
        let own = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nPidFile {}\n",
            machine.file("host_key"),
            machine.file("keys/%u"),
            machine.file("pid")
        );
        let config = machine.file("sshd_config");
        self.file(&config, format!("{general}\n{SSHD_CONFIG}{own}{matched}"), 0o644)?;
        let log = machine.log();
        let output =
            machine.program("/usr/sbin/sshd", &["-f", &config, "-E", &log]).output().context("ip netns exec")?;
        if !output.status.success() {
            return Err(anyhow!("sshd at {}: {}", machine.name, String::from_utf8_lossy(&output.stderr)));
        }
        listening(&log, "Server listening on")
    }

    /// dropbear there, on port 22, with these further options. It reads its account's own `~/.ssh/authorized_keys`.
    pub(crate) fn dropbear_at(&self, machine: Machine, options: &[&str]) -> anyhow::Result<()> {
        let (key, pid) = (machine.file("dropbear_key"), machine.file("dropbear.pid"));
        let made = self.sh(&format!("dropbearkey -t ed25519 -f {key} 2>/dev/null | grep '^ssh-'"))?;
        self.file(&machine.file("host_key.pub"), made, 0o644)?;
        self.sh(&format!("sed -i '/^{}/d' /home/a/.ssh/known_hosts", machine.name))?;
        self.known_as(machine, machine.names)?;
        let log = fs::File::create(machine.log())?;
        let mut command = machine.program("/usr/sbin/dropbear", &["-F", "-E", "-p", "22", "-r", &key, "-P", &pid]);
        command.args(options).stdout(Stdio::null()).stderr(log).spawn().context("dropbear")?;
        wait_for("dropbear", || fs::exists(&pid).unwrap_or(false))
    }

    /// A server in Python on port 22 there, which knows the machine's keys and does what `how` says.
    pub(crate) fn python_at(&self, machine: Machine, how: &str) -> anyhow::Result<()> {
        self.file("/srv/way/hop.py", HOP, 0o644)?;
        let log = fs::File::create(machine.log())?;
        let (key, keys) = (machine.file("host_key"), machine.file(&format!("keys/{}", machine.user)));
        machine
            .program(&versions::python(), &["/srv/way/hop.py", how, &key, &keys])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("python")?;
        listening(&machine.log(), "listening")
    }

    /// The machine lets this public key in to its account, with options before it.
    pub(crate) fn let_in_with(&self, machine: Machine, options: &str, public_half: &str) -> anyhow::Result<()> {
        let line = read(public_half)?;
        let keys = machine.file(&format!("keys/{}", machine.user));
        self.append(&keys, &format!("{options}{}", line.trim_end()))?;
        self.sh(&format!("chmod 644 {keys}")).map(drop)
    }

    /// The machine lets this public key in to its account.
    pub(crate) fn let_in(&self, machine: Machine, public_half: &str) -> anyhow::Result<()> {
        self.let_in_with(machine, "", public_half)
    }

    /// What is put on the machine's way is dropped without a word: an expression of nft(8) that its incoming or, where it
    /// names a `daddr`, its outgoing packets match.
    pub(crate) fn drops(&self, machine: Machine, what: &str) -> anyhow::Result<()> {
        let hook = if what.contains("daddr") { "output" } else { "input" };
        let rules =
            format!("add chain inet way {hook} {{ type filter hook {hook} priority 0; }}; add rule inet way {hook}");
        machine.inside(|| self.sh(&format!("nft 'add table inet way; {rules} {what} drop'")).map(drop))
    }
}

/// Builds the machines: accounts, namespaces, addresses, names and host keys.
const WAY: &str = r"
printf 'jump:x:1002:1002:Jump:/home/jump:/bin/sh\n' >>/etc/passwd
printf 'jump:*:19000:0:99999:7:::\n' >>/etc/shadow
printf 'jump:x:1002:\n' >>/etc/group; printf 'jump:!::\n' >>/etc/gshadow
mkdir -m 755 /home/jump; chown 1002:1002 /home/jump
printf '198.51.100.1 bastion.example.org\n' >>/etc/hosts
for name in bastion inner target; do
  ip netns add $name
  mkdir -p /srv/way/$name/keys /etc/netns/$name
  ssh-keygen -q -t ed25519 -N '' -C root@$name -f /srv/way/$name/host_key
  cp /etc/hosts /etc/netns/$name/hosts
done
printf '10.9.0.7 db1.internal\n10.9.1.2 inner.internal\n' >>/etc/netns/bastion/hosts
printf '10.9.2.7 vault.internal\n' >>/etc/netns/inner/hosts
ip -batch - <<END
link add to-bastion type veth peer name to-client netns bastion
addr add 198.51.100.20/24 dev to-bastion
link set to-bastion up
END
ip -n bastion -batch - <<END
link set lo up
link add to-target type veth peer name to-bastion netns target
link add to-inner type veth peer name to-bastion netns inner
addr add 198.51.100.1/24 dev to-client
addr add 10.9.0.1/24 dev to-target
addr add 10.9.1.1/24 dev to-inner
link set to-client up
link set to-target up
link set to-inner up
END
ip -n inner -batch - <<END
link set lo up
link add to-target type veth peer name to-inner netns target
addr add 10.9.1.2/24 dev to-bastion
addr add 10.9.2.1/24 dev to-target
link set to-bastion up
link set to-target up
END
ip -n target -batch - <<END
link set lo up
addr add 10.9.0.7/24 dev to-bastion
addr add 10.9.2.7/24 dev to-inner
link set to-bastion up
link set to-inner up
END
";
