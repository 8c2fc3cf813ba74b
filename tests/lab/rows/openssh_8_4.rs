//! Rows of OpenSSH 8.4 (Debian 11): as a server that the machine's own ssh meets, and as the client's ssh.

use super::common::{DENIED, authorized, encrypted, keys, open_key};
use crate::row::{Row, row};
use crate::world::World;

/// The version.
const OLD: &str = "8.4";

/// Rows of OpenSSH 8.4.
pub(crate) fn rows() -> Vec<Row> {
    [servers(), server_algorithms(), clients(), client_files()].concat()
}

/// An 8.4 server that lets the default key in.
fn good(world: &World, lines: &str) -> anyhow::Result<()> {
    world.server_of(OLD, lines)?;
    world.login_key()
}

/// The machine's own server, met by an 8.4 client.
fn met_by_old(world: &World, lines: &str) -> anyhow::Result<()> {
    world.client_of(OLD)?;
    world.server(lines)
}

fn servers() -> Vec<Row> {
    vec![
        row("server-8.4-works", |world| good(world, "")),
        row("server-8.4-key-not-authorised", |world| {
            world.server_of(OLD, "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .mended_by("install -d -o deploy -m 700 /home/deploy/.ssh; install -o deploy /home/a/.ssh/id_ed25519.pub /home/deploy/.ssh/authorized_keys"),
        row("server-8.4-seven-keys-in-the-agent", |world| {
            world.server_of(OLD, "")?;
            let keys: Vec<String> = (1..=7).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.authorize("/home/a/.ssh/key7.pub")?;
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("server-8.4-key-others-can-read", |world| {
            world.server_of(OLD, "")?;
            open_key(world)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .proven("key-file-permissions")
        .mended_by("chmod 600 /home/a/.ssh/id_ed25519")
        .printed(),
        row("server-8.4-takes-no-keys", |world| good(world, "PubkeyAuthentication no\nPasswordAuthentication yes"))
            .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
            .ssh_fails("Permission denied (password)")
            .proven("server-pubkey-disabled"),
        row("server-8.4-a-password-after-the-key", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password")
        })
        .ssh_fails("Permission denied (password)").with_a_terminal("password:", &["password"])
        .proven("second-factor-required"),
        row("server-8.4-root-login-disabled", |world| {
            world.server_of(OLD, "PermitRootLogin no")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            let key = crate::world::read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", key, 0o600)
        })
        .line(&["root@web1.example.org"])
        .ssh_fails(DENIED)
        .log("ROOT LOGIN REFUSED")
        .proven("signature-rejected"),
        row("server-8.4-account-expired", |world| {
            good(world, "")?;
            world.sh("sed -i 's/^deploy:.*/deploy:*:19000:0:99999:7::1:/' /etc/shadow").map(drop)
        })
        .ssh_fails("Connection closed by")
        .log("by PAM account configuration")
        .proven("signature-rejected"),
        row("server-8.4-source-elsewhere-then-good", |world| {
            // Its DEBUG messages say why the first key was refused, once the second has let in.
            world.server_of(OLD, "")?;
            keys(world, &["one", "two"])?;
            world.authorize_with("from=\"198.51.100.0/24\" ", "/home/a/.ssh/one.pub")?;
            authorized(world, &["two"])
        }),
    ]
}

fn server_algorithms() -> Vec<Row> {
    vec![
        row("server-8.4-sha1-host-key", |world| {
            world.host_key("rsa")?;
            world.known("web1.example.org", "rsa")?;
            world.sshd_of(OLD, "HostKeyAlgorithms ssh-rsa")?;
            world.login_key()
        })
        .ssh_fails("no matching host key type found. Their offer: ssh-rsa")
        .proven("no-common-host-key-algorithm")
        .mended_by("echo 'HostKeyAlgorithms +ssh-rsa' >>/home/a/.ssh/config; chown 1000 /home/a/.ssh/config"),
        row("server-8.4-sha1-signatures-only", |world| {
            // Its list of signature algorithms is not narrowed by the setting, so ssh signs with SHA-2 and is refused.
            world.server_of(OLD, "PubkeyAcceptedKeyTypes ssh-rsa")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])
        })
        .ssh_fails(DENIED)
        .log("not in PubkeyAcceptedKeyTypes")
        .proven("no-key-accepted")
        .mended_by("echo 'PubkeyAcceptedAlgorithms ssh-rsa' >>/home/a/.ssh/config; chown 1000 /home/a/.ssh/config"),
        row("server-8.4-works-with-an-rsa-key", |world| {
            world.server_of(OLD, "")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])
        }),
        row("server-8.4-old-kex", |world| good(world, "KexAlgorithms diffie-hellman-group14-sha1"))
            .ssh_fails("no matching key exchange method found. Their offer: diffie-hellman-group14-sha1")
            .proven("no-common-kex"),
        row("server-8.4-host-key-is-another", |world| {
            super::common::changed(world)?;
            world.sshd_of(OLD, "")?;
            world.login_key()
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
    ]
}

fn clients() -> Vec<Row> {
    vec![
        row("client-8.4-works", |world| {
            met_by_old(world, "")?;
            world.login_key()
        }),
        row("client-8.4-works-with-an-agent-of-its-own", |world| {
            met_by_old(world, "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize("/home/a/.ssh/id_ed25519.pub")?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])
        }),
        row("client-8.4-works-with-an-rsa-key", |world| {
            met_by_old(world, "")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])
        }),
        row("client-8.4-key-not-authorised", |world| {
            met_by_old(world, "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("client-8.4-option-of-8.5", |world| {
            met_by_old(world, "")?;
            world.login_key()?;
            world.config("Host *\n    PubkeyAcceptedAlgorithms +ssh-rsa")
        })
        .ssh_fails("Bad configuration option: pubkeyacceptedalgorithms")
        .proven("client-config-error")
        .mended_by("rm /home/a/.ssh/config"),
        row("client-8.4-post-quantum-only", |world| {
            world.client_of(OLD)?;
            world.server_of("10.0", "KexAlgorithms mlkem768x25519-sha256,sntrup761x25519-sha512")?;
            world.login_key()
        })
        .ssh_fails("no matching key exchange method found. Their offer: mlkem768x25519-sha256")
        .proven("no-common-kex"),
        row("client-8.4-meets-10.0", |world| {
            world.client_of(OLD)?;
            world.server_of("10.0", "")?;
            world.login_key()
        }),
        row("client-8.4-new-host-key-and-nobody-to-ask", |world| {
            world.client_of(OLD)?;
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .ssh_fails("Host key verification failed")
        .with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown"),
    ]
}

fn client_files() -> Vec<Row> {
    vec![
        row("client-8.4-key-others-can-read", |world| {
            met_by_old(world, "")?;
            open_key(world)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .proven("key-file-permissions"),
        row("client-8.4-passphrase-at-a-terminal", |world| {
            met_by_old(world, "")?;
            encrypted(world)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key '/home/a/.ssh/id_ed25519':")
        .without("key-passphrase-needed")
        .needs(&["passphrase"]),
        row("client-8.4-passphrase-without-a-terminal", |world| {
            met_by_old(world, "")?;
            encrypted(world)
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed")
        .with_a_terminal("Enter passphrase for key", &["passphrase"]),
        row("client-8.4-seven-keys-in-the-agent", |world| {
            met_by_old(world, "")?;
            let keys: Vec<String> = (1..=7).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.authorize("/home/a/.ssh/key7.pub")?;
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("client-8.4-dsa-key", |world| {
            met_by_old(world, "")?;
            world.key("/home/a/.ssh/id_dsa", &["-t", "dsa"])?;
            authorized(world, &["id_dsa"])
        })
        .ssh_fails(DENIED)
        .proven("no-mutual-signature-algorithm"),
    ]
}
