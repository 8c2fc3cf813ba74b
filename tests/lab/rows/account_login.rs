//! Rows of the server's side: the account, and what PAM says of it.

use super::common::{DENIED, good};
use crate::row::{Row, on_server};
use crate::world::World;

/// What sshd logs where PAM's account rules refuse.
const BY_PAM: &str = "Access denied for user deploy by PAM account configuration";
/// What ssh says then.
const CLOSED: &str = "Connection closed by 192.0.2.7";
/// Why PAM's own no is not proven without a log.
const NO_LOG: &str = "which of PAM's rules spoke is only in the log";

/// Rows of the account.
pub(crate) fn rows() -> Vec<Row> {
    [names(), passwd_entries(), ages(), roots(), lists(), groups(), nologin(), pam()].concat()
}

/// A server with these lines that lets the default key in, after this script.
fn after(world: &World, lines: &str, script: &str) -> anyhow::Result<()> {
    good(world, lines)?;
    world.sh(script).map(drop)
}

/// root's own file of keys lets the client's key in.
fn root_key(world: &World, lines: &str, options: &str) -> anyhow::Result<()> {
    good(world, lines)?;
    let line = crate::world::read("/home/a/.ssh/id_ed25519.pub")?;
    world.file("/root/.ssh/authorized_keys", format!("{options}{line}"), 0o600)
}

fn names() -> Vec<Row> {
    vec![
        on_server("server-no-such-user", |world| good(world, ""))
            .line(&["depoly@web1.example.org"])
            .about("depoly")
            .ssh_fails(DENIED)
            .log("Invalid user depoly from 192.0.2.100")
            .proven("server-no-such-user")
            .fixture()
            .mended_by(
                "useradd -m depoly; usermod -p '*' depoly; install -d -m 700 -o depoly /home/depoly/.ssh
                 install -o depoly -m 600 /home/a/.ssh/id_ed25519.pub /home/depoly/.ssh/authorized_keys",
            ),
        on_server("server-no-such-user-capital", |world| good(world, ""))
            .line(&["Deploy@web1.example.org"])
            .about("Deploy")
            .ssh_fails(DENIED)
            .log("Invalid user Deploy from 192.0.2.100")
            .proven("server-no-such-user"),
        // getent takes it for deploy's user id.
        on_server("server-no-such-user-number", |world| good(world, ""))
            .line(&["1001@web1.example.org"])
            .about("1001")
            .ssh_fails(DENIED)
            .log("Invalid user 1001 from 192.0.2.100")
            .proven("server-no-such-user"),
        on_server("server-no-such-user-without-pam", |world| good(world, "UsePAM no"))
            .line(&["admin@web1.example.org"])
            .about("admin")
            .ssh_fails(DENIED)
            .log("Invalid user admin from 192.0.2.100")
            .proven("server-no-such-user"),
        on_server("server-account-works", |world| good(world, "")),
        on_server("server-account-works-no-key-named", |world| good(world, "")).key(""),
        on_server("server-account-works-no-log", |world| good(world, "")).without_log(),
        on_server("server-account-works-sshd-named", |world| good(world, "")).words(&[
            "--sshd",
            "/usr/sbin/sshd",
            "--sshd-config",
            "/etc/ssh/sshd_config",
        ]),
    ]
}

