//! What the command line promises, asked of the program itself and compared with the installed ssh.
#![expect(clippy::unwrap_used, reason = "a test that cannot look is a test that fails")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sshdoctor::collect::{self, Request};
use sshdoctor::facts::config::ComplaintKind;
use sshdoctor::facts::{Facts, Source, UserFrom};
use sshdoctor::openssh::arguments;

fn words(line: &str) -> Vec<OsString> {
    shlex::split(line).unwrap().into_iter().map(OsString::from).collect()
}

fn sshdoctor(line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sshdoctor")).args(words(line)).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

/// The facts of the configuration that this command line leads to.
fn observed(line: &str) -> Facts {
    let arguments = arguments::parse(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
    let request = Request { arguments, ..Request::default() };
    let mut facts = Facts::default();
    collect::run::collect(&mut facts);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(collect::config::collect(&request, &mut facts));
    facts
}

/// A port of loopback at which nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn help_and_version_are_printed_and_exit_0() {
    let help = sshdoctor("--help");
    assert_eq!(help.status.code(), Some(0));
    let text = said(&help.stdout);
    for part in ["[user@]host", "--no-login", "Exit status", "What it does to the server", "Examples", "-vvNp 2222"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, [""; 0]);
    assert_eq!(said(&sshdoctor("-h").stdout), text);
    let version = sshdoctor("--version");
    assert_eq!(said(&version.stdout), format!("sshdoctor {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(version.status.code(), Some(0));
}

#[test]
fn what_cannot_be_followed_exits_2_with_a_sentence_and_an_empty_stdout() {
    for (line, part) in [
        ("diagnose", "no target"),
        ("-p 22", "no host"),
        ("ssh", "no host"),
        ("-V", "makes no login"),
        ("ssh -Q cipher", "makes no login"),
        ("-G web1", "makes no login"),
        ("-O check web1", "makes no login"),
        ("web1 -p", "-p needs a value"),
        ("--no-logn web1", "did you mean --no-login?"),
        ("--format xml web1", "xml"),
        ("--format json --brief web1", "--brief is for Markdown"),
        ("--timeout 0 web1", "0"),
        ("--timeout", "--timeout"),
        ("--only-offered --all-keys web1", "cannot be used with"),
        ("--offer k.pub --all-keys web1", "cannot be used with"),
        ("--expect refused web1", "--offer"),
        ("--ask-password", "no target"),
        ("--ask-password --no-login web1", "cannot be used with"),
        ("--offer no-such.pub web1", "no-such.pub: ENOENT"),
        ("--offer / web1", "/ is a folder"),
        ("--offer - web1", "standard input holds no public key"),
        ("--offer Cargo.toml web1", "Cargo.toml holds no public key"),
        ("explain no-such-cause", "no-such-cause"),
        ("explain a b", "one cause"),
        ("demo no-such-incident", "no-such-incident"),
        ("server a b", "b"),
        ("server --collected no-such-file", "no-such-file: No such file"),
        ("server --collected Cargo.toml", "Cargo.toml"),
        ("log no-such-file", "no-such-file: No such file"),
        ("log Cargo.toml", "none of"),
        ("log tests", "tests: it is a folder"),
        ("log", "FILE"),
        ("case x", "case: x: No such file"),
        ("compare a b", "`sshdoctor diagnose compare`"),
        ("fleet a b", "`sshdoctor diagnose fleet`"),
        ("audit", "`sshdoctor diagnose audit`"),
        ("scp a b", "no remote host"),
        ("rsync a b", "no remote host"),
        ("rsync web1::module .", "an rsync daemon"),
        ("rsync -e rsh a web1:", "through rsh"),
        ("git", "no git command"),
        ("git status", "no command that goes to another repository"),
        ("git clone https://web1/x", "by https and not by ssh"),
        ("git clone ../x", "a folder of this machine"),
        ("git -c core.sshCommand=plink clone web1:x", "plink"),
        ("git -c core.sshCommand='ssh -i $KEY' clone web1:x", "needs a shell"),
    ] {
        let output = sshdoctor(line);
        let stderr = said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(part), "{line}: {stderr}");
        assert!(output.stdout.is_empty(), "{line}");
    }
}

#[test]
fn without_a_target_this_client_is_looked_at_and_nothing_is_contacted() {
    for line in ["--format json", "--format json -v", "--no-login --format json"] {
        let output = sshdoctor(line);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said(&output.stderr), "", "{line}");
        assert_eq!(report["schema"], "sshdoctor-report/1");
        for absent in ["target", "server", "footprint"] {
            assert!(report[absent].is_null(), "{line}: {absent}");
        }
        let found = report["verdict"]["cause"] != "nothing-found";
        assert_eq!(output.status.code(), Some(i32::from(found)), "{line}: {}", report["verdict"]);
        let checks = report["checks"].as_array().unwrap();
        let of = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap();
        assert_eq!((of("connect")["status"].as_str(), of("login")["status"].as_str()), (Some("skip"), Some("skip")));
        assert_ne!(of("client-config")["status"], "skip");
    }
    let text = said(&sshdoctor("").stdout);
    assert!(text.contains("\n  Checks\n") && text.contains("the check-up makes no login"), "{text}");
}

#[test]
fn explain_lists_the_causes_and_explains_one() {
    let list = sshdoctor("explain");
    assert_eq!(list.status.code(), Some(0));
    assert!(said(&list.stdout).contains("no-key-accepted"));
    let one = sshdoctor("explain no-key-accepted");
    assert_eq!(one.status.code(), Some(0));
    assert!(said(&one.stdout).contains("no-key-accepted"));
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let line = format!("--format json -F none -o BatchMode=yes -p {} a@127.0.0.1 ls", closed_port());
    let output = sshdoctor(&line);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], "sshdoctor-report/1");
    assert!(output.stdout.ends_with(b"}\n"));
    assert_eq!(said(&output.stderr), "");
    assert_ne!(output.status.code(), Some(2));
}

