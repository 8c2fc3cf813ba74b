//! FIDO authenticators and the libraries that reach hardware keys: are they there? (libfido2 hid_linux.c, nfc_linux.c)
//!
//! Touches: `/sys/class/hidraw`, `/sys/class/nfc`, the metadata of `/dev/hidraw*` and of the configured libraries. No
//! device is opened.

use std::io::Read as _;
use std::path::Path as StdPath;

use nix::unistd::{AccessFlags, access};

use super::system::state;
use crate::facts::authenticators::{Authenticators, Device};
use crate::facts::identities::{FileState, Identities};
use crate::facts::text::Path;
use crate::facts::{Facts, Observed, Unobserved};
use crate::openssh::{authenticators, methods};

/// Devices of the raw HID class that are looked at.
const DEVICES_LIMIT: usize = 64;
/// linux/hid.h `HID_MAX_DESCRIPTOR_SIZE`.
const DESCRIPTOR_LIMIT: u64 = 4096;

/// The library that `PKCS11Provider` names by a path.
pub(super) fn token_library(facts: &Facts) -> Option<FileState> {
    library(methods::pkcs11_provider(&facts.config.options)?.as_bytes())
}

/// What ssh would reach an authenticator through; `None` where no key file that is configured needs one.
pub(super) fn find(
    facts: &Facts,
    identities: &Identities,
    env: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Option<Authenticators> {
    let halves = identities.files.iter().flat_map(|file| [file.public_half(), file.certificate.key.as_ref()]);
    if !halves.flatten().any(crate::facts::key::PublicKey::is_hardware) {
        return None;
    }
    let configured = facts.config.options.first("securitykeyprovider");
    let configured = configured.or_else(|| (!facts.config.evaluated).then_some("internal"));
    let provider = configured.and_then(|value| match value.strip_prefix('$') {
        Some(name) if !name.is_empty() => env(name),
        _ => Some(value.as_bytes().to_vec()),
    });
    Some(Authenticators {
        library: provider.as_deref().filter(|name| *name != authenticators::INTERNAL.as_bytes()).and_then(library),
        provider: provider.map(|bytes| Path::from(bytes.as_slice())),
        devices: devices(StdPath::new("/sys/class")),
        readers: readers(),
    })
}

fn library(name: &[u8]) -> Option<FileState> {
    name.contains(&b'/').then(|| state(&Path::from(name).to_path_buf()))
}

/// The FIDO devices among the entries of the raw HID class, of the classes in `classes`.
fn devices(classes: &StdPath) -> Observed<Vec<Device>> {
    if !cfg!(target_os = "linux") {
        return Err(Unobserved::NotOnThisPlatform);
    }
    let folder = classes.join("hidraw");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        // Without the driver there is no class, and no device either. Every kernel has the class `mem`
        // (drivers/char/mem.c `chr_dev_init`): where that is missing too, the classes are hidden, as some sandboxes do.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && classes.join("mem").is_dir() => {
            return Ok(Vec::new());
        }
        Err(error) => {
            return Err(Unobserved::Failed(format!("{}: {}", folder.display(), super::system::errno(&error))));
        }
    };
    let mut found = Vec::new();
    for entry in entries.take(DEVICES_LIMIT).flatten() {
        let mut descriptor = Vec::new();
        let file = std::fs::File::open(entry.path().join("device/report_descriptor")).map_err(|error| {
            Unobserved::Failed(format!("{}: {}", entry.path().display(), super::system::errno(&error)))
        })?;
        let _ = file.take(DESCRIPTOR_LIMIT).read_to_end(&mut descriptor);
        if authenticators::speaks_fido(&descriptor) {
            let node = StdPath::new("/dev").join(entry.file_name());
            let opens = access(&node, AccessFlags::R_OK | AccessFlags::W_OK).is_ok();
            found.push(Device { path: Path::from_path(&node), opens });
        }
    }
    found.sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
    Ok(found)
}

/// NFC readers, and the smart card service.
fn readers() -> Vec<Path> {
    let nfc = std::fs::read_dir("/sys/class/nfc").into_iter().flatten().take(DEVICES_LIMIT).flatten();
    let service = Some(StdPath::new("/run/pcscd/pcscd.comm")).filter(|path| path.exists()).map(Path::from_path);
    nfc.map(|entry| Path::from_path(&entry.path())).chain(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fido_device_is_told_from_a_mouse_by_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        for (name, descriptor) in [("hidraw0", &b"\x05\x01\x09\x02\xa1\x01"[..]), ("hidraw1", b"\x06\xd0\xf1\x09\x01")]
        {
            let device = folder.path().join("hidraw").join(name).join("device");
            std::fs::create_dir_all(&device).unwrap();
            std::fs::write(device.join("report_descriptor"), descriptor).unwrap();
        }
        let found = devices(folder.path()).unwrap();
        let names: Vec<String> = found.iter().map(|device| device.path.to_string()).collect();
        assert_eq!(names, ["/dev/hidraw1"]);
        let hidden = folder.path().join("hidden");
        assert!(devices(&hidden).is_err(), "no classes at all");
        std::fs::create_dir_all(hidden.join("net")).unwrap();
        assert!(devices(&hidden).is_err(), "a few classes only, as in a sandbox");
        std::fs::create_dir(hidden.join("mem")).unwrap();
        assert_eq!(devices(&hidden), Ok(Vec::new()), "every class but this one");
        assert_eq!(library(b"softhsm2.so"), None);
        assert!(library(b"/nonexistent/token.so").unwrap().unwrap_err().is_missing());
    }
}
