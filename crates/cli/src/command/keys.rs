//! `bartizan keys`: every KMS key that the logs name, its state, its clocks and what is at stake.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use ecs::Timestamp;
use serde_json::json;
use triage::kms::blast_radius::BlastRadius;
use triage::kms::key_report::{KeyReport, Risk};

use super::survey::{self, Survey};
use super::{Context, ListFormat, lake_folder::LakeFolder};
use crate::exit_status::ExitStatus;
use crate::printer::{Output, Paint, thousands, visible};
use crate::reporter::table::{keep_whole, new_table, write_table};
use crate::time_bound::TimeBound;

const EXAMPLES: &str = "\
Examples:
  bartizan keys ./AWSLogs
  bartizan keys --lake ./lake --at 2026-03-14
  bartizan keys show 1234abcd-12ab-34cd-56ef-1234567890ab ./AWSLogs

A state is what the logs show: `recorded` when a record says it, `inferred` when it follows from what KMS is known to do. \
What happened before the first event or outside of the logs is unknown.";

const SHOW_EXAMPLES: &str = "\
Examples:
  bartizan keys show 1234abcd-12ab-34cd-56ef-1234567890ab ./AWSLogs
  bartizan keys show arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab --lake ./lake
  bartizan keys show alias/orders ./AWSLogs --format json";

/// Arguments of `bartizan keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<KeysCommand>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    view: View,
}

/// What can be asked of one key.
#[derive(Debug, clap::Subcommand)]
enum KeysCommand {
    /// Show the life of one key: its timeline, its clocks, what depends on it
    Show(ShowArgs),
}

/// Arguments of `bartizan keys show`.
#[derive(Debug, clap::Args)]
#[command(after_help = SHOW_EXAMPLES)]
struct ShowArgs {
    /// Key id, key ARN, or alias/NAME
    key: String,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    view: View,
}

/// Where the events are.
#[derive(Debug, clap::Args)]
struct Source {
    /// Files and folders with logs; `-` for standard input
    #[arg(value_name = "PATH", required_unless_present = "lake", conflicts_with = "lake")]
    paths: Vec<PathBuf>,
    /// A lake: its folder, or s3://bucket/prefix
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    lake: Option<String>,
}

/// How it is shown.
#[derive(Debug, clap::Args)]
struct View {
    /// The moment that states and clocks are told for: RFC 3339, a date (UTC), or a time before now such as 24h
    /// [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<TimeBound>,
    /// The format of the answer
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let mut out = context.printer.stdout();
    match &args.command {
        Some(KeysCommand::Show(show)) => {
            let survey = show.source.survey(context)?;
            let at = show.view.moment(context)?;
            show_key(&mut out, &survey, &show.key, at, show.view.format)?;
        }
        None => {
            let survey = args.source.survey(context)?;
            let at = args.view.moment(context)?;
            let keys = survey.evidence.keys.reports(at);
            match args.view.format {
                ListFormat::Text => write_list(&mut out, &survey, &keys, at)?,
                ListFormat::Json => {
                    let answer = json!({ "at": at.to_string(), "keys": keys, "read": survey.account });
                    serde_json::to_writer_pretty(&mut out, &answer)?;
                    writeln!(out)?;
                }
            }
        }
    }
    out.flush()?;
    Ok(ExitStatus::Done)
}

impl Source {
    fn survey(&self, context: Context) -> anyhow::Result<Survey> {
        match &self.lake {
            Some(folder) => survey::of_lake(&LakeFolder::at(folder)),
            None => survey::of_files(&self.paths, context),
        }
    }
}

impl View {
    fn moment(&self, context: Context) -> anyhow::Result<Timestamp> {
        let at = self.at.as_ref().map(|at| at.resolve(context.now)).transpose().context("--at")?;
        Ok(at.unwrap_or(context.now))
    }
}

