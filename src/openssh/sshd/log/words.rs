//! sshd's messages, whole: what each states, of which account, and from where.
//!
//! An account's name stands in the middle of a message, and whoever reaches the port chooses it, blanks and sshd's own
//! words included (log.c escapes control bytes only). So no part of a message states anything by itself: it is held
//! against the whole form that sshd prints, from its first byte to its last.

use std::net::IpAddr;
use std::sync::LazyLock;

use super::Event;

/// What a message states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said<'a> {
    /// What it means; `None` where it only names an account or an address.
    pub event: Option<Event>,
    /// The account that it names; `None` where it names none.
    pub user: Option<&'a str>,
    /// The client's address; `None` where it names none.
    pub from: Option<&'a str>,
    /// The client's port; `None` where it names none.
    pub port: Option<u16>,
    /// The method of a login; empty where there is none.
    pub method: &'a str,
    /// What follows the words; empty where nothing does.
    pub rest: &'a str,
    /// Whether a connection begins with it.
    pub begins: bool,
    /// Whether it calls the account invalid: it is not there, or may not log in, which another message says.
    pub invalid: bool,
}

/// What a form states.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// It names an account or an address, no more.
    Names,
    /// An event.
    Is(Event),
    /// A refusal under this id of the catalogue.
    No(&'static str),
}

use Form::{Is, Names, No};

const ACCEPTED: Form = Is(Event::Accepted);
const FAILED: Form = Is(Event::Failed);

