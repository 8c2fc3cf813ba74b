//! The engine against real servers and against servers that misbehave.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::cipher::{CIPHERS, MACS};
use super::servers::{Server, delayed, new_key, saying, scripted};
use crate::collect::agent::Binding;
use crate::collect::transport::{Secured, exchange};
use crate::collect::userauth::{Bound, Candidate, Outcome, Plan, Signing, another_connection, run};
use crate::facts::identities::{FileError, KeyFile, PublicFile};
use crate::facts::key::PublicKey;
use crate::facts::session::{ChannelOpen, Request, Session};
use crate::facts::text::{Path, ServerText};
use crate::facts::transport::Transport;
use crate::facts::userauth::{Answer, Signed, Userauth};
use crate::facts::{End, Footprint, Limits, Source};
use crate::openssh::algorithms::is_authenticating;
use crate::openssh::known_hosts::Course;
use crate::openssh::session::{Aim, Wanted};
use crate::testing;

fn me() -> Vec<u8> {
    nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name.into_bytes()
}

async fn met(address: SocketAddr, limit: Duration) -> (Option<Secured>, Transport) {
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let mut seen = Transport::default();
    let secured = exchange(Box::new(tcp), &[], limit, &mut seen, &|_| {}).await;
    (secured, seen)
}

fn plan(keys: &[PublicKey]) -> Plan {
    let candidate = |key: &PublicKey| Candidate { key: key.clone(), offered: true, locked: false, signer: None };
    Plan {
        user: me(),
        candidates: keys.iter().map(candidate).collect(),
        accepted: ["ssh-ed25519", "rsa-sha2-512"].map(str::to_owned).to_vec(),
        host_bound: true,
        course: Course::GoOn,
        limits: Limits::default(),
        person: None,
        questions: Vec::new(),
    }
}

fn bound(secured: &Secured, seen: &Transport) -> Bound {
    Bound {
        session_id: Zeroizing::new(secured.session_id.to_vec()),
        host_key: secured.host_key.clone(),
        identification: seen.identification.clone().unwrap_or_default().as_bytes().to_vec(),
    }
}

/// Asks a server on as many connections as the plan is worth.
async fn asked(address: SocketAddr, plan: &Plan) -> (Userauth, Footprint, Outcome) {
    let (mut facts, mut footprint) = (Userauth::default(), Footprint::default());
    loop {
        let (secured, seen) = met(address, Duration::from_secs(5)).await;
        let Some(mut secured) = secured else { panic!("no keys: {:?}", seen.end) };
        let bound = bound(&secured, &seen);
        footprint.connections += 1;
        let connection = &mut secured.connection;
        let outcome = run(plan, connection, &bound, &mut None, &mut facts, &mut footprint, &|_| {}).await;
        secured.connection.leave().await;
        if !another_connection(plan, &facts, outcome) {
            return (facts, footprint, outcome);
        }
    }
}

fn answers(facts: &Userauth) -> Vec<(usize, Option<bool>)> {
    let row = |query: &crate::facts::userauth::Query| {
        let accepted = query.answer.as_ref().map(|answer| *answer == Answer::PkOk);
        (query.connection, accepted)
    };
    facts.queries.iter().map(row).collect()
}

fn keys(server: &Server, count: usize) -> Vec<(PublicKey, String)> {
    (0..count).map(|number| new_key(&server.folder.path().join(format!("id_{number}")), "ed25519")).collect()
}

fn authorize(server: &Server, line: &str) {
    std::fs::write(server.folder.path().join("authorized_keys"), line).unwrap();
}

#[tokio::test]
async fn sshd_answers_with_every_cipher_and_mac() {
    for cipher in CIPHERS {
        for mac in if is_authenticating(cipher) { &MACS[..1] } else { MACS } {
            let server = Server::sshd(&["ed25519"], &[&format!("Ciphers {cipher}"), &format!("MACs {mac}")]);
            let (facts, _, outcome) = asked(server.address, &plan(&[])).await;
            assert_eq!(outcome, Outcome::Open, "{cipher} {mac} {:?} {}", facts.connections, server.log());
            assert!(matches!(facts.none, Some(Answer::Failure { .. })), "{cipher} {mac}");
            assert!(facts.extension("server-sig-algs").is_some());
        }
    }
}

