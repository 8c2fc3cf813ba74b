//! The order of one observation: what waits for what, what runs side by side, and within which time.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::agent::Binding;
use super::ssh::packet::Connection;
use super::transport::{self, Secured};
use super::userauth::{self, Bound, Outcome, Plan};
use super::way::{Road, Watched, Way, Ways};
use super::{
    Request, Waiting, admin, agent, config, connect, hops, host_key, identities, opinion, person, run, session,
};
use crate::facts::agent::AgentAnswer;
use crate::facts::connect::Connect;
use crate::facts::host_key::{KnownHosts, OfferedHostKey};
use crate::facts::proxy::Proxy;
use crate::facts::session::Session;
use crate::facts::text::Path;
use crate::facts::transport::Transport;
use crate::facts::userauth::{Signed, Userauth};
use crate::facts::{End, Facts, Footprint, Observed, Stage, Unobserved};
use crate::openssh::algorithms::users_kexinit;
use crate::openssh::known_hosts::{Course, course, names};
use crate::openssh::proxies;
use crate::openssh::public_key::from_blob;
use crate::openssh::session::{Wanted, aim};

/// How long looking at files may take: a home on a dead network file system.
const FILES_LIMIT: Duration = Duration::from_secs(5);
/// How long a server has to identify itself where `ConnectTimeout` says nothing; ssh itself would wait for ever.
const IDENTIFICATION_LIMIT: Duration = Duration::from_secs(10);
/// The same through a program: some take seconds before they connect (`gcloud`, `aws ssm`).
const IDENTIFICATION_LIMIT_OF_A_PROGRAM: Duration = Duration::from_secs(20);
/// What is kept of the whole run's limit for the server's own side, at most half of it.
const ADMIN_LIMIT: Duration = Duration::from_secs(12);

/// See [`super::live()`].
pub(super) async fn live(request: &Request, facts: &mut Facts, waiting: &Waiting<'_>) {
    let whole = Duration::from_secs(request.limits.timeout_seconds);
    let end = Instant::now() + whole;
    if request.admin.is_some() {
        facts.account = Err(Unobserved::NotAttempted);
    }
    // A server that does not answer leaves time to ask its other side.
    let limit = whole.saturating_sub(request.admin.as_ref().map_or(Duration::ZERO, |_| ADMIN_LIMIT.min(whole / 2)));
    let deadline = Instant::now() + limit;
    let person = request.person.clone().filter(|person| person.takes_dialogues());
    let watched = Watched { facts: &mut *facts, ways: Ways::new(person) };
    let ended = {
        let mut steps = Box::pin(steps(request, watched.facts, &watched.ways, deadline, waiting));
        let begun = Instant::now();
        loop {
            // The time that a person takes to answer is not the run's.
            let asked = request.person.as_ref().map(|person| person.asked_for()).unwrap_or_default();
            let left = (limit + asked).saturating_sub(begun.elapsed());
            if left.is_zero() {
                break false;
            }
            if timeout(left, &mut steps).await.is_ok() {
                break true;
            }
        }
    };
    watched.ways.left().await;
    drop(watched);
    if !ended {
        unfinished(facts, &Unobserved::TimedOut);
    }
    if let Some(destination) = &request.admin {
        // The time that a person took was not the run's.
        let asked = request.person.as_ref().map(|person| person.asked_for()).unwrap_or_default();
        admin::collect(destination, request, facts, end + asked, waiting).await;
    }
}

/// See [`super::unfinished`].
pub(super) fn unfinished(facts: &mut Facts, why: &Unobserved) {
    for hop in &mut facts.hops {
        let begun = hop.identities != Err(Unobserved::NotAttempted);
        unfinished(hop, if begun { why } else { &Unobserved::NotReached(Stage::Connect) });
    }
    if let Ok(transport) = &mut facts.transport
        && !transport.complete
        && transport.end.is_none()
        && facts.footprint.is_some()
        && *why == Unobserved::TimedOut
    {
        transport.end = Some(End::TimedOut);
    }
    if let Ok(userauth) = &mut facts.userauth
        && *why == Unobserved::TimedOut
        && awaits_answer(userauth)
        && let Some(last @ None) = userauth.connections.last_mut()
    {
        *last = Some(End::TimedOut);
    }
    settle(&mut facts.identities, why);
    settle(&mut facts.agent, why);
    settle(&mut facts.resolve, why);
    settle(&mut facts.connect, why);
    settle(&mut facts.transport, why);
    settle(&mut facts.host_key.known, why);
    settle(&mut facts.host_key.offered, why);
    settle(&mut facts.userauth, why);
    settle(&mut facts.session, why);
    settle(&mut facts.account, why);
    // What stands there while ssh runs (collect/opinion.rs).
    if facts.opinion == Err(Unobserved::TimedOut) {
        facts.opinion = Err(why.clone());
    }
}

