//! Rows of forwarded agents. On the bastion: the client's shell was itself reached by ssh, from where its owner's agent
//! runs or does not. At home: ssh is asked to take the agent along.

use std::process::Stdio;

use crate::client::wait_for;
use crate::row::{Row, row};
use crate::world::{World, read};

use super::common::{DENIED, good};

/// Where the agent of the person's own machine listens, which is root's here.
const AT_HOME: &str = "/root/agent";
/// How that person's ssh comes to the client's account.
const COME: &str = "ssh -F none -i /srv/home -o IdentitiesOnly=yes -o BatchMode=yes \
                    -o UserKnownHostsFile=/home/a/.ssh/known_hosts";

/// A server, and a key with these options that opens the client's own account from elsewhere.
fn bastion(world: &World, lines: &str, options: &str) -> anyhow::Result<()> {
    world.server(lines)?;
    world.key("/srv/home", &["-C", "a@laptop"])?;
    let line = format!("{options}{}", read("/srv/home.pub")?);
    world.file("/home/a/.ssh/authorized_keys", line, 0o600)
}

/// An agent where the person comes from, with these keys.
fn agent_at_home(world: &World, keys: &[&str]) -> anyhow::Result<()> {
    world.sh(&format!("ssh-agent -D -a {AT_HOME} >/dev/null 2>&1 & echo $! >/root/agent.pid"))?;
    wait_for("the agent", || std::path::Path::new(AT_HOME).exists())?;
    for key in keys {
        world.key(key, &["-C", "a@laptop"])?;
        world.sh(&format!("SSH_AUTH_SOCK={AT_HOME} ssh-add -q {key}"))?;
    }
    Ok(())
}

/// Comes to the client's account with these words behind ssh, and makes what that shell is told of its origin and its
/// agent the client's environment. The login lasts.
fn come(world: &mut World, agent: &str, words: &str) -> anyhow::Result<()> {
    let script = format!(
        "echo $$ >/root/ssh.pid; {agent} exec {COME} {words} a@web1.example.org \
         'echo \"$PPID $SSH_AUTH_SOCK\" >/tmp/agent; echo \"$SSH_CONNECTION\" >/tmp/from; sleep 1000'"
    );
    std::process::Command::new("/bin/sh")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    wait_for("the login", || read("/tmp/from").is_ok_and(|text| text.ends_with('\n')))?;
    world.environment.push(("SSH_CONNECTION".to_owned(), read("/tmp/from")?.trim_end().to_owned()));
    let agent = read("/tmp/agent")?;
    if let Some((_, socket)) = agent.trim_end().split_once(' ').filter(|(_, socket)| !socket.is_empty()) {
        world.environment.push(("SSH_AUTH_SOCK".to_owned(), socket.to_owned()));
    }
    Ok(())
}

/// The same with the agent at home.
fn come_with_agent(world: &mut World) -> anyhow::Result<()> {
    come(world, &format!("SSH_AUTH_SOCK={AT_HOME}"), "-A")
}

/// A login with an agent that holds the key that opens.
fn good_agent(world: &mut World) -> anyhow::Result<()> {
    bastion(world, "", "")?;
    agent_at_home(world, &["/srv/kept"])?;
    world.authorize("/srv/kept.pub")?;
    come_with_agent(world)
}

/// Rows of forwarded agents.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = none_came();
    rows.extend(came());
    rows.extend(dead());
    rows.extend(taken_along());
    rows
}

const FROM: &str = "you came from 192.0.2.100 and no agent came with you";

