//! StrictModes: whether sshd trusts a file and the folders above it (misc.c `safe_path`; Debian's and Ubuntu's
//! user-group-modes.patch, misc.c `secure_permissions`; auth.c `subprocess` for commands).

use crate::facts::account::{Account, NodeStat, Passwd};
use crate::facts::text::Path;

/// Why sshd does not trust a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrusted {
    /// The file or folder at which it stops.
    pub path: Path,
    /// Its metadata.
    pub stat: NodeStat,
    /// Whether that is the file itself; else a folder above it.
    pub is_file: bool,
    /// Whether its owner is the fault; else its mode.
    pub owner: bool,
}

/// What sshd's walk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Walk {
    /// It trusts the file and all folders above it, up to the home folder or the root.
    Trusted,
    /// It stops here. Further places that would stop it as well, in its order, follow.
    Stops(Distrusted, Vec<Distrusted>),
    /// A step was not seen.
    Unseen(Path),
}

/// Whether this sshd lets the group write where nobody but the owner is in it: the builds of Debian and its
/// descendants carry the patch.
pub fn trusts_private_groups(account: &Account) -> bool {
    ["Debian", "Ubuntu", "Raspbian"].iter().any(|name| account.sshd.vendor.as_bytes().starts_with(name.as_bytes()))
}

/// misc.c `safe_path` on the canonical `file`: the file, then each folder above it up to the home folder.
///
/// `owner`: the account, of which files may be; root's may always. `home`: where the walk ends, canonical.
pub fn walk(account: &Account, file: &Path, owner: &Passwd, home: Option<&Path>) -> Walk {
    let private_groups = trusts_private_groups(account);
    let mut stops = Vec::new();
    let mut name = file.as_bytes().to_vec();
    let mut is_file = true;
    loop {
        let path = Path::new(name.clone());
        let Some(stat) = seen(account, &path) else {
            return first(stops).unwrap_or(Walk::Unseen(path));
        };
        if let Some(by_owner) = fault(account, &stat, owner, private_groups) {
            stops.push(Distrusted { path: path.clone(), stat, is_file, owner: by_owner });
        }
        is_file = false;
        if name == b"/" || (home.is_some_and(|home| home.as_bytes() == name) && path != *file) {
            return first(stops).unwrap_or(Walk::Trusted);
        }
        name = parent(&name);
    }
}

fn first(stops: Vec<Distrusted>) -> Option<Walk> {
    let mut stops = stops.into_iter();
    stops.next().map(|stop| Walk::Stops(stop, stops.collect()))
}

/// What a path's stat says, links followed.
fn seen(account: &Account, path: &Path) -> Option<NodeStat> {
    let node = account.node(path)?;
    node.followed.or(node.stat)
}

/// dirname(3).
fn parent(path: &[u8]) -> Vec<u8> {
    match path.iter().rposition(|byte| *byte == b'/') {
        None | Some(0) => b"/".to_vec(),
        Some(at) => path[..at].to_vec(),
    }
}

/// Whether owner (`true`) or mode (`false`) make sshd distrust it; `None` where neither does.
fn fault(account: &Account, stat: &NodeStat, owner: &Passwd, private_groups: bool) -> Option<bool> {
    if stat.uid != 0 && stat.uid != owner.uid {
        return Some(true);
    }
    let open = stat.mode & 0o002 != 0;
    let to_group = stat.mode & 0o020 != 0 && !(private_groups && is_private(account, stat, owner));
    (open || to_group).then_some(false)
}

