//! The account: does it exist, may it log in, does its shell run?

use crate::facts::account::Account;
use crate::facts::{Facts, Observed, Origin};
use crate::openssh::pam::No;
use crate::openssh::sshd::{self, NotAllowed};

use super::{Scene, deciding, edit, not_allowed, pam, reload, scene, seen, unknown, user};
use crate::checks::{Blocks, Cause, Finding, Fix, Outcome, Place, Step, naming, quoted};

/// What can keep the account out.
pub(super) const CAUSES: &[&Cause] = &[
    &NO_SUCH_USER,
    &ACCOUNT_LOCKED,
    &ACCOUNT_EXPIRED,
    &SHELL_INVALID,
    &USER_NOT_ALLOWED,
    &HOME_MISSING,
    &ROOT_LOGIN_DISABLED,
    &pam::NOLOGIN_FILE,
    &pam::PAM_DENIED,
];

/// A finding for the scene's account.
pub(super) fn about(scene: &Scene<'_>, words: &str) -> Finding {
    Finding::proven(format!("{} {words}", scene.login.user))
}

/// The scene, with an account that this rule of sshd refuses.
fn refused(facts: &Facts, is: impl Fn(&NotAllowed) -> bool) -> Observed<Option<(Scene<'_>, NotAllowed)>> {
    match not_allowed(facts)? {
        Some(why) if is(&why) => Ok(Some((scene(facts)?, why))),
        _ => Ok(None),
    }
}

const NO_SUCH_USER: Cause = Cause {
    id: "server-no-such-user",
    title: "the account does not exist on the server",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "sshd answers for an unknown account exactly as for a known one that does not accept the key. It logs \"Invalid \
          user\".\n\nProven by the server's own account database, as getent reads it.",
    prevent: "Name the account in a Host block (User), so that no local name is sent by mistake.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let name = user(&scene);
            vec![
                Step::person(
                    Place::Client,
                    format!("log in as an account that exists, or have {} made", scene.login.user),
                ),
                Step::server_root(
                    format!("useradd -m -s /bin/bash {name}"),
                    "makes the account, if it is the one meant",
                ),
            ]
        },
        mend: unknown,
    },
    see: &["OpenSSH auth.c getpwnamallow"],
    judge: |facts| {
        let Some((scene, _)) = refused(facts, |why| *why == NotAllowed::NoSuchUser)? else { return Ok(None) };
        let command = format!("`getent passwd {}` finds nothing on the server", scene.login.user);
        Ok(Some(about(&scene, "does not exist on the server").seen(command)))
    },
};

const ACCOUNT_LOCKED: Cause = Cause {
    id: "server-account-locked",
    title: "the account is locked",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "sshd without PAM refuses an account whose shadow entry begins with an exclamation mark, and logs \"account is \
          locked\". With PAM such an account can still log in with a key.\n\nProven by the shadow entry's state and UsePAM no.",
    prevent: "Give accounts that log in with keys alone `*` as password (usermod -p '*'), which no password matches.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            vec![Step::server_root(
                format!("usermod -p '*' {}", user(&scene)),
                "no password will match, and sshd no longer calls the account locked (passwd -u would leave it without a \
                 password)",
            )]
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account
                && let Ok(shadow) = &mut account.login.shadow
            {
                shadow.password = crate::facts::account::Password::None;
            }
        },
    },
    see: &["OpenSSH auth.c allowed_user, platform.c platform_locked_account"],
    judge: |facts| {
        let Some((scene, _)) = refused(facts, |why| *why == NotAllowed::Locked)? else { return Ok(None) };
        Ok(Some(
            about(&scene, "is locked, and sshd does not use PAM")
                .seen("the password field in /etc/shadow begins with `!`")
                .seen("UsePAM is no"),
        ))
    },
};

