//! Rows of what comes after the login: shells that turn away, keys bound to a command, terminals, subsystems, Git hosts.

use super::common::{DENIED, good};
use crate::row::{Row, row};
use crate::userauth::{Git, Script};
use crate::world::{World, read};

/// Rows of what comes after the login.
pub(crate) fn rows() -> Vec<Row> {
    [shells(), closed(), forced(), other_users(), terminals(), files(), git_hosts(), repositories()].concat()
}

/// The account's shell is this program.
fn shell(world: &World, program: &str) -> anyhow::Result<()> {
    world.sh(&format!("sed -i '/^deploy/s#/bin/sh#{program}#' /etc/passwd")).map(drop)
}

/// The account's shell is a script with this text.
fn script(world: &World, text: &str) -> anyhow::Result<()> {
    world.file("/etc/ssh/shell", format!("#!/bin/sh\n{text}\n"), 0o755)?;
    shell(world, "/etc/ssh/shell")
}

/// The default key, let in on a line with these options.
fn bound(world: &World, lines: &str, options: &str) -> anyhow::Result<()> {
    world.server(lines)?;
    world.key("/home/a/.ssh/id_ed25519", &[])?;
    world.authorize_with(options, "/home/a/.ssh/id_ed25519.pub")
}

/// The default key, let in as root on a line with these options.
fn root(world: &World, lines: &str, options: &str) -> anyhow::Result<()> {
    world.server(&format!("PermitRootLogin yes\n{lines}"))?;
    world.key("/home/a/.ssh/id_ed25519", &[])?;
    world.file("/root/.ssh/authorized_keys", format!("{options}{}", read("/home/a/.ssh/id_ed25519.pub")?), 0o600)
}

fn shells() -> Vec<Row> {
    vec![
        row("shell-is-false", |world| {
            good(world, "")?;
            shell(world, "/bin/false")
        })
        .ssh_ends_with(1)
        .at_most("likely", "shell-refuses-login", "a ForceCommand that fails ends as silently"),
        row("shell-is-false-and-no-session", |world| {
            good(world, "")?;
            shell(world, "/bin/false")
        })
        .line(&["-N", "deploy@web1.example.org"])
        .shell()
        .ssh_hangs(),
        row("shell-is-false-and-a-banner-of-passwords", |world| {
            world.file("/etc/ssh/banner", "You are required to change your password every 90 days.\n", 0o644)?;
            good(world, "Banner /etc/ssh/banner")?;
            shell(world, "/bin/false")
        })
        .ssh_ends_with(1)
        .at_most("likely", "shell-refuses-login", "a ForceCommand that fails ends as silently"),
        row("shell-is-git-shell", |world| {
            good(world, "")?;
            shell(world, "/usr/local/bin/git-shell")
        })
        .ssh_ends(128, "unrecognized command")
        .proven("shell-refuses-login"),
        row("shell-is-rssh-alike", |world| {
            good(world, "")?;
            script(world, "echo 'This account is restricted by rssh.'; exit 1")
        })
        .ssh_ends_with(1)
        .proven("shell-refuses-login"),
        row("password-expired-at-a-terminal", |world| {
            good(world, "")?;
            world.sh("sed -i 's/^deploy:.*/deploy:*:0:0:99999:7:::/' /etc/shadow").map(drop)
        })
        .shell()
        .at_a_terminal()
        .ssh_asks("password:")
        .proven("password-change-required")
        .without_ends(1, "password-change-required"),
        row("password-expires-soon", |world| {
            good(world, "")?;
            world.sh("sed -i \"s/^deploy:.*/deploy:*:$(($(date +%s) / 86400 - 28)):0:30:7:::/\" /etc/shadow").map(drop)
        }),
    ]
}

