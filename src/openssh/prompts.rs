//! Whether ssh could ask a person (readpass.c `read_passphrase`, ssh_config(5) `BatchMode`).

use crate::facts::Facts;

/// Whether somebody could be asked in this run: no `BatchMode`, and a terminal or an askpass program.
pub fn can_be_asked(facts: &Facts) -> bool {
    !facts.config.options.is_yes("batchmode") && (facts.run.terminal || facts.run.askpass.is_some())
}

/// Whether somebody could be asked for a passphrase, a password or a code: as above, and `NumberOfPasswordPrompts` is not
/// 0, and the run does not ask about one public key alone (sshconnect2.c `userauth_passwd`, `userauth_kbdint`, `load_identity_file`).
pub fn secrets_can_be_asked(facts: &Facts) -> bool {
    let allowed = facts.config.options.first("numberofpasswordprompts") != Some("0");
    can_be_asked(facts) && allowed && facts.run.limits.offer.is_none()
}
