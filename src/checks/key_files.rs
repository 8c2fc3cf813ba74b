//! The private key files: whether ssh can use what it would sign with.
//!
//! ssh reads a private key only after the server has said yes to its public half, so these causes bite at reading;
//! before any offer only where ssh has no public half to ask with (openssh/course.rs).

use crate::facts::agent::Agent;
use crate::facts::identities::{Defect, FileError, FileKind, Identities, KeyFile, is_seen, is_there};
use crate::facts::key::PublicKey;
use crate::facts::text::{Path, ServerText};
use crate::facts::userauth::{Signature, Signed};
use crate::facts::{Facts, Observed, Source, Stage, Unobserved, known};
use crate::openssh::course::{self, Fate, Problem, Turn, Use};
use crate::openssh::prompts;

use super::{
    Blocks, Cause, Certainty, Check, Finding, Fix, Outcome, Place, Step, checkup, key_pair, log, macos, naming,
    wrong_binary,
};

/// The configured key files are there and are what ssh can read.
pub const KEY_FILES: Check = Check {
    id: "key-files",
    stage: Stage::Identity,
    claim: "the configured key files are there and are private keys that ssh can read",
    causes: &[
        &wrong_binary::WRONG_SSH_BINARY,
        &IDENTITY_FILE_MISSING,
        &KEY_FILE_UNREADABLE,
        &KEY_FILE_IS_PUBLIC,
        &KEY_FILE_IS_PPK,
        &KEY_FILE_MALFORMED,
        &key_pair::KEY_PAIR_MISMATCH,
        &KEY_PASSPHRASE_NEEDED,
    ],
    holds: key_files_hold,
    rules_out: &[("identity-file-missing", every_named_file_is_there)],
};

/// A key file problem that stops ssh, and where.
pub(super) struct Bite<'a> {
    pub(super) file: &'a KeyFile,
    pub(super) problem: Problem,
    /// The public half that the server accepted; `None` where nothing could be asked.
    accepted: Option<PublicKey>,
    certainty: Certainty,
    /// In a check-up: where the file is tried. Then no server was asked.
    tried: Option<Vec<String>>,
}

/// The problem with a key file that stops ssh, where `wanted` names it.
pub(super) fn bite<'a>(facts: &'a Facts, turns: &[Turn], wanted: fn(&Problem) -> bool) -> Observed<Option<Bite<'a>>> {
    if facts.checkup.is_some() {
        return Ok(at_rest(facts, wanted));
    }
    let userauth = known(&facts.userauth)?;
    if let Some((turn, Use::Problem(problem))) = course::stopped(turns) {
        let Some(file) = course::key_file(facts, &turn.offer).filter(|_| wanted(problem)) else {
            return Ok(None);
        };
        let accepted = turn.offer.key.clone();
        return Ok(Some(Bite { file, problem: problem.clone(), accepted, certainty: Certainty::Proven, tried: None }));
    }
    let takes_keys = userauth.methods().is_some_and(|methods| methods.iter().any(|method| method == "publickey"));
    let nothing_asked = !turns.iter().any(|turn| turn.fate == Fate::Refused);
    if course::good(turns).is_some()
        || course::stopped(turns).is_some()
        || !takes_keys
        || (nothing_asked && asks_instead(facts))
    {
        return Ok(None);
    }
    let unusable = turns.iter().find_map(|turn| {
        let Fate::Unusable(problem) = &turn.fate else { return None };
        let file = course::key_file(facts, &turn.offer)?;
        (wanted(problem) && (nothing_asked || file.explicit)).then_some((file, problem))
    });
    let certainty = if nothing_asked { Certainty::Proven } else { Certainty::Likely };
    // A file that cannot even be looked at is in no list of ssh's; whether a key is there, nobody can say.
    let closed = known(&facts.identities)?.files.iter().find_map(|file| {
        let problem =
            course::problem(facts, file).filter(|_| file.state.is_err() && (nothing_asked || file.explicit))?;
        (problem != Problem::Missing && wanted(&problem)).then_some((file, problem))
    });
    if let (None, Some((file, problem))) = (&unusable, closed) {
        return Ok(Some(Bite { file, problem, accepted: None, certainty: Certainty::Likely, tried: None }));
    }
    Ok(unusable.map(|(file, problem)| Bite { file, problem: problem.clone(), accepted: None, certainty, tried: None }))
}

