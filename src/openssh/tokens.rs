//! `~`, `%` tokens and `${VAR}` in option values (ssh_config(5) TOKENS; misc.c `tilde_expand`,
//! `vdollar_percent_expand`; sshconnect.h `DEFAULT_CLIENT_PERCENT_EXPAND_ARGS`).
//!
//! `ssh -G` prints IdentityFile, CertificateFile, IdentityAgent and (before 8.4) UserKnownHostsFile as they are
//! configured; ssh expands them when it opens them: first `~`, then `%` and `${}` in one pass, so that what a variable
//! holds is not expanded again.

use sha1::{Digest as _, Sha1};

use crate::facts::Facts;
use crate::facts::config::Options;
use crate::facts::text::Path;

/// The longest path that ssh takes (`PATH_MAX` with its NUL).
const LONGEST_PATH: usize = 4095;

/// From this version on the hash `%C` covers the jump host too (readconf.c `ssh_connection_hash`).
const HASH_WITH_JUMP_HOST: (u32, u32) = (9, 6);

/// Looks up a home folder: `None` means the account that runs ssh.
pub type HomeOf<'a> = dyn Fn(Option<&[u8]>) -> Option<Vec<u8>> + 'a;

/// What each `%` token stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens(Vec<(u8, Vec<u8>)>);

impl Tokens {
    /// The tokens that ssh knows in most options of this login: `%C %d %h %i %j %k %L %l %n %p %r %u`.
    ///
    /// `%j` is known to ssh from 9.6 on; before, a value that has it makes ssh stop.
    pub fn of(facts: &Facts) -> Self {
        let run = &facts.run;
        let options = &facts.config.options;
        let (alias, host, user, port) = match &facts.target {
            Ok(target) => (
                target.alias.as_bytes().to_vec(),
                target.host.as_bytes().to_vec(),
                target.user.as_bytes().to_vec(),
                target.port.to_string(),
            ),
            Err(_) => (Vec::new(), Vec::new(), run.user.as_bytes().to_vec(), "22".to_owned()),
        };
        let jump_host = jump_host(options);
        let known = facts.config.ssh.as_ref().ok().and_then(|ssh| version(&ssh.version));
        let knows_jump_host = known.is_none_or(|version| version >= HASH_WITH_JUMP_HOST);
        let local = run.host.as_bytes();
        let short = local.split(|byte| *byte == b'.').next().unwrap_or_default();
        let key_alias = options.first("hostkeyalias").map_or_else(|| alias.clone(), |name| name.as_bytes().to_vec());

        let mut hash = Sha1::new();
        for part in [local, &host, port.as_bytes(), &user] {
            hash.update(part);
        }
        if knows_jump_host {
            hash.update(&jump_host);
        }
        let hash = data_encoding::HEXLOWER.encode(&hash.finalize());

        let tokens = Self::default()
            .with(b'C', hash)
            .with(b'L', short)
            .with(b'i', run.uid.to_string())
            .with(b'k', key_alias)
            .with(b'l', local)
            .with(b'n', alias)
            .with(b'p', port)
            .with(b'd', run.home.as_bytes())
            .with(b'h', host)
            .with(b'r', user)
            .with(b'u', run.user.as_bytes());
        if knows_jump_host { tokens.with(b'j', jump_host) } else { tokens }
    }

    /// The same, with `token` standing for `value`: `%H %I %K %f %t` for KnownHostsCommand.
    #[must_use]
    pub fn with(mut self, token: u8, value: impl Into<Vec<u8>>) -> Self {
        self.0.retain(|(known, _)| *known != token);
        self.0.push((token, value.into()));
        self
    }

    /// What `token` stands for; `None` where ssh does not know it here.
    pub fn get(&self, token: u8) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == token).map(|(_, value)| value.as_slice())
    }
}

/// The name of the last hop that `proxyjump` lists, which is the one ssh connects to the target from (readconf.c
/// `parse_jump`).
fn jump_host(options: &Options) -> Vec<u8> {
    let Some(list) = options.first("proxyjump").filter(|list| !list.eq_ignore_ascii_case("none")) else {
        return Vec::new();
    };
    let hop = list.rsplit(',').next().unwrap_or_default();
    let (_, address) = hop.rsplit_once('@').unwrap_or(("", hop));
    let host = match address.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => address.split(':').next().unwrap_or_default(),
    };
    host.as_bytes().to_vec()
}

