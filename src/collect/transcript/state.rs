//! The facts of a login of which nothing is known but ssh's own transcript. What it does not state is not in this source.

mod login;

use super::Transcript;
use super::way::errno;
use crate::collect::config::complaint;
use crate::facts::config::{Complaint, ComplaintKind, Config, ControlMaster, SshProgram};
use crate::facts::connect::{Attempt, Connect, Dial};
use crate::facts::host_key::{
    Elsewhere, HostKey, KnownHost, KnownHosts, Marker, OfferedHostKey, RefusedCertificate, RevokedHostKeys,
};
use crate::facts::key::{Blob, PublicKey};
use crate::facts::log::{Log, Part, Waits};
use crate::facts::proxy::{Program, Proxy, Role, Through, Tunnel, UNNAMED};
use crate::facts::resolve::{Resolve, ResolveError};
use crate::facts::session::ChannelOpen;
use crate::facts::text::{Fingerprint, Host, Path, ServerText};
use crate::facts::transport::{KexInit, Transport};
use crate::facts::userauth::{UNSEEN_METHOD, Userauth};
use crate::facts::{End, Facts, Origin, Source, Stage, Target, Unobserved, UserFrom};

/// Who says that something was not there to be seen.
const UNSEEN: Unobserved = Unobserved::NotInThisSource;
/// What the system says of an address that does not answer.
const UNANSWERED: &str = "Connection timed out";
/// What stands for a server that no line names.
const NAMELESS: &str = "the server";
/// What stands for an algorithm that both sides have and that was not printed.
const SHARED: &str = "not printed";

/// The facts that a transcript states.
pub(in crate::collect) fn state(seen: &Transcript) -> Facts {
    let mut facts = nothing();
    let part = Part { level: seen.level, ..Part::default() };
    facts.log = Some(Box::new(Log { client: Some(part), ..Log::default() }));
    system(seen).clone_into(&mut facts.run.os);
    config(&mut facts, seen);
    target(&mut facts, seen);
    hops(&mut facts, seen);
    if facts.config.complaint.is_some() {
        return facts;
    }
    way(&mut facts, seen);
    transport(&mut facts, seen);
    host_key(&mut facts, seen);
    login::state(&mut facts, seen);
    let placed = facts.transport.as_ref().is_ok_and(|transport| transport.end.is_some());
    if !placed && facts.userauth.is_err() && !seen.host_key_refused {
        ended(&mut facts, seen);
    }
    facts
}

/// How it ended, where no step is known at which it did; or what it still waits for.
fn ended(facts: &mut Facts, seen: &Transcript) {
    let spoilt = matches!(seen.end, Some(End::NotSsh(_) | End::KeyExchange(_)));
    let Some(part) = facts.log.as_mut().and_then(|log| log.client.as_mut()) else { return };
    part.ended = seen.end.clone().filter(|_| seen.level == 0 || spoilt);
    part.in_session = seen.broke_off;
    part.waits = waits(seen);
}

/// What ssh waits for where its words end.
fn waits(seen: &Transcript) -> Option<Waits> {
    let way = &seen.way;
    let went_on = seen.service_accepted || seen.none.is_some() || seen.admitted_by.is_some() || seen.has_keys;
    let over = seen.end.is_some() || way.failed.is_some() || way.unresolved.is_some() || way.unnegotiated.is_some();
    if over || went_on || seen.refused.is_some() {
        return None;
    }
    let questions = &seen.questions;
    if questions.host_key {
        return Some(Waits::HostKey);
    }
    if seen.level == 0
        && (questions.password || questions.passphrase || questions.pin || questions.touch || questions.dialogues > 0)
    {
        return Some(Waits::Answer);
    }
    let direct = way.program.is_none() && seen.hop.is_none() && seen.identification.is_none() && seen.level > 0;
    let (address, _, failed) = way.dialled.last().filter(|_| direct)?;
    match (seen.connected, failed) {
        (true, _) => Some(Waits::Identification),
        (false, None) => Some(Waits::Connection(address.clone())),
        (false, Some(_)) => None,
    }
}

