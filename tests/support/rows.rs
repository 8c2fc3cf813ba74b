//! The rows of the lab as its source names them, for tests that cannot run them: the lab itself checks that they are so.

use std::fs;
use std::path::Path;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Written {
    /// Its name.
    pub(crate) name: String,
    /// The verdict's cause.
    pub(crate) cause: String,
    /// The verdict's certainty.
    pub(crate) certainty: String,
}

/// Every row, file by file.
pub(crate) fn rows() -> Vec<Written> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/rows");
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap_or_default()).collect();
    let shared: Vec<(&str, (&str, &str))> = texts.iter().flat_map(|text| functions(text, "pub(super) fn ")).collect();
    texts.iter().flat_map(|text| written(text, &shared)).collect()
}

/// The rows of one file: from one `row("NAME"`, or a call of a function of the file or of one that others share, which
/// makes a row, to the next; the last verdict counts.
fn written(text: &str, shared: &[(&str, (&str, &str))]) -> Vec<Written> {
    let mut makers = vec![("row", ("access-works", "proven")), ("on_server", ("nothing-found", "proven"))];
    makers.extend(functions(text, "\nfn "));
    makers.extend(shared);
    let mut named: Vec<(usize, &str, (&str, &str))> = Vec::new();
    for (maker, usual) in makers {
        let call = format!("{maker}(");
        let calls = text.match_indices(&call).map(|(at, _)| at).filter(|at| !text[..*at].ends_with(is_word));
        named.extend(calls.filter_map(|at| Some((at, quoted(&text[at + call.len()..])?.0, usual))));
    }
    named.sort_unstable();
    let mut rows = Vec::new();
    for (index, (at, name, usual)) in named.iter().enumerate() {
        let end = named.get(index + 1).map_or(text.len(), |(next, ..)| *next);
        // What stands after the end of its function is another's.
        let own = text[*at..end].split("\n}").next().unwrap_or_default();
        let (cause, certainty) = verdict(own, *usual);
        rows.push(Written { name: (*name).to_owned(), cause: cause.to_owned(), certainty: certainty.to_owned() });
    }
    rows
}

/// The functions that begin so and make one row, with the verdict that it has unless the caller says otherwise.
fn functions<'a>(text: &'a str, begin: &str) -> Vec<(&'a str, (&'a str, &'a str))> {
    text.split(begin)
        .skip(1)
        .filter_map(|function| {
            let (head, body) = function.split_once('{')?;
            let (name, _) = head.split_once('(')?;
            let body = body.split("\n}").next()?;
            let usual = if body.contains("on_server(") { "nothing-found" } else { "access-works" };
            head.trim_end().ends_with("-> Row").then(|| (name, verdict(body, (usual, "proven"))))
        })
        .collect()
}

/// The verdict that a row's builder ends with.
fn verdict<'a>(text: &'a str, usual: (&'a str, &'a str)) -> (&'a str, &'a str) {
    let ((mut cause, mut certainty), mut rest) = (usual, text);
    while let Some(at) = rest.find('.') {
        rest = &rest[at + 1..];
        if let Some(said) = rest.strip_prefix("proven(").and_then(quoted) {
            cause = said.0;
        } else if let Some((sure, after)) = rest.strip_prefix("at_most(").and_then(quoted) {
            certainty = sure;
            cause = quoted(after.trim_start_matches(',')).map_or(cause, |said| said.0);
        } else if rest.starts_with("hop(") {
            cause = "jump-host-failed";
        } else if rest.starts_with("needs(") {
            cause = "access-needs-answer";
        }
    }
    (cause, certainty)
}

/// The string that comes next, after white space, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix('"')?.split_once('"')
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