/// The same where no login is meant: the first key file that ssh would try and cannot use, surest first.
fn at_rest(facts: &Facts, wanted: fn(&Problem) -> bool) -> Option<Bite<'_>> {
    let mut faulty = checkup::faulty(facts);
    faulty.retain(|faulty| wanted(&faulty.problem));
    let place = faulty.iter().position(|faulty| faulty.only).unwrap_or(0);
    let faulty = faulty.into_iter().nth(place)?;
    let tried = Some(checkup::tried(facts, &faulty));
    let certainty = if faulty.only { Certainty::Proven } else { Certainty::Likely };
    Some(Bite { file: faulty.file, problem: faulty.problem, accepted: None, certainty, tried })
}

/// The same, in a check-up alone.
fn at_rest_of(facts: &Facts, wanted: fn(&Problem) -> bool) -> Option<Bite<'_>> {
    facts.checkup.as_ref().and_then(|_| at_rest(facts, wanted))
}

/// The line that names the file, to be corrected; for one that no line names, what lies beside it.
fn name_again(bite: &Bite<'_>) -> Vec<Step> {
    let path = &bite.file.path;
    match &bite.file.source {
        Source::File { path: of, line: Some(line) } => vec![Step::here(
            format!("\"${{EDITOR:-vi}}\" +{line} {}", naming::path(of)),
            format!("name the private key's file here, which {path} is not"),
        )],
        _ => vec![Step::here(
            format!("ls -l {}/", naming::path(&parent(path))),
            format!("see what the private key's file is called, which {path} is not"),
        )],
    }
}

/// Whether ssh, with nothing to offer, goes on to a question that somebody can answer.
fn asks_instead(facts: &Facts) -> bool {
    let methods = facts.userauth.as_ref().ok().and_then(|userauth| userauth.methods()).unwrap_or_default();
    prompts::can_be_asked(facts) && super::auth_methods::question_open(facts, methods)
}

impl Bite<'_> {
    /// A finding about it, with what the server had said first.
    pub(super) fn finding(&self, facts: &Facts, summary: String) -> Finding {
        let mut finding = Finding::new(self.certainty, summary);
        if let Some(tried) = &self.tried {
            finding.evidence.clone_from(tried);
            // What is tried everywhere comes before what one block names.
            let everywhere = checkup::block_of(facts, &self.file.source).is_none();
            let finding = finding.at(if everywhere { Blocks::Offered } else { Blocks::Read });
            return finding.or((self.certainty != Certainty::Proven).then(checkup::other_keys_will_do));
        }
        match &self.accepted {
            Some(_) if !facts.mended.is_empty() => finding,
            Some(key) => finding.seen(format!(
                "the server accepts its public half: {} for {}",
                naming::key(key),
                naming::login(facts)
            )),
            None if log::shows_no_offers(facts) => {
                finding.seen("ssh warns of it; what it offered besides, these lines do not tell").at(Blocks::Offered)
            }
            None => finding
                .seen("ssh has no public half of it to ask with, so it offers nothing for this file")
                .at(Blocks::Offered),
        }
    }
}

/// Changes the key file that stops ssh; in a check-up every one with such a problem.
pub(super) fn mend_file(facts: &mut Facts, wanted: fn(&Problem) -> bool, change: impl Fn(&mut KeyFile)) {
    if facts.checkup.is_some() {
        let faulty = checkup::faulty(facts).into_iter().filter(|faulty| wanted(&faulty.problem));
        let paths: Vec<Path> = faulty.map(|faulty| faulty.file.path.clone()).collect();
        let files = facts.identities.iter_mut().flat_map(|identities| &mut identities.files);
        let named = facts.checkup.iter_mut().flat_map(|checkup| &mut checkup.named);
        files.chain(named).filter(|file| paths.contains(&file.path)).for_each(change);
        return;
    }
    let Ok(turns) = course::course(facts) else { return };
    let stopped = course::stopped(&turns).and_then(|(turn, _)| turn.offer.file);
    let unusable = || turns.iter().find(|turn| matches!(turn.fate, Fate::Unusable(_))).and_then(|turn| turn.offer.file);
    let Some(row) = stopped.or_else(unusable) else { return };
    if let Some(file) = facts.identities.as_mut().ok().and_then(|identities| identities.files.get_mut(row)) {
        change(file);
        let half = file.public_half().map(|key| key.blob.clone());
        if let Ok(userauth) = &mut facts.userauth {
            userauth.signatures.retain(|signature| Some(&signature.key.blob) != half.as_ref());
        }
    }
}

