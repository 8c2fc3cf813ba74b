//! The program of a `ProxyCommand`: whether it comes to a connection (sshconnect.c `ssh_proxy_connect`).

mod steps;

use super::super::{
    Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Outcome, Place, Status, milliseconds, quoted,
    transport,
};
use crate::facts::proxy::{Program, Proxy, Role, Through};
use crate::facts::text::ServerText;
use crate::facts::transport::Transport;
use crate::facts::{End, Facts, Observed, Stage, Unobserved, known};
use crate::openssh::proxies;
use crate::openssh::proxies::programs::{Known, Named, named};
use crate::openssh::proxies::sayings::{self, Meaning};

/// How much of a command or of a line is shown, in characters.
const SHOWN: usize = 160;
/// How many lines of standard error are quoted: the last ones.
const LINES: usize = 4;
/// SIGPIPE's number: what ends a program that writes to a connection that is closed.
const PIPE: i32 = 13;

pub(in crate::checks) const PROXY_COMMAND_FAILED: Cause = Cause {
    id: "proxy-command-failed",
    title: "the program of the ProxyCommand makes no connection",
    blocks: Blocks::Connect,
    place: Place::Client,
    doc: "With ProxyCommand ssh makes no connection of its own: it gives the command to your shell (`$SHELL -c \"exec …\"`) \
          and speaks SSH with its standard input and output. The program is missing or may not be executed, ends before a \
          server has answered, prints something that is not SSH, or stays silent. ssh's own last line, \"Connection closed by \
          UNKNOWN port 65535\", says nothing of it; what the program writes to standard error does.\n\n\
          sshdoctor runs the command as ssh does, keeps its words and its exit status, and ends it with everything that it \
          started. Proven where the shell cannot run it, where a signal ends it, or where its own words, which are known for \
          ssh -W, nc, ncat, socat, corkscrew, connect, proxytunnel, cloudflared, aws ssm and gcloud, say that no connection \
          came about. A program that ends otherwise, stays silent or prints other text leaves open whether it or the server \
          behind it is at fault: then it is likely at most.",
    prevent: "Use ProxyJump in place of ProxyCommand ssh -W; write programs with their full path, and try a new command by \
              itself before it goes into the configuration.",
    fix: Fix { commands: steps::commands, mend: forget_the_program },
    see: &[
        "ssh_config(5) ProxyCommand",
        "OpenSSH sshconnect.c ssh_proxy_connect",
        "POSIX shell, Exit Status for Commands",
    ],
    judge: proxy_command_failed,
};

fn proxy_command_failed(facts: &Facts) -> Observed<Option<Finding>> {
    let connect = known(&facts.connect)?;
    let Some(Proxy::Command(command)) = &connect.proxy else { return Ok(None) };
    let Some(program) = program(facts) else {
        let refused = proxies::expanded(facts).err().filter(|_| proxies::not_run(facts).is_none());
        return Ok(refused.map(|words| bad_token(command, &words)));
    };
    if program.role != Role::ProxyCommand || program.stopped {
        return Ok(None);
    }
    if let Some(error) = &program.unstarted {
        let shell = &program.shell;
        let summary = format!("{shell}, the shell that ssh gives the ProxyCommand to, cannot be started");
        return Ok(Some(
            Finding::proven(summary)
                .seen(format!("executing {shell} fails: {error}"))
                .seen(ran(program))
                .seen(from_shell(shell)),
        ));
    }
    let transport = known(&facts.transport)?;
    if transport.complete || transport.identification.is_some() || transport.end.is_none() {
        return Ok(None);
    }
    let scene = Scene { facts, program, transport, named: named(program.command.as_bytes()) };
    Ok(scene.judged().map(|finding| scene.with_what_was_seen(finding)))
}

/// A program that came to no identification string.
struct Scene<'a> {
    facts: &'a Facts,
    program: &'a Program,
    transport: &'a Transport,
    named: Named,
}

