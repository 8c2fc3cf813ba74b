//! Is there a TCP connection to the server? (sshconnect.c `ssh_connect_direct`, connect(2))

use std::fmt::Write as _;
use std::net::IpAddr;

use super::resolve::forget;
use super::{
    Alternative, Blocks, Cause, Certainty, Check, Decide, Finding, Fix, Outcome, Place, Status, Step, naming, quoted,
};
use crate::facts::connect::{Attempt, Dial};
use crate::facts::text::Address;
use crate::facts::userauth::Userauth;
use crate::facts::{Facts, Observed, Stage, Unobserved, known};

/// Check `connect`.
pub const CONNECT: Check = Check {
    id: "connect",
    stage: Stage::Connect,
    claim: "the server takes a TCP connection",
    causes: &[
        &CONNECT_BLOCKED_LOCALLY,
        &BIND_ADDRESS_UNUSABLE,
        &CONNECTION_REFUSED,
        &CONNECTION_TIMEOUT,
        &NETWORK_UNREACHABLE,
        &IPV6_BROKEN,
    ],
    holds: connects,
    rules_out: &[
        ("connection-refused", established),
        ("connection-refused", super::log::answered),
        ("connection-timeout", super::log::answered),
    ],
};

/// The connection, and what is to be said of a `ControlMaster` for this login.
fn connects(facts: &Facts) -> Observed<Outcome> {
    let seen = reached(facts);
    let Some((summary, note)) = multiplexed(facts) else { return seen };
    match seen {
        Ok(outcome) if outcome.status == Status::Fail => Ok(outcome.with([summary, note])),
        Ok(outcome) => Ok(Outcome::warn(summary).with([outcome.summary]).with(outcome.evidence).with([note])),
        Err(Unobserved::Failed(why)) => Ok(Outcome::warn(summary).with([why, note])),
        // Where a jump host fails, the user's ssh does not even come there.
        Err(_) if is_live(facts) => Ok(Outcome::warn(summary).with([note])),
        Err(why) => Err(why),
    }
}

/// Whether ssh has a live connection for this login.
fn is_live(facts: &Facts) -> bool {
    facts.config.control_master.as_ref().is_ok_and(|master| master.alive)
}

/// A multiplexing socket of this login that is there: a live one makes ssh log in nowhere (mux.c `muxclient`), one that is
/// left over is passed by.
fn multiplexed(facts: &Facts) -> Option<(String, String)> {
    let master = facts.config.control_master.as_ref().ok()?;
    if master.alive {
        let summary = format!("your ssh would not log in anew: a connection is open at {}", master.path);
        return Some((summary, "what follows is about a new login, as after `ssh -O exit`".to_owned()));
    }
    let error = master.stale.as_ref()?;
    let summary = format!("the ControlMaster socket {} is left of a connection that is gone", master.path);
    Some((summary, format!("nobody answers there ({error}): ssh passes it by and logs in anew")))
}

/// The connection, with the attempts that led to it.
fn reached(facts: &Facts) -> Observed<Outcome> {
    let connect = known(&facts.connect)?;
    if let Some(through) = super::proxy::connected(facts) {
        return through;
    }
    if connect.proxy.is_some() {
        return Err(match &facts.transport {
            // The program was not run.
            Err(why) => why.clone(),
            Ok(_) => Unobserved::Failed("the ProxyCommand makes the connection".to_owned()),
        });
    }
    let attempts: Vec<String> = connect.attempts.iter().map(line).collect();
    match (established(facts), attempts.last()) {
        (Some(seen), _) => Ok(Outcome::pass(seen).with(attempts)),
        // A run that was cut short while it dialled.
        (None, None) => match &facts.transport {
            Err(cut @ (Unobserved::Interrupted | Unobserved::TimedOut)) => Err(cut.clone()),
            _ => Err(Unobserved::NotAttempted),
        },
        (None, Some(last)) => Ok(Outcome { status: Status::Fail, ..Outcome::info(last.clone()) }.with(attempts)),
    }
}

