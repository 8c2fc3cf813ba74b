//! Rows of questions: what ssh asks, what it may not ask, and what it cannot ask.

use super::common::{DENIED, authorized};
use crate::row::{Row, row};

/// Rows of questions: what ssh asks, what it may not ask, and what it cannot ask.
pub(crate) fn rows() -> Vec<Row> {
    [questions_1(), questions_2()].concat()
}

fn questions_1() -> Vec<Row> {
    vec![
        row("no-password-prompts", |world| world.server("PubkeyAuthentication no\nPasswordAuthentication yes"))
            .line(&["-oNumberOfPasswordPrompts=0", "deploy@web1.example.org"])
            .at_a_terminal()
            .ssh_fails("Permission denied (password)")
            .proven("method-disabled-by-client"),
        row("no-password-prompts-kbd", |world| {
            world.server("PubkeyAuthentication no\nKbdInteractiveAuthentication yes")
        })
        .line(&["-oNumberOfPasswordPrompts=0", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails("Permission denied (keyboard-interactive)")
        .proven("method-disabled-by-client"),
        row("no-passphrase-prompts", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &["-N", "secret"])?;
            authorized(world, &["id_ed25519"])
        })
        .line(&["-oNumberOfPasswordPrompts=0", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed"),
        row("kbd-only-on-client", |world| {
            world.server("PubkeyAuthentication no\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes")
        })
        .line(&["-oPasswordAuthentication=no", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_asks("Password:")
        .without_at_most("likely", "method-disabled-by-client")
        .needs(&["code"]),
        row("batch-at-terminal-new-host-key", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown"),
        row("new-host-key-and-passphrase", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.key("/home/a/.ssh/id_ed25519", &["-N", "secret"])?;
            authorized(world, &["id_ed25519"])
        })
        .at_a_terminal()
        .ssh_asks("Are you sure you want to continue connecting")
        .without("host-key-unknown")
        .needs(&["host-key", "passphrase"]),
        row("new-host-key-and-refused", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .at_a_terminal()
        .ssh_asks("Are you sure you want to continue connecting")
        .without("host-key-unknown")
        .proven("no-key-accepted"),
        row("new-host-key-and-open-key", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .at_a_terminal()
        .ssh_asks("Are you sure you want to continue connecting")
        .without("host-key-unknown")
        .proven("key-file-permissions"),
        row("pem-encrypted-alone-tty", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"])?;
            authorized(world, &["id_rsa"])?;
            world.sh("rm /home/a/.ssh/id_rsa.pub").map(drop)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key")
        .without("key-passphrase-needed")
        .needs(&["passphrase"]),
    ]
}

fn questions_2() -> Vec<Row> {
    vec![
        row("pem-encrypted-alone-batch", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"])?;
            authorized(world, &["id_rsa"])?;
            world.sh("rm /home/a/.ssh/id_rsa.pub").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed")
        .with_a_terminal("Enter passphrase for key", &["passphrase"]),
        row("pem-encrypted-alone-tty-beside-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"])?;
            authorized(world, &["id_rsa"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("rm /home/a/.ssh/id_rsa.pub").map(drop)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key")
        .without_at_most("likely", "no-key-accepted")
        .needs(&["passphrase"]),
        row("passphrase-is-typed", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &["-N", "secret"])?;
            authorized(world, &["id_ed25519"])
        })
        .types(&[("Enter passphrase for key", "secret")])
        .needs(&["passphrase"]),
        row("passphrase-then-good", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/one", &["-N", "secret"])?;
            world.key("/home/a/.ssh/two", &[])?;
            world.config("IdentityFile ~/.ssh/one\nIdentityFile ~/.ssh/two")?;
            authorized(world, &["one", "two"])
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key")
        .without_works()
        .proven("access-works"),
        row("passphrase-then-good-batch", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/one", &["-N", "secret"])?;
            world.key("/home/a/.ssh/two", &[])?;
            world.config("IdentityFile ~/.ssh/one\nIdentityFile ~/.ssh/two")?;
            authorized(world, &["one", "two"])
        }),
        row("askpass-set-no-tty", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &["-N", "secret"])?;
            authorized(world, &["id_ed25519"])?;
            world.file("/tmp/askpass", "#!/bin/sh\necho secret\n", 0o755)?;
            world.environment.push(("SSH_ASKPASS".to_owned(), "/tmp/askpass".to_owned()));
            world.environment.push(("DISPLAY".to_owned(), ":0".to_owned()));
            Ok(())
        })
        .needs(&["passphrase"]),
        row("askpass-without-display", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &["-N", "secret"])?;
            authorized(world, &["id_ed25519"])?;
            world.file("/tmp/askpass", "#!/bin/sh\necho secret\n", 0o755)?;
            world.environment.push(("SSH_ASKPASS".to_owned(), "/tmp/askpass".to_owned()));
            Ok(())
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed")
        .with_a_terminal("Enter passphrase for key", &["passphrase"]),
        row("passphrase-in-agent-and-file", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])?;
            world
                .sh("ssh-keygen -q -p -P '' -N secret -f /home/a/.ssh/id_ed25519; chown a /home/a/.ssh/id_ed25519")
                .map(drop)
        }),
    ]
}
