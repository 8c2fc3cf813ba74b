//! What becomes of a `ProxyCommand`, scene by scene.

use super::super::super::{CHAIN, doubted};
use super::*;
use crate::facts::Target;
use crate::facts::connect::Connect;

/// A program that ended so, without a byte from a server.
fn scene(command: &str, status: Option<i32>, stderr: &str) -> Facts {
    let target =
        Target { input: "web1".into(), alias: "web1".into(), host: "web1".into(), port: 22, ..Target::default() };
    let program = Program {
        command: command.into(),
        shell: "/bin/sh".into(),
        stderr: stderr.into(),
        stderr_bytes: stderr.len() as u64,
        status,
        ran_on: status.is_none(),
        millis: 12.0,
        ..Program::default()
    };
    let connect = Connect {
        proxy: Some(Proxy::Command(command.into())),
        through: Some(Through::Program(Box::new(program))),
        ..Connect::default()
    };
    let end = Some(if status.is_some() { End::Closed } else { End::TimedOut });
    let mut facts = Facts {
        target: Ok(target),
        connect: Ok(connect),
        transport: Ok(Transport { end, ..Transport::default() }),
        ..Facts::default()
    };
    facts.config.options.set("proxycommand", command);
    facts
}

fn with(mut facts: Facts, change: fn(&mut Program)) -> Facts {
    if let Ok(Connect { through: Some(Through::Program(program)), .. }) = &mut facts.connect {
        change(program);
    }
    facts
}

/// Every cause that is found, with its certainty.
fn found(facts: &Facts) -> Vec<(&'static str, Certainty)> {
    let causes = CHAIN.iter().flat_map(|check| check.causes);
    let judged = causes.filter_map(|cause| Some((cause.id, doubted(facts, cause, (cause.judge)(facts).ok()??)?)));
    judged.map(|(id, finding)| (id, finding.certainty)).collect()
}

fn by_id(id: &str) -> &'static Cause {
    CHAIN.iter().flat_map(|check| check.causes).find(|cause| cause.id == id).unwrap()
}

const FAILED: &str = "proxy-command-failed";

#[test]
fn what_the_shell_or_the_program_says_proves_it() {
    for (command, status, stderr) in [
        ("corkscrew p 1 web1 22", 127, "/bin/sh: 1: exec: corkscrew: not found\n"),
        ("exec nc web1 22", 127, "/bin/sh: 1: exec: exec: not found\n"),
        ("/opt/tunnel", 126, "/bin/sh: 1: exec: /opt/tunnel: Permission denied\n"),
        ("nc -X connect -x p:1 web1 22", 1, "nc: Proxy error: \"HTTP/1.0 403 Forbidden\"\n"),
        ("nc -v web1 22", 1, "nc: connect to web1 port 22 (tcp) failed: Connection refused\n"),
        ("ssh -W [web1]:22 hop", 255, "a@hop: Permission denied (publickey).\r\n"),
    ] {
        let facts = scene(command, Some(status), stderr);
        assert_eq!(found(&facts), [(FAILED, Certainty::Proven)], "{command}");
        assert!(!steps::commands(&facts).is_empty(), "{command}");
    }
    let crashed = with(scene("tunnel", None, ""), |program| (program.signal, program.ran_on) = (Some(11), false));
    assert_eq!(found(&crashed), [(FAILED, Certainty::Proven)]);
    let shell = with(scene("nc", None, ""), |program| program.unstarted = Some("ENOENT".to_owned()));
    assert_eq!(found(&shell), [(FAILED, Certainty::Proven)]);
}

#[test]
fn an_end_that_the_server_may_have_made_is_likely_at_most() {
    for (command, status, stderr) in
        [("false", 1, ""), ("tunnel web1", 1, "session expired\n"), ("tunnel web1", 0, ""), ("nc web1 22", 1, "")]
    {
        let facts = scene(command, Some(status), stderr);
        assert_eq!(found(&facts), [(FAILED, Certainty::Likely)], "{command}");
        let finding = proxy_command_failed(&facts).unwrap().unwrap();
        assert_eq!(finding.alternatives[0].cause, "connection-dropped");
    }
    let piped = with(scene("tunnel", None, ""), |program| (program.signal, program.ran_on) = (Some(PIPE), false));
    assert_eq!(found(&piped), [(FAILED, Certainty::Likely)]);
    for (command, status, stderr) in
        [("nc web1 22", 0, ""), ("socat - TCP:web1:22", 1, "E read(5): Connection reset by peer")]
    {
        let facts = scene(command, Some(status), stderr);
        assert_eq!(found(&facts), [("connection-dropped", Certainty::Likely)], "{command}");
    }
}

