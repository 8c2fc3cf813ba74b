//! User certificates that the server refuses: what the certificate itself says about why (PROTOCOL.certkeys, sshkey.c
//! `sshkey_cert_check_authority`, auth2-pubkey.c `user_cert_trusted_ca`).

use std::net::IpAddr;

use super::super::{
    Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Place, Step, account, members, naming,
};
use super::{all_refused, client_takes_publickey};
use crate::facts::identities::{KeyFile, PublicFile};
use crate::facts::key::{Certificate, PublicKey};
use crate::facts::text::Path;
use crate::facts::{Facts, Observed, Unobserved, known};
use crate::openssh::certificates::{self, Validity};
use crate::openssh::course::{self, Fate, Turn};
use crate::openssh::public_key;

/// How far outside its validity a certificate must be before another clock than ours must find it so too, in seconds.
const FAR: u64 = 3600;
/// How young a certificate may be to be not yet valid by a clock that is behind, in seconds.
const YOUNG: u64 = 600;

pub(super) const CERTIFICATE_EXPIRED: Cause = Cause {
    id: "certificate-expired",
    title: "the user certificate has expired, or is not valid yet",
    blocks: Blocks::Accepted,
    place: Place::Client,
    doc: "A certificate is good from one moment to another, by the clock of the server. ssh does not look at that: it offers \
          an expired certificate like any other, and sshd answers as for a key that it does not know. Its log says \
          \"Certificate invalid: expired\" or \"not yet valid\"; the second is usually a clock that is wrong, here, on the \
          server or where the certificate was made.\n\n\
          Proven when the server refused the certificate, its validity ended (or begins) more than an hour away from this \
          machine's time, and its plain key, where ssh offered that as well, was refused too, and nothing else was offered; likely \
          where nobody named the certificate for this login, for one that is meant for other servers may lie beside a default key. \
          Whether the server trusts its CA only a certificate that is valid can show. Where the plain key gets in, the expired \
          certificate is a remark.",
    prevent: "Renew certificates by a timer well before they end, and keep the clocks of all machines by NTP.",
    fix: Fix {
        commands: renew,
        mend: |facts| {
            // Whether the server takes the next certificate, nobody can know.
            facts.userauth = Err(Unobserved::NotAttempted);
            facts.session = Err(Unobserved::NotAttempted);
        },
    },
    see: &["OpenSSH PROTOCOL.certkeys", "OpenSSH sshkey.c sshkey_cert_check_authority", "ssh-keygen(1) -V"],
    judge: certificate_expired,
};

/// A refused certificate that is outside its validity.
struct Lapsed<'a> {
    key: &'a PublicKey,
    certificate: &'a Certificate,
    validity: Validity,
}

/// The first certificate that the server refused although ssh offered it, outside its validity.
fn lapsed<'a>(facts: &Facts, turns: &'a [Turn]) -> Option<Lapsed<'a>> {
    refused(turns).find_map(|(key, certificate)| {
        let validity = certificates::validity(certificate, facts.observed_at.unix_seconds);
        (!matches!(validity, Validity::Within(_))).then_some(Lapsed { key, certificate, validity })
    })
}

/// The certificates that ssh offered and the server refused.
fn refused(turns: &[Turn]) -> impl Iterator<Item = (&PublicKey, &Certificate)> {
    let refused = turns.iter().filter(|turn| turn.fate == Fate::Refused);
    refused.filter_map(|turn| turn.offer.key.as_ref()).filter_map(|key| Some((key, key.certificate.as_deref()?)))
}

impl Lapsed<'_> {
    /// Whether any clock that is set at all finds it so.
    fn is_far(&self) -> bool {
        match self.validity {
            Validity::Ended(seconds) | Validity::NotBegun(seconds) => seconds > FAR,
            Validity::Never => true,
            Validity::Within(_) => false,
        }
    }

    /// What is wrong, for a sentence that begins with the certificate.
    fn words(&self) -> String {
        match self.validity {
            Validity::Ended(seconds) => {
                format!("ended {} ago ({})", span(seconds), naming::moment(self.certificate.valid_before))
            }
            Validity::NotBegun(seconds) => {
                format!(
                    "is not valid before {}, {} from now",
                    naming::moment(self.certificate.valid_after),
                    span(seconds)
                )
            }
            Validity::Never | Validity::Within(_) => "is valid at no time: it ends before it begins".to_owned(),
        }
    }
}

/// Whether an expired certificate is what the server's refusal of everything is about.
pub(in crate::checks) fn is_expired(facts: &Facts, turns: &[Turn]) -> bool {
    proven(facts, turns).is_some()
}

