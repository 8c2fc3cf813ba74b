//! git's command line as far as it names a repository elsewhere (git's builtin/clone.c, fetch.c, push.c, ls-remote.c), and
//! which ssh git starts for it (connect.c `parse_connect_url`, `get_ssh_command`, `fill_ssh_args`, `git_connect`).

use std::ffi::OsString;

use super::destination::{os, without_brackets};
use super::{Arguments, program};
use crate::facts::text::escape;

/// Options before the subcommand that say which repository and configuration are meant; those that take a value.
const GLOBALS_WITH_VALUE: &[&str] = &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env"];

/// Subcommands that go to another repository, and their options whose value is the next word.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "clone",
        &[
            "-o",
            "--origin",
            "-b",
            "--branch",
            "-u",
            "--upload-pack",
            "-c",
            "--config",
            "-j",
            "--jobs",
            "--reference",
            "--reference-if-able",
            "--template",
            "--depth",
            "--shallow-since",
            "--shallow-exclude",
            "--separate-git-dir",
            "--server-option",
            "--filter",
            "--bundle-uri",
            "--revision",
            "--ref-format",
        ],
    ),
    (
        "fetch",
        &[
            "-j",
            "--jobs",
            "-o",
            "--server-option",
            "--depth",
            "--deepen",
            "--shallow-since",
            "--shallow-exclude",
            "--refmap",
            "--upload-pack",
            "--negotiation-tip",
            "--filter",
        ],
    ),
    (
        "pull",
        &[
            "-j",
            "--jobs",
            "-o",
            "--server-option",
            "--depth",
            "--deepen",
            "--shallow-since",
            "--shallow-exclude",
            "--refmap",
            "--upload-pack",
            "--negotiation-tip",
            "-s",
            "--strategy",
            "-X",
            "--strategy-option",
            "--cleanup",
        ],
    ),
    ("push", &["--receive-pack", "--exec", "-o", "--push-option"]),
    ("ls-remote", &["--upload-pack", "--exec", "-o", "--server-option", "--sort"]),
    ("archive", &["--exec", "-o", "--output", "--prefix", "--mtime", "--add-file", "--add-virtual-file"]),
];

/// A git command that goes to another repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The options before the subcommand, as typed: git itself is asked with them.
    pub globals: Vec<OsString>,
    /// The remote's name or the repository's URL; `None` where git takes the one it would take by itself.
    pub remote: Option<OsString>,
    /// Whether git would push there.
    pub push: bool,
    /// `-4` or `-6`, which git passes on to ssh.
    pub family: Option<&'static str>,
    /// Whether `-v` was given.
    pub verbose: bool,
}

/// What a first word that is no subcommand known here means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A command that goes to another repository.
    Call(Call),
    /// This word may be an alias: its place among the words, and the options before it.
    Alias(usize, Vec<OsString>),
}

/// Takes git's words apart.
///
/// # Errors
/// A sentence for the person who typed it.
pub fn read(words: &[OsString]) -> Result<Read, String> {
    let mut call = Call::default();
    let mut rest = words;
    let command = loop {
        let Some((word, behind)) = rest.split_first() else {
            return Err("no git command is named".to_owned());
        };
        rest = behind;
        let text = word.to_str().unwrap_or_default();
        if !text.starts_with('-') {
            break text;
        }
        let name = text.split('=').next().unwrap_or_default();
        if !GLOBALS_WITH_VALUE.contains(&name) && text != "--bare" {
            continue;
        }
        call.globals.push(word.clone());
        if GLOBALS_WITH_VALUE.contains(&text) {
            let (value, behind) = rest.split_first().ok_or_else(|| format!("{text} needs a value"))?;
            call.globals.push(value.clone());
            rest = behind;
        }
    };
    if command == "remote" {
        // `git remote update web`, `git remote show web`: these go to the remote that they name.
        let mut words = rest.iter().filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
        return match words.next().and_then(|word| word.to_str()) {
            Some("update" | "show" | "prune") => {
                call.remote = words.next().cloned();
                Ok(Read::Call(call))
            }
            _ => Err("this git remote command goes to no other repository".to_owned()),
        };
    }
    if command == "submodule" {
        return Err("a submodule has a remote of its own: name it, as in `sshdoctor git -C PATH fetch`".to_owned());
    }
    let Some((_, valued)) = COMMANDS.iter().find(|(name, _)| *name == command) else {
        return Ok(Read::Alias(words.len() - rest.len() - 1, call.globals));
    };
    call.push = command == "push";
    let mut operands = Vec::new();
    while let Some((word, behind)) = rest.split_first() {
        rest = behind;
        let text = word.to_str().unwrap_or_default();
        match text {
            "--" => {
                operands.extend_from_slice(rest);
                break;
            }
            "-4" | "--ipv4" => call.family = Some("-4"),
            "-6" | "--ipv6" => call.family = Some("-6"),
            "-v" | "--verbose" => call.verbose = true,
            _ if valued.contains(&text) => rest = rest.get(1..).unwrap_or_default(),
            _ if text.starts_with("--remote=") || text.starts_with("--repo=") => {
                call.remote = text.split_once('=').map(|(_, value)| value.into());
            }
            "--remote" | "--repo" => {
                call.remote = rest.first().cloned();
                rest = rest.get(1..).unwrap_or_default();
            }
            _ if word.as_encoded_bytes().starts_with(b"-") => {}
            _ => operands.push(word.clone()),
        }
    }
    call.remote = if command == "archive" { call.remote } else { operands.into_iter().next().or(call.remote) };
    match command {
        "clone" if call.remote.is_none() => Err("no repository is named in this git clone".to_owned()),
        "archive" if call.remote.is_none() => {
            Err("git archive without --remote goes to no other repository".to_owned())
        }
        _ => Ok(Read::Call(call)),
    }
}