/// Whether a request is out that has no answer.
fn awaits_answer(userauth: &Userauth) -> bool {
    let here = userauth.connections.len().saturating_sub(1);
    userauth.none.is_none()
        || userauth.queries.iter().any(|query| query.connection == here && query.answer.is_none())
        || userauth.signatures.iter().any(|signature| signature.outcome == Signed::Unanswered)
}

/// Gives a fact that nobody looked at its reason.
fn settle<T>(fact: &mut Observed<T>, why: &Unobserved) {
    if matches!(fact, Err(Unobserved::NotAttempted)) {
        *fact = Err(why.clone());
    }
}

/// Gives everything that was not looked at the same reason, key files and agent included.
pub(super) fn stop_all(facts: &mut Facts, why: &Unobserved) {
    settle(&mut facts.identities, why);
    settle(&mut facts.agent, why);
    settle(&mut facts.host_key.known, why);
    stop(facts, why);
}

/// Gives what lies on the way to a session and was not looked at the same reason.
pub(super) fn stop(facts: &mut Facts, why: &Unobserved) {
    settle(&mut facts.resolve, why);
    settle(&mut facts.connect, why);
    settle(&mut facts.transport, why);
    settle(&mut facts.host_key.offered, why);
    settle(&mut facts.userauth, why);
    settle(&mut facts.session, why);
}

async fn steps(request: &Request, facts: &mut Facts, ways: &Ways, deadline: Instant, waiting: &Waiting<'_>) {
    run::collect(facts);
    if let Some(home) = &request.home {
        facts.run.home = Path::from_path(home);
    }
    facts.run.limits = request.limits.clone();
    let started = Instant::now();
    waiting("ssh -G");
    config::collect(request, facts).await;
    took(facts, "client-config", started);
    if facts.config.complaint.is_some() || facts.target.is_err() {
        return stop_all(facts, &Unobserved::NotReached(Stage::Config));
    }
    let road = match proxies::proxy(facts) {
        None => Road::Dialled,
        Some(proxy @ Proxy::Jump(_)) => {
            facts.connect = Ok(Connect { proxy: Some(proxy), ..Connect::default() });
            let Some(road) = hops::pass(request, facts, ways, deadline, waiting).await else {
                look_around(facts, waiting).await;
                return stop(facts, &Unobserved::NotReached(Stage::Connect));
            };
            road
        }
        Some(proxy @ Proxy::Command(_)) => {
            if let Some(why) = proxies::not_run(facts) {
                look_around(facts, waiting).await;
                facts.connect = Ok(Connect { proxy: Some(proxy), ..Connect::default() });
                return stop(facts, &Unobserved::Failed(why.to_owned()));
            }
            Road::Program(Arc::clone(&ways.programs), None, None)
        }
    };
    let reached = reach(facts, road, waiting).await;
    if let Some((route, secured)) = reached {
        meet(request, facts, route, secured, waiting).await;
    } else {
        ways.programs.ended(None, facts).await;
        not_reached(facts);
    }
    ways.programs.ended(None, facts).await;
    run::kerberos_ticket(facts).await;
    config::meant_for_windows(facts).await;
    opinion::ask(&request.arguments, facts, deadline, waiting).await;
}

/// Says of what lies behind the key exchange that it was not reached, and where it ended.
pub(super) fn not_reached(facts: &mut Facts) {
    let stage = if matches!(&facts.resolve, Ok(resolve) if resolve.outcome.is_err()) {
        Stage::Resolve
    } else if facts.footprint.is_none() {
        Stage::Connect
    } else {
        Stage::Transport
    };
    stop(facts, &Unobserved::NotReached(stage));
}

