//! Is the server the one that this client knows? (sshconnect.c `verify_host_key`, `check_host_key`; revocation is in
//! `host_key/revoked.rs`)

mod looked_up;
mod revoked;
mod seen;

use looked_up::{looked_at, not_understood};
use revoked::{HOST_KEY_REVOKED, REVOKED_HOST_KEYS_UNREADABLE};
use seen::{holds, name_of, printed, shown, strictness};

use super::{Blocks, Cause, Certainty, Check, Finding, Fix, Outcome, Place, Status, Step, naming, quoted};
use crate::facts::host_key::{KnownHost, Marker, OfferedHostKey};
use crate::facts::identities::{FileKind, FileState};
use crate::facts::key::{CertificateKind, PublicKey};
use crate::facts::text::{Path, escape};
use crate::facts::{Facts, Observed, Source, Stage, Unobserved, known};
use crate::openssh::course::{self, Fate, Use};
use crate::openssh::known_hosts::{self, Course, Standing, Strict};
use crate::openssh::prompts;

/// Check `host-key`.
pub const HOST_KEY: Check = Check {
    id: "host-key",
    stage: Stage::HostKey,
    claim: "the server's host key is the one that this client knows",
    causes: &[
        &HOST_KEY_REVOKED,
        &REVOKED_HOST_KEYS_UNREADABLE,
        &HOST_KEY_CHANGED,
        &HOST_CERTIFICATE_INVALID,
        &HOST_KEY_UNKNOWN,
    ],
    holds: is_trusted,
    rules_out: &[("host-key-changed", matched), ("host-key-changed", super::log::answered_as_known)],
};

/// The most lines of known_hosts that are shown.
const MOST_LINES: usize = 8;

/// What ssh makes of the key where it does not stop.
fn is_trusted(facts: &Facts) -> Observed<Outcome> {
    let offered = known(&facts.host_key.offered)?;
    known(&facts.host_key.known)?;
    let Some(standing) = known_hosts::standing(facts) else { return Err(Unobserved::NotAttempted) };
    let (key, course) = (name_of(&offered.key), known_hosts::course(facts));
    if let Some(seen) = matched(facts)
        && course == Course::GoOn
    {
        return Ok(match not_understood(facts) {
            Some(lines) => Outcome::warn(format!("{seen}; {lines}")),
            None => Outcome::pass(seen),
        }
        .with(looked_at(facts)));
    }
    let evidence = looked_at(facts);
    if course == Course::Stop {
        let summary = if known_hosts::is_too_small(&facts.config.options, &offered.key) {
            format!("{key} is shorter than RequiredRSASize, so ssh refuses it")
        } else {
            format!("ssh does not go on with {key}")
        };
        return Ok(Outcome { status: Status::Fail, ..Outcome::info(summary) }.with(evidence));
    }
    if known_hosts::is_exempt(facts) {
        let summary = format!("NoHostAuthenticationForLocalhost makes ssh take any key of this machine, here {key}");
        return Ok(Outcome::info(summary).with(evidence));
    }
    let outcome = match (standing, course) {
        (Standing::Match(_), _) => {
            format!("the address is known with another key than {key}; ssh will ask whether to go on")
        }
        (Standing::Unknown | Standing::BadCertificate(_), Course::Ask) => {
            format!("{key} is not known yet; ssh will ask whether it is right")
        }
        (Standing::Unknown | Standing::BadCertificate(_), _) => {
            let setting = if known_hosts::strict(&facts.config.options) == Strict::Off { "no" } else { "accept-new" };
            format!("{key} is not known yet; ssh takes it unseen (StrictHostKeyChecking {setting})")
        }
        (Standing::Changed(_), _) => {
            format!("{key} is not the one in known_hosts; with StrictHostKeyChecking no, ssh goes on without passwords")
        }
        (Standing::Revoked, _) => {
            format!("{key} is revoked; with StrictHostKeyChecking no, ssh goes on without passwords")
        }
    };
    Ok(Outcome::warn(outcome).with(evidence))
}

/// That the key is the known one, as an observation.
fn matched(facts: &Facts) -> Option<String> {
    let offered = facts.host_key.offered.as_ref().ok()?;
    let Some(Standing::Match(line)) = known_hosts::standing(facts) else { return None };
    if !known_hosts::address_conflict(facts).is_empty() {
        return None;
    }
    Some(match (&offered.key.certificate, line.marker) {
        (Some(certificate), Marker::CertAuthority) => {
            format!("the host certificate is signed by {}, a CA that {} trusts", certificate.ca, line.at)
        }
        _ => format!("{} matches {}", name_of(&offered.key), line.at),
    })
}

