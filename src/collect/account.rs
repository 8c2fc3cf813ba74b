//! The server's side: what the collector's output ([`SCRIPT`]) says, whether it ran here, over another login or
//! somewhere else.
//!
//! Reading never fails half-way: a line that cannot be read is counted, output that was cut is said to be cut. A user of
//! the server may have chosen file names and the contents of key files; contents stand behind a mark on each line and
//! can never read as a section.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use data_encoding::HEXLOWER_PERMISSIVE;

use super::config::program;
use crate::facts::account::{
    Account, Ban, Collector, Daemon, Group, HostKeyFile, KeysCommand, KeysFile, KeysLine, Log, Login, NodeStat, Passwd,
    Password, PathNode, RevokedFile, Shadow, TextFile,
};
use crate::facts::config::Options;
use crate::facts::host_key::HostKey;
use crate::facts::key::{Blob, PublicKey};
use crate::facts::text::kind::Server;
use crate::facts::text::{Text, User};
use crate::facts::{Facts, Moment, Observed, Origin, Target, Unobserved, UserFrom};
use crate::openssh::public_key::from_line;

/// The collector: a read-only POSIX shell script.
pub const SCRIPT: &str = include_str!("account.sh");
/// The first line of its output, before the version.
pub(super) const MAGIC: &[u8] = b"sshdoctor-account/";
/// The newest version that is understood.
const VERSION: u32 = 1;
/// How many lines of output are read.
const MOST_LINES: usize = 2_000_000;
/// How many names of the file system are kept.
const MOST_PATHS: usize = 20_000;

/// How much output is read.
const MOST_BYTES: u64 = 512 << 20;
/// How much of a key file that `--key` names is read.
const MOST_KEY: u64 = 1 << 20;

/// What is asked of the server's side.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The account; `None`: the one that runs this.
    pub user: Option<OsString>,
    /// Every account that can log in.
    pub all: bool,
    /// Public key files and fingerprints.
    pub keys: Vec<OsString>,
    /// The client's address.
    pub from: Option<IpAddr>,
    /// The sshd to ask.
    pub sshd: Option<PathBuf>,
    /// The configuration to judge.
    pub config: Option<PathBuf>,
    /// Whether AuthorizedKeysCommand is run.
    pub run_keys_command: bool,
    /// The collector's output, where it ran elsewhere; `-` is standard input.
    pub collected: Option<PathBuf>,
    /// The limit of the whole run.
    pub limit: Duration,
}

/// The server's side, from the collector that runs here or from what it printed elsewhere.
///
/// # Errors
/// A key or an output that cannot be read, a shell that cannot be run, a limit that has passed.
pub async fn collect(request: &Request) -> anyhow::Result<Facts> {
    let asked: Vec<PublicKey> = request.keys.iter().map(|key| asked_key(key)).collect::<Result<_, _>>()?;
    let output = match &request.collected {
        Some(path) => read_output(path)?,
        None => run_here(request, &asked).await?,
    };
    let mut account = read(&output).map_err(anyhow::Error::msg).with_context(|| match &request.collected {
        Some(path) => shown(path.as_os_str()),
        None => "the collector".to_owned(),
    })?;
    if let (Some(user), Some(_)) = (&request.user, &request.collected) {
        let wanted = User::new(user.as_encoded_bytes());
        ensure!(
            account.collector.complete || account.login.user != User::default(),
            "{} is cut before it comes to an account",
            request.collected.as_deref().map_or_else(String::new, |path| shown(path.as_os_str())),
        );
        ensure!(
            account.login.user == wanted,
            "{} is about {}, not about {wanted}",
            request.collected.as_ref().map(|path| shown(path.as_os_str())).unwrap_or_default(),
            account.login.user
        );
    }
    if let (Some(from), None) = (request.from, &account.login.from) {
        account.login.from = Some(from.to_string().as_str().into());
        account.login.from_named = true;
    }
    // What was printed elsewhere knows which key was asked about there.
    account.asked = if asked.is_empty() { account.collector.key.iter().cloned().collect() } else { asked };
    Ok(facts(account))
}

