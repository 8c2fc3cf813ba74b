//! What is a login and what is not, whichever way the lines were written down, and how fast they are read.

use super::choice::What;
use super::*;
use crate::facts::log::Log;
use crate::facts::{Facts, Observed};

/// 2026-11-30T12:00:00Z.
const CLOCK: Clock = Clock { year: 2026, now: 1_796_040_000, offset_seconds: 0 };

fn read(lines: &[&str], choice: &Choice) -> Logins {
    let mut logins = Logins::new(choice, CLOCK);
    logins.file();
    for (number, line) in lines.iter().enumerate() {
        logins.line(0, number as u64 + 1, line);
    }
    logins
}

fn facts(lines: &[&str], choice: &Choice) -> Facts {
    of_server(read(lines, choice).choose(None), Log { files: vec!["auth.log".into()], ..Log::default() })
}

/// The account, the first and the last line, and how many others there are.
fn chosen(lines: &[&str], choice: &Choice) -> (Option<String>, u64, u64, u64) {
    let facts = facts(lines, choice);
    let log = facts.log.unwrap();
    let (first, last) = log.server.map_or((0, 0), |part| (part.first, part.last));
    (facts.target.ok().map(|target| target.user.to_string()), first, last, log.others_count)
}

fn said(facts: &Facts) -> Vec<String> {
    let account = facts.account.as_ref().unwrap();
    account.log.as_ref().unwrap().lines.iter().map(ToString::to_string).collect()
}

const REFUSED: [&str; 3] = [
    "Connection from 192.0.2.1 port 40000 on 192.0.2.7 port 22 rdomain \"\"",
    "User deploy from 192.0.2.1 not allowed because not listed in AllowUsers",
    "Connection closed by invalid user deploy 192.0.2.1 port 40000 [preauth]",
];

#[test]
fn a_login_is_the_same_whoever_wrote_the_lines_down() {
    let forms: [fn(&str) -> String; 8] = [
        |text| format!("Nov 30 11:00:00 web1 sshd[7]: {text}"),
        |text| format!("<38>Nov 30 11:00:00 web1 sshd[7]: {text}"),
        |text| format!("2026-11-30T11:00:00.123456+00:00 web1 sshd-session[7]: {text}"),
        |text| format!("Mon 2026-11-30 11:00:00 UTC web1 sshd[7]: {text}"),
        |text| format!("7 2026-11-30 11:00:00.123 {text}"),
        |text| format!("sshd[7]: {text}"),
        str::to_owned,
        |text| {
            let fields = serde_json::json!({
                "__REALTIME_TIMESTAMP": "1796036400000000", "_HOSTNAME": "web1", "_PID": "7", "_COMM": "sshd",
                "MESSAGE": text.bytes().collect::<Vec<u8>>(),
            });
            fields.to_string()
        },
    ];
    for form in forms {
        let lines = REFUSED.map(form);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(chosen(&lines, &Choice::default()), (Some("deploy".to_owned()), 1, 3, 0), "{}", lines[0]);
    }
}

#[test]
fn an_entry_of_the_journal_s_export_is_a_line() {
    let mut lines = Vec::new();
    for text in REFUSED {
        lines.extend(["__CURSOR=s=1", "__REALTIME_TIMESTAMP=1796036400000000", "_PID=7", "SYSLOG_IDENTIFIER=sshd"]);
        lines.extend(["_HOSTNAME=web1", "PRIORITY=6"]);
        lines.push(Box::leak(format!("MESSAGE={text}").into_boxed_str()));
        lines.push("");
    }
    assert_eq!(chosen(&lines, &Choice::default()).0.as_deref(), Some("deploy"));
}

