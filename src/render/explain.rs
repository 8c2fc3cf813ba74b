//! What a cause means, how it is proved, mended and kept from coming back: the catalogue's own text, for
//! `sshdoctor explain` and for docs/causes.md.

use std::fmt::Write as _;

use super::{words, wrap};
use crate::checks::{self, Blocks, Cause, Place};
use crate::facts::{Facts, Stage};

/// One cause of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: &'static str,
    /// A few words that complete "the login fails: …".
    pub title: &'static str,
    /// The stage at which it is seen.
    pub stage: Stage,
    /// On which machine it lies; `None` where nothing is wrong.
    pub place: Option<Place>,
    /// What it means and how it is proved.
    pub doc: &'static str,
    /// What is done about it in general, a sentence a step; the commands depend on what was seen.
    pub mended: Vec<String>,
    /// How it is kept from coming back; `None` where nothing is wrong.
    pub prevent: Option<&'static str>,
    /// Where to read on.
    pub see: &'static [&'static str],
}

/// Every cause that a report can name, in the order of the chain.
pub fn catalogue() -> Vec<Entry> {
    let last = &checks::session::UNDETERMINED;
    let mut entries: Vec<Entry> = checks::causes().map(|(check, cause)| entry(check.stage, cause)).collect();
    if !entries.iter().any(|entry| entry.id == last.id) {
        entries.push(entry(Stage::Session, last));
    }
    entries
}

/// The text of one cause, or the list of all of them.
///
/// # Errors
/// A sentence with the nearest ids, where no cause has that id.
pub fn explain(id: Option<&str>) -> Result<String, String> {
    let entries = catalogue();
    let Some(id) = id else { return Ok(list(&entries)) };
    match entries.iter().find(|entry| entry.id == id) {
        Some(entry) => Ok(page(entry)),
        None => Err(unknown(id, &entries)),
    }
}

/// docs/causes.md.
pub fn catalogue_page() -> String {
    let entries = catalogue();
    let mut out = "# The causes that sshdoctor names\n\n\
                   Made from the code by `BLESS=1 cargo test --test house`; `sshdoctor explain ID` prints the same \
                   text.\n"
        .to_owned();
    for (stage, entries) in by_stage(&entries) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {}\n", stage_title(stage));
        for entry in entries {
            let place = entry.place.map(|place| format!(", {}", words::place(place))).unwrap_or_default();
            let _ = write!(out, "\n### {}\n\n*{}{place}*\n\n{}\n", entry.id, entry.title, entry.doc.trim());
            if !entry.mended.is_empty() {
                let _ = write!(out, "\nMended by:\n{}", bullets(&entry.mended));
            }
            if let Some(prevent) = entry.prevent {
                let _ = write!(out, "\nNext time: {prevent}\n");
            }
            if !entry.see.is_empty() {
                let _ = write!(out, "\nSee: {}\n", entry.see.join("; "));
            }
        }
    }
    out
}

/// The entry of a cause.
fn entry(stage: Stage, cause: &'static Cause) -> Entry {
    let faulty = cause.blocks != Blocks::Nothing;
    // The commands name what a run has seen; of a run that saw nothing only the reasons are worth showing.
    let steps = (cause.fix.commands)(&Facts::default());
    let mut mended: Vec<String> = steps.into_iter().map(|step| step.why).filter(|why| !why.is_empty()).collect();
    mended.dedup();
    Entry {
        id: cause.id,
        title: cause.title,
        stage,
        place: faulty.then_some(cause.place),
        doc: cause.doc,
        mended,
        prevent: (faulty && !cause.prevent.is_empty()).then_some(cause.prevent),
        see: cause.see,
    }
}

/// The entries of each stage that has some, in the order of the chain.
fn by_stage(entries: &[Entry]) -> Vec<(Stage, Vec<&Entry>)> {
    let mut stages: Vec<Stage> = entries.iter().map(|entry| entry.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    let of = |stage| entries.iter().filter(|entry| entry.stage == stage).collect();
    stages.into_iter().map(|stage| (stage, of(stage))).collect()
}

/// What a stage is about.
fn stage_title(stage: Stage) -> &'static str {
    match stage {
        Stage::Config => "Client configuration",
        Stage::Identity => "Key files and what ssh offers",
        Stage::Agent => "Agent",
        Stage::Resolve => "Name resolution",
        Stage::Connect => "Connection",
        Stage::Transport => "Identification and key exchange",
        Stage::HostKey => "Host key",
        Stage::Auth => "User authentication",
        Stage::Server => "The server's side",
        Stage::Session => "Session, and what is no fault",
    }
}

