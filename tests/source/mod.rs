//! Rust files as a test of the house rules sees them: code, string literals and imports, told apart by a small reader
//! of the language's surface (no parser: comments, literals, braces and paths are all that the rules need).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A source file, taken apart.
pub(crate) struct Source {
    /// Its path under the repository, `src/checks/agent.rs`.
    pub path: String,
    /// Its text as it stands.
    pub text: String,
    /// Its code without comments, without test modules, every string literal empty.
    pub code: String,
    /// Its string literals outside of test modules.
    pub strings: Vec<String>,
}

/// Every Rust file under src/, tests/ and benches/; files that are compiled for tests only have no code here.
pub(crate) fn sources() -> Vec<Source> {
    let mut paths: Vec<PathBuf> = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root().join(folder)))
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    paths.sort();
    let mut for_tests: BTreeSet<PathBuf> = BTreeSet::new();
    let mut sources = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let (bare, _) = taken_apart(&text);
        for_tests.extend(test_modules(&path, &bare));
        let (code, strings) = taken_apart(&without_tests(&text));
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        sources.push((path, Source { path: name, text, code, strings }));
    }
    sources
        .into_iter()
        .map(|(path, source)| {
            if for_tests.contains(&path) {
                Source { code: String::new(), strings: Vec::new(), ..source }
            } else {
                source
            }
        })
        .collect()
}

/// The files of `#[cfg(test)] mod NAME;` in the file at `path`.
fn test_modules(path: &Path, code: &str) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap_or_default();
    let folder = path.parent().unwrap();
    let folder = if stem == "mod" || stem == "lib" || stem == "main" { folder.to_owned() } else { folder.join(stem) };
    let after = code.split("#[cfg(test)]").skip(1);
    let declared = after.filter_map(|rest| {
        let (item, _) = rest.split_once([';', '{'])?;
        let name = item.trim().rsplit(' ').next()?;
        rest[item.len()..].starts_with(';').then(|| folder.join(format!("{name}.rs")))
    });
    declared.collect()
}

/// The text without the items under `#[cfg(test)]`.
pub(crate) fn without_tests(text: &str) -> String {
    let marks = blanked(text);
    let mut out = String::new();
    let mut at = 0;
    while let Some(start) = marks[at..].find("#[cfg(test)]").map(|found| at + found) {
        out.push_str(&text[at..start]);
        at = item_end(&marks, start);
    }
    out.push_str(&text[at..]);
    out
}

/// Where the item that begins at `start` ends: after its semicolon or its closing brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, character) in code[start..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return start + at + 1,
            '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return start + at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The code without comments and with every string literal empty; and the literals.
pub(crate) fn taken_apart(text: &str) -> (String, Vec<String>) {
    let mut code = String::new();
    let mut strings = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Code(part) => code.push_str(part),
            Piece::Literal(part) => {
                code.push_str("\"\"");
                strings.push(part.to_owned());
            }
            Piece::Comment(_) => code.push(' '),
        }
    }
    (code, strings)
}

/// The text with comments and literals blanked, every byte where it was.
fn blanked(text: &str) -> String {
    let blank = |part: &str| " ".repeat(part.len());
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Code(part) => part.to_owned(),
            Piece::Literal(part) | Piece::Comment(part) => blank(part),
        })
        .collect()
}

/// A stretch of Rust.
enum Piece<'a> {
    Code(&'a str),
    Literal(&'a str),
    Comment(&'a str),
}

/// The stretches of a file: code, string and character literals, comments.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut code_from = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let in_word = text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let found = if rest.starts_with("//") {
            Some((rest.find('\n').unwrap_or(rest.len()), false))
        } else if rest.starts_with("/*") {
            Some((rest.find("*/").map_or(rest.len(), |end| end + 2), false))
        } else if rest.starts_with('"') {
            Some((quoted_length(rest, '"'), true))
        } else if !in_word && (rest.starts_with("r\"") || rest.starts_with("r#") || rest.starts_with("br")) {
            raw_length(rest).map(|length| (length, true))
        } else if rest.starts_with('\'') && is_character(rest) {
            Some((quoted_length(rest, '\''), true))
        } else {
            None
        };
        match found {
            Some((length, literal)) => {
                pieces.push(Piece::Code(&text[code_from..at]));
                let part = &text[at..at + length];
                pieces.push(if literal { Piece::Literal(part) } else { Piece::Comment(part) });
                at += length;
                code_from = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    pieces.push(Piece::Code(&text[code_from..]));
    pieces
}

/// The length of a literal that begins and ends with `quote`.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string; `None` where it is none (`r#type`).
fn raw_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].starts_with('"').then_some(())?;
    let end = format!("\"{}", "#".repeat(hashes));
    let begin = rest.len() - body.len() + hashes + 1;
    Some(rest[begin..].find(&end).map_or(rest.len(), |found| begin + found + end.len()))
}

/// Whether a quote begins a character and no lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    match characters.next() {
        Some('\\') => true,
        Some(_) => characters.next() == Some('\''),
        None => false,
    }
}

/// Whether `code` has `word` as a word of its own.
pub(crate) fn names(code: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part))
}

/// Every path that begins with `root::`, groups (`a::{b, c::d}`) written out.
pub(crate) fn trees(code: &str, root: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let start = format!("{root}::");
    for (at, _) in code.match_indices(&start) {
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        branch(&code[at + start.len()..], &[root.to_owned()], &mut paths);
    }
    paths
}

/// The paths of one branch, which begins at `rest`; what is left after it.
fn branch<'a>(rest: &'a str, stem: &[String], paths: &mut Vec<Vec<String>>) -> &'a str {
    let rest = rest.trim_start();
    if let Some(mut inner) = rest.strip_prefix('{') {
        loop {
            inner = inner.trim_start().trim_start_matches(',').trim_start();
            if let Some(after) = inner.strip_prefix('}') {
                return after;
            }
            let left = branch(inner, stem, paths);
            if left.len() == inner.len() {
                return left;
            }
            inner = left;
        }
    }
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '*').collect();
    let after = &rest[name.len()..];
    let path: Vec<String> = stem.iter().cloned().chain([name]).collect();
    if let Some(deeper) = after.strip_prefix("::")
        && !deeper.starts_with('<')
    {
        return branch(deeper, &path, paths);
    }
    paths.push(path);
    let renamed = after.trim_start().strip_prefix("as ");
    renamed.map_or(after, |name| name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The repository's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
