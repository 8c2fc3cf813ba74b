//! Rows of the server's side whose sshd is an older or a newer one: what is judged there holds for both.

use super::common::{DENIED, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// What sshd logs where modes or owners are refused.
const MODES: &str = "Authentication refused: bad ownership or modes for directory /home/deploy";
/// A certificate of a CA that nobody trusts, in place of the listed key.
const CERTIFICATE: &str = "ssh-keygen -q -t ed25519 -N '' -C ca -f /etc/ssh/ca2; cp /srv/other.pub /etc/ssh/ca.pub
    ssh-keygen -q -s /etc/ssh/ca2 -I a@laptop -n deploy $PUB; chown a /home/a/.ssh/*-cert.pub; rm $AK";
/// A private group may write its account's files.
const PRIVATE_GROUP: &str = "chmod 775 /home/deploy; chmod 770 /home/deploy/.ssh; chmod 660 $AK";

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    [of_8_4(), of_10_0()].concat()
}

/// A machine with OpenSSH 8.4. Before 8.7 the answers to prompts were two settings, not two names of one.
fn old(world: &World, lines: &str, script: &str) -> anyhow::Result<()> {
    world.becomes_version("8.4")?;
    on_this_server(world, &format!("ChallengeResponseAuthentication no\n{lines}"), script)
}

/// A machine with OpenSSH 10.0, whose daemon has its sessions in programs of their own.
fn new(world: &World, lines: &str, script: &str) -> anyhow::Result<()> {
    world.becomes_version("10.0")?;
    on_this_server(world, lines, script)
}

/// A login that ssh sees refused, and what the report prints lets it in.
fn refused(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).mended_by("").printed()
}

/// A login that ssh sees refused for what its key's line or a list of revoked keys says.
fn by_its_key(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).mended_by(
        "sed -i 's/^from=[^ ]* //' /home/deploy/.ssh/authorized_keys; [ ! -e /etc/ssh/revoked ] || echo >/etc/ssh/revoked",
    )
}

fn of_8_4() -> Vec<Row> {
    vec![
        refused("server-key-not-listed-on-8-4", |world| old(world, "", "echo \"$OTHER\" >$AK"))
            .log("Failed publickey for deploy")
            .proven("server-key-not-listed"),
        refused("server-strict-modes-on-8-4", |world| old(world, "", "chmod 777 /home/deploy"))
            .log(MODES)
            .proven("server-strict-modes"),
        refused("server-keys-unreadable-on-8-4", |world| old(world, "", "chown root:root $AK"))
            .log("Failed publickey for deploy")
            .proven("server-authorized-keys-unreadable"),
        refused("server-allow-users-on-8-4", |world| old(world, "AllowUsers admin", ":"))
            .log("not allowed because not listed in AllowUsers")
            .proven("server-user-not-allowed"),
        refused("server-account-locked-on-8-4", |world| old(world, "UsePAM no", "passwd -q -l deploy"))
            .log("User deploy not allowed because account is locked")
            .proven("server-account-locked"),
        refused("server-account-expired-on-8-4", |world| old(world, "", "chage -E 2026-01-31 deploy"))
            .ssh_fails("Connection closed by 192.0.2.7")
            .log("Access denied for user deploy by PAM account configuration")
            .proven("server-account-expired"),
        by_its_key("server-key-from-elsewhere-on-8-4", |world| {
            old(world, "", "echo \"from=\\\"198.51.100.0/24\\\" $KEY\" >$AK")
        })
        .log("correct key but not from a permitted host")
        .proven("server-key-options-refuse"),
        by_its_key("server-key-revoked-on-8-4", |world| {
            old(world, "RevokedKeys /etc/ssh/revoked", "cp $PUB /etc/ssh/revoked")
        })
        .log("revoked by file")
        .proven("server-key-revoked"),
        refused("server-ca-not-listed-on-8-4", |world| old(world, "TrustedUserCAKeys /etc/ssh/ca.pub", CERTIFICATE))
            .key("/home/a/.ssh/id_ed25519-cert.pub")
            .log("Failed publickey for deploy")
            .proven("server-ca-mismatch"),
        on_server("server-no-such-user-on-8-4", |world| old(world, "", ":"))
            .line(&["depoly@web1.example.org"])
            .about("depoly")
            .ssh_fails(DENIED)
            .log("Invalid user depoly from 192.0.2.100")
            .proven("server-no-such-user"),
        on_server("server-private-group-on-8-4", |world| old(world, "", PRIVATE_GROUP)),
        on_server("server-account-works-on-8-4", |world| old(world, "", ":")).log("Accepted publickey for deploy"),
    ]
}

fn of_10_0() -> Vec<Row> {
    vec![
        refused("server-key-not-listed-on-10-0", |world| new(world, "", "echo \"$OTHER\" >$AK"))
            .log("Failed publickey for deploy")
            .proven("server-key-not-listed"),
        refused("server-strict-modes-on-10-0", |world| new(world, "", "chmod 777 /home/deploy"))
            .log(MODES)
            .proven("server-strict-modes"),
        refused("server-keys-unreadable-on-10-0", |world| new(world, "", "chown root:root $AK"))
            .log("Could not open user 'deploy' authorized keys")
            .proven("server-authorized-keys-unreadable"),
        refused("server-allow-users-on-10-0", |world| new(world, "AllowUsers admin", ":"))
            .log("not allowed because not listed in AllowUsers")
            .proven("server-user-not-allowed"),
        refused("server-account-locked-on-10-0", |world| new(world, "UsePAM no", "passwd -q -l deploy"))
            .log("User deploy not allowed because account is locked")
            .proven("server-account-locked"),
        refused("server-account-expired-on-10-0", |world| new(world, "", "chage -E 2026-01-31 deploy"))
            .ssh_fails("Connection closed by 192.0.2.7")
            .log("Access denied for user deploy by PAM account configuration")
            .proven("server-account-expired"),
        by_its_key("server-key-from-elsewhere-on-10-0", |world| {
            new(world, "", "echo \"from=\\\"198.51.100.0/24\\\" $KEY\" >$AK")
        })
        .log("correct key but not from a permitted host")
        .proven("server-key-options-refuse"),
        by_its_key("server-key-revoked-on-10-0", |world| {
            new(world, "RevokedKeys /etc/ssh/revoked", "cp $PUB /etc/ssh/revoked")
        })
        .log("revoked by file")
        .proven("server-key-revoked"),
        refused("server-ca-not-listed-on-10-0", |world| new(world, "TrustedUserCAKeys /etc/ssh/ca.pub", CERTIFICATE))
            .key("/home/a/.ssh/id_ed25519-cert.pub")
            .log("Failed publickey for deploy")
            .proven("server-ca-mismatch"),
        on_server("server-no-such-user-on-10-0", |world| new(world, "", ":"))
            .line(&["depoly@web1.example.org"])
            .about("depoly")
            .ssh_fails(DENIED)
            .log("Invalid user depoly from 192.0.2.100")
            .proven("server-no-such-user"),
        on_server("server-private-group-on-10-0", |world| new(world, "", PRIVATE_GROUP)),
        on_server("server-account-works-on-10-0", |world| new(world, "", ":")).log("web1 sshd-session["),
    ]
}