/// Notes how long a check's collection took.
pub(super) fn took(facts: &mut Facts, check: &str, started: Instant) {
    facts.millis.insert(check.to_owned(), started.elapsed().as_secs_f64() * 1000.0);
}

/// Key files, known_hosts and agent, without any connection.
async fn look_around(facts: &mut Facts, waiting: &Waiting<'_>) {
    waiting("key files and agent");
    let view = Arc::new(facts.clone());
    let Facts { identities, agent, host_key, .. } = facts;
    tokio::join!(
        async { *identities = off_thread(&view, identities::collect).await },
        async { host_key.known = off_thread(&view, host_key::known).await },
        async { *agent = agents(&view).await },
    );
}

/// Runs what blocks beside everything else, within [`FILES_LIMIT`].
pub(super) async fn off_thread<T: Send + 'static>(
    facts: &Arc<Facts>,
    work: impl FnOnce(&Facts) -> Observed<T> + Send + 'static,
) -> Observed<T> {
    let facts = Arc::clone(facts);
    match timeout(FILES_LIMIT, spawn_blocking(move || work(&facts))).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(_)) => Err(Unobserved::Failed("the collector gave up".to_owned())),
        Err(_) => Err(Unobserved::TimedOut),
    }
}

/// What the agent says.
async fn agents(view: &Facts) -> Observed<crate::facts::agent::Agent> {
    let mut view = view.clone();
    agent::collect(&mut view).await;
    view.agent
}

/// The way to the server that works, for another connection.
pub(super) struct Route {
    way: Way,
    limit: Duration,
    host_keys: Vec<String>,
}

/// Finds the server, while files and agent are looked at, and exchanges keys with it.
pub(super) async fn reach(facts: &mut Facts, road: Road, waiting: &Waiting<'_>) -> Option<(Route, Secured)> {
    let patience = match road {
        Road::Program(..) => IDENTIFICATION_LIMIT_OF_A_PROGRAM,
        _ => IDENTIFICATION_LIMIT,
    };
    let person = road.person();
    let limit = connect::connect_timeout(&facts.config.options).unwrap_or(patience);
    let limit = if person.is_some() { limit.max(person::PATIENCE) } else { limit };
    let view = Arc::new(facts.clone());
    let Facts { identities, agent, resolve, connect, transport, host_key, footprint, millis, .. } = facts;
    let files = async {
        let started = Instant::now();
        let known = async { host_key.known = off_thread(&view, host_key::known).await };
        let found = async {
            // Where one public key is asked about, this client's own are nobody's business.
            if view.run.limits.offer.is_none() {
                *identities = off_thread(&view, identities::collect).await;
            }
        };
        tokio::join!(known, found);
        let nothing = KnownHosts::default();
        let known = host_key.known.as_ref().unwrap_or(&nothing);
        (users_kexinit(&view.config.options, known).host_key, started.elapsed())
    };
    let server = async {
        let ((host_keys, looked), reached) = tokio::join!(files, road.first(&view, resolve, connect, waiting));
        let mut note = |check: &str, took: Duration| {
            millis.insert(check.to_owned(), took.as_secs_f64() * 1000.0);
        };
        note("key-files", looked);
        note("resolve", reached.resolved);
        note("connect", reached.connected);
        let (carrier, way) = reached.carrier?;
        *footprint = Some(Footprint { connections: 1, ..Footprint::default() });
        *transport = Ok(Transport::default());
        let Ok(transport) = transport else { return None };
        let secured = if let Some(person) = &person {
            // Nothing else is shown while ssh asks.
            waiting("");
            let _asking = person.asked_by_another();
            transport::exchange(carrier, &host_keys, limit, transport, &|_| {}).await
        } else {
            transport::exchange(carrier, &host_keys, limit, transport, waiting).await
        };
        let identified = transport.identification_millis.unwrap_or_default();
        millis.insert("banner".to_owned(), identified);
        if let Some(all) = transport.key_exchange_millis {
            millis.insert("algorithms".to_owned(), all - identified);
        }
        Some((Route { way, limit, host_keys }, secured?))
    };
    let agents = async {
        let started = Instant::now();
        if view.run.limits.offer.is_none() {
            *agent = agents(&view).await;
        }
        started.elapsed()
    };
    let (reached, asked) = tokio::join!(server, agents);
    facts.millis.insert("agent".to_owned(), asked.as_secs_f64() * 1000.0);
    reached
}

