//! Which identities ssh offers, in which order (sshconnect2.c `pubkey_prepare`), and with which signature algorithm
//! (`key_sig_algorithm`).
//!
//! Keys of a PKCS#11 provider are among them as far as ssh itself has named them.

use super::patterns::{Match, match_pattern_list};
use super::{public_key, server, tokens};
use crate::facts::config::Options;
use crate::facts::identities::{CertificateFile, Identities, KeyFile, Listed, is_there};
use crate::facts::key::{CertificateKind, PublicKey, plain_name};
use crate::facts::text::Path;
use crate::facts::{Facts, Unobserved};

/// ssh.h `SSH_MAX_IDENTITY_FILES`.
pub const FILES_LIMIT: usize = 100;
/// The first version that sorts what nobody named by `order_identities_by_prio`.
const FIRST_WITH_PRIORITIES: (u32, u32) = (10, 5);

/// One identity that ssh will try, in its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The public half or certificate that is offered; `None` where ssh has none and would have to read (and
    /// perhaps decrypt) the private key first ("Trying private key"). Where the public half could be derived from an
    /// unencrypted key it stands here, though ssh signs with such a key without asking first.
    pub key: Option<PublicKey>,
    /// Whether the agent holds it and would sign. For a certificate: whether it would sign for it.
    pub agent: bool,
    /// Its row in `Identities.files`, where a key file stands for it. For a certificate: the one that would sign.
    pub file: Option<usize>,
    /// Whether the token of the `PKCS11Provider` holds it and would sign.
    pub token: bool,
}

/// What ssh offers, in its order: certificates that the configuration names, agent keys that it names too, other agent
/// keys, then files; with `IdentitiesOnly`, only what the configuration names.
///
/// Where a run asks about one public key only, that stands for all of them.
///
/// Without the keys that `PubkeyAcceptedAlgorithms` rules out being left out: [`signature_algorithm`] tells those.
pub fn offers(facts: &Facts) -> Vec<Offer> {
    if let Some(offered) = &facts.run.limits.offer {
        return vec![Offer { key: Some(offered.key.clone()), agent: false, file: None, token: false }];
    }
    let none = Identities::default();
    let identities = facts.identities.as_ref().unwrap_or(&none);
    if let Some(listed) = &identities.listed {
        return listed.iter().filter_map(|identity| said(identities, identity)).collect();
    }
    let options = &facts.config.options;
    let provided = identities.authenticators.as_ref().map(|seen| seen.provider.is_some());
    let configured = !facts.config.evaluated || options.first("securitykeyprovider").is_some();
    let authenticators = provided.unwrap_or(configured);
    let usable = |key: &PublicKey| is_for_users(key) && (authenticators || !key.is_hardware());

    // ssh.c `load_public_identity_files` puts them before the files; `IdentitiesOnly` leaves them out.
    let token = identities.token.iter().filter(|_| !options.is_yes("identitiesonly"));
    let mut files: Vec<Identity> = token.map(of_token).chain(loaded(identities, options)).collect();
    files.retain(|identity| identity.key.as_ref().is_none_or(usable));
    let mut preferred: Vec<Identity> = identities.certificates.iter().filter_map(named_certificate).collect();
    preferred.retain(|identity| identity.key.as_ref().is_some_and(|key| is_loaded(key, options)));
    preferred.retain(|identity| identity.key.as_ref().is_some_and(usable));

    let mut held = Vec::new();
    let mut others = Vec::new();
    for key in agent_keys(facts) {
        let same = files.iter().position(|identity| {
            identity
                .key
                .as_ref()
                .is_some_and(|known| known.blob == key.blob || (identity.token && known.fingerprint == key.fingerprint))
        });
        if let Some(position) = same {
            held.push(Identity { agent: true, ..files.remove(position) });
        } else if !options.is_yes("identitiesonly") {
            let key = Some(key.clone());
            others.push(Identity { key, agent: true, there: true, ..Identity::default() });
        }
    }
    held.append(&mut others);
    let version = facts.config.ssh.as_ref().ok().and_then(|ssh| tokens::version(&ssh.version));
    if version >= Some(FIRST_WITH_PRIORITIES) {
        for list in [&mut preferred, &mut held, &mut files] {
            order_by_priority(list);
        }
    }
    preferred.append(&mut held);
    preferred.append(&mut files);
    let tried = preferred.iter().filter(|identity| identity.key.is_some() || identity.can_be_tried(options));
    tried.map(|identity| offer(identity, &preferred)).collect()
}

