//! Whether another login name is the one meant, proved by asking for it.

use crate::facts::userauth::{Answer, Query, Userauth};
use crate::facts::{Facts, Observed, known};
use crate::openssh::course;

use super::{Blocks, Cause, Finding, Fix, Place, Step, members, naming};

/// The account that is asked for is another than the key's.
pub(super) const WRONG_USER: Cause = Cause {
    id: "wrong-user",
    title: "another login name is the one meant",
    blocks: Blocks::Accepted,
    place: Place::Client,
    doc: "The key belongs to another account of that server: a cloud image's default account (ubuntu, ec2-user, admin, \
          debian, …), git for a Git host, or ssh sent the local account's name because none was given. The server answers as \
          it does for an account that exists and does not list the key.\n\n\
          Proven when the server refuses a key for the one name and accepts the same key for the other, which is asked for \
          only where --try-user names it; else it is one of the members of no-key-accepted.",
    prevent: "Name the account in a Host block (User), so that the local name is never sent by accident.",
    fix: Fix {
        commands: |facts| {
            let Some(tried) = tried(facts) else { return Vec::new() };
            let name = super::quoted_option(tried.user.as_bytes());
            let destination = naming::destination_without(facts, &["user"]);
            vec![
                Step::here(format!("ssh -o User={name} {destination}"), "logs in as the account that accepts the key"),
                Step::here(
                    naming::host_block(facts, &[format!("User {}", tried.user)]),
                    "makes it last, for a host that is typed without a name: appends a Host block to ~/.ssh/config; move \
                     the block above any `Host *`",
                ),
            ]
        },
        mend: |facts| {
            if let Ok(tried) = facts.tried.clone() {
                if let Ok(target) = &mut facts.target {
                    target.user = tried.user.clone();
                }
                facts.userauth = Ok(*tried);
                facts.tried = Err(crate::facts::Unobserved::NotAttempted);
            }
        },
    },
    see: &["RFC 4252 section 5", "ssh_config(5) User"],
    judge: wrong_user,
};

fn wrong_user(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    known(&facts.tried)?;
    if super::userauth::all_refused(facts, &turns)?.is_none() {
        return Ok(None);
    }
    let (Some(query), Some(tried)) = (accepted_for_another(facts), tried(facts)) else { return Ok(None) };
    let host = facts.target.as_ref().map(|target| target.host.to_string()).unwrap_or_default();
    let (asked, key) = (naming::user(facts), naming::key(&query.key));
    let summary = format!("{host} accepts your key for {}, not for {asked}", tried.user);
    let mut finding = Finding::proven(summary)
        .seen(format!("refused for {asked}: {key}"))
        .seen(format!("accepted for {}: the same key", tried.user));
    finding.evidence.extend(members::other_name_meant(facts));
    Ok(Some(finding))
}

/// What the server said for the account of `--try-user`, where its yes means something.
fn tried(facts: &Facts) -> Option<&Userauth> {
    facts.tried.as_deref().ok().filter(|tried| tried.canary != Some(Answer::PkOk))
}

/// The key that the server accepts for the account of `--try-user` and refuses for the one that is meant.
pub(super) fn accepted_for_another(facts: &Facts) -> Option<&Query> {
    let userauth = facts.userauth.as_ref().ok().filter(|_| !course::says_yes_to_everything(facts))?;
    let refused = |query: &&Query| matches!(userauth.answer(&query.key), Some(Answer::Failure { partial: false, .. }));
    tried(facts)?.queries.iter().filter(|query| query.answer == Some(Answer::PkOk)).find(refused)
}

/// What became of the account of `--try-user`, where it is not the answer.
pub(super) fn tried_in_vain(facts: &Facts) -> Option<String> {
    let other = facts.tried.as_deref().ok().filter(|_| accepted_for_another(facts).is_none())?;
    let refused = other.queries.iter().filter(|query| matches!(query.answer, Some(Answer::Failure { .. }))).count();
    Some(if tried(facts).is_none() {
        format!("for {} the server says yes to every key, so its yes proves nothing", other.user)
    } else if refused > 0 {
        format!("{} was tried as well: {} refused", other.user, naming::count(refused, "key", "keys"))
    } else {
        format!("{} was tried as well, and the server gave no answer", other.user)
    })
}
