//! Suppression: alerts with the same values in some fields become one alert, which counts the others.
//!
//! ```text
//!   candidates of a run ─┬─ a field is missing, and the rule says doNotSuppress ─▶ an alert of its own
//!                        ├─ an earlier run had it, by its id or its time ────────▶ dropped
//!                        └─ folded by the values of the group ─┬─ an alert of the group is young enough ─▶ update
//!                                                              └─ else ──────────────────────────────────▶ new alert
//! ```
//!
//! Source: elastic/kibana rule_types/query/alert_suppression, rule_types/utils/bulk_create_suppressed_alerts_in_memory.ts,
//! rule_registry create_persistence_rule_type_wrapper.ts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use ecs::Timestamp;
use rule::rule_type::RuleType;
use rule::{AlertSuppression, MissingFields};
use serde_json::{Map, Value, json};

use crate::candidate::{Candidate, Run, SuppressionTerm, in_order};
use crate::context::{AlertContext, iso};
use crate::fields;
use crate::identity::{AlertUuid, instance_id, query_suppression_uuid, threshold_instance_id};
use crate::rule_fields::AlertRule;

/// How a rule's alerts are folded.
#[derive(Debug, Clone, Copy)]
pub struct SuppressionPolicy<'a> {
    /// What the rule says.
    pub suppression: &'a AlertSuppression,
    /// What its type makes of it.
    pub grouping: Grouping,
    /// The rule.
    pub rule: &'a AlertRule<'a>,
    /// Of it only the space counts for what is folded.
    pub context: &'a AlertContext,
    /// The most alerts that one run may make; `None` for no cap. Alerts that are folded do not use it up.
    ///
    /// The oldest are made. Kibana takes the groups of a query rule in the order of their values, stops counting at
    /// five times as many for indicator match and new terms, and counts the building blocks of sequences.
    pub max_signals: Option<u32>,
}

/// What makes a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// Each value: an event with two values is in two groups. For query rules.
    PerValue,
    /// The set of values. For rules of all other types.
    PerSet,
    /// The values of the group that the rule has found. For threshold rules.
    Found,
}

impl<'a> SuppressionPolicy<'a> {
    /// The policy of a rule; `None` for a rule without suppression.
    pub fn of(rule: &'a AlertRule<'a>, context: &'a AlertContext, max_signals: Option<u32>) -> Option<Self> {
        let rule_type = &rule.rule.rule_type;
        let suppression = rule_type.suppression()?;
        let grouping = match rule_type {
            RuleType::Query(_) | RuleType::SavedQuery(_) => Grouping::PerValue,
            RuleType::Threshold(_) => Grouping::Found,
            RuleType::Eql(_)
            | RuleType::Esql(_)
            | RuleType::ThreatMatch(_)
            | RuleType::MachineLearning(_)
            | RuleType::NewTerms(_) => Grouping::PerSet,
        };
        Some(Self { suppression, grouping, rule, context, max_signals })
    }
}

/// What earlier runs of one rule in one space have done. A plain value: a hunt passes it from run to run, a server
/// fills it from the alerts that it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuppressionState {
    /// The newest alert of each group, by `kibana.alert.instance.id`. An alert that people have closed takes no others
    /// in, so that whoever fills this leaves it out.
    pub alerts: BTreeMap<String, FoldedAlert>,
    /// The ids of all alerts that are there, so that none is made twice.
    pub uuids: BTreeSet<AlertUuid>,
}

/// An alert that may take others in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedAlert {
    /// Its id.
    pub uuid: AlertUuid,
    /// When the run that made it started: its `kibana.alert.start`.
    pub created_at: Timestamp,
    /// Its `kibana.alert.suppression.end`.
    pub end: Timestamp,
    /// Its `kibana.alert.suppression.docs_count`.
    pub docs_count: u64,
    /// The newest run that made or changed an alert of the group.
    pub last_run: Timestamp,
    /// The newest `end` of all alerts that the group ever had. Query rules take nothing up to here, and neither does
    /// a run that is not newer than `last_run`.
    pub covered_until: Timestamp,
}

impl SuppressionState {
    /// Forgets the groups to which no run since `at` added anything, to keep the state small. Windows and suppression of
    /// the runs to come must not reach back beyond `at`. Ids of alerts stay.
    pub fn forget_groups_before(&mut self, at: Timestamp) {
        self.alerts.retain(|_, alert| alert.last_run >= at);
    }
}

/// What came of the candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppressed<T> {
    /// The alerts to be made, in the order of their runs. What later runs of the same call folded into them is counted.
    pub create: Vec<NewAlert<T>>,
    /// The alerts to be changed, which were there before; at most one entry for each.
    pub update: Vec<SuppressionUpdate>,
    /// How many of what.
    pub counts: SuppressionCounts,
}

