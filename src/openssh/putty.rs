//! The event log of PuTTY, and of plink and WinSCP, which have its code: the steps of a login (otherbackends and ssh/ of
//! PuTTY: network.c, verstring.c, ssh2connection.c, userauth2-client.c). Its errors are in [`super::libraries`].

/// A step that a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The name whose addresses are looked up.
    Host(&'a str),
    /// The address and the port that are dialled.
    Connecting(&'a str, u16),
    /// The server's identification string.
    Version(&'a str),
    /// The account that is asked for.
    User(&'a str),
    /// How many keys Pageant, its agent, holds.
    Pageant(u32),
    /// A key is offered.
    Offered,
    /// The server takes the key that was offered.
    Accepted,
    /// The login succeeded.
    Granted,
    /// A shell, a command or a subsystem runs.
    Started,
}

/// The line without the time, and the word for the log, that stand before each of its lines; and whether one stood there.
pub fn bare(line: &str) -> (&str, bool) {
    if let Some(rest) = line.strip_prefix("Event Log: ") {
        return (rest, true);
    }
    // `2026-11-30 12:00:00`, a tab, and the words; a paste may have a blank in the tab's place.
    let stamp = line.as_bytes();
    let digits = |from: usize, to: usize| stamp.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    let is_stamp = digits(0, 4) && digits(17, 19) && marks.iter().all(|(at, mark)| stamp.get(*at) == Some(mark));
    match line.get(19..).filter(|_| is_stamp) {
        Some(rest) if rest.starts_with(['\t', ' ']) => (rest.trim_start(), true),
        _ => (line, false),
    }
}

/// The step of a line without its time.
pub fn step(line: &str) -> Option<Step<'_>> {
    let quoted = |begin: &str| line.strip_prefix(begin)?.split('"').next().filter(|name| !name.is_empty());
    if let Some(host) = quoted("Looking up host \"") {
        return Some(Step::Host(host));
    }
    if let Some(user) = quoted("Using username \"") {
        return Some(Step::User(user));
    }
    if let Some(rest) = line.strip_prefix("Connecting to ") {
        let (address, port) = rest.split_once(" port ")?;
        return Some(Step::Connecting(address, port.parse().ok()?));
    }
    if let Some(version) = line.strip_prefix("Remote version: ") {
        return Some(Step::Version(version));
    }
    if let Some(rest) = line.strip_prefix("Pageant has ") {
        return Some(Step::Pageant(rest.split_once(" SSH-2 key")?.0.parse().ok()?));
    }
    match line {
        "Offered public key" => Some(Step::Offered),
        "Offer of public key accepted" => Some(Step::Accepted),
        "Access granted" => Some(Step::Granted),
        "Started a shell/command" | "Started a subsystem" => Some(Step::Started),
        _ if line.starts_with("Trying Pageant key #") => Some(Step::Offered),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_its_event_log_are_known() {
        let rows = [
            ("2026-11-30 12:00:00\tLooking up host \"web1\" for SSH connection", Some(Step::Host("web1"))),
            ("Event Log: Connecting to 192.0.2.7 port 2222", Some(Step::Connecting("192.0.2.7", 2222))),
            ("2026-11-30 12:00:00 Remote version: SSH-2.0-OpenSSH_9.2p1", Some(Step::Version("SSH-2.0-OpenSSH_9.2p1"))),
            ("Using username \"deploy\".", Some(Step::User("deploy"))),
            ("Event Log: Pageant has 2 SSH-2 keys", Some(Step::Pageant(2))),
            ("Event Log: Trying Pageant key #0", Some(Step::Offered)),
            ("2026-11-30 12:00:01\tAccess granted", Some(Step::Granted)),
            ("2026-11-30 12:00:01\tServer refused our key", None),
            ("Connecting to the server takes long", None),
            ("2026-11-30 12:00", None),
            ("", None),
        ];
        for (line, wanted) in rows {
            assert_eq!(step(bare(line).0), wanted, "{line}");
        }
    }
}
