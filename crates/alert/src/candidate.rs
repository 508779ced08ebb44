//! A hit of a rule with suppression, before it is known whether it becomes an alert or is folded into one.
//!
//! Source: elastic/kibana rule_types/utils/{suppression_utils,wrap_suppressed_alerts}.ts,
//! rule_types/query/alert_suppression, rule_types/threshold/wrap_suppressed_threshold_alerts.ts.

use std::cmp::Ordering;

use ecs::{Document, FieldType, Scalar, Timestamp};
use serde_json::Value;

use crate::ancestors;
use crate::build::{BuildOutcome, build};
use crate::compliance::field_type;
use crate::esql;
use crate::hit::{EventHit, Hit, ThresholdTerm};
use crate::identity::{AlertUuid, event_alert_uuid, new_terms_alert_uuid, threshold_suppression_uuid};
use crate::javascript_number;
use crate::source::lookup;
use crate::suppress::{Grouping, SuppressionPolicy};
use crate::threshold::stand_in;

/// A hit of a rule with suppression.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<T> {
    /// What stands for the hit: given back when it becomes an alert.
    pub found: T,
    /// The id of its alert, when it becomes one. Query rules have another for an alert about a group.
    pub uuid: AlertUuid,
    /// Where its event lies; empty for a sequence.
    pub index: String,
    /// The id of its event; for a sequence that of its alert. It orders candidates of one instant.
    pub document_id: String,
    /// Its values in the fields of the group, in the order of the rule: null where it has none. Several values are a
    /// sorted list; for [`Grouping::PerValue`] each makes a group.
    pub terms: Vec<SuppressionTerm>,
    /// Its time; for a group of events that of the oldest. Milliseconds count.
    pub start: Timestamp,
    /// Its time; for a group of events that of the newest, and at least `start`.
    pub end: Timestamp,
    /// The run that found it.
    pub run: Run,
}

/// A run of a rule. Runs are ordered by when they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// When it started, or would have started by the schedule: the `kibana.alert.start` of its alerts.
    pub started_at: Timestamp,
    /// Where the window that it searched starts.
    pub from: Timestamp,
}

/// A field of a group, and what all of the group have there.
#[derive(Debug, Clone, PartialEq)]
pub struct SuppressionTerm {
    /// The field.
    pub field: String,
    /// The value, or the sorted list of values; null when there is none.
    pub value: Value,
}

/// The candidate of a hit. `None` when the hit is the rule's own alert, or was made of one: no alert comes of it.
///
/// `time` is that of the event by the rule's timestamp field; of a sequence that of its newest event, so that what
/// a later run finds is never older than what an earlier one found. (Kibana takes the time of detection.) A group of
/// a threshold rule brings its own times, and a row about a group of events has that of the run.
pub fn candidate<T>(
    found: T,
    hit: &Hit,
    time: Timestamp,
    run: Run,
    policy: &SuppressionPolicy<'_>,
) -> Option<Candidate<T>> {
    let (space, rule) = (&policy.context.space, policy.rule.rule);
    let of_event = |event: &EventHit, uuid: AlertUuid| {
        let terms =
            policy.suppression.group_by.iter().map(|field| event_term(&event.document, field, policy));
        (uuid, event.index.clone(), event.id.clone(), terms.collect(), (time, time))
    };
    let (uuid, index, document_id, terms, (start, end)) = match hit {
        Hit::Event(event) => of_event(event, event_alert_uuid(&event.index, &event.id, space, &rule.uuid)),
        Hit::Threat(threat) => {
            let event = &threat.event;
            of_event(event, event_alert_uuid(&event.index, &event.id, space, &rule.uuid))
        }
        Hit::NewTerms(new) => {
            let event = &new.event;
            let uuid = new_terms_alert_uuid(&event.index, &event.id, &new.values, space, &rule.uuid);
            of_event(event, uuid)
        }
        Hit::Threshold(group) => {
            let event = stand_in(group, &rule.rule_id);
            let uuid = threshold_suppression_uuid(&event.index, &event.id, space, &rule.uuid);
            let term = |ThresholdTerm { field, value }: &ThresholdTerm| SuppressionTerm {
                field: field.clone(),
                value: value.clone(),
            };
            let terms = group.terms.iter().map(term).collect();
            (uuid, event.index, event.id, terms, (group.first, group.last))
        }
        Hit::EsqlRow(row) => {
            let uuid = esql::row_uuid(row, space, &rule.uuid);
            let EventHit { document, id, index } = esql::with_columns(row.clone());
            let terms = policy.suppression.group_by.iter().map(|field| own_term(&document, field));
            (uuid, index, id, terms.collect(), (time, time))
        }
        // What was made of many events is as old as the run that made it.
        Hit::EsqlGroup(group) => {
            let uuid = esql::group_uuid(group, space, &rule.uuid);
            let document = esql::stand_in(&group.columns);
            let terms = policy.suppression.group_by.iter().map(|field| own_term(&document, field));
            let id = uuid.as_str().to_owned();
            (uuid, String::new(), id, terms.collect(), (run.started_at, run.started_at))
        }
        Hit::Sequence(_) => {
            let BuildOutcome::Group(alerts) = build(hit, policy.rule, policy.context) else { return None };
            let shell = alerts.shell;
            let uuid = AlertUuid::of(shell.uuid()?);
            let terms = policy.suppression.group_by.iter().map(|field| own_term(shell.document(), field));
            (uuid.clone(), String::new(), uuid.as_str().to_owned(), terms.collect(), (time, time))
        }
    };
    let of_own_alert = |event: &EventHit| ancestors::of_event(event).include_rule(&rule.uuid);
    let feeds_itself = match hit {
        Hit::Event(event) => of_own_alert(event),
        Hit::NewTerms(new) => of_own_alert(&new.event),
        Hit::Threat(threat) => of_own_alert(&threat.event),
        Hit::EsqlRow(row) => of_own_alert(&row.event),
        Hit::EsqlGroup(group) => group.events.iter().any(of_own_alert),
        // A group has no ancestors, and a sequence was refused above.
        Hit::Threshold(_) | Hit::Sequence(_) => false,
    };
    (!feeds_itself).then_some(Candidate { found, uuid, index, document_id, terms, start, end, run })
}

