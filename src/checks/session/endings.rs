//! The causes of a session that opens and does not do what was asked: the account's shell, a command that the key is
//! bound to, another account that is meant, a password that has to be changed, and what ends without a reason.

use crate::checks::userauth::certificates;
use crate::checks::{
    Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Place, Step, account, answers, auth_methods, members,
    naming, quoted,
};
use crate::facts::userauth::{Answer, Attempted};
use crate::facts::{Facts, Observed, Unobserved, known};

use super::ending::{Closed, Forced, ShellRefuses, Trouble, how_it_ended, seen, trimmed, trouble};

/// Makes the facts those of a login whose session was not looked at.
pub(super) fn forget(facts: &mut Facts) {
    facts.session = Err(Unobserved::NotAttempted);
}

/// What was seen of the session, a line each.
fn evidence(facts: &Facts) -> Vec<String> {
    facts.session.as_ref().map(seen).unwrap_or_default()
}

/// A cause of this stage as an alternative.
fn alternative(facts: &Facts, cause: &'static Cause, summary: &str) -> Alternative {
    Alternative {
        cause: cause.id,
        certainty: Certainty::Possible,
        summary: summary.to_owned(),
        evidence: Vec::new(),
        decide: Some(Decide { place: Place::Server, command: account_entry(facts) }),
    }
}

/// The command that shows the account's shell.
fn account_entry(facts: &Facts) -> String {
    format!("getent passwd {}", quoted(&naming::user(facts).to_string()))
}

/// ForceCommand, as an alternative.
fn forced_by_the_server(facts: &Facts) -> Alternative {
    Alternative {
        decide: Some(Decide { place: Place::Server, command: auth_methods::sshd_effective(facts, "^forcecommand") }),
        ..alternative(facts, &FORCED_COMMAND, "a ForceCommand of sshd_config runs in place of what was asked")
    }
}

pub(super) const SHELL_REFUSES_LOGIN: Cause = Cause {
    id: "shell-refuses-login",
    title: "the account's shell turns everybody away",
    blocks: Blocks::Session,
    place: Place::Server,
    doc: "The login succeeds, and the account's shell ends it: nologin, false, git-shell or another program in the place of a \
          shell. The account is meant for a service, or was closed in this way. Files and tunnels may still work: sftp where \
          the server has internal-sftp, and ssh -N.\n\n\
          Proven by the shell's own text (\"This account is currently not available\"). Where `true` ends with a status other \
          than 0 and nothing is said, it is likely: a ForceCommand that fails looks the same.",
    prevent: "Give accounts that people use a real shell, and use another account for services.",
    fix: Fix { commands: shell_commands, mend: forget },
    see: &["nologin(8)", "git-shell(1)", "OpenSSH session.c do_child"],
    judge: shell_refuses_login,
};

fn shell_refuses_login(facts: &Facts) -> Observed<Option<Finding>> {
    let session = known(&facts.session)?;
    let Some(Trouble::ShellRefuses(how)) = trouble(facts) else { return Ok(None) };
    if silently_forced(facts).is_some() {
        return Ok(None);
    }
    let login = naming::login(facts);
    let mut finding = match how {
        ShellRefuses::Says => {
            Finding::proven(format!("the login as {login} succeeds, and the account's shell turns everybody away"))
        }
        ShellRefuses::GitShell => Finding::proven(format!(
            "the login as {login} succeeds; the account's shell is git-shell, which serves Git's own commands only"
        )),
        ShellRefuses::Silent => {
            let how = how_it_ended(session);
            let summary = format!("the login as {login} succeeds, and {how}: its shell seems to turn everybody away");
            Finding::likely(summary).or([
                forced_by_the_server(facts),
                Alternative {
                    decide: Some(Decide { place: Place::Server, command: members::log_command(facts) }),
                    ..alternative(facts, &SESSION_CLOSED, "a start-up file of the account ends the shell")
                },
            ])
        }
    };
    finding.evidence = evidence(facts);
    Ok(Some(finding))
}

fn shell_commands(facts: &Facts) -> Vec<Step> {
    let user = quoted(&naming::user(facts).to_string());
    let destination = naming::destination(facts);
    vec![
        Step::server_root(account_entry(facts), "the last field is the account's shell"),
        Step::server_root(
            format!("usermod -s /bin/sh {user}"),
            "only if people are meant to work as this account: gives it a shell",
        ),
        Step::here(format!("ssh -N {destination}"), "for tunnels no shell is needed: add -L, -R or -D as you mean it"),
    ]
}

