//! What ssh says of its way: the name, the connection, the key exchange, the host key.

use super::{MOST, MOST_SAID, Transcript};
use crate::facts::End;
use crate::facts::text::{Address, Host, Path, ServerText, User};
use crate::facts::transport::KexInit;

/// The way to the server.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line that was seen or was not")]
pub(super) struct Way {
    /// The name or address that is dialled, as far as a line names it.
    pub(super) host: Option<Host>,
    /// The port.
    pub(super) port: Option<u16>,
    /// The account that is asked for.
    pub(super) user: Option<User>,
    /// The name that did not resolve, and the system's words.
    pub(super) unresolved: Option<(Host, String)>,
    /// The addresses that were dialled, in order, and the system's words where one failed.
    pub(super) dialled: Vec<(Address, u16, Option<String>)>,
    /// Why ssh gave up connecting, in the system's words.
    pub(super) failed: Option<String>,
    /// What ssh says where a live master does not carry what is asked of it.
    pub(super) not_carried: Option<String>,
    /// The socket of a multiplexing master that could not be made, and the error's name.
    pub(super) unbindable: Option<(Path, String)>,
    /// The option that names what it was to connect from and could not, its value, and the system's words.
    pub(super) unbound: Option<(&'static str, String, String)>,
    /// The program that stands for the connection.
    pub(super) program: Option<ServerText>,
    /// Whether a program stands for the connection and was not named.
    pub(super) unseen_program: bool,
    /// Whether that program was made of `ProxyJump`.
    pub(super) jumps: bool,
    /// Whether a live multiplexing master was looked for.
    pub(super) master: bool,
    /// Whether one carries the session.
    pub(super) mastered: bool,
    /// Lines before the identification string.
    pub(super) before: Vec<ServerText>,
    /// The client's lists and the server's; `None` where they were not printed.
    pub(super) proposals: [Option<KexInit>; 2],
    reading: usize,
    unnamed: usize,
    /// The kind of algorithm on which both sides did not agree, and the server's list of it.
    pub(super) unnegotiated: Option<(String, String)>,
    /// Whether a message is about the exchange of identification strings.
    pub(super) at_exchange: bool,
    /// Whether the client's KEXINIT was sent.
    pub(super) kexinit_sent: bool,
    /// Whether the server's came.
    pub(super) kexinit_received: bool,
}

/// What ssh said of the host key.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line that was seen or was not")]
pub(super) struct HostSaid {
    /// Whether it is the known one.
    pub(super) known: bool,
    /// The address for which another is known (`CheckHostIP`).
    pub(super) differs_at: Option<Host>,
    /// Whether it is not the known one.
    pub(super) changed: bool,
    /// The type of the key that is known in its place, `ED25519`.
    pub(super) offending: Option<String>,
    /// The type of the key that was sent in its place, until the next line has its fingerprint.
    pub(super) sent: Option<String>,
    /// Whether it is revoked.
    pub(super) revoked: bool,
    /// The file of `RevokedHostKeys` that names it.
    pub(super) revoked_by: Option<Path>,
    /// What ssh said of a file of `RevokedHostKeys` that it cannot read.
    pub(super) unreadable_list: Option<ServerText>,
    /// Whether no key is known for the name.
    pub(super) unknown: bool,
    /// Whether `StrictHostKeyChecking` forbids to go on.
    pub(super) strict: bool,
    /// Whether it was taken for the first time.
    pub(super) taken: bool,
    /// The host certificate, as it was printed.
    pub(super) certificate: Option<ServerText>,
    /// Why a host certificate is not taken.
    pub(super) bad_certificate: Option<ServerText>,
    /// Whether ssh goes on with a key that is not the known one, and gives no password for it.
    pub(super) without_passwords: bool,
    /// Whether the key is shorter than `RequiredRSASize`.
    pub(super) short: bool,
    /// Whether no CA that is trusted signed the host certificate.
    pub(super) no_ca: bool,
    /// The known_hosts lines that match: type, whether it is a CA's or revoked, file and line.
    pub(super) lines: Vec<(String, String, ServerText)>,
}

impl Way {
    /// Whether the program is an ssh that connects onward with its standard input and output.
    pub(super) fn runs_ssh(&self) -> bool {
        let words = self.program.as_ref().map(ToString::to_string).unwrap_or_default();
        self.jumps || (words.contains("ssh") && words.contains(" -W"))
    }
}

impl Transcript {
    /// `web1 [192.0.2.7] port 22.`
    pub(super) fn connecting(&mut self, rest: &str) {
        let parts = rest.trim_end_matches('.').rsplit_once(" port ").and_then(|(where_to, port)| {
            let (host, address) = where_to.rsplit_once(" [")?;
            Some((host, address.trim_end_matches(']'), port.parse().ok()?))
        });
        let Some((host, address, port)) = parts else { return };
        self.way.host = Some(host.into());
        self.way.port = Some(port);
        if self.way.dialled.len() < MOST {
            self.way.dialled.push((address.into(), port, None));
        }
    }

