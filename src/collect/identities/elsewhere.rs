//! Public halves in homes that a person may take for the one that ssh reads.
//!
//! Touches: `.ssh/*.pub` in the home of the account that called sudo and in `$HOME`, as far as this account may read
//! them. ssh takes its own home from the passwd entry (ssh.c `main`, misc.c `tilde_expand`), whatever `$HOME` says.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt as _};
use std::path::{Path as StdPath, PathBuf};

use nix::unistd::User;

use crate::facts::Facts;
use crate::facts::identities::{ElsewhereKey, Identities};
use crate::facts::text::Path;

/// Public halves that are taken along.
const MOST: usize = 20;
/// Names that are looked at in a folder.
const ENTRIES_LIMIT: usize = 500;

/// The keys that `identities` does not have already.
pub(super) fn find(facts: &Facts, identities: &Identities) -> Vec<ElsewhereKey> {
    let mut found: Vec<ElsewhereKey> = Vec::new();
    for (account, home) in homes(facts) {
        for public in publics(&home.join(".ssh")) {
            let file = super::files::public(&public);
            let Some(key) = &file.key else { continue };
            let same = |other: &crate::facts::key::PublicKey| other.blob == key.blob;
            let here =
                identities.files.iter().chain(&identities.others).filter_map(|file| file.public_half()).any(same);
            if here || found.len() >= MOST || found.iter().any(|other| other.public.key.as_ref().is_some_and(same)) {
                continue;
            }
            let private = public.with_extension("");
            found.push(ElsewhereKey {
                account: account.clone(),
                home: Path::from_path(&home),
                path: Path::from_path(&private),
                private_there: private.is_file(),
                public: file,
            });
        }
    }
    found
}

/// The homes that are not the one that ssh reads.
fn homes(facts: &Facts) -> Vec<(Option<crate::facts::text::User>, PathBuf)> {
    let run = &facts.run;
    let mut homes: Vec<(Option<crate::facts::text::User>, PathBuf)> = Vec::new();
    let caller = run.sudo_user.as_ref().filter(|caller| **caller != run.user);
    if let Some(caller) = caller
        && let Some(name) = caller.as_str()
        && let Ok(Some(account)) = User::from_name(name)
    {
        homes.push((Some(caller.clone()), account.dir));
    }
    if let Some(variable) = run.home_variable.as_ref().filter(|home| home.as_bytes().starts_with(b"/")) {
        homes.push((None, PathBuf::from(OsString::from_vec(variable.as_bytes().to_vec()))));
    }
    let own = run.home.to_path_buf();
    let mut seen: Vec<PathBuf> = vec![own];
    homes.retain(|(_, home)| {
        let new = !seen.contains(home);
        seen.push(home.clone());
        new
    });
    homes
}

/// The `.pub` files of a folder, by name.
fn publics(folder: &StdPath) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_public = |path: &PathBuf| {
        let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
        name.ends_with(b".pub") && name.len() > 4 && !name.ends_with(b"-cert.pub")
    };
    let mut paths: Vec<PathBuf> =
        entries.take(ENTRIES_LIMIT).flatten().map(|entry| entry.path()).filter(is_public).collect();
    paths.sort();
    paths.truncate(MOST);
    paths
}
