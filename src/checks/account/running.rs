//! What the sshd that runs may decide otherwise than its files and `sshd -T` say, and what its log says to that: a login
//! that was let in is stronger than every look at files.

use crate::facts::account::Account;
use crate::facts::{Facts, Origin, known};
use crate::openssh::sshd::config::settings;
use crate::openssh::sshd::has_host_key;
use crate::openssh::sshd::log::Event;

use super::{Scene, log, policy, scene};
use crate::checks::{Cause, Certainty, Check, Finding};

/// Causes that do not rest on sshd's settings, or say how sure they are themselves.
const BY_THEMSELVES: &[&str] = &[
    "server-no-such-user",
    "server-config-invalid",
    "server-config-not-reloaded",
    "server-host-key-unusable",
    "server-pam-denied",
];
/// Causes that rest on who the client is.
const BY_CLIENT: &[&str] = &["server-user-not-allowed", "server-key-options-refuse"];
/// How long before the end of the collector's run the client's own login was tried at the earliest, in seconds.
const JUST_NOW: i64 = 120;
/// Keywords below a Match line that decide whether a login is let in.
const DECIDING: &[&str] =
    &["allow", "deny", "permitrootlogin", "pubkey", "authorized", "authenticationmethods", "chroot"];

/// A finding about what sshd's files decide, as sure as what is known of the running sshd lets it be; `None` where sshd
/// let this very login in since everything that was judged was last changed.
pub(in crate::checks) fn settled(facts: &Facts, cause: &Cause, finding: Finding) -> Option<Finding> {
    let has = |check: &Check| check.causes.iter().any(|one| one.id == cause.id);
    let key = has(&super::KEY_ENTRY);
    if !(key || has(&super::SSHD_CONFIG) || has(&super::ACCOUNT)) || BY_THEMSELVES.contains(&cause.id) {
        return Some(finding);
    }
    as_running(facts, cause.id, finding, key)
}

/// The same for a finding under this id; `key`: about a key, and not about the account.
pub(super) fn as_running(facts: &Facts, id: &str, mut finding: Finding, key: bool) -> Option<Finding> {
    let Ok(scene) = scene(facts) else { return Some(finding) };
    let changed = policy::newer(facts).ok().flatten();
    if changed.as_ref().is_some_and(|(_, at, _)| log::still_let_in_since(&scene, *at, key).is_some()) {
        return None;
    }
    let doubts = doubts(facts, &scene, BY_CLIENT.contains(&id));
    if doubts.is_empty() && finding.certainty == Certainty::Proven {
        return Some(finding);
    }
    if log::still_let_in_since(&scene, newest(scene.account), key).is_some() {
        return None;
    }
    // sshd's own words about this very refusal leave no doubt.
    if log::stated(facts, id, changed.map(|(_, at, _)| at), BY_CLIENT.contains(&id)) {
        return Some(finding);
    }
    finding.certainty = finding.certainty.max(Certainty::Likely);
    let unsaid = doubts.into_iter().filter(|doubt| !finding.evidence.contains(doubt)).collect::<Vec<_>>();
    finding.evidence.extend(unsaid);
    Some(finding)
}

/// The same for a login of which both halves are known.
pub(in crate::checks) fn doubts_of(facts: &Facts) -> Vec<String> {
    scene(facts).map(|scene| doubts(facts, &scene, true)).unwrap_or_default()
}

/// Why the running sshd may decide otherwise, in sentences. `by_client`: what rests on who the client is as well.
pub(super) fn doubts(facts: &Facts, scene: &Scene<'_>, by_client: bool) -> Vec<String> {
    let mut doubts = Vec::new();
    let sshd = &scene.account.sshd;
    if let Ok(Some((file, ..))) = policy::newer(facts) {
        doubts.push(format!("{file} was changed after sshd last read it, so the running sshd may decide otherwise"));
    }
    if let Some((status, _)) = sshd.test.as_ref().filter(|(status, _)| ![0, 1, 255].contains(status)) {
        doubts.push(format!(
            "sshd -t gave no answer and ended with status {status}, so the configuration was not judged"
        ));
    }
    if let Some((count, first)) = scene.account.collector.unreadable {
        doubts.push(format!("{count} lines of what the collector printed could not be read, line {first} first"));
    }
    doubts.extend(another_machine(facts, scene));
    if sshd.options_unclear {
        doubts
            .push("sshd was started with options of its own, of which not all could be read from its title".to_owned());
    }
    if let [first, _, ..] = sshd.daemons.as_slice() {
        doubts.push(format!(
            "{} sshd listen here, and this is about the one with pid {} (--sshd-config names another)",
            sshd.daemons.len(),
            first.pid
        ));
    }
    doubts.extend(unknown_criteria(scene).map(|line| {
        let hint = if facts.origin == Origin::Joined { "" } else { " (--from names the client's address)" };
        format!("`Match {line}` asks for what is not known of this login{hint}")
    }));
    let names = known(&scene.login.effective).is_ok_and(|settings| settings.is_yes("usedns"));
    if by_client && names {
        doubts.push("UseDNS is yes: the client's name, which was not looked up here, counts as well".to_owned());
    }
    if by_client && !scene.login.from_named {
        doubts.push(match &scene.login.from {
            Some(from) => super::not_named(facts, &from.to_string()),
            None if facts.origin == Origin::Joined => "the client's address is not known there".to_owned(),
            None => "no address of the client was named (--from)".to_owned(),
        });
    }
    doubts
}

