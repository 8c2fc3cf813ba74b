//! What ssh says of its identities, of the agent, and of each request of user authentication.

use super::{Asked, Attempt, MOST, Named, Transcript, Unsigned};
use crate::facts::text::{Fingerprint, Path, ServerText};
use crate::facts::userauth::Answer;

/// The identities and what became of the methods.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The files that ssh loads public halves from, in its order, and whether it found one.
    pub(super) files: Vec<(Path, bool)>,
    /// The certificate files that are named, and whether one was found.
    pub(super) certificates: Vec<(Path, bool)>,
    /// Everything that ssh would try, in its order; files of which no public half is known among it.
    pub(super) planned: Vec<Named>,
    /// Whether that list was printed to its end.
    pub(super) prepared: bool,
    /// Files that were tried without a public half.
    pub(super) tried: Vec<Path>,
    /// What went wrong with a file, in the order in which it was said.
    pub(super) troubles: Vec<(Path, Trouble)>,
    /// Keys that were left out, and why.
    pub(super) skipped: Vec<(Named, Skipped)>,
    /// The agent's socket, where a line names it.
    pub(super) agent_path: Option<Path>,
    /// How many keys the agent lists.
    pub(super) agent_count: Option<u32>,
    /// Why it lists none, in ssh's words.
    pub(super) agent_trouble: Option<String>,
    /// `PreferredAuthentications` as it was printed.
    pub(super) preferred: Option<String>,
    /// The methods that were tried, in order.
    pub(super) methods: Vec<String>,
    /// Whether no method was left.
    pub(super) exhausted: bool,
    /// The methods in the last word, `Permission denied (publickey).`
    pub(super) denied: Option<Vec<String>>,
    /// Whether no authenticator was found.
    pub(super) no_authenticator: bool,
    /// What GSSAPI says.
    pub(super) gssapi: Vec<ServerText>,
}

/// Questions that were put to a person, and what came of them.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line that was seen or was not")]
pub(super) struct Questions {
    /// Whether a new host key was asked about.
    pub(super) host_key: bool,
    /// Whether a passphrase was asked for.
    pub(super) passphrase: bool,
    /// Whether a password was.
    pub(super) password: bool,
    /// Whether a touch was.
    pub(super) touch: bool,
    /// Whether a PIN was.
    pub(super) pin: bool,
    /// Whether the server demands a new password.
    pub(super) change: bool,
    /// Whether ssh found no terminal to ask at.
    pub(super) nobody: bool,
    /// Passwords that were sent.
    pub(super) password_sent: u32,
    /// Answers to dialogues that were sent.
    pub(super) dialogues_sent: u32,
    /// Dialogues that asked something.
    pub(super) prompts: u32,
    /// Questions of dialogues that were shown.
    pub(super) dialogues: u32,
    /// The last of them, `Verification code:`.
    pub(super) dialogue: ServerText,
    /// Passwords that were refused.
    pub(super) refused: u32,
}

/// What went wrong with a private key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It could not be looked at; the error's name.
    Absent(String),
    /// Its mode is too open, where ssh prints it.
    TooOpen(Option<u32>),
    /// It could not be loaded, in ssh's words.
    Unloadable(String),
    /// It is encrypted, and no passphrase for it was given, or none yet.
    NoPassphrase,
}

/// Why a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    /// `PubkeyAcceptedAlgorithms` leaves out its algorithm.
    ByOption,
    /// The server does not announce its algorithm.
    ByServer,
    /// It is shorter than `RequiredRSASize`.
    Short,
    /// It lives in an authenticator, and no provider reaches one.
    Authenticator,
}

impl Transcript {
    /// `/home/a/.ssh/id_ed25519 type 3`.
    pub(super) fn identity_file(&mut self, rest: &str) {
        let Some((path, kind)) = rest.rsplit_once(" type ") else { return };
        let row = (path.into(), !kind.starts_with('-'));
        // ssh reads its configuration a second time after canonicalization.
        if self.keys.files.len() < MOST && !self.keys.files.contains(&row) {
            self.keys.files.push(row);
        }
    }

