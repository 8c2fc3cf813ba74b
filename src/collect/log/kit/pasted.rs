//! Parts of what a kit asks for that somebody pasted alone: what lists keys, modes and options. Nothing says on which machine
//! they were printed, so they prove nothing; what of them can explain a refusal is kept.

use super::read::{key, listed, mode, option};
use crate::facts::Source;
use crate::facts::identities::FileKind;
use crate::facts::log::{Pasted, PastedPart};
use crate::facts::text::{Path, ServerText};

/// How many lines are looked at.
const MOST_LINES: u32 = 100_000;
/// How many are kept.
const MOST: usize = 64;
/// What stands alone, in words.
const PARTS: [&str; 5] = [
    "keys as `ssh-add -l` lists them",
    "names and modes as `ls -l` lists them",
    "options as `ssh -G` or `sshd -T` lists them",
    "parts of a path as `namei -l` lists them",
    "lines of `sshd -t` about its configuration",
];

/// What ssh-add says where an agent holds nothing, or where there is none (ssh-add.c `list_identities`, `main`).
const NO_KEYS: &[&str] = &["The agent has no identities.", "Could not open a connection to your authentication agent."];

/// What was read of such lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    looked: u32,
    /// Of each kind: the line of the first, and how many.
    parts: [(u64, u64); 5],
    /// The path whose parts `namei -l` lists, as far as they were read; empty outside of such a list.
    walked: Vec<u8>,
    /// Whether the options that come are ssh's.
    of_client: bool,
    kept: Vec<(usize, u64, PastedPart)>,
}

impl Lists {
    /// Whether the line is of such a list; it is read then.
    pub(super) fn line(&mut self, file: usize, number: u64, line: &str) -> bool {
        self.looked = self.looked.saturating_add(1);
        if self.looked > MOST_LINES {
            return false;
        }
        if line.strip_prefix("f: ").is_some_and(|path| path.starts_with('/')) {
            self.walked = b"/".to_vec();
            return true;
        }
        if NO_KEYS.contains(&line.trim_end()) {
            self.count(0, number);
            self.keep(file, number, PastedPart::NoKeys);
            return true;
        }
        if is_complaint(line) {
            self.count(4, number);
            self.keep(file, number, PastedPart::Complaint(line.trim_end().into()));
            return true;
        }
        let part = match line.as_bytes().first() {
            Some(first) if first.is_ascii_digit() && key(line).is_some() => 0,
            Some(b'-' | b'd' | b'l') => match self.file(file, number, line) {
                Some(part) => part,
                None => return false,
            },
            Some(first) if first.is_ascii_lowercase() && is_option(line) => {
                self.option(file, number, line);
                2
            }
            _ => return false,
        };
        if part != 3 {
            self.walked.clear();
        }
        self.count(part, number);
        true
    }

    /// A line of `ssh -G` or `sshd -T`.
    fn option(&mut self, file: usize, number: u64, line: &str) {
        let Some((keyword, value)) = option(line) else { return };
        // `ssh -G` begins with whom and what it would dial.
        self.of_client =
            matches!(keyword.as_str(), "hostname" | "identityfile") || self.of_client && keyword != "usepam";
        // Before 8.9 it writes as sshd does (readconf.c `multistate_pubkey_auth`).
        let before_8_9 = self.of_client && keyword == "pubkeyauthentication" && value == "no";
        let value = if before_8_9 { "false".into() } else { value };
        if is_telling(&keyword) {
            self.keep(file, number, PastedPart::Option { keyword, value });
        }
    }

    /// A line of `ls -l`, or of `namei -l` in a list of that.
    fn file(&mut self, file: usize, number: u64, line: &str) -> Option<usize> {
        if let Some((path, state)) = listed(line) {
            if let Ok(stat) = state.as_ref()
                && stat.kind != FileKind::Other
            {
                self.keep(file, number, PastedPart::File { path, mode: stat.mode });
            }
            return Some(1);
        }
        let mut words = line.split_ascii_whitespace();
        let (letters, _owner, _group) = (words.next()?, words.next()?, words.next()?);
        let name = words.next().filter(|_| !self.walked.is_empty())?;
        if letters.starts_with('l') {
            // What it points to is listed behind it.
            return Some(3);
        }
        let (_, mode) = mode(letters)?;
        if name == "/" {
            self.walked = b"/".to_vec();
        } else {
            if self.walked.last() != Some(&b'/') {
                self.walked.push(b'/');
            }
            self.walked.extend_from_slice(name.as_bytes());
        }
        let path = Path::new(self.walked.clone());
        self.keep(file, number, PastedPart::File { path, mode });
        Some(3)
    }

    fn count(&mut self, part: usize, number: u64) {
        let (first, count) = &mut self.parts[part];
        *first = if *count == 0 { number } else { *first };
        *count += 1;
    }

    fn keep(&mut self, file: usize, number: u64, part: PastedPart) {
        // What its owner alone may use keeps nobody out.
        let tells = match &part {
            PastedPart::File { mode, .. } => mode & 0o077 != 0,
            PastedPart::Option { .. } | PastedPart::NoKeys | PastedPart::Complaint(_) => true,
        };
        if tells && self.kept.len() < MOST {
            self.kept.push((file, number, part));
        }
    }

    /// What was read, a sentence for each kind.
    pub(super) fn remarks(&self) -> Vec<ServerText> {
        let told = self.parts.iter().zip(PARTS).filter(|((_, count), _)| *count > 0);
        told.map(|((first, count), what)| {
            format!("{count} {what}, from line {first} on: nothing says on which machine, so they prove nothing").into()
        })
        .collect()
    }

