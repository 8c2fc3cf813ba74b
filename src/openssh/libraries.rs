//! What programs that are no OpenSSH say when a login fails, and what their words mean: other implementations of ssh, and
//! programs that run ssh and say no more than that it failed. Each row is from the program's own source.

use crate::facts::log::Tool;

/// What the words of a program mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// ECONNREFUSED.
    Refused,
    /// No connection within a limit, of the system's or the program's own.
    TimedOut,
    /// EHOSTUNREACH, ENETUNREACH.
    NoRoute,
    /// No connection, and why is not said.
    Unconnected,
    /// There is no such name.
    NoName,
    /// The resolver itself failed.
    NoResolver,
    /// The connection ended, or was reset, before the key exchange was done.
    Dropped,
    /// The server said why it ended the connection, in another line.
    Disconnected,
    /// No identification string came, or none that is one.
    NoBanner,
    /// What came is no SSH.
    NotSsh,
    /// Both sides share no key exchange method.
    NoKex,
    /// Both sides share no type of host key.
    NoHostKeyAlgorithm,
    /// Both sides share no cipher.
    NoCipher,
    /// Both sides share no MAC.
    NoMac,
    /// Both sides share no algorithm of a kind that is not said.
    NoAlgorithm,
    /// The host key is another than the known one.
    HostKeyChanged,
    /// The host key is another than the known one, or of another type.
    HostKeyDiffers,
    /// No host key is known.
    HostKeyUnknown,
    /// The host key is not known, or another one is.
    HostKeyRefused,
    /// The host key is revoked.
    HostKeyRevoked,
    /// The server takes none of the methods that the program had something for.
    NoMethod,
    /// The program had nothing to offer.
    NothingToOffer,
    /// Public keys were tried, or would have been had there been any, and nothing let in.
    KeysRefused,
    /// The server said no to a key.
    KeyRefused,
    /// The server took a key, and refused what was signed with it.
    SignatureRefused,
    /// A password was tried, keys were not, and nothing let in.
    PasswordRefused,
    /// What was tried is not said; it did not let in.
    NotAuthenticated,
    /// The server ended it: too many attempts.
    TooMany,
    /// The private key is encrypted, and the program has no passphrase.
    Encrypted,
    /// The program cannot read the private key file.
    BadKey,
    /// A session or another channel was refused.
    NoChannel,
    /// ssh, which the program ran, failed; what it said stands before this line.
    SshFailed,
}

/// A row: the program, the parts that its words have, in this order, and what they mean.
type Row = (Tool, &'static [&'static str], Meaning);

