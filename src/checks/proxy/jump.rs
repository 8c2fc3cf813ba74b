//! The jump hosts: whether each lets in, and whether it connects to the next host.

use crate::facts::proxy::{Program, Proxy, Role, Through, Tunnel};
use crate::facts::session::ChannelOpen;
use crate::facts::text::{Host, ServerText};
use crate::facts::userauth::{Answer, Signed, Signer};
use crate::facts::{End, Facts, Observed, Stage, Unobserved, known};
use crate::openssh::arguments::{keyword_and_value, pairs};
use crate::openssh::jump;
use crate::openssh::session::key_options;

use super::super::{
    Blocks, Cause, Finding, Fix, Outcome, Place, Step, causes, doubted, joined, naming, quoted, quoted_bytes,
};

/// What ssh itself says where a login's jump host is that login (ssh.c `main`).
const LOOP: &str = "jumphost loop via";
/// `SSH_OPEN_ADMINISTRATIVELY_PROHIBITED` (RFC 4254 section 5.1).
const PROHIBITED: u32 = 1;
/// `SSH_OPEN_CONNECT_FAILED`.
const CONNECT_FAILED: u32 = 2;

pub(in crate::checks) const JUMP_HOST_LOOP: Cause = Cause {
    id: "jump-host-loop",
    title: "the jump hosts lead back to one that was passed already",
    blocks: Blocks::Config,
    place: Place::Client,
    doc: "For each jump host ssh starts another ssh, which reads the configuration anew for that host. Where it finds a \
          ProxyJump there that leads to a host of the chain, the chain has no end. The usual reason is `Host *` with \
          ProxyJump: it is meant for the hosts behind the bastion and applies to the bastion too.\n\n\
          ssh notices only a host that is its own jump host, and ends with \"jumphost loop via\". Two hosts that name each \
          other make it start one ssh after the other until the machine gives up.\n\n\
          Proven by the configuration, evaluated by ssh for every host of the chain; nothing is connected to.",
    prevent: "Give the bastion a Host block of its own with ProxyJump none, before the block that sets ProxyJump for others.",
    fix: Fix { commands: loop_commands, mend: forget_the_way },
    see: &["OpenSSH ssh.c main (jumphost loop)", "ssh_config(5) ProxyJump"],
    judge: |facts| {
        let connect = known(&facts.connect);
        let back = connect.ok().and_then(|connect| connect.leads_back.as_ref());
        if let Some(back) = back {
            let chain = chain(facts, Some(back));
            let finding = Finding::proven(format!("the jump hosts lead back to {back}: {chain}"));
            let evidence = facts.hops.iter().rev().filter_map(|hop| {
                let target = hop.target.as_ref().ok()?;
                let via = hop.config.options.first("proxyjump")?;
                Some(format!("for {} ssh's configuration has ProxyJump {via}", target.alias))
            });
            return Ok(Some(evidence.fold(finding, Finding::seen)));
        }
        let complains = |login: &&Facts| own_loop(login).is_some();
        let Some(login) = facts.hops.iter().chain([facts]).find(complains) else { return Ok(None) };
        let said = own_loop(login).map(ToString::to_string).unwrap_or_default();
        let name = naming::alias(login);
        Ok(Some(
            Finding::proven(format!("{name} is its own jump host: ssh would log in there to come there")).seen(said),
        ))
    },
};

/// ssh's own complaint of a loop.
fn own_loop(login: &Facts) -> Option<&ServerText> {
    let complaint = login.config.complaint.as_ref()?;
    complaint.said.iter().find(|line| line.to_string().contains(LOOP))
}

/// Whether ssh refuses to start because a host is its own jump host.
pub(in crate::checks) fn is_its_own(facts: &Facts) -> bool {
    own_loop(facts).is_some()
}

