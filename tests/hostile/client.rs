//! A client machine in a folder of its own, and sshdoctor run there against one target.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::getuid;
use serde_json::Value;
use tempfile::TempDir;

use super::hygiene::{Format, assert_clean};
use super::sshd::{Sshd, account, keygen};

/// `--timeout` of a run, in seconds: more than the limit of any one wait (10 s), less than that of two.
const LIMIT_SECONDS: u64 = 14;
/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(4);
/// After this a run is ended from outside.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than this of either stream is not a report.
const OUTPUT_LIMIT_BYTES: usize = 256 * 1024;
/// Peak memory that no input may exceed; an ordinary run needs less than 20 MB.
const MEMORY_LIMIT_KIB: u64 = 64 * 1024;

/// A client's home and what lies in it.
pub(crate) struct Client {
    folder: TempDir,
}

impl Client {
    /// A home with an empty configuration, an empty known_hosts and one key, `id`.
    pub(crate) fn new() -> Self {
        let client = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(client.file("")).unwrap();
        fs::write(client.file("config"), "").unwrap();
        fs::write(client.file("known_hosts"), "").unwrap();
        keygen(&client.file("id"), "a key of the test").unwrap();
        client
    }

    /// The folder that holds everything of this test's, the home included.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in this client's `.ssh`.
    pub(crate) fn file(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder().join("home/.ssh").join(name.as_ref())
    }

    /// A real sshd whose host key this client knows.
    pub(crate) fn sshd(&self, settings: &str) -> Sshd {
        let sshd = Sshd::start(&self.folder().join("sshd"), settings).unwrap();
        self.knows(&sshd, sshd.port);
        sshd
    }

    /// Adds the server's host key to known_hosts, as seen at `port`.
    pub(crate) fn knows(&self, sshd: &Sshd, port: u16) {
        let known = fs::read_to_string(self.file("known_hosts")).unwrap();
        fs::write(self.file("known_hosts"), known + &sshd.known_hosts_line(port).unwrap()).unwrap();
    }

    /// A run against `port` of 127.0.0.1 with the key `id`; change it before [`Scene::examine`].
    pub(crate) fn scene(&self, port: u16) -> Scene<'_> {
        Scene {
            client: self,
            port,
            program: vec![env!("CARGO_BIN_EXE_sshdoctor").into()],
            config: self.file("config"),
            known_hosts: self.file("known_hosts"),
            identity: self.file("id").into(),
            options: Vec::new(),
            environment: BTreeMap::from([("HOME".into(), self.folder().join("home").into())]),
            strangers: false,
            limit_seconds: LIMIT_SECONDS,
        }
    }
}

/// One run, and what differs from the ordinary in it.
#[derive(Clone)]
pub(crate) struct Scene<'a> {
    client: &'a Client,
    port: u16,
    /// The program and what stands before it.
    pub(crate) program: Vec<OsString>,
    pub(crate) config: PathBuf,
    pub(crate) known_hosts: PathBuf,
    /// `none` for none at all.
    pub(crate) identity: OsString,
    /// More of ssh's options.
    pub(crate) options: Vec<OsString>,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    /// Whether the run may end as a usage error, because ssh itself would not run either.
    pub(crate) strangers: bool,
    /// `--timeout`.
    pub(crate) limit_seconds: u64,
}

/// What a scene came to.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The JSON report; null where the run ended with a usage error.
    pub(crate) report: Value,
    /// The report as text, for messages of failed assertions.
    text: String,
}

/// One process that has ended.
struct Ended {
    status: ExitStatus,
    out: Vec<u8>,
    err: Vec<u8>,
    wall: Duration,
    peak_kib: u64,
}

