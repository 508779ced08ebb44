//! Routes for API tokens. A token is shown once, when it is made; the state keeps its hash.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use state::{ApiToken, ApiTokenDraft, Role, StateError};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes, token_hash};
use super::page::{List, PageQuery, page_of};
use super::problem::Problem;
use super::request::{Id, InBody, InPath, InQuery, Instant};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.admin(routes!(list)).admin(routes!(add)).admin(routes!(revoke))
}

/// What the holder of a token may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    /// Look.
    Viewer,
    /// Work on alerts, try rules out, send events.
    Analyst,
    /// Change rules, lists, connectors and tokens.
    Admin,
}

/// A token, without itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Unique; not secret.
    pub id: String,
    /// Named in the audit trail.
    pub name: String,
    /// What its holder may do.
    pub role: RoleName,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// From then on it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires: Option<String>,
    /// Since when it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub revoked: Option<String>,
}

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Unique; named in the audit trail. Letters, digits, `-`, `_` and `.`.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[A-Za-z0-9_.-]+$")]
    pub name: String,
    /// What its holder may do.
    pub role: RoleName,
    /// From then on it is refused; missing for never.
    pub expires: Option<Instant>,
}

/// A token that was just made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// What is kept of it.
    pub summary: TokenView,
    /// The token. It is shown this once.
    pub token: String,
}

/// A token's id in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TokenPath {
    /// The token's id, not the token.
    #[param(value_type = String, min_length = 1, max_length = 512, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub token_id: Id,
}

impl From<ApiToken> for TokenView {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            role: match token.role {
                Role::Viewer => RoleName::Viewer,
                Role::Analyst => RoleName::Analyst,
                Role::Admin => RoleName::Admin,
            },
            created: token.created.to_string(),
            expires: token.expires.map(|at| at.to_string()),
            revoked: token.revoked.map(|at| at.to_string()),
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Viewer => Self::Viewer,
            RoleName::Analyst => Self::Analyst,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// A new token of 256 random bits, and what the state is to keep of it.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_token(
    name: &str,
    role: Role,
    expires: Option<ecs::Timestamp>,
) -> Result<(String, ApiTokenDraft), std::io::Error> {
    let mut bits = [0; 40];
    getrandom::fill(&mut bits).map_err(std::io::Error::other)?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let token = format!("bartizan_{}", hex(&bits[..32]));
    let hash = token_hash(&token);
    Ok((token, ApiTokenDraft { id: hex(&bits[32..]), name: name.to_owned(), role, hash, expires }))
}

/// Lists tokens by id, those that are refused included.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens", params(PageQuery),
    responses((status = 200, description = "A page of tokens.", body = List<TokenView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<List<TokenView>>, Problem> {
    let mut tokens = state.store.tokens().await?;
    tokens.sort_by(|a, b| a.id.cmp(&b.id));
    let key = |token: &ApiToken| token.id.clone();
    Ok(Json(page_of(tokens, query.limit, query.after.as_deref(), key, TokenView::from)?))
}

/// Makes a token and shows it, this once.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", operation_id = "make_token", request_body = NewToken,
    responses(
        (status = 201, description = "The token.", body = MadeToken),
        (status = 409, description = "There is a token of this name.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    InBody(body): InBody<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if body.name.is_empty() || body.name.len() > 100 || !body.name.chars().all(allowed) {
        let detail = "body: `name` must be 1 to 100 letters, digits, `-`, `_` or `.`";
        return Err(Problem::bad_request(detail));
    }
    let now = state.clock.now();
    let expires = body.expires.map(|at| at.0);
    if expires.is_some_and(|expires| expires <= now) {
        return Err(Problem::bad_request(
            "body: `expires` lies in the past; give a later time, or leave it out",
        ));
    }
    let (token, draft) = new_token(&body.name, body.role.into(), expires).map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the system has no randomness to give; try again")
    })?;
    match state.store.add_token(draft, &caller.actor, now).await {
        Ok(kept) => Ok((StatusCode::CREATED, Json(MadeToken { summary: kept.into(), token }))),
        Err(StateError::Invalid { .. }) => {
            let detail = format!("there is a token `{}` already; choose another name", body.name);
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        Err(error) => Err(error.into()),
    }
}

/// Revokes a token: from now on it is refused. It stays in the list.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{token_id}", tag = "tokens", operation_id = "revoke_token", params(TokenPath),
    responses((status = 200, description = "The token as it is now.", body = TokenView))
)]
async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    InPath(path): InPath<TokenPath>,
) -> Result<Json<TokenView>, Problem> {
    let token = state.store.revoke_token(&path.token_id, &caller.actor, state.clock.now()).await?;
    Ok(Json(token.into()))
}
