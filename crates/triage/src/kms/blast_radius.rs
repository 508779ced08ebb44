//! What depends on a key, in grades of evidence.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::PoisonError;

use ecs::Timestamp;
use serde::Serialize;

use super::coverage::Coverage;
use super::declared::{TrailAct, blames_kms};
use super::key_id::KeyId;
use super::lifecycle::{Change, Grant, LifecycleEvent};
use super::sighting::{Sighting, Tally};
use super::sorted_keys::{EventsOfKey, SortedKeys};
use super::use_groups::{UseGroup, UseKind};
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
    /// What depends on a key, around an event at a moment: what failed from then on, what used it before, which grants
    /// lived then, and which resources were made to use it by then. [`Grade::Live`] is for whoever asks KMS.
    ///
    /// Uses are added up: one that began before and went on after counts with all its events.
    pub fn blast_radius(&self, key: &KeyId, event_time: Timestamp, coverage: &Coverage) -> BlastRadius {
        let events = self.events(key);
        let mut found: BTreeMap<(Grade, Option<&str>, Option<&str>), Gathered<'_>> = BTreeMap::new();
        for (group, tally) in &events.uses {
            let Some(grade) = grade_of(group, tally, event_time) else { continue };
            let gathered =
                found.entry((grade, group.service.as_deref(), group.resource.as_deref())).or_default();
            gathered.add_sightings(tally.count, &tally.first, &tally.last);
            gathered.add_names(tally.count, group.principal.as_deref(), group.error.as_deref());
        }
        for (event, grant) in self.live_grants(key, event_time) {
            let of = (Grade::Granted, grant.service.as_deref(), grant.resource.as_deref());
            let gathered = found.entry(of).or_default();
            gathered.add_sightings(1, &event.sighting, &event.sighting);
            gathered.add_names(1, grant.grantee.as_deref(), None);
        }
        let dependent = |((grade, service, resource), gathered): ((Grade, _, _), Gathered<'_>)| {
            gathered.dependent(grade, service, resource)
        };
        let mut dependents: Vec<Dependent> = found.into_iter().filter_map(dependent).collect();
        dependents.sort_by(|left, right| (left.grade, right.count).cmp(&(right.grade, left.count)));
        BlastRadius {
            key: key.to_string(),
            unknown_because: self.unknown_because(key, &dependents, event_time, coverage),
            materials: materials_of(events),
            dependents,
        }
    }

    fn unknown_because(
        &self,
        key: &KeyId,
        dependents: &[Dependent],
        event_time: Timestamp,
        coverage: &Coverage,
    ) -> Vec<String> {
        let events = self.events(key);
        let mut reasons = self.blind_trails(key, coverage);
        reasons.extend(self.why_no_uses(key, dependents, coverage));
        if dependents.iter().any(|dependent| dependent.service.as_deref() == Some("s3.amazonaws.com")) {
            reasons.push(
                "S3 uses it: with a bucket key S3 calls KMS far less often than objects are read, so counts are too low, \
                 and a bucket without events may still depend on the key."
                    .to_owned(),
            );
        }
        if events.uses.iter().any(|(group, _)| group.kind == UseKind::PublicKey && group.error.is_none()) {
            reasons.push(
                "Its public key was handed out (GetPublicKey): what was encrypted with that outside AWS is in no log."
                    .to_owned(),
            );
        }
        if events.left_out > 0 {
            reasons.push(format!(
                "It has more resources and principals than are kept: of {} events only the service is.",
                events.left_out
            ));
        }
        match self.unresolved_in(&key.account, &key.region) {
            0 => {}
            count => reasons.push(format!(
                "{count} calls in {} name an alias, and no record says which key that was; they may be about this one.",
                place_of(key)
            )),
        }
        if key.is_multi_region() {
            reasons.push(
                "It is a multi-Region key: what its replicas encrypted is counted with the replicas, and what it encrypted \
                 they can decrypt."
                    .to_owned(),
            );
        }
        reasons.extend(missing_data(key, event_time, coverage));
        reasons
    }

    /// When no key is used or read where this one is, the trail is more telling than the keys.
    fn why_no_uses(&self, key: &KeyId, dependents: &[Dependent], coverage: &Coverage) -> Option<String> {
        if self.used_in.contains(&(key.account.clone(), key.region.clone())) {
            return None;
        }
        let relies = |dependent: &Dependent| matches!(dependent.grade, Grade::Granted | Grade::Declared);
        let place = place_of(key);
        Some(if coverage.services.is_empty() && !dependents.iter().any(relies) {
            format!(
                "The data has no call that uses or reads a key of {place}: whether keys are used there can't be seen."
            )
        } else {
            let who = if coverage.services.is_empty() {
                "services".to_owned()
            } else {
                coverage.services.join(", ")
            };
            format!(
                "The data has no call that uses or reads a key of {place}, although {who} rely on KMS: the trail seems to \
                 leave events of KMS out, so no use in the logs does not mean no use."
            )
        })
    }

    /// Trails that were told to leave KMS out, or were stopped, and not changed back.
    fn blind_trails(&self, key: &KeyId, coverage: &Coverage) -> Vec<String> {
        // Keys of an account share its trails, and there may be many changes of these.
        let asked = (key.account.clone(), coverage.to);
        let mut told = self.blind_trails.lock().unwrap_or_else(PoisonError::into_inner);
        told.entry(asked).or_insert_with(|| self.read_trails(key, coverage)).clone()
    }

    fn read_trails(&self, key: &KeyId, coverage: &Coverage) -> Vec<String> {
        type Trail<'t> = (Option<&'t str>, Option<&'t str>);
        type Since = Option<Timestamp>;
        let mut trails: BTreeMap<Trail<'_>, (Since, Since)> = BTreeMap::new();
        for change in &self.trails {
            let time = change.sighting.time;
            let elsewhere =
                key.account.is_some() && change.account.is_some() && change.account != key.account;
            if elsewhere || coverage.to.is_some_and(|to| time > to) {
                continue;
            }
            // A call names a trail by its name or by its ARN.
            let name = change.trail.as_deref().map(|trail| trail.rsplit('/').next().unwrap_or(trail));
            let (leaves_out, stopped) = trails.entry((change.account.as_deref(), name)).or_default();
            match change.does {
                TrailAct::LeavesKmsOut => *leaves_out = Some(time),
                TrailAct::TakesKmsIn => *leaves_out = None,
                TrailAct::Stops => *stopped = Some(time),
                TrailAct::Starts => *stopped = None,
            }
        }
        let mut reasons = Vec::new();
        for ((_, name), (leaves_out, stopped)) in trails {
            let name = name.unwrap_or("of unknown name");
            reasons.extend(leaves_out.map(|since| {
                format!(
                    "The trail {name} leaves events of KMS out since {since} (PutEventSelectors): uses from then on are not \
                     in its logs."
                )
            }));
            reasons.extend(stopped.map(|since| format!("The trail {name} records nothing since {since}.")));
        }
        reasons
    }

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

