//! What SELinux's denials mean for `server-selinux-context`: each of these lines was posted by whoever met it, beside the
//! label that `ls -Z` showed.
#![expect(clippy::unwrap_used, reason = "a saved case that cannot be read is a failed test")]

use std::fs;

use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;
use sshdoctor::facts::Facts;

/// A server whose authorized_keys carries this label, with this denial in its audit log.
fn met(label: &str, denial: &str) -> Facts {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/server-selinux-context/facts.json");
    let mut facts = case::from_json(&fs::read_to_string(path).unwrap()).unwrap();
    let account = facts.account.as_mut().unwrap();
    for node in account.paths.iter_mut().filter(|node| node.path.to_string().contains("/.ssh")) {
        node.label = Some(label.into());
    }
    account.machine.denials = vec![denial.into()];
    facts
}

fn cause(facts: &Facts) -> &'static str {
    diagnose(facts).first.cause.id
}

/// The label, and the denial that was met with it.
const ENFORCED: &[(&str, &str)] = &[
    // Fedora, homes below /u (the setup notes of a public shell server).
    (
        "system_u:object_r:default_t:s0",
        r#"Feb 16 09:50:41 shrimp-paste audit[311891]: AVC avc:  denied  { read } for  pid=311891 comm="sshd" name="authorized_keys" dev="nvme0n1p2" ino=27263159 scontext=system_u:system_r:sshd_t:s0-s0:c0.c1023 tcontext=system_u:object_r:default_t:s0 tclass=file permissive=0"#,
    ),
    // The account of a MySQL server, whose home is the database's folder.
    (
        "system_u:object_r:mysqld_db_t:s0",
        r#"type=AVC msg=audit(1728189270.965:8192): avc:  denied  { read } for  pid=138598 comm="sshd" name="authorized_keys" dev="dm-0" ino=4236386 scontext=system_u:system_r:sshd_t:s0-s0:c0.c1023 tcontext=system_u:object_r:mysqld_db_t:s0 tclass=file permissive=0"#,
    ),
    // CentOS 6, root's folder made by hand: the kernel did not say `permissive=` then.
    (
        "unconfined_u:object_r:admin_home_t:s0",
        r#"type=AVC msg=audit(1461618507.140:776): avc:  denied  { open } for  pid=3065 comm="sshd" name="authorized_keys" dev=sda1 ino=1056263 scontext=unconfined_u:system_r:sshd_t:s0-s0:c0.c1023 tcontext=unconfined_u:object_r:admin_home_t:s0 tclass=file"#,
    ),
];

#[test]
fn a_denial_that_was_enforced_is_the_cause() {
    for (label, denial) in ENFORCED {
        assert_eq!(cause(&met(label, denial)), "server-selinux-context", "{denial}");
    }
}

#[test]
fn a_denial_about_a_label_that_the_file_no_longer_has_is_not() {
    for (_, denial) in ENFORCED {
        assert_ne!(cause(&met("unconfined_u:object_r:ssh_home_t:s0", denial)), "server-selinux-context", "{denial}");
    }
}

#[test]
fn a_domain_that_is_permissive_is_denied_nothing_where_selinux_enforces() {
    // Fedora's policy makes sshd_session_t a permissive domain: the login goes through, and the denial is logged.
    let denial = r#"avc:  denied  { read } for  pid=27058 comm="sshd-session" name="authorized_keys" scontext=system_u:system_r:sshd_session_t:s0-s0:c0.c1023 tcontext=unconfined_u:object_r:var_log_t:s0 tclass=file permissive=1"#;
    assert_ne!(cause(&met("unconfined_u:object_r:var_log_t:s0", denial)), "server-selinux-context");
}

#[test]
fn a_home_that_the_policy_does_not_know_is_made_known_first() {
    let mut facts = met(ENFORCED[1].0, ENFORCED[1].1);
    let commands = |facts: &Facts| {
        let first = diagnose(facts).first;
        (first.cause.fix.commands)(facts).into_iter().filter_map(|step| step.command).collect::<Vec<_>>()
    };
    assert_eq!(commands(&facts), ["restorecon -Rv /home/deploy/.ssh"]);
    facts.account.as_mut().unwrap().login.passwd.as_mut().unwrap().as_mut().unwrap().home = "/var/lib/my.sql".into();
    let told = commands(&facts);
    let words = shlex::split(&told[0]).unwrap();
    assert_eq!(words, ["semanage", "fcontext", "-a", "-t", "ssh_home_t", r"/var/lib/my\.sql/\.ssh(/.*)?"]);
    assert_eq!(told[1], "restorecon -Rv /var/lib/my.sql/.ssh");
}
