//! Hardware keys: FIDO authenticators and PKCS#11 tokens that ssh would need and does not reach.

use crate::facts::authenticators::{Authenticators, Device};
use crate::facts::key::PublicKey;
use crate::facts::text::{Path, escape};
use crate::facts::userauth::{Answer, Signed};
use crate::facts::{Facts, Observed, Unobserved, known};
use crate::openssh::authenticators::{self, Unreachable};
use crate::openssh::course::{self, Fate, Problem, Turn, Use};
use crate::openssh::{methods, prompts};

use super::{Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Place, Step, naming, userauth};

pub(super) const HARDWARE_KEY_UNAVAILABLE: Cause = Cause {
    id: "hardware-key-unavailable",
    title: "the authenticator or token that holds the key cannot be reached",
    blocks: Blocks::Signed,
    place: Place::Client,
    doc: "The private half is in a FIDO authenticator or a smart card, and the file on disk is no more than a handle to it. ssh \
          offers the key, the server accepts it, and then nothing can sign: no authenticator is plugged in (`device not \
          found`), this account may not open it, or the library of SecurityKeyProvider or PKCS11Provider is missing. With \
          SecurityKeyProvider none ssh passes over such keys in silence.\n\n\
          Proven when the server accepts such a key in a file and this machine has no authenticator that ssh could open; \
          likely when one is there and nobody can be asked to touch it, and when a PKCS#11 provider gives no keys and ssh has \
          nothing else to offer.",
    prevent: "Keep a second authenticator enrolled, and where you work on another machine, forward the agent of the one that \
              the authenticator is plugged into.",
    fix: Fix { commands, mend },
    see: &[
        "OpenSSH PROTOCOL.u2f",
        "OpenSSH sk-usbhid.c ssh_sk_sign",
        "ssh_config(5) SecurityKeyProvider, PKCS11Provider",
    ],
    judge: hardware_key_unavailable,
};

/// How the hardware that is needed is out of reach.
enum Found {
    /// The server accepts the key in this offer, and ssh reaches no authenticator.
    Unreachable(Turn, Unreachable),
    /// The server accepts this key, and ssh passes over it: it has no `SecurityKeyProvider`.
    PassedOver(PublicKey),
    /// The server accepts the key in this offer, an authenticator may be there, and nobody can be asked.
    Untouched(Turn),
    /// ssh has nothing to offer, and no keys of the token: why.
    NoToken(String),
}

fn found(facts: &Facts) -> Observed<Option<Found>> {
    let turns = course::course(facts)?;
    let seen = known(&facts.userauth)?;
    if seen.succeeded() || !userauth::client_takes_publickey(facts) || facts.run.limits.offer.is_some() {
        return Ok(None);
    }
    if let Some((turn, Use::Problem(Problem::Authenticator(unreachable)))) = course::stopped(&turns) {
        return Ok(Some(Found::Unreachable(turn.clone(), unreachable.clone())));
    }
    if let Some(turn) = untouched(&turns) {
        let asked = prompts::can_be_asked(facts) || !facts.run.limits.login;
        return Ok((!asked).then(|| Found::Untouched(turn.clone())));
    }
    if turns.iter().any(|turn| matches!(turn.fate, Fate::Accepted(_))) {
        return Ok(None);
    }
    if let Some(key) = passed_over(facts) {
        return Ok(Some(Found::PassedOver(key.clone())));
    }
    let methods = seen.methods().unwrap_or_default();
    let takes_keys = methods.iter().any(|method| method == "publickey");
    let asks = prompts::secrets_can_be_asked(facts) && userauth::question_open(facts, methods);
    let elsewhere = super::identities::not_offered_but_accepted(facts, seen).next().is_some();
    let alone = turns.is_empty() && takes_keys && !asks && !elsewhere;
    Ok(userauth::token_unread(facts).filter(|_| alone).map(Found::NoToken))
}

/// The accepted key of an authenticator that may be there, where ssh would sign with it.
pub(super) fn untouched(turns: &[Turn]) -> Option<&Turn> {
    course::good(turns)
        .filter(|turn| turn.fate == Fate::Accepted(Use::Untried) && course::of_authenticator(&turn.offer))
}

/// The configured key that the server accepts and that ssh does not offer for want of a `SecurityKeyProvider`.
fn passed_over(facts: &Facts) -> Option<&PublicKey> {
    let identities = facts.identities.as_ref().ok()?;
    identities.authenticators.as_ref().filter(|seen| seen.provider.is_none())?;
    let halves = identities.files.iter().flat_map(|file| [file.public_half(), file.certificate.key.as_ref()]);
    let queries = &facts.userauth.as_ref().ok()?.queries;
    let believable = !course::says_yes_to_everything(facts);
    let accepted =
        |key: &&PublicKey| queries.iter().any(|query| query.key.is_same(key) && query.answer == Some(Answer::PkOk));
    halves.flatten().filter(|key| believable && key.is_hardware()).find(accepted)
}

