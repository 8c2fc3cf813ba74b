//! Which authentication methods the client's configuration lets ssh use (sshconnect2.c `authmethod_is_enabled`,
//! `preferred`).

use crate::facts::config::Options;

/// ssh's own order where PreferredAuthentications is not set (sshconnect2.c `authmethods`).
const DEFAULT_ORDER: &[&str] = &["gssapi-with-mic", "hostbased", "publickey", "keyboard-interactive", "password"];

/// Whether PreferredAuthentications has `method`.
pub fn preferred(options: &Options, method: &str) -> bool {
    let names = options.names("preferredauthentications");
    if names.is_empty() { DEFAULT_ORDER.contains(&method) } else { names.contains(&method) }
}

/// Whether ssh may use publickey.
pub fn publickey_on(options: &Options) -> bool {
    !options.is_no("pubkeyauthentication") && preferred(options, "publickey")
}

/// Whether ssh may use one of the methods among `offered` that a person answers: password or keyboard-interactive.
pub fn question_on(options: &Options, offered: &[String]) -> bool {
    let has = |name: &str| offered.iter().any(|method| method == name) && preferred(options, name);
    let dialogue = !options.is_no("kbdinteractiveauthentication") && !options.is_no("challengeresponseauthentication");
    (has("password") && !options.is_no("passwordauthentication")) || (has("keyboard-interactive") && dialogue)
}
