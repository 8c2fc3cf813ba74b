//! The lines of sshd_config in the order in which sshd reads them: an Include stands for what it includes, and the first
//! value of a keyword wins (servconf.c `process_server_config_line_depth`; sshd_config(5)).

use crate::facts::account::{Sshd, TextFile};
use crate::facts::text::{Path, ServerText};
use crate::openssh::arguments::{keyword_and_value, value_words};
use crate::openssh::patterns::match_pattern;

/// sshd's own limit on Include in Include (servconf.c `SERVCONF_MAX_DEPTH`).
const DEEPEST: usize = 16;
/// How many lines are looked at in all.
const MOST: usize = 50_000;

/// A line that sets something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The file.
    pub path: Path,
    /// The 1-based line.
    pub line: u32,
    /// The keyword in lower case.
    pub keyword: String,
    /// The value as it stands there.
    pub value: ServerText,
    /// The `Match` line that it stands under; `None` where it holds for everybody.
    pub matched: Option<ServerText>,
}

impl Setting {
    /// `FILE:LINE`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// Every line that sets something, in sshd's order.
pub fn settings(sshd: &Sshd) -> Vec<Setting> {
    let mut reader = Reader { files: &sshd.files, found: Vec::new() };
    if let Some(first) = sshd.files.first() {
        reader.file(first, &mut None, 0);
    }
    reader.found
}

struct Reader<'a> {
    files: &'a [TextFile],
    found: Vec<Setting>,
}

impl Reader<'_> {
    /// `matched`: the Match block that is open; one that an included file opens ends with that file.
    fn file(&mut self, file: &TextFile, matched: &mut Option<ServerText>, depth: usize) {
        for (number, line) in (1..).zip(&file.lines) {
            let (keyword, value) = keyword_and_value(line.as_bytes());
            if keyword.is_empty() || keyword.starts_with('#') || self.found.len() >= MOST {
                continue;
            }
            match keyword.as_str() {
                "match" => {
                    let all = value.trim_ascii().eq_ignore_ascii_case(b"all");
                    *matched = (!all).then(|| ServerText::new(value));
                }
                "include" if depth < DEEPEST => {
                    for pattern in value_words(value) {
                        self.include(&pattern, matched.as_ref(), depth);
                    }
                }
                _ => self.found.push(Setting {
                    path: file.path.clone(),
                    line: number,
                    keyword,
                    value: ServerText::new(value),
                    matched: matched.clone(),
                }),
            }
        }
    }

    fn include(&mut self, pattern: &[u8], matched: Option<&ServerText>, depth: usize) {
        let pattern = if pattern.starts_with(b"/") { pattern.to_vec() } else { [b"/etc/ssh/", pattern].concat() };
        let files = self.files;
        let slashes = |name: &[u8]| name.split(|byte| *byte == b'/').count();
        // As glob(3): sorted, and no `*` matches a slash or a leading dot.
        let hidden = |name: &[u8]| name.rsplit(|byte| *byte == b'/').next().is_some_and(|last| last.starts_with(b"."));
        let mut named: Vec<&TextFile> = files
            .iter()
            .filter(|file| {
                let name = file.path.as_bytes();
                slashes(name) == slashes(&pattern) && !hidden(name) && match_pattern(name, &pattern)
            })
            .collect();
        named.sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
        for file in named {
            self.file(file, &mut matched.cloned(), depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.into(), lines: text.lines().map(Into::into).collect(), ..TextFile::default() }
    }

    #[test]
    fn an_include_stands_where_it_is_and_a_match_block_ends_with_its_file() {
        let main = "# all\nInclude /etc/ssh/sshd_config.d/*.conf\nPubkeyAuthentication yes\nMatch User deploy\n  X11Forwarding no\nMatch all\nUsePAM yes";
        let sshd = Sshd {
            files: vec![
                file("/etc/ssh/sshd_config", main),
                file(
                    "/etc/ssh/sshd_config.d/50-cloud.conf",
                    "PubkeyAuthentication no\nMatch Group x\nAllowTcpForwarding no",
                ),
                file("/etc/ssh/sshd_config.d/10-first.conf", "Port = 2222"),
                file("/etc/ssh/sshd_config.d/.hidden.conf", "Port 1"),
            ],
            ..Sshd::default()
        };
        let read: Vec<String> = settings(&sshd)
            .iter()
            .map(|line| {
                format!(
                    "{} {} {} {:?}",
                    line.place(),
                    line.keyword,
                    line.value,
                    line.matched.as_ref().map(ToString::to_string)
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                "/etc/ssh/sshd_config.d/10-first.conf:1 port 2222 None",
                "/etc/ssh/sshd_config.d/50-cloud.conf:1 pubkeyauthentication no None",
                "/etc/ssh/sshd_config.d/50-cloud.conf:3 allowtcpforwarding no Some(\"Group x\")",
                "/etc/ssh/sshd_config:3 pubkeyauthentication yes None",
                "/etc/ssh/sshd_config:5 x11forwarding no Some(\"User deploy\")",
                "/etc/ssh/sshd_config:7 usepam yes None",
            ]
        );
    }
}
