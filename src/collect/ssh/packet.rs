//! The encrypted connection after the key exchange: whole messages out and in, each within a time limit.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use super::carrier::Carrier;
use super::cipher::{Opener, Sealer};
use crate::collect::system::errno;
use crate::facts::End;

/// How long a write may wait for a server that does not read.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection that was left is kept to read what the server still says.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// Messages of one connection; a server that sends more is not answering questions.
const MAX_MESSAGES: u32 = 10_000;

/// Bytes of a packet around its payload: length, padding, MAC.
const MOST_AROUND: usize = 5 + 255 + 64;

/// A connection on which both sides have taken their keys into use.
pub(crate) struct Connection {
    tcp: Carrier,
    sealer: Sealer,
    opener: Opener,
    /// What was read and not opened yet.
    incoming: Vec<u8>,
    /// What goes out before the next message: our NEWKEYS, which was held back.
    first: Vec<u8>,
    messages: u32,
}

impl Connection {
    /// A connection over `tcp`, from which `incoming` was read already and to which `first` is still to be written.
    pub(crate) fn new(tcp: Carrier, sealer: Sealer, opener: Opener, incoming: Vec<u8>, first: Vec<u8>) -> Self {
        Self { tcp, sealer, opener, incoming, first, messages: 0 }
    }

    /// Sends all messages in one write.
    pub(crate) async fn send(&mut self, payloads: &[Vec<u8>]) -> Result<(), End> {
        let mut out = std::mem::take(&mut self.first);
        // Reserved at once: a buffer that grew would leave a copy of what is not sealed yet.
        out.reserve(payloads.iter().map(|payload| payload.len() + MOST_AROUND).sum());
        for payload in payloads {
            self.sealer.seal(payload, &mut out);
        }
        match timeout(WRITE_LIMIT, self.tcp.write_all(&out)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(End::TimedOut),
        }
    }

    /// The next message, waited for no longer than `deadline`.
    pub(crate) async fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, End> {
        loop {
            if let Some(message) = self.buffered()? {
                return Ok(message);
            }
            match timeout_at(deadline, self.tcp.read_buf(&mut self.incoming)).await {
                Ok(Ok(0)) => return Err(End::Closed),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(broken(&error)),
                Err(_) => return Err(End::TimedOut),
            }
        }
    }

    /// The next message where it has come already.
    pub(crate) async fn arrived(&mut self) -> Result<Option<Vec<u8>>, End> {
        if let Some(message) = self.buffered()? {
            return Ok(Some(message));
        }
        match self.read_now().await {
            Some(Ok(0)) => Err(End::Closed),
            Some(Ok(_)) => self.buffered(),
            None => Ok(None),
            Some(Err(error)) => Err(broken(&error)),
        }
    }

    /// Reads what is there without waiting for more; `None` where nothing is.
    async fn read_now(&mut self) -> Option<std::io::Result<usize>> {
        let mut read = pin!(self.tcp.read_buf(&mut self.incoming));
        poll_fn(|context| match read.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    fn buffered(&mut self) -> Result<Option<Vec<u8>>, End> {
        let message = self
            .opener
            .open(&mut self.incoming)
            .map_err(|what| End::NotSsh(format!("an encrypted packet cannot be read: {what}")))?;
        if message.is_some() {
            self.messages += 1;
            if self.messages > MAX_MESSAGES {
                return Err(End::Flood(MAX_MESSAGES));
            }
        }
        Ok(message)
    }

    /// Leaves by FIN.
    pub(crate) async fn leave(self) {
        leave(self.tcp).await;
    }
}

/// Ends `tcp` by FIN and reads on for a while, not waited for: a close with unread bytes would be a reset, which
/// servers log in another way.
pub(crate) async fn leave(mut tcp: Carrier) {
    // Nothing is lost where the server was first.
    let _ = tcp.shutdown().await;
    tokio::spawn(timeout(DRAIN_LIMIT, async move {
        let mut waste = vec![0; 4096];
        while matches!(tcp.read(&mut waste).await, Ok(1..)) {}
    }));
}

/// An error of the socket as the end of its connection.
pub(crate) fn broken(error: &std::io::Error) -> End {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => End::Closed,
        _ => End::Reset(errno(error)),
    }
}
