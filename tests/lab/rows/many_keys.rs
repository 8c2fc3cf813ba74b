//! Rows of a client with more keys than a server hears out.

use super::common::{DENIED, authorized};
use crate::row::{Row, Ssh, row};
use crate::world::World;

/// What sshd says at its sixth refusal.
const CUT: &str = "Too many authentication failures";

/// That many keys, `key1` and so on; the files stay, the agent holds them too.
fn made(world: &World, count: usize) -> anyhow::Result<Vec<String>> {
    let keys: Vec<String> = (1..=count).map(|number| format!("/home/a/.ssh/key{number}")).collect();
    for key in &keys {
        world.key(key, &[])?;
    }
    Ok(keys)
}

/// An agent with that many keys, whose files are gone; the server lets in the one of that number, where there is one.
fn agent(world: &mut World, lines: &str, count: usize, right: Option<usize>) -> anyhow::Result<()> {
    world.server(lines)?;
    let keys = made(world, count)?;
    if let Some(right) = right {
        world.authorize(&format!("/home/a/.ssh/key{right}.pub"))?;
    }
    world.agent_with(&keys.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Writes the Host block of the report, with the public half of the agent's ninth key.
const NINTH: &str = "export SSH_AUTH_SOCK=/tmp/ssh-XXXXagent/agent.7; \
    ssh-add -L | grep -F \"$(cut -d' ' -f2 /srv/kept/key9.pub)\" >/home/a/.ssh/agent-web1.example.org.pub; \
    printf '%s\\n' 'Host web1.example.org' '    IdentityFile ~/.ssh/agent-web1.example.org.pub' \
    '    IdentitiesOnly yes' >/home/a/.ssh/config; chown a /home/a/.ssh/*";
const ONLY_THE_FILE: &str = "printf '%s\\n' 'Host web1.example.org' '    IdentityFile ~/.ssh/id_ed25519' \
    '    IdentitiesOnly yes' >/home/a/.ssh/config; chown a /home/a/.ssh/config";

/// Rows of many keys.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("twelve-agent-keys-the-ninth-is-right", |world| agent(world, "", 12, Some(9)))
            .ssh_fails(CUT)
            .log("maximum authentication attempts exceeded")
            .proven("too-many-keys")
            .mended_by(NINTH)
            .incident(),
        row("twelve-agent-keys-the-sixth-is-right", |world| agent(world, "", 12, Some(6))),
        row("twelve-agent-keys-the-last-is-right", |world| agent(world, "", 12, Some(12)))
            .ssh_fails(CUT)
            .at_most("likely", "too-many-keys", "the twelfth key is one of those that nobody asked about"),
        row("twelve-agent-keys-the-last-is-right-all-asked", |world| agent(world, "", 12, Some(12)))
            .ours(&["--all-keys"])
            .ssh_fails(CUT)
            .proven("too-many-keys"),
        row("twelve-agent-keys-none-is-right", |world| agent(world, "", 12, None))
            .ssh_fails(CUT)
            .at_most("likely", "too-many-keys", "one key was not asked about"),
        row("twelve-agent-keys-and-the-right-one-unlisted", |world| {
            agent(world, "", 12, None)?;
            world.key("/home/a/.ssh/work", &[])?;
            authorized(world, &["work"])
        })
        .ssh_fails(CUT)
        .at_most("likely", "too-many-keys", "the keys behind the cut were not all asked about"),
        row("twelve-agent-keys-and-a-patient-server", |world| agent(world, "MaxAuthTries 20", 12, Some(12))),
        row("eight-agent-keys-before-the-right-file", |world| {
            agent(world, "", 8, None)?;
            world.login_key()
        })
        .ssh_fails(CUT)
        .proven("too-many-keys")
        .mended_by(ONLY_THE_FILE),
        row("eight-agent-keys-before-an-encrypted-file", |world| {
            agent(world, "", 8, None)?;
            super::common::encrypted(world)
        })
        .line(&["-oBatchMode=yes", "deploy@web1.example.org"])
        .ssh_fails(CUT)
        .proven("too-many-keys")
        .also(&["key-passphrase-needed"])
        .mended_by(ONLY_THE_FILE)
        .then(Ssh::Ends(255, DENIED)),
        row("twelve-files-of-the-configuration-the-ninth-is-right", |world| {
            world.server("")?;
            made(world, 12)?;
            for number in 1..=12 {
                world.config(&format!("IdentityFile ~/.ssh/key{number}"))?;
            }
            authorized(world, &["key9"])
        })
        .ssh_fails(CUT)
        .proven("too-many-keys")
        .mended_by("printf 'IdentitiesOnly yes\\nIdentityFile ~/.ssh/key9\\n' >/home/a/.ssh/config; chown a /home/a/.ssh/config"),
    ]
}
