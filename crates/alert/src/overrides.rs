//! Severity, risk score and rule name as the event would have them, where the rule lets it say.
//!
//! Source: elastic/kibana rule_types/utils/mappings.

use ecs::Document;
use rule::{Rule, Severity, SeverityMapping};
use serde_json::Value;

use crate::javascript_number;
use crate::source::lookup;

/// The one field whose mapped values are compared as whole numbers.
const EVENT_SEVERITY: &str = "event.severity";

/// What an alert says, after overrides.
#[derive(Debug, Clone, PartialEq)]
pub struct Overrides {
    /// The rule's name, or that which the event gives.
    pub rule_name: String,
    /// The highest severity that a mapping gives, or the rule's.
    pub severity: Severity,
    /// 0 to 100: that which the event gives, or the rule's.
    pub risk_score: f64,
}

impl Overrides {
    /// What the rule itself says, for alerts that take no overrides.
    pub fn none(rule: &Rule) -> Self {
        Self { rule_name: rule.name.clone(), severity: rule.severity, risk_score: f64::from(rule.risk_score) }
    }
}

/// Applies the rule's overrides to an event.
pub fn apply(rule: &Rule, document: &Document) -> Overrides {
    Overrides {
        rule_name: rule_name(rule, document),
        severity: severity(rule, document),
        risk_score: risk_score(rule, document),
    }
}

/// Only a text replaces the name; a list of texts does not.
fn rule_name(rule: &Rule, document: &Document) -> String {
    let named = rule.rule_name_override.as_deref().and_then(|field| lookup(document, field)?.as_str());
    named.unwrap_or(&rule.name).to_owned()
}

fn severity(rule: &Rule, document: &Document) -> Severity {
    let mapped = rule.severity_mapping.iter().filter(|mapping| applies(mapping, document));
    mapped.map(|mapping| mapping.severity).max().unwrap_or(rule.severity)
}

fn applies(mapping: &SeverityMapping, document: &Document) -> bool {
    let values = values(document, &mapping.field);
    if mapping.field == EVENT_SEVERITY {
        let wanted = javascript_number::from_text(&mapping.value).map(f64::floor);
        values.iter().any(|value| whole_number(value).is_some_and(|number| Some(number as f64) == wanted))
    } else {
        values.iter().any(|value| match value {
            Value::String(text) => *text == mapping.value,
            number => whole_number(number).is_some_and(|number| number.to_string() == mapping.value),
        })
    }
}

/// The largest valid score in the first mapping's field; further mappings have no effect.
fn risk_score(rule: &Rule, document: &Document) -> f64 {
    let default = f64::from(rule.risk_score);
    let Some(mapping) = rule.risk_score_mapping.first() else { return default };
    let scores = values(document, &mapping.field).iter().filter_map(score);
    scores.max_by(f64::total_cmp).unwrap_or(default)
}

fn score(value: &Value) -> Option<f64> {
    let score = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => javascript_number::from_text(text),
        _ => None,
    };
    score.filter(|score| (0.0..=100.0).contains(score))
}

/// The field's values: the elements of an array, or the one value.
fn values<'a>(document: &'a Document, field: &str) -> &'a [Value] {
    match lookup(document, field) {
        Some(Value::Array(items)) => items,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

fn whole_number(value: &Value) -> Option<i64> {
    javascript_number::safe_integer(value.as_f64()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::rule_fields::tests::rule;

    fn applied(rule_fields: Value, source: Value) -> Overrides {
        let Value::Object(map) = source else { panic!("not an object") };
        apply(&rule(rule_fields), &Document::from_map(map))
    }

    #[test]
    fn without_overrides_the_rule_speaks() {
        let found = applied(json!({}), json!({"event": {"severity": 99, "risk_score": 99}}));
        let expected =
            Overrides { rule_name: "My rule".to_owned(), severity: Severity::Low, risk_score: 21.0 };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_risk_score_is_read_from_the_first_mapping() {
        let mapping = json!({"risk_score_mapping": [
            {"field": "x.score", "operator": "equals", "value": "7", "risk_score": 8},
            {"field": "x.second", "operator": "equals", "value": ""}
        ]});
        for (source, expected) in [
            (json!({"x": {"score": 73}}), 73.0),
            (json!({"x.score": 73.5}), 73.5),
            (json!({"x": {"score": "47"}}), 47.0),
            (json!({"x": {"score": 0}}), 0.0),
            (json!({"x": {"score": 100}}), 100.0),
            (json!({"x": {"score": 100.5}}), 21.0),
            (json!({"x": {"score": -1}}), 21.0),
            (json!({"x": {"score": "high"}}), 21.0),
            (json!({"x": {"score": ""}}), 21.0),
            (json!({"x": {"score": true}}), 21.0),
            (json!({"x": {"score": [10, "99", 50, 1000, null]}}), 99.0),
            (json!({"x": {"score": []}}), 21.0),
            (json!({"x": {"second": 90}}), 21.0),
        ] {
            assert_eq!(applied(mapping.clone(), source.clone()).risk_score, expected, "{source}");
        }
    }

    #[test]
    fn the_highest_severity_that_applies_wins() {
        let mapping = json!({"severity": "medium", "severity_mapping": [
            {"field": "x.level", "operator": "equals", "value": "bad", "severity": "critical"},
            {"field": "x.level", "operator": "equals", "value": "7", "severity": "high"},
            {"field": "x.level", "operator": "equals", "value": "fine", "severity": "low"},
            {"field": "event.severity", "operator": "equals", "value": "47.9", "severity": "low"},
            {"field": "event.severity", "operator": "equals", "value": "73", "severity": "high"}
        ]});
        for (source, expected) in [
            (json!({"x": {"level": "bad"}}), Severity::Critical),
            (json!({"x": {"level": "Bad"}}), Severity::Medium),
            (json!({"x": {"level": 7}}), Severity::High),
            (json!({"x": {"level": 7.0}}), Severity::High),
            (json!({"x": {"level": 7.5}}), Severity::Medium),
            (json!({"x": {"level": "fine"}}), Severity::Low),
            (json!({"x": {"level": ["fine", 7]}}), Severity::High),
            (json!({"x": {"level": true}}), Severity::Medium),
            (json!({"event": {"severity": 47}}), Severity::Low),
            (json!({"event.severity": [47, 73]}), Severity::High),
            (json!({"event": {"severity": "73"}}), Severity::Medium),
            (json!({"event": {"severity": 73.5}}), Severity::Medium),
            (json!({}), Severity::Medium),
        ] {
            assert_eq!(applied(mapping.clone(), source.clone()).severity, expected, "{source}");
        }
    }

    #[test]
    fn only_a_text_replaces_the_name() {
        let mapping = json!({"rule_name_override": "event.action"});
        for (source, expected) in [
            (json!({"event": {"action": "DisableKey"}}), "DisableKey"),
            (json!({"event.action": "DisableKey"}), "DisableKey"),
            (json!({"event": {"action": ["DisableKey"]}}), "My rule"),
            (json!({"event": {"action": 7}}), "My rule"),
            (json!({}), "My rule"),
        ] {
            assert_eq!(applied(mapping.clone(), source.clone()).rule_name, expected, "{source}");
        }
    }
}
