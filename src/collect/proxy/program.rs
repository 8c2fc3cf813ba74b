//! A program whose standard input and output are the connection, as ssh runs one (sshconnect.c `ssh_proxy_connect`).
//!
//! Touches: runs the program that `ProxyCommand` names, through the user's shell, or the installed ssh; it does what it does
//! for any ssh. Its standard error is read to the end and not shown. Whatever comes of it is ended with the connection
//! (`processes.rs`).

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path as StdPath, PathBuf};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::time::sleep;

use super::processes::{Family, PAUSE};
use crate::collect::agent;
use crate::collect::person::Person;
use crate::collect::ssh::carrier::Carrier;
use crate::collect::system::{errno, variable};
use crate::facts::proxy::{Program, Role, Through};
use crate::facts::text::{Path, ServerText};
use crate::facts::{Facts, Stage, Unobserved};
use crate::openssh::proxies;

/// sshconnect.c `_PATH_BSHELL`.
const SHELL: &[u8] = b"/bin/sh";
/// How much of standard error is kept of its beginning, and of its end.
const KEPT: usize = 4 << 10;
/// What stands for what was left out between the two.
const GAP: &[u8] = b"\n[...]\n";
/// How long a program that closed its end of the connection has to say how it ended.
const EXIT_LIMIT: Duration = Duration::from_secs(1);
/// How long a program whose connection was left may take to end by itself; ssh itself gives it none (sshconnect.c
/// `ssh_kill_proxy_command`), but the server is to see an end that is no reset.
const LINGER: Duration = Duration::from_millis(250);
/// How long the rest of standard error is waited for, once the program has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How often it is looked whether the terminal has stopped the program.
const LOOK: Duration = Duration::from_millis(300);

/// What is to be run.
#[derive(Debug, Clone)]
pub(in crate::collect) struct Order {
    role: Role,
    program: PathBuf,
    arguments: Vec<OsString>,
    command: ServerText,
    shell: Path,
    /// Whom it may ask at the terminal: then it stays in our own process group.
    person: Option<Arc<Person>>,
    /// The variables that are set for it, or taken away.
    environment: Vec<(&'static str, Option<OsString>)>,
}

impl Order {
    /// What ssh runs for the `ProxyCommand` of this login; it may ask that person, where there is one. `None` where ssh
    /// itself stops at the command's tokens.
    pub(in crate::collect) fn proxy_command(facts: &Facts, person: Option<Arc<Person>>) -> Option<Self> {
        let command = proxies::expanded(facts).ok()?;
        // An empty one is none (sshconnect.c, since 5.7).
        let shell = variable("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| SHELL.to_vec());
        let script = [b"exec ".as_slice(), &command].concat();
        let mut environment = Vec::new();
        if proxies::is_given_the_agent(facts) {
            let socket = agent::socket(facts, &variable).ok().flatten();
            let value = socket.map(|socket| OsString::from_vec(socket.path.as_bytes().to_vec()));
            environment.push(("SSH_AUTH_SOCK", value));
        }
        Some(Self {
            role: Role::ProxyCommand,
            program: PathBuf::from(OsString::from_vec(shell.clone())),
            arguments: vec!["-c".into(), OsString::from_vec(script)],
            command: ServerText::new(command),
            shell: Path::new(shell),
            person,
            environment,
        })
    }

    /// The installed ssh with these words behind its name.
    /// It may ask that person, where there is one.
    pub(in crate::collect) fn ssh(
        role: Role,
        ssh: &StdPath,
        words: Vec<OsString>,
        person: Option<Arc<Person>>,
    ) -> Self {
        let line: Vec<Vec<u8>> = [ssh.as_os_str()]
            .into_iter()
            .chain(words.iter().map(OsString::as_os_str))
            .map(|word| {
                let word = word.as_encoded_bytes();
                shlex::bytes::try_quote(word).map_or_else(|_| word.to_vec(), std::borrow::Cow::into_owned)
            })
            .collect();
        let command = ServerText::new(line.join(&b' '));
        let program = ssh.to_path_buf();
        Self { role, program, arguments: words, command, shell: Path::default(), person, environment: Vec::new() }
    }

    /// Whom it may ask.
    pub(in crate::collect) fn person(&self) -> Option<&Arc<Person>> {
        self.person.as_ref()
    }
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The program closed its standard output.
    Program,
    /// We closed its standard input.
    Ours,
}

/// What the parts of a run have seen.
#[derive(Debug, Default)]
struct Seen {
    stdout_bytes: u64,
    stderr: Kept,
    /// Whether nothing more can come on standard error.
    silent: bool,
    /// Who ended the connection; `None` while it is in use.
    end: Option<Side>,
    /// Whether the program was found stopped while its connection was in use.
    stopped: bool,
}

/// The beginning and the end of a text of any length.
#[derive(Debug, Default)]
struct Kept {
    beginning: Vec<u8>,
    end: Vec<u8>,
    bytes: u64,
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT - self.beginning.len()));
        self.beginning.extend_from_slice(first);
        self.end.extend_from_slice(rest.get(rest.len().saturating_sub(KEPT)..).unwrap_or_default());
        let over = self.end.len().saturating_sub(KEPT);
        self.end.drain(..over);
    }

    fn text(&self) -> ServerText {
        let whole = self.bytes == (self.beginning.len() + self.end.len()) as u64;
        let gap = if whole { &[][..] } else { GAP };
        ServerText::new([&self.beginning, gap, &self.end].concat())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection: what is written goes to the program's standard input, what it prints is read.
#[derive(Debug)]
struct Pipes {
    input: Option<pipe::Sender>,
    output: pipe::Receiver,
    seen: Arc<Mutex<Seen>>,
}

impl Pipes {
    fn leave(&mut self) {
        self.input = None;
        lock(&self.seen).end.get_or_insert(Side::Ours);
    }
}

impl AsyncRead for Pipes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.output).poll_read(context, buffer);
        if let Poll::Ready(outcome) = &read {
            let count = buffer.filled().len() - before;
            let mut seen = lock(&self.seen);
            seen.stdout_bytes += count as u64;
            if outcome.is_err() || (count == 0 && buffer.remaining() > 0) {
                seen.end.get_or_insert(Side::Program);
            }
        }
        read
    }
}

