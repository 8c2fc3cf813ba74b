//! What ssh would offer, in its order, and whether the key that the server would accept is among it.

mod short_rsa;

use crate::facts::agent::AgentAnswer;
use crate::facts::identities::{FileError, KeyFile, PublicFile};
use crate::facts::key::PublicKey;
use crate::facts::userauth::{Answer, Query, Userauth};
use crate::facts::{Facts, Observed, Stage, Unobserved, known};
use crate::openssh::course::{self, Fate};
use crate::openssh::identities::{Offer, offers};
use crate::openssh::prompts;

use super::{
    Blocks, Cause, Check, Finding, Fix, Outcome, Place, Step, auth_methods, forwarding, log, naming, wrong_account,
};

/// ssh holds an identity that it is willing to offer.
pub const IDENTITIES: Check = Check {
    id: "identities",
    stage: Stage::Identity,
    claim: "ssh holds an identity that it is willing to offer",
    causes: &[
        &short_rsa::RSA_KEY_TOO_SMALL,
        &IDENTITIES_ONLY_HIDES_KEY,
        &ACCEPTED_KEY_NOT_OFFERED,
        &wrong_account::WRONG_LOCAL_ACCOUNT,
        &NO_IDENTITIES,
    ],
    holds: identities_hold,
    rules_out: &[("no-identities", something_is_offered)],
};

const NO_IDENTITIES: Cause = Cause {
    id: "no-identities",
    title: "ssh has no key to offer",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "The server takes public keys, and ssh offers none: no key file where it looks, no agent, or an agent that is \
          empty. The server had no part in the denial. A shell that was itself reached by ssh often has no agent although \
          one is believed to be there: agent forwarding must be asked for (-A or ForwardAgent) on the hop before.\n\n\
          Proven when the server lists publickey, and neither files nor agent give ssh anything to ask with.",
    prevent: "Name the key for the host (IdentityFile) or see that the agent runs in every session (ssh-add -l).",
    fix: Fix { commands: no_identities_commands, mend: mend_no_identities },
    see: &["OpenSSH sshconnect2.c pubkey_prepare", "ssh_config(5) IdentityFile, ForwardAgent"],
    judge: no_identities,
};

fn no_identities(facts: &Facts) -> Observed<Option<Finding>> {
    if facts.checkup.is_some() {
        return super::checkup::no_identities(facts);
    }
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let methods = userauth.methods().unwrap_or_default();
    let has = |name: &str| methods.iter().any(|method| method == name);
    let offered = turns.iter().any(|turn| !matches!(turn.fate, Fate::Unusable(_)));
    let file_at_fault = turns.iter().any(|turn| matches!(turn.fate, Fate::Unusable(_))) || file_out_of_reach(facts);
    let agent = facts.agent.as_ref().ok();
    let only_files = facts.config.options.is_yes("identitiesonly");
    let agent_at_fault = !only_files
        && agent
            .is_some_and(|agent| agent.socket.is_some() && !matches!(agent.answer, Ok(AgentAnswer::Lists(_)) | Err(_)));
    let password_open = super::userauth::question_open(facts, methods);
    let asks = prompts::secrets_can_be_asked(facts) && password_open;
    let token = super::userauth::token_unread(facts).is_some() && turns.is_empty();
    if !has("publickey")
        || !super::userauth::client_takes_publickey(facts)
        || offered
        || token
        || file_at_fault
        || agent_at_fault
        || asks
        || not_offered_but_accepted(facts, userauth).next().is_some()
    {
        return Ok(None);
    }
    let short = short_rsa::passed_over(facts);
    let files = if short.is_empty() { "no key file" } else { "no key file that is long enough for it" };
    let mut finding = Finding::proven(format!(
        "ssh has no key to offer to {}: {files}, and {}",
        naming::login(facts),
        agent_words(facts)
    ));
    finding.evidence.extend(short);
    finding.evidence.push(format!("the server takes: {}", methods.join(", ")));
    finding.evidence.push("ssh offers nothing: it was never asked about a key".to_owned());
    finding.evidence.extend(absent_files(facts));
    if let Some(unread) = super::userauth::token_unread(facts) {
        finding.certainty = super::Certainty::Likely;
        finding.evidence.push(format!("not listed: {unread}"));
    }
    finding.evidence.extend(accepted_elsewhere(facts, userauth));
    let via = facts.target.as_ref().is_ok_and(|target| !target.via.is_empty());
    finding.evidence.extend(forwarding::whose_keys(facts).into_iter().filter(|_| via).take(1));
    if forwarding::none_came(facts) {
        finding.evidence.extend(forwarding::why_none(facts));
    } else if let Some(socket) = forwarding::lists_none(facts) {
        let (path, home) = (&socket.path, forwarding::home(facts));
        let why = match facts.agent.as_ref().map(|agent| &agent.locked) {
            Ok(Ok(true)) => "is locked (ssh-add -x)",
            Ok(Ok(false)) => "holds no key, or none that may be used from here (ssh-add -h)",
            _ => "holds no key, is locked (ssh-add -x), or has none that may be used from here (ssh-add -h)",
        };
        finding
            .evidence
            .push(format!("the agent at {path} is a forwarded one: it runs at {home}, or beyond it, and {why}"));
        finding.place = Some(Place::AgentHost);
    } else if let Some(socket) = facts.run.auth_sock.as_ref().filter(|_| super::agent::switched_off(facts)) {
        finding.evidence.push(format!("IdentityAgent none keeps ssh from the agent at {socket} (SSH_AUTH_SOCK)"));
    } else if facts.run.auth_sock.is_none() && agent.is_none_or(|agent| agent.socket.is_none()) {
        finding.evidence.extend(no_agent(facts));
    }
    if let Some(sudo_user) = &facts.run.sudo_user {
        finding.evidence.push(format!(
            "ssh runs as {} by sudo, so it looks for keys in {} and not in {sudo_user}'s home",
            facts.run.user, facts.run.home
        ));
    }
    Ok(Some(finding.or(wrong_account::alternative(facts)).or(auth_methods::kerberos_instead(facts))))
}

