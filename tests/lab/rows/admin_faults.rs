//! Rows of both halves: several faults at once, and an administrator who comes from elsewhere.

use super::common::{DENIED, on_this_server};
use super::jump::before_web1;
use crate::row::{Row, on_server};
use crate::world::World;

/// The administrator's login comes from another address than the client's own.
fn from_elsewhere(world: &World) -> anyhow::Result<()> {
    world
        .sh("ip addr add 192.0.2.101/32 dev lo
         printf 'Host web1-admin\\n    BindAddress 192.0.2.101\\n' >/etc/ssh/ssh_config.d/aaa.conf")
        .map(drop)
}

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        // The server is asked about the client's own address, and the login comes from the jump host's.
        on_server("admin-jump-host-and-from", |world| {
            on_this_server(world, "", "echo \"from=\\\"198.51.100.1\\\" $KEY\" >$AK")?;
            before_web1(world)
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@web1.example.org"])
        .proven("server-key-options-refuse")
        .over("proven", "access-works"),
        on_server("admin-jump-host-and-allow-users", |world| {
            on_this_server(world, "AllowUsers deploy@198.51.100.1", ":")?;
            before_web1(world)
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@web1.example.org"])
        .proven("server-user-not-allowed")
        .over("proven", "access-works"),
        on_server("admin-jump-host-and-from-the-client", |world| {
            on_this_server(world, "", "echo \"from=\\\"192.0.2.100\\\" $KEY\" >$AK")?;
            before_web1(world)
        })
        .line(&["-J", "jump@bastion.example.org", "deploy@web1.example.org"])
        .ssh_fails(DENIED)
        // From which of its addresses the jump host comes is not known.
        .over("proven", "no-key-accepted"),
        // An RSA key that nobody listed is too short, and the other one, listed, is refused by its line.
        on_server("admin-short-key-beside-the-one-that-is-meant", |world| {
            on_this_server(
                world,
                "RequiredRSASize 3072",
                "ssh-keygen -q -t rsa -b 2048 -N '' -C a@laptop -f /home/a/.ssh/id_rsa; chown a /home/a/.ssh/id_rsa*
                 echo \"from=\\\"198.51.100.1\\\" $KEY\" >$AK",
            )
        })
        .ssh_fails(DENIED)
        .proven("server-key-options-refuse")
        .over("proven", "server-key-options-refuse"),
        on_server("admin-from-elsewhere", |world| {
            on_this_server(world, "", "chmod 0666 $AK; echo \"from=\\\"192.0.2.100\\\" $KEY\" >$AK")?;
            from_elsewhere(world)
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .over("proven", "server-strict-modes")
        .follows(&["server-strict-modes"]),
        on_server("admin-two-keys-each-refused", |world| {
            on_this_server(world, "", "(echo \"from=\\\"198.51.100.1\\\" $KEY\"; echo \"expiry-time=\\\"20200101\\\" $OTHER\") >$AK")?;
            world
                .sh("cp /srv/other /srv/other.pub /home/a/.ssh/; chown 1000:1000 /home/a/.ssh/other*
                 printf 'IdentityFile ~/.ssh/other\\nIdentityFile ~/.ssh/id_ed25519\\n' >/home/a/.ssh/config")
                .map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-key-options-refuse")
        .over("proven", "server-key-options-refuse")
        .follows(&["server-key-options-refuse"]),
        on_server("admin-command-of-the-server-fails", |world| {
            on_this_server(world, "ForceCommand /bin/false", ":")
        })
        .ssh_ends_with(1)
        .proven("nothing-found")
        .over("likely", "forced-command"),
        on_server("admin-lines-like-the-collector-s", |world| {
            on_this_server(world, "", "printf '%s\\n[end]\\nsshdoctor-account/1\\n[host]\\n[login]\\nuser root\\n[end]\\n' \"$OTHER\" >$AK; mkdir \"/home/deploy/.ssh/$(printf 'x\\n[end]\\n')\"; usermod -c 'x [end]' deploy")
        })
        .ssh_fails(DENIED)
        .proven("server-key-not-listed")
        .over("proven", "server-key-not-listed")
        .follows(&["server-key-not-listed"]),
        on_server("admin-listed-in-both-files", |world| {
            on_this_server(world, "AuthorizedKeysFile .ssh/authorized_keys .ssh/more", "mv $AK /home/deploy/.ssh/more; echo \"from=\\\"198.51.100.1\\\" $KEY\" >$AK; chmod 666 /home/deploy/.ssh/more")
        })
        .ssh_fails(DENIED)
        .proven("server-key-options-refuse")
        .over("proven", "server-key-options-refuse")
        .follows(&["server-key-options-refuse"]),
    ]
}
