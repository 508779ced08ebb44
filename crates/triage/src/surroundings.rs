//! What else the same principal did around an alert, and what else was alerted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ecs::{Document, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use crate::activity::{Activity, HourCount, Kept};
use crate::actor::plural;
use crate::answer::Evidence;
use crate::event::Event;
use crate::gravity::{consequence_of, is_denial};
use crate::verdict::VerdictLevel;

/// What was around. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Surroundings {
    /// From when on was looked, inclusive.
    pub from: Option<String>,
    /// Until when, exclusive.
    pub to: Option<String>,
    /// Acts that matter, the gravest first, then oldest first.
    pub acts: Vec<SurroundingAct>,
    /// Calls that were denied, or that are graded and failed.
    pub denied: u64,
    /// Every act of the session around the alert, oldest first, like acts in a row folded.
    pub session: Vec<SessionStep>,
    /// Other alerts of the same principal.
    pub alerts: Vec<RelatedAlert>,
    /// What is missing, and why: whole sentences.
    pub missing: Vec<String>,
}

/// How grave an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// Destroys data, or what protects it.
    Destructive,
    /// Blinds logging or detection.
    Blinding,
    /// Makes or changes credentials, policies, trust.
    Access,
    /// Was denied, or would be graded and failed.
    Denied,
    /// Looks around.
    Discovery,
}

/// An act that matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurroundingAct {
    /// How grave.
    pub gravity: Gravity,
    /// How many like it.
    pub count: u64,
    /// Did the principal do the same on several days before, as [`Novelty::Usual`](crate::actor::Novelty::Usual) says?
    pub usual: bool,
    /// A whole sentence.
    pub says: String,
    /// The first and the last of them.
    pub evidence: Vec<Evidence>,
}

/// Acts of one kind in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionStep {
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
    /// `eventSource`.
    pub provider: String,
    /// `eventName`.
    pub action: String,
    /// `errorCode`.
    pub error: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// How many.
    pub count: u64,
    /// Is it the event of the alert?
    pub is_subject: bool,
}

/// Another alert of the same principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelatedAlert {
    /// `kibana.alert.uuid`.
    pub uuid: String,
    /// The rule's name.
    pub rule_name: String,
    /// `low` to `critical`.
    pub severity: String,
    /// When its event happened.
    pub time: String,
}

/// How far around an alert's events is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Before the first event of the alert.
    pub before: SignedDuration,
    /// After its last event.
    pub after: SignedDuration,
}

impl Default for Window {
    /// One hour before to four hours after.
    fn default() -> Self {
        Self { before: SignedDuration::from_hours(1), after: SignedDuration::from_hours(4) }
    }
}

/// An alert of the data at hand, as far as investigations of others look at it.
#[derive(Debug, Clone, Copy)]
pub struct KnownAlert<'a> {
    /// `kibana.alert.uuid`.
    pub uuid: &'a str,
    /// The rule's id.
    pub rule_id: &'a str,
    /// The rule's name.
    pub rule_name: &'a str,
    /// `low` to `critical`.
    pub severity: &'a str,
    /// When its event happened.
    pub time: Timestamp,
    /// As [`Identity::principal`](crate::identity::Identity::principal) names it; empty when it names nobody.
    pub principal: &'a str,
    /// Its document.
    pub document: &'a Document,
    /// What it was judged to be, where it already was.
    pub level: Option<VerdictLevel>,
}

/// Steps of a session that are shown, those nearest to the alert; further ones are counted.
const MOST_STEPS: usize = 100;

/// Alerts of the same principal that are at most so far away are related.
const RELATED: SignedDuration = SignedDuration::from_hours(24);

