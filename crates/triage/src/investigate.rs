//! The investigation of one alert: from what is at hand to the report.

use ecs::{Document, Timestamp};
use rule::guide::{Guide, SectionKind};
use serde_json::json;

use crate::activity::Activity;
use crate::actor::{Actor, OriginOf, plural};
use crate::answer::Answer;
use crate::event::Event;
use crate::findings::{Findings, Told};
use crate::investigate_query::{
    GuideQuery, Query, QueryAnswer, QueryError, carries_query, queries_of, without_queries,
};
use crate::kms::blast_radius::BlastRadius;
use crate::kms::coverage::Coverage;
use crate::kms::key_id::KeyId;
use crate::kms::key_report::{KeyReport, TimelineEntry};
use crate::kms::reimport::{Reimport, ReimportVerdict};
use crate::kms::sorted_keys::SortedKeys;
use crate::kms::state::KeyState;
use crate::place::Place;
use crate::question::ReadQuestions;
use crate::report::{AlertSummary, AnsweredQuestion, Topic, TriageReport};
use crate::response::{ResponsePlan, Situation};
use crate::surroundings::{KnownAlert, Surroundings, Window};
use crate::verdict::{Facts, count_hidden, judge, propose_exceptions};

/// What is investigated.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The alert in short.
    pub alert: &'a AlertSummary,
    /// Its document.
    pub document: &'a Document,
    /// Its events, oldest first. Empty where they are not at hand: the report then says so.
    pub events: &'a [Event],
    /// Its rule's guide; empty when the rule has none, in which case our own questions are asked.
    pub guide: &'a Guide,
}

/// What is known of the keys that an alert is about. Empty for alerts of other services.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyFindings {
    /// The keys, at the end of the logs at hand or at the moment that the report is about.
    pub keys: Vec<KeyReport>,
    /// What depends on them, key by key.
    pub blast_radius: Vec<BlastRadius>,
    /// Set when imported material was deleted.
    pub reimport: Option<Reimport>,
}

impl KeyFindings {
    /// What is known at a moment of the keys that the events of an alert are about. `at` is how far the logs reach, or
    /// any earlier moment that the report is to be about.
    ///
    /// Material is looked for when one of the events deleted it, or a key waits for it.
    pub fn of(keys: &SortedKeys<'_>, events: &[Event], at: Timestamp, coverage: &Coverage) -> Self {
        let mut ids: Vec<KeyId> = Vec::new();
        for id in events.iter().flat_map(|event| keys.keys_of(event)) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let first = events.iter().map(|event| event.time).min().unwrap_or(at);
        let deletion = events.iter().find(|event| {
            event.succeeded()
                && ["DeleteImportedKeyMaterial", "DeleteExpiredKeyMaterial"].contains(&event.action.as_str())
        });
        let mut found = Self::default();
        for id in &ids {
            let Some(report) = keys.report(id, at) else { continue };
            if found.reimport.is_none() && (deletion.is_some() || report.state == KeyState::PendingImport) {
                let of_this = deletion.filter(|event| keys.keys_of(event).contains(id));
                found.reimport = keys.reimport(id, of_this.and_then(|event| event.id.as_deref()), at);
            }
            found.blast_radius.push(keys.blast_radius(id, first, coverage));
            found.keys.push(report);
        }
        found
    }
}

/// What is at hand besides the alert.
#[derive(Clone, Copy)]
pub struct AtHand<'a> {
    /// The moment that states and clocks are told for.
    pub at: Timestamp,
    /// What every principal does.
    pub activity: &'a Activity,
    /// What is known of the keys.
    pub keys: &'a KeyFindings,
    /// All alerts of the data at hand, this one included.
    pub alerts: &'a [KnownAlert<'a>],
    /// How far around the alert is looked.
    pub window: Window,
    /// Looks up where an address lies, where databases are given.
    pub origin_of: Option<OriginOf<'a>>,
    /// How far the logs reach, and what they lack: whole sentences.
    pub coverage: &'a [String],
    /// Those of guides that were read.
    pub questions: &'a ReadQuestions,
}

