//! Routes for responses: plan, request, approve, refuse, carry out. Two people, one call.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use respond::{Action, DisableStatement, Judgement, KeyArn};
use serde::{Deserialize, Serialize};
use state::{ResponseFilter, ResponsePosition, ResponseRecord, ResponseStatus};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::page::{Limit, List, read_place, written_place};
use super::problem::Problem;
use super::request::{Id, InBody, InPath, InQuery};
use crate::responder::{Ask, DryRun, Person};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .viewer(routes!(list))
        .viewer(routes!(get))
        .analyst(routes!(plan))
        .analyst(routes!(request))
        .analyst(routes!(approve))
        .analyst(routes!(refuse))
        .analyst(routes!(execute))
}

/// What can be done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ActionName {
    /// Stops a scheduled deletion; the key is disabled afterwards.
    CancelKeyDeletion,
    /// Switches a disabled key on.
    EnableKey,
}

/// Has a defender disabled the key?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DisableAnswerName {
    /// No: it may be enabled.
    No,
    /// Yes: it stays disabled.
    Yes,
    /// Not known: it stays disabled.
    Unknown,
}

/// How far a response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResponseStatusName {
    /// Somebody asks for it.
    Requested,
    /// Somebody else has agreed.
    Approved,
    /// It is being carried out.
    Executing,
    /// It was called, and the key shows no effect yet.
    Executed,
    /// The key shows the effect.
    Confirmed,
    /// CloudTrail has the event of the call.
    Logged,
    /// It was so already; nothing was called.
    Unneeded,
    /// Somebody said no.
    Refused,
    /// Nobody agreed, or nobody carried it out, in time.
    Expired,
    /// It could not be done.
    Failed,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResponseView {
    /// Unique.
    pub id: String,
    /// The alert that it answers.
    pub alert_id: String,
    /// The ARN of the key.
    pub key: String,
    /// The call.
    pub action: String,
    /// Why.
    pub reason: String,
    /// How far it is.
    pub status: ResponseStatusName,
    /// What came of it: sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub requested_at: String,
    /// Has a defender disabled the key?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_by_defender: Option<String>,
    /// Who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_said_by: Option<String>,
    /// From then on it is no longer valid: the request until it is approved, the approval afterwards.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// Who approved or refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub decided_at: Option<String>,
    /// Who had it carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executed_by: Option<String>,
    /// When that began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub executed_at: Option<String>,
    /// AWS's id of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When the key showed the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub confirmed_at: Option<String>,
    /// `eventID` of the call in CloudTrail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// One more at each step.
    pub revision: i64,
    /// Of the newest step.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseRequest {
    /// The alert.
    pub alert_id: Id,
    /// The ARN of the key; when it is missing, that of the alert, if it has just one.
    pub key: Option<String>,
    /// What is to be done.
    pub action: ActionName,
    /// Why.
    #[schema(min_length = 1, max_length = 4000)]
    pub reason: String,
    /// For `EnableKey`, which takes nothing but `no`: has a defender disabled the key?
    pub disabled_by_defender: Option<DisableAnswerName>,
    /// Who says so: a person, as colleagues know them.
    #[schema(min_length = 1, max_length = 200)]
    pub disabled_said_by: Option<String>,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseRefusal {
    /// Why.
    #[schema(min_length = 1, max_length = 4000)]
    pub reason: String,
}

/// What a plan is wanted for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// The alert.
    pub alert_id: Id,
    /// The ARN of a key; when it is missing, all keys of the alert.
    pub key: Option<String>,
    /// What is to be done; when it is missing, what the state of the key suggests.
    pub action: Option<ActionName>,
}

/// What would be done. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlansView {
    /// May approved responses be carried out by this server?
    pub is_enabled: bool,
    /// A plan for each key.
    pub plans: Vec<PlanView>,
}

/// What would be done to one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The ARN of the key.
    pub key: String,
    /// The call; missing when there is none to make, or the state is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The key's state now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why the state is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_unknown_because: Option<String>,
    /// When the key will be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub deletion_date: Option<String>,
    /// Would the call be made, if two people agreed?
    pub would_call: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// The same as a command of the AWS CLI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Who disabled the key last, as the logs of 90 days tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub disabled_at: Option<String>,
}

/// Which responses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResponseQuery {
    /// In one of these states.
    #[serde(default)]
    #[param(inline)]
    pub status: Vec<ResponseStatusName>,
    /// To this alert.
    pub alert_id: Option<String>,
    /// On the key with this ARN.
    pub key: Option<String>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// A response's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ResponsePath {
    /// The response's id.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub response_id: Id,
}

impl From<ActionName> for Action {
    fn from(name: ActionName) -> Self {
        match name {
            ActionName::CancelKeyDeletion => Self::CancelKeyDeletion,
            ActionName::EnableKey => Self::EnableKey,
        }
    }
}

