//! What does an incident play on? A folder of its own, a server, an agent, and the real diagnosis pointed at them.
//!
//! Touches: a new folder under `$TMPDIR` (mode 0700), removed when the stage is struck or dropped.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use tempfile::TempDir;

use super::agent::Agent;
use super::keys::ThrowAway;
use super::server::Server;
use crate::collect::{self, Request};
use crate::diagnose::diagnose;
use crate::facts::{Facts, Limits};
use crate::openssh::arguments;
use crate::report::{Report, report};

/// The account that every incident is about.
pub(super) const ACCOUNT: &str = "deploy";

/// Where the server is, whatever name an incident gives it.
const ADDRESS: &str = "127.0.0.1";

/// A login, as the people of an incident make it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Login {
    /// What they call the server.
    pub(super) host: &'static str,
    /// What they log in with.
    pub(super) identities: Identities,
}

impl Login {
    /// What they would type.
    pub(super) fn typed(self) -> String {
        match self.identities {
            Identities::File(name) => format!("sshdoctor -i {name} {ACCOUNT}@{}", self.host),
            Identities::Agent => format!("sshdoctor {ACCOUNT}@{}", self.host),
        }
    }
}

/// Where the identities of a login come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Identities {
    /// From the key file of this name, and no agent.
    File(&'static str),
    /// From the agent, and no key file.
    Agent,
}

/// Everything that an incident needs.
#[derive(Debug)]
pub(super) struct Stage {
    /// The server.
    pub(super) server: Server,
    /// The agent.
    pub(super) agent: Agent,
    /// The folder; declared last, so that it goes last.
    folder: TempDir,
}

impl Stage {
    /// Makes the folder, starts the server and the agent, and writes the `known_hosts` file.
    pub(super) async fn set() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("sshdoctor-demo-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .context("no temporary folder")?;
        let server = Server::start().await?;
        let agent = Agent::start(folder.path().join("agent.sock"))?;
        let stage = Self { server, agent, folder };
        stage.write("known_hosts", &stage.server.known_hosts_line()?, 0o600)?;
        Ok(stage)
    }

    /// The path of a file in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a key into the folder as ssh-keygen does, the public half beside it, but with this mode.
    pub(super) fn write_key(&self, name: &str, key: &ThrowAway, mode: u32) -> anyhow::Result<()> {
        self.write(name, &key.file()?, mode)?;
        self.write(&format!("{name}.pub"), &(key.public_line()? + "\n"), 0o644)
    }

