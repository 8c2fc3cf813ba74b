//! The programs that stand in a `ProxyCommand` again and again, told by the name that the shell would run.

use super::super::arguments;

/// A program whose ways are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// `ssh -W`, or `ssh HOST nc …`: a login at a host on the way.
    Ssh,
    /// `nc` or `netcat`, of OpenBSD, of Hobbit, of busybox.
    Netcat,
    /// Nmap's `ncat`.
    Ncat,
    /// `socat`.
    Socat,
    /// Gotoh's `connect`, Debian's `connect-proxy`.
    Connect,
    /// `corkscrew`.
    Corkscrew,
    /// `proxytunnel`.
    Proxytunnel,
    /// `cloudflared access ssh` or `access tcp`.
    Cloudflared,
    /// `aws ssm start-session`.
    Ssm,
    /// `gcloud compute start-iap-tunnel`.
    Iap,
    /// Teleport's `tsh proxy ssh`.
    Teleport,
    /// sssd's `sss_ssh_knownhostsproxy`.
    Sss,
}

impl Known {
    /// Whether it prints nothing of its own on standard output.
    fn only_carries(self) -> bool {
        matches!(
            self,
            Self::Ssh | Self::Netcat | Self::Ncat | Self::Socat | Self::Connect | Self::Corkscrew | Self::Sss
        )
    }
}

/// What a command runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Which of the known programs it is.
    pub known: Option<Known>,
    /// The program as it is called and its arguments; empty where the command runs none.
    pub words: Vec<String>,
    /// Whether the shell does nothing but run the program with these words: nothing is piped, chained or put in.
    pub simple: bool,
}

impl Named {
    /// The program's name without its folder.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", |word| base(word))
    }

    /// Whether what comes on its standard output comes from the other end: it prints nothing itself, and no shell of a host on
    /// the way does.
    pub fn only_carries(&self) -> bool {
        let passes = |word: &String| word.starts_with('-') && word.contains('W');
        self.known.is_some_and(Known::only_carries) && (self.known != Some(Known::Ssh) || self.words.iter().any(passes))
    }

    /// The value of an option, as the next word or behind `=`.
    pub fn value(&self, option: &str) -> Option<&str> {
        let mut words = self.words.iter();
        words
            .find_map(|word| match word.strip_prefix(option) {
                Some("") => Some(None),
                Some(rest) => rest.strip_prefix('=').map(Some),
                None => None,
            })?
            .or_else(|| {
                let at = self.words.iter().position(|word| word == option)?;
                self.words.get(at + 1).map(String::as_str)
            })
    }

    /// For ssh: its options but for those that say what the connection is for, and the host that it logs in to.
    pub fn login(&self) -> Option<Vec<String>> {
        if self.known != Some(Known::Ssh) {
            return None;
        }
        let words: Vec<std::ffi::OsString> = self.words.iter().skip(1).map(std::ffi::OsString::from).collect();
        let parsed = arguments::parse(&words).ok()?;
        let text = |word: &std::ffi::OsStr| word.to_str().map(str::to_owned);
        let mut login = Vec::new();
        let options = arguments::pairs(parsed.options.iter().map(|word| word.as_encoded_bytes()));
        for (letter, value) in options.into_iter().filter(|(letter, _)| !b"WnNTfqvstCg".contains(letter)) {
            login.push(format!("-{}", char::from(letter)));
            if let Some(value) = value {
                login.push(std::str::from_utf8(value).ok()?.to_owned());
            }
        }
        login.push(text(parsed.destination.as_deref()?)?);
        Some(login)
    }
}

/// The last part of a path, without `.exe`.
fn base(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let end = name.len().saturating_sub(4);
    match name.get(end..) {
        Some(tail) if tail.eq_ignore_ascii_case(".exe") => &name[..end],
        _ => name,
    }
}

/// Reads a command as a shell would, as far as its first program.
pub fn named(command: &[u8]) -> Named {
    read(&String::from_utf8_lossy(command), 3)
}

