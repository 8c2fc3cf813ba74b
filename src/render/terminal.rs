//! A report for a person at a terminal: the first line is the answer, the last one the command to type.
//!
//! The only file that knows colour. Everything reads the same without it: marks and words carry the meaning. Prose is
//! wrapped at blanks; a command stands on a line of its own and is never wrapped or cut, so that it can be copied.

use colored::Colorize as _;

use super::{guarded, words, wrap};
use crate::checks::{Place, Status};
use crate::report::{CheckView, IdentityView, Report, StepView, counted};

/// How the text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour it.
    pub color: bool,
    /// Columns of the terminal; less than 40 counts as 40.
    pub width: usize,
    /// Whether the evidence behind each line is shown (`-v`).
    pub verbose: bool,
}

impl Default for Style {
    /// 80 columns without colour.
    fn default() -> Self {
        Self { color: false, width: 80, verbose: false }
    }
}

/// The report as text, with a line feed at its end.
pub fn text(report: &Report, style: &Style) -> String {
    if style.color {
        // Who asked for colour has looked at NO_COLOR and at the terminal already.
        colored::control::set_override(true);
    }
    let mut page = Page { style: Style { width: style.width.max(40), ..*style }, out: String::new() };
    answer(&mut page, report);
    chain(&mut page, report);
    identities(&mut page, report);
    also(&mut page, report);
    alternatives(&mut page, report);
    remarks(&mut page, report);
    to_type(&mut page, report);
    page.out
}

/// How many alternatives are shown without `-v`.
const MOST_ALTERNATIVES: usize = 4;
/// How many keys are shown without `-v`.
const MOST_KEYS: usize = 8;

/// The verdict and what was seen.
fn answer(page: &mut Page, report: &Report) {
    let verdict = &report.verdict;
    let mark = words::verdict_mark(report);
    page.hanging(&format!("{mark} "), "  ", &verdict.summary, tone_of(mark), Tone::Strong);
    let place = verdict.place.map(|place| format!(", {}", words::place(place))).unwrap_or_default();
    page.wrapped("  ", &format!("{}{place}", words::named(verdict)), Tone::Faint);
    if let Some(hop) = &verdict.hop {
        let text = format!("{}: {} ({}): {}", hop.host, hop.cause, words::certainty(hop.certainty), hop.summary);
        page.wrapped("  ", &text, Tone::Plain);
    }
    let evidence: Vec<String> = verdict.evidence.iter().filter(|line| **line != verdict.summary).cloned().collect();
    if !evidence.is_empty() {
        page.blank();
        page.list("  - ", &evidence);
    }
}

/// One line a check; what was not looked at is folded, by its reason.
fn chain(page: &mut Page, report: &Report) {
    let checks = &report.checks;
    page.heading("Checks");
    let name = |check: &CheckView| match &check.hop {
        Some(hop) => format!("{hop}: {}", check.id),
        None => check.id.to_owned(),
    };
    let shown = |check: &&CheckView| page_shows(check, page.style.verbose);
    let names: Vec<(String, &CheckView)> = checks.iter().filter(shown).map(|check| (name(check), check)).collect();
    let column = names.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default().min(24);
    for (name, check) in &names {
        let mark = words::mark(check.status);
        let lead = format!("  {mark} {:<column$}  ", guarded(name));
        let time = match check.millis {
            Some(millis) if page.style.verbose => format!(" ({millis:.1} ms)"),
            _ => String::new(),
        };
        let rest = " ".repeat(lead.chars().count());
        let said_already = check.status == Status::Fail && check.summary == report.verdict.summary;
        let summary = if said_already { "as the first line says" } else { &check.summary };
        page.hanging(&lead, &rest, &format!("{summary}{time}"), tone_of(mark), Tone::Plain);
        if page.style.verbose {
            page.list("      - ", &check.evidence);
        }
    }
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for check in checks.iter().filter(|check| !page_shows(check, page.style.verbose)) {
        match reasons.iter_mut().find(|(reason, _)| *reason == check.summary) {
            Some((_, names)) => names.push(name(check)),
            None => reasons.push((&check.summary, vec![name(check)])),
        }
    }
    for (reason, names) in reasons {
        let reason = if reason.is_empty() { "not looked at" } else { reason };
        page.hanging("  – ", "    ", &format!("{}: {reason}", names.join(", ")), Tone::Faint, Tone::Faint);
    }
}