impl Scene<'_> {
    /// Runs it in every format at once, and asserts what holds for every input.
    pub(crate) fn examine(&self) -> Seen {
        let before = listing(self.client.folder());
        let formats = [Format::Text, Format::Markdown, Format::Json];
        let [text, markdown, json] = thread::scope(|scope| {
            formats.map(|format| scope.spawn(move || self.run(format))).map(|run| run.join().unwrap())
        });
        assert_eq!(listing(self.client.folder()), before, "the run left something behind");
        for (format, ended) in formats.iter().zip([&text, &markdown, &json]) {
            self.assert_orderly(*format, ended);
        }
        let report = if self.strangers && json.status.code() == Some(2) {
            Value::Null
        } else {
            serde_json::from_slice(&json.out).unwrap_or_else(|error| {
                panic!("{error}: {} {}", String::from_utf8_lossy(&json.out), String::from_utf8_lossy(&json.err))
            })
        };
        Seen { report, text: String::from_utf8_lossy(&text.out).into_owned() }
    }

    fn assert_orderly(&self, format: Format, ended: &Ended) {
        let word = format.word();
        let out = String::from_utf8_lossy(&ended.out);
        let err = String::from_utf8_lossy(&ended.err);
        assert!(!err.contains("panicked"), "{word}: {err}");
        let limit = Duration::from_secs(self.limit_seconds) + SLACK;
        assert!(ended.wall < limit, "{word} took {:?}: {out}{err}", ended.wall);
        assert!(ended.out.len() < OUTPUT_LIMIT_BYTES, "{word}: {} bytes of output", ended.out.len());
        assert!(ended.err.len() < OUTPUT_LIMIT_BYTES, "{word}: {} bytes on stderr", ended.err.len());
        assert!(ended.peak_kib < MEMORY_LIMIT_KIB, "{word}: {} KiB of memory", ended.peak_kib);
        assert_clean(&ended.out, format == Format::Text, &format!("{word} on stdout"));
        assert_clean(&ended.err, false, &format!("{word} on stderr"));
        match ended.status.code() {
            Some(0 | 1 | 3) => assert!(!ended.out.is_empty(), "{word}: no report: {err}"),
            Some(2) if self.strangers => assert!(!ended.err.is_empty(), "{word}: an error without a word"),
            _ => panic!("{word} ended with {}: {out}{err}", ended.status),
        }
    }

    fn run(&self, format: Format) -> Ended {
        let mut command = Command::new(&self.program[0]);
        command
            .args(&self.program[1..])
            .args(["--timeout", &self.limit_seconds.to_string(), "--format", format.word()])
            .args(["--color", "always", "-v", "-o", "BatchMode=yes", "-F"])
            .arg(&self.config)
            .args([OsStr::new("-o"), &option("UserKnownHostsFile", self.known_hosts.as_os_str())])
            .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o"])
            .arg(option("IdentityFile", &self.identity))
            .args(&self.options)
            .args(["-p", &self.port.to_string()])
            .arg(format!("{}@127.0.0.1", account().unwrap()))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .envs(&self.environment)
            .current_dir(self.client.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        let out = reader(child.stdout.take().unwrap());
        let err = reader(child.stderr.take().unwrap());
        let (status, peak_kib) = wait(&mut child, begun);
        // A grandchild that outlives the run keeps the pipe open; that is a finding, not a reason to hang.
        let wall = begun.elapsed();
        Ended { status, out: out.join().unwrap(), err: err.join().unwrap(), wall, peak_kib }
    }
}

impl Seen {
    /// The verdict's cause; empty after a usage error.
    pub(crate) fn cause(&self) -> &str {
        self.report["verdict"]["cause"].as_str().unwrap_or_default()
    }

    /// Fails unless the verdict is one of these.
    pub(crate) fn assert_cause(&self, family: &[&str]) {
        assert!(
            family.contains(&self.cause()),
            "the verdict is {} ({}), which is none of {family:?}\nsummary {}\nevidence {}\n{}",
            self.cause(),
            self.report["verdict"]["certainty"],
            self.report["verdict"]["summary"],
            self.report["verdict"]["evidence"],
            self.text,
        );
    }

    /// Fails where the verdict is stated as proven.
    pub(crate) fn assert_unproven(&self) {
        assert_ne!(
            self.report["verdict"]["certainty"],
            "proven",
            "{} is stated as proven\n{}",
            self.cause(),
            self.text
        );
    }

    /// Fails where the verdict is one of these.
    pub(crate) fn assert_no_cause(&self, wrong: &[&str]) {
        assert!(
            !wrong.contains(&self.cause()),
            "the verdict is {} ({}): {}\n{}",
            self.cause(),
            self.report["verdict"]["certainty"],
            self.report["verdict"]["evidence"],
            self.text
        );
    }
}

/// What stands before a command that is to run as this user id. Who is not root gets it in a user namespace.
pub(crate) fn as_account(uid: &str) -> Vec<OsString> {
    if getuid().is_root() {
        ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"].map(OsString::from).to_vec()
    } else {
        vec!["unshare".into(), "--user".into(), format!("--map-user={uid}").into()]
    }
}

/// Examines all cases in threads, a few at a time; fails at the end, with what each failure said.
pub(crate) fn side_by_side<T: Sync>(cases: &[T], examine: impl Fn(&T) + Sync) {
    let examine = &examine;
    let mut failures = Vec::new();
    for (some, first) in cases.chunks(4).zip((0..).step_by(4)) {
        thread::scope(|scope| {
            let running: Vec<_> = some.iter().map(|case| scope.spawn(move || examine(case))).collect();
            for (done, number) in running.into_iter().zip(first..) {
                if let Err(panic) = done.join() {
                    let words = panic.downcast_ref::<String>().cloned();
                    failures.push(format!("case {number}: {}", words.unwrap_or_else(|| "see above".into())));
                }
            }
        });
    }
    assert!(failures.is_empty(), "{} of {} cases failed\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// `NAME=value`, quoted as ssh's configuration parser wants a value of any bytes.
fn option(name: &str, value: &OsStr) -> OsString {
    let mut option = OsString::from(name);
    option.push("=\"");
    option.push(value);
    option.push("\"");
    option
}

fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// Waits for the end, ends it after [`PATIENCE`], and watches its peak memory.
fn wait(child: &mut Child, begun: Instant) -> (ExitStatus, u64) {
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status, peak_kib);
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
        }
        let now = fs::read_to_string(&status_file).unwrap_or_default();
        let line = now.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak_kib = peak_kib.max(now.unwrap_or_default());
        thread::sleep(Duration::from_millis(10));
    }
}

/// Every path below `folder` with size, mode and modification time; the servers' own folder excepted.
fn listing(folder: &Path) -> BTreeMap<PathBuf, (u64, u32, i64, i64)> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_entry(|entry| entry.path() != folder.join("sshd"))
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let seen = fs::symlink_metadata(entry.path()).ok()?;
            Some((entry.into_path(), (seen.size(), seen.mode(), seen.mtime(), seen.mtime_nsec())))
        })
        .collect()
}
