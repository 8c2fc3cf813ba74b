//! How ssh goes through jump hosts: for the last host of `ProxyJump` it starts itself, and that ssh goes through those
//! before it (readconf.c `parse_jump`, ssh.c `main`, "Setting implicit ProxyCommand from ProxyJump").

use std::ffi::OsString;
use std::ops::Range;

use super::arguments::{self, Arguments, jump_destination};
use super::opinion;
use crate::facts::Facts;
use crate::facts::proxy::{Program, Role, Through};
use crate::facts::text::Host;
use crate::facts::userauth::Userauth;

/// The command line of the ssh that logs in at the last jump host of `via`, where `arguments` are those of the login
/// behind it; the error is a sentence on a list that ssh does not take.
///
/// Only `-F`, and what the list's entry says of user and port go with it: no `-i`, no `-o`, no `-l` of the login behind it.
///
/// # Errors
/// Where the entry names no host.
pub fn arguments(via: &[Host], arguments: &Arguments) -> Result<Arguments, String> {
    let Some((last, before)) = via.split_last() else { return Err("ProxyJump names no host".to_owned()) };
    let (user, host, port) = jump_destination(last.as_bytes())?;
    let mut options: Vec<OsString> = Vec::new();
    if !before.is_empty() {
        let those: Vec<String> = before.iter().map(ToString::to_string).collect();
        options.extend(["-J".into(), those.join(",").into()]);
    }
    if let Some(port) = port {
        options.extend(["-p".into(), port.to_string().into()]);
    }
    if let Some((_, Some(file))) = arguments.pairs().into_iter().rev().find(|(letter, _)| *letter == b'F') {
        options.extend(["-F".into(), file]);
    }
    let mut destination = user.clone().unwrap_or_default();
    if user.is_some() {
        destination.push("@");
    }
    destination.push(&host);
    Ok(Arguments {
        program: "ssh".to_owned(),
        path: arguments.path.clone(),
        options,
        destination: Some(destination),
        host,
        user,
        ..Arguments::default()
    })
}

/// The host behind a jump host, as `-W` names it.
pub fn onward(next: &Facts) -> Option<OsString> {
    let target = next.target.as_ref().ok()?;
    let port = format!("]:{}", target.port);
    Some(arguments::os(&[b"[", target.host.as_bytes(), port.as_bytes()].concat()))
}

/// The words for the ssh that connects through this jump host to the next one with its standard input and output. It asks
/// nobody unless that is its role, makes no master, and remembers no host key unless a person says so.
pub fn stdio_words(hop: &Facts, next: &Facts, role: &Role) -> Option<Vec<OsString>> {
    let mut words: Vec<OsString> = Vec::new();
    let mut add = |option: &str| words.extend(["-o".into(), OsString::from(option)]);
    for option in ["PermitLocalCommand=no", "ControlMaster=no", "UpdateHostKeys=no"] {
        add(option);
    }
    if *role == Role::Installed {
        for option in opinion::keeps_nothing(hop)? {
            add(&option);
        }
    }
    if *role != Role::Interactive {
        add("BatchMode=yes");
    }
    let mut options = hop.config.arguments.iter().map(|word| arguments::os(word.as_bytes()));
    if let Role::Master(path) = role {
        // Where the master is gone by then, no login is made in its place.
        add("ProxyCommand=false");
        words.extend(["-S".into(), arguments::os(path.as_bytes())]);
        while let Some(word) = options.next() {
            if word == "-J" {
                options.next();
            } else {
                words.push(word);
            }
        }
    } else {
        add("ControlPath=none");
        words.extend(options);
    }
    let destination = arguments::os(hop.target.as_ref().ok()?.input.as_bytes());
    words.extend(["-W".into(), onward(next)?, "--".into(), destination]);
    Some(words)
}

/// What tells one jump host of a chain from another: two with the same are a loop, as everything that ssh goes by is the
/// same.
pub fn identity(arguments: &Arguments) -> (OsString, Vec<OsString>) {
    (arguments.host.clone(), arguments.words())
}

/// The jump host at which the way to the target ends: the first, after the last one that a program carries, at which no
/// login stands.
pub fn ends_at(facts: &Facts) -> Option<usize> {
    logins(facts).find(|index| !facts.hops[*index].userauth.as_ref().is_ok_and(Userauth::succeeded))
}

/// The places of the jump hosts at which this program logs in itself: those after the last one that a program carries.
pub fn logins(facts: &Facts) -> Range<usize> {
    let carried = |index: &usize| carrier(facts, *index).is_some_and(|program| carries(facts, *index, program));
    let begin = (0..facts.hops.len()).rev().find(carried).map_or(0, |index| index + 1);
    begin..facts.hops.len()
}

/// Whether this jump host was gone by: ssh's own connection to a later one carries what would go through it.
pub fn is_gone_by(facts: &Facts, index: usize) -> bool {
    (index..facts.hops.len()).any(|later| {
        carrier(facts, later).is_some_and(|program| matches!(program.role, Role::Master(_)) || later > index)
    })
}

/// The ssh that was run to carry what goes through the jump host of that place.
pub fn carrier(facts: &Facts, index: usize) -> Option<&Program> {
    let next = facts.hops.get(index + 1).unwrap_or(facts);
    match &next.connect.as_ref().ok()?.through {
        Some(Through::Program(program)) if program.role != Role::ProxyCommand => Some(program),
        _ => None,
    }
}

/// Whether that ssh came through: a live master is logged in already, another one has when something comes through it.
fn carries(facts: &Facts, index: usize, program: &Program) -> bool {
    let next = facts.hops.get(index + 1).unwrap_or(facts);
    let identified = next.transport.as_ref().is_ok_and(|transport| transport.identification.is_some());
    matches!(program.role, Role::Master(_)) || identified
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::arguments::parse;

    fn shown(via: &[&str], line: &[&str]) -> Vec<String> {
        let via: Vec<Host> = via.iter().map(|hop| Host::from(*hop)).collect();
        let words: Vec<OsString> = line.iter().map(OsString::from).collect();
        let hop = arguments(&via, &parse(&words).unwrap()).unwrap();
        let all = hop.words().into_iter().chain([hop.host.clone()]);
        all.map(|word| word.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_last_host_is_logged_in_to_through_those_before_it() {
        let line = ["-i", "key", "-o", "User=deploy", "-F", "conf", "web1"];
        assert_eq!(shown(&["bastion"], &line), ["-F", "conf", "bastion"]);
        let via = ["a:2222", "ssh://b@b.example:2200", "ops@[2001:db8::1]:22"];
        let hop = shown(&via, &line);
        assert_eq!(hop, ["-l", "ops", "-J", "a:2222,ssh://b@b.example:2200", "-p", "22", "-F", "conf", "2001:db8::1"]);
        assert_eq!(shown(&via[..2], &["web1"]), ["-l", "b", "-J", "a:2222", "-p", "2200", "b.example"]);
    }

    #[test]
    fn an_entry_without_a_host_is_refused() {
        for entry in ["", "ops@", "@a", ":22", "a:0", "a:x", "[a"] {
            assert!(arguments(&[entry.into()], &Arguments::default()).is_err() || entry == "[a", "{entry}");
        }
    }
}
