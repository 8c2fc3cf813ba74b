//! Rows of hops that a person has to answer at.

use std::process::Stdio;

use super::common::DENIED;
use super::jump::{KEY, PUB, one_hop, through};
use crate::row::{Row, row};
use crate::way::{BASTION, TARGET};
use crate::world::World;

/// A live ControlMaster for the bastion, whose one-time code somebody typed.
fn live_master(world: &mut World) -> anyhow::Result<()> {
    world.way()?;
    world.key(KEY, &[])?;
    world.let_in(TARGET, PUB)?;
    world.sshd_at(TARGET, "")?;
    world.python_at(BASTION, "code")?;
    world.config("Host bastion.example.org\n    User jump\n    ControlPath /tmp/master-%C")?;
    world.file("/tmp/askpass", "#!/bin/sh\necho 246810\n", 0o755)?;
    let mut master = world.as_client("ssh", &["-o", "ControlMaster=yes", "-fN", "bastion.example.org"]);
    master.envs([("SSH_ASKPASS", "/tmp/askpass"), ("SSH_ASKPASS_REQUIRE", "force")]);
    // A master in the background keeps what it has inherited.
    let status = master.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "the master did not log in");
    Ok(())
}

/// Rows of questions on the way.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("jump-live-master-carries-the-channel", live_master).line(&[
            "-J",
            "bastion.example.org",
            "deploy@db1.internal",
        ]),
        row("jump-live-master-and-the-target-refuses", |world| {
            live_master(world)?;
            world.sh("rm /srv/way/target/keys/deploy").map(drop)
        })
        .line(&["-J", "bastion.example.org", "deploy@db1.internal"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        through("jump-hop-asks-for-a-code", |world| {
            one_hop(world, "Port 2222", "")?;
            world.python_at(BASTION, "code")
        })
        .at_a_terminal()
        .ssh_asks("Code: ")
        .without_hop("likely", "bastion.example.org", "server-pubkey-disabled")
        .at_most("possible", "undetermined", "a person has to answer first"),
        through("jump-hop-asks-for-a-code-interactively", |world| {
            one_hop(world, "Port 2222", "")?;
            world.python_at(BASTION, "code")
        })
        .ours(&["--interactive"])
        .types(&[("Code: ", "246810")]),
    ]
}
