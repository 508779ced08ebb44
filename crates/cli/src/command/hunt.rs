//! `bartizan hunt`: every rule over every event of the given files, once, with an account of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use alert::{Alert, AlertContext, ExecutionType};
use anyhow::Context as _;
use ecs::{Catalog, TimeRange, Timestamp};
use engine::{
    AlertSink, HuntInput, HuntOptions, HuntOutput, IndicatorFile, Plan, PlannedRule, ScanSettings, Windows,
};
use ingest::dead_letter::DeadLetter;
use ingest::decode::Limits;
use ingest::enrich::Enrichment;
use ingest::ledger::Ledger;
use ingest::source::{directory, find};
use jiff::SignedDuration;
use report::case::is_case_folder;
use report::html::PageLimits;
use report::{DigestVerdict, Finding, HuntReport, Investigation};
use rule::{RuleLibrary, Severity};
use triage::evidence::Evidence;

use super::{Context, raw_records, verify};
use crate::args;
use crate::earlier_output::is_earlier_output;
use crate::exit_status::ExitStatus;
use crate::guide_queries;
use crate::investigation::{HeldAlerts, Investigated, RestsOn, Scope};
use crate::printer::{Printer, count};
use crate::reporter::coverage::Coverage;
use crate::reporter::hunt_report::{hours_of, hunt_report};
use crate::reporter::progress::Progress;
use crate::reporter::removed_values::RemovedValues;
use crate::reporter::table::{DEFAULT_ROWS, severity_of};
use crate::reporter::verification;
use crate::reporter::{Format, Reporter};
use crate::rule_selection::{self, RuleFilter, RuleSource};
use crate::time_bound::{self, TimeBound};

const EXAMPLES: &str = "\
Examples:
  bartizan hunt ./AWSLogs
  bartizan hunt ./AWSLogs --rules ./my-rules --from 7d --format csv --output alerts.csv
  aws cloudtrail lookup-events | bartizan hunt - --fail-on high

Files are known by their content, not by their name: gzip, zstd or plain; CloudTrail log files, JSON arrays, NDJSON, \
LookupEvents answers, EventBridge envelopes, CloudWatch Logs exports and subscriptions, ECS documents.";

/// Arguments of `bartizan hunt`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files and folders with logs; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    source: RuleSource,
    #[command(flatten)]
    filter: RuleFilter,
    /// Only events at or after this time: RFC 3339, a date (UTC), or a time before now such as 24h
    #[arg(long, value_name = "TIME")]
    from: Option<TimeBound>,
    /// Only events before this time, which is itself outside
    #[arg(long, value_name = "TIME")]
    to: Option<TimeBound>,
    /// Run rules whose meaning depends on their window as their schedules would have run them, which is the default:
    /// new_terms, threshold, ES|QL beyond single events, and those with alert suppression
    #[arg(long, overrides_with = "whole_range")]
    as_scheduled: bool,
    /// Run such rules once each, with the whole range as their window. Of both, the last one given counts
    #[arg(long, overrides_with = "as_scheduled")]
    whole_range: bool,
    /// Indicators for threat_match rules, beside those among the events: ECS documents (NDJSON, JSON), or CSV whose first
    /// line names ECS fields or is type,value. May be given several times
    #[arg(long, value_name = "FILE")]
    indicators: Vec<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
    /// Exit with 1 when there are alerts of at least this severity
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity())]
    fail_on: Option<Severity>,
    /// Exit with 2 also when a rule is of a type that cannot be run yet, or an input was not read whole
    #[arg(long)]
    strict: bool,
    /// The most alerts of one rule: the oldest, of EQL rules the newest; what is cut is counted. 0 for no cap
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_signals: u32,
    /// Threads that read and match [default: as many as the machine has]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// The most bytes of one input after decompression, such as 512MiB or 2GiB; the records before that place count.
    /// Plain NDJSON may be of any size
    #[arg(long, value_name = "SIZE", value_parser = args::byte_size, default_value = "1GiB")]
    max_input_bytes: usize,
    /// Keep what could not be read in this file, as NDJSON with file, offset and reason
    #[arg(long, value_name = "FILE")]
    dead_letter: Option<PathBuf>,
    /// Hold the files against the CloudTrail digests among them too, as `bartizan verify` does; they are read once more
    #[arg(long)]
    verify: bool,
    /// Public keys for --verify: what `aws cloudtrail list-public-keys` gave. May be given several times
    #[arg(long, value_name = "FILE", requires = "verify")]
    public_keys: Vec<PathBuf>,
    /// MaxMind-format database of places, for source.geo
    #[arg(long, value_name = "FILE")]
    geoip_city: Option<PathBuf>,
    /// MaxMind-format database of networks, for source.as
    #[arg(long, value_name = "FILE")]
    geoip_asn: Option<PathBuf>,
}

