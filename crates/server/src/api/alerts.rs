//! Routes for alerts: search, count, look, and the work on them: status, assignees, tags, notes.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ecs::{Document, Scalar};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use state::{AlertCountField, AlertFilter, AlertNote, AlertStatus, StoredAlert, WorkflowChange};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::alert_query::{AlertPlace, AlertSearch, document, span};
use super::page::{Limit, List, read_place, written_place};
use super::problem::Problem;
use super::request::{Id, InBody, InPath, InQuery, Instant};
use super::rules::SeverityName;

/// The most alerts that one request with KQL looks at.
const MOST_SEARCHED: usize = 20_000;
/// The most alerts that one request changes.
const MOST_CHANGED: usize = 10_000;
/// The most alerts that one request counts by looking at their documents.
const MOST_COUNTED: usize = 100_000;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .viewer(routes!(list))
        .viewer(routes!(count))
        .viewer(routes!(get))
        .analyst(routes!(change_status))
        .analyst(routes!(set_status))
        .analyst(routes!(assign))
        .analyst(routes!(tag))
        .viewer(routes!(notes))
        .analyst(routes!(add_note))
}

/// How far the work on an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatusName {
    /// Nobody has looked yet.
    Open,
    /// Somebody works on it.
    Acknowledged,
    /// Done.
    Closed,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertView {
    /// `kibana.alert.uuid`.
    pub id: String,
    /// The rule's signature id.
    pub rule_id: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// 0 to 100.
    pub risk_score: f64,
    /// The alert's `@timestamp`.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// When the event happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub original_time: Option<String>,
    /// The execution that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// How far the work is.
    pub status: StatusName,
    /// Why it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who works on it.
    pub assignees: Vec<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// One more at each change of the work.
    pub revision: i64,
    /// Of the newest change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
    /// The whole alert document, with the workflow fields as they are now.
    #[schema(value_type = Object)]
    pub document: Value,
}

/// Which alerts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertQuery {
    /// KQL over the alert's document, for example `kibana.alert.severity: high and user.name: alice`.
    pub query: Option<String>,
    /// From this `@timestamp` on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Instant>,
    /// Before this `@timestamp`.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Instant>,
    /// In one of these states.
    #[serde(default)]
    #[param(inline)]
    pub status: Vec<StatusName>,
    /// With one of these severities.
    #[serde(default)]
    #[param(inline)]
    pub severity: Vec<SeverityName>,
    /// Of one of these rules.
    #[serde(default)]
    pub rule_id: Vec<String>,
    /// Made by one of these executions.
    #[serde(default)]
    pub execution_id: Vec<String>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// Which alerts to count, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CountQuery {
    /// `status`, `severity`, `rule`, or a field of the document, for example `user.name`.
    #[param(min_length = 1, max_length = 512)]
    pub by: String,
    /// KQL over the alert's document.
    pub query: Option<String>,
    /// From this `@timestamp` on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Instant>,
    /// Before this `@timestamp`.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Instant>,
    /// In one of these states.
    #[serde(default)]
    #[param(inline)]
    pub status: Vec<StatusName>,
    /// With one of these severities.
    #[serde(default)]
    #[param(inline)]
    pub severity: Vec<SeverityName>,
    /// Of one of these rules.
    #[serde(default)]
    pub rule_id: Vec<String>,
    /// The most values to give, the most frequent first.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
}

/// How many alerts have each value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// The most frequent first, then by value. An alert with several values counts for each.
    pub counts: Vec<ValueCount>,
    /// Alerts in all, those without the field included.
    pub total: u64,
    /// How many values there are in all.
    pub values: u64,
    /// False when there are so many alerts that only the newest were counted; then ask for a shorter time.
    pub is_complete: bool,
}

/// How many alerts have a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValueCount {
    /// The value as text.
    pub value: String,
    /// How many alerts.
    pub count: u64,
}

/// A new status for one alert.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChange {
    /// How far the work is.
    pub status: StatusName,
    /// Why it is closed, for example `false_positive`; with `closed` only.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// A new status for many alerts: those with these ids, or those that a query finds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkStatusChange {
    /// How far the work is.
    pub status: StatusName,
    /// Why they are closed; with `closed` only.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// These alerts: all of them or, when one does not exist, none. Not with `query`.
    #[schema(max_items = 10000)]
    pub ids: Option<Vec<String>>,
    /// Those that this KQL finds. Not with `ids`.
    pub query: Option<String>,
    /// With `query`: from this `@timestamp` on.
    pub from: Option<Instant>,
    /// With `query`: before this `@timestamp`.
    pub to: Option<Instant>,
}

/// What a change of many alerts has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkChanged {
    /// Alerts that were asked for.
    pub matched: u64,
    /// Alerts that were changed; the others were so already.
    pub changed: u64,
    /// False when there are more: ask again.
    pub is_complete: bool,
}

