//! What sshd's log proves where nothing else of the server's side is known: its own words about this very refusal prove
//! the cause that they name; where it gives no reason, nothing is proven, and what would tell more is said.

mod words;

use std::collections::BTreeSet;

use crate::facts::account::Account;
use crate::facts::text::escape;
use crate::facts::{Facts, Origin};
use crate::openssh::sshd::log::details::{Detail, detail};
use crate::openssh::sshd::log::words::{Said, said};
use crate::openssh::sshd::log::{Entry, Event};

use super::{entries, quote};
use crate::checks::{Alternative, Certainty, Decide, Finding, Place, Step, members, naming, pasted, quoted};

pub(in crate::checks) use words::steps;

/// Refusals that are about one key of those that the client offers; of the others the account is refused as such.
const OF_A_KEY: &[&str] = &[
    "server-key-options-refuse",
    "server-key-entry-malformed",
    "server-key-algorithm-refused",
    "rsa-key-too-small",
    "server-key-revoked",
    "server-ca-mismatch",
    "certificate-expired",
];
/// Refusals of the files in which keys stand: another file may take the key all the same.
const OF_FILES: &[&str] = &[
    "server-strict-modes",
    "server-home-missing",
    "server-authorized-keys-unreadable",
    "server-authorized-keys-command-failed",
];
/// Words of PAM's account step, behind which other causes can stand.
const PAM_DENIED: &str = "server-pam-denied";
/// How many lines are quoted.
const MOST_LINES: usize = 12;

/// One login in sshd's log, and nothing else of the server.
struct Told<'a> {
    account: &'a Account,
    lines: Vec<(Entry<'a>, Said<'a>, Option<Detail<'a>>)>,
}

/// What the log comes to.
pub(in crate::checks) struct Meant {
    /// The cause's id; `None` where none can be named.
    pub(in crate::checks) cause: Option<&'static str>,
    /// Whether sshd itself states it; else it is what the course of the login comes to.
    pub(in crate::checks) stated: bool,
    /// The finding.
    pub(in crate::checks) finding: Finding,
}

impl<'a> Told<'a> {
    fn of(facts: &'a Facts) -> Option<Self> {
        let account = facts.account.as_ref().ok().filter(|account| account.is_log_alone())?;
        let lines = entries(account).into_iter().map(|entry| {
            let (said, detail) = (said(entry.text).unwrap_or_default(), detail(entry.text));
            (entry, said, detail)
        });
        Some(Self { account, lines: lines.collect() })
    }

    /// The refusals that are stated, each id once, in the order of the log.
    fn reasons(&self) -> Vec<(&'static str, usize)> {
        let mut reasons: Vec<(&'static str, usize)> = Vec::new();
        for (at, (_, said, detail)) in self.lines.iter().enumerate() {
            let told = match detail {
                Some(Detail::Expired(_)) => Some("server-key-options-refuse"),
                Some(Detail::BadOptions(..)) => Some("server-key-entry-malformed"),
                _ => None,
            };
            let stated = if let Some(Event::Refusal(id)) = said.event { Some(id) } else { told };
            if let Some(id) = stated
                && !reasons.iter().any(|(known, _)| *known == id)
            {
                reasons.push((id, at));
            }
        }
        reasons
    }

    /// The place of the last line of which this holds.
    fn last(&self, is: impl Fn(&Said<'a>, Option<&Detail<'a>>) -> bool) -> Option<usize> {
        self.lines.iter().rposition(|(_, said, detail)| is(said, detail.as_ref()))
    }

    /// Methods of which an attempt failed, `none` left out.
    fn failed(&self) -> BTreeSet<&'a str> {
        let failed = self.lines.iter().filter(|(entry, said, _)| {
            said.event == Some(Event::Failed) && entry.text.starts_with("Failed ")
                || entry.text.starts_with("Bad password attempt for ")
        });
        failed
            .map(|(_, said, _)| if said.method.is_empty() { "password" } else { said.method })
            .filter(|name| *name != "none")
            .collect()
    }

