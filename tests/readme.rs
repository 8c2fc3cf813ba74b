//! Whether README.md tells the truth: every command in it is run, and what it is shown to print is compared with what it
//! prints. `sh` blocks are commands; `console` blocks are a command and what it says, `[...]` standing for lines left
//! out; the `text` block is a run of the benchmark, whose rows are named as the benchmark names them.
#![expect(clippy::unwrap_used, reason = "a README that cannot be read is a README that fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What stands before our own words where the program is run from its source.
const FROM_SOURCE: &str = "cargo run --release -- ";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks of that kind.
fn blocks(kind: &str) -> Vec<String> {
    let readme = readme();
    let mut fences = readme.split("\n```");
    fences.next();
    let mut found = Vec::new();
    // Every second fence opens a block.
    while let Some(block) = fences.next() {
        let (name, text) = block.split_once('\n').unwrap();
        if name == kind {
            found.push(text.to_owned());
        }
        fences.next();
    }
    found
}

/// Runs the program in a home without keys.
fn sshdoctor(words: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_sshdoctor"))
        .args(shlex::split(words).unwrap())
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Words without what differs from run to run: folders of the demo, fingerprints.
fn words(text: &str) -> Vec<String> {
    let word = |word: &str| {
        let word = match word.split_once("sshdoctor-demo-") {
            Some((before, rest)) => {
                format!("{before}sshdoctor-demo-{}", rest.trim_start_matches(char::is_alphanumeric))
            }
            None => word.to_owned(),
        };
        match word.split_once("SHA256:") {
            Some((before, rest)) => {
                let rest = rest.trim_start_matches(|letter: char| letter.is_alphanumeric() || "+/".contains(letter));
                format!("{before}SHA256:{rest}")
            }
            None => word,
        }
    };
    text.split_whitespace().map(word).collect()
}

/// What follows the first place at which `part` stands in `all`.
fn behind<'a>(all: &'a [String], part: &[String]) -> Option<&'a [String]> {
    let at = all.windows(part.len().max(1)).position(|window| window.starts_with(part))?;
    all.get(at + part.len()..)
}

#[test]
fn what_the_readme_shows_is_what_is_printed() {
    let blocks = blocks("console");
    assert!(blocks.len() >= 2);
    for block in blocks {
        let (command, shown) = block.split_once('\n').unwrap();
        let command = command.strip_prefix("$ ").unwrap();
        let ours = command.strip_prefix(FROM_SOURCE).or_else(|| command.strip_prefix("sshdoctor ")).unwrap();
        let output = sshdoctor(ours);
        // A log that is judged has a fault in it.
        let status = i32::from(ours.starts_with("log "));
        assert_eq!(output.status.code(), Some(status), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = words(&String::from_utf8(output.stdout).unwrap());
        let mut rest = printed.as_slice();
        for part in shown.split("[...]").map(words).filter(|part| !part.is_empty()) {
            rest = behind(rest, &part)
                .unwrap_or_else(|| panic!("{command} does not print {}\nbut {}", part.join(" "), rest.join(" ")));
        }
    }
}

#[test]
fn what_the_readme_shows_fits_a_screen() {
    for line in blocks("console").iter().flat_map(|block| block.lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(blocks("console").iter().all(|block| block.lines().count() <= 45));
}

#[test]
fn every_command_of_the_readme_can_be_typed() {
    for command in blocks("sh").iter().flat_map(|block| block.lines()) {
        if let Some(ours) = command.strip_prefix(FROM_SOURCE) {
            let output = sshdoctor(ours);
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        } else if let Some(ours) = command.strip_prefix("sshdoctor ") {
            // The names in it are reserved and lead nowhere: that is the cause to name.
            let output = sshdoctor(ours);
            assert_eq!(output.status.code(), Some(1), "{command}: {}", String::from_utf8_lossy(&output.stdout));
            // The other login leads nowhere either, which is said beside the report.
            let said = String::from_utf8_lossy(&output.stderr);
            let as_meant = if ours.contains("--admin") { said.contains("--admin root@") } else { said.is_empty() };
            assert!(as_meant, "{command}: {said}");
        } else {
            // This test is part of what it runs.
            let mode = fs::metadata(root().join(command)).unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{command}");
            assert!(Command::new("sh").arg("-n").arg(root().join(command)).status().unwrap().success());
        }
    }
}

#[test]
fn the_readme_has_every_option_and_no_other() {
    let help = String::from_utf8(sshdoctor("--help").stdout).unwrap();
    let options = |text: &str| {
        let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        let mut names: Vec<String> = text
            .split(|letter| !is_part(letter))
            .filter(|word| word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic)))
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let readme = readme();
    let table = readme.split("\n## ").find(|section| section.starts_with("Options")).unwrap();
    assert_eq!(options(table), options(&help));
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    let readme = readme();
    let targets = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let folders = readme.split('`').filter(|word| word.ends_with('/') && !word.starts_with('~'));
    let mut named = 0;
    for target in targets.chain(folders).filter(|target| !target.contains("://") && !target.contains(' ')) {
        assert!(Path::new(&root().join(target)).exists(), "{target}");
        named += 1;
    }
    assert!(named >= 8);
}

#[test]
fn the_benchmark_names_its_rows_as_the_readme_shows_them() {
    let source =
        ["main.rs", "table.rs"].map(|file| fs::read_to_string(root().join("benches/probe").join(file)).unwrap());
    let shown = blocks("text").concat();
    let rows: Vec<&str> = shown.lines().filter(|line| line.starts_with("  ")).collect();
    assert!(rows.len() >= 5, "{shown}");
    for row in rows {
        let name = row.trim_start().split("  ").next().unwrap().split(" (").next().unwrap();
        assert!(source.iter().any(|source| source.contains(name)), "{name}");
    }
    assert!(!shown.contains("MISSED"));
}

#[test]
fn without_a_target_it_looks_at_this_client_and_contacts_nothing() {
    assert!(readme().contains("`sshdoctor` without a target looks at this client as a whole"));
    let output = sshdoctor("--format json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["target"].is_null() && report["footprint"].is_null(), "{report}");
    let clear = report["verdict"]["cause"] == "nothing-found";
    assert_eq!(output.status.code(), Some(i32::from(!clear)), "{report}");
}