/// `the agent is empty`, `no agent is known`, for the sentence that says what ssh has.
fn agent_words(facts: &Facts) -> &'static str {
    if forwarding::none_came(facts) {
        return "no agent came along";
    }
    match facts.agent.as_ref().ok().and_then(|agent| agent.socket.as_ref().map(|_| agent)) {
        Some(agent) if agent.locked == Ok(true) => "the agent is locked and lists none",
        Some(agent) if agent.keys().is_empty() && forwarding::socket(facts).is_some() => {
            "the forwarded agent lists none"
        }
        Some(agent) if agent.keys().is_empty() && agent.locked == Ok(false) => "the agent is empty",
        Some(agent) if agent.keys().is_empty() => "the agent lists none (it is empty, or locked)",
        Some(_) => "nothing of the agent's is allowed here",
        None => "no agent is known to it",
    }
}

/// That there is no agent, as far as it is known.
fn no_agent(facts: &Facts) -> Option<String> {
    if !facts.is_read() {
        return Some("SSH_AUTH_SOCK is not set: there is no agent".to_owned());
    }
    let said = "ssh names no agent: SSH_AUTH_SOCK is not set there, or IdentityAgent is none";
    facts.agent.is_ok().then(|| said.to_owned())
}

/// One line for all the default files that are not there.
pub(super) fn absent_files(facts: &Facts) -> Option<String> {
    let files = &facts.identities.as_ref().ok()?.files;
    let absent: Vec<String> = files.iter().filter(|file| is_missing(file)).map(|file| file.path.to_string()).collect();
    (!absent.is_empty()).then(|| format!("none of these exists: {}", absent.join(", ")))
}

fn is_missing(file: &KeyFile) -> bool {
    file.state.as_ref().is_err_and(FileError::is_missing)
}

/// Whether a file that the user named is missing, or any cannot even be looked at: then that is at fault.
fn file_out_of_reach(facts: &Facts) -> bool {
    let Ok(identities) = &facts.identities else { return false };
    let mut certificates = identities.certificates.iter().map(|certificate| &certificate.file.state);
    let out_of_reach = |file: &KeyFile| if is_missing(file) { file.explicit } else { file.state.is_err() };
    certificates.any(|state| state.as_ref().is_err_and(FileError::is_missing))
        || identities.files.iter().any(out_of_reach)
}

