//! The file of keys: is it there, does sshd trust and read it, and does a line of it let the key in?

use crate::facts::account::{KeysFile, KeysLine, NodeStat, PathNode};
use crate::facts::key::PublicKey;
use crate::facts::text::Path;
use crate::facts::{Facts, Observed, known};
use crate::openssh::authorized_keys::{self, Line, Refusal};
use crate::openssh::sshd::key::{LineSays, Obstacle, Outcome as Of, access, decide};
use crate::openssh::strict_modes::Distrusted;

use super::{Scene, deciding, edit, not_allowed, obstacle, reload, scene, seen};
use crate::checks::{Blocks, Cause, Finding, Fix, Outcome, Place, Step, naming, quoted};

/// What can keep a key out.
pub(super) const CAUSES: &[&Cause] = &[
    &KEY_ALGORITHM_REFUSED,
    &KEY_REVOKED,
    &AUTHORIZED_KEYS_UNREADABLE,
    &SELINUX_CONTEXT,
    &STRICT_MODES,
    &KEY_OPTIONS_REFUSE,
    &KEY_ENTRY_MALFORMED,
    &AUTHORIZED_KEYS_COMMAND_FAILED,
    &AUTHORIZED_KEYS_ELSEWHERE,
    &AUTHORIZED_KEYS_MISSING,
    &KEY_NOT_LISTED,
];

