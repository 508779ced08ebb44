//! The REST API: routes, roles, documents on the wire.
//!
//! ```text
//!   request ─▶ access: token ─▶ role of the route ─▶ request: path, query, body ─▶ one handler a route ─▶ state, control
//!                    └─ 401, 403                       └─ 400, 413, 415              └─ problem: 4xx, 503
//!   the same functions, by their attributes ─▶ /openapi.json
//! ```
//!
//! Invariant: each route has a role, given where it is added ([`access`]), and stands in the OpenAPI document.
//! Invariant: no request is answered with 500. What makes no sense is refused with a sentence that says what to do.
//! Invariant: secrets go in as references and tokens come out once, when they are made.

pub mod access;
pub mod actions;
pub mod alert_query;
pub mod alerts;
pub mod audit;
pub mod backfill;
pub mod connectors;
pub mod elasticsearch;
pub mod exceptions;
pub mod executions;
pub mod gaps;
pub mod health;
pub mod ingest_events;
pub mod investigations;
pub mod metrics;
pub mod notifications;
pub mod openapi;
pub mod page;
pub mod poison;
pub mod preview;
pub mod problem;
pub mod request;
pub mod responses;
pub mod rule_exchange;
pub mod rule_text;
pub mod rules;
pub mod tokens;
pub mod value_lists;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;

pub use access::{AuthSettings, IngestToken, check_bind, token_hash};
pub use actions::{action_draft, action_of};
pub use connectors::{NotifySender, TestSender, connector_draft, connector_of};
pub use tokens::new_token;

use crate::clock::Clock;
use crate::control::Control;
use crate::responder::Responder;
use crate::responder::log_evidence::NoEvidence;
use crate::responder::settings::RespondSettings;
use access::Routes;
use problem::Problem;
use rule_text::SummaryCache;

/// What the routes work with. Cloning is cheap.
#[derive(Clone)]
pub struct AppState {
    /// What the server must not forget.
    pub store: Arc<dyn state::Store>,
    /// The running parts.
    pub control: Arc<dyn Control>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who is let in.
    pub auth: AuthSettings,
    /// Sends the message that tests a connector.
    pub sender: Arc<dyn TestSender>,
    /// What fields mean, for queries over alerts and for checks of rules.
    pub catalog: Arc<ecs::Catalog>,
    /// What is known of addresses and user agents, for events that come in.
    pub enrichment: Arc<ingest::enrich::Enrichment>,
    /// What shippers that speak to Elasticsearch are told.
    pub node: NodeIdentity,
    /// Acts on keys, with its guards. A new state has one that may not.
    pub responder: Responder,
    /// What rules say, by the hash of their text.
    summaries: SummaryCache,
    /// So many bodies of events are read at a time; the others wait, so that memory is bounded.
    ingest_slots: Arc<Semaphore>,
}

/// How many bodies of events are read at a time.
const INGEST_SLOTS: usize = 4;

/// What shippers that speak to Elasticsearch are told of the one who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// A name for people.
    pub name: String,
    /// A UUID that stays the same.
    pub uuid: String,
    /// The version of Elasticsearch that is claimed.
    pub version: String,
}

impl Default for NodeIdentity {
    fn default() -> Self {
        let version = ingest::source::elasticsearch_handshake::VERSION.to_owned();
        Self { name: "bartizan".to_owned(), uuid: "6ba0a3f2-6f4e-5d53-9f30-6f1d2c1f8b11".to_owned(), version }
    }
}

impl AppState {
    /// With Bartizan's own catalogue and nothing known of addresses.
    pub fn new(
        store: Arc<dyn state::Store>,
        control: Arc<dyn Control>,
        clock: Arc<dyn Clock>,
        auth: AuthSettings,
        sender: Arc<dyn TestSender>,
    ) -> Self {
        let responder = Responder::new(
            Arc::clone(&store),
            Arc::new(respond::NoKeyServices),
            Arc::new(NoEvidence),
            RespondSettings::default(),
            Arc::clone(&clock),
        );
        Self {
            store,
            control,
            clock,
            responder,
            auth,
            sender,
            catalog: Arc::new(ecs::Catalog::builtin()),
            enrichment: Arc::default(),
            node: NodeIdentity::default(),
            summaries: SummaryCache::default(),
            ingest_slots: Arc::new(Semaphore::new(INGEST_SLOTS)),
        }
    }
}

/// All routes. Serve it on an address that [`check_bind`] lets pass.
pub fn router(state: AppState) -> Router {
    let (router, document) = documented(&state).split_for_parts();
    router
        .merge(openapi::route(&document))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

/// The OpenAPI document of all routes.
pub fn openapi_document(state: &AppState) -> utoipa::openapi::OpenApi {
    documented(state).into_openapi()
}

fn documented(state: &AppState) -> OpenApiRouter<AppState> {
    let mut routes = Routes::new(state.clone(), OpenApiRouter::with_openapi(openapi::frame()));
    for add in [
        rules::routes,
        rule_exchange::routes,
        preview::routes,
        investigations::routes,
        backfill::routes,
        exceptions::routes,
        value_lists::routes,
        connectors::routes,
        actions::routes,
        alerts::routes,
        responses::routes,
        executions::routes,
        gaps::routes,
        notifications::routes,
        poison::routes,
        audit::routes,
        tokens::routes,
        health::routes,
        metrics::routes,
        ingest_events::routes,
        elasticsearch::routes,
    ] {
        routes = add(routes);
    }
    routes.into_router()
}

async fn unknown(State(state): State<AppState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    if access::is_elasticsearch(path) {
        return elasticsearch::handshake(&state, &parts).await;
    }
    Problem::new(StatusCode::NOT_FOUND, format!("there is no route {path}; /openapi.json lists them"))
        .into_response()
}

async fn wrong_method(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let (method, path) = (&parts.method, parts.uri.path());
    let detail = format!("{path} knows no {method}; the header Allow lists what it knows");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
    if access::is_elasticsearch(path) { elasticsearch::refusal(&problem) } else { problem.into_response() }
}
