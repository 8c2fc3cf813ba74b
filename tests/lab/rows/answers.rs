//! Rows in which a person at the terminal types a password or answers the server's questions, for both programs alike.

use super::common::open_key;
use crate::row::{Row, row};
use crate::world::World;

/// ssh asks once.
const ONCE: &[&str] = &["-oNumberOfPasswordPrompts=1", "deploy@web1.example.org"];
const RIGHT: &[(&str, &str)] = &[("'s password:", "secret")];
const WRONG: &[(&str, &str)] = &[("'s password:", "Secret")];
const ASK: &[&str] = &["--ask-password"];
const DIALOGUE: &[&str] = &["--interactive"];

/// A server with these lines, where deploy has a password.
fn server(world: &World, lines: &str) -> anyhow::Result<()> {
    world.sh("echo deploy:secret | chpasswd")?;
    world.server(lines)
}

fn typed(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    row(name, setup).line(ONCE).ours(ASK)
}

/// Rows of answers.
pub(crate) fn rows() -> Vec<Row> {
    [passwords(), dialogues(), factors()].concat()
}

fn passwords() -> Vec<Row> {
    vec![
        typed("password-is-right", |world| server(world, "PasswordAuthentication yes"))
            .types(RIGHT)
            .proven("access-works")
            .healthy_fixture(),
        typed("password-is-wrong", |world| server(world, "PasswordAuthentication yes"))
            .types(WRONG)
            .ssh_fails("Permission denied (publickey,password)")
            .proven("password-rejected")
            .mended_by("echo deploy:Secret | chpasswd")
            .fixture(),
        typed("password-is-right-after-a-refused-key", |world| {
            server(world, "PasswordAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .types(RIGHT)
        .proven("access-works"),
        typed("password-is-wrong-after-a-refused-key", |world| {
            server(world, "PasswordAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .types(WRONG)
        .ssh_fails("Permission denied (publickey,password)")
        .proven("password-rejected"),
        typed("password-after-an-open-key", |world| {
            server(world, "PasswordAuthentication yes")?;
            open_key(world)
        })
        .types(RIGHT)
        .proven("access-works")
        .remark("key-permissions"),
        typed("password-for-an-account-that-is-locked-out", |world| {
            server(world, "PasswordAuthentication yes\nDenyUsers deploy")
        })
        .types(RIGHT)
        .ssh_fails("Permission denied (publickey,password)")
        .proven("password-rejected"),
        typed("password-where-one-failure-ends-it", |world| {
            server(world, "PasswordAuthentication yes\nMaxAuthTries 1")
        })
        .types(WRONG)
        .ssh_fails("Too many authentication failures")
        .proven("password-rejected"),
        typed("password-is-not-needed-with-a-good-key", |world| {
            server(world, "PasswordAuthentication yes")?;
            world.login_key()
        })
        .at_a_terminal()
        .proven("access-works"),
        typed("password-is-not-sent-to-another-host-key", |world| {
            super::common::changed(world)?;
            world.sh("echo deploy:secret | chpasswd")?;
            world.sshd("PasswordAuthentication yes")
        })
        .at_a_terminal()
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed"),
        typed("password-has-expired", |world| {
            world.python("asyncssh", "password-expired")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .types(RIGHT)
        .ssh_asks("Enter deploy@web1.example.org's old password:")
        .proven("password-change-required"),
        typed("password-switched-off-here", |world| {
            server(world, "PasswordAuthentication yes\nPubkeyAuthentication no")
        })
        .line(&["-oPasswordAuthentication=no", "deploy@web1.example.org"])
        .at_a_terminal()
        .ssh_fails("Permission denied (password)")
        .proven("method-disabled-by-client"),
    ]
}

fn dialogues() -> Vec<Row> {
    vec![
        typed("dialogue-is-answered-right", |world| {
            server(world, "KbdInteractiveAuthentication yes\nPubkeyAuthentication no")
        })
        .ours(DIALOGUE)
        .types(&[("Password:", "secret")])
        .proven("access-works"),
        typed("dialogue-is-answered-wrong", |world| {
            server(world, "KbdInteractiveAuthentication yes\nPubkeyAuthentication no")
        })
        .ours(DIALOGUE)
        .types(&[("Password:", "Secret")])
        .ssh_fails("Permission denied (keyboard-interactive)")
        .proven("password-rejected"),
        typed("dialogue-without-end", |world| world.python("asyncssh", "dialogue-without-end"))
            .ours(DIALOGUE)
            .types(&[("Code:", "1"); 12])
            .ssh_asks("Code:")
            .at_most("possible", "undetermined", "the server asks on and on"),
        typed("dialogue-of-ten-thousand-questions", |world| world.python("asyncssh", "dialogue-of-ten-thousand"))
            .ours(DIALOGUE)
            .at_a_terminal()
            .ssh_hangs()
            .at_most("possible", "undetermined", "more questions than a person answers"),
        typed("dialogue-needs-leave-of-its-own", |world| {
            server(world, "KbdInteractiveAuthentication yes\nPubkeyAuthentication no")
        })
        .types(&[("Password:", "secret")])
        .needs(&["code"]),
    ]
}

fn factors() -> Vec<Row> {
    vec![
        typed("password-after-the-key-is-right", |world| {
            server(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password")?;
            world.login_key()
        })
        .types(RIGHT)
        .proven("access-works"),
        typed("password-after-the-key-is-wrong", |world| {
            server(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password")?;
            world.login_key()
        })
        .types(WRONG)
        .ssh_fails("Permission denied (password)")
        .proven("password-rejected"),
        typed("dialogue-after-the-key-is-right", |world| {
            server(world, "KbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive")?;
            world.login_key()
        })
        .ours(DIALOGUE)
        .types(&[("Password:", "secret")])
        .proven("access-works"),
        typed("password-before-the-key-is-right", |world| {
            server(world, "PasswordAuthentication yes\nAuthenticationMethods password,publickey")?;
            world.login_key()
        })
        .types(RIGHT)
        .proven("access-works"),
        typed("password-before-a-key-that-is-refused", |world| {
            server(world, "PasswordAuthentication yes\nAuthenticationMethods password,publickey")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .types(RIGHT)
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted"),
    ]
}