    /// `192.0.2.7 port 22: Connection refused`.
    pub(super) fn address_failed(&mut self, rest: &str) {
        let parts = rest.split_once(" port ").and_then(|(address, rest)| Some((address, rest.split_once(": ")?)));
        let Some((address, (port, why))) = parts else { return };
        let address = Address::from(address);
        if let Some((_, _, failed)) = self.way.dialled.iter_mut().rev().find(|(dialled, _, _)| *dialled == address) {
            *failed = Some(why.to_owned());
        } else if self.way.dialled.len() < MOST {
            self.way.dialled.push((address, port.parse().unwrap_or_default(), Some(why.to_owned())));
        }
    }

    /// `ssh: connect to host web1 port 22: Connection refused`.
    pub(super) fn connect_failed(&mut self, line: &str) {
        let parts = line.split_once("connect to host ").and_then(|(_, rest)| {
            let (host, rest) = rest.split_once(" port ")?;
            let (port, why) = rest.split_once(": ")?;
            Some((host, port.parse().ok()?, why))
        });
        let Some((host, port, why)) = parts else { return };
        self.way.host = Some(host.into());
        self.way.port = Some(port);
        self.way.failed = Some(why.to_owned());
    }

    /// `Stdio forwarding request failed: Session open refused by peer`.
    pub(super) fn not_carried(&mut self, line: &str) {
        self.way.not_carried.get_or_insert_with(|| line.to_owned());
    }

    /// `/home/a/none/87e2.6IZQghwXKXc5psXw: No such file or directory`.
    pub(super) fn no_master(&mut self, rest: &str) {
        if let Some((path, why)) = rest.rsplit_once(": ") {
            self.way.unbindable = Some((path.into(), errno(why)));
        }
    }

    /// `198.51.100.1: Cannot assign requested address`.
    pub(super) fn unbound(&mut self, rest: &str) {
        if let Some((address, why)) = rest.rsplit_once(": ") {
            self.way.unbound.get_or_insert_with(|| ("bindaddress", address.to_owned(), why.to_owned()));
        }
    }

    /// `eth9: no suitable addresses`.
    pub(super) fn no_interface(&mut self, rest: &str) {
        if let Some((interface, _)) = rest.rsplit_once(": ") {
            self.way.unbound = Some(("bindinterface", interface.to_owned(), "ENODEV".to_owned()));
        }
    }

    pub(super) fn established(&mut self, _: &str) {
        self.connected = true;
    }

    /// `ssh: Could not resolve hostname web1: Name or service not known`.
    pub(super) fn unresolved(&mut self, line: &str) {
        let parts = line.split_once("Could not resolve hostname ").and_then(|(_, rest)| rest.split_once(": "));
        if let Some((host, why)) = parts {
            self.way.host = Some(host.into());
            self.way.unresolved = Some((host.into(), why.to_owned()));
        }
    }

    /// `ssh -vvv -W '[%h]:%p' jump`.
    pub(super) fn jumps(&mut self, _: &str) {
        self.way.jumps = true;
    }

    /// `exec nc web1 22`.
    pub(super) fn runs_program(&mut self, command: &str) {
        self.way.program = Some(command.strip_prefix("exec ").unwrap_or(command).into());
    }

    /// `web1:22 as 'deploy'`.
    pub(super) fn authenticating(&mut self, rest: &str) {
        let parts = rest.rsplit_once(" as '").and_then(|(to, user)| Some((to.rsplit_once(':')?, user)));
        let Some(((host, port), user)) = parts else { return };
        self.way.user = Some(user.trim_end_matches('\'').into());
        self.way.host.get_or_insert_with(|| host.into());
        self.way.port = self.way.port.or_else(|| port.parse().ok());
    }

    /// `192.0.2.7 port 22: invalid format`.
    pub(super) fn banner_failed(&mut self, rest: &str) {
        self.way.at_exchange = true;
        let why = rest.rsplit_once(": ").map_or(rest, |(_, why)| why);
        let end = match why {
            "Connection closed by remote host" => End::Closed,
            "invalid format" | "could not read protocol version" => {
                End::NotSsh("what no identification string may hold".to_owned())
            }
            why if why.contains("timed out") => End::TimedOut,
            why => End::Reset(errno(why)),
        };
        self.ended(end);
    }