/// The connection that was made, as an observation.
fn established(facts: &Facts) -> Option<String> {
    let connect = facts.connect.as_ref().ok()?;
    let attempt = connect.attempts.iter().find(|attempt| attempt.outcome == Dial::Established)?;
    Some(format!("TCP connection to {} port {}{}", attempt.address, attempt.port, took(attempt)))
}

/// ` in 12 ms`; nothing where it was not measured.
fn took(attempt: &Attempt) -> String {
    if attempt.millis > 0.0 { format!(" in {}", super::milliseconds(attempt.millis)) } else { String::new() }
}

/// One attempt as a line of evidence.
fn line(attempt: &Attempt) -> String {
    let Attempt { address, port, outcome, .. } = attempt;
    match outcome {
        Dial::Established => format!("{address} port {port}: connected{}", took(attempt)),
        Dial::Failed(error) => format!("{address} port {port}: {} ({error})", meaning(error)),
        Dial::TimedOut(seconds) => format!("{address} port {port}: no answer within {seconds} s"),
    }
}

/// The system's words for an error.
fn meaning(error: &str) -> &'static str {
    match error {
        "ECONNREFUSED" => "connection refused",
        "ETIMEDOUT" => "connection timed out",
        "ENETUNREACH" => "network is unreachable",
        "EHOSTUNREACH" => "no route to host",
        "ENETDOWN" => "network is down",
        "EHOSTDOWN" => "host is down",
        "EPERM" => "operation not permitted",
        "EACCES" => "permission denied",
        "EADDRNOTAVAIL" => "cannot assign requested address",
        "ENODEV" => "no such interface, or no such address on it",
        _ => "failed",
    }
}

/// What an attempt that failed says, the most telling first: a local refusal, then the server's, then silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// This machine forbids it.
    Blocked,
    /// Refused by a packet.
    Refused,
    /// No answer.
    Silent,
    /// The address to connect from is not to be had.
    Bind,
    /// No way there.
    Unreachable,
    /// Anything else.
    Other,
}

/// What kind of failure an attempt is; `None` for a connection.
fn kind(facts: &Facts, attempt: &Attempt) -> Option<Kind> {
    let error = match &attempt.outcome {
        Dial::Established => return None,
        Dial::TimedOut(_) => return Some(Kind::Silent),
        Dial::Failed(error) => error.as_str(),
    };
    Some(match error {
        "EPERM" | "EACCES" => Kind::Blocked,
        "ECONNREFUSED" => Kind::Refused,
        "ETIMEDOUT" => Kind::Silent,
        "ENETUNREACH" | "EHOSTUNREACH" | "ENETDOWN" | "EHOSTDOWN" | "ENONET" => Kind::Unreachable,
        "EADDRNOTAVAIL" | "ENODEV" if bound(facts).is_some() => Kind::Bind,
        _ if error.starts_with("EAI_") && bound(facts).is_some() => Kind::Bind,
        _ => Kind::Other,
    })
}

/// `BindAddress` or `BindInterface` with its value, where one is set.
fn bound(facts: &Facts) -> Option<(&'static str, &str)> {
    [("BindAddress", "bindaddress"), ("BindInterface", "bindinterface")].into_iter().find_map(|(name, keyword)| {
        let value = facts.config.options.first(keyword)?;
        (!value.is_empty() && value != "none").then_some((name, value))
    })
}

