//! Rows with two or three faults of different subjects: the first that bites is the verdict, what is proven besides
//! stands in `also`, and what cannot be seen from before the first is claimed of nobody.

use super::common::{DENIED, authorized, changed, encrypted, good, open_key};
use crate::row::{Row, Ssh, row};
use crate::world::World;

/// What ssh says to a key that others can read.
const TOO_OPEN: Ssh = Ssh::Ends(255, "are too open.");
/// A key exchange that this ssh has given up.
const OLD_KEX: &str = "KexAlgorithms diffie-hellman-group14-sha1";
const ALLOW_OLD_KEX: &str =
    "echo 'KexAlgorithms +diffie-hellman-group14-sha1' >>/home/a/.ssh/config; chown a /home/a/.ssh/config";
const CLOSE: &str = "chmod 600 /home/a/.ssh/id_ed25519";
const BATCH: &[&str] = &["-oBatchMode=yes", "deploy@web1.example.org"];

/// An agent with seven keys that the server does not know.
fn crowd(world: &mut World) -> anyhow::Result<()> {
    let keys: Vec<String> = (1..=7).map(|number| format!("/home/a/.ssh/key{number}")).collect();
    for key in &keys {
        world.key(key, &[])?;
    }
    world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Nobody answers at the agent's socket.
fn dead_agent(world: &mut World) {
    world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/ssh-XXXXgone/agent.7".to_owned()));
}

/// Rows of several faults.
pub(crate) fn rows() -> Vec<Row> {
    [before_the_keys(), among_the_keys(), after_the_keys()].concat()
}

fn before_the_keys() -> Vec<Row> {
    vec![
        row("old-kex-and-a-key-that-is-not-authorised", |world| {
            world.server(OLD_KEX)?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex")
        .also(&["no-key-accepted"])
        .mended_by(ALLOW_OLD_KEX)
        .then(Ssh::Ends(255, DENIED)),
        row("old-kex-old-cipher-and-an-open-key", |world| {
            world.server(&format!("{OLD_KEX}\nCiphers aes128-cbc"))?;
            open_key(world)
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex")
        .also(&["no-common-cipher", "key-file-permissions"])
        .mended_by(ALLOW_OLD_KEX)
        .then(Ssh::Ends(255, "no matching cipher found")),
        row("old-kex-and-publickey-off", |world| {
            good(world, OLD_KEX)?;
            world.config("PubkeyAuthentication no")
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex")
        .also(&["pubkey-disabled-by-client"])
        .mended_by(ALLOW_OLD_KEX)
        .then(Ssh::Ends(255, DENIED)),
        row("old-kex-and-too-many-keys", |world| {
            world.server(OLD_KEX)?;
            crowd(world)?;
            world.login_key()
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex")
        .also(&["too-many-keys"])
        .mended_by(ALLOW_OLD_KEX)
        .then(Ssh::Ends(255, "Too many authentication failures")),
        row("another-host-key-and-an-open-key", |world| {
            changed(world)?;
            world.sshd("")?;
            open_key(world)
        })
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed")
        .mended_by("ssh-keygen -q -R web1.example.org -f /home/a/.ssh/known_hosts 2>/dev/null; printf 'web1.example.org ' >>/home/a/.ssh/known_hosts; cat /etc/ssh/ssh_host_ed25519_key.pub >>/home/a/.ssh/known_hosts; chown a /home/a/.ssh/known_hosts")
        .then(TOO_OPEN)
        .unforeseen("key-file-permissions"),
        row("another-host-key-a-dead-agent-and-no-key", |world| {
            changed(world)?;
            world.sshd("")?;
            dead_agent(world);
            Ok(())
        })
        .ssh_fails("Host key verification failed")
        .proven("host-key-changed"),
        row("nobody-listens-and-an-open-key", |world| {
            open_key(world)
        })
        .ssh_fails("Connection refused")
        .proven("connection-refused"),
        row("writable-configuration-and-an-open-key", |world| {
            world.server("")?;
            open_key(world)?;
            world.config("Host *")?;
            world.sh("chmod 666 /home/a/.ssh/config").map(drop)
        })
        .ssh_fails("Bad owner or permissions")
        .proven("client-config-permissions")
        .mended_by("chmod 600 /home/a/.ssh/config")
        .then(TOO_OPEN)
        .unforeseen("key-file-permissions"),
    ]
}

fn among_the_keys() -> Vec<Row> {
    vec![
        row("dead-agent-and-a-missing-file", |world| {
            world.server("")?;
            dead_agent(world);
            world.config("IdentityFile ~/.ssh/gone")
        })
        .ssh_fails(DENIED)
        .proven("identity-file-missing"),
        row("dead-agent-and-an-open-key", |world| {
            world.server("")?;
            dead_agent(world);
            open_key(world)
        })
        .ssh_fails("are too open.")
        .proven("key-file-permissions")
        .mended_by(CLOSE),
        row("missing-file-and-an-open-key", |world| {
            world.server("")?;
            open_key(world)?;
            world.config("IdentityFile ~/.ssh/gone\nIdentityFile ~/.ssh/id_ed25519")
        })
        .ssh_fails("are too open.")
        .proven("key-file-permissions")
        .mended_by(CLOSE),
        row("an-open-key-and-an-encrypted-one", |world| {
            world.server("")?;
            open_key(world)?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-N", "secret"])?;
            authorized(world, &["id_rsa"])
        })
        .line(BATCH)
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed"),
        row("crowd-publickey-off-and-an-encrypted-key", |world| {
            world.server("")?;
            crowd(world)?;
            encrypted(world)?;
            world.config("PubkeyAuthentication no")
        })
        .line(BATCH)
        .ssh_fails(DENIED)
        .proven("pubkey-disabled-by-client")
        .mended_by("rm /home/a/.ssh/config")
        .then(Ssh::Ends(255, "Too many authentication failures"))
        .unforeseen("too-many-keys"),
        row("damaged-key-and-publickey-off", |world| {
            good(world, "")?;
            world.sh("sed -i '2,3d' /home/a/.ssh/id_ed25519")?;
            world.config("PubkeyAuthentication no")
        })
        .ssh_fails(DENIED)
        .proven("pubkey-disabled-by-client")
        .also(&["key-file-malformed"])
        .mended_by("rm /home/a/.ssh/config")
        .then(Ssh::Ends(255, "Load key \"/home/a/.ssh/id_ed25519\"")),
        row("server-without-keys-and-a-dead-agent", |world| {
            world.server("PubkeyAuthentication no\nPasswordAuthentication yes")?;
            dead_agent(world);
            Ok(())
        })
        .line(BATCH)
        .ssh_fails("Permission denied (password)")
        .proven("method-disabled-by-client"),
    ]
}

fn after_the_keys() -> Vec<Row> {
    vec![
        row("open-key-and-a-shell-that-refuses", |world| {
            world.server("")?;
            open_key(world)?;
            world.sh("usermod -s /usr/sbin/nologin deploy").map(drop)
        })
        .ssh_fails("are too open.")
        .proven("key-file-permissions")
        .mended_by(CLOSE)
        .then(Ssh::Ends(1, "This account is currently not available"))
        .unforeseen("shell-refuses-login"),
        row("open-key-and-no-session", |world| {
            world.server("MaxSessions 0")?;
            open_key(world)
        })
        .ssh_fails("are too open.")
        .proven("key-file-permissions")
        .mended_by(CLOSE)
        .then(Ssh::Ends(255, "open failed"))
        .unforeseen("channel-refused"),
        row("open-key-second-factor-and-a-shell-that-refuses", |world| {
            world.server("PasswordAuthentication yes\nAuthenticationMethods publickey,password")?;
            open_key(world)?;
            world.sh("usermod -s /usr/sbin/nologin deploy").map(drop)
        })
        .line(BATCH)
        .ssh_fails("are too open.")
        .proven("key-file-permissions")
        .mended_by(CLOSE)
        .then(Ssh::Ends(255, "Permission denied (password)"))
        .unforeseen("second-factor-required"),
        row("encrypted-key-and-a-signature-that-is-refused", |world| {
            world.server("")?;
            encrypted(world)?;
            world.sh("chage -E 1 deploy").map(drop)
        })
        .line(BATCH)
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed"),
        row("key-not-offered-and-a-shell-that-refuses", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/work", &[])?;
            authorized(world, &["work"])?;
            world.sh("usermod -s /usr/sbin/nologin deploy").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("accepted-key-not-offered")
        .mended_by("echo 'IdentityFile ~/.ssh/work' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .then(Ssh::Ends(1, "This account is currently not available"))
        .unforeseen("shell-refuses-login"),
        row("too-many-keys-and-a-shell-that-refuses", |world| {
            world.server("")?;
            crowd(world)?;
            world.login_key()?;
            world.sh("usermod -s /usr/sbin/nologin deploy").map(drop)
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys")
        .also(&["shell-refuses-login"])
        .mended_by("echo 'IdentitiesOnly yes' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .then(Ssh::Ends(1, "This account is currently not available")),
    ]
}
