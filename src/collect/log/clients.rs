//! The runs of ssh in what is read, and the one that is meant.

use std::collections::VecDeque;

use super::typed::{self, Typed};
use super::{Choice, paste};
use crate::collect::transcript::{self, Transcript, begins};
use crate::facts::log::Part;
use crate::facts::text::{Host, Path, ServerText};
use crate::facts::{Facts, Unobserved};

/// How many are kept, the last ones.
const MOST: usize = 64;
/// How many others are told.
const MOST_OTHERS: usize = 20;

/// Programs that run a shell as another account.
const SWITCHING: &[&str] = &["su ", "sudo ", "runuser ", "doas "];
/// How words begin that are about the account of a shell.
const OF_ACCOUNT: &[&str] = &["This account is currently not available", "Your account has expired; "];

/// One run of ssh.
#[derive(Debug, Default)]
struct Client {
    transcript: Transcript,
    file: usize,
    first: u64,
    last: u64,
    begins: bool,
    elided: bool,
    typed: Option<Box<Typed>>,
}

/// The last runs of ssh that were read.
#[derive(Debug, Default)]
pub(super) struct Clients {
    kept: VecDeque<Client>,
    left_out: u64,
    /// Whether the line before makes somebody another account.
    switched: bool,
    /// What was typed last, until its lines come, and in which file.
    typed: Option<(usize, u64, Box<Typed>)>,
}

/// The run that is meant.
#[derive(Debug)]
pub(super) struct Chosen {
    /// What it states.
    pub(super) facts: Facts,
    /// Where it stands.
    pub(super) part: Part,
    /// How many others there are that could be meant.
    pub(super) others_count: u64,
    /// Some of them, a few words each, the newest first.
    pub(super) others: Vec<ServerText>,
}

impl Clients {
    /// Reads a line of ssh's.
    pub(super) fn line(&mut self, file: usize, number: u64, line: &str) {
        // Behind `su - git` it is that account's shell that says so, in a session that works.
        if std::mem::take(&mut self.switched) && OF_ACCOUNT.iter().any(|words| line.starts_with(words)) {
            return;
        }
        // What ssh runs to connect through a jump host says its lines among those of the run that started it.
        let begun = |seen: &Transcript| {
            (begins(line) && seen.lines > 0 && !seen.nests() && !seen.has_only_warned())
                || (seen.has_last_word() && !transcript::follows(line))
        };
        let typed = self.typed.take().filter(|(of, _, _)| *of == file).map(|(_, _, typed)| typed);
        let another = self.kept.back().is_none_or(|client| client.file != file || begun(&client.transcript));
        let another = another || typed.is_some();
        if another {
            if self.kept.len() == MOST {
                self.kept.pop_front();
                self.left_out += 1;
            }
            self.kept.push_back(Client { file, first: number, begins: begins(line), typed, ..Client::default() });
        }
        if let Some(client) = self.kept.back_mut() {
            client.last = number;
            client.begins |= client.transcript.has_only_warned() && begins(line);
            client.transcript.line(line);
        }
    }

    /// Reads a command line of ssh, whose lines come next.
    pub(super) fn typed(&mut self, file: usize, number: u64, typed: Typed) {
        self.typed = Some((file, number, Box::new(typed)));
    }

    /// Looks at a line that nobody knows for a command that makes somebody another account.
    pub(super) fn prompt(&mut self, line: &str) {
        let typed = paste::behind_prompt(line).map(str::trim_start);
        self.switched = typed.is_some_and(|typed| SWITCHING.iter().any(|program| typed.starts_with(program)));
    }

    /// Reads a line that nobody knows: what the server shows after a login, or a mark that lines were left out.
    pub(super) fn shown(&mut self, file: usize, line: &str) {
        let Some(client) = self.kept.back_mut().filter(|client| client.file == file) else { return };
        client.elided |= is_elision(line);
        if client.transcript.admitted_by.is_some() || client.transcript.awaits_fingerprint() {
            client.transcript.line(line);
        }
    }

