//! Git hosts before the login: no account there has any of the keys.

use crate::facts::key::PublicKey;
use crate::facts::{Facts, Observed};
use crate::openssh::course::{self, Fate, Turn};
use crate::openssh::git_hosts::{GitHost, git_host};
use crate::openssh::known_hosts::{self, Standing};

use super::userauth::{all_refused, few, mend_accepted};
use super::{Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Place, Step, members, naming};

/// Its id, which groups name too.
pub(super) const ID: &str = "git-host-no-account";

pub(super) const GIT_HOST_NO_ACCOUNT: Cause = Cause {
    id: ID,
    title: "no account of the Git host has this key",
    blocks: Blocks::Accepted,
    place: Place::GitHost,
    doc: "A Git host looks for the account by the key alone: everybody logs in as git, and a key that no active account lists, \
          and no repository as a deploy key, is refused. The key was never added, was added to another service or account, has \
          expired or was removed there, or ssh offers another key than the one that was added.\n\n\
          Proven when the server is known for a Git host by its software or name, the user is the one that everybody has there, \
          and every key that ssh offers was refused. Where only the name git speaks for a Git host, it is a possible \
          alternative of the group no-key-accepted.",
    prevent: "Test a new key with ssh -T before you need it; write its IdentityFile into a Host block for the Git host.",
    fix: Fix { commands: add_key, mend: mend_accepted },
    see: &["RFC 4252 section 7", "ssh(1) -T"],
    judge: no_account,
};

/// The Git host that this login is at, where a refusal of its keys is judged here and not as a group.
pub(super) fn judged(facts: &Facts, turns: &[Turn]) -> Option<GitHost> {
    let host = git_host(facts)?;
    let service = host.service?;
    let git = naming::user(facts) == "git";
    // There the user is not git; another one is a matter of its own.
    let own_user = matches!(service, "CodeCommit" | "Gerrit");
    let from_a_file = turns.iter().any(|turn| turn.fate == Fate::Refused && !turn.offer.agent);
    (git != own_user && from_a_file).then_some(host)
}

fn no_account(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(refusal) = all_refused(facts, &turns)? else { return Ok(None) };
    let Some(host) = judged(facts, &turns) else { return Ok(None) };
    let login = naming::login(facts);
    let service = host.service.unwrap_or("the Git host");
    let refused: Vec<&PublicKey> =
        turns.iter().filter(|turn| turn.fate == Fate::Refused).filter_map(|turn| turn.offer.key.as_ref()).collect();
    let which = match refused.as_slice() {
        [key] => format!("your key {}", naming::key(key)),
        many => format!("any of your {} keys", many.len()),
    };
    let mut finding = Finding::proven(format!("{login}: no active account of {service} has {which}"));
    finding.evidence.push(host.because);
    // Under its name another may stand, where ssh takes the host key unseen.
    if !matches!(known_hosts::standing(facts), Some(Standing::Match(_))) {
        finding.certainty = Certainty::Likely;
        finding.evidence.push(format!("its host key is not known here: that it is {service} was not proved"));
        finding = finding.or([another_server(facts)]);
    }
    finding.evidence.extend(few(refused.iter().map(|key| format!("refused: {}", naming::key(key)))));
    // What such a host takes from nobody.
    let taken = |key: &&PublicKey| match service {
        "Azure DevOps" | "CodeCommit" => key.plain_algorithm() == "ssh-rsa",
        _ => key.plain_algorithm() != "ssh-dss",
    };
    if !refused.iter().any(taken) {
        finding.certainty = Certainty::Likely;
        let because = format!("{service} does not take keys of this type");
        finding = finding.or(members::alternative(facts, "server-key-algorithm-refused", vec![because]));
    }
    if naming::user(facts) != "git" {
        finding.certainty = Certainty::Likely;
        let user = naming::user(facts);
        let because = format!("{service} looks for the key in one account, and {user} may be another's name");
        finding = finding.or(members::alternative(facts, "wrong-user", vec![because]));
    }
    if !refusal.unasked.is_empty() {
        finding.certainty = Certainty::Likely;
        finding.evidence.push(format!("not asked: {}", few(refusal.unasked).join("; ")));
        finding = finding.or([super::userauth::among_the_unasked(facts)]);
    }
    Ok(Some(finding))
}

/// Another server than the Git host, which refuses the keys for reasons of its own.
fn another_server(facts: &Facts) -> Alternative {
    let (host, port) =
        facts.target.as_ref().map_or(("HOST".to_owned(), 22), |target| (target.host.to_string(), target.port));
    Alternative {
        cause: super::userauth::NO_KEY_ACCEPTED.id,
        certainty: Certainty::Possible,
        summary:
            "another server answers under that name: compare the fingerprints with those that the service publishes"
                .to_owned(),
        evidence: Vec::new(),
        decide: Some(Decide {
            place: Place::Client,
            command: format!("ssh-keyscan -p {port} {} | ssh-keygen -lf -", super::quoted(&host)),
        }),
    }
}

/// The cause as an alternative of a group.
pub(super) fn alternative(facts: &Facts, certainty: Certainty, evidence: Vec<String>) -> Alternative {
    Alternative {
        cause: GIT_HOST_NO_ACCOUNT.id,
        certainty,
        summary: GIT_HOST_NO_ACCOUNT.title.to_owned(),
        evidence,
        decide: Some(Decide {
            place: Place::GitHost,
            command: format!("ssh -T {}", naming::destination_without_path(facts)),
        }),
    }
}

/// Where a service lists an account's keys.
fn settings(service: &str, host: &str) -> String {
    match service {
        "GitHub" if host.ends_with("github.com") => "https://github.com/settings/keys".to_owned(),
        "GitLab" if host.ends_with("gitlab.com") => "https://gitlab.com/-/user_settings/ssh_keys".to_owned(),
        "Bitbucket" => "https://bitbucket.org/account/settings/ssh-keys/".to_owned(),
        "Codeberg" => "https://codeberg.org/user/settings/keys".to_owned(),
        "Gitea" => "https://gitea.com/user/settings/keys".to_owned(),
        "sourcehut" => "https://meta.sr.ht/keys".to_owned(),
        "CodeCommit" => "the IAM user's security credentials, SSH public keys for AWS CodeCommit".to_owned(),
        _ => format!("the settings of your account on {host}, under SSH keys"),
    }
}

fn add_key(facts: &Facts) -> Vec<Step> {
    let turns = course::course(facts).unwrap_or_default();
    let service = git_host(facts).and_then(|host| host.service).unwrap_or_default();
    let host = facts.target.as_ref().map(|target| target.host.to_string()).unwrap_or_default();
    let file = course::meant(facts, &turns).and_then(|turn| course::key_file(facts, &turn.offer));
    let mut steps = Vec::new();
    if let Some(file) = file {
        let command = match &file.public.key {
            Some(_) => format!("cat {}", naming::path(&file.public.path)),
            None => format!("ssh-keygen -y -f {}", naming::path(&file.path)),
        };
        steps.push(Step::here(command, "prints the public half, one line, to be added there"));
    }
    let there = settings(service, &host);
    steps.push(Step::person(Place::GitHost, format!("compare with the keys listed at {there}, and add this one")));
    steps.push(Step::here(
        format!("ssh -T {}", naming::destination_without_path(facts)),
        "greets with your account's name once the host knows the key",
    ));
    steps
}
