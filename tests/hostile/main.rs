//! Bad input: servers, key files, agents and folders that mean harm or are broken beyond sense.
//!
//! Whatever they do, there is a verdict or a clear error within the time limit, no panic, nothing raw on the terminal,
//! bounded output and memory, and nothing written. Where one cause is the only plausible one, it is demanded; where
//! several would be fair, the family is. A wrong verdict stated as fact is a failure here too.
//!
//! The servers are scripted here or a real sshd of the test's own, with a tampering line before it where needed.

// cfg(test) tells clippy what it cannot see: all of this is test code.
#[cfg(test)]
mod agent;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod client;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod home;
#[cfg(test)]
mod hygiene;
#[cfg(test)]
mod key_files;
#[cfg(test)]
mod known_hosts;
#[cfg(test)]
mod line;
#[cfg(test)]
mod server;
#[cfg(test)]
#[path = "../support/sshd.rs"]
mod sshd;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod unasked;
#[cfg(test)]
mod userauth;
