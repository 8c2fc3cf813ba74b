//! sshdoctor: parse, gather, diagnose, render, exit.

mod cli;
mod exit;
mod hiding;
mod progress;
mod words;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;

use cli::{Answer, Color, Format, Options};
use exit::Exit;
use hiding::Hiding;
use progress::Progress;
use sshdoctor::collect::person::Person;
use sshdoctor::collect::{self, Request};
use sshdoctor::facts::offer::{Expected, OfferedKey};
use sshdoctor::facts::{Facts, Limits, Origin, Unobserved};
use sshdoctor::openssh::arguments::{self, Arguments};
use sshdoctor::render::{self, Style};
use sshdoctor::{checks, demo, diagnose, report};
use tokio::signal::unix::{SignalKind, signal};
use words::Job;

/// The width of a report that goes to no terminal.
const WIDTH: usize = 80;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("no event loop: {error}")).into(),
    };
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let exit = runtime.block_on(run(&words));
    // A resolver that does not answer is not waited for.
    runtime.shutdown_background();
    exit.into()
}

/// Follows one command line.
async fn run(words: &[OsString]) -> Exit {
    let tags = !words::may_hold_tag(words) || collect::config::knows_tags().await;
    let parted = match words::part(words, &cli::long_options(), tags) {
        Ok(parted) => parted,
        Err(sentence) => return complain(&format!("{sentence}\n{}", usage())),
    };
    if let Job::Server(words) = parted.job {
        return Box::pin(server(parted.ours, words)).await;
    }
    if let Job::Log(words) = parted.job {
        return log(parted.ours, words);
    }
    let ours = [OsString::from("sshdoctor")].into_iter().chain(parted.ours);
    let mut options = match Options::try_parse_from(ours) {
        Ok(options) => options,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Clear };
            // Help and version are printed where they are asked for; a closed pipe is no error.
            let _ = error.print();
            return exit;
        }
    };
    let mut read: Vec<OsString> = options.offer.iter().map(|path| path.clone().into()).collect();
    if let Job::Case(files) = &parted.job {
        read.extend(files.iter().cloned());
    }
    if let Some(sentence) = odd(&options, &read) {
        return complain(&sentence);
    }
    match parted.job {
        Job::Explain(id) => {
            remark_on_host("explain");
            explain(id.as_deref(), &options)
        }
        Job::Case(files) => {
            remark_on_host("case");
            case(&files, &options)
        }
        // Followed above, with options of its own.
        Job::Server(_) | Job::Log(_) => Exit::Usage,
        Job::Demo(incident) => {
            remark_on_host("demo");
            Box::pin(replay(incident.as_deref(), &options)).await
        }
        Job::Checkup => Box::pin(observe(Request::default(), options, true)).await,
        Job::Login { typed: None, words } if words.is_empty() => {
            complain(&format!("no target: name the host whose login fails\n{}", usage()))
        }
        Job::Login { typed, words } => match arguments(typed.as_deref(), &words, tags).await {
            Ok(arguments) => {
                options.verbose |= arguments.verbose;
                Box::pin(observe(Request { arguments, ..Request::default() }, options, false)).await
            }
            Err(sentence) => complain(&format!("{sentence}\n{}", usage())),
        },
    }
}

/// What the words of ssh, scp, sftp, rsync or git mean.
async fn arguments(typed: Option<&OsStr>, words: &[OsString], tags: bool) -> Result<Arguments, String> {
    if let Some(typed) = typed
        && let Some(carrier) = arguments::carrier(typed)
    {
        return match carrier {
            "git" => collect::git::arguments(typed, words, tags).await,
            _ => arguments::rsync::parse(words, env::var_os("RSYNC_RSH").as_deref(), tags),
        };
    }
    let program = typed.and_then(arguments::program);
    let mut arguments = arguments::parse_as(program, words, tags)?;
    arguments.path =
        typed.filter(|typed| program == Some("ssh") && typed.as_encoded_bytes().contains(&b'/')).map(OsStr::to_owned);
    Ok(arguments)
}

