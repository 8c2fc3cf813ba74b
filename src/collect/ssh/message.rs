//! The messages that the probe sends and reads after the key exchange (RFC 4250 section 4.1, RFC 4252, RFC 4254,
//! RFC 8308, OpenSSH's PROTOCOL section 3).

use crate::facts::text::ServerText;
use crate::facts::userauth::{Prompt, Round};

use super::wire::{Reader, boolean, names, put_string, put_uint32};

/// `SSH_MSG_DISCONNECT`.
pub(crate) const DISCONNECT: u8 = 1;
/// `SSH_MSG_KEXINIT`.
pub(crate) const KEXINIT: u8 = 20;
/// `SSH_MSG_NEWKEYS`.
pub(crate) const NEWKEYS: u8 = 21;
/// `SSH_MSG_UNIMPLEMENTED`.
pub(crate) const UNIMPLEMENTED: u8 = 3;
/// `SSH_MSG_SERVICE_ACCEPT`.
pub(crate) const SERVICE_ACCEPT: u8 = 6;
const SERVICE_REQUEST: u8 = 5;
const USERAUTH_REQUEST: u8 = 50;
const USERAUTH_PK_OK: u8 = 60;
/// `SSH_MSG_USERAUTH_INFO_REQUEST` and `SSH_MSG_USERAUTH_PASSWD_CHANGEREQ`: the method that was asked for tells which.
pub(crate) const USERAUTH_60: u8 = 60;
const USERAUTH_INFO_RESPONSE: u8 = 61;
const REQUEST_FAILURE: u8 = 82;
const CHANNEL_OPEN: u8 = 90;
const CHANNEL_OPEN_FAILURE: u8 = 92;
const CHANNEL_WINDOW_ADJUST: u8 = 93;
const CHANNEL_DATA: u8 = 94;
const CHANNEL_EOF: u8 = 96;
const CHANNEL_CLOSE: u8 = 97;
const CHANNEL_REQUEST: u8 = 98;
const CHANNEL_FAILURE: u8 = 100;

/// Bytes that the server may send in a channel. That of a session is never widened: nothing that is run says as much.
pub(crate) const WINDOW: u32 = 1024 * 1024;
/// The service that every login asks for.
const CONNECTION: &[u8] = b"ssh-connection";
/// OpenSSH's public-key method whose signature covers the server's host key too.
const HOSTBOUND: &str = "publickey-hostbound-v00@openssh.com";
/// Questions of one request in a dialogue that are kept; a person is asked no more than that.
pub(crate) const MAX_QUESTIONS: u32 = 16;
/// Bytes of a question, a name or an instruction that are kept.
const MAX_QUESTION: usize = 2048;
/// Extensions of one EXT_INFO that are kept.
const MAX_EXTENSIONS: usize = 64;

