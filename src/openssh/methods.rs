//! Which authentication methods the client's configuration lets ssh use (sshconnect2.c `authmethod_is_enabled`,
//! `preferred`).

use crate::facts::config::Options;
use crate::facts::{Facts, Ticket};

/// ssh's own order where PreferredAuthentications is not set (sshconnect2.c `authmethods`).
const DEFAULT_ORDER: &[&str] = &["gssapi-with-mic", "hostbased", "publickey", "keyboard-interactive", "password"];

/// Whether PreferredAuthentications has `method`.
pub fn preferred(options: &Options, method: &str) -> bool {
    let names = options.names("preferredauthentications");
    if names.is_empty() { DEFAULT_ORDER.contains(&method) } else { names.contains(&method) }
}

/// Whether ssh may use publickey.
pub fn publickey_on(options: &Options) -> bool {
    !options.is_no("pubkeyauthentication") && preferred(options, "publickey")
}

/// Whether ssh may use one of the methods among `offered` that a person answers: password or keyboard-interactive.
pub fn question_on(options: &Options, offered: &[String]) -> bool {
    let has = |name: &str| offered.iter().any(|method| method == name) && preferred(options, name);
    let dialogue = !options.is_no("kbdinteractiveauthentication") && !options.is_no("challengeresponseauthentication");
    (has("password") && !options.is_no("passwordauthentication")) || (has("keyboard-interactive") && dialogue)
}

/// Whether ssh may use GSSAPI among the methods `offered`. gssapi-keyex is a method of distributions that patch it in, and
/// works only after a key exchange by GSSAPI.
pub fn gssapi_on(options: &Options, offered: &[String]) -> bool {
    let has = |name: &str| offered.iter().any(|method| method == name);
    let names = options.names("preferredauthentications");
    let exchanged = options.is_yes("gssapikeyexchange") && (names.is_empty() || names.contains(&"gssapi-keyex"));
    options.is_yes("gssapiauthentication")
        && ((has("gssapi-with-mic") && preferred(options, "gssapi-with-mic")) || (has("gssapi-keyex") && exchanged))
}

/// Whether the configuration means GSSAPI: `PreferredAuthentications` names it, and nothing that a key or a person answers.
pub fn gssapi_meant(options: &Options) -> bool {
    let names = options.names("preferredauthentications");
    names.iter().any(|name| name.starts_with("gssapi-"))
        && !names.iter().any(|name| matches!(*name, "publickey" | "password" | "keyboard-interactive"))
}

/// The `PKCS11Provider` whose keys ssh offers; none with `IdentitiesOnly` (sshconnect2.c `pubkey_prepare`).
pub fn pkcs11_provider(options: &Options) -> Option<&str> {
    let provider = options.first("pkcs11provider").filter(|provider| !provider.is_empty() && *provider != "none");
    provider.filter(|_| !options.is_yes("identitiesonly"))
}

/// Whether the library that `PKCS11Provider` names is not there: then ssh goes on without a token (ssh-pkcs11.c
/// `pkcs11_register_provider`, "dlopen … failed").
pub fn lacks_token_library(facts: &Facts) -> bool {
    let library = facts.identities.as_ref().ok().and_then(|identities| identities.token_library.as_ref());
    library.is_some_and(|state| state.as_ref().is_err_and(crate::facts::identities::FileError::is_missing))
}

/// The methods that a person answers and that ssh may use, in the order in which it tries them.
pub fn questions(options: &Options) -> Vec<&'static str> {
    let names = options.names("preferredauthentications");
    let order = if names.is_empty() { DEFAULT_ORDER } else { &names };
    let known = |name: &&str| ["password", "keyboard-interactive"].into_iter().find(|known| known == name);
    let on = |name: &&'static str| question_on(options, &[(*name).to_owned()]);
    order.iter().filter_map(known).filter(on).collect()
}