fn hardware_key_unavailable(facts: &Facts) -> Observed<Option<Finding>> {
    let Some(found) = found(facts)? else { return Ok(None) };
    let login = naming::login(facts);
    Ok(Some(match found {
        Found::Unreachable(turn, unreachable) => {
            let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
            let (what, seen) = as_ssh_says(facts, &unreachable).unwrap_or_else(|| words(&unreachable));
            let path = course::key_file(facts, &turn.offer).map(|file| file.path.to_string()).unwrap_or_default();
            let mut finding = Finding::proven(format!("{login} accepts your hardware key {path}, and {what}"))
                .seen(format!("the server accepts {key}, whose private half is in an authenticator"))
                .seen(seen);
            if failure(facts).is_some_and(|why| why != "device not found") {
                finding.certainty = Certainty::Likely;
            }
            if matches!(unreachable, Unreachable::NoLibrary(..)) {
                finding.evidence.extend(with_a_provider(facts));
            }
            finding
        }
        Found::PassedOver(key) => {
            let summary =
                format!("{login} accepts your hardware key, and ssh passes over it: it has no SecurityKeyProvider");
            let mut finding = Finding::proven(summary)
                .seen(format!("the server accepts {}", naming::key(&key)))
                .seen("SecurityKeyProvider is none, or names a variable that is not set")
                .at(Blocks::Offered);
            finding.evidence.extend(with_a_provider(facts));
            finding
        }
        Found::Untouched(turn) => {
            let key = turn.offer.key.as_ref().map(naming::key).unwrap_or_default();
            let summary =
                format!("{login} accepts your hardware key, and nobody can be asked to touch the authenticator");
            Finding::likely(summary)
                .seen(format!("the server accepts {key}, whose private half is in an authenticator"))
                .seen("nobody can be asked: there is no terminal and no askpass program, or BatchMode is on")
                .or([Alternative {
                    cause: "access-needs-answer",
                    certainty: Certainty::Possible,
                    summary: "somebody is there and touches the authenticator when it blinks".to_owned(),
                    evidence: Vec::new(),
                    decide: Some(Decide {
                        place: Place::Client,
                        command: format!("ssh {}", naming::destination(facts)),
                    }),
                }])
        }
        Found::NoToken(unread) => {
            Finding::likely(format!("ssh has no key to offer to {login}: its PKCS#11 provider gives none"))
                .seen(format!("not listed: {unread}"))
                .seen("ssh offers nothing else: there is no key file, and no agent's key")
                .at(Blocks::Offered)
                .or([Alternative {
                    cause: "no-identities",
                    certainty: Certainty::Possible,
                    summary: "another key than the token's is meant, and ssh does not find it".to_owned(),
                    evidence: super::identities::absent_files(facts).into_iter().collect(),
                    decide: Some(Decide { place: Place::Client, command: "ssh-add -l".to_owned() }),
                }])
        }
    }))
}

/// Why ssh did not sign, in its own words, where those are all that was read.
fn failure(facts: &Facts) -> Option<&str> {
    let signatures = &facts.userauth.as_ref().ok().filter(|_| facts.is_read())?.signatures;
    signatures.iter().filter(|signature| signature.key.is_hardware()).find_map(|signature| match &signature.outcome {
        Signed::FileFailed(why) => Some(why.as_str()),
        _ => None,
    })
}

/// The same as [`words`], of a machine whose devices nobody looked at.
fn as_ssh_says(facts: &Facts, unreachable: &Unreachable) -> Option<(String, String)> {
    if !facts.is_read() || *unreachable != Unreachable::NoDevice {
        return None;
    }
    let why = escape(failure(facts).unwrap_or("device not found").as_bytes());
    let what = match why.as_str() {
        "device not found" => "ssh finds no authenticator that signs with it".to_owned(),
        _ => "ssh cannot sign with it: no authenticator, or not the library that reaches it".to_owned(),
    };
    Some((what, format!("ssh says: signing failed: {why}")))
}

