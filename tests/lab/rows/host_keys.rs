//! Rows of host keys that are known in several ways.

use super::common::{DENIED, changed, good};
use crate::row::{Row, row};
use crate::world::read;

/// Rows of host keys that are known in several ways.
pub(crate) fn rows() -> Vec<Row> {
    [more_hosts_1(), more_hosts_2(), more_hosts_3()].concat()
}

fn more_hosts_1() -> Vec<Row> {
    vec![
        row("old-key-revoked-new-known", |world| {
            good(world, "")?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/old; printf '@revoked * ' >>/home/a/.ssh/known_hosts; cat /srv/old.pub >>/home/a/.ssh/known_hosts").map(drop)
        }),
        row("known-hosts-closed", |world| {
            good(world, "")?;
            world.sh("chmod 000 /home/a/.ssh/known_hosts").map(drop)
        })
        .ssh_fails("Host key verification failed").with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown"),
        row("known-hosts-folder", |world| {
            good(world, "")?;
            world.sh("rm /home/a/.ssh/known_hosts; mkdir /home/a/.ssh/known_hosts").map(drop)
        })
        .ssh_fails("Host key verification failed").with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown"),
        row("check-host-ip-ask", |world| {
            good(world, "")?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/old; printf '192.0.2.7 ' >>/home/a/.ssh/known_hosts; cat /srv/old.pub >>/home/a/.ssh/known_hosts").map(drop)
        })
        .line(&["-oCheckHostIP=yes", "deploy@web1.example.org"])
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed"),
        row("check-host-ip-accept-new", |world| {
            good(world, "")?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/old; printf '192.0.2.7 ' >>/home/a/.ssh/known_hosts; cat /srv/old.pub >>/home/a/.ssh/known_hosts").map(drop)
        })
        .line(&["-oCheckHostIP=yes", "-oStrictHostKeyChecking=accept-new", "deploy@web1.example.org"])
        .ssh_fails("")
        .proven("host-key-changed"),
        row("check-host-ip-no", |world| {
            good(world, "")?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/old; printf '192.0.2.7 ' >>/home/a/.ssh/known_hosts; cat /srv/old.pub >>/home/a/.ssh/known_hosts").map(drop)
        })
        .line(&["-oCheckHostIP=yes", "-oStrictHostKeyChecking=no", "deploy@web1.example.org"]),
        row("revoked-file-missing", |world| good(world, ""))
            .line(&["-oRevokedHostKeys=/nowhere", "deploy@web1.example.org"])
            .ssh_fails("Host key verification failed")
            .proven("revoked-host-keys-unreadable"),
        row("alias-with-port", |world| {
            world.host_key("ed25519")?;
            world.known("other", "ed25519")?;
            world.sshd("Port 2222")?;
            world.login_key()
        })
        .line(&["-oHostKeyAlias=other", "-p2222", "deploy@web1.example.org"]),
        row("decimal-address", |world| {
            good(world, "")?;
            world.known("192.0.2.7", "ed25519")
        })
        .line(&["deploy@3221225991"]),
    ]
}

fn more_hosts_2() -> Vec<Row> {
    vec![
        row("at-in-user", |world| good(world, ""))
            .line(&["deploy@x@web1.example.org"])
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .member("wrong-user"),
        row("scope", |world| {
            world.host_key("ed25519")?;
            world.sh("ip -6 addr add fe80::7/64 dev lo nodad scope link; sleep 1")?;
            world.known("fe80::7%lo", "ed25519")?;
            world.sshd("ListenAddress ::")?;
            world.login_key()
        })
        .line(&["deploy@fe80::7%lo"]),
        row("changed-type-only", |world| {
            world.host_key("ecdsa")?;
            world.known("web1.example.org", "ecdsa")?;
            world.sh("rm /etc/ssh/ssh_host_*")?;
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed"),
        row("ca-and-plain-server-without-cert", |world| {
            good(world, "")?;
            world.key("/etc/ssh/ca", &[])?;
            let ca = read("/etc/ssh/ca.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@cert-authority *.example.org {}", ca.trim_end()))
        }),
        row("ca-only-server-without-cert", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()?;
            world.key("/etc/ssh/ca", &[])?;
            let ca = read("/etc/ssh/ca.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@cert-authority *.example.org {}", ca.trim_end()))
        })
        .ssh_fails("Host key verification failed")
        .with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown"),
        row("ca-revoked", |world| {
            world.host_key("ed25519")?;
            world.key("/etc/ssh/ca", &[])?;
            let ca = read("/etc/ssh/ca.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@cert-authority *.example.org {}", ca.trim_end()))?;
            world.append("/home/a/.ssh/known_hosts", &format!("@revoked *.example.org {}", ca.trim_end()))?;
            world
                .sh("ssh-keygen -q -s /etc/ssh/ca -I web1 -h -n web1.example.org /etc/ssh/ssh_host_ed25519_key.pub")?;
            world.sshd("HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub")?;
            world.login_key()
        })
        .ssh_fails("REVOKED")
        .proven("host-key-revoked"),
        row("host-rsa-small", |world| {
            world.host_key("rsa")?;
            world.known("web1.example.org", "rsa")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&["-oRequiredRSASize=8192", "deploy@web1.example.org"])
        .ssh_fails("")
        .proven("rsa-key-too-small"),
        row("strict-off-revoked", |world| {
            good(world, "")?;
            let key = read("/etc/ssh/ssh_host_ed25519_key.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@revoked * {key}"))
        })
        .line(&["-oStrictHostKeyChecking=off", "deploy@web1.example.org"]),
        row("strict-no-revoked-second-factor-tty", |world| {
            changed(world)?;
            world.sshd("PasswordAuthentication yes\nAuthenticationMethods publickey,password")?;
            world.login_key()
        })
        .line(&["-oStrictHostKeyChecking=no", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails("Permission denied (password)")
        .proven("host-key-changed"),
    ]
}

fn more_hosts_3() -> Vec<Row> {
    vec![
        row("strict-no-changed-refused-tty", |world| {
            changed(world)?;
            world.sshd("PasswordAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["-oStrictHostKeyChecking=no", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails("Permission denied (publickey,password)")
        .proven("no-key-accepted"),
        row("two-names-first-changed", |world| {
            world.host_key("ed25519")?;
            world.host_key("rsa")?;
            world.known("web1.example.org", "rsa")?;
            world.sh("rm /etc/ssh/ssh_host_rsa*")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&["-oStrictHostKeyChecking=accept-new", "deploy@web1.example.org"])
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed"),
    ]
}
