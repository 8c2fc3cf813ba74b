//! Does an SSH server answer, and can both sides agree on algorithms? (kex.c `kex_exchange_identification`,
//! RFC 4253 section 4.2; the algorithms are in `transport/algorithms.rs`)

mod algorithms;
mod dropped;

use dropped::{EXCEEDED, NOT_ALLOWED};

pub use algorithms::{ALGORITHMS, unspoken};

use super::resolve::forget;
use super::{
    Alternative, Blocks, Cause, Certainty, Check, Decide, Finding, Fix, Outcome, Place, Status, Step, naming, quoted,
};
use crate::facts::proxy::Through;
use crate::facts::transport::Transport;
use crate::facts::userauth::Userauth;
use crate::facts::{End, Facts, Observed, Stage, Unobserved, known};
use crate::openssh::algorithms::negotiate;

/// Check `banner`.
pub const BANNER: Check = Check {
    id: "banner",
    stage: Stage::Transport,
    claim: "an SSH server answers with its identification string",
    causes: &[
        &NOT_SSH_SERVER,
        &SSH_PROTOCOL_1_ONLY,
        &BANNER_TIMEOUT,
        &dropped::MAX_STARTUPS,
        &dropped::SOURCE_PENALISED,
        &super::account::bans::SOURCE_BANNED,
        &dropped::CONNECTION_DROPPED,
        &PROTOCOL_ERROR,
    ],
    holds: answers,
    rules_out: &[("not-ssh-server", identified), ("not-ssh-server", super::log::answered)],
};

/// How much of a server's line is shown, in characters.
const SHOWN: usize = 120;

/// The identification string, or what came in its place.
fn answers(facts: &Facts) -> Observed<Outcome> {
    let transport = known(&facts.transport)?;
    let before: Vec<String> = transport
        .pre_banner
        .iter()
        .take(8)
        .map(|line| format!("the server says before it: {}", line.shortened(SHOWN)))
        .collect();
    let Some(identification) = &transport.identification else {
        if super::proxy::hides_the_server(facts) {
            return Err(Unobserved::NotReached(Stage::Connect));
        }
        if facts.is_read() && (transport.complete || transport.server.is_some() || facts.host_key.offered.is_ok()) {
            return Err(Unobserved::NotInThisSource);
        }
        return Ok(Outcome { status: Status::Fail, ..Outcome::info("no identification string came") }.with(before));
    };
    let millis = transport
        .identification_millis
        .map(|millis| format!(" after {}", super::milliseconds(millis)))
        .unwrap_or_default();
    Ok(Outcome::pass(format!("{}{millis}", identification.shortened(SHOWN))).with(before))
}

/// The identification string as an observation.
fn identified(facts: &Facts) -> Option<String> {
    let transport = facts.transport.as_ref().ok()?;
    let identification = transport.identification.as_ref()?;
    Version::of(identification.as_bytes())?;
    Some(format!("the server identifies itself as {}", identification.shortened(SHOWN)))
}

/// The protocol version that an identification string names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    /// 2, or 1 for SSH-1 and for 1.99, which is both.
    major: u32,
    /// 0, or 99.
    minor: u32,
}

impl Version {
    /// As `sscanf("SSH-%d.%d-%[^\n]")` reads it; `None` for a string that ssh does not take.
    fn of(identification: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(identification);
        let (major, rest) = text.strip_prefix("SSH-")?.split_once('.')?;
        let (minor, software) = rest.split_once('-')?;
        let version = Self { major: major.parse().ok()?, minor: minor.parse().ok()? };
        (!software.is_empty()).then_some(version)
    }

    /// Whether ssh speaks it (kex.c `kex_exchange_identification`, `mismatch`).
    fn is_spoken(self) -> bool {
        self.major == 2 || (self.major == 1 && self.minor == 99)
    }
}

