//! A line of 50 ms each way: a TCP proxy on loopback that delays, and counts what a distance would cost.
//!
//! It keeps the order, does not serialise (a chunk is due one delay after *it* was read, however many are under way),
//! passes a half-close on as a half-close and a reset as a reset.
//!
//! *Flights* are counted by cause, not by the clock. Whatever the server sends carries the number of the last client
//! flight that had reached it; what the client sends belongs to the flight after the last server data that had reached
//! the client. So the count is a whole number that no load on the machine can change: how often the client waited for
//! the server before it spoke again, plus one.
//!
//! What it hides: the TCP handshake (one round trip a connection, the same for every client) and all stalls of Nagle
//! and delayed acknowledgement, because each half of the way is local.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

/// A proxy that runs until the process ends.
pub(crate) struct Proxy {
    /// The port that clients dial, at 127.0.0.1.
    pub(crate) port: u16,
    tallies: Arc<Mutex<Vec<Arc<Mutex<Tally>>>>>,
}

/// What one TCP connection did.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Client to server flights.
    pub(crate) flights: u32,
    /// The latest client flight that the server has seen.
    server_saw: u32,
    /// The latest client flight that the client can know the server has seen.
    client_saw: u32,
}

/// Which way a chunk travels.
#[derive(Debug, Clone, Copy)]
enum Way {
    ToServer,
    ToClient,
}

/// What travels, and when it arrives.
enum Parcel {
    Data { due: Instant, bytes: Vec<u8>, flight: u32 },
    End { due: Instant },
    Reset { due: Instant },
}

/// One end broke; the other is to be reset too.
struct Broken;

impl Proxy {
    /// Starts one before `server_port` of 127.0.0.1, with `delay` each way.
    pub(crate) fn start(server_port: u16, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let tallies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&tallies);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                while let Ok((client, _)) = listener.accept().await {
                    let tally = Arc::new(Mutex::new(Tally::default()));
                    lock(&kept).push(Arc::clone(&tally));
                    tokio::spawn(carry(client, server_port, delay, tally));
                }
            });
        });
        Ok(Self { port, tallies })
    }

    /// The connections since the last call, in the order they were made.
    pub(crate) fn take(&self) -> Vec<Tally> {
        lock(&self.tallies).drain(..).map(|tally| *lock(&tally)).collect()
    }
}

impl Tally {
    /// The flight to which a chunk belongs that was just sent.
    fn sent(&mut self, way: Way) -> u32 {
        match way {
            Way::ToServer => {
                self.flights = self.flights.max(self.client_saw + 1);
                self.client_saw + 1
            }
            Way::ToClient => self.server_saw,
        }
    }

    /// A chunk of that flight is about to arrive.
    fn arrives(&mut self, way: Way, flight: u32) {
        let saw = match way {
            Way::ToServer => &mut self.server_saw,
            Way::ToClient => &mut self.client_saw,
        };
        *saw = flight.max(*saw);
    }
}

/// Carries one connection until both ends are closed or one is reset.
async fn carry(client: tokio::net::TcpStream, server_port: u16, delay: Duration, tally: Arc<Mutex<Tally>>) {
    let accepted = Instant::now();
    let _ = client.set_nodelay(true);
    let (client_read, client_write) = client.into_split();
    let (to_server, for_server) = unbounded_channel();
    let (to_client, for_client) = unbounded_channel();
    let beyond = async {
        sleep_until(accepted + delay).await;
        let Ok(server) = tokio::net::TcpStream::connect(("127.0.0.1", server_port)).await else {
            let _ = to_client.send(Parcel::Reset { due: Instant::now() + delay });
            return Ok(());
        };
        let _ = server.set_nodelay(true);
        let (server_read, server_write) = server.into_split();
        tokio::try_join!(
            deliver(for_server, server_write, Way::ToServer, &tally),
            collect(server_read, to_client, Way::ToClient, delay, &tally),
        )
        .map(drop)
    };
    let _ = tokio::try_join!(
        collect(client_read, to_server, Way::ToServer, delay, &tally),
        beyond,
        deliver(for_client, client_write, Way::ToClient, &tally),
    );
}

/// Reads what one end sends and puts it on the way.
async fn collect(
    mut from: OwnedReadHalf,
    line: UnboundedSender<Parcel>,
    way: Way,
    delay: Duration,
    tally: &Mutex<Tally>,
) -> Result<(), Broken> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await;
        let due = Instant::now() + delay;
        let parcel = match read {
            Ok(0) => Parcel::End { due },
            Ok(length) => Parcel::Data { due, bytes: buffer[..length].to_vec(), flight: lock(tally).sent(way) },
            Err(_) => Parcel::Reset { due },
        };
        let last = !matches!(parcel, Parcel::Data { .. });
        if line.send(parcel).is_err() || last {
            return Ok(());
        }
    }
}

/// Hands over to the other end what is due.
async fn deliver(
    mut line: UnboundedReceiver<Parcel>,
    mut to: OwnedWriteHalf,
    way: Way,
    tally: &Mutex<Tally>,
) -> Result<(), Broken> {
    while let Some(parcel) = line.recv().await {
        match parcel {
            Parcel::Data { due, bytes, flight } => {
                sleep_until(due).await;
                // Before the write: the answer to it may be read before this task runs again.
                lock(tally).arrives(way, flight);
                to.write_all(&bytes).await.map_err(|_| Broken)?;
            }
            Parcel::End { due } => {
                sleep_until(due).await;
                return to.shutdown().await.map_err(|_| Broken);
            }
            Parcel::Reset { due } => {
                sleep_until(due).await;
                let _ = setsockopt(to.as_ref(), sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 });
                return Err(Broken);
            }
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