/// The lapsed certificate where it and its plain key are all that ssh offered.
fn proven<'a>(facts: &Facts, turns: &'a [Turn]) -> Option<Lapsed<'a>> {
    let lapsed = lapsed(facts, turns).filter(Lapsed::is_far)?;
    let own = |turn: &Turn| {
        turn.offer.key.as_ref().is_some_and(|key| match &key.certificate {
            Some(other) => other.key == lapsed.certificate.key,
            None => key.blob == lapsed.certificate.key,
        })
    };
    turns.iter().all(|turn| own(turn) || matches!(turn.fate, Fate::Unusable(_))).then_some(lapsed)
}

fn certificate_expired(facts: &Facts) -> Observed<Option<Finding>> {
    // The server's own half knows its clock, and whether it trusts the CA.
    if let Ok(Some(finding)) = account::certificates::lapsed(facts) {
        return Ok(Some(finding));
    }
    let turns = course::course(facts)?;
    known(&facts.userauth)?;
    if !client_takes_publickey(facts) {
        return Ok(None);
    }
    // Where ssh gets in all the same, it is a remark.
    let gets_in = course::good(&turns).is_some() || course::stopped(&turns).is_some();
    let found = if gets_in {
        lapsed(facts, &turns)
    } else {
        match all_refused(facts, &turns)? {
            Some(refusal) if refusal.unasked.is_empty() => proven(facts, &turns),
            _ => None,
        }
    };
    let Some(lapsed) = found else { return Ok(None) };
    let plain_refused = turns.iter().any(|turn| {
        turn.fate == Fate::Refused && turn.offer.key.as_ref().is_some_and(|key| key.blob == lapsed.certificate.key)
    });
    let neither = if plain_refused { ", and the server does not accept its plain key either" } else { "" };
    let summary = format!("your certificate {} {}{neither}", name(facts, lapsed.key), lapsed.words());
    let mut finding = if gets_in || is_named(facts, lapsed.key) {
        Finding::proven(summary)
    } else {
        // One for other servers may lie beside the default key.
        let other = "nobody named it for this login: it lies beside a default key or in the agent, and another key may be the one meant";
        Finding::likely(summary).seen(other).or(others(members::of_refusal(facts, &turns)))
    };
    finding.evidence.push(format!(
        "refused: {}, certificate {}",
        naming::key(lapsed.key),
        described(lapsed.certificate)
    ));
    finding.evidence.push(clock(facts, lapsed.certificate));
    if plain_refused {
        finding.evidence.push(format!("refused: the plain key {}", lapsed.key.fingerprint));
    }
    if !gets_in {
        let certificate = lapsed.certificate;
        let user = naming::user(facts);
        if !certificates::names(certificate, user.as_bytes()) {
            finding.evidence.push(format!("it does not name {user} either: {}", principals(certificate)));
        }
        finding.evidence.push("whether the server trusts its CA, a valid certificate will show".to_owned());
    }
    Ok(Some(finding))
}

/// Whether the user named the certificate, or the key that it lies beside.
fn is_named(facts: &Facts, key: &PublicKey) -> bool {
    let Ok(identities) = &facts.identities else { return true };
    let certificate = |file: &PublicFile| file.key.as_ref().is_some_and(|other| other.blob == key.blob);
    let mut beside = identities.files.iter().filter(|file| certificate(&file.certificate) || certificate(&file.public));
    let named = identities.certificates.iter().any(|row| certificate(&row.file));
    named || beside.any(|file| file.explicit)
}

/// The alternatives that are another cause.
fn others(alternatives: Vec<Alternative>) -> impl Iterator<Item = Alternative> {
    alternatives.into_iter().filter(|alternative| alternative.cause != CERTIFICATE_EXPIRED.id)
}

fn renew(facts: &Facts) -> Vec<Step> {
    let turns = course::course(facts).unwrap_or_default();
    let Some(lapsed) = lapsed(facts, &turns) else { return Vec::new() };
    let shown = match path(facts, lapsed.key) {
        Some(path) => format!("ssh-keygen -L -f {}", naming::path(path)),
        None => "ssh-add -L | ssh-keygen -L -f -".to_owned(),
    };
    let mut steps = Vec::new();
    if matches!(lapsed.validity, Validity::NotBegun(_)) {
        steps.push(Step::here("date -u", "is this machine's clock right? If it is behind, set it and try again"));
    }
    steps.push(Step::here(shown, "shows the certificate's id, its principals, its validity and who signed it"));
    let user = super::super::quoted(&naming::user(facts).to_string());
    steps.push(Step::person(
        Place::Client,
        format!(
            "get a new certificate for the same key as you got this one (your company's login tool, or whoever holds the CA {}: \
             ssh-keygen -s CA_KEY -I ID -n {user} -V +1d KEY.pub)",
            lapsed.certificate.ca
        ),
    ));
    steps
}