fn no_identities_commands(facts: &Facts) -> Vec<Step> {
    let destination = naming::destination(facts);
    if forwarding::none_came(facts) {
        return forwarding::bring_one(facts);
    }
    let place = forwarding::place(facts);
    if facts.agent.as_ref().is_ok_and(|agent| agent.locked == Ok(true)) {
        let unlock = Step::here("ssh-add -X", "unlocks the agent; it asks for the password that locked it");
        return vec![Step { place, ..unlock }];
    }
    if forwarding::lists_none(facts).is_some() {
        let load = "loads a key into the agent where it runs, and it can be used here at once; put your key's path in the \
                    place of PATH_OF_YOUR_KEY";
        let locked = "a locked agent (ssh-add -x) lists no key and takes none: this unlocks it, and one that is not locked \
                      says so";
        let unlock = facts.agent.as_ref().is_ok_and(|agent| agent.locked != Ok(false));
        let unlock = unlock.then(|| forwarding::there("ssh-add -X", locked));
        return unlock.into_iter().chain([forwarding::there("ssh-add PATH_OF_YOUR_KEY", load)]).collect();
    }
    if facts.run.auth_sock.is_some() && super::agent::switched_off(facts) {
        return vec![super::agent::as_the_shell_has(facts)];
    }
    let agent_shows = facts.agent.as_ref().is_ok_and(|agent| agent.socket.is_some());
    if facts.is_read() && !agent_shows {
        let why = "lists what an agent holds, where ssh was typed; if it finds none there and your keys are in the agent of \
                   the machine that you came from, come again with it: ssh -A";
        return vec![
            Step::here("ssh-add -l", why),
            Step::here(
                format!("ssh -i PATH_OF_YOUR_KEY {destination}"),
                "if the key lies in a file, name it: put your key's path in the place of PATH_OF_YOUR_KEY",
            ),
        ];
    }
    let others = facts.identities.as_ref().map(|identities| identities.others.as_slice()).unwrap_or_default();
    if let Some(file) = others.iter().find(|file| file.state.is_ok()) {
        return vec![Step::here(
            format!("ssh -i {} {destination}", naming::path(&file.path)),
            "a key that no configuration names; whether the server accepts it was not asked",
        )];
    }
    if facts.agent.as_ref().is_ok_and(|agent| agent.socket.is_some()) {
        return vec![Step::here("ssh-add", "loads your default keys into the agent; name another key file after it")];
    }
    vec![
        Step::here("ssh-keygen -t ed25519", "makes a key pair, if you have none; its .pub must then be authorised"),
        Step::here(
            format!("ssh -i PATH_OF_YOUR_KEY {destination}"),
            "if you have a key elsewhere, name it: put your key's path in the place of PATH_OF_YOUR_KEY",
        ),
    ]
}

fn mend_no_identities(facts: &mut Facts) {
    if facts.checkup.is_some() {
        facts.identities = Err(Unobserved::NotAttempted);
    }
    // Which key a person will bring, and whether it is authorised, nobody can know.
    facts.userauth = Err(Unobserved::NotAttempted);
    facts.session = Err(Unobserved::NotAttempted);
}

const ACCEPTED_KEY_NOT_OFFERED: Cause = Cause {
    id: "accepted-key-not-offered",
    title: "a key on this machine would be accepted, and ssh does not offer it",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "The server accepts a public key that lies on this machine, but neither the agent holds it nor does the \
          configuration name it, so ssh never asks with it. ssh tries only its default names (id_ed25519, id_rsa, …), what \
          -i or IdentityFile names, and the agent.\n\n\
          Proven when the server answered a query with this very key by \"yes\", and refused (or was not offered) what ssh \
          has.",
    prevent: "Give every key that has a name of its own a Host block with IdentityFile.",
    fix: Fix { commands: not_offered_commands, mend: mend_not_offered },
    see: &["RFC 4252 section 7", "ssh_config(5) IdentityFile"],
    judge: accepted_key_not_offered,
};

fn accepted_key_not_offered(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    if !super::userauth::client_takes_publickey(facts) || accepted_anyway(facts, &turns) {
        return Ok(None);
    }
    let mut accepted = not_offered_but_accepted(facts, userauth);
    let Some((query, file)) = accepted.find_map(|query| Some((query, other_file(facts, &query.key)?))) else {
        return Ok(None);
    };
    let summary = format!("{} would accept your key {}, but ssh does not offer it", naming::login(facts), file.path);
    let mut finding = Finding::proven(summary)
        .seen(format!("the server accepts {} from {}", naming::key(&query.key), file.path))
        .seen("no IdentityFile names this file, and the agent does not hold the key");
    finding.evidence.push(offered_words(&turns));
    Ok(Some(finding))
}

