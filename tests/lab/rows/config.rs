//! Rows whose fault is in the client's configuration or on its command line.

use crate::row::{Row, row};

/// Rows of the configuration.
pub(crate) fn rows() -> Vec<Row> {
    [refused(), not_evaluated(), proxied()].concat()
}

fn not_evaluated() -> Vec<Row> {
    vec![
        row("number-without-an-account", |world| {
            world.server("")?;
            world.login_key()?;
            world.sh("sed -i /^a:/d /etc/passwd").map(drop)
        })
        .ssh_fails("No user exists for uid 1000")
        .proven("client-config-error")
        .incident(),
        row("match-exec-that-hangs", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("Match exec \"sleep 600\"\n    User deploy")
        })
        .ssh_hangs()
        .at_most("possible", "undetermined", "ssh may only be slow"),
    ]
}

fn refused() -> Vec<Row> {
    vec![
        row("option-nobody-knows", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("Host web1.example.org\n    UseKeychain yes")
        })
        .ssh_fails("Bad configuration option: usekeychain")
        .proven("client-config-error")
        .mended_by("rm /home/a/.ssh/config")
        .fixture(),
        row("option-nobody-knows-on-the-command-line", |world| {
            world.server("")?;
            world.login_key()
        })
        .line(&["-o", "Nonsense=1", "deploy@web1.example.org"])
        .ssh_fails("Bad configuration option: nonsense")
        .proven("client-config-error"),
        row("value-that-is-none", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("KexAlgorithms +diffie-hellman-group99")
        })
        .ssh_fails("Bad SSH2 KexAlgorithms")
        .proven("client-config-error"),
        row("config-others-can-write", |world| {
            world.server("")?;
            world.login_key()?;
            world.file("/home/a/.ssh/config", "User deploy\n", 0o666)
        })
        .ssh_fails("Bad owner or permissions on /home/a/.ssh/config")
        .proven("client-config-permissions")
        .mended_by("chmod 600 /home/a/.ssh/config")
        .printed()
        .fixture(),
        row("config-of-another-owner", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("User deploy")?;
            world.sh("chown deploy /home/a/.ssh/config; chmod 644 /home/a/.ssh/config").map(drop)
        })
        .ssh_fails("Bad owner or permissions on /home/a/.ssh/config")
        .proven("client-config-permissions")
        .mended_by("chown a /home/a/.ssh/config"),
        row("publickey-switched-off", |world| {
            world.server("")?;
            world.login_key()?;
            world.config("PubkeyAuthentication no")
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("pubkey-disabled-by-client")
        .mended_by("rm /home/a/.ssh/config")
        .fixture(),
        row("publickey-not-preferred", |world| {
            world.server("PasswordAuthentication yes")?;
            world.login_key()
        })
        .line(&["-oPreferredAuthentications=password", "-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (publickey,password)")
        .proven("pubkey-disabled-by-client"),
        row("only-passwords-and-nobody-to-ask", |world| {
            world.server("PubkeyAuthentication no\nPasswordAuthentication yes")
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (password)")
        .proven("method-disabled-by-client")
        .fixture(),
        row("passwords-switched-off-at-a-terminal", |world| {
            world.server("PubkeyAuthentication no\nPasswordAuthentication yes")?;
            world.config("PasswordAuthentication no")
        })
        .at_a_terminal()
        .ssh_fails("Permission denied (password)")
        .proven("method-disabled-by-client"),
    ]
}

fn proxied() -> Vec<Row> {
    vec![
        row("through-a-proxy-command", |world| {
            world.server("")?;
            world.login_key()
        })
        .line(&["-oProxyCommand=false", "deploy@web1.example.org"])
        .ssh_fails("UNKNOWN port 65535")
        .at_most("likely", "proxy-command-failed", "a program may end so when the server drops it"),
        row("proxy-command-that-begins-with-exec", |world| {
            world.server("")?;
            world.login_key()
        })
        .line(&["-oProxyCommand=exec nc %h %p", "deploy@web1.example.org"])
        .ssh_fails("exec: exec: not found")
        .proven("proxy-command-failed"),
        row("proxy-command-that-asks-at-the-terminal", |world| {
            world.server("PasswordAuthentication yes")?;
            world.login_key()
        })
        .line(&[
            "-oProxyCommand=ssh -oPubkeyAuthentication=no -W [%h]:%p deploy@web1.example.org",
            "deploy@web1.example.org",
        ])
        .at_a_terminal()
        .ssh_asks("password:")
        .at_most("possible", "undetermined", "the program may be let in where somebody answers it")
        .without("proxy-command-failed"),
        row("proxy-command-that-asks-and-is-answered", |world| {
            world.sh("echo deploy:secret | chpasswd")?;
            world.server("PasswordAuthentication yes")?;
            world.login_key()
        })
        .line(&[
            "-oProxyCommand=ssh -oPubkeyAuthentication=no -W [%h]:%p deploy@web1.example.org",
            "deploy@web1.example.org",
        ])
        .ours(&["--interactive"])
        .at_a_terminal()
        .types(&[("password:", "secret")])
        .proven("access-works"),
        row("proxy-command-that-passes-a-connection", |world| {
            world.server("")?;
            world.login_key()
        })
        .line(&["-oProxyCommand=false", "-oProxyUseFdpass=yes", "deploy@web1.example.org"])
        .ssh_fails("did not pass back a connection")
        .at_most("possible", "undetermined", "a program that passes a connection is not run")
        .fixture(),
        row("through-a-jump-host", |world| {
            world.server("")?;
            world.login_key()
        })
        .line(&["-J", "bastion.invalid", "deploy@web1.example.org"])
        .ssh_fails("Could not resolve hostname bastion.invalid")
        .hop("bastion.invalid", "dns-failure"),
    ]
}
