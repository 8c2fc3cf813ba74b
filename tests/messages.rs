//! Single messages, as people paste them who never typed -v: what each names, what it leaves open, and that what is to be
//! typed next can be typed.
#![expect(clippy::unwrap_used, reason = "a message that is not read is a test that fails")]

use std::process::Command;

use sshdoctor::checks::Certainty::{self, Likely, Possible, Proven};
use sshdoctor::collect::log::{Choice, read_from};
use sshdoctor::diagnose::{Verdict, diagnose};
use sshdoctor::report::report;

fn verdict(text: &str) -> Verdict {
    diagnose(&read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap())
}

/// Each command of the report, in the order in which it is printed.
fn commands(text: &str) -> Vec<String> {
    let facts = read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap();
    let report = serde_json::to_value(report(&facts, &diagnose(&facts))).unwrap();
    let steps =
        report.pointer("/verdict/next_steps").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    steps.iter().filter_map(|row| row.pointer("/command")?.as_str().map(str::to_owned)).collect()
}

#[track_caller]
fn assert_verdict(text: &str, cause: &str, certainty: Certainty) {
    let verdict = verdict(text);
    assert_eq!((verdict.first.cause.id, verdict.first.finding.certainty), (cause, certainty), "{text}");
}

/// The alternative that stands first, and its certainty.
fn first_alternative(text: &str) -> Option<(&'static str, Certainty)> {
    verdict(text).first.finding.alternatives.first().map(|other| (other.cause, other.certainty))
}

#[test]
fn what_the_account_s_side_says_names_the_cause() {
    let rows = [
        (
            "$ ssh bob@web1\nThis account is currently not available.\nConnection to web1 closed.\n",
            "shell-refuses-login",
        ),
        ("This account is currently not available.\n", "shell-refuses-login"),
        (
            "$ ssh bob@web1 id\nWARNING: Your password has expired.\nPassword change required but no TTY available.\n",
            "password-change-required",
        ),
        (
            "You are required to change your password immediately (administrator enforced).\nWARNING: Your password has \
             expired.\nYou must change your password now and login again!\nChanging password for bob.\n",
            "password-change-required",
        ),
        (
            "$ ssh root@vm1\nPlease login as the user \"ubuntu\" rather than the user \"root\".\n\nConnection to vm1 closed.\n",
            "login-as-other-user",
        ),
        ("This service allows sftp connections only.\nConnection to web1 closed.\n", "forced-command"),
        ("PTY allocation request failed on channel 0\n", "channel-refused"),
        ("$ sftp bob@web1\nsubsystem request failed on channel 0\nConnection closed\n", "channel-refused"),
        ("exec request failed on channel 0\n", "channel-refused"),
        ("channel 0: open failed: connect failed: open failed\n", "channel-refused"),
        (
            "Received message too long 1214606444\nEnsure the remote shell produces no output for non-interactive \
             sessions.\n",
            "shell-startup-prints",
        ),
        ("Hi bob! You've successfully authenticated, but GitHub does not provide shell access.\n", "access-works"),
        (
            "PTY allocation request failed on channel 0\nHi bob! You've successfully authenticated, but GitHub does not \
             provide shell access.\n",
            "access-works",
        ),
        ("Welcome to GitLab, @bob!\n", "access-works"),
    ];
    for (text, cause) in rows {
        assert_verdict(text, cause, Likely);
    }
}

#[test]
fn near_misses_accuse_nobody() {
    // The same words in prose, or before an end that says otherwise.
    for text in [
        "Permission denied (publickey) is what I get, and he said: This account is currently not available.\n",
        "bob@web1: Permission denied (publickey).\nI changed my password now and it does not help.\n",
    ] {
        assert_verdict(text, "undetermined", Possible);
    }
    assert_verdict(
        "This account is currently not available.\nbob@web1: Permission denied (publickey).\n",
        "undetermined",
        Possible,
    );
    // A channel to another host, and no session.
    assert_verdict(
        "channel 0: open failed: administratively prohibited: open failed\n",
        "jump-forwarding-refused",
        Likely,
    );
}

#[test]
fn an_account_that_su_names_is_not_the_one_that_logged_in() {
    let session = "$ ssh ubuntu@web1\nWelcome to Ubuntu\nubuntu@web1:~$ sudo su - git\nThis account is currently not \
                   available.\nConnection to web1 closed.\n";
    assert_verdict(session, "undetermined", Possible);
}