fn passwd_entries() -> Vec<Row> {
    vec![
        on_server("server-account-locked", |world| after(world, "UsePAM no", "passwd -q -l deploy"))
            .ssh_fails(DENIED)
            .log("User deploy not allowed because account is locked")
            .proven("server-account-locked")
            .fixture()
            .mended_by("")
            .printed(),
        on_server("server-account-locked-no-password", |world| after(world, "UsePAM no", "usermod -p '!' deploy"))
            .ssh_fails(DENIED)
            .log("account is locked")
            .proven("server-account-locked")
            .mended_by("")
            .printed(),
        on_server("server-account-locked-with-pam", |world| after(world, "", "passwd -q -l deploy")),
        on_server("server-account-star-without-pam", |world| after(world, "UsePAM no", "usermod -p '*' deploy")),
        on_server("server-shell-missing", |world| after(world, "", "usermod -s /bin/zsh5 deploy"))
            .ssh_fails(DENIED)
            .log("User deploy not allowed because shell /bin/zsh5 does not exist")
            .proven("server-shell-invalid")
            .fixture()
            .mended_by("")
            .printed(),
        on_server("server-shell-not-executable", |world| {
            after(world, "", "cp /bin/sh /home/shell; chmod 644 /home/shell; usermod -s /home/shell deploy")
        })
        .ssh_fails(DENIED)
        .log("User deploy not allowed because shell /home/shell is not executable")
        .proven("server-shell-invalid")
        .mended_by("")
        .printed(),
        on_server("server-shell-link-to-nowhere", |world| {
            after(world, "", "ln -s /opt/gone/fish /home/shell; usermod -s /home/shell deploy")
        })
        .ssh_fails(DENIED)
        .log("shell /home/shell does not exist")
        .proven("server-shell-invalid")
        .mended_by("")
        .printed(),
        on_server("server-shell-is-a-folder", |world| after(world, "", "usermod -s /home deploy"))
            .ssh_fails(DENIED)
            .log("shell /home is not executable")
            .proven("server-shell-invalid")
            .mended_by("")
            .printed(),
        on_server("server-shell-empty", |world| after(world, "", "sed -i '/^deploy:/s,/bin/sh$,,' /etc/passwd")),
        on_server("server-shell-link", |world| {
            after(world, "", "ln -s /bin/sh /home/shell; usermod -s /home/shell deploy")
        }),
        on_server("server-shell-not-in-shells", |world| after(world, "", "printf '/bin/other\\n' >/etc/shells")),
        on_server("server-home-missing", |world| after(world, "", "mv /home/deploy /home/away"))
            .ssh_fails(DENIED)
            .log("Connection closed by authenticating user deploy")
            .proven("server-home-missing")
            .fixture()
            .mended_by("mv /home/away /home/deploy"),
        on_server("server-home-link-to-nowhere", |world| {
            after(world, "", "mv /home/deploy /home/away; ln -s /mnt/nfs/deploy /home/deploy")
        })
        .ssh_fails(DENIED)
        .log("Connection closed by authenticating user deploy")
        .proven("server-home-missing")
        .mended_by("rm /home/deploy; mv /home/away /home/deploy"),
        on_server("server-home-missing-central-keys", |world| {
            let script = "install -D -m 644 /home/deploy/.ssh/authorized_keys /etc/ssh/keys/deploy; rm -r /home/deploy";
            after(world, "AuthorizedKeysFile /etc/ssh/keys/%u", script)
        }),
    ]
}

