//! OpenSSH's documented client defaults (readconf.c `fill_default_options`, myproposal.h; as of 9.2), for a machine
//! without ssh, and what the command line makes of them (ssh.c `main`).

use std::ffi::OsString;

use super::arguments::{Arguments, keyword_and_value, value_words};
use super::patterns::match_pattern;
use crate::facts::config::Options;
use crate::facts::text::{ServerText, User};

/// The identity files that ssh tries where none is configured (readconf.c), `~` unexpanded, in order.
pub const IDENTITY_FILES: &[&str] = &[
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_xmss",
    "~/.ssh/id_dsa",
];

/// Every other option with its default, in `ssh -G`'s words.
const VALUES: &[(&str, &str)] = &[
    ("addressfamily", "any"),
    ("batchmode", "no"),
    ("canonicalizefallbacklocal", "yes"),
    ("canonicalizehostname", "false"),
    ("checkhostip", "no"),
    ("compression", "no"),
    ("controlmaster", "false"),
    ("enablesshkeysign", "no"),
    ("clearallforwardings", "no"),
    ("exitonforwardfailure", "no"),
    ("fingerprinthash", "SHA256"),
    ("forwardx11", "no"),
    ("gatewayports", "no"),
    ("hashknownhosts", "no"),
    ("hostbasedauthentication", "no"),
    ("identitiesonly", "no"),
    ("kbdinteractiveauthentication", "yes"),
    ("nohostauthenticationforlocalhost", "no"),
    ("passwordauthentication", "yes"),
    ("permitlocalcommand", "no"),
    ("proxyusefdpass", "no"),
    ("pubkeyauthentication", "true"),
    ("requesttty", "auto"),
    ("sessiontype", "default"),
    ("stdinnull", "no"),
    ("forkafterauthentication", "no"),
    ("streamlocalbindunlink", "no"),
    ("stricthostkeychecking", "ask"),
    ("tcpkeepalive", "yes"),
    ("tunnel", "false"),
    ("verifyhostkeydns", "false"),
    ("visualhostkey", "no"),
    ("updatehostkeys", "true"),
    ("enableescapecommandline", "no"),
    ("canonicalizemaxdots", "1"),
    ("connectionattempts", "1"),
    ("forwardx11timeout", "1200"),
    ("numberofpasswordprompts", "3"),
    ("serveralivecountmax", "3"),
    ("serveraliveinterval", "0"),
    ("requiredrsasize", "1024"),
    ("canonicaldomains", "none"),
    ("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"),
    ("logverbose", "none"),
    ("permitremoteopen", "any"),
    ("addkeystoagent", "false"),
    ("forwardagent", "no"),
    ("connecttimeout", "none"),
    ("tunneldevice", "any:any"),
    ("canonicalizepermittedcnames", "none"),
    ("controlpersist", "no"),
    ("escapechar", "~"),
    ("ipqos", "lowdelay throughput"),
    ("rekeylimit", "0 0"),
    ("streamlocalbindmask", "0177"),
    ("syslogfacility", "USER"),
    ("gssapiauthentication", "no"),
    ("gssapidelegatecredentials", "no"),
    ("forwardx11trusted", "no"),
    ("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2"),
    ("ciphers", CIPHERS),
    ("macs", MACS),
    ("kexalgorithms", KEX),
    ("hostkeyalgorithms", SIGNATURES),
    ("hostbasedacceptedalgorithms", SIGNATURES),
    ("pubkeyacceptedalgorithms", SIGNATURES),
    ("casignaturealgorithms", CA_SIGNATURES),
];

/// `KEX_CLIENT_KEX`.
const KEX: &str = "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,\
    ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,\
    diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256";

/// `KEX_CLIENT_ENCRYPT`.
const CIPHERS: &str =
    "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com";

/// `KEX_CLIENT_MAC`.
const MACS: &str = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,\
    hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,\
    hmac-sha2-512,hmac-sha1";

