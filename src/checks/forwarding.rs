//! Agents that were forwarded to this machine, or should have been: why none is here, why one answers no more, and what
//! is typed where it runs.

use crate::facts::agent::{AgentAnswer, AgentSocket};
use crate::facts::reached::{ForwardingLine, Multiplexer};
use crate::facts::text::{Host, Path, ServerText};
use crate::facts::{Facts, Observed};
use crate::openssh::arguments::value_words;

use super::{Place, Step, naming, quoted};

/// The forwarded agent's socket; `None` where the agent is this machine's, or there is none.
pub(super) fn socket(facts: &Facts) -> Option<&AgentSocket> {
    facts.agent.as_ref().ok()?.socket.as_ref().filter(|socket| socket.forwarded)
}

/// Where what is wrong with the agent is mended: where it runs.
pub(super) fn place(facts: &Facts) -> Place {
    if socket(facts).is_some() { Place::AgentHost } else { Place::Client }
}

/// The address that this shell was reached from (the first word of `SSH_CONNECTION`), or words for it.
pub(super) fn home(facts: &Facts) -> String {
    let connection = facts.run.ssh_connection.as_ref().and_then(ServerText::as_str);
    let address = connection.and_then(|text| text.split(' ').next()).filter(|address| !address.is_empty());
    address
        .map_or_else(|| "the machine that you came from".to_owned(), |address| ServerText::from(address).shortened(60))
}

/// Whether this shell was reached by ssh, and no agent came along.
pub(super) fn none_came(facts: &Facts) -> bool {
    let named = facts.agent.as_ref().is_ok_and(|agent| agent.socket.is_some());
    facts.run.ssh_connection.is_some() && facts.run.auth_sock.as_ref().is_none_or(Path::is_empty) && !named
}

/// The socket of a forwarded agent that lists nothing, where ssh would use what it lists.
pub(super) fn lists_none(facts: &Facts) -> Option<&AgentSocket> {
    let agent = facts.agent.as_ref().ok()?;
    let none = agent.keys().is_empty() && matches!(agent.answer, Ok(AgentAnswer::Lists(_)));
    socket(facts).filter(|_| none && !facts.config.options.is_yes("identitiesonly"))
}

/// What was seen of an agent that did not come along, and why that may be, likeliest first.
pub(super) fn why_none(facts: &Facts) -> Vec<String> {
    let home = home(facts);
    let mut lines = vec![format!(
        "you came from {home} and no agent came with you: this shell was reached by ssh, and SSH_AUTH_SOCK is not set"
    )];
    let unasked = "nobody asked for it: ssh brings an agent only with -A or ForwardAgent yes, and over a shared connection \
                   (ControlMaster) only if its first login asked";
    let gone =
        format!("there was no agent at {home} when ssh came here: then ssh asks for none, -A or not, and says nothing");
    let refused = match refusal(facts) {
        Some(Refusal::ForAll(line)) => {
            let sure = format!("the sshd of this machine refuses to forward agents: {line}");
            return numbered(lines, [sure, unasked.to_owned(), gone]);
        }
        Some(Refusal::ForSome(line)) => format!("the sshd of this machine refuses to forward agents to some: {line}"),
        None => "the sshd of this machine refuses it, or the line of the key that you came with does (restrict, \
                 no-agent-forwarding)"
            .to_owned(),
    };
    let refused = match facts.run.reached.as_ref().map(|reached| &reached.forwarding) {
        Some(Ok(told)) if told.is_empty() => format!("{refused}; the sshd_config here does not forbid it"),
        Some(Err(why)) => format!("{refused}; the sshd_config here was not read ({why})"),
        _ => refused,
    };
    lines.extend(older_window(facts));
    numbered(lines, [unasked.to_owned(), refused, gone])
}

