//! The check-up: no login is meant, and what can break one is judged all the same. The causes are those of the steps a
//! login takes; what no cause names, or breaks no login by itself, is a remark on the check where it is seen.

use crate::facts::agent::{Agent, AgentAnswer};
use crate::facts::checkup::{Block, BlockKind, Checkup};
use crate::facts::config::Config;
use crate::facts::identities::{FileError, FileKind, Identities, KeyFile};
use crate::facts::{Facts, Observed, Origin, Run, Source, Unobserved, known};
use crate::openssh::arguments::value_words;
use crate::openssh::blocks::{self, Vain};
use crate::openssh::course::{self, Problem};
use crate::openssh::identities::{is_type_accepted, offers};
use crate::openssh::public_key::is_short_rsa;

use super::{
    Alternative, Blocks, Cause, Certainty, Check, Finding, Fix, Outcome, Place, Remark, Step, key_files, naming,
    nothing_to_mend,
};

/// Remarks on one check; what is beyond is counted.
const MOST_REMARKS: usize = 40;

/// RSA keys below this are called short: what NIST SP 800-131A asks for since 2014.
const RSA_BITS: u32 = 2048;

pub(super) const NOTHING_FOUND: Cause = Cause {
    id: "nothing-found",
    title: "nothing that was looked at stands in the way of a login",
    blocks: Blocks::Nothing,
    place: Place::Client,
    doc: "No login was examined: sshdoctor was called without a target, and looked at this client's configuration, keys, \
          agents and known_hosts alone. Nothing of these keeps ssh from logging in; remarks stand with their checks. Whether \
          a server lets in only a run with that target tells.\n\n\
          Proven when ssh itself took the configuration and all of these could be looked at. Of the server's half alone: when \
          sshd's log shows that it let this login in since anything there was changed, or when the account may log in and \
          sshd reads a key of it, or the very key that was asked about, and nothing is left that only the log tells.",
    prevent: "Run the check-up after a change to ~/.ssh, and before leaving the machine that still works.",
    fix: Fix { commands: |_| Vec::new(), mend: nothing_to_mend },
    see: &["ssh_config(5)", "ssh(1) FILES"],
    judge: nothing_found,
};

fn nothing_found(facts: &Facts) -> Observed<Option<Finding>> {
    let alone = facts.origin == Origin::Server;
    if facts.checkup.is_none() && !alone {
        return Err(Unobserved::NotAttempted);
    }
    let mut faults = super::causes().filter(|(_, cause)| cause.blocks < Blocks::Nothing);
    let found = |cause: &Cause| super::doubted(facts, cause, (cause.judge)(facts).ok()??);
    if faults.any(|(_, cause)| found(cause).is_some()) {
        return Ok(None);
    }
    if alone {
        return super::account::nothing_in_the_way(facts);
    }
    let checkup = facts.checkup.as_ref().ok_or(Unobserved::NotAttempted)?;
    let mut gaps = Vec::new();
    let mut gap = |what: &str, why: Option<&Unobserved>| gaps.extend(why.map(|why| format!("{what}: {why}")));
    gap("the configuration", facts.config.ssh.as_ref().err());
    gap("key files", facts.identities.as_ref().err());
    gap("the agent", facts.agent.as_ref().err());
    gap("known_hosts", checkup.known_hosts.as_ref().err());
    let summary = "nothing that was looked at on this machine stands in the way of a login";
    let mut finding = Finding::proven(summary);
    if !gaps.is_empty() {
        finding.certainty = Certainty::Possible;
        finding.evidence = gaps;
    }
    Ok(Some(finding))
}

/// A key file that ssh would try and cannot use.
pub(super) struct Faulty<'a> {
    /// The file.
    pub(super) file: &'a KeyFile,
    /// What keeps ssh from using it.
    pub(super) problem: Problem,
    /// Whether ssh has nothing else to offer where it would try this.
    pub(super) only: bool,
}

