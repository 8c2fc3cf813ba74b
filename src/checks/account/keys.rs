//! The file of keys: is it there, does sshd trust and read it, and does a line of it let the key in?

mod access;
mod command;
mod lines;
pub(super) mod policy;

use crate::facts::account::{Account, KeysFile, KeysLine, NodeStat, PathNode};
use crate::facts::key::PublicKey;
use crate::facts::text::Path;
use crate::facts::{Facts, Observed, known};
use crate::openssh::authorized_keys::{self, Line};
use crate::openssh::sshd::key::{LineSays, Obstacle, Outcome as Of, access, decide, looked_for};

use super::{Scene, deciding, not_allowed, obstacle, scene, seen, unknown};
use crate::checks::{Blocks, Cause, Finding, Fix, Outcome, Place, Step, naming, quoted};

/// What can keep a key out.
pub(super) const CAUSES: &[&Cause] = &[
    &policy::KEY_ALGORITHM_REFUSED,
    &policy::KEY_REVOKED,
    &access::AUTHORIZED_KEYS_UNREADABLE,
    &access::SELINUX_CONTEXT,
    &access::STRICT_MODES,
    &lines::KEY_OPTIONS_REFUSE,
    &lines::KEY_ENTRY_MALFORMED,
    &command::AUTHORIZED_KEYS_COMMAND_FAILED,
    &AUTHORIZED_KEYS_ELSEWHERE,
    &AUTHORIZED_KEYS_MISSING,
    &super::certificates::CA_MISMATCH,
    &KEY_NOT_LISTED,
];

/// What stands in the way of the keys, whoever is in question: the first file that sshd does not read where no key is.
pub(super) enum Found<'a> {
    /// Of this key.
    Of(PublicKey, Obstacle<'a>, bool),
    /// Of every key: no file of keys is read.
    All(&'a KeysFile, Of),
}

/// The scene and what stands in the way; nothing where the account itself is refused.
pub(super) fn found(facts: &Facts) -> Observed<Option<(Scene<'_>, Found<'_>)>> {
    let here = scene(facts)?;
    let settings = known(&here.login.effective)?;
    if not_allowed(facts)?.is_some() || settings.is_no("pubkeyauthentication") {
        return Ok(None);
    }
    if !here.keys.is_empty() {
        return Ok(obstacle(&here)?.map(|(key, obstacle, decision)| (here, Found::Of(key, obstacle, decision.open))));
    }
    let mut first = None;
    for file in &here.login.keys_files {
        match access(here.account, here.login, settings, file) {
            None | Some(Of::NotSeen | Of::Read(_)) => return Ok(None),
            Some(Of::Missing) => first = first.or(Some((file, Of::Missing))),
            Some(outcome) => match first {
                None | Some((_, Of::Missing)) => first = Some((file, outcome)),
                Some(_) => {}
            },
        }
    }
    // A program, or a CA, may let a key in that stands in no file.
    let asks = here.login.commands.iter().any(|command| command.setting == "authorizedkeyscommand")
        || !here.login.ca_files.is_empty();
    Ok(first
        .filter(|(_, outcome)| !asks || *outcome != Of::Missing)
        .map(|(file, outcome)| (here, Found::All(file, outcome))))
}

/// The file of keys that stands in the way, and what becomes of it.
fn file_obstacle(facts: &Facts) -> Observed<Option<(Scene<'_>, &KeysFile, Of)>> {
    Ok(found(facts)?.and_then(|(scene, found)| match found {
        Found::Of(_, Obstacle::File(file, outcome), _) | Found::All(file, outcome) => Some((scene, file, outcome)),
        Found::Of(..) => None,
    }))
}

/// A word for the account in sentences.
fn who(scene: &Scene<'_>) -> String {
    scene.login.user.to_string()
}

const AUTHORIZED_KEYS_ELSEWHERE: Cause = Cause {
    id: "server-authorized-keys-elsewhere",
    title: "the key is in a file that sshd does not read",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "AuthorizedKeysFile names another path (a central folder, administrators_authorized_keys on Windows), or the key was \
          put into another account's home or a misspelt file.\n\nProven by the very key in such a file and in none that sshd \
          reads for this account.",
    prevent: "Ask sshd where it looks: `sshd -T -C user=ACCOUNT,host=H,addr=A | grep authorizedkeysfile`.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let mut steps = append(&scene);
            steps.extend(of_another(&scene).map(|path| {
                let why =
                    format!("or, where the account whose file {path} is is the one that is meant: log in as that");
                Step::person(Place::Client, why)
            }));
            steps
        },
        mend: install,
    },
    see: &["OpenSSH auth.c expand_authorized_keys", "sshd_config(5) AuthorizedKeysFile"],
    judge: |facts| {
        let Some((scene, found)) = found(facts)? else { return Ok(None) };
        let Found::Of(key, Obstacle::NotListed | Obstacle::File(_, Of::Missing), open) = found else { return Ok(None) };
        if command::command_fault(facts)?.is_some() {
            return Ok(None);
        }
        let lets = |file: &&KeysFile| {
            let said = crate::openssh::sshd::key::lines(scene.account, scene.login, file, &key);
            said.iter().any(|(_, says)| matches!(says, LineSays::Lets(_) | LineSays::Refuses(_)))
        };
        let Some(other) = scene.login.other_files.iter().find(lets) else { return Ok(None) };
        let reads: Vec<String> = scene.login.keys_files.iter().map(|file| file.path.to_string()).collect();
        let summary = format!("the key is in {}, which sshd does not read for {}", other.path, who(&scene));
        let mut finding = Finding::proven(summary)
            .seen(naming::key(&key))
            .seen(format!("for this account sshd reads {}", reads.join(", ")));
        if let Some(line) = deciding(scene.account, "authorizedkeysfile") {
            finding = finding.seen(format!("{}: {} {}", line.place(), line.keyword, line.value.shortened(200)));
        }
        if open {
            finding.certainty = crate::checks::Certainty::Possible;
            finding = finding.seen("AuthorizedKeysCommand was not run; it may know the key (--run-keys-command)");
        }
        Ok(Some(finding))
    },
};

