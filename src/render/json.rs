//! A report as JSON, the interface for scripts: one object, every key always present.

use crate::facts::text::escape;
use crate::report::Report;

/// The report as one JSON object, with a line feed at its end.
pub fn json(report: &Report) -> String {
    // No map in a report has keys that are not strings, which is all that could fail.
    let plain = serde_json::to_string_pretty(report).unwrap_or_default();
    let mut out = String::with_capacity(plain.len() + 1);
    for character in plain.chars() {
        if character != '\n' && is_hidden(character) {
            push_escaped(&mut out, character);
        } else {
            out.push(character);
        }
    }
    out.push('\n');
    out
}

/// Whether a terminal would obey or hide the character. Those below a space are escaped by serde_json already.
fn is_hidden(character: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    escape(text.as_bytes()) != text
}

/// The character as JSON writes one by number (RFC 8259 section 7): one or two UTF-16 units.
fn push_escaped(out: &mut String, character: char) {
    use std::fmt::Write as _;
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::diagnose::diagnose;
    use crate::facts::Facts;
    use crate::render::sample;

    /// The keys that an object holds, in alphabetical order.
    fn keys(value: &Value) -> Vec<&str> {
        let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    /// Asserts that the object at `pointer` has exactly these keys.
    fn has(report: &Value, pointer: &str, expected: &str) {
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(keys(report.pointer(pointer).unwrap()), expected, "{pointer}");
    }

    const TOP: &str = "schema sshdoctor observed_at source log target client server identities verdict accounts footprint \
                       checks";
    const VERDICT: &str =
        "cause certainty where summary evidence next_steps prevent needs also alternatives hop ruled_out";

    #[test]
    fn a_report_about_nothing_has_every_key() {
        let facts = Facts::default();
        let report = crate::report::report(&facts, &diagnose(&facts));
        let value: Value = serde_json::from_str(&json(&report)).unwrap();
        has(&value, "", TOP);
        has(&value, "/client", "os user ssh ssh_version can_be_asked");
        has(&value, "/verdict", VERDICT);
        has(&value, "/checks/0", "id stage hop status summary evidence remarks millis");
        for absent in ["/target", "/server", "/accounts", "/footprint", "/verdict/where", "/verdict/hop"] {
            assert_eq!(value.pointer(absent), Some(&Value::Null), "{absent}");
        }
        for list in ["/identities", "/verdict/needs", "/verdict/also", "/verdict/alternatives"] {
            assert!(value.pointer(list).unwrap().is_array(), "{list}");
        }
        let checks: Vec<&str> =
            value["checks"].as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect();
        assert_eq!(
            checks.join(" "),
            "client-config key-files key-permissions identities agent resolve proxy connect banner algorithms host-key \
             auth-methods authorized-keys login sshd-config account key-entry server-log session"
        );
    }

    #[test]
    fn every_part_of_a_full_report_has_every_key() {
        let value: Value = serde_json::from_str(&json(&sample::refused())).unwrap();
        let step = "where shell as command why";
        has(&value, "", TOP);
        has(&value, "/target", "input user host port addresses via");
        has(&value, "/server", "identification methods host_key");
        has(&value, "/server/host_key", "type fingerprint known");
        let identity = "fingerprint type comment sources path forwarded machine hardware offered_by_ssh order answer used_to_log_in";
        has(&value, "/identities/0", identity);
        has(&value, "/verdict", VERDICT);
        has(&value, "/verdict/next_steps/0", step);
        has(&value, "/verdict/also/0", "cause certainty summary evidence next_steps");
        has(&value, "/verdict/alternatives/0", "cause certainty summary evidence next_steps decide");
        has(&value, "/verdict/alternatives/0/decide", "where command");
        has(&value, "/verdict/ruled_out/0", "cause because");
        let footprint = "connections auth_requests auth_failures public_keys_disclosed commands_run hops admin";
        has(&value, "/footprint", footprint);
    }

    #[test]
    fn hidden_characters_are_written_by_number_and_read_back_the_same() {
        let mut report = sample::refused();
        report.verdict.summary = "a\u{202e}b\u{e0041}c\u{7f}d\u{1b}e\\xg ü".to_owned();
        let text = json(&report);
        assert!(text.contains(r"a\u202eb\udb40\udc41c\u007fd\u001be\\xg ü"), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["verdict"]["summary"], report.verdict.summary.as_str());
    }
}
