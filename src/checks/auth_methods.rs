//! Which methods the server takes and which of them this client can and may use (RFC 4252 section 5.1, sshconnect2.c
//! `authmethod_get`).

use crate::facts::userauth::{Answer, Query};
use crate::facts::{Facts, Observed, Stage, Ticket, known};
use crate::openssh::course::{self, Fate};
use crate::openssh::identities::offers;
use crate::openssh::{methods, prompts};

use super::{Alternative, Blocks, Cause, Certainty, Check, Decide, Finding, Fix, Outcome, Place, Step, naming};

/// Client and server have a method in common.
pub const AUTH_METHODS: Check = Check {
    id: "auth-methods",
    stage: Stage::Auth,
    claim: "the server takes a method that this client can and may use",
    causes: &[
        &NO_METHODS_LEFT,
        &HOSTBASED_ONLY,
        &KERBEROS_TICKET_MISSING,
        &PUBKEY_DISABLED_BY_CLIENT,
        &SERVER_PUBKEY_DISABLED,
        &METHOD_DISABLED_BY_CLIENT,
        &PASSWORD_DISABLED,
    ],
    holds: auth_methods_hold,
    rules_out: &[("server-pubkey-disabled", the_server_takes_keys)],
};

/// Names that mean something to OpenSSH.
const KNOWN: &[&str] =
    &["none", "publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic", "gssapi-keyex"];

/// What matters of both sides.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent observation")]
struct Scene {
    methods: Vec<String>,
    /// The server takes publickey.
    keys: bool,
    /// The server takes password or keyboard-interactive.
    questions: bool,
    /// The client may do publickey.
    client_keys: bool,
    /// The client may do one of the questions that the server takes.
    client_questions: bool,
    /// Somebody can be asked.
    asked: bool,
    /// ssh has (or would have, were publickey on) an identity.
    identities: bool,
}

fn scene(facts: &Facts) -> Observed<Option<Scene>> {
    let userauth = known(&facts.userauth)?;
    if facts.run.limits.offer.is_none() {
        known(&facts.identities)?;
    }
    let Some(methods) = userauth.methods().filter(|_| !userauth.succeeded()) else { return Ok(None) };
    let has = |name: &str| methods.iter().any(|method| method == name);
    Ok(Some(Scene {
        keys: has("publickey"),
        questions: has("password") || has("keyboard-interactive"),
        client_keys: client_takes_publickey(facts),
        client_questions: question_open(facts, methods),
        asked: prompts::secrets_can_be_asked(facts),
        identities: !offers(facts).is_empty(),
        methods: methods.to_vec(),
    }))
}

/// Whether the client's configuration lets ssh use publickey.
pub(super) fn client_takes_publickey(facts: &Facts) -> bool {
    course::takes_publickey(facts)
}

/// Whether the server takes a password or a dialogue that the client's configuration allows, whoever would answer it.
pub(super) fn question_open(facts: &Facts, offered: &[String]) -> bool {
    methods::question_on(&facts.config.options, offered)
}

/// How the client switches publickey off, for evidence.
fn how_keys_are_off(facts: &Facts) -> String {
    let options = &facts.config.options;
    if options.is_no("pubkeyauthentication") {
        return "PubkeyAuthentication is no".to_owned();
    }
    format!("PreferredAuthentications is {}, without publickey", options.names("preferredauthentications").join(","))
}

fn takes(scene: &Scene) -> String {
    format!(
        "the server takes: {}",
        if scene.methods.is_empty() { "nothing".to_owned() } else { scene.methods.join(", ") }
    )
}

