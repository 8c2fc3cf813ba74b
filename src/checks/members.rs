//! The members of the group verdicts: causes that the client cannot prove, each with what would speak for it and the
//! one command that decides it.

mod names;
mod refused;
pub(super) mod rejected;

use crate::facts::Facts;
use crate::openssh::course;

use super::wrong_user::WRONG_USER;
use super::{Alternative, Certainty, Decide, Place, auth_methods, naming};

pub(super) use names::{is_git_host, other_name_meant};
pub(super) use refused::{commands as refusal_commands, members as of_refusal};
pub(super) use rejected::{commands as rejection_commands, members as of_rejection};

/// A cause that only another viewpoint can prove.
#[derive(Debug)]
pub struct Member {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// Its words, where no cause of that id has them.
    pub words: Option<Words>,
    /// Where its deciding command is typed.
    pub place: Place,
    /// The deciding command, as root where the place is the server.
    pub decide: fn(&Facts) -> String,
}

/// What is said of a member that is no cause of its own yet.
#[derive(Debug)]
pub struct Words {
    /// A few words that complete "the login fails: …".
    pub title: &'static str,
    /// What it means and what shows it.
    pub doc: &'static str,
}

impl Member {
    /// A few words that complete "the login fails: …": the cause's own where there is one.
    pub fn title(&self) -> &'static str {
        let own = self.words.as_ref().map(|words| words.title);
        own.or_else(|| super::causes().find(|(_, cause)| cause.id == self.id).map(|(_, cause)| cause.title))
            .unwrap_or(self.id)
    }
}

/// All causes that reports name as alternatives without being able to prove them from here.
pub const MEMBERS: &[Member] = &[
    Member {
        id: "server-key-not-listed",
        words: None,
        place: Place::Server,
        decide: |facts| {
            let home = naming::home(&naming::user(facts));
            let key = fingerprint(facts);
            format!("ssh-keygen -lf {home}/.ssh/authorized_keys | grep -F {}", super::quoted(&key))
        },
    },
    Member {
        id: "server-authorized-keys-missing",
        words: None,
        place: Place::Server,
        decide: |facts| format!("ls -l {}/.ssh/authorized_keys", naming::home(&naming::user(facts))),
    },
    Member {
        id: "server-strict-modes",
        words: None,
        place: Place::Server,
        decide: |facts| format!("namei -l {}/.ssh/authorized_keys", naming::home(&naming::user(facts))),
    },
    Member {
        id: WRONG_USER.id,
        words: None,
        place: Place::Client,
        decide: |facts| {
            let name = names::suggested(facts).unwrap_or_else(|| "NAME".to_owned());
            format!("sshdoctor --try-user {} {}", super::quoted(&name), naming::destination(facts))
        },
    },
    Member {
        id: "server-no-such-user",
        words: None,
        place: Place::Server,
        decide: |facts| format!("getent passwd {}", super::quoted(&naming::user(facts).to_string())),
    },
    Member {
        id: "server-user-not-allowed",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "^(allow|deny)(users|groups)"),
    },
    Member {
        id: "server-authorized-keys-elsewhere",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "authorizedkeys"),
    },
    Member {
        id: "server-authorized-keys-unreadable",
        words: None,
        place: Place::Server,
        decide: |facts| {
            let user = super::quoted(&naming::user(facts).to_string());
            format!(
                "runuser -u {user} -- head -c 1 {}/.ssh/authorized_keys > /dev/null",
                naming::home(&naming::user(facts))
            )
        },
    },
    Member {
        id: "server-key-entry-malformed",
        words: None,
        place: Place::Server,
        decide: |facts| format!("ssh-keygen -lf {}/.ssh/authorized_keys", naming::home(&naming::user(facts))),
    },
    Member {
        id: "server-key-options-refuse",
        words: None,
        place: Place::Server,
        decide: |facts| {
            let home = naming::home(&naming::user(facts));
            format!("grep -nE 'from=|expiry-time=|principals=|verify-required' {home}/.ssh/authorized_keys")
        },
    },
    Member {
        id: "server-account-locked",
        words: None,
        place: Place::Server,
        decide: |facts| format!("passwd -S {}", super::quoted(&naming::user(facts).to_string())),
    },
    Member {
        id: "server-account-expired",
        words: None,
        place: Place::Server,
        decide: |facts| format!("chage -l {}", super::quoted(&naming::user(facts).to_string())),
    },
    Member {
        id: "server-shell-invalid",
        words: None,
        place: Place::Server,
        decide: |facts| {
            let user = super::quoted(&naming::user(facts).to_string());
            format!("ls -l \"$(getent passwd {user} | cut -d: -f7)\"")
        },
    },
    Member {
        id: "server-home-missing",
        words: None,
        place: Place::Server,
        decide: |facts| format!("ls -ld {}", naming::home(&naming::user(facts))),
    },
    Member {
        id: "server-selinux-context",
        words: None,
        place: Place::Server,
        decide: |_| "ausearch -m avc -ts recent -c sshd".to_owned(),
    },
    Member {
        id: "server-authorized-keys-command-failed",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "authorizedkeyscommand"),
    },
    Member {
        id: "server-key-algorithm-refused",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "pubkeyacceptedalgorithms|requiredrsasize"),
    },
    Member {
        id: "server-key-revoked",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "revokedkeys"),
    },
    Member {
        id: "server-root-login-disabled",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "permitrootlogin"),
    },
    Member { id: "server-pam-denied", words: None, place: Place::Server, decide: |facts| log_command(facts) },
    Member {
        id: "server-nologin-file",
        words: None,
        place: Place::Server,
        decide: |_| "ls -l /etc/nologin /run/nologin".to_owned(),
    },
    Member {
        id: "server-config-override",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "pubkey|authorizedkeys|allow|deny"),
    },
    Member {
        id: "server-config-not-reloaded",
        words: None,
        place: Place::Server,
        decide: |_| "ls -lt /etc/ssh/sshd_config /etc/ssh/sshd_config.d; ps -o lstart= -C sshd".to_owned(),
    },
    Member {
        id: "certificate-principal-mismatch",
        words: Some(Words {
            title: "the certificate does not name this account",
            doc: "sshd lets a certificate in where it lists the account's name among its principals, or one of those that \
              AuthorizedPrincipalsFile or AuthorizedPrincipalsCommand maps to the account; one without any principal it \
              refuses. It logs \"Certificate invalid: name is not a listed principal\" or \"Certificate does not contain an \
              authorized principal\". Whether names are mapped is visible on the server only.",
        }),
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "authorizedprincipals|trustedusercakeys"),
    },
    Member {
        id: "certificate-not-trusted",
        words: Some(Words {
            title: "the server does not trust the certificate's CA",
            doc: "The CA's key is not in the file of TrustedUserCAKeys nor on a cert-authority line of authorized_keys, it is \
              revoked, or its signature is of an algorithm that CASignatureAlgorithms leaves out (ssh-rsa with SHA-1 since \
              8.2). sshd says nothing about it at its usual log level.",
        }),
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "trustedusercakeys|casignaturealgorithms|revokedkeys"),
    },
    Member {
        id: "server-chroot-ownership",
        words: None,
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "^chrootdirectory"),
    },
    Member {
        id: "source-banned",
        words: None,
        place: Place::Server,
        decide: |_| "fail2ban-client status sshd".to_owned(),
    },
    Member { id: "server-config-invalid", words: None, place: Place::Server, decide: |_| "sshd -t".to_owned() },
];