impl Scene<'_> {
    fn judged(&self) -> Option<Finding> {
        let program = self.program;
        let printed = transport::came(self.transport);
        let said = sayings::meaning(&self.named, program);
        match &said {
            // The server, or something before it, let go: connection-dropped.
            Some((Meaning::Dropped, _)) => return None,
            Some((meaning, line)) if program.status != Some(0) && !printed => return Some(self.said(*meaning, line)),
            _ => {}
        }
        if printed {
            return self.printed();
        }
        let name = self.name();
        match (program.status, program.signal) {
            (_, Some(PIPE)) => Some(self.or_dropped(Finding::likely(format!(
                "{name} is ended by signal {PIPE} (SIGPIPE) before a server answers"
            )))),
            (_, Some(signal)) => {
                let words =
                    format!("{name} is ended by signal {signal}{} before a server answers", signal_name(signal));
                Some(Finding::proven(words))
            }
            // Their other end closed the connection, as far as can be told.
            (Some(0), _) if self.named.known.is_some_and(Known::only_carries) => None,
            (Some(status), _) => {
                let silence = if program.stderr_bytes == 0 { " without a word" } else { "" };
                let summary = if status == 0 {
                    format!("{name} ends{silence} before a server answers")
                } else if status == 1 && self.named.known == Some(Known::Netcat) && program.stderr_bytes == 0 {
                    // Whatever its make: after a connection it ends with 0, or says what came.
                    let summary = format!("{name} gets no connection, and does not say why without -v");
                    return Some(Finding { place: Some(Place::Open), ..Finding::proven(summary) });
                } else {
                    format!("{name} ends with status {status}{silence} before a server answers")
                };
                Some(self.or_dropped(Finding::likely(summary)))
            }
            (None, None) => Some(self.silent()),
        }
    }

    /// The program said why.
    fn said(&self, meaning: Meaning, line: &str) -> Finding {
        let name = self.name();
        let line = ServerText::from(line).shortened(SHOWN);
        let summary = match meaning {
            Meaning::NotFound if self.first_word_in(&line).is_some() => self.not_found(&line),
            Meaning::NotFound => format!("{name} needs a program that is not found: {line}"),
            Meaning::NotExecutable => format!("{name} cannot be executed: {line}"),
            Meaning::NotShell => {
                format!("{} cannot make sense of the ProxyCommand: {line}", self.program.shell)
            }
            _ => format!("{name} makes no connection: {}: {line}", clause(meaning)),
        };
        let certain = meaning.excludes_the_server() && self.program.stdout_bytes == 0;
        let finding = Finding { place: Some(place(meaning)), ..Finding::new(Certainty::Likely, summary) };
        if certain && !self.program.ran_on {
            return Finding { certainty: Certainty::Proven, ..finding };
        }
        match meaning {
            // It waits for its owner to do so.
            Meaning::NotLoggedIn => finding,
            _ => self.or_silent(finding),
        }
    }

    /// It printed what is no SSH; where it only carries, the other end did.
    fn printed(&self) -> Option<Finding> {
        if self.named.known.is_some_and(Known::only_carries) {
            return None;
        }
        let finding = Finding::likely(format!("{} prints something that is not SSH", self.name()));
        let finding = transport::quoted_lines(self.transport)
            .into_iter()
            .fold(finding, |finding, line| finding.seen(line.replacen("the server sends", "it prints", 1)));
        Some(finding.or([Alternative {
            cause: "not-ssh-server",
            certainty: Certainty::Possible,
            summary: "it carries faithfully, and what it leads to is no SSH server".to_owned(),
            evidence: Vec::new(),
            decide: self.alone(),
        }]))
    }

    /// It ran on, and nothing came.
    fn silent(&self) -> Finding {
        let name = self.name();
        let summary = match self.transport.end {
            Some(End::TimedOut) => format!("{name} gives nothing: it hangs, or what it leads to does not answer"),
            _ => format!("{name} closes the connection before a server answers, and runs on"),
        };
        let finding = Finding { place: Some(Place::Open), ..Finding::likely(summary) };
        match self.transport.end {
            Some(End::TimedOut) => {
                let waited = milliseconds(self.program.millis);
                self.or_silent(finding.seen(format!("no byte came from it, and it had not ended after {waited}")))
            }
            _ => self.or_dropped(finding),
        }
    }

    fn or_silent(&self, finding: Finding) -> Finding {
        let possible = |cause, summary: &str| Alternative {
            cause,
            certainty: Certainty::Possible,
            summary: summary.to_owned(),
            evidence: Vec::new(),
            decide: self.alone(),
        };
        finding.or([
            possible(
                "connection-timeout",
                "its own connection attempt gets no answer: a firewall, or a host that is down",
            ),
            possible("banner-timeout", "it is connected, and the server sends no identification string"),
        ])
    }

    fn or_dropped(&self, finding: Finding) -> Finding {
        finding.or([Alternative {
            cause: "connection-dropped",
            certainty: Certainty::Possible,
            summary: "it reached the server, which closed the connection before it said who it is".to_owned(),
            evidence: Vec::new(),
            decide: self.alone(),
        }])
    }

    /// The command that shows what the program does by itself.
    fn alone(&self) -> Option<Decide> {
        Some(Decide { place: Place::Client, command: steps::alone(self.program)? })
    }

    fn with_what_was_seen(&self, finding: Finding) -> Finding {
        evidence(self.facts).into_iter().fold(finding, Finding::seen)
    }

    /// What it is called in a sentence.
    fn name(&self) -> String {
        match self.shown_name() {
            name if name.is_empty() => "the empty ProxyCommand".to_owned(),
            name => format!("the ProxyCommand {name}"),
        }
    }

    fn shown_name(&self) -> String {
        ServerText::from(self.named.name()).shortened(40)
    }

    /// The command's first word, which is what the shell is to run, where the line is about it.
    fn first_word_in(&self, line: &str) -> Option<&str> {
        let first = first_word(self.program)?;
        let name = self.named.name();
        let names = |word: &str| word == first || (!name.is_empty() && word.rsplit('/').next() == Some(name));
        line.split([':', ' ']).any(names).then_some(first)
    }

    fn not_found(&self, line: &str) -> String {
        match self.first_word_in(line).unwrap_or_default() {
            "exec" => "the ProxyCommand begins with exec, which ssh puts before it itself".to_owned(),
            word if is_assignment(word) => {
                format!("the ProxyCommand begins with {word}, and ssh has the shell run that as a program")
            }
            word => format!("the ProxyCommand's program {} is not found", ServerText::from(word).shortened(60)),
        }
    }
}