    /// `0: HTTP/1.1 400 Bad Request`.
    pub(super) fn banner_line(&mut self, rest: &str) {
        let (_, text) = rest.split_once(": ").unwrap_or(("", rest));
        self.before(text);
    }

    fn before(&mut self, text: &str) {
        if self.way.before.len() < MOST {
            self.way.before.push(text.into());
        }
    }

    /// `Connection closed by remote host`; before 8.0, in a line of debugging, what the server sends.
    pub(super) fn exchanging(&mut self, rest: &str) {
        self.way.at_exchange = true;
        if let Some(line) = rest.strip_prefix("banner line ") {
            if line.contains("contains invalid characters") {
                self.ended(End::NotSsh("a line that holds what no identification string may".to_owned()));
            } else {
                self.banner_line(line);
            }
            return;
        }
        match rest
            .strip_prefix("read: ")
            .or_else(|| rest.strip_prefix("write: "))
            .or_else(|| rest.strip_prefix("client sent invalid protocol identifier"))
        {
            Some(why) if why.contains("timed out") => self.ended(End::TimedOut),
            Some(why) => self.ended(End::Reset(errno(why))),
            None if rest.starts_with("Connection closed by remote host") => self.ended(End::Closed),
            None if rest.starts_with("banner line contains") || rest.starts_with("No banner received") => {
                self.ended(End::NotSsh("what no identification string may hold".to_owned()));
            }
            None if self.debugging => self.before(rest),
            None => {}
        }
    }

    /// `2.0, remote software version OpenSSH_9.2p1`.
    pub(super) fn remote_version(&mut self, rest: &str) {
        if let Some((version, software)) = rest.split_once(", remote software version ") {
            self.identification = Some(format!("SSH-{version}-{software}").into());
        }
    }

    /// `2 vs. 1`.
    pub(super) fn old_protocol(&mut self, rest: &str) {
        if rest.starts_with("2 vs. 1") {
            self.identification.get_or_insert_with(|| "SSH-1.5-unknown".into());
        }
    }

    pub(super) fn proposal(&mut self, whose: usize) {
        self.way.reading = whose + 1;
        if let Some(place) = self.way.proposals.get_mut(whose) {
            place.get_or_insert_default();
        }
    }

    /// A name-list of the proposal that is being printed, by its place in KEXINIT.
    pub(super) fn proposed(&mut self, place: usize, list: &str) {
        let Some(Some(kexinit)) = self.way.reading.checked_sub(1).and_then(|whose| self.way.proposals.get_mut(whose))
        else {
            return;
        };
        let lists = [
            &mut kexinit.kex,
            &mut kexinit.host_key,
            &mut kexinit.cipher_client_to_server,
            &mut kexinit.cipher_server_to_client,
            &mut kexinit.mac_client_to_server,
            &mut kexinit.mac_server_to_client,
            &mut kexinit.compression_client_to_server,
            &mut kexinit.compression_server_to_client,
        ];
        // A rekey prints them again.
        if let Some(names) = lists.into_iter().nth(place).filter(|names| names.is_empty()) {
            *names = list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        }
    }

    /// The same before the lists had names: ten of each side, the client's first, and two lines more.
    pub(super) fn proposed_unnamed(&mut self, list: &str) {
        const LINES_OF_A_SIDE: usize = 12;
        let (whose, place) = (self.way.unnamed / LINES_OF_A_SIDE, self.way.unnamed % LINES_OF_A_SIDE);
        self.way.unnamed = self.way.unnamed.saturating_add(1);
        if place == 0 {
            self.proposal(whose);
        }
        self.proposed(place, list);
    }

    /// The server's address and port, where nothing has named it: `192.0.2.7 port 22`, and more behind it.
    pub(super) fn peer(&mut self, rest: &str) {
        let Some((host, rest)) = rest.split_once(" port ") else { return };
        let port = rest.split([' ', ':']).next().and_then(|port| port.parse().ok());
        if let Some(port) = port.filter(|_| self.level == 0 && self.way.host.is_none())
            && host != "UNKNOWN"
            && !host.contains(' ')
        {
            self.way.host = Some(host.into());
            self.way.port = Some(port);
        }
    }