#[tokio::test]
async fn sshd_answers_after_every_key_exchange_method_and_host_key() {
    let methods = "curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 \
        ecdh-sha2-nistp521 diffie-hellman-group14-sha256 diffie-hellman-group16-sha512 diffie-hellman-group18-sha512 \
        diffie-hellman-group-exchange-sha256 diffie-hellman-group14-sha1 diffie-hellman-group-exchange-sha1 \
        diffie-hellman-group1-sha1";
    for (number, method) in methods.split_whitespace().enumerate() {
        let (kind, algorithm) = [
            ("ed25519", "ssh-ed25519"),
            ("rsa", "rsa-sha2-512"),
            ("ecdsa", "ecdsa-sha2-nistp256"),
            ("rsa", "ssh-rsa"),
            ("dsa", "ssh-dss"),
        ][number % 5];
        let lines = [format!("KexAlgorithms {method}"), format!("HostKeyAlgorithms {algorithm}")];
        let server = Server::sshd(&[kind], &[&lines[0], &lines[1]]);
        let (secured, seen) = met(server.address, Duration::from_secs(5)).await;
        assert!(seen.complete, "{method} {algorithm} {:?} {}", seen.end, server.log());
        assert_eq!(secured.unwrap().algorithm, algorithm);
        assert_eq!(seen.agreed.unwrap().kex, method);
        let (_, _, outcome) = asked(server.address, &plan(&[])).await;
        assert_eq!(outcome, Outcome::Open, "{method}");
    }
}

#[tokio::test]
async fn sequence_numbers_go_on_where_the_server_knows_no_strict_key_exchange() {
    let server = Server::tinysshd();
    let (_, seen) = met(server.address, Duration::from_secs(5)).await;
    assert!(!seen.server.unwrap().kex.iter().any(|name| name.starts_with("kex-strict")));
    let (facts, _, outcome) = asked(server.address, &plan(&[])).await;
    assert_eq!(outcome, Outcome::Open, "{:?}", facts.connections);
    assert!(matches!(facts.none, Some(Answer::Failure { .. })));
}

#[tokio::test]
async fn four_refused_keys_cost_one_connection_and_one_line_in_the_log() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys: Vec<_> = keys(&server, 4).into_iter().map(|(key, _)| key).collect();
    let (facts, footprint, _) = asked(server.address, &plan(&keys)).await;
    assert_eq!(answers(&facts), [(0, Some(false)); 4]);
    assert_eq!(facts.connections, [None]);
    assert_eq!(facts.canary, None);
    let cost =
        Footprint { connections: 1, auth_requests: 5, auth_failures: 4, public_keys_disclosed: 4, commands_run: 0 };
    assert_eq!(footprint, cost);
    thread::sleep(Duration::from_millis(300));
    let log = server.log();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("Connection closed by authenticating user"), "{log}");
}

#[tokio::test]
async fn an_accepted_key_is_told_from_refused_ones_and_ends_the_asking() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys = keys(&server, 7);
    authorize(&server, &keys[2].1);
    let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    let (facts, _, outcome) = asked(server.address, &plan(&keys)).await;
    assert_eq!(outcome, Outcome::Open);
    let expected = [false, false, true, false, false].map(|accepted| (0, Some(accepted)));
    assert_eq!(answers(&facts), expected);
}

#[tokio::test]
async fn more_than_five_offered_keys_are_asked_until_the_server_cuts_and_the_rest_on_a_second_connection() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys = keys(&server, 8);
    authorize(&server, &keys[6].1);
    let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    let (facts, footprint, _) = asked(server.address, &plan(&keys)).await;
    let mut expected = vec![(0, Some(false)); 5];
    expected.extend([(0, None), (1, Some(true)), (1, Some(false))]);
    assert_eq!(answers(&facts), expected);
    let Some(End::Disconnect { code: 2, text }) = &facts.connections[0] else { panic!("{:?}", facts.connections) };
    assert!(text.as_str().unwrap().contains("Too many authentication failures"));
    assert_eq!((facts.connections.len(), footprint.connections), (2, 2));
}