/// What is added up for one dependent.
#[derive(Debug, Default)]
struct Gathered<'a> {
    count: u64,
    /// The first and the last.
    span: Option<(&'a Sighting, &'a Sighting)>,
    principals: BTreeMap<&'a str, u64>,
    errors: BTreeMap<&'a str, u64>,
}

impl<'a> Gathered<'a> {
    fn add_sightings(&mut self, count: u64, first: &'a Sighting, last: &'a Sighting) {
        self.count += count;
        let (from, to) = self.span.unwrap_or((first, last));
        self.span = Some((from.min(first), to.max(last)));
    }

    fn add_names(&mut self, count: u64, principal: Option<&'a str>, error: Option<&'a str>) {
        if let Some(principal) = principal {
            *self.principals.entry(principal).or_default() += count;
        }
        if let Some(error) = error {
            *self.errors.entry(error).or_default() += count;
        }
    }

    fn dependent(self, grade: Grade, service: Option<&str>, resource: Option<&str>) -> Option<Dependent> {
        const MOST_PRINCIPALS: usize = 10;
        let (count, (first_of_all, last_of_all)) = (self.count, self.span?);
        let mut principals: Vec<(&str, u64)> = self.principals.into_iter().collect();
        principals.sort_by_key(|(_, count)| Reverse(*count));
        let who = match (resource, service) {
            (Some(resource), _) => resource,
            (None, Some(service)) => service,
            (None, None) => principals.first().map_or("somebody not named", |(principal, _)| *principal),
        };
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let (first, last) = (first_of_all.time, last_of_all.time);
        let errors: Vec<&str> = self.errors.into_keys().collect();
        let says = match grade {
            Grade::BrokenNow => {
                format!("Calls for {who} failed {times} with {}, the last at {last}.", errors.join(", "))
            }
            Grade::ObservedUse => format!("{who} used it {times}, from {first} to {last}."),
            Grade::Granted => format!("A grant for {who} lives, made at {last}."),
            Grade::Declared => format!("{who} was made or changed to use it, last at {last}."),
            Grade::Live => format!("KMS names {who}."),
        };
        let shows = match grade {
            Grade::BrokenNow => "a call fails",
            Grade::ObservedUse => "it is used",
            Grade::Granted => "a grant is made",
            Grade::Declared | Grade::Live => "a resource names it",
        };
        let mut evidence = vec![first_of_all.evidence(shows)];
        if last_of_all != first_of_all {
            evidence.push(last_of_all.evidence(shows));
        }
        Some(Dependent {
            grade,
            service: service.map(str::to_owned),
            resource: resource.map(str::to_owned),
            principals: principals
                .into_iter()
                .take(MOST_PRINCIPALS)
                .map(|(name, _)| name.to_owned())
                .collect(),
            count,
            first: first.to_string(),
            last: last.to_string(),
            says,
            evidence,
        })
    }
}