/// `KEX_DEFAULT_PK_ALG`.
const SIGNATURES: &str = "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,\
    ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,\
    sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,\
    rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,ssh-ed25519,ecdsa-sha2-nistp256,\
    ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,\
    rsa-sha2-512,rsa-sha2-256";

/// `SSH_ALLOWED_CA_SIGALGS`.
const CA_SIGNATURES: &str = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,\
    sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";

/// Options that may be given several times and are all taken, a line each (readconf.c).
const REPEATED: &[&str] =
    &["identityfile", "certificatefile", "sendenv", "setenv", "localforward", "remoteforward", "dynamicforward"];

/// Options whose value is changed, not replaced, by a leading `+`, `-` or `^` (kex.c `kex_assemble_names`).
const ALGORITHMS: &[&str] = &[
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "hostbasedacceptedalgorithms",
    "pubkeyacceptedalgorithms",
    "casignaturealgorithms",
];

/// Options with more values than yes and no: ssh prints `true` and `false` for these (readconf.c `multistate_flag` and
/// its like).
const MULTISTATE: &[&str] = &[
    "addkeystoagent",
    "canonicalizehostname",
    "controlmaster",
    "pubkeyauthentication",
    "requesttty",
    "stricthostkeychecking",
    "tunnel",
    "updatehostkeys",
    "verifyhostkeydns",
];

/// Names that options had before, and have now (readconf.c `keywords`).
const RENAMED: &[(&str, &str)] = &[
    ("challengeresponseauthentication", "kbdinteractiveauthentication"),
    ("skeyauthentication", "kbdinteractiveauthentication"),
    ("tisauthentication", "kbdinteractiveauthentication"),
    ("dsaauthentication", "pubkeyauthentication"),
    ("hostbasedkeytypes", "hostbasedacceptedalgorithms"),
    ("pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"),
    ("globalknownhostsfile2", "globalknownhostsfile"),
    ("userknownhostsfile2", "userknownhostsfile"),
    ("keepalive", "tcpkeepalive"),
    ("smartcarddevice", "pkcs11provider"),
];

/// What `ssh -G` would print for a host with no configuration at all, less what depends on the host.
pub fn options() -> Options {
    let values = VALUES.iter().map(|(keyword, value)| ((*keyword).to_owned(), ServerText::from(*value)));
    let files = IDENTITY_FILES.iter().map(|file| ("identityfile".to_owned(), ServerText::from(*file)));
    Options(values.chain(files).collect())
}

/// What `ssh -G` would print for this command line with no configuration file, as far as it bears on a login.
///
/// `local_user` is the account that runs ssh. An option that ssh would refuse is taken as it stands: nobody is there to
/// refuse it.
pub fn with_command_line(arguments: &Arguments, local_user: &User) -> Options {
    let mut given: Vec<(String, ServerText)> = Vec::new();
    for (letter, value) in arguments.pairs() {
        for (keyword, value) in said_by(letter, value) {
            // Of several values of one option ssh takes the first.
            if REPEATED.contains(&keyword.as_str()) || given.iter().all(|(known, _)| *known != keyword) {
                given.push((keyword, value));
            }
        }
    }
    let names = |keyword: &str| given.iter().any(|(known, _)| known == keyword);
    if (names("userknownhostsfile") || names("verifyhostkeydns")) && !names("updatehostkeys") {
        given.push(("updatehostkeys".to_owned(), "false".into()));
    }
    let host = arguments.host.as_encoded_bytes().to_ascii_lowercase();
    let mut options = Options(vec![
        ("host".to_owned(), arguments.host.as_encoded_bytes().into()),
        ("user".to_owned(), local_user.as_bytes().into()),
        ("hostname".to_owned(), ServerText::new(host)),
        ("port".to_owned(), "22".into()),
    ]);
    options.0.extend(self::options().0);
    let defaults = options.clone();
    for (keyword, _) in &given {
        options.0.retain(|(known, _)| known != keyword);
    }
    for (keyword, value) in given {
        let value = if ALGORITHMS.contains(&keyword.as_str()) {
            let names = assembled(&value, &defaults.names(&keyword));
            names.into()
        } else if keyword == "hostname" {
            value.to_string().replace("%h", &crate::facts::text::escape(arguments.host.as_encoded_bytes())).into()
        } else {
            value
        };
        options.0.push((keyword, value));
    }
    options
}

