//! Queries over the events of windows: rows become hits, each given by the first run that finds it.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::ops::Range;
use std::sync::PoisonError;

use alert::threshold::MAX_EVIDENCE;
use alert::{EsqlGroupHit, EsqlRowHit, Hit};
use ecs::Timestamp;
use esql::{Answer, Clash, EsqlError, ResultColumn, ResultRow};
use foldhash::{HashMap, HashSet};
use query::{Diagnostic, Span};
use serde_json::Value;

use super::{AlertSink, Detection, HitNote};
use crate::error::EngineError;
use crate::finisher::{EsqlPlan, EsqlWindows};
use crate::held_events::HeldEvent;
use crate::outcome::{NotRunReason, RuleStatus};
use crate::waiting_rows::{CHUNK, ReadError, ReadEvents, WaitingEvent, WaitingRows};
use crate::window_walk::{SeenByRun, WindowWalk};

/// Columns that say where a row comes from and not what is in it.
const METADATA: [&str; 6] = ["_id", "_index", "_version", "_source", "_ignored", "_score"];

/// A run of the query.
#[derive(Debug)]
struct Look {
    /// Positions among the events that wait.
    events: Range<usize>,
    /// What `NOW()` gives.
    now: Timestamp,
    note: HitNote,
}

/// A row that was found.
#[derive(Debug)]
struct FoundRow {
    note: HitNote,
    /// Where its oldest event stands among all.
    position: u64,
    /// The name of each column is its position.
    columns: Vec<(u16, Value)>,
    identity: Vec<Value>,
    ordinal: u64,
    tile: i64,
    /// The oldest.
    events: Vec<HeldEvent>,
    count: u64,
    last: Option<i64>,
}

/// What the runs of one query have found so far.
struct Found<'f> {
    plan: &'f EsqlPlan,
    waiting: &'f [WaitingEvent],
    is_aggregating: bool,
    columns: Vec<ResultColumn>,
    rows: Vec<FoundRow>,
    /// Which rows are there.
    known: HashSet<RowKey>,
    warnings: Warnings,
}

/// What makes a row the same row in another window.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RowKey {
    /// Of a row about one event, the event; of a row about a group, the tile and the ordinal.
    about: (i64, u64),
    identity: String,
}

/// How often what happened in the runs of a query.
#[derive(Debug, Default)]
struct Warnings {
    counts: BTreeMap<(String, Option<Place>), Count>,
}

/// Start and end of a part of the query.
type Place = (usize, usize);

#[derive(Debug, Default)]
struct Count {
    sum: u64,
    /// Of one run.
    most: u64,
}

impl<'p> Detection<'p> {
    pub(super) fn finish_esql(
        &mut self,
        rule: usize,
        plan: &EsqlPlan,
        waiting: WaitingRows,
        data: Option<(Timestamp, Timestamp)>,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let waiting = waiting.into_order();
        let mut query = plan.query.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Found {
            plan,
            waiting: &waiting,
            is_aggregating: plan.groups_events,
            columns: query.columns().to_vec(),
            rows: Vec::new(),
            known: HashSet::default(),
            warnings: Warnings::default(),
        };
        let windows = plan.windows(self.windows);
        let is_scheduled = matches!(windows, EsqlWindows::Scheduled(_));
        let mut read = ReadEvents::default();
        for Look { events, now, note } in self.looks(&windows, plan, &waiting, data) {
            if self.leave_out_late(rule) {
                return Ok(());
            }
            let mut clashed = |clashes| found.warnings.clashed(clashes);
            let events = match read.of(events, &waiting, &query, &mut self.held, &mut clashed) {
                Ok(events) => Ok(events),
                Err(ReadError::Held(error)) => return Err(error),
                Err(ReadError::Query(error)) => Err(error),
            };
            match events.and_then(|events| query.run_loaded(events, now)) {
                Ok(answer) => found.take(answer, note),
                Err(error) => {
                    self.outcomes[self.plan.rules[rule].outcome].status = stopped(now, &error);
                    break;
                }
            }
        }
        drop(query);
        let Found { is_aggregating, columns, mut rows, warnings, .. } = found;
        if !plan.depends_on_window {
            // Rows that stand alone are in the order of their events, so that batches do not show.
            rows.sort_by_key(|row| row.position);
            for row in &mut rows {
                row.note.is_history = row.events.iter().all(|event| self.before_range.contains(event));
            }
        }
        if let Some(to) = self.range.to.filter(|_| is_scheduled) {
            // The last run sees events after the range: what is found in them alone is the business of a later hunt.
            let oldest = |row: &FoundRow| waiting.get(usize::try_from(row.position).ok()?)?.time;
            rows.retain(|row| oldest(row).is_none_or(|at| at < to.as_millisecond()));
        }
        let counts_before = self.counts_hits_before(rule);
        // Only to alerts that take later hits in does it matter what was found before the range.
        rows.retain(|row| counts_before || !row.note.is_history);
        let notes: Vec<HitNote> = rows.iter().map(|row| row.note).collect();
        // Without a time no window of a schedule holds an event.
        let without_time = waiting.iter().filter(|event| is_scheduled && event.time.is_none()).count();
        let wanted = self.account(rule, &notes, without_time as u64, 0);
        self.outcomes[self.plan.rules[rule].outcome].warnings.extend(warnings.diagnostics(is_scheduled));
        let mut hit_of =
            |this: &mut Self, number: usize| this.row_hit(&rows[number], &columns, is_aggregating);
        self.make_all(rule, &notes[..wanted], &mut hit_of, sink)
    }