/// How the result is shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ReportArgs {
    /// The format of the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Write the result to this file instead of stdout; what stood there is replaced,
    /// unless it lies among what is read and is no earlier output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How many alerts the table shows, by severity and time; 0 for all
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROWS)]
    pub(crate) rows: usize,
    /// Write a report for people to this file: one HTML page that needs no network
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write a case folder: the report, alerts, a timeline, the raw records of the evidence, and checksums
    #[arg(long, value_name = "DIR")]
    pub(crate) case: Option<PathBuf>,
    /// Which alerts leave with their investigation: the rule's guide answered from the logs, in the field
    /// bartizan.investigation
    #[arg(long, value_enum, value_name = "SCOPE", default_value_t = Scope::Kms)]
    pub(crate) triage: Scope,
    /// The most alerts that are investigated; they are held back until all is read
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub(crate) triage_most: usize,
}

/// A hunt, with everything that was typed turned into what it means.
pub(crate) struct Hunt<'h> {
    /// Everything that was loaded.
    pub(crate) loaded: &'h RuleLibrary,
    /// What of it is wanted.
    pub(crate) selected: &'h RuleLibrary,
    /// What is read.
    pub(crate) inputs: Vec<HuntInput>,
    /// Which events count.
    pub(crate) range: TimeRange,
    /// How rules are run whose meaning depends on their window.
    pub(crate) windows: Windows,
    /// Files of indicators.
    pub(crate) indicators: Vec<PathBuf>,
    pub(crate) enrichment: Enrichment,
    pub(crate) max_signals: Option<u32>,
    pub(crate) jobs: NonZeroUsize,
    pub(crate) limits: Limits,
    pub(crate) dead_letter: Option<PathBuf>,
    /// Files under the given paths that are left out because this run writes to them.
    pub(crate) own_files: Vec<PathBuf>,
    /// Case folders of earlier hunts, which are left out too.
    pub(crate) case_folders: Vec<PathBuf>,
    /// Whether the files are as CloudTrail delivered them, when that was asked.
    pub(crate) verification: Option<(DigestVerdict, Vec<String>)>,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let range = time_bound::range(args.from.as_ref(), args.to.as_ref(), context.now)?;
    let written = [
        ("--output", &args.report.output),
        ("--report", &args.report.report),
        ("--dead-letter", &args.dead_letter),
    ];
    let written: Vec<(&str, &Path)> =
        written.into_iter().filter_map(|(option, path)| Some((option, path.as_deref()?))).collect();
    for (at, (option, path)) in written.iter().enumerate() {
        if let Some((other, _)) = written.iter().skip(at + 1).find(|(_, other)| is_same_file(path, other)) {
            anyhow::bail!("{option} and {other} name the same file");
        }
    }
    let own_files: Vec<&Path> = written.into_iter().map(|(_, path)| path).collect();
    for own in &own_files {
        let is_input = |path: &PathBuf| match directory::is_stdin(path) {
            true => is_same_file(own, Path::new("/dev/stdin")),
            false => path.is_file() && is_same_file(own, path),
        };
        if args.paths.iter().any(is_input) {
            anyhow::bail!("{} is to be read, so it cannot be written to", own.display());
        }
    }
    for path in &args.indicators {
        if own_files.iter().any(|own| is_same_file(own, path)) {
            anyhow::bail!("{} is to be read, so it cannot be written to", path.display());
        }
        if !path.is_file() {
            anyhow::bail!("--indicators {}: no such file", path.display());
        }
    }
    let loaded = args.source.load()?;
    rule_selection::warn_of_exceptions(&loaded, &context.printer);
    if loaded.rules.is_empty() && loaded.failed.is_empty() {
        anyhow::bail!("no rules are loaded, so nothing would be looked for");
    }
    let selected = args.filter.select(&loaded)?;
    if selected.rules.is_empty() {
        anyhow::bail!(
            "no rule is selected of the {} loaded, so nothing would be looked for",
            loaded.rules.len()
        );
    }
    let Inputs { inputs, own_files, case_folders } = inputs(&args.paths, &own_files)?;
    for own in &own_files {
        if !is_earlier_output(own).with_context(|| format!("cannot read {}", own.display()))? {
            anyhow::bail!(
                "{} lies among what is to be read and is no earlier output of this program, so it is not overwritten",
                own.display()
            );
        }
    }
    if inputs.is_empty() {
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        let but = if own_files.is_empty() { "" } else { " but what this run writes to" };
        anyhow::bail!("nothing to read below {}{but}", paths.join(", "));
    }
    let enrichment = Enrichment::open(args.geoip_city.as_deref(), args.geoip_asn.as_deref())
        .context("cannot use the database of addresses")?;
    let jobs = args.jobs.unwrap_or_else(all_cores);
    let verification = match args.verify {
        true => {
            let checked = verify::check(&args.paths, &args.public_keys, &[], jobs, &context.printer)?;
            Some(verification::summary(&checked.verification, &checked.given))
        }
        false => None,
    };
    let hunt = Hunt {
        loaded: &loaded,
        selected: &selected,
        inputs,
        range,
        windows: if args.whole_range { Windows::WholeRange } else { Windows::AsScheduled },
        indicators: args.indicators.clone(),
        enrichment,
        max_signals: (args.max_signals > 0).then_some(args.max_signals),
        jobs,
        limits: Limits { decompressed_bytes: args.max_input_bytes, ..Limits::default() },
        dead_letter: args.dead_letter.clone(),
        own_files,
        case_folders,
        verification,
    };
    let found = hunt.report(&args.report, context)?;
    let alerts = match (args.fail_on, found.highest) {
        (Some(limit), Some(highest)) if highest >= limit => ExitStatus::AlertsFound,
        _ => ExitStatus::Done,
    };
    Ok(alerts.or(found.coverage.status(args.strict)))
}

