//! What is different on a client that runs macOS: its privacy protection, and the commands that it has.

use crate::facts::identities::{FileKind, KeyFile};
use crate::facts::text::Path;
use crate::facts::{Facts, Unobserved};

use super::{Alternative, Certainty, Place, Step};

/// Folders of the home that programs may read only with the owner's consent (Files and Folders, Full Disk Access).
const PROTECTED: &[&str] = &["Desktop", "Documents", "Downloads"];

/// Whether the client runs macOS: by its own name, or by uname's.
pub(super) fn is_client(facts: &Facts) -> bool {
    facts.run.os.starts_with("macOS") || facts.run.os.starts_with("Darwin")
}

/// Whether macOS keeps this program from a file that its owner could read by its mode: the folder that is protected.
pub(super) fn protected<'a>(facts: &Facts, file: &'a KeyFile) -> Option<&'a Path> {
    let folder = |name: &&&str| {
        let folder = [facts.run.home.as_bytes(), b"/", name.as_bytes(), b"/"].concat();
        !facts.run.home.is_empty() && file.path.as_bytes().starts_with(&folder)
    };
    let denied = match &file.state {
        Err(error) => error.errno == "EPERM",
        Ok(stat) => {
            let readable = stat.uid == facts.run.uid && stat.mode & 0o400 != 0 && stat.kind == FileKind::Regular;
            readable && file.private == Err(Unobserved::NotPermitted)
        }
    };
    (is_client(facts) && denied && PROTECTED.iter().any(|name| folder(&name))).then_some(&file.path)
}

/// How a protected key is made readable.
pub(super) fn consent() -> Vec<Step> {
    let why = "opens System Settings at Full Disk Access: allow the terminal program that you type in, then start it anew; \
               or move the key into ~/.ssh in the Finder, which needs no consent";
    vec![Step::here("open 'x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles'", why)]
}

/// That macOS may keep this program from the local network, where an address of it cannot be reached.
pub(super) fn local_network(facts: &Facts, address: &str) -> Option<Alternative> {
    let address: std::net::IpAddr = address.split('%').next()?.parse().ok()?;
    let private = match address {
        std::net::IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        std::net::IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    (is_client(facts) && private).then(|| Alternative {
        cause: "connect-blocked-locally",
        certainty: Certainty::Possible,
        summary: "macOS keeps this terminal from the local network: System Settings, Privacy & Security, Local Network"
            .to_owned(),
        evidence: vec![format!(
            "{address} is an address of a local network, and macOS 15 asks before a program may use one"
        )],
        decide: Some(super::Decide { place: Place::Client, command: format!("ping -c 1 {address}") }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Source;
    use crate::facts::identities::{FileError, FileStat, PublicFile};

    fn on(os: &str) -> Facts {
        let mut facts = Facts::default();
        facts.run.os = os.to_owned();
        facts.run.home = "/Users/a".into();
        facts.run.uid = 501;
        facts
    }

    fn key(path: &str, mode: u32) -> KeyFile {
        let missing = || Err(FileError { errno: "ENOENT".to_owned(), at: None });
        let nothing = || PublicFile { path: path.into(), state: missing(), key: None };
        let stat =
            FileStat { kind: FileKind::Regular, mode, uid: 501, gid: 20, size_bytes: 1, modified: None, link_to: None };
        KeyFile {
            path: path.into(),
            configured: path.into(),
            source: Source::CommandLine,
            explicit: true,
            state: Ok(stat),
            private: Err(Unobserved::NotPermitted),
            public: nothing(),
            certificate: nothing(),
        }
    }

    #[test]
    fn only_what_its_own_mode_allows_is_kept_back_by_macos() {
        let mac = on("Darwin 24.1.0");
        assert!(protected(&mac, &key("/Users/a/Downloads/web.pem", 0o600)).is_some());
        for (facts, path, mode) in [
            (&mac, "/Users/a/Downloads/web.pem", 0o000),
            (&mac, "/Users/a/.ssh/web.pem", 0o600),
            (&mac, "/Users/b/Downloads/web.pem", 0o600),
            (&on("Debian GNU/Linux 12"), "/Users/a/Downloads/web.pem", 0o600),
        ] {
            assert!(protected(facts, &key(path, mode)).is_none(), "{path} {mode:o}");
        }
        let mut refused = key("/Users/a/Desktop/k", 0o600);
        refused.state = Err(FileError { errno: "EPERM".to_owned(), at: None });
        assert!(protected(&mac, &refused).is_some());
        refused.state = Err(FileError { errno: "EACCES".to_owned(), at: None });
        assert!(protected(&mac, &refused).is_none());
    }

    #[test]
    fn the_local_network_is_suspected_on_macos_and_for_its_addresses_alone() {
        let mac = on("macOS 15.1");
        for (address, suspected) in [
            ("192.168.1.5", true),
            ("10.0.0.1", true),
            ("fe80::1%en0", true),
            ("192.0.2.7", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(local_network(&mac, address).is_some(), suspected, "{address}");
        }
        assert!(local_network(&on("Darwin 24"), "x").is_none());
        assert!(local_network(&on("Debian GNU/Linux 12"), "192.168.1.5").is_none());
    }
}
