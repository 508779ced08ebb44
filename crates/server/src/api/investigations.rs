//! The route that investigates an alert again, with what has come in since.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::Routes;
use super::problem::Problem;
use super::request::{Id, InPath};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.analyst(routes!(investigate))
}

/// Which alert.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct InvestigatedPath {
    /// `kibana.alert.uuid`.
    alert_id: Id,
}

/// An investigation made now. What the alert itself holds stays as it was when it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvestigationView {
    /// The alert.
    pub alert_id: String,
    /// When it was investigated: states and clocks are told for this moment.
    #[schema(format = DateTime)]
    pub at: String,
    /// The answers: questions, verdict, actor, keys, blast radius, surroundings, response.
    #[schema(value_type = Object)]
    pub investigation: Value,
}

/// Investigates an alert with what the lake holds now. Nothing is kept.
#[utoipa::path(
    post, path = "/api/v1/alerts/{alert_id}/investigation", tag = "alerts", operation_id = "investigate_alert",
    params(InvestigatedPath), responses((status = 200, description = "The investigation.", body = InvestigationView))
)]
async fn investigate(
    State(state): State<AppState>,
    InPath(path): InPath<InvestigatedPath>,
) -> Result<Json<InvestigationView>, Problem> {
    let stored = state.store.alert(&path.alert_id).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("alert", &path.alert_id))?;
    let alert_id = stored.alert.id.clone();
    let (at, investigation) = state.control.investigate(stored).await?;
    Ok(Json(InvestigationView { alert_id, at: at.to_string(), investigation }))
}
