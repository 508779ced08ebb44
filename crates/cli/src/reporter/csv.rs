//! Alerts as CSV: the fields that people sort and filter by, safe to open in a spreadsheet.

use std::borrow::Cow;
use std::io;

use alert::Alert;
use engine::AlertSink;

use super::Reporter;
use super::coverage::Coverage;
use super::table::row_columns;
use crate::printer::{Output, visible};

/// The columns; each has the values of the alert's field of that name, several values joined by ` | `.
pub(crate) const COLUMNS: [&str; 28] = [
    "kibana.alert.original_time",
    "kibana.alert.severity",
    "kibana.alert.risk_score",
    "kibana.alert.rule.name",
    "kibana.alert.rule.rule_id",
    "event.action",
    "event.provider",
    "event.outcome",
    "user.name",
    "aws.cloudtrail.user_identity.type",
    "aws.cloudtrail.user_identity.arn",
    "aws.cloudtrail.user_identity.access_key_id",
    "source.ip",
    "user_agent.original",
    "cloud.account.id",
    "cloud.region",
    "aws.cloudtrail.resources.arn",
    "event.id",
    "kibana.alert.reason",
    "kibana.alert.uuid",
    "log.file.path",
    "log.offset",
    "kibana.alert.group.id",
    "kibana.alert.group.index",
    "kibana.alert.building_block_type",
    "bartizan.evidence.event_count",
    "bartizan.evidence.event_ids",
    ROW,
];

/// No field: what the row of a query says that an alert about a group of events stands for, as `name=value`.
const ROW: &str = "row";

/// Writes a header and one row an alert.
#[derive(Debug)]
pub(crate) struct CsvReporter {
    writer: csv::Writer<Output>,
}

impl CsvReporter {
    pub(crate) fn new(output: Output) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(output);
        writer.write_record(COLUMNS).map_err(io_error)?;
        Ok(Self { writer })
    }
}

impl AlertSink for CsvReporter {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        for column in COLUMNS {
            let values: Vec<Cow<'_, str>> = match column {
                ROW => row(&alert).map(|(name, value)| format!("{name}={value}").into()).collect(),
                _ => alert.values(column).into_iter().map(|v| v.text()).collect(),
            };
            self.writer.write_field(guarded(&values.join(" | ")).as_bytes()).map_err(io_error)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(io_error)
    }
}

/// What an alert about a group says beside its own fields; nothing for one about an event.
fn row(alert: &Alert) -> impl Iterator<Item = (String, String)> + '_ {
    let is_group = !alert.values("bartizan.evidence.event_count").is_empty();
    is_group.then(|| row_columns(alert.document())).into_iter().flatten()
}

impl Reporter for CsvReporter {
    fn writes_attached(&self) -> bool {
        false
    }

    fn finish(mut self: Box<Self>, _: &Coverage) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A cell that a spreadsheet takes as text and a terminal does not act on: one that would start a formula gets a quote in
/// front, and control characters, line breaks among them, appear as escapes.
///
/// Source: OWASP, "CSV Injection".
pub(crate) fn guarded(cell: &str) -> String {
    let cell = visible(cell);
    if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell }
}

/// An error of the writer as one of writing.
pub(crate) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_starts_a_formula_or_moves_a_cursor() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\\t=1"),
            ("\r=1", "\\r=1"),
            ("a\u{1b}[2J\nb", "a\\u{1b}[2J\\nb"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell), safe);
        }
    }
}
