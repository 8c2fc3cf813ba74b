//! What it means: the catalogue of causes, as pure functions over facts.
//!
//! A [`Check`] is a claim that is true on a healthy connection, and the [`Cause`]s that break it. A cause is a
//! private `const` directly above its judging function, in the file of its step. Judging never fails, blocks,
//! prints or looks at anything but the facts; a fact that was not seen accuses nobody.

pub mod account;
pub mod agent;
pub mod answers;
pub mod auth_methods;
pub mod checkup;
pub mod config;
pub mod connect;
pub mod foreign;
mod forwarding;
pub mod git_host;
mod hardware;
pub mod host_key;
pub mod identities;
pub mod joined;
pub mod key_files;
mod key_pair;
pub mod key_permissions;
mod log;
mod macos;
pub mod members;
mod mounts;
pub mod naming;
pub mod offer;
pub mod pasted;
pub mod proxy;
mod putty;
pub mod resolve;
pub mod session;
pub mod transport;
pub mod userauth;
mod wrong_account;
mod wrong_binary;
mod wrong_user;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Observed, Stage, text};
use crate::openssh::{course, opinion};

/// All checks of one login, in the order of the chain and of every report.
pub const CHAIN: &[&Check] = &[
    &config::CLIENT_CONFIG,
    &key_files::KEY_FILES,
    &key_permissions::KEY_PERMISSIONS,
    &identities::IDENTITIES,
    &agent::AGENT,
    &resolve::RESOLVE,
    &proxy::PROXY,
    &connect::CONNECT,
    &transport::BANNER,
    &transport::ALGORITHMS,
    &host_key::HOST_KEY,
    &auth_methods::AUTH_METHODS,
    &userauth::AUTHORIZED_KEYS,
    &userauth::LOGIN,
    &account::SSHD_CONFIG,
    &account::ACCOUNT,
    &account::KEY_ENTRY,
    &account::SERVER_LOG,
    &session::SESSION,
];

/// One link of the chain.
#[derive(Debug)]
pub struct Check {
    /// Stable id, `key-permissions`.
    pub id: &'static str,
    /// Where its fact is seen.
    pub stage: Stage,
    /// A true sentence on a healthy connection, without a full stop.
    pub claim: &'static str,
    /// What can break the claim, in the order in which it would be suspected.
    pub causes: &'static [&'static Cause],
    /// Whether the claim holds, with the facts that show it. Asked where no cause was found.
    pub holds: fn(&Facts) -> Observed<Outcome>,
    /// What the facts exclude that a reader would suspect next.
    pub rules_out: &'static [RulesOut],
}

/// A cause that is excluded, and the observation that excludes it, as a function on the facts: `None` where they do not.
pub type RulesOut = (&'static str, fn(&Facts) -> Option<String>);

/// What a check says where no cause breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Pass, warn, info (or fail, where the claim is broken by something no cause names).
    pub status: Status,
    /// One line: what was seen.
    pub summary: String,
    /// The details, for `-v`.
    pub evidence: Vec<String>,
    /// What is to be said beside, each with what mends it (the check-up).
    pub remarks: Vec<Remark>,
}

/// Something that is wrong and does not decide, with what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// One sentence: what was seen and what it means.
    pub summary: String,
    /// What to type.
    pub steps: Vec<Step>,
}

impl Remark {
    /// A remark with the steps that mend it.
    pub fn new(summary: impl Into<String>, steps: Vec<Step>) -> Self {
        Self { summary: summary.into(), steps }
    }
}

impl Outcome {
    fn of(status: Status, summary: impl Into<String>) -> Self {
        Self { status, summary: summary.into(), evidence: Vec::new(), remarks: Vec::new() }
    }

    /// The claim holds.
    pub fn pass(summary: impl Into<String>) -> Self {
        Self::of(Status::Pass, summary)
    }

    /// The claim holds, with a remark.
    pub fn warn(summary: impl Into<String>) -> Self {
        Self::of(Status::Warn, summary)
    }

    /// Neither good nor bad.
    pub fn info(summary: impl Into<String>) -> Self {
        Self::of(Status::Info, summary)
    }

    /// The same with these details.
    #[must_use]
    pub fn with(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}

/// The state of a check in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The claim holds.
    Pass,
    /// It holds, with a remark; or it is broken and the login works all the same.
    Warn,
    /// It is broken.
    Fail,
    /// Not looked at or not reached.
    Skip,
    /// Neither good nor bad.
    Info,
}

