//! What is told of new alerts: the actions of the state and of the rules, and the messages that a run gives rise to.

use std::collections::BTreeMap;

use ecs::{Catalog, Document, Timestamp};
use notify::{Action, ActionState, Connector, Held, Message, Occasion, PreparedAction, RuleFacts};
use rule::{Rule, RuleLibrary};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use state::{ActionFrequency, AlertFilter, NotificationDraft, Store, StoredAction, StoredConnector};

use crate::error::ServerError;

/// Actions that can work, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Actions {
    prepared: Vec<PreparedAction>,
    /// A sentence each.
    pub faults: Vec<String>,
}

/// What a rule remembers between its executions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RuleMemory {
    /// By action id.
    #[serde(default)]
    pub actions: BTreeMap<String, ActionState>,
}

/// Reads connectors and actions, those that rules bring along included.
///
/// # Errors
/// When the state cannot be read.
pub async fn load_actions(
    store: &dyn Store,
    library: &RuleLibrary,
    catalog: &Catalog,
) -> Result<Actions, ServerError> {
    let mut actions = Actions::default();
    let mut connectors = BTreeMap::new();
    for stored in store.connectors().await? {
        match Connector::from_json(&connector_json(&stored)) {
            Ok(connector) => {
                connectors.insert(stored.id.clone(), connector);
            }
            Err(error) => actions.faults.push(error.to_string()),
        }
    }
    let stored = store.actions().await?;
    let of_state = stored.iter().map(|stored| Action::from_json(&action_json(stored)));
    let of_rules = library.rules.iter().flat_map(|rule| {
        let of_rule = rule.actions.iter().enumerate();
        of_rule.map(|(position, action)| Action::from_kibana(action, &rule.rule_id, position))
    });
    for action in of_state.chain(of_rules) {
        let prepared = action.and_then(|action| match connectors.get(&action.connector) {
            Some(connector) => PreparedAction::new(&action, connector, catalog),
            None => Err(notify::ConfigError::Value {
                what: format!("action {}: connector", action.id),
                reason: format!("there is no connector `{}`", action.connector),
            }),
        });
        match prepared {
            Ok(prepared) => actions.prepared.push(prepared),
            Err(error) => actions.faults.push(error.to_string()),
        }
    }
    Ok(actions)
}

/// A connector of the state in the form that [`Connector::from_json`] reads.
pub(crate) fn connector_json(stored: &StoredConnector) -> Value {
    json!({
        "id": stored.id,
        "name": stored.name,
        "enabled": stored.enabled,
        "type": stored.connector_type,
        "config": stored.config,
    })
}

fn action_json(stored: &StoredAction) -> Value {
    let action = &stored.action;
    let mut written = json!({
        "id": action.id,
        "connector": action.connector_id,
        "rules": action.rule_ids,
        "summary": action.frequency == ActionFrequency::Summary,
    });
    if let Some(seconds) = action.throttle_seconds.filter(|seconds| *seconds > 0) {
        written["throttle"] = format!("{seconds}s").into();
    }
    if let Some(filter) = &action.filter {
        written["filter"] = filter.as_str().into();
    }
    if action.params.as_object().is_some_and(|params| !params.is_empty()) {
        written["params"] = action.params.clone();
    }
    written
}

/// What actions make of an execution.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Ready for the outbox.
    pub(crate) notifications: Vec<NotificationDraft>,
    /// What the rule remembers from now on.
    pub(crate) memory: RuleMemory,
    /// New alerts that actions do not tell, or not yet: for each action and reason how many. Null when there are none.
    pub(crate) not_told: Value,
}

/// The documents of alerts that the rule remembers, and that are told now.
///
/// # Errors
/// When the state cannot be read.
pub(crate) async fn alerts_waiting(
    store: &dyn Store,
    actions: &Actions,
    rule_id: &str,
    memory: &RuleMemory,
    now: Timestamp,
) -> Result<BTreeMap<String, Document>, ServerError> {
    let ids = notify::waiting_and_due(&actions.prepared, rule_id, &memory.actions, now);
    let ids: Vec<String> = ids.into_iter().collect();
    let mut alerts = BTreeMap::new();
    for ids in ids.chunks(200) {
        let filter = AlertFilter { ids: ids.to_vec(), ..AlertFilter::default() };
        for stored in store.alerts(&filter, None, 200).await?.items {
            if let Value::Object(document) = stored.alert.document {
                alerts.insert(stored.alert.id, Document::from_map(document));
            }
        }
    }
    Ok(alerts)
}

/// What is told of the new alerts of a rule, and of those that have waited (see [`alerts_waiting`]).
#[expect(clippy::too_many_arguments, reason = "an occasion and what it is told with, passed on")]
pub(crate) fn notifications(
    actions: &Actions,
    rule: &Rule,
    execution: &notify::Execution,
    alerts: &[Document],
    earlier: &BTreeMap<String, Document>,
    memory: &RuleMemory,
    catalog: &Catalog,
    now: Timestamp,
) -> Told {
    if actions.prepared.is_empty() {
        return Told::default();
    }
    let facts = RuleFacts::of(rule);
    let occasion = Occasion { rule: &facts, execution, alerts, earlier, now };
    let plan = notify::plan(&actions.prepared, &occasion, &memory.actions, catalog);
    let drafts = plan.messages.into_iter().filter_map(draft).collect();
    Told {
        notifications: drafts,
        memory: RuleMemory { actions: plan.states },
        not_told: not_told(&plan.held),
    }
}

fn not_told(held: &[Held]) -> Value {
    let counted = held.iter().map(
        |held| json!({ "action": held.action_id, "reason": held.reason, "alerts": held.alert_ids.len() }),
    );
    if held.is_empty() { Value::Null } else { counted.collect() }
}

fn draft(message: Message) -> Option<NotificationDraft> {
    Some(NotificationDraft {
        dedupe_key: message.key.clone(),
        connector_id: message.connector_id.clone(),
        action_id: Some(message.action_id.clone()),
        rule_id: Some(message.rule_id.clone()),
        about_alert: None,
        payload: serde_json::to_value(&message).ok()?,
        not_before: None,
    })
}
