//! Rows of a ProxyCommand that does not as it should: programs that are not there, end, hang, flood and hide.

use super::common::{DENIED, changed, good};
use super::jump::{KEY, PUB};
use crate::row::{Row, row};
use crate::world::World;

/// The line that a row's program is in.
const LINE: &[&str] = &["-o", "ProxyCommand=/srv/proxy %h %p", "-o", "ConnectTimeout=3", "deploy@web1.example.org"];
/// What ssh says where its program ended first.
const EARLY: &str = "UNKNOWN port 65535";

/// A good server, and a program that does this: `exec nc "$@"` would reach it.
fn program(world: &World, script: &str) -> anyhow::Result<()> {
    good(world, "")?;
    world.file("/srv/proxy", format!("#!/bin/sh\n{script}\n"), 0o755)
}

/// A row of such a program.
fn by(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    row(name, setup).line(LINE)
}

/// Rows of programs of all sorts.
pub(crate) fn rows() -> Vec<Row> {
    [works(), ends(), says(), hangs(), behind()].concat()
}

fn works() -> Vec<Row> {
    vec![
        by("proxy-program-works", |world| program(world, "exec nc \"$@\"")),
        by("proxy-program-remains-the-parent", |world| program(world, "nc \"$@\"; exit 7")),
        by("proxy-program-talks-and-works", |world| {
            program(world, "echo 'connecting by way of gate 3' >&2; exec nc \"$@\"")
        }),
        by("proxy-program-floods-stderr-and-works", |world| {
            program(world, "head -c 1000000000 /dev/zero | tr '\\0' x >&2; exec nc \"$@\"")
        })
        .line(&["-o", "ProxyCommand=/srv/proxy %h %p", "deploy@web1.example.org"]),
        by("proxy-program-leaves-something-in-the-background", |world| {
            program(world, "sleep 300 </dev/null >/dev/null 2>&1 & exec nc \"$@\"")
        }),
        by("proxy-program-leaves-a-daemon", |world| {
            program(world, "setsid sh -c 'trap \"\" TERM HUP; sleep 300; sleep 300' </dev/null >/dev/null 2>&1 & exec nc \"$@\"")
        }),
        by("proxy-program-ignores-the-end", |world| program(world, "trap '' TERM HUP INT PIPE; nc \"$@\"; sleep 300")),
        row("proxy-is-none", |world| good(world, ""))
            .line(&["-o", "ProxyCommand=none", "deploy@web1.example.org"]),
        row("proxy-line-for-the-shell", |world| good(world, ""))
            .line(&["-o", "ProxyCommand=sh -c 'nc \"$0\" \"$1\" | cat' %h %p", "deploy@web1.example.org"]),
        row("proxy-tokens", |world| {
            program(world, "[ \"$*\" = '% a web1 192.0.2.7 22 deploy key' ] || { echo \"$*\" >&2; exit 1; }; exec nc 192.0.2.7 22")?;
            world.known("key", "ed25519")?;
            world.config("Host web1\n    HostName 192.0.2.7\n    HostKeyAlias key\n    ProxyCommand /srv/proxy %% a %n %h %p %r %k")
        })
        .line(&["deploy@web1"]),
        row("proxy-needs-no-name", |world| {
            program(world, "exec nc 192.0.2.7 22")?;
            world.known("i-0abc", "ed25519")
        })
        .line(&["-o", "ProxyCommand=/srv/proxy %h", "deploy@i-0abc"]),
    ]
}

fn ends() -> Vec<Row> {
    vec![
        row("proxy-program-is-missing", |world| good(world, ""))
            .line(&["-o", "ProxyCommand=cloudflared access ssh --hostname %h", "deploy@web1.example.org"])
            .ssh_fails("cloudflared: not found")
            .proven("proxy-command-failed")
            .fixture(),
        row("proxy-program-is-missing-at-its-path", |world| good(world, ""))
            .line(&["-o", "ProxyCommand=/opt/corp/bin/tunnel %h:%p", "deploy@web1.example.org"])
            .ssh_fails("/opt/corp/bin/tunnel: not found")
            .proven("proxy-command-failed"),
        by("proxy-program-is-not-executable", |world| {
            program(world, "exec nc \"$@\"")?;
            world.sh("chmod 644 /srv/proxy").map(drop)
        })
        .ssh_fails("Permission denied")
        .proven("proxy-command-failed"),
        by("proxy-program-has-no-interpreter", |world| {
            good(world, "")?;
            world.file("/srv/proxy", "#!/opt/python/bin/python3\n", 0o755)
        })
        .ssh_fails("/srv/proxy: not found")
        .proven("proxy-command-failed"),
        by("proxy-program-ends-with-1", |world| program(world, "echo 'no tunnel today: token expired' >&2; exit 1"))
            .ssh_fails("no tunnel today: token expired")
            .evidence(&["no tunnel today: token expired"])
            .at_most("likely", "proxy-command-failed", "a program may end so when the server drops it"),
        by("proxy-program-ends-with-1-in-silence", |world| program(world, "exit 1")).ssh_fails(EARLY).at_most(
            "likely",
            "proxy-command-failed",
            "a program may end so when the server drops it",
        ),
        by("proxy-program-ends-with-0-in-silence", |world| program(world, "exit 0")).ssh_fails(EARLY).at_most(
            "likely",
            "proxy-command-failed",
            "a server that closes at once leaves the same",
        ),
        by("proxy-program-is-killed", |world| program(world, "kill -9 $$"))
            .ssh_fails(EARLY)
            .proven("proxy-command-failed"),
        row("proxy-line-is-no-shell", |world| good(world, ""))
            .line(&["-o", "ProxyCommand=nc %h %p )", "deploy@web1.example.org"])
            .ssh_fails("Syntax error")
            .proven("proxy-command-failed"),
        by("proxy-program-ends-and-leaves-a-daemon", |world| program(world, "setsid sleep 300 & exit 1"))
            .ssh_fails("")
            .at_most(
                "likely",
                "proxy-command-failed",
                "what it left in the background might have carried the connection",
            ),
        by("proxy-program-ends-after-a-flood", |world| {
            program(
                world,
                "head -c 1000000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'no tunnel today' >&2; exit 3",
            )
        })
        .line(&["-o", "ProxyCommand=/srv/proxy %h %p", "deploy@web1.example.org"])
        .ssh_fails("no tunnel today")
        .evidence(&["no tunnel today"])
        .at_most("likely", "proxy-command-failed", "a program may end so when the server drops it"),
        by("proxy-program-prints-escapes", |world| {
            program(
                world,
                "printf '\\033]0;owned\\007\\033[2Jaccess works\\r\\n\\342\\200\\256no tunnel\\n' >&2; exit 1",
            )
        })
        .ssh_fails("access works")
        .no_evidence(&["\u{1b}", "\u{202e}", "\r"])
        .at_most("likely", "proxy-command-failed", "a program may end so when the server drops it"),
    ]
}

