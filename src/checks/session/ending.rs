//! What became of the session of a login that succeeded, told apart once for every cause and verdict.

use crate::facts::session::{ChannelOpen, Request, Session};
use crate::facts::text::{ServerText, escape};
use crate::facts::userauth::Userauth;
use crate::facts::{End, Facts, Unobserved};
use crate::openssh::git_hosts::{self, UploadPack};
use crate::openssh::server::software;
use crate::openssh::session::{
    KeyOptions, Terminal, Wanted, options_in_use, other_user, sftp_packet, terminal, wanted,
};

/// Why a session does not do what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::checks) enum Trouble {
    /// It was not seen to the end; in words.
    Unseen(String),
    /// The server refuses the channel or something in it; in words that begin with "the server".
    Refused(Refused, String),
    /// Only one command runs.
    Forced(Forced),
    /// The login is meant for another account: its name, where the text says it.
    OtherUser(Option<String>),
    /// The password has to be changed first.
    PasswordChange,
    /// The account's shell turns everybody away.
    ShellRefuses(ShellRefuses),
    /// The repository may not be read; the server's own words.
    RepositoryDenied(String),
    /// The start-up files of the account's shell print something before SFTP begins.
    Prints,
    /// It ends at once, otherwise; in words.
    Closed(Closed, String),
}

/// What of the channel is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checks) enum Refused {
    /// The session itself.
    Session,
    /// To run a command or a shell.
    Start,
    /// The subsystem.
    Subsystem,
    /// The subsystem is granted, and its program is not there.
    SubsystemMissing,
    /// A terminal.
    Terminal,
}

/// How the one command is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checks) enum Forced {
    /// The server's DEBUG message about the key.
    Key,
    /// sshd's own text: `ForceCommand internal-sftp`.
    SftpOnly,
}

/// How the shell is known to turn everybody away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checks) enum ShellRefuses {
    /// By its text.
    Says,
    /// `git-shell`, by its text.
    GitShell,
    /// `true` fails in silence.
    Silent,
}

/// What an end without a reason looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checks) enum Closed {
    /// Exit status 254 and silence: sshd's own, where a PAM session module refuses.
    Pam,
    /// Exit status 255 and silence, or no status at all: sshd's process for the session died.
    Died,
    /// A signal.
    Signal,
    /// Text that no rule here knows.
    Says,
}

/// What nologin(8), and shells in its place, say (`sftp connections only` is sshd's own and stands elsewhere).
const TURNING_AWAY: &[&str] = &[
    "account is currently not available",
    "shell access is not enabled on your account",
    "account is restricted by rssh",
    "shell access is disabled",
];
/// What git-shell says (git's shell.c).
const GIT_SHELL: &[&str] = &["fatal: unrecognized command '", "interactive git shell is not enabled"];
/// What sshd, PAM and shadow say where the password has to be changed (session.c `do_pwchange`, `pam_unix_acct.c`).
const CHANGE: &[&str] = &[
    "password change required but no tty available",
    "you are required to change your password",
    "you must change your password now",
    "your password has expired",
];
/// Of these what no rule of a house says in a text for everybody: sshd's Banner comes the same way as PAM's words.
const CHANGE_NOW: &[&str] = &[
    "password change required but no tty available",
    "you are required to change your password immediately",
    "you must change your password now",
    "your password has expired",
];
/// What shells and command lines of devices answer to a command that they do not know.
const UNKNOWN_COMMAND: &[&str] = &[
    "not recognized",
    "not found",
    "unknown command",
    "invalid command",
    "invalid input",
    "bad command",
    "unrecognized command",
    "syntax error",
    "no such command",
];