/// Whether a check has a line of its own.
fn page_shows(check: &CheckView, verbose: bool) -> bool {
    verbose || check.status != Status::Skip
}

/// The keys that ssh offers, then the others.
fn identities(page: &mut Page, report: &Report) {
    let (offered, others): (Vec<&IdentityView>, Vec<&IdentityView>) =
        report.identities.iter().partition(|identity| identity.offered_by_ssh);
    let most = if page.style.verbose { usize::MAX } else { MOST_KEYS };
    for (heading, keys) in [("Keys that ssh offers, in its order", offered), ("Other keys that were found", others)] {
        if keys.is_empty() {
            continue;
        }
        page.heading(heading);
        for identity in keys.iter().take(most) {
            let order = identity.order.map_or_else(|| "-".to_owned(), |order| order.to_string());
            let good = identity.used_to_log_in || matches!(identity.answer, "accepted" | "partial");
            let tone = if good { Tone::Good } else { Tone::Plain };
            let text = format!("{}: {}", words::answer(identity), words::whose(identity));
            page.hanging(&format!("  {order:>2} "), "     ", text.trim_end_matches(": "), tone, Tone::Plain);
            // A fingerprint that the evidence gives already is not repeated.
            let fingerprint = identity.fingerprint.as_ref().map(ToString::to_string);
            let seen = fingerprint.is_some_and(|text| report.verdict.evidence.iter().any(|line| line.contains(&text)));
            if page.style.verbose || !seen {
                page.line("     ", &words::key(identity), Tone::Faint);
            }
        }
        if let Some(left @ 1..) = keys.len().checked_sub(most) {
            page.wrapped("     ", &format!("and {} (-v shows them)", counted(left, "further key")), Tone::Faint);
        }
    }
}

/// What would bite next.
fn also(page: &mut Page, report: &Report) {
    if report.verdict.also.is_empty() {
        return;
    }
    page.heading("After that you will meet");
    for also in &report.verdict.also {
        let text = format!("{} ({}): {}", also.cause, words::certainty(also.certainty), also.summary);
        page.hanging("  ✗ ", "    ", &text, Tone::Bad, Tone::Plain);
        if page.style.verbose {
            page.list("    - ", &also.evidence);
        }
        for step in &also.next_steps {
            page.step("    ", step);
        }
    }
}

/// What else it could be, and what decides.
fn alternatives(page: &mut Page, report: &Report) {
    let alternatives = &report.verdict.alternatives;
    if alternatives.is_empty() {
        return;
    }
    page.heading("It may be");
    let most = if page.style.verbose { usize::MAX } else { MOST_ALTERNATIVES };
    let mut last = None;
    for alternative in alternatives.iter().take(most) {
        let decide = alternative.decide.as_ref().map(|decide| (decide.place, decide.command.as_str()));
        if last.is_some() && decide != last {
            page.decides(last, report.message.as_deref());
        }
        let certainty = words::certainty(alternative.certainty);
        let text = format!("{} ({certainty}): {}", alternative.cause, alternative.summary);
        page.hanging("  ? ", "    ", &text, Tone::Warn, Tone::Plain);
        if page.style.verbose {
            page.list("    - ", &alternative.evidence);
        }
        last = decide;
    }
    page.decides(last, report.message.as_deref());
    if let Some(left @ 1..) = alternatives.len().checked_sub(most) {
        let names: Vec<&str> = alternatives[most..].iter().map(|alternative| alternative.cause).collect();
        let text = format!("and {left} less likely (-v shows how to decide): {}", names.join(", "));
        page.hanging("  ? ", "    ", &text, Tone::Faint, Tone::Faint);
    }
}

/// What it is not, what the run cost, and how it is kept from coming back.
fn remarks(page: &mut Page, report: &Report) {
    page.blank();
    let ruled_out = &report.verdict.ruled_out;
    if !ruled_out.is_empty() {
        let parts: Vec<String> =
            ruled_out.iter().map(|excluded| format!("{} ({})", excluded.cause, excluded.because)).collect();
        page.hanging("  Ruled out: ", "    ", &parts.join("; "), Tone::Faint, Tone::Plain);
    }
    let cost = format!("{}.", words::cost(report.footprint.as_ref()));
    page.hanging("  Cost: ", "    ", &cost, Tone::Faint, Tone::Plain);
    if let Some(prevent) = &report.verdict.prevent {
        page.hanging("  Next time: ", "    ", prevent, Tone::Faint, Tone::Plain);
    }
    if words::is_fault(report) {
        page.hanging(
            "  More: ",
            "    ",
            &format!("sshdoctor explain {}", report.verdict.cause),
            Tone::Faint,
            Tone::Plain,
        );
    }
}