    /// The fingerprints of keys that failed.
    fn refused_keys(&self) -> BTreeSet<&'a str> {
        let failed = self
            .lines
            .iter()
            .filter(|(entry, said, _)| entry.text.starts_with("Failed publickey for ") && !said.rest.is_empty());
        failed.filter_map(|(_, said, _)| said.rest.split([' ', ',']).nth(1)).collect()
    }

    /// The first of the files that it looked for, where none of them is there.
    fn missing(&self) -> Option<&'a str> {
        let of = |is: fn(&Detail<'a>) -> Option<&'a str>| {
            self.lines.iter().filter_map(move |(_, _, detail)| is(detail.as_ref()?)).collect::<BTreeSet<_>>()
        };
        let read = of(|detail| if let Detail::Reads(file) = detail { Some(file) } else { None });
        let gone = of(|detail| if let Detail::Missing(file) = detail { Some(file) } else { None });
        if read.is_subset(&gone) { gone.into_iter().next() } else { None }
    }

    /// The first file that it read.
    fn read(&self) -> Option<&'a str> {
        let gone = |path: &str| {
            self.lines.iter().any(|(_, _, detail)| matches!(detail, Some(Detail::Missing(file)) if *file == path))
        };
        self.lines.iter().find_map(|(_, _, detail)| match detail {
            Some(Detail::Reads(file)) if !gone(file) => Some(*file),
            _ => None,
        })
    }

    /// Whether sshd takes a key that it does not refuse afterwards.
    fn takes_a_key(&self) -> bool {
        let refused: BTreeSet<String> = self
            .lines
            .iter()
            .filter(|(entry, said, _)| entry.text.starts_with("Failed publickey for ") && !said.rest.is_empty())
            .map(|(_, said, _)| said.rest.split([' ', ',']).take(2).collect::<Vec<_>>().join(" "))
            .collect();
        let found = |detail: &Option<Detail<'_>>| match detail {
            Some(Detail::Found(key, _)) => Some(!refused.contains(*key)),
            _ => None,
        };
        let found: Vec<bool> = self.lines.iter().filter_map(|(_, _, detail)| found(detail)).collect();
        if !found.is_empty() {
            return found.contains(&true);
        }
        let taken = self.last(|_, detail| matches!(detail, Some(Detail::Postponed)));
        taken > self.last(|said, _| said.method == "publickey" && said.event == Some(Event::Failed))
    }

    /// Whether lines of more than one account are here: then whose they are is not certain.
    fn is_mixed(&self) -> bool {
        // sshd escapes a backslash once or twice (log.c `do_log`).
        let plain = |name: &str| name.split('\\').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\\");
        let names: BTreeSet<String> = self.lines.iter().filter_map(|(_, said, _)| said.user).map(plain).collect();
        names.len() > 1
    }

    /// Whether the account is refused as such: sshd calls it invalid from then on.
    fn is_invalid(&self) -> bool {
        self.lines.iter().any(|(_, said, _)| said.invalid)
    }

    fn quoted(&self, at: usize) -> String {
        quote(&self.lines[at].0)
    }

    /// All that was said, the last lines.
    fn all(&self) -> Vec<String> {
        let from = self.lines.len().saturating_sub(MOST_LINES);
        (from..self.lines.len()).map(|at| self.quoted(at)).collect()
    }
}

