//! Routes for connectors: where messages can go. Settings hold references to secrets, never a secret.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ecs::Timestamp;
use notify::{Connector, Message, Secrets, Transports};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::{ConnectorDraft, StoredConnector};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::exceptions::{SeenHeaders, Tagged, set_id, tagged};
use super::page::{List, PageQuery, page_of};
use super::problem::Problem;
use super::request::{Id, InBody, InPath, InQuery, Seen};
use crate::actions::connector_json;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .viewer(routes!(list))
        .viewer(routes!(get))
        .admin(routes!(put))
        .admin(routes!(delete))
        .admin(routes!(enable))
        .admin(routes!(disable))
        .admin(routes!(test))
}

/// Sends the message that tests a connector.
#[async_trait]
pub trait TestSender: Send + Sync {
    /// Sends it once. Gives what the other side said.
    ///
    /// # Errors
    /// Why it was not taken, in one line, without secrets.
    async fn send(&self, connector: &Connector, message: &Message, now: Timestamp) -> Result<String, String>;
}

/// Sends by [`notify::send()`].
pub struct NotifySender {
    /// Looks secrets up.
    pub secrets: Arc<dyn Secrets>,
    /// What messages are sent with.
    pub transports: Transports,
}

#[async_trait]
impl TestSender for NotifySender {
    async fn send(&self, connector: &Connector, message: &Message, now: Timestamp) -> Result<String, String> {
        match notify::send(connector, message, &*self.secrets, &self.transports, now).await {
            Ok(receipt) => Ok(receipt.detail),
            Err(error) => Err(error.full_text()),
        }
    }
}

/// The connector as the state keeps it: its settings, by themselves.
pub fn connector_draft(connector: &Connector) -> ConnectorDraft {
    let mut written = serde_json::to_value(connector).unwrap_or_default();
    ConnectorDraft {
        id: connector.id.clone(),
        name: connector.name.clone(),
        enabled: Some(connector.enabled),
        connector_type: connector.connector_type().name().to_owned(),
        config: written.get_mut("config").map(Value::take).unwrap_or_default(),
    }
}

/// The connector that [`connector_draft`] wrote.
///
/// # Errors
/// When it was written by something else, or is no longer understood.
pub fn connector_of(stored: &StoredConnector) -> Result<Connector, notify::ConfigError> {
    Connector::from_json(&connector_json(stored))
}

/// A connector with its revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConnectorView {
    /// What actions call it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// False: it is switched off and sends nothing. What it would have sent is skipped, and listed so.
    pub enabled: bool,
    /// What it speaks.
    #[serde(rename = "type")]
    pub connector_type: String,
    /// Its settings; secrets are references: `{"env": "NAME"}`, `{"file": "/path"}`.
    #[schema(value_type = Object)]
    pub config: Value,
    /// One more at each change; also the ETag.
    pub revision: i64,
    /// Of the newest change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who made it.
    pub updated_by: String,
}

/// What a connector is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorPut {
    /// What people call it; the id when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Missing: a connector that is there stays as it is, a new one is switched on. One that is switched off sends nothing:
    /// what waits to be sent, and what comes, is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What it speaks.
    #[serde(rename = "type")]
    pub connector_type: ConnectorKind,
    /// Its settings, by type; see the page on notifications.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
}

/// What a connector speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    /// An HTTP request.
    Webhook,
    /// A Slack incoming webhook.
    Slack,
    /// PagerDuty, Events API v2.
    PagerDuty,
    /// E-mail by SMTP.
    Email,
    /// An Amazon SNS topic.
    Sns,
    /// A file of NDJSON.
    File,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestReport {
    /// Did the other side take the message?
    pub sent: bool,
    /// What it said, or why not.
    pub detail: String,
    /// Is the connector switched on? When it is not, it sends tests and nothing else.
    pub enabled: bool,
}

/// A connector's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ConnectorPath {
    /// Letters, digits, `-`, `_` and `.`.
    #[param(value_type = String, min_length = 1, max_length = 100, pattern = r"^[A-Za-z0-9_.-]+$")]
    pub connector_id: Id,
}

impl From<StoredConnector> for ConnectorView {
    fn from(stored: StoredConnector) -> Self {
        Self {
            id: stored.id,
            name: stored.name,
            enabled: stored.enabled,
            connector_type: stored.connector_type,
            config: stored.config,
            revision: stored.revision,
            updated_at: stored.updated_at.to_string(),
            updated_by: stored.updated_by,
        }
    }
}

