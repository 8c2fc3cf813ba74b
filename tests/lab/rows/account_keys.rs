//! Rows of the server's side: files of keys, there and not there, read and not read.

use super::common::{DENIED, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// No file of keys where sshd looks.
fn missing(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-authorized-keys-missing").mended_by("").printed()
}

/// The key in a file that sshd does not read.
fn elsewhere(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-authorized-keys-elsewhere").mended_by("").printed()
}

/// A file of keys that the account itself cannot read.
fn unreadable(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-authorized-keys-unreadable").mended_by("").printed()
}

/// A file without the key.
fn not_listed(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).ssh_fails(DENIED).proven("server-key-not-listed").mended_by("").printed()
}

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        missing("server-authorized-keys-missing", |world| on_this_server(world, "", "rm $AK")).fixture(),
        missing("server-authorized-keys-missing-no-folder", |world| on_this_server(world, "", "rm -r /home/deploy/.ssh")),
        missing("server-authorized-keys-missing-central", |world| on_this_server(world, "AuthorizedKeysFile /etc/ssh/keys/%u", "rm -r /home/deploy/.ssh")),
        missing("server-authorized-keys-missing-no-key-named", |world| on_this_server(world, "", "rm $AK")).key("").mended_by("ssh-keygen -y -f /home/a/.ssh/id_ed25519 | install -m 600 -o deploy /dev/stdin /home/deploy/.ssh/authorized_keys"),
        elsewhere("server-keys-elsewhere-central", |world| on_this_server(world, "AuthorizedKeysFile /etc/ssh/keys/%u", "mkdir /etc/ssh/keys; echo \"$OTHER\" >/etc/ssh/keys/deploy")).fixture(),
        elsewhere("server-keys-elsewhere-other-name", |world| on_this_server(world, "AuthorizedKeysFile .ssh/keys", ":")),
        elsewhere("server-keys-elsewhere-misspelt", |world| on_this_server(world, "", "mv $AK /home/deploy/.ssh/authorized_key")),
        elsewhere("server-keys-elsewhere-british", |world| on_this_server(world, "", "mv $AK /home/deploy/.ssh/authorised_keys")),
        elsewhere("server-keys-elsewhere-in-home", |world| on_this_server(world, "", "mv $AK /home/deploy/authorized_keys")),
        elsewhere("server-keys-elsewhere-root", |world| on_this_server(world, "", "install -d -m 700 /root/.ssh; mv $AK /root/.ssh/authorized_keys")),
        elsewhere("server-keys-elsewhere-other-account", |world| on_this_server(world, "", "mv $AK /home/a/.ssh/authorized_keys")),
        elsewhere("server-keys-elsewhere-keys2", |world| on_this_server(world, "AuthorizedKeysFile .ssh/authorized_keys", "mv $AK ${AK}2")),
        elsewhere("server-keys-elsewhere-match", |world| on_this_server(world, "Match User deploy\nAuthorizedKeysFile /etc/ssh/keys/%u", ":")),
        unreadable("server-keys-unreadable-root-0600", |world| on_this_server(world, "", "chown root:root $AK")).log("Could not open user 'deploy' authorized keys").fixture(),
        unreadable("server-keys-unreadable-folder-of-root", |world| on_this_server(world, "", "chown root:root /home/deploy/.ssh")).log("Could not open user 'deploy' authorized keys"),
        unreadable("server-keys-unreadable-folder-0600", |world| on_this_server(world, "", "chmod 600 /home/deploy/.ssh")).log("Could not open user 'deploy' authorized keys"),
        unreadable("server-keys-unreadable-mode-0", |world| on_this_server(world, "", "chmod 0 $AK")).log("Could not open user 'deploy' authorized keys"),
        unreadable("server-keys-unreadable-fifo", |world| on_this_server(world, "", "rm $AK; mkfifo $AK; chown deploy $AK")).log("is not a regular file"),
        unreadable("server-keys-unreadable-is-a-folder", |world| on_this_server(world, "", "rm $AK; mkdir $AK; chown deploy $AK")).log("is not a regular file"),
        unreadable("server-keys-unreadable-central", |world| on_this_server(world, "AuthorizedKeysFile /etc/ssh/keys/%u", "install -d -m 700 /etc/ssh/keys; install -m 600 $AK /etc/ssh/keys/deploy")).log("Could not open user 'deploy' authorized keys"),
        not_listed("server-key-not-listed", |world| on_this_server(world, "", "echo \"$OTHER\" >$AK")).fixture(),
        not_listed("server-key-not-listed-last-line-open", |world| on_this_server(world, "", "printf %s \"$OTHER\" >$AK")),
        not_listed("server-key-not-listed-empty", |world| on_this_server(world, "", ">$AK")),
        not_listed("server-key-not-listed-commented", |world| on_this_server(world, "", "echo \"# $KEY\" >$AK")),
        not_listed("server-key-not-listed-other-s-comment", |world| on_this_server(world, "", "echo \"${OTHER% *} a@laptop SHA256:$PRINT\" >$AK")),
    ]
}