/// On which machine the keys are that were offered, where a person may think of another one: on this one, also where the
/// login goes through others, and where it was itself reached by ssh.
pub(super) fn whose_keys(facts: &Facts) -> Vec<String> {
    let here = &facts.run.host;
    let via = facts.target.as_ref().map(|target| target.via.as_slice()).unwrap_or_default();
    // A name as it was typed may have a user before it.
    let host = |name: &Host| name.to_string().rsplit('@').next().unwrap_or_default().to_owned();
    let names = via.iter().map(host).collect::<Vec<_>>().join(", ");
    let through = (!via.is_empty()).then(|| {
        format!(
            "also through {names} ssh logs in with keys of this machine ({here}); keys that lie on {names} are not used"
        )
    });
    let alone = none_came(facts).then(|| {
        let home = home(facts);
        format!("the keys are of this machine ({here}): you came from {home} and no agent came with you, so the keys there were not asked about")
    });
    through.into_iter().chain(alone).collect()
}

/// The lines, and the reasons with their numbers.
fn numbered(mut lines: Vec<String>, reasons: [String; 3]) -> Vec<String> {
    lines.extend((1..).zip(reasons).map(|(place, reason)| format!("why, likeliest first, {place}: {reason}")));
    lines
}

/// What a multiplexer has to do with it.
fn older_window(facts: &Facts) -> Option<String> {
    let name = multiplexer(facts)?;
    Some(format!("this shell runs in {name}, which keeps the environment of the login that it was started from"))
}

fn multiplexer(facts: &Facts) -> Option<&'static str> {
    Some(match facts.run.multiplexer? {
        Multiplexer::Tmux => "tmux",
        Multiplexer::Screen => "screen",
    })
}

/// How this machine's sshd_config keeps agents away.
enum Refusal {
    /// From everybody, as far as it says.
    ForAll(String),
    /// From those whom a `Match` line names, or from all but those.
    ForSome(String),
}

fn refusal(facts: &Facts) -> Option<Refusal> {
    let Observed::Ok(lines) = &facts.run.reached.as_ref()?.forwarding else { return None };
    let said = |line: &ForwardingLine| {
        let word = match line.keyword.as_str() {
            "disableforwarding" => "DisableForwarding",
            _ => "AllowAgentForwarding",
        };
        format!("{word} {} ({})", line.value.shortened(20), line.at)
    };
    // The first line without a Match counts, of each of the two.
    let first = |keyword: &str| lines.iter().find(|line| line.keyword == keyword && line.matched.is_none());
    let general =
        ["allowagentforwarding", "disableforwarding"].into_iter().filter_map(first).find(|line| forbids(line));
    let matched = |forbidden: bool| lines.iter().find(|line| line.matched.is_some() && forbids(line) == forbidden);
    match (general, matched(true), matched(false)) {
        (Some(line), _, None) => Some(Refusal::ForAll(said(line))),
        (Some(line), _, Some(back)) => {
            Some(Refusal::ForSome(format!("{}, and {} under Match", said(line), said(back))))
        }
        (None, Some(line), _) => Some(Refusal::ForSome(format!("{} under Match", said(line)))),
        (None, None, _) => None,
    }
}

/// Whether this line keeps agents away (session.c `session_auth_agent_req`).
fn forbids(line: &ForwardingLine) -> bool {
    let word = value_words(line.value.as_bytes()).into_iter().next().unwrap_or_default().to_ascii_lowercase();
    match line.keyword.as_str() {
        "disableforwarding" => matches!(word.as_slice(), b"yes" | b"true"),
        _ => matches!(word.as_slice(), b"no" | b"false"),
    }
}

