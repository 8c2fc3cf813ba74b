//! Does the host name lead to an address? (sshconnect.c `resolve_host`, getaddrinfo(3))

use super::{
    Alternative, Blocks, Cause, Certainty, Check, Decide, Finding, Fix, Outcome, Place, Status, Step, naming, quoted,
};
use crate::facts::config::Alias;
use crate::facts::resolve::ResolveError;
use crate::facts::text::Host;
use crate::facts::{Facts, Observed, Stage, Unobserved, known};

/// Check `resolve`.
pub const RESOLVE: Check = Check {
    id: "resolve",
    stage: Stage::Resolve,
    claim: "the host name leads to an address",
    causes: &[&HOST_ALIAS_MISSPELT, &HOST_NOT_FOUND, &DNS_FAILURE],
    holds: resolves,
    rules_out: &[("host-not-found", found)],
};

/// The addresses, or why there are none to be seen.
fn resolves(facts: &Facts) -> Observed<Outcome> {
    let resolve = known(&facts.resolve)?;
    let name = &resolve.name;
    Ok(match &resolve.outcome {
        Ok(addresses) if resolve.numeric => Outcome::pass(format!("{name} is an address"))
            .with(addresses.iter().map(|address| format!("address: {address}"))),
        Ok(addresses) => {
            let first = addresses.first().map(ToString::to_string).unwrap_or_default();
            let more = match addresses.len() {
                0 | 1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            Outcome::pass(format!("{name} is {first}{more}"))
                .with(addresses.iter().map(|address| format!("address: {address}")))
        }
        Err(error) => Outcome { status: Status::Fail, ..Outcome::info(said(name, error)) },
    })
}

/// That the name was found, where the connection failed and a reader might doubt it.
fn found(facts: &Facts) -> Option<String> {
    let resolve = facts.resolve.as_ref().ok().filter(|resolve| !resolve.numeric)?;
    let addresses = resolve.outcome.as_ref().ok()?;
    let failed = facts.connect.as_ref().is_ok_and(|connect| connect.established().is_none());
    let list: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
    (failed && !list.is_empty()).then(|| format!("{} resolves to {}", resolve.name, list.join(", ")))
}

const HOST_ALIAS_MISSPELT: Cause = Cause {
    id: "host-alias-misspelt",
    title: "the host name looks misspelt",
    blocks: Blocks::Resolve,
    place: Place::Client,
    doc: "The name does not exist for the resolver, and a very similar one does exist on this machine: a Host alias in \
        ssh_config, or a host in known_hosts. ssh then asks the DNS for the name as it was typed, because no Host \
        block matches it.\n\n\
        That the name does not resolve is certain; that the similar one was meant is a guess, so this is never more \
        than likely. Names that differ in digits only (web1, web2) count as siblings, not as misspellings.",
    prevent: "Let the shell complete host names from ssh_config and known_hosts, or paste the name instead of typing \
        it.",
    fix: Fix { commands: type_the_other_name, mend: forget_the_name },
    see: &["ssh_config(5) Host, HostName", "sshconnect.c resolve_host", "getaddrinfo(3) EAI_NONAME"],
    judge: host_alias_misspelt,
};

fn host_alias_misspelt(facts: &Facts) -> Observed<Option<Finding>> {
    let resolve = known(&facts.resolve)?;
    let Err(error) = &resolve.outcome else { return Ok(None) };
    let Some(near) = nearest(facts).filter(|_| is_no_such_name(error)) else { return Ok(None) };
    let typed = &near.typed;
    let unknown = Alternative {
        cause: HOST_NOT_FOUND.id,
        certainty: Certainty::Possible,
        summary: format!("{typed} is spelt as it should be, and does not exist for the resolver"),
        evidence: vec![said(&resolve.name, error)],
        decide: Some(Decide { place: Place::Client, command: format!("getent ahosts {}", shown(&resolve.name)) }),
    };
    Ok(Some(
        Finding::likely(format!("{typed} does not resolve; {} was probably meant", near.meant))
            .seen(said(&resolve.name, error))
            .seen(format!("{} is known from {}", near.meant, near.from))
            .or([unknown]),
    ))
}

fn type_the_other_name(facts: &Facts) -> Vec<Step> {
    let Some(near) = nearest(facts) else { return Vec::new() };
    let user = match &facts.target {
        Ok(target) if target.user_from == crate::facts::UserFrom::CommandLine => format!("{}@", target.user),
        _ => String::new(),
    };
    let mut words = vec!["ssh".to_owned()];
    words.extend(facts.config.arguments.iter().map(|word| super::quoted_option(word.as_bytes())));
    words.push(quoted(&format!("{user}{}", near.meant)));
    let command = words.join(" ");
    vec![Step::here(command, format!("the name as {} has it", near.from))]
}

/// A name on this machine that resembles the one that does not resolve.
struct Near {
    /// What was typed or configured.
    typed: Host,
    /// The name that resembles it.
    meant: Host,
    /// Where that name stands.
    from: String,
}

/// The most similar name, aliases first: at most two edits, and no more than one for every three letters.
fn nearest(facts: &Facts) -> Option<Near> {
    let target = facts.target.as_ref().ok()?;
    let is_alias = |alias: &Alias| alias.name.as_bytes().eq_ignore_ascii_case(target.alias.as_bytes());
    let aliases = &facts.config.aliases;
    // An alias that exists was not misspelt, whatever its HostName says.
    let by_alias = aliases.iter().filter(|_| !aliases.iter().any(is_alias)).filter_map(|alias| {
        let edits = edits(facts, &target.alias, &alias.name)?;
        let near = Near { typed: target.alias.clone(), meant: alias.name.clone(), from: alias.at.to_string() };
        Some((edits, near))
    });
    let others = facts.host_key.known.as_ref().map(|known| known.other_names.as_slice()).unwrap_or_default();
    let by_known_host = others.iter().filter_map(|name| {
        let meant = without_port(name);
        let edits = edits(facts, &target.host, &meant)?;
        Some((edits, Near { typed: target.host.clone(), meant, from: "known_hosts".to_owned() }))
    });
    by_alias.chain(by_known_host).min_by_key(|(edits, _)| *edits).map(|(_, near)| near)
}

/// How many edits lie between two names that resemble each other; `None` where they do not, or are the same.
fn edits(facts: &Facts, typed: &Host, known: &Host) -> Option<usize> {
    let typed = typed.as_str()?.to_ascii_lowercase();
    let known = known.as_str()?.to_ascii_lowercase();
    if facts.redacted.is_some() {
        return (typed != known && is_called_alike(&typed, &known)).then_some(1);
    }
    let length = typed.chars().count().min(known.chars().count());
    if length.abs_diff(typed.chars().count().max(known.chars().count())) > 2 || length > 255 {
        return None;
    }
    let letters = |name: &str| name.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
    let is_address = known.parse::<std::net::IpAddr>().is_ok();
    let edits = strsim::osa_distance(&typed, &known);
    let near = (1..=2).contains(&edits) && edits * 3 <= length;
    (near && letters(&typed) != letters(&known) && !is_address).then_some(edits)
}

/// Whether two pseudonyms are of names that resemble each other: `host-a` and `host-a2`, label by label.
fn is_called_alike(typed: &str, known: &str) -> bool {
    let stem = |label: &str| label.trim_end_matches(|one: char| one.is_ascii_digit()).to_owned();
    let stems = |name: &str| name.split('.').map(stem).collect::<Vec<_>>();
    known.contains("host-") && stems(typed) == stems(known)
}

/// The host of a `[host]:port` name.
fn without_port(name: &Host) -> Host {
    let bytes = name.as_bytes();
    match (bytes.strip_prefix(b"["), bytes.iter().rposition(|byte| *byte == b']')) {
        (Some(_), Some(end)) => Host::new(&bytes[1..end]),
        _ => name.clone(),
    }
}

const HOST_NOT_FOUND: Cause = Cause {
    id: "host-not-found",
    title: "the host name does not resolve",
    blocks: Blocks::Resolve,
    place: Place::Client,
    doc: "The resolver answered, and knows no address for the name: it is misspelt, was never entered, is known only \
        inside another network or VPN, or was meant as a Host alias that no configuration file defines.\n\n\
        Proved by getaddrinfo's EAI_NONAME, EAI_NODATA or EAI_ADDRFAMILY. A resolver that does not answer is \
        dns-failure instead.",
    prevent: "Give hosts that the DNS does not know a Host block with HostName in ~/.ssh/config, and keep it with the \
        machine's other configuration.",
    fix: Fix { commands: find_the_name, mend: forget_the_name },
    see: &["sshconnect.c resolve_host", "getaddrinfo(3) EAI_NONAME", "ssh_config(5) HostName, AddressFamily"],
    judge: host_not_found,
};

fn host_not_found(facts: &Facts) -> Observed<Option<Finding>> {
    let resolve = known(&facts.resolve)?;
    let Err(error) = &resolve.outcome else { return Ok(None) };
    if !is_no_such_name(error) || nearest(facts).is_some() {
        return Ok(None);
    }
    let name = &resolve.name;
    let family = restricted_family(facts);
    let summary = match (resolve.numeric, family) {
        (true, Some(family)) => format!("{name} is no address of the family that AddressFamily {family} asks for"),
        (_, Some(family)) => format!("the resolver knows no address of {name} for AddressFamily {family}"),
        (_, None) => format!("the resolver knows no address for {name}"),
    };
    let mut finding = Finding::proven(summary).seen(said(name, error));
    if let Ok(target) = &facts.target
        && !target.alias.as_bytes().eq_ignore_ascii_case(name.as_bytes())
    {
        finding = finding.seen(format!("HostName in the configuration turns {} into {name}", target.alias));
    }
    Ok(Some(finding))
}

fn find_the_name(facts: &Facts) -> Vec<Step> {
    let Ok(target) = &facts.target else { return Vec::new() };
    let mut steps = Vec::new();
    if let Some(family) = restricted_family(facts) {
        let why = format!("AddressFamily {family} (-4, -6) leaves other addresses out; this asks for all");
        steps.push(Step::here(format!("ssh -o AddressFamily=any {}", naming::destination(facts)), why));
    }
    let why = "asks the resolver that ssh asks; it prints addresses as soon as the name exists";
    steps.push(Step::here(format!("getent ahosts {}", shown(&target.host)), why));
    let why = "correct the name, connect the network or VPN that knows it, or give it an address with HostName in a Host \
        block of ~/.ssh/config";
    steps.push(Step::person(Place::Client, why));
    steps
}

/// `AddressFamily`, where it leaves out addresses.
fn restricted_family(facts: &Facts) -> Option<&str> {
    facts.config.options.first("addressfamily").filter(|family| matches!(*family, "inet" | "inet6"))
}

const DNS_FAILURE: Cause = Cause {
    id: "dns-failure",
    title: "the name resolver itself failed",
    blocks: Blocks::Resolve,
    place: Place::Network,
    doc: "The resolver could not be asked or gave no valid answer, so nothing is known about the name: the name \
        servers are not reachable (no network, VPN down, firewall), or they answered with a failure of their own.\n\n\
        Proved by getaddrinfo's EAI_AGAIN or EAI_FAIL; likely where it gave no answer in time or another error.",
    prevent: "Configure more than one name server. For hosts that must be reachable without the DNS, write their \
        address as HostName in ~/.ssh/config.",
    fix: Fix { commands: mend_the_resolver, mend: forget_the_name },
    see: &["getaddrinfo(3) EAI_AGAIN", "resolv.conf(5)", "nsswitch.conf(5)"],
    judge: dns_failure,
};

fn dns_failure(facts: &Facts) -> Observed<Option<Finding>> {
    let resolve = known(&facts.resolve)?;
    let Err(error) = &resolve.outcome else { return Ok(None) };
    if is_no_such_name(error) {
        return Ok(None);
    }
    let certainty = match error.code.as_str() {
        "EAI_AGAIN" | "EAI_FAIL" => Certainty::Proven,
        _ => Certainty::Likely,
    };
    let summary = format!("the resolver failed, so whether {} exists is not known", resolve.name);
    let misspelt = nearest(facts).map(|near| Alternative {
        cause: HOST_ALIAS_MISSPELT.id,
        certainty: Certainty::Possible,
        summary: format!("{} was meant, and no resolver is needed for it", near.meant),
        evidence: vec![format!("{} is known from {}", near.meant, near.from)],
        decide: None,
    });
    Ok(Some(Finding::new(certainty, summary).seen(said(&resolve.name, error)).or(misspelt)))
}

fn mend_the_resolver(facts: &Facts) -> Vec<Step> {
    let Ok(resolve) = &facts.resolve else { return Vec::new() };
    vec![
        Step::here("cat /etc/resolv.conf", "shows which name servers are asked; is their network or VPN connected?"),
        Step::here(format!("getent ahosts {}", shown(&resolve.name)), "asks again, as ssh does"),
    ]
}

/// Whether the resolver answered that there is no such name or address.
fn is_no_such_name(error: &ResolveError) -> bool {
    matches!(error.code.as_str(), "EAI_NONAME" | "EAI_NODATA" | "EAI_ADDRFAMILY")
}

/// getaddrinfo's answer as a line of evidence.
fn said(name: &Host, error: &ResolveError) -> String {
    format!("getaddrinfo for {name}: {} ({})", error.text, error.code)
}

/// A name from outside as one quoted word of a command.
fn shown(name: &Host) -> String {
    quoted(&name.to_string())
}

/// After a fix the name leads somewhere, and what lies beyond has not been seen.
fn forget_the_name(facts: &mut Facts) {
    forget(facts, Stage::Resolve);
}

/// Makes everything from `stage` on unseen, in ssh's order.
pub(super) fn forget(facts: &mut Facts, stage: Stage) {
    let unseen = Unobserved::NotAttempted;
    if stage <= Stage::Resolve {
        facts.resolve = Err(unseen.clone());
    }
    if stage <= Stage::Connect {
        facts.connect = Err(unseen.clone());
    }
    if stage <= Stage::Transport {
        facts.transport = Err(unseen.clone());
    }
    if stage <= Stage::HostKey {
        facts.host_key.offered = Err(unseen.clone());
    }
    facts.userauth = Err(unseen.clone());
    facts.session = Err(unseen);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::host_key::KnownHosts;
    use crate::facts::resolve::Resolve;
    use crate::facts::{Source, Target};

    fn outcome(name: &str, outcome: Result<&[&str], &str>) -> Resolve {
        let error = |code: &str| ResolveError { code: code.to_owned(), text: "words".to_owned() };
        let addresses = |list: &[&str]| list.iter().map(|&address| address.into()).collect();
        Resolve { name: name.into(), numeric: false, outcome: outcome.map(addresses).map_err(error) }
    }

    fn scene(name: &str, code: &str) -> Facts {
        let mut facts = Facts {
            target: Ok(Target {
                input: name.into(),
                alias: name.into(),
                host: name.into(),
                port: 22,
                ..Target::default()
            }),
            resolve: Ok(outcome(name, Err(code))),
            ..Facts::default()
        };
        facts.config.options.set("addressfamily", "any");
        facts
    }

    fn alias(name: &str) -> Alias {
        Alias { name: name.into(), at: Source::File { path: "/home/a/.ssh/config".into(), line: Some(3) } }
    }

    fn certainty(cause: &Cause, facts: &Facts) -> Option<Certainty> {
        (cause.judge)(facts).unwrap().map(|finding| finding.certainty)
    }

    #[test]
    fn a_name_without_an_address_is_not_found() {
        for code in ["EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY"] {
            let facts = scene("web1", code);
            assert_eq!(certainty(&HOST_NOT_FOUND, &facts), Some(Certainty::Proven));
            assert_eq!(certainty(&DNS_FAILURE, &facts), None);
        }
    }

    #[test]
    fn a_resolver_that_fails_says_nothing_about_the_name() {
        for (code, expected) in
            [("EAI_AGAIN", Certainty::Proven), ("EAI_FAIL", Certainty::Proven), ("TIMEOUT", Certainty::Likely)]
        {
            let facts = scene("web1", code);
            assert_eq!(certainty(&DNS_FAILURE, &facts), Some(expected));
            assert_eq!(certainty(&HOST_NOT_FOUND, &facts), None);
            assert_eq!(certainty(&HOST_ALIAS_MISSPELT, &facts), None);
        }
    }

    #[test]
    fn a_similar_alias_is_likely_meant() {
        let mut facts = scene("bsation", "EAI_NONAME");
        facts.config.aliases = vec![alias("web1"), alias("bastion")];
        let finding = (HOST_ALIAS_MISSPELT.judge)(&facts).unwrap().unwrap();
        assert_eq!(finding.certainty, Certainty::Likely);
        assert!(finding.evidence[1].contains("/home/a/.ssh/config:3"));
        assert_eq!((HOST_ALIAS_MISSPELT.fix.commands)(&facts)[0].command.as_deref(), Some("ssh bastion"));
        assert_eq!(certainty(&HOST_NOT_FOUND, &facts), None);
    }

    #[test]
    fn a_known_host_with_a_port_is_likely_meant() {
        let mut facts = scene("exmaple.org", "EAI_NONAME");
        let other_names = vec!["[example.org]:2222".into()];
        facts.host_key.known = Ok(KnownHosts { other_names, ..KnownHosts::default() });
        assert_eq!(certainty(&HOST_ALIAS_MISSPELT, &facts), Some(Certainty::Likely));
    }

    #[test]
    fn siblings_and_distant_names_are_no_misspellings() {
        for (typed, alias_name) in
            [("web3", "web1"), ("db", "dc"), ("mail", "main-host"), ("web1", "WEB1"), ("gate", "gxtx")]
        {
            let mut facts = scene(typed, "EAI_NONAME");
            facts.config.aliases = vec![alias(alias_name)];
            assert_eq!(certainty(&HOST_ALIAS_MISSPELT, &facts), None, "{typed} {alias_name}");
            assert_eq!(certainty(&HOST_NOT_FOUND, &facts), Some(Certainty::Proven));
        }
    }

    #[test]
    fn a_name_that_resolves_accuses_nobody() {
        let mut facts = scene("wbe1", "EAI_NONAME");
        facts.config.aliases = vec![alias("web1")];
        facts.resolve = Ok(outcome("wbe1", Ok(&["192.0.2.7"])));
        for cause in RESOLVE.causes {
            assert_eq!((cause.judge)(&facts), Ok(None), "{}", cause.id);
        }
        assert_eq!(resolves(&facts).unwrap().summary, "wbe1 is 192.0.2.7");
    }

    #[test]
    fn a_missing_fact_accuses_nobody() {
        for cause in RESOLVE.causes {
            assert_eq!((cause.judge)(&Facts::default()), Err(Unobserved::NotAttempted), "{}", cause.id);
        }
    }

    #[test]
    fn after_the_fix_nothing_beyond_is_known() {
        for cause in RESOLVE.causes {
            let mut facts = scene("web1", "EAI_NONAME");
            facts.connect = Err(Unobserved::NotReached(Stage::Resolve));
            (cause.fix.mend)(&mut facts);
            assert_eq!((cause.judge)(&facts), Err(Unobserved::NotAttempted));
            assert_eq!(facts.connect, Err(Unobserved::NotAttempted));
        }
    }
}
