//! The questions and answers of one connection, matched in order.

use std::collections::VecDeque;
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tokio::time::Instant;
use zeroize::{Zeroize, Zeroizing};

use super::plan::{Candidate, Plan};
use crate::collect::Waiting;
use crate::collect::ssh::message::{self, Message};
use crate::collect::ssh::packet::Connection;
use crate::collect::ssh::wire::put_string;
use crate::facts::key::PublicKey;
use crate::facts::text::{ServerText, escape};
use crate::facts::userauth::{Answer, Attempt, Attempted, Query, Round, Signed, Userauth};
use crate::facts::{End, Footprint};
use crate::openssh::identities::{algorithm_at, signature_algorithm};
use crate::openssh::server::looks_before_its_yes;

/// How long one answer may take: sshd may be asking DNS, LDAP or a command.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long a step of a dialogue may take: the server may be waiting for a confirmation on a telephone.
const DIALOGUE_LIMIT: Duration = Duration::from_secs(60);
/// Banners, DEBUG messages and extensions that are kept.
const MAX_KEPT: usize = 64;
/// Bytes of one of them.
const MAX_TEXT: usize = 32 * 1024;

/// What ties a signature to this connection.
pub(crate) struct Bound {
    /// The session id.
    pub(crate) session_id: Zeroizing<Vec<u8>>,
    /// The host key's blob.
    pub(crate) host_key: Vec<u8>,
    /// The server's identification string.
    pub(crate) identification: Vec<u8>,
}

impl Bound {
    /// The bytes that a signature over `unsigned` covers.
    pub(crate) fn signed_data(&self, unsigned: &[u8]) -> Vec<u8> {
        message::signed_data(&self.session_id, unsigned)
    }

    /// Whether the server is one whose PK_OK is known to mean something.
    pub(crate) fn is_known_server(&self) -> bool {
        looks_before_its_yes(&self.identification)
    }
}

/// A request whose answer is awaited.
#[derive(Debug)]
enum Asked {
    Service,
    None,
    /// The query in this row, about this blob.
    Query(usize),
    Canary(Vec<u8>),
    /// The signature in this row.
    Signature(usize),
    /// The password of the last attempt.
    Password,
    /// A step of the dialogue of the last attempt.
    Dialogue,
}

/// One connection's userauth.
pub(crate) struct Exchange<'a> {
    /// The facts so far.
    pub(crate) facts: &'a mut Userauth,
    /// Failures that count against the server's limit.
    pub(crate) failures: u32,
    /// Whether the server sent `SSH_MSG_USERAUTH_SUCCESS`.
    pub(crate) logged_in: bool,
    /// Whether a signature had partial success.
    pub(crate) partial: bool,
    /// The methods that the server last said can continue.
    pub(crate) methods: Vec<String>,
    connection: &'a mut Connection,
    footprint: &'a mut Footprint,
    user: &'a [u8],
    /// A dialogue's questions that wait for their answers.
    questions: Option<Round>,
    pending: VecDeque<Asked>,
    outbox: Vec<Vec<u8>>,
    index: usize,
}

impl<'a> Exchange<'a> {
    /// The exchange on one more connection.
    pub(crate) fn new(
        connection: &'a mut Connection,
        plan: &'a Plan,
        facts: &'a mut Userauth,
        footprint: &'a mut Footprint,
    ) -> Self {
        let index = facts.connections.len();
        facts.connections.push(None);
        Self {
            facts,
            failures: 0,
            logged_in: false,
            partial: false,
            methods: Vec::new(),
            connection,
            footprint,
            user: &plan.user,
            questions: None,
            pending: VecDeque::new(),
            outbox: Vec::new(),
            index,
        }
    }

    /// Which connection this is, counted from 0.
    pub(crate) fn connection_index(&self) -> usize {
        self.index
    }

    /// Notes how the connection ended.
    pub(crate) fn ended(&mut self, end: End) {
        if let Some(slot) = self.facts.connections.get_mut(self.index) {
            *slot = Some(end);
        }
    }

