//! Rows of the server's side: connections that are dropped unheard, and addresses that are kept out.

use std::io::Read as _;
use std::net::TcpStream;

use super::common::{good, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// What the client waits for; libwrap hangs up after five seconds.
const PATIENT: &[&str] = &["-oConnectTimeout=9", "deploy@web1.example.org"];
/// What ssh says of a connection that is closed in place of an identification string.
const CLOSED: &str = "kex_exchange_identification";

/// Rows of what the whole machine refuses.
pub(crate) fn rows() -> Vec<Row> {
    [startups(), wrappers(), walls()].concat()
}

/// A connection that never logs in.
fn held() -> anyhow::Result<TcpStream> {
    let mut held = TcpStream::connect("192.0.2.7:22")?;
    held.read_exact(&mut [0; 4])?;
    Ok(held)
}

/// A good server with these lines and one connection that never logs in.
fn occupied(world: &World, lines: &str) -> anyhow::Result<()> {
    good(world, lines)?;
    std::mem::forget(held()?);
    Ok(())
}

/// A login that is tried before, from this address.
fn tried(world: &World, from: &str) -> anyhow::Result<()> {
    world.as_client("ssh", &["-oBatchMode=yes", "-b", from, "deploy@web1.example.org", "true"]).output()?;
    Ok(())
}

fn startups() -> Vec<Row> {
    vec![
        on_server("server-max-startups", |world| occupied(world, "MaxStartups 1:100:1"))
            .ssh_fails(CLOSED)
            .log("past MaxStartups")
            .proven("max-startups")
            .mended_by("")
            .printed(),
        on_server("server-max-startups-by-source", |world| occupied(world, "PerSourceMaxStartups 1"))
            .ssh_fails(CLOSED)
            .log("past MaxStartups")
            .proven("max-startups")
            .mended_by("")
            .printed(),
        on_server("server-max-startups-and-a-locked-account", |world| {
            on_this_server(world, "UsePAM no\nMaxStartups 1:100:1", "usermod -p '!*' deploy")?;
            std::mem::forget(held()?);
            Ok(())
        })
        .ssh_fails(CLOSED)
        .proven("max-startups")
        .also(&["server-account-locked"])
        .mended_by("")
        .then(crate::row::Ssh::Ends(255, super::common::DENIED))
        .printed(),
        on_server("server-max-startups-a-moment-ago", |world| {
            good(world, "MaxStartups 1:100:1")?;
            let held = held()?;
            tried(world, "192.0.2.100")?;
            drop(held);
            std::thread::sleep(std::time::Duration::from_millis(300));
            Ok(())
        }),
        on_server("server-max-startups-of-another-address", |world| {
            good(world, "MaxStartups 1:100:1")?;
            let held = held()?;
            tried(world, "192.0.2.8")?;
            drop(held);
            std::thread::sleep(std::time::Duration::from_millis(300));
            Ok(())
        }),
        on_server("server-max-startups-before-a-reload", |world| {
            occupied(world, "MaxStartups 1:100:1")?;
            tried(world, "192.0.2.100")?;
            std::thread::sleep(std::time::Duration::from_millis(1100));
            world
                .sh("sed -i '/^MaxStartups/d' /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid); sleep 0.3")
                .map(drop)
        }),
    ]
}

/// What libwrap's files say. They are read for each connection.
fn wrapped(world: &World, allow: &str, deny: &str) -> anyhow::Result<()> {
    good(world, "")?;
    for (path, text) in [("/etc/hosts.allow", allow), ("/etc/hosts.deny", deny)] {
        if !text.is_empty() {
            world.file(path, text, 0o644)?;
        }
    }
    Ok(())
}

/// A client that libwrap keeps out.
fn denied(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).line(PATIENT).ssh_fails(CLOSED).proven("source-banned").mended_by("").printed()
}

/// A client that libwrap lets in.
fn open(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).line(PATIENT)
}

