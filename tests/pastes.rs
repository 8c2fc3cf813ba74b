//! Pastes as people put them into tickets, which are no whole transcript of one login: what is made of them, how sure it
//! is, and what is to be typed next.
#![expect(clippy::unwrap_used, reason = "a paste that is not read is a test that fails")]

use sshdoctor::checks::Certainty::{self, Likely, Possible, Proven};
use sshdoctor::collect::log::{Choice, read_from};
use sshdoctor::diagnose::diagnose;
use sshdoctor::report::{Report, report};

const WARNING: &str = "\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Permissions 0644 for '/home/ann/.ssh/prod.pem' are too open.
It is required that your private key files are NOT accessible by others.
This private key will be ignored.
Load key \"/home/ann/.ssh/prod.pem\": bad permissions
";

const REFUSED: &str = "ssh: connect to host web1 port 22: Connection refused\n";
const DENIED: &str = "deploy@web1: Permission denied (publickey).\n";

/// What sshd says of an account that AllowUsers leaves out.
const NOT_ALLOWED: &str = "\
Nov 30 12:00:01 db7 sshd[900]: User deploy from 198.51.100.4 not allowed because not listed in AllowUsers
Nov 30 12:00:01 db7 sshd[900]: Connection closed by invalid user deploy 198.51.100.4 port 40022 [preauth]
";

/// A client's login that a server refuses, from that address.
fn transcript(from: &str) -> String {
    format!(
        "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.13 30 Jan 2024
debug1: Connecting to web1 [192.0.2.7] port 22.
debug1: Connection established.
debug1: Local version string SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3
debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1
debug1: Authenticating to web1:22 as 'deploy'
debug1: SSH2_MSG_SERVICE_ACCEPT received
debug1: Authentications that can continue: publickey
debug1: Next authentication method: publickey
debug1: Offering public key: /home/ann/.ssh/id_ed25519 ED25519 SHA256:{from}
debug1: Authentications that can continue: publickey
debug1: No more authentication methods to try.
deploy@web1: Permission denied (publickey).
"
    )
}

fn judged(text: &str) -> Report {
    let facts = read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap();
    report(&facts, &diagnose(&facts))
}

fn cause(text: &str) -> (String, Certainty) {
    let facts = read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap();
    let verdict = diagnose(&facts);
    (verdict.first.cause.id.to_owned(), verdict.first.finding.certainty)
}

fn commands(text: &str) -> Vec<String> {
    let report = serde_json::to_value(judged(text)).unwrap();
    let of = |list: &str, key: &str| -> Vec<String> {
        let rows = report.pointer(list).and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row.pointer(key)?.as_str().map(str::to_owned)).collect()
    };
    let steps = of("/verdict/next_steps", "/command").into_iter();
    steps.chain(of("/verdict/alternatives", "/decide/command")).collect()
}

#[test]
fn each_paste_has_its_verdict_and_no_more_certainty_than_it_gives() {
    let refused_key = transcript("czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX");
    let rows = [
        // The warning names the key; what else was offered is not told.
        (format!("{WARNING}{DENIED}"), "key-file-permissions", Likely),
        (DENIED.to_owned(), "undetermined", Possible),
        (REFUSED.to_owned(), "connection-refused", Proven),
        // Yesterday's message and today's: the last one is judged.
        (format!("> yesterday:\n> {REFUSED}\ntoday:\n{DENIED}"), "undetermined", Possible),
        (format!("yesterday:\n{DENIED}\ntoday:\n{REFUSED}"), "connection-refused", Likely),
        // The log beside it: nothing but the name of the account is the same, and of another host not even that of the host.
        (format!("{DENIED}{}", NOT_ALLOWED.replace("db7", "web1")), "server-user-not-allowed", Likely),
        (format!("{refused_key}{}", NOT_ALLOWED.replace("db7", "web1")), "server-user-not-allowed", Likely),
        (format!("{refused_key}{NOT_ALLOWED}"), "no-key-accepted", Likely),
        (NOT_ALLOWED.to_owned(), "server-user-not-allowed", Proven),
        // Two programs' errors of which one may be old.
        (
            "dial tcp 192.0.2.7:22: connect: connection refused\nssh: handshake failed: knownhosts: key is revoked\n"
                .to_owned(),
            "host-key-revoked",
            Likely,
        ),
    ];
    for (text, wanted, certainty) in rows {
        assert_eq!(cause(&text), (wanted.to_owned(), certainty), "{text}");
    }
}