/// The member with that id.
pub fn member(id: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.id == id)
}

/// A member as an alternative, with what speaks for it; likely where something does.
pub fn alternative(facts: &Facts, id: &str, evidence: Vec<String>) -> Option<Alternative> {
    let certainty = if evidence.is_empty() { Certainty::Possible } else { Certainty::Likely };
    let id = MEMBERS.iter().map(|member| member.id).chain([super::git_host::ID]).find(|known| *known == id)?;
    suspected(facts, Suspect { id, certainty, evidence })
}

/// A member that the facts allow, and how much speaks for it.
#[derive(Debug, Clone)]
struct Suspect {
    /// Its id.
    id: &'static str,
    /// Likely where what was seen is rarely seen without it; possible where it only ranks it.
    certainty: Certainty,
    /// What speaks for it.
    evidence: Vec<String>,
}

/// Suspects, each once, likely ones before possible ones, else in the order in which they were named.
#[derive(Debug, Default)]
struct Suspects(Vec<Suspect>);

impl Suspects {
    /// Names one that what was seen makes likely.
    fn likely(&mut self, id: &'static str, evidence: impl Into<String>) {
        self.add(id, Certainty::Likely, vec![evidence.into()]);
    }

    /// Names one that what was seen only moves forward.
    fn hinted(&mut self, id: &'static str, evidence: impl Into<String>) {
        self.add(id, Certainty::Possible, vec![evidence.into()]);
    }

    /// Names one for which nothing speaks but how often it is met.
    fn possible(&mut self, id: &'static str) {
        self.add(id, Certainty::Possible, Vec::new());
    }

    fn add(&mut self, id: &'static str, certainty: Certainty, evidence: Vec<String>) {
        match self.0.iter_mut().find(|known| known.id == id) {
            Some(known) => {
                known.certainty = known.certainty.min(certainty);
                known.evidence.extend(evidence);
            }
            None => self.0.push(Suspect { id, certainty, evidence }),
        }
    }

    /// All of them as alternatives.
    fn alternatives(mut self, facts: &Facts) -> Vec<Alternative> {
        self.0.sort_by_key(|suspect| suspect.certainty);
        self.0.into_iter().filter_map(|suspect| suspected(facts, suspect)).collect()
    }
}

fn suspected(facts: &Facts, suspect: Suspect) -> Option<Alternative> {
    if suspect.id == super::git_host::ID {
        return Some(super::git_host::alternative(facts, suspect.certainty, suspect.evidence));
    }
    let member = member(suspect.id)?;
    Some(Alternative {
        cause: member.id,
        certainty: suspect.certainty,
        summary: member.title().to_owned(),
        evidence: suspect.evidence,
        decide: Some(Decide { place: member.place, command: (member.decide)(facts) }),
    })
}

/// The command that shows what sshd logged about this login: one for every system with a journal.
pub fn log_command(facts: &Facts) -> String {
    // A transcript does not say when it was.
    let since = match facts.observed_at.unix_seconds {
        0 => String::new(),
        seconds => format!(" --since @{}", seconds.saturating_sub(60)),
    };
    format!("journalctl -t sshd -t sshd-session{since} | grep -v 'Connection closed' | tail -n 40")
}

/// The fingerprint of the identity that is meant.
fn fingerprint(facts: &Facts) -> String {
    let turns = course::course(facts).unwrap_or_default();
    let meant = course::meant(facts, &turns).and_then(|turn| turn.offer.key.as_ref());
    meant.map(|key| key.fingerprint.to_string()).unwrap_or_default()
}
