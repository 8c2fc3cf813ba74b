//! The session, and the verdicts that name no fault.

mod channel;
mod ending;
mod endings;
pub(super) mod forwarded;
mod git;

use crate::facts::key::PublicKey;
use crate::facts::proxy::Proxy;
use crate::facts::session::Request;
use crate::facts::userauth::{Attempted, Signed, Signer, Userauth};
use crate::facts::{End, Facts, Observed, Origin, Stage, Unobserved, known};
use crate::openssh::course::{self, Fate, Problem, Use};
use crate::openssh::known_hosts::{self, Course};
use crate::openssh::prompts;
use crate::openssh::proxies;

use channel::{CHANNEL_REFUSED, SHELL_PRINTS};
use ending::{Trouble, doubts, seen, trimmed, trouble};
use endings::{FORCED_COMMAND, LOGIN_AS_OTHER_USER, PASSWORD_CHANGE_REQUIRED, SESSION_CLOSED, SHELL_REFUSES_LOGIN};
use git::GIT_REPOSITORY_DENIED;

use super::checkup::NOTHING_FOUND;
use super::{Blocks, Cause, Certainty, Check, Finding, Fix, Need, Outcome, Place, Step, naming, nothing_to_mend};

/// A session opens and does what was asked.
pub const SESSION: Check = Check {
    id: "session",
    stage: Stage::Session,
    claim: "a session opens and runs what is asked of it",
    causes: &[
        &CHANNEL_REFUSED,
        &LOGIN_AS_OTHER_USER,
        &FORCED_COMMAND,
        &SHELL_REFUSES_LOGIN,
        &PASSWORD_CHANGE_REQUIRED,
        &SESSION_CLOSED,
        &SHELL_PRINTS,
        &GIT_REPOSITORY_DENIED,
        &ACCESS_WORKS,
        &ACCESS_NEEDS_ANSWER,
        &NOTHING_FOUND,
        &UNDETERMINED,
    ],
    holds: session_holds,
    rules_out: &[],
};

const ACCESS_WORKS: Cause = Cause {
    id: "access-works",
    title: "nothing is wrong: the login succeeds",
    blocks: Blocks::Nothing,
    place: Place::Client,
    doc: "The login went through, as this user, with the identity that is named. If that is not the person or the account \
          that should come in here, the fault is the access itself: whose key it is, where its private half lies and which \
          line of authorized_keys lets it in are said for that reason.\n\n\
          Proven by a finished login. Where none was made (--no-login), a key that the server accepts and that can sign makes \
          it likely.",
    prevent: "Look at authorized_keys from time to time: every line opens this account for whoever holds its key.",
    fix: Fix { commands: super::offer::revoke, mend: nothing_to_mend },
    see: &["RFC 4252", "sshd(8) AUTHORIZED_KEYS FILE FORMAT"],
    judge: access_works,
};

