//! What `sshdoctor demo` says: every scene's verdict, made by the real diagnosis against the embedded server, and that
//! nothing stays behind.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sshdoctor::checks::Certainty;
use sshdoctor::demo::{self, SceneOutcome};

/// Cause, certainty and `also` of every scene.
fn verdicts(scenes: &[SceneOutcome]) -> Vec<(&'static str, Certainty, Vec<&'static str>)> {
    let verdict = |scene: &SceneOutcome| {
        let verdict = &scene.report.verdict;
        (verdict.cause, verdict.certainty, verdict.also.iter().map(|also| also.cause).collect())
    };
    scenes.iter().map(verdict).collect()
}

#[tokio::test]
async fn the_wrong_layer_is_two_faults_that_are_named_in_the_order_in_which_they_bite() {
    let scenes = demo::scenes(Some("wrong-layer")).await.unwrap();
    let expected = [
        ("no-key-accepted", Certainty::Proven, vec!["key-file-permissions"]),
        ("key-file-permissions", Certainty::Proven, vec![]),
        ("access-works", Certainty::Proven, vec![]),
    ];
    assert_eq!(verdicts(&scenes), expected);
}

#[tokio::test]
async fn an_agent_without_the_right_key_is_told_from_one_that_has_it() {
    let scenes = demo::scenes(Some("forwarded-agent")).await.unwrap();
    let expected =
        [("agent-lacks-accepted-key", Certainty::Proven, vec![]), ("access-works", Certainty::Proven, vec![])];
    assert_eq!(verdicts(&scenes), expected);
}

#[tokio::test]
async fn a_borrowed_key_is_named_with_its_owner_and_the_account_it_opens() {
    let scenes = demo::scenes(Some("borrowed-key")).await.unwrap();
    assert_eq!(verdicts(&scenes), [("access-works", Certainty::Proven, vec![])]);
    let report = &scenes[0].report;
    let used = report.identities.iter().find(|identity| identity.used_to_log_in).unwrap();
    assert!(used.hardware);
    assert_eq!(used.sources, ["agent"]);
    assert_eq!(used.comment.as_ref().unwrap().to_string(), "maria@acme YubiKey 5C");
    let said = format!("{}\n{}", report.verdict.summary, report.verdict.evidence.join("\n"));
    for part in ["maria@acme YubiKey 5C", "deploy", &used.fingerprint.as_ref().unwrap().to_string()] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

#[tokio::test]
async fn an_incident_that_does_not_exist_is_answered_with_those_that_do() {
    let error = demo::scenes(Some("lost-key")).await.unwrap_err().to_string();
    for name in ["lost-key", "wrong-layer", "forwarded-agent", "borrowed-key"] {
        assert!(error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn no_scene_shows_or_asks_about_a_key_that_is_not_the_demos() {
    for scene in demo::scenes(None).await.unwrap() {
        for identity in &scene.report.identities {
            let known = ["dana@", "deploy-2026", "jonas@laptop", "maria@acme YubiKey 5C"];
            let comment = identity.comment.as_ref().unwrap().to_string();
            assert!(known.iter().any(|known| comment.starts_with(known)), "{comment}");
        }
        let footprint = scene.report.footprint.unwrap();
        assert_eq!(footprint.target.connections, 1);
        assert!(footprint.hops.is_empty());
    }
}

/// The program with that folder for temporary files, a home without keys, and nothing else of this environment.
fn sshdoctor(folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sshdoctor"));
    command.env_clear().env("TMPDIR", folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn left_in(folder: &tempfile::TempDir) -> usize {
    fs::read_dir(folder.path()).map_or(usize::MAX, Iterator::count)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_program_replays_every_incident_and_leaves_no_trace_each_time() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = sshdoctor(&folder).arg("demo").output().unwrap();
        let told = text(&output);
        assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(left_in(&folder), 0);
        for number in 1..=3 {
            assert!(told.contains(&format!("Incident {number} of 3")), "{told}");
        }
    }
}

#[test]
fn the_program_replays_without_ssh_on_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let output = sshdoctor(&folder).env("PATH", folder.path()).args(["demo", "wrong-layer"]).output().unwrap();
    let told = text(&output);
    assert!(output.status.success(), "{told}");
    for cause in ["no-key-accepted", "key-file-permissions", "access-works"] {
        assert!(told.contains(cause), "{cause} is not in: {told}");
    }
}

#[test]
fn an_unknown_incident_fails_with_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let output = sshdoctor(&folder).args(["demo", "lost-key"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("forwarded-agent"));
}

#[test]
fn an_interrupted_replay_leaves_no_folder_either() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sshdoctor(&folder).arg("demo").spawn().unwrap();
    let begun = Instant::now();
    while left_in(&folder) == 0 && begun.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(left_in(&folder), 0);
}