/// The first word of the command, which stands behind `exec` for the shell.
fn first_word(program: &Program) -> Option<&str> {
    program.command.as_str()?.split_ascii_whitespace().next()
}

/// Whether a shell would take the word for a variable's value, were it not behind `exec`.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// What a saying means, as a clause.
fn clause(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::NotFound | Meaning::NotExecutable | Meaning::NotShell => "it cannot be run",
        Meaning::Forbidden => "the proxy does not allow it",
        Meaning::ProxyLogin => "the proxy wants a name and a password",
        Meaning::ProxyFails => "the proxy does not get through",
        Meaning::NoSuchName => "a name does not resolve",
        Meaning::ResolverFails => "the resolver does not answer",
        Meaning::Refused => "the connection is refused",
        Meaning::Unanswered => "there is no answer",
        Meaning::Unreachable => "there is no way there",
        Meaning::Dropped => "the connection is ended by the other side",
        Meaning::HopLogin => "the host on the way refuses the login",
        Meaning::HopKey => "ssh does not take the host key of the host on the way",
        Meaning::HopForbids => "the host on the way does not allow it",
        Meaning::HopCannot => "the host on the way cannot connect to the target",
        Meaning::HopFails => "the login at the host on the way fails",
        Meaning::NotLoggedIn => "it wants you to log in first",
        Meaning::NoRight => "its account has no right to it",
        Meaning::Offline => "the machine is not connected to the service",
        Meaning::Backend => "nothing answers at the machine behind it",
        Meaning::PartMissing => "a part of it is not installed",
        Meaning::TunnelRefuses => "its service does not lead to the server",
    }
}

