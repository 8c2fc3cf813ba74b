//! Rows of the server's side: certificates, and what sshd makes of their CA and their principals.

use super::common::{DENIED, on_this_server};
use crate::row::{Row, on_server};
use crate::world::World;

/// A server with these lines, a CA at /etc/ssh/ca, no plain key listed, and this script, to which `sign` makes the
/// certificate.
fn certified(world: &World, lines: &str, script: &str) -> anyhow::Result<()> {
    let sign = "ssh-keygen -q -t ed25519 -N '' -C ca -f /etc/ssh/ca; rm $AK
        sign() { ssh-keygen -q -s /etc/ssh/ca -I a@laptop \"$@\" $PUB; chown a /home/a/.ssh/*-cert.pub; }";
    on_this_server(world, lines, &format!("{sign}\n{script}"))
}

/// A certificate in question.
fn certificate(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    on_server(name, setup).key("/home/a/.ssh/id_ed25519-cert.pub").proven("nothing-found")
}

/// A CA that is not trusted, or a certificate for somebody else.
fn mismatch(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    certificate(name, setup).ssh_fails(DENIED).proven("server-ca-mismatch")
}

/// A certificate outside its validity.
fn expired(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    certificate(name, setup).ssh_fails(DENIED).proven("certificate-expired")
}

/// A certificate, or a line, with an option that refuses the login.
fn refused(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    certificate(name, setup).ssh_fails(DENIED).proven("server-key-options-refuse")
}

/// A certificate of a CA that is revoked.
fn revoked(name: &'static str, setup: fn(&mut World) -> anyhow::Result<()>) -> Row {
    certificate(name, setup).ssh_fails(DENIED).proven("server-key-revoked")
}

/// These rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        mismatch("server-ca-not-listed", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ca2; sign -n deploy; cp /etc/ssh/ca2.pub /etc/ssh/ca.pub")).mended_by("").printed().fixture(),
        mismatch("server-ca-file-missing", |world| certified(world, "TrustedUserCAKeys /etc/ssh/cas", "sign -n deploy")).mended_by("").printed(),
        mismatch("server-ca-not-set", |world| certified(world, "", "sign -n deploy")).mended_by("").printed(),
        mismatch("server-ca-behind-a-broken-line", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n deploy; sed -i \"1i not a key\" /etc/ssh/ca.pub")).mended_by("sed -i 1d /etc/ssh/ca.pub"),
        refused("server-ca-line-without-cert-authority", |world| certified(world, "", "sign -n deploy; cp /etc/ssh/ca.pub $AK; chown deploy $AK")).mended_by("").printed(),
        mismatch("server-ca-line-names-others", |world| certified(world, "", "sign -n deploy; echo \"cert-authority,principals=\\\"admin,root\\\" $(cat /etc/ssh/ca.pub)\" >$AK; chown deploy $AK")).mended_by("sed -i s/admin/deploy/ /home/deploy/.ssh/authorized_keys"),
        mismatch("server-ca-principal-of-another", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n admin,alice")).log("name is not a listed principal").mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        mismatch("server-ca-no-principal", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign")).log("Certificate lacks principal list").mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        mismatch("server-ca-principal-not-in-file", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u", "install -d /etc/ssh/principals; echo staff >/etc/ssh/principals/deploy; sign -n deploy")).log("Certificate does not contain an authorized principal").mended_by("").printed(),
        mismatch("server-ca-principals-file-missing", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u", "install -d /etc/ssh/principals; sign -n deploy")).log("Certificate does not contain an authorized principal").mended_by("").printed(),
        mismatch("server-ca-principals-file-open", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u", "install -d /etc/ssh/principals; echo deploy >/etc/ssh/principals/deploy; chmod 666 /etc/ssh/principals/deploy; sign -n deploy")).log("bad ownership or modes for file").mended_by("").printed(),
        mismatch("server-ca-for-hosts", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -h -n deploy")).mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        mismatch("server-ca-signature-refused", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nCASignatureAlgorithms rsa-sha2-512", "sign -n deploy")).mended_by("sed -i /^CASignature/d /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)"),
        expired("server-certificate-expired", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n deploy -V 20200101:20200102")).log("Certificate invalid: expired").mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        expired("server-certificate-not-yet-valid", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n deploy -V +1d:+2d")).log("Certificate invalid: not yet valid").mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        expired("server-certificate-expired-by-a-line", |world| certified(world, "", "sign -n deploy -V 20200101:20200102; echo \"cert-authority $(cat /etc/ssh/ca.pub)\" >$AK; chown deploy $AK")).log("Certificate invalid: expired").mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        refused("server-certificate-from-other-address", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n deploy -O source-address=198.51.100.0/24")).log("not from a permitted source address").mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        refused("server-certificate-unknown-option", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n deploy -O critical:seal@example.org=1")).log("is not supported").mended_by("ssh-keygen -q -s /etc/ssh/ca -I a -n deploy /home/a/.ssh/id_ed25519.pub"),
        refused("server-principal-line-from-other-address", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u", "install -d /etc/ssh/principals; echo \"from=\\\"198.51.100.7\\\" deploy\" >/etc/ssh/principals/deploy; sign -n deploy")).log("not from a permitted host").mended_by("echo deploy >/etc/ssh/principals/deploy"),
        revoked("server-certificate-revoked", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nRevokedKeys /etc/ssh/revoked", "sign -n deploy; cp /etc/ssh/ca.pub /etc/ssh/revoked")).log("revoked by file").mended_by("echo >/etc/ssh/revoked"),
        certificate("server-certificate-works", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n alice,deploy")),
        certificate("server-certificate-works-by-a-line", |world| certified(world, "", "sign -n deploy; echo \"cert-authority $(cat /etc/ssh/ca.pub)\" >$AK; chown deploy $AK")),
        certificate("server-certificate-works-by-principals", |world| certified(world, "", "sign -n staff; echo \"cert-authority,principals=\\\"admin,staff\\\" $(cat /etc/ssh/ca.pub)\" >$AK; chown deploy $AK")),
        certificate("server-certificate-works-without-principals-by-a-line", |world| certified(world, "", "sign; echo \"cert-authority $(cat /etc/ssh/ca.pub)\" >$AK; chown deploy $AK")),
        certificate("server-certificate-works-by-file", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u", "install -d /etc/ssh/principals; echo \"# staff of web1\" >/etc/ssh/principals/deploy; echo \"no-pty staff\" >>/etc/ssh/principals/deploy; sign -n staff")),
        certificate("server-certificate-works-from-here", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "sign -n deploy -O source-address=192.0.2.0/24 -O force-command=true")),
        certificate("server-certificate-expired-plain-key-works", |world| certified(world, "TrustedUserCAKeys /etc/ssh/ca.pub", "cp $PUB $AK; sign -n deploy -V 20200101:20200102")),
    ]
}
