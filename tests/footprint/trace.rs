//! strace's output as questions: what was written, what was dialled, which bytes of a file were read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// One system call that returned.
#[derive(Debug, Clone)]
struct Call {
    name: String,
    /// Everything between the parentheses.
    arguments: String,
    /// What stands after `=`, `3</etc/passwd>` or `-1 ENOENT (…)`.
    result: String,
    process: String,
}

/// The calls of all processes of a run, in the order in which they returned.
pub(crate) struct Trace {
    calls: Vec<Call>,
}

/// Calls of strace's class %file that change something by their nature.
const CHANGING: &[&str] = &[
    "creat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "truncate",
    "chmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchownat",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "mknod",
    "mknodat",
    "setxattr",
    "lsetxattr",
    "removexattr",
    "lremovexattr",
    "mount",
    "umount2",
    "chroot",
    "swapon",
    "acct",
];

impl Trace {
    /// Reads `strace -f -yy` output; a call that another process interrupted is put together again.
    pub(crate) fn read(text: &str) -> Self {
        let mut begun: BTreeMap<String, String> = BTreeMap::new();
        let mut calls = Vec::new();
        for line in text.lines() {
            let Some((process, rest)) = line.split_once(' ') else { continue };
            let rest = rest.trim_start();
            if let Some(first) = rest.strip_suffix("<unfinished ...>") {
                begun.insert(process.to_owned(), first.trim_end().to_owned());
                continue;
            }
            let whole = match rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
                Some((_, last)) => begun.remove(process).unwrap_or_default() + last,
                None => rest.to_owned(),
            };
            calls.extend(call(process, &whole));
        }
        assert!(calls.iter().any(|call| call.name == "execve"), "strace traced nothing: {text}");
        Self { calls }
    }

    /// Calls that open for writing, or change names or modes, outside /dev; those that failed too.
    pub(crate) fn written(&self) -> Vec<String> {
        let opens = |call: &&Call| {
            matches!(call.name.as_str(), "open" | "openat" | "openat2")
                && ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"]
                    .iter()
                    .any(|flag| call.arguments.contains(flag))
                && !call.arguments.contains("\"/dev/")
        };
        let changes = |call: &&Call| CHANGING.contains(&call.name.as_str());
        let bound = |call: &&Call| call.name == "bind" && call.arguments.contains("AF_UNIX");
        self.calls.iter().filter(|call| opens(call) || changes(call) || bound(call)).map(Call::text).collect()
    }

    /// Calls that dial, over TCP.
    pub(crate) fn tcp_connections(&self) -> Vec<String> {
        let dials = |call: &&Call| call.name == "connect" && call.arguments.contains("<TCP");
        self.calls.iter().filter(dials).map(Call::text).collect()
    }

    /// The byte ranges of `path` that any process read.
    pub(crate) fn reads_of(&self, path: &Path) -> Vec<Range<u64>> {
        let marker = format!("<{}>", path.display());
        let mut places: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut ranges = Vec::new();
        for call in &self.calls {
            if matches!(call.name.as_str(), "open" | "openat" | "openat2") && call.result.ends_with(&marker) {
                places.insert((call.process.clone(), call.result.clone()), 0);
                continue;
            }
            if !call.arguments.contains(&marker) {
                continue;
            }
            let descriptor = call.arguments.split_once('>').map(|(first, _)| format!("{first}>")).unwrap_or_default();
            // Threads share descriptors: the place belongs to the descriptor, whichever thread opened it.
            let key = places.keys().rev().find(|(_, open)| *open == descriptor).cloned();
            let key = key.unwrap_or_else(|| (call.process.clone(), descriptor));
            let returned = call.returned();
            let place = places.entry(key).or_default();
            match call.name.as_str() {
                "read" | "readv" => {
                    ranges.push(*place..*place + returned);
                    *place += returned;
                }
                "lseek" => *place = returned,
                "pread64" | "preadv" | "preadv2" => {
                    let offset = call.arguments.rsplit(", ").find_map(|word| word.parse().ok()).unwrap_or_default();
                    ranges.push(offset..offset + returned);
                }
                // Whatever is mapped or copied elsewhere may be read as a whole.
                "mmap" | "sendfile" | "copy_file_range" | "splice" => ranges.push(0..u64::MAX),
                _ => {}
            }
        }
        ranges.retain(|range| !range.is_empty());
        ranges
    }
}

impl Call {
    fn text(&self) -> String {
        format!("{}({}) = {}", self.name, self.arguments, self.result)
    }

    /// The number it returned; 0 for an error.
    fn returned(&self) -> u64 {
        self.result
            .split(|character: char| !character.is_ascii_digit())
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    }
}

/// Whether any of `ranges` reaches into `wanted`.
pub(crate) fn covers(ranges: &[Range<u64>], wanted: &Range<u64>) -> bool {
    ranges.iter().any(|range| range.start < wanted.end && wanted.start < range.end)
}

/// `name(arguments) = result`.
fn call(process: &str, line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let (name, arguments) = (name.to_owned(), arguments.to_owned());
    Some(Call { name, arguments, result: result.to_owned(), process: process.to_owned() })
}

#[test]
fn calls_are_read_as_strace_writes_them() {
    let trace = Trace::read(
        "7 execve(\"/bin/x\", [\"x\"], 0x7ff /* 3 vars */) = 0\n\
         7 openat(AT_FDCWD, \"/k\", O_RDONLY|O_CLOEXEC) = 3</k>\n\
         7 read(3</k>, \"\"..., 100)           = 100\n\
         8 read(3</k>,  <unfinished ...>\n\
         7 openat(AT_FDCWD, \"/dev/null\", O_RDWR) = 4</dev/null<char 1:3>>\n\
         8 <... read resumed>\"\"..., 50) = 50\n\
         7 pread64(3</k>, \"\"..., 10, 390)    = 10\n\
         7 openat(AT_FDCWD, \"/tmp/log\", O_WRONLY|O_CREAT, 0600) = -1 EACCES (Permission denied)\n\
         7 connect(5<TCP:[99]>, {sa_family=AF_INET, sin_port=htons(22), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 EINPROGRESS (Operation now in progress)\n",
    );
    assert_eq!(trace.reads_of(Path::new("/k")), [0..100, 100..150, 390..400]);
    assert_eq!(trace.written().len(), 1);
    assert_eq!(trace.tcp_connections().len(), 1);
}
