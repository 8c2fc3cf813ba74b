//! What a broken, cut or forged output of the collector does: it is read and judged, and nothing panics. The seed is
//! printed; `SSHDOCTOR_SEED` sets it.
#![expect(clippy::unwrap_used, reason = "a collector that cannot be run is a failed test")]

use std::ops::Range;
use std::process::{Command, Stdio};

use sshdoctor::checks::Certainty;
use sshdoctor::collect::account::{self, Request, SCRIPT};
use sshdoctor::diagnose::diagnose;
use sshdoctor::{render, report};

/// How many mutants are made of both outputs together.
const MUTANTS: usize = 20_000;
/// Every so many mutants are judged and shown as well.
const JUDGED: usize = 50;
/// A public key.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS";
/// An account with a file of keys and all that stands in one, in a mount namespace of its own.
const MACHINE: &str = "mount -t tmpfs tmpfs /root && mkdir -m 700 /root/.ssh && mount -t tmpfs tmpfs /var/log &&
    printf '%s\\n' \"from=\\\"192.0.2.7,!198.51.100.*\\\",command=\\\"a b\\\" $1 a\" '# a comment' 'AAAAC3NzaC1l' 'a line' \\
        'ssh-rsa AAAAB3NzaC1yc2E=' '-----BEGIN OPENSSH PRIVATE KEY-----' \"cert-authority $1\" >/root/.ssh/authorized_keys &&
    printf '2026-11-25T02:00:0%s+00:00 web1 sshd[7]: %s\\n' 1 'Accepted publickey for root from 192.0.2.7 port 9 ssh2: ED25519 x' \\
        2 'Connection from 192.0.2.7 port 10 on 192.0.2.1 port 22' 3 'User root from 192.0.2.7 not allowed because not listed in AllowUsers' \\
        4 'Connection closed by invalid user root 192.0.2.7 port 10 [preauth]' >/var/log/auth.log && shift && exec sh -s -- \"$@\"";
/// What a program that means harm, or a disk that is full, may leave where something else stood.
const SCRAPS: &[&[u8]] = &[
    b"99999999999999999999999999",
    b"-1",
    b"18446744073709551615",
    b"9223372036854775807",
    b"4294967296",
    b"0",
    b"\0",
    b"\n",
    b"\r\n",
    b"\n[account]\n",
    b"\n[effective]\nstatus=0\n",
    b"\n[end]\n",
    b"\n[",
    b"]",
    b"=",
    b"~",
    b"~0",
    b"~zz",
    b"~ff00fe",
    b"\n:0\n",
    b"\n:c3\n",
    b"\n|\n",
    b"\n?b 99999999999\n",
    b"\n?o -1\n",
    b"%",
    b"/",
    b"..",
    b"\xff\xfe",
    b"\xf0\x9f\x94\x91",
    b"\x1b[31m",
];

/// The numbers of xorshift64*.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// One of 0 to `count` - 1; 0 where there is none.
    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % count.max(1)
    }
}

/// What the collector prints about root on such a machine, with these words.
fn output(words: &[&str]) -> Vec<u8> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", MACHINE, "sh", KEY]).args(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, SCRIPT.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.ends_with(b"\n[end]\n"), "{words:?}");
    // A distribution's comments in its files are many, and nobody reads them.
    let said = |line: &&[u8]| !line.starts_with(b"|#") && line != b"|";
    output
        .stdout
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| said(&line.trim_ascii_end()))
        .flatten()
        .copied()
        .collect()
}

/// A line of it, with its line feed.
fn line(bytes: &[u8], dice: &mut Dice) -> Range<usize> {
    let at = dice.below(bytes.len());
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |feed| at + feed + 1);
    start..end
}

