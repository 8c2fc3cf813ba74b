//! From a verdict to what every format renders: words chosen, commands filled in. The JSON report is this, serialised.

use serde::Serialize;

use crate::checks::{Certainty, Need, Place, Status};
use crate::diagnose::Verdict;
use crate::facts::text::{Address, Comment, Fingerprint, Host, Path, ServerText, User};
use crate::facts::{Facts, Footprint, Origin, Stage};

/// One report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `sshdoctor-report/1`.
    pub schema: &'static str,
    /// Our version.
    pub sshdoctor: &'static str,
    /// When the observation began, RFC 3339 with offset.
    pub observed_at: String,
    /// What kind of source it came from.
    pub source: Origin,
    /// The login that was meant.
    pub target: Option<TargetView>,
    /// This machine.
    pub client: ClientView,
    /// The server, as far as it was seen.
    pub server: Option<ServerView>,
    /// Every identity, those that ssh offers first, in its order.
    pub identities: Vec<IdentityView>,
    /// The verdict.
    pub verdict: VerdictView,
    /// With `server --all`.
    pub accounts: Option<Vec<AccountView>>,
    /// What the run cost; null where nothing was contacted.
    pub footprint: Option<FootprintView>,
    /// All checks of the chain, hops first.
    pub checks: Vec<CheckView>,
    /// The message to the server's administrator, where the report ends at the server; not part of the JSON.
    #[serde(skip)]
    pub message: Option<String>,
}

/// The login that was meant.
#[derive(Debug, Clone, Serialize)]
pub struct TargetView {
    /// As typed.
    pub input: Host,
    /// The account asked for.
    pub user: User,
    /// The name dialled.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The addresses it resolved to.
    pub addresses: Vec<Address>,
    /// The hops before it.
    pub via: Vec<Host>,
}

/// This machine.
#[derive(Debug, Clone, Serialize)]
pub struct ClientView {
    /// Its operating system.
    pub os: String,
    /// The local account.
    pub user: User,
    /// The ssh program, null where there is none.
    pub ssh: Option<Path>,
    /// Its version.
    pub ssh_version: Option<String>,
    /// Whether a person could have been asked.
    pub can_be_asked: bool,
}

/// The server, as far as it was seen.
#[derive(Debug, Clone, Serialize)]
pub struct ServerView {
    /// Its identification string.
    pub identification: Option<ServerText>,
    /// The methods that can continue, as it named them first.
    pub methods: Vec<String>,
    /// Its host key.
    pub host_key: Option<HostKeyView>,
}

/// The host key met.
#[derive(Debug, Clone, Serialize)]
pub struct HostKeyView {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// `match`, `unknown`, `changed`, `revoked`, `certificate` or null.
    pub known: Option<&'static str>,
}

/// One identity.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the shape is public interface")]
pub struct IdentityView {
    /// Its fingerprint; null where no public half is known.
    pub fingerprint: Option<Fingerprint>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its comment.
    pub comment: Option<Comment>,
    /// `agent`, `file`, `certificate`, `token`.
    pub sources: Vec<&'static str>,
    /// The key file, where there is one.
    pub path: Option<Path>,
    /// Whether it comes from a forwarded agent.
    pub forwarded: bool,
    /// Whether its private half is in hardware.
    pub hardware: bool,
    /// Whether ssh would offer it.
    pub offered_by_ssh: bool,
    /// Its place in ssh's order, from 1.
    pub order: Option<usize>,
    /// `accepted`, `refused`, `partial`, `not-asked` or `unknown`.
    pub answer: &'static str,
    /// Whether the login was made with it.
    pub used_to_log_in: bool,
}

/// The verdict.
#[derive(Debug, Clone, Serialize)]
pub struct VerdictView {
    /// The cause's id.
    pub cause: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it lies; null where nothing is wrong.
    #[serde(rename = "where")]
    pub place: Option<Place>,
    /// One sentence a person can act on.
    pub summary: String,
    /// What was seen.
    pub evidence: Vec<String>,
    /// What to type.
    pub next_steps: Vec<StepView>,
    /// How it is kept from coming back.
    pub prevent: Option<String>,
    /// What a person will be asked.
    pub needs: Vec<Need>,
    /// Further proven causes, in the order in which they would bite.
    pub also: Vec<AlsoView>,
    /// What else the same evidence allows.
    pub alternatives: Vec<AlternativeView>,
    /// The failed hop's own cause (`jump-host-failed`).
    pub hop: Option<HopView>,
    /// What is excluded.
    pub ruled_out: Vec<RuledOutView>,
}

