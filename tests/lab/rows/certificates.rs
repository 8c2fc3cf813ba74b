//! Rows of user certificates.

use super::common::{DENIED, authorized};
use crate::row::{Row, row};
use crate::world::World;

/// Rows of user certificates.
pub(crate) fn rows() -> Vec<Row> {
    [expired(), refused(), used(), healthy()].concat()
}

/// A key with a certificate for it from a CA that the server trusts.
fn certified(world: &World, options: &str) -> anyhow::Result<()> {
    certified_by(world, "TrustedUserCAKeys /etc/ssh/ca.pub", options)
}

/// The same with these lines for sshd; a CA that is there already is taken.
fn certified_by(world: &World, lines: &str, options: &str) -> anyhow::Result<()> {
    if !std::path::Path::new("/etc/ssh/ca").exists() {
        world.key("/etc/ssh/ca", &[])?;
    }
    world.server(lines)?;
    world.key("/home/a/.ssh/id_ed25519", &[])?;
    sign(world, options)
}

/// Signs the default key anew.
fn sign(world: &World, options: &str) -> anyhow::Result<()> {
    world
        .sh(&format!(
            "ssh-keygen -q -s /etc/ssh/ca -I a {options} /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub"
        ))
        .map(drop)
}

/// Puts another key in the place of the certified one.
fn other_key(world: &World) -> anyhow::Result<()> {
    world
        .sh("rm /home/a/.ssh/id_ed25519; ssh-keygen -q -t ed25519 -N '' -f /srv/o; cp /srv/o /home/a/.ssh/id_ed25519
             cp /srv/o.pub /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/id*")
        .map(drop)
}

/// Moves the certificate to where no key is.
fn certificate_apart(world: &World) -> anyhow::Result<()> {
    world.sh("mv /home/a/.ssh/id_ed25519-cert.pub /home/a/c-cert.pub").map(drop)
}

/// What takes an expired certificate's place.
const RENEW: &str = "ssh-keygen -q -s /etc/ssh/ca -I a -n deploy -V -1h:+1d /home/a/.ssh/id_ed25519.pub";

fn expired() -> Vec<Row> {
    vec![
        row("cert-expired", |world| certified(world, "-n deploy -V 20200101:20200102"))
            .ssh_fails(DENIED)
            .log("Certificate invalid: expired")
            .at_most("likely", "certificate-expired", "a certificate for other servers may lie beside the default key")
            .mended_by(RENEW)
            .fixture(),
        row("cert-expired-two-hours-ago", |world| certified(world, "-n deploy -V -1d:-2h")).ssh_fails(DENIED).at_most(
            "likely",
            "certificate-expired",
            "a certificate for other servers may lie beside the default key",
        ),
        row("cert-expired-a-minute-ago", |world| certified(world, "-n deploy -V -1d:-1m"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .member("certificate-expired"),
        row("cert-not-yet-valid", |world| certified(world, "-n deploy -V +2d:+3d"))
            .ssh_fails(DENIED)
            .log("Certificate invalid: not yet valid")
            .at_most("likely", "certificate-expired", "a certificate for other servers may lie beside the default key")
            .mended_by(RENEW),
        row("cert-expired-in-the-agent", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])?;
            world.sh("rm /home/a/.ssh/id_ed25519*").map(drop)
        })
        .ssh_fails(DENIED)
        .at_most(
            "likely",
            "certificate-expired",
            "a certificate for other servers may lie beside the default key",
        ),
        row("cert-expired-named", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            certificate_apart(world)?;
            world.config("CertificateFile ~/c-cert.pub")
        })
        .ssh_fails(DENIED)
        .proven("certificate-expired"),
        row("cert-expired-beside-another-key", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("certificate-expired"),
        row("cert-expired-plain-good", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            authorized(world, &["id_ed25519"])
        })
        .remark("authorized-keys")
        .healthy_fixture(),
        row("cert-expired-plain-encrypted", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            authorized(world, &["id_ed25519"])?;
            world.sh("ssh-keygen -q -p -N secret -f /home/a/.ssh/id_ed25519").map(drop)
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed"),
        row("cert-expired-and-another-key-good", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])
        })
        .remark("authorized-keys"),
        row("cert-expired-one-and-good-one", |world| {
            certified(world, "-n deploy -V 20200101:20200102")?;
            world.sh("cp /home/a/.ssh/id_ed25519-cert.pub /home/a/old-cert.pub")?;
            sign(world, "-n deploy")?;
            world.config("CertificateFile ~/old-cert.pub\nCertificateFile ~/.ssh/id_ed25519-cert.pub")
        })
        .remark("authorized-keys"),
    ]
}