/// The path of the file that stops ssh, for a command.
pub(super) fn file_word(facts: &Facts, wanted: fn(&Problem) -> bool) -> String {
    let turns = course::course(facts).unwrap_or_default();
    match bite(facts, &turns, wanted) {
        Ok(Some(bite)) => naming::path(&bite.file.path),
        _ => "KEY".to_owned(),
    }
}

const KEY_FILE_UNREADABLE: Cause = Cause {
    id: "key-file-unreadable",
    title: "the private key file cannot be read by this user",
    blocks: Blocks::Read,
    place: Place::Client,
    doc: "The private key or a folder on the way to it may not be opened by the account that runs ssh, or the path is \
          no regular file. ssh prints `Load key \"…\": Permission denied` and goes on without it.\n\n\
          Proven when the operating system refused to open the file in this very run; a key made by root or copied with \
          sudo is the usual story.",
    prevent: "Make and copy keys as the account that uses them, without sudo.",
    fix: Fix {
        commands: unreadable_commands,
        mend: |facts| {
            let uid = facts.run.uid;
            mend_file(facts, unreadable, |file| {
                file.private = Err(Unobserved::NotAttempted);
                if let Ok(stat) = &mut file.state {
                    stat.kind = FileKind::Regular;
                    stat.uid = uid;
                } else {
                    file.state = Ok(private_stat(uid));
                }
            });
        },
    },
    see: &["OpenSSH authfile.c sshkey_load_private_type", "path_resolution(7)"],
    judge: key_file_unreadable,
};

fn unreadable(problem: &Problem) -> bool {
    matches!(problem, Problem::Unreadable(_) | Problem::NotAFile(_))
}

fn key_file_unreadable(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(bite) = bite(facts, &turns, unreadable)? else { return Ok(None) };
    let path = &bite.file.path;
    let (summary, seen) = match &bite.problem {
        Problem::NotAFile(kind) => {
            (format!("the private key {path} is no regular file"), format!("{path} is {}", kind_name(*kind)))
        }
        problem => {
            let errno = if let Problem::Unreadable(errno) = problem { errno.as_str() } else { "EACCES" };
            let at = bite.file.state.as_ref().err().and_then(|error| error.at.as_ref());
            let on_the_way = at.map(|folder| format!(" (refused at {folder})")).unwrap_or_default();
            let owner = bite.file.state.as_ref().ok().filter(|_| is_seen(&bite.file.state));
            let owner =
                owner.map(|stat| format!(", mode {:04o}, owner uid {}", stat.mode, stat.uid)).unwrap_or_default();
            (
                format!("{} may not read the private key {path}", naming::oneself(facts)),
                format!("opening {path} failed with {errno}{on_the_way}{owner}"),
            )
        }
    };
    let mut finding = bite.finding(facts, summary).seen(seen);
    if macos::protected(facts, bite.file).is_some() {
        let why =
            "macOS lets no program read this folder without your consent, whatever the file's mode (Full Disk Access)";
        finding.evidence.push(why.to_owned());
    }
    Ok(Some(finding))
}

fn unreadable_commands(facts: &Facts) -> Vec<Step> {
    let turns = course::course(facts).unwrap_or_default();
    let Ok(Some(bite)) = bite(facts, &turns, unreadable) else { return Vec::new() };
    if macos::protected(facts, bite.file).is_some() {
        return macos::consent();
    }
    let path = naming::path(&bite.file.path);
    if matches!(bite.problem, Problem::NotAFile(_)) {
        return vec![Step::here(
            format!("ls -ld {path}"),
            "name the private key file itself in IdentityFile or after -i, not this",
        )];
    }
    let at = bite.file.state.as_ref().err().and_then(|error| error.at.as_ref());
    let owner = format!("{}:", facts.run.user);
    match at {
        Some(folder) if *folder != bite.file.path => vec![Step {
            root: true,
            ..Step::here(format!("ls -ld {}", naming::path(folder)), "this folder does not let you pass; its owner can")
        }],
        _ => vec![Step {
            root: true,
            ..Step::here(
                format!("chown {} {path} && chmod 600 {path}", super::quoted(&owner)),
                "gives the key to the account that uses it; only if it is meant to be yours",
            )
        }],
    }
}

fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "a regular file",
        FileKind::Directory => "a folder",
        FileKind::Fifo => "a named pipe",
        FileKind::Socket => "a socket",
        FileKind::Other => "a device or another special file",
        FileKind::Unseen => "not looked at",
    }
}

