//! Writes a made-up report, and its case folder, into the folder that is named: `sample FOLDER`.

#![expect(clippy::print_stderr, reason = "an example talks to whoever runs it")]

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_report::case::{RawRecord, wanted_records, write_case};
use bartizan_report::html::PageLimits;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: sample FOLDER");
        return ExitCode::from(3);
    };
    let report = sample::hunt();
    let records = wanted_records(&report).into_iter().map(|wanted| {
        let text = serde_json::json!({ "eventID": wanted.event_id });
        RawRecord { wanted, bytes: Ok(text.to_string().into_bytes()) }
    });
    match write_case(&folder, &report, records, PageLimits::default()) {
        Ok(summary) => {
            eprintln!("{}: {} files", folder.display(), summary.files.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