    /// Over which events the query is run, in turn.
    fn looks(
        &self,
        windows: &EsqlWindows,
        plan: &EsqlPlan,
        waiting: &[WaitingEvent],
        data: Option<(Timestamp, Timestamp)>,
    ) -> Vec<Look> {
        let detected_at = self.context.detected_at;
        let all = 0..waiting.len();
        let in_range = HitNote { run: None, is_history: false };
        match windows {
            EsqlWindows::Any => {
                let batch = |start: usize| start..(start + CHUNK).min(all.end);
                let starts = all.clone().step_by(CHUNK);
                starts.map(|start| Look { events: batch(start), now: detected_at, note: in_range }).collect()
            }
            EsqlWindows::WholeRange if waiting.is_empty() => Vec::new(),
            EsqlWindows::WholeRange => {
                let now = self.range.to.or(data.map(|(_, last)| last)).unwrap_or(detected_at);
                vec![Look { events: all, now, note: in_range }]
            }
            EsqlWindows::Scheduled(runs) => {
                let times: Vec<i64> = waiting.iter().map_while(|event| event.time).collect();
                let until = self.range.to.and_then(|to| runs.last_of_range(to.as_millisecond()));
                let range_from = self.range.from.map(Timestamp::as_millisecond);
                let look = |SeenByRun { run, events }: SeenByRun| {
                    // What such a run sees lies before the range.
                    let ends_before = |from| runs.end(run).is_some_and(|end| end <= from);
                    let note = HitNote { run: Some(run), is_history: range_from.is_some_and(ends_before) };
                    Some(Look { events, now: Timestamp::from_millisecond(run).ok()?, note })
                };
                WindowWalk::new(runs, &times, until, plan.reads_now).map_while(look).collect()
            }
        }
    }

    fn row_hit(
        &mut self,
        row: &FoundRow,
        columns: &[ResultColumn],
        is_aggregating: bool,
    ) -> Result<Hit, EngineError> {
        let mut events = Vec::with_capacity(row.events.len());
        for event in &row.events {
            events.push(self.held.get(*event)?);
        }
        let name = |at: u16| columns.get(usize::from(at)).map_or(String::new(), |column| column.name.clone());
        let columns = row.columns.iter().map(|(at, value)| (name(*at), value.clone())).collect();
        let identity = row.identity.clone();
        if !is_aggregating && let Some(event) = events.pop() {
            return Ok(Hit::EsqlRow(EsqlRowHit { event, columns, identity }));
        }
        let at = |milliseconds: i64| Timestamp::from_millisecond(milliseconds).ok();
        Ok(Hit::EsqlGroup(EsqlGroupHit {
            columns,
            identity,
            ordinal: row.ordinal,
            tile: at(row.tile).unwrap_or(Timestamp::MIN),
            events,
            count: row.count,
            last: row.last.and_then(at),
        }))
    }
}

/// The status of a rule whose query gave up on the way. What was found before is told all the same.
fn stopped(now: Timestamp, error: &EsqlError) -> RuleStatus {
    let source = error.source().map_or(String::new(), |source| format!(": {source}"));
    let message = format!("the query gave up at {now}: {error}{source}");
    RuleStatus::NotRun(NotRunReason::Errors(vec![Diagnostic::error("esql::gave-up", message)]))
}

