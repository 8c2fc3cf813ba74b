//! Rows in which ssh logs in although something is not as it should be: a remark, and nobody is accused.

use super::common::{authorized, encrypted, good};
use crate::row::{Row, row};
use crate::world::World;

/// A good key named in the configuration after this one.
fn beside(world: &World, first: &str) -> anyhow::Result<()> {
    good(world, "")?;
    world.config(&format!("IdentityFile ~/.ssh/{first}\nIdentityFile ~/.ssh/id_ed25519"))
}

/// Rows of remarks.
pub(crate) fn rows() -> Vec<Row> {
    [files(), others()].concat()
}

fn files() -> Vec<Row> {
    vec![
        row("works-beside-a-missing-file", |world| beside(world, "gone")).remark("key-files"),
        row("works-beside-a-damaged-file", |world| {
            beside(world, "damaged")?;
            world.file("/home/a/.ssh/damaged", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", 0o600)
        })
        .remark("key-files"),
        row("works-beside-an-empty-file", |world| {
            beside(world, "empty")?;
            world.file("/home/a/.ssh/empty", "", 0o600)
        })
        .remark("key-files"),
        row("works-beside-a-file-of-putty", |world| {
            beside(world, "work.ppk")?;
            world.file(
                "/home/a/.ssh/work.ppk",
                "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: a\n",
                0o600,
            )
        })
        .remark("key-files"),
        row("works-beside-a-file-of-another", |world| {
            beside(world, "work")?;
            world.key("/home/a/.ssh/work", &[])?;
            authorized(world, &["work"])?;
            world.sh("chown root /home/a/.ssh/work; chmod 600 /home/a/.ssh/work").map(drop)
        })
        .remark("key-files"),
        row("works-beside-a-folder-in-a-key's-place", |world| {
            beside(world, "work")?;
            world.sh("mkdir /home/a/.ssh/work; chown a /home/a/.ssh/work").map(drop)
        })
        .remark("key-files"),
        row("works-beside-a-refused-encrypted-file", |world| {
            beside(world, "locked")?;
            world.key("/home/a/.ssh/locked", &["-N", "secret"])
        }),
        row("works-after-the-passphrase-of-another-key", |world| {
            beside(world, "locked")?;
            world.key("/home/a/.ssh/locked", &["-N", "secret"])?;
            authorized(world, &["locked"])
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key '/home/a/.ssh/locked'")
        .proven("access-works")
        .without_works()
        .healthy_fixture(),
        row("works-beside-an-encrypted-default", |world| {
            world.server("")?;
            encrypted(world)?;
            world.key("/home/a/.ssh/good", &[])?;
            authorized(world, &["good"])?;
            world.agent_with(&["/home/a/.ssh/good"])
        })
        .at_a_terminal(),
    ]
}

fn others() -> Vec<Row> {
    vec![
        row("works-with-a-dead-agent-of-the-configuration", |world| {
            good(world, "")?;
            world.config("IdentityAgent ~/.ssh/agent.sock")
        })
        .remark("agent"),
        row("works-with-an-empty-agent", |world| {
            good(world, "")?;
            world.agent()
        }),
        row("works-with-a-known-hosts-line-that-cannot-be-read", |world| {
            good(world, "")?;
            world.sh("sed -i '1i web1.example.org ssh-ed25519 AAAAB3Nzabc' /home/a/.ssh/known_hosts").map(drop)
        })
        .remark("host-key"),
        row("works-with-a-known-hosts-file-of-another", |world| {
            good(world, "")?;
            world.sh("cp /home/a/.ssh/known_hosts /home/a/.ssh/known_hosts2; chown root /home/a/.ssh/known_hosts2; chmod 600 /home/a/.ssh/known_hosts2").map(drop)
        }),
        row("works-with-four-things-amiss", |world| {
            beside(world, "gone")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/ssh-XXXXgone/agent.7".to_owned()));
            world.append("/etc/hosts", "2001:db8::8 web1.example.org")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])?;
            world.config("IdentityFile ~/.ssh/id_rsa")?;
            world.sh("chmod 644 /home/a/.ssh/id_rsa").map(drop)
        })
        .remark("agent"),
    ]
}