/// The key files that ssh would try, everywhere or where a block applies, and cannot use; none that an agent holds.
pub(super) fn faulty(facts: &Facts) -> Vec<Faulty<'_>> {
    let Ok(identities) = &facts.identities else { return Vec::new() };
    let named = facts.checkup.iter().flat_map(|checkup| &checkup.named);
    let usable = identities.files.iter().any(|file| is_usable(facts, file));
    let in_force = identities.files.iter().map(|file| (file, !usable && !agent_offers(facts, only_files(facts))));
    let of_blocks = named.map(|file| {
        let alone = only_files(facts) || block_of(facts, &file.source).is_some_and(says_identities_only);
        (file, !agent_offers(facts, alone))
    });
    in_force
        .chain(of_blocks)
        .filter_map(|(file, only)| Some(Faulty { file, problem: fault(facts, file)?, only }))
        .collect()
}

/// What keeps ssh from using this file, where that is a fault: a default that is not there is none, nor is a passphrase.
fn fault(facts: &Facts, file: &KeyFile) -> Option<Problem> {
    let problem = course::problem(facts, file)?;
    let held = facts.agent.as_ref().map(Agent::keys).unwrap_or_default();
    let half = file.public_half();
    let in_agent = half.is_some_and(|half| held.iter().any(|entry| entry.key.blob == half.blob));
    let harmless = match problem {
        Problem::Encrypted => true,
        Problem::Missing => !file.explicit,
        _ => false,
    };
    (!in_agent && !harmless).then_some(problem)
}

fn is_usable(facts: &Facts, file: &KeyFile) -> bool {
    file.state.is_ok() && matches!(course::problem(facts, file), None | Some(Problem::Encrypted))
}

fn only_files(facts: &Facts) -> bool {
    facts.config.options.is_yes("identitiesonly")
}

/// Whether the agent has anything to offer, or may have: what was not seen is not denied.
fn agent_offers(facts: &Facts, only_files: bool) -> bool {
    !only_files
        && match &facts.agent {
            Ok(agent) => !agent.keys().is_empty() || (agent.socket.is_some() && agent.answer.is_err()),
            Err(_) => true,
        }
}

/// The block in which a line stands.
pub(super) fn block_of<'a>(facts: &'a Facts, at: &Source) -> Option<&'a Block> {
    let Source::File { path, line: Some(line) } = at else { return None };
    let blocks = &facts.checkup.as_ref()?.blocks;
    blocks.iter().find(|block| {
        let here = matches!(&block.at, Source::File { path: of, .. } if of == path);
        here && block.options.iter().any(|option| option.line == *line)
    })
}

fn says_identities_only(block: &Block) -> bool {
    let yes = |value: &[u8]| matches!(value.to_ascii_lowercase().as_slice(), b"yes" | b"true");
    block
        .options
        .iter()
        .find(|option| option.keyword == "identitiesonly")
        .is_some_and(|option| value_words(option.value.as_bytes()).first().is_some_and(|value| yes(value)))
}

/// Where a faulty file is tried, for evidence.
pub(super) fn tried(facts: &Facts, faulty: &Faulty<'_>) -> Vec<String> {
    let file = faulty.file;
    let Some(block) = block_of(facts, &file.source) else {
        let how = if file.source == Source::Default {
            format!("ssh tries {} with every host, unless a Host block names other keys", file.path)
        } else {
            format!("the configuration names {}", file.path)
        };
        let else_ = faulty.only.then(|| "ssh has no other identity to offer there".to_owned());
        return [how].into_iter().chain(else_).collect();
    };
    let how = format!("{} names it for {}", file.source, title(block));
    let else_ = faulty.only.then(|| "no agent has a key to offer there".to_owned());
    [how].into_iter().chain(else_).collect()
}

/// The other reading of a fault that does not break every login.
pub(super) fn other_keys_will_do() -> Alternative {
    Alternative {
        cause: "nothing-found",
        certainty: Certainty::Possible,
        summary: "your logins go by another key that is in order".to_owned(),
        evidence: Vec::new(),
        decide: None,
    }
}