impl Found<'_> {
    /// Takes what a run gave. Rows that an earlier run has found are passed over.
    fn take(&mut self, answer: Answer, note: HitNote) {
        self.warnings.count(&answer);
        let mut ordinals: HashMap<(i64, String), u64> = HashMap::default();
        for row in answer.table.rows {
            let identity: Vec<Value> = row.identity.iter().map(|values| to_json(values)).collect();
            let text = Value::from(identity.clone()).to_string();
            let last = row.events.iter().filter_map(|event| self.time(*event)).max();
            let tile = self.tile(last, note);
            let (about, ordinal) = match (self.is_aggregating, row.events.first()) {
                (false, Some(event)) => ((*event as i64, 0), 0),
                _ => {
                    let ordinal = ordinals.entry((tile, text.clone())).or_default();
                    *ordinal += 1;
                    ((tile, *ordinal - 1), *ordinal - 1)
                }
            };
            if !self.known.insert(RowKey { about, identity: text }) {
                continue;
            }
            let found = FoundRow {
                note,
                position: row.events.first().copied().unwrap_or(u64::MAX),
                columns: self.values(&row),
                identity,
                ordinal,
                tile,
                events: row
                    .events
                    .iter()
                    .take(MAX_EVIDENCE)
                    .map(|at| self.waiting[*at as usize].event)
                    .collect(),
                count: row.events.len() as u64,
                last,
            };
            self.rows.push(found);
        }
    }

    /// What the alert takes from the row: all that is not null, but where it comes from, and but what the event itself has.
    fn values(&self, row: &ResultRow) -> Vec<(u16, Value)> {
        let told = |column: &ResultColumn| {
            !METADATA.contains(&column.name.as_str()) && (self.is_aggregating || !column.is_source)
        };
        let columns = self.columns.iter().zip(&row.values).enumerate();
        columns
            .filter(|(_, (column, values))| told(column) && !values.is_empty())
            .map(|(at, (_, values))| (at as u16, to_json(values)))
            .collect()
    }

    fn time(&self, event: u64) -> Option<i64> {
        self.waiting.get(event as usize)?.time
    }

    /// The span of the schedule in which the newest event lies, by its start. Without a schedule each instant is one; a row
    /// without events has the span of its run.
    fn tile(&self, last: Option<i64>, note: HitNote) -> i64 {
        let at = last.or(note.run.map(|run| run.saturating_sub(1))).unwrap_or(i64::MIN);
        self.plan.runs.as_ref().filter(|_| at != i64::MIN).map_or(at, |runs| runs.at_or_before(at))
    }
}

impl Warnings {
    /// What became null in a run.
    fn count(&mut self, answer: &Answer) {
        for warning in &answer.warnings {
            let place = (warning.span.start, warning.span.end);
            let counted = self.counts.entry((warning.reason.to_owned(), Some(place))).or_default();
            counted.sum += warning.count;
            counted.most = counted.most.max(warning.count);
        }
    }

    /// What was no value of its field in events that no run has seen before.
    fn clashed(&mut self, clashes: Vec<Clash>) {
        for Clash { field, data_type, count } in clashes {
            let what = format!("no {} in the field {field}", data_type.name());
            self.counts.entry((what, None)).or_default().sum += count;
        }
    }

    /// One finding for each reason and place. Where the windows of runs overlap, the sum counts values several times.
    fn diagnostics(self, overlap: bool) -> Vec<Diagnostic> {
        let counted = |Count { sum, most }: Count, place: Option<Place>| match place {
            Some(_) if overlap => format!("up to {most} in a run"),
            _ => format!("{sum}"),
        };
        self.counts
            .into_iter()
            .map(|((what, place), count)| {
                let message = format!("values became null ({}): {what}", counted(count, place));
                let found = Diagnostic::note("esql::became-null", message);
                match place {
                    Some((start, end)) => found.at(Span::new(start, end)),
                    None => found,
                }
            })
            .collect()
    }
}

/// One value stands alone, several are a list, none is null.
fn to_json(values: &[esql::Value]) -> Value {
    match values {
        [] => Value::Null,
        [value] => value.json(),
        values => Value::Array(values.iter().map(esql::Value::json).collect()),
    }
}
