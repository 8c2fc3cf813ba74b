//! known_hosts files and RevokedHostKeys.
//!
//! Touches: reads UserKnownHostsFile, GlobalKnownHostsFile and RevokedHostKeys.

use crate::facts::host_key::KnownHosts;
use crate::facts::key::PublicKey;
use crate::facts::{Facts, Observed, Source};

/// Reads what the known_hosts files hold for the names of this server.
pub fn known(facts: &Facts) -> Observed<KnownHosts> {
    let _ = facts;
    Ok(KnownHosts::default())
}

/// Whether `RevokedHostKeys` names `key` (a text file of keys, or a KRL asked through ssh-keygen -Q).
pub fn revoked_by_file(facts: &Facts, key: &PublicKey) -> Observed<Option<Source>> {
    let _ = (facts, key);
    Ok(None)
}