/// The files in which a key is found say nothing about what ssh learns elsewhere.
fn certainty(facts: &Facts) -> Certainty {
    match known_hosts::asks_elsewhere(facts) {
        Some(_) => Certainty::Possible,
        None => Certainty::Proven,
    }
}

/// The key that was met, where ssh stops because of it.
fn stopped(facts: &Facts) -> Observed<Option<(&OfferedHostKey, Standing)>> {
    let offered = known(&facts.host_key.offered)?;
    known(&facts.host_key.known)?;
    let standing = known_hosts::standing(facts);
    Ok(standing.filter(|_| known_hosts::course(facts) == Course::Stop).map(|standing| (offered, standing)))
}

/// What shows the fingerprint on the server itself, away from the network that may be lying.
pub(super) fn compare(facts: &Facts) -> Option<Step> {
    let offered = facts.host_key.offered.as_ref().ok()?;
    let kind = match offered.key.plain_algorithm().as_str() {
        "ssh-ed25519" => "ed25519",
        "ssh-rsa" => "rsa",
        "ssh-dss" => "dsa",
        name if name.starts_with("ecdsa-") => "ecdsa",
        _ => return None,
    };
    let identification = facts.transport.as_ref().ok().and_then(|transport| transport.identification.as_ref());
    let is_dropbear = identification.is_some_and(|text| text.to_string().contains("dropbear"));
    let command = match (is_dropbear, kind) {
        (true, "dsa") => "dropbearkey -y -f /etc/dropbear/dropbear_dss_host_key".to_owned(),
        (true, kind) => format!("dropbearkey -y -f /etc/dropbear/dropbear_{kind}_host_key"),
        (false, kind) => format!("ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub"),
    };
    let only = match printed(&offered.key) {
        Some(fingerprint) => format!("go on only if it is {fingerprint}"),
        None => "go on only if it is the one that ssh shows".to_owned(),
    };
    let why = format!("prints the host key's fingerprint, typed at the server's own console; {only}");
    Some(Step { place: Place::Server, root: false, command: Some(command), why })
}

/// The line that makes the key known, appended to the user's first file. Where only its fingerprint was seen, ssh itself
/// is to ask about it.
fn remember(facts: &Facts) -> Option<Step> {
    let (offered, known) = (facts.host_key.offered.as_ref().ok()?, facts.host_key.known.as_ref().ok()?);
    if offered.key.blob.0.is_empty() && !known_hosts::remembers_nothing(&facts.config.options) {
        let destination = naming::destination_without(facts, &["batchmode", "stricthostkeychecking"]);
        let met =
            printed(&offered.key).map(|fingerprint| format!("; {fingerprint} is the one met")).unwrap_or_default();
        let why =
            format!("at a terminal: paste the fingerprint that you saw on the server's console where it asks{met}");
        return Some(Step::here(format!("ssh -o StrictHostKeyChecking=ask {destination}"), why));
    }
    // What is no regular file (/dev/null) remembers nothing.
    let remembers = |state: &FileState| match state {
        Ok(stat) => stat.kind == FileKind::Regular,
        Err(error) => error.is_missing(),
    };
    let file = known.files.iter().find(|file| !file.global && remembers(&file.state))?;
    let key = plain(&offered.key);
    let line = format!("{} {} {}", known.names.first()?, escape(key.algorithm.as_bytes()), key.blob.base64());
    let mut command = format!("printf '%s\\n' {} >> {}", quoted(&line), word(&file.path));
    if let (Err(_), Some((folder, _))) = (&file.state, file.path.to_string().rsplit_once('/'))
        && !folder.is_empty()
    {
        command = format!("mkdir -p -m 700 {} && {command}", quoted(folder));
    }
    Some(Step::here(command, "makes exactly this key known, once the fingerprints are the same"))
}

/// A path as one word of a command.
fn word(path: &Path) -> String {
    quoted(&path.to_string())
}

/// The plain key of a certificate, or the key itself.
fn plain(key: &PublicKey) -> PublicKey {
    let Some(certificate) = &key.certificate else { return key.clone() };
    PublicKey { algorithm: key.plain_algorithm(), blob: certificate.key.clone(), certificate: None, ..key.clone() }
}

/// Makes the key that was met the known one, in place of `replaced`, and what ssh did not reach unseen.
fn know_the_key(facts: &mut Facts, replaced: &[KnownHost]) {
    let Ok(offered) = &facts.host_key.offered else { return };
    let key = plain(&offered.key);
    if let Ok(known) = &mut facts.host_key.known {
        known.entries.retain(|entry| !replaced.contains(entry));
        let path = known.files.iter().find(|file| !file.global).map(|file| file.path.clone()).unwrap_or_default();
        for name in known.names.clone() {
            let at = Source::File { path: path.clone(), line: None };
            known.entries.push(KnownHost { at, marker: Marker::None, name, hashed: false, key: key.clone() });
        }
    }
    forget_what_ssh_did_not_reach(facts);
}