/// What stands in the way of the keys, whoever is in question: the first file that sshd does not read where no key is.
enum Found<'a> {
    /// Of this key.
    Of(PublicKey, Obstacle<'a>, bool),
    /// Of every key: no file of keys is read.
    All(&'a KeysFile, Of),
}

/// The scene and what stands in the way; nothing where the account itself is refused.
fn found(facts: &Facts) -> Observed<Option<(Scene<'_>, Found<'_>)>> {
    let here = scene(facts)?;
    let settings = known(&here.login.effective)?;
    if not_allowed(facts)?.is_some() || settings.is_no("pubkeyauthentication") {
        return Ok(None);
    }
    if !here.keys.is_empty() {
        return Ok(obstacle(&here)?.map(|(key, obstacle, decision)| (here, Found::Of(key, obstacle, decision.open))));
    }
    let mut first = None;
    for file in &here.login.keys_files {
        match access(here.account, here.login, settings, file) {
            None | Some(Of::NotSeen | Of::Read(_)) => return Ok(None),
            Some(Of::Missing) => first = first.or(Some((file, Of::Missing))),
            Some(outcome) => match first {
                None | Some((_, Of::Missing)) => first = Some((file, outcome)),
                Some(_) => {}
            },
        }
    }
    let asks = here.login.commands.iter().any(|command| command.setting == "authorizedkeyscommand");
    Ok(first
        .filter(|(_, outcome)| !asks || *outcome != Of::Missing)
        .map(|(file, outcome)| (here, Found::All(file, outcome))))
}

/// The file of keys that stands in the way, and what becomes of it.
fn file_obstacle(facts: &Facts) -> Observed<Option<(Scene<'_>, &KeysFile, Of)>> {
    Ok(found(facts)?.and_then(|(scene, found)| match found {
        Found::Of(_, Obstacle::File(file, outcome), _) | Found::All(file, outcome) => Some((scene, file, outcome)),
        Found::Of(..) => None,
    }))
}

/// A word for the account in sentences.
fn who(scene: &Scene<'_>) -> String {
    scene.login.user.to_string()
}

const KEY_ALGORITHM_REFUSED: Cause = Cause {
    id: "server-key-algorithm-refused",
    title: "the server's policy refuses this type of key",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "PubkeyAcceptedAlgorithms, RequiredRSASize, a crypto policy or FIPS mode excludes the key. sshd logs \"signature \
          algorithm … not in PubkeyAcceptedAlgorithms\" or \"refusing RSA key: Invalid key length\".\n\n\
          Proven by sshd's effective settings for this login and the key's type and size.",
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
    see: &["OpenSSH auth2-pubkey.c userauth_pubkey", "sshd_config(5) PubkeyAcceptedAlgorithms, RequiredRSASize"],
    judge: |facts| {
        let Some((scene, Found::Of(key, obstacle, _))) = found(facts)? else { return Ok(None) };
        let settings = known(&scene.login.effective)?;
        let (summary, evidence) = match obstacle {
            Obstacle::Algorithm => {
                let list =
                    settings.first("pubkeyacceptedalgorithms").or_else(|| settings.first("pubkeyacceptedkeytypes"));
                let list = crate::facts::text::ServerText::new(list.unwrap_or_default()).shortened(400);
                (
                    format!("sshd takes no keys of the type {}", key.algorithm),
                    format!("PubkeyAcceptedAlgorithms is {list}"),
                )
            }
            Obstacle::TooSmall(bits, least) => (
                format!("sshd takes no RSA keys of less than {least} bits, and this one has {bits}"),
                format!("RequiredRSASize is {least}"),
            ),
            _ => return Ok(None),
        };
        Ok(Some(Finding::proven(summary).seen(naming::key(&key)).seen(evidence)))
    },
};

const KEY_REVOKED: Cause = Cause {
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

const AUTHORIZED_KEYS_UNREADABLE: Cause = Cause {
    id: "server-authorized-keys-unreadable",
    title: "sshd, acting as the user, cannot read authorized_keys",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The file or a folder above it is closed to the account itself: made by root with mode 0600, a home without x, an NFS \
          mount. sshd logs \"Could not open user … authorized keys\".\n\nProven by the kernel's own answer to the account \
          (setpriv, as root), else by owner, group and mode of every folder on the way.",
    prevent: "Make the file as the account itself (runuser -u ACCOUNT), or with install -o ACCOUNT -m 600.",
    fix: Fix {
        commands: |facts| {
            let Ok(Some((scene, file, Of::Unreadable(at)))) = file_obstacle(facts) else { return Vec::new() };
            let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
            let closed = at.unwrap_or_else(|| file.path.clone());
            let name = naming::path(&closed);
            let below_home = [passwd.home.as_bytes(), b"/"].concat();
            if closed.as_bytes().starts_with(&below_home) || closed == passwd.home {
                vec![Step::server_root(
                    format!("chown {}:{} {name}", passwd.uid, passwd.gid),
                    "gives it to the account, which then can open it",
                )]
            } else if closed == file.path {
                vec![Step::server_root(
                    format!("chmod o+r {name}"),
                    "lets the account read it; it holds public keys only",
                )]
            } else {
                vec![Step::server_root(
                    format!("chmod o+x {name}"),
                    "lets the account pass it; it still cannot list it",
                )]
            }
        },
        mend: install,
    },
    see: &["OpenSSH auth2-pubkeyfile.c auth_openfile, auth2-pubkey.c user_key_allowed2"],
    judge: |facts| {
        let Some((scene, file, outcome)) = file_obstacle(facts)? else { return Ok(None) };
        match outcome {
            Of::Unreadable(at) if denied_by_selinux(&scene).is_empty() => {
                let closed = at.unwrap_or_else(|| file.path.clone());
                let summary = format!("{} itself cannot read {}", who(&scene), file.path);
                let mut finding = Finding::proven(summary);
                if closed != file.path {
                    finding = finding.seen(format!("{closed} is closed to it"));
                }
                finding.evidence.extend(scene.account.node(&closed).and_then(described));
                if file.account_reads == Some(false) {
                    finding = finding.seen("asked as the account (setpriv), the kernel forbids to open it");
                }
                Ok(Some(finding))
            }
            Of::NotAFile => {
                let summary = format!("{} is no regular file, and sshd ignores it", file.path);
                let mut finding = Finding::proven(summary);
                finding.evidence.extend(scene.account.node(&file.path).and_then(described));
                Ok(Some(finding))
            }
            _ => Ok(None),
        }
    },
};

/// What stat said of a name, in a sentence.
fn described(node: &PathNode) -> Option<String> {
    let stat = node.followed.or(node.stat)?;
    Some(format!("{} has mode {:04o}, owner {}, group {}", node.path, stat.permissions(), stat.uid, stat.gid))
}

/// AVC denials about sshd that name the files of keys or a folder above them.
fn denied_by_selinux(scene: &Scene<'_>) -> Vec<String> {
    if scene.account.machine.selinux != Some(true) {
        return Vec::new();
    }
    let names: Vec<String> = scene
        .login
        .keys_files
        .iter()
        .flat_map(|file| {
            let text = file.path.to_string();
            text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let about = |line: &str| names.iter().any(|name| line.contains(&format!("name=\"{name}\"")));
    let lines = scene.account.machine.denials.iter().rev().map(|line| line.shortened(400));
    lines.filter(|line| about(line)).take(3).collect()
}

const SELINUX_CONTEXT: Cause = Cause {
    id: "server-selinux-context",
    title: "an SELinux label keeps sshd from reading the file",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The file was moved or made where another label applies; the audit log holds an AVC denial for sshd.\n\n\
          Proven by a denial that names the file or a folder above it, while SELinux enforces.",
    prevent: "Move files with `cp` and not with `mv`, or run restorecon afterwards; tell SELinux of homes in other places with \
              semanage fcontext.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
            vec![Step::server_root(
                format!("restorecon -Rv {}/.ssh", naming::path(&passwd.home)),
                "gives the folder and its files the labels that the policy has for them",
            )]
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account {
                account.machine.denials.clear();
            }
            install(facts);
        },
    },
    see: &["sshd_selinux(8)", "restorecon(8)"],
    judge: |facts| {
        let Some((scene, found)) = found(facts)? else { return Ok(None) };
        let by_file = match &found {
            Found::All(..) => true,
            Found::Of(_, obstacle, _) => matches!(obstacle, Obstacle::File(..) | Obstacle::NotListed),
        };
        let denials = denied_by_selinux(&scene);
        if denials.is_empty() || !by_file {
            return Ok(None);
        }
        let mut finding = Finding::proven(format!("SELinux forbids sshd to read the keys of {}", who(&scene)));
        finding.evidence = denials;
        let labels = scene.login.keys_files.iter().filter_map(|file| {
            let node = scene.account.node(&file.path)?;
            node.label.as_ref().map(|label| format!("{} has the label {label}", file.path))
        });
        finding.evidence.extend(labels);
        Ok(Some(finding))
    },
};

const STRICT_MODES: Cause = Cause {
    id: "server-strict-modes",
    title: "sshd finds the modes of home, .ssh or authorized_keys too open",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "With StrictModes, sshd ignores authorized_keys when the file, .ssh or the home folder belongs to another account or \
          may be written by group or others. It logs \"Authentication refused: bad ownership or modes\". Debian's and Ubuntu's \
          sshd lets a group write that has no other member.\n\nProven by owner and mode of every folder between the file and \
          the home folder, as sshd walks them.",
    prevent: "Keep homes at 0755 or less and .ssh at 0700; give shared folders a place outside of homes.",
    fix: Fix {
        commands: |facts| {
            let Ok(Some((scene, _, Of::Distrusted(stop, further)))) = file_obstacle(facts) else { return Vec::new() };
            let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
            let all: Vec<&Distrusted> = std::iter::once(&stop).chain(&further).collect();
            let step = |place: &Distrusted| {
                let name = naming::path(&place.path);
                if place.owner {
                    Step::server_root(format!("chown {} {name}", passwd.uid), "gives it to the account")
                } else {
                    Step::server_root(format!("chmod go-w {name}"), "lets nobody but its owner write there")
                }
            };
            let mut steps: Vec<Step> = all.iter().map(|place| step(place)).collect();
            // What belongs to another and is open as well needs both.
            let both = all.iter().filter(|place| place.owner && place.stat.mode & 0o022 != 0);
            steps.extend(both.map(|place| {
                Step::server_root(
                    format!("chmod go-w {}", naming::path(&place.path)),
                    "lets nobody but its owner write there",
                )
            }));
            one_command(steps)
        },
        mend: |facts| {
            let stops: Vec<Path> = match file_obstacle(facts) {
                Ok(Some((_, _, Of::Distrusted(stop, further)))) => {
                    std::iter::once(stop).chain(further).map(|place| place.path).collect()
                }
                _ => Vec::new(),
            };
            let Ok(account) = &mut facts.account else { return };
            let uid = account.login.passwd.as_ref().ok().and_then(|passwd| Some(passwd.as_ref()?.uid));
            for node in account.paths.iter_mut().filter(|node| stops.contains(&node.path)) {
                for stat in [&mut node.stat, &mut node.followed].into_iter().flatten() {
                    stat.mode &= !0o022;
                    stat.uid = uid.filter(|_| stat.uid != 0).unwrap_or(stat.uid);
                }
            }
        },
    },
    see: &["OpenSSH misc.c safe_path", "sshd_config(5) StrictModes"],
    judge: |facts| {
        let Some((scene, file, Of::Distrusted(stop, further))) = file_obstacle(facts)? else { return Ok(None) };
        let what = if stop.owner { "belongs to another account" } else { "may be written by others" };
        let summary = format!("sshd ignores {}: {} {what}", file.path, stop.path);
        let mut finding = Finding::proven(summary);
        for place in std::iter::once(&stop).chain(&further) {
            let stat = place.stat;
            finding = finding.seen(format!(
                "{} has mode {:04o}, owner {}, group {}",
                place.path,
                stat.permissions(),
                stat.uid,
                stat.gid
            ));
        }
        finding.evidence.extend(super::log::last_refusal(facts, "server-strict-modes"));
        let uid = scene.login.passwd.as_ref().ok().and_then(|passwd| Some(passwd.as_ref()?.uid)).unwrap_or_default();
        Ok(Some(finding.seen(format!("StrictModes wants root or {uid} as owner, and nobody else to write"))))
    },
};

/// Several commands of root as one, so that nothing is left half done.
fn one_command(steps: Vec<Step>) -> Vec<Step> {
    if steps.len() < 2 {
        return steps;
    }
    let commands: Vec<String> = steps.iter().filter_map(|step| step.command.clone()).collect();
    vec![Step::server_root(commands.join(" && "), "mends all places that sshd would stop at")]
}

/// A line that has a key and refuses it: whose, in which file, its number, and what it says.
type LineObstacle<'a> = (Scene<'a>, PublicKey, &'a KeysFile, u32, LineSays);

/// The line that has the key and refuses it.
fn line_obstacle(facts: &Facts) -> Observed<Option<LineObstacle<'_>>> {
    Ok(found(facts)?.and_then(|(scene, found)| match found {
        Found::Of(key, Obstacle::Line(file, number, says), _) => Some((scene, key, file, number, says)),
        _ => None,
    }))
}

const KEY_OPTIONS_REFUSE: Cause = Cause {
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
        let Some((scene, key, file, number, LineSays::Refuses(refusal))) = line_obstacle(facts)? else {
            return Ok(None);
        };
        let at = format!("{}:{number}", file.path);
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
            finding = finding.seen(format!("{from} is the last address in the log; --from names another"));
        }
        finding.evidence.extend(super::log::last_refusal(facts, "server-key-options-refuse"));
        Ok(Some(finding))
    },
};

