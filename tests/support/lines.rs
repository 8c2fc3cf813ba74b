//! Pastes that nobody wrote: lines of ssh and sshd and of much else, spoilt in every way that mail, terminals, browsers and
//! bad will know. The same seed gives the same paste.

/// Numbers by chance (xorshift64*).
#[derive(Debug, Clone)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default() % limit
    }

    /// One of these.
    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// What stands in no transcript of the lab.
const OTHERS: &[&str] = &[
    "f: /home/deploy/.ssh/authorized_keys",
    "drwxrwxr-x deploy users  deploy",
    "-rw-r--r-- 1 a a 411 Nov 30 12:00 id_rsa",
    "pubkeyauthentication no",
    "allowusers ann",
    "The agent has no identities.",
    "$ ssh -p 2222 -i ~/.ssh/prod.pem -J jump@bastion deploy@web1 uptime",
    "C:\\Users\\ann>ssh.exe -i C:\\keys\\id 'web1",
    "Nov 25 02:00:00 web1 sshd[12]: Failed publickey for deploy from 192.0.2.1 port 9 ssh2: ED25519 SHA256:x",
    "Nov 25 02:00:00 web1 sshd[12]: User deploy from 192.0.2.1 not allowed because not listed in AllowUsers",
    "Nov 25 02:00:00 web1 sshd[12]: Authentication refused: bad ownership or modes for directory /home/deploy",
    "Nov 25 02:00:01 web1 sshd[12]: Connection closed by authenticating user deploy 192.0.2.1 port 9 [preauth]",
    "2026-11-25T03:00:00.123456+01:00 web1 sshd-session[7]: Invalid user x from 192.0.2.1 port 9",
    "2026-11-25T03:00:00.123456+01:00 web1 sshd-session[7]: Accepted publickey for a from 192.0.2.1 port 9 ssh2: RSA SHA256:y",
    r#"{"MESSAGE":"Invalid user x from 192.0.2.1 port 9","_PID":"7","SYSLOG_IDENTIFIER":"sshd","__REALTIME_TIMESTAMP":"1"}"#,
    r#"{"MESSAGE":[73,110],"_PID":7,"SYSLOG_IDENTIFIER":"sshd","#,
    r#"web1 | UNREACHABLE! => {"changed": false, "msg": "Failed to connect to the host via ssh: a@b: Permission denied (publickey).\r\nx", "unreachable": true}"#,
    "[12:00:00.123] > debug1: Offering public key: /home/a/.ssh/id RSA SHA256:x agent",
    "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
    "paramiko.ssh_exception.AuthenticationException: Authentication failed.",
    "com.jcraft.jsch.JSchException: Auth fail",
    "Event Log: Server refused our key",
    "FATAL ERROR: No supported authentication methods available (server sent: publickey)",
    "=== sshdoctor kit 1: ssh -G ===",
    "-rw-r--r-- 1 1000 1000 411 Nov 25 02:00 /home/a/.ssh/id_ed25519",
    "256 SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA a@laptop (ED25519)",
    "uid=1000(a) gid=1000(a) groups=1000(a)",
    "identityfile ~/.ssh/id_ed25519",
    "drwx------ a a .ssh",
    "$ ssh -vvv -i 'x y' deploy@web1",
    "Dear colleagues, it worked yesterday.",
    "```",
    "---",
];

/// What is put into lines.
const ODD: &[&str] = &[
    "\u{1b}[31m",
    "^[[0m",
    "&lt;",
    "&quot;",
    "<br>",
    "\0",
    "\r",
    "\u{a0}",
    "\u{ad}",
    "\u{202e}",
    "…",
    "\u{201c}",
    "' ; rm -rf /",
    "`x`",
    "99999999999999999999999999",
    "-1",
    "[",
    "]:",
    ": ",
    "SHA256:",
    " from ",
    " port ",
    "%s%n",
    "{\"",
    "\\x1b",
    "debug1: ",
    "sshd[1]: ",
    "=== sshdoctor kit 1: ",
];

/// What is put before lines.
const BEFORE: &[&str] = &[
    "> ",
    ">> ",
    "  ",
    "12: ",
    "  7\t",
    "| ",
    "2026-11-30T12:00:00.1234567Z ",
    "12:00:00 ",
    "[12:00:00] ",
    "- ",
    "* ",
];

/// A paste of about that many lines, made of the lines of `known`.
pub(crate) fn paste(chance: &mut Chance, known: &[&str], lines: usize) -> Vec<u8> {
    let mut text = String::new();
    // Some keep a run of lines as they are, so that the middle of a login is reached.
    let calm = chance.below(3);
    let prefix = if chance.below(8) == 0 { chance.of(BEFORE) } else { "" };
    let mut at = chance.below(known.len());
    for _ in 0..lines {
        let line = match chance.below(24) {
            0 => chance.of(OTHERS),
            1 => {
                at = chance.below(known.len());
                known[at]
            }
            _ => known[at],
        };
        at = (at + 1) % known.len();
        text.push_str(prefix);
        if chance.below(4 * calm + 1) > 0 {
            text.push_str(line);
        } else {
            text.push_str(&spoilt(chance, line, known));
        }
        text.push_str(if chance.below(60) == 0 { chance.of(&["\r\n", "", "\r", "\n\n"]) } else { "\n" });
    }
    match chance.below(40) {
        0 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
        2 => {
            let mut bytes = text.into_bytes();
            for _ in 0..8 {
                let place = chance.below(bytes.len());
                bytes[place] = u8::try_from(chance.below(256)).unwrap_or_default();
            }
            bytes
        }
        _ => text.into_bytes(),
    }
}

/// The line, spoilt.
fn spoilt(chance: &mut Chance, line: &str, known: &[&str]) -> String {
    let letters: Vec<char> = line.chars().collect();
    let place = chance.below(letters.len() + 1);
    let part =
        |from: usize, to: usize| letters[from.min(letters.len())..to.min(letters.len())].iter().collect::<String>();
    match chance.below(11) {
        0 => part(0, place),
        1 => part(place, letters.len()),
        2 => format!("{}{}{}", part(0, place), chance.of(ODD), part(place, letters.len())),
        3 => format!("{}{line}", chance.of(BEFORE)),
        4 => format!("{}\n{}", part(0, place), part(place, letters.len())),
        5 => format!("{}{}", part(0, place), known[chance.below(known.len())]),
        6 => {
            let mut words: Vec<&str> = line.split(' ').collect();
            let (one, other) = (chance.below(words.len()), chance.below(words.len()));
            words.swap(one, other);
            words.join(" ")
        }
        7 => line.replace(|letter: char| letter.is_ascii_digit(), chance.of(&["", "9", "99999999999", "-", "é"])),
        8 if chance.below(50) == 0 => line.repeat(1 + chance.below(200)),
        9 => line.replace([':', '['], chance.of(&["", ":", "::", "[", " "])),
        _ => line.to_uppercase(),
    }
}
