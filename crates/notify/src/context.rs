//! What templates can say: the rule, the execution, and the alerts, under the names that Kibana gives them.
//!
//! Source: Elastic Security docs, "Create a detection rule", alert notification placeholders; elastic/kibana
//! x-pack/plugins/alerting/server/task_runner/transform_action_params.ts.

use ecs::{Document, Timestamp};
use rule::{Rule, Severity};
use serde_json::{Map, Value, json};

/// What messages say about a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleFacts {
    /// The stable name, `rule_id`.
    pub rule_id: String,
    /// The id under which this installation keeps the rule.
    pub uuid: String,
    /// Its name, before overrides.
    pub name: String,
    /// Before overrides.
    pub severity: Severity,
    /// Kibana's name of the rule's type in the alerting framework, for example `siem.queryRule`.
    pub rule_type_id: String,
    /// Its labels.
    pub tags: Vec<String>,
    /// All of it, in Kibana's terms and in snake case.
    pub object: Map<String, Value>,
}

impl RuleFacts {
    /// The facts of a rule.
    pub fn of(rule: &Rule) -> Self {
        Self {
            rule_id: rule.rule_id.clone(),
            uuid: rule.uuid.clone(),
            name: rule.name.clone(),
            severity: rule.severity,
            rule_type_id: rule.rule_type.rule_type_id().to_owned(),
            tags: rule.tags.clone(),
            object: rule::format::rule_object(rule),
        }
    }
}

/// The execution that made the alerts, and where people look at them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Execution {
    /// Its id.
    pub id: String,
    /// The space, mostly `default`.
    pub space: String,
    /// Where the alerts of this execution are shown.
    pub results_link: Option<String>,
    /// Where the service is reached; `kibanaBaseUrl` in templates.
    pub public_url: Option<String>,
}

/// The variables of a message about some alerts of one rule, of which `count` were made in all; `single` adds the
/// variables of one alert.
pub(crate) fn variables(
    rule: &RuleFacts,
    execution: &Execution,
    alerts: &[&Document],
    count: usize,
    single: Option<&str>,
    now: Timestamp,
) -> Value {
    let data: Vec<Value> = alerts.iter().map(|alert| Value::Object(alert.as_map().clone())).collect();
    let rule_url = execution
        .public_url
        .as_ref()
        .map(|url| format!("{}/rules/{}", url.trim_end_matches('/'), rule.rule_id));
    let date = format!("{now:.3}");
    let new = json!({ "count": count, "data": data });
    let none = json!({ "count": 0, "data": [] });
    let mut variables = json!({
        "context": {
            "rule": rule.object,
            "alerts": data,
            "results_link": execution.results_link,
        },
        "state": { "signals_count": count.to_string() },
        "date": date,
        "kibanaBaseUrl": execution.public_url,
        "rule": {
            "id": rule.uuid,
            "name": rule.name,
            "spaceId": execution.space,
            "type": rule.rule_type_id,
            "tags": rule.tags,
            "params": rule.object,
            "url": rule_url,
        },
        "execution": { "id": execution.id },
        "alerts": { "all": new, "new": new, "ongoing": none, "recovered": none },
    });
    if let (Value::Object(variables), Some(id)) = (&mut variables, single) {
        let alert = json!({
            "id": id,
            "uuid": id,
            "actionGroup": "default",
            "actionGroupName": "Default",
            "actionSubgroup": "",
            "flapping": false,
            "consecutiveMatches": 1,
        });
        variables.insert("alert".to_owned(), alert);
    }
    variables
}
