//! Our own options. Their doc comments are the help; ssh's options never come here (`words` parts the two).

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory as _, Parser, ValueEnum};

/// What stands below the options in `--help`.
const AFTER: &str = "\
ssh's own options, all with ssh's meaning, alone or in clusters (-vvNp 2222):
  -F -i -J -l -o -p -b -B -c -m -I -P -4 -6 -A -K ...  as for ssh itself
  -N -T -W -s -t                                       decide what is asked of the session
  -f -n -q -E -L -M -R ...                             taken, without effect
  -V -Q -G -O                                          make no login: exit 2
After the words `scp` and `sftp` their own options count (-P is the port).
After `rsync` and `git` all words are theirs; -e, RSYNC_RSH, GIT_SSH_COMMAND,
core.sshCommand and git's remotes say which login is meant.
Our options are long only. They stand before the host or directly after it;
from the first word of the remote command on, everything belongs to that.

What it does to the server: one TCP connection (a second one only where keys
are left unasked; one to each jump host, where it logs in and runs nothing),
public halves of keys, and, where a key is accepted, one
login that runs `true` (git@ hosts: a shell, which only greets, or
git-upload-pack for the repository that is named; sftp and scp: the sftp
subsystem): as with any ssh, a ForceCommand of the server runs.
--no-exec runs nothing, --no-login signs nothing. Nothing is written there or
here, and the report says what the run cost. A remote command on the command
line is never run. `Match exec` commands of your configuration are run, as
ssh runs them.

Exit status:
  0    nothing that was examined stands in the way (a question included)
  1    a cause is named
  2    usage, or a file that could not be written
  3    undetermined: the report says what is missing
  130  interrupted; the verdict so far was printed

Without a target it is a check-up of this client: configuration files, Host
blocks without effect, keys, agents, known_hosts. Nothing is connected to but
agents.

Examples:
  sshdoctor deploy@web1                   in the place of `ssh`
  sshdoctor ssh -p 2222 -J hop web1 ls    or in front of it
  sshdoctor scp -P 2222 file web1:        scp and sftp as well
  sshdoctor git push                      and what starts ssh by itself
  sshdoctor --no-login web1               what queries alone can tell
  sshdoctor --admin root@web1 deploy@web1 and the server's own side
  sshdoctor log ticket.txt                what ssh -vvv or sshd's log said
  sshdoctor case client.json server.json  what --save kept, joined
  sshdoctor                               a check-up of this client
  sshdoctor explain no-key-accepted       what a cause means
  sshdoctor demo                          three incidents, replayed here
  sshdoctor diagnose demo                 a host named as a subcommand
  sshdoctor --format json web1 | jq -r .verdict.cause";

