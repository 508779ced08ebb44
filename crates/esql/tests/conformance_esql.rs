//! ES|QL against Elasticsearch's own test cases.
//!
//! Needs `BARTIZAN_SHARED`, a folder with `data/esql/*.csv-spec` and tables in `data/esql/data/*.csv`. Without it nothing is
//! compared, and the test says so.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]
#![expect(clippy::print_stdout, reason = "helpers of tests, which say what differs")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use csv_spec::index::{self, Index};
use csv_spec::run::{Verdict, judge};
use csv_spec::spec_file;
use query::Diagnostic;

mod csv_spec;

/// Which cases give something else than upstream, and why; and, with `*` for a file, what is refused by name wherever it
/// stands.
const EXCEPTIONS: &str = include_str!("../../../conformance/esql_exceptions.tsv");

/// A case that differs is in the list of exceptions, with its reason; one that does not is not. A case whose table is not
/// there is not judged.
#[test]
fn elasticsearch_cases_give_what_is_expected() {
    let Some(folder) = data_folder() else { return };
    let mut faults: Vec<String> = Vec::new();
    let tables: Vec<Index> = csv_spec::files(&folder.join("data"), "csv")
        .into_iter()
        .map(|(name, text)| index::read(&name, &text))
        .collect();
    let mut exceptions = Exceptions::read();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut judged, mut right, mut listed) = (0, 0, 0);

    for (file, text) in csv_spec::files(&folder, "csv-spec") {
        let cases = match spec_file::read(&text) {
            Ok(cases) => cases,
            Err(why) => {
                faults.push(format!("{file}: {why}"));
                continue;
            }
        };
        let mut right_of_file = 0;
        for case in &cases {
            let is_listed = exceptions.take(&file, &case.name);
            let difference = match judge(case, &tables) {
                Verdict::Skipped(why) => {
                    *skipped.entry(why).or_default() += 1;
                    if is_listed {
                        faults.push(format!("{file} {} is listed and not judged", case.name));
                    }
                    continue;
                }
                Verdict::Right => None,
                Verdict::Wrong(difference) => Some(difference),
                Verdict::Refused(diagnostics) => match exceptions.refusal(&diagnostics) {
                    Some(what) => {
                        *by_name.entry(what).or_default() += 1;
                        continue;
                    }
                    None => Some(format!("refused: {diagnostics:#?}")),
                },
            };
            judged += 1;
            match (difference, is_listed) {
                (None, false) => right_of_file += 1,
                (Some(_), true) => listed += 1,
                (None, true) => faults.push(format!("{file} {} is listed and does not differ", case.name)),
                (Some(difference), false) => {
                    println!("{file}.csv-spec:{} {}\n{}\n  {difference}\n", case.line, case.name, case.query);
                    faults.push(format!("{file} {} differs and is not listed", case.name));
                }
            }
        }
        right += right_of_file;
        println!("{file}: {right_of_file} right of {} cases", cases.len());
    }
    faults.extend(exceptions.left().map(|case| format!("{case} is listed and does not exist")));

    for (why, number) in &skipped {
        println!("not judged: {number} ({why})");
    }
    for (what, number) in &by_name {
        println!("refused by name: {number} ({what})");
    }
    println!("esql: {right} right of {judged} judged; {listed} exceptions");
    assert!(judged > 0, "{} has no cases", folder.display());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The lines of the list: file, name of the case, reason.
struct Exceptions {
    cases: BTreeSet<(String, String)>,
    /// Only those of files that are there can be missed.
    files: BTreeSet<String>,
    features: Vec<&'static str>,
}

impl Exceptions {
    fn read() -> Self {
        let mut exceptions = Self { cases: BTreeSet::new(), files: BTreeSet::new(), features: Vec::new() };
        for line in EXCEPTIONS.lines().filter(|line| !line.starts_with('#')).skip(1) {
            let parts: Vec<&str> = line.split('\t').collect();
            let [file, name, reason] = parts[..] else { panic!("not three parts: {line}") };
            assert!(!reason.is_empty(), "no reason: {line}");
            if file == "*" {
                exceptions.features.push(name);
            } else {
                assert!(exceptions.cases.insert((file.to_owned(), name.to_owned())), "twice: {line}");
            }
        }
        exceptions
    }

    /// True when the case is listed.
    fn take(&mut self, file: &str, name: &str) -> bool {
        self.files.insert(file.to_owned());
        self.cases.remove(&(file.to_owned(), name.to_owned()))
    }

    /// The listed feature that was refused by its name, when that was so.
    fn refusal(&self, diagnostics: &[Diagnostic]) -> Option<&'static str> {
        let refused = |feature: &str| {
            diagnostics.iter().any(|diagnostic| {
                diagnostic.code == "esql::not-supported"
                    && diagnostic.message.starts_with(&format!("{feature} "))
            })
        };
        self.features.iter().copied().find(|feature| refused(feature))
    }

    fn left(&self) -> impl Iterator<Item = String> {
        self.cases
            .iter()
            .filter(|(file, _)| self.files.contains(file))
            .map(|(file, name)| format!("{file} {name}"))
    }
}

/// The folder of ES|QL data; says so when there is none.
fn data_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("BARTIZAN_SHARED").map(|shared| Path::new(&shared).join("data/esql"));
    match folder {
        Some(folder) if folder.is_dir() => Some(folder),
        Some(folder) => {
            println!("ES|QL conformance did not run: {} is no folder", folder.display());
            None
        }
        None => {
            println!("ES|QL conformance did not run: BARTIZAN_SHARED is not set");
            None
        }
    }
}
