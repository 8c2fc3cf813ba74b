//! PAM's account rules as libpam walks them (pam.conf(5); libpam/pam_handlers.c, pam_dispatch.c): which rule comes when,
//! and whether a no of one module is the answer.

use crate::facts::account::TextFile;
use crate::facts::text::escape;

/// How deep files may include one another (libpam's own limit is 64).
const DEEPEST: usize = 8;
/// How many rules are looked at.
const MOST: usize = 200;

/// One account rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `FILE:LINE`.
    pub place: String,
    /// The rule as it stands there.
    pub text: String,
    /// `required`, `sufficient` …, or what stands between square brackets.
    pub control: String,
    /// The module's file name, `pam_unix.so`.
    pub module: String,
    /// The module's arguments.
    pub arguments: Vec<String>,
}

/// What a module's no means for the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// The login is refused.
    Refuses,
    /// Another rule may let it in all the same.
    MayRefuse,
    /// It counts for nothing.
    Ignored,
}

/// PAM's account rules for sshd in the order in which they are walked. `files`: the first is sshd's own.
pub fn account_rules(files: &[TextFile]) -> Vec<Rule> {
    let mut rules = Vec::new();
    if let Some(first) = files.first() {
        read(files, first, 0, &mut rules);
    }
    rules
}

fn read(files: &[TextFile], file: &TextFile, depth: usize, rules: &mut Vec<Rule>) {
    let include = |name: &str, rules: &mut Vec<Rule>| {
        let path = if name.starts_with('/') { name.to_owned() } else { format!("/etc/pam.d/{name}") };
        let found = files.iter().find(|file| file.path.as_bytes() == path.as_bytes());
        if let Some(found) = found.filter(|_| depth < DEEPEST) {
            read(files, found, depth + 1, rules);
        }
    };
    for (number, line) in (1..).zip(&file.lines) {
        let Some(text) = line.as_str().and_then(|line| line.split('#').next()).map(str::trim) else { continue };
        if rules.len() >= MOST {
            return;
        }
        let (kind, rest) = split_word(text);
        if kind == "@include" {
            include(split_word(rest).0, rules);
            continue;
        }
        if kind.trim_start_matches('-') != "account" {
            continue;
        }
        let (control, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inside, rest)) => (inside, rest.trim_start()),
            None => split_word(rest),
        };
        let (module, arguments) = split_word(rest);
        if control == "include" || control == "substack" {
            include(module, rules);
            continue;
        }
        rules.push(Rule {
            place: format!("{}:{number}", file.path),
            text: escape(text.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes()),
            control: control.to_owned(),
            module: module.rsplit('/').next().unwrap_or_default().to_owned(),
            arguments: words(arguments),
        });
    }
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once([' ', '\t']).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// Arguments: words, or what stands between square brackets.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inside, after)) => (inside, after.trim_start()),
            None => split_word(rest),
        };
        words.push(word.to_owned());
        rest = after;
    }
    words
}

/// What it means where the rule at `index` says no, and every rule before it that is not known says yes or nothing.
pub fn refusal(rules: &[Rule], index: usize) -> No {
    // An earlier rule whose yes ends the walk, or jumps over this one.
    let ends = |rule: &Rule| {
        rule.control == "sufficient" || on(rule, "success").is_some_and(|action| action != "ok" && action != "ignore")
    };
    let Some(rule) = rules.get(index) else { return No::Ignored };
    let sure = !rules.iter().take(index).any(ends);
    let own = match rule.control.as_str() {
        "required" | "requisite" => No::Refuses,
        "sufficient" | "optional" => No::Ignored,
        _ => match on(rule, "default") {
            Some("bad" | "die") | None => No::Refuses,
            // What was jumped over by a yes decides after a no: Debian's common-account holds pam_deny there.
            Some("ignore") => match rules.get(index + 1) {
                Some(next) if next.module == "pam_deny.so" && next.control.starts_with("requi") => No::Refuses,
                Some(_) => No::MayRefuse,
                None => No::Ignored,
            },
            Some(_) => No::MayRefuse,
        },
    };
    if own == No::Refuses && !sure { No::MayRefuse } else { own }
}

/// What a control in square brackets does on this value.
fn on<'a>(rule: &'a Rule, value: &str) -> Option<&'a str> {
    rule.control
        .split_whitespace()
        .find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == value))
        .map(|(_, action)| action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.into(), lines: text.lines().map(Into::into).collect(), ..TextFile::default() }
    }

    fn no_of(module: &str, sshd: &str, common: &str) -> No {
        let rules = account_rules(&[file("/etc/pam.d/sshd", sshd), file("/etc/pam.d/common-account", common)]);
        let index = rules.iter().position(|rule| rule.module == module).unwrap();
        refusal(&rules, index)
    }

    #[test]
    fn a_no_counts_by_its_control_and_by_what_stands_before_and_behind() {
        let debian = "account [success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so\naccount requisite pam_deny.so\naccount required pam_permit.so";
        let ldap = "account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so\naccount [success=1 default=ignore] pam_ldap.so\naccount requisite pam_deny.so\naccount required pam_permit.so";
        let sshd = "auth required pam_unix.so\n# account required pam_access.so\naccount  required  pam_nologin.so\n@include common-account\nsession required x.so";
        let rows = [
            ("pam_unix.so", sshd, debian, No::Refuses),
            ("pam_nologin.so", sshd, debian, No::Refuses),
            ("pam_unix.so", sshd, ldap, No::MayRefuse),
            ("pam_unix.so", "account sufficient pam_permit.so\n@include common-account", debian, No::MayRefuse),
            ("pam_unix.so", "account include common-account", "account required pam_unix.so", No::Refuses),
            ("pam_access.so", "-account optional pam_access.so", "", No::Ignored),
            ("pam_access.so", "account [default=bad success=ok user_unknown=ignore] pam_access.so", "", No::Refuses),
        ];
        for (module, sshd, common, meant) in rows {
            assert_eq!(no_of(module, sshd, common), meant, "{module} in {sshd} / {common}");
        }
    }

    #[test]
    fn arguments_are_words_or_stand_in_brackets() {
        let rules =
            account_rules(&[file("/etc/pam.d/sshd", "account required pam_succeed_if.so [user in a:b] quiet # x")]);
        assert_eq!(rules[0].arguments, ["user in a:b", "quiet"]);
        assert_eq!(rules[0].place, "/etc/pam.d/sshd:1");
    }
}