pub(super) const FORCED_COMMAND: Cause = Cause {
    id: "forced-command",
    title: "the key runs one command only, no shell",
    blocks: Blocks::Session,
    place: Place::Server,
    doc: "The key's line in authorized_keys (command=), its certificate (force-command) or sshd_config (ForceCommand) names a \
          command that runs in place of whatever is asked. That is how keys for backups, deployments and file transfer are \
          made; a person who wants a shell needs another key, or another line for this one.\n\n\
          Proven when the server itself says that the key is bound to a command and a shell was asked for; the command is not \
          run to see what it does. Proven as well by sshd's \"This service allows sftp connections only\". Where a command was \
          asked for, the bound one may be just what honours it: that is a remark.",
    prevent: "Give each key that is bound to a command a comment that says so, and people a key of their own.",
    fix: Fix { commands: forced_commands, mend: mend_forced },
    see: &[
        "sshd(8) AUTHORIZED_KEYS FILE FORMAT, command=",
        "sshd_config(5) ForceCommand",
        "OpenSSH auth.c auth_log_authopts",
        "OpenSSH session.c do_exec",
    ],
    judge: forced_command,
};

fn forced_command(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    if let (Some(setting), Ok(session)) = (silently_forced(facts), &facts.session) {
        let (login, how) = (naming::login(facts), how_it_ended(session));
        let summary =
            format!("the login as {login} succeeds, sshd runs its ForceCommand in place of `true`, and {how}");
        let mut finding = Finding::likely(summary).seen(setting);
        finding.evidence.extend(evidence(facts));
        return Ok(Some(finding));
    }
    let Some(Trouble::Forced(how)) = trouble(facts) else { return Ok(None) };
    let login = naming::login(facts);
    let mut finding = Finding::proven(match how {
        Forced::Key => {
            format!(
                "the login as {login} succeeds, and the key runs one command only: ssh gets that in place of a shell"
            )
        }
        Forced::SftpOnly => {
            format!("the login as {login} succeeds, and the account is for sftp only: it runs no command")
        }
    });
    finding.evidence.extend(super::authorized_line(userauth).map(|line| format!("let in by {line}")));
    finding.evidence.extend(evidence(facts));
    finding.evidence.extend(another_key(facts).map(|path| format!("the server accepts {path} too")));
    Ok(Some(finding))
}

/// The ForceCommand that the server's half shows, where the session ended without a word and the shell is one that people
/// work with.
fn silently_forced(facts: &Facts) -> Option<String> {
    let silent = matches!(trouble(facts), Some(Trouble::ShellRefuses(ShellRefuses::Silent)));
    silent.then(|| account::forced(facts)).flatten()
}

/// Another key file that the server accepts, which may be bound to nothing.
fn another_key(facts: &Facts) -> Option<String> {
    let userauth = facts.userauth.as_ref().ok()?;
    let used = userauth.signatures.last().map(|signature| &signature.key);
    let identities = facts.identities.as_ref().ok()?;
    let files = identities.files.iter().chain(&identities.others);
    let mut private = files.filter(|file| file.is_private_here());
    private.find_map(|file| {
        let key = file.public_half().filter(|key| !used.is_some_and(|used| used.is_same(key)))?;
        (userauth.answer(key) == Some(&Answer::PkOk)).then(|| naming::path(&file.path))
    })
}

fn forced_commands(facts: &Facts) -> Vec<Step> {
    let destination = naming::destination(facts);
    let mut steps = Vec::new();
    if trouble(facts) == Some(Trouble::Forced(Forced::SftpOnly)) {
        let login = naming::copy_login(facts);
        steps.push(Step::here(format!("sftp {login}"), "copies files, which is what the account is for"));
        let setting = auth_methods::sshd_effective(facts, "^forcecommand");
        steps.push(Step::server_root(setting, "the setting that makes it so, if a shell is meant"));
        return steps;
    }
    if silently_forced(facts).is_some() {
        let setting = auth_methods::sshd_effective(facts, "^forcecommand");
        steps.push(Step::server_root(setting, "the command: correct it, or except this account from it"));
        return steps;
    }
    if let Some(path) = another_key(facts) {
        let without = naming::destination_without(facts, &["identityfile", "identitiesonly"]);
        steps.push(Step::here(
            format!("ssh -o IdentitiesOnly=yes -i {path} {without}"),
            "tries the other key that the server accepts: it may be bound to nothing",
        ));
    }
    let line = facts.userauth.as_ref().ok().and_then(super::authorized_place);
    if let Some(show) = show_certificate(facts) {
        let why = "shows force-command, which is what it runs; a certificate for a shell has none";
        steps.push(Step::here(show, why));
        let again = "a certificate without force-command can only be had from whoever signs them";
        steps.push(Step::person(Place::Client, again));
        steps.push(Step::here(format!("ssh -T {destination}"), "runs that command, if it is what you mean"));
        return steps;
    }
    let show = match line {
        Some((file, line)) => format!("sed -n {line}p {}", quoted(&file)),
        None => format!("grep -n command= {}/.ssh/authorized_keys", naming::home(&naming::user(facts))),
    };
    steps.push(Step::server_root(show, "the key's line: command=\"…\" is what it runs; a key for a shell has none"));
    steps.push(Step::here(format!("ssh -T {destination}"), "runs that command, if it is what you mean"));
    steps
}

