//! The house rules, held by the source text itself and by the catalogue: the grid (what may import what, and what may
//! touch the world), and what every cause must have.
#![expect(clippy::unwrap_used, reason = "a rule that cannot be read is a rule that fails")]

#[path = "support/catalogue.rs"]
mod catalogue;
#[path = "support/rows.rs"]
mod rows;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use sshdoctor::checks::{self, CHAIN, Cause};
use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;
use sshdoctor::render;
use sshdoctor::report::{StepView, report};

use source::{names, sources, taken_apart, trees, without_tests};

#[test]
fn judgement_and_facts_touch_nothing_of_the_world() {
    let pure = ["src/facts/", "src/openssh/", "src/checks/", "src/diagnose", "src/report", "src/redact", "src/render/"];
    let words = ["async", "await", "tokio", "println", "print", "eprintln", "eprint", "dbg", "nix", "walkdir", "glob"];
    let paths: &[&[&str]] = &[
        &["std", "fs"],
        &["std", "process"],
        &["std", "env"],
        &["std", "io"],
        &["std", "thread"],
        &["std", "time", "Instant"],
        &["std", "time", "SystemTime"],
        &["std", "net", "TcpStream"],
        &["std", "net", "TcpListener"],
        &["std", "net", "UdpSocket"],
        &["std", "os", "unix", "net"],
    ];
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| pure.iter().any(|folder| source.path.starts_with(folder))) {
        let named = words.iter().filter(|word| names(&source.code, word)).map(|word| (*word).to_owned());
        let imported = trees(&source.code, "std").into_iter().filter(|path| {
            paths
                .iter()
                .any(|forbidden| path.len() >= forbidden.len() && path.iter().zip(*forbidden).all(|(a, b)| a == b))
        });
        let found: Vec<String> = named.chain(imported.map(|path| path.join("::"))).collect();
        let clock = ["::now("].iter().filter(|call| source.code.contains(**call)).map(|call| (*call).to_owned());
        broken.extend(found.into_iter().chain(clock).map(|name| format!("{}: {name}", source.path)));
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn imports_point_up_the_picture_only() {
    let rows: &[(&str, &[&str])] = &[
        ("src/facts/", &["facts"]),
        ("src/openssh/", &["facts", "openssh"]),
        ("src/checks/", &["facts", "openssh", "checks"]),
        ("src/diagnose", &["facts", "openssh", "checks", "diagnose"]),
        ("src/report", &["facts", "openssh", "checks", "diagnose", "report"]),
        ("src/redact", &["facts", "openssh", "redact"]),
        ("src/render/", &["facts", "checks", "report", "render"]),
        ("src/collect/", &["facts", "openssh", "redact", "collect"]),
    ];
    let mut broken = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = rows.iter().find(|(folder, _)| source.path.starts_with(folder)) else { continue };
        for path in trees(&source.code, "crate") {
            let Some(module) = path.get(1) else { continue };
            if !allowed.contains(&module.as_str()) {
                broken.push(format!("{}: {}", source.path, path.join("::")));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn formats_know_the_words_of_judgement_and_not_its_functions() {
    let words = ["Certainty", "Need", "Place", "Status"];
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("src/render/")) {
        if source.path == "src/render/explain.rs" {
            continue;
        }
        let paths =
            trees(&source.code, "crate").into_iter().filter(|path| path.get(1).is_some_and(|name| name == "checks"));
        let other = paths.filter(|path| !path.get(2).is_some_and(|name| words.contains(&name.as_str())));
        broken.extend(other.map(|path| format!("{}: {}", source.path, path.join("::"))));
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn each_foreign_library_is_named_where_it_belongs() {
    let rows: &[(&str, &[&str])] = &[
        ("russh", &["src/collect/ssh/", "src/collect/transport.rs", "src/collect/userauth.rs", "src/demo/"]),
        ("colored", &["src/render/terminal.rs"]),
        ("ssh_key", &["src/collect/", "src/openssh/", "src/demo/"]),
        ("clap", &["src/main.rs", "src/cli.rs"]),
    ];
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("src/")) {
        for (library, homes) in rows {
            if names(&source.code, library) && !homes.iter().any(|home| source.path.starts_with(home)) {
                broken.push(format!("{}: {library}", source.path));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn a_file_is_split_before_it_has_more_than_800_lines() {
    let long = sources().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long: Vec<(usize, String)> = long.filter(|(lines, _)| *lines > 800).collect();
    assert_eq!(long, []);
}

#[test]
fn no_lint_is_switched_off_without_a_reason_and_nothing_is_unsafe() {
    let mut broken = Vec::new();
    for source in sources() {
        let squeezed: String = source.code.split_whitespace().collect();
        if squeezed.contains("#[allow") || squeezed.contains("#![allow") {
            broken.push(format!("{}: allow", source.path));
        }
        if names(&source.code, "unsafe") {
            broken.push(format!("{}: unsafe", source.path));
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|source| !source.text.trim_start().starts_with("//!") || source.text.starts_with("//! To be written"))
        .map(|source| source.path)
        .collect();
    assert_eq!(silent, [""; 0]);
}

#[test]
fn no_text_advises_what_opens_a_door_to_everybody() {
    let forbidden = ["chmod 777", "chmod -R 777", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("src/")) {
        for text in &source.strings {
            broken.extend(
                forbidden.iter().filter(|advice| text.contains(**advice)).map(|_| (source.path.clone(), text.clone())),
            );
        }
    }
    assert_eq!(broken, []);
}

#[test]
fn ids_are_kebab_case_and_name_one_thing_each() {
    let mut seen = BTreeSet::new();
    for id in ids().into_iter().chain(CHAIN.iter().map(|check| check.id)) {
        let parts_are_words = id.split('-').all(|part| {
            !part.is_empty()
                && part.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit())
        });
        assert!(parts_are_words, "{id}");
    }
    for id in ids() {
        assert!(seen.insert(id), "{id} stands twice");
    }
    let checks: BTreeSet<&str> = CHAIN.iter().map(|check| check.id).collect();
    assert_eq!(checks.len(), CHAIN.len(), "each check stands once");
}

#[test]
fn the_chain_stands_in_the_order_of_the_stages_it_is_seen_at() {
    let order: Vec<&str> = CHAIN.iter().map(|check| check.id).collect();
    let expected = "client-config key-files key-permissions identities agent resolve proxy connect banner algorithms \
                    host-key auth-methods authorized-keys login sshd-config account key-entry server-log session";
    assert_eq!(order.join(" "), expected);
    assert!(CHAIN.is_sorted_by_key(|check| check.stage), "a stage comes before an earlier one");
}

#[test]
fn every_check_claims_something_in_a_sentence() {
    for check in CHAIN {
        assert!(
            check.claim.split_whitespace().count() >= 3 && !check.claim.ends_with('.'),
            "{}: {}",
            check.id,
            check.claim
        );
        assert_ne!(check.claim, "to be written", "{}", check.id);
    }
}

#[test]
fn every_cause_says_what_it_means_and_how_it_is_kept_away() {
    let mut broken = Vec::new();
    for cause in causes() {
        let sentences = cause.doc.split_whitespace().filter(|word| word.ends_with(['.', '?'])).count();
        let faults = [
            (cause.title.is_empty() || cause.title.ends_with('.'), "title"),
            (sentences < 2, "doc of two sentences"),
            (!cause.prevent.trim_end().ends_with('.'), "prevent"),
            (cause.see.is_empty() || cause.see.iter().any(|see| see.is_empty()), "see"),
        ];
        broken.extend(faults.iter().filter(|(fault, _)| *fault).map(|(_, what)| format!("{}: {what}", cause.id)));
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn every_cause_has_a_fixture_and_a_near_miss() {
    let mut missing = Vec::new();
    for cause in causes() {
        let folder = repository().join("fixtures").join(cause.id);
        if !folder.join("facts.json").is_file() {
            missing.push(format!("{}: facts.json", cause.id));
        }
        let near = fs::read_dir(&folder).into_iter().flatten().flatten().any(|entry| {
            let path = entry.path();
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            is_json && entry.file_name().to_string_lossy().starts_with("near-")
        });
        if !near {
            missing.push(format!("{}: near-*.json", cause.id));
        }
    }
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_folder_of_fixtures_is_a_cause_or_one_of_three_others() {
    let known: BTreeSet<&str> = ids().into_iter().chain(["incidents", "healthy", "older"]).collect();
    for entry in fs::read_dir(repository().join("fixtures")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(!entry.path().is_dir() || known.contains(name.as_str()), "no cause is called {name}");
    }
}

#[test]
fn the_page_of_causes_is_the_one_that_the_code_writes() {
    let path = repository().join("docs/causes.md");
    let page = render::catalogue_page(example, catalogue::proof, &catalogue::not_yet());
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let mut listed: Vec<&str> = written.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let mut expected: Vec<&str> = render::catalogue().iter().map(|entry| entry.id).collect();
    for (id, _) in catalogue::CATALOGUE.iter().filter(|(id, _)| !expected.contains(id)) {
        assert!(written.contains(&format!("\n- `{id}`")), "{id} is not on the page");
    }
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected, "BLESS=1 cargo test --test house writes docs/causes.md anew");
    assert_eq!(written, page, "BLESS=1 cargo test --test house writes docs/causes.md anew");
}

#[test]
fn every_cause_that_the_client_can_decide_is_shown_by_a_row_or_a_fixture() {
    let waits = |id: &str| catalogue::NOT_YET.iter().any(|(waiting, _)| *waiting == id);
    let mut missing = Vec::new();
    for (id, from) in catalogue::CATALOGUE.iter().filter(|(_, from)| from.contains(['C', 'P'])) {
        let proof = catalogue::proof(id);
        if !proof.fixture && proof.rows.is_empty() && !waits(id) {
            missing.push(format!("{id} ({from})"));
        }
    }
    assert_eq!(missing, [""; 0], "a row of tests/lab that ends in it, or fixtures/ID/facts.json");
    for (id, reason) in catalogue::NOT_YET {
        assert!(catalogue::CATALOGUE.iter().any(|(known, _)| known == id), "{id} ({reason}) is in no catalogue");
        let proof = catalogue::proof(id);
        assert!(!proof.fixture && proof.rows.is_empty(), "{id} waits for nothing any more: strike it from NOT_YET");
    }
}

/// What the saved case of a cause asks to be typed; nothing where there is none yet.
fn example(id: &str) -> Vec<StepView> {
    let Ok(text) = fs::read_to_string(repository().join("fixtures").join(id).join("facts.json")) else {
        return Vec::new();
    };
    let facts = case::from_json(&text).unwrap();
    let report = report(&facts, &diagnose(&facts));
    if report.verdict.cause == id { report.verdict.next_steps } else { Vec::new() }
}

/// Every cause that can be judged.
fn causes() -> Vec<&'static Cause> {
    let mut causes: Vec<&Cause> = checks::causes().map(|(_, cause)| cause).collect();
    let last = &checks::session::UNDETERMINED;
    if !causes.iter().any(|cause| cause.id == last.id) {
        causes.push(last);
    }
    causes
}

/// Every id that a report can name.
fn ids() -> Vec<&'static str> {
    render::catalogue().iter().map(|entry| entry.id).collect()
}

/// The repository's root.
fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn this_reader_of_rust_tells_code_from_text() {
    let text = "let a = \"unsafe // {\"; // unsafe\nlet b = 'u'; /* x */ fn f<'a>() {} r#\"chmod\"#";
    let (code, strings) = taken_apart(text);
    assert!(!names(&code, "unsafe") && !code.contains("chmod") && code.contains("fn f<'a>() {}"), "{code}");
    assert_eq!(strings, ["\"unsafe // {\"", "'u'", "r#\"chmod\"#"]);
    let shown = without_tests("fn a() {}\n#[cfg(test)]\nmod tests { fn b() { \"}\"; } }\nfn c() {}");
    assert_eq!(shown, "fn a() {}\n\nfn c() {}");
    let paths = trees("use crate::{a::{self, b as d}, c}; crate::e::f();", "crate");
    let paths: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["crate::a::self", "crate::a::b", "crate::c", "crate::e::f"]);
}

#[test]
fn the_page_of_the_case_has_every_key_and_no_other() {
    use sshdoctor::facts::Facts;
    let page = fs::read_to_string(repository().join("docs/case.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut listed: Vec<String> = rows.map(str::to_owned).collect();
    // What stands in no case as it is: a key without a value is left out.
    let mut keys: Vec<String> = ["tried", "opinion", "over", "log", "checkup", "redacted"].map(str::to_owned).to_vec();
    let all = serde_json::to_value(Facts::default()).unwrap();
    keys.extend(all.as_object().unwrap().keys().cloned());
    keys.sort();
    keys.dedup();
    listed.sort();
    assert_eq!(listed, keys);
    assert!(page.contains(&format!("\"schema\": \"{}\"", case::SCHEMA)));
}
