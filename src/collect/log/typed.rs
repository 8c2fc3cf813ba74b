//! The command that somebody typed before the lines of an ssh, where the paste shows it: what the next command says too.

use std::ffi::{OsStr, OsString};

use memchr::memmem;

use super::paste::command;
use crate::collect::transcript;
use crate::facts::text::{Host, ServerText};
use crate::facts::{Facts, Target, Unobserved, UserFrom};
use crate::openssh::arguments::{
    Arguments, COPYING, carrier, git, keyword_and_value, parse, program, rsync, value_words,
};

/// The programs whose command line says which login is meant.
const PROGRAMS: &[&str] = &["ssh", "scp", "sftp", "rsync", "git"];

/// What a shell would have put something else in the place of: nobody here knows what.
const EXPANDED: &[char] = &['$', '`', '*', '?', ';', '|', '&', '<', '>', '('];

/// Keywords of options that only say which login is meant and what is offered to it.
const HARMLESS: &[&str] = &[
    "addressfamily",
    "batchmode",
    "bindaddress",
    "bindinterface",
    "ciphers",
    "connecttimeout",
    "gssapiauthentication",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityfile",
    "kbdinteractiveauthentication",
    "kexalgorithms",
    "macs",
    "numberofpasswordprompts",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "proxyjump",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "serveraliveinterval",
    "user",
];

/// Keywords of options that decide neither who logs in where, nor with what.
const IDLE: &[&str] = &[
    "addkeystoagent",
    "checkhostip",
    "compression",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "exitonforwardfailure",
    "forwardagent",
    "forwardx11",
    "forwardx11trusted",
    "globalknownhostsfile",
    "hashknownhosts",
    "localforward",
    "loglevel",
    "remoteforward",
    "requesttty",
    "sendenv",
    "serveralivecountmax",
    "setenv",
    "stricthostkeychecking",
    "tcpkeepalive",
    "updatehostkeys",
    "userknownhostsfile",
    "visualhostkey",
];

/// A command line of ssh, taken apart.
#[derive(Debug)]
pub(super) struct Typed {
    /// ssh's words.
    pub(super) arguments: Arguments,
    /// Whether sudo runs it.
    pub(super) sudo: bool,
}

/// The command line of ssh that the line shows, taken apart; `None` where it is none, or one of another program.
pub(super) fn typed(line: &str) -> Option<Typed> {
    PROGRAMS.iter().find(|name| memmem::find(line.as_bytes(), name.as_bytes()).is_some())?;
    let typed = command(line)?;
    let words = words(typed)?;
    let at = words.iter().position(|word| program(word).or_else(|| carrier(word)).is_some())?;
    let arguments = &words[at..];
    let whole = !arguments.iter().any(|word| word.to_string_lossy().contains(EXPANDED));
    let arguments = whole.then(|| parsed(arguments)).flatten().filter(|arguments| arguments.path.is_none())?;
    let arguments = harmless(arguments)?;
    let sudo = words[..at].iter().any(|word| word == "sudo");
    Some(Typed { arguments, sudo })
}

/// The same with the options that say which login is meant and what is offered to it. Whoever reads the paste types the next
/// command: nothing in it may run what the paste wants, so that another option makes it `None`, but for those that decide
/// neither and are left out.
fn harmless(mut arguments: Arguments) -> Option<Arguments> {
    let passes = |(letter, value): &(u8, Option<OsString>)| {
        is_idle(*letter, value.as_deref()) || is_harmless(*letter, value.as_deref())
    };
    if !arguments.pairs().iter().all(passes) {
        return None;
    }
    arguments.options = arguments.options_but(is_idle);
    arguments.before = arguments.options.len();
    Some(arguments)
}

/// Whether an option decides neither who logs in where, nor with what.
pub(super) fn is_idle(letter: u8, value: Option<&OsStr>) -> bool {
    match letter {
        b'o' => {
            let (keyword, _) = keyword_and_value(value.unwrap_or_default().as_encoded_bytes());
            IDLE.contains(&keyword.as_str())
        }
        letter => b"LRDWweSBgsMYyqvfE".contains(&letter),
    }
}

/// The words of ssh, or of a program that starts it, in which case what it would have ssh run is left out.
fn parsed(words: &[OsString]) -> Option<Arguments> {
    let (first, rest) = words.split_first()?;
    let parsed = match (program(first), carrier(first)) {
        (Some("ssh"), _) => return parse(words).ok(),
        (Some(_), _) => parse(words).ok()?,
        (None, Some("rsync")) => rsync::parse(rest, None, true).ok()?,
        (None, _) => {
            let git::Read::Call(call) = git::read(rest).ok()? else { return None };
            let url = call.remote.clone()?;
            git::login(&call, url.as_encoded_bytes(), &git::Shell::default(), true).ok()?
        }
    };
    let mut options = parsed.options.clone();
    options.retain(|word| !COPYING.iter().any(|own| word == own));
    if let Some(port) = parsed.port {
        options.extend(["-p".into(), port.to_string().into()]);
    }
    let mut destination = parsed.user.clone().unwrap_or_default();
    if parsed.user.is_some() {
        destination.push("@");
    }
    destination.push(&parsed.host);
    Some(Arguments {
        program: "ssh".to_owned(),
        before: options.len(),
        options,
        destination: Some(destination),
        host: parsed.host,
        user: parsed.user,
        path: parsed.path,
        ..Arguments::default()
    })
}

