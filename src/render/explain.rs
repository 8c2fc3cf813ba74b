//! What a cause means, how it is proved, mended and kept from coming back: the catalogue's own text, for
//! `sshdoctor explain` and for docs/causes.md.

use std::fmt::Write as _;

use super::{guarded, words, wrap};
use crate::checks::members::{MEMBERS, Member};
use crate::checks::{self, Blocks, Cause, Place};
use crate::facts::{Facts, Stage, Target};
use crate::report::StepView;

/// docs/causes.md as it was when this was built: it holds what the fixtures of each cause ask to be typed.
const PAGE: &str = include_str!("../../docs/causes.md");

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
    /// The command that decides whether it is the cause, where this client cannot prove it; for the login `user@host`.
    pub decide: Option<String>,
    /// How it is kept from coming back; `None` where nothing is wrong, or where another viewpoint is to say it.
    pub prevent: Option<&'static str>,
    /// Where to read on.
    pub see: &'static [&'static str],
}

/// Every cause that a report can name, in the order of the chain; then those that it names as alternatives only.
pub fn catalogue() -> Vec<Entry> {
    let mut entries: Vec<Entry> = checks::causes().map(|(check, cause)| entry(check.stage, cause)).collect();
    let last = &checks::session::UNDETERMINED;
    if !entries.iter().any(|entry| entry.id == last.id) {
        entries.push(entry(Stage::Session, last));
    }
    for member in MEMBERS {
        if !entries.iter().any(|entry| entry.id == member.id) {
            entries.push(member_entry(member));
        }
    }
    entries
}

/// What shows that a cause is named rightly, for docs/causes.md.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// The evidence that decides it, a letter each: C the client's own machine, P probing the target over the network,
    /// S facts from the server, L a transcript. Empty where the catalogue does not say.
    pub from: &'static str,
    /// Whether a saved case of it is kept in `fixtures/ID`.
    pub fixture: bool,
    /// Rows of the lab that end in it.
    pub rows: Vec<String>,
    /// What looks like it: the cause that stands in its place, and the one fact that makes it so.
    pub apart: Vec<(String, String)>,
    /// What its report cannot tell it from, or names beside it.
    pub alternatives: Vec<&'static str>,
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

/// docs/causes.md. `example` gives the steps that a saved case of a cause asks for, `proof` what shows that it is named
/// rightly; `not_yet` are ids of the catalogue that no report names, with the evidence that decides them.
pub fn catalogue_page(
    example: impl Fn(&str) -> Vec<StepView>,
    proof: impl Fn(&str) -> Proof,
    not_yet: &[(&str, &str)],
) -> String {
    let entries = catalogue();
    let mut out = "# The causes that sshdoctor names\n\n\
                   Made from the code and the fixtures by `BLESS=1 cargo test --test house`; `sshdoctor explain ID` prints \
                   the same text.\n"
        .to_owned();
    for (stage, entries) in by_stage(&entries) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {}\n", stage_title(stage));
        for entry in entries {
            let place = entry.place.map(|place| format!(", {}", words::place(place, false))).unwrap_or_default();
            let _ = write!(out, "\n### {}\n\n*{}{place}*\n\n{}\n", entry.id, entry.title, entry.doc.trim());
            let steps = script(&example(entry.id));
            if !steps.is_empty() {
                let _ = write!(out, "\nMended, for example, by:\n\n{FENCE}sh\n{steps}{FENCE}\n");
            }
            if let Some(decide) = &entry.decide {
                let _ = write!(out, "\nNot to be proved from the client. This decides it:\n\n```sh\n{decide}\n```\n");
            }
            if let Some(prevent) = entry.prevent {
                let _ = write!(out, "\nNext time: {prevent}\n");
            }
            if !entry.see.is_empty() {
                let _ = write!(out, "\nSee: {}\n", entry.see.join("; "));
            }
            out.push_str(&shown(entry.id, &proof(entry.id)));
        }
    }
    if !not_yet.is_empty() {
        out.push_str("\n## Not yet\n\nIds of the catalogue that no report names.\n\n");
        for (id, from) in not_yet {
            let _ = writeln!(out, "- `{id}`: decided by {}", viewpoints(from));
        }
    }
    out
}

/// What shows that a cause is named rightly, and what it can be confused with, as paragraphs.
fn shown(id: &str, proof: &Proof) -> String {
    let mut out = String::new();
    if !proof.from.is_empty() {
        let _ = write!(out, "\nDecided by: {}\n", viewpoints(proof.from));
    }
    let fixture = proof.fixture.then(|| format!("`fixtures/{id}`"));
    let rows = proof.rows.iter().map(|row| format!("`{row}`"));
    let by: Vec<String> = fixture.into_iter().chain(rows).collect();
    let by =
        if by.is_empty() { "nothing yet; reports name it as an alternative only".to_owned() } else { by.join(", ") };
    let _ = write!(out, "\nShown by: {by}\n");
    if !proof.alternatives.is_empty() {
        let names: Vec<String> = proof.alternatives.iter().map(|other| format!("`{other}`")).collect();
        let _ = write!(out, "\nMay be, as far as its case shows: {}\n", names.join(", "));
    }
    if !proof.apart.is_empty() {
        out.push_str("\nLooks like it, and is told apart:\n\n");
        for (other, why) in &proof.apart {
            let _ = writeln!(out, "- `{other}`: {why}");
        }
    }
    out
}

/// The viewpoints of a cause in words.
fn viewpoints(from: &str) -> String {
    let words: Vec<&str> = from
        .chars()
        .filter_map(|letter| match letter {
            'C' => Some("this machine"),
            'P' => Some("the network"),
            'S' => Some("the server's side"),
            'L' => Some("a transcript"),
            _ => None,
        })
        .collect();
    words.join(", ")
}

