//! The map from pseudonyms to names (`--redact-map`): read where it exists, and written anew after each run.
//!
//! Touches: that file. It is written with mode 0600 beside its place and moved there, so that it is whole at all times and
//! nothing is written through a link.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, ensure};
use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

/// The format that this version writes and reads.
const SCHEMA: &str = "sshdoctor-redact-map/1";
/// The largest map that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// Which name each pseudonym stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pseudonyms {
    schema: String,
    /// What tells this map from every other: cases that were redacted with it hold it.
    pub mark: String,
    /// Pseudonym to name.
    pub names: BTreeMap<String, String>,
}

impl Pseudonyms {
    /// An empty map with a mark of its own.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    fn new() -> anyhow::Result<Self> {
        let mut bytes = [0; 8];
        SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("the system gives no random bytes"))?;
        Ok(Self { schema: SCHEMA.to_owned(), mark: HEXLOWER.encode(&bytes), names: BTreeMap::new() })
    }

    /// The map in `path`; an empty one where nothing has that name.
    ///
    /// # Errors
    /// A sentence where it is a link, cannot be read, or is no map.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(anyhow!("it is a symbolic link, and the map is read and written through none"));
        }
        let opened =
            OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK).open(path);
        let file = match opened {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::new(),
            opened => opened.context("it cannot be read")?,
        };
        let text = text(file)?;
        let map: Self = serde_json::from_str(&text).context("it is no map of pseudonyms")?;
        ensure!(
            map.schema == SCHEMA,
            "it is no map of pseudonyms that this version reads: its \"schema\" is not {SCHEMA:?}"
        );
        ensure!(is_mark(&map.mark), "it is no map of pseudonyms: its \"mark\" is not 16 hexadecimal digits");
        let odd = map.names.keys().find(|pseudonym| !is_pseudonym(pseudonym));
        ensure!(odd.is_none(), "it is a map that was edited: a key of \"names\" is no pseudonym");
        let names: std::collections::BTreeSet<&String> = map.names.values().collect();
        ensure!(names.len() == map.names.len(), "it is a map that was edited: a name has two pseudonyms");
        Ok(map)
    }

    /// Writes the map to `path`, in the place of what is there.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all((serde_json::to_string_pretty(self)? + "\n").as_bytes())?;
        file.persist(path)?;
        Ok(())
    }
}

fn text(file: File) -> anyhow::Result<String> {
    ensure!(file.metadata().is_ok_and(|found| found.is_file()), "it is no regular file");
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).context("it cannot be read")?;
    ensure!(bytes.len() as u64 <= MOST_BYTES, "it is larger than {} MiB, which no map is", MOST_BYTES >> 20);
    String::from_utf8(bytes).context("it is no map of pseudonyms: no UTF-8")
}

fn is_mark(mark: &str) -> bool {
    mark.len() == 16 && mark.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether redaction may have given it: `host-a`, `Host-a2`, an address, `SHA256:key-1a2b3c4d`.
fn is_pseudonym(text: &str) -> bool {
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let key = text
        .split_once(':')
        .is_some_and(|(hash, rest)| matches!(hash, "SHA256" | "MD5") && rest.starts_with("key-") && is_plain(rest));
    let word = text.to_ascii_lowercase().split_once('-').is_some_and(|(kind, letters)| {
        let kinds = ["user", "host", "group", "file", "word"];
        kinds.contains(&kind) && letters.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    key || word || text.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::testing::Folder;

    #[test]
    fn a_map_that_was_written_is_read_again_and_nobody_else_may_read_it() {
        let folder = Folder::new();
        let path = folder.path("map.json");
        let mut map = Pseudonyms::read(&path).unwrap();
        assert!(map.names.is_empty() && is_mark(&map.mark), "{map:?}");
        map.names.insert("user-a".to_owned(), "alice".to_owned());
        map.write(&path).unwrap();
        map.write(&path).unwrap();
        assert_eq!(Pseudonyms::read(&path).unwrap(), map);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn what_is_no_map_is_refused_in_a_sentence() {
        let folder = Folder::new();
        let good = serde_json::to_string(&Pseudonyms::new().unwrap()).unwrap();
        for (text, said) in [
            ("", "no map of pseudonyms"),
            ("{}", "no map of pseudonyms"),
            (&good.replace("map/1", "map/2"), "this version reads"),
            (&good.replace("\"names\":{}", "\"names\":{\"alice\":\"user-a\"}"), "is no pseudonym"),
            (&good.replace("\"names\":{}", "\"names\":{\"user-a\":\"x\",\"user-b\":\"x\"}"), "two pseudonyms"),
        ] {
            let path = folder.file("map", text.as_bytes());
            let error = format!("{:#}", Pseudonyms::read(&path).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
        let link = folder.path("link");
        std::os::unix::fs::symlink(folder.path("map"), &link).unwrap();
        assert!(format!("{:#}", Pseudonyms::read(&link).unwrap_err()).contains("symbolic link"));
        assert!(Pseudonyms::read(folder.as_ref()).is_err());
    }
}
