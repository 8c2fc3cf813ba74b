//! RSA keys that this client finds too short: its own, and the server's (sshkey.c `sshkey_check_rsa_length`).

use super::super::{Blocks, Cause, Finding, Fix, Place, Step, account, naming};
use super::{accepted_anyway, in_agent};
use crate::facts::key::PublicKey;
use crate::facts::userauth::Answer;
use crate::facts::{Facts, Observed, Unobserved, known};
use crate::openssh::course;
use crate::openssh::known_hosts::{self, Course};
use crate::openssh::public_key::is_short_rsa;

pub(super) const RSA_KEY_TOO_SMALL: Cause = Cause {
    id: "rsa-key-too-small",
    title: "an RSA key is shorter than client or server allows",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "RequiredRSASize (1024 bits unless a configuration or a crypto policy says more, 2048 on RHEL 9) makes ssh pass over \
          its own shorter RSA keys, which only `ssh -v` says (`Invalid key length`), and refuse a server whose host key is \
          shorter (`Bad server host key: Invalid key length`).\n\n\
          Proven when the server accepts the key that ssh passes over, or when the host key that was met is too short. A \
          server with such a limit of its own refuses in silence, which is no-key-accepted from here, and logs `refusing RSA \
          key: Invalid key length`: proven there by its effective setting and the key's size.",
    prevent: "Replace RSA keys below 2048 bits by Ed25519 keys, on clients and as host keys.",
    fix: Fix { commands, mend },
    see: &["ssh_config(5) RequiredRSASize", "OpenSSH sshkey.c sshkey_check_rsa_length", "OpenSSH ssh.c check_load"],
    judge: rsa_key_too_small,
};

/// The host key at which ssh stops because it is too short.
fn host_key(facts: &Facts) -> Option<&PublicKey> {
    let offered = facts.host_key.offered.as_ref().ok()?;
    let stops = known_hosts::course(facts) == Course::Stop;
    (stops && is_short_rsa(&offered.key, &facts.config.options)).then_some(&offered.key)
}

/// The key that the server accepts and that ssh would offer if it were longer.
fn own_key(facts: &Facts) -> Option<&PublicKey> {
    let userauth = facts.userauth.as_ref().ok()?;
    let options = &facts.config.options;
    let files = facts.identities.as_ref().map(|identities| identities.files.as_slice()).unwrap_or_default();
    let configured = |key: &PublicKey| {
        files.iter().any(|file| {
            let halves = [file.public_half(), file.certificate.key.as_ref()];
            halves.into_iter().flatten().any(|half| half.blob == key.blob)
        })
    };
    let meant = |key: &PublicKey| configured(key) || (in_agent(facts, key) && !options.is_yes("identitiesonly"));
    let believable = !course::says_yes_to_everything(facts);
    let accepted = userauth.queries.iter().filter(|query| believable && query.answer == Some(Answer::PkOk));
    accepted.map(|query| &query.key).find(|key| is_short_rsa(key, options) && meant(key))
}

/// The configured key files that ssh passes over because they are too short, a line each.
pub(super) fn passed_over(facts: &Facts) -> Vec<String> {
    let files = facts.identities.as_ref().map(|identities| identities.files.as_slice()).unwrap_or_default();
    let short = files.iter().filter_map(|file| {
        let key = file.public_half().filter(|key| is_short_rsa(key, &facts.config.options))?;
        Some(format!("{} is RSA with {} bits, and {}", file.path, key.bits.unwrap_or_default(), demanded(facts)))
    });
    short.collect()
}

/// What ssh demands, in a sentence.
fn demanded(facts: &Facts) -> String {
    let bits = facts.config.options.first("requiredrsasize").unwrap_or("1024");
    format!("RequiredRSASize is {}", crate::facts::text::escape(bits.as_bytes()))
}

fn rsa_key_too_small(facts: &Facts) -> Observed<Option<Finding>> {
    if facts.host_key.too_short {
        let mut finding = Finding::proven("the server's host key has fewer bits than ssh demands of an RSA key")
            .seen("ssh says: Bad server host key: Invalid key length")
            .at(Blocks::HostKey);
        finding.place = Some(Place::Server);
        return Ok(Some(finding));
    }
    if let Some(key) = host_key(facts) {
        let bits = key.bits.unwrap_or_default();
        let summary = format!("the server's host key has {bits} bits, and ssh demands more of an RSA key");
        let mut finding = Finding::proven(summary)
            .seen(format!("the server proved to hold the host key {}, {bits} bits", naming::key(key)))
            .seen(demanded(facts))
            .at(Blocks::HostKey);
        finding.place = Some(Place::Server);
        return Ok(Some(finding));
    }
    if let Some(finding) = account::short_rsa(facts) {
        return Ok(Some(finding));
    }
    let turns = course::course(facts)?;
    known(&facts.userauth)?;
    if !super::super::userauth::client_takes_publickey(facts) || accepted_anyway(facts, &turns) {
        return Ok(None);
    }
    let Some(key) = own_key(facts) else { return Ok(None) };
    let bits = key.bits.unwrap_or_default();
    let summary = format!(
        "{} accepts your RSA key, but ssh passes over it: {bits} bits are too few for it",
        naming::login(facts)
    );
    Ok(Some(Finding::proven(summary).seen(format!("the server accepts {}", naming::key(key))).seen(demanded(facts))))
}

fn commands(facts: &Facts) -> Vec<Step> {
    if account::short_rsa(facts).is_some() {
        let why = "makes a key that any server takes; have its .pub put into authorized_keys";
        return vec![Step::here("ssh-keygen -t ed25519", why)];
    }
    if facts.host_key.too_short {
        return vec![
            Step::server_root(
                "ssh-keygen -A",
                "makes the host keys that are missing, Ed25519 among them; then reload sshd",
            ),
            Step::here(
                format!("ssh -G {} | grep -i requiredrsasize", naming::destination_without_command(facts)),
                "shows how many bits ssh demands",
            ),
        ];
    }
    let Some(key) = host_key(facts).or_else(|| own_key(facts)) else { return Vec::new() };
    let bits = key.bits.unwrap_or_default();
    let mut steps = Vec::new();
    // ssh itself takes none below 1024, whatever is set.
    if bits >= 1024 {
        steps.push(Step::here(
            format!("ssh -o RequiredRSASize={bits} {}", naming::destination_without(facts, &["requiredrsasize"])),
            "takes a key of this length for this one login",
        ));
    }
    if host_key(facts).is_some() {
        steps.push(Step::server_root(
            "ssh-keygen -A",
            "makes the host keys that are missing, Ed25519 among them; then reload sshd",
        ));
    } else {
        steps
            .push(Step::here("ssh-keygen -t ed25519", "makes a key pair that lasts; its .pub must then be authorised"));
    }
    steps
}

fn mend(facts: &mut Facts) {
    if account::short_rsa(facts).is_some() {
        facts.account = Err(Unobserved::NotAttempted);
        facts.userauth = Err(Unobserved::NotAttempted);
        facts.session = Err(Unobserved::NotAttempted);
        return;
    }
    let met = host_key(facts).is_some();
    let Some(bits) = host_key(facts).or_else(|| own_key(facts)).and_then(|key| key.bits) else { return };
    if bits >= 1024 {
        facts.config.options.set("requiredrsasize", &bits.to_string());
    }
    if met || bits < 1024 {
        // What comes after another host key, or of another key, nobody can know.
        facts.host_key.offered = Err(Unobserved::NotAttempted);
        facts.userauth = Err(Unobserved::NotAttempted);
        facts.session = Err(Unobserved::NotAttempted);
    }
}
