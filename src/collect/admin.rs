//! The server's side over another login that works (`--admin`): the collector goes in by standard input, and what it
//! prints comes out.
//!
//! Touches: runs the installed ssh for that login, as its own configuration says (jump hosts, agents, a live
//! ControlMaster), forwards nothing and asks for no terminal. There it runs `/bin/sh`, as root where `sudo -n` lets it,
//! and leaves nothing behind. The process group is ended with the run.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

use super::config::program::{Group, capped, find_named};
use super::{Request, Waiting, account, case};
use crate::facts::account::{Account, Over};
use crate::facts::key::PublicKey;
use crate::facts::text::{Host, ServerText};
use crate::facts::{Facts, Unobserved};
use crate::openssh::course;

/// What the login runs. Any login shell reads it the same way: no quote, no `!` and no backslash stands between the
/// quotes. The address is the client's as that server sees it; standard input is the collector.
const REMOTE: &str = "/bin/sh -c 'echo \"sshdoctor-admin $(id -u)\"; from=${SSH_CONNECTION:-}; from=${from%% *}; \
                      if test \"$(id -u)\" = 0; then exec /bin/sh -s -- \"$from\"; fi; \
                      if sudo -nk /bin/sh -c : 2>/dev/null; then exec sudo -nk /bin/sh -s -- \"$from\"; fi; \
                      exec /bin/sh -s -- \"$from\"'";
/// The word before the user id of the login.
const MARK: &[u8] = b"sshdoctor-admin ";
/// How much output is read.
const MOST_BYTES: usize = 64 << 20;
/// How much of ssh's complaints is kept.
const MOST_SAID: usize = 64 << 10;

/// What that ssh does not do, whatever its configuration says.
const FIRST: &[&str] = &[
    // An ssh that has not heard of these does without.
    "IgnoreUnknown=RemoteCommand,SessionType,StdinNull,ForkAfterAuthentication",
    "SessionType=default",
    "StdinNull=no",
    "ForkAfterAuthentication=no",
    "ControlMaster=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "Tunnel=no",
    "LogLevel=ERROR",
];

/// Looks at the target's own side over the login `destination` and joins it with what the client saw.
pub(super) async fn collect(
    destination: &OsStr,
    request: &Request,
    facts: &mut Facts,
    deadline: Instant,
    waiting: &Waiting<'_>,
) {
    let login = Host::new(destination.as_encoded_bytes());
    waiting(&format!("the server's own side, over {login}"));
    facts.over = Some(Over { login: login.clone(), uid: None });
    let seen = examine(destination, request, facts, deadline).await;
    let joined = seen.and_then(|(uid, account)| {
        facts.over = Some(Over { login: login.clone(), uid });
        case::join(facts, account)
    });
    if let Err(sentence) = joined {
        facts.account = Err(Unobserved::Failed(format!("--admin {login}: {sentence}")));
    }
}

/// Runs the collector there: the user id of that login, and what was seen.
async fn examine(
    destination: &OsStr,
    request: &Request,
    facts: &Facts,
    deadline: Instant,
) -> Result<(Option<u32>, Account), String> {
    let user = facts.target.as_ref().map_err(|_| "no target is known".to_owned())?.user.as_bytes().to_vec();
    let script = script(&user, in_question(facts).as_ref())?;
    let program = facts.config.ssh.as_ref().ok().map(|ssh| ssh.path.to_path_buf());
    let program = program.or_else(|| find_named("ssh")).ok_or("it takes the ssh program, which is not here")?;
    let words = words(destination, request);
    let printed = run(&program, &words, &script, request.person.is_none(), deadline).await;
    let printed = printed.map_err(|error| format!("{}: {error}", program.display()))?;
    let Some(Printed { status, stdout, stderr }) = printed else {
        return Err("it did not end in time (--timeout gives it longer)".to_owned());
    };
    let (uid, output) = parted(&stdout);
    match output {
        Some(output) => Ok((uid, account::read(output)?)),
        None if uid.is_some() => Err(format!("its shell did not run the collector{}", because(&stderr))),
        None if status == Some(255) => Err(format!("that login fails{}", because(&stderr))),
        None => Err(format!("no POSIX shell answered there{}", because(&stderr))),
    }
}

/// ssh's last words, as a clause.
fn because(stderr: &[u8]) -> String {
    let mut lines = stderr.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let last = lines.rfind(|line| !line.is_empty());
    last.map(|line| format!(": {}", ServerText::new(line).shortened(300))).unwrap_or_default()
}

/// The key that the collector looks for in files: the one that is meant, else the first that ssh offers.
fn in_question(facts: &Facts) -> Option<PublicKey> {
    let turns = course::course(facts).ok()?;
    let meant = course::meant(facts, &turns).and_then(|turn| turn.offer.key.clone());
    meant.or_else(|| turns.into_iter().find_map(|turn| turn.offer.key))
}

