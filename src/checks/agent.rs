//! The ssh-agent: whether it answers, and whether it signs with what it lists.

use crate::facts::agent::{Agent, AgentAnswer};
use crate::facts::key::PublicKey;
use crate::facts::userauth::{Answer, Query};
use crate::facts::{Facts, Observed, Source, Stage, Unobserved, known};
use crate::openssh::course::{self, Fate, Use};
use crate::openssh::identities::offers;
use crate::openssh::prompts;

use super::{
    Alternative, Blocks, Cause, Certainty, Check, Decide, Finding, Fix, Outcome, Place, Step, forwarding, members,
    naming,
};

/// The agent answers and signs.
pub const AGENT: Check = Check {
    id: "agent",
    stage: Stage::Agent,
    claim: "the agent answers, holds the key that is meant and signs with it",
    causes: &[&AGENT_UNREACHABLE, &AGENT_KEY_CONSTRAINED, &AGENT_REFUSED_TO_SIGN, &AGENT_LACKS_ACCEPTED_KEY],
    holds: agent_holds,
    rules_out: &[("agent-unreachable", the_agent_answers)],
};

pub(super) const AGENT_UNREACHABLE: Cause = Cause {
    id: "agent-unreachable",
    title: "the agent cannot be reached",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "SSH_AUTH_SOCK or IdentityAgent names a socket that is gone, that nobody listens on, that does not answer or that \
          is not yours, and no other identity opens the door. Terminals that outlive the login they were started in (tmux, \
          screen, an editor) keep the old name of a socket. ssh says so only with -v.\n\n\
          An agent that accepts the connection and stays silent holds ssh up before it offers anything, key files included: \
          ssh waits for it without a limit. ssh-agent serves nobody while it asks its owner for a confirmation, a PIN or a \
          touch, so the silence may end with an answer to that question.\n\n\
          The socket of a forwarded agent goes with the login that brought it. As long as that login lasts, sshd accepts a \
          connection there and closes it where nobody takes it up at the other end: the agent has ended, or was started anew.\n\n\
          Proven when the socket failed in this run and ssh has nothing else to offer; likely when other identities were \
          offered and refused, and where the agent was only silent.",
    prevent: "Let the session manager own the agent, or point IdentityAgent at a socket with a fixed name.",
    fix: Fix {
        commands: |facts| {
            if forwarding::socket(facts).is_some() {
                return forwarding::bring_again(facts);
            }
            if facts.run.ssh_connection.is_some() {
                let again = "leave this shell and log in again with -A from the machine where the agent runs; in tmux or \
                             screen, open a new window after that";
                return vec![Step::person(Place::AgentHost, again)];
            }
            if is_silent(facts) {
                return vec![
                    Step::person(
                        Place::Client,
                        "look for a window or a terminal that asks for a confirmation or a PIN, and for an authenticator \
                         that blinks, and answer it; ssh goes on by itself then",
                    ),
                    Step::here(
                        format!("ssh -o IdentityAgent=none {}", naming::destination_without(facts, &["identityagent"])),
                        "logs in without the agent, by key files alone",
                    ),
                ];
            }
            vec![Step::here(
                "eval \"$(ssh-agent -s)\" && ssh-add",
                "starts an agent for this shell and loads your default keys; name another key file after ssh-add",
            )]
        },
        mend: |facts| {
            facts.agent = Err(Unobserved::NotAttempted);
            facts.userauth = Err(Unobserved::NotAttempted);
            facts.session = Err(Unobserved::NotAttempted);
        },
    },
    see: &[
        "OpenSSH authfd.c ssh_get_authentication_socket_path",
        "OpenSSH clientloop.c client_request_agent",
        "ssh-agent(1)",
    ],
    judge: agent_unreachable,
};

