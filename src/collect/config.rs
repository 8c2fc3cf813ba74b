//! The client's configuration, by `ssh -vvv -G` (ssh.c `main`, readconf.c `dump_client_config`).
//!
//! Touches: runs the installed ssh with `-V` and `-G` (and through it any `Match exec` command, as ssh would); reads the
//! configuration files for Host names and the lines that ssh complains of; asks the multiplexing socket, where one is
//! configured, whether it takes a connection. Where ssh does not take an option, or a path of Windows leaves it nothing to
//! offer, it looks for other ssh programs on PATH and runs them with `-V`, in the first case with `-G` too.

mod files;
pub(super) mod program;
mod said;

pub(super) use said::complaint;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::Request;
use super::live::off_thread;
use super::mount;
use super::system::{errno, variable};
use crate::facts::checkup::{Block, ConfigFile};
use crate::facts::config::{Complaint, ComplaintKind, ControlMaster, Options, OtherSsh, Programs, SshProgram};
use crate::facts::text::{self, Host, ServerText};
use crate::facts::{Facts, Run, Source, Target, Unobserved, UserFrom};
use crate::openssh::arguments::{Arguments, keyword_and_value};
use crate::openssh::identities::offers;
use crate::openssh::{defaults, tokens, windows};

use program::Printed;

/// How long the multiplexing socket may take to answer.
const MASTER_LIMIT: Duration = Duration::from_secs(1);

/// How long another ssh program may take to name its version, or to read its configuration.
const OTHER_LIMIT: Duration = Duration::from_secs(2);

/// The longest path of a socket with its NUL (`sun_path`): a longer `ControlPath` makes ssh stop.
const SOCKET_PATH: usize = if cfg!(target_os = "linux") { 108 } else { 104 };

/// ssh's `-P` takes a value from this version on.
const TAGS: (u32, u32) = (9, 4);

/// Fills `facts.target` and `facts.config`.
pub async fn collect(request: &Request, facts: &mut Facts) {
    let arguments = &request.arguments;
    facts.config.arguments = arguments.options.iter().map(|word| word.as_encoded_bytes().into()).collect();
    facts.config.options = defaults::with_command_line(arguments, &facts.run.user);
    facts.target = Ok(target(arguments, &facts.config.options));

    evaluate(arguments, facts).await;

    let named = arguments.pairs().into_iter().rev().find_map(|(letter, value)| value.filter(|_| letter == b'F'));
    // The passwd database and the files may lie on a network that does not answer.
    let view = Arc::new(facts.clone());
    let looked = off_thread(&view, move |facts| {
        let homes = homes(&facts.config.options);
        let view = Facts { run: Run { homes: homes.clone(), ..facts.run.clone() }, ..facts.clone() };
        Ok((homes, files::read(&view, named.as_deref(), &variable)))
    });
    let (homes, seen) = looked.await.unwrap_or_default();
    facts.run.homes = homes;
    let user_from = user_from(arguments, facts, &seen.users);
    if let Ok(target) = &mut facts.target {
        target.user_from = user_from;
    }
    facts.config.aliases = seen.aliases;
    control_master(facts).await;
    if facts.config.evaluated && facts.config.complaint.is_none() {
        facts.config.complaint = unexpandable(facts);
    }
}

/// A file name that ssh cannot expand, so that it ends before it logs in (ssh.c `load_public_identity_files`); -G prints
/// it as it stands.
fn unexpandable(facts: &Facts) -> Option<Complaint> {
    let values = ["identityfile", "certificatefile"]
        .into_iter()
        .flat_map(|keyword| facts.config.options.all(keyword).map(move |value| (keyword, value)));
    values.filter(|(_, value)| *value != "none").find_map(|(keyword, value)| {
        let reason = tokens::path(value, facts, &variable).err()?;
        Some(Complaint {
            kind: ComplaintKind::Other,
            at: Source::Command("ssh -G".to_owned()),
            line: Some(format!("{keyword} {value}").into()),
            said: vec![format!("{keyword} {value}: {reason}").into()],
        })
    })
}

/// Names without wildcards on `Host` lines of the configuration that ssh would read without `-F`.
pub fn aliases(facts: &Facts) -> Vec<Host> {
    files::read(facts, None, &variable).aliases.into_iter().map(|alias| alias.name).collect()
}