#[tokio::test]
async fn keys_that_ssh_would_not_offer_are_asked_about_after_those_it_would() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys = keys(&server, 7);
    authorize(&server, &keys[6].1);
    let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    let mut plan = plan(&keys);
    for candidate in &mut plan.candidates[2..] {
        candidate.offered = false;
    }
    let (facts, ..) = asked(server.address, &plan).await;
    let mut expected = vec![(0, Some(false)); 5];
    expected.extend([(1, Some(false)), (1, Some(true))]);
    assert_eq!(answers(&facts), expected);
    assert_eq!(facts.connections, [None, None]);
}

#[tokio::test]
async fn a_canary_shows_that_tinysshd_says_yes_to_everybody_and_dropbear_does_not() {
    for (server, yes) in [(Server::tinysshd(), true), (Server::dropbear(), false)] {
        let keys: Vec<_> = keys(&server, 2).into_iter().map(|(key, _)| key).collect();
        let (facts, ..) = asked(server.address, &plan(&keys)).await;
        assert_eq!(answers(&facts), [(0, Some(yes)); 2], "{:?} {}", facts.connections, server.log());
        assert_eq!(facts.canary, yes.then_some(Answer::PkOk));
    }
}

#[tokio::test]
async fn a_banner_of_any_bytes_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let banner = folder.path().join("banner");
    std::fs::write(&banner, b"caf\xe9 \x1b[31m\n").unwrap();
    let server = Server::sshd(&["ed25519"], &[&format!("Banner {}", banner.display())]);
    let (facts, ..) = asked(server.address, &plan(&[])).await;
    assert_eq!(facts.banners, [ServerText::new(&b"caf\xe9 \x1b[31m\n"[..])]);
}

#[tokio::test]
async fn a_banner_of_300_kb_is_no_end_of_the_world() {
    let folder = tempfile::tempdir().unwrap();
    let banner = folder.path().join("banner");
    for size in [200_000, 300_000] {
        std::fs::write(&banner, vec![b'a'; size]).unwrap();
        let server = Server::sshd(&["ed25519"], &[&format!("Banner {}", banner.display())]);
        let (facts, _, outcome) = asked(server.address, &plan(&[])).await;
        println!("{size} {outcome:?} {:?} {}", facts.connections, server.log());
        assert!(facts.banners.iter().all(|banner| banner.as_bytes().len() <= 32 * 1024));
        assert!(outcome == Outcome::Open || facts.connections[0].is_some());
    }
}

#[tokio::test]
async fn a_server_that_cuts_at_the_first_refusal_is_asked_about_one_key_more_and_no_other() {
    let server = Server::sshd(&["ed25519"], &["MaxAuthTries 1"]);
    let keys: Vec<_> = keys(&server, 3).into_iter().map(|(key, _)| key).collect();
    let (facts, ..) = asked(server.address, &plan(&keys)).await;
    assert_eq!(facts.connections.len(), 2);
    assert!(facts.connections.iter().all(|end| matches!(end, Some(End::Disconnect { code: 2, .. }))));
}

