//! What the firewall's own lines say of a client's connection to sshd: the chains of `nft list ruleset` in which a rule
//! names the client's address, and the lines of `iptables-save` that do (nft(8), iptables-save(8)).
//!
//! A rule that drops is certain where nothing before it in its chain may let the packet through, for a later chain can
//! drop what an earlier one accepted, and never the other way round.

use std::net::IpAddr;

use crate::openssh::addresses::{Answer, match_list};

/// A rule that drops or rejects what comes from the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop<'a> {
    /// Whether a new connection to sshd meets it for certain.
    pub certain: bool,
    /// The rule as it is printed.
    pub rule: &'a str,
    /// What makes it be about this address.
    pub by: By<'a>,
}

/// Where the address is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// In the rule itself; the words that name its chain for nft, `inet filter input`.
    Rule(Chain<'a>),
    /// In a set that the rule asks.
    Set {
        /// `inet`, `ip` or `ip6`, and the table.
        table: (&'a str, &'a str),
        /// The set.
        name: &'a str,
    },
    /// In a line of iptables-save.
    Iptables,
}

/// A chain of nftables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain<'a> {
    /// Its family, `inet`, and its table.
    pub table: (&'a str, &'a str),
    /// Its name.
    pub name: &'a str,
}

/// Whether a rule is about the packet that begins a connection to sshd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meets {
    Yes,
    No,
    Open,
}

impl Meets {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Open,
        }
    }
}

/// How a rule names the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names<'a> {
    Not,
    Itself,
    BySet(&'a str),
}

/// What a rule does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Goes on.
    Nothing,
    Drops,
    /// Lets it through, or does not come back.
    Leaves,
    /// Goes to rules that were not seen, and perhaps comes back.
    Wanders,
}

/// The packet that begins a connection.
struct Packet<'a, 'p> {
    from: IpAddr,
    ports: &'p [u16],
    /// The sets of the table that hold the address.
    sets: Vec<&'a str>,
}

/// The rules that drop a new connection from that address to sshd's ports, certain ones first.
pub fn drops<'a>(lines: &[&'a str], from: IpAddr, ports: &[u16]) -> Vec<Drop<'a>> {
    let mut found = Vec::new();
    let mut table = ("", "");
    let mut chain = None;
    let mut packet = Packet { from, ports, sets: Vec::new() };
    // Whether the packet comes through this chain, as far as its lines were read.
    let mut reached = Meets::No;
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["table", family, name, ..] => {
                (table, chain) = ((*family, *name), None);
                packet.sets.clear();
            }
            ["set" | "map", name, ..] => packet.sets.push(name),
            ["chain", name, ..] => {
                chain = Some(Chain { table, name });
                // A chain without a hook is reached from another one, or from none.
                reached = Meets::Open;
            }
            ["}"] => chain = None,
            ["type", _, "hook", hook, ..] if chain.is_some() => {
                // A bridge passes frames of others; ingress is of one device, which need not be the client's way.
                reached = match (table.0, *hook) {
                    ("inet" | "ip" | "ip6", "input" | "prerouting") => Meets::Yes,
                    (_, "ingress") => Meets::Open,
                    _ => Meets::No,
                };
            }
            ["-A", ..] => found.extend(iptables(line, &packet)),
            _ => {
                let Some(chain) = chain else { continue };
                let (meets, by, does) = nft(line, &packet);
                match (meets, does) {
                    (Meets::No, _) | (_, Does::Nothing) => {}
                    (_, Does::Drops) => {
                        let by = match by {
                            Names::BySet(name) => Some(By::Set { table, name }),
                            Names::Itself => Some(By::Rule(chain)),
                            Names::Not => None,
                        };
                        let certain = reached.and(meets) == Meets::Yes;
                        found.extend(by.filter(|_| reached != Meets::No).map(|by| Drop { certain, rule: line, by }));
                    }
                    (Meets::Yes, Does::Leaves) => reached = Meets::No,
                    (Meets::Open, Does::Leaves) | (_, Does::Wanders) => reached = reached.and(Meets::Open),
                }
            }
        }
    }
    found.sort_by_key(|drop| !drop.certain);
    found
}

