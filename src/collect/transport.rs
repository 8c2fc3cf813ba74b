//! Identification strings and key exchange (RFC 4253): what the two sides say in the clear, made by russh and watched
//! by a tap, and the connection with the keys that come of it.
//!
//! Touches: the given TCP connection only.
//!
//! Both sides' lists are seen before russh begins, so that the host key algorithms can be offered as ssh would settle
//! them: russh puts certificates before plain keys, ssh puts what known_hosts holds first (sshconnect2.c
//! `order_hostkeyalgs`).

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, GexParams, Handle};
use russh::keys::PublicKeyOrCertificate;
use russh::{AlgorithmKind, Names, SshId, compression, kex};
use ssh_key::Algorithm;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::Waiting;
use super::ssh::carrier::Carrier;
use super::ssh::cipher::{CIPHERS, Direction, MACS, Opener, Sealer};
use super::ssh::keys::Secret;
use super::ssh::packet::{Connection, broken, leave};
use super::ssh::plain::speaks_ssh2;
use super::ssh::tap::Shared;
use crate::facts::End;
use crate::facts::text::ServerText;
use crate::facts::transport::{Agreed, KexInit, Transport};
use crate::openssh::algorithms::{Settled, settle};

/// What we call ourselves.
const IDENTIFICATION: &str = concat!("SSH-2.0-sshdoctor_", env!("CARGO_PKG_VERSION"));
/// How long the key exchange may take, once the server has identified itself.
const KEY_EXCHANGE_LIMIT: Duration = Duration::from_secs(10);
/// How long the server's KEXINIT is waited for before ours is sent. Every server known sends its own unasked.
const KEXINIT_LIMIT: Duration = Duration::from_secs(1);
/// The longest identification string that russh takes, without its line end.
const MAX_IDENTIFICATION: usize = 253;

/// Key exchange methods, the quick ones first. Not sntrup761 and mlkem: russh does not give their whole secret away.
const KEX: &[kex::Name] = &[
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G14_SHA256,
    kex::DH_G15_SHA512,
    kex::DH_G16_SHA512,
    kex::DH_GEX_SHA256,
    kex::DH_G17_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA1,
    kex::DH_GEX_SHA1,
    kex::DH_G1_SHA1,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Host key algorithms that russh verifies, for servers that have none of those that ssh would take.
const HOST_KEYS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
    "ssh-dss",
];

/// A connection on which the key exchange is done.
pub(crate) struct Secured {
    /// The encrypted connection.
    pub(crate) connection: Connection,
    /// The host key algorithm that was negotiated.
    pub(crate) algorithm: String,
    /// The host key's blob, as it was sent.
    pub(crate) host_key: Vec<u8>,
    /// The session id.
    pub(crate) session_id: Zeroizing<Vec<u8>>,
    /// The server's signature over the session id.
    pub(crate) signature: Vec<u8>,
}

/// Copies what the tap saw into the facts, also where the future that holds it is dropped.
struct Mirror<'a> {
    shared: Shared,
    seen: &'a mut Transport,
}

impl Drop for Mirror<'_> {
    fn drop(&mut self) {
        *self.seen = self.shared.lock().plain.seen.clone();
    }
}

/// Exchanges identification strings and keys over `tcp`. `host_keys` are the algorithms that the user's ssh would
/// offer, in its order; the server has `identification_limit` to identify itself. `None` where it did not come to keys;
/// `seen` says why.
pub(crate) async fn exchange(
    tcp: Carrier,
    host_keys: &[String],
    identification_limit: Duration,
    seen: &mut Transport,
    waiting: &Waiting<'_>,
) -> Option<Secured> {
    let mirror = Mirror { shared: Shared::default(), seen };
    let shared = &mirror.shared;
    let started = Instant::now();
    waiting("the server's identification string");
    let tcp = identify(tcp, shared, started, identification_limit).await?;
    waiting("the key exchange");
    let deadline = Instant::now() + KEY_EXCHANGE_LIMIT;
    let tcp = await_kexinit(tcp, shared, deadline).await?;
    let secret = Arc::new(Mutex::new(Zeroizing::default()));
    let config = Arc::new(config(shared.lock().plain.seen.server.as_ref(), host_keys));
    let running = client::connect_stream(config, shared.tap(tcp), Watcher(Arc::clone(&secret)));
    let outcome = timeout_at(deadline, running).await;
    let tcp = shared.take()?;
    let handle = match outcome {
        Ok(Ok(handle)) => handle,
        Ok(Err(error)) => {
            shared.lock().plain.ended(failure(&error));
            leave(tcp).await;
            return None;
        }
        Err(_) => {
            shared.lock().plain.ended(End::TimedOut);
            leave(tcp).await;
            return None;
        }
    };
    let shared_secret = std::mem::take(&mut *secret.lock().unwrap_or_else(PoisonError::into_inner));
    match secured(tcp, shared, &handle, shared_secret) {
        Ok(secured) => {
            let mut state = shared.lock();
            state.plain.seen.complete = true;
            state.plain.seen.key_exchange_millis = Some(started.elapsed().as_secs_f64() * 1000.0);
            Some(secured)
        }
        Err(what) => {
            shared.lock().plain.ended(End::KeyExchange(what.to_owned()));
            None
        }
    }
}