/// What to type where such a key is here; nothing where none is.
pub(super) fn not_offered_commands(facts: &Facts) -> Vec<Step> {
    let Some(path) = facts.userauth.as_ref().ok().and_then(|userauth| {
        not_offered_but_accepted(facts, userauth).find_map(|query| Some(&other_file(facts, &query.key)?.path))
    }) else {
        return Vec::new();
    };
    let word = naming::path(path);
    vec![
        Step::here(format!("ssh -i {word} {}", naming::destination(facts)), "offers this key now"),
        Step::here(naming::host_block(facts, &[format!("IdentityFile {}", config_word(&path.to_string()))]), KEEP),
    ]
}

/// Why a Host block is appended.
const KEEP: &str = "makes it last: appends a Host block to ~/.ssh/config; move the block above any `Host *`";

/// A value as ssh_config takes it: in double quotes where it holds a blank.
fn config_word(value: &str) -> String {
    if value.contains([' ', '\t', '#']) { format!("\"{value}\"") } else { value.to_owned() }
}

fn mend_not_offered(facts: &mut Facts) {
    let Ok(userauth) = &facts.userauth else { return };
    let Some(row) = not_offered_but_accepted(facts, userauth).find_map(|query| other_row(facts, &query.key)) else {
        return;
    };
    if let Ok(identities) = &mut facts.identities {
        let mut file = identities.others.remove(row);
        file.explicit = true;
        identities.files.insert(0, file);
    }
    // It is then offered first, before the server may have hung up at what was asked about besides.
    if let Ok(userauth) = &mut facts.userauth {
        userauth.connections = vec![None];
    }
}

const IDENTITIES_ONLY_HIDES_KEY: Cause = Cause {
    id: "identities-only-hides-key",
    title: "IdentitiesOnly keeps ssh from offering the agent's accepted key",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "The agent holds a key that the server accepts, and IdentitiesOnly restricts ssh to the keys that IdentityFile \
          names. Without a key file or a .pub for that key, ssh passes over it in silence.\n\n\
          Proven when the server answered a query with the agent's key by \"yes\" while IdentitiesOnly is in force and no \
          IdentityFile stands for the key.",
    prevent: "With IdentitiesOnly, name each wanted agent key by its .pub in IdentityFile.",
    fix: Fix { commands: hides_commands, mend: mend_hides },
    see: &["OpenSSH sshconnect2.c pubkey_prepare", "ssh_config(5) IdentitiesOnly"],
    judge: identities_only_hides_key,
};

fn identities_only_hides_key(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let hidden = facts.config.options.is_yes("identitiesonly") && super::userauth::client_takes_publickey(facts);
    if !hidden || (accepted_anyway(facts, &turns) && course::orphan(&turns).is_none()) {
        return Ok(None);
    }
    if let (Some(signer), Some((key, _))) = (hidden_signer(facts), course::orphan(&turns)) {
        let summary = format!(
            "IdentitiesOnly keeps ssh from signing with the agent's key for the certificate that {} accepts",
            naming::login(facts)
        );
        return Ok(Some(
            Finding::proven(summary)
                .seen(format!("the server accepts the certificate {}", naming::key(key)))
                .seen(format!("the agent holds its key: {}", naming::key(signer)))
                .seen("IdentitiesOnly is yes, and no IdentityFile stands for this key")
                .at(Blocks::Signed),
        ));
    }
    let Some(query) = not_offered_but_accepted(facts, userauth).find(|query| in_agent(facts, &query.key)) else {
        return Ok(None);
    };
    let comment = if query.key.comment.is_empty() { String::new() } else { format!(" ({})", query.key.comment) };
    let summary =
        format!("IdentitiesOnly keeps ssh from offering the key that {} accepts{comment}", naming::login(facts));
    Ok(Some(
        Finding::proven(summary)
            .seen(format!("the server accepts {}, which the agent holds", naming::key(&query.key)))
            .seen("IdentitiesOnly is yes, and no IdentityFile stands for this key")
            .seen(offered_words(&turns)),
    ))
}

/// The agent's key that belongs to an accepted certificate and that IdentitiesOnly keeps from signing for it.
pub(super) fn hidden_signer(facts: &Facts) -> Option<&PublicKey> {
    let turns = course::course(facts).ok()?;
    let (_, certificate) = course::orphan(&turns).filter(|_| facts.config.options.is_yes("identitiesonly"))?;
    let held = facts.agent.as_ref().ok()?.keys().iter();
    held.map(|entry| &entry.key).find(|key| key.blob == certificate.key)
}