fn none_came() -> Vec<Row> {
    vec![
        row("agent-fwd-not-asked-for", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &["/srv/kept"])?;
            come(world, &format!("SSH_AUTH_SOCK={AT_HOME}"), "")
        })
        .ssh_fails(DENIED)
        .proven("no-identities")
        .evidence(&[
            FROM,
            "likeliest first, 1: nobody asked for it",
            "the sshd_config here does not forbid it",
        ]),
        row("agent-fwd-forbidden-here", |world| {
            bastion(world, "AllowAgentForwarding no", "")?;
            agent_at_home(world, &["/srv/kept"])?;
            come_with_agent(world)
        })
        .ssh_fails(DENIED)
        .proven("no-identities")
        .evidence(&[
            FROM,
            "likeliest first, 1: the sshd of this machine refuses to forward agents: AllowAgentForwarding no",
        ])
        .incident(),
        row("agent-fwd-forbidden-by-the-key", |world| {
            bastion(world, "", "restrict,pty ")?;
            agent_at_home(world, &["/srv/kept"])?;
            come_with_agent(world)
        })
        .ssh_fails(DENIED)
        .proven("no-identities")
        .evidence(&[FROM, "restrict, no-agent-forwarding"]),
        row("agent-fwd-no-agent-at-home", |world| {
            bastion(world, "", "")?;
            come(world, "", "-A")
        })
        .ssh_fails(DENIED)
        .proven("no-identities")
        .evidence(&[FROM, "there was no agent at 192.0.2.100"]),
        row("agent-fwd-none-and-a-key-here", |world| {
            bastion(world, "", "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            come(world, "", "")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .evidence(&["the keys are of this machine (laptop): you came from 192.0.2.100 and no agent came with you"]),
        row("agent-fwd-none-and-no-target", |world| {
            bastion(world, "", "")?;
            come(world, "", "")
        })
        .checkup(&["ssh has no key to offer to any host"])
        .proven("no-identities")
        .evidence(&[FROM]),
        row("agent-fwd-over-a-master-without", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &["/srv/kept"])?;
            world.sh(&format!("{COME} -fN -M -S /root/master a@web1.example.org"))?;
            come(world, &format!("SSH_AUTH_SOCK={AT_HOME}"), "-A -S /root/master")
        })
        .ssh_fails(DENIED)
        .proven("no-identities")
        .evidence(&[FROM, "over a shared connection (ControlMaster) only if its first login asked"]),
    ]
}

fn came() -> Vec<Row> {
    vec![
        row("agent-fwd-opens", good_agent),
        row("agent-fwd-empty", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &[])?;
            come_with_agent(world)
        })
        .ssh_fails(DENIED)
        .proven("no-identities")
        .evidence(&["is a forwarded one: it runs at 192.0.2.100"]),
        row("agent-fwd-asks-there-and-gets-no-answer", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &[])?;
            world.key("/srv/kept", &[])?;
            world.authorize("/srv/kept.pub")?;
            world.sh(&format!("SSH_AUTH_SOCK={AT_HOME} ssh-add -q -c /srv/kept"))?;
            come_with_agent(world)
        })
        .ssh_fails("agent refused operation")
        .proven("agent-refused-to-sign")
        .evidence(&["forwarded from 192.0.2.100, where it runs"])
        .mended_by("export SSH_AUTH_SOCK=/root/agent; ssh-add -q -D; ssh-add -q /srv/kept"),
        // The key may go from there to this machine, and no further.
        row("agent-fwd-no-further-than-here", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &[])?;
            world.key("/srv/kept", &[])?;
            world.authorize("/srv/kept.pub")?;
            // The next host has another key, or the constraint would hold for it too.
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/db")?;
            let db = read("/srv/db.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("db1.example.org {}", db.trim_end()))?;
            let add =
                "ssh-add -q -H /home/a/.ssh/known_hosts -h web1.example.org -h 'web1.example.org>db1.example.org'";
            world.sh(&format!("SSH_AUTH_SOCK={AT_HOME} {add} /srv/kept"))?;
            come_with_agent(world)
        })
        .ssh_fails(DENIED)
        .proven("agent-key-constrained"),
        row("agent-fwd-not-to-be-used-from-here", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &[])?;
            world.key("/srv/kept", &[])?;
            world.authorize("/srv/kept.pub")?;
            let add = "ssh-add -q -H /home/a/.ssh/known_hosts -h web1.example.org /srv/kept";
            world.sh(&format!("SSH_AUTH_SOCK={AT_HOME} {add}"))?;
            come_with_agent(world)
        })
        .ssh_fails(DENIED)
        .proven("no-identities")
        .evidence(&["holds no key, or none that may be used from here (ssh-add -h)"]),
        row("agent-fwd-lacks-the-key", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &["/srv/one", "/srv/two", "/srv/three"])?;
            world.key("/srv/meant", &[])?;
            world.authorize("/srv/meant.pub")?;
            come_with_agent(world)
        })
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key")
        .mended_by("SSH_AUTH_SOCK=/root/agent ssh-add -q /srv/meant"),
    ]
}

