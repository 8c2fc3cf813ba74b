//! Where a file's mode cannot be changed, or a change would not last: file systems without modes, read-only ones, and
//! secrets that something else puts there.

use std::borrow::Cow;

use crate::facts::Facts;
use crate::facts::identities::is_there;
use crate::facts::mount::Mount;
use crate::facts::text::Path;

use super::{Place, Step, naming, quoted_bytes, quoted_option};

/// Why chmod is no help for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// A Windows drive in WSL, mounted without `metadata`.
    Windows,
    /// A file system that has no modes and shows the same for every file.
    NoModes,
    /// Mounted read-only.
    ReadOnly,
    /// A secret that Kubernetes projects: a tmpfs whose files are links through `..data`.
    Kubernetes,
    /// A secret that Docker or Podman mounts below /run/secrets.
    Docker,
}

/// File systems of which a file's mode is no own (mount(8), mount.cifs(8), ntfs-3g(8)).
const NO_MODES: &[&str] = &[
    "vfat",
    "msdos",
    "exfat",
    "cifs",
    "smb3",
    "smbfs",
    "ntfs",
    "ntfs3",
    "fuseblk",
    "vboxsf",
    "drvfs",
    "fuse.exfat",
    "fuse.vmhgfs-fuse",
    "fuse.portal",
    "prl_fs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.gvfsd-fuse",
    "hgfs",
];

/// Names in ~/.ssh that ssh itself gives, so that a copy may meet a file there.
const TAKEN: &[&str] = &[
    "id_rsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_dsa",
    "config",
    "known_hosts",
    "authorized_keys",
    "environment",
    "rc",
];

fn ground(mount: &Mount) -> Option<Ground> {
    let options = mount.options.to_string();
    let has = |name: &str| options.split([',', ';']).any(|option| option == name);
    let starts = |bytes: &[u8]| mount.resolved.as_bytes().starts_with(bytes);
    let projected = mount.resolved.as_bytes().windows(5).any(|part| part == b"/..20");
    if mount.kind == "tmpfs" && projected {
        Some(Ground::Kubernetes)
    } else if starts(b"/run/secrets/") {
        Some(Ground::Docker)
    } else if mount.kind == "drvfs" || has("aname=drvfs") {
        (!has("metadata")).then_some(Ground::Windows)
    } else if NO_MODES.contains(&mount.kind.as_str()) {
        Some(Ground::NoModes)
    } else if has("ro") {
        Some(Ground::ReadOnly)
    } else {
        None
    }
}

/// The mount of this file, where chmod is no help there.
fn stubborn<'a>(facts: &'a Facts, file: &Path) -> Option<(Cow<'a, Mount>, Ground)> {
    if facts.is_read() {
        return by_place(file).map(|(mount, ground)| (Cow::Owned(mount), ground));
    }
    let of_keys = facts.identities.iter().flat_map(|identities| &identities.mounts);
    let mount = of_keys.chain(facts.config.mount.as_deref()).find(|mount| mount.file == *file)?;
    Some((Cow::Borrowed(mount), ground(mount)?))
}

/// The same of a machine of which nothing but the file's path was read: where WSL shows Windows drives, and where secrets
/// are put. A copy is a way out there, whatever the file system is.
fn by_place(file: &Path) -> Option<(Mount, Ground)> {
    let rest = file.as_bytes().strip_prefix(b"/mnt/");
    let drive = rest.is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_lowercase) && rest.get(1) == Some(&b'/'));
    let (point, ground) = match file.as_bytes() {
        path if drive => (&path[.."/mnt/c".len()], Ground::Windows),
        path if path.starts_with(b"/run/secrets/") => (&b"/run/secrets"[..], Ground::Docker),
        _ => return None,
    };
    let (file, resolved, point) = (file.clone(), file.clone(), Path::new(point));
    Some((Mount { file, resolved, point, kind: String::new(), options: "".into() }, ground))
}

