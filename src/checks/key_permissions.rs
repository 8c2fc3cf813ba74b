//! The modes of private key files: whether ssh takes a key that others could read.

use crate::facts::identities::is_seen;
use crate::facts::{Facts, Observed, Stage, Unobserved, known};
use crate::openssh::course::{self, Problem};

use super::key_files::{bite, file_word, mend_file, present};
use super::{Blocks, Cause, Check, Finding, Fix, Outcome, Place, Step, mounts};

/// No private key is readable by others.
pub const KEY_PERMISSIONS: Check = Check {
    id: "key-permissions",
    stage: Stage::Identity,
    claim: "no private key file is accessible to others",
    causes: &[&KEY_FILE_PERMISSIONS],
    holds: key_permissions_hold,
    rules_out: &[("key-file-permissions", every_mode_is_private)],
};

const KEY_FILE_PERMISSIONS: Cause = Cause {
    id: "key-file-permissions",
    title: "the private key file is accessible to others, so ssh ignores it",
    blocks: Blocks::Read,
    place: Place::Client,
    doc: "ssh refuses a private key that belongs to you and that your group or others may read, write or execute \
          (any of the mode bits 077). It prints UNPROTECTED PRIVATE KEY FILE and goes on as if the key were not there, \
          so that the login ends in \"Permission denied\" although the server would have accepted the key.\n\n\
          Proven when the server accepted the public half of this key, the file's owner is you, and its mode has one of \
          those bits. A key that the server does not accept either is no-key-accepted first, with this cause after it.",
    prevent: "Keep private keys in ~/.ssh with mode 0600 and copy them with `cp -p` or `install -m 600`; archives, \
              shared folders and USB sticks lose the mode.",
    fix: Fix {
        commands: |facts| {
            let turns = course::course(facts).unwrap_or_default();
            let bite = bite(facts, &turns, too_open).ok().flatten();
            if let Some(steps) = bite.and_then(|bite| mounts::for_key(facts, &bite.file.path)) {
                return steps;
            }
            let path = file_word(facts, too_open);
            vec![Step::here(format!("chmod 600 {path}"), "lets nobody but you read the private key")]
        },
        mend: |facts| {
            mend_file(
                facts,
                |problem| matches!(problem, Problem::TooOpen(_)),
                |file| {
                    if let Ok(stat) = &mut file.state {
                        stat.mode &= !0o077;
                    }
                },
            );
        },
    },
    see: &["OpenSSH authfile.c sshkey_perm_ok", "ssh(1) FILES"],
    judge: key_file_permissions,
};

fn too_open(problem: &Problem) -> bool {
    matches!(problem, Problem::TooOpen(_))
}

fn key_file_permissions(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(bite) = bite(facts, &turns, |problem| matches!(problem, Problem::TooOpen(_)))? else { return Ok(None) };
    let Problem::TooOpen(mode) = bite.problem else { return Ok(None) };
    let path = &bite.file.path;
    // Windows has lists of who may access a file, and no modes.
    let (summary, seen) = if facts.run.os.starts_with("Windows") {
        (
            format!("ssh ignores the private key {path}: others than you may access it"),
            format!("ssh says that the permissions of {path} are too open"),
        )
    } else {
        (
            format!("ssh ignores the private key {path}: its mode is {mode:04o}, others may access it"),
            format!("{path} has mode {mode:04o} and belongs to you; ssh wants it closed to all others"),
        )
    };
    let finding = bite.finding(facts, summary);
    let mut finding = finding.seen(seen);
    finding.evidence.extend(mounts::seen(facts, path));
    Ok(Some(finding))
}

fn key_permissions_hold(facts: &Facts) -> Observed<Outcome> {
    let identities = known(&facts.identities)?;
    let open: Vec<String> = present(identities)
        .filter_map(|file| match course::problem(facts, file) {
            Some(Problem::TooOpen(mode)) => Some(format!("{} has mode {mode:04o}: ssh will not use it", file.path)),
            _ => None,
        })
        .collect();
    if let Some(first) = open.first() {
        return Ok(Outcome::warn(first.clone()).with(open));
    }
    match present(identities).count() {
        0 if identities.files.iter().any(|file| !is_seen(&file.state)) => Err(Unobserved::NotInThisSource),
        0 => Ok(Outcome::info("there is no key file to judge")),
        _ => Ok(Outcome::pass("no private key is accessible to others")),
    }
}

fn every_mode_is_private(facts: &Facts) -> Option<String> {
    let identities = facts.identities.as_ref().ok()?;
    let modes: Vec<String> = present(identities)
        .filter_map(|file| Some(format!("{} has mode {:04o}", file.path, file.state.as_ref().ok()?.mode)))
        .collect();
    let open = present(identities).any(|file| matches!(course::problem(facts, file), Some(Problem::TooOpen(_))));
    (!modes.is_empty() && !open).then(|| modes.join(", "))
}