#[test]
fn other_programs_words_that_look_alike_are_none_of_ssh_s() {
    let rows = [
        "/home/bob/bin/ssh-deploy.sh: line 3: foo: command not found\n",
        "/etc/profile.d/ssh-agent.sh: line 4: SSH_AUTH_SOCK: unbound variable\n",
        "/home/bob/.zshrc line 3: Bad math expression\n",
        "rsync: [sender] send_files failed to open \"/etc/shadow\": Permission denied (13)\n",
        "java.io.IOException: Permission denied (errno 13)\n",
    ];
    for row in rows {
        let text = format!("{row}Connection closed by 192.0.2.7 port 22\n");
        assert_verdict(&text, "undetermined", Possible);
        assert_eq!(first_alternative(&text), Some(("signature-rejected", Possible)), "{text}");
    }
    // sshd's own log of somebody who left.
    let left = "Received disconnect from 10.0.0.7 port 51234:11: disconnected by user\nDisconnected from user bob 10.0.0.7 port \
                51234\n";
    assert_ne!(verdict(left).first.cause.id, "server-disconnected");
    let idle = "bob@web1's password:\nReceived disconnect from 10.0.0.7 port 22:11: Idle connection\n";
    assert!(!format!("{:?}", verdict(idle).first.finding.evidence).contains("before the server"));
}

#[test]
fn a_warning_alone_is_the_first_to_look_at() {
    let rows = [
        ("Load key \"/home/b/.ssh/id_rsa\": invalid format\n", "key-file-malformed"),
        ("Load key \"/home/b/.ssh/id_rsa\": Permission denied\n", "key-file-unreadable"),
        ("Warning: Identity file k.pem not accessible: No such file or directory.\n", "identity-file-missing"),
        ("Permissions 0644 for '/home/b/.ssh/id_rsa' are too open.\n", "key-file-permissions"),
    ];
    for (text, first) in rows {
        assert_verdict(text, "undetermined", Possible);
        assert_eq!(first_alternative(text), Some((first, Likely)), "{text}");
    }
    assert_eq!(first_alternative("bob@web1's password: \n"), Some(("access-needs-answer", Possible)));
}

#[test]
fn a_warning_before_the_first_line_is_of_the_same_run() {
    let text = "$ ssh -v -i k.pem -p 2222 bob@web1\nWarning: Identity file k.pem not accessible: No such file or directory.\n\
                OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.13 30 Jan 2024\ndebug1: Connecting to web1 [192.0.2.7] port 2222.\n\
                debug1: connect to address 192.0.2.7 port 2222: Connection refused\nssh: connect to host web1 port 2222: \
                Connection refused\n";
    assert_verdict(text, "connection-refused", Proven);
    let facts = read_from("ticket.txt", &mut text.as_bytes(), &Choice::default()).unwrap();
    assert_eq!(facts.log.unwrap().others_count, 0);
}

#[test]
fn a_git_host_that_denies_a_repository_let_the_key_in() {
    for words in ["ERROR: Repository not found.", "ERROR: Permission to acme/api.git denied to bob."] {
        let text = format!("$ git push\n{words}\nfatal: Could not read from remote repository.\n");
        assert_verdict(&text, "git-repository-denied", Likely);
    }
}

#[test]
fn an_accepted_key_in_a_login_that_is_denied_works_for_nobody() {
    let begun = "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.13 30 Jan 2024\ndebug1: Connecting to web1 [192.0.2.7] port 22.\n\
                 debug1: Connection established.\ndebug1: Remote protocol version 2.0, remote software version \
                 OpenSSH_9.2p1\ndebug1: Authenticating to web1:22 as 'bob'\ndebug1: SSH2_MSG_SERVICE_ACCEPT \
                 received\ndebug1: Authentications that can continue: publickey\ndebug1: Next authentication method: \
                 publickey\ndebug1: Offering public key: /home/b/.ssh/id_rsa RSA \
                 SHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX\ndebug1: Server accepts key: /home/b/.ssh/id_rsa RSA \
                 SHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX\n";
    let end = "debug1: Trying private key: /home/b/.ssh/id_dsa\ndebug1: No more authentication methods to try.\nbob@web1: \
               Permission denied (publickey).\n";
    let nobody = "debug1: read_passphrase: can't open /dev/tty: No such device or address\n";
    assert_verdict(&format!("{begun}{nobody}{end}"), "key-passphrase-needed", Likely);
    assert_verdict(&format!("{begun}{end}"), "key-passphrase-needed", Likely);
    assert_verdict(begun, "undetermined", Possible);
}