/// The forms, what they state, and where they stand in OpenSSH's source. `%u` is an account that exists, `%n` any name
/// that a client sent, `%a` an address, `%h` a host, `%w` a word, `%d` a number, `%l` a file and its line, `%p` an address with its port,
/// `%f` a file by its whole path, `%t` any text.
/// A name that was sent is taken as long as it can be, for sshd's own words follow it to the end; an account that exists
/// is taken as short as it can be, for what a client sent (the id of a certificate) may follow.
const FORMS: &[(&str, Form, &str)] = &[
    ("Accepted %w for %u from %a port %d ssh2", ACCEPTED, "auth.c auth_log"),
    ("Accepted %w for %u from %a port %d ssh2: %t", ACCEPTED, "auth.c auth_log"),
    ("Failed %w for invalid user %n from %a port %d ssh2", FAILED, "auth.c auth_log"),
    ("Failed %w for invalid user %n from %a port %d ssh2: %t", FAILED, "auth.c auth_log"),
    ("Failed %w for %u from %a port %d ssh2", FAILED, "auth.c auth_log"),
    ("Failed %w for %u from %a port %d ssh2: %t", FAILED, "auth.c auth_log"),
    ("Postponed %w for invalid user %n from %a port %d ssh2", Names, "auth.c auth_log"),
    ("Postponed %w for %u from %a port %d ssh2", Names, "auth.c auth_log"),
    ("Partial %w for %u from %a port %d ssh2", Names, "auth.c auth_log"),
    ("Partial %w for %u from %a port %d ssh2: %t", Names, "auth.c auth_log"),
    (
        "maximum authentication attempts exceeded for invalid user %n from %a port %d ssh2",
        FAILED,
        "auth.c auth_maxtries_exceeded",
    ),
    ("maximum authentication attempts exceeded for %u from %a port %d ssh2", FAILED, "auth.c auth_maxtries_exceeded"),
    ("Connection closed by authenticating user %u %a port %d", FAILED, "packet.c sshpkt_vfatal"),
    ("Connection closed by invalid user %n %a port %d", FAILED, "packet.c sshpkt_vfatal"),
    ("Connection reset by authenticating user %u %a port %d", FAILED, "packet.c sshpkt_vfatal"),
    ("Connection reset by invalid user %n %a port %d", FAILED, "packet.c sshpkt_vfatal"),
    ("Disconnected from authenticating user %u %a port %d", FAILED, "packet.c sshpkt_vfatal"),
    ("Disconnected from invalid user %n %a port %d", FAILED, "packet.c sshpkt_vfatal"),
    ("Disconnected from user %u %a port %d", Names, "packet.c sshpkt_vfatal"),
    ("Disconnecting authenticating user %u %a port %d: %t", Names, "packet.c ssh_packet_disconnect"),
    ("Disconnecting invalid user %n %a port %d: %t", Names, "packet.c ssh_packet_disconnect"),
    ("Connection from %a port %d on %t", Names, "sshd-session.c main"),
    ("Connection closed by %a port %d", Names, "packet.c sshpkt_vfatal"),
    ("Connection reset by %a port %d", Names, "packet.c sshpkt_vfatal"),
    ("Disconnected from %a port %d", Names, "packet.c sshpkt_vfatal"),
    ("Received disconnect from %a port %d:%t", Names, "packet.c ssh_packet_read_poll_seqnr"),
    ("Connection from %a port %d timed out", FAILED, "packet.c sshpkt_vfatal"),
    ("Connection from authenticating user %u %a port %d timed out", FAILED, "packet.c sshpkt_vfatal"),
    ("Connection from invalid user %n %a port %d timed out", FAILED, "packet.c sshpkt_vfatal"),
    ("Starting session: %t for %u from %a port %d id %h", Names, "session.c do_exec"),
    ("Close session: user %u from %a port %d id %h", Names, "session.c session_close"),
    ("Closing connection to %a port %d", Names, "serverloop.c server_loop2, sshd-session.c main"),
    ("Timeout before authentication for %a port %d", FAILED, "sshd.c grace_alarm_handler (before 9.8)"),
    ("Timeout before authentication for connection from %a to %a, pid = %h", FAILED, "sshd.c child_reap"),
    ("Timeout before authentication for connection from %a to %a, pid = %h %t", FAILED, "sshd.c child_reap"),
    (
        "Unable to negotiate with %a port %d: no matching key exchange method found. Their offer: %t",
        No("no-common-kex"),
        "packet.c sshpkt_vfatal",
    ),
    (
        "Unable to negotiate with %a port %d: no matching host key type found. Their offer: %t",
        No("no-common-host-key-algorithm"),
        "packet.c sshpkt_vfatal",
    ),
    (
        "Unable to negotiate with %a port %d: no matching cipher found. Their offer: %t",
        No("no-common-cipher"),
        "packet.c sshpkt_vfatal",
    ),
    (
        "Unable to negotiate with %a port %d: no matching MAC found. Their offer: %t",
        No("no-common-mac"),
        "packet.c sshpkt_vfatal",
    ),
    ("Did not receive identification string from %a port %d", Names, "sshd.c (before 8.0)"),
    ("Did not receive identification string from %a", Names, "sshd.c (before 7.5)"),
    ("Bad protocol version identification '%t' from %a port %d", Names, "sshd.c (before 8.0)"),
    ("banner exchange: Connection from %a port %d: %t", Names, "packet.c sshpkt_vfatal"),
    ("ssh_dispatch_run_fatal: Connection from %a port %d: %t", Names, "dispatch.c ssh_dispatch_run_fatal"),
    (
        "ssh_dispatch_run_fatal: Connection from authenticating user %u %a port %d: %t",
        Names,
        "dispatch.c ssh_dispatch_run_fatal",
    ),
    (
        "ssh_dispatch_run_fatal: Connection from invalid user %n %a port %d: %t",
        Names,
        "dispatch.c ssh_dispatch_run_fatal",
    ),
    ("Server listening on %t", Is(Event::Listening), "sshd.c listen_on_addrs"),
    ("Received SIGHUP%t", Is(Event::Reload), "sshd.c sighup_restart"),
    ("Invalid user %n from %a port %d", No("server-no-such-user"), "auth.c getpwnamallow"),
    ("Invalid user %n from %a", No("server-no-such-user"), "auth.c getpwnamallow (before 7.4)"),
    ("input_userauth_request: invalid user %n", No("server-no-such-user"), "auth2.c (before 7.5)"),
    (
        "User %u from %h not allowed because not listed in AllowUsers",
        No("server-user-not-allowed"),
        "auth.c allowed_user",
    ),
    ("User %u from %h not allowed because listed in DenyUsers", No("server-user-not-allowed"), "auth.c allowed_user"),
    (
        "User %u from %h not allowed because a group is listed in DenyGroups",
        No("server-user-not-allowed"),
        "auth.c allowed_user",
    ),
    (
        "User %u from %h not allowed because none of user's groups are listed in AllowGroups",
        No("server-user-not-allowed"),
        "auth.c allowed_user",
    ),
    ("User %u from %h not allowed because not in any group", No("server-user-not-allowed"), "auth.c allowed_user"),
    ("User %u not allowed because account is locked", No("server-account-locked"), "auth.c allowed_user"),
    ("User %u not allowed because shell %t does not exist", No("server-shell-invalid"), "auth.c allowed_user"),
    ("User %u not allowed because shell %t is not executable", No("server-shell-invalid"), "auth.c allowed_user"),
    ("Account %u has expired", No("server-account-expired"), "auth-shadow.c auth_shadow_acctexpired"),
    (
        "pam_unix(sshd:account): account %u has expired (%t)",
        No("server-account-expired"),
        "pam_unix_acct.c of Linux-PAM",
    ),
    (
        "pam_access(sshd:account): access denied for user `%u' from `%t'",
        No("server-pam-denied"),
        "pam_access.c pam_sm_authenticate of Linux-PAM",
    ),
    (
        "pam_sss(sshd:account): Access denied for user %u: %t",
        No("server-pam-denied"),
        "pam_sss.c print_pam_items of SSSD",
    ),
    (
        "pam_listfile(sshd:account): Refused user %u for service sshd",
        No("server-pam-denied"),
        "pam_listfile.c pam_sm_authenticate of Linux-PAM",
    ),
    ("User %u not allowed because %w exists", No("server-nologin-file"), "session.c do_nologin"),
    ("ROOT LOGIN REFUSED FROM %a port %d", No("server-root-login-disabled"), "auth.c auth_root_allowed"),
    ("ROOT LOGIN REFUSED FROM %a", No("server-root-login-disabled"), "auth.c auth_root_allowed (before 7.3)"),
    ("Authentication refused: bad ownership or modes for %t", No("server-strict-modes"), "misc.c safe_path"),
    ("Authentication refused: realpath %t", No("server-home-missing"), "misc.c safe_path"),
    (
        "Could not open user '%u' authorized %t",
        No("server-authorized-keys-unreadable"),
        "auth2-pubkeyfile.c auth_openfile",
    ),
    ("Could not open authorized keys %t", No("server-authorized-keys-unreadable"), "auth.c auth_openfile (before 9.1)"),
    (
        "User '%u' authorized keys '%t' is not a regular file",
        No("server-authorized-keys-unreadable"),
        "auth2-pubkeyfile.c auth_openfile",
    ),
    (
        "User %u authorized keys %t is not a regular file",
        No("server-authorized-keys-unreadable"),
        "auth.c auth_openfile (before 9.1)",
    ),
    (
        "%l: Authentication tried for %u with correct key but not from a permitted host (host=%h, ip=%a, %t",
        No("server-key-options-refuse"),
        "auth2-pubkeyfile.c auth_authorise_keyopts",
    ),
    (
        "Authentication tried for %u with correct key but not from a permitted host (host=%h, ip=%a).",
        No("server-key-options-refuse"),
        "auth-options.c auth_parse_options (before 7.7)",
    ),
    (
        "Refused by key options",
        No("server-key-options-refuse"),
        "auth2-pubkeyfile.c auth_check_authkey_line (before 10.1)",
    ),
    ("Refused by key options at %t", No("server-key-options-refuse"), "auth2-pubkeyfile.c auth_check_authkey_line"),
    (
        "invalid key option string",
        No("server-key-entry-malformed"),
        "auth2-pubkeyfile.c auth_check_authkey_line (before 10.1)",
    ),
    ("invalid key option string at %t", No("server-key-entry-malformed"), "auth2-pubkeyfile.c auth_check_authkey_line"),
    (
        "public key %w %w signature for %u from %a port %d rejected: user presence (authenticator touch) requirement not met",
        No("server-key-options-refuse"),
        "auth2-pubkey.c userauth_pubkey",
    ),
    (
        "public key %w %w signature for %u from %a port %d rejected: user verification requirement not met",
        No("server-key-options-refuse"),
        "auth2-pubkey.c userauth_pubkey",
    ),
    ("userauth_pubkey: unsupported public key algorithm: %w", Names, "auth2-pubkey.c userauth_pubkey"),
    (
        "userauth_pubkey: signature algorithm %w not in PubkeyAcceptedAlgorithms",
        No("server-key-algorithm-refused"),
        "auth2-pubkey.c userauth_pubkey",
    ),
    (
        "userauth_pubkey: key type %w not in PubkeyAcceptedKeyTypes",
        No("server-key-algorithm-refused"),
        "auth2-pubkey.c userauth_pubkey (before 8.5)",
    ),
    (
        "refusing RSA key: Invalid key length",
        No("rsa-key-too-small"),
        "auth2-pubkey.c userauth_pubkey (since 9.1, RequiredRSASize)",
    ),
    (
        "refusing RSA-CERT key: Invalid key length",
        No("rsa-key-too-small"),
        "auth2-pubkey.c userauth_pubkey (since 9.1, RequiredRSASize)",
    ),
    ("Authentication key %w %w revoked by file %t", No("server-key-revoked"), "auth.c auth_key_is_revoked"),
    (
        "Error checking authentication key %w %w in revoked keys file %t",
        No("server-key-revoked"),
        "auth.c auth_key_is_revoked",
    ),
    (
        "Refusing certificate ID \"%t: Certificate does not contain an authorized principal",
        No("server-ca-mismatch"),
        "auth2-pubkey.c user_cert_trusted_ca",
    ),
    (
        "Refusing certificate ID \"%t: Certificate invalid: name is not a listed principal",
        No("server-ca-mismatch"),
        "auth2-pubkey.c user_cert_trusted_ca",
    ),
    (
        "Refusing certificate ID \"%t: Certificate invalid: expired",
        No("certificate-expired"),
        "auth2-pubkey.c user_cert_trusted_ca",
    ),
    (
        "Refusing certificate ID \"%t: Certificate invalid: not yet valid",
        No("certificate-expired"),
        "auth2-pubkey.c user_cert_trusted_ca",
    ),
    (
        "Certificate does not contain an authorized principal",
        No("server-ca-mismatch"),
        "auth2-pubkey.c user_cert_trusted_ca (before 10.1)",
    ),
    (
        "Certificate invalid: name is not a listed principal",
        No("server-ca-mismatch"),
        "sshkey.c sshkey_cert_check_authority (before 10.1)",
    ),
    ("Certificate invalid: expired", No("certificate-expired"), "sshkey.c sshkey_cert_check_authority (before 10.1)"),
    (
        "Certificate invalid: not yet valid",
        No("certificate-expired"),
        "sshkey.c sshkey_cert_check_authority (before 10.1)",
    ),
    ("Unsafe AuthorizedKeysCommand %t", No("server-authorized-keys-command-failed"), "misc.c subprocess"),
    ("Could not stat AuthorizedKeysCommand %t", No("server-authorized-keys-command-failed"), "misc.c subprocess"),
    // EC2 Instance Connect says so of every account to which no key was sent (its eic_run_authorized_keys).
    ("AuthorizedKeysCommand %feic_run_authorized_keys %t failed, status 22", Names, "misc.c exited_cleanly"),
    ("AuthorizedKeysCommand %t", No("server-authorized-keys-command-failed"), "misc.c exited_cleanly, subprocess"),
    (
        "AuthorizedKeysCommandUser %t",
        No("server-authorized-keys-command-failed"),
        "auth2-pubkey.c user_key_command_allowed2",
    ),
    (
        "No user for AuthorizedKeysCommand specified, skipping",
        No("server-authorized-keys-command-failed"),
        "auth2-pubkey.c user_key_command_allowed2",
    ),
    ("Access denied for user %u by PAM account configuration", No("server-pam-denied"), "auth2.c userauth_finish"),
    ("bad ownership or modes for chroot directory %t", No("server-chroot-ownership"), "session.c safely_chroot"),
    ("drop connection #%d from [%a]:%d on %t past MaxStartups", No("max-startups"), "sshd.c drop_connection"),
    ("drop connection #%d from [%a]:%d on %t past Maxstartups", No("max-startups"), "sshd.c drop_connection (9.8)"),
    ("drop connection #%d from [%a]:%d on %t Maxstartups", No("max-startups"), "sshd.c drop_connection (since 9.9)"),
    (
        "drop connection #%d from [%a]:%d on %t too many penalised addresses",
        No("source-penalised"),
        "srclimit.c srclimit_penalty_check_allow",
    ),
    (
        "drop connection #%d from [%a]:%d on %t penalty: %t",
        No("source-penalised"),
        "srclimit.c srclimit_penalty_check_allow",
    ),
    ("refused connect from %h (%a)", No("source-banned"), "libwrap's refuse.c, sshd.c main (Debian)"),
    ("Child connection from [%a]:%d", Names, "dropbear's svr-main.c main_noinetd"),
    ("Child connection from %a:%d", Names, "dropbear's svr-main.c main_noinetd"),
    ("Pubkey auth succeeded for '%u' with %w key %w from %p", ACCEPTED, "dropbear's svr-authpubkey.c svr_auth_pubkey"),
    ("Password auth succeeded for '%u' from %p", ACCEPTED, "dropbear's svr-authpasswd.c svr_auth_password"),
    ("PAM password auth succeeded for '%u' from %p", ACCEPTED, "dropbear's svr-authpam.c svr_auth_pam"),
    ("Bad password attempt for '%u' from %p", FAILED, "dropbear's svr-authpasswd.c svr_auth_password"),
    ("Bad PAM password attempt for '%u' from %p", FAILED, "dropbear's svr-authpam.c svr_auth_pam"),
    ("Login attempt for nonexistent user from %p", No("server-no-such-user"), "dropbear's svr-auth.c checkusername"),
    ("User account '%u' is locked", Names, "dropbear's svr-authpasswd.c svr_auth_password"),
    ("User '%u' has invalid shell, rejected", No("server-shell-invalid"), "dropbear's svr-auth.c checkusername"),
    (
        "Logins are restricted to the group %w but user '%u' is not a member",
        No("server-user-not-allowed"),
        "dropbear's svr-auth.c checkusername",
    ),
    ("root login rejected", No("server-root-login-disabled"), "dropbear's svr-auth.c checkusername"),
    (
        "%f must be owned by user or root, and not writable by group or others",
        No("server-strict-modes"),
        "dropbear's svr-authpubkey.c checkfileperm",
    ),
    (
        "%f must be owned by user or root, and not writable by others",
        No("server-strict-modes"),
        "dropbear's svr-authpubkey.c checkfileperm (before 2022.83)",
    ),
    ("Exit before auth from <%p>: (user '%u', %h fails): %t", FAILED, "dropbear's svr-session.c svr_dropbear_exit"),
    ("Exit before auth from <%p>: %t", Names, "dropbear's svr-session.c svr_dropbear_exit"),
    ("Exit before auth (user '%u', %h fails): %t", FAILED, "dropbear's svr-session.c (before 2020.79)"),
    ("Exit (%u) from <%p>: %t", Names, "dropbear's svr-session.c svr_dropbear_exit"),
];

