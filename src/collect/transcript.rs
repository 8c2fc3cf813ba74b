//! What `ssh -vvv` says about a connection, line by line. Never fails: what it does not know, it counts.
//!
//! ssh translates none of its messages. One row of `lines.rs` for each line that is known: how it looks, who prints it, and
//! what it states. `state.rs` makes facts of a transcript that stands alone.

mod keys;
mod lines;
mod state;
mod way;

pub(super) use way::errno;

use crate::facts::End;
use crate::facts::config::Applied;
use crate::facts::session::ChannelOpen;
use crate::facts::text::{Fingerprint, Path, ServerText};
use crate::facts::transport::Agreed;
use crate::facts::userauth::Answer;
use crate::openssh::libraries;

pub(super) use state::{by_fingerprint, name_server, nothing, state, wire_name};

/// How much of a line is looked at.
const LONGEST_LINE: usize = 8192;
/// How many lines are kept that are no debugging.
const MOST_SAID: usize = 40;
/// How much of such a line is kept.
const LONGEST_SAID: usize = 1000;
/// How much is kept of what the server shows.
const MOST_SHOWN: usize = 4096;
/// How many identities, texts and requests of one kind are kept.
const MOST: usize = 1000;

/// An identity as ssh names it (sshconnect2.c `format_identity`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Its file, its comment in the agent, or the provider of its token.
    pub(super) name: Path,
    /// Its type as ssh prints it, `ED25519`, `RSA-CERT`; empty where no public half of it is known.
    pub(super) kind: String,
    /// Its fingerprint; empty where none was printed.
    pub(super) fingerprint: Fingerprint,
    /// Whether a token holds it.
    pub(super) token: bool,
    /// Whether the agent holds it.
    pub(super) agent: bool,
    /// Whether the configuration or the command line names it.
    pub(super) explicit: bool,
}

/// Why a signature was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// Nothing says why: the file says it, or the run ended.
    Silently,
    /// The token wants a PIN.
    Pin,
    /// The agent would not.
    Agent,
    /// The private key is not that of the public half.
    OtherKey,
    /// What came back is of another algorithm than was asked for.
    WrongType,
    /// Another reason, in ssh's words.
    Failed(String),
}

/// An attempt to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Its row in [`Transcript::queries`], where the key was asked about first.
    pub(super) query: Option<usize>,
    /// The signature algorithm; empty where it was not printed.
    pub(super) algorithm: String,
    /// The key's fingerprint, where it was printed.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The file whose public half ssh did not know, so that it signed without asking first.
    pub(super) tried: Option<Path>,
    /// Whether the signed request was sent, and if not, why.
    pub(super) sent: Result<(), Unsigned>,
    /// The answer to it.
    pub(super) answer: Option<Answer>,
}

/// What the next answer of the server belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Asked {
    /// The request of method `none`.
    #[default]
    Nothing,
    /// This query.
    Query(usize),
    /// This query was answered with yes, and whether it is signed for has not been said.
    Accepted(usize),
    /// This attempt to sign.
    Signature(usize),
    /// A file without a public half: what is answered is answered to a signature with it.
    Tried,
    /// Another method, or nothing.
    Other,
}