fn hides_commands(facts: &Facts) -> Vec<Step> {
    if let Some(signer) = hidden_signer(facts) {
        return select_agent_key(facts, signer);
    }
    let Ok(userauth) = &facts.userauth else { return Vec::new() };
    let Some(query) = not_offered_but_accepted(facts, userauth).find(|query| in_agent(facts, &query.key)) else {
        return Vec::new();
    };
    select_agent_key(facts, &query.key)
}

/// The steps that make ssh offer one agent key and nothing else: its public half in a file, named by a Host block.
pub(super) fn select_agent_key(facts: &Facts, key: &PublicKey) -> Vec<Step> {
    let name = format!("agent-{}.pub", naming::alias(facts).replace(['/', '*', '?', ' '], "_"));
    let path = format!("~/.ssh/{}", super::quoted(&name));
    let blob = key.blob.base64();
    let tail = blob.get(blob.len().saturating_sub(24)..).unwrap_or(&blob);
    vec![
        Step::here(
            format!("ssh-add -L | grep -F {} > {path}", super::quoted(tail)),
            "writes the public half of this agent key to a file",
        ),
        Step::here(
            naming::host_block(facts, &[format!("IdentityFile ~/.ssh/{name}"), "IdentitiesOnly yes".to_owned()]),
            "makes ssh offer this key, and only this one, to this host; move the block above any `Host *`",
        ),
    ]
}

fn mend_hides(facts: &mut Facts) {
    if hidden_signer(facts).is_some() {
        facts.config.options.set("identitiesonly", "no");
        return;
    }
    let Ok(userauth) = &facts.userauth else { return };
    let Some(key) =
        not_offered_but_accepted(facts, userauth).map(|query| query.key.clone()).find(|key| in_agent(facts, key))
    else {
        return;
    };
    offer_agent_key(facts, &key);
}

/// Makes the facts those in which ssh offers this agent key first: its `.pub` named as IdentityFile.
pub(super) fn offer_agent_key(facts: &mut Facts, key: &PublicKey) {
    let missing = || FileError { errno: "ENOENT".to_owned(), at: None };
    let path = crate::facts::text::Path::from("~/.ssh/agent.pub");
    let empty = |name: &str| PublicFile { path: name.into(), state: Err(missing()), key: None };
    let file = KeyFile {
        path: path.clone(),
        configured: "~/.ssh/agent.pub".into(),
        source: crate::facts::Source::CommandLine,
        explicit: true,
        state: Err(missing()),
        private: Err(Unobserved::NotAttempted),
        public: PublicFile { key: Some(key.clone()), ..empty("~/.ssh/agent.pub") },
        certificate: empty("~/.ssh/agent-cert.pub"),
    };
    facts.config.options.set("identitiesonly", "yes");
    if let Ok(identities) = &mut facts.identities {
        identities.files = vec![file];
        identities.certificates.clear();
    }
    if let Ok(agent) = &mut facts.agent {
        let held = agent.keys().iter().any(|entry| entry.key.is_same(key));
        if !held && let Ok(bound) = &mut agent.bound {
            bound.push(crate::facts::agent::AgentKey { key: key.clone() });
        }
    }
}

/// Queries with keys of this machine that ssh would not offer and that the server answered by yes (where its yes means
/// something). A public half whose private one is elsewhere is no key of this machine.
pub(super) fn not_offered_but_accepted<'a, 'f: 'a>(
    facts: &'f Facts,
    userauth: &'a Userauth,
) -> impl Iterator<Item = &'a Query> {
    let believable = userauth.takes_keys() && !course::says_yes_to_everything(facts);
    let offered: Vec<Offer> = offers(facts);
    userauth.queries.iter().filter(move |query| {
        believable
            && query.answer == Some(Answer::PkOk)
            && is_here(facts, &query.key)
            && !offered.iter().any(|offer| offer.key.as_ref().is_some_and(|key| key.is_same(&query.key)))
    })
}

/// Whether ssh's own offers already hold one that the server accepts.
fn accepted_anyway(facts: &Facts, turns: &[course::Turn]) -> bool {
    let accepted = turns.iter().any(|turn| matches!(turn.fate, Fate::Accepted(_)));
    accepted || facts.userauth.as_ref().is_ok_and(Userauth::succeeded)
}

