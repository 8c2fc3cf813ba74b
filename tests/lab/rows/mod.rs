//! All rows, by the step at which ssh stops.

mod account_certificates;
mod account_hostile;
mod account_keys;
mod account_lines;
mod account_login;
mod account_machine;
mod account_modes;
mod account_policy;
mod account_rules;
mod account_running;
mod account_since;
mod account_versions;
mod admin;
mod admin_faults;
mod agent;
mod agents_and_files;
mod answers;
mod carriers;
mod certificates;
mod checkup;
mod common;
mod config;
mod connect;
mod demands;
mod endings;
mod faults;
mod forwarded;
mod forwarded_agent;
mod groups;
mod hardware;
mod healthy;
mod host_key;
mod host_keys;
mod identities;
mod incidents;
mod jump;
mod jump_asks;
mod jump_faults;
mod jump_hostile;
mod jump_options;
mod jump_programs;
mod key_files;
mod known_hosts;
mod many_keys;
mod offer;
mod openssh_10;
mod openssh_8_4;
mod opinion;
mod options;
mod programs;
mod prompts;
mod proxy_command;
mod proxy_programs;
mod python;
mod remarks;
mod sessions;
mod transport;
mod tries;
mod two_faults;
mod userauth;

use crate::row::Row;

/// Every row of the lab.
pub(crate) fn all() -> Vec<Row> {
    [
        connect::rows(),
        checkup::rows(),
        transport::rows(),
        host_key::rows(),
        config::rows(),
        identities::rows(),
        agent::rows(),
        forwarded::rows(),
        answers::rows(),
        userauth::rows(),
        two_faults::rows(),
        healthy::rows(),
        hardware::rows(),
        incidents::rows(),
        tries::rows(),
        demands::rows(),
        programs::rows(),
        prompts::rows(),
        carriers::rows(),
        certificates::rows(),
        agents_and_files::rows(),
        key_files::rows(),
        known_hosts::rows(),
        host_keys::rows(),
        options::rows(),
        offer::rows(),
        opinion::rows(),
        endings::rows(),
        openssh_8_4::rows(),
        openssh_10::rows(),
        python::rows(),
        groups::rows(),
        many_keys::rows(),
        faults::rows(),
        remarks::rows(),
        sessions::rows(),
        account_login::rows(),
        account_policy::rows(),
        account_certificates::rows(),
        account_hostile::rows(),
        account_keys::rows(),
        account_lines::rows(),
        account_modes::rows(),
        account_rules::rows(),
        account_running::rows(),
        account_since::rows(),
        account_versions::rows(),
        account_machine::rows(),
        admin::rows(),
        admin_faults::rows(),
        jump::rows(),
        jump_asks::rows(),
        jump_faults::rows(),
        jump_hostile::rows(),
        jump_options::rows(),
        jump_programs::rows(),
        proxy_command::rows(),
        proxy_programs::rows(),
        forwarded_agent::rows(),
    ]
    .concat()
    .into_iter()
    .map(|row| row.third_over(admin::OTHERWISE))
    .collect()
}
