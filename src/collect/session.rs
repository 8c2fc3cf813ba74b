//! The session channel after a login (RFC 4254 section 6): is it opened, does a command run in it, how does it end?
//!
//! Touches: the connection that is logged in; runs `true` there (for a Git host's account a shell without a terminal,
//! as `ssh -T` does), which runs whatever the server ties to the account or the key.

use std::time::Duration;

use tokio::time::Instant;

use super::ssh::message::{self, Message};
use super::ssh::packet::Connection;
use super::userauth::note;
use crate::facts::session::{ChannelOpen, Request, Session};
use crate::facts::text::{ServerText, escape};
use crate::facts::userauth::Userauth;
use crate::facts::{End, Footprint, Limits};

/// How long opening the channel may take: PAM modules run now.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long what was started may take.
const RUN_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of each output that are kept.
const MAX_OUTPUT: usize = 4 * 1024;
/// Bytes of a reason for refusing that are kept.
const MAX_REASON: usize = 1024;

/// The channel, as far as it has come.
struct Channel<'a> {
    session: &'a mut Session,
    userauth: &'a mut Userauth,
    output: [Vec<u8>; 2],
    /// The server's number for the channel.
    theirs: Option<u32>,
    closed: bool,
}

/// Opens a session channel, starts what may be started in it, and waits for its end.
pub(crate) async fn run(
    connection: &mut Connection,
    limits: &Limits,
    session: &mut Session,
    userauth: &mut Userauth,
    footprint: &mut Footprint,
) {
    let mut channel = Channel { session, userauth, output: [Vec::new(), Vec::new()], theirs: None, closed: false };
    let outcome = channel.steps(connection, limits, footprint).await;
    if let Err(end) = outcome {
        channel.session.end = Some(end);
    }
}

impl Channel<'_> {
    async fn steps(
        &mut self,
        connection: &mut Connection,
        limits: &Limits,
        footprint: &mut Footprint,
    ) -> Result<(), End> {
        connection.send(&[message::open_session()]).await?;
        let deadline = Instant::now() + OPEN_LIMIT;
        while self.session.channel.is_none() {
            self.next(connection, deadline).await?;
        }
        let Some(theirs) = self.theirs else { return Ok(()) };
        // OpenSSH has said by now what the key is bound to.
        self.session.request = request(limits, self.userauth);
        let start = match self.session.request {
            Request::Nothing => return connection.send(&[message::close(theirs)]).await,
            Request::True => message::exec(theirs, b"true"),
            Request::Shell => message::shell(theirs),
        };
        footprint.commands_run += 1;
        connection.send(&[start, message::eof(theirs)]).await?;
        let deadline = Instant::now() + RUN_LIMIT;
        while !self.closed && self.session.granted != Some(false) {
            self.next(connection, deadline).await?;
        }
        connection.send(&[message::close(theirs)]).await
    }

    /// Takes one message in.
    async fn next(&mut self, connection: &mut Connection, deadline: Instant) -> Result<(), End> {
        let payload = connection.receive(deadline).await?;
        let Some(message) = note(self.userauth, message::parse(&payload))? else { return Ok(()) };
        let theirs = self.theirs.unwrap_or_default();
        match message {
            Message::GlobalRequest { want_reply: true } => connection.send(&[message::request_failure()]).await?,
            Message::ChannelRequest { want_reply: true } => {
                connection.send(&[message::channel_failure(theirs)]).await?;
            }
            Message::OpenConfirmation { theirs } => {
                self.theirs = Some(theirs);
                self.session.channel = Some(ChannelOpen::Confirmed);
            }
            Message::OpenFailure { code, text } => {
                let text = ServerText::new(&text[..text.len().min(MAX_REASON)]);
                self.session.channel = Some(ChannelOpen::Refused { code, text });
            }
            Message::ChannelSuccess => self.session.granted = Some(true),
            Message::ChannelFailure => self.session.granted = Some(false),
            Message::Data(bytes) => self.keep(0, bytes),
            Message::ErrorData(bytes) => self.keep(1, bytes),
            Message::ExitStatus(status) => self.session.exit_status = Some(status),
            Message::ExitSignal(name) => self.session.exit_signal = Some(escape(&name[..name.len().min(64)])),
            Message::ChannelClose => self.closed = true,
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, stream: usize, bytes: &[u8]) {
        let kept = &mut self.output[stream];
        let room = MAX_OUTPUT.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let slot = if stream == 0 { &mut self.session.stdout } else { &mut self.session.stderr };
        *slot = ServerText::new(kept.as_slice());
    }
}

/// What is asked of the channel.
fn request(limits: &Limits, userauth: &Userauth) -> Request {
    if !limits.exec {
        return Request::Nothing;
    }
    if userauth.user == "git" {
        return Request::Shell;
    }
    if userauth.debug.iter().any(bound_to_a_command) { Request::Nothing } else { Request::True }
}

/// Whether OpenSSH says that a key or certificate runs one command only (auth-options.c `auth_log_authopts`).
fn bound_to_a_command(debug: &ServerText) -> bool {
    let text = String::from_utf8_lossy(debug.as_bytes());
    text.split_once("key options:").is_some_and(|(_, options)| options.split_whitespace().any(|word| word == "command"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(user: &str, exec: bool, debug: &str) -> Request {
        let userauth = Userauth { user: user.into(), debug: vec![debug.into()], ..Userauth::default() };
        request(&Limits { exec, ..Limits::default() }, &userauth)
    }

    #[test]
    fn a_key_that_is_bound_to_a_command_runs_nothing() {
        let options = "/home/a/.ssh/authorized_keys:2: key options: agent-forwarding command port-forwarding";
        assert_eq!(asked("a", true, options), Request::Nothing);
        assert_eq!(asked("a", true, "/home/a/.ssh/authorized_keys:2: key options: port-forwarding"), Request::True);
    }

    #[test]
    fn a_git_host_is_asked_for_a_shell_and_without_leave_nothing_is_run() {
        assert_eq!(asked("git", true, ""), Request::Shell);
        assert_eq!(asked("git", false, ""), Request::Nothing);
        assert_eq!(asked("a", false, ""), Request::Nothing);
    }
}
