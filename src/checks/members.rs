//! The members of the group verdicts: causes that the client cannot prove, each with what would speak for it and the
//! one command that decides it; and the checks of the server's own side, which another source of facts fills.

mod names;
mod refused;
mod rejected;

use crate::facts::{Facts, Observed, Stage, known};
use crate::openssh::course;

use super::wrong_user::WRONG_USER;
use super::{Alternative, Certainty, Check, Decide, Outcome, Place, auth_methods, naming};

pub(super) use names::{is_git_host, other_name_meant};
pub(super) use refused::{commands as refusal_commands, members as of_refusal};
pub(super) use rejected::{commands as rejection_commands, members as of_rejection};

/// sshd's configuration lets this account in with a key.
pub const SSHD_CONFIG: Check = server_check("sshd-config", "sshd's configuration lets this account in with a key");
/// The account exists and may log in.
pub const ACCOUNT: Check = server_check("account", "the account exists, is not locked and may log in");
/// The key is in the file that sshd reads.
pub const KEY_ENTRY: Check = server_check("key-entry", "sshd can read the authorized_keys file, and the key is in it");
/// sshd's log tells the same story.
pub const SERVER_LOG: Check = server_check("server-log", "sshd's log shows no refusal of this account");

const fn server_check(id: &'static str, claim: &'static str) -> Check {
    Check { id, stage: Stage::Server, claim, causes: &[], holds: not_from_here, rules_out: &[] }
}

fn not_from_here(facts: &Facts) -> Observed<Outcome> {
    known(&facts.account).map(|_| Outcome::info("nothing is judged of it"))
}

/// A cause that only another viewpoint can prove.
#[derive(Debug)]
pub struct Member {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// A few words that complete "the login fails: …".
    pub title: &'static str,
    /// What it means and what shows it.
    pub doc: &'static str,
    /// Where its deciding command is typed.
    pub place: Place,
    /// The deciding command, as root where the place is the server.
    pub decide: fn(&Facts) -> String,
}