impl Surroundings {
    /// What a principal did around the events of an alert, in the session of the last event that is its own. Events
    /// whose ids are in `set_right` undo what the alert is about, and count for nothing. Without events nothing is
    /// found, and `missing` says so.
    pub fn of(
        events: &[Event],
        principal: Option<&str>,
        set_right: &[&str],
        uuid: &str,
        activity: &Activity,
        window: Window,
        alerts: &[KnownAlert<'_>],
    ) -> Self {
        let mut found = Self::default();
        let (Some(first), Some(last)) =
            (events.iter().map(|event| event.time).min(), events.iter().map(|event| event.time).max())
        else {
            found
                .missing
                .push("No event of the alert is at hand, so nothing around it can be shown.".to_owned());
            return found;
        };
        let from = first.checked_sub(window.before).unwrap_or(Timestamp::MIN);
        let to = last.checked_add(window.after).unwrap_or(Timestamp::MAX);
        found.from = Some(from.to_string());
        found.to = Some(to.to_string());
        found.missing = gaps(activity, from, to);
        let Some(principal) = principal else {
            found.missing.push("The alert names nobody, so nobody's other acts can be shown.".to_owned());
            return found;
        };
        let session = Session::of(events, principal);
        let did = Did {
            activity,
            principal,
            acts: activity.acts_of(principal, from, to),
            reads: activity.reads_of(principal, from, to),
            session,
            events,
        };
        (found.acts, found.denied) = did.graded(first, set_right);
        found.session = did.steps(&mut found.missing);
        found.alerts = related(alerts, principal, uuid, first, last);
        found
    }

    /// How many acts are that grave.
    pub fn count_of(&self, gravity: Gravity) -> u64 {
        self.acts.iter().filter(|act| act.gravity == gravity).map(|act| act.count).sum()
    }

    /// How many acts are that grave and not usual for the principal.
    pub fn unusual_of(&self, gravity: Gravity) -> u64 {
        self.acts.iter().filter(|act| act.gravity == gravity && !act.usual).map(|act| act.count).sum()
    }
}

/// What the logs do not reach, or what did not fit.
fn gaps(activity: &Activity, from: Timestamp, to: Timestamp) -> Vec<String> {
    let mut missing = Vec::new();
    let Some((begin, end)) = activity.span() else {
        missing.push("There are no logs at hand besides the alert itself.".to_owned());
        return missing;
    };
    if begin > from {
        missing.push(format!("The logs at hand begin at {begin}: what happened before is not shown."));
    }
    if end < to {
        missing.push(format!("The logs at hand end at {end}: what happened after is not shown."));
    }
    let left_out = activity.left_out();
    if left_out.acts > 0 || left_out.events > 0 {
        missing.push(format!(
            "{} and {} of the logs did not fit into memory and may be missing here.",
            plural(left_out.events, "event"),
            plural(left_out.acts, "single act")
        ));
    }
    missing
}

/// What tells the session of the alert from others of the same principal.
struct Session {
    arn: Option<String>,
    access_key: Option<String>,
}

impl Session {
    fn of(events: &[Event], principal: &str) -> Self {
        let own = events.iter().rev().find(|event| event.identity.principal().as_deref() == Some(principal));
        let identity = own.map(|event| &event.identity);
        Self {
            arn: identity.and_then(|identity| identity.arn.clone()),
            access_key: identity.and_then(|identity| identity.access_key.clone()),
        }
    }

    /// Without an identity of its own to go by, everything of the principal is the session.
    fn holds(&self, arn: &str, access_key: &str) -> bool {
        match (&self.arn, &self.access_key) {
            (None, None) => true,
            (own_arn, own_key) => {
                own_arn.as_deref().is_some_and(|own| own == arn)
                    || own_key.as_deref().is_some_and(|own| own == access_key)
            }
        }
    }
}

#[derive(Default)]
struct Group<'a> {
    count: u64,
    in_session: u64,
    span: Option<(Timestamp, Timestamp)>,
    /// The first and the last that was kept, where there are several.
    ends: Option<(&'a Kept<'a>, Option<&'a Kept<'a>>)>,
    targets: BTreeSet<Arc<str>>,
}

impl Group<'_> {
    fn add(&mut self, first: Timestamp, last: Timestamp, count: u64, in_session: bool) {
        self.count += count;
        self.in_session += if in_session { count } else { 0 };
        let (from, to) = self.span.unwrap_or((first, last));
        self.span = Some((from.min(first), to.max(last)));
    }

    fn evidence(&self) -> Vec<Evidence> {
        let ends = self.ends.into_iter().flat_map(|(first, last)| [Some(first), last]);
        ends.flatten().map(|act| act.evidence("the principal did it near the alert")).collect()
    }
}

/// What a principal did around an alert.
struct Did<'a> {
    activity: &'a Activity,
    principal: &'a str,
    acts: Vec<Kept<'a>>,
    reads: Vec<HourCount<'a>>,
    session: Session,
    /// Those of the alert.
    events: &'a [Event],
}

