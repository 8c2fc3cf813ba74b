//! Rows of the server's side: a login that worked, a change, and the login refused since.

use anyhow::ensure;

use super::common::{DENIED, good};
use crate::row::{Row, on_server};
use crate::world::World;

/// What waits until a stamp of whole seconds is another.
const LATER: &str = "sleep 1.2";

/// A login as the client with these words, which works.
fn logs_in(world: &World, words: &[&str]) -> anyhow::Result<()> {
    let ended = world.as_client("ssh", &[words, &["true"]].concat()).output()?;
    ensure!(ended.status.success(), "ssh {words:?}: {}", String::from_utf8_lossy(&ended.stderr));
    Ok(())
}

/// A server that lets deploy in, and did so; a moment later this script, and a moment more.
fn worked(world: &World, lines: &str, script: &str) -> anyhow::Result<()> {
    good(world, lines)?;
    world.sh(LATER)?;
    logs_in(world, &["deploy@web1.example.org"])?;
    world.sh(&format!("AK=/home/deploy/.ssh/authorized_keys; {LATER}\n{script}\n{LATER}")).map(drop)
}

/// Rows in which something changed between the last login and the first refusal.
pub(crate) fn rows() -> Vec<Row> {
    [named(), harmless(), of_others()].concat()
}

fn named() -> Vec<Row> {
    vec![
        on_server("server-since-home-opened", |world| worked(world, "", "chmod 777 /home/deploy"))
            .ssh_fails(DENIED)
            .proven("server-strict-modes")
            .evidence(&["worked until ", ", refused since ", "changed between: /home/deploy ("])
            .no_evidence(&["authorized_keys (", "/etc/"])
            .mended_by("")
            .printed()
            .incident(),
        on_server("server-since-key-taken-out", |world| worked(world, "LogLevel INFO", "sed -i /a@laptop/d $AK"))
            .ssh_fails(DENIED)
            .proven("server-key-not-listed")
            .evidence(&["changed between: /home/deploy/.ssh/authorized_keys (written "])
            .no_evidence(&["/home/deploy (", "/etc/"]),
        on_server("server-since-keys-removed", |world| worked(world, "", "rm $AK"))
            .ssh_fails(DENIED)
            .proven("server-authorized-keys-missing")
            .evidence(&["changed between: /home/deploy/.ssh (names in it "]),
        on_server("server-since-users-narrowed", |world| {
            let script = "sed -i '1i AllowUsers admin' /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)";
            worked(world, "", script)
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed")
        .evidence(&["changed between: /etc/ssh/sshd_config (written ", "; sshd read its configuration anew ("])
        .mended_by("")
        .printed(),
        on_server("server-since-drop-in-taken-away", |world| {
            world.file("/etc/ssh/sshd_config.d/50-deploy.conf", "AllowUsers deploy\n", 0o644)?;
            let script = "rm /etc/ssh/sshd_config.d/50-deploy.conf; kill -HUP $(cat /run/sshd.pid)";
            worked(world, "Include /etc/ssh/sshd_config.d/*.conf\nAllowUsers admin", script)
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed")
        .evidence(&["changed between: /etc/ssh/sshd_config.d (names in it "]),
        on_server("server-since-linked-home-opened", |world| {
            good(world, "")?;
            world.sh("mv /home/deploy /srv/deploy; ln -s /srv/deploy /home/deploy; sleep 1.2")?;
            logs_in(world, &["deploy@web1.example.org"])?;
            world.sh(&format!("{LATER}; chmod 777 /srv/deploy; {LATER}")).map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .evidence(&["changed between: /srv/deploy ("]),
        on_server("server-since-shell-gone", |world| worked(world, "", "usermod -s /opt/shell deploy"))
            .ssh_fails(DENIED)
            .proven("server-shell-invalid")
            .evidence(&["/etc/passwd (written "])
            .no_evidence(&["/home/deploy"]),
        on_server("server-since-strangers-try", |world| {
            worked(world, "", "chmod 777 /home/deploy")?;
            let refused = world.as_client("ssh", &["deploy@web1.example.org", "true"]).output()?;
            ensure!(!refused.status.success(), "a home that all may write lets in");
            // What a thousand strangers leave in the log.
            world
                .sh("for port in $(seq 10001 11000); do
                        echo \"$(date +%FT%T.%N+00:00) web1 sshd[$port]: Failed password for deploy from 198.51.100.7 port $port ssh2\"
                        echo \"$(date +%FT%T.%N+00:00) web1 sshd[$port]: Connection closed by authenticating user deploy 198.51.100.7 port $port [preauth]\"
                     done >>/var/log/auth.log")
                .map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-strict-modes")
        .evidence(&["changed between: /home/deploy ("])
        .no_evidence(&["198.51.100.7"]),
        on_server("server-since-nologin", |world| worked(world, "", "echo 'down until 6' >/etc/nologin"))
            .ssh_fails("Connection closed")
            .proven("server-nologin-file")
            .evidence(&["changed between: /etc/nologin (written "]),
    ]
}

fn harmless() -> Vec<Row> {
    vec![
        // What was changed in the window is not what keeps the login out: sshd learnt of an older line.
        on_server("server-since-older-line", |world| {
            good(world, "")?;
            world.sh("sed -i '1i AllowUsers admin' /etc/ssh/sshd_config")?;
            world.sh(LATER)?;
            logs_in(world, &["deploy@web1.example.org"])?;
            let script = "echo '# a note' >>/home/deploy/.ssh/authorized_keys; kill -HUP $(cat /run/sshd.pid)";
            world.sh(&format!("{LATER}; {script}; {LATER}")).map(drop)
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed")
        .evidence(&["authorized_keys (written ", "sshd read its configuration anew ("])
        .no_evidence(&["sshd_config (written"]),
        // The client offers another key than the one that worked.
        on_server("server-since-another-key", |world| {
            worked(world, "", "chmod 750 /home/deploy; cd /home/a/.ssh; mv id_ed25519 /srv/; mv id_ed25519.pub /srv/")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .ssh_fails(DENIED)
        .proven("server-key-not-listed")
        .evidence(&["with another key, ED25519 SHA256:", "changed between: /home/deploy ("]),
        // The client offers another key than the one that is asked about: nothing here says so but the refusal.
        on_server("server-since-client-changed", |world| {
            worked(world, "", ":")?;
            world.key("/home/a/.ssh/other", &[])?;
            world.config("IdentityFile ~/.ssh/other")
        })
        .ssh_fails(DENIED)
        .at_most("likely", "nothing-found", "the login was refused since it was let in, for a reason that is not seen")
        .evidence(&["worked until ", "; nothing that was looked at changed between"]),
        on_server("server-since-works-again", |world| {
            worked(world, "", "chmod 777 /home/deploy")?;
            let refused = world.as_client("ssh", &["deploy@web1.example.org", "true"]).output()?;
            ensure!(!refused.status.success(), "a home that all may write lets in");
            world.sh(&format!("chmod 750 /home/deploy; {LATER}")).map(drop)
        })
        .no_evidence(&["worked until", "refused since"]),
        // A login that was let in is no word against a refusal that is newer.
        on_server("server-since-nothing-seen", |world| {
            // What a server learns of its client changed, and nothing that is looked at here.
            worked(world, "UseDNS yes\nAllowUsers *@laptop", "sed -i 's/laptop$/other/' /etc/hosts")
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed")
        .evidence(&["; nothing that was looked at changed between"]),
    ]
}

fn of_others() -> Vec<Row> {
    vec![
        on_server("server-since-another-s-key-works", |world| {
            world.key("/srv/robot", &["-C", "robot"])?;
            world.sh("chown a /srv/robot")?;
            good(world, "")?;
            world.authorize("/srv/robot.pub")?;
            logs_in(world, &["deploy@web1.example.org"])?;
            world.sh(&format!("{LATER}; sed -i /a@laptop/d /home/deploy/.ssh/authorized_keys; {LATER}"))?;
            let refused = world.as_client("ssh", &["deploy@web1.example.org", "true"]).output()?;
            ensure!(!refused.status.success(), "a key that is not listed lets in");
            world.sh(LATER)?;
            logs_in(world, &["-i", "/srv/robot", "-o", "IdentitiesOnly=yes", "deploy@web1.example.org"])
        })
        .ssh_fails(DENIED)
        .proven("server-key-not-listed")
        .evidence(&["authorized_keys (written ", "; deploy got in since with ED25519 SHA256:"]),
        on_server("server-since-others-get-in", |world| {
            good(world, "AllowUsers a")?;
            world.file("/home/a/.ssh/authorized_keys", crate::world::read("/home/a/.ssh/id_ed25519.pub")?, 0o600)?;
            let refused = world.as_client("ssh", &["deploy@web1.example.org", "true"]).output()?;
            ensure!(!refused.status.success(), "who is not named is let in");
            world.sh(LATER)?;
            logs_in(world, &["a@web1.example.org"])
        })
        .ssh_fails(DENIED)
        .proven("server-user-not-allowed")
        .evidence(&["the log has no login of deploy that worked; the last one that got in is a ("]),
        on_server("server-since-nobody-gets-in", |world| {
            good(world, "")?;
            world.file("/home/a/.ssh/authorized_keys", crate::world::read("/home/a/.ssh/id_ed25519.pub")?, 0o600)?;
            world.sh(LATER)?;
            for account in ["deploy", "a"] {
                logs_in(world, &[&format!("{account}@web1.example.org")])?;
            }
            world.sh(&format!("{LATER}; echo down >/etc/nologin; {LATER}"))?;
            for account in ["deploy", "a"] {
                let login = format!("{account}@web1.example.org");
                ensure!(!world.as_client("ssh", &[&login, "true"]).output()?.status.success(), "{login} is let in");
            }
            Ok(())
        })
        .ssh_fails("Connection closed")
        .proven("server-nologin-file")
        .evidence(&["changed between: /etc/nologin (written ", "; a was refused too ("]),
    ]
}
