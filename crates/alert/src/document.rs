//! The alert document: the event's fields, and beside them the flat `kibana.alert.*` fields.

use ecs::{Document, Scalar};
use serde_json::{Map, Value};

use crate::fields;
use crate::source::RemovedValue;

/// An alert.
///
/// The event's fields keep the nesting that they had; the alert's own fields are flat dotted keys at the top. The keys
/// of every object are in byte order, so that equal alerts are equal as text.
///
/// Accessors return `None` where the field is missing or is no text; of several values they return the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    document: Document,
    warnings: Vec<RemovedValue>,
}

impl Alert {
    pub(crate) fn new(document: Map<String, Value>, mut warnings: Vec<RemovedValue>) -> Self {
        let mut document = Value::Object(document);
        document.sort_all_objects();
        let document = match document {
            Value::Object(map) => Document::from_map(map),
            _ => Document::new(),
        };
        // Stable: values of one field stay in the order of the event.
        warnings.sort_by(|a, b| a.path.cmp(&b.path));
        Self { document, warnings }
    }

    /// The whole document, ready to be written as JSON.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Gives up the document.
    pub fn into_document(self) -> Document {
        self.document
    }

    /// The values of the event that the alert does not have, by field name. The event still has them.
    pub fn warnings(&self) -> &[RemovedValue] {
        &self.warnings
    }

    /// The alert's id.
    pub fn uuid(&self) -> Option<&str> {
        self.document.text(fields::UUID)
    }

    /// The stable name of the rule.
    pub fn rule_id(&self) -> Option<&str> {
        self.document.text(fields::RULE_ID)
    }

    /// The rule's name, after overrides.
    pub fn rule_name(&self) -> Option<&str> {
        self.document.text(fields::RULE_NAME)
    }

    /// `low`, `medium`, `high` or `critical`, after overrides.
    pub fn severity(&self) -> Option<&str> {
        self.document.text(fields::SEVERITY)
    }

    /// 0 to 100, after overrides.
    pub fn risk_score(&self) -> Option<f64> {
        match self.document.first(fields::RISK_SCORE)? {
            Scalar::Int(score) => Some(score as f64),
            Scalar::Float(score) => Some(score),
            _ => None,
        }
    }

    /// When the event, or the first of a sequence, happened: UTC, RFC 3339 with milliseconds.
    pub fn original_time(&self) -> Option<&str> {
        self.document.text(fields::ORIGINAL_TIME)
    }

    /// One sentence: what happened, and which rule says so.
    pub fn reason(&self) -> Option<&str> {
        self.document.text(fields::REASON)
    }

    /// The rule's investigation guide, in Markdown.
    pub fn guide(&self) -> Option<&str> {
        self.document.text(fields::RULE_NOTE)
    }

    /// Is it kept from view? So is an alert about one event of a sequence, and every alert of a building block rule.
    pub fn is_building_block(&self) -> bool {
        self.document.first(fields::BUILDING_BLOCK_TYPE).is_some()
    }

    /// The id of the shell of the sequence to which the alert belongs; on the shell its own id.
    pub fn group_id(&self) -> Option<&str> {
        self.document.text(fields::GROUP_ID)
    }

    /// Which event of its sequence the alert is about, from 0; `None` for the shell.
    pub fn group_index(&self) -> Option<u64> {
        match self.document.first(fields::GROUP_INDEX)? {
            Scalar::Int(index) => u64::try_from(index).ok(),
            _ => None,
        }
    }

    /// The event's `event.id`.
    pub fn event_id(&self) -> Option<&str> {
        self.document.text("event.id")
    }

    /// The event's `user.name`.
    pub fn user_name(&self) -> Option<&str> {
        self.document.text("user.name")
    }

    /// The event's `source.ip`.
    pub fn source_ip(&self) -> Option<&str> {
        self.document.text("source.ip")
    }

    /// The event's `cloud.account.id`.
    pub fn account(&self) -> Option<&str> {
        self.document.text("cloud.account.id")
    }

    /// The event's `cloud.region`.
    pub fn region(&self) -> Option<&str> {
        self.document.text("cloud.region")
    }
}