    /// Queues the service request and `none`.
    pub(crate) fn begin(&mut self) {
        self.outbox.push(message::service_request());
        self.pending.push_back(Asked::Service);
        self.request(message::none(self.user), Asked::None);
    }

    fn request(&mut self, payload: Vec<u8>, asked: Asked) {
        self.outbox.push(payload);
        self.pending.push_back(asked);
        self.footprint.auth_requests += 1;
    }

    /// The signature algorithm that ssh would name for `key` here.
    pub(crate) fn algorithm(&self, key: &PublicKey, plan: &Plan, bound: &Bound) -> Option<String> {
        let announced = self.facts.extension("server-sig-algs").and_then(ServerText::as_str);
        algorithm_at(&bound.identification, announced, key, &accepted(plan))
    }

    /// The signature algorithm that ssh would name for `key` at a server that announced none.
    pub(crate) fn fallback(key: &PublicKey, plan: &Plan) -> Option<String> {
        signature_algorithm(key, None, &accepted(plan))
    }

    /// Queues the query about a key; `false` where ssh would have no algorithm to ask with.
    pub(crate) fn query(&mut self, candidate: &Candidate, plan: &Plan, bound: &Bound) -> bool {
        let algorithm = self.algorithm(&candidate.key, plan, bound);
        // The one key that the person wants asked about is asked about even where nothing is shared for it.
        let named = plan.limits.offer.as_ref().map(|offered| offered.key.algorithm.clone());
        let Some(algorithm) = algorithm.or(named) else { return false };
        let payload = message::query(self.user, &algorithm, &candidate.key.blob.0);
        let shown = self.facts.queries.iter().any(|query| query.key.blob == candidate.key.blob);
        self.footprint.public_keys_disclosed += u32::from(!shown);
        self.facts.queries.push(Query {
            key: candidate.key.clone(),
            algorithm,
            offered_by_ssh: candidate.offered,
            connection: self.index,
            answer: None,
        });
        let row = self.facts.queries.len() - 1;
        self.request(payload, Asked::Query(row));
        true
    }

    /// Asks about a key that nobody has, to see whether the server says yes to everything.
    pub(crate) async fn canary(&mut self, waiting: &Waiting<'_>) -> Result<(), End> {
        // One more refusal must not be the one at which the server ends the connection.
        if self.facts.canary.is_some() || self.failures > 4 || self.logged_in {
            return Ok(());
        }
        let Some(blob) = throw_away_key() else { return Ok(()) };
        waiting("the server's answer about a key that nobody has");
        self.request(message::query(self.user, "ssh-ed25519", &blob), Asked::Canary(blob));
        self.settle().await
    }

    /// The request to be signed.
    pub(crate) fn unsigned(&self, candidate: &Candidate, algorithm: &str, plan: &Plan, bound: &Bound) -> Vec<u8> {
        let announced = self.facts.extension("publickey-hostbound@openssh.com").is_some_and(|version| *version == "0");
        let host_key = (announced && plan.host_bound).then_some(bound.host_key.as_slice());
        message::unsigned(self.user, algorithm, &candidate.key.blob.0, host_key)
    }

    /// Queues the signed request of the last signature's row.
    pub(crate) fn present(&mut self, unsigned: Vec<u8>, signature: &[u8]) {
        let row = self.facts.signatures.len().saturating_sub(1);
        self.request(message::signed(unsigned, signature), Asked::Signature(row));
    }

    /// Sends a password, and waits for what the server says of it.
    pub(crate) async fn try_password(&mut self, password: &[u8]) -> Result<(), End> {
        self.attempt("password");
        self.request(message::password(self.user, password), Asked::Password);
        self.settle().await
    }

    /// Begins a dialogue.
    pub(crate) async fn begin_dialogue(&mut self) -> Result<(), End> {
        self.attempt("keyboard-interactive");
        self.request(message::keyboard_interactive(self.user), Asked::Dialogue);
        self.settle().await
    }

    /// The questions that came last, once.
    pub(crate) fn questions(&mut self) -> Option<Round> {
        self.questions.take()
    }