/// An alert to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert<T> {
    /// The candidate that becomes the alert: the oldest of its group.
    pub found: T,
    /// The alert's id.
    pub uuid: AlertUuid,
    /// The run that makes it.
    pub run: Run,
    /// What is folded into it; `None` for an alert of its own, for want of a field.
    pub suppression: Option<Suppression>,
}

/// What an alert says of those that were folded into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppression {
    /// What they share: `kibana.alert.instance.id`.
    pub instance_id: String,
    /// The fields and values of the group.
    pub terms: Vec<SuppressionTerm>,
    /// The time of the oldest.
    pub start: Timestamp,
    /// The time of the newest.
    pub end: Timestamp,
    /// How many were folded into the alert, which is not counted.
    pub docs_count: u64,
}

impl Suppression {
    /// `kibana.alert.instance.id` and `kibana.alert.suppression.*`, flat.
    pub fn fields(&self) -> Map<String, Value> {
        let term = |term: &SuppressionTerm| json!({ "field": term.field, "value": term.value });
        let terms = self.terms.iter().map(term).collect();
        Map::from_iter([
            (fields::INSTANCE_ID.to_owned(), Value::from(self.instance_id.as_str())),
            (fields::SUPPRESSION_TERMS.to_owned(), Value::Array(terms)),
            (fields::SUPPRESSION_START.to_owned(), iso(self.start).into()),
            (fields::SUPPRESSION_END.to_owned(), iso(self.end).into()),
            (fields::SUPPRESSION_DOCS_COUNT.to_owned(), self.docs_count.into()),
        ])
    }
}

/// What changes of an alert that was there before. It is no new alert: nobody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionUpdate {
    /// The alert.
    pub uuid: AlertUuid,
    /// The new `kibana.alert.suppression.end`.
    pub end: Timestamp,
    /// The new `kibana.alert.suppression.docs_count`: all that it ever took in.
    pub docs_count: u64,
}

impl SuppressionUpdate {
    /// The fields to be replaced, flat. `context` is that of the run that changes it.
    pub fn fields(&self, context: &AlertContext) -> Map<String, Value> {
        Map::from_iter([
            (fields::SUPPRESSION_END.to_owned(), iso(self.end).into()),
            (fields::SUPPRESSION_DOCS_COUNT.to_owned(), self.docs_count.into()),
            (fields::LAST_DETECTED.to_owned(), iso(context.detected_at).into()),
        ])
    }
}

/// The account of a call: `candidates` = `created` + `suppressed` + `covered` + `known` + `cut`.
///
/// For [`Grouping::PerValue`] an event counts once for each group that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SuppressionCounts {
    /// What was there.
    pub candidates: u64,
    /// Became alerts, with or without suppression.
    pub created: u64,
    /// Were folded into an alert, a new one or one that was there.
    pub suppressed: u64,
    /// Were dropped, since an earlier run made or changed an alert of the group at that time or later: the windows of
    /// runs overlap, and this is how they do not count twice.
    pub covered: u64,
    /// Were dropped, since there is an alert with their id.
    pub known: u64,
    /// Were dropped, since the run had made as many alerts as it may; with them what would have been folded into theirs.
    pub cut: u64,
}

impl AddAssign for SuppressionCounts {
    fn add_assign(&mut self, other: Self) {
        let Self { candidates, created, suppressed, covered, known, cut } = other;
        self.candidates += candidates;
        self.created += created;
        self.suppressed += suppressed;
        self.covered += covered;
        self.known += known;
        self.cut += cut;
    }
}

/// Decides which candidates become alerts, which are folded into one, and which an earlier run has dealt with.
///
/// Candidates may come in any order. All candidates of a run have to come in one call; a call may have those of many
/// runs, which gives what one call for each run in turn gives. With the state that a call leaves behind, the same call
/// changes nothing, as long as nothing was cut.
///
/// A rule that looks back further than its suppression lasts makes a second alert of what was folded into one that takes
/// no more in, when a later run finds it again. So does Kibana; who hands over each hit only with the first run that
/// finds it is spared that.
pub fn suppress<T: Clone>(
    mut candidates: Vec<Candidate<T>>,
    policy: &SuppressionPolicy<'_>,
    state: &mut SuppressionState,
) -> Suppressed<T> {
    for candidate in &mut candidates {
        candidate.start = milliseconds(candidate.start);
        candidate.end = milliseconds(candidate.end).max(candidate.start);
    }
    candidates.sort_by(|a, b| order(a).cmp(&order(b)));
    let suppressed =
        Suppressed { create: Vec::new(), update: Vec::new(), counts: SuppressionCounts::default() };
    let mut call = Call { policy, state, suppressed, places: BTreeMap::new() };
    let mut candidates = candidates.into_iter().peekable();
    while let Some(first) = candidates.next() {
        let run = first.run;
        let mut of_run = vec![first];
        while let Some(next) = candidates.next_if(|candidate| candidate.run == run) {
            of_run.push(next);
        }
        call.run(run, of_run);
    }
    call.suppressed
}

