//! Every identity of a login and what the server said of it: those that ssh offers first, in its order, then the other
//! keys that were asked about, that the agent lists or that lie under `~/.ssh`.

use std::collections::HashSet;

use super::IdentityView;
use crate::facts::Facts;
use crate::facts::agent::AgentKey;
use crate::facts::identities::{KeyFile, is_there};
use crate::facts::key::PublicKey;
use crate::facts::text::{Comment, Host, Path};
use crate::facts::userauth::{Answer, Signed, Userauth};
use crate::openssh::identities::{self, Offer};
use crate::openssh::server::looks_before_its_yes;

/// The rows of a report.
pub(super) fn views(facts: &Facts) -> Vec<IdentityView> {
    let offers = identities::offers(facts);
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut views = Vec::new();
    for (index, offer) in offers.iter().enumerate() {
        if offer.key.as_ref().is_none_or(|key| seen.insert(mark(key))) {
            views.push(offered(facts, offer, index + 1));
        }
    }
    for key in others(facts) {
        if seen.insert(mark(key)) {
            views.push(view(facts, Some(key), file_of(facts, key)));
        }
    }
    let offered_files: HashSet<usize> = offers.iter().filter_map(|offer| offer.file).collect();
    let unread = key_files(facts).enumerate().filter(|(index, file)| {
        !offered_files.contains(index)
            && is_there(&file.state)
            && file.public_half().is_none()
            && certified(file).is_none()
    });
    views.extend(unread.map(|(_, file)| view(facts, None, Some(file))));
    views
}

/// What tells one key or certificate from another: its blob, or as much as was seen of it.
fn mark(key: &PublicKey) -> Vec<u8> {
    if key.blob.0.is_empty() {
        let seen = [key.algorithm.as_bytes(), key.fingerprint.as_bytes(), key.comment.as_bytes()];
        return seen.join(&b' ');
    }
    key.blob.0.clone()
}

/// A key that ssh offers, in its turn.
fn offered(facts: &Facts, offer: &Offer, order: usize) -> IdentityView {
    let named = offer.file.and_then(|index| facts.identities.as_ref().ok()?.files.get(index));
    let file = named.or_else(|| offer.key.as_ref().and_then(|key| file_of(facts, key)));
    let mut view = view(facts, offer.key.as_ref(), file);
    if let Some(offered) = &facts.run.limits.offer {
        view.path = (offered.path.as_bytes() != b"-").then(|| offered.path.clone());
        if view.sources.is_empty() {
            view.sources.push("file");
        }
    }
    IdentityView { offered_by_ssh: true, order: Some(order), ..view }
}

/// A row, as if ssh did not offer it.
fn view(facts: &Facts, key: Option<&PublicKey>, file: Option<&KeyFile>) -> IdentityView {
    let agent = facts.agent.as_ref().ok();
    let lists = |keys: &[AgentKey]| keys.iter().any(|listed| key.is_some_and(|key| key.is_same(&listed.key)));
    let in_agent = agent.is_some_and(|agent| lists(agent.unbound()) || lists(agent.keys()));
    let certificate = key.is_some_and(PublicKey::is_certificate);
    let mut sources = Vec::new();
    if in_agent {
        sources.push("agent");
    }
    if file.is_some() && !certificate {
        sources.push("file");
    }
    if certificate {
        sources.push("certificate");
    }
    let socket = agent.and_then(|agent| agent.socket.as_ref());
    let forwarded = in_agent && socket.is_some_and(|socket| socket.forwarded);
    let userauth = facts.userauth.as_ref().ok();
    IdentityView {
        fingerprint: key.map(|key| key.fingerprint.clone()),
        kind: key.map(|key| key.algorithm.clone()),
        comment: key.and_then(|key| comment(facts, key)),
        sources,
        path: file.map(path).or_else(|| key.and_then(|key| certificate_path(facts, key))),
        forwarded,
        machine: machine(facts, forwarded),
        hardware: key.is_some_and(PublicKey::is_hardware),
        offered_by_ssh: false,
        order: None,
        answer: key.zip(userauth).map_or("not-asked", |(key, userauth)| answer(facts, userauth, key)),
        used_to_log_in: key.zip(userauth).is_some_and(|(key, userauth)| opened(userauth, key)),
    }
}

