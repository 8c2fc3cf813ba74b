//! Rows of both halves: the client's login, and the server's side over an administrator's login.

use super::common::{DENIED, good, on_this_server};
use super::jump::before_web1;
use crate::row::{Row, on_server};
use crate::world::World;

/// Rows on the server whose verdict is another one where the client's own half is known too, and its certainty.
pub(super) const OTHERWISE: &[(&str, &str, &str)] = &[
    // The client sees the refusal; which rule of PAM it was is the likeliest member and no more without a log.
    ("server-pam-access-no-log", "proven", "signature-rejected"),
    ("server-pam-listfile-no-log", "proven", "signature-rejected"),
    ("server-pam-succeed-if-no-log", "proven", "signature-rejected"),
    ("server-config-not-reloaded", "proven", "no-key-accepted"),
    ("server-config-not-reloaded-drop-in", "proven", "no-methods-left"),
    // What the files leave open the client's login decides.
    ("server-users-by-another-local-port-no-log", "proven", "access-works"),
    ("server-two-daemons-no-log", "proven", "access-works"),
    // A name in hosts.deny is looked up by the server alone: the client sees the connection closed.
    ("server-hosts-deny-by-name-no-log", "proven", "connection-dropped"),
    // What a rule only may do is less than what the client met.
    ("server-banned-by-a-rule-of-another-chain", "proven", "connection-refused"),
    // A command that the key or the server forces is not run, or is another one than was asked for.
    ("server-root-login-forced-command", "likely", "access-works"),
    ("server-certificate-works-from-here", "likely", "access-works"),
    ("server-keys-healthy-command", "likely", "access-works"),
    ("server-chroot-right", "proven", "forced-command"),
    // A server that knows no CA is not asked for one: the plain key is what it lacks.
    ("server-ca-not-set", "proven", "server-authorized-keys-missing"),
    ("server-ca-for-hosts", "proven", "server-authorized-keys-missing"),
];

/// A fault: everybody may write there.
const MODES: &str = "chmod 0777 /home/deploy";

/// An account ops of the server's, with the administrator's key, this shell and this line in sudoers.
fn admin(world: &World, shell: &str, sudoers: &str) -> anyhow::Result<()> {
    world.sh(&format!(
        "useradd -m -s {shell} ops
         mkdir -m 700 /home/ops/.ssh
         echo '{sudoers}' >/etc/sudoers.d/lab; chmod 440 /etc/sudoers.d/lab"
    ))?;
    world.administrator()?;
    world
        .sh("cp /root/.ssh/authorized_keys /home/ops/.ssh/; chown -R ops:ops /home/ops; rm /root/.ssh/authorized_keys")
        .map(drop)
}

