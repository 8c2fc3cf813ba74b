//! The causes of a session that the server does not give: the channel, a command, a terminal, a subsystem; and of a
//! shell that spoils what runs in it.

use crate::checks::{Blocks, Cause, Certainty, Finding, Fix, Place, Step, auth_methods, members, naming};
use crate::facts::{Facts, Observed, known};
use crate::openssh::session::{options_in_use, sftp_packet};

use super::ending::{Refused, Trouble, seen, terminal_is_demanded, trimmed, trouble};
use super::endings::forget;

pub(super) const CHANNEL_REFUSED: Cause = Cause {
    id: "channel-refused",
    title: "the server refuses the session, or something in it that ssh needs",
    blocks: Blocks::Session,
    place: Place::Server,
    doc: "The login succeeds, and the server gives no session channel (MaxSessions 0), no terminal (PermitTTY no, restrict or \
          no-pty on the key's line), runs no command, or has no sftp subsystem, which sftp and, since 9.0, scp need. Without a \
          session, ssh -N may still forward ports. A terminal is asked for only where ssh would: a shell at a terminal, or -t.\n\n\
          Proven by the server's refusal of that very request.",
    prevent: "After a change to sshd_config try a shell, sftp and scp once each: they need different things.",
    fix: Fix { commands: refused_commands, mend: forget },
    see: &["RFC 4254 section 5.1", "RFC 4254 section 6", "sshd_config(5) MaxSessions, PermitTTY, Subsystem"],
    judge: channel_refused,
};

fn channel_refused(facts: &Facts) -> Observed<Option<Finding>> {
    let userauth = known(&facts.userauth)?;
    let Some(Trouble::Refused(what, words)) = trouble(facts) else { return Ok(None) };
    let login = naming::login(facts);
    let then = match what {
        Refused::Terminal if terminal_is_demanded(facts) => format!("{words}, without which ssh ends"),
        Refused::Terminal => format!("{words}: the shell has no prompt, and no line can be edited"),
        _ => words.clone(),
    };
    let mut finding = Finding::proven(format!("the login as {login} succeeds, and then {then}"));
    finding.evidence.push(words);
    finding.evidence.extend(facts.session.as_ref().map(seen).unwrap_or_default());
    if what == Refused::Terminal && options_in_use(&userauth.debug).is_some_and(|options| !options.terminal) {
        let line = super::authorized_line(userauth);
        finding.evidence.extend(line.map(|line| format!("let in by {line}: a terminal is not among its options")));
    }
    Ok(Some(finding))
}

fn refused_commands(facts: &Facts) -> Vec<Step> {
    let destination = naming::destination(facts);
    let Some(Trouble::Refused(what, _)) = trouble(facts) else { return Vec::new() };
    let setting = |pattern: &str, why: &str| Step::server_root(auth_methods::sshd_effective(facts, pattern), why);
    match what {
        Refused::Session => vec![
            setting("^maxsessions", "0 refuses every session; the default is 10"),
            Step::here(
                format!("ssh -N {destination}"),
                "needs no session: port forwarding works, if that is all you need",
            ),
        ],
        Refused::Start => vec![Step::server_root(members::log_command(facts), "sshd's own words about the refusal")],
        Refused::Subsystem | Refused::SubsystemMissing => {
            let mut steps = vec![setting(
                "^subsystem",
                "what serves sftp: without a line, or with a program that is not there, it needs Subsystem sftp internal-sftp",
            )];
            if facts.target.as_ref().is_ok_and(|target| target.program == "scp") {
                let why = "put -O behind scp: the old protocol, which runs scp there and needs no subsystem";
                steps.push(Step::person(Place::Client, why));
            }
            steps
        }
        Refused::Terminal => {
            let options = facts.userauth.as_ref().ok().and_then(|userauth| options_in_use(&userauth.debug));
            let by_key = options.is_some_and(|options| !options.terminal);
            let place = facts.userauth.as_ref().ok().and_then(super::authorized_place).filter(|_| by_key);
            let show = match place {
                Some((file, line)) => Step::server_root(
                    format!("sed -n {line}p {}", crate::checks::quoted(&file)),
                    "the key's line: restrict or no-pty takes the terminal away; pty behind restrict gives it back",
                ),
                None => setting("^permittty", "no refuses every terminal"),
            };
            vec![show, Step::here(format!("ssh -T {destination}"), "goes on without a terminal, if that is enough")]
        }
    }
}

pub(super) const SHELL_PRINTS: Cause = Cause {
    id: "shell-startup-prints",
    title: "the account's start-up files print text that sftp and scp trip over",
    blocks: Blocks::Session,
    place: Place::Server,
    doc: "sshd runs the sftp server through the account's shell, and ~/.bashrc or another start-up file prints something first. \
          sftp and scp take that for the protocol: \"Received message too long\", \"Ensure the remote shell produces no output for \
          non-interactive sessions\". A login with a terminal shows nothing odd.\n\n\
          Proven when text came before the first packet of the sftp server.",
    prevent: "Let start-up files print only where the shell is interactive: case $- in *i*) ;; *) return ;; esac.",
    fix: Fix {
        commands: |facts| {
            let home = naming::home(&naming::user(facts));
            vec![
                Step::server_root(
                    format!(
                        "grep -nE '^[^#]*(echo|printf|cat|fortune|neofetch|motd)' {home}/.bashrc {home}/.profile {home}/.zshenv {home}/.cshrc"
                    ),
                    "what may print; it belongs behind a test for an interactive shell",
                ),
                Step::here(
                    format!("ssh {} true", naming::destination_without_command(facts)),
                    "prints nothing once that is done",
                ),
            ]
        },
        mend: forget,
    },
    see: &["sftp(1)", "OpenSSH sftp-client.c get_msg_extended", "bash(1) INVOCATION"],
    judge: shell_prints,
};

fn shell_prints(facts: &Facts) -> Observed<Option<Finding>> {
    let session = known(&facts.session)?;
    if trouble(facts) != Some(Trouble::Prints) {
        return Ok(None);
    }
    let login = naming::login(facts);
    let summary =
        format!("the login as {login} succeeds, and its shell prints text before sftp begins: sftp and scp stop at it");
    let text = session.stdout.as_bytes();
    let packet = sftp_packet(text).unwrap_or(text.len());
    let printed = crate::facts::text::ServerText::new(&text[..packet]);
    let finding = Finding::new(Certainty::Proven, summary);
    Ok(Some(finding.seen(format!("before the first packet came: {}", trimmed(&printed, 300)))))
}