/// Why the session does not do what was asked; `None` where it does, or where nothing was seen against it.
pub(in crate::checks) fn trouble(facts: &Facts) -> Option<Trouble> {
    let session = match &facts.session {
        Ok(session) => session,
        Err(Unobserved::NotAttempted) => return None,
        Err(reason) => return Some(Trouble::Unseen(format!("its session was not seen to the end: {reason}"))),
    };
    if let Some(End::KeyExchange(why)) = &session.end {
        return Some(Trouble::Unseen(format!("its session was not seen to the end: {why}")));
    }
    match &session.channel {
        Some(ChannelOpen::Confirmed) => {}
        Some(ChannelOpen::Refused { code, text }) => {
            let what = format!("the server refuses the session (reason {code}: {})", text.shortened(200));
            return Some(Trouble::Refused(Refused::Session, what));
        }
        None if session.end == Some(End::TimedOut) => {
            return Some(Trouble::Unseen("no session opens while it is waited for".to_owned()));
        }
        None => {
            let what = format!("the server {} before a session opens", ends(session.end.as_ref()));
            return Some(Trouble::Closed(Closed::Died, what));
        }
    }
    let known = told(facts, session);
    if known.is_some() {
        return known;
    }
    match session.request {
        Request::Nothing => bound(facts).or_else(|| no_terminal(session)),
        Request::True => after_true(facts, session),
        Request::Shell => after_shell(facts, session),
        Request::Sftp => after_sftp(facts, session),
        Request::Repository => after_upload_pack(facts, session),
    }
}

/// What would make the login's success doubtful although nothing was seen against it, in words.
pub(in crate::checks) fn doubts(facts: &Facts) -> Vec<String> {
    let Ok(session) = &facts.session else { return Vec::new() };
    let mut doubts = Vec::new();
    let nothing = session.request == Request::Nothing;
    if nothing && options(facts).is_some_and(|options| options.command) {
        doubts.push("the key runs one command only, whatever is asked; that was not run here".to_owned());
    } else if let Wanted::Subsystem(name) = wanted(facts)
        && session.request != Request::Sftp
    {
        doubts.push(format!("the subsystem {} was not tried", name.shortened(60)));
    }
    if session.request == Request::True && !matches!(session.exit_status, Some(0)) {
        let how = how_it_ended(session);
        doubts.push(format!("`true` is no command of this server: {how}; what it does otherwise was not tried"));
    }
    doubts
}

/// Lower case of everything that came, standard output first.
fn said(session: &Session) -> String {
    let text = [session.stdout.as_bytes(), b"\n", session.stderr.as_bytes()].concat();
    String::from_utf8_lossy(&text).to_lowercase()
}

fn says(text: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| text.contains(pattern))
}

fn is_silent(session: &Session) -> bool {
    session.stdout.is_empty() && session.stderr.is_empty()
}

/// The options of the key that logged in, as OpenSSH names them.
fn options(facts: &Facts) -> Option<KeyOptions> {
    options_in_use(&facts.userauth.as_ref().ok()?.debug)
}

/// What the server's own words decide, whatever was asked of it.
fn told(facts: &Facts, session: &Session) -> Option<Trouble> {
    if session.exit_status == Some(0) || session.request == Request::Nothing {
        return None;
    }
    let text = said(session);
    let names = [&session.stdout, &session.stderr].into_iter().find_map(other_user);
    let banners = facts.userauth.as_ref().map(|userauth: &Userauth| userauth.banners.as_slice()).unwrap_or_default();
    let in_banner = |patterns| banners.iter().any(|text| says(&text.to_string().to_lowercase(), patterns));
    if names.is_some() {
        return Some(Trouble::OtherUser(names));
    }
    if says(&text, CHANGE) || (is_silent(session) && session.exit_status == Some(1) && in_banner(CHANGE_NOW)) {
        return Some(Trouble::PasswordChange);
    }
    if text.contains("this service allows sftp connections only") {
        return Some(Trouble::Forced(Forced::SftpOnly));
    }
    let greeted = session.request == Request::Shell && git_hosts::greeting(&session.stdout).is_some();
    if says(&text, TURNING_AWAY) && !greeted && git_hosts::greeting(&session.stderr).is_none() {
        return Some(Trouble::ShellRefuses(ShellRefuses::Says));
    }
    let git = matches!(session.request, Request::Shell | Request::Repository);
    (says(&text, GIT_SHELL) && !git).then_some(Trouble::ShellRefuses(ShellRefuses::GitShell))
}