/// Which ssh git would start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shell {
    /// `GIT_SSH_COMMAND`, else `core.sshCommand`: a line for a shell, and where it stands.
    pub command: Option<(String, &'static str)>,
    /// `GIT_SSH`: a program.
    pub program: Option<OsString>,
    /// `GIT_SSH_VARIANT`, else `ssh.variant`.
    pub variant: Option<String>,
    /// `HOME`, for a `~/` in the line.
    pub home: Option<String>,
}

/// The login that git makes for the repository at `url`, in the words of ssh's own command line.
///
/// # Errors
/// A sentence where git goes there without ssh, or through something that cannot be followed here.
pub fn login(call: &Call, url: &[u8], shell: &Shell, tags: bool) -> Result<Arguments, String> {
    let place = place(url)?;
    let (path, options) = ssh(shell)?;
    let mut line = options;
    line.extend(call.family.map(OsString::from));
    if let Some(port) = &place.port {
        line.extend(["-p".into(), os(port)]);
    }
    line.push(os(&place.host));
    let program = if call.push { "git-receive-pack" } else { "git-upload-pack" };
    line.extend([program.into(), os(&place.path)]);
    let parsed = super::parse_as(Some("ssh"), &line, tags)?;
    let destination = [&place.host[..], b":", &place.path].concat();
    let verbose = parsed.verbose || call.verbose;
    let (destination, repository) = (Some(os(&destination)), Some(os(&place.path)));
    Ok(Arguments { program: "git".to_owned(), path, destination, repository, verbose, ..parsed })
}

/// Where a repository lies.
struct Place {
    /// `[user@]host`, as ssh is given it.
    host: Vec<u8>,
    port: Option<Vec<u8>>,
    path: Vec<u8>,
}

fn place(url: &[u8]) -> Result<Place, String> {
    let shown = escape(url);
    let scheme = url.windows(3).position(|part| part == b"://").map(|at| (&url[..at], &url[at + 3..]));
    let colon = url.iter().position(|byte| *byte == b':');
    let slash = url.iter().position(|byte| *byte == b'/');
    match scheme {
        Some((b"ssh" | b"git+ssh" | b"ssh+git", rest)) => {
            let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            let (authority, path) = (&rest[..end], &rest[end..]);
            // `/~user` stands for somebody's home.
            let path = if path.starts_with(b"/~") { &path[1..] } else { path };
            if path.len() < 2 {
                return Err(format!("{shown} names no repository"));
            }
            let at = authority.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
            let (user, host) = authority.split_at(at);
            let end = if host.starts_with(b"[") {
                host.iter().position(|byte| *byte == b']').map_or(host.len(), |at| at + 1)
            } else {
                host.iter().position(|byte| *byte == b':').unwrap_or(host.len())
            };
            let port = host[end..].strip_prefix(b":").filter(|port| !port.is_empty()).map(<[u8]>::to_vec);
            named(user, without_brackets(&host[..end]), port, path, &shown)
        }
        Some((scheme, _)) if scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)) => {
            Err(format!("git reaches {shown} by {} and not by ssh: there is no login to diagnose", escape(scheme)))
        }
        // connect.c `url_is_local_not_ssh`: a slash before the colon makes it a file.
        _ => match colon {
            Some(at) if url[at..].starts_with(b"::") => {
                Err(format!("git reaches {shown} by a remote helper and not by ssh: there is no login to diagnose"))
            }
            Some(at) if slash.is_none_or(|slash| at < slash) => {
                let open = url[..at].iter().position(|byte| *byte == b'[');
                let close = open.and_then(|_| url.windows(2).position(|part| part == b"]:"));
                let (host, path) = match (open, close) {
                    (Some(_), Some(close)) => (&url[..=close], &url[close + 2..]),
                    _ => (&url[..at], &url[at + 1..]),
                };
                let at = host.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
                let (user, host) = host.split_at(at);
                named(user, without_brackets(host), None, path, &shown)
            }
            _ => Err(format!("{shown} is a folder of this machine: there is no login to diagnose")),
        },
    }
}

