//! The server's side of a row: sshd logs to syslog as on a real machine, and `sshdoctor server` judges there as root,
//! from the collector that it runs itself and from what the printed collector printed.
//!
//! Touches: /dev of its own mount namespace, and what a row's machine may touch.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;

use anyhow::Context as _;

use crate::client::{self, Ended};
use crate::row::{Fixture, Row};
use crate::world::{DOCTOR, ROOT, World, quoted, read};

/// Where sshd's words go, as rsyslog keeps them.
pub(crate) const LOG: &str = "/var/log/auth.log";
/// What the printed collector printed.
const COLLECTED: &str = "/srv/lab/collected";
/// Where `--save` writes with both halves, of which an incident is kept.
const BOTH: &str = "/srv/lab/admin/both.json";
/// Where `--save` writes.
const CASE: &str = "/srv/lab/case.json";
/// The hash of deploy's password. No word of it may be in any output.
const HASH: &str = "$6$labsalt$NeverToBeShownAnywhere";

/// What is asked on the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    /// The account; empty where the words ask about all.
    pub(crate) user: &'static str,
    /// The public half of the key in question; none where it is empty.
    pub(crate) key: &'static str,
    /// Further words of the command line.
    pub(crate) words: &'static [&'static str],
    /// Whether the log is taken away before anything is asked.
    pub(crate) no_log: bool,
}

/// What `sshdoctor server` said, twice.
#[derive(Debug)]
pub(crate) struct Asked {
    /// How it ended where it ran the collector itself.
    pub(crate) here: Ended,
    /// How it ended with what the printed collector printed.
    pub(crate) collected: Ended,
    /// How the client's own run ended that looked at the server over an administrator's login; none where the row is not
    /// asked so.
    pub(crate) joined: Option<Ended>,
    /// The facts as a saved case, where the row asks for them.
    pub(crate) facts: Option<String>,
    /// What is not as it should be.
    pub(crate) complaints: Vec<String>,
}

impl World {
    /// The machine becomes a server that logs: a syslog of its own, a password of which no hash may be shown.
    pub(crate) fn becomes_server(&self) -> anyhow::Result<()> {
        self.sh(DEVICES)?;
        self.sh(&format!("usermod -p '{HASH}' deploy"))?;
        let socket = UnixDatagram::bind("/dev/log").context("/dev/log")?;
        self.sh("chmod 666 /dev/log")?;
        let mut log = fs::OpenOptions::new().create(true).append(true).open(LOG).context(LOG)?;
        thread::spawn(move || {
            let mut message = [0; 8192];
            while let Ok(length) = socket.recv(&mut message) {
                let text = String::from_utf8_lossy(&message[..length]);
                // `<38>Nov 25 02:00:00 sshd[12]: words`, as glibc's syslog(3) writes it.
                let words = text.split_once('>').and_then(|(_, rest)| rest.get(16..)).unwrap_or(&text);
                // As rsyslog stamps it.
                let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00");
                let _ = writeln!(log, "{now} web1 {}", words.trim_end());
            }
        });
        Ok(())
    }

    /// Another way into the server, for root: dropbear at an address of its own, so that nothing of the row's sshd stands
    /// in its way; the client knows it as web1-admin.
    pub(crate) fn administrator(&self) -> anyhow::Result<()> {
        if Path::new("/run/dropbear-admin.pid").exists() {
            return Ok(());
        }
        self.sh(ADMINISTRATOR)?;
        // It listens first and then says who it is.
        let said = || read("/run/dropbear-admin.pid").is_ok_and(|text| !text.is_empty());
        client::wait_for("dropbear", || said() && std::net::TcpStream::connect(("192.0.2.8", 22)).is_ok())
    }
}

/// Asks on the server, in each of its ways, and looks whether that changed anything there.
pub(crate) fn asks(world: &World, row: &Row, side: Side) -> anyhow::Result<Asked> {
    let mut complaints = Vec::new();
    if side.no_log {
        world.sh(&format!("rm -f {LOG}"))?;
    }
    let root = World { who: ROOT, environment: Vec::new(), over: Vec::new() };
    let mut words = vec!["server", "--from", "192.0.2.100"];
    if !side.user.is_empty() {
        words.push(side.user);
    }
    if !side.key.is_empty() {
        words.extend(["--key", side.key]);
    }
    let mut line = words.clone();
    line.extend(side.words);
    line.extend(["--format", "json"]);
    if row.fixture != Fixture::No {
        line.extend(["--save", CASE]);
    }
    if row.over.is_some() {
        world.administrator()?;
    }
    let before = world.sh(STATE)?;
    let here = run(&root, &line)?;
    let collector = format!(
        "umask 077; {DOCTOR} server --print-script >/srv/lab/account.sh
         /bin/sh /srv/lab/account.sh --from 192.0.2.100 {} {} {} >{COLLECTED}",
        if side.key.is_empty() { String::new() } else { format!("--key \"$(cut -d ' ' -f 1,2 {})\"", side.key) },
        side.words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        if side.user.is_empty() { String::new() } else { format!("-- {}", quoted(side.user)) },
    );
    world.sh(&collector)?;
    words.extend(["--format", "json", "--collected", COLLECTED]);
    let collected = run(&root, &words)?;
    let joined = row.over.map(|_| over(world, row)).transpose()?;
    let after = world.sh(STATE)?;
    if before != after {
        let changed: Vec<&str> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
        complaints.push(format!("the server is not as it was: {changed:?}"));
    }
    let both = joined.as_ref().and_then(|_| fs::read_to_string(BOTH).ok());
    let facts = both.or_else(|| fs::read_to_string(CASE).ok());
    let printed = read(COLLECTED)?;
    let mut shown: Vec<&str> = vec![&here.stdout, &here.stderr, &collected.stdout, &printed];
    shown.extend(facts.as_deref());
    shown.extend(joined.iter().flat_map(|ended| [ended.stdout.as_str(), ended.stderr.as_str()]));
    if shown.iter().any(|text| HASH.split('$').skip(2).any(|part| text.contains(part))) {
        complaints.push("a password's hash is shown".to_owned());
    }
    Ok(Asked { here, collected, joined, facts, complaints })
}