/// What to type, last of all; where the report ends at the server, the message to its administrator.
fn to_type(page: &mut Page, report: &Report) {
    let message = report.message.as_deref();
    let steps = report.verdict.next_steps.iter();
    // What the message asks for is not shown twice.
    let asked = |step: &&StepView| {
        let in_message = |command: &str| message.is_some_and(|message| message.lines().last() == Some(command));
        !step.command.as_deref().is_some_and(in_message)
    };
    let steps: Vec<&StepView> = steps.filter(asked).collect();
    let mut at = None;
    for step in &steps {
        let here = words::at(step);
        if at.as_ref() != Some(&here) {
            let verb = if step.command.is_some() { "What to type" } else { "What to do" };
            page.heading_at_left(&format!("{verb}, {here}:"));
            at = Some(here);
        }
        page.step("  ", step);
    }
    if let Some(message) = message {
        page.heading_at_left("Message to the server's administrator, ready to paste:");
        let last = message.lines().count().saturating_sub(1);
        for (index, line) in message.lines().enumerate() {
            page.line("", line, if index == last { Tone::Command } else { Tone::Plain });
        }
        return;
    }
    let ends_with_command = steps.last().is_some_and(|step| step.command.is_some());
    if let Some(again) = report.again.as_ref().filter(|_| !ends_with_command && words::is_fault(report)) {
        page.heading_at_left("And then look again:");
        page.line("  ", again, Tone::Command);
    }
}

/// Which tone a mark has.
fn tone_of(mark: &str) -> Tone {
    match mark {
        "✓" => Tone::Good,
        "✗" => Tone::Bad,
        "!" | "?" => Tone::Warn,
        _ => Tone::Faint,
    }
}

/// How a piece of text is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
    Command,
}

/// The text as it grows.
struct Page {
    style: Style,
    out: String,
}