/// Asks a query of the events, or alerts, at hand; or says in a whole sentence why it can't.
pub type AskQuery<'a> = &'a (dyn Fn(&Query) -> Result<QueryAnswer, String> + Sync);

/// The calls of KMS that take a key away, or set the date for it.
const TAKES_AWAY: [&str; 5] = [
    "ScheduleKeyDeletion",
    "DisableKey",
    "DeleteImportedKeyMaterial",
    "ImportKeyMaterial",
    "DisconnectCustomKeyStore",
];

/// Our questions for a rule without a guide, about keys.
const KEY_QUESTIONS: [&str; 4] = [
    "Who acted, and how were they authenticated? Is it usual for this principal?",
    "Which key is it, and what depends on it?",
    "In which state is the key now, and how much time is left? Was deleted material imported again?",
    "What else did the same principal do around that time?",
];

/// Our questions for a rule without a guide, about anything else.
const QUESTIONS: [&str; 3] = [
    "Who acted, and how were they authenticated? Is it usual for this principal?",
    "Which resource is it, and what are the request parameters?",
    "What else did the same principal do around that time?",
];

/// Investigates an alert. The same subject and the same evidence give the same report.
///
/// Exceptions are counted over the alerts at hand with the levels that they have so far; call
/// [`count_hidden`] again once all are judged.
pub fn investigate(subject: &Subject<'_>, at_hand: &AtHand<'_>, ask: AskQuery<'_>) -> TriageReport {
    let activity = at_hand.activity;
    let KeyFindings { keys, blast_radius, reimport } = at_hand.keys;
    let cause = cause_of(subject.events, keys);
    let stand_in = cause.and_then(|cause| event_of_cause(cause, activity));
    let named = subject.events.iter().rev().find(|event| names_somebody(event));
    let acting = named.or(stand_in.as_ref());
    let actor = acting.and_then(|event| Actor::of(event, activity, at_hand.origin_of));
    let principal = actor.as_ref().and_then(|actor| actor.principal.clone());

    let acted: &[Event] = match (named, &stand_in) {
        (None, Some(event)) => std::slice::from_ref(event),
        _ => subject.events,
    };
    let set_right = set_right_by(reimport.as_ref());
    let around = |events: &[Event], principal: Option<&str>| {
        Surroundings::of(
            events,
            principal,
            &set_right,
            &subject.alert.uuid,
            activity,
            at_hand.window,
            at_hand.alerts,
        )
    };
    let surroundings = around(acted, principal.as_deref());
    let other = stand_in.as_ref().filter(|event| event.identity.principal() != principal);
    let around_cause =
        other.map(|event| around(std::slice::from_ref(event), event.identity.principal().as_deref()));
    let (from, to) = (parsed(&surroundings.from), parsed(&surroundings.to));

    let findings = Findings {
        events: subject.events,
        document: subject.document,
        activity,
        actor: actor.as_ref(),
        cause,
        keys,
        blast_radius,
        reimport: reimport.as_ref(),
        surroundings: &surroundings,
        around_cause: around_cause.as_ref(),
        window: from.zip(to),
    };
    let questions = answer_guide(subject, &findings, at_hand.questions, ask);

    let facts = Facts {
        alert: subject.alert,
        events: subject.events,
        actor: actor.as_ref(),
        keys,
        blast_radius,
        reimport: reimport.as_ref(),
        surroundings: &surroundings,
    };
    let mut verdict = judge(&facts);
    verdict.exceptions = propose_exceptions(verdict.level, actor.as_ref(), subject.events, subject.document);
    count_hidden(&mut verdict.exceptions, &subject.alert.rule_id, at_hand.alerts);
    let situation = Situation {
        keys,
        reimport: reimport.as_ref(),
        actor: actor.as_ref(),
        linked: &surroundings.linked,
        level: verdict.level,
    };
    let response = ResponsePlan::of(&situation);
    TriageReport {
        at: at_hand.at.to_string(),
        alert: subject.alert.clone(),
        questions,
        verdict,
        keys: keys.clone(),
        blast_radius: blast_radius.clone(),
        reimport: reimport.clone(),
        surroundings,
        response,
        coverage: coverage_of(activity, at_hand.coverage),
        actor,
    }
}