#[test]
fn a_host_that_the_last_words_name_is_in_the_next_command() {
    let text = "Please login as the user \"ubuntu\" rather than the user \"root\".\nConnection to 192.0.2.7 closed.\n";
    assert_eq!(commands(text)[0], "ssh ubuntu@192.0.2.7");
    // A house's own text is none of cloud-init's.
    let house = "Please login as the user \"bob\" for maintenance work.\nConnection to web1 closed.\n";
    assert_verdict(house, "undetermined", Possible);
    let greeting = verdict("Hi bob! You've successfully authenticated, but GitHub does not provide shell access.\n");
    assert!(greeting.first.finding.summary.contains("the account bob"), "{}", greeting.first.finding.summary);
}

#[test]
fn an_end_that_says_otherwise_answers_no_password() {
    let begun = "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.13 30 Jan 2024\ndebug1: Connecting to web1 [192.0.2.7] port 22.\n\
                 debug1: Connection established.\ndebug1: Remote protocol version 2.0, remote software version \
                 OpenSSH_9.2p1\ndebug1: SSH2_MSG_SERVICE_ACCEPT received\ndebug1: Authentications that can continue: \
                 password\ndebug1: Next authentication method: password\nbob@web1's password: \n";
    let ended = |words: &str| format!("{begun}Received disconnect from 192.0.2.7 port 22:{words}\n");
    assert_verdict(&ended("2: Too many authentication failures"), "password-rejected", Likely);
    assert_verdict(&ended("11: server going down"), "server-disconnected", Proven);
}

#[test]
fn a_pipe_that_breaks_is_no_damaged_stream() {
    let text = "ssh_dispatch_run_fatal: Connection to 192.0.2.7 port 22: Broken pipe\n";
    assert_eq!(first_alternative(text), Some(("signature-rejected", Possible)));
}

#[test]
fn an_account_that_is_kept_out_says_so_before_the_login() {
    let expired = "$ ssh bob@web1\nYour account has expired; please contact your system administrator.\nConnection closed by \
                   192.0.2.7 port 22\n";
    let nologin = "System is going down. Unprivileged users are not permitted to log in anymore. For technical details, see \
                   pam_nologin(8).\n\nConnection closed by 192.0.2.7 port 22\n";
    assert_eq!(first_alternative(expired), Some(("server-account-expired", Likely)));
    assert_eq!(first_alternative(nologin), Some(("server-nologin-file", Likely)));
    assert!(verdict(expired).first.finding.summary.contains("Your account has expired"));
}

#[test]
fn four_bytes_in_place_of_sftp_leave_open_whose_they_are() {
    let this = u32::from_be_bytes(*b"This");
    let text = format!("Received message too long {this}\n");
    assert_verdict(&text, "shell-startup-prints", Likely);
    assert_eq!(first_alternative(&text), Some(("shell-refuses-login", Likely)));
}

#[test]
fn an_end_without_a_step_has_what_may_have_ended_it() {
    let rows = [
        ("Connection closed by 192.0.2.7 port 22\n", "signature-rejected"),
        ("Connection reset by 192.0.2.7 port 22\n", "signature-rejected"),
        ("ssh: connect to host web1 port 22: Unknown error\n", "connection-timeout"),
        ("ssh: connect to host web1 port 22: Bad file number\n", "connection-timeout"),
        ("client_loop: send disconnect: Broken pipe\n", "session-closed"),
        ("bob@web1:~$ client_loop: send disconnect: Broken pipe\n", "session-closed"),
        ("Connection to web1 closed by remote host.\nConnection to web1 closed.\n", "session-closed"),
        ("Timeout, server web1 not responding.\n", "session-closed"),
        (
            "Bad packet length 1397966893.\nssh_dispatch_run_fatal: Connection to 192.0.2.7 port 22: Connection corrupted\n",
            "protocol-error",
        ),
        (
            "Corrupted MAC on input.\nssh_dispatch_run_fatal: Connection to 192.0.2.7 port 22: message authentication code \
             incorrect\n",
            "protocol-error",
        ),
    ];
    for (text, first) in rows {
        assert_verdict(text, "undetermined", Possible);
        assert_eq!(first_alternative(text), Some((first, Possible)), "{text}");
    }
}

