//! The messages of the agent protocol that are needed (draft-miller-ssh-agent, PROTOCOL.agent), over one connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::collect::system::errno;
use crate::facts::Unobserved;
use crate::facts::agent::AgentKey;
use crate::facts::key::{Blob, PublicKey};
use crate::facts::text::{Comment, Path};
use crate::openssh::public_key;
use crate::openssh::wire::{Reader, put_string};

/// How long an agent may take for anything that asks nobody.
pub(super) const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 3 });
/// authfd.c `MAX_AGENT_REPLY_LEN`.
const MESSAGE_LIMIT: u32 = 256 * 1024;
/// authfd.c `MAX_AGENT_IDENTITIES`: from a longer list ssh takes nothing.
const KEYS_LIMIT: u32 = 2048;
const COMMENT_LIMIT: usize = 1024;

const FAILURE: u8 = 5;
const SUCCESS: u8 = 6;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const EXTENSION: u8 = 27;
const EXTENSION_FAILURE: u8 = 28;
const EXTENSION_RESPONSE: u8 = 29;
const SSH2_FAILURE: u8 = 30;
const SSHCOM_FAILURE: u8 = 102;

/// Why there was no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The socket cannot be used; the error's name.
    Unreachable(String),
    /// No answer in time.
    Silent,
    /// The connection ended in place of an answer.
    Closed,
    /// `SSH_AGENT_FAILURE`.
    Refused,
    /// Something else than the protocol has; in words.
    Garbage(String),
}

impl Trouble {
    /// The same as the reason why a fact is missing.
    pub(super) fn unobserved(&self) -> Unobserved {
        match self {
            Self::Silent => Unobserved::TimedOut,
            Self::Closed => Unobserved::Failed("the agent closed the connection".to_owned()),
            Self::Unreachable(name) if name == "EACCES" => Unobserved::NotPermitted,
            Self::Unreachable(name) => Unobserved::Failed(format!("the agent's socket: {name}")),
            Self::Refused => Unobserved::Failed("the agent refused".to_owned()),
            Self::Garbage(words) => Unobserved::Failed(format!("the agent answered with {words}")),
        }
    }
}

/// How an agent answers an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    /// It did what was asked, or told what was asked.
    Done,
    /// `SSH_AGENT_FAILURE`: it does not know it, or does not do it now.
    Refused,
    /// `SSH_AGENT_EXTENSION_FAILURE`: it knows it, and failed.
    Failed,
}

/// Connects to the agent's socket.
pub(super) async fn connect(socket: &Path) -> Result<UnixStream, Trouble> {
    match timeout(PATIENCE, UnixStream::connect(socket.to_path_buf())).await {
        Err(_) => Err(Trouble::Silent),
        Ok(Err(error)) => Err(Trouble::Unreachable(socket_error(&error))),
        Ok(Ok(stream)) => Ok(stream),
    }
}

/// What the agent lists. A key that cannot be parsed keeps its type's name and its blob.
pub(super) async fn identities(stream: &mut UnixStream) -> Result<Vec<AgentKey>, Trouble> {
    let answer = ask(stream, &[REQUEST_IDENTITIES], PATIENCE).await?;
    match answer.split_first() {
        Some((&IDENTITIES_ANSWER, list)) => parse_identities(list).map_err(|words| Trouble::Garbage(words.to_owned())),
        Some((&(FAILURE | SSH2_FAILURE | SSHCOM_FAILURE), _)) => Err(Trouble::Refused),
        Some((number, _)) => Err(Trouble::Garbage(format!("message {number} in answer to the request for its keys"))),
        None => Err(Trouble::Garbage("an empty message".to_owned())),
    }
}

/// Asks for an extension of this name, with `contents` behind the name.
pub(super) async fn extension(stream: &mut UnixStream, name: &str, contents: &[u8]) -> Result<Extension, Trouble> {
    let mut request = vec![EXTENSION];
    put_string(&mut request, name.as_bytes());
    request.extend_from_slice(contents);
    let answer = ask(stream, &request, PATIENCE).await?;
    match answer.first() {
        Some(&(SUCCESS | EXTENSION_RESPONSE)) => Ok(Extension::Done),
        Some(&(FAILURE | SSH2_FAILURE | SSHCOM_FAILURE)) => Ok(Extension::Refused),
        Some(&EXTENSION_FAILURE) => Ok(Extension::Failed),
        Some(number) => Err(Trouble::Garbage(format!("message {number} in answer to an extension"))),
        None => Err(Trouble::Garbage("an empty message".to_owned())),
    }
}

