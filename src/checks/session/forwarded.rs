//! What became of the agent that ssh is to take along to the server. The login works all the same: these are remarks.

use crate::checks::{Place, Remark, Step, agent, auth_methods, naming, quoted};
use crate::facts::Facts;
use crate::facts::agent::AgentAnswer;
use crate::facts::session::ChannelOpen;
use crate::facts::text::escape;
use crate::facts::userauth::Userauth;
use crate::openssh::session::{Forwarding, forwarding, options_in_use};

/// What is to be said of an agent that ssh would forward to a server that lets in.
pub(in crate::checks) fn remarks(facts: &Facts) -> Vec<Remark> {
    let (Ok(session), Ok(userauth)) = (&facts.session, &facts.userauth) else { return Vec::new() };
    let course = forwarding(facts);
    if session.channel != Some(ChannelOpen::Confirmed) || course == Forwarding::Off {
        return Vec::new();
    }
    let mut remarks: Vec<Remark> = shared(facts).into_iter().collect();
    if course == Forwarding::NoAgent {
        remarks.push(none_here(facts));
    } else if session.agent == Some(false) {
        remarks.push(refused(facts, userauth));
    } else if session.agent == Some(true) {
        remarks.extend(empty(facts));
    }
    remarks
}

/// A connection that is open already and over which ssh would go: it asks for the agent only where its first login was
/// to (mux.c `mux_session_confirm`), and hands over that one's.
fn shared(facts: &Facts) -> Option<Remark> {
    let master = facts.config.control_master.as_ref().ok().filter(|master| master.alive)?;
    let summary = format!(
        "a shared connection of this login is open at {}: ssh goes over it, and with it comes the agent that its first \
         login brought, or none",
        master.path
    );
    let destination = naming::destination(facts);
    let end = "ends that connection and what still runs over it: the next login brings the agent that is here then";
    let aside = "leaves it open and makes a login of its own";
    Some(Remark::new(
        summary,
        vec![
            Step::here(format!("ssh -O exit {destination}"), end),
            Step::here(format!("ssh -S none {destination}"), aside),
        ],
    ))
}

fn none_here(facts: &Facts) -> Remark {
    let why = facts.agent.as_ref().ok().and_then(agent::failure);
    let why = why.unwrap_or_else(|| match facts.config.options.first("identityagent") {
        Some("none") => "IdentityAgent is none".to_owned(),
        _ => "SSH_AUTH_SOCK is not set".to_owned(),
    });
    let summary = format!(
        "no agent is forwarded, although ForwardAgent is on, for ssh reaches none here: {why}. ssh itself says nothing of it"
    );
    let step = if facts.run.auth_sock.is_some() && agent::switched_off(facts) {
        agent::as_the_shell_has(facts)
    } else if facts.run.ssh_connection.is_some() {
        Step::person(
            Place::AgentHost,
            "this shell was itself reached by ssh: come here with -A, so that an agent is here",
        )
    } else {
        Step::here(
            "eval \"$(ssh-agent -s)\" && ssh-add",
            "starts an agent for this shell with your default keys; name another key file after ssh-add",
        )
    };
    Remark::new(summary, vec![step])
}

/// The server says no (session.c `session_auth_agent_req`).
fn refused(facts: &Facts, userauth: &Userauth) -> Remark {
    let options = options_in_use(&userauth.debug);
    let by_key = options.is_some_and(|options| !options.agent_forwarding);
    let place = super::authorized_place(userauth).filter(|_| by_key);
    let said = userauth.debug.iter().find(|text| text.as_bytes().starts_with(b"Agent forwarding disabled"));
    let why = match (&place, said) {
        (Some((file, line)), _) => {
            let file = escape(file.as_bytes());
            format!(": the key's line {file}:{line} does not allow it (restrict, no-agent-forwarding)")
        }
        (None, Some(said)) => format!(", saying: {}", said.shortened(200)),
        (None, None) if by_key => ": the options of the key or certificate do not allow it".to_owned(),
        (None, None) if options.is_some() => {
            ": the key's line allows it, so it is most likely AllowAgentForwarding no or DisableForwarding yes in its \
             sshd_config"
                .to_owned()
        }
        (None, None) => String::new(),
    };
    let summary = format!(
        "the login works, and the server refuses to forward your agent{why}; whoever goes on from there has no key of yours"
    );
    let look = match place {
        Some((file, line)) => Step::server_root(
            format!("sed -n {line}p {}", quoted(&file)),
            "the key's line: agent-forwarding behind restrict allows it again",
        ),
        None => Step::server_root(
            auth_methods::sshd_effective(facts, "^(allowagentforwarding|disableforwarding) "),
            "what sshd says of forwarding for this user",
        ),
    };
    let on = "goes on from there with the keys of this machine, and needs no agent there; put the next host in the place \
              of NEXT_HOST";
    let jump = jump(facts).map(|through| Step::here(format!("ssh -J {through} NEXT_HOST"), on));
    Remark::new(summary, [look].into_iter().chain(jump).collect())
}

/// The target as `-J` names it; `None` where options were typed that it would not take.
fn jump(facts: &Facts) -> Option<String> {
    let target = facts.target.as_ref().ok().filter(|target| target.via.is_empty())?;
    let plain = facts.config.arguments.iter().all(|word| word.as_bytes() == b"-A");
    let port = if target.port == 22 { String::new() } else { format!(":{}", target.port) };
    plain.then(|| quoted(&format!("{}@{}{port}", target.user, target.alias)))
}

/// An agent that goes along and has nothing to sign with.
fn empty(facts: &Facts) -> Option<Remark> {
    let agent = facts.agent.as_ref().ok()?;
    let same = matches!(facts.config.options.first("forwardagent"), Some("yes" | "true"));
    let none = same && agent.answer == Ok(AgentAnswer::Lists(Vec::new()));
    let (what, step) = if agent.locked == Ok(true) {
        ("is locked", Step { place: crate::checks::forwarding::place(facts), ..Step::here("ssh-add -X", "unlocks it") })
    } else {
        let load = "loads your default keys; name another key file after it";
        ("lists no key", Step { place: crate::checks::forwarding::place(facts), ..Step::here("ssh-add", load) })
    };
    none.then(|| Remark::new(format!("the agent that ssh would forward {what}: it is of no use there"), vec![step]))
}
