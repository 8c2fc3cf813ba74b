//! A report as Markdown, for a ticket or a chat: the verdict as title, what to type in fences, the rest in tables.
//!
//! Text from outside stands in three kinds of places, each closed in its own way: in prose every character that
//! Markdown or HTML could obey is escaped, in a table cell the bar as well, and a fence is longer than any run of
//! backticks within (CommonMark 0.31 sections 2.4, 4.5 and 4.6; GitHub Flavored Markdown 4.10).

mod brief;

use std::fmt::Write as _;

pub use brief::brief;

use super::{guarded, words};
use crate::facts::Origin;
use crate::report::{AlternativeView, CheckView, RemarkView, Report, StepView};

/// The report as Markdown, with a line feed at its end.
pub fn markdown(report: &Report) -> String {
    let mut page = Page(String::new(), report.is_away());
    answer(&mut page, report);
    next_steps(&mut page, report);
    also(&mut page, report);
    alternatives(&mut page, &report.verdict.alternatives);
    let groups = words::accounts(report);
    if !groups.is_empty() {
        page.paragraph("## Accounts");
        page.list(&groups);
    }
    checks(&mut page, &report.checks);
    identities(&mut page, report);
    remarks(&mut page, report);
    details(&mut page, &report.checks);
    page.0
}

/// The title, where and how sure, and what was seen.
fn answer(page: &mut Page, report: &Report) {
    let verdict = &report.verdict;
    page.paragraph(&format!("# {} {}", words::verdict_mark(report), prose(&verdict.summary)));
    let place = verdict.place.map(|place| format!(", {}", words::place(place, page.1))).unwrap_or_default();
    let sure = words::named(verdict).replacen(verdict.cause, &format!("`{}`", verdict.cause), 1);
    page.paragraph(&format!("{sure}{place}"));
    if let Some(target) = &report.target {
        let login = match report.source {
            // From which side the account is reached, and on which port, is not asked there.
            Origin::Server => format!("{} on {}", target.user, target.host),
            _ => words::login(target),
        };
        page.paragraph(&format!("Login: {}", prose(&login)));
    }
    for line in words::read(report, false) {
        page.paragraph(&prose(&line));
    }
    if let Some(hop) = &verdict.hop {
        let text = format!("{}: {}", hop.host, hop.summary);
        page.paragraph(&format!("`{}` ({}) at the hop {}", hop.cause, words::certainty(hop.certainty), prose(&text)));
    }
    page.list(&verdict.evidence);
}

/// What to type, and the message to the server's administrator.
fn next_steps(page: &mut Page, report: &Report) {
    if !report.verdict.next_steps.is_empty() {
        page.paragraph("## What to type");
        page.steps(&report.verdict.next_steps);
    }
    if let Some(message) = &report.message {
        page.paragraph("## Message to the server's administrator");
        page.fence("text", message.lines());
    }
}

/// What would bite next.
fn also(page: &mut Page, report: &Report) {
    if report.verdict.also.is_empty() {
        return;
    }
    page.paragraph("## After that you will meet");
    for also in &report.verdict.also {
        let certainty = words::certainty(also.certainty);
        page.paragraph(&format!("`{}` ({certainty}): {}", also.cause, prose(&also.summary)));
        page.list(&also.evidence);
        page.steps(&also.next_steps);
    }
}

/// How many alternatives are shown with their commands.
const MOST_ALTERNATIVES: usize = 6;

/// What else it could be, and what decides; the command stands once below those that it decides.
fn alternatives(page: &mut Page, alternatives: &[AlternativeView]) {
    if alternatives.is_empty() {
        return;
    }
    page.paragraph("## It may be");
    let decide = |alternative: &AlternativeView| {
        alternative.decide.as_ref().map(|decide| (decide.place, decide.command.clone()))
    };
    let (shown, left) = alternatives.split_at(MOST_ALTERNATIVES.min(alternatives.len()));
    for group in shown.chunk_by(|one, next| decide(one) == decide(next)) {
        let rows: Vec<String> = group
            .iter()
            .map(|alternative| {
                let certainty = words::certainty(alternative.certainty);
                let evidence = alternative.evidence.iter().map(|seen| format!("\n  - {}", prose(seen)));
                let evidence: String = evidence.collect();
                format!("- `{}` ({certainty}): {}{evidence}", alternative.cause, prose(&alternative.summary))
            })
            .collect();
        page.paragraph(&rows.join("\n"));
        if let Some((place, command)) = group.first().and_then(decide) {
            page.paragraph(&format!("This decides it, {}:", words::place(place, page.1)));
            page.fence("sh", [command.as_str()]);
        }
    }
    if !left.is_empty() {
        let names: Vec<String> = left.iter().map(|alternative| format!("`{}`", alternative.cause)).collect();
        page.paragraph(&format!("Further, with nothing that speaks for it: {}", names.join(", ")));
    }
}

