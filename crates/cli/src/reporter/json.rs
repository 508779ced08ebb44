//! One JSON object with the alerts, the rules and the coverage.
//!
//! The alerts come first in the text, because they are written as they are made and the account is known at the end;
//! memory stays flat.

use std::io::{self, Write};

use alert::Alert;
use engine::AlertSink;

use super::Reporter;
use super::coverage::Coverage;
use crate::printer::Output;

/// Writes `{"alerts":[…],"rules":[…],"coverage":{…}}`.
#[derive(Debug)]
pub(crate) struct JsonReporter {
    output: Output,
    alerts: u64,
    /// Used again from alert to alert.
    text: Vec<u8>,
}

impl JsonReporter {
    pub(crate) fn new(mut output: Output) -> io::Result<Self> {
        output.write_all(b"{\"alerts\":[")?;
        Ok(Self { output, alerts: 0, text: Vec::new() })
    }
}

impl AlertSink for JsonReporter {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        self.text.clear();
        self.text.extend_from_slice(if self.alerts == 0 { b"\n" } else { b",\n" });
        self.alerts += 1;
        alert.write_json(&mut self.text)?;
        self.output.write_all(&self.text)
    }
}

impl Reporter for JsonReporter {
    fn finish(mut self: Box<Self>, coverage: &Coverage) -> io::Result<()> {
        self.output.write_all(b"\n],\n\"rules\":")?;
        serde_json::to_writer(&mut self.output, &coverage.rules_json())?;
        self.output.write_all(b",\n\"coverage\":")?;
        serde_json::to_writer(&mut self.output, &coverage.json())?;
        self.output.write_all(b"}\n")?;
        self.output.flush()
    }
}
