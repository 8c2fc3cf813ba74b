//! Saved cases: facts to and from JSON, versioned.
//!
//! Touches: the files that are named, to read them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, anyhow, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::account::Account;
use crate::facts::agent::Agent;
use crate::facts::key::PublicKey;
use crate::facts::text::{Path, User, escape};
use crate::facts::{Facts, Origin, Redacted};
use crate::openssh::sshd;
use crate::redact;

/// The format that this version writes and reads.
pub const SCHEMA: &str = "sshdoctor-case/1";

/// The largest case that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// What tells whether it is a case at all.
#[derive(Debug, Deserialize)]
struct Head {
    schema: Option<String>,
}

/// The outer object of a saved case.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Case {
    schema: String,
    facts: Facts,
}

/// The JSON Schema of a saved case (draft 2020-12), with a line feed at its end.
///
/// # Errors
/// Where serde_json refuses, which it does for no value of this type.
pub fn schema() -> anyhow::Result<String> {
    let schema = schemars::schema_for!(Case);
    Ok(serde_json::to_string_pretty(&schema).context("a schema could not be written as JSON")? + "\n")
}

/// The saved form of `facts`.
///
/// # Errors
/// Where serde_json refuses, which it does for no value of this type.
pub fn to_json(facts: &Facts) -> anyhow::Result<String> {
    let case = Case { schema: SCHEMA.to_owned(), facts: facts.clone() };
    serde_json::to_string_pretty(&case).context("a case could not be written as JSON")
}

/// The facts in a saved case.
///
/// # Errors
/// Where `text` is no JSON, is another schema, or lacks a field; a sentence with the line.
pub fn from_json(text: &str) -> anyhow::Result<Facts> {
    ensure!(!text.trim().is_empty(), "it is empty");
    let head: Head = serde_json::from_str(text).context("it is no saved case: no JSON object")?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some("sshdoctor-report/1") => bail!("it is a report; what `--save` wrote is a case"),
        Some(other) if other.starts_with("sshdoctor-case/") => {
            let other = escape(other.as_bytes());
            bail!("another version of sshdoctor saved it ({other}); this one reads {SCHEMA}")
        }
        _ => bail!("it is no saved case: its \"schema\" is not {SCHEMA:?}"),
    }
    let case: Case = serde_json::from_str(text).context("it is a saved case that was cut or edited")?;
    Ok(case.facts)
}

/// The facts of these files: one case, or a client's and a server's half of one login, in any order. `-` is standard input.
///
/// # Errors
/// Where a file cannot be read or is no case, or the two do not speak of the same login; a sentence that names the file.
pub fn read(files: &[OsString]) -> anyhow::Result<Facts> {
    match files {
        [one] => one_of(one),
        [first, second] => {
            let (first, second) = (one_of(first)?, one_of(second)?);
            let of_server = |facts: &Facts| facts.origin == Origin::Server;
            let (mut client, server) = match (of_server(&first), of_server(&second)) {
                (false, true) => (first, second),
                (true, false) => (second, first),
                (servers, _) => {
                    let half = if servers { "the server's" } else { "a client's" };
                    bail!("both cases are {half}: name one of a client and one of its server")
                }
            };
            ensure!(client.target.is_ok(), "the client's case is a check-up: it is about no login");
            let mut account = server.account.map_err(|why| anyhow!("the server's case shows nothing: {why}"))?;
            match (&client.redacted, &server.redacted) {
                (None, None) => {}
                (Some(one), Some(other)) if one.map.is_some() && one.map == other.map => {}
                (Some(_), Some(_)) => {
                    *account = redacted_apart(&client, &account).map_err(|sentence| {
                        anyhow!("the two cannot be joined: they were redacted apart, and {sentence}")
                    })?;
                    client.redacted = Some(Redacted::default());
                }
                _ => bail!(
                    "the two cannot be joined: one is redacted and the other is not. Redact both with one --redact-map"
                ),
            }
            named_alike(&client, &account).map_err(|sentence| anyhow!("the two cannot be joined: {sentence}"))?;
            join(&mut client, *account).map_err(|sentence| anyhow!("the two cannot be joined: {sentence}"))?;
            Ok(client)
        }
        _ => bail!("one case is judged, or a client's and a server's half together"),
    }
}

/// Whether the two halves are of one machine by its name, where no host key shows it.
fn named_alike(client: &Facts, account: &Account) -> Result<(), String> {
    let Ok(target) = &client.target else { return Ok(()) };
    if client.host_key.offered.is_ok() {
        return Ok(());
    }
    let first = |name: &[u8]| {
        let label = name.split(|byte| *byte == b'.').next().unwrap_or_default();
        label.to_ascii_lowercase()
    };
    let here = first(account.collector.host.as_bytes());
    let alike = [&target.host, &target.alias].into_iter().any(|name| first(name.as_bytes()) == here);
    let (host, other) = (&target.host, &account.collector.host);
    if alike { Ok(()) } else { Err(format!("the client saw no host key, and {host} need not be {other}")) }
}