fn closed() -> Vec<Row> {
    vec![
        row("pam-account-hangs", |world| {
            let slow = "account required pam_exec.so /bin/sleep 8\nsession required pam_permit.so\n";
            world.file("/etc/pam.d/sshd", slow, 0o644)?;
            good(world, "LoginGraceTime 7")
        })
        .ours(&["--timeout", "4"])
        .ssh_fails("Connection closed by")
        .at_most(
            "possible",
            "undetermined",
            "within the run's time there is silence, and silence is no refusal",
        ),
        row("pam-session-denied", |world| {
            world.file("/etc/pam.d/sshd", "account required pam_permit.so\nsession required pam_deny.so\n", 0o644)?;
            good(world, "")
        })
        .ssh_ends_with(254)
        .at_most("likely", "session-closed", "an exit status may come from anything")
        .log("PAM"),
        row("shell-is-killed", |world| {
            good(world, "")?;
            script(world, "kill -9 $$")
        })
        .ssh_fails("")
        .at_most("likely", "session-closed", "what sent the signal is not seen"),
        row("shell-ends-with-words", |world| {
            good(world, "")?;
            script(world, "echo 'Maintenance until noon'; exit 1")
        })
        .ssh_ends(1, "Maintenance")
        .at_most("likely", "session-closed", "no rule knows these words"),
        row("shell-of-another-machine", |world| {
            good(world, "")?;
            world.file("/etc/ssh/shell", b"\x7fELF\x02\x01\x01\0no program", 0o755)?;
            shell(world, "/etc/ssh/shell")
        })
        .ssh_ends(1, "Exec format error")
        .at_most("likely", "session-closed", "no rule knows these words"),
        row("command-line-of-a-device", |world| {
            good(world, "")?;
            script(world, "echo 'unknown command: true'; exit 1")
        })
        .ssh_ends_with(1)
        .at_most("likely", "access-works", "what answers knows no `true`, and was asked nothing else"),
    ]
}

fn forced() -> Vec<Row> {
    vec![
        row("key-bound-and-a-shell-wanted", |world| bound(world, "", "command=\"echo done\" "))
            .shell()
            .ssh_ends(0, "done")
            .proven("forced-command")
            .mended_by("sed -i 's/^command=[^ ]* [^ ]* //' /home/deploy/.ssh/authorized_keys")
            .fixture(),
        row("key-bound-for-a-time", |world| {
            bound(world, "", "restrict,command=\"echo done\",expiry-time=\"20991231\" ")
        })
        .shell()
        .ssh_ends(0, "done")
        .proven("forced-command"),
        row("key-bound-and-used-as-meant", |world| bound(world, "", "restrict,command=\"true\" "))
            .remark("session")
            .at_most("likely", "access-works", "the bound command is not run to see whether it is the one meant"),
        row("key-bound-and-no-session", |world| bound(world, "", "restrict,port-forwarding,command=\"false\" "))
            .line(&["-N", "-L", "9999:localhost:80", "deploy@web1.example.org"])
            .shell()
            .ssh_hangs(),
        row("second-key-bound-to-nothing", |world| {
            bound(world, "", "command=\"echo done\" ")?;
            world.key("/home/a/.ssh/id_rsa", &["-t", "rsa", "-b", "2048"])?;
            world.authorize("/home/a/.ssh/id_rsa.pub")?;
            world.config("IdentityFile ~/.ssh/id_ed25519\nIdentityFile ~/.ssh/id_rsa")
        })
        .shell()
        .ssh_ends(0, "done")
        .proven("forced-command")
        .mended_by("sed -i 's/^command=[^ ]* [^ ]* //' /home/deploy/.ssh/authorized_keys"),
        row("sftp-only-and-a-shell-wanted", |world| good(world, "ForceCommand internal-sftp"))
            .ssh_ends(1, "sftp connections only")
            .proven("forced-command"),
        row("sftp-only-and-sftp", |world| good(world, "Subsystem sftp internal-sftp\nForceCommand internal-sftp"))
            .line(&["sftp", "deploy@web1.example.org"])
            .beside("sftp", &["deploy@web1.example.org"])
            .healthy_fixture(),
        row("bound-to-sftp-and-sftp", |world| {
            bound(world, "Subsystem sftp internal-sftp", "command=\"internal-sftp\" ")
        })
        .line(&["sftp", "deploy@web1.example.org"])
        .beside("sftp", &["deploy@web1.example.org"])
        .remark("session")
        .at_most("likely", "access-works", "the bound command is not run"),
    ]
}

/// What cloud-init puts before root's key, with a shorter pause.
const CLOUD_INIT: &str = "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command=\"echo 'Please login as the \
                          user \\\"ubuntu\\\" rather than the user \\\"root\\\".';echo;sleep 1;exit 142\" ";

