//! Routes under `/es/` that shippers know from Elasticsearch: `_bulk`, and what they ask before they send.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use ingest::Buffers;
use ingest::source::elasticsearch_bulk::{BulkRequest, busy_answer, error_answer, read_bulk};
use ingest::source::elasticsearch_handshake::{
    Node, PRODUCT_HEADER, handshake_answer, unauthorised_answer, unknown_answer,
};
use ingest::source::http_events::{HttpAnswer, body_limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Access, Caller, Routes, admitted};
use super::ingest_events::{MOST_BYTES, answered, commit, set_aside, set_body_aside};
use super::problem::Problem;
use super::request::{AnyBody, Id, InPath};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.ingest(routes!(root)).ingest(routes!(bulk)).ingest(routes!(index_bulk))
}

/// An error as Elasticsearch gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ElasticsearchError {
    /// What is wrong, by `type` and `reason`.
    #[schema(value_type = Object)]
    pub error: Value,
    /// The status of HTTP.
    pub status: u16,
}

/// What became of the actions of a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkAnswer {
    /// Milliseconds.
    pub took: u64,
    /// Was an action refused?
    pub errors: bool,
    /// One for each action, in order.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Value>,
}

/// An index's name in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct IndexPath {
    /// For actions that name none.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub index: Id,
}

/// Says that this is an Elasticsearch, which shippers ask first. What else they ask (licence, templates, pipelines) is
/// answered under the paths that they know.
#[utoipa::path(
    get, path = "/es/", tag = "ingest", operation_id = "elasticsearch_root",
    responses((status = 200, description = "Name and version.", body = Object))
)]
async fn root(State(state): State<AppState>, request: Request) -> Response {
    let node = node(&state);
    let answer = handshake_answer(request.method().as_str(), "/", &node);
    with_product(answered(answer.unwrap_or_else(|| unknown_answer("GET", "/"))))
}

/// Takes documents in, as Elasticsearch's `_bulk`: `index` and `create` add events, `update` and `delete` are refused
/// one by one.
#[utoipa::path(
    method(post, put), path = "/es/_bulk", tag = "ingest", operation_id = "bulk",
    request_body(content((String = "application/x-ndjson"), (Value = "application/json"), (String = "text/plain"))),
    responses(
        (status = 200, description = "What became of each action.", body = BulkAnswer),
        (status = 429, description = "Events cannot be kept at present; send it again.", body = ElasticsearchError),
    )
)]
async fn bulk(State(state): State<AppState>, caller: Caller, body: Result<AnyBody, Problem>) -> Response {
    take(&state, &caller, None, body).await
}

/// As `/es/_bulk`, with an index for actions that name none.
#[utoipa::path(
    method(post, put), path = "/es/{index}/_bulk", tag = "ingest", operation_id = "index_bulk", params(IndexPath),
    request_body(content((String = "application/x-ndjson"), (Value = "application/json"), (String = "text/plain"))),
    responses(
        (status = 200, description = "What became of each action.", body = BulkAnswer),
        (status = 429, description = "Events cannot be kept at present; send it again.", body = ElasticsearchError),
    )
)]
async fn index_bulk(
    State(state): State<AppState>,
    caller: Caller,
    path: Result<InPath<IndexPath>, Problem>,
    body: Result<AnyBody, Problem>,
) -> Response {
    match path {
        Ok(InPath(path)) => take(&state, &caller, Some(path.index.into_string()), body).await,
        Err(problem) => refusal(&problem),
    }
}

/// Every other path under `/es/`.
pub(crate) async fn handshake(state: &AppState, request: &Parts) -> Response {
    if let Err(problem) = admitted(state, Access::Ingest, &request.headers).await {
        return refusal(&problem);
    }
    let path = request.uri.path().strip_prefix("/es").unwrap_or_default();
    let method = request.method.as_str();
    let answer = handshake_answer(method, path, &node(state)).unwrap_or_else(|| unknown_answer(method, path));
    with_product(answered(answer))
}

/// A refusal in the shape of Elasticsearch.
pub(crate) fn refusal(problem: &Problem) -> Response {
    let answer = match problem.status {
        401 => unauthorised_answer(),
        403 => error_answer(403, "security_exception", &problem.detail),
        status => error_answer(status, "illegal_argument_exception", &problem.detail),
    };
    let mut response = with_product(answered(answer));
    if problem.status == 401 {
        let headers = response.headers_mut();
        headers.insert("www-authenticate", HeaderValue::from_static("ApiKey"));
    }
    response
}

async fn take(
    state: &AppState,
    caller: &Caller,
    index: Option<String>,
    body: Result<AnyBody, Problem>,
) -> Response {
    match body {
        Ok(body) => with_product(answered(taken(state, caller, index, body).await)),
        Err(problem) => refusal(&problem),
    }
}

async fn taken(state: &AppState, caller: &Caller, index: Option<String>, body: AnyBody) -> HttpAnswer {
    let Ok(_slot) = state.ingest_slots.acquire().await else { return busy_answer() };
    let name = Arc::new(format!("http:elasticsearch:{}", caller.actor.name()));
    let (bytes, source) = (body.bytes.clone(), Arc::clone(&name));
    let began = state.clock.now();
    let reading = tokio::task::spawn_blocking(move || {
        let limits = body_limits(MOST_BYTES);
        let fallback = ecs::DataStream::logs("generic");
        let request =
            BulkRequest { name: &source, index: index.as_deref(), fallback: &fallback, limits: &limits };
        read_bulk(&bytes, &request, &mut Buffers::default())
    });
    let Ok(read) = reading.await else { return busy_answer() };
    let mut bulk = match read {
        Ok(bulk) => bulk,
        Err(malformed) => {
            let kept = set_body_aside(state, &name, &malformed.account, &body.bytes).await;
            return if kept.is_ok() { malformed.answer() } else { busy_answer() };
        }
    };
    if set_aside(state, &name, &bulk.faults).await.is_err() {
        return busy_answer();
    }
    if commit(state, std::mem::take(&mut bulk.events)).await.is_err() {
        return busy_answer();
    }
    let took = state.clock.now().duration_since(began).as_millis();
    bulk.answer(u64::try_from(took).unwrap_or_default())
}

fn node(state: &AppState) -> Node<'_> {
    Node { name: &state.node.name, uuid: &state.node.uuid, version: &state.node.version }
}

/// Clients refuse an answer without the header.
fn with_product(mut response: Response) -> Response {
    let (name, value) = PRODUCT_HEADER;
    if let Ok(name) = name.to_ascii_lowercase().parse::<HeaderName>() {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.into_response()
}