/// Sends our identification string and waits for the server's; the socket, where both speak SSH-2.
async fn identify(mut tcp: Carrier, shared: &Shared, started: Instant, limit: Duration) -> Option<Carrier> {
    let deadline = started + limit;
    let ours = format!("{IDENTIFICATION}\r\n");
    // A server that closes at once may have said why: its words are still read.
    let _ = timeout_at(deadline, tcp.write_all(ours.as_bytes())).await;
    while shared.lock().plain.seen.identification.is_none() {
        if !read_on(&mut tcp, shared, deadline, true).await {
            leave(tcp).await;
            return None;
        }
    }
    if can_go_on(shared, started) {
        return Some(tcp);
    }
    leave(tcp).await;
    None
}

/// Whether the identification string is one that the key exchange can go on with.
fn can_go_on(shared: &Shared, started: Instant) -> bool {
    let plain = &mut shared.lock().plain;
    plain.seen.identification_millis = Some(started.elapsed().as_secs_f64() * 1000.0);
    let identification = plain.seen.identification.clone().unwrap_or_default();
    let whole = identification.as_str().is_some_and(|text| (8..=MAX_IDENTIFICATION).contains(&text.len()));
    if !whole {
        plain.ended(End::KeyExchange("the identification string is too long or no UTF-8".to_owned()));
    }
    whole && speaks_ssh2(identification.as_bytes())
}

/// Waits a while for the server's KEXINIT, which decides how the host key algorithms are offered.
async fn await_kexinit(mut tcp: Carrier, shared: &Shared, deadline: Instant) -> Option<Carrier> {
    let soon = deadline.min(Instant::now() + KEXINIT_LIMIT);
    while shared.lock().plain.seen.server.is_none() && Instant::now() < soon {
        if !read_on(&mut tcp, shared, soon, false).await {
            leave(tcp).await;
            return None;
        }
    }
    Some(tcp)
}

/// Reads once more; whether there is any point in going on. Time running out is an end where it is `fatal`.
async fn read_on(tcp: &mut Carrier, shared: &Shared, deadline: Instant, fatal: bool) -> bool {
    let mut buffer = vec![0; 16 * 1024];
    let outcome = timeout_at(deadline, tcp.read(&mut buffer)).await;
    let plain = &mut shared.lock().plain;
    match outcome {
        Ok(Ok(0)) => plain.ended(End::Closed),
        Ok(Ok(count)) => plain.feed(&buffer[..count]),
        Ok(Err(error)) => plain.ended(broken(&error)),
        Err(_) if fatal => plain.ended(End::TimedOut),
        Err(_) => {}
    }
    plain.seen.end.is_none()
}

/// russh's side of the key exchange: it asks nothing and keeps the secret.
struct Watcher(Arc<Mutex<Zeroizing<Vec<u8>>>>);

impl client::Handler for Watcher {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        // russh has verified the signature; whether the key is trusted is judged elsewhere, and nothing is sent before.
        Ok(true)
    }

    async fn kex_done(
        &mut self,
        secret: Option<&[u8]>,
        _names: &Names,
        _session: &mut client::Session,
    ) -> Result<(), russh::Error> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Zeroizing::new(secret.unwrap_or_default().to_vec());
        Ok(())
    }
}

/// What russh offers to a server with these lists.
fn config(server: Option<&KexInit>, host_keys: &[String]) -> client::Config {
    let (plain, certificates) = host_key_algorithms(server, host_keys);
    let mut config =
        client::Config { client_id: SshId::Standard(Cow::Borrowed(IDENTIFICATION)), ..client::Config::default() };
    config.preferred.kex = Cow::Borrowed(KEX);
    config.preferred.key = plain.into();
    config.preferred.host_key_certificates = certificates.into();
    config.preferred.cipher = CIPHERS.iter().filter_map(|name| (*name).try_into().ok()).collect();
    config.preferred.mac = MACS.iter().filter_map(|name| (*name).try_into().ok()).collect();
    config.preferred.compression = Cow::Borrowed(&[compression::NONE]);
    if let Ok(gex) = GexParams::new(2048, 3072, 8192) {
        config.gex = gex;
    }
    config
}