fn loop_commands(facts: &Facts) -> Vec<Step> {
    let hop = facts.hops.iter().find(|hop| own_loop(hop).is_some()).or_else(|| facts.hops.first());
    let typed = facts.config.arguments.iter().any(|word| word.as_bytes().starts_with(b"-J"));
    if typed && own_loop(facts).is_some() {
        return vec![Step::person(Place::Client, "leave that host out of -J: it is the one that you want to come to")];
    }
    let name = naming::alias(hop.unwrap_or(facts));
    let block = format!("1i\\Host {name}\\n    ProxyJump none\\n");
    let why = "puts a block for that host before all others: of several values ssh takes the first";
    vec![
        Step::here(format!("sed -i {} ~/.ssh/config", quoted(&block)), why),
        Step::here(
            format!("ssh -G {} | grep -i proxyjump", quoted(&name)),
            "prints nothing once it is reached directly",
        ),
    ]
}

/// The chain in words, from this machine to the target: `bastion → inner → web1`.
fn chain(facts: &Facts, back: Option<&Host>) -> String {
    let name = |login: &Facts| naming::alias(login);
    let names = back.map(ToString::to_string).into_iter().chain(facts.hops.iter().map(name)).chain([name(facts)]);
    names.collect::<Vec<_>>().join(" → ")
}

pub(in crate::checks) const JUMP_HOST_FAILED: Cause = Cause {
    id: "jump-host-failed",
    title: "a jump host cannot be logged in to",
    blocks: Blocks::Connect,
    place: Place::JumpHost,
    doc: "With ProxyJump (-J) ssh logs in at each jump host first, with the keys and the agent of the machine where you \
          typed the command and with the configuration that it has for the jump host: of the command line only -F, -J and \
          what the list says of user and port count there, not -i, -l or -o. The login at the target has not begun when \
          that fails, although ssh's last lines speak of it (\"Connection closed by UNKNOWN port 65535\").\n\n\
          The verdict carries the jump host's own cause, found by the same checks as for any login; its certainty is that \
          cause's.",
    prevent: "Give the jump host a Host block with its user and key, and try it by itself: ssh BASTION true.",
    fix: Fix {
        commands: |facts| {
            let Some(hop) = failed(facts) else { return Vec::new() };
            vec![Step::here(format!("sshdoctor {}", naming::destination(hop)), "examines that login by itself")]
        },
        mend: forget_the_way,
    },
    see: &["ssh_config(5) ProxyJump", "OpenSSH ssh.c main (Setting implicit ProxyCommand from ProxyJump)"],
    judge: |facts| {
        let Some(hop) = failed(facts) else { return Ok(None) };
        // What it is, is the hop's own verdict, which stands in the place of this one (diagnose.rs).
        Ok(Some(Finding::proven(format!("the jump host {} cannot be logged in to", naming::login(hop)))))
    },
};

/// The jump host at which the way ends: the first at which no login stands, though it was reached for, or at which ssh
/// would not have come as far as this program did.
pub fn failed(facts: &Facts) -> Option<&Facts> {
    let connect = facts.connect.as_ref().ok()?;
    if connect.leads_back.is_some() || facts.hops.iter().any(is_its_own) {
        return None;
    }
    let ends = jump::ends_at(facts);
    let before = jump::logins(facts).take_while(|index| Some(*index) != ends);
    if let Some(hop) = before.map(|index| &facts.hops[index]).find(|hop| stops_ssh(hop)) {
        return Some(hop);
    }
    let hop = facts.hops.get(ends?)?;
    (broken_tunnel(hop).is_none() && refused(facts).is_none()).then_some(hop)
}

/// Whether something keeps ssh from logging in where a login stands: the probe knows more algorithms than ssh is allowed,
/// and connects once more where the server counts tries.
fn stops_ssh(hop: &Facts) -> bool {
    causes().any(|(check, cause)| {
        let found = (cause.judge)(hop).ok().flatten().and_then(|finding| doubted(hop, cause, finding));
        found.is_some_and(|finding| {
            let bites = finding.blocks.unwrap_or(cause.blocks);
            // ssh asks for no session there.
            bites < Blocks::Session && !joined::past(hop, check, cause, bites)
        })
    })
}