/// Assignees or tags to add and to remove.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// To add.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub add: Vec<String>,
    /// To remove, after adding.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub remove: Vec<String>,
}

/// A remark to add.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// Plain text.
    #[schema(min_length = 1, max_length = 10000)]
    pub text: String,
}

/// A remark on an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// Unique, rising.
    pub id: i64,
    /// Who wrote it.
    pub author: String,
    /// When.
    #[schema(format = DateTime)]
    pub time: String,
    /// Plain text.
    pub text: String,
}

/// An alert's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AlertPath {
    /// `kibana.alert.uuid`.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub alert_id: Id,
}

impl From<StatusName> for AlertStatus {
    fn from(status: StatusName) -> Self {
        match status {
            StatusName::Open => Self::Open,
            StatusName::Acknowledged => Self::Acknowledged,
            StatusName::Closed => Self::Closed,
        }
    }
}

impl From<AlertStatus> for StatusName {
    fn from(status: AlertStatus) -> Self {
        match status {
            AlertStatus::Open => Self::Open,
            AlertStatus::Acknowledged => Self::Acknowledged,
            AlertStatus::Closed => Self::Closed,
        }
    }
}

impl From<StoredAlert> for AlertView {
    fn from(stored: StoredAlert) -> Self {
        let document = document(&stored);
        let StoredAlert { alert, execution_id, workflow } = stored;
        Self {
            id: alert.id,
            rule_id: alert.rule_id,
            severity: alert.severity,
            risk_score: alert.risk_score,
            timestamp: alert.timestamp.to_string(),
            original_time: alert.original_time.map(|time| time.to_string()),
            execution_id,
            status: workflow.status.into(),
            reason: workflow.reason,
            assignees: workflow.assignees,
            tags: workflow.tags,
            revision: workflow.revision,
            updated_at: workflow.updated_at.to_string(),
            updated_by: workflow.updated_by,
            document,
        }
    }
}

impl From<AlertNote> for Note {
    fn from(note: AlertNote) -> Self {
        Self { id: note.id, author: note.author, time: note.time.to_string(), text: note.text }
    }
}

fn filter(
    from: Option<Instant>,
    to: Option<Instant>,
    statuses: &[StatusName],
    severities: &[SeverityName],
    rule_ids: Vec<String>,
) -> Result<AlertFilter, Problem> {
    Ok(AlertFilter {
        time: span(from.map(|at| at.0), to.map(|at| at.0))?,
        rule_ids,
        statuses: statuses.iter().map(|status| AlertStatus::from(*status)).collect(),
        severities: severities.iter().map(|severity| severity.as_str().to_owned()).collect(),
        ..AlertFilter::default()
    })
}

/// Searches alerts, newest `@timestamp` first. With KQL, a page may hold fewer than `limit`, even none, while `next` says
/// that there is more to search.
#[utoipa::path(
    get, path = "/api/v1/alerts", tag = "alerts", operation_id = "search_alerts", params(AlertQuery),
    responses((status = 200, description = "A page of alerts.", body = List<AlertView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<AlertQuery>,
) -> Result<Json<List<AlertView>>, Problem> {
    let mut filter = filter(query.from, query.to, &query.status, &query.severity, query.rule_id)?;
    filter.execution_ids = query.execution_id;
    let search = AlertSearch::new(filter, query.query.as_deref(), &state.catalog, state.clock.now())?;
    let after: Option<AlertPlace> = read_place(query.after.as_deref())?;
    let found = search.walk(&state, after, query.limit.0 as usize, MOST_SEARCHED).await?;
    let items = found.alerts.into_iter().map(AlertView::from).collect();
    Ok(Json(List { items, next: found.next.as_ref().map(written_place) }))
}

/// Counts alerts by a field.
#[utoipa::path(
    get, path = "/api/v1/alerts/counts", tag = "alerts", operation_id = "count_alerts", params(CountQuery),
    responses((status = 200, description = "How many have each value.", body = Counts))
)]
async fn count(
    State(state): State<AppState>,
    InQuery(query): InQuery<CountQuery>,
) -> Result<Json<Counts>, Problem> {
    if query.by.is_empty() || query.by.len() > 512 {
        return Err(Problem::bad_request("query: `by` must name a field, for example `user.name`"));
    }
    let filter = filter(query.from, query.to, &query.status, &query.severity, query.rule_id)?;
    let column: Option<AlertCountField> = query.by.parse().ok();
    let search = AlertSearch::new(filter, query.query.as_deref(), &state.catalog, state.clock.now())?;
    let (total, is_complete, mut counts) = match column {
        Some(column) if !search.has_kql() => {
            let counts = state.store.count_alerts(&search.filter, column).await?;
            (counts.iter().map(|(_, count)| count).sum(), true, counts)
        }
        column => count_documents(&state, &search, &query.by, column).await?,
    };
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let values = counts.len() as u64;
    counts.truncate(query.limit.0 as usize);
    let counts = counts.into_iter().map(|(value, count)| ValueCount { value, count }).collect();
    Ok(Json(Counts { counts, total, values, is_complete }))
}