/// The facts of a server's half alone.
fn facts(account: Account) -> Facts {
    let not_here = Unobserved::NotInThisSource;
    let host = account.collector.host.clone();
    let user = account.login.user.clone();
    Facts {
        observed_at: account.collector.at.clone(),
        origin: Origin::Server,
        target: Ok(Target {
            input: host.clone(),
            alias: host.clone(),
            user,
            user_from: UserFrom::CommandLine,
            host,
            port: 22,
            program: "ssh".to_owned(),
            ..Target::default()
        }),
        identities: Err(not_here.clone()),
        agent: Err(not_here.clone()),
        host_key: HostKey { offered: Err(not_here.clone()), known: Err(not_here.clone()), ..HostKey::default() },
        resolve: Err(not_here.clone()),
        connect: Err(not_here.clone()),
        transport: Err(not_here.clone()),
        userauth: Err(not_here.clone()),
        session: Err(not_here),
        account: Ok(Box::new(account)),
        ..Facts::default()
    }
}

fn shown(name: &OsStr) -> String {
    crate::facts::text::escape(name.as_encoded_bytes())
}

/// A key that `--key` names: a fingerprint, or a file with a public key.
fn asked_key(word: &OsStr) -> anyhow::Result<PublicKey> {
    if let Some(text) = word.to_str().filter(|text| text.starts_with("SHA256:")) {
        let good =
            text.len() == 50 && text[7..].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        ensure!(good, "{text} is no fingerprint: SHA256: and 43 letters, as ssh-keygen -l prints it");
        return Ok(PublicKey {
            algorithm: String::new(),
            blob: Blob::default(),
            fingerprint: text.into(),
            comment: Text::new(Vec::new()),
            bits: None,
            certificate: None,
        });
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(word).with_context(|| format!("the key {}", shown(word)))?;
    file.take(MOST_KEY).read_to_end(&mut bytes).with_context(|| format!("the key {}", shown(word)))?;
    let lines = bytes.split(|byte| *byte == b'\n');
    match lines.filter(|line| !line.trim_ascii().is_empty()).find_map(from_line) {
        Some(key) => Ok(key),
        None if bytes.starts_with(b"-----BEGIN") => bail!("{} is a private key; name its .pub", shown(word)),
        None => bail!("{} holds no public key", shown(word)),
    }
}

fn read_output(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes).context("standard input")?;
    } else {
        let file = std::fs::File::open(path).with_context(|| shown(path.as_os_str()))?;
        file.take(MOST_BYTES).read_to_end(&mut bytes).with_context(|| shown(path.as_os_str()))?;
    }
    Ok(bytes)
}

/// The words that follow `sh -s`, or `sh SCRIPT`.
pub fn words(request: &Request, asked: &[PublicKey]) -> anyhow::Result<Vec<OsString>> {
    let mut words: Vec<OsString> = Vec::new();
    if request.all {
        words.push("--all".into());
    }
    if let Some(key) = asked.iter().find(|key| !key.blob.0.is_empty()) {
        words.extend(["--key".into(), format!("{} {}", key.algorithm, key.blob.base64()).into()]);
    }
    if let Some(from) = request.from {
        words.extend(["--from".into(), from.to_string().into()]);
    }
    if let Some(sshd) = &request.sshd {
        words.extend(["--sshd".into(), sshd.into()]);
    }
    if let Some(config) = &request.config {
        words.extend(["--sshd-config".into(), config.into()]);
    }
    if request.run_keys_command {
        words.push("--run-keys-command".into());
    }
    words.push("--".into());
    if !request.all {
        let own = || nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.name.into());
        let user = request.user.clone().or_else(own).context("no account was named, and this one has no name")?;
        words.push(user);
    }
    Ok(words)
}

/// Runs the collector on this machine.
async fn run_here(request: &Request, asked: &[PublicKey]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new("/bin/sh");
    command.arg("-s").arg("--").args(words(request, asked)?);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    // A group of its own: what the script waits for ends with the run.
    command.process_group(0);
    let mut child = command.spawn().context("/bin/sh")?;
    let group = program::Group::of(&child);
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A shell that ends early does not take it all.
            let _ = stdin.write_all(SCRIPT.as_bytes()).await;
        }
    };
    let drain = async {
        let mut output = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(MOST_BYTES).read_to_end(&mut output).await?;
        }
        Ok::<_, std::io::Error>(output)
    };
    let whole = async { tokio::join!(feed, drain).1 };
    match tokio::time::timeout(request.limit, whole).await {
        Ok(output) => {
            group.ended();
            output.context("the collector")
        }
        Err(_) => bail!("the collector did not end within {} s; --timeout gives it longer", request.limit.as_secs()),
    }
}

