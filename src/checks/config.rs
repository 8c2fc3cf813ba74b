//! Whether ssh takes its configuration.

use crate::facts::config::{Complaint, ComplaintKind};
use crate::facts::{Facts, Observed, Origin, Source, Stage, Unobserved};

use super::{Blocks, Cause, Check, Finding, Fix, Outcome, Place, Step, mounts, naming, wrong_binary};

/// ssh reads its configuration without complaint.
pub const CLIENT_CONFIG: Check = Check {
    id: "client-config",
    stage: Stage::Config,
    claim: "ssh reads its configuration without complaint",
    causes: &[&CLIENT_CONFIG_PERMISSIONS, &CLIENT_CONFIG_ERROR],
    holds: client_config_holds,
    rules_out: &[("client-config-error", ssh_takes_it)],
};

const CLIENT_CONFIG_ERROR: Cause = Cause {
    id: "client-config-error",
    title: "ssh refuses its configuration",
    blocks: Blocks::Config,
    place: Place::Client,
    doc: "A configuration file or an option on the command line holds a keyword that this ssh does not know, or a value that \
          it does not take, or names a file that it cannot read. ssh then ends before it contacts anything: \
          `Bad configuration option`, `terminating, 1 bad configuration options`.\n\n\
          Proven by the installed ssh itself, which was asked to evaluate the same configuration (ssh -G).",
    prevent: "Try a change with `ssh -G HOST`. Put `IgnoreUnknown KEYWORD` above options that only some of your machines know.",
    fix: Fix {
        commands: |facts| {
            let mut steps = error_commands(facts);
            steps.extend(wrong_binary::step_with_it(facts));
            steps
        },
        mend: forget,
    },
    see: &["OpenSSH readconf.c process_config_line_depth", "ssh_config(5) IgnoreUnknown"],
    judge: |facts| {
        if super::proxy::is_its_own(facts) {
            return Ok(None);
        }
        let Some(complaint) =
            facts.config.complaint.as_ref().filter(|complaint| complaint.kind != ComplaintKind::Permissions)
        else {
            return Ok(control_socket_impossible(facts));
        };
        let what = match (complaint.kind, &complaint.line) {
            (ComplaintKind::UnknownOption, Some(line)) => {
                format!("it does not know the option in `{}`", line.shortened(120).trim())
            }
            (ComplaintKind::BadValue, Some(line)) => {
                format!("it does not take the value in `{}`", line.shortened(120).trim())
            }
            (ComplaintKind::Unreadable, _) => "it cannot read the file".to_owned(),
            _ => complaint.said.first().map(|said| said.shortened(160)).unwrap_or_default(),
        };
        let finding = Finding::proven(match &complaint.at {
            // The command that was run to ask ssh is none that the user typed.
            Source::Command(_) => format!("ssh refuses to start: {what}"),
            at => format!("ssh refuses to start because of {at}: {what}"),
        });
        Ok(Some(with_words(finding, complaint).or(wrong_binary::that_takes_it(facts))))
    },
};

/// ssh is told to listen at ControlPath and cannot make a socket there: it logs in and then ends (mux.c
/// `muxserver_listen`).
fn control_socket_impossible(facts: &Facts) -> Option<Finding> {
    let master = facts.config.control_master.as_ref().ok()?;
    let error = master.unbindable.as_ref()?;
    let folder = master.path.to_string();
    let folder = folder.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let summary = format!("ssh ends after the login because it cannot make its ControlPath socket in {folder}");
    Some(
        Finding::proven(summary)
            .seen(format!("making {} fails with {error}", master.path))
            .seen("ControlMaster makes ssh listen there once it is logged in")
            .at(Blocks::Session),
    )
}

const CLIENT_CONFIG_PERMISSIONS: Cause = Cause {
    id: "client-config-permissions",
    title: "a configuration file belongs to another or may be written by others",
    blocks: Blocks::Config,
    place: Place::Client,
    doc: "ssh reads its per-user configuration and the files that it includes only when they belong to you or to root and \
          neither group nor others may write them; else it ends with `Bad owner or permissions on …` before it contacts \
          anything. A file named with -F is not checked.\n\n\
          Proven by the installed ssh itself, which was asked to evaluate the same configuration (ssh -G).",
    prevent: "Keep ~/.ssh/config and its includes at mode 0600; copy a shared or mounted file instead of linking to it.",
    fix: Fix {
        commands: |facts| {
            let Some(Complaint { at: Source::File { path, .. }, .. }) = &facts.config.complaint else {
                return Vec::new();
            };
            if let Some(steps) = mounts::for_config(facts, path) {
                return steps;
            }
            let user = facts.run.user.to_string();
            let user = if user.is_empty() { "ACCOUNT" } else { user.as_str() };
            let owner = super::quoted(&format!("{user}:"));
            let file = naming::path(path);
            vec![
                Step::here(format!("chmod go-w {file}"), "lets nobody but its owner write it"),
                Step {
                    root: true,
                    ..Step::here(
                        format!("test -O {file} || chown {owner} {file}"),
                        "if ssh still complains: the file belongs to another account; this makes it yours",
                    )
                },
            ]
        },
        mend: forget,
    },
    see: &["OpenSSH readconf.c read_config_file_depth", "ssh_config(5)"],
    judge: |facts| {
        let Some(complaint) =
            facts.config.complaint.as_ref().filter(|complaint| complaint.kind == ComplaintKind::Permissions)
        else {
            return Ok(None);
        };
        let summary =
            format!("ssh refuses to start because of {}: another account owns it or may write it", complaint.at);
        let mut finding = with_words(Finding::proven(summary), complaint);
        if let Source::File { path, .. } = &complaint.at {
            finding.evidence.extend(mounts::seen(facts, path));
        }
        Ok(Some(finding))
    },
};

