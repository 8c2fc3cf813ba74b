//! Rows of the server's side: what the running sshd does beside what the files say of it.

use super::common::{good, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// A good server whose sshd is stopped, and started by this line after the script.
fn started(world: &World, script: &str, line: &str) -> anyhow::Result<()> {
    good(world, "")?;
    world.sh(&format!("kill $(cat /run/sshd.pid); sleep 0.3; {script}\n{line}\nsleep 0.5")).map(drop)
}

/// Rows of sshds that decide otherwise than a look at their files tells.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        on_server("server-keys-moved-not-reloaded", |world| {
            good(world, "")?;
            std::thread::sleep(std::time::Duration::from_millis(2100));
            let change = "s|^UsePAM|AuthorizedKeysFile /etc/ssh/keys/%u\\nUsePAM|";
            world.sh(&format!("sed -i '{change}' /etc/ssh/sshd_config")).map(drop)
        }),
        on_server("server-users-narrowed-not-reloaded", |world| {
            good(world, "")?;
            std::thread::sleep(std::time::Duration::from_millis(2100));
            world.sh("sed -i '1i AllowUsers admin' /etc/ssh/sshd_config").map(drop)
        }),
        on_server("server-users-on-the-command-line", |world| {
            started(world, "sed -i '1i AllowUsers admin' /etc/ssh/sshd_config", "/usr/sbin/sshd -o AllowUsers=deploy")
        }),
        on_server("server-beside-another-s-program-of-that-name", |world| {
            let fake = "cp /bin/sleep /home/deploy/sshd
                exec_fake() { setpriv --reuid deploy --regid deploy --clear-groups \\
                    bash -c \"exec -a 'sshd: /home/deploy/sshd -f /home/deploy/config [listener]' /home/deploy/sshd 60\" & }
                exec_fake >/dev/null 2>&1; sleep 0.3";
            started(world, fake, "/usr/sbin/sshd -f /etc/ssh/sshd_config")
        }),
        on_server("server-users-by-local-port", |world| {
            good(world, "Match LocalPort 22\nPubkeyAuthentication yes\nMatch LocalPort 2222\nAllowUsers admin")
        }),
        on_server("server-users-by-another-local-port", |world| {
            good(world, "Port 2222\nMatch LocalPort 22\nAllowUsers admin")
        })
        .line(&["-p", "2222", "-o", "HostKeyAlias=web1.example.org", "deploy@web1.example.org"]),
        on_server("server-users-by-another-local-port-no-log", |world| {
            good(world, "Port 2222\nMatch LocalPort 22\nAllowUsers admin")
        })
        .line(&["-p", "2222", "-o", "HostKeyAlias=web1.example.org", "deploy@web1.example.org"])
        .without_log()
        .at_most("likely", "server-user-not-allowed", "the server's own port is not known of the login"),
        on_server("server-two-daemons", |world| {
            good(world, "")?;
            world
                .sh("printf 'AllowUsers admin\\nPort 2222\\nPidFile none\\n' >/etc/ssh/other
                 /usr/sbin/sshd -f /etc/ssh/other; sleep 0.3")
                .map(drop)
        }),
        on_server("server-two-daemons-no-log", |world| {
            good(world, "")?;
            world
                .sh("printf 'AllowUsers admin\\nPort 2222\\nPidFile none\\n' >/etc/ssh/other
                 /usr/sbin/sshd -f /etc/ssh/other; sleep 0.3")
                .map(drop)
        })
        .without_log()
        .at_most("likely", "nothing-found", "which of two daemons decides depends on the port"),
        on_server("server-rules-of-hosts-deny-no-log", |world| {
            world.file("/etc/hosts.deny", "sshd: 198.51.100.7\n", 0o644)?;
            good(world, "")
        })
        .without_log(),
        on_server("server-users-with-a-blank-on-the-command-line", |world| {
            started(
                world,
                "sed -i '1i AllowUsers admin' /etc/ssh/sshd_config",
                "/usr/sbin/sshd -o 'AllowUsers root deploy'",
            )
        }),
        on_server("server-users-by-name-of-the-host", |world| good(world, "UseDNS yes\nAllowUsers deploy@laptop")),
        on_server("server-from-by-name-of-the-host", |world| {
            on_this_server(world, "UseDNS yes", "echo \"from=\\\"lap*\\\" $KEY\" >$AK")
        }),
        on_server("server-home-missing-keys-by-command", |world| {
            world.file("/usr/local/bin/keys", "#!/bin/sh\ncat /etc/ssh/keys\n", 0o755)?;
            on_this_server(
                world,
                "AuthorizedKeysCommand /usr/local/bin/keys\nAuthorizedKeysCommandUser nobody",
                "echo \"$KEY\" >/etc/ssh/keys; mv /home/deploy /home/gone",
            )
        }),
        // A small system: one program is the shell and all that the collector calls.
        on_server("server-modes-on-busybox", |world| {
            on_this_server(
                world,
                "",
                "chmod 0777 /home/deploy
                 mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin
                 for name in awk cat cut date dd dirname grep head id ls od readlink sed sort stat tail timeout tr wc; do
                     ln -s $(command -v busybox) /usr/local/sbin/$name; done
                 mount --bind $(readlink -f $(command -v busybox)) $(readlink -f /bin/sh)",
            )
        })
        .ssh_fails("Permission denied (publickey)")
        .proven("server-strict-modes")
        .over("proven", "server-strict-modes")
        .mended_by("chmod 0755 /home/deploy")
        .printed(),
        on_server("server-key-behind-thousands-of-lines", |world| {
            on_this_server(world, "", "seq -f '# %.0f' 6000 >$AK; echo \"$KEY\" >>$AK")
        }),
        on_server("server-key-behind-thousands-of-lines-fingerprint", |world| {
            on_this_server(world, "", "seq -f '# %.0f' 6000 >$AK; echo \"$KEY\" >>$AK")
        })
        .key(""),
    ]
}