/// ssh has nothing to offer to anybody.
pub(super) fn no_identities(facts: &Facts) -> Observed<Option<Finding>> {
    let checkup = facts.checkup.as_ref().ok_or(Unobserved::NotAttempted)?;
    let identities = known(&facts.identities)?;
    let agent = known(&facts.agent)?;
    let named = checkup.named.iter().any(|file| is_usable(facts, file) || fault(facts, file).is_some());
    let tried = identities.files.iter().any(|file| is_usable(facts, file) || fault(facts, file).is_some());
    let unknown = agent.socket.is_some() && !matches!(agent.answer, Ok(AgentAnswer::Lists(_)));
    let certificate = !identities.certificates.is_empty();
    if named || tried || unknown || certificate || !offers(facts).is_empty() || agent.locked == Ok(true) {
        return Ok(None);
    }
    let elsewhere =
        checkup.agents.iter().any(|agent| matches!(&agent.answer, AgentAnswer::Lists(keys) if !keys.is_empty()));
    let mut finding =
        Finding::proven("ssh has no key to offer to any host: no key file where it looks, and no key in an agent");
    finding.evidence.extend(super::identities::absent_files(facts));
    finding.evidence.push(match &agent.socket {
        Some(socket) if only_files(facts) && !agent.keys().is_empty() => {
            format!(
                "the agent at {} has {}, and IdentitiesOnly keeps ssh from offering them",
                socket.path,
                keys(agent.keys().len())
            )
        }
        Some(socket) => format!("the agent at {} lists no key", socket.path),
        None => "ssh is told of no agent (SSH_AUTH_SOCK, IdentityAgent)".to_owned(),
    });
    if super::forwarding::none_came(facts) {
        finding.evidence.extend(super::forwarding::why_none(facts));
    }
    if elsewhere {
        finding.evidence.push("an agent that ssh is not told of has keys: see the remark on it".to_owned());
    }
    Ok(Some(finding))
}

/// The agent that ssh is told of does not answer, and nothing else is there to offer.
pub(super) fn agent_unreachable(facts: &Facts, failure: &str) -> Observed<Option<Finding>> {
    let checkup = facts.checkup.as_ref().ok_or(Unobserved::NotAttempted)?;
    let identities = known(&facts.identities)?;
    let tried = |file: &KeyFile| is_usable(facts, file) || fault(facts, file).is_some();
    if only_files(facts) || identities.files.iter().chain(&checkup.named).any(tried) {
        return Ok(None);
    }
    let summary = format!("ssh cannot reach the agent: {failure}");
    let finding = if super::agent::is_silent(facts) {
        super::agent::silent(Finding::likely(summary).seen(failure))
    } else {
        Finding::proven(summary).seen(failure)
    };
    Ok(Some(finding.seen("ssh has no key file to offer in its place")))
}

/// What a check says of its own subject in a check-up; `None` where it says what it says of a login.
pub fn outcome(check: &Check, facts: &Facts) -> Option<Observed<Outcome>> {
    let checkup = facts.checkup.as_ref()?;
    match check.id {
        "client-config" => {
            let Config { ssh, evaluated, complaint, .. } = &facts.config;
            let version = ssh.as_ref().ok().filter(|_| *evaluated && complaint.is_none())?.version.clone();
            let files = checkup.files.iter().map(|file| match &file.state {
                Ok(stat) => format!("{}, mode {:04o}", file.path, stat.mode),
                Err(error) => format!("{}: {}", file.path, error.errno),
            });
            Some(Ok(Outcome::pass(format!("{version} reads it without complaint")).with(files)))
        }
        "key-files" => {
            let listed = every_file(facts).map(|file| key_files::described(facts, file)).collect::<Vec<_>>();
            Some(match listed.len() {
                0 => Err(facts.identities.as_ref().err()?.clone()),
                count => Ok(Outcome::pass(format!("{} found", files(count))).with(listed)),
            })
        }
        "agent" => {
            // What ssh is told of comes first.
            let mut outcome = (check.holds)(facts).ok()?;
            outcome.evidence.extend(checkup.agents.iter().map(found));
            Some(Ok(outcome))
        }
        "host-key" => Some(known_hosts(checkup)),
        _ => None,
    }
}

fn found(agent: &crate::facts::checkup::FoundAgent) -> String {
    let what = match &agent.answer {
        AgentAnswer::Lists(list) => format!("answers and lists {}", keys(list.len())),
        AgentAnswer::Unreachable(errno) => format!("does not answer ({errno})"),
        AgentAnswer::Silent => "does not answer".to_owned(),
        AgentAnswer::Closed => "closes the connection unanswered".to_owned(),
        AgentAnswer::Garbage(_) => "is no agent".to_owned(),
        AgentAnswer::Refused => "refuses to list its keys".to_owned(),
    };
    format!("{} at {} {what}", agent.name, agent.path)
}

