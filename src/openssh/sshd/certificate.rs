//! How sshd decides about one user certificate (auth2-pubkey.c `user_cert_trusted_ca`, auth2-pubkeyfile.c
//! `auth_check_authkey_line`, `auth_check_principals_line`; sshkey.c `sshkey_cert_check_authority`).

use super::client;
use super::key::{Outcome, access, offset_seconds, unreadable};
use crate::facts::account::{Account, KeysFile, KeysLine, Login};
use crate::facts::config::Options;
use crate::facts::key::{Certificate, CertificateKind, PublicKey};
use crate::facts::text::ServerText;
use crate::openssh::authorized_keys::{self, Refusal};
use crate::openssh::certificates::{self, Validity};
use crate::openssh::patterns::{Match, match_pattern_list};
use crate::openssh::public_key::ca_signature_algorithm;

/// Why sshd refuses a certificate of a CA that it trusts.
#[derive(Debug, Clone, PartialEq)]
pub enum CertificateRefusal {
    /// It is one for hosts.
    NotForUsers,
    /// It is outside its validity by the server's clock.
    Validity(Validity),
    /// It has no principals.
    NoPrincipals,
    /// None of its principals is one of these.
    Principal(Vec<String>),
    /// The principal stands in this line of AuthorizedPrincipalsFile, whose options refuse it.
    PrincipalLine(u32, Refusal),
    /// AuthorizedPrincipalsFile is not read.
    PrincipalsFile(Outcome),
    /// Its `source-address` does not have the client's address.
    Source(String),
    /// Its `source-address` is no list of addresses.
    BadSource(String),
    /// It has a critical option that sshd does not know.
    UnknownOption(ServerText),
}

