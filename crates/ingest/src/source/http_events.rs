//! What a webhook is sent, such as an EventBridge API destination: which answer a body of records earns.
//!
//! The body itself is an input like any other: [`events_of`](crate::events_of) reads one event object whose `detail` is
//! a CloudTrail record, arrays of them, one a line, and everything else that a file may hold, compressed or not.
//!
//! Source of what senders do with a status: Amazon EventBridge User Guide, "API destinations": 401, 407, 409, 429 and
//! 5xx are tried again, other 4xx are not.

use serde_json::{Value, json};

use crate::decode::{Limits, Outcome, SkipReason};
use crate::ledger::InputAccount;

/// What is sent back.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// The body, as JSON. A `HEAD` is answered without it.
    pub body: Value,
}

impl HttpAnswer {
    /// With status 200.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }
}

/// Limits for one body: `most_bytes` after decompression.
pub fn body_limits(most_bytes: usize) -> Limits {
    let usual = Limits::default();
    Limits { decompressed_bytes: most_bytes, record_bytes: usual.record_bytes.min(most_bytes), ..usual }
}

/// The answer to a body whose events were committed, and whose faults were kept as dead letters.
///
/// 200 when it was read, in whole or in part: sending it again would change nothing. 413 when it is too large, 400
/// when there is nothing in it that is a record.
pub fn events_answer(account: &InputAccount) -> HttpAnswer {
    let counts = &account.counts;
    let (status, error) = match &account.outcome {
        Outcome::Read => (200, None),
        Outcome::PartlyRead { reason, .. } => (200, Some(reason.to_string())),
        Outcome::Skipped(reason @ SkipReason::Fault(crate::decode::FaultReason::OverSize { .. })) => {
            (413, Some(reason.to_string()))
        }
        Outcome::Skipped(reason) => (400, Some(reason.to_string())),
    };
    let mut body = json!({
        "records": counts.records_in,
        "events": counts.events,
        "duplicates": counts.duplicates,
        "dropped": counts.dropped(),
    });
    if let Some(error) = error {
        body["error"] = Value::from(error);
    }
    HttpAnswer { status, body }
}

/// The answer while nothing can be committed: the sender is to come again.
pub fn unavailable_answer() -> HttpAnswer {
    HttpAnswer { status: 503, body: json!({"error": "events cannot be kept at present"}) }
}
