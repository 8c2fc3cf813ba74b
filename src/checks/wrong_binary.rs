//! Whether the program in use is another ssh than the one for which its configuration was written.

use crate::facts::agent::{Agent, AgentAnswer};
use crate::facts::config::{Complaint, ComplaintKind, OtherSsh, Programs};
use crate::facts::identities::{FileError, Identities};
use crate::facts::text::{Path, ServerText};
use crate::facts::{Facts, Observed, Unobserved, known};
use crate::openssh::course::{self, Fate};
use crate::openssh::identities::offers;
use crate::openssh::windows;

use super::{Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Place, Step, identities, naming};

/// The configuration is that of another ssh.
pub(super) const WRONG_SSH_BINARY: Cause = Cause {
    id: "wrong-ssh-binary",
    title: "the configuration was made for another ssh program than the one in use",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "A machine can have several ssh programs: the system's and Homebrew's, Linux's in WSL and Windows' own. Each knows \
          other options, and each finds keys and the agent where its own system has them. A key file named `C:\\Users\\…` or an \
          agent at `\\\\.\\pipe\\…` is there for Windows' ssh alone; any other finds nothing of that \
          name, and goes on without.\n\n\
          Proven when every key file and agent that is configured is a path of Windows, none of them can be reached, and ssh \
          has nothing else to offer. Where something else is missing too, or where ssh refuses an option that another ssh on \
          PATH takes, it is named beside the verdict: which program is meant, only its user knows.",
    prevent: "Keep one configuration for each ssh; `type -a ssh` lists the programs in the order in which the shell looks for them.",
    fix: Fix { commands, mend },
    see: &[
        "ssh_config(5) IdentityFile, IdentityAgent, IgnoreUnknown",
        "OpenSSH authfd.c ssh_get_authentication_socket_path",
    ],
    judge: wrong_ssh_binary,
};

fn wrong_ssh_binary(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let (identities, agent) = (known(&facts.identities)?, known(&facts.agent)?);
    let gone = unreachable(facts);
    let takes_keys = userauth.methods().is_some_and(|methods| methods.iter().any(|method| method == "publickey"));
    let asks = crate::openssh::prompts::secrets_can_be_asked(facts)
        && super::userauth::question_open(facts, userauth.methods().unwrap_or_default());
    if facts.config.programs.is_none()
        || gone.is_empty()
        || !takes_keys
        || !super::userauth::client_takes_publickey(facts)
        || !offers(facts).is_empty()
        || turns.iter().any(|turn| matches!(turn.fate, Fate::Unusable(_)))
        || asks
        || something_else_is_meant(facts, identities, agent)
    {
        return Ok(None);
    }
    let (keyword, value) = gone[0];
    let finding = Finding::proven(format!(
        "the ssh in use is not the one that this configuration is for: {keyword} {value} is a path of Windows"
    ));
    let mut finding = seen(facts, &gone).into_iter().fold(finding, Finding::seen);
    finding.evidence.push("ssh has nothing else to offer".to_owned());
    Ok(Some(finding))
}

/// Whether a key file or an agent is named that is no path of Windows, or may hold a key that ssh does not show.
fn something_else_is_meant(facts: &Facts, identities: &Identities, agent: &Agent) -> bool {
    let foreign = |configured: &ServerText| configured.as_str().is_some_and(windows::is_path);
    let other_file = identities.files.iter().any(|file| file.explicit && !foreign(&file.configured));
    let closed = identities.files.iter().any(|file| file.state.as_ref().is_err_and(|error| !error.is_missing()));
    let other_certificate = identities.certificates.iter().any(|certificate| !foreign(&certificate.configured));
    let other_agent = agent.socket.is_some()
        && !facts.config.options.is_yes("identitiesonly")
        && !facts.config.options.all("identityagent").any(windows::is_path);
    other_file || closed || other_certificate || other_agent || super::userauth::token_unread(facts).is_some()
}

/// The configured key files and agent that are paths of Windows and that ssh cannot reach: keyword and value. An agent
/// that IdentitiesOnly leaves no part in is none of them.
fn unreachable(facts: &Facts) -> Vec<(&'static str, &str)> {
    let (Ok(identities), Ok(agent)) = (&facts.identities, &facts.agent) else { return Vec::new() };
    let is_gone = |keyword: &str, value: &str| match keyword {
        "-i" | "IdentityFile" => identities.files.iter().any(|file| {
            file.configured.as_str() == Some(value) && file.state.as_ref().is_err_and(FileError::is_missing)
        }),
        "IdentityAgent" => {
            let unreachable = matches!(&agent.answer, Ok(AgentAnswer::Unreachable(errno)) if errno == "ENOENT");
            unreachable && !facts.config.options.is_yes("identitiesonly")
        }
        _ => false,
    };
    windows::paths(&facts.config).into_iter().filter(|(keyword, value)| is_gone(keyword, value)).collect()
}