fn escaped(text: &str) -> String {
    crate::facts::text::ServerText::new(text).shortened(200)
}

fn option_commands(facts: &Facts) -> Vec<Step> {
    let Ok(Some((scene, _, file, number, LineSays::Refuses(refusal)))) = line_obstacle(facts) else {
        return Vec::new();
    };
    let path = naming::path(&file.path);
    let cut = |script: String, why: &str| {
        Step::server_root(format!("sed -i.bak {} {path}", quoted(&format!("{number}{script}"))), why)
    };
    let from = scene.login.from.as_ref().and_then(|from| from.as_str());
    match (refusal, from) {
        (Refusal::From(list), Some(from)) if !list.starts_with('!') => vec![cut(
            format!("s/from=\"/from=\"{},/", from.replace('/', "\\/")),
            "allows the address beside the others, if the login may come from there",
        )],
        (Refusal::Expired(_), _) => {
            vec![cut(
                "s/expiry-time=\"[^\"]*\",\\{0,1\\}//; s/^ *//".to_owned(),
                "takes the expiry away, if the key may still be used",
            )]
        }
        (Refusal::PrincipalsOnPlainKey, _) => {
            vec![cut(
                "s/principals=\"[^\"]*\",\\{0,1\\}//; s/^ *//".to_owned(),
                "takes principals= away, which only a CA's line may have",
            )]
        }
        _ => vec![Step::server_root(format!("sed -n {number}p {path}"), "shows the line; correct its from=")],
    }
}

