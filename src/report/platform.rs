//! Commands in the words of the machine on which they are typed. The checks write them for a POSIX shell with GNU's
//! tools; what macOS names otherwise and what PowerShell has in their place stands in two tables here. Where there is no
//! command that fits, none is shown: the step says in words what is to be done.

use std::fmt::Write as _;

use crate::checks::{Place, Step};
use crate::facts::Facts;
use crate::openssh::windows;

use super::StepView;

/// What kind of machine a command is typed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    /// Linux, a BSD, or one of which nothing is known.
    Posix,
    /// macOS.
    Macos,
    /// Windows with PowerShell.
    Windows,
}

/// The system of the machine at `place`: of the client only it is known.
fn of(facts: &Facts, place: Place) -> System {
    let os = facts.run.os.as_str();
    match place {
        Place::Client if os.starts_with("Windows") => System::Windows,
        Place::Client if os.starts_with("macOS") || os.starts_with("Darwin") => System::Macos,
        _ => System::Posix,
    }
}

/// The step as it is typed on the machine that it is for: one, or more than one.
pub(super) fn steps(facts: &Facts, step: Step) -> Vec<StepView> {
    let system = of(facts, step.place);
    for_system(step, system)
}

/// The command as it is typed on the machine at `place`; `None` where that has none.
pub(super) fn command(facts: &Facts, place: Place, command: &str) -> Option<String> {
    worded(command, of(facts, place)).filter(|command| !starts_the_agent(command))
}

/// The step for that system.
fn for_system(step: Step, system: System) -> Vec<StepView> {
    let Step { place, root, command, why } = step;
    let shell = if system == System::Windows { "powershell" } else { "sh" };
    let view = |command: Option<String>, root: bool, why: String| StepView {
        place,
        shell,
        as_whom: if root { "root" } else { "self" },
        command,
        why,
    };
    let Some(command) = command else { return vec![view(None, root, why)] };
    match (system, worded(&command, system)) {
        (_, Some(command)) if !starts_the_agent(&command) => vec![view(Some(command), root, why)],
        (_, Some(command)) => {
            let service = "Get-Service ssh-agent | Set-Service -StartupType Manual; Start-Service ssh-agent".to_owned();
            let reason = "starts the agent, which Windows has as a service".to_owned();
            let add = command.split_once("; ").map_or("ssh-add", |(_, add)| add);
            vec![view(Some(service), true, reason), view(Some(add.to_owned()), false, why)]
        }
        (System::Windows, None) => {
            vec![view(None, root, format!("{why} (no command of Windows does it: do it by hand)"))]
        }
        (_, None) => vec![view(None, root, format!("{why} (do it by hand)"))],
    }
}

/// The command for that system; `None` where there is none.
fn worded(command: &str, system: System) -> Option<String> {
    match system {
        System::Posix => Some(command.to_owned()),
        System::Macos => macos(command),
        System::Windows => windows(command),
    }
}

/// What stands for the service until [`for_system`] makes a step of its own of it.
const AGENT: &str = "Start-Service ssh-agent";

fn starts_the_agent(command: &str) -> bool {
    command.starts_with(AGENT)
}

/// A word of a command line, or what joins two commands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word, its quotes taken off.
    Word(String),
    /// `&&`, `|`, `>`, `>>`, `<` or `;`.
    Join(String),
}

/// Takes a command line apart; `None` where it has more of a shell's language than words and joins.
fn tokens(command: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = command.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            ' ' => tokens.extend(word.take().map(Token::Word)),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '$' | '`' => return None,
                        '\\' => {
                            let next = rest.next()?;
                            if !matches!(next, '$' | '`' | '"' | '\\') {
                                word.push('\\');
                            }
                            word.push(next);
                        }
                        quoted => word.push(quoted),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(rest.next()?),
            '&' | '|' | '>' | '<' | ';' => {
                tokens.extend(word.take().map(Token::Word));
                let double = character != ';' && rest.next_if_eq(&character).is_some();
                let join = if double { format!("{character}{character}") } else { character.to_string() };
                tokens.push(Token::Join(join));
            }
            '$' | '`' | '(' | ')' | '{' | '}' | '*' | '?' | '[' | '\n' | '#' => return None,
            plain => word.get_or_insert_default().push(plain),
        }
    }
    tokens.extend(word.map(Token::Word));
    Some(tokens)
}

