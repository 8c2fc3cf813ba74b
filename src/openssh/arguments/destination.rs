//! What a destination word means (misc.c `parse_uri`, `parse_user_host_path`, `parse_user_host_port`, `colon`).

use std::ffi::{OsStr, OsString};
use std::net::Ipv6Addr;

/// A destination, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) user: Option<Vec<u8>>,
    pub(super) host: Vec<u8>,
    pub(super) port: Option<u16>,
    /// The path of a repository, where the word names one.
    pub(super) path: Option<Vec<u8>>,
}

/// The platform's string of these bytes, which were cut from one at ASCII characters.
#[cfg(unix)]
pub fn os(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes).to_owned()
}

/// The platform's string of these bytes; what is no UTF-8 is replaced.
#[cfg(not(unix))]
pub fn os(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// ssh's destination: `[user@]host` or `ssh://…`; with `git_form` also what git takes, `[user@]host:path` and URLs
/// with a path.
pub(super) fn of_ssh(word: &OsStr, git_form: bool) -> Result<Destination, String> {
    let bytes = word.as_encoded_bytes();
    if let Some(found) = uri(b"ssh", bytes)? {
        if found.path.is_some() && !git_form {
            return Err("ssh takes no path in a URL".to_owned());
        }
        return Ok(found);
    }
    let (user, host) = user_and_host(bytes)?;
    if git_form && let Some((host, path)) = git_path(host) {
        return Ok(Destination { user, host: host.to_vec(), port: None, path: Some(path.to_vec()) });
    }
    Ok(Destination { user, host: host.to_vec(), port: None, path: None })
}

/// An operand of scp: `None` where it is a local file.
pub(super) fn of_scp(word: &OsStr) -> Result<Option<Destination>, String> {
    let bytes = word.as_encoded_bytes();
    if let Some(found) = uri(b"scp", bytes)? {
        return Ok(Some(Destination { path: None, ..found }));
    }
    let Some(at) = colon(bytes) else { return Ok(None) };
    let (user, host) = user_and_host(&bytes[..at])?;
    Ok(Some(Destination { user, host: without_brackets(host).to_vec(), port: None, path: None }))
}

/// An entry of `ProxyJump`: `[user@]host[:port]` or a URL (readconf.c `parse_jump`, misc.c `parse_user_host_port`).
pub(super) fn of_jump(word: &[u8]) -> Result<Destination, String> {
    if let Some(found) = uri(b"ssh", word)? {
        return Ok(found);
    }
    let (user, address) = user_and_host(word)?;
    let end = match address.first() {
        Some(b'[') => address.iter().position(|byte| *byte == b']').map_or(address.len(), |end| end + 1),
        _ => address.iter().position(|byte| *byte == b':').unwrap_or(address.len()),
    };
    let (host, behind) = address.split_at(end);
    let port = match behind {
        [] => None,
        behind => {
            let digits = behind.strip_prefix(b":").and_then(|digits| std::str::from_utf8(digits).ok());
            let port = digits.and_then(|digits| digits.parse::<u16>().ok()).filter(|port| *port > 0);
            Some(port.ok_or_else(|| format!("{:?} has no port that ssh takes", shown(word)))?)
        }
    };
    let host = without_brackets(host);
    if host.is_empty() {
        return Err(format!("{:?} names no host", shown(word)));
    }
    Ok(Destination { user, host: host.to_vec(), port, path: None })
}

/// sftp's operand.
pub(super) fn of_sftp(word: &OsStr) -> Result<Destination, String> {
    let bytes = word.as_encoded_bytes();
    if let Some(found) = uri(b"sftp", bytes)? {
        return Ok(Destination { path: None, ..found });
    }
    let (user, host) = user_and_host(colon(bytes).map_or(bytes, |at| &bytes[..at]))?;
    Ok(Destination { user, host: without_brackets(host).to_vec(), port: None, path: None })
}

/// User and host of `[user@]host`: the user is everything before the last `@`.
fn user_and_host(word: &[u8]) -> Result<(Option<Vec<u8>>, &[u8]), String> {
    let (user, host) = match word.iter().rposition(|byte| *byte == b'@') {
        Some(0) => return Err(format!("{} names no user before the @", shown(word))),
        Some(at) => (Some(word[..at].to_vec()), &word[at + 1..]),
        None => (None, word),
    };
    if host.is_empty() {
        return Err(format!("{:?} names no host", shown(word)));
    }
    Ok((user, host))
}

/// Host and path of `host:path` as git writes it; no IPv6 address, and no port.
fn git_path(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = word.iter().position(|byte| *byte == b':')?;
    let (host, path) = (&word[..at], &word[at + 1..]);
    let address = std::str::from_utf8(word).ok().map(|text| text.split('%').next().unwrap_or(text));
    let is_address = address.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok());
    let is_port = path.iter().all(u8::is_ascii_digit);
    let is_host = !host.is_empty() && !host.contains(&b'/') && !host.contains(&b'[');
    (is_host && !is_address && !is_port).then_some((host, path))
}

