//! The message to the server's administrator, where the report ends at the server: what somebody with root there needs
//! to find the login in the log and the key in the file, and the one command to run. Plain text, ready to paste; its
//! last line is the command.

use super::VerdictView;
use crate::checks::{self, Blocks, Place, members};
use crate::facts::Facts;
use crate::facts::connect::Dial;
use crate::facts::key::PublicKey;
use crate::facts::userauth::{Answer, Query, Signed, Userauth};
use crate::openssh::course;

/// How many keys are named.
const MOST_KEYS: usize = 3;

/// The message; `None` where the fault lies elsewhere or no login was meant.
pub(super) fn message(facts: &Facts, verdict: &VerdictView) -> Option<String> {
    // Who asks on the server has no need of a message to its administrator.
    if verdict.place != Some(Place::Server) || facts.account.is_ok() {
        return None;
    }
    let target = facts.target.as_ref().ok()?;
    // A log need not say for whom.
    let of = if target.user.is_empty() { String::new() } else { format!(" of {}", target.user) };
    let mut lines = vec![format!("The login{of} on {} by ssh fails.", target.host)];
    let mut row = |name: &str, value: String| lines.push(format!("{name:<10}{value}"));
    if !target.user.is_empty() {
        row("Account:", target.user.to_string());
    }
    let connect = facts.connect.as_ref().ok();
    let address = connect.and_then(|connect| connect.established());
    row(
        "Server:",
        match address {
            Some(address) if address.as_bytes() != target.host.as_bytes() => {
                format!("{} ({address}) port {}", target.host, target.port)
            }
            _ => format!("{} port {}", target.host, target.port),
        },
    );
    if let Some(address) = connect.and_then(|connect| connect.local_address.as_ref()) {
        row("From:", format!("{address}, as seen from the client (behind NAT another address)"));
    }
    if !facts.observed_at.local.is_empty() {
        row("Time:", facts.observed_at.local.clone());
    }
    row("Seen:", to_another(&verdict.summary));
    if is_before_userauth(verdict) {
        // Neither the keys nor what became of them matters there; sshdoctor may well have come further than ssh does.
        for seen in &verdict.evidence {
            row("", to_another(seen));
        }
    } else {
        row("Answer:", answered(facts, verdict));
        lines.extend(keys(facts));
    }
    let command = command(facts, verdict);
    lines.push(String::new());
    lines.push("Please run this on the server, as root:".to_owned());
    lines.push(command);
    Some(lines.join("\n"))
}

/// What was said to the user, as it is said to somebody else.
fn to_another(text: &str) -> String {
    text.replacen("your ssh", "the client's ssh", 1).replacen("your key", "the key", 1)
}

/// Whether ssh comes to an end before it says who wants to log in.
fn is_before_userauth(verdict: &VerdictView) -> bool {
    let cause = checks::causes().map(|(_, cause)| cause).find(|cause| cause.id == verdict.cause);
    cause.is_some_and(|cause| cause.blocks < Blocks::Offered)
}

/// What the server answered, in one line.
fn answered(facts: &Facts, verdict: &VerdictView) -> String {
    let Ok(userauth) = &facts.userauth else { return unanswered(facts) };
    let mut parts = Vec::new();
    let refused = |query: &&Query| matches!(query.answer, Some(Answer::Failure { partial: false, .. }));
    let refused = userauth.queries.iter().filter(|query| query.offered_by_ssh).filter(refused).count();
    if refused > 0 {
        parts.push(format!("{} refused", super::counted(refused, "key")));
    }
    let outcomes = userauth.signatures.iter().map(|signature| &signature.outcome);
    parts.extend(outcomes.filter_map(|outcome| match outcome {
        Signed::Answered(Answer::Success) if verdict.cause.starts_with("no-common-") => {
            Some("login succeeded with the algorithms that only the server takes".to_owned())
        }
        Signed::Answered(Answer::Success) => Some("login succeeded".to_owned()),
        Signed::Answered(Answer::Failure { partial: true, .. }) => Some("key accepted, more is demanded".to_owned()),
        Signed::Answered(Answer::Failure { partial: false, .. }) => {
            Some("key accepted in the query, the signed request refused".to_owned())
        }
        Signed::Unanswered => Some("key accepted in the query, connection closed on the signed request".to_owned()),
        _ => None,
    }));
    if let Some(methods) = userauth.methods() {
        let names = if methods.is_empty() { "none".to_owned() } else { methods.join(",") };
        parts.push(format!("methods that can continue: {names}"));
    }
    if parts.is_empty() {
        return unanswered(facts);
    }
    parts.join("; ")
}