const KEY_ENTRY_MALFORMED: Cause = Cause {
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
            steps.splice(0..0, append(&scene));
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
            LineSays::Hidden(column) => (
                "the key stands in the middle of a line, where sshd reads none".to_owned(),
                format!(
                    "{at} has the key at its {column}th byte: two lines were joined, or something stands before it"
                ),
            ),
            _ => return Ok(None),
        };
        return Ok(Some(Finding::proven(summary).seen(fact).seen(naming::key(&key))));
    }
    let Some((scene, Found::Of(_, Obstacle::NotListed, open))) = found(facts)? else { return Ok(None) };
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

/// What makes a whole file, or its lines, unreadable for sshd.
fn shape(file: &KeysFile) -> Option<String> {
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
    let wrapped = file.lines.iter().position(|line| matches!(line, KeysLine::Base64(_)));
    wrapped.map(|at| format!("{}:{} is the rest of a key that a line feed cut in two", file.path, at + 1))
}

const AUTHORIZED_KEYS_COMMAND_FAILED: Cause = Cause {
    id: "server-authorized-keys-command-failed",
    title: "AuthorizedKeysCommand fails or does not answer with the key",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The keys come from a program (LDAP, SSSD, a cloud's agent) that is missing, unsafe, failing, or does not know the \
          key.\n\nProven where the program is not there, its owner or mode or a folder above it makes sshd refuse to run it, its \
          account does not exist, or (with --run-keys-command) its answer does not hold the key.",
    prevent: "Keep the program and every folder above it root's, and not writable by others.",
    fix: Fix {
        commands: |facts| {
            let Ok(Some((scene, fault))) = command_fault(facts) else { return Vec::new() };
            match fault {
                CommandFault::Missing(path) => {
                    vec![Step::server_root(
                        format!("ls -l {}", naming::path(&path)),
                        "install the program, or correct AuthorizedKeysCommand",
                    )]
                }
                CommandFault::Unsafe(path) => vec![Step::server_root(
                    format!("chown root {name} && chmod go-w {name}", name = naming::path(&path)),
                    "sshd runs only what nobody but root may change",
                )],
                CommandFault::NotExecutable(path) => {
                    vec![Step::server_root(format!("chmod a+x {}", naming::path(&path)), "makes it a program")]
                }
                CommandFault::NoAccount | CommandFault::NoUser => {
                    match deciding(scene.account, "authorizedkeyscommanduser") {
                        Some(line) => vec![
                            edit(&line, "s/.*/AuthorizedKeysCommandUser nobody/", "runs it as an account that exists"),
                            reload(&scene),
                        ],
                        None => vec![Step::person(
                            Place::Server,
                            "set AuthorizedKeysCommandUser in sshd_config, for example to nobody",
                        )],
                    }
                }
                CommandFault::Answer(_) => {
                    vec![Step::person(Place::Server, "add the key where the program takes its answers from")]
                }
            }
        },
        mend: unknown,
    },
    see: &["OpenSSH auth2-pubkey.c user_key_command_allowed2, misc.c subprocess"],
    judge: |facts| {
        let Some((scene, fault)) = command_fault(facts)? else { return Ok(None) };
        let command = scene.login.commands.iter().find(|command| command.setting == "authorizedkeyscommand");
        let line = command.map(|command| command.line.shortened(200)).unwrap_or_default();
        let (summary, proven) = match &fault {
            CommandFault::Missing(path) => (format!("sshd asks {path} for keys, which is not there"), true),
            CommandFault::Unsafe(path) => (
                format!("sshd does not run its AuthorizedKeysCommand: {path} may be changed by others than root"),
                true,
            ),
            CommandFault::NotExecutable(path) => {
                (format!("sshd asks {path} for keys, which is no program that may be executed"), true)
            }
            CommandFault::NoUser => {
                ("sshd does not run its AuthorizedKeysCommand: AuthorizedKeysCommandUser is not set".to_owned(), true)
            }
            CommandFault::NoAccount => (
                "sshd does not run its AuthorizedKeysCommand: AuthorizedKeysCommandUser does not exist".to_owned(),
                true,
            ),
            CommandFault::Answer(0) => ("AuthorizedKeysCommand answers without this key".to_owned(), true),
            CommandFault::Answer(status) => (format!("AuthorizedKeysCommand ends with status {status}"), true),
        };
        let mut finding = Finding::proven(summary).seen(format!("AuthorizedKeysCommand is {line}"));
        if !proven {
            finding.certainty = crate::checks::Certainty::Likely;
        }
        if let CommandFault::Unsafe(path) | CommandFault::NotExecutable(path) = &fault {
            finding.evidence.extend(scene.account.node(path).and_then(described));
        }
        finding.evidence.extend(super::log::last_refusal(facts, "server-authorized-keys-command-failed"));
        Ok(Some(finding))
    },
};

/// What is wrong with the program that sshd asks.
enum CommandFault {
    Missing(Path),
    Unsafe(Path),
    NotExecutable(Path),
    NoUser,
    NoAccount,
    /// It was run, and its answer with this exit status does not let the key in.
    Answer(i32),
}

/// What is wrong with AuthorizedKeysCommand where no file lets the key in.
fn command_fault(facts: &Facts) -> Observed<Option<(Scene<'_>, CommandFault)>> {
    let Some((scene, found)) = found(facts)? else { return Ok(None) };
    let key = match &found {
        Found::Of(key, Obstacle::NotListed | Obstacle::File(_, Of::Missing), _) => Some(key.clone()),
        Found::All(_, Of::Missing) => None,
        _ => return Ok(None),
    };
    let Some(command) = scene.login.commands.iter().find(|command| command.setting == "authorizedkeyscommand") else {
        return Ok(None);
    };
    let program = command.line.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
    let program = Path::new(program);
    let fault = if command.run_as.is_empty() || command.run_as.as_bytes() == b"none" {
        Some(CommandFault::NoUser)
    } else if command.run_as_exists == Some(false) {
        Some(CommandFault::NoAccount)
    } else {
        let node = scene.account.node(&program);
        match node.map(|node| (node.followed.or(node.stat), node.error.as_deref())) {
            Some((None, Some("ENOENT"))) => Some(CommandFault::Missing(program.clone())),
            Some((Some(stat), _)) => unsafe_step(&scene, &program)
                .map(CommandFault::Unsafe)
                .or_else(|| (stat.mode & 0o111 == 0).then(|| CommandFault::NotExecutable(program.clone()))),
            _ => None,
        }
    };
    let answered = || {
        let (status, lines) = command.answer.as_ref()?;
        let key = key.as_ref()?;
        let lists = lines.iter().any(|line| match line {
            KeysLine::Text(text) => {
                matches!(authorized_keys::line(text.as_bytes()), Line::Entry(entry) if entry.key.fingerprint == key.fingerprint)
            }
            _ => false,
        });
        (*status != 0 || !lists).then_some(CommandFault::Answer(*status))
    };
    Ok(fault.or_else(answered).map(|fault| (scene, fault)))
}

/// The program or the folder above it that others than root may change (misc.c `subprocess`, `safe_path` with root as
/// the owner and no home).
fn unsafe_step(scene: &Scene<'_>, program: &Path) -> Option<Path> {
    let name = program.as_bytes();
    let ends = name.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0).map(|(at, _)| at);
    let steps = ends.chain([name.len()]).collect::<Vec<_>>().into_iter().rev().map(|end| Path::new(&name[..end]));
    steps.chain([Path::new(&b"/"[..])]).find(|step| {
        let stat: Option<NodeStat> = scene.account.node(step).and_then(|node| node.followed.or(node.stat));
        stat.is_some_and(|stat| stat.uid != 0 || stat.mode & 0o022 != 0)
    })
}