fn refused() -> Vec<Row> {
    vec![
        row("cert-other-principal", |world| certified(world, "-n root"))
            .ssh_fails(DENIED)
            .log("name is not a listed principal")
            .proven("no-key-accepted")
            .member("certificate-principal-mismatch"),
        row("cert-no-principals", |world| certified(world, ""))
            .ssh_fails(DENIED)
            .log("Certificate lacks principal list")
            .proven("no-key-accepted")
            .member("certificate-principal-mismatch"),
        row("cert-principals-mapped-elsewhere", |world| {
            world.file("/etc/ssh/principals/deploy", "ops\n", 0o644)?;
            world.sh("chmod 755 /etc/ssh/principals")?;
            certified_by(
                world,
                "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u",
                "-n deploy",
            )
        })
        .ssh_fails(DENIED)
        .log("Certificate does not contain an authorized principal")
        .proven("no-key-accepted")
        .member("certificate-principal-mismatch"),
        row("authorized-principals", |world| {
            certified_by(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile none", "")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("certificate-principal-mismatch"),
        row("cert-of-untrusted-ca", |world| {
            world.key("/etc/ssh/other", &[])?;
            certified_by(world, "TrustedUserCAKeys /etc/ssh/other.pub", "-n deploy")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("certificate-not-trusted"),
        row("cert-where-no-ca-is-trusted", |world| certified_by(world, "", "-n deploy"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .member("certificate-not-trusted"),
        row("cert-ca-signs-with-sha1", |world| {
            world.key("/etc/ssh/ca", &["-t", "rsa", "-b", "2048"])?;
            certified(world, "-t ssh-rsa -n deploy")
        })
        .ssh_fails(DENIED)
        .log("certificate signature algorithm ssh-rsa")
        .proven("no-key-accepted")
        .member("certificate-not-trusted"),
        row("cert-ca-revoked", |world| {
            certified_by(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nRevokedKeys /etc/ssh/ca.pub", "-n deploy")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("certificate-not-trusted"),
        row("cert-source-address", |world| certified(world, "-n deploy -O source-address=198.51.100.0/24"))
            .ssh_fails(DENIED)
            .log("not from a permitted source address")
            .proven("no-key-accepted")
            .member("server-key-options-refuse"),
        row("cert-unknown-critical-option", |world| certified(world, "-n deploy -O critical:only@example.org=mondays"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .member("server-key-options-refuse"),
        row("cert-for-hosts", |world| certified(world, "-h -n deploy")).ssh_fails(DENIED).proven("no-key-accepted"),
        row("cert-truncated", |world| {
            certified(world, "-n deploy")?;
            world
                .sh("cd /home/a/.ssh; cut -c1-300 id_ed25519-cert.pub > half; cat half > id_ed25519-cert.pub; rm half")
                .map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
    ]
}

fn used() -> Vec<Row> {
    vec![
        row("cert-named-key-in-agent-identities-only", |world| {
            certified(world, "-n deploy")?;
            certificate_apart(world)?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config("CertificateFile ~/c-cert.pub\nIdentitiesOnly yes")
        })
        .ssh_fails("")
        .proven("identities-only-hides-key"),
        row("cert-named-of-another-key", |world| {
            certified(world, "-n deploy")?;
            certificate_apart(world)?;
            other_key(world)?;
            world.config("CertificateFile ~/c-cert.pub")
        })
        .ssh_fails("")
        .proven("key-pair-mismatch"),
        row("cert-named-of-another-key-plain-good", |world| {
            certified(world, "-n deploy")?;
            certificate_apart(world)?;
            other_key(world)?;
            authorized(world, &["id_ed25519"])?;
            world.config("CertificateFile ~/c-cert.pub")
        }),
        row("cert-of-another-key", |world| {
            certified(world, "-n deploy")?;
            other_key(world)
        })
        .ssh_fails("")
        .proven("key-pair-mismatch"),
        row("cert-of-another-key-plain-good", |world| {
            certified(world, "-n deploy")?;
            other_key(world)?;
            authorized(world, &["id_ed25519"])
        }),
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
    ]
}

fn healthy() -> Vec<Row> {
    vec![
        row("cert-in-agent", |world| {
            certified(world, "-n deploy")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])?;
            world.sh("rm /home/a/.ssh/id_ed25519*").map(drop)
        }),
        row("cert-named-key-in-agent", |world| {
            certified(world, "-n deploy")?;
            certificate_apart(world)?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config("CertificateFile ~/c-cert.pub")
        }),
        row("cert-force-command", |world| certified(world, "-n deploy -O force-command=true")).at_most(
            "likely",
            "access-works",
            "the bound command is not run to see what it does",
        ),
        row("cert-force-command-for-a-shell", |world| certified(world, "-n deploy -O force-command=true"))
            .shell()
            .proven("forced-command")
            .incident(),
        row("cert-source-address-fits", |world| {
            certified(world, "-n deploy -O source-address=198.51.100.0/24,192.0.2.0/24")
        }),
        row("cert-principals-mapped", |world| {
            world.file("/etc/ssh/principals/deploy", "ops\n", 0o644)?;
            world.sh("chmod 755 /etc/ssh/principals")?;
            certified_by(
                world,
                "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u",
                "-n ops",
            )
        }),
        row("cert-authority-line", |world| {
            certified_by(world, "", "-n deploy")?;
            world.authorize_with("cert-authority ", "/etc/ssh/ca.pub")
        }),
        row("cert-for-hosts-plain-good", |world| {
            certified(world, "-h -n deploy")?;
            authorized(world, &["id_ed25519"])
        })
        .remark("identities"),
    ]
}
