//! The configuration files themselves: which names their `Host` lines define, which lines say `User`, and the line that
//! ssh complains of (readconf.c `read_config_file_depth`, `process_config_line_depth`, oInclude).

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::collect::system::state;
use crate::facts::checkup::{Block, BlockKind, BlockOption, ConfigFile};
use crate::facts::config::Alias;
use crate::facts::text::{self, ServerText};
use crate::facts::{Facts, Source};
use crate::openssh::arguments::{keyword_and_value, value_words};
use crate::openssh::tokens;

/// ssh's own limit on Include in Include (readconf.c `READCONF_MAX_DEPTH`).
const DEEPEST: usize = 16;

/// How many files are read.
const MOST_FILES: usize = 512;

/// How much of a file is read.
const LONGEST_FILE: u64 = 1 << 20;

/// How many names are kept.
const MOST_ALIASES: usize = 10_000;

/// How many options of blocks are kept, and how much of a value.
const MOST_OPTIONS: usize = 20_000;
const LONGEST_VALUE: usize = 1000;

/// The system's configuration (pathnames.h `_PATH_HOST_CONFIG_FILE`).
const SYSTEM: &str = "/etc/ssh/ssh_config";

/// What the configuration files say that `ssh -G` does not.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Names without wildcards on `Host` lines, in the order in which ssh reads them.
    pub(super) aliases: Vec<Alias>,
    /// Where `User` stands: the file, and the line of the `Host` or `Match` line above it, 0 where there is none.
    pub(super) users: Vec<(text::Path, u32)>,
    /// The files, in the order in which ssh reads them.
    pub(super) files: Vec<ConfigFile>,
    /// Their blocks, in that order.
    pub(super) blocks: Vec<Block>,
}

/// Reads what ssh reads: the file of `-F`, or the user's and the system's.
pub(super) fn read(facts: &Facts, named: Option<&std::ffi::OsStr>, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Seen {
    let mut reader = Reader { facts, env, left: MOST_FILES, options_left: MOST_OPTIONS, seen: Seen::default() };
    match named {
        Some(name) if name.eq_ignore_ascii_case("none") => {}
        Some(name) => reader.file(Path::new(name), true, false, 0),
        None => {
            if !facts.run.home.is_empty() {
                reader.file(&facts.run.home.to_path_buf().join(".ssh/config"), true, false, 0);
            }
            reader.file(Path::new(SYSTEM), false, false, 0);
        }
    }
    reader.seen
}

struct Reader<'a> {
    facts: &'a Facts,
    env: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    left: usize,
    options_left: usize,
    seen: Seen,
}

impl Reader<'_> {
    /// `nested`: whether it is included from within a block.
    fn file(&mut self, path: &Path, of_user: bool, nested: bool, depth: usize) {
        if self.left == 0 || depth > DEEPEST {
            return;
        }
        self.left -= 1;
        let shown = text::Path::from_path(path);
        let state = state(path);
        if depth == 0 || state.is_ok() {
            self.seen.files.push(ConfigFile { path: shown.clone(), state });
        }
        let Some(bytes) = contents(path) else { return };
        let mut block = 0;
        self.begin(&shown, 0, BlockKind::Global, &[], (of_user, nested));
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let (keyword, value) = keyword_and_value(line);
            match keyword.as_str() {
                "host" => {
                    block = number;
                    self.names(&shown, number, value);
                    self.begin(&shown, number, BlockKind::Host, value, (of_user, nested));
                }
                "match" => {
                    block = number;
                    self.begin(&shown, number, BlockKind::Match, value, (of_user, nested));
                }
                "include" => {
                    for pattern in value_words(value) {
                        self.include(&pattern, of_user, nested || block > 0, depth);
                    }
                    // What follows belongs to this file's block again.
                    if let Some(open) = self.seen.blocks.iter().rfind(|open| is_at(open, &shown, block)).cloned() {
                        self.seen.blocks.push(Block { options: Vec::new(), ..open });
                    }
                }
                keyword => {
                    if keyword == "user" {
                        self.seen.users.push((shown.clone(), block));
                    }
                    self.option(keyword, value, number);
                }
            }
        }
    }

    /// Begins a block.
    fn begin(&mut self, path: &text::Path, number: u32, kind: BlockKind, value: &[u8], of: (bool, bool)) {
        let at = Source::File { path: path.clone(), line: (number > 0).then_some(number) };
        let words = value_words(value).into_iter().take(self.options_left).map(text::Host::new).collect();
        if self.options_left > 0 {
            self.options_left -= 1;
            let (of_user, nested) = of;
            self.seen.blocks.push(Block { at, kind, words, of_user, nested, options: Vec::new() });
        }
    }

    /// Keeps a line of the block that was begun last.
    fn option(&mut self, keyword: &str, value: &[u8], line: u32) {
        let is_keyword = !keyword.is_empty() && keyword.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if let Some(block) = self.seen.blocks.last_mut().filter(|_| is_keyword && self.options_left > 0) {
            self.options_left -= 1;
            let value = value.trim_ascii_end();
            let value = value[..value.len().min(LONGEST_VALUE)].into();
            block.options.push(BlockOption { keyword: keyword.to_owned(), value, line });
        }
    }

    fn names(&mut self, path: &text::Path, number: u32, value: &[u8]) {
        for name in value_words(value) {
            let is_pattern = name.is_empty() || name.iter().any(|byte| matches!(byte, b'*' | b'?' | b'!'));
            if is_pattern || self.seen.aliases.len() >= MOST_ALIASES {
                continue;
            }
            let at = Source::File { path: path.clone(), line: Some(number) };
            self.seen.aliases.push(Alias { name: text::Host::new(name), at });
        }
    }

    /// Follows one pattern of an `Include` line; what ssh itself could not expand is passed over.
    fn include(&mut self, pattern: &[u8], of_user: bool, nested: bool, depth: usize) {
        let Some(pattern) = std::str::from_utf8(pattern).ok() else { return };
        let Ok(pattern) = tokens::path(pattern, self.facts, self.env) else { return };
        let pattern = pattern.to_path_buf();
        let anchored = match of_user {
            _ if pattern.is_absolute() => pattern,
            true => self.facts.run.home.to_path_buf().join(".ssh").join(pattern),
            false => Path::new("/etc/ssh").join(pattern),
        };
        let Some(Ok(found)) = anchored.to_str().map(|text| {
            // As glob(3): a leading dot is matched by a dot only.
            let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
            glob::glob_with(text, options)
        }) else {
            return;
        };
        let found: Vec<PathBuf> = found.flatten().take(self.left).collect();
        for path in found {
            self.file(&path, of_user, nested, depth + 1);
        }
    }
}

/// Whether this block begins at that line of that file; 0 for what stands before the first.
fn is_at(block: &Block, path: &text::Path, number: u32) -> bool {
    block.at == Source::File { path: path.clone(), line: (number > 0).then_some(number) }
}

/// Line `number` of the file, without its end; `None` where it cannot be read.
pub(super) fn line(path: &Path, number: u32) -> Option<ServerText> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    let bytes = contents(path)?;
    let line = bytes.split(|byte| *byte == b'\n').nth(index)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Some(line[..line.len().min(1000)].into())
}

/// The beginning of an ordinary file; `None` for anything else, so that no FIFO or device is waited for.
fn contents(path: &Path) -> Option<Vec<u8>> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LONGEST_FILE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
