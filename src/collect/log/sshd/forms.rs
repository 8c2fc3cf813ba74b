//! The forms in which a log can come that are not a line of syslog, and what tells sshd's bare words from ssh's.

use serde::Deserialize;
use serde_json::Value;

use crate::openssh::sshd::log::words::said;

/// One object of `journalctl -o json`.
#[derive(Debug, Deserialize)]
struct Object {
    #[serde(rename = "MESSAGE")]
    message: Option<Value>,
    #[serde(rename = "_PID", alias = "SYSLOG_PID")]
    pid: Option<Value>,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Option<Value>,
    #[serde(rename = "_COMM")]
    command: Option<Value>,
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    microseconds: Option<Value>,
    #[serde(rename = "_HOSTNAME")]
    host: Option<Value>,
}

/// Programs whose words count.
const PROGRAMS: &[&str] = &["sshd", "sshd-session", "sshd-auth", "dropbear"];

/// An object of the journal as a line of syslog; `None` where it is none, or of another program.
pub(super) fn json(line: &str) -> Option<String> {
    if !line.contains("MESSAGE") || !PROGRAMS.iter().any(|program| line.contains(program)) {
        return None;
    }
    let object: Object = serde_json::from_str(line).ok()?;
    let text = |value: &Option<Value>| match value.as_ref()? {
        Value::String(text) => Some(text.clone()),
        // What is no plain text comes as numbers.
        Value::Array(bytes) => {
            let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            Some(String::from_utf8_lossy(&bytes?).into_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    as_line(
        &text(&object.identifier).or_else(|| text(&object.command))?,
        text(&object.pid).as_deref(),
        text(&object.microseconds).as_deref(),
        text(&object.host).as_deref(),
        &text(&object.message)?,
    )
}

/// The fields of one entry as a line of syslog.
fn as_line(program: &str, pid: Option<&str>, micros: Option<&str>, host: Option<&str>, text: &str) -> Option<String> {
    let program = PROGRAMS.iter().find(|known| **known == program)?;
    let pid = pid.and_then(|pid| pid.parse::<u32>().ok()).map(|pid| format!("[{pid}]")).unwrap_or_default();
    let host = host.filter(|host| !host.is_empty() && !host.contains(' ')).unwrap_or("localhost");
    // A field may hold several lines; sshd's words are one.
    let text = text.lines().next().unwrap_or_default();
    let micros: Option<i64> = micros.and_then(|micros| micros.parse().ok());
    let time = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    Some(match time {
        Some(time) => format!("{} {host} {program}{pid}: {text}", time.strftime("%Y-%m-%dT%H:%M:%SZ")),
        None => format!("{program}{pid}: {text}"),
    })
}

/// One entry of `journalctl -o export`, field by field.
#[derive(Debug, Default)]
pub(super) struct Export {
    open: bool,
    message: Option<String>,
    pid: Option<String>,
    identifier: Option<String>,
    command: Option<String>,
    micros: Option<String>,
    host: Option<String>,
}

impl Export {
    /// Whether an entry has begun.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes a field up.
    pub(super) fn field(&mut self, line: &str) {
        self.open = true;
        let Some((name, value)) = line.split_once('=') else { return };
        let place = match name {
            "MESSAGE" => &mut self.message,
            "_PID" => &mut self.pid,
            "SYSLOG_IDENTIFIER" => &mut self.identifier,
            "_COMM" => &mut self.command,
            "__REALTIME_TIMESTAMP" => &mut self.micros,
            "_HOSTNAME" => &mut self.host,
            _ => return,
        };
        *place = Some(value.chars().take(2000).collect());
    }

    /// The entry as a line of syslog, where one ends here.
    pub(super) fn close(&mut self) -> Option<String> {
        if !self.open {
            return None;
        }
        let Self { message, pid, identifier, command, micros, host, .. } = std::mem::take(self);
        as_line(&identifier.or(command)?, pid.as_deref(), micros.as_deref(), host.as_deref(), &message?)
    }
}

/// How words begin or end that only sshd has.
const OF_SERVER: &[&str] = &[
    "Server listening on ",
    "debug1: sshd version ",
    "debug2: load_server_config: ",
    "debug2: parse_server_config",
    "debug1: Server will not fork",
    "debug1: userauth-request for user ",
    "debug1: trying public key file ",
    "Accepted publickey for ",
    "Accepted password for ",
    "Accepted keyboard-interactive/pam for ",
    "Failed publickey for ",
    "Failed password for ",
    "Failed keyboard-interactive",
    "Failed none for ",
    "Invalid user ",
    "Postponed ",
    "Partial ",
    "User child is on pid ",
    "ROOT LOGIN REFUSED FROM ",
    "Authentication refused: ",
    "drop connection #",
    "srclimit_penalise: ",
    "beginning MaxStartups throttling",
    "exited MaxStartups throttling",
    "Accepted hostbased for ",
    "Accepted gssapi",
    "error: maximum authentication attempts exceeded",
    "Connection closed by authenticating user ",
    "Connection closed by invalid user ",
    "Connection reset by authenticating user ",
    "Connection reset by invalid user ",
    "Disconnected from authenticating user ",
    "Disconnected from user ",
    "Disconnected from invalid user ",
    "Disconnecting authenticating user ",
    "Disconnecting invalid user ",
];

/// Whether words without a stamp are sshd's and can be nobody else's.
pub(super) fn is_of_server(text: &str) -> bool {
    let preauth = text.ends_with(" [preauth]") && (text.starts_with("debug") || said(text).is_some() || tells(text));
    let connection = text.starts_with("Connection from ") && text.contains(" port ") && text.contains(" on ");
    let not_allowed = text.starts_with("User ") && text.contains(" not allowed because ");
    let denied = text.contains("Access denied for user ") && text.contains(" by PAM account configuration");
    // A client's words, as it leaves (clientloop.c `client_loop`).
    let left = text.starts_with("Received disconnect from ") && text.ends_with("disconnected by user");
    left || preauth || connection || not_allowed || denied || OF_SERVER.iter().any(|words| text.starts_with(words))
}

/// How words begin that ssh has and sshd has not.
const OF_CLIENT: &[&str] = &[
    "debug1: Connecting to ",
    "debug1: Authenticating to ",
    "debug1: identity file ",
    "debug1: Offering public key",
    "debug1: Will attempt key",
    "debug1: Authentications that can continue",
    "debug1: Next authentication method",
    "debug1: Server host key",
    "debug1: Server accepts key",
    "debug1: Host ",
    "debug1: Remote: ",
    "debug1: SSH2_MSG_SERVICE_ACCEPT received",
    "debug1: Trying private key",
    "debug1: No more authentication methods",
];

/// Whether a run of ssh begins here, or goes on: what follows is its own.
pub(super) fn is_of_client(text: &str) -> bool {
    let version = text.strip_prefix("OpenSSH_").is_some_and(|rest| rest.contains(", "));
    version
        || text.starts_with("debug1: Reading configuration data ") && text.contains("ssh_config")
        || text.starts_with("debug1: ") && OF_CLIENT.iter().any(|words| text.starts_with(words))
}

/// Whether sshd says it at the end of a session, and ssh says something alike (serverloop.c, packet.c
/// `ssh_packet_log_type`; ssh adds in how many seconds).
pub(super) fn ends_session(text: &str) -> bool {
    // `status: The following connections are open:` goes on in lines of their own (channels.c `channel_open_message`).
    if text.trim_start().starts_with('#') && text.contains(" server-session ") {
        return true;
    }
    text.starts_with("Closing connection to ") || text.starts_with("Transferred: sent ") && !text.contains(", in ")
}

/// Whether words of debugging, or of a form that is not known by itself, tell something of a login.
pub(super) fn tells(text: &str) -> bool {
    crate::openssh::sshd::log::details::detail(text).is_some()
}
