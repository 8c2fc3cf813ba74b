//! What happens inside a row's namespaces: the machine is built, both programs run, and what they say is compared.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::account::{self, Asked};
use crate::client::{self, Ended};
use crate::row::{Fixture, HEALTHY, Other, Row, Ssh};
use crate::way::{BASTION, INNER, Machine, TARGET};
use crate::world::{World, read};
use crate::{redaction, transcript};

/// What a row found: complaints (none where all is as expected), what was printed, the saved facts.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Outcome {
    /// One line for each thing that is not as the row says.
    pub(crate) complaints: Vec<String>,
    /// Both programs' own words.
    pub(crate) printed: String,
    /// The place of the row's member among the alternatives, counted from 1.
    pub(crate) place: Option<usize>,
    /// The facts of the run as a saved case, where the row asks for them.
    pub(crate) facts: Option<String>,
    /// ssh's own transcript, with a header that says how it came about.
    pub(crate) transcript: Option<String>,
}

/// Runs a row in the namespaces of this process.
pub(crate) fn run(row: &Row, doctor: &Path, ssh_only: bool) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = steps(row, doctor, ssh_only, &mut outcome) {
        outcome.complaints.push(format!("{error:#}"));
    }
    if !outcome.complaints.is_empty() {
        let on_the_way = [BASTION, INNER, TARGET].map(Machine::log);
        for log in ["/var/log/sshd", account::LOG, "/var/log/python"]
            .into_iter()
            .chain(on_the_way.each_ref().map(|log| &**log))
        {
            let text = read(log).unwrap_or_default();
            let _ = write!(outcome.printed, "\n--- {log}\n{text}");
        }
    }
    outcome
}

