//! Rows with more than one ssh program, and with a configuration that was made for Windows' own.

use crate::row::{Row, row};
use crate::world::World;

const DENIED: &str = "Permission denied (publickey)";
const WINDOWS_FILE: &str = r"IdentityFile C:\Users\a\.ssh\id_ed25519";
const WINDOWS_AGENT: &str = r"IdentityAgent \\.\pipe\openssh-ssh-agent";

/// Rows of other programs.
pub(crate) fn rows() -> Vec<Row> {
    [two_programs(), windows(), windows_and_more()].concat()
}

/// A server that lets the default key in, and an ssh of this version first on PATH.
fn first_on_path(world: &World, version: &str) -> anyhow::Result<()> {
    world.server("")?;
    world.login_key()?;
    world.ssh_of(version, "/usr/local/bin")
}

/// The same with that ssh last on PATH.
fn last_on_path(world: &mut World, version: &str) -> anyhow::Result<()> {
    world.server("")?;
    world.login_key()?;
    world.ssh_of(version, "/srv/openssh/bin")?;
    world.environment.push(("PATH".to_owned(), "/usr/bin:/bin:/srv/openssh/bin".to_owned()));
    Ok(())
}

fn two_programs() -> Vec<Row> {
    vec![
        row("older-ssh-first-on-path", |world| {
            first_on_path(world, "8.4")?;
            world.config("Host *\n    PubkeyAcceptedAlgorithms +ssh-rsa")
        })
        .ssh_fails("Bad configuration option: pubkeyacceptedalgorithms")
        .proven("client-config-error")
        .member("wrong-ssh-binary")
        .mended_by("rm /usr/local/bin/ssh")
        .incident(),
        row("newer-ssh-last-on-path", |world| {
            last_on_path(world, "10.0")?;
            world.config("Host web1.example.org\n    ObscureKeystrokeTiming no")
        })
        .ssh_fails("Bad configuration option: obscurekeystroketiming")
        .proven("client-config-error")
        .member("wrong-ssh-binary")
        .mended_by("cp /srv/openssh/bin/ssh /usr/local/bin/ssh; mount --bind /usr/local/bin/ssh /usr/bin/ssh"),
        row("newer-ssh-last-on-path-and-a-value-of-its-own", |world| last_on_path(world, "10.0"))
            .line(&["-oKexAlgorithms=mlkem768x25519-sha256,curve25519-sha256", "deploy@web1.example.org"])
            .ssh_fails("Bad SSH2 KexAlgorithms")
            .proven("client-config-error")
            .member("wrong-ssh-binary"),
        row("no-ssh-on-path-takes-the-option", |world| {
            first_on_path(world, "8.4")?;
            world.config("Host web1.example.org\n    UseKeychain yes")
        })
        .ssh_fails("Bad configuration option: usekeychain")
        .proven("client-config-error"),
        row("two-programs-and-no-fault", |world| first_on_path(world, "8.4")).healthy_fixture(),
        row("newer-ssh-last-on-path-and-no-fault", |world| last_on_path(world, "10.0")),
    ]
}

/// A server that would let in the key that lies on the drive of Windows, which WSL shows, and Windows' own ssh on PATH.
fn wsl(world: &mut World) -> anyhow::Result<()> {
    world.server("")?;
    world.sh("mount -t tmpfs -o mode=755 tmpfs /mnt; mkdir -p /mnt/c/Users/a/.ssh")?;
    world.key("/mnt/c/Users/a/.ssh/id_ed25519", &[])?;
    world.authorize("/mnt/c/Users/a/.ssh/id_ed25519.pub")?;
    // As a drive without metadata shows it: everybody's.
    world.sh("chmod 777 /mnt/c/Users/a/.ssh /mnt/c/Users/a/.ssh/*; chmod 755 /mnt/c /mnt/c/Users /mnt/c/Users/a")?;
    let own = "#!/bin/sh\n[ \"$1\" != -V ] || echo 'OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2' >&2\n";
    world.file("/mnt/c/Windows/System32/OpenSSH/ssh.exe", own, 0o755)?;
    world.sh("chmod 755 /mnt/c/Windows /mnt/c/Windows/System32 /mnt/c/Windows/System32/OpenSSH")?;
    let path = "/usr/local/bin:/usr/bin:/bin:/mnt/c/Windows/System32/OpenSSH".to_owned();
    world.environment.push(("PATH".to_owned(), path));
    Ok(())
}

