//! The one public key that a run asks about (`--offer`): what the server said of it, and whether that was expected.

use crate::facts::offer::{Expected, OfferedKey};
use crate::facts::userauth::Answer;
use crate::facts::{Facts, Observed, known};
use crate::openssh::course::{self, Fate, Use};
use crate::openssh::known_hosts::{self, Course};

use super::{Finding, Place, Step, naming};

/// Whether the server said what was expected (`--expect`): `None` where nothing was expected, `Some(None)` where the run
/// does not tell.
pub fn as_expected(facts: &Facts) -> Option<Option<bool>> {
    let expected = facts.run.limits.offer.as_ref()?.expected?;
    Some(answer(facts).map(|answer| answer == expected))
}

/// What the server said of the key; `None` where it was not asked, gave no answer that counts, or has not proved to be
/// the server that is meant.
fn answer(facts: &Facts) -> Option<Expected> {
    let userauth = facts.userauth.as_ref().ok()?;
    if known_hosts::course(facts) != Course::GoOn || course::says_yes_to_everything(facts) {
        return None;
    }
    if userauth.none == Some(Answer::Success) {
        // Whoever holds the key comes in, with it or without; that the key is accepted nobody has seen.
        let refused = facts.run.limits.offer.as_ref()?.expected == Some(Expected::Refused);
        return refused.then_some(Expected::Accepted);
    }
    match course::course(facts).ok()?.first()?.fate {
        Fate::Refused => Some(Expected::Refused),
        Fate::Accepted(_) => Some(Expected::Accepted),
        _ => None,
    }
}

/// The key in a sentence: `ssh-ed25519 SHA256:… (a@laptop) of new.pub`.
pub(super) fn name(offered: &OfferedKey) -> String {
    let from = if offered.path.as_bytes() == b"-" { String::new() } else { format!(" of {}", offered.path) };
    let certificate = offered.key.certificate.as_ref();
    let certificate = certificate.map(|certificate| format!(", certificate {}", certificate.key_id.shortened(60)));
    format!("{}{}{from}", naming::key(&offered.key), certificate.unwrap_or_default())
}

/// What follows a sentence about the answer where one was expected.
pub(super) fn compared(offered: &OfferedKey, answer: Expected) -> &'static str {
    match (offered.expected, answer) {
        (Some(Expected::Accepted), Expected::Accepted) => ", as expected",
        (Some(Expected::Refused), Expected::Refused) => ": from here it opens nothing, as expected",
        (Some(Expected::Accepted), Expected::Refused) => "; it was expected to accept it",
        (Some(Expected::Refused), Expected::Accepted) => "; it was expected to refuse it",
        (None, _) => "",
    }
}

/// The server accepts the key.
pub(super) fn accepted(facts: &Facts, offered: &OfferedKey) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    let turns = course::course(facts)?;
    let accepted = turns.first().is_some_and(|turn| turn.fate == Fate::Accepted(Use::Untried));
    if !accepted || course::says_yes_to_everything(facts) || known_hosts::course(facts) != Course::GoOn {
        return Ok(None);
    }
    let otherwise = compared(offered, Expected::Accepted);
    let summary = format!(
        "{} accepts the key {}: whoever holds its private half can log in{otherwise}",
        naming::login(facts),
        name(offered)
    );
    let mut finding = Finding::likely(summary).seen("the query about this key was answered by SSH_MSG_USERAUTH_PK_OK");
    if matches!(userauth.canary, Some(Answer::Failure { .. })) {
        finding = finding.seen("a made-up key was refused, so the server's yes means something");
    }
    Ok(Some(finding.seen("no signature was made: the private half is not asked for")))
}

/// What to type where a key is accepted that was expected to be refused.
pub(super) fn revoke(facts: &Facts) -> Vec<Step> {
    let Some(offered) = &facts.run.limits.offer else { return Vec::new() };
    if offered.expected != Some(Expected::Refused) {
        return Vec::new();
    }
    let home = naming::home(&naming::user(facts));
    if let Some(certificate) = &offered.key.certificate {
        let why = format!(
            "says whether RevokedKeys names a file and which CA is trusted (this one is {}); revoke the certificate there with \
             ssh-keygen -k -u",
            certificate.ca
        );
        return vec![Step::server_root(
            super::auth_methods::sshd_effective(facts, "revokedkeys|trustedusercakeys"),
            why,
        )];
    }
    let blob = super::quoted(&offered.key.blob.base64());
    vec![
        Step::server_root(
            format!("grep -nF -- {blob} {home}/.ssh/authorized_keys"),
            "shows the line that lets the key in; delete that line",
        ),
        Step::server_root(
            super::auth_methods::sshd_effective(facts, "authorizedkeys|revokedkeys|trustedusercakeys"),
            "where the line is not there: shows the other places from which sshd takes keys",
        ),
        Step::person(
            Place::Server,
            "ends the sessions that are open already: a key that is taken away closes none of them",
        ),
    ]
}
