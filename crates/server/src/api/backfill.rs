//! The route that runs a rule over a past range as its schedule would have.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ecs::TimeRange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::problem::Problem;
use super::request::{InBody, InPath, Instant};
use super::rules::RulePath;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.analyst(routes!(backfill))
}

/// Which range.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackfillBody {
    /// First instant of the range.
    pub from: Instant,
    /// First instant after; at most 90 days later, not in the future.
    pub to: Instant,
}

/// A backfill that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackfillStarted {
    /// Its executions carry it in their metrics, as `backfill`.
    pub backfill: String,
}

/// Runs a rule over a past range, as its schedule would have, in the background. Alerts that are there already stay as
/// they are; the executions are listed with the kind `backfill`.
#[utoipa::path(
    post, path = "/api/v1/rules/{rule_id}/backfill", tag = "rules", operation_id = "backfill_rule", params(RulePath),
    request_body = BackfillBody,
    responses((status = 202, description = "It has begun.", body = BackfillStarted))
)]
async fn backfill(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<RulePath>,
    InBody(body): InBody<BackfillBody>,
) -> Result<(StatusCode, Json<BackfillStarted>), Problem> {
    let range = TimeRange { from: Some(body.from.0), to: Some(body.to.0) };
    let backfill = state.control.backfill(&path.rule_id, range, &caller.actor).await?;
    Ok((StatusCode::ACCEPTED, Json(BackfillStarted { backfill })))
}
