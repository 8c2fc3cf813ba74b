//! How sshd decides about one public key for one account (auth2-pubkey.c `userauth_pubkey`, `user_key_allowed`).

use super::client;
use crate::facts::account::{Account, KeysFile, KeysLine, Login, NodeStat, RevokedFile};
use crate::facts::config::Options;
use crate::facts::key::PublicKey;
use crate::facts::text::Path;
use crate::facts::{Observed, known};
use crate::openssh::authorized_keys::{self, Line, Refusal};
use crate::openssh::patterns::{Match, match_pattern_list};
use crate::openssh::strict_modes::{self, Distrusted, Walk};

/// What one file of keys says about a key.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSays<'a> {
    /// The file.
    pub file: &'a KeysFile,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a file of keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is not there.
    Missing,
    /// sshd, acting as the account, cannot open it: the folder or file that forbids it, where it is known.
    Unreadable(Option<Path>),
    /// It is a folder, a FIFO or a device.
    NotAFile,
    /// StrictModes: sshd ignores it. Further places that would stop it follow.
    Distrusted(Distrusted, Vec<Distrusted>),
    /// It could not be looked at from here.
    NotSeen,
    /// sshd reads it: what its lines say of the key, in order, as far as they speak of it.
    Read(Vec<(u32, LineSays)>),
}

/// What a line says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineSays {
    /// It lets it in, with these options.
    Lets(authorized_keys::Options),
    /// It has the key, and an option that refuses this login.
    Refuses(Refusal),
    /// It has the key, and options that sshd cannot read, in sshd's words.
    BadOptions(&'static str),
    /// It has the key behind a quote that is never closed.
    OpenQuote,
    /// The key stands in it at this byte, where sshd does not look for one.
    Hidden(usize),
    /// It is the CA of the certificate, without `cert-authority`; or the key, with it.
    WrongRole,
}

/// What sshd makes of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<'a> {
    /// The file and the line that let it in; `None` where none does.
    pub accepted: Option<(&'a KeysFile, u32)>,
    /// What stands in its way, in sshd's order; empty where it is accepted and nothing before the files refuses it.
    pub obstacles: Vec<Obstacle<'a>>,
    /// Whether a program that was not run (AuthorizedKeysCommand), or a file that was not seen, may let it in all the
    /// same.
    pub open: bool,
}