/// The words of one command; `None` where there are joins.
fn words(tokens: &[Token]) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    for token in tokens {
        let Token::Word(word) = token else { return None };
        words.push(word.as_str());
    }
    Some(words)
}

/// The command with what macOS has in the place of Linux' own tools.
fn macos(command: &str) -> Option<String> {
    let quoted = crate::checks::quoted;
    let parts = tokens(command);
    let words = parts.as_deref().and_then(words).unwrap_or_default();
    match words.as_slice() {
        ["getent", "ahosts", host] => Some(format!("dscacheutil -q host -a name {}", quoted(host))),
        ["ip", "route", "get", address] => Some(format!("route -n get {}", quoted(address))),
        ["ip", "-brief", "address"] => Some("ifconfig".to_owned()),
        ["nft", "list", "ruleset"] => Some("pfctl -s rules".to_owned()),
        ["ping", "-c", count, "-M", "do", "-s", size, host] => {
            Some(format!("ping -c {count} -D -s {size} {}", quoted(host)))
        }
        ["sed", "-i", edit, file] if edit.starts_with("s/") || edit.ends_with('d') => {
            let file = file.strip_prefix("~/").map_or_else(|| quoted(file), |rest| format!("~/{}", quoted(rest)));
            Some(format!("sed -i '' {} {file}", quoted(edit)))
        }
        ["sed", "-i", ..] => None,
        _ if command.starts_with("sed -i ") || command.contains("/proc/") => None,
        _ => Some(command.to_owned()),
    }
}

/// Programs that Windows has under the same name, with the same arguments.
const SAME: &[&str] = &["ssh", "scp", "sftp", "ssh-keygen", "ssh-add", "ssh-keyscan", "sshdoctor", "git"];

/// The command for PowerShell; `None` where Windows has none.
fn windows(command: &str) -> Option<String> {
    if let Some(rest) = command.strip_prefix("eval \"$(ssh-agent -s)\"") {
        let add = match rest.strip_prefix(" && ") {
            Some(add) => windows(add)?,
            None => "ssh-add".to_owned(),
        };
        return Some(format!("{AGENT}; {add}"));
    }
    if let Some(rest) = command.strip_prefix("\"${EDITOR:-vi}\" ") {
        let parts = tokens(rest)?;
        let file = words(&parts)?.into_iter().rfind(|word| !word.starts_with('+'))?.to_owned();
        return Some(format!("notepad {}", native(&file)?));
    }
    let parts = tokens(command)?;
    let at = parts.iter().position(|token| matches!(token, Token::Join(_)));
    let Some(at) = at else { return simple(&words(&parts)?) };
    let (first, Token::Join(join), rest) = (words(&parts[..at])?, &parts[at], &parts[at + 1..]) else { return None };
    match (first.as_slice(), join.as_str()) {
        (["sleep", _], "|") => match words(rest)?.as_slice() {
            ["nc", "-v", host, port] => Some(format!("Test-NetConnection {} -Port {}", argument(host), argument(port))),
            _ => None,
        },
        (["printf", "%s\\n", lines @ ..], ">>") => match words(rest)?.as_slice() {
            [file] => {
                let lines: Vec<String> = lines.iter().map(|line| windows::single_quoted(line)).collect();
                Some(format!("Add-Content -Path {} -Value {}", argument(&windows_path(file)), lines.join(", ")))
            }
            _ => None,
        },
        (["chown", _, file], "&&") => match words(rest)?.as_slice() {
            ["chmod", mode, same] if same == file => {
                Some(format!("takeown /f {}; {}", native(file)?, access(mode, file)?))
            }
            _ => None,
        },
        (["mkdir", "-p", "-m", "700", folder], "&&") => {
            let then: Vec<String> = rest
                .iter()
                .map(|token| match token {
                    Token::Word(word) => crate::checks::quoted_option(word.as_bytes()),
                    Token::Join(join) => join.clone(),
                })
                .collect();
            let then = windows(&then.join(" "))?;
            Some(format!("New-Item -ItemType Directory -Force {} | Out-Null; {then}", argument(&windows_path(folder))))
        }
        (_, ">") => match words(rest)?.as_slice() {
            ["/dev/null"] => Some(format!("{} | Out-Null", simple(&first)?)),
            _ => None,
        },
        (_, "|") => match words(rest)?.as_slice() {
            ["grep", "-i" | "-F" | "-iE" | "-E", pattern] => {
                let fixed = if rest.contains(&Token::Word("-F".to_owned())) { " -SimpleMatch" } else { "" };
                Some(format!("{} | Select-String{fixed} -Pattern {}", simple(&first)?, windows::single_quoted(pattern)))
            }
            _ => None,
        },
        (_, "&&") => {
            // PowerShell knows `&&` from version 7 on only.
            let second = simple(&words(rest)?)?;
            Some(format!("{}; if ($?) {{ {second} }}", simple(&first)?))
        }
        _ => None,
    }
}

