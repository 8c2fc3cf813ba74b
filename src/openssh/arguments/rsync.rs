//! rsync's command line (rsync's options.c `long_options`, `check_for_hostspec`; main.c `start_client`, `do_cmd`): which
//! ssh it starts, and for whom.

use std::ffi::{OsStr, OsString};

use super::destination::{os, without_brackets};
use super::{Arguments, program};
use crate::facts::text::escape;

/// Letters whose value is the rest of their cluster, or the next word.
const VALUED: &[u8] = b"efBTM@";

/// Long options whose value may be the next word.
const LONG_VALUED: &[&str] = &[
    "rsh",
    "rsync-path",
    "exclude",
    "exclude-from",
    "include",
    "include-from",
    "files-from",
    "filter",
    "suffix",
    "chmod",
    "temp-dir",
    "compare-dest",
    "copy-dest",
    "link-dest",
    "compress-level",
    "compress-choice",
    "zl",
    "zc",
    "backup-dir",
    "block-size",
    "bwlimit",
    "checksum-choice",
    "cc",
    "checksum-seed",
    "contimeout",
    "timeout",
    "debug",
    "info",
    "log-file",
    "log-file-format",
    "log-format",
    "out-format",
    "max-delete",
    "max-size",
    "min-size",
    "max-alloc",
    "modify-window",
    "only-write-batch",
    "read-batch",
    "write-batch",
    "partial-dir",
    "password-file",
    "early-input",
    "port",
    "protocol",
    "remote-option",
    "sockopts",
    "address",
    "stop-after",
    "time-limit",
    "stop-at",
    "iconv",
    "usermap",
    "groupmap",
    "chown",
    "copy-as",
    "skip-compress",
    "outbuf",
];

/// What an operand names.
#[derive(Debug, PartialEq, Eq)]
struct Remote {
    user: Option<Vec<u8>>,
    host: Vec<u8>,
    /// Whether a daemon is meant: `host::module`, `rsync://`.
    daemon: bool,
}

/// Takes rsync's words apart; `shell` is `RSYNC_RSH`. `tags` as in [`super::parse_as`].
///
/// # Errors
/// A sentence for the person who typed it: no remote host, a daemon that is reached without ssh, another remote shell.
pub fn parse(words: &[OsString], shell: Option<&OsStr>, tags: bool) -> Result<Arguments, String> {
    let (mut typed, mut operands, mut family) = (None, Vec::new(), None);
    let mut rest = words;
    let mut options = true;
    while let Some((word, behind)) = rest.split_first() {
        rest = behind;
        let bytes = word.as_encoded_bytes();
        if !options || !bytes.starts_with(b"-") || bytes.len() == 1 {
            operands.push(bytes);
        } else if bytes == b"--" {
            options = false;
        } else if let Some(long) = bytes.strip_prefix(b"--") {
            let mut parts = long.splitn(2, |byte| *byte == b'=');
            let name = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
            let mut value = parts.next().map(<[u8]>::to_vec);
            if value.is_none() && LONG_VALUED.contains(&name.as_str()) {
                let (next, behind) = rest.split_first().ok_or_else(|| format!("--{name} needs a value"))?;
                value = Some(next.as_encoded_bytes().to_vec());
                rest = behind;
            }
            match name.as_str() {
                "rsh" => typed = value,
                "ipv4" => family = Some("-4"),
                "ipv6" => family = Some("-6"),
                _ => {}
            }
        } else {
            let cluster = &bytes[1..];
            let at = cluster.iter().position(|letter| VALUED.contains(letter));
            for letter in &cluster[..at.unwrap_or(cluster.len())] {
                match letter {
                    b'4' => family = Some("-4"),
                    b'6' => family = Some("-6"),
                    _ => {}
                }
            }
            let Some(at) = at else { continue };
            let mut value = cluster[at + 1..].strip_prefix(b"=").unwrap_or(&cluster[at + 1..]).to_vec();
            if value.is_empty() {
                let letter = char::from(cluster[at]);
                let (next, behind) = rest.split_first().ok_or_else(|| format!("-{letter} needs a value"))?;
                value = next.as_encoded_bytes().to_vec();
                rest = behind;
            }
            if cluster[at] == b'e' {
                typed = Some(value);
            }
        }
    }
    let found = operands.iter().find_map(|operand| Some((*operand, remote(operand)?)));
    let Some((operand, remote)) = found else {
        return Err("no remote host is named in this rsync command".to_owned());
    };
    // Only a shell on the command line carries a daemon's protocol (main.c `start_client`).
    if remote.daemon && typed.is_none() {
        let operand = escape(operand);
        return Err(format!(
            "{operand} is an rsync daemon, which rsync reaches without ssh: there is no login to diagnose"
        ));
    }
    let command = typed.or_else(|| shell.map(|shell| shell.as_encoded_bytes().to_vec()));
    let command = command.unwrap_or_else(|| b"ssh".to_vec());
    let mut shell = split(&command).into_iter();
    let first = shell.next().map(|word| os(&word)).unwrap_or_default();
    if program(&first) != Some("ssh") {
        let first = escape(first.as_encoded_bytes());
        return Err(format!("rsync goes through {first} here and not through ssh: there is no login to diagnose"));
    }
    let mut line: Vec<OsString> = shell.map(|word| os(&word)).collect();
    if let Some(user) = &remote.user {
        line.extend(["-l".into(), os(user)]);
    }
    line.extend(family.map(OsString::from));
    line.push(os(&remote.host));
    line.push("rsync".into());
    let parsed = super::parse_as(Some("ssh"), &line, tags)?;
    let at = |user: &Vec<u8>| [user.as_slice(), b"@"].concat();
    let destination = [remote.user.as_ref().map(at).unwrap_or_default(), remote.host].concat();
    Ok(Arguments {
        program: "rsync".to_owned(),
        path: Some(first).filter(|first| first.as_encoded_bytes().contains(&b'/')),
        destination: Some(os(&destination)),
        ..parsed
    })
}