/// Facts of which nothing was in the source.
pub(in crate::collect) fn nothing() -> Facts {
    Facts {
        origin: Origin::Log,
        target: Err(UNSEEN),
        config: Config { ssh: Err(UNSEEN), control_master: Err(UNSEEN), ..Config::default() },
        identities: Err(UNSEEN),
        agent: Err(UNSEEN),
        resolve: Err(UNSEEN),
        connect: Err(UNSEEN),
        transport: Err(UNSEEN),
        host_key: HostKey { offered: Err(UNSEEN), known: Err(UNSEEN), ..HostKey::default() },
        userauth: Err(UNSEEN),
        session: Err(UNSEEN),
        account: Err(UNSEEN),
        ..Facts::default()
    }
}

/// The system that ssh ran on, by its own name or by where homes are; empty where neither tells.
fn system(seen: &Transcript) -> &'static str {
    let has_drive = |path: &Path| path.as_bytes().get(1..3) == Some(b":\\") && path.as_bytes()[0].is_ascii_alphabetic();
    let is_of_windows = seen.version.as_ref().is_some_and(|version| version.contains("_for_Windows"))
        || seen.keys.troubles.iter().any(|(path, _)| has_drive(path))
        || seen.complaints.iter().any(|line| line.to_string().contains(":\\"));
    let lies_in = |folder: &[u8]| seen.keys.files.iter().any(|(path, _)| path.as_bytes().starts_with(folder));
    match (is_of_windows, lies_in(b"/Users/")) {
        (true, _) => "Windows",
        (_, true) => "macOS",
        _ => "",
    }
}

fn config(facts: &mut Facts, seen: &Transcript) {
    if let Some(version) = &seen.version {
        facts.config.ssh = Ok(SshProgram { path: "ssh".into(), version: version.clone() });
    }
    // ssh evaluated it; what it has shown of it stands among the options.
    facts.config.evaluated = true;
    facts.config.applied.clone_from(&seen.applied);
    facts.config.inaccessible.clone_from(&seen.inaccessible);
    let began = seen.way.host.is_some() || seen.connected || seen.keys.denied.is_some() || seen.end.is_some();
    if !began {
        let complaint = complaint(seen.complaints.clone());
        facts.config.complaint = Some(complaint).filter(|complaint| complaint.kind != ComplaintKind::Other);
    }
    // Where it cannot expand a value it ends, however far it has come.
    let refused = seen.refused.iter().chain(seen.command_failed.iter().take(1));
    let over = seen.admitted_by.is_some() || seen.keys.denied.is_some();
    if let Some(line) = refused.into_iter().next().filter(|_| facts.config.complaint.is_none() && !over) {
        let (kind, at) = (ComplaintKind::Other, Source::Command("ssh".to_owned()));
        facts.config.complaint = Some(Complaint { kind, at, line: None, said: vec![line.clone()] });
    }
    if let Some((path, error)) = &seen.way.unbindable {
        let (path, unbindable) = (path.clone(), Some(error.clone()));
        facts.config.control_master = Ok(ControlMaster { path, alive: false, stale: None, unbindable });
    }
    if let Some(preferred) = &seen.keys.preferred {
        // With a host key that is not the known one ssh itself leaves out what gives away a password.
        let left_out = if seen.host.without_passwords { ",keyboard-interactive,password" } else { "" };
        facts.config.options.set("preferredauthentications", &format!("{preferred}{left_out}"));
    }
    if let Some(kexinit) = &seen.way.proposals[0] {
        for (keyword, names) in [
            ("kexalgorithms", &kexinit.kex),
            ("hostkeyalgorithms", &kexinit.host_key),
            ("ciphers", &kexinit.cipher_client_to_server),
            ("macs", &kexinit.mac_client_to_server),
        ] {
            facts.config.options.set(keyword, &names.join(","));
        }
    }
}

fn target(facts: &mut Facts, seen: &Transcript) {
    let onward = onward(seen);
    let Some(host) = seen.way.host.clone().or_else(|| onward.clone().map(|(host, _)| host)) else { return };
    let user = seen.way.user.clone().unwrap_or_default();
    let port = seen.way.port.or(onward.map(|(_, port)| port)).unwrap_or(22);
    let input =
        if user.is_empty() { host.clone() } else { Host::new([user.as_bytes(), b"@", host.as_bytes()].concat()) };
    if port != 22 {
        facts.config.arguments.extend(["-p".into(), port.to_string().into()]);
    }
    facts.target = Ok(Target {
        input,
        alias: host.clone(),
        user,
        user_from: UserFrom::CommandLine,
        host,
        port,
        via: Vec::new(),
        program: "ssh".to_owned(),
        command: seen.command.clone().or_else(|| seen.subsystem.clone()),
        subsystem: seen.subsystem.is_some(),
        repository: None,
    });
}