/// Where it lies, as far as the saying tells.
fn place(meaning: Meaning) -> Place {
    match meaning {
        Meaning::Forbidden => Place::Network,
        Meaning::HopForbids | Meaning::HopCannot => Place::JumpHost,
        Meaning::ProxyFails
        | Meaning::Refused
        | Meaning::Unanswered
        | Meaning::Unreachable
        | Meaning::ResolverFails
        | Meaning::HopLogin
        | Meaning::HopFails
        | Meaning::Offline
        | Meaning::Backend
        | Meaning::TunnelRefuses => Place::Open,
        _ => Place::Client,
    }
}

/// ssh stops at the command itself.
fn bad_token(command: &ServerText, words: &str) -> Finding {
    let what = match words {
        "invalid format" => "a % at its end".to_owned(),
        unknown => format!("{}, which ssh does not know there", unknown.trim_start_matches("unknown key ")),
    };
    Finding::proven(format!("the ProxyCommand holds {what}: ssh stops before it runs it"))
        .seen(format!("ProxyCommand {}", command.shortened(SHOWN)))
        .seen(format!("ssh says: vdollar_percent_expand: {words}"))
}

/// What ran.
fn ran(program: &Program) -> String {
    let command = program.command.shortened(SHOWN);
    if program.role != Role::ProxyCommand {
        return format!("what carries the connection: {command}");
    }
    format!("ssh runs: {} -c {}", program.shell, quoted(&format!("exec {command}")))
}

fn from_shell(shell: &crate::facts::text::Path) -> String {
    format!("$SHELL is {shell}")
}

/// What is seen of the program that makes the connection, a line each; nothing where none does.
pub(in crate::checks) fn evidence(facts: &Facts) -> Vec<String> {
    let Some(program) = program(facts) else { return Vec::new() };
    let lines = sayings::lines(program);
    let mut seen = vec![ran(program)];
    seen.extend(
        lines
            .iter()
            .skip(lines.len().saturating_sub(LINES))
            .map(|line| format!("it says: {}", ServerText::from(line.as_str()).shortened(SHOWN))),
    );
    if program.stderr_bytes > program.stderr.as_bytes().len() as u64 {
        seen.push(format!(
            "it wrote {} bytes to standard error, of which the beginning and the end are kept",
            program.stderr_bytes
        ));
    }
    let took = milliseconds(program.millis);
    match (program.status, program.signal) {
        (Some(status), _) => seen.push(format!("it ended with status {status} after {took}")),
        (_, Some(signal)) => seen.push(format!("it was ended by signal {signal}{} after {took}", signal_name(signal))),
        _ => {}
    }
    seen
}

/// The name of a signal that ends programs, in parentheses.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        PIPE => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// Afterwards the way is another one.
fn forget_the_program(facts: &mut Facts) {
    facts.config.options.0.retain(|(keyword, _)| keyword != "proxycommand");
    super::super::resolve::forget(facts, Stage::Connect);
}

/// The program that makes the connection in place of ssh, where one was run.
pub(in crate::checks) fn program(facts: &Facts) -> Option<&Program> {
    match facts.connect.as_ref().ok()?.through.as_ref()? {
        Through::Program(program) => Some(program),
        Through::Tunnel(_) => None,
    }
}

/// How the server is reached, where a program does it.
pub(super) fn passes(facts: &Facts) -> Observed<Outcome> {
    let Some(program) = program(facts) else {
        // Why it was not run stands there.
        return Err(facts.transport.as_ref().err().cloned().unwrap_or(Unobserved::NotAttempted));
    };
    let command = program.command.shortened(SHOWN);
    if program.stopped {
        let summary = "the ProxyCommand asks somebody at the terminal, and is not let to here";
        return Ok(Outcome::warn(summary).with(evidence(facts)));
    }
    let transport = known(&facts.transport)?;
    if transport.identification.is_some() {
        return Ok(Outcome::pass(format!("reached through the ProxyCommand: {command}")).with(evidence(facts)));
    }
    let status = if program.status.is_some() { Status::Info } else { Status::Warn };
    let summary = format!("the ProxyCommand runs, and no server has answered through it: {command}");
    Ok(Outcome { status, ..Outcome::info(summary) }.with(evidence(facts)))
}

