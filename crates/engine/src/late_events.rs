//! Events that came when the windows of their rules had passed: no run of the schedule saw them.

use std::collections::BTreeMap;

use ecs::{Catalog, TimeRange, Timestamp};
use ingest::enrich::Enrichment;
use rule::schedule::Schedule;

use crate::detect::excepted_by;
use crate::event_time::EventTime;
use crate::execute::MadeEvent;
use crate::plan::Plan;
use crate::shared_scan::{Looked, ScanSettings, Scanner, SharedScan};
use crate::windows::ScheduledRuns;

/// The events that rules look for, whenever they happened.
#[derive(Debug)]
pub struct LateEvents<'p> {
    plan: &'p Plan<'p>,
    shared: SharedScan<'p>,
    range: TimeRange,
}

/// Counts the late ones among them, for each rule.
#[derive(Debug)]
pub struct LateCounter<'s> {
    plan: &'s Plan<'s>,
    scanner: Scanner<'s>,
    range: TimeRange,
    rules: Vec<LateRule>,
    /// No event from here on is late for any rule, by `@timestamp`; `None` when that cannot be said.
    in_time_from: Option<i64>,
}

#[derive(Debug)]
struct LateRule {
    time: EventTime,
    runs: Option<ScheduledRuns>,
    count: u64,
}

impl<'p> LateEvents<'p> {
    /// `range` is when events came in that are looked at, half-open.
    pub fn new(
        plan: &'p Plan<'p>,
        range: TimeRange,
        catalog: &'p Catalog,
        enrichment: &'p Enrichment,
    ) -> Self {
        let now = range.to.unwrap_or(Timestamp::MAX);
        let shared = SharedScan::new(plan, ScanSettings { range, now, enrichment, catalog });
        Self { plan, shared, range }
    }

    /// Nothing counted yet.
    pub fn counter(&self) -> LateCounter<'_> {
        let rules: Vec<LateRule> = self
            .plan
            .rules
            .iter()
            .map(|planned| LateRule {
                time: EventTime::of_rule(&planned.rule),
                runs: ScheduledRuns::new(&Schedule::of(&planned.rule), None),
                count: 0,
            })
            .collect();
        let by_timestamp =
            self.plan.rules.iter().all(|planned| planned.rule.primary_timestamp() == "@timestamp");
        let last = self.range.to.map(Timestamp::as_millisecond);
        let starts = rules.iter().filter_map(|rule| {
            let runs = rule.runs.as_ref()?;
            runs.start(runs.after(runs.at_or_before(last?)))
        });
        let in_time_from = starts.max().filter(|_| by_timestamp && last.is_some());
        LateCounter {
            plan: self.plan,
            scanner: self.shared.scanner(),
            range: self.range,
            rules,
            in_time_from,
        }
    }
}

impl LateCounter<'_> {
    /// Could an event be late for some rule that came in and happened at these times?
    pub fn may_be_late(&self, came: Option<Timestamp>, happened: Option<Timestamp>) -> bool {
        let is_in_time =
            |happened: Timestamp| self.in_time_from.is_some_and(|from| from <= happened.as_millisecond());
        came.is_some_and(|came| self.range.contains(came)) && !happened.is_some_and(is_in_time)
    }

    /// Looks at an event, whose [`MadeEvent::time`] is when it came in: was the window over of the first run that could
    /// have seen it?
    pub fn look(&mut self, event: &MadeEvent, happened: Option<Timestamp>) {
        let Some(came) = event.time.filter(|_| self.may_be_late(event.time, happened)) else { return };
        let (Looked::InRange(Some(found)), plan) = (self.scanner.look(event), self.plan) else { return };
        let events = found.filters.iter().map(|filter| &plan.filters[filter.index()]);
        let mut rules: Vec<usize> =
            events.filter(|filter| filter.indicators.is_none()).map(|filter| filter.rule).collect();
        rules.dedup();
        for number in rules {
            let rule = &mut self.rules[number];
            let (Some(runs), Some(time)) = (&rule.runs, rule.time.of(&found.document)) else { continue };
            let first = runs.after(runs.at_or_before(came.as_millisecond()));
            if runs.start(first).is_some_and(|start| time < start)
                && excepted_by(&plan.rules[number], &found.document, &plan.table).is_none()
            {
                rule.count += 1;
            }
        }
    }

    /// How many of each rule, by its id; those without any are left out.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let rules = self.plan.rules.iter().zip(&self.rules).filter(|(_, rule)| rule.count > 0);
        rules.map(|(planned, rule)| (planned.rule.rule_id.clone(), rule.count)).collect()
    }
}
