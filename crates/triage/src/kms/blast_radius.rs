//! What depends on a key, in grades of evidence.

use ecs::Timestamp;
use serde::Serialize;

use super::key_id::KeyId;
use super::lifecycle::{Change, Grant, LifecycleEvent};
use super::sorted_keys::SortedKeys;
use crate::answer::Evidence;

/// What depends on a key.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct BlastRadius {
    /// The key's ARN.
    pub key: String,
    /// Every dependent, the strongest grade first, then the most uses.
    pub dependents: Vec<Dependent>,
    /// Uses by key material, where records name it.
    pub materials: Vec<MaterialUse>,
    /// Why more may depend on it than is shown: whole sentences.
    pub unknown_because: Vec<String>,
}

/// How strong the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Calls failed after the event, for the state of the key.
    BrokenNow,
    /// It was used before the event.
    ObservedUse,
    /// A grant lives.
    Granted,
    /// A resource was made or changed to use the key.
    Declared,
    /// KMS itself said so when it was asked.
    Live,
}

/// A service, a resource or a principal that depends on a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dependent {
    /// How strong the evidence is.
    pub grade: Grade,
    /// Such as `s3.amazonaws.com`; for direct use by a principal `None`.
    pub service: Option<String>,
    /// ARN or id of the resource, from the encryption context or the call.
    pub resource: Option<String>,
    /// Who used it, the most frequent first; at most ten.
    pub principals: Vec<String>,
    /// How many events.
    pub count: u64,
    /// The first. RFC 3339, UTC.
    pub first: String,
    /// The last.
    pub last: String,
    /// A whole sentence.
    pub says: String,
    /// The first and the last event.
    pub evidence: Vec<Evidence>,
}

/// Uses of one key material.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MaterialUse {
    /// `keyMaterialId`.
    pub material: String,
    /// How many uses.
    pub uses: u64,
    /// The first. RFC 3339, UTC.
    pub first: String,
    /// The last.
    pub last: String,
}

impl<'a> SortedKeys<'a> {
    /// The grants that were made up to a moment, and not ended by then.
    pub(crate) fn live_grants(&self, key: &KeyId, at: Timestamp) -> Vec<(&'a LifecycleEvent, &'a Grant)> {
        let calls =
            self.events(key).lifecycle.iter().filter(|event| event.succeeded() && event.sighting.time <= at);
        let mut live: Vec<(&LifecycleEvent, &Grant)> = Vec::new();
        for event in calls {
            match &event.change {
                Change::Granted(grant) => live.push((event, grant)),
                Change::GrantEnded { id: Some(id) } => {
                    live.retain(|(_, grant)| grant.id.as_ref() != Some(id))
                }
                _ => {}
            }
        }
        live
    }
}
