//! The session channel after a login (RFC 4254 section 6): is it opened, does a command run in it, how does it end?
//!
//! Touches: the connection that is logged in; runs `true` there, which runs whatever the server ties to the account.
//! For a Git host's account a shell without a terminal instead, as `ssh -T` does, or `git-upload-pack` for the
//! repository that the user named; for sftp and scp the `sftp` subsystem, up to its first packet. A terminal is asked
//! for where ssh would ask, and nothing started at it. Where ssh would ask for the forwarding of the agent, it is asked for
//! too, which makes sshd keep a socket as long as the session lasts; whoever uses it there is turned away.

use std::time::Duration;

use tokio::time::Instant;

use super::ssh::message::{self, Message};
use super::ssh::packet::Connection;
use super::userauth::note;
use crate::facts::session::{ChannelOpen, Request, Session};
use crate::facts::text::{ServerText, escape};
use crate::facts::userauth::Userauth;
use crate::facts::{End, Footprint};
use crate::openssh::git_hosts::{self, UploadPack};
use crate::openssh::session::{Aim, SFTP_INIT, Wanted, other_user, sftp_packet};

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
    aim: &'a Aim,
    session: &'a mut Session,
    userauth: &'a mut Userauth,
    output: [Vec<u8>; 2],
    /// The server's number for the channel.
    theirs: Option<u32>,
    /// The answer to the last request for a channel.
    opened: Option<ChannelOpen>,
    /// Whether the answer to the request for the agent is still to come; answers come in the order of the requests.
    agent_asked: bool,
    /// The answer to the last request in it but for that.
    granted: Option<bool>,
    closed: bool,
}

/// Opens a session channel, starts what may be started in it, and waits for its end; asks for a terminal where ssh
/// would.
pub(crate) async fn run(
    connection: &mut Connection,
    aim: &Aim,
    session: &mut Session,
    userauth: &mut Userauth,
    footprint: &mut Footprint,
) {
    let mut channel = Channel {
        aim,
        session,
        userauth,
        output: [Vec::new(), Vec::new()],
        theirs: None,
        opened: None,
        agent_asked: false,
        granted: None,
        closed: false,
    };
    // What stands in the facts where the whole run ends before the session does.
    channel.session.end = Some(End::TimedOut);
    channel.session.end = channel.steps(connection, footprint).await.err();
    if channel.session.end.is_none() {
        // What this ends in says nothing of the session that was seen.
        drop(channel.terminal(connection).await);
    }
}

