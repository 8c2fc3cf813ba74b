//! What `offers` says against what the installed ssh says it will attempt, over an sshd on its standard input.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::collect::agent;
use crate::facts::agent::Agent;
use crate::facts::config::{Options, SshProgram};
use crate::facts::text::Path;
use crate::facts::{Facts, Unobserved};
use crate::openssh::arguments::parse_as;
use crate::openssh::identities::{Offer, is_type_accepted, offers};
use crate::testing::{self, Folder, ssh_keygen};

struct World {
    folder: Folder,
    sshd: String,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        let host_key = folder.key("host_key", &["-t", "ed25519"]);
        let settings = format!(
            "HostKey {}\nAuthorizedKeysFile none\nUsePAM no\nStrictModes no\nPidFile none\nLogLevel QUIET\n",
            host_key.display()
        );
        let file = folder.file("sshd_config", settings.as_bytes());
        let sshd = format!("/usr/sbin/sshd -i -f {}", file.display());
        Self { folder, sshd }
    }

    fn text(&self, name: &str) -> String {
        self.folder.path(name).to_str().unwrap().to_owned()
    }

    /// A key, and with `certified` its certificate beside it.
    fn key(&self, name: &str, options: &[&str]) -> String {
        self.folder.key(name, options);
        self.text(name)
    }

    fn certify(&self, name: &str, more: &[&str]) {
        let ca = self.text("ca");
        let public = self.text(&format!("{name}.pub"));
        let words = [&["-q", "-s", &ca, "-I", "id", "-n", "alice"], more, &[&public]].concat();
        ssh_keygen(&words.iter().map(std::ffi::OsStr::new).collect::<Vec<_>>());
    }

    /// The keys that ssh says it will attempt, less those of files that are not there.
    fn attempted(&self, arguments: &[String], socket: Option<&str>) -> Vec<String> {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-v", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=/dev/null"]);
        command.args(["-o", "StrictHostKeyChecking=no", "-o", &format!("ProxyCommand={}", self.sshd)]);
        command.args(arguments).args(["nobody-of-that-name@scene", "true"]).stdin(Stdio::null());
        set_agent(&mut command, socket);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("Authentications that can continue"), "{arguments:?}: {said}");
        let lines = said.lines().filter_map(|line| line.trim().strip_prefix("debug1: Will attempt key: "));
        lines.filter_map(attempt).collect()
    }

    async fn facts(&self, arguments: &[String], socket: Option<&str>) -> Facts {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-G"]).args(arguments).arg("scene").stdin(Stdio::null());
        set_agent(&mut command, socket);
        let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let pairs = printed.lines().filter_map(|line| line.split_once(' '));
        let mut facts = Facts::default();
        facts.config.options = Options(pairs.map(|(keyword, value)| (keyword.to_owned(), value.into())).collect());
        facts.config.evaluated = true;
        facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: version() });
        let words: Vec<OsString> = arguments.iter().map(OsString::from).chain(["scene".into()]).collect();
        let parsed = parse_as(Some("ssh"), &words, true).unwrap();
        facts.config.arguments = parsed.options.iter().map(|word| word.as_encoded_bytes().into()).collect();
        facts.run.uid = nix::unistd::getuid().as_raw();
        facts.run.home = Path::from_path(self.folder.as_ref());
        if let Some(socket) = socket {
            facts.agent = Ok(Agent {
                socket: None,
                answer: Ok(agent::list(&socket.into()).await),
                bound: Err(Unobserved::NotAttempted),
                locked: Err(Unobserved::NotAttempted),
            });
        }
        facts.identities = super::collect(&facts);
        facts
    }
}

fn version() -> String {
    let output = Command::new("ssh").arg("-V").output().unwrap();
    String::from_utf8_lossy(&output.stderr).split([' ', ',']).next().unwrap().to_owned()
}

fn set_agent(command: &mut Command, socket: Option<&str>) {
    command.env_remove("SSH_AUTH_SOCK");
    if let Some(socket) = socket {
        command.env("SSH_AUTH_SOCK", socket);
    }
}

/// `path [TYPE fingerprint] [explicit] [authenticator] [agent]` as type and fingerprint, or as path; `None` for a file
/// that is not there.
fn attempt(line: &str) -> Option<String> {
    let mut words: Vec<&str> = line.split(' ').collect();
    let agent = words.last() == Some(&"agent");
    words.retain(|word| !matches!(*word, "explicit" | "agent" | "authenticator"));
    let Some(at) = words.iter().position(|word| word.starts_with("SHA256:")) else {
        let path = words.join(" ").trim_end().to_owned();
        return std::fs::metadata(&path).is_ok().then_some(path);
    };
    let certificate = words[at - 1].ends_with("-CERT");
    Some(described(words[at], certificate, agent && !certificate))
}

fn described(fingerprint: &str, certificate: bool, agent: bool) -> String {
    format!("{fingerprint}{}{}", if certificate { " certificate" } else { "" }, if agent { " agent" } else { "" })
}

