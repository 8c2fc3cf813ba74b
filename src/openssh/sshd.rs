//! How sshd decides about one login on its own machine, in its own order (auth.c `getpwnamallow`, `allowed_user`;
//! auth2-pubkey.c `userauth_pubkey`, `user_key_allowed`; auth2-pubkeyfile.c `auth_openkeyfile`).

pub mod certificate;
pub mod config;
pub mod drops;
pub mod firewall;
pub mod key;
pub mod log;
pub mod wrappers;

use std::net::IpAddr;

use super::addresses::{self, Answer};
use super::patterns::{Match, match_pattern_list};
use crate::facts::account::{Account, Login, Password, Sshd};
use crate::facts::config::Options;
use crate::facts::key::PublicKey;
use crate::facts::text::{GroupName, Path, ServerText};
use crate::facts::{Observed, known};

/// Why sshd takes the account for an invalid one: it refuses every method then, with the same answer as for a wrong key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAllowed {
    /// No passwd entry: `Invalid user`.
    NoSuchUser,
    /// Without PAM: the password field begins with `!`.
    Locked,
    /// Without PAM: the account's last day, since 1970, has passed.
    Expired(i64),
    /// The login shell is not there.
    ShellMissing(Path),
    /// The login shell is no file that anybody may execute.
    ShellNotExecutable(Path),
    /// This entry of DenyUsers names the login.
    DenyUsers(String),
    /// AllowUsers does not name it.
    AllowUsers,
    /// The account is in this group, which DenyGroups names.
    DenyGroups(GroupName),
    /// The account is in no group that AllowGroups names.
    AllowGroups,
}

/// Whether this key is one of sshd's host keys; `None` where not every one of its files could be read.
pub fn has_host_key(sshd: &Sshd, key: &PublicKey) -> Option<bool> {
    let wanted = key.fingerprint.as_bytes();
    let mut unseen = sshd.host_keys.is_empty();
    for file in &sshd.host_keys {
        // `256 SHA256:… root@web1 (ED25519)`
        let printed = file.fingerprint.as_ref().map(ServerText::as_bytes);
        let mut words = printed.unwrap_or_default().split(|byte| *byte == b' ');
        match words.find(|word| word.starts_with(b"SHA256:")) {
            Some(fingerprint) if fingerprint == wanted => return Some(true),
            Some(_) => {}
            None => unseen = true,
        }
    }
    (!unseen).then_some(false)
}

/// What sshd says of the account before it looks at any key (auth.c `getpwnamallow`, `allowed_user`); `None` where it
/// goes on.
pub fn not_allowed(account: &Account, login: &Login) -> Observed<Option<NotAllowed>> {
    let Some(passwd) = known(&login.passwd)? else { return Ok(Some(NotAllowed::NoSuchUser)) };
    let settings = known(&login.effective)?;
    if settings.is_no("usepam") {
        let shadow = known(&login.shadow)?;
        let today = account.collector.at.unix_seconds.div_euclid(86_400);
        if let Some(day) = shadow.expires.filter(|day| *day >= 0 && today > *day) {
            return Ok(Some(NotAllowed::Expired(day)));
        }
        if shadow.password == Password::Locked {
            return Ok(Some(NotAllowed::Locked));
        }
    }
    let chroot = settings.first("chrootdirectory").is_some_and(|folder| !folder.eq_ignore_ascii_case("none"));
    if !chroot {
        let shell = if passwd.shell.is_empty() { "/bin/sh".into() } else { passwd.shell.clone() };
        let node = account.node(&shell);
        if node.is_some_and(|node| dangles(node) || node.error.as_deref() == Some("ENOENT")) {
            return Ok(Some(NotAllowed::ShellMissing(shell)));
        }
        let stat = node.and_then(|node| node.followed.or(node.stat));
        if stat.is_some_and(|stat| !stat.is_file() || stat.mode & 0o111 == 0) {
            return Ok(Some(NotAllowed::ShellNotExecutable(shell)));
        }
    }
    Ok(by_lists(login, settings, passwd))
}

/// Whether a link leads nowhere.
fn dangles(node: &crate::facts::account::PathNode) -> bool {
    node.stat.is_some_and(|stat| stat.is_link()) && node.followed.is_none()
}

/// DenyUsers, AllowUsers, DenyGroups and AllowGroups, in sshd's order.
fn by_lists(login: &Login, settings: &Options, passwd: &crate::facts::account::Passwd) -> Option<NotAllowed> {
    let (host, address) = client(login);
    let named = |entry: &str| match address {
        Some(address) => addresses::match_user(passwd.name.as_bytes(), &host, address, entry),
        // Without an address an entry that asks for one may match or not.
        None if entry.contains('@') => Answer::Invalid,
        None => addresses::match_user(passwd.name.as_bytes(), "", IpAddr::from([192, 0, 2, 1]), entry),
    };
    let denied = settings.all("denyusers").find(|entry| named(entry) == Answer::Yes);
    if let Some(entry) = denied {
        return Some(NotAllowed::DenyUsers(entry.to_owned()));
    }
    let mut allowed = settings.all("allowusers").peekable();
    if allowed.peek().is_some()
        && !allowed.any(|entry| named(entry) == Answer::Yes || address.is_none() && entry.contains('@'))
    {
        return Some(NotAllowed::AllowUsers);
    }
    let is_in = |list: &str, group: &GroupName| match_pattern_list(group.as_bytes(), list.as_bytes()) == Match::Yes;
    let denied = passwd.groups.iter().find(|(_, group)| settings.all("denygroups").any(|list| is_in(list, group)));
    if let Some((_, group)) = denied {
        return Some(NotAllowed::DenyGroups(group.clone()));
    }
    let mut allowed = settings.all("allowgroups").peekable();
    let in_one = |list: &str| passwd.groups.iter().any(|(_, group)| is_in(list, group));
    (allowed.peek().is_some() && !allowed.any(in_one)).then_some(NotAllowed::AllowGroups)
}

/// The client as sshd sees it: its name is looked up only with UseDNS, and stands for its address otherwise.
pub fn client(login: &Login) -> (String, Option<IpAddr>) {
    let text = login.from.as_ref().and_then(|address| address.as_str()).unwrap_or_default();
    (text.to_owned(), text.parse().ok())
}

/// Whether a passwd entry is there and sshd's settings are known: what every judgement about a key needs.
pub fn is_root(login: &Login) -> bool {
    matches!(&login.passwd, Ok(Some(passwd)) if passwd.uid == 0)
}