/// Where the host of scp's `host:path` ends; `None` where the word is a local file.
fn colon(word: &[u8]) -> Option<usize> {
    let mut bracketed = match word.first()? {
        b':' => return None,
        first => *first == b'[',
    };
    for (at, &byte) in word.iter().enumerate() {
        let next = word.get(at + 1);
        match byte {
            b'@' if next == Some(&b'[') => bracketed = true,
            b']' if next == Some(&b':') && bracketed => return Some(at + 1),
            b':' if !bracketed => return Some(at),
            b'/' => return None,
            _ => {}
        }
    }
    None
}

/// The address in `[address]`.
pub(super) fn without_brackets(host: &[u8]) -> &[u8] {
    host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")).unwrap_or(host)
}

/// A URL of this scheme; `None` where the word is none.
fn uri(scheme: &[u8], word: &[u8]) -> Result<Option<Destination>, String> {
    let Some(rest) = word.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(b"://")) else { return Ok(None) };
    let refused = |reason: &str| Err(format!("{} is no URL that ssh takes: {reason}", shown(word)));
    let (user, rest) = match rest.iter().position(|byte| *byte == b'@') {
        Some(at) => {
            let name = rest[..at].split(|byte| *byte == b';').next().unwrap_or_default();
            let Some(name) = decoded(name).filter(|name| !name.is_empty()) else {
                return refused("the user is empty or badly encoded");
            };
            (Some(name), &rest[at + 1..])
        }
        None => (None, rest),
    };
    let end = if rest.starts_with(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return refused("a ] is missing") };
        end + 1
    } else {
        rest.iter().position(|byte| matches!(byte, b':' | b'/')).unwrap_or(rest.len())
    };
    let host = without_brackets(&rest[..end]);
    if host.is_empty() {
        return refused("no host");
    }
    // misc.c `valid_domain`: an address with colons is none.
    if host.contains(&b':') {
        return refused("an IPv6 address can stand in no URL; name it alone, with -p for the port");
    }
    if !host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte)) || host.starts_with(b"-") {
        return refused("the host has characters that no host name has");
    }
    let (port, path) = match rest[end..].split_first() {
        None => (None, &[][..]),
        Some((b'/', path)) => (None, path),
        Some((b':', behind)) => {
            let slash = behind.iter().position(|byte| *byte == b'/').unwrap_or(behind.len());
            let path = behind.get(slash + 1..).unwrap_or_default();
            let digits = std::str::from_utf8(&behind[..slash]).unwrap_or("?");
            match digits.parse::<u16>() {
                _ if behind.is_empty() => (None, path),
                Ok(port) if port > 0 => (Some(port), path),
                _ => return refused("the port is no number from 1 to 65535"),
            }
        }
        Some(_) => return refused("something stands behind the ]"),
    };
    let Some(path) = decoded(path) else { return refused("the path is badly encoded") };
    Ok(Some(Destination { user, host: host.to_vec(), port, path: (!path.is_empty()).then_some(path) }))
}

/// Percent-decoding, in which `+` is a blank and a NUL is refused.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return None;
                }
                out.push(u8::from_str_radix(digits, 16).ok().filter(|byte| *byte != 0)?);
                rest = &behind[2..];
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// A word as it may be shown.
fn shown(word: &[u8]) -> String {
    crate::facts::text::escape(word)
}
