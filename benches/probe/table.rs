//! The benchmark's figures as one table, and the limits held against them.

use std::io::Write;
use std::time::Duration;

/// Lines of figures, in the order they were added.
pub(crate) struct Table {
    /// The program whose figures stand beside sshdoctor's.
    other: &'static str,
    lines: Vec<Line>,
}

enum Line {
    Heading(String),
    Row { what: String, ssh: String, sshdoctor: String, limit: Option<(String, bool)> },
}

impl Table {
    /// A table without a line, beside this program's figures.
    pub(crate) fn beside(other: &'static str) -> Self {
        Self { other, lines: Vec::new() }
    }

    /// A scene begins.
    pub(crate) fn heading(&mut self, words: &str) {
        self.lines.push(Line::Heading(words.to_owned()));
    }

    /// A figure with a limit for sshdoctor's.
    pub(crate) fn row(&mut self, what: &str, ssh: &str, sshdoctor: &str, limit: &str, met: bool) {
        let limit = Some((limit.to_owned(), met));
        self.lines.push(Line::Row {
            what: what.to_owned(),
            ssh: ssh.to_owned(),
            sshdoctor: sshdoctor.to_owned(),
            limit,
        });
    }

    /// A figure without a limit.
    pub(crate) fn note(&mut self, what: &str, ssh: &str, sshdoctor: &str) {
        let (what, ssh, sshdoctor) = (what.to_owned(), ssh.to_owned(), sshdoctor.to_owned());
        self.lines.push(Line::Row { what, ssh, sshdoctor, limit: None });
    }

    /// Whether no limit was missed.
    pub(crate) fn all_met(&self) -> bool {
        self.missed().is_empty()
    }

    /// Prints everything, and what was missed last.
    pub(crate) fn print(&self) {
        say(&format!("{:36} {:>15} {:>15}   limit", "", self.other, "sshdoctor"));
        for line in &self.lines {
            match line {
                Line::Heading(words) => say(&format!("\n{words}")),
                Line::Row { what, ssh, sshdoctor, limit } => {
                    let limit = match limit {
                        Some((words, true)) => format!("   ok      {words}"),
                        Some((words, false)) => format!("   MISSED  {words}"),
                        None => String::new(),
                    };
                    say(&format!("  {what:34} {ssh:>15} {sshdoctor:>15}{limit}"));
                }
            }
        }
        for what in self.missed() {
            complain(&format!("limit missed: {what}"));
        }
    }

    fn missed(&self) -> Vec<String> {
        let mut heading = "";
        let mut missed = Vec::new();
        for line in &self.lines {
            match line {
                Line::Heading(words) => heading = words,
                Line::Row { what, sshdoctor, limit: Some((limit, false)), .. } => {
                    missed.push(format!("{heading}: {what} is {sshdoctor}, wanted {limit}"));
                }
                Line::Row { .. } => {}
            }
        }
        missed
    }
}

/// The middle one, or the mean of the two in the middle; zero of nothing.
pub(crate) fn median(values: &[Duration]) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let Some(last) = sorted.len().checked_sub(1) else { return Duration::ZERO };
    (sorted[last / 2] + sorted[sorted.len() / 2]) / 2
}

/// The smallest and the largest.
pub(crate) fn spread(values: &[Duration]) -> String {
    let least = values.iter().min().copied().unwrap_or_default();
    let most = values.iter().max().copied().unwrap_or_default();
    format!("{}-{} ms", least.as_millis(), most.as_millis())
}

pub(crate) fn milliseconds(value: Duration) -> String {
    format!("{} ms", value.as_millis())
}

/// KiB as MB with one digit.
pub(crate) fn mebibytes(kib: i64) -> String {
    format!("{}.{} MB", kib / 1024, kib % 1024 * 10 / 1024)
}

/// One line on stdout.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// One line on stderr.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