/// Why the server's half of two may be another machine's than the one that answered the client: machines behind one name
/// often share their host keys.
fn another_machine(facts: &Facts, scene: &Scene<'_>) -> Option<String> {
    let offered = facts.host_key.offered.as_ref().ok().filter(|_| facts.origin == Origin::Joined)?;
    let host = &scene.account.collector.host;
    if has_host_key(&scene.account.sshd, &offered.key).is_none() {
        return Some(format!("not every host key of {host} could be read: whether it is what answered is not known"));
    }
    // sshd logs the end of every login that was tried (packet.c `sshpkt_vfatal`), unless it is told to say less.
    let asked = facts.footprint.is_some_and(|footprint| footprint.auth_requests > 0);
    let level = known(&scene.login.effective).ok()?.first("loglevel").unwrap_or_default();
    let says_less = ["quiet", "fatal", "error"].iter().any(|quiet| level.eq_ignore_ascii_case(quiet));
    if !asked || says_less || scene.account.log.is_err() || log::is_cut(scene.account) {
        return None;
    }
    let since = scene.account.collector.at.unix_seconds - JUST_NOW;
    let shown = log::speaks_since(scene.account, scene.login, since);
    (!shown).then(|| {
        format!("the log of {host} does not show the login that was just tried: another machine may have answered")
    })
}

/// The first Match line that decides about logins and asks for something that nobody knows here: the server's own address
/// and port, and the client's where it was not named.
fn unknown_criteria(scene: &Scene<'_>) -> Option<String> {
    let names = known(&scene.login.effective).is_ok_and(|settings| settings.is_yes("usedns"));
    let unknown = |word: &str| match word.to_ascii_lowercase().as_str() {
        "localaddress" | "localport" | "rdomain" => true,
        "address" => !scene.login.from_named,
        "host" => names || !scene.login.from_named,
        _ => false,
    };
    settings(&scene.account.sshd).into_iter().find_map(|line| {
        let matched = line.matched.filter(|_| DECIDING.iter().any(|keyword| line.keyword.starts_with(keyword)))?;
        let text = matched.shortened(100);
        text.split([' ', '\t', '=']).any(unknown).then_some(text)
    })
}

/// When anything that was judged was last changed, seconds since 1970: a login that was let in later met the same.
fn newest(account: &Account) -> i64 {
    let nodes = account.paths.iter().filter_map(|node| Some(node.followed.or(node.stat)?.changed));
    let files = account.sshd.files.iter().filter_map(|file| Some(file.stat?.changed));
    let machine = account.machine.pam.iter().chain(&account.machine.texts).chain(&account.machine.nologin);
    let machine = machine.filter_map(|file| Some(file.stat?.changed));
    nodes.chain(files).chain(machine).chain(log::read_at(account)).max().unwrap_or(i64::MAX)
}

/// sshd's words that it let this login in since everything that was judged was last changed, or last read, and did not
/// refuse it since.
pub(super) fn let_in(facts: &Facts) -> Option<String> {
    let scene = scene(facts).ok()?;
    let changed = policy::newer(facts).ok().flatten().map(|(_, at, _)| at);
    log::still_let_in_since(&scene, newest(scene.account).max(changed.unwrap_or(i64::MIN)), true)
}

/// Why "nothing stands in the way" is not proven by the files alone.
pub(super) fn not_judged(facts: &Facts, scene: &Scene<'_>) -> Vec<String> {
    let mut gaps = doubts(facts, scene, false);
    gaps.extend(super::pam::not_judged(scene));
    gaps.extend(super::bans::gaps(scene));
    gaps.extend(super::drops::may_drop(scene));
    if log::is_cut(scene.account) {
        gaps.push("the newest lines of sshd's log could not be read in time".to_owned());
    }
    let entries = log::entries(scene.account);
    let last = log::last_word(&entries, scene.login);
    if let Some((entry, Event::Refusal(_) | Event::Failed)) = last {
        gaps.push(format!("its last word in the log is no login; {}", log::quote(entry)));
    }
    gaps
}