/// The collector with its own words in front, for a shell that has the client's address as its first word.
fn script(user: &[u8], key: Option<&PublicKey>) -> Result<Vec<u8>, String> {
    let request = account::Request { user: Some(os(user)), ..account::Request::default() };
    let asked: Vec<PublicKey> = key.cloned().into_iter().collect();
    let words = account::words(&request, &asked).map_err(|error| format!("{error:#}"))?;
    let mut script = b"set -- --from \"${1:-}\"".to_vec();
    for word in &words {
        let quoted = shlex::bytes::try_quote(word.as_encoded_bytes());
        script.push(b' ');
        script.extend_from_slice(&quoted.map_err(|_| "the account's name holds a NUL".to_owned())?);
    }
    script.push(b'\n');
    script.extend_from_slice(account::SCRIPT.as_bytes());
    Ok(script)
}

fn os(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes).to_owned()
}

/// What stands behind the word `ssh`.
fn words(destination: &OsStr, request: &Request) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["-T".into()];
    // The target's configuration file is the admin's too.
    let pairs = request.arguments.pairs();
    if let Some((_, Some(file))) = pairs.into_iter().find(|(letter, _)| *letter == b'F') {
        words.extend(["-F".into(), file]);
    }
    let batch = request.person.is_none().then_some("BatchMode=yes");
    for option in FIRST.iter().copied().chain(batch) {
        words.extend(["-o".into(), option.into()]);
    }
    words.extend(["--".into(), destination.to_owned(), REMOTE.into()]);
    words
}

/// What a run of ssh printed.
struct Printed {
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs ssh with `input`; `None` where the time was up. `apart`: in a process group of its own, where no question can be
/// put to the terminal.
async fn run(
    program: &PathBuf,
    words: &[OsString],
    input: &[u8],
    apart: bool,
    deadline: Instant,
) -> io::Result<Option<Printed>> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if apart {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let group = apart.then(|| Group::of(&child));
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A login that fails does not take it.
            let _ = stdin.write_all(input).await;
        }
    };
    let whole = async {
        let ((), stdout, stderr, status) =
            tokio::join!(feed, capped(stdout, MOST_BYTES), capped(stderr, MOST_SAID), child.wait());
        status.map(|status| Printed { status: status.code(), stdout, stderr })
    };
    let Ok(printed) = timeout_at(deadline, whole).await else { return Ok(None) };
    if let Some(group) = group {
        group.ended();
    }
    printed.map(Some)
}

/// The user id that the login's shell printed, and the collector's output; what start files print before it is passed
/// over.
fn parted(stdout: &[u8]) -> (Option<u32>, Option<&[u8]>) {
    let mut uid = None;
    let mut rest = stdout;
    while !rest.is_empty() {
        if rest.starts_with(account::MAGIC) {
            return (uid, Some(rest));
        }
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let line = rest[..end].trim_ascii();
        let id = line.strip_prefix(MARK).and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        uid = id.or(uid);
        rest = &rest[end..];
    }
    (uid, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_start_files_print_is_passed_over() {
        let printed = b"Welcome!\nsshdoctor-admin 1002\nsshdoctor-account/1\n[host]\n[end]\n";
        let (uid, output) = parted(printed);
        assert_eq!(uid, Some(1002));
        assert!(account::read(output.unwrap()).unwrap().collector.complete);
        assert_eq!(parted(b"This account is currently not available.\n"), (None, None));
        assert_eq!(parted(b"sshdoctor-admin 0\n"), (Some(0), None));
    }

    #[test]
    fn the_account_s_name_is_one_word_of_the_script() {
        for name in [&b"deploy"[..], b"a b", b"$(reboot)", b"it's", b"-x", b"new\nline"] {
            let script = script(name, None).unwrap();
            let line = script.split(|byte| *byte == b'\n').take(name.split(|byte| *byte == b'\n').count());
            let mut line = line.collect::<Vec<_>>().join(&b'\n');
            line.extend_from_slice(b"\nprintf %s \"$4\"");
            let out = std::process::Command::new("sh").args(["-c".as_ref(), os(&line).as_os_str()]).output().unwrap();
            assert_eq!(out.stdout, name, "{}", String::from_utf8_lossy(&line));
        }
    }

    #[test]
    fn every_login_shell_reads_the_command_as_one() {
        let inner = shlex::split(REMOTE).unwrap();
        assert_eq!(inner.len(), 3);
        assert!(!inner[2].contains(['\'', '!', '\\', '\n']), "{}", inner[2]);
    }
}
