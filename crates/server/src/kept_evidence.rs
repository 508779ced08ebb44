//! What the lake says of keys and principals: read once for an investigation, and from then on added to.
//!
//! Alerts about keys seldom come alone, and several rules tell of one act. What was read for the first is there for the
//! next, which reads only what has come in since.

use std::sync::{Mutex, PoisonError};

use ecs::{IndexPatterns, TimeRange, Timestamp};
use jiff::SignedDuration;
use lake::{Glimpse, Lake, LakeError, ScanRequest, Snapshot, StoredEvent, TimeField};
use triage::event::Event;
use triage::evidence::Evidence;
use triage::place::Place;

use crate::error::ServerError;
use crate::investigation::InvestigationLimits;

/// What the lake says beyond alerts, and what it was not asked for.
#[derive(Debug, Default)]
pub struct GatheredEvidence {
    /// What it says.
    pub evidence: Evidence,
    /// Whole sentences for those who rest on it.
    pub coverage: Vec<String>,
}

/// What was read of a lake. Whoever asks next waits for whoever asks now.
#[derive(Debug, Default)]
pub struct KeptEvidence {
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    gathered: GatheredEvidence,
    limits: InvestigationLimits,
    /// How many events it is made of.
    events: u64,
    /// How many have no time, and are left out.
    without_time: u64,
    /// Back to about when events were read, where that is not as far as was wanted.
    cut_at: Option<Timestamp>,
    /// All of them came in before; none of the others that count did.
    through: Timestamp,
    used: Timestamp,
}

/// What nobody has asked for since then is forgotten.
const UNUSED: SignedDuration = SignedDuration::from_mins(30);

impl KeptEvidence {
    /// Gives what the lake says of what came in before `now`. Blocks.
    ///
    /// Of the newest events so many are read as the limits say; what comes in later is added, up to half as many again.
    /// Then all is read anew.
    ///
    /// # Errors
    /// When the lake cannot be read.
    pub fn with<T>(
        &self,
        lake: &Lake,
        now: Timestamp,
        limits: InvestigationLimits,
        ask: impl FnOnce(&GatheredEvidence) -> T,
    ) -> Result<T, ServerError> {
        let mut place = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = lake.snapshot_through(now)?;
        // Taken out: what fails half-way is not to be added to.
        let held = match place.take().filter(|held| held.limits == limits && held.through <= now) {
            Some(held) => held.go_on(&snapshot, now)?,
            None => None,
        };
        let held = match held {
            Some(held) => held,
            None => Held::gather(&snapshot, now, limits)?,
        };
        let held = place.insert(Held { used: now, ..held });
        held.gathered.coverage = held.coverage();
        Ok(ask(&held.gathered))
    }

    /// Frees the memory when nobody has asked for a while. Does not wait for who is asking.
    pub fn forget_unused(&self, now: Timestamp) {
        if let Ok(mut held) = self.held.try_lock() {
            held.take_if(|held| now.duration_since(held.used) > UNUSED);
        }
    }
}

impl Held {
    /// Reads back from `now` in steps that grow, until the look-back is reached or enough was read.
    fn gather(snapshot: &Snapshot, now: Timestamp, limits: InvestigationLimits) -> Result<Self, ServerError> {
        let gathered = GatheredEvidence::default();
        let mut held =
            Self { gathered, limits, events: 0, without_time: 0, cut_at: None, through: now, used: now };
        let oldest = now.saturating_sub(limits.look_back).unwrap_or(Timestamp::MIN);
        let mut to = None;
        let mut step = SignedDuration::from_hours(6);
        let mut from = now.saturating_sub(step).unwrap_or(oldest).max(oldest);
        'back: loop {
            let time = TimeRange { from: Some(from), to };
            for event in events(snapshot, time, TimeField::Timestamp) {
                let event = event?;
                // What came in since then is read the next time.
                if event.ingested().is_some_and(|at| at >= now) {
                    continue;
                }
                if held.events >= limits.events {
                    held.cut_at = Some(from);
                    break 'back;
                }
                held.observe(&event.event()?);
            }
            if from <= oldest {
                break;
            }
            to = Some(from);
            step = step.saturating_mul(2);
            from = from.saturating_sub(step).unwrap_or(oldest).max(oldest);
        }
        Ok(held)
    }

    /// Adds what has come in since; `None` when that would be too much.
    fn go_on(mut self, snapshot: &Snapshot, now: Timestamp) -> Result<Option<Self>, ServerError> {
        let most = self.limits.events.saturating_add(self.limits.events / 2);
        let time = TimeRange { from: Some(self.through), to: Some(now) };
        for event in events(snapshot, time, TimeField::Ingested) {
            if self.events >= most {
                return Ok(None);
            }
            self.observe(&event?.event()?);
        }
        self.through = now;
        Ok(Some(self))
    }

    fn observe(&mut self, event: &StoredEvent) {
        self.events += 1;
        match Event::of_document(&event.document, Place::Lake) {
            Some(event) => self.gathered.evidence.observe(&event),
            None => self.without_time += 1,
        }
    }

    /// What is missing from the answers.
    fn coverage(&self) -> Vec<String> {
        let cut = self.cut_at.map(|at| {
            format!(
                "Only the newest {} events of the lake were read, back to about {at}: older ones are not in the answers.",
                self.events
            )
        });
        let without_time = (self.without_time > 0)
            .then(|| format!("{} events of the lake have no time and are left out.", self.without_time));
        cut.into_iter().chain(without_time).collect()
    }
}

fn events(
    snapshot: &Snapshot,
    time: TimeRange,
    time_field: TimeField,
) -> impl Iterator<Item = Result<Glimpse, LakeError>> {
    let streams = IndexPatterns::new(["logs-aws*"]);
    snapshot.glimpses(&ScanRequest { streams, time, time_field, ..ScanRequest::default() }, &[])
}