/// The words that are known; of several that fit, the first.
const ROWS: &[Row] = &[
    // Go: golang.org/x/crypto/ssh client_auth.go, handshake.go, common.go, keys.go; knownhosts/knownhosts.go; net/dial.go.
    (Tool::Go, &["knownhosts: key mismatch"], Meaning::HostKeyDiffers),
    (Tool::Go, &["ssh: host key mismatch"], Meaning::HostKeyDiffers),
    (Tool::Go, &["knownhosts: key is unknown"], Meaning::HostKeyUnknown),
    (Tool::Go, &["knownhosts: key is revoked"], Meaning::HostKeyRevoked),
    (Tool::Go, &["ssh: unable to authenticate, attempted methods [", "publickey", "]"], Meaning::KeysRefused),
    (Tool::Go, &["ssh: unable to authenticate, attempted methods [none password"], Meaning::PasswordRefused),
    (
        Tool::Go,
        &["ssh: unable to authenticate, attempted methods [none keyboard-interactive"],
        Meaning::PasswordRefused,
    ),
    (Tool::Go, &["ssh: unable to authenticate, attempted methods [none]"], Meaning::NoMethod),
    (Tool::Go, &["ssh: no common algorithm for key exchange;"], Meaning::NoKex),
    (Tool::Go, &["ssh: no common algorithm for host key;"], Meaning::NoHostKeyAlgorithm),
    (Tool::Go, &["ssh: no common algorithm for ", "cipher;"], Meaning::NoCipher),
    (Tool::Go, &["ssh: no common algorithm for ", "MAC;"], Meaning::NoMac),
    (Tool::Go, &["ssh: this private key is passphrase protected"], Meaning::Encrypted),
    (Tool::Go, &["ssh: cannot decode encrypted private keys"], Meaning::Encrypted),
    (Tool::Go, &["ssh: no key found"], Meaning::BadKey),
    (Tool::Go, &["ssh: unsupported key type"], Meaning::BadKey),
    (Tool::Go, &["ssh: overflow reading version string"], Meaning::NotSsh),
    (Tool::Go, &["ssh: disconnect, reason 2: Too many authentication failures"], Meaning::TooMany),
    (Tool::Go, &["ssh: rejected:"], Meaning::NoChannel),
    (Tool::Go, &["ssh: handshake failed: ", "Too many authentication failures"], Meaning::TooMany),
    (Tool::Go, &["ssh: handshake failed: ", "i/o timeout"], Meaning::NoBanner),
    (Tool::Go, &["ssh: handshake failed: ", "connection reset by peer"], Meaning::Dropped),
    (Tool::Go, &["ssh: handshake failed: EOF"], Meaning::Dropped),
    (Tool::Go, &["dial tcp ", ":22: ", "connection refused"], Meaning::Refused),
    (Tool::Go, &["dial tcp ", ":22: ", "i/o timeout"], Meaning::TimedOut),
    (Tool::Go, &["dial tcp ", ":22: ", "no route to host"], Meaning::NoRoute),
    (Tool::Go, &["dial tcp ", ":22: ", "network is unreachable"], Meaning::NoRoute),
    (Tool::Go, &["dial tcp: lookup ", "no such host"], Meaning::NoName),
    (Tool::Go, &["dial tcp: lookup ", "server misbehaving"], Meaning::NoResolver),
    // paramiko: auth_handler.py, client.py, transport.py, pkey.py, ssh_exception.py.
    (Tool::Paramiko, &["BadHostKeyException"], Meaning::HostKeyDiffers),
    (Tool::Paramiko, &["Host key for server ", " does not match: got "], Meaning::HostKeyDiffers),
    (Tool::Paramiko, &["Server ", " not found in known_hosts"], Meaning::HostKeyUnknown),
    (Tool::Paramiko, &["PasswordRequiredException"], Meaning::Encrypted),
    (Tool::Paramiko, &["Private key file is encrypted"], Meaning::Encrypted),
    (Tool::Paramiko, &["private key file checkints do not match"], Meaning::Encrypted),
    (Tool::Paramiko, &["not a valid ", " private key file"], Meaning::BadKey),
    (Tool::Paramiko, &["encountered ", " key, expected ", " key"], Meaning::BadKey),
    (Tool::Paramiko, &["Bad authentication type; allowed types:"], Meaning::NoMethod),
    (Tool::Paramiko, &["SSHException: No authentication methods available"], Meaning::NothingToOffer),
    (Tool::Paramiko, &["Incompatible ssh peer (no acceptable kex algorithm)"], Meaning::NoKex),
    (Tool::Paramiko, &["Incompatible ssh peer (no acceptable host key)"], Meaning::NoHostKeyAlgorithm),
    (Tool::Paramiko, &["Incompatible ssh server (no acceptable ciphers)"], Meaning::NoCipher),
    (Tool::Paramiko, &["Incompatible ssh server (no acceptable macs)"], Meaning::NoMac),
    (Tool::Paramiko, &["Error reading SSH protocol banner"], Meaning::NoBanner),
    (Tool::Paramiko, &["Unable to connect to port ", " on "], Meaning::Unconnected),
    (Tool::Paramiko, &["SSHException: No existing session"], Meaning::Dropped),
    (Tool::Paramiko, &["AuthenticationException"], Meaning::NotAuthenticated),
    (Tool::Paramiko, &["ChannelException"], Meaning::NoChannel),
    // JSch: Session.java, KeyPair.java, UserAuthPublicKey.java, Util.java.
    (Tool::Jsch, &["JSchException: Auth fail for methods 'publickey'"], Meaning::KeysRefused),
    (Tool::Jsch, &["JSchException: Auth fail"], Meaning::NotAuthenticated),
    (Tool::Jsch, &["JSchException: Auth cancel"], Meaning::NotAuthenticated),
    (Tool::Jsch, &["JSchException: USERAUTH fail"], Meaning::Encrypted),
    (Tool::Jsch, &["Algorithm negotiation fail: algorithmName=\"kex\""], Meaning::NoKex),
    (Tool::Jsch, &["Algorithm negotiation fail: algorithmName=\"server_host_key\""], Meaning::NoHostKeyAlgorithm),
    (Tool::Jsch, &["Algorithm negotiation fail: algorithmName=\"cipher"], Meaning::NoCipher),
    (Tool::Jsch, &["Algorithm negotiation fail: algorithmName=\"mac"], Meaning::NoMac),
    (Tool::Jsch, &["Algorithm negotiation fail"], Meaning::NoAlgorithm),
    (Tool::Jsch, &["HostKey has been changed:"], Meaning::HostKeyChanged),
    (Tool::Jsch, &["UnknownHostKey:"], Meaning::HostKeyUnknown),
    (Tool::Jsch, &["reject HostKey:"], Meaning::HostKeyRefused),
    (Tool::Jsch, &["JSchException: invalid privatekey"], Meaning::BadKey),
    (Tool::Jsch, &["JSchException: timeout: socket is not established"], Meaning::TimedOut),
    (Tool::Jsch, &["JSchException: java.net.ConnectException: Connection refused"], Meaning::Refused),
    (Tool::Jsch, &["JSchException: java.net.ConnectException: Connection timed out"], Meaning::TimedOut),
    (Tool::Jsch, &["JSchException: java.net.NoRouteToHostException"], Meaning::NoRoute),
    (Tool::Jsch, &["JSchException: java.net.UnknownHostException"], Meaning::NoName),
    (Tool::Jsch, &["JSchException: connection is closed by foreign host"], Meaning::Dropped),
    (Tool::Jsch, &["JSchException: Session.connect: java.io.IOException: End of IO Stream Read"], Meaning::Dropped),
    (Tool::Jsch, &["JSchException: invalid server's version string"], Meaning::NotSsh),
    (Tool::Jsch, &["JSchException: SSH_MSG_DISCONNECT: 2 Too many authentication failures"], Meaning::TooMany),
    (Tool::Jsch, &["JSchException: channel is not opened"], Meaning::NoChannel),
    // PuTTY: ssh/userauth2-client.c, ssh/kex2-client.c, ssh/transport2.c, network.c; WinSCP carries the same code.
    (Tool::Putty, &["Server refused our key"], Meaning::KeyRefused),
    (Tool::Putty, &["Server refused public-key signature despite accepting key"], Meaning::SignatureRefused),
    (Tool::Putty, &["No supported authentication methods available"], Meaning::NoMethod),
    (Tool::Putty, &["Password authentication failed"], Meaning::PasswordRefused),
    (Tool::Putty, &["Remote side sent disconnect message"], Meaning::Disconnected),
    (Tool::Putty, &["Cannot confirm a host key in batch mode"], Meaning::HostKeyRefused),
    (Tool::Putty, &["FATAL ERROR: Connection refused"], Meaning::Refused),
    (Tool::Putty, &["FATAL ERROR: Connection timed out"], Meaning::TimedOut),
    (Tool::Putty, &["FATAL ERROR: No route to host"], Meaning::NoRoute),
    (Tool::Putty, &["FATAL ERROR: Network is unreachable"], Meaning::NoRoute),
    (Tool::Putty, &["Failed to connect to ", ": ", "Connection refused"], Meaning::Refused),
    (Tool::Putty, &["Failed to connect to ", ": ", "Connection timed out"], Meaning::TimedOut),
    (Tool::Putty, &["Failed to connect to ", ": ", "No route to host"], Meaning::NoRoute),
    (Tool::Putty, &["Couldn't agree a key exchange algorithm"], Meaning::NoKex),
    (Tool::Putty, &["Couldn't agree a host key algorithm"], Meaning::NoHostKeyAlgorithm),
    (Tool::Putty, &["Couldn't agree a ", " cipher"], Meaning::NoCipher),
    (Tool::Putty, &["Couldn't agree a ", " MAC"], Meaning::NoMac),
    (Tool::Putty, &["The host key does not match the one PuTTY has cached"], Meaning::HostKeyDiffers),
    (Tool::Putty, &["WARNING - POTENTIAL SECURITY BREACH"], Meaning::HostKeyDiffers),
    (Tool::Putty, &["The host key is not cached for this server"], Meaning::HostKeyUnknown),
    (Tool::Putty, &["The server's host key is not cached"], Meaning::HostKeyUnknown),
    (Tool::Putty, &["Host key wasn't verified!"], Meaning::HostKeyRefused),
    (Tool::Putty, &["Unable to use key file "], Meaning::BadKey),
    (Tool::Putty, &["Unable to load private key"], Meaning::BadKey),
    (Tool::Putty, &["Network error: Connection refused"], Meaning::Refused),
    (Tool::Putty, &["Network error: Connection to ", " refused"], Meaning::Refused),
    (Tool::Putty, &["Network error: Connection timed out"], Meaning::TimedOut),
    (Tool::Putty, &["Network error: Connection to ", " timed out"], Meaning::TimedOut),
    (Tool::Putty, &["Network error: No route to host"], Meaning::NoRoute),
    (Tool::Putty, &["Network error: No route to "], Meaning::NoRoute),
    (Tool::Putty, &["Network error: Software caused connection abort"], Meaning::Dropped),
    (Tool::Putty, &["Network error: Connection reset by peer"], Meaning::Dropped),
    (Tool::Putty, &["Unable to open connection to ", "Host does not exist"], Meaning::NoName),
    (Tool::Putty, &["Unable to open connection:"], Meaning::NoName),
    (Tool::Putty, &["Server closed network connection"], Meaning::Dropped),
    (Tool::Putty, &["Remote side unexpectedly closed network connection"], Meaning::Dropped),
    (Tool::Putty, &["Server unexpectedly closed network connection"], Meaning::Dropped),
    (Tool::Putty, &["FATAL ERROR: ", "Too many authentication failures"], Meaning::TooMany),
    // Dropbear's client: cli-main.c, cli-session.c, cli-auth.c, cli-kex.c, netio.c, common-algo.c.
    (Tool::Dropbear, &["Connection to ", " exited: ", "No auth methods could be used."], Meaning::NoMethod),
    (Tool::Dropbear, &["Connection to ", " exited: ", "Didn't validate host key"], Meaning::HostKeyRefused),
    (Tool::Dropbear, &["Connection to ", " exited: Connect failed: Error resolving"], Meaning::NoName),
    (Tool::Dropbear, &["Connection to ", " exited: Connect failed: Connection refused"], Meaning::Refused),
    (Tool::Dropbear, &["Connection to ", " exited: Connect failed: Connection timed out"], Meaning::TimedOut),
    (Tool::Dropbear, &["Connection to ", " exited: Connect failed: No route to host"], Meaning::NoRoute),
    (Tool::Dropbear, &["Connection to ", " exited: Connect failed: Network is unreachable"], Meaning::NoRoute),
    (Tool::Dropbear, &["Connection to ", " exited: No matching algo kex"], Meaning::NoKex),
    (Tool::Dropbear, &["Connection to ", " exited: No matching algo hostkey"], Meaning::NoHostKeyAlgorithm),
    (Tool::Dropbear, &["Connection to ", " exited: No matching algo enc"], Meaning::NoCipher),
    (Tool::Dropbear, &["Connection to ", " exited: No matching algo mac"], Meaning::NoMac),
    (Tool::Dropbear, &["Connection to ", " exited: Remote closed the connection"], Meaning::Dropped),
    (Tool::Dropbear, &[" host key mismatch for ", " !"], Meaning::HostKeyChanged),
    (Tool::Dropbear, &["Failed loading keyfile '"], Meaning::BadKey),
    // libssh2: session.c, userauth.c.
    (Tool::Libssh2, &["Unable to exchange encryption keys"], Meaning::NoAlgorithm),
    (Tool::Libssh2, &["Username/PublicKey combination invalid"], Meaning::KeyRefused),
    (Tool::Libssh2, &["Authentication failed (username/password)"], Meaning::PasswordRefused),
    (Tool::Libssh2, &["Unable to extract public key from private key file"], Meaning::BadKey),
    (Tool::Libssh2, &["Wrong passphrase or invalid/unrecognized private key file format"], Meaning::BadKey),
    (Tool::Libssh2, &["Failed getting banner"], Meaning::NoBanner),
    // asyncssh: misc.py, connection.py, public_key.py.
    (Tool::Asyncssh, &["asyncssh", "PermissionDenied"], Meaning::NotAuthenticated),
    (Tool::Asyncssh, &["HostKeyNotVerifiable"], Meaning::HostKeyRefused),
    (Tool::Asyncssh, &["Passphrase must be specified to import encrypted private keys"], Meaning::Encrypted),
    (Tool::Asyncssh, &["asyncssh", "KeyImportError"], Meaning::BadKey),
    // ssh2 of Node: lib/client.js, lib/protocol/keyParser.js.
    (Tool::Node, &["All configured authentication methods failed"], Meaning::NotAuthenticated),
    (Tool::Node, &["Timed out while waiting for handshake"], Meaning::NoBanner),
    (Tool::Node, &["Cannot parse privateKey: Encrypted private"], Meaning::Encrypted),
    (Tool::Node, &["Cannot parse privateKey:"], Meaning::BadKey),
    // SSH.NET: Session.cs, ConnectionInfo.cs, PrivateKeyFile.cs.
    (Tool::SshNet, &["SshAuthenticationException: Permission denied"], Meaning::NotAuthenticated),
    (Tool::SshNet, &["No suitable authentication method found to complete authentication"], Meaning::NoMethod),
    (Tool::SshNet, &["SshPassPhraseNullOrEmptyException"], Meaning::Encrypted),
    (Tool::SshNet, &["SshException: Invalid private key file"], Meaning::BadKey),
    // Programs that run ssh: git connect.c; rsync io.c; scp.c and sftp.c of OpenSSH; VS Code's extension.
    (Tool::Git, &["fatal: Could not read from remote repository."], Meaning::SshFailed),
    (Tool::Git, &["fatal: the remote end hung up unexpectedly"], Meaning::SshFailed),
    (Tool::Rsync, &["rsync: connection unexpectedly closed (0 bytes received so far)"], Meaning::SshFailed),
    (Tool::Rsync, &["rsync error: unexplained error (code 255)"], Meaning::SshFailed),
    (Tool::Scp, &["lost connection"], Meaning::SshFailed),
    (Tool::VsCode, &["Could not establish connection to "], Meaning::SshFailed),
    (Tool::VsCode, &["The process tried to write to a nonexistent pipe"], Meaning::SshFailed),
];

