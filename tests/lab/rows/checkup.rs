//! Rows without a target: the check-up of a client.

use crate::row::{Row, row};
use crate::world::World;

/// Rows without a target.
pub(crate) fn rows() -> Vec<Row> {
    [many_faults(), faulty(), remarked(), healthy()].concat()
}

/// A home with a key, and a host that is known.
fn ordinary(world: &World) -> anyhow::Result<()> {
    world.key("/home/a/.ssh/id_ed25519", &[])?;
    world.key("/etc/lab/host", &[])?;
    let host = crate::world::read("/etc/lab/host.pub")?;
    world.append("/home/a/.ssh/known_hosts", &format!("web1.example.org,192.0.2.7 {}", host.trim_end()))
}

fn many_faults() -> Vec<Row> {
    vec![
        row("checkup-ten-faults", |world| {
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            world.key("/home/a/.ssh/id_ecdsa", &["-t", "ecdsa"])?;
            world.key("/home/a/.ssh/old", &["-t", "dsa"])?;
            world.key("/home/a/.ssh/legacy", &["-t", "rsa", "-b", "1024"])?;
            ordinary(world)?;
            world.key("/etc/lab/other", &[])?;
            world.config(
                "Host *\n  User a\nHost web1,web2\n  Port 2222\nHost db1\n  User postgres\n  IdentityFile ~/.ssh/db_key",
            )?;
            world.append("/home/a/.ssh/known_hosts", "web9.example.org ssh-ed25519 AAAA")?;
            world.sh("cd /home/a/.ssh; chmod 644 id_ed25519; sed -i 's/$/\\r/' id_rsa; cp id_ed25519.pub id_ecdsa.pub
                printf 'web1.example.org ' >> known_hosts; cat /etc/lab/other.pub >> known_hosts; chown a id_* known_hosts")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/gone".to_owned()));
            Ok(())
        })
        .proven("key-file-malformed")
        .checkup(&[
            "id_ed25519: its mode is 0644",
            "id_rsa is no private key that ssh can read: its lines end in CR LF",
            "id_ecdsa.pub does not belong to the private key",
            "the key file /home/a/.ssh/db_key does not exist",
            "/home/a/.ssh/old is a DSA key",
            "/home/a/.ssh/legacy is an RSA key of 1024 bits",
            "SSH_AUTH_SOCK names /tmp/gone, which does not exist",
            "ssh does not understand line 2 of /home/a/.ssh/known_hosts",
            "web1.example.org has two ssh-ed25519 keys",
            "`Host web1,web2` (/home/a/.ssh/config:3) does not mean two hosts",
            "`Host db1` (/home/a/.ssh/config:5): its user has no effect",
        ]),
        row("checkup-other-faults", |world| {
            ordinary(world)?;
            world.config(
                "Host * ! bastion\n  Compression yes\nHost !db1\n  Port 22\nHost deploy@web2\n  Port 22\nHost *\n  ForwardAgent yes\n  StrictHostKeyChecking no\n  HostName web1.example.org",
            )?;
            world.file("/home/a/.ssh/putty.key", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", 0o600)?;
            world.file("/home/a/.ssh/id_work", "", 0o600)?;
            world.sh("chmod 775 /home/a/.ssh").map(drop)
        })
        .proven("nothing-found")
        .checkup(&[
            "`Host * ! bastion` (/home/a/.ssh/config:1): a `!` that stands alone",
            "`Host !db1` (/home/a/.ssh/config:3) never applies",
            "deploy@web2 is never met",
            "`forwardagent yes` for every host (/home/a/.ssh/config:8)",
            "`stricthostkeychecking no` for every host",
            "`hostname web1.example.org` for every host (/home/a/.ssh/config:10) sends every name to the same host",
            "/home/a/.ssh/putty.key is a PuTTY key file",
            "/home/a/.ssh/id_work is no private key",
            "/home/a/.ssh has mode 0775",
        ]),
    ]
}

fn faulty() -> Vec<Row> {
    vec![
        row("checkup-config-error", |world| {
            ordinary(world)?;
            world.config("Host web1\n  Usr deploy")
        })
        .proven("client-config-error")
        .checkup(&["it does not know the option in `Usr deploy`"]),
        row("checkup-config-permissions", |world| {
            ordinary(world)?;
            world.config("Host web1\n  User deploy")?;
            world.sh("chmod 666 /home/a/.ssh/config").map(drop)
        })
        .proven("client-config-permissions")
        .checkup(&["another account owns it or may write it"]),
        row("checkup-only-key-open", |world| {
            ordinary(world)?;
            world.sh("chmod 640 /home/a/.ssh/id_ed25519").map(drop)
        })
        .proven("key-file-permissions")
        .checkup(&["its mode is 0640"]),
        row("checkup-one-key-of-two-open", |world| {
            ordinary(world)?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa"])?;
            world.sh("chmod 640 /home/a/.ssh/id_rsa").map(drop)
        })
        .at_most("likely", "key-file-permissions", "the other key may be the one that every login goes by")
        .checkup(&["its mode is 0640"]),
        row("checkup-key-of-a-host-missing", |world| {
            ordinary(world)?;
            world.config("Host web1\n  IdentityFile ~/.ssh/web1_key")
        })
        .proven("identity-file-missing")
        .checkup(&["the key file /home/a/.ssh/web1_key does not exist"]),
        row("checkup-unused-key-open", |world| {
            ordinary(world)?;
            world.key("/home/a/.ssh/spare", &[])?;
            world.sh("chmod 644 /home/a/.ssh/spare").map(drop)
        })
        .proven("nothing-found")
        .checkup(&["/home/a/.ssh/spare: its mode is 0644"]),
        row("checkup-dead-agent", |world| {
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/gone".to_owned()));
            Ok(())
        })
        .proven("agent-unreachable")
        .checkup(&["SSH_AUTH_SOCK names /tmp/gone"]),
        row("checkup-no-key", |_| Ok(())).proven("no-identities").checkup(&["ssh has no key to offer to any host"]),
    ]
}

