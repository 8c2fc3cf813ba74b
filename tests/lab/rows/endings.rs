//! Rows of sessions, of scripted servers, and of what comes after the first fault.

use super::common::{DENIED, authorized, encrypted, good, keys, open_key};
use crate::row::{Row, Ssh, row};
use crate::userauth::Script;

/// Rows of sessions, of scripted servers, and of what comes after the first fault.
pub(crate) fn rows() -> Vec<Row> {
    [sessions(), servers_1(), servers_2(), predictions()].concat()
}

fn sessions() -> Vec<Row> {
    vec![
        row("nologin-shell", |world| {
            good(world, "")?;
            world.sh("sed -i '/^deploy/s#/bin/sh#/usr/sbin/nologin#' /etc/passwd").map(drop)
        })
        .ssh_ends(1, "not available")
        .proven("shell-refuses-login")
        .mended_by("sed -i '/^deploy/s#/usr/sbin/nologin#/bin/sh#' /etc/passwd")
        .fixture(),
        row("git-nologin-shell", |world| {
            good(world, "")?;
            world.sh("sed -i 's/^deploy:/git:/' /etc/passwd /etc/shadow /etc/group; sed -i '/^git/s#/bin/sh#/usr/sbin/nologin#' /etc/passwd").map(drop)
        })
        .line(&["git@web1.example.org"])
        .ssh_ends(1, "not available")
        .proven("shell-refuses-login"),
        row("shell-prints", |world| {
            good(world, "")?;
            world.file("/usr/../srv/sh", "#!/bin/sh\necho hello\nexec /bin/sh \"$@\"\n", 0o755)?;
            world.sh("sed -i '/^deploy/s#/bin/sh#/srv/sh#' /etc/passwd").map(drop)
        }),
        row("force-command-false", |world| good(world, "ForceCommand false"))
            .at_most("likely", "shell-refuses-login", "a shell that is false ends as silently")
            .ssh_ends_with(1),
        row("chroot-bad", |world| good(world, "ChrootDirectory /home/deploy"))
            .ssh_fails("")
            .at_most("likely", "session-closed", "sshd ends it in silence, and its log says why")
            .log("bad ownership or modes for chroot directory")
            .mended_by("sed -i /^ChrootDirectory/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid); sleep 0.3")
            .fixture(),
        row("max-sessions", |world| good(world, "MaxSessions 0"))
            .ssh_fails("open failed")
            .proven("channel-refused")
            .mended_by("sed -i /^MaxSessions/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid); sleep 0.3")
            .fixture(),
        row("no-home", |world| {
            good(world, "AuthorizedKeysFile /etc/ssh/ak")?;
            world.sh("cp /home/deploy/.ssh/authorized_keys /etc/ssh/ak; chmod 644 /etc/ssh/ak; rm -r /home/deploy").map(drop)
        }),
        row("password-expired", |world| {
            good(world, "")?;
            world.sh("sed -i 's/^deploy:.*/deploy:*:0:0:99999:7:::/' /etc/shadow").map(drop)
        })
        .ssh_ends(1, "Password change required")
        .proven("password-change-required")
        .mended_by("chage -d \"$(date +%F)\" deploy")
        .fixture(),
        row("exec-refused-shell-ok", |world| good(world, "PermitTTY no")),
    ]
}

