//! The identities, the agent, user authentication and the session, as a transcript states them.

use super::super::keys::{Skipped, Trouble};
use super::super::{Named, Transcript, Unsigned};
use super::{UNSEEN, by_fingerprint, wire_name};
use crate::facts::agent::{Agent, AgentAnswer, AgentKey, AgentSocket};
use crate::facts::authenticators::Authenticators;
use crate::facts::identities::{
    FileError, FileKind, FileStat, Identities, KeyFile, KeyFormat, Listed, PrivateFile, PublicFile,
};
use crate::facts::key::PublicKey;
use crate::facts::session::{ChannelOpen, Request, Session};
use crate::facts::text::{Path, ServerText};
use crate::facts::userauth::{
    Answer, Attempt, Attempted, Prompt, Query, Round, Signature, Signed, Signer, UNSEEN_METHOD, Userauth,
};
use crate::facts::{End, Facts, Footprint, Source, Ticket, Unobserved};
use crate::openssh::{git_hosts, tokens};

/// The first version that says of every agent whether it is there (sshconnect2.c `get_agent_identities`).
const AGENT_IS_NAMED: (u32, u32) = (8, 9);

/// What ssh's own library says of a passphrase that is not the key's (ssherr.c `SSH_ERR_KEY_WRONG_PASSPHRASE`).
const WRONG_PASSPHRASE: &str = "incorrect passphrase supplied to decrypt private key";

/// Puts what the transcript says of the login among the facts.
pub(super) fn state(facts: &mut Facts, seen: &Transcript) {
    let ended = seen.keys.denied.is_some() || seen.keys.exhausted || seen.end.is_some();
    if !seen.keys.gssapi.is_empty() {
        facts.run.kerberos_ticket = Some(Ticket::Missing);
    }
    // A password would be asked for, were the host key the known one.
    facts.run.terminal = seen.host.without_passwords
        || !seen.questions.nobody && seen.questions.password
        || seen.questions.passphrase
        || seen.questions.dialogues > 0
        || (!ended && !seen.questions.nobody);
    let reached =
        seen.service_accepted || seen.none.is_some() || seen.keys.denied.is_some() || seen.admitted_by.is_some();
    if !reached {
        unseen(facts, seen);
        return;
    }
    // Without a line of debugging nothing is known of what was offered.
    if seen.level > 0 && seen.none.is_some() || seen.admitted_by.is_some() {
        switches(facts, seen);
        facts.identities = Ok(identities(seen));
        agent(facts, seen);
    } else if !seen.queries.is_empty() || !seen.attempts.is_empty() || !seen.keys.skipped.is_empty() {
        // What became of a key is told, whatever came before it.
        facts.identities = Ok(identities(seen));
        agent(facts, seen);
    } else if !seen.inaccessible.is_empty() || seen.keys.troubles.iter().any(|(_, trouble)| speaks(trouble)) {
        // The warning comes unasked, and says that there was such a key.
        facts.identities = Ok(Identities { listed: None, ..identities(seen) });
    }
    userauth(facts, seen);
    session(facts, seen);
    let footprint = facts.footprint.get_or_insert_with(Footprint::default);
    footprint.connections = 1;
    footprint.auth_requests = seen.requests;
    footprint.auth_failures = seen.failures;
}

/// What messages tell that come behind a login of which nothing was read, or in its place.
fn unseen(facts: &mut Facts, seen: &Transcript) {
    let over = seen.host_key_refused || seen.way.failed.is_some() || seen.way.unresolved.is_some();
    if seen.level > 0 || over {
        return;
    }
    if !seen.inaccessible.is_empty() || seen.keys.troubles.iter().any(|(_, trouble)| speaks(trouble)) {
        facts.identities = Ok(Identities { listed: None, ..identities(seen) });
    }
    if is_inside(seen) {
        let admitted_by = Some(UNSEEN_METHOD.to_owned());
        facts.userauth = Ok(Userauth { service_accepted: true, admitted_by, ..Userauth::default() });
        if let Some(words) = &seen.repository_denied {
            let channel = Some(ChannelOpen::Confirmed);
            let (request, stderr) = (Request::Repository, words.clone());
            facts.session = Ok(Session { channel, request, stderr, ..Session::default() });
            return;
        }
        session(facts, seen);
    } else if is_cut(seen.end.as_ref()) || seen.turned_away.is_some() {
        let connections = vec![seen.end.clone()];
        let banners = seen.turned_away.iter().cloned().collect();
        facts.userauth = Ok(Userauth { service_accepted: true, connections, banners, ..Userauth::default() });
    }
}

