//! What does the ssh-agent of the incidents hold, and how does it answer? As draft-ietf-sshm-ssh-agent and OpenSSH's
//! PROTOCOL.agent say, as far as a login needs it: it lists its keys, signs, and takes a session-bind.
//!
//! Touches: one unix socket, in the replay's own folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use russh::keys::signature::Verifier as _;
use russh::keys::ssh_key::{PublicKey, Signature};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

use super::keys::ThrowAway;
use crate::openssh::wire::{Reader, put_string};

const FAILURE: u8 = 5;
const SUCCESS: u8 = 6;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const EXTENSION: u8 = 27;

/// The largest message that ssh-agent takes (authfd.c `MAX_AGENT_REPLY_LEN`).
const LONGEST_MESSAGE_BYTES: usize = 256 * 1024;

/// The keys that an agent holds, in the order in which they were loaded.
type Held = Arc<Mutex<Vec<Arc<ThrowAway>>>>;

/// An ssh-agent on a socket of its own.
#[derive(Debug)]
pub(super) struct Agent {
    socket: PathBuf,
    held: Held,
    accepting: JoinHandle<()>,
}

impl Agent {
    /// Listens on `socket`, which must not exist yet; holds nothing.
    pub(super) fn start(socket: PathBuf) -> anyhow::Result<Self> {
        let listener =
            UnixListener::bind(&socket).with_context(|| format!("no agent can listen on {}", socket.display()))?;
        let held = Held::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&held)));
        Ok(Self { socket, held, accepting })
    }

    /// The socket, for `IdentityAgent`.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Loads a key, as `ssh-add` does.
    pub(super) fn load(&self, key: ThrowAway) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(key));
    }

    /// Closes the socket and waits until it is closed.
    pub(super) async fn close(mut self) {
        self.accepting.abort();
        // Only an abort or a panic is reported here, and the socket is closed by either.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves every connection until this future is dropped, and the connections with it.
async fn accept(listener: UnixListener, held: Held) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let held = Arc::clone(&held);
        // A client that breaks off in the middle of a message is no business of the agent's.
        connections.spawn(async move { serve(stream, &held).await.ok() });
        while connections.try_join_next().is_some() {}
    }
}

/// Answers one connection, message after message, until its end.
async fn serve(mut stream: UnixStream, held: &Held) -> io::Result<()> {
    loop {
        let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
        if length > LONGEST_MESSAGE_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await?;
        let keys = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = answer(&message, &keys).unwrap_or_else(|| vec![FAILURE]);
        let mut framed = Vec::new();
        put_string(&mut framed, &answer);
        stream.write_all(&framed).await?;
    }
}

/// The answer to one message; `None` where it is `SSH_AGENT_FAILURE`.
fn answer(message: &[u8], keys: &[Arc<ThrowAway>]) -> Option<Vec<u8>> {
    let mut message = Reader::new(message);
    match message.byte()? {
        REQUEST_IDENTITIES => identities(keys),
        SIGN_REQUEST => {
            let blob = message.string()?;
            let data = message.string()?;
            let key = keys.iter().find(|key| key.blob().is_ok_and(|own| own == blob))?;
            let mut answer = vec![SIGN_RESPONSE];
            put_string(&mut answer, &key.sign(data)?);
            Some(answer)
        }
        EXTENSION if message.string()? == b"session-bind@openssh.com" => bind(message),
        _ => None,
    }
}

/// The list of the keys with their comments.
fn identities(keys: &[Arc<ThrowAway>]) -> Option<Vec<u8>> {
    let mut answer = vec![IDENTITIES_ANSWER];
    answer.extend(u32::try_from(keys.len()).ok()?.to_be_bytes());
    for key in keys {
        put_string(&mut answer, &key.blob().ok()?);
        put_string(&mut answer, key.public().comment().as_ref());
    }
    Some(answer)
}

/// A session-bind is taken where the server has signed the session id (PROTOCOL.agent section 1). No key here is
/// constrained to a destination, so nothing follows from it.
fn bind(mut body: Reader<'_>) -> Option<Vec<u8>> {
    let host_key = PublicKey::from_bytes(body.string()?).ok()?;
    let session_id = body.string()?;
    let signature = Signature::try_from(body.string()?).ok()?;
    host_key.key_data().verify(session_id, &signature).ok()?;
    Some(vec![SUCCESS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_keys() -> Vec<Arc<ThrowAway>> {
        [ThrowAway::software("first").unwrap(), ThrowAway::hardware("second").unwrap()].map(Arc::new).into()
    }

    fn session_bind(host_key: &ThrowAway, bound: &[u8], signed: &[u8]) -> Vec<u8> {
        let mut message = vec![EXTENSION];
        put_string(&mut message, b"session-bind@openssh.com");
        put_string(&mut message, &host_key.blob().unwrap());
        put_string(&mut message, bound);
        put_string(&mut message, &host_key.sign(signed).unwrap());
        message.push(0);
        message
    }

    #[test]
    fn the_list_has_blobs_and_comments_in_the_order_of_loading() {
        let keys = two_keys();
        let answer = answer(&[REQUEST_IDENTITIES], &keys).unwrap();
        let mut rest = Reader::new(answer.strip_prefix(&[IDENTITIES_ANSWER, 0, 0, 0, 2]).unwrap());
        for (key, comment) in keys.iter().zip([&b"first"[..], b"second"]) {
            assert_eq!(rest.string().unwrap(), key.blob().unwrap());
            assert_eq!(rest.string().unwrap(), comment);
        }
    }

    #[test]
    fn a_key_that_is_not_held_is_not_signed_with() {
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, &ThrowAway::software("stranger").unwrap().blob().unwrap());
        put_string(&mut request, b"data");
        request.extend([0; 4]);
        assert_eq!(answer(&request, &two_keys()), None);
    }

    #[test]
    fn a_session_bind_needs_the_servers_signature_over_this_session() {
        let host_key = ThrowAway::software("host").unwrap();
        assert_eq!(answer(&session_bind(&host_key, b"this", b"this"), &[]), Some(vec![SUCCESS]));
        assert_eq!(answer(&session_bind(&host_key, b"this", b"another"), &[]), None);
    }

    #[test]
    fn messages_cut_anywhere_are_refused() {
        let message = session_bind(&ThrowAway::software("host").unwrap(), b"this", b"this");
        for length in 0..message.len() - 1 {
            assert_eq!(answer(&message[..length], &two_keys()), None);
        }
    }
}