/// The configuration files that ssh would read without `-F`, and their blocks, both in ssh's order.
pub(super) fn blocks(facts: &Facts) -> (Vec<ConfigFile>, Vec<Block>) {
    let seen = files::read(facts, None, &variable);
    (seen.files, seen.blocks)
}

/// Whether the installed ssh's `-P` takes a value, as it does from 9.4 on; where there is no ssh, the newest is meant.
pub async fn knows_tags() -> bool {
    let Some(ssh) = program::find(None) else { return true };
    let version = program::version(&ssh).await.unwrap_or_default();
    tokens::version(&version).is_none_or(|version| version >= TAGS)
}

/// Asks ssh for the effective options and takes them over where it answers.
async fn evaluate(arguments: &Arguments, facts: &mut Facts) {
    let Some(ssh) = program::find(arguments.path.as_deref()) else {
        let what = arguments.path.as_ref().map_or_else(|| "ssh".to_owned(), |path| shown(path).to_string());
        facts.config.ssh = Err(Unobserved::Failed(format!("{what}: not found")));
        return;
    };
    let asked = words(arguments, &[]);
    let (printed, version) = tokio::join!(program::run(&ssh, &asked), program::version(&ssh));
    let printed = match printed {
        Ok(printed) => printed,
        Err(reason) => {
            facts.config.ssh = Err(reason);
            return;
        }
    };
    let version = version.unwrap_or_default();
    facts.config.ssh = Ok(SshProgram { path: text::Path::from_path(&ssh), version });

    let mut said = said::sort(&printed.stderr);
    let mut options = dumped(&printed);
    if options.is_none() && said.unresolved {
        // The name is judged where names are; here the rest of the configuration is wanted.
        let without = ["-o".into(), "CanonicalizeHostname=no".into()];
        if let Ok(printed) = program::run(&ssh, &words(arguments, &without)).await {
            said = said::sort(&printed.stderr);
            options = dumped(&printed);
        }
    }
    facts.config.applied = said.applied;
    facts.config.match_exec = said.match_exec;
    facts.config.inaccessible = said.inaccessible;
    match options {
        Some(options) => {
            facts.config.options = options;
            facts.config.evaluated = true;
            facts.target = Ok(target(arguments, &facts.config.options));
        }
        None if printed.status != Some(0) => {
            let mut complaint = complaint(said.rest);
            complaint.line = offending_line(&complaint, arguments);
            if let (ComplaintKind::Permissions, Source::File { path, .. }) = (complaint.kind, &complaint.at) {
                facts.config.mount = mount::of(&path.to_path_buf()).map(Box::new);
            }
            if matches!(complaint.kind, ComplaintKind::UnknownOption | ComplaintKind::BadValue) {
                facts.config.programs = Some(other_programs(&ssh, arguments).await);
            }
            facts.config.complaint = Some(complaint);
        }
        // It succeeded and printed nothing that ssh would: another program of that name.
        None => {}
    }
}

/// The other ssh programs on PATH, and whether each takes its configuration for the same login. A `ssh.exe` is none of
/// them: it reads the configuration of another system.
async fn other_programs(in_use: &Path, arguments: &Arguments) -> Programs {
    let asked = words(arguments, &[]);
    let mut others = Vec::new();
    for path in program::others(&["ssh"], in_use) {
        let (version, printed) = tokio::join!(other_version(&path), timeout(OTHER_LIMIT, program::run(&path, &asked)));
        let takes = printed.ok().and_then(Result::ok).map(|printed| dumped(&printed).is_some());
        others.push(OtherSsh { path: text::Path::from_path(&path), version, takes });
    }
    Programs { others, on_drives: Vec::new() }
}

/// Where ssh has nothing to offer and its configuration names paths of Windows: the other ssh programs, Windows' own among
/// them, and where the files are that those paths mean.
pub(super) async fn meant_for_windows(facts: &mut Facts) {
    let paths = windows::paths(&facts.config);
    let (Ok(ssh), Ok(_)) = (&facts.config.ssh, &facts.identities) else { return };
    if paths.is_empty() || !offers(facts).is_empty() {
        return;
    }
    let mut programs = Programs::default();
    let shown = paths.iter().filter_map(|(_, value)| windows::mounted(value));
    programs.on_drives = shown.filter(|path| Path::new(path).is_file()).map(|path| path.as_str().into()).collect();
    for path in program::others(&["ssh", "ssh.exe"], &ssh.path.to_path_buf()) {
        let version = other_version(&path).await;
        programs.others.push(OtherSsh { path: text::Path::from_path(&path), version, takes: None });
    }
    facts.config.programs = Some(programs);
}

