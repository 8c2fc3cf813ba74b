//! Servers that go wrong once everything is encrypted: in userauth, and in the session after it.
//!
//! A real sshd where it can be made to, russh's server side where it cannot.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use russh::keys::{PrivateKey, load_secret_key};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet};

use super::client::{Client, Seen};
use super::hygiene::{HOSTILE, hostile_word};
use super::sshd::keygen;

/// What the server does that no sshd does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Whim {
    /// Lets everybody in who asks for the methods.
    NoneAccepted,
    /// Answers no authentication request.
    Silent,
    /// Closes at the first authentication request.
    Close,
    /// Says yes to the key, and closes when it is signed for.
    CloseAtSignature,
    /// Sends a banner that ssh gives up at (sshconnect2.c input_userauth_banner reads a C string), and lets in.
    BannerWithNul,
    /// Lets in, then says goodbye with text that is not for terminals.
    HostileGoodbye,
    /// Lets in, then sends debug messages without end.
    DebugFlood,
    /// Answers every signature by partial success, and wants one more key.
    PartialForEver,
    /// Names other methods at every refusal.
    OtherMethods,
    /// Lets in, and never answers the request for a session.
    SilentSession,
}

struct Capricious {
    whim: Whim,
}

impl Handler for Capricious {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        match self.whim {
            Whim::NoneAccepted => Ok(Auth::Accept),
            Whim::Silent => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(Auth::reject())
            }
            Whim::Close => Err(russh::Error::Disconnect),
            _ => Ok(Auth::reject()),
        }
    }

    async fn auth_publickey_offered(&mut self, _user: &str, _offer: PublicKeyOffer<'_>) -> Result<Auth, russh::Error> {
        match self.whim {
            Whim::OtherMethods => Ok(refusal(&[MethodKind::HostBased], false)),
            _ => Ok(Auth::Accept),
        }
    }

    async fn auth_publickey(&mut self, _user: &str, _key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        match self.whim {
            Whim::CloseAtSignature => Err(russh::Error::Disconnect),
            Whim::PartialForEver => Ok(refusal(&[MethodKind::PublicKey], true)),
            _ => Ok(Auth::Accept),
        }
    }

    async fn authentication_banner(&mut self) -> Result<Option<String>, russh::Error> {
        let mut banner = String::from_utf8_lossy(&hostile_word()).into_owned();
        if self.whim == Whim::BannerWithNul {
            banner.push('\0');
        }
        Ok(Some(banner))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let hostile = String::from_utf8_lossy(HOSTILE);
        match self.whim {
            Whim::SilentSession => tokio::time::sleep(Duration::from_secs(60)).await,
            Whim::HostileGoodbye => session.disconnect(Disconnect::ByApplication, &hostile, "en")?,
            Whim::DebugFlood => {
                for _ in 0..20_000 {
                    session.debug(true, &hostile, "")?;
                }
            }
            _ => {}
        }
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        session.data(id, HOSTILE.to_vec())?;
        session.exit_status_request(id, 0)?;
        session.eof(id)?;
        session.close(id)
    }
}

fn refusal(methods: &[MethodKind], partial_success: bool) -> Auth {
    Auth::Reject { proceed_with_methods: Some(MethodSet::from(methods)), partial_success }
}

/// Starts such a server, known to `client`, until the process ends.
fn capricious(client: &Client, whim: Whim) -> u16 {
    let host_key = client.folder().join("host_key");
    keygen(&host_key, "host").unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let public = fs::read_to_string(host_key.with_extension("pub")).unwrap();
    fs::write(client.file("known_hosts"), format!("[127.0.0.1]:{port} {public}")).unwrap();
    let config = Arc::new(configuration(&host_key));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = russh::server::run_stream(config, stream, Capricious { whim }).await {
                        let _ = session.await;
                    }
                });
            }
        });
    });
    port
}

fn configuration(host_key: &Path) -> Config {
    let key: PrivateKey = load_secret_key(host_key, None).unwrap();
    Config { keys: vec![key], auth_rejection_time: Duration::ZERO, ..Config::default() }
}

fn against(whim: Whim) -> Seen {
    let client = Client::new();
    let port = capricious(&client, whim);
    client.scene(port).examine()
}

#[test]
fn a_server_that_lets_everybody_in_lets_in() {
    against(Whim::NoneAccepted).assert_cause(&["access-works"]);
}

#[test]
fn a_server_that_answers_no_authentication_request_refuses_nobody() {
    let seen = against(Whim::Silent);
    seen.assert_cause(&["undetermined", "connection-dropped", "server-disconnected"]);
}

#[test]
fn a_close_at_the_first_request_refuses_no_key() {
    against(Whim::Close).assert_cause(&["connection-dropped", "server-disconnected", "undetermined"]);
}

#[test]
fn partial_success_for_ever_is_a_second_factor() {
    against(Whim::PartialForEver).assert_cause(&["second-factor-required"]);
}

#[test]
fn methods_that_change_between_answers_hide_no_refusal() {
    against(Whim::OtherMethods).assert_cause(&["no-key-accepted"]);
}