/// A login at a Git host that ends so.
fn git(end: &str) -> String {
    let login = transcript("czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX");
    let (login, _) = login.split_once("debug1: Authentications that can continue: publickey\ndebug1: No more").unwrap();
    format!(
        "{login}debug1: Server accepts key: /home/ann/.ssh/id_ed25519 ED25519 SHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX
Authenticated to web1 ([192.0.2.7]:22) using \"publickey\".
debug1: Entering interactive session.
debug1: Sending command: git-upload-pack 'acme/private.git'
{end}"
    )
}

#[test]
fn git_s_own_command_that_fails_is_no_login_that_works() {
    let refused = "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n";
    let rows = [
        (git(&format!("{refused}debug1: Exit status 1\n")), "git-repository-denied"),
        (git(&format!("debug1: Exit status 1\n{refused}")), "git-repository-denied"),
        // Nobody says why.
        (git("debug1: Exit status 1\nfatal: Could not read from remote repository.\n"), "undetermined"),
        (git("debug1: Exit status 0\n"), "access-works"),
    ];
    for (text, wanted) in rows {
        assert_eq!(cause(&text).0, wanted, "{text}");
    }
    assert!(commands(&git(&format!("{refused}debug1: Exit status 1\n"))).iter().any(|step| step.contains("ssh -T")));
}

#[test]
fn a_shell_that_lasted_refuses_nobody() {
    let shell = |seconds: &str| {
        let login = git("").replace("debug1: Sending command: git-upload-pack 'acme/private.git'\n", "");
        format!("{login}Transferred: sent 3000, received 92500 bytes, in {seconds} seconds\ndebug1: Exit status 1\n")
    };
    assert_eq!(cause(&shell("300.0")).0, "access-works");
    assert_eq!(cause(&shell("0.3")).0, "shell-refuses-login");
}

#[test]
fn a_command_typed_again_without_a_word_of_ssh_s_may_have_worked() {
    let shown = " 10:14:02 up 3 days,  2:11,  1 user,  load average: 0.00, 0.01, 0.05\n";
    let rows = [
        (format!("$ ssh web1 uptime\n{REFUSED}$ ssh web1 uptime\n{shown}"), Likely),
        (format!("$ ssh web1 uptime\n{REFUSED}$ ssh web2 uptime\n{shown}"), Proven),
        (format!("$ ssh web1 uptime\n{REFUSED}"), Proven),
    ];
    for (text, certainty) in rows {
        assert_eq!(cause(&text), ("connection-refused".to_owned(), certainty), "{text}");
    }
}

#[test]
fn what_ssh_says_of_a_key_before_its_last_word_names_the_cause() {
    let failed = "sign_and_send_pubkey: signing failed";
    let rows = [
        (
            format!("{failed} for RSA \"/home/ann/.ssh/id_rsa\" from agent: agent refused operation\n"),
            "agent-refused-to-sign",
        ),
        (format!("{failed}: agent refused operation\n"), "agent-refused-to-sign"),
        ("Load key \"key.pem\": invalid format\n".to_owned(), "key-file-malformed"),
        ("Load key \"/home/ann/.ssh/id_ed25519\": error in libcrypto\n".to_owned(), "key-file-malformed"),
        (
            "Warning: Identity file /home/ann/key.pem not accessible: No such file or directory.\n".to_owned(),
            "identity-file-missing",
        ),
        ("Permission denied, please try again.\n".to_owned(), "password-rejected"),
        (WARNING.replace("prod.pem", "id_rsa.pub"), "key-file-is-public"),
        (WARNING.to_owned(), "key-file-permissions"),
        ("Pseudo-terminal will not be allocated because stdin is not a terminal.\n".to_owned(), "undetermined"),
    ];
    let denied = "deploy@web1: Permission denied (publickey,password).\n";
    for (said, wanted) in rows {
        let certainty = if wanted == "undetermined" { Possible } else { Likely };
        assert_eq!(cause(&format!("{said}{denied}")), (wanted.to_owned(), certainty), "{said}");
    }
}

