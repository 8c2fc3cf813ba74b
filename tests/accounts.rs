//! `server --all`: every account judged by itself, and the trouble that most of them share as the verdict.
#![expect(clippy::unwrap_used, reason = "a saved case that cannot be read is a failed test")]

use std::fs;
use std::path::Path;

use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;
use sshdoctor::facts::Facts;
use sshdoctor::render;
use sshdoctor::report::report;

/// The case of one account, with these accounts beside it: each as it is, or as one that does not exist.
fn case_of(accounts: &[(&str, bool)]) -> Facts {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/server-strict-modes/facts.json");
    let mut facts = case::from_json(&fs::read_to_string(path).unwrap()).unwrap();
    let account = facts.account.as_mut().unwrap();
    account.logins = accounts
        .iter()
        .map(|(name, exists)| {
            let mut login = account.login.clone();
            login.user = (*name).into();
            if !exists {
                login.passwd = Ok(None);
            }
            login
        })
        .collect();
    facts
}

#[test]
fn the_trouble_that_most_share_is_the_verdict() {
    let facts = case_of(&[("gone", false), ("deploy", true), ("ops", true)]);
    let verdict = diagnose(&facts);
    assert_eq!(verdict.first.cause.id, "server-strict-modes");
    assert!(verdict.first.finding.summary.starts_with("2 of 3 accounts: server-strict-modes, "));
    let report = report(&facts, &verdict);
    let accounts: Vec<(String, &str)> =
        report.accounts.iter().flatten().map(|one| (one.user.to_string(), one.cause)).collect();
    let expected = [("gone", "server-no-such-user"), ("deploy", "server-strict-modes"), ("ops", "server-strict-modes")];
    assert_eq!(accounts, expected.map(|(name, cause)| (name.to_owned(), cause)));
    let page = render::markdown(&report);
    assert!(page.contains("server-strict-modes: 2 of them: deploy, ops"), "{page}");
    assert!(page.contains("server-no-such-user: 1 of them: gone"), "{page}");
}

#[test]
fn of_one_account_there_is_no_list() {
    let facts = case_of(&[]);
    let report = report(&facts, &diagnose(&facts));
    assert!(report.accounts.is_none());
    assert!(!render::markdown(&report).contains("## Accounts"));
}
