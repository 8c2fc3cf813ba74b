//! Rows of known_hosts and the options beside it.

use super::common::good;
use crate::row::{Row, row};
use crate::world::read;

/// Rows of known_hosts and the options beside it.
pub(crate) fn rows() -> Vec<Row> {
    [hosts_1(), hosts_2()].concat()
}

fn hosts_1() -> Vec<Row> {
    vec![
        row("known-hosts-command", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()?;
            let key = read("/etc/ssh/ssh_host_ed25519_key.pub")?;
            world.file("/srv/kh", format!("#!/bin/sh\necho web1.example.org {key}"), 0o755)
        })
        .line(&["-oKnownHostsCommand=/srv/kh", "deploy@web1.example.org"]),
        row("known-hosts-command-fails", |world| good(world, ""))
            .line(&["-oKnownHostsCommand=/bin/false", "deploy@web1.example.org"])
            .ssh_fails("KnownHostsCommand failed")
            .proven("client-config-error"),
        row("verify-dns", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&["-oVerifyHostKeyDNS=yes", "deploy@web1.example.org"])
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown"),
        row("host-key-alias", |world| {
            world.host_key("ed25519")?;
            world.known("other", "ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&["-oHostKeyAlias=other", "deploy@web1.example.org"]),
        row("revoked-among-hashed", |world| {
            good(world, "")?;
            let key = read("/etc/ssh/ssh_host_ed25519_key.pub")?;
            world.sh("ssh-keygen -q -H -f /home/a/.ssh/known_hosts 2>/dev/null; rm -f /home/a/.ssh/known_hosts.old; chown a /home/a/.ssh/known_hosts")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@revoked * {key}"))
        })
        .ssh_fails("REVOKED")
        .proven("host-key-revoked"),
        row("old-key-in-global-new-in-user", |world| {
            good(world, "")?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/old; printf 'web1.example.org ' >/etc/ssh/ssh_known_hosts; cat /srv/old.pub >>/etc/ssh/ssh_known_hosts; chmod 644 /etc/ssh/ssh_known_hosts").map(drop)
        }),
        row("narrow-host-key-algorithms", |world| {
            world.host_key("rsa")?;
            good(world, "")
        })
        .line(&["-oHostKeyAlgorithms=rsa-sha2-512", "deploy@web1.example.org"])
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed"),
        row("strict-no-changed-key", |world| {
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ed25519")?;
            world.sh("rm /etc/ssh/ssh_host_*")?;
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&["-oStrictHostKeyChecking=no", "deploy@web1.example.org"]),
        row("strict-no-changed-key-password", |world| {
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ed25519")?;
            world.sh("rm /etc/ssh/ssh_host_*")?;
            world.host_key("ed25519")?;
            world.sshd("PasswordAuthentication yes")
        })
        .line(&["-oStrictHostKeyChecking=no", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails("Permission denied (publickey,password)")
        .proven("host-key-changed"),
    ]
}

fn hosts_2() -> Vec<Row> {
    vec![
        row("strict-no-changed-key-kbd", |world| {
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ed25519")?;
            world.sh("rm /etc/ssh/ssh_host_*")?;
            world.host_key("ed25519")?;
            world.sshd("KbdInteractiveAuthentication yes\nPubkeyAuthentication no")
        })
        .line(&["-oStrictHostKeyChecking=no", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails("Permission denied (keyboard-interactive)")
        .proven("host-key-changed"),
        row("host-cert-ca-algorithms", |world| {
            world.host_key("ed25519")?;
            world.key("/etc/ssh/ca", &[])?;
            let ca = read("/etc/ssh/ca.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@cert-authority *.example.org {}", ca.trim_end()))?;
            world
                .sh("ssh-keygen -q -s /etc/ssh/ca -I web1 -h -n web1.example.org /etc/ssh/ssh_host_ed25519_key.pub")?;
            world.sshd("HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub")?;
            world.login_key()
        })
        .line(&["-oCASignatureAlgorithms=rsa-sha2-512", "deploy@web1.example.org"])
        .ssh_fails("Host key verification failed")
        .proven("host-certificate-invalid"),
        row("host-cert-expired-plain-known", |world| {
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ed25519")?;
            world.key("/etc/ssh/ca", &[])?;
            let ca = read("/etc/ssh/ca.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@cert-authority *.example.org {}", ca.trim_end()))?;
            world.sh("ssh-keygen -q -s /etc/ssh/ca -I web1 -h -n web1.example.org -V 20200101:20200102 /etc/ssh/ssh_host_ed25519_key.pub")?;
            world.sshd("HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub")?;
            world.login_key()
        }),
        row("known-hosts-none", |world| good(world, ""))
            .line(&["-oUserKnownHostsFile=none", "-oStrictHostKeyChecking=no", "deploy@web1.example.org"])
            .ssh_fails("Host key verification failed")
            .proven("host-key-unknown"),
        row("bare-name-other-port", |world| {
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ed25519")?;
            world.sshd("Port 2222")?;
            world.login_key()
        })
        .line(&["-p", "2222", "deploy@web1.example.org"])
        .proven("access-works"),
        row("upper-case-and-dot", |world| {
            good(world, "")?;
            world.append("/etc/hosts", "192.0.2.7 web1.example.org.")
        })
        .line(&["deploy@WEB1.Example.org"]),
        row("ca-host-key-rsa-sha1", |world| {
            world.host_key("rsa")?;
            world.known("web1.example.org", "rsa")?;
            world.sshd("HostKeyAlgorithms ssh-rsa")?;
            world.login_key()
        })
        .line(&["-oHostKeyAlgorithms=+ssh-rsa", "deploy@web1.example.org"]),
    ]
}