const KEY_FILE_IS_PUBLIC: Cause = Cause {
    id: "key-file-is-public",
    title: "the public key is named where the private one is meant",
    blocks: Blocks::Read,
    place: Place::Client,
    doc: "IdentityFile or -i names the .pub file. ssh offers it, the server accepts it, and then there is no private \
          key to sign with: `Load key \"….pub\"` and an error that speaks of the format or the mode.\n\n\
          Proven when the file holds a public key, the server accepted it, and no agent holds its private half. With the \
          private half in an agent, naming the .pub is right: it selects that key.",
    prevent: "Name the file without .pub, or load the key into the agent and set IdentitiesOnly.",
    fix: Fix {
        commands: |facts| {
            let turns = course::course(facts).unwrap_or_default();
            let Ok(Some(bite)) = bite(facts, &turns, |problem| *problem == Problem::IsPublic) else {
                return Vec::new();
            };
            if bite.tried.is_some() {
                return name_again(&bite);
            }
            let bytes = bite.file.path.as_bytes();
            let private = super::quoted_bytes(
                [&b"-cert.pub"[..], b".pub"].iter().find_map(|end| bytes.strip_suffix(*end)).unwrap_or(bytes),
            );
            vec![Step::here(
                format!("ssh -i {private} {}", naming::destination_without(facts, &["identityfile"])),
                "names the private key; put the same path into IdentityFile if it is configured",
            )]
        },
        mend: |facts| {
            let uid = facts.run.uid;
            mend_file(
                facts,
                |problem| *problem == Problem::IsPublic,
                |file| {
                    file.private = Err(Unobserved::NotAttempted);
                    file.state = Ok(private_stat(uid));
                },
            );
        },
    },
    see: &["ssh_config(5) IdentityFile", "OpenSSH sshconnect2.c load_identity_file"],
    judge: key_file_is_public,
};

fn key_file_is_public(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(bite) = bite(facts, &turns, |problem| *problem == Problem::IsPublic)? else { return Ok(None) };
    let path = &bite.file.path;
    let summary = format!("{path} is a public key, and no agent holds its private half: ssh has nothing to sign with");
    Ok(Some(bite.finding(facts, summary).seen(format!("{path} holds a public key{}", naming::from(&bite.file.source)))))
}

const KEY_FILE_IS_PPK: Cause = Cause {
    id: "key-file-is-ppk",
    title: "the key file is in PuTTY's format",
    blocks: Blocks::Read,
    place: Place::Client,
    doc: "The file begins with PuTTY-User-Key-File: PuTTY and WinSCP write it, and OpenSSH cannot read it. ssh says \
          `error in libcrypto` or `invalid format`.\n\n\
          Proven by the file's first line where ssh has nothing else that the server accepts.",
    prevent: "Export the key in OpenSSH's format once (puttygen -O private-openssh, or Conversions in PuTTYgen).",
    fix: Fix {
        commands: |facts| {
            let path = file_word(facts, |problem| matches!(problem, Problem::IsPpk(_)));
            vec![Step::here(
                format!("(umask 077 && puttygen {path} -O private-openssh -o ~/.ssh/id_from_ppk)"),
                "writes the same key as OpenSSH reads it (package putty-tools); then name ~/.ssh/id_from_ppk after -i",
            )]
        },
        mend: |facts| {
            mend_file(
                facts,
                |problem| matches!(problem, Problem::IsPpk(_)),
                |file| file.private = Err(Unobserved::NotAttempted),
            );
        },
    },
    see: &["ssh-keygen(1)", "puttygen(1)"],
    judge: key_file_is_ppk,
};

fn key_file_is_ppk(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(bite) = bite(facts, &turns, |problem| matches!(problem, Problem::IsPpk(_)))? else { return Ok(None) };
    let Problem::IsPpk(version) = bite.problem else { return Ok(None) };
    let path = &bite.file.path;
    let summary = format!("{path} is a PuTTY key file, which OpenSSH cannot read");
    Ok(Some(bite.finding(facts, summary).seen(format!("{path} begins with PuTTY-User-Key-File-{version}"))))
}

