//! What is read from a request: path, query, body and `If-Match`, each refused with a sentence when it makes no sense.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use ecs::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::Problem;

/// The most bytes of a JSON body, and of a text to import.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// The longest id, in characters.
pub const MAX_ID_LENGTH: usize = 512;

/// An id: 1 to 512 characters, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 512)]
pub struct Id(String);

/// A point in time, RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-14T09:26:53Z")]
pub struct Instant(pub Timestamp);

/// The parameters in the path.
#[derive(Debug, Clone)]
pub struct InPath<T>(pub T);

/// The parameters of the query. Repeated ones are lists.
#[derive(Debug, Clone)]
pub struct InQuery<T>(pub T);

/// A body of JSON.
#[derive(Debug, Clone)]
pub struct InBody<T>(pub T);

/// A body of any type, as it came.
#[derive(Debug, Clone)]
pub struct AnyBody {
    /// Without its parameters, in lowercase; empty when it was not given.
    pub content_type: String,
    /// As sent.
    pub bytes: Bytes,
}

/// The revision that the caller has seen, by `If-Match: "3"`, or by `If-None-Match: *` that there is none (0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(pub Option<i64>);

impl Id {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text up.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::ops::Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.chars().count() > MAX_ID_LENGTH || text.chars().any(char::is_control) {
            let expected =
                format!("an id must be 1 to {MAX_ID_LENGTH} characters, without control characters");
            return Err(serde::de::Error::custom(expected));
        }
        Ok(Self(text))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: Timestamp = text.parse().map_err(|_| {
            serde::de::Error::custom("this is no time; write RFC 3339, for example 2026-03-14T09:26:53Z")
        })?;
        // The state keeps milliseconds of four-digit years.
        if !(Self::FIRST_SECOND..=Self::LAST_SECOND).contains(&at.as_second()) {
            return Err(serde::de::Error::custom("this time is out of range; years are 0000 to 9999"));
        }
        Ok(Self(at))
    }
}

impl Instant {
    /// 0000-01-01.
    const FIRST_SECOND: i64 = -62_167_219_200;
    /// Just before 9999-12-30, near the last that time calculations can hold.
    const LAST_SECOND: i64 = 253_402_128_000;
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(refused) => Err(Problem::bad_request(format!("path: {}", refused.body_text()))),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let has_nul = query.split('&').any(|pair| pair.contains("%00"));
        if has_nul {
            return Err(Problem::bad_request("query: a parameter holds a NUL (%00)"));
        }
        let pairs = serde_html_form::Deserializer::from_bytes(query.as_bytes());
        match serde_path_to_error::deserialize(pairs) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Problem::bad_request(located("query", &error))),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for InBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = AnyBody::from_request(request, state).await?;
        if body.content_type != "application/json" && !body.content_type.ends_with("+json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send the body as JSON, with `Content-Type: application/json`",
            ));
        }
        let value: Value = serde_json::from_slice(&body.bytes)
            .map_err(|error| Problem::bad_request(format!("the body is no JSON: {error}")))?;
        if holds_nul(&value) {
            return Err(Problem::bad_request("the body holds a NUL character (\\u0000); leave it out"));
        }
        match serde_path_to_error::deserialize(value) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Problem::bad_request(located("body", &error))),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for AnyBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_ascii_lowercase())
            .unwrap_or_default();
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(|error| {
            let mut source = std::error::Error::source(&error);
            let mut too_large = false;
            while let Some(cause) = source {
                too_large |= cause.to_string().contains("length limit");
                source = cause.source();
            }
            if too_large || error.to_string().contains("length limit") {
                let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes; send it in parts");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
            } else {
                Problem::bad_request("the body broke off; send it again")
            }
        })?;
        Ok(Self { content_type, bytes })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(seen) = parts.headers.get(header::IF_MATCH) {
            let text = seen.to_str().unwrap_or_default().trim();
            let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
            return match text.parse::<i64>() {
                Ok(revision) if revision > 0 => Ok(Self(Some(revision))),
                _ => Err(Problem::bad_request(
                    "If-Match must be the ETag of an earlier answer, for example \"3\"",
                )),
            };
        }
        match parts.headers.get(header::IF_NONE_MATCH) {
            None => Ok(Self(None)),
            Some(value) if value.as_bytes() == b"*" => Ok(Self(Some(0))),
            Some(_) => Err(Problem::bad_request("If-None-Match must be *")),
        }
    }
}

/// `query: \`limit\`: …`
fn located<E: std::fmt::Display>(part: &str, error: &serde_path_to_error::Error<E>) -> String {
    match error.path().to_string() {
        path if path == "." => format!("{part}: {}", error.inner()),
        path => format!("{part}: `{path}`: {}", error.inner()),
    }
}

/// Texts with a NUL can be kept by one back end and not by the other.
pub(crate) fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        _ => false,
    }
}