/// Asks for a signature over `data` with the key `blob`; the signature blob.
pub(super) async fn sign(
    stream: &mut UnixStream,
    blob: &[u8],
    data: &[u8],
    flags: u32,
    patience: Duration,
) -> Result<Vec<u8>, Trouble> {
    let mut request = vec![SIGN_REQUEST];
    put_string(&mut request, blob);
    put_string(&mut request, data);
    request.extend_from_slice(&flags.to_be_bytes());
    let answer = ask(stream, &request, patience).await?;
    match answer.split_first() {
        Some((&SIGN_RESPONSE, rest)) => match Reader::new(rest).string() {
            Some(signature) => Ok(signature.to_vec()),
            None => Err(Trouble::Garbage("a signature that ends too early".to_owned())),
        },
        Some((&(FAILURE | SSH2_FAILURE | SSHCOM_FAILURE), _)) => Err(Trouble::Refused),
        Some((number, _)) => Err(Trouble::Garbage(format!("message {number} in answer to a request to sign"))),
        None => Err(Trouble::Garbage("an empty message".to_owned())),
    }
}

async fn ask(stream: &mut UnixStream, request: &[u8], patience: Duration) -> Result<Vec<u8>, Trouble> {
    let mut framed = Vec::with_capacity(4 + request.len());
    put_string(&mut framed, request);
    let exchange = async {
        stream.write_all(&framed).await?;
        let length = stream.read_u32().await?;
        if length > MESSAGE_LIMIT {
            return Ok(Err(Trouble::Garbage(format!("a message of {length} bytes"))));
        }
        let mut answer = Vec::new();
        let read = stream.take(length.into()).read_to_end(&mut answer).await?;
        if u32::try_from(read).is_ok_and(|read| read == length) {
            return Ok(Ok(answer));
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    };
    match timeout(patience, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Trouble::Closed),
        Err(_) => Err(Trouble::Silent),
    }
}

fn parse_identities(list: &[u8]) -> Result<Vec<AgentKey>, &'static str> {
    let mut reader = Reader::new(list);
    let count = reader.uint32().ok_or("a list of keys without their number")?;
    if count > KEYS_LIMIT {
        return Err("a list of more keys than ssh takes (2048)");
    }
    let mut keys = Vec::new();
    for _ in 0..count {
        let blob = reader.string().ok_or("a list of keys that ends too early")?;
        let comment = reader.string().ok_or("a list of keys that ends too early")?;
        let comment = &comment[..comment.len().min(COMMENT_LIMIT)];
        keys.push(AgentKey { key: public_key::from_blob(blob, comment).unwrap_or_else(|| nameless(blob, comment)) });
    }
    Ok(keys)
}

/// A blob in which not even a type's name can be read.
fn nameless(blob: &[u8], comment: &[u8]) -> PublicKey {
    PublicKey {
        algorithm: String::new(),
        blob: Blob(blob.to_vec()),
        fingerprint: public_key::fingerprint(blob),
        comment: Comment::new(comment),
        bits: None,
        certificate: None,
    }
}

/// The error's name. A path too long for a socket's address never reaches the system.
fn socket_error(error: &io::Error) -> String {
    let too_long = error.raw_os_error().is_none() && error.kind() == io::ErrorKind::InvalidInput;
    if too_long { "ENAMETOOLONG".to_owned() } else { errno(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: u32, entries: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut bytes = count.to_be_bytes().to_vec();
        for (blob, comment) in entries {
            put_string(&mut bytes, blob);
            put_string(&mut bytes, comment);
        }
        bytes
    }

    #[test]
    fn one_odd_key_never_loses_the_list() {
        let mut good = Vec::new();
        put_string(&mut good, b"ssh-ed25519");
        put_string(&mut good, &[7; 32]);
        let mut unknown = Vec::new();
        put_string(&mut unknown, b"ssh-new@example.com");
        let keys = parse_identities(&list(
            5,
            &[
                (&good, b"caf\xe9 \x1b[31m"),
                (&unknown, b""),
                (b"\xff\xff\xff\xff", b"no name"),
                (b"", b""),
                (&good[..20], b"cut"),
            ],
        ))
        .unwrap();
        let names: Vec<&str> = keys.iter().map(|key| key.key.algorithm.as_str()).collect();
        assert_eq!(names, ["ssh-ed25519", "ssh-new@example.com", "", "", "ssh-ed25519"]);
        assert_eq!(keys[0].key.comment.as_bytes(), b"caf\xe9 \x1b[31m");
        assert_eq!(keys[2].key.blob.0, b"\xff\xff\xff\xff");
    }

    #[test]
    fn a_list_that_lies_about_its_length_is_garbage() {
        assert!(parse_identities(b"").is_err());
        assert!(parse_identities(&list(1, &[])).is_err());
        assert!(parse_identities(&list(u32::MAX, &[])).is_err());
        assert!(parse_identities(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert_eq!(parse_identities(&list(0, &[])), Ok(Vec::new()));
    }
}