/// Runs sshdoctor as the client, for its own login, with the administrator's beside it.
pub(crate) fn over(world: &World, row: &Row) -> anyhow::Result<Ended> {
    let mut words = vec!["--format", "json", "--admin", row.admin.unwrap_or("web1-admin")];
    if row.fixture == Fixture::Incident {
        words.extend(["--save", BOTH]);
    }
    words.extend(row.ours);
    words.extend(row.line);
    words.push("true");
    client::run_doctor(world, &words)
}

/// Runs sshdoctor as root.
fn run(root: &World, words: &[&str]) -> anyhow::Result<Ended> {
    client::run_doctor(root, words)
}

/// The log of the row's sshd, wherever it goes.
pub(crate) fn log() -> String {
    let mut all = String::new();
    for file in ["/var/log/sshd", LOG] {
        if Path::new(file).exists() {
            let _ = write!(all, "{}", read(file).unwrap_or_default());
        }
    }
    all
}

/// A /dev of the row's own, so that its syslog can be there.
const DEVICES: &str = "
hostname web1
mkdir /srv/dev
mount -t tmpfs -o mode=755 tmpfs /srv/dev
for node in null zero full random urandom tty; do touch /srv/dev/$node; mount --bind /dev/$node /srv/dev/$node; done
mkdir /srv/dev/pts /srv/dev/shm
mount --bind /dev/pts /srv/dev/pts
ln -s pts/ptmx /srv/dev/ptmx
ln -s /proc/self/fd /srv/dev/fd
ln -s fd/0 /srv/dev/stdin; ln -s fd/1 /srv/dev/stdout; ln -s fd/2 /srv/dev/stderr
mount --rbind /srv/dev /dev
";

/// Everything of the server's own that could be changed: names, kinds, modes, owners, sizes, times and contents, but for
/// the records of logins and the logs, which are sshd's and PAM's own.
const STATE: &str = r"
for folder in /etc /etc/ssh /home /root /run /srv /tmp /var/mail /var/log /var/tmp; do
    [ ! -d $folder ] || find $folder -xdev \( -path /srv/lab -o -path /srv/work -o -path /run/faillock \) -prune -o \
        -printf '%p %y %m %U:%G %s %T@ %C@ %l\n'
done | grep -v '^/var/log\(/auth.log\|/bastion\|/dropbear\|/wtmp\|/btmp\|/lastlog\|/faillog\|\) \|^/run/utmp \|^/run/motd.dynamic \|^/run d\|^/srv d' | sort
find /etc /home /root /srv/upper -xdev -type f -exec sha256sum {} + | sort -k 2 | sha256sum
";

/// The administrator's server, key and Host block.
const ADMINISTRATOR: &str = r"
mkdir -p /srv/lab/admin /root/.ssh
dropbearkey -t ed25519 -f /srv/lab/admin/host_key >/srv/lab/admin/host_key.txt 2>/dev/null
ssh-keygen -q -t ed25519 -N '' -C admin -f /srv/lab/admin/key
cat /srv/lab/admin/key.pub >>/root/.ssh/authorized_keys; chown root:root /root/.ssh/authorized_keys
printf 'web1-admin %s
' $(grep '^ssh-' /srv/lab/admin/host_key.txt | cut -d ' ' -f 1,2 | tr ' ' '_') | tr '_' ' '     >/srv/lab/admin/known_hosts
chown 1000:1000 /srv/lab/admin /srv/lab/admin/key; chmod 755 /srv/lab /srv/lab/admin
cat >/etc/ssh/ssh_config.d/admin.conf <<'END'
Host web1-admin
    HostName 192.0.2.8
    HostKeyAlias web1-admin
    User root
    IdentityFile /srv/lab/admin/key
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile /srv/lab/admin/known_hosts
END
dropbear -E -p 192.0.2.8:22 -r /srv/lab/admin/host_key -P /run/dropbear-admin.pid >/dev/null 2>/srv/lab/admin/log
";