fn wrappers() -> Vec<Row> {
    vec![
        denied("server-hosts-deny-all", |world| wrapped(world, "", "ALL: ALL\n")).log("refused connect from").fixture(),
        denied("server-hosts-deny-address", |world| {
            wrapped(world, "", "# banned\nsshd: 198.51.100.7\nsshd: 192.0.2.100\n")
        }),
        denied("server-hosts-deny-network-no-log", |world| {
            wrapped(world, "", "sshd, vsftpd : 192.0.2.0/255.255.255.0\n")
        })
        .without_log(),
        denied("server-hosts-deny-but-for-others", |world| {
            wrapped(world, "sshd: 198.51.100.\n", "sshd: ALL EXCEPT 198.51.100.0/24\n")
        }),
        denied("server-hosts-allow-that-denies", |world| wrapped(world, "sshd: 192.0.2.0/24: deny\nsshd: ALL\n", "")),
        denied("server-hosts-deny-by-name", |world| {
            wrapped(world, "", "sshd: laptop\n")?;
            std::thread::sleep(std::time::Duration::from_millis(1100));
            Ok(())
        })
        .log("refused connect from laptop"),
        denied("server-hosts-deny-and-a-key-not-listed", |world| {
            wrapped(world, "", "sshd: 192.0.2.\n")?;
            world.sh(": >/home/deploy/.ssh/authorized_keys").map(drop)
        })
        .also(&["server-key-not-listed"])
        .then(crate::row::Ssh::Ends(255, super::common::DENIED)),
        open("server-hosts-deny-by-name-no-log", |world| wrapped(world, "", "sshd: laptop\n"))
            .ssh_fails(CLOSED)
            .without_log()
            .at_most("likely", "nothing-found", "the client's name is not looked up"),
        open("server-hosts-allow-before-deny", |world| wrapped(world, "sshd: 192.0.2.\n", "ALL: ALL\n")),
        open("server-hosts-allow-before-deny-no-log", |world| wrapped(world, "sshd: 192.0.2.\n", "ALL: ALL\n"))
            .without_log(),
        open("server-hosts-deny-another-service", |world| wrapped(world, "", "vsftpd: ALL\nALL EXCEPT sshd: ALL\n")),
        open("server-hosts-deny-but-not-this-one", |world| wrapped(world, "", "sshd: ALL EXCEPT 192.0.2.0/24\n"))
            .without_log(),
        open("server-hosts-deny-lifted", |world| {
            wrapped(world, "", "sshd: ALL\n")?;
            world.as_client("ssh", PATIENT).output()?;
            world.sh("rm /etc/hosts.deny").map(drop)
        })
        .without_log(),
    ]
}

/// A good server behind these commands of nft.
fn behind(world: &World, rules: &str) -> anyhow::Result<()> {
    good(world, "")?;
    world.file("/srv/rules", rules, 0o600)?;
    world.sh("nft -f /srv/rules").map(drop)
}

fn walls() -> Vec<Row> {
    vec![
        on_server("server-banned-by-a-set", |world| {
            behind(
                world,
                "table inet f2b-table {
                     set addr-set-sshd { type ipv4_addr; elements = { 198.51.100.7, 192.0.2.100 }; }
                     chain f2b-chain {
                         type filter hook input priority filter - 1; policy accept;
                         tcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable
                     }
                 }",
            )
        })
        .ssh_fails("Connection refused")
        .proven("source-banned")
        .mended_by("")
        .printed(),
        on_server("server-banned-by-a-rule", |world| {
            behind(
                world,
                "table inet filter { chain input {
                     type filter hook input priority filter; policy accept;
                     ct state established,related accept
                     ip saddr { 192.0.2.100, 198.51.100.7 } counter reject with tcp reset comment \"banned\"
                 }
                 }",
            )
        })
        .ssh_fails("Connection refused")
        .proven("source-banned")
        .mended_by("nft flush ruleset"),
        on_server("server-banned-by-a-rule-of-another-chain", |world| {
            behind(
                world,
                "table inet filter {
                     chain banned { ip saddr 192.0.2.100 reject with tcp reset; }
                     chain input { type filter hook input priority filter; policy accept; ip daddr 192.0.2.7 tcp dport 22 jump banned; }
                 }",
            )
        })
        .ssh_fails("Connection refused")
        .at_most("likely", "source-banned", "whether the chain is reached is not seen")
        .mended_by("nft flush ruleset"),
        on_server("server-another-address-banned", |world| {
            behind(
                world,
                "table inet f2b-table {
                     set addr-set-sshd { type ipv4_addr; elements = { 192.0.2.10, 192.0.2.8 }; }
                     chain f2b-chain {
                         type filter hook input priority filter - 1; policy accept;
                         tcp dport 22 ip saddr @addr-set-sshd reject
                     }
                 }",
            )
        }),
        on_server("server-address-let-in-by-the-firewall", |world| {
            behind(
                world,
                "table inet filter { chain input {
                     type filter hook input priority filter; policy accept;
                     ip saddr 192.0.2.100 tcp dport 22 accept
                     ip saddr 192.0.2.0/24 tcp dport 22 drop
                 }
                 }",
            )
        }),
        on_server("server-address-banned-behind-a-door", |world| {
            behind(
                world,
                "table inet filter { chain input {
                     type filter hook input priority filter; policy accept;
                     iifname \"lo\" accept
                     ip saddr 192.0.2.100 drop
                 }
                 }",
            )
        }),
    ]
}
