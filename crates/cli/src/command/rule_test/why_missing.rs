//! Why there is no alert about an event: the clauses of the rule that it fails, with the values seen.

use ecs::Known;
use engine::Plan;
use engine::finisher::Finisher;
use ingest::decode::RawRecord;
use matcher::Explanation;
use rule::rule_test::ExpectedAlert;
use serde_json::Value;

use super::given_events::GivenEvent;
use super::test_run::Bench;
use crate::command::explain::{event_of, in_one_line};

/// Of so many events it is said why.
const EVENTS: usize = 5;

/// Why the events of an expected alert, or else those of the test, gave none: lines for people. `bench` is at the time
/// of the test.
pub(super) fn why_missing(
    bench: &Bench<'_>,
    plan: &Plan<'_>,
    events: &[GivenEvent],
    expected: &ExpectedAlert,
) -> Vec<String> {
    let wanted: Vec<&GivenEvent> = match &expected.events {
        Some(ids) => ids.iter().filter_map(|id| events.iter().find(|event| event.id == id.value)).collect(),
        None => events.iter().filter(|event| !event.is_history).collect(),
    };
    wanted.into_iter().take(EVENTS).flat_map(|event| why(bench, plan, event)).collect()
}

fn why(bench: &Bench<'_>, plan: &Plan<'_>, event: &GivenEvent) -> Vec<String> {
    let Some(planned) = plan.rules.first() else { return Vec::new() };
    let text = Value::Object(event.record.clone()).to_string();
    let record = RawRecord::new(event.kind, &text, 0);
    let Some(seen) = event_of(&record, bench.enrichment, bench.context) else { return Vec::new() };
    let id = &event.id;
    if !planned.patterns.matches(&seen.stream) {
        let stream = &seen.stream;
        return vec![format!("{id}: the index patterns of the rule do not reach its data stream, {stream}")];
    }
    let table = &plan.table;
    let view = seen.document.view(table);
    let excepted = planned.exceptions.iter().filter(|item| item.predicate.eval(&view) == Known::Yes);
    let mut lines: Vec<String> = excepted
        .map(|item| {
            format!("{id}: the exception `{}` of the list `{}` takes it out", item.name, item.list_id)
        })
        .collect();
    let failed = |explanation: &Explanation| -> Vec<String> {
        explanation.blame().into_iter().map(in_one_line).collect()
    };
    let filters = plan.filters_of(planned);
    let explanations: Vec<(&str, Explanation)> = filters
        .iter()
        .map(|filter| (filter.name.as_str(), matcher::explain(&filter.predicate, &view, table)))
        .collect();
    if let [(_, explanation)] = &explanations[..] {
        if !explanation.passed {
            lines.extend(failed(explanation).into_iter().map(|clause| format!("{id}: it fails {clause}")));
        } else if !lines.is_empty() {
            // What took it out has been named.
        } else if matches!(planned.finisher, Finisher::EachEvent) {
            lines.push(format!("{id}: it passes the query"));
        } else {
            lines.push(format!("{id}: it passes the query, and that is not enough for an alert"));
        }
        return lines;
    }
    let passed: Vec<&str> =
        explanations.iter().filter(|(_, explanation)| explanation.passed).map(|(name, _)| *name).collect();
    if !passed.is_empty() {
        lines.push(format!("{id}: it passes {}", passed.join(", ")));
        return lines;
    }
    lines.push(format!("{id}: it passes no stage"));
    for (name, explanation) in &explanations {
        let clauses = failed(explanation);
        if !clauses.is_empty() {
            lines.push(format!("  {name}: it fails {}", clauses.join(" and ")));
        }
    }
    lines
}