/// What a line says where it is one of theirs.
pub fn said(line: &str) -> Option<(Tool, Meaning)> {
    let has = |parts: &[&str]| {
        let mut rest = line;
        parts.iter().all(|part| {
            let found = rest.find(part);
            rest = found.map_or("", |at| &rest[at + part.len()..]);
            found.is_some()
        })
    };
    // The whole line, where the words are everyday ones.
    let is_whole = |tool: Tool| tool != Tool::Scp || matches!(line, "lost connection" | "scp: lost connection");
    let (tool, _, meaning) = ROWS.iter().find(|(tool, parts, _)| has(parts) && is_whole(*tool))?;
    Some((*tool, *meaning))
}

/// The account that the words name, as Terraform does: `(deploy@192.0.2.7:22)`.
pub fn account(words: &str) -> Option<&str> {
    let (before, _) = login(words)?;
    Some(before)
}

/// The account and the place of `(deploy@192.0.2.7:22)`, and of `Connection to deploy@192.0.2.7:22 exited: …`.
fn login(words: &str) -> Option<(&str, &str)> {
    if let Some((_, rest)) = words.split_once("Connection to ")
        && let Some((login, _)) = rest.split_once(" exited: ")
    {
        let (user, place) = login.rsplit_once('@')?;
        return named(user).map(|user| (user, place));
    }
    let inner = words.split('(').skip(1).find_map(|part| part.split_once(')')?.0.split_once('@'))?;
    named(inner.0).map(|user| (user, inner.1))
}

