//! Rows of the server's side: StrictModes, and what is healthy.

use super::common::{DENIED, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// A file that StrictModes refuses.
fn distrusted(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-strict-modes").mended_by("").printed()
}

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    [distrusts(), harmless()].concat()
}

fn distrusts() -> Vec<Row> {
    vec![
        distrusted("server-strict-modes-home", |world| on_this_server(world, "", "chmod 777 /home/deploy"))
            .log("Authentication refused: bad ownership or modes for directory /home/deploy")
            .fixture(),
        distrusted("server-strict-modes-folder", |world| on_this_server(world, "", "chmod 777 /home/deploy/.ssh"))
            .log("Authentication refused: bad ownership or modes for directory /home/deploy/.ssh"),
        distrusted("server-strict-modes-file", |world| on_this_server(world, "", "chmod 666 $AK"))
            .log("Authentication refused: bad ownership or modes for file /home/deploy/.ssh/authorized_keys"),
        distrusted("server-strict-modes-all-three", |world| {
            on_this_server(world, "", "chmod 777 /home/deploy /home/deploy/.ssh; chmod 666 $AK")
        })
        .log("Authentication refused: bad ownership or modes for file"),
        distrusted("server-strict-modes-owner", |world| on_this_server(world, "", "chown a $AK; chmod 644 $AK"))
            .log("Authentication refused: bad ownership or modes for file"),
        distrusted("server-strict-modes-owner-of-folder", |world| {
            on_this_server(world, "", "chown a /home/deploy/.ssh; chmod 755 /home/deploy/.ssh")
        })
        .log("Authentication refused: bad ownership or modes for directory"),
        distrusted("server-strict-modes-owner-and-mode", |world| {
            on_this_server(world, "", "chown a /home/deploy/.ssh; chmod 777 /home/deploy/.ssh")
        })
        .log("Authentication refused: bad ownership or modes for directory"),
        distrusted("server-strict-modes-group-of-two", |world| {
            on_this_server(world, "", "usermod -aG deploy a; chmod 775 /home/deploy")
        })
        .log("Authentication refused: bad ownership or modes for directory /home/deploy"),
        distrusted("server-strict-modes-other-group", |world| {
            on_this_server(world, "", "chgrp a /home/deploy; chmod 775 /home/deploy")
        })
        .log("Authentication refused: bad ownership or modes for directory /home/deploy"),
        distrusted("server-strict-modes-linked-home", |world| {
            on_this_server(
                world,
                "",
                "mv /home/deploy /srv/deploy; ln -s /srv/deploy /home/deploy; chmod 777 /srv/deploy",
            )
        })
        .log("Authentication refused: bad ownership or modes for directory /srv/deploy"),
        distrusted("server-strict-modes-linked-folder", |world| {
            on_this_server(
                world,
                "",
                "mv /home/deploy/.ssh /srv/keys; ln -s /srv/keys /home/deploy/.ssh; chmod 777 /srv/keys",
            )
        })
        .log("Authentication refused: bad ownership or modes for directory /srv/keys"),
        distrusted("server-strict-modes-central", |world| {
            on_this_server(
                world,
                "AuthorizedKeysFile /etc/ssh/keys/%u",
                "install -d -m 777 /etc/ssh/keys; install -m 644 $AK /etc/ssh/keys/deploy",
            )
        })
        .log("Authentication refused: bad ownership or modes for directory /etc/ssh/keys"),
        distrusted("server-strict-modes-acl", |world| {
            on_this_server(world, "", "chgrp root /home/deploy/.ssh; setfacl -m u:a:rwx /home/deploy/.ssh")
        })
        .log("Authentication refused: bad ownership or modes for directory /home/deploy/.ssh"),
    ]
}

fn harmless() -> Vec<Row> {
    vec![
        on_server("server-keys-healthy-keys2", |world| on_this_server(world, "", "mv $AK ${AK}2")),
        on_server("server-keys-healthy-crlf", |world| on_this_server(world, "", "printf \"%s\\r\\n\" \"$KEY\" >$AK")),
        on_server("server-keys-healthy-crlf-no-comment", |world| {
            on_this_server(world, "", "printf \"%s\\r\\n\" \"${KEY% *}\" >$AK")
        }),
        on_server("server-keys-healthy-leading-blanks", |world| {
            on_this_server(world, "", "printf \"  \\t%s\\n\" \"$KEY\" >$AK")
        }),
        on_server("server-keys-healthy-restrict", |world| {
            on_this_server(
                world,
                "",
                "echo \"restrict,from=\\\"192.0.2.0/24\\\",expiry-time=\\\"20990101\\\" $KEY\" >$AK",
            )
        }),
        on_server("server-keys-healthy-command", |world| {
            on_this_server(world, "", "echo \"command=\\\"true\\\" $KEY\" >$AK")
        }),
        on_server("server-keys-healthy-second-line", |world| {
            on_this_server(world, "", "{ echo \"no-ptty $KEY\"; echo \"$OTHER\"; echo \"$KEY\"; } >$AK")
        }),
        on_server("server-keys-healthy-central", |world| {
            on_this_server(
                world,
                "AuthorizedKeysFile /etc/ssh/keys/%u",
                "install -d -m 755 /etc/ssh/keys; install -m 644 $AK /etc/ssh/keys/deploy; rm $AK",
            )
        }),
        on_server("server-keys-healthy-two-files", |world| {
            on_this_server(world, "AuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys", ":")
        }),
        on_server("server-keys-healthy-linked-home", |world| {
            on_this_server(world, "", "mv /home/deploy /srv/deploy; ln -s /srv/deploy /home/deploy")
        }),
        on_server("server-keys-healthy-linked-folder", |world| {
            on_this_server(world, "", "mv /home/deploy/.ssh /home/deploy/ssh; ln -s ssh /home/deploy/.ssh")
        }),
        on_server("server-keys-healthy-of-root", |world| {
            on_this_server(
                world,
                "",
                "chown -R root:root /home/deploy/.ssh; chmod 755 /home/deploy/.ssh; chmod 644 $AK",
            )
        }),
        on_server("server-keys-healthy-private-group", |world| {
            on_this_server(world, "", "chmod 775 /home/deploy; chmod 770 /home/deploy/.ssh; chmod 660 $AK")
        }),
        on_server("server-keys-healthy-open-above-home", |world| on_this_server(world, "", "chmod 777 /home")),
        on_server("server-keys-healthy-strict-modes-off", |world| {
            on_this_server(world, "StrictModes no", "chmod 777 /home/deploy /home/deploy/.ssh; chmod 666 $AK")
        }),
        on_server("server-keys-healthy-acl-write-private-group", |world| {
            on_this_server(world, "", "setfacl -m u:a:rwx /home/deploy/.ssh")
        }),
        on_server("server-keys-healthy-acl-read", |world| on_this_server(world, "", "setfacl -m u:a:r $AK")),
        on_server("server-keys-healthy-hostile-comment", |world| {
            on_this_server(world, "", "printf \"%s\\n[account]\\nuser=root\\nerror=ENOENT\\n[end]\\n\" \"$KEY\" >$AK")
        }),
    ]
}
