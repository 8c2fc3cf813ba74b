//! The circumstances of the run: account, home, terminal, environment, time.
//!
//! Touches: the passwd entry, `/etc/os-release`, the clock; looks whether a Kerberos ticket cache is there; opens `/dev/tty`
//! and closes it again, as ssh does to see whether it can ask there. Where the server takes GSSAPI and nothing else has let
//! in, runs `klist -s`, which reads the ticket caches and fetches nothing, and looks for `/etc/krb5.conf` where there is no
//! klist.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::time::Duration;

use nix::unistd::{User, gethostname, getuid};

use super::config::program;
use super::reached;
use super::system::variable;
use crate::facts::text::Text;
use crate::facts::{Facts, Moment, Run, Ticket, Unobserved};
use crate::openssh::{methods, opinion};

/// How long klist may take; a cache may be kept by a daemon that does not answer.
const KLIST_LIMIT: Duration = Duration::from_secs(2);

/// Debian's `_PATH_SSH_ASKPASS_DEFAULT` and the portable default below libexec.
const ASKPASS_DEFAULTS: &[&str] = &[
    "/usr/bin/ssh-askpass",
    "/usr/lib/ssh/ssh-askpass",
    "/usr/libexec/openssh/ssh-askpass",
    "/usr/libexec/ssh-askpass",
];

/// Fills `facts.observed_at` and `facts.run` (but for its limits).
pub fn collect(facts: &mut Facts) {
    facts.observed_at = now();
    let run = &mut facts.run;
    let uid = getuid();
    run.uid = uid.as_raw();
    // An id without a passwd entry leaves name and home empty; ssh itself stops there.
    if let Ok(Some(account)) = User::from_uid(uid) {
        run.user = account.name.into();
        run.home = crate::facts::text::Path::from_path(&account.dir);
    }
    run.home_variable = variable("HOME").map(Text::new);
    run.sudo_user = variable("SUDO_USER").map(Text::new);
    run.host = gethostname().map(|name| name.as_encoded_bytes().into()).unwrap_or_default();
    run.os = os();
    run.terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok();
    run.stdin_is_terminal = std::io::stdin().is_terminal();
    run.askpass = askpass(run.terminal, &|name| env::var_os(name), &exists).map(|path| path.as_encoded_bytes().into());
    run.ssh_connection = variable("SSH_CONNECTION").map(Text::new);
    run.auth_sock = variable("SSH_AUTH_SOCK").map(Text::new);
    run.multiplexer = reached::multiplexer(&variable);
    run.reached = reached::collect(run);
    run.kerberos_cache = kerberos_cache(run.uid).map(Text::new);
}

/// The Kerberos ticket cache in use (krb5 documentation, "Credential cache", default ccache name): what the environment
/// names, else MIT's default file; one that is no file cannot be looked at.
fn kerberos_cache(uid: u32) -> Option<Vec<u8>> {
    let named = variable("KRB5CCNAME").filter(|name| !name.is_empty());
    let name = named.unwrap_or_else(|| format!("/tmp/krb5cc_{uid}").into_bytes());
    let file = name.strip_prefix(b"FILE:").unwrap_or(&name);
    let is_file = file.len() < name.len() || file.starts_with(b"/");
    let path = std::path::PathBuf::from(OsString::from_vec(file.to_vec()));
    (!is_file || path.exists()).then_some(name)
}

/// Fills `facts.run.kerberos_ticket`, where GSSAPI is what ssh would try and nobody here can.
pub(super) async fn kerberos_ticket(facts: &mut Facts) {
    let offered = opinion::left_to_try(facts).unwrap_or_default();
    if methods::gssapi_on(&facts.config.options, &offered) {
        facts.run.kerberos_ticket = ticket(&facts.run).await;
    }
}

/// What klist(1) says of tickets.
async fn ticket(run: &Run) -> Option<Ticket> {
    let Some(klist) = program::find_named("klist") else {
        // Without any configuration of Kerberos the default cache is a file, which is not there.
        let set_up = run.kerberos_cache.is_some()
            || variable("KRB5_CONFIG").is_some_and(|files| !files.is_empty())
            || Path::new("/etc/krb5.conf").exists();
        return set_up.then(|| Ticket::Unknown("klist is not installed".to_owned()));
    };
    let asked = tokio::time::timeout(KLIST_LIMIT, by_klist(&klist)).await.unwrap_or(Err(Unobserved::TimedOut));
    Some(asked.unwrap_or_else(|why| Ticket::Unknown(format!("klist: {why}"))))
}

