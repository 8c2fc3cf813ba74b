//! Certificates: does sshd trust the CA, and does the certificate name somebody whom it lets into this account?

use crate::facts::account::KeysFile;
use crate::facts::key::{Certificate, PublicKey};
use crate::facts::{Facts, Observed};
use crate::openssh::certificates::Validity;
use crate::openssh::public_key;
use crate::openssh::sshd::certificate::{Authority, CertificateRefusal};
use crate::openssh::sshd::key::{LineSays, Obstacle, Outcome as Of};
use crate::openssh::strict_modes::Distrusted;

use super::keys::{Found, append_line, found};
use super::{Scene, deciding, unknown, user};
use crate::checks::{Blocks, Cause, Certainty, Finding, Fix, Place, Step, naming, quoted};

pub(super) const CA_MISMATCH: Cause = Cause {
    id: "server-ca-mismatch",
    title: "sshd does not take this certificate for this account",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "sshd does not trust the CA (TrustedUserCAKeys, or a cert-authority line of authorized_keys), or the certificate \
          names no principal that it lets into this account (the account's name, or those of AuthorizedPrincipalsFile). It \
          logs \"name is not a listed principal\" or \"Certificate does not contain an authorized principal\"; of a CA that it \
          does not know it says nothing at its usual level.\n\n\
          Proven by the CA's key, the files that sshd reads and the certificate's own principals.",
    prevent: "Give the CA's key and the principals to servers and accounts by the same tool that signs.",
    fix: Fix { commands, mend: unknown },
    see: &["OpenSSH auth2-pubkey.c user_cert_trusted_ca", "sshd_config(5) TrustedUserCAKeys, AuthorizedPrincipalsFile"],
    judge: |facts| {
        let Some(seen) = seen(facts)? else { return Ok(None) };
        let ca = format!("it is signed by the CA {} ({})", seen.certificate.ca, seen.certificate.ca_algorithm);
        let (summary, facts_seen) = match &seen.fault {
            Fault::Untrusted(authority) => untrusted(&seen, authority),
            Fault::Signature(algorithm) => (
                format!("sshd takes no certificates that a CA signed with {algorithm}"),
                vec![format!("CASignatureAlgorithms does not have {algorithm}")],
            ),
            Fault::Refused(refusal) => match named(&seen, refusal) {
                Some(said) => said,
                None => return Ok(None),
            },
        };
        let mut finding = Finding::proven(summary).seen(shown(&seen)).seen(ca);
        finding.evidence.extend(facts_seen);
        Ok(Some(unless_open(finding, &seen)))
    },
};

/// A certificate that sshd refuses, and what it refuses of it.
struct Seen<'a> {
    scene: Scene<'a>,
    certificate: Certificate,
    key: PublicKey,
    fault: Fault<'a>,
    /// The line of authorized_keys that has the CA.
    line: Option<(&'a KeysFile, u32)>,
    /// Whether a program that was not run may let it in.
    open: bool,
}

/// What sshd refuses.
enum Fault<'a> {
    /// Nothing makes the CA trusted.
    Untrusted(Authority<'a>),
    /// The CA's signature.
    Signature(String),
    /// The certificate itself.
    Refused(CertificateRefusal),
}

/// The certificate in question that sshd refuses.
fn seen(facts: &Facts) -> Observed<Option<Seen<'_>>> {
    let Some((scene, Found::Of(key, obstacle, open))) = found(facts)? else { return Ok(None) };
    let Some(certificate) = key.certificate.as_deref().cloned() else { return Ok(None) };
    let (fault, line) = match obstacle {
        Obstacle::CaSignature(algorithm) => (Fault::Signature(algorithm), None),
        Obstacle::Authority(Authority::Refuses(refusal)) => (Fault::Refused(refusal), None),
        Obstacle::Authority(authority) => (Fault::Untrusted(authority), None),
        Obstacle::Line(file, number, LineSays::Certificate(refusal)) => (Fault::Refused(refusal), Some((file, number))),
        _ => return Ok(None),
    };
    Ok(Some(Seen { scene, certificate, key, fault, line, open }))
}

/// Not proven where a program that was not run may know better.
fn unless_open(mut finding: Finding, seen: &Seen<'_>) -> Finding {
    if seen.open && !matches!(seen.fault, Fault::Signature(_)) {
        finding.certainty = Certainty::Possible;
        finding.evidence.push("not all was seen: a program that sshd asks was not run, or a file is closed".to_owned());
    }
    finding
}

/// The certificate, for a reader who looks for it.
fn shown(seen: &Seen<'_>) -> String {
    let Certificate { key_id, serial, .. } = &seen.certificate;
    format!("the certificate \"{}\" (serial {serial}) for {}", key_id.shortened(60), naming::key(&seen.key))
}