#[test]
fn questions_that_were_asked_are_answered_questions() {
    let asked = "(deploy@web1) Password: \n";
    let denied = "deploy@web1: Permission denied (publickey,keyboard-interactive).\n";
    let key = "SHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX";
    let accepted = format!("debug1: Server accepts key: /home/ann/.ssh/id_ed25519 ED25519 {key}\n");
    let passphrase = "Enter passphrase for key '/home/ann/.ssh/id_ed25519': \n".repeat(3);
    let login = transcript("czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX");
    let (begun, _) = login.split_once("debug1: Authentications that can continue: publickey\ndebug1: No more").unwrap();
    let over = "debug1: No more authentication methods to try.\n";
    let passed_over = "debug1: send_pubkey_test: no mutual signature algorithm\n";
    let prompt = "debug1: Next authentication method: password\ndeploy@web1's password: \n";
    let rows = [
        (format!("{asked}{asked}{denied}"), "password-rejected"),
        (denied.to_owned(), "undetermined"),
        (format!("{begun}{accepted}{passphrase}{over}{DENIED}"), "key-passphrase-needed"),
        (format!("{begun}{accepted}{passphrase}"), "access-needs-answer"),
        (
            format!("{}{passed_over}{prompt}", begun.replace("continue: publickey", "continue: publickey,password")),
            "no-mutual-signature-algorithm",
        ),
    ];
    for (text, wanted) in rows {
        assert_eq!(cause(&text).0, wanted, "{text}");
    }
    assert!(!serde_json::to_string(&judged(&format!("{asked}{denied}"))).unwrap().contains("nobody can be asked"));
}

#[test]
fn the_server_and_the_port_are_taken_from_whatever_names_them() {
    let rows = [
        (format!("$ scp -P 2222 -i k.pem a.txt deploy@web1:\n{DENIED}"), "ssh -vvv -i k.pem -p 2222 deploy@web1"),
        (format!("$ git clone ssh://deploy@web1:2222/a/b.git\n{DENIED}"), "ssh -vvv -p 2222 deploy@web1"),
        (format!("Failed to connect to the host via ssh: {DENIED}"), "ssh -vvv deploy@web1"),
        (
            "Received disconnect from 192.0.2.7 port 22:2: Too many authentication failures\n".to_owned(),
            "ssh -vvv 192.0.2.7",
        ),
        (
            "Unable to negotiate with 192.0.2.7 port 22: no matching key exchange method found. Their offer: \
             diffie-hellman-group1-sha1\n"
                .to_owned(),
            "192.0.2.7",
        ),
    ];
    for (text, wanted) in rows {
        let commands = commands(&text).join("\n");
        assert!(commands.contains(wanted) && !commands.contains("HOST"), "{text}{commands}");
    }
    // A program's own name for what it stands before is nobody's.
    let unknown = "Unable to negotiate with UNKNOWN port 65535: no matching cipher found. Their offer: 3des-cbc\n";
    assert!(!commands(unknown).join("\n").contains("UNKNOWN"));
}

#[test]
fn a_changed_host_key_is_not_excluded_by_an_answer() {
    let changed = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Offending ED25519 key in /home/ann/.ssh/known_hosts:12
Password authentication is disabled to avoid man-in-the-middle attacks.
";
    let excluded = |text: &str| {
        let report = serde_json::to_string(&judged(text).verdict.ruled_out).unwrap();
        report.contains("host-key-changed")
    };
    assert!(!excluded(&format!("{changed}{DENIED}")));
    assert!(excluded(DENIED));
}

#[test]
fn the_account_is_read_wherever_the_line_stands() {
    for before in ["", "    ", "> ", "> > ", "\t", "`"] {
        let report = serde_json::to_value(judged(&format!("it says\n{before}{DENIED}"))).unwrap();
        let summary = report.pointer("/verdict/summary").and_then(serde_json::Value::as_str).unwrap();
        assert!(summary.starts_with("deploy@web1 denies the login"), "{before:?}: {summary}");
    }
}