/// The fence around what mends a cause; longer than any that a command could hold.
const FENCE: &str = "````";

/// Steps as a script: where and why in comments, then the command.
fn script(steps: &[StepView]) -> String {
    let mut out = String::new();
    for step in steps {
        let _ = writeln!(out, "{}", filled("# ", &format!("{}: {}", words::at(step, false), guarded(&step.why))));
        if let Some(command) = &step.command {
            let _ = writeln!(out, "{}", guarded(command));
        }
    }
    out
}

/// What docs/causes.md gives as an example of what mends the cause.
fn mended(id: &str) -> Option<&'static str> {
    let (_, section) = PAGE.split_once(&format!("\n### {id}\n"))?;
    let section = section.split("\n### ").next()?;
    let (_, steps) = section.split_once(&format!("\n{FENCE}sh\n"))?;
    steps.split_once(FENCE).map(|(steps, _)| steps)
}

/// The entry of a cause.
fn entry(stage: Stage, cause: &'static Cause) -> Entry {
    let faulty = cause.blocks != Blocks::Nothing;
    Entry {
        id: cause.id,
        title: cause.title,
        stage,
        place: Some(cause.place).filter(|place| faulty && *place != Place::Open),
        doc: cause.doc,
        decide: None,
        prevent: (faulty && !cause.prevent.is_empty()).then_some(cause.prevent),
        see: cause.see,
    }
}

/// The entry of a cause that only another viewpoint can prove.
fn member_entry(member: &'static Member) -> Entry {
    let target = Target {
        input: "user@host".into(),
        alias: "host".into(),
        user: "user".into(),
        host: "host".into(),
        port: 22,
        ..Target::default()
    };
    let decide = (member.decide)(&Facts { target: Ok(target), ..Facts::default() });
    Entry {
        id: member.id,
        title: member.title(),
        stage: Stage::Server,
        place: Some(member.place),
        doc: member.words.as_ref().map_or("", |words| words.doc),
        decide: Some(decide),
        prevent: None,
        see: &[],
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

/// Columns of explanations.
const WIDTH: usize = 80;
/// Columns of an id in the list; a longer one has a line of its own.
const COLUMN: usize = 30;

/// All ids with their titles.
fn list(entries: &[Entry]) -> String {
    let mut out = String::new();
    for (stage, entries) in by_stage(entries) {
        let _ = writeln!(out, "{}", stage_title(stage));
        for entry in entries {
            let mut lead = format!("  {:<COLUMN$}  ", entry.id);
            if entry.id.len() > COLUMN {
                let _ = writeln!(out, "{}", lead.trim_end());
                lead = " ".repeat(COLUMN + 4);
            }
            for line in wrap(entry.title, WIDTH - COLUMN - 4, WIDTH - COLUMN - 4) {
                let _ = writeln!(out, "{lead}{line}");
                lead = " ".repeat(COLUMN + 4);
            }
        }
        out.push('\n');
    }
    out.push_str("sshdoctor explain ID\n");
    out
}

/// Everything about one cause, at 80 columns.
fn page(entry: &Entry) -> String {
    let mut out = format!("{}\n", filled("", &format!("{}: {}", entry.id, entry.title)));
    if let Some(place) = entry.place {
        let _ = writeln!(out, "seen at the stage {}, lies {}", entry.stage, words::place(place, false));
    }
    for paragraph in entry.doc.split("\n\n") {
        let _ = write!(out, "\n{}\n", filled("", paragraph));
    }
    if let Some(steps) = mended(entry.id) {
        let _ = write!(out, "\nHow it is mended, for example:\n{steps}");
    }
    if let Some(decide) = &entry.decide {
        let _ = write!(out, "\nNot to be proved from the client. For the login user@host this decides it:\n{decide}\n");
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
fn bullets(items: &[&str]) -> String {
    let lines: Vec<String> = items.iter().map(|item| format!("- {item}")).collect();
    format!("{}\n", lines.join("\n"))
}

/// A paragraph at 80 columns, each line begun by `lead`.
fn filled(lead: &str, text: &str) -> String {
    let room = WIDTH - lead.len();
    format!("{lead}{}", wrap(text, room, room).join(&format!("\n{lead}")))
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
    let quoted = format!("`{}`", guarded(id));
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
        let written = catalogue_page(|_| Vec::new(), |_| Proof::default(), &[]);
        for entry in catalogue() {
            let page = explain(Some(entry.id)).unwrap();
            assert!(page.starts_with(&format!("{}: ", entry.id)), "{page}");
            assert!(list.lines().any(|line| line.split_whitespace().next() == Some(entry.id)), "{}", entry.id);
            assert!(written.contains(&format!("\n### {}\n", entry.id)), "{}", entry.id);
        }
    }

    #[test]
    fn what_mends_a_cause_is_shown_as_the_page_has_it() {
        let step = StepView {
            place: Place::Server,
            shell: "sh",
            as_whom: "root",
            command: Some("systemctl start ssh".to_owned()),
            why: "starts sshd".to_owned(),
        };
        assert_eq!(script(&[step]), "# on the server, as root: starts sshd\nsystemctl start ssh\n");
    }

    #[test]
    fn an_unknown_id_is_answered_with_the_nearest_ones() {
        let answer = explain(Some("undetermind")).unwrap_err();
        assert_eq!(answer, "no cause is called `undetermind`; near it: undetermined");
        assert!(explain(Some("\u{1b}[31m")).unwrap_err().starts_with("no cause is called `\\x1b[31m`"));
    }
}
