//! Why a connection ends before the server has said anything: too many are logging in, the address is penalised, or no
//! reason is given (sshd.c `drop_connection`).

use super::{
    SHOWN, Version, ended, forget_the_answer, is_ours_to_judge, is_refusal, quoted_lines, server, unidentified, words,
};
use crate::checks::account::drops;
use crate::checks::{Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Place, Step, log, quoted};
use crate::facts::connect::Dial;
use crate::facts::proxy::Through;
use crate::facts::transport::Transport;
use crate::facts::{End, Facts, Observed, known};
use crate::openssh::tokens;

/// What OpenSSH 8.x to 9.7 says before it drops a connection (sshd.c `drop_connection`).
pub(super) const EXCEEDED: &[u8] = b"Exceeded MaxStartups";

/// What OpenSSH from 9.8 on says, whatever the reason (sshd.c `drop_connection`).
pub(super) const NOT_ALLOWED: &[u8] = b"Not allowed at this time";

/// Where sshd's log is asked for the reason of a drop.
const DROPS: &str = "journalctl -t sshd --since '-1h' | grep -iE 'drop connection|maxstartups|penalty'";

pub(super) const MAX_STARTUPS: Cause = Cause {
    id: "max-startups",
    title: "the server drops new connections because too many are logging in",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "sshd counts connections that have not logged in yet. Past MaxStartups (10:30:100 by default: from 10 on some, \
        from 100 on all) or PerSourceMaxStartups it drops new ones. Scanners, a broken script, or many parallel \
        logins use the places up.\n\n\
        Proved by sshd's own text, \"Exceeded MaxStartups\" (8.x to 9.7). From 9.8 on sshd says \"Not allowed at this \
        time\" for other reasons as well; then see source-penalised. On the server it is proved by the log: the last \
        words about the client's address, not older than five minutes, are that it was dropped past MaxStartups, and sshd \
        was not told to begin anew since.",
    prevent: "Raise MaxStartups where many logins begin at once, shorten LoginGraceTime, and keep scanners out with a \
        firewall.",
    fix: Fix { commands: make_room, mend: forget_the_drop },
    see: &["sshd_config(5) MaxStartups, PerSourceMaxStartups", "sshd.c drop_connection"],
    judge: max_startups,
};

fn max_startups(facts: &Facts) -> Observed<Option<Finding>> {
    if let Some(found) = drops::too_many(facts) {
        return Ok(Some(found));
    }
    let Some(transport) = unidentified(facts)? else { return Ok(None) };
    if !is_refusal(&words(transport), EXCEEDED) {
        return Ok(None);
    }
    let mut finding = Finding::proven("sshd drops new connections: too many are in the middle of logging in");
    finding.evidence = quoted_lines(transport);
    Ok(Some(finding.seen(ended(transport.end.as_ref()))))
}

/// After a fix nothing is known of the answer, and nobody is dropped.
fn forget_the_drop(facts: &mut Facts) {
    drops::forget_drops(facts);
    forget_the_answer(facts);
}

fn make_room(facts: &Facts) -> Vec<Step> {
    if drops::too_many(facts).is_some() {
        return drops::make_room(facts);
    }
    vec![
        Step::person(Place::Client, "try again in a minute: places become free as others log in or are cut off"),
        Step::server_root(DROPS, "shows since when connections are dropped, and whose"),
        Step::server_root(
            "sshd -T | grep -iE 'startups|logingracetime'",
            "prints the limits in force, to be raised in sshd_config",
        ),
    ]
}

pub(super) const SOURCE_PENALISED: Cause = Cause {
    id: "source-penalised",
    title: "the server refuses this address for a while because of earlier failures",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "OpenSSH from 9.8 on remembers addresses whose connections failed to log in, and refuses them for seconds or \
        minutes (PerSourcePenalties). All machines behind one NAT share a penalty.\n\n\
        sshd says \"Not allowed at this time\" for a penalty and for MaxStartups alike, so from outside a penalty is \
        likely, and only its log proves it: its last words about the client's address, not older than five minutes, are \
        that it was dropped for a penalty, which is not known to be over.",
    prevent: "Let scripts log in with a key that works, not by trial; exempt trusted networks with \
        PerSourcePenaltyExemptList.",
    fix: Fix { commands: wait_for_the_penalty, mend: forget_the_drop },
    see: &["sshd_config(5) PerSourcePenalties", "sshd.c drop_connection", "srclimit.c srclimit_penalty_check_allow"],
    judge: source_penalised,
};