/// What shows that another ssh is meant.
fn seen(facts: &Facts, gone: &[(&'static str, &str)]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (keyword, value) in gone {
        lines.push(format!("{keyword} is {value}, a path of Windows: nothing here has that name"));
    }
    if let Ok(ssh) = &facts.config.ssh {
        lines.push(format!("the ssh in use is {}", named(&ssh.path, &ssh.version)));
    }
    let Some(programs) = &facts.config.programs else { return lines };
    lines.extend(programs.on_drives.iter().map(|path| format!("that key file is here as {path}")));
    lines.extend(programs.others.iter().map(|other| format!("also on PATH: {}", named(&other.path, &other.version))));
    lines
}

fn named(path: &Path, version: &str) -> String {
    if version.is_empty() { path.to_string() } else { format!("{path} ({version})") }
}

/// Windows' own ssh among the other programs.
fn windows_own(programs: &Programs) -> Option<&OtherSsh> {
    programs.others.iter().find(|other| other.path.as_bytes().ends_with(b"/ssh.exe"))
}

/// Beside a key file that is missing: that its name is one for Windows' ssh.
pub(super) fn of_windows(facts: &Facts) -> Option<Alternative> {
    let programs = facts.config.programs.as_ref()?;
    let gone = unreachable(facts);
    let (keyword, value) = gone.first()?;
    let destination = naming::destination(facts);
    let command = match windows_own(programs) {
        Some(other) => format!("{} {destination}", naming::path(&other.path)),
        None => "type -a ssh".to_owned(),
    };
    Some(Alternative {
        cause: WRONG_SSH_BINARY.id,
        certainty: Certainty::Likely,
        summary: format!("the configuration is that of another ssh: {keyword} {value} is a path of Windows"),
        evidence: seen(facts, &gone),
        decide: Some(Decide { place: Place::Client, command }),
    })
}

/// Beside an option that ssh refuses: the other ssh that takes it.
pub(super) fn that_takes_it(facts: &Facts) -> Option<Alternative> {
    let other = taker(facts)?;
    let program = named(&other.path, &other.version);
    Some(Alternative {
        cause: WRONG_SSH_BINARY.id,
        certainty: Certainty::Likely,
        summary: format!("the ssh that is meant is {program}, which takes the option"),
        evidence: vec![format!("{program} reads its configuration for the same login without complaint (ssh -G)")],
        decide: Some(Decide { place: Place::Client, command: with_taker(facts, other) }),
    })
}

/// The step that logs in with that other ssh.
pub(super) fn step_with_it(facts: &Facts) -> Option<Step> {
    let other = taker(facts)?;
    let why = format!(
        "if this other ssh is meant ({}): it takes the option; `type -a ssh` shows which one the shell finds first",
        if other.version.is_empty() { "no version known" } else { &other.version }
    );
    Some(Step::here(with_taker(facts, other), why))
}

/// The first other ssh on PATH that takes what this one does not.
fn taker(facts: &Facts) -> Option<&OtherSsh> {
    let kind = facts.config.complaint.as_ref().map(|Complaint { kind, .. }| *kind)?;
    let others = &facts.config.programs.as_ref()?.others;
    let refused = matches!(kind, ComplaintKind::UnknownOption | ComplaintKind::BadValue);
    others.iter().find(|other| refused && other.takes == Some(true))
}

fn with_taker(facts: &Facts, other: &OtherSsh) -> String {
    format!("{} {}", naming::path(&other.path), naming::destination(facts))
}

fn commands(facts: &Facts) -> Vec<Step> {
    let destination = naming::destination(facts);
    // A key that the server is known to accept opens the door at once.
    let mut steps = identities::not_offered_commands(facts);
    let programs = facts.config.programs.clone().unwrap_or_default();
    if let Some(own) = windows_own(&programs) {
        steps.push(Step::here(
            format!("{} {destination}", naming::path(&own.path)),
            "logs in with Windows' own ssh, which finds keys and agent under these names and reads its own configuration",
        ));
    }
    let gone = unreachable(facts);
    let copies = gone.iter().filter_map(|(_, value)| {
        let path = windows::mounted(value)?;
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?.to_owned();
        programs.on_drives.iter().any(|there| *there == *path).then_some((path, name))
    });
    for (path, name) in copies {
        let file = format!("~/.ssh/{}", super::quoted_option(name.as_bytes()));
        steps.push(Step::here(
            format!("test -e {file} || install -m 600 {} {file}", super::quoted(&path)),
            "copies the key to where this ssh can use it, closed to others; nothing is copied over a key of that name",
        ));
        let value = format!("~/.ssh/{name}");
        let value = if value.contains([' ', '\t', '#']) { format!("\"{value}\"") } else { value };
        steps.push(Step::here(
            naming::host_block(facts, &[format!("IdentityFile {value}")]),
            "names the copy: appends a Host block to ~/.ssh/config; move the block above any `Host *`",
        ));
    }
    if steps.is_empty() && gone.iter().all(|(keyword, _)| *keyword == "IdentityAgent") && facts.run.auth_sock.is_some()
    {
        steps.push(Step::here(
            format!("ssh -o IdentityAgent=SSH_AUTH_SOCK {destination}"),
            "asks this session's agent instead of Windows' own",
        ));
    }
    if gone.iter().all(|(keyword, _)| *keyword == "-i") {
        if steps.is_empty() {
            steps.push(Step::here(
                format!("ssh -i PATH_OF_YOUR_KEY {}", naming::destination_without(facts, &["identityfile"])),
                "put your key's path on this machine in the place of PATH_OF_YOUR_KEY",
            ));
        }
        return steps;
    }
    steps.push(Step::here(
        r"grep -nE '[A-Za-z]:[\\/]|pipe[\\/]' ~/.ssh/config",
        "shows the lines that are for Windows; name key file and agent by their paths on this machine in their place",
    ));
    steps
}

/// What the right program finds, or the right paths hold, nobody can know.
fn mend(facts: &mut Facts) {
    facts.config.programs = None;
    facts.identities = Err(Unobserved::NotAttempted);
    facts.agent = Err(Unobserved::NotAttempted);
    facts.userauth = Err(Unobserved::NotAttempted);
    facts.session = Err(Unobserved::NotAttempted);
}
