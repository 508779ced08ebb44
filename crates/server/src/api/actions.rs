//! Routes for actions: which alerts are told through which connector, how often, and in what words.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ecs::Interval;
use notify::{Action, PreparedAction};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use state::{ActionDraft, ActionFrequency, StoredAction};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::connectors::connector_of;
use super::exceptions::{SeenHeaders, Tagged, tagged};
use super::page::{List, PageQuery, page_of};
use super::problem::{Problem, full_text};
use super::request::{Id, InBody, InPath, InQuery, Seen};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.viewer(routes!(list)).viewer(routes!(get)).admin(routes!(put)).admin(routes!(delete))
}

/// An action names so many rules at most.
const MOST_RULES: usize = 1000;

/// The action as the state keeps it: of some rules, or of all. Hours, and Kibana's filters, are not kept; the actions
/// that stand in rules have them.
pub fn action_draft(action: &Action) -> ActionDraft {
    let throttle = action.throttle.as_ref().and_then(|text| text.parse::<Interval>().ok());
    ActionDraft {
        id: action.id.clone(),
        rule_ids: action.rules.clone(),
        connector_id: action.connector.clone(),
        frequency: if action.summary { ActionFrequency::Summary } else { ActionFrequency::PerAlert },
        throttle_seconds: throttle.map(Interval::as_seconds),
        filter: action.filter.clone(),
        params: Value::Object(action.params.clone()),
    }
}

/// The action that [`action_draft`] wrote.
pub fn action_of(stored: &StoredAction) -> Action {
    let action = &stored.action;
    Action {
        id: action.id.clone(),
        connector: action.connector_id.clone(),
        rules: action.rule_ids.clone(),
        summary: action.frequency == ActionFrequency::Summary,
        throttle: action.throttle_seconds.map(|seconds| Interval::from_seconds(seconds).to_string()),
        filter: action.filter.clone(),
        filters: Vec::new(),
        hours: None,
        params: action.params.as_object().cloned().unwrap_or_default(),
    }
}

/// An action with its revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActionView {
    /// Unique.
    pub id: String,
    /// The id of its connector.
    pub connector: String,
    /// The rules that it belongs to; none for every rule.
    pub rules: Vec<String>,
    /// One message an execution, or one an alert.
    pub summary: bool,
    /// At least so much time between two summaries of a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle: Option<String>,
    /// KQL over the alert: alerts that do not pass are not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Templates and settings by type of connector.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// One more at each change; also the ETag.
    pub revision: i64,
    /// Of the newest change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who made it.
    pub updated_by: String,
}

/// What an action is.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionPut {
    /// The id of a connector.
    pub connector: String,
    /// The `rule_id`s of the rules that it belongs to, which need not be there yet; none, as when missing, for every rule.
    #[schema(max_items = 1000)]
    pub rules: Option<Vec<Id>>,
    /// The same for one rule, as it was written before there was `rules`. One of the two, not both.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 512, deprecated)]
    pub rule_id: Option<Id>,
    /// True, as when missing: one message an execution. False: one message an alert.
    pub summary: Option<bool>,
    /// At least so much time between two summaries of a rule, for example `1h`.
    #[schema(pattern = r"^[0-9]{1,9}[smhd]$")]
    pub throttle: Option<String>,
    /// KQL over the alert: alerts that do not pass are not told.
    pub filter: Option<String>,
    /// Templates and settings by type of connector; see the page on notifications.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
}

/// An action's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ActionPath {
    /// The action.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub action_id: Id,
}

impl From<StoredAction> for ActionView {
    fn from(stored: StoredAction) -> Self {
        let action = action_of(&stored);
        Self {
            id: action.id,
            connector: action.connector,
            rules: action.rules,
            summary: action.summary,
            throttle: action.throttle,
            filter: action.filter,
            params: action.params,
            revision: stored.revision,
            updated_at: stored.updated_at.to_string(),
            updated_by: stored.updated_by,
        }
    }
}

/// Lists actions by id.
#[utoipa::path(
    get, path = "/api/v1/actions", tag = "actions", operation_id = "list_actions", params(PageQuery),
    responses((status = 200, description = "A page of actions.", body = List<ActionView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<List<ActionView>>, Problem> {
    let mut actions = state.store.actions().await?;
    actions.sort_by(|a, b| a.action.id.cmp(&b.action.id));
    let key = |stored: &StoredAction| stored.action.id.clone();
    Ok(Json(page_of(actions, query.limit, query.after.as_deref(), key, ActionView::from)?))
}

/// One action.
#[utoipa::path(
    get, path = "/api/v1/actions/{action_id}", tag = "actions", operation_id = "get_action", params(ActionPath),
    responses((status = 200, description = "The action.", body = ActionView))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<ActionPath>,
) -> Result<Tagged<ActionView>, Problem> {
    let action = state.store.action(&path.action_id).await?;
    let action = action.ok_or_else(|| Problem::not_found("action", &path.action_id))?;
    Ok(tagged(action.revision, action.into()))
}

/// Keeps an action. Its filter, hours and templates are checked against its connector, which must be there.
#[utoipa::path(
    put, path = "/api/v1/actions/{action_id}", tag = "actions", operation_id = "put_action",
    params(ActionPath, SeenHeaders), request_body = ActionPut,
    responses(
        (status = 200, description = "The action as it is now.", body = ActionView),
        (status = 412, description = "Somebody else changed it in the meantime.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ActionPath>,
    Seen(seen): Seen,
    InBody(body): InBody<ActionPut>,
) -> Result<Tagged<ActionView>, Problem> {
    let refused = |error: notify::ConfigError| Problem::bad_request(format!("body: {}", full_text(&error)));
    let rules = rules_of(body.rules, body.rule_id)?;
    let action = Action {
        id: path.action_id.as_str().to_owned(),
        connector: body.connector,
        rules,
        summary: body.summary.unwrap_or(true),
        throttle: body.throttle,
        filter: body.filter,
        filters: Vec::new(),
        hours: None,
        params: body.params,
    };
    let connector = match state.store.connector(&action.connector).await? {
        Some(stored) => connector_of(&stored).map_err(refused)?,
        None => {
            let detail = format!("body: there is no connector `{}`; put it first", action.connector);
            return Err(Problem::bad_request(detail));
        }
    };
    PreparedAction::new(&action, &connector, &state.catalog).map_err(refused)?;
    let now = state.clock.now();
    let stored = state.store.put_action(action_draft(&action), seen, &caller.actor, now).await?;
    Ok(tagged(stored.revision, stored.into()))
}

/// The rules that a body names, each once, in its order.
fn rules_of(rules: Option<Vec<Id>>, rule_id: Option<Id>) -> Result<Vec<String>, Problem> {
    let named = match (rules, rule_id) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("body: write `rules` alone; `rule_id` is its older form"));
        }
        (Some(rules), None) if rules.len() > MOST_RULES => {
            let detail = format!("body: `rules` must be at most {MOST_RULES} rules; none means every rule");
            return Err(Problem::bad_request(detail));
        }
        (rules, rule_id) => rules.unwrap_or_default().into_iter().chain(rule_id),
    };
    let mut seen = BTreeSet::new();
    Ok(named.map(Id::into_string).filter(|rule_id| seen.insert(rule_id.clone())).collect())
}

/// Deletes an action.
#[utoipa::path(
    delete, path = "/api/v1/actions/{action_id}", tag = "actions", operation_id = "delete_action", params(ActionPath),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ActionPath>,
) -> Result<StatusCode, Problem> {
    if state.store.delete_action(&path.action_id, &caller.actor, state.clock.now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("action", &path.action_id))
}
