//! The installed ssh's own word, where the probe cannot make the login that it would make: `ssh -vvv`, run once.
//!
//! Touches: runs ssh for the user's own login (openssh/opinion.rs says with which options), which connects, authenticates
//! and runs `true`, or opens no session; it reads the user's files and asks the agent as any ssh does. Its transcript goes
//! into a pipe (`-E`), apart from what the server sends to be shown. The process group is ended with the run.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::Waiting;
use super::config::program::{self, Group, capped};
use super::proxy::processes::Orphans;
use super::transcript::{Named, Transcript, Unsigned, by_fingerprint, wire_name};
use crate::facts::config::{Complaint, ComplaintKind};
use crate::facts::host_key::{Elsewhere, OfferedHostKey};
use crate::facts::key::PublicKey;
use crate::facts::opinion::Opinion;
use crate::facts::session::{Request, Session};
use crate::facts::text::ServerText;
use crate::facts::userauth::{Answer, Query, Signature, Signed, Signer, Userauth};
use crate::facts::{End, Facts, Footprint, Source, Stage, Unobserved};
use crate::openssh::arguments::Arguments;
use crate::openssh::course::accepted_algorithms;
use crate::openssh::identities::is_type_accepted;
use crate::openssh::{methods, opinion};

/// How long ssh may take; an agent or a token may be waiting for its owner.
const LIMIT: Duration = Duration::from_secs(20);
/// What is left of the run for the report, where the run's own limit comes first.
const RESERVE: Duration = Duration::from_millis(500);
/// How much of the transcript is read.
const LONGEST: usize = 4 << 20;
/// How much of what the server has to say is kept.
const SHOWN: usize = 4096;
/// How long ssh may take to end once it has said its last word.
const END_LIMIT: Duration = Duration::from_secs(1);
/// How long what it wrote is still read once it has ended.
const REST: Duration = Duration::from_millis(200);

/// What a run of ssh came to.
struct Ended {
    transcript: Transcript,
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Asks ssh where it has more to say than the probe has seen, and puts what it states among the facts.
pub(crate) async fn ask(arguments: &Arguments, facts: &mut Facts, deadline: Instant, waiting: &Waiting<'_>) {
    // Where one public key is asked about, what ssh would do with others is not the question.
    let Some(because) = opinion::wanted(facts).filter(|_| facts.run.limits.offer.is_none()) else { return };
    if !facts.run.limits.login {
        let why = format!("{because}; ssh itself would log in and was not asked (--no-login)");
        facts.opinion = Err(Unobserved::Failed(why));
        return;
    }
    let (Ok(ssh), Some(run)) = (&facts.config.ssh, opinion::run(facts, arguments)) else {
        facts.opinion = Err(Unobserved::Failed(format!("{because}; ssh itself could not be asked")));
        return;
    };
    let ssh = ssh.path.clone();
    let command = opinion::shown(&ssh.to_string(), &run).into();
    facts.opinion = Err(Unobserved::TimedOut);
    let deadline = deadline.checked_sub(RESERVE).unwrap_or(deadline).min(Instant::now() + LIMIT);
    waiting("the installed ssh (it may be asking the agent's owner)");
    // ssh itself leaves what its ProxyCommand started to init.
    let proxied = facts.connect.as_ref().is_ok_and(|connect| connect.proxy.is_some());
    let orphans = proxied.then(Orphans::taken_in);
    let ended = start(&ssh.to_path_buf(), &run, deadline).await;
    drop(orphans);
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            facts.opinion = Err(Unobserved::Failed(format!("{because}; {ssh}: {error}")));
            return;
        }
    };
    facts.opinion = Ok(Opinion {
        because,
        command,
        status: ended.status,
        said: ended.transcript.said.clone(),
        lines: ended.transcript.lines,
        unknown: ended.transcript.unknown,
        answered: ended.transcript.none.is_some() || ended.transcript.admitted_by.is_some(),
    });
    state(facts, ended, run.ends);
}