/// What is seen of a file whose mode cannot be changed, for evidence.
pub(super) fn seen(facts: &Facts, file: &Path) -> Option<String> {
    let (mount, ground) = stubborn(facts, file)?;
    let at = if mount.kind.is_empty() {
        format!("{} lies below {}", mount.resolved, mount.point)
    } else {
        format!("{} lies on {} ({})", mount.resolved, mount.point, mount.kind)
    };
    Some(match ground {
        Ground::Windows if mount.kind.is_empty() => {
            format!(
                "{at}, where WSL shows a Windows drive: unless that is mounted with metadata, chmod changes nothing there"
            )
        }
        Ground::Windows => {
            format!("{at}, a Windows drive that is mounted without metadata: chmod changes nothing there")
        }
        Ground::NoModes => format!("{at}, which keeps no mode of its own for a file: chmod changes nothing there"),
        Ground::ReadOnly => format!("{at}, which is mounted read-only: chmod fails there"),
        Ground::Kubernetes => {
            format!("{at}, a secret that Kubernetes puts there: its mode comes from the pod's volume")
        }
        Ground::Docker => format!("{at}, a secret that the container engine puts there: its mode comes from there"),
    })
}

/// What makes ssh take the private key all the same; `None` where chmod does.
pub(super) fn for_key(facts: &Facts, file: &Path) -> Option<Vec<Step>> {
    let (mount, ground) = stubborn(facts, file)?;
    let mut steps = copied(facts, &mount, "this copy is yours alone, and ssh takes it");
    steps.extend(lasting(ground));
    Some(steps)
}

/// The same for a configuration file that ssh finds at this place: a copy takes its place.
pub(super) fn for_config(facts: &Facts, file: &Path) -> Option<Vec<Step>> {
    let (mount, ground) = stubborn(facts, file)?;
    let mut steps = if mount.file == mount.resolved {
        let whole = "ssh checks the owner and mode of this file: keep it on a file system that has them";
        vec![Step::person(Place::Client, whole)]
    } else {
        in_place(&mount, "puts a copy that is yours alone in the place of the link")
    };
    steps.extend(lasting(ground).filter(|_| ground == Ground::Windows));
    Some(steps)
}

/// Copies the file to where modes exist, and logs in with it.
fn copied(facts: &Facts, mount: &Mount, why: &str) -> Vec<Step> {
    let within = |path: &[u8]| Path::new(path).to_path_buf().starts_with(mount.point.to_path_buf());
    let ssh = [facts.run.home.as_bytes(), b"/.ssh"].concat();
    let of_file = Path::new(mount.file.as_bytes()).to_path_buf();
    // A link elsewhere to the file is replaced by the copy.
    if mount.file != mount.resolved
        && of_file.parent().is_some_and(|folder| !within(Path::from_path(folder).as_bytes()))
    {
        return in_place(mount, "puts a copy that is yours alone in the place of the link: ssh takes it");
    }
    let source = quoted_bytes(mount.resolved.as_bytes());
    let name = mount.file.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let login = naming::destination_without(facts, &["identityfile"]);
    // Of a home that nobody named nothing speaks against it.
    let unknown = facts.run.home.is_empty();
    if (unknown && !facts.is_read()) || (!unknown && within(&ssh)) {
        let command = format!("d=$(mktemp -d) && install -m 600 {source} \"$d/key\" && ssh -i \"$d/key\" {login}");
        return vec![Step::here(
            command,
            format!("{why}; your home has no modes either, so it lies in a folder for the time being"),
        )];
    }
    // A name of its own where another key, or a file of ssh's, has it or may have it.
    let there = Path::new([&ssh[..], b"/", name].concat());
    let mut known = facts.identities.iter().flat_map(|identities| &identities.files);
    let may_be = facts.is_read() || known.any(|file| file.path == there && is_there(&file.state));
    let usual = TAKEN.iter().any(|taken| taken.as_bytes() == name);
    let taken = (usual && may_be) || name.starts_with(b".") || name.starts_with(b"-");
    let name = if taken { [b"copy-of-", name].concat() } else { name.to_vec() };
    let copy = quoted_option(&name);
    vec![
        Step::here(
            format!("mkdir -p -m 700 ~/.ssh && {{ test -e ~/.ssh/{copy} || install -m 600 {source} ~/.ssh/{copy}; }}"),
            format!("{why}; nothing is copied over a file of that name"),
        ),
        Step::here(format!("ssh -i ~/.ssh/{copy} {login}"), "logs in with the copy; name it in IdentityFile too"),
    ]
}

/// Replaces a link by a copy of what it leads to.
fn in_place(mount: &Mount, why: &str) -> Vec<Step> {
    let (source, link) = (quoted_bytes(mount.resolved.as_bytes()), quoted_bytes(mount.file.as_bytes()));
    let new = quoted_bytes(&[mount.file.as_bytes(), b".new"].concat());
    vec![Step::here(format!("install -m 600 {source} {new} && mv {new} {link}"), why)]
}

