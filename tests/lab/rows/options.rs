//! Rows of options on ssh's command line.

use super::common::{DENIED, authorized, changed, good, keys};
use crate::row::{Row, row};

/// Rows of options on ssh's command line.
pub(crate) fn rows() -> Vec<Row> {
    [configurations_1(), configurations_2(), configurations_3(), third_1(), third_2(), third_3()].concat()
}

fn configurations_1() -> Vec<Row> {
    vec![
        row("control-path-missing-folder", |world| good(world, ""))
            .line(&["-oControlMaster=auto", "-oControlPath=/home/a/none/%C", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("client-config-error"),
        row("unset-variable-in-identity", |world| good(world, ""))
            .line(&["-oIdentityFile=~/.ssh/${NOPE}", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("client-config-error"),
        row("unset-variable-in-known-hosts", |world| good(world, ""))
            .line(&["-oUserKnownHostsFile=~/.ssh/${NOPE}", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("client-config-error"),
        row("unset-variable-in-certificate", |world| good(world, ""))
            .line(&["-oCertificateFile=~/.ssh/${NOPE}", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("client-config-error"),
        row("unset-variable-in-agent", |world| good(world, ""))
            .line(&["-oIdentityAgent=~/.ssh/${NOPE}", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("client-config-error"),
        row("unknown-token", |world| good(world, ""))
            .line(&["-oIdentityFile=~/.ssh/%z", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("client-config-error"),
        row("bind-address-foreign", |world| good(world, ""))
            .line(&["-b", "198.51.100.1", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("bind-address-unusable"),
        row("bind-interface-missing", |world| good(world, ""))
            .line(&["-B", "eth9", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("bind-address-unusable"),
        row("bad-forward", |world| good(world, ""))
            .line(&["-L", "nonsense", "deploy@web1.example.org"])
            .ssh_fails("Bad local forwarding specification")
            .proven("client-config-error"),
    ]
}

fn configurations_2() -> Vec<Row> {
    vec![
        row("exit-on-forward-failure", |world| {
            good(world, "")?;
            std::mem::forget(std::net::TcpListener::bind("127.0.0.1:8080")?);
            Ok(())
        })
        .line(&["-oExitOnForwardFailure=yes", "-L", "127.0.0.1:8080:localhost:80", "deploy@web1.example.org"])
        .ssh_fails("")
        .at_most("likely", "access-works", "nothing names it yet"),
        row("exit-on-remote-forward-failure", |world| good(world, "AllowTcpForwarding no"))
            .line(&["-oExitOnForwardFailure=yes", "-R", "127.0.0.1:8080:localhost:80", "deploy@web1.example.org"])
            .ssh_fails("")
            .at_most("likely", "access-works", "nothing names it yet"),
        row("pkcs11-missing", |world| good(world, ""))
            .line(&["-oPKCS11Provider=/nowhere.so", "deploy@web1.example.org"]),
        row("pkcs11-missing-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["-oPKCS11Provider=/nowhere.so", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .at_most("likely", "no-key-accepted", "the right key may be on the token"),
        row("pkcs11-missing-alone", |world| world.server(""))
            .line(&["-oPKCS11Provider=/nowhere.so", "deploy@web1.example.org"])
            .ssh_fails(DENIED)
            .at_most("likely", "hardware-key-unavailable", "whether the token's key would be accepted is not seen"),
        row("quiet", |world| good(world, "")).line(&["-q", "-oLogLevel=QUIET", "deploy@web1.example.org"]),
        row("quiet-refused", |world| world.server(""))
            .line(&["-q", "-oLogLevel=QUIET", "deploy@web1.example.org"])
            .ssh_fails("")
            .proven("no-identities"),
        row("x-preferred-odd", |world| good(world, ""))
            .line(&["-oPreferredAuthentications=password,publickey", "deploy@web1.example.org"]),
        row("preferred-without-keys-kbd", |world| good(world, ""))
            .line(&["-oPreferredAuthentications=keyboard-interactive", "deploy@web1.example.org"])
            .at_a_terminal()
            .ssh_fails(DENIED)
            .proven("pubkey-disabled-by-client"),
        row("rekey", |world| good(world, "RekeyLimit 16")).at_most(
            "possible",
            "undetermined",
            "the probe makes no new keys",
        ),
    ]
}

fn configurations_3() -> Vec<Row> {
    vec![
        row("rekey-client", |world| good(world, "")).line(&["-oRekeyLimit=16", "deploy@web1.example.org"]),
        row("compression", |world| good(world, "")).line(&["-C", "deploy@web1.example.org"]),
        row("session-none", |world| {
            good(world, "")?;
            world.sh("sed -i '/^deploy/s#/bin/sh#/usr/sbin/nologin#' /etc/passwd").map(drop)
        })
        .ssh_hangs()
        .line(&["-N", "deploy@web1.example.org"]),
    ]
}

fn third_1() -> Vec<Row> {
    vec![
        row("umac-only", |world| good(world, "Ciphers aes128-ctr\nMACs umac-128-etm@openssh.com")),
        row("same-key-twice", |world| {
            world.server("MaxAuthTries 2")?;
            keys(world, &["one"])?;
            world.sh("cp -p /home/a/.ssh/one /home/a/.ssh/copy; cp -p /home/a/.ssh/one.pub /home/a/.ssh/copy.pub")?;
            world.config("IdentityFile ~/.ssh/copy")?;
            keys(world, &["two"])?;
            authorized(world, &["two"])
        })
        .ssh_fails("Too many authentication failures")
        .proven("too-many-keys"),
        row("remote-command", |world| good(world, ""))
            .line(&["-oRemoteCommand=uptime", "deploy@web1.example.org"])
            .ssh_fails("Cannot execute command-line and remote command")
            .proven("client-config-error"),
        row("local-command", |world| good(world, "")).line(&[
            "-oPermitLocalCommand=yes",
            "-oLocalCommand=false",
            "deploy@web1.example.org",
        ]),
        row("identity-none-agent", |world| {
            good(world, "")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])
        })
        .line(&["-oIdentityFile=none", "deploy@web1.example.org"]),
        row("identity-none-identities-only", |world| {
            good(world, "")?;
            world.agent()?;
            world.ssh_add(&["/home/a/.ssh/id_ed25519"])
        })
        .line(&["-oIdentityFile=none", "-oIdentitiesOnly=yes", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("identities-only-hides-key"),
        row("identity-none-alone", |world| good(world, ""))
            .line(&["-oIdentityFile=none", "deploy@web1.example.org"])
            .ssh_fails(DENIED)
            .proven("accepted-key-not-offered"),
        row("empty-auth-sock", |world| {
            good(world, "")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), String::new()));
            Ok(())
        }),
        row("empty-auth-sock-nothing", |world| {
            world.server("")?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), String::new()));
            Ok(())
        })
        .ssh_fails(DENIED)
        .proven("no-identities"),
    ]
}

fn third_2() -> Vec<Row> {
    vec![
        row("askpass-password", |world| {
            world.server("PubkeyAuthentication no\nPasswordAuthentication yes")?;
            world.file("/tmp/askpass", "#!/bin/sh\necho wrong\n", 0o755)?;
            world.environment.push(("SSH_ASKPASS".to_owned(), "/tmp/askpass".to_owned()));
            world.environment.push(("SSH_ASKPASS_REQUIRE".to_owned(), "force".to_owned()));
            Ok(())
        })
        .ssh_fails("Permission denied")
        .needs(&["password"]),
        row("certificate-file-missing-works", |world| good(world, ""))
            .line(&["-oCertificateFile=/nowhere", "deploy@web1.example.org"]),
        row("two-i", |world| {
            good(world, "")?;
            world.key("/home/a/w", &[])
        })
        .line(&["-i", "/home/a/w", "-i", "/home/a/.ssh/id_ed25519", "deploy@web1.example.org"]),
        row("i-hides-default", |world| {
            good(world, "")?;
            world.key("/home/a/w", &[])
        })
        .line(&["-i", "/home/a/w", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("accepted-key-not-offered"),
        row("connect-timeout-slow-banner", |world| {
            world.scripted("192.0.2.7:22", |stream| {
                std::thread::sleep(std::time::Duration::from_secs(4));
                drop(stream);
            })
        })
        .line(&["-oConnectTimeout=1", "deploy@web1.example.org"])
        .ssh_fails("timed out during banner exchange")
        .proven("banner-timeout"),
        row("agent-fifty-none", |world| {
            world.server("MaxAuthTries 60")?;
            world.agent()?;
            for number in 0..25 {
                world.key(&format!("/home/a/.ssh/q{number}"), &[])?;
                world.ssh_add(&[&format!("/home/a/.ssh/q{number}")])?;
            }
            world.sh("rm /home/a/.ssh/q*").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key"),
        row("file-behind-five-refused-agent-keys-tries-6-then-others", |world| {
            world.server("")?;
            let keys: Vec<String> = (1..=5).map(|number| format!("/home/a/.ssh/key{number}")).collect();
            for key in &keys {
                world.key(key, &[])?;
            }
            world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])?;
            Ok(())
        }),
        row("wrong-user-in-config", |world| {
            good(world, "")?;
            world.config("Host web1.example.org\n  User nobody")
        })
        .line(&["web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("wrong-user server-home-missing"),
        row("match-exec-false", |world| {
            good(world, "")?;
            world.config("Match exec false\n  User nobody")
        }),
    ]
}

fn third_3() -> Vec<Row> {
    vec![
        row("stdin-closed-password-tty", |world| world.server("PubkeyAuthentication no\nPasswordAuthentication yes"))
            .line(&["-n", "deploy@web1.example.org"])
            .at_a_terminal()
            .ssh_asks("password:").without("method-disabled-by-client")
            .needs(&["password"]),
        row("control-persist-live-master", |world| good(world, ""))
            .line(&["-oControlMaster=auto", "-oControlPersist=30", "-oControlPath=/home/a/.ssh/%C", "deploy@web1.example.org"]),
        row("home-ssh-missing", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.sh("rm -rf /home/a/.ssh").map(drop)
        })
        .ssh_fails("Host key verification failed")
        .proven("host-key-unknown"),
        row("pem-open-beside-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"])?;
            authorized(world, &["id_rsa"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("rm /home/a/.ssh/id_rsa.pub; chmod 644 /home/a/.ssh/id_rsa").map(drop)
        })
        .ssh_fails("too open")
        .proven("key-file-permissions"),
        row("pem-good-alone-server-cuts", |world| {
            world.server("MaxAuthTries 1")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"])?;
            authorized(world, &["id_rsa"])?;
            world.sh("rm /home/a/.ssh/id_rsa.pub").map(drop)
        }),
        row("hashed-known-host-other-port", |world| {
            world.host_key("ed25519")?;
            world.known("[web1.example.org]:2222", "ed25519")?;
            world.sshd("Port 2222")?;
            world.login_key()?;
            world.sh("ssh-keygen -q -H -f /home/a/.ssh/known_hosts 2>/dev/null; rm -f /home/a/.ssh/known_hosts.old; chown a /home/a/.ssh/known_hosts").map(drop)
        })
        .line(&["-p", "2222", "deploy@web1.example.org"]),
        row("bare-name-changed-other-port", |world| {
            changed(world)?;
            world.sshd("Port 2222")?;
            world.login_key()
        })
        .line(&["-p", "2222", "deploy@web1.example.org"])
        .ssh_fails("Host key verification failed").with_a_terminal("Are you sure you want to continue connecting", &["host-key"])
        .proven("host-key-unknown"),
        row("forward-agent-off", |world| good(world, "")).line(&["-A", "-X", "-t", "-t", "deploy@web1.example.org"]),
        row("key-exit-3", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("command=\"exit 3\" ", "/home/a/.ssh/id_ed25519.pub")
        })
        .ssh_ends_with(3)
        .at_most("likely", "access-works", "the bound command is not run to see what it does"),
    ]
}