const AUTHORIZED_KEYS_MISSING: Cause = Cause {
    id: "server-authorized-keys-missing",
    title: "there is no authorized_keys file where sshd looks",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "No file of the AuthorizedKeysFile setting exists for this account, and the key lies in no other place either.\n\n\
          Proven by sshd's effective AuthorizedKeysFile and the server's file system.",
    prevent: "ssh-copy-id makes folder and file with the right modes.",
    fix: Fix { commands: |facts| scene(facts).map(|scene| append(&scene)).unwrap_or_default(), mend: install },
    see: &["OpenSSH auth2-pubkey.c user_key_allowed", "sshd_config(5) AuthorizedKeysFile"],
    judge: |facts| {
        let Some((scene, found)) = found(facts)? else { return Ok(None) };
        let open = match found {
            Found::Of(_, Obstacle::File(_, Of::Missing), open) => open,
            Found::All(_, Of::Missing) => false,
            _ => return Ok(None),
        };
        if command::command_fault(facts)?.is_some() {
            return Ok(None);
        }
        let names: Vec<String> = scene.login.keys_files.iter().map(|file| file.path.to_string()).collect();
        let summary = format!("{} has no authorized_keys file where sshd looks", who(&scene));
        let mut finding = Finding::proven(summary);
        finding.evidence = names.iter().map(|name| format!("{name} does not exist")).collect();
        if open {
            finding.certainty = crate::checks::Certainty::Possible;
            finding = finding.seen("AuthorizedKeysCommand was not run; it may know the key (--run-keys-command)");
        }
        Ok(Some(finding))
    },
};

const KEY_NOT_LISTED: Cause = Cause {
    id: "server-key-not-listed",
    title: "this key is not in the authorized_keys file",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The file that sshd reads is there, and none of its lines is this key. sshd logs nothing about it at its default \
          level.\n\nProven by every line of the files that sshd reads for this account.",
    prevent: "Compare fingerprints (ssh-keygen -lf), not comments: a comment says nothing about the key.",
    fix: Fix { commands: |facts| scene(facts).map(|scene| append(&scene)).unwrap_or_default(), mend: install },
    see: &["OpenSSH auth2-pubkeyfile.c auth_check_authkeys_file"],
    judge: |facts| {
        let Some((scene, Found::Of(key, Obstacle::NotListed, open))) = found(facts)? else { return Ok(None) };
        if command::command_fault(facts)?.is_some() {
            return Ok(None);
        }
        let mut finding = Finding::proven(format!("the key is not in the authorized_keys of {}", who(&scene)))
            .seen(naming::key(&key));
        if !looked_for(scene.account, &key)
            && let Some(fact) = scene.login.keys_files.iter().find_map(lines::shape)
        {
            finding.certainty = crate::checks::Certainty::Possible;
            finding = finding.seen(fact);
        }
        for file in scene.login.keys_files.iter().filter(|file| file.error.is_none()) {
            let entries = entries(file);
            let names: Vec<String> = entries.iter().take(5).map(|key| key.fingerprint.to_string()).collect();
            let count = naming::count(entries.len(), "key", "keys");
            let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            finding = finding.seen(format!("{} holds {count}{names}", file.path));
            finding.evidence.extend(
                commented(scene.account, file, &key).map(|line| format!("{}:{line} has it behind a #", file.path)),
            );
        }
        if open {
            finding.certainty = crate::checks::Certainty::Possible;
            finding = finding.seen(
                "not all was seen: AuthorizedKeysCommand was not run (--run-keys-command), or a file is too large",
            );
        }
        Ok(Some(finding))
    },
};

