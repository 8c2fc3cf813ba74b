//! The lines of ssh that are known: how each looks, in which versions it stands, who prints it, and what it states.
//!
//! Many lines begin with the name of the function that prints them, and functions were renamed over the years
//! (`get_agent_identities:` was `pubkey_prepare:` before 8.9), so a row that begins with one is found behind any.

use Says::{Begins, Ends, Fits, Holds, Opens};

use super::{Asked, Transcript, Unsigned};
use crate::facts::End;
use crate::facts::session::ChannelOpen;

/// Where the part of a line stands that is always the same.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    /// At its beginning; what stands behind it is read.
    Begins(&'static str),
    /// At its beginning; the whole line is read.
    Opens(&'static str),
    /// At its end; what stands before it is read.
    Ends(&'static str),
    /// Anywhere; the whole line is read.
    Holds(&'static str),
    /// In a shape that words alone do not tell; the whole line is read.
    Fits(fn(&str) -> bool),
}

/// A line that is known.
#[derive(Debug)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "versions and source are for whoever reads the table, and for its test")
)]
pub(super) struct Line {
    /// How it looks behind its `debugN: `.
    pub(super) says: Says,
    /// The versions of OpenSSH that print it, the first and the last; an empty end is open, within 6.x to 10.x.
    pub(super) versions: (&'static str, &'static str),
    /// Whether it stands without a `debugN: `, at least in some versions.
    pub(super) message: bool,
    /// The file and function that print it.
    pub(super) source: &'static str,
    /// What it states.
    states: fn(&mut Transcript, &str),
}

/// The line of the table that `text` is, and what is to be read of it. What is no debugging may be prose around it, of which
/// only ssh's own messages are known.
pub(super) fn find(text: &str, debugging: bool) -> Option<(&'static Line, &str)> {
    let among = |text| {
        let known = LINES.iter().filter(|line| debugging || line.message);
        known.into_iter().find_map(|line| Some((line, line.says.rest(text)?)))
    };
    among(text).or_else(|| among(behind_function(text)?))
}

impl Line {
    /// Takes what it states among what was seen.
    pub(super) fn state(&self, seen: &mut Transcript, rest: &str) {
        (self.states)(seen, rest);
    }
}

impl Says {
    fn rest(self, text: &str) -> Option<&str> {
        match self {
            Begins(words) => text.strip_prefix(words),
            Opens(words) => text.starts_with(words).then_some(text),
            Ends(words) => text.strip_suffix(words),
            Holds(words) => text.contains(words).then_some(text),
            Fits(is) => is(text).then_some(text),
        }
    }
}

/// Whether it stands behind the login in brackets, `(deploy@web1) Password:`.
fn prompts(text: &str) -> bool {
    let Some((login, prompt)) = text.strip_prefix('(').and_then(|rest| rest.split_once(") ")) else { return false };
    login.contains('@') && !login.contains([' ', '(']) && !prompt.is_empty()
}

/// Whether it denies a login, by a list of methods in brackets, `deploy@web1: Permission denied (publickey).`: other programs have an error's number in these brackets, or its name.
fn denies(text: &str) -> bool {
    let list = text.split_once("Permission denied (").and_then(|(_, rest)| rest.split_once(')'));
    let is_method = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte))
            && name.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    list.is_some_and(|(list, _)| list.is_empty() || list.split(',').all(is_method))
}

/// How readconf.c's words about a line begin.
const OF_READCONF: &[&str] = &[
    "Bad ",
    "bad ",
    "Missing ",
    "missing ",
    "Invalid ",
    "invalid ",
    "Unknown ",
    "unknown ",
    "Unsupported ",
    "unsupported ",
    "Deprecated ",
    "keyword ",
    "garbage at end of line",
    "no argument after keyword ",
    "extra ",
];

/// Whether it is about a line of ssh's configuration, `/home/a/.ssh/config line 7: Bad yes/no argument.`; sshd says the same of
/// its own, and shells put a colon behind the name of a file.
fn is_of_place(text: &str) -> bool {
    let Some((place, behind)) = text.split_once(" line ") else { return false };
    let Some((number, words)) = behind.split_once(": ") else { return false };
    let name = place.rsplit(['/', '\\']).next().unwrap_or(place);
    let is_conf = name.rsplit_once('.').is_some_and(|(_, extension)| extension == "conf");
    let of_ssh = place.contains("ssh") && (name == "config" || name == "ssh_config" || is_conf);
    let known = OF_READCONF.iter().any(|begins| words.starts_with(begins));
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && known && !place.contains(": ") && !place.contains("sshd") && (place == "command-line" || of_ssh)
}

/// What stands behind a function's name, `sign_and_send_pubkey: `.
fn behind_function(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once(": ")?;
    let is_name = name.len() > 3 && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    is_name.then_some(rest)
}

const fn row(
    says: Says,
    versions: (&'static str, &'static str),
    source: &'static str,
    states: fn(&mut Transcript, &str),
) -> Line {
    Line { says, versions, message: false, source, states }
}

/// The same of a message, which stands without a `debugN: `.
const fn said(
    says: Says,
    versions: (&'static str, &'static str),
    source: &'static str,
    states: fn(&mut Transcript, &str),
) -> Line {
    Line { message: true, ..row(says, versions, source, states) }
}

/// A line that is known and of no account here.
const fn idle(says: Says, source: &'static str) -> Line {
    row(says, ALL, source, |_, _| {})
}

/// The same of a message.
const fn idle_said(says: Says, source: &'static str) -> Line {
    said(says, ALL, source, |_, _| {})
}

/// Whose greeting it is, in place of a file.
const GIT_HOST: &str = "a Git host";
/// Every version.
const ALL: (&str, &str) = ("", "");