fn read(command: &str, depth: u32) -> Named {
    let simple = !command.contains(['|', '&', ';', '<', '>', '(', ')', '$', '`', '\n']);
    let split = shlex::split(command).filter(|words| !words.is_empty());
    let words = split.unwrap_or_else(|| command.split_ascii_whitespace().map(str::to_owned).collect());
    let mut rest = words.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        let name = base(first);
        let is_variable = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let runs_another = is_variable
            || matches!(
                name,
                "exec" | "env" | "command" | "nohup" | "nice" | "stdbuf" | "timeout" | "setsid" | "busybox"
            );
        if runs_another {
            // Their own options, and the time that timeout(1) is given.
            let own = behind.iter().take_while(|word| word.starts_with('-')).count()
                + usize::from(name == "timeout" && !is_variable);
            rest = behind.get(own..).unwrap_or_default();
            continue;
        }
        if matches!(name, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh")
            && depth > 0
            && let Some(at) = behind.iter().position(|word| word.starts_with('-') && word.ends_with('c'))
            && let Some(script) = behind.get(at + 1)
        {
            let inner = read(script, depth - 1);
            return Named { simple: inner.simple && simple, ..inner };
        }
        break;
    }
    let has = |word: &str| rest.iter().any(|other| other == word);
    let name = rest.first().map(|word| base(word).to_ascii_lowercase()).unwrap_or_default();
    let known = match name.as_str() {
        "ssh" => Known::Ssh,
        "nc" | "netcat" | "nc.openbsd" | "nc.traditional" => Known::Netcat,
        "ncat" => Known::Ncat,
        "socat" | "socat1" => Known::Socat,
        "connect" | "connect-proxy" => Known::Connect,
        "corkscrew" => Known::Corkscrew,
        "proxytunnel" => Known::Proxytunnel,
        "cloudflared" if has("access") => Known::Cloudflared,
        "aws" if has("ssm") && has("start-session") => Known::Ssm,
        "gcloud" if has("start-iap-tunnel") => Known::Iap,
        "tsh" if has("proxy") => Known::Teleport,
        "sss_ssh_knownhostsproxy" => Known::Sss,
        _ => return Named { known: None, words: rest.to_vec(), simple },
    };
    Named { known: Some(known), words: rest.to_vec(), simple }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_program_is_told_however_it_is_called() {
        for (command, known) in [
            ("ssh -W [web1]:22 bastion", Known::Ssh),
            ("/usr/bin/nc -X 5 -x proxy:1080 web1 22", Known::Netcat),
            ("exec env LANG=C netcat web1 22", Known::Netcat),
            ("A=b timeout 10 ncat --proxy p:3128 web1 22", Known::Ncat),
            ("sh -c 'socat - PROXY:proxy:web1:22,proxyport=3128'", Known::Socat),
            ("bash -ec \"connect-proxy -H proxy:3128 web1 22\"", Known::Connect),
            ("corkscrew proxy 3128 web1 22 ~/.auth", Known::Corkscrew),
            ("proxytunnel -p proxy:3128 -d web1:22", Known::Proxytunnel),
            ("/usr/local/bin/cloudflared access ssh --hostname web1", Known::Cloudflared),
            ("sh -c \"aws ssm start-session --target i-1 --document-name AWS-StartSSHSession\"", Known::Ssm),
            ("gcloud compute start-iap-tunnel vm 22 --listen-on-stdin", Known::Iap),
            ("C:\\Programs\\Git\\connect.EXE -S proxy:1080 web1 22", Known::Connect),
        ] {
            // A shell eats the backslashes of Windows; there is none.
            let command = command.replace('\\', if command.starts_with("C:") { "\\\\" } else { "\\" });
            assert_eq!(named(command.as_bytes()).known, Some(known), "{command}");
        }
    }

    #[test]
    fn other_programs_are_called_what_they_are() {
        for (command, name) in [
            ("false", "false"),
            ("exec /opt/x/tunnel --to web1", "tunnel"),
            ("cloudflared tunnel run", "cloudflared"),
            ("aws s3 ls", "aws"),
            ("", ""),
            ("exec", ""),
            ("'unfinished", "'unfinished"),
            ("sh script.sh", "sh"),
        ] {
            let named = named(command.as_bytes());
            assert_eq!((named.known, named.name()), (None, name), "{command}");
        }
        assert!(named(b"nc web1 22").simple && !named(b"nc web1 22 2>/dev/null").simple);
        assert!(!named(b"sh -c 'nc web1 22; true'").simple);
    }

    #[test]
    fn the_login_of_an_ssh_on_the_way_is_what_one_would_try() {
        let login = |command: &str| named(command.as_bytes()).login().map(|words| words.join(" "));
        let typed = "ssh -q -i ~/.ssh/hop -oBatchMode=yes -W [web1]:22 -p 2222 ops@bastion";
        assert_eq!(login(typed).as_deref(), Some("-i ~/.ssh/hop -o BatchMode=yes -p 2222 ops@bastion"));
        assert_eq!(login("ssh bastion nc web1 22").as_deref(), Some("bastion"));
        assert_eq!(login("ssh -W web1:22"), None);
        assert_eq!(login("nc web1 22"), None);
    }

    #[test]
    fn the_value_of_an_option_is_the_next_word_or_behind_the_sign() {
        let named = named(b"aws ssm start-session --target i-1 --profile=prod");
        assert_eq!((named.value("--target"), named.value("--profile")), (Some("i-1"), Some("prod")));
        assert_eq!((named.value("--region"), named.value("--pro")), (None, None));
    }
}