fn says() -> Vec<Row> {
    vec![
        by("proxy-program-prints-a-web-page", |world| {
            program(world, "printf 'HTTP/1.1 200 OK\\r\\n\\r\\n<html><title>Sign in</title></html>\\n'")
        })
        .ssh_fails("exchange")
        .evidence(&["HTTP/1.1 200 OK"])
        .at_most("likely", "proxy-command-failed", "what it leads to may have sent that"),
        by("proxy-program-prints-its-help", |world| program(world, "echo 'usage: tunnel [-v] host port'; exit 2"))
            .ssh_fails("exchange")
            .evidence(&["usage: tunnel"])
            .at_most("likely", "proxy-command-failed", "what it leads to may have sent that"),
        by("proxy-program-prints-garbage", |world| program(world, "exec head -c 100000 /dev/urandom"))
            .ssh_fails("kex_exchange_identification")
            .at_most("likely", "proxy-command-failed", "what it leads to may have sent that"),
        by("proxy-program-prints-without-end", |world| program(world, "exec cat /dev/urandom"))
            .ssh_fails("kex_exchange_identification")
            .at_most("likely", "proxy-command-failed", "a server may send that as well"),
        by("proxy-program-prints-an-identification-and-ends", |world| {
            program(world, "printf 'SSH-2.0-OpenSSH_9.2p1\\r\\n'")
        })
        .ssh_fails(EARLY)
        .at_most("likely", "connection-dropped", "the program or the server may have ended it"),
    ]
}

fn hangs() -> Vec<Row> {
    vec![
        by("proxy-program-sleeps", |world| program(world, "exec sleep 300"))
            .ssh_fails("Connection timed out during banner exchange")
            .at_most("likely", "proxy-command-failed", "a server that says nothing leaves the same"),
        by("proxy-program-sleeps-and-ignores-sigterm", |world| {
            program(world, "trap '' TERM HUP INT; while :; do sleep 1; done")
        })
        .ssh_fails("Connection timed out during banner exchange")
        .at_most("likely", "proxy-command-failed", "a server that says nothing leaves the same"),
        by("proxy-program-sleeps-and-the-run-is-interrupted", |world| {
            program(world, "trap '' TERM HUP INT; setsid sleep 300 & while :; do sleep 1; done")
        })
        .types(&[("identification string", "\u{3}")])
        .ssh_fails("Connection timed out during banner exchange")
        .status(130)
        .at_most("possible", "undetermined", "the run was interrupted"),
        by("proxy-program-closes-its-output-and-stays", |world| program(world, "exec >&-; exec sleep 300"))
            .ssh_fails("Connection closed")
            .at_most("likely", "proxy-command-failed", "a server that closes at once leaves the same"),
        by("proxy-program-floods-without-end", |world| {
            program(world, "while :; do head -c 1000000 /dev/zero | tr '\\0' x >&2; done")
        })
        .ssh_fails("xxx")
        .at_most("likely", "proxy-command-failed", "a server that says nothing leaves the same"),
    ]
}

/// The program is good, and what is wrong lies behind it.
fn behind() -> Vec<Row> {
    vec![
        by("proxy-target-refuses-the-key", |world| {
            program(world, "exec nc \"$@\"")?;
            world.sh("rm /home/deploy/.ssh/authorized_keys").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        by("proxy-target-changed-its-host-key", |world| {
            changed(world)?;
            world.sshd("")?;
            world.login_key()?;
            world.file("/srv/proxy", "#!/bin/sh\nexec nc \"$@\"\n", 0o755)
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        by("proxy-target-key-is-open", |world| {
            program(world, "exec nc \"$@\"")?;
            world.sh(&format!("chmod 644 {KEY}")).map(drop)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .proven("key-file-permissions"),
        by("proxy-target-and-no-key", |world| {
            program(world, "exec nc \"$@\"")?;
            world.sh(&format!("rm {KEY} {PUB}")).map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("proxy-passes-descriptors", |world| good(world, ""))
            .line(&["-o", "ProxyUseFdpass=yes", "-o", "ProxyCommand=nc -F %h %p", "deploy@web1.example.org"])
            .at_most("possible", "undetermined", "a connection that a program hands over is not examined"),
    ]
}
