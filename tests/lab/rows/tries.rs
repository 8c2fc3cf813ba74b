//! Rows of servers that hang up after a number of failures.

use super::common::{DENIED, authorized, keys};
use crate::row::{Row, row};

/// Rows of servers that hang up after a number of failures.
pub(crate) fn rows() -> Vec<Row> {
    [tries_1(), tries_2()].concat()
}

fn tries_1() -> Vec<Row> {
    vec![
        row("tries1-refused", |world| {
            world.server("MaxAuthTries 1")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails("Too many authentication failures")
        .proven("no-key-accepted"),
        row("tries1-second-right", |world| {
            world.server("MaxAuthTries 1")?;
            keys(world, &["one", "two"])?;
            authorized(world, &["two"])
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("tries1-first-right", |world| {
            world.server("MaxAuthTries 1")?;
            keys(world, &["one", "two"])?;
            authorized(world, &["one"])
        }),
        row("tries2-both-refused", |world| {
            world.server("MaxAuthTries 2")?;
            keys(world, &["one", "two"])
        })
        .ssh_fails("Too many authentication failures")
        .proven("no-key-accepted"),
        row("tries2-second-right", |world| {
            world.server("MaxAuthTries 2")?;
            keys(world, &["one", "two"])?;
            authorized(world, &["two"])
        }),
        row("tries2-third-right", |world| {
            world.server("MaxAuthTries 2")?;
            keys(world, &["one", "two", "three"])?;
            authorized(world, &["three"])
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("tries3-right-then-refused", |world| {
            world.server("MaxAuthTries 3")?;
            keys(world, &["one", "two", "three", "four", "five"])?;
            authorized(world, &["one"])
        }),
        row("tries3-open-then-refused", |world| {
            world.server("MaxAuthTries 3")?;
            keys(world, &["one", "two", "three", "four", "five"])?;
            authorized(world, &["one"])?;
            world.sh("chmod 644 /home/a/.ssh/one").map(drop)
        })
        .ssh_fails("Too many authentication failures")
        .proven("key-file-permissions"),
        row("tries3-open-then-good-too-late", |world| {
            world.server("MaxAuthTries 3")?;
            keys(world, &["one", "two", "three", "four", "five"])?;
            authorized(world, &["one", "five"])?;
            world.sh("chmod 644 /home/a/.ssh/one").map(drop)
        })
        .ssh_fails("Too many authentication failures")
        .proven("key-file-permissions"),
    ]
}

fn tries_2() -> Vec<Row> {
    vec![
        row("open-then-good", |world| {
            world.server("")?;
            keys(world, &["one", "two", "three"])?;
            authorized(world, &["one", "three"])?;
            world.sh("chmod 644 /home/a/.ssh/one").map(drop)
        }),
        row("tries2-other-key-accepted", |world| {
            world.server("MaxAuthTries 2")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.key("/home/a/.ssh/b1", &[])?;
            world.key("/home/a/.ssh/b2", &[])?;
            world.key("/home/a/.ssh/c3", &[])?;
            authorized(world, &["c3"])
        })
        .ssh_fails(DENIED)
        .proven("accepted-key-not-offered"),
        row("seven-refused-eighth-open", |world| {
            world.server("MaxAuthTries 20")?;
            keys(world, &["one", "two", "three", "four", "five", "six", "seven", "eight"])?;
            authorized(world, &["eight"])
        }),
        row("twelve-refused-tries-20", |world| {
            world.server("MaxAuthTries 20")?;
            keys(world, &["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11", "k12"])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
    ]
}
