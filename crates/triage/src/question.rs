//! What a question of a guide asks: its topic, and the parts that can be answered one by one.

use std::sync::{Arc, Mutex, PoisonError};

use crate::investigate_query::carries_query;
use crate::names_in_text::Names;
use crate::report::Topic;
use foldhash::HashMap;

/// A question, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub topic: Topic,
    /// What it asks for, in the order of [`Aspect`]; empty when the logs can't answer any of it.
    pub aspects: Vec<Aspect>,
    /// Names of fields in it, such as `source.ip`.
    pub fields: Vec<String>,
    /// Names of parameters in it, such as `pendingWindowInDays`; those with a capital may be anything.
    pub parameters: Vec<String>,
    /// Names of calls in it, such as `CreateAccessKey`.
    pub calls: Vec<String>,
    /// Why the logs can't answer a part of it: whole sentences.
    pub beyond_logs: Vec<String>,
}

/// A part of a question that can be answered by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aspect {
    /// Who acted, how authenticated, from where?
    Who,
    /// Who brought it about, where the event itself names nobody or is a consequence?
    Cause,
    /// Is it usual for them?
    Usual,
    /// Which key or resource?
    Which,
    /// What depends on it?
    Dependents,
    /// What fails already?
    Failing,
    /// In which state is it, and how much time is left?
    State,
    /// Is deleted material back?
    Reimport,
    /// Who is let in by policies and grants?
    Access,
    /// The parameters of the call.
    Request,
    /// What else did they do?
    Around,
    /// What did the one do who brought it about?
    AroundCause,
    /// Are there other alerts?
    Alerts,
}

/// Questions that were read: the alerts of a rule all ask the same.
#[derive(Debug, Default)]
pub struct ReadQuestions(Mutex<HashMap<String, Arc<Question>>>);

impl ReadQuestions {
    /// Reads a question, or remembers it.
    pub fn read(&self, text: &str) -> Arc<Question> {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(text) {
            return Arc::clone(known);
        }
        let question = Arc::new(read_question(text));
        read.insert(text.to_owned(), Arc::clone(&question));
        question
    }
}

/// Reads a question.
pub fn read_question(text: &str) -> Question {
    let lower = text.to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| contains_word(&lower, phrase));
    let topic = topic_of(text, &lower);
    let mut aspects = Vec::new();
    let mut add = |aspect: Aspect, wanted: bool| {
        if wanted && !aspects.contains(&aspect) {
            aspects.push(aspect);
        }
    };
    add(Aspect::Who, topic == Topic::Actor);
    add(Aspect::Cause, has(CAUSE));
    add(Aspect::Usual, topic == Topic::Actor && has(USUAL));
    add(Aspect::Which, topic == Topic::Target);
    add(Aspect::Dependents, matches!(topic, Topic::Target | Topic::State) && has(DEPENDENTS));
    add(Aspect::Failing, matches!(topic, Topic::Target | Topic::State) && has(FAILING));
    add(Aspect::State, topic == Topic::State || topic == Topic::Target && has(STATE));
    add(Aspect::Reimport, topic == Topic::State && has(REIMPORT));
    add(Aspect::Access, matches!(topic, Topic::Target | Topic::State) && has(ACCESS));
    add(Aspect::Request, topic == Topic::Target && has(REQUEST));
    let of_cause = contains_word(&lower, "the principal of question");
    add(Aspect::Around, topic == Topic::Surroundings && !of_cause);
    add(Aspect::AroundCause, topic == Topic::Surroundings && of_cause);
    add(Aspect::Alerts, topic == Topic::Surroundings || has(ALERTS));
    let mut beyond_logs: Vec<String> = Vec::new();
    for (phrases, why) in BEYOND {
        if has(phrases) {
            beyond_logs.push((*why).to_owned());
        }
    }
    let found = Names::of(text);
    // A step that only names calls asks whether they were made; one that only names fields, for their values.
    let topic = match topic {
        Topic::Other if !asks_people(&lower) && !found.calls.is_empty() => Topic::Surroundings,
        Topic::Other if !asks_people(&lower) && !found.nothing() => Topic::Target,
        topic => topic,
    };
    if topic == Topic::Other && beyond_logs.is_empty() && found.nothing() {
        beyond_logs.push(
            "This step asks for nothing that Bartizan can look up; a person has to answer it.".to_owned(),
        );
    }
    Question {
        topic,
        aspects,
        fields: found.fields,
        parameters: found.parameters,
        calls: found.calls,
        beyond_logs,
    }
}