/// Whether ssh was run to ask somebody what the jump host wants to know, at which the way ends all the same.
pub(in crate::checks) fn was_asked(facts: &Facts) -> bool {
    jump::ends_at(facts).is_some_and(|index| jump::carrier(facts, index).is_some())
}

/// What of the command line ssh does not pass on to the jump host that failed at that stage, though it may be meant for it
/// too (ssh.c `main`: the implicit command has `-F`, `-J`, user and port only).
pub fn not_passed_on(facts: &Facts, stage: Stage) -> Option<String> {
    let keywords: &[&str] = match stage {
        Stage::Auth => {
            &["identityfile", "certificatefile", "identityagent", "identitiesonly", "user", "pkcs11provider"]
        }
        Stage::HostKey => &["userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking", "hostkeyalias"],
        Stage::Connect | Stage::Resolve => &["connecttimeout", "addressfamily", "bindaddress", "proxycommand"],
        _ => &[],
    };
    let letters = pairs(facts.config.arguments.iter().map(ServerText::as_bytes));
    let words: Vec<String> = letters
        .into_iter()
        .filter_map(|(letter, value)| match (letter, value) {
            (b'i' | b'I' | b'l', Some(value)) if stage == Stage::Auth => {
                Some(format!("-{} {}", char::from(letter), quoted_bytes(value)))
            }
            (b'o', Some(value)) if keywords.contains(&keyword_and_value(value).0.as_str()) => {
                Some(format!("-o {}", quoted_bytes(value)))
            }
            _ => None,
        })
        .collect();
    (!words.is_empty()).then(|| {
        let words = words.join(" ");
        format!(
            "ssh does not pass {words} on to a jump host: what is meant for it too belongs into a Host block of its own"
        )
    })
}

/// Afterwards the way is another one.
fn forget_the_way(facts: &mut Facts) {
    facts.hops.clear();
    facts.config.complaint = None;
    facts.connect = Err(Unobserved::NotAttempted);
    super::super::resolve::forget(facts, Stage::Connect);
}

pub(in crate::checks) const JUMP_FORWARDING_REFUSED: Cause = Cause {
    id: "jump-forwarding-refused",
    title: "the jump host does not connect to the next host",
    blocks: Blocks::Connect,
    place: Place::JumpHost,
    doc: "The login at the jump host works. There ssh asks for a connection to the next host (a direct-tcpip channel), by \
          the name that your configuration has for it (HostName), and the jump host refuses it or cannot make it. Reason \
          code 1 (administratively prohibited) is a rule: AllowTcpForwarding, DisableForwarding or PermitOpen in its \
          sshd_config, or restrict, no-port-forwarding or permitopen= before your key in its authorized_keys; or the \
          account's password has expired, or PAM opens no session for it: then sshd forwards nothing. Code 2 \
          (connect failed) comes with the error that the jump host itself met: no such name there, refused, no route. \
          No answer at all mostly means that a firewall between the two drops the packets.\n\n\
          ssh prints \"channel 0: open failed\" and \"stdio forwarding failed\". Proven by that answer; where none came in \
          time, or the connection ended instead of it, it is likely.",
    prevent: "Ask for PermitOpen or permitopen= with exactly the hosts behind the bastion, and use names that it resolves.",
    fix: Fix { commands: forwarding_commands, mend: forget_the_way },
    see: &[
        "RFC 4254 section 5.1, 7.2",
        "OpenSSH serverloop.c server_request_direct_tcpip, auth.c auth_restrict_session",
        "sshd_config(5) PermitOpen",
    ],
    judge: |facts| Ok(forwarding_refused(facts)),
};

/// The first channel that a jump host did not open, and that host's facts.
fn refused(facts: &Facts) -> Option<(&Facts, &Facts, &Tunnel)> {
    let logins: Vec<&Facts> = facts.hops.iter().chain([facts]).collect();
    logins.windows(2).find_map(|pair| Some((pair[0], pair[1], broken_tunnel(pair[1])?)))
}

