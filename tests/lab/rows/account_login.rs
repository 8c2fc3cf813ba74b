//! Rows of the server's side: the account.

use super::common::{DENIED, good};
use crate::row::{Row, on_server};

/// Rows of the account.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        on_server("server-no-such-user", |world| good(world, ""))
            .line(&["depoly@web1.example.org"])
            .about("depoly")
            .ssh_fails(DENIED)
            .log("Invalid user depoly from 192.0.2.100")
            .proven("server-no-such-user")
            .fixture()
            .mended_by("useradd -m depoly; install -d -m 700 -o depoly /home/depoly/.ssh; install -o depoly -m 600 /home/a/.ssh/id_ed25519.pub /home/depoly/.ssh/authorized_keys"),
        on_server("server-allow-users", |world| good(world, "AllowUsers admin"))
            .ssh_fails(DENIED)
            .log("User deploy from 192.0.2.100 not allowed because not listed in AllowUsers")
            .proven("server-user-not-allowed")
            .fixture()
            .mended_by("")
            .printed(),
        on_server("server-account-works", |world| good(world, "")),
        on_server("server-account-works-no-key-named", |world| good(world, "")).key(""),
        on_server("server-account-works-no-log", |world| good(world, "")).without_log(),
        on_server("server-account-works-sshd-named", |world| good(world, ""))
            .words(&["--sshd", "/usr/sbin/sshd", "--sshd-config", "/etc/ssh/sshd_config"]),
    ]
}
