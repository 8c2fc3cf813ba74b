//! What programs in a `ProxyCommand` say when they come to no connection, and what it means: one row for each saying, with
//! the place where it is made.

use super::programs::{Known, Named};
use crate::facts::proxy::Program;

/// Why a program came to no connection, by its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The shell finds no such program.
    NotFound,
    /// The shell may not execute it, or cannot.
    NotExecutable,
    /// The shell cannot make sense of the command.
    NotShell,
    /// A proxy does not allow the connection.
    Forbidden,
    /// A proxy wants a name and a password.
    ProxyLogin,
    /// A proxy does not make the connection, for another reason.
    ProxyFails,
    /// A name does not resolve.
    NoSuchName,
    /// The resolver does not answer.
    ResolverFails,
    /// A connection attempt was refused.
    Refused,
    /// A connection attempt, or what came after it, had no answer.
    Unanswered,
    /// There is no way to the address.
    Unreachable,
    /// The connection was made, and ended by the other side.
    Dropped,
    /// The host on the way refuses the login.
    HopLogin,
    /// The host on the way has a host key that ssh does not take.
    HopKey,
    /// The host on the way forbids the connection to the target.
    HopForbids,
    /// The host on the way cannot connect to the target.
    HopCannot,
    /// The host on the way cannot run the command that leads on from there.
    HopLacks,
    /// The login at the host on the way fails otherwise.
    HopFails,
    /// The cloud's own login has expired, or there is none.
    NotLoggedIn,
    /// The cloud's own login has no right to this machine.
    NoRight,
    /// The machine is stopped, or its agent is not connected.
    Offline,
    /// Nothing listens at the machine, or its firewall keeps the tunnel's addresses out.
    Backend,
    /// A part of the program is not installed.
    PartMissing,
    /// The tunnel's own service does not lead to the server: nobody is logged in there, or no tunnel runs.
    TunnelRefuses,
}

impl Meaning {
    /// Whether the program had no connection with the server then, whatever else is wrong.
    pub fn excludes_the_server(self) -> bool {
        !matches!(self, Self::Dropped | Self::Unanswered)
    }
}

/// One saying.
struct Saying {
    /// Whose it is; `None` where any program may say it.
    of: Option<Known>,
    /// What its line holds, in small letters.
    holds: &'static [&'static str],
    /// What it means.
    means: Meaning,
}

const fn of(known: Known, holds: &'static [&'static str], means: Meaning) -> Saying {
    Saying { of: Some(known), holds, means }
}

const fn any(holds: &'static [&'static str], means: Meaning) -> Saying {
    Saying { of: None, holds, means }
}

