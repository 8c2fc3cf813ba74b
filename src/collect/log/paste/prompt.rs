//! The command that somebody typed, where its line stands in a paste behind a shell's prompt.

/// The programs whose command line says which login is meant.
const PROGRAMS: &[&str] = &["ssh", "scp", "sftp", "rsync", "git", "ssh-copy-id", "autossh", "mosh"];

/// The command of a line such as `user@laptop:~$ ssh -vvv web1`, `PS C:\Users\a> ssh web1`, `$ ssh web1` or
/// `ssh -vvv web1`; `None` for other lines. Words before it that only set variables or make it root belong to it.
pub(in super::super) fn command(line: &str) -> Option<&str> {
    let line = line.trim();
    if is_program(line) {
        // Without a prompt only what nobody writes in a sentence.
        return line.split(' ').nth(1).is_some_and(|word| word.starts_with('-') || word.contains('@')).then_some(line);
    }
    for mark in ["$ ", "# ", "% ", "> ", "\u{276f} ", "\u{279c} ", "\u{bb} ", ">"] {
        let Some(at) = line.find(mark) else { continue };
        let typed = line[at + mark.len()..].trim_start();
        if at <= 120 && is_prompt(&line[..at]) && is_program(typed) {
            return Some(typed);
        }
    }
    None
}

/// What stands behind a prompt, whatever it is.
pub(in super::super) fn behind_prompt(line: &str) -> Option<&str> {
    let behind = |mark: &str| line.split_once(mark).filter(|(before, _)| is_prompt(before)).map(|(_, words)| words);
    ["$ ", "# ", "% ", "> "].into_iter().find_map(behind)
}

/// Whether this may stand before the mark of a prompt: nothing, a path, `user@host:~`, `[user@host ~]`, `PS C:\>`; no
/// sentence.
fn is_prompt(text: &str) -> bool {
    let words = text.split_whitespace().count();
    let sentence = text.contains(['"', ',', ';']) || text.contains(": ");
    words <= 4 && !sentence && !text.contains("debug")
}

/// Whether it begins with one of the programs, as it would be typed.
fn is_program(typed: &str) -> bool {
    let mut words = typed.split_whitespace();
    let program = words.find(|word| {
        let variable = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        });
        !variable && !matches!(*word, "sudo" | "time" | "env" | "LANG=C" | "command" | "exec")
    });
    let Some(program) = program else { return false };
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    PROGRAMS.contains(&name) && !program.ends_with(':') && words.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_behind_a_prompt_is_found() {
        let rows = [
            ("user@laptop:~$ ssh -vvv web1", "ssh -vvv web1"),
            ("[root@bastion ~]# ssh -i /root/k deploy@web1", "ssh -i /root/k deploy@web1"),
            ("PS C:\\Users\\Ann Lee> ssh.exe -vvv web1", "ssh.exe -vvv web1"),
            ("C:\\Users\\ann>ssh web1", "ssh web1"),
            ("$ ssh web1", "ssh web1"),
            ("laptop% LC_ALL=C /usr/bin/ssh web1", "LC_ALL=C /usr/bin/ssh web1"),
            ("\u{279c}  ~ ssh web1", ""),
            ("\u{276f} ssh web1", "ssh web1"),
            ("ssh -vvv deploy@web1", "ssh -vvv deploy@web1"),
            ("ssh deploy@web1", "ssh deploy@web1"),
            ("$ git clone git@host:a/b.git", "git clone git@host:a/b.git"),
            ("~/src (main) $ git push origin main", "git push origin main"),
        ];
        for (line, wanted) in rows {
            assert_eq!(command(line).unwrap_or_default(), wanted, "{line}");
        }
    }

    #[test]
    fn a_sentence_is_no_command() {
        for line in [
            "ssh to the server does not work",
            "ssh: connect to host web1 port 22: Connection refused",
            "debug1: Executing proxy command: exec ssh -W web1:22 bastion",
            "it says: $ ssh",
            "I tried this, then > ssh web1",
            "",
            "$",
        ] {
            assert_eq!(command(line), None, "{line}");
        }
    }
}