const KEY_FILE_MALFORMED: Cause = Cause {
    id: "key-file-malformed",
    title: "the key file is damaged",
    blocks: Blocks::Read,
    place: Place::Client,
    doc: "The file is named as a private key and is none that ssh can parse: empty, cut short, with Windows line ends, \
          without its last line feed, on one line, or something else altogether. ssh says `error in libcrypto` or `invalid \
          format` for all of these alike; the file's own beginning and end tell them apart.\n\n\
          Proven when the file shows the damage and ssh has nothing else that the server accepts.",
    prevent: "Copy keys as files, not through a clipboard; in CI use a file-type secret, or printf '%s\\n' \"$SECRET\".",
    fix: Fix {
        commands: malformed_commands,
        mend: |facts| mend_file(facts, malformed, |file| file.private = Err(Unobserved::NotAttempted)),
    },
    see: &["OpenSSH PROTOCOL.key", "OpenSSH sshkey.c sshkey_parse_private2"],
    judge: key_file_malformed,
};

fn malformed(problem: &Problem) -> bool {
    matches!(problem, Problem::Malformed(_) | Problem::Failed(_))
}

fn key_file_malformed(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let Some(bite) = bite(facts, &turns, malformed)? else { return Ok(None) };
    let path = &bite.file.path;
    let mut finding = bite.finding(facts, format!("{path} is no private key that ssh can read: {}", damage(&bite)));
    match &bite.problem {
        Problem::Malformed(defects) => {
            let stat = bite.file.state.as_ref().ok().filter(|_| is_seen(&bite.file.state));
            let size = stat.map(|stat| format!("{path} has {} bytes", stat.size_bytes));
            finding.evidence.extend(size);
            finding.evidence.extend(defects.iter().map(|defect| format!("{path}: {}", defect_name(*defect))));
            let first = bite.file.private.as_ref().ok().and_then(|private| private.first_line.as_ref());
            finding.evidence.extend(first.map(|line| format!("its first line is: {}", line.shortened(60))));
        }
        Problem::Failed(reason) => {
            finding.certainty = Certainty::Likely;
            finding = finding.seen(format!("reading {path}: {reason}"));
        }
        _ => {}
    }
    Ok(Some(finding))
}

fn damage(bite: &Bite<'_>) -> String {
    match &bite.problem {
        Problem::Malformed(defects) => match defects.first() {
            Some(defect) => defect_name(*defect).to_owned(),
            None if is_there(&bite.file.state) && bite.file.state.as_ref().is_ok_and(|stat| stat.size_bytes == 0) => {
                "it is empty".to_owned()
            }
            None => "it does not begin as one".to_owned(),
        },
        _ => "it could not be parsed".to_owned(),
    }
}

fn defect_name(defect: Defect) -> &'static str {
    match defect {
        Defect::ByteOrderMark => "a byte order mark stands before the first line",
        Defect::Utf16 => "it is written in UTF-16",
        Defect::CarriageReturns => "its lines end in CR LF, as Windows writes them",
        Defect::LeadingText => "something stands before the BEGIN line",
        Defect::OneLine => "everything is on one line",
        Defect::BadEncoding => "the text between BEGIN and END does not decode",
        Defect::Truncated => "it is cut short: its header announces more than there is",
        Defect::NoEndLine => "the END line is missing",
        Defect::NoFinalNewline => "the last line has no line feed",
    }
}

fn malformed_commands(facts: &Facts) -> Vec<Step> {
    let turns = course::course(facts).unwrap_or_default();
    let Ok(Some(bite)) = bite(facts, &turns, malformed) else { return Vec::new() };
    let path = naming::path(&bite.file.path);
    let defects: &[Defect] = if let Problem::Malformed(defects) = &bite.problem { defects } else { &[] };
    let repair = |script: String, why: &str| {
        Step::here(format!("(umask 077 && {script} > {path}.mended && mv {path}.mended {path})"), why)
    };
    match defects {
        [] => vec![Step::person(Place::Client, format!("put the private key into {path} again from where it is kept"))],
        [Defect::NoFinalNewline] => vec![Step::here(format!("echo >> {path}"), "adds the missing line feed")],
        defects if defects.iter().all(|defect| matches!(defect, Defect::CarriageReturns | Defect::NoFinalNewline)) => {
            vec![repair(format!("{{ tr -d '\\r' < {path} | sed -e '$a\\'; }}"), "takes the carriage returns away")]
        }
        [Defect::ByteOrderMark] => vec![repair(format!("tail -c +4 {path}"), "takes the byte order mark away")],
        [Defect::Utf16] => vec![repair(format!("iconv -f UTF-16 -t UTF-8 {path}"), "writes it in plain characters")],
        [Defect::LeadingText] => {
            vec![repair(format!("sed -n '/^-----BEGIN/,$p' {path}"), "takes what stands before the BEGIN line away")]
        }
        _ => vec![Step::person(Place::Client, format!("put the private key into {path} again from where it is kept"))],
    }
}

