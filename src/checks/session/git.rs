//! Git hosts after the login: the account that the greeting names, and a repository that it may not read.

use crate::checks::{Blocks, Cause, Finding, Fix, Place, Step, naming};
use crate::facts::session::Request;
use crate::facts::{Facts, Observed, known};
use crate::openssh::git_hosts::{self, Greeting};
use crate::openssh::session::{Wanted, wanted};

use super::ending::{Trouble, trouble};
use super::endings::forget;

/// What the Git host's greeting says.
pub(super) fn greeting(facts: &Facts) -> Option<Greeting> {
    let session = facts.session.as_ref().ok().filter(|session| session.request == Request::Shell)?;
    [&session.stdout, &session.stderr].into_iter().find_map(git_hosts::greeting)
}

/// Whom a Git host takes us for, in words for a sentence: `as the GitHub account octo`.
pub(super) fn known_as(facts: &Facts) -> Option<String> {
    let greeting = greeting(facts)?;
    let name = greeting.name.as_ref().map(|name| crate::facts::text::escape(name.as_bytes()))?;
    let service = greeting.service;
    Some(if greeting.is_of_a_repository() {
        format!("{service} takes it for a deploy key of {name}")
    } else {
        format!("{service} knows it as the account {name}")
    })
}

pub(super) const GIT_REPOSITORY_DENIED: Cause = Cause {
    id: "git-repository-denied",
    title: "the Git host knows the key, and the repository may not be read with it",
    blocks: Blocks::Session,
    place: Place::GitHost,
    doc: "The key belongs to an account or is a deploy key, and the repository that was named is not there or not open to it: \
          another account's key came first, the account is no member, the key is a deploy key of another repository, an \
          organisation demands single sign-on for the key, or the name is misspelt. Git hosts answer the same to all of these, \
          so that nobody learns which repositories exist. The first key that the host accepts decides which account this is.\n\n\
          Proven by the server's own refusal of git-upload-pack for that repository; nothing is ever pushed to see.",
    prevent: "Where you have several accounts at one host, give each its own Host block with one IdentityFile and IdentitiesOnly yes.",
    fix: Fix { commands: denied_commands, mend: mend_denied },
    see: &["gitprotocol-pack(5) SSH Transport", "git-upload-pack(1)"],
    judge: repository_denied,
};

fn repository_denied(facts: &Facts) -> Observed<Option<Finding>> {
    let session = known(&facts.session)?;
    let Some(Trouble::RepositoryDenied(words)) = trouble(facts) else { return Ok(None) };
    let path = match wanted(facts) {
        Wanted::Repository(path) => path,
        // What was read need not name it.
        _ if facts.is_read() => "the repository".into(),
        _ => return Ok(None),
    };
    let login = naming::login(facts);
    let path = path.shortened(200);
    let lower = words.to_lowercase();
    let summary = if lower.contains("saml sso") {
        format!(
            "{login} knows the key, and the organisation of {path} demands that it is authorised for single sign-on"
        )
    } else if lower.contains("dubious ownership") {
        format!("{login} lets the key in, and git refuses {path} because it belongs to another account of the server")
    } else if lower.contains("does not appear to be a git repository") {
        format!("{login} lets the key in, and there is no repository at {path}, or none that the account can read")
    } else {
        format!("{login} knows the key, and {path} is not there or not open to the account that the key stands for")
    };
    let mut finding = Finding::proven(summary);
    finding.evidence.push(format!("the server says: {words}"));
    finding.evidence.extend(session.exit_status.map(|status| format!("exit status {status}")));
    finding.evidence.extend(super::used_key(facts).map(|key| format!("the key that it accepted first: {key}")));
    if git_hosts::git_host(facts).is_none_or(|host| host.service.is_none()) {
        finding.place = Some(Place::Server);
    }
    Ok(Some(finding))
}

fn denied_commands(facts: &Facts) -> Vec<Step> {
    let login = naming::destination_without_path(facts);
    let Some(Trouble::RepositoryDenied(words)) = trouble(facts) else { return Vec::new() };
    let lower = words.to_lowercase();
    let who =
        Step::here(format!("ssh -T {login}"), "greets with the account, or the repository, that the key stands for");
    if lower.contains("saml sso") {
        let why = "in your account's SSH keys, use Configure SSO beside this key and authorise the organisation";
        return vec![Step::person(Place::GitHost, why), who];
    }
    let mut steps = vec![who];
    if let Some(path) = facts.target.as_ref().ok().and_then(|target| target.repository.as_ref())
        && (lower.contains("does not appear") || lower.contains("dubious"))
    {
        let path = crate::checks::quoted_bytes(path.as_bytes());
        let why = "whether it is there, and whose it is; a path without / in front begins in the account's home";
        steps.insert(0, Step { place: Place::Server, ..Step::here(format!("ls -ld {path}"), why) });
        return steps;
    }
    steps.push(Step::person(
        Place::GitHost,
        "if that is the account you mean: check the repository's name and the account's access to it",
    ));
    steps.push(Step::here(
        format!("ssh -o IdentitiesOnly=yes -i PATH_OF_YOUR_KEY -T {login}"),
        "if it is another: tries one key alone; put the right key's path in the place of PATH_OF_YOUR_KEY",
    ));
    steps
}

fn mend_denied(facts: &mut Facts) {
    forget(facts);
}
