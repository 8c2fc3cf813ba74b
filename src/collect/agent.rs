//! The ssh-agent, over its own socket (PROTOCOL.agent). One odd key never loses the list.
//!
//! Touches: the socket that `IdentityAgent` or `SSH_AUTH_SOCK` names, where that leads if it is a link, and for an agent
//! that lists nothing the name of the program behind it (`/proc/PID/comm`).

mod lock;
mod protocol;

use std::time::Duration;

use tokio::net::UnixStream;

use super::system::variable;
use crate::facts::agent::{Agent, AgentAnswer, AgentKey, AgentSocket};
use crate::facts::key::PublicKey;
use crate::facts::text::{Path, escape};
use crate::facts::userauth::Signed;
use crate::facts::{Facts, Observed, Run, Source, Unobserved};
use crate::openssh::identities::{agent_flags, name_in_signature};
use crate::openssh::tokens;
use crate::openssh::wire::{Reader, put_string};
use protocol::Trouble;

/// How long an agent may take to sign: its owner may be asked.
const SIGNING_PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });

/// Bytes of a signature's type that are kept; RFC 4251 section 6 allows 64.
const NAME_LIMIT: usize = 128;

/// What ssh tells an agent about the session (PROTOCOL.agent section 1, `session-bind@openssh.com`).
#[derive(Debug, Clone)]
pub struct Binding {
    /// The server's host key blob.
    pub host_key: Vec<u8>,
    /// The session id.
    pub session_id: Vec<u8>,
    /// The server's signature over the session id.
    pub signature: Vec<u8>,
}

/// A connection to the agent, bound to the session where the agent knows how.
#[derive(Debug)]
pub struct Connection {
    /// `None` after an answer that did not come: it could still come, in place of the next one.
    stream: Option<UnixStream>,
    /// What was listed on it.
    keys: Vec<AgentKey>,
}

/// Finds the socket that ssh would use and asks it what it holds; fills `facts.agent` but for `bound`.
pub async fn collect(facts: &mut Facts) {
    facts.agent = Ok(look(facts, &variable).await);
}

