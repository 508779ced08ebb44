//! Routes for exception lists and their items: documents in Kibana's public shape.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use state::StoredDocument;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::page::{List, PageQuery, page_of};
use super::problem::{Finding, Problem};
use super::request::{Id, InBody, InPath, InQuery, Seen};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .viewer(routes!(list))
        .viewer(routes!(get))
        .admin(routes!(put))
        .admin(routes!(delete))
        .viewer(routes!(list_items))
        .viewer(routes!(get_item))
        .admin(routes!(put_item))
        .admin(routes!(delete_item))
}

/// A document with an id and a revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Versioned {
    /// Unique among its kind; an item's within its list.
    pub id: String,
    /// As given.
    #[schema(value_type = Object)]
    pub document: Value,
    /// One more at each change; also the ETag.
    pub revision: i64,
    /// Of the newest change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who made it.
    pub updated_by: String,
}

/// A list's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ListPath {
    /// The list.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub list_id: Id,
}

/// An item's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ItemPath {
    /// The list.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub list_id: Id,
    /// The item.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub item_id: Id,
}

/// The headers by which a change says what it has seen.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the document; `Seen` reads them")]
pub struct SeenHeaders {
    /// The ETag of the answer that the change goes by: when somebody else has changed it since, nothing happens (412).
    #[param(rename = "If-Match", pattern = r#"^"[1-9][0-9]{0,8}"$"#)]
    if_match: Option<String>,
    /// `*`: only when there is none yet (else 412).
    #[param(rename = "If-None-Match", pattern = r"^\*$")]
    if_none_match: Option<String>,
}

pub(crate) type Tagged<T> = ([(HeaderName, String); 1], Json<T>);

/// With the revision as ETag.
pub(crate) fn tagged<T>(revision: i64, body: T) -> Tagged<T> {
    ([(header::ETAG, format!("\"{revision}\""))], Json(body))
}

impl From<StoredDocument> for Versioned {
    fn from(stored: StoredDocument) -> Self {
        Self {
            id: stored.id,
            document: stored.document,
            revision: stored.revision,
            updated_at: stored.updated_at.to_string(),
            updated_by: stored.updated_by,
        }
    }
}

/// Sets an id that the document must agree with.
pub(crate) fn set_id(document: &mut Map<String, Value>, key: &str, id: &str) -> Result<(), Problem> {
    match document.insert(key.to_owned(), Value::from(id)) {
        None => Ok(()),
        Some(given) if given == *id => Ok(()),
        Some(_) => {
            Err(Problem::bad_request(format!("body: `{key}` must be `{id}`, as in the path, or left out")))
        }
    }
}

/// Refuses a document that the reader of exports would not take.
fn check(document: &Map<String, Value>, is_item: bool, state: &AppState) -> Result<(), Problem> {
    let text = Value::Object(document.clone()).to_string();
    let loaded = rule::format::ndjson::read(&text, Path::new("body"));
    let mut found: Vec<Finding> = loaded.diagnostics.iter().map(|found| Finding::of(found, &text)).collect();
    for item in &loaded.exception_items {
        let more = rule::check::check_exception(item, &text, &state.catalog);
        found.extend(more.iter().map(|found| Finding::of(found, &text)));
    }
    let holds = if is_item { loaded.exception_items.len() } else { loaded.exception_lists.len() };
    if holds == 1 && !found.iter().any(|finding| finding.severity == "error") {
        return Ok(());
    }
    let detail = if is_item {
        "this is no item of an exception list: it needs `name` and `entries`; see `findings`"
    } else {
        "this is no exception list: it needs `name` and `type` (`detection`); see `findings`"
    };
    Err(Problem::bad_request(detail).with_findings(found))
}

/// Lists exception lists by id.
#[utoipa::path(
    get, path = "/api/v1/exception-lists", tag = "exceptions", operation_id = "list_exception_lists",
    params(PageQuery),
    responses((status = 200, description = "A page of lists.", body = List<Versioned>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<List<Versioned>>, Problem> {
    let mut lists = state.store.exception_lists().await?;
    lists.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Json(page_of(lists, query.limit, query.after.as_deref(), |list| list.id.clone(), Versioned::from)?))
}

/// One exception list.
#[utoipa::path(
    get, path = "/api/v1/exception-lists/{list_id}", tag = "exceptions", operation_id = "get_exception_list",
    params(ListPath),
    responses((status = 200, description = "The list.", body = Versioned))
)]
async fn get(
    State(state): State<AppState>,
    InPath(path): InPath<ListPath>,
) -> Result<Tagged<Versioned>, Problem> {
    let list = state.store.exception_list(&path.list_id).await?;
    let list = list.ok_or_else(|| Problem::not_found("exception list", &path.list_id))?;
    Ok(tagged(list.revision, list.into()))
}

