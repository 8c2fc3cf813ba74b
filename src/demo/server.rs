//! How does the server of the incidents decide? By a list of accounts and keys that the scenes change; it takes
//! public keys only, and in a session it runs nothing.
//!
//! Touches: one TCP port on loopback, which the system chooses.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use russh::keys::ssh_key::public::{KeyData, PublicKey};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, MethodKind, MethodSet, SshId};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::keys::ThrowAway;

/// Who the server says it is; no OpenSSH, so that nothing is believed of it that only OpenSSH promises.
const IDENTIFICATION: &str = "SSH-2.0-sshdoctor_demo";

/// After so much silence a connection is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which key opens which account: the server's `authorized_keys` files, all in one.
type Authorised = Arc<Mutex<Vec<(String, KeyData)>>>;

/// An SSH server on loopback.
#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    host_key: PublicKey,
    authorised: Authorised,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1, with a host key of its own; no key opens any account.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let host_key = ThrowAway::software("")?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no server can listen on 127.0.0.1")?;
        let port = listener.local_addr().context("the port of the server is not known")?.port();
        let config = server::Config {
            server_id: SshId::Standard(Cow::Borrowed(IDENTIFICATION)),
            methods: MethodSet::from(&[MethodKind::PublicKey][..]),
            auth_rejection_time: Duration::ZERO,
            inactivity_timeout: Some(PATIENCE),
            keys: vec![host_key.private().clone()],
            ..server::Config::default()
        };
        let authorised = Authorised::default();
        let accepting = tokio::spawn(accept(listener, Arc::new(config), Arc::clone(&authorised)));
        Ok(Self { port, host_key: host_key.public().clone(), authorised, accepting })
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The `known_hosts` line of its host key.
    pub(super) fn known_hosts_line(&self) -> anyhow::Result<String> {
        let key = self.host_key.to_openssh().context("the host key could not be encoded")?;
        Ok(format!("[{}]:{} {key}\n", Ipv4Addr::LOCALHOST, self.port))
    }

    /// Lets `key` open `account`, as a line in its `authorized_keys` would.
    pub(super) fn authorise(&self, account: &str, key: &PublicKey) {
        let entry = (account.to_owned(), key.key_data().clone());
        self.authorised.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Closes the port and waits until it is closed.
    pub(super) async fn close(mut self) {
        self.accepting.abort();
        // Only an abort or a panic is reported here, and the port is closed by either.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves every connection until this future is dropped.
async fn accept(listener: TcpListener, config: Arc<server::Config>, authorised: Authorised) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let connection = Connection { authorised: Arc::clone(&authorised) };
        connections.spawn(serve(stream, Arc::clone(&config), connection));
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection until its end. How it ends is the client's to tell.
async fn serve(stream: TcpStream, config: Arc<server::Config>, connection: Connection) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    if let Ok(session) = server::run_stream(config, stream, connection).await {
        let _ = session.await;
    }
}

/// One connection, and what decides over its login.
struct Connection {
    authorised: Authorised,
}

impl Connection {
    /// Whether `key` opens `account`.
    fn decide(&self, account: &str, key: &PublicKey) -> Auth {
        let authorised = self.authorised.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = authorised.iter().any(|(name, listed)| name == account && listed == key.key_data());
        if listed { Auth::Accept } else { Auth::reject() }
    }
}

impl server::Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(self.decide(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.decide(user, key.public_key))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    /// `true` succeeds without being run, everything else is refused.
    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if command != b"true" {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)?;
        session.exit_status_request(channel, 0)?;
        session.eof(channel)?;
        session.close(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}
