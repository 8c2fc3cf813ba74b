//! Rows of logins that the probe cannot make and the installed ssh can: it is asked once.

use super::common::{DENIED, authorized, changed, encrypted, good, open_key};
use crate::row::{Row, row};
use crate::world::{World, read};

/// A server whose key exchange russh does not speak.
const QUANTUM: &str = "KexAlgorithms sntrup761x25519-sha512@openssh.com";
/// A server whose cipher needs a MAC beside it that russh does not speak.
const UMAC: &str = "Ciphers aes128-ctr\nMACs umac-64@openssh.com";
/// The library of the software token.
const TOKEN: &str = "PKCS11Provider=/usr/lib/softhsm/libsofthsm2.so";

/// Rows of the second opinion.
pub(crate) fn rows() -> Vec<Row> {
    [algorithms(), algorithms_and_faults(), known_hosts_commands(), tokens()].concat()
}

fn algorithms() -> Vec<Row> {
    vec![
        row("opinion-quantum", |world| good(world, QUANTUM)),
        row("opinion-quantum-behind-a-program", |world| {
            good(world, QUANTUM)?;
            let script = "#!/bin/sh\nsetsid sleep 600 </dev/null >/dev/null 2>&1 &\nexec nc \"$@\"\n";
            world.file("/srv/proxy", script, 0o755)
        })
        .line(&["-oProxyCommand=/srv/proxy %h %p", "deploy@web1.example.org"]),
        row("opinion-umac", |world| good(world, UMAC)),
        row("opinion-umac-etm", |world| good(world, "Ciphers aes256-ctr\nMACs umac-128-etm@openssh.com")),
        row("opinion-quantum-agent", |world| {
            good(world, QUANTUM)?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])
        }),
        row("opinion-quantum-second-key", |world| {
            world.server(QUANTUM)?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            authorized(world, &["id_ed25519"])
        }),
        row("opinion-quantum-no-command", |world| good(world, QUANTUM)).ours(&["--no-exec"]),
        row("opinion-quantum-no-login", |world| good(world, QUANTUM)).ours(&["--no-login"]).at_most(
            "possible",
            "undetermined",
            "ssh itself would log in, and may not",
        ),
        row("opinion-quantum-forwards", |world| good(world, QUANTUM)).line(&[
            "-A",
            "-t",
            "-L",
            "8080:localhost:80",
            "-oControlMaster=auto",
            "-oControlPath=/home/a/.ssh/%C",
            "deploy@web1.example.org",
        ]),
        row("opinion-quantum-accept-new", |world| {
            world.host_key("ed25519")?;
            world.sshd(QUANTUM)?;
            world.login_key()?;
            // What ssh remembers in the first run, sshdoctor is not to find.
            world.config("UserKnownHostsFile ~/.ssh/new\nStrictHostKeyChecking accept-new")
        }),
        row("opinion-quantum-account-expired", |world| {
            good(world, QUANTUM)?;
            world.sh("sed -i '/^deploy:/s/.*/deploy:*:19000:0:99999:7::1:/' /etc/shadow").map(drop)
        })
        .ssh_fails("Connection closed by")
        .proven("signature-rejected"),
        row("opinion-quantum-open-server", |world| {
            world.server(&format!("{QUANTUM}\nUsePAM no\nPermitEmptyPasswords yes\nPasswordAuthentication yes"))?;
            world.sh("sed -i 's/^deploy:[^:]*:/deploy::/' /etc/shadow").map(drop)
        }),
    ]
}

