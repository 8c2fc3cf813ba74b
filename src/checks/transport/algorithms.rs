//! Do the user's ssh and the server agree on algorithms, and does the key exchange come to its end? (kex.c
//! `kex_choose_conf`, RFC 4253 section 7.1)
//!
//! The probe offers more than ssh does, to get further; what is judged here is what the *user's* ssh would offer.

use super::super::resolve::forget;
use super::super::{Blocks, Cause, Certainty, Check, Finding, Fix, Outcome, Place, Status, Step, naming, quoted};
use super::{SHOWN, Version, hurried, is_ours_to_judge, server};
use crate::facts::text::escape;
use crate::facts::transport::Transport;
use crate::facts::{End, Facts, Observed, Stage, Unobserved, known};
use crate::openssh::algorithms::{self, Kind, NoMatch, users_choice};

/// Check `algorithms`.
pub const ALGORITHMS: Check = Check {
    id: "algorithms",
    stage: Stage::Transport,
    claim: "ssh and the server agree on algorithms, and finish the key exchange",
    causes: &[&NO_COMMON_KEX, &NO_COMMON_HOST_KEY_ALGORITHM, &NO_COMMON_CIPHER, &NO_COMMON_MAC, &KEX_STALLED],
    holds: agree,
    rules_out: &[("no-common-kex", agreed)],
};

/// Old algorithms that OpenSSH still knows and no longer offers (or, the newest, knew until lately), best first.
const OLD: &[&str] = &[
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group1-sha1",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
    "ssh-dss",
    "aes256-ctr",
    "aes128-ctr",
    "aes256-cbc",
    "aes192-cbc",
    "aes128-cbc",
    "3des-cbc",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
    "hmac-md5",
    "hmac-sha1-96",
    "hmac-md5-96",
];

/// What both agree on, where they do.
fn agree(facts: &Facts) -> Observed<Outcome> {
    let transport = known(&facts.transport)?;
    if crate::checks::proxy::hides_the_server(facts) {
        return Err(Unobserved::NotReached(Stage::Connect));
    }
    let settled = match users_choice(facts)? {
        None => return Err(Unobserved::NotReached(Stage::Transport)),
        Some(Ok(settled)) => settled,
        Some(Err(none)) => {
            let summary = format!("whether ssh and the server share a {} is not known", none.kind.noun());
            return Ok(Outcome::info(summary).with(lists(&none)));
        }
    };
    let summary = [&settled.kex, &settled.host_key, &settled.cipher, &settled.mac]
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(|name| escape(name.as_bytes()))
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(unspoken) = unspoken(facts) {
        return Ok(Outcome::info(unspoken).with([format!("your ssh and the server would use {summary}")]));
    }
    // ssh looks at the host key before it ends the exchange: where it stops there, the algorithms were agreed on.
    let at_host_key = facts.is_read() && facts.userauth == Err(Unobserved::NotReached(Stage::HostKey));
    if !transport.complete && !at_host_key {
        let summary = format!("{summary} would do; the key exchange was not finished");
        return Ok(Outcome { status: Status::Fail, ..Outcome::info(summary) });
    }
    let millis = transport
        .key_exchange_millis
        .map(|millis| format!("the key exchange was done after {}", super::super::milliseconds(millis)));
    let differs = transport
        .agreed
        .as_ref()
        .filter(|ours| **ours != settled)
        .map(|ours| format!("the probe itself used {}, {}, {}", ours.kex, ours.host_key, ours.cipher));
    Ok(Outcome::pass(summary).with(millis).with(differs))
}

/// What your ssh and the server would use and the probe does not speak, where that kept it from going on.
pub fn unspoken(facts: &Facts) -> Option<String> {
    let (kind, name) = algorithms::unspoken(facts)?;
    let name = escape(name.as_bytes());
    Some(format!("your ssh and the server share the {} {name}, which sshdoctor does not speak", kind.noun()))
}

/// The agreement as an observation.
fn agreed(facts: &Facts) -> Option<String> {
    let settled = users_choice(facts).ok()??.ok()?;
    let complete = facts.transport.as_ref().is_ok_and(|transport| transport.complete);
    complete.then(|| format!("your ssh and the server agree on {} and {}", settled.kex, settled.host_key))
}

