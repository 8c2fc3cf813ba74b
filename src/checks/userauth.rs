//! Whether the server accepts an identity, and whether the login then succeeds (RFC 4252 section 7).

pub(super) mod certificates;

use crate::facts::key::PublicKey;
use crate::facts::offer::Expected;
use crate::facts::text::escape;
use crate::facts::userauth::{Answer, Query, Signed, Userauth};
use crate::facts::{End, Facts, Observed, Stage, Unobserved, known};
use crate::openssh::course::{self, Fate, Problem, Turn, Use};
use crate::openssh::{known_hosts, methods, prompts};

use super::answers::{self, PASSWORD_REJECTED};
use super::{
    Alternative, Blocks, Cause, Certainty, Check, Finding, Fix, Outcome, Place, Step, auth_methods, hardware, members,
    naming, wrong_user,
};

use super::git_host::GIT_HOST_NO_ACCOUNT;

pub(super) use super::auth_methods::{client_takes_publickey, question_open};
pub(super) use crate::openssh::course::demanded;

/// The server accepts an identity.
pub const AUTHORIZED_KEYS: Check = Check {
    id: "authorized-keys",
    stage: Stage::Auth,
    claim: "the server accepts an identity that ssh offers",
    causes: &[
        &TOO_MANY_KEYS,
        &NO_MUTUAL_SIGNATURE_ALGORITHM,
        &certificates::CERTIFICATE_EXPIRED,
        &wrong_user::WRONG_USER,
        &GIT_HOST_NO_ACCOUNT,
        &NO_KEY_ACCEPTED,
    ],
    holds: authorized_keys_hold,
    rules_out: &[("no-key-accepted", a_key_is_accepted)],
};

/// The login goes through.
pub const LOGIN: Check = Check {
    id: "login",
    stage: Stage::Auth,
    claim: "the login succeeds with the accepted identity",
    causes: &[
        &hardware::HARDWARE_KEY_UNAVAILABLE,
        &SERVER_DISCONNECTED,
        &SIGNATURE_REJECTED,
        &SECOND_FACTOR_REQUIRED,
        &PASSWORD_REJECTED,
    ],
    holds: login_holds,
    rules_out: &[],
};

/// A dialogue that ssh would try after everything else although nobody is there to answer: one that asks nothing (a push
/// to a telephone, PAM that permits) lets in all the same. In words; `None` where ssh does not come to it.
pub(super) fn silent_dialogue(facts: &Facts) -> Option<String> {
    let userauth = facts.userauth.as_ref().ok()?;
    let turns = course::course(facts).ok()?;
    let methods = demanded(&turns).map_or_else(|| userauth.methods().unwrap_or_default(), |(_, methods)| methods);
    let dialogue: Vec<String> = methods.iter().filter(|method| *method == "keyboard-interactive").cloned().collect();
    let tried = facts.run.limits.offer.is_none()
        && !facts.config.options.is_yes("batchmode")
        && userauth.connections.first() == Some(&None)
        && question_open(facts, &dialogue)
        && !prompts::can_be_asked(facts)
        && !known_hosts::is_without_passwords(facts);
    tried.then(|| "keyboard-interactive was not tried: it lets in where the server asks nothing".to_owned())
}

/// What was asked and refused, where every answer was a refusal.
pub(super) struct Refusal {
    /// Identities and other keys that nobody asked about, in words.
    pub(super) unasked: Vec<String>,
}

/// Whether the server takes keys, was asked about at least one identity of ssh's, and refused all that it was asked.
pub(super) fn all_refused(facts: &Facts, turns: &[Turn]) -> Observed<Option<Refusal>> {
    let userauth = known(&facts.userauth)?;
    let takes_keys = userauth.methods().is_some_and(|methods| methods.iter().any(|method| method == "publickey"))
        || userauth.wants_a_key_next();
    let refused = turns.iter().filter(|turn| turn.fate == Fate::Refused).count();
    let accepted = turns.iter().any(|turn| matches!(turn.fate, Fate::Accepted(_) | Fate::TooLate));
    let not_offered = super::identities::not_offered_but_accepted(facts, userauth).next().is_some();
    if !takes_keys || refused == 0 || accepted || not_offered || userauth.succeeded() || !client_takes_publickey(facts)
    {
        return Ok(None);
    }
    // A passphrase that ssh asks for before it can offer the key stands open, and that may be the right one.
    if asks_before_offering(facts, turns).is_some() {
        return Ok(None);
    }
    // Where the server hung up before it had heard of all that ssh offers, that is the fault.
    if course::cut_after(userauth).is_some() && turns.iter().any(|turn| turn.fate == Fate::NotAsked) {
        return Ok(None);
    }
    let mut unasked: Vec<String> = turns.iter().filter_map(|turn| unasked(facts, turn)).collect();
    if facts.run.limits.offer.is_some() {
        return Ok(Some(Refusal { unasked: Vec::new() }));
    }
    if let Ok(identities) = &facts.identities {
        let here = identities.others.iter().filter(|file| file.is_private_here());
        let others = here.filter_map(|file| file.public_half());
        unasked.extend(others.filter(|key| userauth.answer(key).is_none()).map(naming::key));
    }
    if facts.agent.as_ref().is_ok_and(|agent| agent.locked == Ok(true)) {
        unasked.push("the keys of the agent, which is locked".to_owned());
    }
    unasked.extend(token_unread(facts));
    Ok(Some(Refusal { unasked }))
}