/// An identity as ssh itself listed it. Of a file without a public half nothing is offered unless something is known to
/// be in it.
fn said(identities: &Identities, identity: &Listed) -> Option<Offer> {
    let file = identities.files.iter().position(|file| Some(&file.path) == identity.path.as_ref());
    let readable = file.is_some_and(|row| {
        let KeyFile { state, private, .. } = &identities.files[row];
        is_there(state) || private.is_ok() || *private == Err(Unobserved::NotPermitted)
    });
    let key = identity.key.clone();
    let tried = key.is_some() || readable;
    tried.then_some(Offer { key, agent: identity.agent, file, token: identity.token && !identity.agent })
}

/// The signature algorithm that ssh names for `key` (sshconnect2.c `key_sig_algorithm`), given the server's
/// `server-sig-algs` (`None` where it sent none) and the client's `PubkeyAcceptedAlgorithms`. `None`: ssh skips the
/// key ("no mutual signature algorithm").
pub fn signature_algorithm(key: &PublicKey, server: Option<&[&str]>, accepted: &[&str]) -> Option<String> {
    let is_rsa = matches!(key.algorithm.as_str(), "ssh-rsa" | "ssh-rsa-cert-v01@openssh.com");
    let Some(server) = server.filter(|_| is_rsa) else {
        return accepted.contains(&key.algorithm.as_str()).then(|| key.algorithm.clone());
    };
    let of_type = accepted.iter().filter(|name| public_key::key_type_of_signature(name) == key.algorithm);
    let mutual = |name: &&&str| server.contains(&name_in_signature(name).as_str());
    of_type.copied().find(|name| mutual(&name)).map(str::to_owned)
}

/// The signature algorithm that ssh names for `key` at a server that identified itself so and announced this
/// `server-sig-algs` (`None` where it sent none); `None` where they share none.
pub fn algorithm_at(
    identification: &[u8],
    announced: Option<&str>,
    key: &PublicKey,
    accepted: &[&str],
) -> Option<String> {
    let sent: Option<Vec<&str>> = announced.map(|list| list.split(',').collect());
    let believed = believed_server_algorithms(server::software(identification), key, sent.as_deref());
    signature_algorithm(key, believed, accepted)
}

/// The `server-sig-algs` that ssh goes by with an RSA key or certificate, given what the server sent: some versions of
/// sshd send less than they take, or cannot take what they send (compat.c `SSH_BUG_SIGTYPE74`, `SSH_BUG_SIGTYPE`).
/// `software` is the server's identification string behind `SSH-2.0-`.
fn believed_server_algorithms<'a>(
    software: &[u8],
    key: &PublicKey,
    sent: Option<&'a [&'a str]>,
) -> Option<&'a [&'a str]> {
    const SHA1_CERTIFICATES: &[u8] = b"OpenSSH_2*,OpenSSH_3*,OpenSSH_4*,OpenSSH_5*,OpenSSH_6.5*,OpenSSH_6.6*,\
        OpenSSH_7.0*,OpenSSH_7.1*,OpenSSH_7.2*,OpenSSH_7.3*,OpenSSH_7.4*,OpenSSH_7.5*,OpenSSH_7.6*,OpenSSH_7.7*";
    let sent = sent?;
    if key.is_certificate() {
        return (match_pattern_list(software, SHA1_CERTIFICATES) != Match::Yes).then_some(sent);
    }
    let forgetful = match_pattern_list(software, b"OpenSSH_7.4*") == Match::Yes;
    Some(if forgetful { &["rsa-sha2-256", "rsa-sha2-512"] } else { sent })
}

