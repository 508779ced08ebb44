//! `bartizan state backup` and `restore`: everything but events, as NDJSON that either database reads.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use state::DumpSummary;

use super::Context;
use super::server_config::{ConfigFile, open_state};
use crate::exit_status::ExitStatus;

const EXAMPLES: &str = "\
Examples:
  bartizan state backup state-2026-03-01.ndjson --config /etc/bartizan/bartizan.toml
  bartizan state restore state-2026-03-01.ndjson --data ./new-data";

/// Arguments of both.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
}

/// Writes a new file; a server may run meanwhile.
pub(crate) fn backup(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let settings = args.config.read()?;
    let path = args.file.display();
    let file = File::create_new(&args.file).with_context(|| format!("{path} cannot be made"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let mut writer = BufWriter::new(file);
        let summary = open_state(&settings).await?.export(&mut writer).await?;
        let file = writer.into_inner()?;
        file.sync_all()?;
        anyhow::Ok(summary)
    })?;
    write_summary(&summary, context)
}

/// Reads a file into an empty state.
pub(crate) fn restore(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let settings = args.config.read()?;
    let file = File::open(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        anyhow::Ok(open_state(&settings).await?.import(&mut BufReader::new(file)).await?)
    })?;
    write_summary(&summary, context)
}

fn write_summary(summary: &DumpSummary, context: Context) -> anyhow::Result<ExitStatus> {
    let mut out = context.printer.stdout();
    for (table, rows) in &summary.rows {
        writeln!(out, "{rows:>10}  {table}")?;
    }
    Ok(ExitStatus::Done)
}