const NO_METHODS_LEFT: Cause = Cause {
    id: "no-methods-left",
    title: "the server takes no method at all, or none that ssh knows",
    blocks: Blocks::Offered,
    place: Place::Server,
    doc: "The list of authentications that can continue is empty or holds only names that OpenSSH does not know. ssh prints \
          `Permission denied ().` On an OpenSSH server all methods are switched off for this user or address, by a Match block \
          or by AuthenticationMethods that nothing satisfies; other servers have methods of their own.\n\n\
          Proven by the server's own list.",
    prevent: "Test a change of sshd_config with `sshd -t` and a second session before the first one is closed.",
    fix: Fix {
        commands: |facts| {
            vec![Step::server_root(
                sshd_effective(facts, "authentication"),
                "prints what sshd allows for this user; switch one method on, then reload sshd",
            )]
        },
        mend: forget_userauth,
    },
    see: &["RFC 4252 section 5.1", "sshd_config(5) AuthenticationMethods"],
    judge: |facts| {
        let Some(scene) = scene(facts)? else { return Ok(None) };
        if scene.methods.iter().any(|method| KNOWN.contains(&method.as_str()) && method != "none") {
            return Ok(None);
        }
        let summary = if scene.methods.is_empty() {
            format!("{} takes no authentication method at all", naming::login(facts))
        } else {
            let names = crate::facts::text::escape(scene.methods.join(", ").as_bytes());
            format!("{} takes only methods that ssh does not know: {names}", naming::login(facts))
        };
        Ok(Some(Finding::proven(summary).seen(takes(&scene))))
    },
};

const HOSTBASED_ONLY: Cause = Cause {
    id: "hostbased-only",
    title: "the server takes only hostbased authentication",
    blocks: Blocks::Offered,
    place: Place::Server,
    doc: "hostbased trusts a client machine's host key and needs set-up on both sides; ssh does not try it unless \
          HostbasedAuthentication and EnableSSHKeysign are on.\n\nProven by the server's own list.",
    prevent: "Keep publickey switched on beside hostbased.",
    fix: Fix {
        commands: |facts| {
            vec![Step::server_root(
                sshd_effective(facts, "authentication"),
                "prints what sshd allows for this user; switch publickey on, then reload sshd",
            )]
        },
        mend: forget_userauth,
    },
    see: &["RFC 4252 section 9", "ssh_config(5) HostbasedAuthentication"],
    judge: |facts| {
        let Some(scene) = scene(facts)? else { return Ok(None) };
        if scene.methods != ["hostbased"] || facts.config.options.is_yes("hostbasedauthentication") {
            return Ok(None);
        }
        let summary = format!("{} takes only hostbased authentication", naming::login(facts));
        Ok(Some(Finding::proven(summary).seen(takes(&scene)).seen("HostbasedAuthentication is off on this client")))
    },
};

const KERBEROS_TICKET_MISSING: Cause = Cause {
    id: "kerberos-ticket-missing",
    title: "the login goes by Kerberos, and there is no valid ticket",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "The server takes GSSAPI and nothing else that this client could give, GSSAPIAuthentication is on, and Kerberos has no \
          ticket that is still valid: none was fetched in this session, or it has expired (most last ten hours). ssh does \
          not ask for the Kerberos password; it goes on to the next method without a word.\n\n\
          Proven when the server lists GSSAPI alone, or PreferredAuthentications leaves nothing else, and `klist -s` finds no \
          valid ticket, in no cache of the collection, and no client keytab. Where klist is not installed nobody is accused.",
    prevent: "Let the login to this machine fetch the ticket (pam_krb5, sssd), or renew it before it ends: kinit -R.",
    fix: Fix {
        commands: |facts| {
            vec![
                Step::here(
                    "kinit",
                    "asks for your Kerberos password and fetches a ticket; where your principal has another name than your \
                     account here, name it: kinit NAME@REALM",
                ),
                Step::here(format!("ssh {}", naming::destination(facts)), "logs in with the ticket"),
            ]
        },
        mend: |facts| {
            facts.run.kerberos_ticket = Some(Ticket::Valid);
            forget_userauth(facts);
        },
    },
    see: &[
        "RFC 4462 section 3",
        "OpenSSH sshconnect2.c userauth_gssapi",
        "ssh_config(5) GSSAPIAuthentication",
        "klist(1)",
    ],
    judge: |facts| {
        let Some(scene) = scene(facts)? else { return Ok(None) };
        if !lacks_the_ticket(facts, &scene) {
            return Ok(None);
        }
        let meant = methods::gssapi_meant(&facts.config.options);
        let alone = scene.methods.iter().all(|method| is_gssapi(method));
        let summary = format!("the login as {} goes by Kerberos, and there is no valid ticket", naming::login(facts));
        let finding = if meant || alone { Finding::proven(summary) } else { Finding::likely(summary) };
        let mut finding =
            finding.seen(takes(&scene)).seen("GSSAPIAuthentication is on, and there is no valid ticket (klist -s)");
        if meant {
            let names = facts.config.options.names("preferredauthentications").join(",");
            finding = finding.seen(format!("PreferredAuthentications is {names}: ssh tries nothing else"));
        }
        if scene.identities && scene.client_keys && !scene.keys {
            let pattern = "pubkeyauthentication|authenticationmethods";
            finding = finding.or([Alternative {
                cause: "server-pubkey-disabled",
                certainty: Certainty::Possible,
                summary: format!("a key was meant to open this account, and {} takes none", naming::login(facts)),
                evidence: vec!["ssh has a key to offer, and the server does not list publickey".to_owned()],
                decide: Some(Decide { place: Place::Server, command: sshd_effective(facts, pattern) }),
            }]);
        }
        Ok(Some(finding))
    },
};