    /// The last failing run of those that may be meant; the last one where none fails. `None` where there is none.
    pub(super) fn choose(self, choice: &Choice, files: &[Path]) -> Option<Chosen> {
        let all = self.kept.into_iter().map(|client| {
            let mut facts = transcript::state(&client.transcript);
            if let Some(typed) = &client.typed {
                typed::state(&mut facts, typed);
            }
            let stated = facts.log.take().and_then(|log| log.client).unwrap_or_default();
            let part = Part {
                file: files.get(client.file).cloned().unwrap_or_default(),
                first: client.first,
                last: client.last,
                what: what(&client.transcript).into(),
                whole: client.begins && !client.elided && client.transcript.is_whole(),
                ..stated
            };
            (facts, part)
        });
        let mut all: Vec<(Facts, Part)> = all.filter(|(facts, _)| is_meant(facts, choice)).collect();
        let chosen = all.iter().rposition(|(facts, _)| fails(facts)).or_else(|| all.len().checked_sub(1))?;
        let (facts, part) = all.remove(chosen);
        // ssh says nothing where all goes well.
        let silent = self.typed.filter(|(_, _, typed)| is_same(&facts, typed));
        let silent = silent.map(|(file, number, _)| {
            let file = files.get(file).cloned().unwrap_or_default();
            ServerText::from(format!("{file} line {number}: typed again, and no words of ssh's behind it"))
        });
        let others_count = self.left_out + all.len() as u64 + u64::from(silent.is_some());
        let others = all.iter().rev().map(|(facts, part)| other(facts, part).into());
        let others = silent.into_iter().chain(others).take(MOST_OTHERS).collect();
        Some(Chosen { facts, part, others_count, others })
    }
}

/// What was read: `ssh -vv of OpenSSH_7.6p1`.
fn what(seen: &Transcript) -> String {
    let said = match seen.level {
        0 => "ssh's own words".to_owned(),
        level => format!("ssh -{}", "v".repeat(usize::from(level))),
    };
    match &seen.version {
        Some(version) => format!("{said} of {version}"),
        None => said,
    }
}

/// Whether somebody wrote the line where lines were left out: `...`, `[…]`, `<snip>`, `--- cut ---`.
fn is_elision(line: &str) -> bool {
    let words: String = line.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
    let dots = line.contains("..") || line.contains('…') || line.trim() == ".";
    match words.as_str() {
        "" => dots,
        "snip" | "snipped" | "cut" | "omitted" | "truncated" | "skipped" | "etc" | "more" => true,
        _ => {
            line.trim().len() < 60
                && ["omitted", "truncated", "snipped", "lines cut"].iter().any(|word| line.contains(word))
        }
    }
}

/// Whether it may be the login that is asked about; what it does not say excludes nothing.
fn is_meant(facts: &Facts, choice: &Choice) -> bool {
    let Ok(target) = &facts.target else { return true };
    let user = choice.user.as_ref().is_none_or(|user| target.user.is_empty() || target.user == user.as_str());
    let at_address = |host: &str| {
        let attempts = facts.connect.as_ref().map(|connect| connect.attempts.as_slice()).unwrap_or_default();
        attempts.iter().any(|attempt| attempt.address == host)
    };
    let host = choice
        .host
        .as_deref()
        .is_none_or(|host| target.host.is_empty() || target.host == host || target.alias == host || at_address(host));
    user && host
}

/// Whether the command line that was typed may mean this login.
fn is_same(facts: &Facts, typed: &Typed) -> bool {
    let host = Host::from(typed.arguments.host.as_encoded_bytes());
    facts.target.as_ref().map_or(true, |target| target.host == host || target.alias == host)
}

/// Whether it came to no end that a person would want.
fn fails(facts: &Facts) -> bool {
    let in_session =
        facts.session.as_ref().is_ok_and(|session| session.end.is_none() && session.exit_status == Some(0));
    !in_session
}

/// Another run, in a few words: `lines 3 to 96: deploy@web1.example.org`.
fn other(facts: &Facts, part: &Part) -> String {
    let target = match &facts.target {
        Ok(target) if !target.host.is_empty() => format!(": {}@{}", target.user, target.host),
        Ok(_) | Err(Unobserved::NotInThisSource) => String::new(),
        Err(why) => format!(": {why}"),
    };
    format!("{} lines {} to {}{target}", part.file, part.first, part.last)
}