/// One thing that stands in a key's way.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle<'a> {
    /// PubkeyAcceptedAlgorithms holds none of its signature algorithms.
    Algorithm,
    /// RequiredRSASize: the key's size and the least that sshd takes.
    TooSmall(u32, u32),
    /// RevokedKeys names it.
    Revoked(&'a RevokedFile),
    /// RevokedKeys cannot be read: then sshd refuses every key.
    Revocation(&'a RevokedFile),
    /// A file of keys that sshd does not read.
    File(&'a KeysFile, Outcome),
    /// A line that has the key and does not let it in.
    Line(&'a KeysFile, u32, LineSays),
    /// It is in none of the files that sshd reads.
    NotListed,
}

/// What sshd makes of `key` (auth2-pubkey.c `userauth_pubkey`, `user_key_allowed`), certificates by their CA apart.
pub fn decide<'a>(account: &'a Account, login: &'a Login, key: &PublicKey) -> Observed<Decision<'a>> {
    let settings = known(&login.effective)?;
    let mut obstacles = Vec::new();
    if !algorithm_accepted(settings, key) {
        obstacles.push(Obstacle::Algorithm);
    }
    let least = settings.first("requiredrsasize").and_then(|bits| bits.parse().ok()).unwrap_or(0);
    if let Some(bits) = key.bits.filter(|bits| key.plain_algorithm() == "ssh-rsa" && *bits < least) {
        obstacles.push(Obstacle::TooSmall(bits, least));
    }
    for revoked in &login.revoked_files {
        if revoked.file.error.is_some() {
            obstacles.push(Obstacle::Revocation(revoked));
        } else if is_revoked(account, login, revoked, key) {
            obstacles.push(Obstacle::Revoked(revoked));
        }
    }
    let before = obstacles.len();
    let mut accepted = None;
    let mut open = login.commands.iter().any(|command| command.answer.is_none());
    let mut read = false;
    for FileSays { file, outcome } in files(account, login, key)? {
        match outcome {
            Outcome::Read(lines) => {
                read = true;
                for (number, says) in lines {
                    match says {
                        LineSays::Lets(_) => accepted = accepted.or(Some((file, number))),
                        says => obstacles.push(Obstacle::Line(file, number, says)),
                    }
                }
                open |= file.cut_at.is_some() && file.key_lines.as_ref().is_none_or(|lines| !lines.is_empty());
            }
            Outcome::NotSeen => open = true,
            outcome => obstacles.push(Obstacle::File(file, outcome)),
        }
    }
    if accepted.is_some() {
        obstacles.truncate(before);
    } else if read && obstacles.len() == before {
        obstacles.push(Obstacle::NotListed);
    } else {
        // A file that is not there is none where another one is read.
        let missing = |obstacle: &Obstacle<'_>| matches!(obstacle, Obstacle::File(_, Outcome::Missing));
        let all = obstacles[before..].iter().all(missing);
        if !all {
            obstacles.retain(|obstacle| !missing(obstacle));
        }
        if read && obstacles.iter().all(missing) {
            obstacles = vec![Obstacle::NotListed];
        }
    }
    Ok(Decision { accepted, obstacles, open })
}

/// Whether sshd takes signatures of this key (PubkeyAcceptedAlgorithms, before 8.5 PubkeyAcceptedKeyTypes).
fn algorithm_accepted(settings: &Options, key: &PublicKey) -> bool {
    if key.algorithm.is_empty() {
        return true;
    }
    let list = settings.first("pubkeyacceptedalgorithms").or_else(|| settings.first("pubkeyacceptedkeytypes"));
    let Some(list) = list else { return true };
    let names: &[&str] = match key.algorithm.as_str() {
        "ssh-rsa" => &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
        "ssh-rsa-cert-v01@openssh.com" => {
            &["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"]
        }
        name => &[name],
    };
    names.iter().any(|name| match_pattern_list(name.as_bytes(), list.as_bytes()) == Match::Yes)
}

/// Whether a RevokedKeys file names the key: a list of keys, or a KRL of which `ssh-keygen -Q` was asked.
fn is_revoked(account: &Account, login: &Login, revoked: &RevokedFile, key: &PublicKey) -> bool {
    if let Some((status, _)) = &revoked.query {
        return *status == 1;
    }
    lines(account, login, &revoked.file, key).iter().any(|(_, says)| matches!(says, LineSays::Lets(_)))
}

/// What every file of AuthorizedKeysFile says of `key`, in sshd's order.
pub fn files<'a>(account: &'a Account, login: &'a Login, key: &PublicKey) -> Observed<Vec<FileSays<'a>>> {
    let settings = known(&login.effective)?;
    Ok(login
        .keys_files
        .iter()
        .map(|file| FileSays { file, outcome: outcome(account, login, settings, file, key) })
        .collect())
}

/// What becomes of one file.
pub fn outcome(account: &Account, login: &Login, settings: &Options, file: &KeysFile, key: &PublicKey) -> Outcome {
    match access(account, login, settings, file) {
        Some(outcome) => outcome,
        None => Outcome::Read(lines(account, login, file, key)),
    }
}

/// What keeps sshd from reading a file of keys at all; `None` where it reads it.
pub fn access(account: &Account, login: &Login, settings: &Options, file: &KeysFile) -> Option<Outcome> {
    let node = account.node(&file.path);
    let stat = node.and_then(|node| node.followed.or(node.stat));
    if file.error.as_deref() == Some("ENOENT")
        || node.is_some_and(|node| node.stat.is_none() && node.error.as_deref() == Some("ENOENT"))
    {
        return Some(Outcome::Missing);
    }
    if file.account_reads == Some(false) {
        let at = closed(account, login, &file.path).or_else(|| closed(account, login, file.real.as_ref()?));
        return Some(Outcome::Unreadable(at));
    }
    if file.account_reads.is_none()
        && let Some(at) = closed(account, login, &file.path)
    {
        return Some(Outcome::Unreadable(Some(at)));
    }
    if stat.is_some_and(|stat| !stat.is_file()) {
        return Some(Outcome::NotAFile);
    }
    if stat.is_none() || file.error.is_some() {
        return Some(Outcome::NotSeen);
    }
    if !settings.is_no("strictmodes") {
        let Ok(Some(passwd)) = &login.passwd else { return Some(Outcome::NotSeen) };
        let real = file.real.as_ref().unwrap_or(&file.path);
        let home = canonical(account, &passwd.home);
        match strict_modes::walk(account, real, passwd, Some(&home)) {
            Walk::Trusted => {}
            Walk::Stops(stop, further) => return Some(Outcome::Distrusted(stop, further)),
            Walk::Unseen(_) => return Some(Outcome::NotSeen),
        }
    }
    None
}

/// Where a name leads, links of its folders followed, as far as they were seen (realpath(3)).
pub fn canonical(account: &Account, path: &Path) -> Path {
    let mut name = path.as_bytes().to_vec();
    for _ in 0..40 {
        let Some((head, target)) = first_link(account, &name) else { break };
        let rest = name[head.len()..].to_vec();
        let mut next = if target.starts_with(b"/") {
            target
        } else {
            let folder = head.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
            [&head[..folder], &target].concat()
        };
        next.extend(rest);
        name = normal(&next);
    }
    Path::new(normal(&name))
}

/// The outermost folder on the way that is a link, and what it says.
fn first_link(account: &Account, name: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let ends = name.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0).map(|(at, _)| at);
    ends.chain([name.len()]).find_map(|end| {
        let head = &name[..end];
        let node = account.node(&Path::new(head))?;
        node.link.as_ref().map(|link| (head.to_vec(), link.as_bytes().to_vec()))
    })
}

/// Without `//`, `.` and `..`.
fn normal(name: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut out = Vec::new();
    for part in parts {
        out.push(b'/');
        out.extend_from_slice(part);
    }
    if out.is_empty() { b"/".to_vec() } else { out }
}

/// The folder that the account may not pass, or the file that it may not read, by owner, group and mode alone.
fn closed(account: &Account, login: &Login, path: &Path) -> Option<Path> {
    let Ok(Some(passwd)) = &login.passwd else { return None };
    if passwd.uid == 0 {
        return None;
    }
    let may = |stat: &NodeStat, bit: u32| {
        let shift = if stat.uid == passwd.uid {
            6
        } else if stat.gid == passwd.gid || passwd.groups.iter().any(|(gid, _)| *gid == stat.gid) {
            3
        } else {
            0
        };
        stat.mode >> shift & bit != 0
    };
    let name = path.as_bytes();
    let folders = name.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0).map(|(at, _)| at);
    let steps = std::iter::once(1).chain(folders).map(|end| (&name[..end], 1)).chain([(name, 4)]);
    for (step, bit) in steps {
        let node = account.node(&Path::new(step))?;
        // An ACL may open what the mode closes.
        let stat = node.followed.or(node.stat)?;
        if !may(&stat, bit) && node.acl.is_none() {
            return Some(Path::new(step));
        }
    }
    None
}

/// What the lines of a file say of `key`.
pub fn lines(account: &Account, login: &Login, file: &KeysFile, key: &PublicKey) -> Vec<(u32, LineSays)> {
    let mut said = Vec::new();
    for (number, line) in (1..).zip(&file.lines) {
        let KeysLine::Text(text) = line else { continue };
        if let Some(says) = one(account, login, text.as_bytes(), key) {
            said.push((number, says));
        }
    }
    said
}

/// What one line says of `key`; `None` where it does not speak of it.
fn one(account: &Account, login: &Login, text: &[u8], key: &PublicKey) -> Option<LineSays> {
    let ca = key.certificate.as_ref().map(|certificate| &certificate.ca);
    let is_it = |other: &PublicKey| match ca {
        Some(ca) => other.fingerprint == *ca,
        // A key of which only the fingerprint was named has no blob.
        None => other.fingerprint == key.fingerprint && !other.is_certificate(),
    };
    let hidden = || {
        let found = authorized_keys::keys_within(text);
        found.into_iter().find(|(_, found)| is_it(found)).map(|(at, _)| at)
    };
    match authorized_keys::line(text) {
        Line::Empty => None,
        Line::Entry(entry) if is_it(&entry.key) => Some(if entry.options.cert_authority == ca.is_some() {
            let offset = offset_seconds(&account.collector.at.local);
            let (host, address) = client(login);
            let client = address.map(|address| (host.as_str(), address));
            match authorized_keys::authorise(&entry.options, account.collector.at.unix_seconds, offset, client) {
                Ok(()) => LineSays::Lets(entry.options),
                Err(refusal) => LineSays::Refuses(refusal),
            }
        } else {
            LineSays::WrongRole
        }),
        Line::BadOptions(found, reason) if is_it(&found) => Some(LineSays::BadOptions(reason)),
        Line::OpenQuote => hidden().map(|_| LineSays::OpenQuote),
        Line::Entry(_) | Line::BadOptions(..) | Line::NoKey => hidden().map(LineSays::Hidden),
    }
}

/// The offset from UTC at the end of an RFC 3339 time.
pub fn offset_seconds(local: &str) -> i64 {
    let Some(offset) = local.len().checked_sub(6).and_then(|at| local.get(at..)) else { return 0 };
    let part = |from: usize, to: usize| offset.get(from..to).and_then(|part| part.parse::<i64>().ok()).unwrap_or(0);
    let seconds = part(1, 3) * 3600 + part(4, 6) * 60;
    if offset.starts_with('-') { -seconds } else { seconds }
}