fn agent_unreachable(facts: &Facts) -> Observed<Option<Finding>> {
    let agent = known(&facts.agent)?;
    let Some(failure) = failure(agent) else { return Ok(None) };
    if facts.checkup.is_some() {
        return super::checkup::agent_unreachable(facts, &failure);
    }
    if holds_ssh_up(facts) {
        let summary = format!("ssh waits for the agent and offers nothing before it answers: {failure}");
        let mut finding = Finding::likely(summary).seen(failure);
        finding.evidence.extend(forwarding::why_dead(facts));
        return Ok(Some(silent(finding)));
    }
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let takes_keys = userauth.methods().is_some_and(|methods| methods.iter().any(|method| method == "publickey"));
    let other_works = course::good(&turns).is_some() || course::stopped(&turns).is_some();
    let passed_over = super::identities::not_offered_but_accepted(facts, userauth).next().is_some();
    let asks = prompts::secrets_can_be_asked(facts)
        && super::userauth::question_open(facts, userauth.methods().unwrap_or_default());
    let offered = turns.iter().filter(|turn| turn.offer.key.is_some()).count();
    let file_at_fault = turns.iter().any(|turn| matches!(turn.fate, Fate::Unusable(_)));
    // With IdentitiesOnly an agent adds nothing to what the files offer.
    let agent_matters = !facts.config.options.is_yes("identitiesonly");
    if !takes_keys
        || !agent_matters
        || other_works
        || passed_over
        || file_at_fault
        || !super::userauth::client_takes_publickey(facts)
        || (offered == 0 && asks)
    {
        return Ok(None);
    }
    let which = if forwarding::socket(facts).is_some() { "forwarded agent" } else { "agent" };
    let summary = format!("ssh cannot reach the {which}: {failure}");
    let of_home = |mut finding: Finding| {
        finding.evidence.extend(forwarding::why_dead(facts));
        finding.place = Some(forwarding::place(facts));
        finding
    };
    if offered == 0 {
        let finding = Finding::proven(summary).seen(failure).seen("ssh has no other identity to offer");
        return Ok(Some(of_home(finding)));
    }
    let refused = naming::count(offered, "other identity was", "other identities were");
    let alternative = Alternative {
        cause: "no-key-accepted",
        certainty: Certainty::Possible,
        summary: "the key file that was offered is the one meant, and the server does not accept it".to_owned(),
        evidence: Vec::new(),
        decide: Some(Decide { place: Place::Client, command: "ssh-add -l".to_owned() }),
    };
    let finding = Finding::likely(summary).seen(failure).seen(format!("{refused} offered and refused"));
    Ok(Some(of_home(finding).or([alternative])))
}

/// Whether the agent accepts connections and says nothing.
pub(super) fn is_silent(facts: &Facts) -> bool {
    facts.agent.as_ref().is_ok_and(|agent| agent.socket.is_some() && agent.answer == Ok(AgentAnswer::Silent))
}

/// Whether ssh would wait for a silent agent: it asks for the list before it offers its first key, also with
/// `IdentitiesOnly`, and sets no limit (sshconnect2.c `userauth_pubkey`, `pubkey_prepare`; authfd.c `ssh_request_reply`).
pub fn holds_ssh_up(facts: &Facts) -> bool {
    let Ok(userauth) = &facts.userauth else { return false };
    let takes_keys = userauth.methods().is_some_and(|methods| methods.iter().any(|method| method == "publickey"));
    let elsewise = userauth.admitted_by.is_some() || super::answers::logged_in(userauth).is_some();
    is_silent(facts)
        && facts.run.limits.offer.is_none()
        && takes_keys
        && course::takes_publickey(facts)
        && userauth.none != Some(Answer::Success)
        && !elsewise
}

/// What silence may mean besides.
pub(super) fn silent(finding: Finding) -> Finding {
    finding.seen("it was given 3 s; ssh itself sets no limit").or([Alternative {
        cause: AGENT_REFUSED_TO_SIGN.id,
        certainty: Certainty::Possible,
        summary: "the agent is well and waits for its owner: ssh-agent serves nobody while it asks for a confirmation \
                  (ssh-add -c), a PIN or a touch for another program"
            .to_owned(),
        evidence: Vec::new(),
        decide: Some(Decide { place: Place::Client, command: "ssh-add -l".to_owned() }),
    }])
}

