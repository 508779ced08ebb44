//! A [`Rule`] as an object of Kibana's API.

use serde_json::{Map, Value, json};

use ecs::Interval;

use crate::filter::Filter;
use crate::rule::Rule;
use crate::rule_type::{EventSource, RuleType};
use crate::suppression::AlertSuppression;

/// The rule in Kibana's terms, with every default written out and absent texts left out.
///
/// This is the meaning of the rule, not what its file says: the interval `60m` comes out as `1h`, and the guide with
/// its placeholders filled in. To write a file back use [`toml::write`](super::toml::write) or
/// [`ndjson::write`](super::ndjson::write).
pub fn rule_object(rule: &Rule) -> Map<String, Value> {
    let mut object = Object::default();
    object.put("id", &rule.uuid);
    object.put("rule_id", &rule.rule_id);
    object.put("name", &rule.name);
    object.put("description", &rule.description);
    object.put("type", rule.rule_type.name());
    object.put("severity", rule.severity);
    object.put("risk_score", rule.risk_score);
    object.put("version", rule.version);
    object.put("revision", rule.revision);
    object.put("enabled", rule.enabled);
    object.put("interval", rule.interval.to_string());
    object.put("from", rule.from.to_string());
    object.put("to", rule.to.to_string());
    object.put("max_signals", rule.max_signals);
    object.put_some("timestamp_override", rule.timestamp_override.as_ref());
    if rule.timestamp_override_fallback_disabled {
        object.put("timestamp_override_fallback_disabled", true);
    }
    object.put_some("rule_name_override", rule.rule_name_override.as_ref());
    if rule.building_block {
        object.put("building_block_type", "default");
    }
    object.put("author", &rule.author);
    object.put_some("license", rule.license.as_ref());
    object.put("tags", &rule.tags);
    object.put("references", &rule.references);
    object.put("false_positives", &rule.false_positives);
    object.put_some("note", rule.note.as_ref());
    object.put("setup", &rule.setup);
    object.put("threat", &rule.threat);
    object.put("severity_mapping", &rule.severity_mapping);
    object.put("risk_score_mapping", &rule.risk_score_mapping);
    if !rule.investigation_fields.is_empty() {
        object.put("investigation_fields", json!({ "field_names": rule.investigation_fields }));
    }
    object.put_some("timeline_id", rule.timeline_id.as_ref());
    object.put_some("timeline_title", rule.timeline_title.as_ref());
    object.put("exceptions_list", &rule.exceptions_list);
    object.put("related_integrations", &rule.related_integrations);
    object.put("required_fields", &rule.required_fields);
    object.put("actions", &rule.actions);
    if !rule.response_actions.is_empty() {
        object.put("response_actions", &rule.response_actions);
    }
    object.put_some("meta", rule.meta.as_ref());
    object.put_some("namespace", rule.namespace.as_ref());
    object.put_some("throttle", rule.throttle.as_ref());
    object.put_some("created_at", rule.created_at.as_ref());
    object.put_some("created_by", rule.created_by.as_ref());
    object.put_some("updated_at", rule.updated_at.as_ref());
    object.put_some("updated_by", rule.updated_by.as_ref());
    object.put("immutable", rule.immutable);
    object.put_some("rule_source", rule.rule_source.as_ref());
    put_rule_type(&mut object, &rule.rule_type);
    for (key, value) in &rule.extra {
        object.0.insert(key.clone(), value.clone());
    }
    object.0
}

