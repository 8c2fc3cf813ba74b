//! The person at the terminal: questions are shown there, and what is typed is read from there.
//!
//! Touches: `/dev/tty`. What is typed is wiped when it is dropped; nothing of it is logged or kept.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// How long an answer may take; servers give a login two minutes (sshd_config(5) `LoginGraceTime`).
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of an answer (readpass.c takes 1024).
const MAX_ANSWER: usize = 1024;
/// How long the wait indicator may take to clear its line.
const CLEARED: Duration = Duration::from_millis(60);

/// Somebody who can be asked.
#[derive(Debug)]
pub struct Person {
    terminal: Arc<File>,
    dialogues: bool,
    clock: Mutex<Clock>,
}

/// The time that went by while a person was asked.
#[derive(Debug, Default)]
struct Clock {
    spent: Duration,
    since: Option<Instant>,
}

impl Person {
    /// The person at this process's terminal; `dialogues`: whether the server's own questions may be put to them too.
    ///
    /// # Errors
    /// Where there is no terminal.
    pub fn at_terminal(dialogues: bool) -> Result<Self, String> {
        let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
        let terminal = opened.map_err(|_| "there is no terminal at which somebody could be asked".to_owned())?;
        Ok(Self { terminal: Arc::new(terminal), dialogues, clock: Mutex::default() })
    }

    /// Whether the server's own questions may be put to them.
    pub(crate) fn takes_dialogues(&self) -> bool {
        self.dialogues
    }

    /// How long the person has been asked so far: time that is not the run's.
    pub(crate) fn asked_for(&self) -> Duration {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.spent + clock.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// While what is returned lives, somebody else asks them: that time is not the run's.
    pub(crate) fn asked_by_another(&self) -> Asking<'_> {
        Asking::begin(&self.clock)
    }

    /// Shows one line, which is fit for a terminal.
    pub(crate) async fn say(&self, line: &str) {
        tokio::time::sleep(CLEARED).await;
        // A terminal that is gone shows nothing, and answers nothing either.
        let _ = (&*self.terminal).write_all(format!("{line}\n").as_bytes());
    }

    /// Asks; `None` where nothing is typed in time, or the terminal is gone.
    pub(crate) async fn ask(&self, prompt: &str, echo: bool) -> Option<Zeroizing<Vec<u8>>> {
        tokio::time::sleep(CLEARED).await;
        let _asking = Asking::begin(&self.clock);
        let _hidden = if echo { None } else { Some(Hidden::begin(Arc::clone(&self.terminal))?) };
        (&*self.terminal).write_all(prompt.as_bytes()).ok()?;
        let terminal = Arc::clone(&self.terminal);
        let typed = tokio::task::spawn_blocking(move || line(&terminal));
        tokio::time::timeout(PATIENCE, typed).await.ok()?.ok()?
    }
}

/// One line without its end; `None` at the end of input.
fn line(mut terminal: &File) -> Option<Zeroizing<Vec<u8>>> {
    let mut typed = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
    let mut byte = Zeroizing::new([0]);
    loop {
        match terminal.read(byte.as_mut()) {
            Ok(1) if matches!(*byte, [b'\n' | b'\r']) => return Some(typed),
            Ok(1) if typed.len() < MAX_ANSWER => typed.push(byte[0]),
            Ok(1) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
}

/// While it lives, the run's clock stands.
pub(crate) struct Asking<'a>(&'a Mutex<Clock>);

impl<'a> Asking<'a> {
    fn begin(clock: &'a Mutex<Clock>) -> Self {
        clock.lock().unwrap_or_else(PoisonError::into_inner).since = Some(Instant::now());
        Self(clock)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut clock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = clock.since.take();
        clock.spent += since.map(|since| since.elapsed()).unwrap_or_default();
    }
}

/// While it lives, what is typed is not shown; whoever drops it, by Ctrl-C too, leaves the terminal as it was.
struct Hidden {
    terminal: Arc<File>,
    before: Termios,
}

impl Hidden {
    fn begin(terminal: Arc<File>) -> Option<Self> {
        let before = tcgetattr(&terminal).ok()?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        hidden.local_flags.insert(LocalFlags::ECHONL);
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &hidden).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to put back.
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
    }
}
