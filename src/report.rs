//! From a verdict to what every format renders: words chosen, commands filled in. The JSON report is this, serialised.

mod identities;
mod message;
mod platform;

use serde::Serialize;

pub use crate::checks::milliseconds;

use crate::checks::{self, Blocks, Certainty, Finding, Need, Place, Remark, Status, Step};
use crate::diagnose::{self, Judged, Named, Verdict};
use crate::facts::host_key::Marker;
use crate::facts::log::Log;
use crate::facts::text::{Address, Comment, Fingerprint, Host, Path, ServerText, User};
use crate::facts::userauth::Answer;
use crate::facts::{Facts, Footprint, Origin, Stage};
use crate::openssh::known_hosts::{self, Standing};
use crate::openssh::prompts;

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
    /// What was read, where it is a transcript or a log.
    pub log: Option<Log>,
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
    /// The command line that makes this report anew, quoted; not part of the JSON.
    #[serde(skip)]
    pub again: Option<String>,
    /// Whether a connection was tried, whatever came of it; not part of the JSON.
    #[serde(skip)]
    pub dialled: bool,
    /// Whether the server refused a made-up key, as it does unless it says yes to everybody; not part of the JSON.
    #[serde(skip)]
    pub test_key: bool,
}

impl Report {
    /// Whether the client is another machine than the one on which this is read: nothing was observed here.
    pub fn is_away(&self) -> bool {
        self.log.is_some()
    }
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
    /// The machine that it comes from: this one's name, or the address that this shell was reached from, where a forwarded
    /// agent has it (that agent may run beyond it); null where that is not known.
    pub machine: Option<Host>,
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
    /// The other login over which the server's own side was looked at.
    pub admin: Option<AdminView>,
}

/// One more login, which ran the collector.
#[derive(Debug, Clone, Serialize)]
pub struct AdminView {
    /// The login as it was named.
    pub login: Host,
    /// Whether the collector ran there.
    pub ran: bool,
    /// Whether it ran as root by way of sudo.
    pub sudo: bool,
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
    /// What is to be said beside the verdict (the check-up), each with what mends it.
    pub remarks: Vec<RemarkView>,
    /// How long it took to observe.
    pub millis: Option<f64>,
}

/// Something that is wrong and does not decide.
#[derive(Debug, Clone, Serialize)]
pub struct RemarkView {
    /// One sentence.
    pub summary: String,
    /// What to type.
    pub next_steps: Vec<StepView>,
}

/// The report of one login.
pub fn report(facts: &Facts, verdict: &Verdict) -> Report {
    let identities = identities::views(facts);
    let mut checks: Vec<CheckView> = Vec::new();
    for hop in &facts.hops {
        let judged = diagnose::diagnose(hop);
        let name = hop_name(facts, hop);
        checks.extend(judged.checks.iter().map(|one| check(hop, one, Some(&name))));
    }
    checks.extend(verdict.checks.iter().map(|one| check(facts, one, None)));
    // What the verdict says is not said again.
    let said: Vec<&Finding> = [&verdict.first].into_iter().chain(&verdict.also).map(|named| &named.finding).collect();
    for check in &mut checks {
        check.remarks.retain(|remark| !said.iter().any(|finding| finding.summary == remark.summary));
    }
    let view = verdict_view(verdict, hop_view(verdict));
    let message = match (&verdict.hop, checks::proxy::failed(facts)) {
        (Some((_, judged)), Some(hop)) => message::message(hop, &verdict_view(judged, None)),
        _ => message::message(facts, &view),
    };
    Report {
        schema: "sshdoctor-report/1",
        sshdoctor: env!("CARGO_PKG_VERSION"),
        observed_at: facts.observed_at.local.clone(),
        source: facts.origin,
        log: facts.log.as_deref().cloned(),
        target: target(facts),
        client: client(facts),
        server: server(facts),
        identities,
        verdict: view,
        accounts: (!verdict.accounts.is_empty()).then(|| verdict.accounts.iter().map(account).collect()),
        footprint: footprint(facts),
        checks,
        message,
        again: again(facts),
        dialled: facts.connect.as_ref().is_ok_and(|connect| connect.proxy.is_none()),
        test_key: facts
            .userauth
            .as_ref()
            .is_ok_and(|userauth| matches!(userauth.canary, Some(Answer::Failure { partial: false, .. }))),
    }
}