fn named(user: &[u8], host: &[u8], port: Option<Vec<u8>>, path: &[u8], shown: &str) -> Result<Place, String> {
    // connect.c refuses these, so that no option is smuggled in.
    if host.is_empty() || host.starts_with(b"-") || path.starts_with(b"-") {
        return Err(format!("{shown} is no repository that git would go to by ssh"));
    }
    Ok(Place { host: [user, host].concat(), port, path: path.to_vec() })
}

/// The ssh program, where it is named by a path, and the options that stand behind it.
fn ssh(shell: &Shell) -> Result<(Option<OsString>, Vec<OsString>), String> {
    let (words, source) = match (&shell.command, &shell.program) {
        (Some((line, source)), _) => (words_of(line, source, shell.home.as_deref())?, *source),
        (None, Some(program)) => (vec![program.clone()], "GIT_SSH"),
        (None, None) => return Ok((None, Vec::new())),
    };
    let Some((first, options)) = words.split_first() else { return Err(format!("{source} is empty")) };
    let name = escape(first.as_encoded_bytes());
    let variant = shell.variant.as_deref().unwrap_or("auto");
    let is_ssh = program(first) == Some("ssh") || name.ends_with("/ssh.exe") || name == "ssh.exe" || variant == "ssh";
    if !is_ssh || !matches!(variant, "ssh" | "auto") {
        let what = if variant == "auto" || is_ssh && variant == "ssh" { name } else { format!("{name} ({variant})") };
        return Err(format!(
            "git starts {what} in the place of ssh here ({source}), which is not followed; name the host: \
             `sshdoctor git@HOST` tells what ssh itself meets there"
        ));
    }
    let path = Some(first.clone()).filter(|first| first.as_encoded_bytes().contains(&b'/'));
    Ok((path, options.to_vec()))
}

