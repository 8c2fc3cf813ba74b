//! Rows in which agent and key files stand side by side.

use super::common::{DENIED, authorized, good, keys};
use crate::row::{Row, row};
use crate::world::{ROOT, read};

/// Rows in which agent and key files stand side by side.
pub(crate) fn rows() -> Vec<Row> {
    [agents_1(), agents_2(), files_1(), files_2()].concat()
}

fn agents_1() -> Vec<Row> {
    vec![
        row("agent-and-identities-only-with-pub", |world| {
            world.server("")?;
            keys(world, &["one"])?;
            world.key("/home/a/.ssh/two", &[])?;
            authorized(world, &["two"])?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/one"])?;
            world.ssh_add(&["/home/a/.ssh/two"])?;
            world.config("IdentitiesOnly yes")?;
            world.sh("mv /home/a/.ssh/two /srv/two").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("identities-only-hides-key"),
        row("agent-confirm-denied-then-file", |world| {
            world.server("")?;
            world.login_key()?;
            world.key("/home/a/.ssh/two", &[])?;
            authorized(world, &["two"])?;
            world.agent()?;
            world.ssh_add(&["-c", "/home/a/.ssh/two"])?;
            world.put_away("/home/a/.ssh/two")
        }),
        row("agent-refuses-same-key-in-file", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent()?;
            world.ssh_add(&["-c", "/home/a/.ssh/id_ed25519"])
        })
        .ssh_fails("agent refused operation")
        .proven("agent-refused-to-sign"),
        row("agent-none-hides-key", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config("IdentityAgent none")
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("identity-agent-unset-variable", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config("IdentityAgent $NOPE")
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("dead-agent-and-refused-file", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/gone".to_owned()));
            Ok(())
        })
        .ssh_fails(DENIED)
        .at_most("likely", "agent-unreachable", "the file may be the one meant"),
        row("dead-agent-and-named-refused-file", |world| {
            world.server("")?;
            world.key("/home/a/work", &[])?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/gone".to_owned()));
            Ok(())
        })
        .line(&["-i", "/home/a/work", "-oIdentitiesOnly=yes", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("agent-locked-beside-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/two", &[])?;
            authorized(world, &["two"])?;
            world.agent_with(&["/home/a/.ssh/two"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            super::common::lock_agent(world)
        })
        .ssh_fails(DENIED)
        .at_most("likely", "no-key-accepted", "the agent is locked"),
        row("agent-constrained-beside-refused-file", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/two", &[])?;
            authorized(world, &["two"])?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/db")?;
            let db = read("/srv/db.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("db1.example.org {}", db.trim_end()))?;
            world.agent()?;
            world.ssh_add(&["-h", "db1.example.org", "/home/a/.ssh/two"])?;
            world.put_away("/home/a/.ssh/two")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("agent-key-constrained"),
    ]
}

fn agents_2() -> Vec<Row> {
    vec![
        row("agent-as-root-with-users-socket", |world| {
            world.server("")?;
            world.login_key()?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.who = ROOT;
            world.sh("mkdir -m 700 /root/.ssh; cp /home/a/.ssh/known_hosts /root/.ssh/").map(drop)
        })
        .proven("access-works"),
        row("cert-authority-entry", |world| {
            world.key("/etc/ssh/ca", &[])?;
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("cert-authority ", "/etc/ssh/ca.pub")?;
            world.sh("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub").map(drop)
        }),
    ]
}

fn files_1() -> Vec<Row> {
    vec![
        row("foreign-pub-accepted", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/colleague", &[])?;
            authorized(world, &["colleague"])?;
            world.sh("rm /home/a/.ssh/colleague")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("foreign-pub-accepted-alone", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/colleague", &[])?;
            authorized(world, &["colleague"])?;
            world.sh("rm /home/a/.ssh/colleague").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("default-pub-without-private", |world| {
            good(world, "")?;
            world.sh("rm /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("identity-file-missing"),
        row("configured-missing-and-another-refused", |world| {
            world.server("")?;
            keys(world, &["one"])?;
            world.config("IdentityFile ~/.ssh/gone")
        })
        .ssh_fails(DENIED)
        .at_most("likely", "identity-file-missing", "nothing names it yet"),
        row("configured-missing-and-agent-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/one", &[])?;
            world.agent_with(&["/home/a/.ssh/one"])?;
            world.config("IdentityFile ~/.ssh/gone")
        })
        .ssh_fails(DENIED)
        .at_most("likely", "identity-file-missing", "nothing names it yet"),
        row("symlinked-key", |world| {
            good(world, "")?;
            world.sh("mkdir /srv/keys; mv /home/a/.ssh/id_ed25519 /srv/keys/k; ln -s /srv/keys/k /home/a/.ssh/id_ed25519").map(drop)
        }),
        row("dangling-symlink", |world| {
            good(world, "")?;
            world.sh("rm /home/a/.ssh/id_ed25519; ln -s /srv/nowhere /home/a/.ssh/id_ed25519; rm /home/a/.ssh/id_ed25519.pub").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("key-of-root-0644-readable", |world| {
            good(world, "")?;
            world.sh("chown root /home/a/.ssh/id_ed25519; chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        }),
        row("home-of-another", |world| {
            good(world, "")?;
            world.environment.push(("HOME".to_owned(), "/home/deploy".to_owned()));
            Ok(())
        }),
    ]
}

fn files_2() -> Vec<Row> {
    vec![
        row("root-with-home-of-a", |world| {
            good(world, "")?;
            world.who = ROOT;
            world.environment.push(("HOME".to_owned(), "/home/a".to_owned()));
            world.sh("mkdir -m 700 /root/.ssh; cp /home/a/.ssh/known_hosts /root/.ssh/").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("wrong-local-account"),
        row("pem-unencrypted-alone-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"])?;
            world.sh("rm /home/a/.ssh/id_rsa.pub").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("mismatched-pub-refused-private-authorised", |world| {
            good(world, "")?;
            world.sh("ssh-keygen -q -t ed25519 -N '' -f /srv/o; cp /srv/o.pub /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/id*").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted").also(&["key-pair-mismatch"])
        .member("key-pair-mismatch"),
        row("mode-000", |world| {
            good(world, "")?;
            world.sh("chmod 000 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("Permission denied")
        .proven("key-file-unreadable"),
        row("malformed-beside-good", |world| {
            good(world, "")?;
            world.file("/home/a/.ssh/id_rsa", "junk\n", 0o600)
        }),
        row("malformed-beside-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.file("/home/a/.ssh/id_rsa", "junk\n", 0o600)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("pub-malformed-beside-good", |world| {
            good(world, "")?;
            world.file("/home/a/.ssh/id_ed25519.pub", "junk\n", 0o644)
        }),
        row("other-accepted-ppk-pub", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/work", &[])?;
            authorized(world, &["work"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("echo junk >/home/a/.ssh/work").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("accepted-key-not-offered")
        .also(&["key-file-malformed"]),
        row("publickey-off-and-foreign-pub", |world| {
            world.server("PasswordAuthentication yes")?;
            world.key("/home/a/.ssh/colleague", &[])?;
            authorized(world, &["colleague"])?;
            world.sh("rm /home/a/.ssh/colleague")?;
            world.config("PubkeyAuthentication no")
        })
        .at_a_terminal()
        .ssh_asks("password:").without("pubkey-disabled-by-client")
        .needs(&["password"]),
    ]
}
