//! The ways to a server: its addresses, a channel of a jump host, or a program; for the first connection and for another one.
//!
//! Touches: TCP connections, channels of jump hosts that are logged in, and programs (`proxy/program.rs`).

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::person::Person;
use super::proxy::program::{Order, Place, Programs};
use super::ssh::carrier::Carrier;
use super::ssh::packet;
use super::ssh::tunnel::{self, JumpHost, Seen};
use super::{Waiting, connect, resolve};
use crate::facts::connect::Connect;
use crate::facts::proxy::Through;
use crate::facts::resolve::Resolve;
use crate::facts::text::Host;
use crate::facts::{End, Facts, Observed, Unobserved};
use crate::openssh::proxies;

/// How long a jump host may take to answer for the next host where `ConnectTimeout` says nothing: its own system may try
/// to connect for minutes.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long connections that were left may take to send their last words.
const LEFT_LIMIT: Duration = Duration::from_millis(300);

/// How a server is to be reached.
pub(super) enum Road {
    /// By its addresses.
    Dialled,
    /// By a channel of this jump host.
    Through(Arc<JumpHost>, Seen),
    /// By a program, kept among these: this one, or that of its `ProxyCommand` where none is named.
    Program(Arc<Programs>, Place, Option<Order>),
}

/// The way that works.
pub(super) enum Way {
    /// This address, from this one of ours.
    Address { server: SocketAddr, from: IpAddr },
    /// A channel of this jump host to this host.
    Channel { jump_host: Arc<JumpHost>, host: Host, port: u16, limit: Duration },
    /// Another run of this program.
    Program { programs: Arc<Programs>, place: Place, order: Order },
}

/// What the first connection came to.
pub(super) struct Reached {
    /// The connection and the way to another one; `None` where there is none.
    pub(super) carrier: Option<(Carrier, Way)>,
    /// How long name resolution took.
    pub(super) resolved: Duration,
    /// How long connecting took.
    pub(super) connected: Duration,
}

impl Road {
    /// Whom the program asks that is the way; `None` where none does.
    pub(super) fn person(&self) -> Option<Arc<Person>> {
        match self {
            Self::Program(_, _, Some(order)) => order.person().cloned(),
            Self::Program(programs, _, None) => programs.person().cloned(),
            _ => None,
        }
    }

    /// Makes the first connection; what was seen stands in `resolve` and `connect` also where this is dropped.
    pub(super) async fn first(
        self,
        view: &Facts,
        resolve: &mut Observed<Resolve>,
        connect: &mut Observed<Connect>,
        waiting: &Waiting<'_>,
    ) -> Reached {
        match self {
            Self::Dialled => dialled(view, resolve, connect, waiting).await,
            Self::Through(jump_host, seen) => {
                let name = jump_host.name().clone();
                *resolve = Err(Unobserved::Failed(format!("{name} looks it up")));
                let started = Instant::now();
                let carrier = channel(view, jump_host, &seen, waiting).await;
                Reached { carrier, resolved: Duration::ZERO, connected: started.elapsed() }
            }
            Self::Program(programs, place, order) => {
                let what = if order.is_some() { "jump host's ssh" } else { "ProxyCommand" };
                waiting(&format!("the {what}"));
                *resolve = Err(Unobserved::Failed(format!("the {what} is given the name")));
                *connect = Ok(Connect { proxy: proxies::proxy(view), ..Connect::default() });
                let order = order.or_else(|| Order::proxy_command(view, programs.person().cloned()));
                let carrier = order.and_then(|order| {
                    let carrier = programs.start(place, &order)?;
                    Some((carrier, Way::Program { programs, place, order }))
                });
                Reached { carrier, resolved: Duration::ZERO, connected: Duration::ZERO }
            }
        }
    }
}

/// Looks the name up and dials what it stands for.
async fn dialled(
    view: &Facts,
    resolve: &mut Observed<Resolve>,
    connect: &mut Observed<Connect>,
    waiting: &Waiting<'_>,
) -> Reached {
    waiting("name resolution");
    let started = Instant::now();
    *resolve = resolve::collect(view).await;
    let resolved = started.elapsed();
    if !matches!(resolve, Ok(resolve) if resolve.outcome.is_ok()) {
        return Reached { carrier: None, resolved, connected: Duration::ZERO };
    }
    waiting("the TCP connection");
    let view = Facts { resolve: resolve.clone(), ..view.clone() };
    *connect = Ok(Connect::default());
    let Ok(connect) = connect else { return Reached { carrier: None, resolved, connected: Duration::ZERO } };
    let tcp = connect::dial(&view, connect).await;
    let carrier = tcp.and_then(|tcp| {
        let (server, local) = (tcp.peer_addr().ok()?, tcp.local_addr().ok()?);
        let carrier: Carrier = Box::new(tcp);
        Some((carrier, Way::Address { server, from: local.ip() }))
    });
    Reached { carrier, resolved, connected: started.elapsed().saturating_sub(resolved) }
}