/// A message from the server. A message that does not parse, or that nobody here knows, is `Other`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Disconnect { code: u32, text: &'a [u8] },
    Ignore,
    Unimplemented,
    Debug(&'a [u8]),
    ServiceAccept,
    ExtInfo(Vec<(&'a [u8], &'a [u8])>),
    Rekey,
    Failure { methods: Vec<String>, partial: bool },
    Success,
    Banner(&'a [u8]),
    PkOk { blob: &'a [u8] },
    GlobalRequest { want_reply: bool },
    OpenConfirmation { theirs: u32 },
    OpenFailure { code: u32, text: &'a [u8] },
    Data(&'a [u8]),
    ErrorData(&'a [u8]),
    ChannelEof,
    ChannelClose,
    ExitStatus(u32),
    ExitSignal(&'a [u8]),
    ChannelRequest { want_reply: bool },
    ChannelSuccess,
    ChannelFailure,
    Other(u8),
}

/// What `payload` says.
pub(crate) fn parse(payload: &[u8]) -> Message<'_> {
    let number = payload.first().copied().unwrap_or(0);
    parsed(number, Reader::new(payload.get(1..).unwrap_or_default())).unwrap_or(Message::Other(number))
}

fn parsed(number: u8, mut reader: Reader<'_>) -> Option<Message<'_>> {
    Some(match number {
        DISCONNECT => {
            Message::Disconnect { code: reader.uint32().unwrap_or(0), text: reader.string().unwrap_or_default() }
        }
        2 => Message::Ignore,
        UNIMPLEMENTED => Message::Unimplemented,
        4 => {
            boolean(&mut reader)?;
            Message::Debug(reader.string()?)
        }
        SERVICE_ACCEPT => Message::ServiceAccept,
        7 => Message::ExtInfo(extensions(&mut reader)?),
        KEXINIT => Message::Rekey,
        51 => Message::Failure { methods: names(&mut reader)?, partial: boolean(&mut reader)? },
        52 => Message::Success,
        53 => Message::Banner(reader.string()?),
        USERAUTH_PK_OK => {
            reader.string()?;
            Message::PkOk { blob: reader.string()? }
        }
        80 => {
            reader.string()?;
            Message::GlobalRequest { want_reply: boolean(&mut reader)? }
        }
        _ => return channel_message(number, reader),
    })
}

/// Messages about a channel; there is never more than one.
fn channel_message(number: u8, mut reader: Reader<'_>) -> Option<Message<'_>> {
    reader.uint32()?;
    Some(match number {
        91 => Message::OpenConfirmation { theirs: reader.uint32()? },
        CHANNEL_OPEN_FAILURE => {
            Message::OpenFailure { code: reader.uint32()?, text: reader.string().unwrap_or_default() }
        }
        CHANNEL_DATA => Message::Data(reader.string()?),
        95 => {
            reader.uint32()?;
            Message::ErrorData(reader.string()?)
        }
        CHANNEL_EOF => Message::ChannelEof,
        CHANNEL_CLOSE => Message::ChannelClose,
        CHANNEL_REQUEST => {
            let kind = reader.string()?;
            let want_reply = boolean(&mut reader)?;
            match kind {
                b"exit-status" => Message::ExitStatus(reader.uint32()?),
                b"exit-signal" => Message::ExitSignal(reader.string()?),
                _ => Message::ChannelRequest { want_reply },
            }
        }
        99 => Message::ChannelSuccess,
        CHANNEL_FAILURE => Message::ChannelFailure,
        _ => return None,
    })
}

fn extensions<'a>(reader: &mut Reader<'a>) -> Option<Vec<(&'a [u8], &'a [u8])>> {
    let count = usize::try_from(reader.uint32()?).ok()?;
    (0..count.min(MAX_EXTENSIONS)).map(|_| Some((reader.string()?, reader.string()?))).collect()
}

/// `SSH_MSG_SERVICE_REQUEST` for user authentication.
pub(crate) fn service_request() -> Vec<u8> {
    let mut out = vec![SERVICE_REQUEST];
    put_string(&mut out, b"ssh-userauth");
    out
}

fn userauth_request(user: &[u8], method: &[u8]) -> Vec<u8> {
    let mut out = vec![USERAUTH_REQUEST];
    put_string(&mut out, user);
    put_string(&mut out, CONNECTION);
    put_string(&mut out, method);
    out
}

/// A request of method `none` (RFC 4252 section 5.2).
pub(crate) fn none(user: &[u8]) -> Vec<u8> {
    userauth_request(user, b"none")
}

/// A request of method `password` (RFC 4252 section 8).
pub(crate) fn password(user: &[u8], password: &[u8]) -> Vec<u8> {
    // So large that it need not grow: what is moved would leave a copy behind.
    let mut out = Vec::with_capacity(user.len() + password.len() + 64);
    out.extend_from_slice(&userauth_request(user, b"password"));
    out.push(0);
    put_string(&mut out, password);
    out
}

/// A request of method `keyboard-interactive` (RFC 4256 section 3.1).
pub(crate) fn keyboard_interactive(user: &[u8]) -> Vec<u8> {
    let mut out = userauth_request(user, b"keyboard-interactive");
    put_string(&mut out, b"");
    put_string(&mut out, b"");
    out
}

/// `SSH_MSG_USERAUTH_INFO_RESPONSE` (RFC 4256 section 3.4).
pub(crate) fn info_response(answers: &[zeroize::Zeroizing<Vec<u8>>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(5 + answers.iter().map(|answer| answer.len() + 4).sum::<usize>());
    out.push(USERAUTH_INFO_RESPONSE);
    put_uint32(&mut out, u32::try_from(answers.len()).unwrap_or(u32::MAX));
    for answer in answers {
        put_string(&mut out, answer);
    }
    out
}

/// What `SSH_MSG_USERAUTH_INFO_REQUEST` asks (RFC 4256 section 3.2); of many questions the first.
pub(crate) fn info_request(payload: &[u8]) -> Option<Round> {
    let text = |bytes: &[u8]| ServerText::new(&bytes[..bytes.len().min(MAX_QUESTION)]);
    let mut reader = Reader::new(payload.get(1..)?);
    let mut round = Round { name: text(reader.string()?), instruction: text(reader.string()?), ..Round::default() };
    reader.string()?;
    round.count = reader.uint32()?;
    for _ in 0..round.count.min(MAX_QUESTIONS) {
        round.prompts.push(Prompt { text: text(reader.string()?), echo: boolean(&mut reader)? });
    }
    Some(round)
}

/// The prompt of `SSH_MSG_USERAUTH_PASSWD_CHANGEREQ` (RFC 4252 section 8).
pub(crate) fn change_request(payload: &[u8]) -> Option<ServerText> {
    let prompt = Reader::new(payload.get(1..)?).string()?;
    Some(ServerText::new(&prompt[..prompt.len().min(MAX_QUESTION)]))
}

/// A public-key query (RFC 4252 section 7, without a signature).
pub(crate) fn query(user: &[u8], algorithm: &str, blob: &[u8]) -> Vec<u8> {
    let mut out = userauth_request(user, b"publickey");
    out.push(0);
    put_string(&mut out, algorithm.as_bytes());
    put_string(&mut out, blob);
    out
}

/// A public-key request up to its signature; with `host_key`, of OpenSSH's host-bound method.
pub(crate) fn unsigned(user: &[u8], algorithm: &str, blob: &[u8], host_key: Option<&[u8]>) -> Vec<u8> {
    let method = if host_key.is_some() { HOSTBOUND } else { "publickey" };
    let mut out = userauth_request(user, method.as_bytes());
    out.push(1);
    put_string(&mut out, algorithm.as_bytes());
    put_string(&mut out, blob);
    if let Some(host_key) = host_key {
        put_string(&mut out, host_key);
    }
    out
}

/// The bytes that a signature covers (RFC 4252 section 7).
pub(crate) fn signed_data(session_id: &[u8], unsigned: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, session_id);
    out.extend_from_slice(unsigned);
    out
}

/// The request with its signature.
pub(crate) fn signed(mut unsigned: Vec<u8>, signature: &[u8]) -> Vec<u8> {
    put_string(&mut unsigned, signature);
    unsigned
}

/// `SSH_MSG_REQUEST_FAILURE`.
pub(crate) fn request_failure() -> Vec<u8> {
    vec![REQUEST_FAILURE]
}

/// `SSH_MSG_CHANNEL_OPEN` of a session, as channel 0.
pub(crate) fn open_session() -> Vec<u8> {
    let mut out = vec![CHANNEL_OPEN];
    put_string(&mut out, b"session");
    put_uint32(&mut out, 0);
    put_uint32(&mut out, WINDOW);
    put_uint32(&mut out, 32 * 1024);
    out
}

/// A message about the channel that the server calls `channel`.
fn about(number: u8, channel: u32) -> Vec<u8> {
    let mut out = vec![number];
    put_uint32(&mut out, channel);
    out
}

/// `exec` of `command`, with an answer wanted.
pub(crate) fn exec(channel: u32, command: &[u8]) -> Vec<u8> {
    let mut out = about(CHANNEL_REQUEST, channel);
    put_string(&mut out, b"exec");
    out.push(1);
    put_string(&mut out, command);
    out
}

/// `shell`, with an answer wanted.
pub(crate) fn shell(channel: u32) -> Vec<u8> {
    let mut out = about(CHANNEL_REQUEST, channel);
    put_string(&mut out, b"shell");
    out.push(1);
    out
}

/// `subsystem` of that name, with an answer wanted.
pub(crate) fn subsystem(channel: u32, name: &[u8]) -> Vec<u8> {
    let mut out = about(CHANNEL_REQUEST, channel);
    put_string(&mut out, b"subsystem");
    out.push(1);
    put_string(&mut out, name);
    out
}

/// `pty-req` of a terminal of 80 by 24, with an answer wanted (RFC 4254 section 6.2).
pub(crate) fn terminal(channel: u32) -> Vec<u8> {
    let mut out = about(CHANNEL_REQUEST, channel);
    put_string(&mut out, b"pty-req");
    out.push(1);
    put_string(&mut out, b"xterm");
    for size in [80, 24, 0, 0] {
        put_uint32(&mut out, size);
    }
    // No mode but TTY_OP_END.
    put_string(&mut out, &[0]);
    out
}

/// `auth-agent-req@openssh.com`, with an answer wanted, which ssh does not want (OpenSSH's PROTOCOL; clientloop.c
/// `client_channel_reqest_agent_forwarding`).
pub(crate) fn agent_forwarding(channel: u32) -> Vec<u8> {
    let mut out = about(CHANNEL_REQUEST, channel);
    put_string(&mut out, b"auth-agent-req@openssh.com");
    out.push(1);
    out
}

/// `SSH_MSG_CHANNEL_DATA`.
pub(crate) fn data(channel: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = about(CHANNEL_DATA, channel);
    put_string(&mut out, bytes);
    out
}

/// `SSH_MSG_CHANNEL_OPEN` of a `direct-tcpip` channel that we call `ours` (RFC 4254 section 7.2). The originator is the
/// one that `ssh -W` names (channels.c `port_open_helper`).
pub(crate) fn open_direct_tcpip(ours: u32, host: &[u8], port: u16) -> Vec<u8> {
    let mut out = vec![CHANNEL_OPEN];
    put_string(&mut out, b"direct-tcpip");
    put_uint32(&mut out, ours);
    put_uint32(&mut out, WINDOW);
    put_uint32(&mut out, 32 * 1024);
    put_string(&mut out, host);
    put_uint32(&mut out, port.into());
    put_string(&mut out, b"127.0.0.1");
    put_uint32(&mut out, 65535);
    out
}

/// `SSH_MSG_CHANNEL_WINDOW_ADJUST`: the server may send so many bytes more.
pub(crate) fn window_adjust(channel: u32, bytes: u32) -> Vec<u8> {
    let mut out = about(CHANNEL_WINDOW_ADJUST, channel);
    put_uint32(&mut out, bytes);
    out
}

/// Which of our channels the message is about; `None` where it is about none.
pub(crate) fn recipient(payload: &[u8]) -> Option<u32> {
    let number = *payload.first()?;
    (91..=CHANNEL_FAILURE).contains(&number).then(|| Reader::new(&payload[1..]).uint32())?
}

/// The server's number for the channel, its window and its largest packet, of `SSH_MSG_CHANNEL_OPEN_CONFIRMATION`.
pub(crate) fn confirmation(payload: &[u8]) -> Option<(u32, u32, u32)> {
    let mut reader = Reader::new(payload.get(5..)?);
    (payload[0] == 91).then_some(())?;
    Some((reader.uint32()?, reader.uint32()?, reader.uint32()?))
}

/// By how many bytes `SSH_MSG_CHANNEL_WINDOW_ADJUST` widens the window.
pub(crate) fn widened(payload: &[u8]) -> Option<u32> {
    (*payload.first()? == CHANNEL_WINDOW_ADJUST).then(|| Reader::new(payload.get(5..)?).uint32())?
}

/// `SSH_MSG_CHANNEL_OPEN_FAILURE` to a channel that the server asks for.
pub(crate) fn open_refused(channel: u32) -> Vec<u8> {
    let mut out = about(CHANNEL_OPEN_FAILURE, channel);
    put_uint32(&mut out, 1);
    put_string(&mut out, b"");
    put_string(&mut out, b"");
    out
}

/// The number that the server gives a channel that it asks for.
pub(crate) fn asked_for(payload: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(payload.get(1..)?);
    (payload[0] == CHANNEL_OPEN).then_some(())?;
    reader.string()?;
    reader.uint32()
}

/// `SSH_MSG_CHANNEL_EOF`.
pub(crate) fn eof(channel: u32) -> Vec<u8> {
    about(CHANNEL_EOF, channel)
}

/// `SSH_MSG_CHANNEL_CLOSE`.
pub(crate) fn close(channel: u32) -> Vec<u8> {
    about(CHANNEL_CLOSE, channel)
}

/// `SSH_MSG_CHANNEL_FAILURE`.
pub(crate) fn channel_failure(channel: u32) -> Vec<u8> {
    about(CHANNEL_FAILURE, channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cut_short_is_other_by_its_number() {
        for number in [4, 7, 51, 53, 60, 80, 91, 94, 98] {
            assert_eq!(parse(&[number]), Message::Other(number));
            assert_eq!(parse(&[number, 0xff, 0xff, 0xff, 0xff, 0, 0]), Message::Other(number), "{number}");
        }
        assert_eq!(parse(&[]), Message::Other(0));
    }

    #[test]
    fn method_names_come_as_they_were_sent() {
        let failure = b"\x33\x00\x00\x00\x1bpublickey,keyboard,x@y.test\x01";
        let Message::Failure { methods, partial } = parse(failure) else { panic!("no failure") };
        assert_eq!(methods, ["publickey", "keyboard", "x@y.test"]);
        assert!(partial);
    }

    #[test]
    fn a_host_bound_request_ends_with_the_host_key() {
        let plain = unsigned(b"u", "ssh-ed25519", b"blob", None);
        let bound = unsigned(b"u", "ssh-ed25519", b"blob", Some(b"host"));
        assert!(bound.ends_with(b"\x00\x00\x00\x04host"));
        assert!(plain.ends_with(b"\x00\x00\x00\x04blob"));
    }
}
