//! How sshd decides about one public key for one account (auth2-pubkey.c `userauth_pubkey`, `user_key_allowed`).

use super::certificate::{self, Authority, CertificateRefusal};
use super::client;
use crate::facts::account::{Account, KeysCommand, KeysFile, KeysLine, Login, NodeStat, RevokedFile};
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
#[derive(Debug, Clone, PartialEq)]
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
    /// Its letters stand in it, without the type that makes them a key.
    Letters,
    /// It has the beginning of the key: so many letters of so many.
    CutShort(usize, usize),
    /// It is the CA of the certificate, without `cert-authority`; or the key, with it.
    WrongRole,
    /// It is the CA of the certificate, and sshd refuses that.
    Certificate(CertificateRefusal),
}

/// What sshd makes of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<'a> {
    /// The file and the line that let it in; `None` where none does.
    pub accepted: Option<(&'a KeysFile, u32)>,
    /// Whether AuthorizedKeysCommand, which was run, answered with it, and its line lets it in.
    pub by_command: bool,
    /// The line of TrustedUserCAKeys whose CA lets the certificate in.
    pub by_authority: Option<(&'a KeysFile, u32)>,
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
    /// CASignatureAlgorithms leaves out the algorithm with which the CA signed the certificate.
    CaSignature(String),
    /// TrustedUserCAKeys does not let the certificate in.
    Authority(Authority<'a>),
    /// RevokedKeys names it.
    Revoked(&'a RevokedFile),
    /// RevokedKeys cannot be read: then sshd refuses every key.
    Revocation(&'a RevokedFile),
    /// A file of keys that sshd does not read.
    File(&'a KeysFile, Outcome),
    /// A line that has the key and does not let it in.
    Line(&'a KeysFile, u32, LineSays),
    /// A file that has the key's letters, on more lines than one or with other bytes between them.
    Scattered(&'a KeysFile),
    /// It is in none of the files that sshd reads.
    NotListed,
}

/// What sshd makes of `key` (auth2-pubkey.c `userauth_pubkey`, `user_key_allowed`), a certificate by its CA.
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
    obstacles.extend(certificate::refused_signature(settings, key).map(Obstacle::CaSignature));
    for revoked in &login.revoked_files {
        if unreadable(account, &revoked.file) {
            obstacles.push(Obstacle::Revocation(revoked));
        } else if is_revoked(account, revoked, key) {
            obstacles.push(Obstacle::Revoked(revoked));
        }
    }
    let before = obstacles.len();
    let mut accepted = None;
    let asks = |command: &&KeysCommand| command.setting == "authorizedkeyscommand";
    let mut open = login.commands.iter().filter(asks).any(|command| command.answer.is_none());
    let mut read = false;
    let mut unseen = false;
    // It stands in a line behind those that were read.
    let mut beyond = false;
    let no_files = settings.first("authorizedkeysfile").is_some_and(|files| files.eq_ignore_ascii_case("none"));
    let by_command = login.commands.iter().filter(asks).any(|command| {
        command.answer.as_ref().is_some_and(|(status, lines)| *status == 0 && answers(account, login, lines, key))
    });
    for FileSays { file, outcome } in files(account, login, key)? {
        match outcome {
            Outcome::Read(lines) => {
                read = true;
                beyond |=
                    looked_for(account, key) && file.key_lines.iter().flatten().any(|number| lacks(file, *number));
                // Of a key that was not looked for nobody knows what stands behind the end.
                open |= !looked_for(account, key) && file.lines.iter().any(is_cut);
                if lines.is_empty()
                    && looked_for(account, key)
                    && file.key_joined == Some(true)
                    && file.key_lines.as_ref().is_none_or(Vec::is_empty)
                {
                    obstacles.push(Obstacle::Scattered(file));
                }
                for (number, says) in lines {
                    match says {
                        LineSays::Lets(_) => accepted = accepted.or(Some((file, number))),
                        says => obstacles.push(Obstacle::Line(file, number, says)),
                    }
                }
                open |= file.cut_at.is_some()
                    && file.key_lines.as_ref().is_none_or(|lines| lines.iter().any(|number| lacks(file, *number)));
            }
            Outcome::NotSeen => {
                open = true;
                unseen = true;
            }
            outcome => obstacles.push(Obstacle::File(file, outcome)),
        }
    }
    let authority = certificate::authority(account, login, settings, key);
    let by_authority = match authority {
        Authority::Lets(file, line) => Some((file, line)),
        _ => None,
    };
    if accepted.is_some() || by_command || by_authority.is_some() {
        obstacles.truncate(before);
    } else if key.is_certificate() && authority == Authority::NotSeen {
        open = true;
        obstacles.truncate(before);
    } else if key.is_certificate() {
        // A file without the CA is none where another one, or TrustedUserCAKeys, is what is meant.
        let told: Vec<Obstacle<'_>> =
            obstacles[before..].iter().filter(|obstacle| matches!(obstacle, Obstacle::Line(..))).cloned().collect();
        obstacles.truncate(before);
        match authority {
            Authority::Refuses(_) => {
                obstacles.push(Obstacle::Authority(authority));
                obstacles.extend(told);
            }
            _ if !told.is_empty() => obstacles.extend(told),
            authority => obstacles.push(Obstacle::Authority(authority)),
        }
        if unseen && !matches!(obstacles.get(before), Some(Obstacle::Authority(Authority::Refuses(_)))) {
            open = true;
        }
    } else if beyond {
        open = true;
        obstacles.truncate(before);
    } else if (read || no_files && !unseen) && obstacles.len() == before {
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
    Ok(Decision { accepted, by_command, by_authority, obstacles, open })
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

/// Whether it is the key that the collector looked for.
pub fn looked_for(account: &Account, key: &PublicKey) -> bool {
    account
        .collector
        .key
        .as_ref()
        .is_some_and(|asked| asked.fingerprint == key.fingerprint && asked.is_certificate() == key.is_certificate())
}

/// Whether sshd, as root, cannot read a file of the system.
pub fn unreadable(account: &Account, file: &KeysFile) -> bool {
    let node = account.node(file.real.as_ref().unwrap_or(&file.path));
    let stat = node.and_then(|node| node.followed.or(node.stat));
    missing(account, file) || stat.is_some_and(|stat| !stat.is_file())
}

/// Whether a file is not there. An account that may not look cannot tell.
pub fn missing(account: &Account, file: &KeysFile) -> bool {
    if file.error.as_deref() == Some("ENOENT") && account.collector.uid == 0 {
        return true;
    }
    file.path.steps().any(|step| {
        account.node(&step).is_some_and(|node| node.stat.is_none() && node.error.as_deref() == Some("ENOENT"))
    })
}

/// Whether a RevokedKeys file names the key, or its CA: a KRL of which `ssh-keygen -Q` was asked, or a list of keys
/// (authfile.c `sshkey_check_revoked`, `sshkey_in_file`).
fn is_revoked(account: &Account, revoked: &RevokedFile, key: &PublicKey) -> bool {
    // A list is no KRL, which makes ssh-keygen end with another status.
    if revoked.file.start.starts_with(b"SSHKRL") {
        return looked_for(account, key) && revoked.query.as_ref().is_some_and(|(status, _)| *status == 1);
    }
    let ca = key.certificate.as_ref().map(|certificate| &certificate.ca);
    revoked.file.lines.iter().any(|line| match line {
        KeysLine::Text(text) => match authorized_keys::line(text.as_bytes()) {
            Line::Entry(entry) => entry.key.fingerprint == key.fingerprint || Some(&entry.key.fingerprint) == ca,
            _ => false,
        },
        _ => false,
    })
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
    if missing(account, file) {
        return Some(Outcome::Missing);
    }
    if file.account_reads == Some(false) {
        let first = |path: &Path| closed(account, login, path).into_iter().next();
        let at = first(&file.path).or_else(|| first(file.real.as_ref()?));
        return Some(Outcome::Unreadable(at));
    }
    if file.account_reads.is_none()
        && let Some(at) = closed(account, login, &file.path).into_iter().next()
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
    Path::new(name).steps().find_map(|head| {
        let link = account.node(&head)?.link.as_ref()?;
        Some((head.as_bytes().to_vec(), link.as_bytes().to_vec()))
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

/// The folders that the account may not pass, and the file where it may not read it, by owner, group and mode alone;
/// up to the first name that was not seen.
pub fn closed(account: &Account, login: &Login, path: &Path) -> Vec<Path> {
    let Ok(Some(passwd)) = &login.passwd else { return Vec::new() };
    if passwd.uid == 0 {
        return Vec::new();
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
    let steps = std::iter::once(Path::from("/")).chain(path.steps());
    let seen = steps.map_while(|step| {
        let bit = if step == *path { 4 } else { 1 };
        let node = account.node(&step)?;
        let (stat, acl) = (node.followed.or(node.stat)?, node.acl.is_some());
        Some((step, bit, stat, acl))
    });
    // An ACL may open what the mode closes.
    let shut = seen.filter(|(_, bit, stat, acl)| !may(stat, *bit) && !acl);
    shut.map(|(step, ..)| step).collect()
}

/// What the lines of a file say of `key`.
pub fn lines(account: &Account, login: &Login, file: &KeysFile, key: &PublicKey) -> Vec<(u32, LineSays)> {
    let mut said = Vec::new();
    let looked_for = looked_for(account, key);
    // Of thousands of lines few hold the beginning of the key; a CA is known by its fingerprint alone.
    let letters = if key.is_certificate() { String::new() } else { key.blob.base64() };
    let begin = letters.as_bytes().get(..BEGINNING);
    let behind = file.whole.iter().map(|(number, _)| *number).filter(|number| *number as usize > file.lines.len());
    let shown = u32::try_from(file.lines.len()).unwrap_or(u32::MAX);
    for number in (1..=shown).chain(behind) {
        let whole = file.whole.iter().find(|(at, _)| looked_for && *at == number).map(|(_, text)| text);
        let shown = file.lines.get(number as usize - 1);
        let has_letters = looked_for && file.key_lines.as_ref().is_some_and(|lines| lines.contains(&number));
        if matches!(shown, Some(KeysLine::Comment))
            || whole.is_some_and(|text| text.as_bytes().trim_ascii_start().starts_with(b"#"))
        {
            continue;
        }
        let text = match shown {
            Some(KeysLine::Text(text)) => whole.or(Some(text)),
            _ => whole,
        };
        let text =
            text.filter(|text| begin.is_none_or(|begin| text.as_bytes().windows(BEGINNING).any(|at| at == begin)));
        let says = text.and_then(|text| one(account, login, up_to_nul(file, text.as_bytes()), key));
        // What a line says whose end is missing, only the line itself tells.
        let cut = whole.is_none() && shown.is_none_or(is_cut);
        let says =
            if cut { says.filter(|says| matches!(says, LineSays::Lets(_) | LineSays::Refuses(_))) } else { says };
        if let Some(says) = says.or((has_letters && !cut).then_some(LineSays::Letters)) {
            said.push((number, says));
        }
    }
    said
}

/// How much of a line the collector shows.
const SHOWN: usize = 20_000;

/// Whether the end of a line is missing.
fn is_cut(line: &KeysLine) -> bool {
    match line {
        KeysLine::Text(text) => text.as_bytes().len() >= SHOWN,
        KeysLine::Base64(count) | KeysLine::Other(count) => *count as usize >= SHOWN,
        KeysLine::Comment => false,
    }
}

/// Whether of a line that holds the key something is missing.
fn lacks(file: &KeysFile, number: u32) -> bool {
    file.whole.iter().all(|(at, _)| *at != number)
        && file.lines.get((number as usize).wrapping_sub(1)).is_none_or(is_cut)
}

/// Whether the answer of a program lets the key in.
fn answers(account: &Account, login: &Login, lines: &[KeysLine], key: &PublicKey) -> bool {
    lines.iter().any(|line| match line {
        KeysLine::Text(text) => matches!(one(account, login, text.as_bytes(), key), Some(LineSays::Lets(_))),
        _ => false,
    })
}

/// What sshd sees of a line: it ends at a NUL, which the collector writes as the byte 1.
fn up_to_nul<'a>(file: &KeysFile, text: &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| *byte == 1).filter(|_| file.nuls > 0);
    &text[..end.unwrap_or(text.len())]
}

/// Of the key's letters how many a line has that breaks off within them; below this it could be another key's.
const BEGINNING: usize = 45;

/// Whether the line's last word is the beginning of the key.
fn cut_short(text: &[u8], key: &PublicKey) -> Option<LineSays> {
    let whole = key.blob.base64();
    let word = text
        .split(u8::is_ascii_whitespace)
        .find(|word| word.len() >= BEGINNING && whole.as_bytes().starts_with(word))?;
    (word.len() < whole.len()).then_some(LineSays::CutShort(word.len(), whole.len()))
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
                Ok(()) => {
                    let certificate = key.certificate.as_deref();
                    let refusal = certificate
                        .and_then(|certificate| certificate::by_line(account, login, certificate, &entry.options));
                    refusal.map_or_else(|| LineSays::Lets(entry.options), LineSays::Certificate)
                }
                Err(refusal) => LineSays::Refuses(refusal),
            }
        } else {
            LineSays::WrongRole
        }),
        Line::BadOptions(found, reason) if is_it(&found) => Some(LineSays::BadOptions(reason)),
        Line::OpenQuote => hidden().map(|_| LineSays::OpenQuote),
        Line::NoKey => hidden().map(LineSays::Hidden).or_else(|| cut_short(text, key)),
        Line::Entry(_) | Line::BadOptions(..) => hidden().map(LineSays::Hidden),
    }
}

/// The offset from UTC at the end of an RFC 3339 time.
pub fn offset_seconds(local: &str) -> i64 {
    let Some(offset) = local.len().checked_sub(6).and_then(|at| local.get(at..)) else { return 0 };
    let part = |from: usize, to: usize| offset.get(from..to).and_then(|part| part.parse::<i64>().ok()).unwrap_or(0);
    let seconds = part(1, 3) * 3600 + part(4, 6) * 60;
    if offset.starts_with('-') { -seconds } else { seconds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::account::{Collector, Passwd, PathNode};
    use crate::openssh::public_key::from_line;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS";
    const FILE: &str = "/home/deploy/.ssh/authorized_keys";

    fn key() -> PublicKey {
        from_line(KEY.as_bytes()).unwrap()
    }

    /// An account with one file of keys that holds these lines, looked at by this user.
    fn account(uid: u32, lines: &[&str], nuls: u64) -> Account {
        let text = |line: &&str| KeysLine::Text((*line).into());
        let file = KeysFile { path: FILE.into(), nuls, lines: lines.iter().map(text).collect(), ..KeysFile::default() };
        let stat = |mode| Some(NodeStat { mode, uid: 1000, gid: 1000, ..NodeStat::default() });
        let folder = |path: &str| PathNode { path: path.into(), stat: stat(0o040_700), ..PathNode::default() };
        let root = |path: &str| PathNode {
            path: path.into(),
            stat: Some(NodeStat { mode: 0o040_755, ..NodeStat::default() }),
            ..PathNode::default()
        };
        let passwd = Passwd {
            name: "deploy".into(),
            uid: 1000,
            gid: 1000,
            home: "/home/deploy".into(),
            groups: vec![(1000, "deploy".into())],
            ..Passwd::default()
        };
        let login = Login {
            passwd: Ok(Some(passwd)),
            effective: Ok(Options::default()),
            keys_files: vec![file],
            ..Login::default()
        };
        Account {
            collector: Collector { uid, key: Some(key()), ..Collector::default() },
            login,
            paths: vec![
                root("/"),
                root("/home"),
                folder("/home/deploy"),
                folder("/home/deploy/.ssh"),
                PathNode { path: FILE.into(), stat: stat(0o100_600), ..PathNode::default() },
            ],
            ..Account::default()
        }
    }

    fn said(account: &Account) -> Vec<Obstacle<'_>> {
        decide(account, &account.login, &key()).unwrap().obstacles
    }

    fn lines_say(lines: &[&str], nuls: u64) -> Option<LineSays> {
        let account = account(0, lines, nuls);
        let says = super::lines(&account, &account.login, &account.login.keys_files[0], &key());
        says.into_iter().next().map(|(_, says)| says)
    }

    #[test]
    fn what_could_not_be_looked_at_is_not_missing() {
        let mut closed = account(1001, &[], 0);
        closed.login.keys_files[0].error = Some("ENOENT".to_owned());
        closed.paths.truncate(4);
        closed.paths.push(PathNode { path: FILE.into(), error: Some("unknown".to_owned()), ..PathNode::default() });
        let decision = decide(&closed, &closed.login, &key()).unwrap();
        assert_eq!((decision.obstacles.len(), decision.open), (0, true));
        closed.collector.uid = 0;
        assert!(matches!(said(&closed).as_slice(), [Obstacle::File(_, Outcome::Missing)]));
        closed.collector.uid = 1001;
        closed.paths[4].error = Some("ENOENT".to_owned());
        assert!(matches!(said(&closed).as_slice(), [Obstacle::File(_, Outcome::Missing)]));
    }

    #[test]
    fn a_line_ends_where_sshd_sees_its_end() {
        assert!(matches!(lines_say(&[KEY], 0), Some(LineSays::Lets(_))));
        assert_eq!(lines_say(&[&format!("\u{1}{KEY}")], 1), None);
        assert!(matches!(lines_say(&[&format!("{KEY} a\u{1}b")], 1), Some(LineSays::Lets(_))));
        assert_eq!(lines_say(&[&KEY[..70]], 0), Some(LineSays::CutShort(58, 68)));
        assert_eq!(lines_say(&[&KEY[..40]], 0), None, "too short to be this key and no other");
    }

    #[test]
    fn the_letters_that_were_looked_for_are_those_of_one_key() {
        let mut account = account(0, &["ssh-ed25519 AAAA"], 0);
        account.login.keys_files[0].key_joined = Some(true);
        assert!(matches!(said(&account).as_slice(), [Obstacle::Scattered(_)]));
        account.collector.key = None;
        assert_eq!(said(&account), [Obstacle::NotListed]);
    }

    #[test]
    fn a_setting_of_none_reads_no_file_and_lists_no_key() {
        let mut account = account(0, &[], 0);
        account.login.keys_files.clear();
        assert_eq!(said(&account), [], "nothing is known of the files");
        account.login.effective = Ok(Options(vec![("authorizedkeysfile".to_owned(), "none".into())]));
        assert_eq!(said(&account), [Obstacle::NotListed]);
    }
}
