//! Which account names an image, a provider or a Git host has, and which of them a login seems to mean.

use crate::facts::text::ServerText;
use crate::facts::{Facts, UserFrom};
use crate::openssh::git_hosts;
use crate::openssh::server::software;

use super::super::naming;

/// Where a server runs, as its name shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// Amazon EC2.
    Aws,
    /// Google Compute Engine.
    Google,
    /// Microsoft Azure.
    Azure,
    /// Oracle Cloud Infrastructure.
    Oracle,
    /// OVHcloud.
    Ovh,
    /// One of those that hand out root: Hetzner, Linode, Vultr, `DigitalOcean`.
    Root,
}

/// The ends of host names that providers give out.
const PROVIDERS: &[(&str, Provider)] = &[
    (".amazonaws.com", Provider::Aws),
    (".amazonaws.com.cn", Provider::Aws),
    (".ec2.internal", Provider::Aws),
    (".compute.internal", Provider::Aws),
    (".bc.googleusercontent.com", Provider::Google),
    (".cloudapp.azure.com", Provider::Azure),
    (".cloudapp.net", Provider::Azure),
    (".oraclevcn.com", Provider::Oracle),
    (".vps.ovh.net", Provider::Ovh),
    (".vps.ovh.ca", Provider::Ovh),
    (".your-server.de", Provider::Root),
    (".ip.linodeusercontent.com", Provider::Root),
    (".vultrusercontent.com", Provider::Root),
];

/// Default accounts of images; the name of another image's is a sign that this is the wrong one.
const DEFAULTS: &[(&str, &str)] = &[
    ("ec2-user", "Amazon Linux, RHEL and SUSE images"),
    ("ubuntu", "Ubuntu images"),
    ("debian", "Debian images"),
    ("admin", "Debian images at Amazon"),
    ("centos", "CentOS images"),
    ("rocky", "Rocky Linux images"),
    ("almalinux", "AlmaLinux images"),
    ("fedora", "Fedora images"),
    ("core", "CoreOS and Flatcar images"),
    ("opc", "Oracle Linux images at Oracle"),
    ("azureuser", "images at Azure"),
    ("cloud-user", "RHEL and CentOS images"),
    ("alpine", "Alpine images"),
    ("arch", "Arch Linux images"),
    ("freebsd", "FreeBSD images"),
    ("bitnami", "Bitnami images"),
    ("pi", "Raspberry Pi OS before April 2022"),
    ("vagrant", "Vagrant boxes"),
];

/// Names that accounts often have, of which a slip of the finger makes none.
const COMMON: &[&str] = &[
    "root",
    "admin",
    "administrator",
    "deploy",
    "deployer",
    "ubuntu",
    "debian",
    "ec2-user",
    "centos",
    "fedora",
    "ansible",
    "jenkins",
    "backup",
    "postgres",
    "oracle",
    "vagrant",
    "azureuser",
    "git",
    "gitlab",
    "www-data",
    "support",
    "operator",
];

/// Accounts that systems have for themselves: no person's login, and mostly without a home (Debian's base-passwd).
const OWN: &[&str] = &[
    "nobody", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
    "list", "irc", "sshd", "nogroup",
];

/// The comment of the identification string, or of its software: `Ubuntu-3ubuntu0.10`.
fn identified(facts: &Facts) -> &str {
    let transport = facts.transport.as_ref().ok();
    let text = transport.and_then(|transport| transport.identification.as_ref()).and_then(ServerText::as_str);
    text.and_then(|text| std::str::from_utf8(software(text.as_bytes())).ok()).unwrap_or_default()
}

/// Whether the server's software is what a word begins: `dropbear`, `OpenSSH_for_Windows`.
pub(super) fn is_software(facts: &Facts, word: &str) -> bool {
    identified(facts).starts_with(word)
}