/// Whether `PubkeyAcceptedAlgorithms` lets ssh use `key` at all (sshconnect2.c `key_type_allowed_by_config`).
pub fn is_type_accepted(key: &PublicKey, accepted: &[&str]) -> bool {
    let list = accepted.join(",");
    let matches = |name: &str| match_pattern_list(name.as_bytes(), list.as_bytes()) == Match::Yes;
    let others: &[&str] = match key.algorithm.as_str() {
        "ssh-rsa" => &["rsa-sha2-512", "rsa-sha2-256"],
        "ssh-rsa-cert-v01@openssh.com" => &["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"],
        _ => &[],
    };
    matches(&key.algorithm) || others.iter().any(|name| matches(name))
}

/// The name that stands in a signature made as `algorithm` (sshkey.c `sshkey_sigalg_by_name`): without the
/// certificate's suffix.
pub fn name_in_signature(algorithm: &str) -> String {
    plain_name(algorithm)
}

/// The flags with which an agent is asked to sign as `algorithm` (authfd.c `agent_encode_alg`).
pub fn agent_flags(algorithm: &str) -> u32 {
    match name_in_signature(algorithm).as_str() {
        "rsa-sha2-256" => 2,
        "rsa-sha2-512" => 4,
        _ => 0,
    }
}

/// An entry of ssh's list, `struct identity`.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent property, as in ssh's own structure")]
struct Identity {
    /// What ssh knows before it reads the private key.
    key: Option<PublicKey>,
    /// What we know beyond that.
    derived: Option<PublicKey>,
    agent: bool,
    token: bool,
    file: Option<usize>,
    path: Option<Path>,
    /// `userprovided`.
    named: bool,
    /// Whether the private key's file exists.
    there: bool,
}

impl Identity {
    /// Whether there is something to read where ssh has no public half (sshconnect2.c `load_identity_file`).
    fn can_be_tried(&self, options: &Options) -> bool {
        let long_enough = |key: &PublicKey| !public_key::is_short_rsa(key, options);
        self.there && self.derived.as_ref().is_none_or(long_enough)
    }
}

/// ssh.c `load_public_identity_files`: the key files, and beside each its certificate where no configuration names one.
/// A public half that is not kept leaves a file that ssh reads in vain.
fn loaded(identities: &Identities, options: &Options) -> Vec<Identity> {
    let mut list = Vec::new();
    for (row, file) in identities.files.iter().enumerate() {
        let identity = Identity {
            key: file.known_half().filter(|key| is_loaded(key, options)).cloned(),
            derived: file.public_half().cloned(),
            agent: false,
            token: false,
            file: Some(row),
            path: Some(file.path.clone()),
            named: file.explicit,
            there: is_there(&file.state) || (file.state.is_ok() && (file.private.is_ok() || is_closed(file))),
        };
        let beside = file.certificate.key.as_ref().filter(|key| key.is_certificate() && is_loaded(key, options));
        let certificate = beside.filter(|_| identities.certificates.is_empty()).cloned();
        list.push(identity.clone());
        list.extend(certificate.map(|key| Identity { key: Some(key), derived: None, ..identity }));
    }
    list.truncate(FILES_LIMIT);
    list
}

/// Whether the file is there and may not be read.
fn is_closed(file: &KeyFile) -> bool {
    file.private == Err(Unobserved::NotPermitted)
}

fn named_certificate(row: &CertificateFile) -> Option<Identity> {
    let key = row.file.key.clone().filter(PublicKey::is_certificate)?;
    let path = Some(row.file.path.clone());
    Some(Identity { key: Some(key), path, named: true, ..Identity::default() })
}

/// A key of the token, which ssh loaded.
fn of_token(key: &PublicKey) -> Identity {
    Identity { key: Some(key.clone()), token: true, there: true, ..Identity::default() }
}