/// Why the agent gives no list, in words; `None` where it gives one or there is none.
pub(super) fn failure(agent: &Agent) -> Option<String> {
    let socket = agent.socket.as_ref()?;
    let named = match &socket.from {
        // A transcript may name no path.
        _ if socket.path.is_empty() => "there is a socket of an agent".to_owned(),
        Source::Environment(name) => format!("{name} names {}", socket.path),
        from => format!("{from} names {}", socket.path),
    };
    let what = match agent.answer.as_ref().ok()? {
        AgentAnswer::Lists(_) => return None,
        AgentAnswer::Unreachable(errno) => match errno.as_str() {
            "ENOENT" => "which does not exist".to_owned(),
            "ECONNREFUSED" => "and nobody listens there any more".to_owned(),
            "EACCES" | "EPERM" => "which this account may not open".to_owned(),
            errno => format!("which fails with {errno}"),
        },
        AgentAnswer::Silent => "and what listens there does not answer".to_owned(),
        AgentAnswer::Closed => "and what listens there closes the connection unanswered".to_owned(),
        AgentAnswer::Garbage(how) => format!("and what listens there is no agent: {how}"),
        AgentAnswer::Refused => "and it refuses to list its keys".to_owned(),
    };
    Some(format!("{named}, {what}"))
}

const AGENT_LACKS_ACCEPTED_KEY: Cause = Cause {
    id: "agent-lacks-accepted-key",
    title: "the agent does not hold a key that the server accepts",
    blocks: Blocks::Accepted,
    place: Place::AgentHost,
    doc: "Everything that ssh offers comes from an agent, often a forwarded one, the server refuses each of it, and no key \
          file fills in. Either the key that is meant is loaded nowhere, and must be added where the agent runs, or it is \
          among those and the server does not accept it for this account; from here the two look the same.\n\n\
          Proven when every identity offered came from the agent and was refused. The group itself stands for \"the key meant \
          is not in the agent\"; its alternatives lie on the server.",
    prevent: "Run ssh-add -l before a session that depends on the agent; give the host an IdentityFile as a second way.",
    fix: Fix {
        commands: |facts| {
            let place = forwarding::place(facts);
            vec![
                Step {
                    place,
                    ..Step::here("ssh-add -l", "lists what the agent holds: is the key that you mean among them?")
                },
                Step {
                    place,
                    ..Step::here(
                        "ssh-add PATH_OF_YOUR_KEY",
                        "if not, loads it into the agent; put your key's path in the place of PATH_OF_YOUR_KEY",
                    )
                },
            ]
        },
        mend: super::userauth::mend_accepted,
    },
    see: &["OpenSSH sshconnect2.c pubkey_prepare", "ssh-add(1)"],
    judge: agent_lacks_accepted_key,
};

fn agent_lacks_accepted_key(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(refused) = super::userauth::all_refused(facts, &turns)? else { return Ok(None) };
    let other = super::userauth::certificates::is_expired(facts, &turns)
        || super::wrong_user::accepted_for_another(facts).is_some();
    if !turns.iter().all(|turn| turn.offer.agent) || other {
        return Ok(None);
    }
    let agent = known(&facts.agent)?;
    let forwarded = agent.socket.as_ref().is_some_and(|socket| socket.forwarded);
    let which = if forwarded { "the forwarded agent" } else { "the agent" };
    let keys = naming::count(turns.len(), "key", "keys");
    let summary =
        format!("{} accepts none of the {keys} in {which}, and ssh has no key file besides", naming::login(facts));
    let mut finding = Finding::proven(summary);
    finding.place = Some(if forwarded { Place::AgentHost } else { Place::Client });
    let keys = turns.iter().filter(|turn| turn.fate == Fate::Refused).filter_map(|turn| turn.offer.key.as_ref());
    let lines = keys.map(|key| format!("refused: {}, from {which}", naming::key(key)));
    finding.evidence.extend(super::userauth::few(lines));
    if let Some(socket) = agent.socket.as_ref().filter(|socket| !socket.path.is_empty()) {
        let runs =
            if forwarded { format!("; it runs at {}, or beyond it", forwarding::home(facts)) } else { String::new() };
        finding.evidence.push(format!("{which} is {} (named by {}){runs}", socket.path, socket.from));
    }
    finding.evidence.extend(forwarding::whose_keys(facts));
    finding.evidence.extend(super::identities::absent_files(facts));
    finding.evidence.extend(super::identities::accepted_elsewhere(facts, known(&facts.userauth)?));
    if !refused.unasked.is_empty() {
        finding.certainty = Certainty::Likely;
        finding.evidence.push(format!("not asked: {}", super::userauth::few(refused.unasked).join("; ")));
    }
    Ok(Some(finding.or(members::of_refusal(facts, &turns))))
}

