//! The rule on its alert: `kibana.alert.rule.*`.
//!
//! Source: elastic/kibana rule_types/factories/utils/build_alert.ts, rule_registry get_common_alert_fields.ts.

use std::sync::{Arc, OnceLock};

use rule::Rule;
use serde_json::{Map, Value};

use crate::context::AlertContext;
use crate::fields;
use crate::run_fields::put_run_fields;
use crate::shared_fields::SharedFields;
use crate::source::flatten_into;

/// What is copied under the name that Kibana's API gives it, when the rule has it. Severity and risk score are those
/// before overrides.
const COPIED: [&str; 34] = [
    "actions",
    "author",
    "building_block_type",
    "created_at",
    "description",
    "enabled",
    "exceptions_list",
    "false_positives",
    "from",
    "immutable",
    "interval",
    "license",
    "max_signals",
    "namespace",
    "note",
    "references",
    "revision",
    "risk_score",
    "risk_score_mapping",
    "rule_id",
    "rule_name_override",
    "setup",
    "severity",
    "severity_mapping",
    "tags",
    "threat",
    "throttle",
    "timeline_id",
    "timeline_title",
    "timestamp_override",
    "to",
    "type",
    "updated_at",
    "version",
];

/// What says how a rule is kept and scheduled and not what it does, so that it is no parameter.
const NO_PARAMETERS: [&str; 13] = [
    "actions",
    "created_at",
    "created_by",
    "enabled",
    "id",
    "interval",
    "name",
    "output_index",
    "revision",
    "tags",
    "throttle",
    "updated_at",
    "updated_by",
];

/// A rule with what each of its alerts says about it, worked out once for all alerts of a run.
#[derive(Debug, Clone)]
pub struct AlertRule<'r> {
    pub(crate) rule: &'r Rule,
    /// Of the first run that had an alert. Worked out with that alert: most rules of a run have none.
    shared: OnceLock<(AlertContext, Arc<SharedFields>)>,
}

impl<'r> AlertRule<'r> {
    /// The rule as its alerts show it.
    pub fn new(rule: &'r Rule) -> Self {
        Self { rule, shared: OnceLock::new() }
    }

    /// Can an event change the severity, the risk score or the name of the rule on its alerts?
    pub fn has_overrides(&self) -> bool {
        let rule = self.rule;
        rule.rule_name_override.is_some()
            || !rule.severity_mapping.is_empty()
            || !rule.risk_score_mapping.is_empty()
    }

    /// The fields that do not depend on the event, flat: `kibana.alert.rule.*`, and those of the run.
    pub(crate) fn shared(&self, context: &AlertContext) -> Arc<SharedFields> {
        let make = || Arc::new(SharedFields::new(shared_fields(self.rule, context)));
        let (of_run, shared) = self.shared.get_or_init(|| (context.clone(), make()));
        if of_run == context { shared.clone() } else { make() }
    }
}

fn shared_fields(rule: &Rule, context: &AlertContext) -> Map<String, Value> {
    let object = rule::format::rule_object(rule);
    let mut found = Map::new();
    for name in COPIED {
        if let Some(value) = object.get(name) {
            found.insert(format!("{}.{name}", fields::RULE), value.clone());
        }
    }
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    put_run_fields(&mut put, context);
    put(fields::RULE_UUID, rule.uuid.as_str().into());
    put(fields::RULE_CATEGORY, rule.rule_type.display_name().into());
    put(fields::RULE_CONSUMER, "siem".into());
    put(fields::RULE_PRODUCER, "siem".into());
    put(fields::RULE_TYPE_ID, rule.rule_type.rule_type_id().into());
    put(fields::RULE_INDICES, object.get("index").cloned().unwrap_or_else(|| Value::Array(Vec::new())));
    put(fields::RULE_CREATED_BY, rule.created_by.as_deref().unwrap_or_default().into());
    put(fields::RULE_UPDATED_BY, rule.updated_by.as_deref().unwrap_or_default().into());
    put(fields::RULE_PARAMETERS, Value::Object(parameters(rule, object)));
    if let Some(meta) = &rule.meta {
        flatten_into(fields::RULE_META, meta, &mut found);
    }
    found
}

