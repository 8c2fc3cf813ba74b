//! Rows of git and rsync, which start ssh by themselves: the real program beside sshdoctor on the same command line.

use super::common::{changed, open_key};
use crate::row::{Row, Ssh, row};
use crate::world::World;

/// git's exit status where ssh fails.
const GIT: i32 = 128;
/// rsync's, which is ssh's own.
const RSYNC: i32 = 255;

/// Rows of git and rsync.
pub(crate) fn rows() -> Vec<Row> {
    [gits(), git_faults(), rsyncs()].concat()
}

/// A server with a repository of deploy's and the default key.
fn repository(world: &mut World) -> anyhow::Result<()> {
    world.server("")?;
    world.login_key()?;
    world.sh("git init -q --bare /home/deploy/app.git; chown -R deploy:deploy /home/deploy/app.git").map(drop)
}

/// A clone's folder at /home/a/work whose `origin` is that repository by a short name, and which pushes elsewhere.
fn work(world: &mut World) -> anyhow::Result<()> {
    repository(world)?;
    world.file(
        "/home/a/.gitconfig",
        "[url \"deploy@web1.example.org:\"]\n\tinsteadOf = web:\n[url \"nobody@web1.example.org:\"]\n\tpushInsteadOf = web:\n[alias]\n\tup = fetch --prune\n",
        0o644,
    )?;
    world.sh(
        "git init -q /home/a/work; git -C /home/a/work remote add origin web:app.git; chown -R a:a /home/a/work; chmod -R go-w /home/a/work",
    )
    .map(drop)
}

/// The program ends with this status and says so.
fn ends(mut row: Row, status: i32, says: &'static str) -> Row {
    row.ssh = Ssh::Ends(status, says);
    row
}

fn gits() -> Vec<Row> {
    vec![
        row("git-scp-form", repository).line(&["git", "ls-remote", "deploy@web1.example.org:app.git"]),
        row("git-url", repository).line(&["git", "ls-remote", "ssh://deploy@web1.example.org/home/deploy/app.git"]),
        row("git-instead-of", work).line(&["git", "-C", "/home/a/work", "ls-remote", "origin"]),
        row("git-default-remote", work).line(&["git", "-C", "/home/a/work", "fetch"]),
        row("git-alias", work).line(&["git", "-C", "/home/a/work", "up"]),
        row("git-option-ssh-command", |world| {
            repository(world)?;
            world.sh("mv /home/a/.ssh/id_ed25519 /home/a/.ssh/other; mv /home/a/.ssh/id_ed25519.pub /home/a/.ssh/other.pub")
                .map(drop)
        })
        .line(&["git", "-c", "core.sshCommand=ssh -i ~/.ssh/other", "ls-remote", "deploy@web1.example.org:app.git"]),
        row("git-ssh-command-variable", |world| {
            repository(world)?;
            world.sh("mv /home/a/.ssh/id_ed25519 /home/a/.ssh/other; mv /home/a/.ssh/id_ed25519.pub /home/a/.ssh/other.pub")?;
            world.environment.push(("GIT_SSH_COMMAND".to_owned(), "ssh -o IdentitiesOnly=yes -i ~/.ssh/other".to_owned()));
            Ok(())
        })
        .line(&["git", "ls-remote", "deploy@web1.example.org:app.git"]),
    ]
}

fn git_faults() -> Vec<Row> {
    let denied = "Permission denied (publickey)";
    vec![
        ends(row("git-push-instead-of", work), GIT, denied)
            .line(&["git", "-C", "/home/a/work", "push", "origin", ":main"])
            .proven("no-key-accepted"),
        ends(
            row("git-refused", |world| {
                repository(world)?;
                world.sh("rm /home/deploy/.ssh/authorized_keys").map(drop)
            }),
            GIT,
            denied,
        )
        .line(&["git", "clone", "--depth", "1", "deploy@web1.example.org:app.git", "/home/a/new"])
        .proven("no-key-accepted"),
        ends(
            row("git-open-key", |world| {
                world.server("")?;
                open_key(world)
            }),
            GIT,
            "bad permissions",
        )
        .line(&["git", "ls-remote", "deploy@web1.example.org:app.git"])
        .proven("key-file-permissions"),
        ends(row("git-other-port", repository), GIT, "Connection refused")
            .line(&["git", "ls-remote", "ssh://deploy@web1.example.org:2222/home/deploy/app.git"])
            .proven("connection-refused"),
        ends(
            row("git-wrong-key-in-configuration", |world| {
                work(world)?;
                world.key("/home/a/.ssh/wrong", &[])?;
                let line = "[core]\\n\\tsshCommand = ssh -o IdentitiesOnly=yes -i ~/.ssh/wrong\\n";
                world.sh(&format!("cd /home/a/work && printf '{line}' >>.git/config")).map(drop)
            }),
            GIT,
            denied,
        )
        .line(&["git", "-C", "/home/a/work", "fetch"])
        .proven("accepted-key-not-offered"),
    ]
}

fn rsyncs() -> Vec<Row> {
    vec![
        row("rsync-pull", |world| {
            repository(world)?;
            world.file("/home/deploy/notes", "x", 0o644)
        })
        .line(&["rsync", "-a", "deploy@web1.example.org:notes", "/tmp/"]),
        row("rsync-push-shell", |world| {
            repository(world)?;
            world.key("/home/a/other", &[])?;
            world.authorize("/home/a/other.pub")?;
            world.sh("rm /home/a/.ssh/id_ed25519*").map(drop)
        })
        .line(&["rsync", "-ave", "ssh -i /home/a/other", "/etc/hosts", "deploy@web1.example.org:"]),
        ends(row("rsync-variable", repository), RSYNC, "Connection refused")
            .line(&["rsync", "-a", "--rsh=ssh -p 2222", "/etc/passwd", "deploy@web1.example.org:"])
            .proven("connection-refused"),
        ends(
            row("rsync-refused", |world| {
                repository(world)?;
                world.sh("rm /home/deploy/.ssh/authorized_keys").map(drop)
            }),
            RSYNC,
            "Permission denied (publickey)",
        )
        .line(&["rsync", "-az", "--delete", "--timeout", "9", "/etc/passwd", "deploy@web1.example.org:"])
        .proven("no-key-accepted"),
        ends(
            row("rsync-changed", |world| {
                changed(world)?;
                world.sshd("")?;
                world.login_key()
            }),
            RSYNC,
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
        )
        .line(&["rsync", "-a", "deploy@web1.example.org:x", "/tmp/"])
        .proven("host-key-changed"),
    ]
}