/// What a transcript states so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line that was seen or was not")]
pub(super) struct Transcript {
    /// Lines read.
    pub(super) lines: u32,
    /// Lines of which nothing is known.
    pub(super) unknown: u32,
    /// The highest level of debugging that was seen, 0 to 3.
    pub(super) level: u8,
    /// What ssh says of its version, `OpenSSH_9.2p1`, `OpenSSH_for_Windows_8.1p1`.
    pub(super) version: Option<String>,
    /// Whether a configuration file was read.
    pub(super) configured: bool,
    /// `Host` and `Match` lines that applied.
    pub(super) applied: Vec<Applied>,
    /// What ssh says where it does not take its configuration.
    pub(super) complaints: Vec<ServerText>,
    /// What ssh says where it does not start, of no line of its configuration.
    refused: Option<ServerText>,
    /// Files named with `-i` that are not there.
    pub(super) inaccessible: Vec<Path>,
    /// Lines that are no debugging.
    pub(super) said: Vec<ServerText>,
    /// The way to the server.
    way: way::Way,
    /// What was made of the host key.
    host: way::HostSaid,
    /// The identities, and what became of the methods.
    keys: keys::Keys,
    /// Questions that were put to a person.
    questions: keys::Questions,
    /// Whether the TCP connection was made.
    pub(super) connected: bool,
    /// The server's identification string.
    pub(super) identification: Option<ServerText>,
    /// What the key exchange settled.
    pub(super) agreed: Agreed,
    /// The host key's type and fingerprint.
    pub(super) host_key: Option<(String, Fingerprint)>,
    /// Where a line names the host key.
    pub(super) found_in: Option<ServerText>,
    /// Where a line names another.
    pub(super) offending_in: Option<ServerText>,
    /// Whether the DNS names it.
    pub(super) found_in_dns: bool,
    /// Whether ssh took the host key for none that it may go on with.
    pub(super) host_key_refused: bool,
    /// Whether the key exchange is done.
    pub(super) has_keys: bool,
    /// What ssh said where `KnownHostsCommand` failed.
    pub(super) command_failed: Vec<ServerText>,
    /// Why no key of a token is listed, in ssh's words.
    pub(super) token_trouble: Option<ServerText>,
    /// The identities that ssh would try, in its order, as far as their public halves are known.
    pub(super) attempted: Vec<Named>,
    /// `SSH_MSG_EXT_INFO`.
    pub(super) extensions: Vec<(String, ServerText)>,
    /// Whether userauth began.
    pub(super) service_accepted: bool,
    /// The answer to method `none`.
    pub(super) none: Option<Answer>,
    /// Identities offered, and the answers.
    pub(super) queries: Vec<(Named, Option<Answer>)>,
    /// Attempts to sign.
    pub(super) attempts: Vec<Attempt>,
    /// The method that let ssh in.
    pub(super) admitted_by: Option<String>,
    /// Authentication requests sent.
    pub(super) requests: u32,
    /// Refusals received, but for `none`'s, and partial success.
    pub(super) failures: u32,
    /// `SSH_MSG_DEBUG` texts.
    pub(super) debug: Vec<ServerText>,
    /// Whether ssh got as far as a session, or as far as one without.
    pub(super) in_session: bool,
    /// The answer to the request for a channel.
    pub(super) channel: Option<ChannelOpen>,
    /// Whether the command was sent.
    pub(super) command_sent: bool,
    /// The command.
    pub(super) command: Option<ServerText>,
    /// The subsystem that was asked for.
    pub(super) subsystem: Option<ServerText>,
    /// Whether the server granted it.
    pub(super) granted: Option<bool>,
    /// Whether it granted a terminal.
    pub(super) terminal: Option<bool>,
    /// Whether the forwarding of standard input and output failed (`-W`).
    pub(super) stdio_failed: bool,
    /// Its exit status.
    pub(super) exit_status: Option<u32>,
    /// Whether it lasted for a minute or more.
    pub(super) lasted: bool,
    /// How the server ended the connection.
    pub(super) end: Option<End>,
    /// What the server wrote for the person, once it had let in.
    pub(super) shown: Vec<u8>,
    /// Whether a message tells of a session where nothing was seen of the login before it.
    inside: bool,
    /// What the account's side says where it lets nobody in.
    turned_away: Option<ServerText>,
    /// What a Git host says of a repository that may not be read.
    repository_denied: Option<ServerText>,
    /// Whether it was an open session that ended.
    broke_off: bool,
    /// The first four bytes of what came in place of SFTP.
    no_sftp: Option<[u8; 4]>,
    /// The run of ssh that connects through the jump host next to the server, whose lines stand among these.
    pub(super) hop: Option<Box<Transcript>>,
    at_hop: bool,
    warnings: u32,
    asked: Asked,
    partial: bool,
    debugging: bool,
    pending: Vec<u8>,
}