/// How many keys a report names one by one.
const FEW: usize = 12;

/// The first of many lines, and how many more there are.
pub(super) fn few(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().collect();
    if lines.len() > FEW {
        let more = lines.len() - FEW;
        lines.truncate(FEW);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// An identity of ssh's that the server was not asked about, in words: it may be the right one.
fn unasked(facts: &Facts, turn: &Turn) -> Option<String> {
    let path = || course::key_file(facts, &turn.offer).map(|file| file.path.to_string()).unwrap_or_default();
    match &turn.fate {
        Fate::NotAsked => turn.offer.key.as_ref().map(naming::key),
        Fate::NoAlgorithm => {
            turn.offer.key.as_ref().map(|key| format!("{} (no mutual signature algorithm)", naming::key(key)))
        }
        Fate::Unusable(Problem::TooOpen(mode)) => Some(format!("{} (its mode is {mode:04o})", path())),
        Fate::Unusable(Problem::Encrypted) => Some(format!("{} (it is encrypted)", path())),
        Fate::Unusable(Problem::Unreadable(_)) => Some(format!("{} (it cannot be read)", path())),
        _ => None,
    }
}

/// The keys of a token that ssh could not list, in words: the right one may be among them.
pub(super) fn token_unread(facts: &Facts) -> Option<String> {
    if methods::lacks_token_library(facts) {
        let provider = methods::pkcs11_provider(&facts.config.options)?;
        return Some(format!("the keys of the PKCS11Provider {}, which does not exist", escape(provider.as_bytes())));
    }
    let trouble = facts.identities.as_ref().ok()?.token_trouble.as_ref()?;
    Some(format!("the keys of the PKCS11Provider, of which ssh says: {}", trouble.shortened(200)))
}

/// The identity for which ssh asks a person for the passphrase before it can offer it, where somebody can be asked.
pub(super) fn asks_before_offering<'a>(facts: &Facts, turns: &'a [Turn]) -> Option<&'a Turn> {
    let first = turns.iter().find(|turn| turn.fate == Fate::Unusable(Problem::Encrypted));
    first.filter(|_| prompts::secrets_can_be_asked(facts))
}

/// Whether the login succeeds in ssh's own course.
pub(super) fn let_in(facts: &Facts, turns: &[Turn]) -> bool {
    let userauth = facts.userauth.as_ref().ok();
    let without_key = userauth.is_some_and(|userauth| {
        userauth.none == Some(Answer::Success)
            || userauth.queries.iter().any(|query| query.answer == Some(Answer::Success))
            || answers::logged_in(userauth).is_some()
    });
    let by_ssh = userauth.is_some_and(|userauth| userauth.admitted_by.is_some());
    by_ssh || without_key || turns.iter().any(|turn| turn.fate == Fate::Accepted(Use::LoggedIn))
}

pub(super) const NO_KEY_ACCEPTED: Cause = Cause {
    id: "no-key-accepted",
    title: "the server accepts none of the keys",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The server takes public keys and refuses every identity that ssh offers. Why is visible on the server only: the \
          key is not in authorized_keys, the file is elsewhere or has the wrong mode, the account is another, locked or not \
          allowed. To the client all of these look alike, down to the last byte.\n\n\
          Proven as a group when every query was answered by a refusal. Its members are listed with the one command that \
          decides each; sshd's own log names most of them.",
    prevent: "Authorise keys with ssh-copy-id, which also sets the modes that sshd's StrictModes wants.",
    fix: Fix { commands: members::refusal_commands, mend: mend_accepted },
    see: &["RFC 4252 section 7", "OpenSSH auth2-pubkey.c user_key_allowed"],
    judge: no_key_accepted,
};

