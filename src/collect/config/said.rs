//! What ssh says while it reads its configuration (readconf.c: `debug`, `error` and `fatal` of
//! `read_config_file_depth`, `process_config_line_depth`, `match_cfg_line`; ssh.c `main`).
//!
//! ssh translates none of its messages, and there is no other way to learn what they say.

use crate::facts::Source;
use crate::facts::config::{Applied, Complaint, ComplaintKind};
use crate::facts::text::{Path, ServerText};

/// How many lines of a complaint are kept.
const MOST_LINES: usize = 40;

/// How much of a line is kept.
const LONGEST_LINE: usize = 1000;

/// What `ssh -vvv -G` wrote to standard error, sorted.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// `Host` and `Match` lines that applied, in order, each once.
    pub(super) applied: Vec<Applied>,
    /// Whether a `Match exec` command was run.
    pub(super) match_exec: bool,
    /// Files named with `-i` that are not there.
    pub(super) inaccessible: Vec<Path>,
    /// Whether a host name that was to be canonicalized did not resolve.
    pub(super) unresolved: bool,
    /// Everything else, debug lines left out.
    pub(super) rest: Vec<ServerText>,
}

/// Sorts standard error's lines.
pub(super) fn sort(stderr: &[u8]) -> Said {
    let mut said = Said::default();
    // The condition of the Match line under examination, and where an attribute of it was last seen.
    let mut condition: Option<(ServerText, Option<Source>)> = None;
    for line in stderr.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(debug) = debug_line(line) else {
            said.other(line);
            continue;
        };
        if let Some((at, text)) = split_at_line(debug) {
            if text.starts_with(b"Applying options for ") {
                said.applies(at, text.into());
            } else if let Some((_, seen)) = &mut condition {
                *seen = Some(at);
            }
        } else if let Some(found) = between(debug, b"checking match for '", b"' host ") {
            condition = Some((ServerText::new([b"Match ", found].concat()), None));
        } else if debug.starts_with(b"match found") {
            if let Some((text, at)) = condition.take() {
                said.applies(at.unwrap_or_else(|| Source::Command("ssh -vvv -G".to_owned())), text);
            }
        } else if debug.starts_with(b"match not found") {
            condition = None;
        } else if debug.starts_with(b"Executing command: ") {
            said.match_exec = true;
        }
    }
    said
}

impl Said {
    fn applies(&mut self, at: Source, text: ServerText) {
        // The files are read a second time after canonicalization and for `Match final`.
        let applied = Applied { at, text };
        if !self.applied.contains(&applied) {
            self.applied.push(applied);
        }
    }

    fn other(&mut self, line: &[u8]) {
        // The version comes first with -v; the remark about a terminal is about this run, not about the user's.
        let idle = line.is_empty()
            || line.starts_with(b"OpenSSH_")
            || line.starts_with(b"Pseudo-terminal will not be allocated because ");
        if idle {
            return;
        }
        if let Some(file) = between(line, b"Warning: Identity file ", b" not accessible: ") {
            self.inaccessible.push(Path::new(file));
            return;
        }
        self.unresolved |= find(line, b"Could not resolve host").is_some();
        if self.rest.len() < MOST_LINES {
            self.rest.push(line[..line.len().min(LONGEST_LINE)].into());
        }
    }
}

/// Why ssh stopped, from the lines it printed before it did.
pub(in crate::collect) fn complaint(said: Vec<ServerText>) -> Complaint {
    let (kind, at) = said
        .iter()
        .find_map(|line| classified(line.as_bytes()))
        .unwrap_or_else(|| (ComplaintKind::Other, Source::Command("ssh -G".to_owned())));
    Complaint { kind, at, line: None, said }
}

/// What ssh prints of an option of the command line that it does not take, without naming a file (ssh.c `main`).
const COMMAND_LINE: &[&[u8]] = &[
    b"Bad ",
    b"Unknown cipher type ",
    b"Unknown mac type ",
    b"Invalid -J argument",
    b"Only a single -J option ",
    b"Cannot specify -J with ProxyCommand",
];

/// Kind and place of one line; `None` where it is not what made ssh stop.
fn classified(line: &[u8]) -> Option<(ComplaintKind, Source)> {
    if let Some(file) = line.strip_prefix(b"Bad owner or permissions on ") {
        return Some((ComplaintKind::Permissions, Source::File { path: Path::new(file), line: None }));
    }
    if let Some(file) = between(line, b"Can't open user config file ", b": ") {
        return Some((ComplaintKind::Unreadable, Source::File { path: Path::new(file), line: None }));
    }
    if let Some((at, text)) = split_at_line(line) {
        // Removed options are named and ignored.
        if text.starts_with(b"Unsupported option ") || text.starts_with(b"Deprecated option ") {
            return None;
        }
        let kind = if text.starts_with(b"Bad configuration option: ") {
            ComplaintKind::UnknownOption
        } else if text.starts_with(b"Can't open user config file ") {
            ComplaintKind::Unreadable
        } else {
            ComplaintKind::BadValue
        };
        return Some((kind, at));
    }
    let known = COMMAND_LINE.iter().any(|start| line.starts_with(start));
    known.then_some((ComplaintKind::BadValue, Source::CommandLine))
}