/// Whether the program is at fault, or was ended because it asked somebody, so that nothing is known of the server.
pub(in crate::checks) fn hides_the_server(facts: &Facts) -> bool {
    asks(facts).is_some() || matches!(proxy_command_failed(facts), Ok(Some(_)))
}

/// Whether the program was stopped when it asked somebody at the terminal.
pub(in crate::checks) fn asks(facts: &Facts) -> Option<&Program> {
    program(facts).filter(|program| program.stopped)
}

/// The causes that go by how a connection ended or was silent, or by what came over it in the clear: what carries it may
/// have done that.
const BY_THE_STREAM: &[&str] = &[
    "not-ssh-server",
    "banner-timeout",
    "connection-dropped",
    "protocol-error",
    "kex-stalled",
    "signature-rejected",
    "session-closed",
];

/// The finding; nothing where the program is what is named; no more than likely where the program or the jump host that
/// carries the connection may have done what is laid at the server's door.
pub(in crate::checks) fn tempered(facts: &Facts, cause: &Cause, mut finding: Finding) -> Option<Finding> {
    let through = facts.connect.as_ref().ok().and_then(|connect| connect.through.as_ref());
    let Some(through) = through.filter(|_| BY_THE_STREAM.contains(&cause.id)) else { return Some(finding) };
    if cause.blocks == Blocks::Transport && hides_the_server(facts) {
        return None;
    }
    if finding.certainty != Certainty::Proven || told(facts, cause.id) {
        return Some(finding);
    }
    finding.certainty = Certainty::Likely;
    let program = match through {
        Through::Program(program) => program,
        Through::Tunnel(tunnel) => {
            let from = &tunnel.from;
            return Some(finding.seen(format!("{from} carries the connection, and may have done that itself")));
        }
    };
    let how = match finding.blocks.unwrap_or(cause.blocks) {
        Blocks::Transport => "the program ends, holds up or changes the connection by itself",
        _ => "the program ends the connection by itself, for instance after a time of its own",
    };
    // The installed ssh that carries it through a jump host is no ProxyCommand of the user's.
    let alternative = (program.role == Role::ProxyCommand).then(|| Alternative {
        cause: PROXY_COMMAND_FAILED.id,
        certainty: Certainty::Possible,
        summary: how.to_owned(),
        evidence: Vec::new(),
        decide: steps::alone(program).map(|command| Decide { place: Place::Client, command }),
    });
    Some(evidence(facts).into_iter().fold(finding, Finding::seen).or(alternative))
}

