//! FIDO authenticators: through what ssh would reach one, and whether one is there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Observed;
use super::identities::FileState;
use super::text::Path;

/// What ssh would sign with where a key's private half lives in an authenticator (sk-usbhid.c, ssh-sk.c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authenticators {
    /// `SecurityKeyProvider` as ssh takes it: `internal` or a library's path, a variable of the environment expanded.
    /// `None` where there is none (`none`, or a variable that is not set): ssh then passes over such keys.
    pub provider: Option<Path>,
    /// The provider's library; `None` for `internal`, and for a name without a slash, which the loader looks up.
    pub library: Option<FileState>,
    /// The devices that speak FIDO over USB (usage page 0xF1D0 in the report descriptor of a `/sys/class/hidraw`
    /// entry), as libfido2 finds them.
    pub devices: Observed<Vec<Device>>,
    /// What else libfido2 may find one through: NFC readers (`/sys/class/nfc`) and the socket of the smart card service.
    pub readers: Vec<Path>,
}

/// A device that speaks FIDO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Its node, `/dev/hidraw3`.
    pub path: Path,
    /// Whether the account that ssh runs as may read and write it (access(2)).
    pub opens: bool,
}
