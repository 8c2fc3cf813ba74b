//! Rows of real proxies: SOCKS and HTTP CONNECT through nc, and ssh -W.

use super::common::DENIED;
use super::jump::{one_hop, with_options};
use crate::client::wait_for;
use crate::row::{Row, row};
use crate::scripted::{reset, say_and_close};
use crate::way::BASTION;
use crate::world::{World, read};

/// Through the web proxy on the bastion.
const WEB: &[&str] = &["-o", "ProxyCommand=nc -X connect -x 198.51.100.1:8888 %h %p", "deploy@db1.internal"];
/// Through its SOCKS proxy.
const SOCKS: &[&str] = &["-o", "ProxyCommand=nc -X 5 -x 198.51.100.1:1080 %h %p", "deploy@db1.internal"];
/// Through its sshd, as before ProxyJump.
const SSH: &[&str] = &["-o", "ProxyCommand=ssh -W [%h]:%p jump@bastion.example.org", "deploy@db1.internal"];
/// What ssh says where its program ended first.
const EARLY: &str = "UNKNOWN port 65535";
/// What it says where nothing came.
const LATE: &str = "Connection timed out during banner exchange";

/// A good target, and tinyproxy with these lines on the bastion.
fn web(world: &World, lines: &str) -> anyhow::Result<()> {
    one_hop(world, "", "")?;
    let log = BASTION.file("proxy.log");
    let config = format!("Port 8888\nListen 198.51.100.1\nTimeout 60\nMaxClients 20\nLogFile \"{log}\"\n{lines}\n");
    world.file("/srv/way/tinyproxy.conf", config, 0o644)?;
    world.sh("ip netns exec bastion tinyproxy -c /srv/way/tinyproxy.conf")?;
    wait_for("tinyproxy", || read(&log).is_ok_and(|text| text.contains("Accepting connections")))
}

/// A good target, and dante with this rule on the bastion.
fn socks(world: &World, rule: &str) -> anyhow::Result<()> {
    one_hop(world, "", "")?;
    let log = BASTION.file("proxy.log");
    let config = format!(
        "logoutput: {log}\ninternal: 198.51.100.1 port = 1080\nexternal: to-target\nclientmethod: none\nsocksmethod: none\n\
         user.privileged: root\nuser.unprivileged: nobody\n\
         client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}\nsocks {rule} {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}\n"
    );
    world.file("/srv/way/danted.conf", config, 0o644)?;
    world.sh("ip netns exec bastion danted -D -f /srv/way/danted.conf")?;
    wait_for("danted", || read(&log).is_ok_and(|text| text.contains("running")))
}

/// Rows of proxies.
pub(crate) fn rows() -> Vec<Row> {
    [works(), web_faults(), socks_faults(), by_ssh(), without()].concat()
}

fn works() -> Vec<Row> {
    vec![
        row("proxy-http-connect-works", |world| web(world, "")).line(WEB),
        row("proxy-socks-works", |world| socks(world, "pass")).line(SOCKS),
        row("proxy-ssh-works", |world| one_hop(world, "", "")).line(SSH),
        row("proxy-ssh-works-with-a-key-that-may-only-forward", |world| {
            with_options(world, "restrict,port-forwarding,permitopen=\"db1.internal:22\" ")
        })
        .line(SSH),
        row("proxy-ssh-works-without-a-shell", |world| {
            one_hop(world, "", "")?;
            world.sh("usermod -s /usr/sbin/nologin jump").map(drop)
        })
        .line(SSH),
        row("proxy-http-connect-and-the-target-refuses", |world| {
            web(world, "")?;
            world.sh("rm /srv/way/target/keys/deploy").map(drop)
        })
        .line(WEB)
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("proxy-socks-and-the-target-is-new", |world| {
            socks(world, "pass")?;
            world.sh("sed -i /^db1/d /home/a/.ssh/known_hosts").map(drop)
        })
        .line(SOCKS)
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown"),
        row("proxy-ssh-and-the-target-refuses", |world| {
            one_hop(world, "", "")?;
            world.sh("rm /srv/way/target/keys/deploy").map(drop)
        })
        .line(SSH)
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-key-accepted"),
    ]
}

fn web_faults() -> Vec<Row> {
    vec![
        row("proxy-http-forbids-the-port", |world| web(world, "ConnectPort 443"))
            .line(WEB)
            .ssh_fails("403")
            .evidence(&["403"])
            .proven("proxy-command-failed"),
        row("proxy-http-forbids-the-client", |world| web(world, "Allow 10.9.0.0/24"))
            .line(WEB)
            .ssh_fails("403")
            .evidence(&["403"])
            .proven("proxy-command-failed"),
        row("proxy-http-wants-a-password", |world| web(world, "BasicAuth user secret"))
            .line(WEB)
            .ssh_fails("407")
            .evidence(&["407"])
            .proven("proxy-command-failed"),
        row("proxy-http-does-not-reach-the-target", |world| {
            web(world, "")?;
            world.sh("kill $(cat /srv/way/target/pid)").map(drop)
        })
        .line(WEB)
        .ssh_fails("Proxy error")
        .evidence(&["Proxy error"])
        .proven("proxy-command-failed"),
        row("proxy-http-knows-no-such-name", |world| {
            web(world, "")?;
            BASTION.inside(|| world.names(3))
        })
        .line(&["-o", "ProxyCommand=nc -X connect -x 198.51.100.1:8888 %h %p", "deploy@db2.internal"])
        .ssh_fails("Proxy error")
        .evidence(&["Proxy error"])
        .proven("proxy-command-failed"),
        row("proxy-http-is-not-there", |world| one_hop(world, "", "")).line(WEB).ssh_fails(EARLY).at_most(
            "likely",
            "proxy-command-failed",
            "nc says nothing of a connection that is reset at once",
        ),
    ]
}

