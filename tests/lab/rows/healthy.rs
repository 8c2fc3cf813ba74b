//! Rows in which nothing is wrong: ssh works, or asks what a person can answer, and nobody is accused.

use crate::row::{Row, row};
use crate::world::{ROOT, World, read};

/// A server that lets the default key in.
fn good(world: &mut World) -> anyhow::Result<()> {
    world.server("")?;
    world.login_key()
}

/// A key of that type, and the server lets it in.
fn of_type(world: &World, kind: &str, bits: &str) -> anyhow::Result<()> {
    world.server("")?;
    let path = format!("/home/a/.ssh/id_{kind}");
    world.key(&path, &["-t", kind, "-b", bits])?;
    world.authorize(&format!("{path}.pub"))
}

/// Rows in which nothing is wrong.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = identities();
    rows.extend(configurations());
    rows.extend(servers());
    rows.extend(questions());
    rows
}

fn identities() -> Vec<Row> {
    vec![
        row("works-with-a-file", good).fixture(),
        row("works-with-an-rsa-file", |world| of_type(world, "rsa", "2048")),
        row("works-with-an-ecdsa-file", |world| of_type(world, "ecdsa", "256")),
        row("works-with-a-pem-file-alone", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")?;
            world.sh("rm /home/a/.ssh/id_rsa.pub").map(drop)
        }),
        row("works-with-an-agent", |world| {
            good(world)?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])
        })
        .healthy_fixture(),
        row("works-with-the-fourth-key-of-an-agent", |world| {
            good(world)?;
            let keys = ["/home/a/.ssh/one", "/home/a/.ssh/two", "/home/a/.ssh/three"];
            for key in keys {
                world.key(key, &[])?;
            }
            world.agent_with(&[keys[0], keys[1], keys[2], "/home/a/.ssh/id_ed25519"])
        }),
        row("works-with-a-certificate", |world| {
            world.key("/etc/ssh/ca", &[])?;
            world.server("TrustedUserCAKeys /etc/ssh/ca.pub")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.sh("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub; chown a /home/a/.ssh/*-cert.pub").map(drop)
        })
        .healthy_fixture(),
        row("works-with-a-dead-agent-beside-a-file", |world| {
            good(world)?;
            world.environment.push(("SSH_AUTH_SOCK".to_owned(), "/tmp/ssh-XXXXgone/agent.7".to_owned()));
            Ok(())
        })
        .remark("agent")
        .healthy_fixture(),
        row("works-with-identities-only-and-a-public-half", |world| {
            good(world)?;
            world.sh("cp /home/a/.ssh/id_ed25519.pub /srv/kept.pub")?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])?;
            world.file("/home/a/.ssh/id_ed25519.pub", read("/srv/kept.pub")?, 0o644)?;
            world.config("IdentitiesOnly yes\nIdentityFile ~/.ssh/id_ed25519.pub")
        }),
        row("works-with-an-open-key-beside-a-good-one", |world| {
            good(world)?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")?;
            world.sh("chmod 644 /home/a/.ssh/id_rsa").map(drop)
        })
        .remark("key-permissions")
        .healthy_fixture(),
        row("works-as-root-with-a-key-of-another-owner", |world| {
            good(world)?;
            world.who = ROOT;
            world.sh("mkdir -m 700 /root/.ssh; cp /home/a/.ssh/known_hosts /root/.ssh/; cp /home/a/.ssh/id_ed25519 /srv/key; chown deploy /srv/key; chmod 644 /srv/key").map(drop)
        })
        .line(&["-i", "/srv/key", "deploy@web1.example.org"]),
    ]
}