/// The machine that a key comes from.
fn machine(facts: &Facts, forwarded: bool) -> Option<Host> {
    let connection = facts.run.ssh_connection.as_ref().filter(|_| forwarded);
    let name = match connection {
        Some(connection) => connection.as_bytes().split(|byte| *byte == b' ').next().map(Host::new)?,
        None => facts.run.host.clone(),
    };
    (!name.is_empty() && facts.run.limits.offer.is_none()).then_some(name)
}

/// What the server said of this key. A yes to a query proves nothing on a server that says yes to a key nobody has;
/// there only a signature decides.
fn answer(facts: &Facts, userauth: &Userauth, key: &PublicKey) -> &'static str {
    let signed = userauth.signatures.iter().filter(|signature| signature.key.is_same(key));
    let signed = signed
        .filter_map(|signature| match &signature.outcome {
            Signed::Answered(answer) => Some(answer),
            _ => None,
        })
        .next_back();
    match signed {
        Some(Answer::Success) => return "accepted",
        Some(Answer::Failure { partial: true, .. }) => return "partial",
        Some(Answer::Failure { partial: false, .. }) if !yes_counts(facts, userauth) => return "refused",
        _ => {}
    }
    if !userauth.queries.iter().any(|query| query.key.is_same(key)) {
        return "not-asked";
    }
    match userauth.answer(key) {
        Some(Answer::Success) => "accepted",
        Some(Answer::PkOk) if yes_counts(facts, userauth) => "accepted",
        Some(Answer::Failure { partial: true, .. }) => "partial",
        Some(Answer::Failure { partial: false, .. }) => "refused",
        Some(Answer::PkOk | Answer::Other(_)) | None => "unknown",
    }
}

/// Whether `SSH_MSG_USERAUTH_PK_OK` tells something here: the server refused a key that nobody has, or it is one that
/// is known to look before it answers.
fn yes_counts(facts: &Facts, userauth: &Userauth) -> bool {
    match &userauth.canary {
        Some(Answer::Failure { .. }) => true,
        Some(_) => false,
        None => {
            let transport = facts.transport.as_ref().ok();
            let identification = transport.and_then(|transport| transport.identification.as_ref());
            identification.is_some_and(|text| looks_before_its_yes(text.as_bytes()))
        }
    }
}

/// Whether the login was made with this key.
fn opened(userauth: &Userauth, key: &PublicKey) -> bool {
    let success = Signed::Answered(Answer::Success);
    userauth.signatures.iter().any(|signature| signature.key.is_same(key) && signature.outcome == success)
}

/// Every key that is known, offered or not: asked about first, then the agent's, then those of files.
fn others(facts: &Facts) -> impl Iterator<Item = &PublicKey> {
    let asked = facts.userauth.iter().flat_map(|userauth| userauth.queries.iter().map(|query| &query.key));
    let agent = facts.agent.iter().flat_map(|agent| agent.unbound().iter().chain(agent.keys()));
    let files = key_files(facts).flat_map(|file| [file.public_half(), certified(file)].into_iter().flatten());
    let certificates = facts.identities.iter().flat_map(|identities| &identities.certificates);
    asked
        .chain(agent.map(|listed| &listed.key))
        .chain(files)
        .chain(certificates.filter_map(|certificate| certificate.file.key.as_ref()))
}

/// The key files that the configuration names, then the others.
fn key_files(facts: &Facts) -> impl Iterator<Item = &KeyFile> {
    facts.identities.iter().flat_map(|identities| identities.files.iter().chain(&identities.others))
}

/// The certificate beside a key file.
fn certified(file: &KeyFile) -> Option<&PublicKey> {
    file.certificate.key.as_ref()
}

/// The key file that this key or certificate belongs to.
fn file_of<'a>(facts: &'a Facts, key: &PublicKey) -> Option<&'a KeyFile> {
    key_files(facts)
        .find(|file| [file.public_half(), certified(file)].into_iter().flatten().any(|half| half.is_same(key)))
}