/// A line without what stands in quotation marks.
fn unquoted(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// A rule of nftables: whether it is about the packet, how it names the address, and what it does.
fn nft<'a>(line: &'a str, packet: &Packet<'a, '_>) -> (Meets, Names<'a>, Does) {
    let plain = unquoted(line);
    let mut words = plain.split_whitespace().peekable();
    let mut meets = Meets::Yes;
    let mut by = Names::Not;
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        let met = match (word, next) {
            ("ip" | "ip6", "saddr") => {
                words.next();
                let values = values(&mut words);
                let (met, set) = named(&values, packet);
                if met == Meets::Yes && by == Names::Not {
                    by = set.map_or(Names::Itself, Names::BySet);
                }
                met
            }
            ("tcp", "dport") => {
                words.next();
                port(&values(&mut words), packet.ports)
            }
            ("meta", "l4proto") | ("ip", "protocol") => {
                words.next();
                match values(&mut words).as_slice() {
                    values if values.contains(&"tcp") || values.contains(&"6") => Meets::Yes,
                    values if values.iter().any(|value| value.starts_with(['@', '!'])) => Meets::Open,
                    _ => Meets::No,
                }
            }
            ("ct", "state") => {
                words.next();
                let values = values(&mut words);
                let states: Vec<&str> = values.iter().flat_map(|value| value.split(',')).collect();
                match states.as_slice() {
                    states if states.contains(&"new") => Meets::Yes,
                    states if states.iter().any(|state| state.starts_with('!')) => Meets::Open,
                    _ => Meets::No,
                }
            }
            ("udp" | "icmp" | "icmpv6" | "sctp", _) => Meets::No,
            ("packets" | "bytes" | "prefix" | "level" | "flags" | "group" | "comment", _) => {
                words.next();
                continue;
            }
            ("counter" | "log", _) => continue,
            ("drop" | "reject", _) => return (meets, by, Does::Drops),
            ("accept" | "return" | "goto", _) => return (meets, by, Does::Leaves),
            ("jump" | "queue", _) => return (meets, by, Does::Wanders),
            _ => Meets::Open,
        };
        meets = meets.and(met);
    }
    (meets, by, Does::Nothing)
}

/// The value of a match: one word, or those between braces; `!=` stands before them as `!`.
fn values<'a>(words: &mut impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut word = words.next().unwrap_or_default();
    if matches!(word, "!=" | "<" | ">" | "<=" | ">=") {
        found.push("!");
        word = words.next().unwrap_or_default();
    }
    if word != "{" {
        found.push(word);
        return found;
    }
    found.extend(words.take_while(|word| *word != "}").map(|word| word.trim_end_matches(',')));
    found
}

/// Whether a value of `saddr` is the address, and the set that says so.
fn named<'a>(values: &[&str], packet: &Packet<'a, '_>) -> (Meets, Option<&'a str>) {
    if values.contains(&"!") {
        return (Meets::Open, None);
    }
    let set = values.iter().find_map(|value| value.strip_prefix('@'));
    if let Some(set) = set {
        return match packet.sets.iter().find(|name| **name == set) {
            Some(name) => (Meets::Yes, Some(name)),
            // A set that holds networks, or another one's address.
            None => (Meets::Open, None),
        };
    }
    if values.iter().any(|value| match_list(packet.from, value) == Answer::Yes) {
        return (Meets::Yes, None);
    }
    let plain = |value: &&str| value.parse::<IpAddr>().is_ok() || value.contains('/');
    (if values.iter().all(plain) { Meets::No } else { Meets::Open }, None)
}

/// Whether values of `dport` are sshd's ports, all of them.
fn port(values: &[&str], ports: &[u16]) -> Meets {
    let is = |port: &u16| {
        let is_named = |value: &&str| **value == port.to_string() || (**value == *"ssh" && *port == 22);
        values.iter().any(is_named)
    };
    let plain = |value: &&str| value.chars().all(|letter| letter.is_ascii_alphanumeric());
    match (ports.iter().filter(|port| is(port)).count(), values.iter().all(plain)) {
        (count, true) if count == ports.len() && count > 0 => Meets::Yes,
        (0, true) if !ports.is_empty() => Meets::No,
        _ => Meets::Open,
    }
}