/// The words of a remote shell: parted by blanks, `'…'` and `"…"` held together, a doubled quote within them standing for
/// itself (main.c `do_cmd`).
fn split(command: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut bytes = command.iter().copied().peekable();
    loop {
        while bytes.next_if_eq(&b' ').is_some() {}
        if bytes.peek().is_none() {
            return words;
        }
        let (mut word, mut quote) = (Vec::new(), None);
        while let Some(byte) = bytes.next_if(|byte| quote.is_some() || *byte != b' ') {
            match byte {
                b'\'' | b'"' if quote.is_none() => quote = Some(byte),
                _ if quote == Some(byte) && bytes.next_if_eq(&byte).is_none() => quote = None,
                _ => word.push(byte),
            }
        }
        words.push(word);
    }
}

/// `[user@]host:path`, `[user@]host::module`, `rsync://[user@]host[:port]/module`; `None` where it is a local file.
fn remote(word: &[u8]) -> Option<Remote> {
    let url = word.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"rsync://"));
    let rest = if url { &word[8..] } else { word };
    // The user may hold anything but what ends a host.
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'[')).unwrap_or(rest.len());
    let at = rest[..end].iter().rposition(|byte| *byte == b'@').filter(|at| !rest[..*at].contains(&b':') || url);
    let (user, rest) = match at {
        Some(at) => (Some(rest[..at].to_vec()).filter(|user| !user.is_empty()), &rest[at + 1..]),
        None => (None, rest),
    };
    let host = if rest.starts_with(b"[") {
        rest.iter().position(|byte| *byte == b']').map(|end| &rest[..=end])?
    } else {
        let end = rest.iter().position(|byte| matches!(byte, b':' | b'/')).unwrap_or(rest.len());
        &rest[..end]
    };
    let behind = &rest[host.len()..];
    let daemon = url || behind.starts_with(b"::");
    let named = !host.is_empty() && (url || behind.starts_with(b":"));
    named.then(|| Remote { user, host: without_brackets(host).to_vec(), daemon })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, shell: Option<&str>) -> Result<Arguments, String> {
        let words: Vec<OsString> = shlex::split(line).unwrap().into_iter().map(OsString::from).collect();
        parse(&words, shell.map(OsStr::new), true)
    }

    #[test]
    fn the_login_is_that_of_the_remote_side_and_of_the_shell_that_rsync_starts() {
        for (line, shell, host, passed) in [
            ("-av dir/ web1:dir", None, "web1", ""),
            ("-av a@web1:dir .", None, "web1", "-l a"),
            ("-avz -e 'ssh -p 2222 -i key' dir a@web1:", None, "web1", "-p 2222 -i key -l a"),
            ("-aze 'ssh -i \"my key\"' dir web1:", None, "web1", "-i my key"),
            ("--rsh='ssh -p 2' --exclude x:y dir web1:", None, "web1", "-p 2"),
            ("--rsh 'ssh -p 2' dir web1:", Some("ssh -p 3"), "web1", "-p 2"),
            ("dir web1:", Some("ssh -p 3"), "web1", "-p 3"),
            ("--port 873 --timeout 9 -6 dir web1:", None, "web1", "-6"),
            ("-e ssh web1::module .", None, "web1", ""),
            ("-e ssh rsync://a@web1:873/module .", None, "web1", "-l a"),
            ("-a ./x:y a@[2001:db8::7]:dir", None, "2001:db8::7", "-l a"),
            ("-a -- -odd web1:", None, "web1", ""),
        ] {
            let found = read(line, shell).unwrap_or_else(|error| panic!("{line}: {error}"));
            let words: Vec<_> = found.words().iter().map(|word| word.to_str().unwrap().to_owned()).collect();
            assert_eq!((found.host.to_str().unwrap(), words.join(" ").as_str()), (host, passed), "{line}");
            assert_eq!(found.program, "rsync");
        }
        assert_eq!(read("-e /opt/bin/ssh d web1:", None).unwrap().path, Some("/opt/bin/ssh".into()));
        assert_eq!(read("d a@web1:x", None).unwrap().destination, Some("a@web1".into()));
    }

    #[test]
    fn what_goes_without_ssh_is_said() {
        for (line, shell, part) in [
            ("a b", None, "no remote host"),
            ("web1::module .", None, "daemon"),
            ("web1::module .", Some("ssh"), "daemon"),
            ("rsync://web1/module .", None, "daemon"),
            ("-e rsh dir web1:", None, "through rsh"),
            ("-e", None, "needs a value"),
            ("dir web1:", Some("/usr/bin/mosh"), "through /usr/bin/mosh"),
        ] {
            let error = read(line, shell).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
