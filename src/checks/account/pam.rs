//! PAM's account rules: a nologin file, and what access.conf, a list or another module says of the account.

use crate::facts::account::TextFile;
use crate::openssh::addresses::{self, Answer};
use crate::openssh::pam::{No, Rule, account_rules, refusal};
use crate::openssh::sshd;
use crate::openssh::sshd::log::{Event, event};

use super::login::{about, expired_on, password_expired_on};
use super::{Scene, not_allowed, scene};
use crate::checks::{Blocks, Cause, Certainty, Finding, Fix, Place, Step, naming};
use crate::facts::Facts;
use crate::facts::text::escape;

pub(super) const NOLOGIN_FILE: Cause = Cause {
    id: "server-nologin-file",
    title: "a nologin file keeps everybody but root out",
    blocks: Blocks::Signed,
    place: Place::Server,
    doc: "/etc/nologin or /run/nologin exists: the machine is booting, shutting down, or was left so. With PAM the key is \
          accepted and the connection closed.\n\nProven by the file, the account not being root, and PAM's account rules (or \
          sshd without PAM).",
    prevent: "Whoever makes /etc/nologin for maintenance removes it afterwards; /run/nologin is systemd's and goes by itself.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            let files: Vec<String> =
                scene.account.machine.nologin.iter().map(|file| naming::path(&file.path)).collect();
            vec![Step::server_root(
                format!("rm -f {}", files.join(" ")),
                "once the machine is up and nobody works on it",
            )]
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account {
                account.machine.nologin.clear();
            }
        },
    },
    see: &["pam_nologin(8)", "nologin(5)", "OpenSSH session.c do_nologin"],
    judge: |facts| {
        let scene = scene(facts)?;
        let Some(file) = scene.account.machine.nologin.first() else { return Ok(None) };
        if sshd::is_root(scene.login) || not_allowed(facts)?.is_some() {
            return Ok(None);
        }
        let settings = crate::facts::known(&scene.login.effective)?;
        let by_pam = asked(&scene, "pam_nologin.so").filter(|(_, no)| *no != No::Ignored);
        // Without PAM sshd itself looks for /etc/nologin alone, once the session begins.
        let by_sshd = settings.is_no("usepam")
            && scene.account.machine.nologin.iter().any(|file| file.path.as_bytes() == b"/etc/nologin");
        if by_pam.is_none() && !by_sshd {
            return Ok(None);
        }
        let mut finding = about(&scene, &format!("is kept out by {}", file.path));
        if let Some(text) = file.lines.iter().find(|line| !line.is_empty()) {
            finding = finding.seen(format!("it says: {}", text.shortened(200)));
        }
        finding = finding.seen("only root may log in while it is there");
        Ok(match by_pam {
            Some((_, no)) => judged(facts, finding, no),
            None => Some(finding.at(Blocks::Session)),
        })
    },
};

