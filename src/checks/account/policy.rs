//! sshd's configuration: is it valid, is it the one that runs, does the line that was edited win, and does it let a key in?

use crate::facts::text::ServerText;
use crate::facts::{Facts, Observed, known};
use crate::openssh::sshd::config::{Setting, settings};

use super::{Scene, deciding, edit, not_allowed, obstacle, reload, scene, seen};
use crate::checks::{Blocks, Cause, Finding, Fix, Outcome, Place, Step, naming, quoted};

/// What can be wrong with it.
pub(super) const CAUSES: &[&Cause] =
    &[&CONFIG_INVALID, &CONFIG_NOT_RELOADED, &CONFIG_OVERRIDE, &AUTH_METHODS, &HOST_KEY_UNUSABLE, &CHROOT_OWNERSHIP];

const CONFIG_INVALID: Cause = Cause {
    id: "server-config-invalid",
    title: "sshd dies on each connection, or did not come up, because of its configuration",
    blocks: Blocks::Connect,
    place: Place::Server,
    doc: "sshd -t names the line; until it is mended sshd ends every connection or will not start again. A daemon that runs \
          since before the change goes on with what it read then.\n\nProven by sshd -t itself.",
    prevent: "Run sshd -t before every reload, and keep a second session open meanwhile.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let mut steps = Vec::new();
            if let Some((path, line)) = named_line(&scene) {
                steps.push(Step::server_root(
                    format!("sed -n {line}p {}", quoted(&path)),
                    "shows the line; correct or remove it",
                ));
            }
            steps.push(reload(&scene));
            steps
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account {
                account.sshd.test = Some((0, Vec::new()));
                account.login.effective = Err(crate::facts::Unobserved::NotAttempted);
            }
        },
    },
    see: &["sshd(8) -t", "OpenSSH servconf.c process_server_config_line_depth"],
    judge: |facts| {
        let account = seen(facts)?;
        let Some((status, said)) = account.sshd.test.as_ref().filter(|(status, _)| *status != 0) else {
            return Ok(None);
        };
        // Another status is none of sshd's: `timeout` ended it, or it could not be run.
        if ![1, 255].contains(status) {
            return Ok(None);
        }
        // No host key can be loaded: another cause. The folder is made when the service starts.
        let other = ["no hostkeys available", "Missing privilege separation directory"];
        if said.iter().any(|line| line.as_str().is_some_and(|line| other.iter().any(|words| line.contains(words)))) {
            return Ok(None);
        }
        // Another user than root may not read the host keys; that is no fault of the configuration.
        let root = account.collector.uid == 0;
        let by_words = said.iter().any(|line| {
            line.as_str().is_some_and(|line| line.contains(": line ") || line.contains("bad configuration option"))
        });
        if !root && !by_words {
            return Ok(None);
        }
        let running = !account.sshd.daemons.is_empty();
        let summary = if running {
            "sshd's configuration is invalid: the next restart will not come up"
        } else {
            "sshd's configuration is invalid, and no sshd is running"
        };
        let mut finding = Finding::proven(summary);
        finding.evidence = said.iter().take(5).map(|line| format!("sshd -t says: {}", said_line(line))).collect();
        finding = finding.seen(format!("sshd -t ends with status {status}"));
        Ok(Some(if running { finding.at(Blocks::Nothing) } else { finding }))
    },
};

/// A line of what sshd printed, without the CR at its end.
fn said_line(line: &ServerText) -> String {
    ServerText::new(line.as_bytes().trim_ascii_end()).shortened(300)
}

/// The file and the line that `sshd -t` names: `FILE: line 12: …` or `FILE line 12: …`.
fn named_line(scene: &Scene<'_>) -> Option<(String, u32)> {
    let (_, said) = scene.account.sshd.test.as_ref()?;
    said.iter().find_map(|line| {
        let (file, rest) = line.as_str()?.split_once(" line ")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some((file.trim_end_matches(':').to_owned(), digits.parse().ok()?))
    })
}

