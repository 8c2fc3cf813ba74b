//! Rows of jump hosts with other programs: other versions of ssh, what carries ssh, other servers on the way.

use std::process::Stdio;

use super::common::DENIED;
use super::jump::{KEY, PUB, one_hop, through, through_two, two_hops};
use crate::row::{Row, row};
use crate::way::{INNER, TARGET};
use crate::world::World;

/// The name of the first hop in a report.
const FIRST: &str = "bastion.example.org";

/// Rows of other programs.
pub(crate) fn rows() -> Vec<Row> {
    [versions(), carriers(), servers(), masters(), interactive()].concat()
}

/// A working way for a client of this version.
fn client(world: &World, version: &str) -> anyhow::Result<()> {
    one_hop(world, "", "")?;
    world.client_of(version)
}

fn versions() -> Vec<Row> {
    vec![
        through("jump-client-8.4-works", |world| client(world, "8.4")),
        through("jump-client-10.0-works", |world| client(world, "10.0")),
        through("jump-client-8.4-and-the-hop-refuses-the-key", |world| {
            client(world, "8.4")?;
            world.sh("rm /srv/way/bastion/keys/jump").map(drop)
        })
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-key-accepted"),
        through("jump-client-10.0-and-the-hop-forwards-nothing", |world| {
            client(world, "10.0")?;
            world.sh("sed -i '1iAllowTcpForwarding no' /srv/way/bastion/sshd_config; kill -HUP $(cat /srv/way/bastion/pid); sleep 0.5").map(drop)
        })
        .ssh_fails("stdio forwarding failed")
        .proven("jump-forwarding-refused"),
        row("jump-client-8.4-loop", |world| {
            client(world, "8.4")?;
            world.sh("prlimit --pid 1 --nproc=90:90")?;
            world.config("Host bastion\n    HostName bastion.example.org\n    User jump\nHost *\n    ProxyJump bastion")
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("")
        .proven("jump-host-loop"),
    ]
}

fn carriers() -> Vec<Row> {
    vec![
        row("jump-scp-works", |world| {
            one_hop(world, "", "Subsystem sftp /usr/lib/openssh/sftp-server")?;
            world.file("/home/deploy/notes", "x", 0o644)
        })
        .line(&["scp", "-J", "jump@bastion.example.org", "deploy@db1.internal:notes", "/tmp/"])
        .beside("scp", &["-J", "jump@bastion.example.org", "deploy@db1.internal:notes", "/tmp/"]),
        row("jump-rsync-works", |world| {
            one_hop(world, "", "")?;
            world.file("/home/deploy/notes", "x", 0o644)
        })
        .line(&["rsync", "-e", "ssh -J jump@bastion.example.org", "deploy@db1.internal:notes", "/tmp/"]),
        row("jump-git-and-the-hop-refuses-the-key", |world| {
            one_hop(world, "", "")?;
            world.sh("rm /srv/way/bastion/keys/jump")?;
            world.config("Host db1.internal\n    ProxyJump jump@bastion.example.org")
        })
        .line(&["git", "ls-remote", "deploy@db1.internal:app.git"])
        .ssh_ends(128, "jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-key-accepted"),
    ]
}

fn servers() -> Vec<Row> {
    vec![
        through("jump-hop-lets-only-files-through", |world| {
            one_hop(world, "Subsystem sftp internal-sftp\nMatch User jump\n    ForceCommand internal-sftp", "")
        }),
        through("jump-target-lets-in-from-the-hop-only", |world| {
            one_hop(world, "", "")?;
            world.sh("sed -i 's/^/from=\"10.9.0.1\" /' /srv/way/target/keys/deploy").map(drop)
        }),
        through("jump-target-lets-in-from-the-client-only", |world| {
            one_hop(world, "", "")?;
            world.sh("sed -i 's/^/from=\"198.51.100.20\" /' /srv/way/target/keys/deploy").map(drop)
        })
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .silent_member("server-key-options-refuse")
        .proven("no-key-accepted"),
        through("jump-hop-shows-a-certificate", |world| {
            one_hop(world, "HostCertificate /srv/way/bastion/host_key-cert.pub", "Port 2222")?;
            world.sh("kill $(cat /srv/way/target/pid)")?;
            world.sshd_at(TARGET, "")?;
            certified(world)
        }),
        through_two("jump-second-hop-is-dropbear", |world| {
            one_hop(world, "", "")?;
            world.let_in(INNER, PUB)?;
            world.dropbear_at(INNER, &[])?;
            world.sh("install -d -o jump -g jump -m 700 /home/jump/.ssh; install -o jump -m 600 /srv/way/inner/keys/jump /home/jump/.ssh/authorized_keys").map(drop)
        }),
        through_two("jump-second-hop-is-dropbear-and-forwards-nothing", |world| {
            one_hop(world, "", "")?;
            world.let_in(INNER, PUB)?;
            world.dropbear_at(INNER, &["-j"])?;
            world.sh("install -d -o jump -g jump -m 700 /home/jump/.ssh; install -o jump -m 600 /srv/way/inner/keys/jump /home/jump/.ssh/authorized_keys").map(drop)
        })
        .ssh_fails("stdio forwarding failed")
        .proven("jump-forwarding-refused"),
    ]
}

/// The bastion's host key is signed, and the client knows the authority only.
fn certified(world: &World) -> anyhow::Result<()> {
    world
        .sh("ssh-keygen -q -t ed25519 -N '' -f /srv/ca
         ssh-keygen -q -s /srv/ca -I bastion -h -n bastion.example.org /srv/way/bastion/host_key.pub
         kill -HUP $(cat /srv/way/bastion/pid); sleep 0.5
         sed -i /^bastion/d /home/a/.ssh/known_hosts
         printf '@cert-authority *.example.org %s\\n' \"$(cut -d ' ' -f 1,2 /srv/ca.pub)\" >>/home/a/.ssh/known_hosts")
        .map(drop)
}

/// A master that goes on in the background, for this destination.
fn master(world: &World, line: &[&str]) -> anyhow::Result<()> {
    let mut words = vec!["-o", "ControlMaster=yes", "-fN"];
    words.extend(line);
    let status = world.as_client("ssh", &words).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "the master did not log in");
    Ok(())
}

fn masters() -> Vec<Row> {
    let line: &[&str] = &["-J", "jump@bastion.example.org,jump@inner.internal", "deploy@vault.internal"];
    vec![
        // What stands between this machine and that hop is not asked any more.
        row("jump-live-master-for-the-second-hop", |world| {
            two_hops(world, "", "", "")?;
            world.config("Host inner.internal\n    ControlPath /tmp/master-%C")?;
            master(world, &["-J", "jump@bastion.example.org", "jump@inner.internal"])?;
            world.sh("rm /srv/way/bastion/keys/jump").map(drop)
        })
        .line(line),
        row("jump-live-master-for-the-first-hop-of-two", |world| {
            two_hops(world, "", "", "")?;
            world.config("Host bastion.example.org\n    ControlPath /tmp/master-%C")?;
            master(world, &["jump@bastion.example.org"])?;
            world.sh("rm /srv/way/bastion/keys/jump").map(drop)
        })
        .line(line),
        row("jump-live-master-that-may-not-forward", |world| {
            one_hop(world, "AllowTcpForwarding no", "")?;
            world.config("Host bastion.example.org\n    ControlPath /tmp/master-%C")?;
            master(world, &["jump@bastion.example.org"])
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("Session open refused by peer")
        .proven("jump-forwarding-refused"),
        row("jump-live-master-and-the-target-is-not-there", |world| {
            one_hop(world, "", "Port 2222")?;
            world.config("Host bastion.example.org\n    ControlPath /tmp/master-%C")?;
            master(world, &["jump@bastion.example.org"])
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("Session open refused by peer")
        .proven("jump-forwarding-refused"),
    ]
}

fn interactive() -> Vec<Row> {
    vec![
        through("jump-interactive-password-at-the-hop", |world| {
            one_hop(world, "PubkeyAuthentication no\nPasswordAuthentication yes", "")?;
            world.sh("echo jump:fromage | chpasswd").map(drop)
        })
        .ours(&["--interactive"])
        .types(&[("jump@bastion.example.org's password:", "fromage")]),
        through("jump-interactive-passphrase-at-the-hop-and-the-target-refuses", |world| {
            one_hop(world, "", "")?;
            world
                .sh(&format!(
                    "ssh-keygen -q -p -P '' -N secret -f {KEY}; chown a {KEY}; rm /srv/way/target/keys/deploy"
                ))
                .map(drop)
        })
        .ours(&["--interactive"])
        .types(&[("Enter passphrase for key", "secret")])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        through("jump-interactive-and-the-person-gives-up", |world| {
            one_hop(world, "PubkeyAuthentication no\nPasswordAuthentication yes", "")?;
            world.sh("echo jump:fromage | chpasswd").map(drop)
        })
        .ours(&["--interactive"])
        .types(&[("password:", "wrong"), ("password:", "wrong"), ("password:", "wrong")])
        .ssh_fails("Permission denied")
        .at_most("possible", "undetermined", "what was typed is not seen"),
        through("jump-interactive-and-nobody-is-asked", |world| one_hop(world, "", ""))
            .ours(&["--interactive"])
            .at_a_terminal(),
    ]
}
