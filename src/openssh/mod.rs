//! How ssh decides: OpenSSH's own rules as pure functions over facts, each citing the source it follows.
//!
//! Collectors and checks both need them (what to ask, and how to judge the answer), so they stand between the two.

pub mod addresses;
pub mod algorithms;
pub mod arguments;
pub mod authenticators;
pub mod authorized_keys;
pub mod blocks;
pub mod certificates;
pub mod course;
pub mod defaults;
pub mod git_hosts;
pub mod identities;
pub mod jump;
pub mod key_format;
pub mod known_hosts;
pub mod libraries;
pub mod methods;
pub mod opinion;
pub mod pam;
pub mod patterns;
pub mod prompts;
pub mod proxies;
pub mod public_key;
pub mod putty;
pub mod server;
pub mod session;
pub mod sshd;
pub mod strict_modes;
pub mod tokens;
pub mod windows;
pub mod wire;