#[test]
fn what_an_unknown_program_writes_may_be_about_anything() {
    for stderr in ["statsd: connection refused\n", "log host: Name or service not known\n"] {
        assert_eq!(found(&scene("/opt/tunnel web1 22", Some(3), stderr)), [(FAILED, Certainty::Likely)], "{stderr}");
        assert_eq!(found(&scene("nc web1 22", Some(1), stderr)), [(FAILED, Certainty::Proven)], "{stderr}");
    }
}

#[test]
fn silence_is_the_programs_or_the_servers() {
    let facts = scene("nc web1 22", None, "");
    assert_eq!(found(&facts), [(FAILED, Certainty::Likely)]);
    let finding = proxy_command_failed(&facts).unwrap().unwrap();
    assert_eq!(finding.place, Some(Place::Open));
    let others: Vec<&str> = finding.alternatives.iter().map(|other| other.cause).collect();
    assert_eq!(others, ["connection-timeout", "banner-timeout"]);
    // Its own word that it waits for its owner.
    let words = "Please open the following URL and log in with your Cloudflare account:\n";
    let facts = scene("cloudflared access ssh --hostname web1", None, words);
    let finding = proxy_command_failed(&facts).unwrap().unwrap();
    assert_eq!((finding.certainty, finding.alternatives.len()), (Certainty::Likely, 0));
}

#[test]
fn other_text_is_the_programs_where_it_does_not_only_carry() {
    let printing = |command: &str| {
        let mut facts = with(scene(command, Some(0), ""), |program| program.stdout_bytes = 26);
        facts.transport.as_mut().unwrap().pre_banner = vec!["HTTP/1.1 400 Bad Request".into()];
        facts
    };
    assert_eq!(found(&printing("tunnel web1")), [(FAILED, Certainty::Likely)]);
    assert_eq!(found(&printing("nc web1 22")), [("not-ssh-server", Certainty::Likely)]);
}

#[test]
fn what_follows_an_identification_string_is_never_proven_of_the_server() {
    for (end, cause) in [
        (End::Closed, "connection-dropped"),
        (End::TimedOut, "kex-stalled"),
        (End::NotSsh("packet length 1213486160".to_owned()), "protocol-error"),
    ] {
        let mut facts = scene("nc web1 22", Some(0), "");
        let transport = facts.transport.as_mut().unwrap();
        (transport.identification, transport.end) = (Some("SSH-2.0-x".into()), Some(end));
        assert_eq!(found(&facts), [(cause, Certainty::Likely)]);
    }
}

#[test]
fn a_program_that_asks_or_was_not_run_is_not_accused() {
    let asks = with(scene("ssh -W [web1]:22 hop", None, ""), |program| program.stopped = true);
    assert_eq!(found(&asks), []);
    let mut carried = scene("ssh -S /run/m -W [web1]:22 hop", Some(0), "");
    carried = with(carried, |program| program.role = Role::Installed);
    let finding = doubted(&carried, by_id("connection-dropped"), Finding::proven("it ends")).unwrap();
    assert_eq!(finding.certainty, Certainty::Likely);
    assert!(!finding.alternatives.iter().any(|other| other.cause == FAILED));
    let mut unrun = scene("nc web1 22", Some(1), "");
    unrun.connect.as_mut().unwrap().through = None;
    assert!(!found(&unrun).iter().any(|(id, _)| *id == FAILED));
    let mut jump = scene("ssh -W", Some(255), "Permission denied (publickey).");
    jump.connect.as_mut().unwrap().proxy = Some(Proxy::Jump(vec!["hop".into()]));
    assert!(!found(&jump).iter().any(|(id, _)| *id == FAILED));
}

#[test]
fn a_token_that_ssh_does_not_know_stops_it() {
    let mut facts = scene("nc %x", None, "");
    facts.connect.as_mut().unwrap().through = None;
    let finding = proxy_command_failed(&facts).unwrap().unwrap();
    assert_eq!(finding.certainty, Certainty::Proven);
    assert!(finding.summary.contains("holds %x"), "{finding:?}");
}

#[test]
fn a_program_that_is_missing_on_the_way_is_not_missed_here() {
    for (line, place) in [
        ("bash: line 1: nosuch: command not found", Place::JumpHost),
        ("/bin/sh: 1: exec: ssh: not found", Place::Client),
    ] {
        let facts = scene("ssh hop nosuch web1 22", Some(127), line);
        let finding = proxy_command_failed(&facts).unwrap().unwrap();
        assert_eq!((finding.certainty, finding.place), (Certainty::Proven, Some(place)), "{line}");
        let local = |step: &super::super::super::Step| step.command.as_deref() == Some("command -v ssh");
        assert_eq!(steps::commands(&facts).iter().any(local), place == Place::Client, "{line}");
    }
    // What a script runs may be an ssh.
    let facts = scene("/opt/tunnel web1", Some(127), "bash: line 1: nc: command not found");
    assert_eq!(proxy_command_failed(&facts).unwrap().unwrap().place, Some(Place::Open));
}

