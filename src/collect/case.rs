//! Saved cases: facts to and from JSON, versioned.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use crate::facts::account::Account;
use crate::facts::{Facts, Origin};
use crate::openssh::sshd;

/// The format that this version writes and reads.
pub const SCHEMA: &str = "sshdoctor-case/1";

/// The outer object of a saved case.
#[derive(Debug, Serialize, Deserialize)]
struct Case {
    schema: String,
    facts: Facts,
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
/// Where `text` is no JSON, is another schema, or lacks a field.
pub fn from_json(text: &str) -> anyhow::Result<Facts> {
    let case: Case = serde_json::from_str(text).context("not a saved case")?;
    ensure!(case.schema == SCHEMA, "schema {:?} is not {SCHEMA:?}", case.schema);
    Ok(case.facts)
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