fn write_list(out: &mut Output, survey: &Survey, keys: &[KeyReport], at: Timestamp) -> io::Result<()> {
    writeln!(out, "{}, at {at}", survey.account)?;
    if keys.is_empty() {
        return writeln!(out, "no KMS key is named in them");
    }
    let mut table = new_table(out);
    table.set_header(["risk", "key", "state", "since", "origin", "uses", "last use", "clock"]);
    for key in keys {
        let origin = key.origin.as_deref().unwrap_or("?");
        let name = key.aliases.first().map_or_else(String::new, |alias| format!("{alias}\n"));
        table.add_row([
            paint_risk(out, key.risk),
            format!("{}{}", visible(&name).replace("\\n", "\n"), visible(&key.key)),
            format!("{:?} ({})", key.state, certainty(key)),
            key.since.clone().unwrap_or_else(|| "-".to_owned()),
            visible(origin),
            thousands(key.uses),
            key.last_use.clone().unwrap_or_else(|| "-".to_owned()),
            visible(&clock(key)),
        ]);
    }
    keep_whole(&mut table, out, &[0], &[]);
    write_table(out, table)
}

fn show_key(
    out: &mut Output,
    survey: &Survey,
    wanted: &str,
    at: Timestamp,
    format: ListFormat,
) -> anyhow::Result<()> {
    let sorted = survey.evidence.keys.sorted();
    let coverage = survey.evidence.coverage();
    let found: Vec<(KeyReport, BlastRadius)> = sorted
        .find(wanted, at)
        .iter()
        .filter_map(|key| Some((sorted.report(key, at)?, sorted.blast_radius(key, at, &coverage))))
        .collect();
    if found.is_empty() {
        anyhow::bail!("no event names the key {wanted} ({})", survey.account);
    }
    if format == ListFormat::Json {
        let keys: Vec<_> =
            found.iter().map(|(key, radius)| json!({ "key": key, "blast_radius": radius })).collect();
        let answer = json!({ "at": at.to_string(), "keys": keys, "read": survey.account });
        serde_json::to_writer_pretty(&mut *out, &answer)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{}, at {at}", survey.account)?;
    for (key, radius) in found {
        writeln!(out)?;
        writeln!(out, "{}", out.paint(Paint::Heading, visible(&key.key)))?;
        for alias in &key.aliases {
            writeln!(out, "  alias     {}", visible(alias))?;
        }
        writeln!(out, "  state     {:?} ({}): {}", key.state, certainty(&key), visible(&key.because))?;
        writeln!(out, "  origin    {}", visible(key.origin.as_deref().unwrap_or("not in the logs")))?;
        writeln!(out, "  risk      {}: {}", paint_risk(out, key.risk), visible(&key.risk_because))?;
        for clock in &key.clocks {
            writeln!(out, "  clock     {}", visible(&clock.says))?;
        }
        for related in &key.related {
            writeln!(out, "  same key  {}", visible(related))?;
        }
        let none = || "-".to_owned();
        writeln!(
            out,
            "  uses      {} that succeeded, {} that failed, the last {}",
            thousands(key.uses),
            thousands(key.failed_uses),
            key.last_use.clone().unwrap_or_else(none)
        )?;
        writeln!(out, "  timeline")?;
        for entry in &key.timeline {
            let who = entry.principal.as_deref().unwrap_or("nobody named");
            let id = entry.evidence.event_id.as_deref().unwrap_or("-");
            writeln!(
                out,
                "    {}  {}  {}  {}",
                entry.time,
                visible(&entry.says),
                visible(who),
                out.paint(Paint::Faint, visible(id))
            )?;
        }
        writeln!(out, "  depends on it")?;
        for dependent in &radius.dependents {
            writeln!(out, "    {}", visible(&dependent.says))?;
        }
        for why in &radius.unknown_because {
            writeln!(out, "    {}", visible(why))?;
        }
    }
    Ok(())
}

fn certainty(key: &KeyReport) -> &'static str {
    match key.certainty {
        triage::kms::state::Certainty::Recorded => "recorded",
        triage::kms::state::Certainty::Inferred => "inferred",
        triage::kms::state::Certainty::Unknown => "unknown",
    }
}

/// The clock that ends first, or the first that has no end.
fn clock(key: &KeyReport) -> String {
    let ending = key.clocks.iter().filter(|clock| clock.ends.is_some()).min_by_key(|clock| &clock.ends);
    ending.or(key.clocks.first()).map_or_else(|| "-".to_owned(), |clock| clock.says.clone())
}

fn paint_risk(out: &Output, risk: Risk) -> String {
    let (name, paint) = match risk {
        Risk::None => ("none", Paint::Faint),
        Risk::Low => ("low", Paint::Caution),
        Risk::High => ("high", Paint::Alarm),
        Risk::Critical => ("critical", Paint::Alarm),
        Risk::Lost => ("lost", Paint::Alarm),
    };
    out.paint(paint, name)
}
