//! How results are shown: one file a format, and the account that comes with each.

pub(crate) mod coverage;
mod coverage_json;
pub(crate) mod csv;
pub(crate) mod hunt_report;
pub(crate) mod investigations;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod ndjson;
pub(crate) mod progress;
pub(crate) mod removed_values;
pub(crate) mod rule_tests;
pub(crate) mod sarif;
pub(crate) mod table;
pub(crate) mod verification;

use std::io;

use engine::AlertSink;
use triage::report::TriageReport;

use crate::printer::Output;
use coverage::Coverage;

/// The formats in which alerts can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people: coverage first, then the alerts by severity and time
    Table,
    /// One object with `coverage`, `rules` and `alerts`
    Json,
    /// One alert document a line, and nothing else
    Ndjson,
    /// One alert a row, the fields that people sort by
    Csv,
}

/// Takes the alerts of a run, and its account at the end.
pub(crate) trait Reporter: AlertSink {
    /// Writes what is left to write.
    ///
    /// # Errors
    /// Whatever writing gave.
    fn finish(self: Box<Self>, coverage: &Coverage) -> io::Result<()>;

    /// Does it write what is attached to an alert?
    fn writes_attached(&self) -> bool {
        true
    }

    /// Is told of an investigation, whose alert it was handed. Formats for programs have it in the alert.
    fn investigated(&mut self, _: TriageReport) {}
}

impl Format {
    /// A reporter that writes to `output`; a table shows `rows` alerts, 0 for all.
    pub(crate) fn reporter(self, output: Output, rows: usize) -> io::Result<Box<dyn Reporter>> {
        Ok(match self {
            Self::Table => Box::new(table::TableReporter::new(output, rows)),
            Self::Json => Box::new(json::JsonReporter::new(output)?),
            Self::Ndjson => Box::new(ndjson::NdjsonReporter::new(output)),
            Self::Csv => Box::new(csv::CsvReporter::new(output)?),
        })
    }
}
