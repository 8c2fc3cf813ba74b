//! The server's own side: does sshd's configuration, the account, and the file of keys let this login in, and does the
//! log tell the same story? Judged as this sshd would decide, in its own order ([`crate::openssh::sshd`]).

mod keys;
mod log;
mod login;
mod policy;

use crate::facts::account::{Account, Login};
use crate::facts::key::PublicKey;
use crate::facts::{Facts, Observed, Stage, known};
use crate::openssh::course;
use crate::openssh::sshd::config::{Setting, settings};
use crate::openssh::sshd::key::{Decision, Obstacle, decide};
use crate::openssh::sshd::{self, NotAllowed};

use super::{Check, Step, quoted};

/// sshd's configuration lets this account in with a key.
pub const SSHD_CONFIG: Check = Check {
    id: "sshd-config",
    stage: Stage::Server,
    claim: "sshd's configuration lets this account in with a key",
    causes: policy::CAUSES,
    holds: policy::holds,
    rules_out: &[],
};

/// The account exists and may log in.
pub const ACCOUNT: Check = Check {
    id: "account",
    stage: Stage::Server,
    claim: "the account exists, is not locked and may log in",
    causes: login::CAUSES,
    holds: login::holds,
    rules_out: &[],
};

/// The key is in the file that sshd reads.
pub const KEY_ENTRY: Check = Check {
    id: "key-entry",
    stage: Stage::Server,
    claim: "sshd can read the authorized_keys file, and the key is in it",
    causes: keys::CAUSES,
    holds: keys::holds,
    rules_out: &[],
};

/// sshd's log tells the same story.
pub const SERVER_LOG: Check = Check {
    id: "server-log",
    stage: Stage::Server,
    claim: "sshd's log shows no refusal of this account",
    causes: log::CAUSES,
    holds: log::holds,
    rules_out: &[],
};

/// The server's half and what is asked of it.
struct Scene<'a> {
    account: &'a Account,
    login: &'a Login,
    /// The keys in question: those that were named, else those that the client offers.
    keys: Vec<PublicKey>,
}

/// The scene, where the server's side was seen.
fn scene(facts: &Facts) -> Observed<Scene<'_>> {
    let account = known(&facts.account)?;
    let mut keys = account.asked.clone();
    if keys.is_empty() {
        let turns = course::course(facts).unwrap_or_default();
        keys = turns.into_iter().filter_map(|turn| turn.offer.key).filter(|key| !key.is_certificate()).collect();
    }
    Ok(Scene { account, login: &account.login, keys })
}

/// Why sshd takes the account for an invalid one.
fn not_allowed(facts: &Facts) -> Observed<Option<NotAllowed>> {
    let scene = scene(facts)?;
    sshd::not_allowed(scene.account, scene.login)
}

/// What stands first in the way of the keys in question; `None` where one of them is let in, or none is in question.
fn obstacle<'a>(scene: &Scene<'a>) -> Observed<Option<(PublicKey, Obstacle<'a>, Decision<'a>)>> {
    let mut first = None;
    for key in &scene.keys {
        let decision = decide(scene.account, scene.login, key)?;
        if decision.obstacles.is_empty() {
            return Ok(None);
        }
        if first.is_none() {
            first = decision.obstacles.first().cloned().map(|obstacle| (key.clone(), obstacle, decision));
        }
    }
    Ok(first)
}

/// The account's name as a word for a shell.
fn user(scene: &Scene<'_>) -> String {
    match &scene.login.passwd {
        Ok(Some(passwd)) => quoted(&passwd.name.to_string()),
        _ => quoted(&scene.login.user.to_string()),
    }
}

/// The line of sshd_config that decides a keyword for everybody: the first one outside Match.
fn deciding(account: &Account, keyword: &str) -> Option<Setting> {
    settings(&account.sshd).into_iter().find(|line| line.keyword == keyword && line.matched.is_none())
}

/// Checks the configuration and tells the running sshd to read it again, whoever started it.
fn reload(scene: &Scene<'_>) -> Step {
    let sshd = &scene.account.sshd;
    let binary = sshd.binary.as_ref().map_or_else(|| "/usr/sbin/sshd".to_owned(), super::naming::path);
    let named = if sshd.config.as_bytes() == b"/etc/ssh/sshd_config" {
        String::new()
    } else {
        format!(" -f {}", super::naming::path(&sshd.config))
    };
    let settings = scene.login.effective.as_ref().ok();
    let pid_file = settings.and_then(|settings| settings.first("pidfile")).filter(|file| *file != "none");
    let signal = match (pid_file, sshd.daemons.first()) {
        (Some(file), _) => format!("kill -HUP \"$(cat {})\"", quoted(file)),
        (None, Some(daemon)) => format!("kill -HUP {}", daemon.pid),
        (None, None) => "systemctl reload sshd".to_owned(),
    };
    Step::server_root(
        format!("{binary} -t{named} && {signal}"),
        "checks the configuration, and has sshd read it again; sessions stay open",
    )
}

/// A command that edits one line of a file of the system, and keeps the old one beside it.
fn edit(line: &Setting, script: &str, why: &str) -> Step {
    let expression = quoted(&format!("{}{script}", line.line));
    Step::server_root(format!("sed -i.bak {expression} {}", super::naming::path(&line.path)), why)
}

/// Whether something of the server's side was looked at.
fn seen(facts: &Facts) -> Observed<&Account> {
    known(&facts.account).map(|account| &**account)
}