/// The jump hosts, outermost first: the run that was started last logs in first.
fn hops(facts: &mut Facts, seen: &Transcript) {
    let Some(run) = &seen.hop else {
        unseen_hop(facts, seen);
        return;
    };
    let mut hop = state(run);
    // It opens no session there.
    hop.session = Err(Unobserved::NotAttempted);
    facts.hops = std::mem::take(&mut hop.hops);
    facts.hops.push(hop);
    let names = facts.hops.iter().filter_map(|hop| Some(hop.target.as_ref().ok()?.host.clone())).collect::<Vec<_>>();
    if let Ok(target) = &mut facts.target {
        target.via.clone_from(&names);
    }
    if let Some(back) = leads_back(seen) {
        facts.connect = Ok(Connect { proxy: Some(Proxy::Jump(names)), leads_back: Some(back), ..Connect::default() });
        return;
    }
    let (host, port) = match &facts.target {
        Ok(target) => (target.host.clone(), target.port),
        Err(_) => onward(seen).unwrap_or_default(),
    };
    if let Some(said) = &run.way.not_carried {
        // The live connection to the jump host was to carry it.
        let stderr = ServerText::from(said.as_str());
        let role = Role::Master("ControlPath".into());
        let program = Program { role, stderr_bytes: stderr.as_bytes().len() as u64, stderr, ..Program::default() };
        let through = Some(Through::Program(Box::new(program)));
        facts.connect = Ok(Connect { proxy: Some(Proxy::Jump(names)), through, ..Connect::default() });
        return;
    }
    if run.admitted_by.is_none() && seen.identification.is_some() {
        // It said nothing of a login of its own: a live connection to the jump host carries what goes through it.
        let role = Role::Master("ControlPath".into());
        let program = Program { role, ran_on: true, ..Program::default() };
        let through = Some(Through::Program(Box::new(program)));
        facts.connect = Ok(Connect { proxy: Some(Proxy::Jump(names)), through, ..Connect::default() });
        return;
    }
    let through = run.admitted_by.as_ref().map(|_| {
        let reached = seen.identification.is_some();
        // Below -vv only a refusal is printed: what ends behind it without one had been opened, or the hop has ended it all.
        let ended = matches!(seen.end, Some(End::Closed | End::Reset(_) | End::NotSsh(_)));
        let unsaid = run.level.max(seen.level) < 2 && run.channel.is_none() && run.end.is_none() && ended;
        let reached = reached || unsaid || !seen.way.before.is_empty();
        let answer = if reached { Some(ChannelOpen::Confirmed) } else { run.channel.clone() };
        let from = names.last().cloned().unwrap_or_default();
        Through::Tunnel(Tunnel { from, host, port, answer, end: run.end.clone(), ..Tunnel::default() })
    });
    facts.connect = Ok(Connect { proxy: Some(Proxy::Jump(names)), through, ..Connect::default() });
}

/// The jump host to which the chain leads back: the same command stands in it twice.
fn leads_back(seen: &Transcript) -> Option<Host> {
    let mut commands: Vec<&ServerText> = Vec::new();
    let mut run = Some(seen);
    while let Some(program) = run.and_then(|run| run.way.program.as_ref()) {
        if commands.contains(&program) {
            return program.to_string().rsplit(' ').next().map(Host::from);
        }
        commands.push(program);
        run = run.and_then(|run| run.hop.as_deref());
    }
    None
}

