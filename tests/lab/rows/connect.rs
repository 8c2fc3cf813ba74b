//! Rows that end before the identification string, or with something else in its place.

use std::io::Read as _;

use crate::row::{Row, row};
use crate::scripted::{reset, say_and_close, say_and_wait};
use crate::world::World;

/// The client has a key; what fails lies before it.
fn key(world: &mut World) -> anyhow::Result<()> {
    world.key("/home/a/.ssh/id_ed25519", &[])
}

/// Rows of resolving and connecting.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = resolving();
    rows.extend(connecting());
    rows.extend(identification());
    rows
}

fn resolving() -> Vec<Row> {
    vec![
        row("name-that-does-not-resolve", |world| {
            key(world)?;
            world.names(3)
        })
        .line(&["deploy@nowhere.example.org"])
        .ssh_fails("Could not resolve hostname nowhere.example.org: Name or service not known")
        .proven("host-not-found")
        .fixture(),
        row("alias-one-letter-off", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("Host staging\n    HostName web1.example.org\n    User deploy")?;
            world.names(3)
        })
        .line(&["stagign"])
        .ssh_fails("Could not resolve hostname stagign")
        .at_most("likely", "host-alias-misspelt", "a name may be like an alias and be meant all the same")
        .fixture(),
        row("known-name-one-letter-off", |world| {
            world.server("")?;
            world.login_key()?;
            world.names(3)
        })
        .line(&["deploy@web1.exmaple.org"])
        .ssh_fails("Could not resolve hostname web1.exmaple.org")
        .at_most(
            "likely",
            "host-alias-misspelt",
            "a name may be like a known host's and be meant all the same",
        ),
        row("name-server-fails", |world| {
            key(world)?;
            world.names(2)
        })
        .line(&["deploy@db1.example.org"])
        .ssh_fails("Temporary failure in name resolution")
        .proven("dns-failure")
        .fixture(),
        row("name-server-not-there", key)
            .line(&["deploy@db1.example.org"])
            .ssh_fails("Temporary failure in name resolution")
            .proven("dns-failure"),
    ]
}

fn connecting() -> Vec<Row> {
    vec![
        row("nothing-listens", key).ssh_fails("port 22: Connection refused").proven("connection-refused").fixture(),
        row("sshd-on-another-port", |world| {
            world.server("Port 2222")?;
            world.login_key()
        })
        .ssh_fails("port 22: Connection refused")
        .proven("connection-refused"),
        row("packets-dropped", |world| {
            key(world)?;
            world.dropping("192.0.2.7:22")
        })
        .line(&["-oConnectTimeout=2", "deploy@web1.example.org"])
        .ssh_fails("port 22: Connection timed out")
        .proven("connection-timeout")
        .fixture(),
        row("ipv6-stalls-and-ipv4-works", |world| {
            world.server("")?;
            world.login_key()?;
            world.append("/etc/hosts", "2001:db8::8 web1.example.org")?;
            world.dropping("[2001:db8::8]:22")
        })
        .ssh_hangs()
        .proven("ipv6-broken")
        .mended_by("sed -i /2001:db8::8/d /etc/hosts")
        .fixture(),
        row("no-route", |world| {
            key(world)?;
            world.append("/etc/hosts", "203.0.113.9 db1.example.org")
        })
        .line(&["deploy@db1.example.org"])
        .ssh_fails("port 22: Network is unreachable")
        .proven("network-unreachable")
        .fixture(),
        row("host-unreachable", |world| {
            key(world)?;
            world.append("/etc/hosts", "203.0.113.9 db1.example.org")?;
            world.sh("ip route add unreachable 203.0.113.9").map(drop)
        })
        .line(&["deploy@db1.example.org"])
        .ssh_fails("port 22: No route to host")
        .proven("network-unreachable"),
        row("connecting-forbidden-here", |world| {
            key(world)?;
            world.append("/etc/hosts", "203.0.113.9 db1.example.org")?;
            world.sh("ip route add prohibit 203.0.113.9").map(drop)
        })
        .line(&["deploy@db1.example.org"])
        .ssh_fails("port 22: Permission denied")
        .proven("connect-blocked-locally")
        .fixture(),
        row("bound-to-an-address-of-another-network", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("BindAddress 198.51.100.99")
        })
        .ssh_fails("bind 198.51.100.99: Cannot assign requested address")
        .proven("bind-address-unusable")
        .mended_by("rm /home/a/.ssh/config")
        .fixture(),
        row("bound-to-an-interface-that-is-gone", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("BindInterface tun0")
        })
        .ssh_fails("failure")
        .proven("bind-address-unusable")
        .mended_by("rm /home/a/.ssh/config"),
    ]
}

fn identification() -> Vec<Row> {
    let quick: &[&str] = &["-oConnectTimeout=2", "deploy@web1.example.org"];
    vec![
        row("web-server", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| {
                say_and_close(stream, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n");
            })
        })
        .ssh_fails("Connection closed by remote host")
        .proven("not-ssh-server")
        .fixture(),
        row("tls-server", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| say_and_close(stream, b"\x15\x03\x03\x00\x02\x02\x46"))
        })
        .ssh_fails("kex_exchange_identification")
        .proven("not-ssh-server"),
        row("mail-server", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| say_and_wait(stream, b"220 mx.example.org ESMTP Postfix\r\n"))
        })
        .line(quick)
        .ssh_fails("timed out")
        .proven("not-ssh-server"),
        row("silent-server", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| say_and_wait(stream, b""))
        })
        .line(quick)
        .ssh_fails("Connection timed out during banner exchange")
        .proven("banner-timeout")
        .fixture(),
        row("closed-at-once", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| say_and_close(stream, b""))
        })
        .ssh_fails("kex_exchange_identification: Connection closed by remote host")
        .proven("connection-dropped")
        .fixture(),
        row("reset-at-once", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| reset(&stream))
        })
        .ssh_fails("Connection reset by")
        .proven("connection-dropped"),
        row("hosts-deny", |world| {
            world.server("")?;
            world.login_key()?;
            world.file("/etc/hosts.deny", "sshd: ALL\n", 0o644)
        })
        // libwrap hangs up after five seconds.
        .line(&["-oConnectTimeout=9", "deploy@web1.example.org"])
        .ssh_fails("kex_exchange_identification")
        .proven("connection-dropped")
        .mended_by("rm /etc/hosts.deny"),
        row("max-startups", |world| {
            world.server("MaxStartups 1:100:1")?;
            world.login_key()?;
            // One connection that never logs in is as many as this server takes.
            let mut held = std::net::TcpStream::connect("192.0.2.7:22")?;
            held.read_exact(&mut [0; 4])?;
            std::mem::forget(held);
            Ok(())
        })
        .ssh_fails("kex_exchange_identification")
        .proven("max-startups")
        .fixture(),
        row("not-allowed-at-this-time", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| say_and_close(stream, b"Not allowed at this time\r\n"))
        })
        .ssh_fails("Connection closed by remote host")
        .at_most("likely", "source-penalised", "MaxStartups says the same in recent OpenSSH")
        .fixture(),
        row("ssh-protocol-1", |world| {
            key(world)?;
            world.scripted("192.0.2.7:22", |stream| say_and_wait(stream, b"SSH-1.5-Cisco-1.25\n"))
        })
        .ssh_fails("Protocol major versions differ: 2 vs. 1")
        .proven("ssh-protocol-1-only")
        .fixture(),
    ]
}
