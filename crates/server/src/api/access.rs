//! Who may do what: tokens, roles, and the one place where a route gets its role.

use std::net::SocketAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use state::{Actor, Role};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, ResponseBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};

use super::AppState;
use super::problem::Problem;

/// Who is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthSettings {
    /// Nobody without a token.
    Tokens {
        /// Tokens from the settings that may send events and nothing else, beside those that the state holds.
        ingest_tokens: Vec<IngestToken>,
    },
    /// Everybody on this machine, as admin. See [`check_bind`].
    None,
}

/// A token that may send events and nothing else: what a shipper gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestToken {
    /// Named in the account of what it sent.
    pub name: String,
    /// SHA-256 of the token in lowercase hex, as [`token_hash`] gives it.
    pub hash: String,
}

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// A token of this role or a higher one.
    Role(Role),
    /// A token that may send events: one of [`AuthSettings::Tokens`], or of the role analyst or higher.
    Ingest,
}

/// Who asks, once it is known that they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As the audit trail names them.
    pub actor: Actor,
    /// When the token was made; `None` for one of the settings, and without tokens.
    pub since: Option<ecs::Timestamp>,
}

/// Are the server's address and its settings a safe pair? Without tokens it may listen on the loopback interface only.
///
/// # Errors
/// What to change.
pub fn check_bind(address: SocketAddr, auth: &AuthSettings) -> Result<(), String> {
    match auth {
        AuthSettings::None if !address.ip().is_loopback() => Err(format!(
            "without tokens the API may listen on this machine only: use 127.0.0.1 or [::1] instead of {}, or turn \
             tokens on",
            address.ip()
        )),
        _ => Ok(()),
    }
}

/// SHA-256 of a token in lowercase hex, as the state keeps it.
pub fn token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Routes, each with what it asks for. There is no way in that leaves it out.
pub(crate) struct Routes {
    state: AppState,
    router: OpenApiRouter<AppState>,
}

impl Routes {
    pub(crate) fn new(state: AppState, router: OpenApiRouter<AppState>) -> Self {
        Self { state, router }
    }

    pub(crate) fn open(self, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.with(Access::Open, routes)
    }

    pub(crate) fn viewer(self, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.with(Access::Role(Role::Viewer), routes)
    }

    pub(crate) fn analyst(self, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.with(Access::Role(Role::Analyst), routes)
    }

    pub(crate) fn admin(self, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.with(Access::Role(Role::Admin), routes)
    }

    pub(crate) fn ingest(self, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.with(Access::Ingest, routes)
    }

    pub(crate) fn into_router(self) -> OpenApiRouter<AppState> {
        self.router
    }

    fn with(mut self, access: Access, routes: UtoipaMethodRouter<AppState>) -> Self {
        let (schemas, mut paths, methods) = routes;
        document(&mut paths, access);
        let guard = from_fn_with_state((self.state.clone(), access), guard);
        let routes = (schemas, paths, methods).map(|methods| methods.route_layer(guard));
        self.router = self.router.routes(routes);
        self
    }
}

async fn guard(
    State((state, access)): State<(AppState, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    match admitted(&state, access, request.headers()).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) if is_elasticsearch(request.uri().path()) => super::elasticsearch::refusal(&problem),
        Err(problem) => problem.into_response(),
    }
}

/// Do these headers open what `access` guards? Gives the caller, `None` where nobody is asked.
pub(crate) async fn admitted(
    state: &AppState,
    access: Access,
    headers: &HeaderMap,
) -> Result<Option<Caller>, Problem> {
    let ingest_tokens = match &state.auth {
        AuthSettings::None => {
            check_local(headers)?;
            return Ok(Some(Caller { actor: Actor::system("api-without-tokens"), since: None }));
        }
        AuthSettings::Tokens { ingest_tokens } => ingest_tokens,
    };
    let needed = match access {
        Access::Open => return Ok(None),
        Access::Role(role) => role,
        Access::Ingest => Role::Analyst,
    };
    let shown = shown_tokens(headers, access);
    if shown.is_empty() {
        let detail = "show a token: `Authorization: Bearer TOKEN`";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, detail));
    }
    let mut known_for_less = None;
    for hash in shown.iter().map(|token| token_hash(token)) {
        if let Some(token) = ingest_tokens.iter().find(|token| token.hash == hash) {
            if access == Access::Ingest {
                return Ok(Some(Caller { actor: Actor::token(&token.name), since: None }));
            }
            known_for_less = Some("this token may send events and nothing else".to_owned());
        }
        let Some(token) = state.store.token_by_hash(&hash).await? else { continue };
        if !token.is_valid(state.clock.now()) {
            continue;
        }
        if token.role >= needed {
            return Ok(Some(Caller { actor: Actor::token(&token.name), since: Some(token.created) }));
        }
        known_for_less =
            Some(format!("this needs a token of the role {needed}; yours is of the role {}", token.role));
    }
    match known_for_less {
        Some(detail) => Err(Problem::new(StatusCode::FORBIDDEN, detail)),
        None => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "the token is unknown, expired or revoked; ask an admin for a new one",
        )),
    }
}