/// A key that is bound to a command.
fn bound(facts: &Facts) -> Option<Trouble> {
    let options = options(facts).filter(|options| options.command)?;
    let root = facts.target.as_ref().is_ok_and(|target| target.user == "root");
    let as_cloud_init = !options.port_forwarding && !options.agent_forwarding && !options.x11_forwarding;
    let wanted = wanted(facts);
    if root && as_cloud_init && options.terminal && matches!(wanted, Wanted::Shell | Wanted::Command) {
        return Some(Trouble::OtherUser(None));
    }
    (wanted == Wanted::Shell).then_some(Trouble::Forced(Forced::Key))
}

fn no_terminal(session: &Session) -> Option<Trouble> {
    (session.terminal == Some(false))
        .then(|| Trouble::Refused(Refused::Terminal, "the server refuses a terminal".to_owned()))
}

fn after_true(facts: &Facts, session: &Session) -> Option<Trouble> {
    if session.granted == Some(false) {
        let what = "the server refuses to run a command".to_owned();
        // A device that has only a shell is asked for it by ssh, and was not here.
        let untold = wanted(facts) == Wanted::Shell && !is_unix(facts);
        return Some(if untold { Trouble::Unseen(what) } else { Trouble::Refused(Refused::Start, what) });
    }
    if session.exit_status == Some(0) {
        return no_terminal(session);
    }
    let answers = says(&said(session), UNKNOWN_COMMAND) || (!is_silent(session) && !is_unix(facts));
    if answers && session.end.is_none() {
        return None;
    }
    ended(session)
}

fn after_shell(facts: &Facts, session: &Session) -> Option<Trouble> {
    if session.granted == Some(false) {
        return Some(Trouble::Refused(Refused::Start, "the server refuses to start a shell".to_owned()));
    }
    let service = git_hosts::git_host(facts).and_then(|host| host.service);
    if session.exit_status == Some(0) || !is_silent(session) || service.is_some() {
        return None;
    }
    ended(session)
}

fn after_sftp(facts: &Facts, session: &Session) -> Option<Trouble> {
    if session.granted == Some(false) {
        let what = "the server refuses the sftp subsystem".to_owned();
        return Some(Trouble::Refused(Refused::Subsystem, what));
    }
    let bytes = session.stdout.as_bytes();
    match sftp_packet(bytes) {
        Some(0) => return None,
        Some(_) => return Some(Trouble::Prints),
        None if is_taken_for_length(facts, bytes) => return Some(Trouble::Prints),
        None => {}
    }
    let text = said(session);
    let missing = text.contains("not found") || text.contains("no such file");
    if session.exit_status == Some(127) || (missing && session.exit_status.is_some_and(|status| status != 0)) {
        let what = "the server grants the sftp subsystem, and its program is not there".to_owned();
        return Some(Trouble::Refused(Refused::SubsystemMissing, what));
    }
    ended(session)
}