/// One command without joins.
fn simple(words: &[&str]) -> Option<String> {
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    if SAME.contains(&name.strip_suffix(".exe").unwrap_or(name)) {
        let mut line = if *program == name { name.to_owned() } else { format!("& {}", native(program)?) };
        for word in arguments {
            // Writing to a String cannot fail.
            let _ = write!(line, " {}", native(word)?);
        }
        return Some(line);
    }
    match words {
        ["chmod", mode, file] => access(mode, file),
        ["chown", _, file] => Some(format!("takeown /f {}", native(file)?)),
        ["cat", file] => Some(format!("Get-Content {}", argument(&windows_path(file)))),
        ["sed", "-n", line, file] => {
            let line: usize = line.strip_suffix('p')?.parse().ok()?;
            let file = argument(&windows_path(file));
            Some(format!("Get-Content {file} | Select-Object -Index {}", line.checked_sub(1)?))
        }
        ["ls", "-l", folder] if folder.ends_with('/') => {
            Some(format!("Get-ChildItem -Force {}", argument(&windows_path(folder))))
        }
        ["ls", _, file] => Some(format!("icacls {}", native(file)?)),
        ["mkdir", "-p", "-m", "700", folder] => {
            Some(format!("New-Item -ItemType Directory -Force {} | Out-Null", argument(&windows_path(folder))))
        }
        ["getent", "ahosts", host] => Some(format!("Resolve-DnsName {}", argument(host))),
        ["ip", "route", "get", address] => Some(format!("Find-NetRoute -RemoteIPAddress {}", argument(address))),
        ["ip", "-brief", "address"] => Some("ipconfig".to_owned()),
        ["nft", "list", "ruleset"] => {
            Some("Get-NetFirewallRule -Direction Outbound -Action Block -Enabled True".to_owned())
        }
        ["ping", "-c", count, "-M", "do", "-s", size, host] => {
            Some(format!("ping -n {count} -f -l {size} {}", native(host)?))
        }
        ["grep", options @ .., pattern, files] if options.iter().all(|option| option.starts_with('-')) => {
            select(options, pattern, &[files])
        }
        ["grep", options, "-i", "-E", pattern, files @ ..] if options.starts_with('-') => {
            select(&["-E"], pattern, files)
        }
        ["command", "-v", program] | ["type", "-a", program] => {
            Some(format!("Get-Command -All {} | Format-List Source", argument(program)))
        }
        ["export", assignment] => {
            let (name, value) = assignment.split_once('=')?;
            Some(format!("$env:{name} = {}", windows::single_quoted(value)))
        }
        ["ssh-copy-id", "-i", file, login @ ..] => {
            let there = "umask 077; mkdir -p ~/.ssh && cat >> ~/.ssh/authorized_keys";
            let login: Option<Vec<String>> = login.iter().map(|word| native(word)).collect();
            let file = format!("{}.pub", file.strip_suffix(".pub").unwrap_or(file));
            Some(format!("Get-Content {} | ssh {} '{there}'", argument(&windows_path(&file)), login?.join(" ")))
        }
        ["date"] => Some("Get-Date".to_owned()),
        _ => None,
    }
}