/// The channel to this login's host, where it was asked for and did not open.
fn broken_tunnel(login: &Facts) -> Option<&Tunnel> {
    let connect = login.connect.as_ref().ok()?;
    let Some(Through::Tunnel(tunnel)) = &connect.through else { return None };
    // A run that ended while the jump host was still at it says nothing of the jump host.
    let cut = matches!(login.transport, Err(Unobserved::TimedOut | Unobserved::Interrupted | Unobserved::NotAttempted));
    let unanswered = tunnel.answer.is_none() && (tunnel.end.is_some() || !cut);
    (matches!(tunnel.answer, Some(ChannelOpen::Refused { .. })) || unanswered).then_some(tunnel)
}

/// Where the next host of a chain lies: it may be another jump host.
fn place_of(facts: &Facts, next: &Facts) -> Place {
    if facts.hops.iter().any(|hop| std::ptr::eq(hop, next)) { Place::JumpHost } else { Place::Server }
}

fn forwarding_refused(facts: &Facts) -> Option<Finding> {
    if let Some((hop, next, program)) = not_carried(facts) {
        return Some(by_master(hop, next, program));
    }
    let (hop, login, tunnel) = refused(facts)?;
    let next = format!("{} port {}", tunnel.host, tunnel.port);
    let from = &tunnel.from;
    let answered = |code: u32, text: &ServerText| format!("{from} answers with reason {code}: {}", shown(text));
    let finding = match (&tunnel.answer, &tunnel.end) {
        (Some(ChannelOpen::Refused { code: PROHIBITED, text }), _) => {
            let finding = Finding::proven(format!("the jump host {from} does not let you connect to {next}"));
            let finding = finding.seen(format!("{} (administratively prohibited)", answered(PROHIBITED, text)));
            match forbidden_by_key(hop) {
                Some(seen) => finding.seen(seen),
                None => finding,
            }
        }
        (Some(ChannelOpen::Refused { code: CONNECT_FAILED, text }), _) => {
            let what = format!("the jump host {from} cannot connect to {next}: {}", shown(text));
            // What refuses is there; whatever else it met lies between.
            let place = match text {
                text if unknown_name(text) => Place::JumpHost,
                text if is_refused(text) => place_of(facts, login),
                _ => Place::Network,
            };
            Finding { place: Some(place), ..Finding::proven(what) }
                .seen(format!("{} (connect failed)", answered(CONNECT_FAILED, text)))
        }
        (Some(ChannelOpen::Refused { code, text }), _) => {
            Finding::proven(format!("the jump host {from} refuses to connect to {next}")).seen(answered(*code, text))
        }
        (_, Some(end)) => {
            let how = ended(end);
            Finding::likely(format!("the jump host {from} ends the connection when it is to connect to {next}"))
                .seen(format!("{from} lets you in; asked for a connection to {next}, it {how}"))
        }
        (_, None) => {
            let what = format!("the jump host {from} comes to no connection with {next}: it does not answer");
            Finding { place: Some(Place::Network), ..Finding::likely(what) }.seen(format!(
                "{from} lets you in; asked for a connection to {next}, it gave no answer in time, as when a firewall \
                 between the two drops packets"
            ))
        }
    };
    Some(finding.seen(format!("the login at {from} works: {}", let_in(hop))))
}

/// The jump host whose live master does not carry the connection to the next login, and what ssh made of it.
fn not_carried(facts: &Facts) -> Option<(&Facts, &Facts, &Program)> {
    let index = (0..facts.hops.len())
        .rev()
        .find(|index| jump::carrier(facts, *index).is_some_and(|program| matches!(program.role, Role::Master(_))))?;
    let next = facts.hops.get(index + 1).unwrap_or(facts);
    let program = jump::carrier(facts, index)?;
    let identified = next.transport.as_ref().is_ok_and(|transport| transport.identification.is_some());
    let cut = matches!(next.transport, Err(Unobserved::TimedOut | Unobserved::Interrupted | Unobserved::NotAttempted));
    (!identified && !cut).then_some((facts.hops.get(index)?, next, program))
}

