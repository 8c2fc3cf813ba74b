//! Saved cases and what becomes of them: every fixture's verdict and report, every near miss, every healthy login; and
//! that no facts, however odd, make judgement or rendering fail. fixtures/README.md describes the files.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read is a fixture that fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use sshdoctor::checks::{self, Blocks, Cause, Certainty, Status};
use sshdoctor::collect::{case, log};
use sshdoctor::diagnose::{Verdict, diagnose};
use sshdoctor::facts::agent::{Agent, AgentAnswer, AgentKey, AgentSocket};
use sshdoctor::facts::connect::{Attempt, Connect, Dial};
use sshdoctor::facts::host_key::{HostKey, KnownHost, KnownHosts, Marker, OfferedHostKey};
use sshdoctor::facts::identities::{
    FileError, FileKind, FileStat, Identities, KeyFile, KeyFormat, PrivateFile, PublicFile,
};
use sshdoctor::facts::key::{Blob, PublicKey};
use sshdoctor::facts::resolve::Resolve;
use sshdoctor::facts::session::Session;
use sshdoctor::facts::transport::{KexInit, Transport};
use sshdoctor::facts::userauth::{Answer, Query, Signature, Signed, Signer, Userauth};
use sshdoctor::facts::{Facts, Footprint, Moment, Source, Target, Unobserved};
use sshdoctor::render;
use sshdoctor::report::report;

/// A near miss: what is changed in a cause's case so that it is not to be accused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Near {
    /// What the change means, and why it acquits.
    why: String,
    /// Effective options of ssh, by keyword in lower case, and their values now.
    #[serde(default)]
    options: BTreeMap<String, String>,
    /// JSON pointers into facts.json and what stands there now.
    #[serde(default)]
    change: Map<String, Value>,
    /// JSON pointers to what stands there now, and where else in facts.json the same stands.
    #[serde(default)]
    copy: BTreeMap<String, String>,
    /// JSON pointers to what is taken away.
    #[serde(default)]
    remove: Vec<String>,
    /// The cause that stands instead.
    verdict: String,
}