async fn look(facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Agent {
    let mut agent = Agent {
        socket: None,
        answer: Err(Unobserved::NotAttempted),
        bound: Err(Unobserved::NotAttempted),
        locked: Err(Unobserved::NotAttempted),
    };
    let socket = match socket(facts, env) {
        Ok(Some(socket)) => socket,
        Ok(None) => return agent,
        Err(words) => {
            agent.answer = Err(Unobserved::Failed(words));
            return agent;
        }
    };
    let answer = list(&socket.path).await;
    if let AgentAnswer::Lists(keys) = &answer {
        agent.locked = if keys.is_empty() { lock::is_locked(&socket.path, facts).await } else { Ok(false) };
    }
    agent.socket = Some(socket);
    agent.answer = Ok(answer);
    agent
}

/// The socket that ssh would use (ssh.c `main`, authfd.c `ssh_get_authentication_socket`).
pub(super) fn socket(facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<Option<AgentSocket>, String> {
    let variable = "SSH_AUTH_SOCK";
    let of_environment = |name: &str, value: Option<Path>| {
        value.filter(|path| !path.is_empty()).map(|path| found(path, Source::Environment(name.to_owned()), &facts.run))
    };
    let Some(value) = facts.config.options.first("identityagent") else {
        return Ok(of_environment(variable, facts.run.auth_sock.clone()));
    };
    // The value is expanded before it is looked at.
    let expanded = tokens::path(value, facts, env)
        .map_err(|words| format!("IdentityAgent {}: {words}", escape(value.as_bytes())))?;
    match expanded.as_bytes() {
        b"none" | b"" => Ok(None),
        b"SSH_AUTH_SOCK" => Ok(of_environment(variable, facts.run.auth_sock.clone())),
        [b'$', name @ ..] if !name.starts_with(b"{") => {
            let name = std::str::from_utf8(name).ok().filter(|name| is_variable_name(name));
            let odd = || format!("IdentityAgent {}: not the name of an environment variable", escape(value.as_bytes()));
            let name = name.ok_or_else(odd)?;
            Ok(of_environment(name, env(name).map(Path::new)))
        }
        _ => Ok(Some(found(expanded, Source::Command("ssh -G".to_owned()), &facts.run))),
    }
}

fn found(path: Path, from: Source, run: &Run) -> AgentSocket {
    let link = std::fs::read_link(path.to_path_buf()).ok().map(|link| Path::from_path(&link));
    let by_sshd = |path: &Path| is_forwarded(path.as_bytes());
    let forwarded = run.ssh_connection.is_some() && (by_sshd(&path) || link.as_ref().is_some_and(by_sshd));
    AgentSocket { path, from, link, forwarded }
}

/// misc.c `valid_env_name`.
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether sshd gives sockets of forwarded agents such a name (session.c `auth_input_request_forwarding`): ten letters
/// where ssh-agent has twelve (misc.c `mktemp_proto`), from 10.1 on its own tag (misc-agent.c `agent_listener`).
fn is_forwarded(path: &[u8]) -> bool {
    is_named_as(path, 10, b"sshd")
}

/// Whether OpenSSH's ssh-agent, left to choose, gives its socket such a name (ssh-agent.c `main`).
fn is_ssh_agents(path: &[u8]) -> bool {
    is_named_as(path, 12, b"agent")
}

/// `ssh-` with so many letters and `agent.PID` below, or the name of 10.1 and later with this tag.
fn is_named_as(path: &[u8], letters: usize, tag: &[u8]) -> bool {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let (name, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let digits = name.strip_prefix(b"agent.").is_some_and(|pid| !pid.is_empty() && pid.iter().all(u8::is_ascii_digit));
    let old = digits && folder.strip_prefix(b"ssh-").is_some_and(|random| random.len() == letters);
    let found = name.strip_prefix(b"s.").and_then(|rest| rest.split(|byte| *byte == b'.').nth(1));
    old || (folder == b"agent" && found == Some(tag))
}

/// Asks for the identities on a fresh connection.
pub async fn list(socket: &Path) -> AgentAnswer {
    let answer = async { protocol::identities(&mut protocol::connect(socket).await?).await };
    match answer.await {
        Ok(keys) => AgentAnswer::Lists(keys),
        Err(Trouble::Unreachable(name)) => AgentAnswer::Unreachable(name),
        Err(Trouble::Silent) => AgentAnswer::Silent,
        Err(Trouble::Closed) => AgentAnswer::Closed,
        Err(Trouble::Refused) => AgentAnswer::Refused,
        Err(Trouble::Garbage(words)) => AgentAnswer::Garbage(words),
    }
}

/// Connects, binds the connection to the session as ssh does, and lists what is to be had there.
pub async fn bound(socket: &Path, binding: Option<&Binding>) -> (Option<Connection>, Observed<Vec<AgentKey>>) {
    let session = async {
        let mut stream = protocol::connect(socket).await?;
        if let Some(binding) = binding {
            let contents = bind_contents(&binding.host_key, &binding.session_id, &binding.signature);
            // ssh goes on without where the agent refuses (sshconnect2.c get_agent_identities).
            match protocol::extension(&mut stream, "session-bind@openssh.com", &contents).await {
                Ok(_) | Err(Trouble::Garbage(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let keys = protocol::identities(&mut stream).await?;
        Ok((stream, keys))
    };
    match session.await {
        Ok((stream, keys)) => (Some(Connection { stream: Some(stream), keys: keys.clone() }), Ok(keys)),
        Err(trouble) => (None, Err(trouble.unobserved())),
    }
}

/// `string hostkey, string session identifier, string signature, bool is_forwarding`.
fn bind_contents(host_key: &[u8], session_id: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut contents = Vec::new();
    for string in [host_key, session_id, signature] {
        put_string(&mut contents, string);
    }
    contents.push(0);
    contents
}

impl Connection {
    /// Asks the agent to sign `data` with `key` as `algorithm`; the signature blob (string algorithm, string signature).
    ///
    /// For a certificate the plain key signs where the agent lists it, as in sshconnect2.c `sign_and_send_pubkey`.
    ///
    /// # Errors
    /// `AgentRefused`, `AgentSilent` after 10 s and on every later call, `WrongType`.
    pub async fn sign(&mut self, key: &PublicKey, algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Signed> {
        let plain = key.certificate.as_ref().map(|certificate| &certificate.key);
        let listed = |blob| self.keys.iter().any(|held| Some(&held.key.blob) == blob);
        let blob = plain.filter(|plain| listed(Some(plain))).unwrap_or(&key.blob);
        let flags = agent_flags(algorithm);
        let Some(mut stream) = self.stream.take() else { return Err(Signed::AgentSilent) };
        let signature = match protocol::sign(&mut stream, &blob.0, data, flags, SIGNING_PATIENCE).await {
            Ok(signature) => signature,
            Err(Trouble::Refused) => {
                self.stream = Some(stream);
                return Err(Signed::AgentRefused);
            }
            Err(Trouble::Garbage(words)) => return Err(Signed::WrongType(words)),
            Err(Trouble::Silent | Trouble::Closed | Trouble::Unreachable(_)) => return Err(Signed::AgentSilent),
        };
        self.stream = Some(stream);
        let made = Reader::new(&signature).string().unwrap_or_default();
        if made == name_in_signature(algorithm).as_bytes() {
            return Ok(signature);
        }
        Err(Signed::WrongType(escape(&made[..made.len().min(NAME_LIMIT)])))
    }
}

#[cfg(test)]
mod tests {
    use signature::Verifier as _;
    use ssh_key::PrivateKey;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;
    use crate::facts::config::SshProgram;
    use crate::openssh::public_key;
    use crate::testing::{self, Folder, ssh_keygen};

    fn facts(socket: Option<&std::path::Path>) -> Facts {
        let mut facts = Facts::default();
        facts.run.auth_sock = socket.map(Path::from_path);
        facts.run.home = "/home/alice".into();
        facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: "OpenSSH_9.2p1".into() });
        facts
    }

    fn nothing(_: &str) -> Option<Vec<u8>> {
        None
    }

    fn lists(answer: &AgentAnswer) -> Vec<String> {
        let AgentAnswer::Lists(keys) = answer else { panic!("{answer:?}") };
        keys.iter().map(|key| format!("{} {}", key.key.algorithm, key.key.comment)).collect()
    }

    /// IdentityAgent, SSH_AUTH_SOCK, and what is found.
    type Row<'a> = (Option<&'a str>, Option<&'a str>, Option<(&'a str, Source)>);

    #[test]
    fn the_socket_is_the_one_that_ssh_would_use() {
        let env = |name: &str| match name {
            "MY_AGENT" => Some(b"/run/mine".to_vec()),
            "RUN" => Some(b"/run/user/5".to_vec()),
            _ => None,
        };
        let rows: &[Row<'_>] = &[
            (None, None, None),
            (None, Some(""), None),
            (None, Some("/a"), Some(("/a", Source::Environment("SSH_AUTH_SOCK".into())))),
            (Some("none"), Some("/a"), None),
            (Some("SSH_AUTH_SOCK"), Some("/a"), Some(("/a", Source::Environment("SSH_AUTH_SOCK".into())))),
            (Some("$MY_AGENT"), Some("/a"), Some(("/run/mine", Source::Environment("MY_AGENT".into())))),
            (Some("$UNSET"), Some("/a"), None),
            (Some("~/agent"), Some("/a"), Some(("/home/alice/agent", Source::Command("ssh -G".into())))),
            (Some("${RUN}/ssh"), None, Some(("/run/user/5/ssh", Source::Command("ssh -G".into())))),
            (
                Some("%d/.1password/agent.sock"),
                None,
                Some(("/home/alice/.1password/agent.sock", Source::Command("ssh -G".into()))),
            ),
        ];
        for (option, variable, expected) in rows {
            let mut facts = facts(variable.map(std::path::Path::new));
            if let Some(option) = option {
                facts.config.options.set("identityagent", option);
            }
            let found = socket(&facts, &env).unwrap().map(|socket| (socket.path, socket.from));
            let expected = expected.clone().map(|(path, from)| (Path::from(path), from));
            assert_eq!(found, expected, "{option:?} {variable:?}");
        }
        for wrong in ["$NOT A NAME", "${UNSET}/x", "%Q"] {
            let mut facts = facts(None);
            facts.config.options.set("identityagent", wrong);
            assert!(socket(&facts, &env).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_forwarded_agent_is_known_by_the_name_that_sshd_gives_its_socket() {
        for (path, forwarded) in [
            ("/tmp/ssh-abcdefghij/agent.123", true),
            ("/tmp/ssh-abcdefghijkl/agent.123", false),
            ("/home/alice/.ssh/agent/s.b1946ac92492.sshd.8Xk3", true),
            ("/home/alice/.ssh/agent/s.b1946ac92492.agent.8Xk3", false),
            ("/run/user/1000/keyring/ssh", false),
            ("/tmp/ssh-abcdefghij/agent.", false),
        ] {
            let mut facts = facts(Some(std::path::Path::new(path)));
            assert!(!socket(&facts, &nothing).unwrap().unwrap().forwarded, "{path}: not reached by ssh");
            facts.run.ssh_connection = Some("10.0.0.1 5 10.0.0.2 22".into());
            assert_eq!(socket(&facts, &nothing).unwrap().unwrap().forwarded, forwarded, "{path}");
        }
    }

    #[tokio::test]
    async fn a_real_agent_lists_its_keys_and_signs_with_each() {
        let (folder, agent) = (Folder::new(), testing::Agent::new());
        let ca = folder.key("ca", &["-t", "ed25519"]);
        for (name, options) in [
            ("ed", &["-t", "ed25519", "-C", "ed"][..]),
            ("rsa", &["-t", "rsa", "-b", "2048", "-C", "rsa"]),
            ("ec", &["-t", "ecdsa", "-b", "384", "-C", "ec"]),
        ] {
            let path = folder.key(name, options);
            let words = ["-q", "-s", ca.to_str().unwrap(), "-I", "id", "-n", "alice"].map(std::ffi::OsStr::new);
            ssh_keygen(&[&words[..], &[path.with_extension("pub").as_os_str()]].concat());
            agent.add(&["-q".as_ref(), path.as_os_str()]);
        }
        let facts_of = look(&facts(Some(agent.socket())), &nothing).await;
        let AgentAnswer::Lists(keys) = facts_of.answer.unwrap() else { panic!() };
        assert_eq!(keys.len(), 6, "each with its certificate");
        assert_eq!(facts_of.locked, Ok(false));
        let (connection, listed) = bound(&Path::from_path(agent.socket()), None).await;
        let mut connection = connection.unwrap();
        assert_eq!(listed.unwrap(), keys);
        for held in keys {
            let certificate = held.key.certificate.is_some();
            let suffix = if certificate { "-cert-v01@openssh.com" } else { "" };
            let algorithms = match held.key.plain_algorithm().as_str() {
                "ssh-rsa" => {
                    vec![format!("rsa-sha2-512{suffix}"), format!("rsa-sha2-256{suffix}"), format!("ssh-rsa{suffix}")]
                }
                plain => vec![format!("{plain}{suffix}")],
            };
            let plain = held.key.certificate.as_ref().map_or(&held.key.blob, |certificate| &certificate.key);
            let public = ssh_key::PublicKey::from_bytes(&plain.0).unwrap();
            for algorithm in algorithms {
                let blob = connection.sign(&held.key, &algorithm, b"the data").await.unwrap();
                let signature = ssh_key::Signature::try_from(blob.as_slice()).unwrap();
                assert_eq!(signature.algorithm().as_str(), name_in_signature(&algorithm));
                public.key_data().verify(b"the data", &signature).unwrap();
            }
        }
        let stranger = public_key::from_blob(b"\0\0\0\x0bssh-ed25519\0\0\0\0", b"").unwrap();
        assert_eq!(connection.sign(&stranger, "ssh-ed25519", b"x").await, Err(Signed::AgentRefused));
    }

    #[tokio::test]
    async fn a_locked_agent_is_told_from_an_empty_one() {
        let (folder, agent) = (Folder::new(), testing::Agent::new());
        let facts = facts(Some(agent.socket()));
        let empty = look(&facts, &nothing).await;
        assert_eq!((empty.answer, empty.locked), (Ok(AgentAnswer::Lists(Vec::new())), Ok(false)));
        agent.add(&["-q".as_ref(), folder.key("key", &["-t", "ed25519"]).as_os_str()]);
        // SSH_AGENTC_LOCK with a passphrase.
        let mut stream = UnixStream::connect(agent.socket()).await.unwrap();
        stream.write_all(b"\0\0\0\x08\x16\0\0\0\x03abc").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *b"\0\0\0\x01\x06");
        let locked = look(&facts, &nothing).await;
        assert_eq!((locked.answer, locked.locked), (Ok(AgentAnswer::Lists(Vec::new())), Ok(true)));
        let mut unknown = facts.clone();
        unknown.config.ssh = Err(Unobserved::NotAttempted);
        assert!(look(&unknown, &nothing).await.locked.is_err(), "an older agent answers alike");
    }

    #[tokio::test]
    async fn an_agent_in_the_background_is_known_by_the_name_of_its_socket() {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("ssh-abcdefghijkl")).unwrap();
        let socket = folder.path("ssh-abcdefghijkl/agent.7");
        let started = std::process::Command::new("ssh-agent").arg("-a").arg(&socket).output().unwrap();
        let said = String::from_utf8(started.stdout).unwrap();
        let pid = said.split("SSH_AGENT_PID=").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(b"\0\0\0\x08\x16\0\0\0\x03abc").await.unwrap();
        stream.read_exact(&mut [0; 5]).await.unwrap();
        let mut facts = facts(Some(&socket));
        let locked = look(&facts, &nothing).await.locked;
        facts.config.ssh = Ok(SshProgram { path: Path::from_path(&socket), version: "OpenSSH_8.4p1".into() });
        let older = look(&facts, &nothing).await.locked;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.parse().unwrap()), nix::sys::signal::SIGTERM).unwrap();
        assert_eq!(locked, Ok(true));
        assert!(older.is_err());
    }

    #[test]
    fn sockets_that_openssh_named_are_told_by_who_made_them() {
        for (path, agents, forwarded) in [
            ("/tmp/ssh-abcdefghijkl/agent.123", true, false),
            ("/tmp/ssh-abcdefghij/agent.123", false, true),
            ("/home/a/.ssh/agent/s.abc.agent.def", true, false),
            ("/home/a/.ssh/agent/s.abc.sshd.def", false, true),
            ("/run/user/1000/keyring/ssh", false, false),
            ("/tmp/ssh-abcdefghijkl/agent.x", false, false),
        ] {
            assert_eq!((is_ssh_agents(path.as_bytes()), is_forwarded(path.as_bytes())), (agents, forwarded), "{path}");
        }
    }

    fn binding(host_key: &PrivateKey, session_id: &[u8]) -> Binding {
        Binding {
            host_key: host_key.public_key().to_bytes().unwrap(),
            session_id: session_id.to_vec(),
            signature: crate::collect::identities::signed_by(host_key, session_id).unwrap(),
        }
    }

    fn host_key(folder: &Folder, name: &str) -> PrivateKey {
        PrivateKey::read_openssh_file(folder.key(name, &["-t", "ed25519"])).unwrap()
    }

    #[tokio::test]
    async fn a_key_constrained_to_another_host_is_hidden_once_the_connection_is_bound() {
        let (folder, agent) = (Folder::new(), testing::Agent::new());
        let (here, elsewhere) = (host_key(&folder, "here"), host_key(&folder, "elsewhere"));
        let line = format!("web1 {}\n", std::fs::read_to_string(folder.path("here.pub")).unwrap().trim());
        let known = folder.file("known_hosts", line.as_bytes());
        let (free, tied) =
            (folder.key("free", &["-t", "ed25519"]), folder.key("tied", &["-t", "ed25519", "-C", "tied"]));
        agent.add(&["-q".as_ref(), free.as_os_str()]);
        agent.add(&[
            "-q".as_ref(),
            "-H".as_ref(),
            known.as_os_str(),
            "-h".as_ref(),
            "alice@web1".as_ref(),
            tied.as_os_str(),
        ]);
        let socket = Path::from_path(agent.socket());
        assert_eq!(lists(&list(&socket).await), ["ssh-ed25519 a comment", "ssh-ed25519 tied"]);

        let session = [9; 32];
        let (connection, keys) = bound(&socket, Some(&binding(&elsewhere, &session))).await;
        assert_eq!(lists(&AgentAnswer::Lists(keys.unwrap())), ["ssh-ed25519 a comment"]);
        let tied_key = public_key::from_line(&std::fs::read(tied.with_extension("pub")).unwrap()).unwrap();
        let request = |user: &[u8], key: &PublicKey| {
            let mut data = Vec::new();
            put_string(&mut data, &session);
            data.push(50);
            for string in [user, b"ssh-connection", b"publickey"] {
                put_string(&mut data, string);
            }
            data.push(1);
            put_string(&mut data, key.algorithm.as_bytes());
            put_string(&mut data, &key.blob.0);
            data
        };
        let mut connection = connection.unwrap();
        let refused = connection.sign(&tied_key, "ssh-ed25519", &request(b"alice", &tied_key)).await;
        assert_eq!(refused, Err(Signed::AgentRefused));

        let (connection, keys) = bound(&socket, Some(&binding(&here, &session))).await;
        assert_eq!(keys.unwrap().len(), 2);
        let mut connection = connection.unwrap();
        let signed = connection.sign(&tied_key, "ssh-ed25519", &request(b"alice", &tied_key)).await;
        assert!(signed.is_ok(), "{signed:?}");
        let other_user = connection.sign(&tied_key, "ssh-ed25519", &request(b"root", &tied_key)).await;
        assert_eq!(other_user, Err(Signed::AgentRefused));
        let (connection, keys) = bound(&socket, None).await;
        assert_eq!(keys.unwrap().len(), 2, "nothing is hidden from an unbound connection");
        let unbound = connection.unwrap().sign(&tied_key, "ssh-ed25519", &request(b"alice", &tied_key)).await;
        assert_eq!(unbound, Err(Signed::AgentRefused), "but it does not sign there");
    }

    /// A socket behind which each connection gets the answers in turn, whatever it asks; then it is closed, or kept
    /// open where `keep`.
    fn scripted(folder: &Folder, name: &str, answers: Vec<Vec<u8>>, keep: bool) -> Path {
        let path = folder.path(name);
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answers = answers.clone();
                tokio::spawn(async move {
                    for answer in answers {
                        let length = stream.read_u32().await.unwrap_or(0);
                        let mut request = vec![0; length as usize];
                        let _ = stream.read_exact(&mut request).await;
                        let _ = stream.write_all(&answer).await;
                    }
                    if keep {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Path::from_path(&path)
    }

    #[tokio::test]
    async fn whatever_answers_in_another_way_is_named_and_never_waited_for() {
        let folder = Folder::new();
        let frame = |bytes: &[u8]| {
            let mut framed = Vec::new();
            put_string(&mut framed, bytes);
            framed
        };
        let is_garbage = |answer: &AgentAnswer| matches!(answer, AgentAnswer::Garbage(words) if !words.is_empty());
        for (name, answer) in [
            ("length", b"\xff\xff\xff\xff".to_vec()),
            ("empty", frame(b"")),
            ("http", b"HTTP/1.1 400 Bad Request\r\n".to_vec()),
            ("number", frame(&[99])),
            ("count", frame(b"\x0c\xff\xff\xff\xff")),
            ("cut", frame(b"\x0c\0\0\0\x05\0\0\0\x01")),
        ] {
            let socket = scripted(&folder, name, vec![answer], true);
            let answer = list(&socket).await;
            assert!(is_garbage(&answer), "{name}: {answer:?}");
        }
        assert_eq!(list(&scripted(&folder, "refusing", vec![frame(&[5])], true)).await, AgentAnswer::Refused);
        assert_eq!(list(&scripted(&folder, "silent", vec![Vec::new()], true)).await, AgentAnswer::Silent);
        assert_eq!(list(&scripted(&folder, "half", vec![b"\0\0\0\x05\x0c".to_vec()], true)).await, AgentAnswer::Silent);
        assert_eq!(list(&scripted(&folder, "closing", Vec::new(), false)).await, AgentAnswer::Closed);
        let gone = Path::from_path(&folder.path("gone"));
        assert_eq!(list(&gone).await, AgentAnswer::Unreachable("ENOENT".into()));
        let file = Path::from_path(&folder.file("file", b""));
        assert_eq!(list(&file).await, AgentAnswer::Unreachable("ECONNREFUSED".into()));
        let long = Path::new([b'/'; 300]);
        assert_eq!(list(&long).await, AgentAnswer::Unreachable("ENAMETOOLONG".into()));
    }

    #[tokio::test]
    async fn a_signature_of_another_type_and_a_silent_signer_are_told() {
        let folder = Folder::new();
        let frame = |bytes: &[u8]| {
            let mut framed = Vec::new();
            put_string(&mut framed, bytes);
            framed
        };
        let empty = frame(b"\x0c\0\0\0\0");
        let mut signature = Vec::new();
        put_string(&mut signature, b"ssh-rsa");
        put_string(&mut signature, b"sig");
        let mut answer = vec![14];
        put_string(&mut answer, &signature);
        let socket = scripted(&folder, "old", vec![empty.clone(), frame(&answer)], true);
        let mut blob = Vec::new();
        put_string(&mut blob, b"ssh-rsa");
        let key = public_key::from_blob(&blob, b"").unwrap();
        let mut connection = bound(&socket, None).await.0.unwrap();
        assert_eq!(connection.sign(&key, "rsa-sha2-512", b"x").await, Err(Signed::WrongType("ssh-rsa".into())));
        let socket = scripted(&folder, "waiting", vec![empty], true);
        let mut connection = bound(&socket, None).await.0.unwrap();
        assert_eq!(connection.sign(&key, "rsa-sha2-512", b"x").await, Err(Signed::AgentSilent));
        assert_eq!(
            connection.sign(&key, "rsa-sha2-512", b"x").await,
            Err(Signed::AgentSilent),
            "no late answer is taken"
        );
    }
}