/// Is the path part of what Elasticsearch's shippers talk to?
pub(crate) fn is_elasticsearch(path: &str) -> bool {
    path == "/es" || path.starts_with("/es/")
}

/// Without tokens, a page in a browser on this machine must not be able to ask in its user's name: neither from another
/// origin nor by a name that it made point here.
fn check_local(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).is_none_or(is_local);
    let origin = text(header::ORIGIN)
        .is_none_or(|origin| origin.split_once("://").is_some_and(|(_, host)| is_local(host)));
    if host && origin {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "without tokens this API answers to localhost only, not to pages of other origins",
    ))
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// The tokens that a request may mean. Shippers can send a token only in their own ways: as Elasticsearch's API key
/// (Base64 of `id:key`), as the password of HTTP Basic, or as `X-Api-Key`.
fn shown_tokens(headers: &HeaderMap, access: Access) -> Vec<String> {
    let mut tokens = Vec::new();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some((scheme, rest)) = header("authorization").and_then(|text| text.trim().split_once(' ')) {
        let rest = rest.trim();
        let decoded = || STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let second = || decoded().and_then(|pair| pair.split_once(':').map(|(_, second)| second.to_owned()));
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => tokens.push(rest.to_owned()),
            "apikey" => {
                tokens.push(rest.to_owned());
                tokens.extend(second());
            }
            "basic" if access == Access::Ingest => tokens.extend(second()),
            _ => {}
        }
    }
    if access == Access::Ingest {
        tokens.extend(header("x-api-key").map(str::to_owned));
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing =
            || Problem::new(StatusCode::UNAUTHORIZED, "show a token: `Authorization: Bearer TOKEN`");
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// What every operation may answer beside what it says itself.
fn document(paths: &mut Paths, access: Access) {
    for (path, item) in &mut paths.paths {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.head, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let has_body = operation.request_body.is_some();
            let mut statuses = vec![("400", "The request makes no sense; the body says what to change.")];
            if path.contains('{') {
                statuses.push(("404", "There is no such thing."));
            }
            if has_body {
                statuses.push(("413", "The body is too large."));
                statuses.push(("415", "The body is of another type."));
            }
            statuses.push(("503", "The state or the lake cannot be reached; try again."));
            let role = match access {
                Access::Open => "none",
                Access::Ingest => "ingest",
                Access::Role(role) => role.as_str(),
            };
            if access != Access::Open {
                statuses.push(("401", "No token, or one that is unknown, expired or revoked."));
                statuses.push(("403", "A token of a role that may not do this."));
                let mut schemes = vec![SecurityRequirement::new("bearer", Vec::<String>::new())];
                if access == Access::Ingest {
                    schemes.push(SecurityRequirement::new("basic", Vec::<String>::new()));
                    schemes.push(SecurityRequirement::new("api_key", Vec::<String>::new()));
                }
                operation.security = Some(schemes);
            }
            for (status, description) in statuses {
                add_problem(operation, status, description, is_elasticsearch(path));
            }
            operation
                .extensions
                .get_or_insert_default()
                .merge(ExtensionsBuilder::new().add("x-required-role", role).build());
        }
    }
}

fn add_problem(operation: &mut Operation, status: &str, description: &str, elasticsearch: bool) {
    if operation.responses.responses.contains_key(status) {
        return;
    }
    let (media_type, schema) = match elasticsearch {
        true => ("application/json", "ElasticsearchError"),
        false => ("application/problem+json", "Problem"),
    };
    let content = Content::new(Some(Ref::from_schema_name(schema)));
    let response = ResponseBuilder::new().description(description).content(media_type, content).build();
    operation.responses.responses.insert(status.to_owned(), response.into());
}