/// One step of a fix.
#[derive(Debug, Clone, Serialize)]
pub struct StepView {
    /// Where to type it.
    #[serde(rename = "where")]
    pub place: Place,
    /// `sh` or `powershell`.
    pub shell: &'static str,
    /// `self` or `root`.
    #[serde(rename = "as")]
    pub as_whom: &'static str,
    /// The command; null where only a person can act.
    pub command: Option<String>,
    /// Why.
    pub why: String,
}

/// A further proven cause.
#[derive(Debug, Clone, Serialize)]
pub struct AlsoView {
    /// Its id.
    pub cause: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
    /// One sentence.
    pub summary: String,
    /// What was seen.
    pub evidence: Vec<String>,
    /// What to type.
    pub next_steps: Vec<StepView>,
}

/// Another cause that the evidence allows.
#[derive(Debug, Clone, Serialize)]
pub struct AlternativeView {
    /// Its id.
    pub cause: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
    /// One sentence.
    pub summary: String,
    /// What speaks for it.
    pub evidence: Vec<String>,
    /// What to type if it is the cause.
    pub next_steps: Vec<StepView>,
    /// What decides it.
    pub decide: Option<DecideView>,
}

/// A command that decides.
#[derive(Debug, Clone, Serialize)]
pub struct DecideView {
    /// Where to type it.
    #[serde(rename = "where")]
    pub place: Place,
    /// The command.
    pub command: String,
}

/// A failed hop.
#[derive(Debug, Clone, Serialize)]
pub struct HopView {
    /// The hop.
    pub host: Host,
    /// Its own cause.
    pub cause: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
    /// One sentence.
    pub summary: String,
    /// What was seen.
    pub evidence: Vec<String>,
    /// What to type.
    pub next_steps: Vec<StepView>,
}

/// An excluded cause.
#[derive(Debug, Clone, Serialize)]
pub struct RuledOutView {
    /// Its id.
    pub cause: &'static str,
    /// The observation that excludes it.
    pub because: String,
}

/// One account of `server --all`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountView {
    /// The account.
    pub user: User,
    /// What stands in its way.
    pub cause: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
    /// One sentence.
    pub summary: String,
}

/// What the run cost.
#[derive(Debug, Clone, Serialize)]
pub struct FootprintView {
    /// The target's share.
    #[serde(flatten)]
    pub target: Footprint,
    /// Each hop's share.
    pub hops: Vec<Footprint>,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct CheckView {
    /// Its id.
    pub id: &'static str,
    /// Its stage.
    pub stage: Stage,
    /// The hop it belongs to; null for the target.
    pub hop: Option<Host>,
    /// Its status.
    pub status: Status,
    /// One line.
    pub summary: String,
    /// The details.
    pub evidence: Vec<String>,
    /// How long it took to observe.
    pub millis: Option<f64>,
}

/// The report of one login.
pub fn report(facts: &Facts, verdict: &Verdict) -> Report {
    let _ = verdict;
    Report {
        schema: "sshdoctor-report/1",
        sshdoctor: env!("CARGO_PKG_VERSION"),
        observed_at: facts.observed_at.local.clone(),
        source: facts.origin,
        target: None,
        client: ClientView {
            os: facts.run.os.clone(),
            user: facts.run.user.clone(),
            ssh: None,
            ssh_version: None,
            can_be_asked: false,
        },
        server: None,
        identities: Vec::new(),
        verdict: VerdictView {
            cause: "undetermined",
            certainty: Certainty::Possible,
            place: None,
            summary: String::new(),
            evidence: Vec::new(),
            next_steps: Vec::new(),
            prevent: None,
            needs: Vec::new(),
            also: Vec::new(),
            alternatives: Vec::new(),
            hop: None,
            ruled_out: Vec::new(),
        },
        accounts: None,
        footprint: None,
        checks: Vec::new(),
        message: None,
    }
}