/// What the log comes to, where it is all that is known of the server's side.
pub(in crate::checks) fn meant(facts: &Facts) -> Option<Meant> {
    let told = Told::of(facts)?;
    let accepted = told.last(|said, _| said.event == Some(Event::Accepted));
    let reasons = told.reasons();
    // What comes after a login was let in ends its session; what came before it is over.
    let after = |(_, at): &&(&'static str, usize)| accepted.is_none_or(|accepted| *at > accepted);
    let reasons: Vec<(&'static str, usize)> = reasons.iter().filter(after).copied().collect();
    if let Some(found) = stated(facts, &told, &reasons) {
        return Some(found);
    }
    Some(match accepted {
        Some(at) => let_in(facts, &told, at),
        None => unstated(facts, &told),
    })
}

/// Whether the client's side is known too: then only what sshd states counts beside it.
fn has_client(facts: &Facts) -> bool {
    facts.origin != Origin::Log
}

/// The finding under this id, where it is what the log comes to.
pub(in crate::checks) fn found(facts: &Facts, id: &str) -> Option<Finding> {
    let mut meant = meant(facts).filter(|meant| meant.cause == Some(id))?;
    if is_loose(facts) && meant.finding.certainty == Certainty::Proven {
        meant.finding.certainty = Certainty::Likely;
        let why = "nothing but the account shows that the client's lines and sshd's are of one login";
        meant.finding.evidence.push(why.to_owned());
    }
    if let Some(why) = elsewhere(facts) {
        meant.finding.certainty = Certainty::Possible;
        meant.finding.evidence.push(why);
    }
    (meant.stated || !has_client(facts)).then_some(meant.finding)
}

/// Whether the client's lines and sshd's stand in one paste, and nothing but the account shows that they are of one login.
pub(in crate::checks) fn is_loose(facts: &Facts) -> bool {
    has_client(facts) && facts.log.as_ref().is_some_and(|log| log.client.is_some() && !log.linked)
}

/// What the log of another host than the one that was dialled states of the account, and the lines that do.
pub(in crate::checks) fn told_elsewhere(facts: &Facts) -> Option<(&'static str, Vec<String>)> {
    let why = elsewhere(facts)?;
    let meant = meant(facts).filter(|meant| meant.stated)?;
    Some((meant.cause?, meant.finding.evidence.into_iter().take(1).chain([why]).collect()))
}

/// Whose log it is, in a sentence, where that host is called otherwise than the one that was dialled, and nothing but the
/// account shows that the lines of both are of one login.
fn elsewhere(facts: &Facts) -> Option<String> {
    let target = facts.target.as_ref().ok().filter(|_| is_loose(facts))?;
    let account = facts.account.as_ref().ok().filter(|account| account.is_log_alone())?;
    let host = account.collector.host.to_string();
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let differs =
        |name: String| !name.is_empty() && name.parse::<std::net::IpAddr>().is_err() && first(&name) != first(&host);
    let is_named = !matches!(first(&host).as_str(), "" | "localhost");
    (is_named && differs(target.host.to_string()) && differs(target.alias.to_string()))
        .then(|| format!("the log is of a host {host}, and the login went to {}", target.alias))
}

/// What is said where the log alone decides nothing: of the login in it, or of a log that shows none.
pub(in crate::checks) fn undetermined(facts: &Facts) -> Option<Finding> {
    if facts.origin != Origin::Log {
        return None;
    }
    if let Some(meant) = meant(facts) {
        return Some(meant.finding);
    }
    let log = facts.log.as_ref().filter(|log| log.client.is_none() && log.server.is_none())?;
    let pasted = pasted::alternatives(facts);
    let summary = if !pasted.is_empty() {
        "nothing of a login was read; what a machine has can keep logins out"
    } else if !log.beside.is_empty() {
        "nothing of a login was read, only what a machine has"
    } else if log.noise.is_empty() {
        "the log shows no login, or none as it was asked for"
    } else {
        "every login that failed is a stranger's; name the one that is meant (--user, --host, --pid)"
    };
    let mut finding = Finding::new(Certainty::Possible, summary);
    finding.evidence = log.noise.iter().map(|noise| noise.shortened(300)).collect();
    Some(finding.or(pasted))
}

/// sshd's own words about why.
fn stated(facts: &Facts, told: &Told<'_>, reasons: &[(&'static str, usize)]) -> Option<Meant> {
    let taken = told.takes_a_key();
    let decides = |(id, at): &&(&'static str, usize)| {
        let of_one = OF_A_KEY.contains(id) || OF_FILES.contains(id);
        // A key that was taken was none of those; of one that was taken the signature may be refused all the same.
        !of_one || !taken || told.lines[*at].0.text.contains(" signature for ")
    };
    let all: Vec<(&'static str, usize)> = reasons.iter().filter(decides).copied().collect();
    // What is about the whole account comes first, then what is about a key that stands in a file that was read.
    let of_account = all.iter().find(|(id, _)| !OF_A_KEY.contains(id) && !OF_FILES.contains(id));
    let listed = || all.iter().find(|(id, _)| *id == "server-key-options-refuse");
    let of_files = || all.iter().find(|(id, _)| OF_FILES.contains(id));
    let (id, at) = of_account.or_else(listed).or_else(of_files).or(all.first()).copied()?;
    let (entry, said, _) = &told.lines[at];
    let mut finding = Finding::proven(words::summary(facts, id, entry, said)).seen(told.quoted(at));
    if id == PAM_DENIED && !entry.text.starts_with("pam_") {
        finding.certainty = Certainty::Likely;
        finding = finding.or(["server-nologin-file", "server-account-expired"]
            .iter()
            .filter_map(|id| members::alternative(facts, id, Vec::new())));
    }
    // It reads the options of every line before it looks whose key it is (auth2-pubkeyfile.c `auth_check_authkey_line`).
    if id == "server-key-entry-malformed" {
        finding.certainty = Certainty::Likely;
        finding = finding.or(members::alternative(facts, "server-key-not-listed", Vec::new()));
    }
    if let Some(others) = besides(told, id, said.rest) {
        finding.certainty = Certainty::Likely;
        finding = finding.or(others.iter().map(|id| alternative(facts, told, id)));
    }
    if facts.log.as_ref().is_some_and(|log| log.several) {
        finding.certainty = finding.certainty.max(Certainty::Likely);
        let why = "other logins that failed stand in the same log, of other accounts from other addresses";
        finding.evidence.push(why.to_owned());
    }
    if OF_A_KEY.contains(&id) && told.refused_keys().len() > 1 {
        finding.certainty = Certainty::Likely;
        finding.evidence.push("other keys were refused as well, and sshd does not say why".to_owned());
    }
    // Of two keys, or two files, another one may be meant. What is about the account is mended one after the other.
    let alike = |other: &str| [OF_A_KEY, OF_FILES].iter().any(|class| class.contains(&id) && class.contains(&other));
    for (other, at) in all.iter().filter(|(other, _)| *other != id && alike(other)) {
        finding.certainty = Certainty::Likely;
        let also = members::alternative(facts, other, vec![told.quoted(*at)]);
        finding = finding.or(also);
    }
    // The file of AuthorizedPrincipalsFile is held to the same rule, in the same words (auth2-pubkeyfile.c `auth_openfile`).
    let of_keys = said.rest.contains("authorized_keys") || told.read().is_some_and(|file| said.rest.ends_with(file));
    if id == "server-strict-modes" && said.rest.starts_with("file ") && !of_keys {
        finding.certainty = Certainty::Likely;
        finding = finding.or(members::alternative(facts, "certificate-principal-mismatch", Vec::new()));
    }
    if told.is_mixed() {
        finding.certainty = Certainty::Likely;
        finding.evidence.push("its lines name more than one account, so some may be of another login".to_owned());
    }
    let rest = told.all().into_iter().filter(|line| !finding.evidence.contains(line)).collect::<Vec<_>>();
    finding.evidence.extend(rest);
    Some(Meant { cause: Some(id), stated: true, finding })
}

/// What else may keep the login out where sshd speaks of one key, or of one of the files in which keys stand: it goes on with
/// the next one (auth2-pubkey.c `user_key_allowed`), and the password may be what was meant. `None` where nothing else does.
fn besides(told: &Told<'_>, id: &str, rest: &str) -> Option<&'static [&'static str]> {
    let by_password = told.failed().iter().any(|name| *name != "publickey");
    match id {
        _ if OF_A_KEY.contains(&id) && by_password => Some(&["password-rejected"]),
        _ if !OF_FILES.contains(&id) => None,
        "server-authorized-keys-unreadable" => Some(&["server-selinux-context", "server-key-not-listed"]),
        "server-authorized-keys-command-failed" => {
            Some(if by_password { &["server-key-not-listed", "password-rejected"] } else { &["server-key-not-listed"] })
        }
        _ if by_password => Some(&["password-rejected", "server-key-not-listed"]),
        // It is the second one of those that are read by default.
        _ if rest.ends_with("/authorized_keys2") => Some(&["server-key-not-listed"]),
        _ => None,
    }
}

/// sshd let it in.
fn let_in(facts: &Facts, told: &Told<'_>, at: usize) -> Meant {
    let login = naming::login(facts);
    let fails = |(_, _, detail): &(Entry<'_>, Said<'_>, Option<Detail<'_>>)| match detail {
        Some(Detail::Pam(words)) if words.starts_with("pam_open_session()") || words.starts_with("pam_setcred()") => {
            Some(escape(words.as_bytes()))
        }
        _ => None,
    };
    let failed = told.lines.iter().skip(at).find_map(fails);
    let (cause, summary, others): (_, _, &[&str]) = match failed {
        Some(words) => {
            ("session-closed", format!("sshd let {login} in, and PAM does not open the session: {words}"), &[])
        }
        None => (
            "access-works",
            format!("sshd let {login} in; how the session went is not in its log"),
            &["shell-refuses-login", "session-closed", "forced-command"],
        ),
    };
    let mut finding = Finding::likely(summary).seen(told.quoted(at));
    let rest = told.all().into_iter().filter(|line| !finding.evidence.contains(line)).collect::<Vec<_>>();
    finding.evidence.extend(rest);
    finding.alternatives = others.iter().map(|id| alternative(facts, told, id)).collect();
    Meant { cause: Some(cause), stated: false, finding }
}

/// A cause, the sentence, and what else leaves the same lines.
type Course = (Option<&'static str>, String, &'static [&'static str]);

/// sshd refuses each key; where it says so, what it read.
fn keys_refused(told: &Told<'_>, login: &str) -> Course {
    let asked = told.last(|_, detail| matches!(detail, Some(Detail::Postponed)));
    if asked.is_some() && told.refused_keys().len() == 1 {
        return (
            Some("signature-rejected"),
            format!("sshd takes the key of {login} when it is asked about it, and refuses it once it is used"),
            &["server-pam-denied", "server-root-login-disabled", "server-key-options-refuse", "server-account-expired"],
        );
    }
    if let Some(file) = told.missing() {
        let file = escape(file.as_bytes());
        return (
            Some("server-authorized-keys-missing"),
            format!("there is no {file} on the server, where sshd looks for the keys of {login}"),
            &["server-authorized-keys-elsewhere", "server-home-missing"],
        );
    }
    if let Some(file) = told.read() {
        let file = escape(file.as_bytes());
        return (
            Some("server-key-not-listed"),
            format!("sshd reads {file} for {login} and finds in it no line that takes the key"),
            &["server-key-entry-malformed", "server-authorized-keys-elsewhere", "certificate-not-trusted"],
        );
    }
    (
        Some("no-key-accepted"),
        format!("sshd refuses each key that is offered for {login}, and does not say why"),
        &[
            "agent-lacks-accepted-key",
            "server-key-not-listed",
            "server-authorized-keys-missing",
            "server-key-entry-malformed",
            "certificate-not-trusted",
        ],
    )
}

/// sshd gives no reason: what it did is said, and what leaves the same lines.
fn unstated(facts: &Facts, told: &Told<'_>) -> Meant {
    let login = naming::login(facts);
    let failed = told.failed();
    let taken = told.last(|_, detail| matches!(detail, Some(Detail::Postponed | Detail::Found(..))));
    let unknown = |entry: &Entry<'_>| entry.text.contains("unsupported public key algorithm: ");
    let key_failed = told.last(|said, _| said.method == "publickey" && said.event == Some(Event::Failed));
    let key_failed = key_failed.or_else(|| told.lines.iter().rposition(|(entry, ..)| unknown(entry)));
    let partial = told.lines.iter().rposition(|(entry, _, _)| entry.text.starts_with("Partial "));
    let too_many = told.last(|_, detail| matches!(detail, Some(Detail::TooMany)));
    let named = told.lines.iter().any(|(_, said, _)| said.user.is_some());
    let timeout = told.lines.iter().any(|(entry, _, _)| bare(entry.text).starts_with("Timeout before authentication"));
    let by_keys = failed.iter().all(|name| *name == "publickey");
    let (cause, summary, others): Course = if too_many.is_some() && by_keys && !told.is_invalid() {
        let words =
            format!("sshd cuts {login} off after too many failed attempts, before a key that it takes was offered");
        // Of which method they were, only its lines about each say.
        let others: &[&str] =
            if failed.is_empty() { &["password-rejected", "no-key-accepted"] } else { &["no-key-accepted"] };
        (Some("too-many-keys"), words, others)
    } else if let Some(at) = partial.filter(|at| taken.is_none_or(|taken| taken < *at)) {
        let method = told.lines[at].1.method;
        let words = format!("{} alone does not do for {login}: sshd demands more after it", escape(method.as_bytes()));
        (Some("second-factor-required"), words, &["password-rejected"])
    } else if told.takes_a_key() {
        let words = format!(
            "sshd takes a key for {login}, and the client does not go on to sign with it: the reason lies with the client"
        );
        (
            None,
            words,
            &[
                "key-passphrase-needed",
                "agent-refused-to-sign",
                "key-file-permissions",
                "key-file-malformed",
                "hardware-key-unavailable",
                "key-file-unreadable",
            ],
        )
    } else if key_failed.is_some() {
        keys_refused(told, &login)
    } else if !failed.is_empty() && !told.is_invalid() {
        let methods: Vec<String> = failed.iter().map(|name| escape(name.as_bytes())).collect();
        let words = format!("sshd refuses what {login} answers by {}", methods.join(", "));
        (Some("password-rejected"), words, &["no-identities", "no-key-accepted"])
    } else if told.is_invalid() {
        let words = format!("sshd does not let {login} in whatever is offered; the line that says why is not here");
        (
            None,
            words,
            &["server-no-such-user", "server-user-not-allowed", "server-account-locked", "server-shell-invalid"],
        )
    } else if timeout {
        let words = format!("{login} did not authenticate in time; sshd does not say how far it came");
        (None, words, &["access-needs-answer", "kex-stalled"])
    } else if named {
        let words = format!(
            "the client of {login} goes away without a word in the log of what it offered: its keys were refused, or it had \
             nothing more to offer"
        );
        (
            None,
            words,
            &[
                "no-key-accepted",
                "no-identities",
                "key-passphrase-needed",
                "agent-lacks-accepted-key",
                "method-disabled-by-client",
            ],
        )
    } else {
        let words = "a client goes away before it names an account: it did not take the host key, or found no common \
                     algorithm, or only looked whether somebody answers"
            .to_owned();
        (None, words, &["host-key-changed", "host-key-unknown", "no-common-kex"])
    };
    let certainty = if cause.is_some() { Certainty::Likely } else { Certainty::Possible };
    let mut finding = Finding::new(certainty, summary);
    finding.evidence = told.all();
    finding.alternatives = others.iter().map(|id| alternative(facts, told, id)).collect();
    Meant { cause, stated: false, finding }
}

/// sshd's words without the level that log.c puts before them.
fn bare(text: &str) -> &str {
    ["error: ", "fatal: "].iter().find_map(|level| text.strip_prefix(level)).unwrap_or(text)
}

/// Another cause that would leave the same lines, and what decides it.
fn alternative(facts: &Facts, told: &Told<'_>, id: &'static str) -> Alternative {
    if let Some(known) = members::alternative(facts, id, Vec::new()) {
        return known;
    }
    let cause = crate::checks::causes().map(|(_, cause)| cause).find(|cause| cause.id == id);
    let title = cause.map_or(id, |cause| cause.title).to_owned();
    let target = facts.target.as_ref().map_or_else(|_| words::server(told.account), |target| target.input.to_string());
    let command = format!("ssh -vvv {} true", quoted(&target));
    Alternative {
        cause: id,
        certainty: Certainty::Possible,
        summary: title,
        evidence: Vec::new(),
        decide: Some(Decide { place: Place::Client, command }),
    }
}

/// After a fix its refusal is not logged again; `false` where it is not sshd's log alone that states it.
pub(in crate::checks) fn forget(facts: &mut Facts, id: &str) -> bool {
    if !meant(facts).is_some_and(|meant| meant.stated && meant.cause == Some(id)) {
        return false;
    }
    let Some(told) = Told::of(facts) else { return false };
    let states = |(entry, said, _): &(Entry<'_>, Said<'_>, Option<Detail<'_>>)| {
        matches!(said.event, Some(Event::Refusal(stated)) if stated == id).then(|| entry.text.to_owned())
    };
    let gone: Vec<String> = told.lines.iter().filter_map(states).collect();
    if let Ok(account) = &mut facts.account
        && let Ok(log) = &mut account.log
    {
        log.lines
            .retain(|line| line.as_str().is_none_or(|line| !gone.iter().any(|text| line.ends_with(text.as_str()))));
    }
    true
}

/// What would tell more than the log did.
pub(in crate::checks) fn look_further(facts: &Facts) -> Vec<Step> {
    let Some(told) = Told::of(facts).filter(|_| !has_client(facts)) else { return Vec::new() };
    words::further(told.account)
}