    /// `192.0.2.7 port 22: no matching host key type found. Their offer: ssh-rsa`.
    pub(super) fn unnegotiated(&mut self, whole: &str) {
        let parts = whole.split_once(": no matching ").and_then(|(_, rest)| rest.split_once(" found"));
        let Some((kind, rest)) = parts else { return };
        self.peer(whole);
        let offer = rest.split_once("Their offer: ").map(|(_, list)| list).unwrap_or_default();
        self.way.unnegotiated = Some((kind.to_owned(), offer.to_owned()));
    }

    /// `cipher found: client aes128-ctr server 3des-cbc`.
    pub(super) fn no_matching(&mut self, rest: &str) {
        if let Some((kind, lists)) = rest.split_once(" found: client ") {
            let server = lists.rsplit_once(" server ").map(|(_, server)| server).unwrap_or_default();
            self.way.unnegotiated = Some((kind.to_owned(), server.to_owned()));
        }
    }

    /// `cipher: aes128-ctr MAC: umac-64@openssh.com compression: none`; before 7.0 `aes128-ctr umac-64@openssh.com none`.
    pub(super) fn direction(&mut self, rest: &str) {
        let words: Vec<&str> = rest.split(' ').collect();
        if let ["cipher:", cipher, "MAC:", mac, ..] | [cipher, mac, _] = words.as_slice() {
            (*cipher).clone_into(&mut self.agreed.cipher);
            // kex.c prints `<implicit>` where the cipher authenticates itself.
            self.agreed.mac = if mac.starts_with('<') { String::new() } else { (*mac).to_owned() };
        }
    }

    /// `ssh-ed25519 SHA256:…`, of a certificate with a comma and more behind it.
    pub(super) fn host_key(&mut self, rest: &str) {
        let mut words = rest.split([' ', ',']);
        if let (Some(kind), Some(fingerprint)) = (words.next(), words.next()) {
            self.host_key = Some((kind.to_owned(), fingerprint.into()));
        }
    }

    /// `ssh-ed25519-cert-v01@openssh.com SHA256:…, serial 0 ID "web1" CA ssh-ed25519 SHA256:… valid from … to …`.
    pub(super) fn host_certificate(&mut self, rest: &str) {
        self.host.certificate.get_or_insert_with(|| rest.into());
        self.host_key(rest);
    }

    /// `ED25519 key fingerprint is SHA256:….`
    pub(super) fn fingerprint_is(&mut self, line: &str) {
        let is_kind =
            |kind: &str| kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        let parts = line.split_once(" key fingerprint is ").filter(|(kind, _)| is_kind(kind));
        if let (None, Some((kind, fingerprint))) = (&self.host_key, parts) {
            let fingerprint = fingerprint.split(' ').next().unwrap_or_default().trim_end_matches('.');
            self.host_key = Some((kind.to_owned(), fingerprint.into()));
        }
    }

    /// `ED25519 key sent by the remote host is`, whose fingerprint stands in the next line.
    pub(super) fn sent_key(&mut self, rest: &str) {
        let Some((kind, behind)) = rest.split_once(" key sent by the remote host is") else { return };
        self.host.sent = Some(kind.to_owned());
        // A paste may have both in one line.
        if let Some(fingerprint) = Some(behind.trim()).filter(|fingerprint| fingerprint.starts_with("SHA256:")) {
            self.sent_fingerprint(fingerprint);
        }
    }

    /// Whether the next line is such a fingerprint.
    pub(in crate::collect) fn awaits_fingerprint(&self) -> bool {
        self.host.sent.is_some()
    }

    /// `SHA256:….`, behind the line before.
    pub(super) fn sent_fingerprint(&mut self, line: &str) {
        if let (None, Some(kind)) = (&self.host_key, self.host.sent.take()) {
            self.host_key = Some((kind, line.trim_end_matches('.').into()));
        }
    }

    /// `web1' is known and matches the ED25519 host key.`
    pub(super) fn host_known(&mut self, rest: &str) {
        self.host.known |= rest.contains("' is known and matches the ");
    }

    /// `ED25519 key in KnownHostsCommand-HOSTNAME:1`.
    pub(super) fn offending(&mut self, rest: &str) {
        if let Some((kind, at)) = rest.split_once(" key in ") {
            self.offending_in = Some(at.into());
            self.host.offending = Some(kind.to_owned());
        } else if let Some(at) = rest.strip_prefix("key for IP in ") {
            self.offending_in = Some(at.into());
        }
    }

    /// `Warning: the ED25519 host key for 'web1' differs from the key for the IP address '192.0.2.7'`.
    pub(super) fn differs_by_address(&mut self, line: &str) {
        let address = line.rsplit_once(" the IP address '").map(|(_, rest)| rest.trim_end_matches('\''));
        self.host.differs_at = address.map(Host::from);
    }

