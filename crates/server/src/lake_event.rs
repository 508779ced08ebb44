//! An event of the lake on offer to rules: its columns first, its document when some rule may want it.

use ecs::{DataStream, EventView, FieldId, Known, Scalar, Timestamp};
use engine::{EngineError, KnownFields, MadeEvent, OfferedEvent};
use lake::{Glimpse, GlimpseView, LakeError, StoredEvent, TimeField};

/// An event of the lake, on offer.
#[derive(Debug)]
pub(crate) struct LakeEvent {
    pub(crate) glimpse: Glimpse,
    /// The time that the lake is asked by.
    pub(crate) time_field: TimeField,
}

/// What the columns of the lake tell of an event.
struct ByColumns<'g>(GlimpseView<'g>);

impl LakeEvent {
    /// The event with its document.
    ///
    /// # Errors
    /// When its document is not what was written.
    pub(crate) fn event(&self) -> Result<MadeEvent, EngineError> {
        let StoredEvent { data_stream, id, document } = self.glimpse.event().map_err(unreadable)?;
        Ok(MadeEvent { document, id, stream: data_stream, time: self.time() })
    }
}

impl OfferedEvent for LakeEvent {
    fn stream(&self) -> &DataStream {
        self.glimpse.data_stream()
    }

    fn time(&self) -> Option<Timestamp> {
        match self.time_field {
            TimeField::Timestamp => self.happened(),
            TimeField::Ingested => self.glimpse.ingested().or_else(|| self.happened()),
        }
    }

    fn happened(&self) -> Option<Timestamp> {
        self.glimpse.timestamp()
    }

    fn known(&self, part: usize) -> Option<impl KnownFields + '_> {
        Some(ByColumns(self.glimpse.view(part)))
    }

    fn make(self) -> Result<MadeEvent, EngineError> {
        self.event()
    }
}

impl KnownFields for ByColumns<'_> {
    fn knows(&self, field: FieldId) -> bool {
        self.0.knows(field)
    }
}

impl EventView for ByColumns<'_> {
    fn any_value(&self, field: FieldId, test: &mut dyn FnMut(Scalar<'_>) -> bool) -> Known {
        self.0.any_value(field, test)
    }

    fn exists(&self, field: FieldId) -> Known {
        self.0.exists(field)
    }

    fn any_leaf(&self, test: &mut dyn FnMut(&str, Scalar<'_>) -> bool) -> Known {
        self.0.any_leaf(test)
    }

    fn any_nested(&self, field: FieldId, test: &mut dyn FnMut(&dyn EventView) -> Known) -> Known {
        self.0.any_nested(field, test)
    }
}

/// The lake cannot be read.
pub(crate) fn unreadable(error: LakeError) -> EngineError {
    EngineError::Events(Box::new(error))
}
