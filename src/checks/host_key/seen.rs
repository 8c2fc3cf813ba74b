//! What is seen of a host key, in sentences: the key that was met, the lines that name another, how ssh is told to take it.

use super::MOST_LINES;
use crate::checks::{Certainty, Finding};
use crate::facts::host_key::KnownHost;
use crate::facts::key::PublicKey;
use crate::facts::text::escape;
use crate::facts::{Facts, Stage, Unobserved};
use crate::openssh::known_hosts::{self, Standing, Strict};
use crate::openssh::prompts;

/// A key by type and fingerprint.
pub(super) fn name_of(key: &PublicKey) -> String {
    let algorithm = key.plain_algorithm();
    match (algorithm.is_empty(), printed(key)) {
        (true, None) => "a host key that is not printed".to_owned(),
        (_, fingerprint) => {
            let fingerprint = fingerprint.map(|fingerprint| format!(" {fingerprint}")).unwrap_or_default();
            format!("the host key {}{fingerprint}", escape(algorithm.as_bytes()))
        }
    }
}

/// The key's fingerprint; `None` where a transcript does not print it.
pub(super) fn printed(key: &PublicKey) -> Option<String> {
    let fingerprint = key.fingerprint.to_string();
    (fingerprint.starts_with("SHA256:") || fingerprint.starts_with("MD5:")).then_some(fingerprint)
}

/// What the server did with the key. ssh looks at its files before it verifies the signature (kexgen.c
/// `input_kex_gen_reply`), so that a transcript which ends there shows no proof.
pub(super) fn holds(facts: &Facts, key: &str) -> String {
    let ended = facts.is_read() && facts.userauth == Err(Unobserved::NotReached(Stage::HostKey));
    if ended { format!("the server sends {key}") } else { format!("the server proved to hold {key}") }
}

/// A host certificate that ssh does not take, where its own words are all that was read. That the plain key is another than
/// the known one, or revoked, it would have said too.
pub(super) fn refused_certificate(facts: &Facts) -> Option<Finding> {
    let refused = facts.host_key.refused_certificate.as_ref()?;
    let worse = matches!(known_hosts::standing(facts), Some(Standing::Changed(_) | Standing::Revoked));
    if worse || facts.userauth != Err(Unobserved::NotReached(Stage::HostKey)) {
        return None;
    }
    let why = refused.why.shortened(200);
    let summary = format!("ssh does not accept the server's host certificate ({why}), and knows no plain key for it");
    let certainty = if refused.shown.is_some() { Certainty::Proven } else { Certainty::Likely };
    let mut finding = Finding::new(certainty, summary).seen(format!("ssh says: Certificate invalid: {why}"));
    finding.evidence.extend(refused.shown.as_ref().map(|shown| format!("the certificate: {}", shown.shortened(400))));
    finding.evidence.extend(strictness(facts));
    Some(finding)
}

/// How ssh is told to take a key that is not known, and whether somebody can be asked; `None` where a paste does not show it.
pub(super) fn strictness(facts: &Facts) -> Option<String> {
    let setting = match facts.config.options.first("stricthostkeychecking") {
        None if facts.is_read() => return None,
        setting => setting.unwrap_or("ask"),
    };
    let nobody = match known_hosts::strict(&facts.config.options) {
        Strict::Ask if facts.config.options.is_yes("batchmode") => ", and BatchMode forbids to ask",
        Strict::Ask if !prompts::can_be_asked(facts) => ", and there is no terminal to ask at",
        _ => "",
    };
    Some(format!("StrictHostKeyChecking is {}{nobody}", escape(setting.as_bytes())))
}

/// The last of these lines, what each holds; a transcript may name none of them.
pub(super) fn shown(lines: &[KnownHost]) -> Vec<String> {
    let is_printed = |line: &&KnownHost| !line.key.algorithm.is_empty() || printed(&line.key).is_some();
    let words = |line: &KnownHost| {
        let fingerprint = printed(&line.key).map(|fingerprint| format!(" {fingerprint}")).unwrap_or_default();
        format!("{}: {}{fingerprint}", line.at, escape(line.key.algorithm.as_bytes()))
    };
    lines.iter().rev().take(MOST_LINES).filter(is_printed).map(words).collect()
}
