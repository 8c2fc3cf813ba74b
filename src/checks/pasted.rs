//! Lists that were pasted without a word about whose they are: the modes of files, options, what an agent holds. They prove
//! nothing, and speak for what they would mean on the machine of this login.

use crate::facts::log::{Pasted, PastedPart};
use crate::facts::text::escape;
use crate::facts::{Facts, Target};

use super::{Alternative, Certainty, Decide, Finding, Place, naming, quoted};

/// Others than its owner may use it.
const NOT_PRIVATE: u32 = 0o077;
/// Others than its owner may write it.
const WRITABLE: u32 = 0o022;
/// Only the owner of a file may remove it, whoever may write the folder.
const STICKY: u32 = 0o1000;

/// The causes that what was pasted speaks for, each once.
pub fn alternatives(facts: &Facts) -> Vec<Alternative> {
    let mut told: Vec<Alternative> = Vec::new();
    for line in facts.log.iter().flat_map(|log| &log.pasted) {
        let Some((cause, certainty, why)) = meaning(line) else { continue };
        let what = what(line);
        let seen = format!("{}: {what}", line.at);
        let summary = format!("{what}: {why}");
        match told.iter_mut().find(|known| known.cause == cause) {
            Some(known) => known.evidence.push(seen),
            None => told.push(Alternative {
                cause,
                certainty,
                summary,
                evidence: vec![seen],
                decide: Some(decide(facts, cause)),
            }),
        }
    }
    told
}

/// The finding, with those of its alternatives first that what was pasted speaks for.
pub fn informed(facts: &Facts, mut finding: Finding) -> Finding {
    for told in alternatives(facts) {
        if let Some(known) = finding.alternatives.iter_mut().find(|known| known.cause == told.cause) {
            known.certainty = known.certainty.min(told.certainty);
            known.summary = told.summary;
            known.evidence.extend(told.evidence);
        }
    }
    if let Some((cause, seen)) = super::account::log::alone::told_elsewhere(facts)
        && let Some(at) = finding.alternatives.iter().position(|known| known.cause == cause)
    {
        let mut known = finding.alternatives.remove(at);
        known.evidence.extend(seen);
        finding.alternatives.insert(0, known);
    }
    finding.or([])
}

/// What a line shows.
fn what(line: &Pasted) -> String {
    match &line.part {
        PastedPart::NoKeys => "the agent holds no key".to_owned(),
        PastedPart::Complaint(words) => words.shortened(200),
        PastedPart::File { path, mode } => format!("{path} has mode {mode:04o}"),
        PastedPart::Option { keyword, value } => format!("{keyword} {}", escape(value.as_bytes())),
    }
}

/// What a line would mean for the login, where it is of the machine that counts: the cause, how much speaks for it, and why.
fn meaning(line: &Pasted) -> Option<(&'static str, Certainty, &'static str)> {
    match &line.part {
        PastedPart::NoKeys => Some(("no-identities", Certainty::Likely, "without a key file ssh has nothing to offer")),
        PastedPart::Complaint(_) => {
            Some(("server-config-invalid", Certainty::Likely, "sshd does not start with this, nor reads it anew"))
        }
        PastedPart::File { path, mode } => of_file(path.as_bytes(), *mode),
        PastedPart::Option { keyword, value } => of_option(keyword, &escape(value.as_bytes())),
    }
}

/// OpenSSH authfile.c `sshkey_perm_ok`, misc.c `safe_path`.
fn of_file(path: &[u8], mode: u32) -> Option<(&'static str, Certainty, &'static str)> {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    if name.ends_with(b".pub") {
        return None;
    }
    if name.starts_with(b"id_") || name.ends_with(b".pem") {
        let why = "ssh ignores a private key that others may access";
        return (mode & NOT_PRIVATE != 0).then_some(("key-file-permissions", Certainty::Likely, why));
    }
    let of_home = [&b"/home/"[..], b"/root", b"/Users/"].iter().any(|folder| path.starts_with(folder));
    let of_keys = [&b"authorized_keys"[..], b".ssh"].contains(&name) || [&b"/"[..], b"/home"].contains(&path);
    let why = "others may write there, and with StrictModes sshd reads no keys from below it";
    let is_open = (of_home || of_keys) && mode & WRITABLE != 0 && mode & STICKY == 0;
    is_open.then_some(("server-strict-modes", Certainty::Likely, why))
}

/// sshd_config(5) and ssh_config(5).
fn of_option(keyword: &str, value: &str) -> Option<(&'static str, Certainty, &'static str)> {
    use Certainty::{Likely, Possible};
    let is_default = [".ssh/authorized_keys", "%h/.ssh/authorized_keys"].iter().any(|path| value.starts_with(path));
    Some(match (keyword, value) {
        ("pubkeyauthentication", "no") => ("server-pubkey-disabled", Likely, "sshd takes no keys"),
        ("pubkeyauthentication", "false") => ("pubkey-disabled-by-client", Likely, "ssh offers this host no keys"),
        ("identitiesonly", "yes") => {
            ("identities-only-hides-key", Possible, "of the agent's keys ssh offers those that an IdentityFile names")
        }
        ("permitrootlogin", "no") => ("server-root-login-disabled", Possible, "root cannot log in"),
        ("allowusers" | "denyusers" | "allowgroups" | "denygroups", _) => {
            ("server-user-not-allowed", Possible, "not every account may log in")
        }
        ("authenticationmethods", value) if value != "any" => {
            ("server-auth-methods", Possible, "a login needs all that one of these lists names")
        }
        ("authorizedkeysfile", _) if !is_default => {
            ("server-authorized-keys-elsewhere", Possible, "sshd reads the keys there, not in ~/.ssh")
        }
        _ => return None,
    })
}

/// The command that decides.
fn decide(facts: &Facts, cause: &str) -> Decide {
    if !cause.starts_with("server-") {
        return Decide { place: Place::Client, command: format!("sshdoctor {}", naming::destination(facts)) };
    }
    if cause == "server-config-invalid" {
        return Decide { place: Place::Server, command: "sshd -t".to_owned() };
    }
    let user = facts.target.as_ref().map(|Target { user, .. }| user.to_string()).unwrap_or_default();
    let user = if user.is_empty() { "USER".to_owned() } else { quoted(&user) };
    Decide { place: Place::Server, command: format!("sshdoctor server {user}") }
}