#[test]
fn what_ssh_would_refuse_is_no_usage_error_of_ours() {
    for option in ["-o Nonsense=1", "-oPort=abc", "-p 99999", "-c no-such-cipher", "-F /nonexistent/config"] {
        let output = sshdoctor(&format!("--format json {option} 127.0.0.1"));
        assert_ne!(output.status.code(), Some(2), "{option}: {}", said(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    }
}

#[test]
fn report_and_case_are_written_where_the_person_says() {
    let folder = tempfile::tempdir().unwrap();
    let (report, case) = (folder.path().join("report.md"), folder.path().join("case.json"));
    let login = format!("-F none -p {} 127.0.0.1", closed_port());
    let line = format!("--format markdown --output {} --save {} {login}", report.display(), case.display());
    let output = sshdoctor(&line);
    assert!(output.stdout.is_empty(), "{}", said(&output.stdout));
    assert!(!fs::read_to_string(&report).unwrap().is_empty());
    collect::case::from_json(&fs::read_to_string(&case).unwrap()).unwrap();

    let output = sshdoctor(&format!("--output {}/no/such/folder {login}", folder.path().display()));
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output.stderr).contains("/no/such/folder cannot be written"), "{}", said(&output.stderr));
}

/// What is read is never written over, by whatever name it is called, nor one file by two outputs.
#[test]
fn nothing_that_is_read_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let words = "deploy@web1: Permission denied (publickey).\n";
    let paste = folder.path().join("paste.txt");
    fs::write(&paste, words).unwrap();
    std::os::unix::fs::symlink(&paste, folder.path().join("link")).unwrap();
    std::os::unix::fs::symlink("new", folder.path().join("dangling")).unwrap();
    for outputs in [
        "--output HOME/paste.txt",
        "--output HOME/link",
        "--save HOME/./paste.txt",
        "--redact --redact-map HOME/paste.txt",
        "--output HOME/new --save HOME/new",
        "--output HOME/new --save HOME/./new",
        "--output HOME/new --save HOME/dangling",
        "--redact --lines --output HOME/paste.txt",
    ] {
        let output = sshdoctor(&format!("log {outputs} HOME/paste.txt").replace("HOME", home));
        assert_eq!(output.status.code(), Some(2), "{outputs}");
        assert!(said(&output.stderr).contains("name another file"), "{outputs}: {}", said(&output.stderr));
        assert_eq!(fs::read_to_string(&paste).unwrap(), words, "{outputs}");
        assert!(!folder.path().join("new").exists(), "{outputs}");
    }
    let redirected = Command::new(env!("CARGO_BIN_EXE_sshdoctor"))
        .args(["log", "-", "--output"])
        .arg(&paste)
        .stdin(fs::File::open(&paste).unwrap())
        .output()
        .unwrap();
    assert_eq!(redirected.status.code(), Some(2), "{}", said(&redirected.stderr));
    assert_eq!(fs::read_to_string(&paste).unwrap(), words);
    assert!(sshdoctor(&format!("log --save {home}/case.json {home}/paste.txt")).status.code() != Some(2));
    let again = sshdoctor(&format!("case --save {home}/case.json {home}/case.json"));
    assert_eq!(again.status.code(), Some(2), "{}", said(&again.stderr));
    assert!(sshdoctor(&format!("log --output /dev/null --save /dev/null {home}/paste.txt")).status.code() != Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let script = format!("{} explain | true", env!("CARGO_BIN_EXE_sshdoctor"));
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(said(&output.stderr), "");
}