fn is_gssapi(method: &str) -> bool {
    matches!(method, "gssapi-with-mic" | "gssapi-keyex")
}

/// Whether GSSAPI is the method meant, and Kerberos has nothing to give.
fn lacks_the_ticket(facts: &Facts, scene: &Scene) -> bool {
    let options = &facts.config.options;
    if facts.run.kerberos_ticket != Some(Ticket::Missing) || !methods::gssapi_on(options, &scene.methods) {
        return false;
    }
    let nothing_else = !scene.keys && !scene.questions;
    nothing_else || (methods::gssapi_meant(options) && key_accepted(facts).is_none())
}

/// What stands beside a refusal where the server takes GSSAPI too, and whether there is a ticket was looked at.
pub(super) fn kerberos_instead(facts: &Facts) -> Option<Alternative> {
    let methods = facts.userauth.as_ref().ok()?.methods()?;
    let seen = match facts.run.kerberos_ticket.as_ref()? {
        Ticket::Missing => "there is no valid ticket (klist -s)".to_owned(),
        Ticket::Unknown(why) => {
            format!("whether there is a ticket is not known: {}", crate::facts::text::escape(why.as_bytes()))
        }
        Ticket::Valid => return None,
    };
    methods::gssapi_on(&facts.config.options, methods).then(|| Alternative {
        cause: "kerberos-ticket-missing",
        certainty: Certainty::Possible,
        summary: "the account is meant to be entered by Kerberos, and ssh had no ticket to give".to_owned(),
        evidence: vec!["the server takes GSSAPI, and GSSAPIAuthentication is on".to_owned(), seen],
        decide: Some(Decide { place: Place::Client, command: format!("kinit && ssh {}", naming::destination(facts)) }),
    })
}

/// The finding that nothing but what is missing could be given, less sure where GSSAPI might have been: ssh itself tried
/// it, and why it came to nothing was not seen.
fn beside_gssapi(facts: &Facts, scene: &Scene, mut finding: Finding) -> Finding {
    let ticket = facts.run.kerberos_ticket.as_ref();
    if methods::gssapi_on(&facts.config.options, &scene.methods)
        && matches!(ticket, Some(Ticket::Valid | Ticket::Unknown(_)))
    {
        finding.certainty = Certainty::Likely;
        finding.evidence.push("the server takes GSSAPI too, and why that did not let in was not seen".to_owned());
    }
    finding.or(kerberos_instead(facts))
}

const PUBKEY_DISABLED_BY_CLIENT: Cause = Cause {
    id: "pubkey-disabled-by-client",
    title: "this client has public keys switched off",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "PubkeyAuthentication is no, or PreferredAuthentications leaves publickey out, so ssh offers no key although the \
          server takes them. A leftover from testing passwords, often under `Host *`.\n\n\
          Proven when the server lists publickey, the effective configuration has it off, and no password can be given in \
          its place (or a key here would be accepted).",
    prevent: "Test password logins with -o on the command line, not in the configuration.",
    fix: Fix {
        commands: |facts| {
            let option =
                "-o PubkeyAuthentication=yes -o PreferredAuthentications=publickey,keyboard-interactive,password";
            vec![
                Step::here(
                    format!(
                        "ssh {option} {}",
                        naming::destination_without(facts, &["pubkeyauthentication", "preferredauthentications"])
                    ),
                    "logs in with keys switched on",
                ),
                Step::here(
                    "grep -Hn -i -E 'PubkeyAuthentication|PreferredAuthentications' ~/.ssh/config /etc/ssh/ssh_config",
                    "finds the line to remove",
                ),
            ]
        },
        mend: |facts| {
            facts.config.options.set("pubkeyauthentication", "true");
            facts.config.options.0.retain(|(keyword, _)| keyword != "preferredauthentications");
            forget_what_comes_late(facts);
        },
    },
    see: &["ssh_config(5) PubkeyAuthentication, PreferredAuthentications"],
    judge: pubkey_disabled_by_client,
};