impl Transcript {
    /// Reads on with what came.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.pending.len());
            self.pending.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.pending);
                self.line(&String::from_utf8_lossy(&line));
            }
        }
    }

    /// Whether it holds nothing but what ssh says before its first line of debugging (ssh.c `main`).
    pub(super) fn has_only_warned(&self) -> bool {
        self.level == 0 && self.version.is_none() && self.lines > 0 && self.warnings == self.lines
    }

    /// Reads a line; whether it is known.
    pub(super) fn line(&mut self, line: &str) -> bool {
        // A prompt begins with a carriage return.
        let line = line.trim_end().trim_start_matches('\r');
        if line.is_empty() {
            return true;
        }
        self.lines = self.lines.saturating_add(1);
        let (level, text) = debugging(line).unwrap_or((0, line));
        self.level = self.level.max(level);
        if begins(line) && self.nests() && !self.at_hop {
            self.hop = Some(Box::default());
            self.at_hop = true;
        }
        if let Some(hop) = self.hop.as_mut().filter(|_| self.at_hop) {
            if !hop.is_behind(text) {
                return hop.line(line);
            }
            self.at_hop = false;
        }
        self.debugging = level > 0;
        if level == 0 && !line.starts_with("OpenSSH_") && self.said.len() < MOST_SAID {
            self.said.push(ServerText::from(line.chars().take(LONGEST_SAID).collect::<String>()));
        }
        if level == 0 && self.awaits_fingerprint() && text.starts_with("SHA256:") {
            self.sent_fingerprint(text);
            return true;
        }
        // Once it is in, messages of that kind are those of an ssh that runs there.
        let of_inner = level == 0 && self.admitted_by.is_some() && is_before_login(text);
        let Some((row, rest)) = lines::find(text, level > 0).filter(|_| !of_inner) else {
            if level == 0 && self.admitted_by.is_some() {
                self.shows(line);
            }
            self.unknown = self.unknown.saturating_add(1);
            return false;
        };
        // Of a program that stands for the connection nobody knows what it speaks of.
        let of_program = level == 0 && self.way.program.is_some() && self.identification.is_none();
        if !of_program || rest.is_empty() || is_own(text) {
            row.state(self, rest);
        }
        true
    }

    /// Whether a run of ssh that begins now is not another one, but the one that this one has started to connect through a
    /// jump host (ssh.c `main`, "Setting implicit ProxyCommand from ProxyJump").
    pub(super) fn nests(&self) -> bool {
        match self.hop.as_ref().filter(|_| self.at_hop) {
            Some(hop) => hop.nests(),
            None => self.hop.is_none() && self.identification.is_none() && self.way.runs_ssh(),
        }
    }

    /// Whether the line is of the run that has started this one: this one is over, or comes to such a line but once.
    fn is_behind(&self, text: &str) -> bool {
        let exchange = ["kex_exchange_identification: ", "ssh_exchange_identification: ", "banner exchange: "];
        if text.starts_with("Remote protocol version ") {
            // A live connection to the jump host makes none of its own.
            let carried = self.way.program.is_none() && !self.connected;
            return self.identification.is_some() || carried;
        }
        if exchange.iter().any(|begins| text.starts_with(begins)) {
            return self.identification.is_some() || self.is_over();
        }
        let unknown = text.starts_with("Connection closed by UNKNOWN") || text.starts_with("Connection to UNKNOWN");
        unknown && (self.way.program.is_none() || self.is_over())
    }

    /// Whether it has said its last word.
    fn is_over(&self) -> bool {
        let way = self.way.failed.is_some() || self.way.unresolved.is_some() || self.way.unnegotiated.is_some();
        way || self.host_key_refused || self.keys.denied.is_some() || self.end.is_some() || self.stdio_failed
    }

    /// Whether it comes to a last word, and each step is there that a later one follows.
    pub(super) fn is_whole(&self) -> bool {
        let asked = !self.queries.is_empty() || !self.attempts.is_empty() || self.admitted_by.is_some();
        let steps = [
            self.identification.is_some(),
            self.host_key.is_some() || self.has_keys,
            self.has_keys,
            self.service_accepted,
            self.none.is_some(),
            asked,
        ];
        let reached = steps.iter().rposition(|seen| *seen).unwrap_or_default();
        let mastered = self.way.mastered;
        let over = self.is_over()
            || self.keys.exhausted
            || self.exit_status.is_some()
            || self.in_session
            || self.way.program.is_some() && self.identification.is_none();
        mastered || over && steps.iter().take(reached).all(|seen| *seen)
    }

    /// Whether ssh, which was asked to say no more than its messages, has said the one that comes last of all.
    pub(super) fn has_last_word(&self) -> bool {
        let connecting = self.way.failed.is_some() || self.way.unresolved.is_some();
        self.level == 0 && (connecting || self.host_key_refused || self.keys.denied.is_some())
    }

    fn ended(&mut self, end: End) {
        self.cut_off();
        self.end.get_or_insert(end);
    }

    /// `OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026`.
    fn version(&mut self, rest: &str) {
        let word = rest.split([' ', ',']).next().unwrap_or_default();
        self.version.get_or_insert_with(|| format!("OpenSSH_{word}"));
    }

    /// `/home/a/.ssh/config: line 7: Bad configuration option: foo`.
    fn complains(&mut self, line: &str) {
        if self.complaints.len() < MOST_SAID {
            self.complaints.push(line.into());
        }
    }

    /// `/home/a/.ssh/config`.
    fn misowned(&mut self, rest: &str) {
        self.complains(&format!("Bad owner or permissions on {rest}"));
    }

    /// `/home/a/.ssh/k not accessible: No such file or directory.`
    fn inaccessible(&mut self, rest: &str) {
        self.warnings += 1;
        if let Some((path, _)) = rest.rsplit_once(" not accessible: ")
            && self.inaccessible.len() < MOST
        {
            self.inaccessible.push(path.into());
        }
    }

    /// `/etc/ssh/ssh_config line 2: Applying options for *`.
    fn applies(&mut self, line: &str) {
        let at = line.split_once(": ").and_then(|(at, text)| {
            let (path, number) = at.trim_end_matches(':').rsplit_once(" line ")?;
            let at = crate::facts::Source::File { path: path.into(), line: Some(number.parse().ok()?) };
            Some(Applied { at, text: text.into() })
        });
        self.applied.extend(at.filter(|at| self.applied.len() < MOST && !self.applied.contains(at)));
    }

    /// `/home/deploy/.ssh/authorized_keys:1: key options: pty`.
    fn remote(&mut self, text: &str) {
        if self.debug.len() < MOST {
            self.debug.push(text.into());
        }
    }

    /// `administratively prohibited: open failed` (channels.c `reason2txt`).
    fn channel_refused(&mut self, rest: &str) {
        let (reason, text) = rest.split_once(": ").unwrap_or((rest, ""));
        let code = match reason {
            "administratively prohibited" => 1,
            "connect failed" => 2,
            "unknown channel type" => 3,
            "resource shortage" => 4,
            _ => 0,
        };
        self.channel = Some(ChannelOpen::Refused { code, text: text.into() });
    }

    /// `sent 3000, received 2500 bytes, in 300.0 seconds`.
    fn transferred(&mut self, rest: &str) {
        const LONG_SECONDS: f64 = 60.0;
        let seconds = rest.rsplit_once(" in ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
        self.lasted |= seconds.is_some_and(|seconds| seconds >= LONG_SECONDS);
    }

    /// Keeps what the server wrote for the person.
    fn shows(&mut self, line: &str) {
        if self.shown.len() < MOST_SHOWN {
            self.shown.extend_from_slice(line.as_bytes());
            self.shown.push(b'\n');
        }
    }

    /// A message of which ssh's own or its session's words tell that the login has succeeded.
    fn comes_in(&mut self) {
        self.inside |= self.level == 0;
    }

    /// What was asked for in the session is refused.
    fn not_granted(&mut self, _: &str) {
        self.granted = Some(false);
        self.comes_in();
    }

    /// `This account is currently not available.`
    fn tells(&mut self, line: &str) {
        // A house's own text may begin so.
        if line.starts_with("Please login as ") && !line.contains("rather than the user") {
            return;
        }
        if self.level == 0 || self.admitted_by.is_some() {
            self.comes_in();
            self.shows(line);
        }
    }

    /// `ERROR: Permission to acme/api.git denied to bob.`
    fn denies_repository(&mut self, line: &str) {
        if self.admitted_by.is_some() {
            self.shows(line);
        } else if self.level == 0 {
            self.comes_in();
            self.repository_denied = Some(line.into());
        }
    }

    /// `Your account has expired; please contact your system administrator.`
    fn turns_away(&mut self, line: &str) {
        if self.admitted_by.is_some() {
            self.shows(line);
        } else if self.level == 0 {
            self.turned_away.get_or_insert_with(|| line.into());
        }
    }

    /// `1416128883`: four bytes of text, read as the length of a message.
    fn too_long(&mut self, rest: &str) {
        self.no_sftp = rest.trim().parse().ok().map(u32::to_be_bytes);
        self.comes_in();
    }

    /// `No user exists for uid 1000`.
    fn refuses(&mut self, line: &str) {
        self.refused.get_or_insert_with(|| line.into());
    }

    /// `192.0.2.7 port 22:2: Too many authentication failures`.
    fn disconnect(&mut self, rest: &str) {
        self.peer(rest);
        let reason = rest.split_once(" port ").and_then(|(_, rest)| rest.split_once(':')).map(|(_, reason)| reason);
        // Before 7.2 no port was printed.
        let reason = reason.or_else(|| rest.split_once(": ").map(|(_, reason)| reason));
        let parts = reason.and_then(|reason| reason.split_once(": "));
        let (code, text) = parts.unwrap_or(("0", rest));
        self.ended(End::Disconnect { code: code.trim().parse().unwrap_or(0), text: text.into() });
    }
}

