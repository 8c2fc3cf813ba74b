//! The course of userauth: what becomes of each identity that ssh tries, in its turn, given the answers
//! (sshconnect2.c `userauth_pubkey`, `send_pubkey_test`, `sign_and_send_pubkey`, `load_identity_file`).
//!
//! ssh asks with the public half first; only after the server has said yes does it read the private key. So a key
//! file's mode or format bites *after* acceptance, and before it only where ssh has no public half to ask with.

use crate::facts::config::Options;
use crate::facts::identities::{Defect, FileKind, KeyFile, KeyFormat};
use crate::facts::key::{Certificate, PublicKey};
use crate::facts::text::ServerText;
use crate::facts::userauth::{Answer, Query, Signed, Signer, Userauth};
use crate::facts::{End, Facts, Observed, known};

use super::authenticators::Unreachable;
use super::identities::{Offer, algorithm_at, offers};
use super::methods::publickey_on;
use super::{authenticators, key_format, prompts};

/// One identity and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The identity.
    pub offer: Offer,
    /// What became of it.
    pub fate: Fate,
}

/// What becomes of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// ssh has no public half of it, and this keeps it from reading the private key.
    Unusable(Problem),
    /// Client and server share no signature algorithm for it.
    NoAlgorithm,
    /// Nobody asked, or no answer came.
    NotAsked,
    /// The server refused it.
    Refused,
    /// The server would accept it, but hangs up before ssh comes to it: seen on another connection.
    TooLate,
    /// The server said yes to the public half, and then this happened.
    Accepted(Use),
}

/// What happens with an identity that the server has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// The signed request succeeded.
    LoggedIn,
    /// The signed request succeeded and the server demands more: the methods it names.
    Partial(Vec<String>),
    /// ssh cannot use the private key.
    Problem(Problem),
    /// The agent refused to sign.
    AgentRefused,
    /// The agent did not answer.
    AgentSilent,
    /// The agent signed with another algorithm, by name.
    WrongType(String),
    /// A signature was begun, and the run ended before it was made.
    Begun,
    /// The server refused the signed request.
    Rejected,
    /// The connection ended in place of an answer to the signed request.
    Closed,
    /// Nothing stands in the way but a passphrase, and a person can be asked for it.
    NeedsPassphrase,
    /// The token wants its PIN, and a person can be asked for it.
    NeedsPin,
    /// Nothing is known that stands in the way; no signature was made.
    Untried,
}

/// What keeps ssh from using a private key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// No file of that name.
    Missing,
    /// It is no regular file.
    NotAFile(FileKind),
    /// It may not be opened; the error's name.
    Unreadable(String),
    /// Others may read it (authfile.c `sshkey_perm_ok`).
    TooOpen(u32),
    /// It holds a public key.
    IsPublic,
    /// PuTTY's format, with its version.
    IsPpk(u32),
    /// Empty, damaged or no key at all.
    Malformed(Vec<Defect>),
    /// Its private half belongs to another public key than the `.pub` beside it.
    PairMismatch,
    /// A passphrase is needed.
    Encrypted,
    /// The token wants its PIN.
    Pin,
    /// It lives in an authenticator, and ssh reaches none.
    Authenticator(Unreachable),
    /// It could not be used for another reason, in words.
    Failed(String),
}

/// What becomes of every identity that ssh tries, in its order; none where publickey is switched off.
pub fn course(facts: &Facts) -> Observed<Vec<Turn>> {
    if facts.run.limits.offer.is_none() {
        known(&facts.identities)?;
    }
    if !takes_publickey(facts) {
        return Ok(Vec::new());
    }
    // A key can come too late only behind as many failures as the first connection bore.
    let borne = facts.userauth.as_ref().ok().map(|userauth| cut_after(userauth).unwrap_or(refused_first(userauth)));
    let mut failures = 0;
    let turn = |offer: Offer| {
        let fate = fate(facts, &offer, borne.is_some_and(|borne| failures >= borne));
        failures += usize::from(matches!(fate, Fate::Refused | Fate::Accepted(Use::Rejected)));
        Turn { offer, fate }
    };
    Ok(offers(facts).into_iter().map(turn).collect())
}

/// Whether publickey is to be tried: the configuration lets ssh, or the run asks about one public key, whatever this
/// client's own configuration says.
pub fn takes_publickey(facts: &Facts) -> bool {
    facts.run.limits.offer.is_some() || publickey_on(&facts.config.options)
}

