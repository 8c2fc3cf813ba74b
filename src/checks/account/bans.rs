//! Whether the server keeps the client's address out before sshd asks for anything: libwrap's files, fail2ban, and the
//! firewall.

use crate::facts::account::{Ban, TextFile};
use crate::facts::{Facts, known};
use crate::openssh::sshd;
use crate::openssh::sshd::firewall::{self, By, Drop};
use crate::openssh::sshd::wrappers::{Access, Rule, access};

use super::{Scene, drops, log, scene};
use crate::checks::{Blocks, Cause, Certainty, Finding, Fix, Place, Step, naming, quoted, quoted_option};

/// The files of libwrap.
const FILES: [&[u8]; 2] = [b"/etc/hosts.allow", b"/etc/hosts.deny"];
/// How much of a rule is shown, in characters.
const SHOWN: usize = 160;

pub(in crate::checks) const SOURCE_BANNED: Cause = Cause {
    id: "source-banned",
    title: "this address is banned on the server",
    blocks: Blocks::Connect,
    place: Place::Server,
    doc: "fail2ban, hosts.deny or a rule of the firewall on the server keeps the client's address out. A firewall answers \
          with silence or a refusal; libwrap (hosts.deny, where sshd is built with it, as Debian's is) takes the connection \
          and closes it before sshd has said who it is.\n\n\
          Proven by a rule of hosts.allow or hosts.deny that refuses the address and rests on no name, by sshd's words \
          \"refused connect from\" since these files were last changed, or by a rule of nftables that drops what comes from \
          the address and that nothing before it in its chain may let through. A jail of fail2ban that lists the address, \
          or a rule that something else may overrule, makes it likely.",
    prevent: "Name your own networks in fail2ban's ignoreip and in hosts.allow, so that mistyped names and old keys do not \
              shut out everybody behind one address.",
    fix: Fix {
        commands: |facts| {
            scene(facts).ok().and_then(|scene| Some(steps(&scene, &found(facts, &scene)?))).unwrap_or_default()
        },
        mend: |facts| {
            if let Ok(account) = &mut facts.account {
                account.machine.bans.clear();
                account.machine.texts.retain(|file| !FILES.contains(&file.path.as_bytes()));
            }
            drops::forget_refusals(facts);
            crate::checks::resolve::forget(facts, crate::facts::Stage::Connect);
        },
    },
    see: &["hosts_access(5)", "fail2ban-client(1)", "nft(8)", "Debian's sshd.c, request_init and hosts_access"],
    judge: |facts| {
        let scene = scene(facts)?;
        let Some(ban) = found(facts, &scene) else { return Ok(None) };
        Ok(Some(as_named(facts, &scene, finding(&scene, &ban))))
    },
};

/// What keeps the address out.
enum Banned<'a> {
    /// A rule of libwrap's files.
    Rule(Rule<'a>),
    /// sshd's words about libwrap's refusal, and the rules that were not understood.
    Said(String),
    /// A jail of fail2ban, and what the firewall drops because of it.
    Jail(String, Option<Drop<'a>>),
    /// A rule of the firewall.
    Firewall(Drop<'a>),
}

/// A finding that is proven is so about the address that was named; one that the log showed last may not be meant.
pub(super) fn as_named(facts: &Facts, scene: &Scene<'_>, mut finding: Finding) -> Finding {
    if scene.login.from_named {
        return finding;
    }
    if let Some(from) = &scene.login.from {
        finding.certainty = finding.certainty.max(Certainty::Likely);
        finding.evidence.push(super::not_named(facts, &from.to_string()));
    }
    finding
}

/// Whether the firewall is certain to drop what comes from the address.
pub(in crate::checks) fn by_firewall(facts: &Facts) -> bool {
    let Ok(scene) = scene(facts) else { return false };
    let certain = wall(&scene).is_some_and(|ban| is_certain(&ban));
    certain && scene.login.from_named && !drops::heard(facts)
}

/// The surest of what keeps the address out. The firewall comes first, then libwrap.
fn found<'a>(facts: &Facts, scene: &Scene<'a>) -> Option<Banned<'a>> {
    if drops::heard(facts) {
        return None;
    }
    let wall = wall(scene);
    let wrapped = wrapped(scene);
    match wall {
        Some(ban) if wrapped.is_none() || is_certain(&ban) => Some(ban),
        _ => wrapped,
    }
}