async fn misbehaving(address: SocketAddr) -> (Transport, Duration) {
    let started = Instant::now();
    let (secured, seen) = met(address, Duration::from_millis(700)).await;
    assert!(secured.is_none());
    (seen, started.elapsed())
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_its_time() {
    let (seen, took) = misbehaving(saying(Vec::new())).await;
    assert_eq!(seen.end, Some(End::TimedOut));
    assert!(took < Duration::from_secs(2));
}

#[tokio::test]
async fn a_dripping_server_is_given_up_after_its_time() {
    let address = scripted(|mut socket| {
        thread::spawn(move || {
            while socket.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
        });
    });
    let (seen, took) = misbehaving(address).await;
    assert_eq!(seen.end, Some(End::TimedOut));
    assert!(seen.unterminated.as_bytes().starts_with(b"xxx"));
    assert!(took < Duration::from_secs(2));
}

#[tokio::test]
async fn endless_lines_and_an_endless_line_end_at_once() {
    for bytes in [b"hello\r\n".repeat(100_000), vec![b'a'; 1_000_000]] {
        let (seen, took) = misbehaving(saying(bytes)).await;
        assert!(matches!(seen.end, Some(End::NotSsh(_))), "{:?}", seen.end);
        assert!(took < Duration::from_millis(600));
    }
}

#[tokio::test]
async fn an_ssh_1_server_is_left_at_once_and_named() {
    let (seen, took) = misbehaving(saying(b"SSH-1.5-OpenSSH_2.3\n".to_vec())).await;
    assert_eq!(seen.identification, Some("SSH-1.5-OpenSSH_2.3".into()));
    assert_eq!(seen.end, None);
    assert!(took < Duration::from_millis(500));
}

#[tokio::test]
async fn what_a_server_says_before_it_closes_is_kept() {
    let address = scripted(|mut socket| {
        // Whether it could be written shows on the other side.
        let _ = socket.write_all(b"Not allowed at this time\r\n");
        let _ = socket.shutdown(std::net::Shutdown::Write);
        thread::spawn(move || std::io::copy(&mut socket, &mut std::io::sink()));
    });
    let (seen, _) = misbehaving(address).await;
    assert_eq!(seen.pre_banner, ["Not allowed at this time"]);
    assert_eq!(seen.end, Some(End::Closed));
}

#[tokio::test]
async fn a_good_identification_and_then_garbage_is_no_ssh() {
    let (seen, _) = misbehaving(saying(b"SSH-2.0-x\r\n\xff\xff\xff\xff garbage".to_vec())).await;
    assert!(matches!(seen.end, Some(End::NotSsh(_))), "{:?}", seen.end);
}

#[tokio::test]
async fn text_before_the_identification_string_does_not_disturb_the_exchange() {
    let server = Server::sshd(&["ed25519"], &[]);
    let inner = server.address;
    let address = scripted(move |mut socket| {
        let upstream = std::net::TcpStream::connect(inner).unwrap();
        socket.write_all(&b"maintenance at nine\r\n".repeat(200)).unwrap();
        let (mut from, mut to) = (upstream.try_clone().unwrap(), socket.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let mut upstream = upstream;
        thread::spawn(move || std::io::copy(&mut socket, &mut upstream));
    });
    let (secured, seen) = met(address, Duration::from_secs(5)).await;
    assert!(secured.is_some(), "{:?}", seen.end);
    assert_eq!(seen.pre_banner.len(), 200);
}

/// A server in between that lets `whole` bytes of the real one through and then does as `then` says.
fn cutting(server: &Server, whole: usize, flip: bool) -> SocketAddr {
    let inner = server.address;
    scripted(move |mut socket| {
        let mut upstream = std::net::TcpStream::connect(inner).unwrap();
        let (mut from, mut to) = (upstream.try_clone().unwrap(), socket.try_clone().unwrap());
        thread::spawn(move || {
            let mut passed = 0;
            let mut buffer = [0; 512];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                for byte in &mut buffer[..count] {
                    passed += 1;
                    if passed <= whole {
                        continue;
                    }
                    if !flip {
                        let _ = to.write_all(&[]);
                        let _ = to.shutdown(std::net::Shutdown::Both);
                        return;
                    }
                    *byte ^= 0x55;
                }
                if to.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        });
        thread::spawn(move || std::io::copy(&mut socket, &mut upstream));
    })
}

#[tokio::test]
async fn a_connection_that_is_cut_or_garbled_anywhere_ends_with_a_reason() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys: Vec<_> = keys(&server, 2).into_iter().map(|(key, _)| key).collect();
    for flip in [false, true] {
        for whole in (0..2600).step_by(173) {
            let address = cutting(&server, whole, flip);
            let (secured, seen) = met(address, Duration::from_millis(700)).await;
            let Some(mut secured) = secured else {
                assert!(seen.end.is_some(), "{whole} {flip}");
                continue;
            };
            let bound = bound(&secured, &seen);
            let (mut facts, mut footprint) = (Userauth::default(), Footprint::default());
            let connection = &mut secured.connection;
            let plan = plan(&keys);
            let outcome = run(&plan, connection, &bound, &mut None, &mut facts, &mut footprint, &|_| {}).await;
            assert!(outcome == Outcome::Open || facts.connections[0].is_some(), "{whole} {flip}");
        }
    }
}

#[tokio::test]
async fn what_was_seen_stands_where_the_run_is_cut_short() {
    let address = saying(b"Welcome\r\nSSH-2.0-quiet\r\n".to_vec());
    let tcp = TcpStream::connect(address).await.unwrap();
    let mut seen = Transport::default();
    let running = exchange(Box::new(tcp), &[], Duration::from_secs(5), &mut seen, &|_| {});
    assert!(tokio::time::timeout(Duration::from_millis(300), running).await.is_err());
    assert_eq!(seen.identification, Some("SSH-2.0-quiet".into()));
    assert_eq!(seen.pre_banner.len(), 1);
    assert_eq!(seen.end, None);
}

#[tokio::test]
async fn four_refused_keys_take_four_flights() {
    let server = Server::sshd(&["ed25519", "rsa"], &[]);
    let mut keys: Vec<_> = keys(&server, 3).into_iter().map(|(key, _)| key).collect();
    // Its signature algorithm depends on what the server announces after the key exchange.
    keys.push(new_key(&server.folder.path().join("id_rsa"), "rsa").0);
    let (address, flights) = delayed(server.address);
    let (facts, ..) = asked(address, &plan(&keys)).await;
    assert_eq!(answers(&facts), [(0, Some(false)); 4]);
    let flights = flights.load(std::sync::atomic::Ordering::Relaxed);
    assert!(flights <= 4, "{flights} flights");
}

/// Logs in with the key at `path`, and runs the session; `prepare` sees the plan first.
async fn logged_in(server: &Server, key: &PublicKey, path: &std::path::Path, limits: Limits) -> (Userauth, Session) {
    let mut plan = plan(std::slice::from_ref(key));
    plan.limits = limits;
    plan.candidates[0].signer = Some(Signing::File(Box::new(key_file(path, key))));
    with_plan(server, &plan, None).await
}

async fn with_plan(server: &Server, plan: &Plan, socket: Option<&std::path::Path>) -> (Userauth, Session) {
    let (mut facts, mut footprint, mut session) = (Userauth::default(), Footprint::default(), Session::default());
    facts.user = plan.user.as_slice().into();
    let (secured, seen) = met(server.address, Duration::from_secs(5)).await;
    let mut secured = secured.unwrap();
    let bound = bound(&secured, &seen);
    let mut agent = None;
    if let Some(socket) = socket {
        let binding = Binding {
            host_key: secured.host_key.clone(),
            session_id: secured.session_id.to_vec(),
            signature: secured.signature.clone(),
        };
        agent = crate::collect::agent::bound(&Path::from_path(socket), Some(&binding)).await.0;
    }
    let connection = &mut secured.connection;
    let outcome = run(plan, connection, &bound, &mut agent, &mut facts, &mut footprint, &|_| {}).await;
    if outcome == Outcome::LoggedIn {
        let aim = Aim { wanted: Wanted::Command, greets: false, terminal: false, agent: false, exec: plan.limits.exec };
        crate::collect::session::run(connection, &aim, &mut session, &mut facts, &mut footprint).await;
    }
    secured.connection.leave().await;
    (facts, session)
}

fn key_file(path: &std::path::Path, key: &PublicKey) -> KeyFile {
    let missing = |path: &std::path::Path| PublicFile {
        path: Path::from_path(path),
        state: Err(FileError { errno: "ENOENT".to_owned(), at: None }),
        key: None,
    };
    KeyFile {
        path: Path::from_path(path),
        configured: "".into(),
        source: Source::CommandLine,
        explicit: true,
        state: Err(FileError { errno: "ENOENT".to_owned(), at: None }),
        private: Err(crate::facts::Unobserved::NotAttempted),
        public: PublicFile { key: Some(key.clone()), ..missing(path) },
        certificate: missing(path),
    }
}

#[tokio::test]
async fn a_key_file_logs_in_and_true_runs() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys = keys(&server, 1);
    authorize(&server, &keys[0].1);
    let path = server.folder.path().join("id_0");
    let (facts, session) = logged_in(&server, &keys[0].0, &path, Limits::default()).await;
    assert!(facts.succeeded(), "{facts:?} {}", server.log());
    assert!(facts.extension("publickey-hostbound@openssh.com").is_some());
    assert_eq!(facts.signatures.len(), 1);
    assert_eq!(facts.canary, None);
    assert_eq!((session.channel, session.granted), (Some(ChannelOpen::Confirmed), Some(true)));
    assert_eq!((session.request, session.exit_status, session.end), (Request::True, Some(0), None));
}

