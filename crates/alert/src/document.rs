//! The alert document: the event's fields, and beside them the flat `kibana.alert.*` fields.

use std::sync::{Arc, OnceLock};

use ecs::{Document, Scalar};
use serde_json::{Map, Value};

use crate::compliance::RemovedValue;
use crate::event_text::EventText;
use crate::fields;
use crate::shared_fields::{Field, SharedFields};

/// An alert.
///
/// The event's fields keep the nesting that they had; the alert's own fields are flat dotted keys at the top. The keys
/// of every object are in byte order, so that equal alerts are equal as text.
///
/// Accessors return `None` where the field is missing or is no text; of several values they return the first.
///
/// What all alerts of a rule have in common in one run is kept once for all of them, so that an alert costs little memory and
/// [`write_json`](Self::write_json) little time. [`document`](Self::document) brings the parts together.
#[derive(Debug, Clone)]
pub struct Alert {
    /// The event's fields. Neither here nor below are the keys of a tree in any order.
    event: EventFields,
    /// The alert's own fields that differ from alert to alert, flat.
    own: Document,
    /// No field is in two of the parts.
    shared: Arc<SharedFields>,
    warnings: Vec<RemovedValue>,
    /// `"name":value,` of fields that came later, with their names.
    attached: Vec<(Box<str>, Vec<u8>)>,
    /// All parts but those that came later; made when someone asks.
    whole: OnceLock<Document>,
}

/// What an alert has of its event.
#[derive(Debug, Clone)]
enum EventFields {
    Tree(Document),
    /// The tree is made when someone asks.
    Text(EventText, OnceLock<Document>),
}

impl PartialEq for Alert {
    fn eq(&self, other: &Self) -> bool {
        self.document() == other.document()
            && self.warnings == other.warnings
            && self.attached == other.attached
    }
}

impl Alert {
    /// Where both have a field, that of the alert counts. Among `own` there is none that alerts of the rule share.
    pub(crate) fn new(
        mut event: Map<String, Value>,
        own: Map<String, Value>,
        shared: Arc<SharedFields>,
        mut warnings: Vec<RemovedValue>,
    ) -> Self {
        // Stable: values of one field stay in the order of the event.
        warnings.sort_by(|a, b| a.path.cmp(&b.path));
        event.swap_remove(fields::TIMESTAMP);
        // An event has nothing of `kibana`.
        for name in own.keys().filter(|name| !name.starts_with("kibana.")) {
            event.swap_remove(name);
        }
        let (event, own) = (EventFields::Tree(Document::from_map(event)), Document::from_map(own));
        Self { event, own, shared, warnings, attached: Vec::new(), whole: OnceLock::new() }
    }

    /// The same, of an event that is there as text.
    pub(crate) fn of_text(event: EventText, own: Map<String, Value>, shared: Arc<SharedFields>) -> Self {
        let (event, own) = (EventFields::Text(event, OnceLock::new()), Document::from_map(own));
        Self { event, own, shared, warnings: Vec::new(), attached: Vec::new(), whole: OnceLock::new() }
    }

    fn event(&self) -> &Document {
        match &self.event {
            EventFields::Tree(document) => document,
            EventFields::Text(text, document) => document.get_or_init(|| text.document()),
        }
    }

    /// The whole document. It is made at the first call; to write an alert, [`write_json`](Self::write_json) does
    /// without it.
    pub fn document(&self) -> &Document {
        self.whole.get_or_init(|| self.shared.with([self.event(), &self.own]))
    }

    /// The document without the long texts that all alerts of the rule have: its parameters, description, guide, setup,
    /// threat, false positives, exceptions and actions. To make it costs much less.
    pub fn brief_document(&self) -> Document {
        self.shared.brief_with([self.event(), &self.own])
    }

    /// Gives up the document.
    pub fn into_document(self) -> Document {
        self.document();
        self.whole.into_inner().unwrap_or_default()
    }

    /// Appends the document as one JSON object without white space.
    ///
    /// # Errors
    /// None that an alert can cause; JSON writers may fail in general.
    pub fn write_json(&self, to: &mut Vec<u8>) -> std::io::Result<()> {
        fn values(document: &Document) -> impl Iterator<Item = (&str, Field<'_>)> {
            document.as_map().iter().map(|(name, value)| (name.as_str(), Field::Value(value)))
        }
        let attached = self.attached.iter().map(|(name, text)| (&**name, Field::Text(text)));
        let own = values(&self.own).chain(attached);
        Ok(match &self.event {
            EventFields::Tree(document) => self.shared.write_with(values(document).chain(own), to),
            EventFields::Text(text, _) => {
                let event = text.fields().map(|(name, text)| (name, Field::Text(text)));
                self.shared.write_with(event.chain(own), to)
            }
        }?)
    }

