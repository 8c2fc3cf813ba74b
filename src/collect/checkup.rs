//! The client's side as a whole, where no login is meant: no name is resolved and nothing is connected to but agents.
//!
//! Touches: runs the installed ssh with `-G` for a name that cannot exist (and through it any `Match exec` command, as
//! ssh would); reads the configuration files, key files, `~/.ssh` and the known_hosts files in force; asks the agent that
//! ssh would use, and those at well-known places, for their keys (a socket of systemd's may start its agent by that).

use std::collections::HashSet;
use std::path::{Path as StdPath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::live::off_thread;
use super::system::{state, variable};
use super::{Request, Waiting, agent, config, host_key, identities, run};
use crate::facts::checkup::{Block, FoundAgent};
use crate::facts::config::Config;
use crate::facts::identities::{FileKind, KeyFile};
use crate::facts::text::Path;
use crate::facts::{Facts, Observed, Run, Source, Unobserved};
use crate::openssh::arguments::{Arguments, value_words};
use crate::openssh::identities::FILES_LIMIT;

/// A name that no Host block means (RFC 2606 section 2).
const NOBODY: &str = "sshdoctor.invalid";

/// Why the steps of a login are not there.
const NO_LOGIN: &str = "the check-up makes no login";

/// See [`super::checkup()`].
pub(super) async fn checkup(request: &Request, facts: &mut Facts, waiting: &Waiting<'_>) {
    facts.checkup = Some(Box::default());
    let limit = Duration::from_secs(request.limits.timeout_seconds);
    if timeout(limit, steps(request, facts, waiting)).await.is_err() {
        unfinished(facts, &Unobserved::TimedOut);
    }
}

/// See [`super::unfinished`].
pub(super) fn unfinished(facts: &mut Facts, why: &Unobserved) {
    let none = Unobserved::Failed(NO_LOGIN.to_owned());
    // Asked for with a name that nobody meant.
    facts.target = Err(Unobserved::NotAttempted);
    settle(&mut facts.identities, why);
    settle(&mut facts.agent, why);
    settle(&mut facts.resolve, &none);
    settle(&mut facts.connect, &none);
    settle(&mut facts.transport, &none);
    settle(&mut facts.host_key.known, &none);
    settle(&mut facts.host_key.offered, &none);
    settle(&mut facts.userauth, &none);
    settle(&mut facts.session, &none);
    if let Some(checkup) = &mut facts.checkup {
        settle(&mut checkup.known_hosts, why);
    }
}

fn settle<T>(fact: &mut Observed<T>, why: &Unobserved) {
    if matches!(fact, Err(Unobserved::NotAttempted)) {
        *fact = Err(why.clone());
    }
}

async fn steps(request: &Request, facts: &mut Facts, waiting: &Waiting<'_>) {
    run::collect(facts);
    if let Some(home) = &request.home {
        facts.run.home = Path::from_path(home);
    }
    facts.run.limits = request.limits.clone();
    waiting("ssh -G");
    configuration(facts).await;
    waiting("key files, known_hosts and agents");
    let view = Arc::new(facts.clone());
    let files = async {
        let seen = off_thread(&view, |facts| {
            let mut found = identities::collect(facts)?;
            let unknown = identities::unknown(facts, &found);
            let named = named(facts, &found.files);
            let beside = found.others.iter().chain(&unknown).chain(&named);
            let mounts = identities::mounts(beside);
            found.mounts.extend(mounts);
            let folder = facts.run.home.to_path_buf().join(".ssh");
            Ok((found, unknown, named, (!facts.run.home.is_empty()).then(|| state(&folder))))
        });
        seen.await
    };
    let known = off_thread(&view, |facts| Ok(host_key::survey(facts)));
    let used = async {
        let mut view = (*view).clone();
        agent::collect(&mut view).await;
        view.agent
    };
    let (files, known, used, others) = tokio::join!(files, known, used, found_agents(&view));
    facts.agent = used;
    let checkup = facts.checkup.get_or_insert_default();
    checkup.known_hosts = known;
    checkup.agents = others;
    match files {
        Ok((found, unknown, named, folder)) => {
            facts.identities = Ok(found);
            checkup.unknown = unknown;
            checkup.named = named;
            checkup.folder = folder;
        }
        Err(why) => facts.identities = Err(why),
    }
    unfinished(facts, &Unobserved::NotAttempted);
}

/// The options in force where no Host block applies, and the blocks.
async fn configuration(facts: &mut Facts) {
    let arguments = Arguments {
        // Looking the name up would be the only thing that leaves this machine.
        options: vec!["-o".into(), "CanonicalizeHostname=no".into()],
        destination: Some(NOBODY.into()),
        host: NOBODY.into(),
        ..Arguments::default()
    };
    let asked = Request { arguments, ..Request::default() };
    config::collect(&asked, facts).await;
    facts.target = Err(Unobserved::NotAttempted);
    facts.config.arguments.clear();
    facts.config.aliases.clear();
    let Config { applied, options, .. } = &mut facts.config;
    // With a login's own tokens a value names no file here.
    options.0.retain(|(keyword, value)| {
        !matches!(keyword.as_str(), "identityfile" | "certificatefile" | "identityagent" | "userknownhostsfile")
            || !needs_login(value.as_bytes())
    });
    applied.retain(|applied| matches!(applied.at, Source::File { .. }));
    let view = Arc::new(facts.clone());
    if let Ok((files, blocks)) = off_thread(&view, |facts| Ok(config::blocks(facts))).await
        && let Some(checkup) = &mut facts.checkup
    {
        checkup.files = files;
        checkup.blocks = blocks.into_iter().filter(|block| !is_nothing(block)).collect();
    }
}

/// The beginning of a file that says nothing before its first block.
fn is_nothing(block: &Block) -> bool {
    block.options.is_empty() && block.words.is_empty()
}

/// Whether a value has tokens that only a login fills (ssh_config(5), TOKENS), or the name that nobody meant.
fn needs_login(value: &[u8]) -> bool {
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == b'%' && bytes.next().is_some_and(|token| b"ChjknprHIKftT".contains(&token)) {
            return true;
        }
    }
    value.windows(NOBODY.len()).any(|part| part == NOBODY.as_bytes())
}