fn access_works(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    let login = naming::login(facts);
    // Where nothing was read of what came before the session, there is no course to speak of.
    let unseen = userauth.is_unseen();
    let turns = if unseen { Vec::new() } else { course::course(facts)? };
    if let Some(offered) = facts.run.limits.offer.as_ref().filter(|_| !userauth.succeeded()) {
        return super::offer::accepted(facts, offered);
    }
    if super::userauth::let_in(facts, &turns) {
        if trouble(facts).is_some() || facts.config.ssh == Err(Unobserved::TimedOut) {
            return Ok(None);
        }
        if let Some(attempt) = super::answers::logged_in(userauth) {
            let unseen = not_looked_at(facts);
            let certainty = if unseen.is_empty() { Certainty::Proven } else { Certainty::Likely };
            let typed = super::answers::typed(attempt);
            let mut finding = Finding::new(certainty, format!("the login as {login} succeeds with {typed}"));
            let first = super::userauth::demanded(&turns).and_then(|(turn, _)| turn.offer.key.as_ref());
            finding.evidence.extend(first.map(|key| format!("accepted before it: {}", naming::key(key))));
            finding.evidence.extend(super::answers::lines(userauth));
            finding.evidence.extend(unseen);
            return Ok(Some(finding));
        }
        let Some(turn) = used(facts) else {
            if unseen {
                let known = git::known_as(facts).map(|name| format!(": {name}")).unwrap_or_default();
                let shown = facts.session.as_ref().map(|session| trimmed(&session.stdout, 300)).unwrap_or_default();
                let finding = Finding::likely(format!("the login as {login} succeeds{known}"));
                return Ok(Some(finding.seen(format!("the server says, once it has let in: {shown}"))));
            }
            if let Some(method) = &userauth.admitted_by {
                let method = crate::facts::text::escape(method.as_bytes());
                let summary = format!("the login as {login} succeeds with {method}");
                return Ok(Some(Finding::proven(summary).seen(format!("ssh says that it got in using {method}"))));
            }
            let summary = format!("{login} lets everybody in: the login succeeds without any authentication");
            return Ok(Some(Finding::proven(summary).seen("the request of method none was answered by success")));
        };
        let key = turn.offer.key.as_ref();
        let with = key.map(|key| format!(" with {}", whose(facts, &turn, key))).unwrap_or_default();
        let unseen = not_looked_at(facts);
        let certainty = if unseen.is_empty() { Certainty::Proven } else { Certainty::Likely };
        let known = git::known_as(facts).map(|name| format!(": {name}")).unwrap_or_default();
        let first = asked_first(facts, &turns);
        let after = first.as_ref().map(|path| format!(", once ssh has asked for the passphrase of {path}"));
        let after = after.unwrap_or_default();
        let mut finding = Finding::new(certainty, format!("the login as {login} succeeds{with}{known}{after}"));
        finding.evidence = how_it_works(facts, userauth, &turn);
        if let Some(path) = first {
            finding.evidence.push(format!(
                "{path} comes before it and is encrypted: ssh asks for its passphrase first; an empty answer makes \
                 ssh go on to the next key"
            ));
        }
        finding.evidence.extend(unseen);
        return Ok(Some(finding));
    }
    // ssh itself tried, and did not get in.
    if facts.is_read() || facts.opinion.as_ref().is_ok_and(|opinion| opinion.answered) {
        return Ok(None);
    }
    let Some(turn) = course::good(&turns).filter(|turn| turn.fate == Fate::Accepted(Use::Untried)) else {
        return Ok(None);
    };
    // A hardware key in a file may be absent or wait for a touch: nothing was seen of that.
    let unseen = turn.offer.key.as_ref().is_some_and(PublicKey::is_hardware) && !turn.offer.agent;
    if unseen || course::says_yes_to_everything(facts) || known_hosts::course(facts) != Course::GoOn {
        return Ok(None);
    }
    let Some(key) = &turn.offer.key else { return Ok(None) };
    let summary = format!("{login} accepts {}; no login was made", whose(facts, turn, key));
    let mut finding = Finding::likely(summary);
    finding.evidence = how_it_works(facts, userauth, turn);
    Ok(Some(finding))
}

/// Whether LocalCommand holds only tokens that ssh knows there (ssh_config(5) TOKENS): the command's own failure does not
/// end ssh, a token that it does not know does.
fn is_expanded(command: &str) -> bool {
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        if letter == '%' && !letters.next().is_some_and(|token| "%CdhijkLlnprTu".contains(token)) {
            return false;
        }
    }
    true
}

/// What can make ssh end although the login succeeds, and was not tried.
fn not_looked_at(facts: &Facts) -> Vec<String> {
    let options = &facts.config.options;
    let command = options.first("knownhostscommand").filter(|command| !command.is_empty() && *command != "none");
    let forwards = ["localforward", "remoteforward", "dynamicforward"].iter().any(|name| options.first(name).is_some());
    let command = command
        .filter(|_| facts.opinion.is_err())
        .map(|_| "KnownHostsCommand was not run; ssh ends where it fails".to_owned());
    let ended = facts.opinion.as_ref().ok().and_then(|opinion| {
        let status = opinion.status.filter(|status| *status == 255)?;
        let last = opinion.said.last().map(|line| format!(": {}", line.shortened(200))).unwrap_or_default();
        Some(format!("ssh itself ended with status {status}{last}"))
    });
    let forwards = (forwards && options.is_yes("exitonforwardfailure"))
        .then(|| "no forwarding was tried; with ExitOnForwardFailure ssh ends where one fails".to_owned());
    let tunnel = facts.config.arguments.iter().any(|word| word.as_bytes().starts_with(b"-W"));
    let tunnel = tunnel.then(|| "the forwarding that -W asks for was not tried".to_owned());
    let local = options.first("localcommand").filter(|_| options.is_yes("permitlocalcommand"));
    let local = local
        .filter(|command| !is_expanded(command))
        .map(|_| "LocalCommand was not run; ssh ends where it cannot expand it".to_owned());
    [command, ended, forwards, tunnel, local].into_iter().flatten().chain(doubts(facts)).collect()
}