impl AsyncWrite for Pipes {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(input) = &mut self.input else { return Poll::Ready(Ok(bytes.len())) };
        match Pin::new(input).poll_write(context, bytes) {
            // As over TCP what is sent is lost then, and what the program said before it ended is still to be read.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.input = None;
                Poll::Ready(Ok(bytes.len()))
            }
            other => other,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.leave();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A program that was started. It is ended with the last of its handles, and all that came of it.
#[derive(Debug, Clone)]
pub(in crate::collect) struct Running(Arc<Mutex<Run>>);

#[derive(Debug)]
struct Run {
    program: Program,
    started: Instant,
    family: Option<Family>,
    seen: Arc<Mutex<Seen>>,
    /// Whether what the facts say of it is final.
    settled: bool,
}

impl Run {
    /// Takes down how it stands, for good once the program has ended or its connection was left.
    fn look(&mut self) {
        if self.settled {
            return;
        }
        let exit = self.family.as_mut().and_then(Family::ended);
        let seen = lock(&self.seen);
        let program = &mut self.program;
        program.stdout_bytes = seen.stdout_bytes;
        program.stderr = seen.stderr.text();
        program.stderr_bytes = seen.stderr.bytes;
        program.stopped = seen.stopped;
        program.millis = self.started.elapsed().as_secs_f64() * 1000.0;
        // What the end of its input, or of its wait at the terminal, made of it tells nothing.
        let by_itself = exit.filter(|_| seen.end != Some(Side::Ours) && !seen.stopped);
        program.status = by_itself.and_then(|exit| exit.code());
        program.signal = by_itself.and_then(|exit| exit.signal());
        program.ran_on = self.family.is_some() && by_itself.is_none();
    }

    /// The same, and it stays so.
    fn settle(&mut self) {
        self.look();
        self.settled = true;
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.settle();
        self.family = None;
    }
}

impl Running {
    /// How it stands, or stood when it was ended.
    pub(in crate::collect) fn program(&self) -> Program {
        let mut run = lock(&self.0);
        run.look();
        run.program.clone()
    }