const AUTHORIZED_KEYS_ELSEWHERE: Cause = Cause {
    id: "server-authorized-keys-elsewhere",
    title: "the key is in a file that sshd does not read",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "AuthorizedKeysFile names another path (a central folder, administrators_authorized_keys on Windows), or the key was \
          put into another account's home or a misspelt file.\n\nProven by the very key in such a file and in none that sshd \
          reads for this account.",
    prevent: "Ask sshd where it looks: `sshd -T -C user=ACCOUNT,host=H,addr=A | grep authorizedkeysfile`.",
    fix: Fix { commands: |facts| scene(facts).map(|scene| append(&scene)).unwrap_or_default(), mend: install },
    see: &["OpenSSH auth.c expand_authorized_keys", "sshd_config(5) AuthorizedKeysFile"],
    judge: |facts| {
        let Some((scene, found)) = found(facts)? else { return Ok(None) };
        let Found::Of(key, Obstacle::NotListed | Obstacle::File(_, Of::Missing), open) = found else { return Ok(None) };
        if command_fault(facts)?.is_some() {
            return Ok(None);
        }
        let lets = |file: &&KeysFile| {
            let said = crate::openssh::sshd::key::lines(scene.account, scene.login, file, &key);
            said.iter().any(|(_, says)| matches!(says, LineSays::Lets(_) | LineSays::Refuses(_)))
        };
        let Some(other) = scene.login.other_files.iter().find(lets) else { return Ok(None) };
        let reads: Vec<String> = scene.login.keys_files.iter().map(|file| file.path.to_string()).collect();
        let summary = format!("the key is in {}, which sshd does not read for {}", other.path, who(&scene));
        let mut finding = Finding::proven(summary)
            .seen(naming::key(&key))
            .seen(format!("for this account sshd reads {}", reads.join(", ")));
        if let Some(line) = deciding(scene.account, "authorizedkeysfile") {
            finding = finding.seen(format!("{}: {} {}", line.place(), line.keyword, line.value.shortened(200)));
        }
        if open {
            finding.certainty = crate::checks::Certainty::Likely;
            finding = finding.seen("AuthorizedKeysCommand was not run; it may know the key");
        }
        Ok(Some(finding))
    },
};