const KEY_PASSPHRASE_NEEDED: Cause = Cause {
    id: "key-passphrase-needed",
    title: "the key needs a passphrase and nobody can be asked",
    blocks: Blocks::Read,
    place: Place::Client,
    doc: "The server accepts the key, its private half is encrypted, no agent holds it, and ssh may not or cannot ask: \
          BatchMode is on, or there is no terminal and no askpass program. ssh then says nothing but `Permission denied`.\n\n\
          Proven when the key was accepted, the file's header says that it is encrypted, and this run could ask nobody. \
          Where somebody can be asked, the question is no fault: access-needs-answer.",
    prevent: "Load the key into an agent before the job starts, or give unattended jobs a key of their own.",
    fix: Fix {
        commands: |facts| {
            let path = file_word(facts, |problem| *problem == Problem::Encrypted);
            if facts.agent.as_ref().is_ok_and(|agent| agent.answer.is_ok()) {
                let why = "asks for the passphrase once; ssh then finds the key in the agent";
                if macos::is_client(facts) {
                    // macOS's own ssh-add keeps it for every login that follows.
                    return vec![Step::here(format!("ssh-add --apple-use-keychain {path}"), why)];
                }
                return vec![Step::here(format!("ssh-add {path}"), why)];
            }
            vec![Step::here(
                format!("eval \"$(ssh-agent -s)\" && ssh-add {path}"),
                "starts an agent for this shell and asks for the passphrase once; ssh then finds the key in the agent",
            )]
        },
        mend: |facts| {
            mend_file(
                facts,
                |problem| *problem == Problem::Encrypted,
                |file| {
                    if let Ok(private) = &mut file.private {
                        private.encrypted = Some(false);
                    }
                },
            );
        },
    },
    see: &["OpenSSH sshconnect2.c load_identity_file", "OpenSSH readpass.c read_passphrase"],
    judge: key_passphrase_needed,
};

fn key_passphrase_needed(facts: &Facts) -> Observed<Option<Finding>> {
    let wrong =
        |signature: &Signature| matches!(&signature.outcome, Signed::FileFailed(why) if why.contains("passphrase"));
    let refused = facts.is_read() && facts.userauth.as_ref().is_ok_and(|all| all.signatures.iter().any(wrong));
    if prompts::secrets_can_be_asked(facts) && !refused {
        return Ok(None);
    }
    let turns = course::course(facts)?;
    let Some(bite) = bite(facts, &turns, |problem| *problem == Problem::Encrypted)? else { return Ok(None) };
    let path = &bite.file.path;
    if refused {
        let summary = format!("the private key {path} needs its passphrase, and what was typed is not it");
        let mut finding = bite.finding(facts, summary).seen("ssh asked for it, and went on without the key");
        finding.certainty = Certainty::Likely;
        return Ok(Some(finding));
    }
    let summary = format!("the private key {path} needs its passphrase, and ssh can ask nobody");
    let nobody = if facts.config.options.is_yes("batchmode") {
        "BatchMode is on"
    } else {
        "there is no terminal and no askpass program"
    };
    let finding = bite.finding(facts, summary);
    Ok(Some(finding.seen(format!("{path} is encrypted, and no agent holds the key")).seen(nobody)))
}