/// Whether an option only says which login is meant and what is offered to it: it runs nothing, loads nothing, and reads no
/// other configuration.
fn is_harmless(letter: u8, value: Option<&OsStr>) -> bool {
    let value = value.unwrap_or_default().as_encoded_bytes();
    match letter {
        b'o' => {
            let (keyword, value) = keyword_and_value(value);
            HARMLESS.contains(&keyword.as_str()) && is_plain(value) && (keyword != "proxyjump" || is_way(value))
        }
        b'4' | b'6' | b'A' | b'a' | b'C' | b'K' | b'k' | b'N' | b'n' | b'T' | b't' | b'x' | b'X' => true,
        b'J' => is_way(value),
        b'b' | b'c' | b'i' | b'l' | b'm' | b'p' => is_plain(value),
        _ => false,
    }
}

/// Whether these are jump hosts and nothing else: older versions of ssh hand the names to a shell.
fn is_way(value: &[u8]) -> bool {
    let is_name = |name: &[u8]| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-:[]%+".contains(byte);
        name.iter().all(plain) && !name.is_empty() && !name.starts_with(b"-")
    };
    value.split(|byte| *byte == b',').all(|hop| {
        let hop = hop.strip_prefix(b"ssh://").unwrap_or(hop);
        hop.split(|byte| *byte == b'@').all(is_name)
    })
}

/// Whether it is a word that begins as no option does.
fn is_plain(value: &[u8]) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"/~.,:@%+-_=[]\\ '".contains(&byte);
    !value.is_empty() && value[0] != b'-' && value.iter().all(|byte| is_plain(*byte))
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
pub(super) fn state(facts: &mut Facts, typed: &Typed) {
    if let Some(part) = facts.log.as_mut().and_then(|log| log.client.as_mut()) {
        part.sudo = typed.sudo;
    }
    let typed = &typed.arguments;
    let (user, port) = (user(typed), port(typed));
    let alias = Host::from(typed.host.as_encoded_bytes());
    let input = Host::from(typed.destination.as_deref().map(OsStr::as_encoded_bytes).unwrap_or_default());
    let command: Vec<&[u8]> = typed.command.iter().map(|word| word.as_encoded_bytes()).collect();
    let command = (!command.is_empty()).then(|| ServerText::new(command.join(&b' ')));
    let arguments = typed.options.iter().map(|word| word.as_encoded_bytes().into()).collect();
    if let Ok(target) = &mut facts.target {
        let other_user = user.as_ref().is_some_and(|user| !target.user.is_empty() && target.user != user.as_str());
        let told = facts.connect != Err(Unobserved::NotInThisSource) || target.port != 22;
        if other_user || (told && port.is_some_and(|port| port != target.port)) {
            return;
        }
        target.port = port.unwrap_or(target.port);
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
    transcript::name_server(facts);
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
        let words: Vec<String> =
            typed.arguments.options.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Some(format!("{} {}", words.join(" "), typed.arguments.destination?.to_string_lossy()))
    }

    #[test]
    fn what_a_prompt_shows_is_taken_apart() {
        let rows = [
            ("ann@laptop:~$ ssh -vvv -i ~/.ssh/prod.pem -p 2222 deploy@web1", "-i ~/.ssh/prod.pem -p 2222 deploy@web1"),
            ("$ LC_ALL=C sudo ssh -o 'User deploy' web1 uptime", "-o User deploy web1"),
            ("$ scp -P 2222 -i k.pem a.txt ann@web1:/tmp/", "-i k.pem -p 2222 ann@web1"),
            ("$ sftp -P 2222 ann@web1:/tmp", "-p 2222 ann@web1"),
            ("$ rsync -avz -e 'ssh -p 2222 -i /home/ann/k' d/ ann@web1:/srv/", "-p 2222 -i /home/ann/k -l ann web1"),
            ("$ git clone ssh://git@host:2222/a/b.git", "-p 2222 git@host"),
            ("$ git clone git@host:a/b.git", " git@host"),
            ("$ ssh -L 8080:localhost:80 -o StrictHostKeyChecking=no -p 2222 web1", "-p 2222 web1"),
            ("$ ssh -J ann@hop:2222,[2001:db8::7]:22 web1", "-J ann@hop:2222,[2001:db8::7]:22 web1"),
            ("PS C:\\Users\\ann> ssh.exe -i C:\\keys\\id web1", "-i C:\\keys\\id web1"),
        ];
        for (line, wanted) in rows {
            assert_eq!(destination(line).as_deref(), Some(wanted), "{line}");
        }
        for line in [
            "$ ssh -o ProxyCommand='touch x' web1",
            "$ ssh -F evil web1",
            "$ ssh -I /tmp/x.so web1",
            "$ ssh -J '-oProxyCommand=x' web1",
            "$ ssh -J 'x@-oProxyCommand=touch x' web1",
            "$ ssh -J 'a,-oProxyCommand=x' web1",
            "$ ssh -o 'ProxyJump=a b' web1",
        ] {
            assert_eq!(destination(line), None, "{line}");
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