fn other_users() -> Vec<Row> {
    vec![
        row("cloud-image-root", |world| root(world, "", CLOUD_INIT))
            .line(&["root@web1.example.org"])
            .ssh_ends(142, "rather than")
            .at_most("likely", "login-as-other-user", "the command that the key is bound to is not run"),
        row("cloud-image-root-by-sshd-config", |world| {
            root(
                world,
                "Match User root\nForceCommand echo 'Please login as the user \"deploy\" rather than the user \"root\".'; exit 142\n",
                "",
            )?;
            world.authorize("/home/a/.ssh/id_ed25519.pub")
        })
        .line(&["root@web1.example.org"])
        .ssh_ends(142, "rather than")
        .proven("login-as-other-user")
        .fixture(),
        row("dropbear-cloud-image-root", |world| {
            world.dropbear(&["-s"])?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            let key = read("/home/a/.ssh/id_ed25519.pub")?;
            world.file("/root/.ssh/authorized_keys", format!("{CLOUD_INIT}{key}"), 0o600)
        })
        .line(&["root@web1.example.org"])
        .ssh_ends(142, "rather than")
        .proven("login-as-other-user"),
        row("root-bound-to-a-backup", |world| root(world, "", "restrict,command=\"echo done\" "))
            .line(&["root@web1.example.org"])
            .shell()
            .ssh_ends(0, "done")
            .proven("forced-command"),
    ]
}

fn terminals() -> Vec<Row> {
    vec![
        row("no-terminal-by-sshd-config", |world| good(world, "PermitTTY no"))
            .shell()
            .at_a_terminal()
            .ssh_asks("PTY allocation request failed")
            .proven("channel-refused")
            .without_works(),
        row("no-terminal-by-the-key", |world| bound(world, "", "no-pty "))
            .line(&["-tt", "deploy@web1.example.org"])
            .ssh_fails("PTY allocation request failed")
            .proven("channel-refused")
            .mended_by("sed -i 's/^no-pty //' /home/deploy/.ssh/authorized_keys"),
        row("no-terminal-and-a-command", |world| bound(world, "", "restrict ")).at_a_terminal(),
        row("shell-at-a-terminal", |world| good(world, "MaxSessions 1"))
            .shell()
            .at_a_terminal()
            .ssh_asks("$")
            .without_works(),
        row("terminal-off-here", |world| good(world, "PermitTTY no"))
            .line(&["-T", "deploy@web1.example.org"])
            .shell()
            .at_a_terminal()
            .ssh_hangs(),
    ]
}

