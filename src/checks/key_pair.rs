//! The two halves of a key: whether the `.pub` beside a private key is its own.

use crate::facts::identities::KeyFile;
use crate::facts::{Facts, Observed, Unobserved};
use crate::openssh::course::{self, Fate, Problem, Turn};

use super::key_files::{bite, file_word, mend_file};
use super::userauth::certificates;
use super::{Blocks, Cause, Finding, Fix, Place, Step, account, naming};

pub(super) const KEY_PAIR_MISMATCH: Cause = Cause {
    id: "key-pair-mismatch",
    title: "the .pub beside the private key is another key's",
    blocks: Blocks::Read,
    place: Place::Client,
    doc: "ssh takes the public half from the .pub file beside a private key and offers that. When the two are not a pair, \
          the server accepts the .pub and the signature cannot be made: `private key … contents do not match public`. Where \
          the server refuses that .pub, everything looks like a key that is not authorised. The same goes for a certificate of \
          another key: it is accepted, and ssh has nothing to sign with.\n\n\
          Proven when the server accepted the .pub or the certificate, and the private key that ssh has is another's; or when \
          it refused the .pub, and its own side shows that it lets in the private key's own public half.",
    prevent: "Write the .pub from the private key with ssh-keygen -y after every copy or rename.",
    fix: Fix {
        commands: |facts| {
            if let Some(steps) = certificates::orphan_commands(facts) {
                return steps;
            }
            let turns = course::course(facts).unwrap_or_default();
            let path = match refused(facts, &turns).next() {
                Some(file) => naming::path(&file.path),
                None => file_word(facts, |problem| *problem == Problem::PairMismatch),
            };
            vec![Step::here(
                format!("ssh-keygen -y -f {path} > {path}.pub.new && mv {path}.pub.new {path}.pub"),
                "writes the public half that belongs to this private key; that one must then be authorised",
            )]
        },
        mend: |facts| {
            if course::course(facts).is_ok_and(|turns| course::orphan(&turns).is_some()) {
                facts.userauth = Err(Unobserved::NotAttempted);
                facts.session = Err(Unobserved::NotAttempted);
                return;
            }
            let turns = course::course(facts).unwrap_or_default();
            let refused = refused(facts, &turns).next().map(|file| file.path.clone());
            if let (Some(path), Ok(identities)) = (refused, &mut facts.identities) {
                for file in identities.files.iter_mut().filter(|file| file.path == path) {
                    file.public.key = file.private.as_ref().ok().and_then(|private| private.public.clone());
                }
                facts.userauth = Err(Unobserved::NotAttempted);
                facts.session = Err(Unobserved::NotAttempted);
                return;
            }
            mend_file(
                facts,
                |problem| *problem == Problem::PairMismatch,
                |file| {
                    file.public.key = file.private.as_ref().ok().and_then(|private| private.public.clone());
                },
            );
        },
    },
    see: &["OpenSSH sshconnect2.c identity_sign", "ssh-keygen(1) -y"],
    judge: key_pair_mismatch,
};

fn key_pair_mismatch(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    if let Some((key, certificate)) = course::orphan(&turns) {
        return Ok(super::identities::hidden_signer(facts)
            .is_none()
            .then(|| certificates::orphan_finding(facts, key, certificate)));
    }
    let Some(bite) = bite(facts, &turns, |problem| *problem == Problem::PairMismatch)? else {
        return Ok(refused_for_its_public_half(facts, &turns));
    };
    let path = &bite.file.path;
    let mut finding = bite.finding(facts, format!("{path}.pub does not belong to the private key {path}"));
    let private = bite.file.private.as_ref().ok().and_then(|private| private.public.as_ref());
    let public = bite.file.public.key.as_ref();
    finding.evidence.extend(public.map(|key| format!("{} holds {}", bite.file.public.path, naming::key(key))));
    finding.evidence.extend(private.map(|key| format!("{path} is the private half of {}", naming::key(key))));
    Ok(Some(finding))
}

/// The key files whose `.pub` the server refused and which hold another key.
fn refused<'a>(facts: &'a Facts, turns: &'a [Turn]) -> impl Iterator<Item = &'a KeyFile> {
    let refused = turns.iter().filter(|turn| turn.fate == Fate::Refused && !turn.offer.agent);
    refused.filter_map(|turn| course::key_file(facts, &turn.offer)).filter(|file| course::mismatched(file))
}

/// `key-pair-mismatch` where the server refuses the `.pub` that ssh offers, and lets in the private key's own public half.
fn refused_for_its_public_half(facts: &Facts, turns: &[Turn]) -> Option<Finding> {
    refused(facts, turns).find_map(|file| {
        let own = file.private.as_ref().ok()?.public.as_ref()?;
        let line = account::lets_key_in(facts, own)?;
        let offered = file.public.key.as_ref().map(|key| format!("{} holds {}", file.public.path, naming::key(key)));
        let mut finding =
            Finding::proven(format!("{} does not belong to the private key {}", file.public.path, file.path))
                .at(Blocks::Accepted)
                .seen(format!("on the server {line}, the private key's own public half"));
        finding.evidence.extend(offered);
        Some(finding)
    })
}
