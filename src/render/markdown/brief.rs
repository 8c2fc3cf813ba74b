//! The same report for a chat: less than 4 kB, what matters most first. What does not fit is left out whole, so that
//! no command is ever cut, and it is said how much that is.

use super::{Page, capitalised, prose};
use crate::checks::Status;
use crate::facts::Origin;
use crate::render::words;
use crate::report::{Report, StepView};

/// The most bytes that the text has; 4 kB with room for what a chat adds.
const MOST: usize = 4000;
/// How much of one sentence is shown, in characters.
const LONGEST: usize = 400;
/// How many lines of evidence are shown.
const MOST_EVIDENCE: usize = 6;
/// How many alternatives are shown.
const MOST_ALTERNATIVES: usize = 3;
/// How many causes are shown that are excluded, and that would bite next.
const MOST_OTHERS: usize = 3;
/// What the note on what was left out takes.
const NOTE: usize = 100;

/// The report as Markdown of less than 4 kB, with a line feed at its end.
pub fn brief(report: &Report) -> String {
    let mut sheet = Sheet { page: Page(String::new(), report.is_away()), left_out: 0 };
    let verdict = &report.verdict;
    sheet.add(|page| page.paragraph(&format!("**{} {}**", words::verdict_mark(report), sentence(&verdict.summary))));
    sheet.add(|page| {
        let place =
            verdict.place.map(|place| format!(", {}", words::place(place, report.is_away()))).unwrap_or_default();
        let named = words::named(verdict).replacen(verdict.cause, &format!("`{}`", verdict.cause), 1);
        let login = report.target.as_ref().map(|target| match report.source {
            Origin::Server => format!("; login of {} on {}", target.user, target.host),
            _ => format!("; login {}", words::login(target)),
        });
        page.paragraph(&format!("{named}{place}{}", sentence(&login.unwrap_or_default())));
    });
    for line in verdict.evidence.iter().filter(|line| **line != verdict.summary).take(MOST_EVIDENCE) {
        sheet.add(|page| page.row(&format!("- {}", sentence(line))));
    }
    if let Some(hop) = &verdict.hop {
        let text = sentence(&format!("{}: {}", hop.host, hop.summary));
        sheet.add(|page| page.paragraph(&format!("At the jump host `{}`: {text}", hop.cause)));
    }
    steps(&mut sheet, &verdict.next_steps);
    if let Some(message) = &report.message {
        sheet.add(|page| {
            page.paragraph("To the server's administrator:");
            page.fence("text", message.lines());
        });
    }
    for also in verdict.also.iter().take(MOST_OTHERS) {
        sheet.add(|page| page.paragraph(&format!("After that: `{}`: {}", also.cause, sentence(&also.summary))));
    }
    for alternative in verdict.alternatives.iter().take(MOST_ALTERNATIVES) {
        let (sure, summary) = (words::certainty(alternative.certainty), sentence(&alternative.summary));
        sheet.add(|page| page.paragraph(&format!("It may be `{}` ({sure}): {summary}", alternative.cause)));
    }
    if let Some(decide) = verdict.alternatives.first().and_then(|first| first.decide.as_ref()) {
        sheet.add(|page| {
            page.paragraph(&format!("This decides it, {}:", words::place(decide.place, report.is_away())));
            page.fence("sh", [decide.command.as_str()]);
        });
    }
    for excluded in verdict.ruled_out.iter().take(MOST_OTHERS) {
        sheet.add(|page| page.paragraph(&format!("Not `{}`: {}", excluded.cause, sentence(&excluded.because))));
    }
    sheet.add(|page| page.paragraph(&checks(report)));
    let observed = if report.observed_at.is_empty() { "at an unknown time" } else { &report.observed_at };
    sheet.add(|page| page.paragraph(&format!("sshdoctor {}, observed {}", report.sshdoctor, sentence(observed))));
    sheet.finished()
}

/// What to type, a step at a time.
fn steps(sheet: &mut Sheet, steps: &[StepView]) {
    for step in steps {
        let why = if step.why.is_empty() { String::new() } else { format!(": {}", sentence(&step.why)) };
        sheet.add(|page| {
            page.paragraph(&format!("{}{why}", capitalised(&words::at(step, page.1))));
            if let Some(command) = &step.command {
                page.fence(step.shell, [command.as_str()]);
            }
        });
    }
}

/// The chain in a sentence.
fn checks(report: &Report) -> String {
    let kinds = [Status::Fail, Status::Warn, Status::Pass, Status::Skip];
    let said = kinds.into_iter().filter_map(|status| {
        let own = report.checks.iter().filter(|check| check.status == status && check.hop.is_none());
        let ids: Vec<&str> = own.map(|check| check.id).collect();
        (!ids.is_empty()).then(|| format!("{} {}", words::mark(status), ids.join(", ")))
    });
    format!("Checks: {}", said.collect::<Vec<_>>().join("; "))
}

/// A sentence of bearable length, with nothing in it that is obeyed.
fn sentence(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => prose(&format!("{}…", &text[..at])),
        None => prose(text),
    }
}

/// A page that takes what fits.
struct Sheet {
    page: Page,
    left_out: usize,
}

impl Sheet {
    /// Takes a block where it fits as a whole.
    fn add(&mut self, block: impl FnOnce(&mut Page)) {
        let before = self.page.0.len();
        block(&mut self.page);
        if self.page.0.len() > MOST - NOTE {
            self.page.0.truncate(before);
            self.left_out += 1;
        }
    }

    fn finished(mut self) -> String {
        if self.left_out > 0 {
            let parts = crate::report::counted(self.left_out, "part");
            self.page.paragraph(&format!("({parts} left out for want of room; the report without --brief has all)"));
        }
        self.page.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn it_begins_with_the_verdict_and_has_the_command_in_a_fence() {
        let text = brief(&sample::refused());
        assert!(text.starts_with("**✗ web1.example.org refuses every key"), "{text}");
        assert!(text.contains("\n```sh\nssh-copy-id -i /home/a/.ssh/id_ed25519.pub deploy@web1\n```\n"), "{text}");
        assert!(text.len() <= MOST, "{}", text.len());
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let mut report = sample::refused();
        let long = "x '".repeat(2000);
        report.verdict.summary = "é".repeat(9000);
        report.verdict.evidence = vec!["*".repeat(9000); 40];
        report.verdict.next_steps[0].command = Some(format!("echo {long}"));
        let mut second = report.verdict.next_steps[0].clone();
        second.command = Some("echo short".to_owned());
        report.verdict.next_steps.push(second);
        let text = brief(&report);
        assert!(text.len() <= MOST, "{}", text.len());
        assert!(!text.contains("echo x '"), "{text}");
        assert!(text.contains("left out for want of room"), "{text}");
        assert_eq!(text.matches("```").count() % 2, 0, "{text}");
    }
}
