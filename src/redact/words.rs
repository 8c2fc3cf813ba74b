//! Words that name nobody: those that OpenSSH's sources and ours hold in their messages, and names that everybody has.

use std::collections::HashSet;
use std::sync::LazyLock;

/// One word a line, in lower case, as texts are taken apart. A word behind a `-` stands in our own texts, and is a name in
/// everybody else's; one behind a `+` stands in OpenSSH's texts and not in ours.
const VOCABULARY: &str = include_str!("vocabulary.txt");

static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let words = VOCABULARY.lines().filter(|word| !word.starts_with('-'));
    words.map(|word| word.strip_prefix('+').unwrap_or(word)).collect()
});

/// The words of our own texts and what they are made of.
static OURS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let words = VOCABULARY.lines().filter(|word| !word.starts_with('+'));
    let words = words.map(|word| word.strip_prefix('-').unwrap_or(word));
    words.flat_map(|word| std::iter::once(word).chain(word.split(|one: char| !one.is_ascii_alphanumeric()))).collect()
});

/// Accounts that every system or every provider's image has.
const ACCOUNTS: &[&str] = &[
    "root",
    "git",
    "nobody",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "list",
    "irc",
    "sshd",
    "nogroup",
    "ubuntu",
    "debian",
    "ec2-user",
    "centos",
    "fedora",
    "rocky",
    "almalinux",
    "cloud-user",
    "cloud-init",
    "core",
    "opc",
    "azureuser",
    "admin",
    "freebsd",
    "bitnami",
    "pi",
    "vagrant",
    "alpine",
    "arch",
    "opensuse",
    "administrator",
    "system",
    "wheel",
    "sudo",
    "users",
    "adm",
    "staff",
    "shadow",
    "tty",
    "ssh_keys",
    "_ssh",
    "everyone",
    "all",
    "none",
    "any",
    "unknown",
];

/// Hosts and ends of host names that everybody knows, and by which providers and Git hosts are told.
const HOSTS: &[&str] = &[
    "localhost",
    "ip6-localhost",
    "localhost.localdomain",
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "gitea.com",
    "git.sr.ht",
    "dev.azure.com",
    "visualstudio.com",
    "amazonaws.com",
    "amazonaws.com.cn",
    "compute.internal",
    "ec2.internal",
    "cloudapp.azure.com",
    "cloudapp.net",
    "bc.googleusercontent.com",
    "oraclevcn.com",
    "vps.ovh.net",
    "vps.ovh.ca",
    "your-server.de",
    "vultrusercontent.com",
    "ip.linodeusercontent.com",
    "openssh.com",
    "libssh.org",
    "ssh.com",
    "lysator.liu.se",
    "tinyssh.org",
    "putty.projects.tartarus.org",
];

/// How names of algorithms begin.
const ALGORITHMS: &[&str] = &[
    "diffie-hellman-",
    "ecdh-",
    "curve25519-",
    "curve448-",
    "mlkem",
    "sntrup",
    "gss-",
    "kex-strict-",
    "ext-info-",
    "hmac-",
    "umac-",
    "aes128-",
    "aes192-",
    "aes256-",
    "chacha20-",
    "3des-",
    "blowfish-",
    "cast128-",
    "arcfour",
    "ssh-rsa",
    "ssh-dss",
    "ssh-ed25519",
    "ssh-ed448",
    "ssh-xmss",
    "ssh-mldsa",
    "rsa-sha2-",
    "ecdsa-sha2-",
    "sk-ssh-",
    "sk-ecdsa-",
    "webauthn-sk-",
    "x509v3-",
    "publickey-hostbound",
];

/// Last labels of host names that name nobody.
const ENDS: &[&str] = &[
    "com",
    "org",
    "net",
    "edu",
    "gov",
    "mil",
    "int",
    "arpa",
    "local",
    "localdomain",
    "internal",
    "lan",
    "home",
    "corp",
    "intranet",
    "private",
    "test",
    "example",
    "invalid",
    "onion",
    "de",
    "uk",
    "fr",
    "nl",
    "eu",
    "us",
    "ca",
    "au",
    "nz",
    "jp",
    "cn",
    "ru",
    "br",
    "in",
    "it",
    "es",
    "se",
    "no",
    "fi",
    "dk",
    "pl",
    "cz",
    "at",
    "ch",
    "be",
    "ie",
    "pt",
    "kr",
    "tw",
    "hk",
    "sg",
    "za",
    "mx",
    "ar",
    "cl",
    "io",
    "dev",
    "app",
    "cloud",
    "ai",
    "co",
    "me",
    "info",
    "biz",
    "xyz",
    "tech",
    "online",
    "site",
];

