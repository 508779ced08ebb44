//! Which messages an execution gives rise to. Pure: the same alerts, actions and states give the same messages.

use std::collections::{BTreeMap, BTreeSet};

use ecs::{Catalog, Document, Timestamp};
use serde::{Deserialize, Serialize};

use crate::action::PreparedAction;
use crate::context::{Execution, RuleFacts, variables};
use crate::default_content::Occurrence;
use crate::message::{Message, message_key};

/// What happened: an execution of one rule, and the alerts that it made.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The rule.
    pub rule: &'a RuleFacts,
    /// The execution.
    pub execution: &'a Execution,
    /// The documents of the alerts that are new, in the order in which they were made. May be none: then summaries that wait
    /// may be due.
    pub alerts: &'a [Document],
    /// The documents of alerts that wait in some [`ActionState`], by id. Those that are missing are counted in the summary
    /// and not described.
    pub earlier: &'a BTreeMap<String, Document>,
    /// When.
    pub now: Timestamp,
}

/// What is remembered of an action and a rule from one execution to the next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionState {
    /// When the last summary was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_summary: Option<Timestamp>,
    /// The ids of alerts that the next summary is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
}

/// The messages of an execution, and an account of the alerts that are in none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// In the order of actions and alerts. To be stored together with `states`; of two messages with one key, one.
    pub messages: Vec<Message>,
    /// Alerts that an action does not tell, or not yet.
    pub held: Vec<Held>,
    /// What to remember for the next execution of this rule, by action id. Holds every action that has something to remember.
    pub states: BTreeMap<String, ActionState>,
}

/// Alerts that an action does not tell, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The action.
    pub action_id: String,
    /// Why.
    pub reason: HeldReason,
    /// The alerts.
    pub alert_ids: Vec<String>,
}

/// Why an action does not tell an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldReason {
    /// It is kept from view: the alert that it is a part of is told.
    BuildingBlock,
    /// The action does not speak at this hour.
    OutsideHours,
    /// The action's filter does not let it pass.
    Filtered,
    /// It will be in the next summary.
    Throttled,
    /// It has no `kibana.alert.uuid`, so nobody could tell whether it was told.
    WithoutId,
}

/// The ids of the alerts that wait in some state and may be told now: those whose documents [`Occasion::earlier`] should have.
pub fn waiting_and_due(
    actions: &[PreparedAction],
    rule_id: &str,
    states: &BTreeMap<String, ActionState>,
    now: Timestamp,
) -> BTreeSet<String> {
    let of_rule = actions.iter().filter(|action| action.is_for(rule_id));
    let due =
        of_rule.filter_map(|action| states.get(&action.id).filter(|state| action.may_speak(state, now)));
    due.flat_map(|state| state.waiting.iter().cloned()).collect()
}

/// Plans the messages of one execution.
///
/// `states` are those of this rule, by action id, as the last plan gave them. Planning twice with the same alerts gives
/// messages with the same keys, even when time and execution differ.
pub fn plan(
    actions: &[PreparedAction],
    occasion: &Occasion<'_>,
    states: &BTreeMap<String, ActionState>,
    catalog: &Catalog,
) -> Plan {
    let mut plan = Plan::default();
    for action in actions.iter().filter(|action| action.is_for(&occasion.rule.rule_id)) {
        let told = told(action, occasion, catalog, &mut plan.held);
        let mut state = states.get(&action.id).cloned().unwrap_or_default();
        if action.summary {
            plan_summary(action, occasion, &told, &mut state, &mut plan);
        } else {
            // Those of a summary that the action once was.
            let waiting = std::mem::take(&mut state.waiting);
            let earlier = waiting.iter().filter_map(|id| Some((id.as_str(), occasion.earlier.get(id)?)));
            let all: Vec<(&str, &Document)> = earlier.chain(told).collect();
            let mut seen = BTreeSet::new();
            for (id, alert) in all.into_iter().filter(|(id, _)| seen.insert(*id)) {
                let about = About { ids: vec![id.to_owned()], alerts: vec![alert], single: Some(id) };
                plan.messages.push(message(action, occasion, about));
            }
        }
        if state != ActionState::default() {
            plan.states.insert(action.id.clone(), state);
        }
    }
    plan
}