fn source_penalised(facts: &Facts) -> Observed<Option<Finding>> {
    if let Some(found) = drops::penalised(facts) {
        return Ok(Some(found));
    }
    let Some(transport) = unidentified(facts)? else { return Ok(None) };
    if !is_refusal(&words(transport), NOT_ALLOWED) {
        return Ok(None);
    }
    let startups = Alternative {
        cause: MAX_STARTUPS.id,
        certainty: Certainty::Possible,
        summary: "too many connections are in the middle of logging in".to_owned(),
        evidence: Vec::new(),
        decide: Some(Decide { place: Place::Server, command: DROPS.to_owned() }),
    };
    let mut finding =
        Finding::likely("sshd refuses this address for now, most likely because of logins that failed before");
    finding.evidence = quoted_lines(transport);
    Ok(Some(finding.seen(ended(transport.end.as_ref())).or([startups])))
}

fn wait_for_the_penalty(facts: &Facts) -> Vec<Step> {
    if drops::penalised(facts).is_some() {
        return drops::forgive(facts);
    }
    let address = facts.connect.as_ref().ok().and_then(|connect| connect.local_address.as_ref());
    let exempt = match address {
        Some(address) => format!(
            "if {address} (as the server sees it) is to be trusted, add it to PerSourcePenaltyExemptList in sshd_config"
        ),
        None => "if this address is to be trusted, add it to PerSourcePenaltyExemptList in sshd_config".to_owned(),
    };
    vec![
        Step::person(
            Place::Client,
            "wait a few minutes without trying; every further failure makes the penalty longer",
        ),
        Step::server_root(DROPS, "names the penalty and its reason"),
        Step::person(Place::Server, exempt),
    ]
}

pub(super) const CONNECTION_DROPPED: Cause = Cause {
    id: "connection-dropped",
    title: "the server ends the connection before the login begins, and does not say why",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "The connection is closed or reset before the key exchange is done. sshd drops connections past MaxStartups and \
        from penalised addresses; TCP wrappers (hosts.deny), fail2ban and firewalls refuse an address; an sshd whose \
        configuration or host keys became invalid dies on each connection; a load balancer or port forwarding has \
        nothing behind it.\n\n\
        That it was dropped is proved; which of these it was is only visible on the server.",
    prevent: "Run `sshd -t` before every reload, and keep your own networks out of what fail2ban may ban.",
    fix: Fix { commands: ask_the_log, mend: forget_the_answer },
    see: &["sshd.c drop_connection", "hosts_access(5)", "kex.c kex_exchange_identification"],
    judge: connection_dropped,
};

fn connection_dropped(facts: &Facts) -> Observed<Option<Finding>> {
    if log::is_behind_something(facts) {
        return Ok(None);
    }
    if let Some(finding) = reset_at_once(facts) {
        return Ok(Some(finding));
    }
    let transport = known(&facts.transport)?;
    if transport.complete
        || !is_ours_to_judge(transport)
        || !words(transport).is_empty() && transport.identification.is_none()
    {
        return Ok(None);
    }
    if !matches!(transport.end, Some(End::Closed | End::Reset(_) | End::Disconnect { .. })) {
        return Ok(None);
    }
    // A string that ssh does not take ends the connection from this side, or should have.
    let spoken = |text: &crate::facts::text::ServerText| Version::of(text.as_bytes()).is_some_and(Version::is_spoken);
    if transport.identification.as_ref().is_some_and(|text| !spoken(text)) {
        return Ok(None);
    }
    let exchanging = transport.server.is_some() || transport.agreed.is_some();
    let moment = match &transport.identification {
        None => "before it has said who it is",
        Some(_) if !exchanging => "right after its identification string",
        Some(_) => "in the middle of the key exchange",
    };
    let mut finding = Finding::proven(match &transport.end {
        Some(End::Disconnect { text, .. }) => {
            format!("{} disconnects {moment} and says: {}", server(facts), text.shortened(SHOWN))
        }
        _ => format!("{} drops the connection {moment}, without a reason", server(facts)),
    });
    if let Some(identification) = &transport.identification {
        finding = finding.seen(format!("identification string: {}", identification.shortened(SHOWN)));
    }
    Ok(Some(
        finding
            .seen(format!("{}, {}", taken(facts, transport), ended(transport.end.as_ref())))
            .or(members(facts, transport)),
    ))
}

