//! The jump hosts on the way to a target, each a login of its own with the configuration that ssh would have there.
//!
//! Touches: what any login does, at each jump host: its configuration, this machine's keys and agent, one connection; no
//! session is opened there, nothing is run.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::live::{self, log_in, reach, took};
use super::person::{PATIENCE, Person};
use super::proxy::program::Order;
use super::ssh::tunnel::JumpHost;
use super::system::variable;
use super::way::{Road, Ways};
use super::{Request, Waiting, config};
use crate::facts::connect::Connect;
use crate::facts::proxy::{Proxy, Role};
use crate::facts::text::{Host, Path};
use crate::facts::{Facts, Limits, Stage, Unobserved};
use crate::openssh::arguments::Arguments;
use crate::openssh::known_hosts::{self, Course};
use crate::openssh::{jump, opinion, prompts, proxies, tokens};

/// How many jump hosts are gone through; more is nobody's honest chain.
const MOST_HOPS: usize = 16;
/// What a login may have of the run's time at least, where several share it.
const LEAST: Duration = Duration::from_secs(3);

/// Logs in at each jump host of the target, outermost first; the way on to the target. `None` where it ends before: the
/// facts of the hops say why.
pub(super) async fn pass(
    request: &Request,
    facts: &mut Facts,
    ways: &Ways,
    deadline: Instant,
    waiting: &Waiting<'_>,
) -> Option<Road> {
    let requests = configure(request, facts, waiting).await?;
    let hops = requests.len();
    let place = |index: usize| (index < hops).then_some(index);
    let mut road = first_road(facts.hops.first(), ways);
    let mut begin = 0;
    // Whatever comes before such a host is not in the chain.
    if let Some(carrier) = facts.hops.first_mut().filter(|hop| has_master(hop)) {
        go_by(carrier);
        begin = 1;
        let order = by_ssh(facts, 0, None, None)?;
        road = Road::Program(Arc::clone(&ways.programs), place(begin), Some(order));
    }
    for (index, of_hop) in requests.iter().enumerate().skip(begin) {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = (left / u32::try_from(hops + 1 - index).unwrap_or(1)).max(LEAST.min(left));
        let hop = facts.hops.get_mut(index)?;
        if let Some(why) = proxies::not_run(hop) {
            hop.connect = Ok(Connect { proxy: proxies::proxy(hop), ..Connect::default() });
            live::stop(hop, &Unobserved::Failed(why.to_owned()));
            return None;
        }
        let share = if road.person().is_some() { share + PATIENCE } else { share };
        let Ok(jump_host) = timeout(share, Box::pin(log_in_at(of_hop, hop, road, ways, waiting))).await else {
            live::unfinished(hop, &Unobserved::TimedOut);
            return None;
        };
        road = if let Some(jump_host) = jump_host {
            ways.through(Arc::new(jump_host), place(index + 1))
        } else {
            // Another jump host before it would be gone through by ssh alone, which remembers what it meets.
            let role = role(request, hop).filter(|role| *role == Role::Interactive || index == 0)?;
            if let Some(footprint) = &mut hop.footprint {
                footprint.connections += 1;
            }
            let order = by_ssh(facts, index, Some(role), request.person.clone())?;
            Road::Program(Arc::clone(&ways.programs), place(index + 1), Some(order))
        };
    }
    Some(road)
}

/// How the first jump host is reached: it may have a `ProxyCommand` of its own.
fn first_road(hop: Option<&Facts>, ways: &Ways) -> Road {
    match hop.and_then(proxies::proxy) {
        Some(Proxy::Command(_)) => Road::Program(Arc::clone(&ways.programs), Some(0), None),
        _ => Road::Dialled,
    }
}

/// Whether ssh has a live connection to this jump host, which then carries what goes through it (ssh.c `main`,
/// `muxclient`).
fn has_master(hop: &Facts) -> bool {
    hop.config.control_master.as_ref().is_ok_and(|master| master.alive)
}

/// Nothing is asked of this jump host.
fn go_by(hop: &mut Facts) {
    let (Ok(target), Ok(master)) = (&hop.target, &hop.config.control_master) else { return };
    let (name, path) = (&target.host, &master.path);
    let why =
        Unobserved::Failed(format!("not logged in to anew: your ssh's live connection to {name} ({path}) is used"));
    live::stop_all(hop, &why);
}

/// Why the installed ssh is to make the login at a jump host where the probe could not; `None` where it could do no more.
fn role(request: &Request, hop: &Facts) -> Option<Role> {
    let dialogues = request.person.as_ref().is_some_and(|person| person.takes_dialogues());
    if dialogues
        && prompts::can_be_asked(hop)
        && hop.host_key.offered.is_ok()
        && known_hosts::course(hop) != Course::Stop
    {
        return Some(Role::Interactive);
    }
    opinion::wanted(hop).map(|_| Role::Installed)
}

