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
    /// Used again from alert to alert.
    line: Vec<u8>,
}

impl NdjsonReporter {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, line: Vec::new() }
    }
}

impl AlertSink for NdjsonReporter {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        self.line.clear();
        alert.write_json(&mut self.line)?;
        self.line.push(b'\n');
        self.output.write_all(&self.line)
    }
}

impl Reporter for NdjsonReporter {
    fn finish(mut self: Box<Self>, _: &Coverage) -> io::Result<()> {
        self.output.flush()
    }
}