/// The same of an offer. Who signs for a certificate is not what ssh prints, so it is left out.
fn described_offer(offer: &Offer, facts: &Facts) -> String {
    let file = offer.file.map(|row| &facts.identities.as_ref().unwrap().files[row]);
    let unknown = file.filter(|file| !offer.agent && file.known_half().is_none());
    match (&offer.key, unknown) {
        (Some(key), _) if key.is_certificate() => described(&key.fingerprint.to_string(), true, false),
        (_, Some(file)) => file.path.to_string(),
        (Some(key), None) => described(&key.fingerprint.to_string(), false, offer.agent),
        (None, None) => panic!("an offer of nothing"),
    }
}

/// A name, words for ssh's command line, an agent.
type Scene<'a> = (&'a str, Vec<Vec<String>>, Option<&'a testing::Agent>);

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of scenes")]
async fn the_offers_are_those_that_ssh_says_it_will_attempt() {
    let world = World::new();
    world.key("ca", &["-t", "ed25519"]);
    let [first, second, third] =
        ["first", "second", "third"].map(|name| world.key(name, &["-t", "ed25519", "-C", name]));
    let rsa = world.key("rsa", &["-t", "rsa", "-b", "2048"]);
    let short = world.key("short", &["-t", "rsa", "-b", "1024"]);
    let certified = world.key("certified", &["-t", "ed25519"]);
    world.certify("certified", &[]);
    let elsewhere = world.key("elsewhere", &["-t", "ecdsa"]);
    world.certify("elsewhere", &[]);
    let moved = world.text("moved-cert.pub");
    std::fs::rename(world.text("elsewhere-cert.pub"), &moved).unwrap();
    let hosts = world.key("hosts", &["-t", "ed25519"]);
    world.certify("hosts", &["-h"]);
    let alone = |name: &str, options: &[&str]| {
        let path = world.key(name, options);
        std::fs::remove_file(format!("{path}.pub")).unwrap();
        path
    };
    let pem = alone("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
    let pem_locked = alone("pem_locked", &["-t", "ecdsa", "-m", "PEM", "-N", "geheim"]);
    let locked = alone("locked", &["-t", "ed25519", "-N", "geheim"]);
    let plain = alone("plain", &["-t", "ed25519"]);
    let crlf = alone("crlf", &["-t", "ed25519"]);
    let text = std::fs::read_to_string(&crlf).unwrap();
    std::fs::write(&crlf, text.replace('\n', "\r\n")).unwrap();
    let crlf_with = world.key("crlf_with", &["-t", "ed25519"]);
    let text = std::fs::read_to_string(&crlf_with).unwrap();
    std::fs::write(&crlf_with, text.replace('\n', "\r\n")).unwrap();
    let public_only = world.key("public_only", &["-t", "ed25519"]);
    std::fs::remove_file(&public_only).unwrap();
    let swapped = world.key("swapped", &["-t", "ed25519"]);
    std::fs::copy(format!("{third}.pub"), format!("{swapped}.pub")).unwrap();
    let commented = world.text("commented");
    let line = std::fs::read_to_string(format!("{second}.pub")).unwrap();
    std::fs::write(&commented, format!("# mine\n\nnot a key\n{line}")).unwrap();
    let words = world.folder.file("words", b"Host *\n  User root\n").to_str().unwrap().to_owned();
    let broken = world.folder.file("broken.pub", b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== x\n");
    let broken = broken.to_str().unwrap().trim_end_matches(".pub").to_owned();
    let authenticator = world.folder.file("sk.pub", b"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHAAAABHNzaDo= sk\n");
    let authenticator = authenticator.to_str().unwrap().to_owned();
    let folder = world.text("a folder");
    std::fs::create_dir(&folder).unwrap();
    let missing = world.text("missing");
    let beside_missing = world.text("beside_missing");
    std::fs::copy(format!("{second}.pub"), format!("{beside_missing}.pub")).unwrap();

    let agent_of = |keys: &[&String]| {
        let agent = testing::Agent::new();
        for key in keys {
            agent.add(&["-q".as_ref(), key.as_ref()]);
        }
        agent
    };
    let three = agent_of(&[&first, &second, &third]);
    let mixed = agent_of(&[&first, &certified, &rsa, &short, &pem]);
    let elsewheres = agent_of(&[&elsewhere]);
    let empty = agent_of(&[]);

    let i = |path: &String| vec!["-i".to_owned(), path.clone()];
    let o = |option: &str, value: &str| vec!["-o".to_owned(), format!("{option}={value}")];
    let only = || o("IdentitiesOnly", "yes");
    let none = || o("IdentityFile", "none");
    let public = |path: &String| format!("{path}.pub");
    let scenes: Vec<Scene<'_>> = vec![
        ("files alone", vec![i(&first), i(&rsa)], None),
        ("an agent alone", vec![none()], Some(&three)),
        ("an empty agent", vec![i(&first)], Some(&empty)),
        ("a file that the agent holds too", vec![i(&second)], Some(&three)),
        ("files in another order than the agent's", vec![i(&third), i(&rsa), i(&first)], Some(&three)),
        ("IdentitiesOnly and a file", vec![only(), i(&second)], Some(&three)),
        ("IdentitiesOnly and nothing", vec![only(), none()], Some(&three)),
        ("IdentitiesOnly and a file that the agent does not hold", vec![only(), i(&rsa)], Some(&three)),
        ("a .pub and the agent", vec![only(), i(&public(&second))], Some(&three)),
        ("a .pub without agent", vec![i(&public(&second))], None),
        ("a certificate beside", vec![i(&certified)], None),
        ("a certificate beside, and in the agent", vec![i(&certified)], Some(&mixed)),
        ("IdentitiesOnly and a certificate beside", vec![only(), i(&certified)], Some(&mixed)),
        ("certificates in the agent alone", vec![none()], Some(&mixed)),
        ("CertificateFile and its key", vec![o("CertificateFile", &moved), i(&elsewhere)], None),
        ("CertificateFile and its key in the agent", vec![o("CertificateFile", &moved), none()], Some(&elsewheres)),
        ("CertificateFile, IdentitiesOnly", vec![only(), o("CertificateFile", &moved), none()], Some(&elsewheres)),
        ("CertificateFile without its key", vec![o("CertificateFile", &moved), i(&first)], None),
        ("CertificateFile hides the one beside", vec![o("CertificateFile", &moved), i(&certified)], None),
        ("CertificateFile that is a plain key", vec![o("CertificateFile", &public(&first)), i(&certified)], None),
        ("CertificateFile that is missing", vec![o("CertificateFile", &missing), i(&certified)], None),
        ("a host's certificate beside", vec![i(&hosts)], None),
        ("a certificate as IdentityFile", vec![i(&format!("{certified}-cert.pub"))], Some(&mixed)),
        ("-i of a missing file", vec![i(&missing), i(&first)], None),
        ("-i of a missing file beside a .pub", vec![i(&beside_missing), i(&first)], None),
        ("IdentityFile of a missing file", vec![o("IdentityFile", &missing), i(&first)], None),
        ("IdentityFile of a missing file beside a .pub", vec![o("IdentityFile", &public_only), i(&first)], None),
        ("PEM without .pub", vec![i(&pem), i(&first)], None),
        ("PEM without .pub, in the agent", vec![i(&pem)], Some(&mixed)),
        ("PEM without .pub, in the agent, IdentitiesOnly", vec![only(), i(&pem)], Some(&mixed)),
        ("encrypted PEM without .pub", vec![i(&pem_locked), i(&first)], None),
        ("encrypted without .pub", vec![i(&locked)], None),
        ("OpenSSH's format without .pub", vec![i(&plain)], Some(&three)),
        ("CR LF without .pub", vec![i(&crlf), i(&first)], None),
        ("CR LF with .pub", vec![i(&crlf_with), i(&first)], None),
        ("another key's .pub", vec![i(&swapped)], Some(&three)),
        ("a short RSA key", vec![o("RequiredRSASize", "2048"), i(&short), i(&rsa)], Some(&mixed)),
        (
            "PubkeyAcceptedAlgorithms",
            vec![o("PubkeyAcceptedAlgorithms", "rsa-sha2-256"), i(&first), i(&rsa)],
            Some(&mixed),
        ),
        ("the same key twice", vec![i(&second), i(&commented), i(&second)], Some(&three)),
        ("a comment before a key", vec![i(&commented)], None),
        ("words", vec![i(&words)], None),
        ("a broken .pub", vec![o("IdentityFile", &broken), i(&first)], None),
        ("an authenticator's .pub", vec![i(&authenticator)], None),
        ("no authenticators", vec![o("SecurityKeyProvider", "none"), i(&authenticator), i(&first)], None),
        ("a folder", vec![i(&folder), i(&first)], None),
        ("glued options", vec![vec![format!("-vi{first}")], vec![format!("-oIdentityFile={rsa}")]], None),
    ];
    for (name, words, agent) in &scenes {
        let arguments = words.concat();
        let socket = agent.map(|agent| agent.socket().to_str().unwrap());
        let facts = world.facts(&arguments, socket).await;
        let accepted = facts.config.options.names("pubkeyacceptedalgorithms");
        let taken = |offer: &&Offer| offer.key.as_ref().is_none_or(|key| is_type_accepted(key, &accepted));
        let ours: Vec<String> =
            offers(&facts).iter().filter(taken).map(|offer| described_offer(offer, &facts)).collect();
        let mut theirs = world.attempted(&arguments, socket);
        // It reads the private key and then finds that it is too short to be used.
        theirs.retain(|attempt| *attempt != short);
        assert_eq!(ours, theirs, "{name}");
    }
}