/// The finding where every attempt failed and the most telling failure is of this kind. It is proven where nothing but
/// missing routes to other addresses stands beside it.
fn when_all_failed(facts: &Facts, wanted: Kind, summary: impl Fn(&Attempt) -> String) -> Observed<Option<Finding>> {
    let connect = known(&facts.connect)?;
    // What the server's own firewall says of the address says more.
    let banned = super::account::bans::by_firewall(facts) && matches!(wanted, Kind::Refused | Kind::Silent);
    if connect.proxy.is_some() || connect.established().is_some() || banned {
        return Ok(None);
    }
    let kinds: Vec<(Kind, &Attempt)> =
        connect.attempts.iter().filter_map(|attempt| Some((kind(facts, attempt)?, attempt))).collect();
    let Some(&(leading, attempt)) = kinds.iter().min_by_key(|(kind, _)| *kind) else { return Ok(None) };
    if leading != wanted {
        return Ok(None);
    }
    let harmless = |kind: Kind| kind == wanted || kind == Kind::Unreachable;
    let all_tried = facts
        .resolve
        .as_ref()
        .is_ok_and(|resolve| resolve.outcome.as_ref().is_ok_and(|addresses| addresses.len() <= connect.attempts.len()));
    let alone = kinds.iter().all(|(kind, _)| harmless(*kind)) && (all_tried || facts.resolve.is_err());
    let certainty = if alone { Certainty::Proven } else { Certainty::Likely };
    let mut finding = Finding::new(certainty, summary(attempt));
    finding.evidence = connect.attempts.iter().map(line).collect();
    if !all_tried && facts.resolve.is_ok() {
        finding = finding.seen("the run ended before every address of the name was tried");
    }
    Ok(Some(finding))
}

/// The first address that failed in this way, and the port.
fn failed_address(facts: &Facts, wanted: Kind) -> Option<(&Address, u16)> {
    let connect = facts.connect.as_ref().ok()?;
    let attempt = connect.attempts.iter().find(|attempt| kind(facts, attempt) == Some(wanted))?;
    Some((&attempt.address, attempt.port))
}

/// After a fix there is a connection, of which nothing has been seen.
fn forget_the_connection(facts: &mut Facts) {
    forget(facts, Stage::Connect);
}

const CONNECT_BLOCKED_LOCALLY: Cause = Cause {
    id: "connect-blocked-locally",
    title: "this machine itself forbids the connection",
    blocks: Blocks::Connect,
    place: Place::Client,
    doc: "connect(2) failed with EPERM or EACCES: the packet never left this machine. A rule of its own firewall for \
        outgoing packets, a `prohibit` route, a sandbox or a security policy (SELinux, AppArmor, seccomp) stands \
        before it.\n\n\
        Over IPv6 a router's \"administratively prohibited\" gives EACCES as well, so there it is only likely.",
    prevent: "Try outgoing ssh from the accounts that need it whenever a rule, sandbox or policy of this machine \
        changes.",
    fix: Fix { commands: look_at_the_firewall, mend: forget_the_connection },
    see: &["connect(2) EACCES, EPERM", "nft(8)", "ip-route(8) prohibit", "RFC 4443 section 3.1"],
    judge: connect_blocked_locally,
};

fn connect_blocked_locally(facts: &Facts) -> Observed<Option<Finding>> {
    let finding = when_all_failed(facts, Kind::Blocked, |attempt| {
        format!("this machine forbids the connection to {} port {}", attempt.address, attempt.port)
    })?;
    let Some(mut finding) = finding else { return Ok(None) };
    let connect = known(&facts.connect)?;
    let from_a_router =
        |attempt: &&Attempt| attempt.outcome == Dial::Failed("EACCES".to_owned()) && !is_v4(&attempt.address);
    let blocked = connect.attempts.iter().filter(|attempt| kind(facts, attempt) == Some(Kind::Blocked));
    if blocked.clone().count() == blocked.filter(from_a_router).count() {
        finding.certainty = Certainty::Likely;
        finding = finding.or([Alternative {
            cause: NETWORK_UNREACHABLE.id,
            certainty: Certainty::Possible,
            summary: "a router or firewall on the way answers that the connection is prohibited".to_owned(),
            evidence: Vec::new(),
            decide: failed_address(facts, Kind::Blocked).map(|(address, _)| Decide {
                place: Place::Client,
                command: format!("ip route get {}", quoted(&address.to_string())),
            }),
        }]);
    }
    Ok(Some(finding))
}

