//! What ssh asks of the server once it is logged in (ssh.c `main`, `ssh_session2_setup`; clientloop.c
//! `client_session2_setup`), and what the probe asks in its place.

use crate::facts::agent::AgentAnswer;
use crate::facts::session::Request;
use crate::facts::text::ServerText;
use crate::facts::{Facts, Target, Unobserved};

use super::arguments::pairs;
use super::{git_hosts, tokens};

/// From this version on scp copies over the `sftp` subsystem (scp.c `main`, `MODE_SFTP`).
const SCP_OVER_SFTP: (u32, u32) = (9, 0);

/// What ssh asks the server to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// No session at all: `-N`, `-W`.
    Nothing,
    /// The account's shell.
    Shell,
    /// A command.
    Command,
    /// A subsystem of this name.
    Subsystem(ServerText),
    /// Git's own programs, for this repository.
    Repository(ServerText),
}

/// What ssh would ask the server to start.
pub fn wanted(facts: &Facts) -> Wanted {
    let options = &facts.config.options;
    let letters = pairs(facts.config.arguments.iter().map(ServerText::as_bytes));
    // -G before 8.7 does not print it.
    let none = letters.iter().any(|(letter, _)| matches!(letter, b'N' | b'W'));
    if none || options.first("sessiontype") == Some("none") {
        return Wanted::Nothing;
    }
    let Ok(target) = &facts.target else { return Wanted::Shell };
    // A path that git refuses to pass on (connect.c `git_connect`, "strange pathname").
    if let Some(path) = target.repository.as_ref().filter(|path| !path.as_bytes().starts_with(b"-")) {
        return Wanted::Repository(path.clone());
    }
    let configured = options.values("remotecommand").next().filter(|command| command.as_bytes() != b"none");
    let command = target.command.as_ref().or(configured);
    match command {
        Some(command) if is_subsystem(facts, target) => Wanted::Subsystem(command.clone()),
        Some(_) => Wanted::Command,
        None => Wanted::Shell,
    }
}

fn is_subsystem(facts: &Facts, target: &Target) -> bool {
    let version = facts.config.ssh.as_ref().ok().and_then(|ssh| tokens::version(&ssh.version));
    let by_program = match target.program.as_str() {
        "scp" => version.is_none_or(|version| version >= SCP_OVER_SFTP),
        _ => true,
    };
    (target.subsystem && by_program) || facts.config.options.first("sessiontype") == Some("subsystem")
}

/// What ssh asks for where it asks for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// None.
    No,
    /// One, and without it ssh goes on: a shell at a terminal.
    Wished,
    /// One, and without it ssh ends: `-t`, `RequestTTY` (clientloop.c `client_status_confirm`).
    Demanded,
}

/// Whether ssh asks the server for a terminal (ssh.c `main`, `tty_flag`).
pub fn terminal(facts: &Facts) -> Terminal {
    let options = &facts.config.options;
    let wanted = wanted(facts);
    let at_one = facts.run.stdin_is_terminal && !options.is_yes("stdinnull");
    match options.first("requesttty") {
        _ if matches!(wanted, Wanted::Nothing | Wanted::Repository(_)) => Terminal::No,
        Some("force") => Terminal::Demanded,
        Some("no" | "false") => Terminal::No,
        Some("yes" | "true") if at_one => Terminal::Demanded,
        _ if at_one && wanted == Wanted::Shell => Terminal::Wished,
        _ => Terminal::No,
    }
}

/// What the probe does with the session, as far as it is known before the server has said what the key is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that is asked for or left")]
pub struct Aim {
    /// What ssh would ask for.
    pub wanted: Wanted,
    /// Whether the server is a Git host, where a shell only greets.
    pub greets: bool,
    /// Whether a terminal is asked for.
    pub terminal: bool,
    /// Whether the forwarding of the agent is asked for.
    pub agent: bool,
    /// Whether anything may be started.
    pub exec: bool,
}

