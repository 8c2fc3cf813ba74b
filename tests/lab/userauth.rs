//! A scripted server that goes as far as user authentication, for answers that no real server gives.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet, SshId};
use ssh_key::PrivateKey;

use crate::world::{World, read};

/// How it answers once the key exchange is done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Script {
    /// A disconnect with this text, behind the answer to `none`.
    Disconnect(&'static str),
    /// The authorised key is accepted in the query, and refused once it has signed.
    RefuseSignature,
    /// The connection is closed without a word once the key has signed.
    CloseAfterSignature,
    /// The authorised key is a first factor; this method has to follow.
    Partial(MethodKind),
    /// Every key is accepted in the query; a signature is refused unless its key is authorised. It says this name.
    YesToAll(&'static str),
    /// Every key is refused. It says this name.
    RefuseAll(&'static str),
    /// A Git host that lets the authorised key in.
    Git(Git),
    /// The connection is closed without a word at the second query.
    CloseAtSecondQuery,
    /// The connection is closed without a word in place of an answer to `none`.
    CloseAtNone,
}

/// A Git host: what it is called, and what it answers to a shell and to a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Git {
    /// Its identification string.
    pub(crate) name: &'static str,
    /// What stands on stdout in place of a shell.
    pub(crate) greeting: &'static str,
    /// What stands on stdout in place of a command's output.
    pub(crate) stdout: &'static str,
    /// What stands on stderr in place of a command's.
    pub(crate) stderr: &'static str,
    /// The exit status of both.
    pub(crate) status: u32,
}

impl World {
    /// The scripted server on port 22, known to the client; it knows the key in deploy's authorized_keys.
    pub(crate) fn scripted_userauth(&self, script: Script) -> anyhow::Result<()> {
        self.host_key("ed25519")?;
        self.known("web1.example.org", "ed25519")?;
        let key = PrivateKey::from_openssh(read("/etc/ssh/ssh_host_ed25519_key")?).context("host key")?;
        let config = Arc::new(Config {
            server_id: SshId::Standard(Cow::Borrowed(match script {
                Script::YesToAll(name) | Script::RefuseAll(name) => name,
                Script::Git(git) => git.name,
                _ => "SSH-2.0-Gatekeeper_4.1",
            })),
            methods: MethodSet::from(&[MethodKind::PublicKey][..]),
            auth_rejection_time: Duration::ZERO,
            keys: vec![key],
            ..Config::default()
        });
        let listener = std::net::TcpListener::bind("192.0.2.7:22")?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || runtime.block_on(serve(listener, config, script)));
        Ok(())
    }
}

async fn serve(listener: std::net::TcpListener, config: Arc<Config>, script: Script) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            let session = Arc::new(OnceLock::new());
            let running =
                run_stream(config, stream, Gate { script, queries: 0, session: Arc::clone(&session) }).await?;
            let _ = session.set(running.handle());
            running.await
        });
    }
}

/// One connection.
struct Gate {
    script: Script,
    queries: usize,
    session: Arc<OnceLock<Handle>>,
}

impl Gate {
    /// Whether deploy's authorized_keys lists the key.
    fn authorised(key: &ssh_key::PublicKey) -> bool {
        let Ok(text) = read("/home/deploy/.ssh/authorized_keys") else { return false };
        text.lines()
            .filter_map(|line| ssh_key::PublicKey::from_openssh(line).ok())
            .any(|line| line.key_data() == key.key_data())
    }
}

impl Handler for Gate {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        // Goes out behind the answer to this request, which no client takes for the end.
        if let (Script::Disconnect(text), Some(session)) = (self.script, self.session.get()) {
            let _ = session.disconnect(Disconnect::ByApplication, text.to_owned(), String::new()).await;
        }
        if matches!(self.script, Script::CloseAtNone) {
            return Err(russh::Error::Disconnect);
        }
        Ok(Auth::reject())
    }

    async fn auth_publickey_offered(&mut self, _: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        self.queries += 1;
        match self.script {
            Script::YesToAll(_) => return Ok(Auth::Accept),
            Script::CloseAtSecondQuery if self.queries > 1 => return Err(russh::Error::Disconnect),
            _ => {}
        }
        Ok(if Self::authorised(offer.public_key) { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        match self.script {
            _ if !Self::authorised(key.public_key) => Ok(Auth::reject()),
            Script::Disconnect(_) | Script::RefuseSignature | Script::RefuseAll(_) => Ok(Auth::reject()),
            Script::YesToAll(_) | Script::Git(_) | Script::CloseAtSecondQuery | Script::CloseAtNone => Ok(Auth::Accept),
            Script::CloseAfterSignature => Err(russh::Error::Disconnect),
            Script::Partial(next) => {
                Ok(Auth::Reject { proceed_with_methods: Some(MethodSet::from(&[next][..])), partial_success: true })
            }
        }
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let Script::Git(git) = self.script else { return session.channel_failure(channel) };
        answer(channel, session, git.greeting, "", git.status)
    }

    async fn exec_request(&mut self, channel: ChannelId, _: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        let Script::Git(git) = self.script else { return session.channel_failure(channel) };
        answer(channel, session, git.stdout, git.stderr, git.status)
    }
}

/// Text in place of what was asked, and the end.
fn answer(
    channel: ChannelId,
    session: &mut Session,
    stdout: &'static str,
    stderr: &'static str,
    status: u32,
) -> Result<(), russh::Error> {
    session.channel_success(channel)?;
    session.data(channel, stdout.as_bytes())?;
    session.extended_data(channel, 1, stderr.as_bytes())?;
    session.exit_status_request(channel, status)?;
    session.eof(channel)?;
    session.close(channel)
}