#[test]
fn the_words_of_a_shell_on_the_way_are_not_the_servers() {
    for (command, cause) in [("ssh hop nc web1 22", FAILED), ("ssh -W web1:22 hop", "not-ssh-server")] {
        let mut facts = with(scene(command, Some(0), ""), |program| program.stdout_bytes = 26);
        facts.transport.as_mut().unwrap().pre_banner = vec!["This account is currently not available.".into()];
        assert_eq!(found(&facts), [(cause, Certainty::Likely)]);
    }
}

#[test]
fn a_shell_that_runs_nothing_is_named_and_not_the_program_or_the_server() {
    for (shell, status, text) in
        [("/bin/false", 1, ""), ("/usr/sbin/nologin", 1, "This account is currently not available.")]
    {
        let mut facts = scene("nc web1 22", Some(status), "");
        if let Ok(Connect { through: Some(Through::Program(program)), .. }) = &mut facts.connect {
            program.shell = shell.into();
        }
        facts.transport.as_mut().unwrap().pre_banner =
            [text].into_iter().filter(|text| !text.is_empty()).map(Into::into).collect();
        assert_eq!(found(&facts), [(FAILED, Certainty::Proven)], "{shell}");
        let finding = proxy_command_failed(&facts).unwrap().unwrap();
        assert!(finding.summary.starts_with(shell), "{finding:?}");
        let typed = &steps::commands(&facts)[0];
        assert!(typed.command.as_deref().is_some_and(|command| command.starts_with("SHELL=/bin/sh ssh")));
    }
}

#[test]
fn a_program_in_quotes_is_named_whole() {
    let line = "/bin/sh: 1: exec: /no such/nc: not found";
    let facts = scene("'/no such/nc' web1 22", Some(127), line);
    let finding = proxy_command_failed(&facts).unwrap().unwrap();
    assert_eq!(finding.summary, "the ProxyCommand's program /no such/nc is not found");
    assert_eq!(steps::commands(&facts)[0].command.as_deref(), Some("command -v '/no such/nc'"));
}

#[test]
fn what_exec_keeps_from_running_is_said() {
    let left = |command: &str| {
        let facts = scene(command, Some(0), "");
        program(&facts).and_then(unreached).map(str::to_owned)
    };
    assert_eq!(left("test -n web1 && nc web1 22").as_deref(), Some("nc web1 22"));
    assert_eq!(left("sleep 1; nc web1 22").as_deref(), Some("nc web1 22"));
    for command in ["nc web1 22", "sh -c 'true && nc web1 22'", "true | nc web1 22; true", "nc web1 22 & true", "nc a;"]
    {
        assert_eq!(left(command), None, "{command}");
    }
    let facts = scene("test -n web1 && nc web1 22", Some(0), "");
    let finding = proxy_command_failed(&facts).unwrap().unwrap();
    assert!(finding.evidence[0].starts_with("nc web1 22 never runs"), "{finding:?}");
    let typed = steps::alone(&facts, program(&facts).unwrap()).unwrap();
    assert_eq!(typed, "sleep 5 | /bin/sh -c 'exec test -n web1 && nc web1 22'");
}

#[test]
fn an_nc_that_waits_no_longer_is_not_the_servers_close() {
    for command in ["nc -w 2 web1 22", "nc -w2 web1 22"] {
        let waited = with(scene(command, Some(0), ""), |program| program.millis = 2010.0);
        assert_eq!(found(&waited), [(FAILED, Certainty::Likely)]);
        assert_eq!(found(&scene(command, Some(0), "")), [("connection-dropped", Certainty::Likely)]);
    }
}

#[test]
fn a_target_that_the_host_on_the_way_does_not_reach_is_not_that_hosts_fault() {
    for (line, place) in [("Connection refused", Place::Open), ("Name or service not known", Place::JumpHost)] {
        let line = format!("channel 0: open failed: connect failed: {line}\r\nstdio forwarding failed\r\n");
        let facts = scene("ssh -W [web1]:22 hop", Some(255), &line);
        let finding = proxy_command_failed(&facts).unwrap().unwrap();
        assert_eq!(finding.place, Some(place), "{line}");
    }
}

#[test]
fn after_the_fix_nothing_is_known_of_the_way() {
    let mut facts = scene("false", Some(1), "");
    (PROXY_COMMAND_FAILED.fix.mend)(&mut facts);
    assert_eq!(found(&facts), []);
}

#[test]
fn an_ssh_that_ends_in_silence_blames_no_machine() {
    for (command, status, place) in [
        ("ssh -q -W [web1]:22 hop", 255, Some(Place::Open)),
        ("ssh hop nc web1 22", 1, Some(Place::Open)),
        ("tunnel", 1, None),
    ] {
        let finding = proxy_command_failed(&scene(command, Some(status), "")).unwrap().unwrap();
        assert_eq!((finding.certainty, finding.place), (Certainty::Likely, place), "{command}");
    }
}
