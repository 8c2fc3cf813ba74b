//! The format of saved cases: its published schema is the one of the types, what is saved keeps to it, and what older
//! versions saved is still read. `BLESS=1 cargo test --test case` writes docs/case.schema.json anew.
#![expect(clippy::unwrap_used, reason = "a case that cannot be read is a test that fails")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sshdoctor::collect::case;
use sshdoctor::diagnose::diagnose;
use sshdoctor::facts::Facts;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every saved case of the repository.
fn cases() -> Vec<PathBuf> {
    let files =
        walkdir::WalkDir::new(repository().join("fixtures")).into_iter().map(|entry| entry.unwrap().into_path());
    let is_case = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str::<Value>(&text).is_ok_and(|value| value["schema"] == case::SCHEMA)
    };
    files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).filter(is_case).collect()
}

fn value(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = repository().join("docs/case.schema.json");
    let schema = case::schema().unwrap();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(published == schema, "BLESS=1 cargo test --test case writes docs/case.schema.json anew");
}

#[test]
fn every_saved_case_keeps_to_the_schema() {
    let schema: Value = serde_json::from_str(&case::schema().unwrap()).unwrap();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("case.schema.json", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("case.schema.json", &mut schemas).unwrap();
    let is_valid = |case: &Value| schemas.validate(case, index).map_err(|error| error.to_string());
    let paths = cases();
    assert!(paths.len() > 100, "only {} cases", paths.len());
    for path in paths {
        assert_eq!(is_valid(&value(&path)), Ok(()), "{}", path.display());
    }
    let empty: Value = serde_json::from_str(&case::to_json(&Facts::default()).unwrap()).unwrap();
    assert_eq!(is_valid(&empty), Ok(()));
    // What the reader refuses, the schema refuses as well.
    let mut spoilt = vec![json!({}), json!([]), json!({"schema": case::SCHEMA})];
    for (place, wrong) in [
        ("/facts/origin", json!("elsewhere")),
        ("/facts/target", json!({"Ok": 3})),
        ("/facts/hops", json!(null)),
        ("/facts/run/uid", json!(-1)),
        ("/facts/resolve", json!({"Err": "no-such-reason"})),
    ] {
        let mut case = empty.clone();
        *case.pointer_mut(place).unwrap() = wrong;
        spoilt.push(case);
    }
    for case in spoilt {
        assert!(is_valid(&case).is_err(), "{case}");
        assert!(case::from_json(&case.to_string()).is_err(), "{case}");
    }
}

#[test]
fn what_older_versions_saved_is_read_and_judged() {
    let folder = repository().join("fixtures/older");
    let mut read = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let facts = case::from_json(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(diagnose(&facts).first.cause.id, path.file_stem().unwrap().to_str().unwrap());
        // What is missing in it is written anew with its reason, and keeps to the schema.
        let again = case::from_json(&case::to_json(&facts).unwrap()).unwrap();
        assert_eq!(again, facts, "{}", path.display());
        read += 1;
    }
    assert!(read >= 4, "only {read}");
}
