//! Under which names ssh looks a host key up, what a known_hosts line matches, and what the answer is
//! (sshconnect.c `verify_host_key`, `check_host_key`, `get_hostfile_hostname_ipaddr`; hostfile.c
//! `match_maybe_hashed`, `check_hostkeys_by_key_or_type`; sshkey.c `sshkey_cert_check_host`).

use std::net::IpAddr;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::patterns::{self, Match};
use super::{prompts, public_key, tokens};
use crate::facts::config::Options;
use crate::facts::host_key::{Elsewhere, KnownHost, KnownHosts, Marker, OfferedHostKey};
use crate::facts::key::{Blob, Certificate, CertificateKind, PublicKey};
use crate::facts::text::Host;
use crate::facts::{Facts, Source, Unobserved};

/// The port that known_hosts lines leave out (ssh.h `SSH_DEFAULT_PORT`).
const DEFAULT_PORT: u16 = 22;

/// The longest salt that ssh decodes, in base64 characters (hostfile.c `extract_salt`).
const LONGEST_SALT: usize = 1024;

/// What ssh would make of the host key that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A line names this key, or a trusted CA signed its certificate.
    Match(KnownHost),
    /// No line matches the name.
    Unknown,
    /// Lines match the name and hold other keys.
    Changed(Vec<KnownHost>),
    /// `@revoked` or `RevokedHostKeys` names it.
    Revoked,
    /// It is a host certificate that ssh does not accept, for this reason, and its plain key is not known either.
    BadCertificate(String),
}

/// What ssh does after looking at the host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It goes on.
    GoOn,
    /// It asks a person first: queries may go on, but no signature, no password, no channel.
    Ask,
    /// It stops: nothing more is sent.
    Stop,
}

/// The answers of `StrictHostKeyChecking` (readconf.c `multistate_strict_hostkey`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// `yes`: an unknown key is refused.
    Yes,
    /// `ask`, the default: an unknown key is shown to a person.
    Ask,
    /// `accept-new`: an unknown key is taken, a changed one refused.
    AcceptNew,
    /// `no` or `off`: an unknown key is taken, and with a changed one ssh goes on without passwords.
    Off,
}

/// The names under which ssh looks for a server's host keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The name proper: `HostKeyAlias`, or the host with its port where that is not 22.
    pub host: Host,
    /// The host without its port, under which ssh looks next where the name proper has no line.
    pub bare: Option<Host>,
    /// The address, where `CheckHostIP` has it checked as well.
    pub address: Option<Host>,
}

impl Names {
    /// All of them, the name proper first: the order of `KnownHosts.names`.
    pub fn all(&self) -> Vec<Host> {
        [Some(&self.host), self.bare.as_ref(), self.address.as_ref()].into_iter().flatten().cloned().collect()
    }
}

/// The names under which ssh looks; `None` where no target is known. Before a connection there is no address.
pub fn names(facts: &Facts) -> Option<Names> {
    let target = facts.target.as_ref().ok()?;
    let lowered = target.host.as_bytes().to_ascii_lowercase();
    let alias = alias(&facts.config.options);
    let host = match alias {
        Some(alias) => Host::from(alias.to_ascii_lowercase()),
        None => with_port(&lowered, target.port),
    };
    let bare = (alias.is_none() && target.port != DEFAULT_PORT).then(|| Host::new(lowered.clone()));
    let address = checked_address(facts, &lowered).map(|address| with_port(address.as_bytes(), target.port));
    Some(Names { host, bare, address })
}

/// `HostKeyAlias`, where one is set.
pub fn alias(options: &Options) -> Option<&str> {
    options.first("hostkeyalias").filter(|alias| !alias.is_empty() && *alias != "none")
}

/// The address that `CheckHostIP` has ssh look up too: not for a loopback address, nor where the host is an address.
fn checked_address(facts: &Facts, host: &[u8]) -> Option<String> {
    if !facts.config.options.is_yes("checkhostip") {
        return None;
    }
    let connect = facts.connect.as_ref().ok().filter(|connect| connect.proxy.is_none())?;
    let address = connect.established()?.as_str()?;
    (!is_local(address) && address.as_bytes() != host).then(|| address.to_owned())
}

