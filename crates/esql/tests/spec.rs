//! ES|QL by example: every file of `spec` gives what it says, over the tables of `spec/tables`.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

use std::path::Path;

use csv_spec::index::{self, Index};
use csv_spec::run::{Verdict, judge};
use csv_spec::spec_file;

mod csv_spec;

#[test]
fn queries_give_what_the_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec");
    let tables: Vec<Index> = csv_spec::files(&folder.join("tables"), "csv")
        .into_iter()
        .map(|(name, text)| index::read(&name, &text))
        .collect();
    let (mut cases, mut faults) = (0, Vec::new());
    for (name, text) in csv_spec::files(&folder, "csv-spec") {
        for case in spec_file::read(&text).unwrap_or_else(|why| panic!("{name}: {why}")) {
            cases += 1;
            let fault = match judge(&case, &tables) {
                Verdict::Right => continue,
                Verdict::Skipped(why) => format!("skipped: {why}"),
                Verdict::Wrong(difference) => difference,
                Verdict::Refused(diagnostics) => format!("refused: {diagnostics:#?}"),
            };
            println!("{name}.csv-spec:{} {}\n{}\n  {fault}\n", case.line, case.name, case.query);
            faults.push(format!("{name} {}", case.name));
        }
    }
    println!("{} of {cases} cases are right", cases - faults.len());
    assert!(cases > 0);
    assert!(faults.is_empty(), "{} cases are wrong:\n{}", faults.len(), faults.join("\n"));
}
