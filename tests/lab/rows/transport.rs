//! Rows that end in the key exchange.

use crate::row::{Row, row};
use crate::scripted::{IDENTIFICATION, kexinit, say_and_close, say_and_wait};

/// Rows of the key exchange.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = algorithms();
    rows.extend(broken());
    rows
}

fn algorithms() -> Vec<Row> {
    vec![
        row("old-kex", |world| {
            world.server("KexAlgorithms diffie-hellman-group14-sha1")?;
            world.login_key()
        })
        .ssh_fails("no matching key exchange method found. Their offer: diffie-hellman-group14-sha1")
        .proven("no-common-kex")
        .mended_by(
            "echo 'KexAlgorithms +diffie-hellman-group14-sha1' >>/home/a/.ssh/config; chown 1000 /home/a/.ssh/config",
        )
        .fixture(),
        row("kex-narrowed-by-the-client", |world| {
            world.server("KexAlgorithms curve25519-sha256")?;
            world.login_key()?;
            world.config("Host *\n    KexAlgorithms ecdh-sha2-nistp256")
        })
        .ssh_fails("no matching key exchange method found. Their offer: curve25519-sha256")
        .proven("no-common-kex")
        .mended_by("rm /home/a/.ssh/config"),
        row("sha1-host-key", |world| {
            world.host_key("rsa")?;
            world.known("web1.example.org", "rsa")?;
            world.sshd("HostKeyAlgorithms ssh-rsa")?;
            world.login_key()
        })
        .ssh_fails("no matching host key type found. Their offer: ssh-rsa")
        .proven("no-common-host-key-algorithm")
        .mended_by("echo 'HostKeyAlgorithms +ssh-rsa' >>/home/a/.ssh/config; chown 1000 /home/a/.ssh/config")
        .fixture(),
        row("old-cipher", |world| {
            world.server("Ciphers aes128-cbc")?;
            world.login_key()
        })
        .ssh_fails("no matching cipher found. Their offer: aes128-cbc")
        .proven("no-common-cipher")
        .mended_by("echo 'Ciphers +aes128-cbc' >>/home/a/.ssh/config; chown 1000 /home/a/.ssh/config")
        .fixture(),
        row("old-mac", |world| {
            world.server("Ciphers aes128-ctr\nMACs hmac-md5")?;
            world.login_key()
        })
        .ssh_fails("no matching MAC found. Their offer: hmac-md5")
        .proven("no-common-mac"),
        row("mac-left-out-by-the-client", |world| {
            world.server("Ciphers aes128-ctr\nMACs hmac-sha1")?;
            world.login_key()
        })
        .line(&["-oMACs=-hmac-sha1*", "deploy@web1.example.org"])
        .ssh_fails("no matching MAC found. Their offer: hmac-sha1")
        .proven("no-common-mac")
        .mended_by("sed -i 's/^MACs.*/MACs hmac-sha2-256/' /etc/ssh/sshd_config; pkill -HUP -o sshd; sleep 0.3")
        .fixture(),
        row("mac-that-only-ssh-speaks", |world| {
            world.server("Ciphers aes128-ctr\nMACs umac-64-etm@openssh.com")?;
            world.login_key()
        }),
        row("kex-that-only-ssh-speaks", |world| {
            world.server("KexAlgorithms sntrup761x25519-sha512@openssh.com")?;
            world.login_key()
        }),
    ]
}

fn broken() -> Vec<Row> {
    vec![
        row("key-exchange-stalls", |world| {
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.scripted("192.0.2.7:22", |stream| {
                say_and_wait(stream, &[IDENTIFICATION.as_bytes(), &kexinit()].concat());
            })
        })
        .ssh_hangs()
        .proven("kex-stalled")
        .fixture(),
        row("garbage-after-identification", |world| {
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.scripted("192.0.2.7:22", |stream| {
                say_and_close(stream, &[IDENTIFICATION.as_bytes(), b"<html><body>portal</body></html>\r\n"].concat());
            })
        })
        .ssh_fails("Bad packet length")
        .proven("protocol-error")
        .fixture(),
        row("packets-spoilt-on-the-way", |world| {
            world.server("ListenAddress 192.0.2.8")?;
            world.login_key()?;
            world.spoilt()
        })
        .ssh_fails("Connection")
        .proven("protocol-error"),
        row("closed-after-identification", |world| {
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.scripted("192.0.2.7:22", |stream| say_and_close(stream, IDENTIFICATION.as_bytes()))
        })
        .ssh_fails("Connection closed by")
        .proven("connection-dropped"),
        row("garbage-after-kexinit", |world| {
            world.key("/home/a/.ssh/id_ed25519", &[])?;
            world.scripted("192.0.2.7:22", |stream| {
                say_and_close(stream, &[IDENTIFICATION.as_bytes(), &kexinit(), &[0xff; 64]].concat());
            })
        })
        .ssh_fails("Bad packet length")
        .proven("protocol-error"),
    ]
}