/// Whether ssh takes the address for this machine's own (sshconnect.c `sockaddr_is_local`).
fn is_local(address: &str) -> bool {
    let without_zone = address.split('%').next().unwrap_or_default();
    without_zone.parse::<IpAddr>().is_ok_and(|address| match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback(),
    })
}

/// `host`, or `[host]:port` where the port is not ssh's own (misc.c `put_host_port`).
fn with_port(host: &[u8], port: u16) -> Host {
    if port == DEFAULT_PORT {
        return Host::new(host);
    }
    let mut name = b"[".to_vec();
    name.extend_from_slice(host);
    name.extend_from_slice(format!("]:{port}").as_bytes());
    Host::new(name)
}

/// Whether the name field of a known_hosts line matches `name`; `None` where the field is a broken hash.
pub fn matches(name: &Host, field: &[u8]) -> Option<bool> {
    if field.first() != Some(&b'|') {
        return Some(patterns::match_hostname(name.as_bytes(), field) == Match::Yes);
    }
    let salt = field.strip_prefix(b"|1|")?.split(|byte| *byte == b'|').next()?;
    let whole = salt.len() + b"|1||".len() <= field.len();
    if !whole || salt.is_empty() || salt.len() > LONGEST_SALT {
        return None;
    }
    let salt = BASE64.decode(salt).ok().filter(|salt| salt.len() == 20)?;
    let mut hmac = Hmac::<Sha1>::new_from_slice(&salt).ok()?;
    hmac.update(name.as_bytes());
    let hash = BASE64.encode(&hmac.finalize().into_bytes());
    Some(field == format!("|1|{}|{hash}", BASE64.encode(&salt)).as_bytes())
}

/// What `StrictHostKeyChecking` says.
pub fn strict(options: &Options) -> Strict {
    match options.first("stricthostkeychecking") {
        Some("yes" | "true") => Strict::Yes,
        Some("no" | "off" | "false") => Strict::Off,
        Some("accept-new") => Strict::AcceptNew,
        _ => Strict::Ask,
    }
}

/// What ssh would make of the host key; `None` where no host key was met.
///
/// It is what the files say, and what is known of what ssh learnt elsewhere. Where that is not known
/// ([`asks_elsewhere`]), ssh may know better.
pub fn standing(facts: &Facts) -> Option<Standing> {
    let by_files = standing_in_files(facts)?;
    let (offered, known) = (facts.host_key.offered.as_ref().ok()?, facts.host_key.known.as_ref().ok()?);
    let line = |at: &Source, key: PublicKey| KnownHost {
        at: at.clone(),
        marker: Marker::None,
        name: known.names.first().cloned().unwrap_or_default(),
        hashed: false,
        key,
    };
    // ssh puts what the command says beside the files' lines.
    Some(match (by_files, &facts.host_key.elsewhere) {
        (Standing::Unknown | Standing::Changed(_), Ok(Elsewhere::Matches(at))) => {
            Standing::Match(line(at, offered.key.clone()))
        }
        (Standing::Unknown, Ok(Elsewhere::Differs(at))) => {
            let algorithm = offered.key.plain_algorithm();
            let other = PublicKey { algorithm, blob: Blob::default(), fingerprint: "".into(), ..offered.key.clone() };
            Standing::Changed(vec![line(at, other)])
        }
        (by_files, _) => by_files,
    })
}

