//! The line that has the key: what its options refuse, and what sshd cannot read of it.

use crate::facts::account::{KeysFile, KeysLine};
use crate::facts::key::PublicKey;
use crate::facts::{Facts, Observed, Origin};
use crate::openssh::authorized_keys::{self, Line, Refusal};
use crate::openssh::sshd::key::{LineSays, Obstacle, looked_for};

use super::super::certificates::refused_by_option;
use super::super::{Scene, scene};
use super::{Found, append, append_to, found, install};
use crate::checks::{Blocks, Cause, Finding, Fix, Place, Step, naming, quoted};

/// A line that has a key and refuses it: whose, in which file, its number, and what it says.
type LineObstacle<'a> = (Scene<'a>, PublicKey, &'a KeysFile, u32, LineSays);

/// The line that has the key and refuses it.
fn line_obstacle(facts: &Facts) -> Observed<Option<LineObstacle<'_>>> {
    Ok(found(facts)?.and_then(|(scene, found)| match found {
        Found::Of(key, Obstacle::Line(file, number, says), _) => Some((scene, key, file, number, says)),
        _ => None,
    }))
}

pub(super) const KEY_OPTIONS_REFUSE: Cause = Cause {
    id: "server-key-options-refuse",
    title: "an option on the key's line refuses this login",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "from=, expiry-time=, principals= or a touch or PIN requirement on the matching line. sshd logs \"Authentication tried \
          for … with correct key but not from a permitted host\" for from=.\n\nProven by the line itself, the address that the \
          login comes from and the server's clock.",
    prevent: "Write the reason and the date of a restriction into the line's comment.",
    fix: Fix { commands: option_commands, mend: install },
    see: &["OpenSSH auth2-pubkeyfile.c auth_authorise_keyopts", "sshd(8) AUTHORIZED_KEYS FILE FORMAT"],
    judge: |facts| {
        if let Some(finding) = refused_by_option(facts)? {
            return Ok(Some(finding));
        }
        let Some((scene, key, file, number, says)) = line_obstacle(facts)? else { return Ok(None) };
        let at = format!("{}:{number}", file.path);
        let refusal = match says {
            LineSays::Refuses(refusal) => refusal,
            LineSays::WrongRole => {
                let (summary, fact) = if key.is_certificate() {
                    (
                        "the CA's line lacks cert-authority, so it lets no certificate in",
                        "has the CA's key without cert-authority",
                    )
                } else {
                    ("the key's line makes it a CA's, which is not let in itself", "has the key with cert-authority")
                };
                return Ok(Some(Finding::proven(summary).seen(format!("{at} {fact}")).seen(naming::key(&key))));
            }
            _ => return Ok(None),
        };
        let from = scene.login.from.as_ref().map_or_else(|| "an unknown address".to_owned(), ToString::to_string);
        let (summary, fact) = match &refusal {
            Refusal::From(list) => (
                format!("the key's line allows it from other addresses than {from}"),
                format!("{at} has from=\"{}\"", escaped(list)),
            ),
            Refusal::BadFrom(list) => (
                "the key's line has a from= that sshd cannot read".to_owned(),
                format!("{at} has from=\"{}\"", escaped(list)),
            ),
            Refusal::Expired(time) => {
                ("the key's line has expired".to_owned(), format!("{at} has expiry-time=\"{}\"", escaped(time)))
            }
            Refusal::PrincipalsOnPlainKey => (
                "the key's line has principals=, which sshd allows for a CA's key only".to_owned(),
                format!("{at} has principals= without cert-authority"),
            ),
        };
        let mut finding = Finding::proven(summary).seen(fact).seen(naming::key(&key));
        if !scene.login.from_named && matches!(refusal, Refusal::From(_)) {
            finding.certainty = crate::checks::Certainty::Likely;
            finding = finding.seen(super::super::not_named(facts, &from));
        }
        finding.evidence.extend(super::super::log::last_refusal(facts, "server-key-options-refuse"));
        Ok(Some(finding))
    },
};

fn escaped(text: &str) -> String {
    crate::facts::text::ServerText::new(text).shortened(200)
}

