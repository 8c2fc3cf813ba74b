//! The methods that a person answers, after the keys, as ssh does (sshconnect2.c `userauth_passwd`, `userauth_kbdint`): each
//! is tried once, and nothing of what is typed is kept.

use super::{Bound, Exchange, Plan, log_in};
use crate::collect::ssh::message::MAX_QUESTIONS;
use crate::collect::{Waiting, agent};
use crate::facts::End;
use crate::facts::userauth::{Attempted, Round};

/// Methods of one login that are tried one after the other.
const MAX_METHODS: usize = 6;
/// Requests of one dialogue that are answered.
const MAX_ROUNDS: usize = 12;

/// Puts the server's questions to the person, where there is one and the keys did not log in; whether the login stands.
pub(super) async fn give(
    exchange: &mut Exchange<'_>,
    plan: &Plan,
    bound: &Bound,
    agent: &mut Option<agent::Connection>,
    waiting: &Waiting<'_>,
) -> Result<bool, End> {
    // ssh asks for the passphrase of a key that the server accepts before it comes here.
    let passphrase = plan.candidates.iter().any(|candidate| candidate.locked && exchange.accepts(&candidate.key));
    if plan.person.is_none() || !plan.may_log_in() || (passphrase && !exchange.partial) {
        return Ok(false);
    }
    let mut tried: Vec<&str> = Vec::new();
    for _ in 0..MAX_METHODS {
        let open = |method: &&&str| exchange.methods.iter().any(|name| name == **method) && !tried.contains(*method);
        let Some(method) = plan.questions.iter().find(open).copied() else { return Ok(false) };
        let given = match method {
            "password" => password(exchange, plan, waiting).await?,
            _ => dialogue(exchange, plan, waiting).await?,
        };
        if exchange.logged_in || !given {
            return Ok(exchange.logged_in);
        }
        tried.push(method);
        if exchange.partial_answer() {
            tried.clear();
            if keys(exchange, plan, bound, agent, waiting).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Offers the keys where the server wants one after an answer; whether one of them logged in.
async fn keys(
    exchange: &mut Exchange<'_>,
    plan: &Plan,
    bound: &Bound,
    agent: &mut Option<agent::Connection>,
    waiting: &Waiting<'_>,
) -> Result<bool, End> {
    if !exchange.methods.iter().any(|method| method == "publickey") || !exchange.facts.signatures.is_empty() {
        return Ok(false);
    }
    for candidate in plan.candidates.iter().filter(|candidate| candidate.offered) {
        exchange.query(candidate, plan, bound);
    }
    exchange.settle().await?;
    log_in(exchange, plan, bound, agent, waiting).await
}

/// Asks for the password and tries it; whether there was one.
async fn password(exchange: &mut Exchange<'_>, plan: &Plan, waiting: &Waiting<'_>) -> Result<bool, End> {
    let Some((person, login)) = &plan.person else { return Ok(false) };
    waiting("");
    let Some(password) = person.ask(&format!("{login}'s password: "), false).await else { return Ok(false) };
    waiting("the server's answer to the password");
    exchange.try_password(&password).await?;
    Ok(true)
}

/// Has a dialogue answered; whether it came to its end.
async fn dialogue(exchange: &mut Exchange<'_>, plan: &Plan, waiting: &Waiting<'_>) -> Result<bool, End> {
    let Some((person, login)) = plan.person.as_ref().filter(|(person, _)| person.takes_dialogues()) else {
        // Another method may be one that the person is asked for.
        return Ok(true);
    };
    waiting("the server's questions");
    exchange.begin_dialogue().await?;
    for _ in 0..MAX_ROUNDS {
        let Some(round) = exchange.questions() else { return Ok(true) };
        if round.count > MAX_QUESTIONS {
            let many = format!("the server asks {} questions at once", round.count);
            exchange.outcome(Attempted::Unending(many));
            return Ok(false);
        }
        waiting("");
        introduce(&round, person).await;
        let mut answers = Vec::new();
        for prompt in &round.prompts {
            let question = format!("({login}) {} ", prompt.text.shortened(200).trim_end());
            let Some(answer) = person.ask(&question, prompt.echo).await else {
                exchange.outcome(Attempted::NotGiven);
                return Ok(false);
            };
            answers.push(answer);
        }
        waiting("the server's answer (it may be waiting for a confirmation elsewhere)");
        exchange.give_answers(&answers).await?;
    }
    if exchange.questions().is_some() {
        exchange.outcome(Attempted::Unending(format!("the server asks on after {MAX_ROUNDS} rounds of questions")));
        return Ok(false);
    }
    Ok(true)
}

/// Shows what stands above the questions.
async fn introduce(round: &Round, person: &crate::collect::person::Person) {
    for text in [&round.name, &round.instruction] {
        for line in text.as_bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(20) {
            person.say(&crate::facts::text::ServerText::new(line).shortened(400)).await;
        }
    }
}