/// The host that the words name, and its port; `None` where they name none.
pub fn place(words: &str) -> Option<(&str, Option<u16>)> {
    if let Some((host, port)) = login(words).and_then(|(_, place)| place.rsplit_once(':')) {
        return named(host.trim_matches(['[', ']'])).zip(Some(port.parse().ok()));
    }
    let dialled = words.split_once("dial tcp ").map(|(_, rest)| rest.split([' ', ',']).next().unwrap_or_default());
    if let Some(place) = dialled.map(|place| place.trim_end_matches(':')) {
        let (host, port) = place.rsplit_once(':')?;
        return named(host.trim_matches(['[', ']'])).zip(Some(port.parse().ok()));
    }
    let behind = |mark: &str| words.split_once(mark).map(|(_, rest)| rest);
    if let Some(rest) = behind("dial tcp: lookup ").or_else(|| behind("Unable to open connection to ")) {
        return Some((named(rest.split([' ', ':', '\'']).find(|word| !word.is_empty())?)?, None));
    }
    if let Some(rest) = behind("Unable to connect to port ") {
        let (port, rest) = rest.split_once(" on ")?;
        return Some((named(rest.split([' ', ',']).next()?)?, port.parse().ok()));
    }
    if let Some(rest) = behind("Connection to \"").or_else(|| behind("No route to \"")) {
        return Some((named(rest.split('"').next()?)?, None));
    }
    if let Some(rest) = behind("Server '").or_else(|| behind("Host key for server '")) {
        let name = rest.split('\'').next()?;
        let (host, port) = name.strip_prefix('[').and_then(|name| name.split_once("]:")).unwrap_or((name, ""));
        return Some((named(host)?, port.parse().ok()));
    }
    let marks = ["UnknownHostKey: ", "reject HostKey: ", "HostKey has been changed: ", "UnknownHostException: "];
    let rest = marks.iter().find_map(|mark| behind(mark))?;
    Some((named(rest.split([' ', ',']).next()?)?, None))
}