/// What the CA of a certificate is to sshd (TrustedUserCAKeys).
#[derive(Debug, Clone, PartialEq)]
pub enum Authority<'a> {
    /// TrustedUserCAKeys is not used.
    None,
    /// The file is not there, or cannot be read.
    Unreadable(&'a KeysFile),
    /// The file could not be seen from here, or a program that maps principals was not run.
    NotSeen,
    /// The CA is not in the file.
    NotListed(&'a KeysFile),
    /// A line that sshd cannot read stands before the CA: it reads no further (authfile.c `sshkey_in_file`).
    Behind(&'a KeysFile, u32),
    /// sshd trusts it, and refuses the certificate.
    Refuses(CertificateRefusal),
    /// sshd trusts it and lets the certificate in: the file and the line.
    Lets(&'a KeysFile, u32),
}

/// CASignatureAlgorithms: the algorithm of the CA's signature where sshd does not take it (sshkey.c
/// `sshkey_check_cert_sigtype`).
pub fn refused_signature(settings: &Options, key: &PublicKey) -> Option<String> {
    key.certificate.as_ref()?;
    let algorithm = ca_signature_algorithm(&key.blob.0)?;
    let list = settings.first("casignaturealgorithms")?;
    (match_pattern_list(algorithm.as_bytes(), list.as_bytes()) != Match::Yes).then_some(algorithm)
}

/// auth2-pubkey.c `user_cert_trusted_ca`.
pub fn authority<'a>(account: &'a Account, login: &'a Login, settings: &Options, key: &PublicKey) -> Authority<'a> {
    let Some(certificate) = key.certificate.as_deref() else { return Authority::None };
    let Some(file) = login.ca_files.first() else { return Authority::None };
    if unreadable(account, file) {
        return Authority::Unreadable(file);
    }
    if file.error.is_some() || file.cut_at.is_some() {
        return Authority::NotSeen;
    }
    let line = match listed(file, certificate) {
        Ok(Some(line)) => line,
        Ok(None) => return Authority::NotListed(file),
        Err(line) => return Authority::Behind(file, line),
    };
    match principals(account, login, settings, certificate) {
        Mapped::Unseen => return Authority::NotSeen,
        Mapped::Refused(refusal) => return Authority::Refuses(refusal),
        Mapped::No => {}
        Mapped::Yes => {
            let refusal = by_itself(account, login, certificate, None);
            return refusal.map_or(Authority::Lets(file, line), Authority::Refuses);
        }
    }
    let Ok(Some(passwd)) = &login.passwd else { return Authority::NotSeen };
    let refusal = by_itself(account, login, certificate, Some(passwd.name.as_bytes()));
    refusal.map_or(Authority::Lets(file, line), Authority::Refuses)
}

/// authfile.c `sshkey_in_file`: the line of the CA; the line at which sshd gives the file up.
fn listed(file: &KeysFile, certificate: &Certificate) -> Result<Option<u32>, u32> {
    for (number, line) in (1..).zip(&file.lines) {
        let text = match line {
            KeysLine::Text(text) => text.as_bytes(),
            KeysLine::Comment => continue,
            KeysLine::Base64(_) | KeysLine::Other(_) => return Err(number),
        };
        match authorized_keys::plain(text) {
            None if text.trim_ascii().is_empty() => {}
            None => return Err(number),
            Some(key) if key.fingerprint == certificate.ca && !key.is_certificate() => return Ok(Some(number)),
            Some(_) => {}
        }
    }
    Ok(None)
}

/// What becomes of the principals.
enum Mapped {
    /// Nothing maps them: the account's name has to be among them.
    No,
    /// One of them is listed for this account.
    Yes,
    /// None is, or the line refuses this login.
    Refused(CertificateRefusal),
    /// It could not be seen.
    Unseen,
}

/// AuthorizedPrincipalsFile and AuthorizedPrincipalsCommand (auth2-pubkeyfile.c `auth_process_principals`).
fn principals(account: &Account, login: &Login, settings: &Options, certificate: &Certificate) -> Mapped {
    let asks = login.commands.iter().any(|command| command.setting == "authorizedprincipalscommand");
    let Some(file) = &login.principals else { return if asks { Mapped::Unseen } else { Mapped::No } };
    let outcome = access(account, login, settings, file);
    if asks || outcome == Some(Outcome::NotSeen) {
        let here = outcome.is_none() && matches!(in_file(account, login, file, certificate), Mapped::Yes);
        return if here { Mapped::Yes } else { Mapped::Unseen };
    }
    match outcome {
        Some(outcome) => Mapped::Refused(CertificateRefusal::PrincipalsFile(outcome)),
        None => in_file(account, login, file, certificate),
    }
}

/// The first line that names one of the certificate's principals decides.
fn in_file(account: &Account, login: &Login, file: &KeysFile, certificate: &Certificate) -> Mapped {
    let mut wanted = Vec::new();
    for (number, line) in (1..).zip(&file.lines) {
        let KeysLine::Text(text) = line else {
            // A line that was not shown may name one.
            if matches!(line, KeysLine::Other(_) | KeysLine::Base64(_)) {
                return Mapped::Unseen;
            }
            continue;
        };
        let text = text.as_bytes().split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        if text.is_empty() {
            continue;
        }
        let at = text.iter().rposition(|byte| matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
        let (options, name) = text.split_at(at);
        let Ok(options) = authorized_keys::options(options.trim_ascii()) else { continue };
        if !certificates::names(certificate, name) {
            wanted.push(String::from_utf8_lossy(name).into_owned());
            continue;
        }
        let offset = offset_seconds(&account.collector.at.local);
        let (host, address) = client(login);
        let client = address.map(|address| (host.as_str(), address));
        return match authorized_keys::authorise(&options, account.collector.at.unix_seconds, offset, client) {
            Ok(()) => Mapped::Yes,
            Err(refusal) => Mapped::Refused(CertificateRefusal::PrincipalLine(number, refusal)),
        };
    }
    Mapped::Refused(CertificateRefusal::Principal(wanted))
}

/// sshkey.c `sshkey_cert_check_authority` and the critical options (auth-options.c `sshauthopt_from_cert`). `name`: what
/// has to be among the principals; `None` where they were mapped.
pub fn by_itself(
    account: &Account,
    login: &Login,
    certificate: &Certificate,
    name: Option<&[u8]>,
) -> Option<CertificateRefusal> {
    if certificate.kind != CertificateKind::User {
        return Some(CertificateRefusal::NotForUsers);
    }
    let validity = certificates::validity(certificate, account.collector.at.unix_seconds);
    if !matches!(validity, Validity::Within(_)) {
        return Some(CertificateRefusal::Validity(validity));
    }
    if certificate.principals.is_empty() {
        return Some(CertificateRefusal::NoPrincipals);
    }
    if let Some(name) = name.filter(|name| !certificates::names(certificate, name)) {
        return Some(CertificateRefusal::Principal(vec![String::from_utf8_lossy(name).into_owned()]));
    }
    by_options(login, certificate)
}

/// The critical options.
fn by_options(login: &Login, certificate: &Certificate) -> Option<CertificateRefusal> {
    if let Some(name) = certificates::unknown_option(certificate) {
        return Some(CertificateRefusal::UnknownOption(name.clone()));
    }
    let allowed = certificates::source_addresses(certificate)?;
    let (_, address) = client(login);
    let list = allowed.to_string();
    match certificates::lists(allowed.as_bytes(), address?) {
        Some(true) => None,
        Some(false) => Some(CertificateRefusal::Source(list)),
        None => Some(CertificateRefusal::BadSource(list)),
    }
}

/// What a `cert-authority` line with the certificate's CA makes of it, once its own options let the login in.
pub fn by_line(
    account: &Account,
    login: &Login,
    certificate: &Certificate,
    options: &authorized_keys::Options,
) -> Option<CertificateRefusal> {
    if let Some(refusal) = by_options(login, certificate) {
        return Some(refusal);
    }
    if let Some(list) = &options.principals {
        let names: Vec<String> = list.split(',').take_while(|name| !name.is_empty()).map(str::to_owned).collect();
        if !names.iter().any(|name| certificates::names(certificate, name.as_bytes())) {
            return Some(CertificateRefusal::Principal(names));
        }
        return by_itself(account, login, certificate, None);
    }
    let Ok(Some(passwd)) = &login.passwd else { return None };
    let refusal = by_itself(account, login, certificate, Some(passwd.name.as_bytes()));
    // Up to 10.2 a line takes one without principals for everybody.
    refusal.filter(|refusal| *refusal != CertificateRefusal::NoPrincipals || is_at_least(account, (10, 3)))
}

/// Whether sshd is of that version or a later one; one that says nothing is taken for new.
fn is_at_least(account: &Account, version: (u32, u32)) -> bool {
    let text = account.sshd.version.to_string();
    let mut numbers = text
        .trim_start_matches("OpenSSH_")
        .split(|letter: char| !letter.is_ascii_digit())
        .map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= version,
        _ => true,
    }
}