/// The option that holds a kind, as ssh_config(5) and as `ssh -G` write it, and what `ssh -Q` calls it.
fn option(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::Kex => ("KexAlgorithms", "kexalgorithms", "kex"),
        Kind::HostKey => ("HostKeyAlgorithms", "hostkeyalgorithms", "HostKeyAlgorithms"),
        Kind::Cipher => ("Ciphers", "ciphers", "cipher"),
        Kind::Mac => ("MACs", "macs", "mac"),
        Kind::Compression => ("Compression", "compression", "compression"),
    }
}

/// Both sides' lists as evidence.
fn lists(none: &NoMatch) -> Vec<String> {
    let joined = |list: &[String]| {
        let text = escape(list.join(",").as_bytes());
        if text.is_empty() { "nothing".to_owned() } else { crate::facts::text::ServerText::from(text).shortened(600) }
    };
    let mut seen = vec![format!("the server offers: {}", joined(&none.server))];
    // A list that was not seen is not empty: ssh starts with none that is.
    if !none.client.is_empty() {
        seen.push(format!("your ssh offers: {}", joined(&none.client)));
    }
    seen
}

/// The finding where this is the kind that both share nothing of.
fn without_common(facts: &Facts, kind: Kind) -> Observed<Option<Finding>> {
    let Some(Err(none)) = users_choice(facts)? else { return Ok(None) };
    // Options that were not seen deny nothing.
    if none.kind != kind || (none.client.is_empty() && !facts.is_read()) {
        return Ok(None);
    }
    // With a ticket, ssh has key exchange methods that its list does not show.
    let may_have_more = kind == Kind::Kex && algorithms::may_have_more_methods(facts, &none.server);
    let sure = facts.config.evaluated && !may_have_more;
    let certainty = if sure { Certainty::Proven } else { Certainty::Likely };
    let mut finding = Finding::new(certainty, format!("your ssh and {} share no {}", server(facts), kind.noun()));
    finding.evidence.extend(lists(&none));
    if !facts.config.evaluated {
        finding = finding.seen("ssh was not there to say what it offers; these are OpenSSH's defaults");
    }
    Ok(Some(finding))
}

/// The algorithm of the server's that the user's ssh is most likely to know.
fn candidate(facts: &Facts, kind: Kind) -> Option<&'static str> {
    let Some(Err(none)) = users_choice(facts).ok()? else { return None };
    if none.kind != kind {
        return None;
    }
    OLD.iter().copied().find(|old| none.server.iter().any(|name| name == old))
}

/// Offering one of the server's algorithms for this host, and updating the server.
fn offer_it(facts: &Facts, kind: Kind) -> Vec<Step> {
    let (keyword, _, query) = option(kind);
    let update =
        Step::person(Place::Server, format!("update it: a current one has a {} that every ssh takes", kind.noun()));
    let Some(name) = candidate(facts, kind) else { return vec![update] };
    let once = format!("ssh -o {} {}", quoted(&format!("{keyword}=+{name}")), naming::destination(facts));
    let block = naming::host_block(facts, &[format!("{keyword} +{name}")]);
    vec![
        Step::here(
            once,
            format!(
                "offers the old {name} to this server once, if `ssh -Q {query}` lists it (newest versions have dropped some)"
            ),
        ),
        Step::here(block, "does so for this host from now on, and for no other; move the block above any `Host *`"),
        update,
    ]
}

/// After the fix the user's ssh offers something that the server has.
fn take_it(facts: &mut Facts, kind: Kind) {
    let Ok(Some(Err(none))) = users_choice(facts) else { return };
    let (_, keyword, _) = option(kind);
    let name = candidate(facts, kind).map(str::to_owned).or_else(|| none.server.first().cloned());
    let list = facts.config.options.first(keyword).map(str::to_owned);
    if let (Some(name), Some(list)) = (name, list) {
        facts.config.options.set(keyword, &format!("{list},{name}"));
    }
    let Ok(transport) = &mut facts.transport else { return };
    if !transport.complete {
        // The probe was stopped by the same lack; how it would have gone on is not known.
        transport.end = None;
        forget(facts, Stage::HostKey);
    }
}

