//! A report for a person at a terminal: the first line is the answer, the last one the command to type.
//!
//! The only file that knows colour. Everything reads the same without it: marks and words carry the meaning. Prose is
//! wrapped at blanks; a command stands on a line of its own and is never wrapped or cut, so that it can be copied.

use colored::Colorize as _;

use super::{guarded, words, wrap};
use crate::checks::{Certainty, Place, Status};
use crate::facts::Stage;
use crate::report::{AlternativeView, CheckView, IdentityView, Report, StepView, counted, milliseconds};

/// How the text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour it.
    pub color: bool,
    /// Columns of the terminal; less than 40 counts as 40, more than 100 as 100.
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
    let mut page = Page { style: Style { width: style.width.clamp(40, WIDEST), ..*style }, out: String::new() };
    answer(&mut page, report);
    accounts(&mut page, report);
    chain(&mut page, report);
    identities(&mut page, report);
    also(&mut page, report);
    alternatives(&mut page, report);
    remarks(&mut page, report);
    to_type(&mut page, report);
    page.out
}

/// Columns beyond which prose is hard to read.
const WIDEST: usize = 100;
/// How many alternatives are shown with their commands without `-v`.
const MOST_ALTERNATIVES: usize = 3;
/// How many further ones are named without `-v`.
const MOST_FURTHER: usize = 6;
/// How many keys are shown without `-v`.
const MOST_KEYS: usize = 8;
/// How many excluded causes are named without `-v`.
const MOST_RULED_OUT: usize = 3;

/// The verdict and what was seen.
fn answer(page: &mut Page, report: &Report) {
    let verdict = &report.verdict;
    let mark = words::verdict_mark(report);
    page.hanging(&format!("{mark} "), "  ", &verdict.summary, tone_of(mark), Tone::Strong);
    let place = verdict.place.map(|place| format!(", {}", words::place(place, report.is_away()))).unwrap_or_default();
    page.wrapped("  ", &format!("{}{place}", words::named(verdict)), Tone::Faint);
    for line in words::read(report, page.style.verbose) {
        page.wrapped("  ", &line, Tone::Faint);
    }
    if let Some(hop) = &verdict.hop {
        let text = format!("its own cause at {}: {} ({})", hop.host, hop.cause, words::certainty(hop.certainty));
        page.wrapped("  ", &text, Tone::Plain);
    }
    let evidence: Vec<String> = verdict.evidence.iter().filter(|line| **line != verdict.summary).cloned().collect();
    if !evidence.is_empty() {
        page.blank();
        page.list("  - ", &evidence);
    }
}

/// What stands in the way of each account, where all were asked about.
fn accounts(page: &mut Page, report: &Report) {
    let groups = words::accounts(report);
    if !groups.is_empty() {
        page.heading("Accounts; the checks below are of the first line's");
        page.list("  - ", &groups);
    }
}

/// The chain: what passed in one line, what tells something on a line of its own, what was not looked at by its
/// reason. With `-v` every check has its own line and its evidence. Each jump host has a list of its own.
fn chain(page: &mut Page, report: &Report) {
    for login in report.checks.chunk_by(|one, next| one.hop == next.hop) {
        checks(page, report, login);
    }
}