const CONFIG_NOT_RELOADED: Cause = Cause {
    id: "server-config-not-reloaded",
    title: "sshd still runs with its configuration of before a change",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The files are newer than sshd's last start or reload, and as they are now they would let the login pass. A reload \
          keeps process and start time, so the PidFile's time and the log's words count as well.\n\nLikely where a refusal was \
          logged after the change; a change alone proves nothing.",
    prevent: "After an edit: sshd -t, and reload; then try a second login before you close the first one.",
    fix: Fix {
        commands: |facts| scene(facts).map(|scene| vec![reload(&scene)]).unwrap_or_default(),
        mend: |facts| {
            if let Ok(account) = &mut facts.account {
                account.sshd.pid_file_written = Some(account.collector.at.unix_seconds);
            }
        },
    },
    see: &["OpenSSH sshd.c sighup_restart", "sshd(8)"],
    judge: |facts| {
        let Some((file, changed, read)) = newer(facts)? else { return Ok(None) };
        let scene = scene(facts)?;
        if not_allowed(facts)?.is_some() || obstacle(&scene)?.is_some() {
            return Ok(None);
        }
        if super::log::let_in_since(&scene, changed, true).is_some() {
            return Ok(None);
        }
        let refused = super::log::refused_between(scene.account, changed);
        let wire = facts.userauth.as_ref().is_ok_and(|userauth| !userauth.succeeded());
        if refused.is_none() && !wire {
            return Ok(None);
        }
        let mut finding = Finding::likely("sshd has not read its configuration since it was changed")
            .seen(format!("{file} was changed {} after sshd last read its files", spell(changed - read)))
            .seen("as the files are now, they let this login in");
        finding.evidence.extend(refused);
        Ok(Some(finding))
    },
};

/// The newest file of the configuration that is newer than sshd's last reading of it, and both times.
pub(super) fn newer(facts: &Facts) -> Observed<Option<(String, i64, i64)>> {
    let account = seen(facts)?;
    let Some(read) = super::log::read_at(account).filter(|_| !account.sshd.daemons.is_empty()) else { return Ok(None) };
    let times = account.sshd.files.iter().filter_map(|file| Some((file, file.stat?.changed)));
    let newest = times.max_by_key(|(_, changed)| *changed);
    Ok(newest.filter(|(_, changed)| *changed > read).map(|(file, changed)| (file.path.to_string(), changed, read)))
}

