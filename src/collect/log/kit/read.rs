//! What a kit printed: sections of one machine and one login.

use super::super::typed;
use super::pasted::Lists;
use crate::collect::transcript::{by_fingerprint, errno, wire_name};
use crate::facts::agent::{Agent, AgentAnswer, AgentKey, AgentSocket};
use crate::facts::config::SshProgram;
use crate::facts::identities::{FileError, FileKind, FileStat, FileState, Identities, KeyFile, PublicFile, is_seen};
use crate::facts::key::PublicKey;
use crate::facts::log::Pasted;
use crate::facts::text::{Path, ServerText, User};
use crate::facts::{Facts, Moment, Source, Unobserved, UserFrom};

/// How the line of a section begins.
const MARK: &str = "=== sshdoctor kit ";
/// How many names, options and keys are kept.
const MOST: usize = 1000;
/// ssh's own list of key files (readconf.c `fill_default_options`), by the end of their paths.
const DEFAULTS: &[&str] = &["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];

/// The sections that are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    /// Outside a kit.
    #[default]
    None,
    Date,
    System,
    Id,
    Environment,
    Version,
    Agent,
    Config,
    Files,
    /// ssh's own lines, which are not read here.
    Transcript,
    /// A section of another version.
    Other,
}

/// What was read of a kit, the last one; and which parts stood alone.
#[derive(Debug, Default)]
pub(in super::super) struct Kit {
    section: Section,
    begun: bool,
    target: String,
    typed: String,
    home: String,
    socket: String,
    sudo_user: String,
    reached: bool,
    terminal: bool,
    date: String,
    os: String,
    user: Option<(u32, String)>,
    version: String,
    options: Vec<(String, ServerText)>,
    files: Vec<(Path, FileState)>,
    agent: Option<AgentAnswer>,
    /// The section with ssh's own lines: its file, its first line and its last one so far.
    transcript: Option<(usize, u64, u64)>,
    lists: Lists,
}

/// Whether a section begins with this line.
pub(in super::super) fn is_mark(line: &str) -> bool {
    line.starts_with(MARK)
}

impl Kit {
    /// Whether the line is part of a kit, or of what a kit asks for; it is read then.
    pub(in super::super) fn line(&mut self, file: usize, number: u64, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix(MARK) {
            self.begins(file, number, rest.split_once(": ").map_or("", |(_, name)| name));
            return true;
        }
        if self.section == Section::None {
            return self.lists.line(file, number, line);
        }
        if line.starts_with("sshdoctor kit: ") {
            return true;
        }
        match self.section {
            Section::Transcript => {
                if let Some((_, _, last)) = self.transcript.as_mut().filter(|(at, _, _)| *at == file) {
                    *last = number;
                }
                return false;
            }
            Section::Date => line.clone_into(&mut self.date),
            Section::System => self.system(line),
            Section::Id => self.user = self.user.take().or_else(|| id(line)),
            Section::Environment => self.environment(line),
            Section::Version => {
                if let Some(version) = line.split([' ', ',']).next().filter(|word| word.starts_with("OpenSSH_")) {
                    version.clone_into(&mut self.version);
                }
            }
            Section::Agent => self.agent(line),
            Section::Config => self.options.extend(option(line).filter(|_| self.options.len() < MOST)),
            Section::Files => self.files.extend(listed(line).filter(|_| self.files.len() < MOST)),
            Section::None | Section::Other => {}
        }
        true
    }

    fn begins(&mut self, file: usize, number: u64, name: &str) {
        let name = name.trim_end_matches([' ', '=']);
        if name == "date" {
            let lists = std::mem::take(&mut self.lists);
            *self = Self { begun: true, lists, ..Self::default() };
        }
        self.section = match name {
            "date" => Section::Date,
            "system" => Section::System,
            "id" => Section::Id,
            "environment" => Section::Environment,
            "ssh -V" => Section::Version,
            "ssh-add -l" => Section::Agent,
            "ssh -G" => Section::Config,
            "ls -lnd" => Section::Files,
            "ssh -vvv" => {
                self.transcript = Some((file, number, number));
                Section::Transcript
            }
            "end" => Section::None,
            _ => Section::Other,
        };
    }

    /// What stood alone, a sentence for each kind.
    pub(in super::super) fn remarks(&self) -> Vec<ServerText> {
        self.lists.remarks()
    }

