//! Rows of what the command line and the configuration say of jump hosts, and which of it counts there.

use std::os::unix::net::UnixListener;

use super::common::DENIED;
use super::jump::{KEY, PUB, one_hop, through, through_two, two_hops};
use crate::row::{Row, row};
use crate::way::{BASTION, TARGET};

/// The name of the first hop in a report.
const FIRST: &str = "bastion.example.org";
/// The hop and the target, each with its account.
const BOTH: &str = "Host bastion.example.org\n    User jump\nHost db1.internal\n    User deploy";

/// Rows of options.
pub(crate) fn rows() -> Vec<Row> {
    [line(), not_passed_on(), configured(), carriers(), asks_at_the_hop(), asks_at_the_target()].concat()
}

fn line() -> Vec<Row> {
    vec![
        row("jump-option-configuration-file", |world| {
            one_hop(world, "", "")?;
            world.file("/home/a/work.conf", format!("{BOTH}\n    ProxyJump bastion.example.org\n"), 0o644)
        })
        .line(&["-F", "/home/a/work.conf", "db1.internal"]),
        row("jump-option-as-a-keyword", |world| one_hop(world, "", ""))
            .line(&["-oProxyJump=jump@bastion.example.org", "deploy@db1.internal"]),
        row("jump-option-none", |world| {
            one_hop(world, "", "")?;
            world.server("")?;
            world.authorize(PUB)?;
            world.config("Host *\n    ProxyJump jump@bastion.example.org")
        })
        .line(&["-J", "none", "deploy@web1.example.org"]),
        row("jump-option-connect-timeout-counts-the-way", |world| {
            let slow = "#!/bin/sh\nsleep 1.4\ncat \"/srv/way/bastion/keys/$1\"\n";
            world.file("/usr/local/slow-keys", slow, 0o755)?;
            let lines = "AuthorizedKeysCommand /usr/local/slow-keys %u\nAuthorizedKeysCommandUser root\nAuthorizedKeysFile none";
            one_hop(world, lines, "")
        })
        .line(&["-o", "ConnectTimeout=2", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("Connection timed out during banner exchange")
        .at_most("likely", "banner-timeout", "ssh's own time on the way is not seen, only this run's"),
        row("jump-option-connect-timeout-is-long-enough", |world| one_hop(world, "", ""))
            .line(&["-o", "ConnectTimeout=5", "-J", "jump@bastion.example.org", "deploy@db1.internal"]),
        row("jump-option-over-the-configurations", |world| {
            one_hop(world, "", "")?;
            world.config("Host db1.internal\n    ProxyJump gate.example.com")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"]),
        row("jump-option-twice", |world| one_hop(world, "", ""))
            .line(&["-J", "jump@bastion.example.org", "-J", "jump@gate.example.com", "deploy@db1.internal"])
            .ssh_fails("Only a single -J option is permitted")
            .proven("client-config-error"),
        row("jump-option-without-a-host", |world| one_hop(world, "", ""))
            .line(&["-J", "jump@", "deploy@db1.internal"])
            .ssh_fails("Invalid -J argument")
            .proven("client-config-error"),
        row("jump-option-and-a-proxy-command", |world| one_hop(world, "", ""))
            .line(&["-oProxyCommand=exec false", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
            .ssh_fails("Cannot specify -J with ProxyCommand")
            .proven("client-config-error"),
    ]
}

fn not_passed_on() -> Vec<Row> {
    vec![
        row("jump-option-user-is-the-targets", |world| one_hop(world, "", ""))
            .line(&["-l", "deploy", "-J", "bastion.example.org", "db1.internal"])
            .ssh_fails("a@bastion.example.org: Permission denied (publickey)")
            .hop(FIRST, "no-key-accepted"),
        row("jump-option-port-is-the-targets", |world| {
            one_hop(world, "", "Port 2022")?;
            world.known_as(TARGET, "[db1.internal]:2022")
        })
        .line(&["-p", "2022", "-J", "jump@bastion.example.org", "deploy@db1.internal"]),
        row("jump-option-ciphers-are-the-targets", |world| {
            one_hop(world, "Ciphers chacha20-poly1305@openssh.com", "Ciphers aes256-ctr")
        })
        .line(&["-c", "aes256-ctr", "-J", "jump@bastion.example.org", "deploy@db1.internal"]),
        row("jump-option-accept-new-is-the-targets", |world| {
            one_hop(world, "", "")?;
            world.sh("rm /home/a/.ssh/known_hosts").map(drop)
        })
        .line(&["-oStrictHostKeyChecking=accept-new", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("Host key verification failed")
        .hop(FIRST, "host-key-unknown"),
        row("jump-option-known-hosts-are-the-targets", |world| {
            one_hop(world, "", "")?;
            world.sh("mv /home/a/.ssh/known_hosts /home/a/known").map(drop)
        })
        .line(&["-oUserKnownHostsFile=/home/a/known", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("Host key verification failed")
        .hop(FIRST, "host-key-unknown"),
        row("jump-option-agent-is-the-targets", |world| {
            one_hop(world, "", "")?;
            world.agent_with(&[KEY])?;
            world.environment.clear();
            Ok(())
        })
        .line(&["-oIdentityAgent=/tmp/ssh-XXXXagent/agent.7", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-identities"),
        row("jump-option-no-keys-is-the-targets", |world| {
            one_hop(world, "", "")?;
            world.config("Host db1.internal\n    PubkeyAuthentication no")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails(DENIED)
        .proven("pubkey-disabled-by-client"),
        row("jump-option-no-keys-at-the-hop", |world| {
            one_hop(world, "", "")?;
            world.config("Host bastion.example.org\n    PubkeyAuthentication no")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "pubkey-disabled-by-client"),
    ]
}

fn configured() -> Vec<Row> {
    vec![
        row("jump-configured-before-a-proxy-command", |world| {
            one_hop(world, "", "")?;
            world.config("Host db1.internal\n    ProxyJump jump@bastion.example.org\n    ProxyCommand exec false")
        })
        .line(&["deploy@db1.internal"]),
        row("jump-configured-after-a-proxy-command", |world| {
            one_hop(world, "", "")?;
            world.config("Host db1.internal\n    ProxyCommand ssh -W %h:%p jump@bastion.example.org\n    ProxyJump jump@gate.example.com")
        })
        .line(&["deploy@db1.internal"]),
        row("jump-configured-alias-with-a-port", |world| {
            one_hop(world, "Port 2222", "")?;
            world.known_as(BASTION, "[bastion.example.org]:2222")?;
            world.config("Host gate\n    HostName bastion.example.org\n    User jump\n    Port 2222")
        })
        .line(&["-J", "gate", "deploy@db1.internal"]),
        // What is for sessions is not for a connection that is only passed on.
        row("jump-configured-with-a-remote-command", |world| {
            one_hop(world, "", "")?;
            world.config("Host bastion.example.org\n    RemoteCommand tmux attach\n    RequestTTY yes\n    LocalForward 8080 localhost:80")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"]),
        row("jump-configured-hop-shows-a-banner", |world| {
            one_hop(world, "Banner /etc/issue.net", "")?;
            world.file("/etc/issue.net", "Authorised use only.\nPermission denied\n", 0o644)
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"]),
        row("jump-configured-bad-line-for-the-hop", |world| {
            one_hop(world, "", "")?;
            world.config("Host bastion.example.org\n    Prot 22")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("Bad configuration option: prot")
        .proven("client-config-error"),
        through_two("jump-configured-first-hop-has-one-of-its-own", |world| {
            two_hops(world, "Port 22\nPort 2222", "", "")?;
            world.known_as(BASTION, "[bastion.example.org]:2222")?;
            world.config("Host bastion.example.org\n    ProxyJump jump@gate:2222\nHost gate\n    HostName bastion.example.org")
        }),
    ]
}

/// Hops that are themselves reached in another way.
fn carriers() -> Vec<Row> {
    vec![
        through("jump-hop-behind-a-program", |world| {
            one_hop(world, "", "")?;
            world.config("Host bastion.example.org\n    ProxyCommand nc %h %p")
        }),
        through("jump-hop-behind-a-program-that-is-missing", |world| {
            one_hop(world, "", "")?;
            world.config("Host bastion.example.org\n    ProxyCommand cloudflared access ssh --hostname %h")
        })
        .ssh_fails("cloudflared: not found")
        .hop(FIRST, "proxy-command-failed"),
        through("jump-hop-makes-a-master-of-its-own", |world| {
            one_hop(world, "", "")?;
            world.config("Host bastion.example.org\n    ControlMaster auto\n    ControlPath /tmp/master-%C\n    ControlPersist 60")
        }),
        through("jump-hop-left-a-socket", |world| {
            one_hop(world, "", "")?;
            // Dropping the listener leaves the socket file behind, as a master that was killed does.
            drop(UnixListener::bind("/tmp/master")?);
            world.sh("chown a /tmp/master")?;
            world.config("Host bastion.example.org\n    ControlPath /tmp/master")
        }),
    ]
}

fn asks_at_the_hop() -> Vec<Row> {
    let because = "a person has to answer first";
    vec![
        through("jump-hop-asks-for-a-password", |world| {
            one_hop(world, "PubkeyAuthentication no\nPasswordAuthentication yes", "")
        })
        .at_a_terminal()
        .ssh_asks("jump@bastion.example.org's password:")
        .without_hop("proven", FIRST, "server-pubkey-disabled")
        .at_most("possible", "undetermined", because),
        through("jump-hop-asks-about-its-host-key", |world| {
            one_hop(world, "", "")?;
            world.sh("sed -i /^bastion/d /home/a/.ssh/known_hosts").map(drop)
        })
        .at_a_terminal()
        .ssh_asks("Are you sure you want to continue connecting")
        .without_hop("proven", FIRST, "host-key-unknown")
        .at_most("possible", "undetermined", because),
        through("jump-hop-asks-for-a-passphrase", |world| {
            one_hop(world, "", "")?;
            world.sh(&format!("ssh-keygen -q -p -P '' -N secret -f {KEY}; chown a {KEY}")).map(drop)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key")
        .without_hop("proven", FIRST, "key-passphrase-needed")
        .at_most("possible", "undetermined", because),
        // Whatever the hop would ask, its key was refused before.
        through("jump-hop-refuses-the-key-at-a-terminal", |world| {
            one_hop(world, "", "")?;
            world.sh("rm /srv/way/bastion/keys/jump").map(drop)
        })
        .at_a_terminal()
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .hop(FIRST, "no-key-accepted"),
    ]
}

fn asks_at_the_target() -> Vec<Row> {
    vec![
        through("jump-target-asks-about-its-host-key", |world| {
            one_hop(world, "", "")?;
            world.sh("sed -i /^db1/d /home/a/.ssh/known_hosts").map(drop)
        })
        .at_a_terminal()
        .ssh_asks("Are you sure you want to continue connecting")
        .without("host-key-unknown")
        .needs(&["host-key"]),
        through("jump-target-asks-for-a-password", |world| {
            one_hop(world, "", "PubkeyAuthentication no\nPasswordAuthentication yes")
        })
        .at_a_terminal()
        .ssh_asks("deploy@db1.internal's password:")
        .without("server-pubkey-disabled")
        .needs(&["password"]),
        row("jump-target-asks-for-a-passphrase", |world| {
            one_hop(world, "", "")?;
            world.key("/home/a/.ssh/database", &["-N", "secret"])?;
            world.sh("cp /home/a/.ssh/database.pub /srv/way/target/keys/deploy")?;
            world.config("Host db1.internal\n    IdentityFile ~/.ssh/database\n    IdentitiesOnly yes")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key")
        .without("key-passphrase-needed")
        .needs(&["passphrase"]),
    ]
}
