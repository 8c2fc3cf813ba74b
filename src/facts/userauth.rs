//! User authentication (RFC 4252): every request that was made and every message that came back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::End;
use super::key::PublicKey;
use super::text::{Path, ServerText, User};

/// What [`Userauth::admitted_by`] holds where only what came behind the login was read.
pub const UNSEEN_METHOD: &str = "a method that was not seen";

/// What passed in userauth, over one connection or two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Userauth {
    /// The account that was asked for.
    pub user: User,
    /// Whether the server took the service request.
    pub service_accepted: bool,
    /// The answer to the request of method `none`.
    pub none: Option<Answer>,
    /// The public-key queries in the order they were sent, and their answers.
    pub queries: Vec<Query>,
    /// The answer to a query with a key that nobody has, made to see whether the server says yes to everything.
    pub canary: Option<Answer>,
    /// Signed requests in the order they were made.
    pub signatures: Vec<Signature>,
    /// Passwords and dialogues that a person at the terminal was asked for, in order (`--ask-password`, `--interactive`).
    /// Of what was typed nothing is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// `SSH_MSG_USERAUTH_BANNER` texts.
    pub banners: Vec<ServerText>,
    /// `SSH_MSG_DEBUG` texts; OpenSSH sends them after success only, also about keys it refused before.
    pub debug: Vec<ServerText>,
    /// `SSH_MSG_EXT_INFO` (RFC 8308): name and value; the later of two with one name stands last.
    pub extensions: Vec<(String, ServerText)>,
    /// The method by which ssh itself got in, as it said (`Authenticated to … using "gssapi-with-mic"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_by: Option<String>,
    /// One row for each connection that reached userauth, in order: how it ended.
    /// `None` where it was still good when we left it.
    pub connections: Vec<Option<End>>,
}

impl Userauth {
    /// Whether only what came behind the login was read.
    pub fn is_unseen(&self) -> bool {
        self.admitted_by.as_deref() == Some(UNSEEN_METHOD)
    }

    /// The methods that the server last said can continue, `none`'s answer first; `None` where it never said.
    pub fn methods(&self) -> Option<&[String]> {
        let mut answers = self.none.iter().chain(self.queries.iter().filter_map(|query| query.answer.as_ref()));
        answers.find_map(|answer| match answer {
            Answer::Failure { methods, partial: false } => Some(methods.as_slice()),
            _ => None,
        })
    }

    /// Whether ssh would try a key at all: not where the answer to `none` lists methods and publickey is not among them
    /// (sshconnect2.c `authmethod_get`), whatever the server answers to a query all the same.
    pub fn takes_keys(&self) -> bool {
        match &self.none {
            _ if self.wants_a_key_next() => true,
            Some(Answer::Failure { methods, .. }) => {
                methods.is_empty() || methods.iter().any(|name| name == "publickey")
            }
            _ => true,
        }
    }

    /// Whether the server took an answer of the person's with partial success, and a key may follow it.
    pub fn wants_a_key_next(&self) -> bool {
        self.attempts.iter().any(|attempt| match &attempt.outcome {
            Attempted::Answered(Answer::Failure { methods, partial: true }) => {
                methods.iter().any(|name| name == "publickey")
            }
            _ => false,
        })
    }

    /// Whether the server sent `SSH_MSG_USERAUTH_SUCCESS`.
    pub fn succeeded(&self) -> bool {
        self.admitted_by.is_some()
            || self.none == Some(Answer::Success)
            || self.queries.iter().any(|query| query.answer == Some(Answer::Success))
            || self.signatures.iter().any(|signature| signature.outcome == Signed::Answered(Answer::Success))
            || self.attempts.iter().any(|attempt| attempt.outcome == Attempted::Answered(Answer::Success))
    }

    /// The value of an extension, the last one of that name.
    pub fn extension(&self, name: &str) -> Option<&ServerText> {
        self.extensions.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The answer to the query about this very blob.
    pub fn answer(&self, key: &PublicKey) -> Option<&Answer> {
        self.queries.iter().filter(|query| query.key.is_same(key)).filter_map(|query| query.answer.as_ref()).next_back()
    }
}

/// A server's answer to one authentication request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// `SSH_MSG_USERAUTH_FAILURE`.
    Failure {
        /// The authentications that can continue, names as sent.
        methods: Vec<String>,
        /// Whether the request itself succeeded and more is demanded.
        partial: bool,
    },
    /// `SSH_MSG_USERAUTH_PK_OK`: this public key would be acceptable.
    PkOk,
    /// `SSH_MSG_USERAUTH_SUCCESS`.
    Success,
    /// A message that answers another question, by its number.
    Other(u8),
}

/// One public-key query (RFC 4252 section 7, without a signature).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// The key or certificate asked about.
    pub key: PublicKey,
    /// The signature algorithm named in the request, `rsa-sha2-512`.
    pub algorithm: String,
    /// Whether ssh itself would have offered it.
    pub offered_by_ssh: bool,
    /// On which connection, counted from 0.
    pub connection: usize,
    /// The answer; `None` where none came, because the connection ended first.
    pub answer: Option<Answer>,
}

/// A signed request, or the attempt to make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signature {
    /// The key.
    pub key: PublicKey,
    /// The signature algorithm.
    pub algorithm: String,
    /// Who was to sign.
    pub signer: Signer,
    /// What came of it.
    pub outcome: Signed,
}

/// Who makes a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// The agent.
    Agent,
    /// The private key file.
    File(Path),
    /// The token of this PKCS#11 provider.
    Token(Path),
}

/// What came of a signed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    /// It was sent and answered.
    Answered(Answer),
    /// The signer was asked, and the run ended before it had signed.
    Begun,
    /// It was sent, and the connection ended in place of an answer.
    Unanswered,
    /// The agent answered `SSH_AGENT_FAILURE`.
    AgentRefused,
    /// The agent gave no answer within the limit (it may be asking its owner).
    AgentSilent,
    /// The agent returned a signature of another type than was asked for, by name.
    WrongType(String),
    /// The token wants a PIN, and nobody was asked for it.
    PinNeeded,
    /// The private key that the file holds is not the one of the public half.
    OtherKey,
    /// The key file could not be used; in words.
    FileFailed(String),
}

/// One request of a method that a person answers (RFC 4252 section 8, RFC 4256).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The method: `password` or `keyboard-interactive`.
    pub method: String,
    /// What the server asked in a dialogue, request by request; empty for a password.
    pub rounds: Vec<Round>,
    /// What came of it.
    pub outcome: Attempted,
}

/// One `SSH_MSG_USERAUTH_INFO_REQUEST` (RFC 4256 section 3.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Round {
    /// The dialogue's name; often empty.
    pub name: ServerText,
    /// The instruction; often empty.
    pub instruction: ServerText,
    /// How many questions it says it holds.
    pub count: u32,
    /// The first questions of it.
    pub prompts: Vec<Prompt>,
}

/// One question of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prompt {
    /// The question, `Password: `.
    pub text: ServerText,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
}

/// What came of a method that a person answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Attempted {
    /// The server answered the password, or the last answers of the dialogue.
    Answered(Answer),
    /// `SSH_MSG_USERAUTH_PASSWD_CHANGEREQ` (RFC 4252 section 8): the password is right and has expired; the prompt.
    ChangeDemanded(ServerText),
    /// It was sent, and the connection ended in place of an answer.
    Unanswered,
    /// The person gave no answer.
    NotGiven,
    /// The server asked for more than anybody would answer; in words.
    Unending(String),
}
