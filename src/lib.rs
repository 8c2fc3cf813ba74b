//! sshdoctor names the root cause of a failed SSH login, the evidence that proves it and the command that mends it.
//!
//! ```text
//!        live target          (a transcript, a saved case, a collector's output: one more source each)
//!             │
//!     collect::live()          every socket, file, process, clock and await
//!             ▼
//!           Facts              what was seen, and where; or why it was not
//!             │  checks::CHAIN   a claim a link, and the causes that break it
//!             ▼
//!   diagnose(&Facts) -> Verdict              the first break, what bites next, what is ruled out
//!             ▼
//!   report(&Facts, &Verdict) -> Report       words chosen, commands filled in and quoted
//!             ▼
//!   render: terminal │ markdown │ json       bytes; nothing is decided here
//! ```
//!
//! Imports point up this picture only. [`collect`] and [`checks`] do not know each other; what both must know, how
//! OpenSSH itself decides, stands between them in [`openssh`]. Asynchronous code ends where the facts are complete:
//! judgement is pure and total.
//!
//! One guess finds a file: what is known about the agent is in `facts/agent.rs`, how it is read in `collect/agent.rs`,
//! what can be wrong with it in `checks/agent.rs`.

pub mod checks;
pub mod collect;
pub mod demo;
pub mod diagnose;
pub mod facts;
pub mod openssh;
pub mod redact;
pub mod render;
pub mod report;
#[cfg(test)]
mod testing;