#[test]
fn every_fixture_is_diagnosed_as_its_folder_says() {
    let mut wrong = Vec::new();
    for (cause, folder) in causes() {
        let verdict = diagnose(&facts(&folder.join("facts.json")));
        if verdict.first.cause.id != cause.id {
            wrong.push(format!("{}: {} ({})", cause.id, verdict.first.cause.id, verdict.first.finding.summary));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_fault_makes_its_own_check_fail() {
    let mut wrong = Vec::new();
    for (cause, folder) in causes() {
        let verdict = diagnose(&facts(&folder.join("facts.json")));
        if cause.blocks == Blocks::Nothing || verdict.first.cause.id != cause.id {
            continue;
        }
        let (check, _) = checks::causes().find(|(_, known)| known.id == cause.id).unwrap();
        let judged = verdict.checks.iter().find(|judged| judged.check.id == check.id).unwrap();
        if !judged.outcome.as_ref().is_ok_and(|outcome| outcome.status == Status::Fail) {
            wrong.push(format!("{}: {} is {:?}", cause.id, check.id, judged.outcome));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_report_reads_as_it_was_agreed() {
    let mut differ = Vec::new();
    for folder in folders("").into_iter().chain(folders("incidents")) {
        let (case, transcript) = (folder.join("facts.json"), folder.join("transcript.log"));
        let facts = match (case.is_file(), transcript.is_file()) {
            (true, _) => facts(&case),
            (false, true) => told(&transcript),
            (false, false) => continue,
        };
        let version = format!("sshdoctor {}, ", env!("CARGO_PKG_VERSION"));
        let text = render::markdown(&report(&facts, &diagnose(&facts))).replace(&version, "sshdoctor VERSION, ");
        let path = folder.join("report.md");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != text {
            differ.push(path);
        }
    }
    assert_eq!(differ, [""; 0].map(PathBuf::from), "BLESS=1 cargo test --test fixtures writes them anew");
}

#[test]
fn a_transcript_tells_the_story_that_its_folder_names() {
    for (name, cause) in
        [("bastion-without-an-agent", "no-identities"), ("bastion-with-the-wrong-keys", "agent-lacks-accepted-key")]
    {
        let facts = told(&repository().join("fixtures/incidents").join(name).join("transcript.log"));
        let verdict = diagnose(&facts);
        assert_eq!(verdict.first.cause.id, cause, "{name}");
        let outcomes: Vec<_> = verdict.checks.iter().map(|judged| &judged.outcome).collect();
        let text = format!("{:?} {outcomes:?}", verdict.first.finding);
        assert!(!text.contains("key_load_public"), "{name}: what is printed of every missing .pub accuses nobody");
        assert!(verdict.also.is_empty(), "{name}");
    }
}

/// What somebody pastes, and the cause and certainty that it is worth.
const PASTES: &[(&str, &str, Certainty)] = &[
    ("deploy@web1: Permission denied (publickey).", "undetermined", Certainty::Possible),
    ("deploy@web1: Permission denied (publickey,password).", "undetermined", Certainty::Possible),
    ("ssh: connect to host web1 port 22: Connection refused", "connection-refused", Certainty::Proven),
    ("ssh: connect to host web1 port 22: Operation timed out", "connection-timeout", Certainty::Proven),
    ("ssh: connect to host web1 port 22: No route to host", "network-unreachable", Certainty::Proven),
    ("ssh: Could not resolve hostname web1: Name or service not known", "host-not-found", Certainty::Proven),
    ("ssh: Could not resolve hostname web1: Temporary failure in name resolution", "dns-failure", Certainty::Proven),
    (
        "ssh: Could not resolve hostname web1: nodename nor servname provided, or not known",
        "host-not-found",
        Certainty::Proven,
    ),
    ("kex_exchange_identification: Connection closed by remote host", "connection-dropped", Certainty::Likely),
    ("Host key verification failed.", "undetermined", Certainty::Possible),
    (
        "No ED25519 host key is known for web1 and you have requested strict checking.\nHost key verification failed.",
        "host-key-unknown",
        Certainty::Proven,
    ),
    (
        "Unable to negotiate with 192.0.2.7 port 22: no matching host key type found. Their offer: ssh-rsa,ssh-dss",
        "no-common-host-key-algorithm",
        Certainty::Proven,
    ),
    ("Connection closed by 192.0.2.7 port 22", "undetermined", Certainty::Possible),
    (
        "Received disconnect from 192.0.2.7 port 22:2: Too many authentication failures",
        "undetermined",
        Certainty::Possible,
    ),
    ("Bad owner or permissions on /home/a/.ssh/config", "client-config-permissions", Certainty::Proven),
    ("/home/a/.ssh/config: line 3: Bad configuration option: prot", "client-config-error", Certainty::Proven),
];

#[test]
fn a_bare_line_is_worth_what_it_says_and_no_more() {
    let folder = std::env::temp_dir().join(format!("sshdoctor-pastes-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut wrong = Vec::new();
    for (at, (text, cause, certainty)) in PASTES.iter().enumerate() {
        for (ends, line_end) in [("unix", "\n"), ("dos", "\r\n")] {
            let path = folder.join(format!("{at}-{ends}.txt"));
            fs::write(&path, format!("{}{line_end}", text.replace('\n', line_end))).unwrap();
            let facts = log::read(&[path.into()], &log::Choice::default()).unwrap();
            let first = diagnose(&facts).first;
            let (met, sure) = (first.cause.id, first.finding.certainty);
            if (met, sure) != (*cause, *certainty) {
                wrong.push(format!("{text}: {met} {sure:?} ({})", first.finding.summary));
            }
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_near_miss_is_not_accused() {
    let mut wrong = Vec::new();
    for (cause, folder) in causes() {
        for path in files(&folder, "near-") {
            let near: Near = serde_json::from_str(&fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let facts = changed(&folder.join("facts.json"), &near, &path);
            let verdict = diagnose(&facts);
            let mut complain = |what: String| wrong.push(format!("{}: {what} (why: {})", path.display(), near.why));
            if accuses(&facts, &verdict, cause) {
                complain(format!("{} is accused", cause.id));
            }
            if verdict.first.cause.id != near.verdict {
                complain(format!("{} stands in place of {}", verdict.first.cause.id, near.verdict));
            }
            if near.why.split_whitespace().count() < 4 {
                complain("it does not say why".to_owned());
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_healthy_login_accuses_nobody() {
    let mut wrong = Vec::new();
    for path in files(&repository().join("fixtures/healthy"), "") {
        let verdict = diagnose(&facts(&path));
        let id = verdict.first.cause.id;
        if !matches!(id, "access-works" | "access-needs-answer") {
            wrong.push(format!("{}: {id}", path.display()));
        }
        let failed = verdict
            .checks
            .iter()
            .filter(|judged| judged.outcome.as_ref().is_ok_and(|outcome| outcome.status == Status::Fail));
        wrong.extend(failed.map(|judged| format!("{}: {} fails", path.display(), judged.check.id)));
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_mended_cause_is_not_found_again() {
    let mut wrong = Vec::new();
    for (cause, folder) in causes() {
        let mut facts = facts(&folder.join("facts.json"));
        (cause.fix.mend)(&mut facts);
        if cause.blocks != Blocks::Nothing && (cause.judge)(&facts).is_ok_and(|found| found.is_some()) {
            wrong.push(cause.id);
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_saved_case_is_written_as_it_was_read() {
    for path in cases() {
        let text = fs::read_to_string(&path).unwrap();
        let again = case::to_json(&case::from_json(&text).unwrap()).unwrap();
        let (before, after): (Value, Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(&again).unwrap());
        assert_eq!(before, after, "{}", path.display());
    }
    let facts = rich();
    assert_eq!(case::from_json(&case::to_json(&facts).unwrap()).unwrap(), facts);
}

#[test]
fn facts_of_which_nothing_is_known_accuse_nobody() {
    let verdict = diagnose(&Facts::default());
    assert_eq!(verdict.first.cause.id, "undetermined");
    let failed: Vec<&str> = verdict
        .checks
        .iter()
        .filter(|judged| judged.outcome.as_ref().is_ok_and(|outcome| outcome.status == Status::Fail))
        .map(|judged| judged.check.id)
        .collect();
    assert_eq!(failed, [""; 0]);
}

#[test]
fn no_facts_however_odd_make_judgement_fail_or_a_report_dangerous() {
    let mut seeds: Vec<Value> = cases().iter().map(|path| serde_json::to_value(facts(path)).unwrap()).collect();
    seeds.push(serde_json::to_value(rich()).unwrap());
    let mut chance = Chance(0x5eed_0001);
    let mut read = 0;
    let rounds = 600;
    for _ in 0..rounds {
        let mut value = seeds[chance.below(seeds.len())].clone();
        for _ in 0..=chance.below(6) {
            spoil(&mut value, &mut chance);
        }
        // What does not parse any more is no case that could be saved.
        let Ok(facts) = serde_json::from_value::<Facts>(value) else { continue };
        read += 1;
        let report = report(&facts, &diagnose(&facts));
        let shown = [
            render::text(&report, &render::Style::default()),
            render::text(&report, &render::Style { verbose: true, width: 0, color: false }),
            render::markdown(&report),
            render::brief(&report),
            render::json(&report),
        ];
        assert!(shown[3].len() <= 4096, "{}", shown[3]);
        for text in shown {
            let bad = text.chars().find(|character| *character != '\n' && is_obeyed(*character));
            assert_eq!(bad, None, "{text}");
        }
    }
    assert!(read > rounds / 4, "only {read} of {rounds} spoilt cases could be read");
}

/// Whether the verdict names `cause`, or what bites next does, or a check fails by it.
fn accuses(facts: &Facts, verdict: &Verdict, cause: &Cause) -> bool {
    let named = std::iter::once(&verdict.first).chain(&verdict.also).any(|named| named.cause.id == cause.id);
    let found = (cause.judge)(facts).ok().flatten();
    named || found.is_some_and(|finding| !checks::passed(facts, finding.blocks.unwrap_or(cause.blocks)))
}

/// The case at `path` with the changes of a near miss.
fn changed(path: &Path, near: &Near, of: &Path) -> Facts {
    let mut case: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let copied = near.copy.iter().map(|(pointer, from)| {
        let value = case.pointer(from).unwrap_or_else(|| panic!("{}: no {from} to copy", of.display()));
        (pointer.clone(), value.clone())
    });
    let copied: Map<String, Value> = copied.collect();
    for (pointer, value) in near.change.iter().chain(&copied) {
        let (parent, name) = place(&mut case, pointer, of);
        match parent {
            Value::Object(object) => {
                object.insert(name, value.clone());
            }
            Value::Array(list) if name == "-" => list.push(value.clone()),
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value.clone(),
            _ => panic!("{}: nothing can be put at {pointer}", of.display()),
        }
    }
    for pointer in &near.remove {
        let (parent, name) = place(&mut case, pointer, of);
        let removed = match parent {
            Value::Object(object) => object.remove(&name),
            Value::Array(list) => Some(list.remove(name.parse().unwrap())),
            _ => None,
        };
        assert!(removed.is_some(), "{}: nothing stands at {pointer}", of.display());
    }
    let mut facts = case::from_json(&case.to_string()).unwrap_or_else(|error| panic!("{}: {error:#}", of.display()));
    for (keyword, value) in &near.options {
        facts.config.options.set(keyword, value);
    }
    facts
}

/// What holds the value at `pointer`, and the last part of the pointer.
fn place<'a>(case: &'a mut Value, pointer: &str, of: &Path) -> (&'a mut Value, String) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = case.pointer_mut(parent).unwrap_or_else(|| panic!("{}: no {pointer} to change", of.display()));
    (parent, name.replace("~1", "/").replace("~0", "~"))
}

/// The causes that have a folder with a case.
fn causes() -> Vec<(&'static Cause, PathBuf)> {
    let last = &checks::session::UNDETERMINED;
    let mut causes: Vec<&Cause> =
        checks::causes().map(|(_, cause)| cause).filter(|cause| cause.id != last.id).collect();
    causes.push(last);
    let folder = |cause: &Cause| repository().join("fixtures").join(cause.id);
    causes
        .into_iter()
        .map(|cause| (cause, folder(cause)))
        .filter(|(_, folder)| folder.join("facts.json").is_file())
        .collect()
}

/// Every saved case among the fixtures.
fn cases() -> Vec<PathBuf> {
    let folders = folders("").into_iter().chain(folders("incidents"));
    let cases = folders.map(|folder| folder.join("facts.json")).filter(|path| path.is_file());
    cases.chain(files(&repository().join("fixtures/healthy"), "")).collect()
}

/// The folders under fixtures/`name`.
fn folders(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join("fixtures").join(name)).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The JSON files in `folder` whose names begin with `start`.
fn files(folder: &Path, start: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(start) && path.extension().is_some_and(|extension| extension == "json")
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_meant).collect();
    files.sort();
    files
}

/// The facts of a saved case.
fn facts(path: &Path) -> Facts {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    case::from_json(&text).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()))
}

/// The facts that a transcript states, named as the report is to name it.
fn told(path: &Path) -> Facts {
    let name = path.strip_prefix(repository()).unwrap().as_os_str().to_owned();
    log::read(&[name], &log::Choice::default()).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()))
}

/// The repository's root.
fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A repeatable source of numbers (xorshift64*).
struct Chance(u64);

impl Chance {
    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % limit
    }
}

/// Puts something odd in the place of one value, chosen by chance.
fn spoil(value: &mut Value, chance: &mut Chance) {
    let mut pointers = Vec::new();
    collect_pointers(value, String::new(), &mut pointers);
    let pointer = &pointers[chance.below(pointers.len())];
    let Some(spot) = value.pointer_mut(pointer) else { return };
    let long = "x".repeat(9000);
    let texts =
        ["", "\\x1b[2J", "\u{202e}\u{e0041}", "\u{1b}]0;a\u{7}", "a\n# b\r```\n|", "\0", "'; rm -rf /; '", &long];
    *spot = match spot.take() {
        Value::Object(object) if object.len() == 1 && (object.contains_key("Ok") || object.contains_key("Err")) => {
            let reasons = [json!("not-attempted"), json!("interrupted"), json!({"failed": "a\u{1b}b"})];
            json!({"Err": reasons[chance.below(reasons.len())]})
        }
        Value::Object(object) => Value::Object(object),
        Value::Array(mut list) => {
            match chance.below(3) {
                0 => list.clear(),
                1 => list.reverse(),
                _ => list.extend(list.first().cloned()),
            }
            Value::Array(list)
        }
        Value::String(_) => json!(texts[chance.below(texts.len())]),
        Value::Number(number) if number.is_f64() => json!(0.0),
        Value::Number(_) => json!([0, 1, 65_535, u32::MAX][chance.below(4)]),
        Value::Bool(yes) => json!(!yes),
        Value::Null => Value::Null,
    };
}

/// The JSON pointers of every value below `value`.
fn collect_pointers(value: &Value, at: String, pointers: &mut Vec<String>) {
    let join = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| collect_pointers(value, join(name), pointers));
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| collect_pointers(value, join(&index.to_string()), pointers));
        }
        _ => {}
    }
    pointers.push(at);
}

/// Whether a terminal would obey the character or hide it.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Facts with something in every part: two keys in a forwarded agent and a file, one refused, one that logs in.
#[expect(clippy::too_many_lines, reason = "one login, written out")]
fn rich() -> Facts {
    let key = |number: u8| PublicKey {
        algorithm: "ssh-ed25519".to_owned(),
        blob: Blob(vec![number; 51]),
        fingerprint: format!("SHA256:{number:043}").into(),
        comment: format!("key{number}@laptop").into(),
        bits: None,
        certificate: None,
    };
    let stat = FileStat {
        kind: FileKind::Regular,
        mode: 0o644,
        uid: 1000,
        gid: 1000,
        size_bytes: 400,
        modified: Some(1_700_000_000),
        link_to: None,
    };
    let missing = || Err(FileError { errno: "ENOENT".to_owned(), at: None });
    let file = |number: u8| KeyFile {
        path: format!("/home/a/.ssh/id_{number}").into(),
        configured: format!("~/.ssh/id_{number}").into(),
        source: Source::File { path: "/home/a/.ssh/config".into(), line: Some(3) },
        explicit: true,
        state: Ok(stat.clone()),
        private: Ok(PrivateFile {
            format: KeyFormat::OpenSsh,
            encrypted: Some(true),
            public: Some(key(number)),
            defects: Vec::new(),
            first_line: None,
        }),
        public: PublicFile {
            path: format!("/home/a/.ssh/id_{number}.pub").into(),
            state: Ok(stat.clone()),
            key: Some(key(number)),
        },
        certificate: PublicFile {
            path: format!("/home/a/.ssh/id_{number}-cert.pub").into(),
            state: missing(),
            key: None,
        },
    };
    let lists: Vec<AgentKey> = [1, 2].map(|number| AgentKey { key: key(number) }).into();
    let kexinit = KexInit {
        kex: vec!["curve25519-sha256".to_owned()],
        host_key: vec!["ssh-ed25519".to_owned()],
        cipher_client_to_server: vec!["aes256-gcm@openssh.com".to_owned()],
        cipher_server_to_client: vec!["aes256-gcm@openssh.com".to_owned()],
        mac_client_to_server: vec!["hmac-sha2-256".to_owned()],
        mac_server_to_client: vec!["hmac-sha2-256".to_owned()],
        compression_client_to_server: vec!["none".to_owned()],
        compression_server_to_client: vec!["none".to_owned()],
    };
    let refused = Answer::Failure { methods: vec!["publickey".to_owned(), "password".to_owned()], partial: false };
    let query = |number: u8, answer: Answer| Query {
        key: key(number),
        algorithm: "ssh-ed25519".to_owned(),
        offered_by_ssh: true,
        connection: 0,
        answer: Some(answer),
    };
    Facts {
        observed_at: Moment { unix_seconds: 1_795_342_805, local: "2026-11-22T13:20:05+03:00".to_owned() },
        target: Ok(Target {
            input: "deploy@web1".into(),
            alias: "web1".into(),
            user: "deploy".into(),
            host: "web1.example.org".into(),
            port: 22,
            program: "ssh".to_owned(),
            ..Target::default()
        }),
        identities: Ok(Identities { files: vec![file(1), file(3)], others: vec![file(4)], ..Identities::default() }),
        agent: Ok(Agent {
            socket: Some(AgentSocket {
                path: "/tmp/ssh-XXXXXXXXXX/agent.1".into(),
                from: Source::Environment("SSH_AUTH_SOCK".to_owned()),
                link: None,
                forwarded: true,
            }),
            answer: Ok(AgentAnswer::Lists(lists.clone())),
            bound: Ok(lists),
            locked: Err(Unobserved::NotAttempted),
        }),
        resolve: Ok(Resolve { name: "web1.example.org".into(), numeric: false, outcome: Ok(vec!["192.0.2.7".into()]) }),
        connect: Ok(Connect {
            attempts: vec![Attempt { address: "192.0.2.7".into(), port: 22, outcome: Dial::Established, millis: 3.5 }],
            local_address: Some("198.51.100.4".into()),
            ..Connect::default()
        }),
        transport: Ok(Transport {
            identification: Some("SSH-2.0-OpenSSH_9.2p1".into()),
            ours: Some(kexinit.clone()),
            server: Some(kexinit),
            complete: true,
            ..Transport::default()
        }),
        host_key: HostKey {
            offered: Ok(OfferedHostKey {
                algorithm: "ssh-ed25519".to_owned(),
                key: key(9),
                revoked_by_file: Err(Unobserved::NotAttempted),
            }),
            known: Ok(KnownHosts {
                names: vec!["web1.example.org".into()],
                entries: vec![KnownHost {
                    at: Source::File { path: "/home/a/.ssh/known_hosts".into(), line: Some(7) },
                    marker: Marker::None,
                    name: "web1.example.org".into(),
                    hashed: false,
                    key: key(9),
                }],
                ..KnownHosts::default()
            }),
            ..HostKey::default()
        },
        userauth: Ok(Userauth {
            user: "deploy".into(),
            service_accepted: true,
            none: Some(refused.clone()),
            queries: vec![query(1, refused), query(2, Answer::PkOk)],
            signatures: vec![Signature {
                key: key(2),
                algorithm: "ssh-ed25519".to_owned(),
                signer: Signer::Agent,
                outcome: Signed::Answered(Answer::Success),
            }],
            banners: vec!["Authorised use only".into()],
            connections: vec![None],
            ..Userauth::default()
        }),
        session: Ok(Session { granted: Some(true), exit_status: Some(0), ..Session::default() }),
        footprint: Some(Footprint {
            connections: 1,
            auth_requests: 4,
            auth_failures: 1,
            public_keys_disclosed: 2,
            commands_run: 1,
        }),
        ..Facts::default()
    }
}