/// The main job, and the check-up: observes, judges and prints.
async fn observe(mut request: Request, options: Options, checkup: bool) -> Exit {
    let asks = options.offer.is_some() || options.ask_password || options.interactive || options.admin.is_some();
    if checkup && asks {
        return complain(&format!("no target: name the host that is to be asked\n{}", usage()));
    }
    let offer = match offered(&options) {
        Ok(offer) => offer,
        Err(sentence) => return complain(&format!("--offer: {sentence}")),
    };
    request.limits = Limits {
        login: !options.no_login,
        exec: !options.no_exec,
        only_offered: options.only_offered,
        all_keys: options.all_keys,
        timeout_seconds: options.timeout,
        offer,
        try_user: options.try_user.as_ref().map(|name| name.as_encoded_bytes().into()),
    };
    if options.admin.as_ref().is_some_and(|login| login.is_empty() || login.as_encoded_bytes().starts_with(b"-")) {
        return complain("--admin: name the other login, [user@]host");
    }
    request.admin.clone_from(&options.admin);
    request.person = match person(&options) {
        Ok(person) => person,
        Err(sentence) => return complain(&sentence),
    };
    let mut facts = Facts::default();
    facts.run.limits = request.limits.clone();
    let interrupted_first = {
        let progress = Progress::start();
        let waiting = |step: &str| progress.step(step);
        let observed = async {
            if checkup {
                collect::checkup(&request, &mut facts, &waiting).await;
            } else {
                collect::live(&request, &mut facts, &waiting).await;
            }
        };
        tokio::select! {
            biased;
            () = interrupted() => true,
            () = observed => false,
        }
    };
    if interrupted_first {
        collect::unfinished(&mut facts, &Unobserved::Interrupted);
    }
    if let Err(Unobserved::Failed(why)) = &facts.account
        && !options.redact
    {
        remark(why);
    }
    // Not on this thread, so that a second Ctrl-C ends the run at once whatever it is doing.
    let finished = tokio::task::spawn_blocking(move || finish(&facts, &options, None));
    tokio::select! {
        () = interrupted() => Exit::Interrupted,
        finished = finished => match finished {
            Ok(exit) if !interrupted_first || exit == Exit::Usage => exit,
            Ok(_) => Exit::Interrupted,
            Err(error) => complain(&format!("the report could not be made: {error}")),
        },
    }
}

/// What cannot be meant together, where clap has no word for it. `inputs`: the files that are read.
fn odd(options: &Options, inputs: &[OsString]) -> Option<String> {
    if options.brief && options.format == Format::Json {
        return Some("--brief is for Markdown, not for --format json".to_owned());
    }
    let outputs = [("--output", &options.output), ("--save", &options.save), ("--redact-map", &options.redact_map)];
    let outputs = outputs.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?)));
    let mut taken: Vec<(&str, &Path)> = inputs.iter().map(|path| ("what is read", Path::new(path))).collect();
    for (name, path) in outputs {
        if let Some((other, _)) = taken.iter().find(|(_, known)| is_same_file(known, path)) {
            let path = sshdoctor::facts::text::Path::from_path(path);
            return Some(format!("{name}: {path} is {other} too, and would be lost; name another file"));
        }
        taken.push((name, path));
    }
    None
}

/// Whether both are one file on a disk; what only passes bytes on, as /dev/stderr does, is none. `-` is standard input.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let of_stdin = |path: &Path| if path == Path::new("-") { PathBuf::from("/dev/stdin") } else { path.to_owned() };
    let (one, other) = (of_stdin(one), of_stdin(other));
    match (std::fs::metadata(&one), std::fs::metadata(&other)) {
        (Ok(one), Ok(other)) => one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino()),
        (Err(_), Err(_)) => to_be_made(&one) == to_be_made(&other),
        _ => false,
    }
}

/// Where a file comes to lie that is not there yet: its folder with links followed, and what a dangling link names.
fn to_be_made(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(to);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// The public key of `--offer`, and what is expected of it.
fn offered(options: &Options) -> Result<Option<Box<OfferedKey>>, String> {
    let Some(path) = &options.offer else { return Ok(None) };
    let expected = options.expect.map(|answer| match answer {
        Answer::Accepted => Expected::Accepted,
        Answer::Refused => Expected::Refused,
    });
    let key = collect::offer::read(path)?;
    Ok(Some(Box::new(OfferedKey { path: sshdoctor::facts::text::Path::from_path(path), key, expected })))
}

/// Whom questions may be put to, where that was asked for.
fn person(options: &Options) -> Result<Option<Arc<Person>>, String> {
    if !options.ask_password && !options.interactive {
        return Ok(None);
    }
    let name = if options.interactive { "--interactive" } else { "--ask-password" };
    let person = Person::at_terminal(options.interactive).map_err(|sentence| format!("{name}: {sentence}"))?;
    Ok(Some(Arc::new(person)))
}

/// Ctrl-C, or another signal that asks to stop: programs that were started are ended with the run. Never comes where
/// signals cannot be had.
async fn interrupted() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
        _ = hangup.recv() => (),
    }
}

/// Judges what was seen and prints it; `source`: where it comes from, if not as the facts say.
fn finish(facts: &Facts, options: &Options, source: Option<Origin>) -> Exit {
    match finished(facts, options, source) {
        Ok(exit) => exit,
        Err(error) => complain(&format!("{error:#}")),
    }
}

