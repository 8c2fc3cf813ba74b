//! The server's own side: does sshd's configuration, the account, and the file of keys let this login in, and does the
//! log tell the same story? Judged as this sshd would decide, in its own order ([`crate::openssh::sshd`]).

pub(super) mod bans;
pub(super) mod certificates;
pub(super) mod drops;
pub(super) mod further;
mod keys;
pub(super) mod log;
mod login;
mod pam;
mod policy;
pub(super) mod running;
pub(super) mod since;

use crate::facts::account::{Account, KeysFile, KeysLine, Login};
use crate::facts::key::PublicKey;
use crate::facts::text::ServerText;
use crate::facts::{Facts, Observed, Origin, Stage, Unobserved, known};
use crate::openssh::authorized_keys::keys_within;
use crate::openssh::course::{self, Turn};
use crate::openssh::public_key::from_blob;
use crate::openssh::sshd::config::{Setting, settings};
use crate::openssh::sshd::key::{Decision, Obstacle, access, decide};
use crate::openssh::sshd::{self, NotAllowed};

use super::{Certainty, Check, Finding, Step, naming, quoted};

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
        let offered = turns.into_iter().filter_map(|turn| usable(facts, turn));
        // A certificate for other servers is not what is meant at one that knows nothing of its CA.
        keys = offered.filter(|key| !key.is_certificate() || knows_authority(&account.login, key)).collect();
    } else {
        // ssh offers a certificate's key by itself as well.
        let plain = keys.iter().filter_map(|key| from_blob(&key.certificate.as_ref()?.key.0, key.comment.as_bytes()));
        let plain: Vec<PublicKey> = plain.collect();
        keys.extend(plain);
    }
    Ok(Scene { account, login: &account.login, keys })
}

/// The key with which that identity could log in: of a private key beside another key's `.pub`, its own public half.
fn usable(facts: &Facts, turn: Turn) -> Option<PublicKey> {
    let file = course::key_file(facts, &turn.offer).filter(|file| !turn.offer.agent && course::mismatched(file));
    let own = file.and_then(|file| file.private.as_ref().ok()?.public.clone());
    own.or(turn.offer.key)
}

/// What lets this key in on the server; `None` where nothing does, or that is not certain.
pub(super) fn lets_key_in(facts: &Facts, key: &PublicKey) -> Option<String> {
    let scene = scene(facts).ok()?;
    let takes_keys = !scene.login.effective.as_ref().ok()?.is_no("pubkeyauthentication");
    if !takes_keys || not_allowed(facts).ok()?.is_some() || !running::doubts(facts, &scene, true).is_empty() {
        return None;
    }
    let decision = decide(scene.account, scene.login, key).ok().filter(|decision| decision.obstacles.is_empty())?;
    let (file, line) = decision.accepted?;
    Some(format!("{}:{line} lets in {}", file.path, naming::key(key)))
}

/// Whether the server trusts a CA, or one of the account's files of keys holds the CA of this certificate in some way.
fn knows_authority(login: &Login, key: &PublicKey) -> bool {
    let ca = key.certificate.as_ref().map(|certificate| &certificate.ca);
    let holds = |line: &KeysLine| match line {
        KeysLine::Text(text) => {
            keys_within(text.as_bytes()).iter().any(|(_, key)| ca.is_some_and(|ca| key.fingerprint == *ca))
        }
        _ => false,
    };
    !login.ca_files.is_empty() || login.keys_files.iter().flat_map(|file| &file.lines).any(holds)
}

/// Why sshd takes the account for an invalid one.
fn not_allowed(facts: &Facts) -> Observed<Option<NotAllowed>> {
    let scene = scene(facts)?;
    sshd::not_allowed(scene.account, scene.login)
}

/// What stands first in the way of the keys in question; `None` where one of them is let in, or none is in question.
fn obstacle<'a>(scene: &Scene<'a>) -> Observed<Option<(PublicKey, Obstacle<'a>, Decision<'a>)>> {
    let mut first: Option<(PublicKey, Obstacle<'a>, Decision<'a>)> = None;
    let mut unseen = false;
    for key in &scene.keys {
        let decision = decide(scene.account, scene.login, key)?;
        if decision.accepted.is_none()
            && !decision.by_command
            && decision.by_authority.is_none()
            && decision.obstacles.is_empty()
        {
            // A file that was not seen may have it.
            unseen = true;
            continue;
        }
        if decision.obstacles.is_empty() {
            return Ok(None);
        }
        // A key that stands there and is refused is the one that is meant, not another that was never put there.
        let Some(obstacle) = decision.obstacles.first().cloned() else { continue };
        if first.as_ref().is_none_or(|(_, _, known)| is_put_there(&decision) && !is_put_there(known)) {
            first = Some((key.clone(), obstacle, decision));
        }
    }
    if let Some((_, _, decision)) = &mut first {
        decision.open |= unseen;
    }
    Ok(first)
}