#[test]
fn silence_in_place_of_an_identification_is_no_drop() {
    let words = "kex_exchange_identification: read: Connection timed out\nbanner exchange: Connection to 192.0.2.7 port 22: \
                 Connection timed out\n";
    assert_verdict(words, "banner-timeout", Likely);
}

#[test]
fn what_ssh_says_before_it_connects_is_its_configuration_s() {
    for text in [
        "command-line line 0: Bad SSH2 KexAlgorithms 'x'.\n",
        "/home/b/.ssh/config line 7: Bad yes/no argument.\n",
        "vdollar_percent_expand: env var ${NOPE} has no value\ninvalid environment variable expansion\n",
        "Cannot execute command-line and remote command.\n",
        "KnownHostsCommand-ORDER /bin/false failed, status 1\nKnownHostsCommand failed\n",
        "remote username contains invalid characters\n",
        "hostname contains invalid characters\n",
        "percent_expand: unknown key %q\n",
        "No user exists for uid 1000\n",
    ] {
        assert_verdict(text, "client-config-error", Proven);
    }
    assert_verdict(
        "getifaddrs: eth9: no suitable addresses\nssh: connect to host web1 port 22: failure\n",
        "bind-address-unusable",
        Proven,
    );
    // What listens for a forwarding, and other programs' and sshd's lines, are none of it.
    for text in [
        "bind [127.0.0.1]:8080: Address already in use\nchannel_setup_fwd_listener_tcpip: cannot listen to port: 8080\nCould \
         not request local forwarding.\n",
        "/etc/ssh/sshd_config line 7: Bad yes/no argument.\n",
    ] {
        assert_verdict(text, "undetermined", Possible);
    }
    // What the server sent is none of it.
    assert_ne!(
        verdict("Bad remote protocol version identification: 'HTTP/1.1 400 Bad Request'\n").first.cause.id,
        "client-config-error"
    );
}

#[test]
fn a_host_certificate_that_ssh_names_is_named() {
    for why in ["expired", "name is not a listed principal"] {
        let text = format!("Certificate invalid: {why}\nHost key verification failed.\n");
        assert_verdict(&text, "host-certificate-invalid", Likely);
    }
    // The certificate was passed over, and ssh went on with the plain key.
    assert_verdict(
        "Certificate invalid: expired\nbob@web1: Permission denied (publickey).\n",
        "undetermined",
        Possible,
    );
    assert_verdict("Host key verification failed.\n", "undetermined", Possible);
    let changed = "Certificate invalid: expired\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key for \
                   web1 has changed and you have requested strict checking.\nHost key verification failed.\n";
    assert_verdict(changed, "host-key-changed", Proven);
}

#[test]
fn a_host_key_that_is_too_short_or_of_another_address_is_named() {
    assert_verdict("Bad server host key: Invalid key length\n", "rsa-key-too-small", Likely);
    let warning = "Warning: the ED25519 host key for 'web1' differs from the key for the IP address '192.0.2.7'\nOffending key \
                   for IP in /home/b/.ssh/known_hosts:2\nMatching host key in /home/b/.ssh/known_hosts:1\n";
    let refused = format!("{warning}Exiting, you have requested strict checking.\nHost key verification failed.\n");
    assert_verdict(&refused, "host-key-changed", Proven);
    assert!(commands(&refused).iter().any(|command| command.ends_with(" -R 192.0.2.7")), "{:?}", commands(&refused));
    // It is a warning, where ssh goes on.
    assert_verdict(&format!("{warning}bob@web1: Permission denied (publickey).\n"), "undetermined", Possible);
}