const ACCOUNT_EXPIRED: Cause = Cause {
    id: "server-account-expired",
    title: "the account, or its password beyond the grace time, has expired",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "sshd without PAM refuses the account's keys; with PAM it accepts the key and then closes the connection.\n\n\
          Proven by shadow's dates, the server's clock, and PAM's rules where sshd uses PAM; likely where another rule of PAM \
          may let it in all the same.",
    prevent: "`chage -l ACCOUNT` shows the dates; accounts of machines should have none.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let name = user(&scene);
            let mut steps = Vec::new();
            if expired_on(&scene).is_some() {
                steps.push(Step::server_root(format!("chage -E -1 {name}"), "takes the account's last day away"));
            }
            if password_expired_on(&scene).is_some() {
                steps.push(Step::server_root(
                    format!("chage -d \"$(date +%F)\" {name}"),
                    "counts the password's age from today",
                ));
            }
            steps
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account
                && let Ok(shadow) = &mut account.login.shadow
            {
                shadow.expires = None;
                shadow.inactive = None;
            }
        },
    },
    see: &["shadow(5)", "OpenSSH auth-shadow.c auth_shadow_acctexpired", "pam_unix(8)"],
    judge: |facts| {
        if let Some((scene, why)) = refused(facts, |why| matches!(why, NotAllowed::Expired(_)))? {
            let NotAllowed::Expired(day) = why else { return Ok(None) };
            return Ok(Some(
                about(&scene, "has expired").seen(format!("its last day was {} (chage -l)", naming::day(day))),
            ));
        }
        let scene = scene(facts)?;
        let Some((rule, no)) = pam::asked(&scene, "pam_unix.so").filter(|(_, no)| *no != No::Ignored) else {
            return Ok(None);
        };
        if not_allowed(facts)?.is_some() {
            return Ok(None);
        }
        // With no_pass_expiry pam_unix looks at the password's age only where it asked for the password itself.
        let aged = password_expired_on(&scene).filter(|_| !rule.arguments.iter().any(|word| word == "no_pass_expiry"));
        let found = if let Some(day) = expired_on(&scene) {
            about(&scene, "has expired").seen(format!("its last day was {} (chage -l)", naming::day(day)))
        } else if let Some(day) = aged {
            about(&scene, "has a password that expired, and its grace time is over")
                .seen(format!("it had to be changed by {} (chage -l)", naming::day(day)))
        } else {
            return Ok(None);
        };
        Ok(pam::judged(facts, found.seen(format!("pam_unix refuses it ({}: {})", rule.place, rule.text)), no))
    },
};

/// The server's day since 1970.
fn today(account: &Account) -> i64 {
    account.collector.at.unix_seconds.div_euclid(86_400)
}

/// The account's last day, where it has passed.
pub(super) fn expired_on(scene: &Scene<'_>) -> Option<i64> {
    let day = scene.login.shadow.as_ref().ok()?.expires?;
    (day >= 0 && today(scene.account) >= day).then_some(day)
}

/// The last day on which an old password would still have been taken, where it has passed (pam_unix, `check_shadow_expiry`).
pub(super) fn password_expired_on(scene: &Scene<'_>) -> Option<i64> {
    let shadow = scene.login.shadow.as_ref().ok()?;
    let day = shadow.last_change.filter(|day| *day > 0)? + shadow.maximum.filter(|days| (0..99_999).contains(days))?;
    let day = day + shadow.inactive.filter(|days| *days >= 0)?;
    (today(scene.account) > day).then_some(day)
}

