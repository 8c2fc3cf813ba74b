//! Rows of the server's side: the line that has the key.

use super::common::{DENIED, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// A line with the key that sshd cannot read.
fn malformed(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-key-entry-malformed").mended_by("").printed()
}

/// A line with the key, and an option that refuses it.
fn refused(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-key-options-refuse").mended_by("").printed()
}

/// The same, where a person has to correct the line.
fn refused_as(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup)
        .ssh_fails(DENIED)
        .proven("server-key-options-refuse")
        .mended_by("cp /home/a/.ssh/id_ed25519.pub /home/deploy/.ssh/authorized_keys")
}

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        malformed("server-key-wrapped", |world| on_this_server(world, "", "echo \"$KEY\" | fold -w 60 >$AK")).fixture(),
        malformed("server-key-joined", |world| {
            on_this_server(world, "", "printf \"%s%s\\n\" \"$OTHER\" \"$KEY\" >$AK")
        }),
        malformed("server-key-joined-no-comment", |world| {
            on_this_server(world, "", "printf \"%s%s\\n\" \"${OTHER% *}\" \"$KEY\" >$AK")
        }),
        malformed("server-key-ssh2", |world| on_this_server(world, "", "ssh-keygen -e -f $PUB >$AK")),
        malformed("server-key-behind-byte-order-mark", |world| {
            on_this_server(world, "", "printf \"\\357\\273\\277%s\\n\" \"$KEY\" >$AK")
        }),
        malformed("server-key-utf16", |world| on_this_server(world, "", "echo \"$KEY\" | iconv -t UTF-16 >$AK")),
        malformed("server-key-behind-nul", |world| on_this_server(world, "", "printf \"\\000%s\\n\" \"$KEY\" >$AK")),
        malformed("server-key-unknown-option", |world| on_this_server(world, "", "echo \"no-ptty $KEY\" >$AK")),
        malformed("server-key-open-quote", |world| on_this_server(world, "", "echo \"command=\\\"ls $KEY\" >$AK"))
            .log("invalid key option string"),
        malformed("server-key-option-without-quotes", |world| {
            on_this_server(world, "", "echo \"from=192.0.2.100 $KEY\" >$AK")
        }),
        malformed("server-key-space-in-options", |world| {
            on_this_server(world, "", "echo \"from=\\\"192.0.2.0/24\\\" , no-pty $KEY\" >$AK")
        }),
        malformed("server-key-without-type", |world| on_this_server(world, "", "echo \"$BLOB\" >$AK")),
        malformed("server-key-of-other-type", |world| on_this_server(world, "", "echo \"ssh-rsa $BLOB\" >$AK")),
        malformed("server-key-cut-short", |world| {
            on_this_server(world, "", "echo \"ssh-ed25519 ${BLOB%???????}\" >$AK")
        }),
        refused("server-key-from-other-address", |world| {
            on_this_server(world, "", "echo \"from=\\\"198.51.100.7\\\" $KEY\" >$AK")
        })
        .log("Authentication tried for deploy with correct key but not from a permitted host")
        .fixture(),
        refused("server-key-from-other-network", |world| {
            on_this_server(world, "", "echo \"from=\\\"198.51.100.0/24,2001:db8:1::/48\\\" $KEY\" >$AK")
        })
        .log("Authentication tried for deploy with correct key but not from a permitted host"),
        refused_as("server-key-from-negated", |world| {
            on_this_server(world, "", "echo \"from=\\\"!192.0.2.100,192.0.2.0/24\\\" $KEY\" >$AK")
        })
        .log("Authentication tried for deploy with correct key but not from a permitted host"),
        refused("server-key-from-name", |world| {
            on_this_server(world, "", "echo \"from=\\\"*.example.org\\\" $KEY\" >$AK")
        })
        .log("Authentication tried for deploy with correct key but not from a permitted host"),
        refused_as("server-key-from-invalid", |world| {
            on_this_server(world, "", "echo \"from=\\\"192.0.2.7/24\\\" $KEY\" >$AK")
        }),
        refused("server-key-expired", |world| {
            on_this_server(world, "", "echo \"expiry-time=\\\"20200101\\\" $KEY\" >$AK")
        })
        .log("Refused by key options"),
        refused("server-key-expired-utc", |world| {
            on_this_server(world, "", "echo \"no-pty,expiry-time=\\\"202001011200Z\\\" $KEY\" >$AK")
        }),
        refused("server-key-principals-on-plain", |world| {
            on_this_server(world, "", "echo \"principals=\\\"deploy\\\" $KEY\" >$AK")
        }),
        refused("server-key-cert-authority-on-plain", |world| {
            on_this_server(world, "", "echo \"cert-authority $KEY\" >$AK")
        }),
    ]
}
