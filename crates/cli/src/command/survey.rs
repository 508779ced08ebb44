//! What the logs say of keys and principals, gathered from files or from a lake without running a rule.

use std::io;
use std::path::PathBuf;

use alert::{Alert, AlertContext, ExecutionType};
use anyhow::Context as _;
use ecs::{Catalog, IndexPatterns, TimeRange};
use engine::{AlertSink, HuntOptions, HuntOutput, Plan, ScanSettings, Windows};
use ingest::decode::Limits;
use ingest::enrich::Enrichment;
use lake::ScanRequest;
use rule::RuleLibrary;
use triage::event::Event;
use triage::evidence::Evidence;
use triage::place::Place;

use super::Context;
use super::hunt::{Inputs, all_cores, inputs};
use super::lake_folder::LakeFolder;
use crate::printer::{count, thousands};
use crate::reporter::progress::Progress;

/// What was gathered, and of what.
pub(crate) struct Survey {
    pub(crate) evidence: Evidence,
    /// One line: how much was read, and what could not be.
    pub(crate) account: String,
}

/// Gathers from files and folders; `-` is standard input.
pub(crate) fn of_files(paths: &[PathBuf], context: Context) -> anyhow::Result<Survey> {
    let Inputs { inputs, case_folders, .. } = inputs(paths, &[])?;
    if inputs.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        anyhow::bail!("nothing to read below {}", paths.join(", "));
    }
    let catalog = Catalog::builtin();
    let (library, enrichment) = (RuleLibrary::default(), Enrichment::default());
    let plan = Plan::new(&library, &catalog, context.now);
    let range = TimeRange::default();
    let options = HuntOptions {
        scan: ScanSettings { range, now: context.now, enrichment: &enrichment, catalog: &catalog },
        jobs: all_cores(),
        limits: Limits::default(),
        max_signals: None,
        windows: Windows::WholeRange,
        alerts: AlertContext {
            space: "default".to_owned(),
            detected_at: context.now,
            execution_uuid: String::new(),
            execution_type: ExecutionType::Manual,
            intended_timestamp: None,
            base_url: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        investigates: true,
    };
    let mut progress = Progress::new(&context.printer);
    let output =
        HuntOutput { alerts: &mut NoAlerts, dead_letter: None, progress: &mut |event| progress.event(event) };
    let summary = engine::hunt(&plan, &inputs, options, output).context("cannot go on reading")?;
    let counts = summary.ledger.counts();
    let not_whole = summary.ledger.partly_read() + summary.ledger.skipped();
    let mut account = format!(
        "{} of {}",
        count(counts.events, "event", "events"),
        count(summary.ledger.inputs(), "input", "inputs")
    );
    if counts.dropped() > 0 {
        account.push_str(&format!("; {} dropped", count(counts.dropped(), "record", "records")));
    }
    if not_whole > 0 {
        account.push_str(&format!("; {} not read whole", count(not_whole, "input", "inputs")));
    }
    if !case_folders.is_empty() {
        let cases = count(case_folders.len() as u64, "case folder", "case folders");
        account.push_str(&format!("; {cases} of earlier hunts left out"));
    }
    Ok(Survey { evidence: summary.evidence.unwrap_or_default(), account })
}

/// Gathers from all data streams of a lake.
pub(crate) fn of_lake(lake: &LakeFolder) -> anyhow::Result<Survey> {
    let snapshot = lake.read()?;
    let request = ScanRequest { streams: IndexPatterns::new(["logs-aws*"]), ..ScanRequest::default() };
    let mut evidence = Evidence::default();
    let (mut events, mut without_time) = (0_u64, 0_u64);
    for stored in snapshot.documents(&request) {
        let stored = stored.context("cannot read the lake")?;
        events += 1;
        match Event::of_document(&stored.document, Place::Lake) {
            Some(event) => evidence.observe(&event),
            None => without_time += 1,
        }
    }
    let mut account = format!("{} events of the lake", thousands(events));
    if without_time > 0 {
        account.push_str(&format!("; {} without a time left out", thousands(without_time)));
    }
    Ok(Survey { evidence, account })
}

struct NoAlerts;

impl AlertSink for NoAlerts {
    fn alert(&mut self, _: Alert) -> io::Result<()> {
        Ok(())
    }
}
