//! Connections through a jump host: channels of one connection that is logged in, each a stream (RFC 4254 section 7.2).
//!
//! One task has the connection. It ends with FIN when whoever opened channels is gone and every channel was left.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::carrier::Carrier;
use super::message::{self, Message, WINDOW};
use super::packet::Connection;
use crate::facts::End;
use crate::facts::proxy::Tunnel;
use crate::facts::session::ChannelOpen;
use crate::facts::text::{Host, ServerText};

/// How long the connection may be silent; every answer that is waited for has a limit of its own.
const IDLE_LIMIT: Duration = Duration::from_secs(3600);
/// Bytes of a reason for refusing that are kept.
const MAX_REASON: usize = 1024;
/// Bytes that are taken from a stream at a time, no more than every server's largest packet.
const READ: usize = 16 * 1024;

/// What is known of one channel, told while it is open.
pub(crate) type Seen = Arc<Mutex<Tunnel>>;

/// A jump host that is logged in.
#[derive(Debug)]
pub(crate) struct JumpHost {
    requests: mpsc::Sender<Request>,
    name: Host,
}

/// A channel that is wanted.
#[derive(Debug)]
struct Request {
    host: Host,
    port: u16,
    seen: Seen,
    opened: oneshot::Sender<Carrier>,
}

impl JumpHost {
    /// Takes over `connection`, which is logged in at the host of that name. The task ends after the last channel.
    pub(crate) fn new(connection: Connection, name: Host) -> (Self, JoinHandle<()>) {
        let (requests, wanted) = mpsc::channel(1);
        let task = tokio::spawn(Task::new(connection).run(wanted));
        (Self { requests, name }, task)
    }

    /// The name that is dialled.
    pub(crate) fn name(&self) -> &Host {
        &self.name
    }

    /// Asks it for a connection to `host`; `None` where there is none. `seen` tells why, also where this is dropped.
    pub(crate) async fn open(&self, host: Host, port: u16, seen: &Seen) -> Option<Carrier> {
        *lock(seen) = Tunnel { from: self.name.clone(), host: host.clone(), port, ..Tunnel::default() };
        let (opened, answer) = oneshot::channel();
        self.requests.send(Request { host, port, seen: Arc::clone(seen), opened }).await.ok()?;
        answer.await.ok()
    }
}

/// Looks at what is known of a channel.
pub(crate) fn lock(seen: &Seen) -> std::sync::MutexGuard<'_, Tunnel> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One channel.
struct Channel {
    /// The server's number for it, once it is open.
    theirs: Option<u32>,
    /// Bytes that may still be sent.
    window: u32,
    /// What waits for the window.
    queued: Vec<u8>,
    /// The stream's other end, for what the server sends.
    stream: Option<WriteHalf<DuplexStream>>,
    /// Whether our side left the stream.
    left: bool,
    /// Bytes received since the window was widened.
    taken: u32,
    /// Who waits for the answer.
    opened: Option<oneshot::Sender<Carrier>>,
    begun: Instant,
    seen: Seen,
}

/// What a stream's user wrote; empty where it was left.
type Written = (u32, Vec<u8>);

/// The connection and its channels, by our number: their place in the list.
struct Task {
    connection: Connection,
    channels: Vec<Channel>,
    written: (mpsc::Sender<Written>, mpsc::Receiver<Written>),
}

impl Task {
    fn new(connection: Connection) -> Self {
        Self { connection, channels: Vec::new(), written: mpsc::channel(1) }
    }

    async fn run(mut self, mut wanted: mpsc::Receiver<Request>) {
        let mut wanting = true;
        let end = loop {
            if !wanting && self.channels.iter().all(|channel| channel.left) {
                break None;
            }
            let step = tokio::select! {
                request = wanted.recv(), if wanting => {
                    if let Some(request) = request {
                        self.open(request).await
                    } else {
                        wanting = false;
                        Ok(())
                    }
                }
                Some((ours, bytes)) = self.written.1.recv() => self.send(ours, &bytes).await,
                payload = self.connection.receive(Instant::now() + IDLE_LIMIT) => match payload {
                    Ok(payload) => self.take(&payload).await,
                    Err(end) => Err(end),
                },
            };
            if let Err(end) = step {
                break Some(end);
            }
        };
        for channel in &self.channels {
            let mut seen = lock(&channel.seen);
            if !channel.left && !seen.closed && seen.end.is_none() {
                seen.end.clone_from(&end);
            }
        }
        self.connection.leave().await;
    }

    async fn open(&mut self, request: Request) -> Result<(), End> {
        let ours = u32::try_from(self.channels.len()).unwrap_or(u32::MAX);
        self.channels.push(Channel {
            theirs: None,
            window: 0,
            queued: Vec::new(),
            stream: None,
            left: false,
            taken: 0,
            opened: Some(request.opened),
            begun: Instant::now(),
            seen: request.seen,
        });
        self.connection.send(&[message::open_direct_tcpip(ours, request.host.as_bytes(), request.port)]).await
    }

