//! What else the same principal did around an alert, and what else was alerted.

use ecs::{Document, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use crate::activity::Activity;
use crate::actor::plural;
use crate::answer::Evidence;
use crate::event::Event;
use crate::sessions::SessionStart;
use crate::verdict::VerdictLevel;

mod did;
mod linked;

use did::{Did, Session};
use linked::{Linked, LinkedSession};

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
    /// Sessions that led to this one or were begun from it or from those: what they did is among the acts.
    pub linked: Vec<LinkedSummary>,
    /// Other alerts of the same principal, and of these sessions.
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
    /// Was it done in another session that hangs together with the alert's?
    pub linked: bool,
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

/// A session that hangs together with the alert's, or somebody with long-term credentials who began it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkedSummary {
    /// Who, as [`Identity::principal`](crate::identity::Identity::principal) names it.
    pub principal: String,
    /// Its access key.
    pub access_key: Option<String>,
    /// A whole sentence: how they hang together.
    pub says: String,
    /// The call that began it, where it came after.
    pub began: Option<Evidence>,
    /// Acts of it that are listed.
    pub acts: u64,
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
    /// Is it one of a session that hangs together with the alert's, and not of the same principal?
    pub linked: bool,
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
        let own = events.iter().rev().find(|event| event.identity.principal().as_deref() == Some(principal));
        let did = Did {
            activity,
            principal,
            acts: activity.acts_of(principal, from, to),
            reads: activity.reads_of(principal, from, to),
            session: Session::of(own),
            link: None,
            events,
        };
        let mut acts = did.graded(first, set_right, &mut found.denied);
        found.session = did.steps(&mut found.missing);
        let linked = own.map(|own| Linked::of(&own.identity, own.time, (from, to), activity));
        let Linked { sessions, missing } = linked.unwrap_or_default();
        found.missing.extend(missing);
        for link in &sessions {
            let from = link.begun.map_or(from, |begun| begun.time.max(from));
            let mut acts_of_link = activity.acts_of(&link.principal, from, to);
            acts_of_link.retain(|act| link.holds(act.access_key.as_str()));
            let mut reads = activity.reads_of(&link.principal, from, to);
            reads.retain(|hour| link.holds(hour.access_key.as_str()));
            let principal = &link.principal;
            let (link_of, session) = (Some(link), Session::of(None));
            let did = Did { activity, principal, acts: acts_of_link, reads, session, link: link_of, events };
            let graded = did.graded(first, set_right, &mut found.denied);
            found.linked.push(LinkedSummary {
                principal: link.principal.clone(),
                access_key: link.access_key.clone(),
                says: says_link(link),
                began: link.begun.map(SessionStart::evidence),
                acts: graded.iter().map(|(_, _, act)| act.count).sum(),
            });
            acts.extend(graded);
        }
        acts.sort_by(|a, b| (a.0, a.1, &a.2.says).cmp(&(b.0, b.1, &b.2.says)));
        found.acts = acts.into_iter().map(|(_, _, act)| act).collect();
        found.alerts = related(alerts, principal, &sessions, uuid, first, last);
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

fn says_link(link: &LinkedSession<'_>) -> String {
    let LinkedSession { principal, begun, .. } = link;
    match begun {
        None => format!("The session of the alert came from `{principal}`."),
        Some(begun) => {
            let by = begun.caller();
            let by = by.arn.clone().or_else(|| by.principal()).unwrap_or_else(|| "somebody".to_owned());
            format!("`{by}` began a session of `{principal}` by `{}` at {}.", begun.action, begun.time)
        }
    }
}

/// An alert belongs to a session when its event has that session's access key.
fn is_of(link: &LinkedSession<'_>, alert: &KnownAlert<'_>) -> bool {
    let key = || alert.document.text("aws.cloudtrail.user_identity.access_key_id");
    alert.principal == link.principal && (link.access_key.is_none() || link.access_key.as_deref() == key())
}

fn related(
    alerts: &[KnownAlert<'_>],
    principal: &str,
    linked: &[LinkedSession<'_>],
    uuid: &str,
    first: Timestamp,
    last: Timestamp,
) -> Vec<RelatedAlert> {
    let mut found: Vec<&KnownAlert<'_>> = alerts
        .iter()
        .filter(|alert| alert.principal == principal || linked.iter().any(|link| is_of(link, alert)))
        .filter(|alert| alert.uuid != uuid)
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
            linked: alert.principal != principal,
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

    /// A call of a session of a role, with the session's access key.
    fn of_role(time: &str, call: (&str, &str), role: &str, key: &str) -> serde_json::Value {
        serde_json::json!({
            "eventTime": format!("2026-03-10T{time}Z"), "eventSource": format!("{}.amazonaws.com", call.0), "eventName": call.1,
            "eventID": format!("{time} {}", call.1),
            "userIdentity": { "type": "AssumedRole", "accessKeyId": key,
                "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/s"),
                "sessionContext": { "sessionIssuer": { "arn": format!("arn:aws:iam::111122223333:role/{role}") } } },
        })
    }

    /// The same call, by which another session begins.
    fn assumes(time: &str, from: (&str, &str), role: &str, key: &str) -> serde_json::Value {
        let mut record = of_role(time, ("sts", "AssumeRole"), from.0, from.1);
        record["responseElements"] = serde_json::json!({
            "assumedRoleUser": { "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/s") },
            "credentials": { "accessKeyId": key },
        });
        record
    }

    fn of_records(records: Vec<serde_json::Value>, subject: &str) -> Surroundings {
        let event = |record: serde_json::Value| {
            Event::of_record(record.as_object().unwrap(), Place::Unknown).unwrap()
        };
        let events: Vec<Event> = records.into_iter().map(event).collect();
        let mut evidence = crate::evidence::Evidence::default();
        events.iter().for_each(|event| evidence.observe(event));
        let subject = events.iter().find(|event| event.action == subject).unwrap();
        let principal = subject.identity.principal();
        let subject = std::slice::from_ref(subject);
        let activity = &evidence.activity;
        Surroundings::of(subject, principal.as_deref(), &[], "own", activity, Window::default(), &[])
    }

    #[test]
    fn sessions_are_followed_back_and_forward() {
        let found = of_records(
            vec![
                of_role("08:50:00", ("iam", "CreateAccessKey"), "Start", "ASIA1"),
                assumes("08:55:00", ("Start", "ASIA1"), "Keys", "ASIA2"),
                assumes("08:56:00", ("Start", "ASIA1"), "Beside", "ASIA3"),
                of_role("08:57:00", ("ec2", "DeleteSnapshot"), "Beside", "ASIA3"),
                // Of another session of the same role, which is somebody else's.
                of_role("08:57:30", ("rds", "DeleteDBInstance"), "Beside", "ASIA9"),
                of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA2"),
                assumes("09:01:00", ("Keys", "ASIA2"), "After", "ASIA4"),
                assumes("09:02:00", ("After", "ASIA4"), "Last", "ASIA5"),
                of_role("09:03:00", ("cloudtrail", "StopLogging"), "Last", "ASIA5"),
                // Begun, and never seen to act.
                assumes("09:04:00", ("Keys", "ASIA2"), "Idle", "ASIA6"),
            ],
            "ScheduleKeyDeletion",
        );
        let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
        let linked: Vec<_> = found
            .linked
            .iter()
            .map(|link| (link.principal.clone(), link.began.is_some(), link.acts))
            .collect();
        let expected = [("Start", false, 1), ("After", true, 0), ("Beside", true, 1), ("Last", true, 1)];
        assert_eq!(linked, expected.map(|(name, began, acts)| (role(name), began, acts)));
        let acts: Vec<_> = found.acts.iter().map(|act| (act.gravity, act.linked)).collect();
        let expected = [Gravity::Destructive, Gravity::Blinding, Gravity::Access];
        assert_eq!(acts, expected.map(|gravity| (gravity, true)));
        assert_eq!(
            found.acts[1].says,
            format!(
                "`StopLogging` of cloudtrail.amazonaws.com was called 1 time, at 2026-03-10T09:03:00Z, in the session of `{}` that was begun at 2026-03-10T09:02:00Z. This stops or narrows what CloudTrail records.",
                role("Last")
            )
        );
        assert!(found.acts[2].says.contains("from which this session came"), "{}", found.acts[2].says);
    }

    /// The usual way with a second factor: a user takes a session of their own, and with it a role.
    #[test]
    fn who_has_several_sessions_counts_once() {
        let user = |time: &str, call: (&str, &str), key: &str| {
            let mut record = of_role(time, call, "", key);
            record["userIdentity"] = serde_json::json!({
                "type": "IAMUser", "accessKeyId": key, "arn": "arn:aws:iam::111122223333:user/lee" });
            record
        };
        let begins = |mut record: serde_json::Value, role: Option<&str>, key: &str| {
            record["responseElements"] = serde_json::json!({ "credentials": { "accessKeyId": key } });
            if let Some(role) = role {
                let arn = format!("arn:aws:sts::111122223333:assumed-role/{role}/s");
                record["responseElements"]["assumedRoleUser"] = serde_json::json!({ "arn": arn });
            }
            record
        };
        let found = of_records(
            vec![
                begins(user("08:50:00", ("sts", "GetSessionToken"), "AKIA1"), None, "ASIA1"),
                user("08:51:00", ("iam", "CreateUser"), "ASIA1"),
                begins(user("08:52:00", ("sts", "AssumeRole"), "ASIA1"), Some("Keys"), "ASIA2"),
                of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA2"),
            ],
            "ScheduleKeyDeletion",
        );
        assert_eq!(found.linked.len(), 1, "{:?}", found.linked);
        assert_eq!(found.acts.iter().map(|act| act.count).collect::<Vec<_>>(), [1], "{:?}", found.acts);
    }

    #[test]
    fn sessions_that_share_a_name_are_told_apart() {
        let found = of_records(
            vec![
                assumes("08:50:00", ("Start", "ASIA0"), "Pipeline", "ASIA1"),
                assumes("08:51:00", ("Start", "ASIA0"), "Pipeline", "ASIA2"),
                assumes("08:52:00", ("Pipeline", "ASIA1"), "Keys", "ASIA3"),
                // Another run of the same pipeline, whose start is in no log.
                of_role("08:53:00", ("ec2", "DeleteSnapshot"), "Pipeline", "ASIA7"),
                of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA3"),
                // The other run that the same start began.
                of_role("09:01:00", ("rds", "DeleteDBInstance"), "Pipeline", "ASIA2"),
            ],
            "ScheduleKeyDeletion",
        );
        let acts: Vec<_> = found.acts.iter().map(|act| act.evidence[0].action.as_str()).collect();
        assert_eq!(acts, ["DeleteDBInstance"]);
    }

    #[test]
    fn a_session_of_the_same_name_leads_nowhere_without_proof() {
        let subject = |created: &str| {
            let mut record = of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA3");
            record["userIdentity"]["sessionContext"]["attributes"] =
                serde_json::json!({ "creationDate": format!("2026-03-10T{created}Z") });
            record
        };
        let linked = |created: &str| {
            let records = vec![
                of_role("08:40:00", ("iam", "CreateUser"), "Start", "ASIA0"),
                assumes("08:50:00", ("Start", "ASIA0"), "Keys", "ASIA1"),
                subject(created),
            ];
            of_records(records, "ScheduleKeyDeletion").linked.len()
        };
        assert_eq!((linked("08:50:01"), linked("08:58:00")), (1, 0));
    }

    /// Where a role of another account is taken, both accounts are told, and only the caller's own is told who called.
    #[test]
    fn whose_role_was_taken_does_not_hide_who_took_it() {
        let calls = [assumes("08:50:00", ("Start", "ASIA0"), "Keys", "ASIA1"), {
            let mut told = assumes("08:50:00", ("Start", "ASIA0"), "Keys", "ASIA1");
            told["userIdentity"] =
                serde_json::json!({ "type": "AWSAccount", "principalId": "AROAEXAMPLE:s" });
            told
        }];
        for order in [[0, 1], [1, 0]] {
            let mut records: Vec<_> = order.map(|at| calls[at].clone()).to_vec();
            records.push(of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA1"));
            let found = of_records(records, "ScheduleKeyDeletion");
            let linked: Vec<_> = found.linked.iter().map(|link| link.principal.as_str()).collect();
            assert_eq!(linked, ["arn:aws:iam::111122223333:role/Start"], "{order:?}");
        }
    }

    #[test]
    fn a_federated_login_is_followed_forward() {
        let login = |time: &str, role: &str, key: &str| {
            let mut record = assumes(time, ("", ""), role, key);
            record["eventName"] = "AssumeRoleWithSAML".into();
            record["userIdentity"] =
                serde_json::json!({ "type": "SAMLUser", "principalId": "idp:lee", "userName": "lee" });
            record
        };
        let found = of_records(
            vec![
                login("08:50:00", "Keys", "ASIA1"),
                login("08:51:00", "Backups", "ASIA2"),
                of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA1"),
                of_role("09:01:00", ("ec2", "DeleteSnapshot"), "Backups", "ASIA2"),
            ],
            "ScheduleKeyDeletion",
        );
        assert_eq!(found.count_of(Gravity::Destructive), 1, "{:?}", found.acts);
    }

    #[test]
    fn whoever_hands_out_sessions_for_many_is_not_followed() {
        let mut records = vec![
            assumes("08:55:00", ("Broker", "ASIA1"), "Keys", "ASIA2"),
            of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA2"),
        ];
        for other in 0..30 {
            let key = format!("ASIAOTHER{other}");
            records.push(assumes("08:56:00", ("Broker", "ASIA1"), "Other", &key));
            records.push(of_role("08:57:00", ("ec2", "DeleteSnapshot"), "Other", &key));
        }
        let found = of_records(records, "ScheduleKeyDeletion");
        assert!(found.acts.is_empty(), "{:?}", found.acts);
        assert_eq!(found.linked.len(), 1);
        assert!(found.missing.iter().any(|why| why.contains("began 31 sessions")), "{:?}", found.missing);
    }

    #[test]
    fn however_many_sessions_the_alerts_own_began_the_nearest_are_followed() {
        let mut records = vec![
            of_role("09:00:00", ("kms", "ScheduleKeyDeletion"), "Keys", "ASIA2"),
            assumes("09:01:00", ("Keys", "ASIA2"), "Audit", "ASIANEAR"),
            of_role("09:02:00", ("cloudtrail", "StopLogging"), "Audit", "ASIANEAR"),
        ];
        for other in 0..80 {
            let key = format!("ASIAOTHER{other:02}");
            records.push(assumes("10:00:00", ("Keys", "ASIA2"), "Other", &key));
            // Half of them do nothing.
            if other % 2 == 0 || other > 60 {
                records.push(of_role("10:01:00", ("ec2", "DeleteSnapshot"), "Other", &key));
            }
        }
        let found = of_records(records, "ScheduleKeyDeletion");
        assert_eq!((found.count_of(Gravity::Blinding), found.count_of(Gravity::Destructive)), (1, 49));
        assert!(found.missing.iter().any(|why| why.contains("More than 50 sessions")), "{:?}", found.missing);
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
