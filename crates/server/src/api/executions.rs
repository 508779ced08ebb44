//! Routes for executions: runs of rules, with their windows and numbers.

use axum::Json;
use axum::extract::State;
use ecs::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use state::{Execution, ExecutionFilter, ExecutionKind, ExecutionPosition, ExecutionStatus};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::Routes;
use super::alert_query::span;
use super::page::{Limit, List, read_place, written_place};
use super::problem::Problem;
use super::request::{Id, InPath, InQuery, Instant};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.viewer(routes!(list)).viewer(routes!(get))
}

/// One run of one rule over one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionView {
    /// Unique.
    pub id: String,
    /// The rule's signature id.
    pub rule_id: String,
    /// Why it was run.
    pub kind: KindName,
    /// The scheduled time that it stands for.
    #[schema(format = DateTime)]
    pub tick: String,
    /// First instant searched.
    #[schema(format = DateTime)]
    pub window_from: String,
    /// First instant after.
    #[schema(format = DateTime)]
    pub window_to: String,
    /// When the run began.
    #[schema(format = DateTime)]
    pub started: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended: String,
    /// What came of it.
    pub status: EndName,
    /// What there is to tell; empty for nothing.
    pub message: String,
    /// Numbers, for example events read, hits, alerts made, hits cut.
    #[schema(value_type = Object)]
    pub metrics: Value,
}

/// Why a rule was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindName {
    /// Its schedule said so.
    Scheduled,
    /// Somebody asked for one run.
    Manual,
    /// Somebody asked for a past range.
    Backfill,
    /// To make up for a gap.
    GapFill,
}

/// What came of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndName {
    /// All of it was searched.
    Succeeded,
    /// It was searched, with something to tell.
    Warning,
    /// Its window was not covered.
    Failed,
}

/// Which executions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExecutionQuery {
    /// Of one of these rules.
    #[serde(default)]
    pub rule_id: Vec<String>,
    /// With one of these ends.
    #[serde(default)]
    #[param(inline)]
    pub status: Vec<EndName>,
    /// Of one of these kinds.
    #[serde(default)]
    #[param(inline)]
    pub kind: Vec<KindName>,
    /// Started from then on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Instant>,
    /// Started before.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Instant>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// An execution's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ExecutionPath {
    /// The execution.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub execution_id: Id,
}

impl From<Execution> for ExecutionView {
    fn from(execution: Execution) -> Self {
        Self {
            id: execution.id,
            rule_id: execution.rule_id,
            kind: match execution.kind {
                ExecutionKind::Scheduled => KindName::Scheduled,
                ExecutionKind::Manual => KindName::Manual,
                ExecutionKind::Backfill => KindName::Backfill,
                ExecutionKind::GapFill => KindName::GapFill,
            },
            tick: execution.tick.to_string(),
            window_from: execution.window_from.to_string(),
            window_to: execution.window_to.to_string(),
            started: execution.started.to_string(),
            ended: execution.ended.to_string(),
            status: match execution.status {
                ExecutionStatus::Succeeded => EndName::Succeeded,
                ExecutionStatus::Warning => EndName::Warning,
                ExecutionStatus::Failed => EndName::Failed,
            },
            message: execution.message,
            metrics: execution.metrics,
        }
    }
}

/// Lists executions, the latest start first.
#[utoipa::path(
    get, path = "/api/v1/executions", tag = "executions", operation_id = "list_executions", params(ExecutionQuery),
    responses((status = 200, description = "A page of executions.", body = List<ExecutionView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<ExecutionQuery>,
) -> Result<Json<List<ExecutionView>>, Problem> {
    let filter = ExecutionFilter {
        rule_ids: query.rule_id,
        started: span(query.from.map(|at| at.0), query.to.map(|at| at.0))?,
        statuses: query
            .status
            .iter()
            .map(|status| match status {
                EndName::Succeeded => ExecutionStatus::Succeeded,
                EndName::Warning => ExecutionStatus::Warning,
                EndName::Failed => ExecutionStatus::Failed,
            })
            .collect(),
        kinds: query
            .kind
            .iter()
            .map(|kind| match kind {
                KindName::Scheduled => ExecutionKind::Scheduled,
                KindName::Manual => ExecutionKind::Manual,
                KindName::Backfill => ExecutionKind::Backfill,
                KindName::GapFill => ExecutionKind::GapFill,
            })
            .collect(),
    };
    let place: Option<(i64, String)> = read_place(query.after.as_deref())?;
    let after = match place {
        None => None,
        Some((started, id)) => {
            let started = Timestamp::from_millisecond(started)
                .map_err(|_| Problem::bad_request("query: `after` must be the `next` of an earlier page"))?;
            Some(ExecutionPosition { started, id })
        }
    };
    let page = state.store.executions(&filter, after.as_ref(), query.limit.0).await?;
    let next = page.next.map(|next| written_place(&(next.started.as_millisecond(), next.id)));
    Ok(Json(List { items: page.items.into_iter().map(ExecutionView::from).collect(), next }))
}

/// One execution.
#[utoipa::path(
    get, path = "/api/v1/executions/{execution_id}", tag = "executions", operation_id = "get_execution",
    params(ExecutionPath),
    responses((status = 200, description = "The execution.", body = ExecutionView))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<ExecutionPath>,
) -> Result<Json<ExecutionView>, Problem> {
    let execution = state.store.execution(&path.execution_id).await?;
    let execution = execution.ok_or_else(|| Problem::not_found("execution", &path.execution_id))?;
    Ok(Json(execution.into()))
}