#[test]
fn a_close_at_the_signature_is_a_rejected_signature() {
    against(Whim::CloseAtSignature).assert_cause(&["signature-rejected"]);
}

#[test]
fn a_banner_at_which_ssh_gives_up_refuses_no_key() {
    against(Whim::BannerWithNul).assert_cause(&["protocol-error", "access-works", "undetermined"]);
}

#[test]
fn a_goodbye_after_the_login_is_not_obeyed() {
    against(Whim::HostileGoodbye).assert_cause(&[
        "session-closed",
        "server-disconnected",
        "channel-refused",
        "undetermined",
    ]);
}

#[test]
fn a_flood_of_debug_messages_after_the_login_ends() {
    against(Whim::DebugFlood).assert_cause(&["access-works", "session-closed", "undetermined", "protocol-error"]);
}

#[test]
fn a_session_that_never_opens_ends_in_time() {
    against(Whim::SilentSession).assert_cause(&["undetermined", "session-closed", "channel-refused", "access-works"]);
}

/// A real sshd that shows a banner of these bytes; it accepts the key where `accepted`.
fn with_banner(bytes: &[u8], accepted: bool) -> Seen {
    let client = Client::new();
    let banner = client.folder().join("banner");
    fs::write(&banner, bytes).unwrap();
    let sshd = client.sshd(&format!("Banner {}", banner.display()));
    if accepted {
        sshd.authorize(&client.file("id.pub"), "").unwrap();
    }
    client.scene(sshd.port).examine()
}

#[test]
fn a_banner_with_controls_is_not_obeyed() {
    with_banner(HOSTILE, false).assert_cause(&["no-key-accepted"]);
    with_banner(HOSTILE, true).assert_cause(&["access-works"]);
}

#[test]
fn a_banner_of_200_kilobytes_hides_no_verdict() {
    with_banner(&HOSTILE.repeat(200_000 / HOSTILE.len()), false).assert_cause(&["no-key-accepted"]);
}

#[test]
fn a_banner_of_300_kilobytes_is_more_than_a_packet_may_hold() {
    // packet.c PACKET_MAX_SIZE is 256 kB: the real ssh gives up too ("Bad packet length").
    let seen = with_banner(&b"welcome ".repeat(300_000 / 8), true);
    seen.assert_cause(&["protocol-error", "access-works", "connection-dropped", "undetermined"]);
}

/// A real sshd that accepts the key and runs `command` instead of whatever is asked for.
fn with_command(command: &str) -> Seen {
    let client = Client::new();
    let sshd = client.sshd("");
    sshd.authorize(&client.file("id.pub"), &format!("command=\"{command}\" ")).unwrap();
    client.scene(sshd.port).examine()
}

#[test]
fn output_of_a_session_is_not_obeyed() {
    let client = Client::new();
    let text = client.folder().join("text");
    fs::write(&text, HOSTILE).unwrap();
    let sshd = client.sshd(&format!("ForceCommand cat {0}; cat {0} >&2; exit 1", text.display()));
    sshd.authorize(&client.file("id.pub"), "").unwrap();
    let seen = client.scene(sshd.port).examine();
    seen.assert_no_cause(&["no-key-accepted", "signature-rejected", "protocol-error", "nothing-found"]);
}

#[test]
fn a_bound_key_that_would_print_for_ever_is_not_waited_for() {
    let seen = with_command("yes");
    seen.assert_no_cause(&["no-key-accepted", "signature-rejected", "protocol-error", "connection-dropped"]);
}

#[test]
fn a_forced_command_that_prints_for_ever_ends_in_time() {
    let client = Client::new();
    let sshd = client.sshd("ForceCommand yes hello");
    sshd.authorize(&client.file("id.pub"), "").unwrap();
    let seen = client.scene(sshd.port).examine();
    seen.assert_no_cause(&["no-key-accepted", "signature-rejected", "protocol-error", "connection-dropped"]);
}

#[test]
fn a_forced_command_that_never_ends_ends_in_time() {
    let client = Client::new();
    let sshd = client.sshd("ForceCommand sleep 30");
    sshd.authorize(&client.file("id.pub"), "").unwrap();
    let seen = client.scene(sshd.port).examine();
    seen.assert_no_cause(&["no-key-accepted", "signature-rejected", "protocol-error", "connection-dropped"]);
}

#[test]
fn options_of_a_key_that_sshd_quotes_are_not_obeyed() {
    // sshd tells the client in DEBUG messages what the line in authorized_keys says, the environment's names included.
    let client = Client::new();
    let sshd = client.sshd("PermitUserEnvironment yes");
    let mut options = b"environment=\"A=".to_vec();
    options.extend(hostile_word().into_iter().filter(|byte| *byte != b'"'));
    options.extend(b"\" ");
    sshd.authorize(&client.file("id.pub"), &String::from_utf8_lossy(&options)).unwrap();
    client.scene(sshd.port).examine().assert_no_cause(&["nothing-found", "protocol-error"]);
}