const AGENT_REFUSED_TO_SIGN: Cause = Cause {
    id: "agent-refused-to-sign",
    title: "the agent holds the accepted key and does not sign with it",
    blocks: Blocks::Signed,
    place: Place::Client,
    doc: "The server accepts a key that the agent lists, and the agent answers the request to sign with a failure, or not \
          at all: it is locked, its owner was asked for a confirmation, a passphrase, a PIN or a touch and did not give it, or \
          the program that should ask cannot show itself (gpg-agent without GPG_TTY). ssh says `agent refused operation`.\n\n\
          Proven when the agent refused to sign in this very run, or gave no answer while it was waited for.",
    prevent: "Unlock the agent and start its prompt (ssh-askpass, pinentry) in the session that uses it.",
    fix: Fix {
        commands: |facts| {
            let gpg = socket_path(facts).is_some_and(|path| path.contains("gnupg") || path.contains("gpg-agent"));
            if gpg {
                return vec![Step::here(
                    "export GPG_TTY=$(tty) && gpg-connect-agent updatestartuptty /bye",
                    "tells gpg-agent on which terminal it may ask",
                )];
            }
            let step = if facts.agent.as_ref().is_ok_and(|agent| agent.locked == Ok(false)) {
                Step::here(
                    "ssh-add -T PATH_OF_YOUR_KEY.pub",
                    "asks the agent for a signature: answer what it asks (a confirmation, a PIN, a touch). If it refuses \
                     again without asking, take the key out with ssh-add -d and load it anew",
                )
            } else {
                Step::here(
                    "ssh-add -X",
                    "unlocks a locked agent; an agent that is not locked says so. Else answer the agent's own question, or \
                     remove the key with ssh-add -d and load it again",
                )
            };
            vec![Step { place: forwarding::place(facts), ..step }]
        },
        mend: |facts| {
            if let Ok(userauth) = &mut facts.userauth {
                userauth.signatures.clear();
            }
            if let Ok(agent) = &mut facts.agent {
                agent.locked = Err(Unobserved::NotAttempted);
            }
        },
    },
    see: &["OpenSSH sshconnect2.c sign_and_send_pubkey", "PROTOCOL.agent SSH_AGENTC_SIGN_REQUEST"],
    judge: agent_refused_to_sign,
};

fn agent_refused_to_sign(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    known(&facts.userauth)?;
    let Some((turn, usage)) = course::stopped(&turns) else { return Ok(None) };
    let how = match usage {
        Use::AgentRefused => "the agent answered the request to sign with a failure".to_owned(),
        // It asks its owner, as far as can be told: no fault.
        Use::AgentSilent if asks_its_owner(facts, turn) => return Ok(None),
        Use::AgentSilent => "the agent gave no answer to the request to sign".to_owned(),
        Use::WrongType(name) => format!("the agent signed as {name}, which was not asked for"),
        _ => return Ok(None),
    };
    let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
    let mut finding = Finding::proven(format!(
        "the agent holds the key that {} accepts and does not sign with it",
        naming::login(facts)
    ))
    .seen(format!("the server accepts {key}"))
    .seen(how);
    let runs = forwarding::socket(facts)
        .map(|_| format!(", forwarded from {}, where it runs or beyond", forwarding::home(facts)));
    let runs = runs.unwrap_or_default();
    finding.evidence.extend(socket_path(facts).map(|path| format!("the agent is {path}{runs}")));
    finding.place = Some(forwarding::place(facts));
    match facts.agent.as_ref().map(|agent| &agent.locked) {
        Ok(Ok(true)) => finding.evidence.push("the agent is locked".to_owned()),
        Ok(Ok(false)) => finding.evidence.push("the agent is not locked".to_owned()),
        _ => {}
    }
    if turn.offer.key.as_ref().is_some_and(PublicKey::is_hardware) {
        finding = finding.or([Alternative {
            cause: super::hardware::HARDWARE_KEY_UNAVAILABLE.id,
            certainty: Certainty::Possible,
            summary: "the authenticator that holds the key is not plugged in, or was not touched".to_owned(),
            evidence: vec!["the key's private half is in a hardware authenticator".to_owned()],
            decide: Some(Decide { place: Place::Client, command: "ssh-add -T ~/.ssh/id_ed25519_sk.pub".to_owned() }),
        }]);
    }
    Ok(Some(finding))
}