/// Logs in as far as ssh would, and looks at the session.
async fn meet(request: &Request, facts: &mut Facts, route: Route, secured: Secured, waiting: &Waiting<'_>) {
    let Some((mut connection, plan)) = log_in(request, facts, &route, secured, waiting).await else { return };
    // With -N ssh opens no session either.
    let aim = aim(facts);
    if plan.may_log_in() && aim.wanted != Wanted::Nothing {
        waiting("the session");
        let started = Instant::now();
        facts.session = Ok(Session::default());
        let Facts { session: Ok(session), userauth: Ok(userauth), footprint, .. } = facts else { return };
        let footprint = footprint.get_or_insert_default();
        session::run(&mut connection, &aim, session, userauth, footprint).await;
        took(facts, "session", started);
    }
    connection.leave().await;
}

/// Looks at the host key that was met, and goes on to userauth as far as ssh would; the connection that is logged in.
pub(super) async fn log_in(
    request: &Request,
    facts: &mut Facts,
    route: &Route,
    secured: Secured,
    waiting: &Waiting<'_>,
) -> Option<(Connection, Plan)> {
    let started = Instant::now();
    // The address that CheckHostIP has looked up as well is known by now.
    let looked_up = facts.host_key.known.as_ref().map(|known| known.names.clone());
    if names(facts).is_some_and(|names| looked_up.is_ok_and(|looked_up| looked_up != names.all())) {
        let view = Arc::new(facts.clone());
        facts.host_key.known = off_thread(&view, host_key::known).await;
    }
    facts.host_key.offered = match from_blob(&secured.host_key, b"") {
        Some(key) => {
            let asked = key.clone();
            let view = Arc::new(facts.clone());
            let revoked_by_file = off_thread(&view, move |facts| host_key::revoked_by_file(facts, &asked)).await;
            Ok(OfferedHostKey { algorithm: secured.algorithm.clone(), key, revoked_by_file })
        }
        None => Err(Unobserved::Failed("the server's host key cannot be read".to_owned())),
    };
    let course = course(facts);
    took(facts, "host-key", started);
    if course == Course::Stop {
        secured.connection.leave().await;
        stop(facts, &Unobserved::NotReached(Stage::HostKey));
        return None;
    }
    let mut agent = bind(facts, &secured, waiting).await;
    let plan = Plan::new(facts, course).with_person(request.person.as_ref(), facts);
    let started = Instant::now();
    let host_key = secured.host_key.clone();
    let session = authenticate(facts, &plan, route, secured, &mut agent, waiting).await;
    if session.is_none()
        && let Some(plan) = plan.for_another()
    {
        Box::pin(try_another(facts, &plan, route, &host_key, waiting)).await;
    }
    took(facts, "authorized-keys", started);
    let Some(connection) = session else {
        // Without leave to log in nobody meant to come there.
        if plan.may_log_in() {
            stop(facts, &Unobserved::NotReached(Stage::Auth));
        }
        return None;
    };
    Some((connection, plan))
}

/// Binds a connection to the agent to this session, as ssh does before it lists the keys (authfd.c
/// `ssh_agent_bind_hostkey`).
async fn bind(facts: &mut Facts, secured: &Secured, waiting: &Waiting<'_>) -> Option<agent::Connection> {
    let Ok(found) = &mut facts.agent else { return None };
    let socket = found.socket.as_ref()?.path.clone();
    if !matches!(found.answer, Ok(AgentAnswer::Lists(_) | AgentAnswer::Refused)) {
        return None;
    }
    waiting("the agent");
    let (connection, keys) = bound(&socket, secured).await;
    found.bound = keys;
    connection
}

async fn bound(
    socket: &Path,
    secured: &Secured,
) -> (Option<agent::Connection>, Observed<Vec<crate::facts::agent::AgentKey>>) {
    let binding = Binding {
        host_key: secured.host_key.clone(),
        session_id: secured.session_id.to_vec(),
        signature: secured.signature.clone(),
    };
    agent::bound(socket, Some(&binding)).await
}