/// First labels by which services and storage boxes are told.
const SERVICES: &[&str] =
    &["ssh", "altssh", "vs-ssh", "git-codecommit", "nas", "synology", "diskstation", "qnap", "truenas", "compute"];

/// Parts of paths that are no person's choice.
const PARTS: &[&str] = &[
    ".",
    "..",
    "~",
    ".ssh",
    ".gnupg",
    ".config",
    ".cache",
    ".local",
    ".1password",
    "ssh",
    "sshd",
    "ssh_config",
    "sshd_config",
    "ssh_config.d",
    "sshd_config.d",
    "config",
    "config.d",
    "conf.d",
    "known_hosts",
    "known_hosts2",
    "authorized_keys",
    "authorized_keys2",
    "authorized_principals",
    "administrators_authorized_keys",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_xmss",
    "identity",
    "ssh_host_rsa_key",
    "ssh_host_dsa_key",
    "ssh_host_ecdsa_key",
    "ssh_host_ed25519_key",
    "rc",
    "sshrc",
    "environment",
    "agent",
    "home",
    "Users",
    "users",
    "root",
    "etc",
    "usr",
    "bin",
    "sbin",
    "lib",
    "lib64",
    "libexec",
    "local",
    "share",
    "var",
    "run",
    "tmp",
    "dev",
    "proc",
    "sys",
    "opt",
    "srv",
    "mnt",
    "media",
    "nix",
    "store",
    "snap",
    "boot",
    "private",
    "Volumes",
    "Library",
    "Windows",
    "System32",
    "OpenSSH",
    "ProgramData",
    "Program Files",
    "AppData",
    "Local",
    "Roaming",
    "cygdrive",
    "homes",
    "keys",
    "user",
    "log",
    "lock",
    "spool",
    "net",
    "afs",
    "nfs",
    "keyring",
    "passwd",
    "shadow",
    "group",
    "nologin",
    "hosts",
    "ec2-instance-connect",
    "eic_run_authorized_keys",
    "S.gpg-agent.ssh",
    "agent.sock",
    "ssh-agent.socket",
    "pipe",
    "openssh-ssh-agent",
    "openssh_agent",
    "gnupg",
    "c",
    "d",
    "C:",
    "D:",
];

/// Whether it is a word of messages.
pub(super) fn is_known(word: &str) -> bool {
    KNOWN.contains(word)
}

/// Whether our own texts may hold it.
pub(super) fn is_ours(word: &str) -> bool {
    OURS.contains(word)
}

/// Whether it is an account that every system has.
pub(super) fn is_account(name: &str) -> bool {
    ACCOUNTS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether it is named as algorithms are; a domain behind it may be anybody's.
pub(super) fn is_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|start| name.starts_with(start))
}

/// How many labels at the end of a host name stay: those of a well-known service, or the last one of the whole name.
pub(super) fn labels_that_stay(name: &str) -> usize {
    let name = name.to_ascii_lowercase();
    let known =
        HOSTS.iter().filter(|end| name.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    let known = known.map(|end| end.split('.').count()).max();
    let last = name.rsplit_once('.').is_some_and(|(_, last)| ENDS.contains(&last));
    known.unwrap_or(usize::from(last))
}

/// Whether a label at the beginning of a host name names no host of anybody's.
pub(super) fn is_service(label: &str) -> bool {
    let stem = label.trim_end_matches(|one: char| one.is_ascii_digit() || one == '-').to_ascii_lowercase();
    SERVICES.contains(&stem.as_str())
}

/// Whether it is a part of paths that is no person's choice.
pub(super) fn is_part(part: &str) -> bool {
    PARTS.contains(&part)
}
