//! Routes for the outbox: messages that wait, were sent, were given up, or were skipped.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use state::{Notification, NotificationState};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::page::{Limit, List, read_place, written_place};
use super::problem::Problem;
use super::request::{InBody, InPath, InQuery};
use super::value_lists::Changed;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.viewer(routes!(list)).viewer(routes!(counts)).viewer(routes!(get)).analyst(routes!(retry))
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NotificationView {
    /// Unique, rising.
    pub id: i64,
    /// What became of it.
    pub state: NotificationStateName,
    /// The connector that sends it.
    pub connector_id: String,
    /// The action that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_id: Option<String>,
    /// The rule that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// The alert that it tells of, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    /// Of two with the same key only one is sent.
    pub dedupe_key: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed; of one that was skipped, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub not_before: Option<String>,
    /// When it was written.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it was sent, given up or skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended: Option<String>,
    /// What is sent, without secrets.
    #[schema(value_type = Object)]
    pub message: Value,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationStateName {
    /// To be sent.
    Pending,
    /// The other side took it.
    Sent,
    /// Given up; somebody must look.
    Dead,
    /// Not to be sent: its connector was switched off.
    Skipped,
}

/// Which messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NotificationQuery {
    /// In this state.
    #[param(inline)]
    pub state: NotificationStateName,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// How many messages are in each state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct NotificationCounts {
    /// To be sent.
    pub pending: u64,
    /// Sent.
    pub sent: u64,
    /// Given up.
    pub dead: u64,
    /// Not to be sent: their connector was switched off.
    pub skipped: u64,
}

/// Which messages to send again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Those among them that were given up or skipped are tried again at once, but not through a connector that is switched
    /// off.
    #[schema(min_items = 1, max_items = 1000)]
    pub ids: Vec<i64>,
}

/// A message's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct NotificationPath {
    /// The message.
    pub notification_id: i64,
}

impl From<NotificationState> for NotificationStateName {
    fn from(state: NotificationState) -> Self {
        match state {
            NotificationState::Pending => Self::Pending,
            NotificationState::Sent => Self::Sent,
            NotificationState::Dead => Self::Dead,
            NotificationState::Skipped => Self::Skipped,
        }
    }
}

impl From<NotificationStateName> for NotificationState {
    fn from(state: NotificationStateName) -> Self {
        match state {
            NotificationStateName::Pending => Self::Pending,
            NotificationStateName::Sent => Self::Sent,
            NotificationStateName::Dead => Self::Dead,
            NotificationStateName::Skipped => Self::Skipped,
        }
    }
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        let draft = notification.draft;
        Self {
            id: notification.id,
            state: notification.state.into(),
            connector_id: draft.connector_id,
            action_id: draft.action_id,
            rule_id: draft.rule_id,
            alert_id: draft.about_alert,
            dedupe_key: draft.dedupe_key,
            attempts: notification.attempts,
            last_error: notification.last_error,
            not_before: draft.not_before.map(|at| at.to_string()),
            created: notification.created.to_string(),
            ended: notification.ended.map(|at| at.to_string()),
            message: draft.payload,
        }
    }
}

/// Lists messages in one state, newest first. The dead letter is the state `dead`.
#[utoipa::path(
    get, path = "/api/v1/notifications", tag = "notifications", operation_id = "list_notifications",
    params(NotificationQuery),
    responses((status = 200, description = "A page of messages.", body = List<NotificationView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<NotificationQuery>,
) -> Result<Json<List<NotificationView>>, Problem> {
    let after: Option<i64> = read_place(query.after.as_deref())?;
    let page = state.store.notifications(query.state.into(), after, query.limit.0).await?;
    let items = page.items.into_iter().map(NotificationView::from).collect();
    Ok(Json(List { items, next: page.next.map(|next| written_place(&next)) }))
}

/// Counts messages by state.
#[utoipa::path(
    get, path = "/api/v1/notifications/counts", tag = "notifications", operation_id = "count_notifications",
    responses((status = 200, description = "How many are in each state.", body = NotificationCounts))
)]
async fn counts(State(state): State<AppState>) -> Result<Json<NotificationCounts>, Problem> {
    let mut counts = NotificationCounts::default();
    for (state, count) in state.store.count_notifications().await? {
        match state {
            NotificationState::Pending => counts.pending = count,
            NotificationState::Sent => counts.sent = count,
            NotificationState::Dead => counts.dead = count,
            NotificationState::Skipped => counts.skipped = count,
        }
    }
    Ok(Json(counts))
}

/// One message.
#[utoipa::path(
    get, path = "/api/v1/notifications/{notification_id}", tag = "notifications", operation_id = "get_notification",
    params(NotificationPath),
    responses((status = 200, description = "The message.", body = NotificationView))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<NotificationPath>,
) -> Result<Json<NotificationView>, Problem> {
    let notification = state.store.notification(path.notification_id).await?;
    let id = path.notification_id.to_string();
    Ok(Json(notification.ok_or_else(|| Problem::not_found("notification", &id))?.into()))
}

/// Sends messages again that were given up, or skipped. Those of a connector that is switched off stay as they are.
#[utoipa::path(
    post, path = "/api/v1/notifications/retry", tag = "notifications", operation_id = "retry_notifications",
    request_body = Retry,
    responses((status = 200, description = "How many are tried again.", body = Changed))
)]
async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    InBody(body): InBody<Retry>,
) -> Result<Json<Changed>, Problem> {
    if body.ids.is_empty() || body.ids.len() > 1000 {
        return Err(Problem::bad_request("body: `ids` must be 1 to 1000 ids of notifications"));
    }
    let changed = state.store.send_again(&body.ids, &caller.actor, state.clock.now()).await?;
    Ok(Json(Changed { changed }))
}