const CAUSE: &[&str] = &["who set", "who scheduled", "how did it get", "who disabled", "who deleted"];
const USUAL: &[&str] = &[
    "before",
    "usual",
    "unusual",
    "normal",
    "normally",
    "new",
    "expected",
    "unexpected",
    "rare",
    "rarely",
    "first time",
    "typical",
    "baseline",
    "historical",
    "history",
    "routine",
    "routinely",
    "anomal",
    "regular",
    "previously",
    "familiar",
    "known",
    "time of day",
    "legitimate",
    "deviat",
    "consistent",
    "matches",
];
const DEPENDENTS: &[&str] = &[
    "depend",
    "encrypted under",
    "used it",
    "used the key",
    "services",
    "workload",
    "data stores",
    "applications",
];
const FAILING: &[&str] = &["fail", "failing", "refused", "hit already", "since"];
const STATE: &[&str] = &[
    "state",
    "time left",
    "how much time",
    "still",
    "imported again",
    "was imported",
    "imported after all",
    "in use again",
    "put back",
    "taken back",
    "takes it back",
    "expire",
    "expiry",
    "restored",
    "revert",
    "undone",
    "re-enabled",
    "recovered",
    "later attempt",
    "left out before",
    "failing now",
    "resume",
    "canceled",
    "cancelled",
    "pending deletion",
];
const REIMPORT: &[&str] =
    &["imported again", "was imported", "imported after all", "re-import", "reimport", "importkeymaterial"];
const ACCESS: &[&str] =
    &["policy", "policies", "grant", "grants", "grantee", "may use", "may administer", "let in", "whom"];
const REQUEST: &[&str] =
    &["request parameters", "request_parameters", "response elements", "response_elements", "parameters"];
const ALERTS: &[&str] =
    &["other alerts", "related alerts", "alerts associated", "other detections", "overlapping detections"];