#[test]
fn a_remote_command_is_never_run_and_never_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mark, log) = (folder.path().join("mark"), folder.path().join("log"));
    // An ssh that tells what it is given, and would run a command.
    let fake = folder.path().join("ssh");
    fs::write(&fake, format!("#!/bin/sh\necho \"$@\" >> {}\nexec /usr/bin/ssh \"$@\"\n", log.display())).unwrap();
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let observed = observed(&format!("{} -F none 127.0.0.1 touch {}", fake.display(), mark.display()));
    assert!(observed.config.evaluated);
    let given = fs::read_to_string(&log).unwrap();
    assert!(given.contains("-G") && !given.contains("touch"), "{given}");
    assert!(!mark.exists());
}

/// Options that our own run of ssh changes, or that cannot matter for a login.
const OURS: &[&str] = &["loglevel", "controlmaster", "sessiontype", "requesttty", "forkafterauthentication"];

/// What the installed ssh makes of the command line; `None` where it refuses.
fn of_ssh(line: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let words: Vec<OsString> = words(line);
    let output = Command::new("ssh").arg("-G").args(&words).stdin(Stdio::null()).output().unwrap();
    let text = said(&output.stdout);
    let mut options = BTreeMap::<String, Vec<String>>::new();
    for (keyword, value) in text.lines().map(|line| line.split_once(' ').unwrap_or((line, ""))) {
        options.entry(keyword.to_lowercase()).or_default().push(value.to_owned());
    }
    output.status.success().then_some(options)
}

/// Command lines of ssh, its options in every spelling.
const COMMAND_LINES: &[&str] = &[
    "web1",
    "-F none web1",
    "a@web1",
    "a@b@web1",
    "-l a web1",
    "-la web1",
    "web1 -l a",
    "b@web1 -l a",
    "-l a b@web1",
    "-o User=c -l a b@web1",
    "-oUser=c web1",
    "-p 22 web1",
    "-p22 web1",
    "web1 -p22",
    "-vvNp 2222 web1",
    "-vvNp2222 web1",
    "-NTCp2222 -la web1",
    "-oPort=22 web1",
    "-o Port=22 web1",
    "-o 'Port 22' web1",
    "-o ' port = 22' web1",
    "-o 'Port \"22\"' web1",
    "-p 1 -oPort=2 web1",
    "-oPort=2 -p 1 web1",
    "-p 1 -p 2 web1",
    "ssh://web1",
    "ssh://a@web1:2222",
    "ssh://a%40b;x=1@web1:2222/",
    "-p 1 ssh://web1:2",
    "ssh://web1:2 -p 1",
    "::1",
    "a@::1",
    "a@fe80::1%lo",
    "127.0.0.1",
    "-- web1",
    "-p 5 -- web1 -p 6",
    "web1 -p 5 -- ls",
    "web1 ls -p 6",
    "-4 web1",
    "-46 web1",
    "-6AC web1",
    "-J hop web1",
    "-J a@hop:23,other web1",
    "jumped",
    "-i /dev/null web1",
    "-i/dev/zero -i /dev/null -o IdentitiesOnly=yes web1",
    "-b 127.0.0.1 -B lo web1",
    "-c aes128-ctr -m hmac-sha2-256 web1",
    "-S none web1",
    "-S /tmp/%h-%p web1",
    "-L 1:localhost:2 -R 3:localhost:4 -D 5 web1",
    "-W other:22 web1",
    "-w any web1",
    "-e none -I none web1",
    "-aknxTg web1",
    "-X web1",
    "-Y web1",
    "-K web1",
    "-tt web1",
    "-oBatchMode=yes -oStrictHostKeyChecking=accept-new web1",
    "-o HostKeyAlias=other -o HostName=127.0.0.1 web1",
    "x.pattern",
    "WEB1",
    "remote -oRemoteCommand=none uptime",
    "-qfnN web1",
    "-My web1",
    "-P tag web1",
];

