//! What a run touches, as the kernel saw it: nothing written, one connection, no private key beyond its header.
//!
//! One run under `strace -f` against a real sshd on loopback, once with a key that is refused, once with one that is
//! accepted and `--no-login`, once with a login. Needs strace, ssh and sshd.

#[cfg(test)]
#[path = "../support/sshd.rs"]
mod sshd;
#[cfg(test)]
mod trace;

#[cfg(test)]
mod runs {
    use std::fs;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use serde_json::Value;
    use tempfile::TempDir;

    use super::sshd::{Sshd, account, keygen};
    use super::trace::{Trace, covers};

    /// `openssh-key-v1`, cipher and KDF `none`, one ed25519 key: the bytes up to the private section's length
    /// (PROTOCOL.key). All but the public half is fixed.
    const PUBLIC_BYTES: usize = 15 + (4 + 4) + (4 + 4) + 4 + 4 + (4 + 51);
    /// The length of the private section, which is no secret.
    const LENGTH_BYTES: usize = 4;

    struct Lab {
        folder: TempDir,
        sshd: Sshd,
    }

    /// One traced run.
    struct Run {
        report: Value,
        trace: Trace,
        /// What sshd logged meanwhile, at VERBOSE.
        log: String,
    }

    impl Lab {
        fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let sshd = Sshd::start(&folder.path().join("sshd"), "LogLevel VERBOSE").unwrap();
            let lab = Self { folder, sshd };
            fs::create_dir(lab.home()).unwrap();
            keygen(&lab.key(), "a key of the test").unwrap();
            let known = lab.sshd.known_hosts_line(lab.sshd.port).unwrap();
            fs::write(lab.home().join("known_hosts"), known).unwrap();
            lab
        }

        fn home(&self) -> PathBuf {
            self.folder.path().join("home")
        }

        fn key(&self) -> PathBuf {
            self.home().join("id")
        }

        fn authorize(&self) {
            self.sshd.authorize(&self.key().with_extension("pub"), "").unwrap();
        }

        /// Runs sshdoctor with these options of its own, traced.
        fn run(&self, options: &[&str]) -> Run {
            let raw = self.folder.path().join("trace");
            let before = self.sshd.log().len();
            let done = Command::new("strace")
                .args(["-f", "-yy", "-s", "0", "-e", "signal=none", "-e"])
                .arg(
                    "trace=%file,%network,read,readv,pread64,preadv,preadv2,lseek,mmap,sendfile,copy_file_range,splice",
                )
                .arg("-o")
                .arg(&raw)
                .arg(env!("CARGO_BIN_EXE_sshdoctor"))
                .args(options)
                .args(["--format", "json", "-F", "none", "-o", "BatchMode=yes", "-o"])
                .arg(format!("UserKnownHostsFile={}", self.home().join("known_hosts").display()))
                .arg("-i")
                .arg(self.key())
                .args(["-p", &self.sshd.port.to_string()])
                .arg(format!("{}@127.0.0.1", account().unwrap()))
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("HOME", self.home())
                .stdin(Stdio::null())
                .output()
                .expect("strace is needed for this test and cannot be run: install the package strace");
            let errors = String::from_utf8_lossy(&done.stderr);
            let report = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
            let trace = Trace::read(&fs::read_to_string(raw).unwrap());
            Run { report, trace, log: self.sshd.log()[before..].to_owned() }
        }

        /// Where the private section of the key file begins, and where its last line does.
        fn private_section(&self) -> std::ops::Range<u64> {
            let text = fs::read_to_string(self.key()).unwrap();
            // base64 is read in groups of four characters; the group that ends the length may be read as a whole.
            let mut base64_left = (PUBLIC_BYTES + LENGTH_BYTES).div_ceil(3) * 4;
            let header = text.find('\n').unwrap() + 1;
            let begin = text[header..]
                .char_indices()
                .filter(|(_, character)| *character != '\n')
                .find(|_| {
                    let here = base64_left == 0;
                    base64_left = base64_left.saturating_sub(1);
                    here
                })
                .map(|(place, _)| header + place)
                .unwrap();
            let end = text.rfind("\n-----END").unwrap();
            u64::try_from(begin).unwrap()..u64::try_from(end).unwrap()
        }
    }

    impl Run {
        fn assert_cause(&self, cause: &str) {
            assert_eq!(self.report["verdict"]["cause"], cause, "{:#}", self.report["verdict"]);
        }

        /// What holds for every run.
        fn assert_light(&self, lab: &Lab) {
            assert_eq!(
                self.trace.written(),
                Vec::<String>::new(),
                "outside /dev something was opened for writing or changed"
            );
            let port = lab.sshd.port;
            let tried = self.trace.tcp_connections();
            assert_eq!(tried.len(), 1, "TCP connections: {tried:?}");
            assert!(tried[0].contains(&format!("htons({port})")), "to somewhere else: {tried:?}");
            let came = self.log.lines().filter(|line| line.contains("Connection from")).count();
            assert_eq!(came, 1, "sshd saw {came} connections: {}", self.log);
        }
    }

    #[test]
    fn a_refused_key_leaves_no_trace_and_stays_secret() {
        let lab = Lab::start();
        let run = lab.run(&[]);
        run.assert_cause("no-key-accepted");
        run.assert_light(&lab);
        let secret = lab.private_section();
        let reads = run.trace.reads_of(&lab.key());
        assert!(!covers(&reads, &secret), "the private section is {secret:?}, the reads were {reads:?}");
    }

    #[test]
    fn an_accepted_key_stays_secret_without_a_login() {
        let lab = Lab::start();
        lab.authorize();
        let run = lab.run(&["--no-login"]);
        run.assert_cause("access-works");
        run.assert_light(&lab);
        let secret = lab.private_section();
        let reads = run.trace.reads_of(&lab.key());
        assert!(!covers(&reads, &secret), "the private section is {secret:?}, the reads were {reads:?}");
    }

    #[test]
    fn a_login_reads_the_key_and_writes_nothing() {
        let lab = Lab::start();
        lab.authorize();
        let run = lab.run(&[]);
        run.assert_cause("access-works");
        run.assert_light(&lab);
        let secret = lab.private_section();
        let reads = run.trace.reads_of(&lab.key());
        // If this fails, the two tests above prove nothing: the reads are not seen.
        assert!(covers(&reads, &secret), "a login was made without reading the key: {reads:?}");
        assert!(run.log.contains("Accepted publickey"), "{}", run.log);
    }
}
