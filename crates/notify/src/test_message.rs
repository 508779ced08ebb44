//! The message by which people find out whether a connector works.

use std::collections::BTreeMap;

use ecs::{Catalog, Document, Timestamp};
use rule::Severity;
use serde_json::{Map, json};

use crate::action::{Action, PreparedAction};
use crate::connector::Connector;
use crate::context::{Execution, RuleFacts};
use crate::error::ConfigError;
use crate::message::Message;
use crate::plan::{Occasion, plan};

/// A message about an alert that is none, in the default words, whether or not the connector is enabled. Each `now` gives a
/// message with another key.
///
/// # Errors
/// None that a connector which was read can cause.
pub fn test_message(connector: &Connector, now: Timestamp) -> Result<Message, ConfigError> {
    let rule = RuleFacts {
        rule_id: "bartizan-test".to_owned(),
        uuid: "bartizan-test".to_owned(),
        name: "Test of a connector".to_owned(),
        severity: Severity::Low,
        rule_type_id: "siem.queryRule".to_owned(),
        tags: Vec::new(),
        object: Map::new(),
    };
    let id = format!("test-{}", now.as_millisecond());
    let time = format!("{now:.3}");
    let mut alert = Document::new();
    for (name, value) in [
        ("@timestamp", time.as_str()),
        ("kibana.alert.uuid", &id),
        ("kibana.alert.severity", "low"),
        ("kibana.alert.reason", "This is a test; nothing happened."),
    ] {
        alert.as_map_mut().insert(name.to_owned(), json!(value));
    }
    let action = Action {
        id: "test-send".to_owned(),
        connector: connector.id.clone(),
        rules: Vec::new(),
        summary: false,
        throttle: None,
        filter: None,
        filters: Vec::new(),
        hours: None,
        params: Map::new(),
    };
    let catalog = Catalog::builtin();
    let action = PreparedAction::new(&action, connector, &catalog)?;
    let execution = Execution { id: id.clone(), space: "default".to_owned(), ..Execution::default() };
    let earlier = BTreeMap::new();
    let occasion = Occasion { rule: &rule, execution: &execution, alerts: &[alert], earlier: &earlier, now };
    let messages = plan(&[action], &occasion, &BTreeMap::new(), &catalog).messages;
    messages.into_iter().next().ok_or_else(|| ConfigError::value("test", "made no message"))
}
