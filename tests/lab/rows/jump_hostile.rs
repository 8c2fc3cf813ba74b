//! Rows of hops that let in and then do as no hop should with what goes through them.

use super::jump::{one_hop, through, through_two};
use crate::row::Row;
use crate::way::{BASTION, INNER};
use crate::world::World;

/// What ssh says where the channel is not opened.
const STDIO: &str = "stdio forwarding failed";
/// What ssh says where the tunnel ends before the server has said who it is.
const EARLY: &str = "kex_exchange_identification: Connection closed by remote host";

/// What keeps a verdict from being sure.
const CARRIED: &str = "the hop may have done that";
/// The same, where nothing is known of who did.
const CLOSED: &str = "the connection ends without a word";

/// A bastion that does this, before a good target.
fn bastion(world: &World, how: &str) -> anyhow::Result<()> {
    one_hop(world, "Port 2222", "")?;
    world.python_at(BASTION, how)?;
    world.config("Host *.internal\n    ConnectTimeout 3")
}

/// A second hop that does this, behind a good bastion and before a good target.
fn inner(world: &World, how: &str) -> anyhow::Result<()> {
    one_hop(world, "", "")?;
    world.let_in(INNER, super::jump::PUB)?;
    world.python_at(INNER, how)?;
    world.config("Host *.internal\n    ConnectTimeout 3")
}

/// Rows of hostile hops.
pub(crate) fn rows() -> Vec<Row> {
    [opens(), carries(), cuts()].concat()
}

fn opens() -> Vec<Row> {
    vec![
        through("jump-open-prohibited-by-asyncssh", |world| bastion(world, "prohibited"))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-open-fails-in-asyncssh", |world| bastion(world, "not-reached"))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-open-unknown-type", |world| bastion(world, "unknown-type"))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-open-short-of-resources", |world| bastion(world, "short-of-resources"))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-open-refused-by-an-unheard-of-code", |world| bastion(world, "unheard-of"))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-open-refused-without-a-word", |world| bastion(world, "wordless"))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused"),
        through("jump-open-refused-with-hostile-text", |world| bastion(world, "hostile"))
            .ssh_fails(STDIO)
            .proven("jump-forwarding-refused")
            .no_evidence(&["\u{1b}", "\u{202e}"]),
        through("jump-open-never-answered", |world| bastion(world, "never"))
            .ssh_fails("timed out during banner exchange")
            .at_most("likely", "jump-forwarding-refused", "a hop that is slow to connect is silent too"),
        through("jump-interrupted-at-the-open", |world| bastion(world, "never"))
            .types(&[("bastion.example.org", "\u{3}")])
            .ssh_fails("timed out during banner exchange")
            .status(130)
            .at_most("possible", "undetermined", "the run was interrupted"),
        through_two("jump-two-open-never-answered", |world| inner(world, "never"))
            .ssh_fails("timed out during banner exchange")
            .at_most("likely", "jump-forwarding-refused", "a hop that is slow to connect is silent too"),
        through("jump-hop-hangs-up-at-the-open", |world| bastion(world, "hangs-up-at-the-open"))
            .ssh_fails(EARLY)
            .at_most("likely", "jump-forwarding-refused", "the hop may have been stopped at that moment"),
    ]
}

fn carries() -> Vec<Row> {
    vec![
        through("jump-garbage-comes-through", |world| bastion(world, "garbage"))
            .ssh_fails("banner line contains invalid characters")
            .at_most("likely", "not-ssh-server", CARRIED),
        through_two("jump-two-garbage-comes-through", |world| inner(world, "garbage"))
            .ssh_fails("banner line contains invalid characters")
            .at_most("likely", "not-ssh-server", CARRIED),
        through("jump-garbage-without-end-comes-through", |world| bastion(world, "flood"))
            .ssh_fails("kex_exchange_identification")
            .at_most("likely", "not-ssh-server", CARRIED),
        through("jump-a-web-page-comes-through", |world| bastion(world, "web"))
            .ssh_fails("kex_exchange_identification")
            .at_most("likely", "not-ssh-server", CARRIED),
        through("jump-nothing-comes-through", |world| bastion(world, "silent"))
            .ssh_fails("Connection timed out during banner exchange")
            .at_most("likely", "banner-timeout", CARRIED),
        through("jump-the-channel-closes-at-once", |world| bastion(world, "closes")).ssh_fails(EARLY).at_most(
            "likely",
            "connection-dropped",
            CARRIED,
        ),
        through("jump-the-channel-ends-at-once", |world| bastion(world, "ends")).ssh_fails(EARLY).at_most(
            "likely",
            "connection-dropped",
            CARRIED,
        ),
    ]
}

/// The channel is closed at every message of the server behind it.
fn cuts() -> Vec<Row> {
    vec![
        through("jump-cut-at-the-identification", |world| bastion(world, "cut-1"))
            .ssh_fails("Connection closed")
            .at_most("likely", "connection-dropped", CARRIED),
        through("jump-cut-at-kexinit", |world| bastion(world, "cut-2")).ssh_fails("Connection closed").at_most(
            "likely",
            "connection-dropped",
            CARRIED,
        ),
        through("jump-cut-at-the-key-exchange", |world| bastion(world, "cut-3"))
            .ssh_fails("Connection closed")
            .at_most("likely", "connection-dropped", CARRIED),
        through("jump-cut-at-newkeys", |world| bastion(world, "cut-4")).ssh_fails("Connection closed").at_most(
            "possible",
            "undetermined",
            CLOSED,
        ),
        through("jump-cut-at-the-first-sealed-packet", |world| bastion(world, "cut-5"))
            .ssh_fails("Connection closed")
            .at_most("possible", "undetermined", CLOSED),
        through("jump-cut-in-userauth", |world| bastion(world, "cut-6")).ssh_fails("Connection closed").at_most(
            "possible",
            "undetermined",
            CLOSED,
        ),
        through("jump-cut-later-in-userauth", |world| bastion(world, "cut-7")).ssh_fails("Connection closed").at_most(
            "likely",
            "signature-rejected",
            CARRIED,
        ),
        through("jump-cut-after-the-login", |world| bastion(world, "cut-9")).ssh_fails("").at_most(
            "likely",
            "session-closed",
            CLOSED,
        ),
    ]
}
