//! `bartizan lake query`: a question to the events of a lake, in KQL, EQL, ES|QL or SQL.

mod esql;
mod hits;
mod rows;
mod sql;

use std::path::{Path, PathBuf};

use ecs::{IndexPatterns, TimeRange};
use lake::{ScanRequest, Snapshot, TimeField};
use query::Diagnostic;

use super::Context;
use super::lake_folder::LakeFolder;
use crate::diagnostic::{Source, render};
use crate::exit_status::ExitStatus;
use crate::printer::{Printer, thousands};
use crate::time_bound::{self, TimeBound};
use rows::{RowFormat, RowWriter};

const EXAMPLES: &str = "\
Examples:
  bartizan lake query 'event.action: DisableKey and user.name: m*' --lake ./lake --from 7d
  bartizan lake query --language eql 'any where event.outcome == \"failure\"' --lake ./lake --format ndjson
  bartizan lake query --language esql 'FROM logs-* | STATS n = COUNT(*) BY event.action | SORT n DESC' --lake ./lake
  bartizan lake query --language sql 'SELECT \"user.name\", count(*) FROM events GROUP BY 1' --lake ./lake

In SQL a table is `events`, or a data stream or index pattern in double quotes; so are names of fields with dots.";

/// Arguments of `bartizan lake query`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The query
    query: String,
    #[command(flatten)]
    lake: LakeFolder,
    /// The language of the query
    #[arg(long, value_enum, default_value_t = Language::Kql)]
    language: Language,
    /// Only data streams of these index patterns, such as logs-aws.*; may be given several times. In ES|QL and in SQL the
    /// query names them
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', allow_hyphen_values = true)]
    index: Vec<String>,
    /// Only events at or after this time: RFC 3339, a date (UTC), or a time before now such as 24h
    #[arg(long, value_name = "TIME")]
    from: Option<TimeBound>,
    /// Only events before this time, which is itself outside
    #[arg(long, value_name = "TIME")]
    to: Option<TimeBound>,
    /// --from and --to are about event.ingested, when the lake took an event in, and not about @timestamp
    #[arg(long)]
    ingested: bool,
    /// The most rows; 0 for all. That there are more is said on stderr
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Fields to show of events found by KQL or EQL, in their order; ndjson has whole events without it
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    fields: Vec<String>,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = RowFormat::Table)]
    format: RowFormat,
    /// Write the result to this file instead of stdout; what stood there is replaced
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The languages of queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    /// Kibana's query language
    Kql,
    /// Event query language: a condition on single events
    Eql,
    /// Elasticsearch's piped query language
    Esql,
    /// SQL, of Apache DataFusion
    Sql,
}

/// A query, with everything that was typed turned into what it means.
struct Asked<'a> {
    text: &'a str,
    snapshot: Snapshot,
    /// Of which data streams and times, whatever the query says.
    request: ScanRequest,
    /// `None` for all rows.
    limit: Option<usize>,
    fields: &'a [String],
    context: Context,
}

/// What came of a query.
enum Asking {
    /// The rows were written. With the number of rows that were not, where that is known.
    Answered(Unshown),
    /// The query is wrong, and that was said.
    Refused,
}

/// Rows that the limit kept back.
enum Unshown {
    None,
    Rows(u64),
    /// Some: it was not looked how many.
    Some,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let range = time_bound::range(args.from.as_ref(), args.to.as_ref(), context.now)?;
    let names_its_own = matches!(args.language, Language::Esql | Language::Sql);
    if names_its_own && !args.index.is_empty() {
        anyhow::bail!(
            "--index is for KQL and EQL: in this language the query itself names what it reads, after FROM"
        );
    }
    if names_its_own && !args.fields.is_empty() {
        anyhow::bail!("--fields is for KQL and EQL: in this language the query itself names its columns");
    }
    let patterns = if args.index.is_empty() { &["*".to_owned()][..] } else { &args.index };
    let asked = Asked {
        text: &args.query,
        snapshot: args.lake.read()?,
        request: request(IndexPatterns::new(patterns), range, args.ingested),
        limit: (args.limit > 0).then_some(args.limit),
        fields: &args.fields,
        context,
    };
    if !args.index.is_empty() && !reaches_something(&asked) {
        anyhow::bail!(
            "no data stream of the lake has a name like {}: {}",
            args.index.join(","),
            known(&asked.snapshot)
        );
    }
    let mut rows = RowWriter::new(args.format, context.printer.output(args.output.as_deref())?);
    let asking = match args.language {
        Language::Kql => hits::kql(&asked, &mut rows)?,
        Language::Eql => hits::eql(&asked, &mut rows)?,
        Language::Esql => esql::run(&asked, &mut rows)?,
        Language::Sql => sql::run(&asked, &mut rows)?,
    };
    let Asking::Answered(unshown) = asking else { return Ok(ExitStatus::Usage) };
    let written = rows.finish()?;
    let shown = thousands(written);
    match unshown {
        Unshown::None => {}
        Unshown::Rows(more) => context
            .printer
            .warn(format!("{shown} rows, and {} more are not here: --limit 0 gives all", thousands(more))),
        Unshown::Some => {
            context.printer.warn(format!("{shown} rows, and there are more: --limit 0 gives all"))
        }
    }
    Ok(ExitStatus::Done)
}

fn request(streams: IndexPatterns, time: TimeRange, ingested: bool) -> ScanRequest {
    let time_field = if ingested { TimeField::Ingested } else { TimeField::Timestamp };
    ScanRequest { streams, time, time_field, ..ScanRequest::default() }
}

fn reaches_something(asked: &Asked<'_>) -> bool {
    asked.snapshot.info().iter().any(|info| asked.request.streams.matches(&info.data_stream))
}

/// The data streams that there are, for messages.
fn known(snapshot: &Snapshot) -> String {
    let names: Vec<String> = snapshot.info().iter().map(|info| info.data_stream.name()).collect();
    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
}

/// Shows what is worth saying about a query; true when it cannot be run.
fn tell(diagnostics: &[Diagnostic], text: &str, printer: &Printer) -> bool {
    let source = Source::new(text);
    let mut stderr = printer.stderr();
    for diagnostic in diagnostics {
        let shown = render(diagnostic, Path::new("query"), &source, stderr.is_colored());
        // That nobody listens there is no failure.
        let _nobody_listens = std::io::Write::write_all(&mut stderr, format!("{shown}\n").as_bytes());
    }
    diagnostics.iter().any(Diagnostic::is_error)
}
