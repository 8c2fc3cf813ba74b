//! What the rows of several oddities have in common.

use crate::world::World;

/// What ssh says where every key was refused.
pub(super) const DENIED: &str = "Permission denied (publickey)";

/// A server with these lines that lets the default key in.
pub(super) fn good(world: &World, lines: &str) -> anyhow::Result<()> {
    world.server(lines)?;
    world.login_key()
}

/// A login that works, on a server with these lines, and then this script as root. It knows deploy's file of keys as `AK`,
/// the client's public half as `PUB`, `KEY`, `BLOB` and `PRINT`, and another key as `OTHER`.
pub(super) fn on_this_server(world: &World, lines: &str, script: &str) -> anyhow::Result<()> {
    good(world, lines)?;
    world.key("/srv/other", &["-C", "b@desk"])?;
    world.sh(&format!(
        "AK=/home/deploy/.ssh/authorized_keys PUB=/home/a/.ssh/id_ed25519.pub; KEY=$(cat $PUB); OTHER=$(cat /srv/other.pub)
         BLOB=$(cut -d ' ' -f 2 $PUB); PRINT=$(ssh-keygen -lf $PUB | cut -d ' ' -f 2 | cut -d : -f 2)
         {script}"
    ))
    .map(drop)
}

/// Key pairs of these names, each an IdentityFile.
pub(super) fn keys(world: &World, names: &[&str]) -> anyhow::Result<()> {
    for name in names {
        world.key(&format!("/home/a/.ssh/{name}"), &[])?;
        world.config(&format!("IdentityFile ~/.ssh/{name}"))?;
    }
    Ok(())
}

/// The server lets these keys in.
pub(super) fn authorized(world: &World, names: &[&str]) -> anyhow::Result<()> {
    for name in names {
        world.authorize(&format!("/home/a/.ssh/{name}.pub"))?;
    }
    Ok(())
}

/// The default key with a passphrase, and the server lets it in.
pub(super) fn encrypted(world: &World) -> anyhow::Result<()> {
    world.key("/home/a/.ssh/id_ed25519", &["-N", "secret"])?;
    authorized(world, &["id_ed25519"])
}

/// The default key, which others can read, and the server lets it in.
pub(super) fn open_key(world: &World) -> anyhow::Result<()> {
    world.login_key()?;
    world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
}

/// The client knows a host key that the server has no longer.
pub(super) fn changed(world: &World) -> anyhow::Result<()> {
    world.host_key("ed25519")?;
    world.known("web1.example.org", "ed25519")?;
    world.sh("rm /etc/ssh/ssh_host_*")?;
    world.host_key("ed25519")
}

/// Locks the client's agent.
pub(super) fn lock_agent(world: &mut World) -> anyhow::Result<()> {
    // ssh-add reads the agent's password from a terminal or an askpass program.
    world.file("/tmp/askpass", "#!/bin/sh\necho pw\n", 0o755)?;
    world.environment.push(("SSH_ASKPASS".to_owned(), "/tmp/askpass".to_owned()));
    world.environment.push(("SSH_ASKPASS_REQUIRE".to_owned(), "force".to_owned()));
    world.ssh_add(&["-x"])?;
    world.environment.truncate(1);
    Ok(())
}
