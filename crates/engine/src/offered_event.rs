//! An event that is offered to rules, and made into a document only when some rule may want it.

use ecs::{DataStream, EventView, FieldId, Timestamp};
use matcher::value::date_of;

use crate::error::EngineError;
use crate::execute::MadeEvent;

/// An event on offer. What is known of it before it is made may be less than its document says, but never something else.
pub trait OfferedEvent {
    /// Where it belongs.
    fn stream(&self) -> &DataStream;

    /// What places it in a range or around it: as [`MadeEvent::time`].
    fn time(&self) -> Option<Timestamp>;

    /// Its `@timestamp`.
    fn happened(&self) -> Option<Timestamp>;

    /// What is known of it, as the fields of a part's plan; `None` when it has to be made for that. Parts are named by their
    /// positions.
    fn known(&self, part: usize) -> Option<impl KnownFields + '_>;

    /// The event with its document.
    ///
    /// # Errors
    /// When it cannot be had.
    fn make(self) -> Result<MadeEvent, EngineError>;
}

/// What is known of an event before it is made.
pub trait KnownFields: EventView {
    /// Is anything known of a field? The answer is the same for all events of a data stream in one execution.
    fn knows(&self, field: FieldId) -> bool;
}

/// Of an event that was made before nothing is known that its document does not say.
impl OfferedEvent for MadeEvent {
    fn stream(&self) -> &DataStream {
        &self.stream
    }

    fn time(&self) -> Option<Timestamp> {
        self.time
    }

    fn happened(&self) -> Option<Timestamp> {
        let at = self.document.first("@timestamp").and_then(date_of)?;
        Timestamp::from_millisecond(at).ok()
    }

    fn known(&self, _: usize) -> Option<impl KnownFields + '_> {
        None::<Nothing>
    }

    fn make(self) -> Result<MadeEvent, EngineError> {
        Ok(self)
    }
}

/// Nothing is known.
struct Nothing;

impl KnownFields for Nothing {
    fn knows(&self, _: FieldId) -> bool {
        false
    }
}

impl EventView for Nothing {
    fn any_value(&self, _: FieldId, _: &mut dyn FnMut(ecs::Scalar<'_>) -> bool) -> ecs::Known {
        ecs::Known::Unknown
    }

    fn exists(&self, _: FieldId) -> ecs::Known {
        ecs::Known::Unknown
    }

    fn any_leaf(&self, _: &mut dyn FnMut(&str, ecs::Scalar<'_>) -> bool) -> ecs::Known {
        ecs::Known::Unknown
    }

    fn any_nested(&self, _: FieldId, _: &mut dyn FnMut(&dyn EventView) -> ecs::Known) -> ecs::Known {
        ecs::Known::Unknown
    }
}