fn known_hosts(checkup: &Checkup) -> Observed<Outcome> {
    let surveys = known(&checkup.known_hosts)?;
    let there: Vec<_> = surveys.iter().filter(|survey| survey.state.is_ok()).collect();
    let lines = there.iter().map(|survey| {
        let cut = if survey.cut { " in its first 16 MB" } else { "" };
        format!("{}: {}{cut}", survey.path, naming::count(survey.entries as usize, "host key", "host keys"))
    });
    let entries: usize = there.iter().map(|survey| survey.entries as usize).sum();
    Ok(match there.len() {
        0 => Outcome::info("no host key is known yet"),
        _ => Outcome::pass(format!("{} known", naming::count(entries, "host key is", "host keys are"))).with(lines),
    })
}

fn keys(count: usize) -> String {
    naming::count(count, "key", "keys")
}

fn files(count: usize) -> String {
    naming::count(count, "key file", "key files")
}

/// Every key file that was looked at and is there, the configured ones first.
fn every_file(facts: &Facts) -> impl Iterator<Item = &KeyFile> {
    let identities = facts.identities.as_ref().ok();
    let configured = identities.into_iter().flat_map(|identities| &identities.files);
    let named = facts.checkup.iter().flat_map(|checkup| &checkup.named);
    let others = identities.into_iter().flat_map(|identities| &identities.others);
    let unknown = facts.checkup.iter().flat_map(|checkup| &checkup.unknown);
    configured.chain(named).chain(others).chain(unknown).filter(|file| file.state.is_ok() || file.public.key.is_some())
}

/// What is to be said beside the verdict, on this check.
pub fn remarks(check: &Check, facts: &Facts) -> Vec<Remark> {
    let Some(checkup) = &facts.checkup else {
        return if check.id == "session" { super::session::forwarded::remarks(facts) } else { Vec::new() };
    };
    let mut remarks = match check.id {
        "client-config" => of_configuration(facts, checkup),
        "key-files" | "key-permissions" => of_keys(check, facts),
        "identities" => of_identities(facts),
        "agent" => of_agent(facts, checkup),
        "host-key" => of_known_hosts(checkup),
        _ => Vec::new(),
    };
    // Blocks and files may be met twice.
    let mut seen = std::collections::HashSet::new();
    remarks.retain(|remark| seen.insert(remark.summary.clone()));
    if let Some(more @ 1..) = remarks.len().checked_sub(MOST_REMARKS) {
        remarks.truncate(MOST_REMARKS);
        remarks.push(Remark::new(format!("and {more} more of this kind"), Vec::new()));
    }
    remarks
}

/// `Host web1 (/home/a/.ssh/config:3)`.
fn title(block: &Block) -> String {
    let words: Vec<String> = block.words.iter().map(|word| word.shortened(60)).collect();
    let words = words.join(" ");
    match block.kind {
        BlockKind::Host => format!("`Host {words}` ({})", block.at),
        BlockKind::Match => format!("`Match {words}` ({})", block.at),
        BlockKind::Global => format!("the beginning of {}", block.at),
    }
}

/// The command that opens a file at a line.
fn edit(at: &Source, why: &str) -> Vec<Step> {
    let Source::File { path, line } = at else { return Vec::new() };
    let line = line.map(|line| format!("+{line} ")).unwrap_or_default();
    vec![Step::here(format!("\"${{EDITOR:-vi}}\" {line}{}", naming::path(path)), why)]
}