/// A jump host's name; with its port where several of the chain have that name.
fn hop_name(facts: &Facts, hop: &Facts) -> Host {
    let Ok(target) = &hop.target else { return Host::default() };
    let is_named_so = |other: &&Facts| other.target.as_ref().is_ok_and(|other| other.host == target.host);
    match facts.hops.iter().filter(is_named_so).count() {
        0 | 1 => target.host.clone(),
        _ => Host::from(format!("[{}]:{}", target.host, target.port).as_str()),
    }
}

/// What the run cost, the other login included.
fn footprint(facts: &Facts) -> Option<FootprintView> {
    let admin = facts.over.as_ref().map(|over| {
        let root = facts.account.as_ref().is_ok_and(|account| account.collector.uid == 0);
        let sudo = root && over.uid.is_some_and(|uid| uid != 0);
        AdminView { login: over.login.clone(), ran: over.uid.is_some(), sudo }
    });
    let hops: Vec<Footprint> = facts.hops.iter().filter_map(|hop| hop.footprint).collect();
    if facts.footprint.is_none() && admin.is_none() && hops.is_empty() {
        return None;
    }
    Some(FootprintView { target: facts.footprint.unwrap_or_default(), hops, admin })
}

/// One account of several.
fn account((user, named): &(User, Named)) -> AccountView {
    AccountView {
        user: user.clone(),
        cause: named.cause.id,
        certainty: named.finding.certainty,
        summary: named.finding.summary.clone(),
    }
}

/// The login that was meant.
fn target(facts: &Facts) -> Option<TargetView> {
    let target = facts.target.as_ref().ok()?;
    let addresses = facts.resolve.as_ref().ok().and_then(|resolve| resolve.outcome.clone().ok());
    Some(TargetView {
        input: target.input.clone(),
        user: target.user.clone(),
        host: target.host.clone(),
        port: target.port,
        addresses: addresses.unwrap_or_default(),
        via: target.via.clone(),
    })
}

/// This machine.
fn client(facts: &Facts) -> ClientView {
    let ssh = facts.config.ssh.as_ref().ok();
    ClientView {
        os: facts.run.os.clone(),
        user: facts.run.user.clone(),
        ssh: ssh.map(|program| program.path.clone()),
        ssh_version: ssh.map(|program| program.version.clone()),
        can_be_asked: prompts::can_be_asked(facts),
    }
}

/// The server; `None` where it never said anything.
fn server(facts: &Facts) -> Option<ServerView> {
    let identification = facts.transport.as_ref().ok().and_then(|transport| transport.identification.clone());
    let host_key = facts.host_key.offered.as_ref().ok().map(|offered| HostKeyView {
        kind: offered.key.algorithm.clone(),
        fingerprint: offered.key.fingerprint.clone(),
        known: known_hosts::standing(facts).map(|standing| known(&standing)),
    });
    let methods = facts.userauth.as_ref().ok().and_then(|userauth| userauth.methods());
    if identification.is_none() && host_key.is_none() && methods.is_none() {
        return None;
    }
    Some(ServerView { identification, methods: methods.unwrap_or_default().to_vec(), host_key })
}

/// The word for how a host key stands. A certificate that ssh does not take leaves it with the plain key, which is
/// not known then.
fn known(standing: &Standing) -> &'static str {
    match standing {
        Standing::Match(entry) if entry.marker == Marker::CertAuthority => "certificate",
        Standing::Match(_) => "match",
        Standing::Unknown | Standing::BadCertificate(_) => "unknown",
        Standing::Changed(_) => "changed",
        Standing::Revoked => "revoked",
    }
}

/// One check's row; one that could not be judged is skipped with the reason.
fn check(facts: &Facts, judged: &Judged, hop: Option<&Host>) -> CheckView {
    let (status, summary, evidence) = match &judged.outcome {
        Ok(outcome) => (outcome.status, outcome.summary.clone(), outcome.evidence.clone()),
        Err(reason) => (Status::Skip, diagnose::skipped(reason), Vec::new()),
    };
    let remarks = judged.outcome.iter().flat_map(|outcome| &outcome.remarks);
    let view = |remark: &Remark| RemarkView {
        summary: remark.summary.clone(),
        next_steps: steps(facts, remark.steps.clone()),
    };
    CheckView {
        id: judged.check.id,
        stage: judged.check.stage,
        hop: hop.cloned(),
        status,
        summary,
        evidence,
        remarks: remarks.map(view).collect(),
        millis: facts.millis.get(judged.check.id).copied(),
    }
}