fn answer_guide(
    subject: &Subject<'_>,
    findings: &Findings<'_>,
    read: &ReadQuestions,
    ask: AskQuery<'_>,
) -> Vec<AnsweredQuestion> {
    let mut items: Vec<&str> = subject.guide.items(SectionKind::Investigation).collect();
    if items.is_empty() {
        items = if findings.keys.is_empty() { QUESTIONS.to_vec() } else { KEY_QUESTIONS.to_vec() };
    }
    let mut answered = Vec::new();
    let mut told = Told::new();
    for item in items {
        if item.contains("!{osquery") {
            answered.push(AnsweredQuestion {
                question: item.to_owned(),
                topic: Topic::Query,
                answer: Answer::none(
                    "It is a query for an agent on a machine, and there is none here to ask.",
                ),
            });
        } else if carries_query(item) {
            answer_queries(item, subject, findings, ask, &mut answered);
        } else {
            let question = read.read(item);
            let answer = findings.answer(&question, answered.len() + 1, &mut told);
            answered.push(AnsweredQuestion { question: item.to_owned(), topic: question.topic, answer });
        }
    }
    // Queries that stand in the running text.
    for section in &subject.guide.sections {
        answer_queries(&section.text, subject, findings, ask, &mut answered);
    }
    answered
}

fn answer_queries(
    text: &str,
    subject: &Subject<'_>,
    findings: &Findings<'_>,
    ask: AskQuery<'_>,
    answered: &mut Vec<AnsweredQuestion>,
) {
    let queries = queries_of(text);
    let alone = queries.len() == 1;
    for query in queries {
        let question = match &query {
            Ok(query) if !alone && !query.label.is_empty() => query.label.clone(),
            // A text without a line break is an item of a list.
            _ if !text.contains('\n') => without_queries(text),
            Ok(query) => query.label.clone(),
            Err(_) => "A query of the guide".to_owned(),
        };
        let answer = answer_query(query, subject, findings, ask);
        answered.push(AnsweredQuestion { question, topic: Topic::Query, answer });
    }
}

fn answer_query(
    query: Result<GuideQuery, QueryError>,
    subject: &Subject<'_>,
    findings: &Findings<'_>,
    ask: AskQuery<'_>,
) -> Answer {
    let time = subject.events.first().map(|event| event.time).or_else(|| subject.alert.time.parse().ok());
    let Some(time) = time else {
        return Answer::none("The alert has no time to reckon the query's times from.");
    };
    let end = findings.activity.span().map_or(time, |(_, end)| end);
    let filled = query.and_then(|query| query.fill(subject.document, time, end));
    let (query, lacking) = match filled {
        Ok(filled) => filled,
        Err(why) => return Answer::none(sentence(&why.to_string())),
    };
    let found = match ask(&query) {
        Ok(found) => found,
        Err(why) => return Answer::none(why),
    };
    let of = if query.asks_for_alerts() { "alert" } else { "event" };
    let when = match (query.range.from, query.range.to) {
        (Some(from), Some(to)) => format!(" from {from} to {to}"),
        (Some(from), None) => format!(" from {from} on"),
        (None, Some(to)) => format!(" up to {to}"),
        (None, None) => String::new(),
    };
    let says = match (&found.first, &found.last) {
        (Some(first), Some(last)) => format!(
            "{} with {query}{when}, the first at {first} and the last at {last}.",
            plural(found.count, of)
        ),
        _ => format!("{} with {query}{when}.", plural(found.count, of)),
    };
    let mut answer = Answer::whole(vec![says], found.examples);
    let lacks = (!lacking.is_empty()).then(|| {
        format!("A part of the query needs {}, which the alert does not have.", lacking.join(" and "))
    });
    let reasons: Vec<String> = lacks.into_iter().chain(found.why_not_whole).collect();
    if !reasons.is_empty() {
        answer.answered = crate::answer::Answered::Partly;
        answer.why_not_whole = Some(reasons.join(" "));
    }
    answer
}

/// An error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn names_somebody(event: &Event) -> bool {
    let identity = &event.identity;
    identity.invoked_by.as_deref() != Some("AWS Internal")
        && event.event_type.as_deref() != Some("AwsServiceEvent")
        && (identity.arn.is_some() || identity.principal_id.is_some() || identity.invoked_by.is_some())
}