/// The forms that begin with each byte, in their order: a log has millions of lines, and most are of few forms.
static BY_FIRST: LazyLock<Vec<Vec<usize>>> = LazyLock::new(|| {
    let begins = |form: &str, byte: u8| match form.as_bytes() {
        // What has no words before it begins with a path.
        [b'%', b'f' | b'l', ..] => byte == b'/',
        [b'%', ..] => true,
        [first, ..] => *first == byte,
        [] => false,
    };
    let of = |byte: u8| (0..FORMS.len()).filter(|at| begins(FORMS[*at].0, byte)).collect();
    (0..=u8::MAX).map(of).collect()
});

/// What a message states; `None` where it is none of the forms.
pub fn said(text: &str) -> Option<Said<'_>> {
    let text = text.trim_ascii_end();
    let text = text.strip_suffix(" [preauth]").unwrap_or(text).trim_ascii_end();
    // log.c puts the level before what it sends to syslog.
    let text = ["error: ", "fatal: "].iter().find_map(|level| text.strip_prefix(level)).unwrap_or(text);
    let first = usize::from(*text.as_bytes().first()?);
    BY_FIRST[first].iter().map(|at| &FORMS[*at]).find_map(|(form, states, _)| {
        let event = match states {
            Names => None,
            Is(event) => Some(*event),
            No(id) => Some(Event::Refusal(id)),
        };
        let mut met = Said { event, begins: form.starts_with("Connection from "), ..Said::default() };
        fits(form, text, &mut met).then_some(met)
    })
}