/// What came of a hunt, for the exit status.
pub(crate) struct Found {
    pub(crate) coverage: Coverage,
    /// Of all alerts, the highest severity.
    pub(crate) highest: Option<Severity>,
}

impl Hunt<'_> {
    /// Hunts, and writes the report. The account goes to stderr unless the report on stdout has it.
    pub(crate) fn report(self, report: &ReportArgs, context: Context) -> anyhow::Result<Found> {
        let Context { printer, now, .. } = context;
        let catalog = Catalog::builtin();
        let indicators = self.indicators.into_iter().map(IndicatorFile::Path).collect();
        let plan = Plan::new(self.selected, &catalog, now).with_indicators(indicators);
        let limits = self.limits;
        let options = |range, investigates| HuntOptions {
            scan: ScanSettings { range, now, enrichment: &self.enrichment, catalog: &catalog },
            jobs: self.jobs,
            limits,
            max_signals: self.max_signals,
            windows: self.windows,
            alerts: AlertContext {
                space: "default".to_owned(),
                detected_at: now,
                execution_uuid: execution_uuid(context),
                execution_type: ExecutionType::Manual,
                intended_timestamp: None,
                base_url: None,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            investigates,
        };
        let mut dead_letter = self.dead_letter.as_deref().map(open_dead_letter).transpose()?;
        let output = printer.output(report.output.as_deref())?;
        let reporter = report.format.reporter(output, report.rows).context("cannot write the result")?;
        let keeps = report.report.is_some() || report.case.is_some();
        let mut sink = CountingSink {
            findings: keeps.then(Vec::new),
            not_kept: 0,
            reporter,
            highest: None,
            removed_values: RemovedValues::default(),
            held: HeldAlerts::new(report.triage, report.triage_most),
        };

        let mut summary = {
            let mut progress = Progress::new(&printer);
            let output = HuntOutput {
                alerts: &mut sink,
                dead_letter: dead_letter.as_mut(),
                progress: &mut |event| progress.event(event),
            };
            let options = options(self.range, report.triage != Scope::None);
            engine::hunt(&plan, &self.inputs, options, output).context("the hunt cannot go on")?
        };

        let mut hours = None;
        let investigated = match summary.evidence.take() {
            Some(evidence) => {
                hours = if keeps { hours_of(&evidence) } else { None };
                let CountingSink { held, .. } = &mut sink;
                let mut held = std::mem::replace(held, HeldAlerts::new(Scope::None, 0));
                held.end();
                let lacks = lacks(&summary.ledger);
                let on = RestsOn {
                    evidence: &evidence,
                    rules: self.selected,
                    enrichment: &self.enrichment,
                    coverage: &lacks,
                    at: moment_of(&evidence, now),
                    threads: self.jobs.get(),
                };
                let queries = held.queries(&on);
                let alone = HuntOptions { max_signals: None, ..options(TimeRange::default(), false) };
                let documents = if queries.is_empty() { Vec::new() } else { held.documents() };
                let asked = guide_queries::ask(queries, &documents, &self.inputs, alone)?;
                held.investigate(&on, &|query| asked.answer(query))
            }
            None => Investigated::default(),
        };
        if investigated.left_out > 0 {
            printer.warn(format!(
                "{} not investigated: --triage-most says how many are",
                count(investigated.left_out, "alert was", "alerts were")
            ));
        }
        let attaches = sink.reporter.writes_attached();
        investigated.leave(attaches, self.jobs.get(), |(alert, blocks, report)| {
            match report {
                Some(report) => {
                    if let Some(findings) = &mut sink.findings {
                        let (ids, report) = (report.alert.event_ids.clone(), Box::new(report.clone()));
                        findings.push(Finding::of_alert(&alert, ids, Investigation::Done(report)));
                    }
                    sink.reporter.investigated(report);
                }
                None => sink.keep(&alert),
            }
            sink.reporter.alert(alert)?;
            Ok(blocks.into_iter().try_for_each(|block| sink.reporter.alert(block))?)
        })?;
        let mut coverage = Coverage::new(self.range, summary, self.selected, self.loaded);
        coverage.windows = plan.rules.iter().any(PlannedRule::depends_on_windows).then_some(self.windows);
        coverage.removed_values = sink.removed_values;
        coverage.own_files = self.own_files;
        coverage.case_folders = self.case_folders;
        coverage.verification = self.verification;
        if let (Some(letter), Some(path)) = (dead_letter, self.dead_letter) {
            coverage.dead_letter = Some((path, letter.written()));
            letter.finish().context("cannot write what could not be read")?;
        }
        if let Some(findings) = sink.findings {
            let whole = hunt_report(&coverage, self.selected, hours, findings, sink.not_kept, now);
            write_report(&whole, report, &self.inputs, &limits, &printer)?;
        }
        sink.reporter.finish(&coverage).context("cannot write the result")?;
        if report.format != Format::Table || report.output.is_some() {
            write_account(&printer, &coverage);
        }
        Ok(Found { coverage, highest: sink.highest })
    }
}