/// The server's half with the client's pseudonym for the account, where both were redacted each for itself: only keys have
/// the same pseudonyms in both.
fn redacted_apart(client: &Facts, account: &Account) -> Result<Account, String> {
    let with = "one --redact-map for both makes them comparable";
    let of_host = client.host_key.offered.as_ref().map(|offered| sshd::has_host_key(&account.sshd, &offered.key));
    if of_host != Ok(Some(true)) {
        return Err(format!("no host key shows that they are of one machine; {with}"));
    }
    let files = client.identities.as_ref().ok();
    let of_files = files.into_iter().flat_map(|identities| &identities.files);
    let of_files = of_files.flat_map(|file| [file.public_half(), file.certificate.key.as_ref()]).flatten();
    let of_agent = client.agent.as_ref().ok().into_iter().flat_map(Agent::keys);
    let shown = client.userauth.as_ref().ok().into_iter().flat_map(|userauth| &userauth.queries);
    let shown = shown.map(|query| &query.key);
    let keys: Vec<&PublicKey> = of_files.chain(of_agent.map(|held| &held.key)).chain(shown).collect();
    if keys.iter().any(|key| key.is_certificate()) {
        return Err(format!("the names in a certificate cannot be compared; {with}"));
    }
    let Ok(target) = &client.target else { return Err("the client's is about no login".to_owned()) };
    // Well-known accounts have no pseudonym.
    let hidden = |name: &User| name.as_str().is_some_and(|name| name.to_ascii_lowercase().starts_with("user-"));
    let user = &account.login.user;
    let (theirs, ours) = (user.to_string(), target.user.to_string());
    let log = account.log.as_ref().ok();
    let mut lines = log.into_iter().flat_map(|log| &log.lines).map(ToString::to_string);
    let logged = lines.any(|line| {
        let of_account = line.split_whitespace().any(|word| word == theirs);
        of_account && keys.iter().any(|key| key.fingerprint.as_str().is_some_and(|known| line.ends_with(known)))
    });
    let mut asked = account.asked.iter().chain(&account.collector.key);
    let asked = asked.any(|asked| keys.iter().any(|key| key.fingerprint == asked.fingerprint));
    if hidden(user) && hidden(&target.user) && !logged && !asked {
        return Err(format!("no key shows that they are about one account; {with}"));
    }
    let same = if hidden(user) && hidden(&target.user) { vec![(theirs, ours)] } else { Vec::new() };
    let mut account = redact::apart(account, &same).map_err(|error| error.to_string())?;
    account.login.from_named = false;
    Ok(account)
}

/// The facts of one file.
fn one_of(file: &OsStr) -> anyhow::Result<Facts> {
    let name = if file == "-" { "standard input".to_owned() } else { Path::from_path(file.as_ref()).to_string() };
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes)
    } else {
        // A pipe that nobody fills is waited for, as by any program.
        File::open(file).and_then(|opened| opened.take(MOST_BYTES + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| name.clone())?;
    ensure!(bytes.len() as u64 <= MOST_BYTES, "{name}: it is larger than {} MiB, which no case is", MOST_BYTES >> 20);
    let text = str::from_utf8(&bytes).with_context(|| format!("{name}: it is no saved case: no UTF-8"))?;
    from_json(text.strip_prefix('\u{feff}').unwrap_or(text)).with_context(|| name.clone())
}

/// Joins what a server's side showed with what the client saw of the same login.
///
/// # Errors
/// A sentence where the two do not speak of the same login: another account, or another machine by its host keys.
pub fn join(client: &mut Facts, mut account: Account) -> Result<(), String> {
    if let Ok(target) = &client.target
        && account.collector.complete
        && account.login.user != target.user
    {
        return Err(format!("it is about {}, not about {}", account.login.user, target.user));
    }
    if let Ok(offered) = &client.host_key.offered
        && sshd::has_host_key(&account.sshd, &offered.key) == Some(false)
    {
        let host = &account.collector.host;
        let key = &offered.key;
        return Err(format!(
            "none of the host keys of {host} is the one that answered ({} {}): another machine, it seems",
            key.plain_algorithm(),
            key.fingerprint
        ));
    }
    // What it sees of the admin's login is this client's address only where no translation lies between.
    let ours = client.connect.as_ref().ok().and_then(|connect| connect.local_address.as_ref());
    account.login.from_named &= account.login.from.as_ref() == ours;
    client.account = Ok(Box::new(account));
    client.origin = Origin::Joined;
    Ok(())
}