pub(super) const PAM_DENIED: Cause = Cause {
    id: "server-pam-denied",
    title: "PAM's account rules keep the account out",
    blocks: Blocks::Signed,
    place: Place::Server,
    doc: "access.conf, sssd or another account module says no after the key was accepted; sshd logs \"Access denied for user \
          … by PAM account configuration\".\n\nProven by that line of the log where PAM's files were not changed since; likely \
          where they were, or where no log could be read and a rule (pam_access, pam_listfile, pam_succeed_if, pam_deny) \
          says so.",
    prevent: "Try a change of PAM's rules with pamtester, or with a second login, before you close the first one.",
    fix: Fix {
        commands: |facts| {
            let Ok(scene) = scene(facts) else { return Vec::new() };
            match refusing(&scene) {
                Some(refusal) => vec![Step::server_root(refusal.shows, refusal.advice)],
                None => vec![Step::server_root(
                    "grep -rn '^[[:space:]]*-*account' /etc/pam.d/sshd /etc/pam.d/common-account",
                    "the rules that a login must pass; one of them refuses it",
                )],
            }
        },
        mend: super::unknown,
    },
    see: &["OpenSSH monitor.c mm_answer_pam_account", "pam_access(8)", "access.conf(5)"],
    judge: |facts| {
        let scene = scene(facts)?;
        let settings = crate::facts::known(&scene.login.effective)?;
        if !settings.is_yes("usepam") || not_allowed(facts)?.is_some() {
            return Ok(None);
        }
        if !scene.account.machine.nologin.is_empty()
            || expired_on(&scene).is_some()
            || password_expired_on(&scene).is_some()
        {
            return Ok(None);
        }
        // A refusal for a reason that was named before is none of its own.
        let explained = ["server-account-expired", "server-nologin-file"];
        let said = said(&scene).filter(|_| !facts.mended.iter().any(|id| explained.contains(id)));
        let refusal = refusing(&scene);
        let summary = "is refused by PAM's account rules";
        let mut finding = match (&said, &refusal) {
            (None, None) => return Ok(None),
            (Some(said), _) if said.stands => about(&scene, summary),
            (None, Some(refusal)) if refusal.no == No::Ignored => return Ok(None),
            _ => Finding::likely(format!("{} {summary}", scene.login.user)),
        };
        if let Some(said) = said {
            finding.evidence.extend(said.lines);
            if !said.stands {
                finding = finding
                    .seen("PAM's files were changed since, or the line has no time, or newer lines could not be read");
            }
        }
        finding.evidence.extend(refusal.map(|refusal| refusal.seen));
        Ok(Some(finding))
    },
};

/// The first account rule that asks this module, and what its no means; `None` where sshd does not use PAM, or PAM does
/// not ask it.
pub(super) fn asked(scene: &Scene<'_>, module: &str) -> Option<(Rule, No)> {
    if !scene.login.effective.as_ref().is_ok_and(|settings| settings.is_yes("usepam")) {
        return None;
    }
    let rules = account_rules(&scene.account.machine.pam);
    let index = rules.iter().position(|rule| rule.module == module)?;
    Some((rules[index].clone(), refusal(&rules, index)))
}

/// Account rules of modules whose answer nothing here tells; none where sshd does not use PAM.
pub(super) fn not_judged(scene: &Scene<'_>) -> Vec<String> {
    if !scene.login.effective.as_ref().is_ok_and(|settings| settings.is_yes("usepam")) {
        return Vec::new();
    }
    let rules = account_rules(&scene.account.machine.pam);
    let unknown = rules
        .iter()
        .enumerate()
        .filter(|(index, rule)| !JUDGED.contains(&rule.module.as_str()) && refusal(&rules, *index) != No::Ignored);
    unknown.map(|(_, rule)| format!("what {} says ({}) only the log tells", rule.module, rule.place)).collect()
}

/// Modules whose answer the facts tell.
const JUDGED: &[&str] = &[
    "pam_access.so",
    "pam_deny.so",
    "pam_listfile.so",
    "pam_nologin.so",
    "pam_permit.so",
    "pam_succeed_if.so",
    "pam_unix.so",
];

/// What a module's no makes of a finding: likely only where another rule may let the login in all the same, and nothing
/// where the log says that it was let in.
pub(super) fn judged(facts: &Facts, mut finding: Finding, no: No) -> Option<Finding> {
    if no == No::MayRefuse {
        if super::log::let_in_last(facts) {
            return None;
        }
        finding.certainty = Certainty::Likely;
        finding = finding.seen("another of PAM's account rules may let it in all the same");
    }
    Some(finding.at(Blocks::Signed))
}

/// sshd's last word about the account, where that is PAM's refusal.
struct Said {
    /// It, and what PAM's modules logged in the same process.
    lines: Vec<String>,
    /// Whether it still holds: PAM's files are older.
    stands: bool,
}