/// The jump host that opened no channel to the next host, where only its answer was seen.
fn unseen_hop(facts: &mut Facts, seen: &Transcript) {
    if !(seen.stdio_failed || forwards(seen)) || seen.way.program.is_some() {
        return;
    }
    let from = Host::from("the jump host");
    let mut hop = nothing();
    hop.userauth = Ok(Userauth { admitted_by: Some(UNSEEN_METHOD.to_owned()), ..Userauth::default() });
    hop.session = Err(Unobserved::NotAttempted);
    hop.target = Ok(Target { input: from.clone(), alias: from.clone(), host: from.clone(), ..Target::default() });
    facts.hops.push(hop);
    let tunnel = Tunnel { from: from.clone(), host: "the next host".into(), port: 22, ..Tunnel::default() };
    let through = Some(Through::Tunnel(Tunnel { answer: seen.channel.clone(), ..tunnel }));
    facts.connect = Ok(Connect { proxy: Some(Proxy::Jump(vec![from])), through, ..Connect::default() });
}

/// Whether the channel that was refused is no session's: sshd refuses one of those with `SSH_OPEN_CONNECT_FAILED` and "open
/// failed" (serverloop.c `server_input_channel_open`).
fn forwards(seen: &Transcript) -> bool {
    let Some(ChannelOpen::Refused { code, text }) = &seen.channel else { return false };
    seen.level == 0 && (*code == 1 || *code == 2 && text.as_str() != Some("open failed"))
}

/// The host behind the jump host, as the program's `-W` names it.
fn onward(seen: &Transcript) -> Option<(Host, u16)> {
    let words = seen.way.program.as_ref()?.to_string();
    let (_, rest) = words.split_once("-W")?;
    let (host, port) = rest.split_whitespace().next()?.trim_matches('\'').rsplit_once(':')?;
    Some((host.trim_matches(['[', ']']).into(), port.parse().ok()?))
}

fn way(facts: &mut Facts, seen: &Transcript) {
    let way = &seen.way;
    if seen.hop.is_some() || !facts.hops.is_empty() {
        return;
    }
    if let Some((name, why)) = way.unresolved.as_ref().filter(|_| !way.unseen_program) {
        let error = ResolveError { code: resolver_code(why).to_owned(), text: why.clone() };
        facts.resolve = Ok(Resolve { name: name.clone(), numeric: false, outcome: Err(error) });
        return;
    }
    let unseen = ServerText::from(UNNAMED);
    if let Some(program) = way.program.as_ref().or(way.unseen_program.then_some(&unseen)) {
        let proxy = Some(Proxy::Command(program.clone()));
        let said: Vec<String> = seen.said.iter().map(ToString::to_string).collect();
        let failed = seen.identification.is_none() && seen.end.is_some();
        let through = failed.then(|| {
            let stderr = ServerText::from(said.join("\n"));
            let stderr_bytes = stderr.as_bytes().len() as u64;
            Through::Program(Box::new(Program { command: program.clone(), stderr, stderr_bytes, ..Program::default() }))
        });
        facts.connect = Ok(Connect { proxy, through, ..Connect::default() });
        return;
    }
    if let Some((keyword, from, why)) = &way.unbound {
        facts.config.options.set(keyword, from);
        let address = way.dialled.last().map(|(address, _, _)| address.clone()).unwrap_or_default();
        let outcome = Dial::Failed(errno(why));
        let attempt = Attempt { address, port: way.port.unwrap_or(22), outcome, millis: 0.0 };
        facts.connect = Ok(Connect { attempts: vec![attempt], ..Connect::default() });
        return;
    }
    let mut attempts: Vec<Attempt> = way
        .dialled
        .iter()
        .map(|(address, port, failed)| {
            let outcome = failure(failed.as_deref().unwrap_or(UNANSWERED));
            Attempt { address: address.clone(), port: *port, outcome, millis: 0.0 }
        })
        .collect();
    let reached = seen.connected || seen.identification.is_some();
    if let Some(last) = attempts.last_mut() {
        match (&way.failed, reached) {
            (Some(why), false) => last.outcome = failure(why),
            (None, true) => last.outcome = Dial::Established,
            // The transcript ends while ssh waits.
            _ => {}
        }
    } else if let (Some(why), Some(host)) = (&way.failed, &way.host) {
        let address = host.as_bytes().into();
        attempts.push(Attempt { address, port: way.port.unwrap_or(22), outcome: failure(why), millis: 0.0 });
    }
    if attempts.is_empty()
        || (way.failed.is_none() && !reached && seen.end.is_none() && seen.level > 0 && !gave_up(seen))
    {
        return;
    }
    if let Some(host) = &way.host
        && !way.dialled.is_empty()
    {
        let numeric = way.dialled.iter().any(|(address, _, _)| address.as_bytes() == host.as_bytes());
        let addresses = way.dialled.iter().map(|(address, _, _)| address.clone()).collect();
        facts.resolve = Ok(Resolve { name: host.clone(), numeric, outcome: Ok(addresses) });
    }
    facts.connect = Ok(Connect { attempts, ..Connect::default() });
}