fn dead() -> Vec<Row> {
    vec![
        row("agent-fwd-login-over", |world| {
            good_agent(world)?;
            let socket = read("/tmp/agent")?.trim_end().split_once(' ').map(|(_, socket)| socket.to_owned());
            world.sh("kill $(cat /root/ssh.pid)")?;
            wait_for("the end of the login", || {
                socket.as_ref().is_some_and(|path| !std::path::Path::new(path).exists())
            })
        })
        .ssh_fails(DENIED)
        .proven("agent-unreachable")
        .evidence(&["the login from 192.0.2.100 that brought this agent has ended"]),
        row("agent-fwd-login-killed", |world| {
            good_agent(world)?;
            world.sh("kill -9 $(cut -d ' ' -f 1 /tmp/agent)").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("agent-unreachable")
        .evidence(&["nobody listens there any more", "the login from 192.0.2.100 that brought it has ended"]),
        row("agent-fwd-agent-ended-at-home", |world| {
            good_agent(world)?;
            world.sh("kill $(cat /root/agent.pid)").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("agent-unreachable")
        .evidence(&["closes the connection unanswered", "at 192.0.2.100 nobody takes up"])
        .incident(),
        row("agent-fwd-over-an-old-master", |world| {
            bastion(world, "", "")?;
            agent_at_home(world, &["/srv/kept"])?;
            world.authorize("/srv/kept.pub")?;
            world.sh(&format!("SSH_AUTH_SOCK={AT_HOME} {COME} -fN -A -M -S /root/master a@web1.example.org"))?;
            world.sh("kill $(cat /root/agent.pid); ssh-agent -a /root/newer >/dev/null")?;
            world.sh("SSH_AUTH_SOCK=/root/newer ssh-add -q /srv/kept")?;
            come(world, "SSH_AUTH_SOCK=/root/newer", "-A -S /root/master")
        })
        .ssh_fails(DENIED)
        .proven("agent-unreachable")
        .evidence(&["closes the connection unanswered", "goes by the agent of its first login"]),
        row("agent-fwd-by-an-old-link", |world| {
            good_agent(world)?;
            let socket =
                world.environment.iter().find(|(name, _)| name == "SSH_AUTH_SOCK").map(|(_, path)| path.clone());
            world.sh(&format!("ln -s {} /home/a/.ssh/sock", socket.unwrap_or_default()))?;
            world.sh("kill $(cat /root/ssh.pid)")?;
            world.environment.retain(|(name, _)| name != "SSH_AUTH_SOCK");
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/home/a/.ssh/sock".to_owned()));
            wait_for("the end of the login", || !std::path::Path::new("/home/a/.ssh/sock").exists())
        })
        .ssh_fails(DENIED)
        .proven("agent-unreachable")
        .evidence(&["that brought this agent has ended", "/home/a/.ssh/sock leads to /tmp/ssh-"]),
    ]
}

/// The default key in an agent of the client's own as well.
fn with_agent(world: &mut World) -> anyhow::Result<()> {
    world.agent()?;
    world.ssh_add(&["/home/a/.ssh/id_ed25519"])
}

fn taken_along() -> Vec<Row> {
    vec![
        row("agent-fwd-granted", |world| {
            good(world, "")?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"]),
        // sshd runs it before the command; it hangs there if its request is not answered.
        row("agent-fwd-used-at-once", |world| {
            good(world, "")?;
            world.file("/home/deploy/.ssh/rc", "ssh-add -l >/dev/null 2>&1\n", 0o600)?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"]),
        row("agent-fwd-refused-by-the-server", |world| {
            good(world, "AllowAgentForwarding no")?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"])
        .remark("session")
        .incident(),
        row("agent-fwd-refused-by-the-key", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("restrict,pty ", "/home/a/.ssh/id_ed25519.pub")?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"])
        .remark("session")
        .incident(),
        row("agent-fwd-refused-by-openssh-10", |world| {
            world.server_of("10.0", "AllowAgentForwarding no")?;
            world.login_key()?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"])
        .remark("session"),
        row("agent-fwd-asked-of-dropbear", |world| {
            world.dropbear(&["-s"])?;
            world.login_key()?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"]),
        row("agent-fwd-asked-of-tinysshd", |world| {
            world.tinysshd()?;
            world.login_key()?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"])
        .remark("session"),
        row("agent-fwd-asked-of-asyncssh", |world| {
            world.python("asyncssh", "")?;
            world.login_key()?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"]),
        row("agent-fwd-asked-of-paramiko", |world| {
            world.python("paramiko", "")?;
            world.login_key()?;
            with_agent(world)
        })
        .line(&["-A", "deploy@web1.example.org"]),
        row("agent-fwd-none-to-take", |world| good(world, ""))
            .line(&["-A", "deploy@web1.example.org"])
            .remark("session"),
        row("agent-fwd-empty-one-taken", |world| {
            good(world, "")?;
            world.agent()
        })
        .line(&["-A", "deploy@web1.example.org"])
        .remark("session"),
        row("agent-fwd-over-the-own-master", |world| {
            good(world, "")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])?;
            world.config("ControlPath /tmp/master-%C")?;
            let made = world.as_client("ssh", &["-fN", "-M", "deploy@web1.example.org"]).status()?;
            anyhow::ensure!(made.success(), "no shared connection");
            Ok(())
        })
        .line(&["-A", "deploy@web1.example.org"])
        .remark("session")
        .incident(),
    ]
}
