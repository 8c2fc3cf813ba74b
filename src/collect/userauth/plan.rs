//! Which keys are asked about, in which order, and which of them may sign (sshconnect2.c `userauth_pubkey`,
//! `load_identity_file`).

use std::sync::Arc;

use crate::collect::person::Person;
use crate::facts::identities::KeyFile;
use crate::facts::key::PublicKey;
use crate::facts::userauth::Signer;
use crate::facts::{Facts, Limits};
use crate::openssh::course::{Problem, accepted_algorithms, obstacle, of_authenticator};
use crate::openssh::identities::{Offer, offers};
use crate::openssh::known_hosts::Course;
use crate::openssh::methods::{publickey_on, questions};
use crate::openssh::prompts::secrets_can_be_asked;

/// A key that the server may be asked about.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// The public half, or the certificate.
    pub(crate) key: PublicKey,
    /// Whether ssh itself would offer it.
    pub(crate) offered: bool,
    /// Whether ssh would ask for its passphrase once it is accepted.
    pub(crate) locked: bool,
    /// Who would sign with it; `None` where nobody can without asking a person.
    pub(crate) signer: Option<Signing>,
}

/// How a signature is made.
#[derive(Debug, Clone)]
pub(crate) enum Signing {
    /// By the agent, for this key or certificate.
    Agent(PublicKey),
    /// With this private key file.
    File(Box<KeyFile>),
}

impl Signing {
    /// The fact's name for it.
    pub(crate) fn signer(&self) -> Signer {
        match self {
            Self::Agent(_) => Signer::Agent,
            Self::File(file) => Signer::File(file.path.clone()),
        }
    }
}

/// What is to be done in userauth.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The account.
    pub(crate) user: Vec<u8>,
    /// The keys, in the order in which they are asked about; what ssh would offer comes first.
    pub(crate) candidates: Vec<Candidate>,
    /// `PubkeyAcceptedAlgorithms`.
    pub(crate) accepted: Vec<String>,
    /// Whether ssh would use its host-bound method where the server has it (`PubkeyAuthentication` `yes` or `host-bound`).
    pub(crate) host_bound: bool,
    /// What ssh would do with the host key.
    pub(crate) course: Course,
    /// What the run may do.
    pub(crate) limits: Limits,
    /// Whom questions may be put to, where they may be, and at which login.
    pub(crate) person: Option<(Arc<Person>, String)>,
    /// The methods that a person answers and that ssh may use, in its order.
    pub(crate) questions: Vec<&'static str>,
}

impl Plan {
    /// The plan that follows from `facts`, agent and identities included.
    pub(crate) fn new(facts: &Facts, course: Course) -> Self {
        let options = &facts.config.options;
        Self {
            user: facts.target.as_ref().map(|target| target.user.as_bytes().to_vec()).unwrap_or_default(),
            candidates: candidates(facts),
            accepted: accepted(facts),
            host_bound: !matches!(options.first("pubkeyauthentication"), Some("unbound")),
            course,
            limits: facts.run.limits.clone(),
            person: None,
            questions: if secrets_can_be_asked(facts) { questions(options) } else { Vec::new() },
        }
    }

    /// The same plan with a person who may be asked.
    pub(crate) fn with_person(mut self, person: Option<&Arc<Person>>, facts: &Facts) -> Self {
        let login = facts.target.as_ref().map(|target| format!("{}@{}", target.user, target.host)).unwrap_or_default();
        self.person = person.map(|person| (Arc::clone(person), login));
        self
    }

    /// The plan that asks for another account about the keys that ssh would offer, and does no more; `None` where
    /// nobody named one.
    pub(crate) fn for_another(&self) -> Option<Self> {
        let user = self.limits.try_user.as_ref()?.as_bytes().to_vec();
        let mut plan = Self { user, ..self.clone() };
        plan.limits.login = false;
        plan.person = None;
        plan.candidates.retain(|candidate| candidate.offered);
        Some(plan)
    }

    /// Whether a login is to be tried where it can be.
    pub(crate) fn may_log_in(&self) -> bool {
        self.limits.login && self.limits.offer.is_none() && self.course == Course::GoOn
    }
}