fn ages() -> Vec<Row> {
    vec![
        on_server("server-account-expired", |world| after(world, "", "chage -E 2026-01-31 deploy"))
            .ssh_fails(CLOSED)
            .log(BY_PAM)
            .proven("server-account-expired")
            .fixture()
            .mended_by("")
            .printed(),
        on_server("server-account-expired-day-0", |world| after(world, "", "chage -E 0 deploy"))
            .ssh_fails(CLOSED)
            .log(BY_PAM)
            .proven("server-account-expired")
            .mended_by("")
            .printed(),
        on_server("server-account-expired-without-pam", |world| {
            after(world, "UsePAM no", "chage -E 2026-01-31 deploy")
        })
        .ssh_fails(DENIED)
        .log("Account deploy has expired")
        .proven("server-account-expired")
        .mended_by("")
        .printed(),
        on_server("server-account-expired-day-0-without-pam", |world| after(world, "UsePAM no", "chage -E 0 deploy"))
            .ssh_fails(DENIED)
            .log("Account deploy has expired")
            .proven("server-account-expired")
            .mended_by("")
            .printed(),
        on_server("server-account-expires-later", |world| after(world, "", "chage -E 2099-01-31 deploy")),
        on_server("server-password-expired", |world| after(world, "", "chage -d 2026-01-01 -M 30 -I 7 deploy"))
            .ssh_fails(CLOSED)
            .log(BY_PAM)
            .proven("server-account-expired")
            .mended_by("")
            .printed(),
        on_server("server-password-expired-without-pam", |world| {
            after(world, "UsePAM no", "chage -d 2026-01-01 -M 30 -I 7 deploy")
        }),
        on_server("server-password-expired-and-ignored", |world| {
            let ignore = "sed -i '/^account.*pam_unix.so/s/$/ no_pass_expiry/' /etc/pam.d/common-account";
            after(world, "", &format!("chage -d 2026-01-01 -M 30 -I 7 deploy; {ignore}"))
        }),
        on_server("server-account-expired-and-permitted", |world| {
            let permit = "sed -i '1i account sufficient pam_permit.so' /etc/pam.d/sshd";
            after(world, "", &format!("chage -E 2026-01-31 deploy; {permit}"))
        }),
    ]
}

/// A login as root.
fn root(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).line(&["root@web1.example.org"]).about("root")
}

fn roots() -> Vec<Row> {
    vec![
        root("server-root-login-disabled", |world| root_key(world, "PermitRootLogin no", ""))
            .ssh_fails(DENIED)
            .log("ROOT LOGIN REFUSED FROM 192.0.2.100")
            .proven("server-root-login-disabled")
            .fixture()
            .mended_by("")
            .printed(),
        root("server-root-login-forced-commands-only", |world| {
            root_key(world, "PermitRootLogin forced-commands-only", "")
        })
        // 9.2 breaks off: its monitor refuses what the process before the login took for a forced command.
        .ssh_ends(255, "")
        .log("ROOT LOGIN REFUSED FROM 192.0.2.100")
        .proven("server-root-login-disabled")
        .mended_by("")
        .printed(),
        root("server-root-login-disabled-by-match", |world| {
            root_key(world, "PermitRootLogin yes\nMatch Address 192.0.2.0/24\nPermitRootLogin no", "")
        })
        .ssh_fails(DENIED)
        .log("ROOT LOGIN REFUSED FROM 192.0.2.100")
        .proven("server-root-login-disabled")
        .mended_by("")
        .printed(),
        root("server-root-login-forced-command", |world| {
            root_key(world, "PermitRootLogin forced-commands-only", "command=\"true\" ")
        }),
        root("server-root-login-with-keys", |world| root_key(world, "PermitRootLogin prohibit-password", "")),
        root("server-root-login-allowed-by-match", |world| {
            root_key(world, "PermitRootLogin no\nMatch Address 192.0.2.0/24\nPermitRootLogin prohibit-password", "")
        }),
        on_server("server-root-login-of-another", |world| good(world, "PermitRootLogin no")),
    ]
}

/// Refused by AllowUsers.
const NOT_LISTED: &str = "User deploy from 192.0.2.100 not allowed because not listed in AllowUsers";
/// Refused by DenyUsers.
const LISTED: &str = "User deploy from 192.0.2.100 not allowed because listed in DenyUsers";

/// A user whom sshd's lists keep out, as `log` says.
fn kept_out(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>, log: &'static str) -> Row {
    on_server(name, setup).ssh_fails(DENIED).log(log).proven("server-user-not-allowed").mended_by("")
}

