//! What sshd says of a login besides what came of it, most of it only where it is asked to say more (LogLevel VERBOSE or
//! DEBUG, `sshd -d`): which method was asked for, which file was read, which line took the key.

/// One such message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail<'a> {
    /// A request (auth2.c `input_userauth_request`): the account and the method.
    Request(&'a str, &'a str),
    /// A key that stands in a file of keys: the key, and the file and line (auth2-pubkeyfile.c `auth_check_authkey_line`).
    Found(&'a str, &'a str),
    /// The client was told that a key would be taken (auth.c `auth_log`).
    Postponed,
    /// A file of keys is read (auth2-pubkey.c `user_key_allowed2`).
    Reads(&'a str),
    /// A file of keys is not there (auth2-pubkeyfile.c `auth_openfile`).
    Missing(&'a str),
    /// The line of the key has an end in time that is past (auth2-pubkeyfile.c `auth_authorise_keyopts`).
    Expired(&'a str),
    /// The options of a line cannot be read (auth2-pubkeyfile.c `auth_check_authkey_line`): where, and why.
    BadOptions(&'a str, &'a str),
    /// More attempts failed than MaxAuthTries allows (auth.c `auth_maxtries_exceeded`).
    TooMany,
    /// PAM's words about a step, where it failed (auth-pam.c).
    Pam(&'a str),
}

/// What the message tells; `None` where it is another.
pub fn detail(text: &str) -> Option<Detail<'_>> {
    let text = text.trim_ascii_end();
    let text = text.strip_suffix(" [preauth]").unwrap_or(text);
    let debugged = text.strip_prefix("debug").and_then(|rest| rest.get(1..)?.strip_prefix(": "));
    let words = debugged.unwrap_or(text);
    let words = ["error: ", "fatal: "].iter().find_map(|level| words.strip_prefix(level)).unwrap_or(words);
    if let Some(rest) = words.strip_prefix("userauth-request for user ") {
        let (user, method) = rest.rsplit_once(" service ssh-connection method ")?;
        return debugged.map(|_| Detail::Request(user, method));
    }
    if let Some(rest) = words.strip_prefix("Accepted key ") {
        let (key, at) = rest.split_once(" found at ")?;
        return Some(Detail::Found(key, at));
    }
    if words.starts_with("Postponed publickey for ") {
        return Some(Detail::Postponed);
    }
    if words.ends_with(": Too many authentication failures") && words.starts_with("Disconnecting ")
        || words.starts_with("maximum authentication attempts exceeded for ")
    {
        return Some(Detail::TooMany);
    }
    if let Some(rest) = words.strip_prefix("PAM: ").filter(|_| debugged.is_none()) {
        return Some(Detail::Pam(rest));
    }
    debugged?;
    if let Some(file) = words.strip_prefix("trying public key file ") {
        return Some(Detail::Reads(file));
    }
    let words = words.split_once(": ").filter(|(name, _)| is_function(name)).map_or(words, |(_, words)| words);
    let missing =
        words.strip_prefix("Could not open ").and_then(|rest| rest.strip_suffix("': No such file or directory"));
    if let Some((_, file)) = missing.and_then(|rest| rest.split_once("authorized keys '")) {
        return Some(Detail::Missing(file));
    }
    if let Some((at, _)) = words.split_once(": entry expired at ") {
        return at.starts_with('/').then_some(Detail::Expired(at));
    }
    let (at, why) = words.split_once(": bad key options: ")?;
    at.starts_with('/').then_some(Detail::BadOptions(at, why))
}

/// The name of a function, which some messages have before them (log.c `sshlogv`).
fn is_function(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sshd_says_when_it_is_asked_to_say_more() {
        let rows = [
            (
                "debug1: userauth-request for user deploy service ssh-connection method none [preauth]",
                Some(Detail::Request("deploy", "none")),
            ),
            ("userauth-request for user deploy service ssh-connection method none", None),
            (
                "Accepted key ED25519 SHA256:x found at /home/deploy/.ssh/authorized_keys:1",
                Some(Detail::Found("ED25519 SHA256:x", "/home/deploy/.ssh/authorized_keys:1")),
            ),
            (
                "debug1: trying public key file /home/deploy/.ssh/authorized_keys",
                Some(Detail::Reads("/home/deploy/.ssh/authorized_keys")),
            ),
            (
                "debug1: Could not open user 'deploy' authorized keys '/home/deploy/.ssh/authorized_keys': No such file or directory",
                Some(Detail::Missing("/home/deploy/.ssh/authorized_keys")),
            ),
            (
                "debug1: auth_openfile: Could not open authorized keys '/k': No such file or directory",
                Some(Detail::Missing("/k")),
            ),
            (
                "debug1: /home/deploy/.ssh/authorized_keys:1: entry expired at 2020-01-01T00:00:00",
                Some(Detail::Expired("/home/deploy/.ssh/authorized_keys:1")),
            ),
            (
                "Disconnecting authenticating user deploy 192.0.2.1 port 9: Too many authentication failures [preauth]",
                Some(Detail::TooMany),
            ),
            (
                "fatal: PAM: pam_setcred(): Authentication failure",
                Some(Detail::Pam("pam_setcred(): Authentication failure")),
            ),
            ("debug1: PAM: initializing for \"deploy\"", None),
            ("Invalid user deploy from 192.0.2.1 port 9", None),
        ];
        for (text, meant) in rows {
            assert_eq!(detail(text), meant, "{text}");
        }
    }
}
