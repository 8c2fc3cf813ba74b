//! Real and scripted servers on loopback, for the tests of the engine.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::facts::key::PublicKey;
use crate::openssh::public_key::from_line;

/// A server that runs one process a connection, with its folder of keys and logs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
}

impl Server {
    /// Starts `command` for each connection, the socket as its standard input and output. `prepare` fills its folder.
    fn new(prepare: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let folder = TempDir::new().unwrap();
        let command = prepare(folder.path());
        let log = File::create(folder.path().join("log")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = OwnedFd::from(socket.unwrap());
                let mut child = Command::new(&command[0])
                    .args(&command[1..])
                    .stdin(Stdio::from(socket.try_clone().unwrap()))
                    .stdout(Stdio::from(socket))
                    .stderr(log.try_clone().unwrap())
                    .spawn()
                    .unwrap();
                thread::spawn(move || child.wait());
            }
        });
        Self { address, folder }
    }

    /// OpenSSH's sshd with these host key types and configuration lines; whose key is in `authorized_keys` gets in.
    pub(crate) fn sshd(host_keys: &[&str], lines: &[&str]) -> Self {
        Self::new(|folder| {
            let mut text = format!(
                "UsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\nLogLevel INFO\nAuthorizedKeysFile {}\n",
                folder.join("authorized_keys").display()
            );
            for kind in host_keys {
                let path = folder.join(format!("host_{kind}"));
                keygen(&path, kind);
                text += &["HostKey ", path.to_str().unwrap(), "\n"].concat();
            }
            for line in lines {
                text += line;
                text += "\n";
            }
            let config = folder.join("sshd_config");
            std::fs::write(&config, text).unwrap();
            ["/usr/sbin/sshd", "-i", "-e", "-f", config.to_str().unwrap()].map(str::to_owned).to_vec()
        })
    }

    /// dropbear with an Ed25519 host key.
    pub(crate) fn dropbear() -> Self {
        Self::new(|folder| {
            let key = folder.join("host");
            let made = Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key).output().unwrap();
            assert!(made.status.success());
            ["/usr/sbin/dropbear", "-i", "-r", key.to_str().unwrap()].map(str::to_owned).to_vec()
        })
    }

    /// tinysshd.
    pub(crate) fn tinysshd() -> Self {
        Self::new(|folder| {
            let keys = folder.join("keys");
            assert!(Command::new("tinysshd-makekey").arg(&keys).output().unwrap().status.success());
            ["/usr/sbin/tinysshd", keys.to_str().unwrap()].map(str::to_owned).to_vec()
        })
    }

    /// What the servers wrote to standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

/// A server that does to each connection what `script` does.
pub(crate) fn scripted(script: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            script(socket.unwrap());
        }
    });
    address
}

/// A scripted server that writes `bytes` and closes after a client that went.
pub(crate) fn saying(bytes: Vec<u8>) -> SocketAddr {
    scripted(move |mut socket| {
        // A client that left while it was written to has seen enough.
        let _ = socket.write_all(&bytes);
        thread::spawn(move || std::io::copy(&mut socket, &mut std::io::sink()));
    })
}

/// Makes an unencrypted key of `kind` at `path`.
pub(crate) fn keygen(path: &Path, kind: &str) {
    let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(path).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A new key pair of `kind` at `path`; its public half, also as its line.
pub(crate) fn new_key(path: &Path, kind: &str) -> (PublicKey, String) {
    keygen(path, kind);
    let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (from_line(line.as_bytes()).unwrap(), line)
}

/// A way to `server` that takes 50 ms in each direction, and the number of times the client spoke after it had heard
/// something.
pub(crate) fn delayed(server: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let flights = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&flights);
    let address = scripted(move |client| {
        let upstream = TcpStream::connect(server).unwrap();
        let heard = Arc::new(AtomicBool::new(true));
        let (count, listener) = (Arc::clone(&counted), Arc::clone(&heard));
        let speaks = move || {
            count.fetch_add(usize::from(heard.swap(false, Ordering::Relaxed)), Ordering::Relaxed);
        };
        late(client.try_clone().unwrap(), upstream.try_clone().unwrap(), speaks, || {});
        late(upstream, client, || {}, move || listener.store(true, Ordering::Relaxed));
    });
    (address, flights)
}

/// Carries bytes from one socket to the other, 50 ms late.
fn late(mut from: TcpStream, mut to: TcpStream, comes: impl Fn() + Send + 'static, goes: impl Fn() + Send + 'static) {
    to.set_nodelay(true).unwrap();
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            comes();
            sender.send((Instant::now() + Duration::from_millis(50), buffer[..count].to_vec())).unwrap();
        }
    });
    thread::spawn(move || {
        for (when, bytes) in receiver {
            thread::sleep(when.saturating_duration_since(Instant::now()));
            goes();
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        // The other side may have gone already.
        let _ = to.shutdown(Shutdown::Write);
    });
}
