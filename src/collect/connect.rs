//! The TCP connection, address by address as ssh does (sshconnect.c `ssh_connect_direct`, `ssh_create_socket`).
//!
//! Touches: one TCP connection attempt for each address until one succeeds; never two at once, because servers count
//! what a race leaves behind.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::{Duration, Instant};

use nix::libc;
use nix::net::if_::InterfaceFlags;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::resolve;
use super::system::errno;
use crate::facts::Facts;
use crate::facts::config::Options;
use crate::facts::connect::{Attempt, Connect, Dial};
use crate::facts::text::Address;

/// How long one address may take where the configuration has no ConnectTimeout, in seconds.
const DEFAULT_LIMIT: u64 = 5;

/// Dials the resolved addresses in order; the stream of the first that answers (TCP_NODELAY set).
/// The attempts made so far stand in `connect` whenever this future is dropped.
pub async fn dial(facts: &Facts, connect: &mut Connect) -> Option<TcpStream> {
    let (Ok(target), Ok(resolved)) = (&facts.target, &facts.resolve) else { return None };
    let addresses = resolved.outcome.as_ref().ok()?;
    let limit = limit(&facts.config.options);
    for address in addresses {
        let started = Instant::now();
        let dialled = timeout(limit, one(&facts.config.options, address, target.port)).await;
        let (stream, outcome) = match dialled {
            Ok(Ok(stream)) => (Some(stream), Dial::Established),
            Ok(Err(error)) => (None, Dial::Failed(error)),
            Err(_) => (None, Dial::TimedOut(limit.as_secs())),
        };
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        connect.attempts.push(Attempt { address: address.clone(), port: target.port, outcome, millis });
        if let Some(stream) = stream {
            connect.local_address = stream.local_addr().ok().as_ref().map(resolve::address);
            return Some(stream);
        }
    }
    None
}

/// `ConnectTimeout`, or the default: ssh itself would wait as long as the system does.
fn limit(options: &Options) -> Duration {
    connect_timeout(options).unwrap_or(Duration::from_secs(DEFAULT_LIMIT))
}