/// The identity that the login was made with.
fn used(facts: &Facts) -> Option<course::Turn> {
    let turns = course::course(facts).ok()?;
    turns.into_iter().find(|turn| turn.fate == Fate::Accepted(Use::LoggedIn))
}

/// The encrypted key file for whose passphrase ssh asks before it comes to the identity that logs in.
fn asked_first(facts: &Facts, turns: &[course::Turn]) -> Option<crate::facts::text::Path> {
    let before = turns.iter().take_while(|turn| turn.fate != Fate::Accepted(Use::LoggedIn));
    let asks = |turn: &&course::Turn| {
        let unheard = turn.fate == Fate::Unusable(Problem::Encrypted) && prompts::secrets_can_be_asked(facts);
        unheard || turn.fate == Fate::Accepted(Use::NeedsPassphrase)
    };
    Some(course::key_file(facts, &before.into_iter().find(asks)?.offer)?.path.clone())
}

/// Whose key it is and where its private half lies.
fn whose(facts: &Facts, turn: &course::Turn, key: &PublicKey) -> String {
    let hardware = if key.is_hardware() { "the hardware key" } else { "the key" };
    let name = if key.comment.is_empty() { key.fingerprint.to_string() } else { key.comment.shortened(60) };
    let forwarded =
        facts.agent.as_ref().ok().and_then(|agent| agent.socket.as_ref()).is_some_and(|socket| socket.forwarded);
    let place = match (turn.offer.agent, course::key_file(facts, &turn.offer)) {
        _ if turn.offer.token => "of the PKCS#11 token".to_owned(),
        (true, _) if forwarded => "from the forwarded agent".to_owned(),
        (true, _) => "from the agent".to_owned(),
        (false, Some(file)) => format!("in {}", file.path),
        (false, None) => "in a file".to_owned(),
    };
    format!("{hardware} {name} {place}")
}

fn how_it_works(facts: &Facts, userauth: &Userauth, turn: &course::Turn) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(key) = &turn.offer.key {
        lines.push(format!("identity: {}", naming::key(key)));
        let signature = userauth.signatures.iter().rev().find(|signature| signature.key.is_same(key));
        let signer = match signature.map(|signature| &signature.signer) {
            Some(Signer::Agent) => {
                let socket = facts.agent.as_ref().ok().and_then(|agent| agent.socket.as_ref());
                let away = socket.is_some_and(|socket| socket.forwarded);
                let forwarded = if away { "forwarded " } else { "" };
                let path = socket.map(|socket| format!(" at {}", socket.path)).unwrap_or_default();
                let home = away.then(|| format!(", which runs at {}, or beyond it", super::forwarding::home(facts)));
                Some(format!("signed by the {forwarded}agent{path}{}", home.unwrap_or_default()))
            }
            Some(Signer::File(path)) => Some(format!("signed with the private key in {path}")),
            Some(Signer::Token(provider)) => Some(format!("signed by the token of {provider}")),
            None => None,
        };
        lines.extend(signer);
        if key.is_hardware() {
            lines.push("its private half is in a hardware authenticator; whoever holds that can come in".to_owned());
        }
        if let Some(certificate) = &key.certificate {
            lines.push(format!("certificate {} of CA {}", certificate.key_id, certificate.ca));
        }
    }
    lines.extend(authorized_line(userauth).map(|line| format!("let in by {line}")));
    let others: Vec<&str> =
        userauth.methods().unwrap_or_default().iter().map(String::as_str).filter(|name| *name != "publickey").collect();
    if !others.is_empty() {
        let names = crate::facts::text::escape(others.join(", ").as_bytes());
        lines.push(format!("this account can also be entered by: {names}"));
    }
    lines.extend(refusals_explained(userauth));
    lines
}