/// What makes a file the user's alone: ssh for Windows looks at the list of who may access it, there are no modes.
fn access(mode: &str, file: &str) -> Option<String> {
    let right = match mode {
        // A private key need not be written.
        "600" if !file.ends_with("config") && !file.ends_with("known_hosts") => "R",
        "600" | "700" | "go-w" | "go-rwx" => "F",
        "400" | "500" => "R",
        _ => return None,
    };
    let file = native(file)?;
    Some(format!("icacls {file} /inheritance:r /grant:r \"${{env:USERNAME}}:{right}\""))
}

fn select(options: &[&str], pattern: &str, files: &[&str]) -> Option<String> {
    let fixed = if options.iter().any(|option| option.contains('F')) { " -SimpleMatch" } else { "" };
    // A folder is searched by another command there.
    if options.iter().any(|option| option.contains('r')) || files.is_empty() {
        return None;
    }
    let files: Vec<String> = files.iter().map(|file| argument(&windows_path(file))).collect();
    Some(format!("Select-String{fixed} -Pattern {} -Path {}", windows::single_quoted(pattern), files.join(", ")))
}

/// Where Windows has what POSIX systems have under /etc/ssh.
fn windows_path(path: &str) -> String {
    match path.strip_prefix("/etc/ssh/") {
        Some(rest) => format!("C:\\ProgramData\\ssh\\{rest}"),
        None => path.to_owned(),
    }
}

/// A word for a cmdlet, which knows `~` itself.
fn argument(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'\\' | b'.' | b'_' | b':' | b'~');
    if !word.is_empty() && word.bytes().all(plain) { word.to_owned() } else { windows::single_quoted(word) }
}

