//! What Git hosts are known by, and what their greetings and refusals say: the texts of the services themselves.

use crate::facts::Facts;
use crate::facts::text::ServerText;

use super::server::software;

/// Software that only Git hosts run, by the beginning of its name in the identification string, and the service.
const SOFTWARE: &[(&str, &str)] = &[
    ("babeld-", "GitHub"),
    ("GitLab-SSHD", "GitLab"),
    ("conker_", "Bitbucket"),
    ("GerritCodeReview", "Gerrit"),
    ("SSHBlackbox", "Azure DevOps"),
];

/// Names under which Git hosts that anybody can have an account at are reached, and the service.
const NAMES: &[(&str, &str)] = &[
    ("github.com", "GitHub"),
    ("ssh.github.com", "GitHub"),
    ("gitlab.com", "GitLab"),
    ("altssh.gitlab.com", "GitLab"),
    ("bitbucket.org", "Bitbucket"),
    ("altssh.bitbucket.org", "Bitbucket"),
    ("ssh.dev.azure.com", "Azure DevOps"),
    ("vs-ssh.visualstudio.com", "Azure DevOps"),
    ("codeberg.org", "Codeberg"),
    ("gitea.com", "Gitea"),
    ("git.sr.ht", "sourcehut"),
];

/// What Git hosts and git itself say where a repository may not be read or is not there.
const DENIED: &[&str] = &[
    "repository not found",
    "does not appear to be a git repository",
    "could not read from remote repository",
    "access denied",
    "permission denied",
    "not authorized",
    "unauthorized",
    "project not found",
    "repository does not exist",
    "repository access denied",
    "don't have permission",
    "saml sso",
    "dubious ownership",
    "could not be found",
    "cannot find repository",
    "access rights",
    "insufficient permission",
    "not allowed to",
];

/// Whether the text, in lower case, says that a repository may not be read or is not there.
pub fn denies(text: &str) -> bool {
    DENIED.iter().any(|words| text.contains(words))
}

/// What shows that a server is a Git host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHost {
    /// The service, `GitHub`; `None` where only the account's name, `git`, speaks for it.
    pub service: Option<&'static str>,
    /// The observation, in words.
    pub because: String,
}

/// Whether this login is one at a Git host, and what shows it.
pub fn git_host(facts: &Facts) -> Option<GitHost> {
    let identification = facts.transport.as_ref().ok().and_then(|transport| transport.identification.as_ref());
    let identification = identification.map(ServerText::as_bytes).unwrap_or_default();
    if let Some((start, service)) =
        SOFTWARE.iter().find(|(start, _)| software(identification).starts_with(start.as_bytes()))
    {
        let because = format!("the server says that it is {start}…, which is {service}'s");
        return Some(GitHost { service: Some(service), because });
    }
    let target = facts.target.as_ref().ok()?;
    let host = target.host.as_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    if host.starts_with("git-codecommit.") && host.ends_with(".amazonaws.com") {
        return Some(GitHost { service: Some("CodeCommit"), because: format!("{host} is a name of AWS CodeCommit") });
    }
    if let Some((name, service)) = NAMES.iter().find(|(name, _)| *name == host) {
        return Some(GitHost { service: Some(service), because: format!("{name} is a name of {service}") });
    }
    (target.user == "git").then(|| GitHost { service: None, because: "the account is git, as on Git hosts".to_owned() })
}

/// Whom a Git host's greeting names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The service that greets so.
    pub service: &'static str,
    /// The account, or the repository of a deploy key; `None` where the service names none.
    pub name: Option<String>,
}

impl Greeting {
    /// Whether the name is that of a repository: the key is a deploy key of it.
    pub fn is_of_a_repository(&self) -> bool {
        self.name.as_ref().is_some_and(|name| name.contains('/'))
    }
}

/// The greeting in what a Git host says in place of a shell.
pub fn greeting(said: &ServerText) -> Option<Greeting> {
    let text = String::from_utf8_lossy(said.as_bytes());
    let of = |service, name: Option<&str>| Some(Greeting { service, name: name.map(|name| name.trim().to_owned()) });
    if let Some(name) = between(&text, "Hi there, ", "! You've successfully authenticated") {
        let service = ["Forgejo", "Gogs"].into_iter().find(|service| text.contains(service)).unwrap_or("Gitea");
        return of(service, Some(name));
    }
    if let Some(name) = between(&text, "Hi ", "! You've successfully authenticated") {
        return of("GitHub", Some(name));
    }
    if let Some(name) = between(&text, "Welcome to GitLab, ", "!") {
        return of("GitLab", Some(name.trim_start_matches('@')));
    }
    if text.contains("authenticated via ssh key.") || text.contains("authenticated via a deploy key.") {
        let name =
            between(&text, "logged in as ", ".").or_else(|| between(&text, "You can use git to connect to ", "."));
        return of("Bitbucket", name.filter(|name| !name.contains("Bitbucket")));
    }
    if text.contains("Welcome to Gerrit Code Review") {
        return of("Gerrit", between(&text, "Hi ", ", you have successfully connected over SSH"));
    }
    if text.contains("Shell access is not supported.") {
        return of("Azure DevOps", None);
    }
    if text.contains("You can use Git to interact with AWS CodeCommit")
        || text.contains("to interact with AWS CodeCommit")
    {
        return of("CodeCommit", None);
    }
    if let Some(name) = between(&text, "hello ", ", this is ").filter(|_| text.contains("running gitolite")) {
        return of("gitolite", Some(name));
    }
    None
}