fn files() -> Vec<Row> {
    vec![
        row("sftp-works", |world| good(world, "Subsystem sftp /usr/lib/openssh/sftp-server"))
            .line(&["sftp", "deploy@web1.example.org"])
            .beside("sftp", &["deploy@web1.example.org"]),
        row("scp-works", |world| good(world, "Subsystem sftp internal-sftp"))
            .line(&["scp", "/etc/hosts", "deploy@web1.example.org:"])
            .beside("scp", &["/etc/hosts", "deploy@web1.example.org:"]),
        row("sftp-without-subsystem", |world| good(world, ""))
            .line(&["sftp", "deploy@web1.example.org"])
            .beside("sftp", &["deploy@web1.example.org"])
            .ssh_fails("subsystem request failed")
            .proven("channel-refused")
            .mended_by(
                "echo 'Subsystem sftp internal-sftp' >>/etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid); sleep 0.3",
            ),
        row("scp-without-subsystem", |world| good(world, ""))
            .line(&["scp", "/etc/hosts", "deploy@web1.example.org:"])
            .beside("scp", &["/etc/hosts", "deploy@web1.example.org:"])
            .ssh_fails("subsystem request failed")
            .proven("channel-refused"),
        row("scp-of-old-without-subsystem", |world| good(world, ""))
            .line(&["scp", "-O", "/etc/hosts", "deploy@web1.example.org:"])
            .beside("scp", &["-O", "/etc/hosts", "deploy@web1.example.org:"]),
        row("sftp-program-missing", |world| good(world, "Subsystem sftp /usr/lib/sftp-server-of-old"))
            .line(&["sftp", "deploy@web1.example.org"])
            .beside("sftp", &["deploy@web1.example.org"])
            .ssh_fails("")
            .proven("channel-refused"),
        row("sftp-and-nologin", |world| {
            good(world, "Subsystem sftp /usr/lib/openssh/sftp-server")?;
            shell(world, "/usr/sbin/nologin")
        })
        .line(&["sftp", "deploy@web1.example.org"])
        .beside("sftp", &["deploy@web1.example.org"])
        .ssh_fails("Received message too long")
        .proven("shell-refuses-login"),
        row("sftp-inside-sshd-and-nologin", |world| {
            good(world, "Subsystem sftp internal-sftp")?;
            shell(world, "/usr/sbin/nologin")
        })
        .line(&["sftp", "deploy@web1.example.org"])
        .beside("sftp", &["deploy@web1.example.org"]),
        row("sftp-and-a-shell-that-prints", |world| {
            good(world, "Subsystem sftp /usr/lib/openssh/sftp-server")?;
            script(world, "echo 'Welcome back, deploy'\nexec /bin/sh \"$@\"")
        })
        .line(&["sftp", "deploy@web1.example.org"])
        .beside("sftp", &["deploy@web1.example.org"])
        .ssh_fails("Received message too long")
        .proven("shell-startup-prints")
        .mended_by("sed -i '/^deploy/s#/etc/ssh/shell#/bin/sh#' /etc/passwd")
        .fixture(),
        row("dropbear-sftp", |world| {
            world.dropbear(&[])?;
            world.login_key()
        })
        .line(&["sftp", "deploy@web1.example.org"])
        .beside("sftp", &["deploy@web1.example.org"]),
        row("subsystem-of-another-name", |world| good(world, "Subsystem netconf /bin/cat"))
            .line(&["-s", "deploy@web1.example.org", "netconf"])
            .shell()
            .at_most("likely", "access-works", "only sftp is tried of the subsystems"),
    ]
}

const GITHUB: Git = Git {
    name: "SSH-2.0-babeld-38b8af2",
    greeting: "Hi octo-cat! You've successfully authenticated, but GitHub does not provide shell access.\n",
    stdout: "",
    stderr: "ERROR: Repository not found.\n",
    status: 1,
};

/// A scripted Git host that is known to the client and lets the default key in.
fn git(world: &World, git: Git) -> anyhow::Result<()> {
    world.scripted_userauth(Script::Git(git))?;
    world.login_key()
}

