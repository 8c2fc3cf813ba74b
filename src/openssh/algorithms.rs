//! What two sides agree on (kex.c `kex_choose_conf`, RFC 4253 section 7.1), and in which order ssh offers host key
//! algorithms (sshconnect2.c `order_hostkeyalgs`).

use crate::facts::config::Options;
use crate::facts::host_key::{KnownHosts, Marker};
use crate::facts::transport::{Agreed, KexInit};
use crate::facts::{Facts, Observed, known};

/// The first kind of algorithm of which two sides share none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoMatch {
    /// Which kind.
    pub kind: Kind,
    /// The client's list.
    pub client: Vec<String>,
    /// The server's list.
    pub server: Vec<String>,
}

impl Kind {
    /// What a kind of algorithm is called.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Kex => "key exchange method",
            Self::HostKey => "host key algorithm",
            Self::Cipher => "cipher",
            Self::Mac => "MAC",
            Self::Compression => "compression method",
        }
    }
}

/// The kinds of algorithm that a key exchange settles, in the order in which OpenSSH settles them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Key exchange method.
    Kex,
    /// Host key algorithm.
    HostKey,
    /// Cipher.
    Cipher,
    /// MAC.
    Mac,
    /// Compression.
    Compression,
}

/// The ciphers that authenticate what they encrypt, so that no MAC is settled beside them (cipher.c `cipher_authlen`).
const AUTHENTICATING: &[&str] = &["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];

/// The algorithms that OpenSSH's own list of host key algorithms has begun with (myproposal.h, 6.x to 10.x).
const DEFAULT_FIRST: &[&str] = &["ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com"];

/// What two KEXINITs settle, direction by direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Key exchange method.
    pub kex: String,
    /// Host key algorithm.
    pub host_key: String,
    /// Cipher and MAC, client to server; the MAC is empty where the cipher authenticates itself.
    pub to_server: (String, String),
    /// The same, server to client.
    pub to_client: (String, String),
}

/// What `client` and `server` agree on, or the first kind they share nothing of.
pub fn negotiate(client: &KexInit, server: &KexInit) -> Result<Agreed, NoMatch> {
    let Settled { kex, host_key, to_server: (cipher, mac), .. } = settle(client, server)?;
    Ok(Agreed { kex, host_key, cipher, mac })
}

/// As [`negotiate`], with both directions.
pub fn settle(client: &KexInit, server: &KexInit) -> Result<Settled, NoMatch> {
    let kex = choose(Kind::Kex, &client.kex, &server.kex)?;
    let host_key = choose(Kind::HostKey, &client.host_key, &server.host_key)?;
    let to_server = choose_direction(
        (&client.cipher_client_to_server, &server.cipher_client_to_server),
        (&client.mac_client_to_server, &server.mac_client_to_server),
        (&client.compression_client_to_server, &server.compression_client_to_server),
    )?;
    let to_client = choose_direction(
        (&client.cipher_server_to_client, &server.cipher_server_to_client),
        (&client.mac_server_to_client, &server.mac_server_to_client),
        (&client.compression_server_to_client, &server.compression_server_to_client),
    )?;
    Ok(Settled { kex, host_key, to_server, to_client })
}

/// A client's and a server's list of one kind.
type Lists<'a> = (&'a [String], &'a [String]);

/// The cipher and the MAC of one direction; the MAC is empty where the cipher authenticates itself.
fn choose_direction(ciphers: Lists<'_>, macs: Lists<'_>, compressions: Lists<'_>) -> Result<(String, String), NoMatch> {
    let cipher = choose(Kind::Cipher, ciphers.0, ciphers.1)?;
    let mac = if is_authenticating(&cipher) { String::new() } else { choose(Kind::Mac, macs.0, macs.1)? };
    choose(Kind::Compression, compressions.0, compressions.1)?;
    Ok((cipher, mac))
}

/// Whether `cipher` authenticates what it encrypts, so that no MAC is settled beside it.
pub fn is_authenticating(cipher: &str) -> bool {
    AUTHENTICATING.contains(&cipher)
}

/// The first of the client's algorithms that the server has (match.c `match_list`).
fn choose(kind: Kind, client: &[String], server: &[String]) -> Result<String, NoMatch> {
    let common = client.iter().find(|name| !is_marker(name) && server.contains(name));
    common.cloned().ok_or_else(|| NoMatch { kind, client: without_markers(client), server: without_markers(server) })
}

/// Whether a name in `kex_algorithms` is no method but a sign (RFC 8308 section 2.1; PROTOCOL section 1.10).
pub fn is_marker(name: &str) -> bool {
    name.starts_with("ext-info-") || name.starts_with("kex-strict-")
}

/// The list without its signs.
fn without_markers(list: &[String]) -> Vec<String> {
    list.iter().filter(|name| !is_marker(name)).cloned().collect()
}

/// What the user's ssh and the server settle on, or what they share nothing of; `None` where the server's lists were
/// not seen. Where ssh itself has settled, that is it.
pub fn users_choice(facts: &Facts) -> Observed<Option<Result<Agreed, NoMatch>>> {
    let transport = known(&facts.transport)?;
    if ((facts.opinion.is_ok() && transport.complete) || facts.is_read())
        && let Some(agreed) = &transport.agreed
    {
        return Ok(Some(Ok(agreed.clone())));
    }
    let Some(server) = &transport.server else { return Ok(None) };
    let nothing = KnownHosts::default();
    let known = facts.host_key.known.as_ref().unwrap_or(&nothing);
    Ok(Some(negotiate(&users_kexinit(&facts.config.options, known), server)))
}