fn no_key_accepted(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(refusal) = all_refused(facts, &turns)? else { return Ok(None) };
    let elsewhere = certificates::is_expired(facts, &turns) || super::git_host::judged(facts, &turns).is_some();
    if turns.iter().all(|turn| turn.offer.agent) || elsewhere {
        return Ok(None);
    }
    let userauth = known(&facts.userauth)?;
    let refused: Vec<&Turn> = turns.iter().filter(|turn| turn.fate == Fate::Refused).collect();
    let login = naming::login(facts);
    let methods = userauth.methods().unwrap_or_default();
    let asks = question_open(facts, methods)
        && prompts::secrets_can_be_asked(facts)
        && !known_hosts::is_without_passwords(facts);
    let therefore = if asks { "; this is why ssh asks for a password" } else { "" };
    let summary = match (facts.run.limits.offer.as_ref(), refused.as_slice()) {
        (Some(offered), _) => {
            let otherwise = super::offer::compared(offered, Expected::Refused);
            format!("{login} does not accept the key {}{otherwise}", super::offer::name(offered))
        }
        (None, [turn]) => {
            let file = course::key_file(facts, &turn.offer).map(|file| file.path.to_string());
            let name = file.or_else(|| turn.offer.key.as_ref().map(naming::key)).unwrap_or_default();
            format!("{login} does not accept your key {name}{therefore}")
        }
        (None, many) => format!(
            "{login} accepts none of the {} that ssh offers{therefore}",
            naming::count(many.len(), "key", "keys")
        ),
    };
    let mut finding = Finding::proven(summary);
    finding.place = members::is_git_host(facts).then_some(Place::GitHost);
    finding.evidence.extend(few(refused.iter().filter_map(|turn| {
        let key = naming::key(turn.offer.key.as_ref()?);
        let origin = match (turn.offer.agent, course::key_file(facts, &turn.offer)) {
            _ if let Some(offered) = &facts.run.limits.offer => offered.path.to_string(),
            (true, _) => "the agent".to_owned(),
            (false, Some(file)) => file.path.to_string(),
            (false, None) => "a file".to_owned(),
        };
        Some(format!("refused: {key}, from {origin}"))
    })));
    finding.evidence.push(format!("the server takes: {}", methods.join(", ")));
    if course::says_yes_to_everything(facts) {
        finding.evidence.push("the server says yes to every query, so only the refused signature counts".to_owned());
    }
    let extra =
        userauth.queries.iter().filter(|query| !query.offered_by_ssh && refused_answer(query.answer.as_ref())).count();
    if extra > 0 {
        let others = naming::count(extra, "other public key", "other public keys");
        finding.evidence.push(format!("{others} under ~/.ssh were asked about and refused too"));
    }
    finding.evidence.extend(super::identities::accepted_elsewhere(facts, userauth));
    finding.evidence.extend(certificates::passed_over(facts));
    finding.evidence.extend(super::forwarding::whose_keys(facts));
    finding.evidence.extend(wrong_user::tried_in_vain(facts));
    if !refusal.unasked.is_empty() {
        finding.certainty = Certainty::Likely;
        finding.evidence.push(format!("not asked: {}", few(refusal.unasked).join("; ")));
        finding = finding.or([among_the_unasked(facts)]);
    }
    Ok(Some(finding.or(members::of_refusal(facts, &turns)).or(auth_methods::kerberos_instead(facts))))
}

/// The alternative where keys are left that nobody asked about.
pub(super) fn among_the_unasked(facts: &Facts) -> Alternative {
    Alternative {
        cause: "accepted-key-not-offered",
        certainty: Certainty::Possible,
        summary: "one of the keys that were not asked about is the right one".to_owned(),
        evidence: Vec::new(),
        decide: Some(super::Decide {
            place: Place::Client,
            command: format!("sshdoctor --all-keys {}", naming::destination(facts)),
        }),
    }
}

fn refused_answer(answer: Option<&Answer>) -> bool {
    matches!(answer, Some(Answer::Failure { partial: false, .. }))
}

/// Makes the facts those in which the server accepts the identity that is meant.
pub(super) fn mend_accepted(facts: &mut Facts) {
    let Ok(turns) = course::course(facts) else { return };
    let Some(key) = course::meant(facts, &turns).and_then(|turn| turn.offer.key.clone()) else { return };
    let Ok(userauth) = &mut facts.userauth else { return };
    userauth.canary = None;
    userauth.signatures.retain(|signature| !signature.key.is_same(&key));
    for query in userauth.queries.iter_mut().filter(|query| query.key.is_same(&key)) {
        query.answer = Some(Answer::PkOk);
    }
    facts.session = Err(Unobserved::NotAttempted);
}

const TOO_MANY_KEYS: Cause = Cause {
    id: "too-many-keys",
    title: "the server hangs up before ssh comes to the right key",
    blocks: Blocks::Accepted,
    place: Place::Client,
    doc: "ssh offers every key that the agent holds before the one that is meant, and each refusal counts: sshd ends the \
          connection after MaxAuthTries (6) with \"Too many authentication failures\".\n\n\
          Proven when the server hung up with that text and accepts a key that ssh would have offered later; likely when it \
          hung up and keys are left that nobody asked about.",
    prevent: "Give the host a Host block with IdentitiesOnly yes and the one IdentityFile that it needs.",
    fix: Fix { commands: too_many_commands, mend: mend_too_many },
    see: &["sshd_config(5) MaxAuthTries", "OpenSSH auth.c auth_maxtries_exceeded"],
    judge: too_many_keys,
};