fn remarked() -> Vec<Row> {
    vec![
        row("checkup-identities-only-everywhere", |world| {
            world.key("/home/a/.ssh/web1", &[])?;
            world.key("/srv/agent_key", &[])?;
            world.sh("chown a /srv/agent_key")?;
            world.agent_with(&["/srv/agent_key"])?;
            world.config("Host web1\n  IdentityFile ~/.ssh/web1\nHost *\n  IdentitiesOnly yes")
        })
        .proven("nothing-found")
        .checkup(&["IdentitiesOnly is on for every host and no key file is there"]),
        row("checkup-other-agent", |world| {
            world.key("/srv/agent_key", &[])?;
            world.sh("mkdir -p /home/a/.1password; chown a /home/a/.1password /srv/agent_key")?;
            world.agent_with(&["/srv/agent_key"])?;
            world.sh("ln -s /tmp/ssh-XXXXagent/agent.7 /home/a/.1password/agent.sock")?;
            world.environment.clear();
            Ok(())
        })
        .proven("no-identities")
        .checkup(&["ssh has no key to offer to any host", "ssh is not told of 1Password"]),
        row("checkup-odd-home", |world| {
            ordinary(world)?;
            world
                .sh("cd /home/a/.ssh; mkfifo id_fifo; mkdir loop; ln -s .. loop/up; ln -s id_b id_c; ln -s id_c id_b
                mkfifo /tmp/fifo; ln -s /dev/zero id_zero; ln -s /tmp/fifo known_hosts2
                for i in $(seq 2100); do : > note$i; done; chown -R a .")
                .map(drop)
        })
        .proven("nothing-found")
        .checkup(&["~/.ssh holds more files than are looked at"]),
    ]
}

fn healthy() -> Vec<Row> {
    vec![
        row("checkup-healthy-plain", |world| {
            ordinary(world)?;
            world.sh("cd /home/a/.ssh; ssh-keygen -q -p -P '' -N secret -f id_ed25519; chown a id_ed25519").map(drop)
        })
        .proven("nothing-found")
        .fixture()
        .checkup(&[]),
        row("checkup-healthy-agent", |world| {
            ordinary(world)?;
            world.key("/home/a/.ssh/work", &[])?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/work"])?;
            world.sh("rm /home/a/.ssh/work")?;
            world.config(
                "Host work *.work.example.org\n  IdentityFile ~/.ssh/work.pub\n  IdentitiesOnly yes\n  User deploy\nHost *\n  User a\n  ServerAliveInterval 30",
            )
        })
        .proven("nothing-found")
        .checkup(&[]),
        row("checkup-healthy-includes", |world| {
            ordinary(world)?;
            world.key("/home/a/.ssh/keys/db", &["-t", "ecdsa"])?;
            world.config("Include config.d/*\nHost * !bastion\n  ProxyJump bastion\nHost bastion\n  HostName bastion.example.org\n  ForwardAgent no")?;
            world.file(
                "/home/a/.ssh/config.d/db",
                "Host db db1 db2\n  HostName %h.example.org\n  IdentityFile ~/.ssh/keys/db\n  ControlPath ~/.ssh/%C\nMatch host db1 exec \"true\"\n  Port 2222\n",
                0o600,
            )?;
            world.sh("chmod 700 /home/a/.ssh/config.d; chown a /home/a/.ssh/config.d").map(drop)
        })
        .proven("nothing-found")
        .checkup(&[]),
        row("checkup-healthy-old", |world| {
            ordinary(world)?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "3072", "-m", "PEM"])?;
            world.sh("cd /home/a/.ssh; rm id_rsa.pub id_ed25519*; printf '# comment\\n\\n@cert-authority *.example.org ' >> known_hosts
                cat /etc/lab/host.pub >> known_hosts; ssh-keygen -q -H -f known_hosts; rm known_hosts.old; chown a *").map(drop)
        })
        .proven("nothing-found")
        .checkup(&[]),
        row("checkup-healthy-dotfiles", |world| {
            ordinary(world)?;
            world.key("/home/a/.ssh/jobs/backup", &["-t", "rsa", "-b", "4096"])?;
            world.key("/etc/lab/ca", &[])?;
            world.file(
                "/home/a/dotfiles/ssh_config",
                "# mine\nHost web1 web2\n    ForwardAgent yes\n    StrictHostKeyChecking accept-new\n\nHost backup\n    IdentityFile ~/.ssh/jobs/backup\n    BatchMode yes\n\nHost %h-odd\n    IdentityFile ~/.ssh/%h\n",
                0o600,
            )?;
            world.sh("cd /home/a/.ssh; ln -s ../dotfiles/ssh_config config; mkfifo pipe; touch authorized_keys rc
                chown a ../dotfiles jobs; ssh-keygen -q -s /etc/lab/ca -I a -n deploy id_ed25519.pub; chown a *").map(drop)
        })
        .proven("nothing-found")
        .checkup(&[]),
    ]
}
