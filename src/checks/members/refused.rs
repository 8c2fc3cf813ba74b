//! The members of `no-key-accepted` and of what looks like it: what may stand behind a refusal of every key.
//!
//! The answers are the same to the last byte, so what ranks the members is the rest of what was seen; where nothing
//! speaks, how often each is met (the file before the account, the account before sshd's own settings). How long an
//! answer took is no evidence: sshd blurs it on purpose (auth2.c `user_specific_delay`).

use crate::facts::Facts;
use crate::facts::identities::KeyFile;
use crate::facts::text::ServerText;
use crate::openssh::course::{self, Turn};

use super::super::{Alternative, Certainty, Decide, Place, Step, auth_methods, naming};
use super::{Suspects, log_command, names};

/// Members that sshd's own DEBUG messages name about a key that it refused (auth2-pubkey.c, auth2-pubkeyfile.c,
/// auth.c `auth_debug_add`), by words of theirs.
const DEBUG: &[(&str, &str)] = &[
    ("bad ownership or modes", "server-strict-modes"),
    ("not from a permitted host", "server-key-options-refuse"),
    ("has expired", "server-key-options-refuse"),
    ("bad key options", "server-key-entry-malformed"),
    ("revoked by file", "server-key-revoked"),
];

/// What nothing speaks for or against, in the order in which it is met.
const USUAL: &[&str] = &[
    "server-key-not-listed",
    "server-authorized-keys-missing",
    "server-strict-modes",
    "wrong-user",
    "server-no-such-user",
    "server-user-not-allowed",
    "server-key-entry-malformed",
    "server-authorized-keys-elsewhere",
    "server-account-locked",
    "server-authorized-keys-unreadable",
    "server-selinux-context",
    "server-home-missing",
    "server-config-override",
    "server-key-options-refuse",
    "server-authorized-keys-command-failed",
    "server-key-algorithm-refused",
    "server-shell-invalid",
    "server-account-expired",
    "server-config-not-reloaded",
    "server-key-revoked",
];

/// The members that a refusal of every key allows, likeliest first.
pub(in crate::checks) fn members(facts: &Facts, turns: &[Turn]) -> Vec<Alternative> {
    let mut suspects = Suspects::default();
    told(facts, &mut suspects);
    named(facts, &mut suspects);
    of_the_key(facts, turns, &mut suspects);
    of_the_server(facts, &mut suspects);
    let git = names::git_host(facts).is_some();
    for id in USUAL {
        // A Git host has neither accounts nor files of one's own.
        if !git || *id == "wrong-user" {
            suspects.possible(id);
        }
    }
    let mut alternatives: Vec<Alternative> = mismatched_pair(facts, turns).into_iter().collect();
    alternatives.extend(super::super::userauth::certificates::of_refusal(facts, turns));
    let named = |id: &str| alternatives.iter().any(|known| known.cause == id);
    let rest: Vec<Alternative> = suspects.alternatives(facts).into_iter().filter(|next| !named(next.cause)).collect();
    alternatives.extend(rest);
    alternatives
}

/// What the server itself said about a key that it refused.
fn told(facts: &Facts, suspects: &mut Suspects) {
    let Ok(userauth) = &facts.userauth else { return };
    for said in userauth.debug.iter().filter_map(ServerText::as_str) {
        if let Some((_, id)) = DEBUG.iter().find(|(words, _)| said.contains(words)) {
            suspects.likely(id, format!("the server says: {}", ServerText::from(said).shortened(200)));
        }
    }
}

/// What the account's name shows.
fn named(facts: &Facts, suspects: &mut Suspects) {
    let user = naming::user(facts);
    let name = user.as_str().unwrap_or_default();
    if let Some(meant) = names::slip_of(name) {
        suspects.likely("server-no-such-user", format!("{name} is one slip of the finger away from {meant}"));
    }
    for seen in names::other_name_meant(facts) {
        suspects.likely("wrong-user", seen);
    }
    if let Some(seen) = names::of_another_image(facts) {
        suspects.likely("wrong-user", seen);
    }
    match names::git_host(facts) {
        Some(seen) if name == "git" => suspects.likely("git-host-no-account", seen),
        // Of a Git host that runs OpenSSH's own sshd nothing else can be seen, and any machine may have an account git.
        None if name == "git" => suspects.hinted("git-host-no-account", "the account is git, as on Git hosts"),
        _ => {}
    }
    if names::is_systems_own(name) {
        let seen = format!("{name} is an account that systems have for themselves, mostly without a home");
        suspects.hinted("server-home-missing", seen.clone());
        suspects.hinted("wrong-user", seen);
    }
}

