//! Redaction of every fixture: the same verdict, and none of the names. `CASES=FOLDER` names further saved cases.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read is a failure")]

use std::fs;
use std::path::{Path, PathBuf};

use sshdoctor::collect::{case, log};
use sshdoctor::diagnose::diagnose;
use sshdoctor::facts::{Facts, Origin, Unobserved};
use sshdoctor::redact::Redactor;
use sshdoctor::render::{self, Style};
use sshdoctor::report::report;

#[path = "support/secrets.rs"]
mod secrets;

/// The cases of all fixtures.
fn cases() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    folders.extend(std::env::var_os("CASES").map(PathBuf::from));
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "json") && !is_report(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_report(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".report.json")
}

#[test]
fn a_redacted_case_has_the_verdict_of_the_original_and_none_of_its_names() {
    let mut wrong = Vec::new();
    let mut cases = cases();
    if let Some(part) = std::env::var_os("CASE") {
        cases.retain(|path| path.to_string_lossy().contains(&*part.to_string_lossy()));
    }
    for path in &cases {
        let name = path.to_string_lossy();
        let Ok(facts) = case::from_json(&fs::read_to_string(path).unwrap()) else { continue };
        let mut redactor = Redactor::default();
        let redacted = match redactor.facts(&facts) {
            Ok(redacted) => redacted,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let (before, after) = (diagnose(&facts), diagnose(&redacted));
        let of = |verdict: &sshdoctor::diagnose::Verdict| {
            let also: Vec<&str> = verdict.also.iter().map(|next| next.cause.id).collect();
            let hop = verdict.hop.as_ref().map(|(_, hop)| hop.first.cause.id);
            format!("{} {:?} {also:?} {hop:?}", verdict.first.cause.id, verdict.first.finding.certainty)
        };
        if of(&before) != of(&after) {
            wrong.push(format!("{name}: {} became {}", of(&before), of(&after)));
        }
        let report = report(&redacted, &after);
        let style = Style { color: false, width: 80, verbose: true };
        let outputs = [
            ("text", render::text(&report, &style)),
            ("markdown", render::markdown(&report)),
            ("json", render::json(&report)),
            ("case", case::to_json(&redacted).unwrap()),
        ];
        let secrets = secrets::secrets(&serde_json::to_value(&facts).unwrap());
        for (format, output) in &outputs {
            if let Some(leak) = redactor.leak(output) {
                wrong.push(format!("{name}: {format}: {leak:?}"));
            }
            for secret in secrets.iter().filter(|secret| secrets::has(output, secret)) {
                wrong.push(format!("{name}: {format}: {secret}"));
            }
        }
        let again = Redactor::default().facts(&redacted).unwrap();
        assert_eq!(again, redacted, "{name}");
    }
    assert!(wrong.is_empty(), "{} of {} cases: {}\n{}", wrong.len(), cases.len(), "", wrong.join("\n"));
}

/// What other programs print, with names of people and machines in it, and what nobody is to see of them.
const OTHERS: &[(&str, &[&str])] = &[
    (
        "2026-11-30 12:00:00\tLooking up host \"zebulon.example.org\" for SSH connection\n2026-11-30 12:00:00\tConnecting to \
         198.51.100.77 port 2222\n2026-11-30 12:00:00\tRemote version: SSH-2.0-OpenSSH_9.2p1 Debian-2\n2026-11-30 \
         12:00:01\tUsing username \"quintilla\".\n2026-11-30 12:00:01\tPageant has 2 SSH-2 keys\n2026-11-30 12:00:01\tTrying \
         Pageant key #0\n2026-11-30 12:00:01\tServer refused our key\n2026-11-30 12:00:01\tDisconnected: No supported \
         authentication methods available (server sent: publickey)\n",
        &["zebulon", "quintilla", "198.51.100.77"],
    ),
    ("Using username \"quintilla\".\nServer refused public-key signature despite accepting key!\n", &["quintilla"]),
    ("Unable to use key file \"C:\\Users\\quintilla\\k.ppk\" (OpenSSH SSH-2 private key)\n", &["quintilla"]),
    (
        "dbclient: Connection to quintilla@zebulon:2222 exited: No auth methods could be used.\n",
        &["quintilla", "zebulon"],
    ),
    (
        "dbclient: Connection to quintilla@zebulon:22 exited: Connect failed: Connection refused\n",
        &["quintilla", "zebulon"],
    ),
    ("dial tcp 198.51.100.77:22: connect: connection refused\n", &["198.51.100.77"]),
    ("dial tcp: lookup zebulon.example.org on 192.0.2.53:53: no such host\n", &["zebulon", "192.0.2.53"]),
    (
        "SSH authentication failed (quintilla@zebulon.example.org:22): ssh: handshake failed: ssh: unable to authenticate, \
         attempted methods [none publickey], no supported methods remain\n",
        &["quintilla", "zebulon"],
    ),
    (
        "Nov 28 10:14:02 h sshd[7]: Connection closed by invalid user quintilla 192.0.2.1 port 9 [preauth]\n",
        &["quintilla", "192.0.2.1"],
    ),
    (
        "Nov 28 10:14:02 h sshd[7]: AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys quintilla \
         SHA256:x failed, status 22\nNov 28 10:14:03 h sshd[7]: Connection closed by authenticating user quintilla 192.0.2.9 \
         port 9 [preauth]\n",
        &["quintilla"],
    ),
    // An account and hosts that are called as words and accounts are that stay.
    (
        "Nov 28 10:13:50 mail sshd[1201]: Invalid user quintilla from 198.51.100.77 port 40022\nNov 28 10:14:02 mail sshd[1202]: \
         User grant from 192.0.2.9 not allowed because not listed in AllowUsers\n",
        &["grant", "quintilla", "198.51.100.77"],
    ),
    ("May  3 08:12:11 alpine auth.info sshd[88]: User git not allowed because account is locked\n", &["alpine"]),
    (
        "Jan  1 00:10:11 OpenWrt authpriv.warn dropbear[14]: Login attempt for nonexistent user from 192.0.2.9:50022\n",
        &["openwrt"],
    ),
    (
        "Nov 28 11:00:06 srv sshd[991]: Accepted publickey for quintilla from 192.0.2.9 port 50010 ssh2: RSA SHA256:x\nNov 28 \
         11:00:06 srv sshd[991]: fatal: bad ownership or modes for chroot directory component \"/srv/quintilla/\"\n",
        &["quintilla"],
    ),
    (
        "com.jcraft.jsch.JSchException: UnknownHostKey: zebulon.example.org. RSA key fingerprint is 12:34\n",
        &["zebulon"],
    ),
    ("paramiko.ssh_exception.PasswordRequiredException: Private key file is encrypted\n", &[]),
    ("FATAL ERROR: Network error: Connection to \"zebulon\" refused.\n", &["zebulon"]),
    ("Couldn't agree a key exchange algorithm (available: diffie-hellman-group1-sha1)\n", &[]),
    ("f: /home/quintilla/.ssh/authorized_keys\ndrwxrwxr-x quintilla users quintilla\n", &["quintilla"]),
    ("allowusers quintilla\npubkeyauthentication no\n", &["quintilla"]),
    (
        "$ ssh -p 2222 -i ~/.ssh/zebulon.pem quintilla@wetterhorn\nssh: connect to host wetterhorn port 2222: Connection refused\n",
        &["quintilla", "zebulon", "wetterhorn"],
    ),
];

#[test]
fn other_programs_words_mean_the_same_without_their_names() {
    for (text, names) in OTHERS {
        let facts = log::read_from("ticket.txt", &mut text.as_bytes(), &log::Choice::default()).unwrap();
        let mut redactor = Redactor::default();
        let redacted = redactor.facts(&facts).unwrap();
        let of = |facts: &Facts| {
            let verdict = diagnose(facts);
            let others: Vec<&str> = verdict.first.finding.alternatives.iter().map(|other| other.cause).collect();
            format!("{} {:?} {others:?}", verdict.first.cause.id, verdict.first.finding.certainty)
        };
        assert_eq!(of(&redacted), of(&facts), "{text}");
        let report = report(&redacted, &diagnose(&redacted));
        let style = Style { color: false, width: 80, verbose: true };
        for output in [render::text(&report, &style), render::markdown(&report), render::json(&report)] {
            assert_eq!(redactor.leak(&output).map(|leak| format!("{leak:?}")), None, "{text}");
            for name in *names {
                assert!(!output.to_lowercase().contains(name), "{name}: {output}");
            }
        }
    }
}

/// Both halves of an incident, each as its side would have saved it.
fn halves() -> (Facts, Facts) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/incidents/admin-first-incident/facts.json");
    let joined = case::from_json(&fs::read_to_string(path).unwrap()).unwrap();
    let server = Facts { origin: Origin::Server, account: joined.account.clone(), ..Facts::default() };
    let client = Facts { origin: Origin::Live, account: Err(Unobserved::NotInThisSource), over: None, ..joined };
    (client, server)
}