/// All ids with their titles.
fn list(entries: &[Entry]) -> String {
    let column = entries.iter().map(|entry| entry.id.len()).max().unwrap_or_default();
    let mut out = String::new();
    for (stage, entries) in by_stage(entries) {
        let _ = writeln!(out, "{}", stage_title(stage));
        for entry in entries {
            let _ = writeln!(out, "  {:<column$}  {}", entry.id, entry.title);
        }
        out.push('\n');
    }
    out.push_str("sshdoctor explain ID\n");
    out
}

/// Everything about one cause, at 80 columns.
fn page(entry: &Entry) -> String {
    let place = entry.place.map(|place| format!(", {}", words::place(place))).unwrap_or_default();
    let mut out = format!("{}: {}\n", entry.id, entry.title);
    let _ = writeln!(out, "seen at: {}{place}", entry.stage);
    for paragraph in entry.doc.split("\n\n") {
        let _ = write!(out, "\n{}\n", filled("", paragraph));
    }
    if !entry.mended.is_empty() {
        let _ = write!(out, "\nHow it is mended:\n");
        for step in &entry.mended {
            let _ = writeln!(out, "{}", filled("- ", step));
        }
    }
    if let Some(prevent) = entry.prevent {
        let _ = write!(out, "\nHow it is kept from coming back:\n{}\n", filled("", prevent));
    }
    if !entry.see.is_empty() {
        let _ = write!(out, "\nSee:\n{}", bullets(entry.see));
    }
    out
}

/// One line an item.
fn bullets<T: std::fmt::Display>(items: &[T]) -> String {
    let lines: Vec<String> = items.iter().map(|item| format!("- {item}")).collect();
    format!("{}\n", lines.join("\n"))
}

/// A paragraph at 80 columns, its first line begun by `lead` and the others indented as far.
fn filled(lead: &str, text: &str) -> String {
    let rest = " ".repeat(lead.len());
    let room = 80 - lead.len();
    format!("{lead}{}", wrap(text, room, room).join(&format!("\n{rest}")))
}

/// What is said to an id that no cause has.
fn unknown(id: &str, entries: &[Entry]) -> String {
    let mut near: Vec<(f64, &str)> = entries
        .iter()
        .map(|entry| (strsim::jaro_winkler(id, entry.id), entry.id))
        .filter(|(near, _)| *near > 0.75)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let part =
        |entry: &&Entry| id.len() > 2 && entry.id.contains(id) && !near.iter().any(|(_, known)| *known == entry.id);
    let parts = entries.iter().filter(part).map(|entry| entry.id);
    let names: Vec<&str> = near.iter().map(|(_, name)| *name).take(3).chain(parts.take(3)).collect();
    let quoted = super::guarded(&checks::quoted(id));
    if names.is_empty() {
        return format!("no cause is called {quoted}; `sshdoctor explain` lists them all");
    }
    format!("no cause is called {quoted}; near it: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_of_the_catalogue_has_its_page_and_stands_in_the_list() {
        let list = explain(None).unwrap();
        for entry in catalogue() {
            let page = explain(Some(entry.id)).unwrap();
            assert!(page.starts_with(&format!("{}: {}", entry.id, entry.title)));
            assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
            assert!(list.contains(&format!("  {} ", entry.id)), "{}", entry.id);
            assert!(catalogue_page().contains(&format!("\n### {}\n", entry.id)), "{}", entry.id);
        }
    }

    #[test]
    fn an_unknown_id_is_answered_with_the_nearest_ones() {
        let answer = explain(Some("undetermind")).unwrap_err();
        assert_eq!(answer, "no cause is called undetermind; near it: undetermined");
        assert!(explain(Some("\u{1b}[31m")).unwrap_err().starts_with("no cause is called '\\x1b[31m'"));
    }
}
