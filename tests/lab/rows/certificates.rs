//! Rows of user certificates.

use super::common::{DENIED, authorized};
use crate::row::{Row, row};
use crate::world::World;

/// Rows of user certificates.
pub(crate) fn rows() -> Vec<Row> {
    [certificates()].concat()
}

fn certificates() -> Vec<Row> {
    fn certified(world: &World, options: &str) -> anyhow::Result<()> {
        world.key("/etc/ssh/ca", &[])?;
        world.server("TrustedUserCAKeys /etc/ssh/ca.pub")?;
        world.key("/home/a/.ssh/id_ed25519", &[])?;
        world.sh(&format!("ssh-keygen -q -s /etc/ssh/ca -I a {options} /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub")).map(drop)
    }
    vec![
        row("cert-expired", |world| certified(world, "-n deploy -V 20200101:20200102"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted"),
        row("cert-other-principal", |world| certified(world, "-n root"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted"),
        row("cert-expired-plain-good", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            authorized(world, &["id_ed25519"])
        }),
        row("cert-in-agent", |world| {
            certified(world, "-n deploy")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])?;
            world.sh("rm /home/a/.ssh/id_ed25519*").map(drop)
        }),
        row("cert-named-key-in-agent", |world| {
            certified(world, "-n deploy")?;
            world.sh("mkdir -p /srv/c; mv /home/a/.ssh/id_ed25519-cert.pub /home/a/c-cert.pub")?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config("CertificateFile ~/c-cert.pub")
        }),
        row("cert-named-key-in-agent-identities-only", |world| {
            certified(world, "-n deploy")?;
            world.sh("mv /home/a/.ssh/id_ed25519-cert.pub /home/a/c-cert.pub")?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config("CertificateFile ~/c-cert.pub\nIdentitiesOnly yes")
        })
        .ssh_fails("")
        .at_most("possible", "undetermined", "nothing names it yet"),
        row("cert-of-another-key", |world| {
            certified(world, "-n deploy")?;
            world.sh("rm /home/a/.ssh/id_ed25519; ssh-keygen -q -t ed25519 -N '' -f /srv/o; cp /srv/o /home/a/.ssh/id_ed25519; cp /srv/o.pub /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/id*").map(drop)
        })
        .ssh_fails("")
        .proven("key-pair-mismatch"),
        row("cert-of-another-key-plain-good", |world| {
            certified(world, "-n deploy")?;
            world.sh("rm /home/a/.ssh/id_ed25519; ssh-keygen -q -t ed25519 -N '' -f /srv/o; cp /srv/o /home/a/.ssh/id_ed25519; cp /srv/o.pub /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/id*")?;
            authorized(world, &["id_ed25519"])
        }),
        row("cert-force-command", |world| certified(world, "-n deploy -O force-command=true")),
        row("cert-source-address", |world| certified(world, "-n deploy -O source-address=198.51.100.0/24"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted"),
        row("cert-open-key", |world| {
            certified(world, "-n deploy")?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("cert-wrong-then-plain-open", |world| {
            certified(world, "-n root")?;
            authorized(world, &["id_ed25519"])?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("authorized-principals", |world| {
            world.key("/etc/ssh/ca", &[])?;
            world.server("TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile none")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("ssh-keygen -q -s /etc/ssh/ca -I a /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
    ]
}