fn of_configuration(facts: &Facts, checkup: &Checkup) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(Ok(stat)) = &checkup.folder {
        let folder = format!("{}/.ssh", facts.run.home);
        if stat.kind == FileKind::Directory && stat.mode & 0o022 != 0 {
            remarks.push(Remark::new(
                format!("{folder} has mode {:04o}: others can put files into it", stat.mode),
                vec![Step::here("chmod 700 ~/.ssh", "lets nobody else into the folder")],
            ));
        }
    }
    let own: Vec<&Block> = checkup.blocks.iter().filter(|block| block.of_user).collect();
    for block in &own {
        for vain in blocks::vain(block) {
            remarks.push(vain_remark(block, &vain));
        }
    }
    for shadowed in blocks::shadowed(&checkup.blocks) {
        let mut names: Vec<&str> = shadowed.options.iter().map(|option| option.keyword.as_str()).collect();
        names.dedup();
        let (title, by, names) = (title(shadowed.block), title(shadowed.by), names.join(", "));
        let summary = if shadowed.all {
            format!("{title} never has any effect: {by} applies to all its names and sets {names} first")
        } else {
            format!("{title}: its {names} has no effect, because {by} applies to all its names and sets it first")
        };
        let why = format!("ssh takes the first value it meets: move this block above {}", shadowed.by.at);
        remarks.push(Remark::new(summary, edit(&shadowed.block.at, &why)));
    }
    for block in own.iter().filter(|block| is_everywhere(block)) {
        remarks.extend(block.options.iter().filter_map(|option| surprise(block, option)));
    }
    remarks
}

fn vain_remark(block: &Block, vain: &Vain) -> Remark {
    let title = title(block);
    match vain {
        Vain::Comma(word) => {
            let summary =
                format!("{title} does not mean two hosts: `Host` parts its patterns by blanks, not by commas");
            let Source::File { path, line: Some(line) } = &block.at else { return Remark::new(summary, Vec::new()) };
            let command = format!("sed -i.bak '{line}s/,/ /g' {}", naming::path(path));
            let why = format!("puts blanks in the place of the commas in {}", word.shortened(60));
            Remark::new(summary, vec![Step::here(command, why)])
        }
        Vain::User(word) => Remark::new(
            format!("{title}: {} is never met, for the user is no part of the name", word.shortened(60)),
            edit(&block.at, "name the host alone, and put the user into `User` below it"),
        ),
        Vain::LoneNegation => Remark::new(
            format!("{title}: a `!` that stands alone rules nothing out, and what follows it is included"),
            edit(&block.at, "write the `!` and the name together: !name"),
        ),
        Vain::OnlyNegated => Remark::new(
            format!("{title} never applies: its negated patterns rule out every name"),
            edit(&block.at, "add what it is meant for, such as `*`, before the negated patterns"),
        ),
    }
}

/// Whether the block applies to every host.
fn is_everywhere(block: &Block) -> bool {
    let only = |word: &[u8]| matches!(block.words.as_slice(), [one] if one.as_bytes().eq_ignore_ascii_case(word));
    match block.kind {
        BlockKind::Global => !block.nested,
        BlockKind::Host => only(b"*"),
        BlockKind::Match => only(b"all"),
    }
}

/// An option that surprises where it stands for every host.
fn surprise(block: &Block, option: &crate::facts::checkup::BlockOption) -> Option<Remark> {
    let value = value_words(option.value.as_bytes()).into_iter().next()?;
    let value = String::from_utf8_lossy(&value).to_ascii_lowercase();
    let yes = matches!(value.as_str(), "yes" | "true");
    let no = matches!(value.as_str(), "no" | "false" | "off");
    let (what, why) = match option.keyword.as_str() {
        "forwardagent" if !no => (
            "lends your agent to every host you log in to: whoever is root there can sign with your keys",
            "name the hosts that need it in a Host block of their own, or go through them with ProxyJump",
        ),
        "stricthostkeychecking" if no => (
            "takes any host key of any host: nobody notices who answers in its place",
            "accept-new takes the keys of new hosts alone; `ask` asks you",
        ),
        "userknownhostsfile" if value == "/dev/null" => (
            "remembers no host key of any host: nobody notices who answers in its place",
            "take the line out, or put it into the Host block of throw-away hosts",
        ),
        "hostname" if !value.contains("%h") && !value.contains("%n") => {
            ("sends every name to the same host", "put it into the Host block of that host")
        }
        "pubkeyauthentication" if no => ("keeps ssh from offering a key to any host", "take the line out"),
        "batchmode" if yes => (
            "keeps ssh from asking anything at any host: a passphrase, a password, a new host key",
            "give it with -o where a script needs it",
        ),
        _ => return None,
    };
    let Source::File { path, .. } = &block.at else { return None };
    let at = Source::File { path: path.clone(), line: Some(option.line) };
    let line = format!("{} {}", option.keyword, option.value.shortened(60));
    Some(Remark::new(format!("`{line}` for every host ({at}) {what}"), edit(&at, why)))
}

