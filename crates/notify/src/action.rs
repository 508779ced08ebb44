//! Actions: which alerts are told through which connector, how often, and in what words.
//!
//! Source of Kibana's form: elastic/kibana security_solution common/api/detection_engine/model/rule_schema/common_attributes.

use std::str::FromStr;

use ecs::{Catalog, Interval};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::alert_filter::AlertFilter;
use crate::compose::Composer;
use crate::connector::{Connector, ConnectorType, read};
use crate::error::ConfigError;
use crate::hours::Hours;

/// An action as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Unique among all actions; a part of every message's key.
    pub id: String,
    /// The id of a connector.
    pub connector: String,
    /// The `rule_id`s of the rules that it belongs to; none for all rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// True, as when missing: one message an execution about all its alerts. False: one message an alert.
    #[serde(default = "yes")]
    pub summary: bool,
    /// At least so much time between two summaries of a rule, for example `1h`. Alerts of the time between are in the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<String>,
    /// KQL over the alert document: alerts that do not pass are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Kibana's filter objects, which have to hold too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Value>,
    /// Alerts made at other hours are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Templates and settings by type of connector; see `docs/notifications.md`. Without them there is a default message.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// An action that was checked against its connector: templates, filter and hours are read.
#[derive(Debug, Clone)]
pub struct PreparedAction {
    pub(crate) id: String,
    pub(crate) connector_id: String,
    pub(crate) rules: Vec<String>,
    pub(crate) summary: bool,
    pub(crate) throttle: Option<Interval>,
    pub(crate) filter: AlertFilter,
    pub(crate) hours: Option<Hours>,
    pub(crate) composer: Composer,
}

impl Action {
    /// Reads an action.
    ///
    /// # Errors
    /// Its shape is wrong. Whether it can work, [`PreparedAction::new`] tells.
    pub fn from_json(value: &Value) -> Result<Self, ConfigError> {
        let id = value.get("id").and_then(Value::as_str).unwrap_or("without an id");
        read(value, &format!("action {id}"), "")
    }

    /// Reads one of a rule's [`actions`](rule::Rule::actions), as Kibana writes them; `position` is its place among them, from
    /// 0. Its id is its `uuid`, or follows from rule and position.
    ///
    /// # Errors
    /// Its shape is wrong, or it asks for something that we do not have.
    pub fn from_kibana(value: &Value, rule_id: &str, position: usize) -> Result<Self, ConfigError> {
        let what = format!("action {} of rule {rule_id}", position + 1);
        let shape: KibanaAction = read(value, &what, "")?;
        if shape.group.is_some_and(|group| group != "default") {
            return Err(ConfigError::value(
                format!("{what}: group"),
                "must be `default`: alerts of rules do not recover",
            ));
        }
        let known =
            ConnectorType::ALL.iter().any(|known| kibana_type_ids(*known).contains(&&*shape.action_type_id));
        if !known {
            return Err(ConfigError::value(
                format!("{what}: action_type_id"),
                format!("`{}` is not supported; a webhook may do what it did", shape.action_type_id),
            ));
        }
        let frequency = shape.frequency.unwrap_or_default();
        let throttle = frequency.throttle.filter(|throttle| throttle != "rule");
        let throttles = frequency.notify_when.as_deref() == Some("onThrottleInterval");
        if throttles && throttle.is_none() {
            return Err(ConfigError::value(
                format!("{what}: frequency.throttle"),
                "is missing: `notifyWhen` is `onThrottleInterval`",
            ));
        }
        let alerts_filter = shape.alerts_filter.unwrap_or_default();
        let query = alerts_filter.query.unwrap_or_default();
        Ok(Self {
            id: shape.uuid.unwrap_or_else(|| format!("{rule_id}/{position}")),
            connector: shape.id,
            rules: vec![rule_id.to_owned()],
            summary: frequency.summary,
            // `onActiveAlert` speaks at each execution, whatever the throttle says.
            throttle: throttle.filter(|_| throttles || frequency.notify_when.is_none()),
            filter: query.kql.filter(|kql| !kql.trim().is_empty()),
            filters: query.filters,
            hours: alerts_filter.timeframe,
            params: shape.params,
        })
    }
}

impl PreparedAction {
    /// Checks an action against the connector that it names.
    ///
    /// # Errors
    /// What is wrong with its throttle, filter, hours or params, and what to write instead.
    pub fn new(action: &Action, connector: &Connector, catalog: &Catalog) -> Result<Self, ConfigError> {
        let what = format!("action {}", action.id);
        if action.id.is_empty() {
            return Err(ConfigError::value("action: id", "is missing"));
        }
        if action.connector != connector.id {
            return Err(ConfigError::value(
                format!("{what}: connector"),
                format!("there is no connector `{}`", action.connector),
            ));
        }
        let throttle = match &action.throttle {
            None => None,
            Some(text) => match Interval::from_str(text) {
                Ok(interval) if interval.as_seconds() > 0 => Some(interval),
                _ => {
                    return Err(ConfigError::value(
                        format!("{what}: throttle"),
                        "must be a whole number and s, m, h or d, for example 1h",
                    ));
                }
            },
        };
        if let Some(hours) = &action.hours {
            hours.check().map_err(|reason| ConfigError::value(format!("{what}: hours"), reason))?;
        }
        let filter = AlertFilter::read(action.filter.as_deref(), &action.filters, catalog)
            .map_err(|reason| ConfigError::value(format!("{what}: filter"), reason))?;
        let params = json!(action.params);
        Ok(Self {
            id: action.id.clone(),
            connector_id: connector.id.clone(),
            rules: action.rules.clone(),
            summary: action.summary,
            throttle,
            filter,
            hours: action.hours.clone(),
            composer: Composer::read(connector.connector_type(), &params, &what)?,
        })
    }

    /// The action's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Does it belong to the rule?
    pub fn is_for(&self, rule_id: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|id| id == rule_id)
    }
}

/// What Kibana calls the types.
fn kibana_type_ids(connector_type: ConnectorType) -> &'static [&'static str] {
    match connector_type {
        ConnectorType::Webhook => &[".webhook"],
        ConnectorType::Slack => &[".slack"],
        ConnectorType::PagerDuty => &[".pagerduty"],
        ConnectorType::Email => &[".email"],
        ConnectorType::Sns | ConnectorType::File => &[],
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KibanaAction {
    action_type_id: String,
    id: String,
    #[serde(default)]
    params: Map<String, Value>,
    group: Option<String>,
    uuid: Option<String>,
    frequency: Option<Frequency>,
    alerts_filter: Option<KibanaAlertsFilter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frequency {
    summary: bool,
    #[serde(rename = "notifyWhen")]
    notify_when: Option<String>,
    throttle: Option<String>,
}

impl Default for Frequency {
    fn default() -> Self {
        Self { summary: true, notify_when: None, throttle: None }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct KibanaAlertsFilter {
    query: Option<KibanaQuery>,
    timeframe: Option<Hours>,
}

#[derive(Deserialize, Default)]
struct KibanaQuery {
    kql: Option<String>,
    #[serde(default)]
    filters: Vec<Value>,
}