/// One root cause.
#[derive(Debug)]
pub struct Cause {
    /// Stable kebab-case id, public interface.
    pub id: &'static str,
    /// A few words that complete "the login fails: …".
    pub title: &'static str,
    /// The step at which ssh stops because of it.
    pub blocks: Blocks,
    /// On which machine it lies.
    pub place: Place,
    /// What it means and how it is proved: plain text, paragraphs parted by an empty line.
    pub doc: &'static str,
    /// How it is kept from coming back: one or two sentences.
    pub prevent: &'static str,
    /// What to type, and what the facts are afterwards.
    pub fix: Fix,
    /// RFC sections, OpenSSH files and functions, manual pages.
    pub see: &'static [&'static str],
    /// Whether the facts show it.
    pub judge: fn(&Facts) -> Observed<Option<Finding>>,
}

/// A fix as functions on facts.
#[derive(Debug)]
pub struct Fix {
    /// The steps, the first one first.
    pub commands: fn(&Facts) -> Vec<Step>,
    /// Makes the facts what they would be after the steps; what cannot be known becomes `NotAttempted`.
    pub mend: fn(&mut Facts),
}

/// A duration as it is printed: what a clock cannot tell from nothing is `<1 ms`.
pub fn milliseconds(millis: f64) -> String {
    if millis < 1.0 { "<1 ms".to_owned() } else { format!("{millis:.0} ms") }
}

/// The steps of a login in ssh's own order; a cause blocks at one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blocks {
    /// Reading the configuration.
    Config,
    /// Resolving the name.
    Resolve,
    /// Connecting.
    Connect,
    /// Identification and key exchange.
    Transport,
    /// The host key.
    HostKey,
    /// Userauth: something is offered by a method the server takes.
    Offered,
    /// Userauth: the server accepts what is offered.
    Accepted,
    /// Userauth: the private key is read.
    Read,
    /// Userauth: the signature is made and accepted.
    Signed,
    /// Userauth: what is demanded after the key.
    Finished,
    /// The session.
    Session,
    /// Nothing: no fault, or none that is known.
    Nothing,
}

impl Blocks {
    /// The stage of the chain in which it stops.
    pub fn stage(self) -> Stage {
        match self {
            Self::Config => Stage::Config,
            Self::Resolve => Stage::Resolve,
            Self::Connect => Stage::Connect,
            Self::Transport => Stage::Transport,
            Self::HostKey => Stage::HostKey,
            Self::Offered | Self::Accepted | Self::Read | Self::Signed | Self::Finished => Stage::Auth,
            Self::Session | Self::Nothing => Stage::Session,
        }
    }
}

/// On which machine something lies or is to be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// This machine.
    Client,
    /// Between the two.
    Network,
    /// The target.
    Server,
    /// A host on the way.
    JumpHost,
    /// The machine where the forwarded agent runs.
    AgentHost,
    /// A Git host's web interface.
    GitHost,
    /// Here or on the server, which the same facts leave open: no place in a report.
    Open,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The facts show ssh or sshd taking the failing branch; no other cause leaves the same facts.
    Proven,
    /// Another cause could leave the same facts, but rarely does.
    Likely,
    /// It could be.
    Possible,
}

/// What a judging function found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How sure it is.
    pub certainty: Certainty,
    /// One sentence a person can act on.
    pub summary: String,
    /// What was seen, a fact a line, most telling first.
    pub evidence: Vec<String>,
    /// Where it lies, if not where the cause says.
    pub place: Option<Place>,
    /// The step at which it bites here, if not where the cause says.
    pub blocks: Option<Blocks>,
    /// Other causes that the same facts allow, likeliest first.
    pub alternatives: Vec<Alternative>,
    /// What a person will be asked (`access-needs-answer` only).
    pub needs: Vec<Need>,
}