/// Whether the group that may write has exactly one member, the owner (user-group-modes.patch `secure_permissions`).
fn is_private(account: &Account, stat: &NodeStat, owner: &Passwd) -> bool {
    let Some(group) = account.groups.iter().find(|group| group.gid == stat.gid && !group.name.is_empty()) else {
        return false;
    };
    if group.primary.iter().any(|(uid, _)| *uid != owner.uid) {
        return false;
    }
    let by_entry = match group.members.as_slice() {
        [] => false,
        [member] if *member == owner.name => true,
        _ => return false,
    };
    by_entry || !group.primary.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::account::{Group, PathNode, Sshd};

    fn scene(vendor: &str, modes: &[(&str, u32, u32, u32)]) -> Account {
        let node = |(path, mode, uid, gid): &(&str, u32, u32, u32)| PathNode {
            path: (*path).into(),
            stat: Some(NodeStat { mode: *mode, uid: *uid, gid: *gid, ..NodeStat::default() }),
            ..PathNode::default()
        };
        let group =
            Group { gid: 1000, name: "deploy".into(), primary: vec![(1000, "deploy".into())], ..Group::default() };
        Account {
            sshd: Sshd { vendor: vendor.into(), ..Sshd::default() },
            paths: modes.iter().map(node).collect(),
            groups: vec![group],
            ..Account::default()
        }
    }

    fn deploy() -> Passwd {
        Passwd { name: "deploy".into(), uid: 1000, gid: 1000, home: "/home/deploy".into(), ..Passwd::default() }
    }

    const FILE: &str = "/home/deploy/.ssh/authorized_keys";
    const DEBIAN: &str = "Debian-2+deb12u7";
    const UPSTREAM: &str = "";

    fn walked(vendor: &str, home: u32, folder: u32, file: (u32, u32)) -> Walk {
        let modes = [
            (FILE, 0o100_000 | file.0, file.1, 1000),
            ("/home/deploy/.ssh", 0o040_000 | folder, 1000, 1000),
            ("/home/deploy", 0o040_000 | home, 1000, 1000),
            ("/home", 0o040_777, 0, 0),
            ("/", 0o040_755, 0, 0),
        ];
        walk(&scene(vendor, &modes), &FILE.into(), &deploy(), Some(&"/home/deploy".into()))
    }

    fn stops_at(walk: &Walk) -> Option<(String, bool)> {
        match walk {
            Walk::Stops(stop, _) => Some((stop.path.to_string(), stop.owner)),
            _ => None,
        }
    }

    #[test]
    fn the_walk_ends_at_the_home_folder_and_stops_at_the_first_fault() {
        assert_eq!(walked(UPSTREAM, 0o755, 0o700, (0o600, 1000)), Walk::Trusted);
        assert_eq!(walked(UPSTREAM, 0o755, 0o700, (0o644, 0)), Walk::Trusted);
        assert_eq!(stops_at(&walked(UPSTREAM, 0o755, 0o700, (0o600, 33))), Some((FILE.to_owned(), true)));
        assert_eq!(
            stops_at(&walked(UPSTREAM, 0o755, 0o777, (0o600, 1000))),
            Some(("/home/deploy/.ssh".to_owned(), false))
        );
        assert_eq!(stops_at(&walked(UPSTREAM, 0o775, 0o700, (0o600, 1000))), Some(("/home/deploy".to_owned(), false)));
        let Walk::Stops(_, further) = walked(UPSTREAM, 0o777, 0o777, (0o666, 1000)) else { panic!() };
        assert_eq!(further.len(), 2);
    }

    #[test]
    fn debian_lets_a_group_write_that_is_the_owner_s_alone() {
        assert_eq!(walked(DEBIAN, 0o775, 0o770, (0o660, 1000)), Walk::Trusted);
        assert_eq!(stops_at(&walked(DEBIAN, 0o777, 0o700, (0o600, 1000))), Some(("/home/deploy".to_owned(), false)));
        let mut account = scene(
            DEBIAN,
            &[
                (FILE, 0o100_660, 1000, 1000),
                ("/home/deploy/.ssh", 0o040_700, 1000, 1000),
                ("/home/deploy", 0o040_700, 1000, 1000),
            ],
        );
        let home = Some("/home/deploy".into());
        assert_eq!(walk(&account, &FILE.into(), &deploy(), home.as_ref()), Walk::Trusted);
        account.groups[0].members = vec!["alice".into()];
        assert!(matches!(walk(&account, &FILE.into(), &deploy(), home.as_ref()), Walk::Stops(..)));
        account.groups[0].members.clear();
        account.groups[0].primary.push((1001, "bob".into()));
        assert!(matches!(walk(&account, &FILE.into(), &deploy(), home.as_ref()), Walk::Stops(..)));
    }

    #[test]
    fn what_was_not_seen_is_said() {
        let account = scene(DEBIAN, &[(FILE, 0o100_600, 1000, 1000)]);
        assert_eq!(walk(&account, &FILE.into(), &deploy(), None), Walk::Unseen("/home/deploy/.ssh".into()));
    }
}
