//! Which login a git command makes: the remote's URL and the ssh command, as the installed git resolves them.
//!
//! Touches: reads `GIT_SSH_COMMAND`, `GIT_SSH`, `GIT_SSH_VARIANT` and `HOME`; runs git to read its own configuration
//! (`config`, `remote get-url`, `ls-remote --get-url`, `symbolic-ref`), which goes nowhere and runs no hook.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::config::program;
use super::system::variable;
use crate::facts::text::escape;
use crate::openssh::arguments::{Arguments, git};

/// How often an alias may stand for another one.
const MOST_ALIASES: usize = 5;

/// The login that these words of git's mean. `typed` is the word that named git; `tags` as for ssh's own words.
///
/// # Errors
/// A sentence for the person who typed it.
pub async fn arguments(typed: &OsStr, words: &[OsString], tags: bool) -> Result<Arguments, String> {
    let path = typed.as_encoded_bytes().contains(&b'/').then(|| PathBuf::from(typed));
    let git = Git(path.or_else(|| program::find_named("git")));
    let call = git.call(words.to_vec()).await?;
    let url = git.url(&call).await?;
    let command = match text(variable("GIT_SSH_COMMAND")) {
        Some(line) => Some((line, "GIT_SSH_COMMAND")),
        None => git.config(&call, "core.sshCommand").await.map(|line| (line, "core.sshCommand")),
    };
    let variant = match text(variable("GIT_SSH_VARIANT")) {
        Some(variant) => Some(variant),
        None => git.config(&call, "ssh.variant").await,
    };
    let program = text(variable("GIT_SSH")).map(OsString::from);
    let shell = git::Shell { command, program, variant, home: text(variable("HOME")) };
    git::login(&call, &url, &shell, tags)
}

/// A variable's value, where it is set to something.
fn text(value: Option<Vec<u8>>) -> Option<String> {
    String::from_utf8(value?).ok().filter(|text| !text.is_empty())
}

/// The installed git.
struct Git(Option<PathBuf>);

impl Git {
    /// The call that the words are, aliases followed.
    async fn call(&self, mut words: Vec<OsString>) -> Result<git::Call, String> {
        for _ in 0..MOST_ALIASES {
            let (at, globals) = match git::read(&words)? {
                git::Read::Call(call) => return Ok(call),
                git::Read::Alias(at, globals) => (at, globals),
            };
            let name = words[at].to_string_lossy().into_owned();
            let call = git::Call { globals, ..git::Call::default() };
            let meant = self.config(&call, &format!("alias.{name}")).await;
            let name = escape(name.as_bytes());
            let Some(meant) = meant else {
                return Err(format!("git {name} is no command that goes to another repository"));
            };
            let parts = shlex::split(&meant).filter(|_| !meant.starts_with('!'));
            let Some(parts) = parts else {
                return Err(format!("git {name} is an alias for a shell command, which is not followed"));
            };
            words.splice(at..=at, parts.into_iter().map(OsString::from));
        }
        Err("git's aliases go in a circle".to_owned())
    }

    /// The URL that git would go to, `insteadOf` and `pushInsteadOf` applied.
    async fn url(&self, call: &git::Call) -> Result<Vec<u8>, String> {
        if call.push {
            let name = match &call.remote {
                Some(name) => name.clone(),
                None => self.push_remote(call).await,
            };
            let words = [&["remote".into(), "get-url".into(), "--push".into()], std::slice::from_ref(&name)].concat();
            match self.ask(call, &words).await {
                Ok(url) => return Ok(url),
                Err(said) if call.remote.is_none() => return Err(said),
                // It is no remote's name: a URL, to which pushInsteadOf applies as to a remote's.
                Err(_) => {
                    let as_remote = [&b"remote.sshdoctor.url="[..], name.as_encoded_bytes()].concat();
                    let mut call = call.clone();
                    call.globals.extend(["-c".into(), super::system::os(as_remote)]);
                    let words = ["remote", "get-url", "--push", "sshdoctor"].map(OsString::from);
                    return self.ask(&call, &words).await;
                }
            }
        }
        let mut words: Vec<OsString> = vec!["ls-remote".into(), "--get-url".into()];
        if let Some(name) = &call.remote {
            words.extend(["--".into(), name.clone()]);
        }
        let url = self.ask(call, &words).await?;
        // Without any remote git gives the name that it would have looked for.
        if call.remote.is_none() && url == b"origin" {
            return Err(
                "git knows no remote repository here: name one, or go to the folder of the repository".to_owned()
            );
        }
        Ok(url)
    }

    /// The remote that a push without a name goes to (remote.c `remotes_pushremote_for_branch`).
    async fn push_remote(&self, call: &git::Call) -> OsString {
        let branch = self.ask(call, &["symbolic-ref".into(), "--short".into(), "-q".into(), "HEAD".into()]).await;
        let branch = branch.ok().and_then(|branch| String::from_utf8(branch).ok());
        let of_branch = |key: &str| branch.as_ref().map(|branch| format!("branch.{branch}.{key}"));
        let keys = [of_branch("pushRemote"), Some("remote.pushDefault".to_owned()), of_branch("remote")];
        for key in keys.into_iter().flatten() {
            if let Some(name) = self.config(call, &key).await {
                return name.into();
            }
        }
        "origin".into()
    }

    /// A value of git's configuration; `None` where it is not set.
    async fn config(&self, call: &git::Call, key: &str) -> Option<String> {
        let value = self.ask(call, &["config".into(), "--get".into(), key.into()]).await.ok()?;
        text(Some(value))
    }

    /// What git prints, without its line end.
    async fn ask(&self, call: &git::Call, words: &[OsString]) -> Result<Vec<u8>, String> {
        let Some(git) = &self.0 else {
            return Err("git is not on PATH: name the host, as in `sshdoctor git@HOST`".to_owned());
        };
        let all = [&call.globals, words].concat();
        let printed = program::run(git, &all).await.map_err(|why| format!("git: {why}"))?;
        if printed.status == Some(0) {
            let line = printed.stdout.split(|byte| *byte == b'\n').next().unwrap_or_default();
            return Ok(line.to_vec());
        }
        let said = printed.stderr.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Err(format!("git says: {}", escape(&said[..said.len().min(300)])))
    }
}