/// What is said of a live master that does not come through.
fn by_master(hop: &Facts, next: &Facts, program: &Program) -> Finding {
    let (from, to) = (naming::alias(hop), naming::alias(next));
    let live = match &program.role {
        Role::Master(path) => format!("your ssh's live connection to {from} ({path}) is used, as ssh would use it"),
        _ => String::new(),
    };
    let finding = if is_refused_by_peer(program) {
        Finding::proven(format!("the jump host {from} refuses or fails to connect to {to}")).seen(live)
    } else {
        Finding::likely(format!("your ssh's live connection to {from} brings no connection to {to}")).seen(live)
    };
    last_words(program).into_iter().fold(finding, |finding, line| finding.seen(format!("ssh: {line}")))
}

/// Whether the jump host's answer came to ssh over its live connection; the reason is the master's alone (mux.c
/// `mux_client_request_stdio_fwd`).
fn is_refused_by_peer(program: &Program) -> bool {
    last_words(program).iter().any(|line| line.contains("refused by peer"))
}

/// The last lines that ssh wrote.
pub fn last_words(program: &Program) -> Vec<String> {
    let lines: Vec<&[u8]> = program.stderr.as_bytes().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let lines: Vec<&[u8]> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(3);
    lines[from..].iter().map(|line| ServerText::new(*line).shortened(200)).collect()
}

/// A reason's text, or that it has none.
fn shown(text: &ServerText) -> String {
    if text.is_empty() { "no text".to_owned() } else { text.shortened(200) }
}

/// How the connection to a jump host ended, as a verb's clause.
fn ended(end: &End) -> String {
    match end {
        End::Closed => "closed the connection".to_owned(),
        End::Reset(error) => format!("broke the connection off ({error})"),
        End::TimedOut => "fell silent".to_owned(),
        End::Disconnect { code, text } => format!("disconnected with reason {code}: {}", shown(text)),
        End::NotSsh(what) | End::KeyExchange(what) => format!("sent what is no SSH: {what}"),
        End::Flood(count) => format!("sent {count} messages without an end"),
    }
}

/// That the key used there may not forward, by the server's own word.
fn forbidden_by_key(hop: &Facts) -> Option<String> {
    let userauth = hop.userauth.as_ref().ok()?;
    let options = userauth.debug.iter().filter_map(key_options).next_back()?;
    (!options.port_forwarding)
        .then(|| "the key that let you in there may not forward (restrict, no-port-forwarding)".to_owned())
}