/// What the rule does. Keys that we do not know are no parameters; the rule's file keeps them.
fn parameters(rule: &Rule, object: Map<String, Value>) -> Map<String, Value> {
    object
        .into_iter()
        .filter(|(name, _)| !NO_PARAMETERS.contains(&name.as_str()) && !rule.extra.contains_key(name))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::Path;

    use serde_json::json;

    use crate::context::ExecutionType;

    /// A small query rule with some fields of its own.
    pub(crate) fn rule(own: Value) -> Rule {
        let mut object = json!({
            "id": "rule-1", "rule_id": "my-rule", "name": "My rule", "description": "Says what it finds.",
            "severity": "low", "risk_score": 21, "type": "query", "query": "event.action: DisableKey",
            "index": ["logs-aws.cloudtrail-*"]
        });
        let Value::Object(own) = own else { panic!("not an object") };
        for (key, value) in own {
            object[key] = value;
        }
        let loaded = rule::format::ndjson::read(&object.to_string(), Path::new("rule.ndjson"));
        assert!(loaded.is_ok(), "{:?}", loaded.diagnostics);
        loaded.rules.into_iter().next().expect("one rule")
    }

    /// Every `kibana.alert.rule.*` field.
    pub(crate) fn all_fields(rule: &Rule, rule_name: &str) -> Map<String, Value> {
        let mut found = AlertRule::new(rule).shared(&context()).document().as_map().clone();
        found.retain(|name, _| name.starts_with(fields::RULE));
        found.insert(fields::RULE_NAME.to_owned(), rule_name.into());
        found
    }

    pub(crate) fn context() -> AlertContext {
        AlertContext {
            space: "default".to_owned(),
            detected_at: "2024-01-01T00:05:00Z".parse().expect("an instant"),
            execution_uuid: "execution-1".to_owned(),
            execution_type: ExecutionType::Scheduled,
            intended_timestamp: None,
            base_url: None,
            version: "0.1.0".to_owned(),
        }
    }

    #[test]
    fn a_rule_is_told_with_its_defaults() {
        let found = all_fields(&rule(json!({})), "Other name");
        let expected: Value = serde_json::from_str(
            r#"{
            "kibana.alert.rule.actions": [],
            "kibana.alert.rule.author": [],
            "kibana.alert.rule.category": "Custom Query Rule",
            "kibana.alert.rule.consumer": "siem",
            "kibana.alert.rule.created_by": "",
            "kibana.alert.rule.description": "Says what it finds.",
            "kibana.alert.rule.enabled": true,
            "kibana.alert.rule.exceptions_list": [],
            "kibana.alert.rule.execution.timestamp": "2024-01-01T00:05:00.000Z",
            "kibana.alert.rule.execution.type": "scheduled",
            "kibana.alert.rule.execution.uuid": "execution-1",
            "kibana.alert.rule.false_positives": [],
            "kibana.alert.rule.from": "now-6m",
            "kibana.alert.rule.immutable": false,
            "kibana.alert.rule.indices": ["logs-aws.cloudtrail-*"],
            "kibana.alert.rule.interval": "5m",
            "kibana.alert.rule.max_signals": 100,
            "kibana.alert.rule.name": "Other name",
            "kibana.alert.rule.parameters": {
                "author": [],
                "description": "Says what it finds.",
                "exceptions_list": [],
                "false_positives": [],
                "from": "now-6m",
                "immutable": false,
                "index": ["logs-aws.cloudtrail-*"],
                "language": "kuery",
                "max_signals": 100,
                "query": "event.action: DisableKey",
                "references": [],
                "related_integrations": [],
                "required_fields": [],
                "risk_score": 21,
                "risk_score_mapping": [],
                "rule_id": "my-rule",
                "setup": "",
                "severity": "low",
                "severity_mapping": [],
                "threat": [],
                "to": "now",
                "type": "query",
                "version": 1
            },
            "kibana.alert.rule.producer": "siem",
            "kibana.alert.rule.references": [],
            "kibana.alert.rule.revision": 0,
            "kibana.alert.rule.risk_score": 21,
            "kibana.alert.rule.risk_score_mapping": [],
            "kibana.alert.rule.rule_id": "my-rule",
            "kibana.alert.rule.rule_type_id": "siem.queryRule",
            "kibana.alert.rule.setup": "",
            "kibana.alert.rule.severity": "low",
            "kibana.alert.rule.severity_mapping": [],
            "kibana.alert.rule.tags": [],
            "kibana.alert.rule.threat": [],
            "kibana.alert.rule.to": "now",
            "kibana.alert.rule.type": "query",
            "kibana.alert.rule.updated_by": "",
            "kibana.alert.rule.uuid": "rule-1",
            "kibana.alert.rule.version": 1
        }"#,
        )
        .expect("valid JSON");
        assert_eq!(Value::Object(found), expected);
    }

    #[test]
    fn what_people_need_for_triage_is_carried_along() {
        let threat = json!([{
            "framework": "MITRE ATT&CK",
            "tactic": {"id": "TA0040", "name": "Impact", "reference": "https://attack.mitre.org/tactics/TA0040/"},
            "technique": [{
                "id": "T1485", "name": "Data Destruction", "reference": "https://attack.mitre.org/techniques/T1485/",
                "subtechnique": [{
                    "id": "T1485.001", "name": "Lifecycle-Triggered Deletion",
                    "reference": "https://attack.mitre.org/techniques/T1485/001/"
                }]
            }]
        }]);
        let own = json!({
            "note": "## Look first", "setup": "Send events.", "references": ["https://example.org"],
            "false_positives": ["Planned work."], "threat": threat, "tags": ["AWS"], "license": "Apache-2.0",
            "timestamp_override": "event.ingested", "created_by": "ann", "updated_at": "2024-01-01T00:00:00.000Z",
            "building_block_type": "default", "timeline_id": "t1", "timeline_title": "T",
            "meta": {"from": "1m", "deep": {"a": [1]}}, "rule_name_override": "event.action"
        });
        let found = all_fields(&rule(own.clone()), "My rule");
        for (name, value) in own.as_object().expect("an object") {
            if name != "meta" {
                assert_eq!(found.get(&format!("kibana.alert.rule.{name}")), Some(value), "{name}");
            }
        }
        assert_eq!(found["kibana.alert.rule.meta.from"], "1m");
        assert_eq!(found["kibana.alert.rule.meta.deep.a"], json!([1]));
        assert!(!found.contains_key("kibana.alert.rule.meta"));
        let parameters = &found["kibana.alert.rule.parameters"];
        assert_eq!(parameters["note"], "## Look first");
        assert_eq!(parameters["threat"], threat);
        assert_eq!(parameters["building_block_type"], "default");
    }

    #[test]
    fn parameters_hold_what_only_the_rule_type_has() {
        let own = json!({
            "type": "new_terms", "new_terms_fields": ["user.name"], "history_window_start": "now-7d",
            "alert_suppression": {"group_by": ["user.name"], "duration": {"value": 2, "unit": "h"}},
            "output_index": "elsewhere", "nobody_knows": 1
        });
        let mut rule = rule(own);
        rule.extra.insert("nobody_knows".to_owned(), json!(1));
        let found = all_fields(&rule, "My rule");
        let parameters = &found["kibana.alert.rule.parameters"];
        assert_eq!(parameters["new_terms_fields"], json!(["user.name"]));
        assert_eq!(parameters["history_window_start"], "now-7d");
        assert_eq!(parameters["alert_suppression"]["duration"], json!({"value": 2, "unit": "h"}));
        assert_eq!(parameters.get("output_index"), None);
        assert_eq!(parameters.get("nobody_knows"), None);
        assert_eq!(found["kibana.alert.rule.category"], "New Terms Rule");
        assert_eq!(found["kibana.alert.rule.rule_type_id"], "siem.newTermsRule");
    }

    #[test]
    fn the_copied_names_are_in_order_and_no_name_is_written_twice() {
        assert!(COPIED.is_sorted() && NO_PARAMETERS.is_sorted());
        for name in [fields::RULE_UUID, fields::RULE_NAME, fields::RULE_CREATED_BY, fields::RULE_UPDATED_BY] {
            assert!(!COPIED.iter().any(|copied| name.ends_with(&format!(".{copied}"))), "{name}");
        }
    }
}