/// The `authorized_keys` file and line that let the login in, from OpenSSH's DEBUG message
/// (auth2-pubkeyfile.c `auth_check_authkey_line`: `FILE:LINE: key options: …`).
fn authorized_line(userauth: &Userauth) -> Option<String> {
    let line = userauth.debug.iter().rev().find_map(|text| {
        let (line, options) = text.as_str()?.split_once(": key options:")?;
        Some((line.to_owned(), options.trim().to_owned()))
    })?;
    let options = if line.1.is_empty() { String::new() } else { format!(" ({})", line.1) };
    Some(crate::facts::text::escape(format!("{}{options}", line.0).as_bytes()))
}

/// The file and the line of it that let the login in, where OpenSSH names one.
fn authorized_place(userauth: &Userauth) -> Option<(String, u32)> {
    let place = userauth.debug.iter().rev().find_map(|text| Some(text.as_str()?.split_once(": key options:")?.0))?;
    let (file, line) = place.rsplit_once(':')?;
    Some((file.to_owned(), line.parse().ok()?))
}

/// The key that the login was made with, and where it is.
fn used_key(facts: &Facts) -> Option<String> {
    let turn = used(facts)?;
    let key = turn.offer.key.as_ref()?;
    Some(whose(facts, &turn, key))
}

/// What the server said, once it had let us in, about keys that it refused before.
fn refusals_explained(userauth: &Userauth) -> impl Iterator<Item = String> {
    let told = userauth.debug.iter().filter(|text| text.as_str().is_none_or(|text| !text.contains(": key options:")));
    told.take(10).map(|text| format!("the server says: {}", text.shortened(300)))
}

const ACCESS_NEEDS_ANSWER: Cause = Cause {
    id: "access-needs-answer",
    title: "nothing is wrong as far as can be told: ssh will now ask a question",
    blocks: Blocks::Nothing,
    place: Place::Client,
    doc: "ssh gets as far as a question that only a person can answer: a passphrase for a key that the server accepts, a \
          password or a code that the server demands, or whether a new host key is right. Somebody can be asked, so this is no \
          fault. What comes after the answer was not looked at.\n\n\
          Proven when nothing else stands in the way up to the question.",
    prevent: "An agent (ssh-add) asks for a passphrase once a session instead of at every login.",
    fix: Fix { commands: needs_commands, mend: nothing_to_mend },
    see: &["OpenSSH readpass.c read_passphrase", "ssh_config(5) BatchMode"],
    judge: access_needs_answer,
};