fn look_at_the_firewall(facts: &Facts) -> Vec<Step> {
    let root = |command: String, why: &str| Step { root: true, ..Step::here(command, why) };
    let mut steps = vec![root(
        "nft list ruleset".to_owned(),
        "lists the rules for outgoing packets (iptables -S OUTPUT on older systems)",
    )];
    if let Some((address, _)) = failed_address(facts, Kind::Blocked) {
        let command = format!("ip route get {}", quoted(&address.to_string()));
        steps.push(Step::here(command, "says whether a route prohibits the address"));
    }
    steps.push(Step::person(
        Place::Client,
        "have the rule, sandbox or policy that forbids it allow this address and port",
    ));
    steps
}

const BIND_ADDRESS_UNUSABLE: Cause = Cause {
    id: "bind-address-unusable",
    title: "the local address that ssh is told to connect from cannot be used",
    blocks: Blocks::Connect,
    place: Place::Client,
    doc: "BindAddress (-b) or BindInterface (-B) names an address or interface that this machine does not have, or that \
        has no address of the server's family. ssh cannot open its socket, and reports a failure without a reason.\n\n\
        Proved by the error of bind(2), EADDRNOTAVAIL, or by the name not leading to an address or interface.",
    prevent: "Put BindAddress into Host blocks of hosts that need it only, and prefer BindInterface where addresses \
        change.",
    fix: Fix { commands: connect_from_anywhere, mend: forget_the_binding },
    see: &["ssh_config(5) BindAddress, BindInterface", "sshconnect.c ssh_create_socket", "bind(2) EADDRNOTAVAIL"],
    judge: bind_address_unusable,
};

fn bind_address_unusable(facts: &Facts) -> Observed<Option<Finding>> {
    let (name, value) = bound(facts).unwrap_or_default();
    let value = crate::facts::text::escape(value.as_bytes());
    when_all_failed(facts, Kind::Bind, |_| format!("{name} {value} is no address that this machine can connect from"))
}

fn connect_from_anywhere(facts: &Facts) -> Vec<Step> {
    let Some((name, _)) = bound(facts) else { return Vec::new() };
    vec![
        Step::here("ip -brief address", "lists the addresses that this machine has"),
        Step::person(
            Place::Client,
            format!("correct {name} in the configuration or on the command line, or leave it out"),
        ),
    ]
}

fn forget_the_binding(facts: &mut Facts) {
    facts.config.options.0.retain(|(keyword, _)| keyword != "bindaddress" && keyword != "bindinterface");
    forget(facts, Stage::Connect);
}

const CONNECTION_REFUSED: Cause = Cause {
    id: "connection-refused",
    title: "nothing takes connections at that address and port",
    blocks: Blocks::Connect,
    place: Place::Server,
    doc: "The host, or a firewall in its place, answered the connection attempt with a refusal. Mostly nothing listens \
        at that address and port: sshd is not running, listens on another port or another address, or the name leads \
        to the wrong machine.\n\n\
        Proved by ECONNREFUSED (a TCP reset, or an ICMP \"port unreachable\", which a rejecting firewall sends).",
    prevent: "Enable the service (`systemctl enable ssh`), and note a port other than 22 in a Host block.",
    fix: Fix { commands: start_sshd, mend: forget_the_connection },
    see: &["connect(2) ECONNREFUSED", "RFC 9293 section 3.5.2", "sshd_config(5) Port, ListenAddress"],
    judge: connection_refused,
};

fn connection_refused(facts: &Facts) -> Observed<Option<Finding>> {
    when_all_failed(facts, Kind::Refused, |attempt| {
        format!(
            "{} refuses connections on port {}: nothing listens there, or a firewall refuses",
            attempt.address, attempt.port
        )
    })
}

