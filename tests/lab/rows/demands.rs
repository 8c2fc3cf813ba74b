//! Rows of what a server demands: several keys, several methods, methods that nobody here can try.

use super::common::{DENIED, authorized, good, keys};
use crate::row::{Row, row};
use crate::world::{World, quoted, read};

/// Rows of what a server demands: several keys, several methods, methods that nobody here can try.
pub(crate) fn rows() -> Vec<Row> {
    [methods_1(), methods_2(), methods_3(), gssapi(), more_methods_1(), more_methods_2()].concat()
}

fn methods_1() -> Vec<Row> {
    vec![
        row("two-keys-demanded-both-there", |world| {
            world.server("AuthenticationMethods publickey,publickey")?;
            keys(world, &["one", "two"])?;
            authorized(world, &["one", "two"])
        }),
        row("two-keys-demanded-one-there", |world| good(world, "AuthenticationMethods publickey,publickey"))
            .ssh_fails(DENIED)
            .proven("second-factor-required")
            .incident(),
        row("two-keys-demanded-second-refused", |world| {
            world.server("AuthenticationMethods publickey,publickey")?;
            keys(world, &["one", "two"])?;
            authorized(world, &["one"])
        })
        .ssh_fails(DENIED)
        .proven("second-factor-required"),
        row("two-keys-demanded-agent-and-file", |world| {
            world.server("AuthenticationMethods publickey,publickey")?;
            world.key("/home/a/.ssh/one", &[])?;
            world.login_key()?;
            authorized(world, &["one"])?;
            world.agent_with(&["/home/a/.ssh/one"])
        }),
        row("password-first", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods password,publickey")
        })
        .ssh_fails("Permission denied (password)")
        .with_a_terminal("password:", &["password"])
        .proven("server-pubkey-disabled"),
        row("password-first-tty", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods password,publickey")
        })
        .at_a_terminal()
        .ssh_asks("deploy@web1.example.org's password:")
        .without("server-pubkey-disabled")
        .needs(&["password"]),
        row("key-or-both", |world| {
            good(world, "PasswordAuthentication yes\nAuthenticationMethods publickey,password publickey")
        }),
        row("hostbased-and-refused", |world| {
            world.server("HostbasedAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("echo 192.0.2.100 >/etc/ssh/shosts.equiv; echo laptop >>/etc/ssh/shosts.equiv; echo laptop. >>/etc/ssh/shosts.equiv; printf 'laptop,192.0.2.100 ' >/etc/ssh/ssh_known_hosts; cat /etc/ssh/ssh_host_ed25519_key.pub >>/etc/ssh/ssh_known_hosts; chmod 644 /etc/ssh/ssh_known_hosts; printf 'EnableSSHKeysign yes\nHostbasedAuthentication yes\n' >/etc/ssh/ssh_config.d/h.conf; sed -i 's/^a:/deploy2:/;' /etc/group; echo 'HostbasedUsesNameFromPacketOnly yes' >>/etc/ssh/sshd_config; echo 'a:x:1000:' >>/etc/group; install -o deploy -d -m 700 /home/deploy/.ssh; echo 'laptop a' >/home/deploy/.shosts; echo '192.0.2.100 a' >>/home/deploy/.shosts; chown deploy /home/deploy/.shosts; chmod 644 /home/deploy/.shosts; sed -i '1i IgnoreRhosts no\\nHostbasedUsesNameFromPacketOnly yes' /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid); sleep 1").map(drop)
        }),
        row("gssapi-offered-refused", |world| {
            world.server("GSSAPIAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails("Permission denied (publickey,gssapi-keyex,gssapi-with-mic)")
        .proven("no-key-accepted")
        .member("server-authorized-keys-missing"),
    ]
}

/// What ssh says where the server takes GSSAPI and nothing else.
const GSSAPI_ONLY: &str = "Permission denied (gssapi-keyex,gssapi-with-mic)";

/// A cache with one ticket for the client's realm, which ends `seconds` from now (krb5 documentation, "Credential cache file
/// format").
fn ticket(world: &World, seconds: i32) -> anyhow::Result<()> {
    const WRITE: &str = r#"
import os, struct, sys, time
data = lambda value: struct.pack(">I", len(value)) + value
name = lambda *parts: struct.pack(">II", 1, len(parts)) + b"".join(map(data, (b"EXAMPLE.ORG", *parts)))
end = int(time.time()) + int(sys.argv[1])
client, server = name(b"a"), name(b"krbtgt", b"EXAMPLE.ORG")
key = struct.pack(">H", 18) + data(bytes(32))
times = struct.pack(">IIII", end - 36000, end - 36000, end, 0)
rest = struct.pack(">BIII", 0, 0, 0, 0) + data(b"ticket") + data(b"")
path = "/tmp/krb5cc_1000"
open(path, "wb").write(b"\x05\x04\0\0" + client + client + server + key + times + rest)
os.chown(path, 1000, 1000)
os.chmod(path, 0o600)
"#;
    world.sh(&format!("python3 -c {} {seconds}", quoted(WRITE))).map(drop)
}

/// Rows of Kerberos.
fn gssapi() -> Vec<Row> {
    vec![
        row("gssapi-only-expired-ticket", |world| {
            good(world, "GSSAPIAuthentication yes\nPubkeyAuthentication no")?;
            ticket(world, -60)
        })
        .ssh_fails(GSSAPI_ONLY)
        .proven("kerberos-ticket-missing"),
        row("gssapi-only-with-a-ticket", |world| {
            good(world, "GSSAPIAuthentication yes\nPubkeyAuthentication no")?;
            ticket(world, 3600)
        })
        .ssh_fails(GSSAPI_ONLY)
        .at_most(
            "likely",
            "server-pubkey-disabled",
            "the server takes GSSAPI too, and no KDC answers for the ticket",
        ),
        row("gssapi-only-no-key", |world| world.server("GSSAPIAuthentication yes\nPubkeyAuthentication no"))
            .ssh_fails(GSSAPI_ONLY)
            .proven("kerberos-ticket-missing"),
        row("gssapi-only-off-here", |world| good(world, "GSSAPIAuthentication yes\nPubkeyAuthentication no"))
            .line(&["-oGSSAPIAuthentication=no", "deploy@web1.example.org"])
            .ssh_fails(GSSAPI_ONLY)
            .proven("server-pubkey-disabled"),
        row("gssapi-only-without-klist", |world| {
            world.sh("mount --bind /dev/null /usr/bin/klist; rm -f /etc/krb5.conf")?;
            good(world, "GSSAPIAuthentication yes\nPubkeyAuthentication no")
        })
        .ssh_fails(GSSAPI_ONLY)
        .proven("server-pubkey-disabled"),
        row("gssapi-only-without-klist-in-a-realm", |world| {
            let realm = "[libdefaults]\n    default_realm = EXAMPLE.ORG\n    default_ccache_name = KCM:\n";
            world.sh(&format!("mount --bind /dev/null /usr/bin/klist; printf {} >/etc/krb5.conf", quoted(realm)))?;
            good(world, "GSSAPIAuthentication yes\nPubkeyAuthentication no")
        })
        .ssh_fails(GSSAPI_ONLY)
        .at_most("likely", "server-pubkey-disabled", "whether there is a ticket is not known without klist"),
        row("gssapi-key-exchange", |world| {
            good(world, "GSSAPIAuthentication yes\nGSSAPIKeyExchange yes\nPubkeyAuthentication no")
        })
        .line(&["-oGSSAPIKeyExchange=yes", "deploy@web1.example.org"])
        .ssh_fails(GSSAPI_ONLY)
        .proven("kerberos-ticket-missing"),
        row("gssapi-preferred-alone", |world| {
            world.server("GSSAPIAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["-oPreferredAuthentications=gssapi-with-mic", "deploy@web1.example.org"])
        .ssh_fails("Permission denied (publickey,gssapi-keyex,gssapi-with-mic)")
        .proven("kerberos-ticket-missing"),
        row("gssapi-preferred-alone-key-good", |world| good(world, "GSSAPIAuthentication yes"))
            .line(&["-oPreferredAuthentications=gssapi-with-mic", "deploy@web1.example.org"])
            .ssh_fails("Permission denied (publickey,gssapi-keyex,gssapi-with-mic)")
            .proven("pubkey-disabled-by-client"),
        row("gssapi-offered-no-key", |world| world.server("GSSAPIAuthentication yes"))
            .ssh_fails("Permission denied (publickey,gssapi-keyex,gssapi-with-mic)")
            .proven("no-identities"),
        row("gssapi-and-password", |world| {
            good(world, "GSSAPIAuthentication yes\nPubkeyAuthentication no\nPasswordAuthentication yes")
        })
        .ssh_fails("Permission denied (gssapi-keyex,gssapi-with-mic,password)")
        .with_a_terminal("password:", &["password"])
        .proven("server-pubkey-disabled"),
    ]
}

fn methods_2() -> Vec<Row> {
    vec![
        row("gssapi-only", |world| good(world, "GSSAPIAuthentication yes\nPubkeyAuthentication no"))
            .ssh_fails(GSSAPI_ONLY)
            .proven("kerberos-ticket-missing")
            .fixture(),
        row("match-user-no-keys", |world| {
            good(world, "Match User deploy\n    PubkeyAuthentication no\n    PasswordAuthentication yes")
        })
        .ssh_fails("Permission denied (password)")
        .with_a_terminal("password:", &["password"])
        .proven("server-pubkey-disabled"),
        row("match-address", |world| good(world, "Match Address 192.0.2.100\n    AuthorizedKeysFile none"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .silent_member("server-authorized-keys-elsewhere server-config-override"),
        row("server-refuses-ed25519", |world| good(world, "PubkeyAcceptedAlgorithms rsa-sha2-512"))
            .ssh_fails(DENIED)
            .proven("no-key-accepted")
            .silent_member("server-key-algorithm-refused"),
        row("server-required-rsa-size", |world| {
            world.server("RequiredRSASize 3072")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .member("server-key-algorithm-refused rsa-key-too-small"),
        row("client-required-rsa-size", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])?;
            world.config("RequiredRSASize 3072")
        })
        .ssh_fails(DENIED)
        .proven("rsa-key-too-small")
        .mended_by("sed -i /RequiredRSASize/d /home/a/.ssh/config")
        .fixture(),
        row("client-required-rsa-size-and-another-key-good", |world| {
            good(world, "")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])
        })
        .line(&["-oRequiredRSASize=3072", "deploy@web1.example.org"]),
        row("client-required-rsa-size-not-authorised", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])
        })
        .line(&["-oRequiredRSASize=3072", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-identities"),
        row("client-required-rsa-size-agent", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])?;
            world.agent_with(&["/home/a/.ssh/id_rsa"])
        })
        .line(&["-oRequiredRSASize=3072", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("rsa-key-too-small"),
        row("client-required-rsa-size-host-key", |world| {
            world.key("/etc/ssh/ssh_host_rsa_key", &["-t", "rsa", "-b", "2048"])?;
            world.known("web1.example.org", "rsa")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&["-oRequiredRSASize=3072", "deploy@web1.example.org"])
        .ssh_fails("Invalid key length")
        .proven("rsa-key-too-small"),
        row("client-required-rsa-size-fits", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "3072"])?;
            authorized(world, &["id_rsa"])
        })
        .line(&["-oRequiredRSASize=3072", "deploy@web1.example.org"]),
        row("client-sha1-only", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])
        })
        .line(&["-oPubkeyAcceptedAlgorithms=ssh-rsa", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
        row("sha1-both", |world| {
            world.server("PubkeyAcceptedAlgorithms +ssh-rsa")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            authorized(world, &["id_rsa"])
        })
        .line(&["-oPubkeyAcceptedAlgorithms=ssh-rsa", "deploy@web1.example.org"]),
        row("dsa", |world| {
            world.server("PubkeyAcceptedAlgorithms +ssh-dss")?;
            world.key("/home/a/.ssh/id_dsa", &["-t", "dsa"])?;
            authorized(world, &["id_dsa"])
        })
        .ssh_fails(DENIED)
        .proven("no-mutual-signature-algorithm"),
    ]
}

