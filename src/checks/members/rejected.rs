//! The members of `signature-rejected`: what may stand behind a key that is accepted and a login that is refused.

use crate::facts::Facts;
use crate::openssh::course;

use super::super::{Alternative, Step, naming};
use super::{Suspects, log_command};

/// The members that an acceptance followed by a refusal (or a closed connection) allows.
pub(in crate::checks) fn members(facts: &Facts, closed: bool) -> Vec<Alternative> {
    let mut suspects = Suspects::default();
    let root = naming::user(facts) == "root";
    if closed {
        let nologin = ["unprivileged users are not permitted", "booting up", "going down", "nologin"];
        let expired = ["expired"];
        let said = |words: &[&str]| words.iter().find_map(|word| banner(facts, word));
        if let Some(banner) = said(&expired) {
            suspects.likely("server-account-expired", banner);
        }
        if let Some(banner) = said(&nologin) {
            suspects.likely("server-nologin-file", banner);
        }
        if root {
            // With forced-commands-only sshd closes where it would else refuse (monitor.c `monitor_child_preauth`); PAM's
            // account rules close for root as for everybody.
            suspects.hinted("server-root-login-disabled", "the account is root");
        }
        // Expiry and nologin say so in a banner; silence speaks for the rest of PAM.
        suspects.possible("server-pam-denied");
        suspects.possible("server-account-expired");
        suspects.possible("server-nologin-file");
        return suspects.alternatives(facts);
    }
    if root {
        suspects.likely("server-root-login-disabled", "the account is root");
    }
    let turns = course::course(facts).unwrap_or_default();
    let key = course::stopped(&turns).and_then(|(turn, _)| turn.offer.key.as_ref());
    if key.is_some_and(crate::facts::key::PublicKey::is_hardware) {
        suspects
            .likely("server-key-options-refuse", "the key is a hardware key: the server may demand a touch or a PIN");
    }
    if key.is_some_and(|key| key.plain_algorithm() == "ssh-rsa") {
        suspects.hinted("server-key-algorithm-refused", "the key is RSA, whose signatures crypto policies restrict");
    }
    suspects.possible("server-key-algorithm-refused");
    suspects.possible("server-key-options-refuse");
    // Another name for uid 0 is refused as root is (auth.c `auth_root_allowed`).
    suspects.possible("server-root-login-disabled");
    suspects.alternatives(facts)
}

/// A banner with `word` in it, in a sentence.
fn banner(facts: &Facts, word: &str) -> Option<String> {
    let has = |text: &&crate::facts::text::ServerText| {
        text.as_str().is_some_and(|text| text.to_ascii_lowercase().contains(word))
    };
    let text = facts.userauth.as_ref().ok()?.banners.iter().find(has)?;
    Some(format!("the server says: {}", text.shortened(200)))
}

/// What to type when an accepted key is refused at the signature.
pub(in crate::checks) fn commands(facts: &Facts) -> Vec<Step> {
    vec![Step::server_root(
        log_command(facts),
        "sshd's own words about this attempt; they name the rule that refused it",
    )]
}