    /// Changes a file's mode, as `chmod` does.
    pub(super) fn chmod(&self, name: &str, mode: u32) -> anyhow::Result<()> {
        let path = self.path(name);
        fs::set_permissions(&path, Permissions::from_mode(mode))
            .with_context(|| format!("the mode of {} could not be changed", path.display()))
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> anyhow::Result<()> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("{} could not be written", path.display()))?;
        self.chmod(name, mode)
    }

    /// The command line of a login, its first word included: ssh's own options keep it away from everything that is
    /// the user's.
    fn words(&self, login: Login) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["ssh".into(), "-F".into(), "none".into(), "-p".into()];
        words.push(self.server.port().to_string().into());
        let agent = self.agent.socket().as_os_str().to_owned();
        let (agent, file) = match login.identities {
            Identities::File(name) => ("none".into(), self.path(name).into_os_string()),
            Identities::Agent => (agent, "none".into()),
        };
        let settings: [(&str, OsString); 5] = [
            ("HostName", ADDRESS.into()),
            ("UserKnownHostsFile", self.path("known_hosts").into_os_string()),
            ("GlobalKnownHostsFile", "none".into()),
            ("IdentityAgent", agent),
            ("IdentityFile", file),
        ];
        for (keyword, value) in settings {
            let mut setting = OsString::from(format!("{keyword}="));
            setting.push(value);
            words.extend(["-o".into(), setting]);
        }
        words.push(format!("{ACCOUNT}@{}", login.host).into());
        words
    }

    /// Observes that login as `sshdoctor` with this command line does, in a home that is the folder.
    async fn observe(&self, login: Login) -> anyhow::Result<Facts> {
        let arguments = arguments::parse(&self.words(login)).map_err(anyhow::Error::msg)?;
        let home = Some(self.folder.path().to_owned());
        let request = Request { arguments, limits: Limits::default(), home, ..Request::default() };
        let mut facts = Facts::default();
        Box::pin(collect::live(&request, &mut facts, &|_| {})).await;
        Ok(facts)
    }

    /// What sshdoctor says of that login.
    pub(super) async fn diagnose(&self, login: Login) -> anyhow::Result<Report> {
        let facts = self.observe(login).await?;
        Ok(report(&facts, &diagnose(&facts)))
    }

    /// Closes port and socket and removes the folder.
    pub(super) async fn strike(self) -> anyhow::Result<()> {
        let Self { server, agent, folder } = self;
        server.close().await;
        agent.close().await;
        let path = folder.path().to_owned();
        folder.close().with_context(|| format!("{} could not be removed", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::net::{TcpStream, UnixStream};
    use tokio::process::Command;

    use super::*;

    const FILE: Login = Login { host: "build", identities: Identities::File("id_ed25519") };
    const AGENT: Login = Login { host: "web1", identities: Identities::Agent };

    /// How the installed ssh fares with the same command line: exit status and what it said.
    async fn ssh(stage: &Stage, login: Login, command: &str) -> (Option<i32>, String) {
        let words = stage.words(login);
        let output = Command::new(&words[0])
            .args(["-o", "BatchMode=yes"])
            .args(&words[1..])
            .arg(command)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("these tests need ssh");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    #[tokio::test]
    async fn the_real_ssh_gets_in_with_an_authorised_key_file_and_not_without() {
        let stage = Stage::set().await.unwrap();
        let key = ThrowAway::software("a").unwrap();
        stage.write_key("id_ed25519", &key, 0o600).unwrap();
        let (status, said) = ssh(&stage, FILE, "true").await;
        assert_eq!((status, said.trim()), (Some(255), "deploy@127.0.0.1: Permission denied (publickey)."));
        stage.server.authorise(ACCOUNT, key.public());
        assert_eq!(ssh(&stage, FILE, "true").await, (Some(0), String::new()));
        stage.chmod("id_ed25519", 0o644).unwrap();
        let (status, said) = ssh(&stage, FILE, "true").await;
        assert_eq!(status, Some(255));
        assert!(said.contains("UNPROTECTED PRIVATE KEY FILE"), "{said}");
        stage.strike().await.unwrap();
    }

    #[tokio::test]
    async fn the_real_ssh_gets_in_with_a_hardware_key_of_the_agent() {
        let stage = Stage::set().await.unwrap();
        stage.agent.load(ThrowAway::software("other").unwrap());
        let (status, _) = ssh(&stage, AGENT, "true").await;
        assert_eq!(status, Some(255));
        let key = ThrowAway::hardware("maria@acme YubiKey 5C").unwrap();
        stage.server.authorise(ACCOUNT, key.public());
        stage.agent.load(key);
        assert_eq!(ssh(&stage, AGENT, "true").await, (Some(0), String::new()));
        let listed =
            Command::new("ssh-add").arg("-l").env("SSH_AUTH_SOCK", stage.agent.socket()).output().await.unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.contains("maria@acme YubiKey 5C (ED25519-SK)"), "{listed}");
        stage.strike().await.unwrap();
    }

    #[tokio::test]
    async fn the_server_runs_nothing() {
        let stage = Stage::set().await.unwrap();
        let key = ThrowAway::software("a").unwrap();
        stage.write_key("id_ed25519", &key, 0o600).unwrap();
        stage.server.authorise(ACCOUNT, key.public());
        let (status, said) = ssh(&stage, FILE, "id").await;
        assert_ne!(status, Some(0), "{said}");
    }

    #[tokio::test]
    async fn a_key_opens_no_other_account_than_the_one_it_is_listed_for() {
        let stage = Stage::set().await.unwrap();
        let key = ThrowAway::software("a").unwrap();
        stage.write_key("id_ed25519", &key, 0o600).unwrap();
        stage.server.authorise("root", key.public());
        let (status, _) = ssh(&stage, FILE, "true").await;
        assert_eq!(status, Some(255));
    }

    #[tokio::test]
    async fn nothing_of_the_users_is_looked_at() {
        let stage = Stage::set().await.unwrap();
        stage.write_key("id_ed25519", &ThrowAway::software("a").unwrap(), 0o600).unwrap();
        let folder = stage.path("");
        for login in [FILE, AGENT] {
            let facts = stage.observe(login).await.unwrap();
            let mut paths = vec![facts.run.home.to_path_buf()];
            let identities = facts.identities.unwrap();
            paths.extend(identities.files.iter().chain(&identities.others).map(|file| file.path.to_path_buf()));
            paths.extend(facts.agent.unwrap().socket.map(|socket| socket.path.to_path_buf()));
            paths.extend(facts.host_key.known.unwrap().files.iter().map(|file| file.path.to_path_buf()));
            assert!(paths.len() > 2, "{paths:?}");
            assert!(paths.iter().all(|path| path.starts_with(&folder)), "{paths:?}");
        }
    }

    #[tokio::test]
    async fn a_struck_stage_leaves_no_port_socket_or_folder() {
        let stage = Stage::set().await.unwrap();
        let (port, socket, folder) = (stage.server.port(), stage.path("agent.sock"), stage.path(""));
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o7777, 0o700);
        assert!(TcpStream::connect((ADDRESS, port)).await.is_ok());
        assert!(UnixStream::connect(&socket).await.is_ok());
        stage.strike().await.unwrap();
        assert!(TcpStream::connect((ADDRESS, port)).await.is_err());
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_dropped_stage_takes_its_folder_along() {
        let stage = Stage::set().await.unwrap();
        let folder = stage.path("");
        drop(stage);
        assert!(!folder.exists());
    }
}
