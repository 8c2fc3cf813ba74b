//! Rows of the server's side: sshd's configuration.

use crate::row::Row;

/// Rows of the configuration.
pub(crate) fn rows() -> Vec<Row> {
    Vec::new()
}
