//! The formats of a private key file, from its first bytes and its last line (PROTOCOL.key, authfile.c, sshkey.c
//! `sshkey_parse_private_fileblob_type`).