/// Names the root cause of a failed SSH login, the evidence for it and the command that mends it. Put it in the place of
/// `ssh`, or in front of it, in the very command that fails.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(
    name = "sshdoctor",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    override_usage = USAGE,
    after_help = AFTER,
    max_term_width = 80
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
pub(crate) struct Options {
    /// text, markdown or json
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub(crate) format: Format,
    /// Markdown of less than 4 kB, for a chat
    #[arg(long)]
    pub(crate) brief: bool,
    /// Write the report to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Keep what was observed in this file, to be diagnosed again elsewhere
    #[arg(long, value_name = "CASE.json")]
    pub(crate) save: Option<PathBuf>,
    /// Give pseudonyms to names, addresses, keys and parts of paths, in the report and in what is saved
    #[arg(long)]
    pub(crate) redact: bool,
    /// With --redact: keep in this file what each pseudonym stands for, and go by it where it exists
    #[arg(long, value_name = "FILE", requires = "redact")]
    pub(crate) redact_map: Option<PathBuf>,
    /// Stop at what public-key queries tell: sign nothing, log in nowhere but at jump hosts
    #[arg(long)]
    pub(crate) no_login: bool,
    /// Log in, but run nothing there
    #[arg(long)]
    pub(crate) no_exec: bool,
    /// Ask the server about no key that ssh would not offer
    #[arg(long)]
    pub(crate) only_offered: bool,
    /// Ask about every key here, with more than two connections where that takes them
    #[arg(long, conflicts_with = "only_offered")]
    pub(crate) all_keys: bool,
    /// Ask about this public key only (- for standard input); nothing is signed, its private half is elsewhere
    #[arg(long, value_name = "KEY.pub", conflicts_with_all = ["only_offered", "all_keys"])]
    pub(crate) offer: Option<PathBuf>,
    /// With --offer: accepted or refused; exit 0 if so, 1 if not, 3 if that cannot be told
    #[arg(long, value_enum, value_name = "ANSWER", requires = "offer", hide_possible_values = true)]
    pub(crate) expect: Option<Answer>,
    /// Where no key logs in: ask for the password here, not shown, and try it once
    #[arg(long, conflicts_with_all = ["offer", "no_login"])]
    pub(crate) ask_password: bool,
    /// Put the server's own questions to you too, and a jump host's: a password, a code, a confirmation
    #[arg(long, conflicts_with_all = ["offer", "no_login"])]
    pub(crate) interactive: bool,
    /// Where every key is refused, ask once more as this account, on one more connection: queries, no login
    #[arg(long, value_name = "NAME", conflicts_with = "offer")]
    pub(crate) try_user: Option<OsString>,
    /// Look at the server's own side too, over this other login that works; as root where `sudo -n` lets it
    #[arg(long, value_name = "[user@]host")]
    pub(crate) admin: Option<OsString>,
    /// Limit of the whole run; ssh's ConnectTimeout, or 5 s, limits each address
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// auto, always or never; NO_COLOR is honoured
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto, hide_possible_values = true)]
    pub(crate) color: Color,
    /// Print this help
    #[arg(long, action = ArgAction::HelpShort)]
    help: Option<bool>,
    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    version: Option<bool>,
    /// Show the evidence behind each line (ssh's -v)
    #[arg(short)]
    pub(crate) verbose: bool,
}

/// `sshdoctor server`: why this account's key login is or would be refused on this server, as its sshd would decide.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(
    name = "sshdoctor server",
    disable_help_flag = true,
    disable_version_flag = true,
    override_usage = SERVER_USAGE,
    after_help = AFTER_SERVER,
    max_term_width = 80
)]
pub(crate) struct Server {
    #[command(flatten)]
    pub(crate) common: Options,
    /// The account; the one that runs it where none is named
    #[arg(value_name = "USER", conflicts_with = "all")]
    pub(crate) user: Option<OsString>,
    /// Every account that can log in, grouped by what stands in its way
    #[arg(long)]
    pub(crate) all: bool,
    /// A public key file, or the fingerprint of the key in question; may be given several times
    #[arg(long, value_name = "FILE|SHA256:...")]
    pub(crate) key: Vec<OsString>,
    /// The client's address; the last one in the log where none is named
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<std::net::IpAddr>,
    /// The sshd to ask, instead of the one that runs
    #[arg(long, value_name = "PATH")]
    pub(crate) sshd: Option<PathBuf>,
    /// The configuration to judge, instead of the running sshd's
    #[arg(long, value_name = "FILE")]
    pub(crate) sshd_config: Option<PathBuf>,
    /// Also run AuthorizedKeysCommand for this account, as sshd would (root only)
    #[arg(long)]
    pub(crate) run_keys_command: bool,
    /// Print the read-only collector, for an administrator to run: sh SCRIPT [USER]
    #[arg(long, exclusive = true)]
    pub(crate) print_script: bool,
    /// Judge what the collector printed elsewhere; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sshd", "sshd_config", "run_keys_command"])]
    pub(crate) collected: Option<PathBuf>,
}