/// Where ssh would offer more keys before an accepted one than sshd hears out by default, it may hang up first: what it
/// then does was not seen.
fn forget_what_comes_late(facts: &mut Facts) {
    /// Refusals that sshd bears unless told otherwise (sshd_config(5) MaxAuthTries: it hangs up at the sixth).
    const BORNE: usize = 5;
    let turns = course::course(facts).unwrap_or_default();
    let accepted = turns.iter().position(|turn| matches!(turn.fate, Fate::Accepted(_)));
    let before = turns.iter().take(accepted.unwrap_or_default());
    let refused = before.filter(|turn| matches!(turn.fate, Fate::Refused | Fate::NotAsked)).count();
    if refused > BORNE {
        forget_userauth(facts);
    }
}

fn pubkey_disabled_by_client(facts: &Facts) -> Observed<Option<Finding>> {
    let Some(scene) = scene(facts)? else { return Ok(None) };
    if scene.client_keys || !scene.keys || lacks_the_ticket(facts, &scene) {
        return Ok(None);
    }
    let accepted = key_accepted(facts);
    let password_in_place = scene.questions && scene.client_questions && scene.asked;
    let nothing_but_a_password = !scene.questions && !scene.identities && accepted.is_none();
    if (password_in_place && accepted.is_none()) || nothing_but_a_password {
        return Ok(None);
    }
    let summary = format!("this client has public keys switched off, and {} takes them", naming::login(facts));
    let mut finding = Finding::proven(summary).seen(how_keys_are_off(facts)).seen(takes(&scene));
    finding.evidence.extend(accepted.map(|query| format!("the server would accept {}", naming::key(&query.key))));
    Ok(Some(finding))
}

/// The answer that accepts a key of this client's.
fn key_accepted(facts: &Facts) -> Option<&Query> {
    let userauth = facts.userauth.as_ref().ok().filter(|_| !course::says_yes_to_everything(facts))?;
    let here = |query: &&Query| super::identities::is_here(facts, &query.key);
    userauth.queries.iter().filter(|query| query.answer == Some(Answer::PkOk)).find(here)
}

const SERVER_PUBKEY_DISABLED: Cause = Cause {
    id: "server-pubkey-disabled",
    title: "the server does not take public keys for this user",
    blocks: Blocks::Offered,
    place: Place::Server,
    doc: "publickey is not among the methods that the server lists for this user, so no key is ever asked about, and nothing \
          else can be given. PubkeyAuthentication no in sshd_config or in a Match block, or AuthenticationMethods that begin \
          with another method.\n\nProven by the server's own list, or by its effective settings for this login (sshd -T -C).",
    prevent: "Check with `sshd -T -C user=…,host=…,addr=…` what a Match block changes for a user.",
    fix: Fix {
        commands: |facts| {
            if super::account::keys_switched_off(facts).is_some() {
                return super::account::switch_keys_on(facts);
            }
            vec![Step::server_root(
                sshd_effective(facts, "pubkeyauthentication|authenticationmethods"),
                "prints what sshd allows for this user; set PubkeyAuthentication yes where it is no, then reload sshd",
            )]
        },
        mend: |facts| {
            super::account::keys_are_on(facts);
            forget_userauth(facts);
        },
    },
    see: &["RFC 4252 section 5.1", "sshd_config(5) PubkeyAuthentication, Match"],
    judge: |facts| {
        if let Some(found) = super::account::keys_switched_off(facts) {
            return Ok(Some(found));
        }
        let Some(scene) = scene(facts)? else { return Ok(None) };
        let given = scene.questions && scene.client_questions && scene.asked;
        let off_here = scene.questions && !scene.client_questions && scene.asked;
        let others = named_by_others(&scene);
        let not_meant = !scene.identities || !scene.client_keys || lacks_the_ticket(facts, &scene);
        if scene.keys || others || given || off_here || not_meant {
            return Ok(None);
        }
        let alone = facts.run.limits.offer.is_some();
        let rest = if alone { "so no key opens this account" } else { "and nothing else can be given" };
        let summary = format!("{} does not take public keys, {rest}", naming::login(facts));
        let mut finding = Finding::proven(summary).seen(takes(&scene));
        if scene.questions && !alone {
            finding = finding.seen(why_no_answer(facts, &scene));
        }
        Ok(Some(beside_gssapi(facts, &scene, finding)))
    },
};