/// What a refused certificate lets suspect, the likeliest first; nothing where none was refused.
pub(in crate::checks) fn of_refusal(facts: &Facts, turns: &[Turn]) -> Vec<Alternative> {
    let mut found: Vec<Alternative> = Vec::new();
    // One that is valid tells more than another that is not.
    let now = facts.observed_at.unix_seconds;
    let within = |certificate: &Certificate| matches!(certificates::validity(certificate, now), Validity::Within(_));
    let mut all: Vec<(&PublicKey, &Certificate)> = refused(turns).collect();
    all.sort_by_key(|(_, certificate)| !within(certificate));
    let Some((key, certificate)) = all.first().copied() else { return found };
    let mut push = |alternative: Option<Alternative>| found.extend(alternative);
    let lapsed = lapsed(facts, turns);
    push(
        lapsed
            .filter(|_| !within(certificate))
            .map(|lapsed| expired(facts, certificate, &lapsed.words(), Certainty::Likely)),
    );
    if let Validity::Within(Some(seconds)) = certificates::validity(certificate, now)
        && seconds < YOUNG
    {
        let words = format!("has been valid for {} only, and the server's clock may be behind", span(seconds));
        push(Some(expired(facts, certificate, &words, Certainty::Possible)));
    }
    let options = refusing_option(facts, certificate);
    let user = naming::user(facts);
    let named = certificates::names(certificate, user.as_bytes());
    let sha1 = public_key::ca_signature_algorithm(&key.blob.0)
        .filter(|name| matches!(name.as_str(), "ssh-rsa" | "ssh-dss"))
        .map(|name| {
            format!("its CA signed it with {name}, which sshd does not take since 8.2 (CASignatureAlgorithms)")
        });
    let principal = (!named).then(|| match certificate.principals.as_slice() {
        [] => "the certificate names no principal at all".to_owned(),
        _ => format!("the certificate does not name {user}; it names {}", principals(certificate)),
    });
    let fits = (named && options.is_none() && within(certificate))
        .then(|| format!("the certificate is valid and names {user}; it is signed by the CA {}", certificate.ca));
    let trust = sha1.or(fits);
    push(options.and_then(|seen| members::alternative(facts, "server-key-options-refuse", vec![seen])));
    let mut two = [
        members::alternative(facts, "certificate-principal-mismatch", principal.into_iter().collect()),
        members::alternative(facts, "certificate-not-trusted", trust.into_iter().collect()),
    ];
    two.sort_by_key(|alternative| alternative.as_ref().map(|alternative| alternative.certainty));
    two.into_iter().for_each(&mut push);
    found.sort_by_key(|alternative| alternative.certainty);
    found
}

fn expired(facts: &Facts, certificate: &Certificate, words: &str, certainty: Certainty) -> Alternative {
    Alternative {
        cause: CERTIFICATE_EXPIRED.id,
        certainty,
        summary: format!("the certificate \"{}\" {words}", certificate.key_id.shortened(60)),
        evidence: vec![clock(facts, certificate)],
        decide: Some(Decide { place: Place::Server, command: members::log_command(facts) }),
    }
}

/// A critical option for which sshd refuses the certificate here, in words.
fn refusing_option(facts: &Facts, certificate: &Certificate) -> Option<String> {
    if let Some(name) = certificates::unknown_option(certificate) {
        return Some(format!(
            "the certificate has the critical option {}, which OpenSSH does not know",
            name.shortened(60)
        ));
    }
    let allowed = certificates::source_addresses(certificate)?;
    let ours = facts.connect.as_ref().ok()?.local_address.as_ref()?;
    let address: IpAddr = ours.as_str()?.split('%').next()?.parse().ok()?;
    let shown = allowed.shortened(100);
    match certificates::lists(allowed.as_bytes(), address) {
        Some(true) => None,
        Some(false) => Some(format!("the certificate is good from {shown} only, and this machine calls from {ours}")),
        None => Some(format!("the certificate's source-address is no list of addresses: {shown}")),
    }
}

/// What the certificates among the key files are that ssh passes over in silence, a line each.
pub(in crate::checks) fn passed_over(facts: &Facts) -> Vec<String> {
    let Ok(identities) = &facts.identities else { return Vec::new() };
    let beside = identities.files.iter().map(|file| &file.certificate);
    let named = identities.certificates.iter().map(|row| &row.file);
    beside
        .chain(named)
        .filter_map(|file| Some((file, file.key.as_ref()?)))
        .filter_map(|(file, key)| {
            let why = match key.certificate.as_deref() {
                None => "holds no certificate but a plain key",
                Some(certificate) if certificate.kind == crate::facts::key::CertificateKind::Host => {
                    "is a certificate for hosts, and no user's"
                }
                Some(_) => return None,
            };
            Some(format!("{} {why}: ssh does not offer it", file.path))
        })
        .collect()
}

