//! Rows of an answer as a table, as NDJSON or as CSV.

use std::io::{self, Write};

use comfy_table::Table;
use serde_json::{Map, Value};

use crate::printer::{Output, visible};
use crate::reporter::csv::{guarded, io_error};
use crate::reporter::table::{new_table, write_table};

/// The formats of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum RowFormat {
    /// For people
    Table,
    /// One object a line
    Ndjson,
    /// A line of names, then one line a row
    Csv,
}

/// One row.
pub(super) struct Row {
    /// What NDJSON shows in its stead: the whole event.
    pub(super) whole: Option<Value>,
    /// One for each column.
    pub(super) values: Vec<Value>,
}

/// Writes rows as they come; a table when all have come.
pub(super) struct RowWriter {
    form: Form,
    columns: Vec<String>,
    written: u64,
}

enum Form {
    Table(Box<Table>, Output),
    Ndjson(Output),
    Csv(Box<csv::Writer<Output>>),
}

impl RowWriter {
    pub(super) fn new(format: RowFormat, output: Output) -> Self {
        let form = match format {
            RowFormat::Table => Form::Table(Box::new(new_table(&output)), output),
            RowFormat::Ndjson => Form::Ndjson(output),
            RowFormat::Csv => Form::Csv(Box::new(csv::Writer::from_writer(output))),
        };
        Self { form, columns: Vec::new(), written: 0 }
    }

    /// Names the columns; once, before the rows.
    pub(super) fn columns(&mut self, columns: Vec<String>) -> io::Result<()> {
        match &mut self.form {
            Form::Table(table, _) => {
                table.set_header(columns.iter().map(|name| visible(name)));
            }
            Form::Ndjson(_) => {}
            Form::Csv(writer) => {
                writer.write_record(columns.iter().map(|name| guarded(name))).map_err(io_error)?
            }
        }
        self.columns = columns;
        Ok(())
    }

    pub(super) fn row(&mut self, row: Row) -> io::Result<()> {
        self.written += 1;
        match &mut self.form {
            Form::Table(table, _) => {
                table.add_row(row.values.iter().map(|value| visible(&text(value))));
            }
            Form::Ndjson(output) => {
                let object = row.whole.unwrap_or_else(|| {
                    let members: Map<String, Value> = self.columns.iter().cloned().zip(row.values).collect();
                    Value::Object(members)
                });
                serde_json::to_writer(&mut *output, &object)?;
                output.write_all(b"\n")?;
            }
            Form::Csv(writer) => {
                writer
                    .write_record(row.values.iter().map(|value| guarded(&text(value))))
                    .map_err(io_error)?;
            }
        }
        Ok(())
    }

    /// Writes what is left; answers with the number of rows.
    pub(super) fn finish(self) -> io::Result<u64> {
        match self.form {
            Form::Table(_, mut output) if self.written == 0 => {
                writeln!(output, "no rows")?;
                output.flush()?;
            }
            Form::Table(table, mut output) => {
                write_table(&mut output, *table)?;
                output.flush()?;
            }
            Form::Ndjson(mut output) => output.flush()?,
            Form::Csv(mut writer) => writer.flush()?,
        }
        Ok(self.written)
    }
}

/// A value in one cell: nothing for null, several joined by ` | `.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(|value| !value.is_object()) => {
            values.iter().map(text).collect::<Vec<_>>().join(" | ")
        }
        other => other.to_string(),
    }
}
