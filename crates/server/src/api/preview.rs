//! The route that tries a rule out over a past range.

use axum::Json;
use axum::extract::State;
use ecs::TimeRange;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::AppState;
use super::access::Routes;
use super::page::Limit;
use super::problem::Problem;
use super::request::{InBody, Instant};
use super::rule_text::TextFormat;
use crate::control::PreviewRequest;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.analyst(routes!(preview))
}

/// A rule to try out.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    /// Its text.
    #[schema(min_length = 1)]
    pub source: String,
    /// How the text is written.
    pub format: TextFormat,
    /// First instant of the range.
    pub from: Instant,
    /// First instant after; at most 90 days later, not in the future.
    pub to: Instant,
    /// The most alerts to give back.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
}

/// What a rule would have found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewReport {
    /// Alert documents, the oldest first.
    #[schema(value_type = Vec<Object>)]
    pub alerts: Vec<Value>,
    /// How many there are in all.
    pub total: u64,
    /// How many events were looked at.
    pub events: u64,
    /// What is wrong with the rule, or worth knowing, a sentence each.
    pub faults: Vec<String>,
}

/// Runs a rule over a past range and gives what it would have found. Nothing is kept.
#[utoipa::path(
    post, path = "/api/v1/rules/preview", tag = "rules", operation_id = "preview_rule", request_body = PreviewBody,
    responses((status = 200, description = "What it would have found.", body = PreviewReport))
)]
async fn preview(
    State(state): State<AppState>,
    InBody(body): InBody<PreviewBody>,
) -> Result<Json<PreviewReport>, Problem> {
    if body.source.trim().is_empty() {
        return Err(Problem::bad_request("body: `source` must hold the text of a rule"));
    }
    let request = PreviewRequest {
        text: body.source,
        is_json: body.format == TextFormat::Json,
        range: TimeRange { from: Some(body.from.0), to: Some(body.to.0) },
        limit: body.limit.0 as usize,
    };
    let preview = state.control.preview(request).await?;
    Ok(Json(PreviewReport {
        alerts: preview.alerts,
        total: preview.total,
        events: preview.events,
        faults: preview.faults,
    }))
}