/// What is known of the connection before its end: where a program makes it, whether the server took it is not, as long as
/// nothing came from there.
fn taken(facts: &Facts, transport: &Transport) -> &'static str {
    let through = facts.connect.as_ref().ok().and_then(|connect| connect.through.as_ref());
    match through {
        Some(Through::Program(_)) if transport.identification.is_none() => "nothing comes through the program",
        _ => "the server takes the connection",
    }
}

/// A reset that came so soon that connect(2) itself reported it: the server took the connection first, or it would have
/// been a refusal.
fn reset_at_once(facts: &Facts) -> Option<Finding> {
    let last = facts.connect.as_ref().ok()?.attempts.last()?;
    if last.outcome != Dial::Failed("ECONNRESET".to_owned()) {
        return None;
    }
    let summary = format!("{} drops the connection before it has said who it is, without a reason", server(facts));
    let seen = "the server takes the connection, then it is reset (ECONNRESET)";
    Some(Finding::proven(summary).seen(seen).or(members(facts, &Transport::default())))
}

/// What may be behind a drop, with the command that decides each.
fn members(facts: &Facts, transport: &Transport) -> Vec<Alternative> {
    let possible = |cause, summary: &str, command: String| Alternative {
        cause,
        certainty: Certainty::Possible,
        summary: summary.to_owned(),
        evidence: Vec::new(),
        decide: Some(Decide { place: Place::Server, command }),
    };
    let address = facts.connect.as_ref().ok().and_then(|connect| connect.local_address.as_ref());
    let ban = match address {
        Some(address) => format!(
            "nft list ruleset | grep -F {0}; grep -s sshd /etc/hosts.deny; fail2ban-client status sshd",
            quoted(&address.to_string())
        ),
        None => "grep -s sshd /etc/hosts.deny; fail2ban-client status sshd".to_owned(),
    };
    let mut members = vec![
        possible(MAX_STARTUPS.id, "too many connections are in the middle of logging in", DROPS.to_owned()),
        possible("source-banned", "hosts.deny, fail2ban or a firewall on the server refuses this address", ban),
        possible(
            "server-config-invalid",
            "sshd dies on each connection: its configuration or host keys are invalid",
            "sshd -t".to_owned(),
        ),
    ];
    let may_penalise = transport.identification.as_ref().is_none_or(|text| {
        let software = text.as_str().and_then(|text| text.strip_prefix("SSH-2.0-OpenSSH_"));
        software.and_then(tokens::version).is_some_and(|version| version >= (9, 8))
    });
    if may_penalise {
        let summary = "this address is penalised for logins that failed before (OpenSSH from 9.8 on)";
        members.insert(1, possible(SOURCE_PENALISED.id, summary, DROPS.to_owned()));
    }
    // A close without a reset would have let sshd's own words through, so they were not said.
    if transport.identification.is_none() && transport.end == Some(End::Closed) {
        members.sort_by_key(|member| member.cause == MAX_STARTUPS.id || member.cause == SOURCE_PENALISED.id);
    }
    members
}

fn ask_the_log(_: &Facts) -> Vec<Step> {
    vec![
        Step::server_root(
            "journalctl -t sshd --since '-15m' | tail -n 40",
            "sshd says there why it drops a connection",
        ),
        Step::server_root(
            "sshd -t",
            "prints what is wrong with sshd's configuration or host keys, and nothing if all is well",
        ),
    ]
}