/// Major and minor number of `OpenSSH_9.2p1` or `OpenSSH_for_Windows_9.5p1`.
pub fn version(name: &str) -> Option<(u32, u32)> {
    let numbers = &name[name.find(|character: char| character.is_ascii_digit())?..];
    let (major, rest) = numbers.split_once('.')?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..digits].parse().ok()?))
}

/// Expands `value` as ssh does before it opens a file: `~`, then `%` tokens and `${VAR}`.
///
/// `home_of(None)` is the home folder of the account that runs ssh, `home_of(Some(name))` another one's.
///
/// # Errors
/// Where ssh itself would stop: an unknown account or token, a variable without a value, a missing brace; in words.
pub fn expand(
    value: &[u8],
    tokens: &Tokens,
    home_of: &HomeOf<'_>,
    env: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    let value = expand_tilde(value, home_of)?;
    expand_tokens(&value, tokens, env)
}

/// Expands a leading `~` or `~account`, and nothing else (GlobalKnownHostsFile, `-i`).
///
/// # Errors
/// Where there is no such account, or the path is too long; in words.
pub fn expand_tilde(value: &[u8], home_of: &HomeOf<'_>) -> Result<Vec<u8>, String> {
    let Some(rest) = value.strip_prefix(b"~") else { return Ok(value.to_vec()) };
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (account, path) = rest.split_at(end);
    let below = &path[path.iter().take_while(|byte| **byte == b'/').count()..];
    let account = (!account.is_empty()).then_some(account);
    let Some(mut expanded) = home_of(account) else {
        let whose = account.map_or_else(|| "this account".to_owned(), crate::facts::text::escape);
        return Err(format!("no home folder known for {whose}"));
    };
    if !expanded.ends_with(b"/") {
        expanded.push(b'/');
    }
    expanded.extend_from_slice(below);
    if expanded.len() > LONGEST_PATH {
        return Err("path too long".to_owned());
    }
    Ok(expanded)
}

/// Expands `%` tokens and `${VAR}`, and no `~`.
///
/// # Errors
/// Where ssh itself would stop: an unknown token, a variable without a value, a missing brace; in words.
pub fn expand_tokens(value: &[u8], tokens: &Tokens, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<Vec<u8>, String> {
    let mut expanded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'$' if behind.first() == Some(&b'{') => {
                let inside = &behind[1..];
                let Some(end) = inside.iter().position(|byte| *byte == b'}') else {
                    return Err("${ without a closing }".to_owned());
                };
                let name = String::from_utf8_lossy(&inside[..end]);
                if name.is_empty() {
                    return Err("${} names no variable".to_owned());
                }
                let Some(found) = env(&name) else {
                    return Err(format!("${{{}}} is not set", crate::facts::text::escape(name.as_bytes())));
                };
                expanded.extend_from_slice(&found);
                rest = &inside[end + 1..];
            }
            b'%' => {
                let Some((&token, behind)) = behind.split_first() else {
                    return Err("% at the end names no token".to_owned());
                };
                match tokens.get(token) {
                    _ if token == b'%' => expanded.push(b'%'),
                    Some(found) => expanded.extend_from_slice(found),
                    None => return Err(format!("unknown token %{}", crate::facts::text::escape(&[token]))),
                }
                rest = behind;
            }
            other => expanded.push(other),
        }
    }
    Ok(expanded)
}