/// Takes one option out of a line of them, with the comma that parts it from its neighbour.
fn without(option: &str) -> String {
    format!("s/,{option}//; s/{option},//; s/{option} //")
}

fn option_commands(facts: &Facts) -> Vec<Step> {
    let Ok(Some((scene, key, file, number, says))) = line_obstacle(facts) else { return Vec::new() };
    let path = naming::path(&file.path);
    let cut = |script: String, why: &str| {
        Step::server_root(format!("sed -i.bak {} {path}", quoted(&format!("{number}{{{script};}}"))), why)
    };
    // Over an administrator's login it may be that login's alone, which is no reason to let it in.
    let from = scene.login.from.as_ref().filter(|_| scene.login.from_named || facts.origin != Origin::Joined);
    let from = from.and_then(|from| from.as_str());
    let refusal = match says {
        LineSays::Refuses(refusal) => refusal,
        LineSays::WrongRole if key.is_certificate() => {
            return vec![cut(
                "/^\\(ssh-\\|ecdsa-\\|sk-\\)/!s/^/cert-authority,/; s/^\\(ssh-\\|ecdsa-\\|sk-\\)/cert-authority &/"
                    .to_owned(),
                "makes the line a CA's",
            )];
        }
        LineSays::WrongRole => {
            return vec![cut(without("cert-authority"), "makes the line a plain key's")];
        }
        _ => return Vec::new(),
    };
    match (refusal, from) {
        (Refusal::From(list), Some(from)) if !list.starts_with('!') => vec![cut(
            format!("s/from=\"/from=\"{},/", from.replace('/', "\\/")),
            "allows the address beside the others, if the login may come from there",
        )],
        (Refusal::Expired(_), _) => {
            vec![cut(without("expiry-time=\"[^\"]*\""), "takes the expiry away, if the key may still be used")]
        }
        (Refusal::PrincipalsOnPlainKey, _) => {
            vec![cut(without("principals=\"[^\"]*\""), "takes principals= away, which only a CA's line may have")]
        }
        _ => vec![Step::server_root(format!("sed -n {number}p {path}"), "shows the line; correct its from=")],
    }
}

pub(super) const KEY_ENTRY_MALFORMED: Cause = Cause {
    id: "server-key-entry-malformed",
    title: "the key's line in authorized_keys is broken",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The line was wrapped by a paste, two keys were joined into one line, or it is in another format or encoding. sshd \
          passes over it in silence.\n\nProven where the key's own letters stand in the file at a place where sshd reads no key, \
          or its options cannot be read; likely where the file holds nothing that sshd can read.",
    prevent: "Append keys with ssh-copy-id, or with `printf '%s\\n' … >>` after a look whether the file ends with a line feed.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let mut steps: Vec<Step> = Vec::new();
            if let Ok(Some((_, _, file, number, _))) = line_obstacle(facts) {
                steps.push(Step::server_root(
                    format!("sed -n {number}p {}", naming::path(&file.path)),
                    "shows the broken line",
                ));
            }
            match found(facts) {
                // A file in another encoding, or with one line without end, is not to be added to.
                Ok(Some((_, Found::Of(_, Obstacle::Scattered(file), _)))) if file.nuls > 0 => {
                    let path = naming::path(&file.path);
                    steps.push(Step::server_root(format!("mv {path} {path}.old"), "puts the file aside"));
                    steps.extend(append_to(&scene, file, true));
                }
                _ => {
                    steps.splice(0..0, append(&scene));
                }
            }
            steps
        },
        mend: install,
    },
    see: &["OpenSSH auth2-pubkeyfile.c auth_check_authkey_line, sshkey.c sshkey_read"],
    judge: malformed,
};