/// The alerts that the action tells, with their ids; the others are held.
fn told<'a>(
    action: &PreparedAction,
    occasion: &Occasion<'a>,
    catalog: &Catalog,
    held: &mut Vec<Held>,
) -> Vec<(&'a str, &'a Document)> {
    let documents: Vec<&Document> = occasion.alerts.iter().collect();
    let passes = action.filter.passes(&documents, catalog, occasion.now);
    let in_hours = action.hours.as_ref().is_none_or(|hours| hours.contain(occasion.now));
    let mut kept: BTreeMap<HeldReason, Vec<String>> = BTreeMap::new();
    let mut told = Vec::new();
    for (alert, passes) in occasion.alerts.iter().zip(passes) {
        let id = alert.text("kibana.alert.uuid");
        let reason = match id {
            None => HeldReason::WithoutId,
            Some(_) if alert.text("kibana.alert.building_block_type").is_some() => HeldReason::BuildingBlock,
            Some(_) if !passes => HeldReason::Filtered,
            Some(_) if !in_hours => HeldReason::OutsideHours,
            Some(id) => {
                told.push((id, alert));
                continue;
            }
        };
        kept.entry(reason).or_default().push(id.unwrap_or_default().to_owned());
    }
    let action_id = &action.id;
    held.extend(kept.into_iter().map(|(reason, alert_ids)| Held {
        action_id: action_id.clone(),
        reason,
        alert_ids,
    }));
    told
}

impl PreparedAction {
    /// Is the throttle's interval over? What is no summary is not throttled.
    fn may_speak(&self, state: &ActionState, now: Timestamp) -> bool {
        match (self.throttle.filter(|_| self.summary), state.last_summary) {
            (Some(throttle), Some(last)) => {
                let since = now.duration_since(last);
                // A clock that was set back must not silence anybody.
                since >= throttle.as_duration() || since.is_negative()
            }
            _ => true,
        }
    }
}

fn plan_summary<'a>(
    action: &PreparedAction,
    occasion: &Occasion<'a>,
    told: &[(&'a str, &'a Document)],
    state: &mut ActionState,
    plan: &mut Plan,
) {
    let mut seen: BTreeSet<&str> = state.waiting.iter().map(String::as_str).collect();
    let new: Vec<(&str, &Document)> = told.iter().copied().filter(|(id, _)| seen.insert(id)).collect();
    let ids: Vec<String> =
        state.waiting.iter().cloned().chain(new.iter().map(|(id, _)| (*id).to_owned())).collect();
    if ids.is_empty() {
        return;
    }
    if !action.may_speak(state, occasion.now) {
        if !new.is_empty() {
            let alert_ids = new.iter().map(|(id, _)| (*id).to_owned()).collect();
            plan.held.push(Held { action_id: action.id.clone(), reason: HeldReason::Throttled, alert_ids });
        }
        state.waiting = ids;
        return;
    }
    let earlier = state.waiting.iter().filter_map(|id| occasion.earlier.get(id));
    let alerts = earlier.chain(new.iter().map(|(_, alert)| *alert)).collect();
    plan.messages.push(message(action, occasion, About { ids, alerts, single: None }));
    *state = ActionState { last_summary: action.throttle.map(|_| occasion.now), waiting: Vec::new() };
}

/// The alerts of one message.
struct About<'a> {
    ids: Vec<String>,
    /// Those whose documents are at hand.
    alerts: Vec<&'a Document>,
    single: Option<&'a str>,
}

fn message(action: &PreparedAction, occasion: &Occasion<'_>, about: About<'_>) -> Message {
    let (rule, execution, now) = (occasion.rule, occasion.execution, occasion.now);
    let key = message_key(&action.connector_id, &action.id, &about.ids);
    let count = about.ids.len();
    let occurrence =
        Occurrence { rule, execution, alerts: &about.alerts, count, single: about.single, key: &key, now };
    let variables = variables(rule, execution, &about.alerts, count, about.single, now);
    let (content, mut notes) = action.composer.compose(&occurrence, &variables);
    if about.alerts.len() < count {
        notes.push(format!("{} of {count} alerts are no longer there", count - about.alerts.len()));
    }
    Message {
        key,
        connector_id: action.connector_id.clone(),
        action_id: action.id.clone(),
        rule_id: rule.rule_id.clone(),
        execution_id: execution.id.clone(),
        alert_ids: about.ids,
        created_at: now,
        content,
        notes,
    }
}
