//! The report of one alert's investigation: the guide's questions answered, and the findings they rest on.

use serde::Serialize;

use crate::actor::Actor;
use crate::answer::Answer;
use crate::kms::blast_radius::BlastRadius;
use crate::kms::key_report::KeyReport;
use crate::kms::reimport::Reimport;
use crate::response::ResponsePlan;
use crate::surroundings::Surroundings;
use crate::verdict::Verdict;

/// An investigated alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriageReport {
    /// The moment that states and clocks are told for: of old logs their end. RFC 3339, UTC.
    pub at: String,
    /// Which alert.
    pub alert: AlertSummary,
    /// The guide's questions in its order, each with an answer or the reason for none.
    pub questions: Vec<AnsweredQuestion>,
    /// What it amounts to.
    pub verdict: Verdict,
    /// Who acted; `None` when the alert names nobody.
    pub actor: Option<Actor>,
    /// The keys that the alert is about; empty for alerts of other services.
    pub keys: Vec<KeyReport>,
    /// What depends on them, key by key.
    pub blast_radius: Vec<BlastRadius>,
    /// Set when imported material was deleted.
    pub reimport: Option<Reimport>,
    /// What else happened.
    pub surroundings: Surroundings,
    /// What to do.
    pub response: ResponsePlan,
    /// How far the logs reach, and what they lack: whole sentences.
    pub coverage: Vec<String>,
}

/// Which alert it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AlertSummary {
    /// `kibana.alert.uuid`.
    pub uuid: String,
    /// The rule's id.
    pub rule_id: String,
    /// The rule's name.
    pub rule_name: String,
    /// `low` to `critical`.
    pub severity: String,
    /// 0 to 100.
    pub risk_score: f64,
    /// When the event happened. RFC 3339, UTC.
    pub time: String,
    /// The reason in one sentence.
    pub reason: String,
    /// `eventID`s of the events that it was made of.
    pub event_ids: Vec<String>,
}

/// A question of the guide, with its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnsweredQuestion {
    /// As the guide asks it.
    pub question: String,
    /// What it is about.
    pub topic: Topic,
    /// The answer.
    pub answer: Answer,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Who acted, and is it usual for them?
    Actor,
    /// Which key or resource, and what depends on it?
    Target,
    /// In which state is the key, how much time is left, is the material back?
    State,
    /// What else did they do?
    Surroundings,
    /// A query that the guide carries.
    Query,
    /// Something that the logs can't answer.
    Other,
}
