//! What a function says of one row: a value, nothing, or nothing with a warning.

pub(crate) use crate::value::Refusal;

/// What a function says of one row.
pub(crate) type Answer<T> = Result<Option<T>, Refusal>;
