//! What does a server's identification string say of its software (RFC 4253 section 4.2)?

/// The software that an identification string names, and comments behind it: what follows `SSH-2.0-`.
pub fn software(identification: &[u8]) -> &[u8] {
    identification.splitn(3, |byte| *byte == b'-').nth(2).unwrap_or_default()
}

/// Whether this server is known to look for the key before it says yes to a query (auth2-pubkey.c `user_key_allowed`,
/// dropbear's svr-authpubkey.c `checkpubkey`). tinysshd is one that says yes to everybody.
pub fn looks_before_its_yes(identification: &[u8]) -> bool {
    let software = software(identification);
    software.starts_with(b"OpenSSH_") || software.starts_with(b"dropbear")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_the_name_of_its_software_alone() {
        assert_eq!(software(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3"), b"OpenSSH_9.2p1 Debian-2+deb12u3");
        assert_eq!(software(b"SSH-2.0"), b"");
        for known in ["SSH-2.0-OpenSSH_9.2p1", "SSH-2.0-OpenSSH_for_Windows_9.5", "SSH-2.0-dropbear_2022.83"] {
            assert!(looks_before_its_yes(known.as_bytes()), "{known}");
        }
        for other in ["SSH-2.0-tinyssh_noversion", "SSH-2.0-Cisco-1.25 not OpenSSH_9.2", "OpenSSH_9.2", ""] {
            assert!(!looks_before_its_yes(other.as_bytes()), "{other}");
        }
    }
}
