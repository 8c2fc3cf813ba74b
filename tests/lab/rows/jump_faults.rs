//! Rows of jump hosts that cannot be logged in to, or that do not let through.

use super::common::DENIED;
use super::jump::{KEY, changed, one_hop, through, through_two, two_hops, with_options};
use crate::row::{Row, row};
use crate::scripted::{say_and_close, say_and_wait};
use crate::way::{BASTION, INNER, Machine, TARGET};
use crate::world::World;

/// The name of the first hop in a report.
const FIRST: &str = "bastion.example.org";
/// The name of the second.
const SECOND: &str = "inner.internal";
/// What ssh says where the server before the target does not open the channel.
const STDIO: &str = "stdio forwarding failed";

/// Rows of what is wrong on the way.
pub(crate) fn rows() -> Vec<Row> {
    [first_login(), first_key(), first_server(), second(), refuses(), fails(), second_refuses(), loops()].concat()
}

/// `machine` lets in another key than the client's.
fn other_key(world: &World, machine: Machine) -> anyhow::Result<()> {
    world.key("/srv/other", &[])?;
    world.sh(&format!("for file in {}/*; do cp /srv/other.pub $file; done", machine.file("keys"))).map(drop)
}

/// A key of its own for this host, made with these options, which it lets in.
fn own_key(world: &World, machine: Machine, host: &str, options: &[&str]) -> anyhow::Result<()> {
    world.key("/home/a/.ssh/gate", options)?;
    world.sh(&format!("for file in {}/*; do cp /home/a/.ssh/gate.pub $file; done", machine.file("keys")))?;
    world.config(&format!("Host {host}\n    IdentityFile ~/.ssh/gate\n    IdentitiesOnly yes"))
}

/// Keys in the agent, none of which opens anything, before the one in the file.
fn crowd(world: &mut World, count: usize) -> anyhow::Result<()> {
    let keys: Vec<String> = (1..=count).map(|number| format!("/home/a/.ssh/key{number}")).collect();
    for key in &keys {
        world.key(key, &[])?;
    }
    world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
}