/// `written` with what differs between `before`, the meaning of what was written, and `now`.
pub(super) fn merge(
    written: &Map<String, Value>,
    before: &Map<String, Value>,
    now: &Map<String, Value>,
) -> Map<String, Value> {
    let mut merged = Map::new();
    for (key, value) in written {
        if before.get(key) == now.get(key) {
            merged.insert(key.clone(), value.clone());
        } else if let Some(value) = now.get(key) {
            merged.insert(key.clone(), value.clone());
        }
    }
    for (key, value) in now {
        if before.get(key) != Some(value) && !written.contains_key(key) {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged
}

fn put_rule_type(object: &mut Object, rule_type: &RuleType) {
    if let Some(source) = rule_type.source() {
        put_source(object, source);
    }
    if let Some((query, language)) = rule_type.query() {
        object.put("query", query);
        object.put("language", language.name());
    }
    match rule_type {
        RuleType::Query(rule) => object.put_some("saved_id", rule.saved_id.as_ref()),
        RuleType::SavedQuery(rule) => {
            object.put("saved_id", &rule.saved_id);
            object.put("language", rule.language.name());
        }
        RuleType::Eql(rule) => {
            object.put_some("event_category_override", rule.event_category_override.as_ref());
            object.put_some("tiebreaker_field", rule.tiebreaker_field.as_ref());
            object.put_some("timestamp_field", rule.timestamp_field.as_ref());
        }
        RuleType::Esql(_) => {}
        RuleType::Threshold(rule) => {
            object.put_some("saved_id", rule.saved_id.as_ref());
            let mut threshold = json!({ "field": rule.threshold.field, "value": rule.threshold.value });
            if !rule.threshold.cardinality.is_empty() {
                threshold["cardinality"] = json!(rule.threshold.cardinality);
            }
            object.put("threshold", threshold);
        }
        RuleType::ThreatMatch(rule) => {
            object.put_some("saved_id", rule.saved_id.as_ref());
            object.put("threat_index", &rule.threat_index);
            object.put("threat_query", &rule.threat_query);
            object.put("threat_language", rule.threat_language.name());
            if !rule.threat_filters.is_empty() {
                object.put("threat_filters", raw(&rule.threat_filters));
            }
            object.put("threat_mapping", &rule.threat_mapping);
            object.put("threat_indicator_path", &rule.threat_indicator_path);
            object.put_some("concurrent_searches", rule.concurrent_searches);
            object.put_some("items_per_search", rule.items_per_search);
        }
        RuleType::MachineLearning(rule) => {
            // Kibana's schema has an integer; files keep the form without a fraction.
            let threshold = rule.anomaly_threshold;
            match threshold.fract() == 0.0 && threshold.abs() < 1e15 {
                true => object.put("anomaly_threshold", threshold as i64),
                false => object.put("anomaly_threshold", threshold),
            }
            object.put("machine_learning_job_id", &rule.machine_learning_job_id);
        }
        RuleType::NewTerms(rule) => {
            object.put("new_terms_fields", &rule.new_terms_fields);
            object.put("history_window_start", rule.history_window_start.to_string());
        }
    }
    if let Some(suppression) = rule_type.suppression() {
        put_suppression(object, suppression, matches!(rule_type, RuleType::Threshold(_)));
    }
}

fn put_source(object: &mut Object, source: &EventSource) {
    object.put_some("index", source.index.as_ref());
    object.put_some("data_view_id", source.data_view_id.as_ref());
    if !source.filters.is_empty() {
        object.put("filters", raw(&source.filters));
    }
}

fn raw(filters: &[Filter]) -> Vec<&Value> {
    filters.iter().map(|filter| &filter.raw).collect()
}

fn put_suppression(object: &mut Object, suppression: &AlertSuppression, duration_only: bool) {
    let mut value = Object::default();
    if !duration_only {
        value.put("group_by", &suppression.group_by);
    }
    if let Some(duration) = suppression.duration {
        value.put("duration", duration_object(duration));
    }
    if !duration_only {
        value.put("missing_fields_strategy", suppression.missing_fields.name());
    }
    object.put("alert_suppression", value.0);
}

/// Suppression knows no days.
fn duration_object(duration: Interval) -> Value {
    let seconds = duration.as_seconds();
    let (scale, unit) = match seconds {
        s if s % 3_600 == 0 => (3_600, "h"),
        s if s % 60 == 0 => (60, "m"),
        _ => (1, "s"),
    };
    json!({ "value": seconds / scale, "unit": unit })
}

#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    /// Our values are texts, numbers, lists and maps with text keys, which are always JSON.
    fn put(&mut self, key: &str, value: impl serde::Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.insert(key.to_owned(), value);
        }
    }

    fn put_some(&mut self, key: &str, value: Option<impl serde::Serialize>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }
}