fn algorithms_and_faults() -> Vec<Row> {
    vec![
        row("opinion-quantum-refused", |world| {
            world.server(QUANTUM)?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .mended_by("cp /home/a/.ssh/id_ed25519.pub /home/deploy/.ssh/authorized_keys 2>/dev/null || { mkdir -m 700 /home/deploy/.ssh; cp /home/a/.ssh/id_ed25519.pub /home/deploy/.ssh/authorized_keys; chown -R deploy /home/deploy/.ssh; }"),
        row("opinion-umac-refused-agent", |world| {
            world.server(UMAC)?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])
        })
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key"),
        row("opinion-quantum-nothing", |world| world.server(QUANTUM)).ssh_fails(DENIED).proven("no-identities"),
        row("opinion-quantum-changed", |world| {
            changed(world)?;
            world.sshd(QUANTUM)?;
            world.login_key()
        })
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        row("opinion-quantum-unknown", |world| {
            world.host_key("ed25519")?;
            world.sshd(QUANTUM)?;
            world.login_key()
        })
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown")
        .incident(),
        row("opinion-quantum-revoked", |world| {
            good(world, QUANTUM)?;
            let key = read("/etc/ssh/ssh_host_ed25519_key.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@revoked * {key}"))
        })
        .ssh_fails("REVOKED")
        .proven("host-key-revoked"),
        row("opinion-quantum-open-key", |world| {
            world.server(QUANTUM)?;
            open_key(world)
        })
        .ssh_fails("bad permissions")
        .proven("key-file-permissions")
        .mended_by("chmod 600 /home/a/.ssh/id_ed25519")
        .printed(),
        row("opinion-quantum-encrypted", |world| {
            world.server(QUANTUM)?;
            encrypted(world)
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed"),
        row("opinion-quantum-encrypted-terminal", |world| {
            world.server(QUANTUM)?;
            encrypted(world)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase for key")
        .needs(&["passphrase"])
        .without("key-passphrase-needed"),
        row("opinion-quantum-password-terminal", |world| {
            world.server(&format!("{QUANTUM}\nPubkeyAuthentication no\nPasswordAuthentication yes"))
        })
        .at_a_terminal()
        .ssh_asks("password:")
        .needs(&["password"])
        .without("method-disabled-by-client"),
        row("opinion-quantum-many-keys", |world| {
            world.server(&format!("{QUANTUM}\nMaxAuthTries 2"))?;
            world.agent()?;
            for name in ["one", "two", "three"] {
                world.key(&format!("/home/a/.ssh/{name}"), &[])?;
                world.ssh_add(&[&format!("/home/a/.ssh/{name}")])?;
            }
            authorized(world, &["three"])
        })
        .ssh_fails("Too many authentication failures")
        .at_most("likely", "too-many-keys", "the key behind the cut was not asked about"),
        row("opinion-quantum-agent-constrained", |world| {
            good(world, QUANTUM)?;
            world.agent()?;
            world.append(
                "/home/a/.ssh/known_hosts",
                "elsewhere.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYxKNv7fYzy7mBGIR9bZ7Q1Hjy9yQkXo6JOTxSPJo3I",
            )?;
            world.ssh_add(&["-h", "elsewhere.example.org", "/home/a/.ssh/id_ed25519"])?;
            world.sh("rm /home/a/.ssh/id_ed25519 /home/a/.ssh/id_ed25519.pub").map(drop)
        })
        .ssh_fails(DENIED)
        .at_most("possible", "undetermined", "ssh does not ask about a key that the agent hides from this host"),
        row("opinion-quantum-second-factor", |world| {
            good(world, &format!("{QUANTUM}\nPasswordAuthentication yes\nAuthenticationMethods publickey,password"))
        })
        .ssh_fails("Permission denied (password)")
        .proven("second-factor-required"),
    ]
}

/// A program that prints the host key of that file, and the server without a line in known_hosts.
fn command(world: &World, lines: &str, key: &str) -> anyhow::Result<()> {
    world.host_key("ed25519")?;
    world.sshd(lines)?;
    world.login_key()?;
    let key = read(key)?;
    world.file("/srv/kh", format!("#!/bin/sh\necho web1.example.org {key}"), 0o755)
}

fn known_hosts_commands() -> Vec<Row> {
    const LINE: &[&str] = &["-oKnownHostsCommand=/srv/kh", "deploy@web1.example.org"];
    vec![
        row("opinion-command-silent", |world| {
            good(world, "")?;
            world.file("/srv/kh", "#!/bin/sh\n", 0o755)
        })
        .line(LINE),
        row("opinion-command-refused", |world| {
            command(world, "", "/etc/ssh/ssh_host_ed25519_key.pub")?;
            world.sh("rm /home/deploy/.ssh/authorized_keys").map(drop)
        })
        .line(LINE)
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("opinion-command-other-key", |world| {
            world.key("/home/a/.ssh/id_rsa", &["-t", "ed25519"])?;
            command(world, "", "/home/a/.ssh/id_rsa.pub")
        })
        .line(LINE)
        .ssh_fails("REMOTE HOST IDENTIFICATION HAS CHANGED")
        .proven("host-key-changed"),
        row("opinion-command-knows-nothing", |world| {
            command(world, "", "/etc/ssh/ssh_host_ed25519_key.pub")?;
            world.file("/srv/kh", "#!/bin/sh\n", 0o755)
        })
        .line(LINE)
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown"),
        row("opinion-command-and-quantum", |world| command(world, QUANTUM, "/etc/ssh/ssh_host_ed25519_key.pub"))
            .line(LINE),
    ]
}

/// A software token with a key whose PIN is 1234; ssh of the row uses it.
fn token(world: &mut World) -> anyhow::Result<()> {
    world.file("/srv/token/softhsm2.conf", "directories.tokendir = /srv/token/tokens\nlog.level = ERROR\n", 0o644)?;
    world.environment.push(("SOFTHSM2_CONF".to_owned(), "/srv/token/softhsm2.conf".to_owned()));
    world.sh(
        "mkdir -p /srv/token/tokens /home/deploy/.ssh; export SOFTHSM2_CONF=/srv/token/softhsm2.conf
         softhsm2-util --init-token --free --label card --pin 1234 --so-pin 1234
         pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin 1234 --keypairgen --key-type EC:prime256v1 --id 01
         ssh-keygen -D /usr/lib/softhsm/libsofthsm2.so >/srv/token/card.pub
         chmod 755 /srv/token; chown -R a /srv/token; chmod 700 /home/deploy/.ssh; chown deploy /home/deploy/.ssh",
    )
    .map(drop)
}

fn tokens() -> Vec<Row> {
    const LINE: &[&str] = &["-o", TOKEN, "deploy@web1.example.org"];
    vec![
        row("opinion-token-terminal", |world| {
            world.server("")?;
            token(world)?;
            world.authorize("/srv/token/card.pub")
        })
        .line(LINE)
        .at_a_terminal()
        .ssh_asks("Enter PIN for")
        .needs(&["pin"])
        .without_at_most("possible", "undetermined"),
        row("opinion-token-refused", |world| {
            world.server("")?;
            token(world)
        })
        .line(LINE)
        .at_a_terminal()
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("opinion-token-beside-a-good-key", |world| {
            good(world, "")?;
            token(world)
        })
        .line(LINE),
        row("opinion-token-refused-beside-a-refused-key", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            token(world)
        })
        .line(LINE)
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("opinion-token-identities-only", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            token(world)?;
            world.authorize("/srv/token/card.pub")
        })
        .line(&["-oIdentitiesOnly=yes", "-o", TOKEN, "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("opinion-token-and-quantum-terminal", |world| {
            world.server(QUANTUM)?;
            token(world)?;
            world.authorize("/srv/token/card.pub")
        })
        .line(LINE)
        .at_a_terminal()
        .ssh_asks("Enter PIN for")
        .needs(&["pin"])
        .without_at_most("possible", "undetermined"),
    ]
}