/// The text of a debug line.
fn debug_line(line: &[u8]) -> Option<&[u8]> {
    [b"debug1: ", b"debug2: ", b"debug3: "].iter().find_map(|start| line.strip_prefix(*start))
}

/// Place and text of `F line N: text` and `F: line N: text`; `command-line` in the place of F is the command line.
fn split_at_line(text: &[u8]) -> Option<(Source, &[u8])> {
    let at = find(text, b" line ")?;
    let file = text[..at].strip_suffix(b":").unwrap_or(&text[..at]);
    let behind = &text[at + b" line ".len()..];
    let end = find(behind, b": ")?;
    let number = std::str::from_utf8(&behind[..end]).ok()?.parse::<u32>().ok()?;
    let at = match file {
        b"command-line" => Source::CommandLine,
        file => Source::File { path: Path::new(file), line: Some(number) },
    };
    Some((at, &behind[end + 2..]))
}

/// What stands behind `start`, which begins `text`, and before the last `end`.
fn between<'a>(text: &'a [u8], start: &[u8], end: &[u8]) -> Option<&'a [u8]> {
    let behind = text.strip_prefix(start)?;
    let at = behind.windows(end.len()).rposition(|window| window == end)?;
    Some(&behind[..at])
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, line: u32) -> Source {
        Source::File { path: path.into(), line: Some(line) }
    }

    #[test]
    fn host_and_match_lines_that_applied_are_kept_once_and_in_order() {
        let said = sort(
            b"OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19\r\n\
debug1: Reading configuration data /home/a/.ssh/config\r\n\
debug2: checking match for 'host web1' host web1 originally web1\r\n\
debug3: /home/a/.ssh/config line 1: matched 'host \"web1\"' \r\n\
debug2: match found\r\n\
debug2: checking match for 'user x exec \"id\"' host web1 originally web1\r\n\
debug3: /home/a/.ssh/config line 4: not matched 'user \"x\"' \r\n\
debug2: match not found\r\n\
debug2: checking match for 'all' host web1 originally web1\r\n\
debug2: match found\r\n\
debug1: Executing command: 'id'\r\n\
debug3: /home/a/.ssh/config line 8: Including file /home/a/.ssh/d/x y depth 0 (parse only)\r\n\
debug1: Reading configuration data /home/a/.ssh/d/x y\r\n\
debug1: /home/a/.ssh/d/x y line 5: Applying options for web*\r\n\
debug1: /home/a/.ssh/d/x y line 5: Applying options for web*\r\n\
Pseudo-terminal will not be allocated because stdin is not a terminal.\r\n\
Warning: Identity file /k not accessible: No such file or directory.\r\n",
        );
        let applied: Vec<_> = said.applied.iter().map(|line| format!("{} {}", line.at, line.text)).collect();
        assert_eq!(
            applied,
            [
                "/home/a/.ssh/config:1 Match host web1",
                "ssh -vvv -G Match all",
                "/home/a/.ssh/d/x y:5 Applying options for web*",
            ]
        );
        assert_eq!(said.inaccessible, ["/k"]);
        assert!(said.match_exec && said.rest.is_empty(), "{:?}", said.rest);
    }

    #[test]
    fn complaints_are_told_apart_by_their_shape() {
        let directory = |path: &str| Source::File { path: path.into(), line: None };
        for (lines, kind, at) in [
            (
                "Bad owner or permissions on /home/a/.ssh/config",
                ComplaintKind::Permissions,
                directory("/home/a/.ssh/config"),
            ),
            (
                "/c: line 7: Bad configuration option: foo\n/c: terminating, 1 bad configuration options",
                ComplaintKind::UnknownOption,
                file("/c", 7),
            ),
            (
                "/c line 2: Unsupported option \"rsaauthentication\"\n/c line 8: Bad port 'x'.",
                ComplaintKind::BadValue,
                file("/c", 8),
            ),
            ("/c d line 3: Bad owner: x", ComplaintKind::BadValue, file("/c d", 3)),
            (
                "command-line: line 0: Bad configuration option: nonsense",
                ComplaintKind::UnknownOption,
                Source::CommandLine,
            ),
            ("command-line line 0: Bad port 'abc'.", ComplaintKind::BadValue, Source::CommandLine),
            (
                "Can't open user config file nope: No such file or directory",
                ComplaintKind::Unreadable,
                directory("nope"),
            ),
            ("/c line 3: Can't open user config file /d: Permission denied", ComplaintKind::Unreadable, file("/c", 3)),
            ("Bad port '99999'", ComplaintKind::BadValue, Source::CommandLine),
            ("unknown option -- Z\nusage: ssh", ComplaintKind::Other, Source::Command("ssh -G".to_owned())),
            ("No user exists for uid 4711", ComplaintKind::Other, Source::Command("ssh -G".to_owned())),
            ("", ComplaintKind::Other, Source::Command("ssh -G".to_owned())),
        ] {
            let found = complaint(sort(lines.as_bytes()).rest);
            assert_eq!((found.kind, &found.at), (kind, &at), "{lines}");
            assert_eq!(found.said.len(), lines.split('\n').filter(|line| !line.is_empty()).count());
        }
    }
}