/// The checks of one login; of a jump host that was passed, what passed is enough.
fn checks(page: &mut Page, report: &Report, login: &[CheckView]) {
    let verbose = page.style.verbose;
    let hop = login.first().and_then(|check| check.hop.as_ref());
    page.heading(&hop.map_or_else(|| "Checks".to_owned(), |hop| format!("Checks at the jump host {hop}")));
    let troubled = login.iter().any(|check| matches!(check.status, Status::Warn | Status::Fail));
    let brief = hop.is_some() && !troubled && !verbose;
    let (folded, shown): (Vec<&CheckView>, Vec<&CheckView>) = login
        .iter()
        .filter(|check| !brief || check.status == Status::Pass)
        .partition(|check| !verbose && matches!(check.status, Status::Pass | Status::Skip));
    let (passed, skipped): (Vec<&CheckView>, Vec<&CheckView>) =
        folded.into_iter().partition(|check| check.status == Status::Pass);
    // What ssh never comes to, sshdoctor may have seen all the same.
    let end = shown.iter().find(|check| check.status == Status::Fail && check.stage >= Stage::Connect);
    let end = end.map(|check| check.stage).filter(|stage| *stage <= Stage::HostKey);
    let (passed, beyond): (Vec<&CheckView>, Vec<&CheckView>) =
        passed.into_iter().partition(|check| end.is_none_or(|end| check.stage <= end));
    let names = |checks: &[&CheckView]| checks.iter().map(|check| check.id).collect::<Vec<_>>().join(", ");
    if !passed.is_empty() {
        page.hanging("  ✓ ", "    ", &names(&passed), Tone::Good, Tone::Plain);
    }
    let column = shown.iter().map(|check| check.id.chars().count()).max().unwrap_or_default().min(24);
    for check in shown {
        let mark = words::mark(check.status);
        let lead = format!("  {mark} {:<column$}  ", check.id);
        let time = check.millis.filter(|_| verbose).map(|millis| format!(" ({})", milliseconds(millis)));
        let rest = " ".repeat(lead.chars().count());
        let said_already = check.status == Status::Fail && check.summary == report.verdict.summary;
        let summary = if said_already { "as the first line says" } else { &check.summary };
        let text = format!("{summary}{}", time.unwrap_or_default());
        page.hanging(&lead, &rest, &text, tone_of(mark), Tone::Plain);
        for remark in &check.remarks {
            if remark.summary != check.summary {
                page.hanging("      - ", "        ", &remark.summary, Tone::Plain, Tone::Plain);
            }
            for step in &remark.next_steps {
                page.step("        ", step);
            }
        }
        if verbose {
            page.list("      - ", &check.evidence);
        }
    }
    if !beyond.is_empty() {
        let text = format!("{}: seen by sshdoctor, where ssh has stopped", names(&beyond));
        page.hanging("  ✓ ", "    ", &text, Tone::Good, Tone::Plain);
    }
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for check in skipped {
        match reasons.iter_mut().find(|(reason, _)| *reason == check.summary) {
            Some((_, names)) => names.push(check.id),
            None => reasons.push((&check.summary, vec![check.id])),
        }
    }
    for (reason, names) in reasons {
        let reason = if reason.is_empty() { "not looked at" } else { reason };
        page.hanging("  – ", "    ", &format!("{}: {reason}", names.join(", ")), Tone::Faint, Tone::Faint);
    }
}

/// The keys that ssh offers, then the others: where they tell more than the evidence does already.
fn identities(page: &mut Page, report: &Report) {
    let verbose = page.style.verbose;
    let is_evidence = |identity: &IdentityView| {
        let fingerprint = identity.fingerprint.as_ref().map(ToString::to_string);
        fingerprint.is_some_and(|text| report.verdict.evidence.iter().any(|line| line.contains(&text)))
    };
    let tells = |identity: &IdentityView| identity.answer != "not-asked" && !is_evidence(identity);
    if !verbose && !report.identities.iter().any(tells) {
        return;
    }
    let is_ambiguous = |identity: &IdentityView| {
        identity.comment.is_none()
            || report.identities.iter().filter(|other| words::whose(other) == words::whose(identity)).count() > 1
    };
    let (offered, others): (Vec<&IdentityView>, Vec<&IdentityView>) =
        report.identities.iter().partition(|identity| identity.offered_by_ssh);
    let most = if verbose { usize::MAX } else { MOST_KEYS };
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
            // A fingerprint stands where nothing else tells the keys apart, and never twice.
            if verbose || (is_ambiguous(identity) && !is_evidence(identity)) {
                page.line("     ", &words::key(identity), Tone::Faint);
            }
        }
        if let Some(left @ 1..) = keys.len().checked_sub(most) {
            page.wrapped("     ", &format!("and {} (-v shows them)", counted(left, "further key")), Tone::Faint);
        }
    }
    if let Some(machines) = words::machines(report) {
        page.wrapped("  ", &machines, Tone::Faint);
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
            // The first steps, which stand last of all, may be for another machine.
            let why = format!("{}: {}", words::at(step, report.is_away()), step.why);
            page.step("    ", &StepView { why, ..step.clone() });
        }
    }
}

