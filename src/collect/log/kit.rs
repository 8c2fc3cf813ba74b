//! The kit: one paste for a person without sshdoctor, and the reading of what it printed.

mod pasted;
mod read;

use anyhow::ensure;

pub(super) use read::{Kit, is_mark};

/// The paste for a POSIX shell; `TARGET` stands for the login.
const POSIX: &str = include_str!("kit.sh");
/// The paste for PowerShell.
const POWERSHELL: &str = include_str!("kit.ps1");
/// Where the paste for a POSIX shell ends.
const END: &str = "END_OF_SSHDOCTOR_KIT";

/// The shell that a kit is pasted into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shell {
    /// Any POSIX shell; zsh and fish start it too.
    #[default]
    Posix,
    /// Windows PowerShell 5.1 and later.
    PowerShell,
}

/// The paste that asks about a login to `target`, `[user@]host`.
///
/// # Errors
/// Where ssh would take no such destination, or the shell could not hand it to ssh; a sentence.
pub fn kit(target: &str, shell: Shell) -> anyhow::Result<String> {
    let host = target.rsplit_once('@').map_or(target, |(_, host)| host);
    ensure!(!host.is_empty(), "the kit takes one login, [user@]host");
    ensure!(!target.starts_with('-') && !host.starts_with('-'), "ssh takes no host that begins with a dash");
    let printable = target.len() <= 512 && !target.chars().any(|one| one.is_control() || one.is_whitespace());
    ensure!(printable, "no login has blanks or controls in its name, or more than 512 bytes");
    match shell {
        Shell::Posix => {
            let quoted = format!("'{}'", target.replace('\'', "'\\''"));
            let script = POSIX.replacen("target=TARGET", &format!("target={quoted}"), 1);
            Ok(format!("sh -s <<'{END}'\n{script}{END}\n"))
        }
        Shell::PowerShell => {
            ensure!(!target.contains('"'), "Windows PowerShell cannot hand a quotation mark to ssh");
            let mut quoted = String::from("'");
            for character in target.chars() {
                // It takes typographic quotes for the same.
                if matches!(character, '\'' | '\u{2018}'..='\u{201b}') {
                    quoted.push(character);
                }
                quoted.push(character);
            }
            quoted.push('\'');
            Ok(POWERSHELL.replacen("$target = TARGET", &format!("$target = {quoted}"), 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_login_gets_no_kit() {
        for target in ["", "a@", "-oProxyCommand=x", "a@-x", "a b", "a\nb", "\u{1b}[31m", &"x".repeat(600)] {
            assert!(kit(target, Shell::Posix).is_err(), "{target:?}");
            assert!(kit(target, Shell::PowerShell).is_err(), "{target:?}");
        }
        assert!(kit("a\"b", Shell::PowerShell).is_err());
    }

    #[test]
    fn nothing_of_a_name_leaves_its_quotes() {
        let text = kit("it's@web1", Shell::Posix).unwrap();
        assert!(text.contains("target='it'\\''s@web1'\n"), "{text}");
        let text = kit("it's@\u{2019};calc", Shell::PowerShell).unwrap();
        assert!(text.contains("$target = 'it''s@\u{2019}\u{2019};calc'\n"), "{text}");
    }

    #[test]
    fn the_powershell_kit_closes_what_it_opens() {
        let mut open = Vec::new();
        let text = kit("deploy@web1", Shell::PowerShell).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut quote = None;
            for character in line.chars() {
                match (quote, character) {
                    (Some(mark), _) if mark == character => quote = None,
                    (Some('"'), '(' | ')') | (None, '(' | ')' | '{' | '}') => {
                        if matches!(character, '(' | '{') {
                            open.push(character);
                        } else {
                            let wanted = if character == ')' { '(' } else { '{' };
                            assert_eq!(open.pop(), Some(wanted), "{line}");
                        }
                    }
                    (None, '\'' | '"') => quote = Some(character),
                    _ => {}
                }
            }
            assert_eq!(quote, None, "{line}");
        }
        assert_eq!(open, [' '; 0]);
    }
}