/// Everything that came where an identification string was awaited, a line each.
fn words(transport: &Transport) -> Vec<&[u8]> {
    let lines = transport.pre_banner.iter().map(crate::facts::text::ServerText::as_bytes);
    let rest = transport.unterminated.as_bytes();
    // The beginning of an identification string speaks for SSH, not against it.
    let endless = matches!(transport.end, Some(End::NotSsh(_)));
    let begun = !endless && (rest.starts_with(b"SSH-") || b"SSH-".starts_with(rest));
    lines.chain([rest].into_iter().filter(|_| !begun)).filter(|line| !line.is_empty()).collect()
}

/// The facts where no identification string came.
fn unidentified(facts: &Facts) -> Observed<Option<&Transport>> {
    Ok(Some(known(&facts.transport)?).filter(|transport| transport.identification.is_none() && !transport.complete))
}

/// Whether anything came that is no identification string.
pub(super) fn came(transport: &Transport) -> bool {
    !words(transport).is_empty()
}

/// The lines that came, as evidence.
pub(super) fn quoted_lines(transport: &Transport) -> Vec<String> {
    let lines = transport.pre_banner.iter().chain([&transport.unterminated]).filter(|line| !line.is_empty());
    lines.take(4).map(|line| format!("the server sends: {}", line.shortened(SHOWN))).collect()
}

/// How the connection ended, as evidence.
fn ended(end: Option<&End>) -> String {
    match end {
        None => "the connection is still open".to_owned(),
        Some(End::Closed) => "then it closes the connection".to_owned(),
        Some(End::Reset(error)) => format!("then the connection is reset ({error})"),
        Some(End::TimedOut) => "then nothing more comes".to_owned(),
        Some(End::Disconnect { code, text }) => {
            format!("then it disconnects with reason {code}: {}", text.shortened(SHOWN))
        }
        Some(End::Flood(messages)) => format!("then it sends {messages} messages and no answer"),
        Some(End::NotSsh(what) | End::KeyExchange(what)) => format!("then: {what}"),
    }
}

/// The server's address, port and user-facing name for a command's words.
fn server(facts: &Facts) -> String {
    let address = facts.connect.as_ref().ok().and_then(|connect| connect.established());
    match (address, &facts.target) {
        (Some(address), Ok(target)) => format!("{address} port {}", target.port),
        (None, Ok(target)) => format!("{} port {}", target.host, target.port),
        _ => "the server".to_owned(),
    }
}

/// After a fix the server answers, and how has not been seen.
fn forget_the_answer(facts: &mut Facts) {
    forget(facts, Stage::Transport);
}

const NOT_SSH_SERVER: Cause = Cause {
    id: "not-ssh-server",
    title: "what answers at that port is no SSH server",
    blocks: Blocks::Transport,
    place: Place::Client,
    doc: "A TCP connection is made, and what comes over it is another protocol's greeting or error (HTTP, TLS, SMTP, FTP \
        and the like) or bytes that cannot be an identification string. The port is another service's, or the address \
        another host's.\n\n\
        Proved by the bytes themselves where they belong to a known protocol or cannot be text; readable words of \
        another kind make it likely, because a wrapper before sshd may speak as well.",
    prevent: "Write a host's port into its Host block in ~/.ssh/config instead of remembering it.",
    fix: Fix { commands: find_the_port, mend: forget_the_answer },
    see: &["RFC 4253 section 4.2", "kex.c kex_exchange_identification"],
    judge: not_ssh_server,
};