/// What ssh does about the agent in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    /// It is not to be forwarded.
    Off,
    /// It is to be, and there is none: ssh asks the server for nothing and says nothing.
    NoAgent,
    /// ssh asks the server to forward it.
    Asked,
}

/// What ssh does about the agent in a session (ssh.c `check_agent_present`, `ssh_session2_setup`): it asks only where it
/// can connect to the agent that it uses itself, also where `ForwardAgent` names another one's socket.
pub fn forwarding(facts: &Facts) -> Forwarding {
    let on = facts.config.options.first("forwardagent").is_some_and(|value| !matches!(value, "no" | "false"));
    let program = facts.target.as_ref().is_ok_and(|target| target.program == "ssh");
    let Ok(agent) = &facts.agent else { return Forwarding::Off };
    match wanted(facts) {
        Wanted::Shell | Wanted::Command if on && program => {}
        _ => return Forwarding::Off,
    }
    match (&agent.socket, &agent.answer) {
        (None, Err(Unobserved::NotAttempted)) | (_, Ok(AgentAnswer::Unreachable(_))) => Forwarding::NoAgent,
        // What is not known of the agent is not judged.
        (_, Err(_)) => Forwarding::Off,
        (_, Ok(_)) => Forwarding::Asked,
    }
}

/// What the probe does with the session.
pub fn aim(facts: &Facts) -> Aim {
    let greets = git_hosts::git_host(facts).is_some();
    let terminal = !greets && facts.run.limits.exec && terminal(facts) != Terminal::No;
    let agent = !greets && facts.run.limits.exec && forwarding(facts) == Forwarding::Asked;
    Aim { wanted: wanted(facts), greets, terminal, agent, exec: facts.run.limits.exec }
}

impl Aim {
    /// What is started in the channel: never the user's command, and nothing where the key is bound to a command of
    /// its own, but for a Git host's greeting and a repository's references.
    pub fn request(&self, debug: &[ServerText]) -> Request {
        let bound = debug.iter().filter_map(key_options).any(|options| options.command);
        match &self.wanted {
            _ if !self.exec => Request::Nothing,
            Wanted::Repository(_) => Request::Repository,
            Wanted::Subsystem(name) if name.as_bytes() == b"sftp" && !bound => Request::Sftp,
            Wanted::Subsystem(_) if !self.greets => Request::Nothing,
            _ if self.greets => Request::Shell,
            _ if bound => Request::Nothing,
            _ => Request::True,
        }
    }
}

/// What OpenSSH's DEBUG message says of a key's or certificate's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one word of the message")]
pub struct KeyOptions {
    /// It runs one command only (`command=`, force-command).
    pub command: bool,
    /// It may have a terminal.
    pub terminal: bool,
    /// It may forward ports.
    pub port_forwarding: bool,
    /// It may forward an agent.
    pub agent_forwarding: bool,
    /// It may forward X11.
    pub x11_forwarding: bool,
}

/// Reads `PLACE: key options: …` (auth.c `auth_log_authopts`). Before the word `expires` the server prints no blank.
pub fn key_options(debug: &ServerText) -> Option<KeyOptions> {
    let text = String::from_utf8_lossy(debug.as_bytes());
    let (_, options) = text.split_once(": key options:")?;
    let has = |name: &str| options.split_whitespace().any(|word| word.strip_suffix("expires").unwrap_or(word) == name);
    Some(KeyOptions {
        command: has("command"),
        terminal: has("pty"),
        port_forwarding: has("port-forwarding"),
        agent_forwarding: has("agent-forwarding"),
        x11_forwarding: has("x11-forwarding"),
    })
}

/// The options of the key that logged in: the last that the server named.
pub fn options_in_use(debug: &[ServerText]) -> Option<KeyOptions> {
    debug.iter().rev().find_map(key_options)
}