/// `sshdoctor log`: what a pasted transcript of ssh, or sshd's log, says of one login.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(
    name = "sshdoctor log",
    disable_help_flag = true,
    disable_version_flag = true,
    override_usage = LOG_USAGE,
    after_help = AFTER_LOG,
    max_term_width = 80
)]
pub(crate) struct Log {
    #[command(flatten)]
    pub(crate) common: Options,
    /// Transcripts of ssh and logs of sshd, of one side or of both; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "kit")]
    pub(crate) files: Vec<OsString>,
    /// Print what a person without sshdoctor pastes into a shell; this reads its output. ssh's options may stand before HOST
    #[arg(long, value_name = "[USER@]HOST", conflicts_with = "files", allow_hyphen_values = true)]
    pub(crate) kit: Option<OsString>,
    /// The shell that the kit is pasted into
    #[arg(long, value_name = "SHELL", value_enum, default_value_t = KitShell::Sh, requires = "kit")]
    pub(crate) kit_shell: KitShell,
    /// With --redact: print the lines of the login that was chosen instead of a report
    #[arg(long, requires = "redact", conflicts_with = "kit")]
    pub(crate) lines: bool,
    /// The login as this account
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<OsString>,
    /// The login to this host, or from this address
    #[arg(long, value_name = "HOST|ADDRESS")]
    pub(crate) host: Option<OsString>,
    /// The login that this process of sshd served
    #[arg(long, value_name = "NUMBER")]
    pub(crate) pid: Option<u32>,
}

/// The shell of a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KitShell {
    /// Any POSIX shell.
    Sh,
    /// Windows' own.
    Powershell,
}

/// The forms of `sshdoctor log`.
pub(crate) const LOG_USAGE: &str = "sshdoctor log [OPTIONS] FILE...
       sshdoctor log --kit [ssh's options] [USER@]HOST [--kit-shell powershell]
       ssh -vvv deploy@web1 2>&1 | sshdoctor log -";

/// What stands below the options of `sshdoctor log --help`.
const AFTER_LOG: &str = "\
It reads what `ssh -v`, -vv or -vvv printed, of OpenSSH 6 to 10, and sshd's log:
auth.log, secure, the journal (short and JSON), sshd -d; quoted, wrapped or with
time stamps before its lines all the same. Of several logins the last failing
one is judged, or the one that --user, --host and --pid name. Nothing is
contacted.

Examples:
  ssh -vvv deploy@web1 2>&1 | sshdoctor log -
  sshdoctor log ticket.txt
  sshdoctor log client.txt auth.log --user deploy
  sshdoctor log --kit deploy@web1         for somebody who has no sshdoctor";

/// The forms of `sshdoctor server`.
pub(crate) const SERVER_USAGE: &str = "sshdoctor server [OPTIONS] [USER]
       sshdoctor server --all
       sshdoctor server --print-script > collect.sh
       sshdoctor server [USER] [--key ...] --collected FILE";

/// What stands below the options of `sshdoctor server --help`.
const AFTER_SERVER: &str = "\
It only reads. As root it sees everything; as another account it says what it
could not see. It prints no password hash and sends nothing anywhere.

Examples:
  sudo sshdoctor server deploy
  sudo sshdoctor server deploy --key SHA256:... --from 192.0.2.7
  sshdoctor server --print-script | ssh admin@web1 sudo sh -s deploy > web1.txt
  sshdoctor server deploy --collected web1.txt";

/// The forms, in a few lines.
pub(crate) const USAGE: &str = "sshdoctor [OPTIONS] [ssh's own options] [user@]host [command]
       sshdoctor [OPTIONS] ssh|scp|sftp|rsync|git ...
                                              a failing command as typed
       sshdoctor [OPTIONS]                    a check-up of this client
       sshdoctor server [USER]                the server's side, on the server
       sshdoctor log FILE...                  a transcript, or sshd's log
       sshdoctor case CASE.json...            what --save kept, judged again
       sshdoctor explain [CAUSE]              what a cause means
       sshdoctor demo [INCIDENT]              incidents, replayed on loopback
       sshdoctor diagnose HOST                a host named as a subcommand";

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person at a terminal.
    Text,
    /// For a ticket or a chat.
    Markdown,
    /// For a script: one object.
    Json,
}

/// What a server is expected to say about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    /// Yes.
    Accepted,
    /// No.
    Refused,
}

/// When the text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The names of our options without their dashes, and whether each takes a value.
pub(crate) fn long_options() -> Vec<(String, bool)> {
    let command = Options::command();
    let named = command.get_arguments().filter_map(|option| {
        let takes_value = option.get_action().takes_values();
        Some((option.get_long()?.to_owned(), takes_value))
    });
    named.collect()
}