/// Runs in turn; in a run the oldest first, then by id, so that the order in which they came does not count.
fn order<T>(candidate: &Candidate<T>) -> impl Ord + '_ {
    let Candidate { run, start, end, document_id, index, uuid, .. } = candidate;
    (*run, *start, document_id, index, *end, uuid)
}

struct Call<'a, T> {
    policy: &'a SuppressionPolicy<'a>,
    state: &'a mut SuppressionState,
    suppressed: Suppressed<T>,
    /// Where the alert of each group that this call made or changed is.
    places: BTreeMap<AlertUuid, Place>,
}

#[derive(Clone, Copy)]
enum Place {
    Create(usize),
    Update(usize),
}

/// Candidates of one run with the same values.
struct Group<T> {
    /// The oldest.
    first: Candidate<T>,
    terms: Vec<SuppressionTerm>,
    end: Timestamp,
    members: u64,
}

impl<T: Clone> Call<'_, T> {
    fn run(&mut self, run: Run, candidates: Vec<Candidate<T>>) {
        let mut budget = self.policy.max_signals.map_or(u64::MAX, u64::from);
        let alone = |candidate: &Candidate<T>| {
            self.policy.suppression.missing_fields == MissingFields::DoNotSuppress
                && self.policy.grouping != Grouping::Found
                && candidate.terms.iter().any(|term| term.value.is_null())
        };
        let (alone, together): (Vec<_>, Vec<_>) = candidates.into_iter().partition(alone);
        // As Kibana has it: query rules make the alerts of groups first, the others those of single events.
        if self.policy.grouping == Grouping::PerValue {
            self.fold(run, together, &mut budget);
            self.create_alone(alone, &mut budget);
        } else {
            self.create_alone(alone, &mut budget);
            self.fold(run, together, &mut budget);
        }
    }

    fn create_alone(&mut self, candidates: Vec<Candidate<T>>, budget: &mut u64) {
        for Candidate { found, uuid, run, .. } in candidates {
            self.suppressed.counts.candidates += 1;
            self.create(NewAlert { found, uuid, run, suppression: None }, budget);
        }
    }

    /// Makes an alert, unless it is there or the run may make no more.
    fn create(&mut self, new: NewAlert<T>, budget: &mut u64) -> bool {
        let counts = &mut self.suppressed.counts;
        let others = new.suppression.as_ref().map_or(0, |suppression| suppression.docs_count);
        if self.state.uuids.contains(&new.uuid) {
            counts.known += 1 + others;
            false
        } else if *budget == 0 {
            counts.cut += 1 + others;
            false
        } else {
            *budget -= 1;
            counts.created += 1;
            counts.suppressed += others;
            self.state.uuids.insert(new.uuid.clone());
            self.places.insert(new.uuid.clone(), Place::Create(self.suppressed.create.len()));
            self.suppressed.create.push(new);
            true
        }
    }

    fn fold(&mut self, run: Run, candidates: Vec<Candidate<T>>, budget: &mut u64) {
        let mut groups: Vec<(String, Group<T>)> = Vec::new();
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for candidate in candidates {
            for terms in self.groups_of(&candidate) {
                let counts = &mut self.suppressed.counts;
                counts.candidates += 1;
                let instance = instance_of(&terms, self.policy);
                if self.policy.grouping != Grouping::PerValue && self.state.uuids.contains(&candidate.uuid) {
                    counts.known += 1;
                } else if self.is_covered(&instance, candidate.end, run) {
                    self.suppressed.counts.covered += 1;
                } else if let Some(number) = numbers.get(&instance) {
                    let group = &mut groups[*number].1;
                    group.members += 1;
                    group.end = group.end.max(candidate.end);
                } else {
                    numbers.insert(instance.clone(), groups.len());
                    let group = Group { first: candidate.clone(), terms, end: candidate.end, members: 1 };
                    groups.push((instance, group));
                }
            }
        }
        for (instance, group) in groups {
            self.close(instance, group, run, budget);
        }
    }

    /// The groups that a candidate is in; one, but for query rules, where each combination of values makes a group.
    fn groups_of(&self, candidate: &Candidate<T>) -> Vec<Vec<SuppressionTerm>> {
        if self.policy.grouping != Grouping::PerValue {
            return vec![candidate.terms.clone()];
        }
        let mut groups: Vec<Vec<SuppressionTerm>> = vec![Vec::new()];
        for SuppressionTerm { field, value } in &candidate.terms {
            let values: Vec<&Value> = match value {
                Value::Array(items) => items.iter().collect(),
                value => vec![value],
            };
            let with = |group: &Vec<SuppressionTerm>| {
                let group = group.clone();
                let values = values.iter().map(|value| (*value).clone());
                let terms = values.map(|value| SuppressionTerm { field: field.clone(), value });
                terms.map(move |term| group.iter().cloned().chain([term]).collect()).collect::<Vec<_>>()
            };
            groups = groups.iter().flat_map(with).collect();
        }
        groups
    }

    /// Has an earlier run dealt with what happened at `end`?
    fn is_covered(&self, instance: &str, end: Timestamp, run: Run) -> bool {
        let Some(alert) = self.state.alerts.get(instance) else { return false };
        if self.policy.grouping == Grouping::PerValue || run.started_at <= alert.last_run {
            alert.covered_until >= end
        } else {
            let since = self.suppresses_since(run).unwrap_or(run.from);
            alert.created_at >= since && alert.end >= end
        }
    }

    /// An alert made since then takes others in; `None` when those of other runs never do.
    fn suppresses_since(&self, run: Run) -> Option<Timestamp> {
        let duration = self.policy.suppression.duration?.as_duration();
        Some(run.started_at.checked_sub(duration).unwrap_or(Timestamp::MIN))
    }

    /// Folds a group into the alert that is there, or makes one.
    fn close(&mut self, instance: String, group: Group<T>, run: Run, budget: &mut u64) {
        let Group { first, terms, end, members } = group;
        if let Some(since) = self.suppresses_since(run)
            && let Some(alert) = self.state.alerts.get_mut(&instance)
            && alert.created_at >= since
        {
            alert.docs_count += members;
            alert.end = alert.end.max(end);
            alert.covered_until = alert.covered_until.max(end);
            alert.last_run = alert.last_run.max(run.started_at);
            self.suppressed.counts.suppressed += members;
            let alert = alert.clone();
            self.update(alert);
            return;
        }
        let uuid = match self.policy.grouping {
            Grouping::PerValue => query_suppression_uuid(
                (&first.index, &first.document_id),
                &terms,
                (first.start, end),
                &self.policy.context.space,
                &self.policy.rule.rule.uuid,
            ),
            Grouping::PerSet | Grouping::Found => first.uuid,
        };
        let docs_count = members - 1;
        let suppression =
            Suppression { instance_id: instance.clone(), terms, start: first.start, end, docs_count };
        let new = NewAlert { found: first.found, uuid: uuid.clone(), run, suppression: Some(suppression) };
        if self.create(new, budget) {
            let created_at = run.started_at;
            let new =
                FoldedAlert { uuid, created_at, end, docs_count, last_run: created_at, covered_until: end };
            remember(&mut self.state.alerts, instance, new);
        }
    }

    fn update(&mut self, alert: FoldedAlert) {
        let FoldedAlert { uuid, end, docs_count, .. } = alert;
        match self.places.get(&uuid) {
            Some(Place::Create(number)) => {
                if let Some(suppression) = &mut self.suppressed.create[*number].suppression {
                    suppression.end = end;
                    suppression.docs_count = docs_count;
                }
            }
            Some(Place::Update(number)) => {
                let update = &mut self.suppressed.update[*number];
                update.end = end;
                update.docs_count = docs_count;
            }
            None => {
                self.places.insert(uuid.clone(), Place::Update(self.suppressed.update.len()));
                self.suppressed.update.push(SuppressionUpdate { uuid, end, docs_count });
            }
        }
    }
}