fn is_certain(ban: &Banned<'_>) -> bool {
    match ban {
        Banned::Rule(_) | Banned::Said(_) => true,
        Banned::Jail(_, drop) => drop.as_ref().is_some_and(|drop| drop.certain),
        Banned::Firewall(drop) => drop.certain,
    }
}

/// The jails that list the address, and the lines of the firewall.
fn lines<'a>(scene: &Scene<'a>) -> (Vec<String>, Vec<&'a str>) {
    let mut jails = Vec::new();
    let mut lines = Vec::new();
    for ban in &scene.account.machine.bans {
        match ban {
            Ban::Fail2ban(jail) => jails.push(jail.to_string()),
            Ban::Firewall(line) => lines.extend(line.as_str()),
        }
    }
    (jails, lines)
}

/// What fail2ban and the firewall say.
fn wall<'a>(scene: &Scene<'a>) -> Option<Banned<'a>> {
    let (_, from) = sshd::client(scene.login);
    let from = from?;
    let settings = known(&scene.login.effective).ok();
    let ports =
        settings.map(|settings| settings.all("port").filter_map(|port| port.parse().ok()).collect::<Vec<u16>>());
    let (jails, lines) = lines(scene);
    let drop = firewall::drops(&lines, from, &ports.unwrap_or_default()).into_iter().next();
    let ban = match (jails.into_iter().next(), drop) {
        (Some(jail), drop) => Banned::Jail(jail, drop),
        (None, Some(drop)) => Banned::Firewall(drop),
        (None, None) => return None,
    };
    // What is not certain gives way to a login from there that is sshd's last word.
    let entries = log::entries(scene.account);
    (is_certain(&ban) || !log::let_in_last_from(&entries, &from.to_string())).then_some(ban)
}

/// The files of libwrap, where sshd asks it.
fn files<'a>(scene: &Scene<'a>) -> Option<Vec<&'a TextFile>> {
    (scene.account.sshd.libwrap == Some(true)).then(|| {
        let texts = scene.account.machine.texts.iter();
        texts.filter(|file| FILES.contains(&file.path.as_bytes())).collect()
    })
}

/// What libwrap's files say of the address.
fn by_wrappers<'a>(scene: &Scene<'a>) -> Option<Access<'a>> {
    let files = files(scene)?;
    let (_, from) = sshd::client(scene.login);
    let unread = files.iter().any(|file| file.error.as_deref().is_some_and(|error| error != "ENOENT"));
    (!unread).then(|| access(&scene.account.machine.texts, "sshd", from))
}

/// What libwrap does, as its files or sshd's log show it.
fn wrapped<'a>(scene: &Scene<'a>) -> Option<Banned<'a>> {
    let access = by_wrappers(scene)?;
    if matches!(access, Access::Granted(_)) {
        return None;
    }
    let changed = files(scene)?.iter().filter_map(|file| Some(file.stat?.changed)).max().unwrap_or(i64::MIN);
    let entries = log::entries(scene.account);
    let from = scene.login.from.as_ref().map(ToString::to_string).unwrap_or_default();
    let last = entries.iter().rfind(|entry| log::names_address(entry.text, &from));
    let last = last.filter(|_| !from.is_empty() && !log::is_cut(scene.account));
    let last = last.filter(|entry| entry.time.is_some_and(|time| time > changed));
    let said = last.filter(|entry| entry.text.starts_with("refused connect from"));
    match access {
        // Since then it was let in, whatever the files say.
        _ if last.is_some() && said.is_none() && log::let_in_last_from(&entries, &from) => None,
        Access::Refused(rule) => Some(Banned::Rule(rule)),
        _ => said.map(|entry| Banned::Said(log::quote(entry))),
    }
}

fn shown(text: &str) -> String {
    crate::facts::text::ServerText::new(text.trim()).shortened(SHOWN)
}

