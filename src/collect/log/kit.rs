//! The kit: one paste for a person without sshdoctor, and the reading of what it printed.

mod pasted;
mod read;

use std::ffi::OsString;

use anyhow::{Context as _, ensure};

use super::typed::is_idle;
use crate::openssh::{arguments, windows};

pub(super) use read::{Kit, is_mark};

/// The paste for a POSIX shell; `TARGET` stands for the login.
const POSIX: &str = include_str!("kit.sh");
/// The paste for PowerShell.
const POWERSHELL: &str = include_str!("kit.ps1");
/// How long a word may be, in bytes.
const LONGEST: usize = 512;
/// How many words of options are taken.
const MOST: usize = 64;
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

/// The paste that asks about a login: `words` are ssh's, its options and `[user@]host`.
///
/// # Errors
/// Where ssh would take no such words, or the shell could not hand them to ssh; a sentence.
pub fn kit(words: &[OsString], shell: Shell) -> anyhow::Result<String> {
    let login = arguments::parse(words).map_err(anyhow::Error::msg)?;
    ensure!(login.command.is_empty(), "the kit asks about the login alone: name no command");
    let options = decisive(&login);
    let target = login.destination.context("the kit takes one login, [user@]host")?;
    let options = options.into_iter().map(OsString::into_string).collect::<Result<Vec<_>, _>>();
    let (Ok(target), Ok(options)) = (target.into_string(), options) else {
        anyhow::bail!("the kit takes UTF-8 only");
    };
    let host = target.rsplit_once('@').map_or(target.as_str(), |(_, host)| host);
    ensure!(!host.is_empty(), "the kit takes one login, [user@]host");
    ensure!(!target.starts_with('-') && !host.starts_with('-'), "ssh takes no host that begins with a dash");
    let is_printable = |word: &str| word.len() <= LONGEST && !word.chars().any(char::is_control);
    let printable = is_printable(&target) && !target.contains(char::is_whitespace);
    ensure!(printable, "no login has blanks or controls in its name, or more than {LONGEST} bytes");
    ensure!(
        options.len() <= MOST && options.iter().all(|word| is_printable(word) && !word.is_empty()),
        "the kit takes {MOST} words of options, none with controls or of more than {LONGEST} bytes"
    );
    let typed = std::iter::once("ssh").chain(options.iter().map(String::as_str)).chain([target.as_str()]);
    let typed = shlex::try_join(typed).context("the login")?;
    match shell {
        Shell::Posix => {
            let quoted = |word: &String| format!("'{}'", word.replace('\'', "'\\''"));
            let words: Vec<String> = options.iter().map(|word| quoted(word) + " ").collect();
            let script = POSIX
                .replace("OPTIONS ", &words.concat())
                .replacen("typed=TYPED", &format!("typed={}", quoted(&typed)), 1)
                .replacen("target=TARGET", &format!("target={}", quoted(&target)), 1);
            Ok(format!("sh -s <<'{END}'\n{script}{END}\n"))
        }
        Shell::PowerShell => {
            let told = std::iter::once(&target).chain(&options);
            ensure!(
                !told.clone().any(|word| word.contains('"')),
                "Windows PowerShell cannot hand a quotation mark to ssh"
            );
            let words = options.iter().map(|word| windows::single_quoted(word)).collect::<Vec<_>>().join(", ");
            Ok(POWERSHELL
                .replacen("$given = @(OPTIONS)", &format!("$given = @({words})"), 1)
                .replacen("$typed = TYPED", &format!("$typed = {}", windows::single_quoted(&typed)), 1)
                .replacen("$target = TARGET", &format!("$target = {}", windows::single_quoted(&target)), 1))
        }
    }
}

/// The options but for those that decide neither who logs in where nor with what: forwardings would be made, a live
/// connection would hide the login, and a variable's value is nobody's business.
fn decisive(login: &arguments::Arguments) -> Vec<OsString> {
    const WAYS_OF_SESSIONS: &[u8] = b"NTtnsz";
    const OF_HOST_KEY: &[&str] =
        &["stricthostkeychecking", "userknownhostsfile", "globalknownhostsfile", "checkhostip"];
    login.options_but(|letter, value| {
        let keyword = value.map(|value| arguments::keyword_and_value(value.as_encoded_bytes()).0);
        let of_host_key = letter == b'o' && keyword.is_some_and(|keyword| OF_HOST_KEY.contains(&keyword.as_str()));
        !of_host_key && (is_idle(letter, value) || WAYS_OF_SESSIONS.contains(&letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kit(target: &str, shell: Shell) -> anyhow::Result<String> {
        super::kit(&[target.into()], shell)
    }

    #[test]
    fn options_stand_where_ssh_is_run_and_in_what_is_told() {
        let words = ["-p", "2222", "-o", "User=it's", "web1"].map(OsString::from);
        let text = super::kit(&words, Shell::Posix).unwrap();
        assert_eq!(text.matches("'-p' '2222' '-o' 'User=it'\\''s' \"$target\"").count(), 2, "{text}");
        assert!(text.contains("typed='ssh -p 2222 -o \"User=it'\\''s\" web1'\n"), "{text}");
        let text = super::kit(&words, Shell::PowerShell).unwrap();
        assert!(text.contains("$given = @('-p', '2222', '-o', 'User=it''s')\n"), "{text}");
        let words = ["-N", "-L", "8080:localhost:80", "-o", "SetEnv=TOKEN=hunter2", "-p", "2222", "web1"];
        let text = super::kit(&words.map(OsString::from), Shell::Posix).unwrap();
        assert!(
            text.contains("typed='ssh -p 2222 web1'\n") && !text.contains("hunter2") && !text.contains("8080"),
            "{text}"
        );
        for words in [&["web1", "uptime"][..], &["-p"], &["-o", "a\nb", "web1"]] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert!(super::kit(&words, Shell::Posix).is_err(), "{words:?}");
        }
    }

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