/// Runs ssh and reads what it says, until it ends, has said enough, or the time is up.
async fn start(ssh: &Path, run: &opinion::Run, deadline: Instant) -> io::Result<Ended> {
    // ssh opens the file of `-E` for writing and reads nothing from its standard input (`-n`), so the pipe's writing end
    // stands there: the transcript stays apart from what the server sends to be shown.
    let (reader, writer) = io::pipe()?;
    let setsid = run.detached.then(|| program::find_named("setsid")).flatten();
    let mut command = match &setsid {
        Some(setsid) => {
            let mut command = Command::new(setsid);
            command.arg(ssh);
            command
        }
        None => Command::new(ssh),
    };
    if run.detached && setsid.is_none() {
        // ssh could ask at the terminal.
        command.args(["-o", "BatchMode=yes"]);
    }
    command.args(["-E", "/dev/stdin"]).args(&run.words);
    command.stdin(Stdio::from(writer)).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.env("SSH_ASKPASS_REQUIRE", "never").env_remove("SSH_ASKPASS");
    if setsid.is_none() {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    // The writing end that is left here would keep the pipe open.
    drop(command);
    let group = Group::of(&child);
    let mut transcript = Transcript::default();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut log = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let read = async {
        let mut buffer = vec![0; 16 * 1024];
        let mut whole = 0;
        let mut over = None;
        loop {
            // What its ProxyCommand leaves behind may keep the pipe open.
            let count = tokio::select! {
                biased;
                count = log.read(&mut buffer) => count,
                _ = child.wait(), if over.is_none() => {
                    over = Some(Instant::now() + REST);
                    continue;
                }
                () = sleep_until(over.unwrap_or(deadline)), if over.is_some() => return,
            };
            let Ok(count @ 1..) = count else { return };
            transcript.feed(&buffer[..count]);
            whole += count;
            if whole > LONGEST || (!run.ends && transcript.in_session) {
                return;
            }
        }
    };
    let shown = async { tokio::join!(capped(stdout, SHOWN), capped(stderr, SHOWN)) };
    let shown = tokio::spawn(shown);
    let said_all = timeout_at(deadline, read).await.is_ok();
    let mut status = None;
    if said_all && run.ends {
        status = timeout(END_LIMIT, child.wait()).await.ok().and_then(Result::ok).and_then(|status| status.code());
    }
    match status {
        Some(_) => group.ended(),
        None => drop(group),
    }
    let (stdout, stderr) = timeout(END_LIMIT, shown).await.ok().and_then(Result::ok).unwrap_or_default();
    Ok(Ended { transcript, status, stdout, stderr })
}

/// Puts what ssh stated among the facts of each stage.
fn state(facts: &mut Facts, ended: Ended, with_session: bool) {
    let Ended { transcript: seen, status, stdout, stderr } = ended;
    let before = facts.userauth.as_ref().map_or(0, |userauth| userauth.queries.len());
    cost(facts, &seen);
    if let Some(complaint) = command_complaint(facts, &seen) {
        facts.config.complaint = Some(complaint);
        return;
    }
    transport(facts, &seen);
    host_key(facts, &seen);
    if !seen.has_keys {
        let stage = if seen.host_key.is_some() { Stage::HostKey } else { Stage::Transport };
        settle(facts, &Unobserved::NotReached(stage));
        return;
    }
    token(facts, &seen);
    agent(facts, &seen);
    userauth(facts, &seen, status);
    let fresh = facts.userauth.as_ref().map_or(0, |userauth| userauth.queries.len()).saturating_sub(before);
    if let Some(footprint) = &mut facts.footprint {
        footprint.public_keys_disclosed += u32::try_from(fresh).unwrap_or(u32::MAX);
    }
    if seen.admitted_by.is_none() {
        if facts.session.is_err() {
            facts.session = Err(Unobserved::NotReached(Stage::Auth));
        }
    } else if with_session {
        facts.session = Ok(Session {
            channel: seen.channel,
            request: if seen.command_sent { Request::True } else { Request::Nothing },
            granted: seen.granted,
            stdout: ServerText::new(stdout),
            stderr: ServerText::new(stderr),
            exit_status: seen.exit_status,
            end: seen.end.or_else(|| status.is_none().then_some(End::TimedOut)),
            ..Session::default()
        });
    } else {
        facts.session = Err(Unobserved::NotAttempted);
    }
}

/// What was not reached, where the probe did not reach it either.
fn settle(facts: &mut Facts, why: &Unobserved) {
    if facts.userauth.is_err() {
        facts.userauth = Err(why.clone());
    }
    if facts.session.is_err() {
        facts.session = Err(why.clone());
    }
}

fn cost(facts: &mut Facts, seen: &Transcript) {
    // Through a program ssh says nothing of a connection.
    if !seen.connected && seen.identification.is_none() {
        return;
    }
    let footprint = facts.footprint.get_or_insert_with(Footprint::default);
    footprint.connections += 1;
    footprint.auth_requests += seen.requests;
    footprint.auth_failures += seen.failures;
    footprint.commands_run += u32::from(seen.command_sent);
}

/// ssh ends where `KnownHostsCommand` fails, whatever the files hold (hostfile.c, sshconnect.c `load_hostkeys_command`).
fn command_complaint(facts: &Facts, seen: &Transcript) -> Option<Complaint> {
    if seen.command_failed.is_empty() || seen.has_keys {
        return None;
    }
    let value = facts.config.options.first("knownhostscommand")?;
    Some(Complaint {
        kind: ComplaintKind::Other,
        at: Source::Command("ssh -vvv".to_owned()),
        line: Some(format!("knownhostscommand {value}").into()),
        said: seen.command_failed.clone(),
    })
}

fn transport(facts: &mut Facts, seen: &Transcript) {
    let Ok(transport) = &mut facts.transport else { return };
    if transport.complete {
        return;
    }
    if transport.identification.is_none() {
        transport.identification.clone_from(&seen.identification);
    }
    if !seen.agreed.kex.is_empty() && seen.host_key.is_some() {
        transport.agreed = Some(seen.agreed.clone());
    }
    if seen.has_keys || seen.host_key.is_some() {
        transport.complete = true;
        transport.end = None;
    }
}

fn host_key(facts: &mut Facts, seen: &Transcript) {
    if facts.host_key.offered.is_err()
        && let Some((kind, fingerprint)) = &seen.host_key
    {
        let known = facts.host_key.known.as_ref().ok();
        let line = known.and_then(|known| known.entries.iter().find(|entry| entry.key.fingerprint == *fingerprint));
        let key = line.map_or_else(|| by_fingerprint(kind, fingerprint), |line| line.key.clone());
        let algorithm = seen.agreed.host_key.clone();
        let revoked_by_file = Err(Unobserved::NotInThisSource);
        facts.host_key.offered = Ok(OfferedHostKey { algorithm, key, revoked_by_file });
    }
    if seen.host_key.is_none() {
        return;
    }
    let beyond = |at: &Option<ServerText>| {
        let text = at.as_ref()?.as_str()?;
        text.starts_with("KnownHostsCommand").then(|| Source::Command("KnownHostsCommand".to_owned()))
    };
    let elsewhere = if let Some(at) = beyond(&seen.found_in) {
        Elsewhere::Matches(at)
    } else if let Some(at) = beyond(&seen.offending_in) {
        Elsewhere::Differs(at)
    } else if seen.found_in_dns && seen.has_keys {
        Elsewhere::Matches(Source::Command("VerifyHostKeyDNS".to_owned()))
    } else {
        Elsewhere::Nothing
    };
    if crate::openssh::known_hosts::asks_elsewhere(facts).is_some() {
        facts.host_key.elsewhere = Ok(elsewhere);
    }
}

/// The token's keys, which only ssh lists.
fn token(facts: &mut Facts, seen: &Transcript) {
    let keys = seen.attempted.iter().filter(|named| named.token && !named.agent);
    let keys: Vec<PublicKey> = keys.map(|named| by_fingerprint(wire_name(&named.kind), &named.fingerprint)).collect();
    let wanted = methods::pkcs11_provider(&facts.config.options).is_some();
    if let Ok(identities) = &mut facts.identities {
        identities.token_trouble = seen.token_trouble.clone().filter(|_| wanted && keys.is_empty());
        identities.token = keys;
    }
}

/// The keys that the agent shows to this session, as far as ssh's list tells them: it is bound to it before it lists
/// (authfd.c `ssh_agent_bind_hostkey`).
fn agent(facts: &mut Facts, seen: &Transcript) {
    let options = &facts.config.options;
    let (only, accepted) = (options.is_yes("identitiesonly"), accepted_algorithms(options));
    let Ok(agent) = &mut facts.agent else { return };
    if agent.bound.is_ok() || seen.attempted.is_empty() {
        return;
    }
    let shown = |key: &PublicKey| {
        let mut rows = seen.attempted.iter().filter(|named| named.fingerprint == key.fingerprint).peekable();
        match rows.peek() {
            // ssh lists no key twice, and no certificate's key in its place.
            Some(_) => key.is_certificate() || rows.any(|named| named.agent),
            None => only || !is_type_accepted(key, &accepted),
        }
    };
    agent.bound = Ok(agent.unbound().iter().filter(|held| shown(&held.key)).cloned().collect());
}

fn userauth(facts: &mut Facts, seen: &Transcript, status: Option<i32>) {
    let find = |named: &Named| known_key(facts, named);
    let keys: Vec<PublicKey> = seen.queries.iter().map(|(named, _)| find(named)).collect();
    let provider = methods::pkcs11_provider(&facts.config.options).map(crate::facts::text::Path::from);
    let user = facts.target.as_ref().map(|target| target.user.clone()).unwrap_or_default();
    let identities = facts.identities.clone();
    if facts.userauth.is_err() {
        facts.userauth = Ok(Userauth { user, ..Userauth::default() });
    }
    let Ok(userauth) = &mut facts.userauth else { return };
    let connection = userauth.connections.len();
    userauth.service_accepted |= seen.service_accepted;
    userauth.none = userauth.none.take().or_else(|| seen.none.clone());
    userauth.admitted_by.clone_from(&seen.admitted_by);
    userauth.debug.extend(seen.debug.iter().cloned());
    userauth.extensions.extend(seen.extensions.iter().cloned());
    for (key, (named, answer)) in keys.iter().zip(&seen.queries) {
        let algorithm = key.algorithm.clone();
        let answer = answer.clone().filter(|answer| *answer != Answer::Success);
        // What the probe was answered stands; only what it did not ask is new.
        if userauth.answer(key).is_none() || named.token {
            userauth.queries.push(Query { key: key.clone(), algorithm, offered_by_ssh: true, connection, answer });
        }
    }
    for attempt in &seen.attempts {
        let by_query = attempt.query.and_then(|at| Some((keys.get(at)?, &seen.queries.get(at)?.0)));
        let Some((key, named)) = by_query else { continue };
        let file = || {
            let files = identities.as_ref().ok().map(|identities| identities.files.as_slice()).unwrap_or_default();
            let same = files.iter().find(|file| file.public_half().is_some_and(|half| half.is_same(key)));
            same.map_or_else(|| named.name.clone(), |file| file.path.clone())
        };
        let signer = match (named.token, named.agent) {
            (true, false) => Signer::Token(provider.clone().unwrap_or_default()),
            (_, true) => Signer::Agent,
            _ => Signer::File(file()),
        };
        let outcome = match (&attempt.sent, &attempt.answer) {
            (Ok(()), Some(answer)) => Signed::Answered(answer.clone()),
            (Ok(()), None) => Signed::Unanswered,
            (Err(Unsigned::Agent), _) => Signed::AgentRefused,
            (Err(Unsigned::Pin), _) => Signed::PinNeeded,
            (Err(Unsigned::Failed(why)), _) => Signed::FileFailed(why.clone()),
            (Err(Unsigned::OtherKey), _) => Signed::OtherKey,
            (Err(Unsigned::WrongType), _) => Signed::WrongType("another algorithm".to_owned()),
            // It was ended while it waited for whoever signs.
            (Err(Unsigned::Silently), _) if status.is_none() => match signer {
                Signer::Agent => Signed::AgentSilent,
                _ => Signed::Begun,
            },
            // The file itself says why.
            (Err(Unsigned::Silently), _) => continue,
        };
        userauth.signatures.push(Signature { key: key.clone(), algorithm: attempt.algorithm.clone(), signer, outcome });
    }
    userauth.connections.push(seen.end.clone());
}

/// The key that ssh names, as it is known here, or by type and fingerprint alone.
fn known_key(facts: &Facts, named: &Named) -> PublicKey {
    let certificate = named.kind.ends_with("-CERT");
    let offers = crate::openssh::identities::offers(facts);
    let same = offers
        .into_iter()
        .filter_map(|offer| offer.key)
        .find(|key| key.fingerprint == named.fingerprint && key.is_certificate() == certificate);
    same.unwrap_or_else(|| by_fingerprint(wire_name(&named.kind), &named.fingerprint))
}
