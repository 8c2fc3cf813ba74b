//! Whether an agent that lists nothing is locked (`ssh-add -x`) or empty.
//!
//! A locked agent answers the request for its keys with an empty list, and that is all it shows (ssh-agent.c
//! `process_message`). What tells it apart, asked on a connection of its own:
//! - the extension `query`: 10.3 and later answer it, but not while locked;
//! - `session-bind@openssh.com` with a throw-away key: 8.9 and later do it, 8.9 to 10.4 not while locked;
//! - the same once more, which must fail: 10.3 and later fail with another message than those before.

use ssh_key::private::Ed25519Keypair;
use tokio::net::UnixStream;

use super::protocol::{Extension, connect, extension};
use crate::collect::identities::signed_by;
use crate::facts::text::Path;
use crate::facts::{Facts, Observed, Unobserved};
use crate::openssh::wire::put_string;

/// The first OpenSSH whose agent knows `session-bind@openssh.com`.
const FIRST_WITH_BIND: (u32, u32) = (8, 9);

/// Whether the agent at `socket`, which listed no key, is locked; missing where it does not tell.
pub(super) async fn is_locked(socket: &Path, facts: &Facts) -> Observed<bool> {
    let mut stream = connect(socket).await.map_err(|trouble| trouble.unobserved())?;
    let is_openssh = (is_ssh_agent(&stream) || super::is_ssh_agents(socket.as_bytes()))
        && ssh_version(facts).is_some_and(|version| version >= FIRST_WITH_BIND)
        && is_of_its_version(socket, facts);
    let query = extension(&mut stream, "query", &[]).await.map_err(|trouble| trouble.unobserved())?;
    if query == Extension::Done {
        return Ok(false);
    }
    let bind = bind_request();
    let first = bind_once(&mut stream, &bind).await?;
    if first != Extension::Done {
        // Every agent that knows no extensions answers like this too.
        let unknown = Unobserved::Failed("the agent does not tell whether it is locked".to_owned());
        return if is_openssh { Ok(true) } else { Err(unknown) };
    }
    Ok(bind_once(&mut stream, &bind).await? == Extension::Failed)
}

async fn bind_once(stream: &mut UnixStream, bind: &[u8]) -> Observed<Extension> {
    extension(stream, "session-bind@openssh.com", bind).await.map_err(|trouble| trouble.unobserved())
}

/// The contents of a session-bind of a session that never was. The key is known to everybody: nothing depends on it.
fn bind_request() -> Vec<u8> {
    let pair = Ed25519Keypair::from_seed(&[0x5a; 32]);
    let session = [0xa5; 32];
    let mut key = Vec::new();
    put_string(&mut key, b"ssh-ed25519");
    put_string(&mut key, &pair.public.0);
    super::bind_contents(&key, &session, &signed_by(&pair, &session).unwrap_or_default())
}

/// Whether OpenSSH's own ssh-agent on this machine holds the other end.
fn is_ssh_agent(stream: &UnixStream) -> bool {
    let Some(pid) = stream.peer_cred().ok().and_then(|peer| peer.pid()) else { return false };
    // ssh-agent forbids to be traced, so its exe link cannot be read; its name can. Where it went to the background
    // this is the process that made the socket, and gone.
    std::fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_ascii() == b"ssh-agent")
}

/// Whether the agent was started after the installed ssh came here: one that outlived an update is of an older version.
fn is_of_its_version(socket: &Path, facts: &Facts) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(program) = &facts.config.ssh else { return false };
    let made = socket.to_path_buf().metadata().map(|socket| socket.mtime());
    let installed = program.path.to_path_buf().metadata().map(|program| program.ctime());
    matches!((made, installed), (Ok(made), Ok(installed)) if made >= installed)
}

fn ssh_version(facts: &Facts) -> Option<(u32, u32)> {
    let program = facts.config.ssh.as_ref().ok()?;
    crate::openssh::tokens::version(&program.version)
}