/// What keeps ssh from the authenticator, for a sentence, and what was seen.
fn words(unreachable: &Unreachable) -> (String, String) {
    match unreachable {
        Unreachable::NoDevice => (
            "no authenticator that could sign is plugged in here".to_owned(),
            "no device under /sys/class/hidraw speaks FIDO, and there is no NFC reader".to_owned(),
        ),
        Unreachable::Closed(device) => (
            format!("this account may not open the authenticator {device}"),
            format!("{device} speaks FIDO, and may not be read and written by this account"),
        ),
        Unreachable::NoLibrary(library, errno) => {
            (format!("SecurityKeyProvider names {library}, which cannot be loaded"), format!("{library}: {errno}"))
        }
    }
}

fn commands(facts: &Facts) -> Vec<Step> {
    let again =
        |option: &str, keyword: &str| format!("ssh -o {option} {}", naming::destination_without(facts, &[keyword]));
    let internal = || {
        Step::here(
            again("SecurityKeyProvider=internal", "securitykeyprovider"),
            "reaches the authenticator through ssh's own support, for this one login",
        )
    };
    match found(facts) {
        Ok(Some(Found::Unreachable(_, Unreachable::NoDevice))) => vec![
            Step::person(
                Place::Client,
                "plug in the authenticator that holds this key and try again; if it is plugged into another machine (you are \
                 here by ssh, in a container or a virtual machine), log in from there with ssh -A, or pass it through",
            ),
            Step::here("fido2-token -L", "lists the authenticators that this machine sees (package fido2-tools)"),
        ],
        Ok(Some(Found::Unreachable(_, Unreachable::Closed(device)))) => vec![
            Step::here(format!("ls -l {}", naming::path(&device)), "shows to whom the device is open"),
            Step::person(
                Place::Client,
                "a udev rule opens it to whoever sits at this machine: install libfido2's rules (on Debian 11 and before, package \
                 libu2f-udev), plug the authenticator in again, and log in at the machine itself and not by ssh",
            ),
        ],
        Ok(Some(Found::Unreachable(_, Unreachable::NoLibrary(..)) | Found::PassedOver(_))) => vec![internal()],
        Ok(Some(Found::Untouched(_))) => vec![Step::here(
            format!("ssh {}", naming::destination_without(facts, &["batchmode"])),
            "touch the authenticator when it blinks; a job that nobody watches needs a key of its own",
        )],
        Ok(Some(Found::NoToken(_))) => {
            let provider = methods::pkcs11_provider(&facts.config.options).unwrap_or_default();
            let provider = super::quoted(provider);
            vec![
                Step::here(
                    format!("ls -lL {provider}"),
                    "is the library there? Its package, or another path, mends that",
                ),
                Step::here(
                    format!("ssh-keygen -D {provider}"),
                    "lists the token's keys, once card and library are there",
                ),
            ]
        }
        _ => Vec::new(),
    }
}

fn mend(facts: &mut Facts) {
    let Ok(Some(found)) = found(facts) else { return };
    let plugged = Device { path: Path::from("/dev/hidraw0"), opens: true };
    if let Found::NoToken(_) | Found::Unreachable(_, Unreachable::NoDevice | Unreachable::Closed(_)) = found {
        // What the hardware signs, and for whom, nobody can know.
        facts.userauth = Err(Unobserved::NotAttempted);
        facts.session = Err(Unobserved::NotAttempted);
    }
    let Ok(identities) = &mut facts.identities else { return };
    match (found, &mut identities.authenticators) {
        (Found::NoToken(_), _) => {
            identities.token_trouble = None;
            identities.token_library = None;
        }
        (Found::Unreachable(_, Unreachable::NoDevice | Unreachable::Closed(_)), Some(seen)) => {
            seen.devices = Ok(vec![plugged]);
        }
        (Found::Unreachable(_, Unreachable::NoLibrary(..)) | Found::PassedOver(_), _) => provide(facts),
        (Found::Untouched(_), _) => {
            facts.run.terminal = true;
            facts.config.options.set("batchmode", "no");
        }
        _ => {}
    }
}

/// What would keep ssh from signing with its own provider too.
fn with_a_provider(facts: &Facts) -> Option<String> {
    let mut provided = facts.clone();
    provide(&mut provided);
    let (what, _) = words(&authenticators::unreachable(&provided)?);
    Some(format!("with ssh's own provider it would not sign either: {what}"))
}

/// Sets ssh's own provider.
fn provide(facts: &mut Facts) {
    facts.config.options.set("securitykeyprovider", authenticators::INTERNAL);
    if let Ok(identities) = &mut facts.identities
        && let Some(seen) = &mut identities.authenticators
    {
        *seen = Authenticators { provider: Some(Path::from(authenticators::INTERNAL)), library: None, ..seen.clone() };
    }
}