/// What ssh takes from the agent's list: nothing at all where one key of a known type is broken (authfd.c
/// `ssh_fetch_identitylist`), and no RSA key that is too short.
fn agent_keys(facts: &Facts) -> Vec<&PublicKey> {
    let Ok(agent) = &facts.agent else { return Vec::new() };
    let keys = agent.keys().iter().map(|held| &held.key);
    if keys.clone().any(|key| public_key::check(&key.blob.0) == Err(public_key::Fault::Malformed)) {
        return Vec::new();
    }
    keys.filter(|key| is_loaded(key, &facts.config.options)).collect()
}

/// Whether ssh keeps a key it has read (ssh.c `check_load`): of a type that it knows, and no RSA key that is too short.
/// A type that only newer versions have is known where `PubkeyAcceptedAlgorithms` names it.
fn is_loaded(key: &PublicKey, options: &Options) -> bool {
    let known = match public_key::check(&key.blob.0) {
        Ok(()) => true,
        Err(public_key::Fault::UnknownType) => {
            options.names("pubkeyacceptedalgorithms").contains(&key.algorithm.as_str())
        }
        Err(public_key::Fault::Malformed) => false,
    };
    known && !public_key::is_short_rsa(key, options)
}

/// Host certificates are left out.
fn is_for_users(key: &PublicKey) -> bool {
    key.certificate.as_ref().is_none_or(|certificate| certificate.kind == CertificateKind::User)
}

/// An identity with whoever would sign for it (sshconnect2.c `sign_and_send_pubkey`).
fn offer(identity: &Identity, list: &[Identity]) -> Offer {
    let key = identity.key.clone().or_else(|| identity.derived.clone());
    let Some(certificate) = identity.key.as_ref().and_then(|key| key.certificate.as_ref()) else {
        return Offer { key, agent: identity.agent, file: identity.file, token: identity.token && !identity.agent };
    };
    let plain = |other: &&Identity| other.key.as_ref().is_some_and(|key| key.blob == certificate.key);
    let same_name = |other: &&Identity| {
        let (Some(path), Some(other_path)) = (&identity.path, &other.path) else { return false };
        other.key.is_none() && belongs_to(path.as_bytes(), other_path.as_bytes())
    };
    let separate = list.iter().find(plain).or_else(|| list.iter().filter(|_| !identity.agent).find(same_name));
    let signer = separate.unwrap_or(identity);
    Offer { key, agent: signer.agent, file: signer.file, token: false }
}

/// sshconnect2.c `id_filename_matches`.
fn belongs_to(path: &[u8], private: &[u8]) -> bool {
    let suffixes: [&[u8]; 3] = [b"", b".pub", b"-cert.pub"];
    suffixes.iter().any(|suffix| path.strip_suffix(*suffix) == Some(private))
}

/// sshconnect2.c `order_identities_by_prio`: what nobody named changes places among itself, certificates first.
fn order_by_priority(list: &mut [Identity]) {
    let places: Vec<usize> = (0..list.len()).filter(|place| !list[*place].named).collect();
    let mut sorted: Vec<Identity> = places.iter().map(|place| list[*place].clone()).collect();
    sorted.sort_by_key(priority);
    for (place, identity) in places.into_iter().zip(sorted) {
        list[place] = identity;
    }
}