fn joined(client: &Facts, server: &Facts) -> Result<Facts, String> {
    let folder = tempfile::tempdir().unwrap();
    let files = [("client.json", client), ("server.json", server)].map(|(name, facts)| {
        let path = folder.path().join(name);
        fs::write(&path, case::to_json(facts).unwrap()).unwrap();
        path.into_os_string()
    });
    case::read(&files).map_err(|error| format!("{error:#}"))
}

#[test]
fn halves_that_were_redacted_apart_are_joined_by_their_keys() {
    let (client, server) = halves();
    let of = |facts: &Facts| {
        let verdict = diagnose(facts);
        (verdict.first.cause.id, verdict.first.finding.certainty)
    };
    let plain = of(&joined(&client, &server).unwrap());
    let hidden = |facts: &Facts| Redactor::default().facts(facts).unwrap();
    let (hidden_client, hidden_server) = (hidden(&client), hidden(&server));
    // Whether the log speaks of this client's address cannot be told: the group stands, and names the member first.
    let apart = diagnose(&joined(&hidden_client, &hidden_server).unwrap());
    assert_eq!((apart.first.cause.id, plain.0), ("no-key-accepted", "server-user-not-allowed"));
    assert_eq!(apart.first.finding.alternatives[0].cause, plain.0);
    // One map, one name for each.
    let mut redactor = Redactor::of_map("0123456789abcdef", &std::collections::BTreeMap::new());
    let both = (redactor.facts(&client).unwrap(), redactor.facts(&server).unwrap());
    assert_eq!(of(&joined(&both.0, &both.1).unwrap()), plain);
    let refused = |client: &Facts, server: &Facts| joined(client, server).unwrap_err();
    assert!(refused(&hidden_client, &server).contains("one is redacted and the other is not"));
    let mut unlogged = server.clone();
    unlogged.account.as_mut().unwrap().log = Err(Unobserved::NotPermitted);
    unlogged.account.as_mut().unwrap().collector.key = None;
    assert!(refused(&hidden_client, &hidden(&unlogged)).contains("no key shows that they are about one account"));
    let mut unmet = client.clone();
    unmet.host_key.offered = Err(Unobserved::NotAttempted);
    assert!(refused(&hidden(&unmet), &hidden_server).contains("no host key shows that they are of one machine"));
}

#[test]
fn what_came_through_is_found_and_what_only_looks_like_it_is_not() {
    let (client, _) = halves();
    let mut redactor = Redactor::default();
    let facts = redactor.facts(&client).unwrap();
    let host = client.target.as_ref().unwrap().host.to_string();
    let label = host.split('.').next().unwrap();
    for leaks in
        [host.clone(), format!("on {label}."), format!("{{\"a\": \"x\\n{label}\"}}"), format!("/srv/{label}/x")]
    {
        assert!(redactor.leak(&leaks).is_some(), "{leaks}");
    }
    let home = client.run.home.to_string();
    assert!(!redactor.line(&format!("debug1: identity file {home}/.ssh/id_rsa type -1")).contains(&home));
    for none in [format!("{label}x"), format!("x{label}"), "the host key".to_owned(), case::to_json(&facts).unwrap()] {
        assert!(redactor.leak(&none).is_none(), "{none}");
    }
}