fn not_ssh_server(facts: &Facts) -> Observed<Option<Finding>> {
    let transport = known(&facts.transport)?;
    let place = server(facts);
    if let Some(identification) = &transport.identification {
        let broken =
            Version::of(identification.as_bytes()).is_none_or(|version| version.major == 0 || version.major > 2);
        let shown = format!("identification string: {}", identification.shortened(SHOWN));
        let summary = format!("{place} answers with an identification string that ssh does not take");
        return Ok((broken && !transport.complete).then(|| Finding::proven(summary).seen(shown)));
    }
    let words = words(transport);
    if words.is_empty() && !transport.complete && matches!(transport.end, Some(End::NotSsh(_))) {
        let finding = Finding::proven(format!("{place} sends what no SSH server sends first"));
        return Ok(Some(finding.seen(ended(transport.end.as_ref()))));
    }
    if transport.complete || words.is_empty() || is_refusal(&words, EXCEEDED) || is_refusal(&words, NOT_ALLOWED) {
        return Ok(None);
    }
    let mut finding = if let Some(protocol) = protocol(&words) {
        Finding::proven(format!("{place} speaks {protocol}, not SSH"))
    } else if words.iter().any(|line| line.contains(&0) || std::str::from_utf8(line).is_err()) {
        Finding::proven(format!("{place} sends bytes that are no SSH"))
    } else if transport.pre_banner.len() >= 1024 || matches!(transport.end, Some(End::NotSsh(_))) {
        Finding::proven(format!("{place} sends text without end, and no identification string"))
    } else {
        Finding::likely(format!("{place} sends text, and no identification string")).or([Alternative {
            cause: dropped::CONNECTION_DROPPED.id,
            certainty: Certainty::Possible,
            summary: "something before sshd refuses the connection, and this text is its reason".to_owned(),
            evidence: Vec::new(),
            decide: Some(Decide { place: Place::Server, command: listening(facts) }),
        }])
    };
    finding.evidence = quoted_lines(transport);
    Ok(Some(finding.seen(ended(transport.end.as_ref()))))
}

/// Whether the lines are nothing but this refusal.
fn is_refusal(words: &[&[u8]], text: &[u8]) -> bool {
    matches!(words, [line] if line.trim_ascii() == text)
}

/// The protocol that greets or complains in this way.
fn protocol(words: &[&[u8]]) -> Option<&'static str> {
    let first = *words.first()?;
    let holds = |text: &str| words.iter().any(|line| String::from_utf8_lossy(line).to_ascii_uppercase().contains(text));
    let begins = |text: &str| first.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text.as_bytes()));
    Some(match first {
        _ if begins("HTTP/") || begins("<!DOCTYPE") || begins("<html") => "HTTP",
        [0x15 | 0x16, 3, _, ..] => "TLS",
        _ if (begins("220 ") || begins("220-")) && holds("SMTP") => "SMTP",
        _ if (begins("220 ") || begins("220-")) && holds("FTP") => "FTP",
        _ if begins("220 ") || begins("220-") || begins("554 ") || begins("421 ") => "SMTP or FTP",
        _ if begins("+OK") => "POP3",
        _ if begins("* OK") => "IMAP",
        _ if begins("RFB 0") => "VNC",
        _ if begins("@RSYNCD:") => "rsync",
        _ if begins("-ERR ") || begins("-NOAUTH") => "Redis",
        _ if begins("AMQP") => "AMQP",
        [0xff, 0xfb..=0xfe, ..] => "Telnet",
        [_, _, _, 0, 10, ..] => "MySQL",
        _ => return None,
    })
}

/// What shows the listeners of the port, on the server.
fn listening(facts: &Facts) -> String {
    let port = facts.target.as_ref().map_or(22, |target| target.port);
    format!("ss -tlnp {}", quoted(&format!("sport = :{port}")))
}

fn find_the_port(facts: &Facts) -> Vec<Step> {
    vec![
        Step::server_root(listening(facts), "shows which program listens on that port"),
        Step::server_root("sshd -T | grep -i '^port '", "prints the port that sshd is configured for"),
        Step::person(Place::Client, "name that port: ssh -p PORT, or Port in a Host block of ~/.ssh/config"),
    ]
}

const SSH_PROTOCOL_1_ONLY: Cause = Cause {
    id: "ssh-protocol-1-only",
    title: "the server speaks the SSH-1 protocol only",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "The identification string names protocol version 1.x (other than 1.99, which means both). SSH-1 is broken, and \
        OpenSSH has not spoken it since 7.6. Such servers are old network devices, or have `Protocol 1` configured.\n\n\
        Proved by the identification string.",
    prevent: "Replace or update devices that offer SSH-1 only.",
    fix: Fix { commands: enable_protocol_2, mend: speak_protocol_2 },
    see: &["RFC 4253 section 5", "kex.c kex_exchange_identification"],
    judge: ssh_protocol_1_only,
};