    /// Ends it, once it was given the time to end by itself.
    pub(in crate::collect) async fn end(&self) {
        let has = |what: fn(&Seen) -> bool| {
            let run = lock(&self.0);
            let seen = lock(&run.seen);
            what(&seen)
        };
        let ended = || lock(&self.0).family.as_mut().is_none_or(|family| family.ended().is_some());
        let limit = if has(|seen| seen.end == Some(Side::Program)) { EXIT_LIMIT } else { LINGER };
        let begun = Instant::now();
        if has(|seen| seen.end == Some(Side::Ours)) {
            lock(&self.0).settle();
        }
        while !ended() && begun.elapsed() < limit {
            sleep(PAUSE).await;
        }
        let begun = Instant::now();
        while ended() && !has(|seen| seen.silent) && begun.elapsed() < LAST_WORDS {
            sleep(PAUSE).await;
        }
        lock(&self.0).settle();
        while !lock(&self.0).family.as_mut().is_none_or(Family::press) {
            sleep(PAUSE).await;
        }
        lock(&self.0).family = None;
    }

    /// Says in the facts of the login that it carries how it stands. Where it failed and nothing came through it, no
    /// connection is known to have been made.
    fn state(&self, login: &mut Facts) {
        let program = self.program();
        let failed = program.signal.is_some() || program.status.is_some_and(|status| status != 0);
        if failed && program.stdout_bytes == 0 {
            login.footprint = None;
            // An ssh that was not let in at the jump host has reached nothing behind it.
            if program.role != Role::ProxyCommand {
                login.transport = Err(Unobserved::NotReached(Stage::Connect));
            }
        }
        if let Ok(connect) = &mut login.connect {
            connect.through = Some(Through::Program(Box::new(program)));
        }
    }