fn start_sshd(facts: &Facts) -> Vec<Step> {
    let port = failed_address(facts, Kind::Refused).map_or(22, |(_, port)| port);
    let filter = quoted(&format!("sport = :{port}"));
    vec![
        Step::server_root(
            format!("ss -tlnp {filter}"),
            "shows what listens on that port and on which address, typed at the console or in another way in",
        ),
        Step::server_root(
            "sshd -t && systemctl restart ssh",
            "checks the configuration and starts sshd (the unit is called sshd on some systems)",
        ),
        Step::person(
            Place::Client,
            "if sshd listens on another port, name it: ssh -p PORT, or Port in a Host block of ~/.ssh/config",
        ),
    ]
}

const CONNECTION_TIMEOUT: Cause = Cause {
    id: "connection-timeout",
    title: "the connection attempt gets no answer",
    blocks: Blocks::Connect,
    place: Place::Network,
    doc: "Not even a refusal came back within the time limit. A firewall or a cloud security group drops the packets, \
        the host is down, the address is out of date, or the network that leads there (VPN) is not connected.\n\n\
        Which of them it is cannot be seen from this side; that nothing answers is certain.",
    prevent: "Let firewalls refuse your own networks audibly (reject) instead of dropping, and give cloud hosts stable names.",
    fix: Fix { commands: find_the_silence, mend: forget_the_connection },
    see: &["connect(2) ETIMEDOUT", "RFC 9293 section 3.8.3", "ssh_config(5) ConnectTimeout"],
    judge: connection_timeout,
};

fn connection_timeout(facts: &Facts) -> Observed<Option<Finding>> {
    when_all_failed(facts, Kind::Silent, |attempt| {
        format!(
            "{} port {} gives no answer: a firewall drops it, the host is down, or the address is wrong",
            attempt.address, attempt.port
        )
    })
}

fn find_the_silence(facts: &Facts) -> Vec<Step> {
    let Some((address, port)) = failed_address(facts, Kind::Silent) else { return Vec::new() };
    let mut why =
        "shows by which interface and gateway this machine sends to it: is that the network or VPN meant?".to_owned();
    if let Ok(target) = &facts.target {
        let _ = write!(why, " Compare the address with the one that {} should have", target.host);
    }
    vec![
        Step::here(format!("ip route get {}", quoted(&address.to_string())), why),
        Step::server_root(
            "nft list ruleset",
            format!("shows whether the server's firewall lets port {port} in, typed at its console"),
        ),
        Step::person(
            Place::Server,
            format!(
                "in a cloud, allow TCP port {port} from your address in the security group, and check that the host is running"
            ),
        ),
    ]
}

const NETWORK_UNREACHABLE: Cause = Cause {
    id: "network-unreachable",
    title: "there is no way to the server's address",
    blocks: Blocks::Connect,
    place: Place::Network,
    doc: "This machine has no route to the address, or a router on the way (or the last one, for a host that does not \
        answer) says that it cannot be reached. The network is down, a VPN is not connected, the host is off, or a \
        firewall rejects with that answer.\n\n\
        Proved by ENETUNREACH or EHOSTUNREACH for every address of the name.",
    prevent: "Have the VPN connect by itself, or say in the Host block which one is needed.",
    fix: Fix { commands: find_the_route, mend: forget_the_connection },
    see: &["connect(2) ENETUNREACH", "RFC 792 Destination Unreachable", "ip-route(8)"],
    judge: network_unreachable,
};

fn network_unreachable(facts: &Facts) -> Observed<Option<Finding>> {
    let found = when_all_failed(facts, Kind::Unreachable, |attempt| {
        format!("there is no way from this machine to {}", attempt.address)
    })?;
    let withheld = failed_address(facts, Kind::Unreachable)
        .and_then(|(address, _)| super::macos::local_network(facts, &address.to_string()));
    Ok(found.map(|finding| match withheld {
        Some(alternative) => Finding { certainty: Certainty::Likely, ..finding }.or([alternative]),
        None => finding,
    }))
}

