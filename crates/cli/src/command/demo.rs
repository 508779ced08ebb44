//! `bartizan demo`: a hunt through made-up CloudTrail records in which KMS keys are held to ransom.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ecs::TimeRange;
use engine::Windows;
use flate2::write::GzEncoder;
use ingest::decode::Limits;
use ingest::enrich::Enrichment;
use rule::RuleLibrary;
use serde_json::Value;

use super::Context;
use super::hunt::{self, Hunt, Inputs, ReportArgs};
use crate::exit_status::ExitStatus;
use crate::printer::Paint;
use crate::reporter::Format;

const EXAMPLES: &str = "\
Examples:
  bartizan demo
  bartizan demo --dir ./demo-logs";

/// One record a line; what happens in them says `demo/README.md`.
const RECORDS: &str = include_str!("../../demo/records.ndjson");
/// A delivery that repeats some of them.
const DUPLICATE_DELIVERY: &str = include_str!("../../demo/odd/duplicate_delivery.json");
/// The account that the records are from.
const ACCOUNT: &str = "111122223333";
/// The file that is cut off holds so many records, from the first on.
const RECORDS_IN_CUT_FILE: usize = 60;

/// Arguments of `bartizan demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Write the log files below this folder and keep them; without it they are written to a temporary folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let temporary;
    let folder = match &args.dir {
        Some(dir) => dir.as_path(),
        None => {
            temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
            temporary.path()
        }
    };
    let logs = write_logs(folder)?;

    let library = RuleLibrary::builtin();
    let Inputs { inputs, own_files, case_folders } = hunt::inputs(&[logs], &[])?;
    let hunt = Hunt {
        loaded: &library,
        selected: &library,
        inputs,
        range: TimeRange::default(),
        windows: Windows::default(),
        indicators: Vec::new(),
        enrichment: Enrichment::open(None, None)?,
        max_signals: None,
        jobs: hunt::all_cores(),
        limits: Limits::default(),
        dead_letter: None,
        own_files,
        case_folders,
        verification: None,
    };
    let found = hunt.report(&args.report, context)?;

    let to_stdout = args.report.format == Format::Table && args.report.output.is_none();
    let mut out = if to_stdout { context.printer.stdout() } else { context.printer.stderr() };
    let logs = match &args.dir {
        Some(dir) => format!("the log files are in {}", dir.display()),
        None => "the log files were temporary; `--dir DIR` keeps them".to_owned(),
    };
    let next = out.paint(Paint::Heading, "Next");
    writeln!(out)?;
    writeln!(out, "All of this was made up; {logs}.")?;
    writeln!(out, "{next}: `bartizan hunt PATH` does the same with your own CloudTrail files.")?;
    out.flush()?;
    Ok(found.coverage.status(false))
}

/// Writes the records as CloudTrail delivers them, one file for each region and hour, and a few deliveries that went
/// wrong. Gives the folder of the account.
fn write_logs(folder: &Path) -> anyhow::Result<PathBuf> {
    let account = folder.join("AWSLogs").join(ACCOUNT);
    let records: Vec<&str> = RECORDS.lines().collect();
    let mut deliveries: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for record in &records {
        let fields: Value = serde_json::from_str(record)?;
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let hour = text("eventTime").get(..13).unwrap_or_default().to_owned();
        deliveries.entry((text("awsRegion"), hour)).or_default().push(record);
    }
    let mut last = None;
    for (number, ((region, hour), records)) in deliveries.iter().enumerate() {
        let path = delivery_path(&account, region, hour, number);
        write_file(&path, &gzip(&log_file(records))?)?;
        last = Some((region.as_str(), hour.as_str()));
    }

    let (region, hour) = last.unwrap_or_default();
    let number = deliveries.len();
    write_file(&delivery_path(&account, region, hour, number), &gzip(DUPLICATE_DELIVERY.as_bytes())?)?;
    let whole = gzip(&log_file(records.get(..RECORDS_IN_CUT_FILE).unwrap_or(&records)))?;
    let cut = whole.get(..whole.len() * 3 / 4).unwrap_or(&whole);
    write_file(&delivery_path(&account, region, hour, number + 1), cut)?;
    write_file(&delivery_path(&account, region, hour, number + 2), b"")?;
    Ok(account)
}

/// `{"Records":[…]}`, every record byte for byte.
fn log_file(records: &[&str]) -> Vec<u8> {
    format!("{{\"Records\":[{}]}}", records.join(",")).into_bytes()
}

/// The name that CloudTrail gives to a file of this region and hour (`2026-03-10T11`).
fn delivery_path(account: &Path, region: &str, hour: &str, number: usize) -> PathBuf {
    let (date, clock) = hour.split_once('T').unwrap_or((hour, "00"));
    let folder = date.split('-').fold(account.join("CloudTrail").join(region), |path, part| path.join(part));
    let date = date.replace('-', "");
    folder.join(format!("{ACCOUNT}_CloudTrail_{region}_{date}T{clock}55Z_DEMO{number:012}.json.gz"))
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, bytes)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_lies_where_cloudtrail_would_deliver_it() {
        let folder = tempfile::tempdir().unwrap();
        let logs = write_logs(folder.path()).unwrap();
        assert_eq!(logs, folder.path().join("AWSLogs/111122223333"));
        let inputs = hunt::inputs(std::slice::from_ref(&logs), &[]).unwrap().inputs;
        let first = logs.join("CloudTrail/eu-west-1/2026/03/10/111122223333_CloudTrail_eu-west-1_20260310T0855Z_DEMO000000000000.json.gz");
        assert_eq!(inputs[0].name(), first.to_string_lossy());
        assert!(inputs.len() > 5);
        // Writing it again changes nothing.
        let bytes = fs::read(&first).unwrap();
        write_logs(folder.path()).unwrap();
        assert_eq!(fs::read(&first).unwrap(), bytes);
        assert_eq!(hunt::inputs(&[logs], &[]).unwrap().inputs, inputs);
    }
}