/// The words of a shell's line, where it is nothing but words.
fn words_of(line: &str, source: &str, home: Option<&str>) -> Result<Vec<OsString>, String> {
    let refused = || {
        format!(
            "{source} needs a shell to be understood ({}); put the ssh command that it comes to after sshdoctor",
            escape(line.as_bytes())
        )
    };
    if line.contains(['$', '`', ';', '&', '|', '<', '>', '(', ')', '*', '?', '\n', '#']) {
        return Err(refused());
    }
    let words = shlex::split(line).ok_or_else(refused)?;
    if words.first().is_some_and(|word| word.contains('=')) {
        return Err(refused());
    }
    let expand = |word: String| match (word.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => word,
    };
    Ok(words.into_iter().map(|word| OsString::from(expand(word))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        shlex::split(line).unwrap().into_iter().map(OsString::from).collect()
    }

    fn call(line: &str) -> Call {
        match read(&words(line)) {
            Ok(Read::Call(call)) => call,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_repository_is_the_first_operand_of_a_command_that_goes_there() {
        for (line, remote, push) in [
            ("clone git@host:team/app.git", Some("git@host:team/app.git"), false),
            ("clone --depth 1 -b main --filter=blob:none host:x dir", Some("host:x"), false),
            ("-C /srv -c core.sshCommand='ssh -v' fetch", None, false),
            ("fetch --prune origin main", Some("origin"), false),
            ("pull -s ours web", Some("web"), false),
            ("push -u origin HEAD", Some("origin"), true),
            ("push --repo=web", Some("web"), true),
            ("push -o ci.skip", None, true),
            ("ls-remote -4 -- host:x", Some("host:x"), false),
            ("remote -v update web", Some("web"), false),
            ("archive --remote=host:x HEAD", Some("host:x"), false),
        ] {
            let found = call(line);
            assert_eq!((found.remote.as_ref().and_then(|word| word.to_str()), found.push), (remote, push), "{line}");
        }
        assert_eq!(call("-C /srv --no-pager -c a.b=c fetch").globals, words("-C /srv -c a.b=c"));
        assert_eq!(call("ls-remote -6 host:x").family, Some("-6"));
        assert_eq!(read(&words("-C d up x")), Ok(Read::Alias(2, words("-C d"))));
        for (line, part) in [
            ("", "no git command"),
            ("clone", "no repository"),
            ("remote -v", "no other repository"),
            ("submodule update", "own"),
            ("archive HEAD", "--remote"),
            ("-C", "needs a value"),
        ] {
            let error = read(&words(line)).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn every_way_to_write_a_repository_means_the_login_that_git_makes() {
        let shell = Shell::default();
        for (url, host, passed, path) in [
            ("git@host:team/app.git", "host", "-l git", "team/app.git"),
            ("host:22", "host", "", "22"),
            ("git@[2001:db8::7]:x", "2001:db8::7", "-l git", "x"),
            ("ssh://git@host/team/app.git", "host", "-l git", "/team/app.git"),
            ("ssh://git@host:2222/~a/x", "host", "-p 2222 -l git", "~a/x"),
            ("git+ssh://host/x", "host", "", "/x"),
            ("ssh://a@[2001:db8::7]:22/x", "2001:db8::7", "-p 22 -l a", "/x"),
        ] {
            let found = login(&Call::default(), url.as_bytes(), &shell, true).unwrap_or_else(|error| panic!("{error}"));
            let line: Vec<_> = found.words().iter().map(|word| word.to_str().unwrap().to_owned()).collect();
            assert_eq!((found.host.to_str().unwrap(), line.join(" ").as_str()), (host, passed), "{url}");
            assert_eq!(found.command, ["git-upload-pack", path], "{url}");
        }
        for (url, part) in [
            ("https://host/x", "by https and not by ssh"),
            ("git://host/x", "by git and not by ssh"),
            ("file:///x", "by file"),
            ("../x:y", "folder of this machine"),
            ("/srv/x", "folder of this machine"),
            ("ext::sh -c x", "remote helper"),
            ("ssh://-oProxyCommand=x/y", "no repository that git"),
            ("ssh://host", "names no repository"),
        ] {
            let error = login(&Call::default(), url.as_bytes(), &shell, true).expect_err(url);
            assert!(error.contains(part), "{url}: {error}");
        }
    }

    #[test]
    fn the_ssh_that_git_starts_is_followed_as_far_as_it_is_words() {
        let with = |line: &str, variant: Option<&str>| {
            let command = Some((line.to_owned(), "core.sshCommand"));
            let shell =
                Shell { command, variant: variant.map(str::to_owned), home: Some("/home/a".into()), program: None };
            login(&Call::default(), b"git@host:x", &shell, true).map(|found| {
                let words: Vec<_> = found.words().iter().map(|word| word.to_str().unwrap().to_owned()).collect();
                (found.path, words.join(" "))
            })
        };
        let expected = Ok((None, "-i /home/a/.ssh/my key -o IdentitiesOnly=yes -l git".to_owned()));
        assert_eq!(with("ssh -i '~/.ssh/my key' -o IdentitiesOnly=yes", None), expected);
        assert_eq!(with("/opt/bin/ssh -v", None), Ok((Some("/opt/bin/ssh".into()), "-l git".to_owned())));
        for line in ["ssh -i $KEY", "if x; then ssh; fi", "SSH_AUTH_SOCK= ssh", "ssh 'x"] {
            assert!(with(line, None).unwrap_err().contains("needs a shell"), "{line}");
        }
        assert!(with("plink -batch", None).unwrap_err().contains("plink"));
        assert!(with("ssh", Some("tortoiseplink")).unwrap_err().contains("tortoiseplink"));
        assert!(with("myssh -i k", Some("ssh")).is_ok());
        let shell = Shell { program: Some("/usr/bin/plink".into()), ..Shell::default() };
        assert!(login(&Call::default(), b"h:x", &shell, true).unwrap_err().contains("GIT_SSH"));
    }
}
