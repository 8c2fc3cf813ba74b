//! `ProxyCommand`: what ssh gives to the user's shell, and when it runs nothing (sshconnect.c `ssh_connect`,
//! `ssh_proxy_connect`, `expand_proxy_command`).

pub mod programs;
pub mod sayings;

use super::tokens::{Tokens, version};
use crate::facts::Facts;
use crate::facts::proxy::Proxy;

/// From these versions on ssh knows `%n` and `%k` in it (sshconnect.c `expand_proxy_command`).
const KNOWS_ALIAS: (u32, u32) = (8, 1);
const KNOWS_KEY_ALIAS: (u32, u32) = (8, 4);

/// From this version on the program's `SSH_AUTH_SOCK` is what `IdentityAgent` says; before, ssh set the variable after it
/// had connected (ssh.c `main`).
const AGENT_BEFORE_CONNECTING: (u32, u32) = (10, 5);

/// What the configuration puts before the target; `None` where the server is dialled directly (ssh.c `main`,
/// `option_clear_or_none`).
pub fn proxy(facts: &Facts) -> Option<Proxy> {
    if let Some(target) = facts.target.as_ref().ok().filter(|target| !target.via.is_empty()) {
        return Some(Proxy::Jump(target.via.clone()));
    }
    let command = facts.config.options.values("proxycommand").next()?;
    (!command.as_bytes().eq_ignore_ascii_case(b"none")).then(|| Proxy::Command(command.clone()))
}

/// Why the program is not run here, though ssh would: a sentence's beginning.
pub fn not_run(facts: &Facts) -> Option<&'static str> {
    let Some(Proxy::Command(command)) = proxy(facts) else { return None };
    if command.as_bytes() == b"-" {
        return Some(
            "ProxyCommand - takes ssh's own standard input and output for the connection, which nobody gives here",
        );
    }
    let passes = facts.config.options.is_yes("proxyusefdpass");
    passes
        .then_some("with ProxyUseFdpass the program hands over a connection that it made, which is not supported here")
}

/// What stands behind `-c` for the shell but for the `exec `: the command with its tokens expanded.
///
/// # Errors
/// Where ssh itself stops: a token that it does not know there, in ssh's own words (misc.c `vdollar_percent_expand`).
pub fn expanded(facts: &Facts) -> Result<Vec<u8>, String> {
    let Some(Proxy::Command(command)) = proxy(facts) else { return Ok(Vec::new()) };
    let all = Tokens::of(facts);
    let ssh = facts.config.ssh.as_ref().ok().and_then(|ssh| version(&ssh.version));
    let since = |first| ssh.is_none_or(|version| version >= first);
    let known = |token: u8| match token {
        b'h' | b'p' | b'r' => true,
        b'n' => since(KNOWS_ALIAS),
        b'k' => since(KNOWS_KEY_ALIAS),
        _ => false,
    };
    let mut expanded = Vec::new();
    let mut bytes = command.as_bytes().iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            expanded.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'%') => expanded.push(b'%'),
            Some(token) => match all.get(token).filter(|_| known(token)) {
                Some(value) => expanded.extend_from_slice(value),
                None => return Err(format!("unknown key %{}", crate::facts::text::escape(&[token]))),
            },
            None => return Err("invalid format".to_owned()),
        }
    }
    Ok(expanded)
}

/// Whether the program's `SSH_AUTH_SOCK` is the agent that `IdentityAgent` names, and not the environment's own.
pub fn is_given_the_agent(facts: &Facts) -> bool {
    let ssh = facts.config.ssh.as_ref().ok().and_then(|ssh| version(&ssh.version));
    facts.config.options.first("identityagent").is_some()
        && ssh.is_some_and(|version| version >= AGENT_BEFORE_CONNECTING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::config::SshProgram;

    fn facts(command: &str) -> Facts {
        let mut facts = Facts {
            target: Ok(Target {
                alias: "web1".into(),
                host: "web1.example.org".into(),
                user: "deploy".into(),
                port: 2222,
                ..Target::default()
            }),
            ..Facts::default()
        };
        facts.config.options.set("proxycommand", command);
        facts
    }

    fn of_version(command: &str, version: &str) -> Result<String, String> {
        let mut facts = facts(command);
        facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: version.to_owned() });
        expanded(&facts).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn the_tokens_are_those_of_the_users_ssh() {
        let all = "nc %h %p %r %n %k 100%% $HOME ${x}";
        let means = "nc web1.example.org 2222 deploy web1 web1 100% $HOME ${x}";
        assert_eq!(of_version(all, "OpenSSH_9.2p1").as_deref(), Ok(means));
        assert_eq!(of_version("%n", "OpenSSH_8.0p1").unwrap_err(), "unknown key %n");
        assert_eq!(of_version("%k", "OpenSSH_8.3p1").unwrap_err(), "unknown key %k");
        assert_eq!(of_version("%k", "OpenSSH_8.4p1").as_deref(), Ok("web1"));
        assert_eq!(of_version("nc %x", "OpenSSH_9.2p1").unwrap_err(), "unknown key %x");
        assert_eq!(of_version("nc %", "OpenSSH_9.2p1").unwrap_err(), "invalid format");
    }

    #[test]
    fn the_installed_ssh_expands_it_the_same() {
        for command in ["true %h %p %r %n %k %% ${HOME} a  b", "true %h%p", "true %u", "true 100%"] {
            let option = format!("ProxyCommand={command}");
            let words =
                ["-F", "none", "-v", "-p", "2222", "-l", "deploy", "-o", "HostName=web1.example.org", "-o", &option];
            let mut ssh = std::process::Command::new("ssh");
            let output = ssh.args(words).args(["web1", "true"]).stdin(std::process::Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match of_version(command, "OpenSSH_9.2p1") {
                Ok(means) => assert!(said.contains(&format!("Executing proxy command: exec {means}\r\n")), "{said}"),
                Err(words) => assert!(said.contains(&words), "{said}"),
            }
        }
    }

    #[test]
    fn none_is_no_proxy_and_what_cannot_be_run_says_so() {
        for command in ["none", "NONE"] {
            assert_eq!(proxy(&facts(command)), None);
        }
        assert_eq!(not_run(&facts("nc %h %p")), None);
        assert!(not_run(&facts("-")).is_some());
        let mut passing = facts("nc -F %h %p");
        passing.config.options.set("proxyusefdpass", "yes");
        assert!(not_run(&passing).is_some());
    }

    #[test]
    fn the_agent_is_handed_on_from_10_5() {
        let mut facts = facts("nc");
        facts.config.options.set("identityagent", "none");
        assert!(!is_given_the_agent(&facts));
        facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: "OpenSSH_10.4p1".to_owned() });
        assert!(!is_given_the_agent(&facts));
        facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: "OpenSSH_10.5p1".to_owned() });
        assert!(is_given_the_agent(&facts));
    }
}