/// The key files that blocks name beyond those in force everywhere.
fn named(facts: &Facts, in_force: &[KeyFile]) -> Vec<KeyFile> {
    let mut seen: HashSet<Path> = in_force.iter().map(|file| file.path.clone()).collect();
    let mut files = Vec::new();
    let blocks = facts.checkup.iter().flat_map(|checkup| &checkup.blocks);
    for block in blocks {
        let Source::File { path, .. } = &block.at else { continue };
        for option in block.options.iter().filter(|option| option.keyword == "identityfile") {
            let Some(value) = value_words(option.value.as_bytes()).into_iter().next() else { continue };
            if files.len() >= FILES_LIMIT || value.eq_ignore_ascii_case(b"none") || needs_login(&value) {
                continue;
            }
            let source = Source::File { path: path.clone(), line: Some(option.line) };
            files.extend(identities::named(&value, source, facts).filter(|file| seen.insert(file.path.clone())));
        }
    }
    files
}

/// The places where agents are known to listen: whose, and the socket.
fn places(run: &Run) -> Vec<(&'static str, PathBuf)> {
    let home = run.home.to_path_buf();
    let runtime = match variable("XDG_RUNTIME_DIR").filter(|value| value.starts_with(b"/")) {
        Some(value) => Path::new(value).to_path_buf(),
        None => PathBuf::from(format!("/run/user/{}", run.uid)),
    };
    vec![
        ("gpg-agent", runtime.join("gnupg/S.gpg-agent.ssh")),
        ("gpg-agent", home.join(".gnupg/S.gpg-agent.ssh")),
        ("gnome-keyring", runtime.join("keyring/ssh")),
        ("gcr-ssh-agent", runtime.join("gcr/ssh")),
        ("ssh-agent", runtime.join("ssh-agent.socket")),
        ("ssh-agent", runtime.join("openssh_agent")),
        ("1Password", home.join(".1password/agent.sock")),
        ("1Password", home.join("Library/Group Containers/2BUA8C4S2C.com.1password/t/agent.sock")),
        ("Secretive", home.join("Library/Containers/com.maxgoedjen.Secretive.SecretAgent/Data/socket.ssh")),
        ("Bitwarden", home.join(".bitwarden-ssh-agent.sock")),
    ]
}

/// Asks every agent at a well-known place that is there.
async fn found_agents(view: &Arc<Facts>) -> Vec<FoundAgent> {
    let is_socket = |path: &StdPath| state(path).is_ok_and(|stat| stat.kind == FileKind::Socket);
    let there = off_thread(view, move |facts| {
        Ok(places(&facts.run).into_iter().filter(|(_, path)| is_socket(path)).collect::<Vec<_>>())
    });
    let mut found = Vec::new();
    for (name, path) in there.await.unwrap_or_default() {
        let path = Path::from_path(&path);
        let answer = agent::list(&path).await;
        found.push(FoundAgent { name: name.to_owned(), path, answer });
    }
    found
}