/// Changes one thing.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(8) {
        0 => bytes.truncate(dice.below(bytes.len())),
        1 => {
            let at = dice.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        2 => {
            let again = bytes[line(bytes, dice)].to_vec();
            let at = line(bytes, dice).start;
            bytes.splice(at..at, again);
        }
        3 => drop(bytes.drain(line(bytes, dice))),
        4 => {
            let (one, other) = (line(bytes, dice), line(bytes, dice));
            let (one, other) = if one.start < other.start { (one, other) } else { (other, one) };
            if one.end <= other.start {
                let (first, last) = (bytes[one.clone()].to_vec(), bytes[other.clone()].to_vec());
                bytes.splice(other, first);
                bytes.splice(one, last);
            }
        }
        // A value, or its end, is another one.
        5 => {
            let line = line(bytes, dice);
            let words: Vec<usize> = line.clone().filter(|at| b"=~ |:".contains(&bytes[*at])).collect();
            if let Some(at) = words.get(dice.below(words.len())).map(|at| at + 1) {
                let end = if dice.below(2) == 0 { at } else { line.end.saturating_sub(1).max(at) };
                bytes.splice(at..end, SCRAPS[dice.below(SCRAPS.len())].iter().copied());
            }
        }
        6 => {
            let at = dice.below(bytes.len());
            bytes.splice(at..at, SCRAPS[dice.below(SCRAPS.len())].iter().copied());
        }
        // A part of it stands elsewhere.
        _ => {
            let start = dice.below(bytes.len());
            let part = bytes[start..bytes.len().min(start + dice.below(400))].to_vec();
            let at = dice.below(bytes.len());
            bytes.splice(at..at, part);
        }
    }
}

/// Judges and shows what stands in the file, and says how certain the verdict is; none where it cannot be read.
fn judged(runtime: &tokio::runtime::Runtime, path: &std::path::Path, bytes: &[u8]) -> Option<Certainty> {
    std::fs::write(path, bytes).unwrap();
    let request = Request { collected: Some(path.to_owned()), ..Request::default() };
    let facts = runtime.block_on(account::collect(&request)).ok()?;
    let verdict = diagnose(&facts);
    let report = report::report(&facts, &verdict);
    for verbose in [false, true] {
        let text = render::text(&report, &render::Style { color: false, width: 80, verbose });
        assert!(!text.is_empty() && text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
    let markdown = render::markdown(&report);
    assert!(!markdown.contains('\x1b') && !markdown.contains('\0'), "{markdown:?}");
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    assert_eq!(json["verdict"]["cause"], verdict.first.cause.id);
    Some(verdict.first.finding.certainty)
}

#[test]
fn no_output_is_too_broken_to_be_read_and_judged() {
    let seed = std::env::var("SSHDOCTOR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_125);
    println!("SSHDOCTOR_SEED={seed}");
    let outputs = [output(&["--key", KEY, "root"]), output(&["--from", "192.0.2.7", "root"])];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collected");
    let mut dice = Dice::new(seed);
    let (mut read, mut shown) = (0, 0);
    for number in 0..MUTANTS {
        let judge = number % JUDGED == 0;
        let mut bytes = outputs[dice.below(2)].clone();
        // What was cut is to be known as cut, whatever else was done to it.
        let only_cut = number % (JUDGED * 2) == 0;
        if only_cut {
            bytes.truncate(dice.below(bytes.len() - b"[end]\n".len()));
        } else {
            (0..=dice.below(4)).for_each(|_| mutate(&mut bytes, &mut dice));
        }
        let result = std::panic::catch_unwind(|| {
            let good = account::read(&bytes).is_ok();
            (good, (good && judge).then(|| judged(&runtime, &path, &bytes)))
        });
        let Ok((good, certainty)) = result else {
            // What caused it is left behind.
            let kept = std::env::temp_dir().join("sshdoctor-mutant");
            std::fs::write(&kept, &bytes).unwrap();
            panic!("SSHDOCTOR_SEED={seed}: mutant {number}, kept as {}", kept.display());
        };
        read += usize::from(good);
        shown += usize::from(certainty.is_some());
        if only_cut && let Some(Some(certainty)) = certainty {
            assert_ne!(certainty, Certainty::Proven, "SSHDOCTOR_SEED={seed}: cut at {}", bytes.len());
        }
    }
    assert!(read > MUTANTS / 2 && shown > MUTANTS / JUDGED / 2, "{read} read, {shown} shown");
}
