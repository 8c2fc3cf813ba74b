//! Logs and times, and what is said of them.

use super::*;
use crate::facts::account::{Account, Collector, KeysFile, Log, Login, NodeStat, Passwd, PathNode, TextFile};
use crate::facts::{Moment, Target};

const NOON: i64 = 1_795_608_000;
const FILE: &str = "/home/deploy/.ssh/authorized_keys";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS";
const WORKED: &str = "12:58:04 7 Accepted publickey for deploy from 192.0.2.100 port 1 ssh2: ED25519 SHA256:x";
const REFUSED: &str = "13:05:41 8 Failed publickey for deploy from 192.0.2.100 port 2 ssh2: ED25519 SHA256:x";
const CLOSED: &str = "13:05:41 8 Connection closed by authenticating user deploy 192.0.2.100 port 2 [preauth]";

/// `13:05:41` of that day, an hour east of Greenwich.
fn at(clock: &str) -> i64 {
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    NOON - 13 * 3600 + parts[0] * 3600 + parts[1] * 60 + parts[2]
}

/// What `stat` says: a mode, when its contents were written and when it was changed.
fn stat(mode: u32, modified: &str, changed: &str) -> NodeStat {
    NodeStat { mode, modified: at(modified), changed: at(changed), ..NodeStat::default() }
}

/// A server on which nothing changed since midnight, with these lines (`13:05:41 PID words`) in its log.
fn server(lines: &[&str]) -> Account {
    let old = |path: &str, mode| PathNode {
        path: path.into(),
        stat: Some(stat(mode, "00:00:01", "00:00:01")),
        ..PathNode::default()
    };
    let line = |line: &&str| {
        let (clock, rest) = line.split_once(' ').unwrap();
        let (pid, words) = rest.split_once(' ').unwrap();
        format!("2026-11-25T{clock}.25+01:00 web1 sshd[{pid}]: {words}").as_str().into()
    };
    let folders = ["/", "/home", "/home/deploy", "/home/deploy/.ssh"];
    let files = [FILE, "/etc/passwd"];
    let folders = folders.iter().map(|path| old(path, 0o040_755));
    Account {
        collector: Collector {
            at: Moment { unix_seconds: at("14:00:00"), local: "2026-11-25T14:00:00+01:00".to_owned() },
            ..Collector::default()
        },
        login: Login {
            user: "deploy".into(),
            from: Some("192.0.2.100".into()),
            from_named: true,
            passwd: Ok(Some(Passwd { home: "/home/deploy".into(), ..Passwd::default() })),
            keys_files: vec![KeysFile { path: FILE.into(), ..KeysFile::default() }],
            ..Login::default()
        },
        paths: folders.chain(files.iter().map(|path| old(path, 0o100_600))).collect(),
        log: Ok(Log {
            source: "/var/log/auth.log".into(),
            lines: lines.iter().map(line).collect(),
            cut: false,
            alone: false,
        }),
        ..Account::default()
    }
}

/// What is said of it.
fn said_of(account: &Account) -> Option<String> {
    let target = Target { user: "deploy".into(), ..Target::default() };
    line(&Facts { account: Ok(Box::new(account.clone())), target: Ok(target), ..Facts::default() })
}

/// The same with this changed.
fn with(lines: &[&str], path: &str, changed: NodeStat) -> String {
    let mut account = server(lines);
    account.paths.retain(|node| node.path.as_bytes() != path.as_bytes());
    account.paths.push(PathNode { path: path.into(), stat: Some(changed), ..PathNode::default() });
    said_of(&account).unwrap_or_default()
}

#[test]
fn a_login_that_works_has_no_window() {
    let before = "12:00:00 6 Connection closed by authenticating user deploy 192.0.2.100 port 2 [preauth]";
    for lines in [&[][..], &[WORKED], &[before], &[before, WORKED]] {
        assert_eq!(said_of(&server(lines)), None, "{lines:?}");
    }
}

#[test]
fn a_log_whose_end_was_not_read_has_no_window() {
    let mut account = server(&[WORKED, REFUSED]);
    account.log.as_mut().unwrap().cut = true;
    assert_eq!(said_of(&account), None);
}

