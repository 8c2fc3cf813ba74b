//! Rows of the server's side: what strangers at the port, users of the machine and broken files put before whoever looks.

use super::common::{DENIED, good, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// Says a name at the server's port, from another address than the client's. `PRINT` is the fingerprint of the client's key.
const KNOCK: &str = "knock() { ! ssh -F none -b 192.0.2.8 -o BatchMode=yes -o StrictHostKeyChecking=no \\
        -o UserKnownHostsFile=/dev/null -l \"$1\" 192.0.2.7 true 2>/dev/null; }
    PRINT=$(ssh-keygen -lf /home/a/.ssh/id_ed25519.pub | cut -d ' ' -f 2)
    LOGIN=\"Accepted publickey for deploy from 192.0.2.100 port 1 ssh2: ED25519 $PRINT\"
";
/// A second daemon, so that the log has a say: which of two decides depends on the port.
const ANOTHER: &str =
    "printf 'Port 2222\\nPidFile none\\n' >/etc/ssh/other; /usr/sbin/sshd -f /etc/ssh/other; sleep 1.2
";

/// A fault, another daemon, and then what a stranger does.
fn fault_and(world: &World, lines: &str, fault: &str, then: &str) -> anyhow::Result<()> {
    on_this_server(world, lines, &format!("{fault}\n{ANOTHER}{KNOCK}{then}"))
}

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    [strangers(), includes(), links()].concat()
}