const AUTHORIZED_KEYS_MISSING: Cause = Cause {
    id: "server-authorized-keys-missing",
    title: "there is no authorized_keys file where sshd looks",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "No file of the AuthorizedKeysFile setting exists for this account, and the key lies in no other place either.\n\n\
          Proven by sshd's effective AuthorizedKeysFile and the server's file system.",
    prevent: "ssh-copy-id makes folder and file with the right modes.",
    fix: Fix { commands: |facts| scene(facts).map(|scene| append(&scene)).unwrap_or_default(), mend: install },
    see: &["OpenSSH auth2-pubkey.c user_key_allowed", "sshd_config(5) AuthorizedKeysFile"],
    judge: |facts| {
        let Some((scene, found)) = found(facts)? else { return Ok(None) };
        let open = match found {
            Found::Of(_, Obstacle::File(_, Of::Missing), open) => open,
            Found::All(_, Of::Missing) => false,
            _ => return Ok(None),
        };
        if command_fault(facts)?.is_some() {
            return Ok(None);
        }
        let names: Vec<String> = scene.login.keys_files.iter().map(|file| file.path.to_string()).collect();
        let summary = format!("{} has no authorized_keys file where sshd looks", who(&scene));
        let mut finding = Finding::proven(summary);
        finding.evidence = names.iter().map(|name| format!("{name} does not exist")).collect();
        if open {
            finding.certainty = crate::checks::Certainty::Likely;
            finding = finding.seen("AuthorizedKeysCommand was not run; it may know the key");
        }
        Ok(Some(finding))
    },
};

