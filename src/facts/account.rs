//! The server's own side of a login. Nothing collects it yet: from the client it is not visible.

use serde::{Deserialize, Serialize};

/// What the server's administrator can see of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {}