fn said(scene: &Scene<'_>) -> Option<Said> {
    let entries = super::log::entries(scene.account);
    let mine = super::log::of_login(&entries, scene.login);
    let mut last = None;
    for entry in mine.iter().copied() {
        match event(entry.text) {
            Some(Event::Refusal("server-pam-denied")) => last = Some(entry),
            Some(Event::Accepted) if !entry.text.contains("[preauth]") => last = None,
            _ => {}
        }
    }
    let last = last?;
    let of_module = |text: &str| text.starts_with("pam_") && text.contains("(sshd:account)");
    let words = mine.iter().filter(|entry| entry.pid.is_some() && entry.pid == last.pid && of_module(entry.text));
    let lines = words.copied().chain(std::iter::once(last)).map(super::log::quote).collect();
    let machine = &scene.account.machine;
    let changed = machine.pam.iter().chain(&machine.texts).filter_map(|file| Some(file.stat?.changed)).max();
    let stands = !super::log::is_cut(scene.account)
        && last.time.is_some_and(|time| changed.is_none_or(|changed| changed <= time));
    Some(Said { lines, stands })
}

/// A rule that refuses the account, as far as the files say.
struct Refusal {
    /// What its no means.
    no: No,
    /// The rule and what it says.
    seen: String,
    /// The command that shows it.
    shows: String,
    /// What to do then.
    advice: String,
}

/// The first of PAM's rules that says no to the account, of those whose files were read.
fn refusing(scene: &Scene<'_>) -> Option<Refusal> {
    let rules = account_rules(&scene.account.machine.pam);
    (0..rules.len()).find_map(|index| {
        let rule = &rules[index];
        let no = refusal(&rules, index);
        if no == No::Ignored {
            return None;
        }
        let (file, line) = rule.place.rsplit_once(':')?;
        let own = |seen: &str| Refusal {
            no,
            seen: format!("{}: {}{seen}", rule.place, rule.text),
            shows: format!("sed -n {line}p {}", crate::checks::quoted(file)),
            advice: "shows the rule that refuses it; change it, and keep a second session open meanwhile".to_owned(),
        };
        match rule.module.as_str() {
            // Behind a rule that jumps over it, it speaks only where that rule said no.
            "pam_deny.so" => {
                let jumped = index > 0 && rules[..index].iter().any(|before| before.control.contains('='));
                (!jumped).then(|| own(""))
            }
            "pam_succeed_if.so" => {
                let unmet = unmet(scene, &rule.arguments)?;
                Some(own(&format!(", and {unmet}")))
            }
            "pam_listfile.so" => {
                let (file, says) = listed(scene, &rule.arguments)?;
                Some(Refusal {
                    no,
                    seen: format!("{}: {}, and {} {says}", rule.place, rule.text, file.path),
                    shows: format!("cat {}", naming::path(&file.path)),
                    advice: "shows the list that the rule reads; change it if the account may log in".to_owned(),
                })
            }
            "pam_access.so" if rule.arguments.iter().all(|word| !word.contains('=')) => {
                let (file, line, text) = access_rule(scene)?;
                Some(Refusal {
                    no,
                    seen: format!("{}:{line}: {text}", file.path),
                    shows: format!("sed -n {line}p {}", naming::path(&file.path)),
                    advice: format!("shows the rule that refuses it ({text}); allow the account in a line above it"),
                })
            }
            _ => None,
        }
    })
}

/// The condition of pam_succeed_if that the account does not meet (pam_succeed_if(8)); `None` where all are met, or one
/// is not understood.
fn unmet(scene: &Scene<'_>, arguments: &[String]) -> Option<String> {
    let passwd = scene.login.passwd.as_ref().ok()?.as_ref()?;
    let flags = ["debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit"];
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !flags.contains(word)).collect();
    let in_group = |names: &str| passwd.groups.iter().any(|(_, own)| names.split(':').any(|name| *own == name));
    for condition in words.chunks(3) {
        let [field, operator, value] = condition else { return None };
        let name = passwd.name.to_string();
        let text = match *field {
            "user" => name,
            "uid" => passwd.uid.to_string(),
            "gid" => passwd.gid.to_string(),
            "shell" => passwd.shell.to_string(),
            "home" => passwd.home.to_string(),
            _ => return None,
        };
        let number = |compare: fn(i64, i64) -> bool| Some(compare(text.parse().ok()?, value.parse().ok()?));
        let met = match *operator {
            "=" => text == **value,
            "!=" => text != **value,
            "in" => value.split(':').any(|one| one == text),
            "notin" => value.split(':').all(|one| one != text),
            "ingroup" => in_group(value),
            "notingroup" => !in_group(value),
            "eq" => number(|one, other| one == other)?,
            "ne" => number(|one, other| one != other)?,
            "lt" | "<" => number(|one, other| one < other)?,
            "le" | "<=" => number(|one, other| one <= other)?,
            "gt" | ">" => number(|one, other| one > other)?,
            "ge" | ">=" => number(|one, other| one >= other)?,
            _ => return None,
        };
        if !met {
            return Some(format!("`{}` is not so", escape(condition.join(" ").as_bytes())));
        }
    }
    None
}