/// `SSH_FXP_INIT` of version 3 (draft-ietf-secsh-filexfer-02 section 4).
pub const SFTP_INIT: &[u8] = b"\0\0\0\x05\x01\0\0\0\x03";

/// Where the first packet of an SFTP server begins in what came (`SSH_FXP_VERSION`, type 2): behind text that a shell's
/// start-up files printed it is not at 0. `None` where there is none.
pub fn sftp_packet(stdout: &[u8]) -> Option<usize> {
    stdout.windows(9).position(|bytes| matches!(bytes, [0, 0, _, _, 2, 0, 0, 0, 1..=6]))
}

/// The user that the text of a cloud image names in place of this one (cloud-init's `disable_root_opts`):
/// `Please login as the user "ubuntu" rather than the user "root".`
pub fn other_user(said: &ServerText) -> Option<String> {
    // dropbear keeps the backslashes of the line in authorized_keys.
    let text = String::from_utf8_lossy(said.as_bytes()).replace("\\\"", "\"");
    let (_, rest) = text.split_once("lease login as the user \"")?;
    let (name, rest) = rest.split_once('"')?;
    let plain = !name.is_empty() && name.len() <= 64 && !name.contains(|letter: char| letter.is_control());
    (plain && rest.trim_start().starts_with("rather than the user")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::agent::{Agent, AgentSocket};
    use crate::facts::config::Options;
    use crate::facts::{Observed, Source};

    fn facts(program: &str, command: Option<&str>, options: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        let subsystem = matches!(program, "scp" | "sftp");
        facts.target = Ok(Target {
            program: program.to_owned(),
            command: command.map(Into::into),
            subsystem,
            ..Target::default()
        });
        facts.config.options =
            Options(options.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect());
        facts.run.stdin_is_terminal = true;
        facts
    }

    #[test]
    fn a_shell_at_a_terminal_is_asked_for_with_one() {
        let shell = facts("ssh", None, &[("requesttty", "auto")]);
        assert_eq!((wanted(&shell), terminal(&shell)), (Wanted::Shell, Terminal::Wished));
        let command = facts("ssh", Some("uptime"), &[("requesttty", "auto")]);
        assert_eq!((wanted(&command), terminal(&command)), (Wanted::Command, Terminal::No));
        let both = facts("ssh", Some("top"), &[("requesttty", "true")]);
        assert_eq!((wanted(&both), terminal(&both)), (Wanted::Command, Terminal::Demanded));
        let none = facts("ssh", None, &[("sessiontype", "none"), ("requesttty", "force")]);
        assert_eq!((wanted(&none), terminal(&none)), (Wanted::Nothing, Terminal::No));
        let never = facts("ssh", None, &[("requesttty", "false")]);
        assert_eq!(terminal(&never), Terminal::No);
        let mut piped = shell.clone();
        piped.run.stdin_is_terminal = false;
        assert_eq!(terminal(&piped), Terminal::No);
        let configured = facts("ssh", None, &[("remotecommand", "tmux attach")]);
        assert_eq!((wanted(&configured), terminal(&configured)), (Wanted::Command, Terminal::No));
    }

    #[test]
    fn sftp_and_newer_scp_ask_for_the_subsystem() {
        let sftp = Wanted::Subsystem("sftp".into());
        assert_eq!(wanted(&facts("sftp", Some("sftp"), &[])), sftp);
        assert_eq!(wanted(&facts("scp", Some("sftp"), &[])), sftp);
        let mut old = facts("scp", Some("sftp"), &[]);
        let ssh = crate::facts::config::SshProgram { path: "/usr/bin/ssh".into(), version: "OpenSSH_8.4p1".to_owned() };
        old.config.ssh = Ok(ssh);
        assert_eq!(wanted(&old), Wanted::Command);
        let aim = aim(&facts("sftp", Some("sftp"), &[]));
        assert_eq!((aim.request(&[]), aim.terminal), (Request::Sftp, false));
    }

    #[test]
    fn a_key_that_is_bound_to_a_command_runs_nothing() {
        let aim = aim(&facts("ssh", None, &[]));
        let bound = |options: &str| {
            [ServerText::from(format!("/home/a/.ssh/authorized_keys:2: key options:{options}").as_str())]
        };
        assert_eq!(aim.request(&bound(" agent-forwarding command port-forwarding")), Request::Nothing);
        assert_eq!(aim.request(&bound(" commandexpires pty")), Request::Nothing);
        assert_eq!(aim.request(&bound(" port-forwarding")), Request::True);
    }

    #[test]
    fn a_git_host_is_asked_for_a_shell_and_without_leave_nothing_is_run() {
        let mut git = facts("ssh", None, &[]);
        git.target.as_mut().unwrap().user = "git".into();
        assert_eq!((aim(&git).request(&[]), aim(&git).terminal), (Request::Shell, false));
        let mut repository = git.clone();
        repository.target.as_mut().unwrap().repository = Some("team/app.git".into());
        assert_eq!(aim(&repository).request(&[]), Request::Repository);
        git.run.limits.exec = false;
        assert_eq!(aim(&git).request(&[]), Request::Nothing);
    }

    #[test]
    fn an_agent_is_taken_along_where_it_is_to_be_and_can_be_reached() {
        let scene = |program: &str, value: &str, socket: bool, answer: Observed<AgentAnswer>| {
            let mut facts = facts(program, None, &[("forwardagent", value)]);
            let socket = socket.then(|| AgentSocket {
                path: "/run/agent".into(),
                from: Source::Environment("SSH_AUTH_SOCK".to_owned()),
                link: None,
                forwarded: false,
            });
            let unknown = Unobserved::NotAttempted;
            facts.agent = Ok(Agent { socket, answer, bound: Err(unknown.clone()), locked: Err(unknown) });
            (forwarding(&facts), aim(&facts).agent)
        };
        let lists = || Ok(AgentAnswer::Lists(Vec::new()));
        let gone = || Ok(AgentAnswer::Unreachable("ENOENT".to_owned()));
        assert_eq!(scene("ssh", "yes", true, lists()), (Forwarding::Asked, true));
        assert_eq!(scene("ssh", "/run/other", true, lists()), (Forwarding::Asked, true));
        assert_eq!(scene("ssh", "yes", true, gone()), (Forwarding::NoAgent, false));
        assert_eq!(scene("ssh", "yes", false, Err(Unobserved::NotAttempted)), (Forwarding::NoAgent, false));
        assert_eq!(scene("ssh", "yes", true, Err(Unobserved::TimedOut)), (Forwarding::Off, false));
        assert_eq!(scene("ssh", "no", true, lists()), (Forwarding::Off, false));
        assert_eq!(scene("scp", "yes", true, lists()), (Forwarding::Off, false));
    }

    #[test]
    fn the_user_that_a_cloud_image_names_is_read() {
        let text = "Please login as the user \"ubuntu\" rather than the user \"root\".\n";
        assert_eq!(other_user(&text.into()).as_deref(), Some("ubuntu"));
        let of_dropbear = text.replace('"', "\\\"");
        assert_eq!(other_user(&of_dropbear.as_str().into()).as_deref(), Some("ubuntu"));
        assert_eq!(other_user(&"Please login as the user \"ubuntu\"".into()), None);
    }

    #[test]
    fn the_first_packet_of_an_sftp_server_is_found_behind_text() {
        assert_eq!(sftp_packet(b"\0\0\0\x5f\x02\0\0\0\x03\0\0"), Some(0));
        assert_eq!(sftp_packet(b"hello\n\0\0\0\x05\x02\0\0\0\x03"), Some(6));
        assert_eq!(sftp_packet(b"Welcome, friend"), None);
    }
}