/// Reads the collector's output.
///
/// # Errors
/// A sentence where it is no such output, or of a newer version.
pub fn read(output: &[u8]) -> Result<Account, String> {
    let output = output.strip_prefix(b"\xef\xbb\xbf").unwrap_or(output);
    let mut lines = output.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.by_ref().find(|line| !line.is_empty()).unwrap_or_default();
    let version = first.strip_prefix(MAGIC).and_then(|rest| std::str::from_utf8(rest).ok()?.trim().parse().ok());
    let Some(version) = version else {
        return Err("this is no output of the collector: its first line is not sshdoctor-account/1".to_owned());
    };
    if version > VERSION {
        return Err(format!("the collector's output has version {version}, and this sshdoctor reads {VERSION}"));
    }
    let mut reading = Reading::default();
    reading.account.collector.version = version;
    for (number, line) in (2..).zip(lines.take(MOST_LINES)) {
        if !reading.line(line) {
            let (count, first) = reading.account.collector.unreadable.unwrap_or((0, number));
            reading.account.collector.unreadable = Some((count + 1, first));
        }
    }
    Ok(reading.finish())
}

/// One section: its name, its values in order, its contents.
#[derive(Debug, Default)]
struct Section {
    name: String,
    values: Vec<(String, Vec<u8>)>,
    contents: Vec<KeysLine>,
}

impl Section {
    fn get(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.values.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    fn text<K>(&self, name: &str) -> Text<K> {
        Text::new(self.get(name).unwrap_or_default())
    }

    /// The text where there is one.
    fn filled<K>(&self, name: &str) -> Option<Text<K>> {
        self.get(name).filter(|value| !value.is_empty()).map(Text::new)
    }

    fn string(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        std::str::from_utf8(self.get(name)?).ok()?.trim().parse().ok()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            b"yes" => Some(true),
            b"no" => Some(false),
            _ => None,
        }
    }

    fn stat(&self, name: &str) -> Option<NodeStat> {
        let words = std::str::from_utf8(self.get(name)?).ok()?;
        let mut words = words.split(' ');
        let mut next = || words.next();
        Some(NodeStat {
            mode: u32::from_str_radix(next()?, 16).ok()?,
            uid: next()?.parse().ok()?,
            gid: next()?.parse().ok()?,
            size_bytes: next()?.parse().ok()?,
            modified: next()?.parse().ok()?,
            changed: next()?.parse().ok()?,
        })
    }

    /// The contents as plain lines.
    fn lines<K>(&self) -> Vec<Text<K>> {
        let text = |line: &KeysLine| match line {
            KeysLine::Text(text) => Text::new(text.as_bytes()),
            _ => Text::new(&b""[..]),
        };
        self.contents.iter().map(text).collect()
    }

    fn text_file(&self) -> TextFile {
        TextFile {
            path: self.text("path"),
            stat: self.stat("stat"),
            error: self.string("error"),
            depth: self.number("depth").unwrap_or_default(),
            lines: self.lines(),
        }
    }

    fn keys_file(&self) -> KeysFile {
        let hex = |name: &str| self.get(name).and_then(|value| HEXLOWER_PERMISSIVE.decode(value).ok());
        let numbers = |value: &[u8]| {
            let text = String::from_utf8_lossy(value).into_owned();
            text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
        };
        KeysFile {
            path: self.text("path"),
            pattern: self.filled("pattern"),
            real: self.filled("real"),
            error: self.string("error"),
            account_reads: self.flag("account-reads"),
            start: hex("start").unwrap_or_default(),
            nuls: self.number("nul").unwrap_or_default(),
            last: hex("last").and_then(|bytes| bytes.first().copied()),
            cut_at: self.number("cut-at"),
            key_lines: self.get("key-lines").map(numbers),
            key_joined: self.flag("key-joined"),
            whole: self
                .values
                .iter()
                .filter(|(name, _)| name == "whole")
                .filter_map(|(_, value)| group(value))
                .collect(),
            lines: self.contents.clone(),
        }
    }
}

#[derive(Debug, Default)]
struct Reading {
    account: Account,
    section: Section,
    paths: HashSet<Vec<u8>>,
    from: (Option<Vec<u8>>, bool),
    /// Whether an `[account]` section has come.
    login: bool,
    logins: Vec<Login>,
}