#[test]
fn the_next_command_has_what_was_typed() {
    let typed = "ann@laptop:~$ ssh -J jump@bastion -p 2222 -i ~/.ssh/prod.pem prod uptime\n";
    let refused = "ssh: connect to host web1 port 2222: Connection refused\n";
    let commands = |text: &str| commands(text).join("\n");
    let next = commands(&format!("{typed}{refused}"));
    assert!(next.contains("sshdoctor -J jump@bastion -p 2222 -i '~/.ssh/prod.pem' prod"), "{next}");
    let next = commands(&format!("ann@laptop:~$ ssh -l deploy web1\n{DENIED}"));
    assert!(next.contains("ssh -vvv -l deploy web1"), "{next}");
    // Not that of another login.
    for typed in ["$ ssh ops@web1\n", "$ ssh -p 22 deploy@web1\n", "$ ssh -i $KEY deploy@web1\n"] {
        let next = commands(&format!("{typed}{refused}$ exit\n{DENIED}"));
        assert!(!next.contains("ops") && !next.contains("KEY"), "{next}");
    }
}

#[test]
fn a_proxy_command_that_was_pasted_is_to_be_read_first() {
    let text = "OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.13 30 Jan 2024\ndebug1: Executing proxy command: exec nc -e evil %h 22\n\
                kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n";
    let report = serde_json::to_value(judged(text)).unwrap();
    let others = report.pointer("/verdict/alternatives").unwrap().to_string();
    assert!(others.contains("proxy-command-failed"), "{others}");
    for command in commands(text) {
        assert!(!command.contains("evil"), "{command}");
    }
}

#[test]
fn a_password_that_failed_leaves_a_key_s_refusal_open() {
    let refused = "Nov 28 10:14:02 web1 sshd[1]: userauth_pubkey: signature algorithm ssh-rsa not in PubkeyAcceptedAlgorithms \
                   [preauth]\n";
    let closed =
        "Nov 28 10:14:05 web1 sshd[1]: Connection closed by authenticating user bob 10.0.0.9 port 4 [preauth]\n";
    let password = "Nov 28 10:14:03 web1 sshd[1]: Failed password for bob from 10.0.0.9 port 4 ssh2\n";
    let wanted = "server-key-algorithm-refused".to_owned();
    assert_eq!(cause(&format!("{refused}{password}{closed}")), (wanted.clone(), Likely));
    assert_eq!(cause(&format!("{refused}{closed}")), (wanted, Proven));
}

#[test]
fn a_command_line_parts_two_logins() {
    let text = format!("$ ssh -v web1\n{REFUSED}$ ssh deploy@web1\n{WARNING}{DENIED}");
    let facts = read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap();
    let log = facts.log.as_ref().unwrap();
    assert_eq!(log.others_count, 1);
    assert_eq!(log.client.as_ref().unwrap().first, 4);
}

/// Lines of sshd's in a log, at this time.
fn logged<T: AsRef<str>>(lines: &[T]) -> String {
    let before = "Nov 28 10:14:02 web1 sshd[22112]: ";
    lines.iter().fold(String::new(), |all, line| all + before + line.as_ref() + "\n")
}

/// How a client that authenticates as deploy ends.
const CLOSED: &str = "Connection closed by authenticating user deploy 198.51.100.4 port 40022 [preauth]";