const KEY_NOT_LISTED: Cause = Cause {
    id: "server-key-not-listed",
    title: "this key is not in the authorized_keys file",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The file that sshd reads is there, and none of its lines is this key. sshd logs nothing about it at its default \
          level.\n\nProven by every line of the files that sshd reads for this account.",
    prevent: "Compare fingerprints (ssh-keygen -lf), not comments: a comment says nothing about the key.",
    fix: Fix { commands: |facts| scene(facts).map(|scene| append(&scene)).unwrap_or_default(), mend: install },
    see: &["OpenSSH auth2-pubkeyfile.c auth_check_authkeys_file"],
    judge: |facts| {
        let Some((scene, Found::Of(key, Obstacle::NotListed, open))) = found(facts)? else { return Ok(None) };
        if command_fault(facts)?.is_some() {
            return Ok(None);
        }
        let mut finding = Finding::proven(format!("the key is not in the authorized_keys of {}", who(&scene)))
            .seen(naming::key(&key));
        for file in scene.login.keys_files.iter().filter(|file| file.error.is_none()) {
            let entries = entries(file);
            let names: Vec<String> = entries.iter().take(5).map(|key| key.fingerprint.to_string()).collect();
            let count = naming::count(entries.len(), "key", "keys");
            finding = finding.seen(format!("{} holds {count}: {}", file.path, names.join(", ")));
        }
        if open {
            finding.certainty = crate::checks::Certainty::Likely;
            finding = finding.seen("not all was seen: AuthorizedKeysCommand was not run, or a file is too large");
        }
        Ok(Some(finding))
    },
};

/// The keys that sshd reads in a file.
fn entries(file: &KeysFile) -> Vec<PublicKey> {
    let key = |line: &KeysLine| match line {
        KeysLine::Text(text) => match authorized_keys::line(text.as_bytes()) {
            Line::Entry(entry) => Some(entry.key),
            _ => None,
        },
        _ => None,
    };
    file.lines.iter().filter_map(key).collect()
}