#[tokio::test]
async fn nothing_is_run_where_the_key_is_bound_to_a_command() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys = keys(&server, 1);
    authorize(&server, &format!("command=\"exit 3\" {}", keys[0].1));
    let path = server.folder.path().join("id_0");
    let (facts, session) = logged_in(&server, &keys[0].0, &path, Limits::default()).await;
    assert!(facts.succeeded());
    assert!(facts.debug.iter().any(|text| text.to_string().contains("key options:")), "{:?}", facts.debug);
    assert_eq!((session.channel, session.request), (Some(ChannelOpen::Confirmed), Request::Nothing));
    assert_eq!(session.exit_status, None);
}

#[tokio::test]
async fn without_leave_to_log_in_nothing_is_signed() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys = keys(&server, 1);
    authorize(&server, &keys[0].1);
    let path = server.folder.path().join("id_0");
    let limits = Limits { login: false, ..Limits::default() };
    let (facts, session) = logged_in(&server, &keys[0].0, &path, limits).await;
    assert_eq!(answers(&facts), [(0, Some(true))]);
    assert_eq!((facts.signatures, session.channel), (Vec::new(), None));
    // The server said yes to all that it was asked.
    assert!(matches!(facts.canary, Some(Answer::Failure { .. })));
}

#[tokio::test]
async fn partial_success_is_noted_and_ends_the_login() {
    let server = Server::sshd(&["ed25519"], &["AuthenticationMethods publickey,password"]);
    let keys = keys(&server, 1);
    authorize(&server, &keys[0].1);
    let path = server.folder.path().join("id_0");
    let (facts, session) = logged_in(&server, &keys[0].0, &path, Limits::default()).await;
    let Signed::Answered(Answer::Failure { methods, partial: true }) = &facts.signatures[0].outcome else {
        panic!("{:?}", facts.signatures);
    };
    assert_eq!(methods, &["password"]);
    assert_eq!(session.channel, None);
}

#[tokio::test]
async fn an_agents_key_logs_in_on_a_connection_that_is_bound_to_the_session() {
    let server = Server::sshd(&["ed25519"], &[]);
    let keys = keys(&server, 2);
    authorize(&server, &keys[1].1);
    let agent = testing::Agent::new();
    for name in ["id_0", "id_1"] {
        agent.add(&[server.folder.path().join(name).as_os_str()]);
    }
    let mut plan = plan(&[keys[0].0.clone(), keys[1].0.clone()]);
    for candidate in &mut plan.candidates {
        candidate.signer = Some(Signing::Agent(candidate.key.clone()));
    }
    let (facts, session) = with_plan(&server, &plan, Some(agent.socket())).await;
    assert!(facts.succeeded(), "{facts:?}");
    assert_eq!(facts.signatures.len(), 1);
    assert_eq!(session.exit_status, Some(0));
}
