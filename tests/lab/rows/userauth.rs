//! Rows that end in user authentication, at what the server says.

use russh::MethodKind;

use crate::row::{Row, row};
use crate::userauth::Script;
use crate::world::World;

/// A server that lets the default key in, with these lines first.
fn good(world: &World, lines: &str) -> anyhow::Result<()> {
    world.server(lines)?;
    world.login_key()
}

/// Rows of user authentication.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = refused();
    rows.extend(refused_by_others());
    rows.extend(methods());
    rows.extend(after_the_yes());
    rows
}

/// What sshd refuses looks the same from outside: the group is proven, its member is not.
fn refused() -> Vec<Row> {
    let says = "Permission denied (publickey)";
    vec![
        row("key-not-authorised", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(says)
        .proven("no-key-accepted")
        .member("server-authorized-keys-missing")
        .mended_by("install -d -o deploy -m 700 /home/deploy/.ssh; install -o deploy /home/a/.ssh/id_ed25519.pub /home/deploy/.ssh/authorized_keys")
        .fixture(),
        row("no-such-user", |world| good(world, ""))
            .line(&["depoly@web1.example.org"])
            .ssh_fails(says)
            .log("Invalid user depoly")
        .proven("no-key-accepted")
        .member("server-no-such-user"),
        row("user-not-allowed", |world| good(world, "AllowUsers admin")).ssh_fails(says).log("not listed in AllowUsers")
        .proven("no-key-accepted")
        .silent_member("server-user-not-allowed"),
        row("home-others-can-write", |world| {
            good(world, "")?;
            world.sh("chmod 777 /home/deploy").map(drop)
        })
        .ssh_fails(says)
        .log("bad ownership or modes for directory /home/deploy")
        .proven("no-key-accepted")
        .member("server-strict-modes")
        .mended_by("chmod 755 /home/deploy"),
        row("key-from-elsewhere-only", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("from=\"198.51.100.0/24\" ", "/home/a/.ssh/id_ed25519.pub")
        })
        .ssh_fails(says)
        .log("not from a permitted host")
        .proven("no-key-accepted")
        .silent_member("server-key-options-refuse"),
        row("account-locked-without-pam", |world| {
            good(world, "UsePAM no")?;
            world.sh("sed -i 's/^deploy:[*]/deploy:!/' /etc/shadow").map(drop)
        })
        .ssh_fails(says)
        .log("account is locked")
        .proven("no-key-accepted")
        .silent_member("server-account-locked"),
        row("shell-that-does-not-exist", |world| {
            good(world, "")?;
            world.sh("sed -i '/^deploy/s#/bin/sh#/bin/nosuch#' /etc/passwd").map(drop)
        })
        .ssh_fails(says)
        .log("shell /bin/nosuch does not exist")
        .proven("no-key-accepted")
        .silent_member("server-shell-invalid"),
        row("certificate-of-an-unknown-authority", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.key("/etc/ssh/ca", &[])?;
            world.sh("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub").map(drop)
        })
        .ssh_fails(says)
        .proven("no-key-accepted"),
        row("keys-refused-and-a-password-open-at-a-terminal", |world| {
            world.server("PasswordAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .at_a_terminal()
        .ssh_asks("deploy@web1.example.org's password:")
        .without("no-key-accepted")
        .proven("no-key-accepted")
        .member("server-authorized-keys-missing"),
    ]
}

fn refused_by_others() -> Vec<Row> {
    vec![
        row("key-not-authorised-by-dropbear", |world| {
            world.dropbear(&["-s"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted")
        .member("server-authorized-keys-missing"),
        row("root-refused-by-dropbear", |world| {
            world.dropbear(&["-s", "-w"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            let key = crate::world::read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", key, 0o600)
        })
        .line(&["root@web1.example.org"])
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted")
        .member("server-root-login-disabled"),
        row("works-with-the-fifth-key-at-a-dropbear-that-takes-three-tries", |world| {
            world.dropbear(&["-s", "-T", "3"])?;
            let keys: Vec<String> = (1..=5).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.authorize("/home/a/.ssh/key5.pub")?;
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        // What it refuses in a query is no try to dropbear.
        .proven("access-works"),
        row("key-not-authorised-by-tinysshd", |world| {
            world.tinysshd()?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("no-key-accepted")
        .member("server-authorized-keys-missing"),
    ]
}

fn methods() -> Vec<Row> {
    vec![
        row("server-takes-no-keys", |world| good(world, "PubkeyAuthentication no\nPasswordAuthentication yes"))
            .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
            .ssh_fails("Permission denied (password)")
            .proven("server-pubkey-disabled")
            .fixture(),
        row("nothing-but-a-password-to-give", |world| world.server(""))
            .line(&["-oPreferredAuthentications=password", "deploy@web1.example.org"])
            .at_a_terminal()
            .ssh_fails("Permission denied (publickey)")
            .proven("password-disabled")
            .fixture(),
        row("no-methods-at-all", |world| good(world, "PubkeyAuthentication no"))
            .ssh_fails("Permission denied ()")
            .proven("no-methods-left")
            .fixture(),
        row("hostbased-alone", |world| good(world, "PubkeyAuthentication no\nHostbasedAuthentication yes"))
            .ssh_fails("Permission denied (hostbased)")
            .proven("hostbased-only")
            .fixture(),
        row("a-password-after-the-key", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password")
        })
        .ssh_fails("Permission denied (password)")
        .with_a_terminal("password:", &["password"])
        .proven("second-factor-required")
        .fixture(),
        row("a-code-after-the-key", |world| {
            good(world, "KbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive")
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (keyboard-interactive)")
        .proven("second-factor-required"),
        row("a-method-ssh-cannot-do-after-the-key", |world| {
            world.scripted_userauth(Script::Partial(MethodKind::HostBased))?;
            world.login_key()
        })
        .ssh_fails("Permission denied (hostbased)")
        .proven("second-factor-required"),
        row("disconnected-with-a-reason", |world| {
            world.scripted_userauth(Script::Disconnect("maintenance until 18:00 UTC"))?;
            world.login_key()
        })
        .ssh_fails("maintenance until 18:00 UTC")
        .proven("server-disconnected")
        .fixture(),
    ]
}

fn after_the_yes() -> Vec<Row> {
    vec![
        row("root-login-disabled", |world| {
            world.server("PermitRootLogin no")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            let key = crate::world::read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", key, 0o600)
        })
        .line(&["root@web1.example.org"])
        .ssh_fails("Permission denied (publickey)")
        .log("ROOT LOGIN REFUSED")
        .proven("signature-rejected")
        .member("server-root-login-disabled")
        .fixture(),
        row("account-expired", |world| {
            good(world, "")?;
            world.sh("sed -i 's/^deploy:.*/deploy:*:19000:0:99999:7::1:/' /etc/shadow").map(drop)
        })
        .ssh_fails("Connection closed by")
        .log("by PAM account configuration")
        .proven("signature-rejected")
        .member("server-account-expired")
        .mended_by("sed -i 's/^deploy:.*/deploy:*:19000:0:99999:7:::/' /etc/shadow"),
        row("nobody-may-log-in-now", |world| {
            good(world, "")?;
            world.file("/etc/nologin", "System is going down for maintenance.\n", 0o644)
        })
        .ssh_fails("Connection closed by")
        .log("by PAM account configuration")
        .proven("signature-rejected")
        .member("server-nologin-file")
        .mended_by("rm /etc/nologin"),
        row("signature-refused-by-the-script", |world| {
            world.scripted_userauth(Script::RefuseSignature)?;
            world.login_key()
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("signature-rejected"),
        row("closed-after-the-signature-by-the-script", |world| {
            world.scripted_userauth(Script::CloseAfterSignature)?;
            world.login_key()
        })
        .ssh_fails("Connection")
        .proven("signature-rejected"),
    ]
}
