//! Rows of `--offer`: one public key is asked about, whose private half is elsewhere. The real ssh beside it is given the
//! private half, and shows whether the answer is true.

use super::common::DENIED;
use crate::row::{Row, row};
use crate::userauth::Script;
use crate::world::World;

/// Why nothing is proven by a query.
const QUERY: &str = "a query shows that the server would accept the key, and no login was made";
/// Our options for the key at hand.
const NEW: &[&str] = &["--offer", "/srv/kept/new.pub"];
/// ssh with the private half.
const LINE: &[&str] = &["-i/home/a/kept/new", "deploy@web1.example.org"];

/// A key pair of whose private half sshdoctor does not know.
fn new_key(world: &World, options: &[&str]) -> anyhow::Result<()> {
    world.key("/home/a/kept/new", options)?;
    world.sh("mkdir -p /srv/kept; cp /home/a/kept/new.pub /srv/kept/; chmod -R a+rX /srv/kept").map(drop)
}

fn asked(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    row(name, setup).line(LINE).ours(NEW)
}

/// Rows of `--offer`.
pub(crate) fn rows() -> Vec<Row> {
    [answers(), expectations(), doubts()].concat()
}

fn answers() -> Vec<Row> {
    vec![
        asked("offered-key-is-accepted", |world| {
            world.server("")?;
            new_key(world, &[])?;
            world.authorize("/srv/kept/new.pub")
        })
        .at_most("likely", "access-works", QUERY)
        .healthy_fixture(),
        asked("offered-key-is-refused", |world| {
            world.server("")?;
            new_key(world, &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        asked("offered-key-beside-a-good-one", |world| {
            world.server("")?;
            world.login_key()?;
            new_key(world, &[])
        })
        .line(&["-oIdentitiesOnly=yes", "-i/home/a/kept/new", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        asked("offered-rsa-key-is-accepted", |world| {
            world.server("")?;
            new_key(world, &["-t", "rsa", "-b", "2048"])?;
            world.authorize("/srv/kept/new.pub")
        })
        .at_most("likely", "access-works", QUERY),
        asked("offered-key-with-publickey-off-here", |world| {
            world.server("")?;
            new_key(world, &[])?;
            world.config("PubkeyAuthentication no")?;
            world.authorize("/srv/kept/new.pub")
        })
        .ssh_fails(DENIED)
        .at_most("likely", "access-works", QUERY),
        asked("offered-key-where-one-failure-ends-it", |world| {
            world.server("MaxAuthTries 1")?;
            new_key(world, &[])
        })
        .ssh_fails("Too many authentication failures")
        .proven("no-key-accepted"),
        asked("offered-key-where-keys-are-off", |world| {
            world.server("PubkeyAuthentication no\nPasswordAuthentication yes")?;
            new_key(world, &[])?;
            world.authorize("/srv/kept/new.pub")
        })
        .ssh_fails("Permission denied (password)")
        .proven("server-pubkey-disabled"),
        asked("offered-certificate-is-accepted", |world| {
            certificate(world, "deploy")?;
            world.server("TrustedUserCAKeys /etc/ssh/ca.pub")
        })
        .ours(&["--offer", "/srv/kept/new-cert.pub"])
        .at_most("likely", "access-works", QUERY),
        asked("offered-certificate-of-another-principal", |world| {
            certificate(world, "somebody")?;
            world.server("TrustedUserCAKeys /etc/ssh/ca.pub")
        })
        .ours(&["--offer", "/srv/kept/new-cert.pub"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
    ]
}

/// A certificate for the new key, for this principal, by a CA of its own.
fn certificate(world: &World, principal: &str) -> anyhow::Result<()> {
    new_key(world, &[])?;
    world.key("/etc/ssh/ca", &[])?;
    world.sh(&format!(
        "ssh-keygen -q -s /etc/ssh/ca -I a -n {principal} /home/a/kept/new.pub; \
         chown a /home/a/kept/*; install -m 644 /home/a/kept/new-cert.pub /srv/kept/"
    ))?;
    Ok(())
}

fn expectations() -> Vec<Row> {
    vec![
        asked("offered-key-is-accepted-as-expected", |world| {
            world.server("")?;
            new_key(world, &[])?;
            world.authorize("/srv/kept/new.pub")
        })
        .ours(&["--offer", "/srv/kept/new.pub", "--expect", "accepted"])
        .at_most("likely", "access-works", QUERY),
        asked("offered-key-is-refused-as-expected", |world| {
            world.server("RevokedKeys /srv/kept/new.pub")?;
            new_key(world, &[])?;
            world.authorize("/srv/kept/new.pub")
        })
        .ours(&["--offer", "/srv/kept/new.pub", "--expect=refused"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .status(0),
        asked("offered-key-is-accepted-and-should-not-be", |world| {
            world.server("")?;
            new_key(world, &[])?;
            world.authorize("/srv/kept/new.pub")
        })
        .ours(&["--offer", "/srv/kept/new.pub", "--expect", "refused"])
        .at_most("likely", "access-works", QUERY)
        .status(1),
        asked("offered-key-of-a-server-that-is-down", |world| new_key(world, &[]))
            .ours(&["--offer", "/srv/kept/new.pub", "--expect", "refused"])
            .ssh_fails("Connection refused")
            .proven("connection-refused")
            .status(3),
        asked("offered-key-of-a-server-with-another-host-key", |world| {
            super::common::changed(world)?;
            world.sshd("")?;
            new_key(world, &[])
        })
        .ours(&["--offer", "/srv/kept/new.pub", "--expect", "refused"])
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed")
        .status(3),
        asked("offered-key-of-a-server-that-is-new-at-a-terminal", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            new_key(world, &[])?;
            world.authorize("/srv/kept/new.pub")
        })
        .ours(&["--offer", "/srv/kept/new.pub", "--expect", "accepted"])
        .at_a_terminal()
        .ssh_asks("Are you sure you want to continue connecting")
        .needs(&["host-key"])
        .status(3),
    ]
}

fn doubts() -> Vec<Row> {
    vec![
        asked("offered-key-where-every-key-is-accepted", |world| {
            world.scripted_userauth(Script::YesToAll("SSH-2.0-Gatekeeper_4.1"))?;
            new_key(world, &[])
        })
        .ours(&["--offer", "/srv/kept/new.pub", "--expect", "accepted"])
        .ssh_fails(DENIED)
        .at_most("possible", "undetermined", "the server says yes to every key"),
        asked("offered-key-where-nobody-needs-one", |world| {
            world.server("PasswordAuthentication yes\nPermitEmptyPasswords yes")?;
            world.sh("sed -i 's/^deploy:[^:]*:/deploy::/' /etc/shadow")?;
            new_key(world, &[])
        })
        .ours(&["--offer", "/srv/kept/new.pub", "--expect", "refused"])
        .proven("access-works")
        .status(1),
    ]
}
