//! The stream that russh is given for the key exchange.
//!
//! It hands russh whole plaintext packets only, records what it hands on, keeps back our NEWKEYS and everything after
//! the server's, and lets the socket be taken away when both sides have their keys: russh never sees an encrypted byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::carrier::Carrier;
use super::message::{KEXINIT, NEWKEYS};
use super::packet::broken;
use super::plain::{Plain, kexinit};
use crate::facts::End;

/// Bytes asked of the socket at a time.
const READ: usize = 16 * 1024;

/// What a tap and whoever watches it share.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The server's plaintext.
    pub(crate) plain: Plain,
    /// Plaintext packets that we sent, our NEWKEYS included.
    pub(crate) sent: u32,
    /// Our NEWKEYS packet, once russh wrote it; not sent yet.
    pub(crate) newkeys: Option<Vec<u8>>,
    tcp: Option<Carrier>,
    /// russh's bytes that are no whole packet yet.
    written: Vec<u8>,
    /// Bytes that the socket did not take yet.
    outgoing: Vec<u8>,
    /// Whether our identification string, which was sent before russh began, is still to be swallowed.
    identified: bool,
    /// Whoever waits for bytes.
    reader: Option<Waker>,
}

/// A [`State`] and the right to look at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    /// Locks it. Nobody holds it while waiting.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream for russh, over `tcp`.
    pub(crate) fn tap(&self, tcp: Carrier) -> Tap {
        self.lock().tcp = Some(tcp);
        Tap(self.clone())
    }

    /// Takes the socket away; russh sees its end.
    pub(crate) fn take(&self) -> Option<Carrier> {
        let mut state = self.lock();
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
        state.tcp.take()
    }
}

impl State {
    /// Writes out what it can.
    fn flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let Some(tcp) = &mut self.tcp else { return Poll::Ready(Ok(())) };
            match Pin::new(tcp).poll_write(context, &self.outgoing) {
                Poll::Ready(Ok(count)) => drop(self.outgoing.drain(..count)),
                Poll::Ready(Err(error)) => {
                    // What the server said before it closed is still to be read, and says more than this error.
                    self.outgoing.clear();
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Looks at what russh wrote.
    fn wrote(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
        if !self.identified {
            let Some(end) = self.written.iter().position(|byte| *byte == b'\n') else { return };
            self.written.drain(..=end);
            self.identified = true;
        }
        while self.newkeys.is_none() {
            let Some(length) = self.written.first_chunk::<4>() else { return };
            let size = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX).saturating_add(4);
            if self.written.len() < size {
                return;
            }
            let packet: Vec<u8> = self.written.drain(..size).collect();
            self.sent += 1;
            match packet.get(5) {
                Some(&NEWKEYS) => {
                    self.newkeys = Some(packet);
                    return;
                }
                Some(&KEXINIT) => {
                    let padding = packet.get(4).copied().map_or(0, usize::from);
                    let end = packet.len().saturating_sub(padding);
                    self.plain.seen.ours = packet.get(5..end).and_then(kexinit);
                }
                _ => {}
            }
            self.outgoing.extend_from_slice(&packet);
        }
    }
}

/// A stream over a socket, watched through a [`Shared`].
#[derive(Debug)]
pub(crate) struct Tap(Shared);

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        // Whether the write succeeded is told to the writer.
        let _ = state.flush(context);
        loop {
            let released = state.plain.release(buffer.remaining());
            if !released.is_empty() {
                buffer.put_slice(&released);
                return Poll::Ready(Ok(()));
            }
            let over = state.plain.seen.end.is_some();
            if over || state.plain.newkeys {
                state.reader = Some(context.waker().clone());
                return if over || state.tcp.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            state.reader = Some(context.waker().clone());
            let Some(tcp) = &mut state.tcp else { return Poll::Ready(Ok(())) };
            let mut storage = [0; READ];
            let mut read = ReadBuf::new(&mut storage);
            match Pin::new(tcp).poll_read(context, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => state.plain.ended(End::Closed),
                Poll::Ready(Ok(())) => state.plain.feed(read.filled()),
                Poll::Ready(Err(error)) => state.plain.ended(broken(&error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        state.wrote(bytes);
        // A failed write is no end: the server's last words may still be there to be read.
        let _ = state.flush(context);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0.lock().flush(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever took the socket, or leaves it, ends it.
        Poll::Ready(Ok(()))
    }
}