fn spell(seconds: i64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// Whether a value lets keys in.
type Lets = fn(&str) -> bool;

/// Keywords whose effective value keeps keys out, and the values that would let them in.
const WANTED: &[(&str, Lets)] = &[
    ("pubkeyauthentication", |value| value.eq_ignore_ascii_case("yes")),
    ("permitrootlogin", |value| ["yes", "prohibit-password", "without-password"].contains(&value)),
    ("authenticationmethods", |value| value.split_whitespace().any(|list| list == "publickey" || list == "any")),
];

const CONFIG_OVERRIDE: Cause = Cause {
    id: "server-config-override",
    title: "another line of sshd_config wins over the one that was edited",
    blocks: Blocks::Offered,
    place: Place::Server,
    doc: "sshd takes the first value: a drop-in or an earlier line decides, not the line that the administrator changed.\n\n\
          Proven by both lines and by the effective value for this login (sshd -T -C).",
    prevent: "Put your own settings into a drop-in whose name sorts first (/etc/ssh/sshd_config.d/00-local.conf).",
    fix: Fix {
        commands: |facts| {
            let Ok(Some((winner, loser))) = overridden(facts) else { return Vec::new() };
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let value = loser.value.to_string();
            let plain = value.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_, :".contains(letter));
            let step = if plain {
                edit(
                    &winner,
                    &format!("s/.*/{} {}/", winner.keyword, value.trim()),
                    "makes the line that wins say the same as the other",
                )
            } else {
                Step::server_root(
                    format!("sed -n {}p {}", winner.line, naming::path(&winner.path)),
                    "shows the line that wins; correct it",
                )
            };
            vec![step, reload(&scene)]
        },
        mend: |facts| {
            if let Ok(Some((winner, loser))) = overridden(facts) {
                super::login::set(facts, &winner.keyword, &loser.value.to_string());
            }
        },
    },
    see: &[
        "sshd_config(5): the first obtained value will be used",
        "OpenSSH servconf.c process_server_config_line_depth",
    ],
    judge: |facts| {
        let Some((winner, loser)) = overridden(facts)? else { return Ok(None) };
        let scene = scene(facts)?;
        if not_allowed(facts)?.is_some() {
            return Ok(None);
        }
        if winner.keyword == "permitrootlogin" && !crate::openssh::sshd::is_root(scene.login) {
            return Ok(None);
        }
        let summary = format!(
            "{} wins over {}: {} is {}",
            winner.place(),
            loser.place(),
            winner.keyword,
            winner.value.shortened(100)
        );
        let after_key = winner.value.as_str().is_some_and(|value| value.trim_start().starts_with("publickey,"));
        let blocks = match winner.keyword.as_str() {
            "permitrootlogin" => Blocks::Signed,
            "authenticationmethods" if after_key => Blocks::Finished,
            _ => Blocks::Offered,
        };
        let finding = Finding::proven(summary)
            .seen(format!("{}: {} {}", winner.place(), winner.keyword, winner.value.shortened(100)))
            .seen(format!("{}: {} {}", loser.place(), loser.keyword, loser.value.shortened(100)))
            .seen("sshd takes the first value that it reads")
            .at(blocks);
        Ok(Some(finding))
    },
};

/// The line that decides, and a later one that asks for what would work.
pub(in crate::checks) fn overridden(facts: &Facts) -> Observed<Option<(Setting, Setting)>> {
    let scene = scene(facts)?;
    let effective = known(&scene.login.effective)?;
    let lines = settings(&scene.account.sshd);
    for (keyword, lets) in WANTED {
        if effective.first(keyword).is_none_or(lets) {
            continue;
        }
        let mut of_keyword = lines.iter().filter(|line| line.keyword == *keyword && line.matched.is_none());
        let Some(winner) = of_keyword.next() else { continue };
        // A Match block that says what holds is not overridden by a line for everybody.
        if deciding(scene.account, keyword).is_none_or(|line| line.matched.is_some()) {
            continue;
        }
        let value = |line: &Setting| line.value.as_str().is_some_and(|value| lets(value.trim()));
        if let Some(loser) = of_keyword.find(|line| value(line)).filter(|_| !value(winner)) {
            return Ok(Some((winner.clone(), loser.clone())));
        }
    }
    Ok(None)
}

const AUTH_METHODS: Cause = Cause {
    id: "server-auth-methods",
    title: "AuthenticationMethods demands what the client does not do",
    blocks: Blocks::Finished,
    place: Place::Server,
    doc: "AuthenticationMethods asks for more than a key (publickey,keyboard-interactive), or for something else in its \
          place.\n\nProven by sshd's effective value for this login.",
    prevent: "Tell people beforehand which factors an account needs.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let mut steps =
                vec![Step::person(Place::Client, "log in at a terminal, where ssh can ask for the second factor")];
            if let Some(line) = deciding(scene.account, "authenticationmethods") {
                steps.push(edit(
                    &line,
                    "s/.*/AuthenticationMethods publickey/",
                    "or, if a key alone is to do: asks for nothing else",
                ));
                steps.push(reload(&scene));
            }
            steps
        },
        mend: |facts| super::login::set(facts, "authenticationmethods", "any"),
    },
    see: &["sshd_config(5) AuthenticationMethods", "OpenSSH auth2.c auth2_setup_methods_lists"],
    judge: |facts| {
        let scene = scene(facts)?;
        let effective = known(&scene.login.effective)?;
        let lists: Vec<&str> = effective.all("authenticationmethods").flat_map(str::split_whitespace).collect();
        if lists.is_empty()
            || lists.iter().any(|list| ["any", "publickey"].contains(list))
            || not_allowed(facts)?.is_some()
        {
            return Ok(None);
        }
        let after_key = lists.iter().any(|list| list.starts_with("publickey,"));
        let words = if after_key { "asks for more than a key" } else { "does not begin with a key" };
        let mut finding = Finding::proven(format!("sshd {words} for {}: {}", scene.login.user, lists.join(" or ")));
        if let Some(line) = deciding(scene.account, "authenticationmethods") {
            finding = finding.seen(format!("{}: {} {}", line.place(), line.keyword, line.value.shortened(200)));
        }
        // Where somebody can be asked, the demand is no fault: the client's half says so.
        let asked = facts.userauth.is_ok() && crate::openssh::prompts::can_be_asked(facts) && after_key;
        if asked {
            return Ok(None);
        }
        Ok(Some(if after_key { finding } else { finding.at(Blocks::Offered) }))
    },
};