impl<'a> Did<'a> {
    fn is_own(&self, act: &Kept<'_>) -> bool {
        self.events.iter().filter_map(|event| event.id.as_deref()).any(|id| act.has_id(id))
    }

    fn graded(&self, around: Timestamp, set_right: &[&str]) -> (Vec<SurroundingAct>, u64) {
        let (activity, session) = (self.activity, &self.session);
        // Ordered by gravity, so that the gravest come first.
        let mut groups: BTreeMap<(Gravity, &str, &str, &str), Group<'_>> = BTreeMap::new();
        for act in &self.acts {
            let Some(gravity) = act.gravity else { continue };
            if self.is_own(act) || set_right.iter().any(|id| act.has_id(id)) {
                continue;
            }
            let group = groups.entry((gravity, act.provider, act.action, act.error)).or_default();
            group.add(act.time, act.time, 1, session.holds(act.arn, act.access_key.as_str()));
            group.targets.extend(act.target());
            group.ends = Some(group.ends.map_or((act, None), |(first, _)| (first, Some(act))));
        }
        for hour in &self.reads {
            let Some(gravity) = hour.gravity else { continue };
            let group = groups.entry((gravity, hour.provider, hour.action, hour.error)).or_default();
            let in_session = session.holds(hour.arn, hour.access_key.as_str());
            group.add(hour.first, hour.last, hour.count, in_session);
        }
        let denied = groups
            .iter()
            .filter(|((gravity, ..), _)| *gravity == Gravity::Denied)
            .map(|(_, group)| group.count)
            .sum();
        let long = activity.reaches_back(around);
        let calls: Vec<(&str, &str)> =
            groups.keys().map(|(_, provider, action, _)| (*provider, *action)).collect();
        // Only then can something be usual.
        let seen = if long { activity.seen_calls(self.principal, around, &calls) } else { Vec::new() };
        let seen = seen.into_iter().map(Some).chain(std::iter::repeat(None));
        let mut acts: Vec<(Gravity, Timestamp, SurroundingAct)> = groups
            .into_iter()
            .zip(seen)
            .filter_map(|(((gravity, provider, action, error), group), seen)| {
                let (first, last) = group.span?;
                let usual = seen.filter(|seen| gravity != Gravity::Denied && seen.is_usual());
                let mut says = sentence(provider, action, error, &group, first, last);
                if let Some(seen) = &usual {
                    let days = plural(seen.earlier_days, "day");
                    says += &format!(" The principal did the same on {days} before.");
                }
                let (count, usual, evidence) = (group.count, usual.is_some(), group.evidence());
                Some((gravity, first, SurroundingAct { gravity, count, usual, says, evidence }))
            })
            .collect();
        acts.sort_by(|a, b| (a.0, a.1, &a.2.says).cmp(&(b.0, b.1, &b.2.says)));
        (acts.into_iter().map(|(_, _, act)| act).collect(), denied)
    }

    fn steps(&self, missing: &mut Vec<String>) -> Vec<SessionStep> {
        let mut all: Vec<Step<'a>> = Vec::new();
        for act in &self.acts {
            if self.session.holds(act.arn, act.access_key.as_str()) {
                all.push(Step {
                    first: act.time,
                    last: act.time,
                    call: [act.provider, act.action, act.error, act.region],
                    count: 1,
                    is_subject: self.is_own(act),
                });
            }
        }
        for hour in &self.reads {
            if self.session.holds(hour.arn, hour.access_key.as_str()) {
                // A read can be the alert's event too.
                let is_subject = self.events.iter().any(|event| {
                    event.provider == hour.provider
                        && event.action == hour.action
                        && hour.first <= event.time
                        && event.time <= hour.last
                        && event.read_only
                        && event.succeeded()
                });
                all.push(Step {
                    first: hour.first,
                    last: hour.last,
                    call: [hour.provider, hour.action, "", hour.region],
                    count: hour.count,
                    is_subject,
                });
            }
        }
        all.sort_by_key(|step| (step.first, step.last));
        all.dedup_by(|step, known| {
            let same = step.call == known.call && !known.is_subject && !step.is_subject;
            if same {
                known.count += step.count;
                known.last = known.last.max(step.last);
            }
            same
        });
        let mut shown = all.as_slice();
        if all.len() > MOST_STEPS {
            missing.push(format!(
                "The session has {} steps around the alert; the {MOST_STEPS} nearest to it are shown.",
                all.len()
            ));
            let subject = all.iter().position(|step| step.is_subject).unwrap_or(0);
            let first = subject.saturating_sub(MOST_STEPS / 2).min(all.len() - MOST_STEPS);
            shown = all.get(first..first + MOST_STEPS).unwrap_or_default();
        }
        shown.iter().map(Step::shown).collect()
    }
}