/// The sayings, the more telling before the less.
const SAYINGS: &[Saying] = &[
    // OpenSSH sshconnect.c, sshconnect2.c, channels.c channel_input_open_failure, ssh.c ssh_stdio_confirm.
    of(Known::Ssh, &["host key verification failed"], Meaning::HopKey),
    of(Known::Ssh, &["permission denied ("], Meaning::HopLogin),
    of(Known::Ssh, &["too many authentication failures"], Meaning::HopLogin),
    of(Known::Ssh, &["administratively prohibited"], Meaning::HopForbids),
    of(Known::Ssh, &["open failed: connect failed"], Meaning::HopCannot),
    of(Known::Ssh, &["stdio forwarding failed"], Meaning::HopFails),
    of(Known::Ssh, &["could not resolve hostname"], Meaning::HopFails),
    of(Known::Ssh, &["ssh: connect to host"], Meaning::HopFails),
    of(Known::Ssh, &["kex_exchange_identification"], Meaning::HopFails),
    of(Known::Ssh, &["bad owner or permissions"], Meaning::HopFails),
    of(Known::Ssh, &["bad configuration option"], Meaning::HopFails),
    of(Known::Ssh, &["unknown port 65535"], Meaning::HopFails),
    of(Known::Ssh, &["unable to negotiate with"], Meaning::HopFails),
    // netcat-openbsd socks.c socks_connect.
    of(Known::Netcat, &["proxy error: \"http/1.", " 407"], Meaning::ProxyLogin),
    of(Known::Netcat, &["proxy error: \"http/1.", " 403"], Meaning::Forbidden),
    of(Known::Netcat, &["proxy error: \"http/1."], Meaning::ProxyFails),
    of(Known::Netcat, &["not allowed by ruleset"], Meaning::Forbidden),
    of(Known::Netcat, &["authentication method negotiation failed"], Meaning::ProxyLogin),
    of(Known::Netcat, &["proxy authentication failed"], Meaning::ProxyLogin),
    of(Known::Netcat, &["connection failed, socks"], Meaning::ProxyFails),
    of(Known::Netcat, &["proxy read"], Meaning::ProxyFails),
    of(Known::Netcat, &["write failed ("], Meaning::ProxyFails),
    of(Known::Netcat, &["read failed ("], Meaning::ProxyFails),
    // Nmap ncat_connect.c, http.c.
    of(Known::Ncat, &["proxy returned status code 407"], Meaning::ProxyLogin),
    of(Known::Ncat, &["proxy returned status code 403"], Meaning::Forbidden),
    of(Known::Ncat, &["proxy returned status code"], Meaning::ProxyFails),
    of(Known::Ncat, &["could not resolve proxy"], Meaning::NoSuchName),
    // socat xio-proxy.c _xioopen_proxy_connect.
    of(Known::Socat, &["connect ", "proxy authentication required"], Meaning::ProxyLogin),
    of(Known::Socat, &["connect ", ": forbidden"], Meaning::Forbidden),
    // corkscrew.c main; older ones spell it "connnection".
    of(Known::Corkscrew, &["proxy could not open", "authentication required"], Meaning::ProxyLogin),
    of(Known::Corkscrew, &["proxy could not open", "forbidden"], Meaning::Forbidden),
    of(Known::Corkscrew, &["proxy could not open"], Meaning::ProxyFails),
    // connect.c main.
    of(Known::Connect, &["failed to begin relaying via"], Meaning::ProxyFails),
    // proxytunnel http.c analyze_HTTP.
    of(Known::Proxytunnel, &["http return code: 407"], Meaning::ProxyLogin),
    of(Known::Proxytunnel, &["http return code: 403"], Meaning::Forbidden),
    of(Known::Proxytunnel, &["http return code:"], Meaning::ProxyFails),
    // awscli customizations/sessionmanager.py, botocore exceptions.py, StartSession's errors.
    of(Known::Ssm, &["sessionmanagerplugin is not found"], Meaning::PartMissing),
    of(Known::Ssm, &["targetnotconnected"], Meaning::Offline),
    of(Known::Ssm, &["expiredtoken"], Meaning::NotLoggedIn),
    of(Known::Ssm, &["token has expired"], Meaning::NotLoggedIn),
    of(Known::Ssm, &["session associated with this profile has expired"], Meaning::NotLoggedIn),
    of(Known::Ssm, &["error loading sso token"], Meaning::NotLoggedIn),
    of(Known::Ssm, &["unable to locate credentials"], Meaning::NotLoggedIn),
    of(Known::Ssm, &["accessdenied"], Meaning::NoRight),
    of(Known::Ssm, &["could not connect to the endpoint"], Meaning::Unreachable),
    // Google Cloud SDK iap_tunnel_websocket.py, core/credentials/exceptions.py.
    of(Known::Iap, &["4003", "failed to connect to backend"], Meaning::Backend),
    of(Known::Iap, &["4033", "not authorized"], Meaning::NoRight),
    of(Known::Iap, &["4047", "failed to lookup instance"], Meaning::Offline),
    of(Known::Iap, &["refreshing your current auth tokens"], Meaning::NotLoggedIn),
    of(Known::Iap, &["reauthentication"], Meaning::NotLoggedIn),
    of(Known::Iap, &["do not currently have an active account"], Meaning::NotLoggedIn),
    // cloudflared carrier/carrier.go, token/launch_unix.go.
    of(Known::Cloudflared, &["open the following url"], Meaning::NotLoggedIn),
    of(Known::Cloudflared, &["browser window should have opened"], Meaning::NotLoggedIn),
    of(Known::Cloudflared, &["websocket: bad handshake"], Meaning::TunnelRefuses),
    // Teleport tool/tsh.
    of(Known::Teleport, &["not logged in"], Meaning::NotLoggedIn),
    // getaddrinfo(3) and connect(2) in the words of glibc, musl, the BSDs and macOS.
    any(&["temporary failure in name resolution"], Meaning::ResolverFails),
    any(&["name or service not known"], Meaning::NoSuchName),
    any(&["nodename nor servname"], Meaning::NoSuchName),
    any(&["no address associated with hostname"], Meaning::NoSuchName),
    any(&["name does not resolve"], Meaning::NoSuchName),
    any(&["connection refused"], Meaning::Refused),
    any(&["no route to host"], Meaning::Unreachable),
    any(&["network is unreachable"], Meaning::Unreachable),
    any(&["host is unreachable"], Meaning::Unreachable),
    any(&["connection timed out"], Meaning::Unanswered),
    any(&["operation timed out"], Meaning::Unanswered),
    any(&["connection reset by peer"], Meaning::Dropped),
    any(&["broken pipe"], Meaning::Dropped),
    any(&["closed by remote host"], Meaning::Dropped),
];