/// The first accepted identity that logs in, or could as far as is known.
pub fn good(turns: &[Turn]) -> Option<&Turn> {
    let is = |turn: &&Turn, wanted: &Use| turn.fate == Fate::Accepted(wanted.clone());
    let partial = |turn: &Turn, with_a_key: bool| match &turn.fate {
        Fate::Accepted(Use::Partial(methods)) => methods.iter().any(|method| method == "publickey") == with_a_key,
        _ => false,
    };
    // Where one more key is demanded, what becomes of the other accepted ones counts.
    let is_other = |usage: &Use| !matches!(usage, Use::Partial(_));
    let second = turns.iter().any(|turn| matches!(&turn.fate, Fate::Accepted(usage) if is_other(usage)));
    turns
        .iter()
        .find(|turn| is(turn, &Use::LoggedIn))
        .or_else(|| turns.iter().find(|turn| partial(turn, false)))
        .or_else(|| {
            turns.iter().find(|turn| {
                [Use::Untried, Use::NeedsPassphrase, Use::NeedsPin, Use::Begun].iter().any(|usage| is(turn, usage))
            })
        })
        .or_else(|| turns.iter().find(|turn| !second && partial(turn, true)))
}

/// The methods that the server demands after a key that it accepted, where no other key is what it demands.
pub fn demanded(turns: &[Turn]) -> Option<(&Turn, &[String])> {
    let turn = good(turns)?;
    match &turn.fate {
        Fate::Accepted(Use::Partial(methods)) => Some((turn, methods.as_slice())),
        _ => None,
    }
}

/// Where no accepted identity is good: the first accepted one, and what keeps it from logging in.
pub fn stopped(turns: &[Turn]) -> Option<(&Turn, &Use)> {
    if good(turns).is_some() {
        return None;
    }
    turns.iter().find_map(|turn| match &turn.fate {
        Fate::Accepted(Use::Partial(_)) => None,
        Fate::Accepted(usage) => Some((turn, usage)),
        _ => None,
    })
}

/// The identity that the user means: the one named first on the command line or in the configuration, else the first
/// that ssh offers; a plain key before a certificate.
pub fn meant<'a>(facts: &Facts, turns: &'a [Turn]) -> Option<&'a Turn> {
    let explicit = |turn: &&Turn| key_file(facts, &turn.offer).is_some_and(|file| file.explicit);
    let plain = |turn: &&Turn| turn.offer.key.as_ref().is_some_and(|key| !key.is_certificate());
    turns
        .iter()
        .find(|turn| explicit(turn) && plain(turn))
        .or_else(|| turns.iter().find(plain))
        .or_else(|| turns.iter().find(|turn| turn.offer.key.is_some()))
}

/// Where the server accepts a certificate and ssh knows no private key that belongs to it: the turn and the certificate
/// (sshconnect2.c `sign_and_send_pubkey`, "no separate private key for certificate").
pub fn orphan(turns: &[Turn]) -> Option<(&PublicKey, &Certificate)> {
    let (turn, usage) = stopped(turns)?;
    let key = turn.offer.key.as_ref()?;
    let alone = *usage == Use::Problem(Problem::Missing) && turn.offer.file.is_none() && !turn.offer.agent;
    Some((key, key.certificate.as_deref().filter(|_| alone)?))
}

/// The key file behind an offer.
pub fn key_file<'a>(facts: &'a Facts, offer: &Offer) -> Option<&'a KeyFile> {
    facts.identities.as_ref().ok()?.files.get(offer.file?)
}

/// `behind_the_cut`: whether the server would have hung up before ssh comes to this offer.
fn fate(facts: &Facts, offer: &Offer, behind_the_cut: bool) -> Fate {
    let problem = obstacle(facts, offer);
    let Some(key) = &offer.key else {
        return problem.map_or(Fate::NotAsked, Fate::Unusable);
    };
    let Ok(userauth) = &facts.userauth else {
        return Fate::NotAsked;
    };
    if behind_the_cut && comes_too_late(userauth, key) {
        return Fate::TooLate;
    }
    if let Some(usage) = signed(facts, key, offer) {
        return match usage {
            // A server that says yes to every query has only the signature to refuse with.
            Use::Rejected if says_yes_to_everything(facts) => Fate::Refused,
            usage => Fate::Accepted(usage),
        };
    }
    match userauth.answer(key) {
        Some(Answer::PkOk) if !userauth.takes_keys() => Fate::Refused,
        Some(Answer::PkOk | Answer::Success) => Fate::Accepted(match problem {
            None if of_authenticator(offer) => authenticators::unreachable(facts)
                .map_or(Use::Untried, |unreachable| Use::Problem(Problem::Authenticator(unreachable))),
            None => Use::Untried,
            // The passphrase would be given for nothing.
            Some(Problem::Encrypted)
                if prompts::secrets_can_be_asked(facts)
                    && of_authenticator(offer)
                    && let Some(unreachable) = authenticators::unreachable(facts) =>
            {
                Use::Problem(Problem::Authenticator(unreachable))
            }
            Some(Problem::Encrypted) if prompts::secrets_can_be_asked(facts) => Use::NeedsPassphrase,
            Some(problem) => Use::Problem(problem),
        }),
        Some(Answer::Failure { partial: true, methods }) => Fate::Accepted(Use::Partial(methods.clone())),
        Some(Answer::Failure { .. } | Answer::Other(_)) => Fate::Refused,
        None if met_the_cut(userauth, key) => Fate::Refused,
        None if facts.run.limits.offer.is_none() && is_passed_over(facts, key) => Fate::NoAlgorithm,
        None => Fate::NotAsked,
    }
}