    /// The same of a certificate.
    pub(super) fn certificate_file(&mut self, rest: &str) {
        let Some((path, kind)) = rest.rsplit_once(" type ") else { return };
        if self.keys.certificates.len() < MOST {
            self.keys.certificates.push((path.into(), !kind.starts_with('-')));
        }
    }

    pub(super) fn will_attempt(&mut self, rest: &str) {
        let named = identity(rest);
        if self.keys.planned.len() < MOST {
            self.keys.planned.push(named.clone());
        }
        if !named.fingerprint.is_empty() && self.attempted.len() < MOST {
            self.attempted.push(named);
        }
    }

    /// `/home/a/.ssh/id_rsa (0x55d0c8b0a2c0), explicit, agent`, with `(nil)` where no public half is known.
    pub(super) fn will_attempt_old(&mut self, rest: &str) {
        let Some((name, rest)) = rest.rsplit_once(" (") else { return };
        if self.keys.planned.len() < MOST {
            let unknown = rest.starts_with("nil") || rest.starts_with("0x0)") || rest.starts_with("0000000000000000)");
            self.keys.planned.push(Named {
                name: name.into(),
                kind: if unknown { String::new() } else { "unknown".to_owned() },
                explicit: rest.contains(", explicit"),
                agent: rest.contains(", agent"),
                ..Named::default()
            });
        }
    }

    /// `ssh-dss key /home/a/.ssh/id_dsa - corresponding algorithm not in PubkeyAcceptedAlgorithms`.
    pub(super) fn skipping(&mut self, rest: &str) {
        if let Some(key) = rest.strip_prefix("key ") {
            self.left_out("", key.rsplit_once(": ").map_or(key, |(name, _)| name), Skipped::Short);
            return;
        }
        let Some((key, why)) = rest.rsplit_once(" - ") else { return };
        let Some((kind, name)) = key.split_once(" key ") else { return };
        let why = if why.contains("supported by server") { Skipped::ByServer } else { Skipped::ByOption };
        self.left_out(kind, name, why);
    }

    /// `RSA agent key: Invalid key length`, `authenticator-hosted key X as no SecurityKeyProvider has been specified`.
    pub(super) fn ignoring(&mut self, rest: &str) {
        if let Some(name) = rest.strip_prefix("authenticator-hosted key ") {
            let name = name.split_once(" as no ").map_or(name, |(name, _)| name);
            self.left_out("", name, Skipped::Authenticator);
        } else if let Some((kind, _)) = rest.split_once(" agent key: ") {
            self.left_out(kind, "", Skipped::Short);
        }
    }

    fn left_out(&mut self, kind: &str, name: &str, why: Skipped) {
        if self.keys.skipped.len() < MOST {
            let named = Named { name: name.into(), kind: kind.to_owned(), ..Named::default() };
            self.keys.skipped.push((named, why));
        }
    }

    /// `3 keys`.
    pub(super) fn agent_returned(&mut self, rest: &str) {
        self.keys.agent_count = rest.split(' ').next().and_then(|count| count.parse().ok());
    }

    /// `ssh_get_authentication_socket: No such file or directory`, `ssh_fetch_identitylist: agent contains no identities`.
    pub(super) fn agent_line(&mut self, rest: &str) {
        let words = rest.rsplit_once(": ").map_or(rest, |(_, words)| words);
        if rest.contains("agent contains no identities") {
            self.keys.agent_count = Some(0);
        } else if rest.contains("authentication_socket: ")
            || rest.contains("fetch_identitylist: ")
            || rest.starts_with("get_")
        {
            self.keys.agent_trouble = Some(words.to_owned());
        }
    }

    /// The first words are the nearest to the cause.
    pub(super) fn no_token(&mut self, words: &str) {
        self.token_trouble.get_or_insert_with(|| words.into());
    }

