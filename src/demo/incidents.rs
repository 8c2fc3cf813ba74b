//! What happened? Three incidents, each a story, a stage and scenes between which something is mended.
//!
//! A scene changes keys, files and the server's list, and never says what is wrong: that is the diagnosis's part.

use anyhow::bail;

use super::keys::ThrowAway;
use super::stage::{ACCOUNT, Identities, Login, Stage};
use crate::report::Report;

/// The key file of the first incident.
const KEY_FILE: &str = "id_ed25519";

/// A mode that every account of the machine can read.
const READABLE_BY_ALL: u32 = 0o644;

/// The mode that ssh-keygen gives.
const PRIVATE: u32 = 0o600;

/// An incident that can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// Two faults on two machines, looked for in a third place.
    WrongLayer,
    /// An agent full of keys, and none of them the right one.
    ForwardedAgent,
    /// A login that works, and nobody knows with whose key.
    BorrowedKey,
}

/// Everything that can be replayed, in the order of the replay.
pub const INCIDENTS: [Incident; 3] = [Incident::WrongLayer, Incident::ForwardedAgent, Incident::BorrowedKey];

impl Incident {
    /// The word that asks for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongLayer => "wrong-layer",
            Self::ForwardedAgent => "forwarded-agent",
            Self::BorrowedKey => "borrowed-key",
        }
    }

    /// The incidents asked for: all of them where none is named.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn named(name: Option<&str>) -> anyhow::Result<Vec<Self>> {
        let Some(name) = name else { return Ok(INCIDENTS.to_vec()) };
        let Some(incident) = INCIDENTS.into_iter().find(|incident| incident.name() == name) else {
            bail!("no incident {name:?}; there are {}", INCIDENTS.map(Self::name).join(", "));
        };
        Ok(vec![incident])
    }

    /// What the team saw and what it believed.
    pub fn story(self) -> &'static str {
        match self {
            Self::WrongLayer => {
                "Nobody in the team gets into the build server any more: \"Permission denied (publickey)\". \
                 The week before, somebody had tidied up the ssh configuration, so the configuration is suspected, and \
                 a morning goes into reading it."
            }
            Self::ForwardedAgent => {
                "From a jump box, a deployment logs in with the keys of an agent that was forwarded to it (ssh -A). \
                 \"The agent is there, and it has keys in it\", so the server is blamed."
            }
            Self::BorrowedKey => {
                "After an audit, a developer's own key was taken off the production server. He still gets in, and \
                 nobody can say how. The log shows a fingerprint that is not his."
            }
        }
    }

    /// Replays it on `stage`; `tell` is given every scene as soon as it is over.
    pub(super) async fn play(self, stage: &Stage, tell: &mut Tell<'_>) -> anyhow::Result<()> {
        match self {
            Self::WrongLayer => wrong_layer(stage, tell).await,
            Self::ForwardedAgent => forwarded_agent(stage, tell).await,
            Self::BorrowedKey => borrowed_key(stage, tell).await,
        }
    }
}

/// One diagnosis of an incident.
#[derive(Debug)]
pub struct SceneOutcome {
    /// The incident.
    pub incident: Incident,
    /// What was mended before this scene, in less than a line; `None` in an incident's first one.
    pub mended: Option<&'static str>,
    /// What sshdoctor was asked, as a person would type it in the replay's folder.
    pub typed: String,
    /// What it said.
    pub report: Report,
}

/// Is given every scene as soon as it is over.
pub(super) type Tell<'a> = dyn FnMut(SceneOutcome) -> anyhow::Result<()> + 'a;

/// Two faults, on two machines; each hides the other from whoever looks at one of them.
async fn wrong_layer(stage: &Stage, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    let login = Login { host: "build", identities: Identities::File(KEY_FILE) };
    let key = ThrowAway::software("dana@laptop")?;
    stage.write_key(KEY_FILE, &key, READABLE_BY_ALL)?;
    tell(scene(Incident::WrongLayer, stage, login, None).await?)?;
    stage.server.authorise(ACCOUNT, key.public());
    let mended = "Then the server's administrator adds the key to the account";
    tell(scene(Incident::WrongLayer, stage, login, Some(mended)).await?)?;
    stage.chmod(KEY_FILE, PRIVATE)?;
    let mended = "Then the key file is made private again: chmod 600";
    tell(scene(Incident::WrongLayer, stage, login, Some(mended)).await?)
}

/// What counts is the agent's list, wherever the agent runs.
async fn forwarded_agent(stage: &Stage, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    let login = Login { host: "web1", identities: Identities::Agent };
    for comment in ["dana@laptop", "dana@git", "dana@home-server"] {
        stage.agent.load(ThrowAway::software(comment)?);
    }
    let key = ThrowAway::software("deploy-2026")?;
    stage.server.authorise(ACCOUNT, key.public());
    tell(scene(Incident::ForwardedAgent, stage, login, None).await?)?;
    stage.agent.load(key);
    let mended = "Then the deployment key is loaded where the agent runs: ssh-add";
    tell(scene(Incident::ForwardedAgent, stage, login, Some(mended)).await?)
}

/// Nothing fails, and that is the finding.
async fn borrowed_key(stage: &Stage, tell: &mut Tell<'_>) -> anyhow::Result<()> {
    let login = Login { host: "production", identities: Identities::Agent };
    stage.agent.load(ThrowAway::software("jonas@laptop")?);
    let key = ThrowAway::hardware("maria@acme YubiKey 5C")?;
    stage.server.authorise(ACCOUNT, key.public());
    stage.agent.load(key);
    tell(scene(Incident::BorrowedKey, stage, login, None).await?)
}

/// The diagnosis of `login` as things stand.
async fn scene(
    incident: Incident,
    stage: &Stage,
    login: Login,
    mended: Option<&'static str>,
) -> anyhow::Result<SceneOutcome> {
    Ok(SceneOutcome { incident, mended, typed: login.typed(), report: stage.diagnose(login).await? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_every_incident_and_a_wrong_one_lists_the_right_ones() {
        assert_eq!(Incident::named(None).unwrap(), INCIDENTS);
        assert_eq!(Incident::named(Some("borrowed-key")).unwrap(), [Incident::BorrowedKey]);
        let said = Incident::named(Some("lost-key")).unwrap_err().to_string();
        assert_eq!(said, "no incident \"lost-key\"; there are wrong-layer, forwarded-agent, borrowed-key");
    }
}