/// Whether the server itself said so, by a message that no program makes up.
fn told(facts: &Facts, id: &str) -> bool {
    let told = |end: Option<&End>| matches!(end, None | Some(End::Disconnect { .. }));
    match id {
        "signature-rejected" => {
            let userauth = facts.userauth.as_ref().ok();
            told(userauth.and_then(|userauth| userauth.connections.last()).and_then(Option::as_ref))
        }
        "session-closed" => {
            let session = facts.session.as_ref().ok();
            session.is_some_and(|session| {
                session.exit_status.is_some() || session.exit_signal.is_some() || told(session.end.as_ref())
            })
        }
        "connection-dropped" => {
            let transport = facts.transport.as_ref().ok();
            matches!(transport.and_then(|transport| transport.end.as_ref()), Some(End::Disconnect { .. }))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{CHAIN, doubted};
    use super::*;
    use crate::facts::Target;
    use crate::facts::connect::Connect;

    /// A program that ended so, without a byte from a server.
    fn scene(command: &str, status: Option<i32>, stderr: &str) -> Facts {
        let target =
            Target { input: "web1".into(), alias: "web1".into(), host: "web1".into(), port: 22, ..Target::default() };
        let program = Program {
            command: command.into(),
            shell: "/bin/sh".into(),
            stderr: stderr.into(),
            stderr_bytes: stderr.len() as u64,
            status,
            ran_on: status.is_none(),
            millis: 12.0,
            ..Program::default()
        };
        let connect = Connect {
            proxy: Some(Proxy::Command(command.into())),
            through: Some(Through::Program(Box::new(program))),
            ..Connect::default()
        };
        let end = Some(if status.is_some() { End::Closed } else { End::TimedOut });
        let mut facts = Facts {
            target: Ok(target),
            connect: Ok(connect),
            transport: Ok(Transport { end, ..Transport::default() }),
            ..Facts::default()
        };
        facts.config.options.set("proxycommand", command);
        facts
    }

    fn with(mut facts: Facts, change: fn(&mut Program)) -> Facts {
        if let Ok(Connect { through: Some(Through::Program(program)), .. }) = &mut facts.connect {
            change(program);
        }
        facts
    }

    /// Every cause that is found, with its certainty.
    fn found(facts: &Facts) -> Vec<(&'static str, Certainty)> {
        let causes = CHAIN.iter().flat_map(|check| check.causes);
        let judged = causes.filter_map(|cause| Some((cause.id, doubted(facts, cause, (cause.judge)(facts).ok()??)?)));
        judged.map(|(id, finding)| (id, finding.certainty)).collect()
    }

    fn by_id(id: &str) -> &'static Cause {
        CHAIN.iter().flat_map(|check| check.causes).find(|cause| cause.id == id).unwrap()
    }

    const FAILED: &str = "proxy-command-failed";

    #[test]
    fn what_the_shell_or_the_program_says_proves_it() {
        for (command, status, stderr) in [
            ("corkscrew p 1 web1 22", 127, "/bin/sh: 1: exec: corkscrew: not found\n"),
            ("exec nc web1 22", 127, "/bin/sh: 1: exec: exec: not found\n"),
            ("/opt/tunnel", 126, "/bin/sh: 1: exec: /opt/tunnel: Permission denied\n"),
            ("nc -X connect -x p:1 web1 22", 1, "nc: Proxy error: \"HTTP/1.0 403 Forbidden\"\n"),
            ("nc -v web1 22", 1, "nc: connect to web1 port 22 (tcp) failed: Connection refused\n"),
            ("nc web1 22", 1, ""),
            ("ssh -W [web1]:22 hop", 255, "a@hop: Permission denied (publickey).\r\n"),
        ] {
            let facts = scene(command, Some(status), stderr);
            assert_eq!(found(&facts), [(FAILED, Certainty::Proven)], "{command}");
            assert!(!steps::commands(&facts).is_empty(), "{command}");
        }
        let crashed = with(scene("tunnel", None, ""), |program| (program.signal, program.ran_on) = (Some(11), false));
        assert_eq!(found(&crashed), [(FAILED, Certainty::Proven)]);
        let shell = with(scene("nc", None, ""), |program| program.unstarted = Some("ENOENT".to_owned()));
        assert_eq!(found(&shell), [(FAILED, Certainty::Proven)]);
    }

    #[test]
    fn an_end_that_the_server_may_have_made_is_likely_at_most() {
        for (command, status, stderr) in
            [("false", 1, ""), ("tunnel web1", 1, "session expired\n"), ("tunnel web1", 0, "")]
        {
            let facts = scene(command, Some(status), stderr);
            assert_eq!(found(&facts), [(FAILED, Certainty::Likely)], "{command}");
            let finding = proxy_command_failed(&facts).unwrap().unwrap();
            assert_eq!(finding.alternatives[0].cause, "connection-dropped");
        }
        let piped = with(scene("tunnel", None, ""), |program| (program.signal, program.ran_on) = (Some(PIPE), false));
        assert_eq!(found(&piped), [(FAILED, Certainty::Likely)]);
        for (command, status, stderr) in
            [("nc web1 22", 0, ""), ("socat - TCP:web1:22", 1, "E read(5): Connection reset by peer")]
        {
            let facts = scene(command, Some(status), stderr);
            assert_eq!(found(&facts), [("connection-dropped", Certainty::Likely)], "{command}");
        }
    }

    #[test]
    fn silence_is_the_programs_or_the_servers() {
        let facts = scene("nc web1 22", None, "");
        assert_eq!(found(&facts), [(FAILED, Certainty::Likely)]);
        let finding = proxy_command_failed(&facts).unwrap().unwrap();
        assert_eq!(finding.place, Some(Place::Open));
        let others: Vec<&str> = finding.alternatives.iter().map(|other| other.cause).collect();
        assert_eq!(others, ["connection-timeout", "banner-timeout"]);
        // Its own word that it waits for its owner.
        let words = "Please open the following URL and log in with your Cloudflare account:\n";
        let facts = scene("cloudflared access ssh --hostname web1", None, words);
        let finding = proxy_command_failed(&facts).unwrap().unwrap();
        assert_eq!((finding.certainty, finding.alternatives.len()), (Certainty::Likely, 0));
    }

    #[test]
    fn other_text_is_the_programs_where_it_does_not_only_carry() {
        let printing = |command: &str| {
            let mut facts = with(scene(command, Some(0), ""), |program| program.stdout_bytes = 26);
            facts.transport.as_mut().unwrap().pre_banner = vec!["HTTP/1.1 400 Bad Request".into()];
            facts
        };
        assert_eq!(found(&printing("tunnel web1")), [(FAILED, Certainty::Likely)]);
        assert_eq!(found(&printing("nc web1 22")), [("not-ssh-server", Certainty::Likely)]);
    }

    #[test]
    fn what_follows_an_identification_string_is_never_proven_of_the_server() {
        for (end, cause) in [
            (End::Closed, "connection-dropped"),
            (End::TimedOut, "kex-stalled"),
            (End::NotSsh("packet length 1213486160".to_owned()), "protocol-error"),
        ] {
            let mut facts = scene("nc web1 22", Some(0), "");
            let transport = facts.transport.as_mut().unwrap();
            (transport.identification, transport.end) = (Some("SSH-2.0-x".into()), Some(end));
            assert_eq!(found(&facts), [(cause, Certainty::Likely)]);
        }
    }

    #[test]
    fn a_program_that_asks_or_was_not_run_is_not_accused() {
        let asks = with(scene("ssh -W [web1]:22 hop", None, ""), |program| program.stopped = true);
        assert_eq!(found(&asks), []);
        let mut carried = scene("ssh -S /run/m -W [web1]:22 hop", Some(0), "");
        carried = with(carried, |program| program.role = Role::Installed);
        let finding = doubted(&carried, by_id("connection-dropped"), Finding::proven("it ends")).unwrap();
        assert_eq!(finding.certainty, Certainty::Likely);
        assert!(!finding.alternatives.iter().any(|other| other.cause == FAILED));
        let mut unrun = scene("nc web1 22", Some(1), "");
        unrun.connect.as_mut().unwrap().through = None;
        assert!(!found(&unrun).iter().any(|(id, _)| *id == FAILED));
        let mut jump = scene("ssh -W", Some(255), "Permission denied (publickey).");
        jump.connect.as_mut().unwrap().proxy = Some(Proxy::Jump(vec!["hop".into()]));
        assert!(!found(&jump).iter().any(|(id, _)| *id == FAILED));
    }

    #[test]
    fn a_token_that_ssh_does_not_know_stops_it() {
        let mut facts = scene("nc %x", None, "");
        facts.connect.as_mut().unwrap().through = None;
        let finding = proxy_command_failed(&facts).unwrap().unwrap();
        assert_eq!(finding.certainty, Certainty::Proven);
        assert!(finding.summary.contains("holds %x"), "{finding:?}");
    }

    #[test]
    fn after_the_fix_nothing_is_known_of_the_way() {
        let mut facts = scene("false", Some(1), "");
        (PROXY_COMMAND_FAILED.fix.mend)(&mut facts);
        assert_eq!(found(&facts), []);
    }
}