/// Acts of one kind in a row.
struct Step<'a> {
    first: Timestamp,
    last: Timestamp,
    /// `eventSource`, `eventName`, `errorCode`, `awsRegion`.
    call: [&'a str; 4],
    count: u64,
    is_subject: bool,
}

impl Step<'_> {
    fn shown(&self) -> SessionStep {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let [provider, action, error, region] = self.call;
        SessionStep {
            first: self.first.to_string(),
            last: self.last.to_string(),
            provider: provider.to_owned(),
            action: action.to_owned(),
            error: text(error),
            region: text(region),
            count: self.count,
            is_subject: self.is_subject,
        }
    }
}

fn sentence(
    provider: &str,
    action: &str,
    error: &str,
    group: &Group<'_>,
    first: Timestamp,
    last: Timestamp,
) -> String {
    let times = plural(group.count, "time");
    let when = if first == last { format!("at {first}") } else { format!("between {first} and {last}") };
    let session = match group.in_session {
        0 => ", in another session of the same principal",
        same if same == group.count => ", in the same session",
        _ => ", in this session and in others",
    };
    let call = format!("`{action}` of {provider}");
    let on = targets_of(&group.targets);
    if !error.is_empty() {
        let how = if is_denial(error) { "was refused" } else { "failed" };
        return format!("{call} {how} {times} with {error}, {when}{session}{on}.");
    }
    let does = consequence_of(provider, action).unwrap_or("is in the tables of grave calls");
    format!("{call} was called {times}, {when}{session}{on}. This {does}.")
}

/// `, on …` for what is known of the targets.
fn targets_of(targets: &BTreeSet<Arc<str>>) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = targets.iter().take(SHOWN).map(|target| format!("`{target}`")).collect();
    match targets.len().checked_sub(SHOWN) {
        _ if shown.is_empty() => String::new(),
        None | Some(0) => format!(", on {}", shown.join(", ")),
        Some(more) => format!(", on {} and {more} more", shown.join(", ")),
    }
}