/// What is said where userauth was not reached, or told nothing.
fn unanswered(facts: &Facts) -> String {
    let transport = facts.transport.as_ref().ok();
    if let Some(identification) = transport.and_then(|transport| transport.identification.as_ref()) {
        let identification = identification.shortened(80);
        return match facts.host_key.offered {
            Ok(_) => format!("{identification}; ssh does not go on with the host key that it shows"),
            Err(_) => format!("{identification}, and no further answer"),
        };
    }
    let attempts = facts.connect.as_ref().map(|connect| connect.attempts.as_slice()).unwrap_or_default();
    match attempts.last().map(|attempt| &attempt.outcome) {
        Some(Dial::Established) => "the connection is taken, no identification string comes".to_owned(),
        Some(Dial::Failed(errno)) => format!("the connection fails with {errno}"),
        Some(Dial::TimedOut(seconds)) => format!("no answer within {seconds} s"),
        None => "nothing was contacted".to_owned(),
    }
}

/// The keys that are meant, each as a line for `authorized_keys` and its fingerprint.
fn keys(facts: &Facts) -> Vec<String> {
    let Ok(userauth) = &facts.userauth else { return Vec::new() };
    let keys = meant(facts, userauth);
    let mut lines = Vec::new();
    for key in keys.iter().take(MOST_KEYS) {
        lines.push(format!("{:<10}{}", "Key:", key.fingerprint));
        let comment = if key.comment.is_empty() { String::new() } else { format!(" {}", key.comment.shortened(80)) };
        lines.push(format!("{} {}{comment}", key.algorithm, key.blob.base64()));
    }
    if keys.len() > MOST_KEYS {
        lines.push(format!("and {}", super::counted(keys.len() - MOST_KEYS, "further key")));
    }
    lines
}

/// The keys that a request was signed with, else those that ssh offered: the one that the user means, then the others
/// in ssh's order.
fn meant<'a>(facts: &'a Facts, userauth: &'a Userauth) -> Vec<&'a PublicKey> {
    let signed = userauth.signatures.iter().map(|signature| &signature.key);
    let mut chosen: Vec<&PublicKey> = signed.collect();
    if chosen.is_empty() {
        let turns = course::course(facts).unwrap_or_default();
        let meant = course::meant(facts, &turns).and_then(|turn| turn.offer.key.as_ref());
        let offered: Vec<&PublicKey> =
            userauth.queries.iter().filter(|query| query.offered_by_ssh).map(|query| &query.key).collect();
        chosen.extend(offered.iter().copied().find(|key| meant.is_some_and(|meant| meant.is_same(key))));
        chosen.extend(offered);
    }
    let mut keys: Vec<&PublicKey> = Vec::new();
    for key in chosen {
        if !keys.iter().any(|known| known.is_same(key)) {
            keys.push(key);
        }
    }
    keys
}

