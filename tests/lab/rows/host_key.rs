//! Rows that end at the server's host key.

use crate::row::{Row, row};
use crate::world::{World, keygen};

/// A server that shows a host certificate, signed by a CA, with these options of ssh-keygen.
fn certified(world: &World, options: &[&str]) -> anyhow::Result<()> {
    world.host_key("ed25519")?;
    world.key("/etc/ssh/ca", &[])?;
    let ca = crate::world::read("/etc/ssh/ca.pub")?;
    world.append("/home/a/.ssh/known_hosts", &format!("@cert-authority *.example.org {}", ca.trim_end()))?;
    let mut sign = vec!["-q", "-s", "/etc/ssh/ca", "-I", "web1", "-h"];
    sign.extend(options);
    sign.push("/etc/ssh/ssh_host_ed25519_key.pub");
    keygen(&sign)?;
    world.sshd("HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub")?;
    world.login_key()
}

/// Rows of the host key.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = plain();
    rows.extend(certificates());
    rows
}

fn plain() -> Vec<Row> {
    vec![
        row("host-key-is-another", |world| {
            world.server("")?;
            world.login_key()?;
            world.sh("rm /home/a/.ssh/known_hosts; ssh-keygen -q -t ed25519 -N '' -f /srv/old").map(drop)?;
            let old = crate::world::read("/srv/old.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("web1.example.org {old}"))
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed")
        .mended_by("(printf 'web1.example.org '; cat /etc/ssh/ssh_host_ed25519_key.pub) >/home/a/.ssh/known_hosts")
        .fixture(),
        row("host-key-of-another-type", |world| {
            world.host_key("ecdsa")?;
            world.known("web1.example.org", "ecdsa")?;
            world.sh("rm /etc/ssh/ssh_host_ecdsa_key*")?;
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        row("host-key-new-and-nobody-to-ask", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .ssh_fails("Host key verification failed").with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown")
        .mended_by("(printf 'web1.example.org '; cat /etc/ssh/ssh_host_ed25519_key.pub) >/home/a/.ssh/known_hosts; chown 1000 /home/a/.ssh/known_hosts")
        .fixture(),
        row("host-key-new-and-strict-at-a-terminal", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()?;
            world.config("StrictHostKeyChecking yes")
        })
        .at_a_terminal()
        .ssh_fails("you have requested strict checking")
        .proven("host-key-unknown"),
        row("host-key-known-for-another-port", |world| {
            world.host_key("ed25519")?;
            world.known("[web1.example.org]:2222", "ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .ssh_fails("Host key verification failed").with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown"),
        row("host-key-revoked", |world| {
            world.server("")?;
            world.login_key()?;
            world.known("@revoked *", "ed25519")
        })
        .ssh_fails("REVOKED HOST KEY DETECTED")
        .proven("host-key-revoked")
        .mended_by("sed -i /revoked/d /home/a/.ssh/known_hosts")
        .fixture(),
        row("host-key-in-a-revocation-file", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("RevokedHostKeys /home/a/.ssh/revoked")?;
            let key = crate::world::read("/etc/ssh/ssh_host_ed25519_key.pub")?;
            world.file("/home/a/.ssh/revoked", key, 0o644)
        })
        .ssh_fails("revoked by file /home/a/.ssh/revoked")
        .proven("host-key-revoked"),
        row("revocation-file-that-is-not-there", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("RevokedHostKeys /etc/ssh/revoked_hosts")
        })
        .ssh_fails("Host key verification failed")
        .proven("revoked-host-keys-unreadable")
        .mended_by("touch /etc/ssh/revoked_hosts")
        .fixture(),
        row("revocation-file-whose-tilde-this-ssh-does-not-expand", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("RevokedHostKeys ~/.ssh/revoked")?;
            world.file("/home/a/.ssh/revoked", "", 0o644)
        })
        .ssh_fails("Host key verification failed")
        .proven("revoked-host-keys-unreadable")
        .mended_by("sed -i 's#~/#/home/a/#' /home/a/.ssh/config"),
        row("revocation-file-only-root-can-read", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("RevokedHostKeys /etc/ssh/revoked_hosts")?;
            world.file("/etc/ssh/revoked_hosts", "", 0o600)
        })
        .ssh_fails("Host key verification failed")
        .proven("revoked-host-keys-unreadable")
        .mended_by("chmod 644 /etc/ssh/revoked_hosts"),
    ]
}

fn certificates() -> Vec<Row> {
    vec![
        row("host-certificate-expired", |world| {
            certified(world, &["-n", "web1.example.org", "-V", "20200101:20210101"])
        })
        .ssh_fails("Certificate invalid: expired")
        .proven("host-certificate-invalid")
        .mended_by("ssh-keygen -q -s /etc/ssh/ca -I web1 -h -n web1.example.org /etc/ssh/ssh_host_ed25519_key.pub; kill -HUP $(cat /run/sshd.pid); until [ $(grep -c listening /var/log/sshd) -ge 4 ]; do sleep 0.02; done")
        .fixture(),
        row("host-certificate-for-another-name", |world| certified(world, &["-n", "db1.example.org"]))
            .ssh_fails("Certificate invalid: name is not a listed principal")
            .proven("host-certificate-invalid"),
        row("host-certificate-of-another-authority", |world| {
            certified(world, &["-n", "web1.example.org"])?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/other")?;
            let other = crate::world::read("/srv/other.pub")?;
            let line = format!("@cert-authority *.example.org {}", other.trim_end());
            world.file("/home/a/.ssh/known_hosts", line + "\n", 0o600)
        })
        .ssh_fails("Host key verification failed")
        .proven("host-certificate-invalid"),
    ]
}
