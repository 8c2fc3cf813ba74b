//! Is the server's host key revoked, and could that be looked up? (sshconnect.c `verify_host_key`, authfile.c
//! `sshkey_check_revoked`)

use super::super::resolve::forget;
use super::super::{Blocks, Cause, Finding, Fix, Place, Step};
use super::seen::{holds, name_of};
use super::{MOST_LINES, forget_what_ssh_did_not_reach, plain, stopped, word};
use crate::facts::host_key::Marker;
use crate::facts::text::escape;
use crate::facts::{Facts, Observed, Source, Stage, Unobserved, known};
use crate::openssh::known_hosts::Standing;

pub(super) const HOST_KEY_REVOKED: Cause = Cause {
    id: "host-key-revoked",
    title: "the server's host key is revoked",
    blocks: Blocks::HostKey,
    place: Place::Server,
    doc: "Somebody declared this very key (or the CA of its certificate) unusable, with an @revoked line in known_hosts or \
        in a RevokedHostKeys file. That is done when a key was stolen or copied, so whoever holds it may pose as the \
        server.\n\n\
        Proved by the line or file that names the key. With @revoked and StrictHostKeyChecking no, ssh goes on without \
        passwords; a RevokedHostKeys file always stops it.",
    prevent: "Give a server a new host key before the old one is revoked, and clones of a machine keys of their own.",
    fix: Fix { commands: replace_the_key, mend: meet_another_key },
    see: &["sshd(8) SSH_KNOWN_HOSTS FILE FORMAT", "ssh_config(5) RevokedHostKeys", "sshconnect.c check_host_key"],
    judge: host_key_revoked,
};

fn host_key_revoked(facts: &Facts) -> Observed<Option<Finding>> {
    let Some((offered, Standing::Revoked)) = stopped(facts)? else { return Ok(None) };
    let key = name_of(&offered.key);
    let mut finding =
        Finding::proven("the server's host key is revoked: do not log in until it has a new one".to_owned());
    finding.evidence = revocations(facts).iter().map(|at| format!("revoked by {at}")).collect();
    Ok(Some(finding.seen(holds(facts, &key))))
}

/// The lines and files that revoke the key that was met.
fn revocations(facts: &Facts) -> Vec<Source> {
    let (Ok(offered), Ok(known)) = (&facts.host_key.offered, &facts.host_key.known) else { return Vec::new() };
    let key = plain(&offered.key);
    let ca = offered.key.certificate.as_ref().map(|certificate| &certificate.ca);
    let listed = offered.revoked_by_file.iter().flatten().cloned();
    let marked = known.entries.iter().filter(|entry| {
        entry.marker == Marker::Revoked && (entry.key.blob == key.blob || Some(&entry.key.fingerprint) == ca)
    });
    let mut sources: Vec<Source> = listed.chain(marked.map(|entry| entry.at.clone())).collect();
    sources.dedup();
    sources.truncate(MOST_LINES);
    sources
}

fn replace_the_key(facts: &Facts) -> Vec<Step> {
    let why = "ask whoever looks after the server why the key was revoked; the server needs a new host key";
    let mut steps = vec![Step::person(Place::Server, why)];
    for source in revocations(facts) {
        if let Source::File { path, line: Some(line) } = &source {
            let command = format!("sed -n {line}p {}", word(path));
            steps.push(Step::here(
                command,
                "shows the line that revokes it, to be taken out only if it is there by mistake",
            ));
        }
    }
    steps
}

fn meet_another_key(facts: &mut Facts) {
    forget(facts, Stage::HostKey);
}

pub(super) const REVOKED_HOST_KEYS_UNREADABLE: Cause = Cause {
    id: "revoked-host-keys-unreadable",
    title: "the list of revoked host keys cannot be read, so ssh trusts no host key",
    blocks: Blocks::HostKey,
    place: Place::Client,
    doc: "RevokedHostKeys names a file that does not exist, that this user cannot read, or in which a line is no public \
        key. ssh then refuses every host key, because it cannot know whether it is revoked.\n\n\
        Proved by the error on opening the file; a file that could be opened and not be understood makes it likely.",
    prevent: "Install the file together with the configuration that names it, readable for all.",
    fix: Fix { commands: provide_the_list, mend: read_the_list },
    see: &["ssh_config(5) RevokedHostKeys", "authfile.c sshkey_check_revoked", "sshconnect.c verify_host_key"],
    judge: revoked_host_keys_unreadable,
};

fn revoked_host_keys_unreadable(facts: &Facts) -> Observed<Option<Finding>> {
    let offered = known(&facts.host_key.offered)?;
    let known = known(&facts.host_key.known)?;
    if let Some((file, error)) = known.revoked_host_keys.iter().find_map(|file| Some((file, file.error.as_ref()?))) {
        let path = &file.path;
        let summary = format!("ssh cannot read {path}, which RevokedHostKeys names, so it refuses every host key");
        let seen = format!("opening {path} failed with {}", escape(error.as_bytes()));
        return Ok(Some(Finding::proven(summary).seen(seen)));
    }
    let summary = "RevokedHostKeys names a file that ssh cannot use, so it refuses every host key";
    let (Err(Unobserved::Failed(reason)), false) = (&offered.revoked_by_file, known.revoked_host_keys.is_empty())
    else {
        return Ok(None);
    };
    Ok(Some(Finding::likely(summary).seen(escape(reason.as_bytes()))))
}

fn provide_the_list(facts: &Facts) -> Vec<Step> {
    let Ok(known) = &facts.host_key.known else { return Vec::new() };
    let mut files = known.revoked_host_keys.iter();
    let file = files.clone().find(|file| file.error.is_some()).or_else(|| files.next());
    let shown = file.map(|file| {
        Step::here(format!("ls -ld {}", word(&file.path)), "shows whether it is there and who may read it")
    });
    let why = "put the file in place, or take RevokedHostKeys out of the configuration if none is wanted";
    shown.into_iter().chain([Step::person(Place::Client, why)]).collect()
}

fn read_the_list(facts: &mut Facts) {
    if let Ok(known) = &mut facts.host_key.known {
        known.revoked_host_keys.iter_mut().for_each(|file| file.error = None);
    }
    if let Ok(offered) = &mut facts.host_key.offered {
        offered.revoked_by_file = Ok(None);
    }
    forget_what_ssh_did_not_reach(facts);
}
