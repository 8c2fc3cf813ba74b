//! What is being waited for, on a terminal's stderr: one line, only after a step has taken longer than half a second,
//! and gone before anything else is printed.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sshdoctor::facts::text::ServerText;

/// How long a step may take unseen.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often the seconds are counted on.
const TICK: Duration = Duration::from_secs(1);

/// Where the cursor goes back and the line is wiped (ECMA-48 CR, EL).
const WIPE: &str = "\r\x1b[K";

/// The wait indicator. Its line is gone once this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    steps: Option<Sender<String>>,
    painter: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts it; where stderr is no terminal it stays silent.
    pub(crate) fn start() -> Self {
        if !io::stderr().is_terminal() {
            return Self { steps: None, painter: None };
        }
        let (steps, received) = channel();
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
        let painter = std::thread::spawn(move || paint(&received, width));
        Self { steps: Some(steps), painter: Some(painter) }
    }

    /// The next step, a few words.
    pub(crate) fn step(&self, words: &str) {
        if let Some(steps) = &self.steps {
            // A painter that is gone has nobody to paint for.
            let _ = steps.send(words.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.steps = None;
        if let Some(painter) = self.painter.take() {
            let _ = painter.join();
        }
    }
}

/// Paints until the sender is gone; a terminal that takes nothing is no fault of the run.
fn paint(steps: &Receiver<String>, width: usize) {
    let mut step: Option<(String, Instant)> = None;
    let mut shown = false;
    loop {
        let received = match &step {
            None => steps.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) if shown => steps.recv_timeout(TICK),
            Some((_, since)) => steps.recv_timeout(PATIENCE.saturating_sub(since.elapsed())),
        };
        let painted = match received {
            // Without words nobody is waited for but the person at the terminal.
            Ok(words) => {
                step = (!words.is_empty()).then(|| (words, Instant::now()));
                std::mem::take(&mut shown).then(|| WIPE.to_owned())
            }
            Err(RecvTimeoutError::Timeout) => step.as_ref().map(|(words, since)| {
                shown = true;
                format!("{WIPE}{}", line(words, since.elapsed(), width))
            }),
            Err(RecvTimeoutError::Disconnected) => {
                if shown {
                    let _ = write!(io::stderr(), "{WIPE}");
                }
                return;
            }
        };
        if let Some(painted) = painted {
            let _ = write!(io::stderr(), "{painted}").and_then(|()| io::stderr().flush());
        }
    }
}

/// What ends the wait, where there is room to say it.
const HINT: &str = "; Ctrl-C shows what is known so far";

/// The line, shorter than the terminal is wide.
fn line(words: &str, waited: Duration, width: usize) -> String {
    let line = ServerText::from(format!("waiting for {words} ({} s)", waited.as_secs()));
    let room = width.saturating_sub(2);
    let hint = if line.to_string().chars().count() + HINT.len() > room { "" } else { HINT };
    format!("{}{hint}", line.shortened(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_the_step_and_fits_the_terminal() {
        let said = line("the agent", Duration::from_millis(2700), 80);
        assert_eq!(said, "waiting for the agent (2 s); Ctrl-C shows what is known so far");
        assert_eq!(line("the agent\x1b[2J", Duration::from_secs(0), 60), "waiting for the agent\\x1b[2J (0 s)");
        assert_eq!(line("the agent", Duration::from_secs(0), 14), "waiting for …");
    }
}