    /// `Host key ED25519 SHA256:… revoked by file /etc/ssh/revoked`.
    pub(super) fn revoked_by_file(&mut self, line: &str) {
        self.host.revoked = true;
        self.host.revoked_by = line.rsplit_once(" revoked by file ").map(|(_, file)| file.into());
    }

    /// `No ED25519 host key is known for web1`, or `Host key for web1 has changed`.
    pub(super) fn strict(&mut self, line: &str) {
        self.host.strict = true;
        let changed = ["Host key for ", " host key for "].iter().find_map(|before| line.split_once(before));
        let changed = changed.and_then(|(_, rest)| rest.split_once(" has changed")).map(|(name, _)| name);
        let unknown = line.split_once(" host key is known for ").map(|(_, name)| name);
        if let Some(name) = changed.or(unknown) {
            let (host, port) = name.strip_prefix('[').and_then(|name| name.split_once("]:")).unwrap_or((name, ""));
            self.way.host.get_or_insert_with(|| host.into());
            self.way.port = self.way.port.or(port.parse().ok());
        }
        self.host.changed |= line.contains(" has changed");
        self.host.unknown |= line.starts_with("No ") && line.contains(" host key is known for ");
    }

    /// `ED25519 in file /home/a/.ssh/known_hosts:1`, or `ca key type ED25519 in file …`.
    pub(super) fn recorded(&mut self, rest: &str) {
        let Some((what, at)) = rest.split_once(" in file ") else { return };
        let (marker, kind) = what.split_once("key type ").unwrap_or(("", what));
        let row = (kind.to_owned(), marker.trim().to_owned(), at.into());
        if self.host.lines.len() < MOST && !self.host.lines.contains(&row) {
            self.host.lines.push(row);
        }
    }

    /// `-ORDER /bin/false failed, status 1`, then ` failed`; other lines are of no account.
    pub(super) fn known_hosts_command(&mut self, rest: &str) {
        if rest.contains("fail") && self.command_failed.len() < MOST_SAID {
            self.command_failed.push(format!("KnownHostsCommand{rest}").into());
        }
    }

    /// `UNKNOWN port 65535` where a program stood for the connection.
    pub(super) fn closed(&mut self, rest: &str) {
        self.way.unseen_program |= rest.starts_with("UNKNOWN port ") && self.way.program.is_none();
        self.ended(End::Closed);
    }

    /// `192.0.2.7 port 22 timed out`, `web1 closed by remote host.`, `web1 closed.`
    pub(super) fn connection_to(&mut self, rest: &str) {
        if rest.ends_with(" timed out") {
            self.peer(rest);
            self.ended(End::TimedOut);
        } else if let Some(host) = rest.strip_suffix(" closed by remote host.") {
            self.way.host.get_or_insert_with(|| host.into());
            self.broke_off = true;
            self.ended(End::Closed);
        } else if let Some(host) = rest.strip_suffix(" closed.").filter(|host| !host.contains(' ')) {
            self.way.host.get_or_insert_with(|| host.into());
        }
    }
}

/// The error's name by the system's words for it: those of glibc, musl, the BSDs, macOS and Windows.
pub(in crate::collect) fn errno(words: &str) -> String {
    let words = words.trim_end_matches(['.', '\r']);
    let name = match words {
        "Connection refused" => "ECONNREFUSED",
        "Connection reset by peer" | "Connection reset" | "Unknown error [preauth]" => "ECONNRESET",
        "Broken pipe" => "EPIPE",
        "No route to host" | "Host is unreachable" => "EHOSTUNREACH",
        "Network is unreachable" | "Network unreachable" => "ENETUNREACH",
        "Connection timed out" | "Operation timed out" => "ETIMEDOUT",
        "Permission denied" => "EACCES",
        "Operation not permitted" => "EPERM",
        "Cannot assign requested address" | "Can't assign requested address" | "Address not available" => {
            "EADDRNOTAVAIL"
        }
        "Address family not supported by protocol" | "Address family not supported by protocol family" => {
            "EAFNOSUPPORT"
        }
        "Invalid argument" => "EINVAL",
        "No such file or directory" => "ENOENT",
        "Not a directory" => "ENOTDIR",
        "Is a directory" => "EISDIR",
        "Too many levels of symbolic links" | "Symbolic link loop" => "ELOOP",
        other => other,
    };
    name.to_owned()
}
