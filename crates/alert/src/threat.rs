//! From an event that matches indicators to what its alert says of them: `threat.enrichments`.
//!
//! Source: elastic/kibana rule_types/indicator_match/threat_mapping/enrich_signal_threat_matches.ts.

use ecs::Document;
use rule::rule_type::RuleType;
use serde_json::{Map, Value, json};

use crate::hit::{EventHit, IndicatorMatch, ThreatHit};
use crate::rule_fields::AlertRule;
use crate::source::lookup;

/// Where an event has what is known of the indicators that it matches.
const ENRICHMENTS: &str = "threat.enrichments";
/// Where an indicator has the name of its feed.
const FEED_NAME: &str = "threat.feed.name";
/// Where an indicator has its details, for a rule that does not say it.
const DEFAULT_INDICATOR_PATH: &str = "threat.indicator";

/// The event with an element of `threat.enrichments` for each match, after those that it had already.
pub(crate) fn enriched(hit: &ThreatHit, rule: &AlertRule<'_>) -> EventHit {
    let path = match &rule.rule.rule_type {
        RuleType::ThreatMatch(own) => own.threat_indicator_path.as_str(),
        _ => DEFAULT_INDICATOR_PATH,
    };
    let mut event = hit.event.clone();
    let mut enrichments = match lookup(&event.document, ENRICHMENTS) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
    };
    enrichments.extend(hit.matches.iter().map(|found| enrichment(found, path)));
    let map = event.document.as_map();
    if !map.contains_key(ENRICHMENTS) && map.get("threat").is_none_or(Value::is_object) {
        event.document.set(ENRICHMENTS, enrichments);
    } else {
        event.document.as_map_mut().insert(ENRICHMENTS.to_owned(), Value::Array(enrichments));
    }
    event
}

fn enrichment(found: &IndicatorMatch, path: &str) -> Value {
    let IndicatorMatch { indicator, field, atomic } = found;
    let mut feed = Map::new();
    if let Some(name) = lookup(&indicator.document, FEED_NAME).filter(|name| !is_empty(name)) {
        feed.insert("name".to_owned(), name.clone());
    }
    json!({
        // What is no object does not fit ECS, and is left out of the alert with a warning like any such value.
        "indicator": details(&indicator.document, path),
        "feed": feed,
        "matched": {
            "atomic": atomic,
            "field": field,
            "id": indicator.id,
            "index": indicator.index,
            "type": "indicator_match_rule",
        },
    })
}