/// The line that has the key and is a comment.
fn commented(account: &Account, file: &KeysFile, key: &PublicKey) -> Option<u32> {
    let numbers = file.key_lines.as_deref().filter(|_| looked_for(account, key))?;
    let is_comment = |line: &&u32| matches!(file.lines.get((**line as usize).wrapping_sub(1)), Some(KeysLine::Comment));
    numbers.iter().find(is_comment).copied()
}

/// The keys that sshd reads in a file.
fn entries(file: &KeysFile) -> Vec<PublicKey> {
    let key = |line: &KeysLine| match line {
        KeysLine::Text(text) => match authorized_keys::line(text.as_bytes()) {
            Line::Entry(entry) => Some(entry.key),
            _ => None,
        },
        _ => None,
    };
    file.lines.iter().filter_map(key).collect()
}

/// The commands that put the key where sshd looks, with the owner and the modes that it wants.
fn append(scene: &Scene<'_>) -> Vec<Step> {
    let file =
        scene.login.keys_files.iter().find(|file| file.error.is_none()).or_else(|| scene.login.keys_files.first());
    file.map(|file| append_to(scene, file, file.error.as_deref() == Some("ENOENT"))).unwrap_or_default()
}

/// The same for one file, which is there or, `anew`, is made.
fn append_to(scene: &Scene<'_>, file: &KeysFile, anew: bool) -> Vec<Step> {
    let Some(key) = scene.keys.iter().find(|key| !key.blob.0.is_empty() && !key.is_certificate()) else {
        return vec![Step::person(Place::Server, format!("add the line of the public key to {}", file.path))];
    };
    let comment = if key.comment.is_empty() { String::new() } else { format!(" {}", key.comment) };
    put_line(
        scene,
        file,
        anew,
        &format!("{} {}{comment}", key.algorithm, key.blob.base64()),
        "adds the key to the file that sshd reads",
    )
}

/// The command that adds this line to the file of keys that sshd reads.
pub(super) fn append_line(scene: &Scene<'_>, line: &str, why: &str) -> Vec<Step> {
    let files = &scene.login.keys_files;
    let file = files.iter().find(|file| file.error.is_none()).or_else(|| files.first());
    file.map(|file| put_line(scene, file, file.error.as_deref() == Some("ENOENT"), line, why)).unwrap_or_default()
}

fn put_line(scene: &Scene<'_>, file: &KeysFile, anew: bool, line: &str, why: &str) -> Vec<Step> {
    let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
    let line = quoted(line);
    let path = naming::path(&file.path);
    if !anew {
        // A last line without its end would be joined with the new one.
        let feed = if file.last.is_some() { "\\n" } else { "" };
        return vec![Step::server_root(format!("printf '{feed}%s\\n' {line} >> {path}"), why)];
    }
    let folder =
        file.path.as_bytes().iter().rposition(|byte| *byte == b'/').map(|at| Path::new(&file.path.as_bytes()[..at]));
    let below_home = [passwd.home.as_bytes(), b"/"].concat();
    let mut command = String::new();
    if let Some(folder) = folder.as_ref().filter(|folder| folder.as_bytes().starts_with(&below_home)) {
        command = format!("install -d -m 700 -o {} -g {} {} && ", passwd.uid, passwd.gid, naming::path(folder));
    } else if let Some(folder) =
        folder.filter(|folder| scene.account.node(folder).is_none_or(|node| node.stat.is_none()))
    {
        command = format!("install -d -m 755 {} && ", naming::path(&folder));
    }
    let owner = format!("-o {} -g {}", passwd.uid, passwd.gid);
    let command = format!("{command}printf '%s\\n' {line} | install -m 600 {owner} /dev/stdin {path}");
    vec![Step::server_root(command, "makes the file with the key in it, for the account alone")]
}