/// The chain.
fn checks(page: &mut Page, checks: &[CheckView]) {
    page.paragraph("## Checks");
    let mut rows = vec!["| | check | seen |".to_owned(), "|---|---|---|".to_owned()];
    for check in checks {
        let hop = check.hop.as_ref().map(|hop| format!("{}: ", cell(&hop.to_string()))).unwrap_or_default();
        let (mark, status) = (words::mark(check.status), words::status(check.status));
        rows.push(format!("| {mark} {status} | {hop}{} | {} |", check.id, cell(&check.summary)));
    }
    page.paragraph(&rows.join("\n"));
    let remarks: Vec<&RemarkView> = checks.iter().flat_map(|check| &check.remarks).collect();
    if !remarks.is_empty() {
        page.paragraph("## Remarks");
    }
    for remark in remarks {
        page.paragraph(&prose(&remark.summary));
        page.steps(&remark.next_steps);
    }
}

/// The keys.
fn identities(page: &mut Page, report: &Report) {
    if report.identities.is_empty() {
        return;
    }
    let machines = words::machines(report).map(|machines| format!(" {}", prose(&machines))).unwrap_or_default();
    page.paragraph(&format!(
        "## Keys\n\nNumbered in the order in which ssh offers them; the others were found and are not offered.{machines}"
    ));
    let mut rows = vec!["| | key | from | answer |".to_owned(), "|---|---|---|---|".to_owned()];
    for identity in &report.identities {
        let order = identity.order.map_or_else(|| "-".to_owned(), |order| order.to_string());
        let comment = identity.comment.as_ref().map(|comment| comment.shortened(60)).unwrap_or_default();
        let key = cell(&format!("{} {comment}", words::key(identity)));
        let origin = cell(&words::origin(identity));
        rows.push(format!("| {order} | {key} | {origin} | {} |", cell(words::answer(identity))));
    }
    page.paragraph(&rows.join("\n"));
}

/// What it is not, what the run cost, and how it is kept from coming back.
fn remarks(page: &mut Page, report: &Report) {
    let verdict = &report.verdict;
    if !verdict.ruled_out.is_empty() {
        page.paragraph("## Ruled out");
        let rows: Vec<String> = verdict
            .ruled_out
            .iter()
            .map(|excluded| format!("- `{}`: {}", excluded.cause, prose(&excluded.because)))
            .collect();
        page.paragraph(&rows.join("\n"));
    }
    if let Some(prevent) = &verdict.prevent {
        page.paragraph(&format!("Next time: {}", prose(prevent)));
    }
    page.paragraph(&format!("Cost: {}.", words::cost(report)));
    let observed = if report.observed_at.is_empty() { "at an unknown time" } else { &report.observed_at };
    page.paragraph(&format!("sshdoctor {}, observed {}", report.sshdoctor, prose(observed)));
}

/// The evidence behind each check.
fn details(page: &mut Page, checks: &[CheckView]) {
    if checks.iter().all(|check| check.evidence.is_empty()) {
        return;
    }
    page.paragraph("<details>\n<summary>Evidence behind each check</summary>");
    for check in checks.iter().filter(|check| !check.evidence.is_empty()) {
        let hop = check.hop.as_ref().map(|hop| format!("{}: ", prose(&hop.to_string()))).unwrap_or_default();
        page.paragraph(&format!("{hop}{}", check.id));
        page.fence("text", check.evidence.iter().map(String::as_str));
    }
    page.paragraph("</details>");
}

/// The text as it grows, and whether the client is not the machine on which it is read.
struct Page(String, bool);

