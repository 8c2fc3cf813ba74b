//! Public keys and certificates from their wire form and from a line of text (RFC 4253 section 6.6, PROTOCOL.certkeys,
//! PROTOCOL.u2f, sshkey.c).

use crate::facts::key::PublicKey;

/// The key in `blob`. A type that is not known, or a blob that does not parse, keeps its name, blob and fingerprint;
/// `None` only where not even a name can be read.
pub fn from_blob(blob: &[u8], comment: &[u8]) -> Option<PublicKey> {
    let _ = (blob, comment);
    None
}

/// The key in a line of a `.pub` file: type, base64, comment. `None` where the line is none.
pub fn from_line(line: &[u8]) -> Option<PublicKey> {
    let _ = line;
    None
}