/// What was not seen because ssh would have stopped is now merely unseen; what was seen all the same stays.
fn forget_what_ssh_did_not_reach(facts: &mut Facts) {
    if facts.userauth.is_err() {
        facts.userauth = Err(Unobserved::NotAttempted);
    }
    if facts.session.is_err() {
        facts.session = Err(Unobserved::NotAttempted);
    }
}

const HOST_KEY_CHANGED: Cause = Cause {
    id: "host-key-changed",
    title: "the server's host key is not the one that this client knows",
    blocks: Blocks::HostKey,
    place: Place::Client,
    doc: "known_hosts has a key for this name, and the server proved to hold another one. The server was reinstalled, the \
        name or address now leads to another machine, or somebody stands between. ssh stops (\"REMOTE HOST \
        IDENTIFICATION HAS CHANGED\"), and so it should until the new key has been compared.\n\n\
        A key of another type counts as changed as well, where no line holds the one that was met. With CheckHostIP the \
        address is compared too. Proved by the lines of known_hosts and the key in the server's signed answer.",
    prevent: "Keep host keys over a reinstallation, sign them with a CA (@cert-authority), or publish new fingerprints \
        before users meet them.",
    fix: Fix { commands: exchange_the_key, mend: exchange_in_facts },
    see: &[
        "sshconnect.c check_host_key",
        "hostfile.c check_hostkeys_by_key_or_type",
        "ssh-keygen(1) -R",
        "RFC 4251 section 4.1",
    ],
    judge: host_key_changed,
};

fn host_key_changed(facts: &Facts) -> Observed<Option<Finding>> {
    let Some((offered, standing)) = stopped(facts)? else { return Ok(closes_passwords(facts)) };
    if known_hosts::unreadable_revocation(facts).is_some()
        || known_hosts::is_too_small(&facts.config.options, &offered.key)
    {
        return Ok(None);
    }
    let lines = match standing {
        Standing::Changed(lines) => lines,
        Standing::Revoked => return Ok(None),
        _ if would_go_on_by_name(facts) => known_hosts::address_conflict(facts),
        _ => return Ok(None),
    };
    let Some(last) = lines.last() else { return Ok(None) };
    let key = name_of(&offered.key);
    let same_type = lines.iter().any(|line| line.key.algorithm == offered.key.plain_algorithm());
    let summary = if same_type {
        format!("the host key of {} is not the one known here: another server, or somebody between", last.name)
    } else {
        format!("the host key of {} is of another type than the one known here, which counts as changed", last.name)
    };
    let mut finding = Finding::new(certainty(facts), summary).seen(holds(facts, &key));
    finding.evidence.extend(shown(&lines));
    finding.evidence.extend(strictness(facts));
    finding.evidence.extend(known_hosts::asks_elsewhere(facts).map(|option| format!("{option} was not asked here")));
    Ok(Some(finding))
}

/// Where ssh goes on with a changed key, but gives no password for it, and a password is what the login needs.
fn closes_passwords(facts: &Facts) -> Option<Finding> {
    let Some(Standing::Changed(lines)) = known_hosts::standing(facts) else { return None };
    let (offered, userauth) = (facts.host_key.offered.as_ref().ok()?, facts.userauth.as_ref().ok()?);
    let turns = course::course(facts).ok()?;
    let after_a_key = super::userauth::demanded(&turns).map(|(_, methods)| methods);
    let methods = after_a_key.or_else(|| userauth.methods())?;
    let key_is_good =
        matches!(course::good(&turns), Some(turn) if !matches!(turn.fate, Fate::Accepted(Use::Partial(_))));
    let would_ask = super::auth_methods::question_open(facts, methods) && prompts::secrets_can_be_asked(facts);
    if userauth.succeeded() || key_is_good || !would_ask || !known_hosts::is_without_passwords(facts) {
        return None;
    }
    let key = name_of(&offered.key);
    let summary = format!("{key} is not the one in known_hosts, so ssh gives this server no password");
    let mut finding = Finding::new(certainty(facts), summary).at(Blocks::Finished);
    finding.evidence.extend(shown(&lines));
    finding.evidence.extend(strictness(facts));
    Some(finding.seen(format!("the server takes: {}", escape(methods.join(", ").as_bytes()))))
}