#[test]
fn options_in_every_spelling_give_the_same_target_as_ssh() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::write(
        &config,
        "Host web1\n  HostName web1.example.org\n  User deploy\n  Port 2200\n\
         Host jumped\n  ProxyJump hop,ops@other:23\n\
         Match host web* user root\n  IdentityFile /dev/null\n\
         Host remote\n  RemoteCommand uptime\n\
         Host *.pattern\n  HostName %h.example.net\n",
    )
    .unwrap();
    let config = config.display();
    let mut compared = 0;
    for line in COMMAND_LINES {
        let line = if line.contains("-F") { (*line).to_owned() } else { format!("-F {config} {line}") };
        let grammar = arguments::parse_as(Some("ssh"), &words(&line), !line.contains("-P tag")).unwrap();
        let request = Request { arguments: grammar, ..Request::default() };
        let mut facts = Facts::default();
        collect::run::collect(&mut facts);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(collect::config::collect(&request, &mut facts));
        let Some(theirs) = of_ssh(&line) else { panic!("{line}: ssh refuses it") };
        assert!(facts.config.evaluated, "{line}: {:?}", facts.config.complaint);
        let mut ours = BTreeMap::<String, Vec<String>>::new();
        for (keyword, value) in &facts.config.options.0 {
            ours.entry(keyword.clone()).or_default().push(value.to_string());
        }
        for keyword in theirs.keys().chain(ours.keys()).filter(|keyword| !OURS.contains(&keyword.as_str())) {
            assert_eq!(ours.get(keyword), theirs.get(keyword), "{line}: {keyword}");
        }
        let target = facts.target.unwrap();
        let named = [target.user.to_string(), target.host.to_string(), target.port.to_string()];
        assert_eq!(named, ["user", "hostname", "port"].map(|keyword| theirs[keyword][0].clone()), "{line}");
        compared += 1;
    }
    assert!(compared >= 40);
}

#[test]
fn scp_and_sftp_mean_the_login_that_they_make() {
    for (line, user, host, port) in [
        ("scp -F none -P 2222 a@web1:f .", "a", "web1", 2222),
        ("scp -F none -P 1 scp://a@web1:2/f .", "a", "web1", 2),
        ("scp -F none -oPort=3 -P 1 f a@web1:", "a", "web1", 3),
        ("/usr/bin/scp -rp -Fnone -l 100 -oUser=b f a@web1:", "b", "web1", 22),
        ("sftp -F none -P 2222 a@web1", "a", "web1", 2222),
        ("sftp -F none -B 100 -R 5 sftp://a@web1:2/d", "a", "web1", 2),
        ("scp -F none f a@[::1]:", "a", "::1", 22),
    ] {
        let target = observed(line).target.unwrap();
        assert_eq!(
            (target.user.to_string(), target.host.to_string(), target.port),
            (user.into(), host.into(), port),
            "{line}"
        );
        assert_eq!(target.command.unwrap(), "sftp", "{line}");
    }
}

#[test]
fn who_chose_the_account_is_told_from_what_ssh_takes_first() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let local = observed("-F none web1").run.user;
    fs::write(
        &config,
        format!("Host same\n  User {local}\nHost other\n  User somebody\nMatch host all,all2\n  Port 23\n"),
    )
    .unwrap();
    let config = config.display();
    for (line, from) in [
        ("a@same", UserFrom::CommandLine),
        ("-l a other", UserFrom::CommandLine),
        ("-o User=a b@same", UserFrom::Config),
        ("other", UserFrom::Config),
        ("same", UserFrom::Config),
        ("all", UserFrom::LocalAccount),
        ("unnamed", UserFrom::LocalAccount),
    ] {
        let facts = observed(&format!("-F {config} {line}"));
        assert_eq!(facts.target.unwrap().user_from, from, "{line}");
    }
}

