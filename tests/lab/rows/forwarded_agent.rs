//! Rows of agents that are forwarded for real: from the laptop through a bastion, and in a shell on the bastion.

use std::process::Stdio;

use super::common::DENIED;
use super::jump::{KEY, PUB, one_hop};
use crate::row::{Row, row};
use crate::way::{BASTION, TARGET};
use crate::world::World;

/// Where the key is that opens the target and is loaded nowhere.
const MEANT: &str = "/srv/kept/deploy";
/// The socket of the client's agent.
const SOCKET: &str = "/tmp/ssh-XXXXagent/agent.7";

/// A bastion with these lines and a target with its own key; the client has an agent with three keys, the first of which
/// opens the bastion and none the target.
fn three_keys(world: &mut World, bastion: &str) -> anyhow::Result<()> {
    world.way()?;
    let keys = ["a@laptop", "a@git", "a@home-server"].map(|name| (name, format!("/home/a/.ssh/{name}")));
    for (comment, path) in &keys {
        world.key(path, &["-C", comment])?;
    }
    world.let_in(BASTION, "/home/a/.ssh/a@laptop.pub")?;
    world.agent_with(&keys.each_ref().map(|(_, path)| path.as_str()))?;
    world.key(MEANT, &["-C", "deploy-2026"])?;
    world.let_in(TARGET, &format!("{MEANT}.pub"))?;
    servers(world, bastion)
}

/// A bastion with these lines and a target, both of which let in the key that is in the client's agent.
fn one_key(world: &mut World, bastion: &str) -> anyhow::Result<()> {
    one_hop(world, bastion, "")?;
    on_the_bastion_known(world)?;
    world.agent_with(&[KEY])
}

/// The same, and the key is in its file and in no agent.
fn key_file(world: &World, bastion: &str) -> anyhow::Result<()> {
    one_hop(world, bastion, "")?;
    on_the_bastion_known(world)
}

fn servers(world: &World, bastion: &str) -> anyhow::Result<()> {
    on_the_bastion_known(world)?;
    world.sshd_at(BASTION, bastion)?;
    world.sshd_at(TARGET, "")
}

/// The account on the bastion knows the target.
fn on_the_bastion_known(world: &World) -> anyhow::Result<()> {
    world.file("/home/jump/.ssh/known_hosts", "", 0o600)?;
    world.sh("sed -n '/^db1/p' /home/a/.ssh/known_hosts >/home/jump/.ssh/known_hosts").map(drop)
}

/// From here on all is typed on the bastion, where the client came with these options; `words` stand before what is typed.
fn on_the_bastion(world: &mut World, options: &[&str], words: &[&str]) {
    let line = ["ssh"].iter().chain(options).chain(&["jump@bastion.example.org"]).chain(words);
    world.over = line.map(|word| (*word).to_owned()).collect();
}

/// A key of the bastion's own account, which the target lets in or not.
fn own_key(world: &World, let_in: bool) -> anyhow::Result<()> {
    world.key("/home/jump/.ssh/id_ed25519", &["-C", "jump@bastion"])?;
    if let_in {
        world.let_in(TARGET, "/home/jump/.ssh/id_ed25519.pub")?;
    }
    Ok(())
}

/// The key that opens both is in the agent, to be used there and from there as `hops` say.
fn constrained(world: &mut World, hops: &[&str]) -> anyhow::Result<()> {
    key_file(world, "")?;
    world.agent()?;
    let mut words = Vec::new();
    for hop in hops {
        words.extend(["-h", hop]);
    }
    words.push(KEY);
    world.ssh_add(&words)?;
    world.put_away(KEY)
}

/// A master of the client's for the bastion, with these options.
fn master(world: &World, options: &[&str]) -> anyhow::Result<()> {
    world.config("Host bastion.example.org\n    ControlPath /tmp/master-%C")?;
    let mut line = vec!["-o", "ControlMaster=yes", "-fN"];
    line.extend(options);
    line.push("jump@bastion.example.org");
    // A master in the background keeps what it has inherited.
    let status = world.as_client("ssh", &line).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "the master did not log in");
    Ok(())
}