    /// What of that can explain a refusal.
    pub(in super::super) fn pasted(&self, files: &[Path]) -> Vec<Pasted> {
        self.lists.pasted(files)
    }

    fn system(&mut self, line: &str) {
        let named = line.strip_prefix("ProductName:").or_else(|| line.strip_prefix("ProductVersion:"));
        let named = named.map(str::trim).or_else(|| line.strip_prefix("Windows").map(|_| line));
        if let Some(part) = named {
            self.os = if self.os.is_empty() || !line.starts_with("ProductVersion") {
                part.to_owned()
            } else {
                format!("{} {part}", self.os)
            };
        } else if line.starts_with('"') {
            line.trim_matches('"').clone_into(&mut self.os);
        }
    }

    fn environment(&mut self, line: &str) {
        let into = match line.split_once('=') {
            Some(("TARGET", _)) => &mut self.target,
            Some(("TYPED", _)) => &mut self.typed,
            Some(("HOME", _)) => &mut self.home,
            Some(("SSH_AUTH_SOCK", _)) => &mut self.socket,
            Some(("SUDO_USER", _)) => &mut self.sudo_user,
            _ => {
                self.reached |= line == "reached by ssh";
                self.terminal |= line == "has a terminal";
                return;
            }
        };
        line.split_once('=').map_or("", |(_, value)| value).clone_into(into);
    }

    fn agent(&mut self, line: &str) {
        if line.starts_with("The agent has no identities") {
            self.agent = Some(AgentAnswer::Lists(Vec::new()));
        } else if let Some(error) = line.strip_prefix("Error connecting to agent: ") {
            self.agent = Some(AgentAnswer::Unreachable(errno(error)));
        } else if let Some(key) = key(line) {
            match &mut self.agent {
                Some(AgentAnswer::Lists(keys)) if keys.len() < MOST => keys.push(AgentKey { key }),
                Some(AgentAnswer::Lists(_)) => {}
                _ => self.agent = Some(AgentAnswer::Lists(vec![AgentKey { key }])),
            }
        }
    }

    /// Whether a kit was read.
    pub(in super::super) fn is_there(&self) -> bool {
        self.begun
    }

    /// Whether these lines of that file are the kit's own run of ssh.
    pub(in super::super) fn holds(&self, file: usize, first: u64) -> bool {
        self.transcript.is_some_and(|(at, from, to)| at == file && (from..=to).contains(&first))
    }

    /// Puts what the kit shows beside what ssh's own lines state of the same login.
    pub(in super::super) fn state(&self, facts: &mut Facts) {
        self.state_run(facts);
        self.state_config(facts);
        self.state_files(facts);
        self.state_agent(facts);
    }

    fn state_run(&self, facts: &mut Facts) {
        let run = &mut facts.run;
        if let Some((uid, user)) = &self.user {
            run.uid = *uid;
            run.user = user.as_str().into();
        }
        run.home = self.home.as_str().into();
        run.home_variable = Some(self.home.as_str().into()).filter(|home: &Path| !home.is_empty());
        run.auth_sock = Some(self.socket.as_str().into()).filter(|path: &Path| !path.is_empty());
        run.sudo_user = Some(self.sudo_user.as_str().into()).filter(|user: &User| !user.is_empty());
        run.terminal = self.terminal;
        if !self.os.is_empty() {
            run.os.clone_from(&self.os);
        }
        let stamp = self.date.trim();
        // Windows writes a colon into the offset.
        let plain = stamp.len().checked_sub(3).filter(|at| stamp.as_bytes().get(*at) == Some(&b':'));
        let plain = plain.map_or_else(|| stamp.to_owned(), |at| format!("{}{}", &stamp[..at], &stamp[at + 1..]));
        if let Ok(time) = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%z", &plain).and_then(|time| time.to_timestamp())
        {
            facts.observed_at = Moment { unix_seconds: time.as_second(), local: stamp.to_owned() };
        }
    }

