//! Kits, whole and in parts.

use super::*;

fn read(text: &str) -> Kit {
    let mut kit = Kit::default();
    for (number, line) in (1..).zip(text.lines()) {
        kit.line(0, number, line);
    }
    kit
}

const KIT: &str = "=== sshdoctor kit 1: date ===\n2026-11-30T13:09:20+0100\n\
    === sshdoctor kit 1: system ===\nLinux 6.1 x86_64\n\"Debian GNU/Linux 12 (bookworm)\"\n\
    === sshdoctor kit 1: id ===\nuid=1000(a) gid=1000(a) groups=1000(a)\n\
    === sshdoctor kit 1: environment ===\nTARGET=web1\nHOME=/home/a\nSSH_AUTH_SOCK=/tmp/x/agent.1\nhas a terminal\n\
    === sshdoctor kit 1: ssh -V ===\n/usr/bin/ssh\nOpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19\nsshdoctor kit: status 0\n\
    === sshdoctor kit 1: ssh-add -l ===\n256 SHA256:aaaa a@laptop (ED25519)\nsshdoctor kit: status 0\n\
    === sshdoctor kit 1: ssh -G ===\nuser deploy\nhostname web1.example.org\nport 22\nidentityfile ~/.ssh/id_ed25519\nidentityfile /keys/work\n\
    === sshdoctor kit 1: ls -lnd ===\ndrwx------ 2 1000 1000 4096 Nov 30 12:27 /home/a/.ssh\n\
    -rw-r--r--. 1 1000 1000 411 Nov  1  2025 /home/a/.ssh/id_ed25519\n\
    ls: cannot access '/keys/work': No such file or directory\n\
    === sshdoctor kit 1: ssh -vvv ===\nOpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19\n\
    === sshdoctor kit 1: end ===\n";

#[test]
fn a_whole_kit_shows_one_machine() {
    let kit = read(KIT);
    let mut facts = Facts::default();
    kit.state(&mut facts);
    assert!(kit.is_there() && kit.holds(0, 31) && !kit.holds(1, 31) && !kit.holds(0, 3), "{:?}", kit.transcript);
    assert_eq!((facts.run.uid, facts.run.user.to_string(), facts.run.terminal), (1000, "a".to_owned(), true));
    assert_eq!(facts.run.os, "Debian GNU/Linux 12 (bookworm)");
    assert_eq!(facts.observed_at.unix_seconds, 1_796_040_560);
    assert_eq!(facts.config.options.first("hostname"), Some("web1.example.org"));
    let identities = facts.identities.unwrap();
    let states: Vec<_> = identities
        .files
        .iter()
        .map(|file| {
            (
                file.path.to_string(),
                file.explicit,
                file.state.as_ref().map(|stat| stat.mode).map_err(|error| error.errno.clone()),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("/home/a/.ssh/id_ed25519".to_owned(), false, Ok(0o644)),
            ("/keys/work".to_owned(), true, Err("ENOENT".to_owned())),
        ]
    );
    let agent = facts.agent.unwrap();
    assert_eq!(agent.keys()[0].key.comment, "a@laptop");
}

#[test]
fn what_stands_alone_is_of_no_machine() {
    let kit = read(
        "256 SHA256:aaaa a@laptop (ED25519)\n3072 SHA256:bbbb b (RSA)\n-rw-r--r-- 1 a a 411 Nov 1 12:00 id_rsa\nhello\n",
    );
    assert!(!kit.is_there());
    let remarks: Vec<String> = kit.remarks().iter().map(ToString::to_string).collect();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(remarks[0].starts_with("2 keys as `ssh-add -l` lists them, from line 1 on"), "{remarks:?}");
}

#[test]
fn modes_are_read_as_ls_writes_them() {
    let rows = [
        ("-rw-r--r--", Some((FileKind::Regular, 0o644))),
        ("drwxrwsr-t.", Some((FileKind::Directory, 0o3775))),
        ("-rw-------+", Some((FileKind::Regular, 0o600))),
        ("-rw", None),
        ("hello-you-", None),
    ];
    for (letters, wanted) in rows {
        assert_eq!(mode(letters), wanted, "{letters}");
    }
    assert_eq!(mode("-rwsr-Sr--"), Some((FileKind::Regular, 0o6744)));
    let (path, state) = listed("ls: /home/a/x y: Permission denied").unwrap();
    assert_eq!((path.to_string(), state.unwrap_err().errno), ("/home/a/x y".to_owned(), "EACCES".to_owned()));
}

#[test]
fn sentences_are_no_parts() {
    for line in [
        "user git cannot log in",
        "12 monkeys (RSA)",
        "- a list item",
        "the hostname is web1",
        "hostname of the server is wrong here",
    ] {
        let mut kit = Kit::default();
        assert!(!kit.line(0, 1, line), "{line}");
    }
}