/// What ssh would try among the methods `offered` and nobody here can: with it the login may succeed whatever becomes of
/// the keys that were asked about.
pub fn beyond_the_probe(facts: &Facts, offered: &[String]) -> Option<String> {
    let options = &facts.config.options;
    let has = |name: &str| offered.iter().any(|method| method == name) && preferred(options, name);
    if gssapi_on(options, offered)
        && let Some(ticket) = ticket(facts)
    {
        return Some(format!("the server takes GSSAPI, and {ticket}"));
    }
    if has("hostbased") && options.is_yes("hostbasedauthentication") && options.is_yes("enablesshkeysign") {
        return Some("the server takes hostbased, and HostbasedAuthentication is on".to_owned());
    }
    let provider = pkcs11_provider(options).filter(|_| !lacks_token_library(facts))?;
    let provider = crate::facts::text::escape(provider.as_bytes());
    (has("publickey") && publickey_on(options))
        .then(|| format!("keys of the PKCS11Provider {provider} would be offered"))
}

/// What GSSAPI might have to give, a clause; `None` where there is nothing, as far as is known.
fn ticket(facts: &Facts) -> Option<String> {
    match (&facts.run.kerberos_ticket, &facts.run.kerberos_cache) {
        (Some(Ticket::Missing), _) | (None, None) => None,
        (Some(Ticket::Valid), None) => Some("there is a valid Kerberos ticket (klist -s)".to_owned()),
        (_, Some(cache)) => Some(format!("there is a Kerberos ticket cache at {cache}")),
        (Some(Ticket::Unknown(why)), None) => {
            let why = crate::facts::text::escape(why.as_bytes());
            Some(format!("whether there is a Kerberos ticket is not known: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_probe_cannot_try_is_known_by_both_sides_and_what_is_there() {
        let offered = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut facts = Facts::default();
        facts.config.options.set("gssapiauthentication", "yes");
        let kerberos = offered("publickey,gssapi-with-mic");
        assert_eq!(beyond_the_probe(&facts, &kerberos), None);
        facts.run.kerberos_cache = Some("/tmp/krb5cc_1000".into());
        assert!(beyond_the_probe(&facts, &kerberos).is_some());
        assert_eq!(beyond_the_probe(&facts, &offered("publickey")), None);
        facts.run.kerberos_ticket = Some(Ticket::Missing);
        assert_eq!(beyond_the_probe(&facts, &kerberos), None, "an expired ticket opens nothing");
        facts.run.kerberos_cache = None;
        for ticket in [Ticket::Valid, Ticket::Unknown("klist is not installed".to_owned())] {
            facts.run.kerberos_ticket = Some(ticket);
            assert!(beyond_the_probe(&facts, &kerberos).is_some());
        }
        facts.config.options.set("pkcs11provider", "/usr/lib/opensc-pkcs11.so");
        assert!(beyond_the_probe(&facts, &offered("publickey")).is_some());
        facts.config.options.set("pubkeyauthentication", "no");
        assert_eq!(beyond_the_probe(&facts, &offered("publickey")), None);
        facts.config.options.set("hostbasedauthentication", "yes");
        assert_eq!(beyond_the_probe(&facts, &offered("hostbased")), None);
        facts.config.options.set("enablesshkeysign", "yes");
        assert!(beyond_the_probe(&facts, &offered("hostbased")).is_some());
    }

    #[test]
    fn gssapi_is_open_by_the_options_and_the_method_s_own_rule() {
        let offered = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut options = Options::default();
        assert!(!gssapi_on(&options, &offered("gssapi-with-mic")));
        options.set("gssapiauthentication", "yes");
        assert!(gssapi_on(&options, &offered("gssapi-keyex,gssapi-with-mic")));
        assert!(!gssapi_on(&options, &offered("gssapi-keyex,publickey")));
        options.set("gssapikeyexchange", "yes");
        assert!(gssapi_on(&options, &offered("gssapi-keyex")));
        assert!(!gssapi_meant(&options));
        options.set("preferredauthentications", "publickey");
        assert!(!gssapi_on(&options, &offered("gssapi-keyex,gssapi-with-mic")));
        options.set("preferredauthentications", "gssapi-with-mic,hostbased");
        assert!(gssapi_on(&options, &offered("gssapi-with-mic")) && gssapi_meant(&options));
        assert!(!gssapi_on(&options, &offered("gssapi-keyex")));
        options.set("preferredauthentications", "gssapi-with-mic,password");
        assert!(!gssapi_meant(&options));
    }
}