/// Asks the jump host for a connection to the target.
async fn channel(view: &Facts, jump_host: Arc<JumpHost>, seen: &Seen, waiting: &Waiting<'_>) -> Option<(Carrier, Way)> {
    let target = view.target.as_ref().ok()?;
    let (host, port) = (target.host.clone(), target.port);
    let limit = connect::connect_timeout(&view.config.options).unwrap_or(OPEN_LIMIT);
    waiting(&format!("the connection from {} to {host}", jump_host.name()));
    let carrier = timeout(limit, jump_host.open(host.clone(), port, seen)).await.ok()??;
    Some((carrier, Way::Channel { jump_host, host, port, limit }))
}

impl Way {
    /// One more connection to the same server.
    pub(super) async fn again(&self, limit: Duration) -> Result<Carrier, End> {
        match self {
            Self::Address { server, from } => {
                let socket = match server {
                    SocketAddr::V4(_) => TcpSocket::new_v4(),
                    SocketAddr::V6(_) => TcpSocket::new_v6(),
                };
                let dial = async {
                    let socket = socket?;
                    // From the same address, so that the server sees the same client; the system chooses where that fails.
                    let _ = socket.bind(SocketAddr::new(*from, 0));
                    socket.connect(*server).await
                };
                let tcp = match timeout(limit, dial).await {
                    Ok(Ok(tcp)) => tcp,
                    Ok(Err(error)) => return Err(packet::broken(&error)),
                    Err(_) => return Err(End::TimedOut),
                };
                // Without it the connection is slower, and still good.
                let _ = tcp.set_nodelay(true);
                Ok(Box::new(tcp))
            }
            Self::Channel { jump_host, host, port, limit } => {
                let seen = Seen::default();
                let opened = timeout(*limit, jump_host.open(host.clone(), *port, &seen)).await;
                opened.map_err(|_| End::TimedOut)?.ok_or(End::Closed)
            }
            Self::Program { programs, place, order } => {
                programs.end(*place).await;
                programs.start(*place, order).ok_or(End::Closed)
            }
        }
    }
}

/// What is seen of the channels and programs of a run while they are in use, and the tasks that keep the channels.
#[derive(Debug)]
pub(super) struct Ways {
    /// The programs that are connections.
    pub(super) programs: Arc<Programs>,
    /// The channels, each with whose connection it is.
    seen: Mutex<Vec<(Place, Seen)>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Ways {
    /// None yet; `person`: whom programs may ask.
    pub(super) fn new(person: Option<Arc<Person>>) -> Self {
        Self { programs: Arc::new(Programs::new(person)), seen: Mutex::default(), tasks: Mutex::default() }
    }

    /// A channel of this jump host, for the login of that place.
    pub(super) fn through(&self, jump_host: Arc<JumpHost>, place: Place) -> Road {
        let seen = Seen::default();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push((place, Arc::clone(&seen)));
        Road::Through(jump_host, seen)
    }

    /// Keeps the task of a jump host.
    pub(super) fn keep(&self, task: JoinHandle<()>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Gives the connections that were left time for their last words, the last one first.
    pub(super) async fn left(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks.into_iter().rev() {
            // Whoever does not end is ended with the process.
            let _ = timeout(LEFT_LIMIT, task).await;
        }
        self.programs.end_all().await;
    }
}

/// Facts of a run that goes through jump hosts; what became of the channels stands in them when this is dropped.
pub(super) struct Watched<'a> {
    pub(super) facts: &'a mut Facts,
    pub(super) ways: Ways,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.ways.programs.end_now();
        self.ways.programs.state(self.facts);
        let all = std::mem::take(&mut *self.ways.seen.lock().unwrap_or_else(PoisonError::into_inner));
        for (place, seen) in &all {
            let login = match place {
                None => Some(&mut *self.facts),
                Some(hop) => self.facts.hops.get_mut(*hop),
            };
            if let Some(Ok(connect)) = login.map(|login| &mut login.connect) {
                connect.through = Some(Through::Tunnel(tunnel::lock(seen).clone()));
            }
        }
    }
}