/// Every line that is known; the first row that fits counts.
pub(super) const LINES: &[Line] = &[
    // The run and its configuration.
    said(Begins("OpenSSH_"), ALL, "ssh.c main", Transcript::version),
    row(Holds(": Applying options for "), ALL, "readconf.c process_config_line_depth", Transcript::applies),
    idle(Holds(" matched no files"), "readconf.c process_config_line_depth"),
    said(Holds(": Bad configuration option: "), ALL, "readconf.c process_config_line_depth", Transcript::complains),
    said(Holds(" bad configuration options"), ALL, "readconf.c read_config_file", Transcript::complains),
    said(Fits(is_of_place), ALL, "readconf.c process_config_line_depth", Transcript::complains),
    said(Opens("Bad local forwarding specification "), ALL, "ssh.c main", Transcript::complains),
    said(Opens("Bad remote forwarding specification "), ALL, "ssh.c main", Transcript::complains),
    said(Opens("Bad dynamic forwarding specification "), ALL, "ssh.c main", Transcript::complains),
    said(Opens("Bad stdio forwarding specification "), ALL, "ssh.c main", Transcript::complains),
    said(Opens("Bad escape character "), ALL, "ssh.c main", Transcript::complains),
    said(Opens("Bad port '"), ALL, "ssh.c main", Transcript::complains),
    said(Opens("hostname contains invalid characters"), ("9.6", ""), "ssh.c main", Transcript::refuses),
    said(Opens("remote username contains invalid characters"), ("9.6", ""), "ssh.c main", Transcript::refuses),
    said(Opens("percent_expand: unknown key "), ALL, "misc.c percent_expand", Transcript::refuses),
    said(
        Opens("vdollar_percent_expand: unknown key "),
        ("8.4", ""),
        "misc.c vdollar_percent_expand",
        Transcript::refuses,
    ),
    said(Opens("vdollar_percent_expand: env var "), ("8.4", ""), "misc.c vdollar_percent_expand", Transcript::refuses),
    idle_said(Begins("percent_dollar_expand: failed"), "misc.c percent_dollar_expand"),
    idle_said(Begins("invalid environment variable expansion"), "readconf.c fill_default_options"),
    said(Opens("Cannot execute command-line and remote command."), ("7.6", ""), "ssh.c main", Transcript::refuses),
    said(Opens("No user exists for uid "), ALL, "ssh.c main", Transcript::refuses),
    said(Opens("Unknown cipher type "), ALL, "ssh.c main", Transcript::complains),
    said(Opens("Unknown mac type "), ALL, "ssh.c main", Transcript::complains),
    said(Opens("Invalid -J argument"), ("7.3", ""), "ssh.c main", Transcript::complains),
    said(Opens("Only a single -J option "), ("7.3", ""), "ssh.c main", Transcript::complains),
    said(Opens("Cannot specify -J with ProxyCommand"), ("7.3", ""), "ssh.c main", Transcript::complains),
    said(Begins("unix_listener: cannot bind to path "), ALL, "misc.c unix_listener", Transcript::no_master),
    said(Begins("Bad owner or permissions on "), ALL, "readconf.c read_config_file_depth", Transcript::misowned),
    said(Opens("Can't open user config file "), ALL, "ssh.c process_config_files", Transcript::complains),
    said(Begins("Warning: Identity file "), ALL, "ssh.c main", Transcript::inaccessible),
    row(Begins("Reading configuration data "), ALL, "readconf.c read_config_file_depth", |seen, _| {
        seen.configured = true;
    }),
    idle(Begins("expanded UserKnownHostsFile "), "ssh.c main"),
    row(Begins("Setting implicit ProxyCommand from ProxyJump: "), ("7.3", ""), "ssh.c main", Transcript::jumps),
    row(Begins("Executing proxy command: "), ALL, "sshconnect.c ssh_proxy_connect", Transcript::runs_program),
    row(Begins("auto-mux: Trying existing master"), ALL, "mux.c muxclient", |seen, _| seen.way.master = true),
    said(Begins("mux_client_request_stdio_fwd: master"), ALL, "mux.c muxclient", |seen, _| seen.way.mastered = true),
    said(Begins("mux_client_request_session: "), ALL, "mux.c muxclient", |seen, _| seen.way.mastered = true),
    said(
        Holds("Stdio forwarding request failed: "),
        ALL,
        "mux.c mux_client_request_stdio_fwd",
        Transcript::not_carried,
    ),
    // The name and the connection.
    said(Holds("Could not resolve hostname "), ALL, "ssh.c resolve_host", Transcript::unresolved),
    row(Begins("Connecting to "), ALL, "sshconnect.c ssh_connect_direct", Transcript::connecting),
    row(Begins("connect to address "), ALL, "sshconnect.c ssh_connect_direct", Transcript::address_failed),
    said(Holds("ssh: connect to host "), ALL, "sshconnect.c ssh_connect_direct", Transcript::connect_failed),
    said(
        Begins("ssh: connect to address "),
        ("", "6.9"),
        "sshconnect.c ssh_connect_direct",
        Transcript::address_failed,
    ),
    row(Begins("Connection established."), ALL, "sshconnect.c ssh_connect_direct", Transcript::established),
    idle(Begins("resolving "), "ssh.c resolve_host"),
    idle(Begins("resolve_host: lookup "), "ssh.c resolve_host"),
    idle_said(Begins("bind ["), "channels.c channel_setup_fwd_listener_tcpip"),
    said(Begins("bind "), ALL, "sshconnect.c ssh_create_socket", Transcript::unbound),
    said(Begins("getifaddrs: "), ("7.7", ""), "sshconnect.c ssh_create_socket", Transcript::no_interface),
    idle_said(Begins("channel_setup_fwd_listener"), "channels.c channel_setup_fwd_listener_tcpip"),
    idle_said(Begins("Could not request local forwarding."), "ssh.c ssh_init_forwarding"),
    idle_said(Begins("Error: remote port forwarding failed"), "ssh.c ssh_confirm_remote_forward"),
    idle_said(Begins("Warning: remote port forwarding failed"), "ssh.c ssh_confirm_remote_forward"),
    said(Begins("getaddrinfo: "), ALL, "sshconnect.c ssh_create_socket", Transcript::unbound),
    // Identification.
    said(Holds("Connection timed out during banner exchange"), ALL, "kex.c kex_exchange_identification", |seen, _| {
        seen.way.at_exchange = true;
        seen.ended(End::TimedOut);
    }),
    said(Begins("banner exchange: Connection to "), ("8.3", ""), "packet.c sshpkt_vfatal", Transcript::banner_failed),
    said(
        Begins("banner line contains invalid characters"),
        ("8.0", ""),
        "kex.c kex_exchange_identification",
        |seen, _| {
            seen.ended(End::NotSsh("a line that holds what no identification string may".to_owned()));
        },
    ),
    said(Begins("No banner received"), ALL, "kex.c kex_exchange_identification", |seen, _| {
        seen.ended(End::NotSsh("line after line, and no identification string".to_owned()));
    }),
    row(Begins("banner line "), ("8.0", ""), "kex.c kex_exchange_identification", Transcript::banner_line),
    said(
        Begins("ssh_exchange_identification: "),
        ("", "7.9"),
        "sshconnect.c ssh_exchange_identification",
        |seen, rest| {
            seen.exchanging(rest);
        },
    ),
    said(Begins("kex_exchange_identification: "), ("8.0", ""), "kex.c kex_exchange_identification", |seen, rest| {
        seen.exchanging(rest);
    }),
    row(Begins("Remote protocol version "), ALL, "kex.c kex_exchange_identification", Transcript::remote_version),
    said(
        Begins("Bad remote protocol version identification: "),
        ALL,
        "kex.c kex_exchange_identification",
        |seen, rest| {
            seen.identification = Some(rest.trim_matches('\'').into());
        },
    ),
    said(
        Begins("Protocol major versions differ: "),
        ALL,
        "kex.c kex_exchange_identification",
        Transcript::old_protocol,
    ),
    idle(Begins("Local version string "), "kex.c kex_exchange_identification"),
    row(Begins("Authenticating to "), ("6.9", ""), "sshconnect.c ssh_login", Transcript::authenticating),
    idle(Begins("compat_banner: "), "compat.c compat_banner"),
    idle(Begins("match: "), "compat.c compat_datafellows"),
    idle(Begins("no match: "), "compat.c compat_datafellows"),
    // Key exchange.
    row(Begins("local client KEXINIT proposal"), ("7.0", ""), "kex.c kex_choose_conf", |seen, _| seen.proposal(0)),
    row(Begins("peer server KEXINIT proposal"), ("7.0", ""), "kex.c kex_choose_conf", |seen, _| seen.proposal(1)),
    row(Begins("KEX algorithms: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(0, list)),
    row(Begins("host key algorithms: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(1, list)),
    row(Begins("ciphers ctos: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(2, list)),
    row(Begins("ciphers stoc: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(3, list)),
    row(Begins("MACs ctos: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(4, list)),
    row(Begins("MACs stoc: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(5, list)),
    row(Begins("compression ctos: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(6, list)),
    row(Begins("compression stoc: "), ("7.0", ""), "kex.c kex_buf2prop", |seen, list| seen.proposed(7, list)),
    row(Begins("kex_parse_kexinit: "), ("", "6.9"), "kex.c kex_buf2prop", Transcript::proposed_unnamed),
    said(Begins("Unable to negotiate with "), ("7.0", ""), "packet.c sshpkt_vfatal", Transcript::unnegotiated),
    said(Begins("no matching "), ("", "6.9"), "kex.c choose_enc, choose_mac", Transcript::no_matching),
    said(Begins("Unable to negotiate a key exchange method"), ("", "6.9"), "kex.c choose_kex", |seen, _| {
        seen.way.unnegotiated = Some(("key exchange method".to_owned(), String::new()));
    }),
    said(Begins("no hostkey alg"), ("", "6.9"), "kex.c choose_hostkeyalg", |seen, _| {
        seen.way.unnegotiated = Some(("host key type".to_owned(), String::new()));
    }),
    row(Begins("kex: algorithm: "), ("7.0", ""), "kex.c kex_choose_conf", |seen, name| {
        name.clone_into(&mut seen.agreed.kex);
    }),
    row(Begins("kex: host key algorithm: "), ("7.0", ""), "kex.c kex_choose_conf", |seen, name| {
        name.clone_into(&mut seen.agreed.host_key);
    }),
    row(Begins("kex: client->server "), ALL, "kex.c kex_choose_conf", Transcript::direction),
    idle(Begins("kex: server->client "), "kex.c kex_choose_conf"),
    row(Begins("SSH2_MSG_KEXINIT sent"), ALL, "kex.c kex_send_kexinit", |seen, _| seen.way.kexinit_sent = true),
    row(Begins("SSH2_MSG_KEXINIT received"), ALL, "kex.c kex_input_kexinit", |seen, _| {
        seen.way.kexinit_received = true;
    }),
    row(Begins("SSH2_MSG_NEWKEYS received"), ALL, "kex.c kex_input_newkeys", |seen, _| seen.has_keys = true),
    said(Begins("ssh_dispatch_run_fatal: "), ("6.8", ""), "dispatch.c ssh_dispatch_run_fatal", |seen, text| {
        seen.ended(End::KeyExchange(text.to_owned()));
    }),
    said(Begins("Bad packet length "), ALL, "packet.c ssh_packet_read_poll2", |seen, rest| {
        seen.ended(End::NotSsh(format!("bad packet length {rest}")));
    }),
    said(Holds("Corrupted MAC on input"), ALL, "packet.c ssh_packet_read_poll2", |seen, _| {
        seen.ended(End::NotSsh("corrupted MAC".to_owned()));
    }),
    // The host key.
    row(Begins("Server host key: "), ALL, "sshconnect.c verify_host_key", Transcript::host_key),
    row(Begins("Server host certificate: "), ("7.0", ""), "sshconnect.c verify_host_key", |seen, rest| {
        seen.host_certificate(rest);
    }),
    row(Begins("Host '"), ALL, "sshconnect.c check_host_key", Transcript::host_known),
    row(Begins("Found key in "), ALL, "sshconnect.c check_host_key", |seen, at| seen.found_in = Some(at.into())),
    row(Begins("Found certificate in "), ALL, "sshconnect.c check_host_key", |seen, at| {
        seen.found_in = Some(at.into());
    }),
    row(Begins("Found CA key in "), ALL, "sshconnect.c check_host_key", |seen, at| seen.found_in = Some(at.into())),
    said(Begins("The fingerprint for the "), ALL, "sshconnect.c warn_changed_key", Transcript::sent_key),
    said(Begins("Offending "), ALL, "sshconnect.c check_host_key", Transcript::offending),
    said(
        Holds(" differs from the key for the IP address '"),
        ALL,
        "sshconnect.c check_host_key",
        Transcript::differs_by_address,
    ),
    idle_said(Begins("Matching host key in "), "sshconnect.c check_host_key"),
    idle_said(Begins("Exiting, you have requested strict checking."), "sshconnect.c check_host_key"),
    said(Holds("REMOTE HOST IDENTIFICATION HAS CHANGED"), ALL, "sshconnect.c warn_changed_key", |seen, _| {
        seen.host.changed = true;
    }),
    said(Holds("REVOKED HOST KEY DETECTED"), ALL, "sshconnect.c check_host_key", |seen, _| seen.host.revoked = true),
    said(Holds(" is marked as revoked"), ALL, "sshconnect.c check_host_key", |seen, _| seen.host.revoked = true),
    said(Holds(" revoked by file "), ("6.7", ""), "sshconnect.c verify_host_key", Transcript::revoked_by_file),
    said(Begins("Error checking host key "), ("6.7", ""), "sshconnect.c verify_host_key", |seen, rest| {
        seen.host.unreadable_list = Some(rest.into());
    }),
    said(Ends(" and you have requested strict checking."), ALL, "sshconnect.c check_host_key", Transcript::strict),
    said(Begins("The authenticity of host "), ALL, "sshconnect.c check_host_key", |seen, _| seen.host.unknown = true),
    said(Begins("Are you sure you want to continue connecting"), ALL, "sshconnect.c confirm", |seen, _| {
        seen.questions.host_key = true;
    }),
    said(Begins("Warning: Permanently added "), ALL, "sshconnect.c check_host_key", |seen, _| seen.host.taken = true),
    said(Begins("Certificate invalid: "), ALL, "sshconnect.c check_host_cert", |seen, why| {
        seen.host.bad_certificate.get_or_insert_with(|| why.into());
    }),
    row(Begins("No matching CA found. Retry with plain key"), ALL, "sshconnect.c check_host_key", |seen, _| {
        seen.host.no_ca = true;
    }),
    row(Begins("matching host key fingerprint found in DNS"), ALL, "dns.c verify_host_key_dns", |seen, _| {
        seen.found_in_dns = true;
    }),
    said(Begins("Host key verification failed."), ALL, "sshconnect2.c verify_host_key_callback", |seen, _| {
        seen.host_key_refused = true;
    }),
    said(Begins("KnownHostsCommand"), ("8.5", ""), "hostfile.c load_hostkeys_command", Transcript::known_hosts_command),
    row(Begins("record_hostkey: found key type "), ("6.0", ""), "hostfile.c record_hostkey", Transcript::recorded),
    row(Begins("record_hostkey: found "), ("6.0", ""), "hostfile.c record_hostkey", Transcript::recorded),
    row(Begins("load_hostkeys: fopen "), ("8.5", ""), "hostfile.c load_hostkeys", |_, _| {}),
    idle(Begins("load_hostkeys"), "hostfile.c load_hostkeys"),
    idle(Begins("hostkeys_find_by_key_hostfile: "), "sshconnect.c hostkeys_find_by_key_hostfile"),
    idle(Begins("order_hostkeyalgs: "), "sshconnect2.c order_hostkeyalgs"),
    said(
        Holds("authentication is disabled to avoid man-in-the-middle attacks"),
        ALL,
        "sshconnect.c check_host_key",
        |seen, _| {
            seen.host.without_passwords = true;
        },
    ),
    said(Begins("Bad server host key: Invalid key length"), ("9.1", ""), "sshconnect.c verify_host_key", |seen, _| {
        seen.host.short = true;
    }),
    idle_said(Begins("@@@@@@@@@@"), "sshconnect.c warn_changed_key"),
    idle_said(Begins("IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!"), "sshconnect.c warn_changed_key"),
    idle_said(Begins("Someone could be eavesdropping on you right now"), "sshconnect.c warn_changed_key"),
    idle_said(Begins("It is also possible that a host key has just been changed."), "sshconnect.c warn_changed_key"),
    idle_said(Begins("Please contact your system administrator."), "sshconnect.c warn_changed_key"),
    idle_said(Begins("Add correct host key in "), "sshconnect.c check_host_key"),
    said(Holds(" key fingerprint is "), ALL, "sshconnect.c check_host_key", Transcript::fingerprint_is),
    idle_said(Begins("This key is not known by any other names"), "sshconnect.c check_host_key"),
    // Tokens and authenticators.
    row(Holds("failed to find sk"), ("8.2", ""), "sk-usbhid.c ssh_sk_sign", |seen, _| {
        seen.keys.no_authenticator = true;
    }),
    row(Holds("Signing failed: device not found"), ("8.2", ""), "ssh-sk-client.c", |seen, _| {
        seen.keys.no_authenticator = true;
    }),
    said(Begins("pin required"), ALL, "ssh-pkcs11.c pkcs11_open_session", |seen, _| seen.no_token("pin required")),
    said(Begins("dlopen "), ALL, "ssh-pkcs11.c pkcs11_register_provider", |seen, rest| {
        seen.no_token(&format!("dlopen {rest}"));
    }),
    row(
        Begins("provider "),
        ALL,
        "ssh-pkcs11.c pkcs11_register_provider, ssh.c load_public_identity_files",
        Transcript::provider,
    ),
    row(Begins("pkcs11_add_provider: provider "), ALL, "ssh-pkcs11.c pkcs11_add_provider", Transcript::provider),
    // The identities.
    row(Begins("identity file "), ALL, "ssh.c main", Transcript::identity_file),
    row(Begins("certificate file "), ("7.2", ""), "ssh.c main", Transcript::certificate_file),
    row(Begins("Will attempt key: "), ("7.9", ""), "sshconnect2.c pubkey_prepare", Transcript::will_attempt),
    row(Begins("key: "), ("", "7.8"), "sshconnect2.c pubkey_prepare", Transcript::will_attempt_old),
    row(Begins("Skipping "), ("7.0", ""), "sshconnect2.c pubkey_prepare", Transcript::skipping),
    row(Begins("ignoring "), ("7.3", ""), "sshconnect2.c pubkey_prepare", Transcript::ignoring),
    row(
        Begins("get_agent_identities: agent returned "),
        ("8.9", ""),
        "sshconnect2.c get_agent_identities",
        |seen, rest| {
            seen.agent_returned(rest);
        },
    ),
    row(Begins("get_agent_identities: "), ("8.9", ""), "sshconnect2.c get_agent_identities", Transcript::agent_line),
    row(Begins("pubkey_prepare: ssh_"), ("6.8", "8.8"), "sshconnect2.c pubkey_prepare", Transcript::agent_line),
    row(Begins("pubkey_prepare: done"), ("8.5", ""), "sshconnect2.c pubkey_prepare", |seen, _| {
        seen.keys.prepared = true;
    }),
    row(
        Begins("ssh_get_authentication_socket_path: path '"),
        ("8.5", ""),
        "authfd.c ssh_get_authentication_socket",
        |seen, rest| {
            seen.keys.agent_path = Some(rest.trim_end_matches('\'').into());
        },
    ),
    // User authentication.
    row(Begins("kex_input_ext_info: "), ("7.2", ""), "kex.c kex_input_ext_info", Transcript::extension),
    row(Begins("kex_ext_info_client_parse: "), ("9.6", ""), "kex.c kex_ext_info_client_parse", Transcript::extension),
    row(Begins("SSH2_MSG_SERVICE_ACCEPT received"), ALL, "sshconnect2.c input_userauth_service_accept", |seen, _| {
        seen.service_accepted = true;
        seen.asked = Asked::Nothing;
    }),
    row(Begins("send packet: type "), ("6.9", ""), "packet.c ssh_packet_send2_wrapped", Transcript::sent),
    row(Begins("receive packet: type "), ("6.9", ""), "packet.c ssh_packet_read_poll2", Transcript::received),
    said(Begins("Authenticated using "), ("8.7", ""), "sshconnect2.c input_userauth_failure", |seen, rest| {
        seen.partial = rest.ends_with("with partial success.");
    }),
    said(
        Begins("Authenticated with partial success."),
        ("", "8.6"),
        "sshconnect2.c input_userauth_failure",
        |seen, _| {
            seen.partial = true;
        },
    ),
    row(Begins("Authentications that can continue: "), ALL, "sshconnect2.c input_userauth_failure", |seen, list| {
        seen.can_continue(list);
    }),
    row(Begins("Authentications that can continue:"), ALL, "sshconnect2.c input_userauth_failure", |seen, _| {
        seen.can_continue("");
    }),
    row(Begins("preferred "), ALL, "sshconnect2.c authmethod_get", |seen, list| {
        seen.keys.preferred.get_or_insert_with(|| list.to_owned());
    }),
    row(Begins("Next authentication method: "), ALL, "sshconnect2.c userauth", Transcript::next_method),
    row(Begins("Offering public key: "), ("7.6", ""), "sshconnect2.c send_pubkey_test", Transcript::offering),
    row(Begins("Offering "), ("", "7.5"), "sshconnect2.c userauth_pubkey", Transcript::offering_old),
    row(Begins("Server accepts key: "), ALL, "sshconnect2.c input_userauth_pk_ok", Transcript::accepts),
    row(Begins("Trying private key: "), ALL, "sshconnect2.c userauth_pubkey", Transcript::trying),
    said(Begins("no such identity: "), ALL, "sshconnect2.c load_identity_file", Transcript::no_such_identity),
    said(Begins("Load key \""), ("6.8", ""), "sshconnect2.c load_identity_file", Transcript::load_failed),
    row(Begins("key_load_private_type: "), ("", "6.7"), "sshconnect2.c load_identity_file", |_, _| {}),
    // Of no account: it is printed of every `.pub` that is not there, before anything is offered.
    idle_said(Begins("key_load_public: "), "authfile.c sshkey_load_public"),
    said(Begins("Permissions "), ALL, "authfile.c sshkey_perm_ok", Transcript::too_open),
    said(Begins("bad permissions: ignore key: "), ("", "6.6"), "authfile.c key_perm_ok", |_, _| {}),
    said(Begins("Enter passphrase for "), ALL, "sshconnect2.c load_identity_file", Transcript::asks_passphrase),
    row(Begins("no passphrase given, try next key"), ALL, "sshconnect2.c load_identity_file", |seen, _| {
        seen.no_passphrase();
    }),
    row(Begins("bad passphrase given, try again..."), ALL, "sshconnect2.c load_identity_file", |seen, _| {
        seen.questions.passphrase = true;
    }),
    row(Begins("read_passphrase: can't open "), ALL, "readpass.c read_passphrase", |seen, _| {
        seen.nobody();
    }),
    said(Holds(" contents do not match public"), ALL, "sshconnect2.c identity_sign", |seen, _| {
        seen.unsigned(Unsigned::OtherKey);
    }),
    row(
        Begins("sign_and_send_pubkey: signing using "),
        ("8.6", ""),
        "sshconnect2.c sign_and_send_pubkey",
        |seen, rest| {
            seen.signing(rest);
        },
    ),
    said(
        Begins("sign_and_send_pubkey: signing failed for "),
        ("8.2", ""),
        "sshconnect2.c sign_and_send_pubkey",
        |seen, rest| {
            seen.not_signed(rest);
        },
    ),
    said(
        Begins("sign_and_send_pubkey: signing failed: "),
        ("", "8.1"),
        "sshconnect2.c sign_and_send_pubkey",
        |seen, why| {
            seen.not_signed_old(why);
        },
    ),
    row(
        Begins("sign_and_send_pubkey: no separate private key for certificate "),
        ("7.3", ""),
        "sshconnect2.c sign_and_send_pubkey",
        |seen, _| {
            seen.no_private_key();
        },
    ),
    row(Begins("sign_and_send_pubkey: "), ALL, "sshconnect2.c sign_and_send_pubkey", Transcript::begins_to_sign),
    said(
        Holds("no mutual signature"),
        ("7.8", ""),
        "sshconnect2.c send_pubkey_test, sign_and_send_pubkey",
        |seen, _| {
            seen.no_algorithm();
        },
    ),
    said(Holds(" returned incorrect signature type"), ("7.8", ""), "sshconnect2.c identity_sign", |seen, _| {
        seen.unsigned(Unsigned::WrongType);
    }),
    row(Begins("pkcs11_login_slot: no pin specified"), ALL, "ssh-pkcs11.c pkcs11_login_slot", |seen, _| {
        seen.unsigned(Unsigned::Pin);
    }),
    row(Begins("need pin entry"), ALL, "ssh-pkcs11.c pkcs11_login_slot", |seen, _| seen.unsigned(Unsigned::Pin)),
    said(Begins("Confirm user presence for key "), ("8.2", ""), "sshconnect2.c identity_sign", |seen, _| {
        seen.questions.touch = true;
    }),
    said(Begins("Enter PIN for "), ("8.2", ""), "sshconnect2.c identity_sign", |seen, _| seen.questions.pin = true),
    said(Begins("Authenticated to "), ALL, "sshconnect2.c ssh_userauth2", Transcript::authenticated),
    row(Begins("Authentication succeeded ("), ("", "8.7"), "sshconnect2.c ssh_userauth2", |seen, rest| {
        seen.admitted_by = Some(rest.trim_end_matches(").").to_owned());
        seen.let_in();
    }),
    row(Begins("No more authentication methods to try."), ALL, "sshconnect2.c userauth", |seen, _| {
        seen.asked = Asked::Other;
        seen.keys.exhausted = true;
    }),
    said(Holds("Permission denied, please try again."), ALL, "sshconnect2.c userauth_passwd", |seen, _| {
        seen.questions.refused += 1;
    }),
    said(Fits(denies), ALL, "sshconnect2.c userauth", Transcript::denied),
    said(Holds("'s password:"), ALL, "sshconnect2.c userauth_passwd", |seen, _| seen.questions.password = true),
    said(Fits(prompts), ("8.5", ""), "sshconnect2.c input_userauth_info_req", Transcript::dialogue),
    said(Holds("'s old password:"), ALL, "sshconnect2.c input_userauth_passwd_changereq", |seen, _| {
        seen.questions.change = true;
    }),
    row(Begins("input_userauth_passwd_changereq"), ALL, "sshconnect2.c input_userauth_passwd_changereq", |seen, _| {
        seen.questions.change = true;
    }),
    row(Begins("we sent a password packet"), ALL, "sshconnect2.c userauth", |seen, _| {
        seen.questions.password_sent += 1;
    }),
    row(Begins("we sent a keyboard-interactive packet"), ALL, "sshconnect2.c userauth", |seen, _| {
        seen.questions.dialogues_sent += 1;
    }),
    row(
        Begins("input_userauth_info_req: num_prompts "),
        ALL,
        "sshconnect2.c input_userauth_info_req",
        |seen, count| {
            seen.questions.prompts += u32::from(count != "0");
        },
    ),
    row(Begins("Unspecified GSS failure."), ALL, "sshconnect2.c userauth_gssapi", Transcript::gssapi),
    row(Begins("No Kerberos credentials available"), ALL, "gss-genr.c ssh_gssapi_error", |seen, rest| {
        seen.gssapi(rest);
    }),
    row(Begins("No credentials were supplied"), ALL, "gss-genr.c ssh_gssapi_error", Transcript::gssapi),
    // The session.
    row(Begins("Entering interactive session."), ALL, "clientloop.c client_loop", |seen, _| seen.in_session = true),
    row(Begins("Remote: "), ALL, "packet.c ssh_packet_read_poll_seqnr", Transcript::remote),
    row(Begins("channel 0: open confirm "), ALL, "channels.c channel_input_open_confirmation", |seen, _| {
        seen.channel = Some(ChannelOpen::Confirmed);
    }),
    said(Begins("channel 0: open failed: "), ALL, "channels.c channel_input_open_failure", Transcript::channel_refused),
    row(Begins("Sending command: "), ALL, "clientloop.c client_session2_setup", |seen, command| {
        seen.command_sent = true;
        seen.command = Some(command.into());
    }),
    row(Begins("Sending subsystem: "), ALL, "clientloop.c client_session2_setup", |seen, name| {
        seen.subsystem = Some(name.into());
    }),
    row(Begins("Requesting shell."), ("", "6.4"), "clientloop.c client_session2_setup", |_, _| {}),
    row(Begins("exec request accepted on channel 0"), ALL, "clientloop.c client_status_confirm", |seen, _| {
        seen.granted = Some(true);
    }),
    row(Begins("shell request accepted on channel 0"), ALL, "clientloop.c client_status_confirm", |seen, _| {
        seen.granted = Some(true);
    }),
    said(
        Begins("exec request failed on channel 0"),
        ALL,
        "clientloop.c client_status_confirm",
        Transcript::not_granted,
    ),
    said(
        Begins("shell request failed on channel 0"),
        ALL,
        "clientloop.c client_status_confirm",
        Transcript::not_granted,
    ),
    said(Begins("subsystem request failed on channel 0"), ALL, "clientloop.c client_status_confirm", |seen, _| {
        seen.subsystem.get_or_insert_with(|| "".into());
        seen.not_granted("");
    }),
    said(Begins("PTY allocation request failed on channel 0"), ALL, "clientloop.c client_status_confirm", |seen, _| {
        seen.terminal = Some(false);
        seen.comes_in();
    }),
    said(Begins("stdio forwarding failed"), ("5.4", ""), "ssh.c ssh_stdio_confirm", |seen, _| seen.stdio_failed = true),
    row(Begins("Exit status "), ALL, "ssh.c main", |seen, status| seen.exit_status = status.parse().ok()),
    said(Begins("Received message too long "), ALL, "sftp-client.c get_msg_extended", Transcript::too_long),
    said(
        Begins("scp: Received message too long "),
        ("8.7", ""),
        "sftp-client.c get_msg_extended",
        Transcript::too_long,
    ),
    idle_said(Begins("Ensure the remote shell produces no output"), "sftp-client.c get_msg_extended"),
    idle_said(Begins("scp: Ensure the remote shell produces no output"), "sftp-client.c get_msg_extended"),
    // What the account's side says to the person.
    said(Opens("This account is currently not available"), ALL, "nologin.c main", Transcript::tells),
    said(Opens("This service allows sftp connections only."), ALL, "session.c do_exec", Transcript::tells),
    said(Opens("WARNING: Your password has expired."), ALL, "session.c do_pwchange", Transcript::tells),
    said(Opens("You must change your password now and "), ALL, "session.c do_pwchange", Transcript::tells),
    said(Opens("Password change required but no TTY available."), ALL, "session.c do_pwchange", Transcript::tells),
    said(
        Opens("You are required to change your password immediately"),
        ALL,
        "pam_unix_acct.c pam_sm_acct_mgmt",
        Transcript::tells,
    ),
    said(Opens("Please login as the user \""), ALL, "cloud-init's cc_ssh.py", Transcript::tells),
    said(Opens("Your account has expired; "), ALL, "pam_unix_acct.c pam_sm_acct_mgmt", Transcript::turns_away),
    said(
        Holds("Unprivileged users are not permitted to log in "),
        ALL,
        "pam_nologin.c perform_check",
        Transcript::turns_away,
    ),
    said(Holds("! You've successfully authenticated"), ALL, GIT_HOST, Transcript::tells),
    said(Opens("Welcome to GitLab, @"), ALL, GIT_HOST, Transcript::tells),
    said(Opens("ERROR: Repository not found."), ALL, GIT_HOST, Transcript::denies_repository),
    said(Opens("ERROR: Permission to "), ALL, GIT_HOST, Transcript::denies_repository),
    said(Opens("ERROR: The project you were looking for"), ALL, GIT_HOST, Transcript::denies_repository),
    said(Opens("authenticated via ssh key."), ALL, GIT_HOST, Transcript::tells),
    said(Opens("authenticated via a deploy key."), ALL, GIT_HOST, Transcript::tells),
    // The end.
    said(Begins("Received disconnect from "), ALL, "packet.c ssh_packet_read_poll_seqnr", Transcript::disconnect),
    said(Begins("Pseudo-terminal will not be allocated"), ALL, "ssh.c main", |seen, _| seen.warnings += 1),
    idle_said(Begins("X11 forwarding request failed on channel"), "clientloop.c client_x11_get_proto"),
    idle_said(Begins("Shared connection to "), "clientloop.c client_loop"),
    idle_said(Begins("ControlSocket "), "mux.c muxserver_listen"),
    idle_said(Begins("ControlPath too long"), "mux.c muxclient"),
    idle_said(Begins("unix_listener: path "), "misc.c unix_listener"),
    idle_said(Begins("Control socket connect("), "mux.c muxclient"),
    idle_said(Begins("mux_client_forward: "), "mux.c mux_client_forward"),
    idle_said(Begins("bind: Address already in use"), "channels.c channel_setup_fwd_listener_tcpip"),
    idle_said(Begins("Privileged ports can only be forwarded by root."), "readconf.c add_local_forward"),
    said(Begins("Read from remote host "), ALL, "clientloop.c client_process_net_input", |seen, why| {
        seen.broke_off = true;
        seen.ended(End::Reset(super::way::errno(why.rsplit_once(": ").map_or(why, |(_, why)| why))));
    }),
    said(Begins("Disconnected from "), ("7.3", ""), "packet.c sshpkt_vfatal", |_, _| {}),
    said(Holds("Too many authentication failures"), ALL, "packet.c ssh_packet_read_poll_seqnr", |seen, _| {
        seen.ended(End::Disconnect { code: 2, text: "Too many authentication failures".into() });
    }),
    said(Begins("Connection closed by "), ALL, "packet.c sshpkt_vfatal", Transcript::closed),
    said(Begins("Connection reset by "), ALL, "packet.c sshpkt_vfatal", |seen, _| {
        seen.ended(End::Reset("ECONNRESET".to_owned()));
    }),
    said(Begins("Connection to "), ALL, "packet.c sshpkt_vfatal, clientloop.c client_loop", Transcript::connection_to),
    said(Begins("Timeout, server "), ALL, "clientloop.c server_alive_check", |seen, _| {
        seen.broke_off = true;
        seen.ended(End::TimedOut);
    }),
    said(Begins("client_loop: send disconnect: "), ("7.8", ""), "clientloop.c client_loop", |seen, why| {
        seen.broke_off = true;
        seen.ended(End::Reset(super::way::errno(why)));
    }),
    said(Begins("packet_write_wait: Connection to "), ("", "8.2"), "packet.c ssh_packet_write_wait", |seen, _| {
        seen.ended(End::Reset("EPIPE".to_owned()));
    }),
    said(Begins("Write failed: "), ("", "6.7"), "packet.c packet_write_poll", |seen, why| {
        seen.ended(End::Reset(super::way::errno(why)));
    }),
    // Channels, packets and descriptors: they say how, and not why.
    idle_said(Begins("  #"), "channels.c channel_open_message"),
    idle(Begins("channel "), "channels.c"),
    idle(Begins("fd "), "misc.c set_nonblock"),
    idle(Begins("set_sock_tos: "), "misc.c set_sock_tos"),
    idle(Begins("ssh_set_newkeys: "), "packet.c ssh_set_newkeys"),
    idle(Begins("rekey "), "packet.c ssh_set_newkeys"),
    idle(Begins("client_"), "clientloop.c"),
    idle(Begins("pledge: "), "clientloop.c client_loop"),
    idle(Begins("languages "), "kex.c kex_buf2prop"),
    idle(Begins("first_kex_follows "), "kex.c kex_buf2prop"),
    idle(Begins("reserved "), "kex.c kex_buf2prop"),
    idle(Begins("expecting SSH2_MSG_"), "kex.c kex_setup, kexgen.c"),
    idle(Begins("SSH2_MSG_"), "kex.c, sshconnect2.c"),
    idle(Begins("authmethod_"), "sshconnect2.c authmethod_get"),
    idle(Begins("remaining preferred: "), "sshconnect2.c authmethod_get"),
    idle(Begins("start over, passed a different list "), "sshconnect2.c authmethod_get"),
    idle(Begins("we sent a "), "sshconnect2.c userauth"),
    idle(Begins("we did not send a packet, disable method"), "sshconnect2.c userauth"),
    idle(Begins("service_accept: "), "sshconnect2.c input_userauth_service_accept"),
    idle(Begins("ssh_connect"), "sshconnect.c"),
    idle(Begins("ssh_packet_"), "packet.c"),
    idle(Begins("ssh_session2"), "ssh.c"),
    idle(Begins("Ignored env "), "clientloop.c client_session2_setup"),
    idle(Begins("Sending env"), "clientloop.c client_session2_setup"),
    idle(Begins("Requesting no-more-sessions@openssh.com"), "ssh.c ssh_session2"),
    said(Begins("Transferred: "), ALL, "clientloop.c client_loop", Transcript::transferred),
    idle_said(Begins("Bytes per second: "), "clientloop.c client_loop"),
    idle(Begins("hostkeys_"), "hostfile.c"),
    idle(Begins("chan_"), "channels.c, nchan.c"),
    idle(Begins("kex_"), "kex.c"),
    idle(Begins("input_userauth_banner"), "sshconnect2.c input_userauth_banner"),
    idle_said(Begins("Failed to add the host to the list of known hosts"), "sshconnect.c check_host_key"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_its_versions_and_its_source() {
        for line in LINES {
            let source = line.source.split_once(".c").or_else(|| line.source.split_once(".py"));
            let (file, function) = source.or((line.source == GIT_HOST).then_some((GIT_HOST, ""))).unwrap_or_default();
            assert!(!file.is_empty() && (function.is_empty() || function.starts_with([' ', ','])), "{}", line.source);
            let number = |text: &str| crate::openssh::tokens::version(&format!("OpenSSH_{text}"));
            let (first, last) = line.versions;
            assert!(first.is_empty() || number(first).is_some(), "{:?}", line.says);
            assert!(
                last.is_empty() || number(first).is_none_or(|first| Some(first) <= number(last)),
                "{:?}",
                line.says
            );
        }
    }

    #[test]
    fn a_renamed_function_changes_nothing_and_prose_is_no_message() {
        assert!(find("get_agent_identities: agent returned 3 keys", true).is_some());
        let kex = find("other_name: Connection closed by 192.0.2.7 port 22", true);
        assert!(kex.is_some_and(|(_, rest)| rest == "192.0.2.7 port 22"));
        for prose in ["Offering my thanks", "key: value", "channel 4 of the lab", "I see: Connection established."] {
            assert!(find(prose, false).is_none(), "{prose}");
        }
    }
}