/// Keeps an exception list; its items stay.
#[utoipa::path(
    put, path = "/api/v1/exception-lists/{list_id}", tag = "exceptions", operation_id = "put_exception_list",
    params(ListPath, SeenHeaders), request_body(content = Object, content_type = "application/json"),
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
    InBody(mut document): InBody<Map<String, Value>>,
) -> Result<Tagged<Versioned>, Problem> {
    set_id(&mut document, "list_id", &path.list_id)?;
    check(&document, false, &state)?;
    let (document, now) = (Value::Object(document), state.clock.now());
    let list = state.store.put_exception_list(&path.list_id, document, seen, &caller.actor, now).await?;
    Ok(tagged(list.revision, list.into()))
}

/// Deletes an exception list with its items.
#[utoipa::path(
    delete, path = "/api/v1/exception-lists/{list_id}", tag = "exceptions", operation_id = "delete_exception_list",
    params(ListPath),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ListPath>,
) -> Result<StatusCode, Problem> {
    if state.store.delete_exception_list(&path.list_id, &caller.actor, state.clock.now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("exception list", &path.list_id))
}

/// Lists the items of an exception list by id.
#[utoipa::path(
    get, path = "/api/v1/exception-lists/{list_id}/items", tag = "exceptions", operation_id = "list_exception_items",
    params(ListPath, PageQuery),
    responses((status = 200, description = "A page of items.", body = List<Versioned>))
)]
async fn list_items(
    State(state): State<AppState>,
    InPath(path): InPath<ListPath>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<List<Versioned>>, Problem> {
    if state.store.exception_list(&path.list_id).await?.is_none() {
        return Err(Problem::not_found("exception list", &path.list_id));
    }
    let mut items = state.store.exception_items(&path.list_id).await?;
    items.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Json(page_of(items, query.limit, query.after.as_deref(), |item| item.id.clone(), Versioned::from)?))
}

/// One item.
#[utoipa::path(
    get, path = "/api/v1/exception-lists/{list_id}/items/{item_id}", tag = "exceptions",
    operation_id = "get_exception_item", params(ItemPath),
    responses((status = 200, description = "The item.", body = Versioned))
)]
async fn get_item(
    State(state): State<AppState>,
    InPath(path): InPath<ItemPath>,
) -> Result<Tagged<Versioned>, Problem> {
    let item = state.store.exception_item(&path.list_id, &path.item_id).await?;
    let item = item.ok_or_else(|| Problem::not_found("exception item", &path.item_id))?;
    Ok(tagged(item.revision, item.into()))
}

/// Keeps an item of an exception list that is there.
#[utoipa::path(
    put, path = "/api/v1/exception-lists/{list_id}/items/{item_id}", tag = "exceptions",
    operation_id = "put_exception_item", params(ItemPath, SeenHeaders),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 200, description = "The item as it is now.", body = Versioned),
        (status = 412, description = "Somebody else changed it in the meantime.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn put_item(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ItemPath>,
    Seen(seen): Seen,
    InBody(mut document): InBody<Map<String, Value>>,
) -> Result<Tagged<Versioned>, Problem> {
    set_id(&mut document, "list_id", &path.list_id)?;
    set_id(&mut document, "item_id", &path.item_id)?;
    check(&document, true, &state)?;
    let (document, now) = (Value::Object(document), state.clock.now());
    let (list_id, item_id) = (path.list_id.as_str(), path.item_id.as_str());
    let item = state.store.put_exception_item(list_id, item_id, document, seen, &caller.actor, now).await?;
    Ok(tagged(item.revision, item.into()))
}

/// Deletes an item.
#[utoipa::path(
    delete, path = "/api/v1/exception-lists/{list_id}/items/{item_id}", tag = "exceptions",
    operation_id = "delete_exception_item", params(ItemPath),
    responses((status = 204, description = "It is gone."))
)]
async fn delete_item(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<ItemPath>,
) -> Result<StatusCode, Problem> {
    let now = state.clock.now();
    if state.store.delete_exception_item(&path.list_id, &path.item_id, &caller.actor, now).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("exception item", &path.item_id))
}