fn grade_of(group: &UseGroup, tally: &Tally, event_time: Timestamp) -> Option<Grade> {
    let before = tally.first.time <= event_time;
    match (group.kind, group.error.as_deref()) {
        (UseKind::Use | UseKind::ServiceFailure, Some(error)) => {
            let of_state = group.state.is_some() || error == "DisabledException" || blames_kms(error);
            (of_state && tally.last.time >= event_time).then_some(Grade::BrokenNow)
        }
        (UseKind::Use | UseKind::PublicKey, None) if before => Some(Grade::ObservedUse),
        (UseKind::Declared, None) if before => Some(Grade::Declared),
        _ => None,
    }
}

fn materials_of(events: &EventsOfKey<'_>) -> Vec<MaterialUse> {
    let mut materials: BTreeMap<&str, Tally> = BTreeMap::new();
    for (group, tally) in &events.uses {
        let (Some(material), None, UseKind::Use) =
            (group.material.as_deref(), group.error.as_deref(), group.kind)
        else {
            continue;
        };
        match materials.get_mut(material) {
            Some(known) => known.add((*tally).clone()),
            None => {
                materials.insert(material, (*tally).clone());
            }
        }
    }
    let material = |(material, tally): (&str, Tally)| MaterialUse {
        material: material.to_owned(),
        uses: tally.count,
        first: tally.first.time.to_string(),
        last: tally.last.time.to_string(),
    };
    materials.into_iter().map(material).collect()
}

fn place_of(key: &KeyId) -> String {
    let account = key.account.as_deref().unwrap_or("unknown");
    format!("account {account} in {}", key.region.as_deref().unwrap_or("an unknown Region"))
}

/// Why the data at hand may lack events of the key.
fn missing_data(key: &KeyId, event_time: Timestamp, coverage: &Coverage) -> Vec<String> {
    let lacks = |known: &[String], part: &Option<String>| {
        part.as_ref().is_some_and(|part| !known.is_empty() && !known.contains(part))
    };
    let mut reasons = Vec::new();
    if lacks(&coverage.regions, &key.region) {
        reasons.push(format!(
            "The data has no event of the key's Region, {}.",
            key.region.as_deref().unwrap_or_default()
        ));
    }
    if lacks(&coverage.accounts, &key.account) {
        reasons.push(format!(
            "The data has no event of the key's account, {}.",
            key.account.as_deref().unwrap_or_default()
        ));
    }
    match coverage.hours_without_events {
        0 => {}
        1 => reasons.push("Within the data there is an hour without any event.".to_owned()),
        hours => reasons.push(format!("Within the data there are {hours} hours without any event.")),
    }
    reasons.push(match (coverage.from, coverage.to) {
        (Some(from), Some(to)) => {
            let outside = if to < event_time { " (the event itself is later)" } else { "" };
            format!("Uses before {from} and after {to}{outside} are outside the data.")
        }
        _ => "How far the data reaches is not known; uses outside it are not counted.".to_owned(),
    });
    reasons
}