fn finished(facts: &Facts, options: &Options, source: Option<Origin>) -> anyhow::Result<Exit> {
    let mut hiding = Hiding::of(options).map_err(anyhow::Error::msg)?;
    let redacted = hiding.as_mut().map(|hiding| hiding.facts(facts)).transpose().map_err(anyhow::Error::msg)?;
    let facts = redacted.as_ref().unwrap_or(facts);
    let verdict = diagnose::diagnose(facts);
    let mut report = report::report(facts, &verdict);
    report.source = source.unwrap_or(report.source);
    let mut text = match options.format {
        Format::Text | Format::Markdown if options.brief => render::brief(&report),
        Format::Text => render::text(&report, &style(options)),
        Format::Markdown => render::markdown(&report),
        Format::Json => render::json(&report),
    };
    if facts.redacted.is_some() && options.format != Format::Json && !options.brief {
        text = format!("{text}\n{}\n", hiding::REMARK);
    }
    let case = options.save.as_ref().map(|_| collect::case::to_json(facts)).transpose()?;
    if let Some(hiding) = &mut hiding {
        hiding.look_over([Some(text.as_str()), case.as_deref()].into_iter().flatten()).map_err(anyhow::Error::msg)?;
        hiding.keep()?;
    }
    let printed = print(&text, options);
    let saved = match (&options.save, case) {
        (Some(path), Some(case)) => written(path, &(case + "\n")),
        _ => Ok(()),
    };
    printed.and(saved)?;
    Ok(match checks::offer::as_expected(facts) {
        Some(expectation) => Exit::of_expectation(expectation),
        None => Exit::of_cause(verdict.first.cause.id),
    })
}

/// `sshdoctor server`.
async fn server(ours: Vec<OsString>, words: Vec<OsString>) -> Exit {
    let line = [OsString::from("sshdoctor server")].into_iter().chain(ours).chain(words);
    let asked = match cli::Server::try_parse_from(line) {
        Ok(asked) => asked,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Clear };
            // Help is printed where it is asked for; a closed pipe is no error.
            let _ = error.print();
            return exit;
        }
    };
    let options = asked.common;
    let files = [&asked.collected, &asked.sshd_config, &asked.sshd].into_iter().flatten();
    let read: Vec<OsString> = files.map(|path| path.clone().into()).chain(asked.key.iter().cloned()).collect();
    if let Some(sentence) = odd(&options, &read) {
        return complain(&sentence);
    }
    if asked.print_script {
        return match print(collect::account::SCRIPT, &options) {
            Ok(()) => Exit::Clear,
            Err(error) => complain(&format!("{error:#}")),
        };
    }
    remark_on_host("server");
    let request = collect::account::Request {
        user: asked.user,
        all: asked.all,
        keys: asked.key,
        from: asked.from,
        sshd: asked.sshd,
        config: asked.sshd_config,
        run_keys_command: asked.run_keys_command,
        collected: asked.collected,
        limit: std::time::Duration::from_secs(options.timeout),
    };
    let facts = {
        let progress = Progress::start();
        progress.step("the server's own side");
        tokio::select! {
            biased;
            () = interrupted() => return Exit::Interrupted,
            facts = collect::account::collect(&request) => facts,
        }
    };
    match facts {
        Ok(facts) => finish(&facts, &options, None),
        Err(error) => complain(&format!("{error:#}")),
    }
}

/// `sshdoctor log`: nothing is looked at but the files.
fn log(ours: Vec<OsString>, words: Vec<OsString>) -> Exit {
    let line = [OsString::from("sshdoctor log")].into_iter().chain(ours).chain(with_kit(words));
    let asked = match cli::Log::try_parse_from(line) {
        Ok(asked) => asked,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Clear };
            // Help is printed where it is asked for; a closed pipe is no error.
            let _ = error.print();
            return exit;
        }
    };
    if let Some(sentence) = odd(&asked.common, &asked.files) {
        return complain(&sentence);
    }
    if let Some(words) = &asked.kit {
        let words = words.as_encoded_bytes().split(|byte| *byte == 0);
        let words: Vec<OsString> = words.map(|word| OsStr::from_bytes(word).to_owned()).collect();
        let shell = match asked.kit_shell {
            cli::KitShell::Sh => collect::log::Shell::Posix,
            cli::KitShell::Powershell => collect::log::Shell::PowerShell,
        };
        return match collect::log::kit(&words, shell).and_then(|kit| print(&kit, &asked.common)) {
            Ok(()) => Exit::Clear,
            Err(error) => complain(&format!("log: {error:#}")),
        };
    }
    remark_on_host("log");
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let choice = collect::log::Choice {
        user: asked.user.as_ref().map(text),
        host: asked.host.as_ref().map(text),
        pid: asked.pid,
    };
    match collect::log::read(&asked.files, &choice) {
        Ok(facts) if asked.lines => match redacted_lines(&facts, &asked) {
            Ok(()) => Exit::Clear,
            Err(error) => complain(&format!("log: {error:#}")),
        },
        Ok(facts) => finish(&facts, &asked.common, None),
        Err(error) => complain(&format!("log: {error:#}")),
    }
}