/// Whether the jump host could not resolve the name (gai_strerror(3) of glibc, musl, BSD and macOS).
pub(super) fn unknown_name(text: &ServerText) -> bool {
    let text = text.to_string().to_ascii_lowercase();
    [
        "name or service not known",
        "not known",
        "name resolution",
        "nodename",
        "no address associated",
        "name does not resolve",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// Whether the next host answered, and refused the connection (strerror(3)).
fn is_refused(text: &ServerText) -> bool {
    text.to_string().to_ascii_lowercase().contains("refused")
}

/// What let in at a jump host, from which machine it comes.
fn let_in(hop: &Facts) -> String {
    let login = naming::login(hop);
    let Ok(userauth) = &hop.userauth else { return login };
    let good = Signed::Answered(Answer::Success);
    let signature = userauth.signatures.iter().rev().find(|signature| signature.outcome == good);
    match signature {
        Some(signature) => {
            let from = match &signature.signer {
                Signer::Agent => "your agent".to_owned(),
                Signer::File(path) => format!("{path} on this machine"),
                Signer::Token(name) => format!("the token {name}"),
            };
            format!("{login} with {} of {from}", naming::key(&signature.key))
        }
        None => login,
    }
}

fn forwarding_commands(facts: &Facts) -> Vec<Step> {
    if let Some((hop, next, program)) = not_carried(facts) {
        let words = naming::destination(hop);
        let to = naming::destination(facts);
        if is_refused_by_peer(program)
            && let Ok(target) = &next.target
        {
            let asked = format!("ssh {words} nc -vz -w 5 {} {}", quoted(&target.host.to_string()), target.port);
            return vec![Step::here(asked, "whether the jump host reaches it; if so, its sshd forbids the forwarding")];
        }
        return vec![
            Step::here(format!("ssh -O check {words}"), "whether that connection still answers"),
            Step::here(format!("ssh -O exit {words}"), "ends it and all that runs over it; the next ssh logs in anew"),
            Step::here(format!("sshdoctor {to}"), "then examines the way without it"),
        ];
    }
    let Some((hop, next, tunnel)) = refused(facts) else { return Vec::new() };
    let here = |command: String, why: &str| Step {
        place: Place::JumpHost,
        root: false,
        command: Some(command),
        why: why.to_owned(),
    };
    let root = |command: String, why: &str| Step {
        place: Place::JumpHost,
        root: true,
        command: Some(command),
        why: why.to_owned(),
    };
    let host = quoted(&tunnel.host.to_string());
    let port = tunnel.port;
    match &tunnel.answer {
        Some(ChannelOpen::Refused { code: PROHIBITED, .. }) => {
            let user = naming::user(hop);
            // Without an address sshd says so where a Match block needs one.
            let address = hop.connect.as_ref().ok().and_then(|connect| connect.local_address.as_ref());
            let asked = address.map_or_else(
                || quoted(&format!("user={user}")),
                |address| quoted(&format!("user={user},host={address},addr={address}")),
            );
            let rules = "allowtcpforwarding|disableforwarding|permitopen";
            let sshd = root(
                format!("sshd -T -C {asked} | grep -Ei '{rules}'"),
                "the rule that holds for this login; forwarding takes allowtcpforwarding yes or local, disableforwarding no, \
                 and permitopen any or this host and port",
            );
            let keys = root(
                format!(
                    "grep -nE 'restrict|no-port-forwarding|permitopen' {}/.ssh/authorized_keys",
                    naming::home(&user)
                ),
                "what stands before your key; restrict takes port-forwarding and permitopen=\"HOST:PORT\" beside it",
            );
            let account = root(
                "journalctl -t sshd -t sshd-session --since '1 hour ago' | grep -iE 'expired|pam_open_session'"
                    .to_owned(),
                "where both let it pass: sshd forwards nothing for an account whose password has expired, or whose session \
                 PAM does not open",
            );
            if forbidden_by_key(hop).is_some() { vec![keys, sshd] } else { vec![sshd, keys, account] }
        }
        Some(ChannelOpen::Refused { code: CONNECT_FAILED, text }) if unknown_name(text) => {
            let block = naming::host_block(next, &["HostName ADDRESS".to_owned()]);
            vec![
                here(
                    format!("getent hosts {host}"),
                    "what the jump host makes of the name; it prints nothing if it does not know it",
                ),
                Step::here(
                    block,
                    "where the jump host does not know the name: put the address that it can reach for ADDRESS",
                ),
            ]
        }
        None if tunnel.end.is_some() => vec![
            root(super::super::members::log_command(hop), "sshd's own words about this login: why it ended"),
            here(format!("nc -vz -w 5 {host} {port}"), "whether the jump host reaches the next one, without ssh"),
        ],
        _ => vec![
            here(format!("nc -vz -w 5 {host} {port}"), "whether the jump host reaches it, without ssh"),
            Step {
                place: place_of(facts, next),
                ..Step::server_root(
                    format!("ss -ltnp | grep -E ':{port}( |$)'"),
                    format!("on {}: whether its sshd listens on that port, and on which address", tunnel.host),
                )
            },
        ],
    }
}

/// How the target is reached through its jump hosts.
pub(super) fn passes(facts: &Facts) -> Observed<Outcome> {
    let connect = known(&facts.connect)?;
    if let Some(index) = facts.hops.len().checked_sub(1)
        && let Some(program) = jump::carrier(facts, index)
        && jump::ends_at(facts).is_none()
    {
        let how = match &program.role {
            Role::Master(path) => format!("your ssh's live connection to it ({path}) carries it"),
            _ => format!("{} carries it", program.command.shortened(200)),
        };
        return Ok(Outcome::pass(format!("through {}: {how}", chain_of_hops(facts))));
    }
    let Some(Through::Tunnel(tunnel)) = &connect.through else {
        let name = jump::ends_at(facts).and_then(|index| facts.hops.get(index)).map(naming::login);
        return Err(Unobserved::Failed(name.map_or_else(
            || "the jump hosts were not passed".to_owned(),
            |name| format!("the way ends at the jump host {name}"),
        )));
    };
    if tunnel.answer != Some(ChannelOpen::Confirmed) {
        return Err(Unobserved::NotReached(Stage::Connect));
    }
    let summary =
        format!("through {}: {} connects to {} port {}", chain_of_hops(facts), tunnel.from, tunnel.host, tunnel.port);
    let logins =
        facts.hops.iter().filter(|hop| hop.userauth.is_ok()).map(|hop| format!("logged in as {}", let_in(hop)));
    let rule =
        "ssh logs in at every jump host with the keys and the agent of this machine, not with the jump host's own";
    Ok(Outcome::pass(summary).with(logins).with([rule.to_owned()]))
}

fn chain_of_hops(facts: &Facts) -> String {
    facts.hops.iter().map(naming::alias).collect::<Vec<_>>().join(", ")
}

/// The connection that the last jump host made.
pub(in crate::checks) fn connected(facts: &Facts) -> Option<Observed<Outcome>> {
    let connect = facts.connect.as_ref().ok()?;
    let Some(Proxy::Jump(_)) = &connect.proxy else { return None };
    Some(match &connect.through {
        Some(Through::Tunnel(tunnel)) if tunnel.answer == Some(ChannelOpen::Confirmed) => {
            let took = super::super::milliseconds(tunnel.millis);
            Ok(Outcome::pass(format!("{} connects to {} port {} in {took}", tunnel.from, tunnel.host, tunnel.port)))
        }
        Some(Through::Program(_)) if facts.transport.is_ok() => {
            Ok(Outcome::pass(format!("ssh connects through {}", chain_of_hops(facts))))
        }
        _ => Err(Unobserved::NotReached(Stage::Connect)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Certainty;
    use crate::facts::Target;
    use crate::facts::connect::Connect;
    use crate::facts::transport::Transport;
    use crate::facts::userauth::Userauth;

    fn login(alias: &str) -> Facts {
        let target =
            Target { alias: alias.into(), host: alias.into(), user: "deploy".into(), port: 22, ..Target::default() };
        Facts { target: Ok(target), ..Facts::default() }
    }

    fn passed(alias: &str) -> Facts {
        let userauth = Userauth { none: Some(Answer::Success), ..Userauth::default() };
        Facts { userauth: Ok(userauth), ..login(alias) }
    }

    /// web1 behind these hosts, with this answer of the last one.
    fn behind(hops: Vec<Facts>, answer: Option<ChannelOpen>) -> Facts {
        let via = hops.iter().filter_map(|hop| Some(hop.target.as_ref().ok()?.alias.clone())).collect();
        let from = hops.last().map(naming::alias).unwrap_or_default().as_str().into();
        let tunnel = Tunnel { from, host: "web1".into(), port: 22, answer, ..Tunnel::default() };
        let through = Some(Through::Tunnel(tunnel));
        let connect = Ok(Connect { proxy: Some(Proxy::Jump(via)), through, ..Connect::default() });
        Facts { hops, connect, transport: Err(Unobserved::NotReached(Stage::Connect)), ..login("web1") }
    }

    fn refusal(code: u32, text: &str) -> ChannelOpen {
        ChannelOpen::Refused { code, text: text.into() }
    }

    #[test]
    fn what_a_jump_host_answers_is_judged_by_its_reason() {
        let scenes = [
            (Some(refusal(1, "open failed")), Certainty::Proven, Some(Place::JumpHost)),
            (Some(refusal(2, "Connection refused")), Certainty::Proven, Some(Place::Server)),
            (Some(refusal(2, "No route to host")), Certainty::Proven, Some(Place::Network)),
            (Some(refusal(2, "open failed")), Certainty::Proven, Some(Place::Network)),
            (Some(refusal(2, "Name or service not known")), Certainty::Proven, Some(Place::JumpHost)),
            (Some(refusal(4, "")), Certainty::Proven, Some(Place::JumpHost)),
            (None, Certainty::Likely, Some(Place::Network)),
        ];
        for (answer, certainty, place) in scenes {
            let facts = behind(vec![passed("bastion")], answer.clone());
            let finding = forwarding_refused(&facts).unwrap();
            let place_of = Some(finding.place.unwrap_or(JUMP_FORWARDING_REFUSED.place));
            assert_eq!((finding.certainty, place_of), (certainty, place), "{answer:?}");
            assert!(!(JUMP_FORWARDING_REFUSED.fix.commands)(&facts).is_empty());
            assert!(failed(&facts).is_none());
            let mut mended = facts;
            (JUMP_FORWARDING_REFUSED.fix.mend)(&mut mended);
            assert_eq!(forwarding_refused(&mended), None);
        }
    }

    #[test]
    fn an_open_channel_and_a_run_that_was_cut_accuse_nobody() {
        let mut facts = behind(vec![passed("bastion")], Some(ChannelOpen::Confirmed));
        assert_eq!(forwarding_refused(&facts), None);
        facts.transport = Ok(Transport::default());
        assert_eq!(forwarding_refused(&facts), None);
        for cut in [Unobserved::TimedOut, Unobserved::Interrupted] {
            let facts = Facts { transport: Err(cut), ..behind(vec![passed("bastion")], None) };
            assert_eq!(forwarding_refused(&facts), None);
            assert!(failed(&facts).is_none());
        }
    }

    #[test]
    fn the_first_jump_host_without_a_login_is_where_the_way_ends() {
        let mut facts = behind(vec![passed("a"), login("b"), login("c")], None);
        facts.connect.as_mut().unwrap().through = None;
        assert_eq!(failed(&facts).map(naming::alias), Some("b".to_owned()));
        // b is not reached where a refuses to connect to it.
        let tunnel = Tunnel { from: "a".into(), host: "b".into(), answer: Some(refusal(1, "")), ..Tunnel::default() };
        let through = Some(Through::Tunnel(tunnel.clone()));
        facts.hops[1].connect = Ok(Connect { through, ..Connect::default() });
        facts.hops[1].transport = Err(Unobserved::NotReached(Stage::Connect));
        assert!(failed(&facts).is_none());
        assert!(forwarding_refused(&facts).unwrap().summary.contains("jump host a does not let you connect to b"));
        // Where b is not there, nobody is sent to the target.
        let tunnel = Tunnel { answer: Some(refusal(2, "Connection refused")), ..tunnel };
        facts.hops[1].connect = Ok(Connect { through: Some(Through::Tunnel(tunnel)), ..Connect::default() });
        assert_eq!(forwarding_refused(&facts).unwrap().place, Some(Place::JumpHost));
        let steps = forwarding_commands(&facts);
        assert!(steps.iter().all(|step| step.place == Place::JumpHost), "{steps:?}");
    }

    #[test]
    fn a_live_connection_of_ssh_carries_what_goes_through_its_host() {
        let program = Program { role: Role::Master("/run/m".into()), ..Program::default() };
        let mut facts = behind(vec![login("a"), login("b")], None);
        facts.connect.as_mut().unwrap().through = Some(Through::Program(Box::new(program)));
        assert!(failed(&facts).is_none());
        assert_eq!(forwarding_refused(&facts).unwrap().certainty, Certainty::Likely);
        let identification = Some("SSH-2.0-OpenSSH_9.2p1".into());
        facts.transport = Ok(Transport { identification, ..Transport::default() });
        assert_eq!(forwarding_refused(&facts), None);
    }
}