fn related(
    alerts: &[KnownAlert<'_>],
    principal: &str,
    uuid: &str,
    first: Timestamp,
    last: Timestamp,
) -> Vec<RelatedAlert> {
    let mut found: Vec<&KnownAlert<'_>> = alerts
        .iter()
        .filter(|alert| alert.principal == principal && alert.uuid != uuid)
        .filter(|alert| {
            first.duration_since(alert.time) <= RELATED && alert.time.duration_since(last) <= RELATED
        })
        .collect();
    found.sort_by_key(|alert| (alert.time, alert.uuid));
    found
        .into_iter()
        .map(|alert| RelatedAlert {
            uuid: alert.uuid.to_owned(),
            rule_name: alert.rule_name.to_owned(),
            severity: alert.severity.to_owned(),
            time: alert.time.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::Act;
    use crate::activity::{About, ActReader};
    use crate::place::Place;

    const ROLE: &str = "arn:aws:iam::111122223333:role/Admin";

    fn event(time: &str, provider: &str, action: &str, session: &str, error: &str) -> Event {
        let record = serde_json::json!({
            "eventTime": format!("2026-03-10T{time}Z"), "eventSource": provider, "eventName": action, "eventID": format!("{time} {action}"),
            "userIdentity": { "type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/Admin/{session}"),
                "sessionContext": { "sessionIssuer": { "arn": ROLE } } },
            "errorCode": error,
        });
        Event::of_record(record.as_object().unwrap(), Place::Unknown).unwrap()
    }

    fn around(events: &[Event], subject: usize) -> Surroundings {
        let mut reader = ActReader::default();
        for event in events {
            reader.push(&Act::of(event, ROLE), 0, About::Event(event));
        }
        let mut activity = Activity::default();
        activity.take(reader.batch(Place::Lake), |_| true);
        let subject = std::slice::from_ref(&events[subject]);
        Surroundings::of(subject, Some(ROLE), &[], "own", &activity, Window::default(), &[])
    }

    #[test]
    fn acts_are_graded_and_the_gravest_come_first() {
        let kms = "kms.amazonaws.com";
        let events = [
            event("07:30:00", "ec2.amazonaws.com", "DeleteSnapshot", "ana", ""), // too early
            event("08:30:00", kms, "ListKeys", "ana", ""),
            event("08:31:00", kms, "ListKeys", "ana", ""),
            event("08:40:00", "iam.amazonaws.com", "CreateAccessKey", "bob", ""),
            event("08:45:00", kms, "PutKeyPolicy", "ana", "AccessDenied"),
            event("09:00:00", kms, "DisableKey", "ana", ""),
            event("09:10:00", "ec2.amazonaws.com", "DeleteSnapshot", "ana", ""),
            event("09:20:00", "ec2.amazonaws.com", "DeleteSnapshot", "ana", ""),
            event("10:00:00", "cloudtrail.amazonaws.com", "StopLogging", "ana", ""),
            event("10:10:00", "ec2.amazonaws.com", "RunInstances", "ana", ""), // not graded
            event("13:00:00", kms, "DisableKey", "ana", ""),                   // too late: the end is open
        ];
        let found = around(&events, 5);
        let seen: Vec<_> = found.acts.iter().map(|act| (act.gravity, act.count)).collect();
        use Gravity::{Access, Blinding, Denied, Destructive, Discovery};
        assert_eq!(seen, [(Destructive, 2), (Blinding, 1), (Access, 1), (Denied, 1), (Discovery, 2)]);
        assert_eq!(found.denied, 1);
        assert_eq!(
            found.acts[0].says,
            "`DeleteSnapshot` of ec2.amazonaws.com was called 2 times, between 2026-03-10T09:10:00Z and 2026-03-10T09:20:00Z, in the same session. This deletes volumes, snapshots, images or machines."
        );
        assert!(found.acts[2].says.contains("another session"), "{}", found.acts[2].says);
        assert_eq!(found.acts[0].evidence.len(), 2);

        let steps: Vec<_> =
            found.session.iter().map(|step| (step.action.as_str(), step.count, step.is_subject)).collect();
        assert_eq!(
            steps,
            [
                ("ListKeys", 2, false),
                ("PutKeyPolicy", 1, false),
                ("DisableKey", 1, true),
                ("DeleteSnapshot", 2, false),
                ("StopLogging", 1, false),
                ("RunInstances", 1, false),
            ],
            "bob's session is another one"
        );
    }

    #[test]
    fn what_the_logs_do_not_reach_is_said() {
        let events = [event("09:00:00", "kms.amazonaws.com", "DisableKey", "ana", "")];
        let found = around(&events, 0);
        assert_eq!(found.missing.len(), 2, "{:?}", found.missing);
        let nobody = Surroundings::of(&events, None, &[], "", &Activity::default(), Window::default(), &[]);
        assert!(nobody.missing.iter().any(|says| says.contains("names nobody")));
        assert!(
            !Surroundings::of(&[], None, &[], "", &Activity::default(), Window::default(), &[])
                .missing
                .is_empty()
        );
    }

    #[test]
    fn other_alerts_of_the_same_principal_within_a_day() {
        let events = [event("09:00:00", "kms.amazonaws.com", "DisableKey", "ana", "")];
        let document = Document::new();
        let alert = |uuid, principal, time: &str| KnownAlert {
            uuid,
            rule_id: "r",
            rule_name: "Rule",
            severity: "high",
            time: time.parse().unwrap(),
            principal,
            document: &document,
            level: None,
        };
        let alerts = [
            alert("own", ROLE, "2026-03-10T09:00:00Z"),
            alert("near", ROLE, "2026-03-09T10:00:00Z"),
            alert("far", ROLE, "2026-03-08T10:00:00Z"),
            alert("other", "somebody else", "2026-03-10T09:00:00Z"),
        ];
        let found = Surroundings::of(
            &events,
            Some(ROLE),
            &[],
            "own",
            &Activity::default(),
            Window::default(),
            &alerts,
        );
        assert_eq!(found.alerts.iter().map(|alert| alert.uuid.as_str()).collect::<Vec<_>>(), ["near"]);
    }
}