fn with_words(finding: Finding, complaint: &Complaint) -> Finding {
    complaint.said.iter().fold(finding, |finding, said| finding.seen(format!("ssh says: {}", said.shortened(300))))
}

fn error_commands(facts: &Facts) -> Vec<Step> {
    let Some(complaint) = &facts.config.complaint else { return control_socket_commands(facts) };
    let destination = naming::destination(facts);
    match &complaint.at {
        Source::File { path, line: Some(line) } => {
            let file = naming::path(path);
            vec![
                Step::here(format!("sed -n {line}p {file}"), "shows the line; correct or remove it"),
                Step::here(
                    format!("ssh -G {destination} > /dev/null"),
                    "says nothing once ssh takes the configuration",
                ),
            ]
        }
        Source::File { path, line: None } => {
            vec![Step::here(format!("ls -l {}", naming::path(path)), "shows the file that ssh cannot use")]
        }
        _ => {
            if has_no_account(complaint) {
                return no_account_commands();
            }
            let refused = complaint.line.as_ref().map(ToString::to_string).unwrap_or_default();
            let option = refused.trim_start().trim_start_matches("-o").trim_start().to_ascii_lowercase();
            let keyword = option.split(['=', ' ', '\t']).next().unwrap_or_default();
            vec![Step::here(
                format!("ssh {}", naming::destination_without(facts, &[keyword])),
                "the same login without the refused option",
            )]
        }
    }
}

/// Whether ssh ends because the account that it runs as has no entry (ssh.c `main`), as in a container that runs as a
/// number.
fn has_no_account(complaint: &Complaint) -> bool {
    complaint.said.iter().any(|said| said.to_string().starts_with("No user exists for uid "))
}

fn no_account_commands() -> Vec<Step> {
    vec![
        Step::here(
            "getent passwd \"$(id -u)\"",
            "prints nothing: the number that ssh runs as is no account here, as in a container started as another user",
        ),
        Step {
            root: true,
            ..Step::person(
                Place::Client,
                "give that number an entry in /etc/passwd, with its home, where the image is made or when it starts; or run \
                 ssh as an account that has one",
            )
        },
    ]
}

fn control_socket_commands(facts: &Facts) -> Vec<Step> {
    let Some(finding) = control_socket_impossible(facts) else { return Vec::new() };
    let Ok(master) = &facts.config.control_master else { return Vec::new() };
    let path = master.path.to_string();
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let missing = master.unbindable.as_deref() == Some("ENOENT");
    let command = if missing { "mkdir -p -m 700" } else { "ls -ld" };
    let why = if missing { "makes the folder".to_owned() } else { finding.summary };
    vec![Step::here(format!("{command} {}", super::quoted(folder)), why)]
}

/// What a correct configuration would say is not known.
fn forget(facts: &mut Facts) {
    if facts.config.complaint.is_none() {
        if let Ok(master) = &mut facts.config.control_master {
            master.unbindable = None;
        }
        return;
    }
    let unknown = || Unobserved::NotAttempted;
    facts.config.complaint = None;
    facts.identities = Err(unknown());
    facts.userauth = Err(unknown());
    facts.session = Err(unknown());
}

fn client_config_holds(facts: &Facts) -> Observed<Outcome> {
    let not_shown = facts.config.ssh == Err(Unobserved::NotInThisSource) && facts.config.complaint.is_none();
    if facts.origin == Origin::Server || not_shown {
        return Err(Unobserved::NotInThisSource);
    }
    let config = &facts.config;
    let lines = config.applied.iter().map(|applied| format!("{}: {}", applied.at, applied.text.shortened(200)));
    let exec = config.match_exec.then(|| "a Match exec command was run while reading, as ssh would".to_owned());
    if let Err(reason) = &config.ssh {
        let absent = match reason {
            Unobserved::TimedOut => {
                "ssh did not come to the end of its configuration in time (a Match exec command or a pipe \
                                     may hang): OpenSSH's defaults apply, ~/.ssh/config was not evaluated"
                    .to_owned()
            }
            reason => {
                format!("ssh is not installed ({reason}): OpenSSH's defaults apply, ~/.ssh/config was not evaluated")
            }
        };
        return Ok(Outcome::warn(absent).with(lines));
    }
    if !config.evaluated {
        return Err(Unobserved::NotAttempted);
    }
    let version = config.ssh.as_ref().map(|ssh| ssh.version.clone()).unwrap_or_default();
    let login = naming::login(facts);
    let port = facts.target.as_ref().map_or(22, |target| target.port);
    Ok(Outcome::pass(format!("{version} reads it without complaint: {login}, port {port}")).with(lines).with(exec))
}

fn ssh_takes_it(facts: &Facts) -> Option<String> {
    let of_log = facts.is_read();
    let how = if of_log {
        "ssh goes on with its configuration"
    } else {
        "ssh -G evaluates the configuration without complaint"
    };
    let went_on = !of_log || facts.target.is_ok();
    (facts.config.evaluated && facts.config.complaint.is_none() && went_on).then(|| how.to_owned())
}