#[test]
fn what_changed_in_the_window_is_named_and_nothing_else() {
    let ends = "worked until 12:58:04, refused since 13:05:41 (UTC+01:00); ";
    let nothing = format!("{ends}nothing that was looked at changed between");
    let rows = [
        ("/home/deploy", stat(0o040_777, "00:00:01", "13:05:40"), "changed between: /home/deploy (13:05:40)"),
        (FILE, stat(0o100_600, "13:05:41", "13:05:41"), &format!("changed between: {FILE} (written 13:05:41)")),
        (FILE, stat(0o100_600, "00:00:01", "12:58:04"), &format!("changed between: {FILE} (12:58:04)")),
        (FILE, stat(0o100_600, "12:58:03", "12:58:03"), &nothing),
        (FILE, stat(0o100_600, "13:05:42", "13:05:42"), &nothing),
        // A name came to the home or went, and nothing that is looked for there is missing.
        ("/home/deploy", stat(0o040_755, "13:05:40", "13:05:40"), &nothing),
        // Nobody looks there for this login.
        ("/srv/other", stat(0o100_644, "13:05:40", "13:05:40"), &nothing),
    ];
    for (path, changed, words) in rows {
        let line = with(&[WORKED, REFUSED], path, changed);
        let words = words.strip_prefix(ends).unwrap_or(words);
        assert_eq!(line.strip_prefix(ends), Some(words), "{path}: {line}");
    }
}

#[test]
fn a_file_that_went_shows_in_its_folder() {
    let mut account = server(&[WORKED, REFUSED]);
    account.paths.retain(|node| node.path.as_bytes() != FILE.as_bytes());
    account.paths.push(PathNode { path: FILE.into(), error: Some("ENOENT".to_owned()), ..PathNode::default() });
    let folder = account.paths.iter_mut().find(|node| node.path == "/home/deploy/.ssh").unwrap();
    folder.stat = Some(stat(0o040_700, "13:00:00", "13:00:00"));
    let line = said_of(&account).unwrap();
    assert!(line.ends_with("changed between: /home/deploy/.ssh (names in it 13:00:00)"), "{line}");
}

#[test]
fn sshd_that_read_its_files_in_the_window_is_named_beside_them() {
    let listens = "13:01:00 5 Server listening on 0.0.0.0 port 22.";
    let mut account = server(&[WORKED, "13:00:59 5 Received SIGHUP; restarting.", listens, REFUSED]);
    let config = "/etc/ssh/sshd_config";
    let file =
        TextFile { path: config.into(), stat: Some(stat(0o100_644, "13:00:00", "13:00:00")), ..TextFile::default() };
    account.sshd.files = vec![file];
    let line = said_of(&account).unwrap();
    let words = format!("; changed between: {config} (written 13:00:00); sshd read its configuration anew (13:01:00)");
    assert!(line.ends_with(&words), "{line}");
    account.sshd.files.clear();
    assert!(said_of(&account).unwrap().ends_with("(UTC+01:00); sshd read its configuration anew (13:01:00)"));
}

#[test]
fn strangers_who_try_the_account_are_no_refusal_of_it() {
    let stranger =
        |clock: &str, pid: u32| format!("{clock} {pid} Failed password for deploy from 198.51.100.{pid} port 9 ssh2");
    let storm: Vec<String> = (10..200).map(|pid| stranger("12:59:00", pid)).collect();
    let mut lines: Vec<&str> = storm.iter().map(String::as_str).collect();
    lines.insert(0, WORKED);
    assert_eq!(said_of(&server(&lines)), None);
    lines.push(REFUSED);
    assert!(said_of(&server(&lines)).unwrap().starts_with("worked until 12:58:04, refused since 13:05:41 (UTC"));
    // Where no address was named, the ones that were let in before are known, and not the last one that tried.
    let mut unnamed = server(&lines);
    unnamed.login.from = Some("198.51.100.199".into());
    unnamed.login.from_named = false;
    assert!(said_of(&unnamed).unwrap().starts_with("worked until 12:58:04, refused since 13:05:41 (UTC"));
    // What sshd refuses the account as such, it refuses a stranger too.
    lines.insert(1, "12:58:30 9 Authentication refused: bad ownership or modes for directory /home/deploy");
    lines.insert(2, "12:58:30 9 Connection closed by authenticating user deploy 198.51.100.9 port 2 [preauth]");
    let line = said_of(&server(&lines)).unwrap();
    assert!(
        line.starts_with("worked until 12:58:04 from 192.0.2.100, refused since 12:58:30 from 198.51.100.9 (UTC"),
        "{line}"
    );
}

#[test]
fn a_client_that_went_away_was_not_refused() {
    let postponed = "13:05:41 8 Postponed publickey for deploy from 192.0.2.100 port 2 ssh2 [preauth]";
    assert_eq!(said_of(&server(&[WORKED, postponed, CLOSED])), None);
    assert!(said_of(&server(&[WORKED, postponed, REFUSED, CLOSED])).is_some());
    // Without LogLevel VERBOSE nobody can tell.
    let line = said_of(&server(&[WORKED, CLOSED])).unwrap();
    assert!(line.starts_with("worked until 12:58:04, refused or given up since 13:05:41 (UTC+01:00); "), "{line}");
    // One key after the other, and the last one is taken.
    let taken = "13:05:42 8 Accepted publickey for deploy from 192.0.2.100 port 2 ssh2: ED25519 SHA256:x";
    assert_eq!(said_of(&server(&[WORKED, REFUSED, taken])), None);
}