/// A line of iptables-save that drops; whether it is reached is not to be seen from it.
fn iptables<'a>(line: &'a str, packet: &Packet<'_, '_>) -> Option<Drop<'a>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1)).copied();
    let negated = words.contains(&"!");
    let from = after("-s")?;
    let drops = ["DROP", "REJECT", "TARPIT"].contains(&after("-j")?);
    let inwards = !["OUTPUT", "FORWARD", "POSTROUTING"].contains(&after("-A")?);
    let other = after("-p").is_some_and(|protocol| protocol != "tcp")
        || after("--dport").is_some_and(|value| port(&[value], packet.ports) == Meets::No);
    let is = match_list(packet.from, from) == Answer::Yes && drops && inwards && !other && !negated;
    is.then_some(Drop { certain: false, rule: line, by: By::Iptables })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As fail2ban's action nftables makes them (nft 1.0.6).
    const FAIL2BAN: &[&str] = &[
        "table inet f2b-table {",
        "set addr-set-sshd",
        "chain f2b-chain {",
        "type filter hook input priority filter - 1; policy accept;",
        "tcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable",
        "}",
    ];

    fn said(rules: &[&str]) -> Vec<(bool, String)> {
        let lead =
            ["table inet filter {", "set banned", "chain input {", "type filter hook input priority 0; policy accept;"];
        let lines: Vec<&str> = lead.iter().chain(rules).copied().collect();
        let found = drops(&lines, "192.0.2.100".parse().unwrap(), &[22]);
        found.iter().map(|drop| (drop.certain, drop.rule.to_owned())).collect()
    }

    #[test]
    fn a_set_of_fail2ban_drops_for_certain() {
        let from = "192.0.2.100".parse().unwrap();
        let found = drops(FAIL2BAN, from, &[22]);
        assert_eq!(found[0].by, By::Set { table: ("inet", "f2b-table"), name: "addr-set-sshd" });
        assert!(found[0].certain);
        assert_eq!(drops(FAIL2BAN, from, &[2222]), []);
        // One of two ports is open.
        assert!(!drops(FAIL2BAN, from, &[22, 2222])[0].certain);
    }

    #[test]
    fn what_another_packet_meets_is_not_certain() {
        let from = "192.0.2.100".parse().unwrap();
        let of = |table: &str, hook: &str| {
            let lines = [
                table,
                "chain c {",
                &format!("type filter hook {hook} priority 0; policy accept;"),
                "ip saddr 192.0.2.100 drop",
                "}",
            ]
            .map(str::to_owned);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            drops(&lines, from, &[22]).iter().map(|drop| drop.certain).collect::<Vec<_>>()
        };
        assert_eq!(of("table inet filter {", "input"), [true]);
        assert_eq!(of("table bridge filter {", "input"), [false; 0]);
        assert_eq!(of("table netdev filter {", "ingress device \"eth1\""), [false]);
        assert_eq!(of("table inet filter {", "forward"), [false; 0]);
    }

    #[test]
    fn a_rule_drops_where_nothing_before_it_may_let_through() {
        let certain = |rule: &str| vec![(true, rule.to_owned())];
        let open = |rule: &str| vec![(false, rule.to_owned())];
        for rule in [
            "ip saddr 192.0.2.100 drop",
            "ip saddr 192.0.2.0/24 counter packets 0 bytes 0 drop comment \"not accept\"",
            "ip saddr { 198.51.100.1, 192.0.2.100 } tcp dport { 22, 80 } log prefix \"a b \" reject",
            "ip saddr @banned ct state new drop",
            "tcp dport ssh ip saddr 192.0.2.100 reject with tcp reset",
        ] {
            assert_eq!(said(&[rule]), certain(rule), "{rule}");
            assert_eq!(said(&["ct state established,related accept", rule]), certain(rule), "{rule}");
            assert_eq!(said(&["iifname \"lo\" accept", rule]), open(rule), "{rule}");
            assert_eq!(said(&["ip saddr 192.0.2.0/24 accept", rule]), [], "{rule}");
            assert_eq!(said(&["jump others", rule]), open(rule), "{rule}");
        }
        for rule in ["ip saddr 192.0.2.100 limit rate over 3/minute drop", "iifname \"eth0\" ip saddr 192.0.2.100 drop"]
        {
            assert_eq!(said(&[rule]), open(rule), "{rule}");
        }
        for rule in [
            "ip saddr 192.0.2.100 accept",
            "ip saddr 192.0.2.100 tcp dport 80 drop",
            "ip saddr 192.0.2.100 udp dport 22 drop",
            "ip saddr != 192.0.2.100 drop",
            "ip saddr 198.51.100.0/24 drop",
            "ip daddr 192.0.2.100 drop",
            "drop",
        ] {
            assert_eq!(said(&[rule]), [], "{rule}");
        }
    }

    #[test]
    fn a_chain_that_is_reached_from_another_one_is_not_certain() {
        let lines =
            ["table ip filter {", "chain f2b-sshd {", "ip saddr 192.0.2.100 counter packets 1 bytes 60 reject", "}"];
        let found = drops(&lines, "192.0.2.100".parse().unwrap(), &[22]);
        assert_eq!(found.iter().map(|drop| drop.certain).collect::<Vec<_>>(), [false]);
        let forward = [
            "table ip filter {",
            "chain FORWARD {",
            "type filter hook forward priority 0;",
            "ip saddr 192.0.2.100 drop",
        ];
        assert_eq!(drops(&forward, "192.0.2.100".parse().unwrap(), &[22]), []);
    }

    #[test]
    fn a_line_of_iptables_names_the_address_and_what_it_does() {
        let from = "192.0.2.100".parse().unwrap();
        let drop = "-A f2b-sshd -s 192.0.2.100/32 -j REJECT --reject-with icmp-port-unreachable";
        assert_eq!(drops(&[drop], from, &[22]), [Drop { certain: false, rule: drop, by: By::Iptables }]);
        for other in [
            "-A INPUT -s 192.0.2.100/32 -j ACCEPT",
            "-A INPUT ! -s 192.0.2.100/32 -j DROP",
            "-A INPUT -d 192.0.2.100/32 -j DROP",
            "-A INPUT -s 192.0.2.100/32 -p udp -j DROP",
            "-A INPUT -s 192.0.2.100/32 -p tcp -m tcp --dport 80 -j DROP",
            "-A OUTPUT -s 192.0.2.100/32 -j DROP",
        ] {
            assert_eq!(drops(&[other], from, &[22]), [], "{other}");
        }
    }
}
