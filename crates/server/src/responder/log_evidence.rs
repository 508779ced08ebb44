//! What the events in the lake say of a key: who disabled it last, and which calls were made on it.

use async_trait::async_trait;
use ecs::{Document, IndexPatterns, TimeRange, Timestamp};
use jiff::SignedDuration;
use lake::{Condition, Lake, LakeError, ScanRequest, Snapshot, TimeField};
use respond::{KeyArn, LastDisable, SeenCall};
use serde_json::Value;
use triage::event::Event;
use triage::place::Place;

use crate::error::ServerError;

const KMS: &str = "kms.amazonaws.com";

/// How far back a `DisableKey` is looked for.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The events that a responder asks.
#[async_trait]
pub trait LogEvidence: Send + Sync {
    /// The newest successful `DisableKey` of a key in the 90 days before `now`.
    ///
    /// # Errors
    /// When the events cannot be read.
    async fn last_disable(&self, key: &KeyArn, now: Timestamp) -> Result<Option<LastDisable>, ServerError>;

    /// Every `CancelKeyDeletion` and `EnableKey` that happened at `from` or later.
    ///
    /// # Errors
    /// When the events cannot be read.
    async fn calls(&self, from: Timestamp) -> Result<Vec<SeenCall>, ServerError>;
}

/// No events at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvidence;

#[async_trait]
impl LogEvidence for NoEvidence {
    async fn last_disable(&self, _: &KeyArn, _: Timestamp) -> Result<Option<LastDisable>, ServerError> {
        Ok(None)
    }

    async fn calls(&self, _: Timestamp) -> Result<Vec<SeenCall>, ServerError> {
        Ok(Vec::new())
    }
}

/// The events of a lake.
#[derive(Debug, Clone)]
pub enum LakeEvidence {
    /// As they are whenever they are asked.
    Open(Lake),
    /// As they were when it was read.
    Read(Snapshot),
}

impl LakeEvidence {
    async fn calls_named(
        &self,
        names: &'static [&'static str],
        from: Timestamp,
    ) -> Result<Vec<SeenCall>, ServerError> {
        let this = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let snapshot = match this {
                Self::Open(lake) => lake.snapshot()?,
                Self::Read(snapshot) => snapshot,
            };
            let condition = Condition::AnyOf {
                field: "event.action".to_owned(),
                values: names.iter().map(|name| (*name).to_owned()).collect(),
            };
            let request = ScanRequest {
                streams: IndexPatterns::new(["*"]),
                time: TimeRange { from: Some(from), to: None },
                time_field: TimeField::Timestamp,
                conditions: vec![condition],
                ..ScanRequest::default()
            };
            let mut calls = Vec::new();
            for event in snapshot.documents(&request) {
                let document = event?.document;
                let is_wanted = document.text("event.action").is_some_and(|action| names.contains(&action));
                if is_wanted && let Some(call) = seen_call(&document).filter(|call| call.provider == KMS) {
                    calls.push(call);
                }
            }
            Ok::<_, LakeError>(calls)
        });
        Ok(work.await.map_err(|error| ServerError::Defect(error.to_string()))??)
    }
}

#[async_trait]
impl LogEvidence for LakeEvidence {
    async fn last_disable(&self, key: &KeyArn, now: Timestamp) -> Result<Option<LastDisable>, ServerError> {
        let from = now.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
        let mut last: Option<LastDisable> = None;
        for call in self.calls_named(&["DisableKey"], from).await? {
            let is_newer = last.as_ref().is_none_or(|last| call.time >= last.time);
            if is_newer && call.error.is_none() && call.keys.contains(key) {
                let principal = call.role.unwrap_or_default();
                last = Some(LastDisable { time: call.time, event_id: call.event_id, principal });
            }
        }
        Ok(last)
    }

    async fn calls(&self, from: Timestamp) -> Result<Vec<SeenCall>, ServerError> {
        self.calls_named(&["CancelKeyDeletion", "EnableKey"], from).await
    }
}

/// A document of CloudTrail as a call on keys. `None` for one without a time.
pub fn seen_call(document: &Document) -> Option<SeenCall> {
    let event = Event::of_document(document, Place::Lake)?;
    let request_id = document.text("aws.cloudtrail.request_id").map(str::to_owned);
    Some(SeenCall {
        time: event.time,
        keys: keys_of(&event),
        provider: event.provider,
        name: event.action,
        error: event.error,
        event_id: event.id,
        request_id,
        role: event.identity.issuer_arn.or(event.identity.arn),
        user_agent: event.user_agent,
    })
}

/// The keys that an alert is about, each once.
pub fn keys_of_alert(alert: &Document) -> Vec<KeyArn> {
    Event::of_document(alert, Place::Unknown).map(|event| keys_of(&event)).unwrap_or_default()
}

/// Each once: from the resources, else from what the call answered or was asked for.
fn keys_of(event: &Event) -> Vec<KeyArn> {
    let mut keys: Vec<KeyArn> = Vec::new();
    let mut add = |text: &str| {
        if let Ok(key) = text.parse::<KeyArn>()
            && !keys.contains(&key)
        {
            keys.push(key);
        }
    };
    event.resources.iter().filter_map(|resource| resource.arn.as_deref()).for_each(&mut add);
    for payload in [&event.response, &event.request] {
        let Some(id) = payload.get("keyId").and_then(Value::as_str) else { continue };
        match (&event.account, &event.region) {
            _ if id.starts_with("arn:") => add(id),
            (Some(account), Some(region)) => {
                let partition = match region.as_str() {
                    region if region.starts_with("cn-") => "aws-cn",
                    region if region.starts_with("us-gov-") => "aws-us-gov",
                    _ => "aws",
                };
                add(&format!("arn:{partition}:kms:{region}:{account}:key/{id}"));
            }
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_found_in_resources_and_in_what_was_asked() {
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/k";
        let cloudtrail = |cloudtrail: Value| {
            let document = json!({
                "@timestamp": "2026-03-14T10:00:00Z", "event": {"provider": KMS, "action": "EnableKey", "id": "e"},
                "cloud": {"region": "eu-west-1", "account": {"id": "111122223333"}}, "aws": {"cloudtrail": cloudtrail},
            });
            let Value::Object(map) = document else { panic!("an object") };
            Document::from_map(map)
        };
        for (fields, keys) in [
            (
                json!({"resources": [{"arn": arn}, {"arn": "arn:aws:kms:eu-west-1:111122223333:alias/a"}]}),
                vec![arn],
            ),
            (json!({"flattened": {"request_parameters": {"keyId": arn}}}), vec![arn]),
            (json!({"flattened": {"request_parameters": {"keyId": "k"}}}), vec![arn]),
            (
                json!({"resources": [{"arn": arn}], "flattened": {"request_parameters": {"keyId": "k"}}}),
                vec![arn],
            ),
            (json!({"flattened": {"request_parameters": {"keyId": "alias/a"}}}), vec![]),
            (json!({}), vec![]),
        ] {
            let document = cloudtrail(fields);
            let keys: Vec<KeyArn> = keys.into_iter().map(|key| key.parse().unwrap()).collect();
            assert_eq!(keys_of_alert(&document), keys);
            assert_eq!(seen_call(&document).unwrap().keys, keys);
        }
    }
}
