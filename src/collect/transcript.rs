//! What `ssh -vvv` says about a connection, line by line. Never fails: what it does not know, it counts.
//!
//! ssh translates none of its messages. One row of [`LINES`] for each line that states a fact: how it begins, who prints
//! it, and what it states.

use crate::facts::End;
use crate::facts::session::ChannelOpen;
use crate::facts::text::{Fingerprint, Path, ServerText};
use crate::facts::transport::Agreed;
use crate::facts::userauth::Answer;

/// How much of a line is looked at.
const LONGEST_LINE: usize = 8192;
/// How many lines are kept that are no debugging.
const MOST_SAID: usize = 40;
/// How much of such a line is kept.
const LONGEST_SAID: usize = 1000;
/// How many identities, texts and requests of one kind are kept.
const MOST: usize = 1000;

/// How a line begins, behind its `debugN: `; the file and function that print it; what it states.
type Line = (&'static str, &'static str, fn(&mut Transcript, &str));

/// Every line that is known.
const LINES: &[Line] = &[
    ("Connection established.", "sshconnect.c ssh_connect_direct", |seen, _| seen.connected = true),
    ("Remote protocol version ", "kex.c kex_exchange_identification", Transcript::remote_version),
    ("kex: algorithm: ", "kex.c kex_choose_conf", |seen, name| name.clone_into(&mut seen.agreed.kex)),
    ("kex: host key algorithm: ", "kex.c kex_choose_conf", |seen, name| name.clone_into(&mut seen.agreed.host_key)),
    ("kex: client->server ", "kex.c kex_choose_conf", Transcript::direction),
    ("Server host key: ", "sshconnect.c verify_host_key", Transcript::host_key),
    ("Server host certificate: ", "sshconnect.c verify_host_key", Transcript::host_key),
    ("Found key in ", "sshconnect.c check_host_key", |seen, at| seen.found_in = Some(at.into())),
    ("Found CA key in ", "sshconnect.c check_host_key", |seen, at| seen.found_in = Some(at.into())),
    ("Offending ", "sshconnect.c check_host_key", Transcript::offending),
    ("matching host key fingerprint found in DNS", "dns.c verify_host_key_dns", |seen, _| seen.found_in_dns = true),
    ("Host key verification failed.", "sshconnect2.c verify_host_key_callback", |seen, _| seen.host_key_refused = true),
    ("SSH2_MSG_NEWKEYS received", "kex.c kex_input_newkeys", |seen, _| seen.has_keys = true),
    ("KnownHostsCommand", "hostfile.c load_hostkeys_command", Transcript::known_hosts_command),
    ("pin required", "ssh-pkcs11.c pkcs11_open_session", |seen, _| seen.no_token("pin required")),
    ("dlopen ", "ssh-pkcs11.c pkcs11_register_provider", |seen, rest| seen.no_token(&format!("dlopen {rest}"))),
    ("provider ", "ssh-pkcs11.c pkcs11_register_provider, ssh.c load_public_identity_files", Transcript::provider),
    ("pkcs11_add_provider: provider ", "ssh-pkcs11.c pkcs11_add_provider", Transcript::provider),
    ("Will attempt key: ", "sshconnect2.c pubkey_prepare", Transcript::will_attempt),
    ("kex_input_ext_info: ", "kex.c kex_input_ext_info", Transcript::extension),
    ("kex_ext_info_client_parse: ", "kex.c kex_ext_info_client_parse", Transcript::extension),
    ("SSH2_MSG_SERVICE_ACCEPT received", "sshconnect2.c input_userauth_service_accept", |seen, _| {
        seen.service_accepted = true;
        seen.asked = Asked::Nothing;
    }),
    ("send packet: type ", "packet.c ssh_packet_send2_wrapped", Transcript::sent),
    ("receive packet: type ", "packet.c ssh_packet_read_poll2", Transcript::received),
    ("Authenticated using ", "sshconnect2.c input_userauth_failure", |seen, rest| {
        seen.partial = rest.ends_with("with partial success.");
    }),
    ("Authentications that can continue: ", "sshconnect2.c input_userauth_failure", Transcript::can_continue),
    ("Next authentication method: ", "sshconnect2.c userauth", |seen, _| seen.asked = Asked::Other),
    ("Offering public key: ", "sshconnect2.c send_pubkey_test", Transcript::offering),
    ("Trying private key: ", "sshconnect2.c userauth_pubkey", |seen, _| seen.asked = Asked::Other),
    ("sign_and_send_pubkey: signing using ", "sshconnect2.c sign_and_send_pubkey", Transcript::signing),
    ("sign_and_send_pubkey: signing failed for ", "sshconnect2.c sign_and_send_pubkey", Transcript::not_signed),
    ("pkcs11_login_slot: no pin specified", "ssh-pkcs11.c pkcs11_login_slot", |seen, _| seen.unsigned(Unsigned::Pin)),
    ("need pin entry", "ssh-pkcs11.c pkcs11_login_slot", |seen, _| seen.unsigned(Unsigned::Pin)),
    ("Authenticated to ", "sshconnect2.c ssh_userauth2", Transcript::authenticated),
    ("No more authentication methods to try.", "sshconnect2.c userauth", |seen, _| seen.asked = Asked::Other),
    ("Entering interactive session.", "clientloop.c client_loop", |seen, _| seen.in_session = true),
    ("Remote: ", "packet.c ssh_packet_read_poll_seqnr", |seen, text| {
        if seen.debug.len() < MOST {
            seen.debug.push(text.into());
        }
    }),
    ("channel 0: open confirm ", "channels.c channel_input_open_confirmation", |seen, _| {
        seen.channel = Some(ChannelOpen::Confirmed);
    }),
    ("channel 0: open failed: ", "channels.c channel_input_open_failure", Transcript::channel_refused),
    ("Sending command: ", "clientloop.c client_session2_setup", |seen, _| seen.command_sent = true),
    ("exec request accepted on channel 0", "clientloop.c client_status_confirm", |seen, _| seen.granted = Some(true)),
    ("exec request failed on channel 0", "clientloop.c client_status_confirm", |seen, _| seen.granted = Some(false)),
    ("Exit status ", "ssh.c main", |seen, status| seen.exit_status = status.parse().ok()),
    ("Received disconnect from ", "packet.c ssh_packet_read_poll_seqnr", Transcript::disconnect),
    ("Connection closed by ", "packet.c sshpkt_vfatal", |seen, _| seen.ended(End::Closed)),
    ("Connection reset by ", "packet.c sshpkt_vfatal", |seen, _| seen.ended(End::Reset("ECONNRESET".to_owned()))),
    ("ssh_dispatch_run_fatal: ", "dispatch.c ssh_dispatch_run_fatal", |seen, text| {
        seen.ended(End::KeyExchange(text.to_owned()));
    }),
];