fn access_needs_answer(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    if !prompts::can_be_asked(facts) || userauth.succeeded() || super::answers::unending(facts).is_some() {
        return Ok(None);
    }
    let turns = course::course(facts)?;
    let mut needs = Vec::new();
    let mut evidence = Vec::new();
    let mut certainty = Certainty::Proven;
    let asks_host_key = known_hosts::course(facts) == Course::Ask;
    if asks_host_key {
        needs.push(Need::HostKey);
        let key = facts.host_key.offered.as_ref().ok();
        evidence.extend(key.map(|offered| {
            format!("no known_hosts file names this server yet; its key is {}", naming::key(&offered.key))
        }));
    }
    let methods = userauth.methods().unwrap_or_default();
    let asked = match course::good(&turns).map(|turn| (turn, &turn.fate)) {
        Some((turn, Fate::Accepted(Use::NeedsPassphrase))) => {
            needs.push(Need::Passphrase);
            let path = course::key_file(facts, &turn.offer).map(|file| file.path.to_string()).unwrap_or_default();
            let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
            evidence.push(format!("the server accepts {key}; its private half in {path} is encrypted"));
            format!("ssh will ask for the passphrase of {path}")
        }
        Some((turn, Fate::Accepted(Use::NeedsPin))) => {
            needs.push(Need::Pin);
            let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
            evidence.push(format!("the server accepts {key}; its private half is in a token that wants its PIN"));
            "ssh will ask for the PIN of the token".to_owned()
        }
        Some((turn, _)) if super::hardware::untouched(&turns).is_some() && facts.run.limits.login => {
            needs.push(Need::Touch);
            let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
            evidence.push(format!(
                "the server accepts {key}; its private half is in an authenticator, which was left alone"
            ));
            "ssh will ask for a touch of the authenticator (before it for its PIN, if the key was made so)".to_owned()
        }
        Some((_, Fate::Accepted(Use::Partial(methods)))) => {
            let question = question(facts, methods);
            needs.extend(question);
            evidence.push(format!("the key was accepted with partial success; then: {}", methods.join(", ")));
            format!("your key is right, and ssh will ask for {}", words(question))
        }
        Some((turn, _)) if asks_host_key => {
            evidence.extend(turn.offer.key.as_ref().map(|key| format!("the server accepts {}", naming::key(key))));
            "ssh will ask whether the host key of this new server is right".to_owned()
        }
        None if let Some((turn, _)) = course::stopped(&turns)
            && super::agent::asks_its_owner(facts, turn) =>
        {
            // An agent that hangs is silent too.
            certainty = Certainty::Likely;
            let key = turn.offer.key.as_ref();
            let touch = key.is_some_and(PublicKey::is_hardware);
            needs.push(if touch { Need::Touch } else { Need::Confirmation });
            evidence.push(format!(
                "the server accepts {}, which the agent holds",
                key.map(naming::key).unwrap_or_default()
            ));
            evidence.push("the agent was asked for a signature, and was still silent when the wait ended".to_owned());
            let what = if touch { "a touch of the authenticator" } else { "a confirmation (ssh-add -c)" };
            format!("the agent most likely asks its owner for {what}")
        }
        None if super::userauth::asks_before_offering(facts, &turns).is_some() => {
            let turn = super::userauth::asks_before_offering(facts, &turns);
            let file = turn.and_then(|turn| course::key_file(facts, &turn.offer));
            let path = file.map(|file| file.path.to_string()).unwrap_or_default();
            needs.push(Need::Passphrase);
            evidence.push(format!("{path} is encrypted, and ssh knows no public half of it to ask the server with"));
            format!("ssh will ask for the passphrase of {path} before it can offer that key")
        }
        None if question(facts, methods).is_some() => {
            let question = question(facts, methods);
            needs.extend(question);
            evidence.push(format!("the server takes: {}", methods.join(", ")));
            format!("ssh will ask for {}", words(question))
        }
        _ => return Ok(None),
    };
    if needs.is_empty() {
        return Ok(None);
    }
    let mut finding =
        Finding::new(certainty, format!("{asked}; nothing stands in the way of {} before that", naming::login(facts)));
    finding.evidence = evidence;
    finding.needs = needs;
    Ok(Some(finding))
}

/// What the person will be asked for by these methods, as far as the client's configuration lets ssh use them.
fn question(facts: &Facts, methods: &[String]) -> Option<Need> {
    if known_hosts::is_without_passwords(facts) || !prompts::secrets_can_be_asked(facts) {
        return None;
    }
    let has = |name: &str| {
        let alone: Vec<String> = methods.iter().filter(|method| *method == name).cloned().collect();
        super::auth_methods::question_open(facts, &alone)
    };
    if has("password") {
        Some(Need::Password)
    } else if has("keyboard-interactive") {
        Some(Need::Code)
    } else {
        None
    }
}

fn words(need: Option<Need>) -> &'static str {
    match need {
        Some(Need::Code) => "a password or a code",
        _ => "a password",
    }
}

fn needs_commands(facts: &Facts) -> Vec<Step> {
    let destination = naming::destination(facts);
    let Ok(Some(finding)) = access_needs_answer(facts) else { return Vec::new() };
    let mut steps = Vec::new();
    if finding.needs.contains(&Need::HostKey) {
        steps.extend(super::host_key::compare(facts));
    }
    steps.push(Step::here(format!("ssh {destination}"), "answer its question"));
    let option = match finding.needs.last() {
        Some(Need::Password) => "--ask-password",
        Some(Need::Code) => "--interactive",
        _ => return steps,
    };
    let why = "where your answer is refused: asks you for it once, and says what the server makes of it";
    steps.push(Step::here(format!("sshdoctor {option} {destination}"), why));
    steps
}

/// No cause could be named.
pub const UNDETERMINED: Cause = Cause {
    id: "undetermined",
    title: "the evidence does not suffice",
    blocks: Blocks::Nothing,
    place: Place::Client,
    doc: "No fault was seen, and no success either. The report says what was not looked at and why; a longer --timeout, another \
          place to run it from, or the server's own side may tell.",
    prevent: "Run it again when the cause of the gap is gone.",
    fix: Fix { commands: undetermined_commands, mend: nothing_to_mend },
    see: &["sshdoctor --help"],
    judge: |_| Ok(None),
};

