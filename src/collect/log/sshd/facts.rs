//! From a login in sshd's log to facts, and whether it is the login that a client saw.

use super::choice::{Chosen, What};
use super::login::Login;
use crate::collect::transcript::nothing;
use crate::facts::account::{Account, Collector, Log as ServerLog, Login as OfAccount};
use crate::facts::log::{Log, Part};
use crate::facts::text::{Host, Path, ServerText};
use crate::facts::{Facts, Moment, Observed, Origin, Target, Unobserved, UserFrom};
use crate::openssh::sshd::log::words::said;
use crate::openssh::sshd::log::{Entry, stamps::Clock, taken_apart};

/// The port of sshd where no line names one.
const PORT: u16 = 22;

/// The part of the file that is of this login.
fn part(login: &Login, files: &[Path]) -> Part {
    Part {
        file: files.get(login.file).cloned().unwrap_or_default(),
        first: login.first,
        last: login.last,
        what: ServerText::new(format!("sshd's log: {}", login.words()).into_bytes()),
        ..Part::default()
    }
}

/// The server's side as far as the lines of a login show it. `newest`: when the log's newest line was written.
fn account(login: &Login, file: &Path, newest: Option<i64>, clock: Clock) -> Account {
    let at = moment(newest.or(login.ended).unwrap_or(clock.now), clock.offset_seconds);
    Account {
        collector: Collector { at, host: Host::from(login.host.as_str()), ..Collector::default() },
        login: OfAccount {
            user: login.user.as_deref().unwrap_or_default().into(),
            from: login.from.as_deref().map(Into::into),
            from_named: login.from.is_some(),
            passwd: Err(Unobserved::NotInThisSource),
            shadow: Err(Unobserved::NotInThisSource),
            effective: Err(Unobserved::NotInThisSource),
            ..OfAccount::default()
        },
        log: Ok(ServerLog {
            source: file.clone(),
            lines: login.lines.iter().map(|line| ServerText::from(line.as_str())).collect(),
            cut: false,
            alone: true,
        }),
        ..Account::default()
    }
}

/// The facts of what was chosen, where only sshd's log is there. `known`: what was read, the logins left out.
pub(in crate::collect::log) fn of_server(chosen: Chosen, known: Log) -> Facts {
    let (others_count, several) = (chosen.others_count, chosen.several);
    let mut log = Log { others_count, several, noise: texts(chosen.noise), ..known };
    log.others = texts(chosen.others);
    let newest = chosen.newest;
    let clock = chosen.clock;
    let What::Login(login) = chosen.what else {
        let observed_at = moment(newest.unwrap_or(clock.now), clock.offset_seconds);
        return Facts { observed_at, log: Some(Box::new(log)), ..nothing() };
    };
    log.server = Some(part(&login, &log.files));
    let file = log.files.get(login.file).cloned().unwrap_or_default();
    let account = account(&login, &file, newest, clock);
    let observed_at = account.collector.at.clone();
    let target = target(&login, clock);
    Facts { observed_at, target, account: Ok(Box::new(account)), log: Some(Box::new(log)), ..nothing() }
}

fn texts(texts: Vec<String>) -> Vec<ServerText> {
    texts.into_iter().map(ServerText::from).collect()
}

/// The login that is meant, where a line names the account.
fn target(login: &Login, clock: Clock) -> Observed<Target> {
    let Some(user) = &login.user else { return Err(Unobserved::NotInThisSource) };
    let (address, port) = served_at(login, clock).unwrap_or_default();
    let host = if login.host.is_empty() { address } else { login.host.clone() };
    let host = if host.is_empty() { "server".to_owned() } else { host };
    Ok(Target {
        input: format!("{user}@{host}").as_str().into(),
        alias: host.as_str().into(),
        user: user.as_str().into(),
        user_from: UserFrom::CommandLine,
        host: host.as_str().into(),
        port: if port == 0 { PORT } else { port },
        program: "ssh".to_owned(),
        ..Target::default()
    })
}