fn lists() -> Vec<Row> {
    vec![
        kept_out("server-allow-users", |world| good(world, "AllowUsers admin"), NOT_LISTED).fixture().printed(),
        kept_out("server-allow-users-elsewhere", |world| good(world, "AllowUsers deploy@198.51.100.7"), NOT_LISTED)
            .printed(),
        kept_out("server-allow-users-network", |world| good(world, "AllowUsers *@198.51.100.0/24"), NOT_LISTED)
            .printed(),
        kept_out("server-allow-users-pattern", |world| good(world, "AllowUsers ad* dev-?"), NOT_LISTED).printed(),
        kept_out("server-allow-users-two-lines", |world| good(world, "AllowUsers admin\nAllowUsers ops"), NOT_LISTED)
            .printed(),
        kept_out(
            "server-allow-users-in-match",
            |world| good(world, "AllowUsers deploy\nMatch Address 192.0.2.0/24\nAllowUsers admin"),
            NOT_LISTED,
        )
        .printed(),
        kept_out(
            "server-allow-users-in-drop-in",
            |world| {
                world.file("/etc/ssh/sshd_config.d/10-site.conf", "AllowUsers admin\n", 0o644)?;
                good(world, "Include /etc/ssh/sshd_config.d/*.conf")
            },
            NOT_LISTED,
        )
        .printed(),
        kept_out("server-deny-users", |world| good(world, "DenyUsers deploy"), LISTED)
            .mended_by("sed -i /DenyUsers/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)"),
        kept_out("server-deny-users-pattern", |world| good(world, "DenyUsers dep*@192.0.2.*"), LISTED)
            .mended_by("sed -i /DenyUsers/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)"),
        kept_out("server-deny-users-wins", |world| good(world, "AllowUsers deploy\nDenyUsers deploy"), LISTED)
            .mended_by("sed -i /DenyUsers/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)"),
        kept_out(
            "server-allow-users-negated",
            |world| good(world, "AllowUsers !deploy@192.0.2.100,deploy@*"),
            NOT_LISTED,
        )
        .printed(),
        on_server("server-allow-users-names-it", |world| good(world, "AllowUsers admin de*@192.0.2.0/24")),
        on_server("server-deny-users-elsewhere", |world| good(world, "DenyUsers deploy@198.51.100.0/24")),
        on_server("server-allow-users-in-other-match", |world| {
            good(world, "Match Address 198.51.100.0/24\nAllowUsers admin")
        }),
    ]
}

fn groups() -> Vec<Row> {
    let none = "none of user's groups are listed in AllowGroups";
    let one = "because a group is listed in DenyGroups";
    vec![
        kept_out("server-allow-groups", |world| after(world, "AllowGroups ssh-users", "groupadd ssh-users"), none)
            .printed(),
        kept_out(
            "server-allow-groups-pattern",
            |world| after(world, "AllowGroups ssh-* wheel", "groupadd wheel"),
            none,
        )
        .printed(),
        kept_out(
            "server-deny-groups",
            |world| after(world, "DenyGroups contractors", "groupadd contractors; usermod -aG contractors deploy"),
            one,
        )
        .printed(),
        kept_out(
            "server-allow-users-but-not-groups",
            |world| after(world, "AllowUsers deploy\nAllowGroups ssh-users", "groupadd ssh-users"),
            none,
        )
        .printed(),
        on_server("server-allow-groups-primary", |world| good(world, "AllowGroups deploy")),
        on_server("server-allow-groups-supplementary", |world| {
            after(world, "AllowGroups ssh-*", "groupadd ssh-users; usermod -aG ssh-users deploy")
        }),
    ]
}

fn nologin() -> Vec<Row> {
    vec![
        on_server("server-nologin-file", |world| after(world, "", "echo 'down until 6' >/etc/nologin"))
            .ssh_fails("down until 6")
            .log(BY_PAM)
            .proven("server-nologin-file")
            .fixture()
            .mended_by("")
            .printed(),
        on_server("server-nologin-file-of-systemd", |world| after(world, "", "echo booting >/run/nologin"))
            .ssh_fails("booting")
            .log(BY_PAM)
            .proven("server-nologin-file")
            .mended_by("")
            .printed(),
        on_server("server-nologin-file-without-pam", |world| {
            after(world, "UsePAM no", "echo 'down until 6' >/etc/nologin")
        })
        .ssh_ends(254, "down until 6")
        .proven("server-nologin-file")
        .mended_by("")
        .printed(),
        on_server("server-nologin-of-systemd-without-pam", |world| after(world, "UsePAM no", "echo x >/run/nologin")),
        on_server("server-nologin-and-root", |world| {
            root_key(world, "", "")?;
            world.sh("echo 'down until 6' >/etc/nologin").map(drop)
        })
        .line(&["root@web1.example.org"])
        .about("root"),
    ]
}