/// What else it could be, and what decides: the command once below those that it decides.
fn alternatives(page: &mut Page, report: &Report) {
    let alternatives = &report.verdict.alternatives;
    if alternatives.is_empty() {
        return;
    }
    let verbose = page.style.verbose;
    let most = if verbose { usize::MAX } else { MOST_ALTERNATIVES };
    let (shown, left) = alternatives.split_at(most.min(alternatives.len()));
    let decide = |alternative: &AlternativeView| {
        alternative.decide.as_ref().map(|decide| (decide.place, decide.command.clone()))
    };
    let mut places: Vec<Option<Place>> = shown.iter().map(|one| decide(one).map(|(place, _)| place)).collect();
    places.dedup();
    let everywhere = match places[..] {
        [Some(place)] => Some(place),
        _ => None,
    };
    page.heading(&match everywhere {
        Some(place) => {
            format!("It may be one of these; {}, the command below decides", words::place(place, report.is_away()))
        }
        None => "It may be one of these".to_owned(),
    });
    for group in shown.chunk_by(|one, next| decide(one) == decide(next)) {
        for alternative in group {
            let certainty = match alternative.certainty {
                Certainty::Possible => String::new(),
                sure => format!(" ({})", words::certainty(sure)),
            };
            let text = format!("{}{certainty}: {}", alternative.cause, alternative.summary);
            page.hanging("  ? ", "    ", &text, Tone::Warn, Tone::Plain);
            // What makes it likely is half of the answer.
            let likely = alternative.certainty < Certainty::Possible;
            let most = if verbose { usize::MAX } else { usize::from(likely) };
            page.list("    - ", &alternative.evidence[..most.min(alternative.evidence.len())]);
        }
        if let Some((place, command)) = group.first().and_then(decide) {
            if report.message.as_deref().is_some_and(|message| message.lines().last() == Some(&command)) {
                page.wrapped("      ", "the command in the message below decides it", Tone::Faint);
                continue;
            }
            if everywhere.is_none() {
                page.wrapped("      ", &format!("decided {} by:", words::place(place, report.is_away())), Tone::Plain);
            }
            page.line("      ", &command, Tone::Command);
        }
    }
    if !left.is_empty() {
        let names: Vec<&str> = left.iter().take(MOST_FURTHER).map(|alternative| alternative.cause).collect();
        let more = left.len().checked_sub(MOST_FURTHER).filter(|more| *more > 0);
        let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
        page.hanging("  ? ", "    ", &format!("further: {}{more}", names.join(", ")), Tone::Faint, Tone::Faint);
    }
}

/// What it is not, what the run cost, and how it is kept from coming back.
fn remarks(page: &mut Page, report: &Report) {
    page.blank();
    let verbose = page.style.verbose;
    let mut remark = |name: &str, text: &str| page.hanging(name, "    ", text, Tone::Faint, Tone::Plain);
    let ruled_out = &report.verdict.ruled_out;
    // Of a login that works, nobody suspects anything.
    if !ruled_out.is_empty() && (verbose || words::doubts(report)) {
        let most = if verbose { usize::MAX } else { MOST_RULED_OUT };
        let parts = ruled_out.iter().take(most).map(|excluded| format!("{} ({})", excluded.cause, excluded.because));
        let more = ruled_out.len().checked_sub(most).filter(|more| *more > 0).map(|more| format!("and {more} more"));
        remark("  Ruled out: ", &parts.chain(more).collect::<Vec<_>>().join("; "));
    }
    remark("  Cost: ", &format!("{}.", words::cost(report)));
    if let Some(prevent) = &report.verdict.prevent {
        remark("  Next time: ", prevent);
    }
    match (words::is_fault(report), verbose) {
        (true, false) => {
            remark("  More: ", &format!("-v shows all that was seen; sshdoctor explain {}", report.verdict.cause));
        }
        (true, true) => remark("  More: ", &format!("sshdoctor explain {}", report.verdict.cause)),
        (false, false) => remark("  More: ", "-v shows all that was seen"),
        (false, true) => {}
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
        let here = words::at(step, report.is_away());
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
    fn what_passed_is_one_line_and_every_check_has_its_own_with_v() {
        let report = sample::refused();
        let short = plain(&report);
        assert!(short.contains("\n  ✓ client-config\n  ! key-permissions  /home/a/"), "{short}");
        assert!(short.lines().count() <= 45, "{short}");
        let long = text(&report, &Style { verbose: true, ..Style::default() });
        assert!(long.contains("✓ client-config    ssh reads its configuration without complaint (<1 ms)"), "{long}");
        assert!(long.contains("\n      - mode 0644, owner 1000\n"), "{long}");
    }

    #[test]
    fn what_was_seen_where_ssh_stops_is_said_to_be_beyond() {
        let mut report = sample::refused();
        report.checks[0].stage = Stage::Session;
        report.checks[2].stage = Stage::Transport;
        let text = plain(&report);
        assert!(text.contains("\n  ✓ client-config: seen by sshdoctor, where ssh has stopped\n"), "{text}");
    }

    #[test]
    fn only_the_nearest_suspects_and_the_first_alternatives_are_shown_without_v() {
        let mut report = sample::refused();
        let (excluded, alternative) = (report.verdict.ruled_out[0].clone(), report.verdict.alternatives[0].clone());
        report.verdict.ruled_out = vec![excluded; 5];
        report.verdict.alternatives = vec![alternative; 5];
        let short = plain(&report);
        assert!(short.contains("; and 2 more\n"), "{short}");
        assert!(short.contains("\n  ? further: server-key-not-listed, server-key-not-listed\n"), "{short}");
        let long = text(&report, &Style { verbose: true, ..Style::default() });
        assert!(!long.contains("and 2 more") && !long.contains("further"), "{long}");
        assert_eq!(long.matches("? server-key-not-listed").count(), 5);
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
