//! The engine: how the probe speaks SSH.
//!
//! russh makes the key exchange and checks the host key's signature; [`tap`] stands between it and the socket,
//! records what passes in the clear and gives the socket back when both sides have their keys. From then on
//! [`packet`] carries the probe's own messages ([`message`]), encrypted by [`cipher`] with the keys of [`keys`].

pub(crate) mod carrier;
pub(crate) mod cipher;
pub(crate) mod keys;
pub(crate) mod message;
pub(crate) mod packet;
pub(crate) mod plain;
pub(crate) mod tap;
pub(crate) mod tunnel;
pub(crate) mod wire;

#[cfg(test)]
pub(crate) mod servers;
#[cfg(test)]
mod tests;