const SURROUNDINGS: &[&str] = &[
    "what else",
    "around that time",
    "around the time",
    "around the same time",
    "related activity",
    "related activities",
    "related events",
    "related api",
    "other actions",
    "other activity",
    "other activities",
    "other suspicious",
    "correlate",
    "correlation",
    "pivot",
    "subsequent",
    "subsequently",
    "preceding",
    "preceded",
    "prior to",
    "following the",
    "follow-on",
    "follow-up",
    "lateral",
    "before or after",
    "before and after",
    "other alerts",
    "related alerts",
    "alerts associated",
    "same session",
    "past 48 hours",
    "timeline",
    "enumeration",
    "other api",
    "additional activity",
    "surrounding",
    "nearby",
    "search for",
    "look for",
    "check for",
    "sequence of",
    "burst",
    "same actor",
    "same principal",
    "other calls",
    "activity from the same",
    "chain",
    "persistence",
    "privilege escalation",
    "exfiltration",
    "followed by",
];
const WHO: &[&str] = &[
    "who acted",
    "who is acting",
    "who needs",
    "who set",
    "who scheduled",
    "who performed",
    "who made",
    "who initiated",
    "who called",
    "who did",
    "who executed",
    "who created",
];
const ACTOR: &[&str] = &[
    "who",
    "identity",
    "identities",
    "actor",
    "principal",
    "caller",
    "user",
    "username",
    "access key",
    "access_key_id",
    "source ip",
    "source.ip",
    "source address",
    "source.address",
    "ip address",
    "user agent",
    "user_agent",
    "user-agent",
    "authenticated",
    "session",
    "mfa",
    "console",
    "geolocation",
    "source.geo",
    "asn",
    "role",
    "user_identity",
    "sdk",
    "cli",
    "tooling",
    "location",
    "account owner",
    "automation",
];
const TARGET: &[&str] = &[
    "which",
    "whom",
    "whose",
    "resource",
    "resources",
    "arn",
    "bucket",
    "instance",
    "snapshot",
    "volume",
    "database",
    "function",
    "trail",
    "key",
    "secret",
    "policy",
    "group",
    "cluster",
    "table",
    "parameters",
    "request_parameters",
    "response_elements",
    "affected",
    "target",
    "scope",
    "request parameters",
    "region",
    "cloud.region",
    "cloud.account.id",
    "detector",
    "alarm",
    "queue",
    "topic",
    "domain",
    "scope of",
    "account",
];
const BEYOND: &[(&[&str], &str)] = &[
    (
        &[
            "contact",
            "interview",
            "consult",
            "verify with",
            "confirm with",
            "ask the",
            "check with",
            "validate with",
            "reach out",
            "confirmed by",
        ],
        "It asks for what people know, and that is not in the logs.",
    ),
    (
        &[
            "change request",
            "change window",
            "maintenance window",
            "maintenance windows",
            "ticket",
            "ticketing",
            "change-management",
            "change management",
            "change calendar",
            "approved",
            "authorized",
            "authorised",
            "sanctioned",
            "approval",
        ],
        "Whether it was approved stands in no log: compare with your change records.",
    ),
    (
        &[
            "reputation",
            "threat intelligence",
            "threat intel",
            "cmdb",
            "inventory",
            "owner of",
            "ownership",
            "documentation",
        ],
        "It asks for knowledge from outside of the logs.",
    ),
    (
        &["the organisation use", "one of yours", "your accounts"],
        "Which accounts and Regions are yours is not in the logs.",
    ),
];

/// Does it send the reader to other people rather than to the logs?
fn asks_people(lower: &str) -> bool {
    let start = lower.trim_start_matches(['*', ' ', '_']);
    const STARTS: &[&str] = &[
        "contact",
        "interview",
        "consult",
        "coordinate with",
        "verify with",
        "confirm with",
        "ask ",
        "check with",
        "validate with",
        "reach out",
    ];
    STARTS.iter().any(|verb| start.starts_with(verb))
}

/// The first rule that fits decides; the order of the rules is the meaning.
fn topic_of(text: &str, lower: &str) -> Topic {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| contains_word(lower, phrase));
    let first = lower.split_inclusive(['?', '.']).next().unwrap_or(lower);
    let first_has = |phrases: &[&str]| phrases.iter().any(|phrase| contains_word(first, phrase));
    if carries_query(text) || lower.contains("!{osquery") {
        Topic::Query
    } else if asks_people(lower) {
        Topic::Other
    } else if first.starts_with("which ") || first.starts_with("whose ") {
        Topic::Target
    } else if first.starts_with("what else") || contains_word(lower, "around that time") && !first_has(WHO) {
        Topic::Surroundings
    } else if first_has(WHO) {
        Topic::Actor
    } else if first.ends_with('?') && first_has(STATE) {
        Topic::State
    } else if first.starts_with("who ") && first_has(ACCESS) || first.starts_with("whom ") {
        Topic::Target
    } else if first_has(SURROUNDINGS) {
        Topic::Surroundings
    } else if first_has(ACTOR) {
        Topic::Actor
    } else if first_has(TARGET) {
        Topic::Target
    } else if first_has(STATE) {
        Topic::State
    } else if has(SURROUNDINGS) {
        Topic::Surroundings
    } else if has(ACTOR) {
        Topic::Actor
    } else if has(TARGET) {
        Topic::Target
    } else {
        Topic::Other
    }
}