/// The commands that put the key where sshd looks, with the owner and the modes that it wants.
fn append(scene: &Scene<'_>) -> Vec<Step> {
    let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
    let file =
        scene.login.keys_files.iter().find(|file| file.error.is_none()).or_else(|| scene.login.keys_files.first());
    let Some(file) = file else { return Vec::new() };
    let Some(key) = scene.keys.iter().find(|key| !key.blob.0.is_empty()) else {
        return vec![Step::person(Place::Server, format!("add the line of the public key to {}", file.path))];
    };
    let comment = if key.comment.is_empty() { String::new() } else { format!(" {}", key.comment) };
    let line = quoted(&format!("{} {}{comment}", key.algorithm, key.blob.base64()));
    let path = naming::path(&file.path);
    if file.error.as_deref() != Some("ENOENT") {
        // A last line without its end would be joined with the new one.
        let feed = if file.last.is_some() { "\\n" } else { "" };
        return vec![Step::server_root(
            format!("printf '{feed}%s\\n' {line} >> {path}"),
            "adds the key to the file that sshd reads",
        )];
    }
    let folder =
        file.path.as_bytes().iter().rposition(|byte| *byte == b'/').map(|at| Path::new(&file.path.as_bytes()[..at]));
    let below_home = [passwd.home.as_bytes(), b"/"].concat();
    let mut command = String::new();
    if let Some(folder) = folder.filter(|folder| folder.as_bytes().starts_with(&below_home)) {
        command = format!("install -d -m 700 -o {} -g {} {} && ", passwd.uid, passwd.gid, naming::path(&folder));
    }
    let owner = format!("-o {} -g {}", passwd.uid, passwd.gid);
    let command = format!("{command}printf '%s\\n' {line} | install -m 600 {owner} /dev/stdin {path}");
    vec![Step::server_root(command, "makes the file with the key in it, for the account alone")]
}

/// After that a file that sshd trusts holds the keys in question.
fn install(facts: &mut Facts) {
    let keys: Vec<PublicKey> = scene(facts).map(|scene| scene.keys).unwrap_or_default();
    let known = !keys.is_empty() && keys.iter().all(|key| !key.blob.0.is_empty());
    let Ok(account) = &mut facts.account else { return };
    let Ok(Some(passwd)) = account.login.passwd.clone() else { return unknown(facts) };
    if !known || account.login.keys_files.is_empty() {
        return unknown(facts);
    }
    let at = account.login.keys_files.iter().position(|file| file.error.is_none()).unwrap_or(0);
    let file = &mut account.login.keys_files[at];
    file.error = None;
    file.account_reads = Some(true);
    let line = |key: &PublicKey| KeysLine::Text(format!("{} {}", key.algorithm, key.blob.base64()).as_str().into());
    file.lines = keys.iter().map(line).collect();
    let own = |mode: u32| NodeStat { mode, uid: passwd.uid, gid: passwd.gid, ..NodeStat::default() };
    let path = file.path.clone();
    let mut name = path.as_bytes().to_vec();
    let mut mode = 0o100_600;
    while name.len() > passwd.home.as_bytes().len() && name.starts_with(passwd.home.as_bytes()) {
        let here = Path::new(name.clone());
        let missing = account.node(&here).is_none_or(|node| node.stat.is_none());
        if missing {
            account.paths.retain(|node| node.path != here);
            account.paths.push(PathNode { path: here, stat: Some(own(mode)), ..PathNode::default() });
        }
        mode = 0o040_700;
        let end = name.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        name.truncate(end);
    }
}

/// After that nothing is known of the server's side.
fn unknown(facts: &mut Facts) {
    facts.account = Err(crate::facts::Unobserved::NotAttempted);
}

/// Whether sshd can read the file, and the key is in it.
pub(super) fn holds(facts: &Facts) -> Observed<Outcome> {
    seen(facts)?;
    let scene = scene(facts)?;
    for key in &scene.keys {
        if let Some((file, line)) = decide(scene.account, scene.login, key)?.accepted {
            return Ok(Outcome::pass(format!("{}:{line} lets {} in", file.path, naming::key(key))));
        }
    }
    let mut evidence = Vec::new();
    let mut all = 0;
    let settings = known(&scene.login.effective)?;
    for file in &scene.login.keys_files {
        if access(scene.account, scene.login, settings, file).is_none() {
            let entries = entries(file);
            all += entries.len();
            evidence.extend(entries.iter().take(50).map(|key| format!("{}: {}", file.path, naming::key(key))));
        }
    }
    let broken = scene.login.keys_files.iter().find_map(shape);
    let outcome = match broken {
        Some(fact) => Outcome::warn(fact),
        None if scene.keys.is_empty() => {
            Outcome::pass(format!("sshd reads {} for {}", naming::count(all, "key", "keys"), who(&scene)))
        }
        None => Outcome::info("no key in question"),
    };
    Ok(outcome.with(evidence))
}
