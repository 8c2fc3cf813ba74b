//! What is said where the server's half alone decides nothing, and the command lines that look again or further.

use crate::facts::account::Account;
use crate::facts::{Facts, Unobserved, known};

use super::super::{Certainty, Finding, Step, quoted};
use super::{scene, user};

/// Said of facts that are cut.
pub(in crate::checks) const CUT: &str = "what the collector printed ends before its last line";

/// What an undetermined verdict says on the server: what was not seen there.
pub(in crate::checks) fn undetermined(facts: &Facts) -> Finding {
    let Ok(account) = known(&facts.account) else {
        return Finding::new(Certainty::Possible, "the server's side was not looked at".to_owned());
    };
    let login = &account.login;
    let name = login.user.to_string();
    let gaps = gaps(account);
    let summary = if account.collector.uid == 0 {
        format!("no cause can be named for {name} from what was seen on {}", account.collector.host)
    } else {
        format!(
            "uid {} cannot see all that decides about {name} on {}; root can",
            account.collector.uid, account.collector.host
        )
    };
    let mut finding = Finding::new(Certainty::Possible, summary);
    finding.evidence = gaps.iter().map(|(what, why)| format!("{what}: {why}")).collect();
    if !account.collector.complete {
        finding.evidence.push(CUT.to_owned());
    }
    finding
}

/// What of the server's side is not known, and why not.
fn gaps(account: &Account) -> Vec<(String, String)> {
    let login = &account.login;
    let whole: [(&str, Option<&Unobserved>); 4] = [
        ("sshd's settings for this login", login.effective.as_ref().err()),
        ("the passwd entry", login.passwd.as_ref().err()),
        ("whether the password is locked or expired", login.shadow.as_ref().err()),
        ("sshd's log", account.log.as_ref().err()),
    ];
    let whole = whole.into_iter().filter_map(|(what, why)| Some((what.to_owned(), why?.to_string())));
    let files = login.keys_files.iter().filter_map(|file| {
        let error = file.error.as_ref().filter(|error| *error != "ENOENT")?;
        Some((file.path.to_string(), error.clone()))
    });
    whole.chain(files).collect()
}

/// What tells more than was seen: the same as root, or sshd's own words about the next attempt.
pub(in crate::checks) fn look_further(facts: &Facts) -> Vec<Step> {
    let Ok(scene) = scene(facts) else { return Vec::new() };
    if scene.account.collector.uid != 0 {
        let line = again(facts).unwrap_or_else(|| format!("sshdoctor server {}", user(&scene)));
        return vec![Step::server_root(line, "as root it sees the key files, the account's state and sshd's log")];
    }
    let log = format!("journalctl -t sshd -t sshd-session --since '-15m' | grep -F {}", user(&scene));
    vec![Step::server_root(log, "after another attempt: sshd's own words about it")]
}

/// The command line that asks the same again.
pub(in crate::checks) fn again(facts: &Facts) -> Option<String> {
    let scene = scene(facts).ok()?;
    let mut line = format!("sshdoctor server {}", quoted(&scene.login.user.to_string()));
    for key in &scene.account.asked {
        line = format!("{line} --key {}", key.fingerprint);
    }
    if let Some(from) = scene.login.from.as_ref().filter(|_| scene.login.from_named) {
        line = format!("{line} --from {}", quoted(&from.to_string()));
    }
    Some(line)
}