fn of_keys(check: &Check, facts: &Facts) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for file in every_file(facts).chain(missing(facts)) {
        remarks.extend(fault(facts, file).and_then(|_| alone(check, facts, file)));
        if check.id == "key-files" {
            remarks.extend(weakness(facts, file));
        }
    }
    let cut = facts.identities.as_ref().is_ok_and(|identities| identities.others_cut);
    if cut && check.id == "key-files" {
        let count = Step::here("find ~/.ssh | wc -l", "counts what is there");
        remarks.push(Remark::new(
            "~/.ssh holds more files than are looked at, or a folder that cannot be read",
            vec![count],
        ));
    }
    remarks
}

/// Files that are named and not there.
fn missing(facts: &Facts) -> impl Iterator<Item = &KeyFile> {
    let configured = facts.identities.iter().flat_map(|identities| &identities.files);
    let named = facts.checkup.iter().flat_map(|checkup| &checkup.named);
    configured.chain(named).filter(|file| file.state.is_err() && file.public.key.is_none())
}

/// What the causes of this check say of one file by itself.
fn alone(check: &Check, facts: &Facts, file: &KeyFile) -> Option<Remark> {
    let mounts = facts.identities.iter().flat_map(|identities| &identities.mounts);
    let mounts = mounts.filter(|mount| mount.file == file.path).cloned().collect();
    let identities = Identities { files: vec![file.clone()], mounts, ..Identities::default() };
    let checkup = facts.checkup.as_ref().map(|_| {
        let block = block_of(facts, &file.source).cloned();
        Box::new(Checkup { blocks: block.into_iter().collect(), ..Checkup::default() })
    });
    let run = Run { limits: facts.run.limits.clone(), ..facts.run.clone() };
    let alone = Facts { run, identities: Ok(identities), checkup, ..Facts::default() };
    check.causes.iter().find_map(|cause| {
        let finding = (cause.judge)(&alone).ok()??;
        Some(Remark::new(finding.summary, (cause.fix.commands)(&alone)))
    })
}

/// A key of a kind that servers refuse, or soon will.
fn weakness(facts: &Facts, file: &KeyFile) -> Option<Remark> {
    let key = file.public_half()?;
    let plain = key.plain_algorithm();
    let accepted = course::accepted_algorithms(&facts.config.options);
    let known = facts.config.evaluated && !accepted.is_empty();
    let what = if plain == "ssh-dss" {
        "is a DSA key, which OpenSSH has left out since 10.0 and not used by itself since 7.0".to_owned()
    } else if is_short_rsa(key, &facts.config.options) {
        format!("is an RSA key of {} bits: this ssh does not use it", key.bits.unwrap_or_default())
    } else if plain == "ssh-rsa" && key.bits.is_some_and(|bits| bits < RSA_BITS) {
        format!("is an RSA key of {} bits: too short for what servers ask today", key.bits.unwrap_or_default())
    } else if known && !is_type_accepted(key, &accepted) {
        format!("is a {} key, which PubkeyAcceptedAlgorithms keeps ssh from using", key.algorithm)
    } else {
        return None;
    };
    let step = Step::here(
        format!("ssh-keygen -t ed25519 -f {}", super::quoted_bytes(&[file.path.as_bytes(), b".new"].concat())),
        "makes a new pair beside it: authorise its .pub while the old key still works",
    );
    Some(Remark::new(format!("{} {what}", file.path), vec![step]))
}

fn of_identities(facts: &Facts) -> Vec<Remark> {
    let (Ok(identities), Ok(agent)) = (&facts.identities, &facts.agent) else { return Vec::new() };
    let names_none = !identities.files.iter().any(|file| file.state.is_ok() || file.public.key.is_some());
    let held = agent.keys().len();
    if !only_files(facts) || !names_none || held == 0 {
        return Vec::new();
    }
    let summary = format!(
        "IdentitiesOnly is on for every host and no key file is there: ssh offers none of the agent's {}",
        keys(held)
    );
    let at = facts.checkup.iter().flat_map(|checkup| &checkup.blocks).find_map(|block| {
        let option = block.options.iter().find(|option| option.keyword == "identitiesonly")?;
        let Source::File { path, .. } = &block.at else { return None };
        Some(Source::File { path: path.clone(), line: Some(option.line) })
    });
    let why = "put it into the Host blocks that name an IdentityFile (the .pub of an agent's key will do)";
    vec![Remark::new(summary, at.map(|at| edit(&at, why)).unwrap_or_default())]
}

