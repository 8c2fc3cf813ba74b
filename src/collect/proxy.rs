//! The way to a server through what the configuration puts before it: a program, or other hosts.

pub(super) mod processes;
pub(super) mod program;