fn configurations() -> Vec<Row> {
    vec![
        row("works-by-an-alias", |world| {
            good(world)?;
            world.config("Host web\n    HostName web1.example.org\n    User deploy")
        })
        .line(&["web"]),
        row("works-by-an-included-file", |world| {
            good(world)?;
            world.file(
                "/home/a/.ssh/config.d/web",
                "Host web\n    HostName web1.example.org\n    User deploy\n",
                0o600,
            )?;
            world.config("Include config.d/*")
        })
        .line(&["web"]),
        row("works-by-match-host", |world| {
            good(world)?;
            world.config("Match host web1.example.org\n    User deploy")
        })
        .line(&["web1.example.org"])
        .healthy_fixture(),
        row("works-by-match-exec", |world| {
            good(world)?;
            world.sh("mv /home/a/.ssh/id_ed25519 /home/a/.ssh/work; rm /home/a/.ssh/id_ed25519.pub")?;
            world.config("Match exec \"test -d /home/a\"\n    IdentityFile ~/.ssh/work")
        }),
        row("works-on-another-port", |world| {
            world.host_key("ed25519")?;
            world.known("[web1.example.org]:2222", "ed25519")?;
            world.sshd("Port 2222")?;
            world.login_key()
        })
        .line(&["-p", "2222", "deploy@web1.example.org"]),
        row("works-by-an-ipv6-address", |world| {
            good(world)?;
            world.known("2001:db8::7", "ed25519")
        })
        .line(&["-6", "deploy@2001:db8::7"]),
        row("works-by-an-url", good).line(&["ssh://deploy@web1.example.org:22"]),
        row("works-with-hashed-known-hosts", |world| {
            good(world)?;
            world.sh("ssh-keygen -q -H -f /home/a/.ssh/known_hosts 2>/dev/null; rm -f /home/a/.ssh/known_hosts.old; chown a /home/a/.ssh/known_hosts").map(drop)
        })
        .healthy_fixture(),
        row("works-with-a-host-certificate", |world| {
            world.host_key("ed25519")?;
            world.key("/etc/ssh/ca", &[])?;
            let ca = read("/etc/ssh/ca.pub")?;
            world.append("/home/a/.ssh/known_hosts", &format!("@cert-authority *.example.org {}", ca.trim_end()))?;
            world
                .sh("ssh-keygen -q -s /etc/ssh/ca -I web1 -h -n web1.example.org /etc/ssh/ssh_host_ed25519_key.pub")?;
            world.sshd("HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub")?;
            world.login_key()
        })
        .healthy_fixture(),
        row("works-with-another-key-known-too", |world| {
            world.host_key("ecdsa")?;
            world.host_key("ed25519")?;
            world.known("web1.example.org", "ecdsa")?;
            world.sshd("")?;
            world.login_key()
        }),
        row("works-with-a-new-host-key-accepted", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .line(&[
            "-oStrictHostKeyChecking=accept-new",
            "-oUserKnownHostsFile=/dev/null",
            "deploy@web1.example.org",
        ]),
    ]
}

fn servers() -> Vec<Row> {
    vec![
        row("works-with-dropbear", |world| {
            world.dropbear(&["-s"])?;
            world.login_key()
        })
        .healthy_fixture(),
        row("works-with-tinysshd", |world| {
            world.tinysshd()?;
            world.login_key()
        })
        .healthy_fixture(),
        row("works-without-pam", |world| {
            world.server("UsePAM no")?;
            world.login_key()
        }),
        row("works-with-a-dead-ipv6-address", |world| {
            good(world)?;
            world.append("/etc/hosts", "2001:db8::8 web1.example.org")
        })
        .remark("connect")
        .healthy_fixture(),
        row("works-with-a-stalling-ipv6-address", |world| {
            good(world)?;
            world.append("/etc/hosts", "2001:db8::8 web1.example.org")?;
            world.dropping("[2001:db8::8]:22")
        })
        .line(&["-oConnectTimeout=1", "deploy@web1.example.org"])
        .remark("connect"),
        row("works-after-a-latin-1-banner", |world| {
            world.server("Banner /etc/ssh/banner")?;
            world.file("/etc/ssh/banner", b"Zugang nur f\xfcr Befugte\n", 0o644)?;
            world.login_key()
        })
        .healthy_fixture(),
        row("works-with-a-forced-command", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.authorize_with("command=\"echo forced\" ", "/home/a/.ssh/id_ed25519.pub")
        })
        .remark("session")
        .at_most("likely", "access-works", "the bound command is not run to see what it does"),
        row("works-with-a-mac-and-cipher-of-old", |world| {
            world.server("Ciphers aes128-cbc\nMACs hmac-sha1")?;
            world.login_key()?;
            world.config("Ciphers +aes128-cbc")
        }),
        row("works-with-the-fifth-refused-before", |world| {
            good(world)?;
            for number in 1..=5 {
                world.key(&format!("/home/a/.ssh/key{number}"), &[])?;
                world.config(&format!("IdentityFile ~/.ssh/key{number}"))?;
            }
            world.config("IdentityFile ~/.ssh/id_ed25519")
        }),
    ]
}

fn questions() -> Vec<Row> {
    vec![
        row("asks-about-a-new-host-key", |world| {
            world.host_key("ed25519")?;
            world.sshd("")?;
            world.login_key()
        })
        .at_a_terminal()
        .ssh_asks("Are you sure you want to continue connecting")
        .without("host-key-unknown")
        .needs(&["host-key"])
        .healthy_fixture(),
        row("asks-for-a-password", |world| world.server("PubkeyAuthentication no\nPasswordAuthentication yes"))
            .at_a_terminal()
            .ssh_asks("deploy@web1.example.org's password:")
            .without("method-disabled-by-client")
            .needs(&["password"]),
        row("asks-for-a-password-after-the-key", |world| {
            world.server("PasswordAuthentication yes\nAuthenticationMethods publickey,password")?;
            world.login_key()
        })
        .at_a_terminal()
        .ssh_asks("deploy@web1.example.org's password:")
        .without("second-factor-required")
        .needs(&["password"])
        .healthy_fixture(),
        row("asks-for-a-code", |world| world.server("PubkeyAuthentication no\nKbdInteractiveAuthentication yes"))
            .at_a_terminal()
            .ssh_asks("Password:")
            .without_at_most("likely", "method-disabled-by-client")
            .needs(&["code"]),
    ]
}