impl From<DisableAnswerName> for respond::DisableAnswer {
    fn from(name: DisableAnswerName) -> Self {
        match name {
            DisableAnswerName::No => Self::No,
            DisableAnswerName::Yes => Self::Yes,
            DisableAnswerName::Unknown => Self::Unknown,
        }
    }
}

impl ResponseStatusName {
    const ALL: [(Self, ResponseStatus); 10] = [
        (Self::Requested, ResponseStatus::Requested),
        (Self::Approved, ResponseStatus::Approved),
        (Self::Executing, ResponseStatus::Executing),
        (Self::Executed, ResponseStatus::Executed),
        (Self::Confirmed, ResponseStatus::Confirmed),
        (Self::Logged, ResponseStatus::Logged),
        (Self::Unneeded, ResponseStatus::Unneeded),
        (Self::Refused, ResponseStatus::Refused),
        (Self::Expired, ResponseStatus::Expired),
        (Self::Failed, ResponseStatus::Failed),
    ];

    fn of(status: ResponseStatus) -> Self {
        Self::ALL.iter().find(|(_, kept)| *kept == status).map_or(Self::Failed, |(name, _)| *name)
    }

    fn kept(self) -> ResponseStatus {
        Self::ALL.iter().find(|(name, _)| *name == self).map_or(ResponseStatus::Failed, |(_, kept)| *kept)
    }
}

impl From<ResponseRecord> for ResponseView {
    fn from(record: ResponseRecord) -> Self {
        let ResponseRecord { draft, progress, revision, updated_at } = record;
        let time = |at: Option<ecs::Timestamp>| at.map(|at| at.to_string());
        Self {
            id: draft.id,
            alert_id: draft.alert_id,
            key: draft.key_arn,
            action: draft.action,
            reason: draft.reason,
            status: ResponseStatusName::of(progress.status),
            outcome: progress.outcome,
            requested_by: draft.requested_by,
            requested_at: draft.requested_at.to_string(),
            disabled_by_defender: draft.disabled_by_defender,
            disabled_said_by: draft.disabled_said_by,
            expires_at: progress.expires_at.to_string(),
            decided_by: progress.decided_by,
            decided_at: time(progress.decided_at),
            executed_by: progress.executed_by,
            executed_at: time(progress.executed_at),
            request_id: progress.request_id,
            confirmed_at: time(progress.confirmed_at),
            event_id: progress.event_id,
            revision,
            updated_at: updated_at.to_string(),
        }
    }
}

impl From<DryRun> for PlanView {
    fn from(run: DryRun) -> Self {
        let command = run.plan.command();
        let (state, state_unknown_because, deletion_date) = match &run.plan.live {
            Ok(live) => (Some(live.state.to_string()), None, live.deletion_date.map(|at| at.to_string())),
            Err(why) => (None, Some(why.clone()), None),
        };
        let why_not = match &run.plan.judgement {
            _ if run.refusal.is_some() => run.refusal,
            _ if run.plan.hindrance.is_some() => run.plan.hindrance,
            Some(Judgement::Unneeded(why) | Judgement::Forbidden(why)) => Some(why.clone()),
            Some(Judgement::Call) => None,
            None => Some("the state of the key asks for neither call, or is not known".to_owned()),
        };
        let last = run.last_disable;
        Self {
            key: run.plan.key.to_string(),
            action: run.plan.action.map(|action| action.call().to_owned()),
            state,
            state_unknown_because,
            deletion_date,
            would_call: why_not.is_none(),
            why_not,
            command,
            disabled_at: last.as_ref().map(|last| last.time.to_string()),
            disabled_by: last.map(|last| last.principal),
        }
    }
}

/// Lists responses, the newest request first.
#[utoipa::path(
    get, path = "/api/v1/responses", tag = "responses", operation_id = "list_responses", params(ResponseQuery),
    responses((status = 200, description = "A page of responses.", body = List<ResponseView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<ResponseQuery>,
) -> Result<Json<List<ResponseView>>, Problem> {
    let filter = ResponseFilter {
        statuses: query.status.into_iter().map(ResponseStatusName::kept).collect(),
        alert_id: query.alert_id,
        key_arn: query.key,
    };
    let after: Option<(i64, String)> = read_place(query.after.as_deref())?;
    let after: Option<ResponsePosition> = match after {
        None => None,
        Some((time, id)) => {
            let time = ecs::Timestamp::from_millisecond(time).map_err(|_| {
                Problem::bad_request("query: `after` must be the `next` of an earlier page of this list")
            })?;
            Some((time, id))
        }
    };
    let page = state.store.responses(&filter, after.as_ref(), query.limit.0).await?;
    let items = page.items.into_iter().map(ResponseView::from).collect();
    let next = page.next.map(|(time, id)| written_place(&(time.as_millisecond(), id)));
    Ok(Json(List { items, next }))
}

/// One response.
#[utoipa::path(
    get, path = "/api/v1/responses/{response_id}", tag = "responses", operation_id = "get_response", params(ResponsePath),
    responses((status = 200, description = "The response.", body = ResponseView))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<ResponsePath>,
) -> Result<Json<ResponseView>, Problem> {
    let record = state.store.response(&path.response_id).await?;
    let record = record.ok_or_else(|| Problem::not_found("response", &path.response_id))?;
    Ok(Json(record.into()))
}