/// The exit status is what decides (krb5 klist.c `check_ccache`); GSSAPI may also choose another cache of the collection, or
/// fetch a ticket with a client keytab (krb5 documentation, "Client keytabs").
async fn by_klist(klist: &Path) -> Result<Ticket, Unobserved> {
    let status = async |words: &[&str]| {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        program::run(klist, &words).await.map(|printed| printed.status)
    };
    let unknown = |why: &str| Ok(Ticket::Unknown(why.to_owned()));
    match status(&["-s"]).await? {
        Some(0) => return Ok(Ticket::Valid),
        Some(1) => {}
        Some(other) => return Ok(Ticket::Unknown(format!("klist -s ended with {other}"))),
        None => return unknown("klist -s was ended by a signal"),
    }
    if status(&["-A", "-s"]).await? == Some(0) {
        return unknown("another cache than the default one holds a valid ticket (klist -A -s)");
    }
    if status(&["-k", "-i"]).await? == Some(0) {
        return unknown("a ticket can be had with the client keytab (klist -k -i)");
    }
    Ok(Ticket::Missing)
}

/// The time with the local offset.
fn now() -> Moment {
    let now = jiff::Zoned::now();
    Moment { unix_seconds: now.timestamp().as_second(), local: now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string() }
}

/// `PRETTY_NAME` of os-release(5), else what uname(2) says.
fn os() -> String {
    let release = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| {
        let mut text = String::new();
        File::open(path).ok()?.take(64 << 10).read_to_string(&mut text).ok()?;
        pretty_name(&text)
    });
    release.unwrap_or_else(|| match nix::sys::utsname::uname() {
        Ok(name) => format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()),
        Err(_) => env::consts::OS.to_owned(),
    })
}

fn pretty_name(release: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    shlex::split(value)?.into_iter().next().filter(|name| !name.is_empty())
}

/// The askpass program that ssh would run for a question (readpass.c `read_passphrase`); `None` where it asks on the
/// terminal, or not at all.
fn askpass(
    terminal: bool,
    env: &dyn Fn(&str) -> Option<OsString>,
    exists: &dyn Fn(&OsStr) -> bool,
) -> Option<OsString> {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let mut allowed = set("DISPLAY") || set("WAYLAND_DISPLAY");
    let mut wanted = false;
    if let Some(require) = env("SSH_ASKPASS_REQUIRE") {
        if require.eq_ignore_ascii_case("force") {
            (wanted, allowed) = (true, true);
        } else if require.eq_ignore_ascii_case("prefer") {
            wanted = allowed;
        } else if require.eq_ignore_ascii_case("never") {
            allowed = false;
        }
    }
    if !allowed || (terminal && !wanted) {
        return None;
    }
    match env("SSH_ASKPASS") {
        Some(program) => Some(program).filter(|program| exists(program)),
        None => ASKPASS_DEFAULTS.iter().map(OsString::from).find(|program| exists(program)),
    }
}

/// Whether execlp(3) would find the program: a path, or a name on PATH.
fn exists(program: &OsStr) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let runs =
        |path: &Path| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if program.as_encoded_bytes().contains(&b'/') {
        return runs(program.as_ref());
    }
    env::var_os("PATH").is_some_and(|folders| env::split_paths(&folders).any(|folder| runs(&folder.join(program))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn askpass_is_run_by_readpass_s_rules() {
        let asked = |terminal: bool, set: &[(&str, &str)]| {
            let env = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            askpass(terminal, &env, &|program| program != "/missing").map(|path| path.into_string().unwrap())
        };
        let (program, display) = (("SSH_ASKPASS", "/a"), ("DISPLAY", ":0"));
        let require = |value: &'static str| ("SSH_ASKPASS_REQUIRE", value);
        assert_eq!(asked(false, &[program]), None);
        assert_eq!(asked(false, &[program, ("DISPLAY", "")]), None);
        assert_eq!(asked(false, &[program, display]).as_deref(), Some("/a"));
        assert_eq!(asked(false, &[program, ("WAYLAND_DISPLAY", "w")]).as_deref(), Some("/a"));
        assert_eq!(asked(true, &[program, display]), None);
        assert_eq!(asked(true, &[program, require("force")]).as_deref(), Some("/a"));
        assert_eq!(asked(true, &[program, display, require("PREFER")]).as_deref(), Some("/a"));
        assert_eq!(asked(true, &[program, require("prefer")]), None);
        assert_eq!(asked(false, &[program, display, require("never")]), None);
        assert_eq!(asked(false, &[("SSH_ASKPASS", "/missing"), display]), None);
        assert_eq!(asked(false, &[display]).as_deref(), Some("/usr/bin/ssh-askpass"));
    }

    #[test]
    fn the_moment_has_seconds_and_the_local_offset() {
        let moment = now();
        let parsed: jiff::Timestamp = moment.local.parse().unwrap();
        assert_eq!(parsed.as_second(), moment.unix_seconds);
        assert!(!moment.local.contains('.') && moment.local.len() == "2026-11-22T13:20:05+03:00".len(), "{moment:?}");
    }

    #[test]
    fn the_system_s_name_is_read_without_its_quotes() {
        assert_eq!(
            pretty_name("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n").as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
        assert_eq!(pretty_name("ID=x\n"), None);
    }
}