/// Whether ssh passes over `key`, as it shares no signature algorithm for it with the server: by its own word where it was
/// heard.
fn is_passed_over(facts: &Facts, key: &PublicKey) -> bool {
    let listed = facts.identities.as_ref().ok().and_then(|identities| identities.listed.as_ref());
    match listed {
        Some(listed) => listed
            .iter()
            .any(|identity| identity.passed_over && identity.key.as_ref().is_some_and(|known| known.is_same(key))),
        None => mutual_algorithm(facts, key).is_none(),
    }
}

/// Whether ssh itself would sign with an authenticator for this offer.
pub fn of_authenticator(offer: &Offer) -> bool {
    !offer.agent && !offer.token && offer.file.is_some() && offer.key.as_ref().is_some_and(PublicKey::is_hardware)
}

/// The signature algorithm that ssh would name for `key` at this server; `None` where they share none.
pub fn mutual_algorithm(facts: &Facts, key: &PublicKey) -> Option<String> {
    let announced = facts.userauth.as_ref().ok().and_then(|userauth| userauth.extension("server-sig-algs"));
    let identification = facts.transport.as_ref().ok().and_then(|transport| transport.identification.as_ref());
    algorithm_at(
        identification.map(ServerText::as_bytes).unwrap_or_default(),
        announced.and_then(ServerText::as_str),
        key,
        &accepted_algorithms(&facts.config.options),
    )
}

/// The client's `PubkeyAcceptedAlgorithms`, which was `PubkeyAcceptedKeyTypes` before 8.5.
pub fn accepted_algorithms(options: &Options) -> Vec<&str> {
    let accepted = options.names("pubkeyacceptedalgorithms");
    if accepted.is_empty() { options.names("pubkeyacceptedkeytypes") } else { accepted }
}

/// Whether the server said yes to a key that nobody has, so that its yes proves nothing.
pub fn says_yes_to_everything(facts: &Facts) -> bool {
    facts.userauth.as_ref().is_ok_and(|userauth| userauth.canary == Some(Answer::PkOk))
}

/// Whether the server ended the first connection, which asks in ssh's order, before it came to this key, and accepts it
/// on another one.
fn comes_too_late(userauth: &Userauth, key: &PublicKey) -> bool {
    let first = userauth.queries.iter().find(|query| query.key.is_same(key) && query.answer.is_some());
    let ended = matches!(userauth.connections.first(), Some(Some(_)));
    ended && first.is_some_and(|query| query.connection > 0 && query.answer == Some(Answer::PkOk))
}

/// Where the server cut the first connection for too many failures (auth.c `auth_maxtries_exceeded`): how many refusals
/// that took, the one that the disconnect itself stands for included.
pub fn cut_after(userauth: &Userauth) -> Option<usize> {
    is_cut(userauth, 0).then(|| refused_first(userauth) + 1)
}

/// How many queries the server refused on the first connection.
fn refused_first(userauth: &Userauth) -> usize {
    let refused =
        |query: &&Query| query.connection == 0 && matches!(query.answer, Some(Answer::Failure { partial: false, .. }));
    userauth.queries.iter().filter(refused).count()
}

/// Whether the server ended this connection, counted from 0, for too many failures.
pub fn is_cut(userauth: &Userauth, connection: usize) -> bool {
    let Some(Some(End::Disconnect { text, .. })) = userauth.connections.get(connection) else { return false };
    text.as_str().is_some_and(|text| text.to_ascii_lowercase().contains("too many authentication failures"))
}

/// Whether the server answered the query about `key` by the disconnect for too many failures: then it was one of them.
fn met_the_cut(userauth: &Userauth, key: &PublicKey) -> bool {
    (0..userauth.connections.len()).filter(|connection| is_cut(userauth, *connection)).any(|connection| {
        let unanswered = |query: &&Query| query.connection == connection && query.answer.is_none();
        let signed = userauth.signatures.iter().any(|signature| signature.outcome == Signed::Unanswered);
        !signed && userauth.queries.iter().find(unanswered).is_some_and(|query| query.key.is_same(key))
    })
}

