//! `~`, `%` tokens and `${VAR}` in option values (ssh_config(5) TOKENS; misc.c `tilde_expand`, `percent_expand`,
//! `dollar_expand`).