async fn count_documents(
    state: &AppState,
    search: &AlertSearch,
    by: &str,
    column: Option<AlertCountField>,
) -> Result<(u64, bool, Vec<(String, u64)>), Problem> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let (mut total, mut searched, mut after) = (0, 0, None);
    loop {
        let found = search.walk(state, after, 500, 500).await?;
        for stored in &found.alerts {
            total += 1;
            for value in values(stored, by, column) {
                *counts.entry(value).or_default() += 1;
            }
        }
        searched += 500;
        after = found.next;
        if after.is_none() || searched >= MOST_COUNTED {
            return Ok((total, after.is_none(), counts.into_iter().collect()));
        }
    }
}

/// The values of an alert, each once.
fn values(stored: &StoredAlert, by: &str, column: Option<AlertCountField>) -> Vec<String> {
    match column {
        Some(AlertCountField::Status) => return vec![stored.workflow.status.to_string()],
        Some(AlertCountField::Severity) => return vec![stored.alert.severity.clone()],
        Some(AlertCountField::Rule) => return vec![stored.alert.rule_id.clone()],
        None => {}
    }
    let Value::Object(object) = document(stored) else { return Vec::new() };
    let document = Document::from_map(object);
    let mut values: Vec<String> = document
        .values(by)
        .into_iter()
        .map(|value| match value {
            Scalar::Str(text) => text.to_owned(),
            Scalar::Int(number) => number.to_string(),
            Scalar::Float(number) => number.to_string(),
            Scalar::Bool(value) => value.to_string(),
        })
        .collect();
    values.sort();
    values.dedup();
    values
}

/// One alert.
#[utoipa::path(
    get, path = "/api/v1/alerts/{alert_id}", tag = "alerts", operation_id = "get_alert", params(AlertPath),
    responses((status = 200, description = "The alert.", body = AlertView))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<AlertPath>,
) -> Result<Json<AlertView>, Problem> {
    Ok(Json(needed(&state, &path).await?.into()))
}

async fn needed(state: &AppState, path: &AlertPath) -> Result<StoredAlert, Problem> {
    let alert = state.store.alert(&path.alert_id).await?;
    alert.ok_or_else(|| Problem::not_found("alert", &path.alert_id))
}

fn status_change(status: StatusName, reason: Option<String>) -> Result<WorkflowChange, Problem> {
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    if reason.is_some() && status != StatusName::Closed {
        return Err(Problem::bad_request("body: `reason` goes with the status `closed` only; leave it out"));
    }
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > 2000) {
        return Err(Problem::bad_request(
            "body: `reason` is longer than 2000 characters; write a note instead",
        ));
    }
    Ok(WorkflowChange { status: Some((status.into(), reason)), ..WorkflowChange::default() })
}

/// Sets the status of many alerts, by their ids or by KQL.
#[utoipa::path(
    post, path = "/api/v1/alerts/status", tag = "alerts", operation_id = "set_alerts_status",
    request_body = BulkStatusChange,
    responses(
        (status = 200, description = "What it has done.", body = BulkChanged),
        (status = 404, description = "One of the ids does not exist; nothing was changed.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn change_status(
    State(state): State<AppState>,
    caller: Caller,
    InBody(body): InBody<BulkStatusChange>,
) -> Result<Json<BulkChanged>, Problem> {
    let change = status_change(body.status, body.reason)?;
    let now = state.clock.now();
    let (ids, kql) = match (body.ids, body.query) {
        (Some(ids), None) if body.from.is_none() && body.to.is_none() => (ids, None),
        (None, Some(query)) if !query.trim().is_empty() => (Vec::new(), Some(query)),
        _ => {
            let detail = "body: give either `ids`, or `query` with or without `from` and `to`";
            return Err(Problem::bad_request(detail));
        }
    };
    let Some(kql) = kql else {
        if ids.is_empty() || ids.len() > MOST_CHANGED {
            let detail = format!("body: `ids` must be 1 to {MOST_CHANGED} ids");
            return Err(Problem::bad_request(detail));
        }
        let changed = state.store.change_workflow(&ids, &change, &caller.actor, now).await?;
        return Ok(Json(BulkChanged { matched: ids.len() as u64, changed, is_complete: true }));
    };
    let filter = filter(body.from, body.to, &[], &[], Vec::new())?;
    let search = AlertSearch::new(filter, Some(&kql), &state.catalog, now)?;
    let mut done = BulkChanged { matched: 0, changed: 0, is_complete: true };
    let (mut after, mut rounds) = (None, 0);
    loop {
        let found = search.walk(&state, after, 500, MOST_SEARCHED).await?;
        rounds += 1;
        let ids: Vec<String> = found.alerts.into_iter().map(|stored| stored.alert.id).collect();
        done.matched += ids.len() as u64;
        done.changed += state.store.change_workflow(&ids, &change, &caller.actor, now).await?;
        after = found.next;
        if after.is_none() || rounds * 500 >= MOST_CHANGED {
            done.is_complete = after.is_none();
            return Ok(Json(done));
        }
    }
}

/// Sets the status of an alert.
#[utoipa::path(
    post, path = "/api/v1/alerts/{alert_id}/status", tag = "alerts", operation_id = "set_alert_status",
    params(AlertPath), request_body = StatusChange,
    responses((status = 200, description = "The alert as it is now.", body = AlertView))
)]
async fn set_status(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<AlertPath>,
    InBody(body): InBody<StatusChange>,
) -> Result<Json<AlertView>, Problem> {
    let change = status_change(body.status, body.reason)?;
    changed(&state, &caller, &path, &change).await
}

