//! Rows with two faults: the first is the verdict, the second stands in `also`, and once the first is taken away the
//! next run's verdict is the second.

use crate::row::{Row, Ssh, row};
use crate::world::World;

/// Lets the default key in.
const AUTHORISE: &str = "install -d -o deploy -m 700 /home/deploy/.ssh; \
    install -o deploy /home/a/.ssh/id_ed25519.pub /home/deploy/.ssh/authorized_keys";
/// What ssh says to a key that others can read.
const TOO_OPEN: Ssh = Ssh::Ends(255, "are too open.");

/// A key that others can read.
fn open_key(world: &World) -> anyhow::Result<()> {
    world.key("/home/a/.ssh/id_ed25519", &[])?;
    world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
}

/// Rows with two faults.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = keys();
    rows.extend(algorithms());
    rows
}

fn keys() -> Vec<Row> {
    vec![
        row("open-key-that-is-not-authorised", |world| {
            world.server("")?;
            open_key(world)
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted")
        .also(&["key-file-permissions"])
        .mended_by(AUTHORISE)
        .then(TOO_OPEN),
        row("locked-key-that-is-not-authorised", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &["-N", "secret"])
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted")
        .also(&["key-passphrase-needed"])
        .mended_by(AUTHORISE)
        .then(Ssh::Ends(255, "Permission denied (publickey)")),
        row("open-key-under-a-name-nobody-reads", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/work", &[])?;
            world.authorize("/home/a/.ssh/work.pub")?;
            world.sh("chmod 644 /home/a/.ssh/work").map(drop)
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("accepted-key-not-offered")
        .also(&["key-file-permissions"])
        .mended_by("echo 'IdentityFile ~/.ssh/work' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .then(TOO_OPEN),
        row("publickey-off-and-an-open-key", |world| {
            world.server("")?;
            open_key(world)?;
            world.authorize("/home/a/.ssh/id_ed25519.pub")?;
            world.config("PubkeyAuthentication no")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("pubkey-disabled-by-client")
        .also(&["key-file-permissions"])
        .mended_by("rm /home/a/.ssh/config")
        .then(TOO_OPEN),
        row("six-agent-keys-before-an-open-key", |world| {
            world.server("")?;
            let keys: Vec<String> = (1..=6).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
            open_key(world)?;
            world.authorize("/home/a/.ssh/id_ed25519.pub")
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys")
        .also(&["key-file-permissions"])
        .mended_by("echo 'IdentitiesOnly yes' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .then(TOO_OPEN),
        row("locked-key-under-a-name-nobody-reads", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/work", &["-N", "secret"])?;
            world.authorize("/home/a/.ssh/work.pub")
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (publickey)")
        .proven("accepted-key-not-offered")
        .also(&["key-passphrase-needed"])
        .mended_by("echo 'IdentityFile ~/.ssh/work' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .then(Ssh::Ends(255, "Permission denied (publickey)")),
        row("publickey-off-and-an-open-key-that-is-not-authorised", |world| {
            world.server("")?;
            open_key(world)?;
            world.config("PubkeyAuthentication no")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("pubkey-disabled-by-client")
        .also(&["no-key-accepted", "key-file-permissions"])
        .mended_by("rm /home/a/.ssh/config")
        .then(Ssh::Ends(255, "Permission denied (publickey)")),
    ]
}

fn algorithms() -> Vec<Row> {
    vec![
        row("old-kex-and-old-cipher", |world| {
            world.server("KexAlgorithms diffie-hellman-group14-sha1\nCiphers aes128-cbc")?;
            world.login_key()
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex")
        .also(&["no-common-cipher"])
        .mended_by(
            "echo 'KexAlgorithms +diffie-hellman-group14-sha1' >/home/a/.ssh/config; chown a /home/a/.ssh/config",
        )
        .then(Ssh::Ends(255, "no matching cipher found")),
        row("old-kex-old-host-key-and-old-cipher", |world| {
            world.host_key("rsa")?;
            world.known("web1.example.org", "rsa")?;
            world.sshd("KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\nCiphers aes128-cbc")?;
            world.login_key()
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex")
        .also(&["no-common-host-key-algorithm", "no-common-cipher"])
        .mended_by(
            "echo 'KexAlgorithms +diffie-hellman-group14-sha1' >/home/a/.ssh/config; chown a /home/a/.ssh/config",
        )
        .then(Ssh::Ends(255, "no matching host key type found")),
        row("old-cipher-and-old-mac", |world| {
            world.server("Ciphers aes128-cbc\nMACs hmac-md5")?;
            world.login_key()
        })
        .ssh_fails("no matching cipher found")
        .proven("no-common-cipher")
        .also(&["no-common-mac"])
        .mended_by("echo 'Ciphers +aes128-cbc' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .then(Ssh::Ends(255, "no matching MAC found")),
        row("old-kex-and-another-host-key", |world| {
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ed25519")?;
            world.sh("rm /etc/ssh/ssh_host_*")?;
            world.host_key("ed25519")?;
            world.sshd("KexAlgorithms diffie-hellman-group14-sha1")?;
            world.login_key()
        })
        .ssh_fails("no matching key exchange method found")
        .proven("no-common-kex")
        .also(&["host-key-changed"])
        .mended_by(
            "echo 'KexAlgorithms +diffie-hellman-group14-sha1' >/home/a/.ssh/config; chown a /home/a/.ssh/config",
        )
        .then(Ssh::Ends(255, "REMOTE HOST IDENTIFICATION HAS CHANGED")),
        row("old-cipher-and-an-open-key", |world| {
            world.server("Ciphers aes128-cbc")?;
            open_key(world)?;
            world.authorize("/home/a/.ssh/id_ed25519.pub")
        })
        .ssh_fails("no matching cipher found")
        .proven("no-common-cipher")
        .also(&["key-file-permissions"])
        .mended_by("echo 'Ciphers +aes128-cbc' >/home/a/.ssh/config; chown a /home/a/.ssh/config")
        .then(TOO_OPEN),
    ]
}