    /// Adds a field of our own that was made after the alert, such as its investigation: `value` is a JSON text. It is
    /// written with the alert, its keys in the order that they have; [`document`](Self::document) and the accessors do
    /// without it. `name` must be none that the alert has.
    ///
    /// # Errors
    /// None that a name can cause.
    pub fn attach(&mut self, name: &str, value: &[u8]) -> std::io::Result<()> {
        let mut field = Vec::with_capacity(name.len() + value.len() + 4);
        serde_json::to_writer(&mut field, name)?;
        field.push(b':');
        field.extend_from_slice(value);
        field.push(b',');
        self.attached.push((name.into(), field));
        Ok(())
    }

    /// The values of a field in document order, as [`Document::values`] gives them.
    pub fn values(&self, name: &str) -> Vec<Scalar<'_>> {
        let mut found = self.event().values(name);
        found.extend(self.own.values(name));
        found.extend(self.shared.document().values(name));
        found
    }

    /// The values of the event that the alert does not have, by field name. The event still has them.
    pub fn warnings(&self) -> &[RemovedValue] {
        &self.warnings
    }

    /// The alert's id.
    pub fn uuid(&self) -> Option<&str> {
        self.own.text(fields::UUID)
    }

    /// The stable name of the rule.
    pub fn rule_id(&self) -> Option<&str> {
        self.shared.document().text(fields::RULE_ID)
    }

    /// The rule's name, after overrides.
    pub fn rule_name(&self) -> Option<&str> {
        self.own.text(fields::RULE_NAME)
    }

    /// `low`, `medium`, `high` or `critical`, after overrides.
    pub fn severity(&self) -> Option<&str> {
        self.own.text(fields::SEVERITY)
    }

    /// 0 to 100, after overrides.
    pub fn risk_score(&self) -> Option<f64> {
        match self.own.first(fields::RISK_SCORE)? {
            Scalar::Int(score) => Some(score as f64),
            Scalar::Float(score) => Some(score),
            _ => None,
        }
    }

    /// When the event, or the first of a sequence, happened: UTC, RFC 3339 with milliseconds.
    pub fn original_time(&self) -> Option<&str> {
        self.own.text(fields::ORIGINAL_TIME)
    }

    /// One sentence: what happened, and which rule says so.
    pub fn reason(&self) -> Option<&str> {
        self.own.text(fields::REASON)
    }

    /// The rule's investigation guide, in Markdown.
    pub fn guide(&self) -> Option<&str> {
        self.shared.document().text(fields::RULE_NOTE)
    }

    /// Is it kept from view? So is an alert about one event of a sequence, and every alert of a building block rule.
    pub fn is_building_block(&self) -> bool {
        self.own.first(fields::BUILDING_BLOCK_TYPE).is_some()
    }

    /// The id of the shell of the sequence to which the alert belongs; on the shell its own id.
    pub fn group_id(&self) -> Option<&str> {
        self.own.text(fields::GROUP_ID)
    }

    /// Which event of its sequence the alert is about, from 0; `None` for the shell.
    pub fn group_index(&self) -> Option<u64> {
        match self.own.first(fields::GROUP_INDEX)? {
            Scalar::Int(index) => u64::try_from(index).ok(),
            _ => None,
        }
    }

    /// The event's `event.id`.
    pub fn event_id(&self) -> Option<&str> {
        self.event().text("event.id")
    }

    /// The event's `user.name`.
    pub fn user_name(&self) -> Option<&str> {
        self.event().text("user.name")
    }

    /// The event's `source.ip`.
    pub fn source_ip(&self) -> Option<&str> {
        self.event().text("source.ip")
    }

    /// The event's `cloud.account.id`.
    pub fn account(&self) -> Option<&str> {
        self.event().text("cloud.account.id")
    }

    /// The event's `cloud.region`.
    pub fn region(&self) -> Option<&str> {
        self.event().text("cloud.region")
    }
}