/// A word for a program: what begins with `~` is expanded by PowerShell, since few programs of Windows do. `None` where
/// it cannot be handed over, for Windows PowerShell loses quotation marks.
fn native(word: &str) -> Option<String> {
    if word.contains('"') {
        return None;
    }
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'/' | b'\\' | b'.' | b'_' | b':' | b'-' | b'=' | b'+' | b'@' | b'%')
    };
    if let Some(rest) = word.strip_prefix("~/") {
        return rest.bytes().all(plain).then(|| format!("\"$HOME\\{}\"", rest.replace('/', "\\")));
    }
    let safe = word.bytes().all(plain) && !word.starts_with('@') && !word.is_empty();
    Some(if safe { word.to_owned() } else { windows::single_quoted(word) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_posix_has_is_said_as_windows_has_it() {
        let rows = [
            ("ssh -vvv -p 2222 deploy@web1", "ssh -vvv -p 2222 deploy@web1"),
            ("ssh -i 'C:\\Users\\Ann Lee/.ssh/k' web1", "ssh -i 'C:\\Users\\Ann Lee/.ssh/k' web1"),
            ("ssh-add ~/.ssh/id_ed25519", "ssh-add \"$HOME\\.ssh\\id_ed25519\""),
            (
                "chmod 600 'C:\\Users\\Ann Lee/.ssh/k'",
                "icacls 'C:\\Users\\Ann Lee/.ssh/k' /inheritance:r /grant:r \"${env:USERNAME}:R\"",
            ),
            ("chown a: /k && chmod 600 /k", "takeown /f /k; icacls /k /inheritance:r /grant:r \"${env:USERNAME}:R\""),
            ("sed -n 3p ~/.ssh/config", "Get-Content ~/.ssh/config | Select-Object -Index 2"),
            ("cat /etc/ssh/ssh_config", "Get-Content C:\\ProgramData\\ssh\\ssh_config"),
            (
                "grep -Hn -i -E 'PubkeyAuthentication|PreferredAuthentications' ~/.ssh/config /etc/ssh/ssh_config",
                "Select-String -Pattern 'PubkeyAuthentication|PreferredAuthentications' -Path ~/.ssh/config, C:\\ProgramData\\ssh\\ssh_config",
            ),
            (
                "printf '%s\\n' '' 'Host web1' '    User it'\\''s' >> ~/.ssh/config",
                "Add-Content -Path ~/.ssh/config -Value '', 'Host web1', '    User it''s'",
            ),
            ("sleep 5 | nc -v web1 22", "Test-NetConnection web1 -Port 22"),
            ("getent ahosts web1", "Resolve-DnsName web1"),
            ("ssh -G web1 > /dev/null", "ssh -G web1 | Out-Null"),
            ("ssh -G bastion | grep -i proxyjump", "ssh -G bastion | Select-String -Pattern 'proxyjump'"),
            ("\"${EDITOR:-vi}\" +5 '/a b'", "notepad '/a b'"),
            (
                "ssh-copy-id -i ~/.ssh/k deploy@web1",
                "Get-Content ~/.ssh/k.pub | ssh deploy@web1 'umask 077; mkdir -p ~/.ssh && cat >> ~/.ssh/authorized_keys'",
            ),
            ("export SSH_AUTH_SOCK=/tmp/x", "$env:SSH_AUTH_SOCK = '/tmp/x'"),
            ("ssh-keygen -L -f 'it'\\''s-cert.pub'", "ssh-keygen -L -f 'it''s-cert.pub'"),
        ];
        for (posix, wanted) in rows {
            assert_eq!(windows(posix).as_deref(), Some(wanted), "{posix}");
        }
    }

    #[test]
    fn where_windows_has_no_such_command_there_is_none() {
        for posix in [
            "kinit",
            "(umask 077 && puttygen k -O private-openssh -o k2)",
            "sed -i s/a/b/ ~/.ssh/config",
            "ssh-add -L | grep -F x > /k",
            "ssh -o 'ProxyCommand=\"a\"' web1",
            "chmod u+x,g+x /k",
            "grep -rin proxycommand ~/.ssh /etc/ssh",
            "printf '%s\\n' \"$(id)\" >> x",
        ] {
            assert_eq!(windows(posix), None, "{posix}");
        }
        let step = Step::here("kinit", "gets a ticket");
        let views = for_system(step, System::Windows);
        assert_eq!((views.len(), views[0].command.as_deref(), views[0].shell), (1, None, "powershell"));
        assert!(views[0].why.starts_with("gets a ticket"), "{}", views[0].why);
    }

    #[test]
    fn the_agent_is_a_service_of_the_administrator_s() {
        let views = for_system(Step::here("eval \"$(ssh-agent -s)\" && ssh-add /k", "adds the key"), System::Windows);
        let met: Vec<_> =
            views.iter().map(|view| (view.as_whom, view.command.as_deref().unwrap_or_default())).collect();
        assert_eq!(
            met,
            [
                ("root", "Get-Service ssh-agent | Set-Service -StartupType Manual; Start-Service ssh-agent"),
                ("self", "ssh-add /k"),
            ]
        );
    }

    #[test]
    fn what_linux_alone_has_is_said_as_macos_has_it() {
        let rows = [
            ("getent ahosts web1", Some("dscacheutil -q host -a name web1")),
            ("ip route get 192.0.2.7", Some("route -n get 192.0.2.7")),
            ("sed -i '3s/a/b/' ~/.ssh/config", None),
            ("sed -i s/a/b/ ~/.ssh/config", Some("sed -i '' s/a/b/ ~/.ssh/config")),
            ("sed -i 3d /a", Some("sed -i '' 3d /a")),
            ("sed -i \"1i\\\\Host x\" ~/.ssh/config", None),
            ("chmod 600 /k", Some("chmod 600 /k")),
            ("ping -c 3 -M do -s 1400 web1", Some("ping -c 3 -D -s 1400 web1")),
            ("eval \"$(ssh-agent -s)\" && ssh-add /k", Some("eval \"$(ssh-agent -s)\" && ssh-add /k")),
        ];
        for (linux, wanted) in rows {
            assert_eq!(macos(linux).as_deref(), wanted, "{linux}");
        }
    }

    #[test]
    fn nothing_of_a_hostile_name_leaves_its_quotes() {
        for word in ["'; calc; '", "$(calc)", "`calc`", "a;b", "\u{2019}; calc; \u{2019}", "@x", ""] {
            let line = windows(&format!("ssh {}", crate::checks::quoted(word))).unwrap();
            assert_eq!(line, format!("ssh {}", windows::single_quoted(word)), "{word}");
        }
        assert_eq!(windows("ssh 'a\"b'"), None);
    }
}