fn finding(scene: &Scene<'_>, ban: &Banned<'_>) -> Finding {
    let from = scene.login.from.as_ref().map_or_else(|| "every client".to_owned(), ToString::to_string);
    let certainty = if is_certain(ban) { Certainty::Proven } else { Certainty::Likely };
    match ban {
        Banned::Rule(rule) => {
            let summary = format!("{} refuses {from} before sshd says anything", rule.file.path);
            let entries = log::entries(scene.account);
            let said = entries.iter().rfind(|entry| entry.text.starts_with("refused connect from"));
            let said = said.filter(|entry| log::names_address(entry.text, &from)).map(log::quote);
            let mut finding = Finding::new(certainty, summary).at(Blocks::Transport);
            finding = finding.seen(format!("{}:{}: {}", rule.file.path, rule.line, shown(&rule.text)));
            finding.evidence.extend(said);
            finding
        }
        Banned::Said(said) => {
            let summary = format!("libwrap refuses {from} before sshd says anything (hosts.allow, hosts.deny)");
            Finding::new(certainty, summary).at(Blocks::Transport).seen(said.clone())
        }
        Banned::Jail(jail, drop) => {
            let summary = format!("fail2ban bans {from} in the jail {}", shown(jail));
            let finding = Finding::new(certainty, summary)
                .seen(format!("`fail2ban-client get {} banip` lists {from}", shown(jail)));
            match drop {
                Some(drop) => finding.seen(format!("the firewall: {}", shown(drop.rule))),
                None => finding.seen("no rule of the firewall was seen to name the address".to_owned()),
            }
        }
        Banned::Firewall(drop) => {
            let finding = Finding::new(certainty, format!("the server's firewall drops what comes from {from}"));
            let finding = finding.seen(format!("the firewall: {}", shown(drop.rule)));
            match drop.by {
                By::Set { table: (family, table), name } => {
                    finding.seen(format!("the set {} of the table {family} {} holds {from}", shown(name), shown(table)))
                }
                By::Rule(_) | By::Iptables => finding,
            }
        }
    }
}

/// What takes the ban away.
fn steps(scene: &Scene<'_>, ban: &Banned<'_>) -> Vec<Step> {
    let Some(from) = &scene.login.from else {
        let why = "add a line `sshd: ADDRESS` for the clients that are meant to /etc/hosts.allow";
        return vec![Step::person(Place::Server, why)];
    };
    let from = from.to_string();
    match ban {
        Banned::Jail(jail, _) => vec![
            Step::server_root(
                format!("fail2ban-client set {} unbanip {}", quoted(jail), quoted(&from)),
                "lifts the ban, and takes it out of the firewall",
            ),
            Step::person(
                Place::Server,
                format!(
                    "if {from} is to be trusted, add it to ignoreip; find what failed before, or it is banned again"
                ),
            ),
        ],
        Banned::Firewall(Drop { by: By::Set { table: (family, table), name }, .. }) => vec![Step::server_root(
            format!("nft delete element {} {} {} '{{ {from} }}'", quoted(family), quoted(table), quoted(name)),
            "takes the address out of the set; what put it there (fail2ban, crowdsec) may put it back",
        )],
        Banned::Firewall(Drop { by: By::Rule(chain), .. }) => {
            let (family, table) = chain.table;
            let words = format!("{} {} {}", quoted(family), quoted(table), quoted(chain.name));
            vec![
                Step::server_root(
                    format!("nft -a list chain {words}"),
                    "shows the handle of the rule that names the address",
                ),
                Step::person(
                    Place::Server,
                    format!("take the rule away: nft delete rule {words} handle N, and mend the file that makes it"),
                ),
            ]
        }
        Banned::Firewall(Drop { by: By::Iptables, rule, .. }) => {
            let words: Vec<String> = shlex::split(rule)
                .unwrap_or_default()
                .iter()
                .skip(1)
                .map(|word| quoted_option(word.as_bytes()))
                .collect();
            let program = if from.contains(':') { "ip6tables" } else { "iptables" };
            vec![Step::server_root(
                format!("{program} -D {}", words.join(" ")),
                "takes the rule away until the firewall is loaded anew",
            )]
        }
        Banned::Rule(rule) => {
            let alone = rule.clients.len() == 1 && rule.clients.first().is_some_and(|client| *client == from);
            if alone && rule.lines == 1 || rule.file.path.as_bytes() == FILES[0] {
                let last = rule.line + rule.lines - 1;
                let lines = if rule.lines == 1 { format!("{}d", rule.line) } else { format!("{},{last}d", rule.line) };
                let command = format!("sed -i.bak {lines} {}", naming::path(&rule.file.path));
                return vec![Step::server_root(command, "takes the rule away; it counts from the next connection on")];
            }
            vec![allow(&from)]
        }
        Banned::Said(_) => vec![allow(&from)],
    }
}