impl Page {
    /// A block of lines, with an empty line before it.
    fn paragraph(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A line right below the one before it, where that is one of the same list.
    fn row(&mut self, text: &str) {
        let goes_on = self.0.lines().last().is_some_and(|line| line.starts_with("- "));
        if !goes_on {
            self.0.push('\n');
        }
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A list of sentences.
    fn list(&mut self, items: &[String]) {
        if !items.is_empty() {
            let rows: Vec<String> = items.iter().map(|item| format!("- {}", prose(item))).collect();
            self.paragraph(&rows.join("\n"));
        }
    }

    /// A fence that nothing within can close.
    fn fence<'a>(&mut self, language: &str, lines: impl IntoIterator<Item = &'a str>) {
        let lines: Vec<String> = lines.into_iter().map(guarded).collect();
        let runs = lines.iter().flat_map(|line| line.split(|character| character != '`'));
        let fence = "`".repeat(runs.map(str::len).max().unwrap_or_default().max(2) + 1);
        let mut block = format!("{fence}{language}\n");
        for line in lines {
            // Writing to a String cannot fail.
            let _ = writeln!(block, "{line}");
        }
        self.paragraph(&format!("{block}{fence}"));
    }

    /// The steps, each with its reason.
    fn steps(&mut self, steps: &[StepView]) {
        for step in steps {
            let at = words::at(step, self.1);
            match &step.command {
                Some(command) if step.why.is_empty() => {
                    self.paragraph(&format!("{}:", capitalised(&at)));
                    self.fence(step.shell, [command.as_str()]);
                }
                Some(command) => {
                    self.paragraph(&format!("{}: {}", capitalised(&at), prose(&step.why)));
                    self.fence(step.shell, [command.as_str()]);
                }
                None => self.paragraph(&format!("{}: {}", capitalised(&at), prose(&step.why))),
            }
        }
    }
}

/// The text with a capital letter.
fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Text in a paragraph or a list item: nothing in it is obeyed.
fn prose(text: &str) -> String {
    let guarded = guarded(text);
    let characters: Vec<char> = guarded.chars().collect();
    let mut out = String::with_capacity(guarded.len());
    // A number with a full stop, or one of these signs, would begin a list, a heading or a quotation.
    let digits = characters.iter().take_while(|character| character.is_ascii_digit()).count();
    for (index, &character) in characters.iter().enumerate() {
        let beside = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(|c| c.is_alphanumeric());
        let begins = match character {
            '#' | '-' | '+' | '=' => index == 0,
            '.' | ')' => digits > 0 && index == digits,
            _ => false,
        };
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Within a word an underscore is a letter.
            '_' if beside(index.checked_sub(1)) && beside(Some(index + 1)) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' | '|' | '$' => out.extend(['\\', character]),
            _ if begins => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}

/// Text in a table's cell. The bar is escaped as in prose; a cell is never empty, so that the row keeps its shape.
fn cell(text: &str) -> String {
    let text = prose(text.trim());
    if text.is_empty() { " ".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn the_title_is_the_verdict_and_commands_stand_in_fences() {
        let text = markdown(&sample::refused());
        assert!(text.starts_with("# ✗ web1.example.org refuses every key"), "{text}");
        assert!(text.contains("\n`no-key-accepted` (proven), on the server\n"), "{text}");
        assert!(text.contains("\n```sh\nssh-copy-id -i /home/a/.ssh/id_ed25519.pub deploy@web1\n```\n"), "{text}");
        assert!(text.contains("| ✗ fail | authorized-keys | 1 key offered, 1 refused |"), "{text}");
    }

    #[test]
    fn one_command_that_decides_several_alternatives_stands_once() {
        let mut report = sample::refused();
        report.message = None;
        assert_eq!(markdown(&report).matches("journalctl").count(), 1);
    }

    #[test]
    fn nothing_from_outside_breaks_out_of_its_place() {
        assert_eq!(
            prose("<img src=x> [a](b) *c* `d` &amp; |"),
            "&lt;img src=x&gt; \\[a\\](b) \\*c\\* \\`d\\` &amp;amp; \\|"
        );
        assert_eq!(prose("# a"), "\\# a");
        assert_eq!(prose("12. a 3. b"), "12\\. a 3. b");
        assert_eq!(prose("- a - b"), "\\- a - b");
        assert_eq!(prose("id_ed25519 _a_ C:\\x"), "id_ed25519 \\_a\\_ C:\\\\x");
        assert_eq!(prose("a\n\n# b"), "a\\\\x0a\\\\x0a# b");
        assert_eq!(cell("a | b"), "a \\| b");
    }

    #[test]
    fn a_fence_is_longer_than_any_run_of_backticks_within() {
        let mut page = Page(String::new(), false);
        page.fence("sh", ["echo '````'", "```"]);
        assert_eq!(page.0, "`````sh\necho '````'\n```\n`````\n");
    }

    #[test]
    fn every_row_of_a_table_has_the_same_number_of_cells() {
        let mut report = sample::refused();
        report.checks[0].summary = "a|b\\|c\n| d".to_owned();
        for line in markdown(&report).lines().filter(|line| line.starts_with("| ")) {
            let bars = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            assert!([4, 5].contains(&bars), "{line}");
        }
    }
}