#[test]
fn two_logins_at_a_time_do_not_mix() {
    let lines = [
        "Nov 30 11:00:00 web1 sshd[7]: Connection from 192.0.2.1 port 40000 on 192.0.2.7 port 22",
        "Nov 30 11:00:00 web1 sshd[8]: Connection from 192.0.2.2 port 40001 on 192.0.2.7 port 22",
        "Nov 30 11:00:01 web1 sshd[7]: Authentication refused: bad ownership or modes for directory /home/deploy",
        "Nov 30 11:00:01 web1 sshd[8]: Failed publickey for alice from 192.0.2.2 port 40001 ssh2: ED25519 SHA256:x",
        "Nov 30 11:00:02 web1 sshd[8]: Connection closed by authenticating user alice 192.0.2.2 port 40001 [preauth]",
        "Nov 30 11:00:02 web1 sshd[7]: Connection closed by authenticating user deploy 192.0.2.1 port 40000 [preauth]",
    ];
    let facts = facts(&lines, &Choice { user: Some("alice".to_owned()), ..Choice::default() });
    assert!(!said(&facts).iter().any(|line| line.contains("bad ownership")), "{:?}", said(&facts));
    assert_eq!(chosen(&lines, &Choice { pid: Some(7), ..Choice::default() }).0.as_deref(), Some("deploy"));
    assert_eq!(
        chosen(&lines, &Choice { host: Some("192.0.2.2".to_owned()), ..Choice::default() }).0.as_deref(),
        Some("alice")
    );
    assert_eq!(chosen(&lines, &Choice::default()), (Some("deploy".to_owned()), 1, 6, 1));
}

#[test]
fn a_process_number_that_comes_again_is_another_login() {
    let lines = [
        "Nov 30 09:00:00 web1 sshd[7]: Authentication refused: bad ownership or modes for directory /home/deploy",
        "Nov 30 09:00:01 web1 sshd[7]: Connection closed by authenticating user deploy 192.0.2.1 port 40000 [preauth]",
        "Nov 30 11:00:00 web1 sshd[7]: Connection closed by authenticating user alice 192.0.2.2 port 40001 [preauth]",
    ];
    let facts = facts(&lines, &Choice::default());
    assert_eq!(said(&facts), [lines[2]]);
}

#[test]
fn what_works_from_there_since_is_over() {
    let key = [
        "Nov 30 09:00:01 web1 sshd[7]: Failed publickey for deploy from 192.0.2.1 port 40000 ssh2: ED25519 SHA256:x",
        "Nov 30 09:00:01 web1 sshd[7]: Connection closed by authenticating user deploy 192.0.2.1 port 40000 [preauth]",
        "Nov 30 11:00:00 web1 sshd[8]: Accepted publickey for deploy from 192.0.2.1 port 40001 ssh2: ED25519 SHA256:x",
    ];
    assert_eq!(chosen(&key, &Choice::default()).1, 3);
    // A password does not mend a key.
    let password =
        [key[0], key[1], "Nov 30 11:00:00 web1 sshd[8]: Accepted password for deploy from 192.0.2.1 port 40001 ssh2"];
    assert_eq!(chosen(&password, &Choice::default()).1, 1);
}