fn find_the_route(facts: &Facts) -> Vec<Step> {
    let Some((address, _)) = failed_address(facts, Kind::Unreachable) else { return Vec::new() };
    let command = if super::macos::is_client(facts) { "route -n get" } else { "ip route get" };
    vec![
        Step::here(format!("{command} {}", quoted(&address.to_string())), "shows the route, or that there is none"),
        Step::person(
            Place::Client,
            "connect the network or VPN that leads to this address; with a route in place, check that the host is on",
        ),
    ]
}

const IPV6_BROKEN: Cause = Cause {
    id: "ipv6-broken",
    title: "the server's IPv6 address does not work, its IPv4 address does",
    blocks: Blocks::Connect,
    place: Place::Network,
    doc: "The name has IPv6 and IPv4 addresses. ssh tries them in the resolver's order, one after the other: over IPv6 \
        nothing answers or the attempt fails, and only then IPv4 works. Without ConnectTimeout ssh waits for the \
        system's own limit, often two minutes, so it seems to hang.\n\n\
        Proved by an IPv6 attempt that failed and an IPv4 attempt that succeeded in the same run.",
    prevent: "Remove AAAA records of hosts whose sshd or firewall does not serve IPv6, or let it.",
    fix: Fix { commands: use_ipv4, mend: leave_ipv6_out },
    see: &["sshconnect.c ssh_connect_direct", "ssh_config(5) AddressFamily, ConnectTimeout", "RFC 6724"],
    judge: ipv6_broken,
};

/// Whether ssh gets a connection without waiting for the system's own limit (two minutes and more) at an address that
/// does not answer: it does so only where `ConnectTimeout` ends the wait.
pub(super) fn reached_in_time(facts: &Facts) -> bool {
    let Ok(connect) = &facts.connect else { return false };
    let waits = connect.attempts.iter().any(|attempt| matches!(attempt.outcome, Dial::TimedOut(_)));
    let limited = facts.config.options.first("connecttimeout").is_some_and(|limit| !matches!(limit, "none" | "0"));
    // A transcript of a login shows that it was waited for.
    let waited = facts.is_read() && facts.userauth.as_ref().is_ok_and(Userauth::succeeded);
    connect.established().is_some() && (!waits || limited || waited)
}

fn ipv6_broken(facts: &Facts) -> Observed<Option<Finding>> {
    let connect = known(&facts.connect)?;
    let Some(works) = connect.established().filter(|address| is_v4(address)) else { return Ok(None) };
    // A machine without IPv6 fails there at once, and nobody notices.
    let broken = |attempt: &&Attempt| {
        let lost = !matches!(kind(facts, attempt), None | Some(Kind::Bind)) && !is_v4(&attempt.address);
        lost && attempt.outcome != Dial::Failed("ENETUNREACH".to_owned())
    };
    let Some(failed) = connect.attempts.iter().find(broken) else { return Ok(None) };
    let summary = format!("over IPv6 ({}) the connection fails, over IPv4 ({works}) it works", failed.address);
    let mut finding = Finding::proven(summary);
    finding.evidence = connect.attempts.iter().map(line).collect();
    Ok(Some(finding))
}

fn use_ipv4(facts: &Facts) -> Vec<Step> {
    let block = naming::host_block(facts, &["AddressFamily inet".to_owned()]);
    vec![
        Step::here(format!("ssh -4 {}", naming::destination(facts)), "leaves IPv6 out this once"),
        Step::here(block, "leaves it out for this host from now on; move the block above any `Host *`"),
        Step::person(Place::Server, "have sshd and the firewall serve the IPv6 address, or take the AAAA record away"),
    ]
}

fn leave_ipv6_out(facts: &mut Facts) {
    facts.config.options.set("addressfamily", "inet");
    if let Ok(connect) = &mut facts.connect {
        connect.attempts.retain(|attempt| is_v4(&attempt.address));
    }
    if let Ok(resolve) = &mut facts.resolve
        && let Ok(addresses) = &mut resolve.outcome
    {
        addresses.retain(is_v4);
    }
}