/// After that a file that sshd trusts holds the keys in question.
fn install(facts: &mut Facts) {
    let keys: Vec<PublicKey> = scene(facts).map(|scene| scene.keys).unwrap_or_default();
    let known = !keys.is_empty() && keys.iter().all(|key| !key.blob.0.is_empty());
    let Ok(account) = &mut facts.account else { return };
    let Ok(Some(passwd)) = account.login.passwd.clone() else { return unknown(facts) };
    if !known || account.login.keys_files.is_empty() {
        return unknown(facts);
    }
    let at = account.login.keys_files.iter().position(|file| file.error.is_none()).unwrap_or(0);
    let file = &mut account.login.keys_files[at];
    file.error = None;
    file.account_reads = Some(true);
    let line = |key: &PublicKey| KeysLine::Text(format!("{} {}", key.algorithm, key.blob.base64()).as_str().into());
    file.lines = keys.iter().map(line).collect();
    let own = |mode: u32| NodeStat { mode, uid: passwd.uid, gid: passwd.gid, ..NodeStat::default() };
    let path = file.path.clone();
    let mut name = path.as_bytes().to_vec();
    let mut mode = 0o100_600;
    while name.len() > passwd.home.as_bytes().len() && name.starts_with(passwd.home.as_bytes()) {
        let here = Path::new(name.clone());
        let missing = account.node(&here).is_none_or(|node| node.stat.is_none());
        if missing {
            account.paths.retain(|node| node.path != here);
            account.paths.push(PathNode { path: here, stat: Some(own(mode)), ..PathNode::default() });
        }
        mode = 0o040_700;
        let end = name.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        name.truncate(end);
    }
}

/// The file of another account that has one of the keys in question.
fn of_another<'a>(scene: &Scene<'a>) -> Option<&'a Path> {
    let Ok(Some(passwd)) = &scene.login.passwd else { return None };
    let own = [passwd.home.as_bytes(), b"/"].concat();
    let lets = |file: &&KeysFile| {
        scene.keys.iter().any(|key| {
            let said = crate::openssh::sshd::key::lines(scene.account, scene.login, file, key);
            said.iter().any(|(_, says)| matches!(says, LineSays::Lets(_)))
        })
    };
    let file = scene.login.other_files.iter().find(lets)?;
    let usual = file.path.as_bytes().ends_with(b"/.ssh/authorized_keys");
    (usual && !file.path.as_bytes().starts_with(&own)).then_some(&file.path)
}

/// Whether sshd can read the file, and the key is in it.
pub(super) fn holds(facts: &Facts) -> Observed<Outcome> {
    seen(facts)?;
    let scene = scene(facts)?;
    for key in &scene.keys {
        let decision = decide(scene.account, scene.login, key)?;
        if let Some((file, line)) = decision.accepted.or(decision.by_authority) {
            return Ok(Outcome::pass(format!("{}:{line} lets {} in", file.path, naming::key(key))));
        }
        if decision.by_command {
            return Ok(Outcome::pass(format!("AuthorizedKeysCommand answers with {}", naming::key(key))));
        }
    }
    let mut evidence = Vec::new();
    let mut all = 0;
    let settings = known(&scene.login.effective)?;
    for file in &scene.login.keys_files {
        if access(scene.account, scene.login, settings, file).is_none() {
            let entries = entries(file);
            all += entries.len();
            evidence.extend(entries.iter().take(50).map(|key| format!("{}: {}", file.path, naming::key(key))));
        }
    }
    let broken = scene.login.keys_files.iter().find_map(lines::shape);
    let outcome = match broken {
        Some(fact) => Outcome::warn(fact),
        None if scene.keys.is_empty() => {
            Outcome::pass(format!("sshd reads {} for {}", naming::count(all, "key", "keys"), who(&scene)))
        }
        None if scene.keys.len() == 1 => Outcome::info("no file that sshd reads lets the key in"),
        None => Outcome::info("no file that sshd reads lets one of the keys in"),
    };
    Ok(outcome.with(evidence))
}