    fn state_config(&self, facts: &mut Facts) {
        if !self.version.is_empty() {
            facts.config.ssh = Ok(SshProgram { path: "ssh".into(), version: self.version.clone() });
        }
        if self.options.is_empty() {
            return;
        }
        facts.config.evaluated = true;
        // What ssh did stands over what it would; the kit itself ran it in batch mode.
        let seen = std::mem::take(&mut facts.config.options);
        facts.config.options.0.clone_from(&self.options);
        for (keyword, value) in seen.0 {
            if keyword != "batchmode" {
                facts.config.options.0.retain(|(name, _)| *name != keyword);
                facts.config.options.0.push((keyword, value));
            }
        }
        let options = facts.config.options.clone();
        let Ok(target) = &mut facts.target else { return };
        if !self.target.is_empty() {
            let (user, alias) = self.target.rsplit_once('@').map_or(("", self.target.as_str()), |parts| parts);
            target.input = self.target.as_str().into();
            target.alias = alias.into();
            // What the typed name leads to by itself need not be said.
            let typed = typed::typed(&format!("$ {}", self.typed));
            let words = typed.map(|typed| typed.arguments.options).unwrap_or_default();
            facts.config.arguments = words.iter().map(|word| word.as_encoded_bytes().into()).collect();
            let local = self.user.as_ref().map(|(_, name)| name.as_str());
            target.user_from = match options.first("user") {
                _ if !user.is_empty() => UserFrom::CommandLine,
                configured if configured == local => UserFrom::LocalAccount,
                _ => UserFrom::Config,
            };
        }
        // `true` is the kit's own.
        target.command = None;
        if target.user.is_empty() {
            target.user = options.first("user").unwrap_or_default().into();
        }
    }

    fn state_files(&self, facts: &mut Facts) {
        let look = |path: &Path| self.files.iter().find(|(name, _)| name == path).map(|(_, state)| state.clone());
        if facts.identities.is_err() {
            facts.identities = Ok(self.identities());
        }
        for file in facts.identities.iter_mut().flat_map(|identities| &mut identities.files) {
            let beside =
                [&mut file.public, &mut file.certificate].map(|public| (public.path.clone(), &mut public.state));
            for (path, state) in beside.into_iter().chain([(file.path.clone(), &mut file.state)]) {
                if !is_seen(state)
                    && let Some(listed) = look(&path)
                {
                    *state = listed;
                }
            }
        }
    }

    fn state_agent(&self, facts: &mut Facts) {
        let elsewhere = facts.config.options.first("identityagent").is_some_and(|value| value != "SSH_AUTH_SOCK");
        if elsewhere || self.options.is_empty() {
            return;
        }
        let from = Source::Environment("SSH_AUTH_SOCK".to_owned());
        // session.c, `auth_input_request_forwarding`: where sshd puts its sockets.
        let of_sshd = self.socket.starts_with("/tmp/ssh-") || self.socket.contains(".sshd.");
        let forwarded = self.reached && of_sshd;
        let socket = (!self.socket.is_empty()).then(|| AgentSocket {
            path: self.socket.as_str().into(),
            from,
            link: None,
            forwarded,
        });
        let answer = match (&socket, &self.agent) {
            (None, _) => Err(Unobserved::NotAttempted),
            (Some(_), Some(answer)) => Ok(answer.clone()),
            (Some(_), None) => Err(Unobserved::NotInThisSource),
        };
        if let Ok(agent) = &mut facts.agent {
            agent.socket = agent.socket.take().or(socket);
            if agent.answer.is_err() {
                agent.answer = answer;
            }
        } else {
            let unseen = Unobserved::NotInThisSource;
            facts.agent = Ok(Agent { socket, answer, bound: Err(unseen.clone()), locked: Err(unseen) });
        }
    }

    /// The key files that the configuration names, as far as the kit shows them.
    fn identities(&self) -> Identities {
        let values = self.options.iter().filter(|(keyword, _)| keyword == "identityfile").map(|(_, value)| value);
        let files = values.take(MOST).filter_map(|value| {
            let text = value.as_str()?;
            let path = match text.strip_prefix("~/") {
                Some(rest) => format!("{}/{rest}", self.home),
                None => text.to_owned(),
            };
            let default = text.strip_prefix("~/.ssh/").is_some_and(|name| DEFAULTS.contains(&name));
            let beside = |end: &str| PublicFile {
                path: format!("{path}{end}").as_str().into(),
                state: Ok(FileStat::unseen()),
                key: None,
            };
            Some(KeyFile {
                configured: value.clone(),
                source: if default { Source::Default } else { Source::Command("ssh -G".to_owned()) },
                explicit: !default,
                state: Ok(FileStat::unseen()),
                private: Err(Unobserved::NotInThisSource),
                public: beside(".pub"),
                certificate: beside("-cert.pub"),
                path: path.as_str().into(),
            })
        });
        Identities { files: files.collect(), ..Identities::default() }
    }
}