fn first_login() -> Vec<Row> {
    vec![
        through("jump-hop-refuses-the-key", |world| {
            one_hop(world, "", "")?;
            other_key(world, BASTION)
        })
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-key-accepted")
        .fixture(),
        row("jump-hop-is-logged-in-to-as-somebody-else", |world| {
            one_hop(world, "", "")?;
            world.config("Host db1.internal\n    User deploy")
        })
        .line(&["-J", "bastion.example.org", "db1.internal"])
        .ssh_fails("a@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-key-accepted"),
        through("jump-hop-and-no-key-at-all", |world| {
            one_hop(world, "", "")?;
            world.put_away(KEY)
        })
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-identities"),
        // What is said of the target is not passed on to the hop.
        row("jump-key-of-the-command-line-is-the-targets-only", |world| {
            one_hop(world, "", "")?;
            world.sh("mkdir /home/a/keys; mv /home/a/.ssh/id_ed25519* /home/a/keys/; chown a /home/a/keys").map(drop)
        })
        .line(&["-i", "/home/a/keys/id_ed25519", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "accepted-key-not-offered"),
        row("jump-key-of-the-command-line-would-open-the-hop", |world| {
            one_hop(world, "", "")?;
            world.sh(
                "mv /home/a/.ssh/id_ed25519 /home/a/.ssh/work; mv /home/a/.ssh/id_ed25519.pub /home/a/.ssh/work.pub",
            )?;
            world.key(KEY, &[])
        })
        .line(&["-i", "/home/a/.ssh/work", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "accepted-key-not-offered"),
        through("jump-hop-and-an-agent-without-its-key", |world| {
            one_hop(world, "", "")?;
            world.put_away(KEY)?;
            crowd(world, 2)
        })
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "agent-lacks-accepted-key"),
        through("jump-hop-after-too-many-keys", |world| {
            one_hop(world, "MaxAuthTries 3", "")?;
            crowd(world, 4)
        })
        .ssh_fails("Too many authentication failures")
        .hop(FIRST, "too-many-keys"),
        through("jump-hop-takes-no-keys", |world| {
            one_hop(world, "PubkeyAuthentication no\nPasswordAuthentication yes", "")
        })
        .ssh_fails("Permission denied (password)")
        .hop(FIRST, "server-pubkey-disabled"),
        through("jump-hop-wants-a-second-factor", |world| {
            one_hop(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password", "")
        })
        .ssh_fails("Permission denied (password)")
        .hop(FIRST, "second-factor-required"),
    ]
}

fn first_key() -> Vec<Row> {
    vec![
        through("jump-hop-key-is-open", |world| {
            one_hop(world, "", "")?;
            own_key(world, BASTION, FIRST, &[])?;
            world.sh("chmod 644 /home/a/.ssh/gate").map(drop)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .hop(FIRST, "key-file-permissions"),
        through("jump-hop-key-is-open-and-the-targets-as-well", |world| {
            one_hop(world, "", "")?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .hop(FIRST, "key-file-permissions"),
        through("jump-hop-key-is-encrypted", |world| {
            one_hop(world, "", "")?;
            own_key(world, BASTION, FIRST, &["-N", "secret"])
        })
        .ssh_fails(DENIED)
        .hop(FIRST, "key-passphrase-needed"),
        through("jump-hop-key-file-is-gone", |world| {
            one_hop(world, "", "")?;
            own_key(world, BASTION, FIRST, &[])?;
            world.put_away("/home/a/.ssh/gate")
        })
        .ssh_fails(DENIED)
        .hop(FIRST, "identity-file-missing"),
        through("jump-hop-agent-refuses-to-sign", |world| {
            one_hop(world, "", "")?;
            world.agent()?;
            world.ssh_add(&["-c", KEY])?;
            world.put_away(KEY)
        })
        .ssh_fails("agent refused operation")
        .hop(FIRST, "agent-refused-to-sign"),
    ]
}

fn first_server() -> Vec<Row> {
    vec![
        through("jump-hop-changed-its-host-key", |world| {
            one_hop(world, "", "")?;
            changed(world, BASTION, FIRST)
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .hop(FIRST, "host-key-changed"),
        through("jump-hop-is-new", |world| {
            one_hop(world, "", "")?;
            world.sh("sed -i /^bastion/d /home/a/.ssh/known_hosts").map(drop)
        })
        .ssh_fails("Host key verification failed")
        .hop(FIRST, "host-key-unknown"),
        through("jump-hop-is-not-there", |world| {
            world.way()?;
            world.key(KEY, &[])
        })
        .ssh_fails("connect to host bastion.example.org port 22: Connection refused")
        .hop(FIRST, "connection-refused"),
        through("jump-hop-does-not-answer", |world| {
            one_hop(world, "", "")?;
            world.drops(BASTION, "tcp dport 22")?;
            world.config("Host bastion.example.org\n    ConnectTimeout 2")
        })
        .ssh_fails("connect to host bastion.example.org port 22: Connection timed out")
        .hop(FIRST, "connection-timeout"),
        row("jump-hop-has-no-such-name", |world| {
            one_hop(world, "", "")?;
            world.names(3)
        })
        .line(&["-J", "jump@gate.example.com", "deploy@db1.internal"])
        .ssh_fails("Could not resolve hostname gate.example.com: Name or service not known")
        .hop("gate.example.com", "host-not-found"),
        through("jump-hop-is-a-web-server", |world| {
            world.way()?;
            world.key(KEY, &[])?;
            BASTION.inside(|| {
                world.scripted("198.51.100.1:22", |stream| {
                    say_and_close(stream, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n");
                })
            })
        })
        .ssh_fails("Connection closed by remote host")
        .hop(FIRST, "not-ssh-server"),
        through("jump-hop-says-nothing", |world| {
            one_hop(world, "Port 2222", "")?;
            BASTION.inside(|| world.scripted("198.51.100.1:22", |stream| say_and_wait(stream, b"")))
        })
        .ours(&["--timeout", "9"])
        .ssh_hangs()
        .hop(FIRST, "banner-timeout")
        .at_most("likely", "jump-host-failed", "ssh would wait longer"),
        through("jump-hop-ends-the-connection", |world| {
            one_hop(world, "Port 2222", "")?;
            world.python_at(BASTION, "maintenance")
        })
        .ssh_fails("maintenance until 18:00 UTC")
        .hop(FIRST, "server-disconnected"),
        through("jump-hop-shares-no-key-exchange", |world| {
            one_hop(world, "KexAlgorithms diffie-hellman-group18-sha512", "")?;
            world.config("Host bastion.example.org\n    KexAlgorithms curve25519-sha256")
        })
        .ssh_fails("no matching key exchange method found")
        .hop(FIRST, "no-common-kex"),
    ]
}

fn second() -> Vec<Row> {
    vec![
        through_two("jump-second-hop-refuses-the-key", |world| {
            two_hops(world, "", "", "")?;
            other_key(world, INNER)
        })
        .ssh_fails("jump@inner.internal: Permission denied (publickey)")
        .hop(SECOND, "no-key-accepted"),
        through_two("jump-second-hop-changed-its-host-key", |world| {
            two_hops(world, "", "", "")?;
            changed(world, INNER, SECOND)
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .hop(SECOND, "host-key-changed"),
        through_two("jump-second-hop-is-new", |world| {
            two_hops(world, "", "", "")?;
            world.sh("sed -i /^inner/d /home/a/.ssh/known_hosts").map(drop)
        })
        .ssh_fails("Host key verification failed")
        .hop(SECOND, "host-key-unknown"),
        through_two("jump-second-hop-key-is-open", |world| {
            two_hops(world, "", "", "")?;
            own_key(world, INNER, SECOND, &[])?;
            world.sh("chmod 644 /home/a/.ssh/gate").map(drop)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .hop(SECOND, "key-file-permissions"),
        through_two("jump-second-hop-key-is-encrypted", |world| {
            two_hops(world, "", "", "")?;
            own_key(world, INNER, SECOND, &["-N", "secret"])
        })
        .ssh_fails(DENIED)
        .hop(SECOND, "key-passphrase-needed"),
        through_two("jump-second-hop-is-given-no-key", |world| {
            two_hops(world, "", "", "")?;
            world.config("Host inner.internal\n    IdentityFile none")
        })
        .ssh_fails("jump@inner.internal: Permission denied (publickey)")
        .hop(SECOND, "accepted-key-not-offered"),
        through_two("jump-second-hop-after-too-many-keys", |world| {
            two_hops(world, "MaxAuthTries 20", "MaxAuthTries 3", "MaxAuthTries 20")?;
            crowd(world, 4)
        })
        .ssh_fails("Too many authentication failures")
        .hop(SECOND, "too-many-keys"),
        through_two("jump-second-hop-says-nothing", |world| {
            one_hop(world, "", "")?;
            INNER.inside(|| world.scripted("10.9.1.2:22", |stream| say_and_wait(stream, b"")))
        })
        .ours(&["--timeout", "9"])
        .ssh_hangs()
        .hop(SECOND, "banner-timeout")
        .at_most("likely", "jump-host-failed", "ssh would wait longer"),
        through_two("jump-second-hop-is-a-web-server", |world| {
            one_hop(world, "", "")?;
            INNER.inside(|| {
                world.scripted("10.9.1.2:22", |stream| {
                    say_and_close(stream, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n");
                })
            })
        })
        .ssh_fails("Connection closed by remote host")
        .hop(SECOND, "not-ssh-server")
        .at_most("likely", "jump-host-failed", "the first hop may have sent that"),
        through_two("jump-second-hop-takes-no-keys", |world| {
            two_hops(world, "", "PubkeyAuthentication no\nPasswordAuthentication yes", "")
        })
        .ssh_fails("Permission denied (password)")
        .hop(SECOND, "server-pubkey-disabled"),
        through_two("jump-second-hop-shares-no-key-exchange", |world| {
            two_hops(world, "", "KexAlgorithms diffie-hellman-group18-sha512", "")?;
            world.config("Host inner.internal\n    KexAlgorithms curve25519-sha256")
        })
        .ssh_fails("no matching key exchange method found")
        .hop(SECOND, "no-common-kex"),
        through_two("jump-second-hop-ends-the-connection", |world| {
            one_hop(world, "", "")?;
            world.python_at(INNER, "maintenance")
        })
        .ssh_fails("maintenance until 18:00 UTC")
        .hop(SECOND, "server-disconnected"),
        through_two("jump-two-and-the-first-refuses-the-key", |world| {
            two_hops(world, "", "", "")?;
            other_key(world, BASTION)
        })
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-key-accepted"),
    ]
}

fn refuses() -> Vec<Row> {
    vec![
        through("jump-forwarding-off", |world| one_hop(world, "AllowTcpForwarding no", ""))
            .ssh_fails("administratively prohibited: open failed")
            .proven("jump-forwarding-refused")
            .fixture(),
        through("jump-forwarding-remote-only", |world| one_hop(world, "AllowTcpForwarding remote", ""))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-forwarding-disabled", |world| one_hop(world, "DisableForwarding yes", ""))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-forwarding-off-for-this-account", |world| {
            one_hop(world, "Match User jump\n    AllowTcpForwarding no", "")
        })
        .ssh_fails(STDIO)
        .proven("jump-forwarding-refused"),
        through("jump-forwarding-permits-another-host", |world| one_hop(world, "PermitOpen db2.internal:22", ""))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        // The name is compared as it is written, before it is looked up.
        through("jump-forwarding-permits-the-address-only", |world| one_hop(world, "PermitOpen 10.9.0.7:22", ""))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-forwarding-restricted-by-the-key", |world| with_options(world, "restrict "))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-forwarding-off-by-the-key", |world| with_options(world, "no-port-forwarding "))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-forwarding-key-permits-another-host", |world| with_options(world, "permitopen=\"db2.internal:22\" "))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-forwarding-and-the-password-has-expired", |world| {
            one_hop(world, "UsePAM yes", "")?;
            world.sh("sed -i 's/^jump:.*/jump:*:0:0:99999:7:::/' /etc/shadow").map(drop)
        })
        .ssh_fails(STDIO)
        .proven("jump-forwarding-refused"),
        through("jump-forwarding-off-in-dropbear", |world| {
            one_hop(world, "Port 2222", "")?;
            world.dropbear_at(BASTION, &["-j"])?;
            world.sh("install -d -o jump -g jump -m 700 /home/jump/.ssh; install -o jump -m 600 /srv/way/bastion/keys/jump /home/jump/.ssh/authorized_keys").map(drop)
        })
        .ssh_fails(STDIO)
        .proven("jump-forwarding-refused"),
    ]
}

fn fails() -> Vec<Row> {
    vec![
        through("jump-target-is-not-there", |world| one_hop(world, "", "Port 2222"))
            .ssh_fails("open failed: connect failed: Connection refused")
            .proven("jump-forwarding-refused"),
        row("jump-target-on-another-port", |world| one_hop(world, "", ""))
            .line(&["-J", "jump@bastion.example.org", "-p", "2222", "deploy@db1.internal"])
            .ssh_fails("open failed: connect failed: Connection refused")
            .proven("jump-forwarding-refused"),
        row("jump-target-has-no-such-name-there", |world| {
            one_hop(world, "", "")?;
            BASTION.inside(|| world.names(3))
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db2.internal"])
        .ssh_fails("open failed: connect failed: Name or service not known")
        .proven("jump-forwarding-refused"),
        row("jump-target-and-no-name-server-there", |world| one_hop(world, "", ""))
            .line(&["-J", "jump@bastion.example.org", "deploy@db2.internal"])
            .ssh_fails("open failed: connect failed: Temporary failure in name resolution")
            .proven("jump-forwarding-refused"),
        through("jump-target-and-no-route-there", |world| {
            one_hop(world, "", "")?;
            BASTION.inside(|| world.sh("ip route add unreachable 10.9.0.7").map(drop))
        })
        .ssh_fails("open failed: connect failed: open failed")
        .proven("jump-forwarding-refused"),
        through("jump-target-does-not-answer", |world| {
            one_hop(world, "", "")?;
            world.drops(TARGET, "tcp dport 22")
        })
        .ssh_hangs()
        .at_most("likely", "jump-forwarding-refused", "a hop that is slow to connect is silent too"),
        row("jump-target-is-a-web-server", |world| {
            one_hop(world, "", "Port 2222")?;
            TARGET.inside(|| {
                world.scripted("10.9.0.7:22", |stream| {
                    say_and_close(stream, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n");
                })
            })
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("Connection closed by remote host")
        .at_most("likely", "not-ssh-server", "the hop may have sent that"),
    ]
}

fn second_refuses() -> Vec<Row> {
    vec![
        through_two("jump-two-and-the-second-forwards-nothing", |world| {
            two_hops(world, "", "AllowTcpForwarding no", "")
        })
        .ssh_fails(STDIO)
        .proven("jump-forwarding-refused"),
        through_two("jump-two-and-the-first-forwards-nothing", |world| {
            two_hops(world, "AllowTcpForwarding no", "", "")
        })
        .ssh_fails(STDIO)
        .proven("jump-forwarding-refused"),
        through_two("jump-two-and-the-second-is-not-there", |world| one_hop(world, "", ""))
            .ssh_fails("open failed: connect failed: Connection refused")
            .proven("jump-forwarding-refused"),
        through_two("jump-two-and-the-target-is-not-there", |world| two_hops(world, "", "", "Port 2222"))
            .ssh_fails("open failed: connect failed: Connection refused")
            .proven("jump-forwarding-refused"),
        // The target is reached from the second hop only.
        row("jump-one-is-left-out", |world| two_hops(world, "", "", ""))
            .line(&["-J", "jump@bastion.example.org", "deploy@10.9.2.7"])
            .ssh_fails("open failed: connect failed: open failed")
            .proven("jump-forwarding-refused"),
    ]
}

/// What ssh does without an end comes to one here: the client's account may have only so many processes.
fn bounded(world: &World) -> anyhow::Result<()> {
    one_hop(world, "", "")?;
    world.sh("prlimit --pid 1 --nproc=90:90").map(drop)
}

fn loops() -> Vec<Row> {
    vec![
        row("jump-loop-of-everything-through-an-alias", |world| {
            bounded(world)?;
            world.config("Host bastion\n    HostName bastion.example.org\n    User jump\nHost *\n    ProxyJump bastion")
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("")
        .proven("jump-host-loop")
        .mended_by("sed -i '1iHost bastion\\n ProxyJump none' /home/a/.ssh/config")
        .printed()
        .fixture(),
        row("jump-loop-of-everything-through-a-name", |world| {
            bounded(world)?;
            world.config("Host *\n    ProxyJump jump@bastion.example.org")
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("jumphost loop via bastion.example.org")
        .proven("jump-host-loop")
        .mended_by("sed -i '1iHost bastion.example.org\\n ProxyJump none' /home/a/.ssh/config")
        .printed(),
        row("jump-loop-of-two", |world| {
            bounded(world)?;
            world.config("Host bastion.example.org\n    ProxyJump inner.internal\nHost inner.internal\n    ProxyJump bastion.example.org\nHost *.internal *.example.org\n    User jump")
        })
        .line(&["-J", "bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("")
        .proven("jump-host-loop"),
        row("jump-loop-of-three-behind-a-good-one", |world| {
            bounded(world)?;
            world.config("Host db1.internal\n    ProxyJump hop-x\nHost hop-x\n    ProxyJump hop-y\nHost hop-y\n    ProxyJump hop-z\nHost hop-z\n    ProxyJump hop-x")
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("")
        .proven("jump-host-loop"),
        row("jump-loop-of-one", |world| bounded(world))
            .line(&["-J", "deploy@db1.internal", "deploy@db1.internal"])
            .ssh_fails("jumphost loop via db1.internal")
            .proven("jump-host-loop"),
    ]
}