    /// Sends the answers to them.
    pub(crate) async fn give_answers(&mut self, answers: &[Zeroizing<Vec<u8>>]) -> Result<(), End> {
        self.outbox.push(message::info_response(answers));
        self.pending.push_back(Asked::Dialogue);
        self.settle().await
    }

    fn attempt(&mut self, method: &str) {
        let outcome = Attempted::Unanswered;
        self.facts.attempts.push(Attempt { method: method.to_owned(), rounds: Vec::new(), outcome });
    }

    /// Whether the last attempt had partial success.
    pub(crate) fn partial_answer(&self) -> bool {
        let last = self.facts.attempts.last().map(|attempt| &attempt.outcome);
        matches!(last, Some(Attempted::Answered(Answer::Failure { partial: true, .. })))
    }

    /// Notes what came of the last attempt.
    pub(crate) fn outcome(&mut self, outcome: Attempted) {
        if let Some(attempt) = self.facts.attempts.last_mut() {
            attempt.outcome = outcome;
        }
    }

    /// Whether any query was answered by PK_OK.
    pub(crate) fn any_accepted(&self) -> bool {
        self.facts.queries.iter().any(|query| query.connection == self.index && query.answer == Some(Answer::PkOk))
    }

    /// Whether every query of this connection was answered by PK_OK, and there was one.
    pub(crate) fn all_accepted(&self) -> bool {
        let mut here = self.facts.queries.iter().filter(|query| query.connection == self.index).peekable();
        here.peek().is_some() && here.all(|query| query.answer == Some(Answer::PkOk))
    }

    /// Whether the server accepted `key` on this connection.
    pub(crate) fn accepts(&self, key: &PublicKey) -> bool {
        let here = |query: &&Query| query.connection == self.index && query.key.blob == key.blob;
        self.facts.queries.iter().filter(here).any(|query| query.answer == Some(Answer::PkOk))
    }

    /// Whether the last signature had partial success and no key can follow it.
    pub(crate) fn wants_another_method(&self) -> bool {
        let last = self.facts.signatures.last().map(|signature| &signature.outcome);
        let Some(Signed::Answered(Answer::Failure { methods, partial: true })) = last else { return false };
        !methods.iter().any(|method| method == "publickey")
    }

    /// Takes in what has come without being waited for.
    pub(crate) async fn listen(&mut self) -> Result<(), End> {
        while let Some(payload) = self.connection.arrived().await? {
            self.took(&payload)?;
        }
        Ok(())
    }

