//! Rows whose verdict is a group: each knows its true member, and what the client sees speaks for it or does not.

use super::common::{DENIED, good};
use crate::row::{Row, row};
use crate::userauth::Script;
use crate::world::{ROOT, World};

/// The name that Amazon gives the server.
const EC2: &str = "ec2-192-0-2-7.eu-central-1.compute.amazonaws.com";

/// Rows of groups.
pub(crate) fn rows() -> Vec<Row> {
    [other_accounts(), names(), keys(), lines(), files(), accounts(), settings(), others()].concat()
}

/// Another name for the server, which the client knows as well.
fn called(world: &World, name: &str) -> anyhow::Result<()> {
    world.append("/etc/hosts", &format!("192.0.2.7 {name}"))?;
    world.known(name, "ed25519")
}

/// One more account, which the client's key opens.
fn account(world: &World, name: &str) -> anyhow::Result<()> {
    world
        .sh(&format!(
        "echo {name}:x:1002:1002::/home/{name}:/bin/sh >> /etc/passwd; echo '{name}:*:19000:0:99999:7:::' >> /etc/shadow
         install -d -o 1002 -m 700 /home/{name}/.ssh; chown 1002 /home/{name}
         install -o 1002 -m 600 /home/a/.ssh/id_ed25519.pub /home/{name}/.ssh/authorized_keys"
    ))
        .map(drop)
}

/// Somebody else's key is in deploy's file.
fn anothers_key(world: &World) -> anyhow::Result<()> {
    world.key("/srv/another", &["-C", "b@desk"])?;
    world.authorize("/srv/another.pub")
}

