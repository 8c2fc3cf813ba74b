//! The program of a `ProxyCommand`: whether it comes to a connection (sshconnect.c `ssh_proxy_connect`).

mod steps;

use super::super::{
    Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Outcome, Place, Status, milliseconds, quoted,
    transport,
};
use super::jump;
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
    if runs_nothing(program) {
        let shell = &program.shell;
        let summary = format!("{shell}, the shell that ssh gives the ProxyCommand to, runs no command");
        let finding = Finding::proven(summary).seen(from_shell(shell));
        return Ok(Some(evidence(facts).into_iter().fold(finding, Finding::seen)));
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
            (Some(0), _) if self.gave_up() => {
                let finding =
                    Finding::likely(format!("{name} ends by itself: no byte came for the time that its -w allows"));
                Some(self.or_silent(Finding { place: Some(Place::Open), ..finding }))
            }
            // Their other end closed the connection, as far as can be told.
            (Some(0), _) if self.named.only_carries() => None,
            (Some(status), _) => {
                let silence = if program.stderr_bytes == 0 { " without a word" } else { "" };
                let summary = if status == 0 {
                    format!("{name} ends{silence} before a server answers")
                } else if status == 1 && self.named.known == Some(Known::Netcat) && program.stderr_bytes == 0 {
                    // Whatever its make: after a connection it ends with 0, or says what came; but a server that takes
                    // the connection and resets it at once is met in connecting.
                    let summary = format!("{name} gets no connection, and does not say why without -v");
                    return Some(self.or_dropped(Finding { place: Some(Place::Open), ..Finding::likely(summary) }));
                } else {
                    format!("{name} ends with status {status}{silence} before a server answers")
                };
                // An ssh that is told to be quiet, or whose command ended there: the host on the way, or behind it.
                let place = (self.named.known == Some(Known::Ssh)).then_some(Place::Open);
                Some(self.or_dropped(Finding { place, ..Finding::likely(summary) }))
            }
            (None, None) => Some(self.silent()),
        }
    }

    /// The program said why.
    fn said(&self, meaning: Meaning, line: &str) -> Finding {
        let name = self.name();
        let line = ServerText::from(line).shortened(SHOWN);
        let summary = match meaning {
            Meaning::HopLacks => format!("{name} logs in at the host on the way, and {}: {line}", clause(meaning)),
            Meaning::NotFound if self.first_word_in(&line).is_some() => self.not_found(&line),
            Meaning::NotFound => format!("{name} needs a program that is not found: {line}"),
            Meaning::NotExecutable => format!("{name} cannot be executed: {line}"),
            Meaning::NotShell => {
                format!("{} cannot make sense of the ProxyCommand: {line}", self.program.shell)
            }
            _ => format!("{name} makes no connection: {}: {line}", clause(meaning)),
        };
        // What a program that is not known writes may be about anything; what the shell writes is about the program.
        let by_shell = matches!(meaning, Meaning::NotFound | Meaning::NotExecutable | Meaning::NotShell);
        let certain =
            meaning.excludes_the_server() && self.program.stdout_bytes == 0 && (by_shell || self.named.known.is_some());
        let place = match meaning {
            // A script's own ssh, at the host that it logs in to, says the same.
            Meaning::NotFound | Meaning::NotExecutable if self.first_word_in(&line).is_none() => Place::Open,
            _ => place(meaning, &line),
        };
        let finding = Finding { place: Some(place), ..Finding::new(Certainty::Likely, summary) };
        if certain && !self.program.ran_on {
            return Finding { certainty: Certainty::Proven, ..finding };
        }
        match meaning {
            // It waits for its owner to do so.
            Meaning::NotLoggedIn => finding,
            _ if self.named.known.is_none() && !self.program.ran_on => self.or_dropped(finding),
            _ => self.or_silent(finding),
        }
    }

    /// It printed what is no SSH; where it only carries, the other end did.
    fn printed(&self) -> Option<Finding> {
        if self.named.only_carries() {
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

    /// Whether it is a netcat that was told to wait no longer than it did.
    fn gave_up(&self) -> bool {
        let words = &self.named.words;
        let next = words.iter().position(|word| word == "-w").and_then(|at| words.get(at + 1));
        let limit = next.or_else(|| words.iter().find(|word| word.starts_with("-w")));
        let seconds = limit.and_then(|word| word.trim_start_matches("-w").parse::<u32>().ok());
        self.named.known == Some(Known::Netcat)
            && seconds.is_some_and(|seconds| self.program.millis >= f64::from(seconds) * 1000.0)
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
        Some(Decide { place: Place::Client, command: steps::alone(self.facts, self.program)? })
    }

    fn with_what_was_seen(&self, finding: Finding) -> Finding {
        let finding = match unreached(self.program) {
            Some(rest) => finding.seen(format!(
                "{} never runs: ssh puts exec before the command, so that its first program takes the shell's place",
                ServerText::from(rest).shortened(SHOWN)
            )),
            None => finding,
        };
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
            word => {
                // A quoted one is more than a word.
                let quoted = word.starts_with(['\'', '"']);
                let word = self.named.words.first().filter(|_| quoted).map_or(word, String::as_str);
                format!("the ProxyCommand's program {} is not found", ServerText::from(word).shortened(60))
            }
        }
    }
}

/// The first word of the command, which stands behind `exec` for the shell.
fn first_word(program: &Program) -> Option<&str> {
    program.command.as_str()?.split_ascii_whitespace().next()
}

/// What stands behind the first program of a list, which the exec before the list keeps from running; `None` where it may
/// run all the same: behind a pipe, in parentheses, or where something is quoted.
pub(super) fn unreached(program: &Program) -> Option<&str> {
    let command = program.command.as_str().filter(|_| program.role == Role::ProxyCommand)?;
    let at = command.find(|one| "&;|\n".contains(one))?;
    let (first, rest) = command.split_at(at);
    let joins = rest.starts_with("&&") || rest.starts_with("||") || rest.starts_with(';');
    // An exec that finds no program, or has none to run, lets some shells go on.
    let runs = first.split_ascii_whitespace().next().is_some() && program.status != Some(127);
    let plain = !first.contains(['\'', '"', '\\', '(', '`', '$', '{', '<', '>', '#']);
    let behind = rest.trim_start_matches(['&', '|', ';']).trim();
    (joins && runs && plain && !behind.is_empty()).then_some(behind)
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
        Meaning::HopLacks => "the command that it is to run there cannot be run",
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
fn place(meaning: Meaning, line: &str) -> Place {
    match meaning {
        Meaning::Forbidden => Place::Network,
        Meaning::HopForbids | Meaning::HopLacks => Place::JumpHost,
        Meaning::HopCannot if jump::unknown_name(&line.into()) => Place::JumpHost,
        Meaning::HopCannot
        | Meaning::ProxyFails
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

/// Whether the shell is one of those that keep an account from having any: it ends at once whatever it is given.
fn runs_nothing(program: &Program) -> bool {
    let shell = program.shell.to_string();
    matches!(shell.rsplit('/').next(), Some("false" | "true" | "nologin")) && program.status.is_some()
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
        decide: steps::alone(facts, program).map(|command| Decide { place: Place::Client, command }),
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
mod tests;
