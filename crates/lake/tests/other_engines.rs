//! The files of a lake read by another engine: DuckDB, when `PYTHON` (or `python3`) has it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::path::Path;
use std::process::Command;

use sample::{at, event, open, stream};
use serde_json::{Value, json};

#[test]
fn duckdb_reads_the_files_that_the_manifest_names() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path());
    for first in [0, 40, 80] {
        lake.append(&stream(), (first..first + 40).map(event).collect(), at(0)).unwrap();
        lake.flush().unwrap();
    }
    lake.compact(at(0)).unwrap();
    // One more, with a list where the first files have single values, and a field that they do not have.
    let mut late = event(120);
    late.document.set("event.outcome", json!(["success", "unknown"]));
    late.document.set("user.name", "mallory");
    lake.append(&stream(), vec![late], at(0)).unwrap();
    lake.flush().unwrap();

    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_by_duckdb.py");
    let run = match Command::new(&python).arg(script).arg(folder.path()).output() {
        Ok(run) => run,
        Err(e) => return println!("did not run: {python} cannot be started ({e})"),
    };
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    if text.starts_with("did not run") {
        return println!("{text}");
    }
    assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    let answer: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(answer["rows"], 121);
    assert_eq!(answer["iam"], 121);
    assert_eq!(answer["actions"]["DisableKey"], 30);
    assert_eq!(answer["types"]["@timestamp"], "TIMESTAMP WITH TIME ZONE");
    assert_eq!(answer["types"]["event.category"], "VARCHAR[]");
    assert_eq!(answer["types"]["sample.number"], "BIGINT");
}