/// Whether an agent that gives no signature most likely asks its owner for a confirmation or a touch: it has just listed
/// its keys, runs on this machine, asks for no passphrase of its own (gpg-agent does), and somebody is here.
pub(super) fn asks_its_owner(facts: &Facts, turn: &course::Turn) -> bool {
    let Ok(agent) = &facts.agent else { return false };
    let gpg = socket_path(facts).is_some_and(|path| path.contains("gnupg") || path.contains("gpg-agent"));
    let here = agent.socket.as_ref().is_some_and(|socket| !socket.forwarded);
    let lists = matches!(agent.answer, Ok(AgentAnswer::Lists(_)));
    turn.fate == Fate::Accepted(Use::AgentSilent) && lists && here && !gpg && prompts::can_be_asked(facts)
}

const AGENT_KEY_CONSTRAINED: Cause = Cause {
    id: "agent-key-constrained",
    title: "the agent holds the accepted key, but not for this destination",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "The key was added with a destination constraint (ssh-add -h). ssh tells the agent which host it talks to, and the \
          agent then hides keys that are not meant for it, or refuses to sign.\n\n\
          Proven when the agent lists the key before it knows the destination and no longer afterwards, and the server \
          accepts the key.",
    prevent: "Add the key with every host and user that it is meant for, hops included: ssh-add -h 'hop>user@host' KEY.",
    fix: Fix {
        commands: |facts| {
            let Ok(target) = &facts.target else { return Vec::new() };
            let there = format!("{}@{}", target.user, target.host);
            if forwarding::socket(facts).is_some() {
                // Every step of the way is named (ssh-add(1) -h).
                let here = &facts.run.host;
                let (hop, there) = (super::quoted(&here.to_string()), super::quoted(&format!("{here}>{there}")));
                return vec![forwarding::there(
                    format!("ssh-add -h {hop} -h {there} PATH_OF_YOUR_KEY"),
                    "loads the key for the way through this machine and for this destination; put your key's path in the \
                     place of PATH_OF_YOUR_KEY. Both hosts must be in known_hosts there",
                )];
            }
            let there = super::quoted(&there);
            vec![Step::here(
                format!("ssh-add -h {there} PATH_OF_YOUR_KEY"),
                "loads the key for this destination too; put your key's path in the place of PATH_OF_YOUR_KEY",
            )]
        },
        mend: |facts| {
            let Some(key) = constrained(facts).map(|query| query.key.clone()) else { return };
            if let Ok(Ok(bound)) = facts.agent.as_mut().map(|agent| agent.bound.as_mut()) {
                bound.push(crate::facts::agent::AgentKey { key });
            }
        },
    },
    see: &["OpenSSH PROTOCOL.agent restrict-destination-v00@openssh.com", "ssh-add(1) -h"],
    judge: agent_key_constrained,
};

fn agent_key_constrained(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    known(&facts.userauth)?;
    if course::good(&turns).is_some() || course::stopped(&turns).is_some() {
        return Ok(None);
    }
    let Some(query) = constrained(facts) else { return Ok(None) };
    let summary =
        format!("the agent holds the key that {} accepts, but may not use it for this host", naming::login(facts));
    let finding = Finding { place: Some(forwarding::place(facts)), ..Finding::proven(summary) };
    Ok(Some(
        finding
            .seen(format!("the server accepts {}", naming::key(&query.key)))
            .seen("the agent lists it before it knows the destination, and hides it once ssh has named this host"),
    ))
}