/// What makes it last at its source.
fn lasting(ground: Ground) -> Option<Step> {
    let words = match ground {
        Ground::Windows => {
            "or let WSL keep modes: put the lines `[automount]` and `options = \"metadata\"` into /etc/wsl.conf as root, run \
             `wsl --shutdown` in Windows, and chmod 600 works there"
        }
        Ground::Kubernetes => {
            "or set `defaultMode: 0400` for the secret's volume in the pod, and no fsGroup, which opens it to the group again"
        }
        Ground::Docker => "or set `mode: 0400` and the `uid` of this account where the service names the secret",
        Ground::NoModes => {
            "or have it mounted so that its files are yours alone: umask=077 (SMB: file_mode=0600) and your uid"
        }
        Ground::ReadOnly => return None,
    };
    Some(Step::person(Place::Client, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(kind: &str, options: &str, file: &str, resolved: &str) -> Mount {
        let point = resolved.rsplit_once('/').map_or("/", |(folder, _)| folder);
        Mount {
            file: file.into(),
            resolved: resolved.into(),
            point: point.into(),
            kind: kind.to_owned(),
            options: options.into(),
        }
    }

    #[test]
    fn chmod_is_left_out_where_it_is_no_help() {
        let k8s = "/etc/secret/..2026_11_25_01_02_03.1/id";
        for (kind, options, resolved, expected) in [
            ("9p", "rw,noatime,aname=drvfs;path=C:\\;uid=1000", "/mnt/c/id", Some(Ground::Windows)),
            ("9p", "rw,aname=drvfs;path=C:\\;metadata;uid=1000", "/mnt/c/id", None),
            ("9p", "rw,trans=virtio", "/mnt/share/id", None),
            ("vfat", "rw,fmask=0022", "/media/stick/id", Some(Ground::NoModes)),
            ("exfat", "rw", "/media/stick/id", Some(Ground::NoModes)),
            ("cifs", "rw,vers=3.1.1", "/mnt/share/id", Some(Ground::NoModes)),
            ("fuseblk", "rw", "/media/disk/id", Some(Ground::NoModes)),
            ("ext4", "ro,relatime,rw", "/mnt/x/id", Some(Ground::ReadOnly)),
            ("tmpfs", "ro", k8s, Some(Ground::Kubernetes)),
            ("tmpfs", "ro", "/run/secrets/id", Some(Ground::Docker)),
            ("tmpfs", "rw", "/tmp/id", None),
            ("ext4", "rw,errors=remount-ro", "/home/a/.ssh/id", None),
        ] {
            assert_eq!(ground(&mount(kind, options, resolved, resolved)), expected, "{kind} {options}");
        }
    }

    #[test]
    fn the_copy_lies_where_modes_exist() {
        let mut facts = Facts::default();
        facts.run.home = "/home/a".into();
        let first = |facts: &Facts, mount: &Mount| copied(facts, mount, "w")[0].command.clone().unwrap();
        let stick = mount("vfat", "rw", "/media/stick/my key", "/media/stick/my key");
        let command = first(&facts, &stick);
        assert_eq!(
            command,
            "mkdir -p -m 700 ~/.ssh && { test -e ~/.ssh/'my key' || install -m 600 '/media/stick/my key' ~/.ssh/'my key'; }"
        );
        let linked = mount("9p", "aname=drvfs", "/home/a/.ssh/id", "/mnt/c/Users/a/id");
        let command = first(&facts, &linked);
        assert_eq!(
            command,
            "install -m 600 /mnt/c/Users/a/id /home/a/.ssh/id.new && mv /home/a/.ssh/id.new /home/a/.ssh/id"
        );
        let home = mount("cifs", "rw", "/home/a/.ssh/id", "/home/a/.ssh/id");
        assert!(first(&facts, &home).starts_with("d=$(mktemp -d) && install -m 600 /home/a/.ssh/id "));
        facts.identities = Ok(crate::facts::identities::Identities { mounts: vec![stick], ..Default::default() });
        assert_eq!(for_key(&facts, &"/media/stick/my key".into()).map(|steps| steps.len()), Some(3));
        assert!(for_key(&facts, &"/home/a/.ssh/id".into()).is_none());
    }
}