/// The installed ssh with `-W`, through the jump host of that index to the next host: over its live master where there is no
/// other role.
fn by_ssh(facts: &Facts, index: usize, role: Option<Role>, person: Option<Arc<Person>>) -> Option<Order> {
    let hop = facts.hops.get(index)?;
    let next = facts.hops.get(index + 1).unwrap_or(facts);
    let program = hop.config.ssh.as_ref().ok()?.path.to_path_buf();
    let master = || Some(Role::Master(hop.config.control_master.as_ref().ok()?.path.clone()));
    let role = role.or_else(master)?;
    let words = jump::stdio_words(hop, next, &role)?;
    let person = person.filter(|_| role == Role::Interactive);
    Some(Order::ssh(role, &program, words, person))
}

/// Logs in at one jump host.
async fn log_in_at(
    request: &Request,
    hop: &mut Facts,
    road: Road,
    ways: &Ways,
    waiting: &Waiting<'_>,
) -> Option<JumpHost> {
    let name = hop.target.as_ref().map(|target| target.host.clone()).unwrap_or_default();
    let waiting = |what: &str| waiting(&format!("{name}: {what}"));
    let place = if let Road::Program(_, place, _) = &road { Some(*place) } else { None };
    let Some((route, secured)) = reach(hop, road, &waiting).await else {
        if let Some(place) = place {
            ways.programs.ended(place, hop).await;
        }
        live::not_reached(hop);
        return None;
    };
    let (connection, _) = log_in(request, hop, &route, secured, &waiting).await?;
    hop.session = Err(Unobserved::Failed("none is opened on a jump host".to_owned()));
    let (jump_host, task) = JumpHost::new(connection, name);
    ways.keep(task);
    Some(jump_host)
}

/// Has ssh evaluate its configuration for every jump host, from the target's on, as it finds the next one there. `None`
/// where it would go no further; the facts say why.
async fn configure(request: &Request, facts: &mut Facts, waiting: &Waiting<'_>) -> Option<Vec<Request>> {
    let mut requests: Vec<Request> = Vec::new();
    let mut seen = Vec::new();
    let mut via = facts.target.as_ref().map(|target| target.via.clone()).unwrap_or_default();
    while !via.is_empty() {
        let behind = requests.first().unwrap_or(request);
        let arguments = match jump::arguments(&via, &behind.arguments) {
            Ok(arguments) => Arguments { onward: jump::onward(facts.hops.first().unwrap_or(facts)), ..arguments },
            Err(sentence) => return refused(facts, format!("ProxyJump: {sentence}")),
        };
        let identity = jump::identity(&arguments);
        if seen.contains(&identity) {
            let name = Host::new(arguments.host.as_encoded_bytes());
            if let Ok(connect) = &mut facts.connect {
                connect.leads_back = Some(name);
            }
            return None;
        }
        if requests.len() == MOST_HOPS {
            return refused(facts, format!("more than {MOST_HOPS} jump hosts"));
        }
        seen.push(identity);
        let next =
            Request { arguments, limits: limits(&request.limits), home: request.home.clone(), ..Request::default() };
        let mut hop = Facts { observed_at: facts.observed_at.clone(), run: facts.run.clone(), ..Facts::default() };
        hop.run.limits = next.limits.clone();
        waiting("ssh -G of a jump host");
        let started = Instant::now();
        config::collect(&next, &mut hop).await;
        hop.config.behind = identity_files(facts);
        took(&mut hop, "client-config", started);
        let complains = hop.config.complaint.is_some() || hop.target.is_err();
        via = hop.target.as_ref().map(|target| target.via.clone()).unwrap_or_default();
        if has_master(&hop) {
            // ssh goes no further: what stands before that host in the configuration is not looked at.
            via.clear();
        }
        if !via.is_empty() {
            hop.connect = Ok(Connect { proxy: Some(Proxy::Jump(via.clone())), ..Connect::default() });
        }
        if complains {
            live::stop_all(&mut hop, &Unobserved::NotReached(Stage::Config));
        }
        facts.hops.insert(0, hop);
        requests.insert(0, next);
        if complains {
            return None;
        }
    }
    if let Ok(target) = &mut facts.target {
        // With those that the jump hosts' own configuration puts before them.
        let names = facts.hops.iter().filter_map(|hop| hop.target.as_ref().ok()).map(|target| target.input.clone());
        target.via = names.collect();
    }
    Some(requests)
}

/// The key files that the target's configuration names, with those of the command line, which ssh does not pass on.
fn identity_files(facts: &Facts) -> Vec<Path> {
    let values =
        facts.config.options.values("identityfile").filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"none"));
    values.filter_map(|value| tokens::path(value.as_bytes(), facts, &variable).ok()).collect()
}

/// The chain cannot be gone through, for this reason.
fn refused(facts: &mut Facts, why: String) -> Option<Vec<Request>> {
    live::stop(facts, &Unobserved::Failed(why));
    None
}