/// The plain host key algorithms and the certificates' to offer, so that what comes of it is what ssh would have met.
fn host_key_algorithms(server: Option<&KexInit>, users: &[String]) -> (Vec<Algorithm>, Vec<Algorithm>) {
    let others = HOST_KEYS.iter().copied().filter(|name| !users.iter().any(|users| users == name));
    let plain: Vec<&str> =
        users.iter().map(String::as_str).filter(|name| HOST_KEYS.contains(name)).chain(others).collect();
    let has = |name: &str| server.is_none_or(|server| server.host_key.iter().any(|theirs| theirs == name));
    let certified = |name: &str| {
        let algorithm = name.split_once("-cert-v01@openssh.com").map_or("", |(plain, _)| plain);
        HOST_KEYS.contains(&algorithm).then(|| Algorithm::new(algorithm).ok()).flatten()
    };
    let users_choice = users.iter().find(|name| has(name));
    let certificates = if users_choice.is_some_and(|name| certified(name).is_some()) {
        users.iter().filter_map(|name| certified(name)).collect()
    } else if plain.iter().any(|name| has(name)) {
        Vec::new()
    } else {
        HOST_KEYS.iter().filter_map(|name| Algorithm::new(name).ok()).collect()
    };
    (plain.into_iter().filter_map(|name| Algorithm::new(name).ok()).collect(), certificates)
}

/// Why russh gave up, in our words.
fn failure(error: &russh::Error) -> End {
    let what = match error {
        russh::Error::NoCommonAlgo { kind, .. } => match kind {
            AlgorithmKind::Kex => "no common key exchange method".to_owned(),
            AlgorithmKind::Key => "no common host key algorithm".to_owned(),
            AlgorithmKind::Cipher => "no common cipher".to_owned(),
            AlgorithmKind::Mac => "no common MAC".to_owned(),
            AlgorithmKind::Compression => "no common compression".to_owned(),
        },
        russh::Error::WrongServerSig => "the host key's signature is wrong".to_owned(),
        other => format!("the key exchange failed: {}", ServerText::from(other.to_string()).shortened(300)),
    };
    End::KeyExchange(what)
}

/// Takes over: derives the keys that both sides now have.
fn secured(
    tcp: Carrier,
    shared: &Shared,
    handle: &Handle<Watcher>,
    secret: Zeroizing<Vec<u8>>,
) -> Result<Secured, &'static str> {
    let mut state = shared.lock();
    let (Some(ours), Some(server)) = (state.plain.seen.ours.clone(), state.plain.seen.server.clone()) else {
        return Err("one side's lists were not seen");
    };
    let (Some(binding), Some(newkeys)) = (handle.agent_session_binding(), state.newkeys.take()) else {
        return Err("it ended without keys");
    };
    let Settled { kex: method, host_key: algorithm, to_server: (cipher, mac), to_client: (their_cipher, their_mac) } =
        settle(&ours, &server).map_err(|_| "it ended without an agreement")?;
    let strict = server.kex.iter().any(|name| name == "kex-strict-s-v00@openssh.com");
    let (sent, received) = if strict { (0, 0) } else { (state.sent, state.plain.packets) };
    let session_id = Zeroizing::new(binding.session_id().to_vec());
    let secret = Secret { method: method.clone(), shared: secret, session_id: session_id.clone() };
    let sealer = Sealer::new(&cipher, &mac, &secret, Direction::ClientToServer, sent);
    let opener = Opener::new(&their_cipher, &their_mac, &secret, Direction::ServerToClient, received);
    let (Some(sealer), Some(opener)) = (sealer, opener) else {
        return Err("it ended with a cipher that the probe does not speak");
    };
    state.plain.seen.agreed = Some(Agreed { kex: method, host_key: algorithm.clone(), cipher, mac });
    Ok(Secured {
        connection: Connection::new(tcp, sealer, opener, state.plain.encrypted(), newkeys),
        algorithm,
        host_key: binding.host_key().to_vec(),
        session_id,
        signature: binding.signature().to_vec(),
    })
}