impl Page {
    /// The text in that tone; what is inside was guarded before.
    fn paint(&self, text: &str, tone: Tone) -> String {
        if !self.style.color || text.trim().is_empty() {
            return text.to_owned();
        }
        let painted = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Strong => text.bold(),
            Tone::Faint => text.dimmed(),
            Tone::Good => text.green(),
            Tone::Warn => text.yellow(),
            Tone::Bad => text.red(),
            Tone::Command => text.cyan(),
        };
        painted.to_string()
    }

    /// An empty line, unless one was just written.
    fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A heading inside the report.
    fn heading(&mut self, text: &str) {
        self.blank();
        self.wrapped("  ", text, Tone::Strong);
    }

    /// A heading of what is to be typed.
    fn heading_at_left(&mut self, text: &str) {
        self.blank();
        self.wrapped("", text, Tone::Strong);
    }

    /// One line as it stands, neither wrapped nor cut.
    fn line(&mut self, indent: &str, text: &str, tone: Tone) {
        let painted = self.paint(&guarded(text), tone);
        let line = format!("{indent}{painted}");
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    /// A paragraph, wrapped.
    fn wrapped(&mut self, indent: &str, text: &str, tone: Tone) {
        self.hanging(indent, indent, text, Tone::Plain, tone);
    }

    /// A paragraph whose first line begins with `lead` and whose other lines are indented by `rest`.
    fn hanging(&mut self, lead: &str, rest: &str, text: &str, lead_tone: Tone, tone: Tone) {
        let first = self.style.width.saturating_sub(lead.chars().count());
        let others = self.style.width.saturating_sub(rest.chars().count());
        for (index, line) in wrap(&guarded(text), first, others).iter().enumerate() {
            let start = if index == 0 { self.paint(&guarded(lead), lead_tone) } else { rest.to_owned() };
            let line = format!("{start}{}", self.paint(line, tone));
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    /// A list of paragraphs.
    fn list(&mut self, lead: &str, items: &[String]) {
        let rest = " ".repeat(lead.chars().count());
        for item in items {
            self.hanging(lead, &rest, item, Tone::Faint, Tone::Plain);
        }
    }

    /// A step: why, and below it the command.
    fn step(&mut self, indent: &str, step: &StepView) {
        let Some(command) = &step.command else {
            self.wrapped(indent, &step.why, Tone::Plain);
            return;
        };
        if !step.why.is_empty() {
            self.hanging(&format!("{indent}# "), &format!("{indent}# "), &step.why, Tone::Faint, Tone::Faint);
        }
        self.line(indent, command, Tone::Command);
    }

    /// The command that decides the alternatives above it.
    fn decides(&mut self, decide: Option<(Place, &str)>, message: Option<&str>) {
        let Some((place, command)) = decide else { return };
        if message.is_some_and(|message| message.lines().last() == Some(command)) {
            self.wrapped("    ", "The command in the message below decides it.", Tone::Faint);
            return;
        }
        let lead = format!("    decided {} by: ", words::place(place));
        if lead.chars().count() + guarded(command).chars().count() <= self.style.width {
            self.line(&lead, command, Tone::Command);
            return;
        }
        self.wrapped("    ", lead.trim(), Tone::Plain);
        self.line("      ", command, Tone::Command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    fn plain(report: &Report) -> String {
        text(report, &Style::default())
    }

    #[test]
    fn the_first_line_is_the_answer_and_the_last_one_the_command() {
        let text = plain(&sample::refused());
        assert!(text.starts_with("✗ web1.example.org refuses every key that ssh offers for deploy"), "{text}");
        assert!(text.ends_with("\njournalctl -t sshd --since '@1795342745'\n"), "{text}");
        let mut report = sample::refused();
        report.message = None;
        let text = plain(&report);
        assert!(text.ends_with("\n  ssh-copy-id -i /home/a/.ssh/id_ed25519.pub deploy@web1\n"), "{text}");
    }

    #[test]
    fn where_only_a_person_can_act_the_last_line_looks_again() {
        let mut report = sample::refused();
        report.message = None;
        report.verdict.next_steps[0].command = None;
        assert!(plain(&report).ends_with("\n  sshdoctor deploy@web1\n"));
    }

    #[test]
    fn prose_keeps_to_the_width_and_a_command_is_never_broken() {
        let mut report = sample::refused();
        let command = format!("chmod 600 /home/a/{}", "long/".repeat(40));
        report.verdict.next_steps[0].command = Some(command.clone());
        for width in [40, 60, 80, 132] {
            let text = text(&report, &Style { width, ..Style::default() });
            assert!(text.contains(&command));
            let commands = ["chmod", "journalctl", "ssh-copy-id", "The login of", "Please run this", "Message to"];
            for line in text.lines().filter(|line| !commands.iter().any(|command| line.contains(command))) {
                let words = line.split_whitespace().count();
                assert!(line.chars().count() <= width || words <= 3, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let report = sample::refused();
        let colored = text(&report, &Style { color: true, ..Style::default() });
        let mut bare = String::new();
        let mut rest = colored.as_str();
        while let Some((before, after)) = rest.split_once("\x1b[") {
            bare.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        bare.push_str(rest);
        assert_ne!(colored, bare);
        assert_eq!(bare, plain(&report));
    }

    #[test]
    fn nothing_that_a_terminal_obeys_comes_from_a_report() {
        let mut report = sample::refused();
        let evil = "a\x1b[2Jb\u{202e}c\u{9b}31m\r\nd";
        report.verdict.summary = evil.to_owned();
        report.verdict.evidence = vec![evil.to_owned()];
        report.verdict.next_steps[0].command = Some(evil.to_owned());
        report.verdict.next_steps[0].why = evil.to_owned();
        report.verdict.alternatives[0].summary = evil.to_owned();
        report.checks[0].summary = evil.to_owned();
        report.identities[0].kind = Some(evil.to_owned());
        report.message = Some(format!("{evil}\n{evil}"));
        let text = text(&report, &Style { verbose: true, ..Style::default() });
        let obeyed = |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
        assert!(!text.contains(obeyed), "{text:?}");
    }

    #[test]
    fn a_report_about_nothing_reads_as_one() {
        let text = plain(&sample::nothing());
        assert!(text.starts_with("? "), "{text}");
        assert!(text.contains("Cost: nothing was contacted, nothing was changed."), "{text}");
    }
}