#[test]
fn a_storm_of_strangers_is_no_login() {
    let mut lines = Vec::new();
    for at in 0..3000_u32 {
        let (minute, second) = (at / 60 % 60, at % 60);
        let from = format!("203.0.{}.{}", at % 5, at % 37);
        let user = ["admin", "test", "oracle", "root"][at as usize % 4];
        lines.push(format!(
            "Nov 30 10:{minute:02}:{second:02} web1 sshd[{}]: Invalid user {user}{} from {from} port {}",
            10_000 + at,
            at % 200,
            1024 + at
        ));
        lines.push(format!(
            "Nov 30 10:{minute:02}:{second:02} web1 sshd[{}]: Connection closed by invalid user {user}{} {from} port {} [preauth]",
            10_000 + at,
            at % 200,
            1024 + at
        ));
    }
    let storm: Vec<&str> = lines.iter().map(String::as_str).collect();
    let alone = facts(&storm, &Choice::default());
    assert!(alone.account.is_err() && alone.target.is_err());
    let noise = alone.log.unwrap().noise;
    assert_eq!(noise.len(), 1, "{noise:?}");
    assert!(noise[0].to_string().starts_with("3,000 failed logins are no person's"), "{}", noise[0]);
    // Before it, and a day before its end.
    let mine = "Nov 29 10:00:00 web1 sshd[7]: Connection closed by authenticating user deploy 198.51.100.9 port 40000 [preauth]";
    let with: Vec<&str> = [mine].into_iter().chain(storm.iter().copied()).collect();
    assert_eq!(chosen(&with, &Choice::default()).0.as_deref(), Some("deploy"));
    // Whoever is asked for is no stranger.
    let asked = Choice { user: Some("admin0".to_owned()), ..Choice::default() };
    assert_eq!(chosen(&storm, &asked).0.as_deref(), Some("admin0"));
}

#[test]
fn ssh_s_own_words_are_none_of_sshd_s() {
    let mut logins = Logins::new(&Choice::default(), CLOCK);
    for line in [
        "OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.15 3 Sep 2024",
        "debug1: Reading configuration data /etc/ssh/ssh_config",
        "debug1: Connecting to 192.0.2.7 [192.0.2.7] port 22.",
        "debug1: Offering public key: /home/a/.ssh/id_ed25519 ED25519 SHA256:x",
        "Connection closed by 192.0.2.7 port 22",
        "deploy@192.0.2.7: Permission denied (publickey).",
        "Nov 30 11:00:00 web1 sudo: bob : COMMAND=/bin/sshd[1]: Invalid user x from 192.0.2.1 port 9",
        "",
        "{",
        "{\"MESSAGE\":",
    ] {
        assert!(!logins.line(0, 1, line), "{line}");
    }
    assert!(!logins.has_lines());
    for line in
        ["debug1: sshd version OpenSSH_9.2, OpenSSL 3.0.15 3 Sep 2024", "debug1: private host key #0: ssh-rsa SHA256:x"]
    {
        assert!(logins.line(0, 1, line), "{line}");
    }
}

#[test]
fn what_sshd_prints_where_it_is_run_by_hand_is_one_login() {
    let lines = [
        "debug2: load_server_config: filename /etc/ssh/sshd_config",
        "debug3: /etc/ssh/sshd_config:1 setting Port 22",
        "debug1: sshd version OpenSSH_9.2, OpenSSL 3.0.15 3 Sep 2024",
        "Server listening on 0.0.0.0 port 22.",
        "Connection from 192.0.2.1 port 40000 on 192.0.2.7 port 22 rdomain \"\"",
        "debug1: userauth-request for user deploy service ssh-connection method publickey [preauth]",
        "debug1: trying public key file /home/deploy/.ssh/authorized_keys",
        "debug1: Could not open user 'deploy' authorized keys '/home/deploy/.ssh/authorized_keys': No such file or directory",
        "Failed publickey for deploy from 192.0.2.1 port 40000 ssh2: ED25519 SHA256:x",
        "Connection closed by authenticating user deploy 192.0.2.1 port 40000 [preauth]",
    ];
    let mut logins = Logins::new(&Choice::default(), CLOCK);
    assert!(lines.iter().zip(1..).all(|(line, number)| logins.line(0, number, line)));
    assert_eq!(chosen(&lines, &Choice::default()).0.as_deref(), Some("deploy"));
    let said = said(&facts(&lines, &Choice::default()));
    assert!(said.iter().any(|line| line.starts_with("debug1: Could not open")), "{said:?}");
}