fn other_accounts() -> Vec<Row> {
    fn by_sudo(world: &mut World) -> anyhow::Result<()> {
        world.server("")?;
        world.login_key()?;
        world.sh("install -d -m 700 /root/.ssh; cp /home/a/.ssh/known_hosts /root/.ssh/")?;
        world.who = ROOT;
        world.environment.push(("SUDO_USER".to_owned(), "a".to_owned()));
        Ok(())
    }
    vec![
        row("another-name-tried", |world| good(world, ""))
            .line(&["web1.example.org"])
            .ours(&["--try-user", "deploy"])
            .ssh_fails(DENIED)
            .proven("wrong-user")
            .fixture(),
        row("another-name-tried-with-agent-keys", |world| {
            good(world, "")?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])
        })
        .line(&["admin@web1.example.org"])
        .ours(&["--try-user", "deploy"])
        .ssh_fails(DENIED)
        .proven("wrong-user"),
        row("another-name-tried-in-vain", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["admin@web1.example.org"])
        .ours(&["--try-user", "deploy"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("another-name-tried-at-a-server-that-says-yes-to-all", |world| {
            world.tinysshd()?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["admin@web1.example.org"])
        .ours(&["--try-user", "deploy"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("another-name-not-needed", |world| good(world, "")).ours(&["--try-user", "admin"]),
        row("sudo-has-no-keys", by_sudo).ssh_fails(DENIED).proven("wrong-local-account").fixture(),
        row("sudo-with-keys-of-its-own", |world| {
            by_sudo(world)?;
            world.key("/root/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("wrong-local-account"),
        row("sudo-and-neither-is-accepted", |world| {
            by_sudo(world)?;
            world.sh("rm /home/deploy/.ssh/authorized_keys").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("sudo-with-a-key-that-works", |world| {
            by_sudo(world)?;
            world.key("/root/.ssh/id_ed25519", &[])?;
            world.authorize("/root/.ssh/id_ed25519.pub")
        }),
        row("home-variable-elsewhere", |world| {
            good(world, "")?;
            world.sh("mkdir -p /srv/job/.ssh; mv /home/a/.ssh/id_ed25519* /srv/job/.ssh/; chown -R a /srv/job")?;
            world.environment.push(("HOME".to_owned(), "/srv/job".to_owned()));
            Ok(())
        })
        .ssh_fails(DENIED)
        .proven("wrong-local-account")
        .mended_by("install -o a -m 600 /srv/job/.ssh/id_ed25519 /home/a/.ssh/"),
    ]
}

fn names() -> Vec<Row> {
    vec![
        row("local-name-sent", |world| good(world, ""))
            .line(&["web1.example.org"])
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .member("wrong-user"),
        row("domain-in-the-name", |world| good(world, ""))
            .line(&["CORP\\deploy@web1.example.org"])
            .ssh_fails(DENIED)
            .log("Invalid user CORP\\\\deploy")
            .proven("no-key-accepted")
            .member("wrong-user"),
        row("another-image-s-account", |world| {
            good(world, "")?;
            account(world, "admin")?;
            called(world, EC2)
        })
        .line(&["ec2-user@ec2-192-0-2-7.eu-central-1.compute.amazonaws.com"])
        .ssh_fails(DENIED)
        .log("Invalid user ec2-user")
        .proven("no-key-accepted")
        .member("wrong-user"),
        row("root-of-an-image", |world| {
            good(world, "")?;
            account(world, "admin")?;
            called(world, EC2)
        })
        .line(&["root@ec2-192-0-2-7.eu-central-1.compute.amazonaws.com"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("wrong-user"),
        row("comment-names-another", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &["-C", "deploy@web1"])?;
            world.authorize("/home/a/.ssh/id_ed25519.pub")
        })
        .line(&["ann@web1.example.org"])
        .ssh_fails(DENIED)
        .log("Invalid user ann")
        .proven("no-key-accepted")
        .member("wrong-user"),
        row("slip-in-the-name", |world| {
            good(world, "")?;
            account(world, "ansible")
        })
        .line(&["anisble@web1.example.org"])
        .ssh_fails(DENIED)
        .log("Invalid user anisble")
        .proven("no-key-accepted")
        .member("server-no-such-user"),
    ]
}

fn keys() -> Vec<Row> {
    vec![
        row("another-s-key-listed", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            anothers_key(world)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("server-key-not-listed"),
        row("old-key-listed", |world| {
            good(world, "")?;
            world.sh("rm /home/a/.ssh/id_ed25519*")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("server-key-not-listed"),
        row("another-s-key-listed-agent", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/work", &[])?;
            world.agent_with(&["/home/a/.ssh/work"])?;
            anothers_key(world)
        })
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key")
        .member("server-key-not-listed"),
        row("another-s-key-listed-dropbear", |world| {
            world.dropbear(&["-s"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            anothers_key(world)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("server-key-not-listed"),
        row("another-s-key-listed-password-open", |world| {
            world.server("PasswordAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            anothers_key(world)
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (publickey,password)")
        .proven("no-key-accepted")
        .member("server-key-not-listed"),
    ]
}

fn lines() -> Vec<Row> {
    vec![
        row("key-in-ssh2-format", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh(
                "cd /home/a/.ssh; ssh-keygen -e -f id_ed25519 > new; mv new id_ed25519.pub; chown a id_ed25519.pub",
            )?;
            world.authorize("/home/a/.ssh/id_ed25519.pub")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("server-key-entry-malformed"),
        row("key-wrapped-by-a-paste", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "3072"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")?;
            world
                .sh("cd /home/deploy/.ssh; fold -w 80 authorized_keys > new; cat new > authorized_keys; rm new")
                .map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("server-key-entry-malformed"),
        row("two-keys-in-one-line", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.key("/srv/another", &["-C", ""])?;
            world
                .sh("install -d -o deploy -m 700 /home/deploy/.ssh; cd /home/deploy/.ssh
                      (tr -d '\\n' < /srv/another.pub; cat /home/a/.ssh/id_ed25519.pub) > authorized_keys
                      chmod 600 authorized_keys; chown deploy authorized_keys")
                .map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .silent_member("server-key-entry-malformed"),
        row("small-rsa-key", |world| {
            world.server("RequiredRSASize 2048")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "1024"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("server-key-algorithm-refused rsa-key-too-small"),
        row("key-line-expired", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("expiry-time=\"20200101\" ", "/home/a/.ssh/id_ed25519.pub")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .silent_member("server-key-options-refuse"),
        row("key-revoked-there", |world| {
            good(world, "RevokedKeys /etc/ssh/revoked")?;
            world.sh("cp /home/a/.ssh/id_ed25519.pub /etc/ssh/revoked").map(drop)
        })
        .ssh_fails(DENIED)
        .log("revoked by file")
        .proven("no-key-accepted")
        .silent_member("server-key-revoked"),
    ]
}

fn files() -> Vec<Row> {
    vec![
        row("home-of-a-storage-box", |world| {
            good(world, "")?;
            world.sh("chmod 777 /home/deploy")?;
            called(world, "nas.example.org")
        })
        .line(&["deploy@nas.example.org"])
        .ssh_fails(DENIED)
        .log("bad ownership or modes for directory /home/deploy")
        .proven("no-key-accepted")
        .member("server-strict-modes"),
        row("authorized-keys-others-can-write", |world| {
            good(world, "")?;
            world.sh("chmod 666 /home/deploy/.ssh/authorized_keys").map(drop)
        })
        .ssh_fails(DENIED)
        .log("bad ownership or modes for file")
        .proven("no-key-accepted")
        .member("server-strict-modes"),
        row("authorized-keys-of-root-alone", |world| {
            good(world, "")?;
            world.sh("chown root /home/deploy/.ssh/authorized_keys").map(drop)
        })
        .ssh_fails(DENIED)
        .log("Permission denied")
        .proven("no-key-accepted")
        .silent_member("server-authorized-keys-unreadable"),
        row("authorized-keys-in-another-place", |world| good(world, "AuthorizedKeysFile /etc/ssh/keys/%u"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .silent_member("server-authorized-keys-elsewhere"),
        row("home-that-is-not-there", |world| {
            good(world, "")?;
            world.sh("rm -r /home/deploy").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .silent_member("server-home-missing"),
        row("authorized-keys-command-that-fails", |world| {
            good(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /bin/false\nAuthorizedKeysCommandUser nobody")
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .silent_member("server-authorized-keys-command-failed"),
    ]
}

fn accounts() -> Vec<Row> {
    vec![
        row("locked-on-a-small-system", |world| {
            good(world, "DebianBanner no\nUsePAM no")?;
            world.sh("sed -i 's/^deploy:[*]/deploy:!/' /etc/shadow").map(drop)
        })
        .ssh_fails(DENIED)
        .log("account is locked")
        .proven("no-key-accepted")
        .member("server-account-locked"),
        row("expired-without-pam", |world| {
            good(world, "UsePAM no")?;
            world.sh("sed -i 's/^deploy:.*/deploy:*:19000:0:99999:7::1:/' /etc/shadow").map(drop)
        })
        .ssh_fails(DENIED)
        .log("has expired")
        .proven("no-key-accepted")
        .silent_member("server-account-expired"),
        row("group-denied", |world| good(world, "DenyGroups deploy"))
            .ssh_fails(DENIED)
            .log("because a group is listed in DenyGroups")
            .proven("no-key-accepted")
            .silent_member("server-user-not-allowed"),
        row("kept-out-by-access-rules", |world| {
            good(world, "")?;
            world
                .sh("echo 'account required pam_access.so accessfile=/etc/access' >> /etc/pam.d/sshd
                      echo '-:deploy:ALL' > /etc/access")
                .map(drop)
        })
        .ssh_fails("Connection closed by")
        .log("by PAM account configuration")
        .proven("signature-rejected")
        .member("server-pam-denied"),
    ]
}

fn settings() -> Vec<Row> {
    vec![
        row("root-kept-out-with-an-ecdsa-key", |world| {
            world.server("PermitRootLogin no")?;
            world.key("/home/a/.ssh/id_ecdsa", &["-t", "ecdsa"])?;
            let key = crate::world::read("/home/a/.ssh/id_ecdsa.pub")?;
            world.file("/root/.ssh/authorized_keys", key, 0o600)
        })
        .line(&["-l", "root", "web1.example.org"])
        .ssh_fails(DENIED)
        .log("ROOT LOGIN REFUSED")
        .proven("signature-rejected")
        .member("server-root-login-disabled"),
    ]
}

/// Servers that are not Debian's, played by a script that says their names.
fn others() -> Vec<Row> {
    fn refusing(world: &World, name: &'static str) -> anyhow::Result<()> {
        world.scripted_userauth(Script::RefuseAll(name))?;
        world.key("/home/a/.ssh/id_ed25519", &[])
    }
    vec![
        row("refused-by-windows", |world| refusing(world, "SSH-2.0-OpenSSH_for_Windows_9.5"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .member("server-authorized-keys-elsewhere"),
        row("refused-by-a-git-host", |world| refusing(world, "SSH-2.0-babeld-1a2b3c4d"))
            .line(&["-T", "git@web1.example.org"])
            .ssh_fails(DENIED)
            .proven("git-host-no-account"),
        row("own-name-at-a-git-host", |world| refusing(world, "SSH-2.0-GitLab-SSHD"))
            .line(&["-T", "ann@web1.example.org"])
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .member("wrong-user"),
    ]
}
