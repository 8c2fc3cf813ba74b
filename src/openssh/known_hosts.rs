//! Under which names ssh looks a host key up, what a known_hosts line matches, and what the answer is
//! (sshconnect.c `check_host_key`, hostfile.c).

use crate::facts::Facts;
use crate::facts::host_key::KnownHost;

/// What ssh would make of the host key that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A line names this key, or a trusted CA signed its certificate.
    Match(KnownHost),
    /// No line matches the name.
    Unknown,
    /// Lines match the name and hold other keys.
    Changed(Vec<KnownHost>),
    /// `@revoked` or `RevokedHostKeys` names it.
    Revoked,
    /// It is a host certificate that ssh does not accept, for this reason, and its plain key is not known either.
    BadCertificate(String),
}

/// What ssh would make of the host key; `None` where no host key was met.
pub fn standing(facts: &Facts) -> Option<Standing> {
    let _ = facts;
    None
}

/// What ssh does after looking at the host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It goes on.
    GoOn,
    /// It asks a person first: queries may go on, but no signature, no password, no channel.
    Ask,
    /// It stops: nothing more is sent.
    Stop,
}

/// What ssh would do, by `StrictHostKeyChecking` and whether a person can be asked. `Stop` where no key was met.
pub fn course(facts: &Facts) -> Course {
    let _ = facts;
    Course::Stop
}
