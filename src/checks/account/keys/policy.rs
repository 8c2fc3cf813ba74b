//! What keeps a key out before any file of keys is looked at: its type, its size, and the lists of revoked keys.

use crate::facts::{Facts, known};

use super::super::{deciding, running, scene, unknown};
use super::{Found, found};
use crate::checks::{Blocks, Cause, Finding, Fix, Place, Step, naming};
use crate::openssh::sshd::key::Obstacle;

pub(super) const KEY_ALGORITHM_REFUSED: Cause = Cause {
    id: "server-key-algorithm-refused",
    title: "the server's policy refuses this type of key",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "PubkeyAcceptedAlgorithms, a crypto policy or FIPS mode excludes the key's type. sshd logs \"signature algorithm … \
          not in PubkeyAcceptedAlgorithms\".\n\n\
          Proven by sshd's effective settings for this login and the key's type.",
    prevent: "Use ed25519 keys; every policy but FIPS of before 2023 takes them.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let mut steps = vec![Step::here(
                "ssh-keygen -t ed25519",
                "makes a key that the policy takes; have it put into authorized_keys",
            )];
            if let Some(line) = deciding(scene.account, "pubkeyacceptedalgorithms") {
                steps.push(Step::server_root(
                    format!("sed -n {}p {}", line.line, naming::path(&line.path)),
                    "the line of the policy",
                ));
            }
            steps
        },
        mend: unknown,
    },
    see: &["OpenSSH auth2-pubkey.c userauth_pubkey", "sshd_config(5) PubkeyAcceptedAlgorithms"],
    judge: |facts| {
        let Some((scene, Found::Of(key, obstacle, _))) = found(facts)? else { return Ok(None) };
        let settings = known(&scene.login.effective)?;
        if obstacle != Obstacle::Algorithm {
            return Ok(None);
        }
        let list = settings.first("pubkeyacceptedalgorithms").or_else(|| settings.first("pubkeyacceptedkeytypes"));
        let list = crate::facts::text::ServerText::new(list.unwrap_or_default()).shortened(400);
        let finding = Finding::proven(format!("sshd takes no keys of the type {}", key.algorithm));
        Ok(Some(finding.seen(naming::key(&key)).seen(format!("PubkeyAcceptedAlgorithms is {list}"))))
    },
};

/// The server's half of `rsa-key-too-small`, whose one judge stands among what the client offers.
pub(in crate::checks::account) fn short_rsa(facts: &Facts) -> Option<Finding> {
    let (_, Found::Of(key, Obstacle::TooSmall(bits, least), _)) = found(facts).ok()?? else { return None };
    let summary = format!("sshd takes no RSA keys of less than {least} bits, and this one has {bits}");
    let mut finding = Finding::proven(summary)
        .at(Blocks::Accepted)
        .seen(naming::key(&key))
        .seen(format!("RequiredRSASize is {least} for this login"));
    finding.place = Some(Place::Server);
    running::as_running(facts, "rsa-key-too-small", finding, true)
}

pub(super) const KEY_REVOKED: Cause = Cause {
    id: "server-key-revoked",
    title: "the key is revoked on the server",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "RevokedKeys lists it; sshd logs \"revoked by file\". A RevokedKeys file that sshd cannot read makes it refuse every \
          key.\n\nProven by the file, or by ssh-keygen -Q where it is a KRL.",
    prevent: "Whoever revokes a key tells its owner, and has a new one ready.",
    fix: Fix {
        commands: |facts| match found(facts) {
            Ok(Some((_, Found::Of(_, Obstacle::Revocation(revoked), _)))) => vec![Step::server_root(
                format!("ls -l {}", naming::path(&revoked.file.path)),
                "sshd has to be able to read it; make it, or take RevokedKeys out of sshd_config",
            )],
            _ => vec![
                Step::here("ssh-keygen -t ed25519", "a revoked key is to be replaced: make a new one"),
                Step::person(Place::Server, "put the new key into authorized_keys; take the old one out of there"),
            ],
        },
        mend: unknown,
    },
    see: &["OpenSSH auth.c auth_key_is_revoked", "ssh-keygen(1) KEY REVOCATION LISTS"],
    judge: |facts| {
        let Some((_, Found::Of(key, obstacle, _))) = found(facts)? else { return Ok(None) };
        match obstacle {
            Obstacle::Revoked(revoked) => {
                let summary = format!("the key {} is revoked by {}", key.fingerprint, revoked.file.path);
                let said =
                    revoked.query.as_ref().map(|(_, said)| format!("ssh-keygen -Q says: {}", said.shortened(200)));
                let mut finding = Finding::proven(summary).seen(naming::key(&key));
                finding.evidence.extend(said);
                Ok(Some(finding))
            }
            Obstacle::Revocation(revoked) => {
                let summary = format!("sshd refuses every key: it cannot read RevokedKeys {}", revoked.file.path);
                let error = revoked.file.error.clone().unwrap_or_default();
                Ok(Some(Finding::proven(summary).seen(format!("{}: {error}", revoked.file.path))))
            }
            _ => Ok(None),
        }
    },
};