/// Whether the private half of `key` is on this machine or in the agent.
pub(super) fn is_here(facts: &Facts, key: &PublicKey) -> bool {
    let Ok(identities) = &facts.identities else { return in_agent(facts, key) };
    let is_half = |half: Option<&PublicKey>| half.is_some_and(|half| half.is_same(key));
    let holds = |file: &KeyFile| is_half(file.public_half()) || is_half(file.certificate.key.as_ref());
    let mut files = identities.files.iter().chain(&identities.others);
    let named = identities.certificates.iter().any(|certificate| is_half(certificate.file.key.as_ref()));
    let hidden = facts.agent.as_ref().is_ok_and(|agent| agent.unbound().iter().any(|held| held.key.is_same(key)));
    named || hidden || in_agent(facts, key) || files.any(|file| file.is_private_here() && holds(file))
}

/// What the server accepts although nobody here can sign for it, for evidence.
pub(super) fn accepted_elsewhere(facts: &Facts, userauth: &Userauth) -> Vec<String> {
    let accepted = userauth.queries.iter().filter(|query| query.answer == Some(Answer::PkOk));
    let believable = !course::says_yes_to_everything(facts);
    let absent = accepted.filter(|query| believable && !query.offered_by_ssh && !is_here(facts, &query.key));
    absent
        .map(|query| {
            let path = other_file(facts, &query.key).map(|file| format!(" of {}", file.public.path));
            format!(
                "the server would accept {}{}, but its private half is not on this machine",
                naming::key(&query.key),
                path.unwrap_or_default()
            )
        })
        .collect()
}

fn in_agent(facts: &Facts, key: &PublicKey) -> bool {
    facts.agent.as_ref().is_ok_and(|agent| agent.keys().iter().any(|entry| entry.key.is_same(key)))
}

fn other_row(facts: &Facts, key: &PublicKey) -> Option<usize> {
    let identities = facts.identities.as_ref().ok()?;
    identities.others.iter().position(|file| {
        file.public_half().is_some_and(|half| half.is_same(key))
            || file.certificate.key.as_ref().is_some_and(|certificate| certificate.is_same(key))
    })
}

fn other_file<'a>(facts: &'a Facts, key: &PublicKey) -> Option<&'a KeyFile> {
    facts.identities.as_ref().ok()?.others.get(other_row(facts, key)?)
}

/// What ssh offered, in one line.
fn offered_words(turns: &[course::Turn]) -> String {
    let keys: Vec<String> = turns.iter().filter_map(|turn| turn.offer.key.as_ref()).map(naming::key).collect();
    match keys.as_slice() {
        [] => "ssh offers nothing".to_owned(),
        keys => format!("ssh offers {}: {}", naming::count(keys.len(), "key", "keys"), keys.join("; ")),
    }
}

fn identities_hold(facts: &Facts) -> Observed<Outcome> {
    known(&facts.identities)?;
    if log::shows_no_offers(facts) {
        return Err(Unobserved::NotInThisSource);
    }
    let offers = offers(facts);
    let lines = offers.iter().enumerate().map(|(place, offer)| {
        let name = offer.key.as_ref().map_or_else(|| "a key whose public half is unknown".to_owned(), naming::key);
        let file = course::key_file(facts, offer).map(|file| file.path.to_string());
        let origin = match (offer.agent, file) {
            (true, Some(file)) => format!("agent, named by {file}"),
            (true, None) => "agent".to_owned(),
            (false, Some(file)) => file,
            (false, None) => "file".to_owned(),
        };
        format!("{}. {name}, {origin}", place + 1)
    });
    if offers.is_empty() {
        return Ok(Outcome::info("ssh has no key to offer"));
    }
    let summary = format!("ssh would offer {}", naming::count(offers.len(), "key", "keys"));
    let lines = naming::first_of(lines);
    let ignored = super::userauth::certificates::passed_over(facts);
    if let Some(first) = ignored.first().cloned() {
        return Ok(Outcome::warn(format!("{summary}; {first}")).with(lines).with(ignored));
    }
    Ok(Outcome::pass(summary).with(lines))
}

fn something_is_offered(facts: &Facts) -> Option<String> {
    facts.identities.as_ref().ok().filter(|_| !log::shows_no_offers(facts))?;
    let keys = offers(facts).iter().filter(|offer| offer.key.is_some()).count();
    (keys > 0).then(|| format!("ssh has {} to offer", naming::count(keys, "key", "keys")))
}