/// The first incident's server: nobody but admins may log in, and the key was never put there.
fn first_incident(world: &mut World) -> anyhow::Result<()> {
    good(world, "AllowUsers root admin")?;
    world.key("/srv/other", &["-C", "b@desk"])?;
    world
        .sh("cat /srv/other.pub >/home/deploy/.ssh/authorized_keys
         chmod 644 /home/a/.ssh/id_ed25519")
        .map(drop)
}

/// Rows of `--admin`.
pub(crate) fn rows() -> Vec<Row> {
    [ways_in(), halves()].concat()
}

/// Rows of who comes in, and as whom the collector runs.
fn ways_in() -> Vec<Row> {
    vec![
        on_server("admin-first-incident", first_incident)
            .ssh_fails(DENIED)
            .proven("server-user-not-allowed")
            .also(&["server-key-not-listed"])
            .over("proven", "server-user-not-allowed")
            .follows(&["server-user-not-allowed", "server-key-not-listed", "key-file-permissions"])
            .incident(),
        on_server("admin-by-sudo", |world| {
            on_this_server(world, "", MODES)?;
            admin(world, "/bin/bash", "ops ALL=(ALL) NOPASSWD: ALL")
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .admin("ops@web1-admin")
        .over("proven", "server-strict-modes"),
        on_server("admin-without-sudo", |world| {
            on_this_server(world, "", "chmod 700 /home/deploy; chmod 0666 $AK")?;
            admin(world, "/bin/sh", "# nothing")
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .admin("ops@web1-admin")
        .over("proven", "no-key-accepted"),
        on_server("admin-with-a-talking-shell", |world| {
            on_this_server(world, "", MODES)?;
            admin(world, "/bin/bash", "ops ALL=(ALL) NOPASSWD: ALL")?;
            world.sh("echo 'echo Welcome to web1; echo [end]' >/home/ops/.bashrc").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .admin("ops@web1-admin")
        .over("proven", "server-strict-modes"),
        on_server("admin-with-another-shell", |world| {
            on_this_server(world, "", MODES)?;
            admin(world, "/bin/tcsh", "ops ALL=(ALL) NOPASSWD: ALL")
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .admin("ops@web1-admin")
        .over("proven", "server-strict-modes"),
        on_server("admin-who-may-not-come-in", |world| on_this_server(world, "", MODES))
            .ssh_fails(DENIED)
            .proven("server-strict-modes")
            .admin("nobody@web1-admin")
            .over("proven", "no-key-accepted"),
        on_server("admin-with-nologin", |world| {
            on_this_server(world, "", MODES)?;
            admin(world, "/usr/sbin/nologin", "# nothing")
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .admin("ops@web1-admin")
        .over("proven", "no-key-accepted"),
    ]
}

/// Rows of what the two halves make of each other.
fn halves() -> Vec<Row> {
    vec![
        // What answers at that name has other host keys than the machine that the administrator came to.
        on_server("admin-of-another-machine", |world| {
            world.host_key("ed25519")?;
            world.sshd_config("")?;
            world.dropbear(&["-s"])?;
            world.login_key()?;
            world.sh(MODES).map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .over("proven", "no-key-accepted"),
        // Two machines behind one name share their host keys, and the other one answered.
        on_server("admin-of-a-twin", |world| {
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ed25519")?;
            world.sshd_config("")?;
            world.login_key()?;
            world.sh(MODES)?;
            world
                .sh("mkdir -p /etc/dropbear
                    dropbearconvert openssh dropbear /etc/ssh/ssh_host_ed25519_key /etc/dropbear/host 2>/dev/null
                    dropbear -s -p 192.0.2.7:22 -r /etc/dropbear/host -P /run/twin.pid >/dev/null 2>&1; sleep 0.5")
                .map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .over("proven", "no-key-accepted"),
        // The account is refused before any key is looked at.
        on_server("admin-another-key-s-pub-of-an-account-that-may-not", |world| {
            on_this_server(world, "AllowUsers root", "cp /srv/other.pub $PUB")
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed")
        .also(&["server-key-not-listed"])
        .over("proven", "server-user-not-allowed")
        .follows(&["server-user-not-allowed", "key-pair-mismatch"]),
        // Nothing listens there, and nothing would if sshd came up.
        on_server("admin-another-port-beside-a-broken-configuration", |world| {
            on_this_server(world, "", "kill $(cat /run/sshd.pid); sleep 0.3; echo Nonsense yes >>/etc/ssh/sshd_config")
        })
        .line(&["-p", "2222", "-o", "HostKeyAlias=web1.example.org", "deploy@web1.example.org"])
        .ssh_fails("Connection refused")
        .proven("server-config-invalid")
        .over("proven", "connection-refused"),
        // ssh offers what the .pub says, and what the server knows is the private key.
        on_server("admin-another-key-s-pub", |world| on_this_server(world, "", "cp /srv/other.pub $PUB"))
            .ssh_fails(DENIED)
            .proven("server-key-not-listed")
            .over("proven", "key-pair-mismatch"),
        on_server("admin-another-key-s-pub-and-not-listed", |world| {
            on_this_server(world, "", "cp /srv/other.pub $PUB; >$AK")
        })
        .ssh_fails(DENIED)
        .proven("server-key-not-listed")
        .over("proven", "server-key-not-listed")
        .follows(&["server-key-not-listed", "key-pair-mismatch"]),
        on_server("admin-key-that-is-not-offered", |world| {
            on_this_server(world, "", "echo \"$OTHER\" >$AK")?;
            world.sh("cp /srv/other /srv/other.pub /home/a/.ssh/; chown 1000:1000 /home/a/.ssh/other*").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-key-not-listed")
        .over("proven", "accepted-key-not-offered"),
        on_server("admin-through-a-jump-host", |world| {
            on_this_server(world, "", MODES)?;
            before_web1(world)
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .over("proven", "server-strict-modes"),
        // The first key was never put there; the second one was, and its line refuses it.
        on_server("admin-second-key-is-meant", |world| {
            on_this_server(world, "", "echo \"from=\\\"198.51.100.1\\\" $OTHER\" >$AK")?;
            world
                .sh("cp /srv/other /srv/other.pub /home/a/.ssh/; chown 1000:1000 /home/a/.ssh/other*
                 printf 'IdentityFile ~/.ssh/id_ed25519\\nIdentityFile ~/.ssh/other\\n' >/home/a/.ssh/config")
                .map(drop)
        })
        .ssh_fails(DENIED)
        .key("/srv/other.pub")
        .proven("server-key-options-refuse")
        .over("proven", "server-key-options-refuse"),
        on_server("admin-keys-of-the-agent", |world| {
            on_this_server(world, "", "echo \"$OTHER\" >$AK")?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])
        })
        .ssh_fails(DENIED)
        .key("/srv/kept/id_ed25519.pub")
        .proven("server-key-not-listed")
        .over("proven", "server-key-not-listed"),
        on_server("admin-nothing-to-offer", |world| {
            on_this_server(world, "", "mv $PUB /srv/gone.pub; rm /home/a/.ssh/id_ed25519; chmod 666 $AK")
        })
        .ssh_fails(DENIED)
        .key("/srv/gone.pub")
        .proven("server-strict-modes")
        .over("proven", "no-identities"),
    ]
}