/// The last call before the alert's last event that takes one of the keys away and is none of its events.
fn cause_of<'a>(events: &[Event], keys: &'a [KeyReport]) -> Option<&'a TimelineEntry> {
    let last = events.iter().map(|event| event.time).max()?;
    let ids: Vec<&String> = events.iter().filter_map(|event| event.id.as_ref()).collect();
    keys.iter()
        .flat_map(|key| &key.timeline)
        .filter(|entry| TAKES_AWAY.contains(&entry.action.as_str()) && entry.error.is_none())
        .filter(|entry| entry.principal.is_some())
        .filter(|entry| entry.evidence.event_id.as_ref().is_none_or(|id| !ids.contains(&id)))
        .filter_map(|entry| Some((entry.time.parse::<Timestamp>().ok()?, entry)))
        .filter(|(time, _)| *time <= last)
        .max_by_key(|(time, _)| *time)
        .map(|(_, entry)| entry)
}

/// Events that brought the same material back, for good.
fn set_right_by(reimport: Option<&Reimport>) -> Vec<&str> {
    let back = reimport.filter(|reimport| {
        let same = matches!(reimport.verdict, ReimportVerdict::SameMaterial | ReimportVerdict::EnforcedByKms);
        same && reimport.expires.is_none()
    });
    let evidence = back.into_iter().flat_map(|reimport| &reimport.evidence);
    evidence
        .filter(|one| one.action == "ImportKeyMaterial")
        .filter_map(|one| one.event_id.as_deref())
        .collect()
}

/// The event behind a key's timeline, as far as the activity kept it; else with the principal alone.
fn event_of_cause(cause: &TimelineEntry, activity: &Activity) -> Option<Event> {
    let principal = cause.principal.as_deref()?;
    let kept = cause.evidence.event_id.as_deref().and_then(|id| activity.act(principal, id));
    let arn = kept.as_ref().map(|act| act.arn).filter(|arn| !arn.is_empty()).unwrap_or(principal);
    let text = |pick: fn(&crate::activity::Kept<'_>) -> String| kept.as_ref().map(pick).unwrap_or_default();
    let record = json!({
        "eventTime": cause.time, "eventID": cause.evidence.event_id, "eventName": cause.action,
        "eventSource": cause.evidence.provider, "awsRegion": text(|act| act.region.to_owned()),
        "sourceIPAddress": text(|act| act.address.to_owned()), "userAgent": text(|act| act.user_agent.to_owned()),
        "recipientAccountId": text(|act| act.account.to_owned()), "readOnly": false,
        "userIdentity": { "arn": arn, "accessKeyId": text(|act| act.access_key.as_str().to_owned()),
            "sessionContext": { "sessionIssuer": { "arn": if arn == principal { "" } else { principal } } } },
    });
    Event::of_record(record.as_object()?, kept.map_or(Place::Unknown, |act| act.place()))
}

fn coverage_of(activity: &Activity, given: &[String]) -> Vec<String> {
    let mut says = Vec::new();
    if let Some((from, to)) = activity.span() {
        says.push(format!(
            "The logs at hand hold {} from {from} to {to}.",
            plural(activity.events(), "event")
        ));
    } else {
        says.push("There are no logs at hand besides the alert itself.".to_owned());
    }
    let left_out = activity.left_out();
    if left_out.events > 0 {
        says.push(format!(
            "{} did not fit into memory, and nothing is called new or rare after the first of them.",
            plural(left_out.events, "event")
        ));
    }
    if left_out.acts > 0 {
        says.push(format!("{} are counted but not kept one by one.", plural(left_out.acts, "act")));
    }
    let sessions = activity.sessions().left_out();
    if sessions > 0 {
        says.push(format!(
            "{} were not kept, so some sessions cannot be followed.",
            plural(sessions, "start of a session")
        ));
    }
    says.extend(given.iter().cloned());
    says
}

fn parsed(time: &Option<String>) -> Option<Timestamp> {
    time.as_deref().and_then(|time| time.parse().ok())
}
