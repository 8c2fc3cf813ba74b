//! Rows of ways that lead through other machines and work.

use super::common::DENIED;
use crate::row::{Row, row};
use crate::way::{BASTION, INNER, Machine, TARGET};
use crate::world::World;

/// The client's default key.
pub(super) const KEY: &str = "/home/a/.ssh/id_ed25519";
/// Its public half.
pub(super) const PUB: &str = "/home/a/.ssh/id_ed25519.pub";

/// A bastion and a target with these lines in their configuration, both of which let the default key in.
pub(super) fn one_hop(world: &World, bastion: &str, target: &str) -> anyhow::Result<()> {
    world.way()?;
    world.key(KEY, &[])?;
    for (machine, lines) in [(BASTION, bastion), (TARGET, target)] {
        world.let_in(machine, PUB)?;
        world.sshd_at(machine, lines)?;
    }
    Ok(())
}

/// The same with a second hop between them.
pub(super) fn two_hops(world: &World, bastion: &str, inner: &str, target: &str) -> anyhow::Result<()> {
    one_hop(world, bastion, target)?;
    world.let_in(INNER, PUB)?;
    world.sshd_at(INNER, inner)
}

/// A good bastion, whose key has these options, before a good target.
pub(super) fn with_options(world: &World, options: &str) -> anyhow::Result<()> {
    world.way()?;
    world.key(KEY, &[])?;
    world.let_in_with(BASTION, options, PUB)?;
    world.let_in(TARGET, PUB)?;
    world.sshd_at(BASTION, "")?;
    world.sshd_at(TARGET, "")
}

/// A good bastion before the row's own machine, web1.example.org.
pub(super) fn before_web1(world: &World) -> anyhow::Result<()> {
    world.way()?;
    world.let_in(BASTION, PUB)?;
    BASTION.inside(|| world.sh("ip route add 192.0.2.7 via 198.51.100.20"))?;
    world.sshd_at(BASTION, "")
}

/// A row whose command line names one hop.
pub(super) fn through(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    row(name, setup).line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
}

/// A row whose command line names two hops.
pub(super) fn through_two(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    row(name, setup).line(&["-J", "jump@bastion.example.org,jump@inner.internal", "deploy@vault.internal"])
}

/// Rows of jump hosts that work, and of faults behind good ones.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = works();
    rows.extend(named_otherwise());
    rows.extend(behind_one());
    rows.extend(behind_two());
    rows
}