/// The newest alert of a group is kept; runs over the past come after newer ones.
fn remember(alerts: &mut BTreeMap<String, FoldedAlert>, instance: String, new: FoldedAlert) {
    let Some(old) = alerts.get(&instance) else {
        alerts.insert(instance, new);
        return;
    };
    let covered_until = old.covered_until.max(new.covered_until);
    let last_run = old.last_run.max(new.last_run);
    let newest = if old.created_at > new.created_at { old.clone() } else { new };
    alerts.insert(instance, FoldedAlert { covered_until, last_run, ..newest });
}

fn instance_of(terms: &[SuppressionTerm], policy: &SuppressionPolicy<'_>) -> String {
    let (space, rule) = (&policy.context.space, &policy.rule.rule.uuid);
    match policy.grouping {
        Grouping::PerValue | Grouping::PerSet => instance_id(terms, space, rule),
        Grouping::Found => {
            let mut values: Vec<Value> = terms.iter().map(|term| term.value.clone()).collect();
            values.sort_by(in_order);
            threshold_instance_id(&values, space, rule)
        }
    }
}

/// The instant as alerts write it.
fn milliseconds(at: Timestamp) -> Timestamp {
    let whole = at.as_nanosecond().div_euclid(1_000_000) * 1_000_000;
    Timestamp::from_nanosecond(whole).unwrap_or(at)
}