#[test]
fn complaints_name_their_file_line_and_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let complaint = |text: &str, line: &str| {
        fs::write(&path, text).unwrap();
        let facts = observed(&format!("-F {} {line} web1", path.display()));
        assert!(!facts.config.evaluated && facts.config.ssh.is_ok(), "{text}");
        facts.config.complaint.unwrap()
    };
    let at = |line: u32| Source::File { path: sshdoctor::facts::text::Path::from_path(&path), line: Some(line) };

    let found = complaint("Host *\n  Prot 22\n", "");
    assert_eq!((found.kind, &found.at), (ComplaintKind::UnknownOption, &at(2)));
    assert_eq!(found.line.unwrap(), "  Prot 22");

    let found = complaint("\n\nPort x\n", "");
    assert_eq!((found.kind, &found.at), (ComplaintKind::BadValue, &at(3)));

    let found = complaint("", "-o Nonsense=1 -p 22");
    assert_eq!((found.kind, &found.at), (ComplaintKind::UnknownOption, &Source::CommandLine));
    assert_eq!(found.line.unwrap(), "-o Nonsense=1");

    let found = complaint("", "-p 99999");
    assert_eq!((found.kind, &found.at), (ComplaintKind::BadValue, &Source::CommandLine));
    assert_eq!(found.line.unwrap(), "-p 99999");

    let found = complaint("", "-Z");
    assert_eq!(found.kind, ComplaintKind::Other);
    assert!(!found.said.is_empty());

    // ssh.c: "Cannot execute command-line and remote command."
    let facts = observed(&format!("-F {} -o RemoteCommand=x web1 ls", path.display()));
    let found = facts.config.complaint.unwrap();
    assert_eq!((found.kind, found.said.len()), (ComplaintKind::Other, 1), "{:?}", found.said);
}

#[test]
fn applied_lines_aliases_and_missing_identities_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, more) = (folder.path().join("config"), folder.path().join("more"));
    fs::write(&more, "Host \"in clude\" db?\n  User x\n").unwrap();
    fs::write(
        &path,
        format!(
            "Include {}\nHost web1 web2 !web3 *.org\n  Port 23\nMatch host web1 exec \"exit 0\"\n  User y\n",
            more.display()
        ),
    )
    .unwrap();
    let facts = observed(&format!("-F {} -i /nonexistent/key web1", path.display()));
    let applied: Vec<String> = facts.config.applied.iter().map(|line| line.text.to_string()).collect();
    assert_eq!(applied, ["Applying options for web1", "Match host web1 exec \"exit 0\""]);
    assert!(facts.config.match_exec);
    let aliases: Vec<String> =
        facts.config.aliases.iter().map(|alias| format!("{} {}", alias.name, name(&alias.at))).collect();
    assert_eq!(aliases, ["in clude more:1", "web1 config:2", "web2 config:2"]);
    assert_eq!(facts.config.inaccessible, ["/nonexistent/key"]);
}

/// The last part of a file's path, and the line.
fn name(at: &Source) -> String {
    let Source::File { path, line: Some(line) } = at else { panic!("{at}") };
    let path = path.to_path_buf();
    format!("{}:{line}", Path::new(path.file_name().unwrap()).display())
}

#[test]
fn a_multiplexing_master_is_seen_and_a_path_too_long_for_one_is_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("web1-22");
    let master = |line: &str| observed(&format!("-F none {line} web1")).config;
    let line = format!("-S {}/%h-%p", folder.path().display());
    assert!(!master(&line).control_master.unwrap().alive);
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let found = master(&line).control_master.unwrap();
    assert!(found.alive);
    assert_eq!(found.path.to_path_buf(), socket);
    drop(listener);

    let long = format!("/tmp/{}", "x".repeat(120));
    let complaint = master(&format!("-S {long}")).complaint.unwrap();
    let ssh = Command::new("ssh").args(["-F", "none", "-S", &long, "127.0.0.1", "true"]).output().unwrap();
    assert_eq!(said(&ssh.stderr).trim_end(), complaint.said[0].to_string());
}

#[test]
fn without_ssh_its_defaults_and_the_command_line_apply() {
    let facts = observed("/nonexistent/ssh -p 2222 -i /dev/null a@Web1");
    assert!(facts.config.ssh.is_err() && !facts.config.evaluated && facts.config.complaint.is_none());
    let target = facts.target.unwrap();
    assert_eq!((target.user.to_string(), target.host.to_string(), target.port), ("a".into(), "web1".into(), 2222));
    assert_eq!(facts.config.options.all("identityfile").collect::<Vec<_>>(), ["/dev/null"]);
    assert!(facts.config.options.first("kexalgorithms").unwrap().contains("curve25519-sha256"));
}