fn ssh_protocol_1_only(facts: &Facts) -> Observed<Option<Finding>> {
    let transport = known(&facts.transport)?;
    let Some(identification) = &transport.identification else { return Ok(None) };
    let only_1 =
        Version::of(identification.as_bytes()).is_some_and(|version| version.major == 1 && !version.is_spoken());
    let summary = format!("{} speaks SSH protocol 1 only, which no current ssh does", server(facts));
    let shown = format!("identification string: {}", identification.shortened(SHOWN));
    Ok(only_1.then(|| Finding::proven(summary).seen(shown)))
}

fn enable_protocol_2(_: &Facts) -> Vec<Step> {
    let why =
        "switch on SSH protocol 2 (on many devices `ip ssh version 2`, with a new host key), or update the software";
    vec![Step::person(Place::Server, why)]
}

fn speak_protocol_2(facts: &mut Facts) {
    forget_the_answer(facts);
}

pub(super) const BANNER_TIMEOUT: Cause = Cause {
    id: "banner-timeout",
    title: "the connection is made, and no identification string comes",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "TCP connects, and then nothing is sent. sshd hangs or the host is overloaded (the kernel takes connections for \
        a program that does not), a port forwarding leads to nowhere, a middlebox answers for a host that is gone, or \
        the port belongs to a service that waits for the client to speak first.\n\n\
        Behind jump hosts ConnectTimeout counts from the start of the first login to the target's identification string, \
        so that a limit which is ample for one host ends ssh (\"Connection timed out during banner exchange\") while it is \
        still on its way.\n\n\
        Proved by the silence within the time limit; likely where the way took longer than ConnectTimeout allows.",
    prevent: "Watch the server's memory and load, and let a health check read the identification string instead of only \
        connecting.",
    fix: Fix {
        commands: |facts| if overdue(facts).is_some() { allow_more_time(facts) } else { look_at_sshd(facts) },
        mend: forget_the_answer,
    },
    see: &["kex.c kex_exchange_identification", "RFC 4253 section 4.2", "ssh_config(5) ConnectTimeout"],
    judge: banner_timeout,
};

fn banner_timeout(facts: &Facts) -> Observed<Option<Finding>> {
    if let Some((limit, took)) = overdue(facts) {
        let place = server(facts);
        let summary = format!("ssh gives up after {limit} s (ConnectTimeout), before {place} can identify itself");
        let finding = Finding { place: Some(Place::Client), ..Finding::likely(summary) };
        return Ok(Some(
            finding
                .seen(format!(
                    "through the jump hosts it took {} to the identification string, and ssh needs more round trips",
                    super::milliseconds(took)
                ))
                .seen("ssh counts the logins at the jump hosts into the target's ConnectTimeout"),
        ));
    }
    let Some(transport) = unidentified(facts)? else { return Ok(None) };
    if !words(transport).is_empty() || transport.end != Some(End::TimedOut) {
        return Ok(None);
    }
    let place = server(facts);
    let certainty = if hurried(facts) { Certainty::Likely } else { Certainty::Proven };
    if !transport.unterminated.is_empty() {
        let summary = format!("{place} begins to identify itself and does not come to the end");
        let seen = format!("until the time limit came: {}", transport.unterminated.shortened(SHOWN));
        return Ok(Some(Finding::new(certainty, summary).seen(seen)));
    }
    let summary = format!("{place} takes the connection and sends nothing: sshd hangs, or no sshd is behind it");
    Ok(Some(Finding::new(certainty, summary).seen("no byte came before the time limit")))
}