async fn other_version(path: &Path) -> String {
    timeout(OTHER_LIMIT, program::version(path)).await.ok().and_then(Result::ok).unwrap_or_default()
}

/// The words for ssh: `-vvv -G`, `first`, the command line's options, the host. Another command stands for the remote
/// one: whether there is one decides whether ssh takes `RemoteCommand` and `SessionType` as they are.
fn words(arguments: &Arguments, first: &[OsString]) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["-vvv".into(), "-G".into()];
    words.extend_from_slice(first);
    words.extend(arguments.words());
    if let Some(onward) = &arguments.onward {
        words.extend(["-W".into(), onward.clone()]);
    }
    words.push("--".into());
    words.push(arguments.host.clone());
    if !arguments.command.is_empty() {
        words.push("true".into());
    }
    words
}

/// The options that ssh printed; `None` where it refused, or is no OpenSSH.
fn dumped(printed: &Printed) -> Option<Options> {
    if printed.status != Some(0) {
        return None;
    }
    let mut options = Options::default();
    for line in printed.stdout.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut parts = line.splitn(2, |byte| *byte == b' ');
        let keyword = String::from_utf8_lossy(parts.next().unwrap_or_default()).to_ascii_lowercase();
        // The level is that of our -vvv, not the user's.
        if keyword.is_empty() || keyword == "loglevel" {
            continue;
        }
        options.0.push((keyword, parts.next().unwrap_or_default().into()));
    }
    let complete = options.first("hostname").is_some() && options.first("port").is_some();
    complete.then_some(options)
}

/// The login that these arguments mean with these options.
fn target(arguments: &Arguments, options: &Options) -> Target {
    let value = |keyword: &str| options.0.iter().find(|(name, _)| name == keyword).map(|(_, value)| value.as_bytes());
    let alias = arguments.host.as_encoded_bytes();
    let command: Vec<&[u8]> = arguments.command.iter().map(|word| word.as_encoded_bytes()).collect();
    Target {
        input: arguments.destination.as_deref().map(OsStr::as_encoded_bytes).unwrap_or_default().into(),
        alias: alias.into(),
        user: value("user").unwrap_or_default().into(),
        user_from: UserFrom::default(),
        host: value("hostname").unwrap_or(alias).into(),
        port: options.first("port").and_then(|port| port.parse().ok()).unwrap_or(22),
        via: options
            .names("proxyjump")
            .into_iter()
            .filter(|hop| !hop.eq_ignore_ascii_case("none"))
            .map(Host::from)
            .collect(),
        program: arguments.program.clone(),
        command: (!command.is_empty()).then(|| ServerText::new(command.join(&b' '))),
        subsystem: arguments.subsystem,
        repository: arguments.repository.as_deref().map(|path| path.as_encoded_bytes().into()),
    }
}

/// Who chose the account: of everything that names one, ssh takes the first (ssh.c `main`, `options.user == NULL`).
fn user_from(arguments: &Arguments, facts: &Facts, users: &[(text::Path, u32)]) -> UserFrom {
    for (letter, value) in arguments.pairs() {
        match (letter, value) {
            (b'l', _) => return UserFrom::CommandLine,
            (b'o', Some(value)) if keyword_and_value(value.as_encoded_bytes()).0 == "user" => return UserFrom::Config,
            _ => {}
        }
    }
    let Ok(target) = &facts.target else { return UserFrom::LocalAccount };
    if facts.config.evaluated && target.user != facts.run.user {
        return UserFrom::Config;
    }
    // The same name as the local account's may still be what an applied block says.
    let applied = |path: &text::Path, block: u32| {
        let line = (block > 0).then_some(block);
        let at = Source::File { path: path.clone(), line };
        block == 0 || facts.config.applied.iter().any(|applied| applied.at == at)
    };
    if facts.config.evaluated && users.iter().any(|(path, block)| applied(path, *block)) {
        UserFrom::Config
    } else {
        UserFrom::LocalAccount
    }
}