/// What the keys show.
fn of_the_key(facts: &Facts, turns: &[Turn], suspects: &mut Suspects) {
    let keys = || turns.iter().filter_map(|turn| turn.offer.key.as_ref());
    let Some(first) = course::meant(facts, turns).and_then(|turn| turn.offer.key.as_ref()) else { return };
    let files = turns.iter().filter_map(|turn| course::key_file(facts, &turn.offer));
    if let Some(file) = files.into_iter().find(|file| public_is_odd(file)) {
        let seen = format!(
            "{} is no public key in one line: pasted into authorized_keys as it is, sshd passes over it",
            file.public.path
        );
        suspects.likely("server-key-entry-malformed", seen);
    }
    let verified = facts.userauth.as_ref().ok().and_then(|userauth| userauth.extension("server-sig-algs"));
    let kind = first.plain_algorithm();
    if let Some(list) = verified.and_then(ServerText::as_str)
        && kind != "ssh-rsa"
        && !list.split(',').any(|name| name == kind)
    {
        suspects.likely(
            "server-key-algorithm-refused",
            format!("server-sig-algs, the signatures that the server verifies, leaves out {kind}"),
        );
    }
    if keys().all(|key| key.plain_algorithm() == "ssh-rsa") {
        let short = first.bits.filter(|bits| *bits < 2048);
        if let Some(bits) = short {
            // RHEL 9's policy, and what FIPS 186-5 asks for.
            let seen = format!("the key is RSA with {bits} bits, and servers with a crypto policy demand 2048 or more");
            suspects.likely("server-key-algorithm-refused", seen);
        }
        suspects.possible("server-key-not-listed");
        suspects.hinted("server-key-entry-malformed", "an RSA key is a long line, which a paste may wrap");
        if short.is_none() {
            suspects.hinted("server-key-algorithm-refused", "every key is RSA, which crypto policies restrict");
        }
    }
}

/// Whether there is a `.pub` that holds no public key as OpenSSH writes it.
fn public_is_odd(file: &KeyFile) -> bool {
    file.public.key.is_none()
        && file.public.path != file.path
        && file.public.state.as_ref().is_ok_and(|stat| stat.size_bytes > 0)
}

/// What the server's software, its methods and the host's name show.
fn of_the_server(facts: &Facts, suspects: &mut Suspects) {
    let root = naming::user(facts) == "root";
    if names::is_software(facts, "OpenSSH_for_Windows") {
        let seen = "the server runs on Windows, where administrators' keys have a file of their own";
        suspects.likely("server-authorized-keys-elsewhere", seen);
    }
    if names::is_software(facts, "dropbear") && root {
        // Both are as common as each other, and a key that is in no file looks the same.
        suspects.hinted("server-root-login-disabled", "the server is dropbear, which refuses root's keys when told so");
        suspects.hinted(
            "server-authorized-keys-elsewhere",
            "the server is dropbear, which on OpenWrt reads root's keys from /etc/dropbear/authorized_keys",
        );
    }
    if let Some(host) = names::storage_box(facts) {
        let seen = format!("{host} is named as a storage box, whose homes others may write as they come");
        suspects.hinted("server-strict-modes", seen);
    }
    let methods = facts.userauth.as_ref().ok().and_then(|userauth| userauth.methods()).unwrap_or_default();
    if names::is_software(facts, "OpenSSH_") && names::distribution(facts).is_none() {
        suspects.possible("server-key-not-listed");
        if methods.iter().any(|method| method == "gssapi-with-mic") {
            // Their packages offer GSSAPI as they come, and have SELinux enforcing.
            let seen =
                "OpenSSH without a distribution's name that offers GSSAPI: Fedora, RHEL and their kin run SELinux";
            suspects.hinted("server-selinux-context", seen);
        } else {
            let seen = "OpenSSH without a distribution's name: Alpine and other small systems build it without PAM, and then \
                        a locked password keeps keys out as well";
            suspects.hinted("server-account-locked", seen);
        }
    }
}