/// The verdict; what lies nowhere has no place.
fn verdict_view(verdict: &Verdict, hop: Option<HopView>) -> VerdictView {
    let Named { cause, finding, facts, .. } = &verdict.first;
    let faulty = cause.blocks != Blocks::Nothing;
    VerdictView {
        cause: cause.id,
        certainty: finding.certainty,
        place: Some(finding.place.unwrap_or(cause.place)).filter(|place| faulty && *place != Place::Open),
        summary: finding.summary.clone(),
        evidence: finding.evidence.clone(),
        next_steps: hop
            .as_ref()
            .map_or_else(|| steps(facts, checks::commands(cause, facts)), |hop| hop.next_steps.clone()),
        prevent: (faulty && !cause.prevent.is_empty()).then(|| cause.prevent.to_owned()),
        needs: finding.needs.clone(),
        also: verdict.also.iter().map(also).collect(),
        alternatives: finding
            .alternatives
            .iter()
            .map(|alternative| AlternativeView {
                cause: alternative.cause,
                certainty: alternative.certainty,
                summary: alternative.summary.clone(),
                evidence: alternative.evidence.clone(),
                next_steps: steps_of(alternative.cause, facts),
                decide: alternative.decide.as_ref().and_then(|decide| {
                    let command = platform::command(facts, decide.place, &decide.command)?;
                    Some(DecideView { place: decide.place, command })
                }),
            })
            .collect(),
        hop,
        ruled_out: ruled_out(verdict),
    }
}

/// What is excluded, first what a reader would suspect next: what bites where the verdict bites or just before it.
fn ruled_out(verdict: &Verdict) -> Vec<RuledOutView> {
    let step = |id: &str| checks::causes().find(|(_, cause)| cause.id == id).map(|(_, cause)| cause.blocks);
    let here = verdict.hop.as_ref().map_or(verdict.first.cause, |(_, judged)| judged.first.cause).blocks;
    let view = |(cause, because): &(&'static str, String)| RuledOutView { cause, because: because.clone() };
    // Of a jump host's login, what is excluded there.
    let ruled_out = verdict.hop.as_ref().map_or(&verdict.ruled_out, |(_, judged)| &judged.ruled_out);
    let mut views: Vec<RuledOutView> = ruled_out.iter().map(view).collect();
    views.sort_by_key(|view| {
        let there = step(view.cause).unwrap_or(here);
        (there.stage() > here.stage(), (here as u8).abs_diff(there as u8))
    });
    views
}

/// A further cause, its commands filled in from the facts it was found in.
fn also(named: &Named) -> AlsoView {
    AlsoView {
        cause: named.cause.id,
        certainty: named.finding.certainty,
        summary: named.finding.summary.clone(),
        evidence: named.finding.evidence.clone(),
        next_steps: steps(&named.facts, checks::commands(named.cause, &named.facts)),
    }
}

/// The jump host that fails, where that is the verdict.
fn hop_view(verdict: &Verdict) -> Option<HopView> {
    let (host, failed) = verdict.hop.as_ref().filter(|_| verdict.first.cause.blocks != Blocks::Nothing)?;
    let AlsoView { cause, certainty, summary, evidence, mut next_steps } = also(&failed.first);
    for step in &mut next_steps {
        step.place = checks::proxy::seen_from_target(step.place);
    }
    Some(HopView { host: host.clone(), cause, certainty, summary, evidence, next_steps })
}

/// What mends the cause of that id; nothing where only another source can prove it.
fn steps_of(id: &str, facts: &Facts) -> Vec<StepView> {
    let cause = checks::causes().map(|(_, cause)| cause).find(|cause| cause.id == id);
    cause.map(|cause| steps(facts, checks::commands(cause, facts))).unwrap_or_default()
}

/// The steps as every format shows them, in the words of the machine that each is typed on.
fn steps(facts: &Facts, steps: Vec<Step>) -> Vec<StepView> {
    steps.into_iter().flat_map(|step| platform::steps(facts, step)).collect()
}

/// The command line that makes this report anew, with ssh's options, which is how those of scp and sftp were noted.
fn again(facts: &Facts) -> Option<String> {
    if facts.account.as_ref().is_ok_and(|account| !account.logins.is_empty()) {
        return Some("sshdoctor server --all".to_owned());
    }
    if facts.origin == Origin::Server {
        return checks::server_again(facts);
    }
    let target = facts.target.as_ref().ok()?;
    let mut line = "sshdoctor".to_owned();
    if let Some(offered) = &facts.run.limits.offer {
        line = format!("{line} --offer {}", checks::quoted_bytes(offered.path.as_bytes()));
    }
    for word in &facts.config.arguments {
        line = format!("{line} {}", checks::quoted_option(word.as_bytes()));
    }
    Some(format!("{line} {}", checks::quoted_bytes(target.input.as_bytes())))
}

/// `1 key`, `3 keys`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