/// The distribution that built the server's OpenSSH, as far as it says so behind its version.
pub(super) fn distribution(facts: &Facts) -> Option<&'static str> {
    let (_, suffix) = identified(facts).split_once(' ')?;
    ["Ubuntu", "Debian", "Raspbian", "FreeBSD", "NetBSD"].into_iter().find(|name| suffix.starts_with(name))
}

/// The names by which the server was called, in lower case.
fn hosts(facts: &Facts) -> Vec<String> {
    let Ok(target) = &facts.target else { return Vec::new() };
    [&target.host, &target.alias].into_iter().map(|host| host.to_string().to_ascii_lowercase()).collect()
}

/// The provider whose name the host bears.
pub(super) fn provider(facts: &Facts) -> Option<(Provider, String)> {
    hosts(facts).into_iter().find_map(|host| {
        let (_, provider) = PROVIDERS.iter().find(|(end, _)| host.ends_with(end))?;
        Some((*provider, host))
    })
}

/// Whether it is a service for Git and nothing else, and what shows it.
pub(super) fn git_host(facts: &Facts) -> Option<String> {
    let host = git_hosts::git_host(facts)?;
    // Gerrit knows its users by their own names.
    host.service.filter(|service| *service != "Gerrit").map(|_| host.because)
}

/// Whether the server is a Git host: what it refuses is decided in its web interface.
pub(in crate::checks) fn is_git_host(facts: &Facts) -> bool {
    git_host(facts).is_some()
}

fn is_codecommit(host: &str) -> bool {
    host.starts_with("git-codecommit.") && host.ends_with(".amazonaws.com")
}

/// Whether the host's name is that of a storage box, whose homes anybody may write as they come.
pub(super) fn storage_box(facts: &Facts) -> Option<String> {
    let word = |label: &str| {
        ["nas", "synology", "diskstation", "qnap", "truenas"]
            .iter()
            .any(|name| label.trim_end_matches(|digit: char| digit.is_ascii_digit() || digit == '-') == *name)
    };
    hosts(facts).into_iter().find(|host| host.split('.').next().is_some_and(word))
}

/// Whether the account is one that systems have for themselves.
pub(super) fn is_systems_own(user: &str) -> bool {
    OWN.contains(&user)
}

/// The common name of which this one is a slip of the finger.
pub(super) fn slip_of(user: &str) -> Option<&'static str> {
    let known = COMMON.contains(&user) || OWN.contains(&user) || DEFAULTS.iter().any(|(name, _)| *name == user);
    (!known && user.len() > 3)
        .then(|| COMMON.iter().find(|name| name.len() > 3 && strsim::osa_distance(user, name) == 1))?
        .copied()
}

/// What shows that another login name is meant, most telling first.
pub(in crate::checks) fn other_name_meant(facts: &Facts) -> Vec<String> {
    let user = naming::user(facts);
    let Some(name) = user.as_str() else { return Vec::new() };
    let mut seen = Vec::new();
    if let Some((domain, rest)) = name.split_once('\\') {
        seen.push(format!("the name has the domain {domain} in it: a server outside that domain knows {rest} at most"));
    } else if name.contains('@') {
        seen.push(format!("everything before the last @ is the account's name, so ssh asks for {name}"));
    }
    if let Some(codecommit) = hosts(facts).into_iter().find(|host| is_codecommit(host)) {
        if !name.starts_with("APKA") {
            seen.push(format!("{codecommit} takes the SSH key ID of the IAM user as the name, APKA and more"));
        }
    } else if let Some(git) = git_host(facts).filter(|_| name != "git") {
        seen.push(format!("{git}: its account is git"));
    }
    seen.extend(image_account(facts, name));
    seen.extend(commented(facts, name).map(|(_, words)| words));
    let unnamed = facts.target.as_ref().is_ok_and(|target| target.user_from == UserFrom::LocalAccount);
    if unnamed && name != "git" {
        seen.push(format!("no user was named, so ssh sends the local account's name, {name}"));
    }
    seen
}

