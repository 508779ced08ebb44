//! The clocks that run against a key: when it is gone, when its material expires, which service gives up first.

use ecs::Timestamp;
use jiff::SignedDuration;
use serde::Serialize;

use super::key_id::KeyId;
use super::sorted_keys::SortedKeys;
use super::state::{Certainty, KeyState};
use super::state_machine::{DEFAULT_DAYS, Status};
use super::use_groups::UseKind;

/// A clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clock {
    /// What ends.
    pub kind: ClockKind,
    /// RFC 3339, UTC; `None` where it does not run yet, or nothing says when it ends.
    pub ends: Option<String>,
    /// Seconds from the moment the report is about; negative when it has ended.
    pub seconds_left: Option<i64>,
    /// How sure `ends` is.
    pub certainty: Certainty,
    /// A whole sentence.
    pub says: String,
}

/// What a clock counts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The earliest moment at which the key is gone for ever; until then the deletion can be cancelled.
    Deletion,
    /// The deletion of a primary, which waits for its replicas.
    ReplicaDeletion,
    /// The imported material's expiry.
    MaterialExpiry,
    /// The first dependent service that gives up on the data.
    DependentService,
}

/// After this long without its key DynamoDB archives a table.
///
/// Source: Amazon DynamoDB API reference, SSEDescription and ArchivalSummary.
const DYNAMODB_GIVES_UP: SignedDuration = SignedDuration::from_hours(7 * 24);

impl SortedKeys<'_> {
    /// The clocks that run against a key at a moment, the first to end first.
    pub fn clocks(&self, key: &KeyId, at: Timestamp) -> Vec<Clock> {
        self.clocks_of(key, &Status::of(self, key, at), at)
    }

    pub(crate) fn clocks_of(&self, key: &KeyId, status: &Status, at: Timestamp) -> Vec<Clock> {
        let clock = |kind, ends: Option<Timestamp>, certainty, says| Clock {
            kind,
            ends: ends.map(|ends| ends.to_string()),
            seconds_left: ends.map(|ends| ends.duration_since(at).as_secs()),
            certainty,
            says,
        };
        let mut clocks = Vec::new();
        match (status.now.state, &status.deletion) {
            (KeyState::PendingDeletion, Some(deletion)) => {
                let late =
                    "KMS may take up to 24 hours longer. Until it is gone the deletion can be cancelled.";
                let ends = deletion.ends();
                let (certainty, says) = match (deletion.date, deletion.days, ends) {
                    (Some(date), _, _) => {
                        (Certainty::Recorded, format!("The record sets the deletion for {date}. {late}"))
                    }
                    (None, Some(days), Some(ends)) => (
                        Certainty::Inferred,
                        format!(
                            "The record names no date; {days} days from {} it is {ends} at the earliest. {late}",
                            deletion.from
                        ),
                    ),
                    (None, None, Some(ends)) => (
                        Certainty::Inferred,
                        format!(
                            "The record names neither date nor waiting period; KMS takes {DEFAULT_DAYS} days then, so it is \
                             {ends} at the earliest. {late}"
                        ),
                    ),
                    (None, _, None) => (
                        Certainty::Unknown,
                        "The waiting period that the record names can't be read.".to_owned(),
                    ),
                };
                clocks.push(clock(ClockKind::Deletion, ends, certainty, says));
            }
            (KeyState::PendingDeletion, None) => {
                let says = "Its deletion is set, but the call that did it is not in the logs: when it ends is not known.";
                clocks.push(clock(ClockKind::Deletion, None, Certainty::Unknown, says.to_owned()));
            }
            (KeyState::PendingReplicaDeletion, deletion) => {
                let days = deletion.as_ref().and_then(|deletion| deletion.days).unwrap_or(DEFAULT_DAYS);
                let says = format!(
                    "It waits for its replicas: the {days} days begin when the last of them is deleted, so there is no date."
                );
                clocks.push(clock(ClockKind::ReplicaDeletion, None, status.now.certainty, says));
            }
            _ => {}
        }
        if let Some(end) = status.valid_to.filter(|_| status.now.state != KeyState::Deleted) {
            let says = format!(
                "The import set the material to expire at {end}; KMS deletes it then, and the key needs it again."
            );
            clocks.push(clock(ClockKind::MaterialExpiry, Some(end), Certainty::Recorded, says));
        }
        if let Some(since) = status.unusable_since {
            let services = self.dependent_services(key, at);
            if services.contains(&"dynamodb.amazonaws.com".to_owned()) {
                let ends = since.checked_add(DYNAMODB_GIVES_UP).ok();
                let says = format!(
                    "DynamoDB uses it, and archives a table whose key it can't reach for more than 7 days; it can't since \
                     {since}."
                );
                clocks.push(clock(ClockKind::DependentService, ends, Certainty::Inferred, says));
            }
            if services.contains(&"rds.amazonaws.com".to_owned()) {
                let says = format!(
                    "RDS uses it, and can't reach it since {since}. How long it waits before a database can only be \
                     restored from a backup is not confirmed here: look at the state of the database."
                );
                clocks.push(clock(ClockKind::DependentService, None, Certainty::Unknown, says));
            }
        }
        // Those without an end last.
        clocks.sort_by_key(|clock| (clock.seconds_left.is_none(), clock.seconds_left));
        clocks
    }

    /// Services that used the key, hold a grant for it or have a resource that names it.
    fn dependent_services(&self, key: &KeyId, at: Timestamp) -> Vec<String> {
        let events = self.events(key);
        let depends = |kind| matches!(kind, UseKind::Use | UseKind::Declared | UseKind::ServiceFailure);
        let uses = events.uses.iter().filter(|(group, tally)| depends(group.kind) && tally.first.time <= at);
        let mut services: Vec<String> =
            uses.filter_map(|(group, _)| group.service.as_deref().map(str::to_owned)).collect();
        services.extend(self.live_grants(key, at).into_iter().filter_map(|(_, grant)| grant.service.clone()));
        services
    }
}
