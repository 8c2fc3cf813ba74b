//! Rows of the server's side: algorithms, revoked keys, and the program that sshd asks.

use super::common::{DENIED, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// A type of key that sshd does not take.
fn algorithm(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-key-algorithm-refused")
}

/// A revoked key.
fn revoked(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-key-revoked")
}

/// A program that does not answer with the key.
fn command(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-authorized-keys-command-failed")
}

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        algorithm("server-key-algorithm-refused", |world| on_this_server(world, "PubkeyAcceptedAlgorithms rsa-sha2-512,ecdsa-sha2-nistp256", ":")).log("not in PubkeyAcceptedAlgorithms").fixture().mended_by("sed -i '/^PubkeyAcceptedAlgorithms/d' /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)"),
        on_server("server-key-rsa-too-small", |world| {
            on_this_server(
                world,
                "RequiredRSASize 3072",
                "ssh-keygen -q -t rsa -b 2048 -N '' -C a@laptop -f /home/a/.ssh/id_rsa; chown a /home/a/.ssh/id_rsa*
                 rm /home/a/.ssh/id_ed25519*; cp /home/a/.ssh/id_rsa.pub $AK",
            )
        })
        .key("/home/a/.ssh/id_rsa.pub")
        .ssh_fails(DENIED)
        .proven("rsa-key-too-small")
        .over("proven", "rsa-key-too-small")
        .log("refusing RSA key")
        .mended_by("sed -i /^RequiredRSASize/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)"),
        // Which of two daemons decides is open, but for its own words.
        on_server("server-key-rsa-too-small-by-one-of-two", |world| {
            on_this_server(
                world,
                "RequiredRSASize 3072",
                "ssh-keygen -q -t rsa -b 2048 -N '' -C a@laptop -f /home/a/.ssh/id_rsa; chown a /home/a/.ssh/id_rsa*
                 rm /home/a/.ssh/id_ed25519*; cp /home/a/.ssh/id_rsa.pub $AK
                 printf 'Port 2222\\nPidFile none\\n' >/etc/ssh/other; /usr/sbin/sshd -f /etc/ssh/other; sleep 0.3",
            )
        })
        .key("/home/a/.ssh/id_rsa.pub")
        .ssh_fails(DENIED)
        .proven("rsa-key-too-small")
        .log("refusing RSA key: Invalid key length"),
        algorithm("server-key-rsa-refused", |world| {
            on_this_server(
                world,
                "PubkeyAcceptedAlgorithms -rsa-sha2-*",
                "ssh-keygen -q -t rsa -b 2048 -N '' -C a@laptop -f /home/a/.ssh/id_rsa; chown a /home/a/.ssh/id_rsa*
                 rm /home/a/.ssh/id_ed25519*; cp /home/a/.ssh/id_rsa.pub $AK",
            )
        })
        .key("/home/a/.ssh/id_rsa.pub")
        .mended_by("sed -i /^PubkeyAccepted/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)"),
        revoked("server-key-revoked", |world| on_this_server(world, "RevokedKeys /etc/ssh/revoked", "cp $PUB /etc/ssh/revoked")).log("revoked by file /etc/ssh/revoked").fixture().mended_by("echo >/etc/ssh/revoked"),
        revoked("server-key-revoked-krl", |world| on_this_server(world, "RevokedKeys /etc/ssh/revoked", "ssh-keygen -q -k -f /etc/ssh/revoked $PUB")).log("revoked by file /etc/ssh/revoked").mended_by("echo >/etc/ssh/revoked"),
        revoked("server-key-revoked-file-missing", |world| on_this_server(world, "RevokedKeys /etc/ssh/revoked", ":")).log("Error checking authentication key").mended_by("touch /etc/ssh/revoked"),
        command("server-keys-command-missing", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/keys.sh\nAuthorizedKeysCommandUser nobody", "printf '#!/bin/sh\\ncat /etc/ssh/listed\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; cp $PUB /etc/ssh/listed; rm $AK; mv /etc/ssh/keys.sh /etc/ssh/keys.off")).words(&["--run-keys-command"]).fixture().mended_by("mv /etc/ssh/keys.off /etc/ssh/keys.sh"),
        command("server-keys-command-open-to-all", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/keys.sh\nAuthorizedKeysCommandUser nobody", "printf '#!/bin/sh\\ncat /etc/ssh/listed\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; cp $PUB /etc/ssh/listed; rm $AK; chmod 777 /etc/ssh/keys.sh")).words(&["--run-keys-command"]).log("Unsafe AuthorizedKeysCommand").mended_by("").printed(),
        command("server-keys-command-of-another", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/keys.sh\nAuthorizedKeysCommandUser nobody", "printf '#!/bin/sh\\ncat /etc/ssh/listed\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; cp $PUB /etc/ssh/listed; rm $AK; chown a /etc/ssh/keys.sh")).words(&["--run-keys-command"]).log("Unsafe AuthorizedKeysCommand").mended_by("").printed(),
        command("server-keys-command-in-open-folder", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/x/keys.sh\nAuthorizedKeysCommandUser nobody", "printf '#!/bin/sh\\ncat /etc/ssh/listed\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; cp $PUB /etc/ssh/listed; rm $AK; install -d -m 777 /etc/ssh/x; mv /etc/ssh/keys.sh /etc/ssh/x")).words(&["--run-keys-command"]).log("Unsafe AuthorizedKeysCommand").mended_by("").printed(),
        command("server-keys-command-not-executable", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/keys.sh\nAuthorizedKeysCommandUser nobody", "printf '#!/bin/sh\\ncat /etc/ssh/listed\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; cp $PUB /etc/ssh/listed; rm $AK; chmod 644 /etc/ssh/keys.sh")).words(&["--run-keys-command"]).mended_by("").printed(),
        command("server-keys-command-account-missing", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/keys.sh\nAuthorizedKeysCommandUser keeper", "printf '#!/bin/sh\\ncat /etc/ssh/listed\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; cp $PUB /etc/ssh/listed; rm $AK; ")).words(&["--run-keys-command"]).log("AuthorizedKeysCommandUser").mended_by("").printed(),
        command("server-keys-command-fails", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/keys.sh\nAuthorizedKeysCommandUser nobody", "printf '#!/bin/sh\\nexit 3\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; rm $AK")).words(&["--run-keys-command"]).log("failed, status 3").mended_by("printf '#!/bin/sh\\ncat /srv/listed\\n' >/etc/ssh/keys.sh; cp /home/a/.ssh/id_ed25519.pub /srv/listed"),
        command("server-keys-command-does-not-know-it", |world| on_this_server(world, "AuthorizedKeysFile none\nAuthorizedKeysCommand /etc/ssh/keys.sh\nAuthorizedKeysCommandUser nobody", "printf '#!/bin/sh\\ncat /etc/ssh/listed\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh; cp $PUB /etc/ssh/listed; rm $AK; echo \"$OTHER\" >/etc/ssh/listed")).words(&["--run-keys-command"]).mended_by("cp /home/a/.ssh/id_ed25519.pub /etc/ssh/listed"),
    ]
}