#[test]
fn a_log_proves_no_more_than_sshd_says() {
    let strict = "Authentication refused: bad ownership or modes for";
    let command =
        "AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys deploy SHA256:x failed, status";
    let password = "Failed password for deploy from 198.51.100.4 port 40022 ssh2";
    let unreadable =
        "Could not open user 'deploy' authorized keys '/home/deploy/.ssh/authorized_keys': Permission denied";
    let too_many = "maximum authentication attempts exceeded for";
    let rows = [
        (logged(&[&format!("{strict} directory /home/deploy"), CLOSED]), "server-strict-modes", Proven, None),
        (
            logged(&[&format!("{strict} directory /home/deploy"), password, CLOSED]),
            "server-strict-modes",
            Likely,
            Some("password-rejected"),
        ),
        (
            logged(&[&format!("{strict} file /home/deploy/.ssh/authorized_keys"), CLOSED]),
            "server-strict-modes",
            Proven,
            None,
        ),
        (
            logged(&[&format!("{strict} file /home/deploy/.ssh/authorized_keys2"), CLOSED]),
            "server-strict-modes",
            Likely,
            Some("server-key-not-listed"),
        ),
        (logged(&[unreadable, CLOSED]), "server-authorized-keys-unreadable", Likely, Some("server-selinux-context")),
        (logged(&[&format!("{command} 22"), CLOSED]), "undetermined", Possible, Some("no-key-accepted")),
        (
            logged(&[&format!("error: {command} 1"), password, CLOSED]),
            "server-authorized-keys-command-failed",
            Likely,
            Some("server-key-not-listed"),
        ),
        (
            logged(&[&format!("error: {too_many} invalid user bob from 198.51.100.4 port 4 ssh2 [preauth]")]),
            "undetermined",
            Possible,
            Some("server-no-such-user"),
        ),
        (
            logged(&[&format!("error: {too_many} bob from 198.51.100.4 port 4 ssh2 [preauth]")]),
            "too-many-keys",
            Likely,
            Some("password-rejected"),
        ),
        (
            logged(&["fatal: Timeout before authentication for 198.51.100.4 port 4"]),
            "undetermined",
            Possible,
            Some("access-needs-answer"),
        ),
    ];
    for (text, wanted, certainty, alternative) in rows {
        assert_eq!(cause(&text), (wanted.to_owned(), certainty), "{text}");
        assert_eq!(first_alternative(&text).map(|(cause, _)| cause).as_deref(), alternative, "{text}");
    }
}

#[test]
fn an_account_that_exists_comes_before_those_that_strangers_try() {
    let knock = |pid: u32, name: &str| {
        format!(
            "Nov 30 12:00:09 db7 sshd[{pid}]: Invalid user {name} from 203.0.113.9 port 4{pid}\n\
             Nov 30 12:00:09 db7 sshd[{pid}]: Connection closed by invalid user {name} 203.0.113.9 port 4{pid} [preauth]\n"
        )
    };
    let both = format!("{}{NOT_ALLOWED}{}", knock(800, "admin"), knock(901, "oracle"));
    assert_eq!(cause(&both), ("server-user-not-allowed".to_owned(), Likely));
    // Two strangers alone: nobody makes an account for one of them.
    let strangers = knock(800, "admin") + &knock(901, "oracle").replace("203.0.113.9", "203.0.113.77");
    assert_eq!(cause(&strangers), ("server-no-such-user".to_owned(), Likely));
    assert!(!commands(&strangers).iter().any(|command| command.contains("useradd")), "{strangers}");
    assert_eq!(cause(&knock(901, "oracle")), ("server-no-such-user".to_owned(), Proven));
}

#[test]
fn the_newest_login_counts_whichever_end_the_log_begins_at() {
    let key = "ED25519 SHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX";
    let refused = logged(&["Authentication refused: bad ownership or modes for directory /home/deploy", CLOSED]);
    let accepted = logged(&[&format!("Accepted publickey for deploy from 198.51.100.4 port 40000 ssh2: {key}")]);
    let accepted = accepted.replace("22112", "22150");
    let at = |text: &str, time: &str| text.replace("10:14:02", time);
    let reversed = |text: String| text.lines().rev().fold(String::new(), |all, line| all + line + "\n");
    for turn in [|text: String| text, reversed] {
        let over = turn(format!("{refused}{}", at(&accepted, "10:20:00")));
        assert_eq!(cause(&over), ("access-works".to_owned(), Likely), "{over}");
        let now = turn(format!("{}{refused}", at(&accepted, "10:10:00")));
        assert_eq!(cause(&now), ("server-strict-modes".to_owned(), Proven), "{now}");
    }
}

