//! An execution: the rules of a plan over events that were made before, such as those of a lake.
//!
//! ```text
//!   events of a range, and around it ──▶ shared scan ──▶ detect ──▶ alerts ──▶ AlertSink
//! ```
//!
//! A hunt reads records; an execution is given documents. What rules find is the same.

use alert::AlertContext;
use ecs::{Catalog, DataStream, Document, TimeRange, Timestamp};
use ingest::enrich::Enrichment;
use matcher::value::date_of;

use crate::detect::{AlertSink, Detection};
use crate::error::EngineError;
use crate::outcome::RuleOutcome;
use crate::plan::Plan;
use crate::shared_scan::{Looked, ScanSettings, SharedScan};
use crate::windows::Windows;

/// An event that was made before, as a whole document.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeEvent {
    /// The event.
    pub document: Document,
    /// Tells it from all others of its data stream.
    pub id: String,
    /// Where it belongs.
    pub stream: DataStream,
    /// What places it in the range or around it: the time that the rules go by. An event without one lies in the range.
    pub time: Option<Timestamp>,
}

/// Over what to run.
#[derive(Debug)]
pub struct ExecuteOptions<'p> {
    /// What the runs search that are executed: as their schedules have it, those that end in the range. Half-open.
    pub range: TimeRange,
    /// How rules are run whose meaning depends on their window.
    pub windows: Windows,
    /// What is known of fields.
    pub catalog: &'p Catalog,
    /// The most alerts of one rule; `None` for no cap.
    pub max_signals: Option<u32>,
    /// What alerts say of this run.
    pub alerts: AlertContext,
}

/// The account of an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// Every rule of the plan.
    pub rules: Vec<RuleOutcome>,
    /// Events in the range.
    pub events: u64,
    /// Events around it: history, and what its last run sees.
    pub around: u64,
    /// The newest `@timestamp` among the events in the range.
    pub newest: Option<Timestamp>,
}

/// From when until when events count for the rules of a plan, around a range too. An end is `None` where the range is open.
pub fn needed_range(plan: &Plan<'_>, windows: Windows, range: TimeRange) -> TimeRange {
    let from = range.from.map(|from| plan.history_from(windows, from).map_or(from, |start| start.min(from)));
    let to = range.to.map(|to| plan.seen_until(windows, to).map_or(to, |until| until.max(to)));
    TimeRange { from, to }
}

/// Runs the rules of a plan over events, which come in any order and each once.
///
/// # Errors
/// When events cannot be had ([`EngineError::Events`]) or alerts cannot be handed over.
pub fn execute<E: std::error::Error + Send + Sync + 'static>(
    plan: &Plan<'_>,
    events: impl Iterator<Item = Result<MadeEvent, E>>,
    options: ExecuteOptions<'_>,
    sink: &mut dyn AlertSink,
) -> Result<Executed, EngineError> {
    let ExecuteOptions { range, windows, catalog, max_signals, alerts } = options;
    let enrichment = Enrichment::default();
    let settings = ScanSettings { range, now: alerts.detected_at, enrichment: &enrichment, catalog };
    let shared = SharedScan::new(plan, settings).with_history(windows);
    let mut scanner = shared.scanner();
    let mut detection = Detection::new(plan, alerts, max_signals).over(windows, range);
    let mut executed = Executed { rules: Vec::new(), events: 0, around: 0, newest: None };
    let mut data: Option<(Timestamp, Timestamp)> = None;
    for event in events {
        let event = event.map_err(|error| EngineError::Events(Box::new(error)))?;
        let time = event.time;
        let happened = event.document.first("@timestamp").and_then(date_of);
        match scanner.look(event) {
            Looked::InRange(found) => {
                executed.events += 1;
                let happened = happened.and_then(|at| Timestamp::from_millisecond(at).ok());
                executed.newest = executed.newest.max(happened);
                if let Some(time) = time {
                    data = Some(data.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
                }
                if let Some(found) = found {
                    detection.event(*found, time, sink)?;
                }
            }
            Looked::Around(found) => {
                executed.around += 1;
                if let Some(found) = found {
                    detection.history(&found)?;
                }
            }
        }
    }
    executed.rules = detection.finish(data, sink)?;
    Ok(executed)
}
