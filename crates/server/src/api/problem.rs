//! What is answered when a request is refused: a JSON body that says what to change.
//!
//! Source: RFC 9457, "Problem Details for HTTP APIs".

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use query::Diagnostic;
use respond::RespondError;
use serde::{Deserialize, Serialize};
use state::StateError;
use utoipa::ToSchema;

use crate::error::ServerError;

/// Why a request was refused, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The status in words.
    pub title: String,
    /// The status of HTTP.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong, and what to do about it.
    pub detail: String,
    /// What is wrong with a rule, list or query, with places in its text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// Something about a text that is wrong or worth knowing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// Stays the same from version to version.
    pub code: String,
    /// What was found.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it stands, from 1; missing when it belongs to no one place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The character within the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Problem {
    /// With a status and a sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        Self { title, status: status.as_u16(), detail: detail.into(), findings: Vec::new() }
    }

    /// 400.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404.
    pub fn not_found(kind: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {kind} `{id}`"))
    }

    /// With what was found in a text.
    #[must_use]
    pub fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }
}

impl Finding {
    /// What a reader found in `text`.
    pub(crate) fn of(diagnostic: &Diagnostic, text: &str) -> Self {
        let severity = match diagnostic.severity {
            query::diagnostic::Severity::Error => "error",
            query::diagnostic::Severity::Warning => "warning",
            query::diagnostic::Severity::Note => "note",
        };
        let before = diagnostic.span.and_then(|span| text.get(..span.start));
        Self {
            severity: severity.to_owned(),
            code: diagnostic.code.to_owned(),
            message: diagnostic.message.clone(),
            help: diagnostic.help.as_ref().map(ToString::to_string),
            line: before.map(|before| before.matches('\n').count() + 1),
            column: before
                .map(|before| before.rsplit('\n').next().map_or(1, |line| line.chars().count() + 1)),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, axum::Json(self)).into_response();
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        answer
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        let status = match &error {
            StateError::NotFound { .. } => StatusCode::NOT_FOUND,
            StateError::RevisionConflict { .. } => StatusCode::PRECONDITION_FAILED,
            StateError::InUse { .. }
            | StateError::CursorConflict { .. }
            | StateError::ExecutionConflict { .. } => StatusCode::CONFLICT,
            StateError::Invalid { .. } => StatusCode::BAD_REQUEST,
            StateError::Corrupt { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ServerError> for Problem {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::BadRequest(detail) => Self::bad_request(detail),
            ServerError::NotFound { kind, id } => Self::not_found(kind, &id),
            ServerError::State(error) => error.into(),
            ServerError::NotAllowed(detail) => Self::new(StatusCode::FORBIDDEN, detail),
            ServerError::Response(error) => {
                let status = match &error {
                    RespondError::SelfApproval { .. } => StatusCode::FORBIDDEN,
                    RespondError::WrongStatus { .. }
                    | RespondError::Expired { .. }
                    | RespondError::LogsShowDefender { .. }
                    | RespondError::DisabledSinceAnswer { .. } => StatusCode::CONFLICT,
                    _ => StatusCode::BAD_REQUEST,
                };
                Self::new(status, error.to_string())
            }
            error => Self::new(StatusCode::SERVICE_UNAVAILABLE, full_text(&error)),
        }
    }
}

/// An error and what caused it, in one line.
pub(crate) fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