/// What an undetermined verdict says: how far the run came and what is missing.
pub fn undetermined_finding(facts: &Facts) -> Finding {
    if let Some(found) = super::account::log::alone::undetermined(facts) {
        return found;
    }
    if let Some(found) = super::log::open(facts) {
        return found;
    }
    if facts.origin == Origin::Server {
        return super::account::further::undetermined(facts);
    }
    let login = naming::login(facts);
    if let Some((summary, seen)) = behind_a_program(facts) {
        let mut finding = Finding::new(Certainty::Possible, summary);
        finding.evidence = seen;
        return finding;
    }
    if facts.userauth.as_ref().is_ok_and(Userauth::succeeded) && facts.config.ssh == Err(Unobserved::TimedOut) {
        let summary = format!(
            "ssh itself does not come to the end of its configuration; without it the login as {login} succeeds"
        );
        let seen = "ssh -G was given 10 s and had not ended: a Match exec command or a file that is a pipe may hang";
        return Finding::new(Certainty::Possible, summary).seen(seen);
    }
    if facts.userauth.as_ref().is_ok_and(Userauth::succeeded)
        && let Some(Trouble::Unseen(trouble)) = trouble(facts)
    {
        let summary = format!("the login as {login} succeeds, and then {trouble}");
        return Finding::new(Certainty::Possible, summary).seen(trouble);
    }
    if let Some(unspoken) = super::transport::unspoken(facts) {
        let summary = format!("{unspoken}: how the login as {login} goes on cannot be seen from here");
        let mut finding = Finding::new(Certainty::Possible, summary).seen(unspoken);
        finding.evidence.extend(unasked(facts));
        return finding;
    }
    if let Some(words) = super::answers::unending(facts) {
        let summary = format!("the dialogue with {login} has no end that a person would see: {words}");
        return Finding::new(Certainty::Possible, summary).seen(words);
    }
    if let Some((summary, seen)) = ended_in_userauth(facts) {
        let mut finding = Finding::new(Certainty::Possible, format!("{login} {summary}"));
        finding.evidence = seen;
        return finding;
    }
    if let Some(beyond) = super::beyond_the_probe(facts) {
        let summary = format!("{beyond}; ssh would try that with {login}, and here it cannot be tried");
        let mut finding = Finding::new(Certainty::Possible, summary).seen(beyond);
        finding.evidence.extend(unasked(facts));
        return finding;
    }
    if course::says_yes_to_everything(facts) {
        let summary = format!("{login} says yes to every key, and no signature was made that would decide");
        return Finding::new(Certainty::Possible, summary).seen("it accepted a key that nobody has");
    }
    let turns = course::course(facts).unwrap_or_default();
    if let Some(turn) =
        course::good(&turns).filter(|turn| matches!(turn.fate, Fate::Accepted(Use::Untried | Use::Begun)))
        && let Some(key) = &turn.offer.key
    {
        let summary = format!("{login} accepts {}, and no login was seen to the end", whose(facts, turn, key));
        return Finding::new(Certainty::Possible, summary).seen(format!("the server accepts {}", naming::key(key)));
    }
    let cut =
        facts.transport.as_ref().err().filter(|gap| matches!(gap, Unobserved::Interrupted | Unobserved::TimedOut));
    let is_dialling = facts.connect.as_ref().is_ok_and(|connect| connect.established().is_none());
    let is_proxied = facts.connect.as_ref().is_ok_and(|connect| connect.proxy.is_some());
    let gaps: [(&str, Option<&Unobserved>); 6] = [
        ("the name's addresses", facts.resolve.as_ref().err().filter(|_| !is_proxied)),
        ("the connection", facts.connect.as_ref().err().or(cut.filter(|_| is_dialling))),
        ("the key exchange", facts.transport.as_ref().err()),
        ("the host key", facts.host_key.offered.as_ref().err()),
        ("the authentication", facts.userauth.as_ref().err()),
        ("the session", facts.session.as_ref().err()),
    ];
    let missing = gaps.iter().find_map(|(what, gap)| Some((*what, (*gap)?)));
    let summary = match missing {
        Some((what, Unobserved::Interrupted)) => {
            format!("interrupted at {what}: no cause can be named for {login} yet")
        }
        Some((what, Unobserved::TimedOut)) => {
            format!("time ran out at {what}: no cause can be named for {login} yet")
        }
        Some((_, Unobserved::NotInThisSource)) => {
            format!("what was read does not tell how the login as {login} ends, nor why")
        }
        Some((what, reason)) => format!("no cause can be named for {login}: {what}: {reason}"),
        None => format!("no cause can be named for {login}, and no login was seen to work"),
    };
    let mut finding = Finding::new(Certainty::Possible, summary);
    for group in gaps.chunk_by(|(_, one), (_, next)| one == next) {
        if let Some((_, Some(gap))) = group.first() {
            let names: Vec<&str> = group.iter().map(|(what, _)| *what).collect();
            finding.evidence.push(format!("{}: {gap}", names.join(", ")));
        }
    }
    finding.evidence.extend(unasked(facts));
    finding
}