/// The identities of ssh's that come after the cut, with their places counted from 1, and whether they are accepted.
fn behind_the_cut<'a>(turns: &'a [Turn], userauth: &Userauth) -> Vec<(usize, &'a Turn)> {
    let on_first = || userauth.queries.iter().filter(|query| query.connection == 0);
    // The one that met the disconnect was refused by it.
    let met = on_first().find(|query| query.answer.is_none()).map(|query| &query.key);
    let heard = |key: &PublicKey| {
        met.is_some_and(|met| met.is_same(key))
            || on_first().any(|query| query.key.is_same(key) && query.answer.is_some())
    };
    let asked =
        turns.iter().enumerate().filter(|(_, turn)| !matches!(turn.fate, Fate::NoAlgorithm | Fate::Accepted(_)));
    asked
        .filter(|(_, turn)| turn.offer.key.as_ref().is_some_and(|key| !heard(key)))
        .map(|(place, turn)| (place + 1, turn))
        .collect()
}

fn too_many_keys(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let too_late = turns.iter().enumerate().find(|(_, turn)| turn.fate == Fate::TooLate);
    let said = course::cut_after(userauth);
    if !client_takes_publickey(facts) || (said.is_none() && too_late.is_none()) {
        return Ok(None);
    }
    let refused = |query: &&Query| query.connection == 0 && refused_answer(query.answer.as_ref());
    let cut = said.unwrap_or_else(|| userauth.queries.iter().filter(refused).count());
    let offered = turns.iter().filter(|turn| turn.offer.key.is_some()).count();
    let words = if said.is_some() { "saying: Too many authentication failures" } else { "without saying why" };
    let seen = format!("after {} the server hung up, {words}", naming::count(cut, "refusal", "refusals"));
    if let Some((place, turn)) = too_late {
        let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
        let summary = format!(
            "the right key is number {} of the {offered} that ssh offers, and the server hangs up after {cut}: {}",
            place + 1,
            told_apart(facts, &turns, turn)
        );
        let certainty = if said.is_some() { Certainty::Proven } else { Certainty::Likely };
        return Ok(Some(Finding::new(certainty, summary).seen(format!("the server accepts {key}")).seen(seen)));
    }
    let left = behind_the_cut(&turns, userauth);
    let unasked = left.iter().filter(|(_, turn)| turn.fate == Fate::NotAsked).count();
    if left.is_empty() {
        return Ok(None);
    }
    if unasked == 0 {
        // All were asked in the end and none is accepted: the cut is what ssh meets after the first is put right.
        let summary = format!("ssh offers {offered} keys, and the server hangs up after {cut}");
        return Ok(Some(Finding::proven(summary).seen(seen).at(Blocks::Signed)));
    }
    let summary =
        format!("ssh offers {offered} keys, and the server hangs up after {cut} refusals, before it has seen them all");
    let asked = format!("{offered} keys are offered, {unasked} of them never came to be asked about");
    let finding = Finding::likely(summary).seen(seen).seen(asked);
    // A key that ssh would not offer either may be the right one.
    let others = facts.identities.as_ref().map(|identities| identities.others.as_slice()).unwrap_or_default();
    let mut others = others.iter().filter(|file| file.is_private_here()).filter_map(|file| file.public_half());
    let hidden = others.any(|key| userauth.answer(key).is_none()).then(|| among_the_unasked(facts));
    let members = hidden.into_iter().chain(members::of_refusal(facts, &turns));
    Ok(Some(finding.or(members).or(auth_methods::kerberos_instead(facts))))
}

/// The key of `turn` in so many words as tell it from the others that ssh offers.
fn told_apart(facts: &Facts, turns: &[Turn], turn: &Turn) -> String {
    let file = course::key_file(facts, &turn.offer).filter(|_| !turn.offer.agent);
    let (None, Some(key)) = (file, &turn.offer.key) else {
        return file.map_or_else(|| "a file".to_owned(), |file| file.path.to_string());
    };
    let whose = if turn.offer.agent { "the agent's" } else { "your" };
    let namesakes =
        turns.iter().filter_map(|turn| turn.offer.key.as_ref()).filter(|other| other.comment == key.comment);
    match (key.comment.is_empty(), namesakes.count()) {
        (true, _) => format!("{whose} {}", key.fingerprint),
        (false, 0 | 1) => format!("{whose} {}", key.comment.shortened(60)),
        (false, _) => format!("{whose} {} ({})", key.fingerprint, key.comment.shortened(60)),
    }
}