/// Whether only the address keeps ssh from going on.
fn would_go_on_by_name(facts: &Facts) -> bool {
    let mut without = facts.clone();
    without.config.options.set("checkhostip", "no");
    if let Ok(known) = &mut without.host_key.known {
        let conflict = known_hosts::address_conflict(facts);
        known.entries.retain(|entry| !conflict.contains(entry));
    }
    known_hosts::course(&without) != Course::Stop
}

/// The lines that stand against the key that was met.
fn offending(facts: &Facts) -> Vec<KnownHost> {
    match known_hosts::standing(facts) {
        Some(Standing::Changed(lines)) => lines,
        _ => known_hosts::address_conflict(facts),
    }
}

fn exchange_the_key(facts: &Facts) -> Vec<Step> {
    let Ok(offered) = &facts.host_key.offered else { return Vec::new() };
    let mut steps: Vec<Step> = compare(facts).into_iter().collect();
    if steps.is_empty() {
        steps.push(Step::person(
            Place::Server,
            "have its host key's fingerprint told by someone who can see it there, and compare",
        ));
    }
    let lines = offending(facts);
    // Where only the type differs, the old line may still be right; it is left in place, unless ssh is to ask.
    let unseen = offered.key.blob.0.is_empty();
    let same_type: Vec<&KnownHost> =
        lines.iter().filter(|line| unseen || line.key.algorithm == offered.key.plain_algorithm()).collect();
    let mut done: Vec<(Path, String)> = Vec::new();
    for line in same_type {
        let Source::File { path, .. } = &line.at else { continue };
        let name = line.name.to_string();
        if done.contains(&(path.clone(), name.clone())) {
            continue;
        }
        let global = facts
            .host_key
            .known
            .as_ref()
            .is_ok_and(|known| known.files.iter().any(|file| file.global && &file.path == path));
        let command = format!("ssh-keygen -f {} -R {}", word(path), quoted(&name));
        steps.push(Step {
            root: global,
            ..Step::here(command, "removes the old key of this name, once the fingerprints are the same")
        });
        done.push((path.clone(), name));
    }
    steps.extend(remember(facts));
    steps
}

fn exchange_in_facts(facts: &mut Facts) {
    let lines = offending(facts);
    know_the_key(facts, &lines);
}

const HOST_CERTIFICATE_INVALID: Cause = Cause {
    id: "host-certificate-invalid",
    title: "the server's host certificate does not hold",
    blocks: Blocks::HostKey,
    place: Place::Server,
    doc: "The server proves its identity with a certificate, and known_hosts trusts a CA for this name, but the \
        certificate has expired, is not valid yet, is for other host names, or is signed by another CA. The plain key in it \
        is not known either.\n\n\
        Proved by the certificate's own words, the @cert-authority lines, and the time on this machine.",
    prevent: "Renew host certificates by a timer, with every name under which the host is reached.",
    fix: Fix { commands: sign_again, mend: trust_the_certificate },
    see: &["sshkey.c sshkey_cert_check_host", "ssh-keygen(1) CERTIFICATES", "sshd_config(5) HostCertificate"],
    judge: host_certificate_invalid,
};

fn host_certificate_invalid(facts: &Facts) -> Observed<Option<Finding>> {
    if let Some(finding) = seen::refused_certificate(facts) {
        return Ok(Some(finding));
    }
    let Some((offered, Standing::BadCertificate(reason))) = stopped(facts)? else { return Ok(None) };
    if known_hosts::unreadable_revocation(facts).is_some()
        || known_hosts::is_too_small(&facts.config.options, &offered.key)
    {
        return Ok(None);
    }
    let Some(certificate) = &offered.key.certificate else { return Ok(None) };
    let principals: Vec<String> =
        certificate.principals.iter().take(MOST_LINES).map(|name| name.shortened(80)).collect();
    let mut finding =
        Finding::new(certainty(facts), format!("ssh does not accept the server's host certificate: {reason}"))
            .seen(format!("host certificate \"{}\" of {}", certificate.key_id.shortened(80), name_of(&offered.key)))
            .seen(format!(
                "host names in it: {}",
                if principals.is_empty() { "any".to_owned() } else { principals.join(", ") }
            ))
            .seen(format!(
                "valid from {} to {}, and it is {}",
                naming::moment(certificate.valid_after),
                naming::moment(certificate.valid_before),
                facts.observed_at.local
            ))
            .seen(format!("signed by the CA {}", certificate.ca));
    for line in facts
        .host_key
        .known
        .iter()
        .flat_map(|known| &known.entries)
        .filter(|line| line.marker == Marker::CertAuthority)
        .take(MOST_LINES)
    {
        finding = finding.seen(format!("{} trusts the CA {}", line.at, line.key.fingerprint));
    }
    finding.evidence.extend(strictness(facts));
    Ok(Some(finding))
}

