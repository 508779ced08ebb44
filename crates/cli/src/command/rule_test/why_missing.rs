//! Why there is no alert about an event: the clauses of the rule that it fails, with the values seen.

use engine::Plan;
use engine::finisher::Finisher;
use ingest::decode::RawRecord;
use rule::rule_test::ExpectedAlert;
use serde_json::Value;

use super::given_events::GivenEvent;
use super::test_run::Bench;
use crate::command::explain::{event_of, in_one_line};

/// Of so many events it is said why.
const EVENTS: usize = 5;

/// Why the events of an expected alert, or else those of the test, gave none.
pub(super) fn why_missing(
    bench: &Bench,
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

fn why(bench: &Bench, plan: &Plan<'_>, event: &GivenEvent) -> Vec<String> {
    let Some(planned) = plan.rules.first() else { return Vec::new() };
    let text = Value::Object(event.record.clone()).to_string();
    let record = RawRecord::new(event.kind, &text, 0);
    let Some(seen) = event_of(&record, &bench.enrichment, bench.context) else { return Vec::new() };
    let id = &event.id;
    if !planned.patterns.matches(&seen.stream) {
        return vec![format!(
            "{id}: the index patterns of the rule do not reach its data stream, {}",
            seen.stream
        )];
    }
    let view = seen.document.view(&plan.table);
    let explanations = plan
        .filters_of(planned)
        .iter()
        .map(|filter| (filter.name.as_str(), matcher::explain(&filter.predicate, &view, &plan.table)));
    let explanations: Vec<_> = explanations.collect();
    if let [(_, explanation)] = &explanations[..] {
        let passed = match planned.finisher {
            Finisher::EachEvent => "it passes the query",
            _ => "it passes the query; that gave no alert",
        };
        if explanation.passed {
            return vec![format!("{id}: {passed}")];
        }
        let clauses = explanation.blame().into_iter().map(in_one_line);
        return clauses.map(|clause| format!("{id}: it fails {clause}")).collect();
    }
    let passed: Vec<&str> =
        explanations.iter().filter(|(_, explanation)| explanation.passed).map(|(name, _)| *name).collect();
    if !passed.is_empty() {
        return vec![format!("{id}: it passes {}", passed.join(", "))];
    }
    let mut lines = vec![format!("{id}: it passes no stage")];
    for (name, explanation) in &explanations {
        let clauses: Vec<String> = explanation.blame().into_iter().map(in_one_line).collect();
        lines.push(format!("  {name}: it fails {}", clauses.join(" and ")));
    }
    lines
}
