//! Transcripts as ssh prints them, and what is read in them.

use super::*;

fn read(text: &str) -> Transcript {
    let mut seen = Transcript::default();
    // In odd pieces, as a pipe may give them.
    for piece in text.replace('\n', "\r\n").as_bytes().chunks(7) {
        seen.feed(piece);
    }
    seen
}

const REFUSED_THEN_IN: &str = r#"OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026
debug1: Connecting to web1 [192.0.2.7] port 22.
debug1: Connection established.
debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2
debug1: kex: algorithm: sntrup761x25519-sha512@openssh.com
debug1: kex: host key algorithm: ssh-ed25519
debug1: kex: server->client cipher: aes128-ctr MAC: umac-64@openssh.com compression: none
debug1: kex: client->server cipher: aes128-ctr MAC: umac-64@openssh.com compression: none
debug1: Server host key: ssh-ed25519 SHA256:Ku
debug1: Found key in /home/a/.ssh/known_hosts:1
debug1: SSH2_MSG_NEWKEYS received
debug1: Will attempt key: /lib/token.so ECDSA SHA256:Tp token
debug1: Will attempt key: /home/a/my key ED25519 SHA256:7P explicit
debug1: kex_input_ext_info: server-sig-algs=<ssh-ed25519,rsa-sha2-512>
debug1: SSH2_MSG_SERVICE_ACCEPT received
debug3: send packet: type 50
debug3: receive packet: type 51
debug1: Authentications that can continue: publickey,password
debug1: Next authentication method: publickey
debug1: Offering public key: /lib/token.so ECDSA SHA256:Tp token
debug3: send packet: type 50
debug3: receive packet: type 51
debug1: Authentications that can continue: publickey,password
debug1: Offering public key: /home/a/my key ED25519 SHA256:7P explicit
debug3: send packet: type 50
debug3: receive packet: type 60
debug1: Server accepts key: /home/a/my key ED25519 SHA256:7P explicit
debug3: sign_and_send_pubkey: signing using ssh-ed25519 SHA256:7P
debug3: send packet: type 50
debug3: receive packet: type 52
Authenticated to web1 ([192.0.2.7]:22) using "publickey".
debug1: Entering interactive session.
debug1: Remote: /home/deploy/.ssh/authorized_keys:1: key options: pty
debug2: channel 0: open confirm rwindow 0 rmax 32768
debug1: Sending command: true
debug2: exec request accepted on channel 0
debug1: Exit status 0
"#;

#[test]
fn a_login_is_read_from_end_to_end() {
    let seen = read(REFUSED_THEN_IN);
    assert_eq!(seen.identification, Some("SSH-2.0-OpenSSH_9.2p1 Debian-2".into()));
    let agreed = (seen.agreed.kex.as_str(), seen.agreed.cipher.as_str(), seen.agreed.mac.as_str());
    assert_eq!(agreed, ("sntrup761x25519-sha512@openssh.com", "aes128-ctr", "umac-64@openssh.com"));
    assert_eq!(seen.host_key, Some(("ssh-ed25519".to_owned(), "SHA256:Ku".into())));
    let methods = vec!["publickey".to_owned(), "password".to_owned()];
    let refused = Answer::Failure { methods, partial: false };
    assert_eq!(seen.none, Some(refused.clone()));
    let answers: Vec<_> = seen.queries.iter().map(|(named, answer)| (named.name.to_string(), answer.clone())).collect();
    let expected = [("/lib/token.so".to_owned(), Some(refused)), ("/home/a/my key".to_owned(), Some(Answer::PkOk))];
    assert_eq!(answers, expected);
    assert!(seen.attempted[0].token && !seen.attempted[1].token);
    assert_eq!(seen.attempts.len(), 1);
    assert_eq!((seen.attempts[0].query, seen.attempts[0].sent.clone()), (Some(1), Ok(())));
    assert_eq!(seen.attempts[0].answer, Some(Answer::Success));
    assert_eq!(seen.admitted_by.as_deref(), Some("publickey"));
    assert_eq!((seen.requests, seen.failures), (4, 1));
    assert_eq!((seen.granted, seen.exit_status), (Some(true), Some(0)));
    assert_eq!(seen.said, ["Authenticated to web1 ([192.0.2.7]:22) using \"publickey\"."]);
    assert!(seen.unknown == 0 && seen.lines > 30);
}

#[test]
fn what_was_not_signed_has_its_reason() {
    let begun = "debug1: SSH2_MSG_SERVICE_ACCEPT received\ndebug1: Offering public key: k ED25519 SHA256:7P agent\n\
                 debug3: receive packet: type 60\ndebug3: sign_and_send_pubkey: signing using ssh-ed25519 SHA256:7P\n";
    let agent = "sign_and_send_pubkey: signing failed for ED25519 \"k\" from agent: agent refused operation\n";
    assert_eq!(read(&format!("{begun}{agent}")).attempts[0].sent, Err(Unsigned::Agent));
    let pin = "debug1: pkcs11_login_slot: no pin specified\nsign_and_send_pubkey: signing failed for ECDSA \"p\": error in libcrypto\n";
    assert_eq!(read(&format!("{begun}{pin}")).attempts[0].sent, Err(Unsigned::Pin));
    assert_eq!(read(begun).attempts[0].sent, Err(Unsigned::Silently));
}

#[test]
fn partial_success_belongs_to_the_signature() {
    let text = "debug1: SSH2_MSG_SERVICE_ACCEPT received\ndebug1: Authentications that can continue: publickey\n\
                debug1: Offering public key: k ED25519 SHA256:7P\ndebug3: receive packet: type 60\n\
                debug3: sign_and_send_pubkey: signing using ssh-ed25519 SHA256:7P\ndebug3: send packet: type 50\n\
                Authenticated using \"publickey\" with partial success.\n\
                debug1: Authentications that can continue: password\n";
    let seen = read(text);
    let partial = Answer::Failure { methods: vec!["password".to_owned()], partial: true };
    assert_eq!(seen.attempts[0].answer, Some(partial));
    assert_eq!(seen.failures, 0);
}

#[test]
fn ends_have_their_reasons() {
    let words = read("Received disconnect from 192.0.2.7 port 22:2: Too many authentication failures\n").end;
    assert_eq!(words, Some(End::Disconnect { code: 2, text: "Too many authentication failures".into() }));
    assert_eq!(read("Connection closed by 192.0.2.7 port 22\n").end, Some(End::Closed));
    let failed = read("KnownHostsCommand-ORDER /bin/false failed, status 1\nKnownHostsCommand failed\n");
    assert_eq!(failed.command_failed.len(), 2);
}

#[test]
fn garbage_is_counted_and_bounded() {
    let mut seen = Transcript::default();
    seen.feed(&vec![b'x'; 1 << 20]);
    seen.feed(b"\n\xff\xfe\x00\n");
    seen.feed("debug1: Remote: x\n".repeat(5000).as_bytes());
    seen.feed("Offering public key: \nWill attempt key: a\nExit status x\n".as_bytes());
    assert_eq!((seen.lines, seen.debug.len()), (5005, MOST));
    assert!(seen.said.iter().all(|line| line.as_bytes().len() <= 4 * LONGEST_SAID));
    assert_eq!(seen.exit_status, None);
}