/// Does a phrase stand in a text, beginning and ending where words do? Endings such as `s` or `ed` of a longer phrase's
/// last word count as its own.
fn contains_word(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + phrase.len()..).unwrap_or_default();
        let ending: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            && (ending.len() <= 3 || phrase.len() >= 6 && ending.len() <= 6)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_of_many_kinds() {
        use Aspect::{Access, Around, AroundCause, Cause, Dependents, Reimport, State, Usual, Which, Who};
        for (text, topic, aspects) in [
            (
                "Who acted, and how? Has this principal used that network before?",
                Topic::Actor,
                &[Who, Usual][..],
            ),
            ("Which key is it, and what depends on it?", Topic::Target, &[Which, Dependents]),
            (
                "Was the same material imported again? Look for ImportKeyMaterial.",
                Topic::State,
                &[State, Reimport],
            ),
            ("In which state is the key now, and how much time is left?", Topic::State, &[State]),
            ("What else did the same principal do around that time?", Topic::Surroundings, &[Around]),
            ("What else did the principal of question 1 do?", Topic::Surroundings, &[AroundCause]),
            ("Who scheduled the deletion? This event has no identity.", Topic::Actor, &[Who, Cause]),
            ("Whom does the policy let in?", Topic::Target, &[Which, Access]),
            (
                "Review `source.ip` and `user_agent.original` for unexpected origins.",
                Topic::Actor,
                &[Who, Usual],
            ),
            ("Contact the team.", Topic::Other, &[]),
            ("Breathe deeply.", Topic::Other, &[]),
        ] {
            let read = read_question(text);
            let seen: Vec<Aspect> =
                read.aspects.into_iter().filter(|aspect| *aspect != Aspect::Alerts).collect();
            assert_eq!((read.topic, seen.as_slice()), (topic, aspects), "{text}");
            assert_eq!(read.topic == Topic::Other, !read.beyond_logs.is_empty(), "{text}");
        }
    }

    #[test]
    fn names_in_a_question() {
        let read = read_question(
            "Check `s3:ListBuckets`, CreateAccessKey and Decrypt; see `pendingWindowInDays`, `aws.cloudtrail.user_identity.arn`, kms.amazonaws.com and AWS.",
        );
        assert_eq!(read.calls, ["ListBuckets", "CreateAccessKey", "Decrypt"]);
        assert_eq!(read.parameters, ["pendingWindowInDays"]);
        assert_eq!(read.fields, ["aws.cloudtrail.user_identity.arn"]);
    }

    #[test]
    fn every_question_of_our_guides_has_a_topic_and_something_to_answer() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
        let mut questions = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if !name.ends_with(".toml") || name.ends_with(".test.toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let note =
                text.split("note = \"\"\"").nth(1).and_then(|rest| rest.split("\"\"\"").next()).unwrap();
            let guide = rule::guide::Guide::parse(note);
            for item in guide.items(rule::guide::SectionKind::Investigation) {
                let read = read_question(item);
                questions += 1;
                assert!(read.topic != Topic::Other && !read.aspects.is_empty(), "{name}: {item}");
                assert!(
                    !item.starts_with("What else") || read.topic == Topic::Surroundings,
                    "{name}: {item}"
                );
                assert!(!item.starts_with("Which") || read.topic == Topic::Target, "{name}: {item}");
                let who = ["Who acted", "Who is acting", "Who needs", "Who set", "Who scheduled"];
                assert!(
                    !who.iter().any(|who| item.starts_with(who)) || read.topic == Topic::Actor,
                    "{name}: {item}"
                );
                let state = [
                    "In which state",
                    "Was the same",
                    "Was material",
                    "Is the store",
                    "Is the key",
                    "Did the key",
                    "Is anything",
                    "How did it",
                    "Did a later",
                    "Were the events",
                ];
                assert!(
                    !state.iter().any(|state| item.starts_with(state)) || read.topic == Topic::State,
                    "{name}: {item}"
                );
            }
        }
        assert!(questions >= 72, "{questions}");
    }
}