/// Whether the message is about the connection itself, so that no program before it can have written it.
fn is_own(text: &str) -> bool {
    let exchange = ["kex_exchange_identification: ", "ssh_exchange_identification: ", "banner exchange: "];
    exchange.iter().any(|begins| text.starts_with(begins)) || text.contains(" UNKNOWN port ")
}

/// Whether ssh says it before a login succeeds, and never afterwards.
fn is_before_login(text: &str) -> bool {
    const BEGIN: &[&str] = &[
        "ssh: connect to host ",
        "ssh: Could not resolve hostname ",
        "kex_exchange_identification: ",
        "ssh_exchange_identification: ",
        "banner exchange: ",
        "Host key verification failed",
        "Unable to negotiate with ",
        "Offending ",
        "Load key ",
        "No ",
        "Bad ",
    ];
    BEGIN.iter().any(|begin| text.starts_with(begin))
        || ["Permission denied (", " host key for ", "Host key for ", "IDENTIFICATION HAS CHANGED"]
            .iter()
            .any(|words| text.contains(words))
}

/// The level and the text of a line of debugging.
fn debugging(line: &str) -> Option<(u8, &str)> {
    let (level, text) = line.strip_prefix("debug")?.split_once(':')?;
    let level = level.parse().ok().filter(|level| (1..=3).contains(level))?;
    Some((level, text.strip_prefix(' ').unwrap_or(text)))
}