/// Whether somebody put the key there, or its CA, although it is refused.
fn is_put_there(decision: &Decision<'_>) -> bool {
    let line = |obstacle: &Obstacle<'_>| {
        matches!(obstacle, Obstacle::Line(..) | Obstacle::Scattered(_) | Obstacle::Authority(_) | Obstacle::Revoked(_))
    };
    decision.accepted.is_some() || decision.by_authority.is_some() || decision.obstacles.iter().any(line)
}

/// Of the server's half alone: that the account may log in, and which line lets which key in.
pub(super) fn nothing_in_the_way(facts: &Facts) -> Observed<Option<Finding>> {
    let scene = scene(facts)?;
    if !scene.account.collector.complete {
        return Ok(None);
    }
    let said = running::let_in(facts);
    let of_the_files = by_files(facts, &scene)?;
    let mut finding = match (of_the_files, said) {
        // What was let in since needs no look at files.
        (found, Some(said)) => {
            let name = &scene.login.user;
            let summary = format!("nothing on this server stands in the way of {name} with this key");
            let mut finding = found.unwrap_or_else(|| Finding::proven(summary)).seen(said);
            finding.evidence.extend(running::doubts(facts, &scene, false));
            finding
        }
        (Some(mut finding), None) => {
            let gaps = running::not_judged(facts, &scene);
            if !gaps.is_empty() {
                finding.certainty = Certainty::Likely;
                finding.evidence.extend(gaps);
            }
            finding
        }
        (None, None) => return Ok(None),
    };
    let from = scene.login.from.as_ref().map(|from| format!("asked for a login from {from}"));
    finding.evidence.extend(from);
    if let Err(why) = &scene.account.log {
        finding.evidence.push(format!("sshd's log: {why}"));
    }
    Ok(Some(finding))
}

/// What lets the keys in question in, as far as the files say; `None` where they do not.
pub(super) fn lets_in(facts: &Facts) -> Option<Vec<String>> {
    let scene = scene(facts).ok()?;
    Some(by_files(facts, &scene).ok()??.evidence)
}

/// The same as far as the files say; `None` where they let nobody in.
fn by_files(facts: &Facts, scene: &Scene<'_>) -> Observed<Option<Finding>> {
    if not_allowed(facts)?.is_some() {
        return Ok(None);
    }
    let settings = known(&scene.login.effective)?;
    if settings.is_no("pubkeyauthentication") {
        return Ok(None);
    }
    let name = scene.login.user.to_string();
    let mut evidence = Vec::new();
    for key in &scene.keys {
        let decision = decide(scene.account, scene.login, key)?;
        if !decision.obstacles.is_empty() {
            continue;
        }
        if let Some((file, line)) = decision.accepted.or(decision.by_authority) {
            evidence.push(format!("{}:{line} lets in {}", file.path, naming::key(key)));
        } else if decision.by_command {
            evidence.push(format!("AuthorizedKeysCommand answers with {}", naming::key(key)));
        }
    }
    let summary = match (scene.keys.is_empty(), evidence.is_empty()) {
        (false, true) => return Ok(None),
        (false, false) => format!("nothing on this server stands in the way of {name} with this key"),
        (true, _) => {
            let read = |file: &&KeysFile| access(scene.account, scene.login, settings, file).is_none();
            let files: Vec<&KeysFile> = scene.login.keys_files.iter().filter(read).collect();
            if files.is_empty() {
                return Ok(None);
            }
            evidence.extend(files.iter().map(|file| format!("sshd reads {}", file.path)));
            format!("nothing on this server stands in the way of {name} with a key that is listed")
        }
    };
    let mut finding = Finding::proven(summary);
    finding.evidence = evidence;
    Ok(Some(finding))
}

/// What sshd runs for this login whatever is asked (ForceCommand), where the account's shell is one that people work with;
/// `None` where it is none, or nobody looked.
pub(super) fn forced(facts: &Facts) -> Option<String> {
    let scene = scene(facts).ok()?;
    let command = scene.login.effective.as_ref().ok()?.first("forcecommand").filter(|command| *command != "none")?;
    let passwd = scene.login.passwd.as_ref().ok()?.as_ref()?;
    let shell = passwd.shell.to_string();
    let name = shell.rsplit('/').next().unwrap_or_default();
    let shells = ["sh", "ash", "bash", "dash", "ksh", "zsh", "fish", "csh", "tcsh"];
    let said = format!("sshd -T for this login: forcecommand {}", ServerText::new(command.as_bytes()).shortened(200));
    (name.is_empty() || shells.contains(&name)).then_some(said)
}

/// Why that address may not be the client's, where nobody named it.
fn not_named(facts: &Facts, from: &str) -> String {
    match facts.origin {
        Origin::Joined => format!("whether this login comes from {from} as the server sees it is not known"),
        _ => format!("{from} is the last address in the log; --from names another"),
    }
}

