//! Rows of keys whose private half is in hardware that is not there.

use data_encoding::BASE64;

use super::common::DENIED;
use crate::row::{Row, row};
use crate::world::World;

/// The public half of an ed25519 key, base point of RFC 8032's first test.
const POINT: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72,
    0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];
const KIND: &str = "sk-ssh-ed25519@openssh.com";

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or_default();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// A key of an authenticator as ssh-keygen writes it (PROTOCOL.key, PROTOCOL.u2f): a handle, and no secret.
fn handle(world: &World, path: &str) -> anyhow::Result<()> {
    let public = [string(KIND.as_bytes()), string(&POINT), string(b"ssh:")].concat();
    let mut private =
        [&[0, 0, 0, 7, 0, 0, 0, 7], &public[..], &[1], &string(&[b'H'; 64]), &string(b""), &string(b"a@laptop")]
            .concat();
    for padding in 1..=(8 - private.len() % 8) % 8 {
        private.push(u8::try_from(padding)?);
    }
    let plain = string(b"none");
    let file =
        [b"openssh-key-v1\0", &plain[..], &plain, &string(b""), &[0, 0, 0, 1], &string(&public), &string(&private)]
            .concat();
    let encoded = BASE64.encode(&file);
    let lines: Vec<&str> = (0..encoded.len()).step_by(70).map(|at| &encoded[at..encoded.len().min(at + 70)]).collect();
    let text =
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", lines.join("\n"));
    world.file(path, text, 0o600)?;
    world.file(&format!("{path}.pub"), format!("{KIND} {} a@laptop\n", BASE64.encode(&public)), 0o644)
}

/// A server that accepts the key of an authenticator, and none plugged in.
fn unplugged(world: &World) -> anyhow::Result<()> {
    world.server("")?;
    world.sh("[ ! -d /sys/class/hidraw ] || mount -t tmpfs tmpfs /sys/class/hidraw
              [ ! -d /sys/class/nfc ] || mount -t tmpfs tmpfs /sys/class/nfc")?;
    handle(world, "/home/a/.ssh/id_ed25519_sk")?;
    world.authorize("/home/a/.ssh/id_ed25519_sk.pub")
}

/// Rows of hardware keys.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("authenticator-unplugged", |world| unplugged(world))
            .ssh_fails("device not found")
            .proven("hardware-key-unavailable")
            .fixture(),
        row("authenticator-unplugged-at-a-terminal", |world| unplugged(world))
            .at_a_terminal()
            .ssh_fails("device not found")
            .proven("hardware-key-unavailable"),
        row("authenticator-unplugged-encrypted-handle", |world| {
            unplugged(world)?;
            world.sh("ssh-keygen -q -p -P '' -N secret -f /home/a/.ssh/id_ed25519_sk; chown a /home/a/.ssh/id_ed25519_sk").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("key-passphrase-needed")
        .also(&["hardware-key-unavailable"]),
        row("authenticator-unplugged-beside-a-good-key", |world| {
            unplugged(world)?;
            world.config("IdentityFile ~/.ssh/id_ed25519_sk\nIdentityFile ~/.ssh/id_ed25519")?;
            world.login_key()
        }),
        row("authenticator-key-not-authorised", |world| {
            unplugged(world)?;
            world.sh("rm /home/deploy/.ssh/authorized_keys").map(drop)
        })
        .ssh_fails(DENIED)
        .proven("no-key-accepted")
        .also(&["hardware-key-unavailable"]),
        row("authenticator-provider-missing", |world| unplugged(world))
            .line(&["-oSecurityKeyProvider=/nowhere.so", "deploy@web1.example.org"])
            .ssh_fails("signing failed")
            .proven("hardware-key-unavailable"),
        row("authenticator-provider-none", |world| unplugged(world))
            .line(&["-oSecurityKeyProvider=none", "deploy@web1.example.org"])
            .ssh_fails(DENIED)
            .proven("hardware-key-unavailable"),
        row("authenticator-provider-unset-variable", |world| unplugged(world))
            .line(&["-oSecurityKeyProvider=$NOWHERE", "deploy@web1.example.org"])
            .ssh_fails(DENIED)
            .proven("hardware-key-unavailable"),
        row("authenticator-of-the-agent-unplugged", |world| {
            unplugged(world)?;
            world.agent_with(&["/home/a/.ssh/id_ed25519_sk"])
        })
        .ssh_fails("agent refused operation")
        .proven("agent-refused-to-sign"),
    ]
}