#[test]
fn a_log_of_another_login_is_not_joined() {
    let timeout = "debug1: Connecting to web1 [192.0.2.7] port 22.
debug1: connect to address 192.0.2.7 port 22: Connection timed out
ssh: connect to host web1 port 22: Connection timed out
";
    let facts = |text: &str| read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap();
    let text = format!("$ ssh -v deploy@web1\n{timeout}{NOT_ALLOWED}");
    assert_eq!(cause(&text).0, "connection-timeout");
    assert!(facts(&text).account.is_err(), "{text}");
    let text = format!("$ ssh deploy@web1\n{DENIED}{}", NOT_ALLOWED.replace("db7", "web1"));
    assert!(facts(&text).account.is_ok(), "{text}");
}

#[test]
fn the_log_of_another_host_speaks_for_a_cause_and_says_whose_it_is() {
    let text = transcript("czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX") + NOT_ALLOWED;
    let possible = Some(("server-user-not-allowed".to_owned(), Possible));
    assert_eq!((cause(&text).0.as_str(), first_alternative(&text)), ("no-key-accepted", possible));
    let report = serde_json::to_string(&serde_json::to_value(judged(&text)).unwrap()).unwrap();
    assert!(report.contains("the log is of a host db7, and the login went to web1"), "{report}");
}

#[test]
fn the_journal_is_asked_for_the_time_of_the_log() {
    let rows = [
        ("Mon 2026-11-30 12:00:01 CET db7 ", "--since '2026-11-30 11:50:01'"),
        ("2025-11-28T11:00:06+01:00 db7 ", "--since '2025-11-28 09:50:06 UTC'"),
        ("[   12.345678] db7 ", "-n 500"),
        ("", "-n 500"),
    ];
    for (stamp, wanted) in rows {
        let commands = commands(&NOT_ALLOWED.replace("Nov 30 12:00:01 db7 ", stamp)).join("\n");
        assert!(commands.contains(wanted), "{commands}");
    }
}

#[test]
fn what_sshd_says_of_its_configuration_is_none_of_ssh_s() {
    let invalid = "/etc/ssh/sshd_config: line 42: Bad configuration option: PermitRootLogn
/etc/ssh/sshd_config: terminating, 1 bad configuration options
";
    let likely = Some(("server-config-invalid".to_owned(), Likely));
    assert_eq!((cause(invalid).0.as_str(), first_alternative(invalid)), ("undetermined", likely.clone()));
    let refused = format!("{REFUSED}root@web1:~# sshd -t\n{invalid}");
    assert_eq!((cause(&refused).0.as_str(), first_alternative(&refused)), ("connection-refused", likely));
    assert_eq!(cause(&format!("{DENIED}root@web1:~# sshd -t\n{invalid}")).0, "undetermined");
    // So it stands in the log of a server that does not start.
    let in_log = logged(&invalid.lines().map(|line| format!("error: {line}")).collect::<Vec<_>>());
    assert_eq!(first_alternative(&in_log), first_alternative(invalid));
    assert_eq!(cause(&invalid.replace("sshd_config", "ssh_config")), ("client-config-error".to_owned(), Proven));
}

/// What a list that stands alone, or beside a refusal, speaks for: the first alternative.
fn first_alternative(text: &str) -> Option<(String, Certainty)> {
    let facts = read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap();
    let verdict = diagnose(&facts);
    let first = verdict.first.finding.alternatives.into_iter().next()?;
    Some((first.cause.to_owned(), first.certainty))
}