    /// Sends what is queued, in one write, and waits until everything is answered or the login stands.
    pub(crate) async fn settle(&mut self) -> Result<(), End> {
        self.flush().await?;
        while !self.pending.is_empty() && !self.logged_in {
            let dialogue = self.pending.iter().any(|asked| matches!(asked, Asked::Dialogue));
            let limit = if dialogue { DIALOGUE_LIMIT } else { ANSWER_LIMIT };
            let payload = self.connection.receive(Instant::now() + limit).await?;
            self.took(&payload)?;
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let mut outbox = std::mem::take(&mut self.outbox);
        let sent = self.connection.send(&outbox).await;
        // There may be a password among them.
        outbox.iter_mut().for_each(Zeroize::zeroize);
        sent
    }

    /// Takes one message in.
    fn took(&mut self, payload: &[u8]) -> Result<(), End> {
        let parsed = message::parse(payload);
        if let Message::GlobalRequest { want_reply } = parsed {
            if want_reply {
                self.outbox.push(message::request_failure());
            }
            return Ok(());
        }
        let Some(parsed) = note(self.facts, parsed)? else { return Ok(()) };
        let number = payload.first().copied().unwrap_or_default();
        // Only what RFC 4252 numbers as user authentication answers a question; a PING or the like does not.
        if matches!(number, message::UNIMPLEMENTED | message::SERVICE_ACCEPT | 50..=79) {
            self.answered(parsed, number, payload);
        }
        Ok(())
    }

    /// Matches an answer with the question that waits longest.
    fn answered(&mut self, message: Message<'_>, number: u8, payload: &[u8]) {
        let Some(asked) = self.pending.pop_front() else { return };
        match asked {
            Asked::Dialogue if number == message::USERAUTH_60 => {
                self.questions = message::info_request(payload);
                if let Some(round) = self.questions.clone()
                    && let Some(attempt) = self.facts.attempts.last_mut()
                {
                    attempt.rounds.push(round);
                }
                if self.questions.is_some() {
                    return;
                }
            }
            Asked::Password if number == message::USERAUTH_60 => {
                if let Some(prompt) = message::change_request(payload) {
                    return self.outcome(Attempted::ChangeDemanded(prompt));
                }
            }
            _ => {}
        }
        if let (Asked::Service, Message::ServiceAccept) = (&asked, &message) {
            self.facts.service_accepted = true;
            return;
        }
        let answer = match (message, &asked) {
            (Message::Failure { methods, partial }, _) => Answer::Failure { methods, partial },
            (Message::Success, _) => Answer::Success,
            (Message::PkOk { blob }, Asked::Query(row))
                if self.facts.queries.get(*row).is_some_and(|query| query.key.blob.0 == blob) =>
            {
                Answer::PkOk
            }
            (Message::PkOk { blob }, Asked::Canary(canary)) if blob == canary => Answer::PkOk,
            _ => Answer::Other(number),
        };
        self.logged_in |= answer == Answer::Success;
        if let Answer::Failure { methods, .. } = &answer {
            self.methods.clone_from(methods);
        }
        let refused = matches!(answer, Answer::Failure { partial: false, .. });
        if refused && !matches!(asked, Asked::None | Asked::Service) {
            self.failures += 1;
            self.footprint.auth_failures += 1;
        }
        match asked {
            // A server that answers the service request in another way goes on to answer the rest.
            Asked::Service => {}
            Asked::None => drop(self.facts.none.get_or_insert(answer)),
            Asked::Query(row) => {
                if let Some(query) = self.facts.queries.get_mut(row) {
                    query.answer = Some(answer);
                }
            }
            Asked::Canary(_) => self.facts.canary = Some(answer),
            Asked::Signature(row) => {
                self.partial |= matches!(answer, Answer::Failure { partial: true, .. });
                if let Some(signature) = self.facts.signatures.get_mut(row) {
                    signature.outcome = Signed::Answered(answer);
                }
            }
            Asked::Password | Asked::Dialogue => self.outcome(Attempted::Answered(answer)),
        }
    }
}

fn accepted(plan: &Plan) -> Vec<&str> {
    plan.accepted.iter().map(String::as_str).collect()
}

/// Keeps what may come at any time, and gives back any other message.
///
/// # Errors
/// Where the message ends the connection.
pub(crate) fn note<'m>(facts: &mut Userauth, message: Message<'m>) -> Result<Option<Message<'m>>, End> {
    let text = |bytes: &[u8]| ServerText::new(&bytes[..bytes.len().min(MAX_TEXT)]);
    match message {
        Message::Disconnect { code, text: reason } => return Err(End::Disconnect { code, text: text(reason) }),
        Message::Rekey => {
            return Err(End::KeyExchange(
                "the server asked for new keys in mid-session, which the probe does not do".to_owned(),
            ));
        }
        Message::Debug(said) if facts.debug.len() < MAX_KEPT => facts.debug.push(text(said)),
        Message::Banner(said) if facts.banners.len() < MAX_KEPT => facts.banners.push(text(said)),
        Message::Ignore | Message::Debug(_) | Message::Banner(_) => {}
        Message::ExtInfo(pairs) => {
            for (name, value) in pairs {
                let name = escape(&name[..name.len().min(128)]);
                facts.extensions.retain(|(known, _)| *known != name);
                if facts.extensions.len() < MAX_KEPT {
                    facts.extensions.push((name, text(value)));
                }
            }
        }
        other => return Ok(Some(other)),
    }
    Ok(None)
}

/// The blob of an Ed25519 public key whose private half is forgotten at once.
fn throw_away_key() -> Option<Vec<u8>> {
    let mut seed = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(seed.as_mut()).ok()?;
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok()?;
    let mut blob = Vec::new();
    put_string(&mut blob, b"ssh-ed25519");
    put_string(&mut blob, pair.public_key().as_ref());
    Some(blob)
}