/// Whether every address that was dialled is said to have failed.
fn gave_up(seen: &Transcript) -> bool {
    seen.way.dialled.iter().all(|(_, _, failed)| failed.is_some())
}

fn failure(why: &str) -> Dial {
    Dial::Failed(errno(why))
}

/// getaddrinfo's code by the system's words for it: those of glibc, musl, the BSDs, macOS and Windows.
fn resolver_code(words: &str) -> &'static str {
    let words = words.trim_end_matches('.');
    match words {
        "Temporary failure in name resolution" | "Try again" | "temporary failure in name resolution" => "EAI_AGAIN",
        "No address associated with hostname"
        | "no address associated with name"
        | "No address associated with nodename" => "EAI_NODATA",
        "Non-recoverable failure in name resolution" | "non-recoverable failure in name resolution" => "EAI_FAIL",
        "Address family for hostname not supported" => "EAI_ADDRFAMILY",
        "System error" => "EAI_SYSTEM",
        _ if words.contains("nonexistent")
            || words.contains("not known")
            || words.contains("No such host is known") =>
        {
            "EAI_NONAME"
        }
        "Name does not resolve" | "hostname nor servname provided, or not known" => "EAI_NONAME",
        _ => "EAI_UNKNOWN",
    }
}

fn transport(facts: &mut Facts, seen: &Transcript) {
    let way = &seen.way;
    // Whose words those are is not known where a program stands before the server.
    let unnegotiated = way.unnegotiated.as_ref().filter(|_| !way.unseen_program);
    let reached = seen.connected || seen.identification.is_some() || unnegotiated.is_some();
    let complete = seen.has_keys || seen.service_accepted || seen.none.is_some() || seen.keys.denied.is_some();
    // Without a line of debugging a bare end may be that of any step.
    let told = seen.level > 0 || way.at_exchange;
    let broken = seen.end.as_ref().filter(|_| !complete && told);
    if !reached && broken.is_none() && !complete {
        return;
    }
    if complete && seen.identification.is_none() && seen.agreed.kex.is_empty() {
        // That it went well is all that is known.
        facts.transport = Err(UNSEEN);
        return;
    }
    let agreed = Some(seen.agreed.clone())
        .filter(|agreed| way.unnegotiated.is_none() && !agreed.kex.is_empty() && !agreed.kex.starts_with('('));
    // Lists of which a part was left out, or of which ssh did not say what it made of them, would accuse somebody.
    let settled = way.unnegotiated.is_some() || !seen.agreed.kex.is_empty();
    let listed = settled && way.proposals.iter().flatten().all(is_complete);
    let proposal = |whose: usize| way.proposals[whose].clone().filter(|_| listed);
    facts.transport = Ok(Transport {
        pre_banner: way.before.clone(),
        identification: seen.identification.clone(),
        ours: proposal(0),
        server: proposal(1),
        agreed,
        complete,
        end: broken.cloned(),
        ..Transport::default()
    });
    if let Some((kind, offer)) = unnegotiated
        && proposal(1).is_none()
    {
        unshared(facts, seen, kind, offer);
    }
}

/// Whether no list of it is missing; a server without any of a kind is not met.
fn is_complete(kexinit: &KexInit) -> bool {
    let lists = [
        &kexinit.kex,
        &kexinit.host_key,
        &kexinit.cipher_client_to_server,
        &kexinit.cipher_server_to_client,
        &kexinit.mac_client_to_server,
        &kexinit.mac_server_to_client,
    ];
    lists.iter().all(|list| !list.is_empty())
}