/// sshconnect2.c `identity_prioritise`.
fn priority(identity: &Identity) -> u8 {
    let Some(key) = identity.key.as_ref().filter(|key| key.is_certificate()) else { return 3 };
    let Some(certificate) = key.certificate.as_ref() else { return 3 };
    if !key.is_hardware() {
        return 1;
    }
    let verified = certificate.critical_options.iter().any(|(name, _)| *name == *"verify-required");
    let untouched = public_key::has_extension(&key.blob.0, "no-touch-required");
    match (verified, untouched) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Unobserved;
    use crate::facts::agent::{Agent, AgentAnswer, AgentKey};
    use crate::facts::config::SshProgram;
    use crate::facts::identities::{FileError, PublicFile};
    use crate::openssh::wire::put_string;
    use crate::testing::{Folder, ssh_keygen};

    fn named(algorithm: &str) -> PublicKey {
        let mut blob = Vec::new();
        put_string(&mut blob, algorithm.as_bytes());
        put_string(&mut blob, &[1; 32]);
        public_key::from_blob(&blob, b"").unwrap()
    }

    /// Key, the server's list, the client's, and what is chosen.
    type Row<'a> = (&'a str, Option<&'a [&'a str]>, &'a [&'a str], Option<&'a str>);

    #[test]
    fn the_signature_algorithm_is_the_first_of_the_clients_that_the_server_lists() {
        let today = &["ssh-ed25519", "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512", "rsa-sha2-256"][..];
        let sha1 = &["ssh-rsa", "rsa-sha2-256", "ssh-rsa-cert-v01@openssh.com"][..];
        let both = &["ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"][..];
        let rows: &[Row<'_>] = &[
            ("ssh-rsa", Some(both), today, Some("rsa-sha2-512")),
            ("ssh-rsa", Some(&["rsa-sha2-256"]), today, Some("rsa-sha2-256")),
            ("ssh-rsa", Some(&["ssh-rsa"]), today, None),
            ("ssh-rsa", Some(&["ssh-rsa"]), sha1, Some("ssh-rsa")),
            ("ssh-rsa", Some(both), sha1, Some("rsa-sha2-256")),
            ("ssh-rsa", None, today, None),
            ("ssh-rsa", None, sha1, Some("ssh-rsa")),
            ("ssh-rsa-cert-v01@openssh.com", Some(both), today, Some("rsa-sha2-512-cert-v01@openssh.com")),
            ("ssh-rsa-cert-v01@openssh.com", Some(&["ssh-rsa"]), sha1, Some("ssh-rsa-cert-v01@openssh.com")),
            ("ssh-rsa-cert-v01@openssh.com", None, today, None),
            ("ssh-ed25519", Some(&[]), today, Some("ssh-ed25519")),
            ("ssh-ed25519", None, sha1, None),
            ("ssh-dss", None, today, None),
            ("ssh-dss", None, &["ssh-dss"], Some("ssh-dss")),
        ];
        for (key, server, accepted, expected) in rows {
            let chosen = signature_algorithm(&named(key), *server, accepted);
            assert_eq!(chosen.as_deref(), *expected, "{key} {server:?} {accepted:?}");
        }
    }

    #[test]
    fn some_servers_are_believed_to_take_other_algorithms_than_they_list() {
        let sent = Some(&["ssh-ed25519", "ssh-rsa"][..]);
        let (plain, certificate) = (named("ssh-rsa"), named("ssh-rsa-cert-v01@openssh.com"));
        let sha2 = Some(&["rsa-sha2-256", "rsa-sha2-512"][..]);
        for (software, of_plain, of_certificate) in [
            ("OpenSSH_9.2p1 Debian-2", sent, sent),
            ("OpenSSH_7.4", sha2, None),
            ("OpenSSH_7.4p1 Debian-10", sha2, None),
            ("OpenSSH_7.7p1", sent, None),
            ("OpenSSH_7.8", sent, sent),
            ("dropbear_2022.83", sent, sent),
        ] {
            assert_eq!(believed_server_algorithms(software.as_bytes(), &plain, sent), of_plain, "{software}");
            assert_eq!(
                believed_server_algorithms(software.as_bytes(), &certificate, sent),
                of_certificate,
                "{software}"
            );
            assert_eq!(believed_server_algorithms(software.as_bytes(), &plain, None), None);
        }
    }

    #[test]
    fn names_in_signatures_and_flags_follow_the_algorithm() {
        for (algorithm, name, flags) in [
            ("rsa-sha2-512", "rsa-sha2-512", 4),
            ("rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-256", 2),
            ("ssh-rsa", "ssh-rsa", 0),
            ("ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 0),
            ("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 0),
            ("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 0),
        ] {
            assert_eq!((name_in_signature(algorithm).as_str(), agent_flags(algorithm)), (name, flags));
        }
    }

    fn facts_with_agent(keys: Vec<PublicKey>) -> Facts {
        let mut facts = Facts::default();
        let keys = keys.into_iter().map(|key| AgentKey { key }).collect();
        facts.agent = Ok(Agent {
            socket: None,
            answer: Ok(AgentAnswer::Lists(keys)),
            bound: Err(Unobserved::NotAttempted),
            locked: Ok(false),
        });
        facts
    }

    #[test]
    fn a_broken_key_in_the_agent_costs_ssh_the_whole_list_and_an_unknown_one_only_itself() {
        let good = named("ssh-ed25519");
        let unknown = named("ssh-new@example.com");
        let broken = public_key::from_blob(b"\0\0\0\x0bssh-ed25519", b"").unwrap();
        let facts = facts_with_agent(vec![good.clone(), unknown.clone()]);
        assert_eq!(offers(&facts), [Offer { key: Some(good.clone()), agent: true, file: None, token: false }]);
        let mut newer = facts.clone();
        newer.config.options.set("pubkeyacceptedalgorithms", "ssh-ed25519,ssh-new@example.com");
        assert_eq!(offers(&newer).len(), 2);
        assert_eq!(offers(&facts_with_agent(vec![good, broken])), []);
    }

    #[test]
    fn nothing_known_offers_nothing() {
        assert_eq!(offers(&Facts::default()), []);
    }

    #[test]
    fn from_10_5_on_certificates_that_nobody_named_come_first() {
        let folder = Folder::new();
        let ca = folder.key("ca", &["-t", "ed25519"]);
        let path = folder.key("key", &["-t", "ed25519"]);
        let words = ["-q", "-s", ca.to_str().unwrap(), "-I", "id"].map(std::ffi::OsStr::new);
        ssh_keygen(&[&words[..], &[path.with_extension("pub").as_os_str()]].concat());
        let read = |name: &str| public_key::from_line(&std::fs::read(folder.path(name)).unwrap()).unwrap();
        let (plain, certificate, other) = (read("key.pub"), read("key-cert.pub"), named("ssh-ed25519"));
        let mut facts = facts_with_agent(vec![other.clone(), plain.clone(), certificate.clone()]);
        let order =
            |facts: &Facts| -> Vec<_> { offers(facts).into_iter().map(|offer| offer.key.unwrap().blob).collect() };
        for (version, expected) in [
            ("OpenSSH_9.2p1", [&other, &plain, &certificate]),
            ("OpenSSH_10.4p1", [&other, &plain, &certificate]),
            ("OpenSSH_10.5p1", [&certificate, &other, &plain]),
        ] {
            facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: version.into() });
            assert_eq!(order(&facts), expected.map(|key| key.blob.clone()), "{version}");
        }
    }

    #[test]
    fn a_certificate_is_signed_for_by_the_plain_key_that_ssh_has() {
        let folder = Folder::new();
        let ca = folder.key("ca", &["-t", "ed25519"]);
        let path = folder.key("key", &["-t", "ed25519"]);
        let words = ["-q", "-s", ca.to_str().unwrap(), "-I", "id"].map(std::ffi::OsStr::new);
        ssh_keygen(&[&words[..], &[path.with_extension("pub").as_os_str()]].concat());
        let read = |name: &str| public_key::from_line(&std::fs::read(folder.path(name)).unwrap()).unwrap();
        let (plain, certificate) = (read("key.pub"), read("key-cert.pub"));
        let state = Err(FileError { errno: "ENOENT".into(), at: None });
        let file = PublicFile { path: "/x-cert.pub".into(), state, key: Some(certificate.clone()) };
        let mut identities = Identities::default();
        identities.certificates.push(CertificateFile { configured: "/x-cert.pub".into(), file });
        let mut facts = facts_with_agent(vec![plain.clone()]);
        facts.identities = Ok(identities);
        let of_certificate = |facts: &Facts| offers(facts).into_iter().next().unwrap();
        let expected = Offer { key: Some(certificate), agent: true, file: None, token: false };
        assert_eq!(of_certificate(&facts), expected);
        facts.config.options.set("identitiesonly", "yes");
        assert_eq!(of_certificate(&facts), Offer { agent: false, ..expected }, "the agent's key is not ssh's to use");
    }
}