/// The signature algorithms that may be named. For a key that only the server is asked about, this client's own list
/// decides nothing.
fn accepted(facts: &Facts) -> Vec<String> {
    let mut accepted: Vec<String> = accepted_algorithms(&facts.config.options).into_iter().map(str::to_owned).collect();
    if let Some(offered) = &facts.run.limits.offer {
        let suffix = if offered.key.is_certificate() { "-cert-v01@openssh.com" } else { "" };
        let rsa = ["rsa-sha2-512", "rsa-sha2-256"].map(|name| format!("{name}{suffix}"));
        accepted.extend(rsa.into_iter().filter(|_| offered.key.plain_algorithm() == "ssh-rsa"));
        accepted.push(offered.key.algorithm.clone());
    }
    accepted
}

/// What ssh would offer, then what else is known on this machine.
fn candidates(facts: &Facts) -> Vec<Candidate> {
    if let Some(offered) = &facts.run.limits.offer {
        return vec![Candidate { key: offered.key.clone(), offered: true, locked: false, signer: None }];
    }
    let offered = publickey_on(&facts.config.options);
    let mut all: Vec<Candidate> = Vec::new();
    if offered || !facts.run.limits.only_offered {
        for offer in offers(facts) {
            let Some(key) = &offer.key else { continue };
            let signer = if offered { signing(facts, &offer, key) } else { None };
            let locked = offered && obstacle(facts, &offer) == Some(Problem::Encrypted);
            all.push(Candidate { key: key.clone(), offered, locked, signer });
        }
    }
    if facts.run.limits.only_offered {
        return all;
    }
    for key in others(facts) {
        if !all.iter().any(|candidate| candidate.key.blob == key.blob) {
            all.push(Candidate { key: key.clone(), offered: false, locked: false, signer: None });
        }
    }
    all
}

/// Every public key on this machine, the likeliest first: the agent's, the configured files', then the others, those
/// first that are named by the host or the user.
fn others(facts: &Facts) -> Vec<&PublicKey> {
    let mut keys = Vec::new();
    if let Ok(agent) = &facts.agent {
        keys.extend(agent.keys().iter().chain(agent.unbound()).map(|held| &held.key));
    }
    let Ok(identities) = &facts.identities else { return keys };
    for file in &identities.files {
        keys.extend(file.certificate.key.iter().chain(file.public_half()));
    }
    keys.extend(identities.certificates.iter().filter_map(|certificate| certificate.file.key.as_ref()));
    let mut others: Vec<&KeyFile> = identities.others.iter().collect();
    // A public half without its private one opens nothing here; it is asked about last.
    others.sort_by_key(|file| (!file.is_private_here(), !is_named(facts, file)));
    keys.extend(others.iter().filter_map(|file| file.public_half()));
    keys.extend(others.iter().filter_map(|file| file.certificate.key.as_ref()));
    keys.extend(identities.elsewhere.iter().filter_map(|elsewhere| elsewhere.public.key.as_ref()));
    keys
}

/// Whether the file's name or its key's comment has the name of the host or the user in it.
fn is_named(facts: &Facts, file: &KeyFile) -> bool {
    let Ok(target) = &facts.target else { return false };
    let name = file.path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let comment = file.public_half().map(|key| key.comment.as_bytes()).unwrap_or_default();
    [target.alias.as_bytes(), target.host.as_bytes(), target.user.as_bytes()]
        .into_iter()
        .filter(|word| word.len() > 2)
        .any(|word| [name, comment].into_iter().any(|text| text.windows(word.len()).any(|part| part == word)))
}

/// How ssh would sign for `offer` without asking anybody.
fn signing(facts: &Facts, offer: &Offer, key: &PublicKey) -> Option<Signing> {
    if offer.agent {
        return Some(Signing::Agent(key.clone()));
    }
    // An authenticator is left alone: it would blink, and count a wrong PIN.
    if of_authenticator(offer) {
        return None;
    }
    let file = facts.identities.as_ref().ok()?.files.get(offer.file?)?;
    let without_question = file.private.as_ref().is_ok_and(|private| private.encrypted == Some(false));
    (without_question && obstacle(facts, offer).is_none()).then(|| Signing::File(Box::new(file.clone())))
}