/// What the last signed request with `key` came to.
fn signed(facts: &Facts, key: &PublicKey, offer: &Offer) -> Option<Use> {
    let userauth = facts.userauth.as_ref().ok()?;
    let signature = userauth.signatures.iter().rev().find(|signature| signature.key.is_same(key))?;
    Some(match &signature.outcome {
        Signed::Answered(Answer::Success) => Use::LoggedIn,
        Signed::Answered(Answer::Failure { partial: true, methods }) => Use::Partial(methods.clone()),
        Signed::Answered(_) => Use::Rejected,
        Signed::Begun => Use::Begun,
        // A failed signature may be the one failure too many.
        Signed::Unanswered if is_cut(userauth, userauth.connections.len().saturating_sub(1)) => Use::Rejected,
        Signed::Unanswered => Use::Closed,
        Signed::AgentRefused => Use::AgentRefused,
        Signed::AgentSilent => Use::AgentSilent,
        Signed::WrongType(name) => Use::WrongType(name.clone()),
        Signed::PinNeeded if prompts::secrets_can_be_asked(facts) => Use::NeedsPin,
        Signed::PinNeeded => Use::Problem(Problem::Pin),
        Signed::OtherKey => Use::Problem(Problem::PairMismatch),
        Signed::FileFailed(_)
            if of_authenticator(offer)
                && let Some(unreachable) = authenticators::unreachable(facts) =>
        {
            Use::Problem(Problem::Authenticator(unreachable))
        }
        Signed::FileFailed(reason) => {
            let file = key_file(facts, offer).filter(|_| matches!(signature.signer, Signer::File(_)));
            let seen = file.and_then(|file| problem(facts, file));
            Use::Problem(seen.unwrap_or_else(|| Problem::Failed(reason.clone())))
        }
    })
}

/// What keeps ssh from signing for this offer; `None` where the agent signs, or nothing is known to.
pub fn obstacle(facts: &Facts, offer: &Offer) -> Option<Problem> {
    if offer.agent || offer.token || facts.run.limits.offer.is_some() {
        return None;
    }
    let certificate = offer.key.as_ref().and_then(|key| key.certificate.as_ref());
    let Some(file) = key_file(facts, offer) else {
        // Then ssh takes the certificate's own file for the private key.
        return certificate.map(|_| Problem::Missing);
    };
    problem(facts, file).or_else(|| {
        let private = file.private.as_ref().ok()?.public.as_ref()?;
        certificate.filter(|certificate| certificate.key != private.blob).map(|_| Problem::PairMismatch)
    })
}

/// What keeps ssh from using this private key file, in the order in which ssh meets it: opening, mode, content,
/// passphrase. Except that a public key named in its place is that, whatever its mode.
pub fn problem(facts: &Facts, file: &KeyFile) -> Option<Problem> {
    let stat = match &file.state {
        Ok(stat) => stat,
        Err(error) if error.is_missing() => return Some(Problem::Missing),
        Err(error) => return Some(Problem::Unreadable(error.errno.clone())),
    };
    let unseen = stat.kind == FileKind::Unseen;
    if stat.kind != FileKind::Regular && !unseen {
        return Some(Problem::NotAFile(stat.kind));
    }
    let private = file.private.as_ref().ok();
    if private.is_some_and(|private| private.format == KeyFormat::PublicKey) {
        return Some(Problem::IsPublic);
    }
    if file.private == Err(crate::facts::Unobserved::NotPermitted) {
        return Some(Problem::Unreadable("EACCES".to_owned()));
    }
    if !unseen && !key_format::perm_ok(stat, facts.run.uid) {
        return Some(Problem::TooOpen(stat.mode));
    }
    let private = private?;
    match private.format {
        KeyFormat::Ppk(version) => return Some(Problem::IsPpk(version)),
        KeyFormat::Empty | KeyFormat::Other => return Some(Problem::Malformed(private.defects.clone())),
        _ if !private.defects.is_empty() => return Some(Problem::Malformed(private.defects.clone())),
        _ => {}
    }
    if mismatched(file) {
        return Some(Problem::PairMismatch);
    }
    (private.encrypted == Some(true)).then_some(Problem::Encrypted)
}

/// Whether the `.pub` beside a private key is another key's, where both halves are known.
pub fn mismatched(file: &KeyFile) -> bool {
    let private = file.private.as_ref().ok().and_then(|private| private.public.as_ref());
    match (private, &file.public.key) {
        (Some(private), Some(public)) => private.blob != public.blob && !public.is_certificate(),
        _ => false,
    }
}
