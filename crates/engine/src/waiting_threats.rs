//! The events and indicators of one indicator match rule: events wait until all indicators have been seen.

use std::ops::Range;

use ecs::{Document, EventView, FieldId, FieldTable, FieldType, Scalar};
use matcher::{JoinKey, KeyValue};
use serde_json::Value;

use crate::error::EngineError;
use crate::event_time::EventTime;
use crate::held_events::HeldEvent;
use crate::key_table::KeyTable;
use crate::threat_match::{IndicatorValue, MOST_MATCHES, Pair, ThreatMatch, ThreatMatcher};

/// Which indicators the events of a rule match.
#[derive(Debug)]
pub struct ThreatPlan {
    /// When an event happened.
    pub time: EventTime,
    /// The fields of events that are compared, each once.
    pub fields: Vec<ReadField>,
    /// An event matches an indicator when all pairs of one group hold.
    pub groups: Vec<Vec<MappedPair>>,
}

/// A field of events, and how its values are read and compared.
#[derive(Debug)]
pub struct ReadField {
    /// Dotted name.
    pub name: Box<str>,
    /// By the type of the event's field, also for values of indicators.
    pub key: JoinKey,
    /// True for a `.caseless` multi-field.
    pub caseless: bool,
}

/// A field of events and a field of indicators.
#[derive(Debug)]
pub struct MappedPair {
    /// Whether they have to be equal.
    pub pair: Pair,
    /// Position in [`ThreatPlan::fields`].
    pub event: usize,
    /// The indicator's field.
    pub indicator: FieldId,
}

/// What is known so far.
#[derive(Debug)]
pub(crate) struct WaitingThreats {
    matcher: ThreatMatcher,
    /// By their numbers in the matcher.
    indicators: Vec<HeldEvent>,
    rows: Vec<Row>,
    /// The values of the rows: field and number of the value, row after row.
    values: Vec<(u16, u32)>,
    keys: KeyTable,
    /// Indicators that the rule's query selects, those without a value to compare included.
    selected: u64,
}

#[derive(Debug)]
struct Row {
    /// In milliseconds since the epoch; events without a time come last.
    time: i64,
    event: HeldEvent,
    /// Where its values end.
    values_end: usize,
}

impl WaitingThreats {
    /// Is there an event that an indicator could match?
    pub(crate) fn has_events(&self) -> bool {
        !self.rows.is_empty()
    }
}

/// What the events that waited have come to.
#[derive(Debug)]
pub(crate) struct ThreatsFound {
    /// The oldest first.
    pub(crate) hits: Vec<ThreatFound>,
    /// Indicators that the rule's query selects.
    pub(crate) indicators: u64,
    /// Matches that are not told of, because their events have too many.
    pub(crate) untold: u64,
}

/// An event that matches indicators.
#[derive(Debug)]
pub(crate) struct ThreatFound {
    pub(crate) event: HeldEvent,
    /// At least one: the indicator, and the positions of the fields by which the event matches it.
    pub(crate) matches: Vec<(HeldEvent, Vec<MatchedField>)>,
}

/// A field by which an event matches an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatchedField {
    /// Position in [`ThreatPlan::fields`].
    pub(crate) event: usize,
    /// The indicator's field.
    pub(crate) indicator: FieldId,
}

impl ReadField {
    fn read(&self, scalar: Scalar<'_>) -> Option<KeyValue> {
        match self.key.read(scalar)? {
            KeyValue::Text(text) if self.caseless => Some(KeyValue::Text(text.to_lowercase().into())),
            value => Some(value),
        }
    }

    /// The values of an event.
    fn values(&self, document: &Document, table: &FieldTable) -> Vec<KeyValue> {
        let mut values = Vec::new();
        each_value(document, table, self.key.field, &mut |scalar| values.extend(self.read(scalar)));
        values.sort_unstable();
        values.dedup();
        values
    }

    /// The values of an indicator's field, read as values of this one.
    fn of_indicator(&self, field: FieldId, document: &Document, table: &FieldTable) -> Vec<IndicatorValue> {
        let mut values = Vec::new();
        each_value(document, table, Some(field), &mut |scalar| values.extend(self.read_indicator(scalar)));
        values.sort_unstable();
        values.dedup();
        values
    }

    fn read_indicator(&self, scalar: Scalar<'_>) -> Option<IndicatorValue> {
        if let (Some(FieldType::Ip), Scalar::Str(text)) = (self.key.field_type, scalar)
            && text.contains('/')
        {
            return matcher::value::network(text).map(IndicatorValue::Network);
        }
        self.read(scalar).map(IndicatorValue::One)
    }