/// Whether the whole text is of the form, and what stands at its places.
fn fits<'a>(form: &str, text: &'a str, met: &mut Said<'a>) -> bool {
    let Some((literal, rest)) = form.split_once('%') else { return text == form };
    let Some(text) = text.strip_prefix(literal) else { return false };
    let (kind, form) = rest.split_at(1);
    let next = form.split('%').next().unwrap_or_default();
    let mut at = |end: usize| {
        let value = &text[..end];
        if !is(kind, value) || !fits(form, &text[end..], met) {
            return false;
        }
        match kind {
            "u" => met.user = Some(value),
            "n" => (met.user, met.invalid) = (Some(value), true),
            "a" => met.from = Some(value),
            "d" if met.port.is_none() => met.port = value.parse().ok(),
            "p" => {
                let (from, port) = place(value).unwrap_or_default();
                (met.from, met.port) = (Some(from), port.parse().ok());
            }
            "w" => met.method = value,
            "f" | "t" if met.rest.is_empty() => met.rest = value,
            _ => {}
        }
        true
    };
    if next.is_empty() {
        return at(text.len());
    }
    // No blank is in these, so that there is one place where they can end.
    if matches!(kind, "a" | "d" | "h" | "p" | "w") && next.starts_with(' ') {
        let end = text.bytes().position(|byte| byte == b' ');
        return end.is_some_and(|end| text[end..].starts_with(next) && at(end));
    }
    if kind == "n" {
        return text.rmatch_indices(next).any(|(end, _)| at(end));
    }
    text.match_indices(next).any(|(end, _)| at(end))
}