/// The path that `value` of an option (IdentityFile, IdentityAgent, UserKnownHostsFile …) means in this login.
///
/// `~` is the home folder of the passwd entry, as for ssh, whatever `$HOME` says; `~account` is known where
/// `facts.run.homes` has it.
///
/// # Errors
/// Where ssh itself would stop, as [`expand`] says; in words.
pub fn path(value: impl AsRef<[u8]>, facts: &Facts, env: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<Path, String> {
    let home_of = |account: Option<&[u8]>| match account {
        None => (!facts.run.home.is_empty()).then(|| facts.run.home.as_bytes().to_vec()),
        Some(name) => {
            let (_, home) = facts.run.homes.iter().find(|(user, _)| user.as_bytes() == name)?;
            Some(home.as_bytes().to_vec())
        }
    };
    expand(value.as_ref(), &Tokens::of(facts), &home_of, env).map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Target;
    use crate::facts::config::SshProgram;

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts.run.user = "alice".into();
        facts.run.uid = 1000;
        facts.run.home = "/home/alice".into();
        facts.run.host = "laptop.example.org".into();
        facts.run.homes = vec![("bob".into(), "/srv/bob/".into())];
        facts.target = Ok(Target {
            alias: "web1".into(),
            host: "web1.example.org".into(),
            user: "deploy".into(),
            port: 2222,
            ..Target::default()
        });
        facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: "OpenSSH_9.2p1".to_owned() });
        facts
    }

    fn expanded(value: &str) -> Result<String, String> {
        let env = |name: &str| (name == "KEYS").then(|| b"/keys/%h/~".to_vec());
        path(value, &facts(), &env).map(|path| path.to_string())
    }

    #[test]
    fn a_tilde_is_the_home_of_the_passwd_entry_or_of_a_named_account() {
        for (value, means) in [
            ("~", "/home/alice/"),
            ("~/.ssh/id_rsa", "/home/alice/.ssh/id_rsa"),
            ("~//.ssh/id_rsa", "/home/alice/.ssh/id_rsa"),
            ("~bob/key", "/srv/bob/key"),
            ("~bob", "/srv/bob/"),
            ("/a~/b", "/a~/b"),
            ("relative/~", "relative/~"),
            ("", ""),
        ] {
            assert_eq!(expanded(value).as_deref(), Ok(means), "{value}");
        }
        assert!(expanded("~nobody-here/key").is_err());
    }

    #[test]
    fn percent_tokens_are_those_of_the_login() {
        for (value, means) in [
            ("%d/.ssh/%r@%h:%p", "/home/alice/.ssh/deploy@web1.example.org:2222"),
            ("%n %k %u %i", "web1 web1 alice 1000"),
            ("%l %L", "laptop.example.org laptop"),
            ("100%%", "100%"),
        ] {
            assert_eq!(expanded(value).as_deref(), Ok(means), "{value}");
        }
        for value in ["%", "%z", "%H", "%j", "key%"] {
            assert!(expanded(value).is_err(), "{value}");
        }
        let mut aliased = facts();
        aliased.config.options.set("hostkeyalias", "cluster");
        assert_eq!(Tokens::of(&aliased).get(b'k'), Some(b"cluster".as_slice()));
    }

    #[test]
    fn what_a_variable_holds_is_not_expanded_again() {
        assert_eq!(expanded("${KEYS}/%r").as_deref(), Ok("/keys/%h/~/deploy"));
        assert_eq!(expanded("$KEYS").as_deref(), Ok("$KEYS"));
        for value in ["${MISSING}/a", "${KEYS", "${}"] {
            assert!(expanded(value).is_err(), "{value}");
        }
    }

    #[test]
    fn the_connection_hash_covers_the_jump_host_from_9_6_on() {
        // sha1("laptop.example.org" "web1.example.org" "2222" "deploy"), by sha1sum.
        let mut facts = facts();
        facts.config.options.set("proxyjump", "hop@first:22,ops@[2001:db8::1]:2200");
        let before = Tokens::of(&facts);
        assert_eq!(before.get(b'C'), Some(b"9f8ef63bd67c23bc0efff35dd09544769a93ffbf".as_slice()));
        facts.config.ssh = Ok(SshProgram { path: "/usr/bin/ssh".into(), version: "OpenSSH_9.6p1".to_owned() });
        let after = Tokens::of(&facts);
        assert_eq!(after.get(b'j'), Some(b"2001:db8::1".as_slice()));
        assert_eq!(after.get(b'C'), Some(b"542189fb61fb40d0fb68358721109d23e3bd9f18".as_slice()));
    }

    #[test]
    fn a_version_is_read_from_every_vendor_s_name() {
        assert_eq!(version("OpenSSH_9.2p1"), Some((9, 2)));
        assert_eq!(version("OpenSSH_for_Windows_9.5p2"), Some((9, 5)));
        assert_eq!(version("OpenSSH_10.0p2"), Some((10, 0)));
        assert_eq!(version("OpenSSH_9"), None);
        assert_eq!(version(""), None);
    }
}