/// A certificate that is accepted and belongs to no key that ssh has.
pub(in crate::checks) fn orphan_finding(facts: &Facts, key: &PublicKey, certificate: &Certificate) -> Finding {
    let name = name(facts, key);
    let plain = public_key::fingerprint(&certificate.key.0);
    let mut finding = Finding::proven(format!(
        "the certificate {name} belongs to none of the keys that ssh has, so nothing can sign for it"
    ))
    .seen(format!("the server accepts it: {} for {}", naming::key(key), naming::login(facts)))
    .seen(format!("it is a certificate of the key {plain}"));
    finding
        .evidence
        .extend(private_half(facts, certificate).map(|path| format!("that key is {path}, which nothing names")));
    finding
}

/// The file under ~/.ssh that holds the private half of a certificate's key.
fn private_half<'a>(facts: &'a Facts, certificate: &Certificate) -> Option<&'a Path> {
    let others = &facts.identities.as_ref().ok()?.others;
    let holds = |file: &&KeyFile| file.public_half().is_some_and(|half| half.blob == certificate.key);
    others.iter().filter(|file| file.is_private_here()).find(holds).map(|file| &file.path)
}

/// Where the certificate belongs to another key: name that key, or see whose it is.
pub(in crate::checks) fn orphan_commands(facts: &Facts) -> Option<Vec<Step>> {
    let turns = course::course(facts).ok()?;
    let (key, certificate) = course::orphan(&turns)?;
    if let Some(path) = private_half(facts, certificate) {
        let command = format!("ssh -i {} {}", naming::path(path), naming::destination(facts));
        return Some(vec![Step::here(
            command,
            "names the key that the certificate belongs to; put it into IdentityFile",
        )]);
    }
    let file = path(facts, key).map_or_else(|| "CERTIFICATE".to_owned(), naming::path);
    Some(vec![Step::here(
        format!("ssh-keygen -L -f {file}"),
        "shows the fingerprint of the key that it belongs to; name that key in IdentityFile, or have your key signed anew",
    )])
}

/// A certificate in a sentence: its file, or what the agent calls it.
pub(in crate::checks) fn name(facts: &Facts, key: &PublicKey) -> String {
    path(facts, key).map_or_else(|| format!("in the agent ({})", key.comment.shortened(60)), ToString::to_string)
}

/// The file that the certificate was read from.
pub(in crate::checks) fn path<'a>(facts: &'a Facts, key: &PublicKey) -> Option<&'a Path> {
    let identities = facts.identities.as_ref().ok()?;
    let beside = identities.files.iter().flat_map(|file| [&file.certificate, &file.public]);
    let mut all = beside.chain(identities.certificates.iter().map(|row| &row.file));
    all.find(|file| file.key.as_ref().is_some_and(|held| held.blob == key.blob)).map(|file| &file.path)
}

fn described(certificate: &Certificate) -> String {
    let Certificate { key_id, serial, ca, .. } = certificate;
    format!("\"{}\" (serial {serial}) of the CA {ca}", key_id.shortened(60))
}

/// The two clocks that count.
fn clock(facts: &Facts, certificate: &Certificate) -> String {
    format!(
        "valid from {} to {}; this machine's clock says {}, and the server goes by its own",
        naming::moment(certificate.valid_after),
        naming::moment(certificate.valid_before),
        facts.observed_at.local
    )
}

/// The first few principals.
fn principals(certificate: &Certificate) -> String {
    const SHOWN: usize = 6;
    let names: Vec<String> = certificate.principals.iter().take(SHOWN).map(|name| name.shortened(40)).collect();
    match certificate.principals.len() {
        0 => "it names no principal".to_owned(),
        number if number > SHOWN => format!("{} and {} more", names.join(", "), number - SHOWN),
        _ => names.join(", "),
    }
}

/// Seconds in words that are as exact as a person needs.
fn span(seconds: u64) -> String {
    let (number, one, many) = match seconds {
        0..120 => (seconds, "second", "seconds"),
        120..7200 => (seconds / 60, "minute", "minutes"),
        7200..172_800 => (seconds / 3600, "hour", "hours"),
        _ => (seconds / 86_400, "day", "days"),
    };
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    naming::count(number, one, many)
}