fn too_many_commands(facts: &Facts) -> Vec<Step> {
    let destination = naming::destination(facts);
    let turns = course::course(facts).unwrap_or_default();
    let Some(turn) = turns.iter().find(|turn| turn.fate == Fate::TooLate) else {
        let all = Step::here(
            format!("sshdoctor --all-keys {destination}"),
            "asks about the others too, on as many connections as that takes, and names the right one",
        );
        let one = Step::here(
            format!("ssh -o IdentitiesOnly=yes -i PATH_OF_YOUR_KEY {destination}"),
            "if you know which one you mean: offers it alone; put its path in the place of PATH_OF_YOUR_KEY",
        );
        return if facts.run.limits.all_keys { vec![one] } else { vec![all, one] };
    };
    match (turn.offer.agent, course::key_file(facts, &turn.offer), &turn.offer.key) {
        (_, Some(file), _) => {
            let path = naming::path(&file.path);
            let lines = [format!("IdentityFile {}", file.path), "IdentitiesOnly yes".to_owned()];
            vec![
                Step::here(
                    format!("ssh -o IdentitiesOnly=yes -i {path} {destination}"),
                    "offers this key and no other",
                ),
                Step::here(
                    naming::host_block(facts, &lines),
                    "makes it last: appends a Host block to ~/.ssh/config; move the block above any `Host *`",
                ),
            ]
        }
        (true, None, Some(key)) => super::identities::select_agent_key(facts, key),
        _ => Vec::new(),
    }
}

fn mend_too_many(facts: &mut Facts) {
    let turns = course::course(facts).unwrap_or_default();
    let accepted = turns.iter().find(|turn| turn.fate == Fate::TooLate);
    if accepted.is_none() && turns.iter().any(|turn| turn.fate == Fate::NotAsked) {
        // Which one is to be offered alone is not known, nor what the server says to it.
        facts.userauth = Err(Unobserved::NotAttempted);
        facts.session = Err(Unobserved::NotAttempted);
        return;
    }
    let Some(turn) = accepted.or_else(|| course::meant(facts, &turns)) else { return };
    if turn.offer.agent {
        if let Some(key) = &turn.offer.key {
            super::identities::offer_agent_key(facts, key);
        }
    } else if let (Some(row), Ok(identities)) = (turn.offer.file, &mut facts.identities) {
        let mut file = identities.files.swap_remove(row);
        file.explicit = true;
        identities.files = vec![file];
        facts.config.options.set("identitiesonly", "yes");
    }
    if let Ok(userauth) = &mut facts.userauth {
        userauth.connections = vec![None];
    }
}

const NO_MUTUAL_SIGNATURE_ALGORITHM: Cause = Cause {
    id: "no-mutual-signature-algorithm",
    title: "client and server share no signature algorithm for the key",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "The key could be the right one, but ssh may not sign with what this server understands: a server that knows only \
          ssh-rsa (SHA-1) and a client from 8.8 on, a DSA key, or PubkeyAcceptedAlgorithms that leaves the key's type out. ssh \
          passes over the key and says so only with -v: `no mutual signature algorithm`.\n\n\
          Proven when this holds for every identity that ssh has, by the client's list and the server's server-sig-algs.",
    prevent: "Use Ed25519 keys, and update servers that verify nothing but SHA-1 signatures.",
    fix: Fix {
        commands: |facts| {
            let turns = course::course(facts).unwrap_or_default();
            let skipped = turns.iter().find(|turn| turn.fate == Fate::NoAlgorithm);
            let Some(key) = skipped.and_then(|turn| turn.offer.key.as_ref()) else { return Vec::new() };
            let names = wanted_algorithms(facts, key);
            if key.plain_algorithm() == "ssh-dss" {
                return vec![Step::here(
                    "ssh-keygen -t ed25519",
                    "DSA keys are retired; this makes a key that servers take",
                )];
            }
            vec![Step::here(
                format!(
                    "ssh -o PubkeyAcceptedAlgorithms=+{} {}",
                    super::quoted(&names),
                    naming::destination_without(facts, &["pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"])
                ),
                "lets ssh use this key type for this one login; an Ed25519 key or an update of the server is the better way",
            )]
        },
        mend: |facts| {
            let turns = course::course(facts).unwrap_or_default();
            let keys =
                turns.iter().filter(|turn| turn.fate == Fate::NoAlgorithm).filter_map(|turn| turn.offer.key.clone());
            let mut list = course::accepted_algorithms(&facts.config.options).join(",");
            for key in keys {
                list.push(',');
                list.push_str(&wanted_algorithms(facts, &key));
            }
            facts.config.options.set("pubkeyacceptedalgorithms", &list);
        },
    },
    see: &["RFC 8332", "RFC 8308 section 3.1", "OpenSSH sshconnect2.c key_sig_algorithm"],
    judge: no_mutual_signature_algorithm,
};

