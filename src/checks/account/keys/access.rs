//! Whether sshd can read a file of keys, and trusts it: the account's own rights, SELinux, StrictModes.

use crate::facts::account::{KeysFile, Passwd, PathNode};
use crate::facts::known;
use crate::facts::text::Path;
use crate::openssh::sshd::key::{Outcome as Of, closed};
use crate::openssh::strict_modes::Distrusted;

use super::super::{Scene, not_allowed, scene};
use super::{append_to, file_obstacle, install, who};
use crate::checks::{Blocks, Cause, Finding, Fix, Place, Step, naming, quoted};

pub(super) const AUTHORIZED_KEYS_UNREADABLE: Cause = Cause {
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
            let Ok(Some((scene, file, outcome))) = file_obstacle(facts) else { return Vec::new() };
            match outcome {
                Of::NotAFile => {
                    let path = naming::path(&file.path);
                    let mut steps = vec![Step::server_root(
                        format!("mv {path} {path}.old"),
                        "puts aside what is no file, so that a file can take its name",
                    )];
                    steps.extend(append_to(&scene, file, true));
                    steps
                }
                Of::Unreadable(at) => open(&scene, file, at),
                _ => Vec::new(),
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

/// The commands that let the account read a file, at all places that are closed to it.
fn open(scene: &Scene<'_>, file: &KeysFile, at: Option<Path>) -> Vec<Step> {
    let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
    let mut all = closed(scene.account, scene.login, &file.path);
    if all.is_empty() {
        all.extend(at.or_else(|| Some(file.path.clone())));
    }
    let below_home = [passwd.home.as_bytes(), b"/"].concat();
    let is_below = |place: &Path| place.as_bytes().starts_with(&below_home);
    // chown and chmod follow a link, and what it leads to may be anybody's: /etc/shadow, /root. The home itself, and what
    // is above it, stays where it is.
    let is_link = |place: &Path| scene.account.node(place).is_some_and(|node| node.link.is_some());
    if let Some(link) = all.iter().find(|place| is_link(place) && (is_below(place) || **place == file.path)) {
        let name = naming::path(link);
        let mut steps = vec![Step::server_root(
            format!("mv {name} {name}.old"),
            "puts the link aside, which leads where the account may not read",
        )];
        steps.extend(append_to(scene, file, true));
        return steps;
    }
    let step = |place: &Path| {
        let name = naming::path(place);
        let owner = scene.account.node(place).and_then(|node| node.followed.or(node.stat)).map(|stat| stat.uid);
        let bit = if *place == file.path { "r" } else { "x" };
        if owner == Some(passwd.uid) {
            let bits = if bit == "r" { "u+r" } else { "u+rx" };
            Step::server_root(format!("chmod {bits} {name}"), "lets its owner, the account, open it")
        } else if is_below(place) || *place == passwd.home && !is_link(place) {
            let owner = format!("chown {}:{} {name}", passwd.uid, passwd.gid);
            Step::server_root(owner, "gives it to the account, which then can open it")
        } else if bit == "r" {
            Step::server_root(format!("chmod o+r {name}"), "lets the account read it; it holds public keys only")
        } else {
            Step::server_root(format!("chmod o+x {name}"), "lets the account pass it; it still cannot list it")
        }
    };
    one_command(all.iter().map(step).collect(), "lets the account pass every folder and read the file")
}

/// What stat said of a name, in a sentence.
pub(super) fn described(node: &PathNode) -> Option<String> {
    let stat = node.followed.or(node.stat)?;
    Some(format!("{} has mode {:04o}, owner {}, group {}", node.path, stat.permissions(), stat.uid, stat.gid))
}

/// AVC denials, in force, of sshd about a file of keys or a folder above it, newest first: the name and the label are
/// those of the denial still. A denial of another file of that name has another label, or the label closes both.
fn denied_by_selinux(scene: &Scene<'_>) -> Vec<String> {
    if scene.account.machine.selinux != Some(true) {
        return Vec::new();
    }
    let files = scene.login.keys_files.iter().flat_map(|file| std::iter::once(&file.path).chain(&file.real));
    let mut nodes: Vec<(String, String, String)> = Vec::new();
    for file in files {
        for path in file.steps() {
            if let Some(label) = scene.account.node(&path).and_then(|node| node.label.as_ref()) {
                let (path, label) = (path.to_string(), label.to_string());
                let last = path.rsplit('/').next().unwrap_or_default().to_owned();
                nodes.push((path, last, label));
            }
        }
    }
    let about = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let says = |name: &str, value: &str| words.iter().any(|word| word.strip_prefix(name) == Some(value));
        !says("permissive=", "1")
            && nodes.iter().any(|(path, last, label)| {
                let named = says("name=", &format!("\"{last}\"")) || says("path=", &format!("\"{path}\""));
                named && says("tcontext=", label)
            })
    };
    let lines = scene.account.machine.denials.iter().rev().map(|line| line.shortened(400));
    lines.filter(|line| about(line)).take(3).collect()
}

/// What tells the policy of a home in a place where it expects none (semanage-fcontext(8): a regular expression).
fn told_to_selinux(passwd: &Passwd) -> Option<Step> {
    let home = passwd.home.as_str().filter(|home| !home.starts_with("/home/") && *home != "/root")?;
    let mut pattern = String::new();
    for letter in home.chars() {
        if !letter.is_alphanumeric() && !"/_-".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    let pattern = quoted(&format!("{pattern}/\\.ssh(/.*)?"));
    Some(Step::server_root(
        format!("semanage fcontext -a -t ssh_home_t {pattern}"),
        "tells the policy that keys lie there: it knows of homes below /home alone",
    ))
}

pub(super) const SELINUX_CONTEXT: Cause = Cause {
    id: "server-selinux-context",
    title: "an SELinux label keeps sshd from reading the file",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The file was moved or made where another label applies; the audit log holds an AVC denial for sshd.\n\n\
          Proven by a denial that names the file or a folder above it with the label that it still has, while SELinux \
          enforces.",
    prevent: "Move files with `cp` and not with `mv`, or run restorecon afterwards; tell SELinux of homes in other places with \
              semanage fcontext.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
            let relabel = Step::server_root(
                format!("restorecon -Rv {}/.ssh", naming::path(&passwd.home)),
                "gives the folder and its files the labels that the policy has for them",
            );
            told_to_selinux(passwd).into_iter().chain([relabel]).collect()
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account {
                account.machine.denials.clear();
            }
        },
    },
    see: &["sshd_selinux(8)", "restorecon(8)"],
    judge: |facts| {
        // What the account itself may read, sshd may still not: the policy is about its own domain.
        let scene = scene(facts)?;
        if not_allowed(facts)?.is_some() || known(&scene.login.effective)?.is_no("pubkeyauthentication") {
            return Ok(None);
        }
        let denials = denied_by_selinux(&scene);
        if denials.is_empty() {
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

pub(super) const STRICT_MODES: Cause = Cause {
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
            one_command(steps, "mends all places that sshd would stop at")
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
        finding.evidence.extend(super::super::log::last_refusal(facts, "server-strict-modes"));
        let uid = scene.login.passwd.as_ref().ok().and_then(|passwd| Some(passwd.as_ref()?.uid)).unwrap_or_default();
        Ok(Some(finding.seen(format!("StrictModes wants root or {uid} as owner, and nobody else to write"))))
    },
};

/// Several commands of root as one, so that nothing is left half done.
fn one_command(steps: Vec<Step>, why: &str) -> Vec<Step> {
    if steps.len() < 2 {
        return steps;
    }
    let commands: Vec<String> = steps.iter().filter_map(|step| step.command.clone()).collect();
    vec![Step::server_root(commands.join(" && "), why)]
}
