//! `bartizan lake compact`: many small files become few large ones, and what is too old is dropped.

use std::io::Write;

use anyhow::Context as _;
use ecs::time::Interval;
use lake::Settings;
use serde_json::json;

use super::lake_folder::LakeFolder;
use super::{Context, ListFormat};
use crate::exit_status::ExitStatus;
use crate::printer::{count, thousands};

const EXAMPLES: &str = "\
Examples:
  bartizan lake compact --lake ./lake
  bartizan lake compact --lake ./lake --keep 90d

Files that were replaced or dropped are deleted by the first run that comes 15 minutes later, so that queries which still \
read them can end.";

/// Arguments of `bartizan lake compact`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    lake: LakeFolder,
    /// Drop files all of whose events were ingested longer ago than this, such as 90d. Without it everything is kept
    #[arg(long, value_name = "TIME")]
    keep: Option<Interval>,
    /// Compact wherever at least so many small files lie beside each other
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..))]
    files: u16,
    /// The format of the answer
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    if args.keep.is_some_and(|keep| keep.as_seconds() == 0) {
        anyhow::bail!("--keep 0 would keep nothing");
    }
    let settings = Settings {
        retention: args.keep.map(Interval::as_duration),
        compact_from_files: usize::from(args.files),
        ..Settings::default()
    };
    let lake = args.lake.open_existing(settings)?;
    let flushed = lake.flush().context("what waits in the log cannot be written to files")?;
    let compacted = lake.compact(context.now).context("cannot compact")?;
    let retained = lake.retain(context.now).context("cannot drop what is old")?;
    let mut out = context.printer.stdout();
    match args.format {
        ListFormat::Text => {
            if flushed.files > 0 {
                let events = count(flushed.events, "event", "events");
                writeln!(out, "flushed    {events} to {}", count(flushed.files, "file", "files"))?;
            }
            let replaced = count(compacted.replaced, "file", "files");
            let events = count(compacted.events, "event", "events");
            writeln!(out, "compacted  {replaced} to {}, of {events}", thousands(compacted.files))?;
            let dropped = count(retained.dropped, "file", "files");
            let events = count(retained.events, "event", "events");
            writeln!(out, "dropped    {dropped} with {events}")?;
            writeln!(
                out,
                "deleted    {} that nobody reads any more",
                count(retained.deleted, "file", "files")
            )?;
        }
        ListFormat::Json => {
            let answer = json!({
                "flushed": { "files": flushed.files, "events": flushed.events },
                "compacted": { "replaced": compacted.replaced, "files": compacted.files, "events": compacted.events },
                "dropped": { "files": retained.dropped, "events": retained.events },
                "deleted": retained.deleted,
            });
            serde_json::to_writer_pretty(&mut out, &answer)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(ExitStatus::Done)
}