const HOST_KEY_UNUSABLE: Cause = Cause {
    id: "server-host-key-unusable",
    title: "sshd cannot load a HostKey file and goes on without it",
    blocks: Blocks::Nothing,
    place: Place::Server,
    doc: "The file's mode, owner or format makes sshd leave it out: clients that know that key meet another one, or none.\n\n\
          Proven by sshd -t, which says so.",
    prevent: "Keep host keys root's with mode 0600; ssh-keygen -A makes the ones that are missing.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let unloaded = unloaded(&scene);
            let mut steps = Vec::new();
            for (path, words) in &unloaded {
                let name = quoted(path);
                if words.contains("bad permissions") {
                    steps.push(Step::server_root(format!("chmod 600 {name}"), "closes the key to others"));
                } else {
                    steps.push(Step::server_root(
                        format!("ls -l {name}"),
                        "is it there, and a private key? ssh-keygen -A makes the usual ones that are missing; else take its \
                         HostKey line out of sshd_config",
                    ));
                }
            }
            if !steps.is_empty() {
                steps.push(reload(&scene));
            }
            steps
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account
                && let Some((_, said)) = &mut account.sshd.test
            {
                said.clear();
            }
        },
    },
    see: &["OpenSSH sshd.c main (sensitive_data.host_keys), authfile.c sshkey_perm_ok"],
    judge: |facts| {
        let scene = scene(facts)?;
        let unloaded = unloaded(&scene);
        if scene.account.collector.uid != 0 || unloaded.is_empty() {
            return Ok(None);
        }
        let all_valid = scene.account.sshd.test.as_ref().is_some_and(|(status, _)| *status == 0);
        let said = scene.account.sshd.test.as_ref().map(|(_, said)| said.as_slice()).unwrap_or_default();
        let none_left =
            said.iter().any(|line| line.as_str().is_some_and(|line| line.contains("no hostkeys available")));
        let names: Vec<&str> = unloaded.iter().map(|(path, _)| path.as_str()).collect();
        let mut finding = Finding::proven(format!("sshd cannot load the host key {}", names.join(", ")));
        finding.evidence = unloaded.iter().map(|(_, words)| format!("sshd -t says: {words}")).collect();
        if none_left {
            let running = !scene.account.sshd.daemons.is_empty();
            finding.summary.push_str(if running {
                "; the next restart will not come up"
            } else {
                ", and has no other"
            });
            finding = finding.seen("sshd -t says: no hostkeys available -- exiting.");
            return Ok(Some(if running { finding } else { finding.at(Blocks::Connect) }));
        }
        Ok(all_valid.then_some(finding))
    },
};