/// Why a `ProxyCommand` keeps what lies behind it from being seen, without being at fault; and what was seen of it.
fn behind_a_program(facts: &Facts) -> Option<(String, Vec<String>)> {
    let Some(Proxy::Command(command)) = facts.connect.as_ref().ok()?.proxy.as_ref() else { return None };
    let login = naming::login(facts);
    if super::proxy::asks(facts).is_some() {
        let summary = format!("the ProxyCommand before {login} asks somebody at the terminal, and is not let to here");
        return Some((summary, super::proxy::evidence(facts)));
    }
    let why = proxies::not_run(facts)?;
    let summary = format!("{why}: {login} was not examined");
    Some((summary, vec![format!("ProxyCommand {}", command.shortened(200))]))
}

/// Why the installed ssh did not say more.
fn unasked(facts: &Facts) -> Option<String> {
    match &facts.opinion {
        Err(Unobserved::NotAttempted) => None,
        Err(why) => Some(format!("the installed ssh: {why}")),
        Ok(opinion) if opinion.status.is_none() => {
            Some("the installed ssh was asked and had not ended when the wait for it was over".to_owned())
        }
        Ok(opinion) => Some(format!(
            "the installed ssh was asked and ended{}",
            opinion.said.last().map(|line| format!(", saying: {}", line.shortened(200))).unwrap_or_default()
        )),
    }
}

/// What the server did where it ended the authentication, or fell silent in it, without a reason: in words for a
/// sentence that begins with the login, and what was seen.
fn ended_in_userauth(facts: &Facts) -> Option<(String, Vec<String>)> {
    let userauth = facts.userauth.as_ref().ok().filter(|userauth| !userauth.succeeded())?;
    let end = userauth.connections.last()?.as_ref()?;
    let how = match end {
        End::Closed => "closes the connection".to_owned(),
        End::Reset(error) => format!("resets the connection ({})", crate::facts::text::escape(error.as_bytes())),
        End::TimedOut => "gives no answer in time".to_owned(),
        End::Flood(messages) => format!("sends {messages} messages and no answer"),
        _ => return None,
    };
    let last = userauth.connections.len() - 1;
    let unanswered = userauth.queries.iter().find(|query| query.connection == last && query.answer.is_none());
    let when = match unanswered {
        _ if userauth.none.is_none() => "before it has said which methods it takes".to_owned(),
        Some(query) => format!("when it is asked about {}", naming::key(&query.key)),
        None if userauth.attempts.last().is_some_and(|attempt| attempt.outcome == Attempted::Unanswered) => {
            "in place of an answer to what was typed".to_owned()
        }
        // Where the server closes it, that is signature-rejected.
        None if matches!(end, End::TimedOut | End::Flood(_)) => {
            let signature = userauth.signatures.last().filter(|signature| signature.outcome == Signed::Unanswered)?;
            format!("once it has the signature with {}, which it had asked for", naming::key(&signature.key))
        }
        None => return None,
    };
    let answered =
        userauth.methods().map(|methods| format!("before that it said that it takes: {}", methods.join(", ")));
    let seen = answered.into_iter().chain([format!("then it {how}")]).collect();
    Some((format!("{how} {when}, and does not say why"), seen))
}