    /// `/nowhere.so is not a PKCS11 library`, `/lib/token.so returned no keys`; else only what the token is.
    pub(super) fn provider(&mut self, rest: &str) {
        if rest.ends_with("is not a PKCS11 library") || rest.ends_with("returned no keys") || rest.ends_with("no slots")
        {
            self.no_token(&format!("provider {rest}"));
        }
    }

    /// `server-sig-algs=<…>`.
    pub(super) fn extension(&mut self, rest: &str) {
        let value = |text: &str| text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).map(ServerText::from);
        let parts = rest.split_once('=').and_then(|(name, text)| Some((name.to_owned(), value(text)?)));
        self.extensions.extend(parts.filter(|_| self.extensions.len() < MOST));
    }

    pub(super) fn sent(&mut self, number: &str) {
        if number != "50" {
            return;
        }
        self.requests += 1;
        if let Asked::Signature(at) = self.asked
            && let Some(attempt) = self.attempts.get_mut(at)
        {
            attempt.sent = Ok(());
        }
    }

    pub(super) fn received(&mut self, number: &str) {
        match (number, self.asked) {
            ("60", Asked::Query(at)) => self.accepted(at),
            ("52", asked) => self.answered(asked, &Answer::Success),
            _ => {}
        }
    }

    fn accepted(&mut self, at: usize) {
        if let Some((_, answer)) = self.queries.get_mut(at) {
            *answer = Some(Answer::PkOk);
        }
    }

    /// Before 7.9 `pkalg ssh-rsa blen 279`, which names no key: it is the one that was asked about.
    pub(super) fn accepts(&mut self, rest: &str) {
        let asked = match self.asked {
            Asked::Query(at) => Some(at),
            _ => None,
        };
        let fingerprint = identity(rest).fingerprint;
        let named = |(query, _): &(Named, Option<Answer>)| !fingerprint.is_empty() && query.fingerprint == fingerprint;
        if let Some(at) = self.queries.iter().rposition(named).or(asked) {
            self.accepted(at);
            self.asked = Asked::Accepted(at);
        }
    }

    fn answered(&mut self, asked: Asked, answer: &Answer) {
        match asked {
            Asked::Nothing => self.none = Some(answer.clone()),
            Asked::Query(at) => {
                if let Some((_, place)) = self.queries.get_mut(at) {
                    *place = Some(answer.clone());
                }
            }
            Asked::Accepted(_) | Asked::Signature(_) => {
                let Some(attempt) = self.attempt() else { return };
                // Only -vvv prints that the request was sent.
                if attempt.sent == Err(Unsigned::Silently) {
                    attempt.sent = Ok(());
                }
                attempt.answer = Some(answer.clone());
            }
            Asked::Tried if self.attempts.len() < MOST => self.attempts.push(Attempt {
                query: None,
                algorithm: String::new(),
                fingerprint: None,
                tried: self.keys.tried.last().cloned(),
                sent: Ok(()),
                answer: Some(answer.clone()),
            }),
            Asked::Tried | Asked::Other => {}
        }
    }

    /// The attempt to sign that is under way.
    fn attempt(&mut self) -> Option<&mut Attempt> {
        if let Asked::Accepted(query) = self.asked
            && self.attempts.len() < MOST
        {
            let fingerprint = self.queries.get(query).map(|(named, _)| named.fingerprint.clone());
            self.asked = Asked::Signature(self.attempts.len());
            let sent = Err(Unsigned::Silently);
            self.attempts.push(Attempt {
                query: Some(query),
                algorithm: String::new(),
                fingerprint,
                tried: None,
                sent,
                answer: None,
            });
        }
        let Asked::Signature(at) = self.asked else { return None };
        self.attempts.get_mut(at)
    }

    /// Whatever was under way is over.
    fn goes_on(&mut self) {
        // An accepted key was to be signed with, and nothing was said of it.
        self.attempt();
        self.asked = Asked::Other;
    }

    /// The connection ends. A key that was accepted has been signed with by then: less than -vvv says no more of that, but
    /// what it asks.
    pub(super) fn cut_off(&mut self) {
        let waits = matches!(self.asked, Asked::Accepted(_)) && self.level < 3;
        if waits
            && !self.questions.passphrase
            && !self.questions.pin
            && !self.questions.touch
            && let Some(attempt) = self.attempt()
        {
            attempt.sent = Ok(());
        }
    }

    pub(super) fn can_continue(&mut self, list: &str) {
        let methods = list.trim().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let partial = std::mem::take(&mut self.partial);
        // At -v nothing else says that what was typed was sent.
        let asked = self.keys.methods.last().is_some_and(|method| method == "password") && self.asked == Asked::Other;
        self.questions.refused += u32::from(asked && self.questions.password && !partial);
        if self.asked != Asked::Nothing && !partial {
            self.failures += 1;
        }
        self.answered(self.asked, &Answer::Failure { methods, partial });
        self.asked = Asked::Other;
    }

    /// At the end: the last word on a method.
    pub(super) fn let_in(&mut self) {
        if !matches!(self.asked, Asked::Other) {
            self.answered(self.asked, &Answer::Success);
        }
    }

    pub(super) fn next_method(&mut self, name: &str) {
        self.goes_on();
        if self.keys.methods.len() < MOST {
            self.keys.methods.push(name.to_owned());
        }
    }

    pub(super) fn offering(&mut self, rest: &str) {
        self.offered(identity(rest));
    }

    /// `RSA public key: /home/a/.ssh/id_rsa`.
    pub(super) fn offering_old(&mut self, rest: &str) {
        if let Some((kind, name)) = rest.split_once(" public key: ") {
            self.offered(Named { name: name.into(), kind: kind.to_owned(), ..Named::default() });
        }
    }

    fn offered(&mut self, named: Named) {
        self.goes_on();
        if self.queries.len() < MOST {
            self.asked = Asked::Query(self.queries.len());
            self.queries.push((named, None));
        }
    }

    pub(super) fn trying(&mut self, path: &str) {
        self.goes_on();
        if self.keys.tried.len() < MOST {
            self.keys.tried.push(path.into());
            self.asked = Asked::Tried;
        }
    }

    /// `/home/a/.ssh/id_rsa: No such file or directory`.
    pub(super) fn no_such_identity(&mut self, rest: &str) {
        if let Some((path, why)) = rest.rsplit_once(": ") {
            self.trouble(path, Trouble::Absent(super::way::errno(why)));
        }
    }

    /// `/home/a/.ssh/id_rsa": invalid format`.
    pub(super) fn load_failed(&mut self, rest: &str) {
        if let Some((path, why)) = rest.rsplit_once("\": ") {
            self.trouble(path, Trouble::Unloadable(why.to_owned()));
        }
    }

    /// `0644 for '/home/a/.ssh/id_rsa' are too open.`; Windows' build prints no mode.
    pub(super) fn too_open(&mut self, rest: &str) {
        let Some((mode, path)) = rest.strip_suffix("' are too open.").and_then(|rest| rest.split_once("for '")) else {
            return;
        };
        self.trouble(path, Trouble::TooOpen(u32::from_str_radix(mode.trim(), 8).ok()));
    }

    /// `key '/home/a/.ssh/id_rsa': `.
    pub(super) fn asks_passphrase(&mut self, rest: &str) {
        self.questions.passphrase = true;
        let path = rest.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map(|(path, _)| path.to_owned());
        if let Some(path) = path {
            self.trouble(&path, Trouble::NoPassphrase);
        }
    }

    /// There is no terminal to ask at: for the passphrase, where a key is to be signed with.
    pub(super) fn nobody(&mut self) {
        self.questions.nobody = true;
        if matches!(self.asked, Asked::Accepted(_) | Asked::Signature(_)) {
            self.no_passphrase();
        }
    }

    pub(super) fn no_passphrase(&mut self) {
        let path = match self.asked {
            Asked::Accepted(_) | Asked::Signature(_) => {
                let query = self.attempt().and_then(|attempt| attempt.query);
                query.and_then(|at| self.queries.get(at)).map(|(named, _)| named.name.clone())
            }
            _ => self.keys.tried.last().cloned(),
        };
        if let Some(path) = path {
            self.trouble(&path.to_string(), Trouble::NoPassphrase);
        }
    }

    fn trouble(&mut self, path: &str, trouble: Trouble) {
        if self.keys.troubles.len() < MOST {
            self.keys.troubles.push((path.into(), trouble));
        }
    }

    /// `ssh-ed25519 SHA256:…`.
    pub(super) fn signing(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let algorithm = words.next().unwrap_or_default().to_owned();
        let fingerprint: Option<Fingerprint> = words.next().map(Fingerprint::from);
        let accepted = |(named, answer): &(Named, Option<Answer>)| {
            *answer == Some(Answer::PkOk) && fingerprint.as_ref().is_none_or(|printed| *printed == named.fingerprint)
        };
        let query = self.queries.iter().rposition(accepted);
        if self.attempts.len() < MOST {
            self.asked = Asked::Signature(self.attempts.len());
            let sent = Err(Unsigned::Silently);
            let tried = self.keys.tried.last().filter(|_| query.is_none()).cloned();
            self.attempts.push(Attempt { query, algorithm, fingerprint, tried, sent, answer: None });
        }
    }

    /// Other words of the same function: that a signature is begun, before the line had its own words.
    pub(super) fn begins_to_sign(&mut self, _: &str) {
        self.attempt();
    }

    /// `ED25519 "/home/a/.ssh/id" from agent: agent refused operation`.
    pub(super) fn not_signed(&mut self, rest: &str) {
        let (what, why) = rest.rsplit_once(": ").unwrap_or((rest, ""));
        let agent = what.ends_with(" from agent");
        let named = what.split_once(" \"").and_then(|(kind, rest)| Some((kind, rest.rsplit_once('"')?.0)));
        if let Some((kind, name)) = named {
            self.accepted_unseen(&Named { name: name.into(), kind: kind.to_owned(), agent, ..Named::default() });
        }
        // The file was read, or there would be nothing to sign with: what says no is the authenticator, or its library.
        let of_authenticator = matches!(why, "device not found" | "invalid format");
        if !agent && of_authenticator && named.is_some_and(|(kind, _)| kind.ends_with("-SK")) {
            self.keys.no_authenticator = true;
        }
        self.unsigned(if agent { Unsigned::Agent } else { Unsigned::Failed(why.to_owned()) });
    }

    /// Without a line of debugging its failure to sign alone tells that the server accepts a key: ssh signs with no other
    /// (sshconnect2.c `input_userauth_pk_ok`).
    fn accepted_unseen(&mut self, named: &Named) {
        if self.level == 0 && self.queries.len() < MOST {
            self.asked = Asked::Accepted(self.queries.len());
            self.queries.push((named.clone(), Some(Answer::PkOk)));
        }
    }

    /// `agent refused operation`.
    pub(super) fn not_signed_old(&mut self, why: &str) {
        let agent = why.starts_with("agent ") || why.contains("communication with agent failed");
        self.accepted_unseen(&Named { agent, ..Named::default() });
        self.unsigned(if agent { Unsigned::Agent } else { Unsigned::Failed(why.to_owned()) });
    }

    pub(super) fn no_private_key(&mut self) {
        self.unsigned(Unsigned::Failed("no separate private key for certificate".to_owned()));
    }

    pub(super) fn unsigned(&mut self, why: Unsigned) {
        let Some(attempt) = self.attempt() else { return };
        // The first reason is the nearest to the cause.
        if attempt.sent == Err(Unsigned::Silently) {
            attempt.sent = Err(why);
        }
    }

    /// The key that is in turn is passed over: client and server share no algorithm for it.
    pub(super) fn no_algorithm(&mut self) {
        let named = match self.asked {
            Asked::Query(at) if self.queries.get(at).is_some_and(|(_, answer)| answer.is_none()) => {
                self.queries.pop().map(|(named, _)| named)
            }
            _ => None,
        };
        if let Some(named) = named
            && self.keys.skipped.len() < MOST
        {
            self.keys.skipped.push((named, Skipped::ByServer));
            self.asked = Asked::Other;
        }
    }

    /// `web1 ([192.0.2.7]:22) using "publickey".`
    pub(super) fn authenticated(&mut self, rest: &str) {
        // Before 8.7 the method stands in a line of its own.
        self.admitted_by = rest.rsplit('"').nth(1).map(str::to_owned).or(self.admitted_by.take());
        self.let_in();
    }

    /// `deploy@web1: Permission denied (publickey,password).`
    pub(super) fn denied(&mut self, line: &str) {
        let Some((who, list)) = line.split_once("Permission denied (") else { return };
        let Some((list, _)) = list.split_once(')') else { return };
        let names = |name: &&str| !name.is_empty();
        self.keys.denied = Some(list.split(',').filter(names).map(str::to_owned).collect());
        self.goes_on();
        // What quotes it or sets it apart is no part of the name.
        let who = who.trim_start_matches([' ', '\t', '>', '|', '`', '"', '\'', '*']).trim_end_matches(": ");
        // What runs ssh says so before it: `Failed to connect to the host via ssh: deploy@web1`.
        let who = who.rsplit(": ").next().unwrap_or(who);
        if let Some((user, host)) = who.rsplit_once('@')
            && !user.contains(' ')
        {
            self.way.user.get_or_insert_with(|| user.into());
            self.way.host.get_or_insert_with(|| host.into());
        }
    }

    /// `(deploy@web1) Verification code:`.
    pub(super) fn dialogue(&mut self, line: &str) {
        self.questions.dialogues = self.questions.dialogues.saturating_add(1);
        let Some((login, question)) = line.strip_prefix('(').and_then(|rest| rest.split_once(") ")) else { return };
        self.questions.dialogue = question.into();
        if let Some((user, host)) = login.rsplit_once('@') {
            self.way.user.get_or_insert_with(|| user.into());
            self.way.host.get_or_insert_with(|| host.into());
        }
    }

    pub(super) fn gssapi(&mut self, rest: &str) {
        if self.keys.gssapi.len() < MOST {
            self.keys.gssapi.push(rest.into());
        }
    }
}

