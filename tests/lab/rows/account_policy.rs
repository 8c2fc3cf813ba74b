//! Rows of the server's side: sshd's configuration.

use super::common::{DENIED, good};
use crate::row::{Row, Ssh, on_server};
use crate::world::World;

/// Rows of the configuration.
pub(crate) fn rows() -> Vec<Row> {
    [invalid(), not_reloaded(), overridden(), methods(), host_keys(), chroots()].concat()
}

/// Changes sshd's configuration a second after sshd read it.
fn later(world: &World, script: &str) -> anyhow::Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(2100));
    world.sh(script).map(drop)
}

fn invalid() -> Vec<Row> {
    vec![
        on_server("server-config-invalid", |world| {
            good(world, "")?;
            world
                .sh("kill $(cat /run/sshd.pid); sleep 0.2; echo 'PermitRootLogin maybe' >>/etc/ssh/sshd_config")
                .map(drop)
        })
        .ssh_fails("Connection refused")
        .proven("server-config-invalid")
        .fixture()
        .mended_by("sed -i '/maybe/d' /etc/ssh/sshd_config; /usr/sbin/sshd -f /etc/ssh/sshd_config"),
        on_server("server-config-invalid-in-drop-in", |world| {
            world.file("/etc/ssh/sshd_config.d/10-site.conf", "", 0o644)?;
            good(world, "Include /etc/ssh/sshd_config.d/*.conf")?;
            let broken = "echo 'AllowUser deploy' >/etc/ssh/sshd_config.d/10-site.conf";
            world.sh(&format!("kill $(cat /run/sshd.pid); sleep 0.2; {broken}")).map(drop)
        })
        .ssh_fails("Connection refused")
        .proven("server-config-invalid")
        .mended_by("rm /etc/ssh/sshd_config.d/10-site.conf; /usr/sbin/sshd -f /etc/ssh/sshd_config"),
    ]
}

fn not_reloaded() -> Vec<Row> {
    vec![
        on_server("server-config-not-reloaded", |world| {
            good(world, "AllowUsers admin")?;
            later(world, "sed -i 's/AllowUsers admin/AllowUsers admin deploy/' /etc/ssh/sshd_config")
        })
        .ssh_fails(DENIED)
        .log("not listed in AllowUsers")
        .at_most("likely", "server-config-not-reloaded", "what sshd read before the change is seen nowhere")
        .fixture()
        .mended_by("")
        .printed(),
        on_server("server-config-not-reloaded-drop-in", |world| {
            world.file("/etc/ssh/sshd_config.d/10-site.conf", "PubkeyAuthentication no\n", 0o644)?;
            good(world, "Include /etc/ssh/sshd_config.d/*.conf")?;
            later(world, "echo 'PubkeyAuthentication yes' >/etc/ssh/sshd_config.d/10-site.conf")
        })
        .ssh_fails("Permission denied")
        .log("deploy")
        .at_most("likely", "server-config-not-reloaded", "what sshd read before the change is seen nowhere")
        .mended_by("")
        .printed(),
        on_server("server-config-reloaded", |world| {
            good(world, "AllowUsers admin")?;
            later(
                world,
                "sed -i 's/AllowUsers admin/AllowUsers admin deploy/' /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid); sleep 0.5",
            )
        }),
    ]
}

/// A line of the configuration that another one has overridden.
fn won(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).proven("server-config-override").mended_by("").printed()
}

