//! Routes for value lists: what a list is, and its values, of which there may be many.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rule::ValueListType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use state::StoredDocument;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::exceptions::{ListPath, SeenHeaders, Tagged, Versioned, tagged};
use super::page::{List, PageQuery, page_of, read_place, written_place};
use super::problem::Problem;
use super::request::{InBody, InPath, InQuery, Seen};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .viewer(routes!(list))
        .viewer(routes!(get))
        .admin(routes!(put))
        .admin(routes!(delete))
        .viewer(routes!(values))
        .admin(routes!(add))
        .admin(routes!(remove))
}

/// What a value list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// Texts, compared as they are.
    Keyword,
    /// Addresses.
    Ip,
    /// Ranges of addresses.
    IpRange,
    /// Texts.
    Text,
}

/// What a value list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueListPut {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ValueKind,
    /// What people call it.
    #[schema(min_length = 1, max_length = 512)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// Values to add or remove.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// At most 100 000, without line breaks.
    #[schema(min_items = 1, max_items = 100000)]
    pub values: Vec<String>,
}

/// How many were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Others were so already.
    pub changed: u64,
}

impl ValueKind {
    fn of(stored: &StoredDocument) -> Option<Self> {
        serde_json::from_value(stored.document.get("type")?.clone()).ok()
    }

    fn list_type(self) -> ValueListType {
        match self {
            Self::Keyword => ValueListType::Keyword,
            Self::Ip => ValueListType::Ip,
            Self::IpRange => ValueListType::IpRange,
            Self::Text => ValueListType::Text,
        }
    }
}

/// Lists value lists by id, without their values.
#[utoipa::path(
    get, path = "/api/v1/value-lists", tag = "value lists", operation_id = "list_value_lists", params(PageQuery),
    responses((status = 200, description = "A page of lists.", body = List<Versioned>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<List<Versioned>>, Problem> {
    let mut lists = state.store.value_lists().await?;
    lists.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Json(page_of(lists, query.limit, query.after.as_deref(), |list| list.id.clone(), Versioned::from)?))
}

/// One value list, without its values.
#[utoipa::path(
    get, path = "/api/v1/value-lists/{list_id}", tag = "value lists", operation_id = "get_value_list", params(ListPath),
    responses((status = 200, description = "The list.", body = Versioned))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<ListPath>,
) -> Result<Tagged<Versioned>, Problem> {
    let list = needed(&state, &path).await?;
    Ok(tagged(list.revision, list.into()))
}

/// Keeps what a value list is; its values stay.
#[utoipa::path(
    put, path = "/api/v1/value-lists/{list_id}", tag = "value lists", operation_id = "put_value_list",
    params(ListPath, SeenHeaders), request_body = ValueListPut,
    responses(
        (status = 200, description = "The list as it is now.", body = Versioned),
        (status = 412, description = "Somebody else changed it in the meantime.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ListPath>,
    Seen(seen): Seen,
    InBody(body): InBody<ValueListPut>,
) -> Result<Tagged<Versioned>, Problem> {
    if body.name.trim().is_empty() || body.name.len() > 512 {
        return Err(Problem::bad_request("body: `name` must be 1 to 512 bytes long"));
    }
    let document = json!({
        "id": path.list_id.as_str(),
        "type": body.kind,
        "name": body.name,
        "description": body.description,
    });
    let now = state.clock.now();
    let list = state.store.put_value_list(&path.list_id, document, seen, &caller.actor, now).await?;
    Ok(tagged(list.revision, list.into()))
}

/// Deletes a value list with its values.
#[utoipa::path(
    delete, path = "/api/v1/value-lists/{list_id}", tag = "value lists", operation_id = "delete_value_list",
    params(ListPath),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ListPath>,
) -> Result<StatusCode, Problem> {
    if state.store.delete_value_list(&path.list_id, &caller.actor, state.clock.now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("value list", &path.list_id))
}

/// The values of a list, in the order of their bytes.
#[utoipa::path(
    get, path = "/api/v1/value-lists/{list_id}/values", tag = "value lists", operation_id = "list_values",
    params(ListPath, PageQuery),
    responses((status = 200, description = "A page of values.", body = List<String>))
)]
async fn values(
    State(state): State<AppState>,
    InPath(path): InPath<ListPath>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<List<String>>, Problem> {
    needed(&state, &path).await?;
    let after: Option<String> = read_place(query.after.as_deref())?;
    let page = state.store.values(&path.list_id, after.as_deref(), query.limit.0).await?;
    Ok(Json(List { items: page.items, next: page.next.map(|next| written_place(&next)) }))
}

/// Adds values; those that are there already stay.
#[utoipa::path(
    post, path = "/api/v1/value-lists/{list_id}/values/add", tag = "value lists", operation_id = "add_values",
    params(ListPath), request_body = Values,
    responses((status = 200, description = "How many were new.", body = Changed))
)]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ListPath>,
    InBody(body): InBody<Values>,
) -> Result<Json<Changed>, Problem> {
    let list = needed(&state, &path).await?;
    let values = checked(body)?;
    let text = values.join("\n");
    let kind = ValueKind::of(&list).map(ValueKind::list_type);
    let (_, found) = rule::ValueList::read(&path.list_id, kind, &text, Path::new("values"));
    if let Some(fault) = found.iter().find(|found| found.is_error()) {
        return Err(Problem::bad_request(format!("body: {}; nothing was added", fault.message)));
    }
    let changed = state.store.add_values(&path.list_id, &values, &caller.actor, state.clock.now()).await?;
    Ok(Json(Changed { changed }))
}

/// Removes values.
#[utoipa::path(
    post, path = "/api/v1/value-lists/{list_id}/values/remove", tag = "value lists", operation_id = "remove_values",
    params(ListPath), request_body = Values,
    responses((status = 200, description = "How many were there.", body = Changed))
)]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ListPath>,
    InBody(body): InBody<Values>,
) -> Result<Json<Changed>, Problem> {
    needed(&state, &path).await?;
    let values = checked(body)?;
    let changed = state.store.remove_values(&path.list_id, &values, &caller.actor, state.clock.now()).await?;
    Ok(Json(Changed { changed }))
}

async fn needed(state: &AppState, path: &ListPath) -> Result<StoredDocument, Problem> {
    let list = state.store.value_list(&path.list_id).await?;
    list.ok_or_else(|| Problem::not_found("value list", &path.list_id))
}

/// Without the space around them, as files are read.
fn checked(body: Values) -> Result<Vec<String>, Problem> {
    let values: Vec<String> = body.values.iter().map(|value| value.trim().to_owned()).collect();
    let fits = |value: &String| !value.is_empty() && !value.contains(['\n', '\r']);
    if values.is_empty() || values.len() > 100_000 || !values.iter().all(fits) {
        let detail = "body: `values` must be 1 to 100000 texts that are not empty and hold no line break";
        return Err(Problem::bad_request(detail));
    }
    Ok(values)
}
