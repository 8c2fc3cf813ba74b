//! Rows of key files with more than one thing odd about them.

use super::common::{DENIED, authorized, encrypted, good, keys, open_key};
use crate::row::{Row, Ssh, row};
use crate::world::World;

/// Rows of key files with more than one thing odd about them.
pub(crate) fn rows() -> Vec<Row> {
    [where_modes_do_not_hold(), more_keys_1(), more_keys_2()].concat()
}

fn where_modes_do_not_hold() -> Vec<Row> {
    vec![
        row("key-linked-to-a-read-only-mount", |world| {
            good(world, "")?;
            on_stick(world)?;
            world.sh("ln -s /media/stick/id_ed25519 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions")
        .mended_by("false")
        .printed(),
        row("key-named-on-a-read-only-mount", |world| {
            good(world, "")?;
            on_stick(world)?;
            world.config("IdentityFile /media/stick/id_ed25519\nIdentityFile ~/.ssh/id_ed25519")
        })
        .ssh_fails("too open")
        .proven("key-file-permissions")
        .mended_by("false")
        .printed(),
        row("key-in-a-projected-secret", |world| {
            good(world, "")?;
            world.sh(
                "mkdir -p /etc/secret; mount -t tmpfs -o mode=755 none /etc/secret; cd /etc/secret; mkdir ..2026_11_25
                ln -s ..2026_11_25 ..data; mv /home/a/.ssh/id_ed25519 ..2026_11_25/; chmod 644 ..2026_11_25/*
                ln -s ..data/id_ed25519 id_ed25519; ln -s /etc/secret/id_ed25519 /home/a/.ssh/id_ed25519
                mount -o remount,ro /etc/secret",
            )
            .map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions")
        .mended_by("false")
        .printed(),
    ]
}

fn more_keys_1() -> Vec<Row> {
    vec![
        row("cert-named-with-i", |world| {
            world.key("/etc/ssh/ca", &[])?;
            world.server("TrustedUserCAKeys /etc/ssh/ca.pub")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub").map(drop)
        })
        .line(&["-i", "/home/a/.ssh/id_ed25519-cert.pub", "deploy@web1.example.org"])
        .ssh_fails("")
        .proven("key-file-is-public"),
        row("pub-named-and-agent", |world| {
            good(world, "")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])?;
            world.sh("rm /home/a/.ssh/id_ed25519").map(drop)
        })
        .line(&["-i", "/home/a/.ssh/id_ed25519.pub", "deploy@web1.example.org"]),
        row("encrypted-without-pub", |world| {
            world.server("")?;
            encrypted(world)?;
            world.sh("rm /home/a/.ssh/id_ed25519.pub").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed").with_a_terminal("Enter passphrase for key", &["passphrase"]),
        row("open-without-pub", |world| {
            world.server("")?;
            open_key(world)?;
            world.sh("rm /home/a/.ssh/id_ed25519.pub").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("open-and-encrypted-tty", |world| {
            world.server("")?;
            encrypted(world)?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .at_a_terminal()
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("open-and-encrypted-batch", |world| {
            world.server("")?;
            encrypted(world)?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions")
        .also(&["key-passphrase-needed"])
        .mended_by("chmod 600 /home/a/.ssh/id_ed25519")
        .then(Ssh::Ends(255, DENIED)),
        row("small-rsa", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "1024"])?;
            authorized(world, &["id_rsa"])
        }),
        row("pkcs8-encrypted-tty", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "secret"])?;
            authorized(world, &["id_rsa"])?;
            world.sh("rm /home/a/.ssh/id_rsa.pub").map(drop)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase").without("key-passphrase-needed")
        .needs(&["passphrase"]),
        row("agent-of-another", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.sh("chown root /tmp/ssh-XXXXagent; chmod 700 /tmp/ssh-XXXXagent").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("agent-unreachable"),
    ]
}

fn more_keys_2() -> Vec<Row> {
    vec![
        row("agent-cert-then-plain", |world| {
            world.key("/etc/ssh/ca", &[])?;
            world.server("")?;
            world.login_key()?;
            world.sh("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])?;
            world.sh("rm /home/a/.ssh/id*").map(drop)
        }),
        row("agent-confirm-approved", |world| {
            world.server("")?;
            world.login_key()?;
            world.file("/tmp/askpass", "#!/bin/sh\nexit 0\n", 0o755)?;
            world.environment.push(("SSH_ASKPASS".to_owned(), "/tmp/askpass".to_owned()));
            world.environment.push(("DISPLAY".to_owned(), ":0".to_owned()));
            world.agent()?;
            world.ssh_add(&["-c", "/home/a/.ssh/id_ed25519"])?;
            world.put_away("/home/a/.ssh/id_ed25519")
        }),
        row("five-agent-then-encrypted", |world| {
            world.server("")?;
            let keys: Vec<String> = (1..=5).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
            encrypted(world)
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed")
        .with_a_terminal("Enter passphrase for key", &["passphrase"]),
        row("six-agent-then-encrypted-tty", |world| {
            world.server("")?;
            let keys: Vec<String> = (1..=6).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
            encrypted(world)
        })
        .at_a_terminal()
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("foreign-pub-in-agent-lack", |world| {
            world.server("")?;
            world.login_key()?;
            world.key("/home/a/.ssh/one", &[])?;
            world.agent_with(&["/home/a/.ssh/one"])?;
            world.sh("mv /home/a/.ssh/id_ed25519.pub /home/a/.ssh/yubi.pub; rm /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key"),
        row("two-keys-demanded-second-open", |world| {
            world.server("AuthenticationMethods publickey,publickey")?;
            keys(world, &["one", "two"])?;
            authorized(world, &["one", "two"])?;
            world.sh("chmod 644 /home/a/.ssh/two").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("two-keys-demanded-second-encrypted-tty", |world| {
            world.server("AuthenticationMethods publickey,publickey")?;
            world.key("/home/a/.ssh/one", &[])?;
            world.key("/home/a/.ssh/two", &["-N", "secret"])?;
            world.config("IdentityFile ~/.ssh/one\nIdentityFile ~/.ssh/two")?;
            authorized(world, &["one", "two"])
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase")
        .without("key-passphrase-needed")
        .needs(&["passphrase"]),
        row("three-keys-demanded", |world| {
            world.server("AuthenticationMethods publickey,publickey,publickey")?;
            keys(world, &["one", "two", "three"])?;
            authorized(world, &["one", "two", "three"])
        }),
        row("key-password-key-tty", |world| {
            world.server("PasswordAuthentication yes\nAuthenticationMethods publickey,password,publickey")?;
            keys(world, &["one", "two"])?;
            authorized(world, &["one", "two"])
        })
        .at_a_terminal()
        .ssh_asks("password:")
        .without("second-factor-required")
        .needs(&["password"]),
    ]
}

/// The default key's private half is on a stick that is mounted read-only, where everybody may read it.
fn on_stick(world: &World) -> anyhow::Result<()> {
    world
        .sh("mkdir -p /media/stick; mount -t tmpfs -o mode=755 none /media/stick; mv /home/a/.ssh/id_ed25519 /media/stick/
            chmod 644 /media/stick/id_ed25519; cp /home/a/.ssh/id_ed25519.pub /media/stick/; mount -o remount,ro /media/stick")
        .map(drop)
}