/// What shows the certificate that logged in, where the command stands in it: then OpenSSH names no file (auth2-pubkey.c
/// `user_cert_trusted_ca`).
fn show_certificate(facts: &Facts) -> Option<String> {
    let debug = &facts.userauth.as_ref().ok()?.debug;
    let place = debug.iter().rev().find_map(|text| Some(text.as_str()?.split_once(": key options:")?.0))?;
    let turn = super::used(facts).filter(|_| place == "cert")?;
    let key = turn.offer.key.as_ref().filter(|key| key.is_certificate())?;
    let file = certificates::path(facts, key).filter(|_| !turn.offer.agent);
    Some(match file {
        Some(path) => format!("ssh-keygen -L -f {}", naming::path(path)),
        None => "ssh-add -L | grep cert-v01 | ssh-keygen -L -f -".to_owned(),
    })
}

fn mend_forced(facts: &mut Facts) {
    if let Ok(userauth) = &mut facts.userauth {
        userauth.debug.retain(|text| crate::openssh::session::key_options(text).is_none());
    }
    forget(facts);
}

pub(super) const LOGIN_AS_OTHER_USER: Cause = Cause {
    id: "login-as-other-user",
    title: "the server says to log in as another user",
    blocks: Blocks::Session,
    place: Place::Client,
    doc: "Cloud images give root's key a command that only says: Please login as the user \"ubuntu\" rather than the user \
          \"root\". The key is good; the account is another.\n\n\
          Proven by that text. OpenSSH says that the key is bound to a command before it is run, and then it is not run here: \
          for root, with the other options that cloud-init writes beside it, it is likely this one.",
    prevent: "Write the image's own account into the Host block: User ubuntu.",
    fix: Fix { commands: other_user_commands, mend: mend_forced },
    see: &["cloud-init documentation, disable_root_opts", "OpenSSH auth.c auth_log_authopts"],
    judge: login_as_other_user,
};

fn login_as_other_user(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    let Some(Trouble::OtherUser(name)) = trouble(facts) else { return Ok(None) };
    let login = naming::login(facts);
    let mut finding = if let Some(name) = name {
        let name = crate::facts::text::escape(name.as_bytes());
        Finding::proven(format!("{login} lets the key in only to say: log in as {name}"))
    } else {
        let summary = format!(
            "the key of {login} is bound to a command as cloud images bind root's: log in as the image's own user"
        );
        Finding::likely(summary).or([Alternative {
            decide: Some(Decide { place: Place::Client, command: format!("ssh -T {}", naming::destination(facts)) }),
            ..alternative(facts, &FORCED_COMMAND, "the command is one that somebody chose for this key")
        }])
    };
    finding.evidence = evidence(facts);
    finding.evidence.extend(super::authorized_line(userauth).map(|line| format!("let in by {line}")));
    Ok(Some(finding))
}

fn other_user_commands(facts: &Facts) -> Vec<Step> {
    match trouble(facts) {
        Some(Trouble::OtherUser(Some(name))) => {
            let again = naming::destination_as(facts, &name);
            vec![Step::here(format!("ssh {again}"), "the same login as the user that the server names")]
        }
        _ => vec![Step::here(
            format!("ssh -T {}", naming::destination(facts)),
            "shows the text, which names the user to log in as",
        )],
    }
}

pub(super) const PASSWORD_CHANGE_REQUIRED: Cause = Cause {
    id: "password-change-required",
    title: "the account's password has to be changed first",
    blocks: Blocks::Session,
    place: Place::Server,
    doc: "The login succeeds, and the server opens no session until the account's password has been changed: it has expired, or \
          an administrator asked for it. A key does not help past that. At a terminal passwd asks for the old and the new \
          password and then ends the session; without one there is nothing but the message. Other servers than OpenSSH demand \
          the new password in answer to the old one, and let in once it is given.\n\n\
          Proven by the text of sshd or PAM in place of the session, or by the server's SSH_MSG_USERAUTH_PASSWD_CHANGEREQ.",
    prevent: "Exempt accounts that log in with keys only from password ageing: chage -M -1.",
    fix: Fix { commands: change_commands, mend: changed },
    see: &[
        "OpenSSH session.c do_pwchange",
        "OpenSSH sshconnect2.c input_userauth_passwd_changereq",
        "RFC 4252 section 8",
        "pam_unix(8)",
        "chage(1)",
    ],
    judge: password_change_required,
};