/// As [`standing`], by the files alone.
fn standing_in_files(facts: &Facts) -> Option<Standing> {
    let offered = facts.host_key.offered.as_ref().ok()?;
    if matches!(offered.revoked_by_file, Ok(Some(_))) {
        return Some(Standing::Revoked);
    }
    let known = facts.host_key.known.as_ref().ok()?;
    let Some(certificate) = offered.key.certificate.as_deref() else {
        return Some(plain_standing(facts, known, offered));
    };
    let (host, bare) = (of_name(facts, known, Role::Host), of_name(facts, known, Role::Bare));
    let reason = match certificate_status(facts, &host, certificate) {
        CertificateStatus::Revoked => return Some(Standing::Revoked),
        CertificateStatus::Signed(line) => return Some(Standing::Match(line)),
        CertificateStatus::Refused(reason) => Some(reason),
        CertificateStatus::Unsigned => {
            let reason = match certificate_status(facts, &bare, certificate) {
                CertificateStatus::Signed(line) => return Some(Standing::Match(line)),
                CertificateStatus::Refused(reason) => Some(reason),
                CertificateStatus::Revoked | CertificateStatus::Unsigned => {
                    let trusts_a_ca = host.iter().chain(&bare).any(|entry| entry.marker == Marker::CertAuthority);
                    trusts_a_ca
                        .then(|| "it is signed by none of the CAs that known_hosts trusts for this name".to_owned())
                }
            };
            // The look without the port tries the plain key as well, before the name proper is looked up for it.
            if let Standing::Match(line) = plain_status(facts, &bare, &offered.key) {
                return Some(Standing::Match(line));
            }
            reason
        }
    };
    if !plain_key_permitted(facts, offered) {
        let refused = "HostKeyAlgorithms allows the key in a certificate only".to_owned();
        return Some(Standing::BadCertificate(reason.unwrap_or(refused)));
    }
    Some(match (plain_standing(facts, known, offered), reason) {
        (Standing::Unknown, Some(reason)) => Standing::BadCertificate(reason),
        (standing, _) => standing,
    })
}

/// What ssh would make of the plain key.
fn plain_standing(facts: &Facts, known: &KnownHosts, offered: &OfferedHostKey) -> Standing {
    match plain_status(facts, &of_name(facts, known, Role::Host), &offered.key) {
        // The look without the port is a whole check of its own; only its success counts.
        Standing::Unknown => match plain_status(facts, &of_name(facts, known, Role::Bare), &offered.key) {
            Standing::Match(line) => Standing::Match(line),
            Standing::Revoked if strict(&facts.config.options) == Strict::Off => Standing::Revoked,
            _ => Standing::Unknown,
        },
        standing => standing,
    }
}

/// hostfile.c `check_hostkeys_by_key_or_type` for a plain key: any equal key is a match, else any key is a change.
fn plain_status(facts: &Facts, lines: &[&KnownHost], key: &PublicKey) -> Standing {
    if lines.iter().any(|line| line.marker == Marker::Revoked && is_plain_key_of(key, &line.key)) {
        return Standing::Revoked;
    }
    let hosts = || lines.iter().copied().filter(|line| line.marker == Marker::None && is_read(facts, &line.key));
    if let Some(line) = hosts().find(|line| is_plain_key_of(key, &line.key)) {
        return Standing::Match(line.clone());
    }
    let others: Vec<KnownHost> = hosts().cloned().collect();
    if others.is_empty() { Standing::Unknown } else { Standing::Changed(others) }
}

/// What a set of lines says about a host certificate.
enum CertificateStatus {
    /// It, its key or its CA is revoked.
    Revoked,
    /// This CA line covers it, and it is valid.
    Signed(KnownHost),
    /// A CA line covers it, and it is not valid for this reason.
    Refused(String),
    /// No CA line covers it.
    Unsigned,
}

/// hostfile.c `check_hostkeys_by_key_or_type` and sshkey.c `sshkey_cert_check_host` for a certificate.
fn certificate_status(facts: &Facts, lines: &[&KnownHost], certificate: &Certificate) -> CertificateStatus {
    let is_revoked = |line: &&KnownHost| {
        line.marker == Marker::Revoked && (line.key.blob == certificate.key || line.key.fingerprint == certificate.ca)
    };
    if lines.iter().any(is_revoked) {
        return CertificateStatus::Revoked;
    }
    let ca = lines.iter().find(|line| line.marker == Marker::CertAuthority && line.key.fingerprint == certificate.ca);
    match (ca, certificate_fault(facts, certificate)) {
        (None, _) => CertificateStatus::Unsigned,
        (Some(_), Some(fault)) => CertificateStatus::Refused(fault),
        (Some(line), None) => CertificateStatus::Signed((*line).clone()),
    }
}