/// A refused `.pub` that does not belong to the private key beside it.
fn mismatched_pair(facts: &Facts, turns: &[Turn]) -> Option<Alternative> {
    let file = turns
        .iter()
        .filter(|turn| !turn.offer.agent)
        .filter_map(|turn| course::key_file(facts, &turn.offer))
        .find(|file| course::mismatched(file))?;
    let path = naming::path(&file.path);
    let private = file.private.as_ref().ok().and_then(|private| private.public.as_ref()).map(naming::key);
    Some(Alternative {
        cause: "key-pair-mismatch",
        certainty: Certainty::Likely,
        summary: format!("{} is not the public half of {}, and ssh offered it", file.public.path, file.path),
        evidence: private.map(|key| format!("the private key's own public half is {key}")).into_iter().collect(),
        decide: Some(Decide { place: Place::Client, command: format!("ssh-keygen -y -f {path} | diff - {path}.pub") }),
    })
}

/// What to type when every key is refused.
pub(in crate::checks) fn commands(facts: &Facts) -> Vec<Step> {
    let mut steps = Vec::new();
    let turns = course::course(facts).unwrap_or_default();
    let methods = facts.userauth.as_ref().ok().and_then(|userauth| userauth.methods()).unwrap_or_default();
    let file = course::meant(facts, &turns).and_then(|turn| course::key_file(facts, &turn.offer));
    let git = names::git_host(facts);
    if auth_methods::question_open(facts, methods)
        && git.is_none()
        && let Some(file) = file.filter(|file| file.public.key.is_some())
    {
        let copy = format!("ssh-copy-id -i {} {}", naming::path(&file.public.path), naming::copy_destination(facts));
        steps.push(Step::here(copy, "if you know the account's password: adds the key with the modes that sshd wants"));
    }
    if git.is_some() {
        let key = file.map_or_else(|| "your public key".to_owned(), |file| file.public.path.to_string());
        steps.push(Step::person(Place::GitHost, format!("add {key} to your account's SSH keys in the web interface")));
        return steps;
    }
    if names::is_software(facts, "OpenSSH_for_Windows") {
        let why = "look in the event log OpenSSH/Operational; an administrator's keys belong in \
                   C:\\ProgramData\\ssh\\administrators_authorized_keys, which only SYSTEM and Administrators may access";
        steps.push(Step::person(Place::Server, why));
        return steps;
    }
    steps.push(Step::server_root(
        log_command(facts),
        "sshd's own words about this attempt; they name most of the causes",
    ));
    steps.extend(names::way_in(facts).map(|way| Step::person(Place::Server, way)));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::transport::Transport;
    use crate::facts::{Target, UserFrom};

    fn named_at(user: &str, host: &str, identification: &str, id: &str) -> Option<(usize, Certainty)> {
        let facts = Facts {
            target: Ok(Target {
                user: user.into(),
                user_from: UserFrom::CommandLine,
                host: host.into(),
                ..Target::default()
            }),
            transport: Ok(Transport { identification: Some(identification.into()), ..Transport::default() }),
            ..Facts::default()
        };
        let members = members(&facts, &[]);
        let place = members.iter().position(|member| member.cause == id)?;
        Some((place, members[place].certainty))
    }

    #[test]
    fn the_name_git_alone_makes_no_git_host_likely() {
        let at = |host: &str, identification: &str| named_at("git", host, identification, "git-host-no-account");
        assert_eq!(at("code.example.org", "SSH-2.0-OpenSSH_9.2p1 Debian-2"), Some((0, Certainty::Possible)));
        assert_eq!(at("github.com", "SSH-2.0-babeld-1a2b3c4"), Some((0, Certainty::Likely)));
        assert_eq!(named_at("deploy", "code.example.org", "SSH-2.0-OpenSSH_9.2p1", "git-host-no-account"), None);
    }

    #[test]
    fn root_at_dropbear_is_kept_out_by_its_switch_or_has_its_keys_elsewhere() {
        let of = |id: &str| named_at("root", "router.example.org", "SSH-2.0-dropbear_2022.83", id);
        assert_eq!(of("server-root-login-disabled"), Some((0, Certainty::Possible)));
        assert_eq!(of("server-authorized-keys-elsewhere"), Some((1, Certainty::Possible)));
        assert_eq!(named_at("deploy", "router", "SSH-2.0-dropbear_2022.83", "server-root-login-disabled"), None);
    }
}