/// Whether it is an IPv4 address; what is no address at all counts as one, so that it accuses nobody.
fn is_v4(address: &Address) -> bool {
    let text = address.as_str().unwrap_or_default();
    text.split('%').next().unwrap_or_default().parse::<IpAddr>().map_or(true, |address| address.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::account::Ban;
    use crate::facts::config::ControlMaster;
    use crate::facts::connect::Connect;
    use crate::facts::resolve::Resolve;

    fn scene(attempts: &[(&str, Dial)]) -> Facts {
        let attempts: Vec<Attempt> = attempts
            .iter()
            .map(|(address, outcome)| Attempt {
                address: (*address).into(),
                port: 22,
                outcome: outcome.clone(),
                millis: 3.0,
            })
            .collect();
        let addresses = attempts.iter().map(|attempt| attempt.address.clone()).collect();
        Facts {
            target: Ok(Target {
                input: "web1".into(),
                alias: "web1".into(),
                host: "web1".into(),
                port: 22,
                ..Target::default()
            }),
            resolve: Ok(Resolve { name: "web1".into(), numeric: false, outcome: Ok(addresses) }),
            connect: Ok(Connect { attempts, ..Connect::default() }),
            ..Facts::default()
        }
    }

    fn failed(error: &str) -> Dial {
        Dial::Failed(error.to_owned())
    }

    /// Every cause that is found, with its certainty.
    fn found(facts: &Facts) -> Vec<(&'static str, Certainty)> {
        let judged = CONNECT.causes.iter().filter_map(|cause| Some((cause.id, (cause.judge)(facts).ok()??.certainty)));
        judged.collect()
    }

    #[test]
    fn each_failure_has_its_cause() {
        let proven = Certainty::Proven;
        for (outcome, cause) in [
            (failed("ECONNREFUSED"), "connection-refused"),
            (Dial::TimedOut(5), "connection-timeout"),
            (failed("ETIMEDOUT"), "connection-timeout"),
            (failed("ENETUNREACH"), "network-unreachable"),
            (failed("EHOSTUNREACH"), "network-unreachable"),
            (failed("EPERM"), "connect-blocked-locally"),
            (failed("EACCES"), "connect-blocked-locally"),
        ] {
            assert_eq!(found(&scene(&[("192.0.2.7", outcome)])), [(cause, proven)]);
        }
        assert_eq!(found(&scene(&[("192.0.2.7", Dial::Established)])), []);
        assert_eq!(found(&scene(&[("192.0.2.7", failed("EMFILE"))])), []);
    }

    #[test]
    fn a_ban_that_was_seen_on_the_server_stands_in_place_of_its_effect() {
        let mut facts = scene(&[("192.0.2.7", failed("ECONNREFUSED"))]);
        let mut account = crate::facts::account::Account::default();
        (account.login.from, account.login.from_named) = (Some("192.0.2.100".into()), true);
        let rule = ["table ip f {", "chain c {", "type filter hook input priority 0;", "ip saddr 192.0.2.100 reject"];
        account.machine.bans = rule.iter().map(|line| Ban::Firewall((*line).into())).collect();
        facts.account = Ok(Box::new(account));
        assert_eq!(found(&facts), []);
        facts.account.as_mut().unwrap().machine.bans.pop();
        assert_eq!(found(&facts), [("connection-refused", Certainty::Proven)]);
    }

    #[test]
    fn a_missing_ipv6_route_does_not_blur_the_verdict() {
        let facts = scene(&[("2001:db8::7", failed("ENETUNREACH")), ("192.0.2.7", failed("ECONNREFUSED"))]);
        assert_eq!(found(&facts), [("connection-refused", Certainty::Proven)]);
    }

    #[test]
    fn addresses_that_fail_differently_leave_a_doubt() {
        let facts = scene(&[("192.0.2.7", Dial::TimedOut(5)), ("192.0.2.8", failed("ECONNREFUSED"))]);
        assert_eq!(found(&facts), [("connection-refused", Certainty::Likely)]);
    }

    #[test]
    fn an_address_that_was_not_tried_leaves_a_doubt() {
        let mut facts = scene(&[("192.0.2.7", Dial::TimedOut(5)), ("192.0.2.8", Dial::TimedOut(5))]);
        facts.connect.as_mut().unwrap().attempts.pop();
        assert_eq!(found(&facts), [("connection-timeout", Certainty::Likely)]);
    }

    #[test]
    fn a_prohibition_over_ipv6_may_come_from_a_router() {
        assert_eq!(
            found(&scene(&[("2001:db8::7", failed("EACCES"))])),
            [("connect-blocked-locally", Certainty::Likely)]
        );
        assert_eq!(
            found(&scene(&[("2001:db8::7", failed("EPERM"))])),
            [("connect-blocked-locally", Certainty::Proven)]
        );
    }

    #[test]
    fn a_bind_address_is_accused_only_where_there_is_one() {
        let mut facts = scene(&[("192.0.2.7", failed("EADDRNOTAVAIL"))]);
        assert_eq!(found(&facts), []);
        facts.config.options.set("bindaddress", "192.0.2.99");
        assert_eq!(found(&facts), [("bind-address-unusable", Certainty::Proven)]);
    }

    #[test]
    fn ipv6_is_broken_where_it_fails_and_ipv4_works() {
        let broken = [("ipv6-broken", Certainty::Proven)];
        assert_eq!(found(&scene(&[("2001:db8::7", Dial::TimedOut(5)), ("192.0.2.7", Dial::Established)])), broken);
        assert_eq!(found(&scene(&[("2001:db8::7", failed("ECONNREFUSED")), ("192.0.2.7", Dial::Established)])), broken);
        assert_eq!(found(&scene(&[("2001:db8::7", failed("ENETUNREACH")), ("192.0.2.7", Dial::Established)])), []);
        assert_eq!(found(&scene(&[("2001:db8::7", Dial::Established)])), []);
        let mut mended = scene(&[("2001:db8::7", Dial::TimedOut(5)), ("192.0.2.7", Dial::Established)]);
        (IPV6_BROKEN.fix.mend)(&mut mended);
        assert_eq!(found(&mended), []);
    }

    #[test]
    fn a_live_master_is_a_remark() {
        let mut facts = scene(&[("192.0.2.7", Dial::Established)]);
        assert_eq!((CONNECT.holds)(&facts).unwrap().summary, "TCP connection to 192.0.2.7 port 22 in 3 ms");
        facts.config.control_master =
            Ok(ControlMaster { path: "/run/master".into(), alive: true, stale: None, unbindable: None });
        assert_eq!((CONNECT.holds)(&facts).unwrap().status, Status::Warn);
        let stale = Some("ECONNREFUSED".to_owned());
        facts.config.control_master =
            Ok(ControlMaster { path: "/run/m".into(), alive: false, stale, unbindable: None });
        let outcome = (CONNECT.holds)(&facts).unwrap();
        assert_eq!(outcome.status, Status::Warn);
        assert!(outcome.summary.contains("/run/m is left"), "{outcome:?}");
    }

    #[test]
    fn a_missing_fact_accuses_nobody_and_a_mend_leaves_none() {
        assert_eq!(found(&Facts::default()), []);
        for outcome in ["ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EPERM"] {
            let mut facts = scene(&[("192.0.2.7", failed(outcome))]);
            let cause = CONNECT.causes.iter().find(|cause| matches!((cause.judge)(&facts), Ok(Some(_)))).unwrap();
            assert!(!(cause.fix.commands)(&facts).is_empty());
            (cause.fix.mend)(&mut facts);
            assert_eq!(facts.connect, Err(Unobserved::NotAttempted));
            assert_eq!(found(&facts), []);
        }
    }
}
