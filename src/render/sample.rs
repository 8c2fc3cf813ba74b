//! Reports made by hand, for the tests of the formats.

use crate::checks::{Certainty, Place, Status};
use crate::diagnose::diagnose;
use crate::facts::{Facts, Footprint, Stage};
use crate::report::{
    AlsoView, AlternativeView, CheckView, DecideView, FootprintView, HostKeyView, IdentityView, Report, RuledOutView,
    ServerView, StepView, TargetView, report,
};

/// A step for this machine.
fn here(command: &str, why: &str) -> StepView {
    StepView {
        place: Place::Client,
        shell: "sh",
        as_whom: "self",
        command: Some(command.to_owned()),
        why: why.to_owned(),
    }
}

/// A check's row.
fn check(id: &'static str, stage: Stage, status: Status, summary: &str) -> CheckView {
    CheckView {
        id,
        stage,
        hop: None,
        status,
        summary: summary.to_owned(),
        evidence: Vec::new(),
        remarks: Vec::new(),
        millis: Some(0.4),
    }
}

/// An identity's row.
fn identity(order: Option<usize>, comment: &str, answer: &'static str) -> IdentityView {
    IdentityView {
        fingerprint: Some("SHA256:3fS0mBv0T8wzFf0c0JPlDmXuOZ5b2q8yC4dP1qkQn0o".into()),
        kind: Some("ssh-ed25519".to_owned()),
        comment: Some(comment.into()),
        sources: vec!["agent", "file"],
        path: Some("/home/a/.ssh/id_ed25519".into()),
        forwarded: false,
        machine: Some("laptop".into()),
        hardware: false,
        offered_by_ssh: order.is_some(),
        order,
        answer,
        used_to_log_in: false,
    }
}

/// A report about nothing.
pub(super) fn nothing() -> Report {
    let facts = Facts::default();
    report(&facts, &diagnose(&facts))
}

/// Two keys refused, the server's side unseen, and a second fault that waits behind.
pub(super) fn refused() -> Report {
    let mut report = nothing();
    report.observed_at = "2026-11-22T13:20:05+03:00".to_owned();
    report.target = Some(TargetView {
        input: "deploy@web1".into(),
        user: "deploy".into(),
        host: "web1.example.org".into(),
        port: 22,
        addresses: vec!["192.0.2.7".into()],
        via: Vec::new(),
    });
    report.server = Some(ServerView {
        identification: Some("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3".into()),
        methods: vec!["publickey".to_owned(), "password".to_owned()],
        host_key: Some(HostKeyView {
            kind: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:gB1mQv0T8wzFf0c0JPlDmXuOZ5b2q8yC4dP1qkQn0o".into(),
            known: Some("match"),
        }),
    });
    report.identities = vec![identity(Some(1), "a@laptop", "refused"), identity(None, "old | <b>key</b>", "not-asked")];
    let verdict = &mut report.verdict;
    verdict.cause = "no-key-accepted";
    verdict.certainty = Certainty::Proven;
    verdict.place = Some(Place::Server);
    verdict.summary = "web1.example.org refuses every key that ssh offers for deploy, which is why it asks for a \
                       password."
        .to_owned();
    verdict.evidence = vec!["publickey is offered; 1 key asked about, 1 refused".to_owned()];
    verdict.next_steps = vec![here("ssh-copy-id -i /home/a/.ssh/id_ed25519.pub deploy@web1", "adds the key")];
    verdict.prevent = Some("Keep the list of keys in one place.".to_owned());
    verdict.also = vec![AlsoView {
        cause: "key-file-permissions",
        certainty: Certainty::Proven,
        summary: "ssh ignores /home/a/.ssh/id_ed25519, others can read it.".to_owned(),
        evidence: vec!["/home/a/.ssh/id_ed25519 has mode 0644".to_owned()],
        next_steps: vec![here("chmod 600 /home/a/.ssh/id_ed25519", "ssh reads it then")],
    }];
    let alternative = |cause| AlternativeView {
        cause,
        certainty: Certainty::Possible,
        summary: "The server's side is not as it should be.".to_owned(),
        evidence: vec!["sshd says the same to all of these".to_owned()],
        next_steps: Vec::new(),
        decide: Some(DecideView {
            place: Place::Server,
            command: "journalctl -t sshd --since '@1795342745'".to_owned(),
        }),
    };
    verdict.alternatives = vec![alternative("server-key-not-listed"), alternative("server-strict-modes")];
    verdict.ruled_out = vec![RuledOutView {
        cause: "agent-unreachable",
        because: "the agent answered and lists 3 identities".to_owned(),
    }];
    report.footprint = Some(FootprintView {
        target: Footprint {
            connections: 1,
            auth_requests: 2,
            auth_failures: 1,
            public_keys_disclosed: 1,
            commands_run: 0,
        },
        hops: Vec::new(),
        admin: None,
    });
    report.checks = vec![
        check("client-config", Stage::Config, Status::Pass, "ssh reads its configuration without complaint"),
        check("key-permissions", Stage::Identity, Status::Warn, "/home/a/.ssh/id_ed25519 can be read by others"),
        check("authorized-keys", Stage::Auth, Status::Fail, "1 key offered, 1 refused"),
        check("login", Stage::Auth, Status::Skip, "not reached: it ended at auth"),
        check("session", Stage::Session, Status::Skip, "not reached: it ended at auth"),
    ];
    report.checks[1].evidence = vec!["mode 0644, owner 1000".to_owned()];
    report.message = Some(
        "The login of deploy on web1.example.org fails.\nAccount:  deploy\n\nPlease run this on the server, as root:\n\
         journalctl -t sshd --since '@1795342745'"
            .to_owned(),
    );
    report.again = Some("sshdoctor deploy@web1".to_owned());
    report
}