/// What a run may do at a jump host: log in, without which nothing behind it can be seen, and nothing that is about the
/// target alone.
fn limits(target: &Limits) -> Limits {
    Limits { login: true, offer: None, try_user: None, ..target.clone() }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::collect::ssh::servers::{Server, keygen};
    use crate::facts::Footprint;
    use crate::facts::proxy::{Through, Tunnel};
    use crate::facts::session::ChannelOpen;
    use crate::openssh::arguments::parse;

    /// A jump host with these lines in its configuration, and a target; the client's key opens both.
    struct Pair {
        hop: Server,
        target: Server,
    }

    impl Pair {
        fn with(lines: &[&str]) -> Self {
            let pair = Self { hop: Server::sshd(&["ed25519"], lines), target: Server::sshd(&["ed25519"], &[]) };
            let folder = pair.hop.folder.path();
            keygen(&folder.join("id"), "ed25519");
            for server in [&pair.hop, &pair.target] {
                std::fs::copy(folder.join("id.pub"), server.folder.path().join("authorized_keys")).unwrap();
            }
            pair
        }

        /// What is seen of a login at the target with this list of jump hosts, `HOP` for the first one's.
        async fn seen(&self, via: &str) -> Facts {
            let folder = self.hop.folder.path();
            let known = folder.join("known_hosts");
            let line = |server: &Server| {
                let key = std::fs::read_to_string(server.folder.path().join("host_ed25519.pub")).unwrap();
                format!("[127.0.0.1]:{} {key}", server.address.port())
            };
            std::fs::write(&known, line(&self.hop) + &line(&self.target)).unwrap();
            let config = format!(
                "Host live\n HostName 127.0.0.1\n ControlPath {}\n ProxyJump live\n\
                 Host hop\n HostName 127.0.0.1\n Port {}\nHost back\n ProxyJump forth\nHost forth\n ProxyJump back\n\
                 Host *\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n IdentityAgent none\n IdentityFile {}\n \
                 BatchMode yes\n",
                folder.join("live").display(),
                self.hop.address.port(),
                known.display(),
                folder.join("id").display(),
            );
            std::fs::write(folder.join("config"), config).unwrap();
            let (file, port) = (folder.join("config"), self.target.address.port().to_string());
            let words = ["-F", file.to_str().unwrap(), "-J", via, "-p", &port, "127.0.0.1"];
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let request = Request { arguments: parse(&words).unwrap(), ..Request::default() };
            let mut facts = Facts::default();
            crate::collect::live(&request, &mut facts, &|_| {}).await;
            facts
        }
    }

    fn tunnel(facts: &Facts) -> &Tunnel {
        match &facts.connect {
            Ok(Connect { through: Some(Through::Tunnel(tunnel)), .. }) => tunnel,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_login_goes_through_a_jump_host_with_one_connection_to_each() {
        let pair = Pair::with(&[]);
        let facts = pair.seen("hop").await;
        assert!(facts.userauth.as_ref().unwrap().succeeded(), "{facts:#?}");
        assert_eq!(tunnel(&facts).answer, Some(ChannelOpen::Confirmed));
        let cost =
            Footprint { connections: 1, auth_requests: 3, auth_failures: 0, public_keys_disclosed: 1, commands_run: 0 };
        assert_eq!(facts.hops[0].footprint, Some(cost));
        assert_eq!(facts.footprint, Some(Footprint { commands_run: 1, ..cost }));
        assert_eq!(facts.session.as_ref().unwrap().exit_status, Some(0));
    }

    #[tokio::test]
    async fn a_jump_host_says_why_it_does_not_connect() {
        let pair = Pair::with(&["AllowTcpForwarding no"]);
        let facts = pair.seen("hop").await;
        let Some(ChannelOpen::Refused { code, .. }) = tunnel(&facts).answer else { panic!("{facts:#?}") };
        assert_eq!(code, 1);
        assert_eq!(facts.transport, Err(Unobserved::NotReached(Stage::Connect)));
        assert_eq!(facts.footprint, None);
    }

    #[tokio::test]
    async fn hosts_that_lead_back_are_noticed_before_anything_is_dialled() {
        let facts = Pair::with(&[]).seen("back").await;
        assert_eq!(facts.connect.as_ref().unwrap().leads_back, Some("back".into()));
        assert_eq!(facts.hops.len(), 2);
        assert!(facts.hops.iter().all(|hop| hop.footprint.is_none()));
    }

    #[tokio::test]
    async fn a_live_master_is_the_beginning_of_the_chain_whatever_the_configuration_puts_before_it() {
        let pair = Pair::with(&[]);
        // It takes connections and carries nothing.
        let master = std::os::unix::net::UnixListener::bind(pair.hop.folder.path().join("live")).unwrap();
        std::thread::spawn(move || master.incoming().for_each(drop));
        let facts = pair.seen("live").await;
        assert_eq!(facts.connect.as_ref().unwrap().leads_back, None);
        assert_eq!((facts.hops.len(), facts.hops[0].footprint), (1, None));
        let Ok(Connect { through: Some(Through::Program(program)), .. }) = &facts.connect else { panic!("{facts:#?}") };
        assert!(matches!(program.role, Role::Master(_)));
    }
}