/// What stands between two words on one line.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (_, rest) = line.split_once(before)?;
        let (name, _) = rest.split_once(after)?;
        (!name.trim().is_empty() && name.len() <= 200).then_some(name)
    })
}

/// How a server answers `git-upload-pack` (gitprotocol-pack(5), "SSH Transport"): the first pkt-line of its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadPack {
    /// References, or none in an empty repository: it may be read.
    Refs,
    /// `ERR` and the reason.
    Error(String),
    /// Something else: text of a shell or of the service.
    NoPacket,
}

/// Reads the beginning of `git-upload-pack`'s output.
pub fn upload_pack(stdout: &[u8]) -> UploadPack {
    let length = stdout.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
    let length = length
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| usize::from_str_radix(digits, 16).ok());
    let Some(length) = length else { return UploadPack::NoPacket };
    let line = stdout.get(4..length.clamp(4, stdout.len())).unwrap_or_default();
    if let Some(reason) = line.strip_prefix(b"ERR ") {
        return UploadPack::Error(String::from_utf8_lossy(reason).trim().to_owned());
    }
    let id = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let version = line.starts_with(b"version ");
    if length == 0 || version || id >= 40 { UploadPack::Refs } else { UploadPack::NoPacket }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::transport::Transport;

    fn at(host: &str, user: &str, identification: &str) -> Option<&'static str> {
        let facts = Facts {
            target: Ok(Target { host: host.into(), user: user.into(), ..Target::default() }),
            transport: Ok(Transport { identification: Some(identification.into()), ..Transport::default() }),
            ..Facts::default()
        };
        git_host(&facts).map(|found| found.service.unwrap_or("by its account"))
    }

    #[test]
    fn a_git_host_is_known_by_its_software_its_name_or_the_account() {
        assert_eq!(at("192.0.2.1", "git", "SSH-2.0-babeld-38b8af2"), Some("GitHub"));
        assert_eq!(at("GitHub.com.", "a", "SSH-2.0-1a2b3c4"), Some("GitHub"));
        assert_eq!(at("review.example.org", "a", "SSH-2.0-GerritCodeReview_3.9"), Some("Gerrit"));
        assert_eq!(at("git-codecommit.eu-west-1.amazonaws.com", "APKAX", "SSH-2.0-X"), Some("CodeCommit"));
        assert_eq!(at("code.example.org", "git", "SSH-2.0-OpenSSH_9.2p1"), Some("by its account"));
        assert_eq!(at("notgithub.com", "deploy", "SSH-2.0-OpenSSH_9.2p1 babeld-1"), None);
    }

    #[test]
    fn greetings_name_the_account() {
        let named = |text: &str| {
            let greeting = greeting(&text.into())?;
            Some((greeting.service, greeting.name.clone().unwrap_or_default(), greeting.is_of_a_repository()))
        };
        let github = "Hi octo-cat! You've successfully authenticated, but GitHub does not provide shell access.\n";
        assert_eq!(named(github), Some(("GitHub", "octo-cat".to_owned(), false)));
        let deploy = "Hi acme/site! You've successfully authenticated, but GitHub does not provide shell access.\n";
        assert_eq!(named(deploy), Some(("GitHub", "acme/site".to_owned(), true)));
        assert_eq!(named("Welcome to GitLab, @octo.cat!\n"), Some(("GitLab", "octo.cat".to_owned(), false)));
        let gitea = "Hi there, octo! You've successfully authenticated with the key named a@laptop, but Gitea does not provide shell access.\n";
        assert_eq!(named(gitea), Some(("Gitea", "octo".to_owned(), false)));
        let forgejo = "Hi there, octo! You've successfully authenticated with the key named k, but Forgejo does not provide shell access.";
        assert_eq!(named(forgejo), Some(("Forgejo", "octo".to_owned(), false)));
        let bitbucket =
            "authenticated via ssh key.\n\nYou can use git to connect to Bitbucket. Shell access is disabled";
        assert_eq!(named(bitbucket), Some(("Bitbucket", String::new(), false)));
        let gerrit = "  ****    Welcome to Gerrit Code Review    ****\n\n  Hi Octo Cat, you have successfully connected over SSH.\n";
        assert_eq!(named(gerrit), Some(("Gerrit", "Octo Cat".to_owned(), false)));
        let azure = "remote: Shell access is not supported.\n";
        assert_eq!(named(azure), Some(("Azure DevOps", String::new(), false)));
        let gitolite = "hello octo, this is git@code running gitolite3 v3.6.12 on git 2.39.5\n";
        assert_eq!(named(gitolite), Some(("gitolite", "octo".to_owned(), false)));
        assert_eq!(named("Welcome to Ubuntu 22.04.1 LTS\n"), None);
    }

    #[test]
    fn the_first_packet_tells_whether_a_repository_may_be_read() {
        let refs = b"00e14f2a3b1c4d5e6f708192a3b4c5d6e7f8091a2b3c HEAD\0multi_ack";
        assert_eq!(upload_pack(refs), UploadPack::Refs);
        assert_eq!(upload_pack(b"0000"), UploadPack::Refs);
        assert_eq!(upload_pack(b"0016ERR access denied."), UploadPack::Error("access denied.".to_owned()));
        for other in ["Welcome\n", "", "00", "face it, no packet", "0005x"] {
            assert_eq!(upload_pack(other.as_bytes()), UploadPack::NoPacket, "{other}");
        }
    }
}