/// Whether these are the four bytes that sftp took for the length of a message and printed as a number: all that its words
/// tell of what came.
pub(in crate::checks) fn is_taken_for_length(facts: &Facts, bytes: &[u8]) -> bool {
    facts.is_read()
        && bytes.len() == 4
        && bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

fn after_upload_pack(facts: &Facts, session: &Session) -> Option<Trouble> {
    if session.granted == Some(false) {
        return Some(Trouble::Refused(Refused::Start, "the server refuses to run git-upload-pack".to_owned()));
    }
    match git_hosts::upload_pack(session.stdout.as_bytes()) {
        UploadPack::Refs => return None,
        UploadPack::Error(reason) => return Some(Trouble::RepositoryDenied(escape(reason.as_bytes()))),
        UploadPack::NoPacket => {}
    }
    let text = said(session);
    let service = git_hosts::git_host(facts).is_some_and(|host| host.service.is_some());
    let no_git = session.exit_status == Some(127) || text.contains("command not found");
    let says = facts.is_read() && session.stderr.as_bytes().starts_with(b"ERROR: ");
    if !no_git && (says || git_hosts::denies(&text) || (service && !is_silent(session))) {
        let words = if session.stderr.is_empty() { &session.stdout } else { &session.stderr };
        return Some(Trouble::RepositoryDenied(trimmed(words, 400)));
    }
    ended(session)
}

/// A session that ended, or whose end was not seen, after something was started in it.
fn ended(session: &Session) -> Option<Trouble> {
    let how = how_it_ended(session);
    let silent = is_silent(session);
    Some(match (session.exit_status, &session.exit_signal) {
        (Some(0), _) if session.request == Request::True => return None,
        (Some(254), _) if silent => Trouble::Closed(Closed::Pam, how),
        (Some(255), _) if silent => Trouble::Closed(Closed::Died, how),
        (Some(_), _) if silent => Trouble::ShellRefuses(ShellRefuses::Silent),
        (None, Some(_)) => Trouble::Closed(Closed::Signal, how),
        (None, None) if matches!(session.end, Some(End::TimedOut | End::Flood(_))) => Trouble::Unseen(how),
        (None, None) if silent => Trouble::Closed(Closed::Died, how),
        _ => Trouble::Closed(Closed::Says, how),
    })
}

/// Text without the blanks and line ends around it, for a line of a report.
pub(in crate::checks) fn trimmed(text: &ServerText, most: usize) -> String {
    ServerText::new(text.as_bytes().trim_ascii()).shortened(most)
}

/// How it ended, in words for a sentence that begins with the login.
pub(in crate::checks) fn how_it_ended(session: &Session) -> String {
    let text = [&session.stdout, &session.stderr].into_iter().find(|text| !text.is_empty());
    let text = text.map(|text| format!(", saying: {}", trimmed(text, 200))).unwrap_or_default();
    match (session.exit_status, &session.exit_signal, &session.end) {
        (Some(status), ..) => format!("the session ends with exit status {status}{text}"),
        (None, Some(signal), _) => format!("the session is ended by signal {}{text}", escape(signal.as_bytes())),
        (None, None, Some(End::TimedOut)) => {
            format!("what was started in the session had not ended when the wait for it was over{text}")
        }
        (None, None, Some(end)) => format!("the server {} in the session{text}", ends(Some(end))),
        (None, None, None) => format!("the session ends without an exit status{text}"),
    }
}

fn ends(end: Option<&End>) -> String {
    match end {
        Some(End::Disconnect { text, .. }) => format!("disconnects ({})", text.shortened(200)),
        Some(End::Reset(error)) => format!("resets the connection ({})", escape(error.as_bytes())),
        Some(End::Flood(messages)) => format!("sends {messages} messages and no answer"),
        _ => "closes the connection".to_owned(),
    }
}

/// Whether the server is one that runs on Unix, where every shell knows `true`.
fn is_unix(facts: &Facts) -> bool {
    let identification = facts.transport.as_ref().ok().and_then(|transport| transport.identification.as_ref());
    let name = software(identification.map(ServerText::as_bytes).unwrap_or_default());
    let windows = name.starts_with(b"OpenSSH_for_Windows");
    !windows && [&b"OpenSSH_"[..], b"dropbear", b"tinyssh"].iter().any(|known| name.starts_with(known))
}

/// Whether ssh ends where the server gives it no terminal.
pub(in crate::checks) fn terminal_is_demanded(facts: &Facts) -> bool {
    terminal(facts) == Terminal::Demanded
}

/// What was said and how it ended, a line each.
pub(in crate::checks) fn seen(session: &Session) -> Vec<String> {
    let line = |name: &str, text: &ServerText| (!text.is_empty()).then(|| format!("{name}: {}", trimmed(text, 400)));
    let end = match (session.exit_status, &session.exit_signal) {
        (None | Some(0), None) => None,
        (Some(status), _) => Some(format!("exit status {status}")),
        (None, Some(signal)) => Some(format!("signal {}", escape(signal.as_bytes()))),
    };
    let agent = session.agent.map(|granted| {
        let word = if granted { "granted" } else { "refused" };
        format!("the forwarding of the agent is {word}")
    });
    let lines = [line("standard output", &session.stdout), line("standard error", &session.stderr), end, agent];
    lines.into_iter().flatten().collect()
}