#[test]
fn a_list_of_no_known_machine_speaks_for_a_cause_and_proves_none() {
    let walk = "\
f: /home/deploy/.ssh/authorized_keys
drwxr-xr-x root   root   /
drwxr-xr-x root   root   home
drwxrwxr-x deploy users  deploy
drwx------ deploy deploy .ssh
-rw------- deploy deploy authorized_keys
";
    let refused = transcript("czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX");
    let rows = [
        (walk.to_owned(), "undetermined", Some(("server-strict-modes", Likely))),
        (walk.replace("drwxrwxr-x", "drwxr-xr-x"), "undetermined", None),
        (format!("{refused}{walk}"), "no-key-accepted", Some(("server-strict-modes", Likely))),
        (
            "-rw-r--r-- 1 ann ann 411 Nov 30 12:00 id_ed25519\n".to_owned(),
            "undetermined",
            Some(("key-file-permissions", Likely)),
        ),
        ("-rw------- 1 ann ann 411 Nov 30 12:00 id_ed25519\n".to_owned(), "undetermined", None),
        ("-rw-r--r-- 1 ann ann 98 Nov 30 12:00 id_ed25519.pub\n".to_owned(), "undetermined", None),
        ("pubkeyauthentication no\nusepam yes\n".to_owned(), "undetermined", Some(("server-pubkey-disabled", Likely))),
        ("pubkeyauthentication yes\nusepam yes\n".to_owned(), "undetermined", None),
        (
            "hostname web1\nport 22\npubkeyauthentication no\n".to_owned(),
            "undetermined",
            Some(("pubkey-disabled-by-client", Likely)),
        ),
        ("allowusers ann\n".to_owned(), "undetermined", Some(("server-user-not-allowed", Possible))),
        ("The agent has no identities.\n".to_owned(), "undetermined", Some(("no-identities", Likely))),
        (format!("The agent has no identities.\n{DENIED}"), "undetermined", Some(("no-identities", Likely))),
    ];
    for (text, wanted, alternative) in rows {
        assert_eq!(cause(&text).0, wanted, "{text}");
        let alternative = alternative.map(|(cause, certainty)| (cause.to_owned(), certainty));
        assert_eq!(first_alternative(&text), alternative, "{text}");
    }
}

/// PuTTY's event log up to the authentication.
const PUTTY: &str = "\
Looking up host \"web1\" for SSH connection
Connecting to 192.0.2.7 port 2222
We claim version: SSH-2.0-PuTTY_Release_0.78
Remote version: SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3
Using username \"deploy\".
";

#[test]
fn putty_s_event_log_and_dropbear_s_words_come_to_a_verdict() {
    let last = "No supported authentication methods available (server sent: publickey)\n";
    let rows = [
        (format!("{PUTTY}{last}"), "no-identities", Likely),
        (format!("{PUTTY}Offered public key\nServer refused our key\n{last}"), "no-key-accepted", Likely),
        (format!("{PUTTY}{}", last.replace("publickey", "password")), "server-pubkey-disabled", Likely),
        (
            format!(
                "{PUTTY}Offer of public key accepted\nServer refused public-key signature despite accepting key!\n{last}"
            ),
            "signature-rejected",
            Likely,
        ),
        (format!("{PUTTY}Access granted\nStarted a shell/command\n"), "access-works", Likely),
        (format!("{PUTTY}Access granted\nServer closed network connection\n"), "session-closed", Likely),
        (format!("{PUTTY}Access granted\n"), "undetermined", Possible),
        // Of several addresses one refused; and an earlier login did.
        (
            format!(
                "{}Access granted\nStarted a shell/command\n",
                PUTTY.replace(
                    "We claim",
                    "Failed to connect to 192.0.2.7: Connection refused\nConnecting to 192.0.2.8 port 2222\nWe claim"
                )
            ),
            "access-works",
            Likely,
        ),
        (
            format!("FATAL ERROR: Connection refused\n{PUTTY}Access granted\nStarted a shell/command\n"),
            "access-works",
            Likely,
        ),
        ("FATAL ERROR: Connection refused\n".to_owned(), "connection-refused", Proven),
        (
            "ssh: Connection to deploy@web1:22 exited: Connect failed: Connection refused\n".to_owned(),
            "connection-refused",
            Proven,
        ),
        ("dbclient: ssh-ed25519 host key mismatch for web1 !\n".to_owned(), "host-key-changed", Proven),
    ];
    for (text, wanted, certainty) in rows {
        assert_eq!(cause(&text), (wanted.to_owned(), certainty), "{text}");
    }
    let next = commands(&format!("{PUTTY}Server refused our key\n")).join("\n");
    assert!(next.contains("ssh -vvv -p 2222 deploy@web1"), "{next}");
    // Everyday words alone are nobody's.
    for text in ["Access granted\n", "Offered public key\n", "Connecting to 192.0.2.7 port 22\n"] {
        assert!(read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).is_err(), "{text}");
    }
}

