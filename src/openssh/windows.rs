//! Paths of Windows in an ssh configuration. Elsewhere ssh takes them for names in the current folder: only Windows' port
//! knows drives and named pipes (openssh-portable of PowerShell, contrib/win32/win32compat/misc.c `resolved_path`).

use crate::facts::config::Config;

/// The options that name what ssh identifies itself with, as in ssh_config(5), and in lower case as `ssh -G` prints them.
const KEYWORDS: &[(&str, &str)] =
    &[("IdentityFile", "identityfile"), ("IdentityAgent", "identityagent"), ("CertificateFile", "certificatefile")];

/// What identifies the client and is a path of Windows: the keyword as in ssh_config(5) and the value as `ssh -G` prints it,
/// or `-i` and a value that ssh dropped because it is not there (ssh.c `main`).
pub fn paths(config: &Config) -> Vec<(&'static str, &str)> {
    let options = &config.options;
    let dropped = config.inaccessible.iter().filter_map(|path| Some(("-i", path.as_str()?)));
    let values = KEYWORDS.iter().flat_map(|(keyword, lower)| options.all(lower).map(move |value| (*keyword, value)));
    dropped.chain(values).filter(|(_, value)| is_path(value)).collect()
}

/// Whether `value` is a path that only Windows has: one that begins with a drive, or a named pipe. ssh_config's quoting
/// takes one of two backslashes away (misc.c `argv_split`), so `\\.\pipe\…` comes out as `\.\pipe\…`.
pub fn is_path(value: &str) -> bool {
    drive(value).is_some() || is_pipe(value)
}

/// Whether `value` names a pipe: `\\.\pipe\openssh-ssh-agent`, `//./pipe/openssh-ssh-agent`.
fn is_pipe(value: &str) -> bool {
    let plain = value.replace('\\', "/").to_ascii_lowercase();
    plain.starts_with("//./pipe/") || plain.starts_with("/./pipe/")
}

/// Where WSL shows the file of a path that begins with a drive: `/mnt/c/Users/a` for `C:\Users\a`.
pub fn mounted(value: &str) -> Option<String> {
    let (letter, rest) = drive(value)?;
    Some(format!("/mnt/{}{}", letter.to_ascii_lowercase(), rest.replace('\\', "/")))
}

/// The letter of the drive and what follows the colon; `None` where `value` does not begin with a drive.
fn drive(value: &str) -> Option<(char, &str)> {
    let (letter, rest) = value.split_once(':')?;
    let mut letters = letter.chars();
    let drive = letters.next().filter(|letter| letter.is_ascii_alphabetic() && letters.next().is_none())?;
    rest.starts_with(['\\', '/']).then_some((drive, rest))
}

/// A word in single quotes; PowerShell takes typographic ones for the same.
pub fn single_quoted(word: &str) -> String {
    let mut out = String::from("'");
    for character in word.chars() {
        if matches!(character, '\'' | '\u{2018}'..='\u{201b}') {
            out.push(character);
        }
        out.push(character);
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::config::Options;

    #[test]
    fn drives_and_pipes_are_known_whichever_way_their_slashes_lean() {
        for value in [
            r"C:\Users\a\.ssh\id_ed25519",
            "c:/Users/a b/.ssh/id_ed25519",
            r"\\.\pipe\openssh-ssh-agent",
            r"\.\pipe\openssh-ssh-agent",
            "//./pipe/openssh-ssh-agent",
        ] {
            assert!(is_path(value), "{value}");
        }
        for value in
            ["~/.ssh/id", "/home/a/C:/x", "C:id", "cc:/x", "1:/x", "/pipe/x", "./pipe/x", "none", "", ":/x", "é:/x"]
        {
            assert!(!is_path(value), "{value}");
        }
    }

    #[test]
    fn wsl_shows_drives_under_mnt() {
        assert_eq!(mounted(r"C:\Users\a b\.ssh\id").as_deref(), Some("/mnt/c/Users/a b/.ssh/id"));
        assert_eq!(mounted("d:/keys/id").as_deref(), Some("/mnt/d/keys/id"));
        assert_eq!(mounted(r"\\.\pipe\openssh-ssh-agent"), None);
    }

    #[test]
    fn only_what_identifies_the_client_counts() {
        let mut options = Options::default();
        options.set("identityfile", r"C:\Users\a\.ssh\id");
        options.set("identityagent", "//./pipe/openssh-ssh-agent");
        options.set("localcommand", r"C:\x.exe");
        let expected = [
            ("-i", "C:/other"),
            ("IdentityFile", r"C:\Users\a\.ssh\id"),
            ("IdentityAgent", "//./pipe/openssh-ssh-agent"),
        ];
        let inaccessible = vec!["C:/other".into(), "/home/a/x".into()];
        let config = Config { options, inaccessible, ..Config::default() };
        assert_eq!(paths(&config), expected);
    }
}