const NO_COMMON_KEX: Cause = Cause {
    id: "no-common-kex",
    title: "ssh and the server share no key exchange method",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "Both sides name the key exchange methods they take, and none is on both lists. Mostly the server is old and has \
        only methods with SHA-1 or small groups, which OpenSSH no longer offers by itself; sometimes the server is \
        strict and the client old, or one side's KexAlgorithms is too narrow.\n\n\
        Proved by the server's KEXINIT and by what `ssh -G` says that your ssh offers.",
    prevent: "Update servers and devices while their methods are still offered. Where that cannot be, keep the exception \
        in the Host block of that one host.",
    fix: Fix { commands: |facts| offer_it(facts, Kind::Kex), mend: |facts| take_it(facts, Kind::Kex) },
    see: &["RFC 4253 section 7.1", "kex.c kex_choose_conf", "ssh_config(5) KexAlgorithms", "RFC 9142"],
    judge: |facts| without_common(facts, Kind::Kex),
};

const NO_COMMON_HOST_KEY_ALGORITHM: Cause = Cause {
    id: "no-common-host-key-algorithm",
    title: "ssh and the server share no host key algorithm",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "The server's host keys can make no signature that your ssh takes. Mostly it has only ssh-rsa with SHA-1, which \
        OpenSSH stopped offering in 8.8, or ssh-dss; or HostKeyAlgorithms in the configuration is too narrow.\n\n\
        Proved by the server's KEXINIT and by what `ssh -G` says that your ssh offers.",
    prevent: "Give the server an ed25519 host key, and update devices that cannot have one.",
    fix: Fix { commands: |facts| offer_it(facts, Kind::HostKey), mend: |facts| take_it(facts, Kind::HostKey) },
    see: &["RFC 4253 section 7.1", "kex.c choose_hostkeyalg", "ssh_config(5) HostKeyAlgorithms", "RFC 8332"],
    judge: |facts| without_common(facts, Kind::HostKey),
};

const NO_COMMON_CIPHER: Cause = Cause {
    id: "no-common-cipher",
    title: "ssh and the server share no cipher",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "No cipher is on both lists. Mostly the server is old and has only CBC ciphers, which OpenSSH no longer offers; \
        or Ciphers in one side's configuration is too narrow.\n\n\
        Proved by the server's KEXINIT and by what `ssh -G` says that your ssh offers.",
    prevent: "Update the server, and keep lists in Ciphers relative (`+`, `-`, `^`) so that new ciphers join them.",
    fix: Fix { commands: |facts| offer_it(facts, Kind::Cipher), mend: |facts| take_it(facts, Kind::Cipher) },
    see: &["RFC 4253 section 7.1", "kex.c choose_enc", "ssh_config(5) Ciphers"],
    judge: |facts| without_common(facts, Kind::Cipher),
};

const NO_COMMON_MAC: Cause = Cause {
    id: "no-common-mac",
    title: "ssh and the server share no MAC",
    blocks: Blocks::Transport,
    place: Place::Server,
    doc: "The cipher that both take needs a message authentication code beside it, and none is on both lists. Mostly the \
        server is old and has only MD5, or MACs in one side's configuration is too narrow.\n\n\
        Proved by the server's KEXINIT and by what `ssh -G` says that your ssh offers.",
    prevent: "Update the server, and keep lists in MACs relative (`+`, `-`, `^`).",
    fix: Fix { commands: |facts| offer_it(facts, Kind::Mac), mend: |facts| take_it(facts, Kind::Mac) },
    see: &["RFC 4253 section 7.1", "kex.c choose_mac", "ssh_config(5) MACs"],
    judge: |facts| without_common(facts, Kind::Mac),
};

const KEX_STALLED: Cause = Cause {
    id: "kex-stalled",
    title: "the key exchange hangs",
    blocks: Blocks::Transport,
    place: Place::Network,
    doc: "The identification strings were exchanged, and then nothing more comes. Small packets pass and large ones do not: \
        a link with a smaller MTU (VPN, tunnel, overlay) and a firewall that swallows the ICMP messages about it. \
        Otherwise a middlebox holds the connection, or the server is stuck.\n\n\
        Proved by the silence within the time limit. ssh waits at `SSH2_MSG_KEXINIT sent` or `expecting \
        SSH2_MSG_KEX_ECDH_REPLY`.",
    prevent: "Let ICMP \"fragmentation needed\" and \"packet too big\" pass, and clamp the MSS on tunnels.",
    fix: Fix { commands: find_the_mtu, mend: forget_the_exchange },
    see: &["RFC 4821", "RFC 2923", "RFC 4253 section 7"],
    judge: kex_stalled,
};