/// What an indicator has at `path`; of several objects the first. An indicator written with dotted names has the object
/// that they make.
fn details(indicator: &Document, path: &str) -> Value {
    match lookup(indicator, path) {
        Some(Value::Array(items)) => items.first().cloned().unwrap_or_else(|| json!({})),
        Some(Value::Null) => json!({}),
        Some(value) => value.clone(),
        None => {
            let below = |(key, value): (&String, &Value)| {
                let rest = key.strip_prefix(path)?.strip_prefix('.')?;
                Some((rest.to_owned(), value.clone()))
            };
            Value::Object(indicator.as_map().iter().filter_map(below).collect())
        }
    }
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Null) || value.as_str().is_some_and(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::build::{BuildOutcome, build};
    use crate::document::Alert;
    use crate::hit::Hit;
    use crate::identity::event_alert_uuid;
    use crate::rule_fields::tests::{context, rule};

    fn event(id: &str, source: Value) -> EventHit {
        let Value::Object(map) = source else { panic!("not an object") };
        EventHit { document: Document::from_map(map), id: id.to_owned(), index: "logs-a".to_owned() }
    }

    fn found(indicator: Value) -> IndicatorMatch {
        IndicatorMatch {
            indicator: event("i1", indicator),
            field: "source.ip".to_owned(),
            atomic: json!("192.0.2.1"),
        }
    }

    fn alert(source: Value, matches: Vec<IndicatorMatch>, rule_fields: Value) -> Alert {
        let rule = rule(rule_fields);
        let hit = Hit::Threat(ThreatHit { event: event("doc1", source), matches });
        match build(&hit, &AlertRule::new(&rule), &context()) {
            BuildOutcome::Alert(alert) => *alert,
            other => panic!("no alert: {other:?}"),
        }
    }

    fn enrichments(alert: &Alert) -> Vec<Value> {
        alert.document().nodes(ENRICHMENTS).into_iter().cloned().collect()
    }

    fn indicator_rule(path: &str) -> Value {
        json!({
            "type": "threat_match", "query": "*:*", "threat_query": "*:*", "threat_index": ["logs-ti_*"],
            "threat_indicator_path": path,
            "threat_mapping": [{"entries": [{"field": "source.ip", "type": "mapping", "value": "threat.indicator.ip"}]}],
        })
    }

    #[test]
    fn each_match_is_told_with_the_indicator_and_its_feed() {
        let indicator = json!({"threat": {"indicator": {"ip": "192.0.2.1", "type": "ipv4-addr"}, "feed": {"name": "Ours"}}});
        let source = json!({"source": {"ip": "192.0.2.1"}, "threat": {"framework": "F"}});
        let alert = alert(source, vec![found(indicator)], indicator_rule("threat.indicator"));
        assert_eq!(
            enrichments(&alert),
            [json!([{
                "indicator": {"ip": "192.0.2.1", "type": "ipv4-addr"},
                "feed": {"name": "Ours"},
                "matched": {
                    "atomic": "192.0.2.1", "field": "source.ip", "id": "i1", "index": "logs-a",
                    "type": "indicator_match_rule"
                }
            }])]
        );
        assert_eq!(alert.document().text("threat.framework"), Some("F"));
        let expected = event_alert_uuid("logs-a", "doc1", "default", "rule-1");
        assert_eq!(alert.uuid(), Some(expected.as_str()), "the id is that of an alert about the event");
    }

    #[test]
    fn what_was_known_of_the_event_before_comes_first() {
        let earlier = json!({"matched": {"atomic": "before"}});
        for source in [
            json!({"threat": {"enrichments": [earlier.clone()]}}),
            json!({"threat": {"enrichments": earlier.clone()}}),
            json!({"threat.enrichments": [earlier.clone()]}),
            json!({"threat.enrichments": [earlier.clone()], "threat": {"framework": "F"}}),
        ] {
            let alert = alert(source.clone(), vec![found(json!({}))], indicator_rule("threat.indicator"));
            let values = alert.document().values("threat.enrichments.matched.atomic");
            let atomics: Vec<String> = values.into_iter().map(|value| value.text().into_owned()).collect();
            assert_eq!(atomics, ["before", "192.0.2.1"], "{source}");
        }
    }

    #[test]
    fn the_details_lie_where_the_rule_says() {
        for (path, indicator, expected) in [
            ("threat.indicator", json!({"threat": {"indicator": [{"ip": "a1"}, {"ip": "b"}]}}), json!("a1")),
            ("threat.indicator", json!({"threat.indicator": {"name": "a2"}}), json!("a2")),
            (
                "threat.indicator",
                json!({"threat.indicator.name": "a3", "threat.feed.name": "x"}),
                json!("a3"),
            ),
            ("own.vulnerability", json!({"own": {"vulnerability": {"id": "a4"}}}), json!("a4")),
            ("threat.indicator", json!({"own": {"vulnerability": {"id": "a4"}}}), Value::Null),
        ] {
            let found = details(&event("i", indicator.clone()).document, path);
            let value =
                ["ip", "name", "id"].iter().find_map(|key| found.get(key)).cloned().unwrap_or_default();
            assert_eq!(value, expected, "{indicator}");
        }
    }

    #[test]
    fn details_that_are_no_object_are_left_out_and_told() {
        let alert = alert(
            json!({}),
            vec![found(json!({"threat": {"indicator": "text"}}))],
            indicator_rule("threat.indicator"),
        );
        let removed: Vec<&str> = alert.warnings().iter().map(|w| w.path.as_str()).collect();
        assert_eq!(removed, ["threat.enrichments.indicator"]);
        assert_eq!(alert.document().values("threat.enrichments.matched.id").len(), 1);
    }
}