/// All causes that reports name as alternatives without being able to prove them from here.
pub const MEMBERS: &[Member] = &[
    Member {
        id: "server-key-not-listed",
        title: "this key is not in the authorized_keys file",
        doc: "The file that sshd reads is there, and none of its lines is this key. sshd logs nothing about it at its \
              default level.",
        place: Place::Server,
        decide: |facts| {
            let home = naming::home(&naming::user(facts));
            let key = fingerprint(facts);
            format!("ssh-keygen -lf {home}/.ssh/authorized_keys | grep -F {}", super::quoted(&key))
        },
    },
    Member {
        id: "server-authorized-keys-missing",
        title: "there is no authorized_keys file where sshd looks",
        doc: "No file of the AuthorizedKeysFile setting exists for this account, and the key lies in no other place either.",
        place: Place::Server,
        decide: |facts| format!("ls -l {}/.ssh/authorized_keys", naming::home(&naming::user(facts))),
    },
    Member {
        id: "server-strict-modes",
        title: "sshd finds the modes of home, .ssh or authorized_keys too open",
        doc: "With StrictModes, sshd ignores authorized_keys when the file, .ssh or the home folder belongs to another account \
              or may be written by group or others. It logs \"Authentication refused: bad ownership or modes\".",
        place: Place::Server,
        decide: |facts| format!("namei -l {}/.ssh/authorized_keys", naming::home(&naming::user(facts))),
    },
    Member {
        id: WRONG_USER.id,
        title: WRONG_USER.title,
        doc: WRONG_USER.doc,
        place: Place::Client,
        decide: |facts| {
            let name = names::suggested(facts).unwrap_or_else(|| "NAME".to_owned());
            format!("sshdoctor --try-user {} {}", super::quoted(&name), naming::destination(facts))
        },
    },
    Member {
        id: "server-no-such-user",
        title: "the account does not exist on the server",
        doc: "sshd answers for an unknown account exactly as for a known one that does not accept the key. It logs \"Invalid \
              user\".",
        place: Place::Server,
        decide: |facts| format!("getent passwd {}", super::quoted(&naming::user(facts).to_string())),
    },
    Member {
        id: "server-user-not-allowed",
        title: "AllowUsers, DenyUsers, AllowGroups or DenyGroups keep the account out",
        doc: "sshd refuses every method of an account that these lists exclude and logs \"User … not allowed because …\".",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "^(allow|deny)(users|groups)"),
    },
    Member {
        id: "server-authorized-keys-elsewhere",
        title: "the key is in a file that sshd does not read",
        doc: "AuthorizedKeysFile names another path (a central folder, administrators_authorized_keys on Windows), or the key \
              was put into another account's home or a misspelt file.",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "authorizedkeys"),
    },
    Member {
        id: "server-authorized-keys-unreadable",
        title: "sshd, acting as the user, cannot read authorized_keys",
        doc: "The file or a folder above it is closed to the account itself: made by root with mode 0600, a home without x, an \
              NFS mount. sshd logs \"Could not open user … authorized keys\".",
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
        title: "the key's line in authorized_keys is broken",
        doc: "The line was wrapped by a paste, two keys were joined into one line, or it is in another format or encoding. sshd \
              passes over it in silence.",
        place: Place::Server,
        decide: |facts| format!("ssh-keygen -lf {}/.ssh/authorized_keys", naming::home(&naming::user(facts))),
    },
    Member {
        id: "server-key-options-refuse",
        title: "an option on the key's line refuses this login",
        doc: "from=, expiry-time=, principals= or a touch or PIN requirement on the matching line. sshd logs \"Authentication \
              tried for … with correct key but not from a permitted host\" for from=.",
        place: Place::Server,
        decide: |facts| {
            let home = naming::home(&naming::user(facts));
            format!("grep -nE 'from=|expiry-time=|principals=|verify-required' {home}/.ssh/authorized_keys")
        },
    },
    Member {
        id: "server-account-locked",
        title: "the account is locked",
        doc: "sshd without PAM refuses an account whose shadow entry begins with an exclamation mark, and logs \"account is \
              locked\". With PAM such an account can still log in with a key.",
        place: Place::Server,
        decide: |facts| format!("passwd -S {}", super::quoted(&naming::user(facts).to_string())),
    },
    Member {
        id: "server-account-expired",
        title: "the account, or its password beyond the grace time, has expired",
        doc: "sshd without PAM refuses the account's keys; with PAM it accepts the key and then closes the connection.",
        place: Place::Server,
        decide: |facts| format!("chage -l {}", super::quoted(&naming::user(facts).to_string())),
    },
    Member {
        id: "server-shell-invalid",
        title: "the account's login shell does not exist or cannot be run",
        doc: "sshd refuses every method and logs \"not allowed because shell … does not exist\".",
        place: Place::Server,
        decide: |facts| {
            let user = super::quoted(&naming::user(facts).to_string());
            format!("ls -l \"$(getent passwd {user} | cut -d: -f7)\"")
        },
    },
    Member {
        id: "server-home-missing",
        title: "the account's home folder is not there",
        doc: "It was never made, is not mounted, or is encrypted until somebody logs in; sshd then finds no authorized_keys.",
        place: Place::Server,
        decide: |facts| format!("ls -ld {}", naming::home(&naming::user(facts))),
    },
    Member {
        id: "server-selinux-context",
        title: "an SELinux label keeps sshd from reading the file",
        doc: "The file was moved or made where another label applies; the audit log holds an AVC denial for sshd.",
        place: Place::Server,
        decide: |_| "ausearch -m avc -ts recent -c sshd".to_owned(),
    },
    Member {
        id: "server-authorized-keys-command-failed",
        title: "AuthorizedKeysCommand fails or does not answer with the key",
        doc: "The keys come from a program (LDAP, SSSD, a cloud's agent) that is missing, unsafe, failing, or does not know the \
              key.",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "authorizedkeyscommand"),
    },
    Member {
        id: "server-key-algorithm-refused",
        title: "the server's policy refuses this type of key",
        doc: "PubkeyAcceptedAlgorithms, a crypto policy or FIPS mode excludes the key's type. sshd logs \"signature algorithm … \
              not in PubkeyAcceptedAlgorithms\".",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "pubkeyacceptedalgorithms|requiredrsasize"),
    },
    Member {
        id: "server-key-revoked",
        title: "the key is revoked on the server",
        doc: "RevokedKeys lists it; sshd logs \"revoked by file\".",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "revokedkeys"),
    },
    Member {
        id: "server-root-login-disabled",
        title: "root may not log in",
        doc: "PermitRootLogin excludes root. OpenSSH accepts the key first and then refuses the signed request, logging ROOT \
              LOGIN REFUSED; dropbear refuses at once.",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "permitrootlogin"),
    },
    Member {
        id: "server-pam-denied",
        title: "PAM's account rules keep the account out",
        doc: "access.conf, sssd or another account module says no after the key was accepted; sshd logs \"Access denied for user \
              … by PAM account configuration\".",
        place: Place::Server,
        decide: |facts| log_command(facts),
    },
    Member {
        id: "server-nologin-file",
        title: "a nologin file keeps everybody but root out",
        doc: "/etc/nologin or /run/nologin exists: the machine is booting, shutting down, or was left so.",
        place: Place::Server,
        decide: |_| "ls -l /etc/nologin /run/nologin".to_owned(),
    },
    Member {
        id: "server-config-override",
        title: "another line of sshd_config wins over the one that was edited",
        doc: "sshd takes the first value: a drop-in or an earlier line decides, not the line that the administrator changed.",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "pubkey|authorizedkeys|allow|deny"),
    },
    Member {
        id: "server-config-not-reloaded",
        title: "sshd still runs with its configuration of before a change",
        doc: "The files are newer than sshd's last start or reload.",
        place: Place::Server,
        decide: |_| "ls -lt /etc/ssh/sshd_config /etc/ssh/sshd_config.d; ps -o lstart= -C sshd".to_owned(),
    },
    Member {
        id: "certificate-principal-mismatch",
        title: "the certificate does not name this account",
        doc: "sshd lets a certificate in where it lists the account's name among its principals, or one of those that \
              AuthorizedPrincipalsFile or AuthorizedPrincipalsCommand maps to the account; one without any principal it \
              refuses. It logs \"Certificate invalid: name is not a listed principal\" or \"Certificate does not contain an \
              authorized principal\". Whether names are mapped is visible on the server only.",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "authorizedprincipals|trustedusercakeys"),
    },
    Member {
        id: "certificate-not-trusted",
        title: "the server does not trust the certificate's CA",
        doc: "The CA's key is not in the file of TrustedUserCAKeys nor on a cert-authority line of authorized_keys, it is \
              revoked, or its signature is of an algorithm that CASignatureAlgorithms leaves out (ssh-rsa with SHA-1 since \
              8.2). sshd says nothing about it at its usual log level.",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "trustedusercakeys|casignaturealgorithms|revokedkeys"),
    },
    Member {
        id: "server-chroot-ownership",
        title: "ChrootDirectory, or a folder above it, fails sshd's rule of ownership",
        doc: "Every folder of the path has to belong to root and be writable by nobody else. Else sshd ends the session in \
              silence and logs \"bad ownership or modes for chroot directory\".",
        place: Place::Server,
        decide: |facts| auth_methods::sshd_effective(facts, "^chrootdirectory"),
    },
    Member {
        id: "source-banned",
        title: "this address is banned on the server",
        doc: "fail2ban, hosts.deny or a firewall rule on the server keeps this client's address out for a time.",
        place: Place::Server,
        decide: |_| "fail2ban-client status sshd".to_owned(),
    },
    Member {
        id: "server-config-invalid",
        title: "sshd dies on each connection, or did not come up, because of its configuration",
        doc: "sshd -t names the line; until it is mended sshd ends every connection or will not start again.",
        place: Place::Server,
        decide: |_| "sshd -t".to_owned(),
    },
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
        summary: member.title.to_owned(),
        evidence: suspect.evidence,
        decide: Some(Decide { place: member.place, command: (member.decide)(facts) }),
    })
}

/// The command that shows what sshd logged about this login: one for every system with a journal.
pub fn log_command(facts: &Facts) -> String {
    let since = facts.observed_at.unix_seconds.saturating_sub(60);
    format!("journalctl -t sshd -t sshd-session --since @{since} | grep -v 'Connection closed' | tail -n 40")
}

/// The fingerprint of the identity that is meant.
fn fingerprint(facts: &Facts) -> String {
    let turns = course::course(facts).unwrap_or_default();
    let meant = course::meant(facts, &turns).and_then(|turn| turn.offer.key.as_ref());
    meant.map(|key| key.fingerprint.to_string()).unwrap_or_default()
}