/// The server's list of the kind on which both sides do not agree, where no more was printed than that; of the kinds before
/// it they have one in common.
fn unshared(facts: &mut Facts, seen: &Transcript, kind: &str, offer: &str) {
    const KINDS: [&str; 4] = ["key exchange method", "host key type", "cipher", "MAC"];
    const OPTIONS: [&str; 4] = ["kexalgorithms", "hostkeyalgorithms", "ciphers", "macs"];
    let Some(broken) = KINDS.iter().position(|known| known.eq_ignore_ascii_case(kind)) else { return };
    let mut lists: [Vec<String>; 4] = [const { Vec::new() }; 4];
    for (place, list) in lists.iter_mut().enumerate().take(broken) {
        let settled = match place {
            0 => &seen.agreed.kex,
            1 => &seen.agreed.host_key,
            _ => "",
        };
        let name = if settled.is_empty() || settled.starts_with('(') { SHARED } else { settled };
        list.push(name.to_owned());
        facts.config.options.set(OPTIONS[place], name);
    }
    lists[broken] = offer.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let [kex, host_key, cipher, mac] = lists;
    if let Ok(transport) = &mut facts.transport {
        transport.server = Some(KexInit {
            kex,
            host_key,
            cipher_client_to_server: cipher.clone(),
            cipher_server_to_client: cipher,
            mac_client_to_server: mac.clone(),
            mac_server_to_client: mac,
            ..KexInit::default()
        });
    }
}

/// What known_hosts is asked for (sshconnect.c `get_hostfile_hostname_ipaddr`).
fn looked_up_as(target: &Target) -> Host {
    match target.port {
        22 => target.host.clone(),
        port => Host::from(format!("[{}]:{port}", target.host)),
    }
}

/// Names the server in what known_hosts says of it, where that did not know the name yet.
pub(in crate::collect) fn name_server(facts: &mut Facts) {
    let Ok(target) = &facts.target else { return };
    let name = looked_up_as(target);
    let Ok(known) = &mut facts.host_key.known else { return };
    if known.names == [Host::from(NAMELESS)] {
        known.names = vec![name.clone()];
        for entry in &mut known.entries {
            entry.name = name.clone();
        }
    }
}