fn methods_3() -> Vec<Row> {
    vec![
        row("dsa-both", |world| {
            world.server("PubkeyAcceptedAlgorithms +ssh-dss")?;
            world.key("/home/a/.ssh/id_dsa", &["-t", "dsa"])?;
            authorized(world, &["id_dsa"])
        })
        .line(&["-oPubkeyAcceptedAlgorithms=+ssh-dss", "deploy@web1.example.org"]),
        row("no-algorithm-beside-refused", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            authorized(world, &["id_rsa"])
        })
        .line(&["-oPubkeyAcceptedAlgorithms=ssh-ed25519", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        .at_most("likely", "no-key-accepted", "the rsa key is passed over"),
        row("empty-password", |world| {
            world.server("PasswordAuthentication yes\nPermitEmptyPasswords yes\nUsePAM no")?;
            world.sh("sed -i 's/^deploy:[*]/deploy:/' /etc/shadow").map(drop)
        }),
        row("pam-permits-kbdint", |world| {
            world.server("KbdInteractiveAuthentication yes")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("rm -f /etc/pam.d/sshd; printf 'auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n' >/etc/pam.d/sshd").map(drop)
        })
        .at_most("likely", "no-key-accepted", "a dialogue that asks nothing lets in, and is not tried"),
        row("pam-permits-second-factor", |world| {
            good(world, "KbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive")?;
            world.sh("rm -f /etc/pam.d/sshd; printf 'auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n' >/etc/pam.d/sshd").map(drop)
        })
        .at_most("likely", "second-factor-required", "the dialogue may ask nothing"),
    ]
}

fn more_methods_1() -> Vec<Row> {
    vec![
        row("kbd-then-key-no-tty", |world| good(world, "KbdInteractiveAuthentication yes\nAuthenticationMethods keyboard-interactive,publickey"))
            .ssh_fails("Permission denied")
            .at_most("likely", "server-pubkey-disabled", "a dialogue that asks nothing lets in, as pam-permits-kbdint shows"),
        row("kbd-then-key-tty", |world| good(world, "KbdInteractiveAuthentication yes\nAuthenticationMethods keyboard-interactive,publickey"))
            .at_a_terminal()
            .ssh_asks("Password:").without_at_most("likely", "server-pubkey-disabled")
            .needs(&["code"]),
        row("two-ways", |world| good(world, "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive password"))
            .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
            .ssh_fails("Permission denied")
            .proven("second-factor-required"),
        row("none", |world| {
            world.server("AuthenticationMethods none\nPermitEmptyPasswords yes\nPasswordAuthentication yes\nUsePAM no")?;
            world.sh("sed -i 's/^deploy:[*]/deploy:/' /etc/shadow").map(drop)
        }),
        row("root-forced-only-forced", |world| {
            world.server("PermitRootLogin forced-commands-only")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            let key = read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", format!("command=\"true\" {key}"), 0o600)
        })
        .line(&["root@web1.example.org"])
        .at_most("likely", "access-works", "the bound command is not run to see what it does"),
        row("deny-user-password-tty", |world| good(world, "DenyUsers deploy\nPasswordAuthentication yes"))
            .at_a_terminal()
            .ssh_asks("password:")
            .without("no-key-accepted")
        .proven("no-key-accepted")
        .silent_member("server-user-not-allowed"),
        row("password-off-here", |world| world.server("PubkeyAuthentication no\nPasswordAuthentication yes"))
            .line(&["-oPasswordAuthentication=no", "deploy@web1.example.org"])
            .at_a_terminal()
            .ssh_fails("Permission denied (password)")
            .proven("method-disabled-by-client"),
        row("preferred-hostbased", |world| good(world, ""))
            .line(&["-oPreferredAuthentications=hostbased", "deploy@web1.example.org"])
            .ssh_fails(DENIED)
            .proven("pubkey-disabled-by-client"),
        row("unbound", |world| good(world, "")).line(&["-oPubkeyAuthentication=unbound", "deploy@web1.example.org"]),
    ]
}

fn more_methods_2() -> Vec<Row> {
    vec![
        row("root-disabled-tries-1", |world| {
            world.server("PermitRootLogin no\nMaxAuthTries 1")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            let key = read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", key, 0o600)
        })
        .line(&["root@web1.example.org"])
        .ssh_fails("Too many authentication failures")
        .proven("signature-rejected")
        .member("server-root-login-disabled"),
        row("locked-no-pam-password-tty", |world| {
            good(world, "UsePAM no\nPasswordAuthentication yes")?;
            world.sh("sed -i 's/^deploy:[*]/deploy:!/' /etc/shadow").map(drop)
        })
        .at_a_terminal()
        .ssh_asks("password:")
        .without("no-key-accepted")
        .proven("no-key-accepted")
        .silent_member("server-account-locked"),
    ]
}
