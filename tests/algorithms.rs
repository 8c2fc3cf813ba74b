//! What the installed ssh sends in its KEXINIT, and what `openssh::algorithms` says it sends.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sshdoctor::collect::host_key::known;
use sshdoctor::facts::config::Options;
use sshdoctor::facts::transport::KexInit;
use sshdoctor::facts::{Facts, Target};
use sshdoctor::openssh::algorithms::{is_marker, users_kexinit};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The KEXINIT that a client sends to a server that says no more than its name.
fn received(listener: &TcpListener) -> Outcome<KexInit> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"SSH-2.0-Test\r\n")?;
    let mut reader = BufReader::new(stream);
    reader.read_until(b'\n', &mut Vec::new())?;
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let mut packet = vec![0; usize::try_from(u32::from_be_bytes(length))?];
    reader.read_exact(&mut packet)?;
    // Padding length, message number and cookie stand before the name-lists (RFC 4253 section 7.1).
    let mut rest = &packet[18..];
    let mut list = || -> Outcome<Vec<String>> {
        let (length, behind) = rest.split_first_chunk::<4>().ok_or("no name-list")?;
        let (names, behind) = behind.split_at(usize::try_from(u32::from_be_bytes(*length))?);
        rest = behind;
        let names = std::str::from_utf8(names)?.split(',').filter(|name| !name.is_empty() && !is_marker(name));
        Ok(names.map(str::to_owned).collect())
    };
    Ok(KexInit {
        kex: list()?,
        host_key: list()?,
        cipher_client_to_server: list()?,
        cipher_server_to_client: list()?,
        mac_client_to_server: list()?,
        mac_server_to_client: list()?,
        compression_client_to_server: list()?,
        compression_server_to_client: list()?,
    })
}

/// A new key's public half.
fn key(folder: &Path, name: &str, arguments: &[&str]) -> Outcome<String> {
    let path = folder.join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-f"]).arg(&path).args(arguments).status()?;
    assert!(made.success());
    Ok(std::fs::read_to_string(path.with_extension("pub"))?)
}

#[test]
fn the_users_kexinit_is_the_one_that_ssh_sends() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let rsa = key(folder.path(), "rsa", &["-t", "rsa", "-b", "2048"])?;
    let p384 = key(folder.path(), "p384", &["-t", "ecdsa", "-b", "384"])?;
    let ed25519 = key(folder.path(), "ed25519", &["-t", "ed25519"])?;
    let file = folder.path().join("known_hosts");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let name = format!("[127.0.0.1]:{port}");
    let rows: &[(String, &[&str])] = &[
        (String::new(), &[]),
        (format!("{name} {rsa}"), &[]),
        (format!("{name} {p384}{name} {rsa}"), &[]),
        (format!("{name} {ed25519}{name} {rsa}"), &[]),
        (format!("@cert-authority {name} {ed25519}"), &[]),
        (format!("@cert-authority {name} {ed25519}{name} {rsa}"), &[]),
        (format!("@revoked {name} {rsa}{name} {rsa}"), &[]),
        (format!("127.0.0.1 {rsa}"), &[]),
        (format!("{name} {rsa}"), &["HostKeyAlgorithms=+ssh-rsa"]),
        (format!("{name} {rsa}"), &["HostKeyAlgorithms=-ssh-ed25519"]),
        (format!("{name} {rsa}"), &["HostKeyAlgorithms=^ecdsa-sha2-nistp256"]),
        (format!("{name} {rsa}"), &["HostKeyAlgorithms=ssh-ed25519,rsa-sha2-512"]),
        (format!("{name} {rsa}"), &["HostKeyAlias=other"]),
        (format!("other {rsa}"), &["HostKeyAlias=Other"]),
        (String::new(), &["Compression=yes"]),
        (
            String::new(),
            &["Ciphers=aes128-cbc,aes256-ctr", "MACs=hmac-sha1", "KexAlgorithms=+diffie-hellman-group1-sha1"],
        ),
        (String::new(), &["Ciphers=^aes128-cbc", "MACs=-*etm*", "KexAlgorithms=curve25519-sha256"]),
    ];
    for (lines, settings) in rows {
        std::fs::write(&file, lines)?;
        let mut words = vec!["-F".to_owned(), "none".to_owned(), "-p".to_owned(), port.to_string()];
        let both = [format!("UserKnownHostsFile={}", file.display()), "GlobalKnownHostsFile=none".to_owned()];
        let settings = settings.iter().map(|&setting| setting.to_owned());
        words.extend(both.into_iter().chain(settings).flat_map(|setting| ["-o".to_owned(), setting]));
        words.extend(["-T".to_owned(), "127.0.0.1".to_owned()]);

        let evaluated = Command::new("ssh").arg("-G").args(&words).stdin(Stdio::null()).output()?;
        let evaluated = String::from_utf8(evaluated.stdout)?;
        let pairs = evaluated.lines().filter_map(|line| line.split_once(' '));
        let target = Target { host: "127.0.0.1".into(), port, ..Target::default() };
        let mut facts = Facts { target: Ok(target), ..Facts::default() };
        facts.config.options = Options(pairs.map(|(name, value)| (name.to_owned(), value.into())).collect());
        let known = known(&facts).map_err(|reason| reason.to_string())?;

        let mut ssh = Command::new("ssh")
            .args(["-o", "BatchMode=yes"])
            .args(&words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let sent = received(&listener);
        ssh.kill()?;
        ssh.wait()?;
        assert_eq!(users_kexinit(&facts.config.options, &known), sent?, "{words:?}\n{lines}");
    }
    Ok(())
}
