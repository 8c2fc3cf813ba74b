//! Rows whose fault is in the agent, or in what it makes ssh offer.

use crate::row::{Row, row};
use crate::world::World;

/// Loads the key that opens, and nothing else.
const LOAD: &str = "export SSH_AUTH_SOCK=/tmp/ssh-XXXXagent/agent.7; ssh-add -q -D; ssh-add -q /srv/kept/id_ed25519";

/// Seven keys in the agent, the last one opens.
fn crowded(world: &mut World) -> anyhow::Result<()> {
    world.server("")?;
    let keys: Vec<String> = (1..=7).map(|number| format!("/home/a/.ssh/key{number}")).collect();
    for key in &keys {
        world.key(key, &[])?;
    }
    world.authorize("/home/a/.ssh/key7.pub")?;
    world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A server, and the key that opens in the agent only.
fn in_agent(world: &mut World) -> anyhow::Result<()> {
    world.server("")?;
    world.login_key()?;
    world.agent_with(&["/home/a/.ssh/id_ed25519"])
}

/// The key that opens in an agent that asks its owner each time (`ssh-add -c`), by an askpass program that does this.
fn confirming(world: &mut World, answer: &str) -> anyhow::Result<()> {
    world.server("")?;
    world.login_key()?;
    world.file("/tmp/askpass", format!("#!/bin/sh\n{answer}\n"), 0o755)?;
    world.environment.push(("SSH_ASKPASS".to_owned(), "/tmp/askpass".to_owned()));
    world.environment.push(("DISPLAY".to_owned(), ":7".to_owned()));
    world.agent()?;
    world.environment.retain(|(name, _)| name == "SSH_AUTH_SOCK");
    world.ssh_add(&["-c", "/home/a/.ssh/id_ed25519"])?;
    world.put_away("/home/a/.ssh/id_ed25519")
}

/// Rows of the agent.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = unreachable();
    rows.extend(offering());
    rows.extend(refusing());
    rows
}

fn unreachable() -> Vec<Row> {
    vec![
        row("agent-gone", |world| {
            world.server("")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/ssh-XXXXgone/agent.7".to_owned()));
            Ok(())
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("agent-unreachable")
        .fixture(),
        row("agent-dead", |world| {
            world.server("")?;
            // Dropping the listener leaves the socket file behind, as an agent that was killed does.
            drop(std::os::unix::net::UnixListener::bind("/tmp/agent.7")?);
            world.sh("chown a /tmp/agent.7")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/agent.7".to_owned()));
            Ok(())
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("agent-unreachable"),
        row("agent-of-the-configuration-gone", |world| {
            in_agent(world)?;
            world.config("IdentityAgent ~/.ssh/agent.sock")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("agent-unreachable")
        .mended_by("rm /home/a/.ssh/config"),
        row("agent-silent-before-a-good-key-file", |world| {
            world.server("")?;
            world.login_key()?;
            // It listens for as long as this process lives, and nobody takes a connection from it.
            std::mem::forget(std::os::unix::net::UnixListener::bind("/tmp/agent.7")?);
            world.sh("chown a /tmp/agent.7")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/agent.7".to_owned()));
            Ok(())
        })
        .ssh_hangs()
        .at_most("likely", "agent-unreachable", "an agent that asks its owner is silent too"),
        row("agent-busy-with-another-confirmation", |world| {
            confirming(world, "touch /tmp/asked; sleep 100")?;
            world.as_client("ssh-add", &["-T", "/srv/kept/id_ed25519.pub"]).spawn()?;
            crate::client::wait_for("the agent's question", || std::path::Path::new("/tmp/asked").exists())
        })
        .ssh_hangs()
        .at_most("likely", "agent-unreachable", "an agent that hangs is silent too"),
    ]
}

fn offering() -> Vec<Row> {
    vec![
        row("agent-with-three-other-keys", |world| {
            world.server("")?;
            let keys = ["/home/a/.ssh/one", "/home/a/.ssh/two", "/home/a/.ssh/three"];
            for key in keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys)?;
            world.login_key()?;
            world.put_away("/home/a/.ssh/id_ed25519")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("agent-lacks-accepted-key")
        .mended_by(LOAD)
        .fixture(),
        row("identities-only-hides-the-agent", |world| {
            in_agent(world)?;
            world.config("IdentitiesOnly yes")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("identities-only-hides-key")
        .mended_by("rm /home/a/.ssh/config")
        .fixture(),
        row("identities-only-names-another-key", |world| {
            in_agent(world)?;
            world.key("/home/a/.ssh/other", &[])?;
            world.config("IdentitiesOnly yes\nIdentityFile ~/.ssh/other")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("identities-only-hides-key")
        .mended_by("rm /home/a/.ssh/config"),
        row("seven-keys-in-the-agent", crowded)
            .ssh_fails("Too many authentication failures")
            .log("maximum authentication attempts exceeded")
            .proven("too-many-keys")
            .fixture(),
        row("six-keys-none-accepted", |world| {
            world.server("")?;
            let keys: Vec<String> = (1..=6).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .ssh_fails("Too many authentication failures")
        .proven("agent-lacks-accepted-key"),
        row("one-try-one-key-refused", |world| {
            world.server("MaxAuthTries 1")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails("Too many authentication failures")
        .proven("no-key-accepted"),
        row("one-try-two-keys", |world| {
            world.server("MaxAuthTries 1")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa"])?;
            world.login_key()
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("two-tries-other-key-accepted", |world| {
            world.server("MaxAuthTries 2")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.key("/home/a/.ssh/work", &[])?;
            world.authorize("/home/a/.ssh/work.pub")
        })
        .ssh_fails("Permission denied")
        .proven("accepted-key-not-offered"),
        row("the-file-that-opens-after-six-keys", |world| {
            world.server("")?;
            let keys: Vec<String> = (1..=6).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
            world.login_key()
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys")
        .mended_by("printf 'IdentitiesOnly yes\\n' >/home/a/.ssh/config; chown a /home/a/.ssh/config"),
    ]
}

fn refusing() -> Vec<Row> {
    vec![
        row("agent-wants-a-confirmation-and-cannot-ask", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent()?;
            world.ssh_add(&["-c", "/home/a/.ssh/id_ed25519"])?;
            world.put_away("/home/a/.ssh/id_ed25519")
        })
        .ssh_fails("agent refused operation")
        .proven("agent-refused-to-sign")
        .mended_by(LOAD)
        .fixture(),
        row("agent-confirmation-denied", |world| confirming(world, "exit 1"))
            .at_a_terminal()
            .ssh_fails("agent refused operation")
            .proven("agent-refused-to-sign"),
        // Its owner confirms once, and is away the second time.
        row("agent-confirmation-waits", |world| {
            confirming(world, "[ ! -e /tmp/asked ] || sleep 100; touch /tmp/asked")
        })
        .at_a_terminal()
        .needs(&["confirmation"])
        .at_most("likely", "access-needs-answer", "an agent that hangs is silent too"),
        row("agent-key-for-another-host", |world| {
            world.server("")?;
            world.login_key()?;
            // The constraint names a host by its key in known_hosts.
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/db")?;
            let db = crate::world::read("/srv/db.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("db1.example.org {}", db.trim_end()))?;
            world.agent()?;
            world.ssh_add(&["-h", "db1.example.org", "/home/a/.ssh/id_ed25519"])?;
            world.put_away("/home/a/.ssh/id_ed25519")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("agent-key-constrained")
        .mended_by(LOAD)
        .fixture(),
        row("agent-locked", |world| {
            in_agent(world)?;
            super::common::lock_agent(world)
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("no-identities"),
    ]
}