/// `uid=1000(a) gid=1000(a) groups=…`; whoami's words of Windows have no number.
fn id(line: &str) -> Option<(u32, String)> {
    let (uid, rest) = line.strip_prefix("uid=")?.split_once('(')?;
    Some((uid.parse().ok()?, rest.split_once(')')?.0.to_owned()))
}

/// `identityfile ~/.ssh/id_rsa`.
pub(super) fn option(line: &str) -> Option<(String, ServerText)> {
    let (keyword, value) = line.split_once(' ')?;
    let is_keyword = !keyword.is_empty() && keyword.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_keyword && !value.is_empty()).then(|| (keyword.to_ascii_lowercase(), value.into()))
}

/// `256 SHA256:… a@laptop (ED25519)` (ssh-add.c `list_identities`).
pub(super) fn key(line: &str) -> Option<PublicKey> {
    let (bits, rest) = line.split_once(' ')?;
    let (fingerprint, rest) = rest.split_once(' ')?;
    let (comment, kind) = rest.rsplit_once('(')?;
    let kind = kind.strip_suffix(')')?;
    let algorithm = wire_name(kind);
    if algorithm == kind {
        return None;
    }
    (fingerprint.starts_with("SHA256:") || fingerprint.starts_with("MD5:")).then(|| PublicKey {
        comment: comment.trim_end().into(),
        bits: bits.parse().ok(),
        ..by_fingerprint(algorithm, &fingerprint.into())
    })
}

/// A line of `ls -l`, or what ls says where it cannot look.
pub(super) fn listed(line: &str) -> Option<(Path, FileState)> {
    if let Some(rest) = line.strip_prefix("ls: ") {
        let (name, why) = rest.rsplit_once(": ")?;
        let name = name.strip_prefix("cannot access ").unwrap_or(name).trim_matches('\'');
        return name.starts_with('/').then(|| (name.into(), Err(FileError { errno: errno(why), at: None })));
    }
    let mut rest = line;
    let mut word = || {
        let (word, behind) = rest.trim_start().split_once(' ')?;
        rest = behind;
        Some(word)
    };
    let letters = word()?;
    let (_links, uid, gid, size) = (word()?.parse::<u32>().ok()?, word()?, word()?, word()?);
    let (_month, _day, _year) = (word()?, word()?, word()?);
    let (kind, mode) = mode(letters)?;
    let (uid, gid, size_bytes) = (uid.parse().unwrap_or(u32::MAX), gid.parse().unwrap_or(u32::MAX), size.parse().ok()?);
    let name = rest.trim_start();
    let stat = FileStat { kind, mode, uid, gid, size_bytes, modified: None, link_to: None };
    (!name.is_empty()).then(|| (name.into(), Ok(stat)))
}

/// `-rw-r--r--`, with a mark of ACLs or labels behind it.
pub(super) fn mode(letters: &str) -> Option<(FileKind, u32)> {
    let bytes = letters.as_bytes();
    let kind = match bytes.first()? {
        b'-' => FileKind::Regular,
        b'd' => FileKind::Directory,
        b'p' => FileKind::Fifo,
        b's' => FileKind::Socket,
        b'b' | b'c' | b'l' => FileKind::Other,
        _ => return None,
    };
    let mut mode = 0;
    for (at, letter) in bytes.get(1..10)?.iter().enumerate() {
        let bit = 0o400 >> at;
        let special = [0o4000, 0o2000, 0o1000][at / 3];
        mode |= match (at % 3, letter) {
            (_, b'-') => 0,
            (0, b'r') | (1, b'w') | (2, b'x') => bit,
            (2, b's' | b't') => bit | special,
            (2, b'S' | b'T') => special,
            _ => return None,
        };
    }
    matches!(bytes.get(10), None | Some(b'.' | b'+' | b'@')).then_some((kind, mode))
}

#[cfg(test)]
mod tests;
