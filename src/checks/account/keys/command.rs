//! The program that sshd asks for keys.

use crate::facts::account::{KeysLine, NodeStat};
use crate::facts::text::Path;
use crate::facts::{Facts, Observed};
use crate::openssh::authorized_keys::{self, Line};
use crate::openssh::sshd::key::{Obstacle, Outcome as Of};

use super::super::{Scene, deciding, edit, reload, unknown};
use super::{Found, found};
use crate::checks::{Blocks, Cause, Finding, Fix, Place, Step, naming};

pub(super) const AUTHORIZED_KEYS_COMMAND_FAILED: Cause = Cause {
    id: "server-authorized-keys-command-failed",
    title: "AuthorizedKeysCommand fails or does not answer with the key",
    blocks: Blocks::Accepted,
    place: Place::Server,
    doc: "The keys come from a program (LDAP, SSSD, a cloud's agent) that is missing, unsafe, failing, or does not know the \
          key.\n\nProven where the program is not there, its owner or mode or a folder above it makes sshd refuse to run it, its \
          account does not exist, or (with --run-keys-command) its answer does not hold the key.",
    prevent: "Keep the program and every folder above it root's, and not writable by others.",
    fix: Fix {
        commands: |facts| {
            let Ok(Some((scene, fault))) = command_fault(facts) else { return Vec::new() };
            match fault {
                CommandFault::Missing(path) => {
                    vec![Step::server_root(
                        format!("ls -l {}", naming::path(&path)),
                        "install the program, or correct AuthorizedKeysCommand",
                    )]
                }
                CommandFault::Unsafe(path) => vec![Step::server_root(
                    format!("chown root {name} && chmod go-w {name}", name = naming::path(&path)),
                    "sshd runs only what nobody but root may change",
                )],
                CommandFault::NotExecutable(path) => {
                    vec![Step::server_root(format!("chmod a+x {}", naming::path(&path)), "makes it a program")]
                }
                CommandFault::NoAccount | CommandFault::NoUser => {
                    match deciding(scene.account, "authorizedkeyscommanduser") {
                        Some(line) => vec![
                            edit(&line, "s/.*/AuthorizedKeysCommandUser nobody/", "runs it as an account that exists"),
                            reload(&scene),
                        ],
                        None => vec![Step::person(
                            Place::Server,
                            "set AuthorizedKeysCommandUser in sshd_config, for example to nobody",
                        )],
                    }
                }
                CommandFault::Answer(_) => {
                    vec![Step::person(Place::Server, "add the key where the program takes its answers from")]
                }
            }
        },
        mend: unknown,
    },
    see: &["OpenSSH auth2-pubkey.c user_key_command_allowed2, misc.c subprocess"],
    judge: |facts| {
        let Some((scene, fault)) = command_fault(facts)? else { return Ok(None) };
        let command = scene.login.commands.iter().find(|command| command.setting == "authorizedkeyscommand");
        let line = command.map(|command| command.line.shortened(200)).unwrap_or_default();
        let (summary, proven) = match &fault {
            CommandFault::Missing(path) => (format!("sshd asks {path} for keys, which is not there"), true),
            CommandFault::Unsafe(path) => (
                format!("sshd does not run its AuthorizedKeysCommand: {path} may be changed by others than root"),
                true,
            ),
            CommandFault::NotExecutable(path) => {
                (format!("sshd asks {path} for keys, which is no program that may be executed"), true)
            }
            CommandFault::NoUser => {
                ("sshd does not run its AuthorizedKeysCommand: AuthorizedKeysCommandUser is not set".to_owned(), true)
            }
            CommandFault::NoAccount => (
                "sshd does not run its AuthorizedKeysCommand: AuthorizedKeysCommandUser does not exist".to_owned(),
                true,
            ),
            CommandFault::Answer(0) => ("AuthorizedKeysCommand answers without this key".to_owned(), true),
            CommandFault::Answer(status) => (format!("AuthorizedKeysCommand ends with status {status}"), true),
        };
        let mut finding = Finding::proven(summary).seen(format!("AuthorizedKeysCommand is {line}"));
        if !proven {
            finding.certainty = crate::checks::Certainty::Likely;
        }
        if let CommandFault::Unsafe(path) | CommandFault::NotExecutable(path) = &fault {
            finding.evidence.extend(scene.account.node(path).and_then(super::access::described));
        }
        finding.evidence.extend(super::super::log::last_refusal(facts, "server-authorized-keys-command-failed"));
        Ok(Some(finding))
    },
};

/// What is wrong with the program that sshd asks.
pub(super) enum CommandFault {
    Missing(Path),
    Unsafe(Path),
    NotExecutable(Path),
    NoUser,
    NoAccount,
    /// It was run, and its answer with this exit status does not let the key in.
    Answer(i32),
}

/// What is wrong with AuthorizedKeysCommand where no file lets the key in.
pub(super) fn command_fault(facts: &Facts) -> Observed<Option<(Scene<'_>, CommandFault)>> {
    let Some((scene, found)) = found(facts)? else { return Ok(None) };
    let key = match &found {
        Found::Of(key, Obstacle::NotListed | Obstacle::File(_, Of::Missing), _) => Some(key.clone()),
        Found::All(_, Of::Missing) => None,
        _ => return Ok(None),
    };
    let Some(command) = scene.login.commands.iter().find(|command| command.setting == "authorizedkeyscommand") else {
        return Ok(None);
    };
    let program = command.line.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
    let program = Path::new(program);
    let fault = if command.run_as.is_empty() || command.run_as.as_bytes() == b"none" {
        Some(CommandFault::NoUser)
    } else if command.run_as_exists == Some(false) {
        Some(CommandFault::NoAccount)
    } else {
        let node = scene.account.node(&program);
        match node.map(|node| (node.followed.or(node.stat), node.error.as_deref())) {
            Some((None, Some("ENOENT"))) => Some(CommandFault::Missing(program.clone())),
            Some((Some(stat), _)) => unsafe_step(&scene, &program)
                .map(CommandFault::Unsafe)
                .or_else(|| (stat.mode & 0o111 == 0).then(|| CommandFault::NotExecutable(program.clone()))),
            _ => None,
        }
    };
    let answered = || {
        let (status, lines) = command.answer.as_ref()?;
        let key = key.as_ref()?;
        let lists = lines.iter().any(|line| match line {
            KeysLine::Text(text) => {
                matches!(authorized_keys::line(text.as_bytes()), Line::Entry(entry) if entry.key.fingerprint == key.fingerprint)
            }
            _ => false,
        });
        (*status != 0 || !lists).then_some(CommandFault::Answer(*status))
    };
    Ok(fault.or_else(answered).map(|fault| (scene, fault)))
}

/// The program or the folder above it that others than root may change (misc.c `subprocess`, `safe_path` with root as
/// the owner and no home).
fn unsafe_step(scene: &Scene<'_>, program: &Path) -> Option<Path> {
    program.steps().rev().chain([Path::new(&b"/"[..])]).find(|step| {
        let stat: Option<NodeStat> = scene.account.node(step).and_then(|node| node.followed.or(node.stat));
        stat.is_some_and(|stat| stat.uid != 0 || stat.mode & 0o022 != 0)
    })
}