#[test]
fn what_a_paste_holds_is_never_run_by_the_commands_that_are_printed() {
    let log = "Nov 25 02:00:00 web1 sshd[12]: Failed publickey for invalid user -oProxyCommand=touch${IFS}x;# from 10.9.8.7 \
               port 40000 ssh2: ED25519 SHA256:eGc7mDCqlh0qPei\n";
    for command in commands(log) {
        let words = shlex::split(&command).unwrap();
        let name = words.iter().position(|word| word.starts_with("-oProxyCommand"));
        assert!(name.is_none_or(|at| words[at - 1] == "--"), "{command}");
    }
    let typed = "$ ssh -v -o ProxyCommand='touch x' deploy@web1\n";
    let next = commands(&format!("{typed}{REFUSED}")).join("\n");
    assert!(!next.contains("touch"), "{next}");
    let next = commands(&format!("$ ssh -p 22 'a*\\nProxyCommand=x'\n{DENIED}")).join("\n");
    assert!(!next.contains("ProxyCommand"), "{next}");
}

#[test]
fn a_message_of_an_ssh_on_the_server_is_none_of_this_one() {
    let login = transcript("czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX");
    let (before, _) = login.split_once("debug1: No more").unwrap();
    let text = format!(
        "{before}Authenticated to web1 ([192.0.2.7]:22) using \"publickey\".\ndebug1: Entering interactive session.\nssh: \
         connect to host db1 port 22: Connection refused\ndebug1: Exit status 0\n"
    );
    assert_eq!(cause(&text).0, "access-works");
}

#[test]
fn a_host_key_in_ssh_s_own_words_is_named_as_they_name_it() {
    let changed = |sent: &str, known: &str| {
        format!(
            "The fingerprint for the {sent} key sent by the remote host is\nSHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX.\n\
             Offending {known} key in /home/ann/.ssh/known_hosts:12\nHost key for [web1]:2222 has changed and you have \
             requested strict checking.\nHost key verification failed.\n"
        )
    };
    let summary = |text: &str| {
        let report = serde_json::to_value(judged(text)).unwrap();
        report.pointer("/verdict/summary").and_then(serde_json::Value::as_str).unwrap().to_owned()
    };
    let same = changed("ED25519", "ED25519");
    assert!(summary(&same).contains("is not the one known here"), "{}", summary(&same));
    let other = changed("ED25519", "ECDSA");
    assert!(summary(&other).contains("of another type"), "{}", summary(&other));
    let next = commands(&same).join("\n");
    assert!(next.contains("-p 2222 web1") && next.contains("-R '[web1]:2222'"), "{next}");
    let unknown = "No ED25519 host key is known for web1 and you have requested strict checking.\nHost key verification \
                   failed.\n";
    let facts = read_from("ticket.txt", &mut unknown.as_bytes(), &Choice::default()).unwrap();
    let verdict = diagnose(&facts);
    assert_eq!((verdict.first.cause.id, verdict.also.len()), ("host-key-unknown", 0));
    assert!(summary(unknown).contains("of web1"), "{}", summary(unknown));
}

#[test]
fn an_accepted_key_and_a_closed_connection_is_a_refusal() {
    let login = transcript("czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX");
    let (before, _) =
        login.split_once("debug1: Authentications that can continue: publickey\ndebug1: No more").unwrap();
    let text = format!(
        "{before}debug1: Server accepts key: /home/ann/.ssh/id_ed25519 ED25519 \
         SHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX\nConnection closed by 192.0.2.7 port 22\n"
    );
    assert_eq!(cause(&text), ("signature-rejected".to_owned(), Likely));
}

#[test]
fn what_ends_behind_a_jump_host_is_not_laid_at_the_server() {
    let behind =
        "kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n";
    assert_eq!(cause(behind).0, "undetermined");
    assert_eq!(first_alternative(behind).unwrap().0, "jump-host-failed");
    let direct = behind.replace("UNKNOWN port 65535", "192.0.2.7 port 22");
    assert_eq!(cause(&direct).0, "connection-dropped");
}