const IDENTITY_FILE_MISSING: Cause = Cause {
    id: "identity-file-missing",
    title: "a configured key file does not exist",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "-i, IdentityFile or CertificateFile names a file that is not there. ssh says so only for a name given by hand \
          (`Identity file … not accessible`, `no such identity`) and goes on with what it has.\n\n\
          Proven when the file is missing and ssh has nothing else to offer; likely when other identities were offered and \
          refused, for the missing one may be refused as well.",
    prevent: "Use absolute paths or ~/ in IdentityFile; a relative one is looked up in the current folder.",
    fix: Fix {
        commands: |facts| {
            if let Some(bite) = at_rest_of(facts, |problem| *problem == Problem::Missing) {
                return name_again(&bite);
            }
            let Some(file) = missing(facts).next() else { return Vec::new() };
            vec![Step::here(
                format!("ls -l {}/", naming::path(&parent(file.path))),
                format!("see what the key file is called, then correct the name {}", file.path),
            )]
        },
        mend: |facts| {
            let uid = facts.run.uid;
            if facts.checkup.is_some() {
                return mend_file(
                    facts,
                    |problem| *problem == Problem::Missing,
                    |file| {
                        file.state = Ok(private_stat(uid));
                        file.private = Err(Unobserved::NotAttempted);
                    },
                );
            }
            let paths: Vec<_> = missing(facts).map(|file| file.path.clone()).take(1).collect();
            if let Ok(identities) = &mut facts.identities {
                for file in identities.files.iter_mut().filter(|file| paths.contains(&file.path)) {
                    file.state = Ok(private_stat(uid));
                    file.private = Err(Unobserved::NotAttempted);
                }
                identities.certificates.retain(|certificate| !paths.contains(&certificate.file.path));
            }
            // What that file holds, and whether the server accepts it, nobody can know.
            facts.userauth = Err(Unobserved::NotAttempted);
            facts.session = Err(Unobserved::NotAttempted);
        },
    },
    see: &["OpenSSH ssh.c main (Identity file not accessible)", "OpenSSH sshconnect2.c pubkey_prepare"],
    judge: identity_file_missing,
};

fn identity_file_missing(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    if let Some(bite) = bite(facts, &turns, |problem| *problem == Problem::Missing)? {
        let path = &bite.file.path;
        if facts.checkup.is_some() && bite.file.public.key.is_none() {
            return Ok(Some(bite.finding(facts, format!("the key file {path} does not exist"))));
        }
        let summary = format!("the private key {path} does not exist; only its public half does");
        let seen = format!("{path} does not exist{}", naming::from(&bite.file.source));
        return Ok(Some(bite.finding(facts, summary).seen(seen).at(Blocks::Read)));
    }
    let userauth = known(&facts.userauth)?;
    let Some(file) = missing(facts).next() else { return Ok(None) };
    let takes_keys = userauth.methods().is_some_and(|methods| methods.iter().any(|method| method == "publickey"));
    if course::good(&turns).is_some() || course::stopped(&turns).is_some() || !takes_keys {
        return Ok(None);
    }
    let said = if file.configured.is_empty() { String::new() } else { format!(", configured as {}", file.configured) };
    let finding = |certainty| {
        Finding::new(certainty, format!("the key file {} does not exist", file.path)).seen(format!(
            "{} does not exist{}{said}",
            file.path,
            naming::from(file.source)
        ))
    };
    let asked = turns.iter().filter(|turn| turn.fate == Fate::Refused).count();
    if asked == 0 && asks_instead(facts) {
        return Ok(None);
    }
    if asked == 0 {
        let finding = finding(Certainty::Proven).seen("ssh has nothing else to offer");
        return Ok(Some(finding.or(wrong_binary::of_windows(facts))));
    }
    let others = naming::count(asked, "other identity was", "other identities were");
    Ok(Some(finding(Certainty::Likely).seen(format!("{others} offered and refused"))))
}

/// A file that the user named and that is not there.
#[derive(Clone, Copy)]
struct Missing<'a> {
    path: &'a Path,
    configured: &'a ServerText,
    source: &'a Source,
}

/// Key files that the user named and that are not there, and that no agent key stands for; then certificate files.
fn missing(facts: &Facts) -> impl Iterator<Item = Missing<'_>> {
    let identities = facts.identities.as_ref().ok();
    let in_agent = |file: &KeyFile| {
        let held = facts.agent.as_ref().map(Agent::keys).unwrap_or_default();
        file.public.key.as_ref().is_some_and(|key| held.iter().any(|entry| entry.key.blob == key.blob))
    };
    let files = identities
        .into_iter()
        .flat_map(|identities| &identities.files)
        .filter(move |file| file.explicit && file.state.as_ref().is_err_and(FileError::is_missing) && !in_agent(file));
    let certificates = identities.into_iter().flat_map(|identities| &identities.certificates);
    let gone = certificates.filter(|certificate| certificate.file.state.as_ref().is_err_and(FileError::is_missing));
    let files = files.map(|file| Missing { path: &file.path, configured: &file.configured, source: &file.source });
    files.chain(gone.map(|certificate| Missing {
        path: &certificate.file.path,
        configured: &certificate.configured,
        source: &CERTIFICATE_FILE,
    }))
}

/// Where a certificate file is named.
const CERTIFICATE_FILE: Source = Source::Default;

fn parent(path: &Path) -> Path {
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte == b'/');
    Path::new(end.map_or(&b"."[..], |end| &bytes[..end.max(1)]))
}

