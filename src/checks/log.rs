//! What a transcript of ssh leaves open: causes that leave the same lines, and what one who has only those lines may say.

use crate::facts::agent::AgentAnswer;
use crate::facts::identities::is_seen;
use crate::facts::{Facts, Origin};
use crate::openssh::course::{self, Problem, Use};
use crate::openssh::server;

use super::{Alternative, Cause, Certainty, Decide, Finding, Place, naming};

/// The finding, less sure where other causes leave the same transcript, with those beside it.
pub(super) fn tempered(facts: &Facts, cause: &Cause, mut finding: Finding) -> Finding {
    if facts.origin != Origin::Log {
        return finding;
    }
    let others: Vec<Alternative> = match cause.id {
        "signature-rejected" => says_yes_perhaps(facts).into_iter().collect(),
        "no-identities" => unread(facts).into_iter().chain(hidden(facts)).collect(),
        "key-file-malformed" => formats(facts),
        "key-file-is-public" => mistaken(facts).into_iter().collect(),
        "key-passphrase-needed" => unsaid(facts).into_iter().collect(),
        _ => return finding,
    };
    if !others.is_empty() {
        finding.certainty = finding.certainty.max(Certainty::Likely);
    }
    finding.or(others)
}

fn possible(cause: &'static str, summary: &str, decide: Decide) -> Alternative {
    let summary = summary.to_owned();
    Alternative { cause, certainty: Certainty::Possible, summary, evidence: Vec::new(), decide: Some(decide) }
}

fn here(command: String) -> Decide {
    Decide { place: Place::Client, command }
}

/// A server that is neither OpenSSH nor dropbear may say yes to every key: then only the signature was refused, and the
/// key is not accepted at all.
fn says_yes_perhaps(facts: &Facts) -> Option<Alternative> {
    let identification = facts.transport.as_ref().ok().and_then(|transport| transport.identification.as_ref());
    let software = identification.map(|text| server::software(text.as_bytes()).to_vec()).unwrap_or_default();
    let known = [&b"OpenSSH_"[..], b"dropbear"].iter().any(|name| software.starts_with(name));
    (!known).then(|| {
        let summary = "the server says yes to every key that it is asked about, and refuses this one when it is used";
        possible("no-key-accepted", summary, here(format!("sshdoctor {}", naming::destination(facts))))
    })
}

/// A file that was tried, and of which nothing more was said: it may be there and encrypted, with nobody to ask.
fn unread(facts: &Facts) -> Option<Alternative> {
    let identities = facts.identities.as_ref().ok()?;
    let file = identities.files.iter().find(|file| !is_seen(&file.state) && file.public_half().is_none())?;
    let summary = format!("{} is there and encrypted, and ssh asks nobody for its passphrase (BatchMode)", file.path);
    let decide = here(format!("ls -l {}", naming::path(&file.path)));
    Some(possible("key-passphrase-needed", &summary, decide))
}

/// An agent that lists nothing may hold keys that it does not show here.
fn hidden(facts: &Facts) -> Option<Alternative> {
    let agent = facts.agent.as_ref().ok()?;
    let lists_none = matches!(&agent.answer, Ok(AgentAnswer::Lists(keys)) if keys.is_empty());
    lists_none.then(|| {
        let summary =
            "the agent holds a key and does not show it here: it is locked, or the key is bound to other hosts";
        possible("agent-key-constrained", summary, here("ssh-add -l".to_owned()))
    })
}

/// ssh says the same of a damaged key, of a public key, and of one in another program's format.
fn formats(facts: &Facts) -> Vec<Alternative> {
    let turns = course::course(facts).unwrap_or_default();
    let stopped = course::stopped(&turns).filter(|(_, usage)| matches!(usage, Use::Problem(Problem::Malformed(_))));
    let file = stopped.and_then(|(turn, _)| course::key_file(facts, &turn.offer));
    let file = file.map_or_else(|| "PATH_OF_YOUR_KEY".to_owned(), |file| naming::path(&file.path));
    let decide = || here(format!("head -n 1 {file}"));
    vec![
        possible("key-file-is-ppk", "the file is in PuTTY's format, which ssh does not read", decide()),
        possible("key-file-is-public", "the file holds a public key", decide()),
    ]
}

/// A certificate in the place of a key leaves the same words.
fn mistaken(facts: &Facts) -> Option<Alternative> {
    let files = &facts.identities.as_ref().ok()?.files;
    let file = files.iter().find(|file| file.explicit && file.path.as_bytes().ends_with(b"-cert.pub"))?;
    let summary = format!("{} is a certificate, and the private key beside it belongs to another", file.path);
    let decide = here(format!("ssh-keygen -Lf {}", naming::path(&file.path)));
    Some(possible("key-pair-mismatch", &summary, decide))
}

/// Where no question was seen, ssh was silent about why it did not sign: at less than -vvv a file that is not there looks
/// the same.
fn unsaid(facts: &Facts) -> Option<Alternative> {
    let level = facts.log.as_ref().and_then(|log| log.client.as_ref()).map_or(0, |client| client.level);
    let asked = facts.run.terminal;
    (level < 3 && !asked).then(|| {
        let again = here(format!("ssh -vvv {}", naming::destination(facts)));
        possible("identity-file-missing", "the private key is not there, and only its .pub is", again)
    })
}