/// The private key's path, or the public half's where only that is there.
fn path(file: &KeyFile) -> Path {
    if file.state.is_err() && file.public.state.is_ok() { file.public.path.clone() } else { file.path.clone() }
}

/// The path of a configured certificate.
fn certificate_path(facts: &Facts, key: &PublicKey) -> Option<Path> {
    let certificates = &facts.identities.as_ref().ok()?.certificates;
    let holds = |held: &PublicKey| held.is_same(key);
    let found = certificates.iter().find(|certificate| certificate.file.key.as_ref().is_some_and(holds));
    found.map(|certificate| certificate.file.path.clone())
}

/// The key's comment, from whichever place has one.
fn comment(facts: &Facts, key: &PublicKey) -> Option<Comment> {
    let mut everywhere = std::iter::once(key).chain(others(facts).filter(|other| other.is_same(key)));
    everywhere.find(|key| !key.comment.is_empty()).map(|key| key.comment.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::key::Blob;
    use crate::facts::transport::Transport;
    use crate::facts::userauth::{Query, Signature, Signer};

    fn key(number: u8) -> PublicKey {
        PublicKey {
            algorithm: "ssh-ed25519".to_owned(),
            blob: Blob(vec![number]),
            fingerprint: "SHA256:a".into(),
            comment: Comment::default(),
            bits: None,
            certificate: None,
        }
    }

    fn refused(partial: bool) -> Answer {
        Answer::Failure { methods: vec!["publickey".to_owned()], partial }
    }

    /// Facts of a server with that name which gave this answer to a query about key 1.
    fn asked(server: &str, answer: Option<Answer>) -> Facts {
        let query =
            Query { key: key(1), algorithm: "ssh-ed25519".to_owned(), offered_by_ssh: true, connection: 0, answer };
        Facts {
            transport: Ok(Transport { identification: Some(server.into()), ..Transport::default() }),
            userauth: Ok(Userauth { queries: vec![query], ..Userauth::default() }),
            ..Facts::default()
        }
    }

    fn said(facts: &Facts) -> &'static str {
        views(facts)[0].answer
    }

    #[test]
    fn a_yes_counts_where_the_server_looks_before_it_answers() {
        assert_eq!(said(&asked("SSH-2.0-OpenSSH_9.2p1", Some(Answer::PkOk))), "accepted");
        assert_eq!(said(&asked("SSH-2.0-tinyssh", Some(Answer::PkOk))), "unknown");
        let mut facts = asked("SSH-2.0-tinyssh", Some(Answer::PkOk));
        facts.userauth.as_mut().unwrap().canary = Some(refused(false));
        assert_eq!(said(&facts), "accepted");
        let mut facts = asked("SSH-2.0-OpenSSH_9.2p1", Some(Answer::PkOk));
        facts.userauth.as_mut().unwrap().canary = Some(Answer::PkOk);
        assert_eq!(said(&facts), "unknown");
    }

    #[test]
    fn a_signature_decides_where_a_yes_does_not_count() {
        let mut facts = asked("SSH-2.0-tinyssh", Some(Answer::PkOk));
        for (answer, expected) in
            [(Answer::Success, "accepted"), (refused(true), "partial"), (refused(false), "refused")]
        {
            facts.userauth.as_mut().unwrap().signatures = vec![Signature {
                key: key(1),
                algorithm: "ssh-ed25519".to_owned(),
                signer: Signer::Agent,
                outcome: Signed::Answered(answer),
            }];
            assert_eq!(said(&facts), expected);
            assert_eq!(views(&facts)[0].used_to_log_in, expected == "accepted");
        }
    }

    #[test]
    fn a_query_without_an_answer_is_unknown_and_a_key_without_a_query_not_asked() {
        assert_eq!(said(&asked("SSH-2.0-OpenSSH_9.2p1", None)), "unknown");
        assert_eq!(said(&asked("SSH-2.0-OpenSSH_9.2p1", Some(refused(false)))), "refused");
        let facts = asked("SSH-2.0-OpenSSH_9.2p1", None);
        assert_eq!(answer(&facts, facts.userauth.as_ref().unwrap(), &key(2)), "not-asked");
    }
}
