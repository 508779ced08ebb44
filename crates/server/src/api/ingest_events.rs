//! Routes that take events in: a webhook, and EventBridge's API destinations.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ingest::decode::{Limits, Outcome};
use ingest::events::LostBytes;
use ingest::source::delivery::EXCERPT_BYTES;
use ingest::source::http_events::{HttpAnswer, body_limits, events_answer, unavailable_answer};
use ingest::{Buffers, DecodedEvent, EventContext, InputAccount, events_of};
use lake::Event;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use state::PoisonDelivery;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::AppState;
use super::access::{Caller, Routes};
use super::problem::Problem;
use super::request::AnyBody;
use crate::control::{IncomingEvent, Ingested};

/// The most bytes of a body after decompression.
pub(crate) const MOST_BYTES: usize = 64 * 1024 * 1024;
/// So many faults of one body are set aside one by one; the rest as one.
const MOST_FAULTS: usize = 200;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.ingest(routes!(webhook)).ingest(routes!(eventbridge))
}

/// What became of a body. Records are events, duplicates or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventsTaken {
    /// Records that were found.
    pub records: u64,
    /// Those that are in the lake now.
    pub events: u64,
    /// Those that were there already.
    pub duplicates: u64,
    /// Those that could not be read; they are listed as deliveries that were set aside.
    pub dropped: u64,
    /// What could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Takes records in: one object, an array of them, one a line, or a file as CloudTrail writes it; compressed or not. They
/// are durable when this answers 200. Send again after 503; a record that comes twice is kept once.
#[utoipa::path(
    post, path = "/ingest/webhook", tag = "ingest", operation_id = "ingest_webhook",
    request_body(content((Value = "application/json"), (String = "application/x-ndjson"), (String = "application/octet-stream"))),
    responses(
        (status = 200, description = "Read, in whole or in part, and kept.", body = EventsTaken),
        (status = 400, description = "There is nothing in it that is a record, or the request makes no sense.", content((EventsTaken = "application/json"), (Problem = "application/problem+json"))),
        (status = 413, description = "The body is too large.", content((EventsTaken = "application/json"), (Problem = "application/problem+json"))),
        (status = 503, description = "Events cannot be kept at present; send it again.", body = IngestRefused),
    )
)]
async fn webhook(state: State<AppState>, caller: Caller, body: AnyBody) -> Response {
    take(state, caller, body, "webhook").await
}

/// Takes in what an API destination of EventBridge sends: an event whose `detail` is a CloudTrail record. As
/// `/ingest/webhook`, under another name in the account.
#[utoipa::path(
    post, path = "/ingest/eventbridge", tag = "ingest", operation_id = "ingest_eventbridge",
    request_body(content((Value = "application/json"))),
    responses(
        (status = 200, description = "Read, in whole or in part, and kept.", body = EventsTaken),
        (status = 400, description = "There is nothing in it that is a record, or the request makes no sense.", content((EventsTaken = "application/json"), (Problem = "application/problem+json"))),
        (status = 413, description = "The body is too large.", content((EventsTaken = "application/json"), (Problem = "application/problem+json"))),
        (status = 503, description = "Events cannot be kept at present; send it again.", body = IngestRefused),
    )
)]
async fn eventbridge(state: State<AppState>, caller: Caller, body: AnyBody) -> Response {
    take(state, caller, body, "eventbridge").await
}

/// Why events were not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestRefused {
    /// In one sentence.
    pub error: String,
}

async fn take(State(state): State<AppState>, caller: Caller, body: AnyBody, route: &str) -> Response {
    let Ok(_slot) = state.ingest_slots.acquire().await else { return answered(unavailable_answer()) };
    let now = state.clock.now();
    let source = format!("http:{route}:{}", caller.actor.name());
    let input =
        ingest::source::Input { name: source.clone(), bytes: body.bytes.to_vec(), modified: Some(now) };
    let enrichment = Arc::clone(&state.enrichment);
    let reading = tokio::task::spawn_blocking(move || {
        let limits: Limits = body_limits(MOST_BYTES);
        let context = EventContext::new(now, &enrichment, &limits);
        events_of(&input, &context, &mut Buffers::default())
    });
    let Ok(mut decoded) = reading.await else { return answered(unavailable_answer()) };
    let kept = match decoded.faults.is_empty() {
        true => set_body_aside(&state, &source, &decoded.account, &body.bytes).await,
        false => set_aside(&state, &source, &decoded.faults).await,
    };
    if kept.is_err() {
        return answered(unavailable_answer());
    }
    match commit(&state, decoded.events).await {
        Ok(ingested) => {
            decoded.account.move_to_duplicates(ingested.duplicates);
            answered(events_answer(&decoded.account))
        }
        Err(_) => answered(unavailable_answer()),
    }
}

/// Puts events in the lake.
pub(crate) async fn commit(state: &AppState, events: Vec<DecodedEvent>) -> Result<Ingested, Problem> {
    if events.is_empty() {
        return Ok(Ingested::default());
    }
    let incoming = events.into_iter().map(|event| IncomingEvent {
        data_stream: event.data_stream,
        event: Event { id: event.id, document: event.document, raw: event.raw },
    });
    Ok(state.control.ingest(incoming.collect()).await?)
}

/// Keeps what could not be read where people see it.
pub(crate) async fn set_aside(state: &AppState, source: &str, faults: &[LostBytes]) -> Result<(), Problem> {
    let (first, rest) = faults.split_at(faults.len().min(MOST_FAULTS));
    for fault in first {
        add_poison(state, source, fault.reason.to_string(), &fault.bytes).await?;
    }
    if let Some(fault) = rest.first() {
        let reason = format!(
            "{} more records of one body could not be read; the first of them: {}",
            rest.len(),
            fault.reason
        );
        add_poison(state, source, reason, &fault.bytes).await?;
    }
    Ok(())
}

/// Keeps the beginning of a body of which nothing was used.
pub(crate) async fn set_body_aside(
    state: &AppState,
    source: &str,
    account: &InputAccount,
    bytes: &[u8],
) -> Result<(), Problem> {
    match &account.outcome {
        Outcome::Skipped(reason) if !bytes.is_empty() => {
            add_poison(state, source, reason.to_string(), bytes).await
        }
        _ => Ok(()),
    }
}

/// The same bytes have the same id, so that what is sent again is listed once.
async fn add_poison(state: &AppState, source: &str, reason: String, bytes: &[u8]) -> Result<(), Problem> {
    let hash = Sha256::digest(bytes);
    let id: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let excerpt = String::from_utf8_lossy(&bytes[..bytes.len().min(EXCERPT_BYTES)]).into_owned();
    let (source, time) = (source.to_owned(), state.clock.now());
    state.store.add_poison(PoisonDelivery { source, id, reason, body_excerpt: excerpt, time }).await?;
    Ok(())
}

/// The answer over HTTP.
pub(crate) fn answered(answer: HttpAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, Json(answer.body)).into_response()
}
