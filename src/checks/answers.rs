//! What a person at the terminal answered: a password, or a dialogue's questions (RFC 4252 section 8, RFC 4256).

use crate::facts::text::ServerText;
use crate::facts::userauth::{Answer, Attempt, Attempted, Userauth};
use crate::facts::{Facts, Observed, known};
use crate::openssh::course;

use super::{Blocks, Cause, Finding, Fix, Place, Step, naming};

/// A password was refused.
pub(super) const PASSWORD_REJECTED: Cause = Cause {
    id: "password-rejected",
    title: "the password that was typed is refused",
    blocks: Blocks::Finished,
    place: Place::Open,
    doc: "A password, or the answers to the server's questions, was tried once and the server refused it. sshd gives the same \
          answer to a wrong password, to an account that does not exist or is locked, and to one that may not log in this way \
          (PermitRootLogin prohibit-password, AllowUsers): its log tells them apart.\n\n\
          Proven that it was refused when one was typed (--ask-password, --interactive) and answered by a failure.",
    prevent: "A key needs no password on the server: ssh-copy-id authorises one while the password still works.",
    fix: Fix { commands, mend },
    see: &["RFC 4252 section 8", "RFC 4256", "OpenSSH auth-passwd.c auth_password"],
    judge: password_rejected,
};

/// The last thing that a person was asked for.
fn last(userauth: &Userauth) -> Option<&Attempt> {
    userauth.attempts.last()
}

/// Whether the last answer that a person gave was refused: then ssh has gone past its keys.
pub(super) fn is_refused(facts: &Facts) -> bool {
    let Ok(userauth) = &facts.userauth else { return false };
    let cut = course::is_cut(userauth, userauth.connections.len().saturating_sub(1));
    last(userauth).is_some_and(|attempt| match &attempt.outcome {
        Attempted::Answered(answer) => matches!(answer, Answer::Failure { partial: false, .. }),
        // The failure at which the server hangs up is one.
        Attempted::Unanswered => cut,
        _ => false,
    })
}

/// Whether the server demands a new password in place of an answer to the one that was typed, and in which words.
pub(super) fn change_demanded(facts: &Facts) -> Option<&ServerText> {
    match &last(facts.userauth.as_ref().ok()?)?.outcome {
        Attempted::ChangeDemanded(prompt) => Some(prompt),
        _ => None,
    }
}

/// Whether the login was made with an answer of a person's.
pub(super) fn logged_in(userauth: &Userauth) -> Option<&Attempt> {
    userauth.attempts.iter().find(|attempt| attempt.outcome == Attempted::Answered(Answer::Success))
}

/// Whether the server asked without end, so that no person could be put through it.
pub(super) fn unending(facts: &Facts) -> Option<&str> {
    match &last(facts.userauth.as_ref().ok()?)?.outcome {
        Attempted::Unending(words) => Some(words),
        _ => None,
    }
}

/// What was typed, in a sentence.
pub(super) fn typed(attempt: &Attempt) -> &'static str {
    let questions: usize = attempt.rounds.iter().map(|round| round.prompts.len()).sum();
    match (attempt.method.as_str(), questions) {
        ("password", _) => "the password that was typed",
        (_, 0) => "the dialogue that asks nothing",
        (_, 1) => "the answer that was typed",
        _ => "the answers that were typed",
    }
}

/// Each attempt in a line, and the questions of its dialogue.
pub(super) fn lines(userauth: &Userauth) -> Vec<String> {
    let mut lines = Vec::new();
    for attempt in &userauth.attempts {
        for prompt in attempt.rounds.iter().flat_map(|round| &round.prompts) {
            lines.push(format!("the server asked: {}", prompt.text.shortened(100)));
        }
        let outcome = match &attempt.outcome {
            Attempted::Answered(Answer::Success) => "accepted".to_owned(),
            Attempted::Answered(Answer::Failure { partial: true, methods }) => {
                format!("accepted with partial success; then: {}", methods.join(", "))
            }
            Attempted::Answered(Answer::Failure { methods, .. }) => {
                format!("refused; the server still takes: {}", methods.join(", "))
            }
            Attempted::Answered(_) => "an answer that fits no question".to_owned(),
            Attempted::ChangeDemanded(_) => "the server demands a new password in place of an answer".to_owned(),
            Attempted::Unanswered => "the connection ended in place of an answer".to_owned(),
            Attempted::NotGiven => "nothing was typed".to_owned(),
            Attempted::Unending(words) => words.clone(),
        };
        lines.push(format!("tried once by method {}: {outcome}", attempt.method));
    }
    lines
}

fn password_rejected(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    let Some(attempt) = last(userauth).filter(|_| is_refused(facts)) else { return Ok(None) };
    let mut finding = Finding::proven(format!("{} refuses {}", naming::login(facts), typed(attempt)));
    finding.evidence = lines(userauth);
    finding
        .evidence
        .push("sshd answers alike to a wrong password and to an account that may not log in with one".to_owned());
    if userauth.user == "root" {
        finding.evidence.push(
            "sshd's default lets root in with a key only (PermitRootLogin prohibit-password), whatever the password"
                .to_owned(),
        );
    }
    Ok(Some(finding))
}

fn commands(facts: &Facts) -> Vec<Step> {
    let option = match facts.userauth.as_ref().ok().and_then(last) {
        Some(attempt) if attempt.method == "password" => "--ask-password",
        _ => "--interactive",
    };
    vec![
        Step::here(
            format!("sshdoctor {option} {}", naming::destination(facts)),
            "tries once more: mind Caps Lock and the keyboard's layout, for nothing of it is shown",
        ),
        Step::server_root(
            super::members::log_command(facts),
            "says whether it was the password, or an account that may not log in this way",
        ),
    ]
}

fn mend(facts: &mut Facts) {
    if let Ok(userauth) = &mut facts.userauth
        && let Some(attempt) = userauth.attempts.last_mut()
    {
        attempt.outcome = Attempted::Answered(Answer::Success);
    }
    facts.session = Err(crate::facts::Unobserved::NotAttempted);
}