/// `ConnectTimeout` in seconds and the milliseconds that the way through jump hosts took to the target's identification
/// string, where that is longer: the limit runs from the start of the `ssh -W` (sshconnect.c `ssh_login`).
pub(super) fn overdue(facts: &Facts) -> Option<(u64, f64)> {
    let connect = facts.connect.as_ref().ok()?;
    facts.transport.as_ref().ok()?.identification.as_ref()?;
    let limit =
        facts.config.options.first("connecttimeout")?.to_string().parse::<u32>().ok().filter(|limit| *limit > 0)?;
    // A way of which a part was gone before, or gone twice, tells not what it takes ssh.
    let once = |hop: &Facts| {
        hop.userauth.as_ref().is_ok_and(Userauth::succeeded) && hop.footprint.is_some_and(|cost| cost.connections == 1)
    };
    if !matches!(connect.through, Some(Through::Tunnel(_))) || !facts.hops.iter().all(once) {
        return None;
    }
    let sum = |login: &Facts, checks: &[&str]| checks.iter().filter_map(|check| login.millis.get(*check)).sum::<f64>();
    let hops =
        facts.hops.iter().map(|hop| sum(hop, &["resolve", "connect", "banner", "algorithms", "authorized-keys"]));
    let took = hops.sum::<f64>() + sum(facts, &["connect", "banner"]);
    (took > f64::from(limit) * 1000.0).then_some((limit.into(), took))
}

fn allow_more_time(facts: &Facts) -> Vec<Step> {
    vec![
        Step::here(
            format!("ssh -o ConnectTimeout=60 {}", naming::destination(facts)),
            "gives the whole way a minute: the first value that ssh meets counts",
        ),
        Step::person(Place::Client, "raise ConnectTimeout where it is set: ~/.ssh/config, an alias or a script's -o"),
    ]
}

fn look_at_sshd(facts: &Facts) -> Vec<Step> {
    vec![
        Step::server_root(
            "systemctl status ssh sshd; uptime",
            "shows whether sshd runs and how loaded the host is, typed at its console",
        ),
        Step::server_root(
            listening(facts),
            "shows what listens on that port; a full Recv-Q means that it takes no connections",
        ),
    ]
}

/// Whether the run's own limit left the server less time than ssh gives it: then silence shows less.
fn hurried(facts: &Facts) -> bool {
    facts.run.limits.timeout_seconds <= 10
}

/// Whether the probe's own algorithms were fit for this server, so that how it went on says something about the server.
fn is_ours_to_judge(transport: &Transport) -> bool {
    match (&transport.ours, &transport.server) {
        (Some(ours), Some(server)) => negotiate(ours, server).is_ok(),
        _ => true,
    }
}

const PROTOCOL_ERROR: Cause = Cause {
    id: "protocol-error",
    title: "what follows the server's identification string is no SSH",
    blocks: Blocks::Transport,
    place: Place::Network,
    doc: "The identification string is good, and then come bytes that cannot be an SSH packet: an impossible length, a \
        wrong MAC, wrong padding. A middlebox changes the stream, two programs write to one connection, or the server \
        is broken.\n\n\
        Proved by the packet itself. A key exchange that fails otherwise makes it only likely, because the server may \
        get on with another client.",
    prevent: "Keep proxies and packet inspection away from SSH connections.",
    fix: Fix { commands: go_around, mend: forget_the_answer },
    see: &["RFC 4253 section 6", "packet.c ssh_packet_read_poll2"],
    judge: protocol_error,
};

fn protocol_error(facts: &Facts) -> Observed<Option<Finding>> {
    let transport = known(&facts.transport)?;
    let Some(identification) = &transport.identification else { return Ok(None) };
    if !is_ours_to_judge(transport) {
        return Ok(None);
    }
    // A MAC is first looked at after the keys are taken into use, with the first answer of userauth.
    let later = facts.userauth.as_ref().ok().filter(|userauth| !userauth.succeeded());
    let later = later.and_then(|userauth| userauth.connections.first()).and_then(Option::as_ref);
    let end = if transport.complete { later } else { transport.end.as_ref() };
    let (certainty, what) = match end {
        Some(End::NotSsh(what)) => (Certainty::Proven, what),
        Some(End::KeyExchange(what)) => (Certainty::Likely, what),
        _ => return Ok(None),
    };
    let what = crate::facts::text::escape(what.as_bytes());
    Ok(Some(
        Finding::new(certainty, format!("{} breaks the SSH protocol: {what}", server(facts)))
            .seen(format!("identification string: {}", identification.shortened(SHOWN)))
            .seen(format!("then: {what}")),
    ))
}