/// `PATH TYPE SHA256:… explicit token agent`; the path may hold blanks. From 7.6 to 7.8 `TYPE SHA256:… PATH`. Where no
/// public half is known, `PATH ` and the flags.
fn identity(text: &str) -> Named {
    let mut words: Vec<&str> = text.split(' ').collect();
    let is_fingerprint = |word: &str| word.starts_with("SHA256:") || word.starts_with("MD5:");
    let Some(at) = words.iter().rposition(|word| is_fingerprint(word)) else {
        let (name, flags) = text.split_once("  ").unwrap_or((text, ""));
        let explicit = flags.split(' ').any(|flag| flag == "explicit");
        return Named { name: name.trim_end().into(), explicit, ..Named::default() };
    };
    if at == 1 {
        let (kind, fingerprint) = (words[0].to_owned(), words[1].into());
        return Named { name: words[2..].join(" ").into(), kind, fingerprint, ..Named::default() };
    }
    let flags = words.split_off(at + 1);
    let has = |flag: &str| flags.contains(&flag);
    let (token, agent, explicit) = (has("token"), has("agent"), has("explicit"));
    let fingerprint = words.pop().unwrap_or_default().into();
    let kind = words.pop().unwrap_or_default().to_owned();
    Named { name: words.join(" ").into(), kind, fingerprint, token, agent, explicit }
}