/// The query about a key that the agent hides from this destination and that the server accepts.
fn constrained(facts: &Facts) -> Option<&Query> {
    let agent = facts.agent.as_ref().ok()?;
    let bound = agent.bound.as_ref().ok()?;
    let hidden = agent.unbound().iter().filter(|entry| !bound.iter().any(|seen| seen.key.is_same(&entry.key)));
    let offered = offers(facts);
    let not_offered = hidden
        .filter(|entry| !offered.iter().any(|offer| offer.key.as_ref().is_some_and(|key| key.is_same(&entry.key))));
    let queries = &facts.userauth.as_ref().ok()?.queries;
    let believable = !course::says_yes_to_everything(facts);
    not_offered
        .filter_map(|entry| queries.iter().find(|query| query.key.is_same(&entry.key)))
        .find(|query| believable && query.answer == Some(Answer::PkOk))
}

fn socket_path(facts: &Facts) -> Option<String> {
    Some(facts.agent.as_ref().ok()?.socket.as_ref()?.path.to_string()).filter(|path| !path.is_empty())
}

fn agent_holds(facts: &Facts) -> Observed<Outcome> {
    let agent = known(&facts.agent)?;
    let Some(socket) = &agent.socket else {
        let why = if facts.config.options.first("identityagent") == Some("none") {
            "IdentityAgent is none: no agent is used"
        } else {
            "SSH_AUTH_SOCK is not set: no agent is used"
        };
        return Ok(Outcome::info(why));
    };
    if let Some(failure) = failure(agent) {
        return Ok(Outcome::warn(failure));
    }
    known(&agent.answer)?;
    let forwarded = if socket.forwarded { "forwarded " } else { "" };
    let keys = agent.keys();
    let lines = naming::first_of(keys.iter().map(|entry| naming::key(&entry.key)))
        .into_iter()
        .chain([format!("socket {} from {}", socket.path, socket.from)]);
    if agent.locked == Ok(true) {
        return Ok(Outcome::warn(format!("the {forwarded}agent is locked")).with(lines));
    }
    if keys.is_empty() && socket.forwarded {
        let lines = lines.chain(["it holds none, or none that may be used from here (ssh-add -h)".to_owned()]);
        return Ok(Outcome::info("the forwarded agent answers and lists no key").with(lines));
    }
    if keys.is_empty() && agent.locked != Ok(false) {
        return Ok(
            Outcome::info(format!("the {forwarded}agent answers and lists no key: it is empty, or locked")).with(lines)
        );
    }
    if keys.is_empty() {
        return Ok(Outcome::info("the agent answers and holds no key").with(lines));
    }
    let hidden = agent.unbound().len().saturating_sub(keys.len());
    let hides = if hidden > 0 { format!(", and hides {hidden} from this host") } else { String::new() };
    let summary = format!("the {forwarded}agent answers and holds {}{hides}", naming::count(keys.len(), "key", "keys"));
    Ok(Outcome::pass(summary).with(lines))
}

fn the_agent_answers(facts: &Facts) -> Option<String> {
    let agent = facts.agent.as_ref().ok()?;
    let Ok(AgentAnswer::Lists(keys)) = &agent.answer else { return None };
    Some(format!("the agent answered and lists {}", naming::count(keys.len(), "identity", "identities")))
}

/// Whether the configuration keeps ssh from any agent (ssh.c `main`: `IdentityAgent none`).
pub(super) fn switched_off(facts: &Facts) -> bool {
    facts.config.options.first("identityagent") == Some("none")
}

/// What to type where the shell's own agent is meant after all.
pub(super) fn as_the_shell_has(facts: &Facts) -> Step {
    let destination = naming::destination_without(facts, &["identityagent"]);
    Step::here(
        format!("ssh -o IdentityAgent=SSH_AUTH_SOCK {destination}"),
        "goes by the agent that SSH_AUTH_SOCK names in this shell; to have it so always, take IdentityAgent none out of the \
         configuration",
    )
}
