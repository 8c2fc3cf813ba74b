//! What of all that decides about a login was changed in a time, by the times that `stat` and the log tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::account::Scene;
use crate::facts::account::{NodeStat, PathNode};
use crate::facts::text::Path;
use crate::openssh::sshd::key::canonical;
use crate::openssh::sshd::log::{Entry, Event, event};

use super::Clock;

/// How many changed names are listed; the newest are.
const MOST_LISTED: usize = 6;

/// What was changed in this time, newest last.
pub(super) fn between(scene: &Scene<'_>, entries: &[Entry<'_>], good: i64, bad: i64) -> String {
    let clock = Clock::of(scene);
    let within = |at: &i64| (good..=bad).contains(at);
    let found: BTreeMap<Path, NodeStat> = judged(scene).into_iter().filter(|(_, stat)| within(&stat.changed)).collect();
    // Whoever writes a file anew changes the names of its folder too.
    let explained = |folder: &Path, stat: &NodeStat| names_only(stat) && found.keys().any(|name| is_in(name, folder));
    let mut changes: Vec<(i64, String)> = found
        .iter()
        .filter(|(path, stat)| !explained(path, stat))
        .map(|(path, stat)| {
            let how = match stat {
                stat if names_only(stat) => "names in it ",
                stat if stat.is_file() && within(&stat.modified) => "written ",
                _ => "",
            };
            (stat.changed, format!("{path} ({how}{})", clock.time(stat.changed)))
        })
        .collect();
    changes.sort();
    let read = entries.iter().filter(|entry| matches!(event(entry.text), Some(Event::Listening | Event::Reload)));
    let read = read.filter_map(|entry| entry.time).chain(scene.account.sshd.pid_file_written).filter(within).max();
    let read = read.map(|at| format!("sshd read its configuration anew ({})", clock.time(at)));
    let earlier = changes.len().saturating_sub(MOST_LISTED);
    let listed: Vec<String> = changes.into_iter().skip(earlier).map(|(_, change)| change).collect();
    let earlier = if earlier > 0 { format!(" (and {earlier} earlier)") } else { String::new() };
    let words = match (listed.is_empty(), read.is_some()) {
        (false, _) => Some(format!("changed between: {}{earlier}", listed.join(", "))),
        (true, false) => Some("nothing that was looked at changed between".to_owned()),
        (true, true) => None,
    };
    words.into_iter().chain(read).collect::<Vec<_>>().join("; ")
}

/// Every name that decides about this login, and its metadata: each folder on the way, and where links lead. A folder in
/// which only names came or went is left out, unless one that is looked for in it is missing.
fn judged(scene: &Scene<'_>) -> BTreeMap<Path, NodeStat> {
    let (account, login) = (scene.account, scene.login);
    let passwd = login.passwd.as_ref().ok().and_then(Option::as_ref);
    let mut names: Vec<Path> = passwd.iter().flat_map(|passwd| [passwd.home.clone(), passwd.shell.clone()]).collect();
    let lists = login.keys_files.iter().chain(&login.ca_files).chain(&login.principals);
    let lists = lists.chain(login.revoked_files.iter().map(|revoked| &revoked.file));
    names.extend(lists.flat_map(|file| std::iter::once(&file.path).chain(&file.real)).cloned());
    names.extend(login.chroot.clone());
    let program = |line: &[u8]| Path::new(line.split(|byte| *byte == b' ').next().unwrap_or_default());
    names.extend(login.commands.iter().map(|command| program(command.line.as_bytes())));
    names.extend(["/etc/passwd", "/etc/shadow", "/etc/group"].map(Path::from));
    let leads: Vec<Path> = names.iter().map(|name| canonical(account, name)).collect();
    let steps: BTreeSet<Path> = names.iter().chain(&leads).flat_map(Path::steps).collect();
    let missing: BTreeSet<Path> = steps.iter().filter(|step| is_missing(account.node(step))).cloned().collect();
    let mut found = BTreeMap::new();
    for step in steps {
        let Some(stat) = account.node(&step).and_then(|node| node.stat) else { continue };
        if !names_only(&stat) || missing.iter().any(|name| is_in(name, &step)) {
            found.insert(step, stat);
        }
    }
    // Which names an Include finds decides too.
    let configs = account.sshd.files.iter().filter_map(|file| file.path.steps().nth_back(1));
    let folders: BTreeSet<Path> = configs.chain([Path::from("/etc/ssh/sshd_config.d")]).collect();
    found.extend(folders.into_iter().filter_map(|folder| {
        let stat = account.node(&folder)?.stat?;
        Some((folder, stat))
    }));
    let machine = &account.machine;
    let files = account.sshd.files.iter().chain(&machine.pam).chain(&machine.texts).chain(&machine.nologin);
    found.extend(files.filter_map(|file| Some((file.path.clone(), file.stat?))));
    found
}

/// Whether only names came to a folder or went, as far as its times tell.
fn names_only(stat: &NodeStat) -> bool {
    stat.is_folder() && stat.modified == stat.changed
}

/// Whether a name stands in that very folder.
fn is_in(name: &Path, folder: &Path) -> bool {
    name.steps().nth_back(1).as_ref() == Some(folder)
}

/// Whether a name was looked for and is not there.
fn is_missing(node: Option<&PathNode>) -> bool {
    node.is_some_and(|node| node.stat.is_none() && node.error.as_deref() == Some("ENOENT"))
}
