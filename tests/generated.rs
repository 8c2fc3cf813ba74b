//! Whatever is pasted, and whatever case is edited by hand: there is a report or a sentence, and never a panic, and nothing
//! in the report that a terminal would obey.
//!
//! The seed is printed; `GENERATED_SEED` and `GENERATED_LINES` choose it and how many lines are made:
//! `GENERATED_LINES=10000000 cargo test --release --test generated -- --nocapture`.
#![expect(clippy::unwrap_used, reason = "a test that fails says so, and with which seed")]

#[path = "support/lines.rs"]
mod lines;

use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lines::{Chance, paste};
use sshdoctor::collect::{case, log};
use sshdoctor::diagnose::diagnose;
use sshdoctor::facts::Facts;
use sshdoctor::render;
use sshdoctor::report::report;

/// How many lines are made where nobody says.
const LINES: usize = 200_000;
/// How many lines a paste has at most.
const LONGEST: usize = 400;

fn chosen(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The lines of every transcript of the repository.
fn known() -> Vec<String> {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let files = walkdir::WalkDir::new(fixtures).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    let logs = files.filter(|path| path.extension().is_some_and(|ending| ending == "log"));
    logs.flat_map(|path| {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

/// Judges and shows it in every form; nothing in any of them is obeyed.
fn shown(facts: &Facts) {
    let report = report(facts, &diagnose(facts));
    let style = render::Style { verbose: true, ..render::Style::default() };
    for text in
        [render::text(&report, &style), render::markdown(&report), render::brief(&report), render::json(&report)]
    {
        let odd = text.chars().find(|letter| letter.is_control() && *letter != '\n');
        assert_eq!(odd, None, "{text:?}");
    }
}

#[test]
fn no_paste_makes_it_panic() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = chosen("GENERATED_SEED", now).max(1);
    let wanted = usize::try_from(chosen("GENERATED_LINES", LINES as u64)).unwrap();
    println!("GENERATED_SEED={seed} GENERATED_LINES={wanted}");
    let known = known();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    assert!(known.len() > 500, "only {} lines", known.len());
    let mut chance = Chance(seed);
    let (mut made, mut pastes, mut read) = (0, 0, 0);
    let begun = Instant::now();
    while made < wanted {
        let lines = 1 + chance.below(LONGEST);
        let before = chance.clone();
        let bytes = paste(&mut chance, &known, lines);
        let outcome = std::panic::catch_unwind(|| {
            let facts = log::read_from("paste", &mut bytes.as_slice(), &log::Choice::default());
            if let Ok(facts) = &facts {
                shown(facts);
                // What it was read to can be kept, and is spoilt in its turn.
                let saved = case::to_json(facts).unwrap();
                assert_eq!(&case::from_json(&saved).unwrap(), facts);
            }
            facts.is_ok()
        });
        let text = String::from_utf8_lossy(&bytes);
        let Ok(is_read) = outcome else { panic!("seed {seed}, paste {pastes}, {before:?}: {text:?}") };
        read += usize::from(is_read);
        made += lines;
        pastes += 1;
    }
    println!("{made} lines in {pastes} pastes, {read} with a report, in {:.1} s", begun.elapsed().as_secs_f64());
    assert!(read > pastes / 2, "only {read} of {pastes} pastes could be read");
}

#[test]
fn no_case_that_was_cut_or_edited_makes_it_panic() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = chosen("GENERATED_SEED", now).max(1);
    let wanted = chosen("GENERATED_LINES", LINES as u64) / 1000;
    println!("GENERATED_SEED={seed} for {wanted} cases");
    let mut chance = Chance(seed);
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let files = walkdir::WalkDir::new(fixtures).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    let cases: Vec<PathBuf> = files.filter(|path| path.ends_with("facts.json")).collect();
    for _ in 0..wanted {
        let text = fs::read_to_string(&cases[chance.below(cases.len())]).unwrap();
        let mut bytes = text.into_bytes();
        for _ in 0..=chance.below(4) {
            let place = chance.below(bytes.len());
            match chance.below(4) {
                0 => bytes.truncate(place + 1),
                1 => bytes[place] = b"09{}[]\",:e-\\x"[chance.below(13)],
                2 => drop(bytes.remove(place)),
                _ => bytes.insert(place, b"09{}[]\",:e-\\x"[chance.below(13)]),
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        if let Ok(facts) = case::from_json(&String::from_utf8_lossy(&bytes)) {
            shown(&facts);
        }
    }
}