/// More than one account, and files of a configuration that are none.
fn includes() -> Vec<Row> {
    vec![
        // A home that is a link is not put aside: what it leads to is opened.
        on_server("server-home-link-to-a-closed-folder", |world| {
            on_this_server(
                world,
                "",
                "echo kept >/home/deploy/notes; mv /home/deploy /srv/data; ln -s /srv/data /home/deploy
                 chown root:root /srv/data; chmod 700 /srv/data",
            )
        })
        .line(&["deploy@web1.example.org", "test -e /home/deploy/notes &&"])
        .ssh_fails(DENIED)
        .proven("server-authorized-keys-unreadable")
        .mended_by("")
        .printed(),
        on_server("server-all-two-of-three", |world| {
            let more = "useradd -m -u 1002 -s /bin/sh admin; usermod -s /usr/sbin/nologin root
                cp -r /home/deploy/.ssh /home/admin; chown -R admin:admin /home/admin; usermod -p '*' admin
                chmod 777 /home/deploy /home/admin";
            on_this_server(world, "", more)
        })
        .about_all(&["a server-authorized-keys-missing", "deploy server-strict-modes", "admin server-strict-modes"])
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .mended_by("chmod go-w /home/deploy")
        .unforeseen("server-strict-modes"),
        on_server("server-config-includes-itself", |world| {
            good(world, "")?;
            world.sh("echo 'Include /etc/ssh/sshd_config' >>/etc/ssh/sshd_config; ! /usr/sbin/sshd -t").map(drop)
        })
        .proven("server-config-invalid"),
        on_server("server-config-includes-a-fifo", |world| {
            good(world, "")?;
            world.sh("mkfifo /etc/ssh/pipe.conf; echo 'Include /etc/ssh/pipe.conf' >>/etc/ssh/sshd_config").map(drop)
        })
        .at_most("possible", "undetermined", "sshd -t waits for whoever writes into it"),
        on_server("server-config-includes-a-name-with-blanks", |world| {
            world.sh("echo 'AllowUsers admin' >'/etc/ssh/a b.conf'")?;
            good(world, "Include \"/etc/ssh/a b.conf\"")
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed"),
        on_server("server-config-includes-200-files", |world| {
            world.sh(
                "mkdir -p /etc/ssh/many; for n in $(seq 1000 1199); do echo '# none' >/etc/ssh/many/$n.conf; done
                 echo 'AllowUsers admin' >/etc/ssh/many/1150.conf",
            )?;
            good(world, "Include /etc/ssh/many/*.conf")
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed"),
    ]
}

/// Files of keys that lead where no key is.
fn links() -> Vec<Row> {
    vec![
        on_server("server-keys-link-to-zero", |world| on_this_server(world, "", "ln -sf /dev/zero $AK"))
            .ssh_fails(DENIED)
            .proven("server-authorized-keys-unreadable")
            .mended_by("")
            .printed(),
        on_server("server-keys-link-to-shadow", |world| on_this_server(world, "", "ln -sf /etc/shadow $AK"))
            .ssh_fails(DENIED)
            .proven("server-authorized-keys-unreadable")
            .mended_by("")
            .printed(),
        on_server("server-keys-link-to-itself", |world| on_this_server(world, "", "ln -sf authorized_keys $AK"))
            .ssh_fails(DENIED)
            .proven("server-authorized-keys-unreadable")
            .mended_by("")
            .printed(),
        on_server("server-home-with-a-command-in-its-name", |world| {
            let moved = "H='/home/$(touch ran) `touch ran`'; mv /home/deploy \"$H\"; usermod -d \"$H\" deploy
                chmod 777 \"$H\"";
            on_this_server(world, "", moved)
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .mended_by("")
        .printed(),
    ]
}

fn strangers() -> Vec<Row> {
    vec![
        // What follows a colon is the name's style, which sshd does not log.
        on_server("server-log-login-in-a-name", |world| {
            let knocks = "knock \"${LOGIN%: *}\"; knock \"deploy ${LOGIN%: *}\"; knock \"$LOGIN\"";
            fault_and(world, "", "chmod 777 /home/deploy", knocks)
        })
        .ssh_fails(DENIED)
        .log("Invalid user deploy Accepted publickey for deploy from 192.0.2.100 port 1 ssh2 from 192.0.2.8")
        .proven("server-strict-modes"),
        on_server("server-log-login-of-another-program", |world| {
            let write = "logger -t httpd -p auth.info \"x sshd[1]: $LOGIN\"; logger -t sudo -p auth.info \"sshd: $LOGIN\"; sleep 1.2
                logger -t httpd -p auth.info \"x sshd[1]: $LOGIN\"; logger -t 'x sshd[1]' -p auth.info \"$LOGIN\"";
            fault_and(world, "PubkeyAcceptedAlgorithms ssh-rsa", "", write)
        })
        .ssh_fails(DENIED)
        .log("httpd: x sshd[1]: Accepted publickey for deploy")
        .proven("server-key-algorithm-refused"),
        on_server("server-log-refusal-in-a-name", |world| {
            good(world, "Port 2222\nMatch LocalPort 22\nAllowUsers admin")?;
            world
                .sh(&format!(
                    "{KNOCK}knock() {{ ! ssh -F none -p 2222 -b 192.0.2.8 -o BatchMode=yes -o StrictHostKeyChecking=no \\
                        -o UserKnownHostsFile=/dev/null -l \"$1\" 192.0.2.7 true 2>/dev/null; }}
                    knock 'deploy from 192.0.2.100 not allowed because not listed in AllowUsers'
                    knock 'User deploy from 192.0.2.100 not allowed because not listed in AllowUsers'"
                ))
                .map(drop)
        })
        .line(&[
            "-p",
            "2222",
            "-o",
            "PubkeyAuthentication=no",
            "-o",
            "HostKeyAlias=web1.example.org",
            "deploy@web1.example.org",
        ])
        .ssh_fails(DENIED)
        .log("Connection closed by invalid user deploy from 192.0.2.100 not allowed because not listed in AllowUsers 192.0.2.8")
        .at_most("likely", "server-user-not-allowed", "the server's own port is not known of the login"),
        on_server("server-key-behind-long-options", |world| {
            on_this_server(world, "", "echo \"command=\\\"$(printf ': %025000d' 0)\\\" $KEY\" >$AK")
        }),
        on_server("server-key-behind-long-options-fingerprint", |world| {
            on_this_server(world, "", "echo \"environment=\\\"A=$(printf %025000d 0)\\\" $KEY\" >$AK")
        })
        .key(""),
        on_server("server-key-from-in-long-options", |world| {
            on_this_server(world, "", "echo \"from=\\\"198.51.100.7$(printf %02500d 0 | sed 's/0/,10.0.0.1/g')\\\" $KEY\" >$AK")
        })
        .ssh_fails(DENIED)
        .proven("server-key-options-refuse"),
        on_server("server-key-behind-a-long-line", |world| {
            on_this_server(world, "", "head -c 10000000 /dev/zero | tr '\\000' x >$AK; echo >>$AK; echo \"$KEY\" >>$AK")
        }),
        on_server("server-key-at-the-end-of-50-mb", |world| {
            on_this_server(world, "", "yes \"$OTHER\" | head -c 52000000 >$AK; echo >>$AK; echo \"$KEY\" >>$AK")
        }),
        on_server("server-beside-a-container-s", |world| {
            let container = "kill $(cat /run/sshd.pid); sleep 0.3
                printf 'AllowUsers admin\nPort 2222\nPidFile none\n' >/etc/ssh/other
                unshare --mount /usr/sbin/sshd -f /etc/ssh/other; sleep 0.3
                /usr/sbin/sshd -f /etc/ssh/sshd_config; sleep 0.3";
            on_this_server(world, "", container)
        })
        .without_log(),
    ]
}
