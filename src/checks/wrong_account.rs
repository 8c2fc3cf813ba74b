//! Whether ssh runs as another local account, or looks into another home, than the one whose keys are meant.

use crate::facts::identities::{ElsewhereKey, KeyFile, PublicFile};
use crate::facts::key::PublicKey;
use crate::facts::userauth::{Answer, Userauth};
use crate::facts::{Facts, Observed, Source, Unobserved, known};
use crate::openssh::course::{self, Fate};

use super::{Alternative, Blocks, Cause, Certainty, Decide, Finding, Fix, Place, Step, naming};

/// The keys that are meant lie in a home that this ssh does not look into.
pub(super) const WRONG_LOCAL_ACCOUNT: Cause = Cause {
    id: "wrong-local-account",
    title: "ssh looks for keys in another home than the one that has them",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "ssh takes the home folder from the passwd entry of the account that it runs as, whatever $HOME says: by sudo, from \
          cron or a service, or in a container with another HOME it looks into that account's ~/.ssh and not into the one \
          that has the key.\n\n\
          Proven when the server accepts a public key that lies in the home of the account that called sudo, or in $HOME, \
          while ssh reads neither.",
    prevent: "Run ssh as the account that has the keys, or name the key file (-i, IdentityFile) and give that account one.",
    fix: Fix { commands, mend },
    see: &["OpenSSH ssh.c main (getpwuid)", "ssh(1) FILES", "sudo(8) SUDO_USER"],
    judge: wrong_local_account,
};

fn wrong_local_account(facts: &Facts) -> Observed<Option<Finding>> {
    let turns = course::course(facts)?;
    let userauth = known(&facts.userauth)?;
    let accepted = turns.iter().any(|turn| matches!(turn.fate, Fate::Accepted(_)));
    if accepted || userauth.succeeded() || !super::userauth::client_takes_publickey(facts) {
        return Ok(None);
    }
    let Some((elsewhere, key)) = meant(facts, userauth) else { return Ok(None) };
    let run = &facts.run;
    let whose = match &elsewhere.account {
        Some(account) => format!("{account}'s key {}", elsewhere.path),
        None => format!("the key {}", elsewhere.path),
    };
    let summary = format!("{} would accept {whose}, but ssh looks into {}", naming::login(facts), run.home);
    let why = match &elsewhere.account {
        Some(account) => {
            format!("ssh runs as {}, by sudo from {account}, and {}'s home is {}", run.user, run.user, run.home)
        }
        None => format!(
            "$HOME is {}, and the passwd entry of {}, which ssh goes by, says {}",
            elsewhere.home, run.user, run.home
        ),
    };
    let finding = Finding::proven(summary)
        .seen(format!("the server accepts {} from {}", naming::key(key), elsewhere.public.path))
        .seen(why);
    Ok(Some(finding))
}

/// A key of another home that the server accepts, where its yes means something.
fn meant<'a>(facts: &'a Facts, userauth: &Userauth) -> Option<(&'a ElsewhereKey, &'a PublicKey)> {
    let elsewhere = &facts.identities.as_ref().ok().filter(|_| !course::says_yes_to_everything(facts))?.elsewhere;
    elsewhere.iter().filter(|elsewhere| elsewhere.private_there).find_map(|elsewhere| {
        let key = elsewhere.public.key.as_ref()?;
        (userauth.answer(key) == Some(&Answer::PkOk)).then_some((elsewhere, key))
    })
}

/// The homes that may be the ones meant, where nothing in them is known to be accepted.
pub(super) fn alternative(facts: &Facts) -> Option<Alternative> {
    let elsewhere = facts.identities.as_ref().ok()?.elsewhere.iter().find(|elsewhere| elsewhere.private_there)?;
    Some(Alternative {
        cause: WRONG_LOCAL_ACCOUNT.id,
        certainty: Certainty::Possible,
        summary: format!("the keys meant are those in {}, where this ssh does not look", elsewhere.home),
        evidence: vec![format!("{} lies there", elsewhere.path)],
        decide: Some(Decide { place: Place::Client, command: command(facts, elsewhere) }),
    })
}

/// The same login with that key.
fn command(facts: &Facts, elsewhere: &ElsewhereKey) -> String {
    let destination = naming::destination(facts);
    match &elsewhere.account {
        Some(account) => format!("sudo -u {} ssh {destination}", super::quoted_bytes(account.as_bytes())),
        None => format!("ssh -i {} {destination}", naming::path(&elsewhere.path)),
    }
}

fn commands(facts: &Facts) -> Vec<Step> {
    let Ok(userauth) = &facts.userauth else { return Vec::new() };
    let Some((elsewhere, _)) = meant(facts, userauth) else { return Vec::new() };
    let why = match &elsewhere.account {
        Some(_) => "logs in as the account that has the key, with its configuration and known hosts",
        None => "names the key; ssh goes by the passwd entry for everything else as well",
    };
    vec![Step::here(command(facts, elsewhere), why)]
}

/// ssh looks into that home: the key is offered first.
fn mend(facts: &mut Facts) {
    let Ok(userauth) = &facts.userauth else { return };
    let Some((elsewhere, _)) = meant(facts, userauth) else { return };
    let found = elsewhere.clone();
    let state = found.public.state.clone();
    let nothing = Err(crate::facts::identities::FileError { errno: "ENOENT".to_owned(), at: None });
    let file = KeyFile {
        path: found.path.clone(),
        configured: found.path.as_bytes().into(),
        source: Source::CommandLine,
        explicit: true,
        state: state.map(|stat| crate::facts::identities::FileStat { mode: 0o600, uid: facts.run.uid, ..stat }),
        private: Err(Unobserved::NotAttempted),
        certificate: PublicFile { path: found.path.clone(), state: nothing, key: None },
        public: found.public,
    };
    if let Ok(identities) = &mut facts.identities {
        identities.files.insert(0, file);
        identities.elsewhere.clear();
    }
    if let Ok(userauth) = &mut facts.userauth {
        userauth.connections = vec![None];
    }
}
