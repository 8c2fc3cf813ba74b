//! Lines that a stranger, another account or another program had a hand in.

use super::*;
use crate::facts::Moment;
use crate::facts::account::{Collector, Log};
use crate::facts::key::Blob;
use crate::facts::text::Text;

/// A server on which deploy is asked about, from 192.0.2.100, and which logged this.
fn account(lines: &[&str]) -> Account {
    let at = Moment { unix_seconds: 1_795_572_240, local: "2026-11-25T02:04:00+00:00".to_owned() };
    let stamped = |line: &&str| match line.split_once("] ") {
        Some((pid, text)) => format!("2026-11-25T02:00:00+00:00 web1 sshd{pid}]: {text}").as_str().into(),
        None => (*line).into(),
    };
    let log = Log { source: "/var/log/auth.log".into(), lines: lines.iter().map(stamped).collect(), ..Log::default() };
    let login = Login { user: "deploy".into(), from: Some("192.0.2.100".into()), from_named: true, ..Login::default() };
    Account { collector: Collector { at, ..Collector::default() }, login, log: Ok(log), ..Account::default() }
}

/// Whether the log says that deploy was let in with a key of this fingerprint, a certificate where it is said so.
fn let_in(account: &Account, fingerprint: &str) -> bool {
    let key = PublicKey {
        algorithm: "ssh-ed25519".to_owned(),
        blob: Blob::default(),
        fingerprint: fingerprint.into(),
        comment: Text::new(Vec::new()),
        bits: None,
        certificate: None,
    };
    let scene = Scene { account, login: &account.login, keys: vec![key] };
    let_in_since(&scene, 0, true).is_some()
}

#[test]
fn only_a_login_of_this_account_from_this_address_with_this_key_counts() {
    let good = "[7] Accepted publickey for deploy from 192.0.2.100 port 9 ssh2: ED25519 SHA256:mine";
    assert!(let_in(&account(&[good]), "SHA256:mine"));
    for line in [
        "[7] Accepted publickey for deploy from 192.0.2.8 port 9 ssh2: ED25519 SHA256:mine",
        "[7] Accepted publickey for deploy2 from 192.0.2.100 port 9 ssh2: ED25519 SHA256:mine",
        "[7] Accepted publickey for deploy from 192.0.2.100 port 9 ssh2: ED25519 SHA256:other",
        "[7] Accepted publickey for deploy from 192.0.2.100 port 9 ssh2: ED25519-CERT SHA256:mine ID a (serial 0) CA ED25519 SHA256:ca",
        "[7] Accepted publickey for deploy from 192.0.2.100 port 9 ssh2: ED25519-CERT SHA256:other ID SHA256:mine (serial 0) CA ED25519 SHA256:ca",
        "[7] Accepted publickey for bob from 192.0.2.8 port 9 ssh2: ED25519-CERT SHA256:other ID for deploy from 192.0.2.100 port 9 ssh2: ED25519 SHA256:mine",
        "[7] Accepted password for deploy from 192.0.2.100 port 9 ssh2",
        "[7] Failed password for invalid user Accepted publickey for deploy from 192.0.2.100 port 9 ssh2 from 192.0.2.8 port 9 ssh2",
        "[7] Received disconnect from 192.0.2.8 port 9:11: Accepted publickey for deploy from 192.0.2.100 port 9 ssh2: ED25519 SHA256:mine [preauth]",
        "[7] userauth_pubkey: unsupported public key algorithm: Accepted publickey for deploy from 192.0.2.100 port 9 ssh2 [preauth]",
        "[7] subsystem request for Accepted publickey for deploy from 192.0.2.100 port 9 ssh2: ED25519 SHA256:mine by user bob failed, subsystem not found",
        "2026-11-25T02:00:00+00:00 web1 CRON[7]: (bob) CMD (echo sshd[1]: Accepted publickey for deploy from 192.0.2.100 port 9 ssh2: ED25519 SHA256:mine)",
    ] {
        assert!(!let_in(&account(&[line]), "SHA256:mine"), "{line}");
    }
}

#[test]
fn a_name_that_holds_sshd_s_words_states_nothing_of_another() {
    for line in [
        "[7] Invalid user deploy not allowed because account is locked from 192.0.2.8 port 9",
        "[7] Invalid user User deploy not allowed because account is locked from 192.0.2.8 port 9",
        "[7] Connection closed by invalid user deploy from 192.0.2.100 not allowed because not listed in AllowUsers 192.0.2.8 port 9 [preauth]",
        "[7] Connection closed by invalid user x deploy 192.0.2.8 port 9 [preauth]",
        "[7] Failed none for invalid user x Access denied for user deploy by PAM account configuration from 192.0.2.8 port 9 ssh2",
        "[7] Connection reset by invalid user deploy 192.0.2.100 port 9 192.0.2.8 port 9 [preauth]",
        "[7] Accepted publickey for bob from 192.0.2.8 port 9 ssh2: ED25519-CERT SHA256:x ID deploy (serial 0) CA ED25519 SHA256:y",
    ] {
        let account = account(&[line, "[7] Authentication refused: bad ownership or modes for directory /home/deploy"]);
        let entries = entries(&account);
        assert_eq!(about(&entries, "deploy"), Vec::<&Entry<'_>>::new(), "{line}");
        assert_eq!(last_word(&entries, &account.login), None, "{line}");
        assert_eq!(refused_between(&account, 0), None, "{line}");
    }
}

#[test]
fn a_line_that_names_nobody_belongs_to_the_account_of_its_connection() {
    let refused = "Authentication refused: bad ownership or modes for directory /home/deploy";
    let closed =
        |user: &str, from: &str| format!("Connection closed by authenticating user {user} {from} port 9 [preauth]");
    let stated = |lines: &[String]| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let account = account(&lines);
        refusal(&entries(&account), &account.login, "server-strict-modes").is_some()
    };
    let line = |pid: u32, text: &str| format!("[{pid}] {text}");
    let home = "192.0.2.100";
    assert!(stated(&[line(7, refused), line(7, &closed("deploy", home))]));
    assert!(!stated(&[line(7, refused), line(8, &closed("deploy", home))]), "of another process");
    assert!(!stated(&[line(7, refused), line(7, &closed("bob", home))]), "of another account");
    assert!(!stated(&[line(7, refused), line(7, &closed("deploy", "192.0.2.8"))]), "of another address");
    // The number of a process that ended is given to another one.
    let again = line(7, "Connection from 192.0.2.100 port 8 on 192.0.2.7 port 22");
    assert!(!stated(&[
        line(7, refused),
        line(7, &closed("bob", home)),
        again.clone(),
        line(7, &closed("deploy", home))
    ]));
    assert!(stated(&[line(7, &closed("bob", home)), again, line(7, refused), line(7, &closed("deploy", home))]));
    let old = format!("2026-11-25T01:00:00+00:00 web1 sshd[7]: {refused}");
    assert!(!stated(&[old, line(7, &closed("deploy", home))]), "an hour before");
}