/// A dry run: reads the keys of an alert and says what would be called. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/response-plans", tag = "responses", operation_id = "plan_response", request_body = PlanRequest,
    responses(
        (status = 200, description = "What would be done.", body = PlansView),
        (status = 404, description = "There is no such alert.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn plan(
    State(state): State<AppState>,
    InBody(body): InBody<PlanRequest>,
) -> Result<Json<PlansView>, Problem> {
    let key = read_key(body.key.as_deref())?;
    let responder = &state.responder;
    let runs = responder.plan(&body.alert_id, key.as_ref(), body.action.map(Action::from)).await?;
    let plans = runs.into_iter().map(PlanView::from).collect();
    Ok(Json(PlansView { is_enabled: responder.settings.enabled, plans }))
}

/// Asks for a response. Somebody else must approve it before anything is called.
#[utoipa::path(
    post, path = "/api/v1/responses", tag = "responses", operation_id = "request_response", request_body = ResponseRequest,
    responses(
        (status = 201, description = "The response.", body = ResponseView),
        (status = 404, description = "There is no such alert.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The same is asked for already, or may not be done.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn request(
    State(state): State<AppState>,
    caller: Caller,
    InBody(body): InBody<ResponseRequest>,
) -> Result<(StatusCode, Json<ResponseView>), Problem> {
    if body.reason.chars().count() > 4000
        || body.disabled_said_by.as_ref().is_some_and(|by| by.chars().count() > 200)
    {
        return Err(Problem::bad_request("body: `reason` takes 4000 characters, `disabled_said_by` 200"));
    }
    let ask = Ask {
        alert_id: body.alert_id.into_string(),
        key: read_key(body.key.as_deref())?,
        action: body.action.into(),
        reason: body.reason,
        statement: body.disabled_by_defender.map(|answer| DisableStatement {
            answer: answer.into(),
            said_by: body.disabled_said_by.unwrap_or_default(),
        }),
    };
    let record = state.responder.request(ask, &caller.into()).await?;
    Ok((StatusCode::CREATED, Json(record.into())))
}

/// Agrees to a response: somebody other than who asked for it, with a token that is older than the request.
#[utoipa::path(
    post, path = "/api/v1/responses/{response_id}/approve", tag = "responses", operation_id = "approve_response",
    params(ResponsePath),
    responses(
        (status = 200, description = "The response as it is now.", body = ResponseView),
        (status = 409, description = "It waits for no approval any more.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ResponsePath>,
) -> Result<Json<ResponseView>, Problem> {
    Ok(Json(state.responder.approve(&path.response_id, &caller.into()).await?.into()))
}

/// Says no to a response that was not carried out yet. Who asked for it may, too.
#[utoipa::path(
    post, path = "/api/v1/responses/{response_id}/refuse", tag = "responses", operation_id = "refuse_response",
    params(ResponsePath), request_body = ResponseRefusal,
    responses(
        (status = 200, description = "The response as it is now.", body = ResponseView),
        (status = 409, description = "It is over.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn refuse(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ResponsePath>,
    InBody(body): InBody<ResponseRefusal>,
) -> Result<Json<ResponseView>, Problem> {
    Ok(Json(state.responder.refuse(&path.response_id, &body.reason, &caller.into()).await?.into()))
}

/// Carries out what was approved: reads the key, makes the one call if its state allows it, reads it again. One that was
/// carried out already is given as it is, and nothing is called.
#[utoipa::path(
    post, path = "/api/v1/responses/{response_id}/execute", tag = "responses", operation_id = "execute_response",
    params(ResponsePath),
    responses(
        (status = 200, description = "The response as it is now; `status` and `outcome` say what came of it.", body = ResponseView),
        (status = 409, description = "It was not approved, or is over.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn execute(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ResponsePath>,
) -> Result<Json<ResponseView>, Problem> {
    Ok(Json(state.responder.execute(&path.response_id, &caller.into()).await?.into()))
}

impl From<Caller> for Person {
    fn from(caller: Caller) -> Self {
        Self { actor: caller.actor, since: caller.since }
    }
}

fn read_key(text: Option<&str>) -> Result<Option<KeyArn>, Problem> {
    let read = text.map(str::parse).transpose();
    read.map_err(|error| Problem::bad_request(format!("body: `key`: {error}")))
}
