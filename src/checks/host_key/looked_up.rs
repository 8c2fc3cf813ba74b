//! Where a host key was looked up, and what ssh could not read there.

use crate::facts::Facts;
use crate::facts::host_key::KnownHostsFile;
use crate::openssh::known_hosts;

/// Lines of the user's own files that ssh passes over, in words: the key that they were meant to name is not known.
pub(super) fn not_understood(facts: &Facts) -> Option<String> {
    let files = &facts.host_key.known.as_ref().ok()?.files;
    let file = files.iter().find(|file| !file.global && !file.unreadable_lines.is_empty())?;
    Some(format!("ssh does not understand line {} of {}", numbers(file), file.path))
}

/// The first lines of a file that ssh does not understand, by number.
fn numbers(file: &KnownHostsFile) -> String {
    let numbers: Vec<String> = file.unreadable_lines.iter().take(5).map(ToString::to_string).collect();
    numbers.join(", ")
}

/// Where was looked, and under which names.
pub(super) fn looked_at(facts: &Facts) -> Vec<String> {
    let Ok(known) = &facts.host_key.known else { return Vec::new() };
    let names: Vec<String> = known.names.iter().map(ToString::to_string).collect();
    let mut lines = vec![format!("looked up as {}", names.join(", "))];
    for file in &known.files {
        match &file.state {
            Err(error) if error.is_missing() => lines.push(format!("{} does not exist", file.path)),
            Err(error) => lines.push(format!("{} cannot be read ({})", file.path, error.errno)),
            Ok(_) if !file.unreadable_lines.is_empty() => {
                lines.push(format!("{} was read; ssh does not understand line {}", file.path, numbers(file)));
            }
            Ok(_) => lines.push(format!("{} was read", file.path)),
        }
    }
    if let Some(option) = known_hosts::asks_elsewhere(facts) {
        lines.push(format!("{option} is set, and was not asked here: ssh may know more"));
    }
    lines
}