/// Whether the list is one that another cause of this check speaks of.
fn named_by_others(scene: &Scene) -> bool {
    let known = scene.methods.iter().any(|method| KNOWN.contains(&method.as_str()) && method != "none");
    !known || scene.methods == ["hostbased"]
}

/// Why a password that the server takes cannot be given.
fn why_no_answer(facts: &Facts, scene: &Scene) -> String {
    let options = &facts.config.options;
    if !scene.client_questions {
        return "PasswordAuthentication, KbdInteractiveAuthentication or PreferredAuthentications switch it off here"
            .to_owned();
    }
    if options.is_yes("batchmode") {
        return "BatchMode is on, so ssh asks nobody for a password".to_owned();
    }
    "there is no terminal and no askpass program, so nobody can be asked for a password".to_owned()
}

const METHOD_DISABLED_BY_CLIENT: Cause = Cause {
    id: "method-disabled-by-client",
    title: "what the server takes is switched off on this client",
    blocks: Blocks::Offered,
    place: Place::Client,
    doc: "The server takes a password or a dialogue and no key, and this client may not use it: PasswordAuthentication or \
          KbdInteractiveAuthentication is no, PreferredAuthentications leaves it out, or nobody can be asked (BatchMode, no \
          terminal).\n\nProven by the server's list and the client's effective configuration.",
    prevent: "Jobs that run unattended need a key that the server takes.",
    fix: Fix {
        commands: |facts| {
            let batch = if facts.config.options.is_yes("batchmode") { " -o BatchMode=no" } else { "" };
            let switches = "-o PasswordAuthentication=yes -o KbdInteractiveAuthentication=yes \
                            -o PreferredAuthentications=keyboard-interactive,password";
            vec![Step::here(
                format!(
                    "ssh{batch} {switches} {}",
                    naming::destination_without(
                        facts,
                        &[
                            "batchmode",
                            "passwordauthentication",
                            "kbdinteractiveauthentication",
                            "preferredauthentications",
                        ]
                    )
                ),
                "at a terminal: lets ssh ask for the password",
            )]
        },
        mend: |facts| {
            let options = &mut facts.config.options;
            options.set("batchmode", "no");
            options.set("passwordauthentication", "yes");
            options.set("kbdinteractiveauthentication", "yes");
            options.0.retain(|(keyword, _)| keyword != "preferredauthentications");
            facts.run.terminal = true;
        },
    },
    see: &["ssh_config(5) BatchMode, PasswordAuthentication, PreferredAuthentications"],
    judge: |facts| {
        let Some(scene) = scene(facts)? else { return Ok(None) };
        let given = scene.client_questions && scene.asked;
        let off_here = !scene.client_questions && scene.asked;
        let key_meant = scene.identities && scene.client_keys && !off_here;
        if scene.keys || !scene.questions || given || key_meant || lacks_the_ticket(facts, &scene) {
            return Ok(None);
        }
        let names: Vec<&str> = scene.methods.iter().map(String::as_str).filter(|name| KNOWN.contains(name)).collect();
        let summary =
            format!("{} takes only {}, which this client may not use", naming::login(facts), names.join(", "));
        let finding = Finding::proven(summary).seen(takes(&scene)).seen(why_no_answer(facts, &scene));
        Ok(Some(beside_gssapi(facts, &scene, finding)))
    },
};