/// The one command: what the verdict or its likeliest alternative asks the server, else sshd's own words of that time.
fn command(facts: &Facts, verdict: &VerdictView) -> String {
    let asked = verdict.next_steps.iter().filter(|step| step.place == Place::Server && step.as_whom == "root");
    let decides = verdict.alternatives.iter().filter_map(|alternative| alternative.decide.as_ref());
    let decides = decides.filter(|decide| decide.place == Place::Server).map(|decide| decide.command.clone());
    // sshd's log tells nothing there: the probe went on where ssh stops.
    let shows = match verdict.cause {
        "no-common-kex" => Some("sshd -T | grep -i '^kexalgorithms '"),
        "no-common-host-key-algorithm" => Some("sshd -T | grep -i '^hostkey'"),
        "no-common-cipher" => Some("sshd -T | grep -i '^ciphers '"),
        "no-common-mac" => Some("sshd -T | grep -i '^macs '"),
        "host-key-revoked" => Some("for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf \"$key\"; done"),
        _ => None,
    };
    let shows = shows.map(str::to_owned);
    let mut asked = asked.filter_map(|step| step.command.clone()).chain(decides).chain(shows);
    asked.next().unwrap_or_else(|| members::log_command(facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Certainty;
    use crate::facts::connect::{Attempt, Connect};
    use crate::facts::key::Blob;
    use crate::facts::{Moment, Target};
    use crate::report::{AlternativeView, DecideView};

    fn verdict() -> VerdictView {
        VerdictView {
            cause: "no-key-accepted",
            certainty: Certainty::Proven,
            place: Some(Place::Server),
            summary: "web1 refuses every key.".to_owned(),
            evidence: Vec::new(),
            next_steps: Vec::new(),
            prevent: None,
            needs: Vec::new(),
            also: Vec::new(),
            alternatives: Vec::new(),
            hop: None,
            ruled_out: Vec::new(),
        }
    }

    fn facts(keys: u8) -> Facts {
        let refused = Answer::Failure { methods: vec!["publickey".to_owned()], partial: false };
        let query = |number: u8| Query {
            key: PublicKey {
                algorithm: "ssh-ed25519".to_owned(),
                blob: Blob(vec![number; 3]),
                fingerprint: format!("SHA256:{number}").into(),
                comment: "a@laptop".into(),
                bits: None,
                certificate: None,
            },
            algorithm: "ssh-ed25519".to_owned(),
            offered_by_ssh: number != 0,
            connection: 0,
            answer: Some(refused.clone()),
        };
        Facts {
            observed_at: Moment { unix_seconds: 1000, local: "2026-11-22T13:20:05+03:00".to_owned() },
            target: Ok(Target { user: "deploy".into(), host: "web1".into(), port: 2222, ..Target::default() }),
            connect: Ok(Connect {
                attempts: vec![Attempt {
                    address: "192.0.2.7".into(),
                    port: 2222,
                    outcome: Dial::Established,
                    millis: 1.0,
                }],
                local_address: Some("198.51.100.4".into()),
                ..Connect::default()
            }),
            userauth: Ok(Userauth {
                none: Some(refused.clone()),
                queries: (0..=keys).map(query).collect(),
                ..Userauth::default()
            }),
            ..Facts::default()
        }
    }

    #[test]
    fn it_holds_what_an_administrator_needs_and_ends_with_the_command() {
        let text = message(&facts(1), &verdict()).unwrap();
        let expected = "The login of deploy on web1 by ssh fails.\n\
             Account:  deploy\n\
             Server:   web1 (192.0.2.7) port 2222\n\
             From:     198.51.100.4, as seen from the client (behind NAT another address)\n\
             Time:     2026-11-22T13:20:05+03:00\n\
             Seen:     web1 refuses every key.\n\
             Answer:   1 key refused; methods that can continue: publickey\n\
             Key:      SHA256:1\n\
             ssh-ed25519 AQEB a@laptop\n\n\
             Please run this on the server, as root:\n\
             COMMAND";
        assert_eq!(text, expected.replace("COMMAND", &members::log_command(&facts(1))));
    }

    #[test]
    fn only_a_few_of_many_keys_are_named() {
        let text = message(&facts(5), &verdict()).unwrap();
        assert_eq!(text.matches("Key: ").count(), MOST_KEYS);
        assert!(text.contains("\nand 2 further keys\n"), "{text}");
    }

    #[test]
    fn the_command_that_decides_the_likeliest_alternative_is_asked_for() {
        let mut verdict = verdict();
        verdict.alternatives = vec![AlternativeView {
            cause: "server-strict-modes",
            certainty: Certainty::Possible,
            summary: String::new(),
            evidence: Vec::new(),
            next_steps: Vec::new(),
            decide: Some(DecideView { place: Place::Server, command: "namei -l /home/deploy/.ssh".to_owned() }),
        }];
        assert!(message(&facts(1), &verdict).unwrap().ends_with("\nnamei -l /home/deploy/.ssh"));
    }

    #[test]
    fn before_userauth_no_key_and_no_answer_to_one_is_named() {
        let evidence = vec!["the server offers: diffie-hellman-group1-sha1".to_owned()];
        let summary = "your ssh and web1 share no key exchange method".to_owned();
        let text = message(&facts(1), &VerdictView { cause: "no-common-kex", summary, evidence, ..verdict() }).unwrap();
        assert!(text.contains("\nSeen:     the client's ssh and web1 share no key exchange method\n"), "{text}");
        assert!(text.contains("\n          the server offers: diffie-hellman-group1-sha1\n"), "{text}");
        assert!(!text.contains("Key:") && !text.contains("Answer:"), "{text}");
        assert!(text.ends_with("\nsshd -T | grep -i '^kexalgorithms '"), "{text}");
    }

    #[test]
    fn a_fault_elsewhere_asks_nobody() {
        assert_eq!(message(&facts(1), &VerdictView { place: Some(Place::Client), ..verdict() }), None);
        assert_eq!(message(&facts(1), &VerdictView { place: None, ..verdict() }), None);
    }
}
