//! Rows of which ssh's transcript alone leads to another verdict than the login itself, and why that is as good as it gets.

/// The row, and why.
pub(crate) const EXCEPTIONS: &[(&str, &str)] = &[
    ("askpass-password", "the person of the recording answers otherwise than the one of the row"),
    ("cert-named-key-in-agent-identities-only", "ssh speaks of the certificate alone, which is named as a key"),
    ("close-at-second-query", "live it is undetermined; ssh's lines show the refusal before"),
    ("command-line-of-a-device", "`true` ends with 1, and whether it was a command there is not told"),
    ("key-exit-3", "`true` ends with 3, and whether it was a command there is not told"),
    ("dialogue-of-ten-thousand-questions", "ssh stops at the first question and tells nothing of the others"),
    ("dialogue-without-end", "ssh stops at the first question and tells nothing of the others"),
    ("jump-interactive-and-the-person-gives-up", "the recording has no person who gives up"),
    ("key-bound-for-a-time", "`true` ran, and ssh does not say which command it was"),
    ("no-terminal-by-the-key", "the recording ends before the shell"),
    ("offered-key-where-every-key-is-accepted", "--offer asks what ssh does not"),
    ("offered-key-with-publickey-off-here", "--offer asks what ssh does not"),
    ("opinion-quantum-agent-constrained", "live it is undetermined; ssh's lines show more"),
    ("opinion-quantum-no-login", "--no-login stops where ssh goes on"),
    ("pam-permits-kbdint", "ssh answers a dialogue that asks nothing, and the login works"),
    ("pam-permits-second-factor", "ssh answers a dialogue that asks nothing, and the login works"),
    ("proxy-passes-descriptors", "live it is undetermined; ssh's login works"),
    ("rekey", "live it is undetermined; ssh's login works"),
    ("server-10.0-refuses-the-connection", "live it is undetermined; ssh's lines allow a guess"),
    ("sftp-and-a-shell-that-prints", "what sftp reads is in no line of ssh's"),
];

/// Rows whose recordings differ from one time to the next, and why.
pub(crate) const NOW_AND_THEN: &[(&str, &str)] = &[
    ("jump-interrupted-at-the-open", "the recording is not interrupted, and how far it comes in its time differs"),
    ("jump-hop-behind-a-program-that-is-missing", "the shell's words come before ssh's first line or after it"),
    (
        "proxy-program-sleeps-and-the-run-is-interrupted",
        "the recording is not interrupted, and how far it comes in its time differs",
    ),
    ("proxy-program-prints-a-web-page", "ssh writes before the program ends, or after it"),
    ("proxy-program-prints-its-help", "ssh writes before the program ends, or after it"),
    ("proxy-program-prints-an-identification-and-ends", "ssh writes before the program ends, or after it"),
    ("server-10.0-a-password-after-the-key", "the server remembers the refusals before it, for a while"),
];
