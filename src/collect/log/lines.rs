//! The lines of the login that was chosen, as they stand in the files: for whoever wants to pass them on.
//!
//! Touches: the files that are named, to read them once more.

use std::ffi::OsString;

use anyhow::{Context as _, bail};

use super::{each_line, is_known, named};
use crate::facts::Facts;

/// How many lines of one login are handed on.
const MOST_LINES: usize = 200_000;

/// The lines that state something, of ssh first and then of sshd, and how many between them do not. `facts`: what
/// [`super::read`] made of these files.
///
/// # Errors
/// Where the lines came through a pipe, or a file cannot be read a second time.
pub fn lines(files: &[OsString], facts: &Facts) -> anyhow::Result<(Vec<String>, u64)> {
    let (mut lines, mut left_out) = (Vec::new(), 0);
    let client = facts.log.as_ref().and_then(|log| log.client.as_ref());
    if let Some(part) = client {
        let Some(file) = files.iter().find(|file| named(file) == part.file) else {
            bail!("{}: it is not here", part.file)
        };
        let is_file = std::fs::metadata(file).is_ok_and(|file| file.is_file());
        if file == "-" || !is_file {
            bail!("--lines reads a file twice: write what comes through a pipe to a file first");
        }
        each_line(file, |number, line| {
            if !(part.first..=part.last).contains(&number) || line.is_empty() {
                return;
            }
            if is_known(line) && lines.len() < MOST_LINES {
                lines.push(line.to_owned());
            } else {
                left_out += 1;
            }
        })
        .with_context(|| part.file.to_string())?;
    }
    let account = facts.account.as_ref().ok();
    if let Some(log) = account.and_then(|account| account.log.as_ref().ok()) {
        lines.extend(log.lines.iter().map(ToString::to_string));
    }
    Ok((lines, left_out))
}