/// Puts a rule before PAM's other account rules of sshd.
fn rule(world: &World, rule: &str) -> anyhow::Result<()> {
    after(world, "", &format!("sed -i '1i account {rule}' /etc/pam.d/sshd"))
}

/// A user whom PAM's account rules keep out.
fn denied(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup)
        .ssh_fails(CLOSED)
        .log(BY_PAM)
        .proven("server-pam-denied")
        .mended_by("sed -i 1d /etc/pam.d/sshd")
}

fn pam() -> Vec<Row> {
    vec![
        denied("server-pam-access", |world| {
            world.append("/etc/security/access.conf", "-:deploy:ALL")?;
            rule(world, "required pam_access.so")
        })
        .fixture(),
        denied("server-pam-access-no-log", |world| {
            world.append("/etc/security/access.conf", "-:ALL EXCEPT root:ALL")?;
            rule(world, "required pam_access.so")
        })
        .without_log()
        .at_most("likely", "server-pam-denied", NO_LOG),
        denied("server-pam-listfile", |world| {
            world.file("/etc/ssh/denied", "admin\ndeploy\n", 0o644)?;
            rule(world, "required pam_listfile.so item=user sense=deny file=/etc/ssh/denied onerr=succeed")
        }),
        denied("server-pam-listfile-no-log", |world| {
            world.file("/etc/ssh/allowed", "admin\n", 0o644)?;
            rule(world, "required pam_listfile.so item=user sense=allow file=/etc/ssh/allowed onerr=fail")
        })
        .without_log()
        .at_most("likely", "server-pam-denied", NO_LOG),
        denied("server-pam-time", |world| {
            world.append("/etc/security/time.conf", "sshd;*;deploy;!Al0000-2400")?;
            rule(world, "required pam_time.so")
        }),
        denied("server-pam-deny", |world| rule(world, "required pam_deny.so")),
        denied("server-pam-succeed-if", |world| rule(world, "required pam_succeed_if.so uid >= 2000")),
        denied("server-pam-succeed-if-no-log", |world| rule(world, "required pam_succeed_if.so user ingroup wheel"))
            .without_log()
            .at_most("likely", "server-pam-denied", NO_LOG),
        on_server("server-pam-access-allows", |world| {
            world.append("/etc/security/access.conf", "+:deploy:192.0.2.0/24\n-:ALL:ALL")?;
            rule(world, "required pam_access.so")
        }),
        on_server("server-pam-listfile-allows", |world| {
            world.file("/etc/ssh/allowed", "admin\ndeploy\n", 0o644)?;
            rule(world, "required pam_listfile.so item=user sense=allow file=/etc/ssh/allowed onerr=fail")
        }),
        on_server("server-pam-faillock-tally-full", |world| {
            let script = "mkdir -p /run/faillock; sed -i '1i auth required pam_faillock.so preauth' /etc/pam.d/sshd
                sed -i '1i account required pam_faillock.so' /etc/pam.d/sshd
                head -c 512 /dev/zero >/run/faillock/deploy; chown deploy /run/faillock/deploy; chmod 600 /run/faillock/deploy";
            after(world, "", script)
        }),
        on_server("server-pam-not-asked", |world| {
            after(world, "UsePAM no", "sed -i '1i account required pam_deny.so' /etc/pam.d/sshd")
        }),
    ]
}