/// Adds and removes assignees.
#[utoipa::path(
    post, path = "/api/v1/alerts/{alert_id}/assignees", tag = "alerts", operation_id = "assign_alert",
    params(AlertPath), request_body = Edit,
    responses((status = 200, description = "The alert as it is now.", body = AlertView))
)]
async fn assign(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<AlertPath>,
    InBody(body): InBody<Edit>,
) -> Result<Json<AlertView>, Problem> {
    let Edit { add, remove } = checked(body)?;
    let change = WorkflowChange { assign: add, unassign: remove, ..WorkflowChange::default() };
    changed(&state, &caller, &path, &change).await
}

/// Adds and removes tags.
#[utoipa::path(
    post, path = "/api/v1/alerts/{alert_id}/tags", tag = "alerts", operation_id = "tag_alert",
    params(AlertPath), request_body = Edit,
    responses((status = 200, description = "The alert as it is now.", body = AlertView))
)]
async fn tag(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<AlertPath>,
    InBody(body): InBody<Edit>,
) -> Result<Json<AlertView>, Problem> {
    let Edit { add, remove } = checked(body)?;
    let change = WorkflowChange { add_tags: add, remove_tags: remove, ..WorkflowChange::default() };
    changed(&state, &caller, &path, &change).await
}

fn checked(edit: Edit) -> Result<Edit, Problem> {
    let fits = |text: &String| !text.trim().is_empty() && text.chars().count() <= 512;
    let all_fit = edit.add.iter().chain(&edit.remove).all(fits);
    if all_fit && edit.add.len() <= 100 && edit.remove.len() <= 100 {
        return Ok(edit);
    }
    let detail = "body: `add` and `remove` hold at most 100 texts of 1 to 512 characters that are not blank";
    Err(Problem::bad_request(detail))
}

async fn changed(
    state: &AppState,
    caller: &Caller,
    path: &AlertPath,
    change: &WorkflowChange,
) -> Result<Json<AlertView>, Problem> {
    let ids = [path.alert_id.as_str().to_owned()];
    state.store.change_workflow(&ids, change, &caller.actor, state.clock.now()).await?;
    Ok(Json(needed(state, path).await?.into()))
}

/// The notes of an alert, oldest first.
#[utoipa::path(
    get, path = "/api/v1/alerts/{alert_id}/notes", tag = "alerts", operation_id = "list_notes", params(AlertPath),
    responses((status = 200, description = "All of them.", body = List<Note>))
)]
async fn notes(
    State(state): State<AppState>,
    InPath(path): InPath<AlertPath>,
) -> Result<Json<List<Note>>, Problem> {
    needed(&state, &path).await?;
    let notes = state.store.notes(&path.alert_id).await?;
    Ok(Json(List { items: notes.into_iter().map(Note::from).collect(), next: None }))
}

/// Adds a note.
#[utoipa::path(
    post, path = "/api/v1/alerts/{alert_id}/notes", tag = "alerts", operation_id = "add_note", params(AlertPath),
    request_body = NewNote,
    responses((status = 201, description = "The note.", body = Note))
)]
async fn add_note(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<AlertPath>,
    InBody(body): InBody<NewNote>,
) -> Result<(StatusCode, Json<Note>), Problem> {
    if body.text.trim().is_empty() || body.text.chars().count() > 10_000 {
        return Err(Problem::bad_request(
            "body: `text` must be 1 to 10000 characters that are not all blank",
        ));
    }
    let note = state.store.add_note(&path.alert_id, &body.text, &caller.actor, state.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(note.into())))
}