fn sign_again(facts: &Facts) -> Vec<Step> {
    let Ok(target) = &facts.target else { return Vec::new() };
    let name = known_hosts::alias(&facts.config.options)
        .map_or_else(|| target.host.to_string(), |alias| escape(alias.as_bytes()));
    let mut steps = vec![
        Step::server_root(
            "for file in /etc/ssh/ssh_host_*-cert.pub; do ssh-keygen -Lf \"$file\"; done",
            "shows the certificates that sshd presents, their names and their validity",
        ),
        Step::person(
            Place::Server,
            format!(
                "have the CA sign the host key again for this name: ssh-keygen -s CA_KEY -h -I ID -V +52w -n {} HOST_KEY.pub; then reload sshd",
                quoted(&name)
            ),
        ),
    ];
    if known_hosts::strict(&facts.config.options) == Strict::Ask {
        steps.push(Step::here(
            format!("ssh {}", naming::destination(facts)),
            "at a terminal, ssh asks about the plain key instead; say yes only with the fingerprint from the server's console",
        ));
    }
    steps
}

fn trust_the_certificate(facts: &mut Facts) {
    let Ok(target) = &facts.target else { return };
    let host = known_hosts::alias(&facts.config.options).map_or_else(|| target.host.to_string(), str::to_owned);
    let Ok(offered) = &mut facts.host_key.offered else { return };
    let Some(certificate) = &mut offered.key.certificate else { return };
    certificate.kind = CertificateKind::Host;
    certificate.valid_after = 0;
    certificate.valid_before = u64::MAX;
    certificate.principals = vec![host.to_ascii_lowercase().into()];
    certificate.critical_options.clear();
    facts.config.options.0.retain(|(keyword, _)| keyword != "casignaturealgorithms");
    let trusted =
        facts.host_key.known.iter().flat_map(|known| &known.entries).find(|line| line.marker == Marker::CertAuthority);
    if let Some(line) = trusted {
        certificate.ca = line.key.fingerprint.clone();
        certificate.ca_algorithm.clone_from(&line.key.algorithm);
    }
    forget_what_ssh_did_not_reach(facts);
}

const HOST_KEY_UNKNOWN: Cause = Cause {
    id: "host-key-unknown",
    title: "the server's host key is not known, and nobody may accept it",
    blocks: Blocks::HostKey,
    place: Place::Client,
    doc: "No known_hosts file has a key for this name. At a terminal ssh would ask; here it may not, because \
        StrictHostKeyChecking is yes, or BatchMode is on, or there is neither a terminal nor an askpass program (cron, CI, \
        a service). Often the key is known to another account, under another name, or for another port.\n\n\
        Proved by the files that ssh reads and the names it looks up. With KnownHostsCommand or VerifyHostKeyDNS, which are \
        not asked here, it is only possible.",
    prevent: "Install known_hosts (or a @cert-authority line) together with the job that connects, and take fingerprints \
        from the server itself.",
    fix: Fix { commands: learn_the_key, mend: |facts| know_the_key(facts, &[]) },
    see: &[
        "sshconnect.c check_host_key",
        "ssh_config(5) StrictHostKeyChecking, BatchMode",
        "sshd(8) SSH_KNOWN_HOSTS FILE FORMAT",
    ],
    judge: host_key_unknown,
};

fn host_key_unknown(facts: &Facts) -> Observed<Option<Finding>> {
    if seen::refused_certificate(facts).is_some() {
        return Ok(None);
    }
    let Some((offered, Standing::Unknown)) = stopped(facts)? else { return Ok(None) };
    let options = &facts.config.options;
    if known_hosts::unreadable_revocation(facts).is_some()
        || known_hosts::is_too_small(options, &offered.key)
        || would_go_on_by_name(facts)
    {
        return Ok(None);
    }
    // Where nothing says that the key is revoked only because the list could not be asked, that is what stops ssh.
    if matches!(offered.revoked_by_file, Err(Unobserved::Failed(_) | Unobserved::TimedOut)) {
        return Ok(None);
    }
    let key = name_of(&offered.key);
    let forbidden = match known_hosts::strict(options) {
        _ if known_hosts::remembers_nothing(options) => "UserKnownHostsFile none leaves ssh no file to keep it in",
        Strict::Yes => "StrictHostKeyChecking forbids to accept it",
        _ => "there is nobody to ask",
    };
    let name = facts.host_key.known.as_ref().ok().and_then(|known| known.names.first()).map(ToString::to_string);
    let name = name.map(|name| format!(" of {name}")).unwrap_or_default();
    let mut finding = Finding::new(certainty(facts), format!("the host key{name} is not known here, and {forbidden}"));
    finding.evidence.push(holds(facts, &key));
    finding.evidence.extend(strictness(facts));
    finding.evidence.extend(looked_at(facts));
    Ok(Some(finding))
}