/// What the user's ssh and the server share and the probe does not speak, where that kept it from going on: the kind, and
/// the algorithm that they would use.
pub fn unspoken(facts: &Facts) -> Option<(Kind, String)> {
    let transport = facts.transport.as_ref().ok().filter(|transport| !transport.complete)?;
    let (ours, server) = (transport.ours.as_ref()?, transport.server.as_ref()?);
    let settled = users_choice(facts).ok()??.ok()?;
    let none = negotiate(ours, server).err()?;
    let name = match none.kind {
        Kind::Kex => settled.kex,
        Kind::HostKey => settled.host_key,
        Kind::Cipher => settled.cipher,
        Kind::Mac => settled.mac,
        Kind::Compression => none.server.first()?.clone(),
    };
    Some((none.kind, name))
}

/// Whether ssh may have key exchange methods that its list does not show: with `GSSAPIKeyExchange` and a ticket, at a
/// server that has them too (kexgssc.c, in the versions of distributions).
pub fn may_have_more_methods(facts: &Facts, server: &[String]) -> bool {
    facts.config.options.is_yes("gssapikeyexchange") && server.iter().any(|name| name.starts_with("gss-"))
}

/// The KEXINIT that the user's ssh sends with these effective options and these known hosts, without the signs
/// (`ext-info-c`, `kex-strict-c-v00@openssh.com`) that change no choice.
pub fn users_kexinit(options: &Options, known: &KnownHosts) -> KexInit {
    let list = |keyword| owned(&options.names(keyword));
    let ciphers = list("ciphers");
    let macs = list("macs");
    // Whatever Compression says, ssh offers all and prefers one (compat.c, kex.c `compression_alg_list`). The last, which
    // compresses before the login, is gone from newer versions; no server wants nothing else.
    let compression = owned(if options.is_yes("compression") {
        &["zlib@openssh.com", "zlib", "none"]
    } else {
        &["none", "zlib@openssh.com", "zlib"]
    });
    KexInit {
        kex: list("kexalgorithms"),
        host_key: host_key_algorithms(options, known),
        cipher_client_to_server: ciphers.clone(),
        cipher_server_to_client: ciphers,
        mac_client_to_server: macs.clone(),
        mac_server_to_client: macs,
        compression_client_to_server: compression.clone(),
        compression_server_to_client: compression,
    }
}

/// HostKeyAlgorithms in the order of sshconnect2.c `order_hostkeyalgs`: what known_hosts has a key for first.
///
/// ssh leaves a list alone that the user wrote out or began with `^`. `ssh -G` prints every list written out, so
/// OpenSSH's own is told by its beginning: certificates before all plain algorithms.
fn host_key_algorithms(options: &Options, known: &KnownHosts) -> Vec<String> {
    let list = options.names("hostkeyalgorithms");
    let best = list.first().copied().unwrap_or_default();
    if !is_openssh_list(&list) || is_known(known, plain_type(best)) {
        return owned(&list);
    }
    let has_ca = entries(known).any(|entry| entry.marker == Marker::CertAuthority);
    let is_preferred = |name: &&str| (is_certificate(name) && has_ca) || is_known(known, plain_type(name));
    let (preferred, others): (Vec<&str>, Vec<&str>) = list.into_iter().partition(is_preferred);
    owned(&[preferred, others].concat())
}

/// Whether a list of host key algorithms is OpenSSH's own, perhaps with some added (`+`) or taken away (`-`).
fn is_openssh_list(list: &[&str]) -> bool {
    let certificates = list.iter().take_while(|name| is_certificate(name)).count();
    list.first().is_some_and(|first| DEFAULT_FIRST.contains(first)) && certificates >= 4
}

/// Whether the first unmarked line for the server's name with a key of this type is there, and not revoked.
fn is_known(known: &KnownHosts, kind: &str) -> bool {
    let mut hosts = entries(known).filter(|entry| entry.marker == Marker::None);
    let Some(first) = hosts.find(|entry| plain_type(&entry.key.algorithm) == kind) else { return false };
    !entries(known).any(|entry| entry.marker == Marker::Revoked && entry.key.blob == first.key.blob)
}

/// The lines that match the name proper; ssh looks at no other name here.
fn entries(known: &KnownHosts) -> impl Iterator<Item = &crate::facts::host_key::KnownHost> {
    known.entries.iter().filter(|entry| known.names.first() == Some(&entry.name))
}

/// Whether it is an algorithm for host certificates.
fn is_certificate(name: &str) -> bool {
    name.contains("-cert-v0")
}

/// The type of the key behind a host key algorithm: all RSA ones share one, an ECDSA one is told by its curve.
fn plain_type(name: &str) -> &str {
    let plain = name.split("-cert-v0").next().unwrap_or(name);
    let plain = plain.strip_suffix("@openssh.com").unwrap_or(plain);
    if plain.starts_with("rsa-sha2-") { "ssh-rsa" } else { plain }
}

/// The names as a KEXINIT holds them.
fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}