/// One address more in hosts.allow, which comes before hosts.deny.
fn allow(from: &str) -> Step {
    let client = if from.contains(':') { format!("[{from}]") } else { from.to_owned() };
    let line = quoted(&format!("sshd: {client}"));
    Step::server_root(
        format!("printf '\\n%s\\n' {line} >> /etc/hosts.allow"),
        "lets this address in whatever hosts.deny says; it counts from the next connection on",
    )
}

/// What was seen of bans and could not be judged.
pub(super) fn gaps(scene: &Scene<'_>) -> Vec<String> {
    let mut gaps = Vec::new();
    match by_wrappers(scene) {
        Some(Access::Open(rule)) => {
            gaps.push(format!("{}:{} was not judged: {}", rule.file.path, rule.line, shown(&rule.text)));
        }
        None if files(scene).is_some_and(|files| !files.is_empty()) => {
            gaps.push("hosts.allow or hosts.deny could not be read".to_owned());
        }
        _ => {}
    }
    if !scene.account.machine.bans.is_empty() && wall(scene).is_none() {
        gaps.push("the client's address stands in a rule of the firewall that was not judged".to_owned());
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::account::{Account, Login};
    use crate::facts::config::Options;

    /// A server whose fail2ban and firewall say this of 192.0.2.100.
    fn scene(jail: Option<&str>, lines: &[&str]) -> Facts {
        let mut settings = Options::default();
        settings.set("port", "22");
        let login =
            Login { from: Some("192.0.2.100".into()), from_named: true, effective: Ok(settings), ..Login::default() };
        let mut account = Account { login, ..Account::default() };
        let jails = jail.iter().map(|jail| Ban::Fail2ban((*jail).into()));
        account.machine.bans = jails.chain(lines.iter().map(|line| Ban::Firewall((*line).into()))).collect();
        Facts { account: Ok(Box::new(account)), ..Facts::default() }
    }

    fn found(facts: &Facts) -> Option<(Certainty, Vec<String>)> {
        let finding = (SOURCE_BANNED.judge)(facts).unwrap()?;
        let commands = (SOURCE_BANNED.fix.commands)(facts).into_iter().filter_map(|step| step.command);
        Some((finding.certainty, commands.collect()))
    }

    /// As fail2ban's action nftables makes them.
    const SET: &[&str] = &[
        "table inet f2b-table {",
        "set addr-set-sshd",
        "chain f2b-chain {",
        "type filter hook input priority filter - 1; policy accept;",
        "tcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable",
        "}",
    ];

    #[test]
    fn a_jail_is_proven_by_what_the_firewall_drops() {
        let unban = vec!["fail2ban-client set sshd unbanip 192.0.2.100".to_owned()];
        assert_eq!(found(&scene(Some("sshd"), &[])), Some((Certainty::Likely, unban.clone())));
        assert_eq!(found(&scene(Some("sshd"), SET)), Some((Certainty::Proven, unban)));
        let delete = vec!["nft delete element inet f2b-table addr-set-sshd '{ 192.0.2.100 }'".to_owned()];
        assert_eq!(found(&scene(None, SET)), Some((Certainty::Proven, delete)));
    }

    #[test]
    fn a_line_of_iptables_is_likely_and_taken_out_by_its_own_words() {
        let line =
            "-A f2b-sshd -s 192.0.2.100/32 -m comment --comment \"a b\" -j REJECT --reject-with icmp-port-unreachable";
        let delete = "iptables -D f2b-sshd -s 192.0.2.100/32 -m comment --comment 'a b' -j REJECT --reject-with \
                      icmp-port-unreachable";
        assert_eq!(found(&scene(None, &[line])), Some((Certainty::Likely, vec![delete.to_owned()])));
        assert_eq!(found(&scene(None, &["-A INPUT -s 192.0.2.100/32 -j ACCEPT"])), None);
        assert_eq!(found(&scene(None, &[])), None);
    }

    #[test]
    fn after_the_fix_nobody_is_banned() {
        let mut facts = scene(Some("sshd"), SET);
        (SOURCE_BANNED.fix.mend)(&mut facts);
        assert_eq!(found(&facts), None);
    }
}
