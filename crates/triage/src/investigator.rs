//! Alerts of one hunt or run, investigated against the same evidence.

use std::sync::OnceLock;

use ecs::{Document, Scalar, Timestamp};
use jiff::SignedDuration;
use rule::guide::Guide;
use serde_json::json;

use crate::actor::OriginOf;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::investigate::{AskQuery, AtHand, KeyFindings, Subject, investigate};
use crate::kms::key_history::UsesOfKeys;
use crate::kms::key_report::KeyReport;
use crate::kms::sighting::KMS;
use crate::place::Place;
use crate::question::ReadQuestions;
use crate::report::{AlertSummary, TriageReport};
use crate::side_by_side::side_by_side;
use crate::surroundings::{KnownAlert, Window};
use crate::verdict::{VerdictLevel, count_hidden};

/// An alert to investigate.
#[derive(Debug, Clone)]
pub struct AlertAtHand<'a> {
    /// Its document.
    pub document: &'a Document,
    /// The documents of its building blocks, in order; empty for an alert about one event.
    pub blocks: Vec<&'a Document>,
    /// Its rule's guide; empty when the rule has none.
    pub guide: &'a Guide,
    /// False for an alert that is only known of: it counts for the others.
    pub is_wanted: bool,
}

/// What all investigations have in common.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The moment that states and clocks are told for.
    pub at: Timestamp,
    /// How far around an alert is looked.
    pub window: Window,
    /// Looks up where an address lies, where databases are given.
    pub origin_of: Option<OriginOf<'a>>,
    /// Where the records of the alerts' own events lie when the alerts don't say it.
    pub place: &'a Place,
    /// How far the logs reach, and what they lack: whole sentences.
    pub coverage: &'a [String],
    /// Threads that investigate at once, at least one. The reports are the same with any number.
    pub threads: usize,
}

/// Does an alert have to do with KMS: by its events, or by the tags of its rule?
pub fn is_about_keys(document: &Document, blocks: &[&Document]) -> bool {
    says_keys(|name| document.values(name)) || blocks.iter().any(|block| is_of_kms(|name| block.values(name)))
}

/// The same of an alert alone, of which `values` gives the values of a field.
pub fn says_keys<'a>(values: impl Fn(&str) -> Vec<Scalar<'a>>) -> bool {
    let is_tag = |tag: &Scalar<'_>| tag.text() == "Data Source: AWS KMS";
    is_of_kms(&values) || values("kibana.alert.rule.tags").iter().any(is_tag)
}

/// Is an event one of KMS?
pub fn is_of_kms<'a>(values: impl Fn(&str) -> Vec<Scalar<'a>>) -> bool {
    values("event.provider").first().is_some_and(|provider| provider.text() == KMS)
}

/// Investigates the alerts that are wanted, in their order; `None` for those that are only known of.
pub fn investigate_alerts(
    evidence: &Evidence,
    alerts: &[AlertAtHand<'_>],
    setting: &Setting<'_>,
    ask: AskQuery<'_>,
) -> Vec<Option<TriageReport>> {
    let coverage = evidence.coverage();
    let all_keys: OnceLock<Vec<KeyReport>> = OnceLock::new();
    let subjects: Vec<(AlertSummary, Vec<Event>)> = side_by_side(alerts, setting.threads, |alert| {
        let mut events = events_of(alert, setting.place);
        if events.is_empty() {
            let reports = || all_keys.get_or_init(|| evidence.keys.reports(setting.at)).as_slice();
            events = events_of_group(alert.document, reports);
        }
        (summary(alert.document, &events), events)
    });
    // Which keys they are about is known without the uses; then only those of these keys are read.
    let no_uses = UsesOfKeys::default();
    let named = evidence.keys.sorted_with(&no_uses);
    let wanted = alerts.iter().zip(&subjects).filter(|(alert, _)| alert.is_wanted);
    let keys_of = wanted.flat_map(|(_, (_, events))| events).flat_map(|event| named.keys_of(event));
    let uses = evidence.keys.uses_of(&keys_of.map(|key| key.id).collect(), setting.threads);
    let sorted = evidence.keys.sorted_with(&uses);
    let principals: Vec<String> = subjects.iter().map(|(_, events)| principal_of(events)).collect();
    let known = |levels: &[Option<VerdictLevel>]| -> Vec<KnownAlert<'_>> {
        let all = alerts.iter().zip(&subjects).zip(&principals).zip(levels);
        all.map(|(((alert, (summary, _)), principal), level)| KnownAlert {
            uuid: &summary.uuid,
            rule_id: &summary.rule_id,
            rule_name: &summary.rule_name,
            severity: &summary.severity,
            time: summary.time.parse().unwrap_or(setting.at),
            principal,
            document: alert.document,
            level: *level,
        })
        .collect()
    };
    let questions = ReadQuestions::default();
    let mut levels = vec![None; alerts.len()];
    let before = known(&levels);
    let report_on = |alert: &AlertAtHand<'_>, (summary, events): &(AlertSummary, Vec<Event>)| {
        let keys = KeyFindings::of(&sorted, events, setting.at, &coverage);
        let subject = Subject { alert: summary, document: alert.document, events, guide: alert.guide };
        let at_hand = AtHand {
            at: setting.at,
            activity: &evidence.activity,
            keys: &keys,
            alerts: &before,
            window: setting.window,
            origin_of: setting.origin_of,
            coverage: setting.coverage,
            questions: &questions,
        };
        investigate(&subject, &at_hand, ask)
    };
    let all: Vec<(&AlertAtHand<'_>, &(AlertSummary, Vec<Event>))> = alerts.iter().zip(&subjects).collect();
    let mut reports = side_by_side(&all, setting.threads, |(alert, subject)| {
        alert.is_wanted.then(|| report_on(alert, subject))
    });
    for (level, report) in levels.iter_mut().zip(&reports) {
        *level = report.as_ref().map(|report| report.verdict.level);
    }
    let judged = known(&levels);
    for report in reports.iter_mut().flatten() {
        count_hidden(&mut report.verdict.exceptions, &report.alert.rule_id, &judged);
    }
    reports
}