const SHELL_INVALID: Cause = Cause {
    id: "server-shell-invalid",
    title: "the account's login shell does not exist or cannot be run",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "sshd refuses every method and logs \"not allowed because shell … does not exist\" (or \"is not executable\").\n\n\
          Proven by the account's passwd entry and the file system of the server.",
    prevent: "Change shells with chsh or usermod -s, which ask whether the shell is there.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            vec![Step::server_root(
                format!("usermod -s /bin/sh {}", user(&scene)),
                "gives it a shell that every system has",
            )]
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account
                && let Ok(Some(passwd)) = &mut account.login.passwd
            {
                passwd.shell = "/bin/sh".into();
            }
        },
    },
    see: &["OpenSSH auth.c allowed_user"],
    judge: |facts| {
        let is = |why: &NotAllowed| matches!(why, NotAllowed::ShellMissing(_) | NotAllowed::ShellNotExecutable(_));
        let Some((scene, why)) = refused(facts, is)? else { return Ok(None) };
        let (shell, words) = match why {
            NotAllowed::ShellMissing(shell) => (shell, "does not exist"),
            NotAllowed::ShellNotExecutable(shell) => (shell, "is no program that may be executed"),
            _ => return Ok(None),
        };
        Ok(Some(
            about(&scene, &format!("has the login shell {shell}, which {words}"))
                .seen(format!("its passwd entry names {shell}")),
        ))
    },
};

const USER_NOT_ALLOWED: Cause = Cause {
    id: "server-user-not-allowed",
    title: "AllowUsers, DenyUsers, AllowGroups or DenyGroups keep the account out",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "sshd refuses every method of an account that these lists exclude and logs \"User … not allowed because …\". Deny \
          lists win over allow lists, and where both AllowUsers and AllowGroups are set, both must name the account.\n\n\
          Proven by sshd's effective settings for this login (sshd -T -C) and the account's groups.",
    prevent: "Allow a group (AllowGroups ssh-users) and put accounts into it, rather than keep a list of names in sshd_config.",
    fix: Fix { commands: allow_commands, mend: allow },
    see: &["OpenSSH auth.c allowed_user", "sshd_config(5) AllowUsers, DenyUsers, AllowGroups, DenyGroups"],
    judge: |facts| {
        let is = |why: &NotAllowed| {
            matches!(
                why,
                NotAllowed::AllowUsers | NotAllowed::AllowGroups | NotAllowed::DenyUsers(_) | NotAllowed::DenyGroups(_)
            )
        };
        let Some((scene, why)) = refused(facts, is)? else { return Ok(None) };
        let (keyword, words) = match &why {
            NotAllowed::AllowUsers => ("allowusers", "is not named by AllowUsers".to_owned()),
            NotAllowed::AllowGroups => ("allowgroups", "is in no group that AllowGroups names".to_owned()),
            NotAllowed::DenyUsers(entry) => ("denyusers", format!("is named by DenyUsers ({})", escaped(entry))),
            NotAllowed::DenyGroups(group) => ("denygroups", format!("is in the group {group}, which DenyGroups names")),
            _ => return Ok(None),
        };
        let mut finding = about(&scene, &words);
        if let Some(line) = deciding(scene.account, keyword) {
            finding = finding.seen(format!("{}: {} {}", line.place(), line.keyword, line.value.shortened(200)));
        }
        let values: Vec<&str> =
            scene.login.effective.as_ref().map(|settings| settings.all(keyword).collect()).unwrap_or_default();
        finding = finding.seen(format!("sshd -T for this login: {keyword} {}", escaped(&values.join(" "))));
        if let Ok(Some(passwd)) = &scene.login.passwd
            && keyword.ends_with("groups")
        {
            let groups: Vec<String> = passwd.groups.iter().map(|(_, name)| name.to_string()).collect();
            finding = finding.seen(format!("its groups: {}", groups.join(", ")));
        }
        if let Some(from) = &scene.login.from {
            let named = scene.login.from_named || facts.origin == Origin::Joined;
            let named = if named { "" } else { ", the last address in the log" };
            finding = finding.seen(format!("asked for a login from {from}{named}"));
        }
        Ok(Some(finding))
    },
};

fn escaped(text: &str) -> String {
    crate::facts::text::escape(text.as_bytes())
}

