//! The OpenAPI 3.1 document: its frame, and the route that serves it.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::AppState;
use super::elasticsearch::ElasticsearchError;
use super::problem::{Finding, Problem};

const TAGS: [(&str, &str); 15] = [
    ("rules", "Detection rules."),
    ("exceptions", "Exception lists: known good, as entries."),
    ("value lists", "Value lists: known good, as long lists."),
    ("connectors", "Where messages can go."),
    ("actions", "Which alerts are told through which connector."),
    ("alerts", "What rules found, and what people make of it."),
    ("responses", "What two people agree to do to a key."),
    ("executions", "Runs of rules."),
    ("gaps", "Time that no run has searched."),
    ("notifications", "Messages on their way."),
    ("deliveries", "What came in and could not be read."),
    ("audit", "Who changed what."),
    ("tokens", "Who may ask."),
    ("health", "How the server is."),
    ("ingest", "Events come in."),
];

/// The document before any route is added.
pub(crate) fn frame() -> OpenApi {
    let mut info = InfoBuilder::new()
        .title("Bartizan")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Detection rules over live events. Times are RFC 3339 in UTC; ranges are half-open. Lists come in pages: pass \
             `next` as `after`. Errors are `application/problem+json`.",
        ))
        .build();
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    let mut schemas = vec![
        (Problem::name().into_owned(), Problem::schema()),
        (ElasticsearchError::name().into_owned(), ElasticsearchError::schema()),
        (Finding::name().into_owned(), Finding::schema()),
    ];
    Problem::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)))
        .security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Api-Key"))))
        .build();
    let tags = TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    OpenApiBuilder::new().info(info).components(Some(components)).tags(Some(tags)).build()
}

/// `GET /openapi.json`, for everybody.
pub(crate) fn route(document: &OpenApi) -> Router<AppState> {
    let text: Arc<str> = serde_json::to_string(document).unwrap_or_default().into();
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) };
    Router::new().route("/openapi.json", get(answer))
}