#[test]
fn a_signal_that_asks_to_stop_ends_the_run_with_what_was_seen() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for signal in ["-INT", "-TERM", "-HUP"] {
        let line = format!("-F none -p {} user@127.0.0.1", silent.local_addr().unwrap().port());
        let program = Command::new(env!("CARGO_BIN_EXE_sshdoctor"))
            .args(words(&line))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (_connection, _) = silent.accept().unwrap();
        assert!(Command::new("kill").args([signal, &program.id().to_string()]).status().unwrap().success());
        let output = program.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}");
        assert!(said(&output.stdout).contains("undetermined"), "{signal}: {}", said(&output.stdout));
    }
}

#[test]
fn a_saved_case_is_judged_again_without_the_machine_it_was_saved_on() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case.json");
    let words = format!("--save {} -F none -p {} 127.0.0.1", case.display(), closed_port());
    let live = sshdoctor(&format!("--format json {words}"));
    let again = sshdoctor(&format!("case --format json {}", case.display()));
    assert_eq!((live.status.code(), again.status.code()), (Some(1), Some(1)));
    let report = |output: &Output| -> serde_json::Value { serde_json::from_slice(&output.stdout).unwrap() };
    let (live, again) = (report(&live), report(&again));
    assert_eq!(again["source"], "case");
    for part in ["verdict", "checks", "target", "client", "observed_at", "footprint"] {
        assert_eq!(live[part], again[part], "{part}");
    }
}

#[test]
fn what_is_no_case_is_answered_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case.json");
    let saved = sshdoctor(&format!("--save {} -F none -p {} 127.0.0.1", case.display(), closed_port()));
    assert_eq!(saved.status.code(), Some(1));
    let good = fs::read_to_string(&case).unwrap();
    let deep = "[".repeat(100_000);
    let nested = good.replacen("\"hops\": []", &format!("\"hops\": {deep}"), 1);
    let scenes = [
        (String::new(), "it is empty"),
        ("debug1: Connecting".to_owned(), "no saved case"),
        ("{}".to_owned(), "its \"schema\" is not"),
        ("{\"schema\": \"sshdoctor-report/1\"}".to_owned(), "it is a report"),
        (good.replacen("sshdoctor-case/1", "sshdoctor-case/2", 1), "another version of sshdoctor saved it"),
        (good[..good.len() / 2].to_owned(), "at line"),
        (good.replacen("\"port\": ", "\"port\": \"x\", \"was\": ", 1), "at line"),
        (nested, "at line"),
    ];
    for (text, part) in scenes {
        fs::write(&case, &text).unwrap();
        let output = sshdoctor(&format!("case {}", case.display()));
        let (status, said) = (output.status.code(), said(&output.stderr));
        assert!(status == Some(2) && said.contains(part) && said.contains("case.json"), "{part}: {status:?} {said}");
        assert!(output.stdout.is_empty());
    }
    for line in ["case", "case /nonexistent/x.json", "case a b c", "case /dev/zero"] {
        assert_eq!(sshdoctor(line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn a_clients_and_a_servers_case_of_one_machine_make_one_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = |id: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(id).join("facts.json");
    let server = fixture("server-strict-modes");
    let text = fs::read_to_string(fixture("no-key-accepted")).unwrap();
    let client = folder.path().join("client.json");
    let judged = |host: &str, seen: bool, turned: bool| {
        let mut case: serde_json::Value = serde_json::from_str(&text).unwrap();
        case["facts"]["target"]["Ok"]["host"] = host.into();
        case["facts"]["target"]["Ok"]["alias"] = host.into();
        if !seen {
            case["facts"]["host_key"]["offered"] = serde_json::json!({"Err": "not-attempted"});
        }
        fs::write(&client, case.to_string()).unwrap();
        let (first, second) = if turned { (&server, &client) } else { (&client, &server) };
        sshdoctor(&format!("case --format json {} {}", first.display(), second.display()))
    };
    for turned in [false, true] {
        let joined = judged("web1.example.org", false, turned);
        let report: serde_json::Value = serde_json::from_slice(&joined.stdout).unwrap();
        assert_eq!((&report["source"], &report["verdict"]["cause"]), (&"joined".into(), &"server-strict-modes".into()));
    }
    // Another machine by its host key, and one that nothing shows to be the same.
    for (host, seen, part) in [("web1", true, "another machine"), ("db9", false, "db9 need not be web1")] {
        let refused = judged(host, seen, false);
        assert_eq!(refused.status.code(), Some(2));
        assert!(said(&refused.stderr).contains(part), "{}", said(&refused.stderr));
    }
}