fn allow_commands(facts: &Facts) -> Vec<Step> {
    let (Ok(scene), Ok(Some(why))) = (scene(facts), not_allowed(facts)) else { return Vec::new() };
    let name = user(&scene);
    let plain = !name.contains(['/', '\\', '\'', '"', '&']);
    let mut steps = Vec::new();
    match why {
        NotAllowed::AllowUsers => {
            match deciding(scene.account, "allowusers").filter(|line| plain && !line.value.as_bytes().contains(&b'#')) {
                Some(line) => steps.push(edit(&line, &format!("s/$/ {name}/"), "adds the account to AllowUsers")),
                None => steps.push(Step::person(Place::Server, "add the account to AllowUsers in sshd_config")),
            }
        }
        NotAllowed::AllowGroups => {
            let groups = scene.login.effective.as_ref().map(|settings| settings.all("allowgroups").collect::<Vec<_>>());
            let group = groups.unwrap_or_default().into_iter().find(|group| !group.contains(['*', '?', '!', ',']));
            match group {
                Some(group) => steps.push(Step::server_root(
                    format!("usermod -aG {} {name}", quoted(group)),
                    "puts the account into the group; sshd asks anew at the next login",
                )),
                None => steps.push(Step::person(Place::Server, "put the account into a group that AllowGroups names")),
            }
            return steps;
        }
        NotAllowed::DenyGroups(group) => {
            steps.push(Step::server_root(
                format!("gpasswd -d {name} {}", quoted(&group.to_string())),
                "takes the account out of the group, if it need not be in it",
            ));
            return steps;
        }
        NotAllowed::DenyUsers(entry) => match deciding(scene.account, "denyusers") {
            Some(line) => steps.push(Step::server_root(
                format!("sed -n {}p {}", line.line, naming::path(&line.path)),
                format!("shows the line; take {} out of it if the account may log in", escaped(&entry)),
            )),
            None => steps.push(Step::person(Place::Server, "take the account out of DenyUsers in sshd_config")),
        },
        _ => {}
    }
    steps.push(reload(&scene));
    steps
}

fn allow(facts: &mut Facts) {
    let why = not_allowed(facts).ok().flatten();
    let Ok(account) = &mut facts.account else { return };
    let Ok(settings) = &mut account.login.effective else { return };
    let keyword = match why {
        Some(NotAllowed::AllowUsers) => "allowusers",
        Some(NotAllowed::AllowGroups) => "allowgroups",
        Some(NotAllowed::DenyUsers(_)) => "denyusers",
        _ => "denygroups",
    };
    settings.0.retain(|(name, _)| name != keyword);
}

const HOME_MISSING: Cause = Cause {
    id: "server-home-missing",
    title: "the account's home folder is not there",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "It was never made, is not mounted, or is encrypted until somebody logs in; sshd then finds no authorized_keys.\n\n\
          Proven by the passwd entry and the server's file system, where sshd looks for keys below the home folder.",
    prevent: "Make accounts with useradd -m; keep keys of encrypted homes in a central folder (AuthorizedKeysFile).",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let Ok(Some(passwd)) = &scene.login.passwd else { return Vec::new() };
            let home = naming::path(&passwd.home);
            vec![
                Step::server_root(
                    format!("findmnt --fstab --target {home}"),
                    "if it should be mounted: shows from where",
                ),
                Step::server_root(
                    format!("install -d -m 755 -o {} -g {} {home}", passwd.uid, passwd.gid),
                    "makes it, if it was never made; put the public key into .ssh/authorized_keys then",
                ),
            ]
        },
        mend: unknown,
    },
    see: &["OpenSSH auth.c expand_authorized_keys", "passwd(5)"],
    judge: |facts| {
        let scene = scene(facts)?;
        if not_allowed(facts)?.is_some() {
            return Ok(None);
        }
        let Ok(Some(passwd)) = &scene.login.passwd else { return Ok(None) };
        let missing = scene.account.node(&passwd.home).is_some_and(|node| {
            node.error.as_deref() == Some("ENOENT")
                || node.stat.is_some_and(|stat| stat.is_link()) && node.followed.is_none()
        });
        let prefix = [passwd.home.as_bytes(), b"/"].concat();
        let below = |path: &crate::facts::text::Path| path.as_bytes().starts_with(&prefix);
        let all_below =
            !scene.login.keys_files.is_empty() && scene.login.keys_files.iter().all(|file| below(&file.path));
        // A program, or a CA, may let the key in all the same.
        let asks = scene.login.commands.iter().any(|command| command.setting == "authorizedkeyscommand");
        if !missing || !all_below || asks || !scene.login.ca_files.is_empty() {
            return Ok(None);
        }
        let summary = format!("has no home folder: {} is not there", passwd.home);
        Ok(Some(about(&scene, &summary).seen("sshd looks for the account's keys below it")))
    },
};

