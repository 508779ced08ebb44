//! Alerts as NDJSON: one document a line, as soon as it is made.

use std::io::{self, Write};

use alert::Alert;
use engine::AlertSink;

use super::Reporter;
use super::coverage::Coverage;
use crate::printer::Output;

/// Writes each alert as one line.
#[derive(Debug)]
pub(crate) struct NdjsonReporter {
    output: Output,
}

impl NdjsonReporter {
    pub(crate) fn new(output: Output) -> Self {
        Self { output }
    }
}

impl AlertSink for NdjsonReporter {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, alert.document().as_map())?;
        self.output.write_all(b"\n")
    }
}

impl Reporter for NdjsonReporter {
    fn finish(mut self: Box<Self>, _: &Coverage) -> io::Result<()> {
        self.output.flush()
    }
}