fn of_agent(facts: &Facts, checkup: &Checkup) -> Vec<Remark> {
    let Ok(agent) = &facts.agent else { return Vec::new() };
    let told = agent.socket.as_ref().map(|socket| &socket.path);
    let holds = |answer: &AgentAnswer| match answer {
        AgentAnswer::Lists(list) => list.len(),
        _ => 0,
    };
    let other =
        checkup.agents.iter().filter(|other| Some(&other.path) != told).max_by_key(|other| holds(&other.answer));
    let other = other.filter(|other| holds(&other.answer) > 0);
    let use_it = |other: &crate::facts::checkup::FoundAgent| {
        let why = format!("lets ssh in this shell use {}, which lists {}", other.name, keys(holds(&other.answer)));
        Step::here(format!("export SSH_AUTH_SOCK={}", naming::path(&other.path)), why)
    };
    if let Some(failure) = super::agent::failure(agent) {
        let steps = match other {
            Some(other) => vec![use_it(other)],
            None if super::forwarding::socket(facts).is_some() => super::forwarding::bring_again(facts),
            None if facts.run.ssh_connection.is_some() => {
                let again = "log in here again with -A, and open a new window in tmux or screen";
                vec![Step::person(Place::AgentHost, again)]
            }
            None => vec![Step::here(
                "eval \"$(ssh-agent -s)\" && ssh-add",
                "starts an agent for this shell with your default keys",
            )],
        };
        return vec![Remark::new(failure, steps)];
    }
    if agent.locked == Ok(true) {
        return vec![Remark::new("the agent is locked", vec![Step::here("ssh-add -X", "unlocks it")])];
    }
    match other {
        Some(other) if agent.keys().is_empty() && facts.config.options.first("identityagent") != Some("none") => {
            let summary = format!(
                "ssh is not told of {} at {}, which lists {}",
                other.name,
                other.path,
                keys(holds(&other.answer))
            );
            vec![Remark::new(summary, vec![use_it(other)])]
        }
        _ => Vec::new(),
    }
}

fn of_known_hosts(checkup: &Checkup) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for survey in checkup.known_hosts.iter().flatten() {
        let file = naming::path(&survey.path);
        let look = |why: &str| vec![Step::here(format!("ls -ld {file}"), why)];
        match &survey.state {
            Err(error) if FileError::is_missing(error) => continue,
            Err(error) => {
                let summary = format!("{} cannot be read ({}): ssh knows no host key in it", survey.path, error.errno);
                remarks.push(Remark::new(summary, look("shows whose it is")));
            }
            Ok(stat) if stat.kind == FileKind::Directory => {
                remarks.push(Remark::new(format!("{} is a folder", survey.path), look("ssh wants a file there")));
            }
            Ok(_) => {}
        }
        if let Some(first) = survey.unreadable_lines.first() {
            let lines: Vec<String> = survey.unreadable_lines.iter().take(10).map(ToString::to_string).collect();
            let more = survey.unreadable_lines.len().saturating_sub(lines.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let plural = if survey.unreadable_lines.len() == 1 { "line" } else { "lines" };
            let summary = format!("ssh does not understand {plural} {}{more} of {}", lines.join(", "), survey.path);
            let command = format!("sed -n {first}p {file}");
            remarks.push(Remark::new(summary, vec![Step::here(command, "shows the line; correct it or take it out")]));
        }
        for clash in &survey.contradictions {
            let (first, second) = clash.lines;
            let summary = format!(
                "{} has two {} keys in {}, in lines {first} and {second}: ssh trusts both, and one is stale",
                clash.name.shortened(80),
                clash.algorithm,
                survey.path
            );
            let name = super::quoted_bytes(clash.name.as_bytes());
            let command = format!("ssh-keygen -R {name} -f {file}");
            let why =
                "forgets all its keys (a copy stays in .old); compare the fingerprint when ssh asks for the new one";
            remarks.push(Remark::new(summary, vec![Step::here(command, why)]));
        }
    }
    remarks
}