/// What to type where no agent came along.
pub(super) fn bring_one(facts: &Facts) -> Vec<Step> {
    let mut steps = vec![look_at_home()];
    let through = format!("ssh -J {} {}", here(facts), from_home(facts));
    let direct = facts.target.as_ref().is_ok_and(|target| target.via.is_empty());
    steps.extend(direct.then(|| there(
        through,
        "logs in to the target from there, through this machine and with the keys of that one: no agent is needed here. \
         Put the name by which you reach this machine in the place of the one behind -J, if it is another",
    )));
    let refused = matches!(refusal(facts), Some(Refusal::ForAll(_)));
    if !refused {
        steps.push(come_again(facts, "brings the agent here, if it is to be used here"));
    }
    steps.extend(take_over(facts));
    steps.push(Step {
        root: true,
        ..Step::here(
            format!(
                "sshd -T -C {} | grep -iE '^(allowagentforwarding|disableforwarding) '",
                quoted(&format!("user={},host={1},addr={1}", facts.run.user, home(facts)))
            ),
            if refused {
                "shows what the sshd of this machine says of forwarding; where it is to be allowed, change the line and \
                 reload sshd"
            } else {
                "shows whether the sshd of this machine refuses to forward agents"
            },
        )
    });
    steps
}

/// What the silence of a forwarded agent's socket means; `None` where it answers, or is none.
pub(super) fn why_dead(facts: &Facts) -> Vec<String> {
    let (Some(socket), Ok(agent)) = (socket(facts), &facts.agent) else { return Vec::new() };
    let home = home(facts);
    let what = match &agent.answer {
        Ok(AgentAnswer::Unreachable(errno)) if errno == "ENOENT" => format!(
            "sshd makes such a socket for an agent that is forwarded and takes it away with the login: the login from {home} \
             that brought this agent has ended"
        ),
        Ok(AgentAnswer::Unreachable(errno)) if errno == "ECONNREFUSED" => {
            format!("sshd made this socket for a forwarded agent: the login from {home} that brought it has ended")
        }
        Ok(AgentAnswer::Closed) => format!(
            "the login that brought this agent is still there, and at {home} nobody takes up: most likely the agent there has ended, or \
             was started anew under another name, since that login began (one over a shared connection, ControlMaster, \
             goes by the agent of its first login)"
        ),
        Ok(AgentAnswer::Silent) => {
            format!(
                "what is asked here is passed on to {home}: the agent there, or the connection to it, does not answer"
            )
        }
        _ => return Vec::new(),
    };
    let link = socket.link.as_ref().map(|link| format!("{} leads to {link}", socket.path));
    [what].into_iter().chain(link).chain(older_window(facts)).collect()
}

/// What to type where a forwarded agent answers no more.
pub(super) fn bring_again(facts: &Facts) -> Vec<Step> {
    let mut steps: Vec<Step> = take_over(facts).into_iter().collect();
    steps.push(look_at_home());
    steps.push(come_again(facts, "a login of its own, which brings the agent that is there now"));
    steps
}

/// A command for the machine where the agent runs.
pub(super) fn there(command: impl Into<String>, why: impl Into<String>) -> Step {
    Step { place: Place::AgentHost, ..Step::here(command, why) }
}

fn look_at_home() -> Step {
    there(
        "ssh-add -l",
        "is there an agent, and does it hold the key that you mean? ssh-add with the key's path behind it loads one",
    )
}

/// This machine in a command that is typed at home.
fn here(facts: &Facts) -> String {
    quoted(&format!("{}@{}", facts.run.user, facts.run.host))
}

/// The target in a command that is typed at home, where neither this machine's configuration nor its files are.
fn from_home(facts: &Facts) -> String {
    let Ok(target) = &facts.target else { return naming::destination(facts) };
    let port = if target.port == 22 { String::new() } else { format!("-p {} ", target.port) };
    format!("{port}{}", quoted(&format!("{}@{}", target.user, target.host)))
}

/// The login to this machine again, with an agent. A shared connection would keep what it was opened with.
fn come_again(facts: &Facts, why: &str) -> Step {
    there(format!("ssh -S none -A {}", here(facts)), format!("{why}; -S none leaves a shared connection aside"))
}