/// Whether a value can stand at a place of this kind.
fn is(kind: &str, value: &str) -> bool {
    match kind {
        // What ssh_remote_ipaddr says of a pipe.
        "a" => value == "UNKNOWN" || address(value).is_some(),
        "d" => !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()),
        "p" => place(value).is_some(),
        "h" | "w" => !value.is_empty() && !value.contains(' '),
        "l" => value.starts_with('/') && value.rsplit_once(':').is_some_and(|(_, line)| is("d", line)),
        "f" => value.starts_with('/'),
        "u" => !value.is_empty(),
        _ => true,
    }
}

/// An address and a port as dropbear writes them, `192.0.2.1:40000` or `[2001:db8::1]:40000`.
fn place(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (address(host).is_some() && is("d", port)).then_some((host, port))
}

/// An address as sshd writes it, with the interface of a link-local one.
fn address(text: &str) -> Option<IpAddr> {
    text.split_once('%').map_or(text, |(address, _)| address).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(text: &str) -> (Option<Event>, Option<&str>, Option<&str>) {
        said(text).map(|said| (said.event, said.user, said.from)).unwrap_or_default()
    }

    #[test]
    fn a_message_states_what_it_states_of_whom_and_from_where() {
        let no = |id, user, from| (Some(Event::Refusal(id)), user, from);
        let (deploy, home) = (Some("deploy"), Some("192.0.2.1"));
        let rows = [
            (
                "Accepted publickey for deploy from 192.0.2.1 port 9 ssh2: ED25519 SHA256:x",
                (Some(Event::Accepted), deploy, home),
            ),
            (
                "Accepted keyboard-interactive/pam for deploy from 192.0.2.1 port 9 ssh2",
                (Some(Event::Accepted), deploy, home),
            ),
            ("Accepted key ED25519 SHA256:x found at /home/deploy/.ssh/authorized_keys:1", (None, None, None)),
            ("Failed password for deploy from 192.0.2.1 port 9 ssh2", (Some(Event::Failed), deploy, home)),
            ("Partial publickey for deploy from 192.0.2.1 port 9 ssh2: ED25519 SHA256:x", (None, deploy, home)),
            ("Invalid user deploy from 192.0.2.1 port 9", no("server-no-such-user", deploy, home)),
            ("Invalid user  from fe80::1%eth0 port 9", no("server-no-such-user", Some(""), Some("fe80::1%eth0"))),
            (
                "User deploy from 192.0.2.1 not allowed because not listed in AllowUsers",
                no("server-user-not-allowed", deploy, None),
            ),
            (
                "User deploy not allowed because shell /bin/a b is not executable",
                no("server-shell-invalid", deploy, None),
            ),
            (
                "Authentication refused: bad ownership or modes for directory /home/deploy",
                no("server-strict-modes", None, None),
            ),
            (
                "/home/deploy/.ssh/authorized_keys:1: Authentication tried for deploy with correct key but not from a permitted host (host=laptop, ip=192.0.2.1, required=10.0.0.0/8).",
                no("server-key-options-refuse", deploy, home),
            ),
            (
                "error: Refused by key options at /home/deploy/.ssh/authorized_keys:1 [preauth]",
                no("server-key-options-refuse", None, None),
            ),
            (
                "error: Refusing certificate ID \"a\" serial=0 signed by ED25519 CA SHA256:x via /etc/ssh/ca.pub: Certificate invalid: expired",
                no("certificate-expired", None, None),
            ),
            (
                "userauth_pubkey: signature algorithm ssh-rsa not in PubkeyAcceptedAlgorithms [preauth]",
                no("server-key-algorithm-refused", None, None),
            ),
            (
                "fatal: Access denied for user deploy by PAM account configuration [preauth]",
                no("server-pam-denied", deploy, None),
            ),
            (
                "drop connection #10 from [192.0.2.1]:9 on [192.0.2.7]:22 past Maxstartups",
                no("max-startups", None, home),
            ),
            (
                "drop connection #0 from [192.0.2.1]:9 on [192.0.2.7]:22 penalty: failed authentication",
                no("source-penalised", None, home),
            ),
            ("drop connection #10 from [192.0.2.1]:9 on [192.0.2.7]:22 Maxstartups", no("max-startups", None, home)),
            (
                "srclimit_penalise: ipv4: new 192.0.2.1/32 deferred penalty of 5 seconds for penalty: failed authentication",
                (None, None, None),
            ),
            ("refusing RSA key: Invalid key length [preauth]", no("rsa-key-too-small", None, None)),
            ("refused connect from laptop (192.0.2.1)", no("source-banned", None, home)),
            ("Connection closed by 192.0.2.1 port 9 [preauth]", (None, None, home)),
            (
                "Connection closed by authenticating user deploy 192.0.2.1 port 9 [preauth]",
                (Some(Event::Failed), deploy, home),
            ),
            ("Connection from 192.0.2.1 port 9 on 192.0.2.7 port 22 rdomain \"\"", (None, None, home)),
            ("Received SIGHUP; restarting.", (Some(Event::Reload), None, None)),
            ("Server listening on 0.0.0.0 port 22.", (Some(Event::Listening), None, None)),
            ("pam_unix(sshd:session): session opened for user deploy", (None, None, None)),
        ];
        for (text, meant) in rows {
            assert_eq!(met(text), meant, "{text}");
        }
    }
}
