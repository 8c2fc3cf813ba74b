//! All rows, by the step at which ssh stops.

mod agent;
mod config;
mod connect;
mod healthy;
mod host_key;
mod identities;
mod incidents;
mod transport;
mod two_faults;
mod userauth;

use crate::row::Row;

/// Every row of the lab.
pub(crate) fn all() -> Vec<Row> {
    [
        connect::rows(),
        transport::rows(),
        host_key::rows(),
        config::rows(),
        identities::rows(),
        agent::rows(),
        userauth::rows(),
        two_faults::rows(),
        healthy::rows(),
        incidents::rows(),
    ]
    .concat()
}