fn write_report(
    whole: &HuntReport,
    wanted: &ReportArgs,
    inputs: &[HuntInput],
    limits: &Limits,
    printer: &Printer,
) -> anyhow::Result<()> {
    if let Some(path) = &wanted.report {
        let page = report::html::page(whole, PageLimits::default());
        std::fs::write(path, page).with_context(|| format!("cannot write to {}", path.display()))?;
    }
    if let Some(folder) = &wanted.case {
        let records = raw_records::look_up(report::case::wanted_records(whole), inputs, limits);
        let case = report::case::write_case(folder, whole, records, PageLimits::default())
            .with_context(|| format!("cannot write the case folder {}", folder.display()))?;
        if case.missing_records > 0 {
            printer.warn(format!(
                "{} of the evidence could not be looked up again: records/index.csv in {} says why",
                count(case.missing_records, "raw record", "raw records"),
                folder.display()
            ));
        }
    }
    Ok(())
}

/// The logs of so long ago still tell of now.
const RECENT: SignedDuration = SignedDuration::from_hours(48);

/// The moment that states and clocks are told for: now, or of older logs their end, since what happened then is not in them.
fn moment_of(evidence: &Evidence, now: Timestamp) -> Timestamp {
    let end = evidence.activity.span().map(|(_, end)| end);
    end.filter(|end| now.duration_since(*end) > RECENT).unwrap_or(now)
}

/// What the logs lack, for those who rest on them.
fn lacks(ledger: &Ledger) -> Vec<String> {
    let mut lacks = Vec::new();
    let not_whole = ledger.partly_read() + ledger.skipped();
    if not_whole > 0 {
        let inputs = count(not_whole, "input was", "inputs were");
        lacks.push(format!("{inputs} not read whole: events may be missing."));
    }
    let dropped = ledger.counts().dropped();
    if dropped > 0 {
        lacks.push(format!("{} could not be made into events.", count(dropped, "record", "records")));
    }
    lacks
}