impl Reading {
    /// Takes one line; whether it could be read.
    fn line(&mut self, line: &[u8]) -> bool {
        match line {
            [] => true,
            [b'[', name @ .., b']'] => {
                self.close();
                self.section.name = String::from_utf8_lossy(name).into_owned();
                self.account.collector.complete = name == b"end";
                true
            }
            [b'|', text @ ..] => self.content(KeysLine::Text(text.into())),
            [b':', hex @ ..] => match HEXLOWER_PERMISSIVE.decode(hex) {
                Ok(bytes) => self.content(KeysLine::Text(bytes.as_slice().into())),
                Err(_) => false,
            },
            b"#" => self.content(KeysLine::Comment),
            [b'?', kind @ (b'b' | b'o'), b' ', count @ ..] => {
                let count = std::str::from_utf8(count).ok().and_then(|count| count.parse().ok());
                let line = |count| if *kind == b'b' { KeysLine::Base64(count) } else { KeysLine::Other(count) };
                count.map(line).is_some_and(|line| self.content(line))
            }
            line => self.value(line),
        }
    }

    fn content(&mut self, line: KeysLine) -> bool {
        let inside = !self.section.name.is_empty();
        if inside {
            self.section.contents.push(line);
        }
        inside
    }

    fn value(&mut self, line: &[u8]) -> bool {
        let Some(at) = line.iter().position(|byte| matches!(byte, b'=' | b'~')) else { return false };
        let (name, value) = (&line[..at], &line[at + 1..]);
        let plain =
            !name.is_empty() && name.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'0'..=b'9'));
        if !plain || self.section.name.is_empty() {
            return false;
        }
        let value = match line[at] {
            b'=' => value.to_vec(),
            _ => match HEXLOWER_PERMISSIVE.decode(value) {
                Ok(bytes) => bytes,
                Err(_) => return false,
            },
        };
        self.section.values.push((String::from_utf8_lossy(name).into_owned(), value));
        true
    }

    /// Puts the section that ends here into the facts.
    fn close(&mut self) {
        let section = std::mem::take(&mut self.section);
        match section.name.as_str() {
            "host" => self.host(&section),
            "daemon" => self.account.sshd.daemons.push(Daemon {
                pid: section.number("pid").unwrap_or_default(),
                exe: section.text("exe"),
                title: section.text("title"),
                started: section.number("started"),
            }),
            "sshd" => {
                let sshd = &mut self.account.sshd;
                sshd.binary = section.filled("binary").filter(|_| section.get("error").is_none());
                sshd.version = section.text("version");
                sshd.vendor = section.text("vendor");
                sshd.config = section.text("config");
                sshd.libwrap = section.flag("libwrap");
                sshd.libpam = section.flag("libpam");
                sshd.options_unclear = section.flag("options-unclear").unwrap_or_default();
            }
            "sshd-test" => {
                let said = section.lines().into_iter().filter(|line: &Text<_>| !line.is_empty()).collect();
                self.account.sshd.test = section.number("test-status").map(|status| (status, said));
            }
            "sshd-config" => self.account.sshd.files.push(section.text_file()),
            "host-key" => self
                .account
                .sshd
                .host_keys
                .push(HostKeyFile { path: section.text("path"), fingerprint: section.filled("fingerprint") }),
            "pid-file" => self.account.sshd.pid_file_written = section.stat("stat").map(|stat| stat.modified),
            "from" => {
                self.from = (
                    section.get("address").filter(|value| !value.is_empty()).map(<[u8]>::to_vec),
                    section.get("named").is_some_and(|value| !value.is_empty()),
                );
            }
            "account" => self.begin_login(&section),
            "path" => self.path(&section),
            "group" => self.account.groups.push(members(&section)),
            "nologin" => self.account.machine.nologin.push(section.text_file()),
            "pam" => self.account.machine.pam.push(section.text_file()),
            "text" => self.account.machine.texts.push(section.text_file()),
            "avc" => self.account.machine.denials = section.lines(),
            "bans" => self.bans(&section),
            "log" => self.account.log = log(&section),
            _ => self.of_login(&section),
        }
    }

    fn host(&mut self, section: &Section) {
        let time: i64 = section.number("time").unwrap_or_default();
        let zone = section.string("zone").unwrap_or_default();
        self.account.collector = Collector {
            uid: section.number("uid").unwrap_or(u32::MAX),
            at: Moment { unix_seconds: time, local: local(time, &zone) },
            host: section.text("name"),
            os: section.string("os").unwrap_or_default(),
            key: section.get("key").and_then(from_line),
            asks_account: section.flag("asked-as-account").unwrap_or_default(),
            ..self.account.collector.clone()
        };
        self.account.machine.selinux = section.get("selinux").map(|value| value == b"1");
    }

    fn path(&mut self, section: &Section) {
        let name = section.get("path").unwrap_or_default().to_vec();
        if self.account.paths.len() >= MOST_PATHS || !self.paths.insert(name) {
            return;
        }
        self.account.paths.push(PathNode {
            path: section.text("path"),
            stat: section.stat("stat"),
            error: section.string("error"),
            link: section.filled("link"),
            followed: section.stat("real-stat"),
            acl: section.filled("acl"),
            label: section.filled("label"),
        });
    }

    fn bans(&mut self, section: &Section) {
        let machine = &mut self.account.machine;
        machine.bans_sought = true;
        let jails = section.values.iter().filter(|(name, _)| name == "fail2ban");
        machine.bans = jails.map(|(_, jail)| Ban::Fail2ban(Text::new(jail.clone()))).collect();
        let lines = section.lines().into_iter().filter(|line: &Text<_>| !line.is_empty());
        machine.bans.extend(lines.map(Ban::Firewall));
    }

    fn begin_login(&mut self, section: &Section) {
        let entry = Passwd {
            name: section.text("name"),
            uid: section.number("uid").unwrap_or(u32::MAX),
            gid: section.number("gid").unwrap_or(u32::MAX),
            home: section.text("home"),
            shell: section.text("shell"),
            groups: section
                .values
                .iter()
                .filter(|(name, _)| name == "group")
                .filter_map(|(_, value)| group(value))
                .collect(),
        };
        self.login = true;
        self.logins.push(Login {
            user: section.text("user"),
            from: self.from.0.clone().map(Text::new),
            from_named: self.from.1,
            passwd: match section.string("error") {
                None => Ok(Some(entry)),
                Some(error) if error == "ENOENT" => Ok(None),
                Some(error) => Err(Unobserved::Failed(error)),
            },
            ..Login::default()
        });
    }

    /// Sections that speak of the account that came last.
    fn of_login(&mut self, section: &Section) {
        let Some(login) = self.logins.last_mut() else { return };
        match section.name.as_str() {
            "effective" => login.effective = effective(section),
            "shadow" => login.shadow = shadow(section),
            "keys-file" => login.keys_files.push(section.keys_file()),
            "other-file" => login.other_files.push(section.keys_file()),
            "ca-file" => login.ca_files.push(section.keys_file()),
            "revoked-file" => {
                let query = section.number("query-status").map(|status| (status, section.text("query")));
                login.revoked_files.push(RevokedFile { file: section.keys_file(), query });
            }
            "principals-file" => login.principals = Some(section.keys_file()),
            "command" => login.commands.push(KeysCommand {
                setting: section.string("setting").unwrap_or_default(),
                line: section.text("line"),
                run_as: section.text("run-as"),
                run_as_exists: section.flag("run-as-exists"),
                answer: None,
            }),
            "command-answer" => {
                let answer = section.number("status").map(|status| (status, section.contents.clone()));
                let command = login.commands.iter_mut().find(|command| command.setting == "authorizedkeyscommand");
                if let Some(command) = command {
                    command.answer = answer;
                }
            }
            "chroot" => login.chroot = section.filled("path"),
            "faillock" => login.faillock = section.lines(),
            _ => {}
        }
    }

    fn finish(mut self) -> Account {
        self.close();
        let mut logins = self.logins.into_iter();
        let mut account = self.account;
        account.login = logins.next().unwrap_or_default();
        account.logins = logins.collect();
        if !account.logins.is_empty() {
            // What all share is reported once, with the last account.
            let shared = account.logins.last().cloned().unwrap_or_default();
            for login in std::iter::once(&mut account.login).chain(&mut account.logins) {
                login.ca_files.clone_from(&shared.ca_files);
                login.revoked_files.clone_from(&shared.revoked_files);
            }
            let first = account.login.clone();
            account.logins.insert(0, first);
        }
        account
    }
}