const ROOT_LOGIN_DISABLED: Cause = Cause {
    id: "server-root-login-disabled",
    title: "root may not log in",
    blocks: Blocks::Signed,
    place: Place::Server,
    doc: "PermitRootLogin excludes root. OpenSSH accepts the key first and then refuses the signed request, logging ROOT \
          LOGIN REFUSED; dropbear refuses at once.\n\nProven by sshd's effective PermitRootLogin for this login.",
    prevent: "Log in as an account of your own and use sudo.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let mut steps = vec![Step::person(
                Place::Client,
                "log in as an account of your own and use sudo, as this server means it",
            )];
            if let Some(line) = deciding(scene.account, "permitrootlogin") {
                steps.push(edit(
                    &line,
                    "s/.*/PermitRootLogin prohibit-password/",
                    "or, if root is to log in: lets it in with keys alone",
                ));
                steps.push(reload(&scene));
            }
            steps
        },
        mend: |facts| set(facts, "permitrootlogin", "prohibit-password"),
    },
    see: &["OpenSSH auth.c auth_root_allowed", "sshd_config(5) PermitRootLogin"],
    judge: |facts| {
        let scene = scene(facts)?;
        if !sshd::is_root(scene.login) || not_allowed(facts)?.is_some() {
            return Ok(None);
        }
        let settings = crate::facts::known(&scene.login.effective)?;
        let value = settings.first("permitrootlogin").unwrap_or_default();
        let finding = match value {
            "no" => about(&scene, "may not log in: PermitRootLogin is no"),
            "forced-commands-only" => {
                // Without a key in question nobody can say that it is not one that forces a command.
                if scene.keys.is_empty() || scene.keys.iter().any(|key| forced_line(&scene, key)) {
                    return Ok(None);
                }
                about(&scene, "may log in with keys that force a command only (PermitRootLogin forced-commands-only)")
            }
            _ => return Ok(None),
        };
        let place = deciding(scene.account, "permitrootlogin")
            .map(|line| format!("{}: {} {}", line.place(), line.keyword, line.value));
        let mut finding = finding;
        finding.evidence.extend(place);
        Ok(Some(finding.seen(format!("sshd -T for this login: permitrootlogin {value}"))))
    },
};

/// Whether the key's line forces a command.
fn forced_line(scene: &Scene<'_>, key: &crate::facts::key::PublicKey) -> bool {
    use crate::openssh::sshd::key::{LineSays, Outcome as Of, files};
    let forces = |says: &LineSays| matches!(says, LineSays::Lets(options) if options.command.is_some());
    files(scene.account, scene.login, key).is_ok_and(|files| {
        files.iter().any(|file| matches!(&file.outcome, Of::Read(lines) if lines.iter().any(|(_, says)| forces(says))))
    })
}

/// Sets an effective setting of sshd.
pub(super) fn set(facts: &mut Facts, keyword: &str, value: &str) {
    if let Ok(account) = &mut facts.account
        && let Ok(settings) = &mut account.login.effective
    {
        settings.set(keyword, value);
    }
}

/// Whether the account may log in, as far as was seen.
pub(super) fn holds(facts: &Facts) -> Observed<Outcome> {
    let account = seen(facts)?;
    let login = &account.login;
    match crate::facts::known(&login.passwd)? {
        Some(passwd) => Ok(Outcome::pass(format!("{} exists, uid {}, shell {}", login.user, passwd.uid, passwd.shell))),
        None => Ok(Outcome::info("no account was asked about")),
    }
}