impl Channel<'_> {
    async fn steps(&mut self, connection: &mut Connection, footprint: &mut Footprint) -> Result<(), End> {
        let opened = self.open(connection).await;
        self.session.channel.clone_from(&self.opened);
        opened?;
        let Some(theirs) = self.theirs else { return Ok(()) };
        // OpenSSH has said by now what the key is bound to.
        self.session.request = self.aim.request(&self.userauth.debug);
        let start = match (self.session.request, &self.aim.wanted) {
            (Request::Nothing, _) => return self.agent(connection, theirs).await,
            (Request::Shell, _) => vec![message::shell(theirs), message::eof(theirs)],
            (Request::Sftp, _) => vec![message::subsystem(theirs, b"sftp")],
            (Request::Repository, Wanted::Repository(path)) => vec![message::exec(theirs, &upload_pack(path))],
            (Request::True | Request::Repository, _) => vec![message::exec(theirs, b"true"), message::eof(theirs)],
        };
        footprint.commands_run += 1;
        self.agent_asked = self.aim.agent;
        let agent = self.aim.agent.then(|| message::agent_forwarding(theirs));
        connection.send(&agent.into_iter().chain(start).collect::<Vec<_>>()).await?;
        let deadline = Instant::now() + RUN_LIMIT;
        while !self.closed && self.granted != Some(false) && !self.has_enough() {
            let waited = self.granted.is_none();
            let next = self.next(connection, deadline).await;
            self.session.granted = self.granted;
            next?;
            if waited && self.granted == Some(true) && self.session.request == Request::Sftp {
                connection.send(&[message::data(theirs, SFTP_INIT)]).await?;
            }
        }
        // One answer to two requests: a server that says nothing to what it does not know has answered the other one.
        if self.closed && self.granted.is_none() && !self.agent_asked {
            self.granted = self.session.agent.take();
            self.session.granted = self.granted;
        }
        self.close(connection).await
    }

    /// Asks for the forwarding of the agent alone, where ssh would ask for it.
    async fn agent(&mut self, connection: &mut Connection, theirs: u32) -> Result<(), End> {
        if !self.aim.agent {
            return Ok(());
        }
        self.agent_asked = true;
        connection.send(&[message::agent_forwarding(theirs)]).await?;
        let deadline = Instant::now() + OPEN_LIMIT;
        while self.agent_asked && !self.closed {
            self.next(connection, deadline).await?;
        }
        Ok(())
    }

    /// Asks for a channel and waits for the answer.
    async fn open(&mut self, connection: &mut Connection) -> Result<(), End> {
        (self.theirs, self.opened, self.granted, self.closed) = (None, None, None, false);
        connection.send(&[message::open_session()]).await?;
        let deadline = Instant::now() + OPEN_LIMIT;
        while self.opened.is_none() {
            self.next(connection, deadline).await?;
        }
        Ok(())
    }

    /// Closes the channel on this side.
    async fn close(&mut self, connection: &mut Connection) -> Result<(), End> {
        match self.theirs.take() {
            Some(theirs) => connection.send(&[message::close(theirs)]).await,
            None => Ok(()),
        }
    }

    /// Asks for a terminal, where ssh would and the session gives no reason to stop: in the channel where nothing was
    /// started, else in another one. Nothing is ever started at it: that would be a login for utmp.
    async fn terminal(&mut self, connection: &mut Connection) -> Result<(), End> {
        let good = match self.session.request {
            Request::Nothing => self.session.channel == Some(ChannelOpen::Confirmed),
            Request::True => self.session.exit_status == Some(0),
            _ => false,
        };
        if !good || !self.aim.terminal {
            return self.close(connection).await;
        }
        if self.theirs.is_none() {
            self.open(connection).await?;
        }
        let Some(theirs) = self.theirs else { return Ok(()) };
        connection.send(&[message::terminal(theirs)]).await?;
        let deadline = Instant::now() + OPEN_LIMIT;
        while self.granted.is_none() && !self.closed {
            self.next(connection, deadline).await?;
        }
        self.session.terminal = self.granted;
        self.close(connection).await
    }

    /// Whether what has come tells all that is waited for.
    fn has_enough(&self) -> bool {
        let [stdout, stderr] = &self.output;
        match self.session.request {
            Request::Nothing => true,
            Request::Sftp => sftp_packet(stdout).is_some(),
            Request::Repository => git_hosts::upload_pack(stdout) != UploadPack::NoPacket,
            // The text is followed by a pause that is meant to be read in.
            Request::True | Request::Shell => {
                [stdout, stderr].into_iter().any(|said| other_user(&ServerText::new(said.as_slice())).is_some())
            }
        }
    }

    /// Takes one message in.
    async fn next(&mut self, connection: &mut Connection, deadline: Instant) -> Result<(), End> {
        let payload = connection.receive(deadline).await?;
        let Some(message) = note(self.userauth, message::parse(&payload))? else { return Ok(()) };
        // Also to the agent: what came here would be signed with this user's keys.
        if let Some(asked) = message::asked_for(&payload) {
            connection.send(&[message::open_refused(asked)]).await?;
        }
        let theirs = self.theirs.unwrap_or_default();
        match message {
            Message::GlobalRequest { want_reply: true } => connection.send(&[message::request_failure()]).await?,
            Message::ChannelRequest { want_reply: true } => {
                connection.send(&[message::channel_failure(theirs)]).await?;
            }
            Message::OpenConfirmation { theirs } => {
                self.theirs = Some(theirs);
                self.opened = Some(ChannelOpen::Confirmed);
            }
            Message::OpenFailure { code, text } => {
                let text = ServerText::new(&text[..text.len().min(MAX_REASON)]);
                self.opened = Some(ChannelOpen::Refused { code, text });
            }
            Message::ChannelSuccess => self.answered(true),
            Message::ChannelFailure => self.answered(false),
            Message::Data(bytes) => self.keep(0, bytes),
            Message::ErrorData(bytes) => self.keep(1, bytes),
            Message::ExitStatus(status) => self.session.exit_status = Some(status),
            Message::ExitSignal(name) => self.session.exit_signal = Some(escape(&name[..name.len().min(64)])),
            Message::ChannelClose => self.closed = true,
            _ => {}
        }
        Ok(())
    }

    /// Takes the answer to the first request that has none.
    fn answered(&mut self, granted: bool) {
        if std::mem::take(&mut self.agent_asked) {
            self.session.agent = Some(granted);
        } else {
            self.granted = Some(granted);
        }
    }

    fn keep(&mut self, stream: usize, bytes: &[u8]) {
        let kept = &mut self.output[stream];
        let room = MAX_OUTPUT.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let slot = if stream == 0 { &mut self.session.stdout } else { &mut self.session.stderr };
        *slot = ServerText::new(kept.as_slice());
    }
}

/// The command that Git runs on the server to read a repository (git's connect.c `git_connect`, quote.c `sq_quote_buf`).
fn upload_pack(path: &ServerText) -> Vec<u8> {
    let mut command = b"git-upload-pack '".to_vec();
    for byte in path.as_bytes() {
        match byte {
            b'\'' | b'!' => command.extend([b'\'', b'\\', *byte, b'\'']),
            other => command.push(*other),
        }
    }
    command.push(b'\'');
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repositorys_path_is_one_word_for_the_servers_shell() {
        assert_eq!(upload_pack(&"team/app.git".into()), b"git-upload-pack 'team/app.git'");
        assert_eq!(upload_pack(&"a'; reboot!".into()), b"git-upload-pack 'a'\\''; reboot'\\!''");
    }
}