/// The values as Elasticsearch's `fields` has them: always a list, by the type of the field; objects have none.
fn event_term(document: &Document, field: &str, policy: &SuppressionPolicy<'_>) -> SuppressionTerm {
    let field_type = field_type(field);
    let mut values: Vec<Value> =
        document.values(field).into_iter().map(|scalar| typed(scalar, field_type)).collect();
    values.sort_by(in_order);
    if policy.grouping == Grouping::PerValue {
        values.dedup();
    }
    let value = if values.is_empty() { Value::Null } else { Value::Array(values) };
    SuppressionTerm { field: field.to_owned(), value }
}

/// The value as the shell of a sequence, or a row of a query, has it: one value is no list.
fn own_term(document: &Document, field: &str) -> SuppressionTerm {
    let mut value = lookup(document, field).cloned().unwrap_or_default();
    if let Value::Array(items) = &mut value {
        items.sort_by(in_order);
        if items.is_empty() {
            value = Value::Null;
        }
    }
    SuppressionTerm { field: field.to_owned(), value }
}

/// A value as an index of ECS's types has it: a number in a keyword field is text there, and the other way round.
fn typed(scalar: Scalar<'_>, field_type: Option<FieldType>) -> Value {
    match (field_type, scalar) {
        (
            Some(FieldType::Keyword | FieldType::Wildcard | FieldType::Text | FieldType::MatchOnlyText),
            scalar,
        ) => Value::from(scalar.text()),
        (Some(FieldType::Long), Scalar::Str(text)) => {
            text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
        }
        (Some(FieldType::Double), Scalar::Str(text)) => {
            javascript_number::from_text(text).map_or_else(|| Value::from(text), Value::from)
        }
        (Some(FieldType::Boolean), Scalar::Str("true")) => Value::from(true),
        (Some(FieldType::Boolean), Scalar::Str("false")) => Value::from(false),
        (_, Scalar::Str(text)) => Value::from(text),
        (_, Scalar::Int(number)) => Value::from(number),
        (_, Scalar::Float(number)) => Value::from(number),
        (_, Scalar::Bool(value)) => Value::from(value),
    }
}

/// The order of JavaScript for values of one type: numbers by size, texts by UTF-16 code units. Values of several types,
/// which one field of an index never has, are ordered by type.
pub(crate) fn in_order(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Bool(_) => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Null => 5,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let float = |number: &serde_json::Number| number.as_f64().unwrap_or(f64::NAN);
            // Beyond 2^53 neighbours are one number to JavaScript; we keep them apart.
            float(a).total_cmp(&float(b)).then_with(|| a.as_i64().cmp(&b.as_i64()))
        }
        (Value::String(a), Value::String(b)) => a.encode_utf16().cmp(b.encode_utf16()),
        (a, b) => rank(a).cmp(&rank(b)).then_with(|| a.to_string().cmp(&b.to_string())),
    }
}