/// Why ssh does not take a certificate for this host although it trusts its CA (sshkey.c `sshkey_cert_check_host`).
fn certificate_fault(facts: &Facts, certificate: &Certificate) -> Option<String> {
    let now = u64::try_from(facts.observed_at.unix_seconds).unwrap_or_default();
    let name = match alias(&facts.config.options) {
        Some(alias) => alias.to_ascii_lowercase().into_bytes(),
        None => facts.target.as_ref().ok()?.host.as_bytes().to_ascii_lowercase(),
    };
    if certificate.kind != CertificateKind::Host {
        return Some("it is a certificate for users, not for hosts".to_owned());
    }
    if now < certificate.valid_after {
        return Some("it is not valid yet".to_owned());
    }
    if now >= certificate.valid_before {
        return Some("it has expired".to_owned());
    }
    // From 10.3 on a principal may be a pattern, and a certificate without principals is for no host at all.
    let patterns_allowed = version(facts).is_none_or(|version| version >= (10, 3));
    let matches = |principal: &[u8]| {
        if patterns_allowed { patterns::match_pattern(&name, principal) } else { name == principal }
    };
    let principals = &certificate.principals;
    if principals.is_empty() && patterns_allowed {
        return Some("it names no host at all".to_owned());
    }
    if !principals.is_empty() && !principals.iter().any(|principal| matches(principal.as_bytes())) {
        return Some(format!("it is for other host names than {}", Host::new(name)));
    }
    if !certificate.critical_options.is_empty() {
        return Some("it has critical options, which ssh does not know for hosts".to_owned());
    }
    let offered = facts.host_key.offered.as_ref().ok()?;
    let allowed = facts.config.options.names("casignaturealgorithms");
    let signed_with = public_key::ca_signature_algorithm(&offered.key.blob.0)?;
    let forbidden = !allowed.is_empty() && !allowed.contains(&signed_with.as_str());
    forbidden.then(|| format!("its CA signed it with {signed_with}, which CASignatureAlgorithms leaves out"))
}

/// Whether `line` holds the plain key of `key` (sshkey.c `sshkey_equal_public`).
fn is_plain_key_of(key: &PublicKey, line: &PublicKey) -> bool {
    let blob = key.certificate.as_deref().map_or(&key.blob, |certificate| &certificate.key);
    if blob.0.is_empty() || line.blob.0.is_empty() {
        return !key.fingerprint.is_empty() && key.fingerprint == line.fingerprint;
    }
    blob == &line.blob
}

/// Whether the user's ssh can read a key of this type at all; a line it cannot read is no line to it.
fn is_read(facts: &Facts, key: &PublicKey) -> bool {
    key.algorithm != "ssh-dss" || version(facts).is_none_or(|version| version < (10, 0))
}

/// After a certificate that does not hold, ssh from 9.8 on takes the plain key only where HostKeyAlgorithms has its type
/// (sshconnect.c `hostkey_accepted_by_hostkeyalgs`).
fn plain_key_permitted(facts: &Facts, offered: &OfferedHostKey) -> bool {
    let permitted = facts.config.options.names("hostkeyalgorithms");
    let plain = offered.key.plain_algorithm();
    let is_plain =
        |name: &&str| *name == plain || (plain == "ssh-rsa" && name.starts_with("rsa-sha2-") && !name.contains("cert"));
    version(facts).is_some_and(|version| version < (9, 8)) || permitted.is_empty() || permitted.iter().any(is_plain)
}

/// Major and minor number of the user's ssh; `None` where it is not known.
fn version(facts: &Facts) -> Option<(u32, u32)> {
    tokens::version(&facts.config.ssh.as_ref().ok()?.version)
}

/// In which part a name is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The name proper.
    Host,
    /// The host without its port.
    Bare,
    /// The address.
    Address,
}

/// The lines that match the name of this part. `KnownHosts.names` holds the parts in the order of [`Names::all`], and
/// whether there is a bare one follows from the options; so the names themselves need not be known here.
fn of_name<'a>(facts: &Facts, known: &'a KnownHosts, role: Role) -> Vec<&'a KnownHost> {
    let port = facts.target.as_ref().map_or(DEFAULT_PORT, |target| target.port);
    let has_bare = alias(&facts.config.options).is_none() && port != DEFAULT_PORT;
    let at = match role {
        Role::Host => Some(0),
        Role::Bare => has_bare.then_some(1),
        Role::Address => Some(if has_bare { 2 } else { 1 }),
    };
    let Some(name) = at.and_then(|at| known.names.get(at)) else { return Vec::new() };
    known.entries.iter().filter(|entry| &entry.name == name).collect()
}