fn works() -> Vec<Row> {
    vec![
        through("jump-works", |world| one_hop(world, "", "")),
        through_two("jump-two-works", |world| two_hops(world, "", "", "")),
        through("jump-key-may-only-forward", |world| {
            with_options(world, "restrict,port-forwarding,permitopen=\"db1.internal:22\" ")
        }),
        through("jump-key-may-only-open-this-address", |world| {
            with_options(world, "restrict,port-forwarding,permitopen=\"10.9.0.7:22\" ")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@10.9.0.7"]),
        through("jump-key-with-a-forced-command", |world| with_options(world, "command=\"/bin/false\",no-pty ")),
        through("jump-account-without-a-shell", |world| {
            one_hop(world, "", "")?;
            world.sh("usermod -s /usr/sbin/nologin jump").map(drop)
        }),
        through("jump-account-whose-shell-is-false", |world| {
            one_hop(world, "", "")?;
            world.sh("usermod -s /bin/false jump").map(drop)
        }),
        through("jump-hop-that-opens-no-sessions", |world| one_hop(world, "MaxSessions 0", "")),
        through("jump-hop-with-a-forced-command", |world| {
            one_hop(world, "Match User jump\n    ForceCommand /bin/false", "")
        }),
        through("jump-hop-permits-this-port", |world| one_hop(world, "PermitOpen db1.internal:22", "")),
        through("jump-hop-is-dropbear", |world| {
            one_hop(world, "Port 2222", "")?;
            world.dropbear_at(BASTION, &[])?;
            world.sh("install -d -o jump -g jump -m 700 /home/jump/.ssh; install -o jump -m 600 /srv/way/bastion/keys/jump /home/jump/.ssh/authorized_keys").map(drop)
        }),
        through("jump-hop-is-asyncssh", |world| {
            one_hop(world, "Port 2222", "")?;
            world.python_at(BASTION, "")
        }),
        through("jump-key-in-the-agent", |world| {
            one_hop(world, "", "")?;
            world.agent_with(&[KEY])
        }),
        through("jump-twelve-hops", |world| {
            let ports = (1..=12).fold(String::new(), |ports, number| format!("{ports}Port {}\n", 2200 + number));
            one_hop(world, &ports, "")?;
            for number in 1..=12 {
                world.known_as(BASTION, &format!("[bastion.example.org]:{}", 2200 + number))?;
            }
            world.config("Host bastion.example.org\n    User jump")
        })
        .line(&[
            "-J",
            "bastion.example.org:2201,bastion.example.org:2202,bastion.example.org:2203,bastion.example.org:2204,\
             bastion.example.org:2205,bastion.example.org:2206,bastion.example.org:2207,bastion.example.org:2208,\
             bastion.example.org:2209,bastion.example.org:2210,bastion.example.org:2211,bastion.example.org:2212",
            "deploy@db1.internal",
        ]),
    ]
}

fn named_otherwise() -> Vec<Row> {
    vec![
        row("jump-from-the-configuration", |world| {
            one_hop(world, "", "")?;
            world.config("Host db1\n    HostName db1.internal\n    User deploy\n    ProxyJump bastion\nHost bastion\n    HostName bastion.example.org\n    User jump")
        })
        .line(&["db1"]),
        row("jump-each-host-names-the-one-before", |world| {
            two_hops(world, "", "", "")?;
            world.config("Host vault.internal\n    User deploy\n    ProxyJump inner.internal\nHost inner.internal\n    User jump\n    ProxyJump bastion.example.org\nHost bastion.example.org\n    User jump")
        })
        .line(&["vault.internal"]),
        row("jump-none-undoes-the-pattern", |world| {
            one_hop(world, "", "")?;
            world.server("")?;
            world.authorize(PUB)?;
            world.config("Host web1.example.org\n    ProxyJump none\nHost *\n    ProxyJump jump@bastion.example.org")
        }),
        row("jump-other-ports", |world| {
            one_hop(world, "Port 2222", "Port 2022")?;
            world.known_as(BASTION, "[bastion.example.org]:2222")?;
            world.known_as(TARGET, "[db1.internal]:2022")
        })
        .line(&["-J", "jump@bastion.example.org:2222", "-p", "2022", "deploy@db1.internal"]),
        row("jump-host-keys-under-aliases", |world| {
            one_hop(world, "", "")?;
            world.sh("rm /home/a/.ssh/known_hosts")?;
            world.known_as(BASTION, "gate")?;
            world.known_as(TARGET, "database")?;
            world.config("Host bastion.example.org\n    User jump\n    HostKeyAlias gate\nHost db1.internal\n    User deploy\n    HostKeyAlias database\n    ProxyJump bastion.example.org")
        })
        .line(&["db1.internal"]),
        row("jump-each-hop-has-its-own-key", |world| {
            world.way()?;
            for (machine, name) in [(BASTION, "gate"), (TARGET, "database")] {
                world.key(&format!("/home/a/.ssh/{name}"), &[])?;
                world.let_in(machine, &format!("/home/a/.ssh/{name}.pub"))?;
                world.sshd_at(machine, "")?;
            }
            world.config("Host bastion.example.org\n    User jump\n    IdentityFile ~/.ssh/gate\nHost db1.internal\n    User deploy\n    IdentityFile ~/.ssh/database\n    ProxyJump bastion.example.org")
        })
        .line(&["db1.internal"]),
        row("jump-by-address-and-url", |world| {
            one_hop(world, "", "")?;
            world.known_as(BASTION, "198.51.100.1")
        })
        .line(&["-J", "ssh://jump@198.51.100.1:22", "ssh://deploy@10.9.0.7:22"]),
    ]
}

/// The key that `machine` lets in is not the client's.
fn refused(world: &World, machine: Machine) -> anyhow::Result<()> {
    world.key("/srv/other", &[])?;
    world.sh(&format!("rm {0}/*; cp /srv/other.pub {0}/deploy", machine.file("keys"))).map(drop)
}

/// The client knows another host key of `machine`'s.
pub(super) fn changed(world: &World, machine: Machine, name: &str) -> anyhow::Result<()> {
    world.key("/srv/other", &[])?;
    let file = machine.file("host_key");
    world
        .sh(&format!(
            "sed -i '/^{name}/d' /home/a/.ssh/known_hosts; ssh-keygen -q -t ed25519 -N '' -f /srv/old
         [ -e {file} ]; printf '{name} %s\\n' \"$(cut -d ' ' -f 1,2 /srv/old.pub)\" >>/home/a/.ssh/known_hosts"
        ))
        .map(drop)
}

fn behind_one() -> Vec<Row> {
    vec![
        through("jump-target-refuses-the-key", |world| {
            one_hop(world, "", "")?;
            refused(world, TARGET)
        })
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-key-accepted"),
        through("jump-target-takes-no-keys", |world| {
            one_hop(world, "", "PubkeyAuthentication no\nPasswordAuthentication yes")
        })
        .ssh_fails("Permission denied (password)")
        .proven("server-pubkey-disabled"),
        through("jump-target-changed-its-host-key", |world| {
            one_hop(world, "", "")?;
            changed(world, TARGET, "db1.internal")
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        through("jump-target-is-new", |world| {
            one_hop(world, "", "")?;
            world.sh("sed -i /^db1/d /home/a/.ssh/known_hosts").map(drop)
        })
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown"),
        row("jump-target-key-is-open", |world| {
            one_hop(world, "", "")?;
            world.key("/home/a/.ssh/database", &[])?;
            world.sh("cp /home/a/.ssh/database.pub /srv/way/target/keys/deploy; chmod 644 /home/a/.ssh/database")?;
            world.config("Host db1.internal\n    IdentityFile ~/.ssh/database")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .proven("key-file-permissions"),
        through("jump-target-after-too-many-keys", |world| {
            one_hop(world, "MaxAuthTries 20", "MaxAuthTries 3")?;
            let keys: Vec<String> = (1..=4).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("jump-target-key-is-encrypted", |world| {
            one_hop(world, "", "")?;
            world.key("/home/a/.ssh/database", &["-N", "secret"])?;
            world.sh("cp /home/a/.ssh/database.pub /srv/way/target/keys/deploy")?;
            world.config("Host db1.internal\n    IdentityFile ~/.ssh/database\n    IdentitiesOnly yes")
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed"),
        through("jump-target-account-may-run-nothing", |world| {
            one_hop(world, "", "")?;
            world.sh("usermod -s /usr/sbin/nologin deploy").map(drop)
        })
        .ssh_ends(1, "This account is currently not available")
        .proven("shell-refuses-login"),
        through("jump-target-shares-no-key-exchange", |world| {
            one_hop(world, "", "KexAlgorithms diffie-hellman-group18-sha512")?;
            world.config("Host db1.internal\n    KexAlgorithms curve25519-sha256")
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex"),
    ]
}

fn behind_two() -> Vec<Row> {
    vec![
        through_two("jump-two-target-refuses-the-key", |world| {
            two_hops(world, "", "", "")?;
            refused(world, TARGET)
        })
        .ssh_fails("deploy@vault.internal: Permission denied (publickey)")
        .proven("no-key-accepted"),
        through_two("jump-two-target-takes-no-keys", |world| {
            two_hops(world, "", "", "PubkeyAuthentication no\nPasswordAuthentication yes")
        })
        .ssh_fails("Permission denied (password)")
        .proven("server-pubkey-disabled"),
        through_two("jump-two-target-account-may-run-nothing", |world| {
            two_hops(world, "", "", "")?;
            world.sh("usermod -s /usr/sbin/nologin deploy").map(drop)
        })
        .ssh_ends(1, "This account is currently not available")
        .proven("shell-refuses-login"),
        through_two("jump-two-target-changed-its-host-key", |world| {
            two_hops(world, "", "", "")?;
            world.sh("sed -i /^db1/d /home/a/.ssh/known_hosts")?;
            changed(world, TARGET, "vault.internal")
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        row("jump-two-target-key-is-open", |world| {
            two_hops(world, "", "", "")?;
            world.key("/home/a/.ssh/database", &[])?;
            world.sh("cp /home/a/.ssh/database.pub /srv/way/target/keys/deploy; chmod 644 /home/a/.ssh/database")?;
            world.config("Host vault.internal\n    IdentityFile ~/.ssh/database")
        })
        .line(&["-J", "jump@bastion.example.org,jump@inner.internal", "deploy@vault.internal"])
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .proven("key-file-permissions"),
    ]
}