/// How many of the last lines are looked at: what a host on the way says to everybody stands before.
const LINES: usize = 6;

/// The lines that a program wrote to standard error, but for empty ones.
pub fn lines(program: &Program) -> Vec<String> {
    let text = String::from_utf8_lossy(program.stderr.as_bytes()).into_owned();
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What the program's own words, or its shell's, mean, and the line that says it.
pub fn meaning(named: &Named, program: &Program) -> Option<(Meaning, String)> {
    let lines = lines(program);
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    let line_with = |words: &[&str]| {
        let holds = |line: &&String| {
            let line = line.to_ascii_lowercase();
            words.iter().any(|word| line.contains(word))
        };
        last.iter().rev().find(holds).cloned()
    };
    // What a shell says, POSIX 2.8.2; tcsh ends with 1.
    let not_found = ["not found", "no such file", "unknown command"];
    let found = match program.status {
        Some(127) => line_with(&not_found).map(|line| (Meaning::NotFound, line)),
        Some(126) => {
            let line = line_with(&["permission denied", "cannot execute", "exec format error", "is a directory"]);
            let line = line.map(|line| (Meaning::NotExecutable, line));
            line.or_else(|| line_with(&not_found).map(|line| (Meaning::NotFound, line)))
        }
        Some(1) if lines.len() == 1 => {
            let line = line_with(&[": command not found."]);
            line.map(|line| (Meaning::NotFound, line))
        }
        // The shell's own words begin with its name.
        Some(2) => {
            let shell = program.shell.to_string();
            let shell = shell.rsplit('/').next().unwrap_or_default();
            let says = |line: &&String| {
                let (name, words) = line.split_once(':').unwrap_or_default();
                let words = words.to_ascii_lowercase();
                !shell.is_empty()
                    && name.rsplit('/').next() == Some(shell)
                    && (words.contains("syntax error") || words.contains("unexpected eof while looking for"))
            };
            last.iter().find(says).map(|line| (Meaning::NotShell, line.clone()))
        }
        _ => None,
    };
    // An ssh hands on how a command ended at the host on the way, with the words of the shell there.
    let there = |line: &str| {
        let own = named.words.first().map(String::as_str).unwrap_or_default();
        named.known == Some(Known::Ssh) && !line.split([':', ' ']).any(|word| word == own)
    };
    if let Some((meaning, line)) = found {
        let meaning = if there(&line) { Meaning::HopLacks } else { meaning };
        return Some((meaning, line));
    }
    SAYINGS.iter().filter(|saying| saying.of.is_none() || saying.of == named.known).find_map(|saying| {
        let says = |line: &&String| {
            let line = line.to_ascii_lowercase();
            saying.holds.iter().all(|words| line.contains(words))
        };
        last.iter().rev().find(says).map(|line| (saying.means, line.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::programs::named;
    use super::*;

    fn said(command: &str, status: i32, stderr: &str) -> Option<Meaning> {
        let shell = "/bin/dash".into();
        let program = Program { status: Some(status), stderr: stderr.into(), shell, ..Program::default() };
        meaning(&named(command.as_bytes()), &program).map(|(meaning, _)| meaning)
    }

    #[test]
    fn each_shell_says_in_its_own_way_that_there_is_no_such_program() {
        for (status, text) in [
            (127, "/bin/sh: 1: exec: nc: not found\n"),
            (127, "bash: line 1: exec: nc: not found\n"),
            (127, "zsh:1: command not found: nc\n"),
            (127, "fish: Unknown command: nc\n"),
            (1, "nc: Command not found.\n"),
            (126, "/bin/bash: /opt/x: /no/such: bad interpreter: No such file or directory\n"),
        ] {
            assert_eq!(said("nc web1 22", status, text), Some(Meaning::NotFound), "{text}");
        }
        for text in ["/bin/sh: 1: exec: /opt/x: Permission denied\n", "bash: line 1: /opt: Is a directory\n"] {
            assert_eq!(said("/opt/x", 126, text), Some(Meaning::NotExecutable), "{text}");
        }
        assert_eq!(said("nc web1 22", 1, "config not found\n"), None);
        let syntax = "/bin/dash: 1: Syntax error: \")\" unexpected\n";
        assert_eq!(said("nc web1 22 )", 2, syntax), Some(Meaning::NotShell));
        assert_eq!(said("tunnel", 2, "tunnel: syntax error in its file\n"), None);
    }

    #[test]
    fn what_programs_say_is_known() {
        for (command, text, means) in [
            ("nc -X connect -x p:1 web1 22", "nc: Proxy error: \"HTTP/1.0 403 Forbidden\"", Meaning::Forbidden),
            ("nc -X connect -x p:1 web1 22", "nc: Proxy error: \"HTTP/1.1 407 Proxy Auth", Meaning::ProxyLogin),
            ("nc -X connect -x p:1 web1 22", "nc: Proxy error: \"HTTP/1.1 500 Unable", Meaning::ProxyFails),
            ("nc -x p:1 web1 22", "nc: connection failed, SOCKSv5 error: Host unreachable", Meaning::ProxyFails),
            ("nc -X connect -x p:1 web1 22", "nc: write failed (0/2): Broken pipe", Meaning::ProxyFails),
            ("nc -X connect -x p:1 web1 22", "nc: proxy read: Connection reset by peer", Meaning::ProxyFails),
            ("busybox nc web1 22", "nc: write error: Connection reset by peer", Meaning::Dropped),
            ("nc -v web1 22", "nc: connect to web1 port 22 (tcp) failed: Connection refused", Meaning::Refused),
            ("nc -v web1 22", "nc: getaddrinfo: Name or service not known", Meaning::NoSuchName),
            ("socat - TCP:web1:22", "2026/11/23 socat[1] E connect(5, AF=2): No route to host", Meaning::Unreachable),
            ("corkscrew p 1 web1 22", "Proxy could not open connnection to web1:  Forbidden", Meaning::Forbidden),
            ("ssh -W a:22 hop", "a@hop: Permission denied (publickey).\r", Meaning::HopLogin),
            ("ssh -W a:22 hop", "ssh: Could not resolve hostname hop: Name or service not known", Meaning::HopFails),
            (
                "ssh -W a:22 hop",
                "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n",
                Meaning::HopCannot,
            ),
            (
                "aws ssm start-session --target i-1",
                "An error occurred (TargetNotConnected) when calling the StartSession operation: i-1 is not connected.",
                Meaning::Offline,
            ),
            (
                "gcloud compute start-iap-tunnel vm 22",
                "ERROR: (gcloud.compute.start-iap-tunnel) Error while connecting [4033: 'not authorized'].",
                Meaning::NoRight,
            ),
            (
                "cloudflared access ssh --hostname web1",
                "ERR failed to connect to origin error=\"websocket: bad handshake\"\nwebsocket: bad handshake",
                Meaning::TunnelRefuses,
            ),
            ("tunnel", "read: Connection reset by peer", Meaning::Dropped),
        ] {
            assert_eq!(said(command, 1, text), Some(means), "{text}");
        }
        assert_eq!(said("tunnel", 1, "session expired\n"), None);
        assert_eq!(said("tunnel", 1, "a@hop: Permission denied (publickey)."), None);
    }

    #[test]
    fn what_was_said_long_before_the_end_decides_nothing() {
        let text = format!("Connection refused\n{}", "line\n".repeat(LINES));
        assert_eq!(said("tunnel", 1, &text), None);
    }
}
