//! Routes for the audit trail: who changed what, and whether the trail is whole.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use state::{AuditEntry, AuditFilter};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::Routes;
use super::alert_query::span;
use super::page::{Limit, List, read_place, written_place};
use super::problem::Problem;
use super::request::{InQuery, Instant};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.admin(routes!(list)).admin(routes!(verify))
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Unique, rising in the order of the changes.
    pub id: i64,
    /// When.
    #[schema(format = DateTime)]
    pub time: String,
    /// Who, for example `token:deploy` or `system:rules-folder`.
    pub actor: String,
    /// What was done, for example `rule.put`.
    pub action: String,
    /// What it was done to, for example `rule`.
    pub object_kind: String,
    /// Its id; an item's is `list/item`.
    pub object_id: String,
    /// How it was; missing when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub before: Option<Value>,
    /// How it is; missing when it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub after: Option<Value>,
    /// SHA-256 over the entry before and this one, in hex.
    pub hash: String,
}

/// Is the trail whole?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditVerified {
    /// True when each hash follows from what is before.
    pub is_whole: bool,
    /// The first entry whose hash does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_broken: Option<i64>,
}

/// Which changes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Made from then on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Instant>,
    /// Made before.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Instant>,
    /// Made by this actor.
    pub actor: Option<String>,
    /// To things of this kind, for example `rule`.
    pub object_kind: Option<String>,
    /// To the thing with this id.
    pub object_id: Option<String>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            time: entry.time.to_string(),
            actor: entry.actor,
            action: entry.action,
            object_kind: entry.object_kind,
            object_id: entry.object_id,
            before: entry.before,
            after: entry.after,
            hash: entry.hash,
        }
    }
}

/// Lists changes, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", operation_id = "list_audit", params(AuditQuery),
    responses((status = 200, description = "A page of changes.", body = List<AuditView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<AuditQuery>,
) -> Result<Json<List<AuditView>>, Problem> {
    let filter = AuditFilter {
        time: span(query.from.map(|at| at.0), query.to.map(|at| at.0))?,
        actor: query.actor,
        object_kind: query.object_kind,
        object_id: query.object_id,
    };
    let after: Option<i64> = read_place(query.after.as_deref())?;
    let page = state.store.audit(&filter, after, query.limit.0).await?;
    let items = page.items.into_iter().map(AuditView::from).collect();
    Ok(Json(List { items, next: page.next.map(|next| written_place(&next)) }))
}

/// Walks the whole trail and says whether an entry was changed or removed. Entries cut off at its end are not seen.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", tag = "audit", operation_id = "verify_audit",
    responses((status = 200, description = "Whether it is whole.", body = AuditVerified))
)]
async fn verify(State(state): State<AppState>) -> Result<Json<AuditVerified>, Problem> {
    let first_broken = state.store.verify_audit().await?;
    Ok(Json(AuditVerified { is_whole: first_broken.is_none(), first_broken }))
}