/// What `stat` would say of a private key as it should be.
fn private_stat(uid: u32) -> crate::facts::identities::FileStat {
    crate::facts::identities::FileStat {
        kind: FileKind::Regular,
        mode: 0o600,
        uid,
        gid: 0,
        size_bytes: 0,
        modified: None,
        link_to: None,
    }
}

fn key_files_hold(facts: &Facts) -> Observed<Outcome> {
    let identities = known(&facts.identities)?;
    let present: Vec<&KeyFile> = present(identities).collect();
    let remarks: Vec<String> = present
        .iter()
        .filter_map(|file| {
            let problem = course::problem(facts, file)?;
            let remark = match problem {
                Problem::TooOpen(_)
                | Problem::Encrypted
                | Problem::IsPublic
                | Problem::Pin
                | Problem::Authenticator(_) => return None,
                Problem::Missing | Problem::Unreadable(_) => "cannot be read".to_owned(),
                Problem::NotAFile(kind) => format!("is {}", kind_name(kind)),
                Problem::IsPpk(_) => "is in PuTTY's format".to_owned(),
                Problem::Malformed(defects) => {
                    defects.first().map_or("is no private key", |defect| defect_name(*defect)).to_owned()
                }
                Problem::PairMismatch => "does not belong to the .pub beside it".to_owned(),
                Problem::Failed(reason) => reason,
            };
            Some(format!("{}: {remark}", file.path))
        })
        .chain(missing(facts).map(|file| format!("{} does not exist{}", file.path, naming::from(file.source))))
        .collect();
    let listed = present.iter().map(|file| describe(file));
    if let Some(first) = remarks.first() {
        return Ok(Outcome::warn(first.clone()).with(remarks).with(listed));
    }
    if present.is_empty() && identities.files.iter().any(|file| !is_seen(&file.state)) {
        return Err(Unobserved::NotInThisSource);
    }
    if present.is_empty() {
        return Ok(Outcome::info("there is no key file where ssh looks for one")
            .with(identities.files.iter().map(|file| format!("{} does not exist", file.path))));
    }
    let summary = match present.as_slice() {
        [file] => format!("{} is there", file.path),
        files => format!("{} are there", naming::count(files.len(), "key file", "key files")),
    };
    Ok(Outcome::pass(summary).with(listed))
}

pub(super) fn present(identities: &Identities) -> impl Iterator<Item = &KeyFile> {
    let there = |file: &&KeyFile| file.state.as_ref().map_or_else(|error| !error.is_missing(), |_| true);
    identities.files.iter().filter(there).filter(|file| is_seen(&file.state))
}

/// A key file in one line, for a check-up: what it is, whether it is a pair, and how old it is.
pub(super) fn described(facts: &Facts, file: &KeyFile) -> String {
    let pair = match (&file.private, file.public.key.is_some()) {
        _ if file.state.is_err() => ", its private half is not here",
        _ if course::mismatched(file) => ", the .pub beside it is another key's",
        (Ok(_), false) => ", no .pub beside it",
        _ => "",
    };
    let modified = file.state.as_ref().ok().and_then(|stat| stat.modified);
    let days = modified.map(|modified| (facts.observed_at.unix_seconds - modified) / (24 * 60 * 60));
    let age = days.filter(|days| *days >= 0).map(|days| format!(", written {} ago", naming::span(days)));
    format!("{}{pair}{}", describe(file), age.unwrap_or_default())
}

fn describe(file: &KeyFile) -> String {
    let mode = file.state.as_ref().map(|stat| format!(", mode {:04o}", stat.mode)).unwrap_or_default();
    let encrypted = match file.private.as_ref().ok().and_then(|private| private.encrypted) {
        Some(true) => ", encrypted",
        Some(false) => ", not encrypted",
        None => "",
    };
    let key = file.public_half().map_or_else(|| "no public half known".to_owned(), naming::key);
    format!("{}{}: {key}{mode}{encrypted}", file.path, naming::from(&file.source))
}

fn every_named_file_is_there(facts: &Facts) -> Option<String> {
    let identities = facts.identities.as_ref().ok()?;
    let named: Vec<&KeyFile> = identities.files.iter().filter(|file| file.explicit).collect();
    let there = !named.is_empty() && named.iter().all(|file| is_there(&file.state));
    there.then(|| format!("{} exists", named.iter().map(|file| file.path.to_string()).collect::<Vec<_>>().join(", ")))
}
