//! What does sshdoctor say of the incidents it was made for? `sshdoctor demo` replays them.
//!
//! Each incident has a folder, a server on loopback and an ssh-agent of its own (`stage.rs`); what is pointed at them is
//! the very diagnosis that `sshdoctor user@host` makes, with a command line that keeps it to that folder. No verdict is
//! prepared: what a scene changes is keys, files and the server's list (`incidents.rs`).

mod agent;
mod incidents;
mod keys;
mod server;
mod stage;

use std::fmt;
use std::future;
use std::io::Write;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

pub use incidents::{INCIDENTS, Incident, SceneOutcome};

use crate::render::{self, Style};
use stage::Stage;

/// The longest line of a story, whatever the terminal's width.
const WIDEST: usize = 80;

/// What is said before the first incident.
const OPENING: &str = "Incidents from practice, replayed. A small SSH server on 127.0.0.1 and an ssh-agent, both inside \
    sshdoctor, play the other side, with throw-away keys in a temporary folder; your keys, agent and configuration stay \
    out of it. The diagnosis is the real one, and no verdict is prepared.";

/// What is said after the last one, before the command that makes a login of one's own the next case.
const ENDING: &str = "That was all: the server and the agent are gone, and the folder with them. For a login of yours:";

/// The replay was broken off by a signal, and everything it had made is gone.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the replay was interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Replays the incident of that name, or all, and tells it to `out` as a terminal shows it.
///
/// # Errors
/// Where there is no such incident, folder, port or socket, `out` takes nothing, or a signal came ([`Interrupted`]).
pub async fn run(incident: Option<&str>, style: &Style, out: &mut dyn Write) -> anyhow::Result<()> {
    let incidents = Incident::named(incident)?;
    let interrupted = interrupted();
    let width = style.width.min(WIDEST);
    writeln!(out, "{}", wrapped(OPENING, width))?;
    let mut last = None;
    let mut tell = |scene: SceneOutcome| {
        if last != Some(scene.incident) {
            last = Some(scene.incident);
            let number = INCIDENTS.iter().position(|incident| *incident == scene.incident).unwrap_or_default() + 1;
            let title = format!("== Incident {number} of {}: {} ==", INCIDENTS.len(), scene.incident.name());
            writeln!(out, "\n{title:=<width$}\n")?;
            writeln!(out, "{}", wrapped(scene.incident.story(), width))?;
        }
        if let Some(mended) = scene.mended {
            let title = format!("-- {mended} --");
            writeln!(out, "\n{title:-<width$}")?;
        }
        writeln!(out, "\n$ {}\n", scene.typed)?;
        out.write_all(render::text(&scene.report, style).as_bytes())?;
        out.flush().context("the replay could not be written")
    };
    tokio::select! {
        told = replay(&incidents, &mut tell) => told?,
        () = interrupted => return Err(Interrupted.into()),
    }
    writeln!(out, "\n{}\n\n  sshdoctor [user@]host", wrapped(ENDING, width))?;
    out.flush().context("the replay could not be written")
}

/// Replays the incident of that name, or all, and gives every scene's report.
///
/// # Errors
/// Where there is no such incident, folder, port or socket.
pub async fn scenes(incident: Option<&str>) -> anyhow::Result<Vec<SceneOutcome>> {
    let mut scenes = Vec::new();
    let tell = &mut |scene| {
        scenes.push(scene);
        Ok(())
    };
    replay(&Incident::named(incident)?, tell).await?;
    Ok(scenes)
}

/// Plays each incident on a stage of its own, which is struck whatever came of it.
async fn replay(incidents: &[Incident], tell: &mut incidents::Tell<'_>) -> anyhow::Result<()> {
    for incident in incidents {
        let stage = Stage::set().await?;
        let played = incident.play(&stage, tell).await;
        stage.strike().await?;
        played?;
    }
    Ok(())
}

/// A signal that asks to stop. Signals are caught from the call on, before the first wait: until then they end the
/// process, and what was made stays behind. Never comes where signals cannot be had.
fn interrupted() -> impl Future<Output = ()> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let signals = kinds.map(signal);
    async {
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals else {
            return future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
            _ = hangup.recv() => (),
        }
    }
}

/// The words of `text` on lines of at most `width` columns, where no word is longer.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_fit_into_the_width_and_lose_no_word() {
        for incident in INCIDENTS {
            let told = wrapped(incident.story(), 60);
            assert!(told.lines().all(|line| line.chars().count() <= 60), "{told}");
            assert!(told.split_whitespace().eq(incident.story().split_whitespace()));
        }
    }
}