fn password_change_required(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    let login = naming::login(facts);
    if let Some(prompt) = answers::change_demanded(facts) {
        let mut finding =
            Finding::proven(format!("{login} demands a new password before it lets in")).at(Blocks::Finished);
        finding.evidence = answers::lines(userauth);
        finding.evidence.push(format!("the server says: {}", trimmed(prompt, 300)));
        return Ok(Some(finding));
    }
    if trouble(facts) != Some(Trouble::PasswordChange) {
        return Ok(None);
    }
    let mut finding = Finding::proven(format!(
        "the login as {login} succeeds, and no session opens before the account's password has been changed"
    ));
    finding.evidence = evidence(facts);
    finding.evidence.extend(userauth.banners.iter().map(|text| format!("the server says: {}", trimmed(text, 300))));
    Ok(Some(finding))
}

/// Makes the facts those of a login with the new password.
fn changed(facts: &mut Facts) {
    if answers::change_demanded(facts).is_some()
        && let Ok(userauth) = &mut facts.userauth
        && let Some(attempt) = userauth.attempts.last_mut()
    {
        attempt.outcome = Attempted::Answered(Answer::Success);
    }
    forget(facts);
}

fn change_commands(facts: &Facts) -> Vec<Step> {
    if answers::change_demanded(facts).is_some() {
        let why = "asks for the old password, and then twice for the new one";
        return vec![Step::here(format!("ssh {}", naming::destination(facts)), why)];
    }
    let user = quoted(&naming::user(facts).to_string());
    vec![
        Step::here(
            format!("ssh -t {}", naming::destination_without_command(facts)),
            "with a terminal the server asks for the old and the new password; then log in again",
        ),
        Step::server_root(
            format!("chage -d \"$(date +%F)\" {user}"),
            "if nobody knows the old password: counts it as changed today, and leaves it as it is",
        ),
    ]
}

pub(super) const SESSION_CLOSED: Cause = Cause {
    id: "session-closed",
    title: "the session ends at once, and no reason is given",
    blocks: Blocks::Session,
    place: Place::Server,
    doc: "The login succeeds and the session ends before it does what was asked, without a text that names the reason: a PAM \
          session module refuses (sshd then ends with status 254), ChrootDirectory or a folder above it belongs to another than \
          root (255), a limit or the system's memory killed the shell, a start-up file ends it, its program cannot be run.\n\n\
          That it ends is seen; why is at most likely from outside. sshd's log names the first two.",
    prevent: "After a change to PAM, ChrootDirectory or limits, log in once more before you leave the old session.",
    fix: Fix { commands: closed_commands, mend: forget },
    see: &["OpenSSH session.c do_child", "OpenSSH session.c safely_chroot", "RFC 4254 section 6.10"],
    judge: session_closed,
};

fn session_closed(facts: &Facts) -> Observed<Option<Finding>> {
    known(&facts.session)?;
    let Some(Trouble::Closed(how, words)) = trouble(facts) else { return Ok(None) };
    let login = naming::login(facts);
    let mut finding = Finding::likely(format!("the login as {login} succeeds, and then {words}"));
    finding.evidence = evidence(facts);
    if finding.evidence.is_empty() {
        finding.evidence.push(words);
    }
    let pam = || "sshd ends a session with status 254 where a PAM session module refuses it".to_owned();
    let chroot = || "nothing is said, as where sshd's process for the session dies".to_owned();
    let member = |id: &str, evidence: Option<String>| members::alternative(facts, id, evidence.into_iter().collect());
    let silent_shell = alternative(facts, &SHELL_REFUSES_LOGIN, "the account's shell turns everybody away");
    let others: Vec<Option<Alternative>> = match how {
        Closed::Pam => vec![member("server-pam-denied", Some(pam())), member("server-chroot-ownership", None)],
        Closed::Died => vec![member("server-chroot-ownership", Some(chroot())), member("server-pam-denied", None)],
        Closed::Signal => vec![member("server-pam-denied", None)],
        Closed::Says => vec![
            Some(silent_shell),
            Some(forced_by_the_server(facts)),
            member("server-shell-invalid", None),
            member("server-pam-denied", None),
        ],
    };
    Ok(Some(finding.or(others.into_iter().flatten())))
}

fn closed_commands(facts: &Facts) -> Vec<Step> {
    vec![
        Step::server_root(
            members::log_command(facts),
            "sshd's own words about this session: PAM, ChrootDirectory, limits",
        ),
        Step::server_root(account_entry(facts), "the account's home and shell, as sshd finds them"),
    ]
}