fn no_mutual_signature_algorithm(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let takes_keys = userauth.methods().is_some_and(|methods| methods.iter().any(|method| method == "publickey"));
    let keyed: Vec<&Turn> = turns.iter().filter(|turn| turn.offer.key.is_some()).collect();
    let passed_over: Vec<&PublicKey> =
        keyed.iter().filter(|turn| turn.fate == Fate::NoAlgorithm).filter_map(|turn| turn.offer.key.as_ref()).collect();
    let not_offered = super::identities::not_offered_but_accepted(facts, userauth).next().is_some();
    if !takes_keys || not_offered || !client_takes_publickey(facts) || passed_over.len() != keyed.len() {
        return Ok(None);
    }
    // With nothing to offer, ssh goes on to ask for a password where it may.
    let asks = question_open(facts, userauth.methods().unwrap_or_default()) && prompts::can_be_asked(facts);
    let Some(key) = passed_over.first().filter(|_| !asks || facts.is_read()) else { return Ok(None) };
    let login = naming::login(facts);
    let mut finding = Finding::proven(format!(
        "ssh and {login} share no signature algorithm for your {} key, so ssh does not offer it",
        escape(key.algorithm.as_bytes())
    ));
    finding.evidence.push(format!("not offered: {}", naming::key(key)));
    let accepted = course::accepted_algorithms(&facts.config.options).join(",");
    if !accepted.is_empty() {
        finding.evidence.push(format!("this client signs with (PubkeyAcceptedAlgorithms): {accepted}"));
    }
    finding.evidence.push(match userauth.extension("server-sig-algs") {
        Some(list) => format!("the server verifies (server-sig-algs): {}", list.shortened(400)),
        None => {
            "the server does not say which it verifies (no server-sig-algs): for RSA that means ssh-rsa only".to_owned()
        }
    });
    if asks {
        finding.certainty = Certainty::Likely;
        finding.evidence.push("ssh goes on and asks for a password".to_owned());
    }
    Ok(Some(finding))
}

/// The signature algorithms of this key that the server takes: for RSA those with SHA-2 before the one with SHA-1.
fn wanted_algorithms(facts: &Facts, key: &PublicKey) -> String {
    if key.plain_algorithm() != "ssh-rsa" || key.is_certificate() {
        return key.algorithm.clone();
    }
    let sent = facts.userauth.as_ref().ok().and_then(|userauth| userauth.extension("server-sig-algs"));
    let server: Vec<&str> =
        sent.and_then(|list| list.as_str()).map(|list| list.split(',').collect()).unwrap_or_default();
    let taken: Vec<&str> = ["rsa-sha2-512", "rsa-sha2-256"].into_iter().filter(|name| server.contains(name)).collect();
    if taken.is_empty() { "ssh-rsa".to_owned() } else { taken.join(",") }
}

const SIGNATURE_REJECTED: Cause = Cause {
    id: "signature-rejected",
    title: "the server accepts the key and refuses the login",
    blocks: Blocks::Signed,
    place: Place::Server,
    doc: "The server said yes to the public key, so the key is authorised, and then refused the signed request or closed the \
          connection in place of an answer. A refusal points to PermitRootLogin, to a key that must be touched or unlocked by \
          PIN, or to a signature algorithm that the server's crypto policy forbids; a closed connection to PAM: an expired \
          account, a nologin file, an access rule.\n\n\
          Proven as a group by the two answers.",
    prevent: "Check account expiry and PAM access rules where accounts are made, not at the first login.",
    fix: Fix { commands: members::rejection_commands, mend: mend_signed },
    see: &["RFC 4252 section 7", "OpenSSH auth2.c userauth_finish"],
    judge: signature_rejected,
};

fn signature_rejected(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let Some((turn, usage)) = course::stopped(&turns) else { return Ok(None) };
    // Silence until the run's end is no answer: PAM may wait for a directory that is away.
    let ended = matches!(userauth.connections.last(), Some(Some(End::Closed | End::Reset(_))));
    let (how, closed) = match usage {
        Use::Rejected => ("the signed request was refused", false),
        Use::Closed if ended => ("the server closed the connection in place of an answer to the signed request", true),
        _ => return Ok(None),
    };
    let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
    let login = naming::login(facts);
    let summary = format!("{login} accepts your key and refuses the login all the same");
    let mut finding = Finding::proven(summary).seen(format!("the server accepts {key}")).seen(how);
    if let Some(Some(End::Reset(error))) = userauth.connections.last().filter(|_| closed) {
        // Something between the two resets connections as well.
        finding.certainty = Certainty::Likely;
        finding = finding.seen(format!("the connection was reset ({error})"));
    }
    finding
        .evidence
        .extend(userauth.banners.iter().map(|banner| format!("the server says: {}", banner.shortened(300))));
    Ok(Some(finding.or(members::of_rejection(facts, closed))))
}