impl Finding {
    /// A finding of that certainty, without evidence yet.
    pub fn new(certainty: Certainty, summary: impl Into<String>) -> Self {
        Self {
            certainty,
            summary: summary.into(),
            evidence: Vec::new(),
            place: None,
            blocks: None,
            alternatives: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// A proven finding.
    pub fn proven(summary: impl Into<String>) -> Self {
        Self::new(Certainty::Proven, summary)
    }

    /// A likely finding.
    pub fn likely(summary: impl Into<String>) -> Self {
        Self::new(Certainty::Likely, summary)
    }

    /// The same with one more line of evidence.
    #[must_use]
    pub fn seen(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// The same, biting at that step.
    #[must_use]
    pub fn at(mut self, blocks: Blocks) -> Self {
        self.blocks = Some(blocks);
        self
    }

    /// The same with these alternatives too, the likelier before the less likely, else in the order given.
    #[must_use]
    pub fn or(mut self, alternatives: impl IntoIterator<Item = Alternative>) -> Self {
        self.alternatives.extend(alternatives);
        self.alternatives.sort_by_key(|alternative| alternative.certainty);
        self
    }
}

/// Another cause that would leave the same facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Its id.
    pub cause: &'static str,
    /// How sure it is: likely or possible.
    pub certainty: Certainty,
    /// One sentence: what it would mean here.
    pub summary: String,
    /// What speaks for it.
    pub evidence: Vec<String>,
    /// The cheapest command that decides it.
    pub decide: Option<Decide>,
}

/// A command that decides whether an alternative is the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decide {
    /// Where it is typed.
    pub place: Place,
    /// The command, quoted.
    pub command: String,
}

/// One step of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it is done; never the network.
    pub place: Place,
    /// Whether it needs root.
    pub root: bool,
    /// The complete, quoted command for a POSIX shell; `None` where only a person can act.
    pub command: Option<String>,
    /// Why, or what to do where there is no command.
    pub why: String,
}

impl Step {
    /// A command for this machine, as oneself.
    pub fn here(command: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: Place::Client, root: false, command: Some(command.into()), why: why.into() }
    }

    /// A command for the server's administrator, as root.
    pub fn server_root(command: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: Place::Server, root: true, command: Some(command.into()), why: why.into() }
    }

    /// Something that only a person can do there.
    pub fn person(place: Place, why: impl Into<String>) -> Self {
        Self { place, root: false, command: None, why: why.into() }
    }
}

/// What ssh will ask a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Whether a new host key is right.
    HostKey,
    /// A key's passphrase.
    Passphrase,
    /// A password.
    Password,
    /// A one-time code or another dialogue.
    Code,
    /// An authenticator's PIN.
    Pin,
    /// A touch of an authenticator.
    Touch,
    /// A confirmation at the agent.
    Confirmation,
}

/// Every cause of the chain, in its order.
pub fn causes() -> impl Iterator<Item = (&'static Check, &'static Cause)> {
    CHAIN.iter().flat_map(|check| check.causes.iter().map(move |cause| (*check, *cause)))
}

/// What a cause finds. Where sshd's log is all that is known of the server, its own words come before every look at files.
///
/// # Errors
/// What was not seen, where it cannot be judged.
pub fn judge(cause: &Cause, facts: &Facts) -> Observed<Option<Finding>> {
    if let Some(found) = account::log::alone::found(facts, cause.id) {
        return Ok(Some(found));
    }
    (cause.judge)(facts)
}

/// The steps of a cause's fix; where sshd's log is all that is known of the server, those that its words allow.
pub fn commands(cause: &Cause, facts: &Facts) -> Vec<Step> {
    account::log::alone::steps(facts, cause.id).unwrap_or_else(|| (cause.fix.commands)(facts))
}

/// Makes the facts what they would be after a cause's fix.
pub fn mend(cause: &Cause, facts: &mut Facts) {
    if !account::log::alone::forget(facts, cause.id) {
        (cause.fix.mend)(facts);
    }
}

/// A fix that changes nothing in the facts: for findings that are no fault.
pub fn nothing_to_mend(_: &mut Facts) {}

/// Whether ssh gets past this step all the same, with this identity or another: then what blocks there is a remark.
pub fn passed(facts: &Facts, blocks: Blocks) -> bool {
    if blocks == Blocks::Connect {
        return connect::reached_in_time(facts);
    }
    if !(Blocks::Offered..=Blocks::Finished).contains(&blocks) {
        return false;
    }
    let Ok(turns) = course::course(facts) else {
        return false;
    };
    // What cannot be tried from here may let ssh in: then nothing is known to stop it.
    if userauth::let_in(facts, &turns) || beyond_the_probe(facts).is_some() {
        return true;
    }
    // Whoever was asked for a password was past the keys.
    if answers::is_refused(facts) || answers::change_demanded(facts).is_some() {
        return blocks < Blocks::Finished;
    }
    let reached = course::good(&turns).map(|turn| &turn.fate);
    match reached {
        Some(course::Fate::Accepted(course::Use::Partial(_))) => blocks <= Blocks::Signed,
        Some(_) => blocks <= Blocks::Read,
        None => course::stopped(&turns).is_some() && blocks <= Blocks::Accepted,
    }
}