/// The name where it may be one of a host.
fn named(name: &str) -> Option<&str> {
    let name = name.trim_end_matches('.');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'%');
    (!name.is_empty() && name.len() <= 253 && name.bytes().all(fits) && !name.starts_with('-')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_other_programs_are_known() {
        let rows = [
            (
                "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
                Tool::Go,
                Meaning::KeysRefused,
            ),
            (
                "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none], no supported methods remain",
                Tool::Go,
                Meaning::NoMethod,
            ),
            ("ssh: handshake failed: knownhosts: key mismatch", Tool::Go, Meaning::HostKeyDiffers),
            ("dial tcp 192.0.2.7:22: connect: connection refused", Tool::Go, Meaning::Refused),
            (
                "ssh: handshake failed: ssh: no common algorithm for client to server cipher; client offered: [a], server offered: [b]",
                Tool::Go,
                Meaning::NoCipher,
            ),
            ("ssh: no key found", Tool::Go, Meaning::BadKey),
            (
                "paramiko.ssh_exception.AuthenticationException: Authentication failed.",
                Tool::Paramiko,
                Meaning::NotAuthenticated,
            ),
            (
                "paramiko.ssh_exception.BadAuthenticationType: Bad authentication type; allowed types: ['publickey']",
                Tool::Paramiko,
                Meaning::NoMethod,
            ),
            (
                "paramiko.ssh_exception.PasswordRequiredException: Private key file is encrypted",
                Tool::Paramiko,
                Meaning::Encrypted,
            ),
            ("paramiko.ssh_exception.SSHException: not a valid RSA private key file", Tool::Paramiko, Meaning::BadKey),
            ("com.jcraft.jsch.JSchException: Auth fail", Tool::Jsch, Meaning::NotAuthenticated),
            (
                "com.jcraft.jsch.JSchException: UnknownHostKey: web1. RSA key fingerprint is 12:34",
                Tool::Jsch,
                Meaning::HostKeyUnknown,
            ),
            ("FATAL ERROR: Network error: Connection refused", Tool::Putty, Meaning::Refused),
            ("2026-11-30 12:00:00 Server refused our key", Tool::Putty, Meaning::KeyRefused),
            ("fatal: Could not read from remote repository.", Tool::Git, Meaning::SshFailed),
            ("lost connection", Tool::Scp, Meaning::SshFailed),
            ("Connection to deploy@web1:22 exited: No auth methods could be used.", Tool::Dropbear, Meaning::NoMethod),
            ("Server refused public-key signature despite accepting key!", Tool::Putty, Meaning::SignatureRefused),
        ];
        for (line, tool, meaning) in rows {
            assert_eq!(said(line), Some((tool, meaning)), "{line}");
        }
        for line in
            ["I have lost connection", "Authentication failed.", "connection refused", "", "debug1: Connection refused"]
        {
            assert_eq!(said(line), None, "{line}");
        }
    }

    #[test]
    fn the_host_is_taken_from_where_it_stands() {
        let rows = [
            ("dial tcp 192.0.2.7:22: connect: connection refused", Some(("192.0.2.7", Some(22)))),
            ("SSH authentication failed (deploy@192.0.2.7:2222): ssh: x", Some(("192.0.2.7", Some(2222)))),
            ("dial tcp [2001:db8::7]:22: i/o timeout", Some(("2001:db8::7", Some(22)))),
            ("dial tcp: lookup web1.example.org on 192.0.2.53:53: no such host", Some(("web1.example.org", None))),
            ("[Errno None] Unable to connect to port 2222 on 192.0.2.7", Some(("192.0.2.7", Some(2222)))),
            ("Server '[web1]:2222' not found in known_hosts", Some(("web1", Some(2222)))),
            ("Network error: Connection to \"web1\" refused.", Some(("web1", None))),
            ("Unable to open connection to web1: Host does not exist", Some(("web1", None))),
            ("JSchException: java.net.UnknownHostException: web1", Some(("web1", None))),
            (
                "JSchException: UnknownHostKey: web1.example.org. RSA key fingerprint is 12:34",
                Some(("web1.example.org", None)),
            ),
            ("ssh: handshake failed: EOF", None),
            ("dial tcp -x:22: y", None),
            ("dial tcp", None),
        ];
        for (words, wanted) in rows {
            assert_eq!(place(words), wanted, "{words}");
        }
        assert_eq!(account("failed (no keys) (deploy@192.0.2.7:2222): x"), Some("deploy"));
        assert_eq!(account("failed (no keys)"), None);
        let dropbear = "dbclient: Connection to deploy@web1:2222 exited: Connect failed: Connection refused";
        assert_eq!((account(dropbear), place(dropbear)), (Some("deploy"), Some(("web1", Some(2222)))));
    }
}