/// An identity as ssh names it (sshconnect2.c `format_identity`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Its file, its comment in the agent, or the provider of its token.
    pub(super) name: Path,
    /// Its type as ssh prints it, `ED25519`, `RSA-CERT`.
    pub(super) kind: String,
    /// Its fingerprint.
    pub(super) fingerprint: Fingerprint,
    /// Whether a token holds it.
    pub(super) token: bool,
    /// Whether the agent holds it.
    pub(super) agent: bool,
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
    /// Another reason, in ssh's words.
    Failed(String),
}

/// An attempt to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Its row in [`Transcript::queries`], where the key was asked about first.
    pub(super) query: Option<usize>,
    /// The signature algorithm.
    pub(super) algorithm: String,
    /// The key's fingerprint, where it was printed.
    pub(super) fingerprint: Option<Fingerprint>,
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
    /// This attempt to sign.
    Signature(usize),
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
    /// Lines that are no debugging.
    pub(super) said: Vec<ServerText>,
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
    /// The identities that ssh would try, in its order.
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
    /// Whether the server granted it.
    pub(super) granted: Option<bool>,
    /// Its exit status.
    pub(super) exit_status: Option<u32>,
    /// How the server ended the connection.
    pub(super) end: Option<End>,
    asked: Asked,
    partial: bool,
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

    fn line(&mut self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        self.lines = self.lines.saturating_add(1);
        let debug = ["debug1: ", "debug2: ", "debug3: "].iter().find_map(|level| line.strip_prefix(level));
        if debug.is_none() && !line.starts_with("OpenSSH_") && self.said.len() < MOST_SAID {
            self.said.push(ServerText::from(line.chars().take(LONGEST_SAID).collect::<String>()));
        }
        let text = debug.unwrap_or(line);
        let known = LINES.iter().find_map(|(begins, _, states)| Some((text.strip_prefix(begins)?, states)));
        match known {
            Some((rest, states)) => states(self, rest),
            None => self.unknown = self.unknown.saturating_add(1),
        }
    }

    fn ended(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    /// `2.0, remote software version OpenSSH_9.2p1`.
    fn remote_version(&mut self, rest: &str) {
        if let Some((version, software)) = rest.split_once(", remote software version ") {
            self.identification = Some(format!("SSH-{version}-{software}").into());
        }
    }

    /// `cipher: aes128-ctr MAC: umac-64@openssh.com compression: none`.
    fn direction(&mut self, rest: &str) {
        let words: Vec<&str> = rest.split(' ').collect();
        if let ["cipher:", cipher, "MAC:", mac, ..] = words.as_slice() {
            (*cipher).clone_into(&mut self.agreed.cipher);
            // kex.c prints `<implicit>` where the cipher authenticates itself.
            self.agreed.mac = if mac.starts_with('<') { String::new() } else { (*mac).to_owned() };
        }
    }

    /// `ssh-ed25519 SHA256:…`, of a certificate with a comma and more behind it.
    fn host_key(&mut self, rest: &str) {
        let mut words = rest.split([' ', ',']);
        if let (Some(kind), Some(fingerprint)) = (words.next(), words.next()) {
            self.host_key = Some((kind.to_owned(), fingerprint.into()));
        }
    }

    /// `ED25519 key in KnownHostsCommand-HOSTNAME:1`.
    fn offending(&mut self, rest: &str) {
        self.offending_in = rest.split_once(" key in ").map(|(_, at)| at.into());
    }

    /// `-ORDER /bin/false failed, status 1`, then ` failed`; other lines are of no account.
    fn known_hosts_command(&mut self, rest: &str) {
        if rest.contains("fail") && self.command_failed.len() < MOST_SAID {
            self.command_failed.push(format!("KnownHostsCommand{rest}").into());
        }
    }

    /// The first words are the nearest to the cause.
    fn no_token(&mut self, words: &str) {
        self.token_trouble.get_or_insert_with(|| words.into());
    }

    /// `/nowhere.so is not a PKCS11 library`, `/lib/token.so returned no keys`; else only what the token is.
    fn provider(&mut self, rest: &str) {
        if rest.ends_with("is not a PKCS11 library") || rest.ends_with("returned no keys") || rest.ends_with("no slots")
        {
            self.no_token(&format!("provider {rest}"));
        }
    }

    fn will_attempt(&mut self, rest: &str) {
        if let Some(named) = named(rest).filter(|_| self.attempted.len() < MOST) {
            self.attempted.push(named);
        }
    }

    /// `server-sig-algs=<…>`.
    fn extension(&mut self, rest: &str) {
        let value = |text: &str| text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).map(ServerText::from);
        let parts = rest.split_once('=').and_then(|(name, text)| Some((name.to_owned(), value(text)?)));
        self.extensions.extend(parts.filter(|_| self.extensions.len() < MOST));
    }

    fn sent(&mut self, number: &str) {
        if number != "50" {
            return;
        }
        self.requests += 1;
        if let Asked::Signature(at) = self.asked
            && let Some(attempt) = self.attempts.get_mut(at)
        {
            attempt.sent = Ok(());
        }
    }

    fn received(&mut self, number: &str) {
        match (number, self.asked) {
            ("60", Asked::Query(at)) => {
                if let Some((_, answer)) = self.queries.get_mut(at) {
                    *answer = Some(Answer::PkOk);
                }
            }
            ("52", asked) => self.answered(asked, &Answer::Success),
            _ => {}
        }
    }

    fn answered(&mut self, asked: Asked, answer: &Answer) {
        match asked {
            Asked::Nothing => self.none = Some(answer.clone()),
            Asked::Query(at) => {
                if let Some((_, place)) = self.queries.get_mut(at) {
                    *place = Some(answer.clone());
                }
            }
            Asked::Signature(at) => {
                if let Some(attempt) = self.attempts.get_mut(at) {
                    attempt.answer = Some(answer.clone());
                }
            }
            Asked::Other => {}
        }
    }

    fn can_continue(&mut self, list: &str) {
        let methods = list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let partial = std::mem::take(&mut self.partial);
        let asked = std::mem::replace(&mut self.asked, Asked::Other);
        if asked != Asked::Nothing && !partial {
            self.failures += 1;
        }
        self.answered(asked, &Answer::Failure { methods, partial });
    }

    fn offering(&mut self, rest: &str) {
        self.asked = Asked::Other;
        if let Some(named) = named(rest).filter(|_| self.queries.len() < MOST) {
            self.asked = Asked::Query(self.queries.len());
            self.queries.push((named, None));
        }
    }

    /// `ssh-ed25519 SHA256:…`.
    fn signing(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let algorithm = words.next().unwrap_or_default().to_owned();
        let fingerprint: Option<Fingerprint> = words.next().map(Fingerprint::from);
        let accepted = |(named, answer): &(Named, Option<Answer>)| {
            *answer == Some(Answer::PkOk) && fingerprint.as_ref().is_none_or(|printed| *printed == named.fingerprint)
        };
        let query = self.queries.iter().rposition(accepted);
        if self.attempts.len() < MOST {
            self.asked = Asked::Signature(self.attempts.len());
            let sent = Err(Unsigned::Silently);
            self.attempts.push(Attempt { query, algorithm, fingerprint, sent, answer: None });
        }
    }

    /// `ED25519 "/home/a/.ssh/id" from agent: agent refused operation`.
    fn not_signed(&mut self, rest: &str) {
        let (what, why) = rest.rsplit_once(": ").unwrap_or((rest, ""));
        let agent = what.ends_with(" from agent");
        self.unsigned(if agent { Unsigned::Agent } else { Unsigned::Failed(why.to_owned()) });
    }

    fn unsigned(&mut self, why: Unsigned) {
        let Asked::Signature(at) = self.asked else { return };
        let Some(attempt) = self.attempts.get_mut(at) else { return };
        // The first reason is the nearest to the cause.
        if attempt.sent == Err(Unsigned::Silently) {
            attempt.sent = Err(why);
        }
    }

    /// `web1 ([192.0.2.7]:22) using "publickey".`
    fn authenticated(&mut self, rest: &str) {
        self.admitted_by = rest.rsplit('"').nth(1).map(str::to_owned);
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

    /// `192.0.2.7 port 22:2: Too many authentication failures`.
    fn disconnect(&mut self, rest: &str) {
        let reason = rest.split_once(" port ").and_then(|(_, rest)| rest.split_once(':')).map(|(_, reason)| reason);
        let parts = reason.and_then(|reason| reason.split_once(": "));
        let (code, text) = parts.unwrap_or(("0", rest));
        self.ended(End::Disconnect { code: code.trim().parse().unwrap_or(0), text: text.into() });
    }
}

/// `PATH TYPE SHA256:… explicit token agent`; the path may hold blanks. `None` where no public half is named.
fn named(text: &str) -> Option<Named> {
    let mut words: Vec<&str> = text.split(' ').collect();
    let at = words.iter().rposition(|word| word.starts_with("SHA256:")).filter(|at| *at >= 2)?;
    let flags = words.split_off(at + 1);
    let fingerprint = words.pop()?.into();
    let kind = words.pop()?.to_owned();
    let has = |flag: &str| flags.contains(&flag);
    Some(Named { name: words.join(" ").into(), kind, fingerprint, token: has("token"), agent: has("agent") })
}

#[cfg(test)]
mod tests;