/// What takes a newer login's agent over into a window that is older.
fn take_over(facts: &Facts) -> Option<Step> {
    Some(match facts.run.multiplexer? {
        Multiplexer::Tmux => Step::here(
            "eval \"$(tmux show-environment -s SSH_AUTH_SOCK)\"",
            "takes over into this window what tmux was last attached with: helps once you have come with an agent and \
             attached again",
        ),
        Multiplexer::Screen => {
            Step::person(Place::Client, "once you have come with an agent, leave screen and start a new one")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::reached::Reached;
    use crate::facts::{Source, Target};

    fn scene(lines: &[(&str, &str, Option<&str>)]) -> Facts {
        let lines = (1..).zip(lines).map(|(line, (keyword, value, matched))| ForwardingLine {
            at: Source::File { path: "/etc/ssh/sshd_config".into(), line: Some(line) },
            keyword: (*keyword).to_owned(),
            value: (*value).into(),
            matched: matched.map(Into::into),
        });
        let mut facts = Facts::default();
        facts.run.ssh_connection = Some("198.51.100.20 50022 192.0.2.100 22".into());
        facts.run.reached = Some(Reached { forwarding: Ok(lines.collect()) });
        facts
    }

    fn first(facts: &Facts) -> String {
        why_none(facts).into_iter().find(|line| line.contains("first, 1:")).unwrap()
    }

    #[test]
    fn a_line_that_forbids_it_stands_first_and_others_do_not() {
        let forbids = first(&scene(&[("allowagentforwarding", "no", None), ("allowagentforwarding", "yes", None)]));
        assert!(forbids.ends_with("AllowAgentForwarding no (/etc/ssh/sshd_config:1)"), "{forbids}");
        let both = first(&scene(&[("disableforwarding", "yes", None)]));
        assert!(both.contains("DisableForwarding yes"), "{both}");
        for lines in [
            &[][..],
            &[("allowagentforwarding", "yes", None), ("allowagentforwarding", "no", None)],
            &[("allowagentforwarding", "no", Some("User b"))],
            &[("allowagentforwarding", "no", None), ("allowagentforwarding", "yes", Some("User a"))],
        ] {
            let said = first(&scene(lines));
            assert!(said.contains("nobody asked for it"), "{said}");
        }
    }

    #[test]
    fn where_it_is_forbidden_nobody_is_told_to_ask_for_it() {
        let typed = |facts: &Facts| bring_one(facts).into_iter().filter_map(|step| step.command).collect::<Vec<_>>();
        assert!(typed(&scene(&[])).iter().any(|command| command.contains(" -A ")));
        assert!(!typed(&scene(&[("allowagentforwarding", "no", None)])).iter().any(|command| command.contains(" -A ")));
    }

    #[test]
    fn what_is_typed_at_home_needs_nothing_of_this_machine() {
        let mut facts = scene(&[]);
        (facts.run.user, facts.run.host) = ("a".into(), "laptop".into());
        facts.config.arguments = vec!["-F".into(), "/home/a/bastion.conf".into(), "db1".into()];
        facts.target = Ok(Target {
            alias: "db1".into(),
            host: "db1.internal".into(),
            user: "deploy".into(),
            port: 2222,
            ..Target::default()
        });
        let typed: Vec<String> = bring_one(&facts).into_iter().filter_map(|step| step.command).collect();
        assert!(typed.contains(&"ssh -J a@laptop -p 2222 deploy@db1.internal".to_owned()), "{typed:?}");
    }

    #[test]
    fn an_agent_that_the_configuration_switches_off_is_not_started_anew() {
        let mut facts = Facts::default();
        facts.run.auth_sock = Some("/run/agent".into());
        facts.config.options.set("identityagent", "none");
        facts.target = Ok(Target { input: "web1".into(), alias: "web1".into(), ..Target::default() });
        assert!(super::super::agent::switched_off(&facts));
        let typed = super::super::agent::as_the_shell_has(&facts).command.unwrap_or_default();
        assert!(typed.starts_with("ssh -o IdentityAgent=SSH_AUTH_SOCK ") && typed.ends_with("web1"), "{typed}");
    }
}