/// The line or option that the complaint is about, where it can be told.
fn offending_line(complaint: &Complaint, arguments: &Arguments) -> Option<ServerText> {
    match &complaint.at {
        Source::File { path, line: Some(number) } => files::line(&path.to_path_buf(), *number),
        Source::CommandLine => {
            let options: Vec<_> =
                arguments.pairs().into_iter().filter_map(|(letter, value)| Some((letter, value?))).collect();
            let said: Vec<String> = complaint.said.iter().map(|line| line.to_string().to_ascii_lowercase()).collect();
            // ssh prints the keyword or the value, never both.
            let named = |value: &OsStr| {
                let (keyword, rest) = keyword_and_value(value.as_encoded_bytes());
                let rest = text::escape(rest).to_ascii_lowercase();
                said.iter().any(|line| {
                    line.ends_with(&format!(": {keyword}")) || (!rest.is_empty() && line.contains(&format!("'{rest}'")))
                })
            };
            let only = options.len() == 1;
            let (letter, value) = options.iter().find(|(letter, value)| {
                only || (*letter == b'o' && named(value))
                    || said.iter().any(|line| line.contains(&format!("'{}'", shown(value))))
            })?;
            let word = [&[b'-', *letter, b' '], value.as_encoded_bytes()].concat();
            Some(ServerText::new(word))
        }
        _ => None,
    }
}

/// The home folders of the accounts that option values name as `~account`.
fn homes(options: &Options) -> Vec<(text::User, text::Path)> {
    let mut homes: Vec<(text::User, text::Path)> = Vec::new();
    let words = options.0.iter().filter_map(|(_, value)| value.as_str()).flat_map(str::split_ascii_whitespace);
    for name in words.filter_map(|word| word.strip_prefix('~')) {
        let name = name.split('/').next().unwrap_or_default();
        if name.is_empty() || homes.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if let Ok(Some(account)) = nix::unistd::User::from_name(name) {
            homes.push((name.into(), text::Path::from_path(&account.dir)));
        }
    }
    homes
}

/// Asks whether a multiplexing master of this login is running, and whether the socket's path is one that ssh takes.
async fn control_master(facts: &mut Facts) {
    let options = &facts.config.options;
    let Some(value) = options.first("controlpath").filter(|value| !value.eq_ignore_ascii_case("none")) else { return };
    // Newer versions print it expanded; what is left of a token is expanded here.
    let unexpanded = value.starts_with('~') || value.contains('%') || value.contains("${");
    let path = if unexpanded { tokens::path(value, facts, &variable) } else { Ok(value.into()) };
    let path = match path {
        Ok(path) => path,
        Err(reason) => {
            facts.config.control_master = Err(Unobserved::Failed(format!("ControlPath: {reason}")));
            return;
        }
    };
    if path.as_bytes().len() >= SOCKET_PATH {
        // mux.c `muxclient` stops here before it connects anywhere; -G does not go that far.
        let said = format!("ControlPath too long ('{path}' >= {SOCKET_PATH} bytes)");
        facts.config.control_master = Err(Unobserved::Failed(said.clone()));
        facts.config.complaint.get_or_insert(Complaint {
            kind: ComplaintKind::Other,
            at: Source::Command("ssh -G".to_owned()),
            line: Some(format!("controlpath {value}").into()),
            said: vec![said.into()],
        });
        return;
    }
    let connected = timeout(MASTER_LIMIT, UnixStream::connect(path.to_path_buf())).await;
    let alive = matches!(connected, Ok(Ok(_)));
    let listens = !matches!(options.first("controlmaster"), None | Some("no" | "false"));
    let unbindable = if listens && !alive { unbindable(&path.to_path_buf()) } else { None };
    let stale = match connected {
        Ok(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Some(errno(&error)),
        _ => None,
    };
    facts.config.control_master = Ok(ControlMaster { path, alive, stale, unbindable });
}

/// Why no socket can be made at `path`: its folder is not there or may not be written.
fn unbindable(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK)
        .err()
        .map(|error| format!("{error:?}"))
}

fn shown(word: &OsStr) -> text::Path {
    text::Path::from_path(Path::new(word))
}