/// Host key files that `sshd -t` could not load, and its words.
fn unloaded(scene: &Scene<'_>) -> Vec<(String, String)> {
    let Some((_, said)) = &scene.account.sshd.test else { return Vec::new() };
    let mut found = Vec::new();
    for line in said {
        // sshd ends the lines that it prints for a terminal in CR LF.
        let Some(text) = line.as_str().map(str::trim_end) else { continue };
        let file = text.strip_prefix("Unable to load host key \"").and_then(|rest| rest.split('"').next());
        let file = file.or_else(|| text.strip_prefix("Unable to load host key: "));
        if let Some(file) = file
            && !found.iter().any(|(known, _)| known == file)
        {
            found.push((file.to_owned(), ServerText::new(text).shortened(300)));
        }
    }
    found
}

const CHROOT_OWNERSHIP: Cause = Cause {
    id: "server-chroot-ownership",
    title: "ChrootDirectory's path fails sshd's ownership rule",
    blocks: Blocks::Session,
    place: Place::Server,
    doc: "Every folder of ChrootDirectory must be root's and writable by nobody else; else sshd closes the session right after \
          the login, and logs \"bad ownership or modes for chroot directory\".\n\nProven by owner and mode of every folder of \
          the path.",
    prevent: "Make the chroot folder root's, and a folder below it for the account to write into.",
    fix: Fix {
        commands: |facts| {
            let Ok(Some((path, _))) = open_chroot(facts) else { return Vec::new() };
            let name = naming::path(&path);
            vec![Step::server_root(format!("chown root {name} && chmod go-w {name}"), "makes it root's alone")]
        },
        mend: |facts| {
            let found = open_chroot(facts).ok().flatten();
            if let (Ok(account), Some((path, _))) = (&mut facts.account, found) {
                for node in account.paths.iter_mut().filter(|node| node.path == path) {
                    for stat in [&mut node.stat, &mut node.followed].into_iter().flatten() {
                        stat.uid = 0;
                        stat.mode &= !0o022;
                    }
                }
            }
        },
    },
    see: &["OpenSSH session.c safely_chroot", "sshd_config(5) ChrootDirectory"],
    judge: |facts| {
        let Some((path, words)) = open_chroot(facts)? else { return Ok(None) };
        if not_allowed(facts)?.is_some() {
            return Ok(None);
        }
        let mut finding = Finding::proven(format!("sshd refuses ChrootDirectory: {path} {words}"));
        let node = seen(facts)?.node(&path).and_then(|node| node.followed.or(node.stat));
        finding
            .evidence
            .extend(node.map(|stat| format!("{path} has mode {:04o}, owner {}", stat.permissions(), stat.uid)));
        finding.evidence.extend(super::log::last_refusal(facts, "server-chroot-ownership"));
        Ok(Some(finding))
    },
};

/// The first folder of ChrootDirectory that is not root's alone (session.c `safely_chroot`: from / downwards).
fn open_chroot(facts: &Facts) -> Observed<Option<(crate::facts::text::Path, &'static str)>> {
    let scene = scene(facts)?;
    let Some(chroot) = &scene.login.chroot else { return Ok(None) };
    let chroot = crate::facts::text::Path::new(chroot.as_bytes());
    for path in std::iter::once("/".into()).chain(chroot.steps()) {
        let Some(node) = scene.account.node(&path) else { return Ok(None) };
        let Some(stat) = node.followed.or(node.stat) else {
            let missing = node.error.as_deref() == Some("ENOENT");
            return Ok(missing.then_some((path, "is not there")));
        };
        if stat.uid != 0 {
            return Ok(Some((path, "does not belong to root")));
        }
        if stat.mode & 0o022 != 0 {
            return Ok(Some((path, "may be written by others than root")));
        }
        if !stat.is_folder() {
            return Ok(Some((path, "is no folder")));
        }
    }
    Ok(None)
}

/// What the configuration says of this login.
pub(super) fn holds(facts: &Facts) -> Observed<Outcome> {
    let account = seen(facts)?;
    known(&account.login.effective)?;
    if let Ok(Some((file, _, _))) = newer(facts) {
        return Ok(Outcome::warn(format!("{file} is newer than sshd's last reading of its configuration")));
    }
    Ok(Outcome::pass("sshd's settings let this account in with a key"))
}
