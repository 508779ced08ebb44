//! The events of one threshold rule, by groups.

use alert::{ThresholdHit, ThresholdTerm};
use ecs::{Document, FieldTable, Timestamp};
use matcher::KeyValue;

use crate::detect::HitNote;
use crate::finisher::ThresholdPlan;
use crate::key_table::{KeyTable, numbers, to_json};
use crate::threshold::{CountedEvent, LargeGroup, ThresholdMatcher};
use crate::windows::Windows;

/// The events of one rule, by groups. Of the events themselves nothing is kept but time and id.
#[derive(Debug)]
pub(crate) struct WaitingGroups {
    matcher: ThresholdMatcher,
    /// Values of the fields that make a group.
    groups: KeyTable,
    /// Values of the field whose values are counted.
    values: KeyTable,
    /// Events that could take no part because nothing says when they happened.
    without_time: u64,
    /// Events that are in more groups than are looked at.
    too_many: u64,
}

/// What the events that waited have come to.
#[derive(Debug)]
pub(crate) struct GroupsFound {
    /// In order of the runs, and of the groups' values. Those before the range are there too.
    pub(crate) hits: Vec<(ThresholdHit, HitNote)>,
    pub(crate) without_time: u64,
    pub(crate) too_many: u64,
}

impl WaitingGroups {
    pub(crate) fn new(plan: &ThresholdPlan, windows: Windows) -> Self {
        Self {
            matcher: ThresholdMatcher::new(plan.windows(windows), plan.limits),
            groups: KeyTable::default(),
            values: KeyTable::default(),
            without_time: 0,
            too_many: 0,
        }
    }

    /// Takes an event that passes the rule's filter.
    pub(crate) fn push(&mut self, plan: &ThresholdPlan, document: &Document, table: &FieldTable, id: &str) {
        match plan.time.of(document) {
            Some(time) => {
                let all = self.count(plan, document, table, id, time, false);
                self.too_many += u64::from(!all);
            }
            None => self.without_time += 1,
        }
    }

    /// Takes an event before the range that passes the rule's filter: from `from` on, windows reach back to it.
    pub(crate) fn push_history(
        &mut self,
        plan: &ThresholdPlan,
        document: &Document,
        table: &FieldTable,
        id: &str,
        from: i64,
    ) {
        if let Some(time) = plan.time.of(document).filter(|time| from <= *time) {
            let _all = self.count(plan, document, table, id, time, true);
        }
    }

    fn count(
        &mut self,
        plan: &ThresholdPlan,
        document: &Document,
        table: &FieldTable,
        id: &str,
        time: i64,
        is_history: bool,
    ) -> bool {
        let view = document.view(table);
        let fields: Vec<Vec<KeyValue>> = plan.fields.iter().map(|(_, key)| key.values(&view)).collect();
        let (groups, all) = numbers(&fields, &mut self.groups);
        let counted = plan.cardinality.iter().flat_map(|(_, key)| key.values(&view));
        let values: Vec<u32> = counted.map(|value| self.values.number(&[value])).collect();
        // People know events by their own id.
        let id = document.text("event.id").unwrap_or(id);
        self.matcher.push(&CountedEvent { time, id, is_history, groups: &groups, values: &values });
        all
    }

    /// How many events are counted so far.
    pub(crate) fn events(&self) -> u64 {
        self.matcher.len() as u64
    }

    /// What was seen as the history of what comes later, from `from` on.
    pub(crate) fn into_history(self, plan: &ThresholdPlan, windows: Windows, from: i64) -> Self {
        let mut history = Self::new(plan, windows);
        let (mut groups, mut values) = (Vec::new(), Vec::new());
        for (of_event, event) in self.matcher.counted().filter(|(_, event)| from <= event.time) {
            groups.clear();
            groups.extend(of_event.iter().map(|group| history.groups.number(self.groups.tuple(*group))));
            values.clear();
            values.extend(event.values.iter().map(|value| history.values.number(self.values.tuple(*value))));
            let event = CountedEvent { is_history: true, groups: &groups, values: &values, ..event };
            history.matcher.push(&event);
        }
        history
    }

    /// Decides which groups are large enough.
    pub(crate) fn found(&self, plan: &ThresholdPlan) -> GroupsFound {
        let Self { matcher, groups, without_time, too_many, .. } = self;
        let mut found = matcher.found();
        // Groups have numbers in the order of arrival, which is not to show.
        found.sort_by(|a, b| (a.run, groups.tuple(a.group)).cmp(&(b.run, groups.tuple(b.group))));
        let hit = |large: LargeGroup| {
            let fields = plan.fields.iter().zip(groups.tuple(large.group));
            let event_ids = large.events.iter().take(alert::threshold::MAX_EVIDENCE);
            let note = HitNote { run: large.run, is_history: large.is_history };
            let hit = ThresholdHit {
                terms: fields
                    .map(|((field, _), value)| ThresholdTerm { field: field.clone(), value: to_json(value) })
                    .collect(),
                count: large.events.len() as u64,
                first: at(large.first)?,
                last: at(large.last)?,
                cardinality: plan
                    .cardinality
                    .iter()
                    .map(|(field, _)| (field.clone(), large.values))
                    .collect(),
                started_at: at(large.run.unwrap_or_else(|| plan.run_after(large.last)))?,
                index: plan.index.clone(),
                event_ids: event_ids.map(|event| matcher.id(*event).to_owned()).collect(),
            };
            Some((hit, note))
        };
        // Times that were read can be represented.
        let hits = found.into_iter().filter_map(hit).collect();
        GroupsFound { hits, without_time: *without_time, too_many: *too_many }
    }
}

fn at(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}