fn kex_stalled(facts: &Facts) -> Observed<Option<Finding>> {
    let transport = known(&facts.transport)?;
    let Some(identification) = &transport.identification else { return Ok(None) };
    let spoken = Version::of(identification.as_bytes()).is_some_and(Version::is_spoken);
    if transport.complete || !spoken || !is_ours_to_judge(transport) || transport.end != Some(End::TimedOut) {
        return Ok(None);
    }
    let summary = format!(
        "the key exchange with {} hangs: large packets do not get through, or the server is stuck",
        server(facts)
    );
    Ok(Some(
        Finding::new(if hurried(facts) { Certainty::Likely } else { Certainty::Proven }, summary)
            .seen(format!("identification string: {}", identification.shortened(SHOWN)))
            .seen(reached(transport)),
    ))
}

/// How far a key exchange came that stopped.
fn reached(transport: &Transport) -> String {
    match transport.server {
        None => "then no SSH_MSG_KEXINIT came from the server before the time limit".to_owned(),
        Some(_) => "the server's SSH_MSG_KEXINIT came, then nothing more before the time limit".to_owned(),
    }
}

fn find_the_mtu(facts: &Facts) -> Vec<Step> {
    let Some(address) = facts.connect.as_ref().ok().and_then(|connect| connect.established()) else {
        return Vec::new();
    };
    vec![
        Step::here(
            format!("ping -c 3 -M do -s 1400 {}", quoted(&address.to_string())),
            "sends packets as large as the key exchange's; if these get lost and `-s 1000` gets through, it is the MTU",
        ),
        Step::person(Place::Client, "lower the MTU of the VPN or tunnel interface, or have the router clamp the MSS"),
    ]
}

