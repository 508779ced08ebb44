//! `bartizan lake info`: what each data stream of a lake holds.

use std::io::{self, Write};

use lake::{Kind, StreamInfo};
use serde_json::{Value, json};

use super::lake_folder::LakeFolder;
use super::{Context, ListFormat};
use crate::exit_status::ExitStatus;
use crate::printer::{Output, Paint, count, thousands, visible};
use crate::reporter::table::{keep_whole, new_table, write_table};

const EXAMPLES: &str = "\
Examples:
  bartizan lake info --lake ./lake
  bartizan lake info --lake ./lake --format json";

/// Arguments of `bartizan lake info`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    lake: LakeFolder,
    /// The format of the answer; `json` names the columns too
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let streams = args.lake.read()?.info();
    let mut out = context.printer.stdout();
    match args.format {
        ListFormat::Text => write_text(&mut out, &streams)?,
        ListFormat::Json => {
            let streams: Vec<Value> = streams.iter().map(stream_json).collect();
            serde_json::to_writer_pretty(&mut out, &json!({ "data_streams": streams }))?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(ExitStatus::Done)
}

fn write_text(out: &mut Output, streams: &[StreamInfo]) -> io::Result<()> {
    if streams.is_empty() {
        return writeln!(out, "no data stream: nothing was ingested yet");
    }
    let mut table = new_table(out);
    table.set_header(["data stream", "events", "in log", "files", "size", "columns", "from", "to"]);
    for info in streams {
        let time = |at: Option<ecs::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
        table.add_row([
            visible(&info.data_stream.name()),
            thousands(info.events),
            thousands(info.events_in_memory),
            thousands(info.files),
            bytesize::ByteSize(info.bytes).to_string(),
            thousands(info.columns.len() as u64),
            time(info.oldest),
            time(info.newest),
        ]);
    }
    keep_whole(&mut table, out, &[0], &[6, 7]);
    write_table(out, table)?;
    for info in streams {
        let name = visible(&info.data_stream.name());
        let mut notes = Vec::new();
        if info.without_time > 0 {
            notes.push(format!("{} without a readable time", count(info.without_time, "event", "events")));
        }
        if !info.clashes.is_empty() {
            let values: u64 = info.clashes.values().sum();
            let fields: Vec<String> = info.clashes.keys().take(FIELDS_NAMED).map(|f| visible(f)).collect();
            let more = if info.clashes.len() > FIELDS_NAMED { ", …" } else { "" };
            notes.push(format!(
                "{} of another type than the column: null there, whole in the document ({}{more})",
                count(values, "value", "values"),
                fields.join(", ")
            ));
        }
        if info.without_column > 0 {
            notes.push(format!(
                "{} of fields beyond the limit of columns, in the document only",
                count(info.without_column, "value", "values")
            ));
        }
        for note in notes {
            let line = format!("{name}: {note}");
            writeln!(out, "{}", out.paint(Paint::Caution, line))?;
        }
    }
    Ok(())
}

/// Fields that are named in a note.
const FIELDS_NAMED: usize = 5;

fn stream_json(info: &StreamInfo) -> Value {
    let columns: serde_json::Map<String, Value> = info
        .columns
        .iter()
        .map(|(name, column)| (name.clone(), json!({ "type": kind_name(column.kind), "list": column.list })))
        .collect();
    json!({
        "data_stream": info.data_stream.name(),
        "events": info.events,
        "events_in_log": info.events_in_memory,
        "events_without_time": info.without_time,
        "files": info.files,
        "removed_files": info.removed_files,
        "bytes": info.bytes,
        "oldest": info.oldest.map(|at| at.to_string()),
        "newest": info.newest.map(|at| at.to_string()),
        "columns": columns,
        "clashes": info.clashes,
        "values_without_column": info.without_column,
        "duplicates": info.duplicates,
        "version": info.version,
    })
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Keyword => "keyword",
        Kind::Ip => "ip",
        Kind::Long => "long",
        Kind::Double => "double",
        Kind::Boolean => "boolean",
        Kind::Date => "date",
    }
}