/// Whether a message tells of a session where nothing tells of the login before it.
fn is_inside(seen: &Transcript) -> bool {
    let refused = matches!(seen.channel, Some(ChannelOpen::Refused { .. })) && !super::forwards(seen);
    seen.admitted_by.is_none() && seen.keys.denied.is_none() && !seen.stdio_failed && (seen.inside || refused)
}

/// Whether ssh says so of a key by itself, without having been asked to say more.
fn speaks(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::TooOpen(_) | Trouble::Unloadable(_))
}

/// What the methods that were tried, and those that were not, show of the client's configuration.
fn switches(facts: &mut Facts, seen: &Transcript) {
    // Of lines that somebody chose nobody knows which were left out: a key that was offered without a line of its method.
    let chosen = seen.keys.methods.is_empty() && !(seen.queries.is_empty() && seen.attempts.is_empty());
    let over = !chosen && (seen.keys.exhausted || seen.keys.denied.is_some());
    let listed = match &seen.none {
        Some(Answer::Failure { methods, .. }) => methods.as_slice(),
        _ => return,
    };
    let passed_by = |name: &str| {
        over && listed.iter().any(|method| method == name) && !seen.keys.methods.iter().any(|method| method == name)
    };
    let options = &mut facts.config.options;
    if passed_by("publickey") {
        options.set("pubkeyauthentication", "false");
    }
    let tried = |name: &str| seen.keys.methods.iter().any(|method| method == name);
    let questions = ["password", "keyboard-interactive"];
    if over
        && questions.iter().any(|name| listed.iter().any(|method| method == name))
        && !questions.iter().any(|name| tried(name))
        && !seen.host.without_passwords
    {
        // ssh goes to neither in batch mode, nor where they are switched off (sshconnect2.c `authmethods`).
        options.set("batchmode", "yes");
    }
    if tried("gssapi-with-mic") {
        options.set("gssapiauthentication", "yes");
    }
}

/// The key of an identity that ssh names.
fn key_of(named: &Named) -> PublicKey {
    let comment = if named.agent || named.fingerprint.is_empty() { named.name.as_bytes() } else { b"" };
    PublicKey { comment: comment.into(), ..by_fingerprint(wire_name(&named.kind), &named.fingerprint) }
}