fn forget_the_exchange(facts: &mut Facts) {
    forget(facts, Stage::Transport);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::transport::KexInit;

    fn owned(names: &str) -> Vec<String> {
        names.split(',').map(str::to_owned).collect()
    }

    /// A server with these lists, and a user's ssh with those of OpenSSH 9.2, shortened.
    fn scene(kex: &str, host_key: &str, cipher: &str, mac: &str) -> Facts {
        let server = KexInit {
            kex: owned(kex),
            host_key: owned(host_key),
            cipher_client_to_server: owned(cipher),
            cipher_server_to_client: owned(cipher),
            mac_client_to_server: owned(mac),
            mac_server_to_client: owned(mac),
            compression_client_to_server: owned("none"),
            compression_server_to_client: owned("none"),
        };
        let target =
            Target { input: "old1".into(), alias: "old1".into(), host: "old1".into(), port: 22, ..Target::default() };
        let transport = Transport {
            identification: Some("SSH-2.0-old".into()),
            server: Some(server),
            complete: true,
            ..Transport::default()
        };
        let mut facts = Facts { target: Ok(target), transport: Ok(transport), ..Facts::default() };
        facts.config.evaluated = true;
        for (keyword, value) in [
            ("kexalgorithms", "curve25519-sha256,diffie-hellman-group14-sha256"),
            ("hostkeyalgorithms", "ssh-ed25519,rsa-sha2-512"),
            ("ciphers", "chacha20-poly1305@openssh.com,aes128-ctr"),
            ("macs", "hmac-sha2-256"),
        ] {
            facts.config.options.set(keyword, value);
        }
        facts
    }

    fn found(facts: &Facts) -> Vec<(&'static str, Certainty)> {
        let judged =
            ALGORITHMS.causes.iter().filter_map(|cause| Some((cause.id, (cause.judge)(facts).ok()??.certainty)));
        judged.collect()
    }

    #[test]
    fn what_only_ssh_speaks_is_no_fault_of_the_key_exchange() {
        let mut facts = scene("mlkem768x25519-sha256", "ssh-ed25519", "aes128-ctr", "hmac-sha2-256");
        facts.config.options.set("kexalgorithms", "mlkem768x25519-sha256,curve25519-sha256");
        let Ok(transport) = &mut facts.transport else { panic!() };
        transport.complete = false;
        transport.ours = transport.server.clone().map(|server| KexInit { kex: owned("curve25519-sha256"), ..server });
        assert_eq!(found(&facts), []);
        let said = "your ssh and the server share the key exchange method mlkem768x25519-sha256, which sshdoctor does not speak";
        assert_eq!(unspoken(&facts).as_deref(), Some(said));
        assert_eq!(agree(&facts).map(|outcome| outcome.status), Ok(Status::Info));
        facts.config.options.set("kexalgorithms", "curve25519-sha256");
        assert_eq!(unspoken(&facts), None, "ssh does not speak it either");
        assert_eq!(found(&facts), [("no-common-kex", Certainty::Proven)]);
    }

    #[test]
    fn each_list_without_a_common_name_has_its_cause() {
        let good = ("curve25519-sha256", "ssh-ed25519", "aes128-ctr", "hmac-sha2-256");
        assert_eq!(found(&scene(good.0, good.1, good.2, good.3)), []);
        let proven = |cause| [(cause, Certainty::Proven)];
        let old = "diffie-hellman-group1-sha1,kex-strict-s-v00@openssh.com";
        assert_eq!(found(&scene(old, good.1, good.2, good.3)), proven("no-common-kex"));
        assert_eq!(found(&scene(good.0, "ssh-rsa,ssh-dss", good.2, good.3)), proven("no-common-host-key-algorithm"));
        assert_eq!(found(&scene(good.0, good.1, "aes128-cbc", good.3)), proven("no-common-cipher"));
        assert_eq!(found(&scene(good.0, good.1, good.2, "hmac-md5")), proven("no-common-mac"));
    }

    #[test]
    fn a_cipher_that_authenticates_needs_no_mac() {
        let facts = scene("curve25519-sha256", "ssh-ed25519", "chacha20-poly1305@openssh.com", "hmac-md5");
        assert_eq!(found(&facts), []);
        assert_eq!(
            (ALGORITHMS.holds)(&facts).unwrap().summary,
            "curve25519-sha256, ssh-ed25519, chacha20-poly1305@openssh.com"
        );
    }

    #[test]
    fn after_one_fix_the_next_lack_shows() {
        let mut facts = scene("diffie-hellman-group1-sha1", "ssh-rsa", "aes128-cbc", "hmac-md5");
        for cause in ["no-common-kex", "no-common-host-key-algorithm", "no-common-cipher", "no-common-mac"] {
            assert_eq!(found(&facts), [(cause, Certainty::Proven)]);
            let cause = ALGORITHMS.causes.iter().find(|other| other.id == cause).unwrap();
            let steps = (cause.fix.commands)(&facts);
            assert!(steps[0].command.as_deref().unwrap().starts_with("ssh -o "), "{steps:?}");
            (cause.fix.mend)(&mut facts);
        }
        assert_eq!(found(&facts), []);
    }

    #[test]
    fn the_command_names_what_the_server_has() {
        let facts = scene(
            "diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1",
            "ssh-rsa",
            "aes128-ctr",
            "hmac-sha2-256",
        );
        let steps = (NO_COMMON_KEX.fix.commands)(&facts);
        let expected = "ssh -o 'KexAlgorithms=+diffie-hellman-group-exchange-sha1' old1";
        assert_eq!(
            steps[0].command.as_deref().map(|command| command.replace('\'', "")),
            Some(expected.replace('\'', ""))
        );
    }

    #[test]
    fn without_ssh_its_lists_are_only_likely() {
        let mut facts = scene("diffie-hellman-group1-sha1", "ssh-ed25519", "aes128-ctr", "hmac-sha2-256");
        facts.config.evaluated = false;
        assert_eq!(found(&facts), [("no-common-kex", Certainty::Likely)]);
    }

    #[test]
    fn kerberos_methods_that_no_list_shows_leave_a_doubt() {
        let mut facts = scene("gss-group14-sha256-abc", "ssh-ed25519", "aes128-ctr", "hmac-sha2-256");
        assert_eq!(found(&facts), [("no-common-kex", Certainty::Proven)]);
        facts.config.options.set("gssapikeyexchange", "yes");
        assert_eq!(found(&facts), [("no-common-kex", Certainty::Likely)]);
    }

    #[test]
    fn lists_that_were_not_seen_accuse_nobody() {
        let mut facts = scene("diffie-hellman-group1-sha1", "ssh-ed25519", "aes128-ctr", "hmac-sha2-256");
        facts.config.options = crate::facts::config::Options::default();
        assert_eq!(found(&facts), []);
        facts.transport.as_mut().unwrap().server = None;
        assert_eq!(found(&facts), []);
    }
}