const PASSWORD_DISABLED: Cause = Cause {
    id: "password-disabled",
    title: "only a password could be given, and the server takes none",
    blocks: Blocks::Offered,
    place: Place::Server,
    doc: "This client has nothing but a password to give, and the server lists neither password nor keyboard-interactive. \
          ssh says `Permission denied (publickey)` and never asks.\n\n\
          Proven by the server's list and by the client having no identity that it could use.",
    prevent: "Hand out keys before passwords are switched off.",
    fix: Fix {
        commands: |facts| {
            vec![
                Step::here("ssh-keygen -t ed25519", "makes a key pair, if you have none"),
                Step::person(
                    Place::Server,
                    format!("have ~/.ssh/id_ed25519.pub added to {}'s authorized_keys", naming::user(facts)),
                ),
            ]
        },
        mend: forget_userauth,
    },
    see: &["RFC 4252 section 5.1", "sshd_config(5) PasswordAuthentication, KbdInteractiveAuthentication"],
    judge: |facts| {
        let Some(scene) = scene(facts)? else { return Ok(None) };
        let userauth = known(&facts.userauth)?;
        let accepted = userauth.queries.iter().any(|query| query.answer == Some(Answer::PkOk));
        let keys_could_do = scene.keys && (scene.client_keys || scene.identities || accepted);
        let key_refused_as_method = !scene.keys && scene.identities && scene.client_keys;
        let others = named_by_others(&scene) || lacks_the_ticket(facts, &scene);
        if scene.questions || others || keys_could_do || key_refused_as_method {
            return Ok(None);
        }
        let summary = format!("{} takes no password, and this client has nothing else to give", naming::login(facts));
        let mut finding = Finding::proven(summary).seen(takes(&scene));
        if !scene.client_keys {
            finding = finding.seen(how_keys_are_off(facts));
        }
        Ok(Some(beside_gssapi(facts, &scene, finding.seen("ssh has no key to offer"))))
    },
};

/// The command that prints sshd's effective settings for this login.
pub(super) fn sshd_effective(facts: &Facts, pattern: &str) -> String {
    let user = naming::user(facts).to_string();
    let logged = || {
        let account = facts.account.as_ref().ok().filter(|account| account.is_log_alone())?;
        account.login.from.as_ref().map(ToString::to_string)
    };
    let address = source_address(facts).or_else(logged).unwrap_or_else(|| "192.0.2.1".to_owned());
    let criteria = super::quoted(&format!("user={user},host={address},addr={address}"));
    format!("sshd -T -C {criteria} | grep -i -E {}", super::quoted(pattern))
}

/// Our own address on the connection, as far as it is known.
pub(super) fn source_address(facts: &Facts) -> Option<String> {
    facts.connect.as_ref().ok()?.local_address.as_ref().map(ToString::to_string)
}

/// After a change on the server nothing of what it said holds.
fn forget_userauth(facts: &mut Facts) {
    facts.userauth = Err(crate::facts::Unobserved::NotAttempted);
    facts.session = Err(crate::facts::Unobserved::NotAttempted);
}

fn auth_methods_hold(facts: &Facts) -> Observed<Outcome> {
    let userauth = known(&facts.userauth)?;
    if userauth.none == Some(Answer::Success) {
        return Ok(Outcome::warn("the server lets this account in without any authentication"));
    }
    let Some(methods) = userauth.methods() else {
        return Ok(Outcome::info("the server did not say which methods it takes"));
    };
    let summary = format!("the server takes {}", crate::facts::text::escape(methods.join(", ").as_bytes()));
    let banners = userauth.banners.iter().map(|banner| format!("banner: {}", banner.shortened(400)));
    let extensions = userauth.extensions.iter().map(|(name, value)| format!("{name}={}", value.shortened(300)));
    let turns = course::course(facts).unwrap_or_default();
    let unasked = turns.iter().any(|turn| turn.fate == Fate::NoAlgorithm);
    let remark = unasked.then(|| "a key is passed over: no mutual signature algorithm".to_owned());
    Ok(Outcome::pass(summary).with(banners).with(extensions).with(remark))
}

fn the_server_takes_keys(facts: &Facts) -> Option<String> {
    let methods = facts.userauth.as_ref().ok()?.methods()?;
    methods.iter().any(|method| method == "publickey").then(|| format!("the server takes {}", methods.join(", ")))
}