fn steps(row: &Row, doctor: &Path, ssh_only: bool, outcome: &mut Outcome) -> anyhow::Result<()> {
    let mut world = World::build(doctor)?;
    if row.side.is_some() {
        world.becomes_server()?;
    }
    (row.setup)(&mut world)?;
    if row.finds.is_none() {
        outcome.ssh(&client::ssh(&world, row, row.ssh)?, row.ssh);
    }
    if !row.log.is_empty() && client::wait_for("sshd's log", || account::log().contains(row.log)).is_err() {
        outcome.complaints.push(format!("sshd's log does not say {:?}: {}", row.log, account::log()));
    }
    let mut report = Value::Null;
    if !ssh_only {
        let facts;
        (report, facts) = outcome.judged(row, &world)?;
        if row.fixture != Fixture::No && facts.is_none() {
            outcome.complaints.push("no case was saved".to_owned());
        }
        outcome.facts = facts;
        outcome.complaints.extend(transcript::saved(&world, &report)?);
    }
    if row.other.is_some() || matches!(row.ssh, Ssh::Asks(_)) && row.ours.is_empty() {
        with_or_without(row, &world, ssh_only, outcome)?;
    }
    // Last, since one more refusal may be one too many for the server.
    if !ssh_only {
        let (complaints, transcript) = transcript::judged(&world, row, &report)?;
        outcome.complaints.extend(complaints);
        outcome.transcript = transcript;
        outcome.complaints.extend(redaction::judged(&world, &report)?);
    }
    if !row.follows.is_empty() && !ssh_only {
        followed(row, &world, outcome)?;
    }
    let Some(mend) = row.mend else { return Ok(()) };
    let steps = if row.side.is_some() { usize::MAX } else { 1 };
    let printed: Vec<(String, bool)> = printed_steps(&report, steps).into_iter().filter(|_| mend.printed).collect();
    if mend.printed && !ssh_only && printed.is_empty() {
        outcome.complaints.push("no command is printed as the first step".to_owned());
    }
    if printed.is_empty() {
        world.sh(mend.script)?;
    }
    outcome.typed(&world, printed)?;
    if row.side.is_some() {
        // A daemon that was told to read its configuration again does so at once, but not before.
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    outcome.printed.push_str("\n--- after the first fault was taken away\n");
    outcome.ssh(&client::ssh(&world, row, mend.then)?, mend.then);
    if !ssh_only {
        let after = if let Some(side) = row.side {
            let Asked { here, .. } = account::asks(&world, row, side)?;
            outcome.report(&here, &here.stdout)
        } else {
            let (ended, text, _) = client::doctor(&world, row)?;
            outcome.report(&ended, &text)
        };
        let predicted = report.pointer("/verdict/also/0/cause").and_then(Value::as_str);
        let met = word(&after, "/verdict/cause");
        if let Some(unforeseen) = mend.unforeseen {
            if predicted.is_some() || met != unforeseen {
                outcome.complaints.push(format!("predicted {predicted:?} and met {met}, not {unforeseen}, unforeseen"));
            }
        } else if predicted.map_or_else(|| !HEALTHY.contains(&met), |predicted| predicted != met) {
            outcome.complaints.push(format!("predicted {}, met {met}", predicted.unwrap_or("access-works")));
        }
    }
    Ok(())
}

/// Runs over the administrator's login, each fix typed as it was printed, until nothing is left: each run is to name what
/// comes, and what comes next.
fn followed(row: &Row, world: &World, outcome: &mut Outcome) -> anyhow::Result<()> {
    for (place, cause) in row.follows.iter().copied().chain(["access-works"]).enumerate() {
        let ended = account::over(world, row)?;
        let report = outcome.report(&ended, &ended.stdout);
        let (met, next) = (word(&report, "/verdict/cause"), word(&report, "/verdict/also/0/cause"));
        let meant = row.follows.get(place + 1).copied().unwrap_or("nothing");
        if (met, next) != (cause, meant) {
            outcome.complaints.push(format!("run {place}: {met} and then {next}, not {cause} and then {meant}"));
            return Ok(());
        }
        outcome.typed(world, printed_steps(&report, usize::MAX))?;
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    outcome.ssh(&client::ssh(world, row, Ssh::Ends(0, ""))?, Ssh::Ends(0, ""));
    Ok(())
}

/// Both programs once more, with a terminal where there was none and without where there was one.
fn with_or_without(row: &Row, world: &World, ssh_only: bool, outcome: &mut Outcome) -> anyhow::Result<()> {
    let meant =
        row.other.unwrap_or(Other { ssh: Ssh::Ends(255, ""), cause: "not said", certainty: "", hop: None, needs: &[] });
    let Other { ssh, cause, certainty, hop, needs } = meant;
    let other = Row {
        terminal: !row.terminal,
        ssh,
        cause,
        certainty,
        needs,
        hop,
        typed_on: None,
        remark: None,
        evidence: &[],
        no_evidence: &[],
        status: None,
        member: None,
        ..row.clone()
    };
    let other = Row { fixture: Fixture::No, ..other };
    let before = outcome.complaints.len();
    outcome.printed.push_str(if other.terminal { "\n--- at a terminal\n" } else { "\n--- without a terminal\n" });
    outcome.ssh(&client::ssh(world, &other, ssh)?, ssh);
    if !ssh_only {
        let (ended, text, _) = client::doctor(world, &other)?;
        let report = outcome.report(&ended, &text);
        // What bites next is the row's own business.
        let also: Vec<&str> = list(&report, "/verdict/also").map(|entry| word(entry, "/cause")).collect();
        outcome.verdict(&other, &also, &ended, &report);
    }
    let place = if other.terminal { "at a terminal" } else { "without a terminal" };
    for complaint in &mut outcome.complaints[before..] {
        *complaint = format!("{place}: {complaint}");
    }
    Ok(())
}

impl Outcome {
    /// What sshdoctor says, compared with what the row says, and the facts of the run.
    fn judged(&mut self, row: &Row, world: &World) -> anyhow::Result<(Value, Option<String>)> {
        let Some(side) = row.side else {
            let (ended, text, facts) = client::doctor(world, row)?;
            let report = self.report(&ended, &text);
            self.verdict(row, row.also, &ended, &report);
            self.found(row, &report);
            return Ok((report, facts));
        };
        let Asked { here, collected, joined, facts, complaints } = account::asks(world, row, side)?;
        let report = self.report(&here, &here.stdout);
        self.verdict(row, row.also, &here, &report);
        self.complaints.extend(complaints);
        let again = self.report(&collected, &collected.stdout);
        let before = self.complaints.len();
        self.verdict(row, row.also, &collected, &again);
        for complaint in &mut self.complaints[before..] {
            *complaint = format!("from what the printed collector printed: {complaint}");
        }
        if let (Some(ended), Some(over)) = (joined, row.over) {
            let both = self.report(&ended, &ended.stdout);
            let before = self.complaints.len();
            let row = Row { cause: over.cause, certainty: over.certainty, status: None, ..row.clone() };
            let also: Vec<&str> = list(&both, "/verdict/also").map(|entry| word(entry, "/cause")).collect();
            self.verdict(&row, &also, &ended, &both);
            for complaint in &mut self.complaints[before..] {
                *complaint = format!("over the administrator's login: {complaint}");
            }
        }
        Ok((report, facts))
    }

    /// Types these commands, as root on the server or as the client.
    fn typed(&mut self, world: &World, commands: Vec<(String, bool)>) -> anyhow::Result<()> {
        for (command, as_root) in commands {
            if as_root {
                world.sh(&command)?;
                continue;
            }
            let done = world.as_client("/bin/sh", &["-c", &command]).output()?;
            if !done.status.success() {
                self.complaints.push(format!("{command}: {}", String::from_utf8_lossy(&done.stderr).trim_end()));
            }
        }
        Ok(())
    }

    /// Compares what ssh did with what it should do.
    fn ssh(&mut self, ended: &Ended, expected: Ssh) {
        let Ended { status, stdout, stderr, took, .. } = ended;
        let _ = write!(self.printed, "--- ssh: {status:?} after {} ms\n{stdout}{stderr}", took.as_millis());
        let says = |text: &str| stdout.contains(text) || stderr.contains(text);
        let (right, meant) = match expected {
            Ssh::Ends(code, text) => (*status == Some(code) && says(text), format!("{code} and {text:?}")),
            Ssh::Asks(text) => (status.is_none() && says(text), format!("the question {text:?}")),
            Ssh::Hangs => (status.is_none(), "no end".to_owned()),
        };
        if !right {
            self.complaints.push(format!("ssh: {meant} was expected"));
        }
    }

    /// Reads sshdoctor's report.
    fn report(&mut self, ended: &Ended, text: &str) -> Value {
        let Ended { status, stderr, took, .. } = ended;
        let report: Value = serde_json::from_str(text).unwrap_or_default();
        self.complaints.extend(ended.left.iter().cloned());
        let shown = if report.is_null() {
            self.complaints.push("sshdoctor: no JSON report".to_owned());
            text.to_owned()
        } else {
            format!("{:#}", report["verdict"])
        };
        let _ = write!(self.printed, "\n--- sshdoctor: {status:?} after {} ms\n{stderr}{shown}\n", took.as_millis());
        report
    }

    /// Compares what a check-up found with what is there to be found.
    fn found(&mut self, row: &Row, report: &Value) {
        let Some(finds) = row.finds else { return };
        let verdict = [&report["verdict"]].into_iter().filter(|verdict| verdict["cause"] != "nothing-found");
        let remarks = list(report, "/checks").flat_map(|check| list(check, "/remarks"));
        let said: Vec<&str> =
            verdict.chain(list(report, "/verdict/also")).chain(remarks).map(|found| word(found, "/summary")).collect();
        for find in finds.iter().filter(|find| !said.iter().any(|said| said.contains(*find))) {
            self.complaints.push(format!("not found: {find}"));
        }
        for said in said.iter().filter(|said| !finds.iter().any(|find| said.contains(find))) {
            self.complaints.push(format!("found, and not there: {said}"));
        }
        if !report["footprint"].is_null() || !report["target"].is_null() {
            self.complaints.push("a check-up has neither target nor footprint".to_owned());
        }
    }

    /// Compares the verdict with the row's.
    fn verdict(&mut self, row: &Row, next: &[&str], ended: &Ended, report: &Value) {
        if report.is_null() {
            return;
        }
        let mut compare = |what: &str, met: String, meant: String| {
            if met != meant {
                self.complaints.push(format!("{what}: {met}, not {meant}"));
            }
        };
        compare("cause", word(report, "/verdict/cause").to_owned(), row.cause.to_owned());
        compare("certainty", word(report, "/verdict/certainty").to_owned(), row.certainty.to_owned());
        let also: Vec<&str> = list(report, "/verdict/also").map(|entry| word(entry, "/cause")).collect();
        if row.finds.is_none() {
            compare("also", also.join(" "), next.join(" "));
        }
        let hop = report.pointer("/verdict/hop").filter(|hop| !hop.is_null());
        let hop =
            hop.map_or_else(|| "none".to_owned(), |hop| format!("{} {}", word(hop, "/host"), word(hop, "/cause")));
        compare("hop", hop, row.hop.map_or_else(|| "none".to_owned(), |(host, cause)| format!("{host} {cause}")));
        if let Some(place) = row.typed_on {
            compare("first step", word(report, "/verdict/next_steps/0/where").to_owned(), place.to_owned());
        }
        let needs: Vec<&str> = list(report, "/verdict/needs").filter_map(Value::as_str).collect();
        compare("needs", needs.join(" "), row.needs.join(" "));
        let evidence: Vec<&str> = list(report, "/verdict/evidence").filter_map(Value::as_str).collect();
        for words in row.evidence.iter().filter(|words| !evidence.iter().any(|line| line.contains(**words))) {
            compare("evidence", evidence.join("\n"), (*words).to_owned());
        }
        for words in row.no_evidence.iter().filter(|words| evidence.iter().any(|line| line.contains(**words))) {
            compare("evidence", evidence.join("\n"), format!("without {words}"));
        }
        let accounts: Vec<String> = list(report, "/accounts")
            .map(|account| format!("{} {}", word(account, "/user"), word(account, "/cause")))
            .collect();
        if !row.accounts.is_empty() {
            compare("accounts", accounts.join(", "), row.accounts.join(", "));
        }
        let status = match row.cause {
            cause if HEALTHY.contains(&cause) => 0,
            "undetermined" => 3,
            _ => 1,
        };
        compare("exit status", format!("{:?}", ended.status), format!("{:?}", Some(row.status.unwrap_or(status))));
        let with = |status: &str| -> Vec<&str> {
            list(report, "/checks").filter(|check| check["status"] == status).map(|check| word(check, "/id")).collect()
        };
        if HEALTHY.contains(&row.cause) {
            compare("accused", with("fail").join(" "), String::new());
        }
        if let Some(check) = row.remark.filter(|check| !with("warn").contains(check)) {
            compare("remarks", with("warn").join(" "), check.to_owned());
        }
        if let Some(member) = row.member {
            let listed: Vec<&str> =
                list(report, "/verdict/alternatives").map(|alternative| word(alternative, "/cause")).collect();
            let ids: Vec<&str> = member.ids.split(' ').collect();
            let most = if member.shows { 3 } else { listed.len() };
            self.place = listed.iter().position(|id| ids.contains(id)).map(|place| place + 1);
            if self.place.is_none_or(|place| place > most) {
                let complaint = format!("{} is not among the first {most} alternatives: {listed:?}", member.ids);
                self.complaints.push(complaint);
            }
        }
    }
}

/// The commands of the first steps, and whether root types them: of one step, or of all that have a command.
fn printed_steps(report: &Value, most: usize) -> Vec<(String, bool)> {
    let command = |step: &Value| Some((step["command"].as_str()?.to_owned(), step["as"] == "root"));
    list(report, "/verdict/next_steps").take(most).filter_map(command).collect()
}

fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("nothing")
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
