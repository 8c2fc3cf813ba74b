//! Rows of servers written with asyncssh and paramiko: what is in the RFCs and no OpenSSH says.

use super::common::DENIED;
use crate::row::{Row, row};
use crate::world::World;

/// Rows of servers in Python.
pub(crate) fn rows() -> Vec<Row> {
    [asyncssh(), disconnects(), paramiko()].concat()
}

/// A server that does this and knows the default key.
fn good(world: &World, library: &str, how: &str) -> anyhow::Result<()> {
    world.python(library, how)?;
    world.login_key()
}

fn asyncssh() -> Vec<Row> {
    vec![
        row("asyncssh-works", |world| good(world, "asyncssh", "")),
        row("asyncssh-key-not-authorised", |world| {
            world.python("asyncssh", "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("asyncssh-no-authentication", |world| good(world, "asyncssh", "no-authentication")),
        row("asyncssh-huge-banner", |world| good(world, "asyncssh", "huge-banner")),
        row("asyncssh-hostile-banner", |world| good(world, "asyncssh", "hostile-banner")),
        row("asyncssh-yes-to-all", |world| {
            world.python("asyncssh", "yes-to-all")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        }),
        row("asyncssh-passwords-only", |world| good(world, "asyncssh", "password-only"))
            .ssh_fails("Permission denied (password)")
            .with_a_terminal("password:", &["password"])
            .proven("server-pubkey-disabled"),
        row("asyncssh-passwords-only-at-a-terminal", |world| good(world, "asyncssh", "password-only"))
            .at_a_terminal()
            .ssh_asks("deploy@web1.example.org's password:")
            .without("server-pubkey-disabled")
            .needs(&["password"]),
        row("asyncssh-dialogue-only-at-a-terminal", |world| good(world, "asyncssh", "dialogue-only"))
            .at_a_terminal()
            .ssh_asks("Code: ")
            .without_at_most("likely", "server-pubkey-disabled")
            .needs(&["code"]),
        row("asyncssh-banner-tells-of-expiry-and-the-key-is-refused", |world| {
            world.python("asyncssh", "expired-by-name")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
    ]
}

fn disconnects() -> Vec<Row> {
    vec![
        row("asyncssh-disconnects-not-allowed", |world| good(world, "asyncssh", "disconnect-not-allowed"))
            .ssh_fails("host not allowed to connect")
            .proven("server-disconnected"),
        row("asyncssh-disconnects-for-maintenance", |world| good(world, "asyncssh", "disconnect-by-application"))
            .ssh_fails("maintenance until 18:00 UTC")
            .proven("server-disconnected"),
        row("asyncssh-disconnects-too-many-connections", |world| {
            good(world, "asyncssh", "disconnect-too-many-connections")
        })
        .ssh_fails("Too many connections from this address")
        .proven("server-disconnected"),
        row("asyncssh-disconnects-illegal-user", |world| good(world, "asyncssh", "disconnect-illegal-user"))
            .ssh_fails("user is unknown here")
            .proven("server-disconnected"),
        row("asyncssh-disconnects-no-methods", |world| good(world, "asyncssh", "disconnect-no-methods"))
            .ssh_fails("No supported authentication methods available")
            .proven("server-disconnected"),
        row("asyncssh-disconnects-hostile-text", |world| good(world, "asyncssh", "disconnect-hostile"))
            .ssh_fails("line one")
            .proven("server-disconnected"),
    ]
}

fn paramiko() -> Vec<Row> {
    vec![
        row("paramiko-works", |world| good(world, "paramiko", "")),
        row("paramiko-key-not-authorised", |world| {
            world.python("paramiko", "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("paramiko-unusual-methods", |world| good(world, "paramiko", "unusual-methods"))
            .ssh_fails("Permission denied (vendor-sso@example.com,keyboard-interactive-2)")
            .proven("no-methods-left"),
        row("paramiko-gssapi-only", |world| good(world, "paramiko", "gssapi-only"))
            .ssh_fails("Permission denied (gssapi-with-mic)")
            .proven("kerberos-ticket-missing"),
        row("paramiko-none-is-enough", |world| good(world, "paramiko", "none-is-enough")),
        row("paramiko-partial-then-an-unusual-method", |world| good(world, "paramiko", "partial-unusual"))
            .ssh_fails("Permission denied (vendor-sso@example.com)")
            .proven("second-factor-required"),
        row("paramiko-partial-then-hostbased", |world| good(world, "paramiko", "partial-hostbased"))
            .ssh_fails("Permission denied (hostbased)")
            .proven("second-factor-required"),
        row("paramiko-refuses-after-the-signature", |world| good(world, "paramiko", "refuse-after-the-signature"))
            .ssh_fails(DENIED)
            .proven("signature-rejected"),
        row("paramiko-no-channels", |world| good(world, "paramiko", "no-channels"))
            .ssh_fails("channel 0: open failed: administratively prohibited")
            .proven("channel-refused"),
        row("paramiko-no-commands", |world| good(world, "paramiko", "no-commands"))
            .ssh_fails("exec request failed on channel 0")
            .proven("channel-refused"),
    ]
}