/// The options that one letter of the command line sets.
fn said_by(letter: u8, value: Option<OsString>) -> Vec<(String, ServerText)> {
    let fixed = |pairs: &[(&str, &str)]| -> Vec<(String, ServerText)> {
        pairs.iter().map(|(keyword, value)| ((*keyword).to_owned(), (*value).into())).collect()
    };
    let Some(value) = value else {
        return fixed(match letter {
            b'4' => &[("addressfamily", "inet")],
            b'6' => &[("addressfamily", "inet6")],
            b'A' => &[("forwardagent", "yes")],
            b'a' => &[("forwardagent", "no")],
            b'C' => &[("compression", "yes")],
            b'g' => &[("gatewayports", "yes")],
            b'K' => &[("gssapiauthentication", "yes"), ("gssapidelegatecredentials", "yes")],
            b'k' => &[("gssapidelegatecredentials", "no")],
            b'N' => &[("sessiontype", "none"), ("requesttty", "false")],
            b'n' => &[("stdinnull", "yes")],
            b'T' => &[("requesttty", "false")],
            b't' => &[("requesttty", "true")],
            b'X' => &[("forwardx11", "yes")],
            b'x' => &[("forwardx11", "no")],
            b'Y' => &[("forwardx11", "yes"), ("forwardx11trusted", "yes")],
            _ => &[],
        });
    };
    let value = value.as_encoded_bytes();
    if letter == b'o' {
        let (keyword, value) = keyword_and_value(value);
        let keyword = RENAMED.iter().find(|(old, _)| *old == keyword).map_or(keyword, |(_, new)| (*new).to_owned());
        // ssh prints words without their quotes.
        let words = value_words(value).join(&b' ');
        let printed: &[u8] = match (words.to_ascii_lowercase().as_slice(), MULTISTATE.contains(&keyword.as_str())) {
            (b"yes" | b"true", true) => b"true",
            (b"no" | b"false" | b"off", true) => b"false",
            (b"true", false) => b"yes",
            (b"false", false) => b"no",
            _ => words.as_slice(),
        };
        return vec![(keyword, printed.into())];
    }
    let keyword = match letter {
        b'B' => "bindinterface",
        b'b' => "bindaddress",
        b'c' => "ciphers",
        b'D' => "dynamicforward",
        b'I' => "pkcs11provider",
        b'i' => "identityfile",
        b'J' => "proxyjump",
        b'L' => "localforward",
        b'l' => "user",
        b'm' => "macs",
        b'P' => "tag",
        b'p' => "port",
        b'R' => "remoteforward",
        b'S' => "controlpath",
        _ => return Vec::new(),
    };
    vec![(keyword.to_owned(), value.into())]
}