fn untrusted(seen: &Seen<'_>, authority: &Authority<'_>) -> (String, Vec<String>) {
    let setting = |file: &KeysFile| match deciding(seen.scene.account, "trustedusercakeys") {
        Some(line) => format!("{}: TrustedUserCAKeys {}", line.place(), file.path),
        None => format!("TrustedUserCAKeys is {}", file.path),
    };
    match authority {
        Authority::Unreadable(file) => {
            let error = file.error.as_deref().unwrap_or("it is no file");
            let summary = format!("sshd trusts no CA: it cannot read TrustedUserCAKeys {}", file.path);
            (summary, vec![format!("{}: {error}", file.path), setting(file)])
        }
        Authority::NotListed(file) => {
            let summary = format!("sshd does not trust the certificate's CA: its key is not in {}", file.path);
            (summary, vec![setting(file)])
        }
        Authority::Behind(file, line) => {
            let summary = format!("sshd reads {} no further than a line that is no key", file.path);
            (summary, vec![format!("{}:{line} is no public key", file.path), setting(file)])
        }
        _ => (
            "sshd trusts no CA: TrustedUserCAKeys is not set, and authorized_keys has no cert-authority line with it"
                .to_owned(),
            Vec::new(),
        ),
    }
}

/// What sshd refuses of the certificate's names; nothing where it is about something else.
fn named(seen: &Seen<'_>, refusal: &CertificateRefusal) -> Option<(String, Vec<String>)> {
    let own: Vec<String> = seen.certificate.principals.iter().take(6).map(|name| name.shortened(40)).collect();
    let names = match own.as_slice() {
        [] => "it names no principal".to_owned(),
        names => format!("it names {}", names.join(", ")),
    };
    let account = &seen.scene.login.user;
    Some(match refusal {
        CertificateRefusal::NotForUsers => ("the certificate is one for hosts".to_owned(), Vec::new()),
        CertificateRefusal::NoPrincipals => {
            ("the certificate names no principal, and sshd takes none without".to_owned(), Vec::new())
        }
        CertificateRefusal::Principal(wanted) => {
            let wanted: Vec<String> = wanted.iter().take(6).map(|name| escaped(name)).collect();
            let wanted = match (&seen.line, &seen.scene.login.principals, wanted.as_slice()) {
                (None, Some(file), []) => format!("{} lists nobody", file.path),
                (None, Some(file), wanted) => format!("{} lists {}", file.path, wanted.join(", ")),
                (Some((file, number)), _, wanted) => format!("{}:{number} wants {}", file.path, wanted.join(", ")),
                (None, None, wanted) => format!("sshd wants {}", wanted.join(", ")),
            };
            (format!("the certificate names nobody whom sshd lets into {account}"), vec![names, wanted])
        }
        CertificateRefusal::PrincipalsFile(outcome) => {
            let file = seen.scene.login.principals.as_ref()?;
            let why = match outcome {
                Of::Missing => "is not there".to_owned(),
                Of::Distrusted(stop, _) => {
                    let what = if stop.owner { "belongs to another account" } else { "may be written by others" };
                    format!("is ignored: {} {what}", stop.path)
                }
                Of::NotAFile => "is no regular file".to_owned(),
                _ => "is closed to the account".to_owned(),
            };
            let summary =
                format!("sshd lets no principal into {account}: AuthorizedPrincipalsFile {} {why}", file.path);
            (summary, vec![names])
        }
        CertificateRefusal::PrincipalLine(..)
        | CertificateRefusal::Validity(_)
        | CertificateRefusal::Source(_)
        | CertificateRefusal::BadSource(_)
        | CertificateRefusal::UnknownOption(_) => return None,
    })
}

fn escaped(text: &str) -> String {
    crate::facts::text::ServerText::new(text).shortened(60)
}

fn commands(facts: &Facts) -> Vec<Step> {
    let Ok(Some(seen)) = seen(facts) else { return Vec::new() };
    let anew = |what: &str| {
        let name = user(&seen.scene);
        let text = format!("have the CA sign the key anew{what}: ssh-keygen -s CA_KEY -I ID -n {name} -V +1d KEY.pub");
        vec![Step::person(Place::Client, text)]
    };
    let ca = public_key::ca_key(&seen.key.blob.0);
    let ca_line = ca.map(|ca| format!("{} {}", ca.algorithm, ca.blob.base64()));
    match (&seen.fault, ca_line) {
        (Fault::Signature(_), _) => anew(" with another algorithm (an RSA CA: -t rsa-sha2-512)"),
        (Fault::Untrusted(Authority::Behind(file, line)), _) => {
            let path = naming::path(&file.path);
            vec![Step::server_root(
                format!("sed -n {line}p {path}"),
                "shows the line; take it out, or put a # before it",
            )]
        }
        (Fault::Untrusted(Authority::NotListed(file)), Some(line)) => vec![Step::server_root(
            format!("printf '%s\\n' {} >> {}", quoted(&line), naming::path(&file.path)),
            "trusts that CA, for every account here: only if it is yours",
        )],
        (Fault::Untrusted(Authority::Unreadable(file)), Some(line)) => vec![Step::server_root(
            format!("printf '%s\\n' {} | install -D -m 644 /dev/stdin {}", quoted(&line), naming::path(&file.path)),
            "trusts that CA, for every account here: only if it is yours",
        )],
        (Fault::Untrusted(_), Some(line)) => append_line(
            &seen.scene,
            &format!("cert-authority {line}"),
            "trusts that CA for this account: only if it is yours",
        ),
        (Fault::Refused(CertificateRefusal::Principal(_)), _) if seen.line.is_none() => {
            match (&seen.scene.login.principals, seen.certificate.principals.first()) {
                (Some(file), Some(name)) => vec![Step::server_root(
                    format!("printf '%s\\n' {} >> {}", quoted(&name.to_string()), naming::path(&file.path)),
                    "lets everybody into this account whose certificate names that principal",
                )],
                _ => anew(""),
            }
        }
        (Fault::Refused(CertificateRefusal::PrincipalsFile(outcome)), _) => principals_file(&seen, outcome),
        _ => anew(""),
    }
}

