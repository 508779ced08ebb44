//! An answer to one question, with the evidence for it or the reason why there is none.

use serde::Serialize;

use crate::event::Event;
use crate::place::Place;

/// How far a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// The logs at hand answer it.
    Yes,
    /// They answer a part; [`Answer::why_not_whole`] says which is missing, and why.
    Partly,
    /// They don't; [`Answer::why_not_whole`] says why.
    No,
}

/// An answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// How far it is answered.
    pub answered: Answered,
    /// Whole sentences, the most important one first. Plain text; names of AWS stand as they are.
    pub text: Vec<String>,
    /// What the sentences rest on, oldest first.
    pub evidence: Vec<Evidence>,
    /// Set unless the answer is whole.
    pub why_not_whole: Option<String>,
    /// What a reader must not conclude from it, such as that no events means no use.
    pub warnings: Vec<String>,
}

impl Answer {
    /// No answer, and why.
    pub fn none(why: impl Into<String>) -> Self {
        Self {
            answered: Answered::No,
            text: Vec::new(),
            evidence: Vec::new(),
            why_not_whole: Some(why.into()),
            warnings: Vec::new(),
        }
    }

    /// A whole answer.
    pub fn whole(text: Vec<String>, evidence: Vec<Evidence>) -> Self {
        Self { answered: Answered::Yes, text, evidence, why_not_whole: None, warnings: Vec::new() }
    }
}

/// An event that a sentence rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// RFC 3339, UTC.
    pub time: String,
    /// `eventID`.
    pub event_id: Option<String>,
    /// `eventSource`.
    pub provider: String,
    /// `eventName`.
    pub action: String,
    /// What it shows, as part of a sentence, such as `the deletion is scheduled`.
    pub shows: String,
    /// Where the record lies.
    pub place: Place,
}

impl Evidence {
    /// An event as evidence for something.
    pub fn of(event: &Event, shows: impl Into<String>) -> Self {
        Self {
            time: event.time.to_string(),
            event_id: event.id.clone(),
            provider: event.provider.clone(),
            action: event.action.clone(),
            shows: shows.into(),
            place: event.place.clone(),
        }
    }
}
