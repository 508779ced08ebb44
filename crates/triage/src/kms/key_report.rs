//! What is known of one key at one moment, for people and for machines.

use ecs::Timestamp;
use jiff::SignedDuration;
use serde::Serialize;

use super::clock::Clock;
use super::key_id::KeyId;
use super::sighting::Sighting;
use super::sorted_keys::SortedKeys;
use super::state::{Certainty, KeyState};
use super::state_machine::Status;
use super::use_groups::UseKind;
use crate::answer::Evidence;

/// A key at a moment. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyReport {
    /// The key's ARN, as far as its parts are known.
    pub key: String,
    /// `alias/…` names that point to it at that moment.
    pub aliases: Vec<String>,
    /// The key's account.
    pub account: Option<String>,
    /// The key's Region.
    pub region: Option<String>,
    /// ARNs of the same multi-Region key in other Regions.
    pub related: Vec<String>,
    /// `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM`, `EXTERNAL_KEY_STORE`; `None` when nothing shows it.
    pub origin: Option<String>,
    /// The state.
    pub state: KeyState,
    /// How sure it is.
    pub certainty: Certainty,
    /// Since when.
    pub since: Option<String>,
    /// Why it is thought to be in this state: a whole sentence.
    pub because: String,
    /// The event that led to the state.
    pub cause: Option<Evidence>,
    /// What runs out.
    pub clocks: Vec<Clock>,
    /// Lifecycle, policy, grant and alias events, oldest first; uses only as far as they failed, the first of a kind.
    pub timeline: Vec<TimelineEntry>,
    /// The first event about it.
    pub first_seen: Option<String>,
    /// The last event about it.
    pub last_seen: Option<String>,
    /// The last cryptographic use that succeeded.
    pub last_use: Option<String>,
    /// Cryptographic uses that succeeded.
    pub uses: u64,
    /// Cryptographic uses that failed.
    pub failed_uses: u64,
    /// How much is at stake now.
    pub risk: Risk,
    /// Why the risk is judged so.
    pub risk_because: String,
}

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing runs against it.
    None,
    /// It can be put right by one call.
    Low,
    /// Out of use, or about to be.
    High,
    /// A clock runs towards loss, or the material is gone.
    Critical,
    /// Gone for ever.
    Lost,
}

/// One event of a key's life.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// When.
    pub time: String,
    /// `eventName`.
    pub action: String,
    /// The principal; `None` for a record that names nobody.
    pub principal: Option<String>,
    /// `errorCode`.
    pub error: Option<String>,
    /// The state before, where the event changes it.
    pub before: Option<KeyState>,
    /// The state after, where the event changes it.
    pub after: Option<KeyState>,
    /// What happened, in a few words.
    pub says: String,
    /// The record.
    pub evidence: Evidence,
}