/// The lines of a login, taken apart.
fn entries(login: &Login, clock: Clock) -> impl Iterator<Item = Entry<'_>> {
    login.lines.iter().filter_map(move |line| taken_apart(line, clock))
}

/// The server's own address and port: `Connection from … on 192.0.2.7 port 22` (sshd-session.c `main`).
fn served_at(login: &Login, clock: Clock) -> Option<(String, u16)> {
    entries(login, clock).find_map(|entry| {
        let said = said(entry.text).filter(|said| said.begins)?;
        let (address, rest) = said.rest.split_once(" port ")?;
        Some((address.to_owned(), rest.split(' ').next()?.parse().ok()?))
    })
}

/// Whether what a client saw and what sshd logged can be of one login: nothing that both name differs, and something is
/// the same. Then whether it is the same client for certain, by its address or a key.
fn belongs(client: &Facts, login: &Login, clock: Clock) -> Option<bool> {
    let target = client.target.as_ref().ok()?;
    // sshd has no word about a client that did not reach it.
    if client.connect.as_ref().is_ok_and(|connect| !connect.attempts.is_empty() && connect.established().is_none()) {
        return None;
    }
    if login.user.as_ref().is_some_and(|user| *user != target.user.to_string()) {
        return None;
    }
    let mut alike = login.user.is_some();
    let mut linked = false;
    if let Some((address, port)) = served_at(login, clock) {
        if target.port != port {
            return None;
        }
        if let Ok(connect) = &client.connect
            && let Some(dialled) = connect.established()
        {
            // A translation of addresses may lie between.
            alike |= dialled.to_string() == address;
        }
    }
    if let Ok(connect) = &client.connect
        && let (Some(local), Some(from)) = (&connect.local_address, &login.from)
    {
        linked |= local.to_string() == *from;
    }
    let shown = fingerprints(login, clock);
    if let Ok(userauth) = &client.userauth
        && !shown.is_empty()
        && !userauth.queries.is_empty()
    {
        let offered = |print: &String| userauth.queries.iter().any(|query| query.key.fingerprint.to_string() == *print);
        if !shown.iter().all(offered) {
            return None;
        }
        linked = true;
    }
    (alike || linked).then_some(linked)
}

/// The fingerprints of the keys of which sshd says that they failed or were taken.
fn fingerprints(login: &Login, clock: Clock) -> Vec<String> {
    let of = |entry: Entry<'_>| {
        let said = said(entry.text).filter(|said| said.method == "publickey")?;
        said.rest.split([' ', ',']).find(|word| word.starts_with("SHA256:")).map(str::to_owned)
    };
    entries(login, clock).filter_map(of).collect()
}

/// Adds what sshd logged to what the client saw, where it is of the same login; else it is told as another one.
pub(in crate::collect::log) fn beside(client: &mut Facts, chosen: Chosen) {
    let Some(mut log) = client.log.take() else { return };
    log.others_count += chosen.others_count;
    log.noise = texts(chosen.noise);
    if let What::Login(login) = chosen.what {
        if let Some(linked) = belongs(client, &login, chosen.clock) {
            log.linked = linked;
            log.server = Some(part(&login, &log.files));
            let file = log.files.get(login.file).cloned().unwrap_or_default();
            client.account = Ok(Box::new(account(&login, &file, chosen.newest, chosen.clock)));
            client.origin = Origin::Joined;
        } else {
            log.others_count += 1;
            log.others.push(ServerText::new(login.words()));
        }
    }
    client.log = Some(log);
}

/// A time as it is written.
fn moment(unix_seconds: i64, offset_seconds: i64) -> Moment {
    let offset = i32::try_from(offset_seconds).ok().and_then(|offset| jiff::tz::Offset::from_seconds(offset).ok());
    let time = jiff::Timestamp::from_second(unix_seconds).unwrap_or_default();
    let zoned = time.to_zoned(offset.unwrap_or(jiff::tz::Offset::UTC).to_time_zone());
    Moment { unix_seconds, local: zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string() }
}
