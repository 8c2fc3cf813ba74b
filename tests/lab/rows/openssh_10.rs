//! Rows of OpenSSH 10.0 (Debian 13): as a server that the machine's own ssh meets, and as the client's ssh and agent.

use super::common::{DENIED, authorized, encrypted, keys, open_key};
use crate::row::{Row, row};
use crate::world::World;

/// The version.
const NEW: &str = "10.0";

/// Rows of OpenSSH 10.0.
pub(crate) fn rows() -> Vec<Row> {
    [servers(), server_algorithms(), penalties(), clients(), agents()].concat()
}

/// A 10.0 server that lets the default key in.
fn good(world: &World, lines: &str) -> anyhow::Result<()> {
    world.server_of(NEW, lines)?;
    world.login_key()
}

/// The machine's own server, met by a 10.0 client.
fn met_by_new(world: &World, lines: &str) -> anyhow::Result<()> {
    world.client_of(NEW)?;
    world.server(lines)
}

fn servers() -> Vec<Row> {
    vec![
        row("server-10.0-works", |world| good(world, "")),
        row("server-10.0-key-not-authorised", |world| {
            world.server_of(NEW, "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .mended_by("install -d -o deploy -m 700 /home/deploy/.ssh; install -o deploy /home/a/.ssh/id_ed25519.pub /home/deploy/.ssh/authorized_keys"),
        row("server-10.0-seven-keys-in-the-agent", |world| {
            world.server_of(NEW, "")?;
            let keys: Vec<String> = (1..=7).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.authorize("/home/a/.ssh/key7.pub")?;
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("server-10.0-key-others-can-read", |world| {
            world.server_of(NEW, "")?;
            open_key(world)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .proven("key-file-permissions")
        .mended_by("chmod 600 /home/a/.ssh/id_ed25519")
        .printed(),
        row("server-10.0-a-password-after-the-key", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password")
        })
        .ssh_fails("Permission denied (password)").with_a_terminal("password:", &["password"])
        .proven("second-factor-required"),
        row("server-10.0-root-login-disabled", |world| {
            world.server_of(NEW, "PermitRootLogin no")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            let key = crate::world::read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", key, 0o600)
        })
        .line(&["root@web1.example.org"])
        .ssh_fails(DENIED)
        .log("ROOT LOGIN REFUSED")
        .proven("signature-rejected"),
        row("server-10.0-account-expired", |world| {
            good(world, "")?;
            world.sh("sed -i 's/^deploy:.*/deploy:*:19000:0:99999:7::1:/' /etc/shadow").map(drop)
        })
        .ssh_fails("Connection closed by")
        .log("by PAM account configuration")
        .proven("signature-rejected"),
        row("server-10.0-source-elsewhere-then-good", |world| {
            world.server_of(NEW, "")?;
            keys(world, &["one", "two"])?;
            world.authorize_with("from=\"198.51.100.0/24\" ", "/home/a/.ssh/one.pub")?;
            authorized(world, &["two"])
        }),
        row("server-10.0-forced-command", |world| {
            world.server_of(NEW, "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("command=\"true\",restrict ", "/home/a/.ssh/id_ed25519.pub")
        })
        .at_most("likely", "access-works", "the key runs a command of its own, which was not run"),
    ]
}

fn server_algorithms() -> Vec<Row> {
    vec![
        row("server-10.0-post-quantum-only", |world| good(world, "KexAlgorithms mlkem768x25519-sha256"))
            .ssh_fails("no matching key exchange method found. Their offer: mlkem768x25519-sha256")
            .proven("no-common-kex"),
        row("server-10.0-finite-field-client", |world| {
            good(world, "")?;
            world.config("Host *\n    KexAlgorithms diffie-hellman-group14-sha256")
        })
        .ssh_fails("no matching key exchange method found.")
        .proven("no-common-kex")
        .mended_by("rm /home/a/.ssh/config"),
        row("server-10.0-sha1-client", |world| {
            world.server_of(NEW, "")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])?;
            world.config("Host *\n    PubkeyAcceptedAlgorithms ssh-rsa")
        })
        .ssh_fails(DENIED)
        .proven("no-mutual-signature-algorithm")
        .mended_by("rm /home/a/.ssh/config"),
        row("server-10.0-dsa-key", |world| {
            world.server_of(NEW, "")?;
            world.key("/home/a/.ssh/id_dsa", &["-t", "dsa"])?;
            authorized(world, &["id_dsa"])?;
            world.config("Host *\n    PubkeyAcceptedAlgorithms +ssh-dss")
        })
        .ssh_fails(DENIED)
        .log("unsupported public key algorithm: ssh-dss")
        .proven("no-key-accepted"),
        row("server-10.0-host-key-is-another", |world| {
            super::common::changed(world)?;
            world.sshd_of(NEW, "")?;
            world.login_key()
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
    ]
}

/// 10.0 counts what a source does wrong and then hangs up before it has said who it is.
fn penalties() -> Vec<Row> {
    fn penalised(world: &World, lines: &str) -> anyhow::Result<()> {
        good(world, &format!("PerSourcePenalties authfail:60 min:1 max:600\n{lines}"))?;
        for _ in 0..3 {
            let _ = world
                .as_client("ssh", &["-oBatchMode=yes", "-oIdentityFile=none", "deploy@web1.example.org", "true"])
                .output()?;
        }
        Ok(())
    }
    vec![
        row("server-10.0-source-penalised", |world| penalised(world, ""))
            .ssh_fails("kex_exchange_identification")
            .log("drop connection")
            .at_most("likely", "source-penalised", "MaxStartups says the same in recent OpenSSH"),
        row("server-10.0-source-exempt", |world| penalised(world, "PerSourcePenaltyExemptList 192.0.2.100")),
        row("server-10.0-refuses-the-connection", |world| good(world, "Match User deploy\n    RefuseConnection yes"))
            .ssh_fails("Connection")
            .at_most("possible", "undetermined", "the server closes without a word"),
        row("server-10.0-max-startups", |world| {
            good(world, "MaxStartups 1")?;
            let held = std::net::TcpStream::connect("192.0.2.7:22")?;
            std::mem::forget(held);
            Ok(())
        })
        .ssh_fails("kex_exchange_identification")
        .log("Maxstartups")
        .at_most("likely", "source-penalised", "MaxStartups says the same in recent OpenSSH"),
    ]
}

fn clients() -> Vec<Row> {
    vec![
        row("client-10.0-works", |world| {
            met_by_new(world, "")?;
            world.login_key()
        }),
        row("client-10.0-key-not-authorised", |world| {
            met_by_new(world, "")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("client-10.0-dsa-key", |world| {
            met_by_new(world, "")?;
            world.key("/home/a/.ssh/id_dsa", &["-t", "dsa"])?;
            authorized(world, &["id_dsa"])
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("client-10.0-sha1-host-key", |world| {
            world.client_of(NEW)?;
            world.host_key("rsa")?;
            world.known("web1.example.org", "rsa")?;
            world.sshd("HostKeyAlgorithms ssh-rsa")?;
            world.login_key()
        })
        .ssh_fails("no matching host key type found. Their offer: ssh-rsa")
        .proven("no-common-host-key-algorithm"),
        row("client-10.0-key-others-can-read", |world| {
            met_by_new(world, "")?;
            open_key(world)
        })
        .ssh_fails("UNPROTECTED PRIVATE KEY FILE")
        .proven("key-file-permissions"),
        row("client-10.0-passphrase-at-a-terminal", |world| {
            met_by_new(world, "")?;
            encrypted(world)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key '/home/a/.ssh/id_ed25519':")
        .without("key-passphrase-needed")
        .needs(&["passphrase"]),
        row("client-10.0-host-key-is-another", |world| {
            world.client_of(NEW)?;
            super::common::changed(world)?;
            world.sshd("")?;
            world.login_key()
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        row("client-10.0-new-host-key-and-nobody-to-ask", |world| {
            world.client_of(NEW)?;
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .ssh_fails("Host key verification failed")
        .with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown"),
        row("client-10.0-meets-8.4", |world| {
            world.client_of(NEW)?;
            world.server_of("8.4", "")?;
            world.login_key()
        }),
        row("client-10.0-meets-10.0", |world| {
            world.client_of(NEW)?;
            world.server_of(NEW, "")?;
            world.login_key()
        }),
        row("client-10.0-meets-10.0-post-quantum-only", |world| {
            world.client_of(NEW)?;
            world.server_of(NEW, "KexAlgorithms mlkem768x25519-sha256")?;
            world.login_key()
        }),
    ]
}

fn agents() -> Vec<Row> {
    fn in_agent(world: &mut World) -> anyhow::Result<()> {
        met_by_new(world, "")?;
        world.key("/home/a/.ssh/id_ed25519", &[])?;
        world.authorize("/home/a/.ssh/id_ed25519.pub")?;
        world.agent_with(&["/home/a/.ssh/id_ed25519"])
    }
    vec![
        row("agent-10.0-works", in_agent),
        row("agent-10.0-locked", |world| {
            in_agent(world)?;
            super::common::lock_agent(world)
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("agent-10.0-with-three-other-keys", |world| {
            met_by_new(world, "")?;
            let keys: Vec<String> = (1..=3).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key"),
        row("agent-10.0-key-for-another-host", |world| {
            met_by_new(world, "")?;
            world.key("/home/a/.ssh/two", &[])?;
            authorized(world, &["two"])?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/db")?;
            let db = crate::world::read("/srv/db.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("db1.example.org {}", db.trim_end()))?;
            world.agent()?;
            world.ssh_add(&["-h", "db1.example.org", "/home/a/.ssh/two"])?;
            world.put_away("/home/a/.ssh/two")
        })
        .ssh_fails(DENIED)
        .proven("agent-key-constrained"),
    ]
}