/// The account that the host's name and the server's distribution speak for.
fn image_default(facts: &Facts) -> Option<&'static str> {
    let (provider, _) = provider(facts).filter(|_| git_host(facts).is_none())?;
    Some(match (provider, distribution(facts)) {
        (Provider::Aws | Provider::Oracle | Provider::Ovh, Some("Ubuntu")) => "ubuntu",
        (Provider::Aws, Some("Debian")) => "admin",
        (Provider::Aws, Some("FreeBSD") | None) => "ec2-user",
        (Provider::Ovh, Some("Debian")) => "debian",
        (Provider::Oracle, None) => "opc",
        (Provider::Root, _) => "root",
        _ => return None,
    })
}

/// The default account of the image that the server seems to be made from, where another is asked for.
fn image_account(facts: &Facts, name: &str) -> Option<String> {
    let (provider, host) = provider(facts).filter(|_| git_host(facts).is_none())?;
    if matches!(provider, Provider::Google | Provider::Azure) {
        let (_, images) = DEFAULTS.iter().find(|(default, _)| *default == name && name != "azureuser")?;
        return Some(format!(
            "{host} is at a provider whose images get their account when they are made; {name} is that of {images}"
        ));
    }
    let default = image_default(facts).filter(|default| *default != name)?;
    let system = distribution(facts).map(|system| format!(" and its OpenSSH from {system}")).unwrap_or_default();
    Some(format!("the name {host}{system} speak for an image whose account is {default}, not {name}"))
}

/// The name to try, where what was seen speaks for one.
pub(super) fn suggested(facts: &Facts) -> Option<String> {
    let user = naming::user(facts);
    let name = user.as_str()?;
    let codecommit = hosts(facts).iter().any(|host| is_codecommit(host));
    let git = git_host(facts).filter(|_| !codecommit).map(|_| "git");
    let known = git.or_else(|| image_default(facts)).filter(|known| *known != name).map(str::to_owned);
    known
        .or_else(|| commented(facts, name).map(|(user, _)| user))
        .or_else(|| slip_of(name).map(str::to_owned))
        .or_else(|| name.split_once('\\').map(|(_, rest)| rest.to_owned()))
}

/// An image's default account at a server of another distribution.
pub(super) fn of_another_image(facts: &Facts) -> Option<String> {
    let user = naming::user(facts);
    let name = user.as_str()?;
    let distribution = distribution(facts)?;
    let (_, images) = DEFAULTS.iter().find(|(default, _)| *default == name)?;
    let fits = images.contains(distribution) || matches!(name, "admin" | "azureuser" | "vagrant" | "bitnami");
    (!fits).then(|| format!("{name} is the account of {images}, and the server's OpenSSH comes from {distribution}"))
}

/// A key's comment that names this very host and another user: that user, and what it says.
fn commented(facts: &Facts, name: &str) -> Option<(String, String)> {
    let hosts = hosts(facts);
    let userauth = facts.userauth.as_ref().ok()?;
    userauth.queries.iter().filter(|query| query.offered_by_ssh).find_map(|query| {
        let comment = query.key.comment.as_str()?;
        let (user, host) = comment.rsplit_once('@')?;
        let host = host.to_ascii_lowercase();
        let here = hosts.iter().any(|known| *known == host || known.split('.').next() == Some(host.as_str()));
        let plain = !user.is_empty() && !user.contains(char::is_whitespace);
        (here && plain && user != name).then(|| {
            let words =
                format!("the comment of the key, {}, names {user} at this host", query.key.comment.shortened(60));
            (user.to_owned(), words)
        })
    })
}