/// Whether ssh gets past this finding of `cause` all the same; never past an agent that it waits for, whatever the probe,
/// which waited less long, saw behind it, nor past its own limit where the probe took longer.
pub fn got_past(facts: &Facts, cause: &Cause, blocks: Blocks) -> bool {
    let waits = cause.id == agent::AGENT_UNREACHABLE.id && agent::holds_ssh_up(facts);
    let gives_up = cause.id == transport::BANNER_TIMEOUT.id && transport::overdue(facts).is_some();
    passed(facts, blocks) && !waits && !gives_up
}

/// What ssh would try at this server and nobody here can, where the login was not finished.
pub(crate) fn beyond_the_probe(facts: &Facts) -> Option<String> {
    opinion::beyond_the_probe(facts)
}

/// The finding; nothing where sshd's log contradicts it; less sure where the running sshd may decide otherwise, where ssh would go on to something that was not tried and may let it in; with its source, where
/// that is ssh's own word.
pub fn doubted(facts: &Facts, cause: &Cause, finding: Finding) -> Option<Finding> {
    let log_alone = facts.account.as_ref().is_ok_and(|account| account.is_log_alone());
    let settled = if log_alone { Some(finding) } else { account::running::settled(facts, cause, finding) };
    let mut finding = log::tempered(facts, cause, proxy::tempered(facts, cause, settled?)?);
    let blocks = finding.blocks.unwrap_or(cause.blocks);
    let in_userauth = (Blocks::Offered..=Blocks::Finished).contains(&blocks);
    if in_userauth
        && finding.certainty == Certainty::Proven
        && let Some(untried) = userauth::silent_dialogue(facts)
    {
        finding.certainty = Certainty::Likely;
        finding.evidence.push(untried);
    }
    // What is missing may overturn it.
    if !log_alone && facts.account.as_ref().is_ok_and(|account| !account.collector.complete) {
        finding.certainty = Certainty::Possible;
        finding.evidence.push(account::further::CUT.to_owned());
    }
    // What ssh itself stated has its source named.
    if let Ok(opinion) = &facts.opinion
        && blocks >= Blocks::Transport
    {
        finding.evidence.push(format!("ssh itself says so (`ssh -vvv`, run once): {}", opinion.because));
    }
    Some(finding)
}

/// Quotes one word for a POSIX shell, as [`quoted_bytes`].
pub fn quoted(word: &str) -> String {
    quoted_bytes(word.as_bytes())
}

/// Quotes any bytes as one word for a POSIX shell that no program takes for an option, whatever somebody called a host or an
/// account: `--` stands before a dash. What a terminal would obey or hide is written in octal, for `printf` to make.
pub fn quoted_bytes(word: &[u8]) -> String {
    let end_of_options = if word.first() == Some(&b'-') { "-- " } else { "" };
    format!("{end_of_options}{}", quoted_option(word))
}

/// The same of a word that may be an option.
pub fn quoted_option(word: &[u8]) -> String {
    use std::fmt::Write as _;
    let plain = std::str::from_utf8(word).ok().filter(|text| text::escape(word) == **text);
    if let Some(quoted) = plain.and_then(|text| shlex::try_quote(text).ok()) {
        return quoted.into_owned();
    }
    let mut octal = String::new();
    for byte in word.iter().filter(|byte| **byte != 0) {
        // Writing to a String cannot fail.
        let _ = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                write!(octal, "{}", char::from(*byte))
            }
            _ => write!(octal, "\\{byte:03o}"),
        };
    }
    format!("\"$(printf '{octal}')\"")
}

/// The command line that asks the server's side the same again; `None` where it was not asked.
pub fn server_again(facts: &Facts) -> Option<String> {
    account::further::again(facts)
}

/// What the server's log says to when a login worked last, and what was changed since; `None` where it does not say it.
pub fn server_since(facts: &Facts) -> Option<String> {
    account::since::line(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word_for_a_shell() {
        let words: [&[u8]; 7] = [b"plain", b"a b", b"it's", b"$(reboot)", b"new\nline", b"\xff\x1b[31m", b"%s\\n"];
        for word in words {
            let script = format!("printf %s {}", quoted_bytes(word));
            let out = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(out.stdout, word);
        }
    }
}