fn principals_file(seen: &Seen<'_>, outcome: &Of) -> Vec<Step> {
    let (Some(file), Some(name)) = (&seen.scene.login.principals, seen.certificate.principals.first()) else {
        return Vec::new();
    };
    let path = naming::path(&file.path);
    match outcome {
        Of::Missing => vec![Step::server_root(
            format!("printf '%s\\n' {} | install -D -m 644 /dev/stdin {path}", quoted(&name.to_string())),
            "lets everybody into this account whose certificate names that principal",
        )],
        Of::Distrusted(stop, further) => {
            let mended = |place: &Distrusted| {
                let name = naming::path(&place.path);
                if place.owner {
                    format!("chown root {name} && chmod go-w {name}")
                } else {
                    format!("chmod go-w {name}")
                }
            };
            let all: Vec<String> = std::iter::once(stop).chain(further).map(mended).collect();
            vec![Step::server_root(all.join(" && "), "lets nobody but its owner write there")]
        }
        _ => vec![Step::server_root(format!("chmod o+r {path}"), "lets the account read it")],
    }
}

/// A certificate that is outside its validity by the server's own clock (`certificate-expired` from the server's side).
pub(in crate::checks) fn lapsed(facts: &Facts) -> Observed<Option<Finding>> {
    let Some(seen) = seen(facts)? else { return Ok(None) };
    let Fault::Refused(CertificateRefusal::Validity(validity)) = &seen.fault else { return Ok(None) };
    let Certificate { valid_after, valid_before, .. } = seen.certificate;
    let summary = match validity {
        Validity::Ended(_) => format!("the certificate ended at {}", naming::moment(valid_before)),
        Validity::NotBegun(_) => format!("the certificate is not valid before {}", naming::moment(valid_after)),
        Validity::Never | Validity::Within(_) => "the certificate is valid at no time".to_owned(),
    };
    let clock = format!("the server's clock says {}", seen.scene.account.collector.at.local);
    Ok(Some(unless_open(Finding::proven(summary).seen(shown(&seen)).seen(clock), &seen)))
}

/// A certificate, or the line of its principal, whose options refuse this login (`server-key-options-refuse`).
pub(super) fn refused_by_option(facts: &Facts) -> Observed<Option<Finding>> {
    let Some(seen) = seen(facts)? else { return Ok(None) };
    let Fault::Refused(refusal) = &seen.fault else { return Ok(None) };
    let from = seen.scene.login.from.as_ref().map_or_else(|| "an unknown address".to_owned(), ToString::to_string);
    let (summary, fact) = match refusal {
        CertificateRefusal::Source(list) => (
            format!("the certificate is good from other addresses than {from}"),
            format!("its source-address is {}", escaped(list)),
        ),
        CertificateRefusal::BadSource(list) => {
            ("the certificate's source-address is no list of addresses".to_owned(), format!("it is {}", escaped(list)))
        }
        CertificateRefusal::UnknownOption(name) => (
            "the certificate has a critical option that sshd does not know".to_owned(),
            format!("the option is {}", name.shortened(60)),
        ),
        CertificateRefusal::PrincipalLine(line, _) => {
            let file = seen.scene.login.principals.as_ref().map(|file| file.path.to_string()).unwrap_or_default();
            ("an option beside the certificate's principal refuses this login".to_owned(), format!("see {file}:{line}"))
        }
        _ => return Ok(None),
    };
    let mut finding = unless_open(Finding::proven(summary).seen(fact).seen(shown(&seen)), &seen);
    if matches!(refusal, CertificateRefusal::Source(_)) && !seen.scene.login.from_named {
        finding.certainty = finding.certainty.max(Certainty::Likely);
        finding.evidence.push(super::not_named(facts, &from));
    }
    Ok(Some(finding))
}