fn identities(seen: &Transcript) -> Identities {
    let mut identities = Identities { token_trouble: seen.token_trouble.clone(), ..Identities::default() };
    let listed = listed(seen);
    let explicit = |path: &Path| {
        let named = |named: &&Named| named.name == *path && named.explicit;
        seen.keys.planned.iter().chain(seen.queries.iter().map(|(named, _)| named)).find(named).is_some()
    };
    let certificate = |path: &Path| path.as_bytes().ends_with(b"-cert") || path.as_bytes().ends_with(b"-cert.pub");
    let mut paths: Vec<Path> = Vec::new();
    let loaded = seen.keys.files.iter().map(|(path, _)| path).filter(|path| !certificate(path));
    let tried = seen.keys.tried.iter().chain(seen.keys.troubles.iter().map(|(path, _)| path));
    let named = listed.iter().filter_map(|identity| identity.path.as_ref());
    for path in loaded.chain(tried).chain(named) {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    identities.files = paths
        .into_iter()
        .map(|path| {
            let half = listed.iter().find(|row| row.path.as_ref() == Some(&path)).and_then(|row| row.key.clone());
            key_file(seen, path.clone(), explicit(&path), half.filter(|key| !key.is_certificate()))
        })
        .collect();
    for path in &seen.inaccessible {
        // ssh goes on as if it had not been named (ssh.c `main`).
        let mut file = key_file(seen, path.clone(), true, None);
        file.state = Err(FileError { errno: "ENOENT".to_owned(), at: None });
        identities.files.push(file);
    }
    if seen.keys.no_authenticator {
        let (provider, devices) = (Some("internal".into()), Ok(Vec::new()));
        identities.authenticators = Some(Authenticators { provider, library: None, devices, readers: Vec::new() });
    }
    identities.listed = Some(listed);
    identities
}

/// What ssh tries, in its order: as it announces it, or as it went.
fn listed(seen: &Transcript) -> Vec<Listed> {
    let is_file = |name: &Path| seen.keys.files.iter().any(|(path, _)| path == name);
    let passed_over = |named: &Named| {
        let is = |(skipped, _): &&(Named, Skipped)| {
            skipped.fingerprint == named.fingerprint && (!named.fingerprint.is_empty() || skipped.name == named.name)
        };
        let by_algorithm = |(_, why): &&(Named, Skipped)| matches!(why, Skipped::ByOption | Skipped::ByServer);
        seen.keys.skipped.iter().filter(by_algorithm).any(|skipped| is(&skipped))
    };
    let row = |named: &Named| {
        let left_out = passed_over(named);
        let known =
            left_out || !named.fingerprint.is_empty() || seen.queries.iter().any(|(query, _)| query.name == named.name);
        // Before 7.9 the list at -vv says whether the agent holds it; without that, what is no file is the agent's.
        let agent = named.agent
            || (known && !is_file(&named.name) && !named.token && !named.explicit && !seen.keys.files.is_empty());
        let named = seen
            .queries
            .iter()
            .map(|(query, _)| query)
            .find(|query| query.name == named.name && named.fingerprint.is_empty())
            .unwrap_or(named);
        Listed {
            key: known.then(|| key_of(&Named { agent, ..named.clone() })),
            path: Some(named.name.clone()).filter(|name| is_file(name) || (!agent && !named.token)),
            agent,
            token: named.token,
            passed_over: left_out,
        }
    };
    let mut rows: Vec<Listed> = seen.keys.planned.iter().map(row).collect();
    // Before 7.9, and where lines are missing, what was offered is what is known.
    let offered = seen.queries.iter().map(|(named, _)| named);
    for named in offered.chain(seen.keys.skipped.iter().map(|(named, _)| named)) {
        let next = row(named);
        let is_same = |known: &Listed| match (&known.key, &next.key) {
            (Some(known), Some(next)) => known.is_same(next),
            _ => known.path.is_some() && known.path == next.path,
        };
        let there = rows.iter_mut().find(|known| is_same(known));
        match there {
            Some(known) => known.passed_over |= next.passed_over,
            None => rows.push(next),
        }
    }
    for attempt in &seen.attempts {
        if let (None, Some(path)) = (attempt.query, &attempt.tried)
            && let Some(row) = rows.iter_mut().find(|row| row.path.as_ref() == Some(path))
        {
            row.key.get_or_insert_with(|| key_of_tried(attempt, path));
        } else if let (None, Some(path)) = (attempt.query, &attempt.tried) {
            let key = Some(key_of_tried(attempt, path));
            rows.push(Listed { key, path: Some(path.clone()), ..Listed::default() });
        }
    }
    rows
}

/// The key of a file that was signed with without being asked about, as ssh knew no public half.
fn key_of_tried(attempt: &super::super::Attempt, path: &Path) -> PublicKey {
    let fingerprint = attempt.fingerprint.clone().unwrap_or_default();
    let algorithm = crate::openssh::public_key::key_type_of_signature(&attempt.algorithm);
    PublicKey { comment: path.as_bytes().into(), ..by_fingerprint(algorithm, &fingerprint) }
}

fn key_file(seen: &Transcript, path: Path, explicit: bool, half: Option<PublicKey>) -> KeyFile {
    let unseen = |path: Path| PublicFile { path, state: Ok(FileStat::unseen()), key: None };
    let mut file = KeyFile {
        configured: path.as_bytes().into(),
        source: if explicit { Source::Command("ssh -v".to_owned()) } else { Source::Default },
        explicit,
        state: Ok(FileStat::unseen()),
        private: Err(UNSEEN),
        public: PublicFile { key: half, ..unseen(beside(&path, ".pub")) },
        certificate: unseen(beside(&path, "-cert.pub")),
        path,
    };
    let troubles = seen.keys.troubles.iter().filter(|(of, _)| *of == file.path).map(|(_, trouble)| trouble);
    let mut troubles: Vec<Trouble> = troubles.cloned().collect();
    if is_silently_unread(seen, &file) {
        troubles.push(Trouble::NoPassphrase);
    }
    let private =
        |format, encrypted| Ok(PrivateFile { format, encrypted, public: None, defects: Vec::new(), first_line: None });
    let is_public = file.path.as_bytes().ends_with(b".pub");
    for trouble in troubles {
        match trouble {
            Trouble::TooOpen(_) | Trouble::Unloadable(_) if is_public => {
                file.private = private(KeyFormat::PublicKey, None);
            }
            Trouble::Absent(errno) => file.state = Err(FileError { errno, at: None }),
            Trouble::TooOpen(mode) => {
                let mode = mode.unwrap_or(0o644);
                file.state = Ok(FileStat { kind: FileKind::Regular, mode, ..FileStat::unseen() });
            }
            Trouble::Unloadable(why) => match why.as_str() {
                "Permission denied" => file.private = Err(Unobserved::NotPermitted),
                "bad permissions" => {}
                why if why.contains("passphrase") => file.private = private(KeyFormat::OpenSsh, Some(true)),
                "No such file or directory" => file.state = Err(FileError { errno: "ENOENT".to_owned(), at: None }),
                "invalid format" | "error in libcrypto" => file.private = private(KeyFormat::Other, None),
                _ => {}
            },
            // A passphrase that was asked for was the right one where ssh went on to sign.
            Trouble::NoPassphrase if signs(seen, &file) => {}
            Trouble::NoPassphrase => file.private = private(KeyFormat::OpenSsh, Some(true)),
        }
    }
    file
}

/// Whether ssh was to sign with the file, and passed over it without a word: in batch mode, with a passphrase on it. At less
/// than -vvv one that is not there looks the same, where nobody named it (sshconnect2.c `load_identity_file`).
fn is_silently_unread(seen: &Transcript, file: &KeyFile) -> bool {
    let silent = |attempt: &super::super::Attempt| {
        let of = attempt.query.and_then(|at| seen.queries.get(at));
        attempt.sent == Err(Unsigned::Silently) && of.is_some_and(|(named, _)| named.name == file.path && !named.agent)
    };
    let over = seen.keys.exhausted || seen.keys.denied.is_some();
    let said = seen.keys.troubles.iter().any(|(of, _)| *of == file.path);
    over && !said && seen.attempts.iter().any(silent)
}

/// Whether ssh came as far as to sign with the file, whatever became of it.
fn signs(seen: &Transcript, file: &KeyFile) -> bool {
    let signed = |attempt: &super::super::Attempt| {
        let of = attempt.query.and_then(|at| seen.queries.get(at));
        attempt.sent != Err(Unsigned::Silently) && of.is_some_and(|(named, _)| named.name == file.path)
    };
    seen.attempts.iter().any(signed)
}

fn beside(path: &Path, suffix: &str) -> Path {
    Path::new([path.as_bytes(), suffix.as_bytes()].concat())
}

fn agent(facts: &mut Facts, seen: &Transcript) {
    let keys = &seen.keys;
    let held: Vec<AgentKey> = facts
        .identities
        .iter()
        .flat_map(|identities| identities.listed.iter().flatten())
        .filter(|row| row.agent)
        .filter_map(|row| Some(AgentKey { key: row.key.clone()? }))
        .collect();
    let socket = || {
        let path = keys.agent_path.clone().unwrap_or_default();
        Some(AgentSocket {
            forwarded: is_forwarded(&path),
            path,
            from: Source::Environment("SSH_AUTH_SOCK".to_owned()),
            link: None,
        })
    };
    let version = seen.version.as_deref().and_then(tokens::version);
    let answer = match (&keys.agent_trouble, keys.agent_count) {
        (Some(why), _) => match super::errno(why).as_str() {
            "communication with agent failed" => Ok(AgentAnswer::Closed),
            "agent refused operation" => Ok(AgentAnswer::Refused),
            name => Ok(AgentAnswer::Unreachable(name.to_owned())),
        },
        (None, Some(_)) => Ok(AgentAnswer::Lists(held)),
        (None, None) if !held.is_empty() => Ok(AgentAnswer::Lists(held)),
        (None, None) if version >= Some(AGENT_IS_NAMED) && !keys.planned.is_empty() => {
            let none =
                Agent { socket: None, answer: Err(Unobserved::NotAttempted), bound: Err(UNSEEN), locked: Err(UNSEEN) };
            facts.agent = Ok(none);
            return;
        }
        (None, None) => return,
    };
    facts.agent = Ok(Agent { socket: socket(), answer, bound: Err(UNSEEN), locked: Err(UNSEEN) });
}

/// Whether the socket is one that sshd makes for a forwarded agent (session.c `auth_input_request_forwarding`).
fn is_forwarded(path: &Path) -> bool {
    let text = path.to_string();
    (text.starts_with("/tmp/ssh-") && text.contains("/agent.")) || text.contains(".sshd.")
}

fn userauth(facts: &mut Facts, seen: &Transcript) {
    let mut userauth = Userauth {
        user: facts.target.as_ref().map(|target| target.user.clone()).unwrap_or_default(),
        service_accepted: true,
        none: seen.none.clone(),
        debug: seen.debug.clone(),
        extensions: seen.extensions.clone(),
        admitted_by: seen.admitted_by.clone(),
        ..Userauth::default()
    };
    if userauth.none.is_none()
        && let Some(methods) = &seen.keys.denied
    {
        userauth.none = Some(Answer::Failure { methods: methods.clone(), partial: false });
    }
    let rows = facts.identities.as_ref().ok().and_then(|identities| identities.listed.as_ref());
    let key = |named: &Named| {
        let rows = rows.into_iter().flatten();
        let mut keys = rows.filter_map(|row| Some((row, row.key.as_ref()?)));
        let plain = key_of(named);
        let is = |(row, known): &(&Listed, &PublicKey)| {
            known.is_same(&plain) || (plain.fingerprint.is_empty() && row.path.as_ref() == Some(&named.name))
        };
        keys.find(is).map_or(plain.clone(), |(_, known)| known.clone())
    };
    for (named, answer) in &seen.queries {
        let (key, answer) = (key(named), answer.clone().filter(|answer| *answer != Answer::Success));
        let algorithm = key.algorithm.clone();
        userauth.queries.push(Query { key, algorithm, offered_by_ssh: true, connection: 0, answer });
    }
    for attempt in &seen.attempts {
        signature(&mut userauth, seen, attempt, &key);
    }
    locked(&mut userauth, seen, &key);
    asked(&mut userauth, seen);
    let over = seen.keys.denied.is_some() || seen.admitted_by.is_some();
    userauth.connections.push(seen.end.clone().filter(|_| !over || is_cut(seen.end.as_ref())));
    facts.userauth = Ok(userauth);
}

/// The key whose passphrase was asked for and not given.
fn locked(userauth: &mut Userauth, seen: &Transcript, key: &dyn Fn(&Named) -> PublicKey) {
    if !seen.questions.passphrase || seen.questions.nobody || seen.keys.denied.is_none() {
        return;
    }
    let is_locked = |named: &Named| {
        let of = |(path, trouble): &(Path, Trouble)| *path == named.name && *trouble == Trouble::NoPassphrase;
        seen.keys.troubles.iter().any(of)
    };
    let accepted = seen.queries.iter().filter(|(_, answer)| *answer == Some(Answer::PkOk)).map(|(named, _)| named);
    for named in accepted.filter(|named| is_locked(named)) {
        let key = key(named);
        if !userauth.signatures.iter().any(|signature| signature.key.is_same(&key)) {
            let outcome = Signed::FileFailed(WRONG_PASSPHRASE.to_owned());
            let signer = Signer::File(named.name.clone());
            userauth.signatures.push(Signature { key, algorithm: String::new(), signer, outcome });
        }
    }
}

/// Whether the server ended it in its own words.
fn is_cut(end: Option<&End>) -> bool {
    matches!(end, Some(End::Disconnect { .. }))
}

/// Whether it ended it for too many failures.
fn is_for_failures(end: Option<&End>) -> bool {
    let Some(End::Disconnect { text, .. }) = end else { return false };
    text.as_str().is_some_and(|text| text.to_ascii_lowercase().contains("too many authentication failures"))
}

fn signature(
    userauth: &mut Userauth,
    seen: &Transcript,
    attempt: &super::super::Attempt,
    key: &dyn Fn(&Named) -> PublicKey,
) {
    let named = attempt.query.and_then(|at| seen.queries.get(at)).map(|(named, _)| named);
    let (key, signer) = match (named, &attempt.tried) {
        (Some(named), _) => {
            let signer = match (named.token, named.agent) {
                (true, false) => Signer::Token(named.name.clone()),
                (_, true) => Signer::Agent,
                _ => Signer::File(named.name.clone()),
            };
            (key(named), signer)
        }
        (None, Some(path)) => {
            // Signed without being asked first, so a refusal is no more than that.
            let key = key_of_tried(attempt, path);
            if let Some(answer @ Answer::Failure { .. }) = &attempt.answer {
                let (algorithm, answer) = (key.algorithm.clone(), Some(answer.clone()));
                userauth.queries.push(Query { key, algorithm, offered_by_ssh: true, connection: 0, answer });
                return;
            }
            (key, Signer::File(path.clone()))
        }
        (None, None) => return,
    };
    let outcome = match (&attempt.sent, &attempt.answer) {
        (Ok(()), Some(answer)) => Signed::Answered(answer.clone()),
        (Ok(()), None) => Signed::Unanswered,
        (Err(Unsigned::Agent), _) => Signed::AgentRefused,
        (Err(Unsigned::Pin), _) => Signed::PinNeeded,
        (Err(Unsigned::OtherKey), _) => Signed::OtherKey,
        (Err(Unsigned::WrongType), _) => Signed::WrongType("another algorithm".to_owned()),
        (Err(Unsigned::Failed(why)), _) => Signed::FileFailed(why.clone()),
        (Err(Unsigned::Silently), _) if seen.end.is_some() && seen.level < 3 && is_last(seen, attempt) => {
            Signed::Unanswered
        }
        // The file itself says why.
        (Err(Unsigned::Silently), _) => return,
    };
    userauth.signatures.push(Signature { key, algorithm: attempt.algorithm.clone(), signer, outcome });
}

/// Whether nothing came after the attempt, and nothing was said of its file.
fn is_last(seen: &Transcript, attempt: &super::super::Attempt) -> bool {
    let last = seen.queries.len().checked_sub(1);
    let named = attempt.query.and_then(|at| seen.queries.get(at)).map(|(named, _)| &named.name);
    attempt.query == last && !seen.keys.troubles.iter().any(|(path, _)| Some(path) == named)
}

/// What a person was asked, and what came of it.
fn asked(userauth: &mut Userauth, seen: &Transcript) {
    let methods = seen.keys.denied.clone().or_else(|| userauth.methods().map(<[String]>::to_vec)).unwrap_or_default();
    let failure = || Answer::Failure { methods: methods.clone(), partial: false };
    let questions = &seen.questions;
    if questions.change && seen.admitted_by.is_none() {
        let outcome = Attempted::ChangeDemanded("".into());
        userauth.attempts.push(Attempt { method: "password".to_owned(), rounds: Vec::new(), outcome });
        return;
    }
    // The last failure that the server hears may be answered by the end; another end answers nothing.
    let over = seen.keys.denied.is_some() || is_for_failures(seen.end.as_ref());
    let refused = questions.refused > 0 || (over && (questions.password_sent > 0 || questions.password));
    // Where ssh finds no terminal it sends an empty password (sshconnect2.c `userauth_passwd`).
    let seen_to_ask = questions.password || seen.level != 1;
    if refused && seen.admitted_by.is_none() && !questions.nobody && seen_to_ask && !seen.way.unseen_program {
        let outcome = Attempted::Answered(failure());
        userauth.attempts.push(Attempt { method: "password".to_owned(), rounds: Vec::new(), outcome });
    }
    let shown = questions.dialogues > 0 || (questions.dialogues_sent > 0 && questions.prompts > 0);
    if shown && seen.keys.denied.is_some() && !questions.nobody {
        let outcome = Attempted::Answered(failure());
        let prompt = Prompt { text: questions.dialogue.clone(), echo: false };
        let prompts = if questions.dialogues > 0 { vec![prompt] } else { Vec::new() };
        let rounds = vec![Round { count: 1, prompts, ..Round::default() }];
        userauth.attempts.push(Attempt { method: "keyboard-interactive".to_owned(), rounds, outcome });
    }
}

/// Whether the server's words about a key name a command (auth2-pubkeyfile.c `auth_log_authopts`).
fn is_bound(text: &ServerText) -> bool {
    let options = text.as_str().and_then(|text| text.split_once(" key options: "));
    options.is_some_and(|(_, options)| options.split(' ').any(|option| option == "command"))
}

/// The repository that git asked for and did not get.
fn repository(seen: &Transcript) -> Option<String> {
    let command = seen.command.as_ref().and_then(ServerText::as_str)?;
    let words = shlex::split(command)?;
    let [program, path] = words.as_slice() else { return None };
    let is_gits = matches!(program.as_str(), "git-upload-pack" | "git-receive-pack" | "git-upload-archive");
    (is_gits && seen.exit_status.is_some_and(|status| status != 0)).then(|| path.clone())
}

/// Puts what the server says of the repository among the facts; git's own words beside them say nothing of why.
fn repository_denied(facts: &mut Facts, seen: &Transcript, path: String) {
    let shown = String::from_utf8_lossy(&seen.shown);
    let is_gits = |line: &str| line.starts_with("fatal: Could not read") || line.starts_with("Please make sure you");
    let denies = |line: &&str| !is_gits(line) && git_hosts::denies(&line.to_lowercase());
    let words: Vec<&str> = shown.lines().filter(denies).collect();
    if words.is_empty() {
        facts.session = Err(UNSEEN);
        return;
    }
    if let Ok(target) = &mut facts.target {
        target.repository = Some(path.into());
    }
    facts.session = Ok(Session {
        channel: Some(ChannelOpen::Confirmed),
        request: Request::Repository,
        granted: seen.granted,
        stderr: words.join("\n").into(),
        exit_status: seen.exit_status,
        end: seen.end.clone(),
        ..Session::default()
    });
}

fn session(facts: &mut Facts, seen: &Transcript) {
    let inside = seen.level == 0 && is_inside(seen);
    if seen.admitted_by.is_none() && !inside {
        facts.session = Err(UNSEEN);
        return;
    }
    let stated = inside
        || seen.terminal.is_some()
        || seen.channel.is_some()
        || seen.granted.is_some()
        || seen.exit_status.is_some()
        || seen.end.is_some()
        || seen.no_sftp.is_some();
    // What a subsystem says is not shown, so why it ended is not known.
    let silent = seen.subsystem.is_some() && seen.exit_status.is_some_and(|status| status != 0);
    // But for what a shell says of a program that is not there.
    let missing =
        seen.exit_status == Some(127) && seen.subsystem.as_ref().is_some_and(|name| name.as_bytes() == b"sftp");
    if !stated || (silent && seen.no_sftp.is_none() && !missing) {
        facts.session = Err(UNSEEN);
        return;
    }
    // Of what SFTP says nothing is printed: that it came to a good end is all that is known of it.
    let good = seen.exit_status == Some(0) && seen.subsystem.is_some();
    if let Some(path) = repository(seen) {
        repository_denied(facts, seen, path);
        return;
    }
    let request = match (&seen.command, &seen.subsystem) {
        _ if good => Request::True,
        _ if seen.no_sftp.is_some() || missing => Request::Sftp,
        (None, None) if inside && !seen.shown.is_empty() => Request::Shell,
        (Some(command), _) if command.as_bytes() == b"true" => Request::True,
        (_, Some(_)) if seen.granted == Some(false) => Request::Sftp,
        // What another command ends with is its own affair.
        (Some(_), _) | (None, Some(_)) => Request::Nothing,
        // A key that is bound to a command gets no shell.
        (None, None) if seen.debug.iter().any(is_bound) => Request::Nothing,
        (None, None) if seen.terminal == Some(false) && seen.exit_status.is_none() => Request::Nothing,
        // A shell in which somebody worked ends with the status of the last command.
        (None, None) if seen.lasted => Request::Nothing,
        (None, None) => Request::Shell,
    };
    // What is said of a request in it tells that it was opened.
    let told = [seen.granted, seen.terminal].iter().any(Option::is_some) || seen.exit_status.is_some();
    let opened = seen.in_session || inside || told;
    facts.session = Ok(Session {
        channel: seen.channel.clone().or_else(|| opened.then_some(ChannelOpen::Confirmed)),
        request,
        granted: seen.granted,
        terminal: seen.terminal,
        stdout: ServerText::new(match seen.no_sftp {
            _ if good => Vec::new(),
            Some(bytes) => bytes.to_vec(),
            None => seen.shown.clone(),
        }),
        exit_status: seen.exit_status.filter(|_| request != Request::Nothing),
        end: seen.end.clone(),
        ..Session::default()
    });
}