/// Rows of forwarded agents.
pub(crate) fn rows() -> Vec<Row> {
    [incident(), comes(), comes_not(), gone(), masters(), bound(), at_home()].concat()
}

/// The key of the denied hosts is loaded nowhere; what is seen of that from both places.
fn incident() -> Vec<Row> {
    vec![
        row("agent-fwd-incident-on-the-laptop", |world| three_keys(world, ""))
            .line(&["-A", "-J", "jump@bastion.example.org", "deploy@db1.internal"])
            .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
            .proven("agent-lacks-accepted-key")
            .typed_on("client")
            .mended_by("SSH_AUTH_SOCK=/tmp/ssh-XXXXagent/agent.7 ssh-add -q /srv/kept/deploy")
            .incident(),
        row("agent-fwd-incident-on-the-bastion", |world| {
            three_keys(world, "")?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("agent-lacks-accepted-key")
        .typed_on("agent-host")
        .mended_by("SSH_AUTH_SOCK=/tmp/ssh-XXXXagent/agent.7 ssh-add -q /srv/kept/deploy")
        .incident(),
        // The bastion has a key of its own as well, and it is not the one.
        row("agent-fwd-way-and-a-key-of-the-bastions", |world| {
            three_keys(world, "")?;
            own_key(world, false)?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-key-accepted"),
    ]
}

fn comes() -> Vec<Row> {
    vec![
        row("agent-fwd-way-works", |world| {
            one_key(world, "")?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"]),
        row("agent-fwd-way-not-needed", |world| {
            one_key(world, "")?;
            own_key(world, true)?;
            on_the_bastion(world, &[], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"]),
        row("agent-fwd-way-and-the-target-changed-its-host-key", |world| {
            one_key(world, "")?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/old; printf 'db1.internal %s\\n' \"$(cut -d ' ' -f 1,2 /srv/old.pub)\" >/home/jump/.ssh/known_hosts")?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        row("agent-fwd-way-of-an-agent-that-is-locked", |world| {
            one_key(world, "")?;
            master(world, &["-A"])?;
            super::common::lock_agent(world)?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-identities")
        .evidence(&["is locked (ssh-add -x)"])
        .typed_on("agent-host"),
        row("agent-fwd-way-of-an-empty-agent", |world| {
            key_file(world, "")?;
            world.agent()?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-identities")
        .typed_on("agent-host"),
    ]
}

/// No agent comes along, for different reasons.
fn comes_not() -> Vec<Row> {
    vec![
        row("agent-fwd-way-not-asked-for", |world| {
            one_key(world, "")?;
            on_the_bastion(world, &[], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .evidence(&["198.51.100.20"])
        .proven("no-identities"),
        row("agent-fwd-way-refused-by-sshd", |world| {
            one_key(world, "AllowAgentForwarding no")?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .evidence(&["198.51.100.20"])
        .proven("no-identities"),
        row("agent-fwd-way-refused-by-the-key", |world| {
            one_key(world, "")?;
            world.sh("sed -i 's/^/no-agent-forwarding /' /srv/way/bastion/keys/jump")?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-identities"),
        row("agent-fwd-way-of-no-agent", |world| {
            key_file(world, "")?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-identities"),
        row("agent-fwd-way-of-an-agent-that-is-dead", |world| {
            key_file(world, "")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/ssh-XXXXgone/agent.7".to_owned()));
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-identities"),
    ]
}

/// The login that brought the agent is over.
fn gone() -> Vec<Row> {
    vec![
        row("agent-fwd-way-of-a-login-that-is-over", |world| {
            key_file(world, "")?;
            on_the_bastion(world, &[], &["env", "SSH_AUTH_SOCK=/tmp/ssh-aBcDeFgHiJ/agent.71"]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("agent-unreachable"),
        row("agent-fwd-way-of-a-login-that-is-over-in-tmux", |world| {
            key_file(world, "")?;
            let words = ["env", "SSH_AUTH_SOCK=/tmp/ssh-aBcDeFgHiJ/agent.71", "TMUX=/tmp/tmux-1002/default,70,0"];
            on_the_bastion(world, &[], &words);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .evidence(&["tmux"])
        .proven("agent-unreachable"),
    ]
}

/// A master keeps the agent that it began with.
fn masters() -> Vec<Row> {
    vec![
        row("agent-fwd-way-over-a-master-works", |world| {
            one_key(world, "")?;
            master(world, &["-A"])?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"]),
        row("agent-fwd-way-over-a-master-whose-agent-is-gone", |world| {
            one_key(world, "")?;
            master(world, &["-A"])?;
            world.sh("kill $(pgrep -x ssh-agent)")?;
            world.environment.clear();
            world.sh(&format!("rm -f {SOCKET}; mv /tmp/ssh-XXXXagent /tmp/ssh-XXXXolder"))?;
            world.agent()?;
            world.ssh_add(&["/srv/kept/id_ed25519"]).or_else(|_| Ok::<(), anyhow::Error>(()))?;
            world.sh("mv /tmp/ssh-XXXXagent /tmp/ssh-XXXXnewer")?;
            world.environment = vec![("SSH_AUTH_SOCK".to_owned(), "/tmp/ssh-XXXXnewer/agent.7".to_owned())];
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("agent-unreachable")
        .typed_on("agent-host"),
    ]
}

/// A key that its agent gives away for some ways only.
fn bound() -> Vec<Row> {
    vec![
        row("agent-fwd-way-key-for-this-way-works", |world| {
            constrained(world, &["bastion.example.org", "bastion.example.org>db1.internal"])?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"]),
        row("agent-fwd-way-key-for-the-bastion-only", |world| {
            constrained(world, &["bastion.example.org"])?;
            on_the_bastion(world, &["-A"], &[]);
            Ok(())
        })
        .line(&["deploy@db1.internal"])
        .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
        .proven("no-identities"),
        row("agent-fwd-way-key-for-both-works-by-jumping", |world| {
            constrained(world, &["bastion.example.org", "db1.internal"])
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"]),
        row("agent-fwd-way-key-for-the-bastion-only-by-jumping", |world| constrained(world, &["bastion.example.org"]))
            .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
            .ssh_fails("deploy@db1.internal: Permission denied (publickey)")
            .proven("agent-key-constrained"),
        row("agent-fwd-way-key-for-the-target-only-by-jumping", |world| constrained(world, &["db1.internal"]))
            .line(&["-J", "jump@bastion.example.org", "deploy@db1.internal"])
            .ssh_fails("jump@bastion.example.org: Permission denied (publickey)")
            .hop("bastion.example.org", "agent-key-constrained"),
    ]
}

/// At home, where the login to the bastion works and no agent will come along.
fn at_home() -> Vec<Row> {
    vec![
        row("agent-fwd-way-at-home-works", |world| one_key(world, "")).line(&["-A", "jump@bastion.example.org"]),
        row("agent-fwd-way-at-home-sshd-refuses", |world| one_key(world, "AllowAgentForwarding no"))
            .line(&["-A", "jump@bastion.example.org"])
            .remark("session"),
        row("agent-fwd-way-at-home-the-key-refuses", |world| {
            one_key(world, "")?;
            world.sh("sed -i 's/^/restrict /' /srv/way/bastion/keys/jump").map(drop)
        })
        .line(&["-A", "jump@bastion.example.org"])
        .remark("session"),
        row("agent-fwd-way-at-home-there-is-no-agent", |world| key_file(world, ""))
            .line(&["-o", "ForwardAgent=yes", "jump@bastion.example.org"])
            .remark("session"),
        row("agent-fwd-way-at-home-not-asked-for", |world| one_key(world, "AllowAgentForwarding no"))
            .line(&["-a", "jump@bastion.example.org"]),
        row("agent-fwd-way-at-home-denied", |world| {
            one_key(world, "")?;
            world.sh(&format!("rm -f {PUB}; rm /srv/way/bastion/keys/jump")).map(drop)
        })
        .line(&["-A", "jump@bastion.example.org"])
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key"),
    ]
}