/// The list of pam_listfile that refuses the account, and what it says of it (pam_listfile(8)).
fn listed<'a>(scene: &Scene<'a>, arguments: &[String]) -> Option<(&'a TextFile, &'static str)> {
    let value = |name: &str| arguments.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    if value("item") != Some("user") || value("apply").is_some() {
        return None;
    }
    let path = value("file")?;
    let account = scene.account;
    let file =
        account.machine.texts.iter().find(|file| file.path.as_bytes() == path.as_bytes() && file.error.is_none())?;
    let name = scene.login.user.to_string();
    let named = file.lines.iter().any(|line| line.as_str() == Some(&*name));
    match (value("sense")?, named) {
        ("deny", true) => Some((file, "names the account")),
        ("allow", false) => Some((file, "does not name the account")),
        _ => None,
    }
}

/// Whether a list of access.conf names something; `None` where that cannot be told.
type Named = Option<bool>;

/// The rule of access.conf that refuses the account: file, line and text (pam_access.c `login_access`: the first line
/// that fits decides).
fn access_rule<'a>(scene: &Scene<'a>) -> Option<(&'a TextFile, usize, String)> {
    let account = scene.account;
    let file = account.machine.texts.iter().find(|file| file.path.as_bytes() == b"/etc/security/access.conf")?;
    let passwd = scene.login.passwd.as_ref().ok()?.as_ref()?;
    let name = passwd.name.to_string();
    let from = scene.login.from.as_ref().map(ToString::to_string).unwrap_or_default();
    let names_user = |word: &str| -> Named {
        // A netgroup, or an account at a host of its own.
        if word.contains('@') {
            return None;
        }
        let group = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
        let in_group = passwd.groups.iter().any(|(_, own)| *own == group.unwrap_or(word));
        Some(word == "ALL" || group.is_none() && word == name || in_group)
    };
    let names_origin = |word: &str| -> Named {
        if word == "ALL" || word == "LOCAL" {
            return Some(word == "ALL");
        }
        let from = from.parse().ok()?;
        match addresses::match_networks(from, word) {
            Answer::Yes => Some(true),
            Answer::No => Some(false),
            // A name that a resolver would have to tell, or a terminal.
            Answer::Negated | Answer::Invalid => None,
        }
    };
    for (number, line) in (1..).zip(&file.lines) {
        let Some(text) = line.as_str().map(|text| text.split('#').next().unwrap_or_default().trim()) else { continue };
        let parts: Vec<&str> = text.splitn(3, ':').map(str::trim).collect();
        let [sign, users, origins] = parts.as_slice() else { continue };
        let user = names(users, &names_user);
        if user == Some(false) {
            continue;
        }
        let origin = names(origins, &names_origin);
        if origin == Some(false) {
            continue;
        }
        let decides = user? && origin?;
        return (decides && *sign == "-").then(|| (file, number, escape(text.as_bytes())));
    }
    None
}

/// Whether a list names something (pam_access.c `list_match`): what follows EXCEPT is taken out.
fn names(list: &str, named: &dyn Fn(&str) -> Named) -> Named {
    let mut words = list.split([' ', '\t', ',']).filter(|word| !word.is_empty());
    let mut found = Some(false);
    while let Some(word) = words.next() {
        if word == "EXCEPT" {
            if found == Some(false) {
                return found;
            }
            let rest: Vec<&str> = words.collect();
            return match (found, names(&rest.join(" "), named)) {
                (Some(true), Some(excepted)) => Some(!excepted),
                _ => None,
            };
        }
        match named(word) {
            Some(true) => found = Some(true),
            None if found == Some(false) => found = None,
            _ => {}
        }
    }
    found
}