/// The ways in that do not go through this login, where the host's name shows who runs it.
pub(super) fn way_in(facts: &Facts) -> Option<String> {
    let (provider, _) = provider(facts).filter(|_| git_host(facts).is_none())?;
    let way = match provider {
        Provider::Aws => "EC2 Instance Connect or Session Manager in the AWS console",
        Provider::Google => "the serial console of the instance in the Google Cloud console, or SSH in the browser",
        Provider::Azure => "the serial console or \"Reset password\" of the machine in the Azure portal",
        Provider::Oracle => "the console connection of the instance in the Oracle Cloud console",
        Provider::Ovh | Provider::Root => "the console or the rescue system in the provider's panel",
    };
    Some(format!(
        "if nobody can log in there any more: {way}; failing that, attach its disk to a machine that you can log in to"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::transport::Transport;

    fn login(user: &str, host: &str, identification: &str) -> Facts {
        let target = Target {
            user: user.into(),
            host: host.into(),
            alias: host.into(),
            user_from: UserFrom::CommandLine,
            port: 22,
            ..Target::default()
        };
        let transport = Transport { identification: Some(identification.into()), ..Transport::default() };
        Facts { target: Ok(target), transport: Ok(transport), ..Facts::default() }
    }

    #[test]
    fn an_image_s_account_is_told_by_provider_and_distribution() {
        let ec2 = "ec2-192-0-2-7.eu-central-1.compute.amazonaws.com";
        let meant = |user: &str, host: &str, identification: &str| other_name_meant(&login(user, host, identification));
        let ubuntu = "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13";
        assert!(meant("ec2-user", ec2, ubuntu)[0].contains("is ubuntu, not ec2-user"));
        assert_eq!(meant("ubuntu", ec2, ubuntu), Vec::<String>::new());
        assert!(meant("ubuntu", ec2, "SSH-2.0-OpenSSH_9.2p1 Debian-2")[0].contains("is admin"));
        assert!(meant("root", ec2, "SSH-2.0-OpenSSH_8.7")[0].contains("is ec2-user"));
        assert!(meant("ubuntu", "static.7.2.0.192.clients.your-server.de", ubuntu)[0].contains("is root"));
        assert!(meant("ubuntu", "7.2.0.192.bc.googleusercontent.com", ubuntu)[0].contains("when they are made"));
        assert_eq!(meant("ann", "7.2.0.192.bc.googleusercontent.com", ubuntu), Vec::<String>::new());
        assert_eq!(meant("deploy", "web1.example.org", ubuntu), Vec::<String>::new());
        assert!(of_another_image(&login("ec2-user", "web1", ubuntu)).is_some());
        assert_eq!(of_another_image(&login("ubuntu", "web1", ubuntu)), None);
        assert_eq!(of_another_image(&login("deploy", "web1", ubuntu)), None);
    }

    #[test]
    fn a_git_host_has_one_account_for_all() {
        let meant = |user: &str, host: &str, identification: &str| other_name_meant(&login(user, host, identification));
        assert!(meant("ann", "github.com", "SSH-2.0-babeld-1")[0].contains("its account is git"));
        assert!(meant("ann", "code.example.org", "SSH-2.0-GitLab-SSHD")[0].contains("its account is git"));
        assert_eq!(meant("git", "github.com", "SSH-2.0-babeld-1"), Vec::<String>::new());
        let codecommit = "git-codecommit.us-east-1.amazonaws.com";
        assert!(meant("git", codecommit, "SSH-2.0-x")[0].contains("APKA"));
        assert_eq!(meant("APKAEXAMPLE", codecommit, "SSH-2.0-x"), Vec::<String>::new());
    }

    #[test]
    fn slips_are_of_common_names_only() {
        assert_eq!(slip_of("depoly"), Some("deploy"));
        assert_eq!(slip_of("ubunut"), Some("ubuntu"));
        for name in ["deploy", "ann", "deployers2", "admins2", "debian", "core"] {
            assert_eq!(slip_of(name), None, "{name}");
        }
    }

    #[test]
    fn names_show_storage_boxes_and_domains() {
        assert!(storage_box(&login("a", "nas2.example.org", "")).is_some());
        assert!(storage_box(&login("a", "nasdaq.example.org", "")).is_none());
        assert!(other_name_meant(&login("CORP\\ann", "web1", ""))[0].contains("domain CORP"));
        assert!(other_name_meant(&login("ann@x", "web1", ""))[0].contains("last @"));
    }
}