fn go_around(facts: &Facts) -> Vec<Step> {
    if facts.target.is_err() {
        return Vec::new();
    }
    let command = super::log::more_words(facts);
    vec![
        Step::here(
            command,
            "shows where your own ssh stops; try it from another network too, to tell a middlebox from the server",
        ),
        Step::person(Place::Server, "look in sshd's log for what it makes of this connection"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::transport::KexInit;
    use crate::facts::userauth::Userauth;

    fn scene(transport: Transport) -> Facts {
        let target =
            Target { input: "web1".into(), alias: "web1".into(), host: "web1".into(), port: 22, ..Target::default() };
        Facts { target: Ok(target), transport: Ok(transport), ..Facts::default() }
    }

    fn text(lines: &[&str], unterminated: &[u8], end: End) -> Facts {
        scene(Transport {
            pre_banner: lines.iter().map(|&line| line.into()).collect(),
            unterminated: unterminated.into(),
            end: Some(end),
            ..Transport::default()
        })
    }

    fn identified_as(identification: &str, end: Option<End>) -> Facts {
        scene(Transport { identification: Some(identification.into()), end, ..Transport::default() })
    }

    /// Every cause that is found, with its certainty.
    fn found(facts: &Facts) -> Vec<(&'static str, Certainty)> {
        let causes = BANNER.causes.iter().chain(ALGORITHMS.causes);
        causes.filter_map(|cause| Some((cause.id, (cause.judge)(facts).ok()??.certainty))).collect()
    }

    #[test]
    fn another_protocol_is_proved_by_its_words() {
        for (lines, unterminated) in [
            (&["HTTP/1.1 400 Bad Request", "Server: nginx"][..], &b""[..]),
            (&[], b"\x15\x03\x01\x00\x02\x02F"),
            (&["220 mail.example.org ESMTP Postfix"], b""),
            (&["220-FTP server ready"], b""),
            (&["* OK IMAP4rev1 ready"], b""),
            (&[], b"RFB 003.008"),
            (&[], b"\xff\xfd\x18\xff\xfd\x20"),
            (&[], b"\x01\x00\x02"),
        ] {
            for end in [End::Closed, End::TimedOut] {
                assert_eq!(
                    found(&text(lines, unterminated, end)),
                    [("not-ssh-server", Certainty::Proven)],
                    "{lines:?}"
                );
            }
        }
    }

    #[test]
    fn unknown_words_leave_a_doubt() {
        assert_eq!(found(&text(&["go away"], b"", End::Closed)), [("not-ssh-server", Certainty::Likely)]);
    }

    #[test]
    fn the_words_of_sshd_name_the_limit() {
        let proven = [("max-startups", Certainty::Proven)];
        assert_eq!(found(&text(&["Exceeded MaxStartups"], b"", End::Closed)), proven);
        assert_eq!(
            found(&text(&["Exceeded MaxStartups today"], b"", End::Closed)),
            [("not-ssh-server", Certainty::Likely)]
        );
        let likely = [("source-penalised", Certainty::Likely)];
        assert_eq!(found(&text(&["Not allowed at this time"], b"", End::Reset("ECONNRESET".to_owned()))), likely);
    }

    #[test]
    fn a_drop_without_words_is_the_group() {
        let dropped = [("connection-dropped", Certainty::Proven)];
        for end in [End::Closed, End::Reset("ECONNRESET".to_owned())] {
            assert_eq!(found(&text(&[], b"", end.clone())), dropped);
            assert_eq!(found(&identified_as("SSH-2.0-OpenSSH_9.2p1", Some(end))), dropped);
        }
        assert_eq!(found(&text(&[], b"", End::TimedOut)), [("banner-timeout", Certainty::Proven)]);
    }

    #[test]
    fn a_penalty_is_no_member_where_the_server_knows_none() {
        let members = |identification: &str| -> Vec<&str> {
            let facts = identified_as(identification, Some(End::Closed));
            let finding = (dropped::CONNECTION_DROPPED.judge)(&facts).unwrap().unwrap();
            finding.alternatives.iter().map(|member| member.cause).collect()
        };
        assert!(members("SSH-2.0-OpenSSH_9.8p1").contains(&"source-penalised"));
        assert!(!members("SSH-2.0-OpenSSH_9.7p1").contains(&"source-penalised"));
        assert!(!members("SSH-2.0-dropbear_2022.83").contains(&"source-penalised"));
    }

    #[test]
    fn the_protocol_version_decides() {
        assert_eq!(found(&identified_as("SSH-1.5-Cisco-1.25", None)), [("ssh-protocol-1-only", Certainty::Proven)]);
        assert_eq!(found(&identified_as("SSH-1.99-Cisco-1.25", None)), []);
        for broken in ["SSH-2.0", "SSH-3.0-odd", "SSH-x.y-odd"] {
            assert_eq!(
                found(&identified_as(broken, Some(End::Closed))),
                [("not-ssh-server", Certainty::Proven)],
                "{broken}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_ssh_break_the_protocol() {
        let end = Some(End::NotSsh("packet length 1213486160".to_owned()));
        assert_eq!(found(&identified_as("SSH-2.0-x", end)), [("protocol-error", Certainty::Proven)]);
        let end = Some(End::KeyExchange("wrong signature".to_owned()));
        assert_eq!(found(&identified_as("SSH-2.0-x", end)), [("protocol-error", Certainty::Likely)]);
        assert_eq!(found(&identified_as("SSH-2.0-x", Some(End::TimedOut))), [("kex-stalled", Certainty::Proven)]);
    }

    #[test]
    fn a_wrong_mac_after_the_key_exchange_breaks_the_protocol() {
        let mut facts = identified_as("SSH-2.0-x", None);
        facts.transport.as_mut().unwrap().complete = true;
        facts.userauth =
            Ok(Userauth { connections: vec![Some(End::NotSsh("wrong MAC".to_owned()))], ..Userauth::default() });
        assert_eq!(found(&facts), [("protocol-error", Certainty::Proven)]);
        facts.userauth = Ok(Userauth { connections: vec![Some(End::Closed)], ..Userauth::default() });
        assert_eq!(found(&facts), []);
    }

    #[test]
    fn what_only_the_probe_could_not_agree_on_accuses_nobody() {
        let kex = |name: &str| Some(KexInit { kex: vec![name.to_owned()], ..KexInit::default() });
        for end in [End::Closed, End::TimedOut, End::KeyExchange("no match".to_owned())] {
            let mut facts = identified_as("SSH-2.0-x", Some(end));
            let transport = facts.transport.as_mut().unwrap();
            (transport.ours, transport.server) = (kex("curve25519-sha256"), kex("mlkem768x25519-sha256"));
            assert_eq!(found(&facts), []);
        }
    }

    #[test]
    fn a_healthy_exchange_and_a_missing_fact_accuse_nobody() {
        let mut facts = identified_as("SSH-2.0-OpenSSH_9.2p1", None);
        facts.transport.as_mut().unwrap().complete = true;
        assert_eq!(found(&facts), []);
        assert_eq!(found(&Facts::default()), []);
        assert_eq!((BANNER.holds)(&facts).unwrap().summary, "SSH-2.0-OpenSSH_9.2p1");
    }

    #[test]
    fn after_the_fix_the_answer_is_unknown() {
        for facts in
            [text(&[], b"", End::Closed), text(&["HTTP/1.1 400"], b"", End::Closed), identified_as("SSH-1.5-x", None)]
        {
            let cause = BANNER.causes.iter().find(|cause| matches!((cause.judge)(&facts), Ok(Some(_)))).unwrap();
            assert!(!(cause.fix.commands)(&facts).is_empty());
            let mut mended = facts.clone();
            (cause.fix.mend)(&mut mended);
            assert_eq!(found(&mended), []);
        }
    }
}