/// Who is in a group.
fn members(section: &Section) -> Group {
    let parted = |name: &str| -> Vec<Vec<u8>> {
        let value = section.get(name).unwrap_or_default();
        value.split(|byte| *byte == b',').filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let account = |word: Vec<u8>| {
        let at = word.iter().position(|byte| *byte == b':')?;
        let uid = std::str::from_utf8(&word[..at]).ok()?.parse().ok()?;
        Some((uid, Text::new(&word[at + 1..])))
    };
    Group {
        gid: section.number("gid").unwrap_or(u32::MAX),
        name: section.text("name"),
        members: parted("members").into_iter().map(Text::new).collect(),
        primary: parted("primary").into_iter().filter_map(account).collect(),
    }
}

/// A number and what follows it: `gid name`.
fn group<K>(value: &[u8]) -> Option<(u32, Text<K>)> {
    let at = value.iter().position(|byte| *byte == b' ')?;
    let id = std::str::from_utf8(&value[..at]).ok()?.parse().ok()?;
    Some((id, Text::new(&value[at + 1..])))
}

/// What `sshd -T` printed, a keyword and its value a line.
fn effective(section: &Section) -> Observed<Options> {
    match section.number::<i32>("status") {
        None => Err(Unobserved::Failed("sshd -T could not be run".to_owned())),
        Some(0) => {
            let lines: Vec<Text<Server>> = section.lines();
            let pair = |line: &Text<_>| {
                let at = line.as_bytes().iter().position(|byte| *byte == b' ');
                let (name, value) = match at {
                    Some(at) => (&line.as_bytes()[..at], &line.as_bytes()[at + 1..]),
                    None => (line.as_bytes(), &b""[..]),
                };
                (String::from_utf8_lossy(name).into_owned(), Text::new(value))
            };
            Ok(Options(lines.iter().filter(|line| !line.is_empty()).map(pair).collect()))
        }
        Some(status) => {
            let lines: Vec<Text<Server>> = section.lines();
            let said: Vec<String> = lines
                .iter()
                .take(3)
                .map(|line| Text::<Server>::new(line.as_bytes().trim_ascii()).shortened(300))
                .collect();
            Err(Unobserved::Failed(format!("sshd -T ended with status {status}: {}", said.join("; "))))
        }
    }
}

fn shadow(section: &Section) -> Observed<Shadow> {
    match section.get("error") {
        Some(b"EACCES") => return Err(Unobserved::NotPermitted),
        Some(_) => return Err(Unobserved::Failed("no shadow entry".to_owned())),
        None => {}
    }
    let password = match section.get("password") {
        Some(b"set") => Password::Set,
        Some(b"empty") => Password::Empty,
        Some(b"locked") => Password::Locked,
        Some(b"none") => Password::None,
        _ => return Err(Unobserved::NotAttempted),
    };
    // Last change, minimum, maximum, warning, inactive, expiry.
    let ageing = section.string("ageing").unwrap_or_default();
    let days: Vec<Option<i64>> = ageing.split(':').map(|word| word.parse().ok()).collect();
    let day = |index: usize| days.get(index).copied().flatten();
    Ok(Shadow { password, last_change: day(0), maximum: day(2), inactive: day(4), expires: day(5) })
}

fn log(section: &Section) -> Observed<Log> {
    let Some(source) = section.filled("source") else {
        return Err(Unobserved::Failed("no log of sshd could be found or read".to_owned()));
    };
    let lines = section.lines().into_iter().filter(|line: &Text<_>| !line.is_empty()).collect();
    Ok(Log { source, lines, cut: section.flag("cut").unwrap_or_default(), alone: false })
}

/// RFC 3339 of the server's clock and `+0100`.
fn local(unix_seconds: i64, zone: &str) -> String {
    let offset = || {
        let (sign, digits) = zone.split_at_checked(1)?;
        let hours: i32 = digits.get(..2)?.parse().ok()?;
        let minutes: i32 = digits.get(2..4)?.parse().ok()?;
        let seconds = (hours * 60 + minutes) * 60;
        jiff::tz::Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
    };
    let offset = offset().unwrap_or(jiff::tz::Offset::UTC);
    let Ok(time) = jiff::Timestamp::from_second(unix_seconds) else { return String::new() };
    time.to_zoned(offset.to_time_zone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