/// Whether a run of ssh begins with this line: it prints its version first where it prints debugging, from 10.0 on in a line
/// of debugging (ssh.c `main`).
pub(super) fn begins(line: &str) -> bool {
    let text = debugging(line).map_or(line, |(_, text)| text);
    let version = text.strip_prefix("OpenSSH_");
    version.is_some_and(|rest| [", OpenSSL", ", LibreSSL", ", without OpenSSL"].iter().any(|with| rest.contains(with)))
}

/// Whether the message may follow another run's last one in the same login: what an ssh says whose program, or whose jump
/// host, has failed, and what scp and sftp say of theirs.
pub(super) fn follows(line: &str) -> bool {
    let begins = ["kex_exchange_identification: ", "ssh_exchange_identification: ", "banner exchange: ", "Connection "];
    begins.iter().any(|words| line.starts_with(words)) || line.starts_with("lost connection")
}

/// Whether the line is one of ssh's: debugging, or a message that is known.
pub(super) fn is_known(line: &str) -> bool {
    let line = line.trim_end();
    // Dropbear's client, which may be called ssh, and Java's and Python's libraries say something like its words.
    let of_dropbear = line.contains("Connection to ") && line.contains(" exited: ");
    let of_others = of_dropbear || (line.contains("Exception: ") && libraries::said(line).is_some());
    !of_others && (debugging(line).is_some() || lines::find(line, false).is_some())
}

#[cfg(test)]
mod tests;
