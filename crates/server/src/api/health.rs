//! Routes that say how the server is: alive, ready, and what is wrong with which part.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::AppState;
use super::access::Routes;
use super::problem::Problem;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.open(routes!(alive)).open(routes!(ready)).viewer(routes!(health))
}

/// In one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// `ok`, `ready` or `not ready`.
    pub status: String,
}

/// How the parts are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthReport {
    /// True once rules are loaded and the lake is open.
    pub is_ready: bool,
    /// The parts.
    pub parts: Vec<Part>,
    /// The time of the newest event that every enabled rule has seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub evaluated_through: Option<String>,
    /// How far that lies back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection_lag_seconds: Option<i64>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What is wrong with it; missing when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Answers as long as the process does.
#[utoipa::path(
    get, path = "/healthz", tag = "health", operation_id = "alive",
    responses((status = 200, description = "Alive.", body = Word))
)]
async fn alive() -> Json<Word> {
    Json(Word { status: "ok".to_owned() })
}

/// Are rules loaded, and is the lake open? What is wrong, `/api/v1/health` tells.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "ready",
    responses(
        (status = 200, description = "Ready.", body = Word),
        (status = 503, description = "Not yet, or not any more.", body = Word),
    )
)]
async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Word>) {
    let (status, word) = match state.control.health().await.is_ready {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    (status, Json(Word { status: word.to_owned() }))
}

/// How each part is.
#[utoipa::path(
    get, path = "/api/v1/health", tag = "health", operation_id = "health",
    responses((status = 200, description = "How the parts are.", body = HealthReport))
)]
async fn health(State(state): State<AppState>) -> Result<Json<HealthReport>, Problem> {
    let health = state.control.health().await;
    let now = state.clock.now();
    let parts = health.parts.into_iter().map(|(name, fault)| Part { name, fault }).collect();
    Ok(Json(HealthReport {
        is_ready: health.is_ready,
        parts,
        evaluated_through: health.evaluated_through.map(|at| at.to_string()),
        detection_lag_seconds: health.evaluated_through.map(|at| now.duration_since(at).as_secs().max(0)),
    }))
}