/// A list of algorithms after a leading `+` (append), `-` (remove, with wildcards) or `^` (put first).
fn assembled(value: &ServerText, defaults: &[&str]) -> String {
    let value = value.to_string();
    let known = || defaults.iter().copied();
    let list = |names: &str| -> Vec<String> { names.split(',').map(str::to_owned).collect() };
    let joined = |names: Vec<String>| names.join(",");
    if let Some(more) = value.strip_prefix('+') {
        let more = list(more).into_iter().filter(|name| !defaults.contains(&name.as_str()));
        return joined(known().map(str::to_owned).chain(more).collect());
    }
    if let Some(first) = value.strip_prefix('^') {
        let first = list(first);
        let rest = known().filter(|name| !first.iter().any(|other| other == name)).map(str::to_owned);
        return joined(first.iter().cloned().chain(rest.collect::<Vec<_>>()).collect());
    }
    if let Some(less) = value.strip_prefix('-') {
        let less = list(less);
        let kept =
            known().filter(|name| !less.iter().any(|pattern| match_pattern(name.as_bytes(), pattern.as_bytes())));
        return joined(kept.map(str::to_owned).collect());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::arguments::parse;

    /// What the installed ssh prints with no configuration file.
    fn real(words: &[OsString]) -> Options {
        let out = std::process::Command::new("ssh")
            .args(["-F", "none", "-G"])
            .args(words)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("ssh is installed");
        let text = String::from_utf8(out.stdout).unwrap();
        let lines = text.lines().map(|line| line.split_once(' ').unwrap_or((line, "")));
        Options(lines.map(|(keyword, value)| (keyword.to_lowercase(), value.into())).collect())
    }

    /// Values that depend on the version or on who built ssh (Debian: `ServerAliveInterval` with `BatchMode`).
    const BUILD: &[&str] =
        &["xauthlocation", "securitykeyprovider", "loglevel", "ipqos", "forwardx11trusted", "serveraliveinterval"];

    fn compare(line: &str) {
        let words: Vec<OsString> = shlex::split(line).unwrap().into_iter().map(OsString::from).collect();
        let arguments = parse(&words).unwrap();
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap();
        let home = user.dir.to_str().unwrap().to_owned();
        let ours = with_command_line(&arguments, &user.name.into());
        let theirs = real(&words);
        let mut compared = 0;
        for keyword in ours.0.iter().map(|(keyword, _)| keyword) {
            if BUILD.contains(&keyword.as_str()) || theirs.first(keyword).is_none() {
                continue;
            }
            compared += 1;
            let (ours, theirs): (Vec<_>, Vec<_>) = (ours.all(keyword).collect(), theirs.all(keyword).collect());
            if ALGORITHMS.contains(&keyword.as_str()) {
                // Newer versions add to these lists.
                let theirs: Vec<_> = theirs[0].split(',').collect();
                let missing: Vec<_> = ours[0].split(',').filter(|name| !theirs.contains(name)).collect();
                assert!(missing.is_empty(), "{line}: {keyword}: {missing:?}");
                continue;
            }
            let ours: Vec<_> = ours.iter().map(|value| value.replace("~/", &format!("{home}/"))).collect();
            let theirs: Vec<_> = theirs.iter().map(|value| value.replace("~/", &format!("{home}/"))).collect();
            assert_eq!(ours, theirs, "{line}: {keyword}");
        }
        assert!(compared > 50, "only {compared} options compared");
    }

    #[test]
    fn the_defaults_are_those_that_ssh_prints() {
        compare("host.example");
    }

    #[test]
    fn the_command_line_makes_of_them_what_it_makes_of_ssh_s() {
        for line in [
            "-p 2222 -l deploy -4 Web1",
            "-6 a@web1 -l b -p 1 -p 2",
            "ssh://a@web1:2200",
            "-J hop,b@other:22 web1",
            "-i /dev/null -i /dev/zero -o IdentitiesOnly=yes web1",
            "-oUser=x -o 'Port 2222' a@web1",
            "-o BatchMode=yes -oPubkeyAuthentication=no -o ChallengeResponseAuthentication=no web1",
            "-o HostName=%h.example.org -o UserKnownHostsFile=/tmp/known_hosts web1",
            "-o SendEnv=A -o SendEnv=B -C -A -N web1",
            "-c aes128-ctr -o MACs=+hmac-sha1 -o KexAlgorithms=^curve25519-sha256 -oHostKeyAlgorithms=-ssh-* web1",
            "-S /tmp/x -b 127.0.0.1 -B lo -o ConnectTimeout=3 web1",
        ] {
            compare(line);
        }
    }

    #[test]
    fn lists_of_algorithms_are_added_to_and_taken_from() {
        let defaults = ["a", "b", "c"];
        for (value, means) in [("+d,a", "a,b,c,d"), ("-b,x", "a,c"), ("-*", ""), ("^c,d", "c,d,a,b"), ("x,y", "x,y")] {
            assert_eq!(assembled(&value.into(), &defaults), means, "{value}");
        }
    }
}