fn servers_1() -> Vec<Row> {
    vec![
        row("authorized-keys-command-outlasts-the-grace-time", |world| {
            world.file("/usr/local/slow", "#!/bin/sh\nsleep 5\n", 0o755)?;
            good(
                world,
                "LoginGraceTime 1\nAuthorizedKeysFile none\nAuthorizedKeysCommand /usr/local/slow\n\
                 AuthorizedKeysCommandUser nobody",
            )
        })
        .ssh_fails("Connection closed by")
        .at_most("possible", "undetermined", "sshd closes in place of an answer, and only its log says why"),
        row("yes-to-all-as-openssh-wrong", |world| {
            world.scripted_userauth(Script::YesToAll("SSH-2.0-OpenSSH_9.2p1"))?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("yes-to-all-open", |world| {
            world.scripted_userauth(Script::YesToAll("SSH-2.0-OpenSSH_9.2p1"))?;
            open_key(world)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("yes-to-all-other-name", |world| {
            world.scripted_userauth(Script::YesToAll("SSH-2.0-Foo"))?;
            keys(world, &["one"])?;
            world.key("/home/a/.ssh/two", &[])?;
            authorized(world, &["two"])
        })
        .ssh_fails(DENIED)
        .at_most("likely", "no-key-accepted", "two is not asked"),
        row("yes-to-all-encrypted-tty", |world| {
            world.scripted_userauth(Script::YesToAll("SSH-2.0-Foo"))?;
            encrypted(world)
        })
        .at_a_terminal()
        .ssh_asks("Enter passphrase")
        .without("key-passphrase-needed")
        .needs(&["passphrase"]),
        row("close-at-second-query", |world| {
            world.scripted_userauth(Script::CloseAtSecondQuery)?;
            keys(world, &["one", "two", "three"])
        })
        .ssh_fails("onnection")
        .at_most("possible", "undetermined", "nothing names it yet"),
        row("close-at-none", |world| {
            world.scripted_userauth(Script::CloseAtNone)?;
            keys(world, &["one", "two", "three"])
        })
        .ssh_fails("onnection")
        .at_most("possible", "undetermined", "nothing names it yet"),
        row("tinysshd-second-right", |world| {
            world.tinysshd()?;
            keys(world, &["one", "two"])?;
            authorized(world, &["two"])
        }),
        row("tinysshd-open-unauthorised", |world| {
            world.tinysshd()?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("chmod 644 /home/a/.ssh/id_ed25519").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("tinysshd-encrypted-batch", |world| {
            world.tinysshd()?;
            encrypted(world)
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed")
        .with_a_terminal("Enter passphrase for key", &["passphrase"]),
    ]
}

fn servers_2() -> Vec<Row> {
    vec![
        row("tinysshd-many-wrong", |world| {
            world.tinysshd()?;
            keys(world, &["one", "two", "three", "four", "five", "six", "seven"])
        })
        .ssh_fails("")
        .at_most("likely", "no-key-accepted", "five keys are asked about on a connection, and two are left"),
        row("tinysshd-other-key", |world| {
            world.tinysshd()?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.key("/home/a/.ssh/work", &[])?;
            authorized(world, &["work"])
        })
        .ssh_fails(DENIED)
        .at_most("likely", "no-key-accepted", "work is not asked"),
        row("dropbear-second-factor", |world| {
            world.dropbear(&[])?;
            world.login_key()
        }),
        row("dropbear-forced", |world| {
            world.dropbear(&["-s"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("command=\"echo forced\" ", "/home/a/.ssh/id_ed25519.pub")
        }),
        row("slow-server", |world| {
            world.scripted_userauth(Script::YesToAll("SSH-2.0-OpenSSH_7.4"))?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
    ]
}

fn predictions() -> Vec<Row> {
    vec![
        row("control-folder-and-open-key", |world| {
            world.server("")?;
            open_key(world)
        })
        .line(&["-oControlMaster=auto", "-oControlPath=/home/a/none/%C", "deploy@web1.example.org"])
        .ssh_fails("too open")
        .proven("key-file-permissions")
        .also(&["client-config-error"])
        .mended_by("chmod 600 /home/a/.ssh/id_ed25519")
        .then(Ssh::Ends(255, "unix_listener")),
        row("control-folder-mended", |world| good(world, ""))
            .line(&["-oControlMaster=auto", "-oControlPath=/home/a/none/%C", "deploy@web1.example.org"])
            .ssh_fails("unix_listener")
            .proven("client-config-error")
            .mended_by("mkdir -m 700 /home/a/none; chown a /home/a/none")
            .printed(),
        row("identities-only-and-second-factor", |world| {
            world.server("PasswordAuthentication yes\nAuthenticationMethods publickey,password")?;
            world.login_key()?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.config("IdentitiesOnly yes")
        })
        .ssh_fails(DENIED)
        .proven("identities-only-hides-key"),
        row("unknown-host-and-open-key", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            open_key(world)
        })
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown"),
        row("pubkey-off-and-encrypted", |world| {
            world.server("")?;
            encrypted(world)?;
            world.config("PubkeyAuthentication no")
        })
        .ssh_fails(DENIED)
        .proven("pubkey-disabled-by-client")
        .also(&["key-passphrase-needed"])
        .mended_by("rm /home/a/.ssh/config")
        .then(Ssh::Ends(255, DENIED)),
        row("missing-and-not-authorised", |world| {
            world.server("")?;
            world.config("IdentityFile ~/.ssh/deploy_key")?;
            world.key("/srv/deploy_key", &[])
        })
        .ssh_fails(DENIED)
        .proven("identity-file-missing"),
        row("ed25519-type-off-and-open", |world| {
            world.server("")?;
            open_key(world)
        })
        .line(&["-oPubkeyAcceptedAlgorithms=rsa-sha2-512", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-mutual-signature-algorithm"),
        row("pair-mismatch-open", |world| {
            good(world, "")?;
            world.key("/home/a/other", &[])?;
            world
                .sh("mv /home/a/other /home/a/.ssh/id_ed25519; rm /home/a/other.pub; chmod 644 /home/a/.ssh/id_ed25519")
                .map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions")
        .also(&["key-pair-mismatch"])
        .mended_by("chmod 600 /home/a/.ssh/id_ed25519")
        .then(Ssh::Ends(255, "contents do not match public")),
    ]
}