/// Userauth over as many connections as it takes; the one that logged in.
async fn authenticate(
    facts: &mut Facts,
    plan: &Plan,
    route: &Route,
    mut secured: Secured,
    agent: &mut Option<agent::Connection>,
    waiting: &Waiting<'_>,
) -> Option<Connection> {
    let socket = facts.agent.as_ref().ok().and_then(|agent| Some(agent.socket.as_ref()?.path.clone()));
    let identification = match &facts.transport {
        Ok(Transport { identification: Some(text), .. }) => text.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    facts.userauth = Ok(Userauth { user: plan.user.as_slice().into(), ..Userauth::default() });
    let Facts { userauth: Ok(userauth), footprint, .. } = facts else { return None };
    let footprint = footprint.get_or_insert_default();
    loop {
        let bound_to = Bound {
            session_id: secured.session_id.clone(),
            host_key: secured.host_key.clone(),
            identification: identification.clone(),
        };
        let connection = &mut secured.connection;
        let outcome = userauth::run(plan, connection, &bound_to, agent, userauth, footprint, waiting).await;
        if outcome == Outcome::LoggedIn {
            return Some(secured.connection);
        }
        secured.connection.leave().await;
        if !userauth::another_connection(plan, userauth, outcome) {
            return None;
        }
        waiting("another connection");
        match again(route, &bound_to.host_key, footprint, waiting).await {
            Ok(next) => secured = next,
            Err(end) => {
                userauth.connections.push(Some(end));
                return None;
            }
        }
        if let (Some(_), Some(socket)) = (&agent, &socket) {
            (*agent, _) = bound(socket, &secured).await;
        }
    }
}

/// Asks for another account about the keys that were refused, on one more connection: nothing is signed.
async fn try_another(facts: &mut Facts, plan: &Plan, route: &Route, host_key: &[u8], waiting: &Waiting<'_>) {
    let identification = match &facts.transport {
        Ok(Transport { identification: Some(text), .. }) => text.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    let Facts { userauth: Ok(userauth), tried, footprint, .. } = facts else { return };
    let refused = |query: &crate::facts::userauth::Query| {
        query.offered_by_ssh
            && matches!(query.answer, Some(crate::facts::userauth::Answer::Failure { partial: false, .. }))
    };
    let accepted = userauth.queries.iter().any(|query| query.answer == Some(crate::facts::userauth::Answer::PkOk));
    if plan.user == userauth.user.as_bytes() || accepted || !userauth.queries.iter().any(refused) {
        return;
    }
    let footprint = footprint.get_or_insert_default();
    let disclosed = footprint.public_keys_disclosed;
    waiting("the answers for the other account");
    let mut other = Userauth { user: plan.user.as_slice().into(), ..Userauth::default() };
    match again(route, host_key, footprint, waiting).await {
        Ok(mut secured) => {
            let bound_to =
                Bound { session_id: secured.session_id.clone(), host_key: secured.host_key.clone(), identification };
            let connection = &mut secured.connection;
            userauth::run(plan, connection, &bound_to, &mut None, &mut other, footprint, waiting).await;
            secured.connection.leave().await;
            // The same keys to the same server.
            footprint.public_keys_disclosed = disclosed;
            *tried = Ok(Box::new(other));
        }
        Err(end) => {
            other.connections.push(Some(end));
            *tried = Ok(Box::new(other));
        }
    }
}

/// One more connection to the same server, which has to prove the same host key.
async fn again(
    route: &Route,
    host_key: &[u8],
    footprint: &mut Footprint,
    waiting: &Waiting<'_>,
) -> Result<Secured, End> {
    let carrier = route.way.again(route.limit).await?;
    footprint.connections += 1;
    let mut seen = Transport::default();
    let Some(secured) = transport::exchange(carrier, &route.host_keys, route.limit, &mut seen, waiting).await else {
        return Err(seen.end.unwrap_or(End::Closed));
    };
    if secured.host_key != host_key {
        secured.connection.leave().await;
        return Err(End::KeyExchange("another host key than on the first connection".to_owned()));
    }
    Ok(secured)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::net::SocketAddr;

    use super::*;
    use crate::collect::ssh::servers::{Server, keygen, saying};
    use crate::facts::Limits;
    use crate::facts::session::ChannelOpen;
    use crate::openssh::arguments::parse;

    /// Observes a login at `address` with these words on the command line.
    async fn observed(address: SocketAddr, folder: &std::path::Path, words: &[&str], limits: Limits) -> Facts {
        let known = format!("UserKnownHostsFile={}", folder.join("known_hosts").display());
        let port = address.port().to_string();
        let always = ["-F", "none", "-o", &known, "-o", "GlobalKnownHostsFile=none", "-o", "IdentityAgent=none"];
        let rest = ["-o", "BatchMode=yes", "-p", &port];
        let words = always.iter().chain(&rest).chain(words).chain(&["127.0.0.1"]);
        let words: Vec<OsString> = words.map(OsString::from).collect();
        let request = Request { arguments: parse(&words).unwrap(), limits, ..Request::default() };
        let mut facts = Facts::default();
        live(&request, &mut facts, &|_| {}).await;
        facts
    }

    /// A server whose host key stands in the folder's known_hosts, and a key that gets in, `id`.
    fn ready() -> Server {
        let server = Server::sshd(&["ed25519"], &[]);
        let folder = server.folder.path();
        keygen(&folder.join("id"), "ed25519");
        std::fs::copy(folder.join("id.pub"), folder.join("authorized_keys")).unwrap();
        know(&server, "host_ed25519.pub");
        server
    }

    fn know(server: &Server, file: &str) {
        let key = std::fs::read_to_string(server.folder.path().join(file)).unwrap();
        let line = format!("[127.0.0.1]:{} {key}", server.address.port());
        std::fs::write(server.folder.path().join("known_hosts"), line).unwrap();
    }

    fn identity(server: &Server) -> String {
        server.folder.path().join("id").to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_good_login_is_seen_from_end_to_end() {
        let server = ready();
        let words = ["-i", &identity(&server), "-o", "IdentitiesOnly=yes"];
        let facts = observed(server.address, server.folder.path(), &words, Limits::default()).await;
        assert!(facts.transport.as_ref().unwrap().complete, "{facts:#?}");
        assert!(facts.userauth.as_ref().unwrap().succeeded(), "{facts:#?}");
        let session = facts.session.unwrap();
        assert_eq!((session.channel, session.exit_status), (Some(ChannelOpen::Confirmed), Some(0)));
        let cost =
            Footprint { connections: 1, auth_requests: 3, auth_failures: 0, public_keys_disclosed: 1, commands_run: 1 };
        assert_eq!(facts.footprint, Some(cost));
    }

    #[tokio::test]
    async fn nothing_is_sent_after_a_host_key_at_which_ssh_would_stop() {
        let server = ready();
        know(&server, "id.pub");
        let words = ["-i", &identity(&server)];
        let facts = observed(server.address, server.folder.path(), &words, Limits::default()).await;
        assert!(facts.host_key.offered.is_ok(), "{facts:#?}");
        assert_eq!(facts.userauth, Err(Unobserved::NotReached(Stage::HostKey)));
        assert_eq!(facts.session, Err(Unobserved::NotReached(Stage::HostKey)));
        assert_eq!(facts.footprint, Some(Footprint { connections: 1, ..Footprint::default() }));
    }

    #[tokio::test]
    async fn behind_what_is_not_run_nothing_is_contacted() {
        let server = ready();
        for words in [&["-oProxyCommand=nc %h %p", "-oProxyUseFdpass=yes"][..], &["-oProxyCommand=-"]] {
            let facts = observed(server.address, server.folder.path(), words, Limits::default()).await;
            let connect = facts.connect.as_ref().unwrap();
            assert!(connect.proxy.is_some() && connect.through.is_none(), "{words:?}");
            assert!(facts.identities.is_ok());
            assert!(matches!(facts.transport, Err(Unobserved::Failed(_))));
            assert_eq!(facts.footprint, None);
        }
    }

    /// A `ProxyCommand` that carries what it is given to the server, and is not called by a name that is known.
    const CARRIES: &str = "ProxyCommand=bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3; kill $!'";

    fn through(facts: &Facts) -> &crate::facts::proxy::Program {
        match &facts.connect.as_ref().unwrap().through {
            Some(crate::facts::proxy::Through::Program(program)) => program,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn through_a_program_a_good_login_is_seen_from_end_to_end() {
        let server = ready();
        let words = ["-i", &identity(&server), "-o", "IdentitiesOnly=yes", "-o", CARRIES];
        let facts = observed(server.address, server.folder.path(), &words, Limits::default()).await;
        assert!(facts.userauth.as_ref().unwrap().succeeded(), "{facts:#?}");
        assert_eq!(facts.session.as_ref().unwrap().exit_status, Some(0));
        assert!(matches!(facts.resolve, Err(Unobserved::Failed(_))));
        let program = through(&facts);
        assert!(program.ran_on && program.stdout_bytes > 1000, "{program:?}");
        assert_eq!((program.status, program.signal, program.stderr_bytes), (None, None, 0));
        assert!(program.command.as_str().unwrap().contains(&format!("/127.0.0.1/{};", server.address.port())));
        assert_eq!(facts.footprint.unwrap().connections, 1);
    }

    #[tokio::test]
    async fn more_keys_than_one_connection_takes_run_the_program_again() {
        let server = ready();
        let mut words = vec!["-o".to_owned(), "IdentitiesOnly=yes".to_owned(), "-o".to_owned(), CARRIES.to_owned()];
        for number in 0..7 {
            let path = server.folder.path().join(format!("other{number}"));
            keygen(&path, "ed25519");
            words.extend(["-i".to_owned(), path.to_str().unwrap().to_owned()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let facts = observed(server.address, server.folder.path(), &words, Limits::default()).await;
        let userauth = facts.userauth.as_ref().unwrap();
        assert_eq!((userauth.connections.len(), facts.footprint.unwrap().connections), (2, 2), "{facts:#?}");
        assert!(userauth.queries.iter().any(|query| query.connection == 1 && query.answer.is_some()), "{facts:#?}");
    }

    #[tokio::test]
    async fn what_became_of_a_program_that_fails_is_seen() {
        let server = ready();
        let command = "ProxyCommand=sh -c 'echo no way >&2; exit 3'";
        let facts = observed(server.address, server.folder.path(), &["-o", command], Limits::default()).await;
        let program = through(&facts);
        assert_eq!((program.status, program.ran_on, program.stderr.as_str()), (Some(3), false, Some("no way\n")));
        assert_eq!(facts.transport.as_ref().unwrap().end, Some(End::Closed));
        assert_eq!((facts.footprint, &facts.userauth), (None, &Err(Unobserved::NotReached(Stage::Connect))));
    }

    #[tokio::test]
    async fn a_run_that_is_cut_short_has_its_program_noted_and_ended() {
        let server = ready();
        let limits = Limits { timeout_seconds: 1, ..Limits::default() };
        let command = "ProxyCommand=sh -c 'trap \"\" TERM; echo hm >&2; sleep 31.0011; sleep 31.0011'";
        let facts = observed(server.address, server.folder.path(), &["-o", command], limits).await;
        let program = through(&facts);
        assert_eq!((program.status, program.ran_on, program.stderr.as_str()), (None, true, Some("hm\n")));
        assert_eq!(facts.transport.as_ref().unwrap().end, Some(End::TimedOut));
        let left = std::process::Command::new("pgrep").args(["-fc", "sleep 31[.]0011"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0");
    }

    #[tokio::test]
    async fn the_limit_of_the_run_leaves_what_was_seen() {
        let server = ready();
        let address = saying(b"SSH-2.0-quiet\r\n".to_vec());
        let limits = Limits { timeout_seconds: 2, ..Limits::default() };
        let facts = observed(address, server.folder.path(), &[], limits).await;
        let transport = facts.transport.unwrap();
        assert_eq!(transport.identification, Some("SSH-2.0-quiet".into()));
        assert_eq!((transport.complete, transport.end), (false, Some(End::TimedOut)));
        assert_eq!(facts.userauth, Err(Unobserved::TimedOut));
    }

    #[tokio::test]
    async fn a_refused_connection_leaves_the_later_stages_unreached() {
        let server = ready();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let facts = observed(closed, server.folder.path(), &[], Limits::default()).await;
        assert_eq!(facts.connect.as_ref().unwrap().attempts.len(), 1);
        assert_eq!(facts.transport, Err(Unobserved::NotReached(Stage::Connect)));
        assert_eq!(facts.footprint, None);
    }
}
