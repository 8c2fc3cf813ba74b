//! Which addresses a host name has, in ssh's order, or why it has none (sshconnect.c `resolve_host`, ssh.c).
//!
//! Touches: the system's resolver, through getaddrinfo, once; a name that is an address already asks nobody.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind};
use nix::libc;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::facts::config::Options;
use crate::facts::known;
use crate::facts::resolve::{Resolve, ResolveError};
use crate::facts::text::Address;
use crate::facts::{Facts, Observed, Unobserved};

/// How long the resolver may take; glibc's own default is 5 s a server and attempt.
const LIMIT: Duration = Duration::from_secs(10);

/// The most addresses that are kept of one name.
const MOST_ADDRESSES: usize = 64;

/// Resolves the target's host name, within the run's time.
pub async fn collect(facts: &Facts) -> Observed<Resolve> {
    let target = known(&facts.target)?;
    let name = target.host.clone();
    let Some(text) = name.as_str().map(str::to_owned) else {
        return Err(Unobserved::Failed(format!("the host name {name} is not UTF-8")));
    };
    let family = family(&facts.config.options);
    // Whether it is an address is asked without the family, so that `127.0.0.1` under `AddressFamily inet6` is one.
    let numeric = lookup(text.clone(), libc::AF_UNSPEC, libc::AI_NUMERICHOST).await.is_ok();
    let outcome = lookup(text, family, 0).await.map(|found| found.iter().map(address).collect());
    Ok(Resolve { name, numeric, outcome })
}

/// `AddressFamily` as getaddrinfo's hint.
fn family(options: &Options) -> i32 {
    match options.first("addressfamily") {
        Some("inet") => libc::AF_INET,
        Some("inet6") => libc::AF_INET6,
        _ => libc::AF_UNSPEC,
    }
}

/// getaddrinfo in a thread of its own, which nobody waits for once the limit has passed.
pub(super) async fn lookup(name: String, family: i32, flags: i32) -> Result<Vec<SocketAddr>, ResolveError> {
    let (sender, receiver) = oneshot::channel();
    let asked = std::thread::Builder::new().name("getaddrinfo".to_owned()).spawn(move || {
        // Nobody listens any more where the limit has passed.
        let _ = sender.send(getaddrinfo(&name, family, flags));
    });
    if let Err(error) = asked {
        return Err(ResolveError { code: "EAI_SYSTEM".to_owned(), text: error.to_string() });
    }
    match timeout(LIMIT, receiver).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ResolveError { code: "EAI_SYSTEM".to_owned(), text: "the resolver broke off".to_owned() }),
        Err(_) => {
            let text = format!("no answer within {} s", LIMIT.as_secs());
            Err(ResolveError { code: "TIMEOUT".to_owned(), text })
        }
    }
}

/// getaddrinfo for a stream socket.
fn getaddrinfo(name: &str, family: i32, flags: i32) -> Result<Vec<SocketAddr>, ResolveError> {
    let hints = AddrInfoHints { flags, address: family, socktype: libc::SOCK_STREAM, protocol: 0 };
    let found = dns_lookup::getaddrinfo(Some(name), None, Some(hints)).map_err(named)?;
    Ok(found.filter_map(Result::ok).map(|entry| entry.sockaddr).take(MOST_ADDRESSES).collect())
}

/// The error under the name that getaddrinfo(3) gives it.
fn named(error: LookupError) -> ResolveError {
    let code = match error.kind() {
        LookupErrorKind::Again => "EAI_AGAIN",
        LookupErrorKind::Badflags => "EAI_BADFLAGS",
        LookupErrorKind::NoName => "EAI_NONAME",
        LookupErrorKind::NoData => "EAI_NODATA",
        LookupErrorKind::Fail => "EAI_FAIL",
        LookupErrorKind::Family => "EAI_FAMILY",
        LookupErrorKind::Socktype => "EAI_SOCKTYPE",
        LookupErrorKind::Service => "EAI_SERVICE",
        LookupErrorKind::Memory => "EAI_MEMORY",
        LookupErrorKind::System => "EAI_SYSTEM",
        // A name that getaddrinfo cannot even be given (a NUL in it) has no number.
        LookupErrorKind::IO if error.error_num() == 0 => "EAI_NONAME",
        LookupErrorKind::IO | LookupErrorKind::Unknown => other_code(error.error_num()),
    }
    .to_owned();
    let text = io::Error::from(error).to_string();
    let text = text.strip_prefix("failed to lookup address information: ").map_or(text.clone(), str::to_owned);
    ResolveError { code, text }
}

/// Names of codes that only some systems have.
fn other_code(number: i32) -> &'static str {
    // glibc's netdb.h; the libc crate does not have it.
    if cfg!(target_os = "linux") && number == -9 { "EAI_ADDRFAMILY" } else { "EAI_OTHER" }
}

/// The address as getnameinfo writes it: a zone by its interface's name.
pub(super) fn address(socket: &SocketAddr) -> Address {
    match socket {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            let zone = nix::net::if_::if_indextoname(v6.scope_id())
                .ok()
                .and_then(|name| name.into_string().ok())
                .unwrap_or_else(|| v6.scope_id().to_string());
            Address::from(format!("{}%{zone}", v6.ip()))
        }
        _ => Address::from(socket.ip().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::text::Host;

    async fn resolved(host: &str, family: &str) -> Resolve {
        let mut facts =
            Facts { target: Ok(Target { host: Host::from(host), ..Target::default() }), ..Facts::default() };
        facts.config.options.set("addressfamily", family);
        collect(&facts).await.unwrap()
    }

    #[tokio::test]
    async fn an_address_asks_nobody() {
        for (host, address) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("127.1", "127.0.0.1")] {
            let resolve = resolved(host, "any").await;
            assert!(resolve.numeric, "{host}");
            assert_eq!(resolve.outcome, Ok(vec![Address::from(address)]));
        }
    }

    #[tokio::test]
    async fn an_address_of_another_family_keeps_its_error() {
        let resolve = resolved("127.0.0.1", "inet6").await;
        assert!(resolve.numeric);
        assert_eq!(resolve.outcome.unwrap_err().code, "EAI_ADDRFAMILY");
    }

    #[tokio::test]
    async fn the_zone_of_an_address_is_kept_by_name() {
        let resolve = resolved("fe80::1%lo", "any").await;
        assert!(resolve.numeric);
        assert_eq!(resolve.outcome, Ok(vec![Address::from("fe80::1%lo")]));
    }

    #[tokio::test]
    async fn the_hosts_file_answers_for_localhost() {
        let resolve = resolved("localhost", "inet").await;
        assert!(!resolve.numeric);
        assert_eq!(resolve.outcome, Ok(vec![Address::from("127.0.0.1")]));
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_one_has_an_error_by_name() {
        let resolve = resolved("..", "any").await;
        assert!(resolve.outcome.unwrap_err().code.starts_with("EAI_"));
    }
}
