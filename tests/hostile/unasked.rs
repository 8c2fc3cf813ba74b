//! Servers that let in unasked: SSH_MSG_USERAUTH_SUCCESS where nothing was signed, and banners without end. A login that
//! opens no session is no login that works.

use super::client::{Client, Seen};
use super::encrypted::{Encrypted, serve_encrypted};
use super::hygiene::HOSTILE;
use super::server::string;

const SERVICE_REQUEST: u8 = 5;
const SERVICE_ACCEPT: u8 = 6;
const USERAUTH_REQUEST: u8 = 50;
const USERAUTH_FAILURE: u8 = 51;
const USERAUTH_SUCCESS: u8 = 52;
const USERAUTH_BANNER: u8 = 53;
const REQUEST_FAILURE: u8 = 82;
const GLOBAL_REQUEST: u8 = 80;
const CHANNEL_OPEN: u8 = 90;
const CHANNEL_OPEN_CONFIRMATION: u8 = 91;
const CHANNEL_EOF: u8 = 96;
const CHANNEL_CLOSE: u8 = 97;
const CHANNEL_REQUEST: u8 = 98;
const CHANNEL_SUCCESS: u8 = 99;

/// When SUCCESS comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    /// Before the client has asked for anything.
    AtOnce,
    /// Together with the answer to the service request, before any request of userauth is answered.
    WithTheService,
    /// In the place of an answer to the query about a key.
    ToTheQuery,
}

/// What comes after it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    /// A session as anywhere.
    Session,
    /// The connection ends at the request for a session.
    Close,
    /// Nothing.
    Silence,
    /// Every request is answered by FAILURE, as if nobody had been let in.
    Failure,
}

fn let_in(when: When, then: Then) -> Seen {
    let client = Client::new();
    let port = serve_encrypted(&client, move |server| unasked(server, when, then));
    client.scene(port).examine()
}

fn unasked(server: &mut Encrypted<'_>, when: When, then: Then) {
    let failure = [&[USERAUTH_FAILURE][..], &string(b"publickey"), &[0]].concat();
    let mut inside = when == When::AtOnce && server.send(&[USERAUTH_SUCCESS]);
    while let Some(request) = server.receive() {
        match request.first() {
            Some(&SERVICE_REQUEST) => {
                server.send(&[&[SERVICE_ACCEPT][..], &string(b"ssh-userauth")].concat());
                if when == When::WithTheService {
                    inside = server.send(&[USERAUTH_SUCCESS]);
                }
            }
            Some(&USERAUTH_REQUEST) if inside && then == Then::Silence => {}
            Some(&USERAUTH_REQUEST) if inside && then != Then::Failure => {}
            Some(&USERAUTH_REQUEST) => {
                let query = request.windows(9).any(|window| window == b"publickey");
                if when == When::ToTheQuery && query && !inside {
                    inside = server.send(&[USERAUTH_SUCCESS]);
                } else {
                    server.send(&failure);
                }
            }
            Some(&GLOBAL_REQUEST) => drop(server.send(&[REQUEST_FAILURE])),
            _ if then == Then::Close => return,
            _ if then == Then::Failure => drop(server.send(&failure)),
            Some(&number) if then == Then::Session => session(server, number, &request),
            _ => {}
        }
    }
}

/// A session that runs everything, to good success.
fn session(server: &mut Encrypted<'_>, number: u8, request: &[u8]) {
    let theirs = request.get(5 + "session".len()..9 + "session".len()).unwrap_or(&[0; 4]);
    let (zero, window) = ([0; 4], 0x0010_0000_u32.to_be_bytes());
    match number {
        CHANNEL_OPEN => {
            server.send(&[&[CHANNEL_OPEN_CONFIRMATION][..], theirs, &zero, &window, &[0, 0, 0x80, 0]].concat());
        }
        CHANNEL_REQUEST if request.windows(4).any(|window| window == b"exec") => {
            server.send(&[&[CHANNEL_SUCCESS][..], &zero].concat());
            let status = [&[CHANNEL_REQUEST][..], &zero, &string(b"exit-status"), &[0], &zero].concat();
            server.send(&status);
            server.send(&[&[CHANNEL_EOF][..], &zero].concat());
            server.send(&[&[CHANNEL_CLOSE][..], &zero].concat());
        }
        CHANNEL_REQUEST => drop(server.send(&[&[CHANNEL_SUCCESS][..], &zero].concat())),
        _ => {}
    }
}

/// Neither that it works nor that this client is at fault is proven where no session came of it.
fn assert_modest(seen: &Seen, what: &str) {
    println!("{what}: {} {}", seen.cause(), seen.report["verdict"]["summary"]);
    seen.assert_no_cause(&["access-works", "nothing-found", "no-key-accepted", "too-many-keys", "no-identities"]);
    seen.assert_no_cause(&["key-pair-mismatch", "signature-rejected", "accepted-key-not-offered"]);
}

#[test]
fn success_before_any_request_is_no_login() {
    for then in [Then::Close, Then::Silence, Then::Failure] {
        assert_modest(&let_in(When::AtOnce, then), &format!("at once, then {then:?}"));
    }
}

#[test]
fn success_before_any_request_of_userauth_is_no_login_that_works() {
    for then in [Then::Close, Then::Silence, Then::Failure] {
        assert_modest(&let_in(When::WithTheService, then), &format!("with the service, then {then:?}"));
    }
}

#[test]
fn success_in_the_place_of_an_answer_to_a_query_is_no_login_that_works() {
    for then in [Then::Close, Then::Silence, Then::Failure] {
        assert_modest(&let_in(When::ToTheQuery, then), &format!("to the query, then {then:?}"));
    }
}

#[test]
fn success_in_the_place_of_an_answer_is_a_login_where_a_session_opens() {
    // ssh takes it for what it says (sshconnect2.c input_userauth_success).
    for when in [When::WithTheService, When::ToTheQuery] {
        let seen = let_in(when, Then::Session);
        println!("{when:?}: {}", seen.report["verdict"]);
        seen.assert_cause(&["access-works"]);
    }
}

#[test]
fn banners_without_end_end_in_time() {
    let client = Client::new();
    let port = serve_encrypted(&client, |server| {
        let banner = [&[USERAUTH_BANNER][..], &string(&HOSTILE.repeat(20)), &string(b"en")].concat();
        server.receive();
        server.send(&[&[SERVICE_ACCEPT][..], &string(b"ssh-userauth")].concat());
        while server.send(&banner) {}
    });
    let seen = client.scene(port).examine();
    println!("{}", seen.report["verdict"]);
    seen.assert_cause(&["undetermined", "protocol-error", "server-disconnected", "connection-dropped"]);
    seen.assert_unproven();
}

#[test]
fn a_session_that_the_time_limit_cuts_off_was_not_closed_by_the_server() {
    for limit_seconds in [1, 3] {
        let client = Client::new();
        let port = serve_encrypted(&client, |server| unasked(server, When::ToTheQuery, Then::Silence));
        let mut scene = client.scene(port);
        scene.limit_seconds = limit_seconds;
        let seen = scene.examine();
        println!("{}", seen.report["verdict"]["summary"]);
        seen.assert_cause(&["undetermined"]);
    }
}
