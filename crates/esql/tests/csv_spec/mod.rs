//! Test cases of ES|QL as files of queries with the table each must give, over tables of events.
//!
//! The format is that of Elasticsearch's `*.csv-spec` files and their `*.csv` tables.

pub(crate) mod compare;
pub(crate) mod index;
pub(crate) mod run;
pub(crate) mod spec_file;
pub(crate) mod value;

use std::path::Path;

/// Names, without extension, and texts of the files of a folder, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<(String, String)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    let mut files: Vec<(String, String)> = paths
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}
