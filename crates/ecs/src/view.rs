//! What a matcher may ask of an event, whatever form the event has.
//!
//! A full [`Document`](crate::Document) knows every field. A raw record that was only skimmed knows some and
//! answers [`Known::Unknown`] for the rest, so that the caller can go and make the document.

use crate::{FieldId, Scalar};

/// An answer that may not be at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The answer is yes.
    Yes,
    /// The answer is no.
    No,
    /// This view of the event cannot tell; a fuller one can.
    Unknown,
}

impl From<bool> for Known {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

/// One event, seen through the fields of a [`FieldTable`](crate::FieldTable).
pub trait EventView {
    /// Does any value of the field pass the test? A missing field is [`Known::No`].
    ///
    /// For a flattened field every leaf below it is a value.
    fn any_value(&self, field: FieldId, test: &mut dyn FnMut(Scalar<'_>) -> bool) -> Known;

    /// Has the field at least one value? An object counts when any leaf below it does.
    fn exists(&self, field: FieldId) -> Known;

    /// Does any leaf of the event pass the test, which is given its dotted name and its value?
    fn any_leaf(&self, test: &mut dyn FnMut(&str, Scalar<'_>) -> bool) -> Known;

    /// Does any element of the array of objects at `field` pass the test, which sees that element alone?
    fn any_nested(&self, field: FieldId, test: &mut dyn FnMut(&dyn EventView) -> Known) -> Known;
}