#[test]
fn another_s_logins_with_a_key_of_their_own_hide_no_refusal_of_this_key() {
    let key = crate::openssh::public_key::from_line(KEY.as_bytes()).unwrap();
    let print = key.fingerprint.to_string();
    let mine = format!("12:58:04 7 Accepted publickey for deploy from 192.0.2.100 port 1 ssh2: ED25519 {print}");
    let robot =
        |clock: &str| format!("{clock} 9 Accepted publickey for deploy from 192.0.2.9 port 1 ssh2: RSA SHA256:y");
    let (early, late) = (robot("12:59:00"), robot("13:30:00"));
    let mut account = server(&[&mine, &early, REFUSED, &late]);
    account.asked = vec![key];
    let line = said_of(&account).unwrap();
    assert!(line.starts_with("worked until 12:58:04, refused since 13:05:41 (UTC"), "{line}");
    assert!(line.ends_with("; deploy got in since with RSA SHA256:y from 192.0.2.9 (13:30:00)"), "{line}");
    // Of the account, no key and no address in particular, nothing was refused since.
    account.asked.clear();
    account.login.from = None;
    account.login.from_named = false;
    assert_eq!(said_of(&account), None);
}

#[test]
fn this_key_from_elsewhere_hides_no_refusal_of_the_address_that_was_named() {
    let elsewhere = "13:30:00 9 Accepted publickey for deploy from 192.0.2.9 port 1 ssh2: ED25519 SHA256:x";
    let line = said_of(&server(&[WORKED, REFUSED, elsewhere])).unwrap();
    assert!(line.starts_with("worked until 12:58:04, refused since 13:05:41 (UTC"), "{line}");
    assert!(line.ends_with("; deploy got in since with ED25519 SHA256:x from 192.0.2.9 (13:30:00)"), "{line}");
    let mut there = server(&[WORKED, REFUSED, elsewhere]);
    there.login.from = Some("192.0.2.9".into());
    assert_eq!(said_of(&there), None);
}

#[test]
fn how_and_from_where_it_worked_is_said_where_that_is_another_matter() {
    let password = "12:58:04 7 Accepted password for deploy from 192.0.2.9 port 1 ssh2";
    let line = said_of(&server(&[password, REFUSED])).unwrap();
    let ends = "worked until 12:58:04 by password from 192.0.2.9, refused since 13:05:41 from 192.0.2.100 (UTC+01:00)";
    assert!(line.starts_with(ends), "{line}");
}

#[test]
fn where_it_never_worked_the_others_tell_whether_it_is_everybody() {
    let admin =
        |clock: &str| format!("{clock} 9 Accepted publickey for admin from 192.0.2.9 port 1 ssh2: RSA SHA256:y");
    let (early, late) = (admin("12:00:00"), admin("13:30:00"));
    let line = said_of(&server(&[REFUSED, &late])).unwrap();
    assert!(line.ends_with("the last one that got in is admin (13:30:00), so it is not everybody"), "{line}");
    let line = said_of(&server(&[&early, REFUSED])).unwrap();
    assert!(line.ends_with("no login of deploy that worked; the last one that got in is admin (12:00:00)"), "{line}");
    let too = "13:06:00 11 Connection closed by authenticating user admin 192.0.2.9 port 2 [preauth]";
    let line = said_of(&server(&[&early, REFUSED, too])).unwrap();
    let words = ", and admin was refused too (13:06:00); nothing that was looked at changed between";
    assert!(line.ends_with(words), "{line}");
}

#[test]
fn a_login_that_ends_at_its_chroot_did_not_work() {
    let chroot = "13:05:42 9 fatal: bad ownership or modes for chroot directory \"/home/deploy\"";
    let again = "13:05:41 8 Accepted publickey for deploy from 192.0.2.100 port 1 ssh2: ED25519 SHA256:x";
    let line = said_of(&server(&[WORKED, again, chroot])).unwrap();
    assert!(line.starts_with("worked until 12:58:04, refused since 13:05:42 (UTC"), "{line}");
}

#[test]
fn a_day_that_is_not_today_is_named() {
    let mut account = server(&[WORKED, REFUSED]);
    account.collector.at.local = "2026-11-26T02:00:00+01:00".to_owned();
    let said = said_of(&account).unwrap();
    assert!(
        said.starts_with("worked until 2026-11-25 12:58:04, refused since 2026-11-25 13:05:41 (UTC+01:00)"),
        "{said}"
    );
}