/// The account's name as a word for a shell.
fn user(scene: &Scene<'_>) -> String {
    match &scene.login.passwd {
        Ok(Some(passwd)) => quoted(&passwd.name.to_string()),
        _ => quoted(&scene.login.user.to_string()),
    }
}

/// The line of sshd_config that decides a keyword for this login: the first one outside Match where that is what holds,
/// else the one of the Match block that says what holds; `None` where no line says it.
fn deciding(account: &Account, keyword: &str) -> Option<Setting> {
    let lines: Vec<Setting> = settings(&account.sshd).into_iter().filter(|line| line.keyword == keyword).collect();
    let general: Vec<&Setting> = lines.iter().filter(|line| line.matched.is_none()).collect();
    let Ok(effective) = &account.login.effective else { return general.first().map(|line| (*line).clone()) };
    let holds = words(effective.all(keyword));
    // These gather what all lines say (servconf.c `sAllowUsers`); of the others the first line wins.
    let gathers = ["allowusers", "denyusers", "allowgroups", "denygroups"].contains(&keyword);
    let value = |line: &Setting| line.value.to_string();
    let most = if gathers { general.len() } else { 1 };
    if holds == words(general.iter().take(most).map(|line| value(line))) {
        return general.first().map(|line| (*line).clone());
    }
    let says = |line: &&Setting| {
        let said = words([value(line)]);
        line.matched.is_some() && if gathers { said.iter().all(|word| holds.contains(word)) } else { said == holds }
    };
    lines.iter().find(says).cloned()
}

/// The words of values, as they compare.
fn words(values: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    let plain = |word: &str| match word.trim_matches('"').to_ascii_lowercase().as_str() {
        // Two names of one value.
        "prohibit-password" => "without-password".to_owned(),
        word => word.to_owned(),
    };
    values.into_iter().flat_map(|value| value.as_ref().split_whitespace().map(plain).collect::<Vec<_>>()).collect()
}

/// PubkeyAuthentication is no for this login, and no other line asks for it: the server's half of
/// `server-pubkey-disabled`, whose one judge stands beside what the wire shows.
pub(super) fn keys_switched_off(facts: &Facts) -> Option<Finding> {
    let scene = scene(facts).ok()?;
    let settings = scene.login.effective.as_ref().ok()?;
    let refused =
        !matches!(not_allowed(facts), Ok(None)) || policy::overridden(facts).is_ok_and(|found| found.is_some());
    if !settings.is_no("pubkeyauthentication") || refused {
        return None;
    }
    let mut finding = Finding::proven(format!("sshd does not take public keys for {}", scene.login.user));
    if let Some(line) = deciding(scene.account, "pubkeyauthentication") {
        let matched = line.matched.as_ref().map(|matched| format!(" (below Match {})", matched.shortened(100)));
        finding = finding.seen(format!(
            "{}: {} {}{}",
            line.place(),
            line.keyword,
            line.value.shortened(100),
            matched.unwrap_or_default()
        ));
    }
    running::as_running(
        facts,
        "server-pubkey-disabled",
        finding.seen("sshd -T for this login: pubkeyauthentication no"),
        true,
    )
}

/// An RSA key in question is shorter than sshd takes: the server's half of `rsa-key-too-small`.
pub(super) fn short_rsa(facts: &Facts) -> Option<Finding> {
    keys::policy::short_rsa(facts)
}

/// How keys are switched on again on the server.
pub(super) fn switch_keys_on(facts: &Facts) -> Vec<Step> {
    let Ok(scene) = scene(facts) else { return Vec::new() };
    let line = deciding(scene.account, "pubkeyauthentication");
    let change = line.map(|line| edit(&line, "s/.*/PubkeyAuthentication yes/", "takes keys again"));
    change.into_iter().chain([reload(&scene)]).collect()
}

/// After that sshd takes keys.
pub(super) fn keys_are_on(facts: &mut Facts) {
    login::set(facts, "pubkeyauthentication", "yes");
}

/// Checks the configuration and tells the running sshd to read it again, whoever started it.
fn reload(scene: &Scene<'_>) -> Step {
    let sshd = &scene.account.sshd;
    let binary = sshd.binary.as_ref().map_or_else(|| "/usr/sbin/sshd".to_owned(), naming::path);
    let named = if sshd.config.as_bytes() == b"/etc/ssh/sshd_config" {
        String::new()
    } else {
        format!(" -f {}", naming::path(&sshd.config))
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
    Step::server_root(format!("sed -i.bak {expression} {}", naming::path(&line.path)), why)
}

/// After that nothing is known of the server's side.
fn unknown(facts: &mut Facts) {
    facts.account = Err(Unobserved::NotAttempted);
}

/// Whether something of the server's side was looked at.
fn seen(facts: &Facts) -> Observed<&Account> {
    known(&facts.account).map(|account| &**account)
}
