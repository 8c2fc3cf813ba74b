//! The course of userauth: what ssh does with each identity in turn, given the answers (sshconnect2.c
//! `userauth_pubkey`).
