//! Rows that tell a story: what a team met, recorded as it would have been diagnosed there.

use crate::row::{Row, row};
use crate::world::World;

/// Where sshd puts the socket of an agent that was forwarded to it.
const FORWARDED: &str = "/tmp/ssh-aBcDeFgHiJ";

/// A key with a comment of its own.
fn key(world: &World, path: &str, comment: &str) -> anyhow::Result<()> {
    world.key(path, &["-C", comment])
}

/// The shell was reached by ssh -A, so the agent is another machine's.
fn come_by_ssh(world: &mut World) -> anyhow::Result<()> {
    world.sh(&format!("ln -s /tmp/ssh-XXXXagent {FORWARDED}"))?;
    world.environment.push(("SSH_AUTH_SOCK".to_owned(), format!("{FORWARDED}/agent.7")));
    world.environment.push(("SSH_CONNECTION".to_owned(), "198.51.100.20 50022 192.0.2.100 22".to_owned()));
    Ok(())
}

/// Rows of incidents.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        // Two faults on two machines; each hides the other from whoever looks at one of them.
        row("wrong-layer", |world| {
            world.server("")?;
            key(world, "/home/a/.ssh/id_ed25519", "a@laptop")?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted")
        .also(&["key-file-permissions"])
        .incident(),
        // The agent is there, and has keys in it.
        row("forwarded-agent", |world| {
            world.server("")?;
            let keys = ["a@laptop", "a@git", "a@home-server"].map(|name| (name, format!("/home/a/.ssh/{name}")));
            for (comment, path) in &keys {
                key(world, path, comment)?;
            }
            world.agent_with(&keys.each_ref().map(|(_, path)| path.as_str()))?;
            key(world, "/srv/kept/deploy", "deploy-2026")?;
            world.authorize("/srv/kept/deploy.pub")?;
            come_by_ssh(world)
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("agent-lacks-accepted-key")
        .incident(),
        // Nothing fails, and that is the finding: the door is opened by somebody else's token.
        row("borrowed-key", |world| {
            world.server("")?;
            let keys = ["/home/a/.ssh/own", "/home/a/.ssh/token"];
            key(world, keys[0], "a@laptop")?;
            key(world, keys[1], "cardno:000613494378 maria@acme")?;
            world.authorize("/home/a/.ssh/token.pub")?;
            world.agent_with(&keys)?;
            come_by_ssh(world)
        })
        .incident(),
    ]
}