#[test]
fn lines_that_end_while_ssh_waits_say_for_what() {
    let begun = "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.13 30 Jan 2024\ndebug1: Connecting to web1 [2001:db8::7] port 22.\n";
    let rows = [
        (begun.to_owned(), "connection-timeout"),
        (format!("{begun}debug1: Connection established.\n"), "banner-timeout"),
        (
            "The authenticity of host 'web1 (192.0.2.7)' can't be established.\nED25519 key fingerprint is \
             SHA256:czyIVyHMXJtfejW8bzxMSGHdGWXXN3uDQyczyIVyHMX.\nAre you sure you want to continue connecting \
             (yes/no/[fingerprint])?\n"
                .to_owned(),
            "host-key-unknown",
        ),
    ];
    for (text, first) in rows {
        assert_verdict(&text, "undetermined", Possible);
        assert_eq!(first_alternative(&text), Some((first, Possible)), "{text}");
    }
}

#[test]
fn an_authenticator_that_does_not_sign_is_no_broken_file() {
    for why in ["device not found", "invalid format"] {
        let text = format!(
            "sign_and_send_pubkey: signing failed for ED25519-SK \"/home/b/.ssh/id_ed25519_sk\": {why}\nbob@web1: Permission \
             denied (publickey).\n"
        );
        assert_verdict(&text, "hardware-key-unavailable", Likely);
        assert!(!format!("{:?}", verdict(&text).first.finding.evidence).contains("hidraw"));
    }
}

#[test]
fn a_key_that_may_not_be_read_is_there() {
    let text = "Load key \"/home/b/.ssh/id_rsa\": Permission denied\nbob@web1: Permission denied (publickey).\n";
    assert_verdict(text, "key-file-unreadable", Likely);
}

/// The warning about a key that others may read.
fn too_open(path: &str) -> String {
    format!(
        "Permissions 0777 for '{path}' are too open.\nThis private key will be ignored.\nLoad key \"{path}\": bad \
         permissions\nubuntu@web1: Permission denied (publickey).\n"
    )
}

#[test]
fn where_chmod_changes_nothing_a_copy_is_made() {
    for path in ["/mnt/c/Users/bob/key.pem", "/run/secrets/key.pem"] {
        let text = too_open(path);
        assert_verdict(&text, "key-file-permissions", Likely);
        let commands = commands(&text);
        assert!(commands[0].contains(&format!("install -m 600 {path} ~/.ssh/key.pem")), "{commands:?}");
        assert!(commands[0].contains("test -e ~/.ssh/key.pem ||"), "{commands:?}");
        assert!(commands.iter().all(|command| !command.contains("chmod 600 /")), "{commands:?}");
    }
    // Nothing that a path holds becomes an option, and no key is lost.
    let hostile = commands(&too_open("/mnt/c/-oProxyCommand=touch x"));
    assert!(hostile[1].starts_with("ssh -i ~/.ssh/'copy-of--oProxyCommand=touch x' "), "{hostile:?}");
    assert!(commands(&too_open("/mnt/c/Users/b/.ssh/id_rsa"))[0].ends_with(" ~/.ssh/copy-of-id_rsa; }"));
    for path in ["/mnt/data/key.pem", "/mnt/cc/key.pem", "/home/bob/mnt/c/key.pem"] {
        assert_eq!(commands(&too_open(path)), [format!("chmod 600 {path}")]);
    }
}

#[test]
fn sudo_is_kept_and_said_to_change_the_account() {
    let text = "$ sudo ssh -p 2222 bob@web1\nbob@web1: Permission denied (publickey).\n";
    assert_eq!(first_alternative(text), Some(("wrong-local-account", Likely)));
    assert_eq!(commands(text)[0], "sudo ssh -vvv -p 2222 bob@web1");
    let plain = "$ ssh -p 2222 bob@web1\nbob@web1: Permission denied (publickey).\n";
    assert_eq!(first_alternative(plain), Some(("no-key-accepted", Possible)));
}

/// The kit that the report tells to print can be printed, and asks about that login.
#[test]
fn the_kit_of_the_report_is_of_the_login_that_was_typed() {
    for typed in ["ssh bob@web1", "ssh -p 2222 -i '/home/b/a key' bob@web1", "ssh -J hop -l bob web1"] {
        let text = format!("$ {typed}\nbob@web1: Permission denied (publickey).\n");
        let commands = commands(&text);
        let command = commands.iter().find(|command| command.starts_with("sshdoctor log --kit ")).unwrap();
        let words = shlex::split(command).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_sshdoctor")).args(&words[1..]).output().unwrap();
        let kit = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        for word in shlex::split(typed).unwrap().iter().skip(1) {
            assert!(kit.contains(&format!("'{word}'")), "{command}: no {word}");
        }
    }
}