impl SortedKeys<'_> {
    /// What is known of a key at a moment; `None` for a key that no event up to then names. Later events don't count, but
    /// uses are added up: one from before that goes on after it counts with all that it has.
    pub fn report(&self, key: &KeyId, at: Timestamp) -> Option<KeyReport> {
        let events = self.events(key);
        let calls = events.lifecycle.iter().map(|event| &event.sighting);
        let tallies = events.uses.iter().map(|(_, tally)| *tally);
        let uses = tallies.flat_map(|tally| [&tally.first, &tally.last]);
        let seen: Vec<&Sighting> = calls.chain(uses).filter(|sighting| sighting.time <= at).collect();
        let time = |sighting: Option<&&Sighting>| sighting.map(|sighting| sighting.time.to_string());
        let first_seen = time(seen.iter().min())?;
        let status = Status::of(self, key, at);
        let of_use = |failed: bool| {
            let counts = |kind: UseKind| matches!(kind, UseKind::Use | UseKind::PublicKey);
            let uses = events.uses.iter().filter(move |(group, tally)| {
                counts(group.kind) && group.error.is_some() == failed && tally.first.time <= at
            });
            uses.map(|(_, tally)| *tally)
        };
        let last_use =
            of_use(false).flat_map(|tally| [&tally.first, &tally.last]).filter(|use_| use_.time <= at);
        let uses: u64 = of_use(false).map(|tally| tally.count).sum();
        let (risk, risk_because) = risk_of(&status, uses, at);
        let clocks = self.clocks_of(key, &status, at);
        Some(KeyReport {
            key: key.to_string(),
            aliases: self.aliases.of_key(key, at),
            account: key.account.clone(),
            region: key.region.clone(),
            related: self.related(key).into_iter().map(KeyId::to_string).collect(),
            origin: status.origin,
            state: status.now.state,
            certainty: status.now.certainty,
            since: status.now.since.map(|since| since.to_string()),
            because: status.now.because,
            cause: status.now.cause,
            clocks,
            timeline: status.timeline,
            first_seen: Some(first_seen),
            last_seen: time(seen.iter().max()),
            last_use: last_use.map(|use_| use_.time).max().map(|time| time.to_string()),
            uses,
            failed_uses: of_use(true).map(|tally| tally.count).sum(),
            risk,
            risk_because,
        })
    }

    /// Every key that an event up to a moment names, the riskiest first, then by ARN.
    pub fn reports(&self, at: Timestamp) -> Vec<KeyReport> {
        let mut reports: Vec<KeyReport> = self.keys().filter_map(|key| self.report(key, at)).collect();
        reports.sort_by(|left, right| right.risk.cmp(&left.risk).then_with(|| left.key.cmp(&right.key)));
        reports
    }
}

/// Material that expires within this is about to be lost. Ours.
const SHORT_EXPIRY: SignedDuration = SignedDuration::from_hours(7 * 24);
const NEAR_EXPIRY: SignedDuration = SignedDuration::from_hours(90 * 24);

fn risk_of(status: &Status, uses: u64, at: Timestamp) -> (Risk, String) {
    let (risk, because) = match status.now.state {
        KeyState::Deleted => (Risk::Lost, "It is gone, and with it whatever is encrypted under it."),
        KeyState::PendingDeletion => {
            (Risk::Critical, "Its deletion is set; until then CancelKeyDeletion and EnableKey bring it back.")
        }
        KeyState::PendingReplicaDeletion => {
            (Risk::Critical, "Its deletion is set, and begins to run when its last replica is deleted.")
        }
        _ if !status.missing.is_empty() => {
            (Risk::Critical, "Its material is gone; only an import of the same material brings it back.")
        }
        KeyState::PendingImport if status.valid_to.is_some() => {
            (Risk::Critical, "Its material has expired; only an import of the same material brings it back.")
        }
        KeyState::PendingImport if status.unusable_since.is_some() && uses > 0 => {
            (Risk::Critical, "It was in use and has no material now; only an import brings it back.")
        }
        KeyState::PendingImport => (Risk::Low, "It waits for material; no use of it was seen."),
        KeyState::Unavailable => {
            (Risk::High, "Its key store is disconnected; nothing can be decrypted until it is back.")
        }
        KeyState::Disabled if uses > 0 => {
            (Risk::High, "It was in use and is switched off; EnableKey brings it back.")
        }
        KeyState::Disabled => {
            (Risk::Low, "It is switched off, and no use of it was seen; EnableKey brings it back.")
        }
        KeyState::Unknown => (Risk::None, "No event says that anything runs against it."),
        KeyState::Creating | KeyState::Enabled | KeyState::Updating => match status.valid_to {
            Some(end) if end.duration_since(at) <= SHORT_EXPIRY => {
                (Risk::Critical, "Its material expires within a week; then nothing can be decrypted.")
            }
            Some(end) if end.duration_since(at) <= NEAR_EXPIRY => {
                (Risk::High, "Its material expires within 90 days; then nothing can be decrypted.")
            }
            Some(_) => (Risk::Low, "Its material has an expiry date; it has to be imported again before."),
            None => (Risk::None, "Nothing runs against it."),
        },
    };
    (risk, because.to_owned())
}