/// The events that an alert was made of, as far as it holds them; oldest first.
fn events_of(alert: &AlertAtHand<'_>, place: &Place) -> Vec<Event> {
    let of = |document: &&Document| {
        document.text("event.id")?;
        let file = document.text("log.file.path");
        let offset = document.nodes("log.offset").first().and_then(|offset| offset.as_u64());
        let place = match (file, offset) {
            (Some(name), Some(offset)) => Place::File { name: name.into(), offset },
            _ => place.clone(),
        };
        Event::of_document(document, place)
    };
    let mut events: Vec<Event> = if alert.blocks.is_empty() {
        of(&alert.document).into_iter().collect()
    } else {
        alert.blocks.iter().filter_map(of).collect()
    };
    events.sort_by_key(|event| event.time);
    events
}

/// The events on keys that an alert about a group of events stands for, such as a threshold's: those of the principals that
/// it names, in its time. They say no more than a key's timeline does.
fn events_of_group<'a>(document: &Document, reports: impl FnOnce() -> &'a [KeyReport]) -> Vec<Event> {
    if !is_about_keys(document, &[]) {
        return Vec::new();
    }
    let arns: Vec<String> = document
        .values("aws.cloudtrail.user_identity.arn")
        .iter()
        .map(|arn| arn.text().into_owned())
        .collect();
    let moment = |name: &str| document.text(name).and_then(|text| text.parse::<Timestamp>().ok());
    let last = moment("kibana.alert.original_time").or_else(|| moment("@timestamp"));
    let Some(last) = last else { return Vec::new() };
    let first = moment("kibana.alert.threshold_result.from")
        .or_else(|| last.checked_sub(SignedDuration::from_hours(24)).ok());
    let Some(first) = first else { return Vec::new() };
    let mut events = Vec::new();
    for report in reports() {
        for entry in report.timeline.iter().filter(|entry| entry.error.is_none() && entry.after.is_some()) {
            let Ok(time) = entry.time.parse::<Timestamp>() else { continue };
            let principal = entry.principal.as_deref().unwrap_or_default();
            let arn = arns.iter().find(|arn| is_session_of(arn, principal));
            let (Some(arn), true) = (arn, first <= time && time <= last) else { continue };
            let record = json!({
                "eventTime": entry.time, "eventID": entry.evidence.event_id, "eventName": entry.action,
                "eventSource": "kms.amazonaws.com", "awsRegion": report.region, "readOnly": false,
                "recipientAccountId": report.account, "resources": [{ "ARN": report.key }],
                "userIdentity": { "arn": arn,
                    "sessionContext": { "sessionIssuer": { "arn": if arn == principal { "" } else { principal } } } },
            });
            let place = entry.evidence.place.clone();
            events.extend(record.as_object().and_then(|record| Event::of_record(record, place)));
        }
    }
    events.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    events
}

/// Is it the principal itself, or a session of the role?
fn is_session_of(arn: &str, principal: &str) -> bool {
    let role = arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split('/').next());
    arn == principal || role.is_some_and(|role| principal.rsplit('/').next() == Some(role))
}

fn principal_of(events: &[Event]) -> String {
    events.iter().rev().find_map(|event| event.identity.principal()).unwrap_or_default()
}

fn summary(document: &Document, events: &[Event]) -> AlertSummary {
    let text = |name: &str| document.text(name).unwrap_or_default().to_owned();
    let newest = events.last().map(|event| event.time.to_string());
    let written = document.text("kibana.alert.original_time").or_else(|| document.text("@timestamp"));
    let risk = document.nodes("kibana.alert.risk_score").first().and_then(|score| score.as_f64());
    AlertSummary {
        uuid: text("kibana.alert.uuid"),
        rule_id: text("kibana.alert.rule.rule_id"),
        rule_name: text("kibana.alert.rule.name"),
        severity: text("kibana.alert.severity"),
        risk_score: risk.unwrap_or_default(),
        time: newest.or_else(|| written.map(str::to_owned)).unwrap_or_default(),
        reason: text("kibana.alert.reason"),
        event_ids: events.iter().filter_map(|event| event.id.clone()).collect(),
    }
}