    /// Ends it at once and without giving the thread away.
    fn end_now(&self) {
        let mut run = lock(&self.0);
        run.settle();
        run.family = None;
    }
}

/// Starts a program as a connection; `None` where it could not be started.
pub(in crate::collect) fn start(order: &Order) -> (Option<Carrier>, Running) {
    let mut run = Run {
        program: Program {
            role: order.role.clone(),
            command: order.command.clone(),
            shell: order.shell.clone(),
            ..Program::default()
        },
        started: Instant::now(),
        family: None,
        seen: Arc::default(),
        settled: false,
    };
    let carrier = match spawned(order, &mut run) {
        Ok(pipes) => Some(Box::new(pipes) as Carrier),
        Err(error) => {
            run.program.unstarted = Some(errno(&error));
            run.family = None;
            None
        }
    };
    let running = Running(Arc::new(Mutex::new(run)));
    if carrier.is_some() && order.person.is_none() {
        tokio::spawn(unless_stopped(Arc::downgrade(&running.0)));
    }
    (carrier, running)
}

fn spawned(order: &Order, run: &mut Run) -> io::Result<Pipes> {
    let mut command = Command::new(&order.program);
    command.args(&order.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in &order.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let family = run.family.insert(Family::start(&mut command, order.person.is_none())?);
    let child = family.child();
    let none = || io::Error::from(io::ErrorKind::BrokenPipe);
    let input = pipe::Sender::from_owned_fd(OwnedFd::from(child.stdin.take().ok_or_else(none)?))?;
    let output = pipe::Receiver::from_owned_fd(OwnedFd::from(child.stdout.take().ok_or_else(none)?))?;
    let errors = pipe::Receiver::from_owned_fd(OwnedFd::from(child.stderr.take().ok_or_else(none)?))?;
    tokio::spawn(listen(errors, Arc::clone(&run.seen)));
    Ok(Pipes { input: Some(input), output, seen: Arc::clone(&run.seen) })
}

/// Reads standard error to its end. What comes after the connection was left is not about it.
async fn listen(mut errors: pipe::Receiver, seen: Arc<Mutex<Seen>>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = errors.read(&mut buffer).await {
        let mut seen = lock(&seen);
        if seen.end != Some(Side::Ours) {
            seen.stderr.add(&buffer[..count]);
        }
    }
    lock(&seen).silent = true;
}

/// Ends a program that asks somebody at the terminal, which stops it: it is not in front, and would wait for ever.
async fn unless_stopped(run: std::sync::Weak<Mutex<Run>>) {
    loop {
        sleep(LOOK).await;
        let Some(run) = run.upgrade() else { return };
        let mut run = lock(&run);
        let Run { family: Some(family), seen, settled: false, .. } = &mut *run else { return };
        if lock(seen).end.is_none() && family.is_stopped() {
            lock(seen).stopped = true;
            // Its end of the connection closes with it.
            family.press_now();
            return;
        }
    }
}

/// The programs of one observation, so that what became of each stands in the facts however the observation ends.
#[derive(Debug)]
pub(in crate::collect) struct Programs {
    person: Option<Arc<Person>>,
    runs: Mutex<Vec<(Place, Running)>>,
}

/// Whose connection a program is: the index of a jump host in `Facts.hops`, or `None` for the target.
pub(in crate::collect) type Place = Option<usize>;

impl Programs {
    /// None yet; `person`: whom the user's own may ask.
    pub(in crate::collect) fn new(person: Option<Arc<Person>>) -> Self {
        Self { person, runs: Mutex::default() }
    }

    /// Whom the user's own may ask.
    pub(in crate::collect) fn person(&self) -> Option<&Arc<Person>> {
        self.person.as_ref()
    }

    /// Starts one.
    pub(in crate::collect) fn start(&self, place: Place, order: &Order) -> Option<Carrier> {
        let (carrier, running) = start(order);
        lock(&self.runs).push((place, running));
        carrier
    }

    /// Ends those of `place`.
    pub(in crate::collect) async fn end(&self, place: Place) {
        for (_, running) in self.all().into_iter().filter(|(at, _)| *at == place) {
            running.end().await;
        }
    }

    /// The same, and says in the login's facts what became of the first one.
    pub(in crate::collect) async fn ended(&self, place: Place, login: &mut Facts) {
        self.end(place).await;
        let first = self.all().into_iter().find(|(at, _)| *at == place);
        if let Some((_, running)) = first {
            running.state(login);
        }
    }

    /// Ends all, the last one first.
    pub(in crate::collect) async fn end_all(&self) {
        for (_, running) in self.all().into_iter().rev() {
            running.end().await;
        }
    }

    /// The same, at once and without giving the thread away.
    pub(in crate::collect) fn end_now(&self) {
        for (_, running) in self.all().into_iter().rev() {
            running.end_now();
        }
    }

    /// Says in the facts of each login what became of its first one.
    pub(in crate::collect) fn state(&self, facts: &mut Facts) {
        for (place, running) in self.all().into_iter().rev() {
            let login = match place {
                None => Some(&mut *facts),
                Some(hop) => facts.hops.get_mut(hop),
            };
            if let Some(login) = login {
                running.state(login);
            }
        }
    }

    fn all(&self) -> Vec<(Place, Running)> {
        lock(&self.runs).clone()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::timeout;

    use super::*;

    fn shell(script: &str) -> Order {
        let mut facts = Facts::default();
        facts.config.options.set("proxycommand", script);
        Order { program: "/bin/sh".into(), shell: "/bin/sh".into(), ..Order::proxy_command(&facts, None).unwrap() }
    }

    /// Runs a script and reads what it prints, until it closes its end; how it went.
    async fn read(script: &str) -> (Vec<u8>, Program) {
        let (carrier, running) = start(&shell(script));
        let mut carrier = carrier.unwrap();
        let mut printed = Vec::new();
        timeout(Duration::from_secs(20), carrier.read_to_end(&mut printed)).await.unwrap().unwrap();
        drop(carrier);
        running.end().await;
        (printed, running.program())
    }

    #[test]
    fn of_a_long_text_the_beginning_and_the_end_are_kept() {
        let mut kept = Kept::default();
        kept.add(b"begin\n");
        for _ in 0..1000 {
            kept.add(&[b'x'; 999]);
        }
        kept.add(b"\nend\n");
        let text = kept.text();
        assert_eq!(kept.bytes, 6 + 999_000 + 5);
        assert!(text.as_bytes().starts_with(b"begin\nxxx") && text.as_bytes().ends_with(b"xxx\nend\n"));
        assert_eq!(text.as_bytes().len(), 2 * KEPT + GAP.len());
        let mut short = Kept::default();
        short.add(&[b'y'; KEPT]);
        short.add(b"z");
        assert_eq!(short.text().as_bytes().len(), KEPT + 1);
    }

    #[tokio::test]
    async fn a_program_that_ends_by_itself_tells_how() {
        let (printed, program) = read("sh -c 'echo out; printf \"\\033[2Jwords\" >&2; exit 3'").await;
        assert_eq!(printed, b"out\n");
        assert_eq!((program.status, program.signal, program.ran_on), (Some(3), None, false));
        assert_eq!((program.stderr.as_bytes(), program.stderr_bytes), (&b"\x1b[2Jwords"[..], 9));
        assert_eq!(program.stdout_bytes, 4);
        let (_, program) = read("sh -c 'kill -SEGV $$'").await;
        assert_eq!((program.status, program.signal, program.ran_on), (None, Some(11), false));
        let (_, program) = read("/no/such/program").await;
        assert_eq!(program.status, Some(127));
        assert!(program.stderr.as_str().unwrap().contains("not found"), "{program:?}");
    }

    #[tokio::test]
    async fn a_shell_that_cannot_be_started_is_named_by_its_error() {
        let order = Order { program: "/no/such/shell".into(), ..shell("nc") };
        let (carrier, running) = start(&order);
        assert!(carrier.is_none());
        running.end().await;
        let program = running.program();
        assert_eq!((program.unstarted.as_deref(), program.ran_on), (Some("ENOENT"), false));
    }

    #[tokio::test]
    async fn what_is_written_reaches_the_program_and_its_input_ends_with_the_connection() {
        let (carrier, running) = start(&shell("sh -c 'read line; echo \"<$line>\"; cat >/dev/null; echo late >&2'"));
        let mut carrier = carrier.unwrap();
        carrier.write_all(b"hello\n").await.unwrap();
        let mut buffer = [0; 64];
        let count = carrier.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..count], b"<hello>\n");
        carrier.shutdown().await.unwrap();
        assert_eq!(carrier.read(&mut buffer).await.unwrap(), 0);
        running.end().await;
        let program = running.program();
        assert_eq!((program.status, program.ran_on, program.stderr_bytes), (None, true, 0), "{program:?}");
    }

    #[tokio::test]
    async fn what_a_program_does_not_take_is_lost_and_its_last_words_are_read() {
        let (carrier, running) = start(&shell("sh -c 'exec <&-; echo bye; sleep 0.2'"));
        let mut carrier = carrier.unwrap();
        sleep(Duration::from_millis(100)).await;
        for _ in 0..3 {
            carrier.write_all(b"hello\n").await.unwrap();
        }
        let mut printed = Vec::new();
        carrier.read_to_end(&mut printed).await.unwrap();
        assert_eq!(printed, b"bye\n");
        drop(carrier);
        running.end().await;
        assert_eq!(running.program().status, Some(0));
    }

    #[tokio::test]
    async fn floods_are_counted_and_not_kept() {
        let (_, program) = read("sh -c 'head -c 100000000 /dev/zero >&2; exit 1'").await;
        assert_eq!((program.status, program.stderr_bytes), (Some(1), 100_000_000));
        assert!(program.stderr.as_bytes().len() < 3 * KEPT);
        let (carrier, running) = start(&shell("yes"));
        drop(carrier);
        let started = Instant::now();
        running.end().await;
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_program_that_closes_its_output_and_runs_on_is_not_waited_for() {
        let (_, program) = read("sh -c 'exec >&-; trap \"\" TERM; sleep 31.0021; sleep 31.0021'").await;
        assert_eq!((program.status, program.ran_on), (None, true));
    }

    #[tokio::test]
    async fn a_program_that_the_terminal_stops_is_seen_to_be_stopped() {
        let (_, program) = read("sh -c 'echo hello >&2; kill -TTIN $$; sleep 31.0022'").await;
        assert!(program.stopped, "{program:?}");
        assert_eq!((program.status, program.signal), (None, None));
    }

    #[test]
    fn a_line_of_ssh_is_shown_as_it_would_be_typed() {
        let words = ["-S", "/run/a b", "-W", "[10.9.0.7]:22", "hop"].map(OsString::from).to_vec();
        let order = Order::ssh(Role::Interactive, StdPath::new("/usr/bin/ssh"), words, None);
        assert_eq!(order.command, "/usr/bin/ssh -S '/run/a b' -W '[10.9.0.7]:22' hop");
        assert!(order.shell.is_empty() && order.person.is_none());
    }
}