fn malformed(facts: &Facts) -> Observed<Option<Finding>> {
    if let Some((_, key, file, number, says)) = line_obstacle(facts)? {
        let at = format!("{}:{number}", file.path);
        let (summary, fact) = match says {
            LineSays::BadOptions(words) => (
                format!("sshd cannot read the options of the key's line: {words}"),
                format!("{at} has the key, and options that sshd does not take"),
            ),
            LineSays::OpenQuote => (
                "sshd cannot read the key's line: a quote in its options is never closed".to_owned(),
                format!("{at} has the key behind an open quote"),
            ),
            LineSays::Hidden(before) => {
                let summary = "the key stands in the middle of a line, where sshd reads none";
                let fact = match file.lines.get(number as usize - 1) {
                    Some(KeysLine::Text(text)) if before == 3 && text.as_bytes().starts_with(BYTE_ORDER_MARK) => {
                        format!("{at} begins with a byte order mark, which sshd takes for a part of the key's type")
                    }
                    _ => format!(
                        "{at} has the key behind {before} bytes: two lines were joined, or it stands behind a space in its options"
                    ),
                };
                (summary.to_owned(), fact)
            }
            LineSays::Letters => (
                "the key's letters stand in a line that sshd cannot read as a key".to_owned(),
                match format_of(file) {
                    Some(format) => format,
                    None => format!("{at} has them without the type {} before them", key.algorithm),
                },
            ),
            LineSays::CutShort(have, whole) => (
                "the key's line breaks off within the key".to_owned(),
                format!("{at} has {have} of its {whole} letters: a line feed cut it in two, or the rest is lost"),
            ),
            LineSays::Lets(_) | LineSays::Refuses(_) | LineSays::WrongRole | LineSays::Certificate(_) => {
                return Ok(None);
            }
        };
        return Ok(Some(Finding::proven(summary).seen(fact).seen(naming::key(&key))));
    }
    let (scene, open) = match found(facts)? {
        Some((_, Found::Of(key, Obstacle::Scattered(file), _))) => {
            let summary = format!("{} has the key in a form that sshd cannot read", file.path);
            let fact = shape(file).unwrap_or_else(|| {
                format!("{} has the key's letters, with line feeds, blanks or other bytes between them", file.path)
            });
            return Ok(Some(Finding::proven(summary).seen(fact).seen(naming::key(&key))));
        }
        Some((scene, Found::Of(key, Obstacle::NotListed, open))) if !looked_for(scene.account, &key) => (scene, open),
        _ => return Ok(None),
    };
    for file in &scene.login.keys_files {
        if let Some(fact) = shape(file) {
            let summary = format!("{} is in a form that sshd cannot read", file.path);
            let mut finding = Finding::likely(summary).seen(fact);
            finding.certainty = if open { crate::checks::Certainty::Possible } else { finding.certainty };
            return Ok(Some(finding));
        }
    }
    Ok(None)
}

/// Of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What makes a whole file, or its lines, unreadable for sshd.
pub(super) fn shape(file: &KeysFile) -> Option<String> {
    let wrapped = || file.lines.iter().position(|line| matches!(line, KeysLine::Base64(_)));
    let rest = |at| format!("{}:{} is the rest of a key that a line feed cut in two", file.path, at + 1);
    format_of(file).or_else(|| wrapped().map(rest))
}

/// A format or an encoding that is not that of authorized_keys.
fn format_of(file: &KeysFile) -> Option<String> {
    let readable = |line: &KeysLine| match line {
        KeysLine::Text(text) => matches!(authorized_keys::line(text.as_bytes()), Line::Entry(_)),
        _ => false,
    };
    if file.start.starts_with(b"\xff\xfe") || file.start.starts_with(b"\xfe\xff") || file.nuls > 0 {
        return Some(format!("{} is UTF-16 (or holds NUL bytes): sshd reads bytes", file.path));
    }
    let text = |line: &KeysLine| match line {
        KeysLine::Text(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    let begins = |line: &KeysLine, words: &[u8]| {
        text(line).is_some_and(|text| text.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(&text).starts_with(words))
    };
    for (number, line) in (1..).zip(&file.lines) {
        if begins(line, b"---- BEGIN SSH2") {
            return Some(format!("{}:{number} begins a key in the SSH2 format; ssh-keygen -i converts it", file.path));
        }
        if begins(line, b"PuTTY-User-Key-File-") || begins(line, b"-----BEGIN ") {
            return Some(format!("{}:{number} begins a private key, which has no place there", file.path));
        }
    }
    if file.start.starts_with(b"\xef\xbb\xbf") && !file.lines.first().is_some_and(readable) {
        return Some(format!("{} begins with a byte order mark, and sshd passes over its first line", file.path));
    }
    None
}
