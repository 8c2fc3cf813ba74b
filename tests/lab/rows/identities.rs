//! Rows whose fault is in a key file, or in which identities ssh offers.

use crate::row::{Row, row};
use crate::world::{World, read};

/// Where the default key is.
const KEY: &str = "/home/a/.ssh/id_ed25519";

/// A server that lets the default key in.
fn good(world: &mut World) -> anyhow::Result<()> {
    world.server("")?;
    world.login_key()
}

/// A PuTTY key file (version 3) whose halves are of no use to anybody.
const PPK: &str = "\
PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: a@laptop
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIEMcYbPfJVTmWnqbmlQz0yLcEpLqeDKkXbJSJtTq
wR6Q
Private-Lines: 1
AAAAIBlW0yTtQm1l8kP0cUuP8L2oW6kE1gQb3m5nV2yXcQ9z
Private-MAC: 3b0f4f4a2c3f7d1e5a6b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f
";

/// Rows of key files and identities.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = modes();
    rows.extend(contents());
    rows.extend(passphrases());
    rows.extend(offers());
    rows
}

fn modes() -> Vec<Row> {
    vec![
        row("key-others-can-read", |world| {
            good(world)?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("Permissions 0644 for '/home/a/.ssh/id_ed25519' are too open.")
        .proven("key-file-permissions")
        .mended_by("chmod 600 /home/a/.ssh/id_ed25519")
        .printed()
        .fixture(),
        row("key-named-and-group-readable", |world| {
            good(world)?;
            world.sh("mv /home/a/.ssh/id_ed25519 /home/a/work; mv /home/a/.ssh/id_ed25519.pub /home/a/work.pub; chmod 640 /home/a/work").map(drop)
        })
        .line(&["-i", "work", "deploy@web1.example.org"])
        .ssh_fails("Permissions 0640 for 'work' are too open.")
        .proven("key-file-permissions")
        .mended_by("chmod 600 /home/a/work")
        .printed(),
        row("pem-key-others-can-read", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")?;
            world.sh("rm /home/a/.ssh/id_rsa.pub; chmod 644 /home/a/.ssh/id_rsa").map(drop)
        })
        .ssh_fails("Permissions 0644 for '/home/a/.ssh/id_rsa' are too open.")
        .proven("key-file-permissions")
        .mended_by("chmod 600 /home/a/.ssh/id_rsa")
        .printed(),
        row("key-of-root", |world| {
            good(world)?;
            world.sh("chown root /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("Load key \"/home/a/.ssh/id_ed25519\": Permission denied")
        .proven("key-file-unreadable")
        .mended_by("chown a /home/a/.ssh/id_ed25519")
        .fixture(),
        row("folder-of-root", |world| {
            good(world)?;
            world.file("/etc/ssh/ssh_known_hosts", read("/home/a/.ssh/known_hosts")?, 0o644)?;
            world.sh("chown root /home/a/.ssh").map(drop)
        })
        .ssh_fails("Permission denied (publickey)")
        .at_most("likely", "key-file-unreadable", "whether there is a key in a closed folder cannot be seen")
        .mended_by("chown a /home/a/.ssh"),
    ]
}

fn contents() -> Vec<Row> {
    vec![
        row("key-with-windows-line-ends", |world| {
            good(world)?;
            world.sh("sed -i 's/$/\\r/' /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("Load key \"/home/a/.ssh/id_ed25519\": error in libcrypto")
        .proven("key-file-malformed")
        .mended_by("sed -i 's/\\r$//' /home/a/.ssh/id_ed25519")
        .fixture(),
        row("key-cut-short", |world| {
            good(world)?;
            world.sh("head -c 200 /home/a/.ssh/id_ed25519 >/srv/k; cat /srv/k >/home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("Load key \"/home/a/.ssh/id_ed25519\": ")
        .proven("key-file-malformed"),
        row("key-without-its-last-newline", |world| {
            good(world)?;
            let text = read(KEY)?;
            world.file(KEY, text.trim_end(), 0o600)
        })
        .ssh_fails("Load key \"/home/a/.ssh/id_ed25519\": error in libcrypto")
        .proven("key-file-malformed")
        .mended_by("echo >>/home/a/.ssh/id_ed25519"),
        row("key-empty-and-alone", |world| {
            world.server("")?;
            world.file(KEY, "", 0o600)
        })
        .ssh_fails("Load key \"/home/a/.ssh/id_ed25519\": ")
        .proven("key-file-malformed"),
        row("public-half-named", |world| {
            good(world)?;
            world.sh("rm /home/a/.ssh/id_ed25519; chmod 600 /home/a/.ssh/id_ed25519.pub").map(drop)
        })
        .line(&["-i", "/home/a/.ssh/id_ed25519.pub", "deploy@web1.example.org"])
        .ssh_fails("Load key \"/home/a/.ssh/id_ed25519.pub\": ")
        .proven("key-file-is-public")
        .fixture(),
        row("public-half-named-beside-the-private-one", good)
            .line(&["-i", "/home/a/.ssh/id_ed25519.pub", "deploy@web1.example.org"])
            .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
            .proven("key-file-is-public"),
        row("putty-key", |world| {
            world.server("")?;
            world.file("/home/a/work.ppk", PPK, 0o600)
        })
        .line(&["-i", "/home/a/work.ppk", "deploy@web1.example.org"])
        .ssh_fails("Load key \"/home/a/work.ppk\": ")
        .proven("key-file-is-ppk")
        .fixture(),
        row("public-half-of-another-pair", |world| {
            good(world)?;
            world.key("/home/a/other", &[])?;
            world.sh("mv /home/a/other /home/a/.ssh/id_ed25519; rm /home/a/other.pub").map(drop)
        })
        .ssh_fails("contents do not match public")
        .proven("key-pair-mismatch")
        .fixture(),
    ]
}

fn passphrases() -> Vec<Row> {
    let locked = |world: &mut World| {
        world.server("")?;
        world.key(KEY, &["-N", "secret"])?;
        world.authorize("/home/a/.ssh/id_ed25519.pub")
    };
    vec![
        row("passphrase-in-batch-mode", locked)
            .line(&["-o", "BatchMode=yes", "deploy@web1.example.org"])
            .ssh_fails("Permission denied (publickey)")
            .proven("key-passphrase-needed")
            .mended_by("ssh-keygen -q -p -P secret -N '' -f /home/a/.ssh/id_ed25519; chown a /home/a/.ssh/id_ed25519")
            .fixture(),
        row("passphrase-without-a-terminal", locked)
            .ssh_fails("Permission denied (publickey)")
            .with_a_terminal("Enter passphrase for key", &["passphrase"])
            .proven("key-passphrase-needed"),
        row("passphrase-at-a-terminal", locked)
            .at_a_terminal()
            .ssh_asks("Enter passphrase for key '/home/a/.ssh/id_ed25519'")
            .without("key-passphrase-needed")
            .needs(&["passphrase"])
            .fixture(),
    ]
}

fn offers() -> Vec<Row> {
    let mut rows = vec![
        row("nothing-to-offer", |world| world.server(""))
            .ssh_fails("Permission denied (publickey)")
            .proven("no-identities")
            .fixture(),
        row("nothing-to-offer-at-a-terminal", |world| world.server(""))
            .at_a_terminal()
            .ssh_fails("Permission denied (publickey)")
            .proven("no-identities"),
        row("nothing-to-offer-and-an-empty-agent", |world| {
            world.server("PasswordAuthentication yes")?;
            world.agent()
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (publickey,password)")
        .proven("no-identities"),
        row("identity-file-gone", |world| {
            world.server("")?;
            world.config("IdentityFile ~/.ssh/deploy_key")
        })
        .ssh_fails("no such identity: /home/a/.ssh/deploy_key: No such file or directory")
        .proven("identity-file-missing")
        .fixture(),
        row("identity-file-gone-on-the-command-line", |world| world.server(""))
            .line(&["-i", "/home/a/deploy_key", "deploy@web1.example.org"])
            .ssh_fails("Identity file /home/a/deploy_key not accessible")
            .proven("identity-file-missing"),
        row("key-under-a-name-nobody-reads", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/work", &[])?;
            world.authorize("/home/a/.ssh/work.pub")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("accepted-key-not-offered")
        .mended_by("echo 'IdentityFile ~/.ssh/work' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .fixture(),
        row("only-the-public-half-of-the-right-key", |world| {
            world.server("")?;
            world.key(KEY, &[])?;
            world.key("/home/a/.ssh/work", &[])?;
            world.authorize("/home/a/.ssh/work.pub")?;
            world.sh("rm /home/a/.ssh/work").map(drop)
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted"),
        row("another-default-key-first", |world| {
            world.server("")?;
            world.key(KEY, &[])?;
            world.key("/home/a/.ssh/work", &[])?;
            world.authorize("/home/a/.ssh/work.pub")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("accepted-key-not-offered")
        .mended_by("echo 'IdentityFile ~/.ssh/work' >/home/a/.ssh/config; chown a /home/a/.ssh/config"),
        row("rsa-key-the-client-will-not-use", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")
        })
        .line(&["-oPubkeyAcceptedAlgorithms=ssh-ed25519", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (publickey)")
        .proven("no-mutual-signature-algorithm")
        .fixture(),
        row("rsa-key-and-a-server-that-names-no-algorithms", |world| {
            world.tinysshd()?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("no-mutual-signature-algorithm"),
    ];
    rows.push(
        row("certificate-file-gone", |world| {
            world.server("")?;
            world.config("CertificateFile ~/.ssh/deploy-cert.pub")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("identity-file-missing"),
    );
    rows
}