/// The words of `sshdoctor log` with those behind `--kit`, up to the next option of ours, as one, parted by zero bytes, which
/// no word holds: they are ssh's, and clap would take them for its own.
fn with_kit(words: Vec<OsString>) -> Vec<OsString> {
    let Some(at) = words.iter().position(|word| word == "--kit") else { return words };
    let (before, behind) = words.split_at(at + 1);
    let end = behind.iter().position(|word| word.as_encoded_bytes().starts_with(b"--")).unwrap_or(behind.len());
    let (ssh, after) = behind.split_at(end);
    let joined = (!ssh.is_empty()).then(|| ssh.join(OsStr::new("\0")));
    before.iter().cloned().chain(joined).chain(after.iter().cloned()).collect()
}

/// `sshdoctor log --redact --lines`: the lines of the login with pseudonyms in the place of names.
fn redacted_lines(facts: &Facts, asked: &cli::Log) -> anyhow::Result<()> {
    let Some(mut hiding) = Hiding::of(&asked.common).map_err(anyhow::Error::msg)? else { return Ok(()) };
    let (lines, left_out) = collect::log::lines(&asked.files, facts)?;
    let text = hiding.lines(facts, &lines, left_out).map_err(anyhow::Error::msg)?;
    hiding.keep()?;
    print(&text, &asked.common)
}

/// `sshdoctor case`: nothing is looked at but the files.
fn case(files: &[OsString], options: &Options) -> Exit {
    if files.is_empty() {
        return complain("case: name the files that --save wrote: one, or a client's and a server's");
    }
    match collect::case::read(files) {
        Ok(facts) => finish(&facts, options, (files.len() == 1).then_some(Origin::Case)),
        Err(error) => complain(&format!("case: {error:#}")),
    }
}

/// `sshdoctor explain`.
fn explain(id: Option<&OsStr>, options: &Options) -> Exit {
    let id = id.map(OsStr::to_string_lossy);
    let text = match render::explain(id.as_deref()) {
        Ok(text) => text,
        Err(sentence) => return complain(&sentence),
    };
    match print(&text, options) {
        Ok(()) => Exit::Clear,
        Err(error) => complain(&format!("{error:#}")),
    }
}

/// `sshdoctor demo`.
async fn replay(incident: Option<&OsStr>, options: &Options) -> Exit {
    let incident = incident.map(OsStr::to_string_lossy);
    let mut out: Box<dyn Write> = match &options.output {
        Some(path) => match File::create(path).with_context(|| cannot_write(path)) {
            Ok(file) => Box::new(file),
            Err(error) => return complain(&format!("{error:#}")),
        },
        None => Box::new(io::stdout()),
    };
    match Box::pin(demo::run(incident.as_deref(), &style(options), &mut out)).await {
        Ok(()) => Exit::Clear,
        Err(error) if error.is::<demo::Interrupted>() => Exit::Interrupted,
        Err(error) if is_closed_pipe(&error) => Exit::Clear,
        Err(error) => complain(&format!("{error:#}")),
    }
}

/// Where the configuration has a Host block named as a subcommand, says how to reach it.
fn remark_on_host(word: &str) {
    let mut facts = Facts::default();
    collect::run::collect(&mut facts);
    if collect::config::aliases(&facts).iter().any(|alias| *alias == word) {
        remark(&format!("{word} is a subcommand; for the host of that name: sshdoctor diagnose {word}"));
    }
}

/// Colour, width and detail of the text.
fn style(options: &Options) -> Style {
    let terminal = options.output.is_none() && io::stdout().is_terminal();
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let color = match options.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb"),
    };
    let columns = terminal_size::terminal_size().filter(|_| terminal);
    Style { color, width: columns.map_or(WIDTH, |(width, _)| usize::from(width.0)), verbose: options.verbose }
}

/// Prints to standard output, or to the file that was asked for. Where nobody reads any more, that is no error.
fn print(text: &str, options: &Options) -> anyhow::Result<()> {
    if let Some(path) = &options.output {
        return written(path, text);
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("standard output"),
        _ => Ok(()),
    }
}

fn written(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("{} cannot be written", sshdoctor::facts::text::Path::from_path(path))
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

fn usage() -> String {
    format!("usage: {}\n`sshdoctor --help` says more", cli::USAGE)
}

/// Says on stderr why the run ends here.
fn complain(sentence: &str) -> Exit {
    remark(sentence);
    Exit::Usage
}

fn remark(sentence: &str) {
    // Where stderr is closed, the exit status says it alone.
    let _ = writeln!(io::stderr(), "sshdoctor: {sentence}");
}
