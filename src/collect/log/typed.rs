//! The command that somebody typed before the lines of an ssh, where the paste shows it: what the next command says too.

use std::ffi::{OsStr, OsString};

use memchr::memmem;

use super::paste::command;
use crate::facts::text::{Host, ServerText};
use crate::facts::{Facts, Target, UserFrom};
use crate::openssh::arguments::{Arguments, keyword_and_value, parse, program, value_words};

/// What a shell would have put something else in the place of: nobody here knows what.
const EXPANDED: &[char] = &['$', '`', '*', '?', ';', '|', '&', '<', '>', '('];

/// The command line of ssh that the line shows, taken apart; `None` where it is none, or one of another program.
pub(super) fn typed(line: &str) -> Option<Arguments> {
    memmem::find(line.as_bytes(), b"ssh")?;
    let typed = command(line)?;
    let words = words(typed)?;
    let at = words.iter().position(|word| program(word) == Some("ssh"))?;
    let arguments = &words[at..];
    let whole = !arguments.iter().any(|word| word.to_string_lossy().contains(EXPANDED));
    whole.then(|| parse(arguments).ok()).flatten().filter(|arguments| arguments.path.is_none())
}

/// The words as the shell parted them; `cmd` and PowerShell leave backslashes alone.
fn words(typed: &str) -> Option<Vec<OsString>> {
    if typed.contains('\\') || typed.contains(".exe ") {
        let words = value_words(typed.as_bytes()).into_iter().filter_map(|word| String::from_utf8(word).ok());
        return Some(words.map(|word| OsString::from(word.strip_suffix(".exe").unwrap_or(&word))).collect());
    }
    Some(shlex::split(typed)?.into_iter().map(OsString::from).collect())
}

/// Puts what was typed in the place of what only the lines tell, where nothing in them says otherwise.
pub(super) fn state(facts: &mut Facts, typed: &Arguments) {
    let (user, port) = (user(typed), port(typed));
    let alias = Host::from(typed.host.as_encoded_bytes());
    let input = Host::from(typed.destination.as_deref().map(OsStr::as_encoded_bytes).unwrap_or_default());
    let command: Vec<&[u8]> = typed.command.iter().map(|word| word.as_encoded_bytes()).collect();
    let command = (!command.is_empty()).then(|| ServerText::new(command.join(&b' ')));
    let arguments = typed.options.iter().map(|word| word.as_encoded_bytes().into()).collect();
    if let Ok(target) = &mut facts.target {
        let other_user = user.as_ref().is_some_and(|user| !target.user.is_empty() && target.user != user.as_str());
        if other_user || port.is_some_and(|port| port != target.port) {
            return;
        }
        target.input = input;
        target.alias = alias;
        target.command = target.command.take().or(command);
        if target.user.is_empty() {
            target.user = user.unwrap_or_default().as_str().into();
        }
    } else {
        facts.target = Ok(Target {
            input,
            alias: alias.clone(),
            user: user.unwrap_or_default().as_str().into(),
            user_from: UserFrom::CommandLine,
            host: alias,
            port: port.unwrap_or(22),
            program: "ssh".to_owned(),
            command,
            ..Target::default()
        });
    }
    facts.config.arguments = arguments;
}

/// The account that is named: the first of them counts (ssh.c `main`).
fn user(typed: &Arguments) -> Option<String> {
    named(typed, b'l', "user")
}

fn port(typed: &Arguments) -> Option<u16> {
    named(typed, b'p', "port").and_then(|port| port.parse().ok())
}

/// The first value of an option, or of the keyword that means the same.
fn named(typed: &Arguments, letter: u8, keyword: &str) -> Option<String> {
    typed.pairs().into_iter().find_map(|(of, value)| {
        let value = value?;
        let value = value.as_encoded_bytes();
        let value = match of {
            b'o' => Some(keyword_and_value(value)).filter(|(name, _)| name == keyword).map(|(_, value)| value),
            of => (of == letter).then_some(value),
        };
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(line: &str) -> Option<String> {
        let typed = typed(line)?;
        let words: Vec<String> = typed.options.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Some(format!("{} {}", words.join(" "), typed.destination?.to_string_lossy()))
    }

    #[test]
    fn what_a_prompt_shows_is_taken_apart() {
        let rows = [
            ("ann@laptop:~$ ssh -vvv -i ~/.ssh/prod.pem -p 2222 deploy@web1", "-i ~/.ssh/prod.pem -p 2222 deploy@web1"),
            ("$ LC_ALL=C sudo ssh -o 'User deploy' web1 uptime", "-o User deploy web1"),
            ("PS C:\\Users\\ann> ssh.exe -i C:\\keys\\id web1", "-i C:\\keys\\id web1"),
        ];
        for (line, wanted) in rows {
            assert_eq!(destination(line).as_deref(), Some(wanted), "{line}");
        }
        for line in ["$ ssh -i $KEY web1", "$ ssh-copy-id web1", "$ git push", "ssh is broken", "$ ssh -vvv"] {
            assert_eq!(destination(line), None, "{line}");
        }
    }

    #[test]
    fn what_the_lines_say_is_not_overruled() {
        let target = Target { user: "ops".into(), host: "web1".into(), port: 22, ..Target::default() };
        let mut facts = Facts { target: Ok(target.clone()), ..Facts::default() };
        state(&mut facts, &typed("$ ssh -p 22 deploy@web1").unwrap());
        assert_eq!(facts.target, Ok(target.clone()));
        state(&mut facts, &typed("$ ssh -p 2222 ops@web1").unwrap());
        assert_eq!(facts.target, Ok(target));
        state(&mut facts, &typed("$ ssh -i k ops@web1").unwrap());
        assert_eq!(facts.config.arguments, ["-i", "k"].map(ServerText::from).to_vec());
    }
}