    /// Sends what a stream's user wrote, as far as the window allows.
    async fn send(&mut self, ours: u32, bytes: &[u8]) -> Result<(), End> {
        let Some(channel) = self.channels.get_mut(place(ours)) else { return Ok(()) };
        let Some(theirs) = channel.theirs else { return Ok(()) };
        if bytes.is_empty() {
            channel.left = true;
            channel.stream = None;
            return self.connection.send(&[message::eof(theirs), message::close(theirs)]).await;
        }
        channel.queued.extend_from_slice(bytes);
        self.flush(ours).await
    }

    async fn flush(&mut self, ours: u32) -> Result<(), End> {
        let Some(channel) = self.channels.get_mut(place(ours)) else { return Ok(()) };
        let Some(theirs) = channel.theirs.filter(|_| !channel.left) else { return Ok(()) };
        let room = channel.queued.len().min(usize::try_from(channel.window).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(());
        }
        channel.window -= u32::try_from(room).unwrap_or(channel.window);
        let now: Vec<u8> = channel.queued.drain(..room).collect();
        let messages: Vec<Vec<u8>> = now.chunks(READ).map(|part| message::data(theirs, part)).collect();
        self.connection.send(&messages).await
    }

    /// Takes one message in.
    async fn take(&mut self, payload: &[u8]) -> Result<(), End> {
        match message::parse(payload) {
            Message::Disconnect { code, text } => {
                return Err(End::Disconnect { code, text: ServerText::new(&text[..text.len().min(MAX_REASON)]) });
            }
            // The probe does not exchange keys twice. Servers ask after an hour or a gigabyte.
            Message::Rekey => return Err(End::KeyExchange("it asks for new keys on a connection in use".to_owned())),
            Message::GlobalRequest { want_reply: true } => {
                return self.connection.send(&[message::request_failure()]).await;
            }
            _ => {}
        }
        if let Some(theirs) = message::asked_for(payload) {
            return self.connection.send(&[message::open_refused(theirs)]).await;
        }
        let Some(ours) = message::recipient(payload) else { return Ok(()) };
        let Some(channel) = self.channels.get_mut(place(ours)).filter(|channel| !channel.left) else { return Ok(()) };
        if let Some(more) = message::widened(payload) {
            channel.window = channel.window.saturating_add(more);
            return self.flush(ours).await;
        }
        if let (Some((theirs, window, _)), None) = (message::confirmation(payload), channel.theirs) {
            channel.confirmed(ours, theirs, window, &self.written.0);
            return Ok(());
        }
        match (message::parse(payload), channel.theirs) {
            (Message::OpenFailure { code, text }, None) => {
                let text = ServerText::new(&text[..text.len().min(MAX_REASON)]);
                channel.answered(ChannelOpen::Refused { code, text });
                channel.opened = None;
                channel.left = true;
            }
            (Message::Data(bytes), Some(theirs)) => {
                if let Some(stream) = &mut channel.stream {
                    // Who left the stream reads no more, and says so by itself.
                    let _ = stream.write_all(bytes).await;
                }
                channel.taken = channel.taken.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                if channel.taken > WINDOW / 2 {
                    let taken = std::mem::take(&mut channel.taken);
                    return self.connection.send(&[message::window_adjust(theirs, taken)]).await;
                }
            }
            (Message::ChannelEof, Some(_)) => channel.ended(),
            (Message::ChannelClose, Some(theirs)) => {
                channel.ended();
                channel.left = true;
                return self.connection.send(&[message::close(theirs)]).await;
            }
            (Message::ChannelRequest { want_reply: true }, Some(theirs)) => {
                return self.connection.send(&[message::channel_failure(theirs)]).await;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Channel {
    /// Notes the answer to the request for the channel.
    fn answered(&self, answer: ChannelOpen) {
        let mut seen = lock(&self.seen);
        seen.answer = Some(answer);
        seen.millis = self.begun.elapsed().as_secs_f64() * 1000.0;
    }

    /// The channel is open: hands its stream to whoever waits for it.
    fn confirmed(&mut self, ours: u32, theirs: u32, window: u32, written: &mpsc::Sender<Written>) {
        self.answered(ChannelOpen::Confirmed);
        self.theirs = Some(theirs);
        self.window = window;
        let size = usize::try_from(WINDOW).unwrap_or(usize::MAX);
        let (near, far) = tokio::io::duplex(size);
        let (read, write) = tokio::io::split(far);
        self.stream = Some(write);
        tokio::spawn(pass_on(read, ours, written.clone()));
        if let Some(opened) = self.opened.take() {
            // Whoever gave up waiting is gone, and its stream with it.
            drop(opened.send(Box::new(near)));
        }
    }

    /// The server sends no more.
    fn ended(&mut self) {
        lock(&self.seen).closed = true;
        // Dropping half of it would not be its end for the reader.
        if let Some(mut stream) = self.stream.take() {
            tokio::spawn(async move { stream.shutdown().await });
        }
    }
}

/// Hands on what is written to a stream, and at last that it was left.
async fn pass_on(mut stream: ReadHalf<DuplexStream>, ours: u32, written: mpsc::Sender<Written>) {
    let mut buffer = vec![0; READ];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if written.send((ours, buffer[..count].to_vec())).await.is_err() {
            return;
        }
    }
    // The task is gone where nobody takes it.
    let _ = written.send((ours, Vec::new())).await;
}

/// A channel's place in the list; a number beyond it is none of ours.
fn place(ours: u32) -> usize {
    usize::try_from(ours).unwrap_or(usize::MAX)
}