fn git_hosts() -> Vec<Row> {
    vec![
        row("git-host-greets", |world| git(world, GITHUB))
            .line(&["-T", "git@web1.example.org"])
            .shell()
            .ssh_ends(1, "octo-cat")
            .healthy_fixture(),
        row("git-host-takes-a-deploy-key", |world| {
            git(world, Git { greeting: "Hi acme/site! You've successfully authenticated, but GitHub does not provide shell access.\n", ..GITHUB })
        })
        .line(&["git@web1.example.org"])
        .shell()
        .at_a_terminal()
        .ssh_ends_with(1),
        row("gerrit-greets", |world| {
            let greeting = "\r\n  ****    Welcome to Gerrit Code Review    ****\r\n\r\n  Hi A. Person, you have successfully connected over SSH.\r\n";
            git(world, Git { name: "SSH-2.0-GerritCodeReview_3.9.1 (APACHE-SSHD-2.10.0)", greeting, status: 127, ..GITHUB })
        })
        .line(&["aperson@web1.example.org"])
        .shell()
        .ssh_ends(127, "A. Person"),
        row("git-host-knows-no-key", |world| {
            world.scripted_userauth(Script::Git(GITHUB))?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["git@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("git-host-no-account")
        .mended_by("mkdir -p /home/deploy/.ssh; cat /home/a/.ssh/id_ed25519.pub >>/home/deploy/.ssh/authorized_keys")
        .then(crate::row::Ssh::Ends(1, "Repository not found"))
        .fixture(),
        row("git-host-by-its-name", |world| {
            world.sh("echo 192.0.2.7 github.com >>/etc/hosts")?;
            world.server("")?;
            world.known("github.com", "ed25519")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["git@github.com"])
        .ssh_fails(DENIED)
        .proven("git-host-no-account"),
        row("git-host-that-was-not-proved", |world| {
            world.sh("echo 192.0.2.7 github.com >>/etc/hosts")?;
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "git@github.com"])
        .ssh_fails(DENIED)
        .at_most("likely", "git-host-no-account", "under the name of a Git host another server may answer"),
        row("git-host-knows-none-of-the-agents-keys", |world| {
            world.scripted_userauth(Script::Git(GITHUB))?;
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.agent_with(&["/home/a/.ssh/id_ed25519"])
        })
        .line(&["git@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("agent-lacks-accepted-key"),
        row("git-account-of-an-unknown-server", |world| {
            world.server("")?;
            world.key("/home/a/.ssh/id_ed25519", &[])
        })
        .line(&["git@web1.example.org"])
        .ssh_fails(DENIED)
        .proven("no-key-accepted"),
    ]
}

/// A bare repository in deploy's home, and the default key lets in.
fn repository(world: &World) -> anyhow::Result<()> {
    good(world, "")?;
    world.sh("git init -q --bare /home/deploy/app.git; chown -R 1001:1001 /home/deploy/app.git").map(drop)
}

fn repositories() -> Vec<Row> {
    vec![
        row("repository-can-be-read", repository_row)
            .line(&["deploy@web1.example.org:app.git"])
            .beside("git", &["ls-remote", "deploy@web1.example.org:app.git"])
            .healthy_fixture(),
        row("repository-by-url", repository_row)
            .line(&["ssh://deploy@web1.example.org/~/app.git"])
            .beside("git", &["ls-remote", "ssh://deploy@web1.example.org/~/app.git"]),
        row("repository-behind-git-shell", |world| {
            repository(world)?;
            shell(world, "/usr/local/bin/git-shell")
        })
        .line(&["ssh://deploy@web1.example.org/home/deploy/app.git"])
        .beside("git", &["ls-remote", "ssh://deploy@web1.example.org/home/deploy/app.git"]),
        row("repository-is-not-there", repository_row)
            .line(&["deploy@web1.example.org:other.git"])
            .beside("git", &["ls-remote", "deploy@web1.example.org:other.git"])
            .ssh_ends(128, "does not appear to be a git repository")
            .proven("git-repository-denied"),
        row("repository-is-anothers", |world| {
            repository(world)?;
            world.sh("chown -R root:root /home/deploy/app.git").map(drop)
        })
        .line(&["deploy@web1.example.org:app.git"])
        .beside("git", &["ls-remote", "deploy@web1.example.org:app.git"])
        .ssh_ends(128, "dubious ownership")
        .proven("git-repository-denied"),
        row("git-host-denies-the-repository", |world| git(world, GITHUB))
            .line(&["git@web1.example.org:acme/secret.git"])
            .beside("git", &["ls-remote", "git@web1.example.org:acme/secret.git"])
            .ssh_ends(128, "Repository not found")
            .proven("git-repository-denied")
            .fixture(),
        row("git-host-demands-single-sign-on", |world| {
            let stderr = "ERROR: The `acme' organization has enabled or enforced SAML SSO.\n";
            git(world, Git { stderr, ..GITHUB })
        })
        .line(&["git@web1.example.org:acme/site.git"])
        .beside("git", &["ls-remote", "git@web1.example.org:acme/site.git"])
        .ssh_ends(128, "SAML SSO")
        .proven("git-repository-denied"),
        row("git-host-denies-in-a-packet", |world| {
            git(world, Git { stdout: "0015ERR access denied", stderr: "", ..GITHUB })
        })
        .line(&["ssh://git@web1.example.org/acme/site.git"])
        .beside("git", &["ls-remote", "ssh://git@web1.example.org/acme/site.git"])
        .ssh_ends(128, "access denied")
        .proven("git-repository-denied"),
        row("git-is-not-installed-there", |world| {
            good(world, "")?;
            script(world, "echo 'sh: 1: git-upload-pack: not found' >&2; exit 127")
        })
        .line(&["deploy@web1.example.org:app.git"])
        .beside("git", &["ls-remote", "deploy@web1.example.org:app.git"])
        .ssh_ends(128, "not found")
        .at_most("likely", "session-closed", "no rule knows these words"),
    ]
}

fn repository_row(world: &mut World) -> anyhow::Result<()> {
    repository(world)
}