/// Lists connectors by id.
#[utoipa::path(
    get, path = "/api/v1/connectors", tag = "connectors", operation_id = "list_connectors", params(PageQuery),
    responses((status = 200, description = "A page of connectors.", body = List<ConnectorView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<List<ConnectorView>>, Problem> {
    let mut connectors = state.store.connectors().await?;
    connectors.sort_by(|a, b| a.id.cmp(&b.id));
    let key = |connector: &StoredConnector| connector.id.clone();
    Ok(Json(page_of(connectors, query.limit, query.after.as_deref(), key, ConnectorView::from)?))
}

/// One connector.
#[utoipa::path(
    get, path = "/api/v1/connectors/{connector_id}", tag = "connectors", operation_id = "get_connector",
    params(ConnectorPath),
    responses((status = 200, description = "The connector.", body = ConnectorView))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<ConnectorPath>,
) -> Result<Tagged<ConnectorView>, Problem> {
    let connector = needed(&state, &path).await?;
    Ok(tagged(connector.revision, connector.into()))
}

/// Keeps a connector. A secret that is written out is refused: write `{"env": "NAME"}` or `{"file": "/path"}`.
#[utoipa::path(
    put, path = "/api/v1/connectors/{connector_id}", tag = "connectors", operation_id = "put_connector",
    params(ConnectorPath, SeenHeaders), request_body = ConnectorPut,
    responses(
        (status = 200, description = "The connector as it is now.", body = ConnectorView),
        (status = 412, description = "Somebody else changed it in the meantime.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ConnectorPath>,
    Seen(seen): Seen,
    InBody(body): InBody<ConnectorPut>,
) -> Result<Tagged<ConnectorView>, Problem> {
    let mut object = match serde_json::to_value(&body) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    };
    set_id(&mut object, "id", &path.connector_id)?;
    let connector = Connector::from_json(&Value::Object(object))
        .map_err(|error| Problem::bad_request(format!("body: {error}")))?;
    let now = state.clock.now();
    let draft = ConnectorDraft { enabled: body.enabled, ..connector_draft(&connector) };
    let stored = state.store.put_connector(draft, seen, &caller.actor, now).await?;
    Ok(tagged(stored.revision, stored.into()))
}

/// Deletes a connector, unless an action sends through it.
#[utoipa::path(
    delete, path = "/api/v1/connectors/{connector_id}", tag = "connectors", operation_id = "delete_connector",
    params(ConnectorPath),
    responses(
        (status = 204, description = "It is gone."),
        (status = 409, description = "An action sends through it.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ConnectorPath>,
) -> Result<StatusCode, Problem> {
    if state.store.delete_connector(&path.connector_id, &caller.actor, state.clock.now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("connector", &path.connector_id))
}

/// Switches a connector on. What was skipped meanwhile is not sent by that; it can be sent again by hand.
#[utoipa::path(
    post, path = "/api/v1/connectors/{connector_id}/enable", tag = "connectors", operation_id = "enable_connector",
    params(ConnectorPath),
    responses((status = 200, description = "The connector as it is now.", body = ConnectorView))
)]
async fn enable(
    state: State<AppState>,
    caller: Caller,
    path: InPath<ConnectorPath>,
) -> Result<Tagged<ConnectorView>, Problem> {
    switch(state, caller, path, true).await
}

/// Switches a connector off: what waits to be sent by it, and what comes, is skipped. Test messages are sent all the same.
#[utoipa::path(
    post, path = "/api/v1/connectors/{connector_id}/disable", tag = "connectors", operation_id = "disable_connector",
    params(ConnectorPath),
    responses((status = 200, description = "The connector as it is now.", body = ConnectorView))
)]
async fn disable(
    state: State<AppState>,
    caller: Caller,
    path: InPath<ConnectorPath>,
) -> Result<Tagged<ConnectorView>, Problem> {
    switch(state, caller, path, false).await
}

async fn switch(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ConnectorPath>,
    enabled: bool,
) -> Result<Tagged<ConnectorView>, Problem> {
    let now = state.clock.now();
    let stored = state.store.set_connector_enabled(&path.connector_id, enabled, &caller.actor, now).await?;
    Ok(tagged(stored.revision, stored.into()))
}

/// Sends a message that says it is a test, now. A connector that is switched off sends it too: so it can be tried before it
/// is switched on.
#[utoipa::path(
    post, path = "/api/v1/connectors/{connector_id}/test", tag = "connectors", operation_id = "test_connector",
    params(ConnectorPath),
    responses((status = 200, description = "What came of it.", body = TestReport))
)]
async fn test(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ConnectorPath>,
) -> Result<Json<TestReport>, Problem> {
    let stored = needed(&state, &path).await?;
    let now = state.clock.now();
    let as_problem = |error: notify::ConfigError| Problem::bad_request(error.to_string());
    let connector = connector_of(&stored).map_err(as_problem)?;
    let message = notify::test_message(&connector, now).map_err(as_problem)?;
    let sent = state.sender.send(&connector, &message, now).await;
    let detail = json!({ "sent": sent.is_ok() });
    let (store, id) = (&state.store, path.connector_id.as_str());
    store.add_audit("connector.test", "connector", id, Some(detail), &caller.actor, now).await?;
    let (is_sent, detail) = match sent {
        Ok(detail) => (true, detail),
        Err(reason) => (false, reason),
    };
    Ok(Json(TestReport { sent: is_sent, detail, enabled: stored.enabled }))
}

async fn needed(state: &AppState, path: &ConnectorPath) -> Result<StoredConnector, Problem> {
    let connector = state.store.connector(&path.connector_id).await?;
    connector.ok_or_else(|| Problem::not_found("connector", &path.connector_id))
}