    /// The value of an event, as the event has it, that equals one of an indicator.
    pub(crate) fn common_value(
        &self,
        event: &Document,
        field: FieldId,
        indicator: &Document,
        table: &FieldTable,
    ) -> Value {
        let wanted = self.of_indicator(field, indicator, table);
        let mut found = Value::Null;
        each_value(event, table, self.key.field, &mut |scalar| {
            let equal = |value: KeyValue| wanted.iter().any(|wanted| wanted.matches(&value));
            if found.is_null() && self.read(scalar).is_some_and(equal) {
                found = match scalar {
                    Scalar::Str(text) => Value::from(text),
                    Scalar::Int(number) => Value::from(number),
                    Scalar::Float(number) => Value::from(number),
                    Scalar::Bool(value) => Value::from(value),
                };
            }
        });
        found
    }
}

fn each_value(
    document: &Document,
    table: &FieldTable,
    field: Option<FieldId>,
    visit: &mut dyn FnMut(Scalar<'_>),
) {
    if let Some(field) = field {
        document.view(table).any_value(field, &mut |scalar| {
            visit(scalar);
            false
        });
    }
}

impl WaitingThreats {
    pub(crate) fn new(plan: &ThreatPlan) -> Self {
        let pairs = |group: &Vec<MappedPair>| group.iter().map(|mapped| mapped.pair).collect();
        Self {
            matcher: ThreatMatcher::new(plan.groups.iter().map(pairs).collect()),
            indicators: Vec::new(),
            rows: Vec::new(),
            values: Vec::new(),
            keys: KeyTable::default(),
            selected: 0,
        }
    }

    /// Takes a document that is an indicator of the rule. `hold` keeps it when some event can match it.
    pub(crate) fn push_indicator(
        &mut self,
        plan: &ThreatPlan,
        document: &Document,
        table: &FieldTable,
        hold: &mut dyn FnMut() -> Result<HeldEvent, EngineError>,
    ) -> Result<(), EngineError> {
        self.selected += 1;
        let number = self.indicators.len() as u32;
        let taken = self.matcher.push(number, &mut |group, pair| {
            let mapped = &plan.groups[group][pair];
            plan.fields[mapped.event].of_indicator(mapped.indicator, document, table)
        });
        if taken {
            self.indicators.push(hold()?);
        }
        Ok(())
    }

    /// Takes an event that passes the rule's query. `hold` keeps it when it has a value that can match.
    pub(crate) fn push(
        &mut self,
        plan: &ThreatPlan,
        document: &Document,
        table: &FieldTable,
        hold: &mut dyn FnMut() -> Result<HeldEvent, EngineError>,
    ) -> Result<(), EngineError> {
        let before = self.values.len();
        for (at, field) in plan.fields.iter().enumerate() {
            for value in field.values(document, table) {
                self.values.push((at as u16, self.keys.number(&[value])));
            }
        }
        if self.values.len() > before {
            let time = plan.time.of(document).unwrap_or(i64::MAX);
            self.rows.push(Row { time, event: hold()?, values_end: self.values.len() });
        }
        Ok(())
    }

    /// Finds the indicators of each event.
    pub(crate) fn finish(self, plan: &ThreatPlan) -> ThreatsFound {
        let Self { matcher, indicators, rows, values, keys, selected } = self;
        let mut order: Vec<(usize, Range<usize>)> = Vec::with_capacity(rows.len());
        let mut start = 0;
        for (at, row) in rows.iter().enumerate() {
            order.push((at, start..row.values_end));
            start = row.values_end;
        }
        order.sort_by_key(|(at, _)| (rows[*at].time, *at));
        let mut found = ThreatsFound { hits: Vec::new(), indicators: selected, untold: 0 };
        let mut of_fields: Vec<Vec<KeyValue>> = vec![Vec::new(); plan.fields.len()];
        for (at, range) in order {
            of_fields.iter_mut().for_each(Vec::clear);
            for (field, key) in &values[range] {
                of_fields[usize::from(*field)].extend_from_slice(keys.tuple(*key));
            }
            let mut matches =
                matcher.matches(&|group, pair| of_fields[plan.groups[group][pair].event].as_slice());
            found.untold += matches.len().saturating_sub(MOST_MATCHES) as u64;
            matches.truncate(MOST_MATCHES);
            if !matches.is_empty() {
                let of_indicator = |matches: &[ThreatMatch]| {
                    let indicator = matches.first().map_or(0, |found| found.indicator);
                    (indicators[indicator as usize], matched_fields(plan, matches))
                };
                let matches = matches.chunk_by(|a, b| a.indicator == b.indicator).map(of_indicator).collect();
                found.hits.push(ThreatFound { event: rows[at].event, matches });
            }
        }
        found
    }
}

/// The pairs that are equal, each once.
fn matched_fields(plan: &ThreatPlan, matches: &[ThreatMatch]) -> Vec<MatchedField> {
    let mut fields: Vec<MatchedField> = Vec::new();
    for found in matches {
        for mapped in plan.groups[usize::from(found.group)].iter().filter(|mapped| mapped.pair == Pair::Equal)
        {
            let field = MatchedField { event: mapped.event, indicator: mapped.indicator };
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
    }
    fields
}