fn learn_the_key(facts: &Facts) -> Vec<Step> {
    let kept = remember(facts).unwrap_or_else(|| {
        let why = "name a file with UserKnownHostsFile that can keep the server's key, and put the key in";
        Step::person(Place::Client, why)
    });
    compare(facts).into_iter().chain([kept]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::connect::{Attempt, Connect, Dial};
    use crate::facts::host_key::{KnownHosts, KnownHostsFile, RevokedHostKeys};
    use crate::facts::identities::FileError;
    use crate::facts::key::{Blob, Certificate};

    fn key(algorithm: &str, letter: u8) -> PublicKey {
        PublicKey {
            algorithm: algorithm.to_owned(),
            blob: Blob(vec![letter]),
            fingerprint: format!("SHA256:{}", char::from(letter)).into(),
            comment: "".into(),
            bits: None,
            certificate: None,
        }
    }

    fn entry(line: u32, marker: Marker, name: &str, key: PublicKey) -> KnownHost {
        let at = Source::File { path: "/home/a/.ssh/known_hosts".into(), line: Some(line) };
        KnownHost { at, marker, name: name.into(), hashed: false, key }
    }

    /// A server with key `a`, a client that knows these lines for it and has nobody to ask.
    fn scene(entries: Vec<KnownHost>) -> Facts {
        let target =
            Target { input: "web1".into(), alias: "web1".into(), host: "web1".into(), port: 22, ..Target::default() };
        let missing = FileError { errno: "ENOENT".to_owned(), at: None };
        let file = KnownHostsFile {
            path: "/home/a/.ssh/known_hosts".into(),
            global: false,
            state: Err(missing),
            unreadable_lines: Vec::new(),
        };
        let mut facts =
            Facts { target: Ok(target), userauth: Err(Unobserved::NotReached(Stage::HostKey)), ..Facts::default() };
        facts.observed_at.unix_seconds = 1000;
        facts.host_key.offered = Ok(OfferedHostKey {
            algorithm: "ssh-ed25519".to_owned(),
            key: key("ssh-ed25519", b'a'),
            revoked_by_file: Ok(None),
        });
        facts.host_key.known =
            Ok(KnownHosts { names: vec!["web1".into()], files: vec![file], entries, ..KnownHosts::default() });
        facts
    }

    fn certified(valid_before: u64, principal: &str) -> PublicKey {
        let plain = key("ssh-ed25519", b'a');
        let certificate = Certificate {
            kind: CertificateKind::Host,
            serial: 1,
            key_id: "web1".into(),
            principals: vec![principal.into()],
            valid_after: 0,
            valid_before,
            critical_options: Vec::new(),
            ca: "SHA256:c".into(),
            ca_algorithm: "ssh-ed25519".to_owned(),
            key: plain.blob.clone(),
        };
        PublicKey {
            algorithm: "ssh-ed25519-cert-v01@openssh.com".to_owned(),
            blob: Blob(b"certificate".to_vec()),
            certificate: Some(Box::new(certificate)),
            ..plain
        }
    }

    fn with_certificate(entries: Vec<KnownHost>, valid_before: u64, principal: &str) -> Facts {
        let mut facts = scene(entries);
        facts.host_key.offered.as_mut().unwrap().key = certified(valid_before, principal);
        facts
    }

    /// Every cause that is found, with its certainty.
    fn found(facts: &Facts) -> Vec<(&'static str, Certainty)> {
        let judged = HOST_KEY.causes.iter().filter_map(|cause| Some((cause.id, (cause.judge)(facts).ok()??.certainty)));
        judged.collect()
    }

    fn status(facts: &Facts) -> Status {
        (HOST_KEY.holds)(facts).unwrap().status
    }

    const PROVEN: Certainty = Certainty::Proven;

    #[test]
    fn a_known_key_is_a_pass() {
        let facts = scene(vec![entry(12, Marker::None, "web1", key("ssh-ed25519", b'a'))]);
        assert_eq!(found(&facts), []);
        let outcome = (HOST_KEY.holds)(&facts).unwrap();
        assert_eq!(outcome.status, Status::Pass);
        assert_eq!(outcome.summary, "the host key ssh-ed25519 SHA256:a matches /home/a/.ssh/known_hosts:12");
    }

    #[test]
    fn another_key_under_the_name_is_a_change_also_of_another_type() {
        for kind in ["ssh-ed25519", "ssh-rsa"] {
            let facts = scene(vec![entry(12, Marker::None, "web1", key(kind, b'b'))]);
            assert_eq!(found(&facts), [("host-key-changed", PROVEN)]);
            let commands: Vec<String> =
                (HOST_KEY_CHANGED.fix.commands)(&facts).into_iter().filter_map(|step| step.command).collect();
            assert_eq!(commands[0], "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
            let removes = commands.contains(&"ssh-keygen -f /home/a/.ssh/known_hosts -R web1".to_owned());
            assert_eq!(removes, kind == "ssh-ed25519");
        }
    }

    #[test]
    fn a_key_of_which_only_the_fingerprint_was_seen_is_left_to_ssh_to_ask_about() {
        for kind in ["ssh-ed25519", "ssh-rsa"] {
            let mut facts = scene(vec![entry(12, Marker::None, "web1", key(kind, b'b'))]);
            facts.host_key.offered.as_mut().unwrap().key.blob = Blob::default();
            let steps = (HOST_KEY_CHANGED.fix.commands)(&facts);
            let commands: Vec<&str> = steps.iter().filter_map(|step| step.command.as_deref()).collect();
            assert_eq!(commands[1], "ssh-keygen -f /home/a/.ssh/known_hosts -R web1");
            assert!(commands[2].starts_with("ssh -o StrictHostKeyChecking=ask "), "{commands:?}");
            assert!(steps[2].why.contains("SHA256:a"), "{}", steps[2].why);
        }
    }

    #[test]
    fn a_changed_key_is_a_remark_where_ssh_goes_on() {
        let mut facts = scene(vec![entry(12, Marker::None, "web1", key("ssh-ed25519", b'b'))]);
        facts.config.options.set("stricthostkeychecking", "false");
        assert_eq!(found(&facts), []);
        assert_eq!(status(&facts), Status::Warn);
    }

    #[test]
    fn an_unknown_key_stops_ssh_only_where_nobody_can_be_asked() {
        let mut facts = scene(Vec::new());
        assert_eq!(found(&facts), [("host-key-unknown", PROVEN)]);
        facts.run.terminal = true;
        assert_eq!(found(&facts), []);
        assert_eq!(status(&facts), Status::Warn);
        facts.config.options.set("batchmode", "yes");
        assert_eq!(found(&facts), [("host-key-unknown", PROVEN)]);
        facts.config.options.set("stricthostkeychecking", "accept-new");
        assert_eq!(found(&facts), []);
        facts.config.options.set("batchmode", "no");
        facts.config.options.set("stricthostkeychecking", "true");
        assert_eq!(found(&facts), [("host-key-unknown", PROVEN)]);
    }

    #[test]
    fn what_is_asked_elsewhere_leaves_a_doubt() {
        for (keyword, value) in [("knownhostscommand", "/usr/bin/keys %H"), ("verifyhostkeydns", "true")] {
            for (entries, cause) in [
                (Vec::new(), "host-key-unknown"),
                (vec![entry(1, Marker::None, "web1", key("ssh-ed25519", b'b'))], "host-key-changed"),
            ] {
                let mut facts = scene(entries);
                facts.config.options.set(keyword, value);
                assert_eq!(found(&facts), [(cause, Certainty::Possible)]);
            }
        }
    }

    #[test]
    fn a_revoked_key_is_proved_by_its_line_or_file() {
        let known = entry(1, Marker::None, "web1", key("ssh-ed25519", b'a'));
        let mut facts = scene(vec![known.clone(), entry(2, Marker::Revoked, "web1", key("ssh-ed25519", b'a'))]);
        assert_eq!(found(&facts), [("host-key-revoked", PROVEN)]);
        facts.host_key.known.as_mut().unwrap().entries[1].key = key("ssh-ed25519", b'b');
        assert_eq!(found(&facts), []);
        facts.host_key.offered.as_mut().unwrap().revoked_by_file =
            Ok(Some(Source::File { path: "/etc/krl".into(), line: None }));
        assert_eq!(found(&facts), [("host-key-revoked", PROVEN)]);
    }

    #[test]
    fn a_revocation_list_that_cannot_be_read_stops_ssh() {
        let mut facts = scene(vec![entry(1, Marker::None, "web1", key("ssh-ed25519", b'a'))]);
        let error = Some("ENOENT".to_owned());
        facts.host_key.known.as_mut().unwrap().revoked_host_keys =
            vec![RevokedHostKeys { path: "/etc/krl".into(), error }];
        facts.host_key.offered.as_mut().unwrap().revoked_by_file =
            Err(Unobserved::Failed("/etc/krl: ENOENT".to_owned()));
        assert_eq!(found(&facts), [("revoked-host-keys-unreadable", PROVEN)]);
        facts.host_key.known.as_mut().unwrap().revoked_host_keys[0].error = None;
        assert_eq!(found(&facts), [("revoked-host-keys-unreadable", Certainty::Likely)]);
        facts.host_key.offered.as_mut().unwrap().revoked_by_file = Ok(None);
        assert_eq!(found(&facts), []);
    }

    #[test]
    fn a_certificate_is_accused_only_where_its_ca_is_trusted_and_it_does_not_hold() {
        let ca = |letter| vec![entry(3, Marker::CertAuthority, "web1", key("ssh-ed25519", letter))];
        let invalid = [("host-certificate-invalid", PROVEN)];
        assert_eq!(found(&with_certificate(ca(b'c'), 900, "web1")), invalid);
        assert_eq!(found(&with_certificate(ca(b'c'), 2000, "web2")), invalid);
        assert_eq!(found(&with_certificate(ca(b'd'), 2000, "web1")), invalid);
        assert_eq!(found(&with_certificate(ca(b'c'), 2000, "web1")), []);
        assert_eq!(found(&with_certificate(Vec::new(), 2000, "web1")), [("host-key-unknown", PROVEN)]);
        let plain = vec![
            entry(3, Marker::CertAuthority, "web1", key("ssh-ed25519", b'c')),
            entry(4, Marker::None, "web1", key("ssh-ed25519", b'a')),
        ];
        assert_eq!(found(&with_certificate(plain, 900, "web1")), []);
    }

    #[test]
    fn the_address_counts_where_it_is_checked() {
        let known = entry(1, Marker::None, "web1", key("ssh-ed25519", b'a'));
        let mut facts = scene(vec![known, entry(2, Marker::None, "192.0.2.7", key("ssh-ed25519", b'b'))]);
        assert_eq!(found(&facts), []);
        let attempt = Attempt { address: "192.0.2.7".into(), port: 22, outcome: Dial::Established, millis: 1.0 };
        facts.connect = Ok(Connect { attempts: vec![attempt], ..Connect::default() });
        facts.config.options.set("checkhostip", "yes");
        facts.host_key.known.as_mut().unwrap().names = known_hosts::names(&facts).unwrap().all();
        assert_eq!(found(&facts), [("host-key-changed", PROVEN)]);
        facts.run.terminal = true;
        assert_eq!(found(&facts), []);
        assert_eq!(status(&facts), Status::Warn);
    }

    #[test]
    fn a_missing_fact_accuses_nobody() {
        assert_eq!(found(&Facts::default()), []);
        let mut facts = scene(Vec::new());
        facts.host_key.known = Err(Unobserved::NotInThisSource);
        assert_eq!(found(&facts), []);
    }

    #[test]
    fn after_each_fix_the_host_key_is_no_obstacle() {
        let ca = vec![entry(3, Marker::CertAuthority, "web1", key("ssh-ed25519", b'd'))];
        let mut unreadable = scene(vec![entry(1, Marker::None, "web1", key("ssh-ed25519", b'a'))]);
        let error = Some("ENOENT".to_owned());
        unreadable.host_key.known.as_mut().unwrap().revoked_host_keys =
            vec![RevokedHostKeys { path: "/etc/krl".into(), error }];
        // On the heap: five of them are much for a stack.
        let scenes = vec![
            scene(Vec::new()),
            scene(vec![entry(1, Marker::None, "web1", key("ssh-ed25519", b'b'))]),
            scene(vec![entry(1, Marker::Revoked, "web1", key("ssh-ed25519", b'a'))]),
            with_certificate(ca, 900, "web2"),
            unreadable,
        ];
        for mut facts in scenes {
            let cause = HOST_KEY.causes.iter().find(|cause| matches!((cause.judge)(&facts), Ok(Some(_)))).unwrap();
            assert!(!(cause.fix.commands)(&facts).is_empty(), "{}", cause.id);
            (cause.fix.mend)(&mut facts);
            assert_eq!(found(&facts), [], "{}", cause.id);
            assert_eq!(facts.userauth, Err(Unobserved::NotAttempted), "{}", cause.id);
        }
    }

    #[test]
    fn the_unknown_key_is_made_known_by_one_line() {
        let steps = (HOST_KEY_UNKNOWN.fix.commands)(&scene(Vec::new()));
        let expected =
            "mkdir -p -m 700 /home/a/.ssh && printf '%s\\n' 'web1 ssh-ed25519 YQ==' >> /home/a/.ssh/known_hosts";
        assert_eq!(steps[1].command.as_deref(), Some(expected));
    }
}