fn mend_signed(facts: &mut Facts) {
    if let Ok(userauth) = &mut facts.userauth {
        userauth.signatures.clear();
        if let Some(last) = userauth.connections.last_mut() {
            *last = None;
        }
    }
}

const SECOND_FACTOR_REQUIRED: Cause = Cause {
    id: "second-factor-required",
    title: "the key is right, and the server demands something more",
    blocks: Blocks::Finished,
    place: Place::Client,
    doc: "The signature was accepted with partial success: AuthenticationMethods on the server demands another method after \
          the key, usually a password or a one-time code, and this client may not give it or can ask nobody.\n\n\
          Proven by the partial success and the list that came with it. Where somebody can be asked, the question is no fault: \
          access-needs-answer.",
    prevent: "Ask the server's administrator for an exception for accounts that log in unattended.",
    fix: Fix {
        commands: |facts| {
            if demands_another_key(facts) {
                return another_key_commands(facts);
            }
            let batch = if facts.config.options.is_yes("batchmode") { "-o BatchMode=no " } else { "" };
            vec![Step::here(
                format!("ssh {batch}{}", naming::destination_without(facts, &["batchmode"])),
                "at a terminal, so that ssh can ask for what the server demands",
            )]
        },
        mend: |facts| {
            if demands_another_key(facts) {
                // Which key it will be is not known.
                facts.userauth = Err(Unobserved::NotAttempted);
                facts.session = Err(Unobserved::NotAttempted);
                return;
            }
            facts.config.options.set("batchmode", "no");
            facts.run.terminal = true;
        },
    },
    see: &["RFC 4252 section 5.1", "sshd_config(5) AuthenticationMethods"],
    judge: second_factor_required,
};

/// Whether a further key is all that the server takes after the first.
fn demands_another_key(facts: &Facts) -> bool {
    let turns = course::course(facts).unwrap_or_default();
    demanded(&turns).is_some_and(|(_, methods)| methods == ["publickey"])
}

fn another_key_commands(facts: &Facts) -> Vec<Step> {
    let user = super::quoted(&naming::user(facts).to_string());
    // With -i ssh no longer tries the default files, so the first key is named too.
    let turns = course::course(facts).unwrap_or_default();
    let turn = demanded(&turns).map(|(turn, _)| turn).filter(|turn| !turn.offer.agent);
    let first = turn.and_then(|turn| course::key_file(facts, &turn.offer)).map(|file| naming::path(&file.path));
    let first = first.map(|path| format!("-i {path} ")).unwrap_or_default();
    vec![
        Step::person(
            Place::Server,
            format!("put a second public key of yours, another than the first, into the authorized_keys of {user}"),
        ),
        Step::here(
            format!("ssh {first}-i PATH_OF_YOUR_OTHER_KEY {}", naming::destination(facts)),
            "offers both; put its path in the place of PATH_OF_YOUR_OTHER_KEY",
        ),
    ]
}

fn second_factor_required(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let Some((turn, methods)) = demanded(&turns) else { return Ok(None) };
    if userauth.succeeded() || (question_open(facts, methods) && prompts::secrets_can_be_asked(facts)) {
        return Ok(None);
    }
    let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
    let list = methods.join(", ");
    let summary = format!("your key is right, but {} demands {list} after it", naming::login(facts));
    let nobody = if facts.config.options.is_yes("batchmode") {
        "BatchMode is on, so ssh asks nobody"
    } else if methods == ["publickey"] {
        "the server wants one more key, and accepts no other that ssh has"
    } else if !question_open(facts, methods) {
        "the client's configuration does not let ssh use that"
    } else {
        "there is no terminal and no askpass program, so nobody can be asked"
    };
    Ok(Some(
        Finding::proven(summary)
            .seen(format!("the signature with {key} was accepted with partial success; then: {list}"))
            .seen(nobody),
    ))
}

const SERVER_DISCONNECTED: Cause = Cause {
    id: "server-disconnected",
    title: "the server ends the connection with a reason of its own",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The server sent SSH_MSG_DISCONNECT while ssh was authenticating, with a text that fits no other cause. The text is \
          the server's own and is quoted.\n\nProven by the message.",
    prevent: "Keep the quoted text with the ticket: it names the rule that the server's administrator must look for.",
    fix: Fix {
        commands: |_| vec![Step::person(Place::Server, "show the quoted text to the server's administrator")],
        mend: |facts| {
            facts.userauth = Err(Unobserved::NotAttempted);
            facts.session = Err(Unobserved::NotAttempted);
        },
    },
    see: &["RFC 4253 section 11.1"],
    judge: server_disconnected,
};