fn host_key(facts: &mut Facts, seen: &Transcript) {
    let said = &seen.host;
    let went_on =
        seen.service_accepted || seen.none.is_some() || seen.keys.denied.is_some() || seen.admitted_by.is_some();
    // Where ssh goes on it has only warned of what is known for the address.
    let at_address = said.differs_at.clone().filter(|_| seen.host_key_refused);
    let changed = said.changed || at_address.is_some();
    let (kind, fingerprint) = match &seen.host_key {
        Some((kind, fingerprint)) => (kind.clone(), fingerprint.clone()),
        // Of which type the key is, ssh says in a line of its own; another than the known one nobody claims without it.
        None if changed => (said.offending.clone().unwrap_or_default(), Fingerprint::default()),
        None if said.short => (seen.agreed.host_key.clone(), Fingerprint::default()),
        None if said.unknown || said.revoked || seen.host_key_refused => Default::default(),
        None => return,
    };
    // That a line names the key can be known without its fingerprint.
    let known_anyway = fingerprint.is_empty() && (said.revoked || said.known || said.unknown);
    let fingerprint = if known_anyway { Fingerprint::from(SHARED) } else { fingerprint };
    let key = by_fingerprint(wire_name(&kind), &fingerprint);
    let revoked_by_file = match (&said.revoked_by, &said.unreadable_list) {
        (Some(path), _) => Ok(Some(Source::File { path: path.clone(), line: None })),
        (None, Some(_)) => Err(Unobserved::Failed("RevokedHostKeys".to_owned())),
        (None, None) => Ok(None),
    };
    let offered = OfferedHostKey { algorithm: seen.agreed.host_key.clone(), key: key.clone(), revoked_by_file };
    let target = || facts.target.as_ref().map_or_else(|_| Host::from(NAMELESS), looked_up_as);
    let names = vec![at_address.unwrap_or_else(target)];
    let mut known = KnownHosts { names, ..KnownHosts::default() };
    let name = known.names.first().cloned().unwrap_or_default();
    let line = |at: Option<&ServerText>, marker: Marker, key: PublicKey| KnownHost {
        at: at.map_or_else(|| Source::Command("ssh -v".to_owned()), place),
        marker,
        name: name.clone(),
        hashed: false,
        key,
    };
    let options = &mut facts.config.options;
    if said.revoked && said.revoked_by.is_none() {
        let row = said.lines.iter().find(|(_, marker, _)| marker.contains("revoked"));
        known.entries.push(line(row.map(|(_, _, at)| at).or(seen.found_in.as_ref()), Marker::Revoked, key.clone()));
    } else if changed {
        let other = by_fingerprint(wire_name(said.offending.as_deref().unwrap_or(&kind)), &Fingerprint::from(""));
        known.entries.push(line(seen.offending_in.as_ref(), Marker::None, other));
    } else if (said.known || seen.found_in.is_some()) && !said.unknown {
        known.entries.push(line(seen.found_in.as_ref(), Marker::None, key.clone()));
    }
    if let Some(words) = &said.unreadable_list {
        let (path, error) = words.as_str().and_then(|words| words.rsplit_once(": ")).unwrap_or_default();
        let path = path.rsplit(' ').next().unwrap_or_default().into();
        known.revoked_host_keys.push(RevokedHostKeys { path, error: Some(errno(error)) });
    }
    // Of a changed key ssh says so whatever the option is, unless it is off.
    if said.strict && !changed {
        options.set("stricthostkeychecking", "true");
    } else if said.taken || (went_on && known.entries.is_empty()) {
        options.set("stricthostkeychecking", "accept-new");
    }
    if went_on && (said.changed || said.revoked) {
        options.set("stricthostkeychecking", "false");
    }
    let stands = said.short || said.known || changed || said.revoked || said.unknown || said.strict || said.taken;
    if stands || seen.found_in.is_some() || said.unreadable_list.is_some() || seen.host_key_refused || went_on {
        facts.host_key.known = Ok(known);
    }
    if seen.found_in_dns && seen.has_keys {
        facts.host_key.elsewhere = Ok(Elsewhere::Matches(Source::Command("VerifyHostKeyDNS".to_owned())));
    }
    facts.host_key.offered = Ok(offered);
    if !went_on && (seen.host_key_refused || changed || said.revoked || said.short) {
        facts.userauth = Err(Unobserved::NotReached(Stage::HostKey));
        facts.session = Err(Unobserved::NotReached(Stage::HostKey));
        facts.host_key.too_short = said.short;
        let shown = said.certificate.clone();
        facts.host_key.refused_certificate = said.bad_certificate.clone().map(|why| RefusedCertificate { why, shown });
    }
}

/// `/home/a/.ssh/known_hosts:1`.
fn place(at: &ServerText) -> Source {
    let text = at.to_string();
    match text.rsplit_once(':').and_then(|(path, line)| Some((path.to_owned(), line.parse().ok()?))) {
        Some((path, line)) => Source::File { path: path.into(), line: Some(line) },
        None => Source::File { path: at.as_bytes().into(), line: None },
    }
}

/// A key of which type and fingerprint are known and no more.
pub(in crate::collect) fn by_fingerprint(algorithm: &str, fingerprint: &Fingerprint) -> PublicKey {
    PublicKey {
        algorithm: algorithm.to_owned(),
        blob: Blob::default(),
        fingerprint: fingerprint.clone(),
        comment: "".into(),
        bits: None,
        certificate: None,
    }
}

/// The wire's name of a type that ssh prints in short (sshkey.c `keytypes`). Of ECDSA it prints no curve: the commonest
/// stands for all.
pub(in crate::collect) fn wire_name(kind: &str) -> &str {
    match kind {
        "ED25519" => "ssh-ed25519",
        "RSA" => "ssh-rsa",
        "DSA" => "ssh-dss",
        "ECDSA" => "ecdsa-sha2-nistp256",
        "ED25519-SK" => "sk-ssh-ed25519@openssh.com",
        "ECDSA-SK" => "sk-ecdsa-sha2-nistp256@openssh.com",
        "ED25519-CERT" => "ssh-ed25519-cert-v01@openssh.com",
        "RSA-CERT" => "ssh-rsa-cert-v01@openssh.com",
        "ECDSA-CERT" => "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        other => other,
    }
}
