//! What PuTTY's event log shows of a login beside its last error: where it went, which keys it offered, whether it came in.

use crate::facts::log::{Foreign, Tool};
use crate::facts::{Facts, Origin};
use crate::openssh::libraries::{Meaning, said};
use crate::openssh::putty::{Step, step};

use super::{Cause, Certainty, Finding, causes, naming};

/// A login as its lines tell it, the last one of them.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line that was seen or was not")]
pub(super) struct Course<'a> {
    connecting: Option<(&'a str, u16)>,
    version: Option<&'a str>,
    pageant: Option<u32>,
    offered: u32,
    refused: u32,
    accepted: bool,
    granted: bool,
    started: bool,
    /// The methods that it says the server takes.
    methods: Option<&'a str>,
    /// Whether its own words are about a file that it cannot read.
    unreadable: bool,
}

/// The first of these lines that is of the last login: where that begins and, of several addresses, what was met at the one
/// that answered.
pub(super) fn last_login(lines: &[Foreign]) -> usize {
    let is_begun = |line: &Foreign| {
        let step = line.words.as_str().filter(|_| line.tool == Tool::Putty).and_then(step);
        matches!(step, Some(Step::Host(_) | Step::Version(_)))
    };
    lines.iter().rposition(is_begun).unwrap_or(0)
}

/// The course of the login; `None` where no step of PuTTY's is there.
pub(super) fn course(facts: &Facts) -> Option<Course<'_>> {
    let log = facts.log.as_deref().filter(|_| facts.origin == Origin::Log)?;
    let lines = log.foreign.iter().filter(|line| line.tool == Tool::Putty).filter_map(|line| line.words.as_str());
    let mut course = Course::default();
    let mut steps = 0;
    for line in lines {
        steps += u32::from(step(line).is_some());
        match step(line) {
            Some(Step::Host(_)) => {
                steps = 1;
                course = Course::default();
            }
            Some(Step::Connecting(address, port)) => course.connecting = Some((address, port)),
            Some(Step::Version(version)) => course.version = Some(version),
            Some(Step::Pageant(count)) => course.pageant = Some(count),
            Some(Step::Offered) => course.offered += 1,
            Some(Step::Accepted) => course.accepted = true,
            Some(Step::Granted) => course.granted = true,
            Some(Step::Started) => course.started = true,
            Some(Step::User(_)) => {}
            None => match said(line) {
                Some((_, Meaning::KeyRefused)) => course.refused += 1,
                Some((_, Meaning::BadKey)) => course.unreadable = true,
                _ => {
                    let list = line.split_once("(server sent: ").and_then(|(_, rest)| rest.split_once(')'));
                    course.methods = list.map(|(list, _)| list).or(course.methods);
                }
            },
        }
    }
    (steps > 0 || course.methods.is_some()).then_some(course)
}

impl Course<'_> {
    /// What it shows, a sentence each.
    pub(super) fn seen(&self) -> Vec<String> {
        let mut seen = Vec::new();
        if let Some((address, port)) = self.connecting {
            let server = self.version.map_or_else(String::new, |version| format!(": {version}"));
            seen.push(format!("it dials {address} port {port}{server}"));
        }
        if let Some(count) = self.pageant {
            seen.push(format!("Pageant holds {}", naming::count(count as usize, "key", "keys")));
        }
        if self.accepted {
            seen.push("the server accepts the key".to_owned());
        }
        if let Some(methods) = self.methods {
            seen.push(format!("the server takes: {methods}"));
        }
        seen
    }

    /// What its steps make of its last words, where they say more than those.
    pub(super) fn instead(&self, facts: &Facts, meaning: Option<Meaning>) -> Option<(&'static Cause, Finding)> {
        let login = naming::login(facts);
        let takes_keys = self.methods.is_some_and(|methods| methods.split(',').any(|method| method == "publickey"));
        let found = |id: &str, certainty, summary: String| {
            let cause = causes().map(|(_, cause)| cause).find(|cause| cause.id == id)?;
            Some((cause, Finding { evidence: self.seen(), ..Finding::new(certainty, summary) }))
        };
        match meaning {
            None if self.granted && self.started => {
                found("access-works", Certainty::Likely, format!("PuTTY's login on {login} succeeds"))
            }
            Some(Meaning::Dropped) if self.granted => found(
                "session-closed",
                Certainty::Likely,
                format!("PuTTY's login on {login} succeeds, and then the server closes the connection"),
            ),
            Some(Meaning::NoMethod) if self.methods.is_some() && !takes_keys => found(
                "server-pubkey-disabled",
                Certainty::Likely,
                format!("{login} takes no keys from PuTTY, and PuTTY has nothing else for it"),
            ),
            // Its whole log is there, as it names the server, and no key is in it.
            Some(Meaning::NoMethod)
                if takes_keys && self.version.is_some() && self.offered + self.refused == 0 && !self.unreadable =>
            {
                found("no-identities", Certainty::Likely, format!("PuTTY has no key to offer to {login}"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Source;
    use crate::facts::log::Log;

    fn facts(lines: &[&str]) -> Facts {
        let at = Source::File { path: "t".into(), line: Some(1) };
        let line = |words: &&str| Foreign { tool: Tool::Putty, words: (*words).into(), at: at.clone() };
        let log = Log { foreign: lines.iter().map(line).collect(), ..Log::default() };
        Facts { origin: Origin::Log, log: Some(Box::new(log)), ..Facts::default() }
    }

    #[test]
    fn the_last_login_counts() {
        let facts = facts(&[
            "Looking up host \"web1\" for SSH connection",
            "Access granted",
            "Looking up host \"web2\" for SSH connection",
            "Connecting to 192.0.2.7 port 22",
            "Offered public key",
            "Server refused our key",
            "No supported authentication methods available (server sent: publickey,password)",
        ]);
        let course = course(&facts).unwrap();
        assert!(!course.granted);
        assert_eq!((course.offered, course.refused, course.methods), (1, 1, Some("publickey,password")));
        assert_eq!(course.seen(), ["it dials 192.0.2.7 port 22", "the server takes: publickey,password"]);
    }

    #[test]
    fn a_log_without_a_key_is_told_from_a_last_line_alone() {
        let last = "No supported authentication methods available (server sent: publickey)";
        let whole = ["Looking up host \"web1\" for SSH connection", "Remote version: SSH-2.0-OpenSSH_9.2p1", last];
        let meant = |lines: &[&str]| {
            let facts = facts(lines);
            let found = course(&facts).unwrap().instead(&facts, Some(Meaning::NoMethod));
            found.map(|(cause, _)| cause.id)
        };
        assert_eq!(meant(&whole), Some("no-identities"));
        assert_eq!(meant(&[last]), None);
        assert_eq!(meant(&[&last.replace("publickey", "password")]), Some("server-pubkey-disabled"));
    }
}