    /// What of it can explain a refusal.
    pub(super) fn pasted(&self, files: &[Path]) -> Vec<Pasted> {
        let at = |file: usize, line: u64| Source::File {
            path: files.get(file).cloned().unwrap_or_default(),
            line: u32::try_from(line).ok(),
        };
        self.kept.iter().map(|(file, line, part)| Pasted { part: part.clone(), at: at(*file, *line) }).collect()
    }
}

/// Whether sshd says there that its configuration is not valid (servconf.c `process_server_config_line_depth`,
/// `parse_server_config_depth`); ssh has the same words about its own.
fn is_complaint(line: &str) -> bool {
    let Some((path, rest)) = line.split_once(": ").filter(|(path, _)| path.starts_with('/')) else { return false };
    let of_line = rest.strip_prefix("line ").or_else(|| path.split_once(" line ").map(|(_, number)| number));
    let of_line = of_line.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let mut words = rest.split(' ');
    let ends = words.next() == Some("terminating,") && rest.contains(" bad configuration option");
    // Of these it only warns.
    let warns = ["Deprecated option ", "Unsupported option "].iter().any(|words| rest.contains(words));
    path.contains("sshd_config") && !warns && (of_line || ends)
}

/// Whether the line is of the output of `ssh -G` or `sshd -T`, by a keyword that no sentence begins with.
fn is_option(line: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "hostname ",
        "addressfamily ",
        "batchmode ",
        "identityfile ",
        "identitiesonly ",
        "pubkeyauthentication ",
        "passwordauthentication ",
        "kbdinteractiveauthentication ",
        "challengeresponseauthentication ",
        "stricthostkeychecking ",
        "userknownhostsfile ",
        "globalknownhostsfile ",
        "kexalgorithms ",
        "ciphers ",
        "macs ",
        "hostkeyalgorithms ",
        "pubkeyacceptedalgorithms ",
        "pubkeyacceptedkeytypes ",
        "hostbasedacceptedalgorithms ",
        "casignaturealgorithms ",
        "gssapiauthentication ",
        "controlmaster ",
        "permitrootlogin ",
        "strictmodes ",
        "authorizedkeysfile ",
        "authenticationmethods ",
        "usepam ",
        "maxauthtries ",
        "maxstartups ",
        "allowusers ",
        "denyusers ",
        "allowgroups ",
        "denygroups ",
        "trustedusercakeys ",
        "authorizedkeyscommand ",
        "hostkey ",
    ];
    // ssh says of a name that it does not take: "hostname contains invalid characters".
    let complains = line.starts_with("hostname ") && line.split(' ').count() > 2;
    !complains && KEYWORDS.iter().any(|keyword| line.starts_with(keyword)) && line.split(' ').count() <= 4
}

/// Whether an option's value can keep somebody out.
fn is_telling(keyword: &str) -> bool {
    const TELLING: &[&str] = &[
        "pubkeyauthentication",
        "identitiesonly",
        "permitrootlogin",
        "authorizedkeysfile",
        "authenticationmethods",
        "allowusers",
        "denyusers",
        "allowgroups",
        "denygroups",
    ];
    TELLING.contains(&keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_path_are_put_together() {
        let mut lists = Lists::default();
        let lines = [
            "f: /home/deploy/.ssh/authorized_keys",
            "drwxr-xr-x root   root   /",
            "lrwxrwxrwx root   root   home -> /srv/home",
            "drwxr-xr-x root   root   /",
            "drwxr-xr-x root   root   srv",
            "drwxr-xr-x root   root   home",
            "drwxrwxr-x deploy users  deploy",
            "drwx------ deploy deploy .ssh",
        ];
        for (number, line) in (1..).zip(lines) {
            assert!(lists.line(0, number, line), "{line}");
        }
        let pasted = lists.pasted(&["t".into()]);
        let last = pasted.last().unwrap();
        assert_eq!(last.part, PastedPart::File { path: "/srv/home/deploy".into(), mode: 0o775 });
        assert_eq!(last.at, Source::File { path: "t".into(), line: Some(7) });
        assert!(!Lists::default().line(0, 1, "drwxr-xr-x root root srv"));
    }

    #[test]
    fn what_sshd_says_of_its_configuration_is_none_of_ssh_s_words() {
        for line in [
            "/etc/ssh/sshd_config: line 42: Bad configuration option: PermitRootLogn",
            "/etc/ssh/sshd_config.d/50-local.conf line 3: Bad yes/no argument: maybe",
            "/etc/ssh/sshd_config: terminating, 1 bad configuration options",
        ] {
            let mut lists = Lists::default();
            assert!(lists.line(0, 1, line), "{line}");
            assert_eq!(lists.pasted(&[]).len(), 1);
        }
        for line in [
            "/etc/ssh/ssh_config: line 42: Bad configuration option: foo",
            "/home/ann/.ssh/config: terminating, 1 bad configuration options",
            "/etc/ssh/sshd_config: No such file or directory",
            "/etc/ssh/sshd_config line 9: Deprecated option UsePrivilegeSeparation",
        ] {
            assert!(!Lists::default().line(0, 1, line), "{line}");
        }
    }

    #[test]
    fn what_cannot_keep_anybody_out_is_not_kept() {
        let mut lists = Lists::default();
        for line in ["-rw------- 1 a a 411 Nov 1 12:00 id_rsa", "maxauthtries 6", "256 SHA256:aaaa a@laptop (ED25519)"]
        {
            assert!(lists.line(0, 1, line), "{line}");
        }
        assert!(lists.pasted(&[]).is_empty());
        assert_eq!(lists.remarks().len(), 3);
        for line in ["pubkeyauthentication no", "The agent has no identities."] {
            assert!(lists.line(0, 1, line), "{line}");
        }
        assert_eq!(lists.pasted(&[]).len(), 2);
    }
}
