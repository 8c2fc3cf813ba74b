//! What sshd logs of connections that it drops before it speaks to them, and of penalties (sshd.c `drop_connection`;
//! srclimit.c `srclimit_penalise`).

/// A connection that was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped<'a> {
    /// How many connections had not logged in yet.
    pub startups: u32,
    /// The client's address.
    pub from: &'a str,
    /// Why.
    pub reason: Reason<'a>,
}

/// Why a connection was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason<'a> {
    /// MaxStartups or PerSourceMaxStartups, which sshd does not tell apart.
    Startups,
    /// PerSourcePenalties, in sshd's words (`penalty: failed authentication`).
    Penalty(&'a str),
}

/// `drop connection #10 from [192.0.2.1]:40000 on [192.0.2.7]:22 past MaxStartups`; `None` for other words.
pub fn dropped(text: &str) -> Option<Dropped<'_>> {
    let (startups, rest) = text.strip_prefix("drop connection #")?.split_once(" from [")?;
    let (from, rest) = rest.split_once("]:")?;
    let (_, rest) = rest.split_once("]:")?;
    let (_, why) = rest.split_once(' ')?;
    // `past MaxStartups` before 9.8, `past Maxstartups` in 9.8, `Maxstartups` since.
    let startups_word = why.strip_prefix("past ").unwrap_or(why);
    let reason =
        if startups_word.eq_ignore_ascii_case("maxstartups") { Reason::Startups } else { Reason::Penalty(why) };
    Some(Dropped { startups: startups.parse().ok()?, from, reason })
}

/// A penalty that keeps an address out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalty<'a> {
    /// The address, or the block of addresses (PerSourceNetBlockSize) with its length.
    pub block: &'a str,
    /// How long it lasts from the line's time on, in seconds.
    pub seconds: f64,
}

/// `ipv4: new 192.0.2.1/32 active penalty of 30.000 seconds for penalty: failed authentication`, or `192.0.2.1/32:
/// activating ipv4 penalty of …`, behind the function's name; `None` for other words, and for a penalty that is deferred.
pub fn penalty(text: &str) -> Option<Penalty<'_>> {
    let text = text.strip_prefix("srclimit_penalise: ").unwrap_or(text);
    let (head, tail) = text.split_once(" penalty of ")?;
    let block = if let Some((block, _)) = head.split_once(": activating ") {
        block
    } else {
        head.strip_suffix(" active")?.split_once(": new ")?.1
    };
    let seconds = tail.split_once(" seconds")?.0.parse().ok()?;
    Some(Penalty { block, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_s_words_are_taken_apart() {
        let lead = "drop connection #10 from [192.0.2.1]:40000 on [192.0.2.7]:22 ";
        let rows = [
            ("past MaxStartups", Reason::Startups),
            ("past Maxstartups", Reason::Startups),
            ("Maxstartups", Reason::Startups),
            ("penalty: failed authentication", Reason::Penalty("penalty: failed authentication")),
            ("too many penalised addresses", Reason::Penalty("too many penalised addresses")),
        ];
        for (why, reason) in rows {
            let text = format!("{lead}{why}");
            assert_eq!(dropped(&text), Some(Dropped { startups: 10, from: "192.0.2.1", reason }), "{why}");
        }
        let six = dropped("drop connection #0 from [2001:db8::1]:9 on [2001:db8::7]:22 Maxstartups").unwrap();
        assert_eq!(six.from, "2001:db8::1");
        for other in
            ["Maxstartups logging rate-limited: additional 3 connections dropped", "beginning MaxStartups throttling"]
        {
            assert_eq!(dropped(other), None, "{other}");
        }
    }

    #[test]
    fn a_penalty_counts_once_it_is_active() {
        let new = "srclimit_penalise: ipv4: new 192.0.2.1/32 active penalty of 30.000 seconds for penalty: failed authentication";
        assert_eq!(penalty(new), Some(Penalty { block: "192.0.2.1/32", seconds: 30.0 }));
        let later = "srclimit_penalise: 192.0.2.1/32: activating ipv4 penalty of 16 seconds for penalty: caused crash";
        assert_eq!(penalty(later), Some(Penalty { block: "192.0.2.1/32", seconds: 16.0 }));
        let deferred = "srclimit_penalise: ipv4: new 192.0.2.1/32 deferred penalty of 5 seconds for penalty: failed authentication";
        assert_eq!(penalty(deferred), None);
    }
}