/// The lines for the server's address that hold another key, where `CheckHostIP` makes ssh compare it and no line for
/// the address holds the key that was met. Not looked at with a host certificate.
pub fn address_conflict(facts: &Facts) -> Vec<KnownHost> {
    let (Ok(offered), Ok(known)) = (&facts.host_key.offered, &facts.host_key.known) else { return Vec::new() };
    if offered.key.is_certificate() {
        return Vec::new();
    }
    match plain_status(facts, &of_name(facts, known, Role::Address), &offered.key) {
        Standing::Changed(lines) => lines,
        _ => Vec::new(),
    }
}

/// Whether ssh asks more than the files, so that a key they do not know may be known all the same: the option that
/// makes it do so (`KnownHostsCommand`, which the probe does not run, or `VerifyHostKeyDNS`). `None` where ssh itself has
/// said what came of it.
pub fn asks_elsewhere(facts: &Facts) -> Option<&'static str> {
    if facts.host_key.elsewhere.is_ok() {
        return None;
    }
    let options = &facts.config.options;
    if options.first("knownhostscommand").is_some_and(|command| !command.is_empty() && command != "none") {
        return Some("KnownHostsCommand");
    }
    options.is_yes("verifyhostkeydns").then_some("VerifyHostKeyDNS")
}

/// Whether `NoHostAuthenticationForLocalhost` makes ssh take any key from this machine itself.
pub fn is_exempt(facts: &Facts) -> bool {
    let options = &facts.config.options;
    let address =
        facts.connect.as_ref().ok().and_then(|connect| connect.established()).and_then(|address| address.as_str());
    options.is_yes("nohostauthenticationforlocalhost") && alias(options).is_none() && address.is_some_and(is_local)
}

/// The `RevokedHostKeys` file that could not be read: ssh then takes no host key at all.
pub fn unreadable_revocation(facts: &Facts) -> Option<&crate::facts::host_key::RevokedHostKeys> {
    let known = facts.host_key.known.as_ref().ok()?;
    known.revoked_host_keys.iter().find(|file| file.error.is_some())
}

/// Whether the key is shorter than `RequiredRSASize` (sshconnect2.c `verify_host_key_callback`).
pub fn is_too_small(options: &Options, key: &PublicKey) -> bool {
    public_key::is_short_rsa(key, options)
}

/// What ssh would do, by `StrictHostKeyChecking` and whether a person can be asked. `Stop` where no key was met.
pub fn course(facts: &Facts) -> Course {
    let options = &facts.config.options;
    let (Ok(offered), Some(standing)) = (&facts.host_key.offered, standing(facts)) else { return Course::Stop };
    let listed = matches!(offered.revoked_by_file, Ok(Some(_)));
    let unchecked = matches!(offered.revoked_by_file, Err(Unobserved::Failed(_) | Unobserved::TimedOut));
    if listed || unchecked || unreadable_revocation(facts).is_some() || is_too_small(options, &offered.key) {
        return Course::Stop;
    }
    if is_exempt(facts) {
        return Course::GoOn;
    }
    let strict = strict(options);
    let asked = if prompts::can_be_asked(facts) { Course::Ask } else { Course::Stop };
    let by_name = match (standing, strict) {
        (Standing::Unknown | Standing::BadCertificate(_), _) if remembers_nothing(options) => Course::Stop,
        (Standing::Match(_), _)
        | (Standing::Unknown | Standing::BadCertificate(_), Strict::AcceptNew | Strict::Off)
        | (Standing::Changed(_) | Standing::Revoked, Strict::Off) => Course::GoOn,
        (Standing::Unknown | Standing::BadCertificate(_), Strict::Ask) => asked,
        (Standing::Unknown | Standing::BadCertificate(_), Strict::Yes)
        | (Standing::Changed(_) | Standing::Revoked, _) => Course::Stop,
    };
    if by_name == Course::Stop || address_conflict(facts).is_empty() {
        return by_name;
    }
    match strict {
        Strict::Off => by_name,
        Strict::Ask => asked,
        Strict::Yes | Strict::AcceptNew => Course::Stop,
    }
}