fn undetermined_commands(facts: &Facts) -> Vec<Step> {
    let further = super::account::log::alone::look_further(facts);
    if !further.is_empty() {
        return further;
    }
    if facts.origin == Origin::Server {
        return super::account::further::look_further(facts);
    }
    let destination = naming::destination(facts);
    if let Some(hop) = super::proxy::failed(facts).filter(|hop| prompts::can_be_asked(hop)) {
        let asks = Step::here(
            format!("sshdoctor --interactive {destination}"),
            "lets ssh ask you what the jump host wants to know",
        );
        let alone = Step::here(
            format!("sshdoctor {}", naming::destination(hop)),
            "examines the login at the jump host by itself",
        );
        return if super::proxy::was_asked(facts) { vec![alone] } else { vec![asks, alone] };
    }
    if super::proxy::asks(facts).is_some() {
        let why = "lets it ask you: sshdoctor sees neither its question nor your answer";
        return vec![Step::here(format!("sshdoctor --interactive {destination}"), why)];
    }
    let mut steps = vec![Step::here(super::log::more_words(facts), "ssh's own words; keep them with the ticket")];
    if facts.is_read() {
        let login = naming::destination_without_command(facts);
        let why =
            "prints one paste for whoever has no sshdoctor: it asks ssh, and names the files and the agent's keys";
        steps.push(Step::here(format!("sshdoctor log --kit {login}"), why));
    }
    if ended_in_userauth(facts).is_some() {
        let why = "sshd's own words about this attempt: a rule that refuses the connection, a time limit, a crash";
        steps.insert(0, Step::server_root(super::members::log_command(facts), why));
    }
    steps
}

fn session_holds(facts: &Facts) -> Observed<Outcome> {
    let session = known(&facts.session)?;
    if let Some(Trouble::Unseen(trouble)) = trouble(facts) {
        return Ok(Outcome::info(trouble));
    }
    let doubts = doubts(facts);
    let lines = [seen(session), doubts.clone()].concat();
    if let Some(doubt) = doubts.into_iter().next() {
        return Ok(Outcome::warn(doubt).with(lines));
    }
    let summary = match session.request {
        Request::Nothing => "a session channel opens; nothing was run in it",
        Request::True => "a session opens, and `true` runs in it",
        Request::Shell => "a session opens, and a shell answers in it",
        Request::Sftp => "a session opens, and the sftp subsystem answers in it",
        Request::Repository => "a session opens, and the repository can be read",
    };
    let greeting = session.request == Request::Shell;
    let summary = match [&session.stdout, &session.stderr].into_iter().find(|text| greeting && !text.is_empty()) {
        Some(text) => format!("the server greets: {}", trimmed(text, 200)),
        None => summary.to_owned(),
    };
    Ok(Outcome::pass(summary).with(lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::userauth::{Answer, Query};

    fn asked(answer: Option<Answer>, end: Option<End>) -> Facts {
        let key = crate::openssh::public_key::from_blob(b"\0\0\0\x0bssh-ed25519\0\0\0\x01k", b"a@laptop").unwrap();
        let none = Some(Answer::Failure { methods: vec!["publickey".to_owned()], partial: false });
        let query = Query { key, algorithm: "ssh-ed25519".to_owned(), offered_by_ssh: true, connection: 0, answer };
        let userauth = Userauth { none, queries: vec![query], connections: vec![end], ..Userauth::default() };
        Facts { userauth: Ok(userauth), ..Facts::default() }
    }

    #[test]
    fn a_server_that_ends_the_authentication_in_silence_is_said_to() {
        let closed = asked(None, Some(End::Closed));
        let (summary, seen) = ended_in_userauth(&closed).unwrap();
        assert!(summary.starts_with("closes the connection when it is asked about ssh-ed25519 "), "{summary}");
        assert_eq!(seen, ["before that it said that it takes: publickey", "then it closes the connection"]);
        let mut refused = closed.clone();
        if let Ok(userauth) = &mut refused.userauth {
            userauth.none = None;
        }
        let (summary, _) = ended_in_userauth(&refused).unwrap();
        assert_eq!(summary, "closes the connection before it has said which methods it takes, and does not say why");
        let silent = asked(None, Some(End::TimedOut));
        assert!(ended_in_userauth(&silent).unwrap().0.starts_with("gives no answer in time when"));
    }

    #[test]
    fn an_answer_or_a_reason_is_no_silent_end() {
        let words = End::Disconnect { code: 2, text: "go away".into() };
        for facts in [asked(Some(Answer::PkOk), Some(End::Closed)), asked(None, Some(words)), asked(None, None)] {
            assert_eq!(ended_in_userauth(&facts), None);
        }
    }
}