fn overridden() -> Vec<Row> {
    vec![
        won("server-config-override", |world| {
            world.file("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PubkeyAuthentication no\n", 0o644)?;
            good(world, "Include /etc/ssh/sshd_config.d/*.conf\nPubkeyAuthentication yes")
        })
        .ssh_fails("Permission denied")
        .fixture(),
        won("server-config-override-earlier-line", |world| {
            good(world, "PubkeyAuthentication no\nPubkeyAuthentication yes")
        })
        .ssh_fails("Permission denied"),
        won("server-config-override-root", |world| {
            world.file("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PermitRootLogin no\n", 0o644)?;
            good(world, "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin prohibit-password")?;
            let line = crate::world::read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", line, 0o600)
        })
        .line(&["root@web1.example.org"])
        .about("root")
        .ssh_fails(DENIED)
        .log("ROOT LOGIN REFUSED"),
        won("server-config-override-methods", |world| {
            good(
                world,
                "PasswordAuthentication yes\nAuthenticationMethods publickey,password\nAuthenticationMethods publickey",
            )
        })
        .ssh_fails("Permission denied"),
        on_server("server-config-override-harmless", |world| {
            good(world, "PubkeyAuthentication yes\nPubkeyAuthentication no")
        }),
        on_server("server-pubkey-disabled", |world| good(world, "PubkeyAuthentication no\nPasswordAuthentication yes"))
            .ssh_fails("Permission denied")
            .proven("server-pubkey-disabled")
            .mended_by("")
            .printed(),
        on_server("server-pubkey-disabled-by-match", |world| {
            good(world, "PasswordAuthentication yes\nMatch User deploy\nPubkeyAuthentication no")
        })
        .ssh_fails("Permission denied")
        .proven("server-pubkey-disabled")
        .mended_by("")
        .printed(),
    ]
}

fn methods() -> Vec<Row> {
    vec![
        on_server("server-auth-methods", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password")
        })
        .ssh_fails("Permission denied (password)")
        .log("Partial publickey for deploy")
        .proven("server-auth-methods")
        .fixture()
        .mended_by("")
        .printed(),
        on_server("server-auth-methods-password-first", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods password,publickey")
        })
        .ssh_fails("Permission denied (password)")
        .proven("server-auth-methods")
        .mended_by("")
        .printed(),
        on_server("server-auth-methods-by-match", |world| {
            good(world, "PasswordAuthentication yes\nMatch Group deploy\nAuthenticationMethods publickey,password")
        })
        .ssh_fails("Permission denied (password)")
        .proven("server-auth-methods")
        .mended_by("")
        .printed(),
        on_server("server-auth-methods-or-key", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password publickey")
        }),
    ]
}

fn host_keys() -> Vec<Row> {
    vec![
        on_server("server-host-key-unusable", |world| {
            world.host_key("rsa")?;
            world.sh("chmod 644 /etc/ssh/ssh_host_rsa_key")?;
            good(world, "")
        })
        .proven("server-host-key-unusable")
        .fixture()
        .mended_by("")
        .printed(),
        on_server("server-host-key-malformed", |world| {
            world.host_key("rsa")?;
            world.sh("sed -i 3d /etc/ssh/ssh_host_rsa_key; rm /etc/ssh/ssh_host_rsa_key.pub")?;
            good(world, "")
        })
        .proven("server-host-key-unusable"),
        on_server("server-host-key-missing", |world| {
            world.host_key("ed25519")?;
            good(world, "HostKey /etc/ssh/ssh_host_ed25519_key\nHostKey /etc/ssh/ssh_host_rsa_key")
        })
        .proven("server-host-key-unusable"),
        on_server("server-host-key-of-another-owner", |world| {
            world.host_key("ed25519")?;
            world.sh("chown 1000 /etc/ssh/ssh_host_ed25519_key")?;
            good(world, "")
        }),
    ]
}

fn chroots() -> Vec<Row> {
    vec![
        on_server("server-chroot-ownership", |world| {
            world.sh("install -d -o deploy -m 755 /srv/jail")?;
            good(world, "ChrootDirectory /srv/jail\nForceCommand internal-sftp")
        })
        .ssh_ends(255, "")
        .log("bad ownership or modes for chroot directory")
        .proven("server-chroot-ownership")
        .fixture()
        .mended_by("")
        .then(Ssh::Ends(1, "This service allows sftp connections only"))
        .printed(),
        on_server("server-chroot-writable-above", |world| {
            world.sh("install -d -m 777 /srv/jails; install -d -m 755 /srv/jails/deploy")?;
            good(world, "ChrootDirectory /srv/jails/%u\nForceCommand internal-sftp")
        })
        .ssh_ends(255, "")
        .log("bad ownership or modes for chroot directory component \"/srv/jails/\"")
        .proven("server-chroot-ownership")
        .mended_by("")
        .then(Ssh::Ends(1, "This service allows sftp connections only"))
        .printed(),
        on_server("server-chroot-right", |world| {
            world.sh("install -d -m 755 /srv/jail")?;
            good(world, "ChrootDirectory /srv/jail\nForceCommand internal-sftp")
        })
        .ssh_ends(1, "This service allows sftp connections only"),
    ]
}