fn server_disconnected(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    let turns = course::course(facts).unwrap_or_default();
    if userauth.succeeded() || course::good(&turns).is_some() {
        return Ok(None);
    }
    let Some(Some(End::Disconnect { code, text })) = userauth.connections.first() else { return Ok(None) };
    let words = text.as_str().unwrap_or_default().to_ascii_lowercase();
    if text.is_empty() || words.contains("too many authentication failures") {
        return Ok(None);
    }
    let quoted = text.shortened(200);
    let summary = format!("{} hangs up with the words: {quoted}", naming::login(facts));
    let mut finding =
        Finding::proven(summary).seen(format!("SSH_MSG_DISCONNECT, reason {code}: {}", text.shortened(1000)));
    if userauth.queries.iter().any(|query| query.answer == Some(Answer::PkOk)) {
        finding = finding.seen("it came after the server had accepted a key").at(Blocks::Signed);
    } else if userauth.none.is_none() && !super::log::is_bare(facts) {
        finding = finding.seen("it came before the server had answered anything").at(Blocks::Offered);
    }
    Ok(Some(finding))
}

fn authorized_keys_hold(facts: &Facts) -> Observed<Outcome> {
    let userauth = known(&facts.userauth)?;
    let lines = userauth.queries.iter().map(|query| {
        let answer = match &query.answer {
            Some(Answer::PkOk) => "accepted",
            Some(Answer::Success) => "accepted, and logged in without a signature",
            Some(Answer::Failure { partial: true, .. }) => "partial success",
            Some(Answer::Failure { .. }) => "refused",
            Some(Answer::Other(_)) => "an answer that fits no question",
            None => "not answered",
        };
        let who = if query.offered_by_ssh { "" } else { " (ssh would not offer it)" };
        format!("{}: {answer}{who}", naming::key(&query.key))
    });
    if userauth.queries.is_empty() {
        return Ok(Outcome::info("the server was asked about no key"));
    }
    let accepted = userauth.queries.iter().filter(|query| query.answer == Some(Answer::PkOk)).count();
    let one = userauth.queries.len() == 1;
    let asked = naming::count(userauth.queries.len(), "key", "keys");
    if course::says_yes_to_everything(facts) {
        return Ok(Outcome::info("the server says yes to every query, so its yes proves nothing").with(lines));
    }
    let silent = userauth.queries.iter().all(|query| query.answer.is_none()) && !course::is_cut(userauth, 0);
    let summary = match (accepted, one) {
        (_, true) if silent => "the server gave no answer about the key it was asked about".to_owned(),
        _ if silent => format!("the server gave no answer about the {asked} it was asked about"),
        (0, true) => "the server does not accept the key it was asked about".to_owned(),
        (_, true) => "the server accepts the key it was asked about".to_owned(),
        (0, false) => format!("the server accepts none of the {asked} it was asked about"),
        (_, false) => format!("the server accepts {accepted} of the {asked} it was asked about"),
    };
    let outcome = if accepted > 0 { Outcome::pass(summary) } else { Outcome::info(summary) };
    Ok(outcome.with(lines))
}

fn a_key_is_accepted(facts: &Facts) -> Option<String> {
    let turns = course::course(facts).ok()?;
    if course::says_yes_to_everything(facts) {
        return None;
    }
    let turn = turns.iter().find(|turn| matches!(turn.fate, Fate::Accepted(_)))?;
    Some(format!("the server accepts {}", naming::key(turn.offer.key.as_ref()?)))
}

fn login_holds(facts: &Facts) -> Observed<Outcome> {
    let userauth = known(&facts.userauth)?;
    let how = userauth.signatures.iter().map(|signature| {
        let outcome = match &signature.outcome {
            Signed::Answered(Answer::Success) => "success".to_owned(),
            Signed::Answered(Answer::Failure { partial: true, methods }) => {
                format!("partial success, then {}", methods.join(", "))
            }
            Signed::Answered(_) => "refused".to_owned(),
            Signed::Begun => "not made before the run ended".to_owned(),
            Signed::Unanswered => "the connection ended in place of an answer".to_owned(),
            Signed::AgentRefused => "the agent refused to sign".to_owned(),
            Signed::AgentSilent => "the agent did not answer".to_owned(),
            Signed::WrongType(name) => format!("the agent signed as {name}"),
            Signed::PinNeeded => "the token wants its PIN".to_owned(),
            Signed::OtherKey => "the private key belongs to another public key".to_owned(),
            Signed::FileFailed(reason) => reason.clone(),
        };
        format!("signed with {}: {outcome}", naming::key(&signature.key))
    });
    let how: Vec<String> = how.chain(answers::lines(userauth)).collect();
    if userauth.succeeded() {
        return Ok(Outcome::pass(format!("logged in as {}", userauth.user)).with(how));
    }
    if userauth.signatures.is_empty() && userauth.attempts.is_empty() {
        return Err(Unobserved::NotAttempted);
    }
    Ok(Outcome::info("no login was completed").with(how))
}