fn socks_faults() -> Vec<Row> {
    vec![
        row("proxy-socks-blocks", |world| socks(world, "block"))
            .line(SOCKS)
            .ssh_fails("SOCKS")
            .evidence(&["SOCKS"])
            .proven("proxy-command-failed"),
        row("proxy-socks-does-not-reach-the-target", |world| {
            socks(world, "pass")?;
            world.sh("kill $(cat /srv/way/target/pid)").map(drop)
        })
        .line(SOCKS)
        .ssh_fails("SOCKS")
        .evidence(&["SOCKS"])
        .proven("proxy-command-failed"),
        row("proxy-socks-is-no-socks", |world| web(world, ""))
            .line(&["-oConnectTimeout=2", "-oProxyCommand=nc -X 5 -x 198.51.100.1:8888 %h %p", "deploy@db1.internal"])
            .ssh_fails(LATE)
            .at_most("likely", "proxy-command-failed", "a server that says nothing leaves the same"),
    ]
}

fn by_ssh() -> Vec<Row> {
    vec![
        row("proxy-ssh-is-refused", |world| {
            one_hop(world, "", "")?;
            world.sh("rm /srv/way/bastion/keys/jump").map(drop)
        })
        .line(SSH)
        .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
        .evidence(&["Permission denied (publickey)"])
        .proven("proxy-command-failed"),
        row("proxy-ssh-may-not-forward", |world| one_hop(world, "AllowTcpForwarding no", ""))
            .line(SSH)
            .ssh_fails("stdio forwarding failed")
            .evidence(&["administratively prohibited"])
            .proven("proxy-command-failed"),
        row("proxy-ssh-does-not-reach-the-target", |world| one_hop(world, "", "Port 2222"))
            .line(SSH)
            .ssh_fails("stdio forwarding failed")
            .evidence(&["Connection refused"])
            .proven("proxy-command-failed"),
        row("proxy-ssh-and-the-bastion-lacks-the-program", |world| one_hop(world, "", ""))
            .line(&["-o", "ProxyCommand=ssh jump@bastion.example.org nosuch %h %p", "deploy@web1.example.org"])
            .ssh_fails("nosuch")
            .evidence(&["nosuch"])
            .proven("proxy-command-failed"),
        row("proxy-ssh-and-the-bastion-changed-its-host-key", |world| {
            one_hop(world, "", "")?;
            super::jump::changed(world, BASTION, "bastion.example.org")
        })
        .line(SSH)
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .evidence(&["Host key verification failed"])
        .proven("proxy-command-failed"),
        row("proxy-ssh-and-the-bastion-has-no-such-name", |world| {
            one_hop(world, "", "")?;
            world.names(3)
        })
        .line(&["-o", "ProxyCommand=ssh -W %h:%p jump@gate.example.com", "deploy@db1.internal"])
        .ssh_fails("Could not resolve hostname gate.example.com")
        .evidence(&["Could not resolve hostname gate.example.com"])
        .proven("proxy-command-failed"),
    ]
}

/// nc with no proxy at all.
fn without() -> Vec<Row> {
    vec![
        row("proxy-nc-to-a-closed-port", |world| one_hop(world, "", ""))
            .line(&["-o", "ProxyCommand=nc %h %p", "deploy@web1.example.org"])
            .ssh_fails(EARLY)
            .at_most("likely", "proxy-command-failed", "a server that resets the connection at once leaves the same"),
        row("proxy-nc-to-a-closed-port-in-words", |world| one_hop(world, "", ""))
            .line(&["-o", "ProxyCommand=nc -v %h %p", "deploy@web1.example.org"])
            .ssh_fails("Connection refused")
            .evidence(&["Connection refused"])
            .proven("proxy-command-failed"),
        row("proxy-nc-to-no-such-name", |world| {
            one_hop(world, "", "")?;
            world.names(3)
        })
        .line(&["-o", "ProxyCommand=nc %h %p", "deploy@nowhere.example.com"])
        .ssh_fails("Name or service not known")
        .evidence(&["Name or service not known"])
        .proven("proxy-command-failed"),
        row("proxy-nc-and-the-server-resets-at-once", |world| {
            one_hop(world, "", "")?;
            world.scripted("192.0.2.7:22", |stream| reset(&stream))
        })
        .line(&["-oConnectTimeout=2", "-oProxyCommand=nc %h %p", "deploy@web1.example.org"])
        .ssh_fails(EARLY)
        .no_evidence(&["the server takes the connection"])
        .at_most("likely", "connection-dropped", "nc may have ended the connection itself"),
        // nc stays where the server goes.
        row("proxy-nc-and-the-server-closes-at-once", |world| {
            one_hop(world, "", "")?;
            world.scripted("192.0.2.7:22", |stream| say_and_close(stream, b""))
        })
        .line(&["-oConnectTimeout=2", "-oProxyCommand=nc %h %p", "deploy@web1.example.org"])
        .ssh_fails(LATE)
        .at_most("likely", "proxy-command-failed", "the program or the server says nothing"),
        row("proxy-nc-and-a-web-server", |world| {
            one_hop(world, "", "")?;
            world.scripted("192.0.2.7:22", |stream| {
                say_and_close(stream, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n");
            })
        })
        .line(&["-oConnectTimeout=2", "-oProxyCommand=nc %h %p", "deploy@web1.example.org"])
        .ssh_fails(LATE)
        .evidence(&["HTTP/1.1 400 Bad Request"])
        .at_most("likely", "not-ssh-server", "the program may have printed that"),
    ]
}