const COPIED: &str = "install -o a -m 600 /mnt/c/Users/a/.ssh/id_ed25519 /home/a/.ssh/id_ed25519
echo 'IdentityFile ~/.ssh/id_ed25519' >>/home/a/.ssh/config";

fn windows() -> Vec<Row> {
    vec![
        row("windows-key-file-in-wsl", |world| {
            wsl(world)?;
            world.config(WINDOWS_FILE)
        })
        .ssh_fails(DENIED)
        .proven("wrong-ssh-binary")
        .mended_by(COPIED)
        .fixture(),
        row("windows-key-file-on-the-command-line", wsl)
            .line(&["-i", "C:/Users/a/.ssh/id_ed25519", "deploy@web1.example.org"])
            .ssh_fails("Identity file C:/Users/a/.ssh/id_ed25519 not accessible")
            .proven("wrong-ssh-binary"),
        row("windows-key-file-and-agent", |world| {
            world.server("")?;
            world.config(WINDOWS_FILE)?;
            world.config(WINDOWS_AGENT)
        })
        .ssh_fails(DENIED)
        .proven("wrong-ssh-binary"),
        row("windows-agent-and-one-of-its-own", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config(WINDOWS_AGENT)
        })
        .ssh_fails(DENIED)
        .proven("wrong-ssh-binary")
        .mended_by("rm /home/a/.ssh/config"),
        row("windows-agent-with-slashes", |world| {
            world.server("")?;
            world.config("IdentityAgent //./pipe/openssh-ssh-agent")
        })
        .ssh_fails(DENIED)
        .proven("wrong-ssh-binary"),
        row("windows-key-file-and-the-right-key-unnamed", |world| {
            world.server("")?;
            world.login_key()?;
            world.config(WINDOWS_FILE)
        })
        .ssh_fails(DENIED)
        .proven("wrong-ssh-binary")
        .mended_by("rm /home/a/.ssh/config"),
    ]
}

fn windows_and_more() -> Vec<Row> {
    vec![
        row("windows-key-file-and-another-missing", |world| {
            world.server("")?;
            world.config(WINDOWS_FILE)?;
            world.config("IdentityFile ~/.ssh/deploy_key")
        })
        .ssh_fails(DENIED)
        .proven("identity-file-missing")
        .member("wrong-ssh-binary"),
        row("windows-key-file-and-an-empty-agent", |world| {
            world.server("")?;
            world.agent()?;
            world.config(WINDOWS_FILE)
        })
        .ssh_fails(DENIED)
        .proven("identity-file-missing")
        .member("wrong-ssh-binary"),
        row("windows-key-file-beside-a-good-one", |world| {
            wsl(world)?;
            world.login_key()?;
            world.config(WINDOWS_FILE)?;
            world.config("IdentityFile ~/.ssh/id_ed25519")
        })
        .healthy_fixture(),
        row("windows-key-file-beside-a-good-agent", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config(WINDOWS_FILE)
        }),
        row("windows-agent-beside-a-good-file", |world| {
            world.server("")?;
            world.login_key()?;
            world.config(WINDOWS_AGENT)
        }),
        row("windows-key-file-that-is-there", |world| {
            // Elsewhere it is a file like any other, in the current folder.
            world.server("")?;
            world.login_key()?;
            world.sh(r"cp -p /home/a/.ssh/id_ed25519 '/home/a/C:\id'; rm /home/a/.ssh/id_ed25519")?;
            world.config(r"IdentityFile C:\id")
        }),
        row("windows-key-file-and-a-password", |world| {
            world.server("PasswordAuthentication yes")?;
            world.config(WINDOWS_FILE)
        })
        .at_a_terminal()
        .ssh_asks("password:")
        .needs(&["password"])
        .without("wrong-ssh-binary"),
    ]
}