/// `ConnectTimeout`, where it limits anything; more than an `int` is none that ssh takes (readconf.c `parse_time`).
pub(super) fn connect_timeout(options: &Options) -> Option<Duration> {
    let seconds = options.first("connecttimeout")?.parse::<u32>().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// Dials one address; the error is a name such as `ECONNREFUSED`.
async fn one(options: &Options, address: &Address, port: u16) -> Result<TcpStream, String> {
    let to = socket_address(address, port).ok_or("EAFNOSUPPORT")?;
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(|error| errno(&error))?;
    if let Some(from) = local(options, &to).await? {
        socket.bind(from).map_err(|error| errno(&error))?;
    }
    let stream = socket.connect(to).await.map_err(|error| errno(&error))?;
    // Without it the connection is slower, and still good.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The address and port to dial; a zone may be a name or a number.
fn socket_address(address: &Address, port: u16) -> Option<SocketAddr> {
    let text = address.as_str()?;
    let Some((ip, zone)) = text.split_once('%') else { return Some(SocketAddr::new(text.parse().ok()?, port)) };
    let scope = zone.parse().ok().or_else(|| nix::net::if_::if_nametoindex(zone).ok())?;
    Some(SocketAddrV6::new(ip.parse().ok()?, port, 0, scope).into())
}

/// The address to connect from, where `BindAddress` or `BindInterface` asks for one.
async fn local(options: &Options, to: &SocketAddr) -> Result<Option<SocketAddr>, String> {
    let set = |keyword| options.first(keyword).filter(|value| !value.is_empty() && *value != "none");
    if let Some(name) = set("bindaddress") {
        let family = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let found = resolve::lookup(name.to_owned(), family, libc::AI_PASSIVE).await.map_err(|error| error.code)?;
        return found.first().map(|from| Some(*from)).ok_or_else(|| "EAI_NODATA".to_owned());
    }
    let Some(interface) = set("bindinterface") else { return Ok(None) };
    interface_address(interface, to.is_ipv4()).map(Some).ok_or_else(|| "ENODEV".to_owned())
}

/// An address of the interface, one that reaches beyond this machine or link first (sshconnect.c `check_ifaddrs`).
fn interface_address(interface: &str, v4: bool) -> Option<SocketAddr> {
    let rows = nix::ifaddrs::getifaddrs().ok()?;
    let addresses: Vec<SocketAddr> = rows
        .filter(|row| row.interface_name == interface && row.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|row| {
            let address = row.address?;
            match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
                (Some(found), _) if v4 => Some(SocketAddr::new(IpAddr::V4(found.ip()), 0)),
                (_, Some(found)) if !v4 => Some(SocketAddrV6::new(found.ip(), 0, 0, found.scope_id()).into()),
                _ => None,
            }
        })
        .collect();
    let reaches_out = |address: &&SocketAddr| match address.ip() {
        IpAddr::V4(ip) => !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    };
    addresses.iter().find(reaches_out).or_else(|| addresses.first()).copied()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::facts::Target;
    use crate::facts::resolve::Resolve;
    use crate::facts::text::Host;

    fn facts(addresses: &[&str], port: u16) -> Facts {
        let name = Host::from("server");
        let outcome = Ok(addresses.iter().map(|&address| Address::from(address)).collect());
        Facts {
            target: Ok(Target { host: name.clone(), port, ..Target::default() }),
            resolve: Ok(Resolve { name, numeric: false, outcome }),
            ..Facts::default()
        }
    }

    fn outcomes(connect: &Connect) -> Vec<&Dial> {
        connect.attempts.iter().map(|attempt| &attempt.outcome).collect()
    }

    #[tokio::test]
    async fn addresses_are_tried_in_order_until_one_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let facts = facts(&["127.0.0.2", "127.0.0.1", "127.0.0.3"], listener.local_addr().unwrap().port());
        let mut connect = Connect::default();
        let stream = dial(&facts, &mut connect).await.unwrap();
        assert!(stream.nodelay().unwrap());
        assert_eq!(outcomes(&connect), [&Dial::Failed("ECONNREFUSED".to_owned()), &Dial::Established]);
        assert_eq!(connect.local_address, Some(Address::from("127.0.0.1")));
    }

    #[tokio::test]
    async fn an_attempt_is_kept_when_the_run_is_cut_short() {
        // A listener with a full queue leaves a SYN unanswered.
        let listener = TcpSocket::new_v4().unwrap();
        listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let _queued: Vec<_> = (0..4)
            .map(|_| {
                let socket = TcpSocket::new_v4().unwrap();
                Box::pin(socket.connect(address))
            })
            .map(|pending| tokio::spawn(pending))
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut facts = facts(&["127.0.0.1", "127.0.0.1"], address.port());
        facts.config.options.set("connecttimeout", "1");
        let mut connect = Connect::default();
        assert!(timeout(Duration::from_millis(1500), dial(&facts, &mut connect)).await.is_err());
        assert_eq!(outcomes(&connect), [&Dial::TimedOut(1)]);
    }

    #[tokio::test]
    async fn a_bind_address_that_is_not_ours_is_named_by_its_error() {
        let mut facts = facts(&["127.0.0.1"], 1);
        facts.config.options.set("bindaddress", "192.0.2.1");
        let mut connect = Connect::default();
        assert!(dial(&facts, &mut connect).await.is_none());
        assert_eq!(outcomes(&connect), [&Dial::Failed("EADDRNOTAVAIL".to_owned())]);
    }

    #[tokio::test]
    async fn an_interface_without_the_family_is_named_by_its_error() {
        let mut facts = facts(&["127.0.0.1"], 1);
        facts.config.options.set("bindinterface", "none0");
        let mut connect = Connect::default();
        assert!(dial(&facts, &mut connect).await.is_none());
        assert_eq!(outcomes(&connect), [&Dial::Failed("ENODEV".to_owned())]);
        facts.config.options.set("bindinterface", "lo");
        let mut connect = Connect::default();
        assert!(dial(&facts, &mut connect).await.is_none());
        assert_eq!(outcomes(&connect), [&Dial::Failed("ECONNREFUSED".to_owned())]);
    }

    #[test]
    fn no_connect_timeout_means_five_seconds() {
        let mut options = Options::default();
        assert_eq!(limit(&options), Duration::from_secs(5));
        for (value, seconds) in [("none", 5), ("0", 5), ("30", 30)] {
            options.set("connecttimeout", value);
            assert_eq!(limit(&options), Duration::from_secs(seconds), "{value}");
        }
    }
}
