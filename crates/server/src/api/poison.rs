//! Routes for deliveries that could not be read and were set aside.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use state::PoisonDelivery;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::page::{Limit, List, read_place, written_place};
use super::problem::Problem;
use super::request::{Id, InPath, InQuery};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.viewer(routes!(list)).admin(routes!(delete))
}

/// A delivery that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoisonView {
    /// The source's name.
    pub source: String,
    /// Its id at the source.
    pub id: String,
    /// Why it could not be read.
    pub reason: String,
    /// How it begins.
    pub excerpt: String,
    /// When it was set aside.
    #[schema(format = DateTime)]
    pub time: String,
}

/// Which deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PoisonQuery {
    /// Of this source.
    pub source: Option<String>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// A delivery in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PoisonPath {
    /// The source's name.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub source: Id,
    /// The delivery's id at the source.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub delivery_id: Id,
}

impl From<PoisonDelivery> for PoisonView {
    fn from(delivery: PoisonDelivery) -> Self {
        Self {
            source: delivery.source,
            id: delivery.id,
            reason: delivery.reason,
            excerpt: delivery.body_excerpt,
            time: delivery.time.to_string(),
        }
    }
}

/// Lists deliveries that were set aside, by source and id.
#[utoipa::path(
    get, path = "/api/v1/poison-deliveries", tag = "deliveries", operation_id = "list_poison_deliveries",
    params(PoisonQuery),
    responses((status = 200, description = "A page of deliveries.", body = List<PoisonView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<PoisonQuery>,
) -> Result<Json<List<PoisonView>>, Problem> {
    let after: Option<(String, String)> = read_place(query.after.as_deref())?;
    let page = state.store.poison(query.source.as_deref(), after.as_ref(), query.limit.0).await?;
    let items = page.items.into_iter().map(PoisonView::from).collect();
    Ok(Json(List { items, next: page.next.map(|next| written_place(&next)) }))
}

/// Forgets a delivery that was set aside.
#[utoipa::path(
    delete, path = "/api/v1/poison-deliveries/{source}/{delivery_id}", tag = "deliveries",
    operation_id = "delete_poison_delivery", params(PoisonPath),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<PoisonPath>,
) -> Result<StatusCode, Problem> {
    if !state.store.delete_poison(&path.source, &path.delivery_id).await? {
        return Err(Problem::not_found("poison delivery", &path.delivery_id));
    }
    let id = format!("{}/{}", path.source.as_str(), path.delivery_id.as_str());
    let now = state.clock.now();
    state.store.add_audit("poison.delete", "poison_delivery", &id, None, &caller.actor, now).await?;
    Ok(StatusCode::NO_CONTENT)
}