/// The account on stderr. That nobody listens there is no failure.
fn write_account(printer: &Printer, coverage: &Coverage) {
    let _nobody_listens = coverage.write_text(&mut printer.stderr());
}

/// Passes alerts on, and notes what the exit status and the account need of them.
struct CountingSink {
    reporter: Box<dyn Reporter>,
    highest: Option<Severity>,
    removed_values: RemovedValues,
    held: HeldAlerts,
    /// For a report; `None` when there will be none.
    findings: Option<Vec<Finding>>,
    not_kept: u64,
}

/// A report holds so many alerts at most.
const MOST_FINDINGS: usize = 20_000;

impl AlertSink for CountingSink {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        self.highest = self.highest.max(Some(severity_of(&alert)));
        self.removed_values.count(&alert);
        let mut passed = Vec::new();
        self.held.take(alert, &mut |alert| {
            passed.push(alert);
            Ok(())
        })?;
        for alert in passed {
            self.keep(&alert);
            self.reporter.alert(alert)?;
        }
        Ok(())
    }
}

impl CountingSink {
    /// Keeps an alert that was not investigated for the report, if there will be one and there is room.
    fn keep(&mut self, alert: &Alert) {
        // An alert about one event of a sequence goes with its sequence.
        let Some(findings) = self.findings.as_mut().filter(|_| alert.group_index().is_none()) else { return };
        if findings.len() < MOST_FINDINGS {
            let reason =
                "It is beyond what was to be investigated: see --triage and --triage-most.".to_owned();
            findings.push(Finding::of_alert(alert, Vec::new(), Investigation::NotDone { reason }));
        } else {
            self.not_kept += 1;
        }
    }
}

/// What there is to read.
pub(crate) struct Inputs {
    /// In the order of the paths that were given.
    pub(crate) inputs: Vec<HuntInput>,
    /// Left out: this run writes to them.
    pub(crate) own_files: Vec<PathBuf>,
    /// Left out with all that is in them: case folders of earlier hunts below the paths. One that is given itself is read.
    pub(crate) case_folders: Vec<PathBuf>,
}

/// The inputs under the paths, and what is left out.
pub(crate) fn inputs(paths: &[PathBuf], own_files: &[&Path]) -> anyhow::Result<Inputs> {
    let (stdin, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.iter().cloned().partition(|path| directory::is_stdin(path));
    let found = find(&paths)?;
    let (mut inputs, mut left_out) = (Vec::new(), Vec::new());
    let mut cases: BTreeMap<PathBuf, bool> = BTreeMap::new();
    let mut case_of = |file: &Path| -> Option<PathBuf> {
        let below = file.ancestors().skip(1).take_while(|folder| !paths.iter().any(|path| path == folder));
        let mut below = below.filter(|folder| !folder.as_os_str().is_empty());
        below
            .find(|folder| match cases.get(*folder) {
                Some(is_case) => *is_case,
                None => *cases.entry(folder.to_path_buf()).or_insert(is_case_folder(folder)),
            })
            .map(Path::to_path_buf)
    };
    let mut case_folders = BTreeSet::new();
    for file in found.files {
        if own_files.iter().any(|own| is_same_file(own, &file.path)) {
            left_out.push(file.path);
        } else if let Some(case) = case_of(&file.path) {
            case_folders.insert(case);
        } else {
            inputs.push(HuntInput::File(file));
        }
    }
    inputs.extend(
        found.skipped.into_iter().map(|(path, reason)| HuntInput::Unreadable {
            name: path.to_string_lossy().into_owned(),
            reason,
        }),
    );
    if !stdin.is_empty() {
        inputs.push(HuntInput::Stdin);
    }
    Ok(Inputs { inputs, own_files: left_out, case_folders: case_folders.into_iter().collect() })
}

/// Whether two paths lead to the same existing file, or are the same text.
fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn open_dead_letter(path: &Path) -> anyhow::Result<DeadLetter<Box<dyn Write>>> {
    let file = File::create(path).with_context(|| format!("cannot write to {}", path.display()))?;
    Ok(DeadLetter::new(Box::new(BufWriter::new(file))))
}

pub(crate) fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The id of this run. Runs at a given time are to be repeatable, so theirs depends on that time only.
fn execution_uuid(Context { now, now_is_given, .. }: Context) -> String {
    let process = if now_is_given { 0 } else { std::process::id() };
    let name = format!("{}/{process}", now.as_nanosecond());
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}