#[test]
fn a_name_that_somebody_sends_proves_nothing() {
    let names = [
        "x from 192.0.2.9 port 1",
        "deploy from 192.0.2.1 not allowed because not listed in AllowUsers",
        "x\\nNov 30 11:00:00 web1 sshd[9]: User deploy from 192.0.2.1 not allowed because listed in DenyUsers",
    ];
    for name in names {
        let first = format!("Nov 30 11:00:00 web1 sshd[7]: Invalid user {name} from 198.51.100.1 port 9");
        let second = format!(
            "Nov 30 11:00:00 web1 sshd[7]: Connection closed by invalid user {name} 198.51.100.1 port 9 [preauth]"
        );
        let facts = facts(&[&first, &second], &Choice::default());
        let account = facts.account.unwrap();
        assert_eq!(account.login.user.to_string(), crate::facts::text::User::from(name).to_string());
        assert_eq!(account.login.from.unwrap().to_string(), "198.51.100.1");
    }
}

#[test]
fn a_client_and_a_log_are_joined_where_they_are_of_one_login() {
    let client = |user: &str| Facts {
        target: Observed::Ok(crate::facts::Target {
            user: user.into(),
            host: "web1".into(),
            port: 22,
            ..Default::default()
        }),
        log: Some(Box::new(Log { files: vec!["paste".into()], ..Log::default() })),
        origin: crate::facts::Origin::Log,
        ..Facts::default()
    };
    let lines = REFUSED.map(|text| format!("Nov 30 11:00:00 web1 sshd[7]: {text}"));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut mine = client("deploy");
    beside(&mut mine, read(&lines, &Choice::default()).choose(Some("deploy")));
    assert!(mine.account.is_ok() && mine.origin == crate::facts::Origin::Joined);
    let mut other = client("alice");
    beside(&mut other, read(&lines, &Choice::default()).choose(Some("alice")));
    assert!(other.account.is_err() && other.origin == crate::facts::Origin::Log);
}

/// Lines as a server on the internet has them, most of them strangers'.
fn traffic(at: u64) -> String {
    let (second, minute, hour, day) = (at / 40 % 60, at / 2400 % 60, at / 144_000 % 24, at / 3_456_000 % 20 + 1);
    let stamp = format!("Nov {day:2} {hour:02}:{minute:02}:{second:02} web1");
    let (pid, port) = (1000 + at / 3 % 4_000_000, 1024 + at % 60_000);
    let from = format!("203.{}.{}.{}", at / 7 % 90, at / 11 % 250, at / 3 % 250);
    match at % 10 {
        0 | 3 | 6 => format!("{stamp} sshd[{pid}]: Invalid user u{} from {from} port {port}", at / 10 % 1_000_000),
        1 | 4 => format!(
            "{stamp} sshd[{pid}]: Failed password for invalid user u{} from {from} port {port} ssh2",
            at / 10 % 1_000_000
        ),
        2 | 5 => {
            format!("{stamp} sshd[{pid}]: Connection closed by authenticating user root {from} port {port} [preauth]")
        }
        7 => format!("{stamp} CRON[{pid}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"),
        8 => format!("{stamp} sudo: pam_unix(sudo:session): session closed for user root"),
        _ => format!(
            "{stamp} sshd[{pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={from}"
        ),
    }
}

#[test]
fn a_log_is_read_faster_than_a_disk_gives_it() {
    let (count, rounds) = if cfg!(debug_assertions) { (20_000, 1) } else { (200_000, 5) };
    let lines: Vec<String> = (0..count).map(traffic).collect();
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let mut logins = Logins::new(&Choice::default(), CLOCK);
    let began = std::time::Instant::now();
    for round in 0..rounds {
        for (number, line) in lines.iter().enumerate() {
            logins.line(0, round * count + number as u64, line);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let speed = bytes as f64 * rounds as f64 / seconds / 1e6;
    println!("sshd's log: {speed:.0} MB/s");
    let chosen = logins.choose(None).what;
    assert!(matches!(chosen, What::Noise), "{chosen:?}");
    assert!(cfg!(debug_assertions) || speed >= 100.0, "{speed:.0} MB/s");
}