/// Whether `UserKnownHostsFile none` leaves ssh no file to write a new key to: then it takes none, and asks nobody
/// (sshconnect.c `check_host_key`, `readonly`).
pub fn remembers_nothing(options: &Options) -> bool {
    options.first("userknownhostsfile").is_some_and(|files| files.eq_ignore_ascii_case("none"))
}

/// Whether ssh goes on with a key that it does not trust, and so gives no password and answers no question of the
/// server (sshconnect.c `check_host_key`, from `continue_unsafe`).
pub fn is_without_passwords(facts: &Facts) -> bool {
    let distrusted = matches!(standing(facts), Some(Standing::Changed(_) | Standing::Revoked));
    distrusted && !is_exempt(facts) && course(facts) == Course::GoOn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::connect::{Attempt, Connect, Dial};
    use crate::facts::proxy::Proxy;

    fn facts(host: &str, port: u16, address: &str, options: &[(&str, &str)]) -> Facts {
        let attempt = Attempt { address: address.into(), port, outcome: Dial::Established, millis: 1.0 };
        let mut facts = Facts {
            target: Ok(Target { host: host.into(), port, ..Target::default() }),
            connect: Ok(Connect { attempts: vec![attempt], ..Connect::default() }),
            ..Facts::default()
        };
        for (keyword, value) in options {
            facts.config.options.set(keyword, value);
        }
        facts
    }

    fn looked_up(facts: &Facts) -> Vec<String> {
        names(facts).unwrap().all().iter().map(ToString::to_string).collect()
    }

    const CHECK: (&str, &str) = ("checkhostip", "yes");

    #[test]
    fn the_port_stands_with_the_name_unless_it_is_22() {
        assert_eq!(looked_up(&facts("WEB1", 22, "192.0.2.7", &[])), ["web1"]);
        assert_eq!(looked_up(&facts("web1", 2222, "192.0.2.7", &[])), ["[web1]:2222", "web1"]);
        assert_eq!(looked_up(&facts("web1", 2222, "192.0.2.7", &[("hostkeyalias", "Other")])), ["other"]);
    }

    #[test]
    fn the_address_is_looked_up_only_where_it_says_more() {
        assert_eq!(looked_up(&facts("web1", 22, "192.0.2.7", &[CHECK])), ["web1", "192.0.2.7"]);
        assert_eq!(looked_up(&facts("web1", 2222, "::2", &[CHECK])), ["[web1]:2222", "web1", "[::2]:2222"]);
        assert_eq!(looked_up(&facts("192.0.2.7", 22, "192.0.2.7", &[CHECK])), ["192.0.2.7"]);
        assert_eq!(looked_up(&facts("web1", 22, "127.0.0.9", &[CHECK])), ["web1"]);
        let mut proxied = facts("web1", 22, "192.0.2.7", &[CHECK]);
        proxied.connect.as_mut().unwrap().proxy = Some(Proxy::Command("nc %h %p".into()));
        assert_eq!(looked_up(&proxied), ["web1"]);
        proxied.connect = Err(Unobserved::NotAttempted);
        assert_eq!(looked_up(&proxied), ["web1"]);
    }

    #[test]
    fn this_machine_is_exempt_only_where_the_option_says_so() {
        let exempting = ("nohostauthenticationforlocalhost", "yes");
        assert!(is_exempt(&facts("localhost", 22, "127.0.0.1", &[exempting])));
        assert!(is_exempt(&facts("localhost", 22, "::1", &[exempting])));
        assert!(!is_exempt(&facts("localhost", 22, "127.0.0.1", &[])));
        assert!(!is_exempt(&facts("web1", 22, "192.0.2.7", &[exempting])));
        assert!(!is_exempt(&facts("localhost", 22, "127.0.0.1", &[exempting, ("hostkeyalias", "web1")])));
    }

    #[test]
    fn a_broken_hash_matches_nothing() {
        for field in ["|1|", "|1|AAAA|BBBB", "|2|AAAA|BBBB", "|"] {
            assert_eq!(matches(&"web1".into(), field.as_bytes()), None, "{field}");
        }
    }
}
